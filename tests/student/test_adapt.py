"""Tests that a converted model goes on with its pretraining: what it learns, stopped or not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, RecordError, StoreError
from gonerd.student.convert import adapt
from gonerd.student.convert.adapt import Adapting, convert_and_adapt
from gonerd.student.convert.convert import Request
from gonerd.student.convert.kinds import Asked
from gonerd.student.finetune.examples import Example
from gonerd.student.tagging.pieces import UNTAUGHT
from gonerd.windows import Window
from tests.conftest import run_gonerd
from tests.student.families import PIECES, TOKENS, WORDS, tiny_model, tiny_tokenizer
from tests.student.releases import a_release

LONG = 3 * TOKENS


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder with a head that gives tags."""
    return tiny_model(tmp_path_factory.mktemp("encoder"), "Bert")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts in which five words take turns."""
    path = tmp_path_factory.mktemp("corpus") / "texts.jsonl"
    with path.open("w") as stream:
        for number in range(12):
            words = [WORDS[(number + place) % 5] for place in range(5 * TOKENS)]
            stream.write(json.dumps({"id": f"text{number}", "text": " ".join(words)}) + "\n")
    return path


@pytest.fixture
def request_of(encoder: Path, tmp_path: Path) -> Request:
    """A conversion into a folder of its own."""
    return Request(
        model=str(encoder),
        out=tmp_path / "out",
        attention="band",
        max_tokens=LONG,
        asked=Asked(window=8),
    )


@pytest.fixture
def adapting(corpus: Path) -> Adapting:
    """A few quick updates."""
    return Adapting(corpus=corpus, updates=6, learning_rate=1e-2, pieces_an_update=2 * LONG)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a tagger."""
    model = transformers.AutoModelForTokenClassification.from_pretrained(folder)
    return dict(model.state_dict())


def test_a_model_learns_to_guess_and_keeps_its_head(
    request_of: Request, adapting: Adapting, encoder: Path
) -> None:
    made, adapted = convert_and_adapt(
        request_of, replace(adapting, updates=100, learning_rate=3e-3)
    )

    assert adapted.documents == 12
    assert adapted.pieces == 12 * (5 * TOKENS + 4)  # two windows each, with two pieces around
    assert adapted.updates == len(adapted.losses) == pytest.approx(100, rel=0.1)
    assert adapted.after > adapted.before + 0.1
    assert np.mean(adapted.losses[-5:]) < 2 < 3 < adapted.losses[0]  # which words there are: 1.6
    assert made["architecture"] == "BertForTokenClassification"
    before, after = weights(encoder), weights(request_of.out)
    head = [name for name in before if name.startswith("classifier")]
    assert len(head) == 2
    assert all(torch.equal(before[name], after[name]) for name in head)
    layer = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(before[layer], after[layer])
    assert sorted(path.name for path in request_of.out.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    card = (request_of.out / "README.md").read_text()
    assert "Nothing was trained" not in card
    assert (
        "It went on with its pretraining on 12 documents of texts.jsonl (2,448 pieces):\n"
        f"{adapted.updates} updates of masked language modelling. Of hidden pieces in windows "
        f"kept apart it guessed\n{100 * adapted.before:.1f} % before, "
        f"{100 * adapted.after:.1f} % after.\n"
    ) in card


@pytest.mark.parametrize("stop_at", [1, 4])
def test_a_run_that_was_stopped_ends_in_the_same_bits(
    request_of: Request,
    adapting: Adapting,
    tmp_path: Path,
    stop_at: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = convert_and_adapt(replace(request_of, out=tmp_path / "whole"), adapting)

    class Stopped(Exception):
        pass

    done = 0

    def stop(pieces: int) -> None:
        nonlocal done
        done += 1
        if done == stop_at:
            raise Stopped

    with pytest.raises(Stopped):
        convert_and_adapt(request_of, adapting, stop)
    assert convert_and_adapt(request_of, adapting) == whole
    one, other = weights(request_of.out), weights(tmp_path / "whole")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_release_is_read_whatever_its_split(tmp_path: Path) -> None:
    release = a_release(tmp_path, {"train": [1, 2], "test": [3]})
    assert [one.id for one in adapt.read_texts(release)] == ["train0", "train1", "test0"]


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_what_is_to_be_guessed_is_drawn_among_the_pieces_of_the_text(
    length: int, seed: int
) -> None:
    ids = np.random.default_rng(seed).integers(5, len(PIECES), length + 2)
    tags = np.pad(ids[1:-1], 1, constant_values=UNTAUGHT)
    whole = Window(start=0, end=length, core_start=0, core_end=length)
    window = Example(document=0, window=whole, ids=ids, tags=tags, lead=1)

    hidden = adapt._hide(window, tiny_tokenizer(), np.random.default_rng(seed))

    guessed = hidden.tags != UNTAUGHT
    assert guessed.any()
    assert not guessed[[0, -1]].any()
    assert (hidden.tags[guessed] == ids[guessed]).all()
    assert (hidden.ids[~guessed] == ids[~guessed]).all()
    assert (window.ids == ids).all()


def test_shares_are_those_of_the_paper() -> None:
    ids = np.full(100_000, 7)
    whole = Window(start=0, end=len(ids), core_start=0, core_end=len(ids))
    window = Example(document=0, window=whole, ids=ids, tags=ids, lead=0)
    tokenizer = tiny_tokenizer()

    hidden = adapt._hide(window, tokenizer, np.random.default_rng(0))

    guessed = hidden.tags != UNTAUGHT
    assert guessed.mean() == pytest.approx(0.15, abs=0.005)
    assert (hidden.ids[guessed] == tokenizer.mask_token_id).mean() == pytest.approx(0.8, abs=0.02)
    kept = 0.1 + 0.1 / len(tokenizer)  # one changed by chance for itself
    assert (hidden.ids[guessed] == 7).mean() == pytest.approx(kept, abs=0.01)


def write(path: Path, *texts: str) -> Path:
    """Write documents."""
    rows = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_what_is_wrong_with_texts_is_said_before_anything_is_made(
    request_of: Request, adapting: Adapting, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "a"}\n')
    with pytest.raises(RecordError):
        convert_and_adapt(request_of, replace(adapting, corpus=bad))
    assert not request_of.out.exists()


def test_texts_of_a_single_window_are_too_few(
    request_of: Request, adapting: Adapting, tmp_path: Path
) -> None:
    little = write(tmp_path / "little.jsonl", "w1 w2", "")
    with pytest.raises(ConfigError) as error:
        convert_and_adapt(request_of, replace(adapting, corpus=little))
    assert str(error.value) == (
        f"--adapt {little}: 1 windows of up to 120 pieces; expected 2 or more, one to learn from "
        "and one to measure on."
    )


def test_another_request_does_not_go_on_where_one_was_left(
    request_of: Request, adapting: Adapting
) -> None:
    def stop(pieces: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_and_adapt(request_of, adapting, stop)
    with pytest.raises(ConfigError) as error:
        convert_and_adapt(request_of, replace(adapting, updates=7))
    assert str(error.value) == (
        f"--out {request_of.out}: was begun with other options; expected the same.\n"
        "Remove the folder to begin anew."
    )


def test_a_model_that_is_adapted_is_not_begun_again(
    request_of: Request, adapting: Adapting
) -> None:
    convert_and_adapt(request_of, adapting)
    with pytest.raises(StoreError) as error:
        convert_and_adapt(request_of, adapting)
    assert str(error.value) == (
        f"--out {request_of.out}: is not empty; expected a folder that is empty, or not there yet."
    )


def test_the_command_says_what_was_learnt(encoder: Path, corpus: Path, tmp_path: Path) -> None:
    command: list[Any] = ["convert", encoder, "--attention", "lsg", "--max-tokens", LONG]
    command += ["--block", 8, "--sparse-block-size", 8, "--adapt", corpus, "--updates", 2]

    done = run_gonerd(*command, "--out", "out", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "2 updates of masked language modelling. Of hidden pieces" in done.stdout
    done = run_gonerd(*command, "--out", "json", "--json", cwd=tmp_path)
    made = json.loads(done.stdout)
    assert made["adapted"]["documents"] == 12
    assert len(made["adapted"]["losses"]) == 2
