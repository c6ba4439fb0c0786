"""A token classifier and documents into its annotations, and how much of the gold they hold.

Every document is read whole. Scores are of exact spans, over all documents and by their length in
words, each with an interval by bootstrap over documents. What nobody has read is not judged.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.bio import tag_names
from gonerd.errors import ConfigError
from gonerd.gather import Annotated
from gonerd.records import Annotation, Span
from gonerd.score import Counts, score_spans
from gonerd.spans import within
from gonerd.student.checkpoint import (
    check_folder,
    check_vocabulary,
    import_transformers,
    load_model,
    load_tokenizer,
    loading,
)
from gonerd.student.finetune.data import Data
from gonerd.student.finetune.examples import Reading
from gonerd.student.finetune.predict import predict
from gonerd.student.finetune.release import TAGGING, longest_of
from gonerd.student.tagging.pieces import check_tokenizer

LENGTHS = (512, 1_024, 2_048, 4_096, 8_192, 16_384)
"""Words of a document up to which it is counted with the shorter ones."""
RESAMPLES = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """What a model says of a split, and how good that is."""

    annotations: list[Annotation]
    reading: Reading
    report: dict[str, Any]


def predict_split(
    path: Path,
    name: str,
    data: Data,
    documents: Sequence[Annotated],
    *,
    longest: int | None,
    overlap: int,
    tick: Callable[[int], None],
) -> Predicted:
    """Let the model of a folder annotate documents, as `name`, and score that."""
    tokenizer, model, labels = load(path)
    check_labels(path, labels, data)
    reading = Reading(
        longest=longest_of(path, model, longest),
        overlap=overlap,
        every_piece=bool((getattr(model.config, TAGGING, None) or {}).get("every_piece")),
    )
    found: list[Annotation] = []
    started = time.perf_counter()
    for one in documents:
        found += predict(model, tokenizer, [one.document], labels, reading, annotator=name)
        tick(1)
    seconds = time.perf_counter() - started
    words = [len(one.document.text.split()) for one in documents]
    golds = [gold for one in documents for gold in one.annotations]
    pairs = [
        (gold.spans, within(said.spans, gold.coverage))
        for gold, said in zip(golds, found, strict=True)
    ]
    report = {
        **scores(pairs),
        "per_label": {
            label: _measures(counts) for label, counts in score_spans(pairs).per_label.items()
        },
        "by_length": by_length(pairs, words),
        "longest": reading.longest,
        "parameters": sum(one.numel() for one in model.parameters()),
        "seconds": seconds,
        "words_per_second": sum(words) / max(seconds, 1e-9),
    }
    return Predicted(annotations=found, reading=reading, report=report)


def load(path: Path) -> tuple[Any, Any, list[str]]:
    """Load a tokenizer, a token classifier, and the labels of its tags."""
    labels = labels_of(path)
    transformers = import_transformers(f"evaluate {path}")
    with loading(path):
        tokenizer = load_tokenizer(path)
        model = load_model(path, transformers.AutoModelForTokenClassification)
        check_vocabulary(tokenizer, model)
    check_tokenizer(tokenizer, str(path))
    return tokenizer, model, labels


def labels_of(path: Path) -> list[str]:
    """Read the labels of a token classifier off its configuration; other tags are refused."""
    check_folder(path)
    transformers = import_transformers(f"evaluate {path}")
    with loading(path):
        config = transformers.AutoConfig.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
        own = [str(name) for _, name in sorted(config.id2label.items())]
    labels = [name.removeprefix("B-") for name in own[1::2]]
    if own != tag_names(labels):
        raise ConfigError(
            f"{path}: its tags are {', '.join(own[:12])}; expected O, and B- and I- of each "
            "label.\nTeach it the labels of the data: gonerd finetune"
        )
    return labels


def check_labels(path: Path, labels: Sequence[str], data: Data) -> None:
    """Refuse a model of other labels; of plain files some that it knows may not occur."""
    known, asked = set(labels), set(data.labels)
    if not (known == asked if data.release else known >= asked):
        raise ConfigError(
            f"{path}: its labels are {', '.join(labels[:12])}; expected those of the data, "
            f"{', '.join(data.labels[:12])}.\nTeach it these: gonerd finetune"
        )


Pairs = Sequence[tuple[Sequence[Span], Sequence[Span]]]


def by_length(pairs: Pairs, words: Sequence[int]) -> list[dict[str, Any]]:
    """Score the documents of each length apart; lengths that do not occur are left out."""
    place = np.searchsorted(LENGTHS, words, side="left")
    found = []
    for number in sorted(set(place.tolist())):
        some = [pairs[index] for index in np.flatnonzero(place == number).tolist()]
        most = LENGTHS[number] if number < len(LENGTHS) else None
        found.append({"up_to": most, "documents": len(some), **scores(some)})
    return found


def scores(pairs: Pairs) -> dict[str, Any]:
    """Score some documents, with an interval that holds the F1 of 95 in 100 resamples."""
    each = [score_spans([pair]).micro for pair in pairs]
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
