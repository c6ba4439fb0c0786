"""Prodigy's `db-out` and `review` rows into passes, and annotations into rows of `ner_manual`.

Offsets are those of spaCy's tokens, code points; where the tokens of a row bear that out, it is
taken as said. Rejected answers are kept aside.

Prodigy goes by `token_start` and `token_end`, the latter the last token of a span. Spans of ours
that are not made of whole tokens are written without the two, and overlapping ones as rows of
`spans_manual`.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from gonerd.errors import RecordError
from gonerd.formats.annotation_tools.prodigy_answers import Answer, Row, others_of, read_answers
from gonerd.formats.fields import (
    details_in,
    details_of,
    id_in,
    json_rows,
    left_in,
    sort_out,
    text_id,
)
from gonerd.formats.layers import (
    MARKED,
    WHOLE,
    Aside,
    Carries,
    Format,
    Pass,
    ReadOptions,
    Written,
)
from gonerd.formats.members import Member, names_of
from gonerd.formats.stamp import KEY, marks_of, write_stamp
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss
from gonerd.spans import flatten
from gonerd.tokens import Tokens, tokenize

_META_NAMES = ("id", "doc_id", "document_id")
_DETAILS = ("source", "url", "license", "licence", "language", "lang")

_OLDER = ("answer refused", "a newer answer by the same annotator stands")
_MANUAL = ("answer refused", "a manual answer by the same annotator stands")
_SHARED_ID = "several texts have one id, which is therefore made longer"


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read answers, all that one annotator gave about one text as one pass.

    Of manual answers the newest stands; binary ones add up.
    """
    answers: list[Answer] = []
    refused: list[Loss] = []
    for member in members:
        who = names_of(member, annotator=options.annotator, paths=options.paths)[1]
        for where, row in json_rows(member):
            _check_kind(row, where)
            if isinstance(row.get("text"), str):
                answers += read_answers(row, where, who)
            else:
                refused.append(Loss(document_id=where, what="answer refused", why="it has no text"))
    if refused and not answers:
        raise RecordError(
            f"{refused[0].document_id}: neither this row nor another holds a text; "
            "expected rows with `text` and `spans`."
        )
    for (name, _), group in _grouped(answers, options).items():
        found = _pass(name, group)
        yield replace(found, losses=(*found.losses, *refused))
        refused = []  # they are told once


def write(items: Sequence[Annotated]) -> Written:
    """Write one accepted row for each annotation, whoever made it."""
    lines: list[str] = []
    losses: list[Loss] = []
    for item in items:
        tokens = tokenize(item.document.text, item.document.language)
        for annotation in item.annotations:
            row = _row(item.document, annotation, tokens)
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        if not item.annotations:
            why = "nobody has annotated it"
            losses.append(Loss(document_id=item.document.id, what="document left out", why=why))
    return Written(files={"": "".join(lines).encode("utf-8")}, losses=tuple(losses))


def _check_kind(row: Row, where: str) -> None:
    if "pattern" in row and "text" not in row:
        raise RecordError(
            f"{where}: a pattern to match, and not an annotation; expected rows with `text` and "
            "`spans`.\nWrite them with `prodigy db-out DATASET`."
        )


def _grouped(
    answers: Sequence[Answer], options: ReadOptions
) -> dict[tuple[str, str], list[Answer]]:
    """Bring together what one annotator says about one text, by document and annotator.

    Rows are often parts of one document that all have its id; then the text tells them apart.
    """
    named = [(_id(answer, options), answer) for answer in answers]
    texts: dict[str, set[str]] = defaultdict(set)
    names: dict[str, set[str]] = defaultdict(set)
    for name, answer in named:
        if name is not None:
            texts[name].add(answer.text)
            names[answer.text].add(name)
    groups: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for name, answer in named:
        same = names[answer.text]
        if name is None and len(same) == 1:
            name = min(same)
        unique = name or text_id(answer.text)
        if len(texts[unique]) > 1:
            unique = f"{unique}-{text_id(answer.text)}"
            answer = replace(answer, notes=(*answer.notes, _SHARED_ID))
        groups[unique, answer.annotator].append(answer)
    return groups


def _id(answer: Answer, options: ReadOptions) -> str | None:
    row, column = answer.row, options.columns.get("id")
    meta = _meta(row)
    if column is not None:
        name = id_in(meta.get(column), row.get(column))
        if name is None:
            raise RecordError(
                f"{answer.where}: nothing in the column {column!r}; expected a document's id."
            )
        return name
    if answer.imprint:
        return answer.imprint.document_id
    return id_in(*(meta.get(key) for key in _META_NAMES), row.get("id"))


def _meta(row: Row) -> Row:
    meta = row.get("meta")
    return meta if isinstance(meta, dict) else {}


def _pass(name: str, group: Sequence[Answer]) -> Pass:
    """Make one pass of all that an annotator answered about a text."""
    manual = [answer for answer in group if answer.kind == "manual"]
    marks = [answer for answer in group if answer.kind == "marks"]
    newest = max(manual, key=lambda answer: answer.age) if manual else None
    if newest is not None:  # of two of one age, the later in the file
        newest = [answer for answer in manual if answer.age == newest.age][-1]
    used = [newest] if newest is not None else marks
    found = [span for answer in used for span in answer.found]
    if len(used) > 1:  # the same span may have been asked about twice
        found = list(dict.fromkeys(found))
    mentions, refused = sort_out(name, found)
    known = set(marks_of(mentions))
    reasons = [answer.reason for answer in group if answer.reason is not None]
    reasons += [_OLDER for answer in manual if set(marks_of(answer.mentions)) != known]
    reasons += [_MANUAL for answer in marks if set(marks_of(answer.mentions)) - known]
    first = used[0] if used else group[0]
    imprint = newest.imprint if newest is not None else None
    return Pass(
        where=first.where,
        document_id=name,
        annotator=first.annotator,
        text=first.text,
        mentions=mentions,
        coverage=imprint.coverage if imprint else WHOLE if newest is not None else MARKED,
        unit=next((answer.unit for answer in group if answer.unit), None),
        guide=imprint.guide if imprint else "",
        details=imprint.details if imprint else details_in(*(_meta(a.row) for a in group)),
        asides=tuple(
            Aside(document_id=name, annotator=first.annotator, kind=kind, value=value)
            for answer in group
            for kind, value in others_of(answer)
        ),
        losses=(*refused, *(Loss(document_id=name, what=w, why=why) for w, why in reasons)),
        notes=_notes(group),
    )


def _notes(group: Iterable[Answer]) -> tuple[str, ...]:
    notes: list[str] = []
    for answer in group:
        notes += answer.notes
        notes += left_in(_meta(answer.row), (*_META_NAMES, *_DETAILS, "score", "pattern"))
    return tuple(dict.fromkeys(notes))


def _row(document: Document, annotation: Annotation, tokens: Tokens) -> dict[str, Any]:
    starts = {start: index for index, start in enumerate(tokens.starts)}
    ends = {end: index for index, end in enumerate(tokens.ends)}
    spans = []
    for span in annotation.spans:
        row: dict[str, Any] = {"start": span.start, "end": span.end}
        first, last = starts.get(span.start), ends.get(span.end)
        if first is not None and last is not None:
            row |= {"token_start": first, "token_end": last}
        row |= {"label": span.label, "text": document.text[span.start : span.end]}
        known = {"score": span.confidence, "support": span.support}
        spans.append(row | {key: value for key, value in known.items() if value is not None})
    marks = marks_of(annotation.spans)
    is_flat = not flatten(annotation.spans)[1]
    return {
        "text": document.text,
        "meta": {"id": document.id, **details_of(document)},
        "_input_hash": _hash(document.text),
        "_task_hash": _hash([document.text, marks]),
        "_is_binary": False,
        "tokens": _token_rows(document.text, tokens),
        "spans": spans,
        "_view_id": "ner_manual" if is_flat else "spans_manual",
        "answer": "accept",
        "_annotator_id": annotation.annotator,
        "_session_id": annotation.annotator,
        KEY: write_stamp(document, annotation, marks, annotation.coverage, "code points"),
    }


def _token_rows(text: str, tokens: Tokens) -> list[dict[str, Any]]:
    return [
        {"text": word, "start": start, "end": end, "id": index, "ws": text[end : end + 1] == " "}
        for index, (word, start, end) in enumerate(
            zip(tokens.texts, tokens.starts, tokens.ends, strict=True)
        )
    ]


def _hash(value: Any) -> int:
    """Hash as Prodigy does, into a signed number of 32 bits, but by another function."""
    digest = hashlib.sha256(json.dumps(value).encode("ascii")).digest()
    return int.from_bytes(digest[:4], "big", signed=True)


FORMAT = Format(
    name="prodigy",
    title="Prodigy rows",
    read=read,
    write=write,
    carries=Carries(
        coverage=True, confidence=True, support=True, guide=True, document_details=True
    ),
    suffixes=(".jsonl", ".json"),
    options=frozenset({"columns"}),
)
