"""Keys and values of a text into the few that stand for them far away: LSG's sparse tokens.

Condevaux and Harispe 2022, "LSG Attention: Extrapolation of pretrained Transformers to long
sequences" (arXiv 2210.15497). A text is cut into blocks of `block` tokens; a block of queries reads

* its own block and the one on either side (local),
* on either side of these `sparse_block_size` sparse tokens, which stand for the next
  `sparse_block_size * sparsity_factor` tokens of that side, and
* the global tokens, the first `global_tokens` of the text, which themselves read everything;
  `gonerd convert` puts pieces of their own there, as the paper has them.

Sparse tokens are found in chunks of as many tokens as the smaller of `block` and
`sparse_block_size`, for each head by itself. A chunk has one for every `sparsity_factor` (f) of its
tokens, by the `selection`:

stride        the head h takes every f-th token, beginning with number h mod f
block_stride  the head h takes the part h mod f of f equal parts of the chunk
norm          the tokens whose keys are longest (Euclidean norm)
pooling       the mean of every f tokens, of keys and of values
bos_pooling   the same, weighed by how the text's first token attends to them: the softmax, over the
              f tokens, of the products of its query and their keys
lsh           the mean of all tokens of a bucket; the bucket is the greatest of products of the key
              with random vectors and, behind those, their negatives (Andoni et al. 2015)

Padding and global tokens are never selected, merged or counted, so that no token is read twice; a
sparse token nothing is left for is not read. With a factor of 1 all tokens stand for themselves.

The description leaves open, and here it is so: chunks begin with the text; random vectors are drawn
once for each head of a layer from the seed, and not anew each time; tokens are not merged before
they are put into buckets; global tokens take up room in the first blocks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class SparsePattern:
    """Which keys, and what stands for which, a block of queries sees."""

    block: int = 128
    """Tokens."""
    selection: str = "norm"
    """How sparse tokens are found, one of `SELECTIONS`."""
    sparsity_factor: int = 2
    """How many tokens one sparse token stands for."""
    sparse_block_size: int = 128
    """Sparse tokens on either side; 0: none."""
    global_tokens: int = 1
    """How many tokens at the beginning of each document are global."""
    seed: int = 0
    """Of the random vectors of `lsh`."""

    def __post_init__(self) -> None:
        for name, least in (
            ("block", 1),
            ("sparsity_factor", 1),
            ("sparse_block_size", 0),
            ("global_tokens", 0),
            ("seed", 0),
        ):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name} is {value!r}; expected a whole number, {least} or more.")
        if self.selection not in SELECTIONS:
            names = ", ".join(SELECTIONS)
            raise ValueError(f"selection is {self.selection!r}; expected one of {names}.")
        small, large = sorted((self.block, self.sparse_block_size))
        if small and large % small:
            raise ValueError(
                f"block is {self.block} and sparse_block_size {self.sparse_block_size}; expected "
                "one to be a multiple of the other."
            )
        if small % self.sparsity_factor:
            raise ValueError(
                f"sparsity_factor is {self.sparsity_factor}; expected a divisor of block and "
                f"sparse_block_size, {self.block} and {self.sparse_block_size}."
            )

    @property
    def chunk(self) -> int:
        """Count the tokens among which sparse tokens are found."""
        return min(self.block, self.sparse_block_size)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Tokens:
    """What stands at the places of a text, or for them."""

    keys: "torch.Tensor"
    """(row, head, place, width)"""
    values: "torch.Tensor"
    there: "torch.Tensor"
    """(row or 1, head or 1, place): false where there is nothing to read."""


def sparse_tokens(
    pattern: SparsePattern, tokens: Tokens, first_query: "torch.Tensor", layer: int
) -> Tokens:
    """Find the sparse tokens of texts of whole chunks.

    `first_query` is the (row, head, width) query of the first token, scaled.
    """
    if pattern.sparsity_factor == 1:
        return tokens
    return SELECTIONS[pattern.selection](pattern, tokens, first_query, layer)


def _stride(
    pattern: SparsePattern, tokens: Tokens, first_query: "torch.Tensor", layer: int
) -> Tokens:
    import torch

    factor, (num_heads, length) = pattern.sparsity_factor, tokens.keys.shape[1:3]
    head = torch.arange(num_heads, device=first_query.device)[:, None]
    step = torch.arange(0, length, factor, device=first_query.device)
    return _taken(tokens, (step + head % factor)[None])


def _block_stride(
    pattern: SparsePattern, tokens: Tokens, first_query: "torch.Tensor", layer: int
) -> Tokens:
    import torch

    factor, (num_heads, length) = pattern.sparsity_factor, tokens.keys.shape[1:3]
    part = pattern.chunk // factor
    head = torch.arange(num_heads, device=first_query.device)[:, None, None]
    chunk = torch.arange(0, length, pattern.chunk, device=first_query.device)[:, None]
    inside = torch.arange(part, device=first_query.device)
    return _taken(tokens, (chunk + head % factor * part + inside).flatten(1)[None])


def _norm(
    pattern: SparsePattern, tokens: Tokens, first_query: "torch.Tensor", layer: int
) -> Tokens:
    import torch

    norms = tokens.keys.detach().norm(dim=-1).masked_fill(~tokens.there, -1)
    chunks = norms.unflatten(2, (-1, pattern.chunk))
    longest = chunks.topk(pattern.chunk // pattern.sparsity_factor, sorted=False).indices
    begin = torch.arange(chunks.shape[2], device=norms.device)[:, None] * pattern.chunk
    return _taken(tokens, (begin + longest).flatten(2))


def _pooling(
    pattern: SparsePattern, tokens: Tokens, first_query: "torch.Tensor", layer: int
) -> Tokens:
    there = tokens.there.unflatten(2, (-1, pattern.sparsity_factor))
    weights = there.to(tokens.keys.dtype)
    return _merged(tokens, weights / weights.sum(dim=-1, keepdim=True).clamp_min(1), there)


def _bos_pooling(
    pattern: SparsePattern, tokens: Tokens, first_query: "torch.Tensor", layer: int
) -> Tokens:
    import torch

    scores = (tokens.keys @ first_query[..., None])[..., 0]
    there = tokens.there.unflatten(2, (-1, pattern.sparsity_factor))
    hidden = torch.finfo(scores.dtype).min / 2
    scores = scores.unflatten(2, (-1, pattern.sparsity_factor)).masked_fill(~there, hidden)
    return _merged(tokens, scores.softmax(dim=-1), there)


def _lsh(pattern: SparsePattern, tokens: Tokens, first_query: "torch.Tensor", layer: int) -> Tokens:
    import torch

    buckets = pattern.chunk // pattern.sparsity_factor
    directions = random_vectors(pattern, tokens.keys.shape[1], tokens.keys.shape[3], layer)
    with torch.no_grad():
        along = tokens.keys @ directions.to(tokens.keys)
        bucket = torch.cat((along, -along), dim=-1)[..., :buckets].argmax(dim=-1)
        inside = bucket[..., None] == torch.arange(buckets, device=bucket.device)
        inside = (inside & tokens.there[..., None]).unflatten(2, (-1, pattern.chunk))
        inside = inside.transpose(-1, -2)
        weights = inside.to(tokens.keys.dtype)
        weights = weights / weights.sum(dim=-1, keepdim=True).clamp_min(1)
    keys, values = (
        (weights @ one.unflatten(2, (-1, pattern.chunk))).flatten(2, 3)
        for one in (tokens.keys, tokens.values)
    )
    return Tokens(keys=keys, values=values, there=inside.any(dim=-1).flatten(2))


def random_vectors(
    pattern: SparsePattern, num_heads: int, width: int, layer: int
) -> "torch.Tensor":
    """Draw the (head, width, number) random vectors of `lsh`, half as many as there are buckets."""
    import torch

    half = (pattern.chunk // pattern.sparsity_factor + 1) // 2
    numbers = _numbers(pattern.seed, layer, num_heads * width * half)
    return torch.tensor(numbers).view(num_heads, width, half)


@lru_cache(maxsize=64)
def _numbers(seed: int, layer: int, count: int) -> list[float]:
    """Draw numbers without torch, so that a graph being made takes them for what they are."""
    chance = Random(f"{seed} {layer}")
    return [chance.gauss(0, 1) for _ in range(count)]


SELECTIONS: dict[str, Callable[[SparsePattern, Tokens, "torch.Tensor", int], Tokens]] = {
    "stride": _stride,
    "block_stride": _block_stride,
    "norm": _norm,
    "pooling": _pooling,
    "bos_pooling": _bos_pooling,
    "lsh": _lsh,
}


def _taken(tokens: Tokens, places: "torch.Tensor") -> Tokens:
    """Take the tokens at (row or 1, head, number) places."""
    import torch

    num_rows, num_heads, length, width = tokens.keys.shape
    each = torch.arange(num_rows * num_heads, device=places.device) * length
    flat = (places + each.view(num_rows, num_heads, 1)).flatten()
    keys, values = (
        one.reshape(-1, width).index_select(0, flat).view(num_rows, num_heads, -1, width)
        for one in (tokens.keys, tokens.values)
    )
    there = tokens.there.expand(num_rows, num_heads, -1)
    there = there.gather(2, places.expand(num_rows, -1, -1))
    return Tokens(keys=keys, values=values, there=there)


def _merged(tokens: Tokens, weights: "torch.Tensor", there: "torch.Tensor") -> Tokens:
    """Merge the tokens of (row or 1, head or 1, group, number) groups by weights."""
    keys, values = (
        (weights[..., None] * one.unflatten(2, weights.shape[2:])).sum(dim=3)
        for one in (tokens.keys, tokens.values)
    )
    return Tokens(keys=keys, values=values, there=there.any(dim=-1))
