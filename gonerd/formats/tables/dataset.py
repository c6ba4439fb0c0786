"""Datasets of unknown columns into passes, and annotations into a dataset.

Files are JSON lines, JSON, Parquet, Arrow (as `save_to_disk` leaves it) and CSV. What was
recognised is in the notes of every pass. A row of tokens and tags says something of every token; a
row of spans says nothing of the rest of its text, unless it says that it is finished.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gonerd.bio import OUTSIDE, encode
from gonerd.errors import ConfigError, RecordError
from gonerd.formats.conll.tags import find_scheme
from gonerd.formats.fields import id_in, name_in, shown
from gonerd.formats.layers import Carries, Format, Pass, ReadOptions, TokenPass, Written
from gonerd.formats.members import Member, names_of
from gonerd.formats.tables import argilla
from gonerd.formats.tables.cells import Row, says_something
from gonerd.formats.tables.column_names import ASIDES
from gonerd.formats.tables.column_names import plain as plain_name
from gonerd.formats.tables.counting import Counting, Seen, find_counting
from gonerd.formats.tables.recognise import Parts, recognise
from gonerd.formats.tables.row_passes import Place, by_spans, by_tags, tags_of, words_of
from gonerd.formats.tables.rows import Table, tables_of
from gonerd.formats.tables.span_cells import spans_in
from gonerd.formats.tables.token_rows import with_tokens_joined
from gonerd.formats.tokenized import UNKNOWN, tokenized
from gonerd.gather import Annotated
from gonerd.records import GOLD, Annotation, Document, Loss, Span, span_to_json
from gonerd.spans import flatten

_SPLIT = re.compile(
    r"(train(ing)?|valid(ation)?|val|dev(el)?|test(ing)?|eval(uation)?)([-_.]?\d.*)?",
    re.IGNORECASE,
)
"""Files called so hold parts of one dataset, not the work of different people."""
_NOBODY = "dataset"
"""Who made the annotations of a dataset that does not say it."""
_DONE = frozenset(
    {
        "accept", "accepted", "approved", "complete", "completed", "done", "finished", "gold",
        "submitted", "validated",
    }
)  # fmt: skip
_REFUSED = frozenset(
    {
        "canceled", "cancelled", "discarded", "ignore", "ignored", "reject", "rejected", "skipped",
    }
)  # fmt: skip
"""What a column of states says of rows that are no answers."""
_ENOUGH = 300
"""Rows with spans by which it is known what offsets count."""
_DETAILS = ("source", "url", "license", "licence", "language", "lang")
_DERIVED = (
    "textsha256", "passages", "numtokens", "tokenstarts", "tokenends", "sentencestarts", "split"
)  # fmt: skip
"""Columns that can be made again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """A table whose parts are known."""

    table: Table
    parts: Parts
    names: tuple[str, ...]
    """The id of each row's document."""
    annotators: tuple[str, ...]


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass | TokenPass]:
    """Read every table in which entities are recognised; none at all is a ConfigError."""
    tables = [table for table in tables_of(members) if table.rows]
    of_argilla = [table for table in tables if argilla.is_argilla(table)]
    found: list[Pass | TokenPass] = []
    for table in of_argilla:
        found += argilla.passes_of(table, options)
    rest = [table for table in tables if table not in of_argilla]
    _check_columns(rest, options)
    groups = _alike(with_tokens_joined(table, options) for table in rest)
    known: list[_Known] = []
    others: list[Table] = []
    for group in groups:
        parts = recognise(_pooled(group), options)
        if parts is None:
            others += group
        else:
            known += [_known(table, parts, options) for table in group]
    if tables and not known and not found:
        raise _unrecognised(others[0])
    known = _told_apart(known)
    for one in known:
        found += _passes(one, known, options)
    passed_over = tuple(f"no entities recognised in {table.where}" for table in others)
    for index, one_pass in enumerate(found):
        yield replace(one_pass, notes=(*one_pass.notes, *passed_over)) if not index else one_pass


def write(items: Sequence[Annotated]) -> Written:
    """Write one row for each document and annotator: text, tokens, tags by name, spans."""
    lines: list[str] = []
    losses: list[Loss] = []
    for item in items:
        for annotation in item.annotations:
            row = _row(item.document, annotation)
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        if not item.annotations:
            why = "nobody has annotated it"
            losses.append(Loss(document_id=item.document.id, what="document left out", why=why))
    return Written(files={"": "".join(lines).encode("utf-8")}, losses=tuple(losses))


def _alike(tables: Iterable[Table]) -> list[list[Table]]:
    """Group tables of the same columns: what the rows of one do not tell, those of another may."""
    groups: dict[Any, list[Table]] = defaultdict(list)
    for table in tables:
        key = (frozenset(table.columns), frozenset(table.names.items()), table.is_arrow)
        groups[key].append(table)
    return list(groups.values())


def _pooled(group: Sequence[Table]) -> Table:
    return replace(group[0], rows=tuple(row for table in group for row in table.rows))


def _check_columns(tables: Sequence[Table], options: ReadOptions) -> None:
    """Refuse the name of a column that is nowhere."""
    columns = {column for table in tables for column in table.columns}
    asked = {f"--column {role}={name}": name for role, name in options.columns.items()}
    if options.layer is not None:
        asked[f"--layer {options.layer}"] = options.layer
    for option, name in asked.items():
        if tables and name not in columns:
            raise ConfigError(
                f"{option}: no such column; expected one of {', '.join(sorted(columns))}."
            )


def _unrecognised(table: Table) -> ConfigError:
    listed = ", ".join(shown(column) for column in table.columns)
    return ConfigError(
        f"{table.where}: no entities recognised in the columns {listed}; expected tokens with "
        "tags, or a text with spans.\n"
        "Name them: --column tokens=COLUMN --column tags=COLUMN, or --column text=COLUMN --column "
        "spans=COLUMN."
    )


def _known(table: Table, parts: Parts, options: ReadOptions) -> _Known:
    document, who = names_of(table.member, annotator=options.annotator, paths=options.paths)
    if options.annotator is None and parts.is_release:
        who = GOLD
    elif options.annotator is None and options.paths is None and _SPLIT.fullmatch(who):
        who = _NOBODY
    if table.split:
        document = f"{document}:{table.split}"
    rows = [row for _, row in table.rows]
    annotators = tuple(name_in(parts.of("annotator", row)) or who for row in rows)
    names = [
        id_in(parts.of("id", row)) or f"{document}:{number}"
        for number, row in enumerate(rows, start=1)
    ]
    times = Counter(zip(names, annotators, strict=True))
    return _Known(
        table=table,
        parts=parts,
        names=tuple(
            f"{name}:{number}" if times[name, annotator] > 1 else name
            for number, (name, annotator) in enumerate(zip(names, annotators, strict=True), start=1)
        ),
        annotators=annotators,
    )


def _told_apart(known: Sequence[_Known]) -> list[_Known]:
    """Put the name of its file before an id that stands for another text in another file.

    Two people who annotated one text in files of their own keep its id.
    """
    texts: dict[str, set[int]] = defaultdict(set)
    authors: dict[str, Counter[str]] = defaultdict(Counter)
    for one in known:
        for name, who, (_, row) in zip(one.names, one.annotators, one.table.rows, strict=True):
            if (content := _content(one.parts, row)) is not None:
                texts[name].add(content)
                authors[name][who] += 1
    clashing = {
        name
        for name, contents in texts.items()
        if len(contents) > 1 and max(authors[name].values()) > 1
    }
    if not clashing:
        return list(known)
    return [
        replace(
            one,
            names=tuple(
                f"{one.table.split or one.table.member.stem}:{name}" if name in clashing else name
                for name in one.names
            ),
        )
        for one in known
    ]


def _content(parts: Parts, row: Row) -> int | None:
    """Tell texts apart, however they are parted into tokens."""
    text = parts.of("text", row)
    words = [text] if isinstance(text, str) else words_of(row, parts)
    return None if words is None else hash("".join("".join(words).split()))


def _passes(one: _Known, known: Sequence[_Known], options: ReadOptions) -> list[Pass | TokenPass]:
    notes = _notes(one)
    scheme, counting = "", Counting()
    if "tags" in one.parts.columns:
        scheme, more = _scheme(one, known, options)
        notes = (*notes, *more)
    else:
        counting = _counting(one, known, options)
        notes = (*notes, *counting.notes())
    texts = _texts(known) if "text" not in one.parts.columns else {}
    found: list[Pass | TokenPass] = []
    refused: list[Loss] = []
    for (where, row), name, annotator in zip(
        one.table.rows, one.names, one.annotators, strict=True
    ):
        status = str(one.parts.of("status", row)).strip().lower()
        if status in _REFUSED:
            refused.append(Loss(document_id=name, what="answer refused", why=f"it is {status}"))
            continue
        place = Place(
            where=where,
            document_id=name,
            annotator=annotator,
            notes=notes,
            is_finished=status in _DONE and "_task_hash" not in row,  # Prodigy accepts lone spans
        )
        if scheme:
            found.append(by_tags(row, one.parts, place, scheme))
        else:
            found.append(by_spans(row, one.parts, place, counting, texts.get(name)))
    if not found:
        raise RecordError(
            f"{one.table.where}: every row is {status}; expected one that was not refused."
        )
    if refused:
        found[0] = replace(found[0], losses=(*found[0].losses, *refused))
    return found


def _scheme(
    one: _Known, known: Sequence[_Known], options: ReadOptions
) -> tuple[str, tuple[str, ...]]:
    """Find the scheme of a column of tags over all files that have it."""
    column = one.parts.columns["tags"]
    sequences = (
        sentence
        for other in known
        if other.parts.columns.get("tags") == column
        for where, row in other.table.rows
        for sentence in tags_of(row, other.parts, where)
    )
    return find_scheme(sequences, one.table.where, given=options.scheme)


def _counting(one: _Known, known: Sequence[_Known], options: ReadOptions) -> Counting:
    """Find out what offsets count, over all files of the same columns."""
    shape = one.parts.shape
    if shape is None or one.parts.is_release or "text_sha256" in one.table.columns:
        return Counting()
    rows: list[Seen] = []
    for row in (row for other in known if other.parts == one.parts for _, row in other.table.rows):
        if sum(bool(seen.spans) for seen in rows) == _ENOUGH:
            break
        text = one.parts.of("text", row)
        rows.append(
            Seen(
                text=text if isinstance(text, str) else None,
                tokens=words_of(row, one.parts),
                spans=spans_in(one.parts.of("spans", row), shape)[0],
            )
        )
    return find_counting(rows, shape, one.parts.columns, options.columns, one.table.where)


def _texts(known: Iterable[_Known]) -> dict[str, str]:
    """List the texts that tables hold, for those that speak of them elsewhere."""
    found: dict[str, str] = {}
    for one in known:
        for name, (_, row) in zip(one.names, one.table.rows, strict=True):
            text = one.parts.of("text", row)
            if isinstance(text, str):
                found[name] = text
    return found


def _notes(one: _Known) -> tuple[str, ...]:
    """Say in one sentence what was recognised, and in others what was passed over."""
    parts, columns = one.parts, one.parts.columns
    as_numbers = {"tags" if "tags" in columns else "spans"} if parts.names else set()
    named = [
        f"{role} in {columns[role]!r}{' as numbers' if role in as_numbers else ''}"
        for role in ("tokens", "tags", "text", "spans", "annotator")
        if role in columns
    ]
    notes = [*one.table.notes, ", ".join(named)]
    if parts.are_pieces:
        notes.append("spans are tagged tokens, and were joined")
    if parts.unread:
        notes.append(f"not read, since spans say more: {', '.join(sorted(parts.unread))}")
    statuses = {str(parts.of("status", row)).strip().lower() for _, row in one.table.rows}
    if "status" in columns and statuses - _DONE - _REFUSED:
        notes.append(f"what {columns['status']!r} says of a row was not understood")
    left = [
        name
        for name in one.table.columns
        if name not in (*columns.values(), *parts.unread)
        and plain_name(name) not in (*_DETAILS, *_DERIVED, *ASIDES)
        and any(says_something(row.get(name)) for _, row in one.table.rows)
    ]
    if left:
        notes.append(f"not carried over: {', '.join(sorted(map(shown, left)))}")
    return tuple(notes)


def _row(document: Document, annotation: Annotation) -> dict[str, Any]:
    """Write a row; every row has every key, so that all have one schema."""
    found = tokenized(document, annotation)
    flat, _ = flatten(
        Span(start=start, end=end, label=label) for (start, end, label), _ in found.spans
    )
    tags = encode([(span.start, span.end, span.label) for span in flat], len(found.unknown))
    return {
        "id": document.id,
        "text": document.text,
        "tokens": found.tokens.texts,
        "ner_tags": [
            UNKNOWN if unread and tag == OUTSIDE else tag
            for tag, unread in zip(tags, found.unknown, strict=True)
        ],
        "token_starts": found.tokens.starts,
        "token_ends": found.tokens.ends,
        "spans": [
            {"confidence": None, "support": None, "fragments": [], **span_to_json(span)}
            for span in annotation.spans
        ],
        "annotator": annotation.annotator,
        "guide": annotation.guide,
        "coverage": [list(covered) for covered in annotation.coverage],
        "text_sha256": annotation.text_sha256,
        "source": document.source,
        "url": document.url,
        "license": document.license,
        "language": document.language,
    }


FORMAT = Format(
    name="dataset",
    title="a dataset of rows",
    read=read,
    write=write,
    carries=Carries(
        discontinuous=True,
        coverage=True,
        confidence=True,
        support=True,
        guide=True,
        document_details=True,
    ),
    suffixes=(".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".csv", ".tsv", "readme.md"),
    options=frozenset({"columns", "labels", "scheme", "layer"}),
)
