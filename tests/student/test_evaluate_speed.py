"""Tests that time, memory and work are those of a model, in a process of its own that may break."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification, AutoTokenizer

from gonerd.student.attention.interface import KEY
from gonerd.student.evaluate import speed
from gonerd.student.evaluate.apart import measure_apart
from gonerd.student.evaluate.flops import counted
from gonerd.student.evaluate.speed import Task, measure, text_of, timed
from gonerd.student.finetune.examples import around
from gonerd.student.tagging.pieces import take_apart
from tests.processes import start_python
from tests.student.tiny import tiny_encoder, write_json

TEXT = "Ana saw Lund. Bo Roe went to Ystad, and so on.\n"


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny token classifier."""
    folder = tiny_encoder(tmp_path_factory.mktemp("tagger"), positions=64)
    model = AutoModelForTokenClassification.from_pretrained(folder, num_labels=3)
    model.config.id2label = {0: "O", 1: "B-PER", 2: "I-PER"}
    model.save_pretrained(folder)
    return folder


def a_task(tagger: Path, *lengths: int) -> Task:
    """Ask for some lengths."""
    return Task(
        model=str(tagger), text=TEXT, lengths=lengths, longest=64, overlap=8, every_piece=False
    )


# Work


def products(length: int, width: int, inner: int, tags: int, layers: int) -> int:
    """Count what the linear layers of an encoder compute."""
    return 2 * length * (layers * (4 * width * width + 2 * width * inner) + width * tags)


@pytest.mark.parametrize("length", [100, 500])
@pytest.mark.parametrize("kind", ["dense", "band", "longformer"])
def test_operations_are_counted_as_on_paper(tmp_path: Path, kind: str, length: int) -> None:
    width, half, size, layers = 16, 32, 32, 2  # so many queries are a tile of the kernel
    folder = tiny_encoder(tmp_path, positions=512, layers=layers)
    model = AutoModelForTokenClassification.from_pretrained(folder, num_labels=3).eval()
    settings = {"attention": kind, "half_window": half}
    if kind == "longformer":
        settings["global_tokens"] = 1
    if kind != "dense":
        setattr(model.config, KEY, settings)
    ids = torch.randint(5, 20, (1, length), generator=torch.Generator().manual_seed(0))

    def read() -> Any:
        with torch.inference_mode():
            return model(input_ids=ids)

    _, found = counted(read)

    blocks = -(-length // size)
    pairs = {
        "dense": length * length,
        "band": blocks * size * (size + 2 * half),
        # of the global token as a key of all queries, and as a query of all keys
        "longformer": blocks * size * (size + 2 * half) + blocks * size + length,
    }[kind]
    if kind != "dense" and length <= size + half:
        pairs = length * length
    attention = 4 * pairs * width * layers
    assert found == products(length, width, 32, 3, layers) + attention


def test_what_is_counted_comes_back() -> None:
    one, other = torch.ones(3, 4), torch.ones(4, 5)
    result, found = counted(lambda: one @ other)
    assert torch.equal(result, torch.full((3, 5), 4.0))
    assert found == 2 * 3 * 4 * 5


# Lengths


def a_tokenizer() -> Any:
    """Load the tokenizer of a tiny encoder."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return AutoTokenizer.from_pretrained(tiny_encoder(Path(folder)))


TOKENIZER = a_tokenizer()


@settings(max_examples=60)
@given(st.text("ab .\n", max_size=40), st.integers(1, 120))
def test_a_text_is_cut_or_repeated_to_so_many_pieces(text: str, length: int) -> None:
    cut = text_of(text, TOKENIZER, length)
    pieces = len(take_apart(cut, TOKENIZER).ids) + sum(map(len, around(TOKENIZER)))
    assert pieces <= max(length, 3)
    longest_word = max([len(word) for word in text.split()], default=1)
    assert pieces > length - max(longest_word, 2) - 1 or pieces >= length


def test_a_quick_run_is_repeated_more_often() -> None:
    runs = 0

    def run() -> None:
        nonlocal runs
        runs += 1

    assert len(timed(run)) == runs == speed.MOST_RUNS


def test_rows_say_what_was_read(tagger: Path) -> None:
    loaded, *rows = measure(a_task(tagger, 300, 64))
    assert loaded["loaded_mib"] > 10
    assert (loaded["threads"], loaded["numbers"]) == (torch.get_num_threads(), "float32")
    assert [row["length"] for row in rows] == [64, 300]
    assert [row["windows"] > 1 for row in rows] == [False, True]
    for row in rows:
        assert row["length"] - 8 < row["pieces"] <= row["length"]
        assert 0 < row["p50"] <= row["p95"]
        assert row["tokens_per_second"] == pytest.approx(row["pieces"] / row["p50"])
        assert row["peak_mib"] >= loaded["loaded_mib"]
        assert row["flops"] >= products(row["pieces"], 16, 32, 3, 2)


# Processes


def test_a_process_of_its_own_says_the_same_and_holds_what_it_needs_itself(tagger: Path) -> None:
    ballast = b"x" * 2**30
    found = measure_apart(a_task(tagger, 64, 200))
    assert len(ballast) / 2**20 == 1024
    assert found["rows"][1]["peak_mib"] < 1024
    _, *rows = measure(a_task(tagger, 64, 200))
    same = ("length", "pieces", "windows", "flops")
    assert [[row[key] for key in same] for row in found["rows"]] == [
        [row[key] for key in same] for row in rows
    ]
    assert 0 < found["loaded_mib"] <= found["rows"][0]["peak_mib"]


BREAKS = """
import json, os, signal, sys
task = json.loads(sys.stdin.readline())
print(json.dumps({"loaded_mib": 1.0}), flush=True)
for length in task["lengths"]:
    if length == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if length == 4:
        sys.exit("no more")
    print(json.dumps({"length": length}), flush=True)
"""


def test_a_length_that_breaks_its_process_is_a_row_and_the_others_go_on(tagger: Path) -> None:
    ticks: list[int] = []
    found = measure_apart(
        a_task(tagger, 1, 2, 3, 4, 5), ticks.append, command=(sys.executable, "-c", BREAKS)
    )
    assert found == {
        "loaded_mib": 1.0,
        "rows": [
            {"length": 1},
            {
                "length": 2,
                "error": "the process was ended by SIGKILL, as when memory runs out",
            },
            {"length": 3},
            {"length": 4, "error": "the process ended with 1: no more"},
            {"length": 5},
        ],
    }
    assert sum(ticks) == 5


def test_what_cannot_be_loaded_is_said_of_every_length_once(tagger: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", model_type="none")
    found = measure_apart(a_task(tmp_path, 8, 16))
    assert set(found) == {"rows"}
    assert [row["length"] for row in found["rows"]] == [8, 16]
    (why,) = {row["error"] for row in found["rows"]}
    assert why.startswith("the process ended with 1: ")


def test_an_error_at_one_length_is_its_row(tagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "text_of", lambda *_: "a" if _[-1] < 9 else 1 / 0)
    _, first, second = measure(a_task(tagger, 8, 16))
    assert "error" not in first
    assert second == {"length": 16, "error": "division by zero"}


PARENT = """
import sys
from gonerd.student.evaluate import apart
from gonerd.student.evaluate.speed import Task
task = Task(model="", text="", lengths=(1,), longest=1, overlap=1, every_piece=False)
apart.measure_apart(task, command=(sys.executable, "-c", sys.argv[1]))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(how: signal.Signals, tmp_path: Path) -> None:
    place = tmp_path / "process"
    os.mkfifo(place)
    watches = (
        "from gonerd.student.evaluate.speed import _end_with_parent\n"
        "threading.Thread(target=_end_with_parent, daemon=True).start()\n"
    )
    child = (
        "import os, sys, threading\n"
        "sys.stdin.buffer.readline()\n"
        f"{watches if how == signal.SIGKILL else ''}"
        f"open({str(place)!r}, 'w').write(str(os.getpid()))\n"
        "threading.Event().wait()\n"
    )
    with start_python(PARENT, child) as parent:
        number = int(place.read_text())
        parent.send_signal(how)
        assert parent.wait(timeout=60) != 0
    for _ in range(600):
        if not _runs(number):
            return
        time.sleep(0.05)
    os.kill(number, signal.SIGKILL)
    pytest.fail("the process is still there")


def _runs(process: int) -> bool:
    """Say whether a process is there, and not only what is left of it."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False
