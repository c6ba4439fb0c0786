"""A kind of model of transformers and a setting into a step that can be timed.

Models have weights drawn from a seed, the same for both sides of a comparison. Queries and keys are
larger than transformers draws them, so that a token looks at some others more than at the rest, as
in a model that has learnt something: outputs then tell whether two ways to read are the same.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.interface import KEY
from gonerd.student.bench.setting import Setting, Side, Step

if TYPE_CHECKING:
    import torch

LABELS = 9
VOCABULARY = 1_000
"""Small: embeddings are looked up, and their number costs nothing."""
SHARPER = 3.0
"""By what the weights of queries and keys are multiplied."""
MODERNBERT_WINDOW = {"attention": "band"}
"""Of ours for it: its layers keep the windows they have, and those without read everything."""
PADDED = 8
"""One in so many tokens is padding, where there is any."""


def side(
    name: str,
    family: str,
    table: Mapping[str, Any] | None = None,
    *,
    quadratic: bool = False,
    compiled: bool = False,
    **others: Any,
) -> Side:
    """Describe a model with a table of ours in its configuration, or as transformers runs it."""
    return Side(
        name=name,
        make=partial(make_step, family, table, **others),
        quadratic=quadratic,
        compiled=compiled or bool(others.get("compiling")),
    )


def make_step(
    family: str,
    table: Mapping[str, Any] | None,
    setting: Setting,
    *,
    attention: str | None = "sdpa",
    padding: bool = False,
    compiling: bool = False,
) -> Step:
    """Make a model, a text of a row, and the step that reads it."""
    import torch

    model = make_model(family, table, setting, attention=attention)
    inputs = {"input_ids": token_ids(setting, setting.length)}
    if padding:
        there = torch.ones_like(inputs["input_ids"])
        there[:, -(setting.length // PADDED) :] = 0
        inputs["attention_mask"] = there
    called = torch.compile(model, dynamic=False) if compiling else model
    step = as_step(model, called, inputs, setting)
    return step if table is not None else by_transformers(step)


def make_model(
    family: str,
    table: Mapping[str, Any] | None,
    setting: Setting,
    *,
    attention: str | None = "sdpa",
) -> Any:
    """Make a tagger of a family on the device, with the weights of the seed."""
    import torch
    from transformers import AutoConfig, AutoModelForTokenClassification
    from transformers.utils import logging

    logging.set_verbosity_error()  # of token ids that no text here has
    config = AutoConfig.for_model(family, **{**_sizes(setting), **FAMILIES[family](setting)})
    if table is not None:
        setattr(config, KEY, dict(table))
    stated = {} if attention is None else {"attn_implementation": attention}
    with torch.random.fork_rng(), torch.device("cpu"):
        torch.manual_seed(0)
        model = AutoModelForTokenClassification.from_config(config, **stated)
    for name, weight in model.named_parameters():
        if name.endswith(("query.weight", "key.weight", "Wqkv.weight")):
            weight.data.mul_(SHARPER)
    model = model.to(device=setting.device, dtype=getattr(torch, setting.dtype))
    return model.train(setting.training)


def token_ids(setting: Setting, length: int) -> "torch.Tensor":
    """Draw a text, a row of tokens."""
    import torch

    chance = torch.Generator().manual_seed(length)
    ids = torch.randint(5, VOCABULARY, (1, length), generator=chance)
    return ids.to(setting.device)


def as_step(
    model: Any,
    called: Callable[..., Any],
    inputs: Mapping[str, "torch.Tensor"],
    setting: Setting,
    labels: "torch.Tensor | None" = None,
    *,
    clear: bool = True,
) -> Step:
    """Make the step that reads, or learns from, inputs; what is compiled is called.

    Gradients of earlier steps are cleared, or added to.
    """
    import torch

    if labels is None:
        labels = inputs["input_ids"] % LABELS

    def infer() -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = called(**inputs).logits
        return found

    def learn() -> torch.Tensor:
        if clear:  # set to zero, and so never a part of the peak
            model.zero_grad(set_to_none=False)
        loss: torch.Tensor = called(**inputs, labels=labels).loss
        loss.backward()
        return loss.detach()

    return learn if setting.training else infer


def by_transformers(step: Step) -> Step:
    """Make a step that runs as if nothing of ours was there."""

    def run() -> "torch.Tensor":
        with untouched():
            return step()

    return run


@contextmanager
def untouched() -> Iterator[None]:
    """Let transformers' own attention and masks stand where ours are registered."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    attentions: Any = ALL_ATTENTION_FUNCTIONS
    masks: Any = ALL_MASK_ATTENTION_FUNCTIONS
    attentions["sdpa"], masks["sdpa"] = sdpa_attention_forward, sdpa_mask
    try:
        yield
    finally:  # what stood beneath shows again
        del attentions["sdpa"], masks["sdpa"]


def _sizes(setting: Setting) -> dict[str, Any]:
    sizes = setting.sizes
    return {
        "vocab_size": VOCABULARY,
        "num_hidden_layers": sizes.layers,
        "hidden_size": sizes.width,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.ffn,
        "max_position_embeddings": setting.length + 2,
        "num_labels": LABELS,
        "pad_token_id": 0,
    }


def _with_dropout(setting: Setting) -> dict[str, Any]:
    return {
        "hidden_dropout_prob": setting.dropout,
        "attention_probs_dropout_prob": setting.dropout,
    }


def _longformer(setting: Setting) -> dict[str, Any]:
    return {**_with_dropout(setting), "attention_window": 512}


def _nystromformer(setting: Setting) -> dict[str, Any]:
    """Have as many landmarks as the paper, over segments of a whole text."""
    return {**_with_dropout(setting), "num_landmarks": 64, "segment_means_seq_len": setting.length}


def _big_bird(setting: Setting) -> dict[str, Any]:
    """Have the positions of the published models, from which it plans its random blocks."""
    return {**_with_dropout(setting), "max_position_embeddings": max(4_096, setting.length)}


def _modernbert(setting: Setting) -> dict[str, Any]:
    """Have the gated layer of the published models: one and a half times the width, and a gate."""
    special = dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 1)
    names = ("attention_dropout", "embedding_dropout", "mlp_dropout")
    dropouts = dict.fromkeys(names, setting.dropout)
    return {**special, **dropouts, "intermediate_size": setting.sizes.width * 3 // 2}


FAMILIES: Mapping[str, Callable[[Setting], dict[str, Any]]] = {
    "bert": _with_dropout,
    "longformer": _longformer,
    "big_bird": _big_bird,
    "nystromformer": _nystromformer,
    "modernbert": _modernbert,
}
"""Types of models, and what their configurations need besides sizes."""
