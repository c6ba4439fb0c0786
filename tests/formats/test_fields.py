"""Tests that values of foreign records are believed only as far as they are what they should be."""

import json
import math
from typing import Any

import pytest
from hypothesis import given

from gonerd.errors import RecordError
from gonerd.formats.fields import (
    MOST_LEVELS,
    details_in,
    details_of,
    id_in,
    json_rows,
    left_in,
    mention_in,
    name_in,
    share,
    shown,
    sort_out,
    whole,
)
from gonerd.formats.layers import Mention
from gonerd.records import Document, Loss
from tests.formats.given import lines, member
from tests.strategies import hostile_values


def test_rows_come_from_lines_or_from_one_list() -> None:
    rows = [{"a": 1}, {"a": [2]}]

    assert list(json_rows(lines(*rows))) == [("file.jsonl:1", rows[0]), ("file.jsonl:2", rows[1])]
    assert list(json_rows(member(f"\ufeff\n{json.dumps(rows)}", "a.json"))) == [
        ("a.json[1]", rows[0]),
        ("a.json[2]", rows[1]),
    ]


@pytest.mark.parametrize(
    ("content", "where"),
    [("[" * 150 + "]" * 150, "a.json"), ('{"a": ' * 150 + "1" + "}" * 150, "a.json:1")],
    ids=["list", "line"],
)
def test_what_is_nested_too_deep_is_refused(content: str, where: str) -> None:
    with pytest.raises(RecordError) as error:
        list(json_rows(member(content, "a.json")))
    assert str(error.value) == (
        f"{where}: nested over {MOST_LEVELS} levels deep; expected a record of an annotation tool."
    )


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((None, " ", "ana"), "ana"),
        ((True, 0), "0"),
        ((1.0, [], {}), None),
        ((" a b ",), " a b "),
        ((10**400,), "a number of over 60 digits"),
    ],
    ids=str,
)
def test_a_name_is_a_text_or_a_whole_number(values: tuple[Any, ...], name: str | None) -> None:
    assert name_in(*values) == name
    assert id_in(*values) == (name and name.strip())


def test_numbers_are_numbers() -> None:
    assert [whole(value) for value in (3, 3.0, 3.5, "3", True, None, math.inf, math.nan)] == [
        3, 3, None, None, None, None, None, None,
    ]  # fmt: skip
    assert [share(value) for value in (0, 1, 0.5, -0.1, 1.1, True, "1", math.nan)] == [
        0.0, 1.0, 0.5, None, None, None, None, None,
    ]  # fmt: skip


@given(hostile_values)
def test_anything_can_be_shown_and_tried_as_a_mention(value: Any) -> None:
    assert len(shown(value)) <= 60
    for found in (
        mention_in(value, 3, "PER"),
        mention_in(0, value, "PER"),
        mention_in(0, 3, value),
        mention_in(0, 3, "PER", surface=value, confidence=value, support=value),
    ):
        assert isinstance(found, str) or 0 <= found.start < found.end


def test_mentions_are_parted_from_what_is_none() -> None:
    mention = Mention(start=0, end=3, label="PER")

    assert sort_out("d", [mention, "it has no label"]) == (
        (mention,),
        (Loss(document_id="d", what="span refused", why="it has no label"),),
    )


def test_what_is_known_of_a_document_is_gathered_from_the_first_that_says_it() -> None:
    assert details_in({"url": "", "lang": "sv"}, None, {"url": "u", "language": "en"}) == {
        "language": "sv",
        "url": "u",
    }


def test_only_what_is_known_of_a_document_is_written() -> None:
    plain = Document(id="d", text="", source="d", license="unknown", language="en")
    known = Document(id="d", text="", source="s", license="cc0", language="en", url="u")

    assert details_of(plain) == {"language": "en"}
    assert details_in(details_of(known)) == {
        "source": "s", "url": "u", "license": "cc0", "language": "en",
    }  # fmt: skip


def test_keys_that_hold_something_and_are_left_behind_are_said() -> None:
    row = {"text": "Ana", "page": 0, "note": None, "tags": [], "z" * 99: 1}

    assert left_in(row, ["text"]) == (f"not carried over: page, {'z' * 57}...",)
    assert left_in(row, row) == ()
