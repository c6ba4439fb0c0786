"""A text into the ways in which offsets can count along it.

In use are code points, UTF-16 code units (JavaScript, Java), UTF-8 bytes and graphemes, each also
on a text whose CRLF had become LF, whose outer blanks had been stripped, or whose blanks had run
together as a browser shows them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonerd.formats.layers import Unit
from gonerd.records import Range

_UNITS: tuple[Unit, ...] = ("code points", "UTF-16", "bytes", "graphemes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruler:
    """A way of counting along one text."""

    name: str
    """As `UTF-16`, or `bytes, CRLF counted as one`."""
    marks: NDArray[np.int64]
    """The offset before each character, and that of the end. What counts as one, a grapheme or a
    CRLF, counts at its last character."""
    first: int = 0
    """The first character that counts, where blanks before it do not."""

    def character(self, offset: int) -> int:
        """Find the first character at or after an offset; the end where that is outside."""
        return int(np.searchsorted(self.marks, min(max(offset, 0), int(self.marks[-1]))))

    def places(self, ranges: Sequence[Range]) -> list[Range | None]:
        """Find the characters of each range; None where it is empty, outside, or cuts one."""
        most = int(self.marks[-1])
        offsets = np.array(
            [pair if 0 <= pair[0] < pair[1] <= most else (0, 0) for pair in ranges],
            dtype=np.int64,
        ).reshape(-1, 2)
        found = np.searchsorted(self.marks, offsets)
        fits = (self.marks[found] == offsets).all(axis=1)
        found[:, 0] = np.maximum(found[:, 0], self.first)
        fits &= found[:, 0] < found[:, 1]
        return [
            (start, end) if fit else None
            for (start, end), fit in zip(found.tolist(), fits.tolist(), strict=True)
        ]


def rulers(
    text: str, unit: Unit | None = None, *, exact: bool = False, shown: bool = False
) -> list[Ruler]:
    """List the ways of counting along a text that differ on it, the likeliest first.

    `unit` leaves its own ways alone; `exact` the one that counts the text as it is. `shown` adds
    those that count what a browser shows, which only strings can tell from the others.
    """
    changes = {"": np.zeros(len(text), dtype=bool)}
    if not exact:
        changes |= _changes(text, shown)
    widths = {name: _widths(text, name) for name in _UNITS if unit in (None, name)}
    plain = [name for name in widths if name != "graphemes"]
    blank = len(text) - len(text.lstrip())
    found: list[Ruler] = []
    for units in (plain, widths.keys() - plain):
        for change, uncounted in changes.items():
            for name in units:
                marks = np.concatenate(([0], np.cumsum(np.where(uncounted, 0, widths[name]))))
                if not any(np.array_equal(marks, other.marks) for other in found):
                    first = blank if uncounted[:blank].all() else 0
                    found.append(Ruler(name=name + change, marks=marks, first=first))
    return found


def _changes(text: str, shown: bool) -> dict[str, NDArray[np.bool_]]:
    """List what tools do to a text, each as the characters that then count nothing."""
    crlf, runs, outer = (np.zeros(len(text), dtype=bool) for _ in range(3))
    for uncounted, pattern in ((crlf, r"\r\n"), (runs, r"\s{2,}")):
        for match in re.finditer(pattern, text):
            uncounted[match.start() : match.end() - 1] = True
    outer[: len(text) - len(text.lstrip())] = outer[len(text.rstrip()) :] = True
    changes = {
        ", CRLF counted as one": crlf,
        ", outer blanks not counted": outer,
        ", CRLF counted as one, outer blanks not counted": crlf | outer,
        ", blanks as a browser shows them": runs | outer if shown else outer,
    }
    return {name: uncounted for name, uncounted in changes.items() if uncounted.any()}


def _widths(text: str, unit: str) -> NDArray[np.int64]:
    """Say what each character of a text counts."""
    ones = np.ones(len(text), dtype=np.int64)
    if text.isascii() and (unit != "graphemes" or "\r\n" not in text):
        return ones
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    if unit == "UTF-16":
        return ones + (codes > 0xFFFF)
    if unit == "bytes":
        return ones + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF)
    if unit == "graphemes":
        import regex

        ends = np.cumsum([len(grapheme) for grapheme in regex.findall(r"\X", text)], dtype=np.int64)
        ones[:] = 0
        ones[ends - 1] = 1  # as UAX 29 has them
    return ones
