"""Tests that the silence of an annotator about a name that it marked elsewhere is no vote."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.gather import Gathered
from gonerd.reconcile import methods
from gonerd.reconcile.candidates import layers_of
from gonerd.reconcile.plain import Reconciliation, reconcile_gathered
from gonerd.reconcile.repeats import Names, names_in, with_overlooked
from gonerd.reconcile.sequence import SequenceSettings
from gonerd.records import Document, Range
from tests.reconcile.crowds import NAMES, Mark, a_document, by_all, crowds, gathered, said_by
from tests.strategies import HOSTILE_TEXTS

STORY = (
    "Steffi Graf won. In the end Graf met Bo Lund, and the end was near for Lund. "
    "Few saw Graf's last ball; she left with Lund."
)


def words_of(text: str, names: Names) -> list[str]:
    """List names as they are written."""
    return [text[a:b] for a, b in zip(names.starts, names.ends, strict=True)]


def found_in(*texts: str, language: str = "en") -> list[list[str]]:
    """Find the names of texts."""
    documents = [replace(a_document(text), language=language) for text in texts]
    found = zip(texts, names_in(documents), strict=True)
    return [words_of(text, names) for text, names in found]


def overlooked(item: Gathered) -> list[list[str]]:
    """List what each annotator overlooked, as it is written."""
    assert item.document is not None
    text = item.document.text
    (layer, *_) = layers_of([item], NAMES)
    (passes,) = with_overlooked(layer, names_in([item.document])).passes
    return [[text[a:b] for a, b in one.overlooked] for one in passes]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(
            "Then Steffi Graf met Bo's aunt. Graf won; then",
            ["Steffi", "Graf", "Bo", "Graf"],
            id="a story",
        ),
        pytest.param("The end. In the Inn, in me.", ["Inn"], id="small letters elsewhere"),
        pytest.param(
            "so O'Neil-Smith of the U.S.A. met AT&T at 10", ["O'Neil-Smith", "U.S.A", "AT&T"],
            id="one word",
        ),
        pytest.param("what I said to Mr X and me", ["Mr"], id="a letter alone"),
        pytest.param("ALL IN CAPITALS IS NO NAME", [], id="a text in capitals"),
        pytest.param("\u738b\u5c0f\u660e\u5728\u5317\u4eac", [], id="no capitals"),
        pytest.param("\u00c9milie et moi, \u00c9milie et toi", ["\u00c9milie"] * 2, id="accents"),
        pytest.param("", [], id="nothing"),
    ],
)  # fmt: skip
def test_names_are_words_with_a_capital_that_are_never_without(text: str, names: list[str]) -> None:
    assert found_in(text) == [names]


def test_small_letters_in_any_text_tell_that_a_word_is_no_name() -> None:
    assert found_in("Rice was late and rude", "she ate rice") == [[], []]


@pytest.mark.parametrize("language", ["de", "de-CH", "lb"])
def test_capitals_tell_nothing_where_nouns_have_them(language: str) -> None:
    assert found_in("das Haus und der Hund von Bo", language=language) == [[]]


@given(st.lists(st.text(max_size=60) | st.sampled_from([STORY, *HOSTILE_TEXTS.values()])))
def test_the_same_word_has_the_same_code_and_no_other_has_it(texts: list[str]) -> None:
    for text, names in zip(texts, names_in([a_document(text) for text in texts]), strict=True):
        words = words_of(text, names)
        assert all(words)
        assert names.starts.tolist() == sorted(names.starts.tolist())
        assert (names.ends[:-1] <= names.starts[1:]).all()
        pairs = set(zip(words, names.codes.tolist(), strict=True))
        assert len(pairs) == len(set(words)) == len(set(names.codes.tolist()))
        assert sorted(set(names.codes.tolist())) == list(range(len(pairs)))


def at(word: str, number: int, label: str = "PER", text: str = STORY) -> Mark:
    """Mark one of the places where a word stands, counted from 0."""
    start = -1
    for _ in range(number + 1):
        start = text.index(word, start + 1)
    return (start, start + len(word), label)


def test_a_name_marked_elsewhere_is_overlooked_and_nothing_else() -> None:
    item = by_all(
        [at("Steffi Graf", 0), at("Lund", 1)],
        [at("Graf", 0), at("Graf", 1), at("Graf", 2)],
        [],
        text=STORY,
    )
    assert overlooked(item) == [["Graf", "Lund", "Graf", "Lund"], [], []]


def test_part_of_a_word_marked_is_the_word() -> None:
    item = by_all([at("Graf's", 0), (28, 30, "PER")], text=STORY)
    assert STORY[28:32] == "Graf"
    assert overlooked(item) == [["Graf"]]


@given(item=crowds())
def test_what_is_overlooked_is_unmarked_and_its_word_is_marked(item: Gathered) -> None:
    assert item.document is not None
    layer = layers_of([item], NAMES)[0]
    names = names_in([item.document])
    (passes,) = with_overlooked(layer, names).passes
    for before, one in zip(layer.passes[0], passes, strict=True):
        assert replace(one, overlooked=()) == before
        for start, end in one.overlooked:
            assert not any(span.start < end and start < span.end for span in one.spans)
            (same,) = names.codes[names.starts == start]
            others = [
                (names.starts[other], names.ends[other])
                for other in np.flatnonzero(names.codes == same)
            ]
            assert any(
                span.start < last and first < span.end for first, last in others
                for span in one.spans
            )  # fmt: skip


# What methods make of it


def told(num_documents: int, marks: Sequence[Sequence[Mark]]) -> list[Gathered]:
    """Let people say the same of many documents."""
    return [by_all(*marks, text=STORY, document_id=f"d{n:02}") for n in range(num_documents)]


def gold_of(result: Reconciliation, text: str = STORY) -> list[set[str]]:
    """List the words of gold with their places."""
    return [
        {f"{text[span.start : span.end]}@{span.start}" for span in one.spans} for one in result.gold
    ]


ONCE = [at("Steffi Graf", 0), at("Bo Lund", 0)]
TIRED = [
    [*ONCE, at("Graf", 1)],
    [*ONCE, at("Lund", 1)],
    [*ONCE, at("Graf", 2), at("Lund", 2)],
    ONCE,
    ONCE,
]
"""Each marks every name once, and few see one again."""
SEEN = {f"{STORY[a:b]}@{a}" for a, b, _ in ONCE}


@pytest.mark.parametrize("method", ["weighted", "sequence"])
def test_a_name_that_one_of_five_saw_again_is_gold(method: str) -> None:
    result = reconcile_gathered(told(10, TIRED), method=method)  # type: ignore[arg-type]

    everywhere = {f"{STORY[a:b]}@{a}" for marks in TIRED for a, b, _ in marks}
    assert gold_of(result) == [everywhere] * 10
    assert {len(place.claims) for place in result.places} == {5}


def test_a_vote_counts_everybody_who_has_read_the_place() -> None:
    result = reconcile_gathered(told(1, TIRED), method="vote")

    assert gold_of(result) == [SEEN]


@pytest.mark.parametrize("method", ["weighted", "sequence"])
def test_what_nobody_marked_is_not_gold(method: str) -> None:
    result = reconcile_gathered(told(10, [ONCE] * 3), method=method)  # type: ignore[arg-type]

    assert gold_of(result) == [SEEN] * 10


@pytest.mark.parametrize("method", ["weighted", "sequence"])
def test_a_stray_mark_on_another_word_is_still_outvoted(method: str) -> None:
    marks = [[*ONCE, at("ball", 0)], ONCE, ONCE, ONCE, ONCE]

    result = reconcile_gathered(told(10, marks), method=method)  # type: ignore[arg-type]

    assert gold_of(result) == [SEEN] * 10


@pytest.mark.parametrize(("weight", "label"), [(0.0, "PER"), (SequenceSettings().repeats, "LOC")])
def test_a_label_in_doubt_is_that_of_the_same_name_elsewhere(
    weight: float, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SequenceSettings(repeats=weight)
    monkeypatch.setattr(methods, "SequenceSettings", lambda: settings)
    agreed = [at("Graf", 0, "LOC"), at("Graf", 1, "LOC")]
    marks = [
        [*agreed, at("Graf", 2, "LOC")],
        [*agreed, at("Graf", 2, "PER")],
        [*agreed, at("Graf", 2, "PER")],
    ]

    gold = reconcile_gathered(told(1, marks), method="sequence").gold[0]

    (last,) = [span for span in gold.spans if span.start == at("Graf", 2)[0]]
    assert last.label == label


def test_without_texts_silence_is_a_vote() -> None:
    items = [replace(item, document=None) for item in told(10, TIRED)]

    result = reconcile_gathered(items, method="weighted")

    assert gold_of(result) == [SEEN] * 10


def test_who_did_not_read_on_overlooked_nothing() -> None:
    document: Document = a_document(STORY)
    coverage: tuple[Range, ...] = ((0, 11),)
    item = gathered(document, [said_by("ana", document, at("Steffi Graf", 0), coverage=coverage)])

    (gold,) = reconcile_gathered([item], method="weighted").gold

    assert gold.coverage == coverage
    assert [(span.start, span.end) for span in gold.spans] == [(0, 11)]
