"""Tests that a model joins the annotators, learns from what people say, and no further."""

import json
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gonerd import teach
from gonerd.errors import ConfigError, RecordError, SourceError
from gonerd.gather import Gathered, gather, with_texts
from gonerd.reconcile.plain import Reconciliation, reconcile_gathered
from gonerd.records import (
    Annotation,
    Span,
    annotation_to_json,
    dispute_to_json,
    document_to_json,
)
from gonerd.student.tagger import TaggerSettings
from gonerd.teach import LONGEST_SENTENCE, MODEL, MOST_ROUNDS, STABLE, reconcile_with_model
from gonerd.tokens import Tokens, tokenize
from tests.conftest import run_gonerd
from tests.reconcile.crowds import Mark, a_document, gathered, said_by
from tests.strategies import HOSTILE_TEXTS, flat_ranges
from tests.student.tiny import tiny_encoder

QUICK = TaggerSettings(folds=3, heads=1, hidden=32, learning_rate=0.01, least_steps=150)
NAMES = ("ana", "bo", "cy")
PEOPLE = ("Ana Roe", "Bo", "Cy Lund", "Di", "Eva Berg")
TOWNS = ("Ystad", "Lund", "Old Town")
SENTENCES = (
    "{0} met {1} in {2} .",
    "It rained in {2} when {0} left .",
    "There was no news .",
    "{0} of {2} wrote to {1} .",
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder."""
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


def a_story(draw: random.Random, num_sentences: int) -> tuple[str, list[Mark]]:
    """Tell where people went, one sentence a line, and who and where is named in it."""
    text = ""
    marks: list[Mark] = []
    for _ in range(num_sentences):
        named = (draw.choice(PEOPLE), draw.choice(PEOPLE), draw.choice(TOWNS))
        for word in draw.choice(SENTENCES).split():
            if word[0] == "{":
                which = int(word[1])
                word = named[which]
                label = "LOC" if which == 2 else "PER"
                marks.append((len(text), len(text) + len(word), label))
            text += f"{word} "
        text = f"{text[:-1]}\n"
    return text, marks


def corpus(
    num_read: int, num_unread: int, num_sentences: int = 4, seed: int = 0
) -> tuple[list[Gathered], set[tuple[str, Mark]]]:
    """Let three people who miss a name in seven read stories, and nobody read others.

    Returned beside what they say is what they should have said.
    """
    draw = random.Random(seed)
    items = []
    truth = set()
    for number in range(num_read + num_unread):
        text, marks = a_story(draw, num_sentences)
        document = a_document(text, f"d{number:02}")
        said = [
            said_by(name, document, *(one for one in marks if draw.random() > 1 / 7))
            for name in NAMES
        ]
        items.append(gathered(document, said if number < num_read else []))
        truth |= {(document.id, one) for one in marks}
    return items, truth


def marks_of(annotations: Sequence[Annotation]) -> set[tuple[str, Mark]]:
    """Say what is marked where."""
    return {
        (one.document_id, (span.start, span.end, span.label))
        for one in annotations
        for span in one.spans
    }


NUM_READ, NUM_UNREAD = 12, 2


@pytest.fixture(scope="module")
def items() -> list[Gathered]:
    """Stories that three people have read, and two that nobody has."""
    return corpus(NUM_READ, NUM_UNREAD)[0]


Taught = tuple[Reconciliation, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def taught(items: list[Gathered], encoder: Path) -> Taught:
    """What becomes of them with a model."""
    return reconcile_with_model(items, encoder, tagger=QUICK)


def test_the_model_is_an_annotator_of_every_document(items: list[Gathered], taught: Taught) -> None:
    result, _ = taught

    voters = {claim.annotator for place in result.places for claim in place.claims}
    assert voters == {*NAMES, MODEL}
    for place in result.places:
        if place.document_id < f"d{NUM_READ:02}":
            assert [claim.annotator for claim in place.claims] == [*NAMES, MODEL]
    assert [one.document_id for one in result.gold] == [one.document_id for one in items]


def test_a_document_nobody_read_has_gold_of_the_model(taught: Taught) -> None:
    result, _ = taught
    unread = result.gold[NUM_READ:]

    assert len(unread) == NUM_UNREAD
    for one in unread:
        assert one.coverage == ((0, one.coverage[-1][1]),)
        assert one.spans
        assert {span.support for span in one.spans} == {1}


def test_most_of_what_nobody_has_read_is_found_and_little_else(taught: Taught) -> None:
    result, _ = taught
    truth = corpus(NUM_READ, NUM_UNREAD)[1]

    found = marks_of(result.gold[NUM_READ:])
    expected = {one for one in truth if one[0] >= f"d{NUM_READ:02}"}
    assert 2 * len(found & expected) / (len(found) + len(expected)) > 0.8


def test_rounds_are_reported_and_end_when_gold_is_stable(
    items: list[Gathered], taught: Taught
) -> None:
    result, rounds = taught

    assert 1 <= len(rounds) <= MOST_ROUNDS
    assert all(set(one) == {"marked", "changed"} for one in rounds)
    few = STABLE * len(marks_of(result.gold))
    assert rounds[-1]["changed"] <= few or len(rounds) == MOST_ROUNDS
    assert rounds[0]["changed"] > few
    alone = marks_of(reconcile_gathered(items).gold)
    if len(rounds) == 1:
        assert rounds[0]["changed"] == len(alone ^ marks_of(result.gold))


def test_the_last_round_is_the_fifth_however_much_changes(
    items: list[Gathered], encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teach, "STABLE", -1.0)
    nothing = replace(QUICK, heads=0)

    _, rounds = reconcile_with_model(items, encoder, tagger=nothing)

    assert rounds == [{"marked": 0, "changed": 0}] * MOST_ROUNDS


def test_the_same_in_another_order_gives_the_same_and_is_left_as_it_was(
    items: list[Gathered], encoder: Path, taught: Taught
) -> None:
    again, _ = corpus(NUM_READ, NUM_UNREAD)
    before = reconcile_gathered(again)

    assert reconcile_with_model(again[::-1], encoder, tagger=QUICK) == taught
    assert again == items
    assert reconcile_gathered(again) == before


@pytest.mark.parametrize("method", ["vote", "weighted", "sequence"])
def test_the_model_joins_whatever_the_method(encoder: Path, method: str) -> None:
    items, _ = corpus(3, 1, seed=5)

    result, rounds = reconcile_with_model(items, encoder, tagger=QUICK, method=method)

    assert (result.method, result.why) == (method, "it was asked for")
    assert rounds[0]["marked"]
    assert any(claim.annotator == MODEL for place in result.places for claim in place.claims)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_texts_are_read_whole(encoder: Path, text: str) -> None:
    items, _ = corpus(2, 0, num_sentences=1)
    hostile = a_document(text, "hostile")
    told = said_by("ana", hostile, *([(0, 1, "PER")] if text else []))

    result, _ = reconcile_with_model(
        [*items, gathered(hostile, [told]), gathered(a_document(text, "unread"), [])],
        encoder,
        tagger=replace(QUICK, least_steps=2, epochs=1),
    )

    assert [one.document_id for one in result.gold] == ["d00", "d01", "hostile", "unread"]


def test_texts_without_a_word_or_a_mark_have_nothing_to_learn_from(encoder: Path) -> None:
    items = [gathered(a_document(text, f"d{len(text)}"), []) for text in ("", " \n", "Bo.")]

    result, rounds = reconcile_with_model(items, encoder)

    assert rounds == [{"marked": 0, "changed": 0}]
    assert [(one.coverage, one.spans) for one in result.gold] == [((), ())] * 3


# What is refused


def test_an_annotator_of_the_models_name_is_refused(items: list[Gathered], encoder: Path) -> None:
    named = replace(items[0], annotations=(replace(items[0].annotations[0], annotator=MODEL),))

    with pytest.raises(ConfigError) as error:
        reconcile_with_model([named, *items[1:]], encoder)
    assert str(error.value) == (
        "annotator 'model': the name of the model itself; expected another."
    )


def test_a_document_without_its_text_is_refused(items: list[Gathered], encoder: Path) -> None:
    with pytest.raises(RecordError) as error:
        reconcile_with_model([items[0], replace(items[1], document=None)], encoder)
    assert str(error.value) == (
        "d01: no text among the annotations (1 such); expected the text of every document.\n"
        "Give the texts with --documents (.jsonl or .parquet)."
    )


def test_a_single_document_is_refused(items: list[Gathered], encoder: Path) -> None:
    with pytest.raises(ConfigError) as error:
        reconcile_with_model(items[:1], encoder)
    assert str(error.value) == (
        f"--model {encoder}: 1 document; expected 2 or more, as the model marks each by what it "
        "learnt from the others."
    )


def test_no_document_is_refused(encoder: Path) -> None:
    with pytest.raises(SourceError) as error:
        reconcile_with_model([], encoder)
    assert str(error.value) == ("annotations: none in all files; expected at least one record.")


def test_a_folder_that_is_no_encoder_is_refused(items: list[Gathered], tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        reconcile_with_model(items, tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: no config.json; expected the folder of a transformers encoder."
    )


# From annotations to what teaches, and back


def spans_of_tags(answer: np.ndarray[Any, Any]) -> list[tuple[int, int, int, float]]:
    """Read spans off the best tags, slowly: each word with what continues its own span."""
    best = [max(range(len(row)), key=lambda tag: (row[tag], -tag)) for row in answer.tolist()]
    label = [(tag - 1) // 2 if tag else None for tag in best]
    opens = [
        tag > 0 and (tag % 2 == 1 or at == 0 or label[at - 1] != label[at])
        for at, tag in enumerate(best)
    ]
    found = []
    for start in (at for at, first in enumerate(opens) if first):
        end = start + 1
        while end < len(best) and label[end] == label[start] and not opens[end]:
            end += 1
        code = label[start]
        assert code is not None
        sure = min(float(row[1 + 2 * code] + row[2 + 2 * code]) for row in answer[start:end])
        found.append((start, end, code, min(sure, 1.0)))
    return found


@given(
    seed=st.integers(0, 10**6),
    num_words=st.integers(0, 30),
    num_labels=st.integers(0, 3),
    sure=st.booleans(),
)
def test_spans_are_read_off_the_best_tags(
    seed: int, num_words: int, num_labels: int, sure: bool
) -> None:
    draw = np.random.default_rng(seed)
    answer = draw.dirichlet(np.ones(1 + 2 * num_labels), size=num_words).astype(np.float32)
    if sure:
        answer = (answer == answer.max(axis=1, keepdims=True)) * np.float32(1.000001)

    assert teach._decode(answer) == spans_of_tags(answer)


WORDS = Tokens(
    texts=[f"w{number}" for number in range(12)],
    starts=[3 * number for number in range(12)],
    ends=[3 * number + 2 for number in range(12)],
)
"""Twelve words of two characters with a blank between."""
CODES = {"PER": 0, "LOC": 1}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 34),
            st.integers(1, 20),
            st.sampled_from(["PER", "LOC", "NOT GOLD"]),
            st.floats(0, 1),
        ),
        max_size=8,
    )
)
@example([(0, 5, "PER", 0.1), (3, 2, "PER", 0.1), (3, 2, "LOC", 0.7), (0, 5, "LOC", 0.7)])
def test_targets_are_shares(drawn: list[tuple[int, int, str, float]]) -> None:
    probable = [
        (Span(start=start, end=start + length, label=label), probability)
        for start, length, label, probability in drawn
    ]

    targets = teach._targets(probable, WORDS, CODES)

    assert targets.shape == (12, 5)
    assert (targets >= 0).all()
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-5)
    assert targets.argmax(axis=1).tolist() == [0] * 12 or probable


@given(data=st.data())
def test_sure_spans_come_back_from_targets(data: st.DataObject) -> None:
    places = data.draw(flat_ranges(12, 4, gap=2))
    labels = [data.draw(st.sampled_from([*CODES])) for _ in places]
    probable = [
        (Span(start=WORDS.starts[first], end=WORDS.ends[last - 1], label=label), 1.0)
        for (first, last), label in zip(places, labels, strict=True)
    ]

    found = teach._decode(teach._targets(probable, WORDS, CODES))

    assert found == [
        (first, last, CODES[label], 1.0)
        for (first, last), label in zip(places, labels, strict=True)
    ]


def test_what_is_half_probable_is_half_a_target() -> None:
    probable = [
        (Span(start=0, end=5, label="PER"), 0.5),
        (Span(start=3, end=5, label="LOC"), 0.25),
        (Span(start=7, end=8, label="LOC"), 0.75),  # the second letter of the third word
    ]

    np.testing.assert_array_equal(
        teach._targets(probable, WORDS, CODES)[:4],
        [
            [0.5, 0.5, 0, 0, 0],
            [0.25, 0, 0.5, 0.25, 0],
            [0.25, 0, 0, 0.75, 0],
            [1, 0, 0, 0, 0],
        ],
    )


@pytest.mark.parametrize(
    ("text", "marks", "words"),
    [
        pytest.param(
            "Anglo-Dutch talks , 4-2 .",
            [(0, 11, "MISC"), (20, 23, "MISC")],
            ["Anglo-Dutch", "talks", ",", "4-2", "."],
            id="marks keep to blanks",
        ),
        pytest.param(
            "Anglo-Dutch talks , 4-2 .",
            [(0, 5, "MISC")],
            ["Anglo", "-", "Dutch", "talks", ",", "4", "-", "2", "."],
            id="a mark splits a word",
        ),
        pytest.param("Ana met Bo.", [(8, 10, "PER")], ["Ana", "met", "Bo", "."], id="raw text"),
        pytest.param("", [], [], id="no text"),
    ],
)
def test_words_are_those_that_people_marked(text: str, marks: list[Mark], words: list[str]) -> None:
    document = a_document(text)
    items = with_texts([gathered(document, [said_by("ana", document, *marks)])])

    (found,) = teach._words(items)

    assert found.texts == words
    assert [text[a:b] for a, b in zip(found.starts, found.ends, strict=True)] == words


@pytest.mark.parametrize(("num_split", "num_words"), [(1, 100), (2, 300)])
def test_a_mark_in_a_hundred_may_split_a_word(num_split: int, num_words: int) -> None:
    document = a_document("Anglo-Dutch " * 100)
    marks = [
        (12 * number, 12 * number + (5 if number < num_split else 11), "MISC")
        for number in range(100)
    ]
    items = with_texts([gathered(document, [said_by("ana", document, *marks)])])

    (words,) = teach._words(items)

    assert len(words.texts) == num_words


def cut_up(
    items: Sequence[Gathered], result: Reconciliation, coverage: Any = None
) -> tuple[list[Any], list[tuple[int, int]]]:
    """Cut documents into sentences with what a consensus says, without looking at the words."""
    annotated = with_texts(items)
    tokens = [tokenize(one.document.text, "en") for one in annotated]
    features = [np.zeros((len(one.texts), 1), dtype=np.float16) for one in tokens]
    read = {one.document_id: one.coverage for one in result.gold} if coverage is None else coverage
    return teach._sentences(annotated, tokens, features, result, teach._labels(result), read)


@given(st.lists(st.sampled_from(["Ana met Bo.", "It rained", "\n", "\n\n", "w " * 300, "\u3002"])))
def test_every_word_is_in_one_sentence_of_its_document(parts: list[str]) -> None:
    items = [gathered(a_document(" ".join(parts), name), []) for name in ("a", "b")]

    sentences, places = cut_up(items, reconcile_gathered(items))

    num_words = len(tokenize(" ".join(parts), "en").texts)
    placed = [
        (number, first + word)
        for one, (number, first) in zip(sentences, places, strict=True)
        for word in range(len(one.shapes))
    ]
    assert placed == [(number, word) for number in (0, 1) for word in range(num_words)]
    for one, (number, _) in zip(sentences, places, strict=True):
        assert one.document == number
        assert 1 <= len(one.shapes) <= LONGEST_SENTENCE
        assert len(one.features) == len(one.targets) == len(one.known) == len(one.shapes)


TEXT = "Ana met Bo.\nDi left."


def known_words(sentences: Sequence[Any]) -> list[bool]:
    """Say of each word whether it is known."""
    return [bool(one) for sentence in sentences for one in sentence.known]


def test_only_what_people_have_read_teaches() -> None:
    document = a_document(TEXT)
    part = gathered(document, [said_by("ana", document, (0, 3, "PER"), coverage=((0, 11),))])
    by_model = said_by(MODEL, document, (12, 14, "PER"))
    joined = replace(part, annotations=(*part.annotations, by_model))
    read = {"d": reconcile_gathered([part]).gold[0].coverage}

    sentences, _ = cut_up([part], reconcile_gathered([joined]), read)

    assert known_words(sentences) == [True] * 4 + [False] * 3


@pytest.mark.parametrize("method", ["vote", "weighted", "sequence"])
def test_what_people_have_settled_teaches_as_they_settled_it(tmp_path: Path, method: Any) -> None:
    document = a_document(TEXT)
    item = gathered(
        document,
        [
            said_by("ana", document, (0, 3, "PER"), (12, 14, "LOC")),
            said_by("bo", document, (0, 3, "LOC"), (12, 14, "LOC")),
        ],
    )
    dispute = min(reconcile_gathered([item], method=method).places, key=lambda one: one.start)
    ruling = replace(dispute, settled_by="eva", settlement=(Span(start=0, end=3, label="LOC"),))
    settled = tmp_path / "settled.jsonl"
    settled.write_text(json.dumps(dispute_to_json(ruling)))

    sentences, _ = cut_up([item], reconcile_gathered([item], method=method, settled=settled))

    assert known_words(sentences) == [True] * 7
    assert sentences[0].targets.tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert sentences[1].targets[0, 1] > 0.5


def test_a_vote_teaches_as_surely_as_it_was_cast() -> None:
    document = a_document(TEXT)
    told = [(0, 3, "PER")], [(0, 3, "PER"), (8, 10, "PER")], [(8, 10, "PER"), (0, 3, "LOC")]
    item = gathered(
        document, [said_by(name, document, *one) for name, one in zip(NAMES, told, strict=True)]
    )

    sentences, _ = cut_up([item], reconcile_gathered([item], method="vote"))

    per_a, per_b = sentences[0].targets[0, 1], sentences[0].targets[2, 1]
    assert (per_a, per_b) == pytest.approx((2 / 3, 2 / 3))


def test_a_border_nobody_marked_with_its_label_teaches_nothing() -> None:
    document = a_document("Ana Roe of Lund left.")
    told = [(0, 15, "LOC")], [(0, 7, "PER")], [(4, 15, "PER")]
    item = gathered(
        document, [said_by(name, document, *one) for name, one in zip(NAMES, told, strict=True)]
    )
    result = reconcile_gathered([item], method="vote")
    (span,) = result.gold[0].spans
    assert (span.start, span.end, span.label, span.confidence) == (0, 15, "PER", 0.0)

    sentences, _ = cut_up([item], result)

    assert sentences[0].targets[:, 0].tolist() == [1.0] * 6


def test_what_the_model_alone_has_read_has_no_say_in_the_method() -> None:
    items, _ = corpus(num_read=40, num_unread=60, num_sentences=6)
    alone = reconcile_gathered(items)
    assert alone.method == "sequence"
    joined = [
        replace(item, annotations=(*item.annotations, said_by(MODEL, item.document, (0, 1, "PER"))))
        for item in items
        if item.document is not None
    ]

    result = teach._reconcile_joined(items, joined, {})

    assert (result.method, result.why) == (alone.method, alone.why)
    assert reconcile_gathered(joined).method == "vote"


# The command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of what people say about one story, and its text beside that of another."""
    folder = tmp_path_factory.mktemp("files")
    items, _ = corpus(1, 1)
    (folder / "said.jsonl").write_text(
        "".join(f"{json.dumps(annotation_to_json(one))}\n" for one in items[0].annotations)
    )
    (folder / "texts.jsonl").write_text(
        "".join(f"{json.dumps(document_to_json(one.document))}\n" for one in with_texts(items))
    )
    return folder


def run(folder: Path, *arguments: object) -> Any:
    """Run the command in the folder, offline."""
    return run_gonerd(
        "reconcile", "said.jsonl", "--documents", "texts.jsonl", *arguments,
        cwd=folder, env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip


def test_command_says_what_became_of_each_round_and_writes_what_reads_back(
    folder: Path, encoder: Path, tmp_path: Path
) -> None:
    gold, places = tmp_path / "gold.jsonl", tmp_path / "places.jsonl"
    items = gather([folder / "said.jsonl"], folder / "texts.jsonl", unread=True)
    result, rounds = reconcile_with_model(items, encoder)

    done = run(folder, "--out", gold, "--places", places, "--model", encoder)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[3:-1] == [
        f"  round {number}: the model marks {one['marked']:,} spans; {one['changed']:,} gold spans "
        "changed"
        for number, one in enumerate(rounds, start=1)
    ]
    assert lines[-1] == f"  written: {gold}, {places}"
    assert [one.annotations for one in gather([gold])] == [(one,) for one in result.gold]
    assert result.gold[1].spans
    rows = [json.loads(line) for line in places.read_text().splitlines()]
    assert rows == [dispute_to_json(one) for one in result.places]


def test_command_gives_rounds_as_json_and_gold_on_standard_output(
    folder: Path, encoder: Path
) -> None:
    done = run(folder, "--out", "-", "--model", encoder, "--json")

    assert done.returncode == 0
    values = json.loads(done.stderr)
    assert [sorted(one) for one in values["rounds"]] == [["changed", "marked"]] * 2
    assert values["rounds"][-1]["changed"] == 0
    assert values["documents"] == len(done.stdout.splitlines()) == 2
    assert sum(len(json.loads(one)["spans"]) for one in done.stdout.splitlines()) == values["spans"]


def test_command_refuses_a_folder_that_is_no_encoder(folder: Path, tmp_path: Path) -> None:
    done = run(folder, "--out", tmp_path / "gold.jsonl", "--model", tmp_path / "none")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"gonerd: {tmp_path / 'none'}: no config.json; expected the folder of a transformers "
        "encoder.\n"
    )
    assert not (tmp_path / "gold.jsonl").exists()


def test_without_a_model_there_is_no_round_and_no_gold_of_what_nobody_read(folder: Path) -> None:
    done = run(folder, "--out", "-", "--json")

    assert json.loads(done.stderr)["rounds"] == []
    assert len(done.stdout.splitlines()) == 1
