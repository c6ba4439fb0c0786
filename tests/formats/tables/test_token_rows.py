"""Tests that tables with a row for each token are read as the documents they are."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, RecordError
from gonerd.formats.tables.dataset import FORMAT
from tests.formats.given import lines, member, read_all

SENTENCES = """Sentence #,Word,POS,Tag
Sentence: 1,Ana,NNP,B-per
,Roe,NNP,I-per
,left,VBD,O
Sentence: 2,In,IN,O
,"1,000",CD,O
,Rome,NNP,B-geo
"""


def read(content: str | bytes, name: str = "ner.csv", **options: Any) -> list[Any]:
    """Read a table."""
    return read_all(FORMAT, [member(content, name)], **options)


def said(content: str | bytes, **options: Any) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """List documents, annotators and what each marks."""
    return [
        (
            one.document_id,
            one.annotator,
            [(" ".join(one.tokens[m.start : m.end]), m.label) for m in one.mentions],
        )
        for one in read(content, **options)
    ]


def test_only_the_first_row_of_a_sentence_names_it() -> None:
    first, second = read(SENTENCES)

    assert (first.document_id, second.document_id) == ("Sentence: 1", "Sentence: 2")
    assert second.tokens == ("In", "1,000", "Rome")
    assert [(one.start, one.end, one.label) for one in first.mentions] == [(0, 2, "per")]
    assert first.notes == (
        "each row is a token; those of a document have the same 'Sentence #'",
        "tokens in 'Word', tags in 'Tag'",
        "not carried over: POS",
        "tags are IOB2",
    )


def test_every_row_names_its_sentence() -> None:
    content = "sentence_id,words,labels\n0,Ana,B-PER\n0,left,O\n1,Bo,B-PER\n1,ran,O\n"
    assert said(content) == [("0", "ner", [("Ana", "PER")]), ("1", "ner", [("Bo", "PER")])]


@pytest.mark.parametrize("sentence", ["sent_id,", ""], ids=["numbered", "blank rows"])
def test_documents_have_sentences(sentence: str) -> None:
    rows = [("d1", 1, "Ana", "B-PER"), ("d1", 1, "left", "O"), ("d1", 2, "Bo", "B-PER"),
            ("d1", 2, "ran", "O"), ("d2", 1, "Ana", "B-PER"), ("d2", 1, "sat", "O")]  # fmt: skip
    content = f"doc_id,{sentence}token,ner\n"
    last = None
    for document, number, word, tag in rows:
        if not sentence and last == (document, number - 1):
            content += ",,\n"
        last = document, number
        content += f"{document},{f'{number},' if sentence else ''}{word},{tag}\n"

    first, second = read(content)

    assert (first.document_id, first.tokens) == ("d1", ("Ana", "left", "Bo", "ran"))
    assert first.gaps == (" ", "\n", " ", "")
    assert (second.document_id, second.tokens) == ("d2", ("Ana", "sat"))


def test_a_file_that_parts_nothing_is_one_document() -> None:
    (found,) = read("index\tword\ttag\n0\tAna\tB-PER\n1\tleft\tO\n2\tBo\tB-PER\n", "x.tsv")

    assert (found.document_id, found.tokens) == ("x", ("Ana", "left", "Bo"))
    assert found.notes[0] == "each row is a token; all of a file are one document"


def test_annotators_may_take_turns() -> None:
    content = (
        "sentence_id,word,worker_id,tag\n1,Ana,a,B-PER\n1,Ana,b,O\n1,Roe,a,I-PER\n1,Roe,b,B-PER\n"
    )
    assert said(content) == [("1", "a", [("Ana Roe", "PER")]), ("1", "b", [("Roe", "PER")])]


def test_what_rows_share_may_be_their_text() -> None:
    content = "sentence,word,tag\nAna left.,Ana,B-PER\nAna left.,left,O\nAna left.,.,O\n"
    (found,) = read(content)
    assert (found.document_id, found.text, found.tokens) == (
        "ner:1",
        "Ana left.",
        ("Ana", "left", "."),
    )


def test_rows_of_json_are_joined_too() -> None:
    rows = [{"sentence_idx": 3, "word": word, "tag": "O"} for word in ("Ana", "left")]
    (found,) = read_all(FORMAT, [lines(*rows)])
    assert (found.document_id, found.tokens, found.mentions) == ("3", ("Ana", "left"), ())


def test_the_named_column_parts_documents() -> None:
    content = (
        "page,essay_id,file,word,tag\n1,7,x,Ana,B-PER\n1,7,x,left,O\n2,7,x,Bo,B-PER\n2,7,x,a,O\n"
    )

    with pytest.raises(ConfigError) as error:
        read(content)
    assert str(error.value) == (
        "ner.csv: the id may be in any of the columns 'essay_id', 'file'; expected to know which.\n"
        "Name it: --column id=essay_id"
    )
    assert [name for name, _, _ in said(content, columns={"id": "page"})] == ["1", "2"]


def test_several_columns_of_tags_are_not_guessed_between() -> None:
    content = "sentence_id,word,chunk_tag,ner,tag\n1,Ana,B-NP,B-PER,B-X\n1,left,O,O,O\n"

    with pytest.raises(ConfigError) as error:
        read(content)
    assert str(error.value) == (
        "ner.csv: the tags may be in any of the columns 'ner', 'tag'; expected to know which.\n"
        "Name it: --column tags=ner"
    )
    (found,) = read(content, columns={"tags": "chunk_tag"})
    assert [one.label for one in found.mentions] == ["NP"]


def test_a_tag_without_a_word_is_refused() -> None:
    with pytest.raises(RecordError) as error:
        read("sentence_id,word,tag\n1,Ana,B-PER\n1,,I-PER\n1,left,O\n")
    assert str(error.value) == "ner.csv:3: no word beside the tag I-PER; expected a word."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,text,tags\na,Ana,B-PER\n", ["a"]),
        ("id,text,tags\na,Ana left,B-PER O\nb,Bo,B-PER\n", ["a", "b"]),
    ],
    ids=["one", "several words"],
)
def test_rows_that_are_documents_stay_so(content: str, expected: list[str]) -> None:
    assert [name for name, _, _ in said(content)] == expected


def test_letters_of_windows_are_read_and_said() -> None:
    content = SENTENCES.replace("left", "left\u2019\u00e9").encode("cp1252")
    first, _ = read(content)
    assert first.tokens == ("Ana", "Roe", "left\u2019\u00e9")
    assert "not in UTF-8, and read as Windows-1252" in first.notes


def test_other_scripts_are_not_guessed() -> None:
    content = "Sentence #,Word,Tag\n1,\u0410\u043d\u043d\u0430,B-per\n,\u0443\u0448\u043b\u0430,O\n"
    with pytest.raises(RecordError) as error:
        read(content.encode("cp1251"))
    assert str(error.value) == ("ner.csv: byte 22 (0xc0) is not UTF-8; expected a text in UTF-8.")


cells = st.sampled_from(["", "O", "B-PER", "I-PER", "Ana", "a b", "1", "2", "\u00e9"])


@given(
    st.lists(
        st.sampled_from(["word", "tag", "id", "doc", "sentence", "worker", "text", ""]),
        min_size=1,
        unique=True,
    ),
    st.lists(st.lists(cells, min_size=8, max_size=8), max_size=6),
    st.sampled_from([{}, {"id": "word"}, {"tokens": "tag"}, {"tags": "word"}, {"id": "worker"}]),
)
def test_any_rows_are_read_or_refused(
    columns: list[str], rows: list[list[str]], options: dict[str, str]
) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows([columns, *(row[: len(columns)] for row in rows)])
    try:
        read(stream.getvalue(), columns=options)
    except (RecordError, ConfigError) as error:
        assert str(error)
