"""Two sequences into pairs of equal items, in order, at a cost that grows with their length alone.

What both have once stands for itself and cuts the sequences into pieces; each piece is worn down
from both ends, and cut again by runs of items, longer and longer, that both have once. What is left
is small and compared in full, or is not told apart and left alone.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

_RUNS = (1, 2, 4, 8, 16)
"""Items that must be equal in a row, and nowhere else, to be the same."""

_SMALL = 40_000
"""Pairs of items that are compared in full."""

_PATIENCE = 60
"""How often an item is looked at, on the average, before the rest is left alone."""

Pair = tuple[int, int]


def match(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Pair]:
    """Pair equal items of two sequences, both in order.

    >>> match(["the", "cat", "sat"], ["the", "old", "cat", "sat"])
    [(0, 0), (1, 2), (2, 3)]
    """
    found: list[Pair] = []
    pieces = [(0, len(left), 0, len(right))]
    budget = _PATIENCE * (len(left) + len(right))
    while pieces and budget > 0:
        low, high, start, end = pieces.pop()
        while low < high and start < end and left[low] == right[start]:
            found.append((low, start))
            low, start = low + 1, start + 1
        while low < high and start < end and left[high - 1] == right[end - 1]:
            high, end = high - 1, end - 1
            found.append((high, end))
        if low == high or start == end:
            continue
        budget -= high - low + end - start
        anchors = _anchors(left[low:high], right[start:end])
        if anchors:
            borders = [(0, 0), *anchors, (high - low, end - start)]
            for here, there in pairwise(borders):
                pieces.append((low + here[0], low + there[0], start + here[1], start + there[1]))
        elif (high - low) * (end - start) <= _SMALL:
            matcher = SequenceMatcher(None, left[low:high], right[start:end], autojunk=False)
            for block in matcher.get_matching_blocks():
                found += [(low + block.a + n, start + block.b + n) for n in range(block.size)]
    return sorted(found)


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Pair]:
    """Pair the shortest runs that both have exactly once, as far as they come in one order."""
    for length in _RUNS:
        ours, theirs = (
            [tuple(items[at : at + length]) for at in range(len(items) - length + 1)]
            for items in (left, right)
        )
        once = {run for run, count in Counter(theirs).items() if count == 1}
        places = {run: at for at, run in enumerate(theirs) if run in once}
        times = Counter(ours)
        pairs = [(at, places[run]) for at, run in enumerate(ours) if run in places]
        if rising := _rising([pair for pair in pairs if times[ours[pair[0]]] == 1]):
            return rising
    return []


def _rising(pairs: Sequence[Pair]) -> list[Pair]:
    """Keep the most pairs whose right sides rise as their left sides do."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, right) in enumerate(pairs):
        at = bisect_left(tails, right)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [right]
        ends[at : at + 1] = [number]
    kept: list[Pair] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        kept.append(pairs[number])
        number = before[number]
    return kept[::-1]
