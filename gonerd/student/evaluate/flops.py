"""A call into the floating point operations of its matrix products; a product and a sum are two.

Torch counts products by the kernels that a call ends in, and knows those of attention on a GPU but
not the one on a CPU, where attention would cost nothing. It is given here. What is counted is the
work that is done: blocks that are read whole count whole, though part of them is masked.
"""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def counted(call: Callable[[], T]) -> tuple[T, int]:
    """Call it, and count what it computes."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    kernel = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
    known = {} if kernel is None else {kernel: _attention}
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        result = call()
    return result, int(counter.get_total_flops())


def _attention(query: Any, key: Any, value: Any, *others: Any, **named: Any) -> int:
    """Count scores of all queries and keys, and the sums of values that they weigh."""
    rows, heads, num_queries, width = query
    return int(2 * rows * heads * num_queries * key[2] * (width + value[3]))
