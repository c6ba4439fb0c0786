"""Records into JSON lines on disk, and beside them what was lost or kept aside on the way.

A ledger lies beside what an import, an export or a reconciliation wrote, and goes when the same
place is written again and nothing is lost.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gonerd.errors import ConfigError, Lost, StoreError, listing
from gonerd.records import Loss
from gonerd.store import count_losses, is_stream, write_files

_LEDGER, _ASIDES = ".ledger.jsonl", ".asides.jsonl"


def is_beside(name: str) -> bool:
    """Say whether a file is what a command leaves beside the annotations it writes."""
    return name.endswith((_LEDGER, _ASIDES))


def losses_path(out: Path) -> Path:
    """Name the ledger that lies beside what was written."""
    return _beside(out, _LEDGER)


def asides_path(out: Path) -> Path:
    """Name the file of what was kept aside."""
    return _beside(out, _ASIDES)


def check_strict(losses: Sequence[Loss], strict: bool) -> None:
    """Refuse losses where --strict was given, before anything is written."""
    counted = count_losses(losses)
    if strict and counted:
        lines = [f"{count:,} x {reason}" for reason, count in counted.items()]
        raise Lost(
            f"--strict: {sum(counted.values()):,} losses; expected none. Nothing was written.\n"
            f"{listing(lines)}"
        )


def check_apart(read: Iterable[Path | None], places: Iterable[tuple[str, Path | None]]) -> None:
    """Refuse to write over what is read; `places` with the option that names each."""
    known = {path.resolve() for path in read if path is not None and str(path) != "-"}
    for option, place in places:
        if place is not None and str(place) != "-" and place.resolve() in known:
            raise ConfigError(
                f"{option} {place}: is read by the same command; expected a place of its own."
            )


def lines_of(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Lay out objects one a line."""
    content = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return content.encode("utf-8", "backslashreplace")  # a lone surrogate, as JSON has it


def write_all(contents: Mapping[Path, bytes]) -> list[Path]:
    """Write files, all or none, `-` to standard output, and say which files there are."""
    files = {path: content for path, content in contents.items() if str(path) != "-"}
    for path in files:
        if os.path.isdir(path):
            raise StoreError(
                f"{path}: is a folder, and one file is to be written; expected its name."
            )
    write_files(files)
    for path, content in contents.items():
        if path not in files:
            sys.stdout.buffer.write(content)
    return list(files)


def write_with_beside(
    contents: Mapping[Path, bytes],
    out: Path,
    losses: Iterable[Loss],
    asides: Iterable[Mapping[str, Any]] = (),
) -> list[Path]:
    """Write files, and beside `out` ledger and asides where there is something to say.

    All is written or none. An older ledger goes where nothing is lost. Beside standard output, and
    a device, nothing can lie.
    """
    if str(out) == "-" or is_stream(out):
        return write_all(contents)
    lost: list[Mapping[str, Any]] = [asdict(loss) for loss in losses]
    beside = {losses_path(out): lost, asides_path(out): list(asides)}
    found = {path: lines_of(lines) for path, lines in beside.items() if lines}
    files = write_all({**contents, **found})
    for path in beside.keys() - found.keys():
        path.unlink(missing_ok=True)
    return files


def _beside(out: Path, ending: str) -> Path:
    place = out if out.name.strip(".") else out.resolve()  # `.` has no name to add to
    return place.with_name(place.name.removesuffix(".jsonl") + ending)
