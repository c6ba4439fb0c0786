"""What an annotator wants done, in the words of page and terminal, into the act that does it.

One definition for every way to review: the same wishes make the same acts. A wish may carry what
the annotator saw of a span (`seen`); where that has changed since, in another window, the act says
so, and the log refuses it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from gonerd.errors import RecordError
from gonerd.records import Span
from gonerd.review.acts import Act, CoverChange, Mark, MarkChange, Ruling
from gonerd.review.desk import Desk, Paper, bare
from gonerd.review.state import State, within
from gonerd.tokens import tokenize

Seen = Mapping[Span, Mark | None]
"""What an annotator saw of spans; what is not in it is taken as it is."""
UNSEEN: Seen = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Who acts on what."""

    desk: Desk
    state: State
    annotator: str
    origin: str = ""

    def paper(self, document_id: str) -> Paper:
        """Give a document; one that is not there is a RecordError."""
        if document_id not in self.desk.papers:
            raise RecordError(
                f"{document_id!r}: no such document; expected one of {self.desk.folder}."
            )
        return self.desk.papers[document_id]

    def mark(self, document_id: str, span: Span) -> Mark | None:
        """Give what the annotator holds of a span."""
        held = self.state.held.get((self.annotator, document_id))
        return None if held is None else held.marks.get(bare(span))


def accept(hand: Hand, document_id: str, spans: Iterable[Span], seen: Seen = UNSEEN) -> Act:
    """Let spans hold."""
    return _with_status(hand, "accept", document_id, spans, "accepted", seen)


def reject(hand: Hand, document_id: str, spans: Iterable[Span], seen: Seen = UNSEEN) -> Act:
    """Let spans not hold; those of the annotator's own are taken away."""
    return _with_status(hand, "reject", document_id, spans, "rejected", seen)


def reset(hand: Hand, document_id: str, spans: Iterable[Span], seen: Seen = UNSEEN) -> Act:
    """Take back what was decided of spans, as if nothing had been."""
    changes = [_change(hand, document_id, bare(one), None, seen) for one in spans]
    return _act(hand, "reset", marks=changes)


def add(hand: Hand, document_id: str, span: Span) -> Act:
    """Add a span of one's own; where the same is suggested, that is accepted."""
    _check(hand, document_id, span)
    status = "accepted" if bare(span) in hand.paper(document_id).places else "added"
    now = Mark(status=status)  # type: ignore[arg-type]
    return _act(hand, "add", marks=[_change(hand, document_id, bare(span), now, UNSEEN)])


def relabel(hand: Hand, document_id: str, span: Span, label: str, seen: Seen = UNSEEN) -> Act:
    """Give a span another label."""
    return _moved(hand, "relabel", document_id, span, replace(bare(span), label=label), seen)


def set_border(
    hand: Hand, document_id: str, span: Span, start: int, end: int, seen: Seen = UNSEEN
) -> Act:  # fmt: skip
    """Give a span other borders."""
    now = Span(start=start, end=end, label=span.label)
    return _moved(hand, "border", document_id, span, now, seen)


def note(hand: Hand, document_id: str, span: Span, text: str, seen: Seen = UNSEEN) -> Act:
    """Write a note on a span; a suggestion that is undecided is accepted by it."""
    return _told(hand, "note", document_id, span, seen, note=text)


def unsure(hand: Hand, document_id: str, span: Span, is_so: bool, seen: Seen = UNSEEN) -> Act:
    """Say whether one is unsure of a span."""
    return _told(hand, "unsure", document_id, span, seen, unsure=is_so)


def finish(hand: Hand, document_id: str, start: int, end: int, rest: str = "leave") -> Act:
    """Declare a range read; suggestions left in it are accepted, rejected or left undecided.

    `rest` is `accept`, `reject` or `leave`.
    """
    _check_range(hand, document_id, start, end)
    status = {"accept": "accepted", "reject": "rejected", "leave": ""}.get(rest)
    if status is None:
        raise RecordError(f"rest is {rest!r}; expected accept, reject or leave.")
    changes = []
    for one in hand.paper(document_id).suggested(start, end) if status else ():
        inside = start <= one.start and one.end <= end
        if inside and hand.mark(document_id, one) is None:
            now = Mark(status=status)  # type: ignore[arg-type]
            changes.append(_change(hand, document_id, bare(one), now, UNSEEN))
    covers = [_cover(hand, document_id, start, end, ((start, end),))]
    return _act(hand, "finish", marks=changes, covers=covers)


def reopen(hand: Hand, document_id: str, start: int, end: int) -> Act:
    """Declare a range not read."""
    _check_range(hand, document_id, start, end)
    return _act(hand, "reopen", covers=[_cover(hand, document_id, start, end, ())])


def label_all(
    hand: Hand, documents: Sequence[str], words: str, label: str | None, *, whole: bool = True
) -> Act:
    """Label every occurrence of some words, or with no label reject every span on one.

    A match that another label holds, or that lies across a span that holds, is left alone. With
    `whole`, words are matched as whole words.
    """
    changes: list[MarkChange] = []
    for document_id in documents:
        changes += _all_in(hand, document_id, words, label, whole)
    return _act(hand, "label all" if label else "reject all", marks=changes)


def settle(hand: Hand, document_id: str, start: int, end: int, spans: Sequence[Span] | None) -> Act:
    """Rule what holds in a dispute; no spans: no entity; None: open again."""
    place = (document_id, start, end)
    if place not in {(one.document_id, one.start, one.end) for one in hand.desk.disputes}:
        raise RecordError(f"{document_id}[{start}:{end}]: no such dispute; expected an open one.")
    for one in spans or ():
        _check(hand, document_id, one)
    was = hand.state.rulings[place][1] if place in hand.state.rulings else None
    now = None if spans is None else tuple(map(bare, spans))
    ruling = Ruling(document_id=document_id, start=start, end=end, was=was, now=now)
    return _act(hand, "settle", rulings=[ruling])


def borders(text: str, language: str, span: Span, side: str, step: int, by: str) -> tuple[int, int]:
    """Give the borders of a span with one moved: `side` start or end, `by` token or character.

    A border that cannot be moved so stays where it is.
    """
    start, end = span.start, span.end
    if by == "character":
        start, end = (start + step, end) if side == "start" else (start, end + step)
    else:
        first, last = max(0, start - 200), min(len(text), end + 200)
        tokens = tokenize(text[first:last], language)
        places = tokens.starts if side == "start" else tokens.ends
        at = (start if side == "start" else end) - first
        beyond = [one for one in places if (one > at if step > 0 else one < at)]
        to = first + ((beyond[0] if step > 0 else beyond[-1]) if beyond else at)
        start, end = (to, end) if side == "start" else (start, to)
    fits = 0 <= start < end <= len(text)
    return (start, end) if fits else (span.start, span.end)


def occurrences(text: str, words: str, *, whole: bool = True) -> list[tuple[int, int]]:
    """Find words in a text, as they are written; with `whole` not within a longer word."""
    if not words.strip():
        return []
    pattern = re.escape(words)
    if whole:
        pattern = rf"(?<!\w){pattern}(?!\w)" if words[0].isalnum() else pattern
    return [match.span() for match in re.finditer(pattern, text)]


def _all_in(
    hand: Hand, document_id: str, words: str, label: str | None, whole: bool
) -> list[MarkChange]:
    paper = hand.paper(document_id)
    held = hand.state.held.get((hand.annotator, document_id))
    marks = {} if held is None else held.marks
    holding = sorted(
        (one.start, one.end) for one, mark in marks.items() if mark.status != "rejected"
    )
    changes = []
    for start, end in occurrences(paper.document.text, words, whole=whole):
        if label is None:
            on_it = {
                one
                for one in (*map(bare, paper.suggested(start, end)), *marks)
                if (one.start, one.end) == (start, end)
            }
            for one in sorted(on_it, key=lambda span: span.label):
                now = _status(paper, marks.get(one), one, "rejected")
                changes.append(_change(hand, document_id, one, now, UNSEEN))
            continue
        span = Span(start=start, end=end, label=label)
        _check(hand, document_id, span)
        if any(a < end and b > start for a, b in holding):
            continue
        for one in map(bare, paper.suggested(start, end)):
            if one != span and marks.get(one) is None:
                changes.append(_change(hand, document_id, one, Mark(status="rejected"), UNSEEN))
        status = "accepted" if span in paper.places else "added"
        now = Mark(status=status)  # type: ignore[arg-type]
        changes.append(_change(hand, document_id, span, now, UNSEEN))
    return [one for one in changes if one.was != one.now]


def _with_status(
    hand: Hand, name: str, document_id: str, spans: Iterable[Span], status: str, seen: Seen
) -> Act:
    paper, changes = hand.paper(document_id), []
    for one in map(bare, spans):
        _check(hand, document_id, one)
        was = seen.get(one, hand.mark(document_id, one))
        changes.append(_change(hand, document_id, one, _status(paper, was, one, status), seen))
    return _act(hand, name, marks=changes)


def _status(paper: Paper, was: Mark | None, span: Span, status: str) -> Mark | None:
    """Give a mark another status; a span of one's own is there or not."""
    own = span not in paper.places
    if status == "rejected" and own:
        return None
    if own:
        return was or Mark(status="added")
    return replace(was or Mark(status="accepted"), status=status)  # type: ignore[arg-type]


def _moved(hand: Hand, name: str, document_id: str, span: Span, to: Span, seen: Seen) -> Act:
    """Put one span in place of another: what was suggested is remembered."""
    _check(hand, document_id, to)
    one, paper = bare(span), hand.paper(document_id)
    if to == one:
        return _act(hand, name)
    was = seen.get(one, hand.mark(document_id, one))
    suggested = one if one in paper.places else (was.suggested if was else None)
    gone = Mark(status="rejected") if one in paper.places else None
    told = was or Mark(status="accepted")
    if to in paper.places:
        now = replace(told, status="accepted", suggested=None)
    else:
        status = "added" if suggested is None else "accepted"
        now = replace(told, status=status, suggested=suggested)  # type: ignore[arg-type]
    changes = [
        _change(hand, document_id, one, gone, seen),
        _change(hand, document_id, to, now, seen),
    ]
    return _act(hand, name, marks=changes)


def _told(hand: Hand, name: str, document_id: str, span: Span, seen: Seen, **told: object) -> Act:
    one = bare(span)
    _check(hand, document_id, one)
    was = seen.get(one, hand.mark(document_id, one))
    status = "accepted" if one in hand.paper(document_id).places else "added"
    now = replace(was or Mark(status=status), **told)  # type: ignore[arg-type]
    return _act(hand, name, marks=[_change(hand, document_id, one, now, seen)])


def _change(hand: Hand, document_id: str, span: Span, now: Mark | None, seen: Seen) -> MarkChange:
    was = seen.get(span, hand.mark(document_id, span))
    return MarkChange(document_id=document_id, span=span, was=was, now=now)


def _cover(
    hand: Hand, document_id: str, start: int, end: int, now: tuple[tuple[int, int], ...]
) -> CoverChange:
    held = hand.state.held.get((hand.annotator, document_id))
    was = within(() if held is None else held.coverage, start, end)
    return CoverChange(document_id=document_id, start=start, end=end, was=was, now=now)


def _act(
    hand: Hand,
    name: str,
    *,
    marks: Sequence[MarkChange] = (),
    covers: Sequence[CoverChange] = (),
    rulings: Sequence[Ruling] = (),
) -> Act:
    changes: tuple[MarkChange | CoverChange | Ruling, ...] = (*marks, *covers, *rulings)
    about = sorted({one.document_id for one in changes})
    return Act(
        annotator=hand.annotator,
        act=name,
        texts={one: hand.paper(one).document.text_sha256 for one in about},
        marks=tuple(marks),
        covers=tuple(covers),
        rulings=tuple(rulings),
        origin=hand.origin,
    )


def _check(hand: Hand, document_id: str, span: Span) -> None:
    """Refuse a span that ends past its text, or whose label the guide does not know."""
    length = len(hand.paper(document_id).document.text)
    if span.end > length:
        raise RecordError(
            f"{document_id}[{span.start}:{span.end}]: ends past the text; expected at most "
            f"{length}."
        )
    known = set(hand.desk.guide.labels) | {
        one.label for one in hand.paper(document_id).places if one == bare(span)
    }
    if span.label not in known:
        raise RecordError(
            f"{document_id}[{span.start}:{span.end}]: label {span.label!r}; expected one of "
            f"{', '.join(hand.desk.guide.labels)}."
        )


def _check_range(hand: Hand, document_id: str, start: int, end: int) -> None:
    length = len(hand.paper(document_id).document.text)
    if not 0 <= start < end <= length:
        raise RecordError(
            f"{document_id}[{start}:{end}]: no range of the text; expected one in [0, {length}]."
        )
