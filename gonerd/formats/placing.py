"""A pass and the text of its document into an annotation, with what was moved or refused.

Tokens are aligned (`align.py`), offsets calibrated (`offsets.py`). Where the text in the file is
not the one that was given, the strings that it marks are looked for in the latter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gonerd.errors import TextMismatch, located
from gonerd.formats.align import align
from gonerd.formats.layers import MARKED, WHOLE, Mention, Pass, TokenPass, Unit
from gonerd.formats.offsets import REFUSED, calibrate
from gonerd.records import Annotation, Document, Loss, Range
from gonerd.spans import merge_ranges, subtract_ranges


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """One pass on its document's text."""

    annotation: Annotation
    marked: bool
    """Whether it says nothing but its marks."""
    unit: str
    counts: Mapping[str, int]
    losses: tuple[Loss, ...]


def place(
    one: Pass | TokenPass,
    document: Document,
    words: Sequence[Range],
    *,
    complete: bool = False,
    unit: Unit | None = None,
) -> Placed:
    """Put a pass on the text of its document.

    `words` are the document's own, where tokens made it; `complete` says that all of it was read,
    and `unit` what offsets count. A text that the pass cannot be about is a TextMismatch.
    """
    if isinstance(one, TokenPass):
        aligned = align(one, document.text, words)
        extra = aligned.losses[len(one.losses) :]
        placed = _calibrated(aligned, document, unit=None, complete=False, losses=extra)
        return replace(placed, unit="tokens", counts={"aligned": len(aligned.mentions)})
    recorded = one.details.get("text_sha256", document.text_sha256)
    if one.text is None and recorded != document.text_sha256:
        raise TextMismatch(
            f"{one.where}: {one.annotator!r} annotated another text of {document.id!r} (sha256) "
            "than the one that was given; expected the same text."
        )
    if one.text is None or one.text == document.text:
        return _calibrated(one, document, unit=unit, complete=complete)
    restated, losses = _restated(one, one.text, document, unit)
    placed = _calibrated(restated, document, unit=None, complete=complete, losses=losses)
    refused = len(one.mentions) - len(restated.mentions)
    return replace(placed, counts={**placed.counts, "refused": placed.counts["refused"] + refused})


def _restated(
    one: Pass, text: str, document: Document, unit: Unit | None
) -> tuple[Pass, tuple[Loss, ...]]:
    """Restate a pass over a text of its own by the strings that it marks there.

    If more than blanks is different in the text that was given, nobody knows what was read of it.
    """
    own = calibrate(
        document.id,
        text,
        one.mentions,
        coverage=one.coverage if isinstance(one.coverage, tuple) else [(0, len(text))],
        unit=one.unit or unit,
        exact=one.unit is not None,
    )
    mentions = tuple(
        Mention(
            start=span.start,
            end=span.end,
            label=span.label,
            surface=" ".join(
                text[start:end] for start, end in span.fragments or ((span.start, span.end),)
            ),
            confidence=span.confidence,
            support=span.support,
            fragments=span.fragments,
        )
        for span in own.spans
    )
    losses = [loss for loss in own.losses if loss.what == REFUSED]
    coverage = one.coverage
    if text.split() != document.text.split() and coverage != MARKED:
        why = "the text in the file is not the one that was given"
        losses.append(Loss(document_id=document.id, what="coverage refused", why=why))
        coverage = MARKED
    elif isinstance(coverage, tuple) or (coverage == WHOLE and own.unknown):
        coverage = own.coverage
    restated = replace(one, mentions=mentions, text=document.text, unit=None, coverage=coverage)
    return restated, tuple(losses)


def _calibrated(
    one: Pass,
    document: Document,
    *,
    unit: Unit | None,
    complete: bool,
    losses: tuple[Loss, ...] = (),
) -> Placed:
    ranges = one.coverage if isinstance(one.coverage, tuple) else ()
    found = located(
        one.where,
        calibrate,
        document.id,
        document.text,
        one.mentions,
        coverage=ranges,
        unit=one.unit or unit,
        exact=one.unit is not None,
    )
    marked = one.coverage == MARKED and not complete
    coverage: tuple[Range, ...] = found.coverage
    if marked:
        coverage = merge_ranges((span.start, span.end) for span in found.spans)
    elif one.coverage == WHOLE or complete:
        coverage = subtract_ranges([(0, len(document.text))], found.unknown)
    annotation = located(
        one.where,
        Annotation,
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=one.annotator,
        guide=one.guide,
        coverage=coverage,
        spans=found.spans,
    )
    return Placed(
        annotation=annotation,
        marked=marked,
        unit=found.unit,
        counts=found.counts,
        losses=(*losses, *found.losses),
    )
