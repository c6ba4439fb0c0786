"""HIPE's columns (CLEF-HIPE-2020 and HIPE-2022) into passes, and annotations into them.

A header row names the columns, comments before a document's tokens describe it, and flags in MISC
say what follows a token. Entities are those of NE-COARSE-LIT with those nested in them in
NE-NESTED; what the other columns say is kept aside. A mention may go on over the end of a sentence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gonerd.bio import TokenSpan
from gonerd.errors import ConfigError, RecordError
from gonerd.formats.conll.tags import (
    UNREAD,
    find_scheme,
    looks_like_tags,
    losses_of,
    spans_of,
    unknown_of,
)
from gonerd.formats.conll.token_lines import (
    Draft,
    about,
    comment_of,
    document_ids,
    escape,
    files_by_annotator,
    finish,
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
from gonerd.formats.tokenized import UNKNOWN, tokenized
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss

TOKEN, COARSE, NESTED, MISC = "TOKEN", "NE-COARSE-LIT", "NE-NESTED", "MISC"
COLUMNS = (
    TOKEN,
    COARSE,
    "NE-COARSE-METO",
    "NE-FINE-LIT",
    "NE-FINE-METO",
    "NE-FINE-COMP",
    NESTED,
    "NEL-LIT",
    "NEL-METO",
    MISC,
)
_NONE = "_"
"""In a column that says nothing of a token."""
_FLAGS = frozenset({"NoSpaceAfter", "EndOfLine", "EndOfSentence", _NONE, ""})
_DETAILS = {
    "language": "language",
    "license": "license",
    "original_license": "license",
    "original_source": "source",
}

Row = list[str]


@dataclass(kw_only=True, slots=True)
class _Rows(Draft):
    """A document and its rows."""

    rows: list[Row] = field(default_factory=list)


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass | TokenPass]:
    """Read each document of each file, in the order of the files."""
    for member in members:
        base, annotator = names_of(member, annotator=options.annotator, paths=options.paths)
        lines = [line.removesuffix("\r") for line in text_of(member).split("\n")]
        names = _header(lines, member.where)
        documents = _read_documents(lines, names, member.where)
        layers = _layers(names, options.layer, member.where)
        schemes: dict[str, str] = {}
        notes: list[str] = []
        for layer in layers:
            tags = [_column(document, names, layer) for document in documents]
            schemes[layer], found = find_scheme(tags, member.where, given=options.scheme)
            notes += [note for note in found if note not in notes]
        for document, name in zip(documents, document_ids(documents, base), strict=True):
            _fill(document, names, schemes)
            document.notes += notes
            yield finish(document, name, annotator)


def write(items: Sequence[Annotated]) -> Written:
    """Write each annotator's documents with two levels of entities."""
    return files_by_annotator(items, ".tsv", ("\t".join(COLUMNS),), _write_document)


def _write_document(document: Document, annotation: Annotation) -> tuple[list[str], list[Loss]]:
    done = tokenized(document, annotation)
    starts, texts = done.tokens.starts, done.tokens.texts
    before = document.text[: starts[0]] if starts else document.text
    lines = [
        f"# hipe2022:document_id = {escape(document.id)}",
        f"# hipe2022:language = {escape(document.language)}",
        f"# hipe2022:applicable_columns = {TOKEN} {COARSE} {NESTED} {MISC}",
        *about(document, annotation, before),
    ]
    (coarse, nested), losses = levels_of_tags(document, done, 2, FORMAT.title)
    ends = {last - 1 for _, last in done.sentences}
    for index, text in enumerate(texts):
        row = dict.fromkeys(COLUMNS, _NONE) | {TOKEN: text}
        if coarse[index] != UNKNOWN:
            row |= {COARSE: escape(coarse[index]), NESTED: escape(nested[index])}
        flags = _gap_flags(done.gaps[index], index + 1 == len(texts))
        flags += ["EndOfSentence"] * (index in ends)
        row[MISC] = "|".join(flags) or _NONE
        lines.append("\t".join(row.values()))
    return [*lines, ""], [*done.losses, *losses]


def _gap_flags(gap: str, is_last: bool) -> list[str]:
    if gap == " " and not is_last:
        return []
    known = {"": "NoSpaceAfter", "\n": "EndOfLine"}
    return [known.get(gap, f"SpacesAfter={escape(gap)}")]


def _header(lines: Sequence[str], where: str) -> tuple[str, ...]:
    """Find the names of the columns."""
    for line in lines:
        comment = comment_of(line)
        names = comment[1].split() if comment and comment[0] == "global.columns" else []
        names = names or [name.strip() for name in line.split("\t")]
        if names[0] == TOKEN and len(names) > 1:
            return tuple(names)
        if line.strip() and not line.startswith("#"):
            break
    raise RecordError(
        f"{where}: no header row; expected {', '.join(COLUMNS[:3])} and so on before the first "
        "token, apart by tabs."
    )


def _read_documents(lines: Sequence[str], names: tuple[str, ...], where: str) -> list[_Rows]:
    """Part the rows into documents: where an id is stated, or, without ids, at empty lines."""
    documents = [_Rows(where=where)]
    comments: list[tuple[str, str]] = []
    apart = False
    named = any(_is_id(comment_of(line)) for line in lines)
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        if not line.strip():
            _remember(documents[-1], comments)
            comments, apart = [], True
        elif line.startswith("#") and len(fields) != len(names):
            comments += [comment] if (comment := comment_of(line)) else []
            if _is_id(comment):
                _start(documents, f"{where}:{number}", comments)
                comments = []
        elif fields[0] != TOKEN or fields[1:2] != [names[1]]:
            if len(fields) != len(names) or not fields[0].strip():
                raise RecordError(
                    f"{where}:{number}: {line[:60]!r}; expected a token and {len(names) - 1} more "
                    "columns, apart by tabs."
                )
            if apart and not named:
                _start(documents, f"{where}:{number}", [])
            _remember(documents[-1], comments)
            comments, apart = [], False
            documents[-1].rows.append([fields[0].strip(), *fields[1:]])
    _remember(documents[-1], comments)
    return [document for document in documents if document.rows or document.imprint]


def _start(documents: list[_Rows], where: str, comments: Sequence[tuple[str, str]]) -> None:
    if documents[-1].rows or not documents[-1].is_empty:
        documents.append(_Rows(where=where))
    _remember(documents[-1], comments)


def _is_id(comment: tuple[str, str] | None) -> bool:
    return comment is not None and comment[0].rpartition(":")[2] == "document_id"


def _remember(document: _Rows, comments: Sequence[tuple[str, str]]) -> None:
    for key, value in comments:
        short = key.rpartition(":")[2]
        if short == "document_id":
            document.document_id = value
        elif short in _DETAILS and value:
            if short.endswith("license"):
                value = "-".join(value.lower().split())
            document.details.setdefault(_DETAILS[short], value)
        else:
            document.remember(key, value)


def _layers(names: tuple[str, ...], layer: str | None, where: str) -> tuple[str, ...]:
    if layer is None and COARSE in names:
        return (COARSE, NESTED) if NESTED in names else (COARSE,)
    wanted = tuple((layer or COARSE).split(","))
    known = [name for name in names if name not in (TOKEN, MISC)]
    if missing := [name for name in wanted if name not in known]:
        raise ConfigError(
            f"{where}: no column {missing[0]!r}; expected one of {', '.join(known)}.\n"
            f"Say which holds the entities, as in --layer {known[0] if known else COARSE}."
        )
    return wanted


def _column(document: _Rows, names: tuple[str, ...], name: str) -> list[str]:
    place = names.index(name)
    return [row[place].strip() for row in document.rows]


def _fill(document: _Rows, names: tuple[str, ...], schemes: Mapping[str, str]) -> None:
    """Fill in tokens, what follows them, mentions, and what stands beside them."""
    document.tokens = _column(document, names, TOKEN)
    flags = [value.split("|") for value in _column(document, names, MISC)] if MISC in names else []
    flags = flags or [[] for _ in document.rows]
    document.gaps = [_gap(found) for found in flags]
    if document.gaps and document.gaps[-1] == " " and document.imprint is None:
        document.gaps[-1] = ""
    spans: list[TokenSpan] = []
    for number, (layer, scheme) in enumerate(schemes.items()):
        tags = _column(document, names, layer)
        found, faults = spans_of(tags, scheme)
        spans += found
        document.losses += [(loss.what, loss.why) for loss in losses_of(faults, "")]
        if number == 0:
            document.unknown = unknown_of(tags, scheme)
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        label = unescape(label) if document.imprint else label
        document.mentions.append(Mention(start=start, end=end, label=label))
        if any(flag.startswith("Partial-") for flag in flags[start] + flags[end - 1]):
            document.losses.append(("span widened", "its border lies inside a token (Partial)"))
    _keep_aside(document, names, schemes, flags)


def _gap(flags: Sequence[str]) -> str:
    for flag in flags:
        key, _, value = flag.partition("=")
        if key == "SpacesAfter" and value and not unescape(value).strip():
            return unescape(value)
    if "EndOfLine" in flags:
        return "\n"
    return "" if "NoSpaceAfter" in flags else " "


def _keep_aside(
    document: _Rows,
    names: tuple[str, ...],
    schemes: Mapping[str, str],
    flags: Sequence[Sequence[str]],
) -> None:
    """Keep what other columns say of tokens, and of the mentions."""
    for name in names:
        if name in (TOKEN, MISC, *schemes):
            continue
        values = _column(document, names, name)
        if looks_like_tags(values):
            said = [list(span) for span in spans_of(values, "IOB2")[0]]
        else:
            said = [
                [mention.start, mention.end, values[mention.start]]
                for mention in document.mentions
                if values[mention.start] not in UNREAD
            ]
        if said:
            document.asides[name] = {"mentions": said}
    rest = [
        [index, flag]
        for index, found in enumerate(flags)
        for flag in found
        if flag not in _FLAGS and not flag.startswith("SpacesAfter=")
    ]
    if rest:
        document.asides[MISC] = {"flags": rest}


FORMAT = Format(
    name="hipe",
    title="HIPE TSV",
    read=read,
    write=write,
    carries=Carries(coverage=True, guide=True, document_details=True),
    suffixes=(".tsv",),
    options=frozenset({"layer", "scheme"}),
)
