"""Tests that every record survives a table and a Parquet file, and that no text is altered."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gonerd.arrow import (
    annotations_from,
    annotations_table,
    disputes_from,
    disputes_table,
    documents_from,
    documents_table,
    losses_from,
    losses_table,
    span_from_row,
)
from gonerd.errors import RecordError, SpanError, TextMismatch
from gonerd.records import (
    Annotation,
    Claim,
    Dispute,
    Document,
    Loss,
    Span,
    annotation_from_json,
    annotation_to_json,
    check_fit,
    document_from_json,
    text_sha256,
)
from gonerd.store import Footer, read_part, write_part
from tests.strategies import (
    HOSTILE_TEXTS,
    annotations,
    disputes,
    documents,
    hostile_values,
    losses,
)


def a_document(text: str) -> Document:
    """Make a document of a text."""
    return Document(id="a", text=text, source="a", license="unknown", language="en")


def an_annotation(*spans: Span, text: str = "Ana Roe") -> Annotation:
    """Make an annotation of a text."""
    return Annotation(
        document_id="a",
        text_sha256=text_sha256(text),
        annotator="ana",
        guide="gonerd@1",
        coverage=((0, len(text)),),
        spans=spans,
    )


@given(st.lists(documents(), max_size=4))
def test_documents_survive_a_table(some: list[Document]) -> None:
    table = documents_table(some)

    table.validate(full=True)
    assert documents_from(table) == some


@given(st.lists(annotations(), max_size=4))
def test_annotations_survive_a_table(some: list[Annotation]) -> None:
    table = annotations_table(some)

    table.validate(full=True)
    assert annotations_from(table) == some


@given(st.lists(disputes(), max_size=4))
def test_disputes_survive_a_table(some: list[Dispute]) -> None:
    table = disputes_table(some)

    table.validate(full=True)
    assert disputes_from(table) == some


@given(st.lists(losses, max_size=4))
def test_losses_survive_a_table(some: list[Loss]) -> None:
    table = losses_table(some)

    table.validate(full=True)
    assert losses_from(table) == some


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_survives_a_parquet_file(tmp_path: Path, text: str) -> None:
    document = a_document(text)
    path = tmp_path / "part-00000.parquet"

    write_part(path, documents_table([document]), Footer(fingerprint="f"))
    assert documents_from(read_part(path)) == [document]


def test_a_document_of_a_million_characters_survives_a_parquet_file(tmp_path: Path) -> None:
    text = ("Zoe\u0308 met \U0001f600 in Lund.\r\n\u00a0\u200b" * 50_000)[:1_000_000]
    document = a_document(text)
    spans = [Span(start=at, end=at + 4, label="PER") for at in range(0, 999_996, 24)]
    annotation = an_annotation(*spans, text=text)
    paths = tmp_path / "documents.parquet", tmp_path / "annotations.parquet"

    write_part(paths[0], documents_table([document]), Footer(fingerprint="f"))
    write_part(paths[1], annotations_table([annotation]), Footer(fingerprint="f"))
    assert len(text) == 1_000_000
    assert documents_from(read_part(paths[0])) == [document]
    assert annotations_from(read_part(paths[1])) == [annotation]


@pytest.mark.parametrize(
    "span",
    [
        Span(start=0, end=3, label="PER"),
        Span(start=0, end=3, label="PER", confidence=0.0),
        Span(start=0, end=3, label="PER", confidence=1.0, support=0),
        Span(start=0, end=7, label="PER", fragments=((0, 1), (2, 3), (5, 7))),
        Span(start=0, end=3, label="PER", fragments=((0, 3),)),
        Span(start=2**31 - 2, end=2**31 - 1, label="\U0001f600"),
    ],
    ids=["plain", "no confidence at all", "sure", "three pieces", "one piece", "far out"],
)
def test_a_span_survives_a_parquet_file(tmp_path: Path, span: Span) -> None:
    path = tmp_path / "part-00000.parquet"

    write_part(path, annotations_table([an_annotation(span)]), Footer(fingerprint="f"))
    assert annotations_from(read_part(path)) == [an_annotation(span)]


def test_a_settled_dispute_survives_a_parquet_file(tmp_path: Path) -> None:
    dispute = Dispute(
        document_id="a",
        text_sha256=text_sha256("Ana Roe"),
        start=0,
        end=7,
        claims=(
            Claim(annotator="ana", spans=()),
            Claim(annotator="bo", spans=(Span(start=0, end=7, label="PER", confidence=0.5),)),
        ),
        settled_by="vote",
        settlement=(Span(start=0, end=7, label="PER", support=1, fragments=((0, 3), (4, 7))),),
    )
    path = tmp_path / "part-00000.parquet"

    write_part(path, disputes_table([dispute]), Footer(fingerprint="f"))
    assert disputes_from(read_part(path)) == [dispute]


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (documents_table, documents_from),
        (annotations_table, annotations_from),
        (disputes_table, disputes_from),
        (losses_table, losses_from),
    ],
    ids=["documents", "annotations", "disputes", "losses"],
)
def test_no_records_are_an_empty_table(
    tmp_path: Path, write: Callable[[Sequence[Any]], pa.Table], read: Callable[[pa.Table], Any]
) -> None:
    path = tmp_path / "part-00000.parquet"

    write_part(path, write([]), Footer(fingerprint="f"))
    assert read(read_part(path)) == []


def written_and_read(confidence: float) -> float:
    """Send a confidence through a table."""
    span = Span(start=0, end=1, label="PER", confidence=confidence)
    (annotation,) = annotations_from(annotations_table([an_annotation(span)]))
    assert annotation.spans[0].confidence is not None
    return annotation.spans[0].confidence


@given(st.floats(0, 1))
def test_a_confidence_keeps_six_digits_and_then_stays(confidence: float) -> None:
    once = written_and_read(confidence)

    assert 0 <= once <= 1
    assert once == pytest.approx(confidence, rel=1e-6, abs=1e-37)
    assert written_and_read(once) == once


@given(st.integers(1_000_000, 9_999_999), st.integers(7, 12))
@example(9_765_629, 10)
def test_a_confidence_of_seven_digits_comes_back_as_it_was(digits: int, places: int) -> None:
    confidence = float(f"{digits}e-{places}")

    assert written_and_read(confidence) == confidence


def test_columns_in_another_order_and_columns_beside_them_do_not_matter() -> None:
    document = a_document("Ana Roe")
    table = documents_table([document])
    table = table.select(table.column_names[::-1]).append_column("extra", pa.array([1]))

    assert documents_from(table) == [document]


def test_a_text_that_was_altered_in_a_table_is_refused() -> None:
    table = documents_table([a_document("Ana Roe")])
    altered = table.set_column(1, "text", pa.array(["Ana  Roe"]))
    recorded, now = text_sha256("Ana Roe")[:8], text_sha256("Ana  Roe")[:8]

    with pytest.raises(TextMismatch) as error:
        documents_from(altered)
    assert str(error.value) == (
        f"a: the text has changed since it was recorded (sha256 {recorded}... recorded, "
        f"{now}... now); expected the same text.\n"
        "Restore the text, or collect and annotate it again."
    )


def test_a_span_that_was_altered_in_a_table_is_refused() -> None:
    rows = annotations_table([an_annotation(Span(start=0, end=3, label="PER"))]).to_pylist()
    rows[0]["spans"][0]["end"] = 0

    with pytest.raises(SpanError) as error:
        annotations_from(pa.Table.from_pylist(rows, schema=annotations_table([]).schema))
    assert str(error.value) == "span [0:0] 'PER': expected 0 <= start < end in characters."


def test_a_span_may_come_without_its_optional_fields() -> None:
    assert span_from_row({"start": 0, "end": 3, "label": "PER"}) == Span(
        start=0, end=3, label="PER"
    )


# What the JSON readers let in, a table can hold.


@pytest.mark.parametrize("key", ["id", "source", "license", "language", "url"])
@given(value=hostile_values)
def test_a_document_that_json_may_hold_fits_a_table(key: str, value: Any) -> None:
    try:
        document = document_from_json({"id": "a", "text": "Ana", key: value}, "file")
    except RecordError:
        return
    assert documents_from(documents_table([document])) == [document]


@pytest.mark.parametrize(
    "key", ["annotator", "guide", "label", "support", "confidence", "fragments"]
)
@given(value=hostile_values)
def test_an_annotation_that_fits_its_text_fits_a_table(key: str, value: Any) -> None:
    row = annotation_to_json(an_annotation(Span(start=0, end=3, label="PER")))
    (row if key in row else row["spans"][0])[key] = value
    try:
        annotation, _ = annotation_from_json(row, "file")
        check_fit(annotation, a_document("Ana Roe"))
    except RecordError:
        return
    (back,) = annotations_from(annotations_table([annotation]))
    assert len(back.spans) == 1


def test_a_loss_may_name_a_file_whose_name_is_not_utf8() -> None:
    loss = Loss(document_id="caf\udce9.txt", what="document refused", why="not UTF-8")

    losses_table([loss]).validate(full=True)
