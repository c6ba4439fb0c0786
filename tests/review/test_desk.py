"""Tests that a folder lies on the desk as it is: texts, suggestions of the one asked for, guide."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, GonerdError, StoreError, TextMismatch
from gonerd.records import (
    Annotation,
    Document,
    Span,
    annotation_to_json,
    document_to_json,
    reading_order,
)
from gonerd.review.desk import Paper, bare, open_desk
from tests.review.small_desk import BO, TEXTS, desk, document, paper
from tests.strategies import spans as any_spans


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def folder_of(folder: Path, annotators: list[str]) -> Path:
    """Write a folder that somebody put together, with the same suggestions by each annotator."""
    papers = desk().papers.values()
    write(folder / "documents.jsonl", [document_to_json(one.document) for one in papers])
    suggestions = [
        annotation_to_json(
            Annotation(
                document_id=one.document.id,
                text_sha256=one.document.text_sha256,
                annotator=name,
                guide="gonerd@1",
                coverage=((0, len(one.document.text)),),
                spans=one.suggestions,
            )
        )
        for one in papers
        for name in annotators
    ]
    if annotators:
        write(folder / "suggestions.jsonl", suggestions)
    return folder


def test_the_folder_of_a_builder_lies_on_the_desk(built: Path) -> None:
    opened = open_desk(built / "work" / "sample")
    assert opened.suggester is not None
    assert opened.suggester.startswith("en_gonerd@")
    assert opened.guide.name == "gonerd"
    assert len(opened.papers) > 3
    assert all(name == one.document.id for name, one in opened.papers.items())
    assert any(one.suggestions for one in opened.papers.values())
    assert opened.disputed == {(one.document_id, one.start, one.end) for one in opened.disputes}
    assert opened.disputed


def test_a_folder_put_together_by_hand_lies_on_the_desk(tmp_path: Path) -> None:
    opened = open_desk(folder_of(tmp_path, ["model@1"]))
    assert opened.suggester == "model@1"
    assert opened.papers == desk().papers
    assert list(opened.papers) == list(TEXTS)


def test_documents_alone_are_enough(tmp_path: Path) -> None:
    opened = open_desk(folder_of(tmp_path, []))
    assert opened.suggester is None
    assert all(one.suggestions == () for one in opened.papers.values())


def test_the_suggester_is_chosen_by_name_or_there_is_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ["model@1", "model@2"])
    assert open_desk(folder, suggestions="model@2").suggester == "model@2"
    nobody = open_desk(folder, suggestions="")
    assert (nobody.suggester, nobody.papers["a"].suggestions) == (None, ())


@pytest.mark.parametrize(
    ("annotators", "asked", "said"),
    [
        (["model@1", "model@2"], None, "left out"),
        (["model@1", "model@2"], "model@3", "model@3"),
    ],
)
def test_a_suggester_that_is_not_clear_is_refused(
    tmp_path: Path, annotators: list[str], asked: str | None, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        open_desk(folder_of(tmp_path, annotators), suggestions=asked)
    assert str(error.value) == (
        f"--suggestions {said}: {tmp_path} has annotations of {', '.join(annotators)}; expected "
        "one of them, or '' for none."
    )


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        open_desk(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: no documents; expected the work folder of a builder, or documents.jsonl in "
        "it.\nMake one: gonerd build, or gonerd collect BUILDER"
    )


def test_suggestions_for_another_text_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ["model@1"])
    write(folder / "documents.jsonl", [document_to_json(document("b", BO + "!"))])
    now, then = document("b", BO + "!").text_sha256, document("b", BO).text_sha256
    with pytest.raises(TextMismatch) as error:
        open_desk(folder)
    assert str(error.value) == (
        f"b: the text has changed since it was recorded (sha256 {then[:8]}... recorded, "
        f"{now[:8]}... now); expected the same text.\n"
        "Restore the text, or collect and annotate it again."
    )


def test_two_documents_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "documents.jsonl", [document_to_json(document("b", BO))] * 2)
    with pytest.raises(GonerdError) as error:
        open_desk(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'documents.jsonl'}: 'b' stands twice; expected each document once."
    )


@given(st.lists(any_spans(longest=60), max_size=12), st.integers(0, 60), st.integers(1, 20))
def test_suggestions_in_a_range_are_those_that_touch_it(
    spans: list[Span], start: int, size: int
) -> None:
    at_hand = paper("x", "x" * 80, tuple(spans))
    expected = [one for one in at_hand.suggestions if one.start < start + size and one.end > start]
    assert at_hand.suggested(start, start + size) == expected


@given(any_spans())
def test_a_place_and_label_alone_are_the_same_however_sure_a_model_was(span: Span) -> None:
    one = bare(span)
    assert (one.confidence, one.support) == (None, None)
    assert reading_order(one) == reading_order(span)
    assert bare(one) == one


def test_a_paper_without_suggestions_has_none_anywhere() -> None:
    blank = Paper(
        document=Document(id="x", text="x", source="", license="", language="en"), suggestions=()
    )
    assert (blank.longest, blank.places, blank.suggested(0, 1)) == (0, {}, [])
