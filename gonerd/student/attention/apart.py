"""Documents packed into rows into rows of their own, for what cannot tell them apart.

A block, a cluster or a landmark of a row would otherwise hold tokens of two documents. What a
document reads is then the same packed or alone, whatever stands before it. Documents of about the
same length are read together: there are no more calls than times the longest can be halved, and
padding never outweighs the texts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gonerd.student.attention.pattern import Rows

if TYPE_CHECKING:
    import torch

Attend = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor", Rows], "torch.Tensor"]
"""From queries, keys, values and rows that hold one document each to what was read."""


def attend_apart(
    attend: Attend,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
) -> "torch.Tensor":
    """Let each document of packed rows be read alone; the shape of the queries comes back.

    A document is a run of tokens of one number.
    """
    import torch

    if rows.global_tokens is not None:
        raise ValueError(
            "global_tokens of single rows are given; expected none, as this attention has its own."
        )
    if rows.document is None:
        return attend(query, key, value, rows)
    starts, lengths = runs_of(rows.document)
    flat = [one.transpose(1, 2).flatten(0, 1) for one in (query, key, value)]
    readable = None if rows.readable is None else rows.readable.bool().flatten()
    found, places = [], []
    for chosen in _alike(lengths):
        longest = max(lengths[number] for number in chosen)
        step = torch.arange(longest, device=query.device)
        inside = step < torch.tensor([lengths[number] for number in chosen]).to(step)[:, None]
        first = torch.tensor([starts[number] for number in chosen]).to(step)[:, None]
        place = torch.where(inside, first + step, first)
        there = inside if readable is None else inside & readable[place]
        asking, keys, values = (one[place].transpose(1, 2) for one in flat)
        read = attend(asking, keys, values, Rows(length=longest, readable=there))
        found.append(read.transpose(1, 2)[inside])
        places.append(place[inside])
    order = torch.argsort(torch.cat(places))
    return torch.cat(found)[order].unflatten(0, (len(query), rows.length)).transpose(1, 2)


def runs_of(document: "torch.Tensor") -> tuple[list[int], list[int]]:
    """List the places, row after row, where documents begin, and how long they are.

    A document is a run of tokens of one number.
    """
    import torch

    new = torch.ones_like(document, dtype=torch.bool)
    new[:, 1:] = document[:, 1:] != document[:, :-1]
    starts: list[int] = new.flatten().nonzero()[:, 0].tolist()
    ends = [*starts[1:], document.numel()]
    return starts, [end - start for start, end in zip(starts, ends, strict=True)]


def _alike(lengths: list[int]) -> list[list[int]]:
    """Group documents whose lengths have as many binary digits."""
    groups: dict[int, list[int]] = {}
    for number, length in enumerate(lengths):
        groups.setdefault(length.bit_length(), []).append(number)
    return list(groups.values())
