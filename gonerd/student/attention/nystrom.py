"""Queries, keys and values into what each query has read through a few landmarks: linear time.

Xiong et al. 2021, "Nystromformer: A Nystrom-Based Algorithm for Approximating Self-Attention"
(arXiv 2102.03902). A text is cut into as many segments as there are landmarks, all of one length or
of two that differ by a token; the mean query and the mean key of each are its landmarks Q' and K'.
What full attention gives, softmax(Q K^T) V, is then taken to be

    softmax(Q K'^T)  softmax(Q' K'^T)^+  softmax(Q' K^T) V

with a pseudo-inverse (+) found by the iteration of Razavi et al. 2014, "A new iterative method for
finding approximate inverses of complex matrices", which begins with the transpose divided by its
two norms. A text of no more tokens than landmarks is read as by full attention, without iterations.

Padding has no part in any mean or softmax, and documents packed into a row are each read by
themselves, so that a text reads the same in any batch. Nothing is dropped at random: a weight of a
landmark stands for no pair of tokens, and the weights of a query cancel each other out.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.apart import attend_apart
from gonerd.student.attention.gathered import read_whole, traced
from gonerd.student.attention.pattern import Rows

if TYPE_CHECKING:
    import torch

STARTS = ("head", "text")
"""What the iteration divides by at its beginning: the norms of each head's own matrix, as in the
paper, or the largest of all heads of a text, as transformers does."""
MOST_ITERATIONS = 20
"""With more, errors of rounding grow beyond all that is a number where landmarks are alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LandmarkPattern:
    """Through how many landmarks a text is read, and how closely their matrix is inverted."""

    landmarks: int = 64
    iterations: int = 6
    start: str = "head"
    """One of `STARTS`."""

    def __post_init__(self) -> None:
        count, times = self.landmarks, self.iterations
        if type(count) is not int or count < 1:
            raise ValueError(f"landmarks is {count!r}; expected a whole number, 1 or more.")
        if type(times) is not int or not 0 <= times <= MOST_ITERATIONS:
            raise ValueError(
                f"iterations is {times!r}; expected a whole number, 0 to {MOST_ITERATIONS}."
            )
        if self.start not in STARTS:
            raise ValueError(f"start is {self.start!r}; expected one of {', '.join(STARTS)}.")


def read_nystromformer(
    module: Any,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    settings: Mapping[str, Any],
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Read through landmarks."""
    return attend_to_landmarks(query, key, value, LandmarkPattern(**settings), rows, scale)


def attend_to_landmarks(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: LandmarkPattern,
    rows: Rows,
    scale: float,
) -> "torch.Tensor":
    """Read by (row, head, token, width) queries, keys and values; the same shape comes back."""

    def attend(
        query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", rows: Rows
    ) -> "torch.Tensor":
        return _attend(query, key, value, pattern, rows, scale)

    return attend_apart(attend, query, key, value, rows)


def pseudo_inverse(matrices: "torch.Tensor", iterations: int, start: str) -> "torch.Tensor":
    """Invert (row, head, number, number) matrices whose rows are softmaxes, as far as can be.

    What is nearly singular grows by 13/4 in an iteration, so that few leave it small.
    """
    import torch

    columns = matrices.sum(dim=-2).amax(dim=-1)  # the other norm is the sum of a row: one
    if start == "text":
        columns = columns.amax(dim=1, keepdim=True)
    found = matrices.transpose(-1, -2) / columns[..., None, None]
    identity = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    for _ in range(iterations):
        product = matrices @ found
        inner = 15 * identity - product @ (7 * identity - product)
        found = found @ (13 * identity - product @ inner) / 4
    return found


def _attend(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    pattern: LandmarkPattern,
    rows: Rows,
    scale: float,
) -> "torch.Tensor":
    import torch

    readable = None if rows.readable is None else rows.readable.bool()
    if traced():  # of texts shorter and longer than there are landmarks, with and without padding
        there = torch.ones((query.shape[0], rows.length), dtype=torch.bool, device=query.device)
        readable = there if readable is None else readable
    elif rows.length <= pattern.landmarks:
        return read_whole(query, key, value, readable, scale, 0.0)
    segments = _segments(pattern.landmarks, readable, query)
    queries, keys = (_means(one, segments) for one in (query, key))
    with _whole_precision(query):
        among = ((queries @ keys.transpose(-1, -2)) * scale).softmax(dim=-1)
        inverse = pseudo_inverse(among, pattern.iterations, pattern.start)
    read = read_whole(queries.to(key.dtype), key, value, readable, scale, 0.0)
    with _whole_precision(query):
        read = inverse @ read.to(inverse.dtype)
    if readable is None:
        return read_whole(query, keys.to(key.dtype), read.to(value.dtype), None, scale, 0.0)
    count = readable.sum(dim=1, keepdim=True)
    few = (count <= pattern.landmarks)[..., None, None]  # a landmark is a token there
    read = torch.where(few, _means(value, segments), read)
    real = torch.arange(pattern.landmarks, device=query.device) < count
    return read_whole(query, keys.to(key.dtype), read.to(value.dtype), real, scale, 0.0)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Segments:
    """Into which segments the tokens of rows are cut."""

    most: int
    """Segments of a row."""
    of_token: "torch.Tensor"
    """(row and token): counted over all rows, each of which has one more, for padding."""
    length: "torch.Tensor"
    """(row or 1, segment): tokens; where there are none, one."""


def _segments(most: int, readable: "torch.Tensor | None", like: "torch.Tensor") -> _Segments:
    """Cut rows into segments."""
    import torch

    num_rows, _, length, _ = like.shape
    number = torch.arange(most, device=like.device)
    row = torch.arange(num_rows, device=like.device)[:, None] * (most + 1)
    if readable is None:
        place = torch.arange(length, device=like.device)[None]
        count = torch.full((1, 1), length, device=like.device)
        of_token = place * most // count
    else:
        count = readable.sum(dim=1, keepdim=True)
        used = count.clamp_max(most)
        place = readable.cumsum(dim=1) - 1
        of_token = torch.where(readable, place * used // count.clamp_min(1), most)
    used = count.clamp(1, most)
    ends = ((number + 1) * count + used - 1) // used
    begins = (number * count + used - 1) // used
    return _Segments(
        most=most, of_token=(of_token + row).flatten(), length=(ends - begins).clamp_min(1)
    )


def _means(vectors: "torch.Tensor", segments: _Segments) -> "torch.Tensor":
    """Take the (row, head, segment, width) means of segments; of one without tokens, nothing."""
    import torch

    num_rows, num_heads, _, width = vectors.shape
    dtype = torch.promote_types(vectors.dtype, torch.float32)
    tokens = vectors.transpose(1, 2).reshape(-1, num_heads * width).to(dtype)
    room = num_rows * (segments.most + 1)
    sums = torch.zeros((room, tokens.shape[1]), dtype=dtype, device=vectors.device)
    sums = sums.index_add(0, segments.of_token, tokens)
    sums = sums.view(num_rows, segments.most + 1, num_heads, width)[:, : segments.most]
    return (sums / segments.length[..., None, None]).transpose(1, 2)


def _whole_precision(like: "torch.Tensor") -> Any:
    """Keep autocast from shortening numbers that an inverse is made of."""
    import torch

    device = like.device.type
    if not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, enabled=False)
