"""A transformers encoder and the words of a document into what its layers see in each word.

The encoder is read, never changed. A long document goes through windows with context on both sides,
and no word is left out. Only weights in safetensors are loaded, and no code that comes with them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gonerd.student.checkpoint import (
    check_folder,
    check_vocabulary,
    import_transformers,
    load_model,
    load_tokenizer,
    loading,
)
from gonerd.windows import Window, cut

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CORE_WORDS = 150
CONTEXT_WORDS = 40
LONGEST_WORD = 64
"""Pieces that are read of a word."""
LONGEST_WINDOW = 512
"""Pieces, those that open and close a window included."""
LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoder:
    """A tokenizer and the model that reads its pieces."""

    tokenizer: "PreTrainedTokenizerBase"
    model: "PreTrainedModel"

    @property
    def layers(self) -> slice:
        """Every second layer up to the last, embeddings among them: neighbours say the same."""
        config: Any = self.model.config
        return slice(config.num_hidden_layers % 2, None, 2)

    @property
    def width(self) -> int:
        """Numbers for each word: the layers that are read, one after the other."""
        config: Any = self.model.config
        return int((config.num_hidden_layers // 2 + 1) * config.hidden_size)


def load_encoder(path: Path) -> Encoder:
    """Load an encoder from a folder of transformers; one without safetensors is a ConfigError."""
    check_folder(path)
    transformers = import_transformers(f"--model {path}")
    with loading(path):
        tokenizer = load_tokenizer(path)
        model = load_model(path, transformers.AutoModel).float()
        encoder = Encoder(tokenizer=tokenizer, model=model)
        _check(encoder)
    return encoder


def _check(encoder: Encoder) -> None:
    """Refuse what loads but reads nothing into words."""
    tokenizer: Any = encoder.tokenizer
    needed = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id)
    if None in needed:
        raise ValueError("its tokenizer lacks pieces that open, close or stand for the unknown")
    check_vocabulary(tokenizer, encoder.model)
    if not np.isfinite(read_words(encoder, ["a"])).all():
        raise ValueError("its weights hold what is no number")


def read_words(encoder: Encoder, words: Sequence[str]) -> NDArray[np.float16]:
    """Give the (word, width) features of the words of one document.

    A word is the mean of its pieces.
    """
    import torch

    tokenizer: Any = encoder.tokenizer
    unknown = [tokenizer.unk_token_id]
    positions = int(getattr(encoder.model.config, "max_position_embeddings", LONGEST_WINDOW))
    room = min(positions, LONGEST_WINDOW) - 2
    pieces = [
        tokenizer(word, add_special_tokens=False)["input_ids"][: min(LONGEST_WORD, room)] or unknown
        for word in words
    ]
    features = np.zeros((len(words), encoder.width), dtype=np.float16)
    for window in _windows([len(some) for some in pieces], room):
        ids = [tokenizer.cls_token_id]
        bounds = [1]
        for some in pieces[window.start : window.end]:
            ids += some
            bounds.append(len(ids))
        ids.append(tokenizer.sep_token_id)
        with torch.no_grad():
            states = encoder.model(
                input_ids=torch.tensor([ids]), output_hidden_states=True
            ).hidden_states[encoder.layers]
        layers = torch.stack(states, dim=2)[0].flatten(1).numpy()
        for word in range(window.core_start, window.core_end):
            place = slice(bounds[word - window.start], bounds[word - window.start + 1])
            features[word] = layers[place].mean(axis=0).clip(-LARGEST, LARGEST)
    return features


def _windows(sizes: Sequence[int], room: int) -> Iterator[Window]:
    """Cut words of so many pieces into windows that the encoder can read at once."""
    for window in cut(len(sizes), size=CORE_WORDS + 2 * CONTEXT_WORDS, overlap=CONTEXT_WORDS):
        yield from _narrowed(window, sizes, room, CONTEXT_WORDS)


def _narrowed(window: Window, sizes: Sequence[int], room: int, context: int) -> Iterator[Window]:
    """Read a window of too many pieces in two halves, each with half the context."""
    if sum(sizes[window.start : window.end]) <= room:
        yield window
        return
    middle = (window.core_start + window.core_end + 1) // 2
    for start, end in ((window.core_start, middle), (middle, window.core_end)):
        if start < end:
            half = Window(
                start=max(0, start - context // 2),
                end=min(len(sizes), end + context // 2),
                core_start=start,
                core_end=end,
            )
            yield from _narrowed(half, sizes, room, context // 2)
