"""Tests that a whole text is read the same by products of another library, whatever its scores."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.student.attention import whole
from gonerd.student.attention.blocked import attend_in_blocks
from gonerd.student.attention.pattern import Rows
from gonerd.student.attention.whole import has_faster_products, read_faster, reads_faster

pytestmark = pytest.mark.skipif(
    not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")),
    reason="this torch has no oneDNN",
)


def drawn(num_rows: int, length: int, larger: float, seed: int) -> Iterator[torch.Tensor]:
    chance = torch.Generator().manual_seed(seed)
    for factor in (larger, larger, 1.0):
        yield torch.randn(num_rows, 2, length, 16, generator=chance) * factor


def expected_of(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, readable: torch.Tensor | None
) -> torch.Tensor:
    scores = query.double() @ key.double().mT * 0.25
    if readable is not None:
        scores = scores.masked_fill(~readable[:, None, None], -torch.inf)
    return (scores.softmax(dim=-1) @ value.double()).float()


@settings(max_examples=40, deadline=None)
@given(
    length=st.sampled_from([1, 2, 511, 512, 1_022, 1_023, 1_024, 2_046, 2_047])
    | st.integers(1, 2_500),
    larger=st.sampled_from([0.0, 0.1, 1.0, 3.0, 10.0]),
    num_rows=st.integers(1, 2),
    padded=st.integers(0, 2_000),
    seed=st.integers(0, 99),
)
def test_what_is_read_is_what_the_table_says(
    length: int, larger: float, num_rows: int, padded: int, seed: int
) -> None:
    query, key, value = drawn(num_rows, length, larger, seed)
    readable = None
    if padded:
        readable = torch.arange(length)[None].expand(num_rows, -1) < max(1, length - padded)

    found = read_faster(query, key, value, readable, 0.25)

    torch.testing.assert_close(
        found, expected_of(query, key, value, readable), rtol=0, atol=2e-5 * max(1.0, larger**2)
    )


def test_one_key_beyond_all_others_is_read_though_no_sample_has_it() -> None:
    query, key, value = drawn(1, 2_000, 1.0, 0)
    key[:, :, 1_001] = query[:, :, 7] * 40

    found = read_faster(query, key, value, None, 0.25)

    assert found.isfinite().all()
    torch.testing.assert_close(found[0, :, 7], value[0, :, 1_001], rtol=0, atol=1e-4)
    torch.testing.assert_close(found, expected_of(query, key, value, None), rtol=0, atol=1e-4)


def test_a_part_of_next_to_no_weight_changes_nothing() -> None:
    query, key, value = drawn(1, 4_000, 1.0, 0)
    query[..., 0], key[..., 0] = 100.0, 0.0
    key[:, :, 1_500:, 0] = -100.0

    found = read_faster(query, key, value, None, 0.25)

    alone = expected_of(query, key[:, :, :1_500], value[:, :, :1_500], None)
    torch.testing.assert_close(found, alone, rtol=0, atol=1e-4)


def test_it_reads_where_it_can_and_gradients_are_left_to_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whole, "has_faster_products", lambda: True)
    query, key, value = drawn(1, 1_500, 1.0, 0)
    assert reads_faster(query, key, value, 0.0)
    assert not reads_faster(query, key, value, 0.1)
    assert not reads_faster(query, key[:, :, :1_000], value[:, :, :1_000], 0.0)
    assert not reads_faster(query.bfloat16(), key, value, 0.0)
    key.requires_grad_()
    assert not reads_faster(query, key, value, 0.0)
    with torch.no_grad():
        assert reads_faster(query, key, value, 0.0)
    assert type(has_faster_products()) is bool


@pytest.mark.parametrize("padded", [0, 300])
def test_packed_documents_are_read_as_alone(monkeypatch: pytest.MonkeyPatch, padded: int) -> None:
    monkeypatch.setattr(whole, "has_faster_products", lambda: True)
    query, key, value = drawn(1, 3_000, 1.0, 0)
    document = (torch.arange(3_000)[None] >= 1_200).long()
    readable = torch.arange(3_000)[None] < 3_000 - padded
    rows = Rows(length=3_000, document=document, readable=readable if padded else None)

    found = attend_in_blocks(query, key, value, None, rows, 0.25)

    for own in (slice(0, 1_200), slice(1_200, 3_000)):
        asking, keys, values = (one[:, :, own] for one in (query, key, value))
        alone = expected_of(asking, keys, values, readable[:, own])
        torch.testing.assert_close(found[:, :, own], alone, rtol=0, atol=2e-5)
