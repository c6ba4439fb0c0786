"""Tests that a Nystromformer reads through our landmarks what it reads through its own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForTokenClassification,
    NystromformerConfig,
    NystromformerForTokenClassification,
    NystromformerModel,
    PreTrainedModel,
)

import gonerd.student
from gonerd.student.attention.interface import KEY

OURS = {"attention": "nystromformer"}
IDS = torch.randint(5, 50, (2, 256), generator=torch.Generator().manual_seed(0))


def made(kind: Any = NystromformerModel, length: int = 256, **changes: Any) -> PreTrainedModel:
    """Make a model that has learnt nothing, but looks at some tokens more than at others."""
    sizes = {
        "vocab_size": 50,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "num_landmarks": 16,
        "segment_means_seq_len": length,
        "conv_kernel_size": 9,
        "hidden_dropout_prob": 0.0,
        "num_labels": 5,
    }
    config = NystromformerConfig(**{**sizes, **changes})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = kind(config).eval()
    for name, one in model.named_parameters():
        looks = "query" in name or "key" in name
        one.data.mul_(1 if "LayerNorm" in name else 20 if looks else 5)
    return model


def attentions(model: PreTrainedModel) -> list[Any]:
    """List the attention of each layer."""
    return [layer.attention.self for layer in model.base_model.encoder.layer]


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


@pytest.mark.parametrize("convolved", [False, True])
@pytest.mark.parametrize("option", ["original", "exact"])
@pytest.mark.parametrize("length", [64, 256])
def test_a_text_alone_is_read_the_same_and_teaches_the_same(
    length: int, option: str, convolved: bool
) -> None:
    model = made(length=length)
    for one in attentions(model):
        one.init_option = option
        one.conv_kernel_size = 9 if convolved else None

    expected = read(model, None, input_ids=IDS[:1, :length])
    of_its_own = slopes(model, expected)
    found = read(model, OURS, input_ids=IDS[:1, :length])

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    learnt = slopes(model, found)
    assert learnt.keys() == of_its_own.keys()
    usual = sorted(float(one.abs().max()) for one in of_its_own.values())[len(of_its_own) // 2]
    for name, one in of_its_own.items():
        scale = max(usual, float(one.abs().max()))
        torch.testing.assert_close(learnt[name], one, rtol=0, atol=1e-3 * scale, msg=name)


def test_as_many_landmarks_as_tokens_read_what_its_own_full_attention_does() -> None:
    model = made(length=16)  # as many as landmarks: transformers then reads everything
    mask = (torch.arange(200) < torch.tensor([[200], [170]])).long()
    texts = {"input_ids": IDS[:, :200], "attention_mask": mask}
    for one in attentions(model):
        one.conv_kernel_size = None  # theirs goes over padding

    expected = read(model, None, **texts)
    found = read(model, {**OURS, "landmarks": 200}, **texts)

    torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], rtol=0, atol=1e-5)


@pytest.mark.parametrize("length", [1, 16, 17, 101, 255])
def test_padding_and_others_in_a_batch_change_nothing(length: int) -> None:
    model = made()
    mask = (torch.arange(256) < torch.tensor([[256], [length]])).long()
    padded = read(model, OURS, input_ids=IDS, attention_mask=mask)[1, :length]
    alone = read(model, OURS, input_ids=IDS[1:, :length])[0]
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-4)


def test_a_model_in_a_folder_reads_the_same_and_learns(tmp_path: Path) -> None:
    assert gonerd.student
    model = made(NystromformerForTokenClassification)
    expected = read(model, OURS, input_ids=IDS[:, :201])
    model.save_pretrained(tmp_path)

    again = AutoModelForTokenClassification.from_pretrained(tmp_path)

    assert type(again) is NystromformerForTokenClassification
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    found = again(input_ids=IDS[:, :201]).logits
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    again.train()
    again(input_ids=IDS[:, :201]).logits.square().sum().backward()
    learnt = [one.grad for name, one in again.named_parameters() if "position" not in name]
    assert all(torch.isfinite(one).all() and one.abs().max() > 0 for one in learnt)


def test_models_without_the_table_read_as_ever() -> None:
    ours, other = made(), made()
    expected = read(other, None, input_ids=IDS)
    read(ours, {**OURS, "landmarks": 2}, input_ids=IDS)
    torch.testing.assert_close(read(other, None, input_ids=IDS), expected, rtol=0, atol=0)
    assert (read(ours, {**OURS, "landmarks": 2}, input_ids=IDS) - expected).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("table", "asked", "message"),
    [
        (
            {"attention": "band", "half_window": 8},
            {},
            "attention 'band': a model of type nystromformer reads here by its own; expected "
            "'nystromformer'.",
        ),
        (
            OURS,
            {"output_attentions": True},
            "output_attentions=True: attention of gonerd keeps no weights of pairs; expected "
            "False.",
        ),
    ],
)
def test_what_cannot_be_read_so_is_refused(
    table: dict[str, Any], asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as error:
        read(made(), table, input_ids=IDS, **asked)
    assert str(error.value) == message
