"""Words and how probable each tag of each word is into tags for documents it was not taught on.

A small recurrent head learns over a frozen encoder's layers and the shapes of words. Documents are
shared out to folds; each fold is tagged by a head that learnt from the others alone, so a head
never repeats what it was told about a document.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

LEAST_BATCH = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggerSettings:
    """How a head learns."""

    folds: int = 5
    epochs: int = 6
    batch_sentences: int = 32
    """At most; less where there is little to learn from, down to `LEAST_BATCH`."""
    least_steps: int = 200
    """Steps below which a head has not learnt yet; the epochs are then as many as it takes."""
    learning_rate: float = 0.001
    dropout: float = 0.4
    hidden: int = 256
    heads: int = 2
    """That learn from the same folds and are averaged."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A stretch of a document that is read at once."""

    document: int
    features: NDArray[np.float16]
    """(word, width)."""
    shapes: NDArray[np.int64]
    """(word): kinds of words, as numbers from 0."""
    targets: Floats
    """(word, tag): how probable each tag is."""
    known: NDArray[np.bool_]
    """(word): whether anybody has read it."""


def tag_by_folds(
    sentences: Sequence[Sentence], settings: TaggerSettings, tick: Callable[[int], None]
) -> list[Floats | None]:
    """Give the (word, tag) probabilities of each sentence, by heads that never saw its document.

    None where there is nothing to learn from in other documents.
    """
    if not sentences:
        return []
    documents = sorted({one.document for one in sentences})
    shuffled = np.random.default_rng(settings.seed).permutation(len(documents))
    fold_of = {
        documents[index]: number % settings.folds for number, index in enumerate(shuffled.tolist())
    }
    scale = _scale(sentences)
    num_shapes = max(32, 1 + max(int(one.shapes.max(initial=0)) for one in sentences))
    found: dict[int, Floats] = {}
    for fold in range(min(settings.folds, len(documents))):
        taught = [one for one in sentences if fold_of[one.document] != fold and one.known.any()]
        asked = [index for index, one in enumerate(sentences) if fold_of[one.document] == fold]
        for number in range(settings.heads if taught else 0):
            head = _teach(taught, scale, num_shapes, settings, fold * 100 + number)
            answers = _ask(head, [sentences[index] for index in asked], scale)
            for index, answer in zip(asked, answers, strict=True):
                share = answer / np.float32(settings.heads)
                found[index] = found[index] + share if index in found else share
        tick(len(asked))
    return [found.get(index) for index in range(len(sentences))]


Scale = tuple[Floats, Floats]


def _scale(sentences: Sequence[Sentence]) -> Scale:
    """Measure features, so that each has mean 0 and deviation 1."""
    some = np.concatenate([one.features for one in sentences[:400]]).astype(np.float32)
    return some.mean(axis=0), some.std(axis=0) + np.float32(1e-3)


def _make_head(width: int, num_shapes: int, num_tags: int, settings: TaggerSettings) -> Any:
    import torch
    from torch import nn

    class Head(nn.Module):
        """Layers mixed into one, read forth and back, and a tag for each word."""

        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(width, settings.hidden)
            self.shape = nn.Embedding(num_shapes + 1, 32)
            self.drop = nn.Dropout(settings.dropout)
            self.read = nn.LSTM(
                settings.hidden + 32, settings.hidden // 2, bidirectional=True, batch_first=True
            )
            self.tag = nn.Linear(settings.hidden, num_tags)

        def forward(self, features: "torch.Tensor", shapes: "torch.Tensor") -> "torch.Tensor":
            """Give the (sentence, word, tag) logarithms of probabilities."""
            features = nn.functional.dropout(features, 0.1, self.training)
            mixed = nn.functional.gelu(self.mix(features))
            states, _ = self.read(self.drop(torch.cat([mixed, self.shape(shapes)], dim=-1)))
            return torch.log_softmax(self.tag(self.drop(states)), dim=-1)

    return Head()


def _teach(
    sentences: Sequence[Sentence],
    scale: Scale,
    num_shapes: int,
    settings: TaggerSettings,
    fold: int,
) -> Any:
    import torch

    torch.manual_seed(settings.seed * 1000 + fold)
    order = np.random.default_rng(settings.seed * 1000 + fold)
    first = sentences[0]
    head = _make_head(first.features.shape[1], num_shapes, first.targets.shape[1], settings)
    optimizer = torch.optim.AdamW(head.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    lengths = np.array([len(one.shapes) for one in sentences])
    size, epochs = _batches(len(sentences), settings)
    num_steps = epochs * -(-len(sentences) // size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(0.0, 1.0 - step / num_steps)
    )
    head.train()
    for _ in range(epochs):
        jitter = lengths + order.integers(0, 6, len(lengths))
        ranked = np.argsort(jitter, kind="stable")
        batches = [ranked[start : start + size] for start in range(0, len(ranked), size)]
        order.shuffle(batches)
        for batch in batches:
            features, shapes, targets, weights = _stack([sentences[i] for i in batch], scale)
            loss = -(targets * head(features, shapes)).sum(-1) * weights
            optimizer.zero_grad()
            (loss.sum() / weights.sum().clamp(min=1)).backward()
            optimizer.step()
            schedule.step()
    return head.eval()


def _batches(num_sentences: int, settings: TaggerSettings) -> tuple[int, int]:
    """Choose how many sentences a batch has, and how many epochs it takes."""
    size = num_sentences * settings.epochs // settings.least_steps
    size = max(LEAST_BATCH, min(settings.batch_sentences, size))
    per_epoch = -(-num_sentences // size)
    return size, max(settings.epochs, -(-settings.least_steps // per_epoch))


def _ask(head: Any, sentences: Sequence[Sentence], scale: Scale) -> Iterator[Floats]:
    import torch

    for start in range(0, len(sentences), 64):
        some = sentences[start : start + 64]
        features, shapes, _, _ = _stack(some, scale)
        with torch.no_grad():
            answers = head(features, shapes).exp().numpy()
        for one, answer in zip(some, answers, strict=True):
            yield answer[: len(one.shapes)]


def _stack(
    sentences: Sequence[Sentence], scale: Scale
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]":
    """Pad sentences to one length; a padded word weighs nothing."""
    import torch

    longest = max(len(one.shapes) for one in sentences)
    width, num_tags = sentences[0].features.shape[1], sentences[0].targets.shape[1]
    features = np.zeros((len(sentences), longest, width), dtype=np.float32)
    shapes = np.zeros((len(sentences), longest), dtype=np.int64)
    targets = np.zeros((len(sentences), longest, num_tags), dtype=np.float32)
    weights = np.zeros((len(sentences), longest), dtype=np.float32)
    for row, one in enumerate(sentences):
        length = len(one.shapes)
        features[row, :length] = (one.features.astype(np.float32) - scale[0]) / scale[1]
        shapes[row, :length] = one.shapes + 1
        targets[row, :length] = one.targets
        weights[row, :length] = one.known
    return (
        torch.from_numpy(features),
        torch.from_numpy(shapes),
        torch.from_numpy(targets),
        torch.from_numpy(weights),
    )
