"""Counts by document into how sure a score is, and whether two systems differ.

Documents are drawn with replacement, as entities of one document stand or fall together (Efron
1979; for paired systems, Berg-Kirkpatrick et al. 2012). Nothing is scored again: counts are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonerd.score.counts import Counts

RESAMPLES = 10_000
SEED = 0
_AT_ONCE = 2_000_000
"""Drawn documents in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Between which values a score lies in 95 of 100 resamples of the documents."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """By how much the F1 of one system is above that of another, on the same documents."""

    f1: float
    interval: Interval
    p: float
    """How often so large a difference, either way, comes about if the systems are alike."""


def interval(documents: Sequence[Counts], *, seed: int = SEED) -> Interval | None:
    """Give the interval of the micro F1; None where there are less than two documents."""
    if len(documents) < 2:
        return None
    f1 = _resampled(_table(documents), seed)
    low, high = np.quantile(f1, [0.025, 0.975]).tolist()
    return Interval(low=low, high=high)


def difference(
    one: Sequence[Counts], other: Sequence[Counts], *, seed: int = SEED
) -> Difference | None:
    """Compare two systems on the same documents in the same order; None for fewer than two."""
    if len(one) != len(other):
        raise ValueError(f"{len(one)} and {len(other)} documents; expected the same ones.")
    if len(one) < 2:
        return None
    first, second = _table(one), _table(other)
    found = float(_f1(first.sum(axis=0)) - _f1(second.sum(axis=0)))
    drawn = _resampled(first, seed) - _resampled(second, seed)
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    beyond = (np.abs(drawn - drawn.mean()) >= abs(found)).sum()
    p = (int(beyond) + 1) / (RESAMPLES + 1)
    return Difference(f1=found, interval=Interval(low=low, high=high), p=p)


def _table(documents: Sequence[Counts]) -> NDArray[np.float64]:
    rows = [(one.correct, one.predicted, one.gold) for one in documents]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _resampled(table: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Draw documents, and give the F1 of each draw; the same draws for the same seed and number."""
    chance = np.random.default_rng(seed)
    number = len(table)
    share = max(1, min(RESAMPLES, _AT_ONCE // number))
    found = []
    for first in range(0, RESAMPLES, share):
        size = min(share, RESAMPLES - first)
        times = chance.multinomial(number, np.full(number, 1 / number), size=size)
        found.append(_f1(times @ table))
    return np.concatenate(found)


def _f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give 2 correct / (predicted + gold), 0 where there is nothing."""
    total = sums[..., 1] + sums[..., 2]
    return 2 * sums[..., 0] / np.maximum(total, 1)
