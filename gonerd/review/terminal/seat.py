"""What one annotator wishes, into acts in the log, with what is chosen and where.

It knows nothing of screens: a screen shows what lies here, and tells it where its edges are.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gonerd.errors import GonerdError
from gonerd.records import Range, Span
from gonerd.review import verbs
from gonerd.review.acts import Act
from gonerd.review.desk import Desk, Paper
from gonerd.review.log import Log, Refused
from gonerd.review.queues import Queue, Task, is_done, tasks_of
from gonerd.review.state import Held, redo, undo
from gonerd.review.terminal.shown import Shown, show, step, unread
from gonerd.review.verbs import Hand
from gonerd.review.words import borders, token_at, with_borders

CHANGED = "Not saved: it was changed in another window. Look, and decide again."


@dataclass(kw_only=True)
class Seat:
    """Where an annotator sits: a document, or a piece of one, and what is chosen in it."""

    desk: Desk
    """As the annotator sees it."""
    log: Log
    annotator: str
    queue: Queue | None = None
    page: str = field(default_factory=lambda: secrets.token_hex(8))
    """Names this sitting in the log."""
    wishes: int = 0
    task: Task = field(init=False)
    span: Span | None = None
    points: Range | None = None
    """A range that may become a span."""
    words: str = ""
    """What is searched for."""
    says: str = ""
    """The last thing to tell the annotator."""

    def __post_init__(self) -> None:
        self.task = self._where_left()

    @property
    def tasks(self) -> list[Task]:
        """List what there is to read, in order."""
        if self.queue is not None:
            return tasks_of(self.queue, self.annotator)
        return [self._whole(name) for name in self.desk.papers]

    @property
    def paper(self) -> Paper:
        """Give the document at hand."""
        return self.desk.papers[self.task.document_id]

    @property
    def text(self) -> str:
        """Give its text."""
        return self.paper.document.text

    @property
    def held(self) -> Held | None:
        """Give what the annotator holds of it."""
        return self.log.state.held.get((self.annotator, self.task.document_id))

    @property
    def chosen(self) -> Range | None:
        """Give the range that is chosen, as a span or for one."""
        return (self.span.start, self.span.end) if self.span else self.points

    @property
    def shown(self) -> Shown | None:
        """Give the chosen span as it is shown."""
        return None if self.span is None else show(self.paper, self.held, self.span)

    # Where one is.

    def begin(self) -> int:
        """Say where to go on in the document: at the first character that is not read."""
        at = unread(self.coverage, self.task.start, self.task.end)
        return self.task.start if at is None else at

    @property
    def coverage(self) -> tuple[Range, ...]:
        """Give what the annotator has read of the document."""
        return () if self.held is None else self.held.coverage

    def turn(self, direction: int) -> bool:
        """Go on to the next task, or back to the one before it."""
        tasks = self.tasks
        places = [(one.document_id, one.start) for one in tasks]
        here = (self.task.document_id, self.task.start)
        index = places.index(here) + direction if here in places else 0
        if not 0 <= index < len(tasks):
            self.says = "This is the last." if direction > 0 else "This is the first."
            return False
        self.task, self.span, self.points = tasks[index], None, None
        return True

    def go(self, direction: int, at: int, test: Callable[[Shown], bool]) -> Shown | None:
        """Choose the next span that passes a test, or the one before; from `at` if none is.

        In a piece of a document, those of the piece alone.
        """
        place = self.span or (self.points[0] if self.points else at)
        task = self.task

        def here(one: Shown) -> bool:
            return task.start < one.span.end and one.span.start < task.end and test(one)

        found = step(self.paper, self.held, place, direction, here)
        if found is not None:
            self.take(found.span)
        return found

    def take(self, span: Span) -> None:
        """Choose a span."""
        self.span, self.points = span, None

    def drop(self) -> None:
        """Choose nothing."""
        self.span = self.points = None

    # What is decided.

    def decide(self, verb: Callable[..., Act]) -> bool:
        """Accept, reject or reset the chosen span."""
        span = self.span
        if span is None:
            return False
        return self.wish(lambda hand: verb(hand, self.task.document_id, [span]))

    def label(self, label: str) -> None:
        """Label what is chosen: a span anew, or a range as a new span."""
        name, span = self.task.document_id, self.span
        if self.points is not None:
            added = Span(start=self.points[0], end=self.points[1], label=label)
            if self.wish(lambda hand: verbs.add(hand, name, added)):
                self.take(added)
        elif span is not None and span.label == label:
            self.wish(lambda hand: verbs.accept(hand, name, [span]))
        elif span is not None:
            if self.wish(lambda hand: verbs.relabel(hand, name, span, label)):
                self.take(replace(span, label=label))
        else:
            self.says = "Nothing is chosen."

    def border(self, side: str, move: int, by: str) -> None:
        """Move a border of the chosen span."""
        span, name = self.span, self.task.document_id
        if span is None:
            return
        start, end = borders(self.text, self.paper.document.language, span, side, move, by)
        if (start, end) == (span.start, span.end):
            self.says = "It cannot go further."
            return
        moved = with_borders(span, start, end)
        if self.wish(lambda hand: verbs.set_border(hand, name, span, start, end)):
            self.take(moved)

    def note(self, text: str) -> None:
        """Write a note on the chosen span."""
        name, span = self.task.document_id, self.span
        if span is not None:
            self.wish(lambda hand: verbs.note(hand, name, span, text))

    def unsure(self) -> None:
        """Say that one is unsure of the chosen span, or sure again."""
        name, span, at_hand = self.task.document_id, self.span, self.shown
        if span is not None:
            is_so = at_hand is None or not at_hand.unsure
            self.wish(lambda hand: verbs.unsure(hand, name, span, is_so))
            self.says = self.says or ("Unsure." if is_so else "Sure again.")

    def label_all(self, label: str | None, everywhere: bool) -> Act:
        """Make the act that labels, or rejects, all the same words; it is not saved yet."""
        start, end = self.chosen or (0, 0)
        documents = list(self.desk.papers) if everywhere else [self.task.document_id]
        return verbs.label_all(self.hand(), documents, self.text[start:end], label)

    def finish(self, start: int, end: int, rest: str) -> None:
        """Declare a range read."""
        self.wish(lambda hand: verbs.finish(hand, self.task.document_id, start, end, rest))

    def reopen(self) -> None:
        """Declare the selection, or all of the task, not read."""
        start, end = self.points or (self.task.start, self.task.end)
        self.wish(lambda hand: verbs.reopen(hand, self.task.document_id, start, end))

    def back(self, again: bool) -> None:
        """Undo, or redo, and choose what has changed by it."""
        make = redo if again else undo
        if self.wish(lambda hand: make(hand.state, hand.annotator, hand.origin)):
            self.says = self.says or ("Done again." if again else "Undone.")
            self._follow(self.log.state.acts[-1])
        elif not self.says:
            self.says = "Nothing to do again." if again else "Nothing to undo."

    def hand(self) -> Hand:
        """Let the annotator act, upon what is shown."""
        return Hand(
            desk=self.desk,
            state=self.log.state,
            annotator=self.annotator,
            origin=f"terminal/{self.page}/{self.wishes + 1}",
        )

    def wish(self, make: Callable[[Hand], Act | None]) -> bool:
        """Make an act and save it; say what is in the way, and whether it was saved."""
        self.says = ""
        try:
            act = make(self.hand())
            if act is None:
                return False
            (saved,) = self.log.commit([act])
        except GonerdError as error:
            self.says = str(error).split("\n")[0]
            return False
        self.wishes += 1
        if isinstance(saved, Refused):
            self.says = CHANGED
            return False
        if not saved.number:
            self.says = "Nothing to change."
        return bool(saved.number)

    # Words.

    def search(self, direction: int, at: int) -> bool:
        """Choose the next place of the words searched for, from the first again after the last."""
        if not self.words:
            return False
        start = self.chosen[0] if self.chosen else at
        found = [match.span() for match in re.finditer(
            re.escape(self.words), self.text, re.IGNORECASE
        )]  # fmt: skip
        if not found:
            self.says = f"{self.words!r} does not stand here."
            return False
        if direction > 0:
            here = next((one for one in found if one[0] > start), found[0])
        else:
            here = next((one for one in reversed(found) if one[0] < start), found[-1])
        self.span, self.points = None, here
        self.says = f"{found.index(here) + 1:,} of {len(found):,}"
        return True

    def select(self, at: int) -> None:
        """Begin to select words: after the chosen span, or at a place."""
        token = token_at(
            self.text, self.paper.document.language, self.span.end if self.span else at
        )
        if token is not None:
            self.span, self.points = None, token

    def reach(self, side: str, move: int, by: str) -> None:
        """Move or widen the selection: plain keys move it, those with shift widen it."""
        if self.points is None:
            return
        language = self.paper.document.language
        range_ = Span(start=self.points[0], end=self.points[1], label="-")
        if by == "character":
            self.points = borders(self.text, language, range_, side, move, by)
        elif (side == "end") == (move > 0):
            self.points = _next_token(self.text, language, self.points, move)
        else:
            wider = borders(self.text, language, range_, "end", move, by)
            if wider == self.points and move < 0:
                wider = borders(self.text, language, range_, "start", move, by)
            self.points = wider

    def _follow(self, act: Act) -> None:
        for one in act.marks:
            if one.document_id == self.task.document_id and show(self.paper, self.held, one.span):
                self.take(one.span)
                return
        if self.span is not None and self.shown is None:
            self.drop()

    def _whole(self, name: str) -> Task:
        length = len(self.desk.papers[name].document.text)
        return Task(
            document_id=name, start=0, end=length, context=(0, length), annotators=(self.annotator,)
        )

    def _where_left(self) -> Task:
        """Find the task that was worked at last, or else the first that is not done."""
        tasks, state = self.tasks, self.log.state
        if not tasks:
            raise GonerdError(
                f"{self.desk.folder}: nothing to read for {self.annotator!r}; expected a document."
            )
        to_do = [one for one in tasks if one.start == one.end or not is_done(
            one, state, self.annotator
        )]  # fmt: skip
        last = next((one for one in reversed(state.acts) if one.annotator == self.annotator), None)
        same = [one for one in to_do if last is not None and one.document_id in last.texts]
        return (same or to_do or tasks)[0]


def _next_token(text: str, language: str, points: Range, move: int) -> Range:
    """Give the token after a range, or the one before it; the range itself where there is none."""
    if move > 0:
        return token_at(text, language, points[1]) or points
    one = Span(start=points[0], end=points[0] + 1, label="-")
    start, _ = borders(text, language, one, "start", -1, "token")
    return (token_at(text, language, start) or points) if start < points[0] else points
