"""A document and its gold into a row of the release: tokens, BIO tags, spans, and what did not fit.

The `spans` column keeps the gold, each span in one piece; where the tags cannot say the same, the
ledger says why.
"""

from collections.abc import Sequence
from typing import Any

from gonerd.arrow import span_row
from gonerd.bio import encode, tag_names
from gonerd.records import Annotation, Document, Loss, Span
from gonerd.spans import covers, flatten, longest_first, merge_ranges, snap
from gonerd.tokens import Tokens, has_own_rules, tokenize

LEFT_OUT = "document left out"


def make_row(
    document: Document, gold: Annotation, labels: Sequence[str]
) -> tuple[dict[str, Any] | None, list[Loss]]:
    """Make the row of a document, and the losses; no row where nobody has read the whole text."""
    if unread := _first_unread(document, gold):
        why = "nobody has read all of it, and unread is not the same as no entity"
        return None, [_loss(document, unread[0], unread[1], LEFT_OUT, why)]
    tokens = tokenize(document.text, document.language)
    tagged, losses = _tag(document, gold.spans, tokens)
    if not has_own_rules(document.language):
        why = f"spaCy has no rules for {document.language!r} here"
        losses.append(Loss(document_id=document.id, what="tokens made by general rules", why=why))
    ids = {tag: index for index, tag in enumerate(tag_names(labels))}
    tags = encode(tagged, len(tokens.texts))
    row = {
        "id": document.id,
        "text": document.text,
        "tokens": tokens.texts,
        "ner_tags": [ids[tag] for tag in tags],
        "token_starts": tokens.starts,
        "token_ends": tokens.ends,
        "spans": [_without_fragments(span) for span in gold.spans],
        "source": document.source,
        "url": document.url,
        "license": document.license,
        "language": document.language,
        "num_tokens": len(tokens.texts),
    }
    return row, losses


def _tag(
    document: Document, spans: Sequence[Span], tokens: Tokens
) -> tuple[list[tuple[int, int, str]], list[Loss]]:
    """Put spans on tokens, flat: the token spans, and what was moved or left out."""
    losses: list[Loss] = []
    snapped: list[Span] = []
    origin: dict[Span, Span] = {}
    for span in spans:
        place = snap(span, tokens.starts, tokens.ends)
        if place is None:
            losses.append(_of_span(document, span, "left out of the tags", "it touches no token"))
            continue
        on_tokens = Span(start=place[0], end=place[1], label=span.label, fragments=())
        if on_tokens in origin:
            losses.append(
                _of_span(document, span, "left out of the tags", "same tokens as another")
            )
            continue
        origin[on_tokens] = span
        snapped.append(on_tokens)
        if len(span.fragments) > 1:
            losses.append(_of_span(document, span, "joined", "it has several parts"))
        if not place[2]:
            why = "its border lies inside a token"
            losses.append(_of_span(document, span, "widened in the tags", why))
    kept, left_out = flatten(
        snapped, rank=lambda span: (len(origin[span].fragments) > 1, *longest_first(span)[1:])
    )
    losses += [
        _of_span(document, origin[span], "left out of the tags", "it overlaps another span")
        for span in left_out
    ]
    return [(span.start, span.end, span.label) for span in kept], losses


def _first_unread(document: Document, gold: Annotation) -> tuple[int, int] | None:
    """Find the first stretch of text, blanks aside, that the gold's coverage leaves out."""
    coverage = merge_ranges(gold.coverage)
    if covers(coverage, 0, len(document.text)):
        return None
    start = 0
    for covered_start, covered_end in [*coverage, (len(document.text), len(document.text))]:
        if document.text[start:covered_start].strip():
            return start, covered_start
        start = covered_end
    return None


def _without_fragments(span: Span) -> dict[str, Any]:
    row = span_row(span)
    del row["fragments"]
    return row


def _of_span(document: Document, span: Span, fate: str, why: str) -> Loss:
    return _loss(document, span.start, span.end, f"span {fate}", why)


def _loss(document: Document, start: int, end: int, what: str, why: str) -> Loss:
    return Loss(document_id=document.id, start=start, end=end, what=what, why=why)
