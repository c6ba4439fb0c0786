"""A model and a text into what it takes to read so many pieces of it, from text to annotation.

What is timed is all of it: a text is taken apart, read whole or in windows, and its tags become
spans. Lengths are in pieces of the model itself, and go up, so that the peak of memory so far is
that of the length.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.records import Document
from gonerd.student.evaluate.flops import counted
from gonerd.student.evaluate.quality import load
from gonerd.student.finetune.examples import Reading, around, examples_of
from gonerd.student.finetune.predict import predict
from gonerd.student.tagging.pieces import take_apart

LEAST_RUNS, MOST_RUNS = 3, 30
ENOUGH_SECONDS = 10.0
"""Of a length, after which no further run begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What to time: everything that a process of its own must know."""

    model: str
    text: str
    """Repeated where it is too short."""
    lengths: tuple[int, ...]
    longest: int
    overlap: int
    every_piece: bool


def measure(task: Task) -> Iterator[dict[str, Any]]:
    """Load a model and say what that took, then time one length after the other.

    A length that fails is a row with an `error`.
    """
    import torch

    tokenizer, model, labels = load(Path(task.model))
    reading = Reading(longest=task.longest, overlap=task.overlap, every_piece=task.every_piece)
    kind = str(model.dtype).removeprefix("torch.")
    yield {"loaded_mib": peak_mib(), "threads": torch.get_num_threads(), "numbers": kind}
    for length in sorted(task.lengths):
        try:
            yield _time(model, tokenizer, labels, reading, task.text, length)
        except Exception as error:  # torch has many for want of memory, and none of its own
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            yield {"length": length, "error": reason}


def _time(
    model: Any, tokenizer: Any, labels: Sequence[str], reading: Reading, text: str, length: int
) -> dict[str, Any]:
    document = Document(
        id="timed",
        text=text_of(text, tokenizer, length),
        source="timed",
        license="unknown",
        language="en",
    )
    pieces = take_apart(document.text, tokenizer)
    unknown = np.zeros(len(pieces.ids), dtype=np.int64)
    windows = sum(1 for _ in examples_of(0, pieces, unknown, tokenizer, reading))

    def read() -> None:
        list(predict(model, tokenizer, [document], labels, reading, annotator="timed"))

    _, flops = counted(read)  # and so the first run, which is slower than others, is not timed
    seconds = timed(read)
    middle, late = np.quantile(seconds, [0.5, 0.95]).tolist()
    num_pieces = len(pieces.ids) + sum(map(len, around(tokenizer)))
    return {
        "length": length,
        "pieces": num_pieces,
        "windows": windows,
        "runs": len(seconds),
        "p50": middle,
        "p95": late,
        "tokens_per_second": num_pieces / max(middle, 1e-9),
        "peak_mib": peak_mib(),
        "flops": flops,
    }


def timed(run: Callable[[], None]) -> list[float]:
    """Run it a few times, more often if it is quick, and give the seconds of each."""
    seconds: list[float] = []
    while len(seconds) < LEAST_RUNS or (len(seconds) < MOST_RUNS and sum(seconds) < ENOUGH_SECONDS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return seconds


def text_of(text: str, tokenizer: Any, length: int) -> str:
    """Cut, or repeat, a text to whole words of at most so many pieces with those around it."""
    room = max(1, length - sum(map(len, around(tokenizer))))
    text = text if text.strip() else "a"
    once = len(take_apart(text, tokenizer).ids)
    repeated = "\n".join([text] * (1 + room // max(once, 1)))
    pieces = take_apart(repeated, tokenizer)
    ends = np.append(np.flatnonzero(np.diff(pieces.words)) + 1, len(pieces.ids))
    place = int(np.searchsorted(ends, room, side="right"))
    while place:  # a word may come apart otherwise where its text ends
        cut = repeated[: int(pieces.ends[ends[place - 1] - 1])]
        if len(take_apart(cut, tokenizer).ids) <= room:
            return cut
        place -= 1
    return repeated[: int(pieces.ends[min(room, len(pieces.ids)) - 1])]


def peak_mib() -> float:
    """Say how much memory this process has held at most.

    Not by `getrusage` where there is another way: that starts with what the parent held.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        (line,) = (one for one in status.splitlines() if one.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1024 if sys.platform != "darwin" else 1024**2)


def answer() -> None:
    """Read a task from standard input and write rows of JSON, for a parent; end when it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told too, and sees to it
    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    rows = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print is no row
    for row in measure(Task(**{**task, "lengths": tuple(task["lengths"])})):
        print(json.dumps(row), file=rows, flush=True)
    os._exit(0)


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def to_line(task: Task) -> bytes:
    """Write a task as `answer` reads it."""
    return json.dumps(asdict(task)).encode() + b"\n"
