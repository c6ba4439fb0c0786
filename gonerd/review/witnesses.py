"""Texts, a gold and a model's annotations into places that may be names, and what speaks of each.

A place is wherever gold or model has a span, and wherever the words of one stand again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gonerd.records import Annotation, Document, Range, Span
from gonerd.spans import covers, intersect_ranges, merge_ranges

NOTHING = ""
"""The label of a place that is no name with just these borders."""
MOST_WORDS = 8
"""Longer names are not looked for elsewhere."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SHAPES = ((re.compile(r"[A-Z\u00c0-\u00de]+"), "A"), (re.compile(r"[^\W\d_A-Z]+"), "a"),
           (re.compile(r"\d+"), "9"))  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A place that may be a name."""

    document: int
    start: int
    end: int
    gold: str
    """What the gold says of exactly this place, or NOTHING."""
    model: str
    confidence: float
    """The model's, in what it says; 1 where it gives none."""
    across: str
    """The label of a span of the model that lies across this place with other borders."""
    words: str
    keys: tuple[str, ...]
    """What is known of it that other places may share, one for each of KEYS."""


KEYS = (
    "the words", "the words in this document", "the words in small letters", "the first word",
    "the last word", "the word before", "the word after", "two words before", "the shape",
    "what the model says",
)  # fmt: skip


def spots(
    documents: Sequence[Document],
    gold: Mapping[str, Annotation],
    model: Mapping[str, Annotation],
) -> list[Spot]:
    """List the places of all documents that both have read, in reading order."""
    pieces = [
        _Piece(
            number=number,
            text=document.text,
            tokens=[match.span() for match in _TOKEN.finditer(document.text)],
            read=_read(gold[document.id], model[document.id]),
            gold=gold[document.id].spans,
            model=model[document.id].spans,
        )
        for number, document in enumerate(documents)
        if document.id in gold and document.id in model
    ]
    names = {
        tuple(_TOKEN.findall(piece.text, one.start, one.end))
        for piece in pieces
        for one in (*piece.gold, *piece.model)
    }
    names = {one for one in names if len(one) <= MOST_WORDS and any(map(_is_word, one))}
    return [spot for piece in pieces for spot in _spots_of(piece, names)]


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A document, cut to words."""

    number: int
    text: str
    tokens: Sequence[Range]
    read: Sequence[Range]
    gold: Sequence[Span]
    model: Sequence[Span]


def _read(gold: Annotation, model: Annotation) -> tuple[Range, ...]:
    return intersect_ranges(merge_ranges(gold.coverage), merge_ranges(model.coverage))


def _spots_of(piece: _Piece, names: set[tuple[str, ...]]) -> Iterator[Spot]:
    gold = {(one.start, one.end): one for one in piece.gold}
    model = {(one.start, one.end): one for one in piece.model}
    places = {*gold, *model, *_found(piece, names)}
    across = sorted((one.start, one.end, one.label) for one in piece.model)
    longest = max((end - start for start, end, _ in across), default=0)
    first = 0
    token = 0
    for start, end in sorted(places):
        if not covers(piece.read, start, end):
            continue
        while first < len(across) and across[first][0] < start - longest:
            first += 1
        lies = [
            label
            for low, high, label in _until(across, first, end)
            if high > start and (low, high) != (start, end)
        ]
        while token < len(piece.tokens) and piece.tokens[token][0] < start:
            token += 1
        said = model.get((start, end))
        exact = gold.get((start, end))
        label = said.label if said else NOTHING
        over = lies[0] if lies else NOTHING
        yield Spot(
            document=piece.number,
            start=start,
            end=end,
            gold=exact.label if exact else NOTHING,
            model=label,
            confidence=1.0 if said is None or said.confidence is None else said.confidence,
            across=over,
            words=_joined(piece.text[start:end]),
            keys=_keys(piece, start, end, token, f"{label}|{over}"),
        )


def _until(
    spans: Sequence[tuple[int, int, str]], first: int, end: int
) -> Iterator[tuple[int, int, str]]:
    for one in spans[first:]:
        if one[0] >= end:
            return
        yield one


def _found(piece: _Piece, names: set[tuple[str, ...]]) -> Iterator[Range]:
    """Find names wherever they stand, as whole words."""
    words = [piece.text[start:end] for start, end in piece.tokens]
    sizes: dict[str, set[int]] = {}
    for name in names:
        sizes.setdefault(name[0], set()).add(len(name))
    for at, word in enumerate(words):
        for size in sizes.get(word, ()):
            if at + size <= len(words) and tuple(words[at : at + size]) in names:
                yield piece.tokens[at][0], piece.tokens[at + size - 1][1]


def _keys(piece: _Piece, start: int, end: int, token: int, said: str) -> tuple[str, ...]:
    words = _joined(piece.text[start:end])
    inside = _TOKEN.findall(piece.text, start, end) or [""]
    after = token
    while after < len(piece.tokens) and piece.tokens[after][0] < end:
        after += 1

    def word(at: int) -> str:
        if not 0 <= at < len(piece.tokens):
            return "\n"
        low, high = piece.tokens[at]
        return piece.text[low:high]

    opens = start == 0 or "\n" in piece.text[max(0, start - 2) : start]
    return (
        words,
        f"{piece.number}|{words}",
        words.lower(),
        inside[0],
        inside[-1],
        "\n" if opens else word(token - 1),
        word(after),
        f"{word(token - 2)} {word(token - 1)}",
        f"{'^' if opens else ''}{_shape(words)}",
        said,
    )


def _joined(words: str) -> str:
    return " ".join(words.split())


def _is_word(token: str) -> bool:
    return token[0].isalnum()


def _shape(words: str) -> str:
    for pattern, sign in _SHAPES:
        words = pattern.sub(sign, words)
    return words[:12]
