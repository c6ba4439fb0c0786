"""Cells of a dataset as people write them into cells as they are meant.

Lists written out as strings are read, tagged words are parted into words and tags, and a document
in passages is put together.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from gonerd.errors import RecordError
from gonerd.formats.conll.tags import looks_like_tags
from gonerd.formats.fields import MOST_LEVELS, shown

Row = dict[str, Any]

_WORD = ("text", "word", "token", "form")
_TAG = ("ner_tag", "ner", "tag", "label", "bio", "entity")
_WIDEST_GAP = 1_000
"""Blanks between two passages of a text."""
_CUT_LIST = re.compile(r"['\"]\s+['\"]|\.\.\.")
"""In a list as NumPy prints it: no commas, and its middle left out."""


def plain_value(value: Any) -> Any:
    """Make of a value what JSON can carry; what it has no form for, as it is printed."""
    if isinstance(value, dict):
        return {str(key): plain_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def says_something(value: Any) -> bool:
    """Say whether a cell holds anything, however deep in empty lists."""
    if isinstance(value, list | tuple):
        return any(says_something(inner) for inner in value)
    if isinstance(value, dict):
        return any(says_something(inner) for inner in value.values())
    return value is not None and value != ""


def unwritten(rows: Sequence[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Read the cells of columns that hold nothing but lists and objects in writing.

    Rows that name the sha256 of their text are ours, and hold nothing in writing.
    """
    if any("text_sha256" in row for _, row in rows):
        return list(rows)
    columns = dict.fromkeys(key for _, row in rows for key in row)
    read: dict[str, Iterator[Any]] = {}
    for column in columns:
        cells = [row.get(column) for _, row in rows]
        written = [cell for cell in cells if cell not in (None, "")]
        if written and all(isinstance(cell, str) and cell[:1] in "[{(" for cell in written):
            values = [_value_in(cell) if cell else None for cell in cells]
            if all(value is not None for value, cell in zip(values, cells, strict=True) if cell):
                read[column] = iter(values)
            elif all(_CUT_LIST.search(cell) for cell in written):
                raise RecordError(
                    f"{rows[0][0]}: column {shown(column)!r} holds lists as NumPy prints them, "
                    "without commas or cut; expected JSON."
                )
    if not read:
        return list(rows)
    return [
        (where, {key: next(read[key]) if key in read else value for key, value in row.items()})
        for where, row in ((where, {**dict.fromkeys(read), **row}) for where, row in rows)
    ]


def parted(rows: Sequence[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Part columns of tagged words (`[["Ana", "B-PER"], ...]`) into words and tags."""
    columns = dict.fromkeys(key for _, row in rows for key in row)
    found = list(rows)
    for column in columns:
        cells = [_tagged_words(row.get(column)) for _, row in rows]
        tags = {tag for cell in cells for sentence in cell or [] for _, tag in sentence}
        if None in cells or "O" not in tags or not looks_like_tags(tags):
            continue
        for index, (where, row) in enumerate(found):
            sentences = cells[index] or []
            more = {
                f"{column}.words": [[word for word, _ in sentence] for sentence in sentences],
                f"{column}.tags": [[tag for _, tag in sentence] for sentence in sentences],
            }
            rest = {key: value for key, value in row.items() if key != column}
            found[index] = (where, {**rest, **more})
    return found


def with_passages(row: Row) -> Row:
    """Put the text of a document together from its passages (BigBio), if it comes in such."""
    passages = row.get("passages")
    if not isinstance(passages, list) or not passages or "passages.text" in row:
        return row
    text = ""
    for passage in passages:
        held = passage if isinstance(passage, dict) else {}
        texts, offsets = held.get("text"), held.get("offsets")
        if not isinstance(texts, list) or not isinstance(offsets, list):
            return row
        for piece, place in zip(texts, offsets, strict=False):
            start = place[0] if isinstance(place, list) and place else None
            if not isinstance(piece, str) or type(start) is not int:
                return row
            if not len(text) <= start <= len(text) + _WIDEST_GAP:
                return row
            text = text.ljust(start) + piece
    return {**row, "passages.text": text}


def _tagged_words(cell: Any) -> list[list[tuple[str, str]]] | None:
    """Read a cell as sentences of words with their tags; None where it is none."""
    if not isinstance(cell, list) or not cell:
        return None
    pairs = [_tagged_word(one) for one in cell]
    if all(pairs):
        return [[pair for pair in pairs if pair]]
    if not all(isinstance(one, list) for one in cell):
        return None
    sentences = [[_tagged_word(one) for one in sentence] for sentence in cell]
    if not all(pair for sentence in sentences for pair in sentence):
        return None
    return [[pair for pair in sentence if pair] for sentence in sentences]


def _tagged_word(value: Any) -> tuple[str, str] | None:
    if isinstance(value, dict):
        word = next((value[key] for key in _WORD if key in value), None)
        tag = next((value[key] for key in _TAG if key in value), None)
        value = [word, tag]
    if not isinstance(value, list) or len(value) != 2:
        return None
    word, tag = value
    return (word, tag) if isinstance(word, str) and isinstance(tag, str) else None


def _value_in(cell: str) -> Any:
    """Read a list or object out of its writing as JSON or Python; None where it is neither."""
    value: Any = None
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        if re.search(r"['\"]\s+['\"]", cell) is None:  # Python would join two such words
            try:
                value = ast.literal_eval(cell)
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                return None
    if isinstance(value, tuple):
        value = list(value)
    if not isinstance(value, list | dict):
        return None
    return value if _is_shallow(value) else None


def _is_shallow(value: Any) -> bool:
    """Say whether a value is nested no deeper than a record may be."""
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list | tuple)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return not level
