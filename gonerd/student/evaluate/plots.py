"""A report of models into figures: F1, latency and memory by length, all models in each."""

from typing import Any

from gonerd.student.evaluate.chart import Chart, Point, Series, draw
from gonerd.student.evaluate.quality import LENGTHS


def figures(report: dict[str, Any]) -> dict[str, str]:
    """Draw what was measured, as SVG by name of file; what was not has no figure."""
    found = {"f1_by_length.svg": _f1(report)}
    if any("p50" in row for model in report["models"] for row in model["speed"]["rows"]):
        found["latency_by_length.svg"] = _by_length(
            report, "Time to read one text", "seconds, median of the runs", "p50", True
        )
        found["memory_by_length.svg"] = _by_length(
            report, "Memory to read one text", "MiB at the peak of the process", "peak_mib", False
        )
    return found


def _f1(report: dict[str, Any]) -> str:
    bounds = [*LENGTHS, None]
    seen = {one["up_to"] for model in report["models"] for one in model["by_length"]}
    used = [bound for bound in bounds if bound in seen]
    chart = Chart(
        title=f"Strict span F1 by length of document, split {report['split']!r}",
        places=tuple(f"to {one:,}" if one else f"over {LENGTHS[-1]:,}" for one in used) or ("",),
        below="words of a document",
        beside="F1, with the interval of 95 in 100 resamples of the documents",
        highest=100.0,
    )
    series = []
    for model in report["models"]:
        points = []
        for one in model["by_length"]:
            if one["f1"] is None:
                continue
            low, high = one["interval"] or (None, None)
            points.append(
                Point(
                    place=used.index(one["up_to"]),
                    value=100 * one["f1"],
                    low=None if low is None else 100 * low,
                    high=None if high is None else 100 * high,
                )
            )
        series.append(Series(name=model["model"], points=tuple(points)))
    return draw(chart, series)


def _by_length(report: dict[str, Any], title: str, beside: str, key: str, logarithmic: bool) -> str:
    lengths = sorted(
        {row["length"] for model in report["models"] for row in model["speed"]["rows"]}
    )
    chart = Chart(
        title=title,
        places=tuple(f"{one:,}" for one in lengths),
        below="tokens of the model",
        beside=beside,
        logarithmic=logarithmic,
    )
    series = []
    for model in report["models"]:
        rows = model["speed"]["rows"]
        points = [
            Point(place=lengths.index(row["length"]), value=row[key]) for row in rows if key in row
        ]
        series.append(Series(name=model["model"], points=tuple(points), note=_doubts(model)))
    return draw(chart, series)


def _doubts(model: dict[str, Any]) -> str:
    """Say where a model was read in windows, or could not be measured."""
    rows = model["speed"]["rows"]
    said = ""
    if any(row.get("windows", 1) > 1 for row in rows):
        said += f", in windows of {model['longest']:,}"
    if broken := [f"{row['length']:,}" for row in rows if "error" in row]:
        said += f", not measured at {' and '.join(broken)}"
    return said
