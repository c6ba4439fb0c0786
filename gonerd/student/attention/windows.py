"""Queries, keys and values into what each query has read of its window and of the global tokens.

A block of queries needs the keys from half a window before its first to half a window behind its
last. Overlapping views of the keys give every block its own, so that many blocks of a row are one
call of scaled dot product attention, with blocks where heads would be; global keys stand before
those of each block. A long row is read span by span, a span being many blocks, so that what is
needed beside the tensors themselves, masks and keys that stand in several windows, is needed for
one span at a time; where gradients are wanted it is made again rather than kept. On a CPU kept.py
does the same with less to make again.
"""

from functools import partial
from typing import TYPE_CHECKING

from gonerd.student.attention.kept import can_keep, read_and_keep
from gonerd.student.attention.masks import (
    TILE,
    Globals,
    Known,
    at,
    know_rows,
    summands,
    visible_globals,
    visible_windows,
)
from gonerd.student.attention.pattern import Pattern, Rows

if TYPE_CHECKING:
    import torch

SPAN = 1024
"""Queries of a span, all rows together, that are read before any others."""


def read_windows(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern,
    rows: Rows,
    scale: float,
    dropout: float,
    globs: Globals | None = None,
    global_rows: "torch.Tensor | None" = None,
    span: int = SPAN,
) -> "torch.Tensor":
    """Let every query read its window and the global tokens; put what those have read in place."""
    import torch

    learns = torch.is_grad_enabled() and any(one.requires_grad for one in (query, key, value))
    keeps = can_keep(query, dropout)
    only_reads = keeps and not learns and not dropout
    known = know_rows(pattern, rows, query, globs, TILE if only_reads else None)
    if only_reads and known.alike:
        span = rows.length  # one mask does for all, and nothing else takes room
    if keeps:
        return read_and_keep(query, key, value, known, globs, global_rows, scale, dropout, span)
    found = read_anywhere(query, key, value, known, globs, scale, dropout, span)
    return put_rows(found, globs, global_rows)


def read_anywhere(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    known: Known,
    globs: Globals | None,
    scale: float,
    dropout: float,
    span: int,
) -> "torch.Tensor":
    """Let every query read its window and the global tokens, on any device and into graphs too."""
    import torch
    from torch.utils.checkpoint import checkpoint

    length, half = query.shape[2], known.pattern.half_window
    read = partial(
        _read_span,
        known=known,
        kept=() if globs is None else (at(key, globs.places), at(value, globs.places)),
        scale=scale,
        dropout=dropout,
    )
    # a graph for any length cannot be made of a number of spans
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return read(query, (key,), (value,), 0, 0)
    step = _span_size(known, len(query), span)
    if step >= length:
        return read(query, (key,), (value,), 0, 0)
    if torch.is_grad_enabled() and any(one.requires_grad for one in (query, key, value)):
        read = partial(checkpoint, read, use_reentrant=False)
    keys, values = (_with_neighbours(one.split(step, dim=2), half) for one in (key, value))
    parts = zip(query.split(step, dim=2), keys, values, strict=True)
    found = [
        read(*three, number * step, half if number else 0) for number, three in enumerate(parts)
    ]
    return torch.cat(found, dim=2)


def put_rows(
    found: "torch.Tensor", globs: Globals | None, global_rows: "torch.Tensor | None"
) -> "torch.Tensor":
    """Put what global tokens have read in its places."""
    import torch

    if globs is None or global_rows is None:
        return found
    there = at(found, globs.places)
    kept = torch.where(globs.real[:, None, :, None], global_rows.to(there.dtype), there)
    return found.scatter(2, globs.places[:, None, :, None].expand_as(kept), kept)


def _span_size(known: Known, num_rows: int, most: int) -> int:
    """Choose how many queries of a row a span has: whole blocks, no window beyond neighbours."""
    size = known.size
    return size * max(1, -(-known.pattern.half_window // size), most // (size * num_rows))


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
    known: Known,
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
    size, half = known.size, known.pattern.half_window
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
    seen = visible_windows(known, start, num_blocks)
    if kept:
        globs = visible_globals(known, start, num_blocks).expand(len(seen), -1, -1, -1)
        seen = torch.cat((globs, seen), dim=-1)
    mask = summands(seen, query)
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
