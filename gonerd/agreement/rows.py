"""Counts into the rows of the report: of labels, lengths, annotators and documents."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from gonerd.agreement import estimates as why
from gonerd.agreement.estimates import Shares
from gonerd.agreement.gamma import Gammas
from gonerd.agreement.resample import Cells, Group, Resamples
from gonerd.agreement.result import DocumentRow, Estimate, Row
from gonerd.agreement.tally import FIVE, SPAN_LENGTHS, Tally

DOCUMENT_LENGTHS = (1_000, 5_000, 20_000, 80_000)
"""Characters of the longest document of each class but the last."""


def rows(cells: Cells, resamples: Resamples, names: Sequence[str]) -> Iterator[Row]:
    """Make a row of each group that has a name, also of those of which nothing was compared."""
    nothing = np.zeros(0, dtype=np.int64), np.zeros((0, 5), dtype=np.int64)
    found = dict(cells.by_group())
    groups = [found.get(group, nothing) for group in range(len(names))]
    for name, group, sums in zip(names, groups, resamples.sums(groups), strict=True):
        shares = Shares.of(group, sums)
        yield Row(
            name=name,
            documents=shares.documents,
            spans=shares.spans,
            **shares.estimates(why.NO_SUCH_SPAN),
        )


def all_of_documents(counted: Tally) -> Group:
    """Add up everything that was counted in each document."""
    lengths = counted.lengths
    cells = Cells.join([replace(lengths, group=np.zeros_like(lengths.group))], width=5)
    return cells.document, cells.counts


def by_span_length(counted: Tally, resamples: Resamples) -> Iterator[Row]:
    """Make a row of each class of length of spans that occurs."""
    found = rows(counted.lengths, resamples, classes(SPAN_LENGTHS))
    return (row for row in found if row.spans)


def by_document_length(
    counted: Tally, resamples: Resamples, texts: Mapping[str, str]
) -> Iterator[Row]:
    """Make a row of each class of length of documents that occurs."""
    documents, counts = all_of_documents(counted)
    known = [texts.get(counted.columns.documents[number]) for number in documents.tolist()]
    unknown = len(DOCUMENT_LENGTHS) + 1
    group = [
        unknown if text is None else bisect_left(DOCUMENT_LENGTHS, len(text)) for text in known
    ]
    cells = Cells(group=np.array(group, dtype=np.int64), document=documents, counts=counts)
    names = [*classes(DOCUMENT_LENGTHS), "text not given"]
    found = rows(Cells.join([cells], width=5), resamples, names)
    return (row for row in found if row.spans)


def by_annotator(counted: Tally, resamples: Resamples) -> Iterator[Row]:
    """Make a row of each annotator against all others."""
    pairs, names = counted.pairs, counted.columns.annotators
    sides = np.divmod(pairs.group, max(len(names), 1))
    parts = [
        Cells(group=side, document=pairs.document, counts=pairs.counts[:, FIVE]) for side in sides
    ]
    yield from rows(Cells.join(parts, width=5), resamples, names)


def by_document(counted: Tally, found: Gammas | None) -> Iterator[DocumentRow]:
    """Make a row of each document in which something was compared."""
    columns = counted.columns
    readers = np.bincount(columns.reading_document, minlength=len(columns.documents))
    documents, counts = all_of_documents(counted)
    of_document = dict(zip(documents.tolist(), counts, strict=True))
    for number in counted.documents.tolist():
        own = of_document.get(number, np.zeros(5, dtype=np.int64))[None]
        row = Shares.of((documents[:1], own), own.T.astype(np.float64))
        yield DocumentRow(
            name=columns.documents[number],
            documents=1,
            annotators=int(readers[number]),
            spans=row.spans,
            gamma=_gamma_of(number, found),
            **row.estimates(why.NOBODY_MARKED),
        )


def _gamma_of(number: int, found: Gammas | None) -> Estimate:
    if found is None:
        return Estimate(value=None, why=why.NOT_ASKED)
    if number in found.values:
        return Estimate(value=found.values[number][0], why=why.ONE_DOCUMENT)
    return Estimate(value=None, why=f"undefined because {found.left_out[number]}")


def classes(limits: Sequence[int]) -> list[str]:
    """Name classes of length by the limits between them.

    >>> classes([5, 10])
    ['up to 5', '6 to 10', 'over 10']
    """
    first, *rest = limits
    between = [f"{low + 1:,} to {high:,}" for low, high in pairwise(limits)]
    return [f"up to {first:,}", *between, f"over {rest[-1] if rest else first:,}"]
