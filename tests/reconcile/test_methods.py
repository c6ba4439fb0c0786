"""Tests of what every method promises, whoever the annotators are, and of which one is taken."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.crowd import conll03_mturk, scored
from benchmarks.simulate import Habits, simulate
from gonerd.errors import ConfigError
from gonerd.gather import Annotated, Gathered
from gonerd.reconcile.decide import AGREEMENT, Reconciled, reconcile_document
from gonerd.reconcile.methods import ENOUGH, choose, read_corpus
from gonerd.reconcile.plain import Reconciliation, reconcile_gathered
from gonerd.records import Dispute, Span
from gonerd.rulings import METHODS, Method
from gonerd.score import score_spans
from gonerd.spans import covers, merge_ranges, overlap, within
from tests.reconcile.crowds import (
    LABELS,
    NAMES,
    SENTENCE,
    Mark,
    a_document,
    by_all,
    crowds,
    gathered,
    said_by,
)
from tests.reconcile.test_decide import rulings
from tests.reconcile.test_units import any_text

every_method = pytest.mark.parametrize("method", METHODS)
some = settings(max_examples=40)


def reconciled(items: Sequence[Gathered], method: str, **options: Any) -> Reconciliation:
    """Reconcile by a method, with labels in a fixed order."""
    return reconcile_gathered(items, method=method, labels=LABELS, **options)  # type: ignore[arg-type]


def gold(item: Gathered, method: str) -> tuple[Span, ...]:
    """Reconcile one document."""
    return reconciled([item], method).gold[0].spans


def marks(spans: Sequence[Span]) -> list[Mark]:
    """Say what spans say, in order."""
    return [(span.start, span.end, span.label) for span in spans]


def once(item: Gathered) -> list[Span]:
    """Keep one of the spans of the first annotator that differ only in their pieces."""
    kept = {(span.start, span.end, span.label): span for span in item.annotations[0].spans}
    return sorted(kept.values(), key=lambda span: (span.start, -span.end, span.label))


# Laws.


@every_method
@some
@given(items=st.lists(crowds(), min_size=1, max_size=3), data=st.data())
def test_order_of_documents_annotators_and_spans_changes_nothing(
    method: str, items: list[Gathered], data: st.DataObject
) -> None:
    named = [
        replace(
            item,
            document_id=f"d{number}",
            annotations=tuple(replace(one, document_id=f"d{number}") for one in item.annotations),
        )
        for number, item in enumerate(items)
    ]
    shuffled = [
        replace(
            item,
            annotations=tuple(
                replace(one, spans=tuple(data.draw(st.permutations(one.spans))))
                for one in data.draw(st.permutations(item.annotations))
            ),
        )
        for item in data.draw(st.permutations(named))
    ]
    assert reconciled(shuffled, method) == reconciled(named, method)


@pytest.mark.parametrize("method", ["vote", "weighted"])
@some
@given(item=crowds(flat=True, at_most=1))
def test_one_annotator_is_gold(method: str, item: Gathered) -> None:
    (annotation,) = item.annotations
    assert marks(gold(item, method)) == marks(within(annotation.spans, annotation.coverage))


@every_method
def test_one_annotator_of_several_documents_is_gold(method: str) -> None:
    said: list[Mark] = [(0, 7, "PER"), (12, 14, "PER"), (18, 28, "ORG"), (48, 53, "LOC")]
    items = [by_all(said[number % 3 :], document_id=f"d{number}") for number in range(9)]
    found = [marks(one.spans) for one in reconciled(items, method).gold]
    assert found == [said[number % 3 :] for number in range(9)]


@every_method
@some
@given(item=crowds(texts=any_text, at_most=1), count=st.integers(2, 4))
def test_identical_passes_give_that_pass(method: str, item: Gathered, count: int) -> None:
    assert item.document is not None
    said = once(item)
    passes = [said_by(name, item.document, *said) for name in NAMES[:count]]
    result = reconciled([gathered(item.document, passes)], method)
    assert marks(result.gold[0].spans) == marks(said)
    assert {span.support for span in result.gold[0].spans} <= {count}
    assert result.losses == ()
    for place in result.places:
        claimed = [marks(claim.spans) for claim in place.claims]
        assert claimed == [marks(place.settlement)] * count
        assert place.certainty is not None


@every_method
def test_nested_and_discontinuous_mentions_that_all_mark_hold(method: str) -> None:
    pieces = Span(start=30, end=47, label="LOC", fragments=((30, 33), (43, 47)))
    said = [
        Span(start=0, end=14, label="ORG"),
        Span(start=0, end=7, label="PER"),
        Span(start=0, end=3, label="PER"),
        Span(start=18, end=28, label="ORG"),
        Span(start=18, end=28, label="LOC"),
        pieces,
    ]
    result = reconciled([by_all(said, said, said)], method)
    found = result.gold[0].spans
    assert [replace(span, confidence=None) for span in found] == [
        replace(span, support=3)
        for span in sorted(said, key=lambda one: (one.start, -one.end, one.label))
    ]
    assert all((span.confidence or 0.0) > AGREEMENT[result.method] for span in found)
    assert result.disputes == ()


@every_method
@some
@given(item=crowds(at_most=3))
def test_annotator_who_read_nothing_has_no_say(method: str, item: Gathered) -> None:
    assert item.document is not None
    idle = said_by("bob", item.document, coverage=())
    more = replace(item, annotations=(*item.annotations, idle))
    assert reconciled([more], method) == reconciled([item], method)


@every_method
@some
@given(item=crowds(texts=any_text))
def test_those_have_a_say_who_read_the_place_or_marked_something_there(
    method: str, item: Gathered
) -> None:
    for place in reconciled([item], method).places:
        expected = {}
        for one in item.annotations:
            coverage = merge_ranges(one.coverage)
            spans = [
                span
                for span in dict.fromkeys(within(one.spans, coverage))
                if span.start < place.end and place.start < span.end
            ]
            if spans or covers(coverage, place.start, place.end):
                expected[one.annotator] = spans
        assert {claim.annotator: list(claim.spans) for claim in place.claims} == expected


@every_method
@some
@given(item=crowds(texts=any_text))
def test_gold_says_something_where_anybody_read_and_nowhere_else(
    method: str, item: Gathered
) -> None:
    (found,) = reconciled([item], method).gold
    assert found.coverage == merge_ranges(pair for one in item.annotations for pair in one.coverage)
    assert within(found.spans, found.coverage) == list(found.spans)


@every_method
@some
@given(item=crowds(texts=any_text, flat=True))
def test_gold_of_flat_annotations_is_flat(method: str, item: Gathered) -> None:
    assert all(left.end <= right.start for left, right in pairwise(gold(item, method)))


@every_method
@some
@given(item=crowds(texts=any_text))
def test_gold_says_nothing_twice(method: str, item: Gathered) -> None:
    found = Counter(marks(gold(item, method)))
    if method != "vote":  # which tells apart what is whole and what is in pieces
        assert set(found.values()) <= {1}


@pytest.mark.parametrize("method", ["vote", "weighted"])
@some
@given(item=crowds(texts=any_text))
def test_gold_has_borders_and_labels_that_somebody_marked_there(
    method: str, item: Gathered
) -> None:
    said = [span for one in item.annotations for span in within(one.spans, one.coverage)]
    for span in gold(item, method):
        assert (span.start, span.end) in {(one.start, one.end) for one in said}
        assert span.label in {one.label for one in said if overlap(one, span)}


@every_method
@some
@given(item=crowds(texts=any_text))
def test_gold_lies_in_places_that_somebody_marked(method: str, item: Gathered) -> None:
    result = reconciled([item], method)
    assert sorted(result.gold[0].spans, key=repr) == sorted(
        (span for place in result.places for span in place.settlement), key=repr
    )
    for place in result.places:
        assert any(claim.spans for claim in place.claims)
        for span in place.settlement:
            assert place.start <= span.start < span.end <= place.end


@every_method
@some
@given(item=crowds(texts=any_text), agreement=st.sampled_from([None, 0.5, 0.7, 0.95]))
def test_disputes_are_the_places_no_more_certain_than_asked(
    method: Method, item: Gathered, agreement: float | None
) -> None:
    result = reconciled([item], method, agreement=agreement)
    threshold = AGREEMENT[method] if agreement is None else agreement
    doubtful = [one for one in result.places if (one.certainty or 0.0) <= threshold]
    assert {one.start for one in result.disputes} == {one.start for one in doubtful}
    assert {one.settled_by for one in result.places} <= {method}
    impacts = [one.impact or 0.0 for one in result.disputes]
    assert impacts == sorted(impacts, reverse=True)


def ruled(item: Gathered, method: Method, settled: Sequence[Dispute]) -> Reconciled:
    """Reconcile a document that people have ruled on."""
    rules = {item.document_id: settled}
    readings = read_corpus(method, "", [item], LABELS, rules)
    return reconcile_document(
        item.document_id,
        item.document.text_sha256 if item.document else "",
        item.annotations,
        guide="test@1",
        method=method,
        settle=readings.of(item.document_id, LABELS, AGREEMENT[method]),
        agreement=AGREEMENT[method],
        open_disputes="settle",
        settled=settled,
    )


@every_method
@some
@given(item=crowds(), settled=rulings())
def test_rulings_hold_and_are_not_asked_again(
    method: Method, item: Gathered, settled: list[Dispute]
) -> None:
    result = ruled(item, method, settled)
    held = {span for one in settled for span in one.settlement}
    assert held <= set(result.gold.spans)
    for start, end in ((one.start, one.end) for one in settled):
        assert not any(one.start < end and start < one.end for one in result.disputes)
        touching = {one for one in result.gold.spans if one.start < end and start < one.end}
        assert touching <= held


@every_method
@some
@given(item=crowds(flat=True), settled=rulings())
def test_rulings_keep_gold_flat(method: Method, item: Gathered, settled: list[Dispute]) -> None:
    spans = ruled(item, method, settled).gold.spans
    assert all(left.end <= right.start for left, right in pairwise(spans))


@pytest.mark.parametrize("method", ["weighted", "sequence"])
def test_what_is_ruled_on_teaches_nothing_about_the_annotators(method: Method) -> None:
    items = [
        by_all([(0, 7, "PER")], [(0, 7, "PER"), (18, 28, "LOC")], [(0, 3, "PER")], document_id=name)
        for name in "abcdefgh"
    ]
    sha256 = a_document(SENTENCE).text_sha256
    rules: Mapping[str, Sequence[Dispute]] = {
        item.document_id: [
            Dispute(
                document_id=item.document_id,
                text_sha256=sha256,
                start=18,
                end=28,
                claims=(),
                settled_by="eva",
            )
        ]
        for item in items
    }
    cut = [
        replace(
            item,
            annotations=tuple(
                replace(
                    one,
                    coverage=((0, 18), (28, len(SENTENCE))),
                    spans=tuple(span for span in one.spans if span.start != 18),
                )
                for one in item.annotations
            ),
        )
        for item in items
    ]
    assert read_corpus(method, "", items, LABELS, rules) == read_corpus(method, "", cut, LABELS, {})


# Cases.


@pytest.mark.parametrize("method", ["vote", "weighted"])
@pytest.mark.parametrize(
    "said",
    [
        [[(0, 7, "PER")], []],
        [[(0, 7, "PER")], [(0, 3, "PER")]],
        [[(0, 7, "PER")], [(0, 7, "ORG")]],
        [[(0, 7, "PER")], [(0, 7, "ORG")], [(0, 7, "LOC")]],
        [[(0, 7, "PER")], [(4, 14, "PER")], []],
    ],
    ids=["presence", "border", "label", "three labels", "all"],
)
def test_tie_is_a_dispute(method: str, said: list[list[Mark]]) -> None:
    result = reconciled([by_all(*said)], method)
    assert [(one.settled_by, one.claims[0].annotator) for one in result.disputes] == [
        (method, "ana")
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_tie_of_labels_is_a_dispute_of_the_sequence_model(count: int) -> None:
    result = reconciled([by_all(*[[(0, 7, label)] for label in LABELS[:count]])], "sequence")
    (dispute,) = result.disputes
    assert dispute.certainty is not None
    assert dispute.certainty < 0.5


@every_method
def test_span_said_twice_by_its_annotator_is_one(method: str) -> None:
    twice: list[Mark] = [(0, 7, "PER"), (0, 7, "PER")]
    result = reconciled([by_all(twice, [(0, 7, "PER")], twice)], method)
    assert marks(result.gold[0].spans) == [(0, 7, "PER")]
    assert result.gold[0].spans[0].support == 3
    assert [(one.what, one.why) for one in result.losses] == [
        ("span dropped", "said twice by its annotator")
    ] * 2


@every_method
def test_name_that_all_mark_holds_though_some_mark_another_around_it(method: str) -> None:
    both: list[Mark] = [(0, 14, "ORG"), (0, 7, "PER")]
    inner: list[Mark] = [(0, 7, "PER")]
    result = reconciled([by_all(both, inner, both, inner)], method)
    assert (0, 7, "PER") in marks(result.gold[0].spans)
    assert len(result.disputes) == (1 if method == "vote" else len(result.disputes))


@pytest.mark.parametrize("method", ["weighted", "sequence"])
def test_mention_whole_and_in_pieces_by_everybody_is_one_mention(method: str) -> None:
    pieces = Span(start=0, end=14, label="PER", fragments=((0, 7), (12, 14)))
    said = [Span(start=0, end=14, label="PER"), pieces]
    (found,) = gold(by_all(said, said), method)
    assert marks([found]) == [(0, 14, "PER")]


@every_method
def test_documents_without_names_or_readers_are_in_the_gold_all_the_same(method: str) -> None:
    items = [
        by_all([(0, 7, "PER")], [(0, 7, "PER")], document_id="a"),
        by_all([], [], document_id="b"),
        gathered(a_document(SENTENCE, "c"), []),
        gathered(a_document("", "d"), [said_by("ana", a_document("", "d"))]),
    ]
    result = reconciled(items, method)
    assert [(one.document_id, one.coverage) for one in result.gold] == [
        ("a", ((0, len(SENTENCE)),)),
        ("b", ((0, len(SENTENCE)),)),
        ("c", ()),
        ("d", ()),
    ]


@every_method
def test_text_in_any_script_is_reconciled(method: str) -> None:
    texts = {
        "a": "\u738b\u5c0f\u660e\u5728\u5317\u4eac",
        "b": "\u0632\u0627\u0631 \u0639\u0644\u064a \u062d\u0644\u0628",
        "c": "\U0001f600\U0001f469\u200d\U0001f467 !!",
    }
    said: list[Mark] = [(0, 3, "PER"), (4, 6, "LOC")]
    items = [by_all(said, said, said, text=text, document_id=name) for name, text in texts.items()]
    assert [marks(one.spans) for one in reconciled(items, method).gold] == [said] * 3


# Which method.


def readers(count: int, marked: int, *, text: bool = True) -> Gathered:
    """Let some people mark the same name, so often in all."""
    said: list[Mark] = [(0, 7, "PER")]
    item = by_all(*[said] * marked, *[[]] * (count - marked))
    return item if text else replace(item, document=None)


def many(item: Gathered, num_marks: int) -> list[Gathered]:
    """Repeat a document until there are so many marks."""
    each = sum(len(one.spans) for one in item.annotations)
    return [replace(item, document_id=f"d{number}") for number in range(num_marks // each)]


def test_auto_takes_the_sequence_model_where_there_is_enough() -> None:
    items = many(readers(4, 4), ENOUGH)
    assert choose("auto", items) == (
        "sequence",
        f"{ENOUGH // 4} of {ENOUGH // 4} documents have 2 readers or more",
    )


def test_auto_takes_the_weighted_vote_where_a_text_is_missing() -> None:
    items = many(readers(4, 4), ENOUGH)
    items[7] = replace(items[7], document=None)
    assert choose("auto", items) == (
        "weighted",
        f"{ENOUGH // 4} of {ENOUGH // 4} documents have 2 readers or more; the texts were not "
        "given, which the sequence model needs",
    )


def test_auto_takes_the_vote_where_there_is_little() -> None:
    items = many(readers(4, 4), ENOUGH)[1:]
    assert choose("auto", items) == (
        "vote",
        f"{ENOUGH - 4} marks in all; too few to learn anybody's habits from",
    )


@pytest.mark.parametrize("double", [0, ENOUGH // 2])
def test_auto_takes_the_vote_where_most_documents_have_one_reader(double: int) -> None:
    items = [readers(1, 1)] * ENOUGH + [readers(2, 2)] * double
    method, why = choose("auto", items)
    assert method == "vote"
    assert why == (
        f"{double:,} of {ENOUGH + double:,} documents have 2 readers or more; nothing to reconcile "
        "in the others"
    )


@pytest.mark.parametrize("items", [[], [gathered(a_document(SENTENCE), [])]])
def test_auto_takes_the_vote_where_there_is_nobody(items: list[Gathered]) -> None:
    assert choose("auto", items)[0] == "vote"


@every_method
def test_what_is_asked_for_is_taken(method: Method) -> None:
    assert choose(method, []) == (method, "it was asked for")


def test_sequence_model_asks_for_texts() -> None:
    items = [replace(by_all([(0, 7, "PER")], document_id=name), document=None) for name in "ba"]
    with pytest.raises(ConfigError) as error:
        reconciled(items, "sequence")
    assert str(error.value) == (
        "method 'sequence': the text of a is not given (2 such); expected the text of every "
        "document.\nGive them with --documents, or take --method weighted."
    )


# Against the truth.

CAREFUL = Habits(misses=0.08, shifts=0.06, swaps=0.05, invents=0.05)
FAIR = Habits(misses=0.15, shifts=0.1, swaps=0.08, invents=0.1)
HASTY = Habits(misses=0.35, shifts=0.2, swaps=0.15, invents=0.2)


def truth(num_documents: int = 20) -> list[Annotated]:
    """Write documents of ordinary words and names, with their names marked."""
    chance = random.Random(3)
    found = []
    for number in range(num_documents):
        words: list[str] = []
        spans: list[Mark] = []
        length = 0
        for _ in range(40):
            plain = [f"{chance.choice('abcdefgh')}o{chance.choice('lmnrst')}e" for _ in range(6)]
            name = [f"{chance.choice('ABCDEFGH')}a{chance.choice('lmnrst')}" for _ in range(2)]
            name = name[: chance.choice((1, 2, 2))]
            start = length + sum(len(word) + 1 for word in plain)
            end = start + sum(len(word) + 1 for word in name) - 1
            spans.append((start, end, chance.choice(LABELS)))
            words += plain + name
            length = end + 1
        document = a_document(" ".join(words), f"d{number:02d}")
        gold_pass = said_by("truth", document, *spans)
        found.append(Annotated(document=document, annotations=(gold_pass,)))
    return found


TRUTH = truth()


def f1(found: Mapping[str, Sequence[Span]]) -> float:
    """Score spans against the truth."""
    pairs = [(one.annotations[0].spans, found[one.document.id]) for one in TRUTH]
    return score_spans(pairs).micro.f1 or 0.0


def majority(items: Sequence[Gathered]) -> dict[str, list[Span]]:
    """Keep what more than half mark exactly."""
    found = {}
    for item in items:
        votes = Counter(mark for one in item.annotations for mark in set(marks(one.spans)))
        found[item.document_id] = [
            Span(start=start, end=end, label=label)
            for (start, end, label), count in votes.items()
            if 2 * count > len(item.annotations)
        ]
    return found


CREWS = {
    "2": (CAREFUL, FAIR),
    "3, equal": (FAIR, FAIR, FAIR),
    "3, uneven": (CAREFUL, FAIR, HASTY),
    "5, uneven": (CAREFUL, FAIR, HASTY, HASTY, HASTY),
}


@pytest.mark.parametrize(
    ("method", "crew", "margin"),
    [("sequence", crew, 0.03) for crew in CREWS]
    + [("weighted", crew, 0.0) for crew in CREWS if crew != "2"],
)
def test_methods_beat_the_best_annotator_and_the_majority(
    method: str, crew: str, margin: float
) -> None:
    items = simulate(TRUTH, CREWS[crew], LABELS, seed=1)
    singles = [
        f1({item.document_id: item.annotations[place].spans for item in items})
        for place in range(len(CREWS[crew]))
    ]
    found = {one.document_id: one.spans for one in reconciled(items, method).gold}
    assert f1(found) >= max(*singles, f1(majority(items))) + margin


def test_real_crowd_is_read_better_by_weight_and_by_sequence_than_by_vote(data: Path) -> None:
    if not (data / "multi_annotator" / "conll03_mturk").is_dir():
        pytest.skip(f"no multi_annotator/conll03_mturk in {data}")
    items, known = conll03_mturk(data)
    some = [item for item in items if item.annotations]
    names = [item.document_id for item in some]
    found = {}
    for method in METHODS:
        result = reconcile_gathered(some, method=method)
        by_name = {one.document_id: one for one in result.gold}
        found[method] = scored(known, by_name, names).micro.f1 or 0.0
    assert 0.69 < found["vote"] < 0.775 < min(found["weighted"], found["sequence"])
