"""The columns of a table into its tokens and its tags, told by names, kinds and lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonerd.errors import ConfigError
from gonerd.formats.conll.tags import looks_like_tags
from gonerd.formats.fields import shown
from gonerd.formats.layers import ReadOptions
from gonerd.formats.tables.column_names import NO_TAGS, TAGS, TEXTS, TOKENS, plain, rank
from gonerd.formats.tables.rows import Table

NO_TAG = -100
"""The number of a token that has no tag, by the custom of those who train models."""

_ENOUGH = 10_000
"""Words by which words are told from sentences."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A table with what the user has said of it."""

    table: Table
    options: ReadOptions
    cells: Mapping[str, Sequence[Any]]
    """By column."""
    given: Mapping[str, str]
    """Role and column, as the user named them."""

    def free(self, *taken: str | None) -> list[str]:
        """List the columns that have no part yet."""
        return [name for name in self.cells if name not in (*taken, *self.given.values())]

    def all(self, name: str, kind: type | tuple[type, ...]) -> bool:
        """Say whether every cell of a column is of a kind, and some cell is there."""
        held = [cell for cell in self.cells[name] if cell is not None]
        return bool(held) and all(
            isinstance(cell, kind) and not isinstance(cell, bool) for cell in held
        )


def words_in(cell: Any) -> list[list[str]] | None:
    """Read a cell as sentences of words: lists, lists of lists, or objects with a text."""
    if not isinstance(cell, list):
        return None
    found: list[list[str]] = []
    for sentence in _sentences(cell):
        kinds = set(map(type, sentence))
        words: list[Any] = sentence
        if dict in kinds:
            words = [
                word.get("text", word.get("word")) if isinstance(word, dict) else word
                for word in sentence
            ]
            kinds = set(map(type, words))
        if not kinds <= {str}:
            return None
        found.append(words)
    return found


def tags_in(cell: Any) -> list[list[Any]] | None:
    """Read a cell as sentences of tags, names or numbers; a string is parted at blanks."""
    if isinstance(cell, str):
        return [cell.split()]
    if not isinstance(cell, list):
        return None
    sentences = _sentences(cell)
    for sentence in sentences:
        if not set(map(type, sentence)) <= {str, int, type(None)}:
            return None
    return sentences


def find_tokens(search: Search) -> str | None:
    """Find the column of lists of words that is called so."""
    if "tokens" in search.given:
        return search.given["tokens"]
    named = [name for wanted in TOKENS for name in search.free() if plain(name) == wanted]
    return next((name for name in named if _are_words(search.cells[name])), None)


def find_words(search: Search, tags: str) -> str:
    """Find the column that holds as many words in every row as there are tags.

    Words may be parted by blanks. None, or several that nothing tells apart, are a ConfigError.
    """
    wanted = [_length(tags_in(cell)) for cell in search.cells[tags]]
    candidates = []
    for name in search.free(tags):
        cells = search.cells[name]
        lengths = [_length(words_in(cell) or _parted(cell)) for cell in cells]
        seen = {word for cell in cells for one in words_in(cell) or [] for word in one}
        if not looks_like_tags(seen) and all(
            n in (m, None) for n, m in zip(lengths, wanted, strict=True)
        ):
            candidates.append(name)
    named = [name for name in candidates if plain(name) in (*TOKENS, *TEXTS)] or candidates
    if len(named) == 1:
        return named[0]
    if named:
        raise ambiguous(search.table, "tokens", named)
    raise ConfigError(
        f"{search.table.where}: tags in {tags!r}, and no column with as many words; expected the "
        "tokens.\nName them: --column tokens=COLUMN"
    )


def find_tags(search: Search, tokens: str | None) -> str | None:
    """Find the column of tags; columns that say the same count as one."""
    if "tags" in search.given:
        return search.given["tags"]
    strengths = {
        name: _strength(search, name)
        for name in sorted(search.free(tokens), key=lambda name: rank(name, TAGS))
        if not any(word in plain(name) for word in NO_TAGS)
    }
    found = [name for name in strengths if strengths[name]]
    if tokens is not None:
        fitting = [name for name in found if fits_tokens(search, name, tokens)]
        found = fitting or [name for name in found if plain(name) in TAGS]
    kept: list[str] = []
    for name in sorted(found, key=lambda name: -strengths[name]):
        if not any(_same_tags(search, other, name) for other in kept):
            kept.append(name)
    if len(kept) > 1:
        raise ambiguous(search.table, "tags", kept)
    return kept[0] if kept else None


def fits_tokens(search: Search, name: str, tokens: str) -> bool:
    """Say whether a column holds as many items as there are tokens, in every row."""
    pairs = zip(search.cells[name], search.cells[tokens], strict=True)
    return all(
        isinstance(cell, list | str) and _length(tags_in(cell)) == _length(words_in(words))
        for cell, words in pairs
        if cell is not None
    )


def find_names(search: Search, column: str, values: Sequence[Any], *keys: str) -> tuple[str, ...]:
    """Find what the numbers of a column stand for; a number without a name is a ConfigError.

    `keys` are what the files may call the column where they name its numbers.
    """
    numbers = {value for value in values if type(value) is int and value != NO_TAG}
    if not numbers:
        return ()
    names = search.options.labels or next(
        (search.table.names[key] for key in keys if key in search.table.names), ()
    )
    if not names:
        raise ConfigError(
            f"{search.table.where}: column {column!r} holds numbers from {shown(min(numbers))} to "
            f"{shown(max(numbers))}, whose names are in no file; expected their names.\n"
            "Give them in order, as in --labels O,B-PER,I-PER."
        )
    if min(numbers) < 0 or max(numbers) >= len(names):
        wrong = max(numbers) if max(numbers) >= len(names) else min(numbers)
        raise ConfigError(
            f"{search.table.where}: column {column!r} holds the number {shown(wrong)}, and there "
            f"are {len(names)} names; expected a name for every number, from 0.\n"
            "Give them in order, as in --labels O,B-PER,I-PER."
        )
    return names


def ambiguous(table: Table, role: str, names: Sequence[str]) -> ConfigError:
    """Say that several columns could play a part."""
    listed = ", ".join(repr(name) for name in names)
    return ConfigError(
        f"{table.where}: the {role} may be in any of the columns {listed}; expected to know which."
        f"\nName it: --column {role}={names[0]}"
    )


def _strength(search: Search, name: str) -> int:
    """Say how much a column looks like tags: 0 not, 1 numbers or bare labels, 2 tags."""
    held = [cell for cell in search.cells[name] if cell is not None]
    rows = [tags_in(cell) for cell in held]
    if not rows or any(row is None for row in rows):
        return 0
    seen = set().union(*(one for row in rows for one in row or [])) - {None, NO_TAG}
    is_named = plain(name) in TAGS
    if seen and all(isinstance(tag, int) for tag in seen):
        names = search.options.labels or search.table.names.get(name, ())
        return 2 if looks_like_tags(names) else int(is_named)
    if not all(isinstance(tag, str) for tag in seen):
        return 0
    if looks_like_tags(seen) and seen != {"O"}:
        return 2
    return int(is_named and "O" in seen and isinstance(held[0], list))


def _same_tags(search: Search, left: str, right: str) -> bool:
    """Say whether two columns say the same, one perhaps in numbers."""
    forth: dict[Any, Any] = {}
    for cells in zip(search.cells[left], search.cells[right], strict=True):
        rows = [tags_in(cell) or [] for cell in cells]
        flat = [[tag for sentence in row for tag in sentence] for row in rows]
        if len(flat[0]) != len(flat[1]):
            return False
        for one, other in zip(*flat, strict=True):
            if forth.setdefault(one, other) != other:
                return False
    is_number = [isinstance(one, int) for one in (*forth, *forth.values())]
    if any(is_number) and not all(is_number):
        return len(set(forth.values())) == len(forth)
    return all(one == other for one, other in forth.items())


def _are_words(cells: Sequence[Any]) -> bool:
    """Say whether cells are lists of words, and not of whole sentences."""
    held = [words_in(cell) for cell in cells if cell is not None]
    if not held or None in held:
        return False
    some = [word for row in held for one in row or [] for word in one][:_ENOUGH]
    return 2 * sum(" " in word for word in some) <= len(some)


def _sentences(cell: list[Any]) -> list[list[Any]]:
    return cell if set(map(type, cell)) == {list} else [cell]


def _parted(cell: Any) -> list[list[str]] | None:
    return [cell.split()] if isinstance(cell, str) else None


def _length(sentences: list[list[Any]] | None) -> int | None:
    return None if sentences is None else sum(map(len, sentences))
