"""What an annotator holds of suggestions shown and hidden into how far they are followed.

An annotator who reads for themselves marks a name as often where nothing is suggested as where it
is. What is marked less often there was accepted because it stood there, or overlooked without.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gonerd.records import Span
from gonerd.review.desk import Desk, bare
from gonerd.review.hiding import is_hidden, shown
from gonerd.review.queues import Queue
from gonerd.review.state import Held
from gonerd.spans import covers

_Z = 1.959964
"""Of an interval of 95 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How many of how many, with an interval of 95 % (Wilson's)."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bias:
    """How far an annotator follows what is suggested."""

    shown: Share
    """Suggestions that were shown, and accepted."""
    hidden: Share
    """Suggestions that were not shown, and the annotator marked just so."""
    hidden_documents: Share
    """The same, in documents without any suggestion shown."""
    difference: float | None
    """Of shown to all that were not."""
    low: float | None
    high: float | None


def bias_of(desk: Desk, queue: Queue | None, name: str, mine: Mapping[str, Held]) -> Bias | None:
    """Compare suggestions that were shown with those that were not, where an annotator has read.

    `mine` is what the annotator holds, by document; `desk` has all suggestions.
    """
    if queue is None or not (queue.config.hidden_spans or queue.config.hidden_documents):
        return None
    seen, unseen, alone = Counter[bool](), Counter[bool](), Counter[bool]()
    for document_id, held in mine.items():
        paper = desk.papers[document_id]
        visible = shown(paper, queue.config, name).places
        whole = is_hidden(queue.config, name, document_id)
        for one in map(bare, paper.suggestions):
            if covers(held.coverage, one.start, one.end):
                counted = seen if one in visible else alone if whole else unseen
                counted[_holds(held, one)] += 1
    first, second, third = (share_of(one[True], one.total()) for one in (seen, unseen, alone))
    both = share_of(second.count + third.count, second.of + third.of)
    if first.share is None or both.share is None:
        return Bias(shown=first, hidden=second, hidden_documents=third, difference=None, low=None,
                    high=None)  # fmt: skip
    assert first.low is not None
    assert first.high is not None
    assert both.low is not None
    assert both.high is not None
    difference = first.share - both.share
    # Newcombe's interval for a difference of two shares.
    return Bias(
        shown=first,
        hidden=second,
        hidden_documents=third,
        difference=difference,
        low=difference - math.hypot(first.share - first.low, both.high - both.share),
        high=difference + math.hypot(first.high - first.share, both.share - both.low),
    )


def _holds(held: Held, span: Span) -> bool:
    mark = held.marks.get(span)
    return mark is not None and mark.status != "rejected"


def share_of(count: int, of: int) -> Share:
    """Give a share with its interval; of nothing there is none."""
    if of == 0:
        return Share(count=0, of=0, share=None, low=None, high=None)
    share, spread = count / of, _Z * _Z / of
    middle = (share + spread / 2) / (1 + spread)
    reach = _Z * math.sqrt(share * (1 - share) / of + spread / of / 4) / (1 + spread)
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return Share(count=count, of=of, share=share, low=low, high=high)


def bias_lines(bias: Bias) -> list[str]:
    """Tell people how far an annotator follows what is suggested."""
    lines = [
        f"  suggestions shown and accepted: {_told(bias.shown)}",
        f"  hidden, and marked just so: {_told(bias.hidden)}; in documents without any: "
        f"{_told(bias.hidden_documents)}",
    ]
    if bias.difference is not None and bias.low is not None and bias.high is not None:
        lines.append(
            f"  more often where shown: {bias.difference:+.1%} "
            f"({bias.low:+.1%} to {bias.high:+.1%})"
        )
    return lines


def _told(share: Share) -> str:
    if share.share is None:
        return "none"
    return (
        f"{share.count:,} of {share.of:,}, {share.share:.1%} ({share.low:.1%} to {share.high:.1%})"
    )
