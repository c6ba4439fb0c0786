"""Figures into tables that a person reads: time and memory by length, ratios, goals."""

from collections.abc import Mapping, Sequence
from typing import Any

MEBIBYTE = 2**20


def to_text(report: Mapping[str, Any]) -> str:
    """Lay a report out as text."""
    machine, limits = report["machine"], report["limits"]
    setting = report["settings"]["setting"]
    step = "step of training" if setting["training"] else "inference"
    lines = [
        f"{machine.get('accelerator', machine['processor'])}, {machine['threads']} threads, "
        + ", ".join(f"{name} {one}" for name, one in report["versions"].items()),
        f"multiplies matrices at {limits['float32_gigaflops']:,.0f} GFLOP/s in 32 bits, at "
        f"{limits['bfloat16_gigaflops']:,.0f} in 16; moves {limits['gigabytes_a_second']:,.0f} "
        "gigabytes a second",
        f"{step}, {setting['dtype']}, "
        + ", ".join(f"{name} {one:,}" for name, one in setting["sizes"].items())
        + f"; seconds of the {report['clock']}, medians",
    ]
    for system in dict.fromkeys(one["system"] for one in report["figures"]):
        lines += ["", *_of_system([one for one in report["figures"] if one["system"] == system])]
    return "\n".join([*lines, "", *_of_goals(report["goals"])])


def _of_system(figures: Sequence[Mapping[str, Any]]) -> list[str]:
    lengths = [f"{one['length']:,}" for one in figures]
    rows: list[list[str]] = [[figures[0]["title"], *lengths]]
    notes: dict[str, None] = {}
    for name in figures[0]["sides"]:
        sides = [one["sides"][name] for one in figures]
        rows.append([f"  {name}, s", *(_seconds(side) for side in sides)])
        if any("peak_bytes" in side for side in sides):
            rows.append(["    peak memory, MiB", *(_mebibytes(side) for side in sides)])
        for side in sides:
            if "missing" in side:
                notes[f"  {name}: {side['missing']}"] = None
    for over, under in dict.fromkeys(
        (ratio["over"], ratio["under"]) for one in figures for ratio in one["ratios"]
    ):
        found = [_ratio(one, over, under) for one in figures]
        rows.append(
            [f"  {over} / {under}", *(f"{one['ratio']:.2f}" if one else "-" for one in found)]
        )
        spread = (f"{one['least']:.2f}-{one['most']:.2f}" if one else "-" for one in found)
        rows.append(["    of single rounds", *spread])
        if any(one and "difference" in one for one in found):
            different = (f"{one['difference']:.0e}" if one else "-" for one in found)
            rows.append(["    largest difference", *different])
    return [*_aligned(rows), *notes]


def _of_goals(goals: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [["goals", "bound", "measured", ""]]
    for one in goals:
        bound = f"{'>=' if one['at_least'] else '<='} {one['bound']:g}"
        measured = "-" if one["measured"] is None else f"{one['measured']:.3g}"
        reached = {None: "not measured", True: "reached", False: "NOT REACHED"}[one["reached"]]
        rows.append([f"  {one['goal']}", bound, measured, reached])
    return _aligned(rows)


def _ratio(figure: Mapping[str, Any], over: str, under: str) -> Mapping[str, Any] | None:
    found = (one for one in figure["ratios"] if (one["over"], one["under"]) == (over, under))
    return next(found, None)


def _seconds(side: Mapping[str, Any]) -> str:
    return f"{side['median']:.3f}" if "median" in side else "-"


def _mebibytes(side: Mapping[str, Any]) -> str:
    return f"{side['peak_bytes'] / MEBIBYTE:,.0f}" if "peak_bytes" in side else "-"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Set columns below each other, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            one.rjust(width) if number else one.ljust(width)
            for number, (one, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
