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

from gonerd.errors import ConfigError, MissingExtra
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
    if not (path / "config.json").is_file():
        raise ConfigError(f"{path}: no config.json; expected the folder of a transformers encoder.")
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra(
            f"--model {path}: {error.name or error} is not installed; expected the extra "
            "`student`.\nInstall it: pip install 'gonerd[student]'"
        ) from None
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            path, local_files_only=True, use_fast=True, trust_remote_code=False
        )
        model, loading = transformers.AutoModel.from_pretrained(
            path,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        encoder = Encoder(tokenizer=tokenizer, model=model.to(torch.float32).eval())
        _check(encoder, sorted(loading["missing_keys"]))
    except Exception as error:  # damaged files make the libraries raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"{path}: cannot be loaded ({reason}); expected an encoder of transformers with "
            "weights in safetensors."
        ) from None
    return encoder


def _check(encoder: Encoder, missing: Sequence[str]) -> None:
    """Refuse what loads but reads nothing, or at random, into words."""
    tokenizer: Any = encoder.tokenizer
    if without := [name for name in missing if "pooler" not in name]:
        raise ValueError(f"no weights for {without[0]}, {len(without)} such")
    needed = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id)
    if None in needed:
        raise ValueError("its tokenizer lacks pieces that open, close or stand for the unknown")
    if not len(tokenizer.all_special_tokens) < len(tokenizer):
        raise ValueError("its tokenizer has no vocabulary")
    if len(tokenizer) > encoder.model.get_input_embeddings().num_embeddings:
        raise ValueError("its tokenizer has more pieces than its weights")
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
