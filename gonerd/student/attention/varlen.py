"""Queries, keys and values into what each query has read, by flash attention without padding.

`torch.nn.attention.varlen` takes the documents of all rows one behind the other, each to itself,
with a window; on CUDA, in 16 bits, without dropout and global tokens. What it cannot do is read in
blocks.
"""

from typing import TYPE_CHECKING

from gonerd.student.attention.pattern import Pattern, Rows

if TYPE_CHECKING:
    import torch


def fits(query: "torch.Tensor", pattern: Pattern, rows: Rows, dropout: float) -> bool:
    """Say whether the kernel can read this."""
    import torch

    alone = not pattern.global_tokens and rows.global_tokens is None and not dropout
    return query.is_cuda and query.dtype in (torch.float16, torch.bfloat16) and alone


def attend_end_to_end(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern,
    rows: Rows,
    scale: float,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back.

    Padding reads nothing, and gets zeros. Padding inside a document is refused with a ValueError:
    windows would reach across it.
    """
    import torch
    from torch.nn.attention.varlen import varlen_attn

    places, bounds, longest = laid_end_to_end(rows, len(query), query.device)
    asking, keys, values = (
        one.transpose(1, 2).flatten(0, 1)[places].contiguous() for one in (query, key, value)
    )
    window = (pattern.half_window, pattern.half_window)
    read = varlen_attn(
        asking, keys, values, bounds, bounds, longest, longest, scale=scale, window_size=window
    )
    found = torch.zeros_like(query.transpose(1, 2)).flatten(0, 1).index_copy(0, places, read)
    return found.unflatten(0, (len(query), rows.length)).transpose(1, 2)


def laid_end_to_end(
    rows: Rows, num_rows: int, device: "torch.device"
) -> "tuple[torch.Tensor, torch.Tensor, int]":
    """Lay the documents of all rows end to end: (places of their tokens, bounds, longest).

    Bounds are where documents begin and, at last, where the last one ends, as 32 bits.
    """
    import torch

    shape = (num_rows, rows.length)
    there = torch.ones(shape, dtype=torch.bool, device=device)
    if rows.readable is not None:
        there = there & rows.readable.bool()
    new = torch.zeros(shape, dtype=torch.bool, device=device)
    new[:, 0] = True
    if rows.document is not None:
        new[:, 1:] = rows.document[:, 1:] != rows.document[:, :-1]
    number = new.flatten().cumsum(0) - 1
    places = there.flatten().nonzero()[:, 0]
    of = number[places]
    broken = (of[1:] == of[:-1]) & (places[1:] != places[:-1] + 1)
    if bool(broken.any()):
        raise ValueError("padding stands inside a document; expected it before or behind.")
    lengths = torch.bincount(of)
    lengths = lengths[lengths > 0]
    bounds = torch.cat((lengths.new_zeros(1), lengths.cumsum(0))).to(torch.int32)
    return places, bounds, int(lengths.max()) if len(lengths) else 0
