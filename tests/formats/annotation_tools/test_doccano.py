"""Tests that doccano's files of every age are read, and that ours come back in its own unit."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import GonerdError, RecordError
from gonerd.formats.annotation_tools.doccano import FORMAT
from gonerd.formats.fields import text_id
from gonerd.formats.layers import MARKED, Annotated, Mention, Pass
from gonerd.formats.members import find_members
from gonerd.formats.offsets import calibrate
from gonerd.records import Annotation
from gonerd.spans import merge_ranges
from tests.formats.given import annotated_documents, fitted, lines, member, members_of, read_all
from tests.formats.real import real
from tests.formats.round_trips import DETAILS, annotated
from tests.strategies import HOSTILE_TEXTS, hostile_values

TEXT = "Ana Roe of Lund met Bo."
PER = Mention(start=0, end=3, label="PER")
Row = dict[str, Any]


def in_code_points(found: Pass) -> tuple[Any, ...]:
    """Put a pass on its text, as the import does."""
    assert found.text is not None
    assert isinstance(found.coverage, tuple)
    placed = calibrate(
        found.document_id, found.text, found.mentions, coverage=found.coverage, unit=found.unit
    )
    assert not placed.losses
    return (
        found.document_id,
        found.text,
        found.annotator,
        found.guide,
        placed.coverage,
        placed.spans,
    )


def as_expected(item: Annotated, one: Annotation) -> tuple[Any, ...]:
    """Say what should come back of an annotation."""
    coverage = merge_ranges(one.coverage)
    return one.document_id, item.document.text, one.annotator, one.guide, coverage, one.spans


@given(st.lists(annotated_documents(), max_size=3, unique_by=lambda item: item.document.id))
def test_what_is_written_comes_back(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)

    passes = read_all(FORMAT, members_of(FORMAT.write(kept), "out.jsonl"))

    expected = [as_expected(item, one) for item in kept for one in item.annotations]
    assert sorted(map(in_code_points, passes), key=repr) == sorted(expected, key=repr)
    assert all(found.unit == "UTF-16" for found in passes)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_with_what_is_known_of_it(text: str) -> None:
    span = (len(text), len(text) + 3, "PER")
    item = annotated(f"{text}Ana{text}", span, document_id="a/b\nc", annotator="../ana", **DETAILS)

    (found,) = read_all(FORMAT, members_of(FORMAT.write([item]), "out.jsonl"))

    assert in_code_points(found) == as_expected(item, *item.annotations)
    assert found.details == DETAILS


def test_offsets_are_written_as_doccano_counts_them() -> None:
    text = "\U0001f600 Ana \U0001f600"
    row = json.loads(FORMAT.write([annotated(text, (2, 5, "PER"))]).files[""])

    assert list(row) == ["id", "text", "label", "source", "license", "language", "gonerd"]
    assert (row["id"], row["text"], row["label"]) == ("l-17", text, [[3, 6, "PER"]])


def test_each_annotator_has_a_file_of_that_name() -> None:
    names = ["../bo/x", ".", "ana@x.org", "all"]

    written = FORMAT.write([annotated("Ana", annotator=name) for name in names])

    assert sorted(written.files) == [
        "%2E.%2Fbo%2Fx.jsonl", "%2E.jsonl", "all.jsonl", "ana@x.org.jsonl",
    ]  # fmt: skip
    found = read_all(FORMAT, members_of(written, ""))
    assert sorted(one.annotator for one in found) == sorted(names)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"label": [[0, 3, "PER"]], "Comments": []}, id="of today"),
        pytest.param({"labels": [[0, 3, "PER"]]}, id="of 2020"),
        pytest.param({"entities": [[0, 3, "PER"]]}, id="of 2019"),
        pytest.param(
            {"entities": [{"id": 4, "label": "PER", "start_offset": 0, "end_offset": 3}]},
            id="with relations",
        ),
        pytest.param(
            {
                "annotations": [
                    {"label_name": "PER", "label": 2, "start_offset": 0, "end_offset": 3}
                ]
            },
            id="with numbers and names",
        ),
    ],
)
def test_the_spans_of_every_age_are_read(row: Row) -> None:
    (found,) = read_all(FORMAT, [lines({"id": 7, "text": TEXT} | row)])

    assert (found.where, found.document_id, found.annotator) == ("file.jsonl:1", "7", "file")
    assert (found.text, found.mentions, found.coverage, found.unit) == (TEXT, (PER,), MARKED, None)
    assert (found.asides, found.losses, found.notes) == ((), (), ())


@pytest.mark.parametrize("label", [{}, {"label": None}, {"label": []}], ids=str)
def test_a_record_without_labels_says_nothing(label: Row) -> None:
    (found,) = read_all(FORMAT, [lines({"text": TEXT} | label)])

    assert (found.mentions, found.coverage, found.losses) == ((), MARKED, ())


def test_a_list_of_records_is_read_as_lines_are() -> None:
    content = json.dumps([{"id": 1, "data": TEXT, "label": [[0, 3, "PER"]]}])

    (found,) = read_all(FORMAT, [member(f"\ufeff {content}", "admin.json")])

    assert (found.where, found.text, found.mentions) == ("admin.json[1]", TEXT, (PER,))


def test_files_are_called_after_their_annotators() -> None:
    row = {"id": 1, "text": TEXT, "label": [[0, 3, "PER"]]}
    names = ["project/ana@x.org.jsonl", "project/all.jsonl", "project/bo.jsonl"]

    passes = read_all(FORMAT, [lines(row, name=name) for name in names], annotator="cy")

    assert [found.annotator for found in passes] == ["ana@x.org", "cy", "bo"]
    (alone,) = read_all(FORMAT, [lines(row, name="admin.jsonl")], annotator="cy")
    assert alone.annotator == "cy"
    (named,) = read_all(FORMAT, [lines(row | {"username": "dee"})], annotator="cy")
    assert named.annotator == "dee"
    (placed,) = read_all(FORMAT, [lines(row, name="a/ana.jsonl")], paths="{annotator}/ana.jsonl")
    assert placed.annotator == "a"


def test_work_of_everybody_together_is_called_so() -> None:
    row = {"id": 1, "text": TEXT, "label": []}

    (found,) = read_all(FORMAT, [lines(row, name="project/all.jsonl")])

    assert found.annotator == "all"
    assert found.notes == ("the work of everybody together; the file does not say who did what",)


def test_the_oldest_files_name_users_and_labels_by_number() -> None:
    spans = [
        {"label": 2, "user": 1, "start_offset": 0, "end_offset": 3},
        {"label": 3, "user": 2, "start_offset": 11, "end_offset": 15},
    ]

    passes = read_all(FORMAT, [lines({"id": 1, "text": TEXT, "annotations": spans, "meta": {}})])

    assert [(found.annotator, found.mentions) for found in passes] == [
        ("1", (Mention(start=0, end=3, label="2"),)),
        ("2", (Mention(start=11, end=15, label="3"),)),
    ]
    assert passes[0].notes == (
        "labels are numbers; their names are in the project's label settings",
    )


@pytest.mark.parametrize(
    ("row", "name"),
    [
        pytest.param({"id": 7}, "7", id="number"),
        pytest.param({"doc_id": " l-17 "}, "l-17", id="old name"),
        pytest.param({"meta": {"id": "l-17"}}, "l-17", id="metadata"),
        pytest.param({"metadata": '{"doc_id": 3}'}, "3", id="metadata in a text"),
        pytest.param({"id": None, "metadata": "{"}, text_id(TEXT), id="nothing"),
    ],
)
def test_a_document_is_called_by_the_first_id_there_is(row: Row, name: str) -> None:
    (found,) = read_all(FORMAT, [lines({"text": TEXT} | row)])

    assert found.document_id == name


def test_columns_can_be_named() -> None:
    row = {"id": 1, "body": TEXT, "text": "x", "letter": "l-17", "label": []}

    (found,) = read_all(FORMAT, [lines(row)], columns={"text": "body", "id": "letter"})

    assert (found.document_id, found.text) == ("l-17", TEXT)
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, [lines(row)], columns={"id": "number"})
    assert str(error.value) == (
        "file.jsonl:1: nothing in the column 'number'; expected a document's id."
    )


def test_relations_comments_and_classes_are_kept_aside() -> None:
    entities = [
        {"id": 0, "label": "ORG", "start_offset": 0, "end_offset": 3},
        {"id": 1, "label": "LOC", "start_offset": 11, "end_offset": 15},
    ]
    relation = {"id": 5, "from_id": 0, "to_id": 1, "type": "in"}
    row = {
        "text": TEXT, "entities": entities, "relations": [relation, {"from_id": 9}],
        "Comments": ["why?"], "cats": ["letter"], "label": "done",
    }  # fmt: skip

    (found,) = read_all(FORMAT, [lines(row)])

    assert [(aside.kind, aside.value) for aside in found.asides] == [
        ("label", {"label": "done"}),
        ("relation", relation | {"from": entities[0], "to": entities[1]}),
        ("relation", {"from_id": 9}),
        ("comment", {"text": "why?"}),
        ("category", {"text": "letter"}),
    ]
    assert len(found.mentions) == 2


def test_what_is_known_of_a_text_is_read_and_the_rest_is_said() -> None:
    row = {"text": TEXT, "url": "u", "licence": "cc0", "meta": {"source": "s", "url": "v"}}
    row |= {"Section": 4, "Subsection": None}

    (found,) = read_all(FORMAT, [lines(row)])

    assert found.details == {"url": "u", "license": "cc0", "source": "s"}
    assert found.notes == ("not carried over: Section",)


@pytest.mark.parametrize(
    ("span", "why"),
    [
        ([0, 3], "it is not [start, end, label]"),
        (7, "it is not [start, end, label]"),
        ([0, "3", "PER"], "its offsets are not whole numbers"),
        ([3, 3, "PER"], "its offsets are not 0 <= start < end"),
        ([-1, 3, "PER"], "its offsets are not 0 <= start < end"),
        ([0, 3, None], "it has no label"),
        ({"start_offset": 0, "end_offset": 3, "label": " "}, "it has no label"),
    ],
    ids=str,
)
def test_a_broken_span_is_refused_alone(span: Any, why: str) -> None:
    (found,) = read_all(FORMAT, [lines({"text": TEXT, "label": [span, [0, 3, "PER"]]})])

    assert found.mentions == (PER,)
    assert [(loss.document_id, loss.what, loss.why) for loss in found.losses] == [
        (text_id(TEXT), "span refused", why)
    ]


def test_a_record_without_text_is_counted_and_a_file_of_such_refused() -> None:
    good, bad = {"text": TEXT}, {"text": None, "label": [[0, 1, "PER"]]}

    (found,) = read_all(FORMAT, [lines(bad, good)])

    assert [(loss.document_id, loss.what, loss.why) for loss in found.losses] == [
        ("file.jsonl:1", "record refused", "it has no text")
    ]
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, [lines(bad)])
    assert str(error.value) == (
        "file.jsonl: no record holds a text; expected JSON with `text` and `label`."
    )


def test_our_imprint_is_not_believed_once_doccano_has_had_the_record() -> None:
    item = annotated(TEXT, (0, 3, "PER"), coverage=[(0, 7)])
    row = json.loads(FORMAT.write([item]).files[""])

    for changed in ({"Comments": []}, {"label": []}, {"text": f"{TEXT} "}):
        (found,) = read_all(FORMAT, [lines(row | changed, name="bo.jsonl")])
        assert (found.annotator, found.guide, found.coverage) == ("bo", "", MARKED)
        assert (found.document_id, found.unit) == ("l-17", None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"label": 3}, "label is 3; expected a list.", id="no list"),
        pytest.param(
            {"text": "\ud800"},
            "text: lone surrogate '\\ud800' at character 0; "
            "expected Unicode text that UTF-8 can carry.",
            id="lone surrogate",
        ),
    ],
)
def test_a_broken_record_is_refused_with_its_place(row: Row, message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, [lines({"text": TEXT} | row)])
    assert str(error.value) == f"file.jsonl:1: {message}"


@given(
    st.sampled_from(
        ["id", "text", "data", "label", "entities", "annotations", "relations", "Comments",
         "username", "meta", "gonerd", "url"]
    ),
    hostile_values,
)  # fmt: skip
def test_any_value_is_read_or_refused(key: str, value: Any) -> None:
    row = {"id": 1, "text": TEXT, "entities": [{"id": 1, "label": "PER"}], "relations": [{}]}
    try:
        passes = read_all(FORMAT, [lines(row | {key: value})])
    except GonerdError as error:
        assert str(error).startswith("file.jsonl")
    else:
        assert all(found.document_id and found.annotator for found in passes)


@given(hostile_values)
def test_any_span_is_read_or_refused(value: Any) -> None:
    for span in (value, [value, 3, "PER"], [0, value, "PER"], [0, 3, value], {"label": value}):
        (found,) = read_all(FORMAT, [lines({"text": TEXT, "label": [span]})])
        assert len(found.mentions) + len(found.losses) + len(found.asides) == 1


def test_a_real_export_holds_what_it_says() -> None:
    passes = read_all(FORMAT, find_members([real("exports/doccano/sec_signature_blocks.jsonl")]))

    assert len(passes) == 42
    assert Counter(mention.label for found in passes for mention in found.mentions) == {
        "legal_entity": 205,
        "signatory": 120,
    }
    assert not any(found.losses for found in passes)


@pytest.mark.parametrize(
    ("name", "texts", "spans", "asides", "losses"),
    [
        ("relation_extraction_example.jsonl", 1, 4, 3, 0),
        ("sequence_labeling_example.jsonl", 2, 1, 0, 1),
        ("sequence_labeling_example_overlapping.jsonl", 1, 2, 0, 0),
    ],
)
def test_doccanos_own_examples_are_read(
    name: str, texts: int, spans: int, asides: int, losses: int
) -> None:
    passes = read_all(FORMAT, find_members([real(f"exports/doccano/upstream_fixtures/{name}")]))

    assert len(passes) == texts
    assert sum(len(found.mentions) for found in passes) == spans
    assert sum(len(found.asides) for found in passes) == asides
    assert sum(len(found.losses) for found in passes) == losses
