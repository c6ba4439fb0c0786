"""CoNLL-U files into documents of words, and the tokens that the words are or share.

Tokens are those of the text: the words of a range such as `3-4` are its tokens where they make it
up letter by letter (`don't`), else the range is one token that its words share (`du`, de le).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gonerd.errors import RecordError
from gonerd.formats.conll.token_lines import Draft, comment_of, gaps_in, unescape
from gonerd.formats.members import Member, text_of

SPACES = frozenset({"SpaceAfter", "SpacesAfter", "SpacesBefore"})
"""Keys of MISC that say what stands between tokens."""

_WIDTH = 10
_NO_SYNTAX = ["_"] * 7
_NO_MISC: Mapping[str, str] = {}
_ID = re.compile(r"([0-9]{1,9})(?:([-.])([0-9]{1,9}))?")

Row = list[str]
Misc = Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class Word:
    """A syntactic word, or one that the text lacks."""

    start: int
    end: int
    """Tokens [start, end); none for a word that the text lacks."""
    misc: Misc
    cut: tuple[bool, bool] = (False, False)
    """Whether its token begins before it, and ends after it."""


@dataclass(kw_only=True, slots=True)
class Words(Draft):
    """A document and its words, by sentence."""

    sentences: list[list[Word]] = field(default_factory=list)
    fields: str = ""
    """Of brackets, as declared."""
    ends: list[int] = field(default_factory=list)
    """Tokens that end a sentence and do not say what follows."""
    paragraphs: set[int] = field(default_factory=set)
    """Tokens that begin one."""
    has_syntax: bool = False
    """Whether the columns between form and MISC say anything."""


@dataclass(kw_only=True, slots=True)
class _Block:
    """The lines between two empty ones."""

    where: str
    comments: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def read_documents(member: Member, *, by_sentence: bool) -> list[Words]:
    """Read the documents of a file, or its sentences as documents of their own."""
    documents = [Words(where=member.where)]
    fields = ""
    for block in _blocks(member):
        text, name, paragraph = "", "", False
        for line in block.comments:
            key, value = comment_of(line) or (line.removeprefix("#").strip(), "")
            if key in ("newdoc", "newdoc id"):
                if not documents[-1].is_empty:
                    documents.append(Words(where=block.where))
                documents[-1].document_id = value
            elif key == "global.Entity":
                fields = value
            elif key == "text":
                text = value
            elif key == "sent_id":
                name = value
            elif key.startswith("newpar"):
                paragraph = True
            else:
                key = "url" if key.endswith("::sourceURL") else key
                documents[-1].remember(key, value)
        if by_sentence and block.rows:
            documents.append(Words(where=block.where, document_id=name))
        document = documents[-1]
        document.fields = fields
        if paragraph:
            document.paragraphs.add(len(document.tokens))
        _add_sentence(document, block.rows, text)
    for document in documents:
        _join_sentences(document)
    return [
        document
        for document in documents
        if document.tokens or (document.imprint and not by_sentence)
    ]


def _blocks(member: Member) -> Iterator[_Block]:
    block = _Block(where=member.where)
    for number, line in enumerate(text_of(member).split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line.strip():
            yield block
            block = _Block(where=f"{member.where}:{number + 1}")
        elif line.startswith("#"):
            block.comments.append(line)
        else:
            row = line.split("\t")
            if len(row) != _WIDTH or not _ID.fullmatch(row[0]) or not row[1].strip():
                raise RecordError(
                    f"{member.where}:{number}: {line[:60]!r}; expected the ten columns of CoNLL-U, "
                    "apart by tabs: an id such as 3, 3-4 or 3.1, a form, and the rest."
                )
            block.rows.append([row[0], row[1].strip(), *row[2:]])
    yield block


def _add_sentence(document: Words, rows: Sequence[Row], text: str) -> None:
    """Add the tokens and the words of a sentence."""
    if not rows:
        return
    tokens: list[str] = []
    gaps: list[str | None] = []
    words: list[Word] = []
    forms = [(int(row[0]), row[1]) for row in rows if row[0].isdecimal()]
    first, last, shared = -1, -1, False
    after: str | None = None
    for row in rows:
        number, kind, other = _id(row[0])
        misc = _misc(row[9])
        here = len(document.tokens) + len(tokens)
        document.has_syntax = document.has_syntax or row[2:9] != _NO_SYNTAX
        if kind == ".":
            words.append(Word(start=here, end=here, misc=misc))
        elif kind == "-":
            first, last, after = number, other, _gap(misc)
            shared = "".join(form for one, form in forms if first <= one <= last) != row[1]
            if shared:
                tokens.append(row[1])
                gaps.append(after)
        elif shared and number <= last:
            cut = (number > first, number < last)
            words.append(Word(start=here - 1, end=here, misc=misc, cut=cut))
        else:
            tokens.append(row[1])
            inside = first <= number < last
            gaps.append("" if inside else after if number == last else _gap(misc))
            words.append(Word(start=here, end=here + 1, misc=misc))
    if gaps and gaps[-1] is None:
        document.ends.append(len(document.tokens) + len(tokens) - 1)
    filled = [" " if gap is None else gap for gap in gaps]
    pairs = zip(tokens, filled, strict=True)
    if text and "".join(map("".join, pairs)).split() != text.split():
        found = gaps_in(text, tokens)
        filled[:-1] = found[:-1] if found else filled[:-1]
    document.tokens += tokens
    document.gaps += filled
    document.sentences.append(words)


def _join_sentences(document: Words) -> None:
    """Put a line's end after each sentence, or after each paragraph where those are marked."""
    for end in document.ends:
        inside = document.paragraphs and end + 1 not in document.paragraphs
        document.gaps[end] = " " if inside and end + 1 < len(document.tokens) else "\n"


def _id(value: str) -> tuple[int, str, int]:
    match = _ID.fullmatch(value)
    assert match is not None
    return int(match[1]), match[2] or "", int(match[3] or 0)


def _misc(value: str) -> Misc:
    if value == "_":
        return _NO_MISC
    pairs = (part.partition("=") for part in value.split("|"))
    return {key: content for key, _, content in pairs}


def _gap(misc: Misc) -> str | None:
    """Say what follows a token; None where it goes without saying."""
    after = unescape(misc.get("SpacesAfter", ""))
    if after and not after.strip():
        return after
    return "" if misc.get("SpaceAfter") == "No" else None
