"""Tests that a tagger learns what can be learnt, and never from the documents it tags."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.student.tagger import (
    Floats,
    Sentence,
    TaggerSettings,
    tag_by_folds,
)

QUICK = TaggerSettings(folds=4, epochs=1, least_steps=1, batch_sentences=4, hidden=8, heads=1)
"""Learns next to nothing."""
KEEN = replace(QUICK, folds=5, epochs=10, batch_sentences=8, learning_rate=0.01, hidden=16)
"""Learns what is easy."""


def sentence(document: int, features: Any, targets: Any, **changes: Any) -> Sentence:
    """Make a sentence that somebody has read, of words of one shape."""
    values = {
        "document": document,
        "features": np.asarray(features, dtype=np.float16),
        "shapes": np.zeros(len(features), dtype=np.int64),
        "targets": np.asarray(targets, dtype=np.float32),
        "known": np.ones(len(features), dtype=bool),
    }
    return Sentence(**{**values, **changes})


def one_hot(tags: Sequence[int], num_tags: int) -> Floats:
    """Write tags as sure targets."""
    return np.eye(num_tags, dtype=np.float32)[np.asarray(tags, dtype=np.int64)]


def tagged(sentences: Sequence[Sentence], settings: TaggerSettings = QUICK) -> list[Any]:
    """Tag by folds, without telling anybody how far it is."""
    return tag_by_folds(sentences, settings, lambda _: None)


def same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Say whether answers are the same to the last digit."""
    return len(left) == len(right) and all(map(np.array_equal, left, right))


def some_sentences(
    seed: int, num_documents: int = 6, num_sentences: int = 3, num_tags: int = 3
) -> list[Sentence]:
    """Draw sentences of 1 to 9 words of each document, their documents mixed."""
    draw = np.random.default_rng(seed)
    made = []
    for document in [*range(num_documents)] * num_sentences:
        length = int(draw.integers(1, 10))
        made.append(
            sentence(
                document,
                draw.normal(size=(length, 5)),
                draw.dirichlet(np.ones(num_tags), size=length),
                shapes=draw.integers(0, 9, length),
                known=draw.random(length) < 0.8,
            )
        )
    return made


def capitals(seed: int, num_documents: int) -> list[Sentence]:
    """Make sentences in which words with capitals are names, of one word or several."""
    draw = np.random.default_rng(seed)
    made = []
    for document in range(num_documents):
        for _ in range(5):
            capital = draw.random(int(draw.integers(3, 15))) < 0.4
            follows = np.append(False, capital[:-1])
            tags = np.where(capital, np.where(follows, 2, 1), 0)
            features = draw.normal(size=(len(capital), 6))
            features[:, 0] += 3 * capital
            shapes = np.where(capital, 5, 2)
            made.append(sentence(document, features, one_hot(tags, 3), shapes=shapes))
    return made


def accuracy(sentences: Sequence[Sentence], answers: Sequence[Any]) -> float:
    """Measure the share of words whose best tag is the best of the targets."""
    right = [
        one.targets.argmax(axis=1) == answer.argmax(axis=1)
        for one, answer in zip(sentences, answers, strict=True)
    ]
    return float(np.concatenate(right).mean())


def test_names_with_capitals_are_learnt() -> None:
    sentences = capitals(seed=1, num_documents=30)

    assert accuracy(sentences, tagged(sentences, KEEN)) > 0.9


def test_names_are_learnt_from_features_alone_and_from_shapes_alone() -> None:
    sentences = capitals(seed=2, num_documents=30)
    blind = [replace(one, features=np.zeros_like(one.features)) for one in sentences]
    plain = [replace(one, shapes=np.zeros_like(one.shapes)) for one in sentences]

    assert accuracy(blind, tagged(blind, KEEN)) > 0.9
    assert accuracy(plain, tagged(plain, KEEN)) > 0.75


@given(seed=st.integers(0, 10**6), document=st.integers(0, 5))
@settings(max_examples=10)
def test_what_is_said_of_a_document_changes_none_of_its_answers(seed: int, document: int) -> None:
    sentences = some_sentences(seed)
    mine = [index for index, one in enumerate(sentences) if one.document == document]
    before = tagged(sentences)

    told = list(sentences)
    for index in mine:
        one = told[index]
        told[index] = replace(one, targets=one.targets[:, ::-1], known=~one.known)
    after = tagged(told)

    assert same([after[index] for index in mine], [before[index] for index in mine])
    assert not same(after, before)


def leaky(seed: int, *, twins: bool) -> list[Sentence]:
    """Make documents that say by every word which they are, and whose tags were drawn by lot.

    Who has seen such a document knows its tags; nobody else can. A twin says and holds the same.
    """
    draw = np.random.default_rng(seed)
    num_documents = 40
    tags = draw.permutation(np.arange(num_documents) % 2)
    made = []
    for number in range(num_documents):
        features = np.tile(np.eye(num_documents)[number] * 5, (6, 1))
        for document in (number, num_documents + number) if twins else (number,):
            made += [sentence(document, features, one_hot([tags[number]] * 6, 2))] * 3
    return made


def test_tags_drawn_by_lot_are_not_repeated_to_their_own_document() -> None:
    alone, twins = leaky(3, twins=False), leaky(3, twins=True)

    assert accuracy(alone, tagged(alone, KEEN)) < 0.65
    assert accuracy(twins, tagged(twins, KEEN)) > 0.8  # learnt from the twin: it can be learnt


def test_the_same_seed_gives_the_same_answers_and_another_gives_others() -> None:
    import torch

    sentences = some_sentences(4)

    first = tagged(sentences, replace(QUICK, heads=2))
    torch.rand(17)
    again = tagged(sentences, replace(QUICK, heads=2))

    assert same(again, first)
    assert not same(tagged(sentences, replace(QUICK, heads=2, seed=1)), first)


def test_several_heads_are_averaged() -> None:
    sentences = some_sentences(5)

    one, two = tagged(sentences), tagged(sentences, replace(QUICK, heads=2))

    assert not same(one, two)
    for answer in (*one, *two):
        np.testing.assert_allclose(answer.sum(axis=1), 1.0, rtol=1e-5)
        assert (answer >= 0).all()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_what_nobody_has_read_weighs_nothing(seed: int) -> None:
    sentences = some_sentences(seed)

    other = [
        replace(one, targets=np.where(one.known[:, None], one.targets, one.targets[:, ::-1]))
        for one in sentences
    ]

    assert same(tagged(other), tagged(sentences))


def test_what_nobody_has_read_teaches_nobody() -> None:
    sentences = capitals(seed=6, num_documents=30)
    half = [
        replace(one, known=np.zeros_like(one.known), targets=one_hot([0] * len(one.shapes), 3))
        if one.document % 2
        else one
        for one in sentences
    ]

    assert accuracy(sentences, tagged(half, KEEN)) > 0.85


@pytest.mark.parametrize("num_documents", [2, 3, 4, 5])
def test_every_sentence_is_answered_however_few_documents_there_are(num_documents: int) -> None:
    sentences = some_sentences(7, num_documents=num_documents)
    told: list[int] = []

    answers = tag_by_folds(sentences, replace(QUICK, folds=5), told.append)

    assert [np.shape(answer) for answer in answers] == [one.targets.shape for one in sentences]
    assert sum(told) == len(sentences)


@pytest.mark.parametrize(
    "sentences",
    [
        pytest.param(some_sentences(8, num_documents=1), id="one document"),
        pytest.param(
            [replace(one, known=one.known & False) for one in some_sentences(8)], id="unread"
        ),
        pytest.param([], id="no document"),
    ],
)
def test_where_there_is_nothing_to_learn_from_there_is_no_answer(
    sentences: Sequence[Sentence],
) -> None:
    assert tagged(sentences) == [None] * len(sentences)


def test_the_only_document_that_was_read_has_no_answer_and_the_others_learn_from_it() -> None:
    sentences = [
        one if one.document == 2 else replace(one, known=np.zeros_like(one.known))
        for one in some_sentences(9)
    ]

    answers = tagged(sentences, replace(QUICK, folds=6))

    assert [answer is None for answer in answers] == [one.document == 2 for one in sentences]


def test_one_fold_leaves_nothing_to_learn_from() -> None:
    assert tagged(some_sentences(10), replace(QUICK, folds=1)) == [None] * 18


@pytest.mark.parametrize("length", [1, 2, 128])
def test_sentences_of_any_length_are_answered_word_for_word(length: int) -> None:
    draw = np.random.default_rng(length)
    sentences = [
        sentence(document, draw.normal(size=(words, 5)), one_hot([0] * words, 3))
        for document in range(3)
        for words in (length, 5, length)
    ]

    answers = tagged(sentences)

    assert [len(answer) for answer in answers] == [length, 5, length] * 3


def test_a_shape_that_is_only_in_what_is_asked_is_no_stranger() -> None:
    sentences = some_sentences(11)
    sentences[0] = replace(sentences[0], shapes=np.full_like(sentences[0].shapes, 400))

    assert all(np.isfinite(answer).all() for answer in tagged(sentences))


def test_one_label_and_none_are_tags_too() -> None:
    for num_tags in (1, 3):
        answers = tagged(some_sentences(12, num_tags=num_tags))
        assert {answer.shape[1] for answer in answers} == {num_tags}
