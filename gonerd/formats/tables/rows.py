"""Files of a dataset (JSON, JSON lines, Parquet, Arrow, CSV) into tables of rows.

Beside the rows a table knows the names of what is stored as a number, as far as a schema, a card or
a file of labels tells them. A column whose every cell is a list or object written out as a string
is read as what it says.
"""

import csv
import fnmatch
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from gonerd.errors import RecordError
from gonerd.formats.fields import json_list, json_rows
from gonerd.formats.members import Member, json_of, text_of
from gonerd.formats.tables.cells import Row, parted, unwritten, with_passages
from gonerd.formats.tables.class_names import (
    CardConfig,
    names_in_card,
    names_in_features,
    names_in_labels,
)

_ROWS = ("data", "rows", "examples", "documents", "records", "items")
"""Keys under which a lone object holds its rows, other things beside them."""
_ABOUT = (
    "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "manifest.json",
)  # fmt: skip
"""Files that describe a dataset and hold none of it."""
_TOKENS = ("tokens", "words")
"""Columns whose words are those of one row, not of many."""
_MOST_ODD = 0.05
"""Share of bytes beyond ASCII; Latin letters are fewer, all other scripts have more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The rows of a file, or of one split in a file."""

    member: Member
    split: str
    """What the rows are called inside the file; "" where the file holds no more than these."""
    rows: tuple[tuple[str, Row], ...]
    """Each with where it stands."""
    names: Mapping[str, tuple[str, ...]]
    """Column, or column.field, and what its numbers stand for."""
    notes: tuple[str, ...] = ()
    """What the user should know of how the rows were read."""
    is_arrow: bool = False
    """Whether it comes out of Arrow or Parquet, where numbers have a width."""

    @property
    def where(self) -> str:
        """Where the table stands, for messages."""
        return f"{self.member.where}:{self.split}" if self.split else self.member.where

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the order in which they are first met."""
        return tuple(dict.fromkeys(key for _, row in self.rows for key in row))


def tables_of(members: Sequence[Member]) -> list[Table]:
    """Read every table that stands in some files, with the names that other files give."""
    tables: list[Table] = []
    cards: list[tuple[str, CardConfig]] = []
    for member in members:
        folder = str(PurePosixPath(member.name).parent)
        base = PurePosixPath(member.name).name
        if member.suffix == ".md":
            cards += [(folder, config) for config in names_in_card(text_of(member))]
        elif base in _ABOUT:
            names = names_in_features(json_of(member))
            cards.append((folder, CardConfig(patterns=(), names=names)))
        elif not base.startswith("cache-"):
            for table in _tables(member):
                if labels := names_in_labels(base, table.rows):
                    cards.append((folder, CardConfig(patterns=(), names={"": labels})))
                else:
                    tables.append(table)
    return [replace(table, names=_names(table, cards)) for table in tables]


def _names(table: Table, cards: Sequence[tuple[str, CardConfig]]) -> dict[str, tuple[str, ...]]:
    """Gather what the files above a table say of its numbers; its own schema says it best.

    Where two configurations of a card disagree, neither is believed.
    """
    found: dict[str, set[tuple[str, ...]]] = {}
    above = [
        (folder, config)
        for folder, config in cards
        if folder == "." or table.member.name.startswith(f"{folder}/")
    ]
    fitting = [
        config
        for folder, config in above
        if any(_matches(table.member.name, folder, pattern) for pattern in config.patterns)
    ]
    for config in fitting or [config for _, config in above]:
        for column, names in config.names.items():
            found.setdefault(column, set()).add(names)
    agreed = {column: next(iter(names)) for column, names in found.items() if len(names) == 1}
    return {**agreed, **table.names}


def _matches(name: str, folder: str, pattern: str) -> bool:
    path = pattern if folder == "." else f"{folder}/{pattern}"
    return fnmatch.fnmatchcase(name, path.removeprefix("./"))


def _tables(member: Member) -> list[Table]:
    content = member.read()
    if content.startswith(b"PAR1"):
        return [_from_arrow(member, _parquet(content, member.where))]
    if content.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return [_from_arrow(member, _arrow(content, member.where))]
    if member.suffix in (".parquet", ".arrow"):
        raise RecordError(f"{member.where}: not a {member.suffix[1:]} file; expected a whole one.")
    if member.suffix in (".csv", ".tsv"):
        text, notes = _text_in(member)
        return [replace(_table(member, "", _csv(member, text)), notes=notes)]
    return [_table(member, split, rows) for split, rows in _json(member, content)]


def _table(member: Member, split: str, rows: Sequence[tuple[str, Row]]) -> Table:
    pool: dict[str, str] = {}
    for _, row in rows:
        for value in row.values():
            _share(value, pool)
    held = [(where, with_passages(row)) for where, row in parted(unwritten(rows))]
    return Table(member=member, split=split, rows=tuple(held), names={})


def _share(value: Any, pool: dict[str, str]) -> None:
    """Keep each word of a long list of words once in memory."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        value[:] = [pool.setdefault(one, one) if type(one) is str else one for one in value]


def _json(member: Member, content: bytes) -> Iterator[tuple[str, list[tuple[str, Row]]]]:
    is_list = content[:100].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    if is_list or member.suffix == ".jsonl" or not _is_one_value(content):
        yield "", [(where, _unpacked(row)) for where, row in json_rows(member)]
        return
    ((_, value),) = json_list(member)
    for split, rows in _splits(value):
        place = f"{member.where}:{split}" if split else member.where
        yield split, [(f"{place}[{number}]", row) for number, row in enumerate(rows, start=1)]


def _is_one_value(content: bytes) -> bool:
    """Say whether a file is one JSON value, which may be laid out over many lines."""
    if content.count(b"\n", 0, len(content.rstrip())) == 0:
        return True
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _splits(value: Row) -> Iterator[tuple[str, list[Row]]]:
    """Find the rows in a lone object: by split, under a key, by column, or the object itself."""
    lists = {key: inner for key, inner in value.items() if _are_rows(inner)}
    if lists and len(lists) == len(value):
        for key, rows in lists.items():
            yield ("" if key in _ROWS else key), [_unpacked(row) for row in rows]
    elif held := [key for key in _ROWS if key in lists]:
        yield "", [_unpacked(row) for row in value[held[0]]]
    elif rows := _by_column(value):
        yield "", rows
    else:
        yield "", [value]


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _unpacked(row: Row) -> Row:
    """Take a row out of what a dataset viewer answers with."""
    inner = row.get("row")
    return inner if isinstance(inner, dict) and "row_idx" in row else row


def _by_column(value: Row) -> list[Row]:
    """Turn columns into rows: lists of lists, or pandas' objects from row number to cell."""
    columns = list(value.values())
    if len(columns) > 1 and all(isinstance(column, dict) for column in columns):
        keys = list(columns[0])
        if keys and all(list(column) == keys for column in columns) and keys[0].isdigit():
            return [{name: column[key] for name, column in value.items()} for key in keys]
    if len(columns) > 1 and all(isinstance(column, list) for column in columns):
        cells = [[isinstance(cell, list | dict) for cell in column] for column in columns]
        is_mixed = any(all(column) for column in cells) and not all(any(c) for c in cells)
        has_tokens = any(isinstance(word, str) for key in _TOKENS for word in value.get(key, []))
        if len({len(column) for column in columns}) == 1 and is_mixed and not has_tokens:
            return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    return []


def _text_in(member: Member) -> tuple[str, tuple[str, ...]]:
    """Read a member as UTF-8, or as what programs for tables write where letters are Latin."""
    content = member.read()
    try:
        return text_of(member), ()
    except RecordError:
        if sum(byte > 127 for byte in content) > _MOST_ODD * len(content):
            raise
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:  # it has no letter there
        text = content.decode("latin-1")
    return text, ("not in UTF-8, and read as Windows-1252",)


def _csv(member: Member, content: str) -> list[tuple[str, Row]]:
    head = content.partition("\n")[0]
    delimiter = "\t" if member.suffix == ".tsv" else max(",;\t|", key=head.count)
    limit = csv.field_size_limit(sys.maxsize)  # a document may be longer than what is usual
    rows: list[tuple[str, Row]] = []
    try:
        reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter)
        for row in reader:
            where = f"{member.where}:{reader.line_num}"
            if None in row:
                raise RecordError(
                    f"{where}: more cells than columns; expected {len(row) - 1} to a row."
                )
            rows.append((where, {key: value or None for key, value in row.items()}))
    except csv.Error as error:
        raise RecordError(f"{member.where}: not CSV ({error}); expected rows of cells.") from None
    finally:
        csv.field_size_limit(limit)
    return rows


def _parquet(content: bytes, where: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise _unreadable(where, error, "Parquet") from None


def _arrow(content: bytes, where: str) -> Any:
    import pyarrow as pa

    opened = pa.ipc.open_file if content.startswith(b"ARROW1") else pa.ipc.open_stream
    try:
        return opened(pa.BufferReader(content)).read_all()
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise _unreadable(where, error, "Arrow") from None


def _from_arrow(member: Member, arrow: Any) -> Table:
    import pyarrow as pa

    held = (arrow.schema.metadata or {}).get(b"huggingface")
    try:
        rows = arrow.to_pylist()
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise _unreadable(member.where, error, "Arrow") from None
    numbered = [(f"{member.where}[{number}]", row) for number, row in enumerate(rows, start=1)]
    try:
        names = names_in_features(json.loads(held)) if held else {}
    except (ValueError, RecursionError):
        names = {}
    return replace(_table(member, "", numbered), names=names, is_arrow=True)


def _unreadable(where: str, error: Exception, kind: str) -> RecordError:
    reason = (str(error).splitlines() or [""])[0]
    return RecordError(f"{where}: cannot be read ({reason}); expected a whole file of {kind}.")
