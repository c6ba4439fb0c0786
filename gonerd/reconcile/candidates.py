"""What a method of reconciliation works on and gives: layers of flat spans in, candidates out."""

from collections.abc import Sequence
from dataclasses import dataclass

from gonerd.gather import Gathered
from gonerd.records import Range, Span
from gonerd.spans import flatten, merge_ranges


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


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatPass:
    """One layer of what one annotator says about one document."""

    annotator: int
    """As an index."""
    spans: tuple[Span, ...]
    """Without overlap, in order."""
    coverage: tuple[Range, ...]
    """Merged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer of every document."""

    documents: tuple[int, ...]
    """Indices of those with a mark in this layer, or of all in the first."""
    passes: tuple[tuple[FlatPass, ...], ...]
    """Of each of these documents."""


def layers_of(items: Sequence[Gathered], annotators: Sequence[str]) -> list[Layer]:
    """Share everybody's spans out to layers without overlap, the widest first.

    A span inside another of the same annotator goes to a deeper layer.
    """
    index = {name: number for number, name in enumerate(annotators)}
    stacks = [
        [
            (index[one.annotator], _flat_layers(one.spans), merge_ranges(one.coverage))
            for one in item.annotations
        ]
        for item in items
    ]
    deepest = max((len(flat) for stack in stacks for _, flat, _ in stack), default=0)
    found = []
    for depth in range(max(deepest, 1)):
        chosen = [
            number
            for number, stack in enumerate(stacks)
            if depth == 0 or any(len(flat) > depth for _, flat, _ in stack)
        ]
        found.append(
            Layer(
                documents=tuple(chosen),
                passes=tuple(
                    tuple(
                        FlatPass(
                            annotator=who,
                            spans=tuple(flat[depth]) if depth < len(flat) else (),
                            coverage=coverage,
                        )
                        for who, flat, coverage in stacks[number]
                    )
                    for number in chosen
                ),
            )
        )
    return found


def _flat_layers(spans: Sequence[Span]) -> list[Sequence[Span]]:
    """Share spans out to layers; they are sorted, so the usual flat case is seen at once."""
    found: list[Sequence[Span]] = []
    rest = spans
    while rest:
        reach = -1
        for span in rest:
            if span.start < reach:
                break
            reach = span.end
        else:
            return [*found, rest]
        kept, rest = flatten(rest)
        found.append(kept)
    return found
