"""Tests that passes over differently tokenised copies of a document agree on its characters."""

import random
from collections.abc import Sequence
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.formats.align import align, common_text, join, place_tokens
from gonerd.formats.layers import Mention, TokenPass
from gonerd.formats.matching import match
from gonerd.records import Range
from tests.strategies import HOSTILE_TEXTS

NOT_IN_TEXT = ("token not aligned", "it is not in the text")
PART = ("span refused", "a part of it is not in the text")
BORDER = ("span refused", "a token at its border is not in the text")


def tokens_of(*words: str, annotator: str = "ana", **values: object) -> TokenPass:
    """Make a pass over tokens with a blank after each but the last."""
    return TokenPass(
        where="ana.conll",
        document_id="l-17",
        annotator=annotator,
        tokens=words,
        gaps=(*[" "] * (len(words) - 1), *[""] * bool(words)),
        **{"mentions": (), **values},  # type: ignore[arg-type]
    )


def mention(start: int, end: int, label: str = "PER", fragments: tuple[Range, ...] = ()) -> Mention:
    return Mention(start=start, end=end, label=label, fragments=fragments)


def strings(text: str, places: Sequence[Range | None]) -> list[str | None]:
    return [None if place is None else text[slice(*place)] for place in places]


def said(one: TokenPass, text: str, words: Sequence[Range] = ()) -> list[tuple[str, str]]:
    """Align a pass, and list what its mentions are and say."""
    found = align(one, text, words)
    return [(text[one.start : one.end], one.label) for one in found.mentions]


def covered(one: TokenPass, text: str, words: Sequence[Range] = ()) -> list[str]:
    coverage = align(one, text, words).coverage
    assert isinstance(coverage, tuple)
    return [text[start:end] for start, end in coverage]


def losses(one: TokenPass, text: str, words: Sequence[Range] = ()) -> list[tuple[str, str]]:
    return [(loss.what, loss.why) for loss in align(one, text, words).losses]


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        pytest.param("Ana left.", "Ana left .", ["Ana", "left", "."], id="signs apart"),
        pytest.param("Ana cannot go", "Ana can not go", ["Ana", "can", "not", "go"], id="split"),
        pytest.param("New York, now", "NewYork , now", ["New York", ",", "now"], id="joined"),
        pytest.param("U.S.-based", "U.S. - based", ["U.S.", "-", "based"], id="split at signs"),
        pytest.param("to York now", "to York/LOC now", ["to", "York", "now"], id="a tag glued on"),
        pytest.param("to Bo now", "to Bo/B-PER now", ["to", None, "now"], id="more tag than word"),
        pytest.param(
            'He said "go (now)".',
            "He said `` go -LRB- now -RRB- '' .",
            ["He", "said", '"', "go", "(", "now", ")", '"', "."],
            id="Treebank's signs",
        ),
        pytest.param(
            "He said `` go -LRB- now",
            'He said " go ( now',
            ["He", "said", "``", "go", "-LRB-", "now"],
            id="Treebank's signs in the text",
        ),
        pytest.param("1\\/2 or 1/3", "1/2 or 1\\/3", ["1\\/2", "or", "1/3"], id="slashes"),
        pytest.param("Ana left Lund", "Ana Lund", ["Ana", "Lund"], id="a token missing"),
        pytest.param("Ana left", "Ana quickly left", ["Ana", None, "left"], id="one too many"),
        pytest.param("a b c d", "a c b d", ["a", None, "b", "d"], id="out of order"),
        pytest.param("Ana  \r\n left", "Ana left", ["Ana", "left"], id="other blanks"),
        pytest.param("\u6771\u4eac\u90fd\u306b\u4f4f\u3080", "\u6771\u4eac X \u4f4f\u3080",
                     ["\u6771\u4eac", None, "\u4f4f\u3080"], id="no words"),
        pytest.param("", "Ana", [None], id="no text"),
        pytest.param("Ana", "", [], id="no tokens"),
    ],
)  # fmt: skip
def test_tokens_are_found_in_a_text(text: str, tokens: str, expected: list[str | None]) -> None:
    assert strings(text, place_tokens(tokens.split(), text)) == expected


@pytest.mark.parametrize("text", ["Ana left", "Ana he left"], ids=["all there", "one missing"])
def test_tokens_of_nothing_stand_nowhere_and_disturb_nobody(text: str) -> None:
    tokens = ["", "Ana", "", " ", "left", "\n", ""]
    places = place_tokens(tokens, text)
    assert [strings(text, places)[index] for index in (1, 4)] == ["Ana", "left"]
    one = tokens_of(*tokens, mentions=(mention(0, 4), mention(2, 3)))
    assert said(one, text) == [("Ana", "PER")]
    assert losses(one, text) == [BORDER]
    assert covered(one, text) == [text] if text == "Ana left" else ["Ana", "left"]


@given(st.sampled_from(list(HOSTILE_TEXTS.values())) | st.text(max_size=40), st.data())
def test_any_cut_of_a_text_is_found_where_it_was_cut(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    ranges = zip([0, *cuts], [*cuts, len(text)], strict=True)
    whole = [(start, end) for start, end in ranges if text[start:end].strip()]
    tokens = [text[start:end] for start, end in whole]
    kept = [place for place in place_tokens(tokens, text) if place is not None]
    assert ["".join(text[slice(*place)].split()) for place in kept] == [
        "".join(token.split()) for token in tokens
    ]


@given(
    st.lists(st.sampled_from(["Ana", "Bo", "in", "in", "Lund", ",", ".", "a-b"]), max_size=14),
    st.data(),
)
def test_tokens_stand_in_order_and_where_their_characters_are(
    words: list[str], data: st.DataObject
) -> None:
    text = " ".join(words)
    tokens = list(words)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(tokens)))
        tokens[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([[], ["Cyd"], ["Bo", "in"], ["Lu", "nd"], ["Ana/PER"], [""]])
        )
    last = 0
    for token, place in zip(tokens, place_tokens(tokens, text), strict=True):
        if place is not None:
            assert last <= place[0] < place[1]
            assert token.startswith(text[slice(*place)].replace(" ", "")[:1])
            last = place[1]


def test_what_was_not_found_is_unknown_and_not_nothing() -> None:
    text = "Ana left Lund. Bo stayed there. Cyd came."
    one = tokens_of("Ana", "left", "Lund", ".", "Cyd", "came", ".", mentions=(mention(4, 5),))
    assert covered(one, text) == ["Ana left Lund.", "Cyd came."]
    assert said(one, text) == [("Cyd", "PER")]
    assert losses(one, text) == []


def test_outer_blanks_and_those_between_known_tokens_are_known() -> None:
    text = " \n Ana  \r\n left \n"
    assert covered(tokens_of("Ana", "left"), text) == [text]
    assert covered(tokens_of("Ana", "left", unknown=((0, 1),)), text) == ["left \n"]


@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        ((), ["a b c d"]),
        (((0, 1),), ["b c d"]),
        (((1, 3),), ["a ", " d"]),
        (((3, 4),), ["a b c"]),
        (((0, 4),), []),
    ],
)
def test_tokens_of_which_nothing_is_known_are_not_covered(
    unknown: tuple[Range, ...], expected: list[str]
) -> None:
    found = covered(tokens_of("a", "b", "c", "d", unknown=unknown), "a b c d")
    assert [part.strip() for part in found] == [part.strip() for part in expected]


def test_a_mention_is_known_even_among_unknown_tokens() -> None:
    one = tokens_of("a", "Bo", "c", unknown=((0, 3),), mentions=(mention(1, 2),))
    assert covered(one, "a Bo c") == ["Bo"]


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_text_of_nothing_is_known(text: str) -> None:
    assert "".join(covered(tokens_of(), text)) == text


def test_nested_mentions_and_parts_come_along() -> None:
    one = tokens_of(
        "New", "York", "University", "and", "Hospital",
        mentions=(mention(0, 3, "ORG"), mention(0, 2, "LOC"),
                  mention(0, 5, "ORG", ((0, 2), (4, 5)))),
    )  # fmt: skip
    text = "New York University, and Hospital"
    found = align(one, text)
    assert sorted(said(one, text)) == [
        ("New York", "LOC"), ("New York University", "ORG"), (text, "ORG")
    ]  # fmt: skip
    (parts,) = [one.fragments for one in found.mentions if one.fragments]
    assert strings(text, parts) == ["New York", "Hospital"]


@pytest.mark.parametrize(
    ("mentions", "why"),
    [
        ((mention(0, 2),), BORDER),
        ((mention(1, 2),), BORDER),
        ((mention(0, 4, "PER", ((0, 1), (1, 2))),), PART),
        ((mention(0, 9),), None),
        ((mention(5, 9),), BORDER),
    ],
    ids=["its end is not there", "nothing of it is", "a part is not", "past the end", "all past"],
)  # fmt: skip
def test_a_mention_whose_tokens_are_not_there_is_refused(
    mentions: tuple[Mention, ...], why: tuple[str, str] | None
) -> None:
    one = tokens_of("Ana", "Gone", "met", "Bo", mentions=mentions)
    assert losses(one, "Ana met Bo") == [NOT_IN_TEXT, *[why] * bool(why)]


def test_a_mention_whose_tokens_lie_far_apart_is_refused() -> None:
    text = "Ana " + "and so on " * 5 + "Roe"
    one = tokens_of("Ana", "Roe", mentions=(mention(0, 2),))
    assert losses(one, text) == [("span refused", "its tokens do not stand together in the text")]


def test_what_the_file_says_beside_the_tokens_comes_along() -> None:
    one = tokens_of("Ana", guide="letters@2", details={"license": "cc0-1.0"}, notes=("a note",))
    found = align(one, "Ana")
    assert (found.where, found.document_id, found.annotator) == ("ana.conll", "l-17", "ana")
    assert (found.text, found.unit, found.guide) == ("Ana", "code points", "letters@2")
    assert (found.details, found.notes) == ({"license": "cc0-1.0"}, ("a note",))


def test_offsets_that_the_file_tells_are_taken_as_they_are() -> None:
    one = tokens_of(
        "Bo", "Bo", text="Bo Bo Bo", offsets=((0, 2), (6, 8)), unit="code points",
        mentions=(mention(1, 2),),
    )  # fmt: skip
    assert [(found.start, found.end) for found in align(one, "Bo Bo Bo").mentions] == [(6, 8)]
    assert [(found.start, found.end) for found in align(one, " Bo Bo").mentions] == [(4, 6)]


def test_the_text_is_the_one_that_most_files_hold() -> None:
    passes = [
        tokens_of("Ana", "left", text="Ana  left", annotator="ana"),
        tokens_of("Ana", "left", text="Ana left", annotator="bo"),
        tokens_of("Ana", "left", text="Ana left", annotator="cyd"),
        tokens_of("Ana", "left", "Lund", annotator="dee"),
    ]
    assert common_text(passes) == ("Ana left", [])


@pytest.mark.parametrize(
    ("copies", "text"),
    [
        pytest.param(["a b c", "a b c", "a c"], "a b c", id="what most have"),
        pytest.param(["a c", "a b c"], "a b c", id="the longer of two"),
        pytest.param(["can not go", "cannot go", "cannot go"], "cannot go", id="the least split"),
        pytest.param(["can not go", "cannot g o"], "cannot go", id="no split of any"),
        pytest.param(["New York", "NewYork", "New York"], "NewYork", id="joined by one"),
        pytest.param(["a a", "aa a a"], "aa a a", id="as two and as one"),
        pytest.param(["", "a"], "a", id="one is empty"),
        pytest.param([""], "", id="all are"),
    ],
)
def test_the_text_is_made_of_the_tokens_that_most_passes_share(
    copies: list[str], text: str
) -> None:
    passes = [tokens_of(*copy.split()) for copy in copies]
    found, words = common_text(passes)
    assert found == text
    assert [found[slice(*word)] for word in words] == text.split()


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_a_text_with_its_gaps_is_put_together_again(text: str) -> None:
    tokens = text.split()
    places = place_tokens(tokens, text)
    ends = [0, *(place[1] for place in places if place)]
    starts = [*(place[0] for place in places if place), len(text)]
    gaps = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    made, offsets = join([gaps[0], *tokens], ["", *gaps[1:]])
    assert made == text
    assert offsets[1:] == places


def test_a_mention_of_a_piece_of_a_word_is_refused_and_the_word_unknown() -> None:
    text, words = common_text([tokens_of("cannot", "go")] * 2 + [tokens_of("can", "not", "go")])
    one = tokens_of("can", "not", "go", mentions=(mention(0, 1), mention(2, 3)))
    assert said(one, text, words) == [("go", "PER")]
    assert losses(one, text, words) == [("span refused", "its tokens split a word of the document")]
    assert covered(one, text, words) == ["not go"]


def test_pieces_of_one_word_are_united() -> None:
    text, words = common_text([tokens_of("cannot", "go")] * 2)
    one = tokens_of("can", "not", "go", mentions=(mention(0, 1), mention(1, 2), mention(2, 3)))
    assert said(one, text, words) == [("cannot", "PER"), ("go", "PER")]
    assert losses(one, text, words) == [("spans united", "pieces of one word")]
    other = tokens_of("can", "not", "go", mentions=(mention(0, 1), mention(1, 2, "LOC")))
    assert said(other, text, words) == []
    assert "".join(covered(other, text, words)) == " go"


@given(st.permutations(range(4)))
def test_the_order_of_passes_changes_nothing(order: list[int]) -> None:
    copies = ["can not go to New York", "cannot go to NewYork", "cannot go New York now", "can go"]
    passes = [
        tokens_of(*copy.split(), annotator=f"a{number}", mentions=(mention(0, 2),))
        for number, copy in enumerate(copies)
    ]
    text, words = common_text(passes)
    assert common_text([passes[number] for number in order]) == (text, words)


def test_a_line_missing_in_the_middle_of_a_long_document_costs_only_itself() -> None:
    numbers = random.Random(7)
    words = [f"w{int(numbers.paretovariate(0.7))}" for _ in range(100_000)]
    text, offsets = join(words, [" "] * len(words))
    found = place_tokens(words[:50_000] + words[50_020:], text)
    assert found == offsets[:50_000] + offsets[50_020:]
    words = ["word"] * 100_000
    assert None not in place_tokens(words[:-20], join(words, [" "] * len(words))[0])


@pytest.mark.parametrize("width", [1, 3])
def test_the_worst_of_texts_are_left_alone_in_the_end(width: int) -> None:
    words = [f"w{number % width}" for number in range(60_000)]
    text, _ = join(words, [" "] * len(words))
    broken = [*words[:20_000], "x", *words[20_007:40_000], *words[40_031:]]
    found = place_tokens(broken, text)
    assert found[:100] == place_tokens(words, text)[:100]
    assert found[-1] is not None


@given(
    st.lists(st.integers(0, 4), max_size=30),
    st.lists(st.integers(0, 4), max_size=30),
)
def test_matches_are_equal_and_in_order(left: list[int], right: list[int]) -> None:
    pairs = match(left, right)
    assert all(left[ours] == right[theirs] for ours, theirs in pairs)
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(pairs))
    assert match(left, left) == [(number, number) for number in range(len(left))]


def test_matches_are_found_behind_what_was_taken_out() -> None:
    everything = list(permutations("abcd"))
    rest = [run for number, run in enumerate(everything) if number % 5]
    assert [right for _, right in match(rest, everything)] == [
        number for number in range(len(everything)) if number % 5
    ]
