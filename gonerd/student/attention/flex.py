"""Queries, keys and values into what each query has read, by torch's FlexAttention, on CUDA.

One kernel, made for the pattern while it first runs, goes over the tiles of keys that a tile of
queries sees; which tiles those are is worked out here, from rows of tiles and not of tokens, in
time that grows with the length. On a CPU torch (2.13) has only the kernel without gradients, and
makes it anew for each length.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.pattern import Pattern, Rows, is_global

if TYPE_CHECKING:
    import torch

TILE = 128
"""Queries, and keys, that the kernel takes at once."""


def fits(query: "torch.Tensor", dropout: float) -> bool:
    """Say whether the kernel can read this."""
    import torch

    learns = torch.is_grad_enabled() and query.requires_grad
    return not dropout and (query.is_cuda or not learns)


def attend_flexibly(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern,
    rows: Rows,
    scale: float,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back."""
    mask = block_mask(pattern, rows, query.device)
    found: torch.Tensor = _compiled(query.is_cuda)(query, key, value, block_mask=mask, scale=scale)
    return found


@cache
def _compiled(any_length: bool) -> Any:
    import torch
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=any_length)


def block_mask(pattern: Pattern, rows: Rows, device: "torch.device") -> Any:
    """Say which tiles are seen in whole and which in part, and how a part is told."""
    from torch.nn.attention.flex_attention import BlockMask

    some, every = seen_tiles(pattern, rows, device)
    partial, whole = some & ~every, every
    glob = is_global(pattern, rows, device)
    half = pattern.half_window
    document, readable = rows.document, rows.readable
    same_glob = len(glob) == 1

    def sees(
        row: "torch.Tensor", head: "torch.Tensor", asking: "torch.Tensor", read: "torch.Tensor"
    ) -> "torch.Tensor":
        at = 0 if same_glob else row
        seen = ((asking - read).abs() <= half) | glob[at, asking] | glob[at, read]
        if document is not None:
            seen = seen & (document[row, asking] == document[row, read])
        if readable is not None:
            seen = seen & readable[row, read]
        return seen | (asking == read)

    return BlockMask.from_kv_blocks(
        *_listed(partial),
        *_listed(whole),
        BLOCK_SIZE=TILE,
        mask_mod=sees,
        seq_lengths=(rows.length, rows.length),
    )


def seen_tiles(
    pattern: Pattern, rows: Rows, device: "torch.device"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Say of (row or 1, tile of queries, tile of keys) whether some of it is seen, and all of it.

    A tile that is not seen may be named as seen in part: it costs time, and changes nothing.
    """
    import torch
    from torch.nn.functional import pad

    num_tiles = -(-rows.length // TILE)
    tile = torch.arange(num_tiles, device=device)
    apart = (tile[:, None] - tile).abs()
    near = ((apart - 1) * TILE < pattern.half_window)[None]
    beyond = num_tiles * TILE - rows.length
    glob = pad(is_global(pattern, rows, device), (0, beyond)).unflatten(1, (num_tiles, TILE))
    has_global = glob.any(dim=2)
    some = near | has_global[:, :, None] | has_global[:, None, :]
    every = ((apart + 1) * TILE - 1 <= pattern.half_window)[None]
    there = torch.ones((1, rows.length), dtype=torch.bool, device=device)
    there = there if rows.readable is None else rows.readable.bool()
    every = every & pad(there, (0, beyond)).unflatten(1, (num_tiles, TILE)).all(dim=2)[:, None, :]
    if rows.document is not None:
        padded = pad(rows.document, (0, beyond), mode="constant", value=-1)
        parts = padded.unflatten(1, (num_tiles, TILE))
        first = parts[:, :, 0]
        one = (parts == first[..., None]).all(dim=2)
        alike = first[:, :, None] == first[:, None, :]
        every = every & one[:, :, None] & one[:, None, :] & alike
        some = some & (alike | ~one[:, :, None] | ~one[:, None, :])
    ends = (tile + 1) * TILE <= rows.length  # queries beyond the last have nothing to read
    return some | (apart == 0), every & ends[:, None]


def _listed(chosen: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """List the tiles of keys of each (row, head, tile of queries): how many, and which first."""
    import torch

    order = torch.argsort((~chosen).to(torch.uint8), dim=-1, stable=True)
    return chosen.sum(dim=-1, dtype=torch.int32)[:, None], order.to(torch.int32)[:, None]
