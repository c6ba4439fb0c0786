"""Tests that intervals come from whole documents, the same for every number, and repeat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.agreement.measure import measure
from gonerd.agreement.resample import Cells, Group, Resamples, interval, ratio
from gonerd.agreement.result import Agreement, Estimate
from gonerd.records import Annotation
from tests.agreement.layers import an_annotation


@st.composite
def groups(draw: st.DrawFn, num_documents: int = 12) -> list[Group]:
    """Draw groups that have some of the documents, with two kinds of count."""
    found = []
    for _ in range(draw(st.integers(0, 5))):
        documents = sorted(draw(st.sets(st.integers(0, num_documents - 1), min_size=1)))
        counts = [draw(st.lists(st.integers(0, 2**22), min_size=2, max_size=2)) for _ in documents]
        found.append((np.array(documents), np.array(counts)))
    return found


@given(groups(), st.integers(0, 9), st.integers(0, 3))
def test_sums_are_those_of_drawing_documents_one_by_one(
    found: list[Group], samples: int, seed: int
) -> None:
    resamples = Resamples.draw(np.arange(12), samples, seed)

    for (documents, counts), sums in zip(found, resamples.sums(found), strict=True):
        assert sums.shape == (2, 1 + samples)
        assert sums[:, 0].tolist() == counts.sum(axis=0).tolist()
        for sample in range(samples):
            times = resamples.times[documents, sample].astype(int)
            assert times.shape == documents.shape
            assert sums[:, 1 + sample].tolist() == (counts * times[:, None]).sum(axis=0).tolist()


@pytest.mark.parametrize("number", [0, 1, 2, 300])
def test_a_resample_has_as_many_documents_as_there_are(number: int) -> None:
    resamples = Resamples.draw(np.arange(number), 50, 0)

    assert resamples.times.sum(axis=0, dtype=int).tolist() == [number] * 50


def test_the_same_seed_draws_the_same_and_another_another() -> None:
    first, again, other = (Resamples.draw(np.arange(20), 10, seed).times for seed in (7, 7, 8))

    assert (first == again).all()
    assert (first != other).any()


def test_resamples_without_a_value_do_not_count() -> None:
    values = ratio(np.array([1.0, 2.0, 5.0, 3.0]), np.array([10.0, 10.0, 0.0, 10.0]))

    assert interval(values) == pytest.approx((0.105, 0.295))
    assert interval(ratio(np.zeros(3), np.zeros(3))) is None


def test_cells_of_one_group_and_document_are_added_up() -> None:
    parts = [
        Cells(group=np.array([1, 0]), document=np.array([2, 2]), counts=np.array([[1], [2]])),
        Cells(group=np.array([1, 1]), document=np.array([2, 0]), counts=np.array([[4], [8]])),
    ]

    found = [
        (group, documents.tolist(), counts.tolist())
        for group, (documents, counts) in Cells.join(parts, width=1).by_group()
    ]
    assert found == [(0, [2], [[2]]), (1, [0, 2], [[8], [5]])]
    assert list(Cells.join([], width=3).by_group()) == []


def a_corpus(num_documents: int, *, wrong: int) -> list[Annotation]:
    """Make documents in which two agree on all spans, except for some of every fifth."""
    places = [(10 * n, 10 * n + 5) for n in range(10)]
    return [
        an_annotation(name, found, document_id=f"d{number:03}")
        for number in range(num_documents)
        for name, found in (
            ("ana", places),
            ("bo", places[wrong:] if number % 5 == 0 else places),
        )
    ]


def every_estimate(result: Agreement) -> list[Estimate]:
    """List the numbers over everything, and the exact F1 of rows."""
    rows = [*result.by_label, *result.by_pair, *result.by_annotator, *result.by_span_length]
    return [result.overall.exact_f1, result.overall.overlap_f1, *(row.exact_f1 for row in rows)]


def test_an_interval_holds_the_number_and_narrows_with_more_documents() -> None:
    few, many = (measure(a_corpus(number, wrong=6)) for number in (20, 320))

    for result in (few, many):
        for estimate in every_estimate(result):
            assert estimate.low is not None
            assert estimate.value is not None
            assert estimate.high is not None
            assert estimate.low < estimate.value < estimate.high
    widths = [
        (result.overall.exact_f1.high or 0) - (result.overall.exact_f1.low or 0)
        for result in (few, many)
    ]
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.25)


def test_where_all_documents_are_alike_the_interval_is_a_point() -> None:
    result = measure(a_corpus(20, wrong=0))

    assert result.overall.exact_f1 == Estimate(value=1.0, low=1.0, high=1.0)


def test_the_same_call_gives_the_same_intervals_and_another_seed_others() -> None:
    corpus = a_corpus(40, wrong=6)

    assert measure(corpus, seed=3) == measure(corpus, seed=3)
    assert measure(corpus, seed=3).overall != measure(corpus, seed=4).overall


@pytest.mark.parametrize(
    ("num_documents", "samples", "why"),
    [
        (1, 100, "no interval because it rests on one document alone"),
        (5, 0, "no interval because no resamples were asked for"),
    ],
)
def test_where_there_is_no_interval_the_reason_is_said(
    num_documents: int, samples: int, why: str
) -> None:
    result = measure(a_corpus(num_documents, wrong=0), samples=samples)

    assert {estimate.why for estimate in every_estimate(result)} == {why}
    assert {estimate.value for estimate in every_estimate(result)} == {1.0}


def test_an_interval_of_a_pair_rests_on_the_documents_of_that_pair() -> None:
    alone = an_annotation("cy", [(0, 5)], document_id="d000")

    pairs = measure([*a_corpus(20, wrong=6), alone]).by_pair
    assert [pair.exact_f1.why for pair in pairs] == [
        "",
        *["no interval because it rests on one document alone"] * 2,
    ]
