"""A task into rows of what it takes, measured in a process of its own.

Only there does a peak of memory mean something, and a model that breaks its process ends no report:
the length becomes a row that says so, and another process goes on with those that are left.
"""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from gonerd.student.evaluate.speed import Task, to_line

COMMAND = (sys.executable, "-c", "from gonerd.student.evaluate.speed import answer; answer()")


def measure_apart(
    task: Task,
    tick: Callable[[int], None] = lambda lengths: None,
    command: Sequence[str] = COMMAND,
) -> dict[str, Any]:
    """Time the lengths of a task, in order; beside the rows stands what loading took, and by what.

    `command` reads a task from standard input and writes a row of JSON a line, first of all what
    loading took.
    """
    left = sorted(set(task.lengths))
    found: dict[str, Any] = {"rows": []}
    while left:
        ended = _Ended()
        loaded = False
        for row in _rows(replace(task, lengths=tuple(left)), command, ended):
            if not loaded:
                loaded = True
                found |= row
                continue
            found["rows"].append(row)
            left.remove(row["length"])
            tick(1)
        broken = left[:1] if loaded else left  # what cannot be loaded need not be tried again
        found["rows"] += [{"length": length, "error": ended.why} for length in broken]
        left = left[len(broken) :]
        tick(len(broken))
    return found


class _Ended:
    """How a process has ended."""

    why = ""


def _rows(task: Task, command: Sequence[str], ended: _Ended) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # ended already; its messages say why
                process.stdin.write(to_line(task))
                process.stdin.flush()  # left open: the process ends when this one does
            for line in process.stdout:
                yield json.loads(line)
            code = process.wait()
        finally:  # somebody may also have stopped this
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        messages.seek(0)
        ended.why = _why(code, messages.read().decode("utf-8", "replace"))


def _why(code: int, messages: str) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", as when memory runs out" if code == -signal.SIGKILL else ""
        return f"the process was ended by {name}{hint}"
    last = next((line for line in reversed(messages.splitlines()) if line.strip()), "no message")
    return f"the process ended with {code}: {last.strip()}"
