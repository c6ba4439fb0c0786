"""Tests that errors put into a gold are found, by kind, and asked like any other dispute."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.errors import TextMismatch
from gonerd.records import Annotation, Document, Span
from gonerd.review.adjudicate import Docket, case, rule
from gonerd.review.derive import rulings
from gonerd.review.state import State, apply
from gonerd.review.suspects import Suspect, as_disputes, find_suspects, with_suspects
from gonerd.review.verbs import Hand
from tests.review.small_desk import desk, document
from tests.strategies import HOSTILE_TEXTS

NAMES = {
    "PER": ["Ann Lee", "Bo Ek", "Carl", "Dora Ash"],
    "ORG": ["Acme Ltd", "Bell Works", "Crown Bank"],
    "LOC": ["Lund", "Oslo", "York"],
}
FRAMES = ["{PER} of {ORG} left {LOC}.", "In {LOC} {PER} saw {PER}.", "{ORG} of {LOC} paid {PER}."]


def corpus(seed: int = 0) -> tuple[list[Document], dict[str, Annotation]]:
    """Write documents of many sentences, and mark their names."""
    chance = random.Random(seed)
    documents, gold = [], {}
    for name in ("a", "b", "c"):
        text, spans = "", []
        for _ in range(60):
            for piece in chance.choice(FRAMES).replace("{", "|{").replace("}", "}|").split("|"):
                if piece.startswith("{"):
                    label = piece[1:-1]
                    words = chance.choice(NAMES[label])
                    spans.append(Span(start=len(text), end=len(text + words), label=label))
                    piece = words
                text += piece
            text += " "
        documents.append(document(name, text))
        gold[name] = said(documents[-1], "gold", spans)
    return documents, gold


def said(one: Document, annotator: str, spans: Sequence[Span]) -> Annotation:
    """Say something of a whole text."""
    return Annotation(
        document_id=one.id,
        text_sha256=one.text_sha256,
        annotator=annotator,
        guide="gonerd@1",
        coverage=((0, len(one.text)),) if one.text else (),
        spans=tuple(spans),
    )


def silent(documents: Sequence[Document]) -> dict[str, Annotation]:
    """Let a model mark nothing."""
    return {one.id: said(one, "model@1", ()) for one in documents}


def with_errors(
    gold: Mapping[str, Annotation], *changes: tuple[str, int, Span | None]
) -> dict[str, Annotation]:
    """Put other spans, or none, in the place of some."""
    spans = {name: list(one.spans) for name, one in gold.items()}
    for name, at, now in sorted(changes, key=lambda one: -one[1]):
        spans[name][at : at + 1] = [now] if now else []
    return {name: replace(one, spans=tuple(spans[name])) for name, one in gold.items()}


DOCUMENTS, GOLD = corpus()
MODEL = {name: replace(one, annotator="model@1") for name, one in GOLD.items()}
SECOND = GOLD["a"].spans[20]
WIDER = replace(SECOND, end=SECOND.end + 5)
ERRORS: dict[str, tuple[Span | None, tuple[str, ...]]] = {
    "missing": (None, ("missing",)),
    "label": (replace(SECOND, label="MISC"), ("label",)),
    "border": (WIDER, ("border",)),
    "both": (replace(WIDER, label="MISC"), ("label", "border")),
}


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_the_first_suspect_with_what_should_be_there(error: str) -> None:
    now, kinds = ERRORS[error]
    first = find_suspects(DOCUMENTS, with_errors(GOLD, ("a", 20, now)), MODEL)[0]
    assert (first.document_id, first.kinds, first.confident) == ("a", kinds, True)
    assert [(one.start, one.end, one.label) for one in first.other] == [
        (SECOND.start, SECOND.end, SECOND.label)
    ]
    assert first.gold == (() if now is None else (now,))


def test_a_span_that_should_not_be_is_the_first_suspect() -> None:
    text = DOCUMENTS[1].text
    start = text.index(" left ") + 1
    extra = Span(start=start, end=start + 4, label="ORG")
    wrong = {**GOLD, "b": replace(GOLD["b"], spans=(*GOLD["b"].spans, extra))}
    first = find_suspects(DOCUMENTS, wrong, MODEL)[0]
    assert (first.document_id, first.kinds, first.gold, first.other) == (
        "b",
        ("extra",),
        (extra,),
        (),
    )
    assert first.reason.startswith("the model says nothing; the same words are elsewhere ")


def test_without_a_model_words_speak_alone() -> None:
    wrong = with_errors(GOLD, ("a", 20, None), ("c", 7, replace(GOLD["c"].spans[7], label="MISC")))
    first, second = find_suspects(DOCUMENTS, wrong, silent(DOCUMENTS))[:2]
    assert {(one.document_id, one.kinds) for one in (first, second)} == {
        ("a", ("missing",)), ("c", ("label",)),
    }  # fmt: skip


def test_a_model_that_is_often_right_is_heard_and_one_that_is_not_is_not() -> None:
    chance = random.Random(3)
    alone = document("d", "".join(f"{name} went. " for name in ("Ivo", "Kit", "Una", "Max")))
    spans = [Span(start=at, end=at + 3, label="PER") for at in (0, 10, 20)]
    documents = [*DOCUMENTS, alone]
    gold = {**GOLD, "d": said(alone, "gold", spans)}
    marked = said(alone, "model@1", [*spans, Span(start=30, end=33, label="PER")])
    good = {**MODEL, "d": marked}
    bad = {}
    for one in documents:
        starts = sorted(chance.sample(range(0, len(one.text) - 4, 4), len(one.text) // 12))
        spans = [Span(start=at, end=at + 3, label="PER") for at in starts]
        bad[one.id] = said(one, "model@1", spans)
    bad["d"] = said(alone, "model@1", [Span(start=30, end=33, label="PER")])

    def score(model: dict[str, Annotation]) -> float:
        found = find_suspects(documents, gold, model)
        return next(one.score for one in found if (one.document_id, one.start) == ("d", 30))

    assert score(good) > 0.5 > score(bad)


def test_the_surer_a_model_the_more_suspect_the_gold() -> None:
    wrong = with_errors(GOLD, ("a", 20, replace(SECOND, label="MISC")))
    chance = random.Random(1)

    def score(sure: float) -> float:
        model = {}
        for name, one in MODEL.items():
            spans = []
            for each in one.spans:
                right = chance.random() < 0.7
                spans.append(
                    replace(
                        each,
                        label=each.label if right else chance.choice(["PER", "ORG", "LOC"]),
                        confidence=chance.uniform(0.6, 1.0) if right else chance.uniform(0.2, 0.7),
                    )
                )
            model[name] = replace(one, spans=tuple(spans))
        spans = list(model["a"].spans)
        spans[20] = replace(SECOND, confidence=sure)
        model["a"] = replace(model["a"], spans=tuple(spans))
        chance.seed(1)
        found = find_suspects(DOCUMENTS, wrong, model)
        return next(
            one.score for one in found if (one.document_id, one.start) == ("a", SECOND.start)
        )

    chance.seed(1)
    assert score(0.98) > score(0.3)


def test_what_one_of_them_has_not_read_is_not_judged() -> None:
    wrong = with_errors(GOLD, ("a", 20, None))
    half = SECOND.start - 1
    unread = {**MODEL, "a": replace(MODEL["a"], coverage=((0, half),), spans=tuple(
        one for one in MODEL["a"].spans if one.end <= half
    ))}  # fmt: skip
    found = find_suspects(DOCUMENTS, wrong, unread)
    assert all(one.end <= half for one in found if one.document_id == "a")
    assert not any(
        one.document_id == "b" for one in find_suspects(DOCUMENTS, wrong, {"a": MODEL["a"]})
    )


def test_the_order_of_documents_does_not_matter() -> None:
    wrong = with_errors(GOLD, ("a", 20, None))
    found = find_suspects(DOCUMENTS, wrong, MODEL)
    assert find_suspects(DOCUMENTS[::-1], dict(reversed(wrong.items())), MODEL) == found


def test_most_errors_are_met_early() -> None:
    chance = random.Random(5)
    for name in ("a", "b", "c"):
        assert len(GOLD[name].spans) > 100
    changes: list[tuple[str, int, Span | None]] = []
    for name in GOLD:
        for at in chance.sample(range(len(GOLD[name].spans)), 8):
            span = GOLD[name].spans[at]
            other = chance.choice([one for one in ("PER", "ORG", "LOC") if one != span.label])
            changes.append((name, at, chance.choice([None, replace(span, label=other)])))
    found = find_suspects(DOCUMENTS, with_errors(GOLD, *changes), MODEL)
    wrong = {(name, GOLD[name].spans[at].start) for name, at, _ in changes}
    first = {(one.document_id, one.start) for one in found[: len(wrong)]}
    assert len(first & wrong) >= 0.9 * len(wrong)
    confident = {(one.document_id, one.start) for one in found if one.confident}
    assert len(confident & wrong) >= 0.75 * len(confident | wrong)


def test_another_text_is_refused() -> None:
    other = {**GOLD, "a": replace(GOLD["a"], text_sha256="1" * 64)}
    with pytest.raises(TextMismatch) as error:
        find_suspects(DOCUMENTS, other, MODEL)
    assert str(error.value).startswith("a: the text has changed since it was recorded (sha256 1111")


def test_suspects_are_settled_like_disputes() -> None:
    wrong = with_errors(GOLD, ("a", 20, replace(SECOND, label="MISC")))
    found = find_suspects(DOCUMENTS, wrong, MODEL)[:5]
    here = desk({one.id: one.text for one in DOCUMENTS}, {})
    texts = {one.id: one for one in DOCUMENTS}
    here = replace(here, disputes=tuple(as_disputes(found, texts, "model@1")))
    docket, state = Docket(desk=here), State()
    suspect = found[0]
    place = (suspect.document_id, suspect.start, suspect.end)
    dispute = next(
        one for one in docket.open(state) if (one.document_id, one.start, one.end) == place
    )
    asked = case(docket, state, dispute)
    assert {tuple(each.label for each in one.spans) for one in asked.choices} == {
        ("MISC",), (SECOND.label,), (),
    }  # fmt: skip
    hand = Hand(desk=here, state=state, annotator="eva")
    apply(state, replace(rule(docket, hand, place, [SECOND]), number=1))
    assert [one.settlement for one in rulings(state)] == [(SECOND,)]
    assert place not in {(one.document_id, one.start, one.end) for one in docket.open(state)}


def test_suspects_by_the_suggestions_lie_on_a_desk() -> None:
    wrong = with_errors(GOLD, ("a", 20, None), ("b", 9, None))
    suggested = {name: one.spans for name, one in MODEL.items()}
    here = with_suspects(desk({one.id: one.text for one in DOCUMENTS}, suggested), wrong)
    places = {(one.document_id, one.start, one.end) for one in here.disputes}
    missing = (("a", SECOND), ("b", GOLD["b"].spans[9]))
    assert places == {(name, one.start, one.end) for name, one in missing}
    assert len(Docket(desk=here).open(State())) == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_gold_span_is_judged_once_whatever_the_text(data: st.DataObject) -> None:
    texts = data.draw(
        st.lists(st.sampled_from(list(HOSTILE_TEXTS.values())) | st.text(max_size=40), max_size=3)
    )
    documents = [document(f"d{number}", text) for number, text in enumerate(texts)]
    layers = []
    for annotator in ("gold", "model@1"):
        layer = {}
        for one in documents:
            spans = set()
            for _ in range(data.draw(st.integers(0, 4)) if one.text else 0):
                start = data.draw(st.integers(0, len(one.text) - 1))
                spans.add(
                    Span(
                        start=start,
                        end=data.draw(st.integers(start + 1, len(one.text))),
                        label=data.draw(st.sampled_from(["PER", "LOC"])),
                        confidence=data.draw(st.none() | st.floats(0, 1)),
                    )
                )
            by_place = {(each.start, each.end): each for each in spans}
            layer[one.id] = said(one, annotator, list(by_place.values()))
        layers.append(layer)
    gold, model = layers
    found = find_suspects(documents, gold, model)
    judged = [
        (one.document_id, each.start, each.end, each.label) for one in found for each in one.gold
    ]
    expected = [
        (name, each.start, each.end, each.label) for name, one in gold.items() for each in one.spans
    ]
    assert sorted(judged) == sorted(expected)
    for suspect in found:
        check(suspect, documents)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def check(one: Suspect, documents: Sequence[Document]) -> None:
    """Check what holds of every suspect."""
    text = next(each.text for each in documents if each.id == one.document_id)
    assert 0.0 <= one.score <= 1.0
    assert 0 <= one.start < one.end <= len(text)
    for each in (*one.gold, *one.other):
        assert one.start <= each.start < each.end <= one.end
    assert one.kinds
    assert one.gold or one.other
