"""What annotators hold into annotations and settled disputes, as every other step takes them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gonerd.records import Annotation, Dispute, Span
from gonerd.review.state import State


def annotations(state: State, guide: str) -> Iterator[Annotation]:
    """Give what each annotator says of each document: by annotator, then by document.

    Rejected suggestions are no spans; what is outside of the coverage says nothing.
    """
    for (annotator, document_id), held in sorted(state.held.items()):
        spans = (span for span, mark in held.marks.items() if mark.status != "rejected")
        yield Annotation(
            document_id=document_id,
            text_sha256=held.text_sha256,
            annotator=annotator,
            guide=guide,
            coverage=held.coverage,
            spans=tuple(spans),
        )


def settled(state: State, disputes: Iterable[Dispute]) -> Iterator[Dispute]:
    """Give disputes with the rulings of people on them; the others as they are."""
    for dispute in disputes:
        place = (dispute.document_id, dispute.start, dispute.end)
        if place in state.rulings:
            annotator, spans = state.rulings[place]
            yield replace(dispute, settled_by=annotator, settlement=_in_order(spans))
        else:
            yield dispute


def _in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(sorted(spans, key=lambda one: (one.start, one.end, one.label)))
