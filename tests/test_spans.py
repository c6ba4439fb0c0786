"""Tests that the algebra on spans and ranges agrees with counting character by character."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.records import Range, Span, reading_order
from gonerd.spans import (
    clusters,
    covers,
    flatten,
    intersect_ranges,
    merge_ranges,
    overlap,
    snap,
    within,
)
from tests.strategies import flat_ranges, ranges, spans

short_spans = st.lists(spans(longest=20), max_size=8)


def characters(some: list[Range] | tuple[Range, ...]) -> set[int]:
    """List the characters that ranges hold."""
    return {character for start, end in some for character in range(start, end)}


def chars_of(span: Span) -> set[int]:
    """List the characters between the ends of a span."""
    return set(range(span.start, span.end))


@given(spans(longest=12), spans(longest=12))
def test_spans_overlap_where_they_share_a_character(left: Span, right: Span) -> None:
    assert overlap(left, right) == bool(chars_of(left) & chars_of(right))
    assert overlap(left, right) == overlap(right, left)


def test_spans_that_touch_do_not_overlap() -> None:
    left, right = Span(start=0, end=4, label="PER"), Span(start=4, end=6, label="PER")

    assert not overlap(left, right)


unsorted_ranges = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


@given(unsorted_ranges)
def test_merged_ranges_hold_the_same_characters_in_the_fewest_ranges(some: list[Range]) -> None:
    merged = merge_ranges(some)

    assert characters(merged) == characters(some)
    assert all(start < end for start, end in merged)
    assert all(left[1] < right[0] for left, right in pairwise(merged))
    assert merge_ranges(merged) == merged


@given(ranges(longest=30), ranges(longest=30))
def test_an_intersection_holds_what_both_sides_hold(
    left: tuple[Range, ...], right: tuple[Range, ...]
) -> None:
    common = intersect_ranges(left, right)

    assert characters(common) == characters(left) & characters(right)
    assert all(start < end for start, end in common)
    assert merge_ranges(common) == merge_ranges(intersect_ranges(right, left))


@given(ranges(longest=30), st.integers(0, 30), st.integers(1, 10))
def test_coverage_covers_a_place_when_it_holds_each_character(
    some: tuple[Range, ...], start: int, length: int
) -> None:
    held = characters(some) >= set(range(start, start + length))

    assert covers(merge_ranges(some), start, start + length) == held


@given(short_spans, ranges(longest=20))
def test_spans_within_coverage_lie_in_it_whole_and_keep_their_order(
    some: list[Span], coverage: tuple[Range, ...]
) -> None:
    held = characters(coverage)

    assert within(some, merge_ranges(coverage)) == [s for s in some if chars_of(s) <= held]


@given(short_spans)
def test_clusters_are_the_connected_components_of_overlap(some: list[Span]) -> None:
    grouped = clusters(some)

    assert [reading_order(s) for group in grouped for s in group] == sorted(
        map(reading_order, some)
    )
    for index, group in enumerate(grouped):
        for other in grouped[:index]:
            assert not any(overlap(one, two) for one in group for two in other)
        reached = [group[0]]
        for span in reached:  # grows while it is walked
            reached += [s for s in group if s not in reached and overlap(s, span)]
        assert all(span in reached for span in group)


@given(short_spans)
def test_flattening_shares_spans_out_to_kept_and_left_out(some: list[Span]) -> None:
    kept, left_out = flatten(some)

    assert sorted(map(repr, kept + left_out)) == sorted(map(repr, some))
    assert [reading_order(span) for span in kept] == sorted(map(reading_order, kept))
    assert [reading_order(span) for span in left_out] == sorted(map(reading_order, left_out))


@given(short_spans)
def test_flattened_spans_do_not_overlap_and_no_more_would_fit(some: list[Span]) -> None:
    kept, left_out = flatten(some)

    assert all(left.end <= right.start for left, right in pairwise(kept))
    assert all(any(overlap(span, other) for other in kept) for span in left_out)


@given(short_spans)
def test_flattening_gives_way_to_a_better_ranked_span_alone(some: list[Span]) -> None:
    kept, left_out = flatten(some)

    for span in left_out:
        winners = [other for other in kept if overlap(span, other)]
        pieces = len(span.fragments) > 1
        assert any(
            (len(w.fragments) > 1, w.start - w.end) <= (pieces, span.start - span.end)
            for w in winners
        )


@given(short_spans.flatmap(st.permutations))
def test_flattening_does_not_depend_on_the_order_of_the_input(some: list[Span]) -> None:
    def places(chosen: list[Span]) -> list[tuple[int, int, str]]:
        return [reading_order(span) for span in chosen]

    assert places(flatten(some)[0]) == places(flatten(sorted(some, key=reading_order))[0])


@given(short_spans)
def test_flattening_a_second_time_changes_nothing(some: list[Span]) -> None:
    kept, _ = flatten(some)

    assert flatten(kept) == (kept, [])


def test_of_identical_spans_one_is_kept() -> None:
    span = Span(start=0, end=4, label="PER")

    assert flatten([span, span]) == ([span], [span])


def test_one_piece_wins_over_a_longer_mention_in_pieces() -> None:
    whole = Span(start=3, end=8, label="PER")
    pieces = Span(start=0, end=9, label="PER", fragments=((0, 3), (7, 9)))

    assert flatten([pieces, whole]) == ([whole], [pieces])


def test_the_longer_span_wins_then_the_earlier() -> None:
    longer = Span(start=4, end=10, label="PER")
    early = Span(start=0, end=5, label="ORG")
    late = Span(start=9, end=14, label="LOC")

    assert flatten([early, longer, late]) == ([longer], [early, late])
    assert flatten([Span(start=2, end=4, label="A"), Span(start=1, end=3, label="A")])[0] == [
        Span(start=1, end=3, label="A")
    ]


def test_a_caller_may_rank_spans_by_its_own_rule() -> None:
    longer = Span(start=0, end=9, label="ORG", confidence=0.2)
    surer = Span(start=0, end=3, label="PER", confidence=0.9)

    kept, left_out = flatten([longer, surer], lambda span: -(span.confidence or 0))
    assert (kept, left_out) == ([surer], [longer])


def test_fifty_thousand_spans_in_one_cluster_are_flattened() -> None:
    chain = [Span(start=i, end=i + 2, label="PER") for i in range(50_000)]

    kept, left_out = flatten(chain)
    assert (len(kept), len(left_out)) == (25_000, 25_000)


@given(st.data(), st.integers(0, 20), st.integers(1, 8))
def test_snapping_finds_the_tokens_that_a_span_touches(
    data: st.DataObject, start: int, length: int
) -> None:
    tokens = data.draw(flat_ranges(28, 4))
    span = Span(start=start, end=start + length, label="PER")
    touched = [i for i, token in enumerate(tokens) if characters([token]) & chars_of(span)]

    snapped = snap(span, [token[0] for token in tokens], [token[1] for token in tokens])
    if not touched:
        assert snapped is None
    else:
        first, last = touched[0], touched[-1] + 1
        exact = (tokens[first][0], tokens[last - 1][1]) == (span.start, span.end)
        assert snapped == (first, last, exact)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(0, 3, (0, 1, True), id="one token"),
        pytest.param(0, 7, (0, 2, True), id="two tokens and the blank between"),
        pytest.param(1, 3, (0, 1, False), id="begins inside a token"),
        pytest.param(4, 6, (1, 2, False), id="ends inside a token"),
        pytest.param(3, 7, (1, 2, False), id="begins in blank"),
        pytest.param(0, 4, (0, 1, False), id="ends in blank"),
        pytest.param(3, 4, None, id="blank alone"),
        pytest.param(7, 9, None, id="after the last token"),
    ],
)
def test_snapping_at_the_edges_of_tokens(
    start: int, end: int, expected: tuple[int, int, bool] | None
) -> None:
    assert snap(Span(start=start, end=end, label="PER"), [0, 4], [3, 7]) == expected


def test_nothing_snaps_to_no_tokens() -> None:
    assert snap(Span(start=0, end=3, label="PER"), [], []) is None
