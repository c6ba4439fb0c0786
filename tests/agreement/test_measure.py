"""Tests that agreement is what one counts by hand, where two have read, in whatever order."""

import math
import time
from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqscore.scoring import score_label_sequences

from gonerd.agreement.measure import measure
from gonerd.agreement.pairs import agreement
from gonerd.agreement.result import Agreement, Estimate
from gonerd.bio import encode
from gonerd.errors import GonerdError, RecordError, SpanError, TextMismatch
from gonerd.records import Annotation, Span, text_sha256
from gonerd.spans import intersect_ranges, merge_ranges, within
from tests.agreement.layers import LENGTH, a_span, an_annotation, layers
from tests.agreement.test_overlap import largest_matching
from tests.strategies import flat_ranges, token_spans

TEXT = "Ana Roe met Bo Lund of Roe & Co. in Lund, and Cy was there.".ljust(LENGTH, ".")


def compared(*annotations: Annotation, texts: dict[str, str] | None = None) -> Agreement:
    """Measure with few resamples, which is enough where intervals are not looked at."""
    return measure(annotations, texts=texts, samples=5)


def f1s(result: Agreement) -> tuple[float | None, float | None]:
    """Pick exact and overlap F1 over everything."""
    return result.overall.exact_f1.value, result.overall.overlap_f1.value


# Known-bad inputs.


@given(flat_ranges(LENGTH, 6).filter(bool))
def test_identical_annotations_agree_wholly(places: list[tuple[int, int]]) -> None:
    result = compared(an_annotation("ana", places), an_annotation("bo", places))

    assert f1s(result) == (1.0, 1.0)
    assert result.overall.label_agreement.value == 1.0
    assert [difference.times for difference in result.differences] == [0, 0, 0]


def test_disjoint_annotations_do_not_agree_at_all() -> None:
    result = compared(an_annotation("ana", [(0, 5)]), an_annotation("bo", [(10, 15), (20, 25)]))

    assert f1s(result) == (0.0, 0.0)
    assert result.overall.label_agreement == Estimate(
        value=None, why="undefined because no two marked the same borders"
    )


def test_spans_shifted_by_one_token_are_between() -> None:
    ana = an_annotation("ana", [(0, 7), (12, 19)], text=TEXT)
    bo = an_annotation("bo", [(4, 11), (15, 22)], text=TEXT)

    result = compared(ana, bo, texts={"a": TEXT})

    assert f1s(result) == (0.0, 1.0)
    assert result.overall.token_kappa.value is not None
    assert 0 < result.overall.token_kappa.value < 1


def test_of_two_who_marked_nothing_every_number_says_why_it_is_undefined() -> None:
    result = compared(an_annotation("ana", [], text=TEXT), an_annotation("bo", [], text=TEXT))

    nobody = "undefined because nobody marked anything in what two have read"
    neither = "undefined because neither marked anything in what both have read"
    no_texts = "undefined because the texts were not given"
    assert [estimate.value for estimate in estimates(result)] == [None] * len(estimates(result))
    assert result.overall.exact_f1.why == result.overall.overlap_f1.why == nobody
    assert result.overall.exact_f1_mean_of_pairs.why == nobody
    assert result.overall.label_agreement.why == nobody
    assert result.overall.label_kappa.why == "undefined because no two marked the same borders"
    assert result.overall.token_kappa.why == result.overall.token_kappa_marked.why == no_texts
    assert result.by_pair[0].exact_f1.why == neither
    assert result.by_document[0].exact_f1.why == nobody
    assert result.by_annotator[0].exact_f1.why == (
        "undefined because no such span lies in what two have read"
    )


def test_of_two_who_marked_no_token_kappa_says_why_it_is_undefined() -> None:
    result = compared(
        an_annotation("ana", [], text=TEXT), an_annotation("bo", [], text=TEXT), texts={"a": TEXT}
    )

    assert result.overall.token_kappa.why == (
        "undefined because all used one label alone, so that chance leaves no room"
    )
    assert result.overall.token_kappa_marked.why == (
        "undefined because nobody marked anything in what two have read"
    )


@pytest.mark.parametrize(
    "annotations",
    [
        [],
        [an_annotation("ana", [(0, 5)])],
        [an_annotation("ana", [(0, 5)], document_id="a"), an_annotation("bo", [], document_id="b")],
        [
            an_annotation("ana", [(0, 5)], coverage=((0, 50),)),
            an_annotation("bo", [(60, 65)], coverage=((50, 100),)),
        ],
        [an_annotation("ana", [(0, 5)], coverage=()), an_annotation("bo", [(0, 5)])],
    ],
    ids=["nobody", "one alone", "other documents", "other halves", "nothing read"],
)
def test_where_no_two_have_read_the_same_nothing_is_compared(
    annotations: list[Annotation],
) -> None:
    result = compared(*annotations, texts={"a": TEXT})

    assert (result.pairs_compared, result.documents_compared) == (0, 0)
    assert {estimate.value for estimate in estimates(result)} == {None}
    assert {
        estimate.why for estimate in overall(result) if estimate is not result.overall.gamma
    } == {"undefined because no two annotators have read the same characters"}


def test_what_only_one_has_read_does_not_count_nor_what_lies_over_its_border() -> None:
    ana = an_annotation("ana", [(0, 5), (48, 53), (60, 65)])
    bo = an_annotation("bo", [(0, 5)], coverage=((0, 50),))

    result = compared(ana, bo)

    assert f1s(result) == (1.0, 1.0)
    assert (result.by_pair[0].characters, result.by_pair[0].spans_of_each) == (50, (1, 1))
    assert [difference.times for difference in result.differences] == [0, 0, 0]


def test_fragments_belong_to_a_span_and_its_hull_overlaps() -> None:
    whole, in_pieces = a_span(0, 10), a_span(0, 10, fragments=((0, 3), (7, 10)))
    inside = a_span(4, 6)

    assert f1s(compared(an_annotation("ana", [whole]), an_annotation("bo", [in_pieces]))) == (0, 1)
    assert f1s(compared(an_annotation("ana", [inside]), an_annotation("bo", [in_pieces]))) == (0, 1)
    assert f1s(compared(an_annotation("ana", [in_pieces]), an_annotation("bo", [in_pieces]))) == (
        1,
        1,
    )


def test_one_fragment_is_no_fragment() -> None:
    one_piece = a_span(0, 10, fragments=((0, 10),))

    result = compared(an_annotation("ana", [one_piece]), an_annotation("bo", [(0, 10)]))
    assert f1s(result) == (1.0, 1.0)


def test_nested_spans_are_each_compared_and_splitting_gains_nothing() -> None:
    ana = an_annotation("ana", [(0, 10), (0, 3)])
    bo = an_annotation("bo", [(0, 10)])

    assert f1s(compared(ana, bo)) == (2 / 3, 2 / 3)


def test_what_one_annotator_says_twice_counts_once_and_is_noted() -> None:
    ana = replace(an_annotation("ana", []), spans=(a_span(0, 5), a_span(0, 5)))

    result = compared(ana, an_annotation("bo", [(0, 5)]))
    assert f1s(result) == (1.0, 1.0)
    assert result.notes == (
        "1 span left out: said twice by its annotator",
        "1 document without its text: names are shown as places, token kappa leaves it out",
    )


def test_annotations_that_cover_only_what_they_mark_are_noted() -> None:
    marked = [
        an_annotation(name, [(0, 5), (3, 8), (20, 22)], coverage=((0, 8), (20, 22)))
        for name in ("ana", "bo")
    ]

    result = compared(*marked, an_annotation("cy", [(0, 100)]), texts={"a": TEXT})
    assert result.notes == (
        "3 annotations of which nothing is known to be read but what is marked: nobody can "
        "disagree about the rest; import with --complete what was read whole",
    )
    assert compared(an_annotation("ana", [(0, 5)]), texts={"a": TEXT}).notes == (
        "1 document left out: annotated by one alone",
    )


# Against counting by hand.


@given(layers())
def test_numbers_are_those_of_counting_by_hand(annotations: list[Annotation]) -> None:
    result = compared(*annotations)

    total: Counter[str] = Counter()
    by_label: Counter[tuple[str, str]] = Counter()
    by_length: Counter[tuple[str, bool]] = Counter()
    pairs = {pair.annotators: pair for pair in result.by_pair}
    documents = {row.name: row for row in result.by_document}
    by_document: Counter[tuple[str, str]] = Counter()
    for left, right in combinations(["ana", "bo", "cy", "di"], 2):
        own: Counter[str] = Counter()
        for document in "abc":
            counted = counts_by_hand(annotations, left, right, document)
            own.update(counted["all"])
            by_document.update({(document, key): n for key, n in counted["all"].items()})
            for label in ("LOC", "PER"):
                by_label.update({(label, key): n for key, n in counted[label].items()})
            for short in (True, False):
                by_length.update({(key, short): n for key, n in counted[str(short)].items()})
        total.update(own)
        if own["characters"]:
            pair = pairs.pop((left, right))
            assert pair.characters == own["characters"]
            check(pair, own)
    assert not pairs
    check(result.overall, total)
    for document, row in documents.items():
        check(row, Counter({key: n for (of, key), n in by_document.items() if of == document}))
    for row in result.by_label:
        check(row, Counter({key: n for (of, key), n in by_label.items() if of == row.name}))
    lengths = {row.name: row for row in result.by_span_length}
    for name, short in (("up to 5", True), ("6 to 10", False)):
        exact = sum(by_length[key, short] for key in ("equal",))
        spans = by_length["spans", short]
        if name in lengths and short:
            assert lengths[name].spans == spans
            assert lengths[name].exact_f1.value == exact / spans


def counts_by_hand(
    annotations: list[Annotation], left: str, right: str, document: str
) -> dict[str, Counter[str]]:
    """Count over both sides what two say about a document: of all, by label, and if short."""
    found: dict[str, Counter[str]] = {
        key: Counter() for key in ("all", "LOC", "PER", "True", "False")
    }
    both = [
        annotation
        for name in (left, right)
        for annotation in annotations
        if (annotation.annotator, annotation.document_id) == (name, document)
    ]
    if len(both) < 2:
        return found
    read = intersect_ranges(*(merge_ranges(annotation.coverage) for annotation in both))
    found["all"]["characters"] = sum(end - start for start, end in read)
    one, other = ({borders_of(span) for span in within(of.spans, read)} for of in both)
    for side, against in ((one, other), (other, one)):
        for span in side:
            keys = ("all", span[3], str(span[1] - span[0] <= 5))
            twins = [sum(1 for own in of if own[:3] == span[:3]) for of in (side, against)]
            for key in keys:
                found[key]["spans"] += 1
                found[key]["equal"] += span in against
                found[key]["places"] += twins == [1, 1]
                found[key]["agreeing"] += twins == [1, 1] and span in against
    for label in ("LOC", "PER"):
        sides = [[span[:2] for span in sorted(of) if span[3] == label] for of in (one, other)]
        matched = 2 * largest_matching(*sides)
        found["all"]["matched"] += matched
        found[label]["matched"] += matched
    return found


def borders_of(span: Span) -> tuple[int, int, tuple[tuple[int, int], ...], str]:
    """Name all that makes a span equal to another."""
    fragments = span.fragments if len(span.fragments) > 1 else ()
    return span.start, span.end, fragments, span.label


def check(row: object, counts: Counter[str]) -> None:
    """Compare three shares with counts over both sides."""
    for name, above, below in (
        ("exact_f1", "equal", "spans"),
        ("overlap_f1", "matched", "spans"),
        ("label_agreement", "agreeing", "places"),
    ):
        value = getattr(row, name).value
        expected = counts[above] / counts[below] if counts[below] else None
        assert value == expected, name


def overall(result: Agreement) -> list[Estimate]:
    """List the numbers over everything."""
    return [getattr(result.overall, name) for name in type(result.overall).__slots__]


def estimates(result: Agreement) -> list[Estimate]:
    """List every number there is."""
    rows = [
        *result.by_label,
        *result.by_annotator,
        *result.by_pair,
        *result.by_document,
        *result.by_span_length,
        *result.by_document_length,
    ]
    found = [
        getattr(row, name)
        for row in rows
        for name in ("exact_f1", "overlap_f1", "label_agreement", "label_kappa", "gamma")
        if hasattr(row, name)
    ]
    return [*overall(result), *found]


@given(layers())
def test_numbers_lie_between_0_and_1_and_overlap_is_no_less_than_exact(
    annotations: list[Annotation],
) -> None:
    result = compared(*annotations)

    for row in (result.overall, *result.by_pair, *result.by_document, *result.by_annotator):
        exact, overlap = row.exact_f1.value, row.overlap_f1.value
        assert (exact is None) == (overlap is None)
        assert exact is None or 0 <= exact <= (overlap or 0) <= 1
    for estimate in estimates(result):
        assert estimate.value is not None or estimate.why.startswith("undefined because ")
        assert estimate.value is None or math.isfinite(estimate.value)


@given(layers())
def test_exact_f1_of_pairs_is_that_of_the_card(annotations: list[Annotation]) -> None:
    without_fragments = [
        replace(one, spans=tuple(replace(span, fragments=()) for span in one.spans))
        for one in annotations
    ]

    theirs = {pair.annotators: pair for pair in agreement(without_fragments)}
    for pair in compared(*without_fragments).by_pair:
        assert pair.exact_f1.value == theirs[pair.annotators].f1
        assert pair.documents == theirs[pair.annotators].num_documents
        assert pair.characters == theirs[pair.annotators].num_characters


@st.composite
def flat_passes(draw: st.DrawFn) -> list[tuple[int, list[list[tuple[int, int, str]]]]]:
    """Draw documents: a number of tokens, and what two say of them."""
    return [
        (num_tokens, [draw(token_spans(num_tokens)) for _ in range(2)])
        for num_tokens in draw(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    ]


@given(flat_passes())
def test_exact_f1_is_that_of_seqscore_on_flat_spans(
    documents: list[tuple[int, list[list[tuple[int, int, str]]]]],
) -> None:
    tags = [[encode(side[which], num_tokens) for num_tokens, side in documents] for which in (0, 1)]
    theirs, _ = score_label_sequences(tags[1], tags[0], "BIO", repair=None)

    result = compared(
        *(
            an_annotation(name, spans, document_id=str(number), coverage=((0, num_tokens),))
            for number, (num_tokens, sides) in enumerate(documents)
            for name, spans in zip(("ana", "bo"), sides, strict=True)
        )
    )
    assert (result.overall.exact_f1.value or 0.0) == pytest.approx(theirs.f1, abs=1e-12)
    for row in result.by_label:
        assert row.exact_f1.value == pytest.approx(theirs.type_scores[row.name].f1, abs=1e-12)


# Order.


@settings(max_examples=50)
@given(st.data(), layers())
def test_the_order_of_storage_changes_nothing(
    data: st.DataObject, annotations: list[Annotation]
) -> None:
    texts = dict.fromkeys("abc", TEXT)
    shuffled = [
        replace(annotation, spans=tuple(data.draw(st.permutations(annotation.spans))))
        for annotation in data.draw(st.permutations(annotations))
    ]

    assert measure(shuffled, texts=texts, samples=20) == measure(
        annotations, texts=texts, samples=20
    )


@settings(max_examples=50)
@given(layers())
def test_the_names_of_annotators_change_nothing_but_names(annotations: list[Annotation]) -> None:
    renamed = [
        replace(one, annotator={"ana": "zoe", "bo": "yva", "cy": "xen", "di": "wim"}[one.annotator])
        for one in annotations
    ]

    ours, theirs = compared(*annotations), compared(*renamed)
    assert estimates_without_names(ours) == pytest.approx(
        estimates_without_names(theirs), nan_ok=True
    )
    assert ours.differences == theirs.differences


def estimates_without_names(result: Agreement) -> list[float]:
    """List the values that do not stand in the order of names."""
    rows = [*result.by_label, *result.by_span_length, *result.by_document]
    found = [row.exact_f1 for row in rows] + [row.overlap_f1 for row in rows]
    return [
        math.nan if estimate.value is None else estimate.value
        for estimate in [*overall(result), *found]
    ]


# Size.


def test_forty_six_annotators_of_two_hundred_documents_are_no_trouble() -> None:
    corpus = [
        an_annotation(
            f"annotator {reader:02}",
            [
                (3 * n, 3 * n + 1 + (n + reader) % 2, "LP"[(n * reader) % 7 == 0])
                for n in range(25)
                if (n * 31 + reader * 17 + number) % 5
            ],
            document_id=f"document {number:03}",
        )
        for reader in range(46)
        for number in range(200)
    ]

    begin = time.perf_counter()
    result = measure(corpus, texts={one.document_id: TEXT for one in corpus})
    assert time.perf_counter() - begin < 120  # a few seconds; the machine may be busy
    assert (result.pairs_compared, result.documents_compared) == (1035, 200)
    assert result.overall.exact_f1.low is not None


# What is refused.


def test_annotations_of_different_texts_are_refused() -> None:
    ana = an_annotation("ana", [])
    bo = replace(an_annotation("bo", []), text_sha256=text_sha256("another text"))

    with pytest.raises(TextMismatch) as error:
        compared(bo, ana)
    assert str(error.value) == (
        "a: 'ana' and 'bo' annotated different texts (sha256); expected the same text."
    )


def test_a_second_annotation_by_one_annotator_is_refused() -> None:
    with pytest.raises(RecordError) as error:
        compared(an_annotation("ana", []), an_annotation("ana", [(0, 5)]))
    assert str(error.value) == ("a: two annotations by 'ana'; expected one, with all its coverage.")


@pytest.mark.parametrize(
    ("coverage", "texts", "kind", "message"),
    [
        (
            ((0, 2**40),),
            {},
            RecordError,
            "a: coverage of 'ana' ends at 1099511627776; expected at most 2147483647.",
        ),
        (
            ((0, 101),),
            {"a": TEXT},
            SpanError,
            "a: coverage of 'ana' ends at 101, past the text; expected at most 100.",
        ),
    ],
    ids=["past any text", "past its text"],
)
def test_a_reading_past_the_end_is_refused(
    coverage: tuple[tuple[int, int], ...],
    texts: dict[str, str],
    kind: type[GonerdError],
    message: str,
) -> None:
    with pytest.raises(kind) as error:
        compared(an_annotation("ana", [], coverage=coverage), texts=texts)
    assert str(error.value) == message
