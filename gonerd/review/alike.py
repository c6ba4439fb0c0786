"""Spans of one place into spans of another where the same words stand.

The same words are those that are written alike, but for the blanks between them: `US` is not `us`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gonerd.records import Span, reading_order
from gonerd.review.desk import bare
from gonerd.rulings import reach

Reading = tuple[Span, ...]
"""What may hold at a place, in reading order; no span: no entity."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """A range of a text."""

    text: str
    start: int
    end: int

    @property
    def key(self) -> tuple[str, ...]:
        """What stands there; places with the same key have the same words."""
        return tuple(self.text[self.start : self.end].split())


def reading_of(spans: Iterable[Span]) -> Reading:
    """Give spans by place and label alone, each once, in reading order."""
    return tuple(sorted({bare(one) for one in spans}, key=reading_order))


def moved(spans: Iterable[Span], source: Words, target: Words) -> Reading | None:
    """Take spans of one place to another with the same words.

    None where they do not fit: a span begins or ends in a blank, or reaches beyond the words and
    other characters stand there.
    """
    if source.key != target.key:
        return None
    listed = list(spans)
    first, last = reach(source.start, source.end, listed)
    start, end = target.start - (source.start - first), target.end + (last - source.end)
    before, after = source.text[first : source.start], source.text[source.end : last]
    if start < 0 or before != target.text[start : target.start]:
        return None
    if after != target.text[target.end : end]:
        return None
    places = dict(zip(range(first, source.start), range(start, target.start), strict=True))
    places.update(zip(_letters(source), _letters(target), strict=True))
    places.update(zip(range(source.end, last), range(target.end, end), strict=True))
    found = []
    for span in listed:
        pieces = span.fragments or ((span.start, span.end),)
        if any(one not in places or other - 1 not in places for one, other in pieces):
            return None
        ranges = tuple((places[one], places[other - 1] + 1) for one, other in pieces)
        found.append(
            Span(
                start=ranges[0][0],
                end=ranges[-1][1],
                label=span.label,
                fragments=ranges if span.fragments else (),
            )
        )
    return reading_of(found)


def _letters(words: Words) -> list[int]:
    """List where there is no blank."""
    return [at for at in range(words.start, words.end) if not words.text[at].isspace()]
