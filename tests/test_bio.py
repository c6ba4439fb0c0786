"""Tests that BIO tags carry flat spans without loss, and that every illegal tag is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqscore.encoding import get_encoding
from seqscore.model import Mention
from seqscore.model import Span as TokenRange
from seqscore.validation import validate_labels

from gonerd.bio import TagFault, TokenSpan, decode, encode, faults, tag_names
from gonerd.errors import SpanError, TagError
from gonerd.records import Span
from gonerd.spans import snap
from tests.strategies import flat_ranges, token_spans

SEQSCORE_BIO = get_encoding("BIO")

well_formed_tags = st.lists(
    st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-B-X", "I-B-X"]), max_size=12
)
malformed_tags = ["", "B", "I", "B-", "I-", "O-PER", "b-PER", "E-PER", "S-PER", "PER", "-PER", "o"]
any_tags = st.lists(
    st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", *malformed_tags]), max_size=12
)


def test_tags_are_listed_in_the_order_of_their_ids() -> None:
    assert tag_names(["PER", "B-X"]) == ["O", "B-PER", "I-PER", "B-B-X", "I-B-X"]
    assert tag_names([]) == ["O"]


@given(st.data(), st.integers(0, 40))
def test_token_spans_come_back_from_their_tags(data: st.DataObject, num_tokens: int) -> None:
    spans = data.draw(token_spans(num_tokens))

    tags = encode(spans, num_tokens)
    assert len(tags) == num_tokens
    assert faults(tags) == []
    assert decode(tags) == spans


@given(st.data())
def test_character_spans_on_token_borders_come_back_from_their_tags(data: st.DataObject) -> None:
    tokens = data.draw(flat_ranges(60, 6))
    starts, ends = [token[0] for token in tokens], [token[1] for token in tokens]
    spans = [
        Span(start=starts[first], end=ends[last - 1], label=label)
        for first, last, label in data.draw(token_spans(len(tokens)))
    ]

    snapped = [(span, snap(span, starts, ends)) for span in spans]
    assert all(found is not None and found[2] for _, found in snapped)
    tags = encode([(f[0], f[1], span.label) for span, f in snapped if f], len(tokens))
    assert [
        Span(start=starts[first], end=ends[last - 1], label=label)
        for first, last, label in decode(tags)
    ] == spans


@given(well_formed_tags)
def test_legal_tags_come_back_from_their_spans(tags: list[str]) -> None:
    if not faults(tags):
        assert encode(decode(tags), len(tags)) == tags


def test_neighbours_of_one_type_stay_two_entities() -> None:
    assert encode([(0, 2, "PER"), (2, 3, "PER")], 4) == ["B-PER", "I-PER", "B-PER", "O"]


def test_the_order_of_spans_does_not_change_their_tags() -> None:
    assert encode([(3, 4, "LOC"), (0, 2, "PER")], 4) == ["B-PER", "I-PER", "O", "B-LOC"]


@pytest.mark.parametrize(
    ("spans", "place"),
    [
        pytest.param([(0, 3, "PER"), (2, 4, "LOC")], "[2:4] 'LOC'", id="overlap"),
        pytest.param([(0, 4, "PER"), (1, 2, "PER")], "[1:2] 'PER'", id="nested"),
        pytest.param([(1, 2, "PER"), (1, 2, "PER")], "[1:2] 'PER'", id="twice"),
        pytest.param([(3, 6, "PER")], "[3:6] 'PER'", id="past the end"),
        pytest.param([(5, 6, "PER")], "[5:6] 'PER'", id="after the end"),
        pytest.param([(-1, 2, "PER")], "[-1:2] 'PER'", id="before the start"),
        pytest.param([(2, 2, "PER")], "[2:2] 'PER'", id="empty"),
        pytest.param([(3, 2, "PER")], "[3:2] 'PER'", id="backwards"),
    ],
)
def test_spans_that_tags_cannot_carry_are_refused(spans: list[TokenSpan], place: str) -> None:
    with pytest.raises(SpanError) as error:
        encode(spans, 5)
    assert str(error.value) == (
        f"tokens {place}: overlaps the span before it or leaves the text of 5 tokens; "
        "expected flat spans inside the text."
    )


@given(any_tags)
def test_a_tag_is_at_fault_when_it_is_malformed_or_continues_nothing(tags: list[str]) -> None:
    def is_malformed(tag: str) -> bool:
        return tag != "O" and not (tag[:2] in ("B-", "I-") and len(tag) > 2)

    wrong = [
        index
        for index, tag in enumerate(tags)
        if is_malformed(tag)
        or (tag[0] == "I" and (index == 0 or tags[index - 1] not in (f"B-{tag[2:]}", tag)))
    ]
    found = faults(tags)

    assert [fault.index for fault in found] == wrong
    for fault in found:
        assert fault.tag == tags[fault.index]
        assert fault.previous == ("O" if fault.index == 0 else tags[fault.index - 1])


@pytest.mark.parametrize("tag", malformed_tags)
def test_a_malformed_tag_says_what_was_expected(tag: str) -> None:
    assert faults(["O", tag]) == [
        TagFault(
            index=1, tag=tag, previous="O", why="not a BIO tag; expected O, B-LABEL or I-LABEL"
        )
    ]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        pytest.param(
            ["I-PER"],
            "token 0: tag 'I-PER' may not follow O; expected B-PER or I-PER before it. "
            "1 illegal in all.",
            id="at the start",
        ),
        pytest.param(
            ["B-PER", "O", "I-PER", "I-PER"],
            "token 2: tag 'I-PER' may not follow O; expected B-PER or I-PER before it. "
            "1 illegal in all.",
            id="after outside",
        ),
        pytest.param(
            ["B-PER", "I-LOC", "I-PER"],
            "token 1: tag 'I-LOC' may not follow B-PER; expected B-LOC or I-LOC before it. "
            "2 illegal in all.",
            id="another type",
        ),
        pytest.param(
            ["O", "E-PER"],
            "token 1: tag 'E-PER' not a BIO tag; expected O, B-LABEL or I-LABEL. 1 illegal in all.",
            id="another scheme",
        ),
    ],
)
def test_decoding_names_the_first_illegal_tag(tags: list[str], message: str) -> None:
    with pytest.raises(TagError) as error:
        decode(tags)
    assert str(error.value) == message


@given(any_tags)
def test_tags_are_decoded_exactly_when_they_have_no_fault(tags: list[str]) -> None:
    if faults(tags):
        with pytest.raises(TagError):
            decode(tags)
    else:
        decode(tags)


def test_no_tags_hold_no_spans() -> None:
    assert (encode([], 0), decode([]), faults([])) == ([], [], [])


# Against seqscore (Palen-Michel et al. 2021).


@given(well_formed_tags)
def test_the_same_tags_are_illegal_as_in_seqscore(tags: list[str]) -> None:
    errors = validate_labels(tags, SEQSCORE_BIO, line_nums=list(range(len(tags)))).errors

    assert [fault.index for fault in faults(tags)] == [error.line_num for error in errors]


@given(st.data(), st.integers(1, 40))
def test_spans_and_tags_are_those_of_seqscore(data: st.DataObject, num_tokens: int) -> None:
    spans = data.draw(token_spans(num_tokens))
    mentions = [Mention(TokenRange(start, end), label) for start, end, label in spans]
    tags = encode(spans, num_tokens)

    assert tags == SEQSCORE_BIO.encode_mentions(mentions, num_tokens)
    assert [
        (mention.span.start, mention.span.end, mention.type)
        for mention in SEQSCORE_BIO.decode_labels(tags)
    ] == decode(tags)
