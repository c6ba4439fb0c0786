"""The document at hand on the screen: what is in view, coloured, and where the chosen span is."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gonerd.review.terminal.seat import Seat
from gonerd.review.terminal.sheet import Cell, Layout, Line, Position, Sheet
from gonerd.review.terminal.shown import Shown, shown_in
from gonerd.spans import covers

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red", "bright_cyan", "bright_yellow")
_GUTTER = 2


class Page(Widget, can_focus=True):
    """A text, from a line on; only the lines in view exist."""

    class Clicked(Message):
        """A place of the text was clicked."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self, seat: Seat) -> None:
        super().__init__()
        self.seat = seat
        self.top: Position = (0, 0)
        self._sheet = Sheet(text="")
        self._layout: Layout | None = None
        self._lines: list[Line] = []
        self._strips: list[Strip] = []
        self.open(seat.begin())

    def open(self, at: int) -> None:
        """Show the seat's document, from a character on."""
        self._sheet = Sheet(text=self.seat.text)
        self._layout = None
        self.top = self.layout_now.position(at)
        self.renew()

    @property
    def layout_now(self) -> Layout:
        """Give the lines as they are by now."""
        if self._layout is None:
            seat = self.seat
            paper, held = seat.paper, seat.held
            self._layout = Layout(
                sheet=self._sheet,
                width=max(10, self.size.width - _GUTTER),
                spans=lambda start, end: shown_in(paper, held, start, end),
                chosen=seat.chosen,
            )
        return self._layout

    def renew(self) -> None:
        """Lay out anew what is in view."""
        at = self.first
        self._layout = None
        lines = self.layout_now.lines(self.top[0])
        if self.top[1] >= len(lines) or lines[self.top[1]].start != at:
            self.top = self.layout_now.position(at)
        self._lines = []

    def draw(self) -> None:
        """Draw what is in view, and send the lines alone that are not as they were."""
        before = self._strips
        width, height = self.size
        self._strips = [self._strip(y) for y in range(height)]
        if len(before) != height or (before and before[0].cell_length != width):
            self.refresh()
            return
        changed = [y for y in range(height) if self._strips[y] != before[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    @property
    def lines(self) -> list[Line]:
        """Give the lines in view."""
        if not self._lines:
            self._lines = self.layout_now.view(self.top, max(1, self.size.height))
        return self._lines

    @property
    def first(self) -> int:
        """Give the first character in view."""
        return self._lines[0].start if self._lines else self._sheet.blocks[self.top[0]]

    @property
    def last(self) -> int:
        """Give where what is in view ends."""
        return self.lines[-1].end if self.lines else 0

    def scroll_lines(self, lines: int) -> None:
        """Go down, or up."""
        self.top = self.layout_now.move(self.top, lines)
        self._lines = []

    def reveal(self, start: int, end: int) -> None:
        """Bring a range into view, if it is not."""
        self.renew()
        lines = self.lines
        inside = lines and lines[0].start <= start and (
            end <= lines[-1].end and (start < lines[-1].start or len(lines) < 3)
        )  # fmt: skip
        if not inside:
            self.top = self.layout_now.position(start)
            self.scroll_lines(-(self.size.height // 3))

    def on_resize(self) -> None:
        """Break lines anew."""
        at = self.first
        self._layout, self._lines = None, []
        self.top = self.layout_now.position(at)
        self.draw()

    def on_mouse_scroll_down(self) -> None:
        """Go down."""
        self.scroll_lines(3)
        self.draw()

    def on_mouse_scroll_up(self) -> None:
        """Go up."""
        self.scroll_lines(-3)
        self.draw()

    def on_click(self, event: events.Click) -> None:
        """Say which character was clicked."""
        if event.y >= len(self.lines):
            return
        column = _GUTTER
        for cell in self.lines[event.y].cells:
            column += cell.width
            if column > event.x:
                self.post_message(self.Clicked(cell.at))
                return

    def render_line(self, y: int) -> Strip:
        """Give a line as it was drawn."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _strip(self, y: int) -> Strip:
        """Draw a line."""
        lines = self.lines
        if y >= len(lines):
            return Strip.blank(self.size.width, self.rich_style)
        line, task = lines[y], self.seat.task
        outside = line.end <= task.start or line.start >= task.end
        read = covers(self.seat.coverage, line.start, max(line.start + 1, line.end))
        segments = [Segment("\u2502 " if read else ": " if outside else "  ", Style(dim=True))]
        run, style = "", Style()
        for cell in line.cells:
            now = self._style(cell, outside)
            if now != style and run:
                segments.append(Segment(run, style))
                run = ""
            run, style = run + cell.text, now
        segments.append(Segment(run, style))
        drawn = Strip(segments).apply_style(self.rich_style)
        return drawn.adjust_cell_length(self.size.width, self.rich_style)

    def _style(self, cell: Cell, outside: bool) -> Style:
        one, seat = cell.span, self.seat
        if cell.chosen and (seat.points is not None or one is None or seat.span is None):
            return Style(reverse=True, bold=True)
        if one is None:
            return Style(dim=outside)
        mine = seat.span is not None and cell.chosen and (
            not cell.sign or one.span == seat.span
        )  # fmt: skip
        return _look_of(one, self._colour(one), sign=cell.sign, chosen=mine)

    def _colour(self, one: Shown) -> str:
        labels = list(self.seat.desk.guide.labels)
        at = labels.index(one.span.label) if one.span.label in labels else len(labels)
        return _COLOURS[at % len(_COLOURS)]


def _look_of(one: Shown, colour: str, *, sign: bool, chosen: bool) -> Style:
    """Let what is suggested, held and rejected look different, without colour too."""
    rejected = one.status == "rejected"
    return Style(
        color=colour,
        bold=one.status in ("accepted", "added") and not sign,
        underline=one.status == "suggested" and not sign,
        strike=rejected and not sign,
        dim=rejected,
        reverse=chosen,
    )
