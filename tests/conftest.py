"""What several tests stand on: the sample built once, and the command as users run it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
collect_ignore = [] if find_spec("torch") else ["student", "test_teach.py"]
"""Tests of the extra `student` run where it is installed: `make test` has a place for them."""
DATA = Path(os.environ.get("GONERD_DATA", ROOT.parent / "shared" / "data"))
"""Real corpora that the project does not ship; tests that read them are skipped without."""

# Workers of the suite share the cores; threads of torch on top of that wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Properties search without a clock: the machine may be busy with other work.
settings.register_profile("gonerd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gonerd")

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_gonerd(
    *arguments: object, cwd: Path, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gonerd", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `gonerd build` has run; read it, do not change it."""
    folder = tmp_path_factory.mktemp("built")
    done = run_gonerd("build", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def built_copy(built: Path, tmp_path: Path) -> Path:
    """A copy of it, to break."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real corpora beside the project."""
    if not DATA.is_dir():
        pytest.skip(
            f"no real data at {DATA}; set GONERD_DATA to the folder that holds ner/ and web/"
        )
    return DATA
