"""Documents into resamples of them, and what these say about how sure a number is.

The bootstrap of Efron (1979), by percentiles: as many documents as there are, drawn from them with
replacement, again and again. Documents are drawn and not spans, since the spans of one document go
together. Every number is looked at in the same resamples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gonerd.agreement.columns import Floats, Ints, Small

LEVEL = 0.95
"""Share of the resamples that an interval holds."""
_ROWS = 4096
"""Documents whose weights are turned into floats at once."""

Group = tuple[Ints, Ints | Small]
"""Documents, each once, and their counts: documents x kinds of count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resamples:
    """How often each document was drawn into each resample."""

    documents: Ints
    """In order."""
    times: NDArray[np.uint8]
    """Documents x resamples. That one of n documents is drawn 256 times from n draws has a chance
    of less than one in 256!."""

    @staticmethod
    def draw(documents: Ints, samples: int, seed: int) -> "Resamples":
        """Draw resamples of some documents, given in order; the same seed draws the same."""
        generator = np.random.default_rng(seed)
        number = len(documents)
        times = np.zeros((number, samples), dtype=np.uint8)
        for sample in range(samples if number else 0):
            drawn = generator.integers(0, number, size=number)
            times[:, sample] = np.bincount(drawn, minlength=number)
        return Resamples(documents=documents, times=times)

    def of(self, documents: Ints) -> NDArray[np.uint8]:
        """Say how often some of the documents were drawn."""
        times: NDArray[np.uint8] = self.times[np.searchsorted(self.documents, documents)]
        return times

    def sums(self, groups: Sequence[Group]) -> list[Floats]:
        """Sum each group's counts: kinds of count x (1 + resamples), over all documents first.

        Groups that have a good part of the documents are multiplied together, which is many times
        faster than one by one; of others only the documents they have are looked at.
        """
        found: list[Floats] = [np.zeros((0, 0))] * len(groups)
        wide = [i for i, (of, _) in enumerate(groups) if len(of) * 4 >= len(self.documents)]
        for index in set(range(len(groups))) - set(wide):
            documents, counts = groups[index]
            found[index] = self._with_whole(counts, self._multiply(self.of(documents), counts))
        if wide:
            widths = [groups[index][1].shape[1] for index in wide]
            together = np.zeros((len(self.documents), sum(widths)), dtype=np.int64)
            ends = np.cumsum(widths)
            for index, end, width in zip(wide, ends, widths, strict=True):
                documents, counts = groups[index]
                rows = np.searchsorted(self.documents, documents)
                together[rows, end - width : end] = counts
            sums = self._with_whole(together, self._multiply(self.times, together))
            for index, end, width in zip(wide, ends, widths, strict=True):
                found[index] = sums[end - width : end]
        return found

    def _multiply(self, times: NDArray[np.uint8], counts: Ints | Small) -> Floats:
        # Whole numbers that a float32 can hold are summed exactly in any order, so there too, and
        # in half the time; a resample draws as many documents as there are.
        exact = len(self.documents) * int(counts.max(initial=0)) < 2**24
        kind = np.float32 if exact else np.float64
        total = np.zeros((times.shape[1], counts.shape[1]))
        for first in range(0, len(times), _ROWS):
            rows = slice(first, first + _ROWS)
            total += times[rows].astype(kind).T @ counts[rows].astype(kind)
        return total.T

    @staticmethod
    def _with_whole(counts: Ints | Small, sums: Floats) -> Floats:
        whole = counts.sum(axis=0, dtype=np.float64)[:, None]
        return np.concatenate([whole, sums], axis=1)


def interval(values: Floats) -> tuple[float, float] | None:
    """Find between what most resamples lie, those in which there is no value (nan) left out."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def ratio(above: Floats, below: Floats) -> Floats:
    """Divide; by 0 it is undefined, nan."""
    divided: Floats = np.divide(
        above, below, out=np.full(np.shape(below), np.nan), where=below != 0
    )
    return divided


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """Counts of groups in documents, sorted by group and document."""

    group: Ints
    document: Ints
    counts: Ints | Small
    """Cells x kinds of count; those of many cells in 32 bits."""

    @staticmethod
    def join(parts: Sequence["Cells"], width: int) -> "Cells":
        """Unite cells; those of one group and document are added up."""
        group = np.concatenate([np.zeros(0, dtype=np.int64), *(part.group for part in parts)])
        document = np.concatenate([group[:0], *(part.document for part in parts)])
        empty = np.zeros((0, width), dtype=np.int32)
        counts = np.concatenate([empty, *(part.counts.astype(np.int32) for part in parts)])
        order = np.lexsort((document, group))
        group, document, counts = group[order], document[order], counts[order]
        new = np.ones(len(group), dtype=np.bool_)
        new[1:] = (np.diff(group) != 0) | (np.diff(document) != 0)
        first = np.flatnonzero(new)
        sums = np.add.reduceat(counts, first, axis=0, dtype=np.int32) if len(first) else counts
        return Cells(group=group[first], document=document[first], counts=sums)

    def by_group(self) -> Iterator[tuple[int, Group]]:
        """Go through the groups in order."""
        borders = [*np.flatnonzero(np.diff(self.group, prepend=-1)).tolist(), len(self.group)]
        for start, end in pairwise(borders):
            rows = slice(start, end)
            yield int(self.group[start]), (self.document[rows], self.counts[rows])
