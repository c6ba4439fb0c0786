"""Everybody's spans into candidates by a vote in which each annotator weighs what it is worth.

Spans that overlap form a cluster. Is there an entity, where does it begin and end, and what is its
label are three questions, and an annotator may be good at one and bad at another. How good is
estimated from agreement with all the others by expectation maximisation (Dawid and Skene 1979),
each annotator drawn towards the crowd as far as it has done little, and the crowd towards what
annotators are like. Where spans of a cluster are left beside the one chosen, they vote again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gonerd.reconcile.candidates import Candidate, FlatPass, Layer
from gonerd.records import Range

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightedSettings:
    """Priors, in numbers of clusters."""

    rounds: int = 5
    crowd: float = 20.0
    """How many clusters' worth of the crowd is in each annotator's competence."""
    prior: float = 2_000.0
    """How many clusters' worth of these expectations is in the crowd's."""
    entities: float = 0.7
    """Expected share of clusters that are entities."""
    found: float = 0.7
    """Expected share of entities that an annotator marks."""
    invented: float = 0.15
    """Expected share of places without an entity, unmarked ones too, that an annotator marks."""
    border: float = 0.9
    """Expected share of starts, and of ends, that are right."""
    label: float = 0.9
    """Expected share of labels that are right."""


@dataclass(frozen=True, kw_only=True)
class Competence:
    """What each annotator is worth, by index, and how many clusters are entities."""

    entities: float
    found: Floats
    """Share of entities that it marks."""
    invented: Floats
    """Share of the places without an entity that it marks, of those that nobody marks too."""
    starts: Floats
    """Share of its starts that are right."""
    ends: Floats
    labels: Floats
    """(annotator, true label, label it gives): shares."""


@dataclass(frozen=True, kw_only=True)
class _Marks:
    """Spans of all annotators in one coordinate over all documents, in order, and their groups."""

    annotator: Ints
    start: Ints
    end: Ints
    label: Ints
    cluster: Ints
    """Spans that overlap, directly or through others."""
    readers: NDArray[np.bool_]
    """(cluster, annotator): who has read the place."""
    marked: NDArray[np.bool_]
    """(cluster, annotator): who has marked something there."""
    option: Ints
    """Of each span, its border among those of `options`."""
    options: Ints
    """(3, option): cluster, start and end of each border that somebody marked, in order."""
    same_start: Ints
    """Of each span, a number it shares with those that start there; likewise of each option."""
    option_start: Ints
    same_end: Ints
    option_end: Ints


@dataclass(frozen=True, kw_only=True)
class _Votes:
    """How a round of voting went."""

    presence: Floats
    """Of each cluster, how probable it is that there is an entity."""
    border: Floats
    """Of each option, how probable it is, given an entity where the best option lies."""
    best: Ints
    """Of each cluster, its most probable option."""
    beside: NDArray[np.bool_]
    """Of each span, whether it lies beside the best option of its cluster, and votes again."""
    labels: Floats
    """(cluster, label): how probable, given an entity at the best option."""


def weigh(
    layer: Layer,
    num_annotators: int,
    labels: Sequence[str],
    settings: WeightedSettings,
    *,
    least: float = 0.02,
) -> tuple[list[Candidate], Competence]:
    """Vote on one layer of all documents, and list every span that is at least so probable."""
    codes = {label: code for code, label in enumerate(labels)}
    marks, bases = _gather(layer, num_annotators, codes)
    competence = _estimate(marks, num_annotators, len(labels), settings)
    found: list[tuple[int, int, int, float, bool]] = []
    free = np.ones(len(marks.readers))
    while len(marks.start):
        votes = _vote(marks, competence)
        found += _listed(votes, marks, free, least)
        marks, free = _rest(marks, votes, free)
    found.sort()
    places = np.searchsorted(bases, [start for start, *_ in found], side="right") - 1
    candidates = [
        Candidate(
            document=layer.documents[place],
            start=start - int(bases[place]),
            end=end - int(bases[place]),
            label=labels[label],
            probability=min(probability, 1.0),
            chosen=chosen,
        )
        for place, (start, end, label, probability, chosen) in zip(
            places.tolist(), found, strict=True
        )
    ]
    return candidates, competence


def _listed(
    votes: _Votes, marks: _Marks, free: Floats, least: float
) -> Iterator[tuple[int, int, int, float, bool]]:
    """List what is chosen, and what might stand in its place."""
    cluster, start, end = marks.options
    probability = (votes.presence * free)[cluster] * votes.border
    probability = probability[:, None] * votes.labels[cluster]
    chosen = np.zeros(probability.shape, dtype=bool)
    label = votes.labels.round(9).argmax(axis=1)  # of equals the first, whatever the last digit
    chosen[votes.best, label] = votes.presence >= 0.5
    option, label = np.nonzero((probability > least) | chosen)
    columns = (start[option], end[option], label, probability[option, label], chosen[option, label])
    return zip(*(column.tolist() for column in columns), strict=True)


def _gather(layer: Layer, num_annotators: int, codes: Mapping[str, int]) -> tuple[_Marks, Ints]:
    """Lay all documents end to end, and say where each begins."""
    bases: list[int] = []
    rows: list[tuple[int, int, int, int]] = []
    base = 0
    for passes in layer.passes:
        bases.append(base)
        longest = 0
        for one in passes:
            rows += [
                (base + span.start, base + span.end, one.annotator, codes[span.label])
                for span in one.spans
            ]
            longest = max(longest, one.spans[-1].end if one.spans else 0)
        base += longest + 1
    start, end, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    order = np.lexsort((label, annotator, -end, start))
    start, end = start[order], end[order]
    cluster = _clusters(start, end)
    borders = np.array([*bases, base], dtype=np.int64)
    readers = _readers(layer, borders, cluster, start, end, num_annotators)
    return _group(annotator[order], start, end, label[order], cluster, readers), borders[:-1]


def _group(
    annotator: Ints,
    start: Ints,
    end: Ints,
    label: Ints,
    cluster: Ints,
    readers: NDArray[np.bool_],
) -> _Marks:
    """Find out which spans share a border, or one end of it."""
    marked = np.zeros(readers.shape, dtype=bool)
    marked[cluster, annotator] = True
    key = (start << 28) + (end - start)
    _, first, option = np.unique(key, return_index=True, return_inverse=True)
    _, same_start = np.unique(start, return_inverse=True)
    _, same_end = np.unique(end, return_inverse=True)
    return _Marks(
        annotator=annotator,
        start=start,
        end=end,
        label=label,
        cluster=cluster,
        readers=readers | marked,
        marked=marked,
        option=option,
        options=np.stack((cluster[first], start[first], end[first])),
        same_start=same_start,
        option_start=same_start[first],
        same_end=same_end,
        option_end=same_end[first],
    )


def _rest(marks: _Marks, votes: _Votes, free: Floats) -> tuple[_Marks, Floats]:
    """Take away what overlaps the spans just chosen; whoever read a place has read what is left.

    With it goes how probable it is that nothing just voted on stands where a cluster now lies,
    as there were other readings than the one chosen, and some would leave it no room.
    """
    apart = votes.beside
    start, end = marks.start[apart], marks.end[apart]
    cluster = _clusters(start, end)
    old = marks.cluster[apart]
    _, first = np.unique(cluster, return_index=True)
    room = free[old] * (1.0 - _overlapped(marks, votes, start, end))
    room = np.minimum.reduceat(room, first) if len(first) else room
    readers = marks.readers[old[first]]
    return _group(marks.annotator[apart], start, end, marks.label[apart], cluster, readers), room


def _overlapped(marks: _Marks, votes: _Votes, start: Ints, end: Ints) -> Floats:
    """Sum how probable the options are that overlap each of some spans."""
    of, opens, closes = marks.options
    mass = votes.presence[of] * votes.border
    by_end = np.argsort(closes, kind="stable")
    from_start = np.append(0.0, np.cumsum(mass))
    from_end = np.append(0.0, np.cumsum(mass[by_end]))
    begun = from_start[np.searchsorted(opens, end, side="left")]
    ended = from_end[np.searchsorted(closes[by_end], start, side="right")]
    # Clusters lie one after the other, so what came before this one counts in both and cancels.
    overlapped: Floats = begun - ended
    return np.clip(overlapped, 0.0, 1.0)


def _clusters(starts: Ints, ends: Ints) -> Ints:
    """Number the connected components of overlap of spans in order of their starts."""
    if not len(starts):
        return starts
    reach = np.maximum.accumulate(ends)
    return np.concatenate(([0], np.cumsum(starts[1:] >= reach[:-1])))


def _readers(
    layer: Layer, bases: Ints, cluster: Ints, starts: Ints, ends: Ints, num_annotators: int
) -> NDArray[np.bool_]:
    """Say who speaks of each cluster: who has read it whole, and overlooked no name there."""
    num_clusters = int(cluster[-1]) + 1 if len(cluster) else 0
    opens = starts[np.searchsorted(cluster, np.arange(num_clusters))]
    closes = np.zeros(num_clusters, dtype=np.int64)
    np.maximum.at(closes, cluster, ends)
    size = (num_clusters, num_annotators)
    who, first, last = _laid_out(layer, bases, lambda one: one.coverage)
    inside = np.searchsorted(opens, first), np.searchsorted(closes, last, side="right")
    readers = _spread(size, who, *inside)
    who, first, last = _laid_out(layer, bases, lambda one: one.overlooked)
    touched = np.searchsorted(closes, first, side="right"), np.searchsorted(opens, last)
    return readers & ~_spread(size, who, *touched)


def _laid_out(
    layer: Layer, bases: Ints, ranges: Callable[[FlatPass], Sequence[Range]]
) -> tuple[Ints, Ints, Ints]:
    """List annotator, start and end of ranges of all passes, documents laid end to end."""
    rows = [
        (one.annotator, min(base + first, beyond), min(base + last, beyond))
        for passes, (base, beyond) in zip(layer.passes, pairwise(bases.tolist()), strict=True)
        for one in passes
        for first, last in ranges(one)
    ]
    who, first, last = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return who, first, last


def _spread(size: tuple[int, int], who: Ints, low: Ints, high: Ints) -> NDArray[np.bool_]:
    """Say (cluster, annotator) what lies in runs of clusters, [low, high) of an annotator each."""
    change = np.zeros((size[0] + 1, size[1]), dtype=np.int32)
    some = low < high
    np.add.at(change, (low[some], who[some]), 1)
    np.add.at(change, (high[some], who[some]), -1)
    return change.cumsum(axis=0)[:-1] > 0


def _expected(num_annotators: int, num_labels: int, settings: WeightedSettings) -> Competence:
    """Say what annotators are worth before anything is known of them."""
    ones = np.ones(num_annotators)
    right = settings.label if num_labels > 1 else 1.0
    others = (1 - right) / max(num_labels - 1, 1)
    labels = np.full((num_labels, num_labels), others) + np.eye(num_labels) * (right - others)
    return Competence(
        entities=settings.entities,
        found=ones * settings.found,
        invented=ones * settings.invented,
        starts=ones * settings.border,
        ends=ones * settings.border,
        labels=np.repeat(labels[None], num_annotators, axis=0),
    )


def _estimate(
    marks: _Marks, num_annotators: int, num_labels: int, settings: WeightedSettings
) -> Competence:
    """Find what each annotator is worth from how far the rest agree with it."""
    expected = _expected(num_annotators, num_labels, settings)
    competence = expected
    for _ in range(settings.rounds if len(marks.start) else 0):
        votes = _vote(marks, competence)
        present = votes.presence[marks.cluster] * ~votes.beside
        starts = _hits(marks, present, marks.option_start, marks.same_start, votes)
        ends = _hits(marks, present, marks.option_end, marks.same_end, votes)
        chances = np.bincount(marks.annotator, weights=present, minlength=num_annotators)
        labels = np.zeros_like(expected.labels)
        np.add.at(
            labels.transpose(0, 2, 1),
            (marks.annotator, marks.label),
            present[:, None] * votes.labels[marks.cluster],
        )
        read_present: Floats = marks.readers.T @ votes.presence
        # For each place without an entity that somebody marked there are some that nobody did.
        silent = np.exp(marks.readers @ np.log(1 - competence.invented))
        read_absent: Floats = marks.readers.T @ ((1 - votes.presence) / (1 - silent))
        competence = Competence(
            entities=float(
                (votes.presence.sum() + settings.prior * settings.entities)
                / (len(votes.presence) + settings.prior)
            ),
            found=_drawn(marks.marked.T @ votes.presence, read_present, expected.found, settings),
            invented=_drawn(
                marks.marked.T @ (1 - votes.presence), read_absent, expected.invented, settings
            ),
            starts=_drawn(starts, chances, expected.starts, settings),
            ends=_drawn(ends, chances, expected.ends, settings),
            labels=_drawn(labels, labels.sum(axis=2, keepdims=True), expected.labels, settings),
        )
    return competence


def _hits(marks: _Marks, present: Floats, of_option: Ints, of_mark: Ints, votes: _Votes) -> Floats:
    """Count, for each annotator, the starts (or ends) that are probably right."""
    right = np.bincount(of_option, weights=votes.border)[of_mark]
    return np.bincount(
        marks.annotator, weights=present * right, minlength=marks.readers.shape[1]
    ).astype(np.float64)


def _drawn(
    hits: Floats, chances: Floats | Ints, expected: Floats, settings: WeightedSettings
) -> Floats:
    """Estimate shares: each annotator drawn towards the crowd, the crowd towards expectation."""
    crowd = (hits.sum(axis=0) + settings.prior * expected[0]) / (
        chances.sum(axis=0) + settings.prior
    )
    shares: Floats = (hits + settings.crowd * crowd) / (chances + settings.crowd)
    return shares


def _vote(marks: _Marks, competence: Competence) -> _Votes:
    """Let every annotator that has read a place say whether, where and what, by its worth."""
    yes = np.log(competence.found / competence.invented)
    no = np.log((1 - competence.found) / (1 - competence.invented))
    odds = marks.marked @ yes + (marks.readers & ~marks.marked) @ no
    odds += np.log(competence.entities / (1 - competence.entities))
    weight = np.zeros(marks.options.shape[1])
    for worth, of_mark, of_option in (
        (competence.starts, marks.same_start, marks.option_start),
        (competence.ends, marks.same_end, marks.option_end),
    ):
        votes = np.log(worth / (1 - worth))[marks.annotator]
        weight += np.bincount(of_mark, weights=votes)[of_option]
    cluster, start, end = marks.options
    first = _firsts(cluster)
    border = np.exp(weight - np.maximum.reduceat(weight, first)[cluster])
    best = _best_options(border, marks)
    low, high = start[best], end[best]
    border[(end <= low[cluster]) | (start >= high[cluster])] = 0.0
    border /= np.add.reduceat(border, first)[cluster]
    beside = (marks.end <= low[marks.cluster]) | (marks.start >= high[marks.cluster])
    labels = np.log(competence.labels)[marks.annotator, :, marks.label] * ~beside[:, None]
    summed = np.add.reduceat(labels, _firsts(marks.cluster), axis=0)
    summed = np.exp(summed - summed.max(axis=1, keepdims=True))
    return _Votes(
        presence=np.reciprocal(1 + np.exp(np.clip(-1.0 * odds, -50, 50))),
        border=border,
        best=best,
        beside=beside,
        labels=summed / summed.sum(axis=1, keepdims=True),
    )


def _firsts(groups: Ints) -> Ints:
    """Find where each group begins in a sorted run of group numbers."""
    return np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))


def _best_options(border: Floats, marks: _Marks) -> Ints:
    """Choose the most probable border of each cluster; of equals the longer, then the earlier."""
    cluster, start, end = marks.options
    order = np.lexsort((start, start - end, 1 - border.round(9), cluster))
    return order[_firsts(cluster[order])]
