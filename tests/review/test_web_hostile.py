"""Tests of the page with documents that want to run, style or break something, and long ones."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gonerd.records import Span
from gonerd.review.log import open_log
from gonerd.review.web.app import PAGE
from tests.review.browser import Server, browser, ready, saved, served, until
from tests.review.offices import at, write_work

pytestmark = pytest.mark.xdist_group("browser")

MARKUP = (
    "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'>\n"
    "<style>body { display: none }</style><iframe srcdoc='<script>parent.hit = 3</script>'>\n"
    "<svg onload=window.hit=4><a href='javascript:hit=5'>Ana</a></svg> </div></main> <!-- \n"
    "{{constructor.constructor('hit=6')()}} ${hit=7} \u202eEman\u202c \x00\x01\x7f "
    "\ufeff\u2028\u2029"
    "&lt;b&gt; &#60;i> ]]> \r\n\tAna \u0301\u0327\u0489 \U000e0041\U0001f1e9\U0001f1ea end"
)
BLOCKED = "The action has been blocked."
"""What the browser says of a try to make markup of text: that must fail, and does."""
NAME = "<img src=x onerror=hit=8>\"'&#@?/\\ \u202e%00"
LABEL = "<b>PER</b>"


def long_text(size: int) -> tuple[str, tuple[Span, ...]]:
    """Make a text with forty spans in a thousand words, some in one another."""
    draw = random.Random(1)
    words: list[str] = []
    spans: list[Span] = []
    place = 0
    while place < size:
        word = draw.choice(["of", "river", "Marsh", "evening", "\U0001f600", "na\u0308he", "\n\n"])
        if draw.random() < 0.04:
            spans.append(Span(start=place, end=place + len(word), label="PER", confidence=0.7))
            if draw.random() < 0.2 and place > 40:
                spans.append(Span(start=place - 9, end=place + len(word), label="ORG"))
        words.append(word)
        place += len(word) + 1
    return " ".join(words), tuple(one for one in spans if one.end <= len(" ".join(words)))


TEXTS = {
    "markup": (MARKUP, (at(MARKUP, "Ana", LABEL, 0, 0.5), at(MARKUP, "<svg onload", "PER"))),
    NAME: ("Ana", (Span(start=0, end=3, label="PER"),)),
    "empty": ("", ()),
    "long": long_text(200_000),
    "one line": ("\U0001f600" * 30_000 + " Ana " + "x" * 30_000, ()),
}


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One browser for all tests."""
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests."""
    with served(write_work(tmp_path_factory.mktemp("hostile") / "<i>work", TEXTS)) as one:
        yield one


@pytest.fixture
def page(chrome: Browser, server: Server) -> Iterator[Page]:
    """A page that must ask nobody else, and nothing may go wrong in it."""
    context = chrome.new_context(viewport={"width": 1200, "height": 800})
    one = context.new_page()
    wrong: list[str] = []
    one.on("pageerror", lambda error: wrong.append(str(error)))
    one.on(
        "request", lambda sent: None if sent.url.startswith(server.root) else wrong.append(sent.url)
    )
    one.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    one.on("console", lambda said: BLOCKED in said.text and wrong.remove(said.text))
    one.goto(server.link)
    yield ready(one)
    context.close()
    assert wrong == []


def show(page: Page, name: str, place: int = 0) -> None:
    """Open a document."""
    page.evaluate("([id, at]) => room.open(id, at)", [name, place])
    until(page, "room.held !== null")


def elements(page: Page) -> set[str]:
    """Name the elements of the text."""
    found = page.evaluate("[...document.querySelectorAll('#canvas *')].map((one) => one.localName)")
    return set(found)


def test_markup_is_text(page: Page) -> None:
    show(page, "markup")
    assert page.evaluate("document.getElementById('canvas').textContent") == MARKUP
    assert elements(page) == {"div", "span"}
    page.keyboard.press("j")
    page.keyboard.press("A")
    expect(page.locator("dialog .count")).to_contain_text("occurrence")
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.type("<script>window.hit = 9</script>")
    page.keyboard.press("Control+Enter")
    saved(page)
    page.locator("#documents").click()
    expect(page.locator("dialog .list b").nth(1)).to_have_text(NAME)
    page.keyboard.press("Escape")
    for wish in ("search", "guide", "progress", "keys"):
        page.evaluate("(wish) => room.deeds.do(wish)", wish)
        page.keyboard.press("Escape")
    assert page.evaluate("window.hit === undefined && !document.querySelector('iframe, img, svg')")
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("getComputedStyle(document.body).display") == "flex"


def test_a_document_of_any_name_is_opened_and_found_again(page: Page, server: Server) -> None:
    show(page, NAME)
    page.keyboard.press("j")
    page.keyboard.press("a")
    saved(page)
    until(page, "location.hash.length > 1 && room.place.last === location.hash")
    page.reload()
    ready(page)
    assert page.evaluate("room.id") == NAME
    held = open_log(server.folder / "review").state.held["ana", NAME]
    assert [mark.status for mark in held.marks.values()] == ["accepted"]


def test_an_empty_document_is_no_trouble(page: Page) -> None:
    show(page, "empty")
    for key in ("j", "n", "a", "d", "v", "End", "Home", "/", "Escape"):
        page.keyboard.press(key)
    expect(page.locator("#progress")).to_have_text("0 of 0 decided, 0 % read")


@pytest.mark.parametrize(
    "script",
    [
        "document.body.innerHTML = '<p>'",
        "eval('1')",
        "new Function('1')",
        "document.write('x')",
        "setTimeout('window.hit = 1', 0)",
    ],
)
def test_even_a_mistake_in_the_page_could_not_make_markup_of_text(page: Page, script: str) -> None:
    code = f"setTimeout(() => {{ try {{ {script}; window.did = 1 }} catch {{ window.did = 2 }} }})"
    page.evaluate(f"() => {{ {code} }}")
    until(page, "window.did !== undefined")
    assert page.evaluate("[window.did, window.hit === undefined]") == [2, True]


@pytest.mark.parametrize("path", sorted(PAGE.iterdir()), ids=lambda path: path.name)
def test_the_page_has_no_way_to_make_markup_of_text(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "createContextualFragment",
        "eval(",
        "new Function",
        "srcdoc",
        "javascript:",
    ):
        assert way not in source, way
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", source)
    assert len(source.splitlines()) <= 300


def test_only_what_is_in_view_is_in_the_page(page: Page) -> None:
    show(page, "long")
    text, spans = TEXTS["long"]
    assert page.evaluate("room.text") == text
    assert page.evaluate("document.getElementById('canvas').textContent.length") < 12_000
    heights = page.evaluate("room.view.tops[room.view.count]")
    assert heights > 20_000
    page.keyboard.press("End")
    page.evaluate("room.deeds.turn")
    assert text.endswith(page.evaluate("document.getElementById('canvas').textContent")[-500:])
    middle = spans[len(spans) // 2]
    show(page, "long", middle.start)
    box = page.evaluate(
        "(at) => { const u = room.offsets.toUnits(at); return room.view.box(u, u + 1).toJSON() }",
        middle.start,
    )
    assert 50 < box["top"] < 750


def test_scrolling_shows_every_character_once_and_in_order(page: Page) -> None:
    show(page, "long")
    text, _ = TEXTS["long"]
    found = page.evaluate(
        """async () => {
      const { view } = room;
      const parts = new Map();
      const look = () => {
        for (const [at, element] of view.shown) parts.set(at, element.textContent);
        const boxes = [...view.canvas.children].map((one) => one.getBoundingClientRect());
        for (let n = 1; n < boxes.length; n++) {
          if (Math.abs(boxes[n].top - boxes[n - 1].bottom) > 1) throw new Error("a gap");
        }
      };
      look();
      for (let turn = 0; turn < 2000; turn++) {
        const before = view.scroller.scrollTop;
        view.scroller.scrollTop += 700;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        look();
        if (view.scroller.scrollTop === before) break;
      }
      return [...parts.entries()].sort((a, b) => a[0] - b[0]).map((one) => one[1]).join("");
    }"""
    )
    assert found == text


def test_a_line_without_end_is_cut_where_no_character_is_torn(page: Page) -> None:
    show(page, "one line")
    torn = page.evaluate(
        "[...room.view.starts].filter((at) => /[\\udc00-\\udfff]/.test(room.text[at] ?? ''))"
    )
    assert torn == []


def test_narrow_and_wide_windows_stay_at_the_same_place(page: Page) -> None:
    _, spans = TEXTS["long"]
    show(page, "long", spans[100].start)
    before = page.evaluate("room.view.top()")
    for width in (400, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        until(page, f"room.view.width !== 0 && Math.abs(innerWidth - {width}) < 2")
        page.wait_for_timeout(100)
        assert abs(page.evaluate("room.view.top()") - before) < 200
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


COLOURS = re.findall(r"--(label-\d+|paper|raised|ink|soft|good|bad|accent): (#[0-9a-f]{6})",
                     (PAGE / "page.css").read_text(encoding="utf-8"))  # fmt: skip


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours as WCAG 2 does."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("half", [0, 1], ids=["light", "dark"])
def test_every_colour_can_be_read_on_paper(half: int) -> None:
    size = len(COLOURS) // 2
    assert len(COLOURS) == 2 * size == 2 * 19
    colours = dict(COLOURS[half * size : (half + 1) * size])
    for name, colour in colours.items():
        if name in ("paper", "raised"):
            continue
        for ground in ("paper", "raised"):
            assert contrast(colour, colours[ground]) >= 4.5, (name, ground)


@pytest.mark.parametrize("half", [0, 1], ids=["light", "dark"])
def test_a_label_can_be_read_on_the_shade_of_its_own_span(half: int) -> None:
    size = len(COLOURS) // 2
    colours = dict(COLOURS[half * size : (half + 1) * size])
    shades = re.search(r"(\d+) \+ Math.round\((\d+) \*.*?: (\d+);", (PAGE / "paint.js").read_text())
    assert shades is not None
    most = max(int(shades[1]) + int(shades[2]), int(shades[3])) / 100
    for name in (one for one in colours if one.startswith("label")):
        pairs = zip(*(bytes.fromhex(colours[one][1:]) for one in (name, "paper")), strict=True)
        shade = "#" + bytes(round(most * a + (1 - most) * b) for a, b in pairs).hex()
        assert contrast(colours[name], shade) >= 4.5, (name, contrast(colours[name], shade))
        assert contrast(colours["ink"], shade) >= 7, name


def test_every_module_of_the_page_is_asked_for_at_once() -> None:
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'modulepreload" href="/page/([^"]+)"', index))
    assert named == {path.name for path in PAGE.glob("*.js")}
