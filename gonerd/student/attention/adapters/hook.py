"""Classes of transformers into classes whose models read by our attention when they ask for it."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.adapters.big_bird import read_big_bird
from gonerd.student.attention.adapters.longformer import read_longformer, without_padding
from gonerd.student.attention.adapters.nystromformer import (
    lend_configuration,
    read_nystromformer_layer,
)

if TYPE_CHECKING:
    import torch

ADAPTED = ("longformer", "big_bird", "nystromformer")
"""Types of models that read here, and not by transformers' interface."""


def adapt(key: str) -> None:
    """Let models whose configuration has that key read by our attention."""
    from transformers.models.big_bird.modeling_big_bird import BigBirdAttention
    from transformers.models.longformer.modeling_longformer import (
        LongformerModel,
        LongformerSelfAttention,
    )
    from transformers.models.nystromformer.modeling_nystromformer import (
        NystromformerEncoder,
        NystromformerSelfAttention,
    )

    _replace(BigBirdAttention, "forward", read_big_bird, key)
    _replace(LongformerSelfAttention, "forward", read_longformer, key)
    _replace(LongformerModel, "_pad_to_window_size", without_padding, key)
    _begin_with(NystromformerEncoder, "forward", lend_configuration)
    _replace(NystromformerSelfAttention, "forward", read_nystromformer_layer, key)


def mask_of_tokens(
    batch_size: int, kv_length: int, attention_mask: "torch.Tensor | None", **others: Any
) -> "torch.Tensor":
    """Give the (row, 1, 1, token) summands that such models expect, and not one for each pair."""
    import torch

    dtype, device = others["dtype"], others["device"]
    summands = torch.zeros((batch_size, 1, 1, kv_length), dtype=dtype, device=device)
    if attention_mask is None:
        return summands
    return summands.masked_fill(~attention_mask[:, None, None], torch.finfo(dtype).min)


def _replace(kind: Any, name: str, ours: Callable[..., Any], key: str) -> None:
    """Replace a method, once, for the objects whose configuration has the key."""
    usual = getattr(kind, name, None)
    if usual is None or getattr(usual, "of_gonerd", False):
        return  # a version without such a method does without ours

    @wraps(usual)
    def method(self: Any, *arguments: Any, **others: Any) -> Any:
        settings = getattr(getattr(self, "config", None), key, None)
        if settings is None:
            return usual(self, *arguments, **others)
        return ours(self, settings, *arguments, **others)

    method.of_gonerd = True  # type: ignore[attr-defined]
    setattr(kind, name, method)


def _begin_with(kind: Any, name: str, first: Callable[[Any], None]) -> None:
    """Let a method do something else first, once."""
    usual = getattr(kind, name)
    if getattr(usual, "of_gonerd", False):
        return

    @wraps(usual)
    def method(self: Any, *arguments: Any, **others: Any) -> Any:
        first(self)
        return usual(self, *arguments, **others)

    method.of_gonerd = True  # type: ignore[attr-defined]
    setattr(kind, name, method)
