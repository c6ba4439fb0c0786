"""Rows of batches drawn at random, and what is theirs, for tests of attention by documents."""

import torch
from hypothesis import strategies as st

from gonerd.student.attention.pattern import Rows

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
SCALE = 0.3


def drawn(rows: int, heads: int, length: int, seed: int, width: int = 4) -> Tensors:
    """Draw queries, keys and values, laid out as models lay them out."""
    chance = torch.Generator().manual_seed(seed)
    shape = (rows, length, heads, width)
    query, key, value = (
        torch.randn(shape, generator=chance, dtype=torch.float64).transpose(1, 2).requires_grad_()
        for _ in range(3)
    )
    return query, key, value


@st.composite
def batches(draw: st.DrawFn, longest: int) -> tuple[int, Rows]:
    """Draw rows with and without padding and packed documents."""
    length, num_rows = draw(st.integers(1, longest)), draw(st.integers(1, 3))
    readable = document = None
    if draw(st.booleans()):
        ends = draw(st.lists(st.integers(1, length), min_size=num_rows, max_size=num_rows))
        readable = torch.arange(length)[None] < torch.tensor(ends)[:, None]
    if draw(st.booleans()):
        starts = st.lists(st.integers(0, length), max_size=3)
        cuts = draw(st.lists(starts, min_size=num_rows, max_size=num_rows))
        place = torch.arange(length)
        document = torch.stack(
            [sum(((place >= cut).long() for cut in own), torch.zeros_like(place)) for own in cuts]
        )
    return num_rows, Rows(length=length, readable=readable, document=document)


def documents_of(rows: Rows, row: int) -> list[tuple[int, int, int]]:
    """List the documents of a row: the first token, and behind the last readable and the last."""
    number = [0] * rows.length if rows.document is None else rows.document[row].tolist()
    there = [True] * rows.length if rows.readable is None else rows.readable[row].tolist()
    starts = [at for at in range(rows.length) if at == 0 or number[at] != number[at - 1]]
    found = []
    for start, end in zip(starts, [*starts[1:], rows.length], strict=True):
        found.append((start, max([start, *(at + 1 for at in range(start, end) if there[at])]), end))
    return found


def kept(rows: Rows, found: torch.Tensor) -> torch.Tensor:
    """Leave what padding reads out of account."""
    if rows.readable is None:
        return found
    return torch.where(rows.readable[:, None, :, None], found, 0)
