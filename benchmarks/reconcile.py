"""Gold made of several annotators' work, by every method, against the truth and against peers.

    python benchmarks/reconcile.py --data FOLDER [--model ENCODER] [--out benchmarks/results]

Real crowds: news marked by 46 workers (research use: read where it lies, nothing of it is kept),
tweets marked by two, and an INCEpTION project. Simulated annotators over the sample's own gold.
Peers vote on tokens: majority, and, where crowd-kit is installed, Dawid-Skene and MACE. Speed on a
million spans. Settings are never chosen here: `reconcile_settings.py` does that, without the truth.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.crowd import airec_inception, btc_crowd, conll03_mturk
from benchmarks.simulate import SETTINGS, simulate
from gonerd.files import load_marked
from gonerd.gather import Annotated, Gathered
from gonerd.marked import read_marked
from gonerd.reconcile.plain import reconcile_gathered
from gonerd.reconcile.units import cut
from gonerd.records import Annotation, Document, Span
from gonerd.score import Counts, score_spans

LABELS = ("PER", "ORG", "LOC", "MISC")
METHODS = ("vote", "weighted", "sequence", "auto")
Found = Mapping[str, Sequence[Span]]


def measure(gold: Found, found: Found) -> Counts:
    """Score what was found in the documents that have a gold."""
    return score_spans((gold[name], found.get(name, ())) for name in gold).micro


def by_method(items: Sequence[Gathered], method: str) -> Found:
    """Reconcile, and give the spans of each document."""
    result = reconcile_gathered(items, method=method)  # type: ignore[arg-type]
    return {one.document_id: one.spans for one in result.gold}


def exact_majority(items: Sequence[Gathered]) -> Found:
    """Keep the spans that more than half of the readers marked exactly."""
    found: dict[str, list[Span]] = {}
    for item in items:
        votes = Counter(
            (span.start, span.end, span.label) for one in item.annotations for span in one.spans
        )
        found[item.document_id] = [
            Span(start=start, end=end, label=label)
            for (start, end, label), count in sorted(votes.items())
            if 2 * count > len(item.annotations)
        ]
    return found


def best_single(gold: Found, items: Sequence[Gathered]) -> Found:
    """Take the annotator who is nearest to the gold."""
    names = {one.annotator for item in items for one in item.annotations}
    passes = [
        {
            item.document_id: one.spans
            for item in items
            for one in item.annotations
            if one.annotator == name
        }
        for name in sorted(names)
    ]
    return max(passes, key=lambda found: measure(gold, found).f1 or 0.0)


def token_votes(items: Sequence[Gathered]) -> tuple[list[tuple[int, int, str, str]], list[Any]]:
    """Lay annotations out as tags of tokens: (document, token, annotator, tag), and the tokens."""
    rows: list[tuple[int, int, str, str]] = []
    tokens = []
    for number, item in enumerate(items):
        assert item.document is not None
        marks = [span for one in item.annotations for span in one.spans]
        starts, ends = cut(item.document.text, marks)
        tokens.append((starts, ends))
        for one in item.annotations:
            tags = ["O"] * len(starts)
            for span in one.spans:
                first = int(np.searchsorted(starts, span.start))
                last = int(np.searchsorted(ends, span.end, side="right"))
                tags[first:last] = [f"I-{span.label}"] * (last - first)
                tags[first] = f"B-{span.label}"
            rows += [(number, index, one.annotator, tag) for index, tag in enumerate(tags)]
    return rows, tokens


def by_tokens(items: Sequence[Gathered], aggregate: Callable[[Any], Mapping[str, str]]) -> Found:
    """Let a peer that knows tags alone decide each token; an I that opens begins a span."""
    rows, tokens = token_votes(items)
    decided = aggregate(rows)
    found: dict[str, list[Span]] = {}
    for number, (item, (starts, ends)) in enumerate(zip(items, tokens, strict=True)):
        spans: list[Span] = []
        begun: tuple[int, str] | None = None
        for index in range(len(starts) + 1):
            tag = decided.get(f"{number} {index}", "O") if index < len(starts) else "O"
            if begun and tag != f"I-{begun[1]}":
                start, end = int(starts[begun[0]]), int(ends[index - 1])
                spans.append(Span(start=start, end=end, label=begun[1]))
                begun = None
            if tag != "O" and begun is None:
                begun = (index, tag[2:])
        found[item.document_id] = spans
    return found


def token_majority(rows: Sequence[tuple[int, int, str, str]]) -> dict[str, str]:
    """Give each token the tag that most gave it; a tie goes to the first in the alphabet."""
    votes: dict[str, Counter[str]] = {}
    for number, index, _, tag in rows:
        votes.setdefault(f"{number} {index}", Counter())[tag] += 1
    return {
        token: min(counted, key=lambda tag: (-counted[tag], tag))
        for token, counted in votes.items()
    }


def peers() -> dict[str, Callable[[Any], Mapping[str, str]]]:
    """List what decides tokens: majority, and crowd-kit's models where it is installed."""
    known: dict[str, Callable[[Any], Mapping[str, str]]] = {"token majority": token_majority}
    try:
        import pandas
        from crowdkit.aggregation import MACE, DawidSkene
    except ImportError:
        return known

    def with_kit(make: Callable[[], Any]) -> Callable[[Any], Mapping[str, str]]:
        def aggregate(rows: Any) -> Mapping[str, str]:
            frame = pandas.DataFrame(
                [(f"{number} {index}", who, tag) for number, index, who, tag in rows],
                columns=["task", "worker", "label"],
            )
            return dict(make().fit_predict(frame))

        return aggregate

    known["token Dawid-Skene"] = with_kit(lambda: DawidSkene(n_iter=50))
    known["token MACE"] = with_kit(lambda: MACE(n_iter=30, random_state=0))
    return known


def compare(gold: Found, items: Sequence[Gathered]) -> dict[str, float]:
    """Score every method and every peer on one corpus, as F1 in per cent."""
    print(f"{len(items)} documents", file=sys.stderr, flush=True)
    scores = {"best single": measure(gold, best_single(gold, items)).f1}
    for name, aggregate in peers().items():
        scores[name] = measure(gold, by_tokens(items, aggregate)).f1
    scores["exact-span majority"] = measure(gold, exact_majority(items)).f1
    for method in METHODS:
        scores[method] = measure(gold, by_method(items, method)).f1
    return {name: round(100 * (value or 0.0), 1) for name, value in scores.items()}


def crowds(data: Path, model: Path | None) -> dict[str, Any]:
    """Measure on real crowds, over the documents that somebody has read."""
    items, truth = conll03_mturk(data)
    read = [item for item in items if item.annotations]
    gold = {item.document_id: truth[item.document_id].spans for item in read}
    results: dict[str, Any] = {"conll03_mturk": compare(gold, read)}
    if model is not None:
        from gonerd.teach import reconcile_with_model

        started = time.perf_counter()
        result, rounds = reconcile_with_model(items, model)
        found = {one.document_id: one.spans for one in result.gold}
        every = {name: one.spans for name, one in truth.items()}
        results["conll03_mturk"]["with a model"] = _percent(measure(gold, found))
        results["conll03_mturk, also the document nobody read"] = {
            "auto": _percent(measure(every, by_method(read, "auto"))),
            "with a model": _percent(measure(every, found)),
        }
        results["model"] = {"rounds": rounds, "seconds": round(time.perf_counter() - started)}
    for label in ("PER", "ORG", "LOC"):
        tweets, adjudicated = btc_crowd(data, label)
        gold = {name: one.spans for name, one in adjudicated.items()}
        results[f"btc_crowd {label}, {len(tweets)} tweets"] = compare(gold, tweets)
    return results


def _percent(counts: Counts) -> float:
    return round(100 * (counts.f1 or 0.0), 1)


def inception(data: Path) -> dict[str, Any]:
    """Score each method's gold against each annotator, where there is no truth."""
    items = airec_inception(data)
    names = sorted({one.annotator for item in items for one in item.annotations})
    results: dict[str, Any] = {}
    for method in METHODS:
        found = by_method(items, method)
        results[method] = {
            name: _percent(
                measure(
                    {
                        item.document_id: one.spans
                        for item in items
                        for one in item.annotations
                        if one.annotator == name
                    },
                    found,
                )
            )
            for name in names
        }
    return results


def simulated(seeds: int) -> dict[str, Any]:
    """Measure on annotators that err in known ways, over the sample's gold; means of seeds."""
    folder = Path(__file__).parent.parent / "builders" / "sample" / "documents"
    documents = []
    for path in sorted(folder.glob("*.marked")):
        text, _ = read_marked(path.read_text(encoding="utf-8"), LABELS, str(path))
        gold = load_marked(path, annotator="gold", guide="", labels=LABELS)
        document = Document(
            id=path.stem, text=text, source=path.stem, license="cc0-1.0", language="en"
        )
        documents.append(Annotated(document=document, annotations=(gold,)))
    results = {}
    for name, habits in SETTINGS.items():
        rows = []
        for seed in range(seeds):
            items = simulate(documents, habits, LABELS, seed)
            rows.append(
                compare({one.document.id: one.annotations[0].spans for one in documents}, items)
            )
        results[name] = {
            method: round(statistics.mean(row[method] for row in rows), 1) for method in rows[0]
        }
    return results


def million() -> dict[str, Any]:
    """Time the weighted vote on a million spans: 20 annotators, 10,000 documents, one core."""
    chance = np.random.default_rng(0)
    words = np.array(["Graf", "Lund", "Berlin", "Ystad", "and", "the", "said", "met", "of", "now"])
    items = []
    for number in range(10_000):
        text = " ".join(f"{word:<10}" for word in words[chance.integers(0, len(words), 91)])
        document = Document(
            id=f"{number:05d}", text=text, source="made", license="cc0-1.0", language="en"
        )
        starts = np.sort(chance.choice(90, size=6, replace=False)) * 11
        passes = []
        for who in range(20):
            kept = starts[chance.random(6) > 0.1]
            ends = kept + 5 + (chance.random(len(kept)) < 0.1)
            names = chance.choice(4, size=len(kept), p=[0.85, 0.05, 0.05, 0.05])
            passes.append(
                Annotation(
                    document_id=document.id,
                    text_sha256=document.text_sha256,
                    annotator=f"a{who:02d}",
                    guide="",
                    coverage=((0, len(text)),),
                    spans=tuple(
                        Span(start=int(start), end=int(end), label=LABELS[name])
                        for start, end, name in zip(kept, ends, names, strict=True)
                    ),
                )
            )
        items.append(
            Gathered(document_id=document.id, document=document, annotations=tuple(passes))
        )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, worked = time.perf_counter(), time.process_time()
    result = reconcile_gathered(items, method="weighted")
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    return {
        "spans": sum(len(one.spans) for item in items for one in item.annotations),
        "gold": sum(len(one.spans) for one in result.gold),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(worked, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_mib_before": round(before),
    }


def main() -> None:
    """Measure everything, print it, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    items, _ = conll03_mturk(arguments.data)
    started = time.perf_counter()
    reconcile_gathered([item for item in items if item.annotations], method="sequence")
    seconds = round(time.perf_counter() - started, 1)
    results = {
        "sequence on conll03_mturk, seconds": seconds,
        "weighted on a million spans": million(),
        "crowds": crowds(arguments.data, arguments.model),
        "inception": inception(arguments.data),
        "simulated": simulated(arguments.seeds),
    }
    shown = json.dumps(results, indent=1, ensure_ascii=False)
    print(shown)
    (arguments.out / "reconcile.json").write_text(shown + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
