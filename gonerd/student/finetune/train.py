"""A model, examples and settings into the same model, taught; stopped and resumed anywhere.

One update sees a number of pieces, in as many parts as memory wants: the loss is the sum over all
tags of the update by their number, so that parts change nothing but rounding. What an update draws
(order, dropout) follows from the seed and its number alone; a run that is stopped and resumed on
the same machine ends in the same bits as one that was not.
"""

import contextlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.errors import ConfigError, GonerdError, StoreError
from gonerd.store import fingerprint_of
from gonerd.student.finetune.examples import Example
from gonerd.student.finetune.rows import batches, to_rows
from gonerd.student.tagging.pieces import UNTAUGHT

EPOCHS = 5
LEAST_UPDATES = 300
"""With fewer, a few long documents teach nothing yet: all is O."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How a model learns."""

    epochs: int | None = None
    """None: `EPOCHS`, or as many more as make `LEAST_UPDATES` updates."""
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    """Of what the checkpoint had no weights for: the layer that gives the tags."""
    weight_decay: float = 0.01
    warmup: float = 0.1
    """Share of all updates over which the rate rises; then it falls to nothing."""
    pieces_an_update: int = 4_096
    pieces_at_once: int = 4_096
    """In memory; fewer than an update has are added up."""
    largest_gradient: float = 1.0
    patience: int = 2
    """Epochs without a better score after which it ends, once there is a score at all."""
    bfloat16: bool = False
    seed: int = 0
    updates_between_saves: int = 100


@dataclass(kw_only=True)
class Course:
    """How far a run has come."""

    epoch: int = 0
    update: int = 0
    """Updates of this epoch that are done."""
    losses: list[float] = field(default_factory=list)
    """Mean over the tags of each update so far."""
    scores: list[float] = field(default_factory=list)
    """After each epoch so far."""


def train(
    model: Any,
    examples: Sequence[Example],
    training: Training,
    *,
    measure: Callable[[], float],
    state: Path,
    tick: Callable[[int], None] = lambda pieces: None,
) -> Course:
    """Teach a model, and leave it as it was after the epoch with the best score.

    `measure` scores the model as it is. `state` is a file that a stopped run is resumed from; one
    of another run is a ConfigError, one that cannot be written a StoreError. A loss that is no
    number is a GonerdError, and leaves the last state as it is.
    """
    import torch

    teaching = [one for one in examples if (one.tags != UNTAUGHT).any()]
    if not teaching:
        raise ConfigError("training: no tag among all examples; expected documents with gold.")
    sizes = [len(one.ids) for one in teaching]
    epochs = training.epochs or _enough(sizes, training)
    optimizer = _optimizer(model, training)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate(sizes, training, epochs))
    tags = [int(one.tags.sum()) for one in teaching]
    run = fingerprint_of(asdict(training), sizes, tags, model.config.to_dict())
    best = state.with_suffix(".best")
    course = _resume(state, run, model, optimizer, schedule)
    while course.epoch < epochs and not _has_ended(course, training):
        updates = _updates(sizes, training, course.epoch)
        for number in range(course.update, len(updates)):
            torch.manual_seed(_seed(training.seed, course.epoch, number))
            some = [teaching[index] for index in updates[number]]
            course.losses.append(_update(model, optimizer, some, training))
            schedule.step()
            course.update = number + 1
            tick(sum(len(one.ids) for one in some))
            if course.update % training.updates_between_saves == 0:
                _save(state, run, model, optimizer, schedule, course)
        course.scores.append(measure())
        course.epoch, course.update = course.epoch + 1, 0
        if course.scores[-1] == max(course.scores) and course.scores.count(course.scores[-1]) == 1:
            _write(best, model.state_dict())
        _save(state, run, model, optimizer, schedule, course)
    model.load_state_dict(torch.load(best, weights_only=True))
    return course


def _has_ended(course: Course, training: Training) -> bool:
    """Say whether the score has not risen for so many epochs; while it is 0, it has not begun."""
    scores = course.scores
    return any(scores) and len(scores) - 1 - scores.index(max(scores)) >= training.patience


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _updates(sizes: Sequence[int], training: Training, epoch: int) -> list[list[int]]:
    order = np.random.default_rng((training.seed, epoch)).permutation(len(sizes))
    return batches(sizes, training.pieces_an_update, order.tolist())


def _enough(sizes: Sequence[int], training: Training) -> int:
    """Say how many epochs make enough updates."""
    return max(EPOCHS, math.ceil(LEAST_UPDATES / len(_updates(sizes, training, 0))))


def _rate(sizes: Sequence[int], training: Training, epochs: int) -> Callable[[int], float]:
    """Let the rate rise over the first updates, and fall to nothing over the rest."""
    total = sum(len(_updates(sizes, training, epoch)) for epoch in range(epochs))
    rising = max(1, math.ceil(training.warmup * total))
    return lambda done: min((done + 1) / rising, (total - done) / max(1, total - rising + 1), 1.0)


def _optimizer(model: Any, training: Training) -> Any:
    """Let what is new learn faster, and weights, not biases and norms, decay."""
    import torch

    body = {id(one) for one in model.base_model.parameters()}
    groups = []
    for in_body, rate in ((True, training.learning_rate), (False, training.head_learning_rate)):
        for decays, decay in ((True, training.weight_decay), (False, 0.0)):
            chosen = [
                one
                for one in model.parameters()
                if one.requires_grad and (id(one) in body) == in_body and (one.ndim > 1) == decays
            ]
            groups.append({"params": chosen, "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW([group for group in groups if group["params"]])


def _update(model: Any, optimizer: Any, examples: Sequence[Example], training: Training) -> float:
    """Learn from some examples at once, and give the mean loss of their tags."""
    import torch

    model.train()
    total = sum(int((one.tags != UNTAUGHT).sum()) for one in examples)
    whole = 0.0
    sizes = [len(one.ids) for one in examples]
    for part in batches(sizes, training.pieces_at_once, range(len(examples))):
        inputs, tags = to_rows([examples[index] for index in part], model)
        inputs = {name: one.to(model.device) for name, one in inputs.items()}
        with torch.autocast(model.device.type, torch.bfloat16, enabled=training.bfloat16):
            scores = model(**inputs).logits
        loss = torch.nn.functional.cross_entropy(
            scores.float().flatten(0, 1),
            tags.flatten().to(scores.device),
            ignore_index=UNTAUGHT,
            reduction="sum",
        )
        loss = loss / max(total, 1)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise GonerdError(
                f"training: the loss is {value} after some updates; expected a number.\n"
                "Give a smaller --learning-rate; what was saved before is resumed."
            )
        loss.backward()
        whole += value
    torch.nn.utils.clip_grad_norm_(model.parameters(), training.largest_gradient)
    optimizer.step()
    optimizer.zero_grad()
    model.eval()
    return whole


def _save(state: Path, run: str, model: Any, optimizer: Any, schedule: Any, course: Course) -> None:
    _write(
        state,
        {
            "run": run,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "course": asdict(course),
        },
    )


def _write(path: Path, values: Any) -> None:
    """Write all or nothing."""
    import torch

    partial = path.with_name(f"{path.name}.partial")
    try:
        torch.save(values, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise StoreError(
            f"{path}: cannot be written ({str(error).splitlines()[0]}); expected room for the "
            "state of the training.\nWhat was saved before is kept, and resumed."
        ) from None


def _resume(state: Path, run: str, model: Any, optimizer: Any, schedule: Any) -> Course:
    """Take up a run where it was left; begin where there is none."""
    import torch

    if not state.exists():
        return Course()
    try:
        saved = torch.load(state, weights_only=True)
        same = saved["run"] == run
    except Exception as error:  # a damaged file makes torch raise anything
        raise ConfigError(
            f"{state}: cannot be read ({(str(error).splitlines() or [''])[0]}); expected the state "
            "of a run.\nRemove it, and the run begins anew."
        ) from None
    if not same:
        raise ConfigError(
            f"{state}: of a run with other settings or examples; expected this one's.\n"
            "Remove it, and the run begins anew."
        )
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    return Course(**saved["course"])
