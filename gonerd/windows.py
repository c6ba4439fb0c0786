"""A long text into overlapping windows, and spans found in windows back into the text.

Each window has a core and context on both sides. The cores share the text out between them without
gap or overlap; a span belongs to the window whose core holds its start. So every place is judged
where it has context on both sides, nothing is seen twice, and nothing is lost at a seam. The unit
(characters, tokens, subwords) is the caller's; all functions are pure.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gonerd.errors import ConfigError
from gonerd.records import Span

# A full stop, question or exclamation mark with its closing quotes, before blank and a capital,
# digit or opening mark; or an empty line. Wrong at "Mr. Roe": context on both sides of the seam,
# not this pattern, is what keeps names whole.
_SENTENCE_END = re.compile(
    r"[.?!\u2026\u3002][\"'\u2019\u201d)\]]*\s+(?=[^\sa-z])|\n[^\S\n]*\n\s*|[\u3002\uff01\uff1f]"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Units [start, end) are seen; those of [core_start, core_end) are judged here."""

    start: int
    end: int
    core_start: int
    core_end: int


def sentence_ends(text: str) -> list[int]:
    """Find where a sentence or paragraph ends, as the offset at which the next begins.

    >>> sentence_ends("It rained. She left.\\n\\nHe stayed.")
    [11, 22]
    """
    return [match.end() for match in _SENTENCE_END.finditer(text)]


def cut(length: int, *, size: int, overlap: int, ends: Sequence[int] = ()) -> list[Window]:
    """Share `length` units out to windows of at most `size`, with `overlap` units of context.

    A core ends at the last of `ends` (sorted) in its second half, or at its full size where there
    is none. `overlap` must leave room for a core: 2 * overlap < size. No units, no windows.
    """
    if not 0 <= 2 * overlap < size:
        raise ConfigError(
            f"windows: overlap {overlap} on both sides leaves no core in size {size}; "
            "expected 2 * overlap < size."
        )
    windows: list[Window] = []
    room = size - 2 * overlap
    core_start = 0
    while core_start < length:
        core_end = min(core_start + room, length)
        if core_end < length:
            candidate = bisect_right(ends, core_end) - 1
            if candidate >= 0 and ends[candidate] > core_start + room // 2:
                core_end = ends[candidate]
        windows.append(
            Window(
                start=max(0, core_start - overlap),
                end=min(length, core_end + overlap),
                core_start=core_start,
                core_end=core_end,
            )
        )
        core_start = core_end
    return windows


def join(found: Iterable[tuple[Window, Sequence[Span]]]) -> tuple[list[Span], list[Span]]:
    """Bring spans from window to document coordinates: (kept, dropped at seams).

    Windows come in order, spans in coordinates of their window. Kept are those that start in their
    window's core. A span that runs out of its core into the next wins over what the next window
    found in the same place; that is returned as dropped.
    """
    kept: list[Span] = []
    dropped: list[Span] = []
    reach = 0
    for window, spans in found:
        mine = [
            _move(span, window.start)
            for span in spans
            if window.core_start <= window.start + span.start < window.core_end
        ]
        free = [span for span in mine if span.start >= reach]
        kept.extend(free)
        dropped.extend(span for span in mine if span.start < reach)
        reach = max([reach, *(span.end for span in free)])
    return kept, dropped


def to_units(offsets: Iterable[int], unit_starts: Sequence[int]) -> list[int]:
    """Turn character offsets into the index of the first unit at or after each, without repeats."""
    return sorted({bisect_left(unit_starts, offset) for offset in offsets})


def _move(span: Span, by: int) -> Span:
    fragments = tuple((start + by, end + by) for start, end in span.fragments)
    return replace(span, start=span.start + by, end=span.end + by, fragments=fragments)
