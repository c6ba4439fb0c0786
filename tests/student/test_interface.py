"""Tests that any encoder of transformers reads by our attention once its configuration says so."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModel, PreTrainedModel

import gonerd.student
from gonerd.student.attention.interface import KEY, register
from gonerd.student.attention.layers import layer_of

SIZES: dict[str, Any] = {"vocab_size": 50, "max_position_embeddings": 450}
BERT = {
    **SIZES,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "intermediate_size": 64,
}
MODELS: dict[str, dict[str, Any]] = {
    "Bert": BERT,
    "Roberta": BERT,
    "XLMRoberta": BERT,
    "Electra": {**BERT, "embedding_size": 32},
    "DistilBert": {**SIZES, "dim": 32, "n_heads": 2, "n_layers": 3, "hidden_dim": 64},
    "ModernBert": {
        **BERT,
        "local_attention": 32,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "cls_token_id": 1,
        "sep_token_id": 2,
    },
}
FIRST_POSITION = {"Roberta": 2, "XLMRoberta": 2}
LENGTH = 400
Make = Callable[[str], PreTrainedModel]


@pytest.fixture
def make() -> Make:
    """Make a model that has learnt nothing, always the same."""

    def make(name: str) -> PreTrainedModel:
        config = getattr(transformers, f"{name}Config")(**MODELS[name])
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return getattr(transformers, f"{name}Model")(config).eval()

    return make


IDS = torch.randint(5, 50, (2, LENGTH), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(LENGTH)[None] < torch.tensor([[LENGTH], [300]])).long()


def states(model: PreTrainedModel, ids: torch.Tensor = IDS, **inputs: Any) -> torch.Tensor:
    """Read texts."""
    with torch.no_grad():
        found: torch.Tensor = model(ids, **inputs).last_hidden_state
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_window_over_all_changes_nothing(name: str, make: Make) -> None:
    model = make(name)
    usual = states(model, attention_mask=MASK)

    setattr(model.config, KEY, {"attention": "band", "half_window": LENGTH})

    found = states(model, attention_mask=MASK)
    torch.testing.assert_close(found[MASK.bool()], usual[MASK.bool()], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_narrow_window_is_the_same_after_a_round_trip(
    name: str, make: Make, tmp_path: Path
) -> None:
    model = make(name)
    usual = states(model, attention_mask=MASK)
    setattr(model.config, KEY, {"attention": "longformer", "half_window": 20, "global_tokens": 1})
    expected = states(model, attention_mask=MASK)

    model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path)

    assert type(again) is type(model)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    torch.testing.assert_close(states(again, attention_mask=MASK), expected, rtol=0, atol=0)
    assert (expected - usual)[MASK.bool()].abs().max() > 1e-3


@pytest.mark.parametrize("name", MODELS)
def test_documents_packed_into_a_row_never_see_each_other(name: str, make: Make) -> None:
    model = make(name)
    setattr(model.config, KEY, {"attention": "longformer", "half_window": 20, "global_tokens": 1})
    sizes = (150, 1, LENGTH - 151)
    first = FIRST_POSITION.get(name, 0)
    documents = torch.cat([torch.full((size,), number) for number, size in enumerate(sizes)])[None]
    positions = torch.cat([torch.arange(first, first + size) for size in sizes])[None]

    packed = states(model, IDS[:1], position_ids=positions, seq_idx=documents)

    apart = [states(model, part) for part in IDS[:1].split(sizes, dim=1)]
    torch.testing.assert_close(packed, torch.cat(apart, dim=1), rtol=0, atol=1e-5)


def test_padding_changes_nothing(make: Make) -> None:
    model = make("Bert")
    setattr(model.config, KEY, {"attention": "longformer", "half_window": 20, "global_tokens": 1})

    padded = states(model, attention_mask=MASK)[1, :300]

    torch.testing.assert_close(padded, states(model, IDS[1:, :300])[0], rtol=0, atol=1e-5)


def test_other_models_are_left_as_they_were(make: Make) -> None:
    model = make("Bert")
    expected = states(model, attention_mask=MASK)
    model.set_attn_implementation("eager")
    torch.testing.assert_close(states(model, attention_mask=MASK), expected, rtol=0, atol=1e-5)


def test_registered_twice_is_registered_once() -> None:
    assert gonerd.student
    before = transformers.AttentionInterface()["sdpa"]
    register()
    assert transformers.AttentionInterface()["sdpa"] is before


KINDS: list[dict[str, Any]] = [
    {"attention": "longformer", "half_window": LENGTH, "global_tokens": 3},
    {"attention": "bigbird", "block": LENGTH // 2, "random_blocks": 0},
    {"attention": "lsg", "block": LENGTH // 2, "sparse_block_size": 0},
    {"attention": "nystromformer", "landmarks": LENGTH},
]


@pytest.mark.parametrize(
    "table", [{"attention": "band"}, *KINDS], ids=lambda table: table["attention"]
)
def test_layers_with_windows_of_their_own_keep_them(table: dict[str, Any], make: Make) -> None:
    model = make("ModernBert")
    usual = states(model, attention_mask=MASK)
    setattr(model.config, KEY, table)
    found = states(model, attention_mask=MASK)
    torch.testing.assert_close(found[MASK.bool()], usual[MASK.bool()], rtol=0, atol=1e-5)


def test_layers_without_a_window_of_their_own_are_given_one(make: Make) -> None:
    model = make("ModernBert")
    setattr(model.config, KEY, {"attention": "band", "half_window": 20})
    moved = IDS[:1].clone()
    moved[0, 0] = 5 if IDS[0, 0] != 5 else 6
    reach = (states(model, moved) - states(model, IDS[:1]))[0].abs().amax(-1).nonzero().max()
    assert 20 < reach <= 20 + 2 * 16


@pytest.mark.parametrize("name", MODELS)
def test_each_layer_draws_random_blocks_of_its_own(name: str, make: Make, tmp_path: Path) -> None:
    model = make(name)
    model.save_pretrained(tmp_path)
    for one in (model, AutoModel.from_pretrained(tmp_path), copy.deepcopy(model)):
        attentions = [part for part in one.modules() if hasattr(part, "is_causal")]
        assert [layer_of(part) for part in attentions] == [0, 1, 2]


def test_attention_that_is_not_ours_is_refused(make: Make) -> None:
    model = make("Bert")
    setattr(model.config, KEY, {"attention": "band", "half_window": 20})
    model.set_attn_implementation("eager")
    with pytest.raises(ValueError) as error:
        states(model)
    assert str(error.value) == (
        "attention 'eager': this model has attention of gonerd, which stands in for 'sdpa'; "
        "expected that, the default."
    )


def test_a_mask_of_pairs_is_refused(make: Make) -> None:
    model = make("Bert")
    setattr(model.config, KEY, {"attention": "band", "half_window": 20})
    with pytest.raises(ValueError) as error:
        states(model, attention_mask=torch.ones(2, 1, LENGTH, LENGTH, dtype=torch.bool))
    assert str(error.value) == (
        "attention_mask has 4 dimensions; expected (row, token), with documents packed into a row "
        "told apart by `seq_idx`."
    )
