"""Questions to the annotator into answers, in windows over the text that keys open and close."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from rich.markup import escape
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from gonerd.review.terminal.pressed import pressed

T = TypeVar("T")


class Ask(ModalScreen["T | None"], Generic[T]):
    """A question with answers, each by a key; enter gives the first, escape none."""

    def __init__(self, question: str, answers: Sequence[tuple[str, str, T]]) -> None:
        super().__init__()
        self.question = question
        self.answers = list(answers)

    def compose(self) -> ComposeResult:
        """Write question and answers."""
        lines = [f"[b]{escape(key)}[/b]  {escape(says)}" for key, says, _ in self.answers]
        with Vertical(classes="window"):
            yield Static(escape(self.question), classes="title")
            yield Static("\n".join([*lines, "[b]escape[/b]  Leave it"]))

    def on_key(self, event: events.Key) -> None:
        """Take an answer."""
        event.stop()
        key = pressed(event)
        if key == "escape":
            self.dismiss(None)
            return
        for at, (answer, _, value) in enumerate(self.answers):
            if key == answer or (key == "enter" and at == 0):
                self.dismiss(value)
                return


class Write(ModalScreen["str | None"]):
    """A line to be written; escape leaves it as it was."""

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self.heading, self.value = title, value

    def compose(self) -> ComposeResult:
        """Show the line."""
        with Vertical(classes="window"):
            yield Static(escape(self.heading), classes="title")
            yield Input(value=self.value, max_length=10_000)

    def on_mount(self) -> None:
        """Let the annotator write."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line."""
        self.dismiss(event.value)

    def on_key(self, event: events.Key) -> None:
        """Leave the line."""
        if event.key == "escape":
            event.stop()
            self.dismiss(None)


class Tell(ModalScreen[None]):
    """Something to read, closed by escape, enter or the key that opened it."""

    def __init__(self, title: str, lines: str) -> None:
        super().__init__()
        self.heading, self.lines = title, lines

    def compose(self) -> ComposeResult:
        """Show it."""
        with VerticalScroll(classes="window tall"):
            yield Static(escape(self.heading), classes="title")
            yield Static(escape(self.lines))

    def on_key(self, event: events.Key) -> None:
        """Close it, or scroll."""
        event.stop()
        key, scroll = pressed(event), self.query_one(VerticalScroll)
        if key in ("down", "j"):
            scroll.scroll_down(animate=False)
        elif key in ("up", "k"):
            scroll.scroll_up(animate=False)
        elif key in ("pagedown", "space"):
            scroll.scroll_page_down(animate=False)
        elif key == "pageup":
            scroll.scroll_page_up(animate=False)
        else:
            self.dismiss(None)
