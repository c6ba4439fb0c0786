"""Tests of reviewing in a terminal: keys do what the card says, and what is saved is the page's."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("textual")

from textual.pilot import Pilot
from textual.widgets import Static

from gonerd.errors import GonerdError
from gonerd.records import Document, Span
from gonerd.review import verbs
from gonerd.review.acts import Act, Mark
from gonerd.review.desk import Desk, Paper, open_desk
from gonerd.review.keys import KEYS
from gonerd.review.log import Log, open_log
from gonerd.review.queues import QueueConfig, draw
from gonerd.review.state import redo, undo
from gonerd.review.terminal.app import Terminal
from gonerd.review.terminal.seat import CHANGED, Seat
from gonerd.review.terminal.sheet import Layout, Sheet
from gonerd.review.terminal.shown import shown_in
from gonerd.review.verbs import Hand
from tests.conftest import run_gonerd
from tests.review.small_desk import ANN, desk, marks, paper
from tests.strategies import HOSTILE_TEXTS

ANN_LEE = Span(start=0, end=7, label="PER")
LUND = Span(start=31, end=35, label="LOC")
DESK = desk()

Story = Callable[[Terminal, "Pilot[None]"], Awaitable[None]]


def play(
    log: Log, story: Story, of: Desk = DESK, size: tuple[int, int] = (80, 24), **more: Any
) -> Terminal:
    """Let a story happen in a terminal, and give the terminal as it was left."""
    app = Terminal(of, log, "ana", **more)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await story(app, pilot)

    asyncio.run(run())
    return app


def press(log: Log, *keys: str, of: Desk = DESK, size: tuple[int, int] = (80, 24)) -> Terminal:
    """Press keys in a terminal, one after the other."""

    async def story(_: Terminal, pilot: "Pilot[None]") -> None:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    return play(log, story, of, size)


def shown(app: Terminal) -> str:
    """Give the lines in view."""
    return "\n".join("".join(cell.text for cell in line.cells) for line in app.page.lines)


def test_a_document_is_shown_with_its_suggestions(tmp_path: Path) -> None:
    app = press(open_log(tmp_path), size=(80, 24))
    assert shown(app) == (
        "[Ann [Lee]LOC?20]PER?90 met [[Lee]PER?50 of Lee & Co]ORG?60 in [Lund]LOC?. \n"
        "\U0001f469\u00b7\U0001f680 [Ann]PER? left Lund for Lundby."
    )
    assert app.place() == "a (1/2)  at 0%  read 0%  6 undecided  ana  ? keys"


def test_a_decision_is_on_disk_when_the_key_is_done(tmp_path: Path) -> None:
    log, counts = open_log(tmp_path), []

    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        for key in ("n", "a", "x", "enter"):
            await pilot.press(key)
            counts.append(len(log.path.read_bytes().splitlines()))
        assert app.seat.span == Span(start=12, end=15, label="PER")

    play(log, story)
    assert counts == [0, 1, 2, 3]
    assert marks(log.state) == {
        ANN_LEE: "accepted", Span(start=4, end=7, label="LOC"): "rejected",
        Span(start=12, end=27, label="ORG", fragments=((12, 15), (19, 27))): "accepted",
    }  # fmt: skip
    assert open_log(tmp_path).state == log.state


def test_without_colour_too_what_is_decided_looks_different(tmp_path: Path) -> None:
    app = press(open_log(tmp_path), "n", "a", "x", "j", "u")
    assert shown(app).startswith("[Ann [Lee]LOCx]PER= met [[Lee]PER=~ of Lee & Co]ORG?60 in")
    looks = {
        one.status: app.page._style(
            next(c for c in app.page.lines[0].cells if c.span == one and not c.sign), False
        )
        for one in shown_in(app.seat.paper, app.seat.held, 0, 30)
    }
    plain = {name: replace_colour(look) for name, look in looks.items()}
    assert len(set(plain.values())) == 3


def replace_colour(look: Any) -> tuple[Any, ...]:
    """Give a look but for its colour."""
    return look.bold, look.underline, look.strike, look.dim


def test_borders_move_by_token_and_character(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    press(log, "n", "n", "n", "n", "n", "left", "<", ".", "shift+right")
    assert [marks(log.state)[one] for one in (LUND, Span(start=31, end=35, label="LOC"))]
    acts = [one.act for one in log.state.acts]
    assert acts == ["border"] * 4
    places = [one.marks[-1].span for one in log.state.acts]
    assert [ANN[one.start : one.end] for one in places] == [
        "in Lund", "in Lun", "in Lund", "Lund",
    ]  # fmt: skip
    assert log.state.held["ana", "a"].marks == {LUND: Mark(status="accepted")}


def test_labels_change_by_number_and_from_the_list(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    press(log, "n", "2", "l", "4")
    assert [one.act for one in log.state.acts] == ["relabel", "relabel"]
    (mark,) = [one for one in log.state.held["ana", "a"].marks.items() if one[1].suggested]
    assert mark == (replace(ANN_LEE, label="MISC"), Mark(
        status="accepted", suggested=ANN_LEE
    ))  # fmt: skip


def test_words_are_selected_and_become_a_span(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    press(log, "n", "v", "right", "shift+right", "left", "shift+right", "4", "c", "h", "m", "enter")
    (span,) = marks(log.state)
    assert (ANN[span.start : span.end], span.label) == ("met Lee", "MISC")
    assert log.state.held["ana", "a"].marks[span].note == "hm"


def test_all_the_same_words_are_labelled_after_a_question(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    app = press(log, "/", "L", "u", "n", "d", "enter", "+", "escape")
    assert log.state.acts == []
    assert app.seat.words == "Lund"
    press(log, "/", "L", "u", "n", "d", "enter", "+", "y")
    (act,) = log.state.acts
    assert sorted({one.document_id for one in act.marks}) == ["a", "b"]
    press(log, "z")
    assert marks(log.state, "a") == marks(log.state, "b") == {}


def test_everything_is_undone_and_done_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    app = press(log, "n", "a", "x", "z", "z", "z", "y")
    assert marks(log.state) == {ANN_LEE: "accepted"}
    assert app.seat.says == "Done again."
    assert press(log, "z", "z").seat.says == "Nothing to undo."


@pytest.mark.parametrize(
    ("answer", "left"), [("l", {}), ("a", {"accepted": 6}), ("r", {"rejected": 6})]
)
def test_a_document_is_done(tmp_path: Path, answer: str, left: dict[str, int]) -> None:
    log = open_log(tmp_path)
    press(log, "D", answer)
    assert list(log.state.held["ana", "a"].coverage) == [(0, len(ANN))]
    statuses = list(marks(log.state).values())
    assert {one: statuses.count(one) for one in statuses} == left
    assert press(log, "K", "O").seat.task.document_id == "a"
    assert log.state.held["ana", "a"].coverage == ()


def test_what_is_read_up_to_here_is_where_one_goes_on(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    app = press(log, "j", "j", "j", "d", "l")
    assert list(log.state.held["ana", "a"].coverage) == [(0, 27)]
    again = Seat(desk=DESK, log=open_log(tmp_path), annotator="ana")
    assert (again.task.document_id, again.begin()) == ("a", 27)
    assert "read 41%" in app.place()
    press(log, "D", "l")
    assert Seat(desk=DESK, log=log, annotator="ana").task.document_id == "b"


def test_a_change_from_elsewhere_is_shown_and_not_overwritten(tmp_path: Path) -> None:
    log, other = open_log(tmp_path), open_log(tmp_path)

    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        await pilot.press("n")
        elsewhere = Hand(desk=DESK, state=other.state, annotator="ana", origin="web/x/1")
        other.commit([verbs.reject(elsewhere, "a", [ANN_LEE])])
        await pilot.press("a")
        assert app.seat.says == CHANGED
        assert "PERx" in shown(app)
        await pilot.press("a")
        assert app.seat.says == ""

    play(log, story)
    assert marks(log.state) == {ANN_LEE: "accepted"}
    assert len(open_log(tmp_path).state.acts) == 2


def test_two_terminals_lose_nothing(tmp_path: Path) -> None:
    first, second = open_log(tmp_path), open_log(tmp_path)
    press(first, "n", "a", "a")
    press(second, "n", "a")
    first.catch_up()
    assert len(first.state.acts) == 3
    assert first.state == second.state == open_log(tmp_path).state


def strip(path: Path) -> list[str]:
    """Read a log to the byte, but for what tells when and from where an act came."""
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [json.dumps({**row, "at": "", "origin": ""}) for row in rows]


def test_the_same_decisions_make_the_same_log_however_they_are_made(tmp_path: Path) -> None:
    press(
        open_log(tmp_path / "terminal"),
        *["n", "a", "x", "u", "left", "1", "J", "n", "a", "z", "y", "A", "y", "D", "l"],
    )
    log = open_log(tmp_path / "verbs")
    lee = Span(start=12, end=27, label="ORG", fragments=((12, 15), (19, 27)))
    wider = Span(start=8, end=27, label="ORG", fragments=((8, 15), (19, 27)))
    course: list[Callable[[Hand], Act | None]] = [
        lambda at: verbs.accept(at, "a", [ANN_LEE]),
        lambda at: verbs.reject(at, "a", [Span(start=4, end=7, label="LOC")]),
        lambda at: verbs.unsure(at, "a", lee, True),
        lambda at: verbs.set_border(at, "a", lee, 8, 27),
        lambda at: verbs.relabel(at, "a", wider, "PER"),
        lambda at: verbs.accept(at, "b", [Span(start=0, end=4, label="ORG")]),
        lambda at: undo(at.state, "ana"),
        lambda at: redo(at.state, "ana"),
        lambda at: verbs.label_all(at, ["b"], "Lund", "ORG"),
        lambda at: verbs.finish(at, "b", 0, 27, "leave"),
    ]
    for make in course:
        act = make(Hand(desk=DESK, state=log.state, annotator="ana"))
        assert act is not None
        log.commit([act])
    written = strip(tmp_path / "terminal" / "events.jsonl")
    assert len(written) == len(course)
    assert written == strip(log.path)


def test_every_key_of_the_card_does_something_or_is_for_disputes(tmp_path: Path) -> None:
    app = Terminal(DESK, open_log(tmp_path), "ana")
    wishes = {one.wish for one in KEYS if "read" in one.modes}
    labels = {f"label_{number}" for number in range(len(DESK.guide.labels) + 1, 10)}
    assert set(app.deeds.table) == wishes - labels


@pytest.mark.parametrize("key", ["question_mark", "g", "P", "l", "c", "D", "slash"])
def test_windows_open_over_the_text_and_close(tmp_path: Path, key: str) -> None:
    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        await pilot.press("n", key)
        assert len(app.screen_stack) == 2
        assert app.screen.query(".window")
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
        await pilot.press("a")

    log = open_log(tmp_path)
    play(log, story)
    assert marks(log.state) == {ANN_LEE: "accepted"}


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 60)])
def test_a_long_document_scrolls_at_once(tmp_path: Path, size: tuple[int, int]) -> None:
    text = "Ann Leeds met Bo Lund in the town of Malmo and went on. " * 36_000
    spans = tuple(
        Span(start=at, end=at + 9, label="PER", confidence=0.5) for at in range(0, 1_900_000, 130)
    )
    long = replace(DESK, papers={"long": paper("long", text, spans)}, disputes=())

    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        for key in ("pagedown", "end", "pageup", "n", "a", "home", "space"):
            began = time.perf_counter()
            await pilot.press(key)
            assert time.perf_counter() - began < 2.0
            assert len(app.page.lines) <= size[1]
            assert all(sum(cell.width for cell in one.cells) <= size[0] for one in app.page.lines)
        laid_out = sum(len(one) for one in app.page.layout_now.lines_of.values())
        assert laid_out < 40 * size[1]

    began = time.perf_counter()
    play(open_log(tmp_path), story, long, size)
    assert time.perf_counter() - began < 30


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
@pytest.mark.parametrize("width", [10, 78])
def test_lines_hold_all_of_a_text_and_nothing_that_moves_a_cursor(text: str, width: int) -> None:
    text = f"{text} \x1b[2J\x1b]0;x\x07 {text}" * 30
    at_hand = paper("x", text, (Span(start=0, end=3, label="PER"), Span(start=2, end=9, label="X")))
    sheet = Sheet(text=text)
    layout = Layout(
        sheet=sheet,
        width=width,
        spans=lambda start, end: shown_in(at_hand, None, start, end),
        chosen=(1, 2),
    )
    lines = layout.view((0, 0), 10_000)
    cells = [cell for line in lines for cell in line.cells]
    assert [cell.at for cell in cells if not cell.sign] == list(range(len(text)))
    assert all(cell.text == "" or cell.text.isprintable() for cell in cells)
    assert all(sum(cell.width for cell in line.cells) <= width for line in lines)
    for at in range(0, len(text), 7):
        block, number = layout.position(at)
        assert any(cell.at == at for cell in layout.lines(block)[number].cells)
    top = (0, 0)
    for _ in range(len(lines) - 1):
        top = layout.move(top, 1)
    assert layout.view(top, 5) == lines[-1:]
    assert layout.move(top, 1) == top
    assert layout.move(top, -len(lines)) == (0, 0)


def test_a_click_chooses_the_innermost_span_and_again_the_one_around(tmp_path: Path) -> None:
    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        places: list[Span | None] = []
        for _ in range(3):
            await pilot.click(app.page, offset=(2 + 6, 0))
            places.append(app.seat.span)
        assert places == [Span(start=4, end=7, label="LOC"), ANN_LEE,
                          Span(start=4, end=7, label="LOC")]  # fmt: skip

    play(open_log(tmp_path), story)


def test_tasks_are_read_in_the_order_of_the_queue_and_hidden_spans_are_not_shown(
    tmp_path: Path,
) -> None:
    config = QueueConfig(annotators=("ana",), piece=6, hidden_spans=0.5, seed=2)
    queue = draw(DESK, config)
    log = open_log(tmp_path)
    seen: list[tuple[str, int]] = []

    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        for _ in queue.tasks:
            seen.append((app.seat.task.document_id, app.seat.task.start))
            await pilot.press("D")
            says = str(app.screen.query_one(".title", Static).render())
            await pilot.press("a" if "suggestions are undecided" in says else "y")
            await pilot.press("J")

    play(log, story, queue=queue)
    assert seen == [(one.document_id, one.start) for one in queue.tasks]
    assert len(queue.tasks) > 3
    total = sum(len(one.suggestions) for one in DESK.papers.values())
    assert 0 < sum(len(held.marks) for held in log.state.held.values()) < total


def test_nothing_to_read_and_names_that_are_taken_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GonerdError) as error:
        Seat(desk=replace(DESK, papers={}), log=open_log(tmp_path), annotator="ana")
    assert str(error.value) == "desk: nothing to read for 'ana'; expected a document."
    with pytest.raises(GonerdError):
        Terminal(DESK, open_log(tmp_path), "gold")


def test_an_empty_document_is_shown(tmp_path: Path) -> None:
    empty = Paper(
        document=Document(id="e", text="", source="s", license="x", language="en"), suggestions=()
    )
    at_hand = replace(DESK, papers={"e": empty}, disputes=())
    keys = ["n", "j", "a", "v", "D", "d", "o", "pagedown", "end", "home", "A", "left"]
    app = press(open_log(tmp_path), *keys, of=at_hand)
    assert shown(app) == ""


def test_work_is_told_written_and_handed_out_on_the_command_line(built_copy: Path) -> None:
    work = Path("work") / "sample"
    (built_copy / "queue.toml").write_text(
        'annotators = ["ana", "ben"]\npiece = 2000\nhidden_spans = 0.1\n'
    )
    asked = ["review", work, "--queue", "queue.toml", "--progress"]
    done = run_gonerd(*asked, cwd=built_copy)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 of 8 documents done; 0.0% read; 0 acts; ")
    assert "ben: 0 of " in done.stdout
    told = json.loads(run_gonerd(*asked, "--json", cwd=built_copy).stdout)
    assert [one["annotator"] for one in told["annotators"]] == ["ana", "ben"]
    assert not (built_copy / work / "review" / "events.jsonl").exists()
    at_hand, log = open_desk(built_copy / work), open_log(built_copy / work / "review")
    ana = Hand(desk=at_hand, state=log.state, annotator="ana")
    log.commit([verbs.finish(ana, next(iter(at_hand.papers)), 0, 500)])
    done = run_gonerd("review", work, "--out", "reviewed.jsonl", cwd=built_copy)
    assert (done.returncode, done.stderr) == (0, "reviewed.jsonl: 1 annotation\n")
    done = run_gonerd("review", work, "--terminal", cwd=built_copy)
    assert done.returncode == 1
    assert "--annotator: left out; expected the name under which you review." in done.stderr


def test_what_is_drawn_is_what_is_laid_out(tmp_path: Path) -> None:
    text = "\n".join(f"{number} Ann Lee of Lund" for number in range(300))
    spans = tuple(Span(start=at, end=at + 3, label="PER") for at in range(2, 4000, 50))
    at_hand = replace(DESK, papers={"x": paper("x", text, spans)}, disputes=())

    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        for key in (
            "n",
            "a",
            "x",
            "pagedown",
            "j",
            "u",
            "end",
            "pageup",
            "z",
            "home",
            "v",
            "right",
        ):
            await pilot.press(key)
            drawn = [app.page.render_line(y).text[2:].rstrip() for y in range(app.page.size.height)]
            laid_out = ["".join(cell.text for cell in one.cells) for one in app.page.lines]
            assert [one for one in drawn if one] == [one.rstrip() for one in laid_out if one]
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        assert all(app.page.render_line(y).cell_length == 40 for y in range(10))

    play(open_log(tmp_path), story, at_hand)


def test_keys_stay_within_a_piece(tmp_path: Path) -> None:
    queue = draw(DESK, QueueConfig(annotators=("ana",), piece=6))
    first = queue.tasks[0]
    assert first.end < len(ANN)
    places: list[Span | None] = []

    async def story(app: Terminal, pilot: "Pilot[None]") -> None:
        for _ in range(8):
            await pilot.press("j")
            places.append(app.seat.span)
        assert app.seat.says == "None after this."

    play(open_log(tmp_path), story, queue=queue)
    assert places[-1] is not None
    assert all(one is not None and one.start < first.end for one in places)
