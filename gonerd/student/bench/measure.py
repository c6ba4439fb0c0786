"""Steps into how long they take, in turns: what else the machine does meets all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonerd.student.bench.setting import NotHere, Step

if TYPE_CHECKING:
    import torch

WALL, PROCESSOR = "wall clock", "processor's time of this process"
FEWEST = 3
"""Rounds, however long they take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """How long the rounds of a step took."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Of this process, all threads together."""
    first: float = 0.0
    """The call before the rounds, with all that is only done once."""

    def by(self, clock: str) -> list[float]:
        """Give the rounds by one of the clocks."""
        return self.wall if clock == WALL else self.cpu

    def to_json(self, clock: str) -> dict[str, Any]:
        """Turn into seconds for a report."""
        return {
            "median": statistics.median(self.by(clock)),
            "wall_seconds": [round(one, 6) for one in self.wall],
            "processor_seconds": [round(one, 6) for one in self.cpu],
            "first_call_seconds": round(self.first, 6),
        }


def take_turns(
    steps: Mapping[str, Step],
    rounds: int,
    budget: float = float("inf"),
    wait: Callable[[], None] = lambda: None,
) -> "tuple[dict[str, Timed], dict[str, torch.Tensor], dict[str, str]]":
    """Time steps round by round; give times, what came out, and why a step could not be timed.

    Each is called once before. After the budget of seconds no more than `FEWEST` rounds are begun.
    Every round begins with another step. `wait` waits for what a device still has to do.
    """
    timed: dict[str, Timed] = {}
    found: dict[str, torch.Tensor] = {}
    missing: dict[str, str] = {}
    for name, step in steps.items():
        try:
            first, _, found[name] = _once(step, wait)
            timed[name] = Timed(first=first)
        except Exception as error:  # whatever keeps a way to read from running is its result
            missing[name] = reason(error)
    names = list(timed)
    began = time.perf_counter()
    for number in range(rounds):
        if number >= FEWEST and time.perf_counter() - began > budget:
            break
        turn = number % len(names) if names else 0
        for name in names[turn:] + names[:turn]:
            wall, cpu, _ = _once(steps[name], wait)
            timed[name].wall.append(wall)
            timed[name].cpu.append(cpu)
    return timed, found, missing


def clock_of(device: str, threads: int) -> str:
    """Choose the clock: what other processes do on the machine shall count as little as can be."""
    return PROCESSOR if device == "cpu" and threads == 1 else WALL


def compared(over: Timed, under: Timed, clock: str) -> dict[str, float]:
    """Give the ratio of two medians, and the least and most of single rounds."""
    ones, others = over.by(clock), under.by(clock)
    single = [one / other for one, other in zip(ones, others, strict=True)]
    return {
        "ratio": statistics.median(ones) / statistics.median(others),
        "least": min(single),
        "most": max(single),
    }


def difference(one: "torch.Tensor", other: "torch.Tensor") -> float:
    """Give the largest difference of two outputs."""
    return float((one.double() - other.double()).abs().max())


def reason(error: BaseException) -> str:
    """Say in a line why something did not run."""
    said = str(error).strip().splitlines()
    if isinstance(error, NotHere):
        return str(error)
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def _once(step: Step, wait: Callable[[], None]) -> "tuple[float, float, torch.Tensor]":
    wait()
    cpu, wall = time.process_time(), time.perf_counter()
    found = step()
    wait()
    return time.perf_counter() - wall, time.process_time() - cpu, found
