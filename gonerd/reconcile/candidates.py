"""What a method of reconciliation works on and gives: layers of flat spans in, candidates out."""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gonerd.gather import Gathered
from gonerd.records import Range, Span
from gonerd.spans import merge_ranges


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A span that may hold."""

    document: int
    """As an index."""
    start: int
    end: int
    label: str
    probability: float
    """That just this holds: there is an entity, with these borders and this label."""
    chosen: bool
    """Whether it is the method's reading of the place."""
    depth: int = 0
    """Of the layer it was found in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatPass:
    """One layer of what one annotator says about one document."""

    annotator: int
    """As an index."""
    spans: tuple[Span, ...]
    """Without overlap, in order."""
    coverage: tuple[Range, ...]
    """Merged."""
    overlooked: tuple[Range, ...] = ()
    """Within it, where nothing is marked and that means nothing; merged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer of every document."""

    documents: tuple[int, ...]
    """Indices of those with a mark in this layer, or of all in the first."""
    passes: tuple[tuple[FlatPass, ...], ...]
    """Of each of these documents."""


def layers_of(items: Sequence[Gathered], annotators: Sequence[str]) -> list[Layer]:
    """Share everybody's spans out to layers without overlap, the widest first.

    A span that anybody has marked inside another goes to a deeper layer, for everybody: who marked
    only the inner one speaks about the same thing as who marked both.
    """
    index = {name: number for number, name in enumerate(annotators)}
    stacks = [_stack(item, index) for item in items]
    deepest = max((len(spans) for stack in stacks for _, spans, _ in stack), default=0)
    found = []
    for depth in range(max(deepest, 1)):
        chosen = [
            number
            for number, stack in enumerate(stacks)
            if depth == 0 or any(len(spans) > depth for _, spans, _ in stack)
        ]
        found.append(
            Layer(
                documents=tuple(chosen),
                passes=tuple(
                    tuple(
                        FlatPass(
                            annotator=who,
                            spans=tuple(spans[depth]) if depth < len(spans) else (),
                            coverage=coverage,
                        )
                        for who, spans, coverage in stacks[number]
                    )
                    for number in chosen
                ),
            )
        )
    return found


_Stack = list[tuple[int, Sequence[Sequence[Span]], tuple[Range, ...]]]
"""Of each annotator: its index, its spans layer by layer, what it has read."""


def _stack(item: Gathered, index: Mapping[str, int]) -> _Stack:
    passes = [
        (index[one.annotator], one.spans, merge_ranges(one.coverage)) for one in item.annotations
    ]
    if all(_is_flat(spans) for _, spans, _ in passes):
        return [(who, (spans,), coverage) for who, spans, coverage in passes]
    depths = _depths([spans for _, spans, _ in passes])
    deepest = max(depths.values(), default=0)
    stack: _Stack = []
    for who, spans, coverage in passes:
        layers: list[list[Span]] = [[] for _ in range(deepest + 1)]
        for key, span in _keyed(spans):
            layers[depths[key]].append(span)
        stack.append((who, layers, coverage))
    return stack


def _is_flat(spans: Sequence[Span]) -> bool:
    return all(left.end <= right.start for left, right in pairwise(spans))


_Key = tuple[int, int, str, int]


def _keyed(spans: Sequence[Span]) -> Iterator[tuple[_Key, Span]]:
    """Name what each span says, whatever its pieces; said once more, it is another thing."""
    seen: Counter[tuple[int, int, str]] = Counter()
    for span in spans:
        said = (span.start, span.end, span.label)
        yield (*said, seen[said]), span
        seen[said] += 1


def _depths(passes: Sequence[Sequence[Span]]) -> dict[_Key, int]:
    """Give everything that is said the first layer in which it meets nothing of who said it.

    Mentions of one piece come first, then the longer, then the earlier.
    """
    said_by: dict[_Key, list[int]] = defaultdict(list)
    whole: set[_Key] = set()
    for number, spans in enumerate(passes):
        for key, span in _keyed(spans):
            said_by[key].append(number)
            if len(span.fragments) < 2:
                whole.add(key)
    taken: dict[tuple[int, int], list[Range]] = defaultdict(list)
    depths: dict[_Key, int] = {}
    for key in sorted(said_by, key=lambda one: (one not in whole, one[0] - one[1], one)):
        start, end, *_ = key
        depth = 0
        while not all(_is_free(taken[who, depth], start, end) for who in said_by[key]):
            depth += 1
        for who in said_by[key]:
            insort(taken[who, depth], (start, end))
        depths[key] = depth
    return depths


def _is_free(taken: Sequence[Range], start: int, end: int) -> bool:
    """Say whether nothing of ranges in order and apart lies in [start, end)."""
    after = bisect_left(taken, (end,))
    return not after or taken[after - 1][1] <= start
