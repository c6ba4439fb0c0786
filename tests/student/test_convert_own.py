"""Tests that converted Longformers, BigBirds and Nystromformers read what transformers reads."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from gonerd.student.attention.interface import KEY
from gonerd.student.convert.convert import convert
from tests.processes import run_python
from tests.student.conversions import LONG, batch, converted, logits, refusal, request, tagger
from tests.student.families import TOKENS
from tests.student.tiny import write_json

OWN = {"BigBird": "bigbird", "Longformer": "longformer", "Nystromformer": "nystromformer"}
EXACT = {"rtol": 0.0, "atol": 1e-9}
each = pytest.mark.parametrize("family", OWN)


def of_transformers(folder: Path, place: Path) -> Any:
    """Load a converted model as transformers does without us."""
    shutil.copytree(folder, place)
    config = json.loads((place / "config.json").read_text())
    del config[KEY]
    (place / "config.json").write_text(json.dumps(config))
    return tagger(place)


@pytest.mark.parametrize("family", ["BigBird", "Longformer"])
@pytest.mark.parametrize("max_tokens", [TOKENS, LONG])
def test_the_same_is_read_as_by_transformers(
    family: str, max_tokens: int, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    out = converted(sources(family), tmp_path / "out", attention=OWN[family], max_tokens=max_tokens)
    model, usual = tagger(out), of_transformers(out, tmp_path / "usual")

    assert type(model) is type(usual)
    before, after = (load_file(one / "model.safetensors") for one in (sources(family), out))
    assert before.keys() == after.keys()
    assert all(torch.equal(one, after[n]) for n, one in before.items() if "position_em" not in n)
    for length in (
        max_tokens,
        max_tokens - 3,
        31,
        30,
        7,
        1,
    ):  # transformers' own would not go back to blocks
        ids = batch(length)["input_ids"]
        # transformers takes the last block of a row for that of the text, though it be padding
        padding = {"Longformer": length // 3, "BigBird": (length - 1) % 4}[family]
        mask = (torch.arange(length) < torch.tensor([[length], [length - padding]])).long()
        with torch.no_grad():
            found, expected = (
                one(ids, attention_mask=mask).logits[mask.bool()] for one in (model, usual)
            )
        torch.testing.assert_close(found, expected, **EXACT)
    torch.testing.assert_close(logits(model, 20), logits(tagger(sources(family)), 20), **EXACT)


@pytest.mark.parametrize("max_tokens", [TOKENS, LONG])
def test_a_text_of_the_one_length_is_read_as_by_transformers(
    max_tokens: int, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    source, asked = sources("Nystromformer"), {"attention": "nystromformer"}
    out = converted(source, tmp_path / "out", max_tokens=max_tokens, **asked)
    ids = batch(TOKENS)["input_ids"][:1]
    with torch.no_grad():
        found, expected = (tagger(one)(ids).logits for one in (out, source))
    torch.testing.assert_close(found, expected, **EXACT)

    before, after = (load_file(one / "model.safetensors") for one in (source, out))
    assert before.keys() == after.keys()
    for name, one in before.items():
        if "position_embeddings" in name:
            assert torch.equal(after[name][: len(one)], one)
            assert torch.equal(after[name][2 + TOKENS :], one[2:].repeat(3, 1)[: max_tokens - 40])
        else:
            assert torch.equal(after[name], one), name
    assert torch.isfinite(logits(tagger(out), max_tokens)).all()


def test_as_many_landmarks_as_places_see_all(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = {"attention": "nystromformer", "landmarks": LONG}
    out = converted(sources("Nystromformer"), tmp_path / "out", **asked)
    usual = of_transformers(out, tmp_path / "usual")
    for layer in usual.base_model.encoder.layer:  # it then reads all, at any length
        layer.attention.self.seq_len = layer.attention.self.num_landmarks
    ids = batch(LONG)["input_ids"]
    with torch.no_grad():
        found, expected = (one(ids).logits for one in (tagger(out), usual))
    torch.testing.assert_close(found, expected, **EXACT)


@each
def test_padding_and_short_texts_before_change_nothing(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    model = tagger(converted(sources(family), tmp_path / "out", attention=OWN[family]))
    alone = {"input_ids": batch(LONG)["input_ids"][1:, : LONG * 2 // 3]}
    with torch.no_grad():
        expected = model(**alone).logits[0]
        model(input_ids=torch.tensor([[0, 2]]))
    torch.testing.assert_close(logits(model, LONG)[LONG:], expected, **EXACT)


def test_the_first_tokens_can_be_made_global(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = {"attention": "longformer", "global_tokens": 2}
    out = converted(sources("Longformer"), tmp_path / "out", **asked)
    usual = of_transformers(out, tmp_path / "usual")
    texts = batch(LONG)
    first = (torch.arange(LONG) < 2).long().expand(2, -1)
    with torch.no_grad():
        expected = usual(**texts, global_attention_mask=first).logits

    found = logits(tagger(out), LONG)

    torch.testing.assert_close(found, expected[texts["attention_mask"].bool()], **EXACT)


def test_random_blocks_can_be_the_same_in_training_and_use(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = {"attention": "bigbird", "random_blocks": 2}
    model = tagger(converted(sources("BigBird"), tmp_path / "out", **asked))
    its_own = tagger(converted(sources("BigBird"), tmp_path / "own", attention="bigbird"))
    expected = logits(model, LONG)
    assert (logits(its_own, LONG) - expected).abs().max() > 1e-6
    torch.testing.assert_close(logits(model.train(), LONG), expected, **EXACT)


@each
def test_a_converted_checkpoint_converts_again(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    once = converted(sources(family), tmp_path / "once", attention=OWN[family])
    half = converted(sources(family), tmp_path / "half", attention=OWN[family], max_tokens=80)
    twice = converted(half, tmp_path / "twice", attention=OWN[family], max_tokens=LONG)
    for name in ("config.json", "tokenizer.json"):
        assert (twice / name).read_bytes() == (once / name).read_bytes()
    assert torch.equal(logits(tagger(twice), 70), logits(tagger(half), 70))


def test_what_is_its_own_is_said(sources: Callable[[str], Path], tmp_path: Path) -> None:
    def said(family: str, **asked: Any) -> str:
        out = tmp_path / f"{family} {len(list(tmp_path.iterdir()))}"
        asked = {"model": sources(family), "out": out, "attention": OWN[family], **asked}
        return convert(request(**asked)).changed[1]

    own = "attention: longformer -> longformer, a window of 8 to 16 tokens; "
    theirs = ", by projections for them that are the model's own"
    assert said("Longformer") == f"{own}no token is global but those that a caller names{theirs}"
    assert said("Longformer", global_tokens=1) == (
        f"{own}the first token, which sees all others and is seen by all{theirs}"
    )
    blocks = (
        "attention: big_bird -> bigbird, blocks of 4 tokens: each sees itself, the one on either "
        "side, and "
    )
    ends = "; the first block and the last of a text see all and are seen by all"
    assert said("BigBird") == (
        f"{blocks}random ones as transformers draws them, 1 in training and none outside of it, "
        f"where the first is read once more for each{ends}"
    )
    assert said("BigBird", random_blocks=3) == (
        f"{blocks}3 drawn at random for each layer and head, the same in training and use{ends}"
    )
    own = "attention: nystromformer -> nystromformer, "
    means = "landmarks, the means of as many segments of a text of any length, and the model's own"
    assert said("Nystromformer") == f"{own}8 {means} convolution"
    assert said("Nystromformer", landmarks=16) == f"{own}16 {means} convolution"

    alike = Path(shutil.copytree(sources("Nystromformer"), tmp_path / "alike"))
    write_json(alike / "config.json", segment_means_seq_len=8)
    assert said("Nystromformer", model=alike) == (
        f"{own}8 {means} convolution; as it is configured, transformers has all see all, in time "
        "that is quadratic"
    )


WITHOUT_US = """
import sys
from transformers import AutoModelForTokenClassification, AutoTokenizer

for folder in sys.argv[1:]:
    text = " ".join(f"w{number % 45}" for number in range(98))
    texts = AutoTokenizer.from_pretrained(folder)([text], return_tensors="pt")
    model = AutoModelForTokenClassification.from_pretrained(folder)
    print(type(model).__name__, *model(**texts).logits.shape)
assert "gonerd" not in sys.modules
"""


def test_transformers_loads_them_without_us(sources: Callable[[str], Path], tmp_path: Path) -> None:
    folders = [
        converted(sources(family), tmp_path / family, attention=own)
        for family, own in list(OWN.items())[:2]
    ]
    assert run_python(WITHOUT_US, *folders).splitlines() == [
        "BigBirdForTokenClassification 1 100 3",
        "LongformerForTokenClassification 1 100 3",
    ]
    for folder in folders:
        card = (folder / "README.md").read_text()
        assert "and the model loads and runs with its own attention: slower, and with much" in card


@pytest.mark.parametrize(
    ("family", "asked", "message"),
    [
        (
            "Longformer",
            {"attention": "band"},
            "--attention band: {model} has attention of its own, for which its weights are; "
            "expected --attention longformer.",
        ),
        (
            "BigBird",
            {"attention": "lsg"},
            "--attention lsg: {model} has attention of its own, for which its weights are; "
            "expected --attention bigbird.",
        ),
        (
            "Longformer",
            {"attention": "longformer", "window": 8},
            "--window 8: {model} is a longformer already, and stays as it is; expected no "
            "--window.",
        ),
        (
            "BigBird",
            {"attention": "bigbird", "block": 64},
            "--block 64: {model} is a bigbird already, and stays as it is; expected no --block.",
        ),
        (
            "Nystromformer",
            {"attention": "nystromformer", "landmarks": 0},
            "--attention nystromformer: landmarks is 0; expected a whole number, 1 or more.",
        ),
        (
            "BigBird",
            {"attention": "bigbird", "max_tokens": 90},
            "--max-tokens 90: {model} reads whole blocks of 4; expected as many tokens as these "
            "have, such as 92.",
        ),
        (
            "Longformer",
            {"attention": "longformer", "max_tokens": 39},
            "--max-tokens 39: {model} reads 40 already; expected that or more.",
        ),
    ],
)
def test_what_they_are_already_cannot_be_asked_for(
    family: str,
    asked: dict[str, Any],
    message: str,
    sources: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    model = sources(family)
    assert refusal(model=model, out=tmp_path / "out", **asked) == (
        f"ConfigError: {message.format(model=model)}"
    )
