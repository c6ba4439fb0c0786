"""Tests that our own JSON lines come back to the last key, and that broken ones are named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import RecordError
from gonerd.formats.jsonl import FORMAT
from gonerd.formats.layers import Mention
from gonerd.gather import Annotated
from gonerd.records import Document, text_sha256
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    lines,
    member,
    members_of,
    read_all,
)
from tests.strategies import HOSTILE_TEXTS, hostile_values

ROW = {
    "document_id": "l-17",
    "annotator": "ana",
    "guide": "letters@2",
    "coverage": [[0, 8]],
    "spans": [
        {"start": 0, "end": 3, "label": "PER", "confidence": 0.5, "support": 2},
        {"start": 0, "end": 8, "label": "ORG", "fragments": [[0, 3], [4, 8]]},
    ],
    "text": "Ana Roe.",
}


@given(st.lists(annotated_documents(), max_size=3))
def test_everything_comes_back_as_it_was(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)
    assert [item.annotations for item in kept] == [item.annotations for item in items]

    passes = read_all(FORMAT, members_of(FORMAT.write(kept), "out.jsonl"))

    assert [annotation_of(found) for found in passes] == [
        annotation for item in items for annotation in item.annotations
    ]
    assert [found.text for found in passes] == [
        item.document.text for item in items for _ in item.annotations
    ]


def test_a_line_becomes_a_pass_in_code_points() -> None:
    (found,) = read_all(FORMAT, [lines(ROW)])

    assert found.where == "file.jsonl:1"
    assert (found.document_id, found.annotator, found.guide) == ("l-17", "ana", "letters@2")
    assert (found.text, found.unit, found.coverage) == ("Ana Roe.", "code points", ((0, 8),))
    assert found.mentions == (
        Mention(start=0, end=8, label="ORG", fragments=((0, 3), (4, 8))),
        Mention(start=0, end=3, label="PER", confidence=0.5, support=2),
    )


def test_a_line_without_its_text_says_which_text_it_is_about() -> None:
    sha = text_sha256("Ana Roe.")
    row = {key: value for key, value in ROW.items() if key != "text"} | {"text_sha256": sha}

    (found,) = read_all(FORMAT, [lines(row)])

    assert (found.text, found.details) == (None, {"text_sha256": sha})


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_stays_on_its_line(text: str) -> None:
    document = Document(id="d\n1", text=text, source="", license="", language="")
    row = {"document_id": "d\n1", "annotator": "a\u2028b", "coverage": [], "spans": []}
    (found,) = read_all(FORMAT, [lines(row | {"text": text})])
    item = Annotated(document=document, annotations=(annotation_of(found),))

    (again,) = read_all(FORMAT, members_of(FORMAT.write([item]), "out.jsonl"))

    assert (again.text, annotation_of(again)) == (text, item.annotations[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"document_id": " "},
            "document_id is ' '; expected a name without outer blanks.",
            id="blank name",
        ),
        pytest.param(
            {"spans": {}}, "spans is {}; expected a list of spans.", id="spans of another kind"
        ),
        pytest.param(
            {"note": 1},
            "unknown key 'note'; known keys: annotator, coverage, document_id, guide, spans, "
            "text, text_sha256.",
            id="unknown key",
        ),
    ],
)
def test_a_broken_line_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, [lines(ROW, ROW | change)])
    assert str(error.value) == f"file.jsonl:2: {message}"


@given(st.sampled_from(sorted(ROW)), hostile_values)
def test_any_value_is_read_or_refused(key: str, value: Any) -> None:
    try:
        read_all(FORMAT, [member(json.dumps(ROW | {key: value}))])
    except RecordError as error:
        assert str(error).startswith("file.jsonl:1: ")
