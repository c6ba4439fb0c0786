"""A place in a text into the words around it, cut where a reader would cut."""

import re
from dataclasses import dataclass

AROUND = 240
"""Characters on either side, about; as many again where a sentence asks for it."""

_BETWEEN_SENTENCES = re.compile(
    r"(?<=[.!?\u2026])[\"'\u2019\u201d)\]]*\s+|(?<=[\u3002\uff01\uff1f])|\n\s*\n"
)
_BETWEEN_WORDS = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Snippet:
    """A piece of a document."""

    start: int
    """Where it begins in the document: an offset of the document less this is one of the text."""
    end: int
    text: str


def snippet(text: str, start: int, end: int, around: int = AROUND) -> Snippet:
    """Cut out [start, end) with what stands around it.

    The cut is the border between sentences that lies farthest out within `around` characters, or
    failing that one between words, or failing that anywhere.
    """
    first = _left(text, max(0, start - around), start)
    last = _right(text, end, min(len(text), end + around))
    return Snippet(start=first, end=last, text=text[first:last])


def _left(text: str, low: int, high: int) -> int:
    """Find where to begin in [low, high]."""
    if low == 0:
        return 0
    for border in (_BETWEEN_SENTENCES, _BETWEEN_WORDS):
        for found in border.finditer(text, low - 1, high):
            return found.end()
    return low


def _right(text: str, low: int, high: int) -> int:
    """Find where to end in [low, high]."""
    if high == len(text):
        return high
    for border in (_BETWEEN_SENTENCES, _BETWEEN_WORDS):
        cuts = [found.start() for found in border.finditer(text, low, high + 1)]
        if cuts:
            return cuts[-1]
    return high
