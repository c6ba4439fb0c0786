"""The command line as a person meets it: help, wrong words, and errors that say the way out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import run_gonerd

COMMANDS = ("build", "collect", "prelabel", "reconcile", "publish", "validate", "stats")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['gonerd', '--help']\n"
        "from gonerd.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'spacy', 'torch', 'datasets', 'trafilatura', 'requests', 'pandas', 'lxml'}\n"
        "print('imported:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_an_example(command: str, tmp_path: Path) -> None:
    done = run_gonerd(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"Example: gonerd {command}" in " ".join(done.stdout.split())


def test_version(tmp_path: Path) -> None:
    from gonerd import __version__

    assert run_gonerd("--version", cwd=tmp_path).stdout == f"gonerd {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["bulid"], ["build", "--wrong"], ["validate"], ["build", "--refusals", "perhaps"]],
    ids=["no such command", "no such option", "no argument", "no such choice"],
)
def test_wrong_usage_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    done = run_gonerd(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_an_unknown_builder_is_answered_with_the_known(tmp_path: Path) -> None:
    done = run_gonerd("build", "sampel", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "gonerd: builder 'sampel': no such builder; expected one of court_opinions, sample, "
        "web_pages, or the path of a .toml.\n"
    )


def test_a_step_out_of_order_says_which_to_run_first(tmp_path: Path) -> None:
    done = run_gonerd("publish", "sample", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "gonerd: work/sample/gold: no finished step; expected manifest.json in it.\n"
        "Run the step `reconcile` first.\n"
    )


def test_steps_one_by_one_give_what_build_gives(built: Path, tmp_path: Path) -> None:
    for command in ("collect", "prelabel", "reconcile", "publish"):
        done = run_gonerd(command, "sample", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    manifest = (tmp_path / "gonerd" / "manifest.json").read_bytes()
    assert manifest == (built / "gonerd" / "manifest.json").read_bytes()


def test_stats_as_json(built: Path) -> None:
    described = json.loads(run_gonerd("stats", "gonerd", "--json", cwd=built).stdout)
    assert described["long_documents"] == 8
    assert described["longest_tokens"] >= 12_000


def test_validate_says_all_promises_are_kept(built: Path) -> None:
    done = run_gonerd("validate", "gonerd", cwd=built)
    assert done.returncode == 0
    assert done.stdout.startswith("gonerd: all promises kept (8 documents, ")


def test_validate_exits_with_1_and_names_the_breach(built_copy: Path) -> None:
    card = built_copy / "gonerd" / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    done = run_gonerd("validate", "gonerd", cwd=built_copy)
    assert done.returncode == 1
    assert "  README.md: its bytes are not those of the manifest (sha256)" in done.stdout


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_what_is_no_release_is_refused(path: str, tmp_path: Path) -> None:
    done = run_gonerd("stats", path, cwd=tmp_path)
    assert done.returncode == 1
    shown = Path(path)
    assert done.stderr == (
        f"gonerd: {shown}: no manifest.json in it; expected the folder of a release.\n"
    )


def test_a_reader_that_leaves_early_is_no_error(built: Path) -> None:
    piped = f"{sys.executable} -m gonerd stats gonerd --json | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", piped], cwd=built, capture_output=True, text=True
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
