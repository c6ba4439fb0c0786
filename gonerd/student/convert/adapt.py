"""A converted encoder and texts into the same encoder, used to reading that far.

It goes on with the pretraining it came from: pieces are hidden, and it learns to guess them from
whole windows (masked language modelling as in Devlin et al. 2019, "BERT": 15 in 100 pieces, of
which 80 are hidden, 10 changed and 10 left as they are). Longformer and LSG are made so from
RoBERTa; Beltagy et al. 2020 found 2,000 updates to bring most of what 65,000 do.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.errors import ConfigError
from gonerd.files import load_documents
from gonerd.records import Document
from gonerd.release import DEFAULT, is_release, open_release, read_rows
from gonerd.student.checkpoint import (
    import_transformers,
    load_model,
    load_tokenizer,
    loading,
    model_class,
)
from gonerd.student.finetune.examples import Example, Reading, examples_of
from gonerd.student.finetune.release import longest_of
from gonerd.student.finetune.rows import batches, packs, to_rows
from gonerd.student.finetune.train import Training, train
from gonerd.student.tagging.pieces import UNTAUGHT, take_apart

STATE = "adapting.pt"
"""In the folder of a model that is not adapted yet: what a stopped run is resumed from."""
GUESSED = 0.15
HIDDEN, CHANGED = 0.8, 0.9
"""Of those that are to be guessed: up to here hidden, up to here another piece, the rest as is."""
KEPT_APART = 20
"""Every so-manieth window is not learnt from, but measured on; at most as many windows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapting:
    """How to go on with the pretraining."""

    corpus: Path
    """A release, or documents as .jsonl or .parquet."""
    updates: int = 1_000
    learning_rate: float = 3e-5
    """With which Longformer was adapted."""
    pieces_an_update: int = 4_096
    bfloat16: bool = False
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapted:
    """What became of it."""

    documents: int
    pieces: int
    """Of the corpus."""
    updates: int
    before: float
    """Share of hidden pieces guessed right in windows kept apart, before."""
    after: float
    losses: tuple[float, ...]
    """Natural logarithm; the mean over the guessed pieces of each update."""


def adapt(
    folder: Path, adapting: Adapting, tick: Callable[[int], None] = lambda pieces: None
) -> Adapted:
    """Teach the model in a folder to read its full length; its weights are replaced at the end.

    A run that was stopped goes on from `STATE` in the folder. Heads other than that for guessing
    pieces stay as they are.
    """
    transformers = import_transformers(f"adapt {folder}")
    import torch

    texts = read_texts(adapting.corpus)
    torch.manual_seed(adapting.seed)
    with loading(folder):
        tokenizer = load_tokenizer(folder)
        if tokenizer.mask_token_id is None:
            raise ValueError("its tokenizer has no piece that stands for a hidden one")
        model = transformers.AutoModelForMaskedLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        ).eval()
    windows, apart = _windows(texts, tokenizer, longest_of(folder, model, None), adapting)
    chance = np.random.default_rng(adapting.seed)
    measured_on = [_hide(one, tokenizer, chance) for one in apart]
    training = Training(
        epochs=1,
        learning_rate=adapting.learning_rate,
        head_learning_rate=10 * adapting.learning_rate,
        pieces_an_update=adapting.pieces_an_update,
        pieces_at_once=adapting.pieces_an_update,
        bfloat16=adapting.bfloat16,
        seed=adapting.seed,
    )
    examples = _examples(windows, tokenizer, adapting, chance)
    state = folder / STATE
    before = _before(state, lambda: _guessed_right(model, measured_on, adapting.pieces_an_update))
    course = train(
        model,
        examples,
        training,
        measure=lambda: _guessed_right(model, measured_on, adapting.pieces_an_update),
        state=state,
        tick=tick,
    )
    _save(model, folder, transformers)
    for path in folder.glob(f"{state.stem}.*"):
        path.unlink()
    return Adapted(
        documents=len(texts),
        pieces=sum(len(one.ids) for one in (*windows, *apart)),
        updates=len(course.losses),
        before=before,
        after=course.scores[-1],
        losses=tuple(course.losses),
    )
