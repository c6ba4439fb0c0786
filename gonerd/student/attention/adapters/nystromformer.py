"""A Nystromformer's hidden states into what its tokens have read, by its own weights and landmarks.

Of how many landmarks it reads through is settled by the model's own `num_landmarks`, unless
settings say otherwise; `segment_means_seq_len` is not looked at, as a text of any length is cut
into segments. The iteration begins as the model's own does with a text alone, and its convolution
of values stands beside what is read, over the tokens of the text and nothing behind it.

transformers reads texts of one length only, `segment_means_seq_len`; as its configurations come
(64, as many as landmarks), it reads everything in quadratic time instead. To read so, ask for as
many landmarks as the longest text has tokens.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.nystrom import LandmarkPattern, attend_to_landmarks
from gonerd.student.attention.pattern import Rows

if TYPE_CHECKING:
    import torch


def read_nystromformer_layer(
    module: Any,
    settings: Mapping[str, Any],
    hidden_states: "torch.Tensor",
    attention_mask: "torch.Tensor | None" = None,
    output_attentions: bool = False,
) -> "tuple[torch.Tensor]":
    """Stand in for the method `forward` of a layer's attention."""
    _check(settings, output_attentions)
    stated = {
        "landmarks": module.num_landmarks,
        "start": "text" if module.init_option == "original" else "head",
    }
    stated |= {name: one for name, one in settings.items() if name != "attention"}
    query, key, value = (
        project(hidden_states).unflatten(2, (module.num_attention_heads, -1)).transpose(1, 2)
        for project in (module.query, module.key, module.value)
    )
    readable = None if attention_mask is None else attention_mask[:, 0, 0] >= 0
    rows = Rows(length=hidden_states.shape[1], readable=readable)
    pattern = LandmarkPattern(**stated)
    found = attend_to_landmarks(query, key, value, pattern, rows, query.shape[-1] ** -0.5)
    if module.conv_kernel_size is not None:
        if readable is not None:
            value = value.masked_fill(~readable[:, None, :, None], 0)
        found = found + module.conv(value)
    return (found.transpose(1, 2).flatten(2),)


def lend_configuration(encoder: Any) -> None:
    """Let the layers of an encoder know its configuration, which they are not given."""
    for layer in encoder.layer:
        layer.attention.self.config = encoder.config


def _check(settings: Mapping[str, Any], output_attentions: bool) -> None:
    if settings["attention"] != "nystromformer":
        raise ValueError(
            f"attention {settings['attention']!r}: a model of type nystromformer reads here by its "
            "own; expected 'nystromformer'."
        )
    if output_attentions:
        raise ValueError(
            "output_attentions=True: attention of gonerd keeps no weights of pairs; expected False."
        )
