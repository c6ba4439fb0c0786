"""Files of gold and of systems, of any kind, into results and what sets the systems apart.

A release, annotations (.jsonl, .parquet or a folder of such) or CoNLL columns, the token first and
the tag last. Spans are compared in characters of one text, tags on the same tokens; a release has
both. Nothing is guessed: another text, other tokens, a document that lacks, or an illegal tag is an
error that names it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.arrow import span_from_row
from gonerd.errors import ConfigError, RecordError, SourceError, TextMismatch
from gonerd.gather import gather
from gonerd.records import Span, text_sha256
from gonerd.release import DEFAULT, is_release, open_release, read_rows
from gonerd.score.api import check_documents
from gonerd.score.compare import Result, compare
from gonerd.score.entities import Entities, Labels, check_reading, from_spans, from_tags
from gonerd.score.intervals import Difference, difference
from gonerd.score.mistakes import Mistakes, find_mistakes
from gonerd.score.sides import Sides
from gonerd.tokens import tokenize

COLUMNS = (".conll", ".txt", ".tsv", ".iob", ".iob2", ".bio")
"""Suffixes of files that hold a token a line."""
BREAK = ""
"""A token that is none: an entity does not go on from one sentence into the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one side says of a document."""

    spans: tuple[Span, ...] | None = None
    """In characters; None where there are tags alone."""
    text_sha256: str | None = None
    text: str | None = None
    tokens: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    """Of the tokens, with a `BREAK` between sentences."""
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None
    """Characters of the tokens, where there is a text."""
    source: str | None = None
    language: str = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """How to score."""

    split: str | None = None
    """Of releases; None: all of them."""
    scheme: str = "IOB2"
    repair: str | None = None
    learnt: Path | None = None
    """What systems could learn from: entities that are not in it are unseen."""
    examples: int = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """How well a system does, and how far it is from the first."""

    name: str
    result: Result
    mistakes: Mistakes
    against_first: Difference | None
    """Of the first minus this one; None for the first."""


def judge(gold: Path, systems: Sequence[Path], asked: Asked) -> list[Judged]:
    """Score systems against gold."""
    check_reading(asked.scheme, asked.repair)
    golds = read_side(gold, asked)
    seen = None if asked.learnt is None else _entities_of(asked.learnt, asked)
    found: list[Judged] = []
    for path in systems:
        labels = Labels()
        sides = list(pair(golds, read_side(path, asked), labels, asked, path))
        result = compare(sides, labels, seen=seen)
        counts = [one.counts for one in result.documents]
        first = [one.counts for one in found[0].result.documents] if found else None
        found.append(
            Judged(
                name=str(path),
                result=result,
                mistakes=find_mistakes(sides, labels, examples=asked.examples),
                against_first=None if first is None else difference(first, counts),
            )
        )
    return found


def read_side(path: Path, asked: Asked) -> dict[str, Said]:
    """Read what a file or folder says of documents, by id."""
    if is_release(path):
        return _from_release(path, asked)
    if path.suffix in COLUMNS:
        return _from_columns(path)
    gathered = gather([path])
    several = next((one for one in gathered if len(one.annotations) > 1), None)
    if several is not None:
        names = ", ".join(repr(one.annotator) for one in several.annotations)
        raise RecordError(
            f"{path}: {several.document_id!r} is annotated by {names}; expected one annotator.\n"
            "Reconcile them, or keep one."
        )
    return {
        one.document_id: Said(
            spans=one.annotations[0].spans,
            text_sha256=one.annotations[0].text_sha256,
            text=None if one.document is None else one.document.text,
        )
        for one in gathered
    }


def pair(
    golds: Mapping[str, Said], said: Mapping[str, Said], labels: Labels, asked: Asked, where: Path
) -> Iterator[Sides]:
    """Bring both sides of each document together."""
    try:
        check_documents(golds, said)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from None
    for document_id, gold in golds.items():
        yield _sides(document_id, gold, said[document_id], labels, asked, f"{where}: {document_id}")


def _sides(
    document_id: str, gold: Said, other: Said, labels: Labels, asked: Asked, where: str
) -> Sides:
    text = gold.text if gold.text is not None else other.text
    if gold.tags is not None and other.tags is not None:
        _check_tokens(gold.tokens or (), other.tokens or (), where)
        tokens = gold.tokens or ()
        return Sides(
            document_id=document_id,
            gold=_tagged(gold, labels, asked, f"gold: {document_id}"),
            predicted=_tagged(other, labels, asked, where),
            num_tokens=sum(token != BREAK for token in tokens),
            source=gold.source,
        )
    gold, other = (_in_characters(one, two, labels, asked, where)
                   for one, two in ((gold, other), (other, gold)))  # fmt: skip
    if gold.text_sha256 != other.text_sha256:
        raise TextMismatch(
            f"{where}: predicted on another text (sha256 {str(other.text_sha256)[:12]}...) than "
            f"gold ({str(gold.text_sha256)[:12]}...); expected the same text."
        )
    starts = gold.starts or other.starts
    if starts is None and text is not None:
        starts = tuple(tokenize(text, gold.language).starts)
    return Sides(
        document_id=document_id,
        gold=from_spans(gold.spans or (), labels),
        predicted=from_spans(other.spans or (), labels),
        num_tokens=None if starts is None else len(starts),
        text=text if text is not None else "",
        source=gold.source,
        token_starts=None if starts is None else np.array(starts, dtype=np.int64),
    )


def _in_characters(one: Said, other: Said, labels: Labels, asked: Asked, where: str) -> Said:
    """Give what a side says in characters: tags by where the other side's tokens stand."""
    if one.spans is not None:
        return one
    if other.starts is None or other.ends is None:
        raise ConfigError(
            f"{where}: tags on one side and spans without tokens on the other; expected tags on "
            "both, or a release, whose tokens have places."
        )
    tokens = [token for token in one.tokens or () if token != BREAK]
    _check_tokens(other.tokens or (), tokens, where)
    own = Labels()
    found = _tagged(one, own, asked, where)
    shift = np.cumsum([token == BREAK for token in one.tokens or ()]) if one.tokens else np.zeros(0)
    spans = [
        Span(
            start=other.starts[start - int(shift[start])],
            end=other.ends[end - 1 - int(shift[end - 1])],
            label=own.names[label],
        )
        for start, end, label in zip(
            found.starts.tolist(), found.ends.tolist(), found.labels.tolist(), strict=True
        )
    ]
    return replace(one, spans=tuple(spans), text_sha256=other.text_sha256)


def _tagged(one: Said, labels: Labels, asked: Asked, where: str) -> Entities:
    return from_tags(one.tags or (), labels, scheme=asked.scheme, repair=asked.repair, where=where)


def _check_tokens(gold: Sequence[str], other: Sequence[str], where: str) -> None:
    """Refuse other tokens, and name the first that differs."""
    for at, (token, found) in enumerate(zip(gold, other, strict=False)):
        if token != found:
            raise TextMismatch(f"{where}, token {at}: {found!r}; expected {token!r}, as gold has.")
    if len(gold) != len(other):
        raise TextMismatch(
            f"{where}: {len(other):,} tokens; expected {len(gold):,}, as gold has: the prediction "
            f"is {'cut off' if len(other) < len(gold) else 'longer'}."
        )


def _from_release(path: Path, asked: Asked) -> dict[str, Said]:
    release = open_release(path)
    splits = list(release.configs[DEFAULT])
    if asked.split is not None and asked.split not in splits:
        raise ConfigError(
            f"--split {asked.split}: {path} has none such; expected one of {', '.join(splits)}."
        )
    found = {}
    for split, row in read_rows(release, DEFAULT):
        if asked.split not in (None, split):
            continue
        found[row["id"]] = Said(
            spans=tuple(map(span_from_row, row["spans"])),
            text=row["text"],
            text_sha256=text_sha256(row["text"]),
            tokens=_column(row["tokens"]),
            starts=_column(row["token_starts"]),
            ends=_column(row["token_ends"]),
            source=row["source"],
            language=row["language"],
        )
    return found


def _column(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _from_columns(path: Path) -> dict[str, Said]:
    """Read a token a line, its tag in the last column; documents begin at -DOCSTART- or an id."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise SourceError(f"{path}: {reason}; expected lines of tokens and tags.") from None
    documents: dict[str, tuple[list[str], list[str]]] = {}
    here: tuple[list[str], list[str]] | None = None
    name = ""
    for number, line in enumerate(lines, start=1):
        given = _document_id(line)
        if given is not None or line.startswith("-DOCSTART-"):
            if given is not None or here is None or here[0]:
                name, here = given or str(len(documents)), ([], [])
                if name in documents:
                    raise RecordError(
                        f"{path}:{number}: document {name!r} again; expected each once."
                    )
                documents[name] = here
            continue
        if here is None:
            name, here = "0", ([], [])
            documents[name] = here
        if not line.strip():
            if here[0] and here[0][-1] != BREAK:
                here[0].append(BREAK)
                here[1].append("O")
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        if len(columns) < 2:
            raise RecordError(
                f"{path}:{number}: {line[:40]!r} has one column; expected a token first and its "
                "tag last."
            )
        here[0].append(columns[0])
        here[1].append(columns[-1].strip())
    return {
        document_id: Said(tokens=tuple(tokens), tags=tuple(tags))
        for document_id, (tokens, tags) in documents.items()
    }


def _document_id(line: str) -> str | None:
    """Read the id from a comment that names a document, as `# doc_id = a`; else None."""
    for opening in ("# doc_id = ", "# newdoc id = ", "# id "):
        if line.startswith(opening):
            return line.removeprefix(opening).split()[0]
    return None


def _entities_of(path: Path, asked: Asked) -> frozenset[tuple[str, str]]:
    """List the (label, words) of entities that could be learnt."""
    side = read_side(path, replace(asked, split="train") if is_release(path) else asked)
    found = set()
    for one in side.values():
        if one.spans is None or one.text is None:
            raise ConfigError(
                f"--learnt {path}: holds no text; expected a release, or annotations with texts."
            )
        found |= {(span.label, one.text[span.start : span.end]) for span in one.spans}
    return frozenset(found)
