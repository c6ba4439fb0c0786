"""Tests that the page is whole, needs nothing, and shows hostile data as text."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given

from gonerd.agreement.heat_map import MOST, heat_map, legend
from gonerd.agreement.markup import cut, shown, with_interval
from gonerd.agreement.measure import measure
from gonerd.agreement.page import MOST_CONFUSED, MOST_ROWS, page
from gonerd.agreement.result import Agreement, Estimate
from gonerd.records import Annotation
from tests.agreement.layers import an_annotation, layers
from tests.agreement.test_lines import TEXT, example

VOID = {"meta", "br", "link", "img", "hr", "input"}
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x00\x1b"


class Strict(HTMLParser):
    """Reads a page; every element must be closed where it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def read(markup: str) -> Strict:
    """Read a page whole."""
    reader = Strict()
    reader.feed(markup)
    reader.close()
    assert reader.open == []
    return reader


def a_crowd(number: int, *, name: str = "annotator") -> Agreement:
    """Measure what many say about two documents."""
    return measure(
        [
            an_annotation(f"{name} {index:03}", [(0, 5, f"L{index}")], document_id=document)
            for index in range(number)
            for document in "ab"
        ],
        samples=5,
    )


def test_a_page_holds_every_section_and_number() -> None:
    result = measure(example(), texts={"letter": TEXT, "report": TEXT}, samples=100)

    found = read(page(result))
    links = re.findall(r'<a href="#([^"]+)">', page(result))
    assert links == re.findall(r'<section id="([^"]+)">', page(result))
    assert len(links) == 10
    for said in (
        "6 readings of 2 documents by 3 annotators, with 20 spans",
        "0.526 0.500\u20130.556",
        "undefined because it was not asked for; --gamma works it out",
        "Bo | Bo Lund",
        "letter[36:40]",
        "Over all tokens 0.802",
    ):
        assert said in found.said


def test_on_paper_tables_are_whole_and_repeat_their_heads() -> None:
    markup = page(measure(example(), texts={"letter": TEXT, "report": TEXT}, samples=5))

    tables = re.findall(r'<div class="wide"><table>(<\w+>)', markup)
    assert set(tables) == {"<thead>"}
    on_paper = markup.partition("@media print")[2].partition("</style>")[0]
    for rule in (
        ".wide { overflow: visible; }",
        "print-color-adjust: exact",
        "nav { display: none",
    ):
        assert rule in on_paper


@given(layers())
def test_there_is_a_page_of_anything(annotations: list[Annotation]) -> None:
    result = measure(annotations, texts={"a": "x" * 100}, samples=5)

    assert "nan" not in read(page(result)).said.replace("nanc", "")


def hostile_result() -> Agreement:
    """Measure annotations of which every name and text is hostile."""
    text = f"{HOSTILE} {HOSTILE}"
    return measure(
        [
            an_annotation(
                f"{HOSTILE}{name}",
                [(0, len(HOSTILE), HOSTILE + label), (3, 9, "B")],
                document_id=HOSTILE,
                text=text,
                coverage=((0, len(text)),),
            )
            for name, label in (("a", "A"), ("b", "B"))
        ],
        texts={HOSTILE: text},
        samples=5,
    )


def test_hostile_data_stay_text() -> None:
    markup = page(hostile_result())

    found = read(markup)
    assert found.tags.isdisjoint({"script", "img", "iframe", "object", "link"})
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "alert(1)" in found.said
    assert markup.count("<script") == markup.count("<img") == 0
    assert not re.search("[\x00-\x08\x0b-\x1f]", markup)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    markup = page(hostile_result())

    assert "default-src 'none'" in markup
    found = read(markup)
    assert found.attributes.isdisjoint({"src", "action", "data"})
    assert set(re.findall(r'href="(.)', markup)) == {"#"}
    assert "@import" not in markup
    assert set(re.findall(r"url\((.)", markup)) == {"#"}


def test_the_picture_is_well_formed_and_says_what_it_shows() -> None:
    for result in (hostile_result(), a_crowd(3), a_crowd(1)):
        picture = ElementTree.fromstring(heat_map(result))
        assert [child.tag.rpartition("}")[2] for child in picture][:2] == ["title", "desc"]
    ElementTree.fromstring(legend())


@pytest.mark.parametrize("number", [2, 9, 17, 46, MOST, MOST + 20])
def test_the_picture_has_a_square_for_every_two_annotators_it_has_room_for(number: int) -> None:
    picture = ElementTree.fromstring(heat_map(a_crowd(number)))

    room = min(number, MOST)
    squares = picture.findall("{*}g/{*}g")
    assert len(squares) == room * (room - 1)
    width = float(picture.attrib["width"])
    assert width <= 1600
    for rect in picture.iterfind(".//{*}g/{*}rect"):
        assert float(rect.get("x", "0")) + float(rect.get("width", "0")) <= width


def test_a_square_says_the_pair_both_numbers_and_where_they_are_undefined() -> None:
    annotations = [
        an_annotation("ana", [(0, 5), (10, 15)]),
        an_annotation("bo", [(0, 5), (11, 15)]),
        an_annotation("cy", [], coverage=((60, 90),)),
    ]

    picture = heat_map(measure(annotations, samples=0))
    alone = "no interval because it rests on one document alone"
    assert f"<title>ana and bo: exact F1 0.500 ({alone}); 1 document, 4 spans</title>" in picture
    assert f"<title>ana and bo: overlap F1 1.000 ({alone}); 1 document, 4 spans</title>" in picture
    assert picture.count("undefined because neither marked anything in what both have read") == 4
    assert re.findall(r">([.\d]+)</text>", picture) == [".50", "1"]


def test_long_tables_and_many_annotators_are_cut_and_say_so() -> None:
    found = read(page(a_crowd(MOST_ROWS + 4)))

    assert found.said.count("and 4 more; --json lists them all") == 2  # labels and annotators
    assert f"Of {MOST + 4} annotators, the {MOST} that were compared most." in found.said
    assert f"and {64 * 63 - MOST_CONFUSED:,} more; --json lists the first 1,000" in found.said


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("a<b", 10, "a&lt;b"),
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghijk", 10, "abcdef\u2026ijk"),
        ("\ud800\x07", 10, "\ufffd\ufffd"),
    ],
)
def test_names_are_cut_and_escaped(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected


def test_numbers_are_written_with_their_interval_or_reason() -> None:
    assert with_interval(Estimate(value=0.5, low=0.25, high=1.0)) == "0.500 (0.250 to 1.000)"
    assert with_interval(Estimate(value=0.5, why="no interval")) == "0.500 (no interval)"
    assert with_interval(Estimate(value=None, why="undefined & so")) == "undefined &amp; so"
    assert shown("'\"") == "&#x27;&quot;"
