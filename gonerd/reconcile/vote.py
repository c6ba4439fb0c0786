"""The annotations of one document into agreed spans and disputes, by a vote over clusters.

Spans of all annotators that overlap form a cluster; whoever declared the place done has a vote,
also by marking nothing. When more than a given share say exactly the same, that is gold. Everything
else is a dispute, and the vote can settle it: presence, border and label are decided one after the
other, each by those who have a say. Pure: no files, no clock, no randomness, and the order of the
annotations does not matter.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gonerd.records import GOLD, Annotation, Claim, Dispute, Document, Loss, Span, reading_order
from gonerd.spans import clusters, covers, merge_ranges, overlap

SETTLED_BY_VOTE = "vote"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconcileConfig:
    """The table [reconcile] of a builder."""

    annotations: tuple[str, ...] = ()
    """Files or folders of people's annotations (.jsonl, .parquet), relative to the builder."""
    reference: str | None = None
    """A folder of .marked files, or a file of annotations, that gold is measured against."""
    prelabels: Literal["vote", "aside", "only"] = "aside"
    """Whether the pipeline's annotation has a vote, has none, or is all there is."""
    agreement: float = 0.5
    """A reading is agreed when more than this share of those who read the place share it."""
    open_disputes: Literal["stop", "settle"] = "stop"
    """Whether a dispute stops the build or is settled by the vote."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.agreement < 1.0:
            raise ValueError(f"agreement={self.agreement}; expected from 0.5 to below 1.")
        if (self.prelabels == "only") != (not self.annotations):
            raise ValueError(
                f"prelabels={self.prelabels!r} with {len(self.annotations)} annotation files; "
                'expected prelabels = "only" where, and only where, there are none.'
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciled:
    """What became of one document's annotations."""

    gold: Annotation
    disputes: tuple[Dispute, ...]
    losses: tuple[Loss, ...]


def reconcile_document(
    document: Document,
    annotations: Sequence[Annotation],
    *,
    labels: Sequence[str],
    guide: str,
    config: ReconcileConfig,
) -> Reconciled:
    """Reconcile all annotations of one document; `labels` in the order that breaks ties."""
    annotations = sorted(annotations, key=lambda annotation: annotation.annotator)
    coverage = {
        annotation.annotator: merge_ranges(annotation.coverage) for annotation in annotations
    }
    losses: list[Loss] = []
    said: dict[Span, list[str]] = {}
    for annotation in annotations:
        for span in _distinct(annotation.spans):
            if covers(coverage[annotation.annotator], span.start, span.end):
                said.setdefault(span, []).append(annotation.annotator)
            else:
                losses.append(
                    Loss(
                        document_id=document.id,
                        start=span.start,
                        end=span.end,
                        what="span dropped",
                        why="outside what its annotator declared done",
                    )
                )
    gold: list[Span] = []
    disputes: list[Dispute] = []
    for group in clusters(said):
        cluster = [(span, annotator) for span in group for annotator in said[span]]
        start, end = group[0].start, max(span.end for span in group)
        claims = _claims(cluster, coverage, start, end)
        agreed = _agreed(claims, config.agreement)
        if agreed is not None:
            gold.extend(agreed)
            continue
        dispute = Dispute(
            document_id=document.id,
            text_sha256=document.text_sha256,
            start=start,
            end=end,
            claims=claims,
        )
        if config.open_disputes == "settle":
            settlement = settle_by_vote(claims, labels)
            dispute = replace(dispute, settled_by=SETTLED_BY_VOTE, settlement=settlement)
            gold.extend(settlement)
        disputes.append(dispute)
    return Reconciled(
        gold=Annotation(
            document_id=document.id,
            text_sha256=document.text_sha256,
            annotator=GOLD,
            guide=guide,
            coverage=merge_ranges(pair for ranges in coverage.values() for pair in ranges),
            spans=tuple(gold),
        ),
        disputes=tuple(disputes),
        losses=tuple(losses),
    )


def settle_by_vote(claims: Sequence[Claim], labels: Sequence[str]) -> tuple[Span, ...]:
    """Decide a dispute: presence by majority, then border, then label, until nothing is left.

    A tie on presence keeps the span: people miss names far more often than they invent them. Of the
    borders somebody marked, the pair wins whose start and end have most votes together; a tie goes
    to the longer, then the earlier. A tie of labels goes to the first in the guide.
    """
    num_voters = len(claims)
    settled: list[Span] = []
    open_claims = list(claims)
    while True:
        spans = [(span, claim.annotator) for claim in open_claims for span in claim.spans]
        starts = Counter(span.start for span, _ in spans)
        ends = Counter(span.end for span, _ in spans)
        candidates = sorted(
            {(span.start, span.end) for span, _ in spans},
            key=lambda pair: (-starts[pair[0]] - ends[pair[1]], pair[0] - pair[1], pair[0]),
        )
        chosen = next(
            (
                Span(start=start, end=end, label=labels[0])
                for start, end in candidates
                if 2 * _num_present(spans, start, end) >= num_voters
            ),
            None,
        )
        if chosen is None:
            return tuple(sorted(settled, key=reading_order))
        votes = Counter(_labels_at(spans, chosen, labels))
        label = min(votes, key=lambda name: (-votes[name], _rank(name, labels)))
        exact = [
            (span, name)
            for span, name in spans
            if (span.start, span.end) == (chosen.start, chosen.end)
        ]
        support = len({name for span, name in exact if span.label == label})
        pieces = Counter(span.fragments for span, _ in exact)
        settled.append(
            replace(
                chosen,
                label=label,
                support=support,
                confidence=support / num_voters,
                fragments=min(pieces, key=lambda one: (-pieces[one], one)),
            )
        )
        open_claims = [
            replace(claim, spans=tuple(span for span in claim.spans if not overlap(span, chosen)))
            for claim in open_claims
        ]


def _distinct(spans: Sequence[Span]) -> list[Span]:
    """Keep one of spans that say the same, and only what they say."""
    distinct = {
        (span.start, span.end, span.label, span.fragments): Span(
            start=span.start, end=span.end, label=span.label, fragments=span.fragments
        )
        for span in spans
    }
    return sorted(distinct.values(), key=reading_order)


def _claims(
    cluster: Sequence[tuple[Span, str]],
    coverage: Mapping[str, Sequence[tuple[int, int]]],
    start: int,
    end: int,
) -> tuple[Claim, ...]:
    """Collect what each says who has read the whole place, or has marked something in it."""
    spans: dict[str, list[Span]] = {}
    for span, annotator in cluster:
        spans.setdefault(annotator, []).append(span)
    return tuple(
        Claim(annotator=annotator, spans=tuple(spans.get(annotator, ())))
        for annotator in sorted(coverage)
        if annotator in spans or covers(coverage[annotator], start, end)
    )


def _agreed(claims: Sequence[Claim], agreement: float) -> tuple[Span, ...] | None:
    """Find the reading that more than the given share of voters have in common."""
    readings = Counter(claim.spans for claim in claims)
    reading, support = max(readings.items(), key=lambda item: (item[1], len(item[0])))
    if support <= agreement * len(claims):
        return None
    return tuple(
        replace(span, support=support, confidence=support / len(claims)) for span in reading
    )


def _num_present(spans: Sequence[tuple[Span, str]], start: int, end: int) -> int:
    """Count the annotators who marked something in [start, end)."""
    return len({name for span, name in spans if span.start < end and start < span.end})


def _labels_at(spans: Sequence[tuple[Span, str]], chosen: Span, labels: Sequence[str]) -> list[str]:
    """List one label vote of each annotator who marked something there: of the nearest span."""
    votes: dict[str, tuple[int, int, str]] = {}
    for span, name in spans:
        if overlap(span, chosen):
            distance = abs(span.start - chosen.start) + abs(span.end - chosen.end)
            vote = (distance, _rank(span.label, labels), span.label)
            votes[name] = min(votes.get(name, vote), vote)
    return [label for _, _, label in votes.values()]


def _rank(label: str, labels: Sequence[str]) -> int:
    return labels.index(label) if label in labels else len(labels)
