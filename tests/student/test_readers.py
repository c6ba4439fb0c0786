"""Tests that encoders read by BigBird, LSG and landmarks: packed, padded, saved, trained."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModel, PreTrainedModel

import gonerd.student
from gonerd.student.attention.block_sparse import BlockPattern, attend_to_blocks
from gonerd.student.attention.interface import KEY
from gonerd.student.attention.lsg import SparsePattern
from gonerd.student.attention.lsg_blocked import attend_sparsely
from gonerd.student.attention.nystrom import LandmarkPattern, attend_to_landmarks
from gonerd.student.attention.pattern import Rows
from tests.student.rows import SCALE, drawn

SIZES: dict[str, Any] = {
    "vocab_size": 50,
    "max_position_embeddings": 450,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "intermediate_size": 64,
}
MODELS: dict[str, dict[str, Any]] = {
    "Bert": SIZES,
    "DistilBert": {"vocab_size": 50, "dim": 32, "n_heads": 2, "n_layers": 3, "hidden_dim": 64},
    "ModernBert": {
        **SIZES,
        "local_attention": 32,
        "pad_token_id": 0,
        **dict.fromkeys(("bos_token_id", "cls_token_id"), 1),
        **dict.fromkeys(("eos_token_id", "sep_token_id"), 2),
    },
}
LENGTH = 400
NARROW: dict[str, dict[str, Any]] = {
    "bigbird": {"block": 8, "random_blocks": 2},
    "lsg": {"block": 8, "sparse_block_size": 8, "selection": "bos_pooling"},
    "nystromformer": {"landmarks": 16},
}
WIDE: dict[str, dict[str, Any]] = {
    "bigbird": {"block": 200},
    "lsg": {"block": 200, "sparse_block_size": 200},
    "nystromformer": {"landmarks": LENGTH},
}
IDS = torch.randint(5, 50, (2, LENGTH), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(LENGTH)[None] < torch.tensor([[LENGTH], [300]])).long()
everywhere = pytest.mark.parametrize(
    ("name", "attention"), [(name, attention) for name in MODELS for attention in NARROW]
)


def make(name: str) -> PreTrainedModel:
    """Make a model that has learnt nothing, but looks at some tokens more, always the same."""
    assert gonerd.student
    config = getattr(transformers, f"{name}Config")(**MODELS[name])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = getattr(transformers, f"{name}Model")(config).eval()
    for part, one in model.named_parameters():
        if re.search(r"query|key|[qk]_lin|Wqkv", part):
            one.data.mul_(10)
    return model


def states(model: PreTrainedModel, ids: torch.Tensor = IDS, **inputs: Any) -> torch.Tensor:
    """Read texts."""
    with torch.no_grad():
        found: torch.Tensor = model(ids, **inputs).last_hidden_state
    return found


@everywhere
def test_blocks_over_half_the_text_change_nothing(name: str, attention: str) -> None:
    model = make(name)
    usual = states(model, attention_mask=MASK)
    setattr(model.config, KEY, {"attention": attention, **WIDE[attention]})
    found = states(model, attention_mask=MASK)
    torch.testing.assert_close(found[MASK.bool()], usual[MASK.bool()], rtol=0, atol=1e-5)


@everywhere
def test_a_model_reads_the_same_after_a_round_trip(
    name: str, attention: str, tmp_path: Path
) -> None:
    model = make(name)
    usual = states(model, attention_mask=MASK)
    setattr(model.config, KEY, {"attention": attention, **NARROW[attention]})
    expected = states(model, attention_mask=MASK)

    model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path)

    torch.testing.assert_close(states(again, attention_mask=MASK), expected, rtol=0, atol=0)
    assert (expected - usual)[MASK.bool()].abs().max() > 1e-3


@everywhere
def test_packed_documents_and_padding_read_as_alone(name: str, attention: str) -> None:
    model = make(name)
    setattr(model.config, KEY, {"attention": attention, **NARROW[attention]})
    sizes = (150, 1, LENGTH - 151)
    documents = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))[None]
    positions = torch.cat([torch.arange(size) for size in sizes])[None]

    packed = states(model, IDS[:1], position_ids=positions, seq_idx=documents)
    padded = states(model, attention_mask=MASK)[1, :300]

    apart = [states(model, part) for part in IDS[:1].split(sizes, dim=1)]
    torch.testing.assert_close(packed, torch.cat(apart, dim=1), rtol=0, atol=1e-5)
    torch.testing.assert_close(padded, states(model, IDS[1:, :300])[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("attention", NARROW)
def test_a_model_learns(attention: str) -> None:
    model = make("Bert").train()
    setattr(model.config, KEY, {"attention": attention, **NARROW[attention]})
    model(IDS, attention_mask=MASK).last_hidden_state.square().sum().backward()
    weights = model.encoder.layer[0].attention.self.query.weight
    assert torch.isfinite(weights.grad).all()
    assert weights.grad.abs().max() > 0


@pytest.mark.parametrize("read", [attend_to_blocks, attend_sparsely, attend_to_landmarks])
def test_global_tokens_of_single_rows_are_refused(read: Any) -> None:
    pattern = {attend_to_blocks: BlockPattern, attend_sparsely: SparsePattern}
    rows = Rows(length=5, global_tokens=torch.tensor([[True, False, True, False, False]]))
    with pytest.raises(ValueError) as error:
        read(*drawn(1, 2, 5, 0), pattern.get(read, LandmarkPattern)(), rows, SCALE)
    assert str(error.value) == (
        "global_tokens of single rows are given; expected none, as this attention has its own."
    )
