"""Tests that kappa is that of a table counted by hand."""

import numpy as np
import pytest

from gonerd.agreement.measure import measure
from gonerd.agreement.result import Agreement, Estimate
from gonerd.agreement.tables import excess
from gonerd.records import Annotation
from tests.agreement.layers import Place, an_annotation


def two(
    left: list[Place], right: list[Place], texts: dict[str, str] | None = None, **values: object
) -> Agreement:
    """Measure what two say about one document."""
    return measure(
        [an_annotation("ana", left, **values), an_annotation("bo", right, **values)],  # type: ignore[arg-type]
        texts=texts,
        samples=0,
    )


def labelled(*times: tuple[str, str, int]) -> tuple[list[Place], list[Place]]:
    """Make places that two label so, as many times."""
    pairs = [(one, other) for one, other, number in times for _ in range(number)]
    left: list[Place] = [(2 * n, 2 * n + 1, one) for n, (one, _) in enumerate(pairs)]
    right: list[Place] = [(2 * n, 2 * n + 1, other) for n, (_, other) in enumerate(pairs)]
    return left, right


def test_kappa_of_labels_is_that_of_a_table_counted_by_hand() -> None:
    # 50 places: 20 and 15 on the diagonal; ana says A 25 times, bo 30 times.
    left, right = labelled(("A", "A", 20), ("A", "B", 5), ("B", "A", 10), ("B", "B", 15))

    result = two(left, right)

    by_chance = 25 / 50 * 30 / 50 + 25 / 50 * 20 / 50
    assert result.overall.label_agreement.value == 0.7
    assert result.overall.label_kappa.value == pytest.approx((0.7 - by_chance) / (1 - by_chance))
    assert result.overall.label_kappa.value == pytest.approx(0.4)
    assert result.by_pair[0].label_kappa.value == result.overall.label_kappa.value


@pytest.mark.parametrize(
    ("times", "kappa"),
    [
        ([("A", "A", 5), ("B", "B", 5)], 1.0),
        ([("A", "B", 5), ("B", "A", 5)], -1.0),
        ([("A", "A", 1), ("A", "B", 1), ("B", "A", 1), ("B", "B", 1)], 0.0),
        ([("A", "B", 3)], 0.0),
    ],
    ids=["all the same", "all the other", "by chance", "never the same"],
)
def test_kappa_at_its_ends(times: list[tuple[str, str, int]], kappa: float) -> None:
    assert two(*labelled(*times)).overall.label_kappa.value == pytest.approx(kappa)


def test_kappa_of_one_label_alone_is_undefined() -> None:
    assert two(*labelled(("A", "A", 5))).overall.label_kappa == Estimate(
        value=None,
        why="undefined because all used one label alone, so that chance leaves no room",
    )


def test_places_with_several_labels_of_one_annotator_are_left_out() -> None:
    left, right = labelled(("A", "A", 3), ("B", "A", 1))

    result = two([*left, (0, 1, "B")], right)
    assert result.overall.label_agreement.value == pytest.approx(2 / 3)


def test_several_pairs_are_strata() -> None:
    left, right = labelled(("A", "A", 20), ("A", "B", 5), ("B", "A", 10), ("B", "B", 15))
    other_left, other_right = labelled(("A", "A", 4), ("B", "C", 4))

    result = measure(
        [
            an_annotation("ana", left),
            an_annotation("bo", right),
            an_annotation("cy", other_left, document_id="b"),
            an_annotation("di", other_right, document_id="b"),
        ],
        samples=0,
    )
    # 50 places at 0.7 against 0.5, and 8 at 0.5 against 0.25.
    gained, room = 50 * (0.7 - 0.5) + 8 * (0.5 - 0.25), 50 * 0.5 + 8 * 0.75
    assert result.overall.label_kappa.value == pytest.approx(gained / room)


TEXT = "Ana Roe met Bo, of Lund & Co."
"""Ten tokens: Ana, Roe, met, Bo, the comma, of, Lund, &, Co and the full stop."""


def test_kappa_of_tokens_is_that_of_a_table_counted_by_hand() -> None:
    whole = ((0, len(TEXT)),)
    result = two(
        [(0, 7, "PER"), (12, 14, "PER"), (19, 29, "ORG")],
        [(0, 3, "PER"), (12, 14, "PER"), (19, 23, "LOC")],
        {"a": TEXT},
        text=TEXT,
        coverage=whole,
    )
    # ana: PER 3, ORG 4, O 3; bo: PER 2, LOC 1, O 7; both PER 2, O 3.
    agreed, by_chance = 5 / 10, (3 * 2 + 3 * 7) / 100
    assert result.overall.token_kappa.value == pytest.approx((agreed - by_chance) / (1 - by_chance))
    assert result.by_pair[0].token_kappa.value == result.overall.token_kappa.value
    # Without the three that both leave unmarked: bo O 4, both PER 2 of 7.
    agreed, by_chance = 2 / 7, (3 * 2) / 49
    assert result.overall.token_kappa_marked.value == pytest.approx(
        (agreed - by_chance) / (1 - by_chance)
    )


def test_only_tokens_that_both_have_read_count_and_the_widest_span_names_them() -> None:
    result = measure(
        [
            an_annotation("ana", [(0, 7, "PER"), (4, 7, "LOC")], text=TEXT, coverage=((0, 14),)),
            an_annotation("bo", [(0, 3, "PER")], text=TEXT, coverage=((0, 11), (12, 29))),
        ],
        texts={"a": TEXT},
        samples=0,
    )
    # Ana, Roe, met, Bo: ana PER PER O O, bo PER O O O.
    agreed, by_chance = 3 / 4, (2 * 1 + 2 * 3) / 16
    assert result.overall.token_kappa.value == pytest.approx((agreed - by_chance) / (1 - by_chance))


def test_documents_without_a_text_have_no_token_kappa() -> None:
    annotations: list[Annotation] = [
        an_annotation(name, [(0, 3)], document_id=document, text=TEXT, coverage=((0, 29),))
        for name in ("ana", "bo")
        for document in ("a", "b")
    ]

    with_one = measure(annotations, texts={"a": TEXT}, samples=0)
    assert with_one.overall.token_kappa.value == 1.0
    assert measure(annotations, samples=0).overall.token_kappa.why == (
        "undefined because the texts were not given"
    )


def test_the_excess_of_nothing_is_nothing() -> None:
    gained, room = excess(np.zeros((5, 3)))

    assert gained.tolist() == room.tolist() == [0, 0, 0]
