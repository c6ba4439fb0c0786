"""Tests that intervals hold what they should, and that a difference is one or is not."""

import numpy as np
import pytest

from gonerd.score.counts import Counts
from gonerd.score.intervals import difference, interval


def documents(seed: int, rate: float, number: int = 60, size: int = 40) -> list[Counts]:
    """Draw what a system that finds a share of the entities gets right, by document."""
    chance = np.random.default_rng(seed)
    found = chance.binomial(size, rate, number).tolist()
    return [Counts(correct=one, predicted=size, gold=size) for one in found]


def test_intervals_hold_the_true_rate_about_as_often_as_they_say() -> None:
    held = 0
    for seed in range(100):
        found = interval(documents(seed, 0.7), seed=seed)
        assert found is not None
        held += found.low <= 0.7 <= found.high
    assert 88 <= held <= 99


def test_intervals_are_those_of_scipy_on_the_same_statistic() -> None:
    from scipy.stats import bootstrap

    some = documents(0, 0.7)
    rows = np.array([(one.correct, one.predicted, one.gold) for one in some], dtype=float)

    def f1(correct: np.ndarray, predicted: np.ndarray, gold: np.ndarray, axis: int) -> np.ndarray:
        total = predicted.sum(axis=axis) + gold.sum(axis=axis)
        return np.asarray(2 * correct.sum(axis=axis) / total)

    theirs = bootstrap(
        tuple(rows.T), f1, paired=True, method="percentile", n_resamples=10_000, rng=0
    ).confidence_interval
    ours = interval(some)
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_the_same_seed_gives_the_same_interval() -> None:
    some = documents(1, 0.5)
    assert interval(some) == interval(some)
    assert interval(some, seed=1) != interval(some)


@pytest.mark.parametrize("few", [[], [Counts(correct=1, predicted=1, gold=1)]])
def test_fewer_than_two_documents_have_none(few: list[Counts]) -> None:
    assert interval(few) is None
    assert difference(few, few) is None


def test_a_system_does_not_differ_from_itself() -> None:
    some = documents(0, 0.7)
    found = difference(some, some)
    assert found is not None
    assert (found.f1, found.p) == (0.0, 1.0)


def test_a_clear_difference_is_found_and_an_accident_seldom() -> None:
    clear = difference(documents(0, 0.8), documents(1, 0.7))
    assert clear is not None
    assert clear.p < 0.001
    assert clear.interval.low > 0
    accidents = [difference(documents(2 * s, 0.7), documents(2 * s + 1, 0.7)) for s in range(60)]
    assert sum(one is not None and one.p < 0.05 for one in accidents) <= 8


def test_systems_of_different_documents_are_not_compared() -> None:
    with pytest.raises(ValueError) as error:
        difference(documents(0, 0.7), documents(0, 0.7, number=3))
    assert str(error.value) == "60 and 3 documents; expected the same ones."
