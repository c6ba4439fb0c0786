"""Real files of other people's tools, read where they lie and never copied."""

from pathlib import Path

import pytest

from tests.conftest import DATA


def real(path: str) -> Path:
    """Find a real file or folder; a test that needs it is skipped where it is absent."""
    found = DATA / path
    if not found.exists():
        pytest.skip(f"{path} is not beside the project; set GONERD_DATA to read it")
    return found
