"""What each annotator says about a place into one reading of it, by a vote of equals.

Presence, border and label are decided one after the other, each by those who have a say.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from gonerd.records import Claim, Span, reading_order
from gonerd.spans import overlap


def agreed_by_most(claims: Sequence[Claim]) -> tuple[tuple[Span, ...], float]:
    """Find the reading that most voters have in common, and the share of voters who do."""
    readings = Counter(claim.spans for claim in claims)
    reading, support = max(readings.items(), key=lambda item: (item[1], len(item[0])))
    share = support / len(claims)
    return tuple(replace(span, support=support, confidence=share) for span in reading), share


def settle_by_vote(claims: Sequence[Claim], labels: Sequence[str]) -> tuple[Span, ...]:
    """Decide a dispute: presence by majority, then border, then label, until nothing is left.

    A tie on presence keeps the span: people miss names far more often than they invent them. Of the
    borders somebody marked, the pair wins whose start and end have most votes together; a tie goes
    to the longer, then the earlier. A tie of labels goes to the first in the guide.
    """
    num_voters = len(claims)
    settled: list[Span] = []
    open_claims = list(claims)
    while True:
        spans = [(span, claim.annotator) for claim in open_claims for span in claim.spans]
        starts = Counter(span.start for span, _ in spans)
        ends = Counter(span.end for span, _ in spans)
        candidates = sorted(
            {(span.start, span.end) for span, _ in spans},
            key=lambda pair: (-starts[pair[0]] - ends[pair[1]], pair[0] - pair[1], pair[0]),
        )
        chosen = next(
            (
                Span(start=start, end=end, label=labels[0])
                for start, end in candidates
                if 2 * _num_present(spans, start, end) >= num_voters
            ),
            None,
        )
        if chosen is None:
            return tuple(sorted(settled, key=reading_order))
        votes = Counter(_labels_at(spans, chosen, labels))
        label = min(votes, key=lambda name: (-votes[name], _rank(name, labels)))
        exact = [
            (span, name)
            for span, name in spans
            if (span.start, span.end) == (chosen.start, chosen.end)
        ]
        support = len({name for span, name in exact if span.label == label})
        pieces = Counter(span.fragments for span, _ in exact)
        settled.append(
            replace(
                chosen,
                label=label,
                support=support,
                confidence=support / num_voters,
                fragments=min(pieces, key=lambda one: (-pieces[one], one)),
            )
        )
        open_claims = [
            replace(claim, spans=tuple(span for span in claim.spans if not overlap(span, chosen)))
            for claim in open_claims
        ]


def _num_present(spans: Sequence[tuple[Span, str]], start: int, end: int) -> int:
    """Count the annotators who marked something in [start, end)."""
    return len({name for span, name in spans if span.start < end and start < span.end})


def _labels_at(spans: Sequence[tuple[Span, str]], chosen: Span, labels: Sequence[str]) -> list[str]:
    """List one label vote of each annotator who marked something there: of the nearest span."""
    votes: dict[str, tuple[int, int, str]] = {}
    for span, name in spans:
        if overlap(span, chosen):
            distance = abs(span.start - chosen.start) + abs(span.end - chosen.end)
            vote = (distance, _rank(span.label, labels), span.label)
            votes[name] = min(votes.get(name, vote), vote)
    return [label for _, _, label in votes.values()]


def _rank(label: str, labels: Sequence[str]) -> int:
    return labels.index(label) if label in labels else len(labels)
