"""Numbers into the plain text that a command prints."""

from pathlib import Path

from gonerd.stats import LONG, Stats
from gonerd.store import Manifest
from gonerd.validate import Validation

_MOST = 20


def release_report(stats: Stats, folder: Path) -> str:
    """Describe a release, and say how to load it."""
    lines = [
        f"{folder}: {stats.documents:,} documents, {stats.tokens:,} tokens, {stats.spans:,} spans",
        f"  longest {stats.longest_tokens:,} tokens ({stats.longest_document}), median "
        f"{stats.median_tokens:,}, shortest {stats.shortest_tokens:,}; "
        f"{stats.long_documents:,} over {LONG:,}",
        "  spans: " + ", ".join(f"{label} {count:,}" for label, count in stats.per_label.items()),
    ]
    lines += [
        f"  {split:<11}{of.documents:>8,} documents {of.tokens:>12,} tokens {of.spans:>9,} spans"
        for split, of in stats.splits.items()
    ]
    lines += _losses(stats.losses)
    lines += [
        "",
        f"Load it, in {folder.resolve().parent}:",
        "  from datasets import load_dataset",
        f'  dataset = load_dataset("{folder.resolve().name}")',
    ]
    return "\n".join(lines)


def step_report(manifest: Manifest, folder: Path) -> str:
    """Say what a step gave and lost."""
    counts = ", ".join(f"{count:,} {name}" for name, count in manifest.counts.items())
    lines = [f"{folder}: {counts}"]
    lines += [f"  {name}: {note}" for name, note in manifest.notes.items()]
    return "\n".join([*lines, *_losses(manifest.losses)])


def validation_report(validation: Validation, path: Path) -> str:
    """Say what was checked and name each breach, the first twenty whole."""
    lines = [f"  {breach.where}: {breach.what}" for breach in validation.breaches[:_MOST]]
    if len(validation.breaches) > _MOST:
        lines.append(f"  and {len(validation.breaches) - _MOST:,} more; --json lists them all")
    checked = ", ".join(f"{count:,} {name}" for name, count in validation.checked.items())
    count = len(validation.breaches)
    breaches = "1 breach" if count == 1 else f"{count:,} breaches"
    verdict = breaches if count else "all promises kept"
    return "\n".join([f"{path}: {verdict} ({checked})", *lines])


def _losses(losses: dict[str, int]) -> list[str]:
    if not losses:
        return ["  nothing refused, repaired or dropped"]
    counted = sorted(losses.items(), key=lambda item: -item[1])
    lines = [f"  {count:>6,} x {reason}" for reason, count in counted[:_MOST]]
    if len(counted) > _MOST:
        lines.append(f"  and {len(counted) - _MOST} other reasons")
    return ["  ledger.parquet names each of these:", *lines]
