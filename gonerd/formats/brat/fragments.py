"""Mentions in fragments: joined over blank, or split where a line ends.

A file's fragments count in the file's own unit, which is not known yet when they are read. Whether
blank stands between two of them is therefore asked only in a unit in which their texts fit.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import replace

from gonerd.formats.layers import Mention
from gonerd.records import Range, Span

_BREAKS = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
"""What ends a line or a column, for one reader or another."""


TextVariant = tuple[str, bool]
"""A text to be indexed in one of the units that files use; whether it is in halves of UTF-16."""


def text_variants(text: str) -> tuple[TextVariant, ...]:
    """List the ways in which a file may count a text, the likeliest first."""
    texts = [text]
    if "\r\n" in text:
        texts.append(text.replace("\r\n", "\n"))
    found = [(variant, False) for variant in texts]
    if not text.isascii() and max(text) > "\uffff":
        found += [(_halves(variant), True) for variant in texts]
    return tuple(found)


def merge_over_blanks(mention: Mention, variants: Sequence[TextVariant]) -> Mention:
    """Make one piece of fragments that have nothing but blank between them.

    Where they fit the text in no unit they stay as they are.
    """
    for text, in_halves in variants:
        surface = _halves(mention.surface or "") if in_halves else mention.surface
        if " ".join(text[start:end] for start, end in mention.fragments) != surface:
            continue
        parts = list(mention.fragments[:1])
        for start, end in mention.fragments[1:]:
            if text[parts[-1][1] : start].strip():
                parts.append((start, end))
            else:
                parts[-1] = (parts[-1][0], end)
        surface = " ".join(text[start:end] for start, end in parts)
        return replace(
            mention,
            surface=_whole(surface) if in_halves else surface,
            fragments=tuple(parts) if len(parts) > 1 else (),
        )
    return mention


def split_at_breaks(text: str, span: Span) -> list[Range]:
    """Split a span into ranges that hold no line end and no tab; none is empty."""
    parts: Sequence[Range] = span.fragments or ((span.start, span.end),)
    pieces: list[Range] = []
    for start, end in parts:
        position = start
        for match in _BREAKS.finditer(text, start, end):
            pieces.append((position, match.start()))
            position = match.end()
        pieces.append((position, end))
    return [(start, end) for start, end in pieces if start < end]


def _halves(text: str) -> str:
    return "".join(map(chr, array("H", text.encode("utf-16-le", "surrogatepass"))))


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
