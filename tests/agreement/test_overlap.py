"""Tests that overlapping spans are matched one-to-one, and as many as can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.agreement.columns import Ints
from gonerd.agreement.overlap import Interval, match, one_to_one


def intervals() -> st.SearchStrategy[list[Interval]]:
    """Draw intervals, many of which overlap."""
    ends = st.lists(st.integers(0, 15), min_size=2, max_size=2, unique=True)
    return st.lists(ends.map(lambda pair: (min(pair), max(pair))), max_size=7)


def overlapping(one: Interval, other: Interval) -> bool:
    """Say whether two intervals share a character."""
    return one[0] < other[1] and other[0] < one[1]


def largest_matching(left: list[Interval], right: list[Interval]) -> int:
    """Count how many can be matched, by looking for augmenting paths."""
    taken: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in range(len(right)):
            if j not in tried and overlapping(left[i], right[j]):
                tried.add(j)
                if j not in taken or place(taken[j], tried):
                    taken[j] = i
                    return True
        return False

    return sum(place(i, set()) for i in range(len(left)))


@given(intervals(), intervals())
def test_as_many_are_matched_as_can_be(left: list[Interval], right: list[Interval]) -> None:
    pairs = one_to_one(left, right)

    assert all(overlapping(left[i], right[j]) for i, j in pairs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert len(pairs) == largest_matching(left, right)


@pytest.mark.parametrize(
    ("left", "right", "matched"),
    [
        ([(0, 5)], [(5, 9)], 0),
        ([(0, 5)], [(4, 9)], 1),
        ([(0, 9)], [(0, 4), (5, 9)], 1),
        ([(0, 2), (0, 10)], [(0, 10), (8, 10)], 2),
        ([(0, 10), (0, 10)], [(0, 10)], 1),
    ],
    ids=["touching", "overlapping", "split", "equal spans would block", "doubled"],
)
def test_what_matching_means(left: list[Interval], right: list[Interval], matched: int) -> None:
    assert len(one_to_one(left, right)) == matched
    assert len(one_to_one(right, left)) == matched


@given(st.lists(st.tuples(intervals(), intervals()), max_size=4), st.randoms())
def test_groups_of_edges_are_matched_each_by_itself(
    groups: list[tuple[list[Interval], list[Interval]]], random: object
) -> None:
    spans: list[Interval] = []
    edges: list[tuple[int, int, int]] = []
    for number, (left, right) in enumerate(groups):
        first = len(spans)
        spans += [*left, *right]
        edges += [
            (first + i, first + len(left) + j, number)
            for i, one in enumerate(left)
            for j, other in enumerate(right)
            if overlapping(one, other)
        ]
    random.shuffle(edges)  # type: ignore[attr-defined]
    table = np.array(edges, dtype=np.int64).reshape(-1, 3)
    ends: Ints = np.array(spans, dtype=np.int64).reshape(-1, 2)

    chosen_left, chosen_right, group = match(*table.T, ends[:, 0], ends[:, 1])

    chosen = set(zip(chosen_left.tolist(), chosen_right.tolist(), group.tolist(), strict=True))
    assert chosen <= set(edges)
    assert len(chosen) == len(chosen_left) == len(set(chosen_left.tolist()))
    assert len(set(chosen_right.tolist())) == len(chosen)
    for number, (left, right) in enumerate(groups):
        assert sum(1 for edge in chosen if edge[2] == number) == largest_matching(left, right)
