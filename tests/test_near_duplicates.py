"""Tests that nearly equal texts are grouped, whatever their order, and others are not."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.near_duplicates import NUM_HASHES, SIMILARITY, Signature, groups, signature

WORDS = [f"word{n}" for n in range(5_000)]


def prose(seed: int, num_words: int = 1_000) -> str:
    """Write a text of random words."""
    return " ".join(random.Random(seed).choices(WORDS, k=num_words))


def edited(text: str, share: float, seed: int = 0) -> str:
    """Change a share of the words of a text."""
    chance = random.Random(seed)
    return " ".join(
        chance.choice(WORDS) if chance.random() < share else word for word in text.split()
    )


def grouped(texts: Sequence[str]) -> set[frozenset[str]]:
    """Group texts, as sets of texts."""
    found = groups([signature(text) for text in texts])
    return {frozenset(texts[index] for index in group) for group in found}


def test_identical_texts_are_one_group() -> None:
    texts = [prose(1), prose(2), prose(1), prose(3), prose(1)]

    assert groups([signature(text) for text in texts]) == [[0, 2, 4]]


@pytest.mark.parametrize("num_words", [200, 1_000, 20_000])
def test_lightly_edited_long_texts_are_grouped(num_words: int) -> None:
    for seed in range(10):
        text = prose(seed, num_words)

        assert groups([signature(text), signature(edited(text, 0.01))]) == [[0, 1]]


def test_a_text_with_a_sentence_cut_off_is_grouped_with_the_whole() -> None:
    text = prose(1)

    assert groups([signature(text), signature(" ".join(text.split()[15:]))]) == [[0, 1]]


def test_unrelated_texts_are_not_grouped() -> None:
    assert groups([signature(prose(seed)) for seed in range(100)]) == []


def test_texts_that_share_half_of_their_words_in_place_are_not_grouped() -> None:
    for seed in range(10):
        text = prose(seed)
        half = " ".join([*text.split()[:500], *prose(seed + 1_000, 500).split()])

        assert groups([signature(text), signature(half)]) == []


def test_case_blanks_and_punctuation_do_not_tell_texts_apart() -> None:
    text = prose(1, 50)
    other = text.upper().replace(" ", ",\u00a0\r\n\t")

    assert groups([signature(text), signature(other)]) == [[0, 1]]


def test_the_order_of_words_tells_texts_apart() -> None:
    words = prose(1).split()
    random.Random(0).shuffle(words)

    assert groups([signature(prose(1)), signature(" ".join(words))]) == []


def test_a_signature_is_the_same_in_every_process_and_release() -> None:
    found = signature("The same texts always give the same groups.")

    assert found.shape == (NUM_HASHES,)
    assert found.dtype == np.uint32
    assert found[:3].tolist() == [956266941, 15551984, 1150109250]


def test_texts_without_words_are_like_none_but_the_same() -> None:
    texts = ["", prose(1), " \n\u00a0", "word0", "...!", "...!"]

    assert groups([signature(text) for text in texts]) == [[4, 5]]


def test_no_texts_and_a_single_one_give_no_groups() -> None:
    assert groups([]) == []
    assert groups([signature("")]) == []
    assert groups([signature(prose(1))]) == []


@pytest.mark.parametrize("num_words", range(1, 8))
def test_short_texts_are_grouped_only_with_their_like(num_words: int) -> None:
    texts = [" ".join(WORDS[:num_words]), " ".join(WORDS[100 : 100 + num_words])]

    assert groups([signature(text) for text in texts]) == []
    assert groups([signature(text) for text in [*texts, texts[0]]]) == [[0, 2]]


@pytest.mark.parametrize(
    "text",
    ["\ud800 lone", "\U0001f600", "\u05d3\u05d5\u05d3", "\x00\x01", "a" * 1_000_000],
    ids=["lone surrogate", "emoji", "right-to-left", "controls", "one long word"],
)
def test_any_text_has_a_signature(text: str) -> None:
    assert signature(text).shape == (NUM_HASHES,)


def test_a_signature_estimates_how_many_shingles_texts_share() -> None:
    errors = []
    for seed in range(30):
        text = prose(seed)
        other = edited(text, seed / 100, seed)
        left, right = (
            {tuple(words[i : i + 5]) for i in range(len(words) - 4)}
            for words in (text.split(), other.split())
        )
        shared = float((signature(text) == signature(other)).mean())
        errors.append(shared - len(left & right) / len(left | right))

    assert max(map(abs, errors)) < 0.25
    assert abs(sum(errors) / len(errors)) < 0.05


def test_the_order_of_texts_does_not_change_their_groups() -> None:
    texts = [
        edited(prose(seed), share, seed) for seed in range(5) for share in (0, 0.01, 0.02, 0.04)
    ]
    expected = grouped(texts)

    assert expected
    for seed in range(20):
        assert grouped(random.Random(seed).sample(texts, len(texts))) == expected


def test_two_texts_that_are_near_to_a_third_are_in_its_group_in_any_order() -> None:
    middle = np.zeros(NUM_HASHES, dtype=np.uint32)
    left, right = middle.copy(), middle.copy()
    for band in range(9):  # both differ from the middle in the same bands, in other places
        left[4 * band : 4 * band + 2] = 1
        right[4 * band + 2 : 4 * band + 4] = 2

    assert groups([left, middle, right]) == [[0, 1, 2]]
    assert groups([left, right, middle]) == [[0, 1, 2]]
    assert groups([middle, left, right]) == [[0, 1, 2]]


@st.composite
def near_signatures(draw: st.DrawFn) -> list[Signature]:
    """Draw signatures that are copies of each other with places changed."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    found = [np.zeros(NUM_HASHES, dtype=np.uint32)]
    for _ in range(draw(st.integers(0, 8))):
        copy = found[int(chance.integers(len(found)))].copy()
        changed = chance.choice(NUM_HASHES, size=int(chance.integers(0, 26)), replace=False)
        copy[changed] = chance.integers(0, 2**32, size=len(changed), dtype=np.uint32)
        found.append(copy)
    return found


@given(near_signatures())
def test_groups_are_chains_of_similar_signatures_that_share_a_band(
    signatures: list[Signature],
) -> None:
    def near(left: Signature, right: Signature) -> bool:
        same = left == right
        return bool(same.mean() >= SIMILARITY and same.reshape(16, 4).all(axis=1).any())

    found = groups(signatures)
    for group in found:
        reached = [group[0]]
        for index in reached:  # grows while it is walked
            reached += [
                other
                for other in group
                if other not in reached and near(signatures[index], signatures[other])
            ]
        assert sorted(reached) == group
    group_of = {index: number for number, group in enumerate(found) for index in group}
    for left in range(len(signatures)):
        for right in range(left):
            if near(signatures[left], signatures[right]):
                assert left in group_of
                assert group_of[left] == group_of.get(right)
    assert found == sorted(found)


@given(st.data(), near_signatures())
def test_the_order_of_signatures_does_not_change_their_groups(
    data: st.DataObject, signatures: list[Signature]
) -> None:
    order = data.draw(st.permutations(range(len(signatures))))
    shuffled = groups([signatures[index] for index in order])

    assert {frozenset(order[index] for index in group) for group in shuffled} == {
        frozenset(group) for group in groups(signatures)
    }
