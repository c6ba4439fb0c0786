"""Tests that a converted model is the model it was made from, reads more, and says what it is."""

import json
import os
import re
import resource
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
import yaml
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from gonerd.cli import app
from gonerd.errors import GonerdError
from gonerd.student.attention.interface import READERS
from gonerd.student.convert.convert import Request, convert
from gonerd.student.convert.kinds import KINDS, Asked
from tests.conftest import run_gonerd
from tests.processes import run_python
from tests.student.families import FAMILIES, OWN_WINDOW, TOKENS, WORDS, tiny_model
from tests.student.tiny import write_json

LONG = 100
"""Tokens that converted models read: no multiple of what they read before."""
OFFSET = {"Roberta": 2, "XLMRoberta": 2}
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a tiny model of each family; read it, do not change it."""
    root = tmp_path_factory.mktemp("sources")

    def source(family: str) -> Path:
        folder = root / family.lower()
        return folder if folder.exists() else tiny_model(folder, family)

    return source


@pytest.fixture
def copy(sources: Callable[[str], Path], tmp_path: Path) -> Path:
    """A BERT, to break."""
    return Path(shutil.copytree(sources("Bert"), tmp_path / "copy"))


def converted(model: Path, out: Path, **asked: Any) -> Path:
    """Convert a model, to a band for `LONG` tokens where nothing else is asked for."""
    convert(request(model=model, out=out, **asked))
    return out


def request(**asked: Any) -> Request:
    """Ask for a band for `LONG` tokens where nothing else is asked for."""
    options = {one.name for one in fields(Asked)} & asked.keys()
    of_attention = Asked(**{name: asked.pop(name) for name in options})
    asked = {"attention": "band", "max_tokens": LONG, "asked": of_attention, **asked}
    return Request(**{**asked, "model": str(asked["model"])})


def tagger(folder: Path) -> Any:
    """Load a model with its head."""
    return transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()


def batch(length: int) -> dict[str, torch.Tensor]:
    """Make two texts, the second shorter and padded."""
    chance = torch.Generator().manual_seed(length)
    ids = torch.randint(5, 5 + len(WORDS), (2, length), generator=chance)
    mask = (torch.arange(length)[None] < torch.tensor([[length], [length * 2 // 3]])).long()
    return {"input_ids": torch.where(mask.bool(), ids, 1), "attention_mask": mask}


def logits(model: Any, length: int) -> torch.Tensor:
    """Read what a model says of the tokens of `batch` that are no padding."""
    texts = batch(length)
    with torch.no_grad():
        found: torch.Tensor = model(**texts).logits[texts["attention_mask"].bool()]
    return found


def table(folder: Path) -> torch.Tensor:
    """Read the position table out of a folder."""
    weights = load_file(folder / "model.safetensors")
    found: torch.Tensor = next(one for name, one in weights.items() if "position_embed" in name)
    return found


# The same model


EXACT: list[dict[str, Any]] = [
    {"attention": "band"},
    {"attention": "longformer"},
    {"attention": "longformer", "global_tokens": 5},
]


@pytest.mark.parametrize(
    ("family", "asked"),
    # ModernBERT's layers keep their windows, and global tokens are new to them.
    [(family, asked) for family in FAMILIES for asked in EXACT[: 1 if "Mod" in family else 3]],
)
def test_a_window_over_all_changes_nothing_in_texts_that_could_be_read_before(
    family: str, asked: dict[str, Any], sources: Callable[[str], Path], tmp_path: Path
) -> None:
    window = None if family == "ModernBert" else 2 * TOKENS

    model = tagger(converted(sources(family), tmp_path / "out", window=window, **asked))

    assert model.dtype == torch.float64
    for length in (TOKENS, 7, 1):
        expected = logits(tagger(sources(family)), length)
        torch.testing.assert_close(logits(model, length), expected, rtol=0, atol=1e-9)


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


@pytest.mark.parametrize("family", FAMILIES)
def test_longer_texts_are_read_and_a_window_is_narrow(
    family: str, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    window = OWN_WINDOW if family == "ModernBert" else 6
    out = converted(sources(family), tmp_path / "out", attention="longformer", window=window)
    model = tagger(out)

    assert torch.isfinite(logits(model, LONG)).all()
    ids = batch(LONG)["input_ids"][:1]
    first = ids.clone()
    first[0, 0] = 5 if ids[0, 0] != 5 else 6
    with torch.no_grad():
        moved = (model(first).logits - model(ids).logits).abs().amax(-1)[0]
    assert moved[50] > 0, "the first token is seen by all"


LOADS = """
import sys
import torch
import gonerd.student
from transformers import AutoModelForTokenClassification, AutoTokenizer

text = " ".join(f"w{number % 45}" for number in range(98))
for folder in sys.argv[1:]:
    ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    model = AutoModelForTokenClassification.from_pretrained(folder)
    with torch.no_grad():
        torch.save(model(torch.tensor([ids])).logits, f"{folder}/logits")
"""


def test_another_process_that_imports_the_student_reads_the_same(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    folders = [
        converted(sources(family), tmp_path / family, attention="longformer")
        if family == "ModernBert"
        else converted(sources(family), tmp_path / family, attention="longformer", window=6)
        for family in FAMILIES
    ]

    run_python(LOADS, *folders)

    ids = torch.tensor([[0, *(5 + number % 45 for number in range(LONG - 2)), 2]])
    for folder in folders:
        with torch.no_grad():
            expected = tagger(folder)(ids).logits
        assert torch.equal(torch.load(folder / "logits"), expected), folder


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


# Again


def files_of(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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
    said = (twice / "README.md").read_text()
    assert "* attention: longformer -> band, a window of " in said


# What it says of itself


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
        "the rest\n"
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
    def said(family: str) -> tuple[str, ...]:
        made = convert(
            Request(
                model=str(sources(family)),
                out=tmp_path / family,
                attention="band",
                max_tokens=LONG,
            )
        )
        return made.changed[:2]

    band = "attention: full -> band, a window of"
    assert said("Bert") == (
        "positions: 40 -> 100, the 40 rows of the table repeated",
        f"{band} 512 tokens, 256 on either side",
    )
    assert said("Roberta") == (
        "positions: 40 -> 100, the 40 rows of the table repeated, behind 2 that belong to no token",
        f"{band} 512 tokens, 256 on either side",
    )
    assert said("ModernBert") == (
        "positions: 40 -> 100, rotary, so there are no weights for them",
        f"{band} 8 tokens, 4 on either side; so in 2 of 3 layers, whose own window this is, while "
        "the other 1 read everything as before",
    )


def test_every_attention_offered_is_one_that_models_can_have() -> None:
    assert set(KINDS) <= set(READERS)


# What is refused


def refusal(**asked: Any) -> str:
    """Ask for what is refused, and give the message; nothing is written."""
    out = asked["out"]
    before = sorted(out.parent.rglob("*"))
    with pytest.raises(GonerdError) as error:
        convert(request(**asked))
    assert sorted(out.parent.rglob("*")) == before
    return f"{type(error.value).__name__}: {error.value}"


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


def test_a_model_keeps_windows_of_its_own(sources: Callable[[str], Path], tmp_path: Path) -> None:
    model = sources("ModernBert")
    assert refusal(model=str(model), out=tmp_path / "out", window=512) == (
        f"ConfigError: --window 512: {model} has layers with a window of their own, and keeps it; "
        "expected 8, or no --window."
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
            "model type 'deberta-v2' cannot be converted; expected one of bert, distilbert, "
            "electra, modernbert, roberta, xlm-roberta.",
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


# The command


def run(tmp_path: Path, *arguments: object) -> tuple[int, str, str]:
    """Run the command in its own process, without a network: exit code, output, messages."""
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "hub")}
    done = run_gonerd("convert", *arguments, cwd=tmp_path, env=offline)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def fetched(copy: Path, tmp_path: Path) -> None:
    """A model `ana/small` that has been fetched from the hub."""
    folder = tmp_path / "hub" / "models--ana--small"
    shutil.copytree(copy, folder / "snapshots" / ("0" * 40))
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0" * 40)


@pytest.mark.usefixtures("fetched")
def test_the_command_prints_what_changed(copy: Path, tmp_path: Path) -> None:
    asked = ("--attention", "longformer", "--max-tokens", 100, "--window", 20)
    positions = "positions: 40 -> 100, the 40 rows of the table repeated"
    attention = (
        "attention: full -> longformer, a window of 20 tokens, 10 on either side, and the first "
        "2, which see all others and are seen by all; global tokens share the projections of the "
        "rest"
    )
    cuts = "tokenizer: model_max_length 100, and no truncation unless asked for"

    assert run(tmp_path, "ana/small", *asked, "--global-tokens", 2, "--out", "out") == (
        0,
        "out: BertForTokenClassification of ana/small, reads 100 tokens\n"
        f"  {positions}\n  {attention}\n  {cuts}\n",
        "",
    )
    card = (tmp_path / "out" / "README.md").read_text()
    assert "\nbase_model: ana/small\n" in card
    assert "# ana/small, for 100 tokens\n" in card
    assert str(tmp_path) not in card
    words = ["convert", copy, *asked, "--global-tokens", 2, "--out", tmp_path / "json", "--json"]
    done = CliRunner().invoke(app, [str(word) for word in words])

    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "out": str(tmp_path / "json"),
        "model": "copy",
        "architecture": "BertForTokenClassification",
        "gonerd_attention": {"attention": "longformer", "half_window": 10, "global_tokens": 2},
        "tokens_before": 40,
        "max_tokens": 100,
        "changed": [positions, attention, cuts],
    }


def test_the_command_says_what_is_wrong_in_one_message(copy: Path, tmp_path: Path) -> None:
    asked = ("--attention", "band", "--max-tokens", 100, "--out", "out")
    assert run(tmp_path, "no/where", *asked) == (
        1,
        "",
        "gonerd: no/where: no such folder, and not to be had from the hub "
        "(LocalEntryNotFoundError); expected the folder of a transformers encoder, or the name of "
        "one on the hub.\n",
    )
    code, printed, messages = run(tmp_path, "copy", *asked[:2], "--max-tokens", 0, *asked[4:])
    assert (code, printed) == (2, "")
    assert "Invalid value for '--max-tokens'" in messages


def test_help_names_every_attention(tmp_path: Path) -> None:
    code, printed, _ = run(tmp_path, "--help")
    listed = " ".join(printed.split()).split("Attentions: ")[1].split(".")[0]
    assert code == 0
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
