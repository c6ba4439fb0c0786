"""Errors put into a gold on purpose, and how soon whoever goes by the suspects meets them.

    python benchmarks/review_suspects.py [--work work/sample] [--seeds 5] [--out benchmarks/results]

The sample's gold is the one that was written with its texts. One span in twenty is dropped, gets
another label, or has a border moved by a word, a third each. Models: the embedded pipeline, which
gives no confidence, and the consensus of the sample's annotators, which does. Beside `suspects`
stand orders that need no learning: by the model's confidence in what the gold says, and by chance;
and, where it is installed, cleanlab's scores of tokens, the lowest of a place counting for it.
"""

import argparse
import json
import random
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from gonerd.files import load_annotations, load_documents, load_marked
from gonerd.guide import load_guide
from gonerd.records import Annotation, Document, Span
from gonerd.review.suspects import Suspect, find_suspects
from gonerd.tokens import Tokens, tokenize

MARKED = Path(__file__).parent.parent / "builders" / "sample" / "documents"
EMBEDDED = "en_gonerd@0.1.0"
SHARE = 0.05
UNSAID = 0.9
"""Confidence of a model that says none."""
FIRST_SEED = 100
"""Those below served to choose between ways to rank."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Error:
    """Something that was put into the gold."""

    document_id: str
    kind: str
    start: int
    end: int


def corrupt(
    gold: Annotation, tokens: Tokens, labels: Sequence[str], seed: int
) -> tuple[Annotation, list[Error]]:
    """Put errors into a gold: dropped spans, other labels, borders moved by a word."""
    chance = random.Random(f"{seed} {gold.document_id}")
    spans, errors = list(gold.spans), []
    for at in sorted(chance.sample(range(len(spans)), round(SHARE * len(spans))), reverse=True):
        span, kind = spans[at], chance.choice(("dropped", "relabelled", "moved"))
        start, end = span.start, span.end
        if kind == "dropped":
            del spans[at]
        elif kind == "relabelled":
            other = chance.choice([one for one in labels if one != span.label])
            spans[at] = replace(span, label=other)
        else:
            moved = _moved(span, tokens, chance)
            if any(one is not span and one.start < moved.end and moved.start < one.end
                   for one in spans):  # fmt: skip
                continue
            spans[at] = moved
            start, end = min(start, moved.start), max(end, moved.end)
        errors.append(Error(document_id=gold.document_id, kind=kind, start=start, end=end))
    return replace(gold, spans=tuple(spans)), errors


def _moved(span: Span, tokens: Tokens, chance: random.Random) -> Span:
    """Move one border by a word, out or, where words are left, in."""
    inside = [
        at
        for at, start in enumerate(tokens.starts)
        if start < span.end and span.start < tokens.ends[at]
    ]
    first, last = inside[0], inside[-1]
    options = [(first - 1, last)] if first else []
    options += [(first, last + 1)] if last + 1 < len(tokens.starts) else []
    options += [(first + 1, last), (first, last - 1)] if len(inside) > 1 else []
    one, other = chance.choice(options)
    return replace(span, start=tokens.starts[one], end=tokens.ends[other], fragments=())


def measure(ranking: Sequence[tuple[str, int, int]], errors: Sequence[Error]) -> dict[str, Any]:
    """Say how soon errors are met; one that is never met counts as met last of all."""
    hits = np.zeros(len(ranking), dtype=bool)
    met: set[int] = set()
    by_document: dict[str, list[int]] = {}
    for number, error in enumerate(errors):
        by_document.setdefault(error.document_id, []).append(number)
    for place, (name, start, end) in enumerate(ranking):
        here = [
            number
            for number in by_document.get(name, ())
            if number not in met and errors[number].start < end and start < errors[number].end
        ]
        hits[place] = bool(here)
        met.update(here)
    missed = len(errors) - len(met)
    right = len(ranking) - int(hits.sum())
    after = right - np.cumsum(~hits)[hits]
    found = {f"precision at {k}": float(hits[:k].mean()) for k in (20, 50, 100, 200)}
    return {
        "auc": float(after.sum() / (right * (int(hits.sum()) + missed))),
        **found,
        "errors": len(errors),
        "never met": missed,
        "places": len(ranking),
        "recall at 2 x errors": float(hits[: 2 * len(errors)].sum() / len(errors)),
    }


def places(suspects: Sequence[Suspect]) -> list[tuple[str, int, int]]:
    """List where suspects are, in order."""
    return [(one.document_id, one.start, one.end) for one in suspects]


def by_confidence(
    suspects: Sequence[Suspect], model: Mapping[str, Annotation], seed: int
) -> list[tuple[str, int, int]]:
    """Order the same places by the model's confidence in what the gold says; ties by chance."""
    chance = random.Random(seed)
    said = {
        (name, one.start, one.end): (one.label, 1.0 if one.confidence is None else one.confidence)
        for name, annotation in model.items()
        for one in annotation.spans
    }

    def confidence(suspect: Suspect) -> float:
        if suspect.gold:
            (one,) = suspect.gold
            label, sure = said.get((suspect.document_id, one.start, one.end), ("", 0.0))
            return sure if label == one.label else 0.0
        (other,) = suspect.other
        return 1.0 - said.get((suspect.document_id, other.start, other.end), ("", 0.0))[1]

    return places(sorted(suspects, key=lambda one: (confidence(one), chance.random())))


def by_cleanlab(
    suspects: Sequence[Suspect],
    gold: Mapping[str, Annotation],
    model: Mapping[str, Annotation],
    tokens: Mapping[str, Tokens],
    labels: Sequence[str],
    seed: int,
) -> list[tuple[str, int, int]]:
    """Order the same places by the lowest cleanlab score of a token of theirs; ties by chance."""
    rank = import_module("cleanlab.token_classification.rank")
    chance = random.Random(seed)

    given, probable = [], []
    for name, own in tokens.items():
        row, chances = np.zeros(len(own.texts), dtype=int), np.zeros((len(own.texts), 5))
        chances[:, 0] = 1.0
        for span in gold[name].spans:
            row[_within(own, span.start, span.end)] = 1 + labels.index(span.label)
        for span in model[name].spans:
            sure = UNSAID if span.confidence is None else span.confidence
            here = _within(own, span.start, span.end)
            chances[here] = (1.0 - sure) / 4
            chances[here, 1 + labels.index(span.label)] = sure
        chances[:, :] = 0.98 * chances + 0.004
        given.append(row.tolist())
        probable.append(chances)
    _, found = rank.get_label_quality_scores(given, probable)
    scores = {name: np.asarray(one) for name, one in zip(tokens, found, strict=True)}

    def lowest(one: Suspect) -> tuple[float, float]:
        here = _within(tokens[one.document_id], one.start, one.end)
        return float(scores[one.document_id][here].min(initial=1.0)), chance.random()

    return places(sorted(suspects, key=lowest))


def _within(tokens: Tokens, start: int, end: int) -> slice:
    """Find the tokens that a range touches."""
    return slice(bisect_right(tokens.ends, start), bisect_left(tokens.starts, end))


def by_chance(suspects: Sequence[Suspect], seed: int) -> list[tuple[str, int, int]]:
    """Order the same places at random."""
    found = places(suspects)
    random.Random(seed).shuffle(found)
    return found


def run(
    documents: Sequence[Document],
    gold: Mapping[str, Annotation],
    model: Mapping[str, Annotation],
    labels: Sequence[str],
    seeds: int,
) -> dict[str, Any]:
    """Measure every order for one model, over several draws of errors."""
    tokens = {one.id: tokenize(one.text, one.language) for one in documents}
    rows: dict[str, list[dict[str, Any]]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        wrong, errors = {}, []
        for name, annotation in gold.items():
            wrong[name], mine = corrupt(annotation, tokens[name], labels, seed)
            errors += mine
        begun = time.perf_counter()
        found = find_suspects(documents, wrong, model, seed=seed)
        seconds = time.perf_counter() - begun
        confident = [one for one in found if one.confident]
        orders = {
            "suspects": places(found),
            "lowest confidence": by_confidence(found, model, seed),
            **(
                {"cleanlab": by_cleanlab(found, wrong, model, tokens, labels, seed)}
                if find_spec("cleanlab")
                else {}
            ),
            "chance": by_chance(found, seed),
        }
        for order, ranking in orders.items():
            rows.setdefault(order, []).append(measure(ranking, errors))
        rows["suspects"][-1]["seconds"] = seconds
        rows["suspects"][-1]["confident"] = len(confident)
        for kind in ("dropped", "relabelled", "moved"):
            mine = [one for one in errors if one.kind == kind]
            rows["suspects"][-1][f"auc, {kind}"] = measure(places(found), mine)["auc"]
    return {
        order: {key: round(float(np.mean([one[key] for one in made])), 4) for key in made[0]}
        for order, made in rows.items()
    }


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("work/sample"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    documents = load_documents(options.work / "documents")
    labels = list(load_guide("gonerd").labels)
    gold = {
        one.id: load_marked(MARKED / f"{one.id}.marked", annotator="gold", guide="", labels=labels)
        for one in documents
    }
    models = {
        "embedded pipeline": options.work / "annotations" / EMBEDDED,
        "consensus of annotators": options.work / "gold",
    }
    result: dict[str, Any] = {"share": SHARE, "seeds": options.seeds}
    for title, path in models.items():
        model = {one.document_id: one for _, one, _ in load_annotations(path)}
        result[title] = run(documents, gold, model, labels, options.seeds)
        if title == "embedded pipeline":
            silent = {name: replace(one, spans=()) for name, one in model.items()}
            row = run(documents, gold, silent, labels, options.seeds)["suspects"]
            result[title]["suspects, the model's spans taken away"] = row
        for order, row in result[title].items():
            print(title, "|", order, "|", row, flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "review_suspects.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
