"""A model's configuration into attention as transformers calls it: a few keys, no code of its own.

A converted model is what it was, with a table `gonerd_attention` in its configuration. Importing
`gonerd.student` registers attention and masks with transformers' own interfaces, so that
`from_pretrained` on such a folder is all it takes; every other model runs as before.

Layers that have a window of their own in a model whose layers differ (ModernBERT) keep it, and read
as they always did; the others read as the table says.

Documents packed into one row are told apart by `seq_idx`, as `DataCollatorWithFlattening` gives it
with `return_seq_idx=True`; transformers' own attention would let them see each other.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.adapters.hook import ADAPTED, adapt, mask_of_tokens
from gonerd.student.attention.block_sparse import read_bigbird
from gonerd.student.attention.executors import attend_by_pattern
from gonerd.student.attention.layers import number_layers, own_window
from gonerd.student.attention.lsg_blocked import read_lsg
from gonerd.student.attention.nystrom import read_nystromformer
from gonerd.student.attention.pattern import Pattern, Rows

if TYPE_CHECKING:
    import torch

KEY = "gonerd_attention"
"""Of a configuration; a table with `attention`, one of `READERS`, and its settings."""

Reader = Callable[..., "torch.Tensor"]
"""From module, query, key, value, rows, settings, scale, dropout to (row, head, token, width)."""


def register() -> None:
    """Make transformers use our attention for the models whose configuration asks for it."""
    from transformers import AttentionInterface, AttentionMaskInterface

    attentions: Any = AttentionInterface()
    masks: Any = AttentionMaskInterface()
    if getattr(attentions["sdpa"], "of_gonerd", False):
        return
    adapt(KEY)
    number_layers()
    for name in masks:
        masks.register(name, _mask_or(masks[name], name))
    attentions.register("sdpa", _attention_or(attentions["sdpa"]))


def read_band(
    module: Any,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    rows: Rows,
    settings: Mapping[str, Any],
    scale: float,
    dropout: float,
) -> "torch.Tensor":
    """Read by a window, and global tokens if there are any (Beltagy et al. 2020, "Longformer").

    Without a window everything is read: of a model whose layers differ (ModernBERT), in those that
    have none of their own.
    """
    pattern = Pattern(**settings) if settings else None
    return attend_by_pattern(query, key, value, pattern, rows, scale, dropout=dropout)


READERS: Mapping[str, Reader] = {
    "band": read_band,
    "longformer": read_band,
    "bigbird": read_bigbird,
    "lsg": read_lsg,
    "nystromformer": read_nystromformer,
}


def _attention_or(usual: Callable[..., Any]) -> Callable[..., Any]:
    def attend(
        module: Any,
        query: "torch.Tensor",
        key: "torch.Tensor",
        value: "torch.Tensor",
        attention_mask: "torch.Tensor | None",
        dropout: float = 0.0,
        scaling: float | None = None,
        **others: Any,
    ) -> "tuple[torch.Tensor, None]":
        settings = getattr(getattr(module, "config", None), KEY, None)
        if settings is None:
            found: tuple[torch.Tensor, None] = usual(
                module, query, key, value, attention_mask, dropout, scaling, **others
            )
            return found
        if attention_mask is not None and attention_mask.ndim != 2:
            raise ValueError(
                f"attention_mask has {attention_mask.ndim} dimensions; expected (row, token), with "
                "documents packed into a row told apart by `seq_idx`."
            )
        rows = Rows(length=query.shape[2], readable=attention_mask, document=others.get("seq_idx"))
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        reader = READERS[settings["attention"]]
        stated = {name: one for name, one in settings.items() if name != "attention"}
        if (half := own_window(module)) is not None:
            reader, stated = read_band, {"half_window": half}
        read = reader(module, query, key, value, rows, stated, scale, dropout)
        return read.transpose(1, 2).contiguous(), None

    attend.of_gonerd = True  # type: ignore[attr-defined]
    return attend


def _mask_or(usual: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Give what the attention of that name needs: for ours, which tokens there are to read."""

    def mask(*arguments: Any, config: Any = None, **others: Any) -> Any:
        if getattr(config, KEY, None) is None:
            return usual(*arguments, config=config, **others)
        if config.model_type in ADAPTED:
            return mask_of_tokens(**others)
        if name != "sdpa":
            raise ValueError(
                f"attention {name!r}: this model has attention of gonerd, which stands in for "
                "'sdpa'; expected that, the default."
            )
        return others.get("attention_mask")

    return mask
