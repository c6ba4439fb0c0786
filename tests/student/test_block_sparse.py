"""Tests that BigBird's blocks are read as a table of blocks says, and learnt by."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.student.attention.block_sparse import BlockPattern, attend_to_blocks, drawn_blocks
from gonerd.student.attention.dense import attend_densely
from gonerd.student.attention.pattern import Pattern, Rows
from tests.student.rows import SCALE, Tensors, batches, documents_of, drawn, kept

patterns = st.builds(
    BlockPattern,
    block=st.sampled_from([1, 2, 7, 16]),
    global_blocks=st.integers(0, 2),
    global_blocks_at_end=st.integers(0, 2),
    random_blocks=st.integers(0, 3),
    seed=st.integers(0, 3),
)


def table(
    pattern: BlockPattern, num_blocks: int, num_heads: int, layer: int, random: torch.Tensor | None
) -> torch.Tensor:
    """Count how often the queries of a (head, block) read each block."""
    times = torch.zeros(num_heads, num_blocks, num_blocks)
    glob = {block for block in range(num_blocks) if block < pattern.global_blocks}
    glob |= {num_blocks - 1 - back for back in range(pattern.global_blocks_at_end)}
    if random is None:
        random = drawn_blocks(pattern, torch.tensor([num_blocks]), num_blocks, num_heads, layer)[0]
    for head in range(num_heads):
        for block in range(num_blocks):
            for other in range(num_blocks):
                if other in glob or block in glob or abs(block - other) <= 1:
                    times[head, block, other] = 1
            if block not in glob:
                for other in random[head % len(random), block].tolist():
                    times[head, block, other] += other >= 0
    return times


def read_by_table(
    tensors: Tensors,
    pattern: BlockPattern,
    rows: Rows,
    layer: int = 0,
    random: torch.Tensor | None = None,
) -> torch.Tensor:
    """Read document by document; what padding reads is left at nothing."""
    query, key, value = tensors
    found = torch.zeros_like(query)
    for row in range(len(query)):
        for start, end, _ in documents_of(rows, row):
            num_blocks = -(-(end - start) // pattern.block)
            times = table(pattern, num_blocks, query.shape[1], layer, random)
            of = torch.arange(end - start) // pattern.block
            weight = times[:, of][:, :, of].log().to(query)
            if rows.readable is not None:
                weight = weight.masked_fill(~rows.readable[row, start:end], float("-inf"))
            one, keys, values = (t[row, :, start:end] for t in (query, key, value))
            read = ((one @ keys.transpose(-1, -2)) * SCALE + weight).softmax(dim=-1) @ values
            found[row, :, start:end] = read
    return found


@settings(max_examples=80)
@given(
    pattern=patterns,
    batch=batches(longest=200),
    heads=st.integers(1, 2),
    layer=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_what_is_read_is_what_the_table_says_and_its_gradients_are(
    pattern: BlockPattern, batch: tuple[int, Rows], heads: int, layer: int, seed: int
) -> None:
    num_rows, rows = batch
    tensors = drawn(num_rows, heads, rows.length, seed)

    expected = kept(rows, read_by_table(tensors, pattern, rows, layer))
    found = attend_to_blocks(*tensors, pattern, rows, SCALE, layer=layer)

    assert torch.isfinite(found).all()
    torch.testing.assert_close(kept(rows, found), expected)
    slopes = torch.autograd.grad(expected.square().sum(), tensors)
    by_blocks = torch.autograd.grad(kept(rows, found).square().sum(), tensors)
    torch.testing.assert_close(by_blocks, slopes)


@given(length=st.integers(1, 120), heads=st.integers(1, 2), seed=st.integers(0, 99))
def test_random_blocks_can_be_given_and_count_as_often_as_they_are(
    length: int, heads: int, seed: int
) -> None:
    pattern = BlockPattern(block=8)
    num_blocks = -(-length // 8)
    chance = torch.Generator().manual_seed(seed)
    random = torch.randint(-1, num_blocks, (heads, num_blocks, 3), generator=chance)
    tensors = drawn(2, heads, length, seed)
    rows = Rows(length=length)

    found = attend_to_blocks(*tensors, pattern, rows, SCALE, given=random[None])

    torch.testing.assert_close(found, read_by_table(tensors, pattern, rows, random=random))


@given(pattern=patterns, num_blocks=st.integers(0, 30), layer=st.integers(0, 11))
def test_drawn_blocks_are_as_many_as_there_are_others(
    pattern: BlockPattern, num_blocks: int, layer: int
) -> None:
    end = num_blocks - pattern.global_blocks_at_end

    found = drawn_blocks(pattern, torch.tensor([num_blocks]), num_blocks + 5, 3, layer)

    for block in range(pattern.global_blocks, end):
        others = set(range(pattern.global_blocks, end)) - {block - 1, block, block + 1}
        for head in range(3):
            drawn = [one for one in found[0, head, block].tolist() if one >= 0]
            assert set(drawn) <= others
            assert len(set(drawn)) == len(drawn) == min(len(others), pattern.random_blocks)


def test_drawn_blocks_are_the_same_always_and_differ_by_seed_layer_and_head() -> None:
    def draw(seed: int, layer: int) -> torch.Tensor:
        return drawn_blocks(BlockPattern(seed=seed), torch.tensor([40]), 40, 2, layer)

    assert draw(0, 0)[0, :, 20].tolist() == [[2, 1, 10], [35, 7, 28]]
    assert torch.equal(draw(1, 3), draw(1, 3))
    assert not torch.equal(draw(0, 0), draw(1, 0))
    assert not torch.equal(draw(0, 0), draw(0, 1))


def test_every_other_block_is_drawn_about_as_often() -> None:
    seeds = [BlockPattern(random_blocks=2, seed=seed) for seed in range(1000)]
    found = torch.stack([drawn_blocks(one, torch.tensor([10]), 10, 1, 0)[0, 0, 5] for one in seeds])
    often = found.flatten().bincount(minlength=10).tolist()
    assert [number for number, times in enumerate(often) if times] == [1, 2, 3, 7, 8]
    assert all(350 <= often[block] <= 450 for block in (1, 2, 3, 7, 8))


@given(batch=batches(longest=200), seed=st.integers(0, 99))
def test_blocks_as_long_as_the_text_read_everything(batch: tuple[int, Rows], seed: int) -> None:
    num_rows, rows = batch
    tensors = drawn(num_rows, 2, rows.length, seed)

    found = attend_to_blocks(*tensors, BlockPattern(block=rows.length), rows, SCALE)

    everything = attend_densely(*tensors, Pattern(half_window=rows.length), rows, SCALE)
    torch.testing.assert_close(kept(rows, found), kept(rows, everything))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradients_are_those_of_small_steps(dropout: float) -> None:
    pattern, rows = BlockPattern(block=4, random_blocks=1), Rows(length=31)

    def attend(*three: torch.Tensor) -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return attend_to_blocks(*three, pattern, rows, SCALE, dropout=dropout)

    assert torch.autograd.gradcheck(attend, drawn(1, 1, 31, seed=0, width=2))


def test_padding_and_neighbours_in_a_row_change_nothing() -> None:
    pattern = BlockPattern(block=8)
    sizes = (100, 1, 60)
    tensors = drawn(1, 2, 161, seed=0)
    number = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))[None]
    readable = torch.arange(161)[None] < 100

    packed = attend_to_blocks(*tensors, pattern, Rows(length=161, document=number), SCALE)
    padded = attend_to_blocks(*tensors, pattern, Rows(length=161, readable=readable), SCALE)

    alone = [
        attend_to_blocks(*parts, pattern, Rows(length=size), SCALE)
        for size, *parts in zip(sizes, *(one.split(sizes, dim=2) for one in tensors), strict=True)
    ]
    torch.testing.assert_close(packed, torch.cat(alone, dim=2))
    torch.testing.assert_close(padded[:, :, :100], alone[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_precision_makes_numbers_vanish(dtype: torch.dtype) -> None:
    readable = torch.arange(200)[None] < torch.tensor([[90], [0]])
    tensors = [one.detach().to(dtype).requires_grad_() for one in drawn(2, 2, 200, seed=1)]

    rows = Rows(length=200, readable=readable)
    found = attend_to_blocks(*tensors, BlockPattern(block=8), rows, SCALE)
    found.sum().backward()

    assert found.dtype == dtype
    assert all(torch.isfinite(one).all() for one in (found, *(t.grad for t in tensors)))


def test_a_long_text_takes_no_table_of_all_pairs() -> None:
    length = 20_000  # of which a table of all pairs would take 3.2 GB
    tensors = [one.detach() for one in drawn(1, 1, length, seed=0, width=8)]
    pattern = BlockPattern(block=64)
    with torch.profiler.profile(profile_memory=True) as profile:
        found = attend_to_blocks(*tensors, pattern, Rows(length=length), SCALE)
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert largest < 200 * 2**20
    times = drawn_blocks(pattern, torch.tensor([313]), 313, 1, 0)[0, 0, 140]
    blocks = sorted({0, 312, 139, 140, 141, *times.tolist()})
    seen = torch.cat([torch.arange(64 * one, min(64 * one + 64, length)) for one in blocks])
    query, key, value = (one[0, 0] for one in tensors)
    inside = torch.arange(8_960, 9_024)
    expected = ((query[inside] @ key[seen].T) * SCALE).softmax(-1) @ value[seen]
    torch.testing.assert_close(found[0, 0, inside], expected)


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("block", 0, 1), ("global_blocks", -1, 0), ("random_blocks", 1.0, 0), ("seed", None, 0)],
)
def test_a_setting_that_is_no_such_number_is_refused(name: str, value: object, least: int) -> None:
    with pytest.raises(ValueError) as error:
        BlockPattern(**{name: value})  # type: ignore[arg-type]
    assert str(error.value) == f"{name} is {value!r}; expected a whole number, {least} or more."


def test_random_blocks_of_packed_rows_cannot_be_given() -> None:
    rows = Rows(length=9, document=torch.zeros(1, 9, dtype=torch.long))
    random = torch.zeros(1, 1, 2, 3, dtype=torch.long)
    with pytest.raises(ValueError) as error:
        attend_to_blocks(*drawn(1, 1, 9, 0), BlockPattern(), rows, SCALE, given=random)
    assert str(error.value) == "random blocks are given; expected rows of one document each."
