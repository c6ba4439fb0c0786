"""Acts in their order into what each annotator holds of each document, and of each dispute."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gonerd.records import Range, Span, reading_order
from gonerd.review.acts import Act, CoverChange, Mark, MarkChange, Ruling

Place = tuple[str, int, int]
"""A document and a range of it."""


@dataclass(kw_only=True)
class Held:
    """What one annotator holds of one document."""

    text_sha256: str
    marks: dict[Span, Mark] = field(default_factory=dict)
    coverage: tuple[Range, ...] = ()
    """In order, none touching another."""
    order: list[Span] = field(default_factory=list, compare=False, repr=False)
    """The spans of `marks` in reading order."""
    longest: int = field(default=0, compare=False, repr=False)
    """No span of `marks` has more characters."""

    def put(self, span: Span, mark: Mark | None) -> None:
        """Hold this of a span; None: nothing."""
        if span in self.marks:
            if mark is None:
                del self.marks[span]
                del self.order[bisect_left(self.order, reading_order(span), key=reading_order)]
        elif mark is not None:
            insort(self.order, span, key=reading_order)
            self.longest = max(self.longest, span.end - span.start)
        if mark is not None:
            self.marks[span] = mark

    def near(self, start: int, end: int) -> list[Span]:
        """List spans that something is held of, and that lie in [start, end) with any character."""
        first = bisect_left(self.order, start - self.longest, key=_start)
        last = bisect_left(self.order, end, key=_start)
        return [one for one in self.order[first:last] if one.end > start]


@dataclass(kw_only=True)
class State:
    """What follows from the acts so far."""

    held: dict[tuple[str, str], Held] = field(default_factory=dict)
    """By annotator and document."""
    rulings: dict[Place, tuple[str, tuple[Span, ...]]] = field(default_factory=dict)
    """Who settled a dispute, and what holds."""
    acts: list[Act] = field(default_factory=list)
    """By number, from 1."""
    done: dict[str, list[int]] = field(default_factory=dict)
    """By annotator, the acts that can be undone, the last one last."""
    undone: dict[str, list[int]] = field(default_factory=dict)
    """By annotator, the acts that can be done again, the next one last."""
    origins: dict[str, int] = field(default_factory=dict)
    """The number of the act of each origin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Something that an act takes for other than it is by now."""

    change: MarkChange | CoverChange | Ruling
    found: "Mark | tuple[Range, ...] | tuple[Span, ...] | None"
    """What it is."""


def apply(state: State, act: Act) -> None:
    """Let an act of the log hold; what it says of before is not asked."""
    for mark in act.marks:
        _held(state, act, mark.document_id).put(mark.span, mark.now)
    for cover in act.covers:
        held = _held(state, act, cover.document_id)
        held.coverage = with_cover(held.coverage, cover.start, cover.end, cover.now)
    for ruling in act.rulings:
        place = (ruling.document_id, ruling.start, ruling.end)
        if ruling.now is None:
            state.rulings.pop(place, None)
        else:
            state.rulings[place] = (act.annotator, ruling.now)
    state.acts.append(act)
    if act.origin:
        state.origins[act.origin] = act.number
    _remember(state, act)


def conflicts(state: State, act: Act) -> list[Conflict]:
    """List what an act takes for other than it is; nothing, and it can be applied."""
    found: list[Conflict] = []
    for mark in act.marks:
        held = state.held.get((act.annotator, mark.document_id))
        at_hand = None if held is None else held.marks.get(mark.span)
        if at_hand != mark.was:
            found.append(Conflict(change=mark, found=at_hand))
    for cover in act.covers:
        held = state.held.get((act.annotator, cover.document_id))
        inside = within(() if held is None else held.coverage, cover.start, cover.end)
        if inside != cover.was:
            found.append(Conflict(change=cover, found=inside))
    for ruling in act.rulings:
        place = (ruling.document_id, ruling.start, ruling.end)
        settled = state.rulings[place][1] if place in state.rulings else None
        if settled != ruling.was:
            found.append(Conflict(change=ruling, found=settled))
    return found


def undo(state: State, annotator: str, origin: str = "") -> Act | None:
    """Make the act that takes back an annotator's last one; None where there is none."""
    if not state.done.get(annotator):
        return None
    last = state.acts[state.done[annotator][-1] - 1]
    return replace(_reversed(last), act="undo", undoes=last.number, redoes=None, origin=origin)


def redo(state: State, annotator: str, origin: str = "") -> Act | None:
    """Make the act that does again what an annotator took back last; None where there is none."""
    if not state.undone.get(annotator):
        return None
    last = state.acts[state.undone[annotator][-1] - 1]
    return replace(
        last, act="redo", undoes=None, redoes=last.number, origin=origin, number=0, at=""
    )


def replay(acts: Iterable[Act]) -> State:
    """Apply acts in their order, and number them anew."""
    state = State()
    for number, act in enumerate(acts, start=1):
        apply(state, act if act.number == number else replace(act, number=number))
    return state


def within(ranges: Iterable[Range], start: int, end: int) -> tuple[Range, ...]:
    """Cut ranges to those parts of them that lie in [start, end)."""
    cut = ((max(first, start), min(last, end)) for first, last in ranges)
    return tuple((first, last) for first, last in cut if first < last)


def with_cover(
    coverage: tuple[Range, ...], start: int, end: int, now: tuple[Range, ...]
) -> tuple[Range, ...]:
    """Put ranges in place of what [start, end) of a coverage was; what touches is joined."""
    most = max((last for _, last in coverage), default=0)
    parts = [*within(coverage, 0, start), *within(coverage, end, max(most, end))]
    for one in now:
        if one[0] < one[1]:
            insort(parts, one)
    joined: list[Range] = []
    for first, last in parts:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _start(span: Span) -> int:
    return span.start


def _held(state: State, act: Act, document_id: str) -> Held:
    key = (act.annotator, document_id)
    if key not in state.held:
        state.held[key] = Held(text_sha256=act.texts[document_id])
    return state.held[key]


def _remember(state: State, act: Act) -> None:
    """Keep what can be undone and done again."""
    done = state.done.setdefault(act.annotator, [])
    undone = state.undone.setdefault(act.annotator, [])
    if act.undoes is not None:
        if _taken(done, act.undoes):
            undone.append(act.undoes)
    elif act.redoes is not None:
        if _taken(undone, act.redoes):
            done.append(act.redoes)
    else:
        done.append(act.number)
        undone.clear()


def _taken(numbers: list[int], number: int) -> bool:
    """Take a number out of a list that mostly has it last; say whether it was there."""
    if numbers and numbers[-1] == number:
        numbers.pop()
        return True
    found = number in numbers
    if found:
        numbers.remove(number)
    return found


def _reversed(act: Act) -> Act:
    """Turn an act round: what it is now becomes what it was."""
    return replace(
        act,
        marks=tuple(replace(one, was=one.now, now=one.was) for one in reversed(act.marks)),
        covers=tuple(replace(one, was=one.now, now=one.was) for one in reversed(act.covers)),
        rulings=tuple(replace(one, was=one.now, now=one.was) for one in reversed(act.rulings)),
        number=0,
        at="",
    )
