"""CoNLL-U with entities in its last column into passes, and annotations into it.

Entities stand in MISC, as tags (`NER=B-PER`) or as brackets (`Entity=(3-person`, `Entity=3)`),
which may nest, cross and come in parts; brackets are what is written. The text is rebuilt by
`SpaceAfter=No`, by `SpacesAfter` with its escapes, and by where paragraphs begin.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat

from gonerd.errors import ConfigError
from gonerd.formats.conll.brackets import Bracket, read_brackets, write_brackets
from gonerd.formats.conll.conllu_words import SPACES, Words, read_documents
from gonerd.formats.conll.tags import (
    UNTYPED,
    find_scheme,
    labels_in,
    looks_like_tags,
    losses_of,
    spans_of,
    unknown_of,
)
from gonerd.formats.conll.token_lines import about, document_ids, escape, files_by_annotator, finish
from gonerd.formats.layers import (
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    TokenPass,
    Written,
)
from gonerd.formats.members import Member, names_of
from gonerd.formats.tokenized import Tokenized, tokenized
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range
from gonerd.spans import merge_ranges, snap

_BRACKETS = "Entity"
_LINKS = ("Bridge", "SplitAnte")
"""Keys of links between bracketed entities; kept beside them."""
_TAGS = frozenset({"ner", "ne", "name", "entity"})
"""Keys that hold tags even where no tag names a type."""
_WIDENED = ("span widened", "its border lies inside a token of several words")


Parts = tuple[list[Range], str]
"""The tokens of each part of a span, and its label."""


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass | TokenPass]:
    """Read each document of each file, in the order of the files."""
    seen: set[str] = set()
    for member in members:
        base, annotator = names_of(member, annotator=options.annotator, paths=options.paths)
        documents = read_documents(member, by_sentence=options.sentence_documents)
        values = _values(documents)
        seen |= set(values)
        layer = options.layer or _find_layer(documents, values, member.where)
        if layer == _BRACKETS and not looks_like_tags(values.get(layer, ())):
            for document in documents:
                _read_entities(document)
        elif layer:
            _read_tags(documents, layer, options.scheme, member.where)
        for document, name in zip(documents, document_ids(documents, base), strict=True):
            _take_notes(document, layer, values)
            yield finish(document, name, annotator)
    if options.layer and options.layer not in seen and seen:
        known = ", ".join(sorted(seen - SPACES)) or "none"
        raise ConfigError(
            f"--layer {options.layer}: no such key in MISC; expected one that is there: {known}."
        )


def write(items: Sequence[Annotated]) -> Written:
    """Write each annotator's documents, their entities as brackets."""
    return files_by_annotator(items, ".conllu", (), _write_document)


def _write_document(document: Document, annotation: Annotation) -> tuple[list[str], list[Loss]]:
    done = tokenized(document, annotation)
    starts, texts = done.tokens.starts, done.tokens.texts
    before = document.text[: starts[0]] if starts else document.text
    name = escape(document.id)
    lines = [f"# newdoc id = {name}", *about(document, annotation, before)]
    lines.append("# global.Entity = eid-etype")
    spans, losses = _parts(document, done)
    brackets = write_brackets(spans)
    for number, (first, last) in enumerate(done.sentences, start=1):
        gaps = [" " if gap else "" for gap in done.gaps[first : last - 1]]
        joined = "".join(map("".join, zip(texts[first:last], [*gaps, ""], strict=True)))
        lines += [f"# sent_id = {name}-{number}", f"# text = {joined}"]
        for index in range(first, last):
            misc = [f"{_BRACKETS}={brackets[index]}"] if index in brackets else []
            misc += _write_gap(done.gaps[index], ends=index + 1 == last)
            row = [str(index - first + 1), texts[index], *"_" * 7, "|".join(misc) or "_"]
            lines.append("\t".join(row))
        lines.append("")
    return [*lines, *([] if done.sentences else [""])], [*done.losses, *losses]


def _parts(document: Document, done: Tokenized) -> tuple[list[Parts], list[Loss]]:
    """Put every part of every span on tokens."""
    found: list[Parts] = []
    losses: list[Loss] = []
    for (start, end, label), span in done.spans:
        places = [
            snap(
                replace(span, start=first, end=last, fragments=()),
                done.tokens.starts,
                done.tokens.ends,
            )
            for first, last in span.fragments
        ]
        parts = [(place[0], place[1]) for place in places if place is not None]
        what = ""
        if len(parts) < len(places) or any(map(_touch, parts, parts[1:], repeat(done.gaps))):
            what, why, parts = "span joined", "its parts do not stand apart on tokens", []
        elif not all(place[2] for place in places if place):
            what, why = "span widened", "the border of a part lies inside a token"
        if what:
            losses.append(
                Loss(document_id=document.id, start=span.start, end=span.end, what=what, why=why)
            )
        found.append((parts or [(start, end)], label))
    return found, losses


def _touch(left: Range, right: Range, gaps: Sequence[str]) -> bool:
    return left[1] > right[0] or (left[1] == right[0] and not gaps[left[1] - 1])


def _write_gap(gap: str, *, ends: bool) -> list[str]:
    """Write what follows a token; only a blank inside a sentence goes without saying."""
    if not gap:
        return ["SpaceAfter=No"]
    return [f"SpacesAfter={escape(gap)}"] if ends or gap != " " else []


def _values(documents: Sequence[Words]) -> dict[str, set[str]]:
    """Gather the values of each key of MISC."""
    values: dict[str, set[str]] = defaultdict(set)
    for document in documents:
        for sentence in document.sentences:
            for word in sentence:
                for key, value in word.misc.items():
                    values[key].add(value)
    return dict(values)


def _find_layer(
    documents: Sequence[Words], values: Mapping[str, set[str]], where: str
) -> str | None:
    """Find the one key of MISC that holds entities; None where there is none."""
    found = [
        key
        for key, held in values.items()
        if looks_like_tags(held) and (labels_in(held) - {UNTYPED} or key.casefold() in _TAGS)
    ]
    declared = any(document.fields for document in documents)
    if _BRACKETS not in found and (
        declared or any("(" in value for value in values.get(_BRACKETS, ()))
    ):
        found.append(_BRACKETS)
    if len(found) > 1:
        raise ConfigError(
            f"{where}: MISC holds entities under {', '.join(sorted(found))}; expected one key.\n"
            f"Say which to read, as in --layer {min(found)}."
        )
    return found[0] if found else None


def _read_entities(document: Words) -> None:
    """Read mentions from brackets, and keep aside what else the brackets say."""
    words = [word for sentence in document.sentences for word in sentence]
    found = read_brackets(
        (
            Bracket(start=word.start, end=word.end, value=word.misc.get(_BRACKETS, ""))
            for word in words
        ),
        document.fields,
        document.where,
    )
    document.mentions = found.mentions
    document.unknown = None
    document.losses += [("span refused", why) for why in found.refused]
    for word in words:
        value = word.misc.get(_BRACKETS, "")
        if ("(" in value and word.cut[0]) or (")" in value and word.cut[1]):
            document.losses.append(_WIDENED)
    links = {
        key: [[word.start, word.misc[key]] for word in words if key in word.misc] for key in _LINKS
    }
    if document.imprint is None and (document.fields.count("-") > 1 or any(links.values())):
        document.asides["entities"] = {
            "fields": document.fields,
            "mentions": [list(content) for content in found.contents],
            **{key: linked for key, linked in links.items() if linked},
        }


def _read_tags(documents: Sequence[Words], layer: str, scheme: str | None, where: str) -> None:
    """Read mentions from tags; where no word is tagged O, those without a tag are outside."""
    sentences = [
        (document, [word for word in sentence if word.start < word.end])
        for document in documents
        for sentence in document.sentences
    ]
    tags = [[word.misc.get(layer, "") for word in words] for _, words in sentences]
    if not any(tag in ("O", "o") for row in tags for tag in row):
        tags = [[tag or "O" for tag in row] for row in tags]
    found, notes = find_scheme(tags, where, given=scheme)
    for (document, words), row in zip(sentences, tags, strict=True):
        spans, faults = spans_of(row, found)
        document.losses += [(loss.what, loss.why) for loss in losses_of(faults, "")]
        for start, end, label in spans:
            first, last = words[start], words[end - 1]
            document.mentions.append(Mention(start=first.start, end=last.end, label=label))
            if first.cut[0] or last.cut[1]:
                document.losses.append(_WIDENED)
        for start, end in unknown_of(row, found):
            unread = ((word.start, word.end) for word in words[start:end])
            document.unknown = (*(document.unknown or ()), *unread)
    for document in documents:
        document.unknown = merge_ranges(document.unknown or ())
        document.notes += notes


def _take_notes(document: Words, layer: str | None, values: Mapping[str, set[str]]) -> None:
    """Say what of the file is not kept."""
    if layer is None:
        document.unknown = ((0, len(document.tokens)),) if document.tokens else ()
        document.notes.append("no entities in MISC: nothing is known of its tokens")
    if document.has_syntax:
        document.notes.append("columns of CoNLL-U between form and MISC not kept")
    kept = {*SPACES, layer, *(_LINKS if "entities" in document.asides else ())}
    document.notes += [f"key of MISC not kept: {key}" for key in sorted(set(values) - kept)]


FORMAT = Format(
    name="conllu",
    title="CoNLL-U",
    read=read,
    write=write,
    carries=Carries(discontinuous=True, coverage=True, guide=True, document_details=True),
    suffixes=(".conllu",),
    options=frozenset({"layer", "scheme", "sentence_documents"}),
)
