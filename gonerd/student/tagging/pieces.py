"""A text into the pieces of a tokenizer with their places, and spans of the text into tags of them.

The text is tokenised as it is, never split into words first, so that byte-level tokenizers see its
blanks; pieces and spans are brought together by characters alone. Nothing is cut off.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gonerd.errors import ConfigError
from gonerd.records import Span
from gonerd.spans import flatten, snap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ints = NDArray[np.int64]

UNTAUGHT = -100
"""The tag of a piece that teaches nothing, as torch's cross entropy knows it."""


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """The pieces of one text, without those that a tokenizer adds around it."""

    ids: Ints
    starts: Ints
    """First character of each piece; blanks before it are left out."""
    ends: Ints
    """Beyond the last; where a piece is nothing but blank, its start."""
    words: Ints
    """Which word of the tokenizer each piece is of; it rises from piece to piece."""

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Whether a piece holds anything but blank."""
        return self.starts < self.ends

    @property
    def first_of_words(self) -> NDArray[np.bool_]:
        """Whether a piece is the first visible one of its word."""
        seen = np.flatnonzero(self.visible)
        new = np.diff(self.words[seen], prepend=-1) != 0
        first = np.zeros(len(self.ids), dtype=bool)
        first[seen[new]] = True
        return first


def check_tokenizer(tokenizer: "PreTrainedTokenizerBase", where: str) -> None:
    """Refuse a tokenizer that does not say where its pieces stand; a ConfigError."""
    if not tokenizer.is_fast:
        raise ConfigError(
            f"{where}: its tokenizer {type(tokenizer).__name__} does not say where in the text a "
            "piece stands; expected a fast one.\nConvert it: a tokenizer.json beside it is enough."
        )


def take_apart(text: str, tokenizer: "PreTrainedTokenizerBase") -> Pieces:
    """Take a whole text apart, however long it is."""
    backend: Any = tokenizer
    encoded = backend(
        text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        truncation=False,
        verbose=False,  # that the text is longer than the model is the caller's to know
    )
    places = np.array(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    words = [-1 if word is None else word for word in encoded.word_ids()]
    starts, ends = _without_blanks(text, places[:, 0], places[:, 1])
    return Pieces(
        ids=np.array(encoded["input_ids"], dtype=np.int64),
        starts=starts,
        ends=ends,
        words=np.maximum.accumulate(np.array(words, dtype=np.int64)),
    )


def _without_blanks(text: str, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Shrink pieces to what is visible of them; byte-level ones have the blank before a word."""
    blank = np.array([character.isspace() for character in text], dtype=np.int64)
    filled = np.flatnonzero(blank == 0)
    first = np.searchsorted(filled, starts, side="left")
    last = np.searchsorted(filled, ends, side="left")
    some = first < last
    starts, ends = starts.copy(), ends.copy()
    starts[some], ends[some] = filled[first[some]], filled[last[some] - 1] + 1
    ends[~some] = starts[~some]
    return starts, ends


def to_tags(
    pieces: Pieces, spans: Iterable[Span], labels: Sequence[str], *, every_piece: bool
) -> tuple[Ints, list[Span]]:
    """Write spans as BIO tags (0 for O, 1 + 2 * label for B, 2 + 2 * label for I), and what is not.

    With `every_piece` each visible piece has a tag, else the first of each word. A span that begins
    or ends within one reaches over the whole of it. Left over, and returned, are spans that touch
    no piece or only pieces of another, and labels that are not among `labels`.
    """
    places, starts, ends = tagged(pieces, every_piece=every_piece)
    codes = {label: code for code, label in enumerate(labels)}
    tags = np.full(len(pieces.ids), UNTAUGHT, dtype=np.int64)
    tags[places] = 0
    kept, left = flatten(spans)
    reach = 0
    for span in kept:
        place = snap(span, starts, ends)
        first, last = (0, 0) if place is None else (max(place[0], reach), place[1])
        if first >= last or span.label not in codes:
            left.append(span)
            continue
        tags[places[first:last]] = 2 + 2 * codes[span.label]
        tags[places[first]] -= 1
        reach = last
    return tags, left


def tagged(pieces: Pieces, *, every_piece: bool) -> tuple[Ints, list[int], list[int]]:
    """List the pieces that have a tag, and where what each stands for begins and ends in the text.

    It stands for all visible pieces up to the next that has a tag.
    """
    places = np.flatnonzero(pieces.visible if every_piece else pieces.first_of_words)
    seen = np.flatnonzero(pieces.visible)
    beyond = np.searchsorted(seen, np.append(places[1:], len(pieces.ids)), side="left")
    ends = pieces.ends[seen[beyond - 1]] if len(places) else places
    return places, pieces.starts[places].tolist(), ends.tolist()
