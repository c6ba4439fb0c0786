"""Queries, keys and values into what each query has read of a whole text, by faster products.

torch's kernel of attention multiplies single precision by MKL, which on processors that are not
Intel's uses half their width; oneDNN, in torch as well, uses all of it. So where that is so, and no
gradients are wanted, products are oneDNN's: for some queries at a time, the keys part by part.

A part has one key more, whose score is known and whose value is nothing: from its weight follows
what the weights of the part would sum up to, and by these sums parts are weighed against each
other. Its score is the largest of a sample of keys. Where some part has scores so much larger that
the weight vanishes, torch's kernel reads.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gonerd.student.attention.spans import empty_by_token

if TYPE_CHECKING:
    import torch

QUERIES, KEYS = 512, 1_024
"""That are multiplied at once: scores and what they are made of stay in the cache, by trial."""
SAMPLED = 256
"""Keys, about."""
FEWEST = 1_024
"""Tokens; of fewer, torch's kernel is as fast."""


def reads_faster(
    query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", dropout: float
) -> bool:
    """Say whether a text is read here, and read faster than by torch's kernel."""
    import torch

    three = (query, key, value)
    return (
        query.device.type == "cpu"
        and all(one.dtype == torch.float32 for one in three)
        and not dropout
        and not (torch.is_grad_enabled() and any(one.requires_grad for one in three))
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and key.shape[2] >= FEWEST
        and has_faster_products()
    )


@cache
def has_faster_products() -> bool:
    """Say whether oneDNN multiplies faster than MKL on this processor."""
    import torch

    try:
        makers = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return (
        "AVX512" in torch.backends.cpu.get_cpu_capability()
        and "GenuineIntel" not in makers
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def read_faster(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    readable: "torch.Tensor | None",
    scale: float,
) -> "torch.Tensor":
    """Let every (row, head, token, width) query read all the keys of its row that are readable."""
    found = empty_by_token(query)
    for row, (queries, keys, values) in enumerate(zip(query, key, value, strict=True)):
        if readable is not None and not readable[row].all() and readable[row].any():
            keys, values = keys[:, readable[row]], values[:, readable[row]]
        for head in range(len(queries)):
            _read_head(found[row, head], queries[head], keys[head], values[head], scale)
    return found


def _read_head(
    found: "torch.Tensor",
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    scale: float,
) -> None:
    """Read by (token, width) queries of a head, and write down what was found."""
    import torch
    from torch.nn.functional import pad, scaled_dot_product_attention

    # the last column of a query is what is taken from its scores, but from that of the added key
    keys = [
        pad(pad(part * scale, (0, 1), value=-1.0), (0, 0, 0, 1)) for part in key.split(KEYS - 1)
    ]
    values = [pad(part.mT, (0, 1)).contiguous() for part in value.split(KEYS - 1)]
    sample = key[:: -(-len(key) // SAMPLED)] * scale
    for start in range(0, len(query), QUERIES):
        some = query[start : start + QUERIES].contiguous()
        largest = _product(some, sample).amax(dim=-1, keepdim=True)
        read = _read_parts(torch.cat((some, largest), dim=1), keys, values)
        if not read.isfinite().all():
            three = (one[None] for one in (some, key, value))
            read = scaled_dot_product_attention(*three, scale=scale)[0]
        found[start : start + QUERIES] = read


def _read_parts(
    query: "torch.Tensor", keys: "list[torch.Tensor]", values: "list[torch.Tensor]"
) -> "torch.Tensor":
    """Read by scores that have been made smaller, part after part of the keys."""
    import torch

    read, total = query.new_zeros(len(query), len(values[0])), query.new_zeros(len(query), 1)
    for key, value in zip(keys, values, strict=True):
        scores = _product(query, key)
        weights = torch.softmax(scores, dim=-1, out=scores)
        sums = weights[:, -1:].reciprocal()  # in units of the weight of the added key
        read.addcmul_(_product(weights, value), sums)
        total += sums - 1
    return read / total


def _product(one: "torch.Tensor", other: "torch.Tensor") -> "torch.Tensor":
    """Multiply a matrix by the transpose of another."""
    import torch

    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(one, other, None, "none", [], "")
    return found
