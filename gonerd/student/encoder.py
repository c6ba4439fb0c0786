"""A transformers encoder and the words of a document into what its layers see in each word.

The encoder is read, never changed. A long document goes through windows with context on both sides,
and no word is left out. Only weights in safetensors are loaded, and no code that comes with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gonerd.errors import ConfigError, MissingExtra
from gonerd.windows import cut

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CORE_WORDS = 150
CONTEXT_WORDS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoder:
    """A tokenizer and the model that reads its pieces."""

    tokenizer: "PreTrainedTokenizerBase"
    model: "PreTrainedModel"

    @property
    def width(self) -> int:
        """Numbers for each word: all layers, one after the other."""
        config: Any = self.model.config
        return int((config.num_hidden_layers + 1) * config.hidden_size)


def load_encoder(path: Path) -> Encoder:
    """Load an encoder from a folder of transformers; one without safetensors is a ConfigError."""
    try:
        import transformers
    except ImportError:
        raise MissingExtra(
            f"--model {path}: transformers is not installed; expected the extra `student`.\n"
            "Install it: pip install 'gonerd[student]'"
        ) from None
    if not (path / "config.json").is_file():
        raise ConfigError(f"{path}: no config.json; expected the folder of a transformers encoder.")
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            path, local_files_only=True, use_fast=True
        )
        model = transformers.AutoModel.from_pretrained(
            path, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ConfigError(
            f"{path}: cannot be loaded ({str(error).splitlines()[0]}); expected an encoder of "
            "transformers with weights in safetensors."
        ) from None
    return Encoder(tokenizer=tokenizer, model=model.eval())


def read_words(encoder: Encoder, words: Sequence[str]) -> NDArray[np.float16]:
    """Give the (word, layers * hidden size) features of the words of one document.

    A word is the mean of its pieces.
    """
    import torch

    tokenizer: Any = encoder.tokenizer
    unknown = [tokenizer.unk_token_id]
    pieces = [
        tokenizer(word, add_special_tokens=False)["input_ids"][:64] or unknown for word in words
    ]
    features = np.zeros((len(words), encoder.width), dtype=np.float16)
    longest = min(int(getattr(encoder.model.config, "max_position_embeddings", 512)), 512) - 2
    windows = cut(len(words), size=CORE_WORDS + 2 * CONTEXT_WORDS, overlap=CONTEXT_WORDS)
    for window in windows:
        low, high = _room(pieces, window.start, window.end, window.core_start, longest)
        ids = [tokenizer.cls_token_id]
        bounds = [1]
        for word in range(low, high):
            ids += pieces[word]
            bounds.append(len(ids))
        ids.append(tokenizer.sep_token_id)
        with torch.no_grad():
            states = encoder.model(
                input_ids=torch.tensor([ids]), output_hidden_states=True
            ).hidden_states
        layers = torch.stack(states, dim=2)[0].flatten(1).numpy()
        for word in range(window.core_start, min(window.core_end, high)):
            place = slice(bounds[word - low], bounds[word - low + 1])
            features[word] = layers[place].mean(axis=0)
        if high < window.core_end:  # words of many pieces: the rest on its own
            features[high : window.core_end] = read_words(encoder, words[high : window.core_end])
    return features


def _room(
    pieces: Sequence[Sequence[int]], start: int, end: int, core: int, longest: int
) -> tuple[int, int]:
    """Narrow a window to what the encoder can read at once, the core's beginning in it."""
    while start < core and sum(map(len, pieces[start:end])) > longest:
        start += 1
    while end > core + 1 and sum(map(len, pieces[start:end])) > longest:
        end -= 1
    return start, end
