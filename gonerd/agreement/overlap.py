"""Overlapping spans of two readings into pairs of which each holds a span of either side once.

Two spans overlap where they share a character; of a discontinuous mention everything from its first
to its last character counts. A span is matched with at most one of the other side, and as many are
matched as can be: the partial match of MUC-5 (Chinchor and Sundheim 1993), with every span counted
once, so that splitting a name in two earns nothing.
"""

import heapq
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

from gonerd.agreement.columns import Bools, Ints

Interval = tuple[int, int]
"""Characters [start, end)."""


def one_to_one(left: Sequence[Interval], right: Sequence[Interval]) -> list[tuple[int, int]]:
    """Match as many overlapping intervals as can be, by their positions in the two lists.

    Intervals of one side may overlap each other. Whichever interval x of both sides ends first is
    matched with y, the first to end among those of the other side that it overlaps. That loses
    nothing. All others end no earlier than x, so those that x overlaps all hold its last character,
    and whatever overlaps y overlaps every other of them too. So in any largest matching the pair
    (x, y) can take the place of what x and y are matched with, the partners left over can be
    matched with each other, and the same holds of what remains.

    >>> one_to_one([(0, 4), (5, 9)], [(0, 9), (8, 12)])
    [(0, 0), (1, 1)]
    """
    sides = (left, right)
    by_start = [sorted(range(len(side)), key=side.__getitem__) for side in sides]
    by_end = sorted(
        (end, start, which, i) for which in (0, 1) for i, (start, end) in enumerate(sides[which])
    )
    arrived = [0, 0]
    waiting: list[list[tuple[int, int, int]]] = [[], []]
    done: tuple[set[int], set[int]] = (set(), set())
    pairs: list[tuple[int, int]] = []
    for end, _, which, i in by_end:
        if i in done[which]:
            continue
        done[which].add(i)
        other = 1 - which
        order, spans = by_start[other], sides[other]
        while arrived[other] < len(order) and spans[order[arrived[other]]][0] < end:
            j = order[arrived[other]]
            heapq.heappush(waiting[other], (spans[j][1], spans[j][0], j))
            arrived[other] += 1
        while waiting[other] and waiting[other][0][2] in done[other]:
            heapq.heappop(waiting[other])
        if waiting[other]:
            j = heapq.heappop(waiting[other])[2]
            done[other].add(j)
            pairs.append((i, j) if which == 0 else (j, i))
    return sorted(pairs)


def match(left: Ints, right: Ints, group: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints, Ints]:
    """Match spans along edges, each of an overlapping left and right span in one group.

    Returned are the left spans, right spans and groups of the chosen pairs; `start` and `end` are
    those of all spans. Where both spans of an edge have no other in its group, which is nearly
    everywhere, nothing is to choose.
    """
    alone = _alone(left, group) & _alone(right, group)
    crowded = np.flatnonzero(~alone)
    order = crowded[np.argsort(group[crowded], kind="stable")]
    edges = zip(group[order].tolist(), left[order].tolist(), right[order].tolist(), strict=True)
    starts, ends = start.tolist(), end.tolist()
    chosen: list[tuple[int, int, int]] = []
    for number, together in groupby(edges, key=itemgetter(0)):
        _, some_left, some_right = zip(*together, strict=True)
        lefts, rights = sorted(set(some_left)), sorted(set(some_right))
        pairs = one_to_one(
            [(starts[i], ends[i]) for i in lefts], [(starts[i], ends[i]) for i in rights]
        )
        chosen += [(lefts[i], rights[j], number) for i, j in pairs]
    taken = np.array(chosen, dtype=np.int64).reshape(-1, 3)
    return (
        np.concatenate([left[alone], taken[:, 0]]),
        np.concatenate([right[alone], taken[:, 1]]),
        np.concatenate([group[alone], taken[:, 2]]),
    )


def _alone(spans: Ints, group: Ints) -> Bools:
    """Say of each edge whether its span has no other edge in the group."""
    if not len(spans):
        return np.zeros(0, dtype=np.bool_)
    code = spans * (int(group.max()) + 1) + group
    order = np.argsort(code, kind="stable")
    ordered = code[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(code), dtype=np.bool_)
    shared[1:] = same
    shared[:-1] |= same
    alone = np.empty(len(code), dtype=np.bool_)
    alone[order] = ~shared
    return alone
