"""What an annotator wants done, in the words of page and terminal, into the act that does it.

One definition for every way to review: the same wishes make the same acts. A wish may carry what
the annotator saw of a span (`seen`); where that has changed since, in another window, the act says
so, and the log refuses it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from gonerd.errors import RecordError, TextMismatch
from gonerd.records import Span, reading_order
from gonerd.review.acts import Act, CoverChange, Mark, MarkChange, Ruling
from gonerd.review.desk import Desk, Paper, bare
from gonerd.review.state import Held, State, with_cover, within
from gonerd.review.words import borders, occurrences, with_borders
from gonerd.tokens import tokenize

__all__ = [
    "UNSEEN", "Hand", "Seen", "accept", "add", "borders", "finish", "label_all", "note",
    "occurrences", "reject", "relabel", "reopen", "reset", "set_border", "settle", "tokenize",
    "unsure",
]  # fmt: skip

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

    def held(self, document_id: str) -> Held | None:
        """Give what the annotator holds of a document."""
        return self.state.held.get((self.annotator, document_id))

    def mark(self, document_id: str, span: Span) -> Mark | None:
        """Give what the annotator holds of a span."""
        held = self.held(document_id)
        return None if held is None else held.marks.get(bare(span))


def accept(hand: Hand, document_id: str, spans: Iterable[Span], seen: Seen = UNSEEN) -> Act:
    """Let spans hold."""
    return _with_status(hand, "accept", document_id, spans, "accepted", seen)


def reject(hand: Hand, document_id: str, spans: Iterable[Span], seen: Seen = UNSEEN) -> Act:
    """Let spans not hold; those of the annotator's own are taken away."""
    return _with_status(hand, "reject", document_id, spans, "rejected", seen)


def reset(hand: Hand, document_id: str, spans: Iterable[Span], seen: Seen = UNSEEN) -> Act:
    """Take back what was decided of spans, as if nothing had been.

    A span that stands for a suggestion gives that back too.
    """
    paper, found = hand.paper(document_id), dict.fromkeys(map(bare, spans))
    for one in list(found):
        was = seen.get(one, hand.mark(document_id, one))
        given_back = None if was is None else was.suggested
        if given_back in paper.places and given_back not in found:
            held = hand.mark(document_id, given_back)
            if held is not None and held.status == "rejected":
                found[given_back] = None
    changes = [_change(hand, document_id, one, None, seen) for one in found]
    return _act(hand, "reset", marks=changes)


def add(hand: Hand, document_id: str, span: Span) -> Act:
    """Add a span of one's own; where the same is suggested, that is accepted."""
    _check(hand, document_id, span)
    one, paper = bare(span), hand.paper(document_id)
    now = _holding(paper, hand.mark(document_id, one), one)
    return _act(hand, "add", marks=[_change(hand, document_id, one, now, UNSEEN)])


def relabel(hand: Hand, document_id: str, span: Span, label: str, seen: Seen = UNSEEN) -> Act:
    """Give a span another label."""
    return _moved(hand, "relabel", document_id, span, replace(bare(span), label=label), seen)


def set_border(
    hand: Hand, document_id: str, span: Span, start: int, end: int, seen: Seen = UNSEEN
) -> Act:  # fmt: skip
    """Give a span other borders."""
    now = with_borders(bare(span), start, end)
    return _moved(hand, "border", document_id, span, now, seen)


def note(hand: Hand, document_id: str, span: Span, text: str, seen: Seen = UNSEEN) -> Act:
    """Write a note on a span; a suggestion that is undecided is accepted by it."""
    return _told(hand, "note", document_id, span, seen, note=text)


def unsure(hand: Hand, document_id: str, span: Span, is_so: bool, seen: Seen = UNSEEN) -> Act:
    """Say whether one is unsure of a span."""
    return _told(hand, "unsure", document_id, span, seen, unsure=is_so)


def finish(hand: Hand, document_id: str, start: int, end: int, rest: str = "leave") -> Act:
    """Declare a range read; suggestions left in it are accepted, rejected or left undecided.

    `rest` is `accept`, `reject` or `leave`. A suggestion that reaches out of the range is among
    them once all of it has been read.
    """
    _check_range(hand, document_id, start, end)
    status = {"accept": "accepted", "reject": "rejected", "leave": ""}.get(rest)
    if status is None:
        raise RecordError(f"rest is {rest!r}; expected accept, reject or leave.")
    changes, held = [], hand.held(document_id)
    read = with_cover(() if held is None else held.coverage, start, end, ((start, end),))
    for one in hand.paper(document_id).suggested(start, end) if status else ():
        inside = any(first <= one.start and one.end <= last for first, last in read)
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

    A match on which a span holds, or that is a part of a suggestion nobody has decided on, is left
    alone; undecided suggestions within a match give way to it. With `whole`, words are matched as
    whole words.
    """
    changes: list[MarkChange] = []
    for document_id in dict.fromkeys(documents):
        changes += _all_in(hand, document_id, words, label, whole)
    return _act(hand, "label all" if label else "reject all", marks=changes)


def settle(hand: Hand, document_id: str, start: int, end: int, spans: Sequence[Span] | None) -> Act:
    """Rule what holds in a dispute; no spans: no entity; None: open again."""
    place = (document_id, start, end)
    if place not in hand.desk.disputed and place not in hand.state.rulings:
        raise RecordError(f"{document_id}[{start}:{end}]: no such dispute; expected an open one.")
    for one in spans or ():
        _check(hand, document_id, one)
    was = hand.state.rulings[place][1] if place in hand.state.rulings else None
    now = None if spans is None else tuple(map(bare, spans))
    ruling = Ruling(document_id=document_id, start=start, end=end, was=was, now=now)
    return _act(hand, "settle", rulings=[ruling])


def _all_in(
    hand: Hand, document_id: str, words: str, label: str | None, whole: bool
) -> list[MarkChange]:
    paper, held = hand.paper(document_id), hand.held(document_id)
    marks = {} if held is None else held.marks
    changes = []
    for start, end in occurrences(paper.document.text, words, whole=whole):
        suggested = [bare(one) for one in paper.suggested(start, end)]
        near = [] if held is None else held.near(start, end)
        if label is None:
            for one in sorted({*suggested, *near}, key=reading_order):
                if (one.start, one.end) == (start, end):
                    now = _status(paper, marks.get(one), one, "rejected")
                    changes.append(_change(hand, document_id, one, now, UNSEEN))
            continue
        span = Span(start=start, end=end, label=label)
        _check(hand, document_id, span)
        open_ones = [one for one in suggested if one not in marks and one != span]
        if any(marks[one].status != "rejected" for one in near) or not all(
            start <= one.start and one.end <= end for one in open_ones
        ):
            continue
        for one in open_ones:
            changes.append(_change(hand, document_id, one, Mark(status="rejected"), UNSEEN))
        now = _holding(paper, marks.get(span), span)
        changes.append(_change(hand, document_id, span, now, UNSEEN))
    return [one for one in changes if one.was != one.now]


def _with_status(
    hand: Hand, name: str, document_id: str, spans: Iterable[Span], status: str, seen: Seen
) -> Act:
    paper, changes = hand.paper(document_id), []
    for one in dict.fromkeys(map(bare, spans)):
        _check(hand, document_id, one)
        was = seen.get(one, hand.mark(document_id, one))
        if status == "accepted":
            _check_there(paper, document_id, one, was)
        changes.append(_change(hand, document_id, one, _status(paper, was, one, status), seen))
    return _act(hand, name, marks=changes)


def _holding(paper: Paper, was: Mark | None, span: Span) -> Mark:
    """Let a span hold, with all else that was said of it."""
    if span in paper.places:
        return replace(was or Mark(status="accepted"), status="accepted")
    return was or Mark(status="added")


def _status(paper: Paper, was: Mark | None, span: Span, status: str) -> Mark | None:
    """Give a mark another status; a span of one's own is there or not."""
    own = span not in paper.places
    if status == "rejected" and own:
        return None
    if status == "accepted":
        return _holding(paper, was, span)
    return replace(was or Mark(status="rejected"), status="rejected")


def _moved(hand: Hand, name: str, document_id: str, span: Span, to: Span, seen: Seen) -> Act:
    """Put one span in place of another: what was suggested is remembered, and so are notes."""
    _check(hand, document_id, to)
    one, paper = bare(span), hand.paper(document_id)
    was = seen.get(one, hand.mark(document_id, one))
    _check_there(paper, document_id, one, was)
    if to == one:
        return _act(hand, name)
    there = seen.get(to, hand.mark(document_id, to))
    suggested = one if one in paper.places else (was.suggested if was else None)
    gone = Mark(status="rejected") if one in paper.places else None
    told = was or Mark(status="accepted")
    if there is not None:
        notes = dict.fromkeys(each for each in (there.note, told.note) if each)
        told = replace(told, note="\n".join(notes), unsure=told.unsure or there.unsure)
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
    was, paper = seen.get(one, hand.mark(document_id, one)), hand.paper(document_id)
    _check_there(paper, document_id, one, was)
    now = replace(was or _holding(paper, None, one), **told)  # type: ignore[arg-type]
    return _act(hand, name, marks=[_change(hand, document_id, one, now, seen)])


def _change(hand: Hand, document_id: str, span: Span, now: Mark | None, seen: Seen) -> MarkChange:
    was = seen.get(span, hand.mark(document_id, span))
    return MarkChange(document_id=document_id, span=span, was=was, now=now)


def _cover(
    hand: Hand, document_id: str, start: int, end: int, now: tuple[tuple[int, int], ...]
) -> CoverChange:
    held = hand.held(document_id)
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
        texts={one: _text(hand, one) for one in about},
        marks=tuple(marks),
        covers=tuple(covers),
        rulings=tuple(rulings),
        origin=hand.origin,
    )


def _text(hand: Hand, document_id: str) -> str:
    """Give the sha256 of a text; one that is another than was reviewed is a TextMismatch."""
    held, now = hand.held(document_id), hand.paper(document_id).document.text_sha256
    if held is not None and held.text_sha256 != now:
        raise TextMismatch(
            f"{document_id}: the text has changed since {hand.annotator!r} reviewed it (sha256 "
            f"{held.text_sha256[:8]}... then, {now[:8]}... now); expected the same text.\n"
            "Restore the text, or review it in another work folder."
        )
    return now


def _check(hand: Hand, document_id: str, span: Span) -> None:
    """Refuse a span that ends past its text, or whose label the guide does not know."""
    length = len(hand.paper(document_id).document.text)
    if span.end > length:
        raise RecordError(
            f"{document_id}[{span.start}:{span.end}]: ends past the text; expected at most "
            f"{length}."
        )
    known = hand.desk.guide.labels
    if span.label not in known and bare(span) not in hand.paper(document_id).places:
        raise RecordError(
            f"{document_id}[{span.start}:{span.end}]: label {span.label!r}; expected one of "
            f"{', '.join(known)}."
        )


def _check_there(paper: Paper, document_id: str, span: Span, was: Mark | None) -> None:
    """Refuse a span that is neither suggested nor held."""
    if was is None and span not in paper.places:
        raise RecordError(
            f"{document_id}[{span.start}:{span.end}]: no span {span.label!r}; expected a "
            "suggestion, or a span that was added."
        )


def _check_range(hand: Hand, document_id: str, start: int, end: int) -> None:
    length = len(hand.paper(document_id).document.text)
    if not 0 <= start < end <= length:
        raise RecordError(
            f"{document_id}[{start}:{end}]: no range of the text; expected one in [0, {length}]."
        )
