"""Tiny models that tests convert."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.student.families import tiny_model


@pytest.fixture(scope="session")
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
