"""Tests that landmarks are read through as the paper says, and as transformers' own model does."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.student.attention.dense import attend_densely
from gonerd.student.attention.nystrom import (
    LandmarkPattern,
    attend_to_landmarks,
    pseudo_inverse,
)
from gonerd.student.attention.pattern import Pattern, Rows
from tests.student.rows import SCALE, Tensors, batches, documents_of, drawn, kept

patterns = st.builds(
    LandmarkPattern,
    landmarks=st.sampled_from([1, 2, 7, 16]),
    iterations=st.integers(0, 7),
    start=st.sampled_from(["head", "text"]),
)


def read_text(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, pattern: LandmarkPattern
) -> torch.Tensor:
    """Read (head, token, width) queries, keys and values of one text, as the paper writes it."""
    length, count = query.shape[1], pattern.landmarks
    if length <= count:
        return _softmax(query, key) @ value
    segment = torch.arange(length) * count // length
    mean = torch.nn.functional.one_hot(segment, count).T.to(query)
    mean = mean / mean.sum(dim=1, keepdim=True)
    queries, keys = mean @ query, mean @ key
    middle = _softmax(queries, keys)
    inverse = torch.stack([_inverse(one, middle, pattern) for one in middle])
    return _softmax(query, keys) @ inverse @ (_softmax(queries, key) @ value)


def _softmax(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    return (query @ key.transpose(-1, -2) * SCALE).softmax(dim=-1)


def _inverse(one: torch.Tensor, of_text: torch.Tensor, pattern: LandmarkPattern) -> torch.Tensor:
    """Iterate as in equation 11 of the paper."""
    norms = [matrix.sum(dim=0).max() * matrix.sum(dim=1).max() for matrix in of_text]
    own = one.sum(dim=0).max() * one.sum(dim=1).max()
    found = one.T / (own if pattern.start == "head" else max(norms))
    unit = torch.eye(len(one)).to(one)
    for _ in range(pattern.iterations):
        twice = one @ found
        found = 0.25 * found @ (13 * unit - twice @ (15 * unit - twice @ (7 * unit - twice)))
    return found


def read_each(tensors: Tensors, pattern: LandmarkPattern, rows: Rows) -> torch.Tensor:
    """Read document by document; what padding reads is left at nothing."""
    found = torch.zeros_like(tensors[0])
    for row in range(len(found)):
        for start, end, _ in documents_of(rows, row):
            place = torch.arange(start, end)
            if rows.readable is not None:
                place = place[rows.readable[row, start:end]]
            if len(place):
                query, key, value = (one[row, :, place] for one in tensors)
                found[row, :, place] = read_text(query, key, value, pattern)
    return found


def read(tensors: Sequence[torch.Tensor], pattern: LandmarkPattern, rows: Rows) -> torch.Tensor:
    """Read by queries, keys and values."""
    query, key, value = tensors
    return attend_to_landmarks(query, key, value, pattern, rows, SCALE)


@settings(max_examples=80)
@given(
    pattern=patterns,
    batch=batches(longest=120),
    heads=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_what_is_read_is_what_the_paper_says_and_its_gradients_are(
    pattern: LandmarkPattern, batch: tuple[int, Rows], heads: int, seed: int
) -> None:
    num_rows, rows = batch
    tensors = drawn(num_rows, heads, rows.length, seed)

    expected = kept(rows, read_each(tensors, pattern, rows))
    found = read(tensors, pattern, rows)

    assert torch.isfinite(found).all()
    torch.testing.assert_close(kept(rows, found), expected)
    slopes = torch.autograd.grad(expected.square().sum(), tensors)
    ours = torch.autograd.grad(kept(rows, found).square().sum(), tensors)
    torch.testing.assert_close(ours, slopes)


@given(batch=batches(longest=60), over=st.integers(0, 9), seed=st.integers(0, 99))
def test_texts_of_no_more_tokens_than_landmarks_are_read_whole(
    batch: tuple[int, Rows], over: int, seed: int
) -> None:
    num_rows, rows = batch
    tensors = drawn(num_rows, 2, rows.length, seed)
    ends = [documents_of(rows, row) for row in range(num_rows)]
    longest = max(end - start for documents in ends for start, end, _ in documents)
    pattern = LandmarkPattern(landmarks=max(longest, 1) + over, iterations=0)

    found = read(tensors, pattern, rows)

    everything = attend_densely(*tensors, Pattern(half_window=rows.length), rows, SCALE)
    torch.testing.assert_close(kept(rows, found), kept(rows, everything))


@given(
    length=st.integers(1, 80),
    landmarks=st.sampled_from([3, 16]),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_padding_may_stand_anywhere(
    length: int, landmarks: int, seed: int, data: st.DataObject
) -> None:
    tensors = drawn(1, 2, length, seed)
    there = torch.tensor(data.draw(st.lists(st.booleans(), min_size=length, max_size=length)))
    pattern = LandmarkPattern(landmarks=landmarks)

    found = read(tensors, pattern, Rows(length=length, readable=there[None]))

    assert torch.isfinite(found).all()
    if there.any():
        alone = [one[:, :, there] for one in tensors]
        rows = Rows(length=int(there.sum()))
        expected = read(alone, pattern, rows)
        torch.testing.assert_close(found[:, :, there], expected)


@given(size=st.integers(1, 12), seed=st.integers(0, 99))
def test_many_iterations_find_the_inverse(size: int, seed: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    scores = torch.randn((2, 3, size, size), generator=chance, dtype=torch.float64)
    matrices = (scores + 3 * torch.eye(size)).softmax(dim=-1)

    expected = torch.linalg.pinv(matrices)

    for start in ("head", "text"):
        torch.testing.assert_close(pseudo_inverse(matrices, 30, start), expected)


def test_gradients_are_those_of_small_steps() -> None:
    readable = torch.arange(11)[None] < torch.tensor([[11], [3]])
    rows = Rows(length=11, readable=readable)

    def attend(*three: torch.Tensor) -> torch.Tensor:
        return read(three, LandmarkPattern(landmarks=4), rows)

    assert torch.autograd.gradcheck(attend, drawn(2, 1, 11, seed=0, width=2))


def test_padding_and_neighbours_in_a_row_change_nothing() -> None:
    pattern = LandmarkPattern(landmarks=8)
    sizes = (100, 1, 5, 60)
    tensors = drawn(1, 2, 166, seed=0)
    number = torch.repeat_interleave(torch.arange(4), torch.tensor(sizes))[None]
    readable = torch.arange(166)[None] < 100

    packed = read(tensors, pattern, Rows(length=166, document=number))
    padded = read(tensors, pattern, Rows(length=166, readable=readable))

    alone = [
        read(parts, pattern, Rows(length=size))
        for size, *parts in zip(sizes, *(one.split(sizes, dim=2) for one in tensors), strict=True)
    ]
    torch.testing.assert_close(packed, torch.cat(alone, dim=2))
    torch.testing.assert_close(padded[:, :, :100], alone[0])


@pytest.mark.parametrize("start", ["head", "text"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("likeness", ["none", "nearly", "quite"])
@pytest.mark.parametrize("iterations", [6, 20])
def test_no_precision_and_no_likeness_of_landmarks_makes_numbers_vanish(
    dtype: torch.dtype, start: str, likeness: str, iterations: int
) -> None:
    readable = torch.arange(200)[None] < torch.tensor([[200], [90], [7], [0]])
    tensors = drawn(4, 2, 200, seed=1)
    if likeness != "none":
        spread = 1e-4 if likeness == "nearly" else 0
        tensors = tuple(one[:, :, :1] * 20 + spread * one for one in tensors)
    leaves = [one.detach().to(dtype).requires_grad_() for one in tensors]

    rows = Rows(length=200, readable=readable)
    pattern = LandmarkPattern(landmarks=8, iterations=iterations, start=start)
    found = read(leaves, pattern, rows)
    found.square().sum().backward()

    assert found.dtype == dtype
    assert all(torch.isfinite(one).all() for one in (found, *(t.grad for t in leaves)))


def test_single_precision_is_close_to_double() -> None:
    tensors = [one.detach() * 3 for one in drawn(2, 2, 500, seed=1, width=16)]
    rows, pattern = Rows(length=500), LandmarkPattern(landmarks=32)
    expected = read(tensors, pattern, rows)
    single = read([one.float() for one in tensors], pattern, rows)
    torch.testing.assert_close(single.double(), expected, rtol=0, atol=1e-4)


def test_autocast_shortens_nothing_that_is_inverted() -> None:
    tensors = [one.detach().float() for one in drawn(2, 2, 300, seed=1)]
    rows, pattern = Rows(length=300), LandmarkPattern(landmarks=16)
    expected = read(tensors, pattern, rows)
    with torch.autocast("cpu", torch.bfloat16):
        found = read(tensors, pattern, rows)
    assert (found - expected).abs().max() < 0.02


def test_a_long_text_takes_no_table_of_all_pairs() -> None:
    length = 20_000  # of which a table of all pairs would take 1.6 GB, one of landmarks 5 MB
    tensors = [one.detach().float() for one in drawn(1, 1, length, seed=0, width=8)]
    with torch.profiler.profile(profile_memory=True) as profile:
        found = read(tensors, LandmarkPattern(), Rows(length=length))
    assert max(event.cpu_memory_usage for event in profile.events()) < 3 * 2**20
    query, key, value = (one[0].double() for one in tensors)
    expected = read_text(query, key, value, LandmarkPattern())
    torch.testing.assert_close(found[0].double(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("landmarks", 0, "a whole number, 1 or more"),
        ("landmarks", 64.0, "a whole number, 1 or more"),
        ("iterations", -1, "a whole number, 0 to 20"),
        ("iterations", 21, "a whole number, 0 to 20"),
        ("iterations", True, "a whole number, 0 to 20"),
        ("start", "original", "one of head, text"),
        ("start", ["head"], "one of head, text"),
    ],
)
def test_a_setting_that_is_none_is_refused(name: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError) as error:
        LandmarkPattern(**{name: value})  # type: ignore[arg-type]
    assert str(error.value) == f"{name} is {value!r}; expected {expected}."
