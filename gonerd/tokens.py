"""A text into tokens with their places, by spaCy's rules for its language or by blanks alone.

Tokens are made from the text alone, never from anybody's spans, so that a system at prediction time
sees the same ones.
"""

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """The tokens of a text and where they stand."""

    texts: list[str]
    starts: list[int]
    ends: list[int]


def tokenize(text: str, language: str) -> Tokens:
    """Split a text into spaCy's tokens for its language, blanks left out."""
    doc = _rules_for(language)[0](text)
    visible = [token for token in doc if not token.is_space]
    texts = [token.text for token in visible]
    starts = [token.idx for token in visible]
    ends = [start + len(token) for start, token in zip(starts, texts, strict=True)]
    return Tokens(texts=texts, starts=starts, ends=ends)


def split_at_blanks(text: str) -> Tokens:
    """Split a text into what stands between blanks: the words of text tokenised before."""
    found = list(re.finditer(r"\S+", text))
    return Tokens(
        texts=[match.group() for match in found],
        starts=[match.start() for match in found],
        ends=[match.end() for match in found],
    )


def has_own_rules(language: str) -> bool:
    """Say whether spaCy has rules for just this language here, or general ones stand in."""
    return _rules_for(language)[1]


@functools.cache
def _rules_for(language: str) -> "tuple[Tokenizer, bool]":
    import spacy

    code = re.split("[-_]", language)[0].lower()
    try:
        return spacy.blank(code).tokenizer, True
    except (ImportError, ValueError, AttributeError):  # no such rules, or in another library
        return spacy.blank("xx").tokenizer, False
