"""Keys into wishes, in a terminal: the document at hand, and two lines that say how things are."""

from typing import ClassVar

from rich.markup import escape
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from gonerd.errors import GonerdError
from gonerd.review.desk import Desk, check_annotator
from gonerd.review.hiding import shown_to
from gonerd.review.keys import wishes
from gonerd.review.log import Log
from gonerd.review.queues import Queue
from gonerd.review.terminal.deeds import Deeds
from gonerd.review.terminal.page import Page
from gonerd.review.terminal.pressed import pressed
from gonerd.review.terminal.seat import Seat
from gonerd.review.terminal.shown import short, shown_in
from gonerd.tokens import tokenize


def run_terminal(desk: Desk, log: Log, annotator: str, queue: Queue | None = None) -> None:
    """Let an annotator review in this terminal until they stop; all is saved as it is decided."""
    Terminal(desk, log, annotator, queue).run()


class Terminal(App[None]):
    """A terminal to review in."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", show=False, priority=True)]
    CSS = """
    Screen { layout: vertical; }
    Page { height: 1fr; }
    #place, #chosen { height: 1; }
    #place { background: $panel; }
    Ask, Write, Tell { align: center middle; }
    .window { width: 70; max-width: 96%; height: auto; max-height: 90%;
              border: round $primary; padding: 0 1; background: $surface; }
    .tall { height: auto; }
    .title { text-style: bold; margin-bottom: 1; }
    """

    def __init__(self, desk: Desk, log: Log, annotator: str, queue: Queue | None = None) -> None:
        super().__init__()
        self.whole = desk
        check_annotator(annotator, desk)
        self.seat = Seat(
            desk=shown_to(desk, queue, annotator), log=log, annotator=annotator, queue=queue
        )
        self.page = Page(self.seat)
        self.deeds = Deeds(self.seat, self.page, self)

    def compose(self) -> ComposeResult:
        """Put the parts on the screen."""
        yield Static(id="place")
        yield self.page
        yield Static(id="chosen")

    def on_mount(self) -> None:
        """Begin where the annotator left off."""
        self.page.focus()
        self.set_interval(2.0, self.look)
        self.run_worker(self._warm, thread=True)
        self.call_after_refresh(self._open)

    def _warm(self) -> None:
        """Read the rules of the language before a border waits for them."""
        tokenize("", self.seat.paper.document.language)

    def look(self) -> None:
        """Show what was decided elsewhere under the same name."""
        before = len(self.seat.log.state.acts)
        try:
            self.seat.log.catch_up()
        except GonerdError as error:
            self.seat.says = str(error).split("\n")[0]
        if len(self.seat.log.state.acts) != before:
            self.show()

    def on_key(self, event: events.Key) -> None:
        """Do what a key wishes."""
        wish = wishes("read").get(pressed(event))
        if wish is not None and len(self.screen_stack) == 1:
            event.stop()
            event.prevent_default()
            self.do(wish)

    def do(self, wish: str) -> None:
        """Do what is wished, and show what has come of it."""
        self.seat.says = ""
        self.deeds.do(wish)
        self.show()

    def show(self) -> None:
        """Show what is chosen, and how things are."""
        seat = self.seat
        if seat.span is not None and seat.shown is None:
            seat.drop()
        if seat.chosen is not None:
            self.page.reveal(*seat.chosen)
        else:
            self.page.renew()
        self.page.draw()
        self.query_one("#place", Static).update(escape(self.place()))
        self.query_one("#chosen", Static).update(escape(seat.says or self.says()))

    def place(self) -> str:
        """Say where one is, and how much is read and undecided."""
        seat, task = self.seat, self.seat.task
        length = max(1, task.end - task.start)
        read = sum(
            max(0, min(end, task.end) - max(start, task.start)) for start, end in seat.coverage
        )
        tasks = seat.tasks
        at = next(
            (number for number, one in enumerate(tasks, 1)
             if (one.document_id, one.start) == (task.document_id, task.start)), 0,
        )  # fmt: skip
        here = min(1.0, max(0.0, (self.page.first - task.start) / length))
        return (
            f"{task.document_id} ({at}/{len(tasks)})  at {here:.0%}  read {read / length:.0%}  "
            f"{self._open_in(task.start, task.end):,} undecided  {seat.annotator}  ? keys"
        )

    def says(self) -> str:
        """Say what is chosen."""
        seat, one = self.seat, self.seat.shown
        if one is None:
            if seat.points is None:
                return "Nothing is chosen: n goes to what is undecided."
            return f"Selected: {short(seat.text[slice(*seat.points)])}"
        mark = seat.held.marks.get(one.span) if seat.held else None
        sure = "" if one.confidence is None else f" {one.confidence:.0%}"
        return ", ".join(
            part
            for part in (
                f"{short(seat.text[one.span.start : one.span.end])}: {one.span.label}",
                f"suggested{sure}" if one.status == "suggested" else
                "your own" if one.status == "added" else one.status,
                "changed" if mark and mark.suggested else "",
                "unsure" if one.unsure else "",
                f"note: {short(mark.note)}" if mark and mark.note else "",
            )
            if part
        )  # fmt: skip

    def _open(self) -> None:
        self.look()
        self.page.open(self.seat.begin())
        self.show()

    def _open_in(self, start: int, end: int) -> int:
        """Count what nobody has decided."""
        marks = self.seat.held.marks if self.seat.held else {}
        places = self.seat.paper.places
        if (start, end) == (0, len(self.seat.text)):
            return len(places) - sum(one in places for one in marks)
        return sum(one not in marks for one in places if start <= one.start < end)

    def on_page_clicked(self, event: Page.Clicked) -> None:
        """Choose the span under the mouse; again: the one around it."""
        seat = self.seat
        here = shown_in(seat.paper, seat.held, event.at, event.at + 1)
        here.sort(key=lambda one: one.span.end - one.span.start)
        if not here:
            seat.drop()
        else:
            places = [one.span for one in here]
            at = places.index(seat.span) + 1 if seat.span in places else 0
            seat.take(places[at % len(places)])
        self.show()
