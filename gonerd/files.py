"""Plain files into records: JSON lines, Parquet shards, text with names marked inline.

Every reader takes a path (or `-` for standard input), checks each record, and reports all bad lines
of a file in one error, the first ten whole.
"""

import codecs
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from gonerd.errors import GonerdError, RecordError, SourceError, located, raise_all
from gonerd.marked import read_marked
from gonerd.records import (
    Annotation,
    Dispute,
    Document,
    annotation_from_json,
    dispute_from_json,
    document_from_json,
    text_sha256,
)

R = TypeVar("R")


def numbered_lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read the lines of a file that are not blank, each with where it stands."""
    for number, raw in enumerate(_lines(path), start=1):
        if raw.strip():
            yield f"{path}:{number}", raw


def parse_json_line(raw: bytes, where: str) -> dict[str, Any]:
    """Parse one line that must hold a JSON object."""
    try:
        row = json.loads(raw)
    except UnicodeDecodeError as error:
        raise RecordError(
            f"{where}: byte {error.start} of the line is not UTF-8; expected JSON in UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{where}: not JSON ({error}); expected one object a line.") from None
    if not isinstance(row, dict):
        raise RecordError(f"{where}: {str(row)[:60]!r}; expected an object.")
    return row


def load_documents(path: Path) -> list[Document]:
    """Read documents from a .jsonl file, or from a .parquet file or a folder of such."""
    if files := parquet_files(path):
        from gonerd.arrow import DOCUMENTS, documents_from

        return [document for file in files for document in _load(file, DOCUMENTS, documents_from)]
    return _each_line(path, document_from_json)


def load_annotations(path: Path) -> list[tuple[str, Annotation, str | None]]:
    """Read annotations, each with where it stood and its text if the file carries it."""
    if files := parquet_files(path):
        from gonerd.arrow import ANNOTATIONS, annotations_from

        return [
            (str(file), annotation, None)
            for file in files
            for annotation in _load(file, ANNOTATIONS, annotations_from)
        ]

    def read(row: dict[str, Any], where: str) -> tuple[str, Annotation, str | None]:
        return (where, *annotation_from_json(row, where))

    return _each_line(path, read)


def load_disputes(path: Path) -> list[Dispute]:
    """Read disputes, open and settled, from a .jsonl file."""
    return _each_line(path, dispute_from_json)


def load_marked(path: Path, *, annotator: str, guide: str, labels: Iterable[str]) -> Annotation:
    """Read a .marked file as an annotation of the whole text; its name is the document's id."""
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        text, spans = read_marked(content.decode("utf-8"), labels, str(path))
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; expected a text with marks.") from None
    except UnicodeDecodeError as error:
        raise RecordError(
            f"{path}: byte {error.start} (0x{error.object[error.start]:02x}) is not UTF-8; "
            "expected a text in UTF-8."
        ) from None
    return Annotation(
        document_id=path.stem,
        text_sha256=text_sha256(text),
        annotator=annotator,
        guide=guide,
        coverage=((0, len(text)),) if text else (),
        spans=tuple(spans),
    )


def parquet_files(path: Path) -> list[Path]:
    """List the Parquet files a path stands for: itself, or those directly in the folder."""
    if path.suffix == ".parquet" and path.is_file():
        return [path]
    if path.is_dir():
        return sorted(file for file in path.glob("*.parquet") if file.name != "ledger.parquet")
    return []


def _lines(path: Path) -> Iterator[bytes]:
    if str(path) == "-":
        yield from sys.stdin.buffer
        return
    if path.is_dir():
        raise SourceError(f"{path}: a folder without .parquet files; expected a .jsonl file.")
    try:
        with path.open("rb") as stream:
            yield from stream
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; expected a file of JSON lines.") from None


def _each_line(path: Path, read: Callable[[dict[str, Any], str], R]) -> list[R]:
    """Read every line of a file, and report all that are wrong at once."""
    records: list[R] = []
    problems: list[GonerdError] = []
    for where, raw in numbered_lines(path):
        try:
            records.append(read(parse_json_line(raw, where), where))
        except RecordError as error:
            problems.append(error)
    raise_all(str(path), problems)
    return records


def _load(file: Path, schema: Any, read: Callable[[Any], list[R]]) -> list[R]:
    """Read the records of a Parquet file that anybody may have written."""
    from gonerd.store import read_part

    table = read_part(file)
    if missing := sorted(set(schema.names) - set(table.column_names)):
        raise RecordError(
            f"{file}: no column {missing[0]!r}; expected the columns {', '.join(schema.names)}."
        )
    try:
        return located(str(file), read, table)
    except (TypeError, AttributeError, ValueError, KeyError) as error:
        raise RecordError(
            f"{file}: a value is missing or of another type ({error}); expected the form that "
            "gonerd writes."
        ) from None
