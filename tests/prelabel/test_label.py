"""Tests that a document is labelled whole, wherever its windows fall and whatever stands in it."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from gonerd.prelabel.pipeline import PrelabelConfig, load
from gonerd.records import Loss
from tests.prelabel.rulers import (
    NAMES,
    document,
    found,
    label,
    save_names,
    save_ruler,
    windows,
)
from tests.strategies import HOSTILE_TEXTS

LONGEST = 4
"""Tokens of the longest name."""


@pytest.fixture(scope="module")
def nlp(tmp_path_factory: pytest.TempPathFactory) -> Language:
    return load(str(save_names(tmp_path_factory.mktemp("pipeline") / "ruler")))


@pytest.fixture(scope="module")
def long_text() -> str:
    """Some 12,000 tokens with names everywhere, in sentences short and without end."""
    sentences = []
    names = list(NAMES)
    for number in range(700):
        sentences.append(
            f"On day {number} {names[number % 6]} " + "went on " * (number % 7) + "to Lund.\r\n"
        )
    sentences.append("and ".join(f"{name} , " for name in names * 40))
    return "".join(sentences)


def expected(text: str) -> list[tuple[int, int, str]]:
    """Find the names with a regular expression, the longest first."""
    pattern = "|".join(re.escape(name) for name in sorted(NAMES, key=len, reverse=True))
    return [
        (match.start(), match.end(), NAMES[match.group()])
        for match in re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", text)
    ]


@pytest.mark.parametrize(
    "config",
    [
        windows(512, LONGEST),
        windows(512, 200),
        windows(1024, 100),
        windows(1024, 400, batch=1),
        windows(4096, 100),
        windows(4096, 2000, batch=3),
        PrelabelConfig(),
    ],
    ids=lambda config: f"{config.window_tokens}-{config.overlap_tokens}-{config.batch_windows}",
)
def test_moving_the_windows_does_not_change_what_is_found(
    nlp: Language, long_text: str, config: PrelabelConfig
) -> None:
    (result,) = label(nlp, document(long_text), config=config)
    assert found(result) == expected(long_text)
    assert result.losses == ()


def test_without_context_names_are_whole_where_sentences_end(nlp: Language, long_text: str) -> None:
    sentences = long_text[: long_text.rindex("\n") + 1]
    (result,) = label(nlp, document(sentences), config=windows(512, 0))
    assert found(result) == expected(sentences)


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            [*NAMES, "went", "on", ".", "\n\n", "  ", "\u00a0", "\U0001f600", "?", "10"]
        ),
        max_size=80,
    ),
    st.integers(2 * LONGEST + 1, 40),
    st.integers(0, 4),
)
def test_cut_anywhere_a_text_gives_what_it_gives_whole(
    nlp: Language, words: list[str], size: int, more: int
) -> None:
    text = " ".join(words)
    overlap = min(LONGEST + more, (size - 1) // 2)
    (whole,) = label(nlp, document(text), config=windows(10**6, 0))
    (cut,) = label(nlp, document(text), config=windows(size, overlap, batch=2))
    assert cut == whole
    assert cut.losses == ()


def test_a_name_is_found_wherever_a_seam_falls(nlp: Language) -> None:
    config = windows(24, 5)
    name = "Harbour Board of Lund"
    for shift in range(40):
        text = "on " * shift + name + " on" * 60
        (result,) = label(nlp, document(text), config=config)
        start = 3 * shift
        assert found(result) == [(start, start + len(name), "ORG")], f"after {shift} words"
        assert result.losses == ()


def test_what_a_name_across_a_seam_displaces_is_named(nlp: Language) -> None:
    # Without context the second window sees "Lund" alone; the first saw only half the name.
    text = "on " * 8 + "Ines Adler" + " on" * 9
    (result,) = label(nlp, document(text), config=windows(9, 0))
    assert found(result) == [(29, 34, "PER")]
    (result,) = label(nlp, document(text), config=windows(9, 2))
    assert found(result) == [(24, 34, "PER")]


@pytest.mark.parametrize("filler", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
@pytest.mark.parametrize("config", [windows(9, 4), PrelabelConfig()], ids=["cut", "whole"])
def test_offsets_are_right_in_any_text(nlp: Language, filler: str, config: PrelabelConfig) -> None:
    names = ["Ines Adler", "Harbour Board of Lund", "Port Ellis"] * 3
    text = "".join(f"{filler} {name} {filler}" for name in names)
    (result,) = label(nlp, document(text), config=config)
    met = [(text[start:end], name) for start, end, name in found(result)]
    assert [pair for pair in met if pair[0] in names] == [(name, NAMES[name]) for name in names]
    assert all(NAMES[name] == label for name, label in met)
    assert result.annotation.coverage == ((0, len(text)),)
    assert result.annotation.text_sha256 == document(text).text_sha256


def test_a_text_over_the_length_limit_of_spacy_goes_through(nlp: Language) -> None:
    filler = ("x" * 120 + " ") * 9000
    text = f"Ines Adler {filler}Port Ellis"
    assert len(text) > nlp.max_length
    for config in (PrelabelConfig(), windows(10**6, 0)):
        (result,) = label(nlp, document(text), config=config)
        assert found(result) == [(0, 10, "PER"), (len(text) - 10, len(text), "LOC")]
        assert result.losses == ()


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        (" ", []),
        (" \r\n\t\u00a0\u2028 ", []),
        ("\x00", []),
        ("Lund", [(0, 4, "LOC")]),
        (" Lund ", [(1, 5, "LOC")]),
        ("\n\nLund", [(2, 6, "LOC")]),
    ],
    ids=["empty", "a blank", "blanks", "NUL", "one token", "one between blanks", "one after lines"],
)
@pytest.mark.parametrize("config", [windows(1, 0), PrelabelConfig()], ids=["cut", "whole"])
def test_a_text_with_next_to_nothing_in_it(
    nlp: Language, text: str, spans: list[tuple[int, int, str]], config: PrelabelConfig
) -> None:
    (result,) = label(nlp, document(text), config=config)
    assert found(result) == spans
    assert result.annotation.coverage == (((0, len(text)),) if text else ())
    assert result.losses == ()


def test_documents_that_share_batches_keep_their_own_spans_and_order(nlp: Language) -> None:
    texts = ["", "Lund", "on " * 50 + "Adler", " ", "Port Ellis " + "on " * 30, "Lund", ""]
    documents = [document(text, name=f"doc-{i}") for i, text in enumerate(texts)]
    together = label(nlp, *documents, config=windows(10, 4, batch=3))
    alone = [label(nlp, one, config=windows(10, 4))[0] for one in documents]
    assert together == alone
    assert [one.annotation.document_id for one in together] == [f"doc-{i}" for i in range(7)]


def test_documents_are_labelled_as_they_come(nlp: Language) -> None:
    """A source without end is read no further than some batches ahead."""
    from itertools import count, islice

    from gonerd.prelabel.label import prelabel_documents

    read = []
    endless = (document("Lund", name=f"doc-{read.append(i) or i}") for i in count())  # type: ignore[func-returns-value]
    results = prelabel_documents(
        nlp, endless, annotator="a", guide="g", labels={"LOC": "LOC"}, config=PrelabelConfig()
    )
    assert len(list(islice(results, 3))) == 3
    assert len(read) < 100


def test_labels_are_mapped_and_dropped(nlp: Language) -> None:
    text = "Ines Adler of the Harbour Board of Lund left Lund"
    labels = {"PER": "PERSON", "ORG": "", "LOC": "PLACE"}
    (result,) = label(nlp, document(text), labels=labels)
    assert found(result) == [(0, 10, "PERSON"), (45, 49, "PLACE")]


def test_outer_blanks_are_taken_off_and_named(tmp_path: Path) -> None:
    patterns = [
        {"label": "LOC", "pattern": [{"TEXT": "Lund"}, {"IS_SPACE": True}]},
        {"label": "PER", "pattern": [{"IS_SPACE": True}, {"TEXT": "Adler"}]},
    ]
    blanks = load(str(save_ruler(tmp_path / "blanks", patterns)))
    text = "Lund \n\u00a0 and  Adler"
    (result,) = label(blanks, document(text))
    assert found(result) == [(0, 4, "LOC"), (13, 18, "PER")]
    assert result.losses == (
        Loss(document_id="doc", start=0, end=8, what="span moved", why="outer blanks taken off"),
        Loss(document_id="doc", start=12, end=18, what="span moved", why="outer blanks taken off"),
    )


def test_a_span_of_blanks_alone_is_dropped_and_named(tmp_path: Path) -> None:
    patterns = [{"label": "LOC", "pattern": [{"IS_SPACE": True}]}]
    blanks = load(str(save_ruler(tmp_path / "blanks", patterns)))
    (result,) = label(blanks, document("a\n\nb"))
    assert found(result) == []
    assert result.losses == (
        Loss(document_id="doc", start=1, end=3, what="span dropped", why="nothing but blanks"),
    )


def test_blanks_are_taken_off_in_a_later_window_too(tmp_path: Path) -> None:
    patterns = [{"label": "LOC", "pattern": [{"TEXT": "Lund"}, {"IS_SPACE": True}]}]
    blanks = load(str(save_ruler(tmp_path / "blanks", patterns)))
    text = "on " * 100 + "Lund\n\nand" + " on" * 100
    (result,) = label(blanks, document(text), config=windows(20, 4))
    assert found(result) == [(300, 304, "LOC")]
    assert [(loss.start, loss.end, loss.what) for loss in result.losses] == [
        (300, 306, "span moved")
    ]
