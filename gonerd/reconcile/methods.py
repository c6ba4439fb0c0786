"""All annotations of a corpus into how each place of each document is read, by a chosen method."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gonerd.errors import ConfigError
from gonerd.gather import Gathered
from gonerd.reconcile.candidates import Candidate, FlatPass, layers_of
from gonerd.reconcile.decide import left_open, within_coverage
from gonerd.reconcile.reading import Settle, by_candidates, by_vote
from gonerd.reconcile.repeats import names_in, with_overlooked
from gonerd.reconcile.sequence import SequenceSettings, infer
from gonerd.reconcile.units import units_of
from gonerd.reconcile.weighted import WeightedSettings, weigh
from gonerd.records import Dispute, Range
from gonerd.rulings import Method, ruled_range
from gonerd.spans import intersect_ranges, merge_ranges

FEW = 2
"""Readers of a document below whom there is nothing to reconcile."""
ENOUGH = 1_000
"""Marks below which habits cannot be learnt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """How a method reads a corpus."""

    method: Method
    why: str
    """Why this method."""
    candidates: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    """Of each document; of no use to a vote, which needs no other document."""
    passed_over: int = 0
    """How often somebody left a name unmarked that it marked elsewhere, and others marked there."""

    def of(self, document_id: str, labels: Sequence[str], agreement: float) -> Settle:
        """Read the places of one document."""
        if self.method == "vote":
            return by_vote(labels, agreement)
        return by_candidates(self.candidates.get(document_id, ()))


def choose(
    method: Literal["auto", "vote", "weighted", "sequence"], items: Sequence[Gathered]
) -> tuple[Method, str]:
    """Say which method to take, and why.

    By trial (`benchmarks/reconcile.py`) the sequence model is best wherever there is enough to
    learn habits from; without the texts the weighted vote, with little data a vote of equals.
    """
    if method != "auto":
        return method, "it was asked for"
    readers = Counter(
        sum(1 for one in item.annotations if one.coverage) for item in items if item.annotations
    )
    num_marks = sum(len(one.spans) for item in items for one in item.annotations)
    most = sum(count for number, count in readers.items() if number >= FEW)
    typical = f"{most:,} of {sum(readers.values()):,} documents have {FEW} readers or more"
    if 2 * most <= sum(readers.values()):
        return "vote", f"{typical}; nothing to reconcile in the others"
    if num_marks < ENOUGH:
        return "vote", f"{num_marks} marks in all; too few to learn anybody's habits from"
    if any(item.document is None for item in items):
        return "weighted", f"{typical}; the texts were not given, which the sequence model needs"
    return "sequence", typical


def read_corpus(
    method: Method,
    why: str,
    items: Sequence[Gathered],
    labels: Sequence[str],
    settled: Mapping[str, Sequence[Dispute]],
) -> Readings:
    """Fit a method to all documents, apart from what people have `settled` in some.

    The order of documents and of annotators does not matter, not even to the last digit.
    """
    if method == "vote":
        return Readings(method=method, why=why)
    kept = [
        _kept(item, merge_ranges(map(ruled_range, settled.get(item.document_id, ()))))
        for item in sorted(items, key=lambda one: one.document_id)
    ]
    annotators = sorted({one.annotator for item in kept for one in item.annotations})
    found: dict[str, list[Candidate]] = {item.document_id: [] for item in kept}
    names = names_in([item.document for item in kept if item.document is not None])
    names = names if len(names) == len(kept) else []
    passed_over = 0
    for depth, layer in enumerate(layers_of(kept, annotators)):
        if names and not depth:
            layer = with_overlooked(layer, names)
            passed_over = sum(map(_passed_over, layer.passes))
        if method == "weighted":
            candidates, _ = weigh(layer, len(annotators), labels, WeightedSettings())
        else:
            units = units_of(layer, _texts(kept), annotators, labels, () if depth else names)
            candidates = infer(units, SequenceSettings())
        for one in candidates:
            found[kept[one.document].document_id].append(
                replace(one, depth=depth) if depth else one
            )
    return Readings(method=method, why=why, candidates=found, passed_over=passed_over)


def _passed_over(passes: Sequence[FlatPass]) -> int:
    """Count what annotators of one document overlooked where anybody has marked something."""
    marked = merge_ranges((span.start, span.end) for one in passes for span in one.spans)
    return sum(len(intersect_ranges(one.overlooked, marked)) for one in passes)


def _kept(item: Gathered, ruled: Sequence[Range]) -> Gathered:
    """Keep what counts of everybody's annotations, by annotator."""
    annotations = [left_open(within_coverage(one)[0], ruled) for one in item.annotations]
    return replace(item, annotations=tuple(sorted(annotations, key=lambda one: one.annotator)))


def _texts(items: Sequence[Gathered]) -> list[str]:
    missing = [item.document_id for item in items if item.document is None]
    if missing:
        raise ConfigError(
            f"method 'sequence': the text of {missing[0]} is not given ({len(missing)} such); "
            "expected the text of every document.\nGive them with --documents, or take --method "
            "weighted."
        )
    return [item.document.text for item in items if item.document is not None]
