"""Tests of the page in a real browser: what annotators do, and what must not go wrong meanwhile."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from gonerd.review.log import EVENTS, open_log
from gonerd.review.state import State
from tests.review.browser import Server, browser, ready, saved, served, until
from tests.review.offices import ASTRAL, PLAIN, SUGGESTED, write_work

pytestmark = pytest.mark.xdist_group("browser")
MARSH, ELLIS, MARSH_AGAIN, ELLIS_AGAIN = SUGGESTED["plain"][1]


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One browser for all tests."""
    with browser() as one:
        yield one


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with nothing done yet."""
    with served(write_work(tmp_path / "work")) as one:
        yield one


@pytest.fixture
def page(chrome: Browser, server: Server) -> Iterator[Page]:
    """A page of it; anything that goes wrong in it fails the test."""
    context = chrome.new_context(viewport={"width": 1200, "height": 800})
    one = context.new_page()
    wrong: list[str] = []
    one.on("pageerror", lambda error: wrong.append(str(error)))
    one.goto(server.link)
    yield ready(one)
    context.close()
    assert wrong == []


def state(server: Server) -> State:
    """Read the log as it is on disk."""
    return open_log(server.folder / "review").state


def held(server: Server, document: str = "plain") -> dict[tuple[int, int, str], str]:
    """Give what ana holds of a document."""
    found = state(server).held.get(("ana", document))
    marks = {} if found is None else found.marks
    return {(one.start, one.end, one.label): mark.status for one, mark in marks.items()}


def keys(page: Page, *pressed: str) -> None:
    """Press keys one after the other, and wait until all is saved."""
    for key in pressed:
        page.keyboard.press(key)
    page.evaluate("() => room.deeds.turn")
    saved(page)


def text_of(page: Page) -> str:
    """Give the text that is in the page."""
    return str(page.evaluate("document.getElementById('canvas').textContent"))


def test_a_document_is_there_as_it_is(page: Page) -> None:
    assert text_of(page) == PLAIN
    expect(page.locator("#progress")).to_have_text("0 of 4 decided, 0 % read")
    pieces = page.locator(".piece.suggested")
    assert pieces.all_inner_texts()[0].startswith("Ana Marsh")
    assert [one.get_attribute("data-tag") for one in pieces.all()] == [
        "PER 93", "LOC 80", "PER 50", "ORG",
    ]  # fmt: skip


def test_keys_decide_and_go_on(page: Page, server: Server) -> None:
    keys(page, "n", "a", "x", "a")
    assert held(server) == {
        (MARSH.start, MARSH.end, "PER"): "accepted",
        (ELLIS.start, ELLIS.end, "LOC"): "rejected",
        (MARSH_AGAIN.start, MARSH_AGAIN.end, "PER"): "accepted",
    }
    expect(page.locator("#progress")).to_have_text("3 of 4 decided, 0 % read")
    expect(page.locator(".what")).to_contain_text("Port Ellis ORG, suggested")
    keys(page, "3")
    assert held(server)[ELLIS_AGAIN.start, ELLIS_AGAIN.end, "LOC"] == "accepted"
    assert [act.act for act in state(server).acts] == ["accept", "reject", "accept", "relabel"]


def test_borders_move_by_token_and_by_character(page: Page, server: Server) -> None:
    keys(page, "j", "Shift+ArrowRight")
    assert held(server) == {(0, 9, "PER"): "rejected", (4, 9, "PER"): "accepted"}
    keys(page, "ArrowRight")
    assert held(server)[4, 14, "PER"] == "accepted"
    keys(page, "Shift+ArrowLeft", "<", ",")
    assert held(server) == {(0, 9, "PER"): "rejected", (3, 8, "PER"): "accepted"}
    keys(page, "ArrowLeft")
    assert held(server) == {(0, 9, "PER"): "rejected", (0, 8, "PER"): "accepted"}
    keys(page, ".")
    assert held(server) == {(0, 9, "PER"): "accepted"}


def test_words_are_selected_by_keys_and_added(page: Page, server: Server) -> None:
    keys(page, "j", "v", "Shift+ArrowRight", "l", "m")
    assert held(server) == {(10, 17, "MISC"): "added"}
    keys(page, "Delete")
    assert held(server) == {}


def drag(page: Page, start: int, end: int, modifier: str | None = None) -> None:
    """Select a range of units with the mouse."""
    box = page.evaluate("([from, to]) => room.view.box(from, to).toJSON()", [start, end])
    left, right, middle = box["left"], box["right"], (box["top"] + box["bottom"]) / 2
    if modifier:
        page.keyboard.down(modifier)
    page.mouse.move(left + 1, middle)
    page.mouse.down()
    page.mouse.move((left + right) / 2, middle)
    page.mouse.move(right - 1, middle)
    page.mouse.up()
    if modifier:
        page.keyboard.up(modifier)
    until(page, "room.choice.points !== null || room.choice.span !== null")


def test_the_mouse_selects_whole_tokens_or_exactly(page: Page, server: Server) -> None:
    drag(page, 11, 16)
    page.get_by_role("button", name="MISC", exact=True).click()
    saved(page)
    assert held(server) == {(10, 17, "MISC"): "added"}
    drag(page, 20, 24, "Alt")
    page.get_by_role("button", name="PER", exact=True).click()
    saved(page)
    assert (20, 24, "PER") in held(server)


def test_the_mouse_can_do_all_of_it(page: Page, server: Server) -> None:
    page.locator(".piece.suggested").first.click(position={"x": 20, "y": 12})
    expect(page.locator("#toolbar")).to_be_visible()
    for name in ("Start one token later", "End one token later", "Unsure", "Accept", "Undecided"):
        page.locator("#toolbar button", has_text=name).or_(
            page.locator(f'#toolbar button[aria-label="{name}"]')
        ).first.click()
        keys(page)
    acts = [act.act for act in state(server).acts]
    assert acts[:3] == ["border", "border", "unsure"]
    page.get_by_role("button", name="Undo").click()
    saved(page)
    assert state(server).acts[-1].act == "undo"


def test_all_occurrences_are_counted_labelled_and_undone_at_once(
    page: Page, server: Server
) -> None:
    keys(page, "j", "A")
    expect(page.locator("dialog .count")).to_contain_text("2 occurrences; 2 become PER, in 1 doc")
    page.get_by_role("button", name="Do it").click()
    saved(page)
    assert sorted(held(server).values()) == ["accepted", "accepted"]
    keys(page, "z")
    assert held(server) == {}
    keys(page, "y", "X")
    expect(page.locator("dialog .count")).to_contain_text("2 are rejected")
    page.keyboard.press("Enter")
    saved(page)
    assert sorted(held(server).values()) == ["rejected", "rejected"]
    assert [act.act for act in state(server).acts] == ["label all", "undo", "redo", "reject all"]


def test_what_is_read_is_coverage(page: Page, server: Server) -> None:
    keys(page, "n", "j", "d")
    expect(page.locator("dialog p").first).to_contain_text("2 suggestions are undecided")
    page.get_by_role("button", name="Leave them undecided").click()
    saved(page)
    assert state(server).held["ana", "plain"].coverage == ((0, ELLIS.end),)
    keys(page, "D")
    page.get_by_role("button", name="Accept them").click()
    saved(page)
    assert state(server).held["ana", "plain"].coverage == ((0, len(PLAIN)),)
    assert list(held(server).values()) == ["accepted"] * 4
    expect(page.locator("#progress")).to_have_text("4 of 4 decided, 100 % read")
    keys(page, "Escape", "O")
    assert state(server).held["ana", "plain"].coverage == ()


def test_notes_and_doubts(page: Page, server: Server) -> None:
    keys(page, "j", "u", "c")
    page.keyboard.type("<b>who?</b> \U0001f914")
    page.keyboard.press("Control+Enter")
    saved(page)
    (mark,) = state(server).held["ana", "plain"].marks.values()
    assert (mark.unsure, mark.note) == (True, "<b>who?</b> \U0001f914")
    expect(page.locator(".what .note")).to_have_text("\u201c<b>who?</b> \U0001f914\u201d")


def test_search_finds_and_walks(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("ana")
    expect(page.locator("#found")).to_have_text("1 of 3")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text("2 of 3")
    expect(page.locator(".piece.found")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".piece.found")).to_have_count(0)


def test_the_guide_opens_at_the_label_and_keys_have_a_card(page: Page) -> None:
    keys(page, "j", "g")
    expect(page.locator("dialog .gist")).to_contain_text("PER: Names of people")
    expect(page.locator("dialog .guide .here")).to_have_text("PER")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog .keys")).to_contain_text("Next undecided")


def test_units_and_code_points_are_told_apart(page: Page, server: Server) -> None:
    keys(page, "J")
    until(page, "room.id === 'astral'")
    assert text_of(page) == ASTRAL
    keys(page, "n")
    expect(page.locator(".what")).to_contain_text("Li PER")
    keys(page, "a", "ArrowLeft")
    start = ASTRAL.index("Oslo")
    assert held(server, "astral")[start - 3, start + 4, "LOC"] == "accepted"
    unit = len(ASTRAL[: ASTRAL.index("Bo")].encode("utf-16-le")) // 2
    drag(page, unit, unit + 3)
    keys(page, "1")
    assert held(server, "astral")[ASTRAL.index("Bo"), ASTRAL.index("Bo") + 4, "PER"] == "added"


def test_every_place_in_a_text_is_found_both_ways(page: Page) -> None:
    ask = """async (texts) => {
      const { Offsets } = await import("/page/offsets.js");
      const wrong = [];
      for (const text of texts) {
        const offsets = new Offsets(text);
        let [unit, point] = [0, 0];
        for (const one of [...text, ""]) {
          if (offsets.toUnits(point) !== unit) wrong.push([text, point, "units"]);
          if (offsets.toPoints(unit) !== point) wrong.push([text, point, "points"]);
          const half = one.length === 2 && offsets.toPoints(unit + 1) !== point;
          if (half) wrong.push([text, point, "middle"]);
          [unit, point] = [unit + one.length, point + 1];
        }
        if (offsets.points !== [...text].length) wrong.push([text, "length"]);
      }
      return wrong;
    }"""
    smile, han = "\U0001f600", "\U00020000"
    family = "\U0001f468\u200d\U0001f469"
    texts = ["", "abc", smile, f"a{smile}b{han}{family}e\u0301", "\ufeffx\r\n", smile * 50 + "z"]
    wrong = page.evaluate(ask, texts)
    assert wrong == []


def test_one_comes_back_to_where_one_was(page: Page, server: Server, chrome: Browser) -> None:
    keys(page, "J")
    until(page, "room.id === 'astral'")
    keys(page, "n", "a")
    place = f"#astral@{ASTRAL.index('Oslo')}"
    until(page, f"location.hash === {json.dumps(place)}")
    until(page, "fetch('/api/desk').then(r => r.json()).then(d => d.last[1] > 0)")
    other = chrome.new_context().new_page()
    other.goto(server.link)
    ready(other)
    assert other.evaluate("room.id") == "astral"
    expect(other.locator("#progress")).to_have_text("1 of 2 decided, 0 % read")
    other.context.close()
    page.reload()
    ready(page)
    assert page.evaluate("location.hash") == place


def test_two_pages_see_what_the_other_does(page: Page, server: Server) -> None:
    other = page.context.new_page()
    other.goto(f"{server.root}/#plain@0")
    ready(other)
    page.bring_to_front()
    keys(page, "n", "a")
    expect(other.locator(".piece.accepted")).to_have_count(1)
    other.bring_to_front()
    keys(other, "n", "x")
    expect(page.locator(".piece.rejected")).to_have_count(1)


def test_a_conflict_is_shown_and_nothing_is_put_over(page: Page, server: Server) -> None:
    page.evaluate("room.news = () => {}")  # a page that does not hear in time
    other = page.context.new_page()
    other.goto(f"{server.root}/#plain@0")
    ready(other)
    keys(other, "n", "x")
    keys(page, "n", "a")
    expect(page.locator("#notice")).to_contain_text(
        "Not saved: \u201cAna Marsh\u201d (PER) is rejected by now, changed in another window."
    )
    assert list(held(server).values()) == ["rejected"]
    expect(page.locator(".piece.rejected")).to_have_count(1)
    expect(page.locator(".piece.accepted")).to_have_count(0)


def test_a_server_that_is_killed_loses_nothing_nor_does_the_page(
    page: Page, server: Server
) -> None:
    keys(page, "n", "a")
    server.kill()
    for key in ("a", "x"):
        page.keyboard.press(key)
    expect(page.locator("#saved")).to_contain_text("Server away: 2 not saved; they are kept here")
    expect(page.locator(".piece.accepted")).to_have_count(2)
    assert list(held(server).values()) == ["accepted"]
    server.start()
    saved(page)
    assert list(held(server).values()) == ["accepted", "accepted", "rejected"]


def test_what_a_closed_page_could_not_send_the_next_one_sends(page: Page, server: Server) -> None:
    server.kill()
    page.keyboard.press("n")
    page.keyboard.press("a")
    expect(page.locator("#saved")).to_contain_text("1 not saved")
    context = page.context
    page.close()
    server.start()
    again = context.new_page()
    again.goto(f"{server.root}/#plain@0")
    ready(again)
    expect(again.locator("#notice")).to_contain_text("1 that an earlier page could not save")
    expect(again.locator(".piece.accepted")).to_have_count(1)
    assert list(held(server).values()) == ["accepted"]


def test_a_piece_is_read_as_a_whole_and_the_rest_stays_unread(
    chrome: Browser, tmp_path: Path
) -> None:
    work = write_work(tmp_path / "work")
    queue = tmp_path / "queue.toml"
    queue.write_text('annotators = ["ana", "ben"]\noverlap = 2\npiece = 6\n')
    with served(work, "--annotator", "ana", "--queue", str(queue)) as server:
        page = ready(_opened(chrome, server))
        first = page.evaluate("room.task")
        assert first[:2] == ["plain", 0]
        assert 0 < first[2] < len(PLAIN)
        expect(page.locator(".piece.outside").first).to_be_visible()
        expect(page.locator("#progress")).to_contain_text("Piece: 0 of ")
        keys(page, "D")
        page.get_by_role("button", name="Accept them").click()
        saved(page)
        expect(page.locator("#progress")).to_contain_text("100 % read")
        assert state(server).held["ana", "plain"].coverage == ((0, first[2]),)
        keys(page, "J")
        until(page, f"room.task[1] === {first[2]}")
        page.context.close()


def test_an_answer_that_comes_late_does_not_touch_another_document(
    page: Page, server: Server
) -> None:
    held_back: list[Route] = []
    page.route("**/api/wishes", lambda route: held_back.append(route))
    for key in ("n", "a", "J"):
        page.keyboard.press(key)
    until(page, "room.id === 'astral'")
    for one in held_back:
        one.continue_()
    page.unroute("**/api/wishes")
    saved(page)
    assert page.evaluate("room.held.marks.size") == 0
    assert list(held(server).values()) == ["accepted"]
    page.evaluate("room.open('plain')")
    expect(page.locator(".piece.accepted")).to_have_count(1)


def test_a_server_ends_quietly_while_a_page_is_open(page: Page, server: Server) -> None:
    keys(page, "n", "a")
    assert server.process is not None
    server.process.send_signal(signal.SIGINT)
    said = server.process.communicate(timeout=30)
    assert (server.process.returncode, said) == (
        130, ("", "gonerd: stopped; run the same command again to go on.\n"),
    )  # fmt: skip
    server.start()


def _opened(chrome: Browser, server: Server) -> Page:
    page = chrome.new_context().new_page()
    page.goto(server.link)
    return page


def test_pages_that_only_read_write_nothing(page: Page, server: Server) -> None:
    keys(page, "j", "j", "k", "Escape", "End", "Home", "/", "Escape")
    assert (server.folder / "review" / EVENTS).read_bytes() == b""
