"""Tests that attention in blocks reads just what the table of all pairs says, and learns by it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.student.attention.blocked import attend_in_blocks, find_globals
from gonerd.student.attention.dense import attend_densely
from gonerd.student.attention.masks import at, block_size, know_rows
from gonerd.student.attention.pattern import Pattern, Rows, is_global, visible
from gonerd.student.attention.windows import read_anywhere
from tests.student.rows import SCALE, drawn

patterns = st.builds(
    Pattern,
    half_window=st.sampled_from([0, 1, 3, 64, 70, 130, 10_000]),
    global_tokens=st.sampled_from([0, 0, 1, 3]),
)
lengths = st.sampled_from([1, 2, 63, 64, 65, 130, 200, 257]) | st.integers(1, 300)


@st.composite
def batches(draw: st.DrawFn) -> tuple[int, Rows]:
    """Draw rows with and without padding, packed documents and global tokens anywhere."""
    length, num_rows = draw(lengths), draw(st.integers(1, 3))
    readable = document = global_tokens = None
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
    if draw(st.booleans()):
        global_tokens = torch.zeros(num_rows, length, dtype=torch.bool)
        places = st.lists(st.integers(0, length - 1), max_size=4)
        for row in range(num_rows):
            global_tokens[row, draw(places)] = True
    return num_rows, Rows(
        length=length, readable=readable, document=document, global_tokens=global_tokens
    )


@settings(max_examples=60)
@given(
    pattern=patterns,
    batch=batches(),
    heads=st.integers(1, 2),
    seed=st.integers(0, 99),
    span=st.sampled_from([1, 128, 10_000]),
    dropout=st.sampled_from([0.0, 1e-15]),
)
def test_blocks_read_what_the_table_says_and_their_gradients_are_its(
    pattern: Pattern, batch: tuple[int, Rows], heads: int, seed: int, span: int, dropout: float
) -> None:
    # so little dropout drops nothing, but what drops is other code
    num_rows, rows = batch
    tensors = drawn(num_rows, heads, rows.length, seed)

    expected = attend_densely(*tensors, pattern, rows, SCALE)
    found = attend_in_blocks(*tensors, pattern, rows, SCALE, span=span, dropout=dropout)

    torch.testing.assert_close(found, expected)
    with torch.no_grad():  # by smaller blocks
        without = attend_in_blocks(*tensors, pattern, rows, SCALE, span=span)
    torch.testing.assert_close(without, expected)
    slopes = torch.autograd.grad(expected.square().sum(), tensors)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), tensors), slopes)


@given(batch=batches(), seed=st.integers(0, 99))
def test_without_a_pattern_or_with_a_window_over_all_everything_is_read(
    batch: tuple[int, Rows], seed: int
) -> None:
    num_rows, rows = batch
    tensors = drawn(num_rows, 2, rows.length, seed)

    everything = attend_in_blocks(*tensors, None, rows, SCALE)
    wide = attend_in_blocks(*tensors, Pattern(half_window=rows.length), rows, SCALE)

    there = torch.ones(num_rows, rows.length, dtype=torch.bool)
    there = there if rows.readable is None else rows.readable
    keep = there[:, None, :, None].expand_as(wide)
    torch.testing.assert_close(everything[keep], wide[keep])


@settings(max_examples=40)
@given(
    half=st.sampled_from([0, 1, 3, 64, 70]),
    batch=batches(),
    seed=st.integers(0, 99),
    span=st.sampled_from([1, 128, 10_000]),
)
def test_what_runs_on_any_device_reads_what_the_table_says(
    half: int, batch: tuple[int, Rows], seed: int, span: int
) -> None:
    num_rows, rows = batch
    pattern = Pattern(half_window=half, global_tokens=1)
    tensors = drawn(num_rows, 2, rows.length, seed)
    globs = find_globals(pattern, rows)
    local = ~is_global(pattern, rows)[:, None, :, None]

    expected = attend_densely(*tensors, pattern, rows, SCALE) * local
    known = know_rows(pattern, rows, tensors[0], globs)
    found = read_anywhere(*tensors, known, globs, SCALE, 0.0, span) * local

    torch.testing.assert_close(found, expected)
    slopes = torch.autograd.grad(expected.square().sum(), tensors)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), tensors), slopes)


@settings(max_examples=30)
@given(batch=batches(), seed=st.integers(0, 99))
def test_global_tokens_may_read_by_queries_keys_and_values_of_their_own(
    batch: tuple[int, Rows], seed: int
) -> None:
    num_rows, rows = batch
    pattern = Pattern(half_window=3, global_tokens=1)
    tensors, own = (drawn(num_rows, 2, rows.length, one) for one in (seed, seed + 1))
    globs = find_globals(pattern, rows)
    read = attend_densely(*own, pattern, rows, SCALE)

    found = attend_in_blocks(
        *tensors, pattern, rows, SCALE, globs=globs, global_rows=at(read, globs.places)
    )

    usual = attend_densely(*tensors, pattern, rows, SCALE)
    expected = torch.where(is_global(pattern, rows)[:, None, :, None], read, usual)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("global_tokens", [0, 1])
@pytest.mark.parametrize("span", [1, 10_000])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradients_are_those_of_small_steps(global_tokens: int, span: int, dropout: float) -> None:
    pattern = Pattern(half_window=2, global_tokens=global_tokens)
    rows = Rows(length=block_size(pattern) + 9)
    tensors = drawn(1, 1, rows.length, seed=0, width=2)

    def read(*all_three: torch.Tensor) -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(7)  # so that each time the same is dropped
            return attend_in_blocks(*all_three, pattern, rows, SCALE, span=span, dropout=dropout)

    assert torch.autograd.gradcheck(read, tensors)


@pytest.mark.parametrize("global_tokens", [0, 2])
def test_what_is_read_with_dropout_is_on_average_what_is_read_without(global_tokens: int) -> None:
    pattern = Pattern(half_window=10, global_tokens=global_tokens)
    rows = Rows(length=90)
    tensors = [one.detach() for one in drawn(1, 2, rows.length, seed=0)]
    expected = attend_densely(*tensors, pattern, rows, SCALE)

    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawings = [
            attend_in_blocks(*tensors, pattern, rows, SCALE, dropout=0.25) for _ in range(400)
        ]

    mean = torch.stack(drawings).mean(dim=0)
    spread = torch.stack(drawings).std(dim=0)
    assert spread.mean() > 0.01
    assert ((mean - expected).abs() < 5 * spread / 20 + 1e-9).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_precision_makes_numbers_vanish(dtype: torch.dtype) -> None:
    rows = Rows(length=200, readable=torch.arange(200)[None] < 90)
    tensors = [one.detach().to(dtype).requires_grad_() for one in drawn(1, 2, 200, seed=1)]

    found = attend_in_blocks(*tensors, Pattern(half_window=3, global_tokens=1), rows, SCALE)
    found.sum().backward()

    assert found.dtype == dtype
    assert all(torch.isfinite(one).all() for one in (found, *(t.grad for t in tensors)))


def test_what_is_visible_is_written_out() -> None:
    pattern = Pattern(half_window=1, global_tokens=1)
    rows = Rows(
        length=6,
        readable=torch.tensor([[True, True, True, True, True, False]]),
        document=torch.tensor([[0, 0, 0, 1, 1, 1]]),
    )

    assert visible(pattern, rows).int().tolist() == [
        [
            [1, 1, 1, 0, 0, 0],
            [1, 1, 1, 0, 0, 0],
            [1, 1, 1, 0, 0, 0],
            [0, 0, 0, 1, 1, 0],
            [0, 0, 0, 1, 1, 0],
            [0, 0, 0, 1, 1, 1],
        ]
    ]


@pytest.mark.parametrize("value", [-1, 1.0, True, None])
def test_a_window_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError) as error:
        Pattern(half_window=value)  # type: ignore[arg-type]
    assert str(error.value) == f"half_window is {value!r}; expected a whole number, 0 or more."
