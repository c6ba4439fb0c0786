"""Tests that a BigBird reads by our attention what it reads by its own, and learns the same."""

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from transformers import (
    AutoModelForTokenClassification,
    BigBirdConfig,
    BigBirdForTokenClassification,
    BigBirdModel,
    PreTrainedModel,
)
from transformers.utils import logging

import gonerd.student
from gonerd.student.attention.interface import KEY

OURS = {"attention": "bigbird"}
ALIKE = {**OURS, "random": "own"}
IDS = torch.randint(5, 50, (2, 1024), generator=torch.Generator().manual_seed(0))


def made(kind: Any = BigBirdModel, **changes: Any) -> PreTrainedModel:
    """Make a model that has learnt nothing, but looks at some tokens more than at others."""
    logging.set_verbosity_error()  # it says that it fills up texts
    config = BigBirdConfig(
        **{
            "vocab_size": 50,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "block_size": 16,
            "num_random_blocks": 2,
            "max_position_embeddings": 1100,
            "hidden_dropout_prob": 0.0,
            "num_labels": 5,
            **changes,
        }
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = kind(config).eval()
    for name, one in model.named_parameters():
        one.data.mul_(1 if "LayerNorm" in name else 5)
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


@pytest.mark.parametrize("length", [150, 300, 309, 1024])
@pytest.mark.parametrize("training", [False, True])
def test_the_same_random_blocks_read_the_same_and_teach_the_same(
    length: int, training: bool
) -> None:
    model = made().train(training)
    inputs = {"input_ids": IDS[:, :length]}
    if length % 16:  # padding of the last block; more would move it
        inputs["attention_mask"] = (torch.arange(length) < length - 3).long().expand(2, -1)

    expected = read(model, None, **inputs)[:, : length - 3]
    of_its_own = slopes(model, expected)
    found = read(model, ALIKE, **inputs)[:, : length - 3]

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    learnt = slopes(model, found)
    assert learnt.keys() == of_its_own.keys()
    usual = sorted(float(one.abs().max()) for one in of_its_own.values())[len(of_its_own) // 2]
    for name, one in of_its_own.items():
        scale = max(usual, float(one.abs().max()))
        torch.testing.assert_close(learnt[name], one, rtol=0, atol=1e-4 * scale, msg=name)


def test_drawing_leaves_the_numbers_of_others_alone() -> None:
    model = made().train()
    numpy.random.seed(5)
    expected = numpy.random.random()
    numpy.random.seed(5)
    read(model, ALIKE, input_ids=IDS[:, :300])
    assert numpy.random.random() == expected


def test_a_model_in_a_folder_reads_the_same_in_training_and_use(tmp_path: Path) -> None:
    assert gonerd.student
    model = made(BigBirdForTokenClassification)
    expected = read(model, OURS, input_ids=IDS[:, :500])
    model.save_pretrained(tmp_path)

    again = AutoModelForTokenClassification.from_pretrained(tmp_path)

    assert type(again) is BigBirdForTokenClassification
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    for training in (False, True):
        found = again.train(training)(input_ids=IDS[:, :500]).logits
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("table", [OURS, ALIKE])
@pytest.mark.parametrize("training", [False, True])
def test_a_short_text_before_a_long_one_changes_nothing(
    table: dict[str, Any], training: bool
) -> None:
    model = made().train(training)
    long, short = IDS[:1, :500], IDS[:1, :20]
    expected = read(model, table, input_ids=long)
    read(model, table, input_ids=short)
    torch.testing.assert_close(read(model, table, input_ids=long), expected, rtol=0, atol=1e-5)


def test_padding_changes_nothing() -> None:
    model = made()
    mask = (torch.arange(700) < torch.tensor([[700], [500]])).long()
    padded = read(model, OURS, input_ids=IDS[:, :700], attention_mask=mask)[1, :500]
    alone = read(model, OURS, input_ids=IDS[1:, :500])[0]
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("table", "changes", "message"),
    [
        (
            {"attention": "band", "half_window": 8},
            {},
            "attention 'band': a model of type big_bird reads here by its own; expected 'bigbird'.",
        ),
        (
            OURS,
            {"is_decoder": True, "attention_type": "original_full"},
            "is_decoder=True: attention of gonerd is for encoders; expected False.",
        ),
        (
            ALIKE,
            {"attention_type": "original_full"},
            "random 'own': the model's attention_type is 'original_full' and draws no blocks; "
            "expected 'block_sparse', or no `random`.",
        ),
    ],
)
def test_what_cannot_be_read_so_is_refused(
    table: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as error:
        read(made(**changes), table, input_ids=IDS[:, :300])
    assert str(error.value) == message
