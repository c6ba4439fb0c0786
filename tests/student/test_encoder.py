"""Tests that an encoder reads every word, each where it has context, and is loaded safely."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gonerd.errors import ConfigError
from gonerd.student.encoder import (
    CONTEXT_WORDS,
    CORE_WORDS,
    Encoder,
    _windows,
    load_encoder,
    read_words,
)
from tests.conftest import ROOT
from tests.strategies import HOSTILE_TEXTS
from tests.student.tiny import SIGNS, WIDTH, tiny_encoder, write_json

OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder; read it, do not change it."""
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    """The same, loaded."""
    return load_encoder(folder)


def many_words(count: int) -> list[str]:
    """Make words of one to three pieces, hardly two alike beside each other."""
    numbers = np.random.default_rng(7).integers(0, len(SIGNS), (count, 3)).tolist()
    return ["".join(SIGNS[one] for one in row[: 1 + row[0] % 3]) for row in numbers]


def read_at_once(encoder: Encoder, words: Sequence[str]) -> NDArray[np.float32]:
    """Read words in one go, slowly: the mean of each word's pieces, layer beside layer."""
    import torch

    tokenizer: Any = encoder.tokenizer
    pieces = [tokenizer.tokenize(word) for word in words]
    ids = tokenizer.convert_tokens_to_ids(["[CLS]", *chain.from_iterable(pieces), "[SEP]"])
    with torch.no_grad():
        states = encoder.model(torch.tensor([ids]), output_hidden_states=True).hidden_states[::2]
    layers = np.concatenate([state[0].numpy() for state in states], axis=1)
    rows = []
    at = 1
    for some in pieces:
        rows.append(layers[at : at + len(some)].mean(axis=0))
        at += len(some)
    return np.array(rows)


def check_all_are_read(encoder: Encoder, words: Sequence[str]) -> None:
    """Insist on numbers for every word."""
    features = read_words(encoder, words)
    assert features.shape == (len(words), WIDTH)
    assert features.dtype == np.float16
    assert np.isfinite(features).all()
    assert features.any(axis=1).all()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="no words"),
        pytest.param(["a"], id="one word"),
        pytest.param(["Ana", "met", "Bo", "."], id="a sentence"),
        pytest.param(["\u00e9t\u00e9", "\u0416\u0443\u043a"], id="unknown to the vocabulary"),
        pytest.param(["\U0001f600", "\U0001f469\u200d\U0001f467", "\ufe0f"], id="emoji"),
        pytest.param(["\u6771\u4eac", "\u6f22\u5b57\u6587", "\u3002"], id="CJK"),
        pytest.param(["\u200b", "\u00ad", "\ufeff", "\x00", "\ufffd"], id="cleaned to nothing"),
        pytest.param(["x" * 600, "-" * 600, "\u6f22" * 600], id="600 characters"),
        pytest.param(["-" * 600] * 300, id="300 words of 600 pieces"),
        pytest.param(["-" * 100_000], id="100,000 characters"),
        pytest.param(["[CLS]", "[SEP]", "[PAD]", "[UNK]", "##a"], id="names of pieces"),
        pytest.param(["", " ", "\n"], id="blanks"),
    ],
)
def test_every_word_is_read(encoder: Encoder, words: Sequence[str]) -> None:
    check_all_are_read(encoder, words)


@pytest.mark.parametrize("count", [149, 150, 151, 190, 191, 230, 231, 300, 10_000])
def test_every_word_of_a_long_document_is_read(encoder: Encoder, count: int) -> None:
    check_all_are_read(encoder, many_words(count))


@given(words=st.lists(st.text(max_size=70) | st.sampled_from([*HOSTILE_TEXTS.values()])))
@settings(max_examples=30)
def test_any_words_are_read(encoder: Encoder, words: list[str]) -> None:
    check_all_are_read(encoder, words)


def test_a_document_is_read_as_its_windows_alone_are(encoder: Encoder) -> None:
    words = many_words(2 * CORE_WORDS + 30)

    features = read_words(encoder, words)

    for first in range(0, len(words), CORE_WORDS):
        last = min(first + CORE_WORDS, len(words))
        start, end = max(first - CONTEXT_WORDS, 0), last + CONTEXT_WORDS
        alone = read_at_once(encoder, words[start:end])
        np.testing.assert_allclose(
            features[first:last], alone[first - start : last - start], rtol=2e-3, atol=2e-3
        )


def test_a_word_depends_on_its_context_and_on_nothing_beyond(encoder: Encoder) -> None:
    words = many_words(3 * CORE_WORDS)
    core = slice(CORE_WORDS, 2 * CORE_WORDS)
    near, far = CORE_WORDS - CONTEXT_WORDS, 2 * CORE_WORDS + CONTEXT_WORDS
    before = read_words(encoder, words)[core]

    beyond = [*("?" for _ in words[:near]), *words[near:far], *("?" for _ in words[far:])]
    np.testing.assert_array_equal(read_words(encoder, beyond)[core], before)
    for edge in (near, far - 1):
        changed = [*words[:edge], "?", *words[edge + 1 :]]
        assert (read_words(encoder, changed)[core] != before).any()


@given(sizes=st.lists(st.integers(1, 64), max_size=600), room=st.sampled_from([64, 126, 510]))
def test_windows_share_all_words_out_and_each_can_be_read_at_once(
    sizes: list[int], room: int
) -> None:
    windows = list(_windows(sizes, room))

    assert [edge for one in windows for edge in range(one.core_start, one.core_end)] == list(
        range(len(sizes))
    )
    for one in windows:
        assert 0 <= one.start <= one.core_start < one.core_end <= one.end <= len(sizes)
        assert sum(sizes[one.start : one.end]) <= room


@given(size=st.integers(1, 20))
def test_words_of_many_pieces_have_context_on_both_sides(size: int) -> None:
    windows = list(_windows([size] * 500, 510))

    for left, right in pairwise(windows):
        assert left.end > left.core_end
        assert right.start < right.core_start


def test_an_encoder_that_reads_little_at_once_reads_every_word(tmp_path: Path) -> None:
    encoder = load_encoder(tiny_encoder(tmp_path, positions=24))

    check_all_are_read(encoder, [*many_words(200), "-" * 600, *many_words(200)])


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_the_last_layer_is_among_those_read_however_many_there_are(
    tmp_path: Path, layers: int
) -> None:
    import torch

    encoder = load_encoder(tiny_encoder(tmp_path, layers=layers))
    tokenizer: Any = encoder.tokenizer

    features = read_words(encoder, ["a", "b"])

    assert features.shape == (2, 16 * (layers // 2 + 1))
    with torch.no_grad():
        last = encoder.model(torch.tensor([tokenizer.encode("a b")])).last_hidden_state
    np.testing.assert_allclose(features[:, -16:], last[0, 1:-1].numpy(), rtol=2e-3, atol=2e-3)


def test_features_are_the_same_whenever_it_is_loaded(folder: Path, encoder: Encoder) -> None:
    words = many_words(300)

    features = read_words(encoder, words)

    np.testing.assert_array_equal(read_words(encoder, words), features)
    np.testing.assert_array_equal(read_words(load_encoder(folder), words), features)


def test_reading_changes_nothing_in_the_encoder(encoder: Encoder) -> None:
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}

    read_words(encoder, many_words(300))

    after = encoder.model.state_dict()
    assert all(bool((after[name] == value).all()) for name, value in before.items())
    assert not encoder.model.training


# Folders of encoders


def damaged(folder: Path, tmp_path: Path) -> Path:
    """Copy an encoder, to break it."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def weights_of(folder: Path) -> dict[str, Any]:
    """Read the weights of an encoder."""
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


def write_weights(folder: Path, weights: dict[str, Any]) -> None:
    """Write the weights of an encoder."""
    from safetensors.torch import save_file

    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_weights_of_half_precision_are_read_as_any(
    folder: Path, encoder: Encoder, tmp_path: Path
) -> None:
    import torch

    copy = damaged(folder, tmp_path)
    write_weights(
        copy, {name: value.to(torch.bfloat16) for name, value in weights_of(copy).items()}
    )
    write_json(copy / "config.json", dtype="bfloat16")

    halved = read_words(load_encoder(copy), ["Ana", "met", "Bo"])

    np.testing.assert_allclose(halved, read_words(encoder, ["Ana", "met", "Bo"]), atol=0.05)


def test_numbers_too_large_for_features_are_the_largest(folder: Path, tmp_path: Path) -> None:
    copy = damaged(folder, tmp_path)
    weights = weights_of(copy)
    weights["embeddings.LayerNorm.weight"] *= 1e9
    write_weights(copy, weights)

    check_all_are_read(load_encoder(copy), ["Ana", "met", "Bo"])


def only_pickle(folder: Path) -> None:
    import torch

    torch.save(weights_of(folder), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def without_numbers(folder: Path) -> None:
    weights = weights_of(folder)
    weights["embeddings.LayerNorm.weight"] *= float("nan")
    write_weights(folder, weights)


def without_a_layer(folder: Path) -> None:
    kept = {name: one for name, one in weights_of(folder).items() if "layer.1." not in name}
    write_weights(folder, kept)


def with_more_pieces(folder: Path) -> None:
    pieces = (folder / "vocab.txt").read_text()
    (folder / "vocab.txt").write_text(f"{pieces}Ana\nBo\n")


def without_an_end(folder: Path) -> None:
    write_json(folder / "tokenizer_config.json", sep_token=None)


def of_another_kind(folder: Path) -> None:
    """A decoder with an encoder, which does not read by itself."""
    from transformers import T5Config, T5Model

    config = T5Config(
        vocab_size=200, d_model=16, d_ff=32, d_kv=8, num_layers=1, num_heads=2, num_decoder_layers=1
    )
    T5Model(config).save_pretrained(folder)


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        pytest.param(
            only_pickle, "Error no file named model.safetensors found in directory {path}.",
            id="pickle",
        ),
        pytest.param(
            lambda path: (path / "model.safetensors").write_bytes(b"nothing"),
            "Error while deserializing header: header too small",
            id="damaged weights",
        ),
        pytest.param(
            without_a_layer,
            "no weights for encoder.layer.1.attention.output.LayerNorm.bias, 16 such",
            id="weights are missing",
        ),
        pytest.param(without_numbers, "its weights hold what is no number", id="no numbers"),
        pytest.param(
            lambda path: (path / "config.json").write_text('{"model_type": '),
            "It looks like the config file at '{path}/config.json' is not a valid JSON file.",
            id="broken config",
        ),
        pytest.param(
            lambda path: (path / "config.json").write_text("{}"),
            "Unrecognized model in {path}. Should have a `model_type` key in its config.json.",
            id="empty config",
        ),
        pytest.param(
            lambda path: write_json(path / "config.json", hidden_size="wide"),
            "Validation error for field 'hidden_size':",
            id="a word for a number",
        ),
        pytest.param(
            lambda path: (path / "tokenizer_config.json").write_text("[]"),
            "'list' object has no attribute 'get'",
            id="tokenizer is a list",
        ),
        pytest.param(
            lambda path: (path / "tokenizer.json").write_text("{"),
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            id="broken tokenizer",
        ),
        pytest.param(
            lambda path: (path / "vocab.txt").unlink(),
            "its tokenizer has no vocabulary",
            id="no vocabulary",
        ),
        pytest.param(
            with_more_pieces,
            "its tokenizer has more pieces than its weights",
            id="another's vocabulary",
        ),
        pytest.param(
            without_an_end,
            "its tokenizer lacks pieces that open, close or stand for the unknown",
            id="no end of a window",
        ),
        pytest.param(of_another_kind, None, id="no encoder"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_sound_encoder_is_refused_in_one_line(
    folder: Path, tmp_path: Path, breaking: Callable[[Path], object], reason: str | None
) -> None:
    copy = damaged(folder, tmp_path)
    breaking(copy)

    with pytest.raises(ConfigError) as error:
        load_encoder(copy)

    opening = f"{copy}: cannot be loaded ("
    closing = "); expected an encoder of transformers with weights in safetensors."
    if reason is None:  # in words of the library's own
        assert str(error.value).startswith(opening)
        assert str(error.value).endswith(closing)
        assert "\n" not in str(error.value)
    else:
        assert str(error.value) == opening + reason.format(path=copy) + closing


@pytest.mark.parametrize("name", ["", "nowhere", "copy"])
def test_a_folder_without_a_config_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (damaged(folder, tmp_path) / "config.json").unlink()

    with pytest.raises(ConfigError) as error:
        load_encoder(tmp_path / name)
    assert str(error.value) == (
        f"{tmp_path / name}: no config.json; expected the folder of a transformers encoder."
    )


# In a process of its own: what is imported, run, asked and reached.

LOADS = """
import sys
from pathlib import Path
from gonerd.errors import GonerdError

def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo")):
        print("reached for the network", event)

sys.addaudithook(watch)
for name in sys.argv[1].split():
    sys.modules[name] = None
from gonerd.student.encoder import load_encoder, read_words
for path in sys.argv[2:]:
    try:
        print(read_words(load_encoder(Path(path)), ["Ana", "Bo"]).shape)
    except GonerdError as error:
        print(f"{type(error).__name__}: {error}")
"""


def load_apart(missing: str, *paths: Path) -> str:
    """Load encoders in another process, which is told `y` whatever it asks."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADS, missing, *map(str, paths)],
        cwd=ROOT,
        input="y\n" * 20,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=OFFLINE,
    )
    assert not ended.stderr
    return ended.stdout


@pytest.mark.parametrize("name", ["torch", "transformers"])
def test_a_missing_extra_is_named_with_the_way_to_it(folder: Path, name: str) -> None:
    assert load_apart(name, folder) == (
        f"MissingExtra: --model {folder}: {name} is not installed; expected the extra `student`.\n"
        "Install it: pip install 'gonerd[student]'\n"
    )


def test_code_in_a_folder_does_not_run_and_nobody_is_asked(folder: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    own, tokenizing, borrowed = (
        Path(shutil.copytree(folder, tmp_path / name)) for name in ("own", "tokenizing", "borrowed")
    )
    for path in (own, tokenizing, borrowed):
        (path / "code.py").write_text(
            f"open({str(ran)!r}, 'w')\n"
            "from transformers import BertConfig as C, BertModel as M, BertTokenizer as T\n"
        )
    for path in (own, borrowed):
        write_json(path / "config.json", auto_map={"AutoConfig": "code.C", "AutoModel": "code.M"})
    write_json(own / "config.json", model_type="own")
    write_json(
        tokenizing / "tokenizer_config.json",
        tokenizer_class="Own",
        auto_map={"AutoTokenizer": ["code.T", "code.T"]},
    )

    lines = load_apart("", own, tokenizing, borrowed).splitlines()

    assert not ran.exists()
    assert lines[0].startswith(f"ConfigError: {own}: cannot be loaded (")
    assert lines[1].startswith(f"ConfigError: {tokenizing}: cannot be loaded (")
    assert lines[2:] == [str((2, WIDTH))]  # by the library's own code
