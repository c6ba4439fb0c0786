"""Tests that annotations of a document become gold and disputes by a vote without favours."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.reconcile.decide import ReconcileConfig, Reconciled, reconcile_document
from gonerd.reconcile.reading import by_vote
from gonerd.reconcile.vote import settle_by_vote
from gonerd.records import GOLD, Annotation, Claim, Dispute, Document, Loss, Range, Span
from gonerd.spans import merge_ranges, overlap, within

LABELS = ("PER", "ORG", "LOC")
LENGTH = 12
DOCUMENT = Document(id="d", text="x" * LENGTH, source="s", license="mit", language="en")
WHOLE = ((0, LENGTH),)
SETTLE = ReconcileConfig(annotations=("people.jsonl",), open_disputes="settle")
STOP = ReconcileConfig(annotations=("people.jsonl",), open_disputes="stop")
NAMES = ("ana", "bo", "cy", "di")

Mark = tuple[int, int, str]


def span(start: int, end: int, label: str = "PER", support: int = 0, voters: int = 0) -> Span:
    """Make a span; a gold one with how many of how many voters marked exactly it."""
    if not voters:
        return Span(start=start, end=end, label=label)
    return Span(start=start, end=end, label=label, support=support, confidence=support / voters)


def a_pass(name: str, *spans: Span, coverage: Sequence[Range] = WHOLE) -> Annotation:
    """Make what one annotator says."""
    return Annotation(
        document_id=DOCUMENT.id,
        text_sha256=DOCUMENT.text_sha256,
        annotator=name,
        guide="test@1",
        coverage=tuple(coverage),
        spans=spans,
    )


def reconciled(
    passes: Sequence[Annotation], config: ReconcileConfig = SETTLE, document: Document = DOCUMENT
) -> Reconciled:
    """Reconcile the passes over a document by vote."""
    agreement = config.agreement or 0.5
    return reconcile_document(
        document.id,
        document.text_sha256,
        passes,
        guide="test@1",
        method="vote",
        settle=by_vote(LABELS, agreement),
        agreement=agreement,
        open_disputes=config.open_disputes,
    )


def gold_of(passes: Sequence[Annotation], config: ReconcileConfig = SETTLE) -> tuple[Span, ...]:
    """Reconcile and return the gold spans."""
    return reconciled(passes, config).gold.spans


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Draw a span of DOCUMENT, now and then in two pieces."""
    flat = sorted(draw(st.sets(st.integers(0, LENGTH), min_size=4, max_size=4)))
    in_pieces = draw(st.integers(0, 4)) == 0
    return Span(
        start=flat[0],
        end=flat[3] if in_pieces else draw(st.sampled_from(flat[1:])),
        label=draw(st.sampled_from(LABELS)),
        fragments=((flat[0], flat[1]), (flat[2], flat[3])) if in_pieces else (),
    )


@st.composite
def passes_over(draw: st.DrawFn, at_most: int = 4) -> list[Annotation]:
    """Draw up to four passes that cover DOCUMENT whole or in part and often say the same.

    A mention in pieces may meet the same mention in one piece, also within a pass.
    """
    pool = draw(st.lists(spans(), max_size=5))
    pool += [replace(one, fragments=()) for one in pool if one.fragments]
    said = st.lists(st.sampled_from(pool), max_size=5) if pool else st.just([])
    found = []
    for name in NAMES[: draw(st.integers(0, at_most))]:
        ends = sorted(draw(st.sets(st.integers(0, LENGTH), min_size=4, max_size=4)))
        coverage = draw(
            st.sampled_from(
                [WHOLE, WHOLE, WHOLE, (), tuple(zip(ends[::2], ends[1::2], strict=True))]
            )
        )
        found.append(a_pass(name, *draw(said), coverage=coverage))
    return found


configs = st.builds(
    ReconcileConfig,
    annotations=st.just(("people.jsonl",)),
    agreement=st.sampled_from([0.5, 0.6, 0.75, 0.9]),
    open_disputes=st.sampled_from(["stop", "settle"]),
)


# Laws.


@given(passes=passes_over(), config=configs, data=st.data())
def test_order_of_annotators_and_of_spans_changes_nothing(
    passes: list[Annotation], config: ReconcileConfig, data: st.DataObject
) -> None:
    shuffled = [replace(one, spans=tuple(data.draw(st.permutations(one.spans)))) for one in passes]
    shuffled = data.draw(st.permutations(shuffled))
    assert reconciled(shuffled, config) == reconciled(passes, config)


@given(passes=passes_over(), config=configs, names=st.permutations(NAMES))
def test_no_vote_weighs_more_for_its_name(
    passes: list[Annotation], config: ReconcileConfig, names: list[str]
) -> None:
    renamed = [replace(one, annotator=name) for one, name in zip(passes, names, strict=False)]
    assert gold_of(renamed, config) == gold_of(passes, config)


@given(said=st.lists(spans(), max_size=6, unique=True), count=st.integers(1, 4), config=configs)
def test_identical_passes_give_that_pass(
    said: list[Span], count: int, config: ReconcileConfig
) -> None:
    result = reconciled([a_pass(name, *said) for name in NAMES[:count]], config)
    expected = {replace(one, confidence=1.0, support=count) for one in said}
    assert set(result.gold.spans) == expected
    assert len(result.gold.spans) == len(expected)
    assert (result.disputes, result.losses) == ((), ())


@given(passes=passes_over(at_most=3), config=configs)
def test_annotator_who_read_nothing_has_no_vote(
    passes: list[Annotation], config: ReconcileConfig
) -> None:
    assert reconciled([*passes, a_pass("di", coverage=())], config) == reconciled(passes, config)


@given(
    passes=passes_over(at_most=3),
    config=configs,
    ends=st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)),
)
def test_annotator_has_no_vote_outside_what_was_read(
    passes: list[Annotation], config: ReconcileConfig, ends: Range
) -> None:
    read = (min(ends), max(ends))
    passes = [
        replace(one, spans=tuple(set(one.spans) - set(within(one.spans, [read])))) for one in passes
    ]
    without = reconciled(passes, config)
    added = reconciled([*passes, a_pass("di", coverage=[read])], config)
    assert added.gold.spans == without.gold.spans
    assert added.disputes == without.disputes


@given(passes=passes_over(), config=configs)
def test_gold_says_where_anybody_read_and_nothing_elsewhere(
    passes: list[Annotation], config: ReconcileConfig
) -> None:
    gold = reconciled(passes, config).gold
    read = [pair for one in passes for pair in one.coverage]
    assert (gold.annotator, gold.guide, gold.document_id) == (GOLD, "test@1", "d")
    assert gold.text_sha256 == DOCUMENT.text_sha256
    assert gold.coverage == merge_ranges(read)
    assert within(gold.spans, gold.coverage) == list(gold.spans)


@given(passes=passes_over(), config=configs)
def test_span_outside_what_its_annotator_read_goes_to_the_ledger_and_only_there(
    passes: list[Annotation], config: ReconcileConfig
) -> None:
    result = reconciled(passes, config)
    outside = [
        (one.start, one.end)
        for annotation in passes
        for one in set(annotation.spans)
        if not within([one], merge_ranges(annotation.coverage))
    ]
    lost = [
        (loss.start, loss.end)
        for loss in set(result.losses)
        if loss.why == "outside what its annotator declared done"
    ]
    assert sorted(lost) == sorted(set(outside))
    honest = [
        replace(one, spans=tuple(within(one.spans, merge_ranges(one.coverage)))) for one in passes
    ]
    assert replace(reconciled(honest, config), losses=()) == replace(result, losses=())


@given(passes=passes_over(), config=configs)
def test_disputes_come_in_order_and_never_overlap(
    passes: list[Annotation], config: ReconcileConfig
) -> None:
    disputes = reconciled(passes, config).disputes
    for left, right in pairwise(disputes):
        assert left.end <= right.start
    for dispute in disputes:
        assert [claim.annotator for claim in dispute.claims] == sorted(
            {claim.annotator for claim in dispute.claims}
        )
        starts = [one.start for claim in dispute.claims for one in claim.spans]
        ends = [one.end for claim in dispute.claims for one in claim.spans]
        assert (dispute.start, dispute.end) == (min(starts), max(ends))


@given(passes=passes_over())
def test_settling_adds_to_the_agreed_and_takes_nothing_from_it(passes: list[Annotation]) -> None:
    stopped, settled = reconciled(passes, STOP), reconciled(passes, SETTLE)
    assert all(one.settled_by is None and one.settlement == () for one in stopped.disputes)
    assert [replace(one, settled_by=None, settlement=()) for one in settled.disputes] == list(
        stopped.disputes
    )
    added = [one for dispute in settled.disputes for one in dispute.settlement]
    assert all(dispute.settled_by == "vote" for dispute in settled.disputes)
    assert sorted(settled.gold.spans, key=repr) == sorted([*stopped.gold.spans, *added], key=repr)


@given(passes=passes_over())
def test_settlement_is_flat_and_made_of_borders_and_labels_that_somebody_marked(
    passes: list[Annotation],
) -> None:
    for dispute in reconciled(passes).disputes:
        claimed = [one for claim in dispute.claims for one in claim.spans]
        for one in dispute.settlement:
            assert (one.start, one.end) in {(other.start, other.end) for other in claimed}
            assert one.label in {other.label for other in claimed if overlap(one, other)}
            exact = sum(
                any(
                    (other.start, other.end, other.label) == (one.start, one.end, one.label)
                    for other in claim.spans
                )
                for claim in dispute.claims
            )
            assert one.support is not None
            assert 0 <= one.support <= exact
            assert one.confidence == one.support / len(dispute.claims)
        for left, right in pairwise(dispute.settlement):
            assert left.end <= right.start


@given(passes=passes_over())
def test_asking_for_more_agreement_never_agrees_on_more(passes: list[Annotation]) -> None:
    agreed = [
        set(gold_of(passes, replace(STOP, agreement=share))) for share in (0.5, 0.6, 0.75, 0.9)
    ]
    for lower, higher in pairwise(agreed):
        assert higher <= lower


# Cases.


def test_nobody_says_nothing() -> None:
    result = reconciled([])
    assert (result.gold.coverage, result.gold.spans, result.disputes) == ((), (), ())


def test_one_annotator_is_gold() -> None:
    said = [span(0, 4), span(6, 9, "LOC")]
    result = reconciled([a_pass("ana", *said, coverage=((0, 10),))])
    assert result.gold.spans == (span(0, 4, "PER", 1, 1), span(6, 9, "LOC", 1, 1))
    assert result.gold.coverage == ((0, 10),)
    assert result.disputes == ()


def test_confidence_of_a_model_is_not_taken_for_that_of_the_vote() -> None:
    sure = Span(start=0, end=4, label="PER", confidence=0.2, support=7)
    assert gold_of([a_pass("ana", sure), a_pass("bo", span(0, 4))]) == (span(0, 4, "PER", 2, 2),)


@pytest.mark.parametrize("coverage", [((0, 5), (5, 12)), ((0, 5), (5, 5), (5, 12))])
def test_ranges_that_touch_are_read_as_one(coverage: tuple[Range, ...]) -> None:
    result = reconciled([a_pass("ana", span(3, 8), coverage=coverage)])
    assert result.gold.spans == (span(3, 8, "PER", 1, 1),)
    assert result.losses == ()


def test_span_across_a_gap_of_what_was_read_is_dropped_and_named() -> None:
    result = reconciled([a_pass("ana", span(3, 8), coverage=((0, 5), (6, 12)))])
    assert result.gold.spans == ()
    assert result.losses == (
        Loss(
            document_id="d",
            start=3,
            end=8,
            what="span dropped",
            why="outside what its annotator declared done",
        ),
    )


def test_who_read_only_a_part_of_the_place_has_no_vote_against_it() -> None:
    passes = [a_pass("ana", span(3, 8)), a_pass("bo", coverage=((0, 5),))]
    result = reconciled(passes, STOP)
    assert result.gold.spans == (span(3, 8, "PER", 1, 1),)
    assert result.disputes == ()


def test_who_read_only_a_part_of_the_place_but_marked_in_it_has_a_vote() -> None:
    passes = [a_pass("ana", span(3, 8)), a_pass("bo", span(3, 5), coverage=((0, 5),))]
    (dispute,) = reconciled(passes, STOP).disputes
    assert dispute == Dispute(
        document_id="d",
        text_sha256=DOCUMENT.text_sha256,
        start=3,
        end=8,
        claims=(
            Claim(annotator="ana", spans=(span(3, 8),)),
            Claim(annotator="bo", spans=(span(3, 5),)),
        ),
        certainty=0.5,
    )


def test_empty_pass_is_a_vote_for_no_name() -> None:
    passes = [a_pass("ana", span(3, 8)), a_pass("bo")]
    (dispute,) = reconciled(passes, STOP).disputes
    assert dispute.claims == (
        Claim(annotator="ana", spans=(span(3, 8),)),
        Claim(annotator="bo", spans=()),
    )


def test_majority_for_no_name_is_agreed() -> None:
    passes = [a_pass("ana", span(3, 8)), a_pass("bo"), a_pass("cy")]
    result = reconciled(passes, STOP)
    assert (result.gold.spans, result.disputes) == ((), ())


def test_names_that_touch_are_two_places() -> None:
    passes = [a_pass("ana", span(0, 4), span(4, 8)), a_pass("bo", span(0, 4), span(4, 9))]
    result = reconciled(passes, STOP)
    assert result.gold.spans == (span(0, 4, "PER", 2, 2),)
    assert [(dispute.start, dispute.end) for dispute in result.disputes] == [(4, 9)]


def test_nested_spans_that_all_mark_are_agreed() -> None:
    said = [span(0, 10, "ORG"), span(3, 6, "LOC")]
    result = reconciled([a_pass("ana", *said), a_pass("bo", *said)], STOP)
    assert result.gold.spans == (span(0, 10, "ORG", 2, 2), span(3, 6, "LOC", 2, 2))


def test_nested_span_that_one_marks_is_a_dispute_over_the_whole_place() -> None:
    passes = [
        a_pass("ana", span(0, 10, "ORG"), span(3, 6, "LOC")),
        a_pass("bo", span(0, 10, "ORG")),
    ]
    stopped = reconciled(passes, STOP)
    assert stopped.gold.spans == ()
    assert [(dispute.start, dispute.end) for dispute in stopped.disputes] == [(0, 10)]
    assert gold_of(passes) == (span(0, 10, "ORG", 2, 2),)


def test_pieces_of_a_mention_are_part_of_the_reading() -> None:
    pieces = Span(start=0, end=9, label="PER", fragments=((0, 3), (6, 9)))
    assert gold_of([a_pass("ana", pieces), a_pass("bo", pieces)], STOP) == (
        replace(pieces, support=2, confidence=1.0),
    )
    assert len(reconciled([a_pass("ana", pieces), a_pass("bo", span(0, 9))], STOP).disputes) == 1


def test_annotator_who_marks_a_mention_whole_and_in_pieces_has_one_vote() -> None:
    pieces = Span(start=0, end=9, label="PER", fragments=((0, 3), (6, 9)))
    (settled,) = gold_of([a_pass("ana", pieces), a_pass("bo", pieces, span(0, 9))])
    assert (settled.start, settled.end, settled.label) == (0, 9, "PER")
    assert (settled.support, settled.confidence) == (2, 1.0)


def test_order_of_a_mention_whole_and_in_pieces_changes_nothing() -> None:
    pieces = Span(start=0, end=9, label="PER", fragments=((0, 3), (6, 9)))
    one_way = reconciled([a_pass("ana", pieces, span(0, 9))])
    assert reconciled([a_pass("ana", span(0, 9), pieces)]) == one_way


def test_pieces_that_all_mark_survive_a_dispute_over_the_label() -> None:
    pieces = Span(start=0, end=9, label="PER", fragments=((0, 3), (6, 9)))
    passes = [a_pass("ana", pieces), a_pass("bo", replace(pieces, label="ORG"))]
    (settled,) = gold_of(passes)
    assert settled.fragments == ((0, 3), (6, 9))


@pytest.mark.parametrize(
    ("agreement", "agreed"), [(0.5, True), (0.66, True), (0.67, False), (0.9, False)]
)
def test_two_of_three_are_agreed_below_two_thirds(agreement: float, agreed: bool) -> None:
    passes = [
        a_pass("ana", span(0, 4)),
        a_pass("bo", span(0, 4)),
        a_pass("cy", span(0, 4, "ORG")),
    ]
    result = reconciled(passes, replace(STOP, agreement=agreement))
    assert result.gold.spans == ((span(0, 4, "PER", 2, 3),) if agreed else ())
    assert len(result.disputes) == (0 if agreed else 1)


def test_half_is_not_agreed() -> None:
    passes = [a_pass("ana", span(0, 4)), a_pass("bo", span(0, 4)), a_pass("cy"), a_pass("di")]
    assert len(reconciled(passes, STOP).disputes) == 1


SETTLED: dict[str, tuple[list[list[Mark]], list[tuple[int, int, str, int]]]] = {
    "presence: half keep it": ([[(0, 4, "PER")], []], [(0, 4, "PER", 1)]),
    "presence: one of three loses": ([[(0, 4, "PER")], [], []], []),
    "presence: two of four keep it": (
        [[(0, 4, "PER")], [(0, 4, "PER")], [], []],
        [(0, 4, "PER", 2)],
    ),
    "border: the longer of two": ([[(0, 4, "PER")], [(0, 6, "PER")]], [(0, 6, "PER", 1)]),
    "border: the earlier of two as long": ([[(4, 8, "PER")], [(2, 6, "PER")]], [(2, 6, "PER", 1)]),
    "border: the one with most votes": (
        [[(0, 4, "PER")], [(0, 4, "PER")], [(0, 4, "ORG")], [(0, 9, "PER")]],
        [(0, 4, "PER", 2)],
    ),
    "border: start and end each by their votes": (
        [[(0, 5, "PER")], [(0, 7, "PER")], [(2, 7, "PER")]],
        [(0, 7, "PER", 1)],
    ),
    "label: the first of the guide": ([[(0, 4, "LOC")], [(0, 4, "ORG")]], [(0, 4, "ORG", 1)]),
    "label: most votes": (
        [[(0, 4, "LOC")], [(0, 4, "LOC")], [(0, 4, "ORG")], [(0, 4, "PER")]],
        [(0, 4, "LOC", 2)],
    ),
    "label: who marked another border has a say": (
        [[(0, 4, "LOC")], [(0, 4, "ORG")], [(0, 9, "LOC")], [(0, 4, "PER")]],
        [(0, 4, "LOC", 1)],
    ),
    "two names or one: the long one": (
        [[(0, 4, "ORG"), (5, 9, "ORG")], [(0, 9, "ORG")]],
        [(0, 9, "ORG", 1)],
    ),
    "chain: the rest is settled after": (
        [[(0, 10, "PER"), (8, 20, "LOC")], [(0, 10, "PER"), (12, 20, "LOC")]],
        [(0, 10, "PER", 2), (12, 20, "LOC", 1)],
    ),
    "chain: the rest is too few": (
        [[(0, 10, "PER"), (8, 20, "LOC")], [(0, 10, "PER"), (12, 20, "LOC")], [(0, 10, "PER")]],
        [(0, 10, "PER", 3)],
    ),
    "nobody": ([], []),
}


@pytest.mark.parametrize("case", SETTLED)
def test_dispute_is_settled_by_presence_then_border_then_label(case: str) -> None:
    said, expected = SETTLED[case]
    claims = [
        Claim(annotator=name, spans=tuple(span(*mark) for mark in marks))
        for name, marks in zip(NAMES, said, strict=False)
    ]
    assert settle_by_vote(claims, LABELS) == tuple(
        span(start, end, label, support, len(claims)) for start, end, label, support in expected
    )


def test_document_of_many_names_is_nothing_special() -> None:
    document = replace(DOCUMENT, text="x" * 200_000, text_sha256="")
    every = [(start, start + 9) for start in range(0, 199_980, 20)]
    passes = [
        replace(
            a_pass(name, *(span(start, end) for start, end in every[index:])),
            coverage=((0, 200_000),),
            text_sha256=document.text_sha256,
        )
        for index, name in enumerate(("ana", "bo", "cy"))
    ]
    result = reconciled(passes, STOP, document)
    assert len(result.gold.spans) == len(every) - 1
    assert result.disputes == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"annotations": ("a",), "agreement": 0.4},
            "agreement=0.4; expected from 0.5 to below 1.",
            id="minority",
        ),
        pytest.param(
            {"annotations": ("a",), "agreement": 1.0},
            "agreement=1.0; expected from 0.5 to below 1.",
            id="more than all",
        ),
        pytest.param(
            {"annotations": ("a", "b"), "prelabels": "only"},
            "prelabels='only' with 2 annotation files; "
            'expected prelabels = "only" where, and only where, there are none.',
            id="only the pipeline, and people",
        ),
        pytest.param(
            {"prelabels": "aside"},
            "prelabels='aside' with 0 annotation files; "
            'expected prelabels = "only" where, and only where, there are none.',
            id="nobody",
        ),
    ],
)
def test_config_that_contradicts_itself_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError) as error:
        ReconcileConfig(**changes)  # type: ignore[arg-type]
    assert str(error.value) == message
