"""Tests that an annotation put on tokens says the same, or a loss says what it does not."""

import pytest
from hypothesis import given

from gonerd.bio import decode
from gonerd.formats.tokenized import UNKNOWN, Tokenized, tokenized
from gonerd.gather import Annotated
from gonerd.records import Range
from gonerd.spans import flatten
from tests.formats.given import annotated_documents
from tests.formats.round_trips import annotated
from tests.strategies import HOSTILE_TEXTS


def on_tokens(
    text: str, *spans: tuple[int, int, str], coverage: list[Range] | None = None
) -> Tokenized:
    one = annotated(text, *spans, coverage=coverage)
    return tokenized(one.document, one.annotations[0])


def fates(found: Tokenized) -> list[tuple[int | None, int | None, str, str]]:
    return [(loss.start, loss.end, loss.what, loss.why) for loss in found.losses]


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_tokens_and_gaps_are_the_text(text: str) -> None:
    found = on_tokens(text)
    starts = found.tokens.starts
    assert text == text[: starts[0] if starts else len(text)] + "".join(
        token + gap for token, gap in zip(found.tokens.texts, found.gaps, strict=True)
    )


def test_spans_of_whole_tokens_lose_nothing() -> None:
    found = on_tokens("Ana Roe met Bo.", (0, 7, "PER"), (12, 14, "PER"))
    assert [span for span, _ in found.spans] == [(0, 2, "PER"), (3, 4, "PER")]
    assert found.tags() == ["B-PER", "I-PER", "O", "B-PER", "O"]
    assert found.losses == ()


@pytest.mark.parametrize(
    ("start", "end", "expected", "fate"),
    [
        (1, 7, (0, 2), ("span widened", "its border lies inside a token")),
        (0, 5, (0, 2), ("span widened", "its border lies inside a token")),
        (5, 6, (1, 2), ("span widened", "its border lies inside a token")),
        (3, 6, (1, 2), ("span widened", "its border lies inside a token")),
        (3, 7, (1, 2), ("span narrowed", "it begins or ends with blank")),
        (4, 8, (1, 2), ("span narrowed", "it begins or ends with blank")),
        (3, 8, (1, 2), ("span narrowed", "it begins or ends with blank")),
        (3, 4, None, ("span left out", "it touches no token")),
    ],
)
def test_a_span_of_other_than_whole_tokens_is_a_loss(
    start: int, end: int, expected: Range | None, fate: tuple[str, str]
) -> None:
    found = on_tokens("Ana Roe met Bo.", (start, end, "PER"))
    assert [span[:2] for span, _ in found.spans] == ([expected] if expected else [])
    assert fates(found) == [(start, end, *fate)]


def test_what_was_not_read_has_a_tag_of_its_own() -> None:
    found = on_tokens("Ana met Bo now", (8, 10, "PER"), coverage=[(0, 5)])
    assert found.unknown == (False, True, True, True)
    assert found.tags() == ["O", UNKNOWN, "B-PER", UNKNOWN]


def test_no_sentence_ends_inside_a_span() -> None:
    text = "She met Ana.\n\nRoe left. He stayed."
    plain = on_tokens(text)
    across = on_tokens(text, (8, 17, "PER"))
    assert [plain.tokens.texts[start] for start, _ in plain.sentences] == ["She", "Roe", "He"]
    assert [across.tokens.texts[start] for start, _ in across.sentences] == ["She", "He"]


@given(annotated_documents())
def test_every_span_is_there_or_lost_and_no_sentence_opens_inside_one(drawn: Annotated) -> None:
    for annotation in drawn.annotations:
        found = tokenized(drawn.document, annotation)
        size = len(found.tokens.texts)
        borders = [0, *(border for sentence in found.sentences for border in sentence), size]
        assert borders[::2] == borders[1::2]
        inside = {token for (start, end, _), _ in found.spans for token in range(start + 1, end)}
        assert not inside & {start for start, _ in found.sentences}
        left_out = [loss for loss in found.losses if loss.what == "span left out"]
        assert len(found.spans) + len(left_out) == len(annotation.spans)
        lost = {(loss.start, loss.end) for loss in found.losses}
        for (start, end, _), span in found.spans:
            place = (found.tokens.starts[start], found.tokens.ends[end - 1])
            assert place == (span.start, span.end) or (span.start, span.end) in lost


@given(annotated_documents())
def test_flat_spans_make_legal_tags(drawn: Annotated) -> None:
    annotation = drawn.annotations[0]
    flat, _ = flatten(span for span in annotation.spans if not span.fragments)
    spans = ((one.start, one.end, one.label) for one in flat)
    found = on_tokens(drawn.document.text, *spans, coverage=list(annotation.coverage))
    if not found.losses:
        tags = ["O" if tag == UNKNOWN else tag for tag in found.tags()]
        assert decode(tags) == [span for span, _ in found.spans]
