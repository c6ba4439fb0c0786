"""Label Studio exports and import tasks into passes, and annotations into tasks it imports.

A submitted annotation is what one person says of the whole text, and a prediction what one model
says; a draft says nothing of what it does not mark. An export names neither the field of `data`
that was shown (`text_field.py` finds it) nor the unit of its offsets: code points in current
versions, UTF-16 in old ones, and now and then both in one span (label-studio #1347, #4988).

Our writer names annotators as `completed_by.email`, by which Label Studio's importer looks up the
members of its organisation; names it does not know it refuses, unless it runs with
ALLOW_IMPORT_TASKS_WITH_UNKNOWN_EMAILS.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from gonerd.errors import ConfigError, RecordError
from gonerd.formats.annotation_tools.label_studio_tasks import (
    Answer,
    Reason,
    Region,
    Task,
    read_tasks,
)
from gonerd.formats.annotation_tools.text_field import (
    Evidence,
    find_text_field,
    is_address,
    name_in_address,
)
from gonerd.formats.fields import (
    check_text,
    details_in,
    details_of,
    id_in,
    left_in,
    mention_in,
    sort_out,
    text_id,
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
from gonerd.formats.stamp import KEY, is_imprinted, marks_of, read_stamp, unit_of, write_stamp
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Span

_NAMES = ("document_id", "doc_id", "id")
_DETAILS = ("source", "url", "license", "licence", "language", "lang")
_OLDER = ("annotation refused", "a newer or a submitted one by the same annotator stands")
_NO_FIELD = "no spans to tell by which field holds the text; name it with --column text=FIELD"
_NO_LABELS = "no labels of text in the file, so nothing is known of what is not marked"
_NOBODY = "nobody has annotated it; nothing but the text was read"
_SEVERAL = "labels of several controls are read as one layer"


@dataclass(kw_only=True, slots=True)
class _Found:
    """A document, and everything said of it in any task."""

    where: str
    name: str
    text: str | None
    tasks: list[Task] = field(default_factory=list)
    controls: set[str] = field(default_factory=set)
    """Those that hold entities; none where no file of it has labels."""
    notes: tuple[str, ...] = ()


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read tasks; of several annotations by one person of one text the newest counts."""
    found: dict[tuple[str, str | None], _Found] = {}
    columns: list[str] = []
    everybody = [
        names_of(member, annotator=options.annotator, paths=options.paths)[1] for member in members
    ]
    files = [read_tasks(member, who) for member, who in zip(members, everybody, strict=True)]
    is_labelled = any(task.regions for tasks in files for task in tasks)
    # Files with spans first: what they tell holds for those of the same project without.
    for member, tasks in sorted(
        zip(members, files, strict=True),
        key=lambda file: not any(task.regions for task in file[1]),
    ):
        controls = _controls(tasks, options.layer, member.where)
        column = _column(tasks, controls, columns, options, member.where)
        is_text = _holds_text(tasks, column, controls)
        for task in tasks:
            _place(found, task, controls, column, is_text, options)
    who = everybody[0] if everybody else ""
    for document in found.values():
        yield from _passes(document, who, is_labelled)


def write(items: Sequence[Annotated]) -> Written:
    """Write one list of tasks, as Label Studio exports and imports them."""
    tasks: list[dict[str, Any]] = []
    losses: list[Loss] = []
    numbers = count(1)
    for item in items:
        if item.annotations:
            tasks.append(_task_row(item, len(tasks) + 1, numbers))
        else:
            why = "nobody has annotated it"
            losses.append(Loss(document_id=item.document.id, what="document left out", why=why))
    content = json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"
    return Written(files={"": content.encode("utf-8")}, losses=tuple(losses))


def _controls(tasks: Sequence[Task], layer: str | None, where: str) -> frozenset[str]:
    """Choose the controls that hold the entities: all that label one text."""
    found = {(region.control, region.target) for task in tasks for region in task.regions}
    if layer is not None and found:
        chosen = frozenset(name for name, target in found if layer in (name, target))
        if not chosen:
            names = ", ".join(sorted({repr(name) for pair in found for name in pair if name}))
            raise ConfigError(f"{where}: nothing is called {layer!r}; expected one of {names}.")
        return chosen
    targets = sorted({target for _, target in found})
    if len(targets) > 1:
        raise ConfigError(
            f"{where}: labels stand on several texts, {', '.join(map(repr, targets))}; "
            f"expected to know which one to read.\nName it: --layer {targets[0]}"
        )
    return frozenset(name for name, _ in found)


def _column(
    tasks: Sequence[Task],
    controls: frozenset[str],
    earlier: list[str],
    options: ReadOptions,
    where: str,
) -> str | None:
    """Find the field of the text; a file without spans is like the others of its project."""
    records = [_evidence(task, controls) for task in tasks]
    given = options.columns.get("text")
    if given is not None:
        if tasks and not any(given in task.data for task in tasks):
            raise ConfigError(
                f"{where}: no field {given!r} in any task; expected one of "
                f"{', '.join(sorted({repr(key) for task in tasks for key in task.data}))}."
            )
        return given
    has_marks = any(record.marks for record in records)
    if not has_marks and any(task.regions for task in tasks):
        return None  # turns of dialogues, seconds of sound
    if not has_marks:
        for name in earlier:
            if all(name in record.fields for record in records):
                return name
    column = find_text_field(records, where, unlikely=(*_NAMES, *_DETAILS))
    if column is not None and has_marks:
        earlier.append(column)
    return column


def _evidence(task: Task, controls: frozenset[str]) -> Evidence:
    marks = (region.mark for region in task.regions if region.control in controls)
    return Evidence(
        fields={key: value for key, value in task.data.items() if isinstance(value, str)},
        marks=[mark for mark in marks if mark is not None],
    )


def _place(
    found: dict[tuple[str, str | None], _Found],
    task: Task,
    controls: frozenset[str],
    column: str | None,
    is_text: bool,
    options: ReadOptions,
) -> None:
    """Put a task where the others of its text are."""
    held = task.data.get(column) if column is not None else None
    value = held if isinstance(held, str) else None
    text, address = (value, None) if is_text else (None, value)
    if text is not None:
        check_text(text, task.where)
    name = _name(task, text, address, options)
    document = found.setdefault((name, text), _Found(where=task.where, name=name, text=text))
    document.tasks.append(task)
    document.controls |= controls
    if column is not None:
        document.notes = left_in(task.data, (column, *_NAMES, *_DETAILS))
    elif not controls:
        document.notes = (_NO_FIELD,)


def _holds_text(tasks: Sequence[Task], column: str | None, controls: frozenset[str]) -> bool:
    """Say whether a field holds texts, and not, in every task, where its text can be found."""
    for task in tasks:
        value = task.data.get(column) if column is not None else None
        if not isinstance(value, str):
            continue
        marks = _evidence(task, controls).marks
        is_marked = any(value[start:end] == surface for start, end, surface in marks)
        is_ours = any(is_imprinted(answer.stamp, value) for answer in task.answers)
        if is_marked or is_ours or not is_address(value):
            return True
    return False


def _name(task: Task, text: str | None, address: str | None, options: ReadOptions) -> str:
    column = options.columns.get("id")
    if column is not None:
        name = id_in(task.data.get(column))
        if name is None:
            raise RecordError(
                f"{task.where}: nothing in the field {column!r}; expected a document's id."
            )
        return name
    given = id_in(*(task.data.get(key) for key in _NAMES))
    if given is None and address is not None:
        given = id_in(name_in_address(address))
    return given or id_in(task.id) or (text_id(text) if text is not None else task.where)


def _passes(document: _Found, who: str, is_labelled: bool) -> Iterator[Pass]:
    newest: dict[str, tuple[Answer, list[Reason]]] = {}
    answers = [answer for task in document.tasks for answer in task.answers]
    for answer in sorted(answers, key=lambda answer: (answer.coverage == WHOLE, answer.age)):
        reasons = list(answer.reasons)
        if answer.annotator in newest:
            old, older = newest[answer.annotator]
            is_other = _places(old) != _places(answer)
            reasons = [*older, *reasons, *([_OLDER] if is_other else [])]
        newest[answer.annotator] = (answer, reasons)
    if not newest:
        newest[who] = (Answer(annotator=who, coverage=MARKED), [])
        document.notes = (*document.notes, _NOBODY)
    refused = [reason for task in document.tasks for reason in task.reasons]
    for answer, reasons in newest.values():
        yield _pass(document, answer, [*reasons, *refused], is_labelled)
        refused = []  # they are told once


def _places(answer: Answer) -> list[Any]:
    return [(region.control, region.start, region.end, region.labels) for region in answer.regions]


def _pass(document: _Found, answer: Answer, reasons: list[Reason], is_labelled: bool) -> Pass:
    chosen = [region for region in answer.regions if region.control in document.controls]
    mentions, refused = sort_out(
        document.name, (said for region in chosen for said in _mentions(region, document.text))
    )
    imprint = read_stamp(answer.stamp, document.text, marks_of(mentions))
    notes = list(document.notes)
    if len({region.control for region in chosen}) > 1:
        notes.append(_SEVERAL)
    is_silent = not document.controls and (bool(answer.others) or not is_labelled)
    if is_silent and not imprint and answer.coverage == WHOLE:
        answer = replace(answer, coverage=MARKED)
        notes.append(_NO_LABELS)
    others = list(answer.others)
    others += [
        ("labels", region.row)
        for region in answer.regions
        if region.control not in document.controls
    ]
    return Pass(
        where=document.where,
        document_id=document.name,
        annotator=answer.annotator,
        text=document.text,
        mentions=mentions,
        coverage=imprint.coverage if imprint else answer.coverage,
        unit=unit_of(imprint) if imprint else None,
        guide=imprint.guide if imprint else "",
        details=imprint.details if imprint else details_in(*(t.data for t in document.tasks)),
        asides=tuple(
            Aside(document_id=document.name, annotator=answer.annotator, kind=kind, value=value)
            for kind, value in others
        ),
        losses=(
            *refused,
            *(Loss(document_id=document.name, what=what, why=why) for what, why in reasons),
        ),
        notes=tuple(notes),
    )


def _mentions(region: Region, text: str | None) -> Iterator[Mention | str]:
    for label in region.labels:
        mention = mention_in(
            region.start,
            region.end,
            label,
            confidence=region.row.get("score"),
            support=region.row.get("support"),
        )
        if isinstance(mention, Mention):
            surface = _surface(mention, region.surface, text)
            mention = replace(mention, surface=surface)
            is_there = text is None or text[mention.start : mention.end] == surface
            is_there = is_there and surface is not None
            if region.is_rendered and not is_there:
                mention = "its offsets are of the page as it was shown, not of the text"
        yield mention


def _surface(mention: Mention, surface: str | None, text: str | None) -> str | None:
    r"""Put line ends back into what a file says stands there; it has `\n` for each, in letters."""
    if surface is None or "\\n" not in surface:
        return surface
    if text is None:
        return None
    found = text[mention.start : mention.end]
    if found.replace("\n", "\\n").replace("\r", "\\n") == surface:
        return found
    return surface if surface in text else surface.replace("\\n", "\n")


def _task_row(item: Annotated, number: int, numbers: Iterator[int]) -> dict[str, Any]:
    document = item.document
    return {
        "id": number,
        "data": {"text": document.text, "document_id": document.id, **details_of(document)},
        "annotations": [
            {"id": next(numbers), "task": number, **_annotation_row(document, annotation)}
            for annotation in item.annotations
        ],
        "predictions": [],
    }


def _annotation_row(document: Document, annotation: Annotation) -> dict[str, Any]:
    digest = hashlib.sha256(annotation.annotator.encode("utf-8")).hexdigest()
    marks = marks_of(annotation.spans)
    return {
        "completed_by": {"id": int(digest[:7], 16), "email": annotation.annotator},
        "result": [
            {"id": f"{digest[:4]}{index:06d}", **_result_row(document, span)}
            for index, span in enumerate(annotation.spans)
        ],
        "was_cancelled": False,
        "ground_truth": False,
        "result_count": len(annotation.spans),
        KEY: write_stamp(document, annotation, marks, annotation.coverage, "code points"),
    }


def _result_row(document: Document, span: Span) -> dict[str, Any]:
    row: dict[str, Any] = {
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "origin": "manual",
        "value": {
            "start": span.start,
            "end": span.end,
            "text": document.text[span.start : span.end],
            "labels": [span.label],
        },
    }
    known = {"score": span.confidence, "support": span.support}
    return row | {key: value for key, value in known.items() if value is not None}


FORMAT = Format(
    name="label_studio",
    title="Label Studio JSON",
    read=read,
    write=write,
    carries=Carries(
        coverage=True, confidence=True, support=True, guide=True, document_details=True
    ),
    suffixes=(".json",),
    options=frozenset({"columns", "layer"}),
)
