"""Tests that results add up: against peers, over documents, by group, and mistake by mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report, f1_score
from seqeval.scheme import IOB2

import gonerd
from gonerd.bio import TokenSpan, encode
from gonerd.errors import RecordError, TagError, TextMismatch
from gonerd.records import Annotation, Span
from gonerd.score import score_spans
from gonerd.score.api import tag_metrics
from gonerd.score.breakdown import BOUNDS, by_length, by_source
from gonerd.score.compare import compare
from gonerd.score.counts import Counts
from gonerd.score.entities import Labels, from_spans
from gonerd.score.mistakes import KINDS, find_mistakes
from gonerd.score.sides import Sides
from tests.strategies import token_spans

both_sides = st.integers(1, 40).flatmap(
    lambda size: st.tuples(st.just(size), token_spans(size), token_spans(size))
)
any_spans = st.lists(
    st.builds(
        lambda start, size, label: Span(start=start, end=start + size, label=label),
        st.integers(0, 30),
        st.integers(1, 9),
        st.sampled_from(["PER", "LOC"]),
    ),
    max_size=8,
)


@given(st.lists(both_sides, min_size=1, max_size=5))
def test_tags_score_as_in_seqeval(
    documents: list[tuple[int, list[TokenSpan], list[TokenSpan]]],
) -> None:
    gold = [encode(one, size) for size, one, _ in documents]
    said = [encode(one, size) for size, _, one in documents]
    ours = gonerd.score(gold, said)
    if ours.micro.gold and ours.micro.predicted:
        assert (ours.micro.f1 or 0.0) == pytest.approx(
            f1_score(gold, said, mode="strict", scheme=IOB2, zero_division=0)
        )
        theirs = classification_report(
            gold, said, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )
        for label, counts in ours.per_label.items():
            assert (counts.f1 or 0.0) == pytest.approx(theirs[label]["f1-score"])
            assert counts.gold == theirs[label]["support"]
    assert sum((one.counts for one in ours.documents), Counts()) == ours.micro


@given(st.lists(st.tuples(any_spans, any_spans), max_size=5))
def test_spans_score_as_before_and_every_mistake_is_told_once(
    documents: list[tuple[list[Span], list[Span]]],
) -> None:
    labels = Labels()
    sides = [
        Sides(
            document_id=str(number),
            gold=from_spans(gold, labels),
            predicted=from_spans(said, labels),
            text="x" * 40,
        )
        for number, (gold, said) in enumerate(documents)
    ]
    ours, theirs = compare(sides, labels), score_spans(documents)
    assert (ours.micro, dict(ours.per_label)) == (theirs.micro, theirs.per_label)
    found = find_mistakes(sides, labels)
    paired = found.kinds["type"] + found.kinds["border"] + found.kinds["both"]
    assert paired + found.kinds["missed"] == ours.micro.gold - ours.micro.correct
    assert paired + found.kinds["spurious"] == ours.micro.predicted - ours.micro.correct


def test_parts_of_a_discontinuous_entity_count() -> None:
    labels = Labels()
    whole = Span(start=0, end=9, label="PER")
    parted = Span(start=0, end=9, label="PER", fragments=((0, 3), (6, 9)))
    sides = Sides(
        document_id="a",
        gold=from_spans([parted], labels),
        predicted=from_spans([whole], labels),
    )
    assert compare([sides], labels).micro == Counts(correct=0, predicted=1, gold=1)


def test_groups_are_by_position_familiarity_length_and_source() -> None:
    labels = Labels()
    text = "Ana went to Lund and Bo"
    places = [(0, 3, "PER"), (12, 16, "LOC"), (21, 23, "PER")]
    gold = [Span(start=start, end=end, label=label) for start, end, label in places]
    sides = [
        Sides(
            document_id=name,
            gold=from_spans(gold, labels),
            predicted=from_spans(gold[:2], labels),
            num_tokens=size,
            text=text,
            source=source,
            token_starts=from_spans(gold, labels).starts,
        )
        for name, size, source in (("a", 6, "x"), ("b", 600, "y"), ("c", 99_999, "x"))
    ]
    result = compare(sides, labels, seen=frozenset({("PER", "Ana")}))
    assert result.groups == {
        "position": {"to 512": Counts(correct=6, predicted=6, gold=9)},
        "seen": {
            "unseen": Counts(correct=3, predicted=3, gold=6),
            "seen": Counts(correct=3, predicted=3, gold=3),
        },
    }
    lengths = by_length(result.documents)
    assert {size: len(some) for size, some in lengths.items()} == {
        "to 512": 1,
        "to 1,024": 1,
        "over 16,384": 1,
    }
    assert {name: len(some) for name, some in by_source(result.documents).items()} == {
        "x": 2,
        "y": 1,
    }
    assert result.document_macro == pytest.approx(0.8)


def test_an_entity_is_counted_where_it_starts() -> None:
    labels = Labels()
    at = [0, BOUNDS[0] - 1, BOUNDS[0], 20_000]
    entities = from_spans([Span(start=one, end=one + 1, label="X") for one in at], labels)
    sides = Sides(document_id="a", gold=entities, predicted=entities)
    groups = compare([sides], labels).groups["position"]
    assert {name: counts.gold for name, counts in groups.items()} == {
        "to 512": 2,
        "to 1,024": 1,
        "over 16,384": 1,
    }


def test_mistakes_are_shown_in_their_context() -> None:
    labels = Labels()
    text = "Yesterday Ana Berg of Lund met Cy and the Oslo Bank."
    gold = {"Ana Berg": "PER", "Lund": "LOC", "Oslo Bank": "ORG", "Cy": "PER"}
    said = {"Ana": "PER", "Lund": "ORG", "Oslo": "LOC", "Yesterday": "PER"}
    golds, saids = (
        [
            Span(start=text.index(words), end=text.index(words) + len(words), label=label)
            for words, label in one.items()
        ]
        for one in (gold, said)
    )
    sides = Sides(
        document_id="a",
        gold=from_spans(golds, labels),
        predicted=from_spans(saids, labels),
        text=text,
    )
    found = find_mistakes([sides], labels)
    assert found.kinds == dict.fromkeys(KINDS, 1)
    assert found.confusions == {("LOC", "ORG"): 1, ("ORG", "LOC"): 1}
    assert [one.context for one in found.examples] == [
        "Yesterday Ana Berg of [{Lund]LOC}ORG met Cy and the Oslo Bank.",
        "Yesterday [{Ana}PER Berg]PER of Lund met Cy and the Oslo Bank.",
        "Yesterday Ana Berg of Lund met Cy and the [{Oslo}LOC Bank]ORG.",
        "Yesterday Ana Berg of Lund met [Cy]PER and the Oslo Bank.",
        "{Yesterday}PER Ana Berg of Lund met Cy and the Oslo Bank.",
    ]


def annotation(document_id: str, *spans: Span, text: str = "1" * 64) -> Annotation:
    """Annotate a document."""
    return Annotation(
        document_id=document_id,
        text_sha256=text,
        annotator="a",
        guide="",
        coverage=(),
        spans=spans,
    )


def test_annotations_are_paired_by_document() -> None:
    one, other = Span(start=0, end=3, label="PER"), Span(start=5, end=7, label="LOC")
    result = gonerd.score(
        [annotation("a", one), annotation("b", other)],
        [annotation("b", other), annotation("a", other)],
    )
    assert result.micro == Counts(correct=1, predicted=2, gold=2)
    assert [one.document_id for one in result.documents] == ["a", "b"]


@pytest.mark.parametrize(
    ("gold", "predicted", "kind", "message"),
    [
        (
            [["O"], ["O"]], [["O"]], RecordError,
            "predicted: 1 documents; expected 2, as gold has.",
        ),
        (
            [["O", "O"]], [["O"]], TagError,
            "document 0: 1 predicted tags; expected 2, one for each token of gold.",
        ),
        (
            [annotation("a"), annotation("b")], [annotation("a")], RecordError,
            "predicted: nothing for document 'b' (1 such); expected one prediction for each "
            "document of gold, if only an empty one.",
        ),
        (
            [annotation("a")], [annotation("a"), annotation("b")], RecordError,
            "predicted: document 'b' is not in gold (1 such); expected the documents of gold "
            "alone.",
        ),
        (
            [annotation("a")], [annotation("a", text="2" * 64)], TextMismatch,
            "a: predicted on another text (sha256 222222222222...) than gold (111111111111...); "
            "expected the same text.",
        ),
        (
            [annotation("a")], [["O"]], RecordError,
            "predicted: list among annotations; expected one kind.",
        ),
        (
            [annotation("a"), annotation("a")], [annotation("a")], RecordError,
            "gold: a second annotation of 'a', by 'a' after 'a'; expected one for each document.",
        ),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(
    gold: list[object], predicted: list[object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as error:
        gonerd.score(gold, predicted)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_a_trainer_takes_it_as_its_metrics() -> None:
    import numpy as np

    class Prediction:
        label_ids = np.array([[-100, 1, 2, 0, -100]])
        predictions = np.eye(3)[np.array([[1, 1, 2, 2, 0]])]

    names = ["O", "B-PER", "I-PER"]
    assert tag_metrics(names)(Prediction()) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    Prediction.predictions = np.eye(3)[np.array([[1, 1, 2, 0, 0]])]
    assert tag_metrics(names)(Prediction())["f1"] == 1.0
