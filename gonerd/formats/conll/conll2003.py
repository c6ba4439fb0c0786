"""Columns of tokens and tags, as CoNLL-2003 and its many kin have them, into passes and back.

One token a line, columns apart by tabs or blanks, an empty line after each sentence, `-DOCSTART-`
between documents. Which column is the token's and which hold tags is found out over the whole file;
several columns of tags are levels of nested entities if no two of them say the same.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gonerd.bio import TokenSpan
from gonerd.errors import RecordError
from gonerd.formats.conll.tag_columns import Columns, Row, find_columns
from gonerd.formats.conll.tags import find_scheme, looks_like_tags, losses_of, spans_of, unknown_of
from gonerd.formats.conll.token_lines import (
    Draft,
    about,
    comment_of,
    document_ids,
    escape,
    files_by_annotator,
    finish,
    gaps_in,
    levels_of_tags,
    unescape,
)
from gonerd.formats.layers import (
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    TokenPass,
    Written,
)
from gonerd.formats.members import Member, names_of, text_of
from gonerd.formats.tokenized import tokenized
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range
from gonerd.spans import merge_ranges

_DOCUMENT = "-DOCSTART-"
_OWN_COLUMNS = Columns(token=0, tags=(3,), gap=2)
"""The second has the characters [start:end) of the token."""
_OWN_WIDTH = 4

_COMMENT = re.compile(r"# +(?:[\w.:+-]+(?: \w+)? *=.*|id .*|newdoc|newpar)")
_SENTENCE_NAME = re.compile(r"# +(?:sent_id *= *|id +)(\S+).*")
_NAMED_START = re.compile(rf"{_DOCUMENT}\s+\((.+)\)")
_PLACE = re.compile(r"\d+:\d+")
_HEADINGS = frozenset({"token", "tokens", "word", "words", "form"})


@dataclass(kw_only=True, slots=True)
class _Sentence:
    rows: list[Row] = field(default_factory=list)
    name: str = ""
    text: str = ""


@dataclass(kw_only=True, slots=True)
class _Lines(Draft):
    """A document and its lines, taken apart."""

    sentences: list[_Sentence] = field(default_factory=lambda: [_Sentence()])


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass | TokenPass]:
    """Read each document of each file, in the order of the files."""
    for member in members:
        base, annotator = names_of(member, annotator=options.annotator, paths=options.paths)
        documents, width, names = _read_lines(member)
        columns = _OWN_COLUMNS
        if width != _OWN_WIDTH or not any(found.imprint for found in documents):
            sentences = [found.rows for document in documents for found in document.sentences]
            columns = find_columns(sentences, width, names, options.layer, member.where)
        if options.sentence_documents:
            documents = [part for document in documents for part in _by_sentence(document)]
        _read_tags(documents, columns, options, member.where)
        for document, name in zip(documents, document_ids(documents, base), strict=True):
            yield finish(document, name, annotator)


def write(items: Sequence[Annotated]) -> Written:
    """Write each annotator's documents as four columns, the last of them IOB2."""
    return files_by_annotator(items, ".conll", (), _write_document)


def _write_document(document: Document, annotation: Annotation) -> tuple[list[str], list[Loss]]:
    done = tokenized(document, annotation)
    starts, ends, texts = done.tokens.starts, done.tokens.ends, done.tokens.texts
    before = document.text[: starts[0]] if starts else document.text
    lines = ["\t".join((_DOCUMENT, "-X-", "-X-", "O")), ""]
    lines += [f"# doc_id = {escape(document.id)}", *about(document, annotation, before)]
    (tags,), losses = levels_of_tags(document, done, 1, FORMAT.title)
    for first, last in done.sentences:
        # Other readers take a line with `#` at the head of a sentence for a comment.
        if first and not texts[first].startswith("#"):
            lines.append("")
        for index in range(first, last):
            place = f"{starts[index]}:{ends[index]}"
            gap = escape(done.gaps[index]) or "_"
            lines.append("\t".join((texts[index], place, gap, escape(tags[index]))))
    return [*lines, ""], [*done.losses, *losses]


def _read_lines(member: Member) -> tuple[list[_Lines], int, tuple[str, ...]]:
    """Take a file apart into documents, with the number of columns and their names."""
    lines = [line.removesuffix("\r") for line in text_of(member).split("\n")]
    rows = _split(lines)
    width = _width(lines, rows, member.where)
    names: tuple[str, ...] = ()
    documents = [_Lines(where=member.where)]
    for number, (line, fields) in enumerate(zip(lines, rows, strict=True), start=1):
        where = f"{member.where}:{number}"
        if not fields:
            if documents[-1].sentences[-1].rows:
                documents[-1].sentences.append(_Sentence())
        elif _is_start(line):
            named = _NAMED_START.match(line)
            documents.append(_Lines(where=where, document_id=named[1].strip() if named else ""))
        elif _is_comment(line, fields, width):
            if (comment := comment_of(line)) and comment[0] == "global.columns":
                names = tuple(comment[1].split())
            _take_comment(documents, line, where)
        elif fields[0].casefold() in _HEADINGS and not _has_rows(documents) and not names:
            names = _heading(fields, documents[-1], width, where, line)
        else:
            _take_row(documents[-1], fields, width, where, line)
    return [found for found in documents if found.imprint or _has_rows([found])], width, names


def _split(lines: Sequence[str]) -> list[Row]:
    """Split lines at tabs, where most have one, or else at blanks; an empty line has no columns."""
    content = [line for line in lines if line.strip() and line[0] != "#"] or lines
    tabs = sum("\t" in line for line in content) * 2 > len(content)
    rows: list[Row] = []
    for line in lines:
        if not line.strip():
            rows.append([])
        elif not tabs:
            rows.append(re.split("[ \t]+", line.rstrip()))
        elif " " in line or not line.isascii():
            rows.append([value.strip() for value in line.split("\t")])
        else:
            rows.append(line.split("\t"))
    return rows


def _width(lines: Sequence[str], rows: Sequence[Row], where: str) -> int:
    """Find how many columns the lines have, by what most of them have."""
    counts: Counter[int] = Counter()
    example = ""
    for line, fields in zip(lines, rows, strict=True):
        if fields and not _is_start(line) and not _COMMENT.fullmatch(line):
            counts[len(fields)] += 1
            example = example or line
    width = counts.most_common(1)[0][0] if counts else 0
    if width == 1:
        raise RecordError(
            f"{where}: most lines have one column, as {example[:60]!r}; expected a token and its "
            "tag, apart by a tab or blanks."
        )
    return width


def _is_start(line: str) -> bool:
    """Tell the mark of a new document from a token of ours that is called so."""
    if not line.startswith(_DOCUMENT):
        return False
    mark, *rest = line.split(maxsplit=2)
    return mark == _DOCUMENT and not _PLACE.fullmatch("".join(rest[:1]))


def _is_comment(line: str, fields: Row, width: int) -> bool:
    """Tell a comment from a token that begins with `#`, by its form or its number of columns."""
    if line[0] != "#":
        return False
    return bool(_COMMENT.fullmatch(line)) or (len(fields) != width and len(line.split()) > 1)


def _take_comment(documents: list[_Lines], line: str, where: str) -> None:
    document = documents[-1]
    key, value = comment_of(line) or (line.removeprefix("#").strip(), "")
    if key in ("newdoc id", "newdoc", "doc_id"):
        if document.document_id or _has_rows([document]):
            document = _Lines(where=where)
            documents.append(document)
        document.document_id = value
    elif key == "text":
        document.sentences[-1].text = value
    elif named := _SENTENCE_NAME.fullmatch(line):
        document.sentences[-1].name = named[1]
    else:
        document.remember(key, value)


def _heading(fields: Row, document: _Lines, width: int, where: str, line: str) -> tuple[str, ...]:
    """Read the first line, which may name the columns, or begin the text with the word `Word`."""
    if len(fields) == width and not looks_like_tags(fields[-1:]):
        return tuple(fields)
    _take_row(document, fields, width, where, line)
    return ()


def _take_row(document: _Lines, fields: Row, width: int, where: str, line: str) -> None:
    if not any(fields[width:]):
        fields = fields[:width]
    if not fields[0]:
        document.losses.append(("line refused", "it has a tag and no token"))
        return
    if len(fields) == 1 and " " not in fields[0]:
        document.losses.append(("tag missing", "the line has a token and no tag"))
        fields = fields + [""] * (width - 1)
    if len(fields) != width:
        columns = "one column" if len(fields) == 1 else f"{len(fields)} columns"
        raise RecordError(
            f"{where}: {line[:60]!r} has {columns}; expected {width}, as most lines have."
        )
    document.sentences[-1].rows.append(fields)


def _has_rows(documents: Sequence[_Lines]) -> bool:
    return any(sentence.rows for document in documents for sentence in document.sentences)


def _by_sentence(document: _Lines) -> list[_Lines]:
    """Make a document of each sentence."""
    sentences = [sentence for sentence in document.sentences if sentence.rows]
    parts = [
        _Lines(
            where=document.where,
            document_id=sentence.name
            or (f"{document.document_id}-{number}" if document.document_id else ""),
            details=dict(document.details),
            sentences=[sentence],
        )
        for number, sentence in enumerate(sentences, start=1)
    ]
    if parts:
        parts[0].losses = document.losses
    return parts


def _read_tags(
    documents: Sequence[_Lines], columns: Columns, options: ReadOptions, where: str
) -> None:
    """Fill in the tokens and what the tags say of them."""
    notes = list(columns.notes)
    schemes = {}
    for column in columns.tags:
        sequences = (
            [row[column] for row in sentence.rows]
            for document in documents
            for sentence in document.sentences
        )
        schemes[column], found = find_scheme(sequences, where, given=options.scheme)
        notes += [note for note in found if note not in notes]
    for document in documents:
        unknown = [
            found
            for sentence in document.sentences
            for found in _fill(document, sentence, columns, schemes)
        ]
        document.unknown = merge_ranges(unknown)
        document.notes += notes


def _fill(
    document: _Lines, sentence: _Sentence, columns: Columns, schemes: Mapping[int, str]
) -> Iterator[Range]:
    """Add a sentence to its document: tokens, what stands between them, and the spans.

    What comes back is the tokens of which nothing is known, by the first column of tags.
    """
    rows = [row for row in sentence.rows if row[columns.token]]
    refused = len(sentence.rows) - len(rows)
    document.losses += [("line refused", "it has a tag and no token")] * refused
    first = len(document.tokens)
    tokens = [row[columns.token] for row in rows]
    gaps = [" "] * (len(rows) - 1) + ["\n"] if rows else []
    if columns.gap is not None:
        gaps = [unescape(row[columns.gap]) if row[columns.gap] != "_" else "" for row in rows]
    elif found := gaps_in(sentence.text, tokens):
        gaps[:-1] = found[:-1]
    document.tokens += tokens
    document.gaps += gaps
    spans: set[TokenSpan] = set()
    for column in columns.tags:
        tags = [row[column] for row in rows]
        found_spans, faults = spans_of(tags, schemes[column])
        spans.update(found_spans)
        document.losses += [(loss.what, loss.why) for loss in losses_of(faults, "")]
        if column == columns.tags[0]:
            for start, end in unknown_of(tags, schemes[column]):
                yield first + start, first + end
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        label = unescape(label) if columns.gap is not None else label
        document.mentions.append(Mention(start=first + start, end=first + end, label=label))


FORMAT = Format(
    name="conll",
    title="CoNLL columns",
    read=read,
    write=write,
    carries=Carries(overlapping=False, coverage=True, guide=True, document_details=True),
    suffixes=(".conll", ".conll03", ".iob", ".iob2", ".bio", ".tsv", ".txt"),
    options=frozenset({"layer", "scheme", "sentence_documents"}),
)
