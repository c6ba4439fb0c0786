"""A BigBird's hidden states into what its tokens have read, by its own weights and our blocks.

Which blocks see each other is settled by the model's own `block_size` and `num_random_blocks`,
unless settings say otherwise. Random blocks are ours, the same ones in training and use; with
`"random": "own"` they are those that the model draws by itself, and gives up outside training,
where it reads its first block once more for each (transformers does so). A text of so few blocks
that the model would read all of it is read whole; the next long one is read in blocks again. As in
transformers, nothing is dropped at random of what is read in blocks.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.block_sparse import BlockPattern, attend_to_blocks
from gonerd.student.attention.blocked import attend_in_blocks
from gonerd.student.attention.pattern import Rows

if TYPE_CHECKING:
    import torch

LENGTHS_OF_PAPER = (1024, 3072, 4096)
"""For which the model draws random blocks as for its longest text."""


def read_big_bird(
    module: Any,
    settings: Mapping[str, Any],
    hidden_states: "torch.Tensor",
    attention_mask: "torch.Tensor | None" = None,
    encoder_hidden_states: "torch.Tensor | None" = None,
    *arguments: Any,
    to_mask: "torch.Tensor | None" = None,
    **others: Any,
) -> "tuple[torch.Tensor, None]":
    """Stand in for the method `forward` of a layer's attention and what follows it."""
    config, own = module.config, module.self
    if settings["attention"] != "bigbird":
        raise ValueError(
            f"attention {settings['attention']!r}: a model of type big_bird reads here by its own; "
            "expected 'bigbird'."
        )
    if config.is_decoder or encoder_hidden_states is not None:
        raise ValueError("is_decoder=True: attention of gonerd is for encoders; expected False.")
    stated = {"block": config.block_size, "random_blocks": config.num_random_blocks}
    stated |= {name: one for name, one in settings.items() if name not in ("attention", "random")}
    pattern = BlockPattern(**stated)
    query, key, value = (
        project(hidden_states).unflatten(2, (own.num_attention_heads, -1)).transpose(1, 2)
        for project in (own.query, own.key, own.value)
    )
    rows = Rows(length=hidden_states.shape[1], readable=_readable(attention_mask, to_mask))
    dropout = config.attention_probs_dropout_prob if module.training else 0.0
    scale = query.shape[-1] ** -0.5
    if rows.length <= (5 + 2 * pattern.random_blocks) * pattern.block:
        read = attend_in_blocks(query, key, value, None, rows, scale, dropout=dropout)
    else:
        read = attend_to_blocks(
            query,
            key,
            value,
            pattern,
            rows,
            scale,
            dropout=0.0 if config.attention_type == "block_sparse" else dropout,
            layer=module.seed or 0,
            given=_own_blocks(module, rows.length) if settings.get("random") == "own" else None,
        )
    return module.output(read.transpose(1, 2).flatten(2), hidden_states), None


def _readable(
    summands: "torch.Tensor | None", to_mask: "torch.Tensor | None"
) -> "torch.Tensor | None":
    """Say which (row, token) are no padding, by whichever mask the model made."""
    if to_mask is not None:
        return to_mask[:, 0, 0] > 0
    return None if summands is None else summands[:, 0, 0] >= 0


def _own_blocks(module: Any, length: int) -> "torch.Tensor":
    """Have the model draw its (1, head, block, number) random blocks; global ones have none."""
    import numpy
    import torch
    from torch.nn.functional import pad

    own = _drawing(module)
    size, number, heads = own.block_size, own.num_random_blocks, own.num_attention_heads
    length += -length % size
    before = numpy.random.get_state()
    numpy.random.seed(own.seed)
    if length in LENGTHS_OF_PAPER:
        longest = own.max_seqlen
        drawn = [
            own._bigbird_block_rand_mask(longest, longest, size, size, number, last_idx=1024)
            for _ in range(heads)
        ]
    else:
        until, numbers = own._get_rand_attn_plan(length, size, number)
        drawn = own._bigbird_block_rand_mask_with_head(
            length, length, size, size, heads, until, numbers
        )
    numpy.random.set_state(before)
    blocks = torch.from_numpy(numpy.stack(drawn)).long()[:, : length // size - 2]
    return pad(blocks, (0, 0, 1, 1), value=-1)[None].to(module.self.query.weight.device)


def _drawing(module: Any) -> Any:
    """Give what draws blocks: after a short text, the model has exchanged it for what does not."""
    import torch
    from transformers.models.big_bird.modeling_big_bird import BigBirdBlockSparseAttention

    if hasattr(module.self, "num_random_blocks"):
        return module.self
    if module.config.attention_type != "block_sparse":
        raise ValueError(
            "random 'own': the model's attention_type is 'original_full' and draws no blocks; "
            "expected 'block_sparse', or no `random`."
        )
    with torch.device("meta"):  # no weights: it is not to read
        found: Any = BigBirdBlockSparseAttention(module.config, module.seed)
    return found.train(module.training)
