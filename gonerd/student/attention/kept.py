"""Windows read on a CPU, with gradients that need next to nothing kept.

The kernel of scaled dot product attention gives, beside what a query has read, the logarithm of the
sum of its weights. By these sums what was read of a window and what was read of the global tokens
add up to what was read of both, so that global keys need not stand in every window; and from the
sums the kernel's gradients make all weights again (Dao et al. 2022, "FlashAttention"), so that only
queries, keys, values, sums and what was read are kept, at any length.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.masks import (
    Globals,
    Known,
    at,
    block_size,
    summands,
    visible_globals,
    visible_windows,
)

if TYPE_CHECKING:
    import torch


def can_keep(query: "torch.Tensor", dropout: float) -> bool:
    """Say whether the kernel is there; it knows no dropout."""
    import torch

    return (
        query.device.type == "cpu"
        and not dropout
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and hasattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu_backward")
    )


def read_and_keep(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    known: Known,
    globs: Globals | None,
    global_rows: "torch.Tensor | None",
    scale: float,
    span: int,
) -> "torch.Tensor":
    """Let every query read its window, and the global tokens, no more than `span` at once."""
    import torch
    from torch.nn.functional import pad

    length = query.shape[2]
    beyond = -length % block_size(known.pattern)
    if beyond:
        query = pad(query, (0, 0, 0, beyond))
    found: torch.Tensor = _function().apply(
        query, key, value, global_rows, known, globs, scale, span
    )
    return found[:, :, :length]


@cache
def _function() -> Any:
    """Make the function that autograd knows; here, because torch is imported only where needed."""
    import torch
    from torch.autograd.function import once_differentiable

    class Kept(torch.autograd.Function):
        """What is read of windows and global tokens, and what global tokens have read, in place."""

        @staticmethod
        def forward(
            ctx: Any,
            query: "torch.Tensor",
            key: "torch.Tensor",
            value: "torch.Tensor",
            global_rows: "torch.Tensor | None",
            known: Known,
            globs: Globals | None,
            scale: float,
            span: int,
        ) -> "torch.Tensor":
            work = _Work(
                query=query,
                key=_around(key, known, query.shape[2]),
                value=_around(value, known, query.shape[2]),
                known=known,
                globs=globs,
                scale=scale,
                span=span,
            )
            found, sums = _read(work)
            if globs is not None and global_rows is not None:
                real = globs.real[:, None, :, None]
                kept = torch.where(real, global_rows, at(found, globs.places))
                found.scatter_(2, _index(globs, found), kept)
            ctx.save_for_backward(query, work.key, work.value, found, sums)
            ctx.work = (known, globs, scale, span)
            ctx.length = key.shape[2]
            return found

        @staticmethod
        @once_differentiable  # type: ignore[untyped-decorator]
        def backward(ctx: Any, slope: "torch.Tensor") -> Any:
            query, key, value, found, sums = ctx.saved_tensors
            known, globs, scale, span = ctx.work
            work = _Work(
                query=query, key=key, value=value, known=known, globs=globs, scale=scale, span=span
            )
            slope, of_rows = slope.contiguous(), None
            if globs is not None and ctx.needs_input_grad[3]:
                real = globs.real[:, None, :, None]
                slopes_there = at(slope, globs.places)
                of_rows = slopes_there * real
                slope = slope.scatter(2, _index(globs, slope), slopes_there * ~real)
            of_query, of_key, of_value = _slopes(work, slope, found, sums)
            half = known.pattern.half_window
            own = slice(half, half + ctx.length)
            return of_query, of_key[:, :, own], of_value[:, :, own], of_rows, *[None] * 4

    return Kept


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Work:
    """Queries, whole blocks of them; keys and values with half a window around them."""

    query: "torch.Tensor"
    key: "torch.Tensor"
    value: "torch.Tensor"
    known: Known
    globs: Globals | None
    scale: float
    span: int


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Part:
    """A span of a row."""

    row: int
    queries: slice
    keys: slice
    """Those around the queries."""
    mask: "torch.Tensor"
    """(1, block, query, key) summands."""
    mask_of_globs: "torch.Tensor | None"
    """(query, number) summands."""


def _read(work: _Work) -> "tuple[torch.Tensor, torch.Tensor]":
    """Give what has been read, and the logarithm of each sum of weights."""
    import torch

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    query, precise = work.query, torch.promote_types(work.query.dtype, torch.float32)
    found, sums = _empty(query), query.new_empty(query.shape[:3], dtype=precise)
    globs = _of_globs(work)
    for part in _parts(work):
        blocks = _in_blocks(work, part)
        read, total = kernel(*blocks, attn_mask=part.mask, scale=work.scale)
        read, total = read.flatten(1, 2), total.flatten(1, 2)
        if globs is not None:
            of_window, scores = total, _scores(work, part, globs[0])
            total = torch.logaddexp(of_window, scores.logsumexp(dim=-1))
            read = read * (of_window - total).exp()[..., None].to(read.dtype)
            weights = (scores - total[..., None]).exp().to(read.dtype)
            read = torch.baddbmm(read, weights, globs[1][part.row])
        found[part.row, :, part.queries] = read
        sums[part.row, :, part.queries] = total
    return found, sums


def _slopes(
    work: _Work, slope: "torch.Tensor", found: "torch.Tensor", sums: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Give the gradients of queries, and of keys and values with what is around them."""
    import torch

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
    size, globs = block_size(work.known.pattern), _of_globs(work)
    of_query, of_key, of_value = _empty(work.query), _empty(work.key), _empty(work.value)
    of_key.zero_()
    of_value.zero_()
    of_globs = None if globs is None else [torch.zeros_like(one) for one in globs]
    for part in _parts(work):
        there = (part.row, slice(None), part.queries)
        change, read, total = (one[there] for one in (slope, found, sums))
        blocks = [one.unflatten(1, (-1, size)) for one in (change, read, total)]
        of_blocks, *of_windows = kernel(
            blocks[0],
            *_in_blocks(work, part),
            *blocks[1:],
            0.0,
            False,
            attn_mask=part.mask,
            scale=work.scale,
        )
        of_query[there] = of_blocks.flatten(1, 2)
        for to, windows in zip((of_key, of_value), of_windows, strict=True):
            _add_windows(to[part.row, :, part.keys], windows, size)
        if globs is not None and of_globs is not None:
            weights = (_scores(work, part, globs[0]) - total[..., None]).exp().to(change.dtype)
            mean = (change * read).sum(dim=-1, keepdim=True)
            of_scores = weights * (change @ globs[1][part.row].mT - mean) * work.scale
            of_query[there] += of_scores @ globs[0][part.row]
            of_globs[0][part.row] += of_scores.mT @ work.query[there]
            of_globs[1][part.row] += weights.mT @ change
    if of_globs is not None and work.globs is not None:
        index = _index(work.globs, work.query) + work.known.pattern.half_window
        of_key.scatter_add_(2, index, of_globs[0])
        of_value.scatter_add_(2, index, of_globs[1])
    return of_query, of_key, of_value


def _parts(work: _Work) -> Iterator[_Part]:
    known = work.known
    size, half = block_size(known.pattern), known.pattern.half_window
    length = work.query.shape[2]
    step = size * max(1, work.span // size)
    for start in range(0, length, step):
        end = min(length, start + step)
        num_blocks = (end - start) // size
        masks, of_globs = summands(visible_windows(known, start, num_blocks), work.query), None
        if known.globs_there is not None:
            of_globs = summands(visible_globals(known, start, num_blocks), work.query)
        for row in range(len(work.query)):
            yield _Part(
                row=row,
                queries=slice(start, end),
                keys=slice(start, end + 2 * half),
                mask=masks[row if len(masks) > 1 else 0, None],
                mask_of_globs=None
                if of_globs is None
                else of_globs[row if len(of_globs) > 1 else 0].flatten(0, 1),
            )


def _in_blocks(work: _Work, part: _Part) -> "list[torch.Tensor]":
    """Give (head, block, token, width) queries, and overlapping windows of keys and values."""
    size = block_size(work.known.pattern)
    reach = size + 2 * work.known.pattern.half_window
    around = (one[part.row, :, part.keys] for one in (work.key, work.value))
    windows = (one.unfold(1, reach, size).mT for one in around)
    return [work.query[part.row, :, part.queries].unflatten(1, (-1, size)), *windows]


def _add_windows(to: "torch.Tensor", windows: "torch.Tensor", size: int) -> None:
    """Add (head, block, token, width) windows up where they overlap, as (head, token, width)."""
    num_blocks = windows.shape[1]
    for first in range(0, windows.shape[2], size):
        some = windows[:, :, first : first + size]
        to[:, first:].unfold(1, some.shape[2], size)[:, :num_blocks].mT.add_(some)


def _of_globs(work: _Work) -> "tuple[torch.Tensor, torch.Tensor] | None":
    if work.globs is None:
        return None
    places = work.globs.places + work.known.pattern.half_window
    return at(work.key, places), at(work.value, places)


def _scores(work: _Work, part: _Part, key_of_globs: "torch.Tensor") -> "torch.Tensor":
    """Score (head, query, number) global keys."""
    import torch

    scores = work.query[part.row, :, part.queries] @ key_of_globs[part.row].mT
    precise = torch.promote_types(scores.dtype, torch.float32)
    return scores.to(precise) * work.scale + part.mask_of_globs


def _around(one: "torch.Tensor", known: Known, num_queries: int) -> "torch.Tensor":
    from torch.nn.functional import pad

    half = known.pattern.half_window
    return pad(one, (0, 0, half, half + num_queries - one.shape[2]))


def _index(globs: Globals, like: "torch.Tensor") -> "torch.Tensor":
    return globs.places[:, None, :, None].expand(len(like), like.shape[1], -1, like.shape[3])


def _empty(like: "torch.Tensor") -> "torch.Tensor":
    """Make a tensor laid out token by token, so that what comes next need not copy it."""
    num_rows, num_heads, length, width = like.shape
    return like.new_empty(num_rows, length, num_heads, width).transpose(1, 2)
