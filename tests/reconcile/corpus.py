"""Three documents in two parts, and people who say something about them."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from gonerd.arrow import (
    annotations_from,
    annotations_table,
    disputes_from,
    documents_table,
    losses_from,
)
from gonerd.engine import Batch, Engine, Outcome, run_step
from gonerd.guide import Guide
from gonerd.reconcile.passes import annotator_folder
from gonerd.records import Annotation, Dispute, Document, Span, text_sha256
from gonerd.store import LEDGER, Manifest, fingerprint_of, part_paths, read_manifest, read_part

GUIDE = Guide(name="test", version=1, labels={"PER": "People.", "LOC": "Places."}, text="")
TEXTS = {
    "a": "Ana Roe met Bo in Lund.",
    "b": "Caf\u00e9 \U0001f600 Zo\u00eb in Malm\u00f6.",
    "c": "Di went to Ystad.",
}
PARTS = (("a", "b"), ("c",))
PEOPLE = "annotations.jsonl"

Mark = tuple[int, int, str]


def collected(
    work: Path, texts: Mapping[str, str] | None = None, parts: Sequence[Sequence[str]] = PARTS
) -> Manifest:
    """Put documents into a work folder, as if they had been collected."""
    texts = texts or TEXTS
    payloads = [tuple((name, texts[name]) for name in part) for part in parts]
    return run_step(
        Engine(),
        work / "documents",
        step="collect",
        work=_documents,
        batches=[Batch(payload=one, fingerprint=fingerprint_of(one)) for one in payloads],
        config={},
        inputs={},
    )


def _documents(payload: Sequence[tuple[str, str]]) -> Outcome:
    documents = [
        Document(id=name, text=text, source=name, license="mit", language="en")
        for name, text in payload
    ]
    return Outcome(table=documents_table(documents), counts={"documents": len(documents)})


def row(document_id: str, annotator: str, *marks: Mark, **changes: Any) -> dict[str, Any]:
    """Lay out an annotation of a whole document; a change to None takes a key away."""
    text = TEXTS.get(document_id, "")
    values = {
        "document_id": document_id,
        "text_sha256": text_sha256(text),
        "annotator": annotator,
        "guide": "test@1",
        "coverage": [[0, len(text)]],
        "spans": [{"start": start, "end": end, "label": label} for start, end, label in marks],
        **changes,
    }
    return {key: value for key, value in values.items() if value is not None}


def write_rows(path: Path, *rows: Mapping[str, Any] | str) -> Path:
    """Write objects, and lines as they are, one a line."""
    lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
    return path


def prelabelled(work: Path, name: str, marks: Mapping[str, Sequence[Mark]]) -> Manifest:
    """Put what a pipeline says beside the documents, as if they had been pre-labelled."""
    documents = read_manifest(work / "documents")
    assert documents is not None
    return run_step(
        Engine(),
        annotator_folder(work, name),
        step="prelabel",
        work=partial(_annotations, name, dict(marks)),
        batches=[
            Batch(payload=work / "documents" / part.file, fingerprint=fingerprint_of(part.sha256))
            for part in documents.parts
        ],
        config={"marks": dict(marks)},
        inputs={"documents": documents.fingerprint},
    )


def _annotations(name: str, marks: Mapping[str, Sequence[Mark]], part: Path) -> Outcome:
    return Outcome(
        table=annotations_table(
            Annotation(
                document_id=one["id"],
                text_sha256=one["text_sha256"],
                annotator=name,
                guide="test@1",
                coverage=((0, len(one["text"])),),
                spans=tuple(
                    Span(start=start, end=end, label=label, confidence=0.5)
                    for start, end, label in marks.get(one["id"], ())
                ),
            )
            for one in read_part(part).to_pylist()
        )
    )


def annotations_in(folder: Path) -> list[list[Annotation]]:
    """Read the annotations of every part of a folder."""
    return [annotations_from(read_part(path)) for path in part_paths(folder)]


def disputes_in(work: Path) -> list[Dispute]:
    """Read all disputes of a work folder."""
    return [one for path in part_paths(work / "disputes") for one in disputes_from(read_part(path))]


def ledger_in(folder: Path) -> list[tuple[str, int | None, int | None, str, str]]:
    """Read a ledger as (document, start, end, what, why)."""
    return [
        (loss.document_id, loss.start, loss.end, loss.what, loss.why)
        for loss in losses_from(pq.read_table(folder / LEDGER))
    ]
