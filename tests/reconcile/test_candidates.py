"""Tests that everybody's spans are shared out to layers in which nobody's overlap."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given

from gonerd.gather import Gathered
from gonerd.reconcile.candidates import Layer, layers_of
from gonerd.records import Span
from gonerd.spans import merge_ranges
from tests.reconcile.crowds import NAMES, Mark, a_document, by_all, crowds, gathered, said_by


def laid_out(layer: Layer, place: int = 0) -> list[list[Mark]]:
    """Read what everybody says in a layer about a document."""
    return [
        [(span.start, span.end, span.label) for span in one.spans] for one in layer.passes[place]
    ]


@given(item=crowds())
def test_layers_hold_every_span_once_and_none_that_overlaps_another_of_its_annotator(
    item: Gathered,
) -> None:
    layers = layers_of([item], NAMES)
    for place, annotation in enumerate(item.annotations):
        mine = [layer.passes[0][place] for layer in layers]
        assert {NAMES[one.annotator] for one in mine} == {annotation.annotator}
        assert {one.coverage for one in mine} == {merge_ranges(annotation.coverage)}
        assert Counter(span for one in mine for span in one.spans) == Counter(annotation.spans)
        for one in mine:
            assert all(left.end <= right.start for left, right in pairwise(one.spans))


@given(item=crowds())
def test_who_says_the_same_says_it_in_the_same_layer(item: Gathered) -> None:
    depths: dict[Span, set[int]] = {}
    for depth, layer in enumerate(layers_of([item], NAMES)):
        for one in layer.passes[0]:
            for span in one.spans:
                depths.setdefault(span, set()).add(depth)
    assert all(len(found) == 1 for found in depths.values())


@given(item=crowds())
def test_no_layer_but_the_first_is_empty(item: Gathered) -> None:
    for layer in layers_of([item], NAMES)[1:]:
        assert any(one.spans for passes in layer.passes for one in passes)


NESTED: dict[str, tuple[list[list[Mark]], list[list[list[Mark]]]]] = {
    "flat": ([[(0, 3, "PER")], [(0, 7, "ORG")]], [[[(0, 3, "PER")], [(0, 7, "ORG")]]]),
    "the wider first": (
        [[(0, 3, "PER"), (0, 7, "ORG")]],
        [[[(0, 7, "ORG")]], [[(0, 3, "PER")]]],
    ),
    "inner for one, so inner for all": (
        [[(0, 3, "PER"), (0, 7, "ORG")], [(0, 3, "PER")], []],
        [[[(0, 7, "ORG")], [], []], [[(0, 3, "PER")], [(0, 3, "PER")], []]],
    ),
    "another border beside what is inner": (
        [[(0, 3, "PER"), (0, 7, "ORG")], [(0, 4, "PER")]],
        [[[(0, 7, "ORG")], [(0, 4, "PER")]], [[(0, 3, "PER")], []]],
    ),
    "one place, two labels": (
        [[(0, 3, "PER"), (0, 3, "ORG")], [(0, 3, "PER")]],
        [[[(0, 3, "ORG")], []], [[(0, 3, "PER")], [(0, 3, "PER")]]],
    ),
    "crossing": (
        [[(0, 5, "PER"), (3, 9, "ORG"), (8, 12, "LOC")]],
        [[[(3, 9, "ORG")]], [[(0, 5, "PER"), (8, 12, "LOC")]]],
    ),
    "three deep": (
        [[(0, 12, "ORG"), (0, 7, "ORG"), (0, 3, "PER")]],
        [[[(0, 12, "ORG")]], [[(0, 7, "ORG")]], [[(0, 3, "PER")]]],
    ),
}


@pytest.mark.parametrize("case", NESTED)
def test_nested_spans_lie_in_layers(case: str) -> None:
    said, expected = NESTED[case]
    assert [laid_out(layer) for layer in layers_of([by_all(*said)], NAMES)] == expected


def test_mention_in_pieces_gives_way_to_one_that_it_runs_around() -> None:
    pieces = Span(start=0, end=9, label="PER", fragments=((0, 3), (6, 9)))
    first, second = layers_of([by_all([pieces, (4, 5, "LOC")])], NAMES)
    assert (laid_out(first), laid_out(second)) == ([[(4, 5, "LOC")]], [[(0, 9, "PER")]])


def test_mention_whole_and_in_pieces_is_the_same_for_those_who_say_one_of_them() -> None:
    pieces = Span(start=0, end=9, label="PER", fragments=((0, 3), (6, 9)))
    first, second = layers_of([by_all([(0, 9, "PER"), pieces], [pieces], [(0, 9, "PER")])], NAMES)
    assert laid_out(first) == [[(0, 9, "PER")]] * 3
    assert laid_out(second) == [[(0, 9, "PER")], [], []]


def test_deeper_layers_hold_only_documents_with_something_there() -> None:
    flat = by_all([(0, 3, "PER")], document_id="a")
    nested = by_all([(0, 3, "PER"), (0, 7, "ORG")], document_id="b")
    first, second = layers_of([flat, nested], NAMES)
    assert (first.documents, second.documents) == ((0, 1), (1,))


@pytest.mark.parametrize(
    "items",
    [[], [gathered(a_document("Ana"), [])], [by_all([], [])]],
    ids=["no document", "nobody", "nothing"],
)
def test_nothing_said_is_one_layer_of_nothing(items: list[Gathered]) -> None:
    (layer,) = layers_of(items, NAMES)
    assert len(layer.passes) == len(layer.documents) == len(items)
    assert not any(one.spans for passes in layer.passes for one in passes)


def test_document_inside_one_wide_span_is_nothing_special() -> None:
    document = a_document("x" * 200_000)
    inner: list[Mark] = [(start, start + 9, "PER") for start in range(0, 199_980, 10)]
    passes = [said_by(name, document, (0, 200_000, "ORG"), *inner) for name in NAMES[:3]]
    first, second = layers_of([gathered(document, passes)], NAMES)
    assert [len(one.spans) for one in first.passes[0]] == [1, 1, 1]
    assert [len(one.spans) for one in second.passes[0]] == [len(inner)] * 3
