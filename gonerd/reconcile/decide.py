"""The annotations of one document into agreed spans and disputes, whatever the method.

Spans of all annotators that overlap form a cluster; whoever declared the place done has a say, also
by marking nothing. The method gives the cluster a reading and how certain it is. A certain reading
is gold; any other is a dispute, which the reading may settle for now. What a person has settled
holds, and is not asked again. Pure: no files, no clock, no randomness, and the order of annotations
does not matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gonerd.reconcile.reading import Settle
from gonerd.records import (
    GOLD,
    Annotation,
    Claim,
    Dispute,
    Loss,
    Range,
    Span,
)
from gonerd.rulings import Method, reaches_into, ruled_range
from gonerd.spans import clusters, covers, intersect_ranges, merge_ranges

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
class Reconciled:
    """What became of one document's annotations."""

    gold: Annotation
    places: tuple[Dispute, ...]
    """Every place that somebody marked, with who said what, agreed or not; in order."""
    disputes: tuple[Dispute, ...]
    """Those of the places that are not agreed."""
    losses: tuple[Loss, ...]


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
    if not losses and coverage == annotation.coverage:
        return annotation, losses
    return replace(annotation, coverage=coverage, spans=tuple(kept.values())), losses


def left_open(annotation: Annotation, ruled: Sequence[Range]) -> Annotation:
    """Leave out what reaches into a place that people have ruled on; `ruled` is merged.

    Its annotator has no say about the rest of such a span either: it was not marked as a name of
    its own, nor left unmarked.
    """
    if not ruled:
        return annotation
    closed = list(ruled)
    kept = []
    for span in annotation.spans:
        if reaches_into(span.start, span.end, ruled):
            closed.append((span.start, span.end))
        else:
            kept.append(span)
    reach = max((end for _, end in annotation.coverage), default=0)
    edges = [0, *(edge for pair in merge_ranges(closed) for edge in pair), reach]
    still_open = [pair for pair in zip(edges[::2], edges[1::2], strict=True) if pair[0] < pair[1]]
    coverage = intersect_ranges(merge_ranges(annotation.coverage), still_open)
    return replace(annotation, coverage=coverage, spans=tuple(kept))


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
    ruled = merge_ranges(map(ruled_range, settled))
    losses: list[Loss] = []
    read = list(ruled)
    coverage: dict[str, tuple[Range, ...]] = {}
    said: dict[tuple[int, int, str, tuple[Range, ...]], list[str]] = {}
    for annotation in sorted(annotations, key=lambda one: one.annotator):
        kept, lost = within_coverage(annotation)
        losses += lost
        read += kept.coverage
        kept = left_open(kept, ruled)
        coverage[kept.annotator] = kept.coverage
        for span in kept.spans:
            key = (span.start, span.end, span.label, span.fragments)
            said.setdefault(key, []).append(kept.annotator)
    spans = {
        Span(start=key[0], end=key[1], label=key[2], fragments=key[3]): names
        for key, names in said.items()
    }
    for span in settle.chosen:
        if not reaches_into(span.start, span.end, ruled):
            spans.setdefault(span, [])
    gold = [span for one in settled for span in one.settlement]
    places = list(settled)
    disputes: list[Dispute] = []
    for group in clusters(spans):
        start, end = group[0].start, max(span.end for span in group)
        said_here = [(span, name) for span in group for name in spans[span]]
        if not said_here:
            continue
        claims = _claims(said_here, coverage, start, end)
        reading = settle.place(claims, start, end)
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
            coverage=merge_ranges(read),
            spans=tuple(gold),
        ),
        places=tuple(sorted(places, key=lambda one: one.start)),
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
