"""What was measured, as records with a JSON form."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

Kind = Literal["label", "borders", "missed"]
LABEL: Literal["label"] = "label"
"""The same borders under two labels."""
BORDERS: Literal["borders"] = "borders"
"""Two spans that overlap and have other borders."""
MISSED: Literal["missed"] = "missed"
"""Marked by one, and by the other not at all."""
KINDS: tuple[Kind, ...] = (LABEL, BORDERS, MISSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number and how sure it is, or why there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    """Between the two lie 95 % of the resamples."""
    why: str = ""
    """`undefined because ...` where there is no value, `no interval because ...` where there is
    one without."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How far spans of one kind (a label, a length, an annotator's) are agreed on."""

    name: str
    documents: int
    """In which there was something to compare."""
    spans: int
    """Compared: each counts once for every other annotator who has read it."""
    exact_f1: Estimate
    overlap_f1: Estimate
    label_agreement: Estimate
    """Share of places, borders that both marked, with the same label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRow(Row):
    """How far two annotators agree."""

    annotators: tuple[str, str]
    characters: int
    """That both have read."""
    spans_of_each: tuple[int, int]
    label_kappa: Estimate
    token_kappa: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentRow(Row):
    """How far the annotators of a document agree."""

    annotators: int
    gamma: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelPair:
    """Two labels for the same borders."""

    labels: tuple[str, str]
    times: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Confused:
    """Something that two annotators see in two ways, and where it was met first."""

    kind: Kind
    surfaces: tuple[str, str | None]
    """The same twice where only the label differs; None where one marked nothing."""
    labels: tuple[str, str | None]
    times: int
    """In how many comparisons of two annotators."""
    documents: int
    document_id: str
    """Of the first place."""
    places: tuple[tuple[int, int], ...]
    """Of both spans, or the one, there."""
    before: str
    text: str
    """From the first character of both to the last."""
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Something that a number does not speak of."""

    document_id: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """How often two annotators differ in one way."""

    kind: Kind
    times: int
    distinct: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Overall:
    """The numbers over everything."""

    exact_f1: Estimate
    overlap_f1: Estimate
    exact_f1_mean_of_pairs: Estimate
    overlap_f1_mean_of_pairs: Estimate
    label_agreement: Estimate
    label_kappa: Estimate
    gamma: Estimate
    token_kappa: Estimate
    token_kappa_marked: Estimate
    """Over the tokens that at least one of the two marked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How far annotators agree, and about what they do not."""

    documents: int
    """Of which there are annotations."""
    documents_compared: int
    """That two have read something of."""
    annotators: int
    pairs_compared: int
    pairs_apart: int
    """Pairs of annotators who have read nothing in common."""
    readings: int
    """Annotations: one annotator's of one document."""
    spans: int
    samples: int
    seed: int
    overall: Overall
    by_label: tuple[Row, ...]
    by_span_length: tuple[Row, ...]
    by_document_length: tuple[Row, ...]
    by_annotator: tuple[Row, ...]
    """Each with all others."""
    by_pair: tuple[PairRow, ...]
    by_document: tuple[DocumentRow, ...]
    label_pairs: tuple[LabelPair, ...]
    """That stand at the same borders, the most frequent first."""
    differences: tuple[Differences, ...]
    confused: tuple[Confused, ...]
    """The most frequent of each kind."""
    gamma_left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    """What was left out of everything."""

    def to_json(self) -> dict[str, Any]:
        """Turn everything into a JSON object; an empty reason becomes null."""
        found = _to_json(self)
        assert isinstance(found, dict)
        return found


def _to_json(value: Any) -> Any:
    if isinstance(value, Estimate):
        return {
            "value": value.value,
            "low": value.low,
            "high": value.high,
            "why": value.why or None,
        }
    if is_dataclass(value):
        return {field.name: _to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    return value
