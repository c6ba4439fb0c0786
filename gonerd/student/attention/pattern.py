"""Settings of an efficient attention, and the rows of a batch, into which keys each query sees.

One definition for every executor: a query sees the keys of its own document within its window, all
the global tokens of its document, and itself. A global token sees its whole document (Beltagy et
al. 2020, "Longformer"). Padding is seen by nobody else.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """Which keys a query sees."""

    half_window: int
    """Keys on either side, so that a window of 2 * half_window + 1 tokens has the query in it."""
    global_tokens: int = 0
    """How many tokens at the beginning of each document are global."""

    def __post_init__(self) -> None:
        for name in ("half_window", "global_tokens"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise ValueError(f"{name} is {value!r}; expected a whole number, 0 or more.")


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Rows:
    """What is known of the rows of a batch besides their tokens."""

    length: int
    """Tokens of a row, padding among them."""
    readable: "torch.Tensor | None" = None
    """(row, token): false where there is padding. None: no padding."""
    document: "torch.Tensor | None" = None
    """(row, token): a number for each document of a row. None: one document a row."""
    global_tokens: "torch.Tensor | None" = None
    """(row, token): true where a token is global. None: as many as the pattern says."""


def visible(pattern: Pattern, rows: Rows, device: "torch.device | None" = None) -> "torch.Tensor":
    """Write out which (row, query, key) are visible; (1, query, key) where all rows are alike."""
    import torch

    place = torch.arange(rows.length, device=device)
    seen = ((place[:, None] - place).abs() <= pattern.half_window)[None]
    glob = is_global(pattern, rows, device)
    seen = seen | glob[:, None, :] | glob[:, :, None]
    if rows.document is not None:
        seen = seen & (rows.document[:, :, None] == rows.document[:, None, :])
    if rows.readable is not None:
        seen = seen & rows.readable[:, None, :]
    return seen | torch.eye(rows.length, dtype=torch.bool, device=device)


def is_global(pattern: Pattern, rows: Rows, device: "torch.device | None" = None) -> "torch.Tensor":
    """Say which (row, token) are global; (1, token) where all rows are alike."""
    import torch

    if rows.global_tokens is not None:
        return rows.global_tokens
    place = torch.arange(rows.length, device=device)
    if rows.document is None:
        return (place < pattern.global_tokens)[None]
    new = torch.ones_like(rows.document, dtype=torch.bool)
    new[:, 1:] = rows.document[:, 1:] != rows.document[:, :-1]
    first = torch.where(new, place, 0).cummax(dim=1).values
    return place - first < pattern.global_tokens
