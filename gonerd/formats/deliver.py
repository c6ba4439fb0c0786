"""What was imported or exported into files on disk, the ledger of what was lost beside them."""

import os
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from gonerd.beside import (
    asides_path,
    check_strict,
    lines_of,
    losses_path,
    write_with_beside,
)
from gonerd.errors import ConfigError, StoreError
from gonerd.formats.layers import Written
from gonerd.formats.members import find_members, names_of, text_of
from gonerd.formats.step import Imported
from gonerd.gather import documents_by_id
from gonerd.records import Document, annotation_to_json, document_to_json


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
    if documents_out in (out, losses_path(out), asides_path(out)):
        raise ConfigError(
            f"--documents-out {documents_out}: the place of --out, or of what lies beside it; "
            "expected another."
        )
    check_strict(imported.losses, strict)
    rows = []
    for annotation in imported.annotations:
        row = annotation_to_json(annotation)
        if documents_out is None:
            row["text"] = imported.documents[annotation.document_id].text
        rows.append(row)
    contents = {out: lines_of(rows)}
    if documents_out is not None:
        documents = [document_to_json(imported.documents[name]) for name in imported.documents]
        contents[documents_out] = lines_of(documents)
    asides = [asdict(aside) for aside in imported.asides]
    return write_with_beside(contents, out, imported.losses, asides)


def deliver_export(written: Written, out: Path, *, strict: bool) -> list[Path]:
    """Write the files of an export, and what was lost, and say which files there are."""
    check_strict(written.losses, strict)
    if set(written.files) == {""}:
        return write_with_beside({out: written.files[""]}, out, written.losses)
    if str(out) == "-":
        raise ConfigError(
            f"--out -: the format writes {len(written.files)} files here; expected a folder."
        )
    if os.path.isfile(out):
        raise StoreError(
            f"{out}: is a file, and {len(written.files)} files are to be written; expected a "
            "folder."
        )
    contents = {}
    for name, content in sorted(written.files.items()):
        parts = PurePosixPath(name).parts
        assert parts and ".." not in parts and not PurePosixPath(name).is_absolute(), name
        contents[out.joinpath(*parts)] = content
    return write_with_beside(contents, out, written.losses)
