"""Keys and values with what is around them, and a walk over them span by span of queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from gonerd.student.attention.masks import (
    Globals,
    Known,
    at,
    summands,
    visible_globals,
    visible_windows,
)

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Plan:
    """How to read."""

    known: Known
    globs: Globals | None
    scale: float
    span: int
    """Queries that are read at once."""
    dropout: float = 0.0
    seed: int = 0
    """Of what is dropped."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Work:
    """Queries, whole blocks of them; keys and values with half a window around them."""

    query: "torch.Tensor"
    key: "torch.Tensor"
    value: "torch.Tensor"
    plan: Plan


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Part:
    """A span of a row."""

    row: int
    queries: slice
    keys: slice
    """Those around the queries."""
    mask: "torch.Tensor"
    """(1, block or 1, query, key) summands."""
    mask_of_globs: "torch.Tensor | None"
    """(query, number) summands."""


def parts_of(work: Work) -> Iterator[Part]:
    """Walk over the spans of all rows."""
    known = work.plan.known
    size, half = known.size, known.pattern.half_window
    usual = None
    for start, end, inner in _spans(work):
        num_blocks = (end - start) // size
        of_globs = None
        if inner:
            if usual is None:
                usual = summands(visible_windows(known, start, 1), work.query)
            masks = usual
        else:
            masks = summands(visible_windows(known, start, num_blocks), work.query)
        if known.globs_there is not None:
            of_globs = summands(visible_globals(known, start, num_blocks), work.query)
        for row in range(len(work.query)):
            yield Part(
                row=row,
                queries=slice(start, end),
                keys=slice(start, end + 2 * half),
                mask=masks[row if len(masks) > 1 else 0, None],
                mask_of_globs=None
                if of_globs is None
                else of_globs[row if len(of_globs) > 1 else 0].flatten(0, 1),
            )


def _spans(work: Work) -> Iterator[tuple[int, int, bool]]:
    """Cut rows into spans; say of each whether one mask will do for all its blocks."""
    known, length = work.plan.known, work.query.shape[2]
    size, half = known.size, known.pattern.half_window
    step = size * max(1, work.plan.span // size)
    cuts = [0, length]
    if known.alike:  # blocks whose windows do not reach beyond the text
        first, last = -(-half // size) * size, (known.length - half) // size * size
        cuts = [0, first, last, length] if first < last else cuts
    for number, (begin, end) in enumerate(pairwise(cuts)):
        for start in range(begin, end, step):
            yield start, min(end, start + step), len(cuts) > 2 and number == 1


def at_globals(work: Work) -> "tuple[torch.Tensor, torch.Tensor] | None":
    """Take the (row, head, number, width) keys and values of global tokens."""
    if work.plan.globs is None:
        return None
    places = work.plan.globs.places + work.plan.known.pattern.half_window
    return at(work.key, places), at(work.value, places)


def with_room(one: "torch.Tensor", known: Known, num_queries: int) -> "torch.Tensor":
    """Put half a window around keys or values, and what fills up the last block of queries."""
    from torch.nn.functional import pad

    half = known.pattern.half_window
    return pad(one, (0, 0, half, half + num_queries - one.shape[2]))


def index_of(globs: Globals, like: "torch.Tensor") -> "torch.Tensor":
    """Write out where global tokens stand, for each head and number of a vector."""
    return globs.places[:, None, :, None].expand(len(like), like.shape[1], -1, like.shape[3])


def empty_by_token(like: "torch.Tensor") -> "torch.Tensor":
    """Make a tensor laid out token by token, so that what comes next need not copy it."""
    num_rows, num_heads, length, width = like.shape
    return like.new_empty(num_rows, length, num_heads, width).transpose(1, 2)
