"""What was imported or exported into files on disk, the ledger of what was lost beside them."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from gonerd.errors import ConfigError, Lost, StoreError, listing
from gonerd.formats.layers import Written
from gonerd.formats.members import find_members, names_of, text_of
from gonerd.formats.step import Imported
from gonerd.gather import ASIDES, LEDGER, documents_by_id
from gonerd.records import Document, Loss, annotation_to_json, document_to_json
from gonerd.store import count_losses, write_file


def load_texts(path: Path) -> dict[str, Document]:
    """Read the texts that foreign files do not hold: documents, or a folder of `.txt`, by id."""
    texts = find_members([path]) if path.is_dir() else []
    texts = [member for member in texts if member.suffix == ".txt"]
    if not texts:
        return documents_by_id(path)
    documents: dict[str, Document] = {}
    for member in texts:
        name, _ = names_of(member, annotator=None, paths=None)
        documents[name] = Document(
            id=name, text=text_of(member), source=name, license="unknown", language="en"
        )
    return documents


def deliver_import(
    imported: Imported, out: Path, *, documents_out: Path | None, strict: bool
) -> list[Path]:
    """Write annotations, and what was lost or kept aside, and say which files there are.

    Texts go into the annotations, or to `documents_out`. `-` is standard output, and takes no files
    beside it. With `strict`, a loss writes nothing.
    """
    if out == documents_out:
        raise ConfigError(f"--documents-out {out}: the place of --out; expected another.")
    _check_strict(imported.losses, strict)
    rows = []
    for annotation in imported.annotations:
        row = annotation_to_json(annotation)
        if documents_out is None:
            row["text"] = imported.documents[annotation.document_id].text
        rows.append(row)
    asides = [asdict(aside) for aside in imported.asides]
    files = _write_lines(out, rows)
    if documents_out is not None:
        documents = [document_to_json(imported.documents[name]) for name in imported.documents]
        files += _write_lines(documents_out, documents)
    return [*files, *_write_beside(out, imported.losses, asides)]


def deliver_export(written: Written, out: Path, *, strict: bool) -> list[Path]:
    """Write the files of an export, and what was lost, and say which files there are."""
    _check_strict(written.losses, strict)
    if set(written.files) == {""}:
        if str(out) == "-":
            sys.stdout.buffer.write(written.files[""])
            return []
        _write_one(out, written.files[""])
        return [out, *_write_beside(out, written.losses, [])]
    if str(out) == "-":
        raise ConfigError(
            f"--out -: the format writes {len(written.files)} files here; expected a folder."
        )
    if os.path.isfile(out):
        raise StoreError(
            f"{out}: is a file, and {len(written.files)} files are to be written; expected a "
            "folder."
        )
    files = []
    for name, content in sorted(written.files.items()):
        parts = PurePosixPath(name).parts
        assert parts and ".." not in parts and not PurePosixPath(name).is_absolute(), name
        write_file(out.joinpath(*parts), content)
        files.append(out.joinpath(*parts))
    return [*files, *_write_beside(out, written.losses, [])]


def losses_path(out: Path) -> Path:
    """Name the ledger that lies beside what was written."""
    return _beside(out, LEDGER)


def asides_path(out: Path) -> Path:
    """Name the file of what was kept aside."""
    return _beside(out, ASIDES)


def _beside(out: Path, ending: str) -> Path:
    place = out if out.name.strip(".") else out.resolve()  # `.` has no name to add to
    return place.with_name(place.name.removesuffix(".jsonl") + ending)


def _write_beside(
    out: Path, losses: Iterable[Loss], asides: Iterable[Mapping[str, Any]]
) -> list[Path]:
    """Write ledger and asides where there is something to say, and take an older one away."""
    if str(out) == "-":
        return []
    files: list[Path] = []
    lost: list[Mapping[str, Any]] = [asdict(loss) for loss in losses]
    for path, lines in ((losses_path(out), lost), (asides_path(out), list(asides))):
        if lines:
            files += _write_lines(path, lines)
        else:
            path.unlink(missing_ok=True)
    return files


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> list[Path]:
    content = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    encoded = content.encode("utf-8", "backslashreplace")  # a lone surrogate, as JSON has it
    if str(path) == "-":
        sys.stdout.buffer.write(encoded)
        return []
    _write_one(path, encoded)
    return [path]


def _write_one(path: Path, content: bytes) -> None:
    if os.path.isdir(path):
        raise StoreError(f"{path}: is a folder, and one file is to be written; expected its name.")
    write_file(path, content)


def _check_strict(losses: Iterable[Loss], strict: bool) -> None:
    counted = count_losses(list(losses))
    if strict and counted:
        lines = [f"{count:,} x {reason}" for reason, count in counted.items()]
        raise Lost(
            f"--strict: {sum(counted.values()):,} losses; expected none. Nothing was written.\n"
            f"{listing(lines)}"
        )
