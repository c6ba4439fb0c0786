"""A model and a release into a folder with the model taught on it, and how well it does.

The folder holds the model in safetensors and its tokenizer, as transformers writes them, the labels
in the configuration in the order of `bio.tag_names`, and `training.json` with the course of it.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gonerd.bio import tag_names
from gonerd.errors import ConfigError
from gonerd.gather import Annotated
from gonerd.records import Annotation, Span, annotation_to_json
from gonerd.score import Counts, score_spans
from gonerd.spans import within
from gonerd.store import fingerprint_of
from gonerd.student.checkpoint import (
    check_folder,
    check_vocabulary,
    import_transformers,
    load_tokenizer,
    loading,
)
from gonerd.student.finetune.data import open_data, read_split
from gonerd.student.finetune.examples import Example, Reading, examples_of, taught
from gonerd.student.finetune.folder import (
    MADE_OF,
    STATE,
    check_out,
    clear,
    finished,
    held,
    make_folder,
    put,
)
from gonerd.student.finetune.predict import predict
from gonerd.student.finetune.rows import first_position
from gonerd.student.finetune.telling import Tell, nothing
from gonerd.student.finetune.together import ALONE, World, together
from gonerd.student.finetune.train import Training, train
from gonerd.student.tagging.pieces import check_tokenizer

TAGGING = "gonerd_tagging"
"""Of a configuration: which pieces have a tag."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to teach, on what, and where to."""

    model: Path
    data: Path
    out: Path
    training: Training
    longest: int | None = None
    """Pieces at once; by default as many as the model reads."""
    overlap: int = 64
    every_piece: bool = False
    train_split: str = "train"
    watched_split: str = "validation"
    afresh: bool = False
    """Whether to begin anew where a run was stopped, or finished."""


def finetune(
    request: Request,
    tick: Callable[[int], None] = lambda pieces: None,
    tell: Tell = nothing,
) -> dict[str, Any]:
    """Teach a model on a release, and describe what became of it.

    A run that was stopped is resumed from what lies in the folder; of one that was finished comes
    what it said then. Started by torchrun, the processes share the work.
    """
    check_out(request.out, request.model)
    with together() as world, contextlib.ExitStack() as holding:
        return _finetune(request, tick, tell if world.leads else nothing, world, holding)


def _finetune(
    request: Request,
    tick: Callable[[int], None],
    tell: Tell,
    world: World,
    holding: contextlib.ExitStack,
) -> dict[str, Any]:
    data = open_data(request.data)
    tokenizer, model = _load(request.model, data.labels, request.training.seed)
    reading = Reading(
        longest=longest_of(request.model, model, request.longest),
        overlap=request.overlap,
        every_piece=request.every_piece,
    )
    taught_on = read_split(data, request.train_split)
    watched = read_split(data, request.watched_split)
    examples, left = _examples(taught_on, data.labels, tokenizer, reading)
    made_of = _made_of(request, reading, examples, watched, model)
    if world.leads:
        make_folder(request.out)
        holding.enter_context(held(request.out))
        if request.afresh:
            clear(request.out)
    world.wait()
    if (report := finished(request.out, made_of, afresh=request.afresh)) is not None:
        return {**report, "finished before": True}

    def measure() -> float:
        return _f1(model, tokenizer, watched, data.labels, reading, world)

    course = train(
        model,
        examples,
        request.training,
        measure=measure,
        state=request.out / STATE,
        tick=tick,
        tell=tell,
        world=world,
        made_of=made_of,
    )
    report = {
        "documents": len(taught_on),
        "windows": len(examples),
        "longest": reading.longest,
        "documents in windows": len(
            {one.document for one in examples if one.window.core_start > 0}
        ),
        "spans without tags": left,
        "scores": course.scores,
        "best": max(course.scores),
        "updates": len(course.losses),
        "losses": course.losses,
        "training": asdict(request.training),
        MADE_OF: made_of,
    }
    setattr(model.config, TAGGING, {"every_piece": request.every_piece})
    if world.leads:
        put(model, tokenizer, report, request.out)
    return {**report, "finished before": False}


def _made_of(
    request: Request,
    reading: Reading,
    examples: Sequence[Example],
    watched: Sequence[Annotated],
    model: Any,
) -> str:
    """Take the fingerprint of all that decides what a run ends in."""
    import torch

    content = hashlib.sha256()
    for example in examples:
        content.update(example.ids.tobytes() + example.tags.tobytes())
    for name, one in sorted(model.state_dict().items()):
        content.update(name.encode())
        content.update(one.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    gold = [annotation_to_json(annotation) for one in watched for annotation in one.annotations]
    settings = (asdict(request.training), asdict(reading), model.config.to_dict())
    return fingerprint_of(settings, gold, content.hexdigest())


def _load(path: Path, labels: Sequence[str], seed: int) -> tuple[Any, Any]:
    """Load a tokenizer and a token classifier for these labels; a head that is there must fit.

    One that is not is drawn, the same for the same seed.
    """
    check_folder(path)
    transformers = import_transformers(f"finetune {path}")
    import torch

    torch.manual_seed(seed)
    names = tag_names(labels)
    with loading(path):
        tokenizer = load_tokenizer(path)
        config = transformers.AutoConfig.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
        has_head = any("TokenClassification" in name for name in config.architectures or ())
        own = [str(name) for _, name in sorted(config.id2label.items())]
        if has_head and own != names:
            raise ConfigError(
                f"{path}: its labels are {', '.join(own[:12])}; expected those of the data, "
                f"{', '.join(names[:12])}.\nGive a checkpoint without a head for them."
            )
        config.id2label = dict(enumerate(names))
        config.label2id = {name: code for code, name in enumerate(names)}
        model, found = transformers.AutoModelForTokenClassification.from_pretrained(
            path,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        body = f"{model.base_model_prefix}."
        if missing := sorted(name for name in found["missing_keys"] if name.startswith(body)):
            raise ValueError(f"no weights for {missing[0]}, {len(missing)} such")
        check_vocabulary(tokenizer, model)
    check_tokenizer(tokenizer, str(path))
    return tokenizer, model.eval()


def longest_of(path: Path, model: Any, asked: int | None) -> int:
    """Say how many pieces a model shall read at once; more than it can is a ConfigError."""
    able = int(model.config.max_position_embeddings) - first_position(model)
    longest = able if asked is None else asked
    if not 16 <= longest <= able:
        raise ConfigError(
            f"--max-tokens {longest}: {path} reads from 16 to {able} at once; expected no more.\n"
            "Make it longer: gonerd convert"
        )
    return longest


def _examples(
    documents: Sequence[Annotated], labels: Sequence[str], tokenizer: Any, reading: Reading
) -> tuple[list[Example], int]:
    """Cut documents into examples, and count the spans that no tag could say."""
    left = 0
    found: list[Example] = []
    for number, one in enumerate(documents):
        (gold,) = one.annotations
        pieces, tags, without = taught(
            one.document, gold.spans, gold.coverage, labels, tokenizer, reading
        )
        left += len(without)
        found += examples_of(number, pieces, tags, tokenizer, reading)
    return found, left


def _f1(
    model: Any,
    tokenizer: Any,
    documents: Sequence[Annotated],
    labels: Sequence[str],
    reading: Reading,
    world: World = ALONE,
) -> float:
    """Score a model; of several processes each its share of the documents."""
    own = documents[world.rank :: world.size]
    predicted = predict(
        model, tokenizer, [one.document for one in own], labels, reading, annotator="model"
    )
    counts = score_spans(_pairs(own, predicted)).micro
    correct, found, gold = world.sum(counts.correct, counts.predicted, counts.gold)
    return Counts(correct=int(correct), predicted=int(found), gold=int(gold)).f1 or 0.0


def _pairs(
    documents: Sequence[Annotated], predicted: Iterator[Annotation]
) -> Iterator[tuple[Sequence[Span], Sequence[Span]]]:
    for one, said in zip(documents, predicted, strict=True):
        (gold,) = one.annotations
        yield gold.spans, within(said.spans, gold.coverage)
