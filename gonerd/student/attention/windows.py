"""Queries, keys and values into what each query has read of its window and of the global tokens.

A block of queries needs the keys from half a window before its first to half a window behind its
last. Overlapping views of the keys give every block its own, so that many blocks of a row are one
call of scaled dot product attention, with blocks where heads would be; global keys stand before
those of each block. A long row is read span by span, a span being many blocks, so that what is
needed beside the tensors themselves, masks and keys that stand in several windows, is needed for
one span at a time; where gradients are wanted it is made again rather than kept.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gonerd.student.attention.pattern import Pattern, Rows, is_global

if TYPE_CHECKING:
    import torch

SMALLEST_BLOCK = 64
"""Queries; with fewer the work of a block is too little for the cost of starting it."""
SPAN = 2048
"""Queries of a span, all rows together, that are read before any others."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Globals:
    """The global tokens of a batch."""

    places: "torch.Tensor"
    """(row or 1, number): which token of the row."""
    real: "torch.Tensor"
    """(row or 1, number): false where it only fills up a row with fewer than others."""


def block_size(pattern: Pattern) -> int:
    """Choose how many queries a block has: half as many as the keys on one side, by trial."""
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


def read_windows(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern,
    rows: Rows,
    scale: float,
    dropout: float,
    globs: Globals | None = None,
    span: int = SPAN,
) -> "torch.Tensor":
    """Let every query read its window, and the global tokens."""
    import torch
    from torch.utils.checkpoint import checkpoint

    read = partial(
        _read_span,
        known=_known(pattern, rows, query, globs),
        kept=() if globs is None else (at(key, globs.places), at(value, globs.places)),
        scale=scale,
        dropout=dropout,
    )
    span = _span_size(pattern, len(query), span)
    # a graph for any length cannot be made of a number of spans
    if span >= rows.length or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return read(query, (key,), (value,), 0, 0)
    if torch.is_grad_enabled() and any(one.requires_grad for one in (query, key, value)):
        read = partial(checkpoint, read, use_reentrant=False)
    half = pattern.half_window
    keys, values = (_with_neighbours(one.split(span, dim=2), half) for one in (key, value))
    parts = zip(query.split(span, dim=2), keys, values, strict=True)
    return torch.cat(
        [read(*three, number * span, half if number else 0) for number, three in enumerate(parts)],
        dim=2,
    )


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Known:
    """What masks are made of: tokens with half a window, and what fills up a block, around them."""

    pattern: Pattern
    there: "torch.Tensor"
    """(row or 1, token): true for keys that windows are for: no padding, and no global tokens."""
    document: "torch.Tensor | None"
    """(row, token): -1 where there is no token."""
    globs_there: "torch.Tensor | None"
    """(row or 1, number): true for the keys of global tokens."""
    globs_document: "torch.Tensor | None"


def _known(pattern: Pattern, rows: Rows, like: "torch.Tensor", globs: Globals | None) -> _Known:
    import torch
    from torch.nn.functional import pad

    half = pattern.half_window
    around = (half, half + -rows.length % block_size(pattern))
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
    return _Known(
        pattern=pattern,
        there=pad(there, around),
        document=document,
        globs_there=globs_there,
        globs_document=globs_document,
    )


def _span_size(pattern: Pattern, num_rows: int, most: int) -> int:
    """Choose how many queries of a row a span has: whole blocks, no window beyond neighbours."""
    size = block_size(pattern)
    return size * max(1, -(-pattern.half_window // size), most // (size * num_rows))


def _with_neighbours(
    pieces: "tuple[torch.Tensor, ...]", half: int
) -> "list[tuple[torch.Tensor, ...]]":
    """Give every piece of a row what stands half a window before and behind it.

    Parts of pieces rather than of the row, so that gradients of a part are no longer than a piece.
    """
    found = []
    for number, piece in enumerate(pieces):
        before = pieces[number - 1][:, :, -half:] if number and half else piece[:, :, :0]
        behind = piece[:, :, :0] if piece is pieces[-1] else pieces[number + 1][:, :, :half]
        found.append((before, piece, behind))
    return found


def _read_span(
    query: "torch.Tensor",
    keys: "tuple[torch.Tensor, ...]",
    values: "tuple[torch.Tensor, ...]",
    start: int,
    before: int,
    *,
    known: _Known,
    kept: "tuple[torch.Tensor, ...]",
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Read for the queries from `start` on, with the parts of keys around them.

    `before` is how many of those keys stand before the first query.
    """
    import torch
    from torch.nn.functional import pad, scaled_dot_product_attention

    num_rows, num_heads, length, width = query.shape
    size, half = block_size(known.pattern), known.pattern.half_window
    beyond = -length % size
    num_blocks = (length + beyond) // size
    blocks = pad(query, (0, 0, 0, beyond)).unflatten(2, (num_blocks, size)).flatten(0, 1)
    windows = []
    for parts in (keys, values):
        joined = parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)
        missing = length + beyond + 2 * half - joined.shape[2] - (half - before)
        window = pad(joined, (0, 0, half - before, missing)).unfold(2, size + 2 * half, size)
        windows.append(window.transpose(-1, -2))
    if kept:
        windows = [
            torch.cat((one[:, :, None].expand(-1, -1, num_blocks, -1, -1), window), dim=3)
            for one, window in zip(kept, windows, strict=True)
        ]
    mask = summands(_visible_in_span(known, start, num_blocks), query)
    parts = (blocks, *(window.flatten(0, 1) for window in windows))
    if len(mask) == 1:
        found = scaled_dot_product_attention(*parts, mask, dropout, scale=scale)
    else:  # row by row, so that heads share the mask of their row
        found = torch.cat(
            [
                scaled_dot_product_attention(*three, mask[row, None], dropout, scale=scale)
                for row, three in enumerate(
                    zip(*(one.chunk(num_rows) for one in parts), strict=True)
                )
            ]
        )
    return found.reshape(num_rows, num_heads, length + beyond, width)[:, :, :length]


def _visible_in_span(known: _Known, start: int, num_blocks: int) -> "torch.Tensor":
    """Write out which (row or 1, block, query, key) are visible, global keys first."""
    import torch

    size, half = block_size(known.pattern), known.pattern.half_window
    reach, device = size + 2 * half, known.there.device
    of_query = torch.arange(size, device=device)[:, None]
    of_key = torch.arange(reach, device=device)[None] - half
    around = slice(start, start + num_blocks * size + 2 * half)
    there = known.there[:, around].unfold(1, reach, size)[:, :, None]
    seen = ((of_query - of_key).abs() <= half) & there
    queries = None
    if known.document is not None:
        keys = known.document[:, around].unfold(1, reach, size)
        queries = keys[:, :, half : half + size, None]
        seen = seen & (queries == keys[:, :, None])
    seen = seen | (of_query == of_key)
    if known.globs_there is None:
        return seen
    globs = known.globs_there[:, None, None]
    if known.globs_document is not None:
        globs = globs & (queries == known.globs_document[:, None, None])
    globs = globs.expand(len(seen), num_blocks, size, -1)
    return torch.cat((globs, seen), dim=-1)
