"""Tests that the schemes of SemEval'13 count as nervaluate does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from gonerd.bio import TokenSpan
from gonerd.errors import SpanError
from gonerd.records import Span
from gonerd.score.entities import Entities, Labels, from_spans
from gonerd.score.schemes import Matches, matches
from tests.strategies import token_spans

THEIRS = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}


def entities(spans: list[TokenSpan], labels: Labels) -> Entities:
    """Take tokens for characters."""
    return from_spans([Span(start=a, end=b, label=label) for a, b, label in spans], labels)


def as_dicts(spans: list[TokenSpan]) -> list[dict[str, object]]:
    """Write spans as nervaluate takes them: with their last token."""
    return [{"label": label, "start": a, "end": b - 1} for a, b, label in sorted(spans)]


@given(st.integers(1, 40).flatmap(lambda size: st.tuples(token_spans(size), token_spans(size))))
def test_counts_are_those_of_nervaluate(both: tuple[list[TokenSpan], list[TokenSpan]]) -> None:
    gold, predicted = both
    labels = Labels()
    ours = matches(entities(gold, labels), entities(predicted, labels))
    types = sorted({label for _, _, label in (*gold, *predicted)}) or ["X"]
    found = Evaluator([as_dicts(gold)], [as_dicts(predicted)], tags=types, loader="dict")
    overall = found.evaluate()["overall"]
    for name, their_name in THEIRS.items():
        theirs = overall[their_name]
        assert ours[name] == Matches(
            correct=theirs.correct,
            incorrect=theirs.incorrect,
            partial=theirs.partial,
            missed=theirs.missed,
            spurious=theirs.spurious,
        )
        assert (ours[name].precision or 0.0) == pytest.approx(theirs.precision)
        assert (ours[name].recall or 0.0) == pytest.approx(theirs.recall)
        assert (ours[name].f1 or 0.0) == pytest.approx(theirs.f1)


def test_entities_that_overlap_are_refused() -> None:
    labels = Labels()
    nested = entities([(0, 3, "A"), (2, 4, "B")], labels)
    with pytest.raises(SpanError) as error:
        matches(entities([], labels), nested, "document 'a'")
    assert str(error.value) == (
        "document 'a', predicted: [0:3] and [2:4] overlap; expected flat entities, as the schemes "
        "of SemEval'13 know no others."
    )
