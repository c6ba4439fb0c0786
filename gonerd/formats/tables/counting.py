"""What the offsets of a column of spans count: characters or tokens, their ends in or out.

The words that spans state are the best witness, and the length of the tokens the next. Readings
that fit alike are refused with the options that settle them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gonerd.errors import ConfigError
from gonerd.formats.tables.column_names import plain
from gonerd.formats.tables.span_cells import Shape, Stated
from gonerd.records import Range

_ENOUGH = 5
"""Spans that all begin and end with a word, by which numbers of tokens would hardly do so."""
_INCLUSIVE = ("tokenizedtext", "sentences")
"""Columns of tokens in formats (GLiNER, DyGIE) whose ends are inclusive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A row: what is spoken of, and the spans."""

    text: str | None
    tokens: Sequence[str] | None
    spans: Sequence[Stated]

    def places(self) -> list[tuple[int, int, str | None]]:
        """List start, end and words of the spans whose offsets are whole numbers."""
        return [
            (one.start, one.end, one.surface)
            for one in self.spans
            if type(one.start) is int and type(one.end) is int and 0 <= one.start <= one.end
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting:
    """How to read the offsets of a column."""

    by_tokens: bool = False
    is_inclusive: bool = False

    def notes(self) -> list[str]:
        """Say what is not the usual way."""
        found = ["offsets of spans count tokens"] if self.by_tokens else []
        return [*found, "ends of spans are inclusive"] if self.is_inclusive else found


def find_counting(
    rows: Sequence[Seen],
    shape: Shape | None,
    columns: Mapping[str, str],
    given: Mapping[str, str],
    where: str,
) -> Counting:
    """Find out what offsets count; a named column of text, or of tokens, says it."""
    if shape is None or not shape.has_offsets:
        return Counting()
    if _counts_tokens(rows, shape, columns, given, where):
        usual = plain(columns["spans"]) == "ner" or plain(columns["tokens"]) in _INCLUSIVE
        return Counting(by_tokens=True, is_inclusive=_ends_with_token(rows, is_usual=usual))
    return Counting(is_inclusive=_ends_with_character(rows))


def words_at(tokens: Sequence[str], start: int, end: int) -> str:
    """Join tokens, blanks left out, as a span's words are compared."""
    return _squeezed("".join(tokens[start:end]))


def _counts_tokens(
    rows: Sequence[Seen],
    shape: Shape,
    columns: Mapping[str, str],
    given: Mapping[str, str],
    where: str,
) -> bool:
    if shape.by_tokens and "tokens" not in columns:
        raise ConfigError(
            f"{where}: spans in {columns['spans']!r} count tokens, and there are none; expected a "
            "column of words.\nName it: --column tokens=COLUMN"
        )
    if shape.by_tokens or "text" not in columns or "tokens" not in columns:
        return shape.by_tokens or "text" not in columns
    if ("text" in given) != ("tokens" in given):
        return "tokens" in given
    both = [row for row in rows if row.text is not None and row.tokens is not None]
    by_characters, by_tokens = _matches(both)
    if by_characters != by_tokens:
        return by_tokens > by_characters
    places = [(row, start, end) for row in both for start, end, _ in row.places()]
    if any(end > len(row.tokens or ()) for row, _, end in places):
        return False
    on_words = sum(_on_words(row.text or "", (start, end)) for row, start, end in places)
    if 2 * on_words < len(places):
        return True
    if on_words == len(places) and (len(places) >= _ENOUGH or not places):
        return False
    raise ConfigError(
        f"{where}: spans in {columns['spans']!r} may count characters of {columns['text']!r} or "
        f"tokens of {columns['tokens']!r}; expected to know which.\n"
        f"Give --column text={columns['text']} or --column tokens={columns['tokens']}."
    )


def _matches(rows: Sequence[Seen]) -> tuple[int, int]:
    """Count the spans whose words stand where they should, by characters and by tokens."""
    by_characters = by_tokens = 0
    for row in rows:
        text, tokens = row.text or "", row.tokens or ()
        for start, end, surface in row.places():
            if surface is not None and (wanted := _squeezed(surface)):
                places = [(start, end), (start, end + 1)]
                by_characters += any(_squeezed(text[s:e]) == wanted for s, e in places)
                by_tokens += any(words_at(tokens, s, e) == wanted for s, e in places)
    return by_characters, by_tokens


def _ends_with_token(rows: Sequence[Seen], *, is_usual: bool) -> bool:
    """Say whether the end of a span is its last token, and not the one behind it."""
    outside = inside = 0
    for row in rows:
        for start, end, surface in row.places():
            if surface is not None:
                wanted = _squeezed(surface)
                outside += words_at(row.tokens or (), start, end) == wanted
                inside += words_at(row.tokens or (), start, end + 1) == wanted
    if outside or inside:
        return inside > outside
    places = [(row, start, end) for row in rows for start, end, _ in row.places()]
    if any(end >= len(row.tokens or ()) for row, _, end in places):
        return False
    return is_usual or any(start == end for _, start, end in places)


def _ends_with_character(rows: Sequence[Seen]) -> bool:
    """Say whether the end of a span is its last character; only the words of spans can tell."""
    outside = inside = 0
    for row in rows:
        for start, end, surface in row.places():
            if surface:
                lengths = {
                    len(surface),
                    len(surface.encode("utf-16-le", "surrogatepass")) // 2,
                    len(surface.encode("utf-8", "surrogatepass")),
                }
                outside += end - start in lengths
                inside += end - start + 1 in lengths
    return inside > 2 * outside


def _on_words(text: str, place: Range) -> bool:
    """Say whether a place begins and ends with a word or a mark."""
    start, end = place
    if not 0 <= start < end <= len(text):
        return False
    if text[start].isspace() or text[end - 1].isspace():
        return False
    return not any(
        0 < border < len(text) and text[border - 1].isalnum() and text[border].isalnum()
        for border in place
    )


def _squeezed(text: str) -> str:
    return "".join(text.split())
