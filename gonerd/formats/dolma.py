"""Dolma documents and the attributes of taggers into passes, and annotations back into both.

Dolma never rewrites a document: `documents/*.jsonl` hold the texts, and `attributes/<tagger>/` hold
files of the same names and rows with spans `[start, end, score]` under `experiment__tagger__LABEL`.
A tagger has read all of every document it has a row for. Keys that Dolma passes over keep here what
it has no place for.
"""

import json
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gonerd.errors import RecordError
from gonerd.formats.fields import details_in, id_in, json_rows, mention_in, shown, sort_out
from gonerd.formats.imprint import file_name
from gonerd.formats.layers import (
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
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Range

_OURS = "gonerd"
"""The key of a row under which our writer keeps what Dolma has no place for."""
_PART = "part-00000.jsonl"

Row = dict[str, Any]


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read the spans of every tagger, with the texts where the documents are given as well."""
    documents: dict[str, Row] = {}
    attributes: list[tuple[Member, list[tuple[str, Row]]]] = []
    for member in members:
        rows = []
        for where, row in json_rows(member):
            name = _id(row, where)
            if "text" in row:
                _keep(documents, name, row, where)
            if "attributes" in row:
                _check_attributes(row["attributes"], where)
                rows.append((where, row))
            elif "text" not in row:
                raise RecordError(
                    f"{where}: neither text nor attributes; expected a document or its attributes."
                )
        attributes.append((member, rows))
    for member, rows in attributes:
        folder = options.annotator or _folder(member, options)
        keys = {key for _, row in rows for key in row["attributes"]}
        taggers = sorted({_tagger(key, folder)[0] for key in keys}) or [folder]
        for where, row in rows:
            for annotator, ours in _annotators(row, where, taggers):
                yield _pass(row, where, documents, annotator, folder, ours)


def write(items: Sequence[Annotated]) -> Written:
    """Write the documents, and beside them one folder of attributes for each annotator."""
    files = {f"documents/{_PART}": _lines(_document_row(item.document) for item in items)}
    annotators = sorted({annotation.annotator for item in items for annotation in item.annotations})
    for annotator in annotators:
        rows = (_attribute_row(item, annotator) for item in items)
        files[f"attributes/{file_name(annotator)}/{_PART}"] = _lines(rows)
    return Written(files=files)


def _annotators(
    row: Row, where: str, taggers: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name who has read a document, with what our writer has kept of it."""
    ours = row.get(_OURS)
    if not isinstance(ours, dict):
        yield from ((tagger, {}) for tagger in taggers)
    elif ours:
        yield _string(ours, "annotator", where), ours


def _pass(
    row: Row,
    where: str,
    documents: Mapping[str, Row],
    annotator: str,
    folder: str,
    ours: Mapping[str, Any],
) -> Pass:
    name = _id(row, where)
    document = documents.get(name, {})
    found: list[Mention | str] = []
    asides: list[Aside] = []
    for key, spans in row["attributes"].items():
        tagger, label = _tagger(key, folder)
        if ours:
            tagger, label = annotator, key.removeprefix(f"{annotator}__")
        if tagger != annotator:
            continue
        unscored = _unscored(ours, key)
        for index, span in enumerate(spans):
            mention = _mention(span, label, is_scored=index not in unscored)
            found.append(mention)
            if isinstance(mention, str) or index in unscored or mention.confidence is not None:
                continue
            value = {"start": span[0], "end": span[1], "label": label, "score": span[2]}
            aside = Aside(document_id=name, annotator=annotator, kind="score", value=value)
            asides.append(aside)
    mentions, losses = sort_out(name, found)
    return Pass(
        where=where,
        document_id=name,
        annotator=annotator,
        text=document.get("text"),
        mentions=mentions,
        coverage=_coverage(ours, where),
        unit="code points",
        guide=_string(ours, "guide", where) if ours else "",
        details=details_in(document, document.get("metadata"), row),
        asides=tuple(asides),
        losses=losses,
        notes=("scores that are no number from 0 to 1 were kept aside",) if asides else (),
    )


def _mention(span: Any, label: str, *, is_scored: bool) -> Mention | str:
    if not isinstance(span, list) or len(span) != 3:
        return "it is not [start, end, score]"
    return mention_in(span[0], span[1], label, confidence=span[2] if is_scored else None)


def _tagger(key: str, folder: str) -> tuple[str, str]:
    """Take a key apart into tagger and label; an experiment called as its tagger says no more."""
    prefix, _, label = key.rpartition("__")
    experiment, _, name = prefix.rpartition("__")
    return (name if experiment == name else prefix) or folder, label or key


def _keep(documents: dict[str, Row], name: str, row: Row, where: str) -> None:
    if not isinstance(row["text"], str):
        raise RecordError(f"{where}: text is {shown(row['text'])}; expected a string.")
    if name in documents and documents[name]["text"] != row["text"]:
        raise RecordError(
            f"{where}: a document {shown(name)!r} with another text stood before; "
            "expected ids that stand for one text.\nImport the two sources one by one."
        )
    documents[name] = row


def _id(row: Row, where: str) -> str:
    name = id_in(row.get("id"))
    if name is None:
        raise RecordError(f"{where}: id is {shown(row.get('id'))}; expected a document's name.")
    return name


def _check_attributes(attributes: Any, where: str) -> None:
    """Refuse what is no mapping of names to lists of spans."""
    if not isinstance(attributes, dict):
        raise RecordError(f"{where}: attributes is {shown(attributes)}; expected an object.")
    for key, spans in attributes.items():
        if not isinstance(spans, list):
            raise RecordError(
                f"{where}: attribute {shown(key)!r} is {shown(spans)}; "
                "expected a list of [start, end, score]."
            )


def _unscored(ours: Mapping[str, Any], key: str) -> frozenset[int]:
    """Tell which spans of an attribute bear a score only because Dolma wants one."""
    unscored = ours.get("unscored")
    indices = unscored.get(key) if isinstance(unscored, dict) else None
    if not isinstance(indices, list):
        return frozenset()
    return frozenset(index for index in indices if type(index) is int)


def _coverage(ours: Mapping[str, Any], where: str) -> Any:
    if "coverage" not in ours:
        return WHOLE
    ranges: list[Range] = []
    given = ours["coverage"]
    for pair in given if isinstance(given, list) else [None]:
        if not isinstance(pair, list) or [type(offset) for offset in pair] != [int, int]:
            raise RecordError(
                f"{where}: coverage is {shown(given)}; expected a list of [start, end]."
            )
        ranges.append((pair[0], pair[1]))
    return tuple(ranges)


def _string(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise RecordError(f"{where}: {key} is {shown(value)}; expected a string.")
    return value


def _folder(member: Member, options: ReadOptions) -> str:
    """Name the tagger of a file none of whose rows holds a span."""
    parts = member.name.split("/")
    if options.paths is None and "attributes" in parts[:-2]:
        return urllib.parse.unquote(parts[parts.index("attributes") + 1])
    return names_of(member, annotator=None, paths=options.paths)[1]


def _document_row(document: Document) -> Row:
    metadata = {
        "license": document.license,
        "language": document.language,
        **({} if document.url is None else {"url": document.url}),
    }
    return {
        "id": document.id,
        "text": document.text,
        "source": document.source,
        "metadata": metadata,
    }


def _attribute_row(item: Annotated, annotator: str) -> Row:
    row: Row = {"id": item.document.id, "source": item.document.source, "attributes": {}, _OURS: {}}
    for annotation in item.annotations:
        if annotation.annotator == annotator:
            row |= _said(annotation)
    return row


def _said(annotation: Annotation) -> Row:
    attributes: dict[str, list[list[float]]] = defaultdict(list)
    unscored: dict[str, list[int]] = defaultdict(list)
    for span in annotation.spans:
        key = f"{annotation.annotator}__{span.label}"
        if span.confidence is None:
            unscored[key].append(len(attributes[key]))
        score = 1.0 if span.confidence is None else float(span.confidence)
        attributes[key].append([span.start, span.end, score])
    return {
        "attributes": attributes,
        _OURS: {
            "annotator": annotation.annotator,
            "guide": annotation.guide,
            "coverage": [list(covered) for covered in annotation.coverage],
            "text_sha256": annotation.text_sha256,
            "unscored": unscored,
        },
    }


def _lines(rows: Iterator[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


FORMAT = Format(
    name="dolma",
    title="Dolma attributes",
    read=read,
    write=write,
    carries=Carries(coverage=True, confidence=True, guide=True, document_details=True),
    suffixes=(".jsonl", ".json"),
)
