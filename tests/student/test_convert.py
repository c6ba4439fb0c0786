"""Tests that a converted model is the model it was made from, and reads more."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tests.processes import run_python
from tests.student.conversions import LONG, batch, converted, files_of, logits, table, tagger
from tests.student.families import FAMILIES, OWN_WINDOW, TOKENS, WORDS, tiny_model
from tests.student.tiny import write_json

OFFSET = {"Roberta": 2, "XLMRoberta": 2}


WIDE: list[dict[str, Any]] = [
    {"attention": "band", "window": 2 * TOKENS},
    {"attention": "longformer", "window": 2 * TOKENS},
    {"attention": "longformer", "window": 2 * TOKENS, "global_tokens": 5},
    {"attention": "bigbird", "block": TOKENS // 4, "random_blocks": 1},
    {"attention": "lsg", "block": TOKENS // 2, "sparse_block_size": 0, "global_tokens": 0},
    {"attention": "nystromformer", "landmarks": TOKENS},
]
NARROW: dict[str, dict[str, Any]] = {
    "band": {"window": 6},
    "longformer": {"window": 6, "global_tokens": 2},
    "bigbird": {"block": 4, "random_blocks": 2, "global_blocks": 2},
    "lsg": {"block": 8, "sparse_block_size": 4, "selection": "lsh", "global_tokens": 2},
    "nystromformer": {"landmarks": 7},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_sees_all_changes_nothing_in_texts_that_could_be_read_before(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    lengths = (TOKENS, 7, 1)
    expected = [logits(tagger(sources(family)), length) for length in lengths]

    for number, asked in enumerate(WIDE):
        model = tagger(converted(sources(family), tmp_path / str(number), **asked))

        assert model.dtype == torch.float64
        for length, usual in zip(lengths, expected, strict=True):
            found = logits(model, length)
            torch.testing.assert_close(found, usual, rtol=0, atol=1e-9, msg=f"{asked} {length}")


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_what_they_were_and_rows_of_the_table_repeated(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    out = converted(sources(family), tmp_path / "out")

    before = load_file(sources(family) / "model.safetensors")
    after = load_file(out / "model.safetensors")
    assert after.keys() == before.keys()
    for name, one in before.items():
        if "position_embed" not in name:
            assert torch.equal(after[name], one), name
    if family != "ModernBert":
        kept = OFFSET.get(family, 0)
        old, new = table(sources(family)), table(out)
        assert new.shape == (kept + LONG, old.shape[1])
        assert torch.equal(new[:kept], old[:kept])
        for place in range(LONG):
            assert torch.equal(new[kept + place], old[kept + place % TOKENS])


@pytest.mark.parametrize("attention", NARROW)
@pytest.mark.parametrize("family", FAMILIES)
def test_longer_texts_are_read_from_end_to_end(
    family: str, attention: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = {"attention": attention, **NARROW[attention]}
    model = tagger(converted(sources(family), tmp_path / "out", **asked))

    assert torch.isfinite(logits(model, LONG)).all()
    ids = batch(LONG)["input_ids"][:1]
    first = ids.clone()
    first[0, 0] = 5 if ids[0, 0] != 5 else 6
    with torch.no_grad():
        moved = (model(first).logits - model(ids).logits).abs().amax(-1)[0]
    if attention == "band":
        reach = 3 + OWN_WINDOW if family == "ModernBert" else 3 * 3
        assert moved[: reach + 1].min() > 0
        assert moved[reach + 1 :].max() == 0, "three layers, each with a window"
    else:
        assert moved[70] > 0, "something is seen by all"


def test_a_band_leaves_layers_that_read_all_alone_unless_a_window_is_asked_for(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    source = sources("ModernBert")

    model = tagger(converted(source, tmp_path / "out"))
    narrow = tagger(converted(source, tmp_path / "narrow", window=6))

    expected = logits(tagger(source), LONG)
    torch.testing.assert_close(logits(model, LONG), expected, rtol=0, atol=1e-9)
    assert (logits(narrow, LONG) - expected).abs().max() > 1e-3


LOADS = """
import sys
import torch
import gonerd.student
from transformers import AutoModelForTokenClassification, AutoTokenizer

text = " ".join(f"w{number % 45}" for number in range(90))
for folder in sys.argv[1:]:
    ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    model = AutoModelForTokenClassification.from_pretrained(folder)
    with torch.no_grad():
        torch.save(model(torch.tensor([ids])).logits, f"{folder}/logits")
"""


def test_another_process_that_imports_the_student_reads_the_same(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    kinds = [*NARROW.items(), *NARROW.items()]
    folders = [
        converted(sources(family), tmp_path / family, attention=attention, **asked)
        for family, (attention, asked) in zip(FAMILIES, kinds[1:], strict=False)
    ]

    run_python(LOADS, *folders)

    for folder in folders:
        ids = transformers.AutoTokenizer.from_pretrained(folder)(" ".join((WORDS * 2)[:90]))
        with torch.no_grad():
            expected = tagger(folder)(torch.tensor([ids["input_ids"]])).logits
        assert torch.equal(torch.load(folder / "logits"), expected), folder


@pytest.mark.parametrize("attention", ["bigbird", "lsg"])
def test_layers_of_a_distilbert_draw_for_themselves(
    attention: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = {"attention": attention, **NARROW[attention]}
    model = tagger(converted(sources("DistilBert"), tmp_path / "out", **asked))
    expected = logits(model, LONG)

    parts = [part for part in model.modules() if hasattr(part, "is_causal")]
    assert [part.layer_idx for part in parts] == [0, 1, 2]
    for part in parts:
        part.layer_idx = 0

    assert not torch.equal(logits(model, LONG), expected)


@pytest.mark.parametrize("head", ["Model", "ForMaskedLM"])
def test_models_with_other_heads_stay_what_they_are(head: str, tmp_path: Path) -> None:
    source = tiny_model(tmp_path / "source", "Roberta", head=head)

    out = converted(source, tmp_path / "out")

    assert json.loads((out / "config.json").read_text())["architectures"] == [f"Roberta{head}"]
    before, after = (load_file(one / "model.safetensors") for one in (source, out))
    assert after.keys() == before.keys()
    assert (
        f"from transformers import AutoTokenizer, Roberta{head}\n"
        in (out / "README.md").read_text()
    )


def test_the_tokenizer_cuts_at_the_new_length_and_only_when_asked(
    copy: Path, tmp_path: Path
) -> None:
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    cuts = {"max_length": 12, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    write_json(copy / "tokenizer.json", **{**tokenizer, "truncation": cuts})
    text = " ".join(WORDS * 4)

    again = transformers.AutoTokenizer.from_pretrained(converted(copy, tmp_path / "out"))

    assert again.model_max_length == LONG
    assert len(again(text, truncation=True)["input_ids"]) == LONG
    assert len(again(text, verbose=False)["input_ids"]) == 4 * len(WORDS) + 2
    assert again.backend_tokenizer.truncation is None


def test_a_pooler_that_was_never_learnt_is_not_made_up(tmp_path: Path) -> None:
    source = tiny_model(tmp_path / "source", "Bert", head="Model")
    weights = load_file(source / "model.safetensors")
    without = {name: one for name, one in weights.items() if "pooler" not in name}
    save_file(without, source / "model.safetensors", metadata={"format": "pt"})

    out = converted(source, tmp_path / "out")

    assert load_file(out / "model.safetensors").keys() == without.keys()


def test_the_same_request_gives_the_same_bytes(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    one, other = (converted(sources("Roberta"), tmp_path / name) for name in ("one", "other"))
    assert files_of(one) == files_of(other)
    assert set(files_of(one)) == {
        "README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_a_converted_model_converts_as_any(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    once = converted(sources(family), tmp_path / "once", max_tokens=4 * TOKENS)
    half = converted(
        sources(family), tmp_path / "half", max_tokens=2 * TOKENS, attention="longformer"
    )

    twice = converted(half, tmp_path / "twice", max_tokens=4 * TOKENS)
    thrice = converted(twice, tmp_path / "thrice", max_tokens=4 * TOKENS)

    for again in (twice, thrice):
        kept = {name: one for name, one in files_of(once).items() if name != "README.md"}
        assert {name: one for name, one in files_of(again).items() if name != "README.md"} == kept
    assert "* attention: longformer -> band, " in (twice / "README.md").read_text()
