"""Gold and predicted entities, document by document, into a result: one pass, whatever the length.

The headline is the micro F1 of exact spans. Beside it stand the mean over documents, every label,
the schemes of SemEval'13 where both sides are flat, and the counts of each document, from which
intervals, breakdowns and tests of two systems are made without scoring again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

import numpy as np

from gonerd.errors import SpanError
from gonerd.score.breakdown import groups_of, named
from gonerd.score.counts import Counts
from gonerd.score.entities import Ints, Labels, found_in
from gonerd.score.intervals import Interval, interval
from gonerd.score.schemes import NAMES, Matches, matches
from gonerd.score.sides import DocumentScore, Sides


@dataclass(frozen=True, kw_only=True)
class Result:
    """How well a system does."""

    micro: Counts
    per_label: Mapping[str, Counts]
    """By label, in alphabetical order."""
    schemes: Mapping[str, Matches] | None
    """By the names of `schemes.NAMES`; None where entities of one side overlap."""
    documents: tuple[DocumentScore, ...]
    groups: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)
    """By what entities are told apart by, such as `position`, and its values in order."""

    @cached_property
    def interval(self) -> Interval | None:
        """Of the micro F1, over documents."""
        return interval([one.counts for one in self.documents])

    @property
    def document_macro(self) -> float | None:
        """The mean F1 of documents; those with nothing on either side have none."""
        each = [one.counts.f1 for one in self.documents]
        known = [one for one in each if one is not None]
        return fmean(known) if known else None

    @property
    def label_macro(self) -> float | None:
        """The mean F1 of labels."""
        known = [one.f1 for one in self.per_label.values() if one.f1 is not None]
        return fmean(known) if known else None


def compare(
    documents: Iterable[Sides], labels: Labels, *, seen: frozenset[tuple[str, str]] | None = None
) -> Result:
    """Score documents; `seen` are the (label, words) of entities that a system could learn."""
    sums: dict[str, tuple[tuple[str, ...], Ints]] = {}
    schemes: dict[str, Matches] | None = {name: Matches() for name in NAMES}
    per_document = []
    per_label = np.zeros((len(labels.names), 3), dtype=np.int64)
    for one in documents:
        grown = len(labels.names) - len(per_label)
        per_label = np.pad(per_label, ((0, grown), (0, 0)))
        right = found_in(one.gold, one.predicted)
        here = _table(one.gold.labels[right], one.predicted.labels, one.gold.labels, len(per_label))
        per_label += here
        total = here.sum(axis=0).tolist()
        per_document.append(
            DocumentScore(
                document_id=one.document_id,
                counts=Counts(correct=total[0], predicted=total[1], gold=total[2]),
                num_tokens=one.num_tokens,
                source=one.source,
            )
        )
        if schemes is not None:
            schemes = _with_schemes(schemes, one)
        for name, (names, of_gold, of_predicted) in groups_of(one, labels, seen).items():
            table = _table(of_gold[right], of_predicted, of_gold, len(names))
            sums[name] = (names, sums[name][1] + table if name in sums else table)
    counts = {
        name: Counts(correct=row[0], predicted=row[1], gold=row[2])
        for name, row in zip(labels.names, per_label.tolist(), strict=False)
        if any(row)
    }
    return Result(
        micro=sum(counts.values(), Counts()),
        per_label=dict(sorted(counts.items())),
        schemes=schemes,
        documents=tuple(per_document),
        groups=named(sums),
    )


def _table(correct: Ints, predicted: Ints, gold: Ints, size: int) -> Ints:
    """Count (group, side) entities: correct, predicted, gold."""
    sides = [np.bincount(one, minlength=size) for one in (correct, predicted, gold)]
    return np.stack(sides, axis=1).astype(np.int64)


def _with_schemes(schemes: dict[str, Matches], one: Sides) -> dict[str, Matches] | None:
    try:
        found = matches(one.gold, one.predicted)
    except SpanError:  # nested spans: these schemes have nothing to say
        return None
    return {name: schemes[name] + found[name] for name in NAMES}
