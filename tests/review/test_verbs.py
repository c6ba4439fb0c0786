"""Tests that every wish makes the act it says, loses nothing, and can be taken back."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import GonerdError, RecordError, SpanError, TextMismatch
from gonerd.records import Span
from gonerd.review import verbs
from gonerd.review.acts import Act, Mark
from gonerd.review.log import Refused, open_log
from gonerd.review.state import Held, State, conflicts, redo, replay, undo
from gonerd.review.verbs import Hand
from tests.review.small_desk import (
    ANN,
    TEXTS,
    act_of,
    desk,
    document,
    hand,
    marks,
    paper,
    save,
    wishes,
)

DESK = desk()
ANN_LEE = Span(start=0, end=7, label="PER")
LEE = Span(start=12, end=15, label="PER")
SPLIT = Span(start=12, end=27, label="ORG", fragments=((12, 15), (19, 27)))
LUND = Span(start=31, end=35, label="LOC")
ACCEPTED, REJECTED, ADDED = (
    Mark(status="accepted"), Mark(status="rejected"), Mark(status="added"),
)  # fmt: skip
courses = st.lists(wishes, max_size=15)


def holds(state: State) -> object:
    """Give what people hold, whatever way they came to it."""
    return (
        {key: (one.marks, one.coverage) for key, one in state.held.items()
         if one.marks or one.coverage},
        {place: spans for place, (_, spans) in state.rulings.items()},
    )  # fmt: skip


def follow(state: State, course: list[Any], annotator: str = "ana") -> None:
    """Do what a course of wishes says."""
    for wish in course:
        if (act := act_of(Hand(desk=DESK, state=state, annotator=annotator), wish)) is not None:
            save(state, act)


@given(courses)
def test_any_course_is_undone_to_nothing_and_done_again(course: list[Any]) -> None:
    state = State()
    follow(state, [wish for wish in course if wish not in (("undo",), ("redo",))])
    before = holds(state)
    steps = 0
    while (act := undo(state, "ana")) is not None:
        save(state, act)
        steps += 1
    assert holds(state) == ({}, {})
    for _ in range(steps):
        act = redo(state, "ana")
        assert act is not None
        save(state, act)
    assert holds(state) == before


@given(courses)
def test_marks_in_a_range_are_those_of_the_whole_document(course: list[Any]) -> None:
    state = State()
    follow(state, course)
    for held in state.held.values():
        assert set(held.order) == set(held.marks)
        for start, end in ((0, 60), (3, 13), (14, 14), (25, 26)):
            inside = [one for one in held.order if one.start < end and one.end > start]
            assert held.near(start, end) == inside


@given(courses, wishes)
def test_no_wish_touches_what_it_does_not_name(course: list[Any], wish: Any) -> None:
    state = State()
    follow(state, course)
    follow(state, course, "ben")
    act = act_of(Hand(desk=DESK, state=state, annotator="ana"), wish)
    if act is None:
        return
    before = replay(state.acts)
    save(state, act)
    named = {(one.document_id, one.span) for one in act.marks}
    for (annotator, name), held in before.held.items():
        for span, mark in held.marks.items():
            if annotator == "ben" or (name, span) not in named:
                assert state.held[annotator, name].marks[span] == mark


@given(courses, wishes)
def test_no_note_is_lost_but_with_what_is_taken_back_or_rewritten(
    course: list[Any], wish: Any
) -> None:
    state = State()
    follow(state, course)
    act = act_of(Hand(desk=DESK, state=state, annotator="ana"), wish)
    if act is None or wish[0] in ("reset", "note", "undo", "redo"):
        return
    before, noted = replay(state.acts), []
    for (_, name), held in before.held.items():
        for span, mark in held.marks.items():
            own = span not in DESK.papers[name].places
            if mark.note and not (own and act.act in ("reject", "reject all")):
                noted.append(mark.note)
    save(state, act)
    kept = "\n".join(mark.note for held in state.held.values() for mark in held.marks.values())
    assert all(one in kept for one in noted)


@given(courses, wishes)
def test_every_span_that_holds_lies_in_the_text_under_a_label_of_the_guide(
    course: list[Any], wish: Any
) -> None:
    state = State()
    follow(state, [*course, wish])
    for (_, name), held in state.held.items():
        for span, mark in held.marks.items():
            assert 0 <= span.start < span.end <= len(TEXTS[name])
            assert span.label in DESK.guide.labels
            assert span in DESK.papers[name].places or mark.status != "rejected"
            assert (mark.status == "added") <= (span not in DESK.papers[name].places)


def changes(act: Act) -> dict[Span, Mark | None]:
    """Give what an act makes of spans."""
    return {one.span: one.now for one in act.marks}


def test_suggestions_are_accepted_and_rejected() -> None:
    assert changes(verbs.accept(hand(), "a", [ANN_LEE, LEE])) == {ANN_LEE: ACCEPTED, LEE: ACCEPTED}
    assert changes(verbs.reject(hand(), "a", [ANN_LEE, LEE])) == {ANN_LEE: REJECTED, LEE: REJECTED}


def test_a_suggestion_carries_no_confidence_into_the_log() -> None:
    (suggestion, *_) = DESK.papers["a"].suggestions
    assert suggestion.confidence == 0.9
    assert changes(verbs.accept(hand(), "a", [suggestion])) == {ANN_LEE: ACCEPTED}


def test_overlapping_suggestions_are_decided_one_by_one() -> None:
    state = State()
    save(state, verbs.reject(hand(state), "a", [Span(start=4, end=7, label="LOC")]))
    save(state, verbs.accept(hand(state), "a", [LEE]))
    save(state, verbs.reject(hand(state), "a", [SPLIT]))
    assert marks(state) == {
        Span(start=4, end=7, label="LOC"): "rejected", LEE: "accepted", SPLIT: "rejected",
    }  # fmt: skip


def test_a_rejected_suggestion_is_accepted_after_all_with_its_note() -> None:
    state = State()
    save(state, verbs.reject(hand(state), "a", [LEE]))
    save(state, verbs.note(hand(state), "a", LEE, "a firm?"))
    act = verbs.accept(hand(state), "a", [LEE])
    assert changes(act) == {LEE: replace(ACCEPTED, note="a firm?")}


def test_a_span_of_ones_own_is_added_and_deleted() -> None:
    state, own = State(), Span(start=8, end=11, label="MISC")
    assert changes(save(state, verbs.add(hand(state), "a", own))) == {own: ADDED}
    assert changes(save(state, verbs.reject(hand(state), "a", [own]))) == {own: None}
    assert marks(state) == {}


def test_adding_what_is_suggested_accepts_it() -> None:
    assert changes(verbs.add(hand(), "a", LUND)) == {LUND: ACCEPTED}


def test_adding_again_keeps_what_was_said() -> None:
    state = State()
    save(state, verbs.note(hand(state), "a", LUND, "the town"))
    assert verbs.add(hand(state), "a", LUND).marks[0].now == replace(ACCEPTED, note="the town")


def test_a_relabelled_suggestion_is_remembered_and_accepted_when_it_comes_back() -> None:
    state, other = State(), replace(LUND, label="ORG")
    assert changes(save(state, verbs.relabel(hand(state), "a", LUND, "ORG"))) == {
        LUND: REJECTED, other: replace(ACCEPTED, suggested=LUND),
    }  # fmt: skip
    assert changes(save(state, verbs.relabel(hand(state), "a", other, "LOC"))) == {
        other: None, LUND: ACCEPTED,
    }  # fmt: skip


def test_a_suggestion_is_remembered_through_many_changes() -> None:
    state = State()
    save(state, verbs.unsure(hand(state), "a", LUND, True))
    save(state, verbs.set_border(hand(state), "a", LUND, 28, 35))
    wider = Span(start=28, end=35, label="LOC")
    save(state, verbs.relabel(hand(state), "a", wider, "MISC"))
    held = state.held["ana", "a"].marks
    assert held[replace(wider, label="MISC")] == Mark(
        status="accepted", unsure=True, suggested=LUND
    )
    assert held[LUND] == REJECTED
    assert wider not in held


def test_borders_of_a_span_in_parts_keep_the_parts_inside() -> None:
    act = verbs.set_border(hand(), "a", SPLIT, 12, 23)
    moved = Span(start=12, end=23, label="ORG", fragments=((12, 15), (19, 23)))
    assert changes(act) == {SPLIT: REJECTED, moved: replace(ACCEPTED, suggested=SPLIT)}


def test_a_span_moved_onto_another_takes_its_note_along() -> None:
    state, own = State(), Span(start=31, end=36, label="LOC")
    save(state, verbs.add(hand(state), "a", own))
    save(state, verbs.note(hand(state), "a", own, "with the dot"))
    save(state, verbs.note(hand(state), "a", LUND, "the town"))
    save(state, verbs.set_border(hand(state), "a", own, 31, 35))
    assert state.held["ana", "a"].marks == {LUND: replace(ACCEPTED, note="the town\nwith the dot")}


def test_reset_gives_back_the_suggestion_that_a_span_stood_for() -> None:
    state = State()
    save(state, verbs.relabel(hand(state), "a", LUND, "ORG"))
    save(state, verbs.reset(hand(state), "a", [replace(LUND, label="ORG")]))
    assert marks(state) == {}


def test_a_note_on_an_undecided_suggestion_accepts_it_and_unsure_is_taken_back() -> None:
    state = State()
    assert changes(save(state, verbs.note(hand(state), "a", LEE, "who?"))) == {
        LEE: replace(ACCEPTED, note="who?")
    }
    save(state, verbs.unsure(hand(state), "a", LEE, True))
    save(state, verbs.unsure(hand(state), "a", LEE, False))
    assert changes(save(state, verbs.note(hand(state), "a", LEE, ""))) == {LEE: ACCEPTED}


def test_a_range_is_read_and_its_rest_decided_but_for_what_reaches_out() -> None:
    state = State()
    save(state, verbs.reject(hand(state), "a", [ANN_LEE]))
    act = save(state, verbs.finish(hand(state), "a", 0, 20, "accept"))
    assert changes(act) == {Span(start=4, end=7, label="LOC"): ACCEPTED, LEE: ACCEPTED}
    act = save(state, verbs.finish(hand(state), "a", 20, 33, "reject"))
    assert changes(act) == {SPLIT: REJECTED}
    assert list(state.held["ana", "a"].coverage) == [(0, 33)]
    act = save(state, verbs.reopen(hand(state), "a", 10, 12))
    assert list(state.held["ana", "a"].coverage) == [(0, 10), (12, 33)]
    assert marks(state)[LEE] == "accepted"


def test_a_range_read_leaves_the_rest_undecided() -> None:
    assert changes(verbs.finish(hand(), "a", 0, len(ANN))) == {}


def test_all_the_same_words_are_one_act_over_documents() -> None:
    state = State()
    act = save(state, verbs.label_all(hand(state), ["a", "b", "a"], "Lund", "LOC"))
    assert [(one.document_id, one.span, one.now) for one in act.marks] == [
        ("a", LUND, ACCEPTED),
        ("a", Span(start=50, end=54, label="LOC"), ADDED),
        ("b", Span(start=0, end=4, label="ORG"), REJECTED),
        ("b", Span(start=0, end=4, label="LOC"), ADDED),
        ("b", Span(start=16, end=20, label="LOC"), ADDED),
    ]
    assert set(act.texts) == {"a", "b"}
    taken_back = undo(state, "ana")
    assert taken_back is not None
    save(state, taken_back)
    assert marks(state, "a") == marks(state, "b") == {}


def test_all_the_same_words_leave_alone_what_holds_and_wider_suggestions() -> None:
    state = State()
    save(state, verbs.relabel(hand(state), "a", LEE, "ORG"))
    act = save(state, verbs.label_all(hand(state), ["a"], "Lee", "PER"))
    assert changes(act) == {}
    save(state, verbs.reject(hand(state), "a", [ANN_LEE]))
    act = save(state, verbs.label_all(hand(state), ["a"], "Lee", "PER"))
    assert changes(act) == {
        Span(start=4, end=7, label="LOC"): REJECTED, Span(start=4, end=7, label="PER"): ADDED,
    }  # fmt: skip


def test_all_the_same_words_are_rejected_the_annotators_own_with_them() -> None:
    state, own = State(), Span(start=50, end=54, label="ORG")
    save(state, verbs.add(hand(state), "a", own))
    act = save(state, verbs.label_all(hand(state), ["a", "b"], "Lund", None))
    assert [(one.document_id, one.span, one.now) for one in act.marks] == [
        ("a", LUND, REJECTED), ("a", own, None), ("b", Span(start=0, end=4, label="ORG"), REJECTED),
    ]  # fmt: skip


def test_words_of_astral_characters_are_found_and_labelled() -> None:
    act = verbs.label_all(hand(), ["a"], "\U0001f469\u200d\U0001f680", "MISC")
    assert [ANN[one.span.start : one.span.end] for one in act.marks] == [
        "\U0001f469\u200d\U0001f680"
    ]


def test_a_dispute_is_settled_settled_otherwise_and_opened_again() -> None:
    state, ruled = State(), Span(start=0, end=3, label="PER", confidence=0.5)
    for spans, now in (([ruled], (replace(ruled, confidence=None),)), ([], ()), (None, None)):
        act = save(state, verbs.settle(hand(state), "a", 0, 3, spans))
        assert act.rulings[0].now == now
    assert state.rulings == {}


def test_what_changes_nothing_is_not_saved(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    at_work = hand(log.state)
    nothing = [
        verbs.relabel(at_work, "a", LUND, "LOC"),
        verbs.reset(at_work, "a", [LUND]),
        verbs.label_all(at_work, ["a"], "Malmo", "LOC"),
        verbs.accept(at_work, "a", []),
        verbs.reopen(at_work, "a", 0, 5),
    ]
    assert log.commit(nothing) == nothing
    assert log.path.read_bytes() == b""
    assert undo(log.state, "ana") is None


@pytest.mark.parametrize(
    "wish",
    [
        lambda at, seen: verbs.accept(at, "a", [LUND], seen),
        lambda at, seen: verbs.reset(at, "a", [LUND], seen),
        lambda at, seen: verbs.relabel(at, "a", LUND, "ORG", seen),
        lambda at, seen: verbs.set_border(at, "a", LUND, 30, 35, seen),
        lambda at, seen: verbs.note(at, "a", LUND, "hm", seen),
        lambda at, seen: verbs.unsure(at, "a", LUND, True, seen),
    ],
)
def test_what_was_not_seen_is_not_overwritten(tmp_path: Path, wish: Any) -> None:
    log = open_log(tmp_path)
    log.commit([verbs.reject(hand(log.state), "a", [LUND])])
    (refused,) = log.commit([wish(hand(log.state), {LUND: None})])
    assert isinstance(refused, Refused)
    assert [one.found for one in refused.conflicts] == [REJECTED]
    (saved,) = log.commit([wish(hand(log.state), {LUND: REJECTED})])
    assert isinstance(saved, Act)


SHORT = "expected one of PER, ORG, LOC, MISC."


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (lambda at: verbs.accept(at, "c", [LUND]),
         "'c': no such document; expected one of desk."),
        (lambda at: verbs.add(at, "a", Span(start=60, end=70, label="PER")),
         "a[60:70]: ends past the text; expected at most 66."),
        (lambda at: verbs.add(at, "a", Span(start=6, end=7, label="GPE")),
         f"a[6:7]: label 'GPE'; {SHORT}"),
        (lambda at: verbs.relabel(at, "a", LUND, "GPE"), f"a[31:35]: label 'GPE'; {SHORT}"),
        (lambda at: verbs.relabel(at, "a", LUND, ""),
         "span [31:35]: the label is empty; expected a name."),
        (lambda at: verbs.set_border(at, "a", LUND, 31, 99),
         "a[31:99]: ends past the text; expected at most 66."),
        (lambda at: verbs.set_border(at, "a", LUND, 35, 31),
         "span [35:31] 'LOC': expected 0 <= start < end in characters."),
        (lambda at: verbs.set_border(at, "a", LUND, -1, 31),
         "span [-1:31] 'LOC': expected 0 <= start < end in characters."),
        *(
            (wish, "a[8:11]: no span 'PER'; expected a suggestion, or a span that was added.")
            for wish in (
                lambda at: verbs.accept(at, "a", [Span(start=8, end=11, label="PER")]),
                lambda at: verbs.relabel(at, "a", Span(start=8, end=11, label="PER"), "LOC"),
                lambda at: verbs.set_border(at, "a", Span(start=8, end=11, label="PER"), 7, 9),
                lambda at: verbs.note(at, "a", Span(start=8, end=11, label="PER"), "hm"),
                lambda at: verbs.unsure(at, "a", Span(start=8, end=11, label="PER"), True),
            )
        ),
        (lambda at: verbs.finish(at, "a", 3, 3), "a[3:3]: no range of the text; expected one in "
         "[0, 66]."),
        (lambda at: verbs.finish(at, "a", 3, 67), "a[3:67]: no range of the text; expected one in "
         "[0, 66]."),
        (lambda at: verbs.finish(at, "a", 0, 9, "skip"), "rest is 'skip'; expected accept, reject "
         "or leave."),
        (lambda at: verbs.reopen(at, "a", -1, 9), "a[-1:9]: no range of the text; expected one in "
         "[0, 66]."),
        (lambda at: verbs.label_all(at, ["a"], "Lund", "GPE"), f"a[31:35]: label 'GPE'; {SHORT}"),
        (lambda at: verbs.settle(at, "a", 0, 4, []), "a[0:4]: no such dispute; expected an open "
         "one."),
        (lambda at: verbs.settle(at, "a", 0, 3, [Span(start=0, end=3, label="GPE")]),
         f"a[0:3]: label 'GPE'; {SHORT}"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(wish: Any, message: str) -> None:
    with pytest.raises(GonerdError) as error:
        wish(hand())
    assert str(error.value) == message
    assert isinstance(error.value, RecordError | SpanError)


def test_a_text_that_changed_under_a_review_is_refused() -> None:
    state = State()
    save(state, verbs.accept(hand(state), "a", [LUND]))
    other = desk({"a": ANN + " She did."}, {"a": (LUND,)})
    now = other.papers["a"].document.text_sha256[:8]
    then = DESK.papers["a"].document.text_sha256[:8]
    with pytest.raises(TextMismatch) as error:
        verbs.reject(hand(state, of=other), "a", [LUND])
    assert str(error.value) == (
        f"a: the text has changed since 'ana' reviewed it (sha256 {then}... then, {now}... now); "
        "expected the same text.\nRestore the text, or review it in another work folder."
    )


def test_a_wish_upon_a_long_document_takes_milliseconds() -> None:
    suggested = tuple(
        Span(start=at, end=at + 9, label="PER", confidence=0.5) for at in range(0, 1_950_000, 130)
    )
    long = replace(DESK, papers={"long": paper("long", "Ann Leeds " * 200_000, suggested)})
    own = [Span(start=at, end=at + 9, label="LOC") for at in range(60, 1_950_000, 130)]
    state = State()
    at_work = Hand(desk=long, state=state, annotator="ana")
    save(state, verbs.accept(at_work, "long", suggested))
    for one in own[:-50]:
        state.held["ana", "long"].put(one, ADDED)
    span = Span(start=1_000_090, end=1_000_099, label="PER")
    assert span in long.papers["long"].places
    wished: list[Any] = [
        lambda: verbs.accept(at_work, "long", [span]),
        lambda: verbs.relabel(at_work, "long", span, "ORG"),
        lambda: verbs.set_border(at_work, "long", span, *verbs.borders(
            long.papers["long"].document.text, "en", span, "end", 1, "token")),
        lambda: verbs.add(at_work, "long", own[-1]),
        lambda: verbs.note(at_work, "long", span, "hm"),
        lambda: verbs.finish(at_work, "long", 1_000_000, 1_004_000, "accept"),
    ]  # fmt: skip
    for wish in wished:
        wish()  # reads rules of the language, once
        took = []
        for _ in range(5):
            began = time.perf_counter()
            act = wish()
            assert not conflicts(state, act)
            took.append(time.perf_counter() - began)
        assert min(took) < 0.02


def test_a_document_that_nobody_holds_is_there() -> None:
    assert hand().held("a") is None
    assert hand().mark("a", LUND) is None
    assert Held(text_sha256=document("a", ANN).text_sha256).near(0, 10) == []
