"""A report of models into a table for people."""

from typing import Any

from gonerd.student.evaluate.quality import LENGTHS


def to_text(report: dict[str, Any]) -> str:
    """Write a report for people."""
    lines = [
        f"{report['documents']:,} documents of {report['split']!r}, {report['words']:,} words; "
        "strict span F1, with the interval of 95 in 100 resamples of the documents"
    ]
    for model in report["models"]:
        lines += ["", *_model(model)]
    return "\n".join(lines)


def _model(model: dict[str, Any]) -> list[str]:
    lines = [
        f"{model['model']}: F1 {_percent(model)}; {model['parameters'] / 1e6:.1f} million "
        f"parameters, reads {model['longest']:,} tokens at once, "
        f"{model['words_per_second']:,.0f} words a second"
    ]
    width = max(map(len, model["per_label"]), default=0)
    lines += [
        f"  {label:<{width}}  P {_figure(one['precision'])}  R {_figure(one['recall'])}  "
        f"F1 {_figure(one['f1'])}"
        for label, one in model["per_label"].items()
    ]
    for one in model["by_length"]:
        size = f"to {one['up_to']:,} words" if one["up_to"] else f"over {LENGTHS[-1]:,} words"
        lines.append(f"  {size:<18} {one['documents']:>5,} documents  F1 {_percent(one)}")
    if rows := model["speed"]["rows"]:
        lines.append(
            f"  tokens       p50 s    p95 s  tokens/s       MiB     GFLOP{_how(model['speed'])}"
        )
        lines += [_row(one) for one in rows]
    return lines


def _how(speed: dict[str, Any]) -> str:
    """Say what it was timed with."""
    if "threads" not in speed:
        return ""
    threads = speed["threads"]
    return f"  ({threads} thread{'s' if threads > 1 else ''}, {speed['numbers']})"


def _row(one: dict[str, Any]) -> str:
    if "error" in one:
        return f"  {one['length']:>6,}  not measured: {one['error']}"
    windows = f"  in {one['windows']:,} windows" if one["windows"] > 1 else ""
    return (
        f"  {one['length']:>6,}  {one['p50']:>9.3f}{one['p95']:>9.3f}"
        f"{one['tokens_per_second']:>10,.0f}{one['peak_mib']:>10,.0f}{one['flops'] / 1e9:>10,.1f}"
        f"{windows}"
    )


def _percent(one: dict[str, Any]) -> str:
    shown = _figure(one["f1"])
    if one["interval"]:
        low, high = one["interval"]
        shown += f" ({100 * low:.1f} to {100 * high:.1f})"
    return shown


def _figure(value: float | None) -> str:
    return "   -" if value is None else f"{100 * value:.1f}"
