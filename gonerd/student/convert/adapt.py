"""A converted encoder and texts into the same encoder, used to reading that far.

It goes on with the pretraining it came from: pieces are hidden, and it learns to guess them from
whole windows (masked language modelling as in Devlin et al. 2019, "BERT": 15 in 100 pieces, of
which 80 are hidden, 10 changed and 10 left as they are). Longformer and LSG are made so from
RoBERTa; Beltagy et al. 2020 found 2,000 updates to bring most of what 65,000 do.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.errors import ConfigError
from gonerd.files import load_documents
from gonerd.records import Document
from gonerd.release import DEFAULT, is_release, open_release, read_rows
from gonerd.store import fingerprint_of, write_file
from gonerd.student.checkpoint import (
    import_transformers,
    load_model,
    load_tokenizer,
    loading,
    model_class,
)
from gonerd.student.convert.card import say_adapted
from gonerd.student.convert.convert import Request, check_out, convert
from gonerd.student.finetune.examples import Example, Reading, examples_of
from gonerd.student.finetune.release import longest_of
from gonerd.student.finetune.rows import batches, to_rows
from gonerd.student.finetune.train import Training, train
from gonerd.student.tagging.pieces import UNTAUGHT, take_apart

BEGUN = "adapting.json"
"""In the folder of a model that is to be adapted and is not yet: what was asked for, and made."""
STATE = "adapting.pt"
"""Beside it, what a stopped run is resumed from."""
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
    """About so many: windows of different sizes fill updates differently each time."""
    learning_rate: float = 3e-5
    """With which Longformer was adapted."""
    pieces_an_update: int = 4_096
    bfloat16: bool = False
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapted:
    """What became of it."""

    corpus: str
    documents: int
    pieces: int
    updates: int
    before: float
    """Share of hidden pieces guessed right in windows kept apart, before."""
    after: float
    losses: tuple[float, ...]
    """Natural logarithm; the mean over the guessed pieces of each update."""


def convert_and_adapt(
    request: Request, adapting: Adapting, tick: Callable[[int], None] = lambda pieces: None
) -> tuple[dict[str, Any], Adapted]:
    """Convert a model, and let it go on with its pretraining; describe both.

    The same request resumes a run that was stopped; a folder with another one is a ConfigError.
    """
    begun = request.out / BEGUN
    asked = fingerprint_of(repr(request), repr(adapting))
    if not begun.exists():
        check_out(request.out, request.model)
        read_texts(adapting.corpus)  # what is wrong with it is said before anything is made
        made = convert(request).to_json()
        write_file(begun, json.dumps({"asked": asked, "made": made}).encode())
    found = json.loads(begun.read_text())
    if found["asked"] != asked:
        raise ConfigError(
            f"--out {request.out}: was begun with other options; expected the same.\n"
            "Remove the folder to begin anew."
        )
    return found["made"], adapt(request.out, adapting, tick)


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

    def measure() -> float:
        return _guessed_right(model, measured_on, adapting.pieces_an_update)

    before = measure()  # of what lies in the folder, also when a run goes on
    course = train(model, examples, training, measure=measure, state=state, tick=tick)
    adapted = Adapted(
        corpus=adapting.corpus.name,
        documents=len(texts),
        pieces=sum(len(one.ids) for one in (*windows, *apart)),
        updates=len(course.losses),
        before=before,
        after=course.scores[-1],
        losses=tuple(course.losses),
    )
    _save(model, folder)
    say_adapted(folder, to_text(adapted))
    for path in (folder / BEGUN, *folder.glob(f"{state.stem}.*")):
        path.unlink(missing_ok=True)
    return adapted


def to_text(adapted: Adapted) -> str:
    """Say for people what a model was taught, and what it gained."""
    return (
        f"It went on with its pretraining on {adapted.documents:,} documents of {adapted.corpus} "
        f"({adapted.pieces:,} pieces):\n{adapted.updates:,} updates of masked language modelling. "
        "Of hidden pieces in windows kept apart it guessed\n"
        f"{100 * adapted.before:.1f} % before, {100 * adapted.after:.1f} % after."
    )


def read_texts(corpus: Path) -> list[Document]:
    """Read the texts of a release, whatever their split, or documents from a file."""
    if is_release(corpus):
        columns = ("id", "text", "source", "license", "language")
        return [Document(**row) for _, row in read_rows(open_release(corpus), DEFAULT, columns)]
    return load_documents(corpus)


def _windows(
    texts: Sequence[Document], tokenizer: Any, longest: int, adapting: Adapting
) -> tuple[list[Example], list[Example]]:
    """Cut texts into windows that share nothing: those to learn from, and those kept apart."""
    reading = Reading(longest=longest, overlap=0)
    found: list[Example] = []
    for number, one in enumerate(texts):
        pieces = take_apart(one.text, tokenizer)
        found += examples_of(number, pieces, pieces.ids, tokenizer, reading)
    if len(found) < 2:
        raise ConfigError(
            f"--adapt {adapting.corpus}: {len(found)} windows of up to {longest:,} pieces; "
            "expected 2 or more, one to learn from and one to measure on."
        )
    order = np.random.default_rng(adapting.seed).permutation(len(found)).tolist()
    some = min(KEPT_APART, max(1, len(found) // KEPT_APART))
    return [found[index] for index in order[some:]], [found[index] for index in order[:some]]


def _examples(
    windows: Sequence[Example], tokenizer: Any, adapting: Adapting, chance: np.random.Generator
) -> list[Example]:
    """Hide pieces of all windows, anew each time they come round, for about so many updates."""
    sizes = [len(one.ids) for one in windows]
    a_round = batches(sizes, adapting.pieces_an_update, range(len(windows)))
    rounds, rest = divmod(adapting.updates, len(a_round))
    order = [
        *rounds * [*range(len(windows))],
        *(index for batch in a_round[:rest] for index in batch),
    ]
    return [_hide(windows[index], tokenizer, chance) for index in order]


def _hide(window: Example, tokenizer: Any, chance: np.random.Generator) -> Example:
    """Draw the pieces of a window that are to be guessed, one at least, and hide most of them."""
    inside = np.flatnonzero(window.tags != UNTAUGHT)
    drawn = inside[chance.random(len(inside)) < GUESSED]
    if not len(drawn):
        drawn = chance.choice(inside, size=1)
    tags = np.full_like(window.tags, UNTAUGHT)
    tags[drawn] = window.ids[drawn]
    ids = window.ids.copy()
    fate = chance.random(len(drawn))
    ids[drawn[fate < HIDDEN]] = tokenizer.mask_token_id
    changed = drawn[(fate >= HIDDEN) & (fate < CHANGED)]
    ids[changed] = chance.integers(0, len(tokenizer), len(changed))
    return replace(window, ids=ids, tags=tags)


def _guessed_right(model: Any, windows: Sequence[Example], at_once: int) -> float:
    """Measure which share of the pieces that are to be guessed a model guesses."""
    import torch

    right = total = 0
    for batch in batches([len(one.ids) for one in windows], at_once, range(len(windows))):
        inputs, tags = to_rows([windows[index] for index in batch], model)
        with torch.inference_mode():
            guessed = model(**inputs).logits.argmax(-1)
        right += int(((guessed == tags) & (tags != UNTAUGHT)).sum())
        total += int((tags != UNTAUGHT).sum())
    return right / total


def _save(model: Any, folder: Path) -> None:
    """Put what was learnt into the model of the folder, with the heads that it has."""
    whole = load_model(folder, model_class(model.config))
    whole.base_model.load_state_dict(model.base_model.state_dict(), strict=False)
    if type(whole) is type(model):
        whole = model
    whole.save_pretrained(folder)
