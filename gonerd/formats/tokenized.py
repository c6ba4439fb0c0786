"""A document and one annotation of it into sentences of tagged tokens, for formats made of those.

Tokens are those of a release; a sentence never ends inside a span, so that no tagged sequence opens
in the middle of an entity.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from gonerd.bio import TokenSpan, encode
from gonerd.records import Annotation, Document, Loss, Range, Span
from gonerd.spans import covers, merge_ranges, snap
from gonerd.tokens import Tokens, tokenize
from gonerd.windows import sentence_ends

UNKNOWN = "-"
"""The tag of a token that the annotator has not read; no scheme of tags has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokenized:
    """What an annotation says about the tokens of its document."""

    tokens: Tokens
    gaps: tuple[str, ...]
    """The characters after each token, up to the next or to the end of the text."""
    spans: tuple[tuple[TokenSpan, Span], ...]
    """Tokens [start, end) with label, and the span they stand for, in reading order."""
    unknown: tuple[bool, ...]
    """Of each token, whether its annotator has not read it."""
    sentences: tuple[Range, ...]
    """Tokens [start, end) of each sentence; together all tokens."""
    losses: tuple[Loss, ...]

    def tags(self) -> list[str]:
        """Write the spans, which must be flat, as IOB2, and `-` where nothing was read."""
        tags = encode([span for span, _ in self.spans], len(self.unknown))
        return [
            UNKNOWN if unread and tag == "O" else tag
            for tag, unread in zip(tags, self.unknown, strict=True)
        ]


def tokenized(document: Document, annotation: Annotation) -> Tokenized:
    """Put an annotation on the tokens of its document.

    A span that touches no token is left out; one with a border inside a token is widened, one with
    blank at its borders narrowed. All are losses.
    """
    tokens = tokenize(document.text, document.language)
    losses: list[Loss] = []
    spans: list[tuple[TokenSpan, Span]] = []
    for span in annotation.spans:
        place = snap(span, tokens.starts, tokens.ends)
        if place is not None:
            spans.append(((place[0], place[1], span.label), span))
        if place is None or not place[2]:
            what, why = _fate(span, place, tokens)
            losses.append(
                Loss(document_id=document.id, start=span.start, end=span.end, what=what, why=why)
            )
    coverage = merge_ranges(annotation.coverage)
    bounds = [*tokens.starts[1:], len(document.text)]
    return Tokenized(
        tokens=tokens,
        gaps=tuple(
            document.text[end:bound] for end, bound in zip(tokens.ends, bounds, strict=False)
        ),
        spans=tuple(spans),
        unknown=tuple(
            not covers(coverage, start, end)
            for start, end in zip(tokens.starts, tokens.ends, strict=True)
        ),
        sentences=_sentences(document.text, tokens, [span for span, _ in spans]),
        losses=tuple(losses),
    )


def _fate(span: Span, place: tuple[int, int, bool] | None, tokens: Tokens) -> tuple[str, str]:
    """Say what becomes of a span that is not just whole tokens, and why."""
    if place is None:
        return "span left out", "it touches no token"
    if span.start <= tokens.starts[place[0]] and tokens.ends[place[1] - 1] <= span.end:
        return "span narrowed", "it begins or ends with blank"
    return "span widened", "its border lies inside a token"


def _sentences(text: str, tokens: Tokens, spans: list[TokenSpan]) -> tuple[Range, ...]:
    inside = {token for start, end, _ in spans for token in range(start + 1, end)}
    cuts = {bisect_left(tokens.starts, end) for end in sentence_ends(text)}
    borders = [0, *sorted(cuts - inside - {0, len(tokens.texts)}), len(tokens.texts)]
    return tuple((start, end) for start, end in pairwise(borders) if start < end)
