"""Texts of mixed lengths, as they come, into steps that read them padded, one by one, or packed.

The longest has as many tokens as the setting says, each other half of the next longer one.
"""

from typing import TYPE_CHECKING, Any

from gonerd.student.bench.models import (
    LABELS,
    MODERNBERT_WINDOW,
    as_step,
    by_transformers,
    make_model,
    token_ids,
)
from gonerd.student.bench.setting import NotHere, Setting, Step

if TYPE_CHECKING:
    import torch

TEXTS = 5
LONGEST_PADDED = 4_096
"""On a CPU, where nobody pads longer ones: it would take minutes, and one by one is faster."""


def lengths_of(setting: Setting) -> list[int]:
    """List the lengths of the texts."""
    return [setting.length >> number for number in reversed(range(TEXTS))]


def padded(setting: Setting) -> Step:
    """Read by transformers, in one batch, each text as long as the longest."""
    import torch

    if setting.device == "cpu" and setting.length > LONGEST_PADDED:
        raise NotHere(f"on a CPU padded up to {LONGEST_PADDED:,} tokens alone")
    texts = _texts(setting)
    there = torch.zeros((TEXTS, setting.length), dtype=torch.long, device=setting.device)
    ids = there.clone()
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        there[row, : len(text)] = 1
    labels = torch.where(there.bool(), ids % LABELS, -100)
    model = make_model("modernbert", None, setting)
    inputs = {"input_ids": ids, "attention_mask": there}
    step = by_transformers(as_step(model, model, inputs, setting, labels))
    return step if setting.training else lambda: step()[there.bool()]


def singly(setting: Setting) -> Step:
    """Read by transformers, one after the other."""
    import torch

    model = make_model("modernbert", None, setting)
    steps = [
        by_transformers(as_step(model, model, {"input_ids": text[None]}, setting, clear=not number))
        for number, text in enumerate(_texts(setting))
    ]

    def run() -> torch.Tensor:
        found = [step() for step in steps]
        return found[-1] if setting.training else torch.cat([one[0] for one in found])

    return run


def packed(setting: Setting) -> Step:
    """Read by ours, in one row, where texts do not see each other."""
    import torch

    texts = _texts(setting)
    inputs: dict[str, Any] = {
        "input_ids": torch.cat(texts),
        "position_ids": torch.cat([torch.arange(len(one), device=one.device) for one in texts]),
        "seq_idx": torch.cat([torch.full_like(one, number) for number, one in enumerate(texts)]),
    }
    model = make_model("modernbert", MODERNBERT_WINDOW, setting)
    step = as_step(model, model, {name: one[None] for name, one in inputs.items()}, setting)
    return step if setting.training else lambda: step()[0]


def _texts(setting: Setting) -> "list[torch.Tensor]":
    return [token_ids(setting, length)[0] for length in lengths_of(setting)]
