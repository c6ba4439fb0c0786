"""Annotation files into gold and disputes, without a builder or a work folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gonerd.errors import RecordError
from gonerd.gather import Gathered
from gonerd.reconcile.candidates import Candidate
from gonerd.reconcile.decide import AGREEMENT, reconcile_document
from gonerd.reconcile.methods import choose, read_corpus
from gonerd.reconcile.settled import check_rulings, settled_by_people
from gonerd.records import Annotation, Dispute, Loss
from gonerd.rulings import Method, ranked


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciliation:
    """What became of everybody's annotations."""

    method: Method
    why: str
    gold: tuple[Annotation, ...]
    """By document."""
    places: tuple[Dispute, ...]
    """Every place that somebody marked, with who said what."""
    disputes: tuple[Dispute, ...]
    """The places that are not agreed, those first whose settling would change most."""
    losses: tuple[Loss, ...]
    candidates: Mapping[str, Sequence[Candidate]]
    """Of each document, every span that the method weighed; none of a vote."""
    passed_over: int = 0
    """How often a silence was no vote: its annotator marked that name elsewhere."""
    rulings: int = 0
    """How many disputes people have settled."""


def reconcile_gathered(
    items: Sequence[Gathered],
    *,
    method: Literal["auto", "vote", "weighted", "sequence"] = "auto",
    agreement: float | None = None,
    labels: Sequence[str] | None = None,
    guide: str = "",
    settled: Path | None = None,
) -> Reconciliation:
    """Reconcile all annotations of all documents; every dispute is settled by the method for now.

    `labels`, in the order that breaks ties, are by default those that occur, most frequent first;
    `guide` is by default the one all annotators followed. `settled` is a file of disputes that
    people have ruled on: these hold, and are not among the disputes again.
    """
    items = sorted(items, key=lambda one: one.document_id)
    expected = labels
    if labels is None:
        counted = Counter(
            span.label for item in items for one in item.annotations for span in one.spans
        )
        labels = sorted(counted, key=lambda label: (-counted[label], label))
    else:
        _check_labels(items, labels)
    guides = {one.guide for item in items for one in item.annotations if one.guide}
    if not guide and len(guides) == 1:
        guide = guides.pop()
    rulings = {} if settled is None else settled_by_people(settled)
    num_rulings = sum(map(len, rulings.values()))
    taken, why = choose(method, items)
    readings = read_corpus(taken, why, items, labels, rulings)
    threshold = AGREEMENT[taken] if agreement is None else agreement
    results = []
    for item in items:
        said = item.document or item.annotations[0]
        text_sha256 = said.text_sha256
        settled_here = rulings.pop(item.document_id, [])
        check_rulings(
            settled_here, item.document_id, text_sha256, document=item.document, labels=expected
        )
        results.append(
            reconcile_document(
                item.document_id,
                text_sha256,
                item.annotations,
                guide=guide,
                method=taken,
                settle=readings.of(item.document_id, labels, threshold),
                agreement=threshold,
                open_disputes="settle",
                settled=settled_here,
            )
        )
    documents = {item.document_id: item.document for item in items if item.document is not None}
    return Reconciliation(
        method=taken,
        why=why,
        gold=tuple(result.gold for result in results),
        places=tuple(place for result in results for place in result.places),
        disputes=tuple(ranked((one for result in results for one in result.disputes), documents)),
        losses=tuple(loss for result in results for loss in result.losses)
        + tuple(_unused(one) for left in rulings.values() for one in left),
        candidates=readings.candidates,
        passed_over=readings.passed_over,
        rulings=num_rulings,
    )


def _check_labels(items: Sequence[Gathered], labels: Sequence[str]) -> None:
    for item in items:
        for one in item.annotations:
            for span in one.spans:
                if span.label not in labels:
                    raise RecordError(
                        f"{item.document_id}[{span.start}:{span.end}]: label {span.label!r} of "
                        f"{one.annotator!r}; expected one of {', '.join(labels)}."
                    )


def _unused(ruling: Dispute) -> Loss:
    return Loss(
        document_id=ruling.document_id,
        start=ruling.start,
        end=ruling.end,
        what="ruling left aside",
        why="its document is not among the annotations",
    )
