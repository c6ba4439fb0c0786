"""Tests that FlexAttention is told the pattern: tiles and parts, and what its kernel reads."""

import pytest
import torch
from hypothesis import given, settings

from gonerd.student.attention.dense import attend_densely
from gonerd.student.attention.flex import TILE, attend_flexibly, seen_tiles
from gonerd.student.attention.pattern import Pattern, Rows, visible
from tests.student.rows import SCALE
from tests.student.test_attention import batches, patterns


@settings(max_examples=60)
@given(pattern=patterns, batch=batches())
def test_tiles_that_are_seen_are_named_and_whole_ones_are_whole(
    pattern: Pattern, batch: tuple[int, Rows]
) -> None:
    num_rows, rows = batch
    some, every = seen_tiles(pattern, rows, torch.device("cpu"))
    seen = visible(pattern, rows).expand(num_rows, -1, -1)
    num_tiles = some.shape[1]
    beyond = num_tiles * TILE - rows.length
    padded = torch.nn.functional.pad(seen, (0, beyond, 0, beyond))
    tiles = padded.unflatten(2, (num_tiles, TILE)).unflatten(1, (num_tiles, TILE)).transpose(2, 3)
    assert (tiles.flatten(3).any(dim=3) <= some).all()
    assert (every <= tiles.flatten(3).all(dim=3)).all()


def test_a_band_in_tiles_grows_with_the_length() -> None:
    rows = Rows(length=64 * TILE)
    some, every = seen_tiles(Pattern(half_window=2 * TILE), rows, torch.device("cpu"))
    assert some.sum(dim=2).max() == 5
    assert every.sum(dim=2).max() == 3


@pytest.fixture(scope="module")
def packed() -> Rows:
    """Two rows of packed documents, one with padding."""
    document = torch.zeros(2, 300, dtype=torch.long)
    document[0, 170:] = 1
    document[1, 60:] = 2
    readable = torch.ones(2, 300, dtype=torch.bool)
    readable[1, 250:] = False
    return Rows(length=300, readable=readable, document=document)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it compiles
@pytest.mark.parametrize("pattern", [Pattern(half_window=40, global_tokens=2)])
def test_the_kernel_reads_what_the_table_says(pattern: Pattern, packed: Rows) -> None:
    chance = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, 300, 16, generator=chance) for _ in range(3))
    with torch.inference_mode():
        found = attend_flexibly(query, key, value, pattern, packed, SCALE)
        expected = attend_densely(query, key, value, pattern, packed, SCALE)
    assert packed.readable is not None
    there = packed.readable[:, None, :, None]
    torch.testing.assert_close(found * there, expected * there, rtol=0, atol=1e-5)
