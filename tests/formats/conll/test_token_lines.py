"""Tests that what stands between tokens, and about documents, fits on lines and comes back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.formats.conll.token_lines import (
    Draft,
    about,
    comment_of,
    document_ids,
    escape,
    files_by_annotator,
    finish,
    gaps_in,
    levels_of_tags,
    unescape,
)
from gonerd.formats.layers import Pass, TokenPass
from gonerd.formats.tokenized import tokenized
from tests.formats.round_trips import annotated
from tests.strategies import HOSTILE_TEXTS

BLANKS = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\xa0\u3000"


@given(st.text() | st.text(alphabet=BLANKS + "\\|u0a") | st.sampled_from([*HOSTILE_TEXTS.values()]))
def test_any_text_comes_back_from_escapes_that_break_no_line(text: str) -> None:
    escaped = escape(text)

    assert unescape(escaped) == text
    assert not re.search(r"[\s|]", escaped)
    assert len(escaped.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (" ", "\\s"),
        ("\r\n\t", "\\r\\n\\t"),
        ("\xa0", "\\u00a0"),
        ("a\\|", "a\\\\\\p"),
        ("", ""),
    ],
)
def test_blanks_are_written_as_conll_u_writes_them(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text())
def test_what_is_no_escape_stays(text: str) -> None:
    assert unescape(text.replace("\\", "/")) == text.replace("\\", "/")


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("# newdoc id = d-1", ("newdoc id", "d-1")),
        ("# text = a = b", ("text", "a = b")),
        ("#key=value ", ("key", "value")),
        ("# meta::title = x", ("meta::title", "x")),
        ("# hipe2022:document_id = x", ("hipe2022:document_id", "x")),
        ("# newpar", None),
        ("#\tO", None),
        ("Ana = O", None),
    ],
)
def test_comments_are_keys_with_values(line: str, comment: tuple[str, str] | None) -> None:
    assert comment_of(line) == comment


@pytest.mark.parametrize(
    ("text", "tokens", "gaps"),
    [
        ("I 'm in.", ["I", "'m", "in", "."], [" ", " ", "", ""]),
        (" Ana  left ", ["Ana", "left"], ["  ", ""]),
        ("Ana left.", ["Ana", "."], None),
        ("Ana left", ["Ana"], None),
        ("", [], None),
    ],
)
def test_gaps_are_taken_from_a_text_made_of_the_tokens(
    text: str, tokens: list[str], gaps: list[str] | None
) -> None:
    assert gaps_in(text, tokens) == gaps


def test_documents_without_a_name_are_named_by_their_place() -> None:
    drafts = [Draft(where="f"), Draft(where="f", document_id="f-3"), Draft(where="f")]

    assert document_ids(drafts, "f") == ["f-1", "f-3", "f-3+"]
    assert document_ids(drafts[:1], "f") == ["f"]


def draft_of_ours(tokens: list[str], gaps: list[str]) -> Draft:
    """Draft a document with the comments of `Ana left.`, whatever its tokens."""
    item = annotated("Ana left.", (0, 3, "PER"), coverage=[(0, 3)])
    draft = Draft(where="f:1", tokens=tokens, gaps=gaps, unknown=((1, 3),))
    for line in about(item.document, item.annotations[0], ""):
        comment = comment_of(line)
        assert comment is not None
        assert draft.remember(*comment)
    return draft


def test_a_document_of_ours_comes_by_characters() -> None:
    found = finish(draft_of_ours(["Ana", "left", "."], [" ", "", ""]), "file", "somebody")

    assert isinstance(found, Pass)
    assert (found.document_id, found.annotator, found.guide) == ("l-17", "ana", "letters@2")
    assert (found.text, found.coverage, found.unit) == ("Ana left.", ((0, 3),), "code points")
    assert found.details == {"source": "letters", "license": "cc0-1.0", "language": "en"}


@pytest.mark.parametrize(
    ("tokens", "gaps", "unknown"),
    [
        pytest.param(["Ana", "left", "!"], [" ", "", ""], ((1, 3),), id="another token"),
        pytest.param(["Ana", "left", "."], ["  ", "", ""], ((1, 3),), id="another gap"),
        pytest.param(["Ana", "left", "."], [" ", "", ""], ((2, 3),), id="tagged since"),
    ],
)
def test_a_document_of_ours_that_was_changed_is_read_as_any_other(
    tokens: list[str], gaps: list[str], unknown: tuple[tuple[int, int], ...]
) -> None:
    draft = draft_of_ours(tokens, gaps)
    draft.unknown = unknown

    found = finish(draft, "file", "somebody")

    assert isinstance(found, TokenPass)
    assert (found.document_id, found.annotator) == ("l-17", "ana")
    assert found.unknown == unknown
    assert found.notes == ("changed since it was exported: read as anybody's file",)


def test_what_was_partly_read_is_not_known_after_a_change_that_shows_no_tags() -> None:
    draft = draft_of_ours(["Bo", "left", "."], [" ", "", ""])
    draft.unknown = None

    found = finish(draft, "file", "somebody")

    assert isinstance(found, TokenPass)
    assert found.unknown == ((0, 3),)


def test_an_imprint_of_others_is_a_comment_like_any() -> None:
    draft = Draft(where="f:1", tokens=["Ana"], gaps=[""])

    assert not draft.remember("gonerd", '{"document_id": 3}')
    assert isinstance(finish(draft, "file", "somebody"), TokenPass)


def test_spans_that_meet_on_a_token_take_another_level_or_are_left_out() -> None:
    item = annotated("Lund-Roe left", (0, 2, "A"), (2, 4, "B"), (0, 13, "C"), coverage=[])
    done = tokenized(item.document, item.annotations[0])
    first = done.tokens.texts

    (one, two), losses = levels_of_tags(item.document, done, 2, "This")

    assert one == ["B-C", *["I-C"] * (len(first) - 1)]
    assert two == ["B-A", *["O"] * (len(first) - 1)]
    assert [(loss.start, loss.end, loss.what, loss.why) for loss in losses] == [
        (0, len(first[0]), "span left out", "it overlaps others on tokens, and This has no more "
         "levels")
    ]  # fmt: skip


def test_several_annotators_get_a_file_each_and_nobody_s_document_is_a_loss() -> None:
    items = [
        annotated("Ana left.", annotator="../ana"),
        annotated("Bo left.", annotator="bo", document_id="l-18"),
        annotated("Nobody.", document_id="l-19"),
    ]
    items[2] = type(items[2])(document=items[2].document, annotations=())

    written = files_by_annotator(items, ".x", ["header"], lambda document, _: ([document.id], []))

    assert written.files == {
        "%2E.%2Fana.x": b"header\nl-17\n",
        "bo.x": b"header\nl-18\n",
    }
    assert [(loss.document_id, loss.what) for loss in written.losses] == [
        ("l-19", "document left out")
    ]
    assert files_by_annotator([], ".x", ["header"], lambda *_: ([], [])).files == {"": b"header\n"}
