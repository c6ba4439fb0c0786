"""Tests that candidates become the reading of a place, no more certain than its parts are."""

from collections.abc import Sequence

import pytest

from gonerd.reconcile.candidates import Candidate
from gonerd.reconcile.reading import Settlement, by_candidates
from gonerd.records import Claim, Span
from tests.reconcile.crowds import NAMES, Mark


def candidate(
    start: int, end: int, label: str, probability: float, chosen: bool, depth: int = 0
) -> Candidate:
    """Make a candidate of one document."""
    return Candidate(
        document=0,
        start=start,
        end=end,
        label=label,
        probability=probability,
        chosen=chosen,
        depth=depth,
    )


def read(
    candidates: Sequence[Candidate],
    start: int = 0,
    end: int = 10,
    said: Sequence[Sequence[Span]] = (),
) -> Settlement:
    """Read a place as candidates do."""
    claims = [
        Claim(annotator=name, spans=tuple(spans)) for name, spans in zip(NAMES, said, strict=False)
    ]
    return by_candidates(candidates).place(claims, start, end)


def marks(settlement: Settlement) -> list[Mark]:
    """Say what holds."""
    return [(span.start, span.end, span.label) for span in settlement.spans]


CERTAINTY: dict[str, tuple[list[tuple[int, int, str, float, bool, int]], list[Mark], float]] = {
    "nothing known": ([], [], 1.0),
    "one": ([(0, 4, "PER", 0.9, True, 0)], [(0, 4, "PER")], 0.9),
    "the least certain of two": (
        [(0, 4, "PER", 0.9, True, 0), (5, 9, "LOC", 0.7, True, 0)],
        [(0, 4, "PER"), (5, 9, "LOC")],
        0.7,
    ),
    "a rival is no further doubt": (
        [(0, 4, "PER", 0.6, True, 0), (0, 6, "PER", 0.4, False, 0)],
        [(0, 4, "PER")],
        0.6,
    ),
    "one that is not chosen": ([(0, 4, "PER", 0.3, False, 0)], [], 0.7),
    "several that are not chosen, over one another": (
        [
            (0, 4, "PER", 0.3, False, 0),
            (0, 4, "LOC", 0.3, False, 0),
            (2, 6, "LOC", 0.3, False, 0),
        ],
        [],
        0.1,
    ),
    "two that are not chosen, apart": (
        [(0, 4, "PER", 0.3, False, 0), (4, 8, "PER", 0.4, False, 0)],
        [],
        0.6,
    ),
    "one that is not chosen, beside one that is": (
        [(0, 4, "PER", 0.9, True, 0), (6, 8, "PER", 0.4, False, 0)],
        [(0, 4, "PER")],
        0.6,
    ),
    "doubt about what lies inside": (
        [(0, 9, "ORG", 0.9, True, 0), (0, 4, "PER", 0.4, False, 1)],
        [(0, 9, "ORG")],
        0.6,
    ),
    "nested": (
        [(0, 9, "ORG", 0.9, True, 0), (0, 4, "PER", 0.8, True, 1)],
        [(0, 9, "ORG"), (0, 4, "PER")],
        0.8,
    ),
    "the same in two layers": (
        [(0, 4, "PER", 0.6, True, 0), (0, 4, "PER", 0.8, True, 1)],
        [(0, 4, "PER")],
        0.8,
    ),
    "more than certain": (
        [(0, 4, "PER", 0.7, False, 0), (2, 6, "LOC", 0.7, False, 0)],
        [],
        0.0,
    ),
}


@pytest.mark.parametrize("case", CERTAINTY)
def test_reading_is_as_certain_as_the_least_certain_of_its_parts(case: str) -> None:
    given, expected, certainty = CERTAINTY[case]
    settlement = read([candidate(*one) for one in given])
    assert marks(settlement) == expected
    assert settlement.certainty == pytest.approx(certainty)


def test_candidates_of_other_places_do_not_count() -> None:
    elsewhere = [candidate(0, 5, "PER", 0.6, True), candidate(20, 25, "PER", 0.4, False)]
    settlement = read([*elsewhere, candidate(5, 9, "LOC", 0.9, True)], 5, 20)
    assert marks(settlement) == [(5, 9, "LOC")]
    assert settlement.certainty == pytest.approx(0.9)


@pytest.mark.parametrize(("start", "end"), [(0, 6), (6, 12)])
def test_candidate_that_reaches_beyond_the_place_is_not_its_reading(start: int, end: int) -> None:
    settlement = read([candidate(3, 9, "ORG", 0.7, True)], start, end)
    assert settlement.spans == ()
    assert settlement.certainty == pytest.approx(0.3)


def test_candidate_that_begins_long_before_the_place_is_a_doubt() -> None:
    wide = candidate(0, 90, "ORG", 0.4, False)
    before = [candidate(start, start + 2, "PER", 0.9, True) for start in range(2, 50, 4)]
    settlement = read([wide, *before], 60, 70)
    assert settlement.certainty == pytest.approx(0.6)


def test_span_has_the_support_of_those_who_marked_exactly_it() -> None:
    said = [
        [Span(start=0, end=4, label="PER")],
        [Span(start=0, end=4, label="LOC")],
        [Span(start=0, end=5, label="PER")],
        [Span(start=0, end=4, label="PER"), Span(start=6, end=8, label="LOC")],
        [],
    ]
    (span,) = read([candidate(0, 4, "PER", 0.9, True)], said=said).spans
    assert span == Span(start=0, end=4, label="PER", support=2, confidence=0.9)


def test_span_has_the_pieces_that_most_of_them_gave_it() -> None:
    pieces, others = ((0, 2), (3, 4)), ((0, 1), (3, 4))
    said = [
        [Span(start=0, end=4, label="PER", fragments=pieces)],
        [Span(start=0, end=4, label="PER", fragments=pieces)],
        [Span(start=0, end=4, label="PER", fragments=others)],
        [Span(start=0, end=4, label="PER")],
    ]
    (span,) = read([candidate(0, 4, "PER", 0.9, True)], said=said).spans
    assert (span.fragments, span.support) == (pieces, 4)


def test_order_of_candidates_changes_nothing() -> None:
    given = [candidate(*one) for known, _, _ in CERTAINTY.values() for one in known]
    assert read(given) == read(given[::-1])


def test_what_is_chosen_is_known_for_the_whole_document() -> None:
    given = [
        candidate(5, 9, "LOC", 0.9, True),
        candidate(0, 4, "PER", 0.9, True),
        candidate(0, 2, "PER", 0.1, False),
    ]
    assert by_candidates(given).chosen == (
        Span(start=0, end=4, label="PER"),
        Span(start=5, end=9, label="LOC"),
    )
