"""Texts by their UTF-16 code units, which Java and JavaScript count."""

from collections.abc import Callable, Sequence
from itertools import accumulate


def utf16_length(text: str) -> int:
    """Measure a text in UTF-16."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)


def utf16_offsets(text: str) -> Sequence[int]:
    """Give the offset in UTF-16 of each character, and of the end."""
    if text.isascii() or max(text) <= "\uffff":
        return range(len(text) + 1)
    return [0, *accumulate(2 if char > "\uffff" else 1 for char in text)]


Slicer = Callable[[int, int], str | None]
"""Cuts [start, end) out of a text; what is empty, not inside it, or cuts a character, is None."""


def slicer(text: str) -> Slicer:
    """Give what cuts a text by code points."""
    return lambda start, end: text[start:end] if 0 <= start < end <= len(text) else None


def utf16_slicer(text: str) -> Slicer:
    """Give what cuts a text by UTF-16."""
    places = utf16_offsets(text)
    if isinstance(places, range):
        return slicer(text)
    indices = {offset: index for index, offset in enumerate(places)}

    def cut(start: int, end: int) -> str | None:
        first, last = indices.get(start), indices.get(end)
        return None if first is None or last is None or first >= last else text[first:last]

    return cut
