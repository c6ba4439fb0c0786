"""Tests that Label Studio's files of every shape are read, and that ours come back."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, GonerdError, RecordError
from gonerd.formats.annotation_tools.label_studio import FORMAT
from gonerd.formats.fields import text_id
from gonerd.formats.layers import MARKED, WHOLE, Annotated, Mention, Pass, ReadOptions
from gonerd.formats.members import Member, find_members
from gonerd.records import Span
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    losses_of,
    member,
    members_of,
    read_all,
)
from tests.formats.real import real
from tests.formats.round_trips import DETAILS, annotated
from tests.strategies import HOSTILE_TEXTS, hostile_values

TEXT = "Ana Roe\nof Lund met Bo."
Row = dict[str, Any]


def region(start: int, end: int, *labels: str, text: str = TEXT, **more: Any) -> Row:
    """Mark a place as Label Studio does."""
    value = {"start": start, "end": end, "text": text[start:end], "labels": list(labels)}
    named = {"from_name": "label", "to_name": "text", "type": "labels"}
    return {"id": f"r{start}", **named, "value": value, **more}


def annotation(*result: Row, **more: Any) -> Row:
    """Submit regions as Ana."""
    return {"id": 9, "completed_by": {"id": 1, "email": "ana@x.org"}, "result": [*result], **more}


def task(*annotations: Row, **more: Any) -> Row:
    """Put annotations into a task."""
    return {"id": 5, "data": {"text": TEXT}, "annotations": [*annotations], **more}


def file(*tasks: Any, name: str = "export.json") -> Member:
    """Hold an export in memory."""
    return member(json.dumps([*tasks]), name)


def read_file(*tasks: Any, **options: Any) -> list[Pass]:
    """Read tasks as one export."""
    return read_all(FORMAT, [file(*tasks)], **options)


@given(st.lists(annotated_documents(), max_size=3, unique_by=lambda item: item.document.id))
def test_what_is_written_comes_back(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)

    passes = read_all(FORMAT, members_of(FORMAT.write(kept), "out.json"))

    assert [(annotation_of(found), found.text) for found in passes] == [
        (one, item.document.text) for item in kept for one in item.annotations
    ]
    assert {found.unit for found in passes} <= {"code points"}
    assert all(not found.losses and not found.asides for found in passes)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_with_what_is_known_of_it(text: str) -> None:
    span = Span(start=len(text), end=len(text) + 3, label="PER", confidence=0.5, support=2)
    names = {"document_id": "a/b", "annotator": "ana\nb@x.org"}
    item = annotated(f"{text}Ana{text}", span, **names, **DETAILS)

    (found,) = read_all(FORMAT, members_of(FORMAT.write([item]), "out.json"))

    assert (found.text, annotation_of(found)) == (item.document.text, *item.annotations)
    assert found.details == DETAILS


def test_a_task_becomes_a_pass_of_the_whole_text() -> None:
    (found,) = read_file(task(annotation(region(0, 15, "PER"), region(11, 15, "LOC"))))

    assert (found.where, found.document_id, found.annotator) == ("export.json[1]", "5", "ana@x.org")
    assert (found.text, found.coverage, found.unit) == (TEXT, WHOLE, None)
    assert found.mentions == (
        Mention(start=0, end=15, label="PER", surface="Ana Roe\nof Lund"),
        Mention(start=11, end=15, label="LOC", surface="Lund"),
    )


@pytest.mark.parametrize(
    ("completed_by", "annotator"),
    [
        pytest.param({"id": 3, "email": "bo@x.org"}, "bo@x.org", id="email"),
        pytest.param({"id": 3}, "3", id="number in an object"),
        pytest.param(3, "3", id="number"),
        pytest.param("bo", "bo", id="name"),
        pytest.param(None, "export", id="nobody"),
        pytest.param(True, "export", id="no name"),
    ],
)
def test_an_annotator_is_called_by_email_then_number(completed_by: Any, annotator: str) -> None:
    (found,) = read_file(task({"completed_by": completed_by, "result": []}))

    assert found.annotator == annotator


def test_the_rows_of_json_min_are_annotations() -> None:
    value = {"start": 0, "end": 7, "text": "Ana Roe", "labels": ["PER", "VIP"]}
    row = {"id": 5, "text": TEXT, "label": [value], "annotation_id": 1, "updated_at": "2024"}

    passes = read_file(
        row | {"annotator": "ana@x.org"}, row | {"annotator": 2, "label": [value, value]}
    )

    assert [(found.annotator, len(found.mentions)) for found in passes] == [
        ("ana@x.org", 2),
        ("2", 4),
    ]
    assert {(found.document_id, found.text, found.coverage) for found in passes} == {
        ("5", TEXT, WHOLE)
    }
    assert [mention.label for mention in passes[0].mentions] == ["PER", "VIP"]


def test_each_model_is_an_annotator_and_a_draft_says_only_what_it_marks() -> None:
    def model(name: str | None, score: Any) -> Row:
        return {"model_version": name, "result": [region(0, 3, "PER", score=score)]}

    passes = read_file(
        task(
            predictions=[model("m-1", 0.25), model("m-2", 7), model(None, "high")],
            drafts=[{"user": "cy@x.org", "result": [region(11, 15, "LOC")]}],
        )
    )

    assert {
        found.annotator: (found.coverage, found.mentions[0].confidence) for found in passes
    } == {
        "cy@x.org": (MARKED, None),
        "m-1": (WHOLE, 0.25),
        "m-2": (WHOLE, None),
        "prediction": (WHOLE, None),
    }


def test_the_newest_annotation_of_a_person_stands_and_a_submitted_one_before_a_draft() -> None:
    passes = read_file(
        task(
            annotation(region(0, 3, "NEW"), updated_at="2024-02"),
            annotation(region(0, 3, "OLD"), updated_at="2024-01"),
            drafts=[{"user": "ana@x.org", "result": [], "updated_at": "2024-03"}],
        )
    )

    assert [mention.label for found in passes for mention in found.mentions] == ["NEW"]
    why = "a newer or a submitted one by the same annotator stands"
    assert losses_of(*passes) == [("annotation refused", why)] * 2


def test_cancelled_and_bare_annotations_are_counted() -> None:
    passes = read_file(
        task(annotation(was_cancelled=True), {"skipped": True, "result": []}, 17, predictions=[3])
    )

    assert losses_of(*passes) == [
        ("annotation refused", "it was cancelled"),
        ("annotation refused", "it was cancelled"),
        ("annotation refused", "the file holds nothing but its number"),
        ("annotation refused", "the file holds nothing but its number"),
    ]
    assert [(found.mentions, found.coverage) for found in passes] == [((), MARKED)]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"text": TEXT}, id="bare data"),
        pytest.param({"id": 5, "data": {"text": TEXT}}, id="task"),
        pytest.param({"id": 5, "text": TEXT, "annotation_id": None}, id="row of JSON_MIN"),
    ],
)
def test_a_task_nobody_annotated_keeps_its_text(row: Row) -> None:
    (found,) = read_file(row)

    assert (found.text, found.annotator, found.mentions) == (TEXT, "export", ())
    assert found.coverage == MARKED
    assert found.notes == ("nobody has annotated it; nothing but the text was read",)
    assert found.document_id == ("5" if "id" in row else text_id(TEXT))


def test_the_files_of_a_cloud_storage_are_tasks() -> None:
    one = annotation(region(0, 3, "PER"), task={"id": 5, "data": {"text": TEXT}})
    empty = annotation(task={"id": 6, "data": {"text": "So.", "title": "x"}})

    passes = read_all(
        FORMAT, [member(json.dumps(empty), "8.json"), member(json.dumps(one), "9.json")]
    )

    assert [(found.document_id, found.text, found.coverage) for found in passes] == [
        ("5", TEXT, WHOLE),
        ("6", "So.", WHOLE),
    ]


def test_completions_are_annotations_by_their_old_name() -> None:
    (found,) = read_file({"id": 5, "data": {"text": TEXT}, "completions": [annotation()]})

    assert found.annotator == "ana@x.org"


def test_what_is_no_label_of_a_place_is_kept_aside() -> None:
    choice = {"id": "c", "type": "choices", "from_name": "c", "value": {"choices": ["yes"]}}
    box = {"id": "b", "type": "rectanglelabels", "value": {"x": 1, "rectanglelabels": ["LOGO"]}}
    relation = {"type": "relation", "from_id": "r0", "to_id": "gone", "direction": "right"}
    marked = region(0, 3, "PER")

    (found,) = read_file(task(annotation(marked, choice, box, relation)))

    assert [(aside.kind, aside.value) for aside in found.asides] == [
        ("choices", choice),
        ("rectanglelabels", box),
        ("relation", relation | {"from": marked}),
    ]
    assert {(aside.document_id, aside.annotator) for aside in found.asides} == {("5", "ana@x.org")}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param({"labels": []}, "it has no label", id="no label"),
        pytest.param({"labels": [""]}, "it has no label", id="empty label"),
        pytest.param({"start": 0.5}, "its offsets are not whole numbers", id="seconds"),
        pytest.param({"start": "0"}, "its offsets are not whole numbers", id="turn of a dialogue"),
        pytest.param({"start": True}, "its offsets are not whole numbers", id="truth"),
        pytest.param({"start": -1}, "its offsets are not 0 <= start < end", id="negative"),
        pytest.param({"end": 0}, "its offsets are not 0 <= start < end", id="empty"),
    ],
)
def test_a_broken_place_is_refused_alone(changed: Row, why: str) -> None:
    broken = region(0, 3, "PER")
    broken["value"] |= changed

    (found,) = read_file(task(annotation(broken, region(11, 15, "LOC"))))

    assert [mention.label for mention in found.mentions] == ["LOC"]
    assert losses_of(found) == [("span refused", why)]


@pytest.mark.parametrize(
    ("text", "said", "surface"),
    [
        pytest.param("Ana\nRoe", "Ana\\nRoe", "Ana\nRoe", id="line end"),
        pytest.param("Ana\r\nRoe", "Ana\\n\\nRoe", "Ana\r\nRoe", id="line end of two characters"),
        pytest.param("Ana\\nRoe", "Ana\\nRoe", "Ana\\nRoe", id="no line end"),
        pytest.param("Ana Roe", "Ana\\nRoe", "Ana\nRoe", id="nowhere"),
        pytest.param(". Ana\\nRoe", "Ana\\nRoe", "Ana\\nRoe", id="elsewhere"),
    ],
)
def test_line_ends_come_back_into_what_the_file_says(text: str, said: str, surface: str) -> None:
    marked = region(0, len(text), "PER")
    marked["value"]["text"] = said

    (found,) = read_file(task(annotation(marked), data={"text": text}))

    assert found.mentions[0].surface == surface


def test_a_place_on_a_page_counts_only_where_its_words_stand_in_the_text() -> None:
    def on_page(start: int, end: int, text: str | None) -> Row:
        value = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "hypertextlabels": ["PER"]}
        offsets = {"startOffset": 0, "endOffset": 3, "globalOffsets": {"start": start, "end": end}}
        said = {} if text is None else {"text": text}
        row = {"from_name": "label", "to_name": "text", "type": "hypertextlabels"}
        return {**row, "value": {**value, **offsets, **said}}

    (found,) = read_file(
        task(annotation(on_page(0, 3, "Ana"), on_page(11, 15, "Ana"), on_page(0, 3, None)))
    )

    assert found.mentions == (Mention(start=0, end=3, label="PER", surface="Ana"),)
    why = "its offsets are of the page as it was shown, not of the text"
    assert losses_of(found) == [("span refused", why)] * 2


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("s3://letters/1791/l-17.txt", "l-17"),
        ("https://x.org/l%2017.txt?signature=a.b", "l 17"),
        ("/data/upload/7/80ab6e48-l-17.txt", "l-17"),
        ("/data/local-files/?d=letters/l-17.txt", "l-17"),
        ("/tasks/3/resolve/?fileuri=czM6Ly9hL2wtMTcudHh0", "l-17"),
    ],
)
def test_a_text_that_is_elsewhere_is_called_after_its_file(address: str, name: str) -> None:
    marked = region(0, 3, "PER")
    marked["value"]["text"] = "A\\nb"

    (found,) = read_file(task(annotation(marked), data={"doc": address}))

    assert (found.document_id, found.text) == (name, None)
    assert found.mentions == (Mention(start=0, end=3, label="PER"),)


def test_a_text_that_looks_like_an_address_is_a_text_among_texts() -> None:
    address = "https://x.org/a"

    passes = read_file(
        task(annotation(), data={"text": address}), task(annotation(), id=6), task(id=7)
    )

    assert [found.text for found in passes] == [address, TEXT, TEXT]


def test_the_text_is_the_field_in_which_the_words_stand() -> None:
    fields = {"original": f"x{TEXT}", "shown": TEXT, "title": "Ana"}

    (found,) = read_file(task(annotation(region(0, 3, "PER"), region(11, 15, "X")), data=fields))

    assert found.text == TEXT
    assert found.notes == ("not carried over: original, title",)


def test_a_field_that_cannot_be_told_must_be_named() -> None:
    row = task(annotation(region(0, 3, "PER")), data={"a": "Ana.", "b": "Ana!"})

    with pytest.raises(ConfigError) as error:
        read_file(row)
    assert str(error.value) == (
        "export.json: the spans could be of any of the fields 'a', 'b'; expected to know which.\n"
        "Name it: --column text=a"
    )
    assert [found.text for found in read_file(row, columns={"text": "b"})] == ["Ana!"]


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        read_file(task(annotation()), columns={"text": "body"})
    assert str(error.value) == ("export.json: no field 'body' in any task; expected one of 'text'.")


def test_a_document_may_be_called_by_a_field() -> None:
    row = task(annotation(), data={"text": TEXT, "letter": 17})

    assert [found.document_id for found in read_file(row, columns={"id": "letter"})] == ["17"]
    with pytest.raises(RecordError) as error:
        read_file(row, columns={"id": "number"})
    assert str(error.value) == (
        "export.json[1]: nothing in the field 'number'; expected a document's id."
    )


def test_labels_of_several_texts_must_be_chosen_from() -> None:
    title = region(0, 3, "HEAD", text="Ana", to_name="title", from_name="kind")
    row = task(annotation(title, region(11, 15, "LOC")), data={"t": "Ana", "text": TEXT})

    with pytest.raises(ConfigError) as error:
        read_file(row)
    assert str(error.value) == (
        "export.json: labels stand on several texts, 'text', 'title'; expected to know which one "
        "to read.\nName it: --layer text"
    )
    (found,) = read_file(row, layer="text")
    assert [mention.label for mention in found.mentions] == ["LOC"]
    assert [aside.value for aside in found.asides] == [title]
    assert [found.text for found in read_file(row, layer="kind", columns={"text": "t"})] == ["Ana"]
    with pytest.raises(ConfigError) as error:
        read_file(row, layer="tags")
    assert str(error.value) == (
        "export.json: nothing is called 'tags'; expected one of 'kind', 'label', 'text', 'title'."
    )


def test_several_controls_of_one_text_are_one_layer() -> None:
    (found,) = read_file(
        task(annotation(region(0, 3, "PER"), region(11, 15, "LOC", from_name="place")))
    )

    assert [mention.label for mention in found.mentions] == ["PER", "LOC"]
    assert found.notes == ("labels of several controls are read as one layer",)


def test_our_imprint_is_not_believed_once_the_spans_have_changed() -> None:
    item = annotated(TEXT, (0, 3, "PER"), coverage=[(0, 7)])
    (row,) = json.loads(FORMAT.write([item]).files[""])

    (as_written,) = read_file(row)
    row["annotations"][0]["result"][0]["value"]["labels"] = ["LOC"]
    (changed,) = read_file(row)

    assert (as_written.guide, as_written.coverage) == ("letters@2", ((0, 7),))
    assert (changed.guide, changed.coverage, changed.unit) == ("", WHOLE, None)
    assert (changed.document_id, changed.annotator) == ("l-17", "ana")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("[1]", "[1]: 1; expected an object.", id="no object"),
        pytest.param(
            json.dumps([task(annotations={})]),
            "[1]: annotations is {}; expected a list.",
            id="no list of annotations",
        ),
        pytest.param(
            json.dumps([task(annotation(result="x"))]).replace('"result": []', '"result": 1'),
            "[1]: result is x; expected a list.",
            id="no list of places",
        ),
        pytest.param(
            json.dumps([task(annotation(), data={"text": "a\ud800"})]),
            "[1]: text: lone surrogate '\\ud800' at character 1; "
            "expected Unicode text that UTF-8 can carry.",
            id="lone surrogate",
        ),
        pytest.param(
            "[" * 200 + "]" * 200,
            ": nested over 100 levels deep; expected a record of an annotation tool.",
            id="nested",
        ),
    ],
)
def test_a_broken_file_is_refused_with_its_place(content: str, message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, [member(content, "export.json")])
    assert str(error.value) == f"export.json{message}"


@given(
    st.sampled_from(["task", "annotation", "region", "value"]),
    st.sampled_from(
        ["id", "data", "annotations", "predictions", "drafts", "task", "result", "completed_by",
         "updated_at", "gonerd", "type", "from_name", "value", "score", "start", "end", "labels",
         "text", "globalOffsets"]
    ),
    hostile_values,
)  # fmt: skip
def test_any_value_is_read_or_refused(place: str, key: str, value: Any) -> None:
    marked = region(0, 3, "PER")
    said = annotation(marked)
    row = task(said)
    {"task": row, "annotation": said, "region": marked, "value": marked["value"]}[place][key] = (
        value
    )

    try:
        passes = read_file(row, task(annotation(region(0, 3, "PER"))))
    except GonerdError as error:
        assert str(error).startswith("export.json")
    else:
        assert all(found.document_id and found.annotator for found in passes)


@given(hostile_values)
def test_any_file_is_read_or_refused(value: Any) -> None:
    try:
        list(FORMAT.read([file(value), member(json.dumps(value), "b.json")], ReadOptions()))
    except GonerdError as error:
        assert str(error).startswith(("export.json", "b.json"))


@pytest.mark.parametrize(
    ("name", "spans", "relations"),
    [
        ("biographynet_export.json", {"Datetime": 7, "Person": 4, "Organization": 2}, 7),
        ("biographynet_import_tasks.json.gz", {"PER": 17, "LOC": 14, "MISC": 2, "ORG": 1}, 0),
    ],
)
def test_real_files_hold_what_they_say(name: str, spans: dict[str, int], relations: int) -> None:
    passes = read_all(FORMAT, find_members([real(f"exports/label_studio/{name}")]))

    assert Counter(mention.label for found in passes for mention in found.mentions) == spans
    assert {(found.annotator, found.coverage) for found in passes} == {("2", WHOLE)}
    assert sum(len(found.asides) for found in passes) == relations
    for found in passes:
        assert found.text is not None
        for mention in found.mentions:
            assert found.text[mention.start : mention.end] == mention.surface


def test_a_real_file_without_labels_says_what_is_not_there() -> None:
    (found,) = read_all(
        FORMAT, find_members([real("exports/label_studio/sdk_choices_not_ner.json")])
    )

    assert (found.text, found.mentions, found.coverage) == (None, (), MARKED)
    assert found.annotator == "test@heartex.com"
    assert [aside.kind for aside in found.asides] == ["choices"]
    assert found.notes == (
        "no spans to tell by which field holds the text; name it with --column text=FIELD",
        "no labels of text in the file, so nothing is known of what is not marked",
    )
