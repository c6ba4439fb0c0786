"""`gonerd build` against a bare `nlp.pipe` over the same texts: time by stage, ratio, peak memory.

    python benchmarks/build_speed.py --data FOLDER [--rounds 3] [--out benchmarks/results]

Every measurement is a process of its own; the two sides take turns, so that a noisy machine is
noisy for both. The texts are the Supreme Court opinions of the data folder, repeated to about a
million tokens; each copy opens with a line of its own, since a text that repeats is dropped.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BARE_PIPE = """
import json, resource, sys, time
from pathlib import Path
import spacy
from gonerd.prelabel.pipeline import EMBEDDED, identify
started = time.perf_counter()
nlp = spacy.load(identify(EMBEDDED).folder)
nlp.max_length = 10**9
texts = (path.read_text(encoding="utf-8") for path in sorted(Path(sys.argv[1]).glob("*.txt")))
tokens = sum(len(doc) for doc in nlp.pipe(texts))
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "tokens": tokens, "peak_mib": peak}))
"""

STAGES = """
import json, resource, sys, time
from pathlib import Path
from gonerd.build import build, load_plan, run_collect, run_prelabel, run_reconcile, run_publish
from gonerd.engine import Engine
if __name__ == "__main__":
    folder, work, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    began = time.perf_counter()
    plan = load_plan(sys.argv[4], work=work, out=work / "release", source=folder)
    engine = Engine(workers=workers)
    stages = {}
    for name, run in (("collect", run_collect), ("prelabel", run_prelabel),
                      ("reconcile", run_reconcile), ("publish", run_publish)):
        started = time.perf_counter()
        run(plan, engine)
        stages[name] = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps({"seconds": time.perf_counter() - began, "stages": stages,
                      "peak_mib": peak, "peak_worker_mib": children}))
"""


def run(code: str, *arguments: object) -> dict[str, Any]:
    """Run a piece of code in a process of its own and read the JSON it prints."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as script:
        script.write(code)
    try:
        done = subprocess.run(
            [sys.executable, script.name, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr)
    finally:
        os.unlink(script.name)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def repeat_texts(source: Path, out: Path, copies: int) -> None:
    """Write a number of copies of every text, each with a first line of its own."""
    out.mkdir(parents=True)
    for path in sorted(source.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        for copy in range(copies):
            (out / f"{path.stem}-{copy:03d}.txt").write_text(f"Copy {copy} .\n{text}", "utf-8")


def compare(folder: Path, scratch: Path, builder: str, rounds: int, workers: int) -> dict[str, Any]:
    """Time both sides in turn, and give medians and the ratio of each round."""
    pipes, builds = [], []
    for number in range(rounds):
        pipes.append(run(BARE_PIPE, folder))
        work = scratch / f"work-{workers}-{number}"
        builds.append(run(STAGES, folder, work, workers, builder))
        shutil.rmtree(work)
    tokens = pipes[0]["tokens"]
    ratios = [build["seconds"] / pipe["seconds"] for build, pipe in zip(builds, pipes, strict=True)]
    build_seconds = statistics.median(build["seconds"] for build in builds)
    pipe_seconds = statistics.median(pipe["seconds"] for pipe in pipes)
    stages = {
        name: statistics.median(build["stages"][name] for build in builds)
        for name in builds[0]["stages"]
    }
    return {
        "tokens": tokens,
        "workers": workers,
        "rounds": rounds,
        "bare_pipe_seconds": round(pipe_seconds, 2),
        "build_seconds": round(build_seconds, 2),
        "ratio_build_to_pipe": {
            "median": round(statistics.median(ratios), 3),
            "all": [round(ratio, 3) for ratio in ratios],
        },
        "stage_seconds": {name: round(seconds, 2) for name, seconds in stages.items()},
        "stage_tokens_per_second": {
            name: round(tokens / seconds) for name, seconds in stages.items()
        },
        "bare_pipe_tokens_per_second": round(tokens / pipe_seconds),
        "build_tokens_per_second": round(tokens / build_seconds),
        "peak_mib": {
            "build": round(max(build["peak_mib"] for build in builds)),
            "build_worker": round(max(build["peak_worker_mib"] for build in builds)),
            "bare_pipe": round(max(pipe["peak_mib"] for pipe in pipes)),
        },
    }


def main() -> None:
    """Measure, print, and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    arguments = parser.parse_args()
    root = Path(__file__).parent.parent
    builder = str(root / "builders" / "court_opinions.toml")
    opinions = arguments.data / "long_text" / "scotus_opinions"
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        from gonerd.marked import read_marked

        sample = scratch / "sample"
        sample.mkdir()
        for path in sorted((root / "builders" / "sample" / "documents").glob("*.marked")):
            text, _ = read_marked(path.read_bytes().decode(), ("PER", "ORG", "LOC", "MISC"), "")
            (sample / f"{path.stem}.txt").write_text(text, "utf-8")
        for label, copies in (("once", 2), ("eight_times", 16), ("million", 10)):
            repeat_texts(opinions, scratch / label, copies)
        results: dict[str, Any] = {
            "machine": {
                "processor": platform.processor() or platform.machine(),
                "cores": len(os.sched_getaffinity(0)),
                "python": platform.python_version(),
            },
            "versions": {name: _version(name) for name in ("gonerd", "spacy", "numpy", "pyarrow")},
            "sample": compare(sample, scratch, builder, arguments.rounds, workers=1),
            "million_one_process": compare(
                scratch / "million", scratch, builder, arguments.rounds, workers=1
            ),
            "million_two_processes": compare(
                scratch / "million", scratch, builder, arguments.rounds, workers=2
            ),
        }
        results["memory"] = {
            label: round(
                run(STAGES, scratch / label, scratch / f"m-{label}", 1, builder)["peak_mib"]
            )
            for label in ("once", "eight_times")
        }
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1)
    (arguments.out / "build_speed.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


if __name__ == "__main__":
    main()
