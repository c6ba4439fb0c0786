"""Queries, keys and values into what each query has read, block by block of queries: linear time.

Every query reads its window and the global tokens; global queries then read all in a call of their
own, unless what they read is given. Without packing, and without global tokens that are given, no
step depends on the values of tensors, so the graph can be exported for any length.
"""

from typing import TYPE_CHECKING

from gonerd.student.attention.apart import runs_of
from gonerd.student.attention.masks import Globals, at, block_size, summands
from gonerd.student.attention.pattern import Pattern, Rows, is_global, visible
from gonerd.student.attention.whole import read_faster, reads_faster
from gonerd.student.attention.windows import SPAN, put_rows, read_windows

if TYPE_CHECKING:
    import torch


def attend_in_blocks(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern | None,
    rows: Rows,
    scale: float,
    *,
    dropout: float = 0.0,
    globs: Globals | None = None,
    global_rows: "torch.Tensor | None" = None,
    span: int = SPAN,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back.

    Without a pattern every query sees its whole document. `global_rows`, at the places of `globs`,
    is what global tokens have read where they read by queries, keys and values of their own. Of a
    long row, no more than `span` queries are read at once where that would take room.
    """
    from torch.nn.functional import scaled_dot_product_attention

    if pattern is None:
        return _read_all(query, key, value, rows, scale, dropout)
    if globs is None and (pattern.global_tokens or rows.global_tokens is not None):
        globs = find_globals(pattern, rows, query.device)
    short = rows.length <= block_size(pattern) + pattern.half_window
    if short:  # hardly anything is out of sight
        mask = visible(pattern, rows, query.device)[:, None]
        found = scaled_dot_product_attention(query, key, value, mask, dropout, scale=scale)
        return put_rows(found, globs, global_rows)
    if globs is not None and global_rows is None:
        global_rows = _read_by_globals(query, key, value, rows, scale, dropout, globs)
    return read_windows(query, key, value, pattern, rows, scale, dropout, globs, global_rows, span)


def find_globals(pattern: Pattern, rows: Rows, device: "torch.device | None" = None) -> Globals:
    """Find where global tokens stand."""
    import torch

    if rows.document is None and rows.global_tokens is None:
        places = torch.arange(min(pattern.global_tokens, rows.length), device=device)[None]
        return Globals(places=places, real=torch.ones_like(places, dtype=torch.bool))
    found = is_global(pattern, rows, device)
    most = int(found.sum(dim=1).max())
    places = torch.argsort((~found).to(torch.uint8), dim=1, stable=True)[:, :most]
    return Globals(places=places, real=found.gather(1, places))


def seen_by_globals(rows: Rows, globs: Globals) -> "torch.Tensor":
    """Write out which (row or 1, number, token) global tokens see: their document."""
    import torch

    places = globs.places
    own = places[..., None] == torch.arange(rows.length, device=places.device)
    seen = torch.ones_like(own)
    if rows.readable is not None:
        seen = seen & rows.readable[:, None]
    if rows.document is not None:
        seen = seen & (rows.document.gather(1, places)[..., None] == rows.document[:, None])
    return seen | own


def _read_all(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    from torch.nn.functional import scaled_dot_product_attention

    if rows.document is not None:
        return _read_apart(query, key, value, rows, scale, dropout)
    if reads_faster(query, key, value, dropout):
        return read_faster(query, key, value, rows.readable, scale)
    mask = None if rows.readable is None else rows.readable[:, None, None]
    return scaled_dot_product_attention(query, key, value, mask, dropout, scale=scale)


def _read_apart(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Read each document of packed rows whole, one after the other: no pair of two is looked at."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    assert rows.document is not None
    found: list[list[torch.Tensor]] = [[] for _ in query]
    for start, length in zip(*runs_of(rows.document), strict=True):
        row, first = divmod(start, rows.length)
        own, mask = slice(first, first + length), None
        asking, keys, values = (one[row, None, :, own] for one in (query, key, value))
        if reads_faster(asking, keys, values, dropout):
            there = None if rows.readable is None else rows.readable[row, None, own]
            found[row].append(read_faster(asking, keys, values, there, scale))
            continue
        if rows.readable is not None and not rows.readable[row, own].all():
            alone = Rows(length=length, readable=rows.readable[row, None, own])
            mask = visible(Pattern(half_window=length), alone, query.device)[:, None]
        read = scaled_dot_product_attention(asking, keys, values, mask, dropout, scale=scale)
        found[row].append(read)
    return torch.cat([torch.cat(one, dim=2) for one in found])


def _read_by_globals(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    scale: float,
    dropout: float,
    globs: Globals,
) -> "torch.Tensor":
    """Let global tokens read their whole document."""
    from torch.nn.functional import scaled_dot_product_attention

    mask = summands(seen_by_globals(rows, globs), query)[:, None]
    asking = at(query, globs.places)
    return scaled_dot_product_attention(asking, key, value, mask, dropout, scale=scale)
