"""Offsets in whatever unit a file counts into code points, judged by the strings it states.

The way of counting (`rulers.py`) that puts most mentions on their strings is taken, document by
document. A mention that does not fit it is looked for where another way of counting, or a bounded
search, finds its string; what is found nowhere, or in several places with equal right, is refused.
Without strings, borders of words judge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gonerd.formats.layers import Mention, Unit
from gonerd.formats.rulers import Ruler, rulers
from gonerd.records import Loss, Range, Span, reading_order
from gonerd.spans import merge_ranges, subtract_ranges

FARTHEST = 2_000
"""Characters that a repair looks ahead and back."""

MOVED, REFUSED = "span moved", "span refused"

_NO_PLACE = "it is empty, outside the text, cuts a character, or its parts are not apart"
_NOT_FOUND = "its string does not stand where the file says, nor near by"
_UNTOLD = "its unit cannot be told, since several fit; --unit says which"

_NEAR = 100
"""Characters within which a search looks first."""

Place = tuple[Range, ...]
"""The pieces of a mention in characters, in order."""

Fate = tuple[Place | None, str, str]
"""Where a mention is, what became of it, and why it is not where the file said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """What became of one pass's mentions."""

    spans: tuple[Span, ...]
    coverage: tuple[Range, ...]
    unit: str
    """How the file counts in this document."""
    counts: dict[str, int] = field(default_factory=dict)
    """Mentions `matched`, `unverified` (no string to check), `moved`, `refused`."""
    losses: tuple[Loss, ...] = ()
    unknown: tuple[Range, ...] = ()
    """Where the file puts what was refused."""


def calibrate(
    document_id: str,
    text: str,
    mentions: Sequence[Mention],
    *,
    coverage: Sequence[Range] = (),
    unit: Unit | None = None,
    exact: bool = False,
) -> Calibrated:
    """Put mentions on the characters of a text.

    `unit` is what they are known to count; `exact` says that they count on just this text, no line
    end changed and no blank stripped.
    """
    ordered = sorted(mentions, key=lambda one: (one.start, one.end, one.label))
    ways = rulers(text, unit, exact=exact, shown=any(one.surface is not None for one in ordered))
    placed = [_places(ordered, ruler) for ruler in ways]
    leaders = _leaders(ordered, placed, text)
    if unit is not None:  # whoever knows it has settled what is left to doubt
        leaders = leaders[:1]
    ruler = ways[leaders[0]]
    spans: list[Span] = []
    losses: list[Loss] = []
    counts = dict.fromkeys(("matched", "unverified", "moved", "refused"), 0)
    doubtful: list[Range] = []
    drift = 0
    for mention, *places in zip(ordered, *placed, strict=True):
        place, fate, why = _fate(mention, text, [places[way] for way in leaders])
        if why == _NOT_FOUND:
            expected = ruler.character(mention.start)
            named = [(way.name, place) for way, place in zip(ways, places, strict=True)]
            place, fate, why = _mended(mention, text, named, expected, drift)
            drift = place[0][0] - expected if place else drift
        counts[fate] += 1
        stated = (ruler.character(mention.start), ruler.character(mention.end))
        if place is not None:
            spans.append(_span(mention, place))
        else:
            doubtful += [stated, *(_hull(places[way]) for way in leaders)]
        if why:
            losses.append(_loss(document_id, _hull(place) if place else stated, fate, why))
    unknown = subtract_ranges(doubtful, ((span.start, span.end) for span in spans))
    return Calibrated(
        spans=tuple(sorted(spans, key=reading_order)),
        coverage=subtract_ranges(_cover(coverage, ruler, len(text)), unknown),
        unit=ruler.name,
        counts=counts,
        losses=tuple(losses),
        unknown=unknown,
    )


def _places(mentions: Sequence[Mention], ruler: Ruler) -> list[Place | None]:
    """Place each mention; None where a piece has no place, or its pieces are not apart."""
    pieces = [mention.fragments or ((mention.start, mention.end),) for mention in mentions]
    found = iter(ruler.places([piece for each in pieces for piece in each]))
    placed: list[Place | None] = []
    for each in pieces:
        place = [piece for piece in (next(found) for _ in each) if piece is not None]
        apart = all(left[1] < right[0] for left, right in pairwise(place))
        placed.append(tuple(place) if apart and len(place) == len(each) else None)
    return placed


def _leaders(
    mentions: Sequence[Mention], placed: Sequence[Sequence[Place | None]], text: str
) -> list[int]:
    """Number the ways of counting that fit best, by strings or else by borders of words."""
    checkable = any(mention.surface is not None for mention in mentions)
    scores = [
        sum(
            _fit(mention, place, text) if checkable else _on_words(place, text)
            for mention, place in zip(mentions, places, strict=True)
        )
        for places in placed
    ]
    return [way for way, score in enumerate(scores) if score == max(scores)]


def _fate(mention: Mention, text: str, places: Sequence[Place | None]) -> Fate:
    """Take the place that the first of the leading ways gives, unless others contradict it."""
    place, *others = places
    rivals = [other for other in others if other not in (None, place)]
    if mention.surface is None:
        if place is None:
            return None, "refused", _NO_PLACE
        return (None, "refused", _UNTOLD) if rivals else (place, "unverified", "")
    fit = _fit(mention, place, text)
    if not fit:
        return None, "refused", _NOT_FOUND
    if any(_fit(mention, rival, text) >= fit for rival in rivals):
        return None, "refused", _UNTOLD
    return place, "matched", ""


def _mended(
    mention: Mention,
    text: str,
    places: Sequence[tuple[str, Place | None]],
    expected: int,
    drift: int,
) -> Fate:
    """Find a mention whose string is not where the file says.

    If it is off by just as much as the one before, that is it; else another way of counting that
    leads to its string counts more than the string near by, which may be another mention's.
    """
    found = None if mention.fragments else _search(mention, text, expected + drift)
    if found is None or not drift or found[0] != expected + drift:
        fits = [_fit(mention, place, text) for _, place in places]
        best = {
            place: name
            for (name, place), fit in zip(reversed(places), reversed(fits), strict=True)
            if fit == max(fits) > 0
        }
        if len(best) > 1:
            return None, "refused", _UNTOLD
        for place, name in best.items():
            return place, "moved", f"counted in {name}, unlike the rest"
    if found is None:
        return None, "refused", _NOT_FOUND
    return (found,), "moved", "its string stands elsewhere near by"


def _fit(mention: Mention, place: Place | None, text: str) -> int:
    """Say how well a place fits a mention's string: 2 just so, 1 but for blanks, 0 not at all."""
    if place is None or mention.surface is None:
        return 0
    stands = " ".join(text[start:end] for start, end in place)
    if stands == mention.surface:
        return 2
    return int(stands.split() == mention.surface.split() != [])


def _on_words(place: Place | None, text: str) -> bool:
    """Say whether no piece begins or ends inside a word, or at a blank."""
    if place is None:
        return False
    for start, end in place:
        if text[start].isspace() or text[end - 1].isspace():
            return False
        for border in (start, end):
            if 0 < border < len(text) and text[border - 1].isalnum() and text[border].isalnum():
                return False
    return True


def _search(mention: Mention, text: str, expected: int) -> Range | None:
    """Find the one occurrence of a mention's string that is nearest to where it should stand.

    One that is not a part of a word goes before one that is. Kinds of blanks do not matter. Of
    several that are far, none is more likely than another.
    """
    surface = mention.surface or ""
    words = surface.split()
    if not words:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    found: list[Range] = []
    for reach in (_NEAR, FARTHEST):
        low, high = max(0, expected - reach), expected + reach + 2 * len(surface)
        found = _occurrences(pattern, text, low, high)
        if whole := [place for place in found if _on_words((place,), text)]:
            found = whole
            break
    if len(found) > 1 and all(abs(place[0] - expected) > _NEAR for place in found):
        return None
    nearest = sorted(found, key=lambda place: abs(place[0] - expected))[:2]
    distances = {abs(place[0] - expected) for place in nearest}
    return nearest[0] if len(nearest) == len(distances) > 0 else None


def _occurrences(pattern: re.Pattern[str], text: str, low: int, high: int) -> list[Range]:
    """List the places inside [low, high) that fit, those that overlap too."""
    found: list[Range] = []
    match = pattern.search(text, low, high)
    while match:
        found.append(match.span())
        match = pattern.search(text, match.start() + 1, high)
    return found


def _span(mention: Mention, place: Place) -> Span:
    return Span(
        start=place[0][0],
        end=place[-1][1],
        label=mention.label,
        confidence=mention.confidence,
        support=mention.support,
        fragments=place if len(place) > 1 else (),
    )


def _cover(coverage: Sequence[Range], ruler: Ruler, length: int) -> tuple[Range, ...]:
    """Turn ranges into characters; one that ends inside a character ends before it."""
    ranges: list[Range] = []
    for start, end in coverage:
        last = ruler.character(end)
        if end >= ruler.marks[-1]:
            last = length
        elif ruler.marks[last] > end:
            last -= 1
        ranges.append((ruler.character(start), last))
    return merge_ranges(ranges)


def _hull(place: Place | None) -> Range:
    return (place[0][0], place[-1][1]) if place else (0, 0)


def _loss(document_id: str, stands: Range, fate: str, why: str) -> Loss:
    start, end = stands if stands[0] < stands[1] else (None, None)
    what = MOVED if fate == "moved" else REFUSED
    return Loss(document_id=document_id, start=start, end=end, what=what, why=why)
