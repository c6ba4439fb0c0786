"""Texts into the names that stand in them, and marks into where such a name was overlooked.

Who marks a name here and not there, in one document, has not changed its mind: it grew tired, as
everybody does over a long text. Nor has the text: one sense per discourse (Gale, Church and
Yarowsky 1992), and of the other occurrences of a word that is marked once, 98.7 to 100 in 100 are
part of an entity in the gold of Wikigold, LitBank, GUM and the English Web Treebank. So the silence
of an annotator about a name that it marked elsewhere is no vote.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gonerd.reconcile.candidates import FlatPass, Layer
from gonerd.records import Document

NOUNS_IN_CAPITALS = frozenset({"de", "gsw", "lb", "nds"})
"""Languages in which a capital letter does not tell a name."""
LEAST_LOWER = 0.2
"""Share of a text's words in small letters below which its capitals say nothing."""

_WORD = re.compile(r"\w+(?:[-.&]\w+|['\u2019](?!s\b)\w+)*")

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Names:
    """Words of one document that look like names, in order."""

    starts: Ints
    ends: Ints
    codes: Ints
    """The same for the same word, from 0."""


def names_in(documents: Sequence[Document]) -> list[Names]:
    """Find words with a capital that no text here has in small letters.

    None in a language with capitals for all nouns, or a script or text without small letters.
    """
    found = [list(_WORD.finditer(one.text)) for one in documents]
    lower = [{match.group() for match in words if match.group().islower()} for words in found]
    common = set().union(*lower)
    return [
        _names([match for match in words if _looks_like_a_name(match.group(), common)])
        if _tells_names(document, words)
        else _names([])
        for document, words in zip(documents, found, strict=True)
    ]


def _tells_names(document: Document, words: Sequence[re.Match[str]]) -> bool:
    """Say whether a capital letter tells a name in this text."""
    small = sum(match.group().islower() for match in words)
    language = re.split("[-_]", document.language)[0].lower()
    return small >= LEAST_LOWER * len(words) and language not in NOUNS_IN_CAPITALS


def _looks_like_a_name(word: str, common: set[str]) -> bool:
    return len(word) > 1 and word[0].isupper() and word.lower() not in common


def _names(words: Sequence[re.Match[str]]) -> Names:
    code: dict[str, int] = {}
    return Names(
        starts=np.array([match.start() for match in words], dtype=np.int64),
        ends=np.array([match.end() for match in words], dtype=np.int64),
        codes=np.array(
            [code.setdefault(match.group(), len(code)) for match in words], dtype=np.int64
        ),
    )


def with_overlooked(layer: Layer, names: Sequence[Names]) -> Layer:
    """Say of every pass of a layer where it overlooked a name; `names` by document index."""
    return replace(
        layer,
        passes=tuple(
            _with_overlooked(passes, names[number]) if len(names[number].codes) else passes
            for number, passes in zip(layer.documents, layer.passes, strict=True)
        ),
    )


def _with_overlooked(passes: Sequence[FlatPass], names: Names) -> tuple[FlatPass, ...]:
    marked = _marked(passes, names)
    known = np.zeros((len(passes), int(names.codes.max()) + 1), dtype=bool)
    who, which = np.nonzero(marked)
    known[who, names.codes[which]] = True
    who, which = np.nonzero(known[:, names.codes] & ~marked)
    ranges = list(zip(names.starts[which].tolist(), names.ends[which].tolist(), strict=True))
    bounds = np.searchsorted(who, np.arange(len(passes) + 1)).tolist()
    return tuple(
        replace(one, overlooked=tuple(ranges[low:high])) if low < high else one
        for one, (low, high) in zip(passes, pairwise(bounds), strict=True)
    )


def _marked(passes: Sequence[FlatPass], names: Names) -> NDArray[np.bool_]:
    """Say (pass, name) which names each pass marks, be it in part."""
    rows = [
        (number, span.start, span.end) for number, one in enumerate(passes) for span in one.spans
    ]
    number, start, end = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    change = np.zeros((len(passes), len(names.codes) + 1), dtype=np.int32)
    np.add.at(change, (number, np.searchsorted(names.ends, start, side="right")), 1)
    np.add.at(change, (number, np.searchsorted(names.starts, end, side="left")), -1)
    return change.cumsum(axis=1)[:, :-1] > 0
