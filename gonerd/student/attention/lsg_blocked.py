"""Queries, keys and values into what each query has read by LSG: near, sparsely, and globally.

What is read is said in `lsg.py`; this is how, in linear time. Documents packed into a row are read
each by itself, so that each has its own blocks, sparse and global tokens.
"""

from collections.abc import Mapping
from math import gcd
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.apart import attend_apart
from gonerd.student.attention.gathered import (
    Pieces,
    read_pieces,
    read_whole,
    whole_blocks,
)
from gonerd.student.attention.layers import layer_of
from gonerd.student.attention.lsg import SparsePattern, Tokens, sparse_tokens
from gonerd.student.attention.pattern import Rows

if TYPE_CHECKING:
    import torch


def read_lsg(
    module: Any,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    settings: Mapping[str, Any],
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Read by LSG."""
    pattern = SparsePattern(**settings)
    layer = layer_of(module)
    return attend_sparsely(query, key, value, pattern, rows, scale, dropout=dropout, layer=layer)


def attend_sparsely(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: SparsePattern,
    rows: Rows,
    scale: float,
    *,
    dropout: float = 0.0,
    layer: int = 0,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back."""

    def attend(
        query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", rows: Rows
    ) -> "torch.Tensor":
        return _attend(query, key, value, pattern, rows, scale, dropout, layer)

    return attend_apart(attend, query, key, value, rows)


def _attend(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: SparsePattern,
    rows: Rows,
    scale: float,
    dropout: float,
    layer: int,
) -> "torch.Tensor":
    import torch
    from torch.nn.functional import pad

    num_rows, num_heads, length, width = query.shape
    size = pattern.block
    readable = None if rows.readable is None else rows.readable.bool()
    if length <= max(2 * size, pattern.global_tokens):  # nothing is out of sight
        return read_whole(query, key, value, readable, scale, dropout)
    num_blocks = whole_blocks(length, size)
    beyond = num_blocks * size - length
    asking, keys, values = (pad(one, (0, 0, 0, beyond)) for one in (query, key, value))
    keys, values = keys.contiguous(), values.contiguous()  # once, and not for each kind of piece
    there = torch.ones((1, length), dtype=torch.bool, device=query.device)
    there = pad(there if readable is None else readable, (0, beyond))
    num_global = pattern.global_tokens
    near = there & (torch.arange(length + beyond, device=query.device) >= num_global)
    tokens = Tokens(keys=keys, values=values, there=near[:, None])
    pieces: list[Pieces] = []
    seen: list[torch.Tensor] = []
    if num_global:
        glob = Tokens(
            keys=keys[:, :, :num_global],
            values=values[:, :, :num_global],
            there=there[:, None, :num_global],
        )
        places = torch.zeros((num_blocks, 1), dtype=torch.long, device=query.device)
        _lay_out(glob, num_global, places, pieces, seen)
    if pattern.sparse_block_size:
        sparse = sparse_tokens(pattern, tokens, query[:, :, 0] * scale, layer)
        _lay_out(sparse, *_sparse_places(pattern, sparse), pieces, seen)
    block = torch.arange(num_blocks, device=query.device)[:, None]
    _lay_out(tokens, size, block + torch.arange(-1, 2, device=query.device), pieces, seen)
    blocks = asking.reshape(-1, size, width)
    real = torch.cat([one.expand(num_rows, num_heads, -1, -1) for one in seen], dim=-1)
    found = read_pieces(blocks, pieces, real.flatten(0, 2), scale, dropout)
    found = found.reshape(num_rows, num_heads, -1, width)[:, :, :length]
    if not num_global:
        return found
    read = read_whole(query[:, :, :num_global], key, value, readable, scale, dropout)
    return torch.cat((read, found[:, :, num_global:]), dim=2)


def _sparse_places(pattern: SparsePattern, sparse: Tokens) -> "tuple[int, torch.Tensor]":
    """Cut sparse tokens into pieces: of how many, and which (block, number) each block reads."""
    import torch

    of_block = pattern.block // pattern.sparsity_factor
    size = gcd(of_block, pattern.sparse_block_size)
    step, reach = of_block // size, pattern.sparse_block_size // size
    num_blocks = sparse.keys.shape[2] // of_block
    block = torch.arange(num_blocks, device=sparse.keys.device)[:, None]
    side = torch.arange(reach, device=sparse.keys.device)
    before = (block - 1) * step - reach + side
    return size, torch.cat((before, (block + 2) * step + side), dim=1)


def _lay_out(
    tokens: Tokens,
    size: int,
    places: "torch.Tensor",
    pieces: list[Pieces],
    seen: "list[torch.Tensor]",
) -> None:
    """Cut tokens into pieces of a size, of which blocks read (block, number) places of their row.

    What is appended to `seen` says (row or 1, head or 1, block, key) which keys are there.
    """
    import torch

    num_rows, num_heads, length, width = tokens.keys.shape
    count = length // size
    real = (places >= 0) & (places < count)
    places = places.clamp(0, count - 1)
    there = tokens.there.unflatten(2, (count, size))[:, :, places] & real[..., None]
    seen.append(there.flatten(3))
    each = torch.arange(num_rows * num_heads, device=places.device)[:, None, None]
    pieces.append(
        Pieces(
            keys=tokens.keys.reshape(-1, size, width),
            values=tokens.values.reshape(-1, size, width),
            where=(places + each * count).flatten(0, 1),
        )
    )
