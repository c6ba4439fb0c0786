"""Offsets in whatever unit a file counts into code points, judged by the strings it states.

In use are code points, UTF-16 code units (JavaScript, Java), UTF-8 bytes and graphemes, each also
on a text whose CRLF had become LF or whose outer blanks had been stripped. The way of counting that
puts most mentions on their strings is taken, document by document; code points where several do
equally well. A mention that does not fit it is looked for where another unit, or a bounded search,
finds its string; what is found nowhere is refused. Without strings, borders of words judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from gonerd.formats.layers import Mention, Unit
from gonerd.records import Loss, Range, Span, reading_order
from gonerd.spans import merge_ranges

FARTHEST = 2_000
"""Characters that a repair looks ahead and back."""

MOVED, REFUSED = "span moved", "span refused"


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """A way of counting along one text."""

    name: str
    """As `UTF-16`, or `bytes, CRLF counted as one`."""
    widths: NDArray[np.int64]
    """What each character counts."""

    @cached_property
    def marks(self) -> NDArray[np.int64]:
        """The offset before each character, and that of the end."""
        return np.concatenate(([0], np.cumsum(self.widths)))

    def place(self, start: int, end: int) -> Range | None:
        """Find the characters of [start, end); None where it is empty, outside, or cuts one."""
        if not 0 <= start < end <= int(self.marks[-1]):
            return None
        first = int(np.searchsorted(self.marks, start, side="right")) - 1
        last = int(np.searchsorted(self.marks, end, side="left"))
        if self.marks[first] != start or self.marks[last] != end or first >= last:
            return None
        return first, last


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


def rulers(text: str, unit: Unit | None = None, *, exact: bool = False) -> list[Ruler]:
    """List the ways of counting along a text that differ on it, the likeliest first.

    `unit` leaves its own ways alone; `exact` the one that counts the text as it is.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.int64)
    ones = np.ones(len(codes), dtype=np.int64)
    units = {
        "code points": ones,
        "UTF-16": ones + (codes > 0xFFFF),
        "bytes": ones + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF),
        "graphemes": ones if text.isascii() and "\r\n" not in text else _graphemes(text),
    }
    if unit is not None:
        units = {unit: units[unit]}
        if exact:
            return [Ruler(name=unit, widths=units[unit])]
    returns = np.zeros(len(codes), dtype=bool)
    returns[:-1] = (codes[:-1] == 13) & (codes[1:] == 10)
    outer = np.zeros(len(codes), dtype=bool)
    outer[: len(text) - len(text.lstrip())] = True
    outer[len(text.rstrip()) :] = True
    found: list[Ruler] = []
    for (name, widths), lf, stripped in sorted(
        product(units.items(), (False, True), (False, True)), key=lambda way: way[1] + way[2]
    ):
        parts = [name, *["CRLF counted as one"] * lf, *["outer blanks not counted"] * stripped]
        counted = np.where((returns & lf) | (outer & stripped), 0, widths)
        if not any(np.array_equal(counted, other.widths) for other in found):
            found.append(Ruler(name=", ".join(parts), widths=counted))
    return found


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
    ways = rulers(text, unit, exact=exact)
    ruler, tied = _judge(ways, text, mentions)
    spans: list[Span] = []
    losses: list[Loss] = []
    counts = dict.fromkeys(("matched", "unverified", "moved", "refused"), 0)
    shift = 0
    for mention in sorted(mentions, key=lambda one: (one.start, one.end, one.label)):
        place, fate, why = _place(mention, text, ruler, ways, tied, shift)
        counts[fate] += 1
        if why:
            losses.append(_loss(document_id, mention, place, fate, why))
        if place is not None:
            spans.append(_span(mention, place))
            if fate == "moved":
                shift = place[0][0] - mention.start
    return Calibrated(
        spans=tuple(sorted(spans, key=reading_order)),
        coverage=_cover(coverage, ruler, len(text)),
        unit=ruler.name,
        counts=counts,
        losses=tuple(losses),
    )


Place = tuple[Range, ...]
"""The pieces of a mention in characters, in order."""


def _judge(
    ways: Sequence[Ruler], text: str, mentions: Sequence[Mention]
) -> tuple[Ruler, list[Ruler]]:
    """Choose the way of counting that fits best, and list others that fit as well."""
    if len(ways) == 1 or not mentions:
        return ways[0], []
    checkable = [mention for mention in mentions if mention.surface is not None]
    scores: list[int] = []
    for ruler in ways:
        if checkable:
            fit = sum(_fits(mention, text, ruler) for mention in checkable)
        else:
            fit = sum(_on_words(_pieces(mention, ruler), text) for mention in mentions)
        scores.append(fit)
        if checkable and fit == len(checkable):
            break
    best = max(scores)
    leaders = [way for way, score in zip(ways, scores, strict=False) if score == best]
    return leaders[0], [] if checkable else leaders[1:]


def _place(
    mention: Mention,
    text: str,
    ruler: Ruler,
    ways: Sequence[Ruler],
    tied: Sequence[Ruler],
    shift: int,
) -> tuple[Place | None, str, str]:
    """Place one mention: where it is, what became of it, and why it is not where the file said."""
    place = _pieces(mention, ruler)
    if mention.surface is None:
        if place is None:
            return None, "refused", "it is empty, outside the text, or cuts a character"
        if any(_pieces(mention, other) not in (None, place) for other in tied):
            return None, "refused", "its unit cannot be told: no string, and several units fit"
        return place, "unverified", ""
    if place is not None and _says(mention.surface, place, text):
        return place, "matched", ""
    for other in ways:
        place = _pieces(mention, other)
        if place is not None and _says(mention.surface, place, text):
            return place, "moved", f"counted in {other.name}, unlike the rest"
    found = None if mention.fragments else _search(mention, text, shift)
    if found is not None:
        return (found,), "moved", "its string stands elsewhere near by"
    return None, "refused", "its string does not stand where the file says, nor near by"


def _pieces(mention: Mention, ruler: Ruler) -> Place | None:
    places = [ruler.place(*piece) for piece in mention.fragments or [(mention.start, mention.end)]]
    whole = [place for place in places if place is not None]
    if len(whole) < len(places):
        return None
    apart = all(left[1] <= right[0] for left, right in pairwise(whole))
    return tuple(whole) if apart else None


def _fits(mention: Mention, text: str, ruler: Ruler) -> bool:
    place = _pieces(mention, ruler)
    return place is not None and _says(mention.surface or "", place, text)


def _says(surface: str, place: Place, text: str) -> bool:
    """Say whether a string stands in a place; kinds of blanks, and outer ones, do not matter."""
    stands = " ".join(text[start:end] for start, end in place)
    return stands == surface or stands.split() == surface.split() != []


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


def _search(mention: Mention, text: str, shift: int) -> Range | None:
    """Find the one occurrence of a mention's string that is nearest to where it should stand."""
    surface = (mention.surface or "").strip()
    if not surface:
        return None
    expected = min(max(mention.start + shift, 0), len(text))
    before = text.rfind(surface, max(0, expected - FARTHEST), expected + len(surface))
    after = text.find(surface, expected, expected + FARTHEST + len(surface))
    candidates = sorted({found for found in (before, after) if found >= 0})
    distances = [abs(found - expected) for found in candidates]
    if not candidates or (len(candidates) == 2 and distances[0] == distances[1]):
        return None
    nearest = candidates[int(np.argmin(distances))]
    return nearest, nearest + len(surface)


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
    if not coverage:
        return ()
    marks = ruler.marks
    placed = [
        (
            int(np.searchsorted(marks, start, side="left")),
            min(int(np.searchsorted(marks, end, side="right")) - 1, length),
        )
        for start, end in coverage
    ]
    return merge_ranges(placed)


def _loss(document_id: str, mention: Mention, place: Place | None, fate: str, why: str) -> Loss:
    start, end = (place[0][0], place[-1][1]) if place else (None, None)
    what = MOVED if fate == "moved" else REFUSED
    return Loss(document_id=document_id, start=start, end=end, what=what, why=why)


def _graphemes(text: str) -> NDArray[np.int64]:
    """Count one at the first character of each grapheme (UAX 29), none at the others."""
    import regex

    widths = np.zeros(len(text), dtype=np.int64)
    for match in regex.finditer(r"\X", text):
        widths[match.start()] = 1
    return widths
