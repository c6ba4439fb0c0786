"""What each says about a place, and what a method knows besides, into one reading of the place."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gonerd.reconcile.candidates import Candidate
from gonerd.reconcile.vote import agreed_by_most, settle_by_vote
from gonerd.records import Claim, Range, Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """How a method reads a place."""

    spans: tuple[Span, ...]
    certainty: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Settle:
    """How a method reads the places of a document."""

    place: Callable[[Sequence[Claim], int, int], Settlement]
    """From what each says about a place, its start and its end."""
    chosen: tuple[Span, ...] = ()
    """All spans of its reading; what one of them reaches across is one place."""


def by_vote(labels: Sequence[str], agreement: float) -> Settle:
    """Read a place as more than the given share of voters do, else by vote on each question."""

    def settle(claims: Sequence[Claim], start: int, end: int) -> Settlement:
        reading, share = agreed_by_most(claims)
        if share <= agreement:
            reading = settle_by_vote(claims, labels)
        return Settlement(spans=reading, certainty=share)

    return Settle(place=settle)


def by_candidates(candidates: Sequence[Candidate]) -> Settle:
    """Read a place as the candidates do that a method has chosen for this document.

    A reading is as certain as the least certain of its parts: a span that holds, or a place where
    none of those does that were not chosen.
    """
    ordered = sorted(_once(candidates), key=lambda one: (one.start, -one.end, one.label))
    reach = list(accumulate((one.end for one in ordered), max))

    def settle(claims: Sequence[Claim], start: int, end: int) -> Settlement:
        low = bisect_right(reach, start)
        high = bisect_left(ordered, end, key=lambda one: one.start)
        near = [one for one in ordered[low:high] if one.end > start]
        taken = [one for one in near if one.chosen and start <= one.start and one.end <= end]
        others = [
            one
            for one in near
            if not any(
                one.depth == other.depth and one.start < other.end and other.start < one.end
                for other in taken
            )
        ]
        doubts = [1.0 - one.probability for one in taken] + _chances(others)
        return Settlement(
            spans=tuple(_supported(one, claims) for one in taken),
            certainty=1.0 - max(doubts, default=0.0),
        )

    chosen = tuple(
        Span(start=one.start, end=one.end, label=one.label) for one in ordered if one.chosen
    )
    return Settle(place=settle, chosen=chosen)


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep the best of those chosen in several layers to say the same."""
    kept: dict[tuple[int, int, str], Candidate] = {}
    for one in candidates:
        if one.chosen:
            key = (one.start, one.end, one.label)
            kept[key] = max(kept.get(key, one), one, key=lambda other: other.probability)
    return [*kept.values(), *(one for one in candidates if not one.chosen)]


def _chances(candidates: Sequence[Candidate]) -> list[float]:
    """Say of each place how probable it is that one holds of the candidates, in order, there."""
    chances: list[float] = []
    reach: dict[int, tuple[int, int]] = {}
    for one in candidates:
        number, end = reach.get(one.depth, (0, -1))
        if one.start >= end:
            number = len(chances)
            chances.append(0.0)
        chances[number] = min(chances[number] + one.probability, 1.0)
        reach[one.depth] = (number, max(end, one.end))
    return chances


def _supported(candidate: Candidate, claims: Sequence[Claim]) -> Span:
    """Make a span of a candidate, with those who marked exactly it, and their fragments."""
    pieces: dict[tuple[Range, ...], int] = {}
    support = 0
    for claim in claims:
        same = [
            span.fragments
            for span in claim.spans
            if (span.start, span.end) == (candidate.start, candidate.end)
            and span.label == candidate.label
        ]
        support += bool(same)
        for fragments in same[:1]:
            pieces[fragments] = pieces.get(fragments, 0) + 1
    return Span(
        start=candidate.start,
        end=candidate.end,
        label=candidate.label,
        support=support,
        confidence=candidate.probability,
        fragments=min(pieces, key=lambda one: (-pieces[one], one), default=()),
    )
