"""A setting into steps of parts: the linear layers alone, attention alone, FlexAttention.

The linear layers are the floor: no way to read, however cheap, makes a model of these sizes faster
than they are.
"""

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.blocked import attend_in_blocks
from gonerd.student.attention.pattern import Pattern, Rows
from gonerd.student.bench.models import as_step, make_model, token_ids
from gonerd.student.bench.setting import HEAD, Setting, Side, Step

if TYPE_CHECKING:
    import torch

FLEX = "flex_attention_in_a_window"
"""Under which transformers finds it."""


def linear_layers(setting: Setting, width: int | None = None) -> Step:
    """Make all projections and feed-forward layers of a model, and nothing between them."""
    import torch
    from torch.nn import Linear

    narrow = width or setting.sizes.width
    wide = 4 * narrow if width else setting.sizes.ffn
    shapes = [(narrow, narrow)] * 4 + [(narrow, wide), (wide, narrow)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = [[Linear(*shape) for shape in shapes] for _ in range(setting.sizes.layers)]
    layers = torch.nn.ModuleList(map(torch.nn.ModuleList, drawn))
    layers = layers.to(device=setting.device, dtype=getattr(torch, setting.dtype))
    text = _drawn(setting, (1, setting.length, narrow))

    def run() -> torch.Tensor:
        state = text
        for query, key, value, out, up, down in layers:
            state = down(up(out(query(state) + key(state) + value(state))))
        return state

    def learn() -> torch.Tensor:
        layers.zero_grad(set_to_none=False)
        found = run()
        found.backward(torch.ones_like(found))
        return found.detach()

    return learn if setting.training else _inferring(run)


def attention_alone(setting: Setting, *, half_window: int, width: int | None = None) -> Step:
    """Make queries, keys and values, and read by them once for each layer."""
    import torch

    narrow = width or setting.sizes.width
    heads = narrow // HEAD if width else setting.sizes.heads
    pattern, rows = Pattern(half_window=half_window), Rows(length=setting.length)
    query, key, value = (
        _drawn(setting, (1, setting.length, narrow), seed).unflatten(2, (heads, -1)).transpose(1, 2)
        for seed in range(3)
    )
    scale = query.shape[-1] ** -0.5

    def run() -> torch.Tensor:
        for _ in range(setting.sizes.layers):
            found = attend_in_blocks(query, key, value, pattern, rows, scale)
        return found

    def learn() -> torch.Tensor:
        for _ in range(setting.sizes.layers):
            asking, keys, values = (one.detach().requires_grad_() for one in (query, key, value))
            found = attend_in_blocks(asking, keys, values, pattern, rows, scale)
            found.backward(torch.ones_like(found))
        return found.detach()

    return learn if setting.training else _inferring(run)


def flex_side(name: str, half_window: int) -> Side:
    """Describe a BERT that reads its window by FlexAttention."""
    return Side(name=name, make=partial(_flex_step, half_window), compiled=True)


def _flex_step(half_window: int, setting: Setting) -> Step:
    """Make a BERT that reads its window by FlexAttention, with the plan of blocks made once."""
    from torch.nn.attention.flex_attention import create_block_mask
    from transformers import AttentionInterface, AttentionMaskInterface

    def near(row: Any, head: Any, query: Any, key: Any) -> Any:
        return (query - key).abs() <= half_window

    length = setting.length
    plan = create_block_mask(near, None, None, length, length, device=setting.device)

    def attend(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **others: Any
    ) -> "tuple[torch.Tensor, None]":
        found = _flex()(query, key, value, block_mask=plan, scale=query.shape[-1] ** -0.5)
        return found.transpose(1, 2).contiguous(), None

    attentions: Any = AttentionInterface()
    masks: Any = AttentionMaskInterface()
    attentions.register(FLEX, attend)
    masks.register(FLEX, lambda *arguments, **others: None)
    model = make_model("bert", None, setting, attention=FLEX)
    return as_step(model, model, {"input_ids": token_ids(setting, length)}, setting)


@cache
def _flex() -> Any:
    import torch
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)


def _inferring(run: Step) -> Step:
    import torch

    def infer() -> torch.Tensor:
        with torch.inference_mode():
            return run()

    return infer


def _drawn(setting: Setting, shape: tuple[int, ...], seed: int = 0) -> "torch.Tensor":
    import torch

    chance = torch.Generator().manual_seed(seed)
    drawn = torch.randn(shape, generator=chance)
    return drawn.to(device=setting.device, dtype=getattr(torch, setting.dtype))
