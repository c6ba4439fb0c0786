"""Columns into everything that is counted, a row for each document in each group.

Every number of the report is a ratio of sums of these over documents; so a resample of documents is
a weighted sum of them, and no span is looked at twice.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gonerd.agreement.columns import Columns, Ints
from gonerd.agreement.compare import Block, Counts, blocks, count, edges_of
from gonerd.agreement.confused import Confusions
from gonerd.agreement.resample import Cells
from gonerd.agreement.tables import Table, place_table, token_table

SPANS, EQUAL, MATCHED, PLACES, AGREEING = range(5)
"""Columns of counts, each over both sides: spans compared, those of them that the other marked just
so, those matched by overlap, those at borders that both marked, and those with one label there."""

FIVE = slice(3, 8)
"""Where the counts of a pair hold these."""

SPAN_LENGTHS = (5, 10, 20, 40)
"""Characters of the longest span of each class but the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What was counted, in documents in which two have read something."""

    columns: Columns
    pairs: Cells
    """By pair (left annotator times the number of annotators, plus right): characters that both
    have read, left spans, right spans, and the five columns above."""
    labels: Cells
    """By label, the five columns."""
    lengths: Cells
    """By class of length in characters, the five columns."""
    places: Table
    tokens: Table
    label_pairs: Counter[tuple[int, int]]
    """How often two labels stand at the same borders."""
    confusions: Confusions

    @property
    def documents(self) -> Ints:
        """List the documents in which something was compared, in order."""
        return np.unique(self.pairs.document)


def tally(columns: Columns, texts: Mapping[str, str]) -> Tally:
    """Count everything, some documents at a time."""
    pairs: list[Cells] = []
    labels: list[Cells] = []
    lengths: list[Cells] = []
    places: list[Table] = []
    tokens: list[Table] = []
    label_pairs: Counter[tuple[int, int]] = Counter()
    confusions = Confusions(columns=columns, texts=texts)
    for block in blocks(columns):
        edges = edges_of(block)
        counts = count(block, edges)
        pairs.append(_by_pair(columns, counts))
        labels.append(_by_span(block, counts, block.of_spans(columns.label)))
        lengths.append(_by_span(block, counts, _classes(block)))
        places.append(place_table(columns, counts))
        tokens.append(token_table(block, texts))
        label_pairs.update(_label_pairs(counts))
        confusions.add(block, edges)
    all_tokens = Table.join(tokens)
    tokens.clear()  # the parts are as large as what comes of them; one kind at a time is enough
    all_places = Table.join(places)
    places.clear()
    return Tally(
        columns=columns,
        pairs=Cells.join(pairs, width=8),
        labels=Cells.join(labels, width=5),
        lengths=Cells.join(lengths, width=5),
        places=all_places,
        tokens=all_tokens,
        label_pairs=label_pairs,
        confusions=confusions,
    )


def _by_pair(columns: Columns, counts: Counts) -> Cells:
    annotator = columns.reading_annotator
    left, right = annotator[counts.left_reading], annotator[counts.right_reading]
    of_each = counts.pairs[:, :2]
    both_sides = np.concatenate(
        [of_each.sum(axis=1, keepdims=True), 2 * counts.pairs[:, 2:]], axis=1
    )
    return Cells(
        group=left * len(columns.annotators) + right,
        document=columns.reading_document[counts.left_reading],
        counts=np.concatenate(
            [counts.characters[:, None], of_each, both_sides], axis=1, dtype=np.int32
        ),
    )


def _by_span(block: Block, counts: Counts, group: Ints) -> Cells:
    """Add up the counts of spans of one group in one document."""
    document = block.of_spans(block.columns.span_document)
    compared = counts.spans[:, SPANS] > 0
    cells = Cells(group=group[compared], document=document[compared], counts=counts.spans[compared])
    return Cells.join([cells], width=5)


def _classes(block: Block) -> Ints:
    columns = block.columns
    length = block.of_spans(columns.end) - block.of_spans(columns.start)
    return np.searchsorted(SPAN_LENGTHS, length)


def _label_pairs(counts: Counts) -> Counter[tuple[int, int]]:
    _, left, right = counts.places
    sides = np.sort(np.stack([left, right], axis=1), axis=1)
    found, times = np.unique(sides, axis=0, return_counts=True)
    return Counter(
        {
            (one, other): number
            for (one, other), number in zip(found.tolist(), times.tolist(), strict=True)
        }
    )
