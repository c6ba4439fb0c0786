"""Results into the JSON that machines read and the lines that people do."""

from collections.abc import Mapping, Sequence
from typing import Any

from gonerd.score.breakdown import by_length, by_source, total
from gonerd.score.compare import Result
from gonerd.score.counts import Counts
from gonerd.score.intervals import Difference, Interval, interval
from gonerd.score.mistakes import Mistakes
from gonerd.score.sides import DocumentScore


def result_to_json(result: Result) -> dict[str, Any]:
    """Give a result as a JSON object."""
    return {
        "micro": {**_counts(result.micro), "interval": _interval(result.interval)},
        "document_macro_f1": result.document_macro,
        "label_macro_f1": result.label_macro,
        "per_label": {label: _counts(one) for label, one in result.per_label.items()},
        "schemes": None
        if result.schemes is None
        else {
            name: {
                "correct": one.correct, "incorrect": one.incorrect, "partial": one.partial,
                "missed": one.missed, "spurious": one.spurious,
                "precision": one.precision, "recall": one.recall, "f1": one.f1,
            }
            for name, one in result.schemes.items()
        },
        "by_length": _documents(by_length(result.documents)),
        "by_source": _documents(by_source(result.documents)),
        **{
            f"by_{name}": {group: _counts(one) for group, one in groups.items()}
            for name, groups in result.groups.items()
        },
        "documents": {one.document_id: _counts(one.counts) for one in result.documents},
    }  # fmt: skip


def mistakes_to_json(mistakes: Mistakes) -> dict[str, Any]:
    """Give mistakes as a JSON object."""
    return {
        "kinds": mistakes.kinds,
        "confusions": [
            {"gold": gold, "predicted": predicted, "times": times}
            for (gold, predicted), times in mistakes.confusions.items()
        ],
        "examples": [
            {
                "kind": one.kind, "document_id": one.document_id, "gold": one.gold,
                "predicted": one.predicted, "context": one.context,
            }
            for one in mistakes.examples
        ],
    }  # fmt: skip


def difference_to_json(one: Difference | None) -> dict[str, Any] | None:
    """Give a difference as a JSON object."""
    return None if one is None else {"f1": one.f1, "interval": _interval(one.interval), "p": one.p}


def to_text(name: str, result: Result, mistakes: Mistakes, against: Difference | None) -> str:
    """Write a result for people."""
    micro = result.micro
    lines = [
        f"{name}: exact-span F1 {_with_interval(micro.f1, result.interval)}, "
        f"P {_figure(micro.precision)}, R {_figure(micro.recall)}; "
        f"{len(result.documents):,} documents, their mean {_figure(result.document_macro)}; "
        f"labels' mean {_figure(result.label_macro)}"
    ]
    lines += _table("label", result.per_label)
    lines += _table("tokens", {size: total(some) for size, some in _sizes(result).items()})
    for dimension, groups in result.groups.items():
        lines += _table(dimension, groups)
    sources = {name: total(some) for name, some in by_source(result.documents).items()}
    if 1 < len(sources) <= MOST_SOURCES:
        lines += _table("source", sources)
    if result.schemes is not None:
        each = ", ".join(f"{key} {_figure(one.f1)}" for key, one in result.schemes.items())
        lines.append(f"  F1 of SemEval'13: {each}")
    lines.append("  mistakes: " + ", ".join(f"{n:,} {kind}" for kind, n in mistakes.kinds.items()))
    lines += [
        f"    {one.kind:<8} {one.document_id}: {one.context}"
        for one in mistakes.examples
        if one.context
    ]
    if against is not None:
        low, high = against.interval.low, against.interval.high
        lines.append(
            f"  the first is {100 * against.f1:+.1f} F1 from this ({100 * low:+.1f} to "
            f"{100 * high:+.1f}; p = {against.p:.4f}, documents resampled)"
        )
    return "\n".join(lines)


MOST_SOURCES = 20
"""More are left to the JSON."""


def _sizes(result: Result) -> dict[str, list[DocumentScore]]:
    return by_length(result.documents)


def _table(heading: str, groups: Mapping[str, Counts]) -> list[str]:
    if not groups:
        return []
    width = max(12, *(len(name) for name in (heading, *groups)))
    lines = [f"  {heading:<{width}}      P      R     F1     gold"]
    return lines + [
        f"  {name:<{width}} {_figure(one.precision):>6} {_figure(one.recall):>6} "
        f"{_figure(one.f1):>6} {one.gold:>8,}"
        for name, one in groups.items()
    ]


def _documents(groups: Mapping[str, Sequence[DocumentScore]]) -> dict[str, Any]:
    return {
        name: {
            "documents": len(some),
            **_counts(total(some)),
            "interval": _interval(interval([one.counts for one in some])),
        }
        for name, some in groups.items()
    }


def _counts(one: Counts) -> dict[str, float | int | None]:
    return {
        "precision": one.precision, "recall": one.recall, "f1": one.f1,
        "correct": one.correct, "predicted": one.predicted, "gold": one.gold,
    }  # fmt: skip


def _interval(one: Interval | None) -> list[float] | None:
    return None if one is None else [one.low, one.high]


def _with_interval(value: float | None, around: Interval | None) -> str:
    shown = _figure(value)
    return shown if around is None else f"{shown} ({_figure(around.low)} to {_figure(around.high)})"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
