"""What is suggested for a document, and what an annotator holds of it, into spans as shown.

A suggestion that was rejected because a span of the annotator's stands in its place is not shown.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from gonerd.records import Range, Span, reading_order
from gonerd.review.acts import Mark
from gonerd.review.desk import Paper, bare
from gonerd.review.state import Held

Status = Literal["suggested", "accepted", "rejected", "added"]
SIGNS: dict[Status, str] = {"suggested": "?", "accepted": "=", "rejected": "x", "added": "+"}
"""What stands after a label, so that no colour is needed to tell one from the other."""

_AROUND = 1_000
"""Characters around a suggestion in which the span lies that stands for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A span as it is shown."""

    span: Span
    """A place, its parts and a label."""
    status: Status
    unsure: bool
    noted: bool
    confidence: float | None

    @property
    def tag(self) -> str:
        """Write label and status, and for a suggestion how sure the model is of it."""
        more = ""
        if self.status == "suggested" and self.confidence is not None:
            more = f"{round(self.confidence * 100)}"
        unsure, noted = "~" if self.unsure else "", '"' if self.noted else ""
        return f"{self.span.label}{SIGNS[self.status]}{more}{unsure}{noted}"


def show(paper: Paper, held: Held | None, span: Span) -> Shown | None:
    """Give a span as it is shown; None where it is not."""
    one = bare(span)
    mark: Mark | None = None if held is None else held.marks.get(one)
    suggestion = paper.places.get(one)
    if mark is None and suggestion is None:
        return None
    if mark is not None and mark.status == "rejected" and _is_replaced(held, one):
        return None
    return Shown(
        span=one,
        status="suggested" if mark is None else mark.status,
        unsure=mark is not None and mark.unsure,
        noted=mark is not None and bool(mark.note),
        confidence=None if suggestion is None else suggestion.confidence,
    )


def shown_in(paper: Paper, held: Held | None, start: int, end: int) -> list[Shown]:
    """List the spans shown that lie in [start, end) with any character, in reading order."""
    spans = {bare(one) for one in paper.suggested(start, end)}
    spans.update(() if held is None else held.near(start, end))
    found = (show(paper, held, one) for one in sorted(spans, key=reading_order))
    return [one for one in found if one is not None]


def step(
    paper: Paper,
    held: Held | None,
    place: Span | int,
    direction: int,
    test: Callable[[Shown], bool],
) -> Shown | None:
    """Find the next span after a place, or the one before it, that is shown and passes a test."""
    for span in _from(paper, held, place, direction):
        one = show(paper, held, span)
        if one is not None and test(one):
            return one
    return None


def unread(coverage: tuple[Range, ...], start: int, end: int) -> int | None:
    """Give the first character of a range that has not been read; None where all has."""
    at = start
    for first, last in coverage:
        if first > at:
            break
        at = max(at, last)
    return at if at < end else None


def short(words: str) -> str:
    """Shorten words to fit a line, in quotes."""
    line = " ".join(words.split())
    line = "".join(one if one.isprintable() else "\u00b7" for one in line)
    return f"\u201c{line if len(line) <= 40 else line[:39] + chr(0x2026)}\u201d"


def _from(paper: Paper, held: Held | None, place: Span | int, direction: int) -> Iterator[Span]:
    """Give suggestions and held spans in order from a place on, each once."""
    key = (place, -float("inf"), "", ()) if isinstance(place, int) else reading_order(place)
    lists = (paper.suggestions, [] if held is None else held.order)
    if direction > 0:
        at = [bisect_right(one, key, key=reading_order) for one in lists]
        while any(index < len(one) for index, one in zip(at, lists, strict=True)):
            ahead = [one[index] for index, one in zip(at, lists, strict=True) if index < len(one)]
            found = bare(min(ahead, key=reading_order))
            at = [
                index + (index < len(one) and bare(one[index]) == found)
                for index, one in zip(at, lists, strict=True)
            ]
            yield found
        return
    at = [bisect_left(one, key, key=reading_order) - 1 for one in lists]
    while any(index >= 0 for index in at):
        ahead = [one[index] for index, one in zip(at, lists, strict=True) if index >= 0]
        found = bare(max(ahead, key=reading_order))
        at = [
            index - (index >= 0 and bare(one[index]) == found)
            for index, one in zip(at, lists, strict=True)
        ]
        yield found


def _is_replaced(held: Held | None, suggestion: Span) -> bool:
    if held is None:
        return False
    near = held.near(suggestion.start - _AROUND, suggestion.end + _AROUND)
    return any(held.marks[one].suggested == suggestion for one in near)
