"""Tests that a row holds every visible character, the gold as it is, and says what did not fit."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.bio import decode, faults, tag_names
from gonerd.publish.rows import LEFT_OUT, make_row
from gonerd.records import Annotation, Document, Loss, Range, Span
from gonerd.release import ROWS
from gonerd.tokens import tokenize
from tests.strategies import HOSTILE_TEXTS, LABELS

UNREAD = "nobody has read all of it, and unread is not the same as no entity"

words = st.sampled_from(
    [
        "Ines",
        "Adler",
        "Lundska",
        "don't",
        "U.S.",
        "Oslo-based",
        "10km",
        ",",
        ".",
        "(",
        "\u2014",
        "'s",
    ]
)
blanks = st.sampled_from(
    [" ", "", "  ", "\n\n", "\r\n", "\t", "\u00a0", "\u2028", "\x85", "\x1c", "\u3000", "\u200b"]
)
row_texts = st.lists(words | blanks | st.text(max_size=3), max_size=25).map(
    "".join
) | st.sampled_from(list(HOSTILE_TEXTS.values()))


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """Draw a text and spans anywhere in it, overlapping, nested, in blanks, in several parts."""
    text = draw(row_texts)
    spans: list[Span] = []
    if text:
        for _ in range(draw(st.integers(0, 8))):
            start = draw(st.integers(0, len(text) - 1))
            end = draw(st.integers(start + 1, min(len(text), start + 25)))
            fragments: tuple[Range, ...] = ()
            if end - start >= 3 and draw(st.booleans()):
                fragments = ((start, start + 1), (end - 1, end))
            label = draw(st.sampled_from(LABELS))
            spans.append(Span(start=start, end=end, label=label, fragments=fragments))
    return text, list(dict.fromkeys(spans))


def row_of(
    text: str,
    spans: Sequence[Span] = (),
    *,
    coverage: tuple[Range, ...] | None = None,
    language: str = "en",
) -> tuple[dict[str, Any] | None, list[Loss]]:
    """Make the row of a text with gold that covers all of it, or just some."""
    document = Document(
        id="doc", text=text, source="source", license="mit", language=language, url="http://x/"
    )
    gold = Annotation(
        document_id="doc",
        text_sha256=document.text_sha256,
        annotator="gold",
        guide="gonerd@1",
        coverage=((0, len(text)),) if coverage is None else coverage,
        spans=tuple(spans),
    )
    return make_row(document, gold, LABELS)


def tagged(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Read the tags back: the text of each entity and its label."""
    names = tag_names(LABELS)
    spans = decode([names[tag] for tag in row["ner_tags"]])
    starts, ends, text = row["token_starts"], row["token_ends"], row["text"]
    return [(text[starts[first] : ends[last - 1]], label) for first, last, label in spans]


def marked(text: str, *names: str, label: str = "PER") -> list[Span]:
    """Make a span of the first occurrence of each name."""
    return [
        Span(start=text.index(name), end=text.index(name) + len(name), label=label)
        for name in names
    ]


@given(row_texts, st.sampled_from(["en", "de", "fr", "zh", "ru", "xx"]))
def test_tokens_are_the_visible_text_and_nothing_else(text: str, language: str) -> None:
    tokens = tokenize(text, language)
    reach = 0
    for token, start, end in zip(tokens.texts, tokens.starts, tokens.ends, strict=True):
        assert text[start:end] == token
        assert token.strip() == token != ""
        assert start >= reach
        assert not text[reach:start].strip()
        reach = end
    assert not text[reach:].strip()


@given(texts_with_spans())
def test_tags_say_what_the_spans_say_or_the_ledger_says_why(
    drawn: tuple[str, list[Span]],
) -> None:
    text, spans = drawn
    row, losses = row_of(text, spans)
    assert row is not None
    tags = [tag_names(LABELS)[tag] for tag in row["ner_tags"]]
    assert faults(tags) == []
    assert len(tags) == len(row["tokens"]) == row["num_tokens"]
    said = {
        (row["token_starts"][first], row["token_ends"][last - 1], label)
        for first, last, label in decode(tags)
    }
    meant = {(span.start, span.end, span.label) for span in spans}
    named = {(loss.start, loss.end) for loss in losses}
    assert {(start, end) for start, end, _ in meant - said} <= named
    for start, end, label in said:
        here = [span for span in spans if span.start < end and start < span.end]
        assert label in {span.label for span in here}


@given(texts_with_spans())
def test_every_gold_span_stands_in_the_row_as_it_was(drawn: tuple[str, list[Span]]) -> None:
    text, spans = drawn
    row, _ = row_of(text, spans)
    assert row is not None
    table = pa.Table.from_pylist([row], schema=ROWS)
    (read,) = table.to_pylist()
    assert read["text"] == text
    assert sorted((span["start"], span["end"], span["label"]) for span in read["spans"]) == sorted(
        (span.start, span.end, span.label) for span in spans
    )
    assert list(row) == ROWS.names


def test_a_row_carries_what_the_document_carries() -> None:
    text = "Ines Adler left."
    span = Span(start=0, end=10, label="PER", confidence=0.5, support=2)
    row, losses = row_of(text, [span])
    assert losses == []
    assert row == {
        "id": "doc",
        "text": text,
        "tokens": ["Ines", "Adler", "left", "."],
        "ner_tags": [1, 2, 0, 0],
        "token_starts": [0, 5, 11, 15],
        "token_ends": [4, 10, 15, 16],
        "spans": [{"start": 0, "end": 10, "label": "PER", "confidence": 0.5, "support": 2}],
        "source": "source",
        "url": "http://x/",
        "license": "mit",
        "language": "en",
        "num_tokens": 4,
    }


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_a_text_that_breaks_programs_becomes_a_row(text: str) -> None:
    row, losses = row_of(text)
    assert row is not None and losses == []
    assert (row["text"], row["spans"]) == (text, [])
    assert "".join(row["tokens"]) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "name", "in_tags"),
    [
        ("In Lundska huset", "Lund", "Lundska"),
        ("In Lundska huset", "ska", "Lundska"),
        ("In Lundska huset", "ndska hus", "Lundska huset"),
        ("Zoe\u0308 Bo", "Zoe", "Zoe\u0308"),
        ("Ines  left", "Ines ", "Ines"),
    ],
    ids=["start", "end", "both", "before its accent", "with a blank"],
)
def test_a_border_inside_a_token_is_widened_and_named(text: str, name: str, in_tags: str) -> None:
    (span,) = marked(text, name)
    row, losses = row_of(text, [span])
    assert row is not None
    ((said, label),) = tagged(row)
    assert said.startswith(in_tags)
    assert label == "PER"
    assert losses == [
        Loss(
            document_id="doc",
            start=span.start,
            end=span.end,
            what="span widened in the tags",
            why="its border lies inside a token",
        )
    ]


@pytest.mark.parametrize("blank", ["  ", "\n\n", "\u00a0\u00a0", "\u2028 "])
def test_a_span_of_blanks_is_left_out_of_the_tags_and_named(blank: str) -> None:
    text = f"Ines {blank} left"
    span = Span(start=5, end=5 + len(blank), label="LOC")
    row, losses = row_of(text, [span])
    assert row is not None
    assert tagged(row) == []
    assert [(row["spans"][0]["start"], row["spans"][0]["end"])] == [(span.start, span.end)]
    assert losses == [
        Loss(
            document_id="doc",
            start=span.start,
            end=span.end,
            what="span left out of the tags",
            why="it touches no token",
        )
    ]


def test_of_overlapping_spans_the_longest_is_tagged_and_the_others_are_named() -> None:
    text = "University of Port Ellis Press"
    spans = [
        *marked(text, "University of Port Ellis", "Ellis Press", label="ORG"),
        *marked(text, "Port Ellis", label="LOC"),
    ]
    row, losses = row_of(text, spans)
    assert row is not None
    assert tagged(row) == [("University of Port Ellis", "ORG")]
    assert len(row["spans"]) == 3
    assert {(loss.start, loss.end, f"{loss.what}: {loss.why}") for loss in losses} == {
        (14, 24, "span left out of the tags: it overlaps another span"),
        (19, 30, "span left out of the tags: it overlaps another span"),
    }


def test_the_same_place_under_two_labels_is_tagged_once() -> None:
    spans = [*marked("In Lund", "Lund", label="LOC"), *marked("In Lund", "Lund", label="ORG")]
    row, losses = row_of("In Lund", spans)
    assert row is not None
    assert len(tagged(row)) == 1
    assert len(row["spans"]) == 2
    assert [(loss.start, loss.end, loss.what) for loss in losses] == [
        (3, 7, "span left out of the tags")
    ]


def test_two_spans_on_the_same_tokens_are_tagged_once_and_both_named() -> None:
    row, losses = row_of("Lundska", marked("Lundska", "Lund", "ska"))
    assert row is not None
    assert tagged(row) == [("Lundska", "PER")]
    assert [(loss.start, loss.end, loss.what, loss.why) for loss in losses] == [
        (0, 4, "span widened in the tags", "its border lies inside a token"),
        (4, 7, "span left out of the tags", "same tokens as another"),
    ]


def test_a_mention_in_several_parts_is_joined_and_named() -> None:
    text = "Ines and Olga Adler"
    span = Span(start=0, end=19, label="PER", fragments=((0, 4), (14, 19)))
    row, losses = row_of(text, [span])
    assert row is not None
    assert tagged(row) == [(text, "PER")]
    assert [(loss.start, loss.end, loss.what, loss.why) for loss in losses] == [
        (0, 19, "span joined", "it has several parts")
    ]


def test_a_mention_in_several_parts_gives_way_to_one_of_one_piece() -> None:
    text = "Ines and Olga Adler"
    apart = Span(start=0, end=19, label="PER", fragments=((0, 4), (14, 19)))
    row, losses = row_of(text, [apart, *marked(text, "Olga Adler")])
    assert row is not None
    assert tagged(row) == [("Olga Adler", "PER")]
    assert (0, 19, "span left out of the tags") in [
        (loss.start, loss.end, loss.what) for loss in losses
    ]


@pytest.mark.parametrize(
    ("coverage", "unread"),
    [
        ((), (0, 17)),
        (((0, 16),), (16, 17)),
        (((1, 17),), (0, 1)),
        (((0, 5), (6, 17)), (5, 6)),
        (((0, 6), (12, 17)), (6, 12)),
        (((5, 5), (7, 9)), (0, 7)),
    ],
    ids=["nothing", "not the end", "not the start", "a letter", "a gap", "next to nothing"],
)
def test_a_document_that_nobody_read_whole_makes_no_row(
    coverage: tuple[Range, ...], unread: Range
) -> None:
    row, losses = row_of("Ines Adler left.x", coverage=coverage)
    assert row is None
    assert losses == [
        Loss(document_id="doc", start=unread[0], end=unread[1], what=LEFT_OUT, why=UNREAD)
    ]


@pytest.mark.parametrize(
    "coverage",
    [
        ((0, 6), (6, 18)),
        ((0, 4), (5, 10), (11, 16)),
        ((0, 16),),
        ((0, 4), (4, 4), (4, 16), (18, 18)),
    ],
    ids=["touching", "all but blanks", "all but the blank end", "empty ranges"],
)
def test_blanks_need_not_be_read(coverage: tuple[Range, ...]) -> None:
    row, losses = row_of("Ines Adler left.\r\n", coverage=coverage)
    assert row is not None
    assert losses == []


@given(st.text(alphabet="ab \n", max_size=20), st.data())
def test_a_row_is_made_just_when_every_visible_character_was_read(
    text: str, data: st.DataObject
) -> None:
    flat = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    coverage = tuple(zip(flat[::2], flat[1::2], strict=False))
    read = {index for start, end in coverage for index in range(start, end)}
    unread = [index for index in range(len(text)) if index not in read and text[index].strip()]
    row, losses = row_of(text, coverage=coverage)
    assert (row is None) == bool(unread)
    if unread:
        (loss,) = losses
        assert loss.start is not None and loss.end is not None
        assert loss.start <= unread[0] < loss.end
        assert not read & set(range(loss.start, loss.end))


@pytest.mark.parametrize("text", ["", " \r\n\u00a0"], ids=["empty", "blanks"])
def test_a_text_without_tokens_makes_a_row_without_tokens(text: str) -> None:
    for coverage in (None, ()):
        row, losses = row_of(text, coverage=coverage)
        assert row is not None and losses == []
        assert (row["tokens"], row["ner_tags"], row["num_tokens"]) == ([], [], 0)


def test_tokens_do_not_depend_on_the_gold() -> None:
    text = "In Lundska huset on Oslo-based ships"
    bare, _ = row_of(text)
    full, _ = row_of(text, marked(text, "Lund", "slo-b", "based"))
    assert bare is not None and full is not None
    assert bare["tokens"] == full["tokens"]


@pytest.mark.parametrize(
    ("language", "tokens"),
    [
        ("en", ["do", "n't", "\u5317\u4eac"]),
        ("en-GB", ["do", "n't", "\u5317\u4eac"]),
        ("EN", ["do", "n't", "\u5317\u4eac"]),
        ("zh-Hans-CN", ["d", "o", "n", "'", "t", "\u5317", "\u4eac"]),
        ("xx", ["don't", "\u5317\u4eac"]),
        ("tlh", ["don't", "\u5317\u4eac"]),
        ("mul", ["don't", "\u5317\u4eac"]),
        ("", ["don't", "\u5317\u4eac"]),
    ],
)
def test_the_rules_are_those_of_the_language(language: str, tokens: list[str]) -> None:
    row, _ = row_of("don't \u5317\u4eac", language=language)
    assert row is not None
    assert row["tokens"] == tokens


@pytest.mark.parametrize(
    "language",
    [
        "punctuation",
        "char_classes",
        "tokenizer_exceptions",
        "en.stop_words",
        "..",
        "../x",
        "\u00e9",
    ],
)
def test_a_language_that_is_none_is_no_obstacle(language: str) -> None:
    row, _ = row_of("Ines Adler", language=language)
    assert row is not None
    assert row["tokens"] == ["Ines", "Adler"]


def test_a_document_of_a_million_characters_is_one_row() -> None:
    text = "Ines Adler went on to Lund. " * 40_000
    spans = [
        Span(start=28 * index, end=28 * index + 10, label="PER") for index in range(0, 40_000, 100)
    ]
    row, losses = row_of(text, spans)
    assert row is not None and losses == []
    assert (row["num_tokens"], row["token_ends"][-1]) == (7 * 40_000, len(text) - 1)
    assert tagged(row) == [("Ines Adler", "PER")] * 400


def test_normal_forms_of_a_text_are_left_alone() -> None:
    text = "Zoe\u0308 met Zo\u00eb"
    row, _ = row_of(text, marked(text, "Zoe\u0308", "Zo\u00eb"))
    assert row is not None
    assert row["tokens"] == ["Zoe\u0308", "met", "Zo\u00eb"]
    assert unicodedata.normalize("NFC", row["tokens"][0]) == row["tokens"][2]
