"""The readings of a document into gamma, by pygamma-agreement.

Gamma (Mathet, Widloecher and Metivier 2015) aligns the spans of all annotators of a document at
once, and sets the disorder of the best alignment against that of random annotations as dense. It is
the one number here that is corrected for chance and knows borders as well as labels. The search for
an alignment grows with the product of the annotators' spans; what cannot be searched in bounded
steps is left out, and named.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from gonerd.agreement.columns import Columns
from gonerd.errors import MissingExtra
from gonerd.progress import QUIET, Progress
from gonerd.spans import covers, intersect_ranges

MOST_ANNOTATORS = 6
MOST_SPANS = 2000
"""Of a document; more would take hours."""
SAMPLES = (10, 30)
"""Random annotations of each document, at least and at most."""
MOST_ALIGNED = 12_000
"""Spans of all documents together, with the least random annotations; one span takes about a
millisecond, and again in each of them."""
_MOST_TUPLES = 1_000_000
"""Combinations of the annotators' spans that one step of a search may look at."""
_MOST_CANDIDATES = 10_000
"""Of which so many may be left to choose from."""

Units = list[tuple[str, list[tuple[int, int, str]]]]
"""Each annotator of a document, and what was marked: start, end and label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gammas:
    """Gamma of documents, and why others have none."""

    values: dict[int, tuple[float, int]]
    """By document: gamma, and on how many spans it rests."""
    left_out: dict[int, str]


class _TooMuchError(Exception):
    """A search would not end in bounded steps."""


def gammas(
    columns: Columns, *, seed: int, most_aligned: int = MOST_ALIGNED, progress: Progress = QUIET
) -> Gammas:
    """Work out gamma of each document, over the characters that all its annotators have read.

    The same seed gives the same numbers.
    """
    require()
    values: dict[int, tuple[float, int]] = {}
    left_out: dict[int, str] = {}
    ready: dict[int, Units] = {}
    for document, units in _units(columns):
        if why := _why_not(units):
            left_out[document] = why
        else:
            ready[document] = units
    seeds = {document: _seed(seed, columns.documents[document]) for document in ready}
    drawn: list[int] = []
    aligned = 0
    for document in sorted(ready, key=lambda document: (seeds[document], document)):
        aligned += _num_spans(ready[document])
        if drawn and aligned > most_aligned:
            left_out[document] = "the seed drew other documents, and all would take too long"
            aligned -= _num_spans(ready[document])
        else:
            drawn.append(document)
    least, most = SAMPLES
    samples = min(max(least * most_aligned // max(aligned, 1), least), most)
    with progress.bar("gamma", len(drawn)) as advance, _quiet():
        for document in sorted(drawn):
            value = gamma(ready[document], samples=samples, seed=seeds[document])
            if value is None:
                left_out[document] = "its spans overlap too much to be aligned in bounded steps"
            else:
                values[document] = value, _num_spans(ready[document])
            advance(1)
    return Gammas(values=values, left_out=dict(sorted(left_out.items())))


def gamma(units: Units, *, samples: int, seed: int) -> float | None:
    """Work out gamma of one document; None where no alignment is found in bounded steps."""
    from pyannote.core import Segment
    from pygamma_agreement import Continuum
    from pygamma_agreement.sampler import StatisticalContinuumSampler

    continuum = Continuum()
    for annotator, spans in units:
        continuum.add_annotator(annotator)
        for start, end, label in spans:
            continuum.add(annotator, Segment(start, end), label)
    search = _search()
    sampler = StatisticalContinuumSampler()
    with _seeded(seed):
        try:
            search.begin(continuum)
            sampler.init_sampling(continuum)
            continuum.measure_best_window_size(search)
            observed = _disorder(continuum, search)
            if observed == 0:
                return 1.0
            by_chance = [_disorder(sampler.sample_from_continuum, search) for _ in range(samples)]
        except _TooMuchError:
            return None
    return float(1 - observed / float(np.mean(by_chance)))


def _disorder(continuum: Any, search: Any) -> float:
    """Find the disorder of the best alignment.

    The package's own choice of a window is tried first. Its search by windows can go round in a
    circle where spans of one annotator overlap, as they do in random annotations; a larger window
    leads out of it, and in the end all spans at once.
    """
    chosen = continuum.best_window_size
    size = 1 if np.isinf(chosen) else int(chosen)
    largest = int(continuum.max_num_annotations_per_annotator)
    while True:
        search.begin(continuum)
        try:
            if np.isinf(chosen) or size > largest:
                return float(continuum.get_best_alignment(search).disorder)
            return float(continuum.get_fast_alignment(search, size).disorder)
        except _TooMuchError:
            if size > largest:
                raise
            chosen, size = 0, size * 2


def _search() -> Any:
    """Make the dissimilarity of gamma, with bounds on what is searched."""
    from pygamma_agreement import CombinedCategoricalDissimilarity

    class Search(CombinedCategoricalDissimilarity):  # type: ignore[misc]
        steps = 0

        def begin(self, continuum: Any) -> None:
            """Allow as many steps as a search that gets on can take."""
            self.steps = continuum.num_units + 1

        def valid_alignments(self, continuum: Any) -> Any:
            self.steps -= 1
            sizes = [times + 1 for times in Counter(name for name, _ in continuum).values()]
            if self.steps < 0 or reduce(lambda a, b: a * b, sizes) > _MOST_TUPLES:
                raise _TooMuchError
            found = super().valid_alignments(continuum)
            if len(found[0]) > _MOST_CANDIDATES:
                raise _TooMuchError
            return found

    return Search()


def _units(columns: Columns) -> Iterator[tuple[int, Units]]:
    """Gather what the annotators of each document marked, where all of them have read."""
    num = np.arange(len(columns.documents) + 1)
    readings_until = np.searchsorted(columns.reading_document, num)
    spans_until = np.searchsorted(columns.span_document, num)
    for document in range(len(columns.documents)):
        readings = range(readings_until[document], readings_until[document + 1])
        common = reduce(intersect_ranges, [columns.coverage[reading] for reading in readings])
        marked: dict[int, list[tuple[int, int, str]]] = {reading: [] for reading in readings}
        if len(readings) > 1:
            for span in range(spans_until[document], spans_until[document + 1]):
                start, end = int(columns.start[span]), int(columns.end[span])
                if covers(common, start, end):
                    label = columns.labels[columns.label[span]]
                    marked[int(columns.span_reading[span])].append((start, end, label))
        yield (
            document,
            [
                (columns.annotators[columns.reading_annotator[reading]], sorted(set(spans)))
                for reading, spans in (marked.items() if common else ())
            ],
        )


def _num_spans(units: Units) -> int:
    return sum(len(spans) for _, spans in units)


def _why_not(units: Units) -> str:
    spans = _num_spans(units)
    if not units:
        return "its annotators have read nothing in common"
    if len(units) < 2:
        return "it has one annotator alone"
    if not spans:
        return "nobody marked anything in what all have read"
    if len(units) > MOST_ANNOTATORS:
        return f"it has more than {MOST_ANNOTATORS} annotators, which would take hours"
    if spans > MOST_SPANS:
        return f"it has more than {MOST_SPANS:,} spans, which would take hours"
    return ""


def _seed(seed: int, document: str) -> int:
    """Give each document a seed of its own, whatever the others are."""
    digest = hashlib.sha256(f"{seed} {document}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's old generator, which the package draws from, and put it back after."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package from logging, on every step, which solver it takes."""
    root, silent, before = logging.getLogger(), logging.NullHandler(), logging.root.manager.disable
    root.addHandler(silent)  # else its first message would set logging up for the whole process
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
        root.removeHandler(silent)


def require() -> None:
    """Refuse to go on without the package."""
    try:
        import pygamma_agreement  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "agreement --gamma: pygamma-agreement is not installed; expected the extra `gamma`.\n"
            "Install it: pip install 'gonerd[gamma]'"
        ) from None
