"""What two readings differ in into the spans that are confused most.

Three kinds: the same borders under another label; borders that overlap and differ; marked by one
where the other marked nothing. A span that the other marked just so is in none, and one of an
earlier kind in no later.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from gonerd.agreement.columns import Bools, Columns, Ints
from gonerd.agreement.compare import Block, Edges
from gonerd.agreement.result import BORDERS, KINDS, LABEL, MISSED, Confused, Differences, Kind

MOST = 1000
"""Of each kind that are named; the others are counted."""
_LONGEST = 120
"""Characters by which surfaces are told apart; the rest of a longer one is left out."""
_CONTEXT = 40
"""Characters shown on either side."""
_NONE = -1


@dataclass(kw_only=True, slots=True)
class _Met:
    """How often something was met, and where first: (document, span, other span)."""

    first: tuple[int, int, int]
    last_document: int
    times: int = 0
    documents: int = 1


@dataclass(kw_only=True, slots=True)
class Confusions:
    """What was met so far, by kind and by the surfaces and labels of both sides."""

    columns: Columns
    texts: Mapping[str, str]
    met: dict[tuple[Kind, str, str, str, str], _Met] = field(default_factory=dict)

    def add(self, block: Block, edges: Edges) -> None:
        """Count the differences in a block; blocks come in the order of documents."""
        document = self.columns.span_document
        for kind, one, other, times in _differences(block, edges):
            of = document[one].tolist()
            rows = zip(of, one.tolist(), other.tolist(), times.tolist(), strict=True)
            for number, a, b, count in rows:
                said, label = self._said(a)
                other_said, other_label = self._said(b, beside=kind == BORDERS)
                met = self.met.setdefault(
                    (kind, said, label, other_said, other_label),
                    _Met(first=(number, a, b), last_document=number),
                )
                met.times += count
                if met.last_document != number:
                    met.documents += 1
                    met.last_document = number

    def most(self) -> tuple[Confused, ...]:
        """Name the most frequent of each kind."""
        by_kind: dict[Kind, list[tuple[tuple[Kind, str, str, str, str], _Met]]]
        by_kind = {kind: [] for kind in KINDS}
        for item in self.met.items():
            by_kind[item[0][0]].append(item)
        return tuple(
            self._named(key, met)
            for items in by_kind.values()
            for key, met in sorted(
                items, key=lambda item: (-item[1].times, -item[1].documents, item[0])
            )[:MOST]
        )

    def totals(self) -> tuple[Differences, ...]:
        """Count the differences of each kind."""
        times: Counter[Kind] = Counter()
        distinct: Counter[Kind] = Counter()
        for (kind, *_), met in self.met.items():
            times[kind] += met.times
            distinct[kind] += 1
        return tuple(
            Differences(kind=kind, times=times[kind], distinct=distinct[kind]) for kind in KINDS
        )

    def _said(self, span: int, *, beside: bool = False) -> tuple[str, str]:
        """Say what stands at a span, and its label; without a text its place stands in, beside
        another without the document."""
        if span == _NONE:
            return "", ""
        columns = self.columns
        document = columns.documents[columns.reading_document[columns.span_reading[span]]]
        start, end = int(columns.start[span]), int(columns.end[span])
        label = columns.labels[columns.label[span]]
        text = self.texts.get(document)
        if text is None:
            return f"{'' if beside else document}[{start}:{end}]", label
        pieces = columns.fragments[columns.fragment[span]] or ((start, end),)
        said = [text[first : min(last, first + _LONGEST)] for first, last in pieces]
        return " ... ".join(" ".join(piece.split()) for piece in said)[:_LONGEST], label

    def _named(self, key: tuple[Kind, str, str, str, str], met: _Met) -> Confused:
        kind, surface, label, other_surface, other_label = key
        number, *spans = met.first
        document = self.columns.documents[number]
        text = self.texts.get(document, "")
        places = [
            (int(self.columns.start[span]), int(self.columns.end[span]))
            for span in spans
            if span != _NONE
        ]
        start, end = min(place[0] for place in places), max(place[1] for place in places)
        return Confused(
            kind=kind,
            surfaces=(surface, None if kind == MISSED else other_surface),
            labels=(label, None if kind == MISSED else other_label),
            times=met.times,
            documents=met.documents,
            document_id=document,
            places=tuple(places),
            before=text[max(start - _CONTEXT, 0) : start],
            text=text[start : min(end, start + 2 * _LONGEST)],
            after=text[end : end + _CONTEXT],
        )


def _differences(block: Block, edges: Edges) -> Iterator[tuple[Kind, Ints, Ints, Ints]]:
    """Find differences: (kind, span, other span or none, times); equal spans stand for each other.

    Spans are numbered over the whole corpus.
    """
    columns = block.columns
    keys = np.stack(
        [
            block.of_spans(column)
            for column in (
                columns.span_document,
                columns.start,
                columns.end,
                columns.label,
                columns.fragment,
            )
        ]
    )
    new = np.ones(block.num_spans, dtype=np.bool_)
    new[1:] = (np.diff(keys, axis=1) != 0).any(axis=0)
    same = np.cumsum(new) - 1
    stands_for = np.flatnonzero(new) + block.first_span
    at_left = block.place[block.reading[edges.left]]
    at_right = block.place[block.reading[edges.right]]
    settled = np.zeros(block.readable.shape, dtype=np.bool_)

    def settle(chosen: Bools) -> None:
        settled[edges.left[chosen], at_right[chosen]] = True
        settled[edges.right[chosen], at_left[chosen]] = True

    settle(edges.borders & edges.label)
    kinds: tuple[tuple[Kind, Bools], ...] = ((LABEL, edges.borders), (BORDERS, ~edges.borders))
    for kind, chosen in kinds:
        open_ = ~settled[edges.left, at_right] & ~settled[edges.right, at_left]
        chosen = chosen & open_
        settle(chosen)
        sides = np.sort(np.stack([same[edges.left[chosen]], same[edges.right[chosen]]]), axis=0)
        codes, times = np.unique(sides[0] * len(stands_for) + sides[1], return_counts=True)
        one, other = np.divmod(codes, max(len(stands_for), 1))
        yield kind, stands_for[one], stands_for[other], times
    alone = (block.readable & ~settled).sum(axis=1) - 1  # its own reading is one of them
    times = np.bincount(same, weights=alone, minlength=len(stands_for)).astype(np.int64)
    missed = np.flatnonzero(times)
    yield MISSED, stands_for[missed], np.full(len(missed), _NONE), times[missed]
