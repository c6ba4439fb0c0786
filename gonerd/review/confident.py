"""Places that may be names, with their labels in a gold, into how probable each label is there.

What is probable at a place is learnt from other places alone, and never from its own label: by
logistic regression on how places are labelled that share something with it. A label counts as
confident where it is as probable as it is on average where the gold has it (confident learning:
Northcutt, Jiang and Chuang 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonerd.review.witnesses import KEYS, NOTHING, Spot

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOLDS = 10
SMOOTH = 2.0
"""Places of no opinion that are added to those that share something."""
FEW = 20
"""Places of a label below which it is rare."""
RIDGE = 3.0
ROUNDS = 60


@dataclass(frozen=True, kw_only=True)
class Believed:
    """How probable each label is at each place."""

    labels: Sequence[str]
    """NOTHING first."""
    probable: Floats
    """Places by labels; each place adds up to 1."""
    empty: Floats
    """How probable it is that neither a place nor any that lies across it is a name."""
    given: Ints
    """The number of the label in the gold."""
    thresholds: Floats
    """By label: how probable it is on average where the gold has it."""


def believe(spots: Sequence[Spot], *, seed: int = 0) -> Believed:
    """Work out how probable each label is at each place."""
    labels = [NOTHING, *sorted({one.gold for one in spots} | {one.model for one in spots} - {""})]
    labels = list(dict.fromkeys(labels))
    code = {label: number for number, label in enumerate(labels)}
    given = np.array([code[one.gold] for one in spots], dtype=np.int64)
    groups = _groups(spots)
    folds = np.random.default_rng(seed).integers(0, FOLDS, size=int(groups.max(initial=-1)) + 1)
    fold = folds[groups] if len(spots) else np.zeros(0, dtype=np.int64)
    features = np.hstack([_shared(spots, given, fold, len(labels)), _said(spots, code)])
    odds = np.zeros((len(spots), len(labels)))
    for number in range(FOLDS):
        mine = fold == number
        if mine.any() and not mine.all():
            weights = _fit(features[~mine], given[~mine], len(labels))
            odds[mine] = features[mine] @ weights
    probable, empty = _among_rivals(spots, groups, _softmax(odds))
    return Believed(
        labels=labels,
        probable=probable,
        empty=empty,
        given=given,
        thresholds=_thresholds(probable, given),
    )


def _thresholds(probable: Floats, given: Ints) -> Floats:
    """Give the mean probability of each label where it is given, drawn to that of all where rare.

    A label that occurs but by mistake would else count as confident wherever it is not ruled out.
    """
    own = probable[np.arange(len(given)), given]
    sums, counts = np.zeros(probable.shape[1]), np.bincount(given, minlength=probable.shape[1])
    np.add.at(sums, given, own)
    mean = own.mean() if len(own) else 1.0
    return np.asarray((sums + FEW * mean) / (counts + FEW))


def _groups(spots: Sequence[Spot]) -> Ints:
    """Number places so that those that share a character have the same number."""
    found = np.zeros(len(spots), dtype=np.int64)
    number, document, reach = -1, -1, 0
    for index, one in enumerate(spots):
        if one.document != document or one.start >= reach:
            number, reach = number + 1, 0
        document, reach = one.document, max(reach, one.end)
        found[index] = number
    return found


def _shared(spots: Sequence[Spot], given: Ints, fold: Ints, num_labels: int) -> Floats:
    """Say how places of other folds are labelled that share something, as log ratios."""
    columns: list[Floats] = []
    size = len(spots)
    prior = (np.bincount(given, minlength=num_labels) + 1.0) / (size + num_labels)
    one_hot = np.eye(num_labels)[given]
    for number in range(len(KEYS)):
        names: dict[str, int] = {}
        key = np.array([names.setdefault(one.keys[number], len(names)) for one in spots])
        counts = np.zeros((len(names), num_labels))
        inside = np.zeros((len(names), FOLDS, num_labels))
        if size:
            np.add.at(counts, key, one_hot)
            np.add.at(inside, (key, fold), one_hot)
            others = counts[key] - inside[key, fold]
        else:
            others = np.zeros((0, num_labels))
        shares = (others + SMOOTH * prior) / (others.sum(axis=1, keepdims=True) + SMOOTH)
        columns += [np.log(shares / prior), np.log1p(others.sum(axis=1, keepdims=True))]
    return np.hstack(columns)


def _said(spots: Sequence[Spot], code: dict[str, int]) -> Floats:
    """Say what the model says, and how sure it is."""
    exact = np.zeros((len(spots), len(code)))
    sure = np.zeros((len(spots), len(code)))
    across = np.zeros((len(spots), len(code)))
    for row, one in enumerate(spots):
        exact[row, code[one.model]] = 1.0
        sure[row, code[one.model]] = np.log(
            (one.confidence + 0.01) / (1.01 - one.confidence)
        ) if one.model else 0.0  # fmt: skip
        across[row, code[one.across]] = 1.0
    return np.hstack([exact, sure / 4.0, across, np.ones((len(spots), 1))])


def _fit(features: Floats, given: Ints, num_labels: int) -> Floats:
    """Fit a multinomial logistic regression by steps under a bound of its curvature (Boehning)."""
    width = features.shape[1]
    weights = np.zeros((width, num_labels))
    target = np.eye(num_labels)[given]
    half = 0.5 * (features.T @ features) * (1.0 - 1.0 / num_labels)
    inverse = np.linalg.inv(half + RIDGE * np.eye(width))
    ahead, pace = weights, 1.0
    for _ in range(ROUNDS):
        slope = features.T @ (target - _softmax(features @ ahead)) - RIDGE * ahead
        after, next_pace = ahead + inverse @ slope, (1 + np.sqrt(1 + 4 * pace * pace)) / 2
        ahead = after + (pace - 1) / next_pace * (after - weights)
        weights, pace = after, next_pace
    return weights


def _softmax(scores: Floats) -> Floats:
    if not scores.size:
        return scores
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _among_rivals(spots: Sequence[Spot], groups: Ints, probable: Floats) -> tuple[Floats, Floats]:
    """Let places that lie across each other share: a name is here or there, not both."""
    odds = probable[:, 1:] / np.maximum(probable[:, :1], 1e-9)
    total = odds.sum(axis=1)
    rival = np.zeros(len(spots))
    for index, one in enumerate(spots):
        for other in range(index + 1, len(spots)):
            if groups[other] != groups[index] or spots[other].start >= one.end:
                break
            rival[index] += total[other]
            rival[other] += total[index]
    whole = 1.0 + total + rival
    return np.hstack([((1.0 + rival) / whole)[:, None], odds / whole[:, None]]), 1.0 / whole
