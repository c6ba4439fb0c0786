"""Tests that text with names marked inline gives back its text and its spans to the character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import RecordError
from gonerd.marked import read_marked, write_marked
from gonerd.records import Span
from tests.strategies import HOSTILE_TEXTS, flat_ranges

LABELS = ("PER", "LOC")
WHERE = "gold.marked"

bracketed_texts = st.lists(
    st.sampled_from(
        [
            "[PER ",
            "[LOC ",
            "[ORG ",
            "[PER",
            "[",
            "]",
            "\\",
            " ",
            "a",
            "Bo",
            "\n",
            "\r\n",
            "\U0001f600",
        ]
    )
    | st.text(max_size=3),
    max_size=12,
).map("".join)


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """Draw a text and flat spans over it."""
    text = draw(bracketed_texts)
    return text, [
        Span(start=start, end=end, label=draw(st.sampled_from(LABELS)))
        for start, end in draw(flat_ranges(len(text), 5, gap=4))
    ]


@given(texts_with_spans())
def test_text_and_spans_come_back_from_marked_text_or_are_refused(
    drawn: tuple[str, list[Span]],
) -> None:
    text, spans = drawn
    reach, blocked = 0, False
    for span in spans:
        name = text[span.start : span.end]
        blocked |= "]" in name or any(f"[{label} " in name for label in LABELS)
        blocked |= span.start > reach and text[span.start - 1] == "\\"
        reach = span.end

    if blocked:
        with pytest.raises(RecordError):
            write_marked(text, spans, LABELS)
    else:
        assert read_marked(write_marked(text, spans, LABELS), LABELS, WHERE) == (text, spans)


@given(bracketed_texts)
def test_any_text_without_spans_comes_back(text: str) -> None:
    assert read_marked(write_marked(text, [], LABELS), LABELS, WHERE) == (text, [])


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_around_a_mark_and_inside_it(text: str) -> None:
    whole = f"{text}Ana{text}"
    around = [Span(start=len(text), end=len(text) + 3, label="PER")]
    inside = [Span(start=0, end=len(whole), label="PER")]

    assert read_marked(write_marked(whole, around, LABELS), LABELS, WHERE) == (whole, around)
    assert read_marked(write_marked(whole, inside, LABELS), LABELS, WHERE) == (whole, inside)


@pytest.mark.parametrize(
    ("marked", "text", "spans"),
    [
        pytest.param("", "", [], id="empty"),
        pytest.param("[PER Ana]", "Ana", [(0, 3, "PER")], id="mark alone"),
        pytest.param(
            "[PER Ana][LOC Lund]", "AnaLund", [(0, 3, "PER"), (3, 7, "LOC")], id="touching"
        ),
        pytest.param("See [1] and [sic].", "See [1] and [sic].", [], id="other brackets"),
        pytest.param(
            "[ORG x] [per y] [PER]", "[ORG x] [per y] [PER]", [], id="no label of the guide"
        ),
        pytest.param(r"\[PER x]", "[PER x]", [], id="escaped"),
        pytest.param(r"\\[PER x]", r"\[PER x]", [], id="escaped after a backslash"),
        pytest.param("[PER a [b c]", "a [b c", [(0, 6, "PER")], id="open bracket in a name"),
        pytest.param("[PER Ana\nRoe]", "Ana\nRoe", [(0, 7, "PER")], id="name over two lines"),
        pytest.param("[PER  Ana ]", " Ana ", [(0, 5, "PER")], id="blanks in a name are its own"),
        pytest.param("C:\\dir \\ [", "C:\\dir \\ [", [], id="other backslashes"),
    ],
)
def test_marks_are_read(marked: str, text: str, spans: list[tuple[int, int, str]]) -> None:
    assert read_marked(marked, LABELS, WHERE) == (
        text,
        [Span(start=start, end=end, label=label) for start, end, label in spans],
    )


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        pytest.param(
            "One.\n[PER a [LOC b] c]",
            "2: mark '[LOC ' opens inside another mark; expected marks that do not nest.",
            id="nested",
        ),
        pytest.param(
            "[PER Ana. Then [LOC Lund].",
            "1: mark '[LOC ' opens inside another mark; expected marks that do not nest.",
            id="swallows the next",
        ),
        pytest.param(
            "One.\r\n\r\nTwo [PER Ana",
            "3: mark '[PER ' holds no name or is never closed; expected `[LABEL name]`.",
            id="never closed",
        ),
        pytest.param(
            "[PER ]",
            "1: mark '[PER ' holds no name or is never closed; expected `[LABEL name]`.",
            id="no name",
        ),
    ],
)
def test_a_broken_mark_is_refused_with_its_line(marked: str, message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_marked(marked, LABELS, WHERE)
    assert str(error.value) == f"{WHERE}:{message}"


@given(bracketed_texts)
def test_any_marked_text_is_read_or_refused_with_its_line(marked: str) -> None:
    try:
        text, spans = read_marked(marked, LABELS, WHERE)
    except RecordError as error:
        assert str(error).startswith(f"{WHERE}:")
    else:
        assert all(span.end <= len(text) for span in spans)


@pytest.mark.parametrize(
    ("text", "spans", "message"),
    [
        pytest.param(
            "Ana Roe",
            [(0, 7, "PER"), (4, 7, "LOC")],
            "text[4:7]: span 'LOC' 'Roe' overlaps another or holds a bracket; "
            "expected flat spans that can be marked inline.",
            id="overlap",
        ),
        pytest.param(
            "Ana [sic]",
            [(0, 9, "PER")],
            "text[0:9]: span 'PER' 'Ana [sic]' overlaps another or holds a bracket; "
            "expected flat spans that can be marked inline.",
            id="closing bracket",
        ),
        pytest.param(
            "a [LOC b",
            [(0, 8, "PER")],
            "text[0:8]: span 'PER' 'a [LOC b' overlaps another or holds a bracket; "
            "expected flat spans that can be marked inline.",
            id="opening of a mark",
        ),
        pytest.param(
            "C:\\Ana",
            [(3, 6, "PER")],
            "text[3:6]: span 'PER' 'Ana' follows a backslash, which would keep its mark from "
            "opening; expected another character there.",
            id="backslash before",
        ),
    ],
)
def test_spans_that_cannot_be_marked_are_refused(
    text: str, spans: list[tuple[int, int, str]], message: str
) -> None:
    with pytest.raises(RecordError) as error:
        write_marked(text, [Span(start=s, end=e, label=label) for s, e, label in spans], LABELS)
    assert str(error.value) == message


def test_a_label_that_would_be_read_as_text_is_not_written() -> None:
    with pytest.raises(RecordError) as error:
        write_marked("Ana", [Span(start=0, end=3, label="ORG")], LABELS)
    assert str(error.value).startswith("text[0:3]: span 'ORG'")


@pytest.mark.parametrize(("start", "end"), [(2, 9), (3, 4), (8, 9)])
def test_a_span_past_the_text_is_not_written(start: int, end: int) -> None:
    with pytest.raises(RecordError) as error:
        write_marked("Ana", [Span(start=start, end=end, label="PER")], LABELS)
    assert str(error.value).startswith(f"text[{start}:{end}]: span 'PER'")


def test_a_mention_in_pieces_is_not_written_as_one_piece() -> None:
    pieces = Span(start=0, end=7, label="PER", fragments=((0, 3), (4, 7)))

    with pytest.raises(RecordError) as error:
        write_marked("Ana Roe", [pieces], LABELS)
    assert str(error.value).startswith("text[0:7]: span 'PER'")


def test_where_there_are_no_labels_every_bracket_is_text() -> None:
    assert read_marked("See [ 1] and [PER x].", [], WHERE) == ("See [ 1] and [PER x].", [])


@pytest.mark.parametrize("labels", [("ART", "ART WORK"), ("ART WORK", "ART")], ids=str)
@pytest.mark.parametrize("label", ["ART", "ART WORK"])
def test_labels_that_begin_alike_are_told_apart_or_refused(
    label: str, labels: tuple[str, ...]
) -> None:
    text, spans = "WORK day", [Span(start=0, end=8, label=label)]

    try:
        marked = write_marked(text, spans, labels)
    except RecordError:
        return
    assert read_marked(marked, labels, WHERE) == (text, spans)


def test_a_label_is_no_pattern() -> None:
    assert read_marked("[P.R x] [PER y]", ["P.R"], WHERE) == (
        "x [PER y]",
        [Span(start=0, end=1, label="P.R")],
    )
