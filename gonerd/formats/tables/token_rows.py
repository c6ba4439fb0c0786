"""A table with a row for each token into one with a row for each document.

The rows of a document, or of a sentence where nothing tells more, stand together and have its id in
a column; in some files only the first of them has it. A row that holds no token ends a sentence.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from gonerd.errors import RecordError
from gonerd.formats.conll.tags import looks_like_tags
from gonerd.formats.fields import shown
from gonerd.formats.layers import ReadOptions
from gonerd.formats.members import names_of
from gonerd.formats.tables.cells import Row
from gonerd.formats.tables.column_names import ANNOTATORS, IDS, STATUSES, TAGS, plain
from gonerd.formats.tables.rows import Table
from gonerd.formats.tables.tag_choice import ambiguous

_WORDS = ("token", "tokens", "word", "words", "form", "text")
_NUMBER = "(id|idx|index|no|nr|num|number|key)"
_SENTENCE = re.compile(f"sent(ence)?s?{_NUMBER}?")
_DOCUMENT = re.compile(
    f"(doc(ument)?|file|article|essay)({_NUMBER}|name)?|(text|abstract|example|sample){_NUMBER}"
)
_OF_ALL = (*STATUSES, "guide", "source", "url", "license", "licence", "language", "lang")
"""Columns that say something of a document, and not of its tokens."""
_MOST_BLANK = 0.01
"""Share of tokens that may have a blank in them, as some numbers do."""

_Numbered = Sequence[tuple[str, Row]]
"""Rows, each with where it stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """Which column plays which part."""

    word: str
    tags: tuple[str, ...]
    document: str | None
    """Says which rows belong together; it may be one that counts sentences."""
    sentence: str | None
    """Parts the rows of a document."""
    annotator: str | None


def with_tokens_joined(table: Table, options: ReadOptions) -> Table:
    """Make one row of the tokens of each document; a table of other rows stays as it is.

    Columns keep their names, but the one that says which rows belong together becomes `id`, or
    `text` where it holds the words themselves.
    """
    columns = _columns(table, options)
    if columns is None:
        return table
    groups = list(_groups(table.rows, columns))
    is_text = columns.document is not None and all(
        _is_text(group, columns.document, columns.word) for group in groups
    )
    role = "id" if not is_text else "text" if columns.word != "text" else "fulltext"
    rows = tuple(_joined(group, columns, role) for group in groups)
    if columns.document is None:
        document, _ = names_of(table.member, annotator=options.annotator, paths=options.paths)
        name = f"{document}:{table.split}" if table.split else document
        rows = tuple((where, {**row, "id": name}) for where, row in rows)
    note = f"each row is a token; those of a document have the same {columns.document!r}"
    if columns.document is None:
        note = "each row is a token; all of a file are one document"
    return replace(table, rows=rows, notes=(*table.notes, note))


def _columns(table: Table, options: ReadOptions) -> _Columns | None:
    """Find the parts of the columns; None where rows are no tokens."""
    if len(table.rows) < 2:
        return None
    cells = {name: [row.get(name) for _, row in table.rows] for name in table.columns}
    named = [name for wanted in _WORDS for name in cells if plain(name) == wanted]
    if "tokens" in options.columns:
        named = [name for name in cells if name == options.columns["tokens"]]
    word = next((name for name in named if _are_words(cells[name])), None)
    tags = tuple(name for name in cells if name != word and _are_tags(name, cells[name], options))
    if word is None or not tags:
        return None
    parting = [name for name in cells if name not in (word, *tags) and _is_parting(cells[name])]
    documents = [name for name in parting if plain(name) in IDS or _DOCUMENT.fullmatch(plain(name))]
    if "id" in options.columns:
        documents = [name for name in cells if name == options.columns["id"]]
    sentences = [name for name in parting if _SENTENCE.fullmatch(plain(name))]
    if len(documents or sentences) > 1:
        raise ambiguous(table, "id", documents or sentences)
    document, *_ = [*documents, *sentences, None]
    annotators = [name for name in cells if plain(name) in ANNOTATORS]
    return _Columns(
        word=word,
        tags=tags,
        document=document,
        sentence=next((name for name in sentences if name != document), None),
        annotator=options.columns.get("annotator", next(iter(annotators), None)),
    )


def _are_words(cells: Sequence[Any]) -> bool:
    held = [cell for cell in cells if cell is not None]
    if not held or not all(isinstance(cell, str) for cell in held):
        return False
    return sum(len(cell.split()) != 1 for cell in held) <= _MOST_BLANK * len(held)


def _are_tags(name: str, cells: Sequence[Any], options: ReadOptions) -> bool:
    held = [cell for cell in cells if cell is not None]
    if not held or not all(isinstance(cell, str) for cell in held):
        return False
    seen = set(held)
    if not all(len(tag.split()) == 1 for tag in seen):
        return False
    is_named = plain(name) in TAGS or name in (options.layer, options.columns.get("tags"))
    return "O" in seen and (looks_like_tags(seen) or is_named)


def _is_parting(cells: Sequence[Any]) -> bool:
    """Say whether a column has the same in rows that follow each other, or nothing in some."""
    held = [cell for cell in cells if cell is not None]
    if not held or not all(type(cell) in (str, int) for cell in held):
        return False
    runs = 1 + sum(1 for left, right in pairwise(held) if left != right)
    return 2 * runs <= len(cells)


def _groups(rows: _Numbered, columns: _Columns) -> Iterator[_Numbered]:
    """Group the rows of each document, and in it those of each annotator."""
    filled = _filled(rows, columns)
    for _, group in groupby(filled, key=lambda one: _cell(one[1], columns.document)):
        if columns.annotator is None:
            yield list(group)
            continue
        by_annotator: dict[str, list[tuple[str, Row]]] = {}
        for where, row in group:
            who = str(_cell(row, columns.annotator))
            by_annotator.setdefault(who, []).append((where, row))
        yield from by_annotator.values()


def _filled(rows: _Numbered, columns: _Columns) -> Iterator[tuple[str, Row]]:
    """Write what only the first row of a document or a sentence says into those below it."""
    last: Row = {}
    for where, row in rows:
        for name in (columns.document, columns.sentence):
            if name is not None and row.get(name) is not None:
                last[name] = row[name]
        yield where, {**row, **last}


def _joined(group: _Numbered, columns: _Columns, role: str) -> tuple[str, Row]:
    sentences = list(_sentences(group, columns))
    where, first = group[0]
    row: Row = {}
    for name in first:
        if name == columns.document:
            row[role] = first[name]
        elif name == columns.annotator or plain(name) in _OF_ALL:
            row[name] = first[name]
        elif name not in (columns.sentence, role):
            row[name] = [[token.get(name) for token in sentence] for sentence in sentences]
    return where, row


def _sentences(group: _Numbered, columns: _Columns) -> Iterator[list[Row]]:
    """Part the rows of a document into sentences, without those that hold no token."""
    found: list[Row] = []
    last = None
    for where, row in group:
        sentence = _cell(row, columns.sentence)
        is_token = row.get(columns.word) is not None
        if found and (sentence != last or not is_token):
            yield found
            found = []
        last = sentence
        if is_token:
            found.append(row)
            continue
        tag = next((row[name] for name in columns.tags if row.get(name) not in (None, "O")), None)
        if tag is not None:
            raise RecordError(f"{where}: no word beside the tag {shown(tag)}; expected a word.")
    if found:
        yield found


def _cell(row: Row, name: str | None) -> Any:
    return None if name is None else row.get(name)


def _is_text(group: _Numbered, document: str, word: str) -> bool:
    """Say whether what a document's rows share is its text."""
    words = [row[word] for _, row in group if row.get(word) is not None]
    text = group[0][1].get(document)
    return isinstance(text, str) and "".join(text.split()) == "".join("".join(words).split())
