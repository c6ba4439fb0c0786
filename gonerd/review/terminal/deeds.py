"""Wishes into what is done: moving and choosing here, deciding by the seat, asking in windows."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gonerd.review import verbs
from gonerd.review.acts import Act
from gonerd.review.keys import card
from gonerd.review.progress import progress, progress_report
from gonerd.review.terminal.asking import Ask, Tell, Write
from gonerd.review.terminal.page import Page
from gonerd.review.terminal.seat import Seat
from gonerd.review.terminal.shown import Shown, short, shown_in, unread

if TYPE_CHECKING:
    from gonerd.review.terminal.app import Terminal

_MOVES = {
    "start_left": ("start", -1),
    "start_right": ("start", 1),
    "end_left": ("end", -1),
    "end_right": ("end", 1),
}


class Deeds:
    """All that can be wished in a terminal."""

    def __init__(self, seat: Seat, page: Page, app: "Terminal") -> None:
        self.seat, self.page, self.app = seat, page, app
        self.table = self._table()

    def do(self, wish: str) -> None:
        """Do what is wished; what means nothing here is left."""
        act = self.table.get(wish)
        if act is not None:
            act()

    def _table(self) -> dict[str, Callable[[], object]]:
        """Say what each wish does."""
        seat, page = self.seat, self.page
        found: dict[str, Callable[[], object]] = {
            "next": lambda: self._go(1, _any),
            "previous": lambda: self._go(-1, _any),
            "next_undecided": self._next_undecided,
            "previous_undecided": lambda: self._go(-1, _is_open),
            "next_unread": self._next_unread,
            "next_document": lambda: self._turn(1),
            "previous_document": lambda: self._turn(-1),
            "page_down": lambda: self._scroll(1),
            "page_up": lambda: self._scroll(-1),
            "first": lambda: self._jump(seat.task.start),
            "last": lambda: self._jump(max(seat.task.start, seat.task.end - 1)),
            "search": lambda: self.app.push_screen(Write("Search for", seat.words), self._search),
            "next_found": lambda: seat.search(1, page.first),
            "previous_found": lambda: seat.search(-1, page.first),
            "accept": lambda: self._decide(verbs.accept),
            "reject": lambda: self._decide(verbs.reject),
            "reset": lambda: self._decide(verbs.reset, go_on=False),
            "unsure": lambda: seat.unsure() if seat.span else self._none(),
            "note": self._note,
            "label_all": lambda: self._all(True, False),
            "label_everywhere": lambda: self._all(True, True),
            "reject_all": lambda: self._all(False, False),
            "reject_everywhere": lambda: self._all(False, True),
            "undo": lambda: seat.back(False),
            "redo": lambda: seat.back(True),
            "label": self._label,
            "select": lambda: seat.select(page.first),
            "read_to_here": self._read_to_here,
            "done": lambda: self._finish(seat.task.start, seat.task.end, "Is all of it done?"),
            "reopen": seat.reopen,
            "guide": self._guide,
            "progress": self._progress,
            "keys": self._keys,
            "leave": seat.drop,
            "quit": self.app.exit,
        }
        labels = list(seat.desk.guide.labels)
        for number, label in enumerate(labels[:9], 1):
            found[f"label_{number}"] = lambda label=label: seat.label(label)  # type: ignore[misc]
        for name, (side, move) in _MOVES.items():
            for wish, by in ((name, "token"), (f"{name}_character", "character")):
                found[wish] = lambda side=side, move=move, by=by: self._border(side, move, by)  # type: ignore[misc]
        return found

    # Moving.

    def _go(self, direction: int, test: Callable[[Shown], bool]) -> None:
        at = self.page.first if direction > 0 else self.page.last
        if self.seat.go(direction, at, test) is None:
            self.seat.says = "None after this." if direction > 0 else "None before this."

    def _next_undecided(self) -> None:
        seat = self.seat
        if seat.go(1, self.page.first, _is_open) is not None:
            return
        seat.drop()
        if seat.go(1, seat.task.start, _is_open) is not None:
            seat.says = "Went on from the beginning."
        else:
            seat.says = "Nothing is undecided here."

    def _next_unread(self) -> None:
        seat = self.seat
        at = unread(seat.coverage, seat.task.start, seat.task.end)
        if at is None:
            seat.says = "All of it has been read."
        else:
            self._jump(at)

    def _jump(self, at: int) -> None:
        self.seat.drop()
        self.page.renew()
        self.page.reveal(at, at + 1)

    def _scroll(self, direction: int) -> None:
        self.seat.drop()
        self.page.renew()
        self.page.scroll_lines(direction * max(1, self.page.size.height - 2))

    def _turn(self, direction: int) -> None:
        if self.seat.turn(direction):
            self.page.open(self.seat.begin())

    def _search(self, words: str | None) -> None:
        if words:
            self.seat.words = words
            self.seat.search(1, self.page.first - 1)
            self.app.show()

    # Deciding and changing.

    def _none(self) -> None:
        self.seat.says = "Nothing is chosen."

    def _decide(self, verb: Callable[..., Act], go_on: bool = True) -> None:
        """Decide on the chosen span, and go on to the next that is undecided."""
        seat = self.seat
        if seat.span is None:
            if go_on:
                self._next_undecided()
            return
        before = seat.shown
        saved = seat.decide(verb)
        if saved and go_on and before is not None and before.status == "suggested":
            seat.go(1, self.page.first, _is_open)

    def _border(self, side: str, move: int, by: str) -> None:
        if self.seat.points is not None:
            self.seat.reach(side, move, by)
        elif self.seat.span is not None:
            self.seat.border(side, move, by)
        else:
            self._go(1 if move > 0 else -1, _any)

    def _note(self) -> None:
        seat = self.seat
        if seat.span is None:
            self._none()
            return
        mark = seat.held.marks.get(seat.span) if seat.held else None
        self.app.push_screen(Write("Note", mark.note if mark else ""), self._noted)

    def _noted(self, text: str | None) -> None:
        if text is not None:
            self.seat.note(text)
            self.app.show()

    def _label(self) -> None:
        if self.seat.chosen is None:
            self._none()
            return
        self.app.push_screen(Ask("Which label?", self._labels()), self._labelled)

    def _labels(self) -> list[tuple[str, str, str]]:
        """Give each label a key: its number, and after nine its first letter that is free."""
        found: dict[str, tuple[str, str, str]] = {}
        for number, (label, says) in enumerate(self.seat.desk.guide.labels.items(), 1):
            free = (one for one in label.lower() if one not in found)
            key = str(number) if number <= 9 else next(free, "")
            found[key] = (key, f"{label}: {says}", label)
        return list(found.values())

    def _labelled(self, label: str | None) -> None:
        if label is not None:
            self.seat.label(label)
            self.app.show()

    def _all(self, labelled: bool, everywhere: bool) -> None:
        """Ask before all the same words are labelled or rejected, and say how many it makes."""
        seat = self.seat
        if seat.chosen is None:
            self._none()
            return
        label = seat.span.label if seat.span else next(iter(seat.desk.guide.labels))
        act = seat.label_all(label if labelled else None, everywhere)
        words = short(seat.text[slice(*seat.chosen)])
        if not act.marks:
            seat.says = f"Nothing to change for {words}."
            return
        become = f"become {label}" if labelled else "are rejected"
        question = (
            f"All of {words}: {len(act.marks):,} changes in {len(act.texts):,} documents; they "
            f"{become}. One undo takes all of it back."
        )
        answers = [("y", "Do it", True)]

        def answered(yes: bool | None) -> None:
            if yes:
                seat.wish(lambda _: act)
                self.app.show()

        self.app.push_screen(Ask(question, answers), answered)

    def _read_to_here(self) -> None:
        seat = self.seat
        if seat.points is not None:
            self._finish(*seat.points, "Is the selection read?")
            return
        start = unread(seat.coverage, seat.task.start, seat.task.end)
        end = min(seat.span.end if seat.span else self.page.last, seat.task.end)
        if start is None or end <= start:
            seat.says = "All up to here has been read."
            return
        self._finish(start, end, "Read up to here?")

    def _finish(self, start: int, end: int, question: str) -> None:
        """Ask what becomes of the undecided, if there are any, and declare a range read."""
        seat = self.seat
        if start >= end:
            seat.says = "There is nothing to read."
            return
        marks = seat.held.marks if seat.held else {}
        left = sum(
            start <= one.span.start and one.span.end <= end and one.span not in marks
            for one in shown_in(seat.paper, seat.held, start, end)
        )
        more = f"{left:,} suggestions are undecided in it." if left else "Nothing is undecided."
        answers = [("l", "It is read; leave them undecided", "leave")] if left else [
            ("y", "It is read", "leave")
        ]  # fmt: skip
        if left:
            answers += [("a", "Accept them", "accept"), ("r", "Reject them", "reject")]

        def answered(rest: str | None) -> None:
            if rest is not None:
                seat.finish(start, end, rest)
                seat.says = seat.says or "Saved as read."
                self.app.show()

        self.app.push_screen(
            Ask(f"{question} {end - start:,} characters. {more}", answers), answered
        )

    # Reading about it.

    def _keys(self) -> None:
        lines = []
        for group, keys in card("read").items():
            lines += [group, *(f"  {key:<16}{says}" for key, says in keys), ""]
        lines.append("Signs after a label: ? suggested, = accepted, + your own, x rejected;")
        lines.append('~ unsure, " with a note; a number: how sure the model is, in percent.')
        self.app.push_screen(Tell("Keys", "\n".join(lines)))

    def _guide(self) -> None:
        guide = self.seat.desk.guide
        label = self.seat.span.label if self.seat.span else ""
        says = f"{label}: {guide.labels[label]}\n\n" if label in guide.labels else ""
        self.app.push_screen(Tell(guide.reference, says + guide.text))

    def _progress(self) -> None:
        found = progress(self.app.whole, self.seat.log.state, self.seat.queue)
        self.app.push_screen(Tell("Progress", progress_report(found)))


def _any(_: Shown) -> bool:
    return True


def _is_open(one: Shown) -> bool:
    return one.status == "suggested"
