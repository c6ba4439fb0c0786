"""Tests that what cannot be converted, or asked for, is refused in one message."""

import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from gonerd.student.convert.kinds import KINDS
from tests.student.conversions import converted, refusal
from tests.student.tiny import write_json


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"attention": "bnad"}, "--attention 'bnad': no such attention; expected one of {kinds}."),
        ({"window": 511}, "--window 511: has no two halves; {window}"),
        ({"window": 1}, "--window 1: has no two halves; {window}"),
        ({"window": 0}, "--window 0: has no two halves; {window}"),
        ({"window": -2}, "--window -2: has no two halves; {window}"),
        (
            {"global_tokens": 1},
            "--global-tokens 1: attention 'band' has no such setting; expected --attention "
            "longformer or lsg with it.",
        ),
        (
            {"attention": "bigbird", "window": 8},
            "--window 8: attention 'bigbird' has no such setting; expected --attention band or "
            "longformer with it.",
        ),
        (
            {"block": 8},
            "--block 8: attention 'band' has no such setting; expected --attention bigbird or lsg "
            "with it.",
        ),
        (
            {"attention": "bigbird", "block": 0},
            "--attention bigbird: block is 0; expected a whole number, 1 or more.",
        ),
        (
            {"attention": "bigbird", "global_blocks": -1},
            "--attention bigbird: global_blocks is -1; expected a whole number, 0 or more.",
        ),
        (
            {"attention": "lsg", "selection": "best"},
            "--attention lsg: selection is 'best'; expected one of stride, block_stride, norm, "
            "pooling, bos_pooling, lsh.",
        ),
        (
            {"attention": "lsg", "sparsity_factor": 3},
            "--attention lsg: sparsity_factor is 3; expected a divisor of block and "
            "sparse_block_size, 128 and 128.",
        ),
        (
            {"attention": "lsg", "global_tokens": 61},
            "--max-tokens 100: {model} reads 40 already, behind global tokens; expected 101 or "
            "more, or --global-tokens 0.",
        ),
        (
            {"attention": "lsg", "max_tokens": 40},
            "--max-tokens 40: {model} reads 40 already, behind global tokens; expected 41 or more, "
            "or --global-tokens 0.",
        ),
        (
            {"attention": "longformer", "global_tokens": 0},
            "--global-tokens 0: expected 1 to 100, the tokens read at once.",
        ),
        (
            {"attention": "longformer", "global_tokens": 101},
            "--global-tokens 101: expected 1 to 100, the tokens read at once.",
        ),
        (
            {"max_tokens": 39},
            "--max-tokens 39: {model} reads 40 already; expected that or more.",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    asked: dict[str, Any], message: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    model = sources("Roberta")
    places = {
        "model": model,
        "kinds": ", ".join(KINDS),
        "window": "expected an even number, 2 or more: the tokens seen around each, half of them "
        "on either side.",
    }
    assert refusal(model=str(model), out=tmp_path / "out", **asked) == (
        f"ConfigError: {message.format(**places)}"
    )


def only_pickle(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def without_a_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def without_a_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: one for name, one in weights.items() if "classifier" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def without_numbers(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"] *= float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        (only_pickle, "Error no file named model.safetensors found in directory {path}."),
        (without_a_tokenizer, "its tokenizer has no vocabulary"),
        (
            lambda path: write_json(
                path / "tokenizer_config.json", tokenizer_class="ByT5Tokenizer"
            ),
            "its tokenizer gives no offsets",
        ),
        (without_a_head, "no weights for classifier.bias, 2 such"),
        (without_numbers, "its weights hold what is no number"),
        (
            lambda path: (path / "model.safetensors").write_bytes(b"nothing"),
            "Error while deserializing header: header too small",
        ),
        (
            lambda path: write_json(path / "config.json", architectures=["BertForEverything"]),
            "its architecture 'BertForEverything' is none of transformers",
        ),
        (
            lambda path: write_json(path / "config.json", architectures=["AutoTokenizer"]),
            "its architecture 'AutoTokenizer' is none of transformers",
        ),
        (
            lambda path: (path / "config.json").write_text("{}"),
            "Unrecognized model in {path}. Should have a `model_type` key in its config.json.",
        ),
    ],
)
def test_a_folder_that_is_no_sound_encoder_is_refused_in_one_line(
    breaking: Callable[[Path], object], reason: str, copy: Path, tmp_path: Path
) -> None:
    breaking(copy)
    assert refusal(model=str(copy), out=tmp_path / "out") == (
        f"ConfigError: {copy}: cannot be loaded ({reason.format(path=copy)}); expected an encoder "
        "of transformers with weights in safetensors."
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model_type": "deberta-v2"},
            "model type 'deberta-v2' cannot be converted; expected one of bert, "
            "big_bird, distilbert, electra, longformer, modernbert, nystromformer, roberta, "
            "xlm-roberta.",
        ),
        (
            {"is_decoder": True},
            "is a decoder, whose tokens see only those before; expected an encoder.",
        ),
        (
            {"position_embedding_type": "relative_key"},
            "position_embedding_type 'relative_key' cannot be converted; expected 'absolute'.",
        ),
    ],
)
def test_models_of_another_kind_are_refused(
    changes: dict[str, Any], message: str, copy: Path, tmp_path: Path
) -> None:
    write_json(copy / "config.json", **changes)
    assert refusal(model=str(copy), out=tmp_path / "out") == f"ConfigError: {copy}: {message}"


@pytest.mark.parametrize("name", ["nowhere", "no/where/at/all", "", "empty"])
def test_what_is_no_folder_of_a_model_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    model = tmp_path / name
    assert refusal(model=str(model), out=tmp_path / "out") == (
        f"ConfigError: {model}: no config.json; expected the folder of a transformers encoder."
    )


def test_a_place_that_is_taken_is_refused(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "link").symlink_to(copy)

    def said(name: str) -> str:
        return refusal(model=str(copy), out=tmp_path / name)

    expected = "expected a folder that is empty, or not there yet."
    assert said("file") == f"StoreError: --out {tmp_path}/file: is a file; {expected}"
    assert said("full") == f"StoreError: --out {tmp_path}/full: is not empty; {expected}"
    assert said("copy") == f"ConfigError: --out {copy}: is the model itself; {expected}"
    assert said("link") == f"ConfigError: --out {tmp_path}/link: is the model itself; {expected}"
    assert said("file/out") == (
        f"StoreError: --out {tmp_path}/file/out: could not be written (Not a directory); expected "
        "a folder that can be written, and room on its disk."
    )


def test_an_empty_folder_is_a_place(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert (converted(copy, tmp_path / "out") / "config.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "out"]


def test_a_disk_that_fills_up_leaves_nothing_behind(copy: Path, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        said = refusal(model=str(copy), out=tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert re.fullmatch(
        rf"StoreError: --out {re.escape(str(tmp_path))}/out: could not be written \(.*File too "
        r"large.*\); expected a folder that can be written, and room on its disk\.",
        said,
    ), said
