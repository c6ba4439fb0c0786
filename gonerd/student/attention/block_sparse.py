"""Queries, keys and values into what each query has read of BigBird's blocks: linear time.

Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences", in blocks and with tokens of the
text as global ones. A text is cut into blocks of `block` tokens; a block of queries reads

* its own block and the one on either side,
* the global blocks, the first `global_blocks` and last `global_blocks_at_end` of the text, and
* `random_blocks` blocks out of the others, drawn for each layer, head and block of queries,

while global blocks read everything. No block is read twice by a query, unless random blocks are
given that repeat others: those count as often as they are given, as in transformers.

Documents packed into a row are cut into blocks each by itself, so that each has its own global and
random blocks and reads the same alone. Padding behind a text does not change its blocks, so that a
text reads the same in any batch: the last block is that of the text, not of the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.apart import attend_apart
from gonerd.student.attention.gathered import (
    Pieces,
    read_pieces,
    read_whole,
    whole_blocks,
)
from gonerd.student.attention.layers import layer_of
from gonerd.student.attention.pattern import Rows

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockPattern:
    """Which blocks of keys a block of queries sees."""

    block: int = 64
    """Tokens."""
    global_blocks: int = 1
    """How many blocks at the beginning of each document are global."""
    global_blocks_at_end: int = 1
    """How many blocks at its end are."""
    random_blocks: int = 3
    """How many blocks a block of queries sees besides, if there are as many."""
    seed: int = 0
    """Of the random blocks: the same ones in training and use, wherever it runs."""

    def __post_init__(self) -> None:
        for name, least in (
            ("block", 1),
            ("global_blocks", 0),
            ("global_blocks_at_end", 0),
            ("random_blocks", 0),
            ("seed", 0),
        ):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name} is {value!r}; expected a whole number, {least} or more.")


def read_bigbird(
    module: Any,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    settings: Mapping[str, Any],
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Read by BigBird's blocks."""
    pattern = BlockPattern(**settings)
    layer = layer_of(module)
    return attend_to_blocks(query, key, value, pattern, rows, scale, dropout=dropout, layer=layer)


def attend_to_blocks(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: BlockPattern,
    rows: Rows,
    scale: float,
    *,
    dropout: float = 0.0,
    layer: int = 0,
    given: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back.

    `given` are (row or 1, head or 1, block, number) random blocks in place of drawn ones, with -1
    for none; rows then hold one document each. Those of global blocks are not looked at.
    """
    if given is not None and rows.document is not None:
        raise ValueError("random blocks are given; expected rows of one document each.")

    def attend(
        query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", rows: Rows
    ) -> "torch.Tensor":
        return _attend(query, key, value, pattern, rows, scale, dropout, layer, given)

    return attend_apart(attend, query, key, value, rows)


def drawn_blocks(
    pattern: BlockPattern, num_blocks: "torch.Tensor", most: int, num_heads: int, layer: int
) -> "torch.Tensor":
    """Draw the (row, head, block, number) random blocks of rows of `num_blocks`; -1 where none.

    What is drawn depends on the seed, layer, head, block of queries and number of blocks only, and
    never is a global block or one beside the queries. `most` blocks have room in a row.
    """
    import torch

    device = num_blocks.device
    head = torch.arange(num_heads, device=device)[:, None]
    block = torch.arange(most, device=device)
    low = torch.full_like(num_blocks, pattern.global_blocks)[:, None, None]
    high = (num_blocks[:, None, None] - pattern.global_blocks_at_end).clamp_min(low)
    near = torch.maximum(block - 1, low)
    behind = torch.maximum(torch.minimum(block + 2, high), near)
    free = high - low - (behind - near)
    drawn: list[torch.Tensor] = []
    sorted_before: list[torch.Tensor] = []
    for number in range(pattern.random_blocks):
        noise = torch.zeros_like(head * block)
        for part in (pattern.seed, layer, number, head, block):
            noise = _mixed(noise + part)
        left = free - number
        pick = noise % left.clamp_min(1)
        for earlier in sorted_before:  # in order, so that each pushes on to what is still free
            pick = pick + (pick >= earlier).long()
        if number:
            ordered = torch.stack((*sorted_before, pick)).sort(dim=0).values
            sorted_before = list(ordered)
        else:
            sorted_before = [pick]
        place = low + pick
        place = place + torch.where(place >= near, behind - near, 0)
        drawn.append(torch.where(left > 0, place, -1))
    if not drawn:
        return torch.empty(num_blocks.shape[0], num_heads, most, 0, dtype=torch.long, device=device)
    return torch.stack(drawn, dim=-1)


def _mixed(number: "torch.Tensor") -> "torch.Tensor":
    """Scatter whole numbers over 32 bits; products stay below 63, so that all machines agree."""
    mask = 0xFFFFFFFF
    number = (number * 0x1E3779B1 + 0x7F4A7C15) & mask
    for factor in (0x2C1B3C6D, 0x297A2D39):
        number = number ^ (number >> 15)
        number = (number * factor) & mask
    return number ^ (number >> 16)


def _attend(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: BlockPattern,
    rows: Rows,
    scale: float,
    dropout: float,
    layer: int,
    given: "torch.Tensor | None",
) -> "torch.Tensor":
    import torch
    from torch.nn.functional import pad

    num_rows, num_heads, length, width = query.shape
    size = pattern.block
    num_global = pattern.global_blocks + pattern.global_blocks_at_end
    readable = None if rows.readable is None else rows.readable.bool()
    known = num_global if given is not None else num_global + 2
    if length <= size * known:  # nothing is out of sight
        return read_whole(query, key, value, readable, scale, dropout)
    most = whole_blocks(length, size)
    beyond = most * size - length
    blocks, keys, values = (
        pad(one, (0, 0, 0, beyond)).reshape(-1, size, width) for one in (query, key, value)
    )
    there = torch.ones((1, length), dtype=torch.bool, device=query.device)
    there = pad(there if readable is None else readable, (0, beyond)).unflatten(1, (most, size))
    ends = (torch.arange(1, most + 1, device=query.device) * there.any(dim=-1)).amax(dim=1)
    if given is None:
        given = drawn_blocks(pattern, ends, most, num_heads, layer)
    seen = _seen_blocks(pattern, ends, given, (num_rows, num_heads, most, -1))
    where, real = _laid_out(seen, there)
    pieces = [Pieces(keys=keys, values=values, where=where)]
    found = read_pieces(blocks, pieces, real, scale, dropout)
    found = found.reshape(num_rows, num_heads, -1, width)
    if num_global:
        places = _global_places(pattern, ends)
        index = (places[..., None] * size + torch.arange(size, device=query.device)).flatten(1)
        index = index[:, None, :, None].expand(num_rows, num_heads, -1, width)
        asking = blocks.reshape(found.shape).gather(2, index)
        read = read_whole(asking, key, value, readable, scale, dropout)
        found = found.scatter(2, index, read)
    return found[:, :, :length]


def _global_places(pattern: BlockPattern, ends: "torch.Tensor") -> "torch.Tensor":
    """List the (row, number) global blocks; in a text of fewer, ones that only padding has."""
    import torch

    first = torch.arange(pattern.global_blocks, device=ends.device)
    last = torch.arange(-pattern.global_blocks_at_end, 0, device=ends.device)
    num_global = pattern.global_blocks + pattern.global_blocks_at_end
    end = ends.clamp_min(num_global)[:, None]
    return torch.cat((first.expand(ends.shape[0], -1), end + last), dim=1)


def _seen_blocks(
    pattern: BlockPattern,
    ends: "torch.Tensor",
    given: "torch.Tensor",
    shape: tuple[int, int, int, int],
) -> "torch.Tensor":
    """List the (row, head, block, number) blocks that blocks of queries see; -1 stands for none."""
    import torch

    places, most = _global_places(pattern, ends)[:, None, None], shape[2]
    near = torch.arange(most, device=ends.device)[:, None] + torch.arange(-1, 2, device=ends.device)
    known = (near < 0) | (near >= most) | (near[None, ..., None] == places[:, 0, :, None]).any(-1)
    near = torch.where(known, -1, near)[:, None]
    return torch.cat([one.expand(shape) for one in (places, near, given)], dim=-1)


def _laid_out(seen: "torch.Tensor", there: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """Number the (block, number) blocks that are seen, and say which (block, token) are there.

    Blocks are counted over all rows and heads.
    """
    import torch

    num_rows, num_heads, most = seen.shape[:3]
    row = torch.arange(there.shape[0], device=seen.device)[:, None, None, None]
    real = there.flatten(0, 1)[seen.clamp_min(0) + row * most] & (seen >= 0)[..., None]
    each = torch.arange(num_rows * num_heads, device=seen.device).view(num_rows, num_heads, 1, 1)
    return (seen.clamp_min(0) + each * most).flatten(0, 2), real.flatten(3).flatten(0, 2)
