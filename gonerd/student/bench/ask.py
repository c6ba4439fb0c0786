"""What a user types into what is to be measured, and the report into a file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gonerd.beside import write_all
from gonerd.errors import ConfigError
from gonerd.student.bench.setting import HEAD, Setting, Sizes

FEED_FORWARD = 4
"""How many times as wide as a model its feed-forward layers are."""
FOR_MEMORY = 4_096
"""Shorter texts take next to nothing beside what the libraries do."""
MOST = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to measure."""

    systems: Sequence[str] = ()
    """By name; none: all."""
    lengths: Sequence[int] = (512, 1_024, 2_048, 4_096, 8_192, 16_384)
    setting: Setting = field(default_factory=lambda: Setting(length=0))
    """What is the same for all lengths."""
    threads: int | None = None
    rounds: int = 5
    budget: float = 60.0
    """Seconds for a system at a length, after which no round is begun but the first few."""
    longest_dense: int | None = None
    """Longer texts are not read by what grows with the square of the length."""
    memory_from: int | None = FOR_MEMORY
    """Peak memory is measured for texts of so many tokens and more. None: not at all."""


def sizes_of(layers: int, width: int) -> Sizes:
    """Give models of a width as many heads, and as wide a feed-forward layer, as is usual."""
    if width % HEAD:
        raise ConfigError(f"--width {width}: expected a multiple of {HEAD}, the width of a head.")
    return Sizes(layers=layers, width=width, heads=width // HEAD, ffn=FEED_FORWARD * width)


def names_of(said: str) -> tuple[str, ...]:
    """Read names with commas between them."""
    return tuple(dict.fromkeys(one.strip() for one in said.split(",") if one.strip()))


def lengths_of(said: str) -> tuple[int, ...]:
    """Read lengths with commas between them."""
    parts = [one.strip() for one in said.split(",")]
    if not all(one.isascii() and one.isdecimal() and 16 <= int(one) <= MOST for one in parts):
        raise ConfigError(
            f"--lengths {said}: expected numbers of tokens from 16 to {MOST:,} with commas between "
            "them, such as 512,4096."
        )
    return tuple(sorted({int(one) for one in parts}))


def check_device(said: str) -> None:
    """Refuse a device that is not there."""
    import torch

    kind = said.split(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ConfigError(f"--device {said}: expected cpu or cuda.")
    number = said.removeprefix(kind).removeprefix(":") or "0"
    there = torch.cuda.device_count() if kind == "cuda" else 1
    if not (number.isascii() and number.isdecimal() and int(number) < there):
        raise ConfigError(
            f"--device {said}: torch finds {there} of kind {kind}; expected one of those."
        )


def check_place(place: Path | None) -> None:
    """Refuse a place that cannot be written, rather than after an hour."""
    if place is None or str(place) == "-":
        return
    if not place.resolve().parent.is_dir():
        raise ConfigError(
            f"--json {place}: no folder {place.parent} to write into; expected one that is there."
        )
    if place.is_dir():
        raise ConfigError(f"--json {place}: is in the way; expected the name of a file.")


def write(report: dict[str, Any], place: Path) -> None:
    """Write a report as JSON."""
    content = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    write_all({place: content.encode("utf-8")})
