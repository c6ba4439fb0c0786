"""The sentences and tokens of a WebAnno TSV file into the text they were cut out of.

A file holds the text of its sentences and the offsets of its tokens. What stood between two
sentences is told by its length only: a line end is put there, and blanks for the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gonerd.errors import RecordError
from gonerd.formats.layers import Unit
from gonerd.formats.uima.utf16 import utf16_length, utf16_offsets
from gonerd.formats.uima.webanno_rows import Row, Sentence, unescape

FILLED = "text between sentences is not in the file; line ends and blanks stand for it"
DIFFERENT = "#Text differs from the tokens below it; the tokens were taken"

_MOST_BLANK = 10_000_000
"""Characters between tokens, in all; more is no text but a wrong offset."""


@dataclass(kw_only=True, slots=True)
class _Builder:
    """A text that grows sentence by sentence."""

    halves: bool
    """Whether offsets count UTF-16, as they should; some programs count code points."""
    pieces: list[str] = field(default_factory=list)
    position: int = 0
    """Where the text ends so far, in the file's unit."""

    def size(self, text: str) -> int:
        """Measure a text in the file's unit."""
        return utf16_length(text) if self.halves else len(text)

    def surface(self, row: Row) -> str:
        """Take a token's text; WebAnno does not escape it, other programs do."""
        fits = self.size(row.surface) == row.end - row.start
        return row.surface if fits else unescape(row.surface)

    def add(self, text: str) -> None:
        """Let the text grow."""
        self.pieces.append(text)
        self.position += self.size(text)


def rebuild(
    sentences: Sequence[Sentence], before: str, where: str
) -> tuple[str, Unit, tuple[str, ...]]:
    """Rebuild a text: (text, unit of the offsets, what the user should know).

    `before` is what stands before the first token, if it is known.
    """
    parts = [
        (sentence.text, tokens)
        for sentence in sentences
        if (tokens := [row for row in sentence.rows if row.is_token])
    ]
    builder = _Builder(halves=not any(_is_short(row) for _, tokens in parts for row in tokens))
    _check([row for _, tokens in parts for row in tokens], builder, where)
    nexts = [tokens[0].start for _, tokens in parts[1:]]
    notes: set[str] = set()
    for number, (sentence, tokens) in enumerate(parts):
        lead, inside = _inside(sentence, tokens, builder)
        if inside is None:
            notes.add(DIFFERENT)
            inside = _from_tokens(tokens, builder)
        gap = tokens[0].start - builder.position
        blank = max(0, gap - builder.size(lead))
        if number == 0:
            builder.add(before if builder.size(before) == gap else " " * blank + lead[:gap])
        elif gap:
            notes.update({FILLED} if blank else ())
            builder.add("\n"[:blank] + " " * (blank - 1) + _cut(lead, gap - blank, builder))
        room = nexts[number] - builder.position if number < len(nexts) else None
        builder.add(inside if room is None else _cut(inside, room, builder))
    text = "".join(builder.pieces) if parts else before
    return text, "UTF-16" if builder.halves else "code points", tuple(sorted(notes))


def _is_short(row: Row) -> bool:
    """Say whether a token with a character of two halves counts it as one."""
    return row.end - row.start == len(row.surface) < utf16_length(row.surface)


def _check(tokens: Sequence[Row], builder: _Builder, where: str) -> None:
    reach = blank = 0
    for row in tokens:
        blank += row.start - reach
        if row.start < reach or blank > _MOST_BLANK:
            raise RecordError(
                f"{where}:{row.line}: token {row.surface[:60]!r} starts at {row.start}; expected "
                f"it soon after the one before, which ends at {reach}."
            )
        if builder.size(builder.surface(row)) != row.end - row.start:
            raise RecordError(
                f"{where}:{row.line}: token {row.surface[:60]!r} from {row.start} to {row.end}; "
                f"expected offsets {builder.size(row.surface)} apart."
            )
        reach = row.end


def _inside(sentence: str, tokens: Sequence[Row], builder: _Builder) -> tuple[str, str | None]:
    """Part what `#Text` says into blank before the first token and the rest.

    The rest is None where the tokens do not stand in it at their offsets.
    """
    starts_at_once = sentence.startswith(builder.surface(tokens[0]))
    body = sentence if starts_at_once else sentence.lstrip()
    offsets = utf16_offsets(body) if builder.halves else range(len(body) + 1)
    places = offsets
    if not isinstance(offsets, range):
        places = [-1] * (offsets[-1] + 1)
        for index, offset in enumerate(offsets):
            places[offset] = index
    for row in tokens:
        at = row.start - tokens[0].start
        if at >= len(places) or places[at] < 0:
            return "", None
        if not body.startswith(builder.surface(row), places[at]):
            return "", None
    return sentence[: len(sentence) - len(body)], body


def _from_tokens(tokens: Sequence[Row], builder: _Builder) -> str:
    pieces: list[str] = []
    reach = tokens[0].start
    for row in tokens:
        pieces += [" " * (row.start - reach), builder.surface(row)]
        reach = row.end
    return "".join(pieces)


def _cut(text: str, room: int, builder: _Builder) -> str:
    """Leave off what has no room before the next sentence."""
    if builder.size(text) <= room:
        return text
    if not builder.halves:
        return text[:room]
    return text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
