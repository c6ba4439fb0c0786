"""Windows into rows of tensors, packed where documents cannot see each other, else padded.

With attention of ours a row is filled with window after window, and none is padded; transformers'
own attention would let packed windows see each other, so there each has a row of its own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gonerd.student.attention.adapters.hook import ADAPTED
from gonerd.student.attention.interface import KEY
from gonerd.student.finetune.examples import Example
from gonerd.student.tagging.pieces import UNTAUGHT

if TYPE_CHECKING:
    import torch

PADDING = 0
"""Any piece: nothing reads it."""


def packs(model: Any) -> bool:
    """Say whether windows packed into one row do not see each other.

    Models with attention of their own are not told where in a row a window ends.
    """
    return getattr(model.config, KEY, None) is not None and model.config.model_type not in ADAPTED


def first_position(model: Any) -> int:
    """Say where a model's positions begin: RoBERTa and its kin keep some rows for padding."""
    embeddings = getattr(model.base_model, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return 0 if padding is None else int(padding) + 1


def to_rows(
    examples: Sequence[Example], model: Any
) -> tuple[dict[str, "torch.Tensor"], "torch.Tensor"]:
    """Make (inputs of the model, tags) of some windows: one row if they can be packed."""
    import torch

    if packs(model):
        begin = first_position(model)
        inputs = {
            "input_ids": np.concatenate([one.ids for one in examples]),
            "position_ids": np.concatenate([begin + np.arange(len(one.ids)) for one in examples]),
            "seq_idx": np.repeat(np.arange(len(examples)), [len(one.ids) for one in examples]),
        }
        tags = np.concatenate([one.tags for one in examples])
        return {name: torch.from_numpy(one)[None] for name, one in inputs.items()}, (
            torch.from_numpy(tags)[None]
        )
    longest = max(len(one.ids) for one in examples)
    ids = np.full((len(examples), longest), PADDING, dtype=np.int64)
    mask = np.zeros((len(examples), longest), dtype=np.int64)
    padded = np.full((len(examples), longest), UNTAUGHT, dtype=np.int64)
    for row, one in enumerate(examples):
        ids[row, : len(one.ids)] = one.ids
        mask[row, : len(one.ids)] = 1
        padded[row, : len(one.ids)] = one.tags
    inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    return inputs, torch.from_numpy(padded)


def batches(sizes: Sequence[int], most: int, order: Sequence[int]) -> list[list[int]]:
    """Share windows out, in order, to batches of at most so many pieces; a longer one is alone."""
    shared: list[list[int]] = []
    filled = most
    for index in order:
        if filled + sizes[index] > most:
            shared.append([])
            filled = 0
        shared[-1].append(index)
        filled += sizes[index]
    return shared
