"""Queries, keys and values into what each query has read, by a table of all pairs: the reference.

Quadratic in time and memory, and as plain as can be: what faster executors are tested against.
"""

from typing import TYPE_CHECKING

from gonerd.student.attention.pattern import Pattern, Rows, visible

if TYPE_CHECKING:
    import torch


def attend_densely(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: Pattern,
    rows: Rows,
    scale: float,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back."""
    seen = visible(pattern, rows, query.device)[:, None]
    scores = (query @ key.transpose(-1, -2)) * scale
    weights = scores.masked_fill(~seen, float("-inf")).softmax(dim=-1)
    return weights @ value
