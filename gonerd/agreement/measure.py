"""Annotations into everything that is measured of their agreement."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gonerd.agreement import estimates as why
from gonerd.agreement.columns import Columns, Floats, to_columns
from gonerd.agreement.estimates import Kappa, Mean, PairCounts, Shares, weighted_mean
from gonerd.agreement.gamma import Gammas, gammas, require
from gonerd.agreement.resample import Resamples
from gonerd.agreement.result import (
    Agreement,
    Estimate,
    LabelPair,
    LeftOut,
    Overall,
    PairRow,
)
from gonerd.agreement.rows import (
    all_of_documents,
    by_annotator,
    by_document,
    by_document_length,
    by_span_length,
    rows,
)
from gonerd.agreement.tally import FIVE, Tally, tally
from gonerd.agreement.words import number
from gonerd.errors import SpanError
from gonerd.progress import QUIET, Progress
from gonerd.records import Annotation

_TOGETHER = 1000
"""Columns that are summed at once."""


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
    if with_gamma:
        require()
    columns = to_columns(annotations)
    known = texts or {}
    _check_ends(columns, known)
    counted = tally(columns, known)
    resamples = Resamples.draw(counted.documents, samples, seed)
    found = gammas(columns, seed=seed, progress=progress) if with_gamma else None
    no_tokens = why.NO_TOKENS if known else why.NO_TEXTS
    pairs, whole = _pairs(counted, resamples, no_tokens)
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
        overall=_overall(counted, resamples, whole, _gamma(resamples, found), no_tokens),
        by_label=tuple(rows(counted.labels, resamples, columns.labels)),
        by_span_length=tuple(by_span_length(counted, resamples)),
        by_document_length=tuple(by_document_length(counted, resamples, known)),
        by_annotator=tuple(by_annotator(counted, resamples)),
        by_pair=pairs,
        by_document=tuple(by_document(counted, found)),
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


@dataclass(kw_only=True, slots=True)
class _Whole:
    """What the pairs add up to."""

    exact: Mean
    overlap: Mean
    labels: Kappa
    tokens: Kappa
    marked: Kappa

    @staticmethod
    def begin(counted: Tally, resamples: Resamples) -> "_Whole":
        """Begin with no pair."""
        num_marked, num_placed, num_tokened = (
            len(np.unique(of.document)) for of in (counted.lengths, counted.places, counted.tokens)
        )
        return _Whole(
            exact=Mean.begin(resamples, num_marked),
            overlap=Mean.begin(resamples, num_marked),
            labels=Kappa.none(resamples, num_placed),
            tokens=Kappa.none(resamples, num_tokened),
            marked=Kappa.none(resamples, num_tokened),
        )

    def add(self, shares: Shares, labels: Kappa, tokens: Kappa, marked: Kappa) -> None:
        """Add a pair."""
        self.exact.add(shares.exact_f1)
        self.overlap.add(shares.overlap_f1)
        self.labels = self.labels.plus(labels)
        self.tokens = self.tokens.plus(tokens)
        self.marked = self.marked.plus(marked)


def _pairs(
    counted: Tally, resamples: Resamples, no_tokens: str
) -> tuple[tuple[PairRow, ...], _Whole]:
    """Go through all pairs once, and sum up on the way what the whole needs of each."""
    whole = _Whole.begin(counted, resamples)
    found = []
    for pair, counts, sums in _pair_sums(counted, resamples):
        shares = Shares.of(counts.group, sums)
        labels, tokens, marked = counts.kappas(sums)
        whole.add(shares, labels, tokens, marked)
        found.append(
            _pair_row(
                counted,
                pair,
                spans=shares.spans,
                **shares.estimates(why.NEITHER_MARKED),
                label_kappa=labels.estimate(why.NO_PLACES),
                token_kappa=tokens.estimate(no_tokens),
            )
        )
    return tuple(found), whole


def _overall(
    counted: Tally, resamples: Resamples, whole: _Whole, gamma: Estimate, no_tokens: str
) -> Overall:
    """Say the numbers over everything, or why there is none."""
    group = all_of_documents(counted)
    shares = Shares.of(group, resamples.sums([group])[0])
    alone = not len(counted.documents)
    nobody = why.NOTHING_SHARED if alone else why.NOBODY_MARKED
    none_marked = nobody if alone or len(counted.tokens.pair) else no_tokens
    return Overall(
        **shares.estimates(nobody),
        exact_f1_mean_of_pairs=whole.exact.sampled().estimate(nobody),
        overlap_f1_mean_of_pairs=whole.overlap.sampled().estimate(nobody),
        label_kappa=whole.labels.estimate(nobody if alone else why.NO_PLACES),
        gamma=gamma,
        token_kappa=whole.tokens.estimate(nobody if alone else no_tokens),
        token_kappa_marked=whole.marked.estimate(none_marked),
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
            (documents, counts[:, FIVE]),
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


def _gamma(resamples: Resamples, found: Gammas | None) -> Estimate:
    if found is None:
        return Estimate(value=None, why=why.NOT_ASKED)
    documents = np.array(sorted(found.values), dtype=np.int64)
    values = np.array([found.values[document] for document in documents.tolist()], dtype=np.float64)
    values = values.reshape(-1, 2)
    mean = weighted_mean(resamples, documents, values[:, 0], values[:, 1])
    return mean.estimate(why.NO_GAMMA)


def _label_pairs(counted: Tally) -> tuple[LabelPair, ...]:
    labels = counted.columns.labels
    ordered = sorted(counted.label_pairs.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        LabelPair(labels=(labels[one], labels[other]), times=times)
        for (one, other), times in ordered
    )


def _left_out(columns: Columns, found: Gammas | None) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(document_id=columns.documents[document], why=reason)
        for document, reason in (found.left_out if found else {}).items()
    )


def _notes(counted: Tally, texts: Mapping[str, str]) -> Iterator[str]:
    """Say what was left out of everything."""
    columns = counted.columns
    readers = np.bincount(columns.reading_document, minlength=len(columns.documents))
    alone, several = int((readers == 1).sum()), int((readers > 1).sum())
    apart = several - len(counted.documents)
    without_text = sum(1 for name in columns.documents if name not in texts)
    for count, thing, what in (
        (
            columns.marked_only,
            "annotation",
            "of which nothing is known to be read but what is marked: nobody can disagree about "
            "the rest; import with --complete what was read whole",
        ),
        (columns.unread, "span", "left out: not whole within what {its} own annotator has read"),
        (columns.repeated, "span", "left out: said twice by {its} annotator"),
        (alone, "document", "left out: annotated by one alone"),
        (apart, "document", "left out: no two of {its} annotators have read the same characters"),
        (
            without_text,
            "document",
            "without {its} text: names are shown as places, token kappa leaves {it} out",
        ),
    ):
        if count:
            one = count == 1
            said = what.format(its="its" if one else "their", it="it" if one else "them")
            yield f"{number(count, thing)} {said}"
