"""Algebra on character spans and ranges: overlap, clusters, flattening, snapping to tokens.

Pure functions over sorted sequences, linear after the sort, so that a document of a million
characters with fifty thousand spans is nothing special.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gonerd.records import Range, Span, reading_order


def overlap(left: Span, right: Span) -> bool:
    """Say whether two spans share a character."""
    return left.start < right.end and right.start < left.end


def merge_ranges(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Unite ranges into the fewest that cover the same characters, in order.

    >>> merge_ranges([(5, 9), (0, 5), (12, 14), (13, 13)])
    ((0, 9), (12, 14))
    """
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def intersect_ranges(left: Sequence[Range], right: Sequence[Range]) -> tuple[Range, ...]:
    """Keep what lies in both; each side in order and apart.

    >>> intersect_ranges([(0, 10), (20, 30)], [(5, 25)])
    ((5, 10), (20, 25))
    """
    common: list[Range] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            common.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def subtract_ranges(ranges: Iterable[Range], holes: Iterable[Range]) -> tuple[Range, ...]:
    """Keep what lies in the ranges and in none of the holes, in order.

    >>> subtract_ranges([(0, 10), (20, 30)], [(5, 25), (9, 12)])
    ((0, 5), (25, 30))
    """
    whole = merge_ranges(ranges)
    borders = [offset for hole in merge_ranges(holes) for offset in hole]
    last = max([0, *borders[-1:], *(end for _, end in whole[-1:])])
    edges = [min([0, *borders[:1], *(start for start, _ in whole[:1])]), *borders, last]
    return intersect_ranges(whole, list(zip(edges[::2], edges[1::2], strict=True)))


def covers(coverage: Sequence[Range], start: int, end: int) -> bool:
    """Say whether one range of a merged coverage holds all of [start, end)."""
    index = bisect_right(coverage, start, key=lambda covered: covered[0]) - 1
    return index >= 0 and end <= coverage[index][1]


def within(spans: Iterable[Span], coverage: Sequence[Range]) -> list[Span]:
    """Keep the spans that lie whole inside a merged coverage."""
    return [span for span in spans if covers(coverage, span.start, span.end)]


def clusters(spans: Iterable[Span]) -> list[list[Span]]:
    """Group spans into connected components of overlap, in reading order.

    >>> spans = [Span(start=0, end=4, label="A"), Span(start=3, end=6, label="B"),
    ...          Span(start=6, end=9, label="A")]
    >>> [[(span.start, span.end) for span in cluster] for cluster in clusters(spans)]
    [[(0, 4), (3, 6)], [(6, 9)]]
    """
    groups: list[list[Span]] = []
    reach = -1
    for span in sorted(spans, key=reading_order):
        if span.start < reach:
            groups[-1].append(span)
        else:
            groups.append([span])
        reach = max(reach, span.end)
    return groups


def longest_first(span: Span) -> tuple[Any, ...]:
    """Rank spans for `flatten`: one piece before several, the longer, then the earlier."""
    return (len(span.fragments) > 1, span.start - span.end, span.start, span.label)


def flatten(
    spans: Iterable[Span], rank: Callable[[Span], Any] = longest_first
) -> tuple[list[Span], list[Span]]:
    """Choose spans that do not overlap, the best ranked first, and return (kept, left out).

    Of identical spans one is kept. Both lists come back in reading order.
    """
    kept: list[Span] = []
    left_out: list[Span] = []
    for cluster in clusters(spans):
        chosen: list[Span] = []
        for span in sorted(cluster, key=rank):
            at = bisect_left(chosen, span.start, key=lambda other: other.start)
            free_left = at == 0 or chosen[at - 1].end <= span.start
            free_right = at == len(chosen) or span.end <= chosen[at].start
            if free_left and free_right:
                chosen.insert(at, span)
            else:
                left_out.append(span)
        kept.extend(chosen)
    return kept, sorted(left_out, key=reading_order)


def snap(
    span: Span, token_starts: Sequence[int], token_ends: Sequence[int]
) -> tuple[int, int, bool] | None:
    """Find the tokens a span touches: (token_start, token_end, exact), half-open.

    `exact` is false where the span begins or ends inside a token, or in blank. None where the span
    touches no token at all.
    """
    first = bisect_right(token_ends, span.start)
    last = bisect_left(token_starts, span.end)
    if first >= last:
        return None
    exact = token_starts[first] == span.start and token_ends[last - 1] == span.end
    return first, last, exact
