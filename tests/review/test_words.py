"""Tests that borders stay in the text and find tokens, and that the same words are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.records import Span
from gonerd.review.words import borders, occurrences, token_at, with_borders
from gonerd.tokens import tokenize
from tests.strategies import HOSTILE_TEXTS
from tests.strategies import spans as any_spans

LONG = "Mr. Lee\u2019s U.S. flat, \U0001f469\u200d\U0001f680 isn't far. " * 200


@pytest.mark.parametrize(
    ("side", "step", "by", "now"),
    [
        ("start", -1, "token", "U.S. flat"),
        ("start", 1, "token", "flat"),
        ("end", 1, "token", "flat,"),
        ("end", -1, "token", "flat"),
        ("start", -1, "character", " flat"),
        ("start", 1, "character", "lat"),
        ("end", 1, "character", "flat,"),
        ("end", -1, "character", "fla"),
    ],
)
@pytest.mark.parametrize("turn", [0, 100, 199])
def test_a_border_moves_by_token_or_character(
    side: str, step: int, by: str, now: str, turn: int
) -> None:
    start = LONG.index("flat") + turn * (len(LONG) // 200)
    span = Span(start=start, end=start + 4, label="LOC")
    first, last = borders(LONG, "en", span, side, step, by)
    assert LONG[first:last] == now


def test_borders_by_token_are_those_of_the_whole_text() -> None:
    tokens = tokenize(LONG, "en")
    span, starts = Span(start=0, end=len(LONG), label="LOC"), [0]
    while (moved := borders(LONG, "en", span, "start", 1, "token")[0]) != span.start:
        starts.append(moved)
        span = Span(start=moved, end=len(LONG), label="LOC")
    assert starts == tokens.starts


@given(
    st.text(min_size=1, max_size=40) | st.sampled_from([one for one in HOSTILE_TEXTS.values()
                                                        if one]),
    st.data(),
    st.sampled_from(["start", "end"]),
    st.sampled_from([-1, 1]),
    st.sampled_from(["token", "character"]),
)  # fmt: skip
def test_borders_never_leave_the_text_or_cross(
    text: str, data: st.DataObject, side: str, step: int, by: str
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = Span(start=start, end=end, label="LOC")
    for _ in range(5):
        first, last = borders(text, "en", span, side, step, by)
        assert 0 <= first < last <= len(text)
        assert (first - span.start) * step >= 0
        assert (last - span.end) * step >= 0
        span = Span(start=first, end=last, label="LOC")


@given(any_spans(longest=60), st.data())
def test_parts_of_a_span_stay_within_its_borders(span: Span, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, 60))
    end = data.draw(st.integers(start + 1, 61))
    moved = with_borders(span, start, end)
    assert start <= moved.start < moved.end <= end
    assert moved.label == span.label


def test_a_part_that_is_left_outside_goes() -> None:
    span = Span(start=0, end=30, label="ORG", fragments=((0, 5), (10, 15), (20, 30)))
    assert with_borders(span, 0, 33).fragments == ((0, 5), (10, 15), (20, 33))
    assert with_borders(span, 2, 18) == Span(
        start=2, end=15, label="ORG", fragments=((2, 5), (10, 15))
    )
    assert with_borders(span, 11, 14) == Span(start=11, end=14, label="ORG")
    assert with_borders(span, 6, 9) == Span(start=6, end=9, label="ORG")


@pytest.mark.parametrize(
    ("words", "whole", "found"),
    [
        ("Lund", True, [(0, 4), (21, 25)]),
        ("Lund", False, [(0, 4), (5, 9), (21, 25)]),
        ("(Lund", True, [(20, 25)]),
        ("Zoe", True, [(32, 35)]),
        ("Zoe", False, [(27, 30), (32, 35)]),
        (" ", True, []),
        ("", True, []),
        ("L.nd", True, []),
    ],
)
def test_the_same_words_are_found(words: str, whole: bool, found: list[tuple[int, int]]) -> None:
    text = "Lund Lundby \U00010000 A_Lun (Lund) Zoe\u0308 Zoe."
    assert occurrences(text, words, whole=whole) == found


def test_the_token_at_a_place_is_found() -> None:
    assert token_at("Lund, then Malmo ", "en", 0) == (0, 4)
    assert token_at("Lund, then Malmo ", "en", 4) == (4, 5)
    assert token_at("Lund, then Malmo ", "en", 5) == (6, 10)
    assert token_at("Lund, then Malmo ", "en", 16) is None
