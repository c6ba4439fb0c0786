"""Tests that the log keeps every act: in order, undone and done again, by many, torn or whole."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.errors import RecordError, StoreError
from gonerd.records import Range, Span
from gonerd.review.acts import (
    Act,
    CoverChange,
    Mark,
    MarkChange,
    Ruling,
    act_from_json,
    act_to_json,
)
from gonerd.review.log import EVENTS, Log, Refused, open_log, replay_logs, to_line
from gonerd.review.state import State, apply, conflicts, redo, replay, undo, with_cover, within

TEXTS = {"a": "1" * 64, "b": "2" * 64}
LENGTH = 30

spans = st.builds(
    lambda start, size, label: Span(start=start, end=start + size, label=label),
    st.integers(0, 20),
    st.integers(1, 4),
    st.sampled_from(["PER", "LOC"]),
)
marks = st.builds(
    Mark,
    status=st.sampled_from(["accepted", "rejected", "added"]),
    unsure=st.booleans(),
    note=st.sampled_from(["", "why?"]),
    suggested=st.none() | spans,
)
wishes = st.one_of(
    st.tuples(
        st.just("mark"), st.lists(st.tuples(st.sampled_from(sorted(TEXTS)), spans,
                                            st.none() | marks), min_size=1, max_size=3)
    ),
    st.tuples(
        st.just("cover"), st.sampled_from(sorted(TEXTS)), st.integers(0, LENGTH),
        st.integers(0, LENGTH), st.booleans(),
    ),
    st.tuples(st.just("rule"), st.sampled_from(sorted(TEXTS)), st.none() | st.lists(spans,
                                                                                   max_size=2)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)  # fmt: skip
"""What an annotator wants, whatever there is."""
courses = st.lists(st.tuples(st.sampled_from(["ana", "ben"]), wishes), max_size=25)


def wished(state: State, annotator: str, wish: Sequence[object]) -> Act | None:
    """Make the act of a wish, as a page does that knows what there is."""
    match wish:
        case ("mark", changes):
            held = {key: dict(one.marks) for key, one in state.held.items()}
            found = []
            for document, span, now in changes:  # type: ignore[attr-defined]
                at_hand = held.setdefault((annotator, document), {})
                found.append(
                    MarkChange(document_id=document, span=span, was=at_hand.get(span), now=now)
                )
                at_hand.update({span: now})
            once = {(one.document_id, one.span): one for one in reversed(found)}
            return act_of(annotator, marks=tuple(
                replace(one, was=was_of(state, annotator, one)) for one in once.values()
            ))  # fmt: skip
        case ("cover", str(document), int(one), int(other), bool(done)):
            start, end = sorted((one, other))
            held_now = state.held.get((annotator, document))
            was = within(() if held_now is None else held_now.coverage, start, end)
            now = ((start, end),) if done and start < end else ()
            cover = CoverChange(document_id=document, start=start, end=end, was=was, now=now)
            return act_of(annotator, covers=(cover,))
        case ("rule", str(document), now):
            place = (document, 3, 9)
            was_settled = state.rulings[place][1] if place in state.rulings else None
            ruled: tuple[Span, ...] | None = None if now is None else tuple(now)  # type: ignore[arg-type]
            ruling = Ruling(document_id=document, start=3, end=9, was=was_settled, now=ruled)
            return act_of(annotator, rulings=(ruling,))
        case ("undo",):
            return undo(state, annotator)
        case _:
            return redo(state, annotator)


def was_of(state: State, annotator: str, change: MarkChange) -> Mark | None:
    """Look up what an annotator holds of a span."""
    held = state.held.get((annotator, change.document_id))
    return None if held is None else held.marks.get(change.span)


def act_of(annotator: str, **changes: object) -> Act:
    """Make an act about both texts."""
    return Act(annotator=annotator, act="edit", texts=TEXTS, **changes)  # type: ignore[arg-type]


def holds(state: State) -> object:
    """Give what people hold, whatever way they came to it."""
    held = {
        key: (one.marks, one.coverage)
        for key, one in state.held.items()
        if one.marks or one.coverage
    }
    return held, {place: spans for place, (_, spans) in state.rulings.items()}


@given(courses)
def test_what_follows_from_the_log_is_what_was_done(course: list[tuple[str, object]]) -> None:
    state = State()
    for annotator, wish in course:
        act = wished(state, annotator, wish)  # type: ignore[arg-type]
        if act is not None and not conflicts(state, act):
            apply(state, replace(act, number=len(state.acts) + 1))
    read = [act_from_json(json.loads(json.dumps(act_to_json(one))), "here") for one in state.acts]
    assert read == state.acts
    assert replay(read) == state


@given(courses)
def test_everything_is_undone_and_done_again(course: list[tuple[str, object]]) -> None:
    state, alone = State(), [(annotator, wish) for annotator, wish in course if annotator == "ana"]
    for annotator, wish in alone:
        act = wished(state, annotator, wish)  # type: ignore[arg-type]
        if act is not None:
            assert not conflicts(state, act)
            apply(state, replace(act, number=len(state.acts) + 1))
    before, steps = holds(state), 0
    while (act := undo(state, "ana")) is not None:
        assert not conflicts(state, act)
        apply(state, replace(act, number=len(state.acts) + 1))
        steps += 1
    assert holds(state) == ({}, {})
    for _ in range(steps):
        act = redo(state, "ana")
        assert act is not None
        assert not conflicts(state, act)
        apply(state, replace(act, number=len(state.acts) + 1))
    assert holds(state) == before or len(state.undone["ana"]) > 0


@given(
    st.lists(st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH), st.booleans()), max_size=12)
)
def test_coverage_is_that_of_single_characters(changes: list[tuple[int, int, bool]]) -> None:
    coverage: tuple[Range, ...] = ()
    covered = [False] * LENGTH
    for one, other, done in changes:
        start, end = sorted((one, other))
        coverage = with_cover(coverage, start, end, ((start, end),) if done else ())
        covered[start:end] = [done] * (end - start)
    assert [any(a <= at < b for a, b in coverage) for at in range(LENGTH)] == covered
    assert all(a < b for a, b in coverage)
    assert all(one[1] < other[0] for one, other in pairwise(coverage))


def add(label: str, start: int, annotator: str = "ana", origin: str = "") -> Act:
    """Add a span."""
    change = MarkChange(
        document_id="a",
        span=Span(start=start, end=start + 2, label=label),
        was=None,
        now=Mark(status="added"),
    )
    return Act(annotator=annotator, act="add", texts=TEXTS, marks=(change,), origin=origin)


def test_an_act_is_on_disk_numbered_and_timed(tmp_path: Path) -> None:
    log = open_log(tmp_path, clock=lambda: "2026-01-01T00:00:00.000+00:00")
    log.commit([add("PER", 3, origin="web/1")])
    assert (tmp_path / EVENTS).read_text() == (
        '{"number":1,"at":"2026-01-01T00:00:00.000+00:00","origin":"web/1","annotator":"ana",'
        f'"act":"add","texts":{json.dumps(TEXTS, separators=(",", ":"))},"marks":[{{"document_id":'
        '"a","span":{"start":3,"end":5,"label":"PER"},"was":null,"now":{"status":"added"}}]}\n'
    )
    assert open_log(tmp_path).state == log.state


def test_an_act_that_was_saved_is_not_saved_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    (first,) = log.commit([add("PER", 3, origin="web/1")])
    assert log.commit([add("PER", 3, origin="web/1")]) == [first]
    assert open_log(tmp_path).commit([add("PER", 3, origin="web/1")]) == [first]
    assert len((tmp_path / EVENTS).read_bytes().splitlines()) == 1


def test_a_change_of_what_has_changed_is_refused_and_the_rest_saved(tmp_path: Path) -> None:
    one, other = open_log(tmp_path), open_log(tmp_path)
    one.commit([add("PER", 3)])
    refused, saved = other.commit([add("PER", 3), add("LOC", 3)])
    assert isinstance(refused, Refused)
    assert [against.found for against in refused.conflicts] == [Mark(status="added")]
    assert isinstance(saved, Act)
    assert saved.number == 2


def test_two_annotators_do_not_stand_in_each_others_way(tmp_path: Path) -> None:
    found = open_log(tmp_path).commit([add("PER", 3, "ana"), add("PER", 3, "ben")])
    assert all(isinstance(one, Act) for one in found)


def test_what_a_power_cut_left_of_a_line_goes(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.commit([add("PER", 3)])
    whole = (tmp_path / EVENTS).read_bytes()
    for size in range(1, len(whole)):
        (tmp_path / EVENTS).write_bytes(whole + whole[:size])
        again = open_log(tmp_path)
        assert again.state == log.state
        assert (tmp_path / EVENTS).read_bytes() == whole


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (b'{"act": "add"}', "an act without annotator; expected it."),
        (to_line(add("PER", 3)), "act number 0; expected 1, as acts are numbered in the order"),
    ],
)
def test_a_damaged_log_is_refused_by_line(tmp_path: Path, line: bytes, message: str) -> None:
    (tmp_path / EVENTS).write_bytes(line.rstrip() + b"\n")
    with pytest.raises(RecordError) as error:
        open_log(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / EVENTS}:1: ")
    assert message in str(error.value)


def test_a_log_that_became_shorter_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.commit([add("PER", 3)])
    size = (tmp_path / EVENTS).stat().st_size
    (tmp_path / EVENTS).write_bytes(b"")
    with pytest.raises(StoreError) as error:
        log.commit([add("PER", 5)])
    assert str(error.value) == (
        f"{tmp_path / EVENTS}: has become shorter, from {size} bytes to 0; expected a log that "
        "only grows.\nStop everything that writes to it, and bring it back."
    )


def test_a_full_disk_saves_nothing_and_says_so(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from gonerd.errors import StoreError
from gonerd.review.log import open_log
from tests.review.test_log import add
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = open_log(Path(sys.argv[1]))
log.commit([add("PER", 1)])
size = (Path(sys.argv[1]) / "events.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
try:
    log.commit([add("PER", 3)])
except StoreError as error:
    print(error)
print(len(log.state.acts), (Path(sys.argv[1]) / "events.jsonl").stat().st_size == size)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(log.commit([add("PER", 3)])[0].number)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == [
        f"{tmp_path / EVENTS}: cannot be written (File too large); expected room on the disk.",
        "What was saved before is safe; nothing of this was saved.",
        "1 True",
        "2",
    ], done.stderr


WRITER = """
import sys
from pathlib import Path
from gonerd.review.log import open_log
from tests.review.test_log import add
log = open_log(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    (saved,) = log.commit([add(sys.argv[2], number, sys.argv[2], f"{sys.argv[2]}/{number}")])
    print(saved.number, flush=True)
"""


def writer(folder: Path, name: str, count: int) -> "subprocess.Popen[str]":
    """Start a process that saves one act after the other, and says of each that it is saved."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, folder, name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_many_processes_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, f"p{number}", 40) for number in range(4)]
    said = [int(line) for one in writers for line in one.communicate(timeout=120)[0].split()]
    assert sorted(said) == list(range(1, 161))
    state = open_log(tmp_path).state
    assert {(one, len(held.marks)) for (one, _), held in state.held.items()} == {
        (f"p{number}", 40) for number in range(4)
    }


def test_a_process_killed_at_any_moment_loses_nothing_it_said_was_saved(tmp_path: Path) -> None:
    draw = random.Random(0)
    said = 0
    for turn in range(4):
        one = writer(tmp_path, f"t{turn}", 10_000)
        assert one.stdout is not None
        for _ in range(draw.randint(1, 40)):
            said = int(one.stdout.readline())
        one.send_signal(signal.SIGKILL)
        rest = one.communicate(timeout=60)[0].split("\n")
        said = max([said, *(int(line) for line in rest[:-1] if line)])
        acts = open_log(tmp_path).state.acts
        assert len(acts) >= said
        assert [act.number for act in acts] == list(range(1, len(acts) + 1))


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), courses)
def test_logs_of_several_places_give_one_state_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    chance: random.Random,
    course: list[tuple[str, object]],
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    paths = []
    for number in range(3):
        log = Log(path=folder / f"{number}.jsonl", clock=partial("2026-01-0{}".format, number + 1))
        log.catch_up()
        for annotator, wish in course[number::3]:
            act = wished(log.state, annotator, wish)  # type: ignore[arg-type]
            if act is not None:
                log.commit([act])
        paths.append(log.path)
    first = replay_logs(paths)
    for _ in range(6):
        chance.shuffle(paths)
        assert replay_logs(paths) == first
