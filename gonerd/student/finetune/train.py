"""A model, examples and settings into the same model, taught; stopped and resumed anywhere.

One update sees a number of pieces, in as many parts as memory wants: the loss is the sum over all
tags of the update by their number, so that parts change nothing but rounding. What an update draws
(order, dropout) follows from the seed and its number alone; a run that is stopped and resumed on
the same machine ends in the same bits as one that was not.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gonerd.errors import ConfigError, GonerdError
from gonerd.store import fingerprint_of
from gonerd.student.finetune.examples import Example
from gonerd.student.finetune.rows import batches, to_rows
from gonerd.student.finetune.state import Course, State
from gonerd.student.finetune.telling import Stage, Tell, nothing
from gonerd.student.finetune.together import ALONE, World
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


def train(
    model: Any,
    examples: Sequence[Example],
    training: Training,
    *,
    measure: Callable[[], float],
    state: Path,
    tick: Callable[[int], None] = lambda pieces: None,
    tell: Tell = nothing,
    world: World = ALONE,
    made_of: str = "",
) -> Course:
    """Teach a model, and leave it as it was after the epoch with the best score.

    `measure` scores the model as it is. `state` is a file that a stopped run is resumed from; one
    of another run is a ConfigError, one that cannot be written a StoreError. A loss that is no
    number is a GonerdError, and leaves the last state as it is. `tick` is given the pieces of each
    update. Of several processes all but the first leave the model as it is in the end.
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
    kept = State(path=state, run=run, made_of=made_of)
    course = kept.resume(model, optimizer, schedule)
    _check_alike(course, world)
    while course.epoch < epochs and not _has_ended(course, training):
        updates = _updates(sizes, training, course.epoch)
        for number in range(course.update, len(updates)):
            drawn = (training.seed, course.epoch, number)
            torch.manual_seed(_seed(*drawn, world.rank) if world.rank else _seed(*drawn))
            some = [teaching[index] for index in updates[number]]
            try:
                course.losses.append(_update(model, optimizer, some, training, world))
            except _NoNumber as error:
                raise _no_number(str(error), course) from None
            schedule.step()
            course.update = number + 1
            pieces = sum(len(one.ids) for one in some)
            tick(pieces)
            tell(_stage(course, epochs, updates, sizes, pieces))
            if course.update % training.updates_between_saves == 0 and world.leads:
                _check_weights(model, course)
                kept.save(model, optimizer, schedule, course)
        _check_weights(model, course)
        course.scores.append(measure())
        tell(replace(_stage(course, epochs, updates, sizes, 0), score=course.scores[-1]))
        course.epoch, course.update = course.epoch + 1, 0
        if not world.leads:
            continue
        if course.scores[-1] == max(course.scores) and course.scores.count(course.scores[-1]) == 1:
            kept.save_best(model)
        kept.save(model, optimizer, schedule, course)
    if world.leads:
        kept.load_best(model)
    return course


def _stage(
    course: Course, epochs: int, updates: list[list[int]], sizes: Sequence[int], pieces: int
) -> Stage:
    """Say where a run is."""
    left = sum(sizes[index] for update in updates[course.update :] for index in update)
    recent = course.losses[-min(course.update, 20) :]
    return Stage(
        epoch=course.epoch + 1,
        epochs=epochs,
        update=course.update,
        updates=len(updates),
        loss=sum(recent) / len(recent),
        pieces=pieces,
        pieces_left=left + sum(sizes) * (epochs - course.epoch - 1),
    )


def _check_alike(course: Course, world: World) -> None:
    """Refuse processes of which some have found a state and others have not."""
    done = len(course.losses)
    if world.sum(done) != [done * world.size]:
        raise ConfigError(
            "training: the processes have found different states; expected all to see the same "
            "folder --out."
        )


def _check_weights(model: Any, course: Course) -> None:
    """Refuse weights that are no numbers, before they are kept or asked anything."""
    if not all(bool(one.isfinite().all()) for one in model.parameters()):
        raise _no_number("a weight is no number", course)


class _NoNumber(Exception):
    """A loss or its gradient is no number."""


def _no_number(what: str, course: Course) -> GonerdError:
    return GonerdError(
        f"training: {what} after {len(course.losses):,} updates; expected numbers.\n"
        "Begin anew with a smaller --learning-rate; what was saved before is left as it is."
    )


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


def _update(
    model: Any,
    optimizer: Any,
    examples: Sequence[Example],
    training: Training,
    world: World = ALONE,
) -> float:
    """Learn from some examples at once, and give the mean loss of their tags."""
    import torch

    model.train()
    total = sum(int((one.tags != UNTAUGHT).sum()) for one in examples)
    whole = 0.0
    own = world.share(examples, [len(one.ids) for one in examples])
    sizes = [len(one.ids) for one in own]
    for part in batches(sizes, training.pieces_at_once, range(len(own))):
        inputs, tags = to_rows([own[index] for index in part], model)
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
        loss.backward()
        whole += float(loss.detach())
    world.add_gradients(model)
    (whole,) = world.sum(whole)
    slope = torch.nn.utils.clip_grad_norm_(model.parameters(), training.largest_gradient)
    if not (math.isfinite(whole) and math.isfinite(float(slope))):
        model.eval()
        raise _NoNumber(f"the loss is {whole}, its gradient {float(slope)}")
    optimizer.step()
    optimizer.zero_grad()
    model.eval()
    return whole
