"""Tests that scores count exact spans as seqscore does, and say nothing where nothing is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqscore.scoring import score_label_sequences

from gonerd.bio import TokenSpan, decode, encode
from gonerd.records import Span
from gonerd.score import Counts, add_scores, score_spans
from tests.strategies import token_spans

PER = Span(start=0, end=7, label="PER")


def in_tokens(spans: list[TokenSpan]) -> list[Span]:
    """Take tokens for characters."""
    return [Span(start=start, end=end, label=label) for start, end, label in spans]


@st.composite
def predictions(draw: st.DrawFn) -> tuple[int, list[TokenSpan], list[TokenSpan]]:
    """Draw a number of tokens, gold, and a prediction that is partly the same."""
    num_tokens = draw(st.integers(1, 40))
    gold = draw(token_spans(num_tokens))
    fresh = draw(token_spans(num_tokens))
    predicted = {span for span in gold if draw(st.booleans())}
    for start, end, label in fresh:
        if all(end <= other[0] or other[1] <= start for other in predicted):
            predicted.add((start, end, label))
    return num_tokens, gold, sorted(predicted)


@given(st.lists(predictions(), max_size=5))
def test_counts_and_scores_are_those_of_seqscore(
    documents: list[tuple[int, list[TokenSpan], list[TokenSpan]]],
) -> None:
    gold_tags = [encode(gold, num_tokens) for num_tokens, gold, _ in documents]
    predicted_tags = [encode(predicted, num_tokens) for num_tokens, _, predicted in documents]
    theirs, _ = score_label_sequences(predicted_tags, gold_tags, "BIO", repair=None)

    ours = score_spans(
        (in_tokens(decode(gold)), in_tokens(decode(predicted)))
        for gold, predicted in zip(gold_tags, predicted_tags, strict=True)
    )
    for counts, expected in [
        (ours.micro, theirs),
        *((ours.per_label[label], found) for label, found in theirs.type_scores.items()),
    ]:
        assert counts == Counts(
            correct=expected.true_pos, predicted=expected.total_pos, gold=expected.total_ref
        )
        assert (counts.precision or 0.0) == expected.precision
        assert (counts.recall or 0.0) == expected.recall
        assert (counts.f1 or 0.0) == pytest.approx(expected.f1, abs=1e-12)
    assert set(ours.per_label) == set(theirs.type_scores)


@pytest.mark.parametrize(
    "near",
    [
        Span(start=0, end=6, label="PER"),
        Span(start=1, end=7, label="PER"),
        Span(start=0, end=7, label="ORG"),
        Span(start=0, end=7, label="PER", fragments=((0, 2), (5, 7))),
    ],
    ids=["end differs", "start differs", "label differs", "parts differ"],
)
def test_a_span_that_is_nearly_right_counts_for_nothing(near: Span) -> None:
    assert score_spans([([PER], [near])]).micro == Counts(correct=0, predicted=1, gold=1)


def test_confidence_and_support_do_not_matter_to_a_match() -> None:
    sure = Span(start=0, end=7, label="PER", confidence=0.3, support=2)

    assert score_spans([([PER], [sure])]).micro == Counts(correct=1, predicted=1, gold=1)


def test_parts_make_a_span_another() -> None:
    parted = Span(start=0, end=7, label="PER", fragments=((0, 2), (5, 7)))
    otherwise = Span(start=0, end=7, label="PER", fragments=((0, 3), (5, 7)))
    whole = Span(start=0, end=7, label="PER", fragments=((0, 7),))

    assert score_spans([([parted], [parted, otherwise])]).micro == Counts(
        correct=1, predicted=2, gold=1
    )
    assert score_spans([([PER], [whole])]).micro == Counts(correct=1, predicted=1, gold=1)


def test_a_span_said_twice_counts_once() -> None:
    assert score_spans([([PER], [PER, PER])]).micro == Counts(correct=1, predicted=1, gold=1)


def test_equal_spans_of_different_documents_do_not_match() -> None:
    assert score_spans([([PER], []), ([], [PER])]).micro == Counts(correct=0, predicted=1, gold=1)


def test_precision_is_unknown_where_nothing_was_predicted() -> None:
    counts = score_spans([([PER], [])]).micro

    assert (counts.precision, counts.recall, counts.f1) == (None, 0.0, 0.0)


def test_recall_is_unknown_where_there_is_no_gold() -> None:
    counts = score_spans([([], [PER])]).micro

    assert (counts.precision, counts.recall, counts.f1) == (0.0, None, 0.0)


def test_no_score_is_made_up_where_nothing_is_on_either_side() -> None:
    for nothing in (score_spans([]), score_spans([([], [])])):
        assert (nothing.micro.precision, nothing.micro.recall, nothing.micro.f1) == (None,) * 3
        assert nothing.per_label == {}


def test_labels_are_in_alphabetical_order_with_those_of_either_side() -> None:
    loc = Span(start=8, end=9, label="LOC")
    org = Span(start=8, end=9, label="ORG")

    assert list(score_spans([([PER, org], [loc])]).per_label) == ["LOC", "ORG", "PER"]


@given(st.lists(predictions(), max_size=6), st.data())
def test_scores_of_parts_add_up_to_the_score_of_the_whole(
    documents: list[tuple[int, list[TokenSpan], list[TokenSpan]]], data: st.DataObject
) -> None:
    pairs = [(in_tokens(gold), in_tokens(predicted)) for _, gold, predicted in documents]
    at = data.draw(st.integers(0, len(pairs)))

    assert add_scores(
        add_scores(None, score_spans(pairs[:at])), score_spans(pairs[at:])
    ) == score_spans(pairs)


@given(predictions())
def test_swapping_the_sides_swaps_precision_and_recall(
    document: tuple[int, list[TokenSpan], list[TokenSpan]],
) -> None:
    one, other = in_tokens(document[1]), in_tokens(document[2])
    forth, back = score_spans([(one, other)]).micro, score_spans([(other, one)]).micro

    assert (forth.precision, forth.recall, forth.f1) == (back.recall, back.precision, back.f1)
