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
from gonerd.store import count_losses, is_stream, write_file

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


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Write objects one a line, to standard output for `-`, and say which file there is."""
    content = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    encoded = content.encode("utf-8", "backslashreplace")  # a lone surrogate, as JSON has it
    return write_one(path, encoded)


def write_one(path: Path, content: bytes) -> list[Path]:
    """Write one file, to standard output for `-`, and say which file there is."""
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        return []
    if os.path.isdir(path):
        raise StoreError(f"{path}: is a folder, and one file is to be written; expected its name.")
    write_file(path, content)
    return [path]


def write_beside(
    out: Path, losses: Iterable[Loss], asides: Iterable[Mapping[str, Any]] = ()
) -> list[Path]:
    """Write ledger and asides where there is something to say, and take an older one away."""
    if str(out) == "-" or is_stream(out):
        return []
    files: list[Path] = []
    lost: list[Mapping[str, Any]] = [asdict(loss) for loss in losses]
    for path, lines in ((losses_path(out), lost), (asides_path(out), list(asides))):
        if lines:
            files += write_lines(path, lines)
        else:
            path.unlink(missing_ok=True)
    return files


def _beside(out: Path, ending: str) -> Path:
    place = out if out.name.strip(".") else out.resolve()  # `.` has no name to add to
    return place.with_name(place.name.removesuffix(".jsonl") + ending)
