"""One encoder taught on long documents, through windows and whole, by every attention.

    python benchmarks/long_documents.py --data FOLDER --encoder FOLDER --work FOLDER
        [--corpora NAME ...] [--systems NAME ...] [--seeds NUMBER ...] [--out benchmarks/results]

A row is a corpus, a system and a seed: the encoder is converted, taught on the training split for
as long as the validation split gains, and evaluated on the test split, by the commands a user
would give. What is done is not done again: rows in the results, and in the working folder; a row
that was stopped goes on. All rows are taught in 16 bits, alike, and evaluated in 32.
After each row all there are are written to the results, as JSON and as a table.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.long_corpora import LONG_CORPORA, write_release
from gonerd.files import load_annotations
from gonerd.records import Span
from gonerd.release import DEFAULT, open_release, read_rows
from gonerd.score import Counts, score_spans
from gonerd.score.intervals import difference

MAX_TOKENS = 4_096
SYSTEMS: Mapping[str, Sequence[str]] = {
    "windows of 512": (),
    "band": ("--attention", "band", "--window", "512"),
    "longformer": ("--attention", "longformer", "--window", "512", "--global-tokens", "1"),
    "bigbird": ("--attention", "bigbird"),
    "lsg": ("--attention", "lsg"),
    "nystromformer": ("--attention", "nystromformer"),
}
"""How each is made of the encoder; the first is the encoder itself."""
TEACHING = ("--learning-rate", "2e-4", "--patience", "4", "--bfloat16")


def run_row(corpus: str, system: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Teach and evaluate, or read what was found before."""
    name = f"{corpus}-{system.replace(' ', '-')}-{seed}"
    row = options.work / "rows" / f"{name}.json"
    for one in recorded(options.out):
        if (one["corpus"], one["system"], one["seed"]) == (corpus, system, seed):
            return one
    if row.exists():
        return dict(json.loads(row.read_text()))
    release = write_release(corpus, options.data, options.work / "releases" / corpus)
    model = _model(system, options)
    tagger = options.work / "runs" / name
    predictions = options.work / "rows" / f"{name}.jsonl"
    predictions.parent.mkdir(parents=True, exist_ok=True)
    taught = _gonerd(
        "finetune", model, "--data", release, "--out", tagger, "--seed", seed, *TEACHING, "--json"
    )
    report = _gonerd(
        "evaluate", "--model", tagger, "--data", release, "--out", predictions,
        "--lengths", "none", "--json", "-",
    )  # fmt: skip
    result = {
        "corpus": corpus, "system": system, "seed": seed, "teaching": " ".join(TEACHING),
        "taught": taught, "evaluated": report["models"][0],
        "by_document": _by_document(release, predictions),
    }  # fmt: skip
    partial = row.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1))
    partial.replace(row)
    shutil.rmtree(tagger)
    return result


def recorded(out: Path) -> list[dict[str, Any]]:
    """Read the rows that were measured before."""
    path = out / "long_documents.json"
    return list(json.loads(path.read_text())) if path.exists() else []


def record(row: dict[str, Any], out: Path) -> None:
    """Add a row to those that were measured before, and write the table anew."""
    rows = recorded(out)
    if row not in rows:
        rows.append(row)
    rows.sort(key=lambda one: (one["corpus"], one["system"], one["seed"]))
    (out / "long_documents.json").write_text(json.dumps(rows, indent=1) + "\n")
    (out / "long_documents.md").write_text(table(rows) + "\n")


def _model(system: str, options: argparse.Namespace) -> Path:
    """Make the model of a system, unless it has been.

    The encoder is taken without dropout of attention, which is not to be had in good time on a
    CPU; ModernBERT has none either.
    """
    encoder: Path = options.work / "models" / "encoder"
    if not encoder.exists():
        shutil.copytree(options.encoder, encoder)
        config = json.loads((encoder / "config.json").read_text())
        config["attention_probs_dropout_prob"] = 0.0
        (encoder / "config.json").write_text(json.dumps(config, indent=1))
    if not SYSTEMS[system]:
        return encoder
    folder: Path = options.work / "models" / system
    if not folder.exists():
        _gonerd(
            "convert", encoder, *SYSTEMS[system], "--max-tokens", MAX_TOKENS,
            "--out", folder, "--json",
        )  # fmt: skip
    return folder


def _gonerd(*arguments: Any) -> dict[str, Any]:
    """Give a command as a user would, and read what it says."""
    command = [sys.executable, "-m", "gonerd", *map(str, arguments)]
    place = str(Path(__file__).parent.parent)
    done = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, env=os.environ | {"PYTHONPATH": place}
    )
    return dict(json.loads(done.stdout))


def _by_document(release: Path, predictions: Path) -> dict[str, tuple[int, int, int]]:
    """Count what is right, predicted and gold in each document of the test split."""
    said = {one.document_id: one.spans for _, one, _ in load_annotations(predictions)}
    found = {}
    for split, row in read_rows(open_release(release), DEFAULT, ("id", "spans")):
        if split == "test":
            gold = [
                Span(start=one["start"], end=one["end"], label=one["label"]) for one in row["spans"]
            ]
            counts = score_spans([(gold, said[row["id"]])]).micro
            found[row["id"]] = (counts.correct, counts.predicted, counts.gold)
    return found


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write a table for people: a line for each corpus and system, over its seeds.

    The last column is by how much its F1 is above that of the windows, over documents of all seeds.
    """
    lines = [
        "| corpus | system | seeds | F1 | least, most | documents to 2k words | to 4k | over 4k "
        "| above windows |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for corpus in LONG_CORPORA:
        for system in SYSTEMS:
            same = [one for one in rows if (one["corpus"], one["system"]) == (corpus, system)]
            if not same:
                continue
            found = [one["evaluated"] for one in same]
            f1 = [one["f1"] or 0.0 for one in found]
            lines.append(
                f"| {corpus} | {system} | {len(same)} | {100 * fmean(f1):.1f} "
                f"| {100 * min(f1):.1f}, {100 * max(f1):.1f} "
                f"| {_of_length(found, (512, 1_024, 2_048))} | {_of_length(found, (4_096,))} "
                f"| {_of_length(found, (8_192, 16_384, None))} | {_above_windows(same, rows)} |"
            )
    return "\n".join(lines)


def _above_windows(same: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Compare a system with the windows on the documents of the seeds that both have."""
    ours, theirs = [], []
    for one in same:
        for other in rows:
            alike = all(other[key] == one[key] for key in ("corpus", "seed"))
            if alike and other["system"] == next(iter(SYSTEMS)) and other is not one:
                ours += [_counts(one["by_document"][name]) for name in other["by_document"]]
                theirs += [_counts(counts) for counts in other["by_document"].values()]
    found = difference(ours, theirs)
    if found is None:
        return "-"
    low, high = found.interval.low, found.interval.high
    return f"{100 * found.f1:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}; p {found.p:.3f})"


def _counts(row: Sequence[int]) -> Counts:
    return Counts(correct=row[0], predicted=row[1], gold=row[2])


def _of_length(found: Sequence[Mapping[str, Any]], sizes: Sequence[int | None]) -> str:
    """Average the F1 of documents of some lengths."""
    f1 = [part["f1"] or 0.0 for one in found for part in one["by_length"] if part["up_to"] in sizes]
    return f"{100 * fmean(f1):.1f}" if f1 else "-"


def main() -> None:
    """Run the rows that are missing, one after the other, and write down all there are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corpora", nargs="*", choices=LONG_CORPORA, default=list(LONG_CORPORA))
    parser.add_argument("--systems", nargs="*", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    for seed in options.seeds:
        for corpus in options.corpora:
            for system in options.systems:
                row = run_row(corpus, system, seed, options)
                record(row, options.out)
                print(f"{corpus} {system} {seed}: F1 {row['evaluated']['f1']}", flush=True)
    print(table(recorded(options.out)))


if __name__ == "__main__":
    main()
