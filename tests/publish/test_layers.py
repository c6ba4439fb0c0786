"""Tests that people stand under pseudonyms that never change, and that a layer says it all."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import StoreError
from gonerd.publish.layers import layer_row, pseudonyms
from gonerd.records import Annotation, Span
from gonerd.release import LAYER_ROWS
from tests.strategies import annotations


def test_people_get_names_that_say_nothing(tmp_path: Path) -> None:
    names = pseudonyms(tmp_path / "names.json", ["ana", "ben", "chi"])
    assert set(names) == {"ana", "ben", "chi"}
    assert sorted(names.values()) == ["annotator-1", "annotator-2", "annotator-3"]


def test_the_order_of_pseudonyms_does_not_follow_that_of_the_people(tmp_path: Path) -> None:
    people = [f"person {number:02}" for number in range(30)]
    names = pseudonyms(tmp_path / "names.json", people)
    numbers = [int(names[person].removeprefix("annotator-")) for person in people]
    assert numbers != sorted(numbers) and numbers != sorted(numbers, reverse=True)
    again = pseudonyms(tmp_path / "again.json", people[::-1])
    assert again == names


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=3), max_size=5), max_size=4)
)
def test_a_pseudonym_never_changes_and_is_never_given_twice(
    tmp_path_factory: pytest.TempPathFactory, releases: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("names") / "names.json"
    known: dict[str, str] = {}
    for people in releases:
        names = pseudonyms(path, people)
        assert names == {**names, **known}
        assert set(people) <= set(names)
        assert len(set(names.values())) == len(names)
        known = names


def test_a_person_taken_out_of_the_file_leaves_their_pseudonym_unused(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    names = pseudonyms(path, ["ana", "ben"])
    first = next(person for person, name in names.items() if name == "annotator-1")
    del names[first]
    path.write_text(json.dumps(names), encoding="utf-8")
    later = pseudonyms(path, ["chi"])
    assert len(set(later.values())) == 2


def test_pseudonyms_that_cannot_be_read_are_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text('{"ana": "annotator-1"', encoding="utf-8")
    with pytest.raises(StoreError) as error:
        pseudonyms(path, ["ana"])
    assert str(error.value) == (
        f"{path}: cannot be read (Expecting ',' delimiter: line 1 column 22 (char 21)); expected "
        "the pseudonyms of earlier releases.\nRestore it, or remove it to give new ones."
    )
    assert path.read_text(encoding="utf-8") == '{"ana": "annotator-1"'


@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b'"x"', b'["ana"]', b"\xff", b""])
def test_pseudonyms_of_another_form_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "names.json"
    path.write_bytes(content)
    with pytest.raises(StoreError) as error:
        pseudonyms(path, ["ana"])
    assert str(error.value).startswith(f"{path}: ")
    assert path.read_bytes() == content


@given(annotations())
def test_a_layer_says_what_the_annotation_says(annotation: Annotation) -> None:
    row = layer_row(annotation, {})
    (read,) = pa.Table.from_pylist([row], schema=LAYER_ROWS).to_pylist()
    assert read["document_id"] == annotation.document_id
    assert read["text_sha256"] == annotation.text_sha256
    assert read["annotator"] == annotation.annotator
    assert read["guide"] == annotation.guide
    assert [(one["start"], one["end"]) for one in read["coverage"]] == list(annotation.coverage)
    assert [
        (span["start"], span["end"], span["label"], span["support"]) for span in read["spans"]
    ] == [(span.start, span.end, span.label, span.support) for span in annotation.spans]


def test_a_person_stands_under_a_pseudonym_and_a_pipeline_under_its_name() -> None:
    span = Span(start=0, end=3, label="PER", confidence=0.25)
    annotation = Annotation(
        document_id="doc",
        text_sha256="00",
        annotator="ana",
        guide="gonerd@1",
        coverage=((0, 9),),
        spans=(span,),
    )
    row = layer_row(annotation, {"ana": "annotator-7"})
    assert row["annotator"] == "annotator-7"
    assert row["spans"] == [
        {"start": 0, "end": 3, "label": "PER", "confidence": 0.25, "support": None}
    ]
    assert layer_row(annotation, {"ben": "annotator-7"})["annotator"] == "ana"
