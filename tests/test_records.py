"""Tests that records keep their promises, survive JSON, and refuse what they may not hold."""

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import GonerdError, RecordError, SpanError, TextMismatch
from gonerd.records import (
    Annotation,
    Claim,
    Dispute,
    Document,
    Span,
    annotation_from_json,
    annotation_to_json,
    check_fit,
    dispute_from_json,
    dispute_to_json,
    document_from_json,
    document_to_json,
    reading_order,
    span_from_json,
    span_to_json,
    text_sha256,
)
from tests.strategies import HOSTILE_TEXTS, annotations, disputes, documents, hostile_values, spans

TEXT = "Ana Roe met Bo."
SHA = text_sha256(TEXT)
OTHER = text_sha256("another text")
WHERE = "file.jsonl:7"


def an_annotation(**changes: Any) -> Annotation:
    """Make an annotation of TEXT."""
    values: dict[str, Any] = {
        "document_id": "op-17",
        "text_sha256": SHA,
        "annotator": "ana",
        "guide": "gonerd@1",
        "coverage": ((0, 15),),
        "spans": (Span(start=0, end=7, label="PER"),),
    }
    return Annotation(**{**values, **changes})


def annotation_row(**changes: Any) -> dict[str, Any]:
    """Make the JSON object of an annotation; a change to `...` takes the key away."""
    values = {
        "document_id": "op-17",
        "text_sha256": SHA,
        "annotator": "ana",
        "coverage": [[0, 15]],
        "spans": [],
        **changes,
    }
    return {key: value for key, value in values.items() if value is not ...}


def dispute_row(**changes: Any) -> dict[str, Any]:
    """Make the JSON object of an open dispute; a change to `...` takes the key away."""
    values = {
        "document_id": "op-17",
        "text_sha256": SHA,
        "start": 0,
        "end": 7,
        "claims": [{"annotator": "ana", "spans": [{"start": 0, "end": 7, "label": "PER"}]}],
        **changes,
    }
    return {key: value for key, value in values.items() if value is not ...}


# The constructors.


def test_the_hash_of_a_text_is_that_of_its_utf8_bytes() -> None:
    assert text_sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (
        text_sha256("\u00e9") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"
    )


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_a_document_keeps_its_text_to_the_character(text: str) -> None:
    document = Document(id="a", text=text, source="a", license="unknown", language="en")

    assert document.text == text
    assert document.text_sha256 == text_sha256(text)


def test_a_record_cannot_be_changed_in_place() -> None:
    document = Document(id="a", text=TEXT, source="a", license="unknown", language="en")

    with pytest.raises(FrozenInstanceError):
        document.text = "other"  # type: ignore[misc]


def test_a_changed_text_does_not_pass_under_the_old_hash() -> None:
    document = Document(id="op-17", text=TEXT, source="a", license="unknown", language="en")

    with pytest.raises(TextMismatch) as error:
        replace(document, text="another text")
    assert str(error.value) == (
        "op-17: the text has changed since it was recorded "
        f"(sha256 {SHA[:8]}... recorded, {OTHER[:8]}... now); expected the same text.\n"
        "Restore the text, or collect and annotate it again."
    )


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\n", "\u00a0a"])
def test_a_document_refuses_an_id_with_outer_blanks(name: str) -> None:
    with pytest.raises(RecordError) as error:
        Document(id=name, text=TEXT, source="a", license="unknown", language="en")
    assert str(error.value) == (
        f"document {name!r}: the id is empty or has outer blanks; "
        "expected a name that can be written in a table."
    )


def test_a_document_refuses_a_lone_surrogate() -> None:
    with pytest.raises(RecordError) as error:
        Document(id="a", text="ab\ud83d", source="a", license="unknown", language="en")
    assert str(error.value) == (
        "text: lone surrogate '\\ud83d' at character 2; expected Unicode text that UTF-8 can carry."
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(
            {"start": 5, "end": 5},
            "span [5:5] 'PER': expected 0 <= start < end in characters.",
            id="empty",
        ),
        pytest.param(
            {"start": 9, "end": 5},
            "span [9:5] 'PER': expected 0 <= start < end in characters.",
            id="backwards",
        ),
        pytest.param(
            {"start": -1, "end": 5},
            "span [-1:5] 'PER': expected 0 <= start < end in characters.",
            id="negative",
        ),
        pytest.param(
            {"start": 0, "end": 5, "label": ""},
            "span [0:5]: the label is empty; expected a name.",
            id="no label",
        ),
        pytest.param(
            {"start": 0, "end": 5, "confidence": 1.01},
            "span [0:5] 'PER': confidence 1.01; expected a number from 0 to 1.",
            id="confidence above one",
        ),
        pytest.param(
            {"start": 0, "end": 5, "confidence": -0.5},
            "span [0:5] 'PER': confidence -0.5; expected a number from 0 to 1.",
            id="confidence below zero",
        ),
        pytest.param(
            {"start": 0, "end": 5, "confidence": float("nan")},
            "span [0:5] 'PER': confidence nan; expected a number from 0 to 1.",
            id="confidence not a number",
        ),
        pytest.param(
            {"start": 0, "end": 5, "fragments": ((0, 2), (2, 5))},
            "span [0:5] 'PER': fragments [(0, 2), (2, 5)]; "
            "expected separate ranges in order, from start to end.",
            id="fragments touch",
        ),
        pytest.param(
            {"start": 0, "end": 5, "fragments": ((3, 5), (0, 2))},
            "span [0:5] 'PER': fragments [(3, 5), (0, 2)]; "
            "expected separate ranges in order, from start to end.",
            id="fragments out of order",
        ),
        pytest.param(
            {"start": 0, "end": 5, "fragments": ((0, 2), (3, 4))},
            "span [0:5] 'PER': fragments [(0, 2), (3, 4)]; "
            "expected separate ranges in order, from start to end.",
            id="fragments end early",
        ),
        pytest.param(
            {"start": 0, "end": 5, "fragments": ((1, 2), (3, 5))},
            "span [0:5] 'PER': fragments [(1, 2), (3, 5)]; "
            "expected separate ranges in order, from start to end.",
            id="fragments start late",
        ),
        pytest.param(
            {"start": 0, "end": 5, "fragments": ((0, 0), (3, 5))},
            "span [0:5] 'PER': fragments [(0, 0), (3, 5)]; "
            "expected separate ranges in order, from start to end.",
            id="fragment empty",
        ),
    ],
)
def test_a_span_refuses_what_cannot_be_a_mention(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpanError) as error:
        Span(**{"label": "PER", **values})
    assert str(error.value) == message


def test_a_span_refuses_the_support_of_fewer_than_nobody() -> None:
    with pytest.raises(SpanError) as error:
        Span(start=0, end=5, label="PER", support=-1)
    assert str(error.value).startswith("span [0:5] 'PER': support -1; expected ")


@pytest.mark.parametrize("confidence", [0, 0.0, 1, 1.0, None])
def test_the_borders_of_confidence_are_allowed(confidence: float | None) -> None:
    assert Span(start=0, end=1, label="PER", confidence=confidence).confidence == confidence


@given(st.lists(spans(), max_size=6))
def test_an_annotation_holds_its_spans_in_reading_order(some: list[Span]) -> None:
    annotation = an_annotation(spans=tuple(some))

    orders = [reading_order(span) for span in annotation.spans]
    assert orders == sorted(orders)
    assert sorted(map(repr, annotation.spans)) == sorted(map(repr, some))


def test_the_wider_of_two_spans_that_start_together_comes_first() -> None:
    inner = Span(start=3, end=6, label="LOC")
    outer = Span(start=3, end=9, label="ORG")

    assert an_annotation(spans=(inner, outer)).spans == (outer, inner)


@pytest.mark.parametrize(
    "coverage",
    [((5, 3),), ((0, 5), (4, 9)), ((5, 9), (0, 3)), ((-1, 3),)],
    ids=["backwards", "overlapping", "out of order", "negative"],
)
def test_an_annotation_refuses_coverage_out_of_order(coverage: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(RecordError) as error:
        an_annotation(coverage=coverage)
    assert str(error.value) == (
        f"op-17: coverage {list(coverage)} of 'ana'; "
        "expected ranges [start, end] in order and apart."
    )


def test_an_annotation_may_have_read_nothing() -> None:
    assert an_annotation(coverage=(), spans=()).coverage == ()


# Does an annotation belong to a text?


def test_an_annotation_may_reach_the_last_character() -> None:
    text = "I am \U0001f600\u0308"
    document = Document(id="op-17", text=text, source="a", license="unknown", language="en")
    span = Span(start=5, end=7, label="MISC")

    check_fit(
        an_annotation(text_sha256=document.text_sha256, coverage=((0, 7),), spans=(span,)), document
    )


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        pytest.param(
            {"text_sha256": OTHER},
            TextMismatch,
            "op-17: the text has changed since it was recorded "
            f"(sha256 {OTHER[:8]}... recorded, {SHA[:8]}... now); expected the same text.\n"
            "Restore the text, or collect and annotate it again.",
            id="another text",
        ),
        pytest.param(
            {"spans": (Span(start=12, end=16, label="PER"),)},
            SpanError,
            "op-17[12:16]: span 'PER' of 'ana' ends past the text; expected at most 15.",
            id="span past the end",
        ),
        pytest.param(
            {"coverage": ((0, 4), (5, 16))},
            SpanError,
            "op-17: coverage of 'ana' ends at 16, past the text; expected at most 15.",
            id="coverage past the end",
        ),
    ],
)
def test_an_annotation_that_does_not_fit_its_text_is_refused(
    changes: dict[str, Any], kind: type[GonerdError], message: str
) -> None:
    document = Document(id="op-17", text=TEXT, source="a", license="unknown", language="en")

    with pytest.raises(kind) as error:
        check_fit(an_annotation(**changes), document)
    assert str(error.value) == message


# Through JSON and back.


@given(documents())
def test_a_document_survives_json(document: Document) -> None:
    line = json.dumps(document_to_json(document))

    assert document_from_json(json.loads(line), WHERE) == document


@given(spans())
def test_a_span_survives_json(span: Span) -> None:
    assert span_from_json(json.loads(json.dumps(span_to_json(span))), WHERE) == span


@given(annotations())
def test_an_annotation_survives_json(annotation: Annotation) -> None:
    line = json.dumps(annotation_to_json(annotation))

    assert annotation_from_json(json.loads(line), WHERE) == (annotation, None)


@given(disputes())
def test_a_dispute_survives_json(dispute: Dispute) -> None:
    assert dispute_from_json(json.loads(json.dumps(dispute_to_json(dispute))), WHERE) == dispute


@given(st.floats(0, 1))
def test_json_keeps_every_digit_of_a_confidence(confidence: float) -> None:
    span = Span(start=0, end=1, label="PER", confidence=confidence)

    assert span_from_json(json.loads(json.dumps(span_to_json(span))), WHERE) == span


def test_a_plain_span_has_three_keys_in_json() -> None:
    assert span_to_json(Span(start=10, end=19, label="PER")) == {
        "start": 10,
        "end": 19,
        "label": "PER",
    }


def test_an_id_and_a_text_are_enough_for_a_document() -> None:
    assert document_from_json({"id": "op-17", "text": TEXT}, WHERE) == Document(
        id="op-17", text=TEXT, source="op-17", license="unknown", language="en", url=None
    )


def test_null_says_nothing_about_the_optional_fields_of_a_span() -> None:
    row = {"start": 0, "end": 3, "label": "PER", "confidence": None, "support": None}

    assert span_from_json({**row, "fragments": None}, WHERE) == Span(start=0, end=3, label="PER")


def test_a_text_may_stand_instead_of_its_hash() -> None:
    annotation, text = annotation_from_json(annotation_row(text=TEXT, text_sha256=...), WHERE)

    assert text == TEXT
    assert annotation.text_sha256 == SHA


def test_a_text_may_stand_beside_its_hash() -> None:
    annotation, text = annotation_from_json(annotation_row(text=TEXT), WHERE)

    assert text == TEXT
    assert annotation.text_sha256 == SHA


def test_an_empty_text_may_stand_instead_of_its_hash() -> None:
    row = annotation_row(text="", text_sha256=..., coverage=[])

    assert annotation_from_json(row, WHERE)[1] == ""


# What JSON may say and a record may not.


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(
            {"id": "a", "text": "b", "titel": "c"},
            "unknown key 'titel'; known keys: id, language, license, source, text, text_sha256, "
            "url.",
            id="unknown key",
        ),
        pytest.param({"text": "b"}, "'id' is missing; expected it in every record.", id="no id"),
        pytest.param({"id": "a"}, "'text' is missing; expected it in every record.", id="no text"),
        pytest.param({}, "'id' is missing; expected it in every record.", id="nothing"),
        pytest.param({"id": 17, "text": "b"}, "id is 17; expected a string.", id="id a number"),
        pytest.param(
            {"id": True, "text": "b"}, "id is True; expected a string.", id="id a boolean"
        ),
        pytest.param({"id": None, "text": "b"}, "id is None; expected a string.", id="id null"),
        pytest.param({"id": "a", "text": None}, "text is None; expected a string.", id="text null"),
        pytest.param(
            {"id": "a", "text": ["b"]}, "text is ['b']; expected a string.", id="text a list"
        ),
        pytest.param(
            {"id": "a", "text": "b", "url": 5}, "url is 5; expected a string.", id="url a number"
        ),
        pytest.param(
            {"id": "a", "text": "b", "license": None},
            "license is None; expected a string.",
            id="license null",
        ),
        pytest.param(
            {"id": "a", "text": "b", "text_sha256": 5},
            "text_sha256 is 5; expected a string.",
            id="text_sha256 a number",
        ),
        pytest.param(
            {"id": " a", "text": "b"},
            "document ' a': the id is empty or has outer blanks; "
            "expected a name that can be written in a table.",
            id="id with blanks",
        ),
        pytest.param(
            {"id": "a", "text": "ab\udc00"},
            "text: lone surrogate '\\udc00' at character 2; "
            "expected Unicode text that UTF-8 can carry.",
            id="lone surrogate",
        ),
    ],
)
def test_a_document_of_wrong_form_is_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as error:
        document_from_json(row, WHERE)
    assert str(error.value) == f"{WHERE}: {message}"


def test_a_document_whose_text_is_not_its_hash_is_a_mismatch() -> None:
    with pytest.raises(TextMismatch) as error:
        document_from_json({"id": "a", "text": TEXT, "text_sha256": OTHER}, WHERE)
    assert str(error.value) == (
        f"{WHERE}: a: the text has changed since it was recorded "
        f"(sha256 {OTHER[:8]}... recorded, {SHA[:8]}... now); expected the same text.\n"
        "Restore the text, or collect and annotate it again."
    )


@pytest.mark.parametrize("key", ["id", "source", "license", "language", "url"])
def test_a_lone_surrogate_is_refused_wherever_a_document_holds_it(key: str) -> None:
    with pytest.raises(RecordError) as error:
        document_from_json({"id": "a", "text": "b", key: "c\ud800"}, WHERE)
    assert str(error.value) == (
        f"{WHERE}: {key}: lone surrogate '\\ud800' at character 1; "
        "expected Unicode text that UTF-8 can carry."
    )


SPAN_REFUSALS = [
    pytest.param(5, "a span is 5; expected an object with start, end, label.", id="span a number"),
    pytest.param(
        [0, 3, "PER"],
        "a span is [0, 3, 'PER']; expected an object with start, end, label.",
        id="span a list",
    ),
    pytest.param(
        None, "a span is None; expected an object with start, end, label.", id="span null"
    ),
    pytest.param(
        {"start": 0, "end": 3, "type": "PER"},
        "unknown key 'type'; known keys: confidence, end, fragments, label, start, support.",
        id="unknown key",
    ),
    pytest.param(
        {"start": 0, "end": 3}, "'label' is missing; expected it in every record.", id="no label"
    ),
    pytest.param({}, "'end' is missing; expected it in every record.", id="nothing"),
    pytest.param(
        {"start": True, "end": 3, "label": "PER"},
        "start of a span is True; expected a whole number.",
        id="start a boolean",
    ),
    pytest.param(
        {"start": 0, "end": 3.0, "label": "PER"},
        "end of a span is 3.0; expected a whole number.",
        id="end a float",
    ),
    pytest.param(
        {"start": "0", "end": 3, "label": "PER"},
        "start of a span is '0'; expected a whole number.",
        id="start a string",
    ),
    pytest.param(
        {"start": None, "end": 3, "label": "PER"},
        "start of a span is None; expected a whole number.",
        id="start null",
    ),
    pytest.param(
        {"start": 0, "end": 3, "label": None},
        "label of a span is None; expected a string.",
        id="label null",
    ),
    pytest.param(
        {"start": 0, "end": 3, "label": ["PER"]},
        "label of a span is ['PER']; expected a string.",
        id="label a list",
    ),
    pytest.param(
        {"start": 0, "end": 3, "label": "PER", "support": False},
        "support of a span is False; expected a whole number.",
        id="support a boolean",
    ),
    pytest.param(
        {"start": 0, "end": 3, "label": "PER", "confidence": True},
        "confidence of a span is True; expected a number from 0 to 1.",
        id="confidence a boolean",
    ),
    pytest.param(
        {"start": 0, "end": 3, "label": "PER", "confidence": "0.5"},
        "confidence of a span is '0.5'; expected a number from 0 to 1.",
        id="confidence a string",
    ),
    pytest.param(
        json.loads('{"start": 0, "end": 3, "label": "PER", "confidence": NaN}'),
        "span [0:3] 'PER': confidence nan; expected a number from 0 to 1.",
        id="confidence not a number",
    ),
    pytest.param(
        json.loads('{"start": 0, "end": 3, "label": "PER", "confidence": 1e999}'),
        "span [0:3] 'PER': confidence inf; expected a number from 0 to 1.",
        id="confidence infinite",
    ),
    pytest.param(
        {"start": 3, "end": 3, "label": "PER"},
        "span [3:3] 'PER': expected 0 <= start < end in characters.",
        id="span empty",
    ),
    pytest.param(
        {"start": -(10**30), "end": 3, "label": "PER"},
        f"span [{-(10**30)}:3] 'PER': expected 0 <= start < end in characters.",
        id="start hugely negative",
    ),
    *[
        pytest.param(
            {"start": 0, "end": 3, "label": "PER", "fragments": value},
            f"fragments is {value!r}; expected a list of [start, end] in characters.",
            id=f"fragments {value!r}",
        )
        for value in (
            5,
            "ab",
            {"a": 1},
            [0, 3],
            [[0]],
            [[0, True]],
            [[0, 3.0]],
            [[0, 1, 3]],
            [None],
        )
    ],
    *[
        pytest.param(
            {"start": 0, "end": 3, "label": "PER", "fragments": value},
            f"fragments is {value!r}; expected a list of [start, end] in characters.",
            id=f"fragments {value!r}",
        )
        for value in (False, 0, "", {})
    ],
]


@pytest.mark.parametrize(("row", "message"), SPAN_REFUSALS)
def test_a_span_of_wrong_form_is_refused(row: Any, message: str) -> None:
    with pytest.raises(RecordError) as error:
        span_from_json(row, WHERE)
    assert str(error.value) == f"{WHERE}: {message}"


def test_a_wrong_span_of_an_annotation_is_named_with_its_place_once() -> None:
    good = {"start": 0, "end": 3, "label": "PER"}

    with pytest.raises(RecordError) as error:
        annotation_from_json(annotation_row(spans=[good, {**good, "end": True}]), WHERE)
    assert str(error.value) == f"{WHERE}: end of a span is True; expected a whole number."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"labels": []},
            "unknown key 'labels'; known keys: annotator, coverage, document_id, guide, spans, "
            "text, text_sha256.",
            id="unknown key",
        ),
        pytest.param(
            {"document_id": ...},
            "'document_id' is missing; expected it in every record.",
            id="no document",
        ),
        pytest.param(
            {"text_sha256": ...},
            "'text_sha256' is missing; expected it in every record.",
            id="neither text nor hash",
        ),
        pytest.param(
            {"text_sha256": ..., "text": None},
            "'text_sha256' is missing; expected it in every record.",
            id="text null and no hash",
        ),
        pytest.param(
            {"spans": ...}, "'spans' is missing; expected it in every record.", id="no spans"
        ),
        pytest.param(
            {"coverage": ...},
            "no coverage; expected the ranges that 'ana' declared done.\n"
            'Add "coverage": [[0, LENGTH]] where the whole document was read, or [] where that '
            "is unknown.",
            id="no coverage",
        ),
        pytest.param({"text": 5}, "text is 5; expected a string.", id="text a number"),
        pytest.param({"text": False}, "text is False; expected a string.", id="text a boolean"),
        pytest.param(
            {"document_id": 17}, "document_id is 17; expected a string.", id="document a number"
        ),
        pytest.param(
            {"annotator": None}, "annotator is None; expected a string.", id="annotator null"
        ),
        pytest.param({"guide": 1}, "guide is 1; expected a string.", id="guide a number"),
        pytest.param(
            {"text_sha256": None}, "text_sha256 is None; expected a string.", id="hash null"
        ),
        pytest.param({"spans": None}, "spans is None; expected a list of spans.", id="spans null"),
        pytest.param(
            {"spans": {"start": 0}},
            "spans is {'start': 0}; expected a list of spans.",
            id="spans an object",
        ),
        pytest.param(
            {"text": "a\ud800", "text_sha256": ...},
            "text: lone surrogate '\\ud800' at character 1; "
            "expected Unicode text that UTF-8 can carry.",
            id="lone surrogate in the text",
        ),
        pytest.param(
            {"text": "a\ud800"},
            "text: lone surrogate '\\ud800' at character 1; "
            "expected Unicode text that UTF-8 can carry.",
            id="lone surrogate in the text beside its hash",
        ),
        *[
            pytest.param(
                {"coverage": value},
                f"coverage is {value!r}; expected a list of [start, end] in characters.",
                id=f"coverage {value!r}",
            )
            for value in (None, 5, "ab", {}, [0, 15], [[0, 15.0]], [[False, 15]], [[0, 5, 9]])
        ],
        pytest.param(
            {"coverage": [[0, 9], [5, 15]]},
            "op-17: coverage [(0, 9), (5, 15)] of 'ana'; "
            "expected ranges [start, end] in order and apart.",
            id="coverage overlapping",
        ),
    ],
)
def test_an_annotation_of_wrong_form_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as error:
        annotation_from_json(annotation_row(**changes), WHERE)
    assert str(error.value) == f"{WHERE}: {message}"


def test_an_annotation_whose_text_is_not_its_hash_is_a_mismatch() -> None:
    with pytest.raises(TextMismatch) as error:
        annotation_from_json(annotation_row(text="another text"), WHERE)
    assert str(error.value) == (
        f"{WHERE}: op-17: the text has changed since it was recorded "
        f"(sha256 {SHA[:8]}... recorded, {OTHER[:8]}... now); expected the same text.\n"
        "Restore the text, or collect and annotate it again."
    )


def test_an_empty_hash_does_not_stand_for_the_empty_text() -> None:
    with pytest.raises(RecordError) as error:
        annotation_from_json(annotation_row(text_sha256=""), WHERE)
    assert str(error.value).startswith(f"{WHERE}: ")


@pytest.mark.parametrize("key", ["document_id", "annotator", "guide"])
def test_a_lone_surrogate_is_refused_wherever_an_annotation_holds_it(key: str) -> None:
    with pytest.raises(RecordError) as error:
        annotation_from_json(annotation_row(**{key: "c\ud800"}), WHERE)
    assert str(error.value) == (
        f"{WHERE}: {key}: lone surrogate '\\ud800' at character 1; "
        "expected Unicode text that UTF-8 can carry."
    )


def test_a_lone_surrogate_is_refused_in_a_label() -> None:
    with pytest.raises(RecordError) as error:
        span_from_json({"start": 0, "end": 1, "label": "c\ud800"}, WHERE)
    assert str(error.value) == (
        f"{WHERE}: label: lone surrogate '\\ud800' at character 1; "
        "expected Unicode text that UTF-8 can carry."
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"votes": 3},
            "unknown key 'votes'; known keys: certainty, claims, document_id, end, impact, "
            "settled_by, settlement, start, text_sha256.",
            id="unknown key",
        ),
        pytest.param(
            {"claims": ...}, "'claims' is missing; expected it in every record.", id="no claims"
        ),
        pytest.param(
            {"claims": [{"annotator": "ana"}]},
            "'spans' is missing; expected it in every record.",
            id="claim without spans",
        ),
        pytest.param(
            {"claims": [{"annotator": "ana", "spans": [], "mood": 1}]},
            "unknown key 'mood'; known keys: annotator, spans.",
            id="claim with an unknown key",
        ),
        pytest.param(
            {"settlement": [{"start": 0, "end": True, "label": "PER"}]},
            "end of a span is True; expected a whole number.",
            id="settlement of wrong form",
        ),
    ],
)
def test_a_dispute_of_wrong_form_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as error:
        dispute_from_json(dispute_row(**changes), WHERE)
    assert str(error.value) == f"{WHERE}: {message}"


@pytest.mark.parametrize(
    "changes",
    [
        {"document_id": 5},
        {"text_sha256": None},
        {"start": "0"},
        {"end": True},
        {"start": 7, "end": 0},
        {"claims": 5},
        {"claims": None},
        {"claims": [5]},
        {"claims": ["ana"]},
        {"claims": [{"annotator": 5, "spans": []}]},
        {"claims": [{"annotator": "ana", "spans": 5}]},
        {"settled_by": 5},
        {"settlement": None},
        {"settlement": "vote"},
    ],
    ids=str,
)
def test_a_dispute_refuses_values_of_the_wrong_kind(changes: dict[str, Any]) -> None:
    with pytest.raises(RecordError) as error:
        dispute_from_json(dispute_row(**changes), WHERE)
    assert str(error.value).startswith(f"{WHERE}: ")


def test_an_open_dispute_needs_no_word_on_its_settlement() -> None:
    assert dispute_from_json(dispute_row(), WHERE) == Dispute(
        document_id="op-17",
        text_sha256=SHA,
        start=0,
        end=7,
        claims=(Claim(annotator="ana", spans=(Span(start=0, end=7, label="PER"),)),),
    )


READERS = {
    "document": (document_from_json, {"id": "op-17", "text": TEXT, "url": None}),
    "span": (span_from_json, {"start": 0, "end": 7, "label": "PER", "fragments": [[0, 7]]}),
    "annotation": (annotation_from_json, annotation_row(guide="gonerd@1", text=TEXT)),
    "dispute": (dispute_from_json, dispute_row(settled_by="vote", settlement=[])),
}


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_hostile_json_is_read_or_refused_with_its_place(kind: str, data: st.DataObject) -> None:
    read, row = READERS[kind]
    key = data.draw(st.sampled_from(sorted(row)))
    hostile = {**row, key: data.draw(hostile_values)}

    try:
        read(hostile, WHERE)
    except RecordError as error:
        assert str(error).startswith(f"{WHERE}: ")
        assert str(error).count(WHERE) == 1
