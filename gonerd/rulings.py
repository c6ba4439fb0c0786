"""Disputes that people have settled: where a ruling holds, and which dispute to settle first."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from gonerd.records import Dispute, Document, Range, Span

Method = Literal["vote", "weighted", "sequence"]
METHODS: tuple[Method, ...] = ("vote", "weighted", "sequence")
"""What settles a dispute for now; whoever else has settled one is a person, and has ruled."""


def is_ruling(dispute: Dispute) -> bool:
    """Say whether a person has settled a dispute: it holds, and is not asked again."""
    return dispute.settled_by is not None and dispute.settled_by not in METHODS


def ruled_range(settled: Dispute) -> Range:
    """Say where a person has ruled; what holds may reach beyond what was disputed."""
    return reach(settled.start, settled.end, settled.settlement)


def reach(start: int, end: int, spans: Iterable[Span]) -> Range:
    """Say where a ruling on [start, end) holds: there, and wherever its spans reach."""
    pairs = [(start, end), *((one.start, one.end) for one in spans)]
    return min(first for first, _ in pairs), max(last for _, last in pairs)


def reaches_into(start: int, end: int, ranges: Sequence[Range]) -> bool:
    """Say whether [start, end) shares a character with merged ranges."""
    before = bisect_left(ranges, (end,))
    return before > 0 and ranges[before - 1][1] > start


def ranked(disputes: Iterable[Dispute], documents: Mapping[str, Document]) -> list[Dispute]:
    """Put first the disputes whose settling would change most, and say how much.

    The impact of a dispute is the doubt (one minus its certainty) of it and of every other dispute
    over the same words: who has ruled on one knows how to rule on the others.
    """
    listed = list(disputes)
    doubt: dict[str, float] = defaultdict(float)
    keys = []
    for dispute in listed:
        document = documents.get(dispute.document_id)
        key = f"{dispute.document_id}\0{dispute.start}"
        if document is not None:
            key = " ".join(document.text[dispute.start : dispute.end].casefold().split())
        keys.append(key)
        doubt[key] += 1.0 - (dispute.certainty or 0.0)
    weighed = [
        replace(dispute, impact=round(doubt[key], 6))
        for dispute, key in zip(listed, keys, strict=True)
    ]
    return sorted(
        weighed,
        key=lambda one: (-(one.impact or 0), one.certainty or 0, one.document_id, one.start),
    )
