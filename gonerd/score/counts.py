"""Gold and predicted spans into exact-span precision, recall and F1.

A predicted span counts when its start, end and label all equal those of a gold span of the same
document, and its parts if it has several; partial credit is not given (the measure of CoNLL-2003,
Tjong Kim Sang and De Meulder).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gonerd.records import Range, Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many spans are right, and how many there are on each side."""

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            correct=self.correct + other.correct,
            predicted=self.predicted + other.predicted,
            gold=self.gold + other.gold,
        )

    @property
    def precision(self) -> float | None:
        """Share of predicted spans that are right; None where nothing was predicted."""
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Share of gold spans that were found; None where there is no gold."""
        return self.correct / self.gold if self.gold else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two; None where there is nothing on either side."""
        total = self.predicted + self.gold
        return 2 * self.correct / total if total else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Exact-span scores over documents."""

    micro: Counts
    per_label: dict[str, Counts]
    """By label, in alphabetical order."""


def score_spans(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]]) -> Score:
    """Score pairs of (gold spans, predicted spans), one pair a document."""
    correct: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    for gold_spans, predicted_spans in pairs:
        gold_keys = set(map(_key, gold_spans))
        predicted_keys = set(map(_key, predicted_spans))
        gold.update(key[2] for key in gold_keys)
        predicted.update(key[2] for key in predicted_keys)
        correct.update(key[2] for key in gold_keys & predicted_keys)
    per_label = {
        label: Counts(correct=correct[label], predicted=predicted[label], gold=gold[label])
        for label in sorted(gold | predicted)
    }
    return Score(micro=sum(per_label.values(), Counts()), per_label=per_label)


def _key(span: Span) -> tuple[int, int, str, tuple[Range, ...]]:
    """Give what makes a span the same as another; a lone fragment is the span itself."""
    pieces = span.fragments if len(span.fragments) > 1 else ()
    return span.start, span.end, span.label, pieces


def add_scores(left: Score | None, right: Score) -> Score:
    """Unite the scores of two sets of documents."""
    if left is None:
        return right
    per_label = {
        label: left.per_label.get(label, Counts()) + right.per_label.get(label, Counts())
        for label in sorted({*left.per_label, *right.per_label})
    }
    return Score(micro=left.micro + right.micro, per_label=per_label)
