"""What a run says of itself into a line for people: where it is, how it does, how long it takes.

On a terminal the line is written over and over, and stays after each epoch; elsewhere there is a
line after each epoch, and one a minute in between.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

EVERY = 60.0
"""Seconds between plain lines, and a fifth of one between others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Where a run is after an update, or after an epoch."""

    epoch: int
    """From 1."""
    epochs: int
    update: int
    """Of the epoch, from 1."""
    updates: int
    loss: float
    """Mean over the tags of the last updates."""
    pieces: int
    """That the update was learnt from."""
    pieces_left: int
    """To the end, should it not end sooner."""
    score: float | None = None
    """Only after an epoch."""


Tell = Callable[[Stage], None]


def nothing(stage: Stage) -> None:
    """Tell nobody."""


@contextlib.contextmanager
def telling(
    stream: TextIO, *, live: bool, clock: Callable[[], float] = time.monotonic
) -> Iterator[Tell]:
    """Yield what writes stages down; `live` where lines can be written over.

    A line that is not at its end when the block ends, or is stopped, comes to one.
    """
    began = clock()
    said_at, read, is_open = began, 0, False

    def tell(stage: Stage) -> None:
        nonlocal said_at, read, is_open
        now = clock()
        read += stage.pieces
        if stage.score is None and now - said_at < (EVERY / 300 if live else EVERY):
            return
        said_at = now
        line = to_line(stage, read / max(now - began, 1e-9))
        is_open = live and stage.score is None
        stream.write((f"\r{line}\x1b[K" if live else line) + ("" if is_open else "\n"))
        stream.flush()

    try:
        yield tell
    finally:
        if is_open:
            stream.write("\n")


def to_line(stage: Stage, pieces_per_second: float) -> str:
    """Write a stage for people."""
    where = f"epoch {stage.epoch} of {stage.epochs}"
    if stage.score is None:
        said = f"{where}, update {stage.update:,} of {stage.updates:,}: loss {stage.loss:.4f}"
    else:
        said = f"{where}: loss {stage.loss:.4f}, F1 {100 * stage.score:.1f}"
    said += f", {pieces_per_second:,.0f} tokens/s"
    if stage.pieces_left and pieces_per_second:
        said += f", {_duration(stage.pieces_left / pieces_per_second)} left at most"
    return said


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
