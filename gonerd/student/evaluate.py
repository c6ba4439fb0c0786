"""A token classifier and a split of a release into predictions, and how good and how fast they are.

Every document is read whole. Scores are of exact spans, over all documents and by their length in
tokens of the release, each with an interval by bootstrap over documents. Times are of single
documents, one after the other.
"""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.beside import lines_of, write_all
from gonerd.bio import tag_names
from gonerd.errors import ConfigError
from gonerd.records import Annotation, Span, annotation_to_json
from gonerd.release import open_release
from gonerd.score import Counts, score
from gonerd.student.checkpoint import (
    check_folder,
    check_vocabulary,
    import_transformers,
    load_model,
    load_tokenizer,
    loading,
)
from gonerd.student.finetune.examples import Reading
from gonerd.student.finetune.predict import predict
from gonerd.student.finetune.release import TAGGING, longest_of, read_split
from gonerd.student.tagging.pieces import check_tokenizer

LENGTHS = (512, 1_024, 2_048, 4_096, 8_192, 16_384)
"""Words of a document up to which it is counted with the shorter ones."""
RESAMPLES = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to evaluate, and on what."""

    model: Path
    data: Path
    split: str = "test"
    out: Path | None = None
    """Where the predictions go, as annotations."""
    longest: int | None = None
    overlap: int = 64


def evaluate(request: Request) -> dict[str, Any]:
    """Predict a split, write it down if asked for, and say how good and how fast that was."""
    release = open_release(request.data)
    tokenizer, model = _load(request.model, release.labels)
    tagging = getattr(model.config, TAGGING, None) or {}
    reading = Reading(
        longest=longest_of(request.model, model, request.longest),
        overlap=request.overlap,
        every_piece=bool(tagging.get("every_piece")),
    )
    documents = read_split(release, request.split)
    name = request.model.resolve().name
    predicted: list[Annotation] = []
    seconds: list[float] = []
    for one in documents:
        started = time.perf_counter()
        said = predict(model, tokenizer, [one.document], release.labels, reading, annotator=name)
        predicted += said
        seconds.append(time.perf_counter() - started)
    if request.out is not None:
        write_all({request.out: lines_of(map(annotation_to_json, predicted))})
    words = [len(one.document.text.split()) for one in documents]
    pairs = [
        (one.annotations[0].spans, said.spans)
        for one, said in zip(documents, predicted, strict=True)
    ]
    return {
        "model": name,
        "split": request.split,
        "documents": len(documents),
        "words": sum(words),
        **_scores(pairs),
        "per_label": {label: _measures(counts) for label, counts in score(pairs).per_label.items()},
        "by_length": _by_length(pairs, words),
        "longest": reading.longest,
        "parameters": sum(one.numel() for one in model.parameters()),
        "seconds": _times(seconds),
        "words_per_second": sum(words) / max(sum(seconds), 1e-9),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _load(path: Path, labels: Sequence[str]) -> tuple[Any, Any]:
    """Load a tokenizer and a token classifier; one of other labels is a ConfigError."""
    check_folder(path)
    transformers = import_transformers(f"evaluate {path}")
    with loading(path):
        tokenizer = load_tokenizer(path)
        model = load_model(path, transformers.AutoModelForTokenClassification)
        check_vocabulary(tokenizer, model)
    check_tokenizer(tokenizer, str(path))
    names = tag_names(labels)
    own = [str(name) for _, name in sorted(model.config.id2label.items())]
    if own != names:
        raise ConfigError(
            f"{path}: its labels are {', '.join(own[:12])}; expected those of the data, "
            f"{', '.join(names[:12])}.\nTeach it these: gonerd finetune"
        )
    return tokenizer, model


Pairs = Sequence[tuple[Sequence[Span], Sequence[Span]]]


def _by_length(pairs: Pairs, words: Sequence[int]) -> list[dict[str, Any]]:
    """Score the documents of each length apart; lengths that do not occur are left out."""
    place = np.searchsorted(LENGTHS, words, side="left")
    found = []
    for number in sorted(set(place.tolist())):
        some = [pairs[index] for index in np.flatnonzero(place == number).tolist()]
        most = LENGTHS[number] if number < len(LENGTHS) else None
        found.append({"up_to": most, "documents": len(some), **_scores(some)})
    return found


def _scores(pairs: Pairs) -> dict[str, Any]:
    """Score some documents, with an interval that holds the F1 of 95 in 100 resamples."""
    each = [score([pair]).micro for pair in pairs]
    counts = np.array([(one.correct, one.predicted, one.gold) for one in each]).reshape(-1, 3)
    interval = None
    if len(each) > 1:
        chance = np.random.default_rng(0)
        drawn = chance.integers(0, len(each), (RESAMPLES, len(each)))
        correct, predicted, gold = counts[drawn].sum(axis=1).T
        f1 = 2 * correct / np.maximum(predicted + gold, 1)
        interval = np.quantile(f1, [0.025, 0.975]).tolist()
    return {**_measures(sum(each, Counts())), "interval": interval}


def _measures(counts: Counts) -> dict[str, float | None]:
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def _times(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {"total": 0.0, "p50": 0.0, "p95": 0.0}
    middle, late = np.quantile(seconds, [0.5, 0.95]).tolist()
    return {"total": sum(seconds), "p50": middle, "p95": late}


def to_text(report: dict[str, Any]) -> str:
    """Write a report for people."""
    lines = [
        f"{report['model']} on {report['documents']:,} documents of {report['split']!r}, "
        f"{report['words']:,} words: strict span F1 {_percent(report)}"
    ]
    lines += [
        f"  {label:<12} P {_figure(one['precision'])}  R {_figure(one['recall'])}  "
        f"F1 {_figure(one['f1'])}"
        for label, one in report["per_label"].items()
    ]
    for one in report["by_length"]:
        size = f"to {one['up_to']:,} words" if one["up_to"] else f"over {LENGTHS[-1]:,} words"
        lines.append(f"  {size:<18} {one['documents']:>5,} documents  F1 {_percent(one)}")
    lines.append(
        f"  {report['words_per_second']:,.0f} words a second; a document takes "
        f"{report['seconds']['p50']:.2f} s (p50), {report['seconds']['p95']:.2f} s (p95); "
        f"{report['parameters'] / 1e6:.1f} million parameters, {report['peak_mib']:,.0f} MiB"
    )
    return "\n".join(lines)


def _percent(one: dict[str, Any]) -> str:
    shown = _figure(one["f1"])
    if one["interval"]:
        low, high = one["interval"]
        shown += f" ({100 * low:.1f} to {100 * high:.1f})"
    return shown


def _figure(value: float | None) -> str:
    return "   -" if value is None else f"{100 * value:.1f}"
