"""Tests that what people have ruled holds, whoever says what, and is not asked again."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.gather import Gathered
from gonerd.reconcile.candidates import Candidate
from gonerd.reconcile.decide import (
    ReconcileConfig,
    Reconciled,
    left_open,
    reconcile_document,
    within_coverage,
)
from gonerd.reconcile.reading import Settle, by_candidates, by_vote
from gonerd.records import Annotation, Claim, Dispute, Range, Span
from gonerd.rulings import METHODS, ruled_range
from gonerd.spans import merge_ranges, within
from tests.reconcile.crowds import (
    LABELS,
    SENTENCE,
    Mark,
    a_document,
    by_all,
    crowds,
    gathered,
    said_by,
    spans_in,
)

DOCUMENT = a_document(SENTENCE)
LENGTH = len(SENTENCE)


def ruling(start: int, end: int, *marks: Mark, by: str = "eva") -> Dispute:
    """Let somebody rule on a place of DOCUMENT."""
    return Dispute(
        document_id="d",
        text_sha256=DOCUMENT.text_sha256,
        start=start,
        end=end,
        claims=(),
        settled_by=by,
        settlement=tuple(Span(start=low, end=high, label=label) for low, high, label in marks),
    )


def decided(
    annotations: Sequence[Annotation], *settled: Dispute, settle: Settle | None = None
) -> Reconciled:
    """Reconcile annotations of DOCUMENT, by vote if nothing else is said."""
    return reconcile_document(
        "d",
        DOCUMENT.text_sha256,
        annotations,
        guide="test@1",
        method="vote" if settle is None else "sequence",
        settle=settle or by_vote(LABELS, 0.5),
        agreement=0.5,
        open_disputes="settle",
        settled=settled,
    )


def marks(spans: Sequence[Span]) -> list[Mark]:
    """Say what holds."""
    return [(span.start, span.end, span.label) for span in spans]


def asked(result: Reconciled) -> list[Range]:
    """Say which places are disputes."""
    return [(one.start, one.end) for one in result.disputes]


def say(*passes: Sequence[Mark]) -> tuple[Annotation, ...]:
    """Let people say something about DOCUMENT."""
    return by_all(*passes).annotations


@st.composite
def rulings(draw: st.DrawFn) -> list[Dispute]:
    """Draw rulings of DOCUMENT apart from each other, some that nothing is there."""
    edges = sorted(draw(st.sets(st.integers(0, LENGTH), min_size=2, max_size=6)))
    found = []
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        inner = draw(st.lists(spans_in(end - start), max_size=1))
        held = [(start + one.start, start + one.end, one.label) for one in inner]
        found.append(ruling(start, end, *held))
    return found


@given(item=crowds(), settled=rulings())
def test_where_people_have_ruled_gold_is_what_they_said(
    item: Gathered, settled: list[Dispute]
) -> None:
    result = decided(item.annotations, *settled)
    ruled = [(one.start, one.end) for one in settled]
    touching = [
        span
        for span in result.gold.spans
        if any(span.start < end and start < span.end for start, end in ruled)
    ]
    assert sorted(touching, key=repr) == sorted(
        (span for one in settled for span in one.settlement), key=repr
    )
    for dispute in result.disputes:
        assert not any(dispute.start < end and start < dispute.end for start, end in ruled)


@given(item=crowds(), settled=rulings())
def test_what_people_have_ruled_changes_nothing_elsewhere(
    item: Gathered, settled: list[Dispute]
) -> None:
    ruled = [(one.start, one.end) for one in settled]

    def clear(start: int, end: int) -> bool:
        return not any(start < last and first < end for first, last in ruled)

    without = decided(item.annotations)
    result = decided(item.annotations, *settled)
    for place in without.places:
        if clear(place.start, place.end):
            assert place in result.places
            assert (place in result.disputes) == (place in without.disputes)
    assert result.losses == without.losses


@given(item=crowds(), settled=rulings())
def test_places_are_all_that_was_marked_or_ruled_in_order(
    item: Gathered, settled: list[Dispute]
) -> None:
    result = decided(item.annotations, *settled)
    starts = [one.start for one in result.places]
    assert starts == sorted(starts)
    assert set(settled) <= set(result.places)
    assert set(result.disputes) <= set(result.places)
    assert {one.settled_by for one in result.places if one not in settled} <= {"vote"}


@given(item=crowds(), settled=rulings())
def test_gold_says_where_anybody_read_or_ruled(item: Gathered, settled: list[Dispute]) -> None:
    gold = decided(item.annotations, *settled).gold
    read = [pair for one in item.annotations for pair in one.coverage]
    assert gold.coverage == merge_ranges([*read, *map(ruled_range, settled)])
    assert within(gold.spans, gold.coverage) == list(gold.spans)


def test_ruling_that_nothing_is_there_holds_against_everybody() -> None:
    said = [(0, 7, "PER")]
    result = decided(say(said, said, said), ruling(0, 7))
    assert (result.gold.spans, asked(result)) == ((), [])


def test_ruling_may_hold_what_nobody_marked() -> None:
    result = decided(say([(0, 3, "PER")], [(0, 3, "LOC")]), ruling(0, 3, (0, 7, "ORG")))
    assert marks(result.gold.spans) == [(0, 7, "ORG")]
    assert asked(result) == []


def test_what_a_ruling_reaches_out_to_is_ruled_on() -> None:
    said: list[Mark] = [(0, 3, "PER"), (4, 7, "PER")]
    result = decided(say(said, said), ruling(0, 3, (0, 7, "PER")))
    assert marks(result.gold.spans) == [(0, 7, "PER")]
    assert ruled_range(ruling(0, 3, (0, 7, "PER"))) == (0, 7)


def test_ruling_on_what_nobody_read_is_gold_and_done() -> None:
    passes = [said_by("ana", DOCUMENT, (0, 7, "PER"), coverage=((0, 10),))]
    result = decided(passes, ruling(18, 28, (18, 28, "ORG")))
    assert marks(result.gold.spans) == [(0, 7, "PER"), (18, 28, "ORG")]
    assert result.gold.coverage == ((0, 10), (18, 28))


def test_rest_of_a_place_that_a_ruling_cuts_through_is_asked_of_those_not_overruled() -> None:
    passes = say([(0, 3, "PER")], [(0, 14, "ORG")], [(12, 14, "PER")], [(12, 14, "LOC")])
    result = decided(passes, ruling(0, 3, (0, 3, "PER")))
    (dispute,) = result.disputes
    assert (dispute.start, dispute.end) == (12, 14)
    assert dispute.claims == (
        Claim(annotator="ana", spans=()),
        Claim(annotator="cy", spans=(Span(start=12, end=14, label="PER"),)),
        Claim(annotator="di", spans=(Span(start=12, end=14, label="LOC"),)),
    )
    assert marks(result.gold.spans)[0] == (0, 3, "PER")


def test_who_is_overruled_keeps_the_say_elsewhere() -> None:
    passes = say([(0, 3, "PER"), (12, 14, "PER")], [(12, 14, "PER")], [])
    result = decided(passes, ruling(0, 7))
    (place,) = (one for one in result.places if one.start == 12)
    assert [claim.annotator for claim in place.claims] == ["ana", "bo", "cy"]


def test_nothing_is_left_open_of_what_reaches_into_a_ruling() -> None:
    annotation = said_by("ana", DOCUMENT, (0, 3, "PER"), (4, 11, "ORG"), (12, 14, "PER"))
    opened = left_open(annotation, [(2, 6)])
    assert marks(opened.spans) == [(12, 14, "PER")]
    assert opened.coverage == ((11, LENGTH),)
    assert left_open(annotation, []) == annotation


def test_ruling_beside_a_span_leaves_it_open() -> None:
    annotation = said_by("ana", DOCUMENT, (0, 3, "PER"), (7, 9, "LOC"))
    opened = left_open(annotation, [(3, 7)])
    assert opened.spans == annotation.spans
    assert opened.coverage == ((0, 3), (7, LENGTH))


@given(item=crowds())
def test_what_counts_is_said_once_and_read(item: Gathered) -> None:
    for annotation in item.annotations:
        kept, losses = within_coverage(annotation)
        assert within_coverage(kept) == (kept, [])
        assert len(kept.spans) + len(losses) == len(annotation.spans)
        assert kept.coverage == merge_ranges(annotation.coverage)


# What a method reads across what people marked.


def chosen(start: int, end: int, label: str, probability: float = 0.9) -> Candidate:
    """Choose a span."""
    return Candidate(
        document=0, start=start, end=end, label=label, probability=probability, chosen=True
    )


def test_span_that_reaches_across_marks_makes_one_place_of_them() -> None:
    passes = say([(0, 3, "PER")], [(4, 7, "PER")])
    result = decided(passes, settle=by_candidates([chosen(0, 7, "PER")]))
    (place,) = result.places
    assert (place.start, place.end, place.certainty) == (0, 7, 0.9)
    assert [marks(claim.spans) for claim in place.claims] == [[(0, 3, "PER")], [(4, 7, "PER")]]
    assert result.gold.spans == (Span(start=0, end=7, label="PER", support=0, confidence=0.9),)


def test_span_that_begins_before_what_anybody_marked_is_not_lost() -> None:
    result = decided(say([(4, 7, "PER")]), settle=by_candidates([chosen(0, 7, "PER")]))
    assert marks(result.gold.spans) == [(0, 7, "PER")]


def test_span_where_nobody_marked_anything_is_no_place() -> None:
    result = decided(say([(4, 7, "PER")]), settle=by_candidates([chosen(12, 14, "PER")]))
    assert [(one.start, one.end) for one in result.places] == [(4, 7)]
    assert result.gold.spans == ()


def test_span_that_reaches_into_a_ruling_is_doubted_and_does_not_hold() -> None:
    settle = by_candidates([chosen(0, 7, "PER", 0.6)])
    result = decided(say([(0, 3, "PER")], []), ruling(4, 7, (4, 7, "LOC")), settle=settle)
    assert marks(result.gold.spans) == [(4, 7, "LOC")]
    assert asked(result) == [(0, 3)]


def test_document_with_many_rulings_is_nothing_special() -> None:
    document = a_document("x" * 200_000)
    every: list[Mark] = [(start, start + 9, "PER") for start in range(0, 199_980, 10)]
    item = gathered(document, [said_by(name, document, *every) for name in ("ana", "bo", "cy")])
    settled = [
        replace(ruling(start, end), text_sha256=document.text_sha256) for start, end, _ in every[1:]
    ]
    result = decided(item.annotations, *settled)
    assert marks(result.gold.spans) == every[:1]


@pytest.mark.parametrize("agreement", [0.5, 0.99])
@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_config_takes_every_method_and_agreement(method: str, agreement: float) -> None:
    config = ReconcileConfig(
        annotations=("a",),
        method=method,  # type: ignore[arg-type]
        agreement=agreement,
    )
    assert (config.method, config.agreement, config.settled) == (method, agreement, None)
