"""Tests that LSG's global tokens stand before the text, begin as the paper says, and are global."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AddedToken, AutoTokenizer, BertTokenizer, RobertaTokenizer

from gonerd.student.convert.prepended import prepend, strided
from gonerd.student.finetune.examples import Reading, around, examples_of
from gonerd.student.finetune.rows import to_rows
from gonerd.student.tagging.pieces import take_apart
from tests.student.conversions import LONG, converted, files_of, refusal, table, tagger
from tests.student.families import FAMILIES, PIECES, TOKENS, WORDS, tiny_model, tiny_tokenizer

BEGIN, PADDING, MASK = 0, 1, 4
GLOBAL = [len(PIECES), len(PIECES) + 1, len(PIECES) + 2]
ASKED: dict[str, Any] = {"attention": "lsg", "global_tokens": 3, "block": 20}
NARROW: dict[str, Any] = {**ASKED, "block": 8, "sparse_block_size": 8}
OFFSET = {"Roberta": 2, "XLMRoberta": 2}


def text(length: int) -> list[int]:
    """Number the pieces of a text, with those around it."""
    return [0, *(5 + number * 7 % len(WORDS) for number in range(length - 2)), 2]


@given(st.integers(1, 100), st.integers(1, 600))
def test_places_are_as_far_apart_as_can_be_and_come_round(count: int, length: int) -> None:
    places = strided(count, length)
    assert places[0] == 0
    assert all(0 <= place < length for place in places)
    assert len(set(places)) == min(count, length)


def test_places_are_those_of_the_paper() -> None:
    assert strided(10, 512) == [0, 64, 128, 192, 256, 320, 384, 448, 1, 65]


@pytest.mark.parametrize("family", FAMILIES)
def test_they_are_at_first_what_the_model_makes_of_its_own_pieces_at_these_places(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    model = tagger(converted(sources(family), tmp_path / "out", **ASKED))
    ids = text(TOKENS - 3)
    places = torch.tensor([[0, 1, 2, *range(len(ids))]]) + OFFSET.get(family, 0)
    given = {} if family == "ModernBert" else {"position_ids": places}
    with torch.no_grad():
        expected = tagger(sources(family))(torch.tensor([[BEGIN, MASK, MASK, *ids]]), **given)
        found = model(torch.tensor([[*GLOBAL, *ids]]))
    torch.testing.assert_close(found.logits, expected.logits, rtol=0, atol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_else_changes(family: str, sources: Callable[[str], Path], tmp_path: Path) -> None:
    out = converted(sources(family), tmp_path / "out", **ASKED)

    before, after = (load_file(one / "model.safetensors") for one in (sources(family), out))
    assert after.keys() == before.keys()
    words = next(
        name
        for name in before
        if name.endswith(("word_embeddings.weight", "tok_embeddings.weight"))
    )
    assert len(after[words]) == len(PIECES) + 3
    for name, one in before.items():
        if "position_embed" not in name:
            assert torch.equal(after[name][: len(one)], one), name
    config = json.loads((out / "config.json").read_text())
    assert config["vocab_size"] == len(PIECES) + 3
    assert config["gonerd_attention"]["global_tokens"] == 3
    if family != "ModernBert":
        kept, old, new = OFFSET.get(family, 0), table(sources(family)), table(out)
        assert len(new) == kept + LONG
        assert torch.equal(new[: kept + 3], old[: kept + 3])
        for place in range(LONG - 3):
            assert torch.equal(new[kept + 3 + place], old[kept + place % TOKENS])


@pytest.mark.parametrize("family", FAMILIES)
def test_they_see_all_and_are_seen_by_all(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    model = tagger(converted(sources(family), tmp_path / "out", **NARROW))

    def moved(at: int) -> torch.Tensor:
        ids = torch.tensor([[*GLOBAL, *text(LONG - 3)]])
        other = ids.clone()
        other[0, at] = 5 if ids[0, at] != 5 else 6
        with torch.no_grad():
            return (model(other).logits - model(ids).logits)[0].abs().amax(-1)

    assert moved(1).min() > 0
    assert moved(LONG - 2)[:3].min() > 0


def test_windows_of_long_texts_have_them_packed_or_not(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    out = converted(sources("Roberta"), tmp_path / "out", **NARROW)
    model, tokenizer = tagger(out), AutoTokenizer.from_pretrained(out)
    words = " ".join(WORDS * 3)
    pieces = take_apart(words, tokenizer)

    opening, closing = around(tokenizer)
    reading = Reading(longest=60, overlap=8)
    windows = list(examples_of(0, pieces, pieces.ids, tokenizer, reading))
    inputs, _ = to_rows(windows, model)
    with torch.no_grad():
        packed = model(**inputs).logits[0]
        alone = [model(torch.from_numpy(one.ids)[None]).logits[0] for one in windows]

    assert opening.tolist() == [*GLOBAL, 0]
    assert closing.tolist() == [2]
    assert len(windows) > 1
    assert all(one.ids[:4].tolist() == [*GLOBAL, 0] and one.lead == 4 for one in windows)
    assert np.concatenate([one.ids for one in windows]).tolist() == inputs["input_ids"][0].tolist()
    torch.testing.assert_close(packed, torch.cat(alone), rtol=0, atol=1e-9)


@pytest.mark.parametrize("family", ["Bert", "Electra", "ModernBert", "Roberta"])
def test_a_model_that_guesses_pieces_knows_the_new_ones(family: str, tmp_path: Path) -> None:
    source = tiny_model(tmp_path / "source", family, head="ForMaskedLM")

    one, other = (converted(source, tmp_path / name, **ASKED) for name in ("one", "other"))

    assert files_of(one) == files_of(other)
    kind = getattr(transformers, f"{family}ForMaskedLM")
    ids = torch.tensor([[*GLOBAL, *text(30)]])
    with torch.no_grad():
        found = kind.from_pretrained(one).eval()(ids).logits[0]
    assert found.shape == (33, len(PIECES) + 3)
    for number, source_piece in zip(GLOBAL, (BEGIN, MASK, MASK), strict=True):
        torch.testing.assert_close(found[:, number], found[:, source_piece], rtol=0, atol=1e-9)


def test_room_in_the_vocabulary_is_used_first(tmp_path: Path) -> None:
    source = tiny_model(tmp_path / "source", "Bert")
    tokenizer = tiny_tokenizer()
    model = tagger(source)
    model.resize_token_embeddings(len(PIECES) + 8)
    model.save_pretrained(source)

    prepend(model, tokenizer, 3, "here")

    assert model.get_input_embeddings().num_embeddings == len(PIECES) + 8


# Again


def test_a_model_that_has_them_keeps_them(sources: Callable[[str], Path], tmp_path: Path) -> None:
    once = converted(sources("Roberta"), tmp_path / "once", **NARROW)
    half = converted(sources("Roberta"), tmp_path / "half", **NARROW, max_tokens=83)

    twice = converted(half, tmp_path / "twice", **{**NARROW, "global_tokens": None})

    for name in files_of(once).keys() - {"README.md"}:
        assert files_of(twice)[name] == files_of(once)[name], name
    said = (twice / "README.md").read_text()
    assert "* positions: 83 -> 100, the 80 rows of the table repeated, behind 2 that" in said

    expected = "or the model that it was made from."
    assert refusal(model=once, out=tmp_path / "out") == (
        f"ConfigError: --attention band: {once} has global tokens before its texts; expected "
        f"--attention lsg, {expected}"
    )
    assert refusal(model=once, out=tmp_path / "out", attention="lsg", global_tokens=2) == (
        f"ConfigError: --global-tokens 2: {once} has 3 already; expected that, {expected}"
    )


# Tokenizers


def bert() -> Any:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c"]
    return BertTokenizer(vocab={word: number for number, word in enumerate(words)})


def roberta() -> Any:
    words = ["<s>", "<pad>", "</s>", "<unk>", "a", "b", "\u0120", "\u0120b", "<mask>"]
    mask = AddedToken("<mask>", lstrip=True, special=True, normalized=False)
    vocabulary = {word: number for number, word in enumerate(words)}
    return RobertaTokenizer(vocab=vocabulary, merges=[("\u0120", "b")], mask_token=mask)


def with_nothing_around() -> Any:
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = None
    return tokenizer


def with_bert_processing() -> Any:
    from tokenizers.processors import BertProcessing

    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = BertProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


@pytest.mark.parametrize(
    "make", [bert, roberta, with_nothing_around, with_bert_processing, tiny_tokenizer]
)
def test_any_tokenizer_comes_to_put_them_before_texts(
    make: Callable[[], Any], sources: Callable[[str], Path], tmp_path: Path
) -> None:
    usual, model = make(), tagger(sources("Bert"))

    prepend(model, usual, 2, "here").save_pretrained(tmp_path)

    again = AutoTokenizer.from_pretrained(tmp_path)
    new = [len(usual), len(usual) + 1]
    mask = usual.mask_token
    for texts in (("a b",), ("",), (f"a  {mask} b",), ("w1 a", f" b{mask}")):
        options = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
        before, after = usual(*texts, **options), again(*texts, **options)
        assert after["input_ids"] == [*new, *before["input_ids"]]
        assert after["offset_mapping"] == [(0, 0), (0, 0), *before["offset_mapping"]]
        assert after["special_tokens_mask"] == [1, 1, *before["special_tokens_mask"]]
        assert after.keys() == before.keys()
        if "token_type_ids" in before:
            assert after["token_type_ids"] == [0, 0, *before["token_type_ids"]]
        plain = {"add_special_tokens": False}
        assert again(*texts, **plain)["input_ids"] == usual(*texts, **plain)["input_ids"]
        assert again.decode(after["input_ids"], skip_special_tokens=True) == usual.decode(
            before["input_ids"], skip_special_tokens=True
        )
    cut = again("a b a b a b", truncation=True, max_length=6)["input_ids"]
    assert len(cut) == 6
    assert cut[:2] == new
    assert (again.pad_token_id, again.cls_token_id) == (usual.pad_token_id, usual.cls_token_id)


def test_what_they_begin_as_must_be_there(copy: Path, tmp_path: Path) -> None:
    place = copy / "tokenizer_config.json"
    config = json.loads(place.read_text())
    del config["mask_token"]
    place.write_text(json.dumps(config))
    assert refusal(model=copy, out=tmp_path / "out", attention="lsg", global_tokens=2) == (
        f"ConfigError: --global-tokens 2: {copy} has no piece that is a mask, as which they begin; "
        "expected 0."
    )
    assert (converted(copy, tmp_path / "out", attention="lsg") / "config.json").exists()
