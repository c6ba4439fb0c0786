"""Tests that a weighted vote finds out who is good at what, and then votes as it says it does."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.gather import Gathered
from gonerd.reconcile.candidates import Candidate, Layer, layers_of
from gonerd.reconcile.weighted import Competence, WeightedSettings, weigh
from tests.reconcile.crowds import (
    LABELS,
    NAMES,
    Mark,
    Spoil,
    a_document,
    begun_late,
    by_all,
    crowd_with,
    crowds,
    ended_late,
    gathered,
    left_alone,
    missed,
    said_by,
    swapped,
)

SETTINGS = WeightedSettings(
    rounds=2,
    crowd=20.0,
    prior=2_000.0,
    entities=0.8,
    found=0.7,
    invented=0.15,
    border=0.9,
    label=0.9,
)
AS_EXPECTED = replace(SETTINGS, rounds=0)
"""Everybody is worth what is expected before anything is known."""

Found = dict[Mark, tuple[float, bool]]


def weighed(
    items: Sequence[Gathered],
    settings: WeightedSettings = SETTINGS,
    labels: Sequence[str] = LABELS,
    names: Sequence[str] = NAMES,
    least: float = 0.02,
) -> tuple[list[Candidate], Competence]:
    """Weigh the first layer of everybody's spans."""
    return weigh(layers_of(items, names)[0], len(names), labels, settings, least=least)


def chosen(candidates: Sequence[Candidate]) -> list[Mark]:
    """List what is chosen, in order."""
    return [(one.start, one.end, one.label) for one in candidates if one.chosen]


# The same again, slowly.


class Slow:
    """A round of voting over the spans (annotator, start, end, label) of one document."""

    def __init__(
        self,
        marks: list[tuple[int, int, int, int]],
        readers: Callable[[int, int], set[int]],
        worth: Competence,
    ) -> None:
        self.worth = worth
        self.clusters: list[tuple[list[tuple[int, int, int, int]], set[int]]] = []
        reach = -1
        for mark in sorted(marks, key=lambda one: (one[1], -one[2])):
            if mark[1] >= reach:
                self.clusters.append(([], set()))
            self.clusters[-1][0].append(mark)
            reach = max(reach, mark[2])
        for spans, read in self.clusters:
            read |= readers(min(one[1] for one in spans), max(one[2] for one in spans))
            read |= {one[0] for one in spans}

    def presence(self, number: int) -> float:
        """Ask everybody who has read the place whether there is an entity."""
        spans, readers = self.clusters[number]
        odds = log(self.worth.entities / (1 - self.worth.entities))
        for who in readers:
            found, invented = self.worth.found[who], self.worth.invented[who]
            if any(one[0] == who for one in spans):
                odds += log(found / invented)
            else:
                odds += log((1 - found) / (1 - invented))
        return 1 / (1 + exp(-odds))

    def borders(self, number: int) -> dict[tuple[int, int], float]:
        """Ask for the start and the end apart; give those that overlap the best both."""
        spans, _ = self.clusters[number]
        votes = {}
        for start, end in {(one[1], one[2]) for one in spans}:
            votes[start, end] = sum(
                log(self.worth.starts[one[0]] / (1 - self.worth.starts[one[0]]))
                for one in spans
                if one[1] == start
            ) + sum(
                log(self.worth.ends[one[0]] / (1 - self.worth.ends[one[0]]))
                for one in spans
                if one[2] == end
            )
        most = max(votes.values())
        equals = [pair for pair, vote in votes.items() if most - vote < 1e-9]
        best = min(equals, key=lambda one: (one[0] - one[1], one[0]))
        rivals = {
            pair: exp(vote - most)
            for pair, vote in votes.items()
            if pair[0] < best[1] and best[0] < pair[1]
        }
        total = sum(rivals.values())
        return {best: rivals[best] / total} | {
            pair: share / total for pair, share in rivals.items()
        }

    def best(self, number: int) -> tuple[int, int]:
        """Take the most probable border, of equals the longer, then the earlier."""
        return next(iter(self.borders(number)))

    def labels(self, number: int, num_labels: int) -> list[float]:
        """Ask those for the label whose spans overlap the best border."""
        start, end = self.best(number)
        votes = [0.0] * num_labels
        for who, first, last, label in self.clusters[number][0]:
            if first < end and start < last:
                for true in range(num_labels):
                    votes[true] += log(self.worth.labels[who, true, label])
        most = max(votes)
        total = sum(exp(vote - most) for vote in votes)
        return [exp(vote - most) / total for vote in votes]


def marks_of(layer: Layer, place: int, labels: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """List everybody's spans in a document."""
    return [
        (one.annotator, span.start, span.end, labels.index(span.label))
        for one in layer.passes[place]
        for span in one.spans
    ]


def readers_of(layer: Layer, place: int) -> Callable[[int, int], set[int]]:
    """Say who has read a place of a document."""
    return lambda start, end: {
        one.annotator
        for one in layer.passes[place]
        if any(first <= start and end <= last for first, last in one.coverage)
    }


def voted_slowly(
    layer: Layer, place: int, worth: Competence, labels: Sequence[str], least: float
) -> Found:
    """Vote on a document, and again on what is left beside the best of each cluster."""
    marks, readers = marks_of(layer, place, labels), readers_of(layer, place)
    room = dict.fromkeys(marks, 1.0)
    found: Found = {}
    while marks:
        vote = Slow(marks, readers, worth)
        left = []
        earlier = readers
        inherited = []
        for number, (spans, read) in enumerate(vote.clusters):
            start, end = vote.best(number)
            presence = vote.presence(number)
            shares = vote.labels(number, len(labels))
            rounded = [round(share, 9) for share in shares]
            free = min(room[one] for one in spans)
            for (first, last), border in vote.borders(number).items():
                for label, share in enumerate(shares):
                    probability = presence * border * share * free
                    is_chosen = (
                        presence >= 0.5
                        and (first, last) == (start, end)
                        and label == rounded.index(max(rounded))
                    )
                    if probability > least or is_chosen:
                        found[first, last, labels[label]] = (probability, is_chosen)
            for one in (one for one in spans if one[2] <= start or one[1] >= end):
                left.append(one)
                room[one] = free * (
                    1
                    - presence
                    * sum(
                        border
                        for (first, last), border in vote.borders(number).items()
                        if first < one[2] and one[1] < last
                    )
                )
            inherited.append((min(one[1] for one in spans), max(one[2] for one in spans), read))

        def still(
            start: int,
            end: int,
            earlier: Callable[[int, int], set[int]] = earlier,
            inherited: list[tuple[int, int, set[int]]] = inherited,
        ) -> set[int]:
            return next(read for low, high, read in inherited if low <= start and end <= high)

        marks, readers = left, still
    return found


@given(item=crowds(flat=True), least=st.sampled_from([0.0, 0.02, 0.3]))
def test_vote_is_that_of_one_span_at_a_time(item: Gathered, least: float) -> None:
    for settings in (AS_EXPECTED, SETTINGS):
        layer = layers_of([item], NAMES)[0]
        candidates, worth = weighed([item], settings, least=least)
        expected = voted_slowly(layer, 0, worth, LABELS, least)
        found = {
            (one.start, one.end, one.label): (one.probability, one.chosen) for one in candidates
        }
        assert {key: value[1] for key, value in found.items()} == {
            key: value[1] for key, value in expected.items()
        }
        for key, (probability, _) in found.items():
            assert probability == pytest.approx(expected[key][0], abs=1e-9)


@given(items=st.lists(crowds(flat=True), min_size=1, max_size=3))
def test_worth_is_that_of_one_span_at_a_time(items: list[Gathered]) -> None:
    settings = replace(SETTINGS, rounds=1, prior=5.0, crowd=2.0)
    layer = layers_of(items, NAMES)[0]
    _, before = weighed(items, replace(settings, rounds=0))
    _, worth = weighed(items, settings)
    hits: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    chances: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    labels = np.zeros_like(before.labels)
    presences: list[float] = []
    for place in range(len(items)):
        vote = Slow(marks_of(layer, place, LABELS), readers_of(layer, place), before)
        for number, (spans, readers) in enumerate(vote.clusters):
            presence = vote.presence(number)
            presences.append(presence)
            unseen = prod(1 - before.invented[who] for who in readers)
            for who in readers:
                marked = any(one[0] == who for one in spans)
                hits["found"][who] += presence * marked
                chances["found"][who] += presence
                hits["invented"][who] += (1 - presence) * marked
                chances["invented"][who] += (1 - presence) / (1 - unseen)
            borders = vote.borders(number)
            best = vote.best(number)
            shares = vote.labels(number, len(LABELS))
            for who, start, end, label in spans:
                if end <= best[0] or start >= best[1]:
                    continue
                right = sum(share for pair, share in borders.items() if pair[0] == start)
                hits["starts"][who] += presence * right
                chances["starts"][who] += presence
                right = sum(share for pair, share in borders.items() if pair[1] == end)
                hits["ends"][who] += presence * right
                chances["ends"][who] += presence
                labels[who, :, label] += presence * np.array(shares)
    expected = (sum(presences) + 5.0 * SETTINGS.entities) / (len(presences) + 5.0)
    if presences:
        assert worth.entities == pytest.approx(expected)
    for key in ("found", "invented", "starts", "ends"):
        prior = getattr(before, key)[0]
        crowd = (sum(hits[key].values()) + 5.0 * prior) / (sum(chances[key].values()) + 5.0)
        for who in range(len(NAMES)):
            share = (hits[key][who] + 2.0 * crowd) / (chances[key][who] + 2.0)
            if presences:
                assert getattr(worth, key)[who] == pytest.approx(share)
    crowd = (labels.sum(axis=0) + 5.0 * before.labels[0]) / (labels.sum(axis=(0, 2))[:, None] + 5.0)
    drawn = (labels + 2.0 * crowd) / (labels.sum(axis=2, keepdims=True) + 2.0)
    if presences:
        np.testing.assert_allclose(worth.labels, drawn)


@given(items=st.lists(crowds(flat=True), max_size=3))
def test_worth_is_made_of_shares(items: list[Gathered]) -> None:
    _, worth = weighed(items)
    for shares in (worth.found, worth.invented, worth.starts, worth.ends, worth.labels):
        assert (shares > 0).all()
        assert (shares < 1).all()
    np.testing.assert_allclose(worth.labels.sum(axis=2), 1.0)
    assert 0 < worth.entities < 1


@given(item=crowds(flat=True))
def test_chosen_spans_are_apart_and_their_borders_were_marked(item: Gathered) -> None:
    candidates, _ = weighed([item])
    marked = {(span.start, span.end) for one in item.annotations for span in one.spans}
    reach = 0
    for one in candidates:
        assert (one.start, one.end) in marked
        assert 0 <= one.probability <= 1
        if one.chosen:
            assert reach <= one.start
            reach = one.end
    order = [(one.start, one.end) for one in candidates]
    assert order == sorted(order)


@given(item=crowds(flat=True))
def test_probabilities_of_spans_over_one_letter_are_at_most_one(item: Gathered) -> None:
    candidates, _ = weighed([item], least=0.0)
    for position in {one.start for one in candidates}:
        over = [one.probability for one in candidates if one.start <= position < one.end]
        assert sum(over) <= 1 + 1e-9


# Who is good at what.


@pytest.mark.parametrize(
    ("spoil", "invents", "quality", "true"),
    [
        pytest.param(begun_late, 0, "starts", 0.4, id="starts"),
        pytest.param(ended_late, 0, "ends", 0.4, id="ends"),
        pytest.param(missed, 0, "found", 0.45, id="misses"),
        pytest.param(left_alone, 8, "invented", None, id="invents"),
    ],
)
def test_who_is_bad_at_one_thing_is_found_out_and_trusted_in_the_rest(
    spoil: Spoil, invents: int, quality: str, true: float | None
) -> None:
    """Of what places it is that somebody invents a share, nobody can say: there `true` is None."""
    _, worth = weighed(crowd_with(spoil, invents))
    for key in ("starts", "ends", "found", "invented"):
        *others, last = getattr(worth, key).tolist()
        if key == quality:
            assert true is None or abs(last - true) < 0.15
            assert min(abs(last - other) for other in others) > 0.2
        else:
            assert abs(last - sum(others) / 4) < 0.1
    right = [[worth.labels[who, label, label] for label in range(3)] for who in range(5)]
    assert min(map(min, right)) > 0.85


def test_labels_that_somebody_confuses_are_found_out_label_by_label() -> None:
    _, worth = weighed(crowd_with(swapped))
    per, org, loc = map(LABELS.index, ("PER", "ORG", "LOC"))
    assert worth.labels[4, org, per] > 0.55
    assert worth.labels[4, org, org] < 0.4
    assert min(worth.labels[4, per, per], worth.labels[4, loc, loc]) > 0.85
    assert worth.labels[:4, org, org].min() > 0.85
    assert worth.starts[4] == pytest.approx(worth.starts[0], abs=0.05)


def test_word_of_who_swaps_labels_is_weighed_by_what_the_label_usually_means() -> None:
    crowd = crowd_with(swapped)
    document = a_document("word " * 400, "last")
    said = {"di": (50, 64, "ORG"), "eva": (50, 64, "PER")}
    passes = [said_by(name, document, mark) for name, mark in said.items()]
    candidates, _ = weighed([*crowd, gathered(document, passes)])
    assert [one.label for one in candidates if one.document == 30 and one.chosen] == ["ORG"]


def test_who_did_little_is_worth_what_the_crowd_is() -> None:
    items = crowd_with(left_alone)
    document = items[0].document
    assert document is not None
    newcomer = said_by("flo", document, (52, 60, "PER"), coverage=((0, 80),))
    items[0] = replace(items[0], annotations=(*items[0].annotations, newcomer))
    names = (*NAMES, "flo")
    _, worth = weighed(items, replace(SETTINGS, prior=20.0), names=names)
    for shares in (worth.found, worth.starts, worth.ends, worth.labels):
        assert np.abs(shares[5] - shares[:5].mean(axis=0)).max() < 0.06


def test_who_did_nothing_is_worth_exactly_what_the_crowd_is() -> None:
    items = crowd_with(left_alone)
    _, worth = weighed(items, replace(SETTINGS, prior=20.0), names=(*NAMES, "flo", "guy"))
    assert (worth.labels[5] == worth.labels[6]).all()
    assert worth.found[5] == worth.found[6]
    assert worth.found[:5].min() <= worth.found[5] <= worth.found[:5].max()


def test_two_who_say_the_same_are_worth_the_same() -> None:
    items = crowd_with(ended_late)
    twice = []
    for item in items:
        twin = replace(item.annotations[-1], annotator="flo")
        twice.append(replace(item, annotations=(*item.annotations, twin)))
    _, worth = weighed(twice, names=(*NAMES, "flo"))
    for shares in (worth.found, worth.invented, worth.starts, worth.ends, worth.labels):
        np.testing.assert_array_equal(shares[4], shares[5])


# Cases.

WITHOUT_KNOWLEDGE: dict[str, tuple[list[list[Mark]], list[Mark]]] = {
    "nothing": ([[], []], []),
    "one alone": ([[(0, 3, "PER")]], [(0, 3, "PER")]),
    "one of two": ([[(0, 3, "PER")], []], [(0, 3, "PER")]),
    "one of five": ([[(0, 3, "PER")], [], [], [], []], []),
    "the longer of two": ([[(0, 3, "PER")], [(0, 7, "PER")]], [(0, 7, "PER")]),
    "the earlier of two as long": ([[(4, 8, "PER")], [(2, 6, "PER")]], [(2, 6, "PER")]),
    "the border of most": (
        [[(0, 3, "PER")], [(0, 3, "PER")], [(0, 7, "PER")]],
        [(0, 3, "PER")],
    ),
    "start and end each by their votes": (
        [[(0, 5, "PER")], [(0, 7, "PER")], [(2, 7, "PER")]],
        [(0, 7, "PER")],
    ),
    "the label of most": ([[(0, 3, "LOC")], [(0, 3, "LOC")], [(0, 3, "PER")]], [(0, 3, "LOC")]),
    "the first label of two": ([[(0, 3, "LOC")], [(0, 3, "ORG")]], [(0, 3, "ORG")]),
    "label by those alone who marked it": (
        [
            [(0, 4, "LOC"), (5, 9, "PER")],
            [(0, 4, "LOC"), (5, 9, "PER")],
            [(0, 4, "LOC"), (5, 9, "PER")],
            [(3, 6, "ORG")],
        ],
        [(0, 4, "LOC"), (5, 9, "PER")],
    ),
    "what is left beside it votes again": (
        [[(0, 10, "PER")], [(0, 10, "PER")], [(0, 4, "PER"), (8, 20, "LOC"), (22, 25, "LOC")]],
        [(0, 10, "PER"), (22, 25, "LOC")],
    ),
    "chain": (
        [
            [(0, 10, "PER"), (12, 20, "LOC")],
            [(0, 10, "PER"), (12, 20, "LOC")],
            [(0, 10, "PER"), (12, 20, "LOC")],
            [(8, 14, "ORG")],
        ],
        [(0, 10, "PER"), (12, 20, "LOC")],
    ),
}


@pytest.mark.parametrize("case", WITHOUT_KNOWLEDGE)
def test_vote_of_people_of_whom_nothing_is_known(case: str) -> None:
    said, expected = WITHOUT_KNOWLEDGE[case]
    candidates, _ = weighed([by_all(*said)], AS_EXPECTED)
    assert chosen(candidates) == expected


def test_one_label_is_certain() -> None:
    candidates, worth = weighed([by_all([(0, 3, "PER")])], labels=("PER",))
    assert (worth.labels == 1.0).all()
    assert candidates[0].probability > 0.9


def test_many_labels_are_nothing_special() -> None:
    labels = [f"L{number:02d}" for number in range(60)]
    said: list[Mark] = [(4 * number, 4 * number + 3, label) for number, label in enumerate(labels)]
    candidates, _ = weighed([by_all(said, said, text="word " * 60)], labels=labels)
    assert chosen(candidates) == said


def test_big_crowd_is_no_overflow() -> None:
    names = [f"a{number:03d}" for number in range(900)]
    document = a_document("Ana Roe met Bo.")
    half = len(names) // 2
    passes = [said_by(name, document, (0, 3, "PER")) for name in names[:half]]
    passes += [said_by(name, document, (0, 7, "ORG")) for name in names[half:]]
    candidates, worth = weighed([gathered(document, passes)], names=names)
    assert np.isfinite(worth.labels).all()
    assert chosen(candidates) == [(0, 7, "PER")]
    assert sum(one.probability for one in candidates) == pytest.approx(1.0)


def test_name_across_two_that_are_agreed_leaves_both_certain() -> None:
    two: list[Mark] = [(0, 10, "PER"), (12, 20, "LOC")]
    candidates, _ = weighed([by_all(two, two, two, [(8, 14, "ORG")])])
    assert chosen(candidates) == two
    assert all(one.probability > 0.8 for one in candidates if one.chosen)


def test_long_chain_of_names_that_overlap_is_read_by_the_votes() -> None:
    document = a_document("x" * 20_000)
    said: list[Mark] = [(start, start + 9, "PER") for start in range(0, 19_980, 20)]
    across: list[Mark] = [(start, start + 20, "PER") for start in range(5, 19_960, 20)]
    passes = [said_by(name, document, *said) for name in ("ana", "bo", "cy")]
    passes += [said_by("di", document, *across)]
    candidates, _ = weighed([gathered(document, passes)])
    assert chosen(candidates) == said
