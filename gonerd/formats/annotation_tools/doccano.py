"""doccano's JSON lines of every age into passes, and annotations into files it imports and shows.

A file holds one person's work and is called after them; `all.jsonl` holds everybody's together.
doccano counts characters as its browser page does, in UTF-16 code units, unless the project counts
grapheme clusters, and the file does not say which (doccano #2290, #2484). So a reader leaves the
unit open. The writer counts UTF-16, because only so doccano puts a mark where it belongs, and seals
that fact beside each record. doccano keeps the seal and hands it on with the work of others, but
with `Comments` added: where that key stands, the seal is not believed.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from gonerd.errors import RecordError
from gonerd.formats.fields import (
    check_text,
    details_in,
    details_of,
    id_in,
    json_rows,
    left_in,
    mention_in,
    name_in,
    shown,
    sort_out,
    text_id,
)
from gonerd.formats.imprint import Imprint, file_name
from gonerd.formats.layers import (
    MARKED,
    Aside,
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    Written,
)
from gonerd.formats.members import Member, names_of
from gonerd.formats.stamp import KEY, marks_of, read_stamp, unit_of, write_stamp
from gonerd.formats.uima.utf16 import utf16_offsets, utf16_slicer
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss

_EVERYBODY = "all"
_TEXT = ("text", "data")
_SPANS = ("label", "labels", "entities", "annotations")
_ASIDES = {
    "relations": "relation",
    "Comments": "comment",
    "comments": "comment",
    "cats": "category",
}
_META = ("meta", "metadata")
_NAMES = ("id", "doc_id", "document_id")

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What one person says in a record."""

    annotator: str
    spans: list[Mention | str]
    """Or why something is no span."""
    others: list[tuple[str, Mapping[str, Any]]]
    """What is beside spans: kind and value."""


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read records; one without text, or of a picture, is a loss."""
    for member in members:
        passes: list[Pass] = []
        refused: list[Loss] = []
        for where, row in json_rows(member):
            text = _text(row, options)
            if text is None:
                refused.append(Loss(document_id=where, what="record refused", why="it has no text"))
                continue
            check_text(text, where)
            for said in _said(row, where, _annotator(member, len(members), row, options)):
                passes.append(_pass(row, where, text, said, options))
        yield from _with_losses(passes, refused, member)


def write(items: Sequence[Annotated]) -> Written:
    """Write one file for each annotator, called after them."""
    lines: dict[str, list[str]] = defaultdict(list)
    losses: list[Loss] = []
    for item in items:
        for annotation in item.annotations:
            row = _row(item.document, annotation)
            lines[annotation.annotator].append(json.dumps(row, ensure_ascii=False) + "\n")
        if not item.annotations:
            why = "nobody has annotated it"
            losses.append(Loss(document_id=item.document.id, what="document left out", why=why))
    contents = {annotator: "".join(held).encode("utf-8") for annotator, held in lines.items()}
    if len(contents) < 2:
        return Written(files={"": b"".join(contents.values())}, losses=tuple(losses))
    files = {f"{file_name(annotator)}.jsonl": held for annotator, held in contents.items()}
    return Written(files=files, losses=tuple(losses))


def _text(row: Row, options: ReadOptions) -> str | None:
    keys = (options.columns["text"],) if "text" in options.columns else _TEXT
    return next((row[key] for key in keys if isinstance(row.get(key), str)), None)


def _annotator(member: Member, members: int, row: Row, options: ReadOptions) -> str:
    """Name whose work a record is, where its spans do not say.

    A file in a folder or an archive is called after its annotator; a lone file may be called
    anything, and the user knows better.
    """
    named = name_in(row.get("username"), row.get("user"))
    if options.paths is not None or named is not None:
        return named or names_of(member, annotator=options.annotator, paths=options.paths)[1]
    name = unquote(member.name.rpartition("/")[2])
    stem = name.rpartition(".")[0] or name
    return options.annotator or stem if members == 1 or stem == _EVERYBODY else stem


def _said(row: Row, where: str, annotator: str) -> Iterator[_Said]:
    """Part what a record says by who says it; the oldest files name a user at each span."""
    by_user: dict[str, _Said] = {}
    regions: dict[str, Any] = {}
    for key, item in _listed(row, _SPANS, where):
        user = annotator
        if isinstance(item, dict):
            user = name_in(item.get("user_name"), item.get("user")) or annotator
            regions[shown(item.get("id"))] = item
        said = by_user.setdefault(user, _Said(annotator=user, spans=[], others=[]))
        if isinstance(item, str):
            said.others.append((key, {"label": item}))
        else:
            said.spans.append(_mention(item))
    everybody = by_user or {annotator: _Said(annotator=annotator, spans=[], others=[])}
    first = next(iter(everybody.values()))
    for key, item in _listed(row, tuple(_ASIDES), where):
        value = item if isinstance(item, dict) else {"text": item}
        if key == "relations":
            ends = {end: regions.get(shown(value.get(f"{end}_id"))) for end in ("from", "to")}
            value = {**value, **{end: region for end, region in ends.items() if region}}
        first.others.append((_ASIDES[key], value))
    yield from everybody.values()


def _listed(row: Row, keys: tuple[str, ...], where: str) -> Iterator[tuple[str, Any]]:
    """List what stands in any of some keys, each of which may hold a list, one text or nothing."""
    for key in keys:
        items = row.get(key)
        if isinstance(items, str):
            items = [items]
        if items is None:
            continue
        if not isinstance(items, list):
            raise RecordError(f"{where}: {key} is {shown(items)}; expected a list.")
        yield from ((key, item) for item in items)


def _mention(item: Any) -> Mention | str:
    if isinstance(item, list) and len(item) >= 3:
        return mention_in(item[0], item[1], item[2])
    if isinstance(item, dict):
        label = name_in(item.get("label_name"), item.get("label"))
        return mention_in(item.get("start_offset"), item.get("end_offset"), label)
    return "it is not [start, end, label]"


def _pass(row: Row, where: str, text: str, said: _Said, options: ReadOptions) -> Pass:
    marks = marks_of(span for span in said.spans if isinstance(span, Mention))
    imprint = None if "Comments" in row else read_stamp(row.get(KEY), text, marks)
    metas = [_meta(row.get(key)) for key in _META]
    name = imprint.document_id if imprint else _id(row, where, text, metas, options)
    annotator = imprint.annotator if imprint else said.annotator
    mentions, losses = sort_out(name, said.spans)
    if imprint:
        mentions = _with_words(mentions, text)
    return Pass(
        where=where,
        document_id=name,
        annotator=annotator,
        text=text,
        mentions=mentions,
        coverage=imprint.coverage if imprint else MARKED,
        unit=unit_of(imprint) if imprint else None,
        guide=imprint.guide if imprint else "",
        details=imprint.details if imprint else details_in(row, *metas),
        asides=tuple(
            Aside(document_id=name, annotator=annotator, kind=kind, value=value)
            for kind, value in said.others
        ),
        losses=losses,
        notes=_notes(row, annotator, imprint),
    )


def _with_words(mentions: Sequence[Mention], text: str) -> tuple[Mention, ...]:
    """Say what stands under mentions that are known to count UTF-16."""
    cut = utf16_slicer(text)
    return tuple(replace(mention, surface=cut(mention.start, mention.end)) for mention in mentions)


def _id(row: Row, where: str, text: str, metas: Sequence[Row], options: ReadOptions) -> str:
    column = options.columns.get("id")
    if column is None:
        values = [given[key] for given in (row, *metas) for key in _NAMES if key in given]
        return id_in(*values) or text_id(text)
    name = id_in(*(given[column] for given in (row, *metas) if column in given))
    if name is None:
        raise RecordError(f"{where}: nothing in the column {column!r}; expected a document's id.")
    return name


def _meta(value: Any) -> Row:
    """Read what was imported beside a text; the oldest files hold it as a text of JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    return value if isinstance(value, dict) else {}


def _notes(row: Row, annotator: str, imprint: Imprint | None) -> tuple[str, ...]:
    known = {*_TEXT, *_SPANS, *_ASIDES, *_NAMES, KEY, "username", "user", *_META}
    known |= {"source", "url", "license", "licence", "language", "lang", "annotation_approver"}
    notes = list(left_in(row, known))
    if annotator == _EVERYBODY and not imprint:
        notes.append("the work of everybody together; the file does not say who did what")
    if any(isinstance(item, dict) and isinstance(item.get("label"), int)
           and not name_in(item.get("label_name"))
           for item in _annotations(row)):  # fmt: skip
        notes.append("labels are numbers; their names are in the project's label settings")
    return tuple(notes)


def _annotations(row: Row) -> list[Any]:
    annotations = row.get("annotations")
    return annotations if isinstance(annotations, list) else []


def _with_losses(passes: list[Pass], refused: list[Loss], member: Member) -> list[Pass]:
    """Hang the records that became nothing on the last one that became something."""
    if not refused:
        return passes
    if not passes:
        raise RecordError(
            f"{member.where}: no record holds a text; expected JSON with `text` and `label`."
        )
    return [*passes[:-1], replace(passes[-1], losses=(*passes[-1].losses, *refused))]


def _row(document: Document, annotation: Annotation) -> Row:
    units = utf16_offsets(document.text)
    marks = [(units[span.start], units[span.end], span.label) for span in annotation.spans]
    coverage = [(units[start], units[end]) for start, end in annotation.coverage]
    return {
        "id": document.id,
        "text": document.text,
        "label": [list(mark) for mark in marks],
        **details_of(document),
        KEY: write_stamp(document, annotation, marks, coverage, "UTF-16"),
    }


FORMAT = Format(
    name="doccano",
    title="doccano JSON lines",
    read=read,
    write=write,
    carries=Carries(coverage=True, guide=True, document_details=True),
    suffixes=(".jsonl", ".json"),
    options=frozenset({"columns"}),
)
