"""WebAnno TSV 3, the table that WebAnno and INCEpTION export, into passes and back.

A file is what one annotator says about one document. It tells no names, no text outside its
sentences, and not whether the annotator has finished. One of its layers of spans holds the
entities; the others, relations and chains are asides.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonerd.formats.imprint import places
from gonerd.formats.layers import (
    MARKED,
    Aside,
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    Unit,
    Written,
)
from gonerd.formats.members import Member, names_of, text_of
from gonerd.formats.stamp import Mark, marks_of, read_stamp, write_stamp
from gonerd.formats.tokenized import tokenized
from gonerd.formats.uima.layer_choice import (
    NAMED_ENTITY,
    VALUE,
    Chosen,
    choose_layer,
    describe,
    short_name,
)
from gonerd.formats.uima.utf16 import slicer, utf16_offsets, utf16_slicer
from gonerd.formats.uima.webanno_cells import Annotations, Found, find_annotations
from gonerd.formats.uima.webanno_rows import (
    BEFORE,
    NULL,
    STAMP,
    Table,
    escape,
    escape_text,
    read_layers,
    read_table,
    unescape,
)
from gonerd.formats.uima.webanno_text import rebuild
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range, Span

SUFFIX = ".tsv"

NamedMember = tuple[Member, str, str]
"""A member with the document and the annotator it stands for."""

EMPTY = "it is empty"

_KINDS = {"SP": "span", "CH": "chain link", "RL": "relation"}


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read every file; the layer is the same for all of them."""
    tables = [member for member in members if member.suffix == SUFFIX] or members
    named = [
        (member, *names_of(member, annotator=options.annotator, paths=options.paths))
        for member in tables
    ]
    yield from read_named(named, options.layer)


def read_named(
    named: Sequence[NamedMember], layer: str | None, sources: Mapping[str, str] | None = None
) -> Iterator[Pass]:
    """Read files whose names are known; `sources` are the texts of documents, where they are."""
    layers: dict[str, list[str]] = {}
    for member, _, _ in named:
        for declared in read_layers(text_of(member), member.where):
            if declared.kind == "SP":
                features = layers.setdefault(declared.name, [])
                features += [name for name in declared.features if name not in features]
    chosen = choose_layer(layers, layer, named[0][0].root) if named else None
    for member, document_id, annotator in named:
        yield _read(member, document_id, annotator, chosen, (sources or {}).get(document_id))


def write(items: Sequence[Annotated]) -> Written:
    """Write a file per annotation; with several annotators, a folder for each."""
    annotations, losses = places(items)
    sentences = {item.document.id: cut_sentences(item) for item in items}
    files: dict[str, bytes] = {}
    for path, document, annotation in annotations:
        content, lost = write_table(document, annotation, sentences[document.id])
        files[f"{path}{SUFFIX}"] = content
        losses += lost
    if len(files) == 1:
        files = {"": files.popitem()[1]}
    return Written(files=files, losses=tuple(losses))


def _read(
    member: Member, document_id: str, annotator: str, chosen: Chosen | None, source: str | None
) -> Pass:
    table = read_table(text_of(member), member.where)
    before = unescape(table.remarks.get(BEFORE, ""))
    text, unit, notes = rebuild(table.sentences, before, member.where)
    if source is not None and _holds(source, table, unit):
        text, notes = source, ()
    mentions, others = _sort_out(find_annotations(table), chosen, text, unit)
    imprint = read_stamp(table.remarks.get(STAMP), text, marks_of(mentions))
    if imprint is not None:
        document_id, annotator = imprint.document_id, imprint.annotator
    return Pass(
        where=member.where,
        document_id=document_id,
        annotator=annotator,
        text=text,
        mentions=tuple(mentions),
        coverage=imprint.coverage if imprint else MARKED,
        unit=unit,
        guide=imprint.guide if imprint else "",
        details=imprint.details if imprint else {},
        asides=tuple(
            Aside(document_id=document_id, annotator=annotator, kind=kind, value=value)
            for kind, value in others
            if kind != EMPTY
        ),
        losses=tuple(
            Loss(document_id=document_id, what="span refused", why=EMPTY)
            for kind, _ in others
            if kind == EMPTY
        ),
        notes=(*notes, describe(chosen)),
    )


def _holds(source: str, table: Table, unit: Unit) -> bool:
    """Say whether the tokens stand in a text at their offsets."""
    if unit != "UTF-16":
        return False
    halves = source.encode("utf-16-le", "surrogatepass")
    return all(
        halves[2 * row.start : 2 * row.end] == row.surface.encode("utf-16-le", "surrogatepass")
        for sentence in table.sentences
        for row in sentence.rows
        if row.is_token
    )


def _sort_out(
    annotations: Annotations, chosen: Chosen | None, text: str, unit: Unit
) -> tuple[list[Mention], list[tuple[str, dict[str, Any]]]]:
    """Part the entities from all else, which comes as kind and value."""
    cut = utf16_slicer(text) if unit == "UTF-16" else slicer(text)
    mentions: list[Mention] = []
    others: list[tuple[str, dict[str, Any]]] = []
    for found in annotations.found:
        value = _value(found, annotations)
        if not chosen or found.layer.kind != "SP" or found.layer.name != chosen[0]:
            others.append((_KINDS[found.layer.kind], value))
            continue
        label = value["features"].pop(chosen[1], None) or short_name(chosen[0])
        if found.start == found.end:
            others.append((EMPTY, value))
            continue
        surface = cut(found.start, found.end)
        mentions.append(Mention(start=found.start, end=found.end, label=label, surface=surface))
        if value["features"] or found.links:
            others.append(("features", {**value, "label": label}))
    return mentions, others


def _value(found: Found, annotations: Annotations) -> dict[str, Any]:
    features = found.features.items()
    value: dict[str, Any] = {
        "layer": found.layer.name,
        "start": found.start,
        "end": found.end,
        "features": {name: feature for name, feature in features if feature is not None},
    }
    if found.links:
        value["links"] = {
            name: [
                {"role": role, "target": _listed(annotations.target(target))}
                for role, target in links
            ]
            for name, links in found.links.items()
        }
    if found.chain:
        value["chain"], value["link"] = found.chain
    if found.layer.kind == "RL":
        source, target = annotations.ends(found)
        value["source"], value["target"] = _listed(source), _listed(target)
    return value


def _listed(place: Range | None) -> list[int] | None:
    return None if place is None else list(place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentences:
    """The tokens of a document and the sentences they make, the same for all its annotators."""

    starts: Sequence[int]
    ends: Sequence[int]
    borders: Sequence[Range]
    """Tokens [start, end) of each sentence."""


def cut_sentences(item: Annotated) -> Sentences:
    """Cut a document into sentences that end in nobody's span."""
    spans = tuple(span for annotation in item.annotations for span in annotation.spans)
    everything = Annotation(
        document_id=item.document.id,
        text_sha256=item.document.text_sha256,
        annotator="",
        guide="",
        coverage=(),
        spans=spans,
    )
    cut = tokenized(item.document, everything)
    return Sentences(starts=cut.tokens.starts, ends=cut.tokens.ends, borders=cut.sentences)


def write_table(
    document: Document, annotation: Annotation, sentences: Sentences
) -> tuple[bytes, list[Loss]]:
    """Write one annotation as WebAnno TSV 3.3.

    Spans may begin and end inside a token. Blank at their borders has no place.
    """
    text, starts, ends = document.text, sentences.starts, sentences.ends
    offsets = utf16_offsets(text)
    cells, losses, kept = _place(document, annotation.spans, sentences)
    stamp = write_stamp(
        document,
        annotation,
        [(offsets[start], offsets[end], label) for start, end, label in kept],
        [(offsets[start], offsets[end]) for start, end in annotation.coverage],
        "UTF-16",
    )
    before = escape(text[: starts[0]] if starts else text)
    lines = ["#FORMAT=WebAnno TSV 3.3", f"#T_SP={NAMED_ENTITY}|identifier|{VALUE}", ""]
    remark = [f"{STAMP}{stamp}", f"{BEFORE}{before}"]
    for number, (first, last) in enumerate(sentences.borders, start=1):
        # Up to the next sentence, so that no text stands between two.
        end = starts[last] if last < len(starts) else len(text)
        body = text[starts[first] : end].split("\n")
        lines += ["", *remark, *(f"#Text={escape_text(line)}" for line in body)]
        remark = []
        for token in range(first, last):
            name = f"{number}-{token - first + 1}"
            whole = (starts[token], ends[token])
            parts = sorted(place for place in cells.get(token, ()) if place != whole)
            for part, place in enumerate([whole, *parts]):
                row = f"{name}.{part}" if part else name
                begin, stop = offsets[place[0]], offsets[place[1]]
                values = _cells(cells.get(token, {}).get(place, []))
                lines.append(f"{row}\t{begin}-{stop}\t{text[place[0] : place[1]]}\t{values}\t")
    return "".join(f"{line}\n" for line in [*lines, *remark]).encode(), losses


Placed = dict[int, dict[Range, list[tuple[str, int]]]]
"""By token, and by its part in characters: labels and ids, 0 where none is needed."""


def _place(
    document: Document, spans: Sequence[Span], sentences: Sentences
) -> tuple[Placed, list[Loss], list[Mark]]:
    """Put spans on tokens; the last list is of what a reader will see."""
    pieces: list[tuple[Span, list[tuple[int, Range]]]] = []
    crowd: defaultdict[Range, int] = defaultdict(int)
    losses: list[Loss] = []
    for span in spans:
        first = bisect_right(sentences.ends, span.start)
        last = bisect_left(sentences.starts, span.end)
        found = [
            (
                token,
                (
                    max(span.start, sentences.starts[token]),
                    min(span.end, sentences.ends[token]),
                ),
            )
            for token in range(first, last)
        ]
        for _, place in found:
            crowd[place] += 1
        if fate := _fate(span, found):
            losses.append(
                Loss(
                    document_id=document.id,
                    start=span.start,
                    end=span.end,
                    what=f"span {fate[0]}",
                    why=fate[1],
                )
            )
        if found:
            pieces.append((span, found))
    placed: Placed = {}
    kept: list[Mark] = []
    for number, (span, found) in enumerate(pieces, start=1):
        identifier = number if len(found) > 1 or crowd[found[0][1]] > 1 else 0
        kept.append((found[0][1][0], found[-1][1][1], span.label))
        for token, place in found:
            placed.setdefault(token, {}).setdefault(place, []).append((span.label, identifier))
    return placed, losses, kept


def _fate(span: Span, found: Sequence[tuple[int, Range]]) -> tuple[str, str] | None:
    if not found:
        return "left out", "it touches no token"
    if (found[0][1][0], found[-1][1][1]) != (span.start, span.end):
        return "narrowed", "WebAnno TSV has no place for blank at its borders"
    return None


def _cells(labels: Sequence[tuple[str, int]]) -> str:
    """Write the two columns: the identifier, which we have none of, and the label."""
    if not labels:
        return "_\t_"
    marks = [f"[{number}]" if number else "" for _, number in labels]
    values = [f"{escape(label)}{mark}" for (label, _), mark in zip(labels, marks, strict=True)]
    return "|".join(f"{NULL}{mark}" for mark in marks) + "\t" + "|".join(values)


FORMAT = Format(
    name="webanno",
    title="WebAnno TSV",
    read=read,
    write=write,
    carries=Carries(coverage=True, guide=True, document_details=True),
    suffixes=(SUFFIX,),
    options=frozenset({"layer"}),
)
