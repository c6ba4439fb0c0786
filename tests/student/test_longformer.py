"""Tests that a Longformer reads by our attention what it reads by its own, and learns the same."""

import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForTokenClassification,
    LongformerConfig,
    LongformerForTokenClassification,
    LongformerModel,
    PreTrainedModel,
)
from transformers.utils import logging

import gonerd.student
from gonerd.student.attention.interface import KEY

OURS = {"attention": "longformer"}
WINDOWS = [16, 32, 8]
LENGTH = 333
IDS = torch.randint(5, 50, (2, LENGTH), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(LENGTH)[None] < torch.tensor([[LENGTH], [200]])).long()


def marked(*places: list[int]) -> torch.Tensor:
    """Mark global tokens of each row."""
    found = torch.zeros_like(IDS)
    for row, own in enumerate(places):
        found[row, own] = 1
    return found


GLOBALS = {
    "none": marked([], []),
    "the first": marked([0], [0]),
    "any": marked([3, 77, 300], [5]),
    "of one row": marked([], [0, 9]),
    "padding too": marked([1], [4, 250]),
    "many": marked(list(range(0, LENGTH, 10)), list(range(20))),
}


def made(kind: Any = LongformerModel, **sizes: Any) -> PreTrainedModel:
    """Make a model that has learnt nothing, but looks at some tokens more than at others."""
    logging.set_verbosity_error()  # it says that it fills up texts
    config = LongformerConfig(
        **{
            "vocab_size": 50,
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "attention_window": WINDOWS,
            "max_position_embeddings": 400,
            "num_labels": 5,
            **sizes,
        }
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = kind(config).eval()
    for name, one in model.named_parameters():
        one.data.mul_(1 if "LayerNorm" in name else 5)
        if name.endswith("bias"):
            torch.nn.init.normal_(one, std=0.1, generator=torch.Generator().manual_seed(1))
    return model


def read(model: PreTrainedModel, table: dict[str, Any] | None, **inputs: Any) -> torch.Tensor:
    """Read texts by our attention or, without a table, by its own."""
    setattr(model.config, KEY, table)
    found: torch.Tensor = model(**inputs)[0]
    return found


def slopes(model: PreTrainedModel, found: torch.Tensor) -> dict[str, torch.Tensor]:
    """Take gradients of all weights that had a part in what was found."""
    model.zero_grad()
    found.pow(3).sum().backward()  # squares of a normalised state always add up to the same
    return {n: one.grad.clone() for n, one in model.named_parameters() if one.grad is not None}


def assert_same_slopes(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Compare gradients by the largest of each weight; those of biases of keys are but noise."""
    assert found.keys() == expected.keys()
    largest = {name: float(one.abs().max()) for name, one in expected.items()}
    usual = sorted(largest.values())[len(largest) // 2]
    for name, one in expected.items():
        scale = max(largest[name], usual)
        torch.testing.assert_close(found[name], one, rtol=0, atol=1e-4 * scale, msg=name)


@pytest.mark.parametrize("which", GLOBALS)
def test_tokens_and_gradients_are_those_of_its_own_attention(which: str) -> None:
    model = made()
    inputs = {"input_ids": IDS, "attention_mask": MASK, "global_attention_mask": GLOBALS[which]}
    there = MASK.bool()

    expected = read(model, None, **inputs)[there]
    of_its_own = slopes(model, expected)
    found = read(model, OURS, **inputs)[there]

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert_same_slopes(slopes(model, found), of_its_own)


@settings(max_examples=15, deadline=None)
@given(
    length=st.sampled_from([1, 2, 39, 40, 41, 80, 129]) | st.integers(1, 300),
    places=st.lists(st.integers(0, 299), max_size=5),
    half=st.sampled_from([2, 4, 64, 70, 150]),
)
def test_any_length_window_and_global_tokens(length: int, places: list[int], half: int) -> None:
    model = made(num_hidden_layers=1, attention_window=2 * half)
    marks = torch.zeros(1, length, dtype=torch.long)
    marks[0, [one for one in places if one < length]] = 1
    inputs = {"input_ids": IDS[:1, :length], "global_attention_mask": marks}
    with torch.no_grad():
        expected = read(model, None, **inputs)
        torch.testing.assert_close(read(model, OURS, **inputs), expected, rtol=0, atol=1e-5)


def test_a_model_in_a_folder_learns_and_tags_the_same(tmp_path: Path) -> None:
    assert gonerd.student
    model = made(LongformerForTokenClassification)
    inputs = {"input_ids": IDS, "attention_mask": MASK, "global_attention_mask": GLOBALS["any"]}
    labels = torch.where(MASK.bool(), IDS % 5, -100)
    expected = model(**inputs, labels=labels)
    expected.loss.backward()
    setattr(model.config, KEY, OURS)
    model.save_pretrained(tmp_path)

    again = AutoModelForTokenClassification.from_pretrained(tmp_path)
    found = again(**inputs, labels=labels)
    found.loss.backward()

    assert type(again) is LongformerForTokenClassification
    assert getattr(again.config, KEY) == OURS
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    there = MASK.bool()
    torch.testing.assert_close(found.logits[there], expected.logits[there], rtol=0, atol=1e-5)
    torch.testing.assert_close(found.loss, expected.loss, rtol=0, atol=1e-6)
    assert_same_slopes(
        {name: one.grad for name, one in again.named_parameters()},
        {name: one.grad for name, one in model.named_parameters()},
    )


def test_first_tokens_are_global_where_the_settings_say_so_and_the_caller_nothing() -> None:
    model = made()
    inputs = {"input_ids": IDS, "attention_mask": MASK}
    first = read(model, None, **inputs, global_attention_mask=marked([0, 1], [0, 1]))
    other = read(model, None, **inputs, global_attention_mask=GLOBALS["any"])
    table = {**OURS, "global_tokens": 2}
    there = MASK.bool()

    found = read(model, table, **inputs)
    torch.testing.assert_close(found[there], first[there], rtol=0, atol=1e-5)
    found = read(model, table, **inputs, global_attention_mask=GLOBALS["any"])
    torch.testing.assert_close(found[there], other[there], rtol=0, atol=1e-5)


def test_a_window_of_the_settings_is_that_of_all_layers() -> None:
    model, same = made(), made(attention_window=24)
    expected = read(same, None, input_ids=IDS)
    found = read(model, {**OURS, "half_window": 12}, input_ids=IDS)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_gradients_are_numbers_in_double_precision_with_padding_too() -> None:
    model = made().double()  # its own attention gives none here
    found = read(model, OURS, input_ids=IDS, attention_mask=MASK)
    assert all(torch.isfinite(one).all() for one in slopes(model, found[MASK.bool()]).values())


def test_dropout_is_drawn_while_learning_and_only_then() -> None:
    model = made(attention_probs_dropout_prob=0.3, hidden_dropout_prob=0.0).train()
    inputs = {"input_ids": IDS, "global_attention_mask": GLOBALS["any"]}
    found = [read(model, OURS, **inputs) for _ in range(2)]
    assert (found[0] - found[1]).abs().max() > 1e-3
    assert all(torch.isfinite(one).all() for one in slopes(model, found[0]).values())


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("which", ["the first", "many"])
def test_it_learns_in_half_precision(dropout: float, which: str) -> None:
    model = made(attention_probs_dropout_prob=dropout, hidden_dropout_prob=0.0).train()
    inputs = {"input_ids": IDS, "attention_mask": MASK, "global_attention_mask": GLOBALS[which]}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = read(model, OURS, **inputs)[MASK.bool()]
    assert all(torch.isfinite(one).all() for one in slopes(model, mixed).values())
    if not dropout:
        expected = read(model, OURS, **inputs)[MASK.bool()]
        torch.testing.assert_close(mixed.float(), expected, rtol=0, atol=0.2)


def test_long_texts_need_no_table_of_pairs() -> None:
    length = 16_384
    model = made(num_hidden_layers=1, attention_window=64, max_position_embeddings=length + 2)
    ids = torch.randint(5, 50, (1, length), generator=torch.Generator().manual_seed(0))
    marks = torch.zeros_like(ids)
    marks[0, 0] = 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with torch.no_grad():
        found = read(model, OURS, input_ids=ids, global_attention_mask=marks)

    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found.shape == (1, length, 32)
    assert kibibytes < length * length * 4 / 1024 / 4  # a table of its own has four bytes a pair


def test_weights_of_pairs_are_refused() -> None:
    with pytest.raises(ValueError) as error:
        read(made(), OURS, input_ids=IDS, output_attentions=True)
    assert str(error.value) == (
        "output_attentions=True: attention of gonerd keeps no weights of pairs; expected False."
    )


def test_attention_that_has_no_use_for_its_weights_is_refused() -> None:
    with pytest.raises(ValueError) as error:
        read(made(), {"attention": "band", "half_window": 8}, input_ids=IDS)
    assert str(error.value) == (
        "attention 'band': a model of type longformer has weights for its own; expected "
        "'longformer'."
    )
