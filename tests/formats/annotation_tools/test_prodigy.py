"""Tests that Prodigy's answers are read for what they say and no more, and that ours come back."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import GonerdError, RecordError
from gonerd.formats.annotation_tools.prodigy import FORMAT
from gonerd.formats.fields import text_id
from gonerd.formats.layers import MARKED, WHOLE, Annotated, Mention, Pass
from gonerd.formats.members import find_members
from gonerd.records import Span
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    lines,
    losses_of,
    member,
    members_of,
    read_all,
)
from tests.formats.real import real
from tests.formats.round_trips import DETAILS, annotated
from tests.strategies import HOSTILE_TEXTS, hostile_values

TEXT = "Ana Roe of Lund"
TOKENS = [
    {"text": "Ana", "start": 0, "end": 3, "id": 0, "ws": True},
    {"text": "Roe", "start": 4, "end": 7, "id": 1, "ws": True},
    {"text": "of", "start": 8, "end": 10, "id": 2, "ws": True},
    {"text": "Lund", "start": 11, "end": 15, "id": 3, "ws": False},
]
ANA = {"start": 0, "end": 7, "token_start": 0, "token_end": 1, "label": "PER"}
LUND = {"start": 11, "end": 15, "token_start": 3, "token_end": 3, "label": "LOC"}
Row = dict[str, Any]


def row(*spans: Row, **more: Any) -> Row:
    """Accept spans as `ner.manual` does."""
    given = {"text": TEXT, "meta": {"id": "l-17"}, "tokens": TOKENS, "spans": [*spans]}
    session = {"_view_id": "ner_manual", "answer": "accept", "_session_id": "ana"}
    return given | session | more


def binary(span: Row, answer: str, **more: Any) -> Row:
    """Answer a question about one span as `ner.teach` asks it."""
    return row(span, **({"_view_id": "ner", "_is_binary": True, "answer": answer} | more))


def read_rows(*rows: Row, **options: Any) -> list[Pass]:
    """Read rows as one file."""
    return read_all(FORMAT, [lines(*rows, name="ds.jsonl")], **options)


def labels_of(found: Pass) -> list[str]:
    """List the labels of a pass."""
    return [mention.label for mention in found.mentions]


@given(st.lists(annotated_documents(), max_size=3, unique_by=lambda item: item.document.id))
def test_what_is_written_comes_back(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)

    passes = read_all(FORMAT, members_of(FORMAT.write(kept), "out.jsonl"))

    assert [(annotation_of(found), found.text) for found in passes] == [
        (one, item.document.text) for item in kept for one in item.annotations
    ]
    assert all(found.unit == "code points" and not found.losses for found in passes)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_with_what_is_known_of_it(text: str) -> None:
    at = len(text) + 1
    span = Span(start=at, end=at + 3, label="PER", confidence=0.5, support=2)
    names = {"document_id": "a/b\nc", "annotator": "ds-2024-01-02_03-04-05"}
    item = annotated(f"{text} Ana {text}", span, **names, **DETAILS)

    (found,) = read_all(FORMAT, members_of(FORMAT.write([item]), "out.jsonl"))

    assert (found.text, annotation_of(found)) == (item.document.text, *item.annotations)
    assert found.details == DETAILS


def test_rows_are_written_as_prodigy_writes_them() -> None:
    flat, nested = (
        json.loads(FORMAT.write([annotated(TEXT, (0, 7, "PER"), other)]).files[""])
        for other in ((9, 15, "LOC"), (4, 7, "LOC"))
    )

    assert flat["tokens"] == TOKENS
    assert flat["spans"] == [
        ANA | {"text": "Ana Roe"},
        {"start": 9, "end": 15, "label": "LOC", "text": "f Lund"},
    ]
    assert (flat["_view_id"], nested["_view_id"]) == ("ner_manual", "spans_manual")
    assert (flat["answer"], flat["_session_id"], flat["meta"]["id"]) == ("accept", "ana", "l-17")
    assert flat["_input_hash"] == nested["_input_hash"]
    assert flat["_task_hash"] != nested["_task_hash"]
    assert all(-(2**31) <= flat[key] < 2**31 for key in ("_input_hash", "_task_hash"))


def test_an_accepted_manual_answer_is_of_the_whole_text() -> None:
    (found,) = read_rows(row(ANA, LUND))

    assert (found.where, found.document_id, found.annotator) == ("ds.jsonl:1", "l-17", "ana")
    assert (found.text, found.coverage, found.unit) == (TEXT, WHOLE, "code points")
    assert found.mentions == (
        Mention(start=0, end=7, label="PER", surface="Ana Roe"),
        Mention(start=11, end=15, label="LOC", surface="Lund"),
    )
    assert (found.losses, found.asides, found.notes) == ((), (), ())


def test_binary_answers_add_up_and_a_rejected_one_is_never_no_entity() -> None:
    passes = read_rows(
        binary(ANA, "accept"), binary(LUND, "reject"), binary(LUND | {"label": "ORG"}, "ignore"),
        binary(LUND, "accept"), binary(ANA, "accept"),
    )  # fmt: skip

    assert [(labels_of(found), found.coverage) for found in passes] == [(["PER", "LOC"], MARKED)]
    assert losses_of(*passes) == [
        ("rejected answer set aside", "a rejected span is wrong, but nothing else is said"),
        ("answer refused", "the annotator ignored it"),
    ]
    assert [(aside.kind, aside.value) for aside in passes[0].asides] == [
        ("rejected", {"spans": [LUND], "label": None})
    ]


def test_a_rejected_manual_answer_is_kept_aside_as_well() -> None:
    (found,) = read_rows(row(ANA, answer="reject"))

    assert (found.mentions, found.coverage) == ((), MARKED)
    assert losses_of(found) == [
        ("rejected answer set aside", "the annotator rejected the text as it was marked")
    ]
    assert [aside.value for aside in found.asides] == [{"spans": [ANA], "label": None}]


@pytest.mark.parametrize(
    ("changed", "coverage"),
    [
        pytest.param({}, WHOLE, id="ner_manual"),
        pytest.param({"_view_id": "spans_manual"}, WHOLE, id="spans_manual"),
        pytest.param({"_view_id": "blocks"}, WHOLE, id="blocks"),
        pytest.param({"_view_id": None}, WHOLE, id="tokens and no view"),
        pytest.param({"_view_id": None, "tokens": None}, WHOLE, id="null tokens"),
        pytest.param({"_view_id": "ner"}, MARKED, id="ner"),
        pytest.param({"_is_binary": True}, MARKED, id="said to be binary"),
        pytest.param({"_view_id": "ner", "_is_binary": False}, WHOLE, id="said to be manual"),
        pytest.param({"_view_id": "relations"}, MARKED, id="relations"),
        pytest.param({"answer": None}, MARKED, id="no answer"),
    ],
)
def test_only_a_manual_answer_is_of_the_whole_text(changed: Row, coverage: str) -> None:
    (found,) = read_rows(row(ANA, **changed))

    assert (labels_of(found), found.coverage) == (["PER"], coverage)


def test_the_newest_manual_answer_stands_and_before_binary_ones() -> None:
    passes = read_rows(
        row(ANA, _timestamp=3),
        row(LUND, _timestamp=2),
        row(ANA, _timestamp=1),
        binary(LUND, "accept", _timestamp=9),
        binary(ANA, "accept", _timestamp=9),
    )

    assert [(labels_of(found), found.coverage) for found in passes] == [(["PER"], WHOLE)]
    assert losses_of(*passes) == [
        ("answer refused", "a newer answer by the same annotator stands"),
        ("answer refused", "a manual answer by the same annotator stands"),
    ]
    (later,) = read_rows(row(ANA), row(LUND))
    assert labels_of(later) == ["LOC"]


@pytest.mark.parametrize(
    ("session", "annotator"),
    [
        pytest.param({"_session_id": "ds-ana"}, "ds-ana", id="session"),
        pytest.param({"_annotator_id": "bo"}, "bo", id="annotator"),
        pytest.param({"_session_id": None}, "ds", id="nobody"),
        pytest.param({"_session_id": "news-2024-01-02_03-04-05"}, "news", id="unnamed session"),
        pytest.param({"_session_id": "2024-01-02_03-04-05"}, "ds", id="nothing but a time"),
    ],
)
def test_an_annotator_is_called_as_the_session(session: Row, annotator: str) -> None:
    (found,) = read_rows(row(ANA, **session))

    assert found.annotator == annotator


def test_a_reviewed_row_holds_what_every_session_said() -> None:
    versions = [
        {**row(ANA, _session_id="ana"), "sessions": ["ana", "cy"], "default": True},
        {**row(LUND, _session_id="bo"), "sessions": ["bo"], "default": False},
        {"spans": [ANA], "answer": "ignore", "_view_id": "ner_manual", "_session_id": "dee"},
        17,
    ]
    review = {"_view_id": "review", "view_id": "ner_manual", "_session_id": "reviewer"}

    passes = read_rows(row(ANA, LUND, versions=versions, **review))

    assert [(found.annotator, labels_of(found), found.coverage) for found in passes] == [
        ("ana", ["PER"], WHOLE),
        ("cy", ["PER"], WHOLE),
        ("bo", ["LOC"], WHOLE),
        ("dee", [], MARKED),
        ("reviewer", ["PER", "LOC"], WHOLE),
    ]
    assert passes[1].where == "ds.jsonl:1 version 1"


def test_tokens_prove_that_characters_are_counted_and_say_what_stands_there() -> None:
    text = "\U0001f600 Ana Roe"
    tokens = [
        {"text": "\U0001f600", "start": 0, "end": 2},
        {"text": "Ana", "start": 3, "end": 6},
        {"text": "Roe", "start": 7, "end": 10},
    ]
    in_utf16 = {"start": 3, "end": 10, "token_start": 1, "token_end": 2, "label": "PER"}

    (found,) = read_rows(row(in_utf16, text=text, tokens=tokens))

    assert (found.unit, found.notes) == (None, ("tokens do not stand where they say",))
    assert found.mentions == (Mention(start=3, end=10, label="PER", surface="Ana Roe"),)
    for changed in ({"token_end": 9}, {"token_start": None}, {"start": 4}):
        (found,) = read_rows(row(in_utf16 | changed, text=text, tokens=tokens))
        assert found.mentions[0].surface is None


@pytest.mark.parametrize(
    ("span", "why"),
    [
        pytest.param(ANA | {"label": None}, "it has no label", id="null label"),
        pytest.param({"token_start": 0, "label": "PER"}, "its offsets are not whole numbers",
                     id="no offsets"),
        pytest.param(ANA | {"end": 0}, "its offsets are not 0 <= start < end", id="empty"),
        pytest.param([0, 7, "PER"], "it is not an object", id="list"),
    ],
)  # fmt: skip
def test_a_broken_span_is_refused_alone(span: Any, why: str) -> None:
    (found,) = read_rows(row(span, LUND))

    assert labels_of(found) == ["LOC"]
    assert losses_of(found) == [("span refused", why)]


def test_relations_and_choices_are_kept_aside() -> None:
    relation = {"head": 1, "child": 3, "label": "of"}
    choice = {"options": [{"id": 1}], "accept": [1], "_view_id": "choice"}

    (related,) = read_rows(row(ANA, LUND, relations=[relation, 3], _view_id="relations"))
    (chosen,) = read_rows(row(ANA, **choice))

    assert [(aside.kind, aside.value) for aside in related.asides] == [
        ("relation", relation),
        ("relation", {"value": 3}),
    ]
    assert related.notes == ("answers of the relations view are read as marks",)
    assert (chosen.mentions, chosen.coverage) == ((), MARKED)
    assert [(aside.kind, aside.value) for aside in chosen.asides] == [
        ("choice", {"accept": [1], "options": [{"id": 1}], "answer": "accept"})
    ]


@pytest.mark.parametrize(
    ("meta", "name"),
    [
        pytest.param({"id": 7}, "7", id="number"),
        pytest.param({"doc_id": " l-17 "}, "l-17", id="other name"),
        pytest.param({"source": "s"}, text_id(TEXT), id="nothing"),
        pytest.param("x", text_id(TEXT), id="no object"),
    ],
)
def test_a_document_is_called_by_its_id_or_its_text(meta: Any, name: str) -> None:
    (found,) = read_rows(row(meta=meta))

    assert found.document_id == name


def test_those_who_annotated_one_text_meet_in_it() -> None:
    nameless = row(ANA, meta={"page": 3}, _session_id="bo")

    passes = read_rows(row(ANA), nameless)

    assert [(found.document_id, found.annotator) for found in passes] == [
        ("l-17", "ana"),
        ("l-17", "bo"),
    ]
    assert passes[1].notes == ("not carried over: page",)


def test_parts_of_one_document_that_share_its_id_are_told_apart() -> None:
    passes = read_rows(row(ANA), row(text="So.", tokens=None))

    assert [found.document_id for found in passes] == [
        f"l-17-{text_id(TEXT)}",
        f"l-17-{text_id('So.')}",
    ]
    assert passes[0].notes == ("several texts have one id, which is therefore made longer",)


def test_the_column_of_the_id_can_be_named() -> None:
    (found,) = read_rows(row(meta={"letter": 3}), columns={"id": "letter"})

    assert found.document_id == "3"
    with pytest.raises(RecordError) as error:
        read_rows(row(), columns={"id": "letter"})
    assert str(error.value) == (
        "ds.jsonl:1: nothing in the column 'letter'; expected a document's id."
    )


def test_our_imprint_is_not_believed_once_another_has_answered() -> None:
    item = annotated(TEXT, (0, 7, "PER"), coverage=[(0, 7)])
    written = json.loads(FORMAT.write([item]).files[""])
    by_bo = {"_session_id": "bo", "_annotator_id": "bo"}

    for changed in (by_bo, {"spans": [LUND]}, {"text": f"{TEXT}."}):
        (found,) = read_rows(written | changed)
        assert (found.document_id, found.guide, found.coverage) == ("l-17", "", WHOLE)


def test_a_pattern_is_no_annotation() -> None:
    with pytest.raises(RecordError) as error:
        read_rows({"label": "PER", "pattern": [{"lower": "ana"}]})
    assert str(error.value) == (
        "ds.jsonl:1: a pattern to match, and not an annotation; expected rows with `text` and "
        "`spans`.\nWrite them with `prodigy db-out DATASET`."
    )


def test_a_row_without_text_is_counted_and_a_file_of_such_refused() -> None:
    (found,) = read_rows({"image": "a.png", "answer": "accept"}, row(ANA))

    assert [(loss.document_id, loss.what, loss.why) for loss in found.losses] == [
        ("ds.jsonl:1", "answer refused", "it has no text")
    ]
    with pytest.raises(RecordError) as error:
        read_rows({"text": None})
    assert str(error.value) == (
        "ds.jsonl:1: neither this row nor another holds a text; "
        "expected rows with `text` and `spans`."
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"spans": {}}, "spans is {}; expected a list of spans.", id="no list"),
        pytest.param(
            {"versions": [{"text": 3}]}, "text is 3; expected a string.", id="version without text"
        ),
        pytest.param(
            {"text": "\ud800"},
            "text: lone surrogate '\\ud800' at character 0; "
            "expected Unicode text that UTF-8 can carry.",
            id="lone surrogate",
        ),
    ],
)
def test_a_broken_row_is_refused_with_its_place(changed: Row, message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_rows(row(**changed))
    assert str(error.value).removeprefix("ds.jsonl:1").removeprefix(" version 1") == f": {message}"


@given(
    st.sampled_from(
        ["text", "meta", "tokens", "spans", "answer", "_view_id", "view_id", "_session_id",
         "_is_binary", "_timestamp", "versions", "relations", "accept", "label", "gonerd"]
    ),
    hostile_values,
)  # fmt: skip
def test_any_value_is_read_or_refused(key: str, value: Any) -> None:
    versions = [{"spans": [ANA], "sessions": ["ana"], key: value}]
    try:
        passes = read_rows(row(ANA, **{"versions": versions, key: value}))
    except GonerdError as error:
        assert str(error).startswith("ds.jsonl:1")
    else:
        assert all(found.document_id and found.annotator for found in passes)


@given(st.sampled_from([*ANA, "text", "score", "support"]), hostile_values)
def test_any_span_is_read_or_refused(key: str, value: Any) -> None:
    (found,) = read_rows(row(ANA | {key: value}, tokens=[TOKENS[0] | {key: value}, TOKENS[1]]))

    assert len(found.mentions) + len(found.losses) == 1


@given(hostile_values)
def test_any_line_is_read_or_refused(value: Any) -> None:
    try:
        read_all(FORMAT, [member(json.dumps(value), "ds.jsonl")])
    except GonerdError as error:
        assert str(error).startswith("ds.jsonl")


@pytest.mark.parametrize(
    ("name", "texts", "spans", "asides", "coverage"),
    [
        ("fashion_brands_eval.jsonl.gz", 500, {"FASHION_BRAND": 238}, 0, WHOLE),
        ("rel_component_annotations.jsonl.gz", 149, {"GGP": 466}, 267, MARKED),
    ],
)
def test_real_files_hold_what_they_say(
    name: str, texts: int, spans: dict[str, int], asides: int, coverage: str
) -> None:
    passes = read_all(FORMAT, find_members([real(f"exports/prodigy/{name}")]))

    assert len({found.document_id for found in passes}) == len(passes) == texts
    assert Counter(mention.label for found in passes for mention in found.mentions) == spans
    assert sum(len(found.asides) for found in passes) == asides
    assert {(found.coverage, found.unit) for found in passes} == {(coverage, "code points")}
    assert not any(found.losses for found in passes)
    for found in passes:
        assert found.text is not None
        for mention in found.mentions:
            assert found.text[mention.start : mention.end] == mention.surface


def test_a_real_file_of_patterns_is_refused() -> None:
    with pytest.raises(RecordError, match="a pattern to match, and not an annotation"):
        read_all(FORMAT, find_members([real("exports/prodigy/fashion_brands_patterns.jsonl")]))
