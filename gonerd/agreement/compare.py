"""Columns of spans into counts: how often each two readings of a document say the same.

Two readings are compared where both have read: a span counts only if it lies whole within what each
of the two has read. Counting goes over some documents at a time, so that memory depends on their
number of overlaps and not on the corpus.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gonerd.agreement.columns import Bools, Columns, Ints
from gonerd.agreement.overlap import match
from gonerd.records import Range
from gonerd.spans import covers, intersect_ranges

_MOST_EDGES = 1_000_000
"""Overlaps of two spans that are looked at together, where documents allow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Some documents, all their readings and spans, and who has read what."""

    columns: Columns
    first_span: int
    first_reading: int
    reading: Ints
    """Of each span, its reading, counted from `first_reading`."""
    place: Ints
    """Of each reading, its place among those of its document, which are in order of name."""
    size: Ints
    """Of each reading, how many readings its document has."""
    first_cell: Ints
    """Of each reading's document, where its cells begin: size * size of them, by both places."""
    num_cells: int
    readable: Bools
    """Spans x places: whether the reading at that place has read all of the span."""

    @property
    def num_spans(self) -> int:
        """Count the spans."""
        return len(self.reading)

    def of_spans(self, column: Ints) -> Ints:
        """Cut the block's part out of a column of spans."""
        return column[self.first_span : self.first_span + self.num_spans]

    def of_readings(self, column: Ints) -> Ints:
        """Cut the block's part out of a column of readings."""
        return column[self.first_reading : self.first_reading + len(self.place)]

    def of_coverage(self) -> tuple[tuple[Range, ...], ...]:
        """Cut out what each reading of the block covers."""
        return self.columns.coverage[self.first_reading : self.first_reading + len(self.place)]

    def cells(self, left: Ints, right: Ints) -> Ints:
        """Number the cells of pairs of readings of one document."""
        return self.first_cell[left] + self.place[left] * self.size[left] + self.place[right]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edges:
    """Overlapping spans of two readings, each of which has read the other's span."""

    left: Ints
    """Of the reading whose annotator comes first by name."""
    right: Ints
    cell: Ints
    borders: Bools
    """Whether start, end and fragments are equal."""
    label: Bools
    """Whether the labels are equal."""

    def where(self, chosen: Bools) -> tuple[Ints, Ints, Ints]:
        """Choose edges: (left, right, cell)."""
        return self.left[chosen], self.right[chosen], self.cell[chosen]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What was counted in a block: by pair of readings, and by span."""

    left_reading: Ints
    """Of each pair of readings that have read something in common; of the whole corpus."""
    right_reading: Ints
    characters: Ints
    """That both have read."""
    pairs: Ints
    """Pairs x (left spans, right spans, equal, matched, places, agreeing places)."""
    spans: Ints
    """Spans x (readings compared with, equal there, matched there, places, agreeing places)."""
    places: tuple[Ints, Ints, Ints]
    """Where both marked the same borders: position of the pair, left label, right label."""


def blocks(columns: Columns) -> Iterator[Block]:
    """Cut the columns into runs of documents that can be looked at together."""
    num_documents = len(columns.documents)
    spans_until = np.searchsorted(columns.span_document, np.arange(num_documents + 1))
    readings_until = np.searchsorted(columns.reading_document, np.arange(num_documents + 1))
    reach = _reach(columns)
    load = np.concatenate([[0], np.cumsum(reach - np.arange(len(reach)))])[spans_until]
    load = load + spans_until * max(np.diff(readings_until), default=0) // 8
    first = 0
    while first < num_documents:
        last = int(np.searchsorted(load, load[first] + _MOST_EDGES, side="right")) - 1
        last = min(max(last, first + 1), num_documents)
        yield _block(
            columns,
            slice(int(spans_until[first]), int(spans_until[last])),
            slice(int(readings_until[first]), int(readings_until[last])),
        )
        first = last


def _reach(columns: Columns) -> Ints:
    """Find, for each span, the first after it that begins behind it or in another document."""
    width = int(columns.end.max(initial=0)) + 1
    document = columns.span_document
    return np.searchsorted(document * width + columns.start, document * width + columns.end)


def _block(columns: Columns, spans: slice, readings: slice) -> Block:
    document = columns.reading_document[readings]
    _, first_of_document, of_document, sizes = np.unique(
        document, return_index=True, return_inverse=True, return_counts=True
    )
    ends = np.cumsum(sizes * sizes)
    reading = columns.span_reading[spans] - readings.start
    place = np.arange(len(document)) - first_of_document[of_document]
    size = sizes[of_document]
    readable = np.arange(int(sizes.max(initial=0))) < size[reading][:, None]
    start, end = columns.start[spans], columns.end[spans]
    of_span = of_document[reading]
    until = np.searchsorted(of_span, np.arange(len(sizes) + 1))
    for index, coverage in enumerate(columns.coverage[readings]):
        here = slice(*until[of_document[index] :][:2].tolist())
        if here.start < here.stop and not _is_whole(coverage, start[here], end[here]):
            readable[here, place[index]] = _covered(coverage, start[here], end[here])
    return Block(
        columns=columns,
        first_span=spans.start,
        first_reading=readings.start,
        reading=reading,
        place=place,
        size=size,
        first_cell=(ends - sizes * sizes)[of_document],
        num_cells=int(ends[-1]) if len(ends) else 0,
        readable=readable,
    )


def _is_whole(coverage: tuple[Range, ...], start: Ints, end: Ints) -> bool:
    """Say whether one range holds all of a document's spans, which are sorted by start."""
    return covers(coverage, int(start[0]), int(end.max()))


def _covered(coverage: tuple[Range, ...], start: Ints, end: Ints) -> Bools:
    """Say which places lie whole in one range of a merged coverage."""
    if not coverage:
        return np.zeros(len(start), dtype=np.bool_)
    ranges = np.array(coverage, dtype=np.int64)
    index = np.searchsorted(ranges[:, 0], start, side="right") - 1
    inside: Bools = (index >= 0) & (end <= ranges[index, 1])
    return inside


def edges_of(block: Block) -> Edges:
    """Find every two overlapping spans of two readings of a document that have read both."""
    columns = block.columns
    start, end = block.of_spans(columns.start), block.of_spans(columns.end)
    width = int(end.max(initial=0)) + 1
    document = block.of_spans(columns.span_document)
    reach = np.searchsorted(document * width + start, document * width + end)
    # Spans are sorted by start: what begins before a span ends, and after it in order, overlaps it.
    degree = reach - np.arange(block.num_spans) - 1
    one = np.repeat(np.arange(block.num_spans), degree)
    other = np.arange(len(one)) - np.repeat(np.cumsum(degree) - degree, degree) + one + 1
    at_one, at_other = block.place[block.reading[one]], block.place[block.reading[other]]
    both = (at_one != at_other) & block.readable[one, at_other] & block.readable[other, at_one]
    one, other, turned = one[both], other[both], (at_one > at_other)[both]
    left, right = np.where(turned, other, one), np.where(turned, one, other)
    fragment, label = block.of_spans(columns.fragment), block.of_spans(columns.label)
    return Edges(
        left=left,
        right=right,
        cell=block.cells(block.reading[left], block.reading[right]),
        borders=(start[left] == start[right])
        & (end[left] == end[right])
        & (fragment[left] == fragment[right]),
        label=label[left] == label[right],
    )


def count(block: Block, edges: Edges) -> Counts:
    """Count what each two readings have in common."""
    columns = block.columns
    label = block.of_spans(columns.label)
    single = ~_has_twin(block)
    equal = edges.where(edges.borders & edges.label)
    places = edges.where(edges.borders & single[edges.left] & single[edges.right])
    same = edges.where(edges.borders & edges.label & single[edges.left] & single[edges.right])
    found = (equal, _matched(block, edges), places, same)
    spans = np.stack(
        [
            block.readable.sum(axis=1) - 1,
            *(np.bincount(np.concatenate(of[:2]), minlength=block.num_spans) for of in found),
        ],
        axis=1,
    )
    left, right, characters = _pairs(block)
    cell = block.cells(left, right)
    position = np.full(block.num_cells, -1, dtype=np.int64)
    position[cell] = np.arange(len(cell))
    marked = _marked(block)
    pairs = np.stack(
        [
            marked[left, block.place[right]],
            marked[right, block.place[left]],
            *(np.bincount(of[2], minlength=block.num_cells)[cell] for of in found),
        ],
        axis=1,
    )
    return Counts(
        left_reading=left + block.first_reading,
        right_reading=right + block.first_reading,
        characters=characters,
        pairs=pairs,
        spans=spans,
        places=(position[places[2]], label[places[0]], label[places[1]]),
    )


def _matched(block: Block, edges: Edges) -> tuple[Ints, Ints, Ints]:
    """Match overlapping spans of one label one-to-one."""
    columns = block.columns
    left, right, cell = edges.where(edges.label)
    label = block.of_spans(columns.label)[left]
    num_labels = len(columns.labels)
    start, end = block.of_spans(columns.start), block.of_spans(columns.end)
    left, right, group = match(left, right, cell * num_labels + label, start, end)
    return left, right, group // max(num_labels, 1)


def _has_twin(block: Block) -> Bools:
    """Say which spans have another of their own annotator at the same borders."""
    columns = block.columns
    keys = np.stack(
        [
            block.reading,
            *(block.of_spans(column) for column in (columns.start, columns.end, columns.fragment)),
        ]
    )
    order = np.lexsort(keys)
    same = ~(np.diff(keys[:, order], axis=1) != 0).any(axis=0)
    twin = np.zeros(block.num_spans, dtype=np.bool_)
    twin[order[1:][same]] = True
    twin[order[:-1][same]] = True
    return twin


def _marked(block: Block) -> Ints:
    """Count, for each reading, its spans that the reading at each place has read."""
    return (
        np.stack(
            [
                np.bincount(block.reading[read], minlength=len(block.place))
                for read in block.readable.T
            ],
            axis=1,
        )
        if block.readable.shape[1]
        else np.zeros((len(block.place), 0), dtype=np.int64)
    )


def _pairs(block: Block) -> tuple[Ints, Ints, Ints]:
    """List the pairs of readings with something read in common: (left, right, characters)."""
    later = block.size - block.place - 1
    left = np.repeat(np.arange(len(block.place)), later)
    right = np.arange(len(left)) - np.repeat(np.cumsum(later) - later, later) + left + 1
    coverage = block.of_coverage()
    edges = np.array([(c[0][0], c[-1][1]) if c else (0, 0) for c in coverage], dtype=np.int64)
    edges = edges.reshape(-1, 2)
    characters = np.minimum(edges[left, 1], edges[right, 1])
    characters = np.maximum(characters - np.maximum(edges[left, 0], edges[right, 0]), 0)
    in_pieces = np.array([len(ranges) > 1 for ranges in coverage], dtype=np.bool_)
    for index in np.flatnonzero(in_pieces[left] | in_pieces[right]):
        both = intersect_ranges(coverage[left[index]], coverage[right[index]])
        characters[index] = sum(end - start for start, end in both)
    common = characters > 0
    return left[common], right[common], characters[common]
