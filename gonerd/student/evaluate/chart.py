"""Series of points into a line chart as SVG that is read on light and on dark ground.

Series are told apart by the shape of their marks too, not by colour alone. Places on the axis below
are names at equal distances, such as lengths that double.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gonerd.agreement.markup import cut, shown

WIDTH, LEFT, RIGHT, TOP, HEIGHT = 720, 76, 24, 64, 300
_LEGEND_LINE = 22
_NAME = 78
"""Characters of a name."""
_LEAST = 1e-9
"""Of a value that is told from nothing."""
_LIGHT = ("#0b62a4", "#c2410c", "#0f7a55", "#a8327a", "#8a6100", "#4b4b4b")
_DARK = ("#63b3ed", "#ff9b66", "#4fd1a1", "#f08cc5", "#e6c04d", "#c9c9c9")
_MARKS = ("M-4 -4h8v8h-8z", "M0 -6L5.5 4H-5.5z", "M0 -6L6 0L0 6L-6 0z", "M0 6L5.5 -4H-5.5z")
"""Square, triangle, diamond, triangle on its tip; the first of all is a circle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A value at a place, perhaps with an interval."""

    place: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """The points of one line."""

    name: str
    points: tuple[Point, ...]
    note: str = ""
    """Behind its name, below the chart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """What stands around the lines."""

    title: str
    places: tuple[str, ...]
    below: str
    """What the places are."""
    beside: str
    """What the values are."""
    logarithmic: bool = False
    highest: float | None = None
    """By default as high as the values."""


def draw(chart: Chart, series: Sequence[Series]) -> str:
    """Draw lines over places."""
    ticks = _ticks(chart, series)
    bottom = TOP + HEIGHT
    height = bottom + 62 + _LEGEND_LINE * len(series)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        'aria-labelledby="title" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="title">{shown(chart.title)}</title>',
        f"<style>{_style()}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        f'<text class="head" x="{LEFT}" y="26">{shown(chart.title)}</text>',
        f'<text x="{LEFT}" y="{TOP - 14}">{shown(chart.beside)}</text>',
    ]
    for value in ticks:
        y = _height(value, ticks, chart)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y:.1f}" dy=".35em" text-anchor="end">{value:,.10g}</text>'
        )
    for place, name in enumerate(chart.places):
        x = _across(place, chart)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{name}</text>')
    parts.append(f'<text x="{LEFT}" y="{bottom + 42}">{shown(chart.below)}</text>')
    for number, one in enumerate(series):
        parts += _line(one, number, len(series), ticks, chart)
        y = bottom + 62 + _LEGEND_LINE * number
        parts.append(
            f'<g class="{_name_of(number)}"><line x1="{LEFT}" x2="{LEFT + 28}" y1="{y}" y2="{y}"/>'
            f"{_mark(number, LEFT + 14, y)}</g>"
            f'<text x="{LEFT + 38}" y="{y}" dy=".35em">{cut(one.name + one.note, _NAME)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _line(one: Series, number: int, among: int, ticks: Sequence[float], chart: Chart) -> list[str]:
    """Draw one line; beside others, so that intervals do not hide each other."""
    aside = 7 * (number - (among - 1) / 2) if any(p.low is not None for p in one.points) else 0
    parts, path = [], []
    for point in one.points:
        x, y = _across(point.place, chart) + aside, _height(point.value, ticks, chart)
        path.append(f"{x:.1f},{y:.1f}")
        said = f"{shown(one.name)}, {chart.places[point.place]}: {point.value:,.4g}"
        if point.low is not None and point.high is not None:
            low, high = (_height(value, ticks, chart) for value in (point.low, point.high))
            said += f" ({point.low:,.4g} to {point.high:,.4g})"
            parts.append(
                f'<line class="between" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
            )
        parts.append(f"<g><title>{said}</title>{_mark(number, x, y)}</g>")
    line = f'<polyline points="{" ".join(path)}"/>'
    return [f'<g class="{_name_of(number)}">', line, *parts, "</g>"]


def _mark(number: int, x: float, y: float) -> str:
    kind = number % (len(_MARKS) + 1)
    if not kind:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    return f'<path transform="translate({x:.1f} {y:.1f})" d="{_MARKS[kind - 1]}"/>'


def _name_of(number: int) -> str:
    return f"s{number % len(_LIGHT)}"


def _across(place: int, chart: Chart) -> float:
    step = (WIDTH - LEFT - RIGHT) / len(chart.places)
    return LEFT + step * (place + 0.5)


def _height(value: float, ticks: Sequence[float], chart: Chart) -> float:
    low, high = ticks[0], ticks[-1]
    if chart.logarithmic:
        low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low))
    return TOP + HEIGHT * (1 - (value - low) / (high - low))


def _ticks(chart: Chart, series: Sequence[Series]) -> list[float]:
    """Choose round values, from below the lowest to above the highest."""
    values = [
        value
        for one in series
        for point in one.points
        for value in (point.value, point.low, point.high)
        if value is not None and (value > 0 or not chart.logarithmic)
    ]
    if chart.logarithmic:
        low, high = min(values, default=1.0), max(values, default=10.0)
        low = math.floor(math.log10(max(low, _LEAST)))
        high = math.ceil(math.log10(max(high, _LEAST)))
        return [float(f"1e{power}") for power in range(low, max(high, low + 1) + 1)]
    highest = chart.highest or max([*values, _LEAST])
    step = 10.0 ** math.floor(math.log10(highest / 4))
    step = next(step * one for one in (1, 2, 2.5, 5, 10) if step * one * 6 >= highest)
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]


def _style() -> str:
    """Colour lines and marks, and all again for dark ground."""

    def colours(ground: str, ink: str, grid: str, lines: Sequence[str]) -> str:
        each = "".join(
            f".s{number} line,.s{number} polyline{{stroke:{one}}}"
            f".s{number} circle,.s{number} path{{fill:{one}}}"
            for number, one in enumerate(lines)
        )
        return f".ground{{fill:{ground}}}text{{fill:{ink}}}.grid{{stroke:{grid}}}{each}"

    return (
        "text{font:13px system-ui,sans-serif}.head{font-size:16px;font-weight:600}"
        "polyline{fill:none;stroke-width:2}line{stroke-width:2}.grid{stroke-width:1}"
        ".between{stroke-width:1.5;opacity:.55}"
        + colours("#fff", "#222", "#e2e2e2", _LIGHT)
        + "@media (prefers-color-scheme:dark){"
        + colours("#16181c", "#e8e8e8", "#3a3d44", _DARK)
        + "}"
    )
