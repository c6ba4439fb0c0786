"""Annotations into everything that is measured of their agreement."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from gonerd.agreement import estimates as why
from gonerd.agreement.columns import Columns, Floats, to_columns
from gonerd.agreement.estimates import Kappa, Mean, PairCounts, Shares, weighted_mean
from gonerd.agreement.gamma import Gammas, gammas
from gonerd.agreement.resample import Cells, Group, Resamples
from gonerd.agreement.result import (
    Agreement,
    DocumentRow,
    Estimate,
    LabelPair,
    LeftOut,
    Overall,
    PairRow,
    Row,
)
from gonerd.agreement.tally import SPAN_LENGTHS, Tally, tally
from gonerd.errors import SpanError
from gonerd.progress import QUIET, Progress
from gonerd.records import Annotation

DOCUMENT_LENGTHS = (1_000, 5_000, 20_000, 80_000)
"""Characters of the longest document of each class but the last."""

_TOGETHER = 1000
"""Columns that are summed at once."""

_FIVE = slice(3, 8)
"""Where a pair's counts hold the five columns that all others have too."""


def measure(
    annotations: Iterable[Annotation],
    *,
    texts: Mapping[str, str] | None = None,
    with_gamma: bool = False,
    samples: int = 1000,
    seed: int = 0,
    progress: Progress = QUIET,
) -> Agreement:
    """Measure how far annotators agree where two have read the same, and about what they do not.

    `texts` are by document; they are looked at when all annotations have been, so that whoever
    reads these may fill them on the way. Neither the order of annotations nor that of spans changes
    anything. Two annotations of a document by one annotator are a RecordError, of two texts a
    TextMismatch.
    """
    columns = to_columns(annotations)
    known = texts or {}
    _check_ends(columns, known)
    counted = tally(columns, known)
    resamples = Resamples.draw(counted.documents, samples, seed)
    found = gammas(columns, seed=seed, progress=progress) if with_gamma else None
    pairs, overall = _pairs(counted, resamples, bool(known), found)
    num_annotators = len(columns.annotators)
    return Agreement(
        documents=len(columns.documents),
        documents_compared=len(counted.documents),
        annotators=num_annotators,
        pairs_compared=len(pairs),
        pairs_apart=num_annotators * (num_annotators - 1) // 2 - len(pairs),
        readings=len(columns.coverage),
        spans=len(columns.start),
        samples=samples,
        seed=seed,
        overall=overall,
        by_label=tuple(_rows(counted.labels, resamples, columns.labels)),
        by_span_length=_used(_rows(counted.lengths, resamples, classes(SPAN_LENGTHS))),
        by_document_length=_used(_by_document_length(counted, resamples, known)),
        by_annotator=tuple(_by_annotator(counted, resamples)),
        by_pair=pairs,
        by_document=tuple(_by_document(counted, found)),
        label_pairs=_label_pairs(counted),
        differences=counted.confusions.totals(),
        confused=counted.confusions.most(),
        gamma_left_out=_left_out(columns, found),
        notes=tuple(_notes(counted, known)),
    )


def _check_ends(columns: Columns, texts: Mapping[str, str]) -> None:
    """Refuse a reading that goes past its text."""
    for reading, coverage in enumerate(columns.coverage):
        document = columns.documents[columns.reading_document[reading]]
        text = texts.get(document)
        if text is not None and coverage and coverage[-1][1] > len(text):
            annotator = columns.annotators[columns.reading_annotator[reading]]
            raise SpanError(
                f"{document}: coverage of {annotator!r} ends at {coverage[-1][1]}, past the text; "
                f"expected at most {len(text)}."
            )


def _pairs(
    counted: Tally, resamples: Resamples, has_texts: bool, found: Gammas | None
) -> tuple[tuple[PairRow, ...], Overall]:
    """Go through all pairs once, and sum up on the way what the whole needs of each."""
    num_placed, num_tokened = (
        len(np.unique(table.document)) for table in (counted.places, counted.tokens)
    )
    exact, overlap = Mean.begin(resamples), Mean.begin(resamples)
    labels = Kappa.none(resamples, num_placed)
    tokens = marked = Kappa.none(resamples, num_tokened)
    no_tokens = why.NO_TOKENS if has_texts else why.NO_TEXTS
    none_marked = why.NOBODY_MARKED if num_tokened else no_tokens
    rows = []
    for pair, counts, sums in _pair_sums(counted, resamples):
        of_pair = Shares.of(counts.group, sums)
        of_places, of_tokens, of_marked = counts.kappas(sums)
        exact.add(of_pair.exact_f1)
        overlap.add(of_pair.overlap_f1)
        labels, tokens = labels.plus(of_places), tokens.plus(of_tokens)
        marked = marked.plus(of_marked)
        rows.append(
            _pair_row(
                counted,
                pair,
                spans=of_pair.spans,
                **of_pair.estimates(why.NEITHER_MARKED),
                label_kappa=of_places.estimate(why.NO_PLACES),
                token_kappa=of_tokens.estimate(no_tokens),
            )
        )
    return tuple(rows), Overall(
        **_whole(counted, resamples).estimates(why.NOBODY_MARKED),
        exact_f1_mean_of_pairs=exact.sampled().estimate(why.NOBODY_MARKED),
        overlap_f1_mean_of_pairs=overlap.sampled().estimate(why.NOBODY_MARKED),
        label_kappa=labels.estimate(why.NO_PLACES),
        gamma=_gamma(resamples, found),
        token_kappa=tokens.estimate(no_tokens),
        token_kappa_marked=marked.estimate(none_marked),
    )


def _pair_sums(counted: Tally, resamples: Resamples) -> Iterator[tuple[int, PairCounts, Floats]]:
    """Sum what was counted of each pair, some pairs at a time."""
    waiting: list[tuple[int, PairCounts]] = []
    none = len(counted.columns.labels)

    def summed() -> Iterator[tuple[int, PairCounts, Floats]]:
        sums = resamples.sums([counts.group for _, counts in waiting])
        for (pair, counts), found in zip(waiting, sums, strict=True):
            yield pair, counts, found
        waiting.clear()

    width = 0
    for pair, (documents, counts) in counted.pairs.by_group():
        gathered = PairCounts.gather(
            (documents, counts[:, _FIVE]),
            counted.places.of_pair(pair),
            counted.tokens.of_pair(pair),
            none,
        )
        waiting.append((pair, gathered))
        width += gathered.group[1].shape[1]
        if width > _TOGETHER:
            yield from summed()
            width = 0
    yield from summed()


def _pair_row(counted: Tally, pair: int, **values: Any) -> PairRow:
    columns, pairs = counted.columns, counted.pairs
    left, right = divmod(pair, len(columns.annotators))
    names = columns.annotators[left], columns.annotators[right]
    first, last = np.searchsorted(pairs.group, (pair, pair + 1))
    characters, of_left, of_right = pairs.counts[first:last, :3].sum(axis=0).tolist()
    return PairRow(
        name=" and ".join(names),
        annotators=names,
        documents=int(last - first),
        characters=characters,
        spans_of_each=(of_left, of_right),
        **values,
    )


def _whole(counted: Tally, resamples: Resamples) -> Shares:
    group = _by_document_alone(counted)
    return Shares.of(group, resamples.sums([group])[0])


def _gamma(resamples: Resamples, found: Gammas | None) -> Estimate:
    if found is None:
        return Estimate(value=None, why=why.NOT_ASKED)
    documents = np.array(sorted(found.values), dtype=np.int64)
    values = np.array([found.values[number] for number in documents.tolist()], dtype=np.float64)
    values = values.reshape(-1, 2)
    mean = weighted_mean(resamples, documents, values[:, 0], values[:, 1])
    return mean.estimate(why.NO_GAMMA)


def _rows(cells: Cells, resamples: Resamples, names: Sequence[str]) -> Iterator[Row]:
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


def _used(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Keep the classes of length that occur."""
    return tuple(row for row in rows if row.spans)


def _by_document_alone(counted: Tally) -> Group:
    """Add up everything that was counted in each document."""
    lengths = counted.lengths
    cells = Cells.join([replace(lengths, group=np.zeros_like(lengths.group))], width=5)
    return cells.document, cells.counts


def _by_document_length(
    counted: Tally, resamples: Resamples, texts: Mapping[str, str]
) -> Iterator[Row]:
    documents, counts = _by_document_alone(counted)
    known = [texts.get(counted.columns.documents[number]) for number in documents.tolist()]
    unknown = len(DOCUMENT_LENGTHS) + 1
    group = [
        unknown if text is None else bisect_left(DOCUMENT_LENGTHS, len(text)) for text in known
    ]
    cells = Cells(group=np.array(group, dtype=np.int64), document=documents, counts=counts)
    names = [*classes(DOCUMENT_LENGTHS), "text not given"]
    yield from _rows(Cells.join([cells], width=5), resamples, names)


def _by_annotator(counted: Tally, resamples: Resamples) -> Iterator[Row]:
    pairs, names = counted.pairs, counted.columns.annotators
    sides = np.divmod(pairs.group, max(len(names), 1))
    parts = [
        Cells(group=side, document=pairs.document, counts=pairs.counts[:, _FIVE]) for side in sides
    ]
    yield from _rows(Cells.join(parts, width=5), resamples, names)


def _by_document(counted: Tally, found: Gammas | None) -> Iterator[DocumentRow]:
    columns = counted.columns
    readers = np.bincount(columns.reading_document, minlength=len(columns.documents))
    documents, counts = _by_document_alone(counted)
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


def _label_pairs(counted: Tally) -> tuple[LabelPair, ...]:
    labels = counted.columns.labels
    ordered = sorted(counted.label_pairs.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        LabelPair(labels=(labels[one], labels[other]), times=times)
        for (one, other), times in ordered
    )


def _left_out(columns: Columns, found: Gammas | None) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(document_id=columns.documents[number], why=reason)
        for number, reason in (found.left_out if found else {}).items()
    )


def _notes(counted: Tally, texts: Mapping[str, str]) -> Iterator[str]:
    columns = counted.columns
    readers = np.bincount(columns.reading_document, minlength=len(columns.documents))
    alone, several = int((readers == 1).sum()), int((readers > 1).sum())
    without_text = sum(1 for name in columns.documents if name not in texts)
    for number, what in (
        (columns.unread, "spans left out: not whole within what their own annotator has read"),
        (columns.repeated, "spans left out: said twice by their annotator"),
        (alone, "documents left out: annotated by one alone"),
        (
            several - len(counted.documents),
            "documents left out: no two of their annotators have read the same characters",
        ),
        (
            without_text,
            "documents without their text: names are shown as places, token kappa leaves them out",
        ),
    ):
        if number:
            yield f"{number:,} {what}"


def classes(limits: Sequence[int]) -> list[str]:
    """Name classes of length by the limits between them.

    >>> classes([5, 10])
    ['up to 5', '6 to 10', 'over 10']
    """
    first, *rest = limits
    between = [f"{low + 1:,} to {high:,}" for low, high in pairwise(limits)]
    return [f"up to {first:,}", *between, f"over {rest[-1] if rest else first:,}"]
