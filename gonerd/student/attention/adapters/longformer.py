"""A Longformer's hidden states into what its tokens have read, by its own weights and our blocks.

`attention_window` is the whole window of each layer: half of it on either side, both ends seen. A
token sees its window and the global tokens by the layer's queries, keys and values; a global token
sees all by a second set of them (Beltagy et al. 2020, "Longformer"). Few global tokens need no keys
and values of their own for every token: multiplied into their queries, the weights of the keys give
the same scores from the hidden states, and those of the values are left until all is summed up.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.blocked import attend_in_blocks, find_globals, seen_by_globals
from gonerd.student.attention.masks import Globals, summands
from gonerd.student.attention.pattern import Pattern, Rows

if TYPE_CHECKING:
    import torch


def read_longformer(
    module: Any,
    settings: Mapping[str, Any],
    hidden_states: "torch.Tensor",
    attention_mask: "torch.Tensor | None" = None,
    is_index_masked: "torch.Tensor | None" = None,
    is_index_global_attn: "torch.Tensor | None" = None,
    is_global_attn: bool = False,
    output_attentions: bool = False,
) -> "tuple[torch.Tensor]":
    """Stand in for the method `forward` of a layer's attention.

    Settings may have `half_window`, else the layer's own holds, and `global_tokens`: how many
    first ones are global where the caller names none.
    """
    _check(settings, output_attentions)
    half = settings.get("half_window", module.one_sided_attn_window_size)
    pattern = Pattern(half_window=half, global_tokens=settings.get("global_tokens", 0))
    rows = Rows(
        length=hidden_states.shape[1],
        readable=None if is_index_masked is None else ~is_index_masked,
        global_tokens=is_index_global_attn if is_global_attn else None,
    )
    query, key, value = (
        _by_head(module, project(hidden_states))
        for project in (module.query, module.key, module.value)
    )
    dropout = module.dropout if module.training else 0.0
    globs = read = None
    if is_global_attn or pattern.global_tokens:
        globs = find_globals(pattern, rows, hidden_states.device)
        read = _read_by_globals(module, hidden_states, rows, globs, dropout)
    scale = module.head_dim**-0.5
    found = attend_in_blocks(
        query, key, value, pattern, rows, scale, dropout=dropout, globs=globs, global_rows=read
    )
    return (found.transpose(1, 2).flatten(2),)


def without_padding(
    model: Any,
    settings: Mapping[str, Any],
    input_ids: "torch.Tensor | None",
    attention_mask: "torch.Tensor",
    token_type_ids: "torch.Tensor",
    position_ids: "torch.Tensor | None",
    inputs_embeds: "torch.Tensor | None",
    pad_token_id: int,
) -> tuple[Any, ...]:
    """Stand in for the method that fills texts up to whole windows, which ours need not be."""
    return 0, input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds


def _check(settings: Mapping[str, Any], output_attentions: bool) -> None:
    if settings["attention"] != "longformer":
        raise ValueError(
            f"attention {settings['attention']!r}: a model of type longformer has weights for its "
            "own; expected 'longformer'."
        )
    if output_attentions:
        raise ValueError(
            "output_attentions=True: attention of gonerd keeps no weights of pairs; expected False."
        )


def _by_head(module: Any, vectors: "torch.Tensor") -> "torch.Tensor":
    return vectors.unflatten(2, (module.num_heads, module.head_dim)).transpose(1, 2)


def _read_by_globals(
    module: Any, hidden_states: "torch.Tensor", rows: Rows, globs: Globals, dropout: float
) -> "torch.Tensor":
    """Read the whole row for (row, head, number) global tokens, by weights of their own."""
    from torch.nn import Linear
    from torch.nn.functional import scaled_dot_product_attention

    places = globs.places.expand(len(hidden_states), -1)
    index = places[..., None].expand(-1, -1, hidden_states.shape[2])
    query = _by_head(module, module.query_global(hidden_states.gather(1, index)))
    mask = summands(seen_by_globals(rows, globs), hidden_states)[:, None]
    plain = type(module.key_global) is Linear and type(module.value_global) is Linear
    if plain and query.shape[1] * query.shape[2] < hidden_states.shape[2]:
        return _read_hidden_states(module, query, hidden_states, mask, dropout)
    key, value = (
        _by_head(module, project(hidden_states))
        for project in (module.key_global, module.value_global)
    )
    return scaled_dot_product_attention(query, key, value, mask, dropout)


def _read_hidden_states(
    module: Any,
    query: "torch.Tensor",
    hidden_states: "torch.Tensor",
    mask: "torch.Tensor",
    dropout: float,
) -> "torch.Tensor":
    """Read by keys and values that are never written out.

    A score q (W h + b) is (q W) h + q b, and a sum of values, p (W h + b), is W (p h) + b p.
    """
    import torch
    from torch.nn.functional import dropout as drop

    heads = (module.num_heads, module.head_dim)
    of_key = module.key_global.weight.unflatten(0, heads)
    of_value = module.value_global.weight.unflatten(0, heads)
    query = query * module.head_dim**-0.5
    constant = (query * module.key_global.bias.unflatten(0, heads)[:, None]).sum(-1, keepdim=True)
    scores = (query @ of_key).flatten(1, 2) @ hidden_states.transpose(1, 2)
    scores = scores.unflatten(1, query.shape[1:3]) + constant + mask
    weights = drop(torch.softmax(scores, dim=-1), dropout)
    summed = (weights.flatten(1, 2) @ hidden_states).unflatten(1, query.shape[1:3])
    constant = weights.sum(-1, keepdim=True) * module.value_global.bias.unflatten(0, heads)[:, None]
    return summed @ of_value.transpose(1, 2) + constant
