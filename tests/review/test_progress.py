"""Tests that progress counts what was done, reckons time without pauses, and shows bias."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.records import Span
from gonerd.review import verbs
from gonerd.review.acts import Act
from gonerd.review.bias import share_of
from gonerd.review.hiding import shown_to
from gonerd.review.progress import progress, progress_report, progress_to_json
from gonerd.review.queues import Queue, QueueConfig, draw
from gonerd.review.state import State, apply
from gonerd.review.verbs import Hand
from tests.review.small_desk import desk, hand
from tests.review.test_queues import many

BEGIN = datetime.fromisoformat("2026-01-01T09:00:00.000+00:00")
LUND = Span(start=31, end=35, label="LOC")


def at(state: State, seconds: float, act: Act) -> None:
    """Let an act hold, at a time."""
    moment = (BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    apply(state, replace(act, number=len(state.acts) + 1, at=moment))


def worked() -> State:
    """Do some work: Ana reads half of a text in two sittings, Ben rules on a dispute."""
    state = State()
    at(state, 0, verbs.accept(hand(state), "a", [Span(start=0, end=7, label="PER")]))
    at(state, 20, verbs.relabel(hand(state), "a", LUND, "ORG"))
    at(state, 30, verbs.add(hand(state), "b", Span(start=5, end=10, label="MISC")))
    at(state, 5000, verbs.unsure(hand(state), "a", Span(start=12, end=15, label="PER"), True))
    at(state, 5030, verbs.finish(hand(state), "a", 0, 33))
    at(state, 5040, verbs.settle(hand(state, "ben"), "b", 0, 3, []))
    return state


def test_what_was_done_is_counted_and_time_has_no_pauses() -> None:
    found = progress(desk(), worked())
    ana, ben = found.annotators
    assert (ana.annotator, ana.accepted, ana.rejected, ana.added) == ("ana", 3, 1, 1)
    assert (ana.changed, ana.unsure, ana.ruled, ben.ruled) == (1, 1, 0, 1)
    assert (ana.seconds, ana.seconds_by_document) == (60.0, {"a": 50.0, "b": 10.0})
    assert (ana.read, ana.to_read) == (33, 66 + 27)
    assert ana.characters_an_hour == pytest.approx(33 * 60)
    assert ana.seconds_left == pytest.approx((93 - 33) / 33 * 60)
    assert (ben.seconds, ben.characters_an_hour, ben.seconds_left) == (0.0, None, None)
    assert (found.read, found.characters, found.documents_done) == (33, 93, 0)
    assert (found.open_disputes, found.acts, found.seconds_left) == (1, 6, None)


def test_progress_is_told_as_text_and_json() -> None:
    found = progress(desk(), worked())
    assert progress_report(found) == (
        "0 of 2 documents done; 35.5% read; 6 acts; 1 disputes open; left: unknown\n"
        "\n"
        "ana: 0 of 2 tasks, 35.5% read\n"
        "  accepted 3 (changed 1), rejected 1, added 1, unsure 1, ruled 0\n"
        "  at work 1 min, left 2 min; 300 decisions and 1,980 characters an hour\n"
        "\n"
        "ben: 0 of 2 tasks, 0.0% read\n"
        "  accepted 0 (changed 0), rejected 0, added 0, unsure 0, ruled 1\n"
        "  at work 0 min, left unknown; ? decisions and ? characters an hour"
    )
    row = json.loads(json.dumps(progress_to_json(found)))
    assert row["annotators"][0]["seconds_by_document"] == {"a": 50.0, "b": 10.0}


def test_a_document_is_done_when_as_many_as_are_to_have_read_it() -> None:
    state, at_hand = State(), desk()
    queue = draw(at_hand, QueueConfig(annotators=("ana", "ben"), overlap=2))
    for who, end in (("ana", 27), ("ben", 20)):
        at(state, 0, verbs.finish(hand(state, who), "b", 0, end))
    assert progress(at_hand, state, queue).documents_done == 0
    at(state, 0, verbs.finish(hand(state, "ben"), "b", 20, 27))
    found = progress(at_hand, state, queue)
    assert found.documents_done == 1
    assert [(one.tasks_done, one.tasks) for one in found.annotators] == [(1, 2), (1, 2)]


def test_nothing_done_is_told_too() -> None:
    found = progress(desk({}, {}), State())
    assert progress_report(found) == (
        "0 of 0 documents done; nothing to be read; 0 acts; 0 disputes open; left: 0 min"
    )


def follower(share: float, queue: Queue) -> State:
    """Accept all that is shown, and of what is hidden mark every so-many-th oneself."""
    whole, state = many(30), State()
    mine = Hand(desk=shown_to(whole, queue, "ana"), state=state, annotator="ana")
    for name, paper in whole.papers.items():
        shown = mine.desk.papers[name].places
        hidden = [one for one in paper.places if one not in shown]
        for number, one in enumerate(hidden):
            if int((number + 1) * share) > int(number * share):
                at(state, 0, verbs.add(mine, name, one))
        at(state, 0, verbs.finish(mine, name, 0, len(paper.document.text), "accept"))
    return state


@pytest.mark.parametrize(("share", "biased"), [(1.0, False), (0.5, True)])
def test_whoever_follows_the_machine_is_seen(share: float, biased: bool) -> None:
    config = QueueConfig(annotators=("ana",), hidden_spans=0.2, hidden_documents=0.2, seed=1)
    queue = draw(many(30), config)
    found = progress(many(30), follower(share, queue), queue)
    bias = found.annotators[0].bias
    assert bias is not None
    assert bias.shown.share == 1.0
    everything = sum(len(one.suggestions) for one in many(30).papers.values())
    assert bias.shown.of + bias.hidden.of + bias.hidden_documents.of == everything
    assert bias.low is not None
    assert bias.difference is not None
    assert (bias.low > 0.2) is biased
    assert ("more often where shown:" in progress_report(found)) is True
    assert bias.difference == pytest.approx(0.0 if not biased else 0.5, abs=0.05)


@given(st.integers(0, 200), st.integers(0, 200))
def test_intervals_hold_the_share(count: int, more: int) -> None:
    found = share_of(count, count + more)
    if count + more == 0:
        assert found.share is None
        return
    assert found.low is not None
    assert found.high is not None
    assert found.share is not None
    assert 0.0 <= found.low <= found.share + 1e-9
    assert found.share - 1e-9 <= found.high <= 1.0


def test_an_interval_is_the_textbooks() -> None:
    found = share_of(8, 10)
    assert found.low == pytest.approx(0.490, abs=0.001)
    assert found.high == pytest.approx(0.943, abs=0.001)
