"""Windows read with dropout on a CPU: weights are written out, for one block of queries at a time.

The kernels know no dropout. A block's weights fit into the cache; which of them are dropped is
drawn again from the same seed for the gradients, so that nothing is kept of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonerd.student.attention.spans import Work, at_globals, empty_by_token, index_of, parts_of

if TYPE_CHECKING:
    import torch

STEPS = 2**16
"""Probabilities of dropping are rounded to so many: sixteen bits a weight are drawn."""


def read_dropping(work: Work) -> "torch.Tensor":
    """Give what has been read with some weights dropped, and the others made up for them."""
    found = empty_by_token(work.query)
    for block in _blocks(work):
        read = block.weights.mul_(block.stay) @ block.values
        found[block.row, :, block.queries] = read.mul_(block.more)
    return found


def slopes_dropping(
    work: Work, slope: "torch.Tensor", found: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Give the gradients of queries, and of keys and values with what is around them."""
    import torch

    of_query, of_key, of_value = (
        empty_by_token(one).zero_() for one in (work.query, work.key, work.value)
    )
    globs = at_globals(work)
    of_globs = [] if globs is None else [torch.zeros_like(one) for one in globs]
    for block in _blocks(work):
        there = (block.row, slice(None), block.queries)
        change = slope[there]
        mean = (change * found[there]).sum(dim=-1, keepdim=True)
        change = change * block.more
        of_scores = (change @ block.values.mT).mul_(block.stay).sub_(mean).mul_(block.weights)
        of_query[there] = (of_scores @ block.keys).mul_(work.plan.scale)
        of_keys = of_scores.mT @ (work.query[there] * work.plan.scale)
        of_values = block.weights.mul_(block.stay).mT @ change
        first = 0 if globs is None else globs[0].shape[2]
        for number, (whole, one) in enumerate(((of_key, of_keys), (of_value, of_values))):
            whole[block.row, :, block.around] += one[:, first:]
            if first:
                of_globs[number][block.row] += one[:, :first]
    if of_globs and work.plan.globs is not None:
        index = index_of(work.plan.globs, work.query) + work.plan.known.pattern.half_window
        of_key.scatter_add_(2, index, of_globs[0])
        of_value.scatter_add_(2, index, of_globs[1])
    return of_query, of_key, of_value


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Block:
    """A block of queries of a row, and the keys it reads: global ones first, then its window."""

    row: int
    queries: slice
    around: slice
    keys: "torch.Tensor"
    """(head, key, width)"""
    values: "torch.Tensor"
    weights: "torch.Tensor"
    """(head, query, key)"""
    stay: "torch.Tensor"
    """(head, query, key): false where a weight is dropped."""
    more: float
    """By what those that stay are multiplied."""


def _blocks(work: Work) -> Iterator[_Block]:
    import torch

    size, half = work.plan.known.size, work.plan.known.pattern.half_window
    globs = at_globals(work)
    chance = torch.Generator().manual_seed(work.plan.seed)
    dropped = round(work.plan.dropout * STEPS)
    for part in parts_of(work):
        mask = part.mask[0]
        if part.mask_of_globs is not None:
            mask = torch.cat((part.mask_of_globs.unflatten(0, mask.shape[:2]), mask), dim=-1)
        for number, start in enumerate(range(part.queries.start, part.queries.stop, size)):
            summands = mask[number if len(mask) > 1 else 0]
            queries, around = slice(start, start + size), slice(start, start + size + 2 * half)
            keys, values = work.key[part.row, :, around], work.value[part.row, :, around]
            if globs is not None:
                keys = torch.cat((globs[0][part.row], keys), dim=1)
                values = torch.cat((globs[1][part.row], values), dim=1)
            query = work.query[part.row, :, queries] * work.plan.scale
            weights = torch.baddbmm(summands.expand(len(query), -1, -1), query, keys.mT)
            yield _Block(
                row=part.row,
                queries=queries,
                around=around,
                keys=keys,
                values=values,
                weights=weights.softmax(dim=-1),
                stay=_drawn(weights, dropped, chance),
                more=STEPS / (STEPS - dropped),
            )


def _drawn(like: "torch.Tensor", dropped: int, chance: "torch.Generator") -> "torch.Tensor":
    """Draw which weights stay, four out of each random number of 64 bits."""
    import torch

    bits = torch.empty(-(-like.numel() // 4), dtype=torch.int64)
    bits.random_(-(2**63), None, generator=chance)
    signed = bits.view(torch.int16)[: like.numel()]
    return (signed >= dropped - STEPS // 2).view(like.shape)
