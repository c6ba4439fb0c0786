"""Annotation files, and the texts they speak of, into documents with everything said about each."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gonerd.beside import is_beside
from gonerd.errors import RecordError, SourceError, TextMismatch, located, raise_all
from gonerd.files import load_annotations, load_documents, parquet_files
from gonerd.records import Annotation, Document, check_fit


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotated:
    """A document with everything said about it."""

    document: Document
    annotations: tuple[Annotation, ...]
    """By annotator name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What annotation files say about one document, its text perhaps unknown."""

    document_id: str
    annotations: tuple[Annotation, ...]
    """By annotator name."""
    document: Document | None


def gather(
    files: Sequence[Path], documents: Path | None = None, *, unread: bool = False
) -> list[Gathered]:
    """Read annotation files, and group them by document, in order of id.

    A file is `.jsonl`, `.parquet`, a folder of such, or `-`. Texts are those that the files carry
    and those of `documents`; with `unread`, also of documents that nobody annotated. Two
    annotations of a document by one annotator are a RecordError, of two texts a TextMismatch.
    """
    known = {} if documents is None else documents_by_id(documents)
    said: dict[str, dict[str, tuple[str, Annotation]]] = defaultdict(dict)
    problems: list[RecordError] = []
    for file in annotation_files(files):
        for where, annotation, text in load_annotations(file):
            try:
                _add(said[annotation.document_id], where, annotation)
                if text is not None and annotation.document_id not in known:
                    known[annotation.document_id] = _document(annotation.document_id, text)
            except RecordError as error:
                problems.append(error)
    raise_all("annotations", problems)
    gathered = []
    for document_id in known if unread else ():
        said.setdefault(document_id, {})
    for document_id, by_annotator in sorted(said.items()):
        document = known.get(document_id)
        if document is not None:
            for where, annotation in by_annotator.values():
                located(where, check_fit, annotation, document)
        gathered.append(
            Gathered(
                document_id=document_id,
                annotations=tuple(by_annotator[name][1] for name in sorted(by_annotator)),
                document=document,
            )
        )
    return gathered


def with_texts(gathered: Iterable[Gathered]) -> list[Annotated]:
    """Insist on a document, a SourceError if there is none, and on every text, a RecordError."""
    annotated = []
    missing = []
    for one in gathered:
        if one.document is None:
            missing.append(one.document_id)
        else:
            annotated.append(Annotated(document=one.document, annotations=one.annotations))
    if missing:
        raise RecordError(
            f"{missing[0]}: no text among the annotations ({len(missing)} such); expected the text "
            "of every document.\nGive the texts with --documents (.jsonl or .parquet)."
        )
    if not annotated:
        raise none_at_all()
    return annotated


def none_at_all() -> SourceError:
    """Say that files of annotations hold none."""
    return SourceError("annotations: none in all files; expected at least one record.")


def annotation_files(paths: Sequence[Path]) -> list[Path]:
    """List the files that paths stand for, folders searched for `.jsonl` and `.parquet`."""
    files: list[Path] = []
    for path in paths:
        if str(path) == "-" or os.path.isfile(path):
            files.append(path)
            continue
        is_folder = os.path.isdir(path)
        inside = sorted([*path.glob("*.jsonl"), *parquet_files(path)]) if is_folder else []
        inside = [file for file in inside if not is_beside(file.name)]
        if not inside:
            raise SourceError(
                f"{path}: {_why_not(path)}; expected a .jsonl or .parquet file, or a folder of "
                "such."
            )
        files += inside
    return files


def _why_not(path: Path) -> str:
    try:
        if os.path.isdir(path):
            os.listdir(path)
        path.stat()
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return error.strerror or str(error)
    return "holds no annotations"


def documents_by_id(path: Path) -> dict[str, Document]:
    """Read documents by their ids; one id for two texts is a TextMismatch."""
    found: dict[str, Document] = {}
    for document in load_documents(path):
        other = found.setdefault(document.id, document)
        if other.text_sha256 != document.text_sha256:
            raise TextMismatch(
                f"{path}: two texts of document {document.id!r}; expected an id for each."
            )
    return found


def _document(document_id: str, text: str) -> Document:
    return Document(id=document_id, text=text, source=document_id, license="unknown", language="en")


def _add(
    by_annotator: dict[str, tuple[str, Annotation]], where: str, annotation: Annotation
) -> None:
    for other_where, other in by_annotator.values():
        if other.annotator == annotation.annotator:
            raise RecordError(
                f"{where}: a second annotation of {annotation.document_id!r} by "
                f"{annotation.annotator!r}, after {other_where}; expected one, with all its "
                "coverage."
            )
        if other.text_sha256 != annotation.text_sha256:
            raise TextMismatch(
                f"{where}: {annotation.annotator!r} annotated another text of "
                f"{annotation.document_id!r} (sha256) than {other.annotator!r} in {other_where}; "
                "expected the same text."
            )
    by_annotator[annotation.annotator] = (where, annotation)
