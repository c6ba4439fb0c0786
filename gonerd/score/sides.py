"""What gold and prediction say of one document, and the counts that come of it."""

from dataclasses import dataclass

from gonerd.score.counts import Counts
from gonerd.score.entities import Entities, Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """What gold and prediction say of one document."""

    document_id: str
    gold: Entities
    predicted: Entities
    num_tokens: int | None = None
    text: str | None = None
    """Where entities are in characters."""
    source: str | None = None
    token_starts: Ints | None = None
    """Where entities are in characters: where each token starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentScore:
    """The counts of one document."""

    document_id: str
    counts: Counts
    num_tokens: int | None
    source: str | None
