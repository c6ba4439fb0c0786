"""brat standoff, a text beside a file of annotations, into passes and back.

Of a document `a/b` there are `a/b.txt` and `a/b.ann`, or `a/b.a1` and `a/b.a2` as the BioNLP tasks
divide it. brat has no place for an annotator: each has a folder. Every `T` line is a span, also
where it only serves as the trigger of an event; all other lines are asides. Offsets count code
points, of the text as brat saw it.

brat writes a mention that runs over a line's end as two fragments. Fragments with nothing but blank
between them are therefore one piece; all others are a discontinuous mention.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import quote

from gonerd.formats.brat.fragments import merge_over_blanks, split_at_breaks, text_variants
from gonerd.formats.brat.lines import Content, lines_of, parse_lines
from gonerd.formats.imprint import Imprint, places
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
from gonerd.formats.members import Member, fits, names_of, text_of
from gonerd.formats.stamp import Mark, marks_of, read_stamp, write_stamp
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range, Span

_TEXT = ".txt"
_ANNOTATIONS = (".ann", ".a1", ".a2")
_BYTE_ORDER_MARK = "\ufeff"

_KINDS = {
    "R": "relation",
    "E": "event",
    "A": "attribute",
    "M": "attribute",
    "N": "normalization",
    "#": "note",
    "*": "equivalence",
}
_SPAN_ID = re.compile(r"(?<![^\s:])T\d+(?!\S)")

_UNSAFE_IN_LABEL = re.compile(r"[\s%\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    """The members that make up one document of one annotator."""

    text: Member | None
    annotations: tuple[Member, ...]


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read every document that has annotations, and every text without."""
    named: list[tuple[_Files, str, str]] = []
    texts: dict[str, Member | None] = {}
    for files in _pair(members):
        names = _names(files, options)
        if names is not None:
            named.append((files, *names))
        elif files.text is not None:  # beside the folders that the pattern speaks of
            name, _ = names_of(files.text, annotator=None, paths=None)
            texts[name] = files.text
    texts |= {document_id: files.text for files, document_id, _ in named if files.text}
    annotated = {document_id for files, document_id, _ in named if files.annotations}
    for files, document_id, annotator in named:
        if not files.annotations and document_id in annotated:
            continue  # the text of a document that is annotated in other folders
        yield _read(files, files.text or texts.get(document_id), document_id, annotator)


def write(items: Sequence[Annotated]) -> Written:
    """Write a .txt and an .ann file per annotation; with several annotators, a folder for each."""
    annotations, losses = places(items)
    files: dict[str, bytes] = {}
    for path, document, annotation in annotations:
        files[f"{path}{_TEXT}"] = document.text.encode()
        lines, lost = _lines(document, annotation)
        files[f"{path}.ann"] = "".join(f"{line}\n" for line in lines).encode()
        losses += lost
    return Written(files=files, losses=tuple(losses))


def _first(files: _Files) -> Member:
    first = files.annotations[0] if files.annotations else files.text
    assert first is not None
    return first


def _names(files: _Files, options: ReadOptions) -> tuple[str, str] | None:
    """Take the names from the path that both files share; a pattern may end in either suffix.

    None where a text without annotations does not fit the pattern.
    """
    member = _first(files)
    suffix = PurePosixPath(options.paths or "").suffix
    if suffix in (_TEXT, *_ANNOTATIONS):
        member = replace(member, name=member.name[: -len(member.suffix)] + suffix)
    if options.paths and not files.annotations and not fits(member, options.paths):
        return None
    return names_of(member, annotator=options.annotator, paths=options.paths)


def _pair(members: Iterable[Member]) -> list[_Files]:
    found: defaultdict[tuple[str, str], dict[str, Member]] = defaultdict(dict)
    for member in members:
        if member.suffix in (_TEXT, *_ANNOTATIONS):
            folder = re.sub(r"[^/!]*$", "", member.where)
            found[folder, member.name[: -len(member.suffix)]][member.suffix] = member
    return [
        _Files(
            text=files.get(_TEXT),
            annotations=tuple(
                # Where all three are there, the other two hold the same spans once more.
                files[suffix]
                for suffix in ([".ann"] if ".ann" in files else [".a1", ".a2"])
                if suffix in files
            ),
        )
        for files in found.values()
    ]


def _read(files: _Files, text_member: Member | None, document_id: str, annotator: str) -> Pass:
    content = parse_lines(line for member in files.annotations for line in lines_of(member))
    text, mentions, imprint = _settle(content, _texts(text_member, content))
    if imprint is not None:
        document_id, annotator = imprint.document_id, imprint.annotator
    merged = any(
        len(mention.fragments) > len(mentions[identifier].fragments)
        for identifier, mention in content.mentions.items()
    )
    return Pass(
        where=_first(files).where,
        document_id=document_id,
        annotator=annotator,
        text=text,
        mentions=tuple(mentions.values()),
        coverage=imprint.coverage if imprint else MARKED,
        unit="code points" if imprint else None,
        guide=imprint.guide if imprint else "",
        details=imprint.details if imprint else {},
        asides=tuple(
            _aside(document_id, annotator, identifier, rest, mentions)
            for identifier, rest in content.others
        ),
        losses=tuple(
            Loss(document_id=document_id, what=what, why=why) for what, why in content.losses
        ),
        notes=("fragments with only blank between them are one piece",) if merged else (),
    )


def _texts(member: Member | None, content: Content) -> list[str | None]:
    """Read a text; a mark of byte order may belong to it, the likelier reading first."""
    if member is None:
        return [None]
    text = text_of(member)
    if not member.read().startswith(_BYTE_ORDER_MARK.encode()):
        return [text]
    readings: list[str | None] = [text, _BYTE_ORDER_MARK + text]
    return sorted(readings, key=lambda reading: -_fitting(reading or "", content))


def _fitting(text: str, content: Content) -> int:
    return sum(
        text[mention.start : mention.end] == mention.surface
        for mention in content.mentions.values()
    )


def _settle(
    content: Content, texts: Sequence[str | None]
) -> tuple[str | None, dict[str, Mention], Imprint | None]:
    """Choose the text, put the mentions on it, and see whether they are as we wrote them."""
    for text in texts:
        mentions = _on_text(content, text)
        if imprint := read_stamp(content.stamp, text, marks_of(mentions.values())):
            return text, mentions, imprint
    return texts[0], _on_text(content, texts[0]), None


def _on_text(content: Content, text: str | None) -> dict[str, Mention]:
    """Make one piece of fragments with blank between them, and add what our notes say."""
    in_parts = any(mention.fragments for mention in content.mentions.values())
    variants = text_variants(text) if text is not None and in_parts else ()
    return {
        identifier: replace(
            merge_over_blanks(mention, variants) if mention.fragments else mention,
            label=content.labels.get(mention.label, mention.label),
            **content.remarks.get(identifier, {}),
        )
        for identifier, mention in content.mentions.items()
    }


def _aside(
    document_id: str, annotator: str, identifier: str, rest: str, mentions: Mapping[str, Mention]
) -> Aside:
    """Keep a line with the spans it speaks of, whose ids are not kept."""
    spans = {
        found: [mentions[found].start, mentions[found].end, mentions[found].label]
        for found in _SPAN_ID.findall(rest)
        if found in mentions
    }
    return Aside(
        document_id=document_id,
        annotator=annotator,
        kind=_KINDS[identifier[0]],
        value={"id": identifier, "columns": rest.split("\t"), "spans": spans},
    )


def _lines(document: Document, annotation: Annotation) -> tuple[list[str], list[Loss]]:
    lines: list[str] = []
    remarks: list[str] = []
    labels: dict[str, str] = {}
    marks: list[Mark] = []
    losses: list[Loss] = []
    for span in annotation.spans:
        parts = split_at_breaks(document.text, span)
        if fate := _fate(document.text, span, parts):
            losses.append(
                Loss(
                    document_id=document.id,
                    start=span.start,
                    end=span.end,
                    what=f"span {fate[0]}",
                    why=fate[1],
                )
            )
        if not parts:
            continue
        identifier = f"T{len(lines) + 1}"
        label = _UNSAFE_IN_LABEL.sub(lambda match: quote(match[0], safe=""), span.label)
        if label != span.label:
            labels[label] = span.label
        offsets = ";".join(f"{start} {end}" for start, end in parts)
        surface = " ".join(document.text[start:end] for start, end in parts)
        lines.append(f"{identifier}\t{label} {offsets}\t{surface}")
        marks.append((parts[0][0], parts[-1][1], span.label))
        if span.confidence is not None or span.support is not None:
            remark = {"confidence": span.confidence, "support": span.support}
            remarks.append(f"gonerd {identifier}\t{json.dumps(remark)}")
    if labels:
        remarks.append(f"gonerd labels\t{json.dumps(labels)}")
    stamp = write_stamp(document, annotation, marks, annotation.coverage, "code points")
    remarks.append(f"gonerd document\t{stamp}")
    notes = [f"#{number}\t{remark}" for number, remark in enumerate(remarks, start=1)]
    return lines + notes, losses


def _fate(text: str, span: Span, parts: Sequence[Range]) -> tuple[str, str] | None:
    """Say what becomes of a span that a reader of brat will not see as it is."""
    if not parts:
        return "left out", "it holds nothing but line ends"
    if (parts[0][0], parts[-1][1]) != (span.start, span.end):
        return "narrowed", "it begins or ends with a line end"
    before = span.fragments if len(span.fragments) > 1 else ((span.start, span.end),)
    after = [parts[0]]
    for start, end in parts[1:]:
        if not text[after[-1][1] : start].strip():
            after[-1] = (after[-1][0], end)
        else:
            after.append((start, end))
    return None if tuple(after) == before else ("joined", "only blank stands between its parts")


FORMAT = Format(
    name="brat",
    title="brat standoff",
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
    suffixes=(_TEXT, *_ANNOTATIONS),
)
