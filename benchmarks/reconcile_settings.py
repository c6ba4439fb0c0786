"""Settings of the methods judged by how well they foretell annotators who were held out.

    python benchmarks/reconcile_settings.py --data FOLDER [--out benchmarks/results]

The truth is never looked at. A fifth of all passes (an annotator over a document) is held out, the
rest reconciled, and the gold scored against what was held out; three such draws for each setting.
One setting is varied at a time from those that ship.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.crowd import conll03_mturk
from gonerd.gather import Gathered
from gonerd.reconcile.candidates import layers_of
from gonerd.reconcile.repeats import names_in, with_overlooked
from gonerd.reconcile.sequence import SequenceSettings, infer
from gonerd.reconcile.units import units_of
from gonerd.reconcile.weighted import WeightedSettings, weigh
from gonerd.records import Annotation, Span
from gonerd.score import score_spans

LABELS = ("PER", "ORG", "LOC", "MISC")
SEQUENCE: dict[str, Sequence[float]] = {
    "rounds": (1, 2, 3, 5, 10),
    "crowd": (3, 10, 30, 100),
    "context": (3, 10, 30, 100),
    "shape": (0.0, 0.2, 0.4, 0.6, 1.0),
    "repeats": (0.0, 0.3, 0.6, 1.0),
    "repeats_prior": (0.3, 1.0, 3.0),
}
WEIGHTED: dict[str, Sequence[float]] = {
    "rounds": (0, 1, 2, 5),
    "crowd": (5, 20, 80),
    "prior": (20, 200, 2_000, 20_000),
    "entities": (0.5, 0.7, 0.8, 0.9),
}


def hold_out(
    items: Sequence[Gathered], seed: int
) -> tuple[list[Gathered], dict[str, list[Annotation]]]:
    """Take away a fifth of the passes, never the last of a document."""
    chance = random.Random(seed)
    kept: list[Gathered] = []
    held: dict[str, list[Annotation]] = {}
    for item in items:
        out = [one for one in item.annotations if chance.random() < 0.2][
            : len(item.annotations) - 1
        ]
        held[item.document_id] = out
        left = tuple(one for one in item.annotations if one not in out)
        kept.append(replace(item, annotations=left))
    return kept, held


def foretell(
    items: Sequence[Gathered], settings: SequenceSettings | WeightedSettings, seed: int
) -> float:
    """Score the gold of some passes against the others, as F1 in per cent."""
    kept, held = hold_out(items, seed)
    annotators = sorted({one.annotator for item in kept for one in item.annotations})
    found: dict[str, list[Span]] = {item.document_id: [] for item in kept}
    documents = [item.document for item in kept if item.document is not None]
    names = names_in(documents)
    for layer in layers_of(kept, annotators):  # no spans of this crowd are nested: one layer
        layer = with_overlooked(layer, names)
        if isinstance(settings, WeightedSettings):
            candidates, _ = weigh(layer, len(annotators), LABELS, settings)
        else:
            texts = [document.text for document in documents]
            candidates = infer(units_of(layer, texts, annotators, LABELS, names), settings)
        for one in candidates:
            if one.chosen:
                span = Span(start=one.start, end=one.end, label=one.label)
                found[kept[one.document].document_id].append(span)
    pairs = [(one.spans, found[name]) for name, passes in held.items() for one in passes]
    return 100 * (score_spans(pairs).micro.f1 or 0.0)


def sweep(
    items: Sequence[Gathered],
    shipped: SequenceSettings | WeightedSettings,
    grid: dict[str, Sequence[float]],
) -> dict[str, Any]:
    """Vary one setting at a time."""
    results: dict[str, Any] = {"shipped": asdict(shipped)}
    for key, values in grid.items():
        results[key] = {}
        for value in values:
            changes: dict[str, Any] = {key: value}
            scores = [foretell(items, replace(shipped, **changes), seed) for seed in range(3)]
            results[key][str(value)] = round(sum(scores) / 3, 2)
    return results


def main() -> None:
    """Sweep both methods, print it, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    items, _ = conll03_mturk(arguments.data)
    read = [item for item in items if item.annotations]
    results = {
        "sequence": sweep(read, SequenceSettings(), SEQUENCE),
        "weighted": sweep(read, WeightedSettings(), WEIGHTED),
    }
    shown = json.dumps(results, indent=1)
    print(shown)
    (arguments.out / "reconcile_settings.json").write_text(shown + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
