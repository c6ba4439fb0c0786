"""A release loads with every version of datasets it promises, each in an environment of its own.

`make readers` makes the environments; without them these tests are skipped with that word.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gonerd.bio import tag_names
from gonerd.release import open_release, read_rows
from tests.conftest import ROOT

READERS = ("2.19", "3.6", "4", "5")
LOAD = Path(__file__).parent / "readers" / "load.py"


def described_by(python: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    """Load with another environment's datasets and read what it printed."""
    done = subprocess.run(
        [python, LOAD, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("DESCRIBED ")]
    assert done.returncode == 0 and lines, done.stderr[-2000:]
    described: dict[str, Any] = json.loads(lines[0].removeprefix("DESCRIBED "))
    return described


def python_of(reader: str) -> Path:
    """Find the Python of a reader's environment."""
    python = ROOT / f".venv-datasets-{reader}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment with datasets {reader}; `make readers` makes it")
    return python


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A folder that holds nothing but the release."""
    shutil.copytree(built / "gonerd", tmp_path / "gonerd")
    return tmp_path


@pytest.mark.parametrize("reader", READERS)
def test_load_dataset_with_no_script_and_no_import(reader: str, folder: Path) -> None:
    described = described_by(python_of(reader), folder, "gonerd", "default")
    release = open_release(folder / "gonerd")
    rows = list(read_rows(release, "default"))
    assert described["version"].startswith(reader)
    assert described["tags"] == tag_names(release.labels)
    assert {split: len(hashes) for split, hashes in described["splits"].items()} == {
        "train": 5,
        "validation": 1,
        "test": 2,
    }
    first = rows[0][1]
    assert described["row"]["text"] == first["text"]
    assert described["row"]["ner_tags"] == first["ner_tags"]
    assert described["row"]["spans"][:5] == [
        {key: pytest.approx(value) for key, value in span.items()} for span in first["spans"][:5]
    ]


@pytest.mark.parametrize("reader", READERS)
def test_every_annotators_layer_loads(reader: str, folder: Path) -> None:
    described = described_by(python_of(reader), folder, "gonerd", "annotations")
    assert described["columns"][:3] == ["document_id", "text_sha256", "annotator"]
    assert sum(len(hashes) for hashes in described["splits"].values()) == 29


def test_all_versions_read_the_same(folder: Path) -> None:
    found = [described_by(python_of(reader), folder, "gonerd", "default") for reader in READERS]
    assert all(described["splits"] == found[0]["splits"] for described in found)


@pytest.mark.parametrize("reader", ["2.19", "3.6"])
@pytest.mark.parametrize("config", ["default", "annotations"])
def test_the_legacy_script_gives_the_same_rows(reader: str, config: str, folder: Path) -> None:
    by_name = described_by(python_of(reader), folder, "gonerd", config)
    script = folder / "gonerd" / "legacy" / "gonerd.py"
    release = folder / "gonerd"
    by_script = described_by(python_of(reader), folder, str(script), config, str(release))
    assert by_script["splits"] == by_name["splits"]
    assert by_script["columns"] == by_name["columns"]


def test_a_registered_release_loads_from_any_folder(built: Path, tmp_path: Path) -> None:
    code = (
        "import gonerd\n"
        "from datasets import load_dataset\n"
        f"gonerd.register({str(built / 'gonerd')!r})\n"
        "print(load_dataset('gonerd', split='train').num_rows, "
        "next(iter(load_dataset('gonerd', split='test', streaming=True)))['num_tokens'] > 4096)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"},
    )
    assert done.stdout == "5 True\n", done.stderr[-2000:]
