"""Tests that two processes go the way of one: the same losses, one voice, one set of files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.student.finetune.together import ALONE, World, together
from tests.conftest import ROOT, run_gonerd
from tests.student.releases import a_release
from tests.student.tiny import tiny_encoder, write_json


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that drops nothing, and documents to teach it on."""
    folder = tmp_path_factory.mktemp("together")
    encoder = tiny_encoder(folder / "encoder", positions=64)
    write_json(encoder / "config.json", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    a_release(folder / "data", {"train": [1, 2, 6, 12, 1], "validation": [3, 8, 2]})
    return folder


OPTIONS = [
    "--epochs", 3, "--update", 128, "--at-once", 64, "--overlap", 8, "--learning-rate", 0.003
]  # fmt: skip


def run_twice(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in two processes that share the work, over loopback alone."""
    return subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
            "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--local-addr",
            "127.0.0.1", "-m", "gonerd", *map(str, arguments),
        ],
        cwd=cwd,
        env={**_environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


def test_two_processes_learn_what_one_does(folder: Path) -> None:
    arguments = ["finetune", "encoder", "--data", "data", *OPTIONS, "--out"]
    alone = run_gonerd(*arguments, "one", cwd=folder)
    assert alone.returncode == 0, alone.stderr

    shared = run_twice(*arguments, "two", cwd=folder)

    assert shared.returncode == 0, shared.stderr
    assert shared.stdout == alone.stdout.replace("one:", "two:")
    told = [line.split(",")[0] for line in shared.stderr.splitlines() if line.startswith("epoch")]
    assert told == [line.split(",")[0] for line in alone.stderr.splitlines()]
    one, two = (json.loads((folder / out / "training.json").read_text()) for out in ("one", "two"))
    assert len(one["losses"]) > 6
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-4)
    assert two["scores"] == pytest.approx(one["scores"], abs=0.05)
    names = [sorted(path.name for path in (folder / out).iterdir()) for out in ("one", "two")]
    assert names[0] == names[1]


def test_what_is_wrong_is_said_once(folder: Path) -> None:
    done = run_twice(
        "finetune", "encoder", "--data", "data", "--out", "none", "--watch", "dev", cwd=folder
    )
    assert (done.returncode, done.stdout) == (1, "")
    said = "gonerd: data: no split 'dev'; expected one of train, validation.\n"
    assert done.stderr.count(said) == 1
    assert done.stderr.count("gonerd: ") == 1
    assert not (folder / "none").exists()


@given(st.lists(st.integers(1, 100), max_size=30), st.integers(1, 5))
def test_examples_are_shared_out_once_and_evenly(sizes: list[int], num_processes: int) -> None:
    items = list(range(len(sizes)))
    shares = [
        World(rank=rank, size=num_processes).share(items, sizes) for rank in range(num_processes)
    ]
    assert sorted(item for share in shares for item in share) == items
    assert all(share == sorted(share) for share in shares)
    loads = [sum(sizes[item] for item in share) for share in shares]
    assert max(loads) - min(loads) <= max(sizes, default=0)


def test_one_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with together() as world:
        assert world is ALONE
        assert world.leads
        assert world.sum(1.5, 2.0) == [1.5, 2.0]
