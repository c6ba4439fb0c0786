"""Tests that an imprint comes back, that others' remarks are none, and that names are safe."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.formats.imprint import Imprint, file_name, places, read_imprint, write_imprint
from gonerd.formats.layers import Annotated
from tests.formats.given import annotated_documents
from tests.strategies import hostile_values


@given(annotated_documents())
def test_an_imprint_comes_back_from_one_line_of_ascii(item: Annotated) -> None:
    document, annotation = item.document, item.annotations[0]

    written = write_imprint(document, annotation, [(1, 2)], more=["x"])

    assert written.isascii() and len(written.splitlines()) == 1
    details = {"source": document.source, "license": document.license}
    details |= {"language": document.language}
    if document.url is not None:
        details["url"] = document.url
    imprint = read_imprint(written)
    assert imprint == Imprint(
        document_id=document.id,
        annotator=annotation.annotator,
        guide=annotation.guide,
        text_sha256=document.text_sha256,
        coverage=((1, 2),),
        details=details,
        extra={"more": ["x"]},
    )
    assert imprint.fits(document.text)
    assert not imprint.fits(document.text + "x")
    assert not imprint.fits(None)


ROW = {
    "document_id": "d",
    "annotator": "ana",
    "guide": "",
    "text_sha256": "0",
    "coverage": [[0, 3], [3, 3]],
    "details": {},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"document_id": ""},
        {"document_id": " d"},
        {"document_id": 7},
        {"annotator": "\ud800"},
        {"guide": None},
        {"coverage": None},
        {"coverage": [[3, 0]]},
        {"coverage": [[0, 3], [2, 4]]},
        {"coverage": [[0, True]]},
        {"coverage": [[-1, 2]]},
        {"coverage": [3]},
        {"details": []},
    ],
    ids=str,
)
def test_what_is_not_whole_is_no_imprint(changes: dict[str, Any]) -> None:
    assert read_imprint(json.dumps(ROW)) is not None
    assert read_imprint(json.dumps(ROW | changes)) is None


@given(st.dictionaries(st.sampled_from([*ROW, "x"]), hostile_values))
def test_any_json_is_an_imprint_or_none(changes: dict[str, Any]) -> None:
    found = read_imprint(json.dumps(ROW | changes))
    assert found is None or found.document_id.strip()


@pytest.mark.parametrize("content", ["", "x", "[]", "7", "[" * 100_000])
def test_what_is_no_object_is_no_imprint(content: str) -> None:
    assert read_imprint(content) is None


names = st.text(max_size=30) | st.sampled_from([".", "..", "a/b", "%2E", "\x00", "x" * 500])


@given(st.lists(names, unique=True))
def test_each_name_is_a_file_of_its_own(found: list[str]) -> None:
    files = [file_name(name) for name in found]
    assert len(set(files)) == len(files)
    for file in files:
        assert file.isascii() and file.isprintable() and 0 < len(file) <= 120
        assert not set(file) & set('/\\:*?"<>|') and not file.startswith(".")


@given(annotated_documents())
def test_no_two_annotations_share_a_place(item: Annotated) -> None:
    places_found, losses = places([item, item])
    assert not losses
    paths = [path for path, _, _ in places_found]
    assert len(set(paths)) == len(paths) == 2 * len(item.annotations)
