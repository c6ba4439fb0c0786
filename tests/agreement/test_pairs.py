"""Tests that agreement between annotators counts what both have read, and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.agreement import PairAgreement, add_agreements, agreement
from gonerd.errors import GonerdError
from gonerd.records import Annotation, Range, Span, text_sha256
from gonerd.score import Counts
from tests.strategies import flat_ranges, ranges


def an_annotation(
    annotator: str,
    places: list[tuple[int, int]] | list[Range],
    *,
    coverage: tuple[Range, ...] = ((0, 100),),
    document_id: str = "a",
    label: str = "PER",
) -> Annotation:
    """Make an annotation with spans of one label."""
    return Annotation(
        document_id=document_id,
        text_sha256=text_sha256(document_id),
        annotator=annotator,
        guide="gonerd@1",
        coverage=coverage,
        spans=tuple(Span(start=start, end=end, label=label) for start, end in places),
    )


@st.composite
def layers(draw: st.DrawFn) -> list[Annotation]:
    """Draw the annotations of up to four people over up to three documents."""
    return [
        an_annotation(
            annotator,
            draw(flat_ranges(100, 6)),
            coverage=draw(st.just(((0, 100),)) | ranges(longest=100)),
            document_id=document_id,
            label=draw(st.sampled_from(["PER", "LOC"])),
        )
        for annotator in ["ana", "bo", "cy", "di"][: draw(st.integers(0, 4))]
        for document_id in draw(st.sets(st.sampled_from("abc")).map(sorted))
    ]


def pair_of(annotations: list[Annotation]) -> PairAgreement:
    """Compare exactly two annotators."""
    (pair,) = agreement(annotations)
    return pair


@given(flat_ranges(100, 6))
def test_identical_annotations_agree_wholly(places: list[Range]) -> None:
    pair = pair_of([an_annotation("ana", places), an_annotation("bo", places)])

    assert pair.f1 == (1.0 if places else None)
    assert (pair.num_documents, pair.num_characters) == (1, 100)


def test_disjoint_annotations_do_not_agree_at_all() -> None:
    pair = pair_of([an_annotation("ana", [(0, 5)]), an_annotation("bo", [(10, 15), (20, 25)])])

    assert pair.f1 == 0.0
    assert pair.score.micro == Counts(correct=0, predicted=2, gold=1)


@given(flat_ranges(99, 6).map(lambda places: [p for p in places if p[1] - p[0] > 1]))
def test_annotations_shifted_by_one_character_do_not_agree_at_all(places: list[Range]) -> None:
    shifted = [(start + 1, end + 1) for start, end in places]
    pair = pair_of([an_annotation("ana", places), an_annotation("bo", shifted)])

    assert pair.f1 == (0.0 if places else None)


def test_the_same_place_under_another_label_is_no_agreement() -> None:
    pair = pair_of(
        [an_annotation("ana", [(0, 5)], label="PER"), an_annotation("bo", [(0, 5)], label="LOC")]
    )

    assert pair.f1 == 0.0
    assert sorted(pair.score.per_label) == ["LOC", "PER"]


def test_what_only_one_has_read_does_not_count() -> None:
    ana = an_annotation("ana", [(0, 5), (60, 65)], coverage=((0, 100),))
    bo = an_annotation("bo", [(0, 5)], coverage=((0, 50),))

    pair = pair_of([ana, bo])
    assert pair.f1 == 1.0
    assert pair.num_characters == 50


def test_a_span_over_the_border_of_what_both_have_read_does_not_count() -> None:
    ana = an_annotation("ana", [(0, 5), (48, 53)], coverage=((0, 100),))
    bo = an_annotation("bo", [(0, 5)], coverage=((0, 50),))

    assert pair_of([ana, bo]).score.micro == Counts(correct=1, predicted=1, gold=1)


def test_reading_in_two_sittings_is_reading_in_one() -> None:
    ana = an_annotation("ana", [(48, 53)], coverage=((0, 50), (50, 100)))
    bo = an_annotation("bo", [(48, 53)])

    assert pair_of([ana, bo]).f1 == 1.0


def test_annotators_with_no_document_in_common_have_no_agreement() -> None:
    pair = pair_of(
        [
            an_annotation("ana", [(0, 5)], document_id="a"),
            an_annotation("bo", [(0, 5)], document_id="b"),
        ]
    )

    assert pair.f1 is None
    assert (pair.num_documents, pair.num_characters) == (0, 0)


def test_annotators_who_read_different_halves_have_no_agreement() -> None:
    ana = an_annotation("ana", [(0, 5)], coverage=((0, 50),))
    bo = an_annotation("bo", [(60, 65)], coverage=((50, 100),))

    pair = pair_of([ana, bo])
    assert pair.f1 is None
    assert (pair.num_documents, pair.num_characters) == (0, 0)


def test_nobody_and_a_single_annotator_give_no_pairs() -> None:
    assert agreement([]) == []
    assert agreement([an_annotation("ana", [(0, 5)])]) == []


def test_every_two_annotators_are_compared_in_alphabetical_order() -> None:
    names = [
        pair.annotators for pair in agreement([an_annotation(n, []) for n in ("cy", "bo", "ana")])
    ]

    assert names == [("ana", "bo"), ("ana", "cy"), ("bo", "cy")]


@given(st.data(), layers())
def test_the_order_of_storage_does_not_matter(
    data: st.DataObject, annotations: list[Annotation]
) -> None:
    shuffled = [
        replace(annotation, spans=tuple(data.draw(st.permutations(annotation.spans))))
        for annotation in data.draw(st.permutations(annotations))
    ]

    assert agreement(shuffled) == agreement(annotations)


@given(layers())
def test_agreement_counts_the_exact_spans_that_both_have_read(
    annotations: list[Annotation],
) -> None:
    for pair in agreement(annotations):
        correct = predicted = gold = characters = documents = 0
        for document_id in "abc":
            both = [
                annotation
                for name in pair.annotators
                for annotation in annotations
                if (annotation.annotator, annotation.document_id) == (name, document_id)
            ]
            if len(both) < 2:
                continue
            read = set.intersection(
                *({c for start, end in one.coverage for c in range(start, end)} for one in both)
            )
            left, right = (
                {
                    (span.start, span.end, span.label)
                    for span in one.spans
                    if read >= set(range(span.start, span.end))
                }
                for one in both
            )
            correct += len(left & right)
            gold += len(left)
            predicted += len(right)
            characters += len(read)
            documents += bool(read)
        assert pair.score.micro == Counts(correct=correct, predicted=predicted, gold=gold)
        assert (pair.num_characters, pair.num_documents) == (characters, documents)


@given(layers())
def test_agreements_over_parts_add_up_to_the_agreement_over_all(
    annotations: list[Annotation],
) -> None:
    first = [annotation for annotation in annotations if annotation.document_id == "a"]
    rest = [annotation for annotation in annotations if annotation.document_id != "a"]
    known = {pair.annotators for pair in agreement(first)} | {
        pair.annotators for pair in agreement(rest)
    }

    assert add_agreements(agreement(first), agreement(rest)) == [
        pair for pair in agreement(annotations) if pair.annotators in known
    ]


def test_annotations_of_different_texts_are_not_compared() -> None:
    ana = an_annotation("ana", [(0, 5)])
    bo = replace(an_annotation("bo", [(0, 5)]), text_sha256=text_sha256("another text"))

    with pytest.raises(GonerdError) as error:
        agreement([ana, bo])
    assert str(error.value).startswith("a: ")


def test_a_second_annotation_by_the_same_annotator_is_not_lost_in_silence() -> None:
    first = an_annotation("ana", [(0, 5)], coverage=((0, 50),))
    second = an_annotation("ana", [(60, 65)], coverage=((50, 100),))

    with pytest.raises(GonerdError) as error:
        agreement([first, second, an_annotation("bo", [(0, 5), (60, 65)])])
    assert str(error.value).startswith("a: ")
