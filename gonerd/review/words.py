"""A text into where its words stand: the same words elsewhere, and borders that spans may take."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import replace

from gonerd.records import Span
from gonerd.tokens import tokenize

_AROUND = 300
"""Characters to either side in which the next token is looked for."""


def borders(text: str, language: str, span: Span, side: str, step: int, by: str) -> tuple[int, int]:
    """Give the borders of a span with one moved: `side` start or end, `by` token or character.

    A border that cannot be moved so stays where it is.
    """
    at = span.start if side == "start" else span.end
    to = at + step if by == "character" else _next_token(text, language, at, side, step)
    start, end = (to, span.end) if side == "start" else (span.start, to)
    return (start, end) if 0 <= start < end <= len(text) else (span.start, span.end)


def with_borders(span: Span, start: int, end: int) -> Span:
    """Give a span other borders; parts that are left outside go, and the outermost reach there."""
    if not span.fragments:
        return replace(span, start=start, end=end)
    parts = [
        (max(one, start), min(other, end))
        for one, other in span.fragments
        if one < end and other > start
    ]
    if start >= end or not parts:
        return replace(span, start=start, end=end, fragments=())
    if start < span.start:
        parts[0] = (start, parts[0][1])
    if end > span.end:
        parts[-1] = (parts[-1][0], end)
    return replace(
        span,
        start=parts[0][0],
        end=parts[-1][1],
        fragments=tuple(parts) if len(parts) > 1 else (),
    )


def token_at(text: str, language: str, at: int) -> tuple[int, int] | None:
    """Give the token at a character, or the next after it; None where none is near."""
    first, starts, ends = _tokens_near(text, language, at)
    index = bisect_right(ends, at - first)
    return (first + starts[index], first + ends[index]) if index < len(ends) else None


def occurrences(text: str, words: str, *, whole: bool = True) -> list[tuple[int, int]]:
    """Find words in a text, as they are written; with `whole` not within a longer word."""
    if not words.strip():
        return []
    pattern = re.escape(words)
    if whole:
        before = r"(?<!\w)" if re.match(r"\w", words) else ""
        after = r"(?!\w)" if re.match(r"\w", words[-1]) else ""
        pattern = f"{before}{pattern}{after}"
    found = [match.span() for match in re.finditer(pattern, text)]
    if not whole:
        return found
    return [
        (start, end)
        for start, end in found
        if end == len(text) or not unicodedata.combining(text[end])
    ]


def _next_token(text: str, language: str, at: int, side: str, step: int) -> int:
    """Find the next start, or end, of a token from a place on, forward or back."""
    first, starts, ends = _tokens_near(text, language, at)
    places = starts if side == "start" else ends
    if step > 0:
        index = bisect_right(places, at - first)
        return first + places[index] if index < len(places) else at
    index = bisect_left(places, at - first) - 1
    return first + places[index] if index >= 0 else at


def _tokens_near(text: str, language: str, at: int) -> tuple[int, list[int], list[int]]:
    """Tokenise a stretch around a place, from blank to blank where there are any."""
    first, last = max(0, at - _AROUND), min(len(text), at + _AROUND)
    if first > 0 and (blank := re.search(r"\s", text[first:at])):
        first += blank.start()
    if last < len(text) and (word := re.search(r"\S*\Z", text[at:last])) and word.start():
        last = at + word.start()
    tokens = tokenize(text[first:last], language)
    return first, tokens.starts, tokens.ends
