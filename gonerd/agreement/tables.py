"""The labels that two readings give to the same things into tables, and tables into Cohen's kappa.

The things are places (equal borders marked by both) or tokens. A table is kept as what kappa needs
of it: how often each of the two gives a label, and how often both give it to the same thing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonerd.agreement.columns import Columns, Floats, Ints, Small
from gonerd.agreement.compare import Block, Counts
from gonerd.records import Range

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Label counts of pairs of annotators in documents, sorted by pair, document and label."""

    pair: Small
    """Number of the left annotator times the number of annotators, plus the right one's."""
    document: Small
    label: Small
    """The number of labels itself stands for none, of a token."""
    left: Small
    right: Small
    both: Small

    @staticmethod
    def join(parts: Sequence["Table"]) -> "Table":
        """Unite tables that are in the order of their documents."""
        empty = np.zeros(0, dtype=np.int32)
        pair = np.concatenate([empty, *(part.pair for part in parts)])
        order = np.argsort(pair, kind="stable")
        return Table(
            pair=pair[order],
            **{
                name: np.concatenate([empty, *(getattr(part, name) for part in parts)])[order]
                for name in ("document", "label", "left", "right", "both")
            },
        )

    def of_pair(self, pair: int) -> "Table":
        """Cut out the rows of one pair."""
        first, last = np.searchsorted(self.pair, np.array([pair, pair + 1], dtype=np.int32))
        rows = slice(int(first), int(last))
        return Table(
            pair=self.pair[rows],
            document=self.document[rows],
            label=self.label[rows],
            left=self.left[rows],
            right=self.right[rows],
            both=self.both[rows],
        )

    def num_labels(self) -> int:
        """Count the labels that either side gives."""
        return len(np.unique(self.label))

    def columns(self, documents: Ints) -> Ints:
        """Lay out one pair's table: a row for each document, the left labels, the right, both."""
        row = np.searchsorted(documents, self.document)
        labels, label = np.unique(self.label, return_inverse=True)
        wide = np.zeros((len(documents), 2 * len(labels) + 1), dtype=np.int64)
        wide[row, label] = self.left
        wide[row, label + len(labels)] = self.right
        np.add.at(wide[:, -1], row, self.both)
        return wide


def excess(sums: Floats) -> tuple[Floats, Floats]:
    """Work out how much two agree beyond chance, and how much they could: their ratio is kappa.

    Given are sums of the columns of a table. The second is 0 where nothing was labelled, and where
    both used one label alone, so that chance leaves no room (Cohen 1960). Sums of both over several
    pairs give their kappa with each pair as a stratum (Barlow, Lai and Azen 1991).
    """
    left, right = np.split(sums[:-1], 2)
    number = left.sum(axis=0)
    by_chance = (left * right).sum(axis=0) / np.maximum(number, 1)
    return sums[-1] - by_chance, number - by_chance


def place_table(columns: Columns, counts: Counts) -> Table:
    """Count the labels that two readings give to the borders they share."""
    position, left, right = counts.places
    num_labels = max(len(columns.labels), 1)
    sides = position * num_labels + left, position * num_labels + right
    space = len(counts.pairs) * num_labels
    if space <= 10 * len(position) + 1000:  # counting is faster than sorting
        codes = np.flatnonzero(sum(np.bincount(side, minlength=space) for side in sides))
    else:
        codes = np.unique(np.concatenate(sides))

    def times(code: Ints) -> Ints:
        return np.bincount(np.searchsorted(codes, code), minlength=len(codes))

    where, label = np.divmod(codes, num_labels)
    left_reading = counts.left_reading[where]
    right_reading = counts.right_reading[where]
    annotator = columns.reading_annotator
    return _table(
        annotator[left_reading] * len(columns.annotators) + annotator[right_reading],
        columns.reading_document[left_reading],
        label,
        times(sides[0]),
        times(sides[1]),
        times(sides[0][left == right]),
    )


def _table(*columns: Ints) -> Table:
    pair, document, label, left, right, both = (column.astype(np.int32) for column in columns)
    return Table(pair=pair, document=document, label=label, left=left, right=right, both=both)


def token_table(block: Block, texts: Mapping[str, str]) -> Table:
    """Count the labels that two readings give to the tokens that both have read.

    A token is a run of letters and digits, or another visible character; it has the label of the
    widest span that touches it. Documents without a text are left out.
    """
    columns = block.columns
    documents = block.of_readings(columns.reading_document)
    span_documents = block.of_spans(columns.span_document)
    tables = []
    for document in np.unique(documents):
        text = texts.get(columns.documents[document])
        readings = slice(*np.searchsorted(documents, (document, document + 1)).tolist())
        spans = slice(*np.searchsorted(span_documents, (document, document + 1)).tolist())
        if text is not None and readings.stop - readings.start > 1:
            tables.append(_of_document(block, text, readings, spans))
    return Table.join(tables)


def _of_document(block: Block, text: str, readings: slice, spans: slice) -> Table:
    columns = block.columns
    found = [match.span() for match in _TOKEN.finditer(text)]
    tokens = np.array(found, dtype=np.int64).reshape(-1, 2)
    read = _read_tokens(block.of_coverage()[readings], tokens)
    labels = _token_labels(block, tokens, readings, spans)
    num = len(read)
    left, right = np.triu_indices(num, k=1)
    annotator = block.of_readings(columns.reading_annotator)[readings]
    found_labels = np.unique(labels)
    counts = np.zeros((len(found_labels), 3, len(left)), dtype=np.int64)
    for row, label in enumerate(found_labels):
        given = (labels == label) * read
        times = given @ read.T
        counts[row] = times[left, right], times[right, left], (given @ given.T)[left, right]
    which, pair = np.nonzero(counts[:, :2].any(axis=1))
    document = block.of_readings(columns.reading_document)[readings.start]
    return _table(
        annotator[left[pair]] * len(columns.annotators) + annotator[right[pair]],
        np.full(len(pair), document),
        found_labels[which],
        *(counts[which, kind, pair] for kind in range(3)),
    )


def _read_tokens(coverage: tuple[tuple[Range, ...], ...], tokens: Ints) -> NDArray[np.float32]:
    """Say which tokens each reading has read whole, as ones and noughts."""
    read = np.zeros((len(coverage), len(tokens)), dtype=np.float32)
    for row, ranges in enumerate(coverage):
        for start, end in ranges:
            first = np.searchsorted(tokens[:, 0], start)
            last = np.searchsorted(tokens[:, 1], end, side="right")
            read[row, first:last] = 1
    return read


def _token_labels(block: Block, tokens: Ints, readings: slice, spans: slice) -> Ints:
    """Find the label of each token in each reading."""
    columns = block.columns
    start, end = block.of_spans(columns.start)[spans], block.of_spans(columns.end)[spans]
    label = block.of_spans(columns.label)[spans]
    order = np.lexsort((-label, end - start))  # the widest last, and so to stay
    first = np.searchsorted(tokens[:, 1], start[order], side="right")
    length = np.searchsorted(tokens[:, 0], end[order]) - first
    token = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length - first, length)
    labels = np.full((readings.stop - readings.start, len(tokens)), len(columns.labels))
    row = block.place[block.reading[spans][order]]
    labels[np.repeat(row, length), token] = np.repeat(label[order], length)
    return labels
