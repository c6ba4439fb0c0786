"""Tests that a graph of BigBird's, LSG's or Nystromformer's attention reads other texts too."""

from collections.abc import Callable

import pytest
import torch

from gonerd.student.attention.block_sparse import BlockPattern, attend_to_blocks
from gonerd.student.attention.lsg import SparsePattern
from gonerd.student.attention.lsg_blocked import attend_sparsely
from gonerd.student.attention.nystrom import LandmarkPattern, attend_to_landmarks
from gonerd.student.attention.pattern import Rows
from tests.student.rows import SCALE

ATTENTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "bigbird": lambda *three, rows: attend_to_blocks(
        *three, BlockPattern(block=8, random_blocks=1), rows, SCALE
    ),
    "lsg": lambda *three, rows: attend_sparsely(
        *three, SparsePattern(block=8, sparse_block_size=8, selection="stride"), rows, SCALE
    ),
    "nystromformer": lambda *three, rows: attend_to_landmarks(
        *three, LandmarkPattern(landmarks=16), rows, SCALE
    ),
}
LENGTHS = {"nystromformer": (112, 17, 16, 9)}
"""Of texts that graphs read, where other lengths matter: more tokens than landmarks, and fewer."""


class Model(torch.nn.Module):
    """Attention as a model, which is what a graph is made of."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Read."""
        *three, readable = tensors
        rows = Rows(length=readable.shape[1], readable=readable)
        return ATTENTIONS[self.name](*three, rows=rows)


def inputs(rows: int, length: int) -> tuple[torch.Tensor, ...]:
    """Draw queries, keys, values, and the tokens that are there."""
    chance = torch.Generator().manual_seed(length)
    three = torch.randn((3, rows, 2, length, 4), generator=chance)
    readable = torch.arange(length)[None] < torch.full((rows, 1), length - 3)
    return *three, readable


@pytest.mark.parametrize("name", ATTENTIONS)
def test_a_graph_made_of_one_text_reads_texts_of_any_length(name: str) -> None:
    model, free = Model(name), torch.export.Dim.AUTO
    three, readable = {0: free, 2: free}, {0: free, 1: free}
    with torch.no_grad():
        graph = torch.export.export(
            model,
            inputs(2, 203),
            dynamic_shapes=((three, three, three, readable),),
            prefer_deferred_runtime_asserts_over_guards=True,
        ).module()
    for rows, length in enumerate(LENGTHS.get(name, (112, 201)), start=1):  # whole blocks and not
        others = inputs(rows, length)
        torch.testing.assert_close(graph(*others), model(*others))
