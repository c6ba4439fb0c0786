"""Tests that spans become tags of pieces and come back, whatever the text and the tokenizer."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from gonerd.bio import faults, tag_names
from gonerd.errors import ConfigError
from gonerd.records import Span
from gonerd.student.tagging.pieces import (
    UNTAUGHT,
    check_tokenizer,
    tagged,
    take_apart,
    to_tags,
)
from gonerd.student.tagging.viterbi import best_tags, spans_in
from tests.strategies import HOSTILE_TEXTS, flat_ranges

LABELS = ("PER", "LOC")
STORY = "Ana Roe met Bo in Old Town, Lund.\n\tThen she left O'Neil-Smith & Co. in 1997."
texts = st.sampled_from([STORY, *HOSTILE_TEXTS.values()]) | st.text(max_size=40)


def byte_level() -> PreTrainedTokenizerFast:
    """Make a tokenizer over bytes, with the blank before a word in it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([STORY], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def word_pieces() -> PreTrainedTokenizerFast:
    """Make a tokenizer of words in pieces, to which much is unknown."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=80, special_tokens=["[UNK]"])
    tokenizer.train_from_iterator([STORY], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")


def unigram() -> PreTrainedTokenizerFast:
    """Make a tokenizer that marks where a word begins."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=60, unk_token="<unk>", special_tokens=["<unk>"])
    tokenizer.train_from_iterator([STORY], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


TOKENIZERS = {"bytes": byte_level(), "pieces": word_pieces(), "unigram": unigram()}
any_tokenizer = st.sampled_from([*TOKENIZERS.values()])


@given(text=texts, tokenizer=any_tokenizer)
def test_every_letter_is_in_a_piece_and_no_piece_is_cut_off(
    text: str, tokenizer: PreTrainedTokenizerBase
) -> None:
    pieces = take_apart(text, tokenizer)

    seen = {
        place for start, end in zip(pieces.starts, pieces.ends, strict=True)
        for place in range(start, end)
    }  # fmt: skip
    assert {place for place, letter in enumerate(text) if not letter.isspace()} <= seen
    for start, end in zip(pieces.starts, pieces.ends, strict=True):
        assert start <= end
        assert start == end or not (text[start].isspace() or text[end - 1].isspace())
    assert len(pieces.ids) == len(tokenizer(text, add_special_tokens=False)["input_ids"])


def test_a_long_text_is_whole_and_nobody_is_warned(recwarn: pytest.WarningsRecorder) -> None:
    tokenizer = byte_level()
    tokenizer.model_max_length = 16

    pieces = take_apart("Ana met Bo. " * 2_000, tokenizer)

    assert pieces.ends[-2] == 12 * 2_000 - 1
    assert not recwarn.list


@settings(max_examples=200)
@given(data=st.data(), text=texts, tokenizer=any_tokenizer, every_piece=st.booleans())
def test_spans_come_back_from_tags(
    data: st.DataObject, text: str, tokenizer: PreTrainedTokenizerBase, every_piece: bool
) -> None:
    pieces = take_apart(text, tokenizer)
    places, starts, ends = tagged(pieces, every_piece=every_piece)
    apart = [
        index for index in range(len(places)) if index == 0 or starts[index] >= ends[index - 1]
    ]
    ranges = data.draw(flat_ranges(len(apart), 4)) if apart else []
    edges = [*apart, len(places)]
    spans = [
        Span(
            start=starts[edges[first]],
            end=ends[edges[last] - 1],
            label=data.draw(st.sampled_from(LABELS)),
        )
        for first, last in ranges
    ]

    tags, left = to_tags(pieces, spans, LABELS, every_piece=every_piece)

    assert left == []
    assert set(np.flatnonzero(tags != UNTAUGHT)) == set(places)
    sure = np.eye(1 + 2 * len(LABELS))[tags[places]]
    read = spans_in(best_tags(sure), sure)
    found = [(starts[first], ends[end - 1], LABELS[label]) for first, end, label, _ in read]
    assert found == [(span.start, span.end, span.label) for span in spans]
    assert {confidence for *_, confidence in read} <= {1.0}


@given(
    data=st.data(),
    text=texts.filter(bool),
    tokenizer=any_tokenizer,
    every_piece=st.booleans(),
)
def test_any_spans_become_legal_tags_and_what_does_not_is_named(
    data: st.DataObject, text: str, tokenizer: PreTrainedTokenizerBase, every_piece: bool
) -> None:
    spans = set()
    for _ in range(data.draw(st.integers(0, 5))):
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        label = data.draw(st.sampled_from([*LABELS, "X"]))
        spans.add(Span(start=start, end=end, label=label))
    pieces = take_apart(text, tokenizer)

    tags, left = to_tags(pieces, spans, LABELS, every_piece=every_piece)

    names = tag_names(LABELS)
    written = [names[tag] for tag in tags if tag != UNTAUGHT]
    assert faults(written) == []
    num_written = sum(tag.startswith("B") for tag in written)
    assert num_written + len(left) == len(spans)
    assert {span for span in spans if span.label == "X"} <= set(left)


def test_only_the_first_piece_of_a_word_is_taught() -> None:
    pieces = take_apart("Ana met Bo", byte_level())
    tags, _ = to_tags(pieces, [Span(start=8, end=10, label="PER")], LABELS, every_piece=False)
    places, starts, ends = tagged(pieces, every_piece=False)

    words = ["Ana met Bo"[start:end] for start, end in zip(starts, ends, strict=True)]
    assert words == ["Ana", "met", "Bo"]
    assert tags[places].tolist() == [0, 0, 1]
    assert (np.delete(tags, places) == UNTAUGHT).all()


def test_a_tokenizer_without_places_is_refused() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(ConfigError) as error:
        check_tokenizer(Slow(), "DIR")  # type: ignore[arg-type]
    assert str(error.value) == (
        "DIR: its tokenizer Slow does not say where in the text a piece stands; expected a fast "
        "one.\nConvert it: a tokenizer.json beside it is enough."
    )
    check_tokenizer(byte_level(), "DIR")


# The best tags


@given(length=st.integers(0, 5), num_labels=st.integers(0, 2), seed=st.integers(0, 10**6))
def test_no_legal_sequence_is_better(length: int, num_labels: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(length, 1 + 2 * num_labels))
    names = tag_names([f"L{number}" for number in range(num_labels)])

    tags = best_tags(scores)

    assert faults([names[tag] for tag in tags]) == []
    best = max(
        sum(scores[index, tag] for index, tag in enumerate(some))
        for some in itertools.product(range(len(names)), repeat=length)
        if not faults([names[tag] for tag in some])
    )
    assert sum(scores[index, tag] for index, tag in enumerate(tags)) == pytest.approx(best)


def test_confidence_is_that_it_begins_goes_on_and_ends_so() -> None:
    probabilities = np.array([[0.1, 0.9, 0.0], [0.25, 0.0, 0.75], [0.6, 0.0, 0.4]])
    tags = np.array([1, 2, 0])
    assert spans_in(tags, probabilities) == [(0, 2, 0, pytest.approx(0.9 * 0.75 * 0.6))]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((2, 4)), "4 tags; expected O, and B and I of each label: an odd number."),
        (
            np.array([[0.0, np.nan, 0.0]]),
            "a score is no finite number; expected logarithms of probabilities.",
        ),
    ],
)
def test_scores_that_cannot_be_are_refused(scores: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError) as error:
        best_tags(scores)
    assert str(error.value) == message
