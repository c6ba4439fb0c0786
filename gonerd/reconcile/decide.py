"""The annotations of one document into agreed spans and disputes, whatever the method.

Spans of all annotators that overlap form a cluster; whoever declared the place done has a say, also
by marking nothing. The method gives the cluster a reading and how certain it is. A certain reading
is gold; any other is a dispute, which the reading may settle for now. What a person has settled
holds, and is not asked again. Pure: no files, no clock, no randomness, and the order of annotations
does not matter.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gonerd.reconcile.candidates import Candidate
from gonerd.reconcile.vote import agreed_by_most, settle_by_vote
from gonerd.records import (
    GOLD,
    Annotation,
    Claim,
    Dispute,
    Loss,
    Range,
    Span,
)
from gonerd.spans import clusters, covers, merge_ranges

Method = Literal["vote", "weighted", "sequence"]
METHODS: tuple[Method, ...] = ("vote", "weighted", "sequence")
AGREEMENT: Mapping[Method, float] = {"vote": 0.5, "weighted": 0.8, "sequence": 0.8}
"""How certain a reading must be to count as agreed, where nobody says otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconcileConfig:
    """The table [reconcile] of a builder."""

    annotations: tuple[str, ...] = ()
    """Files or folders of people's annotations (.jsonl, .parquet), relative to the builder."""
    reference: str | None = None
    """A folder of .marked files, or a file of annotations, that gold is measured against."""
    prelabels: Literal["vote", "aside", "only"] = "aside"
    """Whether the pipeline's annotation has a vote, has none, or is all there is."""
    method: Literal["auto", "vote", "weighted", "sequence"] = "auto"
    """How annotators who differ are reconciled."""
    agreement: float | None = None
    """A reading is agreed when it is more certain than this; by default 0.5 of a vote, else 0.8."""
    open_disputes: Literal["stop", "settle"] = "stop"
    """Whether a dispute stops the build or is settled by the method."""
    settled: str | None = None
    """A file of disputes that people have settled (.jsonl), relative to the builder."""

    def __post_init__(self) -> None:
        if self.agreement is not None and not 0.5 <= self.agreement < 1.0:
            raise ValueError(f"agreement={self.agreement}; expected from 0.5 to below 1.")
        if (self.prelabels == "only") != (not self.annotations):
            raise ValueError(
                f"prelabels={self.prelabels!r} with {len(self.annotations)} annotation files; "
                'expected prelabels = "only" where, and only where, there are none.'
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """How a method reads a place."""

    spans: tuple[Span, ...]
    certainty: float


Settle = Callable[[Sequence[Claim], int, int], Settlement]
"""From what each says about a place, its start and its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciled:
    """What became of one document's annotations."""

    gold: Annotation
    places: tuple[Dispute, ...]
    """Every place that somebody marked, with who said what, agreed or not."""
    disputes: tuple[Dispute, ...]
    """Those of the places that are not agreed."""
    losses: tuple[Loss, ...]


def by_vote(labels: Sequence[str], agreement: float) -> Settle:
    """Read a place as more than the given share of voters do, else by vote on each question."""

    def settle(claims: Sequence[Claim], start: int, end: int) -> Settlement:
        reading, share = agreed_by_most(claims)
        if share <= agreement:
            reading = settle_by_vote(claims, labels)
        return Settlement(spans=reading, certainty=share)

    return settle


def by_candidates(candidates: Sequence[Candidate]) -> Settle:
    """Read a place as the candidates do that a method has chosen for this document."""
    ordered = sorted(candidates, key=lambda one: (one.start, -one.end, one.label))

    def settle(claims: Sequence[Claim], start: int, end: int) -> Settlement:
        low = bisect_left(ordered, start, key=lambda one: one.start)
        high = bisect_left(ordered, end, key=lambda one: one.start)
        chosen = [one for one in ordered[low:high] if one.chosen]
        doubts = [1.0 - one.probability for one in chosen]
        doubts += [
            one.probability
            for one in ordered[low:high]
            if not one.chosen
            and not any(one.start < other.end and other.start < one.end for other in chosen)
        ]
        return Settlement(
            spans=tuple(_supported(one, claims) for one in chosen),
            certainty=1.0 - max(doubts, default=0.0),
        )

    return settle


def _supported(candidate: Candidate, claims: Sequence[Claim]) -> Span:
    """Make a span of a candidate, with those who marked exactly it, and their fragments."""
    pieces: dict[tuple[Range, ...], int] = {}
    support = 0
    for claim in claims:
        same = [
            span.fragments
            for span in claim.spans
            if (span.start, span.end) == (candidate.start, candidate.end)
            and span.label == candidate.label
        ]
        support += bool(same)
        for fragments in same[:1]:
            pieces[fragments] = pieces.get(fragments, 0) + 1
    return Span(
        start=candidate.start,
        end=candidate.end,
        label=candidate.label,
        support=support,
        confidence=candidate.probability,
        fragments=min(pieces, key=lambda one: (-pieces[one], one), default=()),
    )


def within_coverage(annotation: Annotation) -> tuple[Annotation, list[Loss]]:
    """Leave out what lies outside the ranges declared done, and what is said twice."""
    coverage = merge_ranges(annotation.coverage)
    kept: dict[tuple[int, int, str, tuple[Range, ...]], Span] = {}
    losses: list[Loss] = []
    for span in annotation.spans:
        key = (span.start, span.end, span.label, span.fragments)
        if not covers(coverage, span.start, span.end):
            why = "outside what its annotator declared done"
        elif key in kept:
            why = "said twice by its annotator"
        else:
            kept[key] = span
            continue
        losses.append(
            Loss(
                document_id=annotation.document_id,
                start=span.start,
                end=span.end,
                what="span dropped",
                why=why,
            )
        )
    return replace(annotation, coverage=coverage, spans=tuple(kept.values())), losses


def reconcile_document(
    document_id: str,
    text_sha256: str,
    annotations: Sequence[Annotation],
    *,
    guide: str,
    method: Method,
    settle: Settle,
    agreement: float,
    open_disputes: Literal["stop", "settle"],
    settled: Sequence[Dispute] = (),
) -> Reconciled:
    """Reconcile all annotations of one document; `settled` are the disputes people ruled on."""
    losses: list[Loss] = []
    coverage: dict[str, tuple[Range, ...]] = {}
    said: dict[tuple[int, int, str, tuple[Range, ...]], list[str]] = {}
    for annotation in sorted(annotations, key=lambda one: one.annotator):
        kept, lost = within_coverage(annotation)
        losses += lost
        coverage[kept.annotator] = kept.coverage
        for span in kept.spans:
            if not any(span.start < one.end and one.start < span.end for one in settled):
                key = (span.start, span.end, span.label, span.fragments)
                said.setdefault(key, []).append(kept.annotator)
    spans = {
        Span(start=key[0], end=key[1], label=key[2], fragments=key[3]): names
        for key, names in said.items()
    }
    gold = [span for one in settled for span in one.settlement]
    places: list[Dispute] = []
    disputes: list[Dispute] = []
    for group in clusters(spans):
        start, end = group[0].start, max(span.end for span in group)
        said_here = [(span, name) for span in group for name in spans[span]]
        claims = _claims(said_here, coverage, start, end)
        reading = settle(claims, start, end)
        agreed = reading.certainty > agreement
        holds = agreed or open_disputes == "settle"
        place = Dispute(
            document_id=document_id,
            text_sha256=text_sha256,
            start=start,
            end=end,
            claims=claims,
            settled_by=method if holds else None,
            settlement=reading.spans if holds else (),
            certainty=reading.certainty,
        )
        places.append(place)
        if holds:
            gold.extend(reading.spans)
        if not agreed:
            disputes.append(place)
    return Reconciled(
        gold=Annotation(
            document_id=document_id,
            text_sha256=text_sha256,
            annotator=GOLD,
            guide=guide,
            coverage=merge_ranges(pair for ranges in coverage.values() for pair in ranges),
            spans=tuple(gold),
        ),
        places=tuple(places),
        disputes=tuple(disputes),
        losses=tuple(losses),
    )


def _claims(
    cluster: Sequence[tuple[Span, str]],
    coverage: Mapping[str, Sequence[Range]],
    start: int,
    end: int,
) -> tuple[Claim, ...]:
    """Collect what each says who has read the whole place, or has marked something in it."""
    spans: dict[str, list[Span]] = {}
    for span, annotator in cluster:
        spans.setdefault(annotator, []).append(span)
    return tuple(
        Claim(annotator=annotator, spans=tuple(spans.get(annotator, ())))
        for annotator in coverage
        if annotator in spans or covers(coverage[annotator], start, end)
    )
