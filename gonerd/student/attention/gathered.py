"""Blocks of queries, and which pieces of keys each reads, into what they have read.

All the keys that blocks of queries read, laid side by side, are several copies of the text's. So
the keys of a few blocks at a time are gathered, read while they are still in the cache, and let go;
for gradients they are gathered once more. Memory stays a few times that of the text, whatever its
length, and time what reading takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

BYTES_A_THREAD = 2**21
"""Of keys and values gathered at a time for each thread: what a core's cache holds, by trial."""
BYTES_ELSEWHERE = 2**28
"""The same on other devices: enough to keep one busy."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Pieces:
    """Pieces of keys, all of one number of tokens, and which of them blocks of queries read."""

    keys: "torch.Tensor"
    """(piece, token, width)"""
    values: "torch.Tensor"
    where: "torch.Tensor"
    """(block, number): pieces; one that is not to be read may stand for any."""


def read_pieces(
    blocks: "torch.Tensor",
    pieces: Sequence[Pieces],
    there: "torch.Tensor",
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Let (block, query, width) queries read their pieces; the same shape comes back.

    `there` says of (block, key), for the keys of all pieces of a block in order, which to read.
    """
    import torch

    tensors = [one for piece in pieces for one in (piece.keys, piece.values, piece.where)]
    if traced():  # no loop whose end is a length
        keys, values = _gathered(tensors, slice(None))
        return _read(blocks, keys, values, there, scale, dropout)
    tensors = [one.contiguous() for one in tensors]
    seed = int(torch.randint(2**31, ())) if dropout else 0
    found: torch.Tensor = _function().apply(blocks, there, scale, dropout, seed, *tensors)
    return found


def read_whole(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    readable: "torch.Tensor | None",
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Let (row, head, token, width) queries read all keys that are there."""
    from torch.nn.functional import scaled_dot_product_attention

    mask = None if readable is None else summands(readable[:, None, None], query)
    return scaled_dot_product_attention(query, key, value, mask, dropout, scale=scale)


def summands(there: "torch.Tensor", like: "torch.Tensor") -> "torch.Tensor":
    """Turn what is there into what is added to scores: never minus infinity.

    Where nothing is there, in padding, what is read means nothing but is a number.
    """
    import torch

    hidden = torch.full((), torch.finfo(like.dtype).min / 2, dtype=like.dtype, device=like.device)
    return torch.where(there, torch.zeros_like(hidden), hidden)


def whole_blocks(length: int, size: int) -> int:
    """Count the blocks that a text fills.

    In a graph there is always one that it does not, as a graph of texts that fill their blocks is
    another than that of texts that do not.
    """
    return length // size + 1 if traced() else -(-length // size)


def traced() -> bool:
    """Say whether a graph is being made, which has to hold for other lengths too."""
    import torch

    return bool(torch.compiler.is_compiling() or torch.jit.is_tracing())


def _gathered(
    tensors: "Sequence[torch.Tensor]", some: slice
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Lay the (block, key, width) keys and values of some blocks side by side."""
    import torch

    laid_out = []
    for sources in (tensors[0::3], tensors[1::3]):
        parts = []
        for source, where in zip(sources, tensors[2::3], strict=True):
            chosen = where[some]
            part = source.index_select(0, chosen.flatten())
            parts.append(part.reshape(chosen.shape[0], -1, source.shape[2]))
        laid_out.append(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))
    return laid_out[0], laid_out[1]


def _read(
    blocks: "torch.Tensor",
    keys: "torch.Tensor",
    values: "torch.Tensor",
    there: "torch.Tensor",
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Let blocks read, as if they were the heads of one row."""
    from torch.nn.functional import scaled_dot_product_attention

    mask = summands(there[None, :, None], blocks)
    found: torch.Tensor = scaled_dot_product_attention(
        blocks[None], keys[None], values[None], mask, dropout, scale=scale
    )
    return found[0]


def _few(blocks: "torch.Tensor", there: "torch.Tensor") -> list[slice]:
    """Cut blocks into as many at a time as the cache has room for."""
    import torch

    room = BYTES_ELSEWHERE
    if blocks.device.type == "cpu":
        room = BYTES_A_THREAD * torch.get_num_threads()
    each = 2 * there.shape[1] * blocks.shape[2] * blocks.element_size()
    step = max(1, room // each)
    return [slice(start, start + step) for start in range(0, len(blocks), step)]


@cache
def _function() -> Any:
    """Make the function that gathers again for gradients, once torch is there."""
    import torch
    from torch.autograd.function import once_differentiable

    class Read(torch.autograd.Function):
        @staticmethod
        def forward(
            context: Any,
            blocks: torch.Tensor,
            there: torch.Tensor,
            scale: float,
            dropout: float,
            seed: int,
            *tensors: torch.Tensor,
        ) -> torch.Tensor:
            found = torch.empty(blocks.shape, dtype=blocks.dtype, device=blocks.device)
            for some in _few(blocks, there):
                with _same_chance(seed + some.start, blocks.device, dropout):
                    keys, values = _gathered(tensors, some)
                    found[some] = _read(blocks[some], keys, values, there[some], scale, dropout)
            context.save_for_backward(blocks, there, *tensors)
            context.settings = scale, dropout, seed
            return found

        @staticmethod
        @once_differentiable  # type: ignore[untyped-decorator]
        def backward(context: Any, slope: torch.Tensor) -> Any:
            blocks, there, *tensors = context.saved_tensors
            scale, dropout, seed = context.settings
            sums = [_zeros(one) for one in tensors if one.is_floating_point()]
            of_blocks = torch.empty_like(blocks)
            for some in _few(blocks, there):
                part, keys, values = blocks[some].detach(), *_gathered(tensors, some)
                with torch.enable_grad(), _same_chance(seed + some.start, slope.device, dropout):
                    three = [one.requires_grad_() for one in (part, keys, values)]
                    found = _read(part, keys, values, there[some], scale, dropout)
                    slopes = torch.autograd.grad(found, three, slope[some])
                of_blocks[some] = slopes[0]
                _add_up(sums, slopes[1:], tensors[2::3], some)
            found = [one.to(slope.dtype) for one in sums]
            of_tensors = zip(found[0::2], found[1::2], [None] * len(found), strict=False)
            return (
                of_blocks,
                None,
                None,
                None,
                None,
                *(one for three in of_tensors for one in three),
            )

    return Read


def _zeros(like: "torch.Tensor") -> "torch.Tensor":
    """Make room to add up in: short numbers would swallow what is small beside the sum."""
    import torch

    dtype = torch.promote_types(like.dtype, torch.float32)
    return torch.zeros(like.shape, dtype=dtype, device=like.device)


def _add_up(
    sums: "list[torch.Tensor]",
    slopes: "Sequence[torch.Tensor]",
    wheres: "Sequence[torch.Tensor]",
    some: slice,
) -> None:
    """Give the gradients of gathered keys and values back to their pieces."""
    for number, slope in enumerate(slopes):
        begin = 0
        for total, where in zip(sums[number::2], wheres, strict=True):
            chosen = where[some]
            end = begin + chosen.shape[1] * total.shape[1]
            part = slope[:, begin:end].reshape(-1, *total.shape[1:]).to(total.dtype)
            total.index_add_(0, chosen.flatten(), part)
            begin = end


def _same_chance(seed: int, device: "torch.device", dropout: float) -> Any:
    """Let what is dropped at random be the same when it is read again."""
    from contextlib import contextmanager, nullcontext

    import torch

    @contextmanager
    def chance() -> Any:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield

    return chance() if dropout else nullcontext()
