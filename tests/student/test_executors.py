"""Tests that executors of GPUs are given what they need, and are chosen where they can read."""

import pytest
import torch
from hypothesis import given, settings

from gonerd.student.attention.executors import attend_by_pattern, executor
from gonerd.student.attention.pattern import Pattern, Rows
from gonerd.student.attention.varlen import fits, laid_end_to_end
from tests.student.rows import SCALE, batches, documents_of, drawn

CPU = torch.device("cpu")


@settings(max_examples=100)
@given(batch=batches(60))
def test_documents_are_laid_end_to_end(batch: tuple[int, Rows]) -> None:
    num_rows, rows = batch
    places, bounds, longest = laid_end_to_end(rows, num_rows, CPU)
    expected = [
        [row * rows.length + at for at in range(start, end) if readable(rows, row, at)]
        for row in range(num_rows)
        for start, _, end in documents_of(rows, row)
    ]
    found = [
        places[start:end].tolist()
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
    assert found == [one for one in expected if one]
    assert bounds.dtype == torch.int32
    assert longest == max(map(len, found))


def readable(rows: Rows, row: int, place: int) -> bool:
    """Say whether a token is there."""
    return rows.readable is None or bool(rows.readable[row, place])


def test_padding_inside_a_document_is_refused() -> None:
    there = torch.tensor([[True, False, True]])
    with pytest.raises(ValueError) as error:
        laid_end_to_end(Rows(length=3, readable=there), 1, CPU)
    assert str(error.value) == ("padding stands inside a document; expected it before or behind.")


def test_an_executor_that_cannot_read_leaves_it_to_blocks() -> None:
    pattern, rows = Pattern(half_window=3, global_tokens=1), Rows(length=200)
    tensors = drawn(1, 2, 200, 0)
    usual = attend_by_pattern(*tensors, pattern, rows, SCALE)
    for name in ("varlen", "flex"):
        with executor(name):
            assert torch.equal(attend_by_pattern(*tensors, pattern, rows, SCALE), usual)


def test_a_name_that_is_no_executor_is_refused() -> None:
    with pytest.raises(ValueError) as error, executor("fast"):
        pass
    assert str(error.value) == "executor 'fast': expected one of blocked, varlen, flex."


def test_varlen_is_for_windows_in_16_bits_on_cuda() -> None:
    half = torch.zeros(1, 1, 4, 8, dtype=torch.bfloat16)
    assert not fits(half, Pattern(half_window=1), Rows(length=4), 0.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", ["varlen", "flex"])
@pytest.mark.parametrize("half", [64, 200, 1_000])
def test_executors_of_gpus_read_what_blocks_read(name: str, half: int) -> None:
    document = torch.zeros(2, 900, dtype=torch.long, device="cuda")
    document[0, 333:] = 1
    there = torch.ones(2, 900, dtype=torch.bool, device="cuda")
    there[1, 800:] = False
    rows, pattern = Rows(length=900, readable=there, document=document), Pattern(half_window=half)
    query, key, value = (
        one.detach().to("cuda", torch.bfloat16).requires_grad_() for one in drawn(2, 2, 900, 0, 64)
    )
    found = []
    for one in ("blocked", name):
        with executor(one):
            read = attend_by_pattern(query, key, value, pattern, rows, SCALE)
        read = read * there[:, None, :, None]
        found.append((read, *torch.autograd.grad(read.float().square().sum(), (query, key, value))))
    for usual, other in zip(*found, strict=True):
        torch.testing.assert_close(other, usual, rtol=0.05, atol=0.05)
