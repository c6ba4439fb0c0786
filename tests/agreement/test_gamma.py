"""Tests that gamma is that of pygamma-agreement, repeats, and says what it leaves out."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from pyannote.core import Segment
from pygamma_agreement import CombinedCategoricalDissimilarity, Continuum

from gonerd.agreement.columns import to_columns
from gonerd.agreement.gamma import Units, gamma, gammas
from gonerd.agreement.lines import lines
from gonerd.agreement.measure import measure
from gonerd.agreement.result import Estimate, LeftOut
from gonerd.records import Annotation
from tests.agreement.layers import a_span, an_annotation, layers
from tests.agreement.test_lines import example

UNITS: Units = [
    ("ana", [(0, 8, "PER"), (15, 20, "LOC"), (30, 41, "ORG"), (50, 53, "PER")]),
    ("bo", [(0, 8, "PER"), (16, 20, "LOC"), (30, 36, "ORG")]),
    ("cy", [(2, 8, "LOC"), (15, 20, "LOC"), (50, 53, "PER"), (60, 70, "ORG")]),
]


def annotations_of(units: Units, document_id: str = "a") -> list[Annotation]:
    """Make annotations of units."""
    return [
        an_annotation(name, [a_span(*span) for span in spans], document_id=document_id)
        for name, spans in units
    ]


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("seed", [0, 5])
def test_gamma_is_that_of_the_package(number: int, seed: int) -> None:
    continuum = Continuum()
    for name, spans in UNITS[:number]:
        for start, end, label in spans:
            continuum.add(name, Segment(start, end), label)
    np.random.seed(seed)
    theirs = continuum.compute_gamma(
        CombinedCategoricalDissimilarity(), n_samples=12, fast=True
    ).gamma

    assert gamma(UNITS[:number], samples=12, seed=seed) == pytest.approx(float(theirs), abs=1e-6)


def test_identical_annotations_have_gamma_1_and_others_less() -> None:
    same = [(name, UNITS[0][1]) for name in ("ana", "bo")]

    assert gamma(same, samples=10, seed=0) == 1.0
    assert (gamma(UNITS, samples=10, seed=0) or 0) < 0.9


def test_gamma_of_all_is_the_mean_of_documents_by_their_spans() -> None:
    annotations = [*annotations_of(UNITS, "a"), *annotations_of(UNITS[:2], "b")]

    result = measure(annotations, with_gamma=True, samples=50)
    of_a, of_b = (row.gamma.value for row in result.by_document)
    assert of_a is not None
    assert of_b is not None
    assert of_a != of_b
    assert result.overall.gamma.value == pytest.approx((11 * of_a + 7 * of_b) / 18)
    assert result.overall.gamma.low == pytest.approx(min(of_a, of_b))
    assert result == measure(annotations[::-1], with_gamma=True, samples=50)


def test_gamma_of_a_document_does_not_depend_on_the_others() -> None:
    alone = gammas(to_columns(annotations_of(UNITS, "a")), seed=1)
    beside = gammas(
        to_columns([*annotations_of(UNITS, "a"), *annotations_of(UNITS[:2], "b")]), seed=1
    )

    assert alone.values[0] == beside.values[0]


def test_only_what_all_have_read_is_aligned() -> None:
    ana, bo, _ = annotations_of(UNITS)
    partly = an_annotation("cy", [(0, 8)], coverage=((0, 25),))

    found = gammas(to_columns([ana, bo, partly]), seed=0)
    assert found.values[0][1] == 5


@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        (annotations_of(UNITS[:1]), "it has one annotator alone"),
        (annotations_of([("ana", []), ("bo", [])]), "nobody marked anything in what all have read"),
        (
            [
                an_annotation("ana", [(0, 5)], coverage=((0, 50),)),
                an_annotation("bo", [(60, 65)], coverage=((50, 100),)),
            ],
            "its annotators have read nothing in common",
        ),
        (
            annotations_of([(f"annotator {number}", [(0, 5, "PER")]) for number in range(7)]),
            "it has more than 6 annotators, which would take hours",
        ),
        (
            [
                an_annotation(
                    name, [(2 * n, 2 * n + 1) for n in range(1001)], coverage=((0, 2002),)
                )
                for name in ("ana", "bo")
            ],
            "it has more than 2,000 spans, which would take hours",
        ),
    ],
    ids=["alone", "nothing", "apart", "many annotators", "many spans"],
)
def test_what_has_no_gamma_is_named_with_the_reason(
    annotations: list[Annotation], why: str
) -> None:
    result = measure(annotations, with_gamma=True, samples=0)

    assert result.gamma_left_out == (LeftOut(document_id="a", why=why),)
    assert result.overall.gamma == Estimate(
        value=None, why="undefined because no document could be aligned"
    )
    assert {row.gamma.why for row in result.by_document} <= {f"undefined because {why}"}


def test_of_many_documents_the_seed_draws_some() -> None:
    columns = to_columns([one for name in "abcdefgh" for one in annotations_of(UNITS[:2], name)])

    found, other = (gammas(columns, seed=seed, most_aligned=21) for seed in (0, 1))
    assert len(found.values) == 3
    assert set(found.left_out.values()) == {
        "the seed drew other documents, and all would take too long"
    }
    assert set(other.values) != set(found.values)


@settings(max_examples=10)
@given(layers(most=3))
def test_whatever_is_marked_gamma_is_a_number_or_named(annotations: list[Annotation]) -> None:
    columns = to_columns(annotations)

    found = gammas(columns, seed=0)
    assert set(found.values) | set(found.left_out) == set(range(len(columns.documents)))
    assert all(value <= 1 for value, _ in found.values.values())


def test_the_state_of_others_is_left_as_it_was() -> None:
    np.random.seed(4)
    expected = np.random.random(3).tolist()
    np.random.seed(4)
    handlers, disabled = list(logging.root.handlers), logging.root.manager.disable
    gammas(to_columns(annotations_of(UNITS)), seed=0)

    assert np.random.random(3).tolist() == expected
    assert (logging.root.handlers, logging.root.manager.disable) == (handlers, disabled)


def test_without_the_package_the_way_to_it_is_said() -> None:
    code = (
        "import sys; sys.modules['pygamma_agreement'] = None\n"
        "from gonerd.agreement.measure import measure\n"
        "try:\n    measure([], with_gamma=True)\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "MissingExtra agreement --gamma: pygamma-agreement is not installed; expected the extra "
        "`gamma`.\nInstall it: pip install 'gonerd[gamma]'\n"
    )


def test_a_report_shows_gamma_and_counts_what_was_left_out() -> None:
    shown = lines(measure(example(), with_gamma=True, samples=10))

    assert "  gamma                                       0." in shown
    assert "exact F1  overlap F1  same label       gamma\n" in shown
    alone = lines(measure(example()[:2], with_gamma=True, samples=10))
    assert "  2 documents without gamma, because it has one annotator alone\n" in alone
