"""Records into Arrow tables and back: the form in which a work folder and a release hold them.

Nested columns are lists of structs, so that any Parquet reader shows a span as one thing. Readers
rebuild the record through its constructor, and so check it again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from gonerd.records import (
    Annotation,
    Claim,
    Dispute,
    Document,
    Loss,
    Range,
    Span,
)

RANGE = pa.struct([("start", pa.int32()), ("end", pa.int32())])
SPAN = pa.struct(
    [
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("label", pa.string()),
        ("confidence", pa.float64()),
        ("support", pa.int32()),
        ("fragments", pa.list_(RANGE)),
    ]
)

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("license", pa.string()),
        ("language", pa.string()),
        ("url", pa.string()),
        ("text_sha256", pa.string()),
    ]
)
ANNOTATIONS = pa.schema(
    [
        ("document_id", pa.string()),
        ("text_sha256", pa.string()),
        ("annotator", pa.string()),
        ("guide", pa.string()),
        ("coverage", pa.list_(RANGE)),
        ("spans", pa.list_(SPAN)),
    ]
)
DISPUTES = pa.schema(
    [
        ("document_id", pa.string()),
        ("text_sha256", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        (
            "claims",
            pa.list_(pa.struct([("annotator", pa.string()), ("spans", pa.list_(SPAN))])),
        ),
        ("settled_by", pa.string()),
        ("settlement", pa.list_(SPAN)),
        ("certainty", pa.float64()),
        ("impact", pa.float64()),
    ]
)
LOSSES = pa.schema(
    [
        ("document_id", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("what", pa.string()),
        ("why", pa.string()),
    ]
)


def documents_table(documents: Iterable[Document]) -> pa.Table:
    """Put documents into a table, in order."""
    return _table(
        ({name: getattr(document, name) for name in DOCUMENTS.names} for document in documents),
        DOCUMENTS,
    )


def documents_from(table: pa.Table) -> list[Document]:
    """Read documents from a table; a text that is not its sha256 is a TextMismatch."""
    return [Document(**row) for row in table.select(DOCUMENTS.names).to_pylist()]


def annotations_table(annotations: Iterable[Annotation]) -> pa.Table:
    """Put annotations into a table, in order."""
    return _table(
        (
            {
                "document_id": annotation.document_id,
                "text_sha256": annotation.text_sha256,
                "annotator": annotation.annotator,
                "guide": annotation.guide,
                "coverage": _range_rows(annotation.coverage),
                "spans": [span_row(span) for span in annotation.spans],
            }
            for annotation in annotations
        ),
        ANNOTATIONS,
    )


def annotations_from(table: pa.Table) -> list[Annotation]:
    """Read annotations from a table."""
    return [
        Annotation(
            document_id=row["document_id"],
            text_sha256=row["text_sha256"],
            annotator=row["annotator"],
            guide=row["guide"],
            coverage=_ranges(row["coverage"]),
            spans=_spans(row["spans"]),
        )
        for row in table.select(ANNOTATIONS.names).to_pylist()
    ]


def disputes_table(disputes: Iterable[Dispute]) -> pa.Table:
    """Put disputes into a table, in order."""
    return _table(
        (
            {
                "document_id": dispute.document_id,
                "text_sha256": dispute.text_sha256,
                "start": dispute.start,
                "end": dispute.end,
                "claims": [
                    {
                        "annotator": claim.annotator,
                        "spans": [span_row(span) for span in claim.spans],
                    }
                    for claim in dispute.claims
                ],
                "settled_by": dispute.settled_by,
                "settlement": [span_row(span) for span in dispute.settlement],
                "certainty": dispute.certainty,
                "impact": dispute.impact,
            }
            for dispute in disputes
        ),
        DISPUTES,
    )


def disputes_from(table: pa.Table) -> list[Dispute]:
    """Read disputes from a table."""
    return [
        Dispute(
            document_id=row["document_id"],
            text_sha256=row["text_sha256"],
            start=row["start"],
            end=row["end"],
            claims=tuple(
                Claim(annotator=claim["annotator"], spans=_spans(claim["spans"]))
                for claim in row["claims"]
            ),
            settled_by=row["settled_by"],
            settlement=_spans(row["settlement"]),
            certainty=row["certainty"],
            impact=row["impact"],
        )
        for row in table.select(DISPUTES.names).to_pylist()
    ]


def losses_table(losses: Iterable[Loss]) -> pa.Table:
    """Put ledger lines into a table, in order; a file's name that is no Unicode is escaped."""
    return _table(
        (
            {
                "document_id": _printable(loss.document_id),
                "start": loss.start,
                "end": loss.end,
                "what": loss.what,
                "why": _printable(loss.why),
            }
            for loss in losses
        ),
        LOSSES,
    )


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def losses_from(table: pa.Table) -> list[Loss]:
    """Read ledger lines from a table."""
    return [Loss(**row) for row in table.select(LOSSES.names).to_pylist()]


def span_row(span: Span) -> dict[str, Any]:
    """Turn a span into a row of the span column, every field present."""
    return {
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "confidence": span.confidence,
        "support": span.support,
        "fragments": _range_rows(span.fragments),
    }


def span_from_row(row: dict[str, Any]) -> Span:
    """Read a span from a row of the span column, with or without its optional fields."""
    return Span(
        start=row["start"],
        end=row["end"],
        label=row["label"],
        confidence=row.get("confidence"),
        support=row.get("support"),
        fragments=_ranges(row.get("fragments") or []),
    )


def _spans(rows: Sequence[dict[str, Any]]) -> tuple[Span, ...]:
    return tuple(span_from_row(row) for row in rows)


def _range_rows(ranges: Iterable[Range]) -> list[dict[str, int]]:
    return [{"start": start, "end": end} for start, end in ranges]


def _ranges(rows: Iterable[dict[str, int]]) -> tuple[Range, ...]:
    return tuple((row["start"], row["end"]) for row in rows)


def _table(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=schema)
