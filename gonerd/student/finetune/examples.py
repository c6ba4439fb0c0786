"""A document and its spans into windows of pieces with tags, none longer than the model reads.

Windows overlap, and every piece is taught, and judged, in the one window where it has most context
on both sides. A document that fits is a single window.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gonerd.records import Document, Range, Span
from gonerd.spans import covers
from gonerd.student.tagging.pieces import UNTAUGHT, Pieces, tagged, take_apart, to_tags
from gonerd.windows import Window, cut

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a model reads."""

    longest: int
    """Pieces at once, those that open and close a window among them."""
    overlap: int = 64
    """Pieces of context on either side of what a window is there for."""
    every_piece: bool = False
    """Whether each piece has a tag; else the first of each word."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One window of a document."""

    document: int
    """As an index."""
    window: Window
    """In pieces of the document."""
    ids: Ints
    """With the pieces that open and close it."""
    tags: Ints
    """Of each; `UNTAUGHT` outside of the window's core, too."""
    lead: int
    """How many pieces open it."""


def examples_of(
    number: int,
    pieces: Pieces,
    tags: Ints,
    tokenizer: "PreTrainedTokenizerBase",
    reading: Reading,
) -> Iterator[Example]:
    """Cut a document into windows; an empty one has none."""
    opening, closing = around(tokenizer)
    room = reading.longest - len(opening) - len(closing)
    length = len(pieces.ids)
    overlap = 0 if length <= room else min(reading.overlap, (room - 1) // 2)
    size = max(room, 1) if length > room else length + 1
    words = np.flatnonzero(np.diff(pieces.words, prepend=-2) != 0).tolist()
    for window in cut(length, size=size, overlap=overlap, ends=words):
        inside = np.full(window.end - window.start, UNTAUGHT)
        core = slice(window.core_start - window.start, window.core_end - window.start)
        inside[core] = tags[window.core_start : window.core_end]
        yield Example(
            document=number,
            window=window,
            ids=np.concatenate((opening, pieces.ids[window.start : window.end], closing)),
            tags=np.pad(inside, (len(opening), len(closing)), constant_values=UNTAUGHT),
            lead=len(opening),
        )


def around(tokenizer: "PreTrainedTokenizerBase") -> tuple[Ints, Ints]:
    """List the pieces that a tokenizer sets before and behind a text."""
    backend: Any = tokenizer
    whole: list[int] = backend("a")["input_ids"]
    alone: list[int] = backend("a", add_special_tokens=False)["input_ids"]
    lead = next(
        (at for at in range(len(whole)) if whole[at : at + len(alone)] == alone), len(whole)
    )
    trail = whole[lead + len(alone) :]
    return np.array(whole[:lead], dtype=np.int64), np.array(trail, dtype=np.int64)


def taught(
    document: Document,
    spans: Sequence[Span],
    coverage: Sequence[Range],
    labels: Sequence[str],
    tokenizer: "PreTrainedTokenizerBase",
    reading: Reading,
) -> tuple[Pieces, Ints, list[Span]]:
    """Take a document apart, and tag what has been read of it; also the spans that have no tags.

    What nobody has read is unknown, and teaches nothing.
    """
    pieces = take_apart(document.text, tokenizer)
    tags, left = to_tags(pieces, spans, labels, every_piece=reading.every_piece)
    places, starts, ends = tagged(pieces, every_piece=reading.every_piece)
    for place, start, end in zip(places.tolist(), starts, ends, strict=True):
        if not covers(coverage, start, end):
            tags[place] = UNTAUGHT
    return pieces, tags, left
