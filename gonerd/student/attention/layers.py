"""A layer's attention into which layer it is of, and the window it has of its own, if any.

What is drawn at random is drawn for each layer. Most models of transformers number their layers;
of those that do not, layers are numbered when they are put into the list of them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

UNNUMBERED = ("distilbert",)
"""Types of models whose attention does not know its layer."""


def number_layers() -> None:
    """Let the layers of models that are made from now on know which they are."""
    from torch.nn.modules.module import register_module_module_registration_hook

    register_module_module_registration_hook(_number)


def layer_of(module: Any) -> int:
    """Say which layer an attention is of, from 0; 0 as well where nobody knows."""
    return getattr(module, "layer_idx", None) or 0


def own_window(module: Any) -> int | None:
    """Say how many keys on either side a layer sees in a model whose layers differ (ModernBERT).

    None: the layer sees the whole text.
    """
    window: int | None = getattr(module, "sliding_window", None)
    return None if window is None else window - 1


def _number(holder: "torch.nn.Module", name: str, layer: "torch.nn.Module | None") -> None:
    from torch.nn import ModuleList

    if layer is None or not isinstance(holder, ModuleList):
        return
    for one in layer.modules():
        config = getattr(one, "config", None)
        if getattr(config, "model_type", None) in UNNUMBERED and not hasattr(one, "layer_idx"):
            one.layer_idx = int(name)
