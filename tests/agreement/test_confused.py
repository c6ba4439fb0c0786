"""Tests that every difference between two is named once, with how often and where."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given

from gonerd.agreement.confused import MOST
from gonerd.agreement.measure import measure
from gonerd.agreement.result import Agreement, Confused, LabelPair
from gonerd.records import Annotation
from gonerd.spans import covers, intersect_ranges, merge_ranges, overlap, within
from tests.agreement.layers import Place, a_span, an_annotation, layers
from tests.agreement.test_measure import borders_of

TEXT = "In Lund  Ana\nRoe met Bo Lund of Roe & Co. in Lund."


def differences(
    *passes: list[Place], text: str | None = TEXT, documents: str = "a"
) -> tuple[Confused, ...]:
    """List what annotators who mark the same in every document confuse."""
    return result_of(*passes, text=text, documents=documents).confused


def result_of(*passes: list[Place], text: str | None = TEXT, documents: str = "a") -> Agreement:
    """Measure what annotators say."""
    return measure(
        [
            an_annotation(
                f"annotator {number}", places, document_id=document, text=TEXT, coverage=((0, 50),)
            )
            for number, places in enumerate(passes)
            for document in documents
        ],
        texts=dict.fromkeys(documents, text) if text is not None else None,
        samples=0,
    )


def test_another_label_is_named_with_both_and_the_place_of_the_first() -> None:
    (found,) = differences([(3, 7, "LOC")], [(3, 7, "PER")], documents="ba")

    assert found == Confused(
        kind="label",
        surfaces=("Lund", "Lund"),
        labels=("LOC", "PER"),
        times=2,
        documents=2,
        document_id="a",
        places=((3, 7), (3, 7)),
        before="In ",
        text="Lund",
        after="  Ana\nRoe met Bo Lund of Roe & Co. in Lu",
    )


def test_other_borders_are_named_with_both_and_blanks_made_one() -> None:
    (found,) = differences([(9, 16, "PER")], [(9, 12, "PER")])

    assert (found.kind, found.surfaces) == ("borders", ("Ana", "Ana Roe"))
    assert (found.places, found.text) == (((9, 12), (9, 16)), "Ana\nRoe")


def test_what_one_missed_is_named_with_the_one_label() -> None:
    (found,) = differences([(21, 28, "PER")], [])

    assert (found.kind, found.surfaces, found.labels) == (
        "missed",
        ("Bo Lund", None),
        ("PER", None),
    )
    assert found.places == ((21, 28),)


def test_two_who_marked_against_three_who_did_not_are_six_times() -> None:
    (found,) = differences([(21, 28)], [(21, 28)], [], [], [])

    assert (found.times, found.documents) == (6, 1)


def test_one_surface_at_two_places_is_counted_together() -> None:
    (found,) = differences([(3, 7, "LOC"), (45, 49, "LOC")], [])

    assert (found.surfaces[0], found.times, found.documents) == ("Lund", 2, 1)
    assert found.places == ((3, 7),)


def test_a_span_that_the_other_has_is_in_no_difference() -> None:
    found = differences([(21, 28), (24, 28, "LOC")], [(21, 28)])

    assert [(one.kind, one.surfaces[0]) for one in found] == [("missed", "Lund")]


def test_a_discontinuous_mention_is_named_by_its_pieces() -> None:
    in_pieces = a_span(9, 28, "PER", ((9, 12), (24, 28)))

    assert [one.surfaces[0] for one in differences([in_pieces], [])] == ["Ana ... Lund"]


@pytest.mark.parametrize(
    ("left", "right", "surfaces"),
    [
        ([(3, 7, "LOC")], [(3, 7, "PER")], ("a[3:7]", "a[3:7]")),
        ([(9, 12)], [(9, 16)], ("a[9:12]", "[9:16]")),
        ([(9, 12)], [], ("a[9:12]", None)),
    ],
    ids=["label", "borders", "missed"],
)
def test_without_a_text_the_place_stands_for_the_name(
    left: list[Place], right: list[Place], surfaces: tuple[str, str | None]
) -> None:
    (found,) = differences(left, right, text=None)

    assert (found.surfaces, found.before, found.text, found.after) == (surfaces, "", "", "")


def test_the_most_frequent_come_first_then_those_in_more_documents_then_by_name() -> None:
    found = differences([(3, 7, "LOC"), (21, 28)], [(9, 12)], [(3, 7, "LOC")])

    assert [(one.surfaces[0], one.times) for one in found] == [
        ("Ana", 2),
        ("Bo Lund", 2),
        ("Lund", 2),
    ]


def test_labels_at_the_same_borders_are_counted_with_those_that_agree() -> None:
    result = result_of([(3, 7, "LOC"), (21, 28)], [(3, 7, "PER"), (21, 28)])

    assert result.label_pairs == (
        LabelPair(labels=("LOC", "PER"), times=1),
        LabelPair(labels=("PER", "PER"), times=1),
    )


def test_beyond_a_thousand_differences_are_counted_and_not_named() -> None:
    text = " ".join(f"name{number:04}" for number in range(MOST + 200))
    places: list[Place] = [(9 * number, 9 * number + 8) for number in range(MOST + 200)]
    result = measure(
        [
            an_annotation("ana", places, text=text, coverage=((0, len(text)),)),
            an_annotation("bo", [], text=text, coverage=((0, len(text)),)),
        ],
        texts={"a": text},
        samples=0,
    )

    assert len(result.confused) == MOST
    assert [(one.times, one.distinct) for one in result.differences] == [
        (0, 0),
        (0, 0),
        (1200, 1200),
    ]


@given(layers(most=3))
def test_differences_are_those_of_looking_at_every_span(annotations: list[Annotation]) -> None:
    times: Counter[str] = Counter()
    for one, other in permutations(annotations, 2):
        if one.document_id != other.document_id or one.annotator == other.annotator:
            continue
        times.update(kinds_by_hand(one, other))

    found = {kind.kind: kind.times for kind in measure(annotations, samples=0).differences}
    assert found == {
        "label": times["label"] // 2,
        "borders": times["borders"] // 2,
        "missed": times["missed"],
    }


def kinds_by_hand(one: Annotation, other: Annotation) -> Counter[str]:
    """Count the differences of one reading from another, those of pairs from either side."""
    read = intersect_ranges(merge_ranges(one.coverage), merge_ranges(other.coverage))
    mine, theirs = (
        {borders_of(span): span for span in within(of.spans, read)} for of in (one, other)
    )
    assert all(covers(read, key[0], key[1]) for key in (*mine, *theirs))
    agreed = set(mine) & set(theirs)
    relabelled = {
        (a, b) for a in set(mine) - agreed for b in set(theirs) - agreed if a[:3] == b[:3]
    }
    left = set(mine) - agreed - {a for a, _ in relabelled}
    right = set(theirs) - agreed - {b for _, b in relabelled}
    shifted = {(a, b) for a in left for b in right if overlap(mine[a], theirs[b])}
    return Counter(
        label=len(relabelled),
        borders=len(shifted),
        missed=len(left - {a for a, _ in shifted}),
    )
