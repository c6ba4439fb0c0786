"""Tests that entities in CoNLL-U are read in all their notations, and written without loss."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, GonerdError, RecordError
from gonerd.formats.align import join
from gonerd.formats.conll.conllu import FORMAT
from gonerd.formats.layers import ReadOptions, TokenPass
from gonerd.formats.members import find_members
from gonerd.formats.step import bring_in
from gonerd.formats.uima.webanno import FORMAT as WEBANNO
from gonerd.gather import Annotated
from gonerd.records import Annotation, Span
from tests.formats.given import annotated_documents, losses_of, member, read_all, said
from tests.formats.real import real
from tests.formats.round_trips import (
    annotated,
    assert_comes_back,
    assert_read_or_refused,
    written_text,
)
from tests.strategies import HOSTILE_TEXTS


def word(number: object, form: str, misc: str = "_") -> str:
    """Write a row."""
    return "\t".join([str(number), form, *"_" * 7, misc])


def read(*lines: str, **options: Any) -> list[TokenPass]:
    """Read a file that is not ours."""
    found = read_all(FORMAT, [member("\n".join(lines), "l.conllu")], **options)
    assert all(isinstance(one, TokenPass) for one in found)
    return found


@pytest.mark.parametrize("key", ["NER", "ner", "NE", "name", "Entity"])
def test_tags_are_found_under_whatever_key(key: str) -> None:
    (one,) = read(
        word(1, "Ana", f"{key}=B-PER"),
        word(2, "Roe", f"{key}=I-PER|SpaceAfter=No"),
        word(3, ".", f"{key}=O"),
    )

    assert said(one) == [("Ana Roe", "PER")]
    assert join(one.tokens, one.gaps)[0] == "Ana Roe.\n"
    assert (one.unknown, one.losses) == ((), ())
    assert one.notes == ("tags are IOB2",)


def test_a_word_without_tag_is_outside_only_where_nobody_says_so_of_others() -> None:
    (silent,) = read(word(1, "Ana", "NER=B-PER"), word(2, "left"))
    (explicit,) = read(word(1, "Ana", "NER=B-PER"), word(2, "left"), word(3, "so", "NER=O"))

    assert silent.unknown == ()
    assert explicit.unknown == ((1, 2),)


def test_brackets_nest_and_what_else_they_say_is_kept_aside() -> None:
    (one,) = read(
        "# newdoc id = d",
        "# global.Entity = GRP-etype-infstat",
        word(1, "King", "Entity=(1-person-new"),
        word(2, "of"),
        word(3, "Lund", "Bridge=1<2|Entity=(2-place-new)1)"),
    )

    assert one.document_id == "d"
    assert said(one) == [("King of Lund", "person"), ("Lund", "place")]
    (aside,) = one.asides
    assert (aside.document_id, aside.kind) == ("d", "entities")
    assert aside.value == {
        "fields": "GRP-etype-infstat",
        "mentions": [[2, 3, "2-place-new"], [0, 3, "1-person-new"]],
        "Bridge": [[2, "1<2"]],
    }


def test_declared_brackets_say_that_there_are_no_entities() -> None:
    (one,) = read("# global.Entity = eid-etype", word(1, "Rain"))

    assert (one.mentions, one.unknown) == ((), ())


def test_without_entities_nothing_is_known() -> None:
    (one,) = read(word(1, "Ana", "SpaceAfter=No|Gloss=Anna"), word(2, "."))

    assert one.unknown == ((0, 2),)
    assert one.notes == (
        "no entities in MISC: nothing is known of its tokens",
        "key of MISC not kept: Gloss",
    )


def test_syntax_is_not_kept_and_that_is_said() -> None:
    (one,) = read("1\tAna\tAna\tPROPN\t_\t_\t0\troot\t_\tNER=B-PER")

    assert one.notes == ("tags are IOB2", "columns of CoNLL-U between form and MISC not kept")


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        pytest.param([word(1, "A"), word(2, "b"), "", word(1, "C")], "A b\nC\n", id="sentences"),
        pytest.param(
            ["# newpar", word(1, "A"), "", word(1, "B"), "", "# newpar id = 2", word(1, "C")],
            "A B\nC\n",
            id="paragraphs",
        ),
        pytest.param([word(1, "A", "SpaceAfter=No"), word(2, ".")], "A.\n", id="no space after"),
        pytest.param(
            [word(1, "A", "SpacesAfter=\\s\\s\\n"), word(2, "b")], "A  \nb\n", id="spaces after"
        ),
        pytest.param([word(1, "A", "SpacesAfter=x"), word(2, "b")], "A b\n", id="no spaces"),
        pytest.param(
            ["# text = A, b", word(1, "A"), word(2, ","), word(3, "b")], "A, b\n", id="text"
        ),
        pytest.param(
            ["# text = A, c", word(1, "A"), word(2, ","), word(3, "b")], "A , b\n", id="other text"
        ),
        pytest.param(
            [word("1-2", "don't", "SpaceAfter=No"), word(1, "do"), word(2, "n't"), word(3, ".")],
            "don't.\n",
            id="range made of its words",
        ),
        pytest.param(
            [word("1-2", "du"), word(1, "de"), word(2, "le"), word(3, "roi")],
            "du roi\n",
            id="range of other words",
        ),
        pytest.param([word(1, "A"), word("1.1", "x"), word(2, "b")], "A b\n", id="empty node"),
    ],
)
def test_the_text_is_rebuilt(lines: list[str], text: str) -> None:
    (one,) = read(*lines)

    assert join(one.tokens, one.gaps)[0] == text


def test_words_of_one_token_share_it_and_a_border_between_them_is_a_loss() -> None:
    rows = [word("1-2", "du"), word(1, "de"), word(2, "le", "NER=B-X"), word(3, "roi", "NER=I-X")]

    (one,) = read(*rows)

    assert said(one) == [("du roi", "X")]
    assert losses_of(one) == [("span widened", "its border lies inside a token of several words")]
    rows[1:3] = [word(1, "de"), word(2, "le", "Entity=(1-X")]
    rows[3] = word(3, "roi", "Entity=1)")
    assert losses_of(read(*rows)[0]) == losses_of(one)


def test_an_entity_of_words_that_the_text_lacks_is_refused() -> None:
    (one,) = read(
        "# global.Entity = eid-etype", word(1, "Left"), word("1.1", "he", "Entity=(1-person)")
    )

    assert one.mentions == ()
    assert losses_of(one) == [("span refused", "it has no word of the text")]


def test_documents_and_sentences_take_the_names_they_are_given() -> None:
    lines = [
        "# newdoc id = d-1",
        "# meta::sourceURL = https://x.org/1",
        "# sent_id = a",
        word(1, "Ana", "NER=B-PER"),
        "",
        word(1, "left", "NER=O"),
        "",
        "# newdoc",
        word(1, "Bo", "NER=B-PER"),
        "",
    ]

    one, other = read(*lines)
    assert [one.document_id, other.document_id] == ["d-1", "l-2"]
    assert [one.details, one.where] == [{"url": "https://x.org/1"}, "l.conllu"]
    assert [each.document_id for each in read(*lines, sentence_documents=True)] == [
        "a",
        "l-2",
        "l-3",
    ]


@pytest.mark.parametrize(
    ("layer", "expected"), [("NER", [("Ana", "PER")]), ("Entity", [("Ana Roe", "person")])]
)
def test_one_of_two_layers_can_be_named(layer: str, expected: list[tuple[str, str]]) -> None:
    lines = [
        word(1, "Ana", "Entity=(1-person|NER=B-PER"),
        word(2, "Roe", "Entity=1)|NER=O"),
    ]

    assert said(read(*lines, layer=layer)[0]) == expected
    with pytest.raises(ConfigError) as error:
        read(*lines)
    assert str(error.value) == (
        "l.conllu: MISC holds entities under Entity, NER; expected one key.\n"
        "Say which to read, as in --layer Entity."
    )


@pytest.mark.parametrize(
    ("lines", "options", "error", "message"),
    [
        pytest.param(
            ["1\tAna"],
            {},
            RecordError,
            "l.conllu:1: '1\\tAna'; expected the ten columns of CoNLL-U, apart by tabs: an id such "
            "as 3, 3-4 or 3.1, a form, and the rest.",
            id="columns",
        ),
        pytest.param(
            ["", word("x", "Ana")],
            {},
            RecordError,
            "l.conllu:2: 'x\\tAna\\t_\\t_\\t_\\t_\\t_\\t_\\t_\\t_'; expected the ten columns of "
            "CoNLL-U, apart by tabs: an id such as 3, 3-4 or 3.1, a form, and the rest.",
            id="id",
        ),
        pytest.param(
            [word(1, "Ana", "Gloss=x")],
            {"layer": "NER"},
            ConfigError,
            "--layer NER: no such key in MISC; expected one that is there: Gloss.",
            id="no such layer",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(
    lines: list[str], options: dict[str, str], error: type[GonerdError], message: str
) -> None:
    with pytest.raises(error) as raised:
        read(*lines, **options)
    assert str(raised.value) == message


miscs = st.sampled_from(
    ["_", "NER=B-X", "NER=O", "Entity=(1-a", "Entity=1)", "Entity=(1[1/2]-a)", "Entity=)(", "=|="]
)
rows = st.builds(
    word,
    st.integers(0, 4) | st.sampled_from(["1-2", "2-1", "1.1", "1-999999999", "x"]),
    st.sampled_from(["Ana", "_", "a b", ""]) | st.text(max_size=3),
    miscs | st.text(max_size=4),
)
comments = st.sampled_from(
    [
        "",
        "# newdoc",
        "# newdoc id = d",
        "# global.Entity = eid-etype",
        "# gonerd = {}",
        "# text = a",
    ]
)


@given(st.lists(rows | comments, max_size=8), st.booleans())
def test_any_lines_are_read_or_refused(lines: list[str], by_sentence: bool) -> None:
    assert_read_or_refused(FORMAT, lines, sentence_documents=by_sentence)


# Writing.


def test_what_is_written_is_conll_u_with_nested_and_crossing_brackets() -> None:
    text = written_text(
        FORMAT,
        annotated("King of Lund.\n\nLeft.", (0, 12, "PER"), (8, 12, "LOC"), (5, 13, "A-B")),
    )

    lines = text.split("\n")
    assert lines[0] == "# newdoc id = l-17"
    assert lines[3:] == [
        "# global.Entity = eid-etype",
        "# sent_id = l-17-1",
        "# text = King of Lund.",
        word(1, "King", "Entity=(e1-PER"),
        word(2, "of", "Entity=(e2-A%2DB"),
        word(3, "Lund", "Entity=(e3-LOC)e1)|SpaceAfter=No"),
        word(4, ".", "Entity=e2)|SpacesAfter=\\n\\n"),
        "",
        "# sent_id = l-17-2",
        "# text = Left.",
        word(1, "Left", "SpaceAfter=No"),
        word(2, ".", "SpaceAfter=No"),
        "",
        "",
    ]


@given(st.lists(annotated_documents(), max_size=3, unique_by=lambda item: item.document.id))
def test_all_comes_back_or_is_in_the_ledger(items: list[Annotated]) -> None:
    assert_comes_back(FORMAT, items)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_around_spans_that_nest(text: str) -> None:
    whole = f"{text} Ana Roe {text}"
    start = len(text) + 1

    spans = [(start, start + 7, "PER"), (start + 4, start + 7, "LOC"), (start, start + 3, "PER")]
    assert_comes_back(FORMAT, [annotated(whole, *spans)])


def test_a_span_in_parts_comes_back_in_parts() -> None:
    span = Span(start=0, end=14, label="PER", fragments=((0, 3), (11, 14)))
    item = annotated("Ana and Bo Roe", span)

    assert FORMAT.write([item]).losses == ()
    assert_comes_back(FORMAT, [item])


# Real files.


@pytest.mark.parametrize(
    ("part", "documents", "tokens", "entities"),
    [("train", 84, 76_760, 22_330), ("dev", 12, 10_631, 2_993)],
)
def test_gum_holds_what_its_authors_say(
    part: str, documents: int, tokens: int, entities: int
) -> None:
    found = read_all(FORMAT, find_members([real(f"ner/gum/conllu/{part}")]))

    assert len({one.document_id for one in found}) == documents
    assert sum(len(one.tokens) for one in found) == tokens
    labels = Counter(each.label for one in found for each in one.mentions)
    assert labels.total() == entities
    assert labels.keys() == {
        "abstract",
        "person",
        "place",
        "event",
        "time",
        "organization",
        "object",
        "substance",
        "animal",
        "plant",
    }
    assert [one for one in found if one.losses] == []
    assert all(one.asides[0].kind == "entities" for one in found)


def test_the_text_of_gum_has_its_sentences() -> None:
    (path,) = real("ner/gum/conllu/dev").glob("GUM_bio_byron*")
    (held,) = find_members([path])

    (one,) = read_all(FORMAT, [held])

    text = join(one.tokens, one.gaps)[0]
    sentences = [
        line.removeprefix("# text = ")
        for line in held.read().decode().split("\n")
        if line.startswith("# text = ")
    ]
    assert " ".join(text.split()) == " ".join(sentences)


def test_gum_has_the_same_entities_as_in_webanno_s_format() -> None:
    files = sorted(real("ner/gum/webanno_tsv").glob("*/*.tsv"))
    folder = real("ner/gum/conllu")
    layer = "webanno.custom.Referent.entity"

    here = bring_in(FORMAT, sorted(folder.glob("*/*.gz")), ReadOptions(annotator="gum"))
    there = bring_in(WEBANNO, files, ReadOptions(annotator="gum", layer=layer))

    by_name = {one.document_id: one for one in here.annotations}
    assert len(there.annotations) == 26
    for other in there.annotations:
        one = by_name[other.document_id]
        assert visible_spans(one, here.documents[one.document_id].text) == visible_spans(
            other, there.documents[other.document_id].text
        )


def visible_spans(annotation: Annotation, text: str) -> Counter[tuple[int, int, str]]:
    """Count spans by the characters before them that are not blank."""
    before = [0]
    for character in text:
        before.append(before[-1] + (not character.isspace()))
    return Counter((before[span.start], before[span.end], span.label) for span in annotation.spans)
