"""A gold and a model's annotations into the places where the gold is most likely wrong.

Confident learning (Northcutt et al. 2021), over spans: how probable each reading of each place is,
by the model and by how the same words are read elsewhere, learnt on other pieces of the gold; and
for each label how probable it must be to count, learnt from the gold too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gonerd.records import Annotation, Dispute, Document, Span

Kind = Literal["extra", "missing", "label", "border"]
"""Gold has a span that should not be, or none where one should be, or other label or borders."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A place where the gold is probably wrong."""

    document_id: str
    start: int
    end: int
    kinds: tuple[Kind, ...]
    gold: tuple[Span, ...]
    """What the gold says of the place."""
    other: tuple[Span, ...]
    """What is more probable, each with how probable."""
    score: float
    """How probable it is that the gold is wrong here, from 0 to 1."""
    confident: bool
    """Whether the other reading is as probable as its label usually is where it is right."""
    reason: str
    """For people, in a line."""


def find_suspects(
    documents: Iterable[Document],
    gold: Mapping[str, Annotation],
    model: Mapping[str, Annotation],
    *,
    seed: int = 0,
) -> list[Suspect]:
    """Rank the places where the gold is probably wrong, the most probable first.

    `gold` and `model` are by document; only what both cover is judged. A model's confidence is used
    where it gives one.
    """
    raise NotImplementedError


def as_disputes(
    suspects: Iterable[Suspect], documents: Mapping[str, Document], model: str
) -> list[Dispute]:
    """Turn suspects into disputes between the gold and a model, to be settled like any other.

    Put on a desk (`replace(desk, disputes=...)`), they make a queue with snippets and choices, and
    what is ruled flows into `gonerd reconcile`.
    """
    raise NotImplementedError
