"""People's annotation files into annotations/<person>/part-*.parquet, beside the documents.

Part 7 of an annotator holds what that annotator says about the documents of part 7, so that later
steps join part with part. A file is read once to know where each record lies, and a record again
when its part is made; no more than a part is ever in memory.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import pyarrow.parquet as pq

from gonerd.arrow import annotations_from, annotations_table, documents_from
from gonerd.engine import Batch, Engine, Outcome, run_step
from gonerd.errors import ConfigError, GonerdError, RecordError, SourceError, located, raise_all
from gonerd.files import parquet_files, parse_json_line
from gonerd.gather import annotation_files
from gonerd.guide import Guide
from gonerd.reconcile.decide import within_coverage
from gonerd.records import (
    Annotation,
    Document,
    Loss,
    annotation_from_json,
    annotation_to_json,
    check_fit,
)
from gonerd.store import fingerprint_of, read_part, require_manifest

_LONGEST_NAME = 200
"""A file system takes a little more in one name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one annotation lies."""

    where: str
    path: Path
    position: int
    """Byte (.jsonl) or row (.parquet)."""
    document_id: str
    annotator: str
    sha256: str
    """Of the record."""


def bring_passes(
    engine: Engine, work: Path, files: Sequence[Path], *, guide: Guide, reserved: Sequence[str]
) -> list[str]:
    """Bring people's annotations into the work folder; return their names.

    A record that does not fit its document or the guide is an error that names it; one of a
    document that was not collected goes to the ledger. `reserved` names are nobody's.
    """
    documents = require_manifest(work / "documents", "Run the step `collect` first.")
    parts = [work / "documents" / part.file for part in documents.parts]
    part_of = {
        document_id: index
        for index, part in enumerate(parts)
        for document_id in pq.read_table(part, columns=["id"])["id"].to_pylist()
    }
    by_annotator: dict[str, list[Place]] = {}
    for place in _distinct(_find(files)):
        if place.annotator in reserved or not 0 < len(place.annotator) <= _LONGEST_NAME:
            raise RecordError(
                f"{place.where}: annotator {place.annotator[:40]!r}; expected a person's name of "
                f"up to {_LONGEST_NAME} letters, and none of {', '.join(map(repr, reserved))}."
            )
        by_annotator.setdefault(place.annotator, []).append(place)
    for annotator, places in sorted(by_annotator.items()):
        shares: list[list[Place]] = [[] for _ in parts]
        for place in places:
            shares[part_of.get(place.document_id, 0)].append(place)
        batches = [
            Batch(
                payload=(part, share),
                fingerprint=fingerprint_of(listed.sha256, [place.sha256 for place in share]),
                size=len(share),
            )
            for part, listed, share in zip(parts, documents.parts, shares, strict=True)
        ]
        run_step(
            engine,
            annotator_folder(work, annotator),
            step="annotations",
            work=partial(_bring_batch, guide),
            batches=batches,
            config={
                "annotator": annotator,
                "guide": guide.reference,
                "labels": list(guide.labels),
            },
            inputs={"documents": documents.fingerprint},
        )
    return sorted(by_annotator)


def annotator_folder(work: Path, annotator: str) -> Path:
    """Name the folder of an annotator, whatever the name holds."""
    name = quote(annotator, safe="@ +")
    if len(name) > _LONGEST_NAME:  # letters beyond ASCII take nine characters each
        name = fingerprint_of(annotator)
    return work / "annotations" / (f"%2E{name[1:]}" if name.startswith(".") else name)


def _find(paths: Sequence[Path]) -> Iterator[Place]:
    try:
        files = annotation_files(paths)
    except SourceError as error:
        raise ConfigError(f"reconcile.annotations: {error}") from None
    problems: list[GonerdError] = []
    for path in files:
        if parquet_files(path):
            for row, annotation in enumerate(_rows(path)):
                raw = repr(annotation_to_json(annotation)).encode()
                yield _place(path, f"{path}: row {row}", row, annotation, raw)
            continue
        position = 0
        with _open(path) as stream:
            for number, line in enumerate(stream, start=1):
                where = f"{path}:{number}"
                if line.strip():
                    try:
                        annotation, _ = annotation_from_json(parse_json_line(line, where), where)
                        yield _place(path, where, position, annotation, line)
                    except RecordError as error:
                        problems.append(error)
                position += len(line)
    raise_all("annotations", problems)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; expected a file of annotations.") from None


def _rows(path: Path) -> list[Annotation]:
    try:
        return annotations_from(read_part(path))
    except (KeyError, TypeError) as error:
        raise RecordError(f"{path}: {error}; expected annotations.") from None


def _place(path: Path, where: str, position: int, annotation: Annotation, raw: bytes) -> Place:
    return Place(
        where=where,
        path=path,
        position=position,
        document_id=annotation.document_id,
        annotator=annotation.annotator,
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def _distinct(places: Iterator[Place]) -> list[Place]:
    first: dict[tuple[str, str], Place] = {}
    problems: list[GonerdError] = []
    for place in places:
        other = first.setdefault((place.annotator, place.document_id), place)
        if other is not place:
            message = (
                f"{place.where}: a second annotation of {place.document_id!r} by "
                f"{place.annotator!r}, after {other.where}; expected one, with all its coverage."
            )
            problems.append(RecordError(message))
    raise_all("annotations", problems)
    return list(first.values())


def _bring_batch(guide: Guide, payload: tuple[Path, list[Place]]) -> Outcome:
    part, places = payload
    documents = {document.id: document for document in documents_from(read_part(part))}
    order = {document_id: index for index, document_id in enumerate(documents)}
    brought: list[Annotation] = []
    losses: list[Loss] = []
    problems: list[GonerdError] = []
    for place, annotation in _read(places):
        document = documents.get(place.document_id)
        if document is None:
            why = "its document was not collected"
            losses.append(Loss(document_id=place.document_id, what="annotation refused", why=why))
            continue
        try:
            _check(place, annotation, document, guide)
            kept, lost = within_coverage(annotation)
            brought.append(kept)
            losses += lost
        except GonerdError as error:
            problems.append(error)
    raise_all("annotations", problems)
    brought.sort(key=lambda annotation: order[annotation.document_id])
    return Outcome(
        table=annotations_table(brought),
        counts={
            "documents": len(brought),
            "spans": sum(len(annotation.spans) for annotation in brought),
        },
        losses=losses,
    )


def _read(places: Sequence[Place]) -> Iterator[tuple[Place, Annotation]]:
    for path in sorted({place.path for place in places}):
        inside = [place for place in places if place.path == path]
        if parquet_files(path):
            rows = annotations_from(read_part(path))
            yield from ((place, rows[place.position]) for place in inside)
            continue
        with _open(path) as stream:
            for place in inside:
                stream.seek(place.position)
                row = parse_json_line(stream.readline(), place.where)
                yield place, annotation_from_json(row, place.where)[0]


def _check(place: Place, annotation: Annotation, document: Document, guide: Guide) -> None:
    located(place.where, check_fit, annotation, document)
    for span in annotation.spans:
        if span.label not in guide.labels:
            raise RecordError(
                f"{place.where}: {document.id}[{span.start}:{span.end}] has label {span.label!r}; "
                f"expected a label of {guide.reference} ({', '.join(guide.labels)})."
            )
    if annotation.guide and annotation.guide != guide.reference:
        raise RecordError(
            f"{place.where}: {document.id} was annotated by {annotation.guide!r}; expected the "
            f"builder's guide {guide.reference!r}."
        )
