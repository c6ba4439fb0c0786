"""Annotations into columns of numbers: a row for each reading of a document, and for each span.

Rows are in an order of their own (document, then place, then annotator), so that nothing that is
computed from them can depend on the order in which somebody stored them.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gonerd.errors import RecordError, TextMismatch
from gonerd.records import Annotation, Range, Span
from gonerd.spans import merge_ranges, within

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_FARTHEST = 2**31 - 1
"""What a column of 32 bits can hold, as elsewhere; no text is longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """All that is compared."""

    documents: tuple[str, ...]
    """By id."""
    annotators: tuple[str, ...]
    """By name."""
    labels: tuple[str, ...]
    """In alphabetical order."""
    fragments: tuple[tuple[Range, ...], ...]
    """The parts of discontinuous mentions; the first entry, empty, stands for one piece."""
    reading_document: Ints
    """Of each reading, the document; readings are sorted by document and annotator."""
    reading_annotator: Ints
    coverage: tuple[tuple[Range, ...], ...]
    """Of each reading, what was read: ranges in order and apart."""
    span_reading: Ints
    """Of each span, its reading; spans are sorted by document, start, end, label, fragments."""
    start: Ints
    end: Ints
    label: Ints
    fragment: Ints
    marked_only: int
    """Readings that cover nothing but the spans they hold, so that what they lack is unknown."""
    unread: int
    """Spans left out because they do not lie whole in what their own annotator has read."""
    repeated: int
    """Spans left out because their annotator says the same twice."""

    @property
    def span_document(self) -> Ints:
        """Name the document of each span."""
        return self.reading_document[self.span_reading]


def to_columns(annotations: Iterable[Annotation]) -> Columns:
    """Put annotations into columns; they are looked at one by one and not kept.

    Two annotations of a document by one annotator are a RecordError, of two texts a TextMismatch.
    """
    readings: dict[tuple[str, str], tuple[Range, ...]] = {}
    texts: dict[str, tuple[str, str]] = {}
    labels: dict[str, int] = {}
    fragments: dict[tuple[Range, ...], int] = {(): 0}
    rows = array("q")
    marked_only = unread = 0
    for annotation in annotations:
        _check(annotation, readings, texts)
        coverage = merge_ranges(annotation.coverage)
        number = len(readings)
        readings[annotation.document_id, annotation.annotator] = coverage
        kept = within(annotation.spans, coverage)
        unread += len(annotation.spans) - len(kept)
        marked_only += _covers_no_more(coverage, kept)
        for span in kept:
            label = labels.setdefault(span.label, len(labels))
            parts = fragments.setdefault(_pieces(span), len(fragments))
            rows.extend((number, span.start, span.end, label, parts))
    columns = _in_order(readings, labels, fragments, rows)
    return replace(columns, marked_only=marked_only, unread=unread)


def _check(
    annotation: Annotation,
    readings: dict[tuple[str, str], tuple[Range, ...]],
    texts: dict[str, tuple[str, str]],
) -> None:
    name, annotator = annotation.document_id, annotation.annotator
    if (name, annotator) in readings:
        raise RecordError(
            f"{name}: two annotations by {annotator!r}; expected one, with all its coverage."
        )
    sha256, first = texts.setdefault(name, (annotation.text_sha256, annotator))
    if sha256 != annotation.text_sha256:
        one, other = sorted((first, annotator))
        raise TextMismatch(
            f"{name}: {one!r} and {other!r} annotated different texts (sha256); "
            "expected the same text."
        )
    farthest = max([end for _, end in annotation.coverage], default=0)
    if farthest > _FARTHEST:
        raise RecordError(
            f"{name}: coverage of {annotator!r} ends at {farthest}; expected at most {_FARTHEST}."
        )


def _covers_no_more(coverage: tuple[Range, ...], spans: Sequence[Span]) -> bool:
    if not spans or coverage[0][0] != spans[0].start:  # they are sorted; most end here
        return False
    return coverage == merge_ranges((span.start, span.end) for span in spans)


def _pieces(span: Span) -> tuple[Range, ...]:
    return span.fragments if len(span.fragments) > 1 else ()


def _in_order(
    readings: dict[tuple[str, str], tuple[Range, ...]],
    labels: dict[str, int],
    fragments: dict[tuple[Range, ...], int],
    rows: "array[int]",
) -> Columns:
    names = list(readings)
    order = sorted(range(len(names)), key=lambda number: names[number])
    documents = sorted({document for document, _ in names})
    annotators = sorted({annotator for _, annotator in names})
    document_of = {name: index for index, name in enumerate(documents)}
    annotator_of = {name: index for index, name in enumerate(annotators)}
    reading_document = np.array([document_of[names[n][0]] for n in order], dtype=np.int64)
    table = np.frombuffer(rows, dtype=np.int64).reshape(-1, 5)
    reading = _ranks(order)[table[:, 0]]
    label = _ranks(sorted(labels.values(), key=list(labels).__getitem__))[table[:, 3]]
    fragment = _ranks(sorted(fragments.values(), key=list(fragments).__getitem__))[table[:, 4]]
    start, end = table[:, 1], table[:, 2]
    by_place = np.lexsort((reading, fragment, label, end, start, reading_document[reading]))
    sorted_rows = np.stack([reading, start, end, label, fragment])[:, by_place]
    distinct = np.ones(len(table), dtype=np.bool_)
    distinct[1:] = (np.diff(sorted_rows, axis=1) != 0).any(axis=0)
    reading, start, end, label, fragment = sorted_rows[:, distinct]
    return Columns(
        documents=tuple(documents),
        annotators=tuple(annotators),
        labels=tuple(sorted(labels)),
        fragments=tuple(sorted(fragments)),
        reading_document=reading_document,
        reading_annotator=np.array([annotator_of[names[n][1]] for n in order], dtype=np.int64),
        coverage=tuple(readings[names[n]] for n in order),
        span_reading=reading,
        start=start,
        end=end,
        label=label,
        fragment=fragment,
        marked_only=0,
        unread=0,
        repeated=int((~distinct).sum()),
    )


def _ranks(order: list[int]) -> Ints:
    """Say at which place of an order each number stands."""
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[np.array(order, dtype=np.int64)] = np.arange(len(order))
    return ranks
