"""Tests that a converted model says what it is: its card, and what is printed."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from gonerd.cli import app
from gonerd.student.attention.interface import READERS
from gonerd.student.convert.convert import convert
from gonerd.student.convert.kinds import KINDS
from tests.processes import run_python
from tests.student.conversions import converted, request


def test_the_card_says_what_was_made_of_what(tmp_path: Path, copy: Path) -> None:
    (copy / "README.md").write_text("---\nlicense: mit\nlanguage: [de, en]\nmetrics: [f1]\n---\n")

    card = (
        converted(copy, tmp_path / "out", attention="longformer", window=20) / "README.md"
    ).read_text()

    _, front, text = card.split("---\n", maxsplit=2)
    assert yaml.safe_load(front) == {
        "license": "mit",
        "language": ["de", "en"],
        "library_name": "transformers",
        "pipeline_tag": "token-classification",
        "tags": ["gonerd", "long-documents"],
    }
    assert "# copy, for 100 tokens\n" in text
    assert "from `copy`, a `BertForTokenClassification` that reads\n40 tokens at once:\n" in text
    assert re.search(r"^\* `model.safetensors`, sha256 `[0-9a-f]{64}`$", text, re.MULTILINE)
    assert text.split("## What changed\n\n")[1].split("\n\n")[0] == (
        "* positions: 40 -> 100, the 40 rows of the table repeated\n"
        "* attention: full -> longformer, a window of 20 tokens, 10 on either side, and the first "
        "token, which sees all others and is seen by all; global tokens share the projections of "
        "the rest, of which the paper begins with copies\n"
        "* tokenizer: model_max_length 100, and no truncation unless asked for"
    )
    assert "`mit`, as the card of `copy` says; it holds for these weights too.\n" in text
    assert str(tmp_path) not in card
    code = text.split("```python\n")[1].split("```")[0]
    assert code.splitlines()[0].startswith("import gonerd.student")
    exec(code, {"FOLDER": tmp_path / "out"})


@pytest.mark.parametrize(
    "card", [None, b"# A model\n", b"---\nlicense: [\n---\n", b"---\n- a\n---\n", b"\xff\xfe"]
)
def test_a_card_that_states_no_licence_is_no_licence(
    card: bytes | None, tmp_path: Path, copy: Path
) -> None:
    if card is not None:
        (copy / "README.md").write_bytes(card)

    said = (converted(copy, tmp_path / "out") / "README.md").read_text()

    assert said.endswith(
        "## Licence\n\nThe card of `copy` states none. That of its weights holds for these.\n"
    )


def test_what_changed_in_each_family_is_said(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    def said(family: str, **asked: Any) -> tuple[str, ...]:
        out = tmp_path / f"{family} {len(list(tmp_path.iterdir()))}"
        return convert(request(model=sources(family), out=out, **asked)).changed[:-1]

    assert said("Bert") == (
        "positions: 40 -> 100, the 40 rows of the table repeated",
        "attention: full -> band, a window of 512 tokens, 256 on either side",
    )
    assert said("Roberta", window=4) == (
        "positions: 40 -> 100, the 40 rows of the table repeated, behind 2 that belong to no token",
        "attention: full -> band, a window of 4 tokens, 2 on either side",
    )
    assert said("ModernBert") == (
        "positions: 40 -> 100, rotary, so there are no weights for them",
        "attention: full -> band, in 2 of 3 layers the window of their own, 8 tokens, as before; "
        "in the rest everything, as before",
    )
    assert said("ModernBert", attention="bigbird")[1] == (
        "attention: full -> bigbird, in 2 of 3 layers the window of their own, 8 tokens, as "
        "before; in the rest blocks of 64 tokens: each sees itself, the one on either side, and 3 "
        "drawn at random for each layer and head, the same in training and use; the first block "
        "and the last of a text see all and are seen by all"
    )
    assert said("Bert", attention="bigbird", global_blocks=2, random_blocks=0, block=8)[1] == (
        "attention: full -> bigbird, blocks of 8 tokens: each sees itself, the one on either side, "
        "and 0 drawn at random for each layer and head, the same in training and use; the first 2 "
        "and last 2 of a text see all and are seen by all"
    )
    assert said("Bert", attention="lsg", global_tokens=0, selection="lsh")[1:] == (
        "attention: full -> lsg, blocks of 128 tokens: each sees itself and the one on either "
        "side, and beyond these 128 sparse tokens on either side, one for each 2 (lsh)",
    )
    assert said("XLMRoberta", attention="lsg", global_tokens=3) == (
        "positions: 40 -> 100, the 40 rows of the table repeated, behind 2 that belong to no "
        "token, behind 3 of global tokens",
        "attention: full -> lsg, blocks of 128 tokens: each sees itself and the one on either "
        "side, and beyond these 128 sparse tokens on either side, one for each 2 (norm), and 3 "
        "global tokens before the text, which see all others and are seen by all",
        "global tokens: 3 new pieces of the vocabulary, which the tokenizer puts before every "
        "text; the first begins as the piece that opens a text, the others as the mask, at the "
        "places 0, 1, 2 of a text",
    )
    assert said("ModernBert", attention="lsg")[2] == (
        "global tokens: a new piece of the vocabulary, which the tokenizer puts before every text; "
        "it begins as the piece that opens a text"
    )


@pytest.mark.parametrize(
    ("asked", "otherwise"),
    [
        ({}, "its own attention: slower, and with much the same results"),
        ({"window": 8}, "full attention: slowly, and with other results"),
    ],
)
def test_what_transformers_reads_without_us_is_said(
    asked: dict[str, Any], otherwise: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    card = converted(sources("ModernBert"), tmp_path / "out", **asked) / "README.md"
    assert f"\nand the model loads and runs with {otherwise}.\n" in card.read_text()


def test_every_attention_offered_is_one_that_models_can_have() -> None:
    assert set(KINDS) <= set(READERS)


COMMANDS = """
import contextlib, io, json, sys
from gonerd.cli import main

done = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["gonerd", *words]
    printed, messages = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(messages):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
    done.append([code, printed.getvalue(), messages.getvalue()])
print(json.dumps(done))
"""


@pytest.fixture
def fetched(copy: Path, tmp_path: Path) -> None:
    """A model `ana/small` that has been fetched from the hub."""
    folder = tmp_path / "hub" / "models--ana--small"
    shutil.copytree(copy, folder / "snapshots" / ("0" * 40))
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0" * 40)


@pytest.mark.usefixtures("fetched")
def test_the_command_prints_what_changed_or_what_is_wrong(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--attention", "longformer", "--max-tokens", "100", "--window", "20"]
    asked += ["--global-tokens", "2"]
    out = tmp_path / "out"
    commands = [
        ["convert", "ana/small", *asked, "--out", str(out)],
        ["convert", "no/where", *asked, "--out", str(tmp_path / "other")],
        ["convert", str(copy), *asked, "--block", "8", "--out", str(tmp_path / "other")],
    ]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    done = json.loads(run_python(COMMANDS, json.dumps(commands)))

    positions = "positions: 40 -> 100, the 40 rows of the table repeated"
    attention = (
        "attention: full -> longformer, a window of 20 tokens, 10 on either side, and the first "
        "2, which see all others and are seen by all; global tokens share the projections of the "
        "rest, of which the paper begins with copies"
    )
    cuts = "tokenizer: model_max_length 100, and no truncation unless asked for"
    assert done == [
        [
            0,
            f"{out}: BertForTokenClassification of ana/small, reads 100 tokens\n"
            f"  {positions}\n  {attention}\n  {cuts}\n",
            "",
        ],
        [
            1,
            "",
            "gonerd: no/where: no such folder, and not to be had from the hub "
            "(LocalEntryNotFoundError); expected the folder of a transformers encoder, or the name "
            "of one on the hub.\n",
        ],
        [
            1,
            "",
            "gonerd: --block 8: attention 'longformer' has no such setting; expected --attention "
            "bigbird or lsg with it.\n",
        ],
    ]
    card = (tmp_path / "out" / "README.md").read_text()
    assert "\nbase_model: ana/small\n" in card
    assert "# ana/small, for 100 tokens\n" in card
    assert str(tmp_path) not in card
    words = ["convert", str(copy), *asked, "--out", str(tmp_path / "json"), "--json"]
    ended = CliRunner().invoke(app, words)

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == {
        "out": str(tmp_path / "json"),
        "model": "copy",
        "architecture": "BertForTokenClassification",
        "gonerd_attention": {"attention": "longformer", "half_window": 10, "global_tokens": 2},
        "tokens_before": 40,
        "max_tokens": 100,
        "changed": [positions, attention, cuts],
    }


def test_help_names_every_attention() -> None:
    done = CliRunner().invoke(app, ["convert", "--help"])
    listed = " ".join(done.stdout.split()).split("Attentions: ")[1].split(".")[0]
    assert done.exit_code == 0
    assert re.findall(r"\w+", re.sub(r"\(.*?\)", "", listed)) == list(KINDS)


WITHOUT_TORCH = """
import sys
from pathlib import Path
from gonerd.errors import GonerdError

sys.modules["torch"] = None
from gonerd.student.convert.convert import Request, convert

try:
    convert(Request(model=sys.argv[1], out=Path(sys.argv[2]), attention="band", max_tokens=100))
except GonerdError as error:
    print(f"{type(error).__name__}: {error}")
"""


def test_a_missing_extra_is_named_with_the_way_to_it(tmp_path: Path) -> None:
    assert run_python(WITHOUT_TORCH, "small", tmp_path / "out") == (
        "MissingExtra: convert small: torch is not installed; expected the extra `student`.\n"
        "Install it: pip install 'gonerd[student]'\n"
    )
