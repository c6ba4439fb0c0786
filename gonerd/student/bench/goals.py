"""Figures into each goal of the project, what was measured, and whether it is reached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonerd.student.bench.setting import Setting
from gonerd.student.bench.systems import (
    COMPILED,
    DENSE,
    DENSE_PADDED,
    FLASH,
    KINDS,
    NARROW,
    OURS,
    PADDED,
    THEIRS,
    VARLEN,
    WIDE,
    WINDOW,
    WINDOW_PADDED,
    attention_name,
    linear_name,
)

SHORT, LONG = 4_096, 16_384
EXACT = 2
"""Digits of a ratio of peaks: what a C library keeps of freed blocks differs from run to run."""
LENGTHS = (SHORT, 8_192, LONG)


class Figures:
    """What was measured, to be asked for."""

    def __init__(self, figures: Sequence[Mapping[str, Any]]) -> None:
        self._found = {(one["system"], one["length"]): one for one in figures}

    def side(self, system: str, side: str, length: int, what: str) -> float | None:
        """Give a figure of a side, if it was measured."""
        sides = self._found.get((system, length), {}).get("sides", {})
        found: float | None = sides.get(side, {}).get(what)
        return found

    def over(
        self,
        system: str,
        sides: tuple[str, str],
        length: int,
        what: str = "median",
    ) -> float | None:
        """Divide a figure of one side by that of the other."""
        one, other = (self.side(system, side, length, what) for side in sides)
        return one / other if one is not None and other else None

    def difference(self, system: str, over: str, under: str) -> float | None:
        """Give the largest difference of what two sides gave, over all lengths."""
        found = [
            ratio["difference"]
            for (name, _), one in self._found.items()
            if name == system
            for ratio in one["ratios"]
            if (ratio["over"], ratio["under"]) == (over, under) and "difference" in ratio
        ]
        return max(found, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What is to be reached."""

    what: str
    bound: float
    measured: Callable[[Figures], float | None]
    at_least: bool = True
    """Otherwise at most."""


def judge(figures: Sequence[Mapping[str, Any]], setting: Setting) -> list[dict[str, Any]]:
    """Say of each goal for such a device and dtype what was measured, and whether it is enough."""
    known = Figures(figures)
    judged = []
    for goal in goals(setting):
        found = goal.measured(known)
        reached = None
        if found is not None:
            reached = found >= goal.bound if goal.at_least else found <= goal.bound
        judged.append(
            {
                "goal": goal.what,
                "bound": goal.bound,
                "at_least": goal.at_least,
                "measured": found,
                "reached": reached,
            }
        )
    return judged


def goals(setting: Setting) -> list[Goal]:
    """List the goals for such a device, dtype and step."""
    if setting.device.startswith("cuda"):
        return _training_on_cuda() if setting.training else _on_cuda()
    if setting.training:
        return _training() if setting.dtype == "float32" else []
    return _inference() if setting.dtype == "float32" else _short_numbers()


def _inference() -> list[Goal]:
    three = ((SHORT, 1.9), (8_192, 2.7), (LONG, 4.6))
    return [
        *_speed("longformer", "Longformer", (THEIRS, OURS), [(length, 1.8) for length in LENGTHS]),
        *_speed("bigbird", "BigBird", (THEIRS, OURS), ((SHORT, 2), (LONG, 7))),
        *_speed("dense", "dense BERT", (DENSE, WINDOW), three),
        *_speed("modernbert", "ModernBERT sdpa", (DENSE, OURS), ((SHORT, 1.8), (LONG, 3))),
        Goal(
            what="ModernBERT: logits as with sdpa, at all lengths",
            bound=1e-5,
            at_least=False,
            measured=lambda known: known.difference("modernbert", DENSE, OURS),
        ),
        *_growth(),
        *_share(),
        *_memory(),
    ]


def _training() -> list[Goal]:
    sides = (THEIRS, OURS)
    return [
        *_speed("longformer", "Longformer", sides, [(length, 2.0) for length in LENGTHS]),
        *(
            Goal(
                what=f"memory of ours / Longformer, {length:,} tokens",
                bound=0.5,
                at_least=False,
                measured=lambda known, length=length: known.over(  # type: ignore[misc]
                    "longformer", (OURS, THEIRS), length, "peak_bytes"
                ),
            )
            for length in LENGTHS
        ),
    ]


def _short_numbers() -> list[Goal]:
    modernbert = ((SHORT, 2.4), (8_192, 3.0), (LONG, 3.5))
    dense = ((SHORT, 3.8), (8_192, 7), (LONG, 13))
    return [
        *_speed("modernbert", "ModernBERT sdpa", (DENSE, OURS), modernbert),
        *_speed("dense", "dense BERT", (DENSE, WINDOW), dense),
    ]


def _speed(
    system: str, name: str, sides: tuple[str, str], bounds: Sequence[tuple[int, float]]
) -> list[Goal]:
    return [
        Goal(
            what=f"{name} / ours, {length:,} tokens",
            bound=bound,
            measured=lambda known, length=length: known.over(  # type: ignore[misc]
                system, sides, length
            ),
        )
        for length, bound in bounds
    ]


def _growth() -> list[Goal]:
    def growth(known: Figures, kind: str) -> float | None:
        times = [known.side("kinds", kind, length, "median") for length in (LONG, SHORT)]
        return times[0] / times[1] if times[0] is not None and times[1] else None

    return [
        Goal(
            what=f"time of {LONG:,} tokens / of {SHORT:,}, {kind}",
            bound=4.3,
            at_least=False,
            measured=lambda known, kind=kind: growth(known, kind),  # type: ignore[misc]
        )
        for kind in KINDS
    ]


def _share() -> list[Goal]:
    def share(known: Figures, width: int) -> float | None:
        sides = attention_name(width), linear_name(width)
        found = [known.over("share", sides, length) for length in LENGTHS]
        return max((one for one in found if one is not None), default=None)

    return [
        Goal(
            what=f"attention of a window of 512 / linear layers, width {width}, the worst length",
            bound=bound,
            at_least=False,
            measured=lambda known, width=width: share(known, width),  # type: ignore[misc]
        )
        for width, bound in ((WIDE, 0.30), (NARROW, 0.55))
    ]


def _memory() -> list[Goal]:
    def of(sides: tuple[str, str]) -> Callable[[Figures], float | None]:
        def measured(known: Figures) -> float | None:
            found = known.over("dense", sides, LONG, "peak_bytes")
            return None if found is None else round(found, EXACT)

        return measured

    return [
        Goal(
            what=f"memory of ours, window 128 / dense BERT, {LONG:,} tokens",
            bound=1.0,
            at_least=False,
            measured=of((WINDOW, DENSE)),
        ),
        Goal(
            what="the same with a padding mask",
            bound=0.5,
            at_least=False,
            measured=of((WINDOW_PADDED, DENSE_PADDED)),
        ),
    ]


def _on_cuda() -> list[Goal]:
    """List those for a large accelerator; of mixed lengths, the longest has 8,192 tokens."""
    return [
        *_speed("mixed", "ModernBERT sdpa padded", (PADDED, VARLEN), ((8_192, 2.5),)),
        Goal(
            what="memory of ours / ModernBERT sdpa padded, mixed lengths up to 8,192",
            bound=0.7,
            at_least=False,
            measured=lambda known: known.over("mixed", (VARLEN, PADDED), 8_192, "peak_bytes"),
        ),
        *_speed("modernbert", "ModernBERT flash", (FLASH, VARLEN), ((8_192, 1.2),)),
        *_speed("modernbert", "ModernBERT compiled", (COMPILED, VARLEN), ((8_192, 1.3),)),
        *_speed("modernbert", "ModernBERT sdpa", (DENSE, VARLEN), ((LONG, 4.0),)),
    ]


def _training_on_cuda() -> list[Goal]:
    return [
        *_speed("mixed", "ModernBERT sdpa padded", (PADDED, VARLEN), ((8_192, 3.0),)),
        *_speed("longformer", "Longformer", (THEIRS, OURS), ((SHORT, 4.0),)),
    ]
