"""Tests that the sequence model sums over all legal chains of tags, and over no other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gonerd.gather import Gathered
from gonerd.reconcile import sequence
from gonerd.reconcile.candidates import Candidate, layers_of
from gonerd.reconcile.sequence import (
    AFTER,
    BEFORE,
    INSIDE,
    OUTSIDE,
    SequenceSettings,
    infer,
    legal_steps,
)
from gonerd.reconcile.units import Units, units_of
from tests.reconcile.crowds import (
    LABELS,
    NAMES,
    SENTENCE,
    Mark,
    a_document,
    by_all,
    crowd_with,
    crowds,
    gathered,
    only_read,
    said_by,
    swapped,
)
from tests.reconcile.test_units import any_text

Floats = NDArray[np.float64]
TWO = ("PER", "LOC")
SETTINGS = SequenceSettings(rounds=2, crowd=30.0, context=10.0, shape=0.5, shape_prior=50.0)
FIVE_WORDS = "Ana Roe met Bo on"


def laid_out(
    items: Sequence[Gathered], labels: Sequence[str] = LABELS, names: Sequence[str] = NAMES
) -> Units:
    """Lay out the first layer of everybody's spans."""
    layer = layers_of([only_read(item) for item in items], names)[0]
    texts = [item.document.text for item in items if item.document is not None]
    return units_of(layer, texts, names, labels)


def inferred(
    items: Sequence[Gathered], labels: Sequence[str] = LABELS, names: Sequence[str] = NAMES
) -> list[Candidate]:
    """Infer the first layer of everybody's spans."""
    return infer(laid_out(items, labels, names), SETTINGS)


def chosen(candidates: Sequence[Candidate]) -> list[tuple[int, Mark]]:
    """List what is chosen as (document, span)."""
    return [(one.document, (one.start, one.end, one.label)) for one in candidates if one.chosen]


@st.composite
def word_crowds(draw: st.DrawFn, text: str = FIVE_WORDS, document_id: str = "d") -> Gathered:
    """Draw what up to four people mark of a few words, none within a word."""
    document = a_document(text, document_id)
    edges = [0, *(place + 1 for place, letter in enumerate(text) if letter == " "), len(text) + 1]
    annotations = []
    for name in NAMES[: draw(st.integers(1, 4))]:
        spans: list[Mark] = []
        first = 0
        while first < len(edges) - 1:
            first += draw(st.integers(0, 4))
            last = first + draw(st.integers(1, 3))
            if last < len(edges):
                label = draw(st.sampled_from(TWO))
                spans.append((edges[first], edges[last] - 1, label))
            first = last
        annotations.append(said_by(name, document, *spans))
    return gathered(document, annotations)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What the model has learnt after its rounds."""

    units: Units
    evidence: Floats
    chain: sequence._Chain

    @property
    def num_states(self) -> int:
        return self.evidence.shape[1]


def fitted(units: Units, rounds: int = 2) -> Fitted:
    """Fit the model as `infer` does."""
    truth = sequence._vote(units)
    chain = sequence._chain_from_counts(
        *sequence._step_counts(units, truth), truth[units.bounds[:-1]].sum(axis=0)
    )
    evidence = np.zeros_like(truth)
    for _ in range(rounds):
        evidence = sequence._evidence(units, truth, SETTINGS)
        truth, steps, first = sequence._smooth(units, evidence, chain)
        chain = sequence._chain_from_counts(steps, sequence._quiet_steps(units), first)
    return Fitted(units=units, evidence=evidence, chain=chain)


# By listing every chain there is.


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Sums over all chains of states, legal or not, of all segments."""

    truth: Floats
    steps: Floats
    spans: dict[tuple[int, int, int], float]
    """By first unit, the unit after the last, and label."""


def listed(model: Fitted) -> Listed:
    """Weigh each chain by itself."""
    truth = np.zeros_like(model.evidence)
    steps = np.zeros_like(model.chain.step)
    spans: dict[tuple[int, int, int], float] = defaultdict(float)
    for low, high in pairwise(model.units.bounds.tolist()):
        chains = np.array(list(product(range(model.num_states), repeat=high - low)))
        logs = model.chain.first[chains[:, 0]]
        for place in range(high - low):
            logs = logs + model.evidence[low + place, chains[:, place]]
            if place:
                logs = logs + model.chain.step[chains[:, place - 1], chains[:, place]]
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        for chain, weight in zip(chains.tolist(), weights.tolist(), strict=True):
            if not weight:
                continue
            for place, state in enumerate(chain):
                truth[low + place, state] += weight
                if place:
                    steps[chain[place - 1], state] += weight
            for first, last, label in spans_of(chain):
                spans[low + first, low + last, label] += weight
    return Listed(truth=truth, steps=steps, spans=spans)


def spans_of(chain: Sequence[int]) -> list[tuple[int, int, int]]:
    """Read the spans of a chain of states; an I that follows nothing of its own is none."""
    found: list[tuple[int, int, int]] = []
    for place, state in enumerate(chain):
        if state < INSIDE:
            continue
        label, goes_on = divmod(state - INSIDE, 2)
        if not goes_on:
            found.append((place, place + 1, label))
        elif found and found[-1][1:] == (place, label):
            found[-1] = (found[-1][0], place + 1, label)
    return found


@settings(max_examples=30)
@given(item=word_crowds())
def test_tags_and_steps_are_as_probable_as_all_their_chains_together(item: Gathered) -> None:
    units = laid_out([item], TWO)
    if not len(units.starts):
        return
    model = fitted(units)
    expected = listed(model)
    truth, steps, first = sequence._smooth(units, model.evidence, model.chain)
    np.testing.assert_allclose(truth, expected.truth, atol=1e-9)
    np.testing.assert_allclose(steps, expected.steps, atol=1e-9)
    np.testing.assert_allclose(first, truth[units.bounds[:-1]].sum(axis=0))


@settings(max_examples=30)
@given(item=word_crowds())
def test_spans_are_as_probable_as_all_chains_that_hold_them_together(item: Gathered) -> None:
    units = laid_out([item], TWO)
    if not len(units.starts):
        return
    model = fitted(units)
    found = {
        (one.start, one.end, one.label): one.probability
        for one in sequence._spans(units, model.evidence, model.chain, 0.0)
    }
    expected = {
        (int(units.starts[first]), int(units.ends[last - 1]), TWO[label]): weight
        for (first, last, label), weight in listed(model).spans.items()
    }
    for key in {*found, *expected}:
        assert found.get(key, 0.0) == pytest.approx(expected.get(key, 0.0), abs=1e-5)


@settings(max_examples=30)
@given(item=word_crowds(), least=st.sampled_from([0.0, 0.02, 0.4]))
def test_what_is_inferred_is_what_was_fitted(item: Gathered, least: float) -> None:
    units = laid_out([item], TWO)
    if not len(units.starts):
        assert infer(units, SETTINGS, least=least) == []
        return
    model = fitted(units)
    found = infer(units, SETTINGS, least=least)
    assert found == list(sequence._spans(units, model.evidence, model.chain, least))
    assert all(one.probability > least for one in found)
    assert [one.chosen for one in found] == [one.probability > 0.5 for one in found]


def tags_of(chain: Sequence[int]) -> tuple[int, ...]:
    """Forget what a state knows of its neighbours."""
    return tuple(0 if state < INSIDE else state - AFTER for state in chain)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_every_legal_sequence_of_tags_has_just_one_legal_chain(length: int) -> None:
    num_states = INSIDE + 2 * len(TWO)
    legal = legal_steps(num_states)
    tags = []
    for chain in product(range(num_states), repeat=length):
        begins = chain[0] in (OUTSIDE, BEFORE) or (chain[0] - INSIDE) % 2 == 0 <= chain[0] - INSIDE
        if begins and chain[-1] != BEFORE and all(legal[step] for step in pairwise(chain)):
            tags.append(tags_of(chain))
    expected = [
        one
        for one in product(range(1 + 2 * len(TWO)), repeat=length)
        if all(
            tag == 0 or tag % 2 or before in (tag - 1, tag)
            for before, tag in zip((0, *one), one, strict=False)
        )
    ]
    assert sorted(tags) == sorted(expected)


@settings(max_examples=30)
@given(items=st.lists(word_crowds(SENTENCE), min_size=1, max_size=2))
def test_no_illegal_step_has_any_chance(items: list[Gathered]) -> None:
    units = laid_out(items, TWO)
    if not len(units.starts):
        return
    model = fitted(units)
    legal = legal_steps(model.num_states)
    assert (np.isneginf(model.chain.step) == ~legal).all()
    assert np.isneginf(model.chain.first[[AFTER, *range(INSIDE + 1, model.num_states, 2)]]).all()
    np.testing.assert_allclose(np.exp(model.chain.step).sum(axis=1), 1.0)
    assert np.exp(model.chain.first).sum() == pytest.approx(1.0)
    truth, steps, _ = sequence._smooth(units, model.evidence, model.chain)
    assert not steps[~legal].any()
    np.testing.assert_allclose(truth.sum(axis=1), 1.0)
    assert truth[units.bounds[1:] - 1, BEFORE].max() < 1e-9


# Segments.


@settings(max_examples=20)
@given(
    items=st.tuples(
        word_crowds("Ana met"),
        word_crowds(SENTENCE),
        word_crowds(f"{SENTENCE} {SENTENCE}"),
        word_crowds(FIVE_WORDS),
    )
)
def test_segments_of_different_lengths_are_as_if_alone(items: tuple[Gathered, ...]) -> None:
    units = laid_out(items, TWO)
    if not len(units.starts):
        return
    model = fitted(units)
    truth, steps, _ = sequence._smooth(units, model.evidence, model.chain)
    together = list(sequence._spans(units, model.evidence, model.chain, 0.02))
    alone: list[Candidate] = []
    sums = np.zeros_like(steps)
    for number, (low, high) in enumerate(pairwise(units.bounds.tolist())):
        one = replace(
            units,
            document=units.document[number : number + 1],
            bounds=np.array([0, high - low]),
            starts=units.starts[low:high],
            ends=units.ends[low:high],
        )
        evidence = model.evidence[low:high]
        own, own_steps, _ = sequence._smooth(one, evidence, model.chain)
        np.testing.assert_allclose(own, truth[low:high], atol=1e-12)
        sums += own_steps
        alone += sequence._spans(one, evidence, model.chain, 0.02)
    np.testing.assert_allclose(sums, steps, atol=1e-9)
    assert [replace(one, probability=0.0) for one in alone] == [
        replace(one, probability=0.0) for one in together
    ]
    assert [one.probability for one in alone] == pytest.approx(
        [one.probability for one in together]
    )


def test_marks_far_apart_are_as_if_in_two_documents() -> None:
    half = "and so on Ana Roe went and so on "
    both = a_document(half * 2)
    halves = [a_document(half, name) for name in ("a", "b")]
    marks: list[list[list[Mark]]] = [
        [[(10, 17, "PER")], [(10, 13, "PER")]],
        [[(10, 17, "ORG")], []],
    ]
    whole = gathered(
        both,
        [
            said_by(
                NAMES[who],
                both,
                *marks[0][who],
                *(
                    (start + len(half), end + len(half), label)
                    for start, end, label in marks[1][who]
                ),
            )
            for who in range(2)
        ],
    )
    parts = [
        gathered(document, [said_by(NAMES[who], document, *said[who]) for who in range(2)])
        for document, said in zip(halves, marks, strict=True)
    ]
    assert len(laid_out([whole]).document) == 2
    found = inferred([whole])
    assert [
        (one.start % len(half), one.end % len(half), one.label, one.probability) for one in found
    ] == [
        (one.start, one.end, one.label, pytest.approx(one.probability)) for one in inferred(parts)
    ]


# Laws.


@given(item=crowds(texts=any_text, flat=True))
def test_probabilities_of_spans_over_one_letter_are_at_most_one(item: Gathered) -> None:
    assert item.document is not None
    candidates = inferred([item])
    places = {one.start for one in candidates}
    for position in places:
        over = [one.probability for one in candidates if one.start <= position < one.end]
        assert sum(over) <= 1 + 1e-9
    reach = 0
    for one in candidates:
        assert 0 < one.probability <= 1
        assert 0 <= one.start < one.end <= len(item.document.text)
        if one.chosen:
            assert one.start >= reach
            reach = one.end


@given(item=crowds(texts=any_text, flat=True, at_most=1), count=st.integers(3, 5))
def test_what_three_or_more_say_together_is_chosen(item: Gathered, count: int) -> None:
    assert item.document is not None
    said = item.annotations[0].spans
    passes = [said_by(name, item.document, *said) for name in NAMES[:count]]
    expected = [(0, (span.start, span.end, span.label)) for span in said]
    assert chosen(inferred([gathered(item.document, passes)])) == expected


@pytest.mark.parametrize("number", [1, 2, 30])
def test_any_number_of_labels(number: int) -> None:
    labels = [f"L{index:02d}" for index in range(number)]
    text = " ".join(["and so", *(f"Name{index:02d} went on" for index in range(number))])
    said: list[Mark] = []
    for index, label in enumerate(labels):
        start = text.index(f"Name{index:02d}")
        said.append((start, start + 6, label))
    candidates = inferred([by_all(said, said, said, text=text)], labels)
    assert chosen(candidates) == [(0, mark) for mark in said]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "Ana went"])
def test_where_nobody_marks_anything_there_is_nothing(text: str) -> None:
    assert inferred([by_all([], [], text=text)]) == []
    assert inferred([gathered(a_document(text), [])]) == []
    assert inferred([]) == []


def test_name_of_blanks_alone_that_all_mark_is_one() -> None:
    assert chosen(inferred([by_all(*[[(1, 2, "PER")]] * 3, text="a  b")])) == [(0, (1, 2, "PER"))]


CAMPS: dict[str, list[list[Mark]]] = {
    "borders": [[(0, 3, "PER")], [(0, 7, "ORG")]],
    "crossing": [[(0, 14, "PER")], [(4, 22, "ORG")], [(0, 7, "LOC")], []],
}


@pytest.mark.parametrize("camps", CAMPS.values(), ids=CAMPS)
@pytest.mark.parametrize("count", [30, 600, 3_000])
def test_big_crowd_in_camps_is_no_underflow(count: int, camps: list[list[Mark]]) -> None:
    names = [f"a{number:04d}" for number in range(count)]
    document = a_document("Ana Roe met Bo and Cy and went home to Lund.")
    passes = [
        said_by(name, document, *camps[number % len(camps)]) for number, name in enumerate(names)
    ]
    candidates = inferred([gathered(document, passes)], names=names)
    assert candidates
    assert all(0 < one.probability <= 1 for one in candidates)


def test_long_segment_is_nothing_special() -> None:
    text = "Ana Bo Cy " * 700
    document = a_document(text)
    said: list[Mark] = [(start, start + 3, "PER") for start in range(0, len(text), 10)]
    passes = [said_by(name, document, *said) for name in NAMES[:3]]
    assert len(laid_out([gathered(document, passes)]).document) == 1
    assert chosen(inferred([gathered(document, passes)])) == [(0, mark) for mark in said]


# Habits.


def test_label_is_judged_by_what_its_annotator_means_by_it() -> None:
    document = a_document("word " * 400, "last")
    passes = [said_by("di", document, (50, 64, "ORG")), said_by("eva", document, (50, 64, "PER"))]
    candidates = inferred([*crowd_with(swapped), gathered(document, passes)])
    assert [mark for place, mark in chosen(candidates) if place == 30] == [(50, 64, "ORG")]


def test_order_of_documents_changes_no_more_than_the_last_digits() -> None:
    items = crowd_with(swapped)
    there = {
        (items[one.document].document_id, one.start, one.end, one.label): one.probability
        for one in inferred(items)
    }
    back = items[::-1]
    found = {
        (back[one.document].document_id, one.start, one.end, one.label): one.probability
        for one in inferred(back)
    }
    assert found == {key: pytest.approx(value, abs=1e-9) for key, value in there.items()}
