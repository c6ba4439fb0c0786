"""Queries, keys and values into what each query has read, block by block of queries: linear time.

A block of queries needs the keys from half a window before its first to half a window behind its
last. Overlapping views of one padded copy of the keys give every block its own, so that all blocks
of a row are one call of scaled dot product attention, with blocks where heads would be. Global keys
stand before those of each block; global queries read all in a call of their own. Without packing no
step depends on the values of tensors, so the graph can be exported for any length.
"""

from typing import TYPE_CHECKING

from gonerd.student.attention.pattern import Pattern, Rows, is_global, visible

if TYPE_CHECKING:
    import torch

SMALLEST_BLOCK = 64
"""Queries; with fewer the work of a block is too little for the cost of starting it."""


def block_size(pattern: Pattern) -> int:
    """Choose how many queries a block has: half as many as the keys on one side, by trial."""
    return max(SMALLEST_BLOCK, pattern.half_window // 2)


def attend_in_blocks(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern | None,
    rows: Rows,
    scale: float,
    *,
    dropout: float = 0.0,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back.

    Without a pattern every query sees its whole document.
    """
    from torch.nn.functional import scaled_dot_product_attention

    if pattern is None:
        return _read_all(query, key, value, rows, scale, dropout)
    if rows.length <= block_size(pattern) + pattern.half_window:  # hardly anything is out of sight
        mask = visible(pattern, rows, query.device)[:, None]
        return scaled_dot_product_attention(query, key, value, mask, dropout, scale=scale)
    if not pattern.global_tokens:
        return _read_windows(query, key, value, pattern, rows, scale, dropout)
    places, real = _global_places(pattern, rows, query.device)
    found = _read_windows(query, key, value, pattern, rows, scale, dropout, places, real)
    return _with_global_rows(found, query, key, value, rows, scale, dropout, places, real)


def _read_all(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    from torch.nn.functional import scaled_dot_product_attention

    mask = None
    if rows.document is not None:
        mask = visible(Pattern(half_window=rows.length), rows, query.device)[:, None]
    elif rows.readable is not None:
        mask = rows.readable[:, None, None]
    return scaled_dot_product_attention(query, key, value, mask, dropout, scale=scale)


def _global_places(
    pattern: Pattern, rows: Rows, device: "torch.device"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """List the (row, number) places of global tokens, and whether each is one or fills up a row."""
    import torch

    if rows.document is None:
        places = torch.arange(min(pattern.global_tokens, rows.length), device=device)[None]
        return places, torch.ones_like(places, dtype=torch.bool)
    found = is_global(pattern, rows, device)
    most = int(found.sum(dim=1).max())
    order = torch.argsort((~found).to(torch.uint8), dim=1, stable=True)[:, :most]
    return order, found.gather(1, order)


def _read_windows(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern,
    rows: Rows,
    scale: float,
    dropout: float,
    places: "torch.Tensor | None" = None,
    real: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """Let every query read its window, and the global keys at `places`."""
    import torch
    from torch.nn.functional import pad, scaled_dot_product_attention

    num_rows, num_heads, length, width = query.shape
    size, half = block_size(pattern), pattern.half_window
    beyond = -length % size
    num_blocks = (length + beyond) // size
    blocks = pad(query, (0, 0, 0, beyond)).unflatten(2, (num_blocks, size)).flatten(0, 1)
    windows = [
        pad(one, (0, 0, half, half + beyond)).unfold(2, size + 2 * half, size).transpose(-1, -2)
        for one in (key, value)
    ]
    mask = _window_mask(pattern, rows, query, num_blocks, places is not None)
    if places is not None and real is not None:
        mask = torch.cat((_global_mask(rows, query, num_blocks, places, real, size), mask), dim=-1)
        windows = [
            torch.cat((_at(one, places)[:, :, None].expand(-1, -1, num_blocks, -1, -1), window), 3)
            for one, window in zip((key, value), windows, strict=True)
        ]
    keys, values = (window.flatten(0, 1) for window in windows)
    if len(mask) == 1:
        found = scaled_dot_product_attention(blocks, keys, values, mask, dropout, scale=scale)
    else:  # row by row, so that heads share the mask of their row
        found = torch.cat(
            [
                scaled_dot_product_attention(*parts, mask[row, None], dropout, scale=scale)
                for row, parts in enumerate(
                    zip(*(one.chunk(num_rows) for one in (blocks, keys, values)), strict=True)
                )
            ]
        )
    found = found.reshape(num_rows, num_heads, length + beyond, width)
    return found[:, :, :length]


def _window_mask(
    pattern: Pattern, rows: Rows, query: "torch.Tensor", num_blocks: int, globals_apart: bool
) -> "torch.Tensor":
    """Write (row or 1, block, query, key) summands: 0 where a key of the window is visible."""
    import torch
    from torch.nn.functional import pad

    size, half = block_size(pattern), pattern.half_window
    reach = size + 2 * half
    beyond = num_blocks * size - rows.length
    of_query = torch.arange(size, device=query.device)[:, None]
    of_key = torch.arange(reach, device=query.device)[None] - half
    near = (of_query - of_key).abs() <= half
    there = torch.ones((1, rows.length), dtype=torch.bool, device=query.device)
    if rows.readable is not None:
        there = rows.readable
    if globals_apart:
        there = there & ~is_global(pattern, rows, query.device)
    there = pad(there, (half, half + beyond)).unfold(1, reach, size)[:, :, None]
    seen = near & there
    if rows.document is not None:
        keys = pad(rows.document, (half, half + beyond), value=-1).unfold(1, reach, size)
        queries = pad(rows.document, (0, beyond), value=-1).unflatten(1, (num_blocks, size))
        seen = seen & (queries[..., None] == keys[:, :, None])
    seen = seen | (of_query == of_key)
    return _summands(seen, query)


def _global_mask(
    rows: Rows,
    query: "torch.Tensor",
    num_blocks: int,
    places: "torch.Tensor",
    real: "torch.Tensor",
    size: int,
) -> "torch.Tensor":
    """Write (row or 1, block, query, global key) summands: 0 where a global key is visible."""
    from torch.nn.functional import pad

    seen = real[:, None, None]
    if rows.readable is not None:
        seen = seen & rows.readable.gather(1, places.expand(len(rows.readable), -1))[:, None, None]
    if rows.document is not None:
        beyond = num_blocks * size - rows.length
        queries = pad(rows.document, (0, beyond), value=-1).unflatten(1, (num_blocks, size))
        keys = rows.document.gather(1, places)
        seen = seen & (queries[..., None] == keys[:, None, None])
    return _summands(seen, query).expand(-1, num_blocks, size, -1)


def _summands(seen: "torch.Tensor", like: "torch.Tensor") -> "torch.Tensor":
    """Turn what is visible into what is added to scores: never minus infinity.

    The queries that fill up a block may see nothing, and would be no numbers.
    """
    import torch

    hidden = torch.full((), torch.finfo(like.dtype).min / 2, dtype=like.dtype, device=like.device)
    return torch.where(seen, torch.zeros_like(hidden), hidden)


def _at(one: "torch.Tensor", places: "torch.Tensor") -> "torch.Tensor":
    """Take the (row, head, number, width) vectors that stand at some places."""
    index = places[:, None, :, None].expand(len(one), one.shape[1], -1, one.shape[3])
    return one.gather(2, index)


def _with_global_rows(
    found: "torch.Tensor",
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    scale: float,
    dropout: float,
    places: "torch.Tensor",
    real: "torch.Tensor",
) -> "torch.Tensor":
    """Let global tokens read their whole document."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    own = places[..., None] == torch.arange(rows.length, device=query.device)
    seen = torch.ones_like(own)
    if rows.readable is not None:
        seen = seen & rows.readable[:, None]
    if rows.document is not None:
        seen = seen & (rows.document.gather(1, places)[..., None] == rows.document[:, None])
    mask = _summands(seen | own, query)[:, None]
    read = scaled_dot_product_attention(_at(query, places), key, value, mask, dropout, scale=scale)
    read = torch.where(real[:, None, :, None], read, _at(found, places))
    index = places[:, None, :, None].expand_as(read)
    return found.scatter(2, index, read)
