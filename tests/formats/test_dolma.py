"""Tests that Dolma's attributes become passes by tagger, and that ours come back."""

import json
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import RecordError
from gonerd.formats.dolma import FORMAT
from gonerd.formats.layers import WHOLE, Aside, Mention
from gonerd.gather import Annotated
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    lines,
    members_of,
    read_all,
)
from tests.strategies import hostile_values

DOCUMENT = {
    "id": "l-17",
    "text": "Ana met Bo.",
    "source": "letters",
    "metadata": {"license": "cc0-1.0", "url": "http://a.b/1", "language": "en", "pages": 2},
}
ATTRIBUTES = {
    "id": "l-17",
    "source": "letters",
    "attributes": {
        "people__people__PER": [[0, 3, 0.5], [8, 10, 1]],
        "night__names__NAME": [[0, 3, 1.0]],
    },
}


def is_unique(items: list[Annotated]) -> bool:
    return len({item.document.id for item in items}) == len(items)


@given(
    st.lists(annotated_documents(["ana", "a__b", "..", "\u540d" * 99]), max_size=3).filter(
        is_unique
    )
)
def test_what_the_format_carries_comes_back(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)
    written = FORMAT.write(kept)

    passes = read_all(FORMAT, members_of(written, ""))

    found = {(a.document_id, a.annotator): a for a in map(annotation_of, passes)}
    assert found == {(a.document_id, a.annotator): a for item in kept for a in item.annotations}
    assert {f.document_id: f.text for f in passes} == {
        item.document.id: item.document.text for item in kept
    }
    for found_pass in passes:
        (document,) = [i.document for i in kept if i.document.id == found_pass.document_id]
        details = {key: getattr(document, key) for key in ("source", "url", "license", "language")}
        assert found_pass.details == {key: value for key, value in details.items() if value}


@given(annotated_documents(["..", "../x", "a/b", ".hidden", " ", "a\nb", "\u540d" * 300]))
def test_no_annotator_leaves_the_folder_or_hides_in_it(item: Annotated) -> None:
    for name in FORMAT.write([item]).files:
        parts = PurePosixPath(name).parts
        assert len(parts) == (2 if parts[0] == "documents" else 3)
        assert not any(part.startswith((".", "__")) for part in parts)
        assert all(len(part.encode()) < 256 and part.isprintable() for part in parts)


def test_each_tagger_of_a_file_has_read_each_of_its_documents() -> None:
    silent = {"id": "l-18", "source": "letters", "attributes": {}}

    passes = read_all(
        FORMAT,
        [
            lines(ATTRIBUTES, silent, name="attributes/night/a.jsonl"),
            lines(DOCUMENT, name="documents/a.jsonl"),
        ],
    )

    assert [(f.document_id, f.annotator, f.coverage) for f in passes] == [
        ("l-17", "night__names", WHOLE),
        ("l-17", "people", WHOLE),
        ("l-18", "night__names", WHOLE),
        ("l-18", "people", WHOLE),
    ]
    names, people, *_ = passes
    assert names.mentions == (Mention(start=0, end=3, label="NAME", confidence=1.0),)
    assert people.mentions == (
        Mention(start=0, end=3, label="PER", confidence=0.5),
        Mention(start=8, end=10, label="PER", confidence=1.0),
    )
    assert people.text == "Ana met Bo."
    assert people.unit == "code points"
    assert people.where == "attributes/night/a.jsonl:1"
    assert people.details == {
        "source": "letters",
        "license": "cc0-1.0",
        "url": "http://a.b/1",
        "language": "en",
    }
    assert passes[-1].text is None


def test_a_tagger_that_found_nothing_is_called_as_its_folder() -> None:
    row = ATTRIBUTES | {"attributes": {}}

    (found,) = read_all(FORMAT, [lines(row, name="attributes/night%20shift/a.jsonl")])
    (named,) = read_all(FORMAT, [lines(row)], annotator="bo")

    assert (found.annotator, found.mentions, found.coverage) == ("night shift", (), WHOLE)
    assert named.annotator == "bo"


def test_scores_that_are_no_shares_and_spans_that_are_none_are_kept_in_view() -> None:
    spans = [[0, 3, 7.5], [3, 3, 1.0], [-1, 2, 1.0], [True, 2, 1.0], "PER", [8, 10]]
    row = ATTRIBUTES | {"attributes": {"t__PER": spans}}

    (found,) = read_all(FORMAT, [lines(row)])

    assert found.mentions == (Mention(start=0, end=3, label="PER"),)
    assert found.asides == (
        Aside(
            document_id="l-17",
            annotator="t",
            kind="score",
            value={"start": 0, "end": 3, "label": "PER", "score": 7.5},
        ),
    )
    assert [(loss.what, loss.why) for loss in found.losses] == [
        ("span refused", "its offsets are not 0 <= start < end"),
        ("span refused", "its offsets are not 0 <= start < end"),
        ("span refused", "its offsets are not whole numbers"),
        ("span refused", "it is not [start, end, score]"),
        ("span refused", "it is not [start, end, score]"),
    ]
    assert found.notes == ("scores that are no number from 0 to 1 were kept aside",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(
            {"id": "l-17"},
            "neither text nor attributes; expected a document or its attributes.",
            id="neither",
        ),
        pytest.param(
            ATTRIBUTES | {"id": None}, "id is None; expected a document's name.", id="no id"
        ),
        pytest.param(
            ATTRIBUTES | {"attributes": []},
            "attributes is []; expected an object.",
            id="attributes of another kind",
        ),
        pytest.param(
            ATTRIBUTES | {"attributes": {"t__PER": 3}},
            "attribute 't__PER' is 3; expected a list of [start, end, score].",
            id="spans of another kind",
        ),
        pytest.param(
            DOCUMENT | {"text": "Bo met Ana."},
            "a document 'l-17' with another text stood before; expected ids that stand for one "
            "text.\nImport the two sources one by one.",
            id="two texts",
        ),
    ],
)
def test_a_broken_row_is_named(row: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, [lines(DOCUMENT, row)])
    assert str(error.value) == f"file.jsonl:2: {message}"


@given(
    st.sampled_from(["id", "text", "source", "attributes", "metadata", "gonerd"]), hostile_values
)
def test_any_value_is_read_or_refused(key: str, value: Any) -> None:
    row = json.loads(json.dumps(DOCUMENT | ATTRIBUTES | {key: value}))
    try:
        read_all(FORMAT, [lines(row)])
    except RecordError as error:
        assert str(error).startswith("file.jsonl:1: ")


@given(
    st.dictionaries(st.sampled_from(["annotator", "guide", "coverage", "unscored"]), hostile_values)
)
def test_any_value_of_ours_is_read_or_refused(ours: dict[str, Any]) -> None:
    try:
        read_all(FORMAT, [lines(ATTRIBUTES | {"gonerd": ours})])
    except RecordError as error:
        assert str(error).startswith("file.jsonl:1: ")
