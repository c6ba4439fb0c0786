"""Seconds and memory of scoring long documents, beside seqeval and seqscore in the same run.

    python benchmarks/score_speed.py [--out benchmarks/results]

One document of 200,000 tokens for all, three rounds, sides in turn, medians; then ours alone on one
of 500,000, and on 10,000,000 tokens in 100 documents, in a process of its own.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import gonerd

ROUNDS = 3


def tags(size: int, seed: int) -> list[str]:
    """Draw legal tags, about 40 entities in 1,000 tokens."""
    draw = random.Random(seed)
    found: list[str] = []
    while len(found) < size:
        found += ["O"] * draw.randint(5, 40)
        label = draw.choice(("PER", "ORG", "LOC", "MISC"))
        found += [f"B-{label}"] + [f"I-{label}"] * draw.randint(0, 3)
    return found[:size]


def near(gold: list[str], seed: int) -> list[str]:
    """Predict most of it."""
    draw = random.Random(seed)
    said = list(gold)
    for at, tag in enumerate(gold):
        if tag[0] == "B" and draw.random() < 0.2:
            end = at + 1
            while end < len(gold) and gold[end][0] == "I":
                end += 1
            said[at:end] = ["O"] * (end - at)
    return said


def seconds(work: Callable[[], object]) -> float:
    """Time a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def beside_peers(size: int) -> dict[str, float]:
    """Time one document with all three, in turns."""
    from seqeval.metrics import f1_score
    from seqeval.scheme import IOB2
    from seqscore.scoring import score_label_sequences

    gold = [tags(size, 0)]
    said = [near(gold[0], 1)]
    sides: dict[str, Callable[[], object]] = {
        "gonerd": lambda: gonerd.score(gold, said),
        "seqscore": lambda: score_label_sequences(said, gold, "BIO", repair=None),
        "seqeval strict": lambda: f1_score(gold, said, mode="strict", scheme=IOB2),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, work in sides.items():
            times[name].append(seconds(work))
    return {name: statistics.median(some) for name, some in times.items()}


def large(total: int, documents: int) -> dict[str, float]:
    """Time ours alone, and give the peak memory above what the tags take."""
    gold = [tags(total // documents, seed) for seed in range(documents)]
    said = [near(one, seed) for seed, one in enumerate(gold)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = seconds(lambda: gonerd.score(gold, said))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": took, "peak_mib": after / 1024, "above_tags_mib": (after - before) / 1024}


def main() -> None:
    """Measure, print, and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--large", type=int, help="tokens; measure these alone, and print them")
    options = parser.parse_args()
    if options.large:
        print(json.dumps(large(options.large, max(1, options.large // 100_000))))
        return
    found: dict[str, object] = {"200,000 tokens in one document, s": beside_peers(200_000)}
    found["500,000 tokens in one document, s"] = statistics.median(
        large(500_000, 1)["seconds"] for _ in range(ROUNDS)
    )
    apart = subprocess.run(
        [sys.executable, __file__, "--large", "10000000"], capture_output=True, check=True
    )
    found["10,000,000 tokens in 100 documents"] = json.loads(apart.stdout)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "score_speed.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
