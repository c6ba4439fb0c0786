"""A release into the numbers that describe it."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from gonerd.errors import StoreError
from gonerd.release import DEFAULT, Release, read_rows

LONG = 4096
"""Tokens above which a document is longer than most encoders read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitStats:
    """The size of one split."""

    documents: int
    tokens: int
    spans: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """The size of a release, and what is in it."""

    name: str
    documents: int
    tokens: int
    characters: int
    spans: int
    per_label: dict[str, int]
    splits: dict[str, SplitStats]
    shortest_tokens: int
    median_tokens: int
    longest_tokens: int
    longest_document: str
    long_documents: int
    """Documents of more than 4,096 tokens."""
    licenses: dict[str, int]
    languages: dict[str, int]
    sources: int
    losses: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Turn the numbers into a JSON object."""
        return asdict(self)


def describe(release: Release) -> Stats:
    """Count what a release holds; it is read once, a few rows at a time."""
    lengths: list[tuple[int, str]] = []
    splits: dict[str, list[int]] = {split: [0, 0, 0] for split in release.configs[DEFAULT]}
    labels: Counter[str] = Counter(dict.fromkeys(release.labels, 0))
    licenses: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    sources: set[str] = set()
    characters = 0
    columns = ("id", "text", "spans", "source", "license", "language", "num_tokens")
    for split, row in read_rows(release, DEFAULT, columns):
        lengths.append((row["num_tokens"], row["id"]))
        for index, amount in enumerate((1, row["num_tokens"], len(row["spans"]))):
            splits[split][index] += amount
        labels.update(span["label"] for span in row["spans"])
        licenses[row["license"]] += 1
        languages[row["language"]] += 1
        sources.add(row["source"])
        characters += len(row["text"])
    if not lengths:
        raise StoreError(f"{release.folder}: the release has no documents; expected at least one.")
    ordered = sorted(lengths)
    return Stats(
        name=release.name,
        documents=len(lengths),
        tokens=sum(length for length, _ in lengths),
        characters=characters,
        spans=sum(labels.values()),
        per_label=dict(labels),
        splits={
            split: SplitStats(documents=documents, tokens=tokens, spans=spans)
            for split, (documents, tokens, spans) in splits.items()
        },
        shortest_tokens=ordered[0][0],
        median_tokens=ordered[len(ordered) // 2][0],
        longest_tokens=ordered[-1][0],
        longest_document=ordered[-1][1],
        long_documents=sum(1 for length, _ in lengths if length > LONG),
        licenses=dict(sorted(licenses.items())),
        languages=dict(sorted(languages.items())),
        sources=len(sources),
        losses=release.losses,
    )
