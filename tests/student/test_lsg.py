"""Tests that LSG reads what its description says, query by query, and learns by it."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.student.attention.dense import attend_densely
from gonerd.student.attention.lsg import SELECTIONS, SparsePattern, random_vectors
from gonerd.student.attention.lsg_blocked import attend_sparsely
from gonerd.student.attention.pattern import Pattern, Rows
from tests.student.rows import SCALE, Tensors, batches, documents_of, drawn, kept

Pair = tuple[torch.Tensor, torch.Tensor]

patterns = st.sampled_from([(4, 0), (4, 4), (4, 8), (8, 4), (12, 24), (16, 4), (1, 1)]).flatmap(
    lambda sizes: st.builds(
        SparsePattern,
        block=st.just(sizes[0]),
        sparse_block_size=st.just(sizes[1]),
        selection=st.sampled_from(sorted(SELECTIONS)),
        sparsity_factor=st.sampled_from([1, 2, 4] if min(sizes) >= 4 else [1]),
        global_tokens=st.sampled_from([0, 1, 1, 3, 9]),
        seed=st.integers(0, 2),
    )
)


class Text:
    """One document as one head reads it, as slowly as it can be told."""

    def __init__(
        self,
        three: Tensors,
        there: list[bool],
        pattern: SparsePattern,
        head: int,
        vectors: torch.Tensor,
    ) -> None:
        self.query, self.key, self.value = three
        self.there, self.pattern, self.head, self.vectors = there, pattern, head, vectors
        self.chunks: dict[int, list[Pair]] = {}

    def pairs(self, places: Iterator[int] | range) -> list[Pair]:
        """List keys and values of tokens that are there."""
        inside = [one for one in places if 0 <= one < len(self.there) and self.there[one]]
        return [(self.key[one], self.value[one]) for one in inside]

    def free(self, places: range) -> list[int]:
        """List the tokens among some that are no global ones."""
        first = self.pattern.global_tokens
        return [p for p in places if first <= p < len(self.there) and self.there[p]]

    def read(self, place: int) -> torch.Tensor:
        """Read for one query."""
        pattern, size = self.pattern, self.pattern.block
        if place < pattern.global_tokens:
            found = self.pairs(range(len(self.there)))
        else:
            block = place // size
            found = self.pairs(range(pattern.global_tokens))
            near = range((block - 1) * size, (block + 2) * size)
            found += [(self.key[one], self.value[one]) for one in self.free(near)]
            far = pattern.sparse_block_size * pattern.sparsity_factor
            for begin in (near.start - far, near.stop):
                for start in range(begin, begin + far, pattern.chunk or 1):
                    if start >= 0:
                        found += self.sparse(start)
        keys, values = (torch.stack(one) for one in zip(*found, strict=True))
        return ((keys @ self.query[place]) * SCALE).softmax(dim=0) @ values

    def sparse(self, start: int) -> list[Pair]:
        """Find the sparse tokens of a chunk."""
        if start not in self.chunks:
            chunk = range(start, start + self.pattern.chunk)
            if self.pattern.sparsity_factor == 1:
                self.chunks[start] = [(self.key[p], self.value[p]) for p in self.free(chunk)]
            else:
                self.chunks[start] = getattr(self, self.pattern.selection)(chunk)
        return self.chunks[start]

    def stride(self, chunk: range) -> list[Pair]:
        factor = self.pattern.sparsity_factor
        chosen = [one for one in self.free(chunk) if one % factor == self.head % factor]
        return [(self.key[one], self.value[one]) for one in chosen]

    def block_stride(self, chunk: range) -> list[Pair]:
        part = len(chunk) // self.pattern.sparsity_factor
        number = self.head % self.pattern.sparsity_factor
        chosen = self.free(chunk[number * part : (number + 1) * part])
        return [(self.key[one], self.value[one]) for one in chosen]

    def norm(self, chunk: range) -> list[Pair]:
        longest = sorted(self.free(chunk), key=lambda one: -float(self.key[one].detach().norm()))
        chosen = longest[: len(chunk) // self.pattern.sparsity_factor]
        return [(self.key[one], self.value[one]) for one in chosen]

    def pooling(self, chunk: range) -> list[Pair]:
        return [self.mean(group, [1.0] * len(group)) for group in self.groups(chunk)]

    def bos_pooling(self, chunk: range) -> list[Pair]:
        return [
            self.mean(group, [torch.exp(self.query[0] @ self.key[one] * SCALE) for one in group])
            for group in self.groups(chunk)
        ]

    def lsh(self, chunk: range) -> list[Pair]:
        buckets: dict[int, list[int]] = {}
        for one in self.free(chunk):
            along = [float(self.key[one].detach() @ vector) for vector in self.vectors.T]
            values = [*along, *(-each for each in along)]
            values = values[: len(chunk) // self.pattern.sparsity_factor]
            buckets.setdefault(values.index(max(values)), []).append(one)
        return [self.mean(group, [1.0] * len(group)) for group in buckets.values()]

    def groups(self, chunk: range) -> list[list[int]]:
        factor = self.pattern.sparsity_factor
        found = [self.free(chunk[at : at + factor]) for at in range(0, len(chunk), factor)]
        return [group for group in found if group]

    def mean(self, group: list[int], weights: list[float] | list[torch.Tensor]) -> Pair:
        total = sum(weights)
        shares = [weight / total for weight in weights]
        keys = [share * self.key[one] for share, one in zip(shares, group, strict=True)]
        values = [share * self.value[one] for share, one in zip(shares, group, strict=True)]
        return torch.stack(keys).sum(dim=0), torch.stack(values).sum(dim=0)


def read_slowly(
    tensors: Tensors, pattern: SparsePattern, rows: Rows, layer: int = 0
) -> torch.Tensor:
    """Read query by query; what padding reads is left at nothing."""
    num_rows, num_heads, length, width = tensors[0].shape
    nothing = torch.zeros(width, dtype=torch.float64)
    found = []
    for row in range(num_rows):
        there = [True] * length if rows.readable is None else rows.readable[row].tolist()
        for head in range(num_heads):
            vectors = torch.empty(width, 0)
            if pattern.sparse_block_size:
                vectors = random_vectors(pattern, num_heads, width, layer)[head].double()
            for start, _, end in documents_of(rows, row):
                query, key, value = (one[row, head, start:end] for one in tensors)
                text = Text((query, key, value), there[start:end], pattern, head, vectors)
                for place in range(end - start):
                    found.append(text.read(place) if there[start + place] else nothing)
    return torch.stack(found).view(num_rows, num_heads, length, width)


@settings(max_examples=60)
@given(
    pattern=patterns,
    batch=batches(longest=60),
    heads=st.integers(1, 3),
    layer=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_what_is_read_is_what_the_description_says_and_its_gradients_are(
    pattern: SparsePattern, batch: tuple[int, Rows], heads: int, layer: int, seed: int
) -> None:
    num_rows, rows = batch
    tensors = drawn(num_rows, heads, rows.length, seed)

    expected = kept(rows, read_slowly(tensors, pattern, rows, layer))
    found = attend_sparsely(*tensors, pattern, rows, SCALE, layer=layer)

    assert torch.isfinite(found).all()
    torch.testing.assert_close(kept(rows, found), expected)
    slopes = torch.autograd.grad(expected.square().sum(), tensors)
    by_blocks = torch.autograd.grad(kept(rows, found).square().sum(), tensors)
    torch.testing.assert_close(by_blocks, slopes)


@given(
    selection=st.sampled_from(sorted(SELECTIONS)), batch=batches(longest=90), seed=st.integers(0, 9)
)
def test_blocks_as_long_as_the_text_read_everything(
    selection: str, batch: tuple[int, Rows], seed: int
) -> None:
    num_rows, rows = batch
    tensors = drawn(num_rows, 2, rows.length, seed)
    pattern = SparsePattern(
        block=96, sparse_block_size=96, sparsity_factor=2, selection=selection, global_tokens=0
    )

    found = attend_sparsely(*tensors, pattern, rows, SCALE)

    everything = attend_densely(*tensors, Pattern(half_window=rows.length), rows, SCALE)
    torch.testing.assert_close(kept(rows, found), kept(rows, everything))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_sparse_tokens_for_one_token_each_make_the_near_blocks_wider(selection: str) -> None:
    tensors, rows = drawn(1, 2, 100, seed=0), Rows(length=100)
    wide = SparsePattern(
        block=4, sparse_block_size=100, sparsity_factor=1, selection=selection, global_tokens=0
    )

    found = attend_sparsely(*tensors, wide, rows, SCALE)

    everything = attend_densely(*tensors, Pattern(half_window=100), rows, SCALE)
    torch.testing.assert_close(found, everything)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_gradients_are_those_of_small_steps(selection: str, dropout: float) -> None:
    pattern = SparsePattern(block=4, sparse_block_size=4, selection=selection)

    def attend(*three: torch.Tensor) -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return attend_sparsely(*three, pattern, Rows(length=18), SCALE, dropout=dropout)

    assert torch.autograd.gradcheck(attend, drawn(1, 1, 18, seed=0, width=2))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_padding_and_neighbours_in_a_row_change_nothing(selection: str) -> None:
    pattern = SparsePattern(block=8, sparse_block_size=8, selection=selection)
    sizes = (100, 1, 60)
    tensors = drawn(1, 2, 161, seed=0)
    number = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))[None]
    readable = torch.arange(161)[None] < 100

    packed = attend_sparsely(*tensors, pattern, Rows(length=161, document=number), SCALE)
    padded = attend_sparsely(*tensors, pattern, Rows(length=161, readable=readable), SCALE)

    alone = [
        attend_sparsely(*parts, pattern, Rows(length=size), SCALE)
        for size, *parts in zip(sizes, *(one.split(sizes, dim=2) for one in tensors), strict=True)
    ]
    torch.testing.assert_close(packed, torch.cat(alone, dim=2))
    torch.testing.assert_close(padded[:, :, :100], alone[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_no_precision_makes_numbers_vanish(selection: str, dtype: torch.dtype) -> None:
    readable = torch.arange(200)[None] < torch.tensor([[90], [0]])
    tensors = [one.detach().to(dtype).requires_grad_() for one in drawn(2, 2, 200, seed=1)]
    pattern = SparsePattern(block=8, sparse_block_size=8, selection=selection)

    found = attend_sparsely(*tensors, pattern, Rows(length=200, readable=readable), SCALE)
    found.sum().backward()

    assert found.dtype == dtype
    assert all(torch.isfinite(one).all() for one in (found, *(t.grad for t in tensors)))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_a_long_text_takes_no_table_of_all_pairs(selection: str) -> None:
    length = 20_000  # of which a table of all pairs would take 3.2 GB
    tensors = [one.detach() for one in drawn(1, 1, length, seed=0, width=8)]
    pattern = SparsePattern(selection=selection)
    with torch.profiler.profile(profile_memory=True) as profile:
        found = attend_sparsely(*tensors, pattern, Rows(length=length), SCALE)
    assert max(event.cpu_memory_usage for event in profile.events()) < 100 * 2**20
    assert torch.isfinite(found).all()


def test_random_vectors_are_the_same_always_and_differ_by_seed_layer_and_head() -> None:
    first = random_vectors(SparsePattern(selection="lsh"), 2, 4, 0)
    assert first[0, 0, :2].tolist() == pytest.approx([-1.0846138, 1.4779449])
    assert torch.equal(random_vectors(SparsePattern(selection="lsh"), 2, 4, 0), first)
    assert first.shape == (2, 4, 32)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(random_vectors(SparsePattern(selection="lsh"), 2, 4, 1), first)
    assert not torch.equal(random_vectors(SparsePattern(selection="lsh", seed=1), 2, 4, 0), first)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"block": 0}, "block is 0; expected a whole number, 1 or more."),
        ({"sparsity_factor": 0}, "sparsity_factor is 0; expected a whole number, 1 or more."),
        ({"global_tokens": True}, "global_tokens is True; expected a whole number, 0 or more."),
        (
            {"selection": "best"},
            "selection is 'best'; expected one of stride, block_stride, norm, pooling, "
            "bos_pooling, lsh.",
        ),
        (
            {"sparse_block_size": 96},
            "block is 128 and sparse_block_size 96; expected one to be a multiple of the other.",
        ),
        (
            {"sparsity_factor": 3},
            "sparsity_factor is 3; expected a divisor of block and sparse_block_size, 128 and 128.",
        ),
    ],
)
def test_settings_that_fit_nothing_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as error:
        SparsePattern(**wrong)  # type: ignore[arg-type]
    assert str(error.value) == message
