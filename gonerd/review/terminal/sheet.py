"""A text with spans into lines of cells, as wide as a terminal; only what is in view is laid out.

A text is cut into blocks once, at the ends of lines and every thousand characters; lines are made
of the blocks in view alone. What stands in a text cannot do anything to the terminal: characters
that would are shown as a dot.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rich.cells import get_character_cell_size

from gonerd.records import Range
from gonerd.review.terminal.shown import Shown

_LONGEST = 1_000
"""Characters in a block."""

Position = tuple[int, int]
"""A block, and a line in it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a line: a character of the text, or a sign of ours."""

    text: str
    width: int
    at: int
    """The character of the text; for a sign, where it stands."""
    span: Shown | None
    """The innermost span here."""
    sign: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the screen."""

    cells: tuple[Cell, ...]
    start: int
    end: int
    """The characters of the text it shows."""


@dataclass(kw_only=True)
class Sheet:
    """A text, cut up."""

    text: str
    blocks: list[int] = field(init=False)
    """Where each begins."""

    def __post_init__(self) -> None:
        self.blocks = list(_blocks(self.text)) or [0]

    def ends(self, block: int) -> int:
        """Say where a block ends."""
        return self.blocks[block + 1] if block + 1 < len(self.blocks) else len(self.text)

    def block_of(self, at: int) -> int:
        """Find the block of a character."""
        return max(0, bisect_right(self.blocks, at) - 1)


@dataclass(kw_only=True)
class Layout:
    """Lines of a sheet for one width and what is shown by now; thrown away when that changes."""

    sheet: Sheet
    width: int
    spans: Callable[[int, int], list[Shown]]
    """What is shown in a range."""
    chosen: Range | None
    lines_of: dict[int, list[Line]] = field(default_factory=dict)

    def lines(self, block: int) -> list[Line]:
        """Lay out a block."""
        if block not in self.lines_of:
            start, end = self.sheet.blocks[block], self.sheet.ends(block)
            cells = _cells(self.sheet.text, start, end, self.spans(start, end), self.chosen)
            self.lines_of[block] = _wrap(cells, start, end, self.width)
        return self.lines_of[block]

    def view(self, top: Position, height: int) -> list[Line]:
        """Give so many lines from a position on, or as many as there are."""
        found: list[Line] = []
        block, line = top
        while block < len(self.sheet.blocks) and len(found) < height:
            found += self.lines(block)[line : line + height - len(found)]
            block, line = block + 1, 0
        return found

    def move(self, top: Position, lines: int) -> Position:
        """Give the position so many lines further down, or up, as far as there are."""
        block, line = top
        line += lines
        while line < 0 and block > 0:
            block -= 1
            line += len(self.lines(block))
        while line >= len(self.lines(block)) and block + 1 < len(self.sheet.blocks):
            line -= len(self.lines(block))
            block += 1
        return block, min(max(0, line), len(self.lines(block)) - 1)

    def position(self, at: int) -> Position:
        """Find the line of a character."""
        block = self.sheet.block_of(at)
        lines = self.lines(block)
        found = [number for number, one in enumerate(lines) if one.start <= at]
        return block, found[-1] if found else 0


def _blocks(text: str) -> Iterable[int]:
    at = 0
    while at < len(text):
        yield at
        end = text.find("\n", at, at + _LONGEST)
        if end >= 0:
            at = end + 1
        elif at + _LONGEST >= len(text):
            return
        else:
            blank = text.rfind(" ", at, at + _LONGEST)
            at = blank + 1 if blank > at else at + _LONGEST


@lru_cache(maxsize=4096)
def _look(character: str) -> tuple[str, int]:
    """Give what is shown for a character, and how many columns it takes."""
    if " " <= character <= "~":
        return character, 1
    if character in "\n\r":
        return "", 0
    if character == "\t":
        return " ", 1
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return "\u00b7", 1
    if unicodedata.category(character) == "Zs":
        return " ", 1
    return character, get_character_cell_size(character)


def _cells(
    text: str, start: int, end: int, spans: Sequence[Shown], chosen: Range | None
) -> list[Cell]:
    """Put signs around spans, and say of each character what it lies in."""
    opens: dict[int, list[Shown]] = {}
    closes: dict[int, list[Shown]] = {}
    for one in spans:
        opens.setdefault(one.span.start, []).append(one)
        closes.setdefault(one.span.end, []).append(one)
    edges = sorted({start, end, *opens, *closes, *(chosen or ())})
    edges = [one for one in edges if start <= one <= end]
    cells: list[Cell] = []
    for at, until in zip(edges, [*edges[1:], end], strict=True):
        # What ends where a block begins was closed at the end of the block before it.
        for one in sorted(closes.get(at, ()) if at > start else (), key=_inner_first):
            cells += _sign(f"]{one.tag}", at, one, chosen)
        if at == end:
            break
        for one in opens.get(at, ()):
            cells += _sign("[", at, one, chosen)
        over = [one for one in spans if one.span.start <= at < one.span.end]
        inner = min(over, key=_inner_first, default=None)
        is_chosen = chosen is not None and chosen[0] <= at < chosen[1]
        for place in range(at, until):
            look, width = _look(text[place])
            cells.append(Cell(look, width, place, inner, chosen=is_chosen))
    return cells


def _inner_first(one: Shown) -> tuple[int, int, str]:
    return (one.span.end - one.span.start, -one.span.start, one.span.label)


def _sign(text: str, at: int, one: Shown, chosen: Range | None) -> list[Cell]:
    here = chosen == (one.span.start, one.span.end)
    looks = (_look(character) for character in text)
    return [Cell(look, width, at, one, sign=True, chosen=here) for look, width in looks]


def _wrap(cells: list[Cell], start: int, end: int, width: int) -> list[Line]:
    """Break cells into lines at blanks, where there are any."""
    lines: list[Line] = []
    first, used, blank = 0, 0, -1
    at = 0
    while at < len(cells):
        cell = cells[at]
        if used + cell.width > width and at > first:
            cut = blank + 1 if blank >= first else at
            lines.append(_line(cells[first:cut], start))
            start = cells[cut].at if cut < len(cells) else end
            used = sum(one.width for one in cells[cut:at])
            first, blank = cut, -1
            continue
        used += cell.width
        if cell.text == " " and not cell.sign:
            blank = at
        at += 1
    lines.append(Line(tuple(cells[first:]), start, end))
    return lines


def _line(cells: list[Cell], start: int) -> Line:
    places = [one.at for one in cells if not one.sign]
    return Line(tuple(cells), start, places[-1] + 1 if places else start)
