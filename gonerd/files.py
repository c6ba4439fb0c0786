"""Plain files into records and back: JSON lines, Parquet shards, text with names marked inline.

Every reader takes a path (or `-` for standard input), checks each record, and reports all bad lines
of a file in one error, the first ten whole.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gonerd.errors import GonerdError, RecordError, SourceError, listing
from gonerd.marked import read_marked
from gonerd.records import (
    Annotation,
    Document,
    annotation_from_json,
    document_from_json,
    text_sha256,
)
from gonerd.store import write_file


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the objects of a JSON lines file with where each stands; blank lines are skipped."""
    for number, raw in enumerate(_lines(path), start=1):
        if raw.strip():
            yield f"{path}:{number}", parse_json_line(raw, f"{path}:{number}")


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


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write objects one a line; `-` is standard output."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if str(path) == "-":
        sys.stdout.write(lines)
    else:
        write_file(path, lines.encode("utf-8"))


def load_documents(path: Path) -> list[Document]:
    """Read documents from a .jsonl file, or from a .parquet file or a folder of such."""
    if parquet_files(path):
        from gonerd.arrow import documents_from
        from gonerd.store import read_part

        return [
            document for part in parquet_files(path) for document in documents_from(read_part(part))
        ]
    documents: list[Document] = []
    problems: list[GonerdError] = []
    for where, row in read_json_lines(path):
        try:
            documents.append(document_from_json(row, where))
        except GonerdError as error:
            problems.append(error)
    _raise_all(path, problems)
    return documents


def load_annotations(path: Path) -> list[tuple[str, Annotation, str | None]]:
    """Read annotations, each with where it stood and its text if the file carries it."""
    if parquet_files(path):
        from gonerd.arrow import annotations_from
        from gonerd.store import read_part

        return [
            (str(part), annotation, None)
            for part in parquet_files(path)
            for annotation in annotations_from(read_part(part))
        ]
    loaded: list[tuple[str, Annotation, str | None]] = []
    problems: list[GonerdError] = []
    for where, row in read_json_lines(path):
        try:
            annotation, text = annotation_from_json(row, where)
            loaded.append((where, annotation, text))
        except GonerdError as error:
            problems.append(error)
    _raise_all(path, problems)
    return loaded


def load_marked(path: Path, *, annotator: str, guide: str, labels: Iterable[str]) -> Annotation:
    """Read a .marked file as an annotation of the whole text; its name is the document's id."""
    text, spans = read_marked(read_text(path), labels, str(path))
    return Annotation(
        document_id=path.stem,
        text_sha256=text_sha256(text),
        annotator=annotator,
        guide=guide,
        coverage=((0, len(text)),) if text else (),
        spans=tuple(spans),
    )


def read_text(path: Path) -> str:
    """Read a file as UTF-8 without touching its line ends."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(
            f"{path}: byte {error.start} (0x{content[error.start]:02x}) is not UTF-8; "
            "expected a text in UTF-8."
        ) from None


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


def _raise_all(path: Path, problems: list[GonerdError]) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        messages = [str(problem).splitlines()[0] for problem in problems]
        raise RecordError(
            f"{path}: {len(problems)} records are wrong; expected none.\n{listing(messages)}"
        )
