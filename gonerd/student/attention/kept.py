"""Windows read on a CPU, with gradients that need next to nothing kept.

The kernel of scaled dot product attention gives, beside what a query has read, the logarithm of the
sum of its weights. By these sums what was read of a window and what was read of the global tokens
add up to what was read of both, so that global keys need not stand in every window; and from the
sums the kernel's gradients make all weights again (Dao et al. 2022, "FlashAttention"), so that only
queries, keys, values, sums and what was read are kept, at any length.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.dropping import read_dropping, slopes_dropping
from gonerd.student.attention.masks import Globals, Known, at
from gonerd.student.attention.spans import (
    Part,
    Plan,
    Work,
    at_globals,
    empty_by_token,
    index_of,
    parts_of,
    with_room,
)

if TYPE_CHECKING:
    import torch


MOST_DROPPED = 0.99
"""Of weights; beyond, what stays is no more reckoned with enough."""


def can_keep(query: "torch.Tensor", dropout: float) -> bool:
    """Say whether this can read here, and not into a graph for any length."""
    import torch

    return (
        query.device.type == "cpu"
        and dropout < MOST_DROPPED
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
    dropout: float,
    span: int,
) -> "torch.Tensor":
    """Let every query read its window, and the global tokens, no more than `span` at once."""
    import torch
    from torch.nn.functional import pad

    length = query.shape[2]
    beyond = -length % known.size
    if beyond:
        query = pad(query, (0, 0, 0, beyond))
    seed = int(torch.randint(2**62, ())) if dropout else 0
    plan = Plan(known=known, globs=globs, scale=scale, span=span, dropout=dropout, seed=seed)
    found: torch.Tensor = _function().apply(query, key, value, global_rows, plan)
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
            plan: Plan,
        ) -> "torch.Tensor":
            ctx.length, ctx.plan = key.shape[2], plan
            key, value = (with_room(one, plan.known, query.shape[2]) for one in (key, value))
            work = Work(query=query, key=key, value=value, plan=plan)
            found, *sums = (read_dropping(work),) if plan.dropout else _read(work)
            if plan.globs is not None and global_rows is not None:
                real = plan.globs.real[:, None, :, None]
                there = at(found, plan.globs.places)
                kept = torch.where(real, global_rows.to(there.dtype), there)
                found.scatter_(2, index_of(plan.globs, found), kept)
            ctx.save_for_backward(query, key, value, found, *sums)
            return found

        @staticmethod
        @once_differentiable  # type: ignore[untyped-decorator]
        def backward(ctx: Any, slope: "torch.Tensor") -> Any:
            query, key, value, found, *sums = ctx.saved_tensors
            globs = ctx.plan.globs
            work = Work(query=query, key=key, value=value, plan=ctx.plan)
            slope, of_rows = slope.contiguous(), None
            if globs is not None and ctx.needs_input_grad[3]:
                real = globs.real[:, None, :, None]
                slopes_there = at(slope, globs.places)
                of_rows = slopes_there * real
                slope = slope.scatter(2, index_of(globs, slope), slopes_there * ~real)
            slopes = slopes_dropping if ctx.plan.dropout else _slopes
            of_query, of_key, of_value = slopes(work, slope, found, *sums)
            half = ctx.plan.known.pattern.half_window
            own = slice(half, half + ctx.length)
            return of_query, of_key[:, :, own], of_value[:, :, own], of_rows, None

    return Kept


def _read(work: Work) -> "tuple[torch.Tensor, torch.Tensor]":
    """Give what has been read, and the logarithm of each sum of weights."""
    import torch

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    query, precise = work.query, torch.promote_types(work.query.dtype, torch.float32)
    found, sums = empty_by_token(query), query.new_empty(query.shape[:3], dtype=precise)
    globs = at_globals(work)
    for part in parts_of(work):
        blocks = _in_blocks(work, part)
        read, total = kernel(*blocks, attn_mask=part.mask, scale=work.plan.scale)
        if globs is None:
            for whole, one in ((found, read), (sums, total)):
                whole[part.row, :, part.queries].unflatten(1, one.shape[1:3]).copy_(one)
            continue
        read, of_window, scores = (
            read.flatten(1, 2),
            total.flatten(1, 2),
            _scores(work, part, globs[0]),
        )
        total = torch.logaddexp(of_window, scores.logsumexp(dim=-1))
        read = read * (of_window - total).exp()[..., None].to(read.dtype)
        weights = (scores - total[..., None]).exp().to(read.dtype)
        read = torch.baddbmm(read, weights, globs[1][part.row])
        found[part.row, :, part.queries] = read
        sums[part.row, :, part.queries] = total
    return found, sums


def _slopes(
    work: Work, slope: "torch.Tensor", found: "torch.Tensor", sums: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Give the gradients of queries, and of keys and values with what is around them."""
    import torch

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
    size, globs = work.plan.known.size, at_globals(work)
    of_query, of_key, of_value = (
        empty_by_token(work.query),
        empty_by_token(work.key),
        empty_by_token(work.value),
    )
    of_key.zero_()
    of_value.zero_()
    of_globs = None if globs is None else [torch.zeros_like(one) for one in globs]
    for part in parts_of(work):
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
            scale=work.plan.scale,
        )
        of_query[there] = of_blocks.flatten(1, 2)
        for to, windows in zip((of_key, of_value), of_windows, strict=True):
            _add_windows(to[part.row, :, part.keys], windows, size)
        if globs is not None and of_globs is not None:
            weights = (_scores(work, part, globs[0]) - total[..., None]).exp().to(change.dtype)
            mean = (change * read).sum(dim=-1, keepdim=True)
            of_scores = weights * (change @ globs[1][part.row].mT - mean) * work.plan.scale
            of_query[there] += of_scores @ globs[0][part.row]
            of_globs[0][part.row] += of_scores.mT @ work.query[there]
            of_globs[1][part.row] += weights.mT @ change
    if of_globs is not None and work.plan.globs is not None:
        index = index_of(work.plan.globs, work.query) + work.plan.known.pattern.half_window
        of_key.scatter_add_(2, index, of_globs[0])
        of_value.scatter_add_(2, index, of_globs[1])
    return of_query, of_key, of_value


def _in_blocks(work: Work, part: Part) -> "list[torch.Tensor]":
    """Give (head, block, token, width) queries, and overlapping windows of keys and values."""
    size = work.plan.known.size
    reach = size + 2 * work.plan.known.pattern.half_window
    around = (one[part.row, :, part.keys] for one in (work.key, work.value))
    windows = (one.unfold(1, reach, size).mT for one in around)
    return [work.query[part.row, :, part.queries].unflatten(1, (-1, size)), *windows]


def _add_windows(to: "torch.Tensor", windows: "torch.Tensor", size: int) -> None:
    """Add (head, block, token, width) windows up where they overlap, as (head, token, width)."""
    num_blocks = windows.shape[1]
    for first in range(0, windows.shape[2], size):
        some = windows[:, :, first : first + size]
        to[:, first:].unfold(1, some.shape[2], size)[:, :num_blocks].mT.add_(some)


def _scores(work: Work, part: Part, key_of_globs: "torch.Tensor") -> "torch.Tensor":
    """Score (head, query, number) global keys."""
    import torch

    scores = work.query[part.row, :, part.queries] @ key_of_globs[part.row].mT
    precise = torch.promote_types(scores.dtype, torch.float32)
    return scores.to(precise) * work.plan.scale + part.mask_of_globs
