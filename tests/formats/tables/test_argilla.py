"""Tests that Argilla's responses become passes in every layout, and that ours come back."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.errors import ConfigError, GonerdError, RecordError
from gonerd.formats.layers import MARKED, WHOLE, Mention
from gonerd.formats.members import find_members
from gonerd.formats.tables import dataset as columns
from gonerd.formats.tables.argilla import FORMAT
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    lines,
    members_of,
    read_all,
)
from tests.strategies import hostile_values

TEXT = "Ana met Bo."
ANA = [{"start": 0, "end": 3, "label": "PER"}]
BOTH = [*ANA, {"start": 8, "end": 10, "label": "PER"}]
MENTIONS = (Mention(start=0, end=3, label="PER"), Mention(start=8, end=10, label="PER"))

COLUMNS = {
    "id": "l-17",
    "status": "completed",
    "_server_id": "9f",
    "text": TEXT,
    "ents.responses": [BOTH, ANA, BOTH],
    "ents.responses.users": ["ana", "bo", "eva"],
    "ents.responses.status": ["submitted", "draft", "discarded"],
    "ents.suggestion": ANA,
    "ents.suggestion.score": None,
    "ents.suggestion.agent": "en_ner@1",
}
OBJECTS = [
    {"user_id": "ana", "value": BOTH, "status": "submitted"},
    {"user_id": "bo", "value": ANA, "status": "draft"},
    {"user_id": "eva", "value": BOTH, "status": "discarded"},
]
SUGGESTION = {"value": ANA, "agent": "en_ner@1", "score": None}

LAYOUTS: dict[str, dict[str, Any]] = {
    "columns": COLUMNS,
    "objects": {
        "external_id": "l-17",
        "text": TEXT,
        "ents": OBJECTS,
        "ents-suggestion": ANA,
        "ents-suggestion-metadata": {"type": "model", "agent": "en_ner@1", "score": None},
    },
    "objects as columns": {
        "external_id": "l-17",
        "text": TEXT,
        "ents": {key: [one[key] for one in OBJECTS] for key in OBJECTS[0]},
        "ents-suggestion": ANA,
        "ents-suggestion-metadata": {"agent": "en_ner@1"},
    },
    "nested by question": {
        "id": "l-17",
        "fields": {"text": TEXT},
        "responses": {"ents": OBJECTS},
        "suggestions": {"ents": SUGGESTION},
    },
    "nested by user": {
        "id": "l-17",
        "fields": {"text": TEXT},
        "responses": [
            {
                "user_id": one["user_id"],
                "status": one["status"],
                "values": {"ents": {"value": one["value"]}},
            }
            for one in OBJECTS
        ],
        "suggestions": [{"question_name": "ents", **SUGGESTION}],
    },
}  # fmt: skip


def read_rows(*rows: dict[str, Any], **options: Any) -> list[Any]:
    return read_all(FORMAT, [lines(*rows, name="letters.jsonl")], **options)


@pytest.mark.parametrize("row", LAYOUTS.values(), ids=LAYOUTS)
def test_responses_and_suggestions_are_passes_in_every_layout(row: dict[str, Any]) -> None:
    found = {one.annotator: one for one in read_rows(row)}

    assert {name: (one.mentions, one.coverage) for name, one in found.items()} == {
        "ana": (MENTIONS, WHOLE),
        "bo": (MENTIONS[:1], MARKED),
        "en_ner@1": (MENTIONS[:1], WHOLE),
    }
    assert {(one.document_id, one.text, one.unit) for one in found.values()} == {
        ("l-17", TEXT, None)
    }
    assert [(loss.what, loss.why) for one in found.values() for loss in one.losses] == [
        ("answer refused", "it was discarded")
    ]
    assert found["ana"].notes == ("spans are the answers to 'ents', text in 'text'",)


@pytest.mark.parametrize("row", LAYOUTS.values(), ids=LAYOUTS)
def test_a_dataset_of_unknown_columns_is_known_as_argillas(row: dict[str, Any]) -> None:
    assert read_all(columns.FORMAT, [lines(row, name="letters.jsonl")]) == read_rows(row)


def test_the_oldest_layout_is_read() -> None:
    row = {
        "id": "l-17",
        "text": TEXT,
        "tokens": ["Ana", "met", "Bo", "."],
        "annotation": [["PER", 0, 3], ["PER", 8, 10]],
        "annotation_agent": "ana",
        "prediction": [{"label": "PER", "start": 0, "end": 3, "score": 0.5}],
        "prediction_agent": "en_ner@1",
        "status": "Validated",
    }
    said, guessed = read_rows(row)
    (draft,) = read_rows(row | {"status": "Default", "prediction": None})

    assert (said.annotator, said.mentions, said.coverage) == ("ana", MENTIONS, WHOLE)
    assert guessed.mentions == (Mention(start=0, end=3, label="PER", confidence=0.5),)
    assert draft.coverage == MARKED


def test_answers_to_other_questions_are_kept_aside() -> None:
    row = COLUMNS | {
        "tone.responses": ["warm"],
        "tone.responses.users": ["ana"],
        "tone.responses.status": ["submitted"],
    }
    first, *_ = read_rows(row)

    assert [(aside.annotator, aside.kind, aside.value) for aside in first.asides] == [
        ("ana", "answer", {"question": "tone", "value": "warm", "status": "submitted"})
    ]


def test_scores_of_each_span_are_confidences_and_one_for_all_is_kept_aside() -> None:
    row = {"text": TEXT, "ents.suggestion": BOTH, "ents.suggestion.agent": "m"}

    (each,) = read_rows(row | {"ents.suggestion.score": [0.5, 0.25]})
    (whole,) = read_rows(row | {"ents.suggestion.score": 0.75})

    assert [mention.confidence for mention in each.mentions] == [0.5, 0.25]
    assert [mention.confidence for mention in whole.mentions] == [None, None]
    assert [aside.value for aside in whole.asides] == [{"question": "ents", "score": 0.75}]


def test_a_response_without_spans_has_found_none() -> None:
    row = {
        "text": TEXT,
        "ents.responses": [[], None],
        "ents.responses.users": ["ana", "bo"],
        "ents.responses.status": ["submitted", "submitted"],
    }
    assert [(one.mentions, one.coverage) for one in read_rows(row)] == [((), WHOLE)] * 2


def test_the_field_that_was_marked_is_told_by_its_words_or_asked_for() -> None:
    answered = [{"start": 0, "end": 3, "label": "PER", "text": "Ana"}]
    fields = {"question": "Who met whom?", "letter": TEXT}
    row = {**fields, "ents.suggestion": answered}

    (found,) = read_rows(row)
    (asked,) = read_rows({**fields, "ents.suggestion": ANA}, columns={"text": "letter"})

    assert found.text == asked.text == TEXT


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        pytest.param(
            {"text": TEXT, "a.suggestion": ANA, "b.suggestion": BOTH},
            {},
            "letters.jsonl: spans are the answers to 'a', 'b'; expected to know which are the "
            "entities.\nName the question: --layer a",
            id="two questions",
        ),
        pytest.param(
            {"text": TEXT, "tone.suggestion": "warm"},
            {},
            "letters.jsonl: no question is answered with spans; the questions are 'tone'; "
            "expected one about spans.",
            id="no spans",
        ),
        pytest.param(
            COLUMNS,
            {"columns": {"text": "letter"}},
            "--column text=letter: no such field; expected one of text.",
            id="no such field",
        ),
        pytest.param(
            {"ents.suggestion": ANA},
            {},
            "letters.jsonl: no field holds the text of the spans; expected one.\n"
            "Name it: --column text=FIELD",
            id="no text",
        ),
    ],
)
def test_what_cannot_be_told_is_asked(
    row: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_rows(row, **options)
    assert str(error.value) == message


def test_the_question_is_chosen_by_name() -> None:
    row = {"text": TEXT, "a.suggestion": ANA, "b.suggestion": BOTH}
    (found,) = read_rows(row, layer="b")
    assert found.mentions == MENTIONS


def test_where_every_answer_was_discarded_there_is_nothing_to_read() -> None:
    row = {key: value for key, value in COLUMNS.items() if "suggestion" not in key}
    row["ents.responses.status"] = ["discarded"] * 3

    with pytest.raises(RecordError) as error:
        read_rows(row)
    assert str(error.value) == (
        "letters.jsonl: every answer to 'ents' was refused; expected one that stands."
    )


def test_a_dataset_from_the_hub_is_read_from_parquet(tmp_path: Path) -> None:
    datasets.Dataset.from_list([COLUMNS]).to_parquet(str(tmp_path / "train.parquet"))
    members = find_members([tmp_path / "train.parquet"])

    assert [one.mentions for one in read_all(FORMAT, members)] == [
        MENTIONS,
        MENTIONS[:1],
        MENTIONS[:1],
    ]


@given(st.lists(annotated_documents(["ana", "bo"]), max_size=3))
def test_what_the_format_carries_comes_back(items: list[Annotated]) -> None:
    items = list({item.document.id: item for item in items}.values())
    kept, _ = fitted(items, FORMAT)

    passes = read_all(FORMAT, members_of(FORMAT.write(kept), "out.jsonl"))

    assert [annotation_of(found) for found in passes] == [
        annotation for item in kept for annotation in item.annotations
    ]
    for found in passes:
        (document,) = [i.document for i in kept if i.document.id == found.document_id]
        assert found.text == document.text
        assert found.details.get("language", "") == document.language


def test_a_response_that_was_changed_since_is_not_taken_for_ours() -> None:
    document = Document(id="l-17", text=TEXT, source="s", license="mit", language="en")
    annotation = Annotation(
        document_id="l-17",
        text_sha256=document.text_sha256,
        annotator="ana",
        guide="letters@2",
        coverage=((0, len(TEXT)),),
        spans=(),
    )
    item = Annotated(document=document, annotations=(annotation,))
    row = json.loads(FORMAT.write([item]).files[""])
    (ours,) = read_rows(row)
    assert (ours.coverage, ours.guide) == (((0, len(TEXT)),), "letters@2")
    row["spans.responses"][0] = BOTH

    (found,) = read_rows(row)

    assert (found.mentions, found.coverage, found.guide) == (MENTIONS, WHOLE, "")


@pytest.mark.parametrize("row", LAYOUTS.values(), ids=LAYOUTS)
@settings(max_examples=40)
@given(data=st.data())
def test_any_value_in_any_layout_is_read_or_refused(
    row: dict[str, Any], data: st.DataObject
) -> None:
    changed = json.loads(json.dumps(row))
    place: Any = changed
    key: Any = data.draw(st.sampled_from(sorted(changed)))
    while isinstance(place[key], list | dict) and place[key] and data.draw(st.booleans()):
        place = place[key]
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
    place[key] = data.draw(hostile_values)
    try:
        read_rows(changed, row)
    except GonerdError as error:
        assert str(error)
