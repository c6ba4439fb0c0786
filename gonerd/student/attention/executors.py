"""A window, and global tokens, into the executor that reads by them: blocks, or another on CUDA.

Blocks run and train everywhere and are the default. The others are there for GPUs: `varlen` for
windows without global tokens in 16 bits, `flex` for the rest. What an executor cannot do is read in
blocks.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

from gonerd.student.attention import flex, varlen
from gonerd.student.attention.blocked import attend_in_blocks
from gonerd.student.attention.pattern import Pattern, Rows

if TYPE_CHECKING:
    import torch

EXECUTORS = ("blocked", "varlen", "flex")
_chosen: ContextVar[str] = ContextVar("executor", default="blocked")


@contextlib.contextmanager
def executor(name: str) -> Iterator[None]:
    """Read by another executor in this block; a name that is none of `EXECUTORS` is refused."""
    if name not in EXECUTORS:
        raise ValueError(f"executor {name!r}: expected one of {', '.join(EXECUTORS)}.")
    before = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(before)


def attend_by_pattern(
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
    seen = Pattern(half_window=rows.length) if pattern is None else pattern
    name = _chosen.get()
    if name == "varlen" and varlen.fits(query, seen, rows, dropout):
        return varlen.attend_end_to_end(query, key, value, seen, rows, scale)
    if name == "flex" and flex.fits(query, dropout):
        return flex.attend_flexibly(query, key, value, seen, rows, scale)
    return attend_in_blocks(query, key, value, pattern, rows, scale, dropout=dropout)
