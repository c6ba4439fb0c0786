"""Argilla's records, as it exports them to datasets or JSON, into passes, and back.

Every user's response to the question about spans is a pass, and so is a model's suggestion. A
submitted response says that the text was read; a draft does not; a discarded one is refused.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gonerd.errors import ConfigError, RecordError
from gonerd.formats.annotation_tools.text_field import Evidence, find_text_field
from gonerd.formats.fields import (
    check_text,
    details_in,
    details_of,
    id_in,
    mention_in,
    sort_out,
)
from gonerd.formats.layers import (
    MARKED,
    WHOLE,
    Aside,
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    Written,
)
from gonerd.formats.members import Member, names_of
from gonerd.formats.stamp import marks_of, read_stamp, write_stamp
from gonerd.formats.tables.argilla_answers import QUESTION, STAMPS, Answer, answers_in, fields_in
from gonerd.formats.tables.cells import Row, plain_value
from gonerd.formats.tables.column_names import TEXTS, plain
from gonerd.formats.tables.rows import Table, tables_of
from gonerd.formats.tables.span_cells import Shape, find_shape, spans_in
from gonerd.gather import Annotated
from gonerd.records import Loss
from gonerd.spans import covers, merge_ranges


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    """A record with everything said about it."""

    where: str
    document_id: str
    row: Row
    fields: Mapping[str, str]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """Which question is about entities, and what of."""

    question: str
    shape: Shape | None
    field: str


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read the responses and suggestions of every record."""
    for table in tables_of(members):
        if table.rows:
            yield from passes_of(table, options)


def write(items: Sequence[Annotated]) -> Written:
    """Write one record for each document, a response for each annotator."""
    rows = [_row(item) for item in items if item.annotations]
    losses = tuple(
        Loss(document_id=item.document.id, what="document left out", why="nobody has annotated it")
        for item in items
        if not item.annotations
    )
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return Written(files={"": content.encode("utf-8")}, losses=losses)


def is_argilla(table: Table) -> bool:
    """Say whether a table is laid out as Argilla does it."""
    return any(True for _, row in table.rows for _ in answers_in(row))


def passes_of(table: Table, options: ReadOptions) -> list[Pass]:
    """Read the rows of a table."""
    document, _ = names_of(table.member, annotator=options.annotator, paths=options.paths)
    records = [
        _Record(
            where=where,
            document_id=id_in(row.get("id"), row.get("external_id")) or f"{document}:{number}",
            row=row,
            fields=fields_in(row),
            answers=tuple(answers_in(row)),
        )
        for number, (where, row) in enumerate(table.rows, start=1)
    ]
    question, shape = _choose(records, options, table.where)
    field = _text_field(records, question, shape, options, table.where)
    said = _Said(question=question, shape=shape, field=field)
    found: list[Pass] = []
    asides: list[Aside] = []
    losses: list[Loss] = []
    for record in records:
        for answer in record.answers:
            if answer.question != question:
                asides.append(_choice(record, answer))
            elif answer.status == "discarded":
                why = "it was discarded"
                losses.append(Loss(document_id=record.document_id, what="answer refused", why=why))
            else:
                found.append(_pass(record, answer, said))
    if not found:
        raise RecordError(
            f"{table.where}: every answer to {question!r} was refused; expected one that stands."
        )
    if asides or losses:
        first = found[0]
        found[0] = replace(first, asides=(*first.asides, *asides), losses=(*first.losses, *losses))
    return found


def _choose(
    records: Sequence[_Record], options: ReadOptions, where: str
) -> tuple[str, Shape | None]:
    """Choose the question that was answered with spans."""
    asked: dict[str, list[tuple[Any, str]]] = {}
    for record in records:
        text = "\n".join(record.fields.values())
        for answer in record.answers:
            asked.setdefault(answer.question, []).append((answer.value, text))
    shapes: dict[str, Shape | None] = {}
    for question, pairs in asked.items():
        shape = find_shape([value for value, _ in pairs], [text for _, text in pairs])
        if shape is not None and shape.has_offsets:
            shapes[question] = shape
    if not shapes:  # nobody marked anything, but a list was asked for
        shapes = {
            question: None
            for question, pairs in asked.items()
            if all(value in (None, []) for value, _ in pairs)
        }
    if options.layer is not None:
        shapes = {name: shape for name, shape in shapes.items() if name == options.layer}
    if len(shapes) == 1:
        return next(iter(shapes.items()))
    listed = ", ".join(repr(question) for question in shapes or asked) or "none"
    if shapes:
        raise ConfigError(
            f"{where}: spans are the answers to {listed}; expected to know which are the entities."
            f"\nName the question: --layer {next(iter(shapes))}"
        )
    raise ConfigError(
        f"{where}: no question is answered with spans; the questions are {listed}; expected one "
        "about spans."
    )


def _text_field(
    records: Sequence[_Record],
    question: str,
    shape: Shape | None,
    options: ReadOptions,
    where: str,
) -> str:
    """Choose the field that was marked."""
    names = {name for record in records for name in record.fields}
    wanted = options.columns.get("text")
    if wanted is not None:
        if wanted not in names:
            raise ConfigError(
                f"--column text={wanted}: no such field; "
                f"expected one of {', '.join(sorted(names)) or 'none'}."
            )
        return wanted
    named = [name for usual in TEXTS for name in names if plain(name) == usual]
    if len(names) == 1 or (named and plain(named[0]) == "text"):
        return next(iter(named or names))
    evidence = []
    for record in records:
        marks = [
            (one.start, one.end, one.surface)
            for answer in record.answers
            if answer.question == question and shape is not None
            for one in spans_in(answer.value, shape)[0]
            if type(one.start) is int and type(one.end) is int
        ]
        evidence.append(Evidence(fields=record.fields, marks=marks))
    found = find_text_field(evidence, where)
    if found is None:
        raise ConfigError(
            f"{where}: no field holds the text of the spans; expected one.\n"
            "Name it: --column text=FIELD"
        )
    return found


def _pass(record: _Record, answer: Answer, said: _Said) -> Pass:
    text = record.fields.get(said.field)
    if text is not None:
        check_text(text, record.where)
    stated = spans_in(answer.value, said.shape)[0] if said.shape else []
    scores = answer.score if isinstance(answer.score, list) else []
    found: list[Mention | str] = []
    for index, one in enumerate(stated):
        score = scores[index] if len(scores) == len(stated) else one.confidence
        found.append(
            one.refused
            or mention_in(one.start, one.end, one.label, surface=one.surface, confidence=score)
        )
    mentions, losses = sort_out(record.document_id, found)
    imprint = read_stamp(answer.stamp, text, marks_of(mentions))
    coverage: Any = WHOLE if answer.status == "submitted" or answer.is_suggestion else MARKED
    if imprint is not None:
        coverage = imprint.coverage
    elif losses:
        coverage = MARKED
    asides = []
    if type(answer.score) in (int, float):
        value = {"question": said.question, "score": answer.score}
        asides.append(_aside(record, answer.annotator, "score", value))
    metadata = record.row.get("metadata")
    return Pass(
        where=record.where,
        document_id=imprint.document_id if imprint else record.document_id,
        annotator=imprint.annotator if imprint else answer.annotator,
        text=text,
        mentions=mentions,
        coverage=coverage,
        unit=None if imprint is None else "code points",
        guide="" if imprint is None else imprint.guide,
        details=imprint.details if imprint else details_in(record.row, metadata),
        asides=tuple(asides),
        losses=losses,
        notes=(f"spans are the answers to {said.question!r}, text in {said.field!r}",),
    )


def _choice(record: _Record, answer: Answer) -> Aside:
    value = {"question": answer.question, "value": answer.value, "status": answer.status}
    return _aside(record, answer.annotator, "answer", value)


def _aside(record: _Record, annotator: str, kind: str, value: Mapping[str, Any]) -> Aside:
    return Aside(
        document_id=record.document_id, annotator=annotator, kind=kind, value=plain_value(value)
    )


def _row(item: Annotated) -> Row:
    document = item.document
    whole = [covers(merge_ranges(one.coverage), 0, len(document.text)) for one in item.annotations]
    return {
        "id": document.id,
        "status": "completed" if all(whole) else "pending",
        "text": document.text,
        f"{QUESTION}.responses": [
            [{"start": start, "end": end, "label": label} for start, end, label in marks]
            for marks in (marks_of(one.spans) for one in item.annotations)
        ],
        f"{QUESTION}.responses.users": [one.annotator for one in item.annotations],
        f"{QUESTION}.responses.status": ["submitted" if done else "draft" for done in whole],
        STAMPS: [
            write_stamp(document, one, marks_of(one.spans), one.coverage, "code points")
            for one in item.annotations
        ],
        **details_of(document),
    }


FORMAT = Format(
    name="argilla",
    title="Argilla's records",
    read=read,
    write=write,
    carries=Carries(coverage=True, guide=True, document_details=True),
    suffixes=(".jsonl", ".json", ".parquet", ".arrow", "readme.md"),
    options=frozenset({"columns", "layer"}),
)
