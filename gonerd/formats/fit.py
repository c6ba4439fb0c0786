"""An annotation into the part of it that a format can carry, and a line of ledger for the rest."""

from dataclasses import replace

from gonerd.formats.layers import Carries
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Span
from gonerd.spans import flatten, merge_ranges


def fit(annotated: Annotated, carries: Carries, title: str) -> tuple[Annotated, list[Loss]]:
    """Reduce everything said about a document to what a format has a place for.

    A discontinuous mention becomes one piece; of overlapping spans the longest stays.
    """
    losses: list[Loss] = []
    document = annotated.document
    details = (document.url, document.license, document.source, document.language)
    if not carries.document_details and details != (None, "unknown", document.id, "en"):
        losses.append(_lost(document, "source, address, licence or language not carried", title))
    fitted = []
    for annotation in annotated.annotations:
        spans, lost = _fit_spans(document, annotation, carries, title)
        losses += lost
        if not carries.guide and annotation.guide:
            losses.append(_lost(document, "guide not carried", title))
        whole = merge_ranges([(0, len(document.text))])
        if not carries.coverage and merge_ranges(annotation.coverage) != whole:
            losses.append(_lost(document, "coverage not carried", title))
        fitted.append(replace(annotation, spans=tuple(spans)))
    return Annotated(document=document, annotations=tuple(fitted)), losses


def _fit_spans(
    document: Document, annotation: Annotation, carries: Carries, title: str
) -> tuple[list[Span], list[Loss]]:
    losses: list[Loss] = []
    spans: list[Span] = []
    for span in annotation.spans:
        if len(span.fragments) > 1 and not carries.discontinuous:
            losses.append(_of_span(document, span, "joined", f"{title} has no spans in parts"))
        spans.append(span if carries.discontinuous else replace(span, fragments=()))
    if not carries.overlapping:
        spans, left_out = flatten(spans)
        why = f"it overlaps another, and {title} has no such spans"
        losses += [_of_span(document, span, "left out", why) for span in left_out]
    for key in ("confidence", "support"):
        if not getattr(carries, key) and any(getattr(span, key) is not None for span in spans):
            losses.append(_lost(document, f"{key} of spans not carried", title))
            spans = [replace(span, **{key: None}) for span in spans]  # type: ignore[arg-type]
    return spans, losses


def _lost(document: Document, what: str, title: str) -> Loss:
    return Loss(document_id=document.id, what=what, why=f"{title} has no place for it")


def _of_span(document: Document, span: Span, fate: str, why: str) -> Loss:
    return Loss(
        document_id=document.id, start=span.start, end=span.end, what=f"span {fate}", why=why
    )
