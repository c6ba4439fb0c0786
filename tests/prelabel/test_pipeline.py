"""Tests that a pipeline is found, told from others and loaded, or refused with the way out."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy.about
from spacy.language import Language
from spacy.util import is_compatible_version

from gonerd.errors import ConfigError
from gonerd.guide import Guide, load_guide
from gonerd.prelabel.pipeline import EMBEDDED, PrelabelConfig, identify, label_map, load
from tests.conftest import ROOT
from tests.prelabel.rulers import document, found, label, save_names, save_ruler

GUIDE = Guide(name="test", version=3, labels={"PERSON": "People.", "PLACE": "Places."}, text="")

FOLDER = ROOT / "gonerd" / "prelabel" / "embedded"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The usual pipeline; read it, do not change it."""
    return save_names(tmp_path_factory.mktemp("pipeline") / "ruler")


@pytest.fixture
def ruler(saved: Path, tmp_path: Path) -> Path:
    """A copy of it, to break."""
    return Path(shutil.copytree(saved, tmp_path / "ruler"))


def mapping(**labels: str) -> PrelabelConfig:
    """Configure what becomes of labels."""
    return PrelabelConfig(labels=labels)


def test_a_pipeline_is_known_by_language_name_and_version(ruler: Path) -> None:
    assert identify(str(ruler)).annotator == "en_ruler@1.2.3"
    assert identify(str(ruler)).folder == ruler


def test_the_same_files_elsewhere_are_the_same_pipeline(ruler: Path, saved: Path) -> None:
    (ruler / "__pycache__").mkdir()
    (ruler / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    assert identify(str(ruler)).fingerprint == identify(str(saved)).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "tokenizer").write_bytes(b"other"),
        lambda folder: (folder / "new file").write_bytes(b""),
        lambda folder: (folder / "tokenizer").rename(folder / "Tokenizer"),
    ],
    ids=["a byte", "a file more", "a file's name"],
)
def test_any_change_of_its_files_makes_it_another(
    ruler: Path, saved: Path, change: Callable[[Path], object]
) -> None:
    change(ruler)
    assert identify(str(ruler)).fingerprint != identify(str(saved)).fingerprint


@pytest.mark.parametrize(
    "name",
    [
        "en_no_such_pipeline",
        "no/such/folder",
        "no such",
        "en-core",
        "gonerd.nowhere",
        "\u00e9\u00e0",
    ],
)
def test_a_name_that_is_no_pipeline_is_refused(name: str) -> None:
    installed = ", ".join(sorted(spacy.util.get_installed_models())) or "none"
    with pytest.raises(ConfigError) as error:
        identify(name)
    assert str(error.value) == (
        f"prelabel.pipeline: {name!r} is neither a folder nor an installed pipeline; "
        f"expected 'embedded', a path, or one of the installed ({installed})."
    )


@pytest.mark.parametrize("name", ["", "os", "sys", "json", "builtins"])
def test_a_module_that_is_no_pipeline_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        identify(name)
    assert str(error.value).startswith(f"prelabel.pipeline: {name!r} is ")


def test_a_folder_without_a_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        identify(str(tmp_path))
    assert str(error.value) == (
        f"prelabel.pipeline: {str(tmp_path)!r} is no spaCy pipeline ([E053] Could not read "
        f"meta.json from {tmp_path}); expected a folder with meta.json and config.cfg."
    )


@pytest.mark.parametrize(
    "meta",
    [b"not JSON", b"\xff\xfe", b"[]", b"null", b"3", b"{}", b'{"lang": "en", "name": ""}'],
)
def test_a_folder_with_a_broken_meta_is_refused(ruler: Path, meta: bytes) -> None:
    (ruler / "meta.json").write_bytes(meta)
    with pytest.raises(ConfigError) as error:
        identify(str(ruler))
    message = str(error.value)
    assert message.startswith(f"prelabel.pipeline: {str(ruler)!r} is no spaCy pipeline (")
    assert message.endswith("); expected a folder with meta.json and config.cfg.")
    assert "\n" not in message


def test_a_folder_without_a_config_is_refused(ruler: Path) -> None:
    (ruler / "config.cfg").unlink()
    with pytest.raises(ConfigError) as error:
        load(str(ruler))
    assert str(error.value) == (
        f"prelabel.pipeline: {str(ruler)!r} cannot be loaded ([E053] Could not read config file "
        f"from {ruler / 'config.cfg'}); expected a pipeline for spaCy {spacy.about.__version__}."
    )


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.cfg", b"no config"),
        ("config.cfg", b"[nlp]\nlang = ???\n"),
        ("config.cfg", b"\xff\xfe"),
        ("tokenizer", b"not a tokenizer"),
        ("tokenizer", b""),
        ("vocab/strings.json", b"{"),
        ("entity_ruler/patterns.jsonl", b"{"),
        ("entity_ruler/cfg", b"[1]"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[2:-1],
)
def test_a_pipeline_with_a_broken_file_is_refused(ruler: Path, file: str, content: bytes) -> None:
    assert (ruler / file).exists()
    (ruler / file).write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load(str(ruler))
    message = str(error.value)
    assert message.startswith(f"prelabel.pipeline: {str(ruler)!r} cannot be loaded (")
    assert message.endswith(f"); expected a pipeline for spaCy {spacy.about.__version__}.")
    assert "\n" not in message


def test_labels_without_an_entry_keep_their_name(saved: Path) -> None:
    guide = load_guide("gonerd")
    mapped = label_map(str(saved), PrelabelConfig(), guide)
    assert mapped == {"LOC": "LOC", "ORG": "ORG", "PER": "PER"}


def test_labels_are_mapped_or_dropped_as_configured(saved: Path) -> None:
    mapped = label_map(str(saved), mapping(PER="PERSON", ORG="", LOC="PLACE"), GUIDE)
    assert mapped == {"LOC": "PLACE", "ORG": "", "PER": "PERSON"}


@pytest.mark.parametrize(
    ("labels", "unknown", "of"),
    [
        ({"PER": "PERSON", "LOC": "PLACE"}, "ORG", "ORG"),
        ({"PER": "PERSON", "LOC": "PLACE", "ORG": "FIRM"}, "FIRM", "ORG"),
        ({"PER": "person", "LOC": "PLACE", "ORG": ""}, "person", "PER"),
    ],
    ids=["no entry", "entry of no label", "another case"],
)
def test_a_label_the_guide_does_not_know_is_refused(
    saved: Path, labels: dict[str, str], unknown: str, of: str
) -> None:
    with pytest.raises(ConfigError) as error:
        label_map(str(saved), mapping(**labels), GUIDE)
    assert str(error.value) == (
        f"prelabel.labels: label {unknown!r} of pipeline {str(saved)!r} is not in test@3; "
        "expected one of PERSON, PLACE.\n"
        f'Map it under [prelabel.labels], as {of} = "PERSON", or to "" to drop it.'
    )


@pytest.mark.parametrize("component", ["entity_ruler", "future_entity_ruler", "span_ruler"])
def test_every_component_that_finds_entities_is_heard(tmp_path: Path, component: str) -> None:
    patterns = [{"label": "LOC", "pattern": "Lund"}]
    folder = str(save_ruler(tmp_path / "ruler", patterns, component))
    labels = label_map(folder, PrelabelConfig(), load_guide("gonerd"))
    (result,) = label(load(folder), document("In Lund"), labels=labels)
    assert found(result) == [(3, 7, "LOC")]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"window_tokens": 0, "overlap_tokens": 0},
            "window_tokens=0 batch_windows=8; expected at least 1 of each.",
        ),
        ({"batch_windows": 0}, "window_tokens=2000 batch_windows=0; expected at least 1 of each."),
        (
            {"window_tokens": 200},
            "overlap_tokens=100 window_tokens=200; expected 2 * overlap_tokens < window_tokens.",
        ),
        (
            {"overlap_tokens": -1},
            "overlap_tokens=-1 window_tokens=2000; expected 2 * overlap_tokens < window_tokens.",
        ),
    ],
    ids=["no window", "no batch", "no room for a core", "negative overlap"],
)
def test_windows_that_cannot_be_are_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError) as error:
        PrelabelConfig(**values)  # type: ignore[arg-type]
    assert str(error.value) == message


@pytest.fixture(scope="module")
def embedded() -> Language:
    return load(EMBEDDED)


def test_the_embedded_pipeline_knows_the_labels_of_the_guide(embedded: Language) -> None:
    guide = load_guide("gonerd")
    mapped = label_map(EMBEDDED, PrelabelConfig(), guide)
    assert mapped == {label: label for label in sorted(guide.labels)}


def test_the_embedded_pipeline_loads_and_labels_without_a_network(tmp_path: Path) -> None:
    script = """
import socket, warnings
warnings.simplefilter("error", UserWarning)
def refuse(*arguments, **options):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from gonerd.prelabel.pipeline import load
doc = load("embedded")("Margaret Ellison flew from London to Paris with Henry Roe.")
print(len(doc.ents))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert int(done.stdout) >= 1


def test_the_embedded_pipeline_has_at_most_8_megabytes() -> None:
    sizes = [path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()]
    assert 0 < sum(sizes) <= 8_000_000


def test_the_embedded_pipeline_fits_every_spacy_that_gonerd_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (allowed,) = [one for one in project["dependencies"] if one.startswith("spacy")]
    lowest = re.findall(r">=([\d.]+)", allowed)[0]
    meta = json.loads((FOLDER / "meta.json").read_text(encoding="utf-8"))
    assert is_compatible_version(lowest, meta["spacy_version"]), (
        f"with spaCy {lowest} every run would warn: the pipeline wants {meta['spacy_version']}"
    )


def test_the_embedded_pipeline_credits_the_corpora_it_learnt_from() -> None:
    card = FOLDER / "README.md"
    if not card.exists():
        pytest.skip("the embedded pipeline has no card yet")
    text = re.sub(r"[^a-z0-9]", "", card.read_text(encoding="utf-8").lower())
    for corpus in ("wikigold", "litbank", "gum", "wnut", "broadtwitter"):
        assert corpus in text
