"""Tests that landmarks are read through as the paper says, and as transformers' own model does."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.student.attention.nystrom import (
    LandmarkPattern,
    attend_to_landmarks,
)
from gonerd.student.attention.pattern import Rows
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
                found[row, :, place] = read_text(*(one[row, :, place] for one in tensors), pattern)
    return found


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
    found = attend_to_landmarks(*tensors, pattern, rows, SCALE)

    assert torch.isfinite(found).all()
    torch.testing.assert_close(kept(rows, found), expected)
    slopes = torch.autograd.grad(expected.square().sum(), tensors)
    ours = torch.autograd.grad(kept(rows, found).square().sum(), tensors)
    torch.testing.assert_close(ours, slopes)
