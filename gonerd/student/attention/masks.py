"""Rows of a batch into masks of their windows: for any span of blocks, what each query sees.

Made for one span at a time, because for a whole row they are as large as keys and values are.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonerd.student.attention.pattern import Pattern, Rows, is_global

if TYPE_CHECKING:
    import torch

SMALLEST_BLOCK = 64
"""Queries; with fewer the work of a block is too little for the cost of starting it."""


TILE = 32
"""Queries that the kernel for a CPU reads at once; a block of no more looks at the fewest keys."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Globals:
    """The global tokens of a batch."""

    places: "torch.Tensor"
    """(row or 1, number): which token of the row."""
    real: "torch.Tensor"
    """(row or 1, number): false where it only fills up a row with fewer than others."""


def block_size(pattern: Pattern) -> int:
    """Choose how many queries a block has: half as many as the keys on one side, by trial.

    Gradients of windows are added up where these overlap, which costs more than the keys that small
    blocks need not look at; where none are wanted, a CPU reads by tiles.
    """
    return max(SMALLEST_BLOCK, pattern.half_window // 2)


def at(one: "torch.Tensor", places: "torch.Tensor") -> "torch.Tensor":
    """Take the (row, head, number, width) vectors that stand at some places."""
    index = places[:, None, :, None].expand(len(one), one.shape[1], -1, one.shape[3])
    return one.gather(2, index)


def summands(seen: "torch.Tensor", like: "torch.Tensor") -> "torch.Tensor":
    """Turn what is visible into what is added to scores: never minus infinity.

    The queries that fill up a block may see nothing, and would be no numbers.
    """
    import torch

    hidden = torch.full((), torch.finfo(like.dtype).min / 2, dtype=like.dtype, device=like.device)
    return torch.where(seen, torch.zeros_like(hidden), hidden)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Known:
    """What masks are made of: tokens with half a window, and what fills up a block, around them."""

    pattern: Pattern
    size: int
    """Queries of a block."""
    length: int
    """Tokens of a row, padding among them."""
    alike: bool
    """There is nothing but windows: blocks see the same of theirs, but at the ends of a row."""
    there: "torch.Tensor"
    """(row or 1, token): true for keys that windows are for: no padding, and no global tokens."""
    document: "torch.Tensor | None"
    """(row, token): -1 where there is no token."""
    globs_there: "torch.Tensor | None"
    """(row or 1, number): true for the keys of global tokens."""
    globs_document: "torch.Tensor | None"


def know_rows(
    pattern: Pattern,
    rows: Rows,
    like: "torch.Tensor",
    globs: Globals | None,
    size: int | None = None,
) -> Known:
    """Gather what masks of spans are made of; `size` is that of a block, if not the usual one."""
    import torch
    from torch.nn.functional import pad

    half = pattern.half_window
    size = block_size(pattern) if size is None else size
    around = (half, half + -rows.length % size)
    there = torch.ones((1, rows.length), dtype=torch.bool, device=like.device)
    if rows.readable is not None:
        there = rows.readable
    globs_there = globs_document = None
    if globs is not None:
        places = globs.places
        most = max(len(there), len(places))
        by_row = there.expand(most, -1).gather(1, places.expand(most, -1))
        globs_there = globs.real & by_row
        if rows.document is not None:
            globs_document = rows.document.gather(1, places)
        there = there & ~is_global(pattern, rows, like.device)
    document = None if rows.document is None else pad(rows.document, around, value=-1)
    return Known(
        pattern=pattern,
        size=size,
        length=rows.length,
        alike=rows.readable is None and rows.document is None and globs is None,
        there=pad(there, around),
        document=document,
        globs_there=globs_there,
        globs_document=globs_document,
    )


def visible_windows(known: Known, start: int, num_blocks: int) -> "torch.Tensor":
    """Write out which (row or 1, block, query, key) are visible, from the query `start` on."""
    import torch

    size, half = known.size, known.pattern.half_window
    reach, device = size + 2 * half, known.there.device
    of_query = torch.arange(size, device=device)[:, None]
    of_key = torch.arange(reach, device=device)[None] - half
    around = slice(start, start + num_blocks * size + 2 * half)
    there = known.there[:, around].unfold(1, reach, size)[:, :, None]
    seen = ((of_query - of_key).abs() <= half) & there
    if known.document is not None:
        keys = known.document[:, around].unfold(1, reach, size)[:, :, None]
        seen = seen & (_documents(known, start, num_blocks) == keys)
    return seen | (of_query == of_key)


def visible_globals(known: Known, start: int, num_blocks: int) -> "torch.Tensor":
    """Write out which (row or 1, block, query, number) global keys are visible."""
    if known.globs_there is None:
        raise ValueError("there are no global tokens")
    seen = known.globs_there[:, None, None]
    if known.globs_document is not None:
        seen = seen & (_documents(known, start, num_blocks) == known.globs_document[:, None, None])
    return seen.expand(-1, num_blocks, known.size, -1)


def _documents(known: Known, start: int, num_blocks: int) -> "torch.Tensor":
    """Give the (row, block, query, 1) documents of queries."""
    size, first = known.size, known.pattern.half_window + start
    assert known.document is not None
    of_queries = known.document[:, first : first + num_blocks * size]
    return of_queries.unflatten(1, (num_blocks, size))[..., None]
