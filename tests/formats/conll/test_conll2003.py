"""Tests that columns of tokens and tags are told apart, read whole, and written for everybody."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqscore.conll import LineSpec, ingest_conll_file

from gonerd.errors import ConfigError, GonerdError, RecordError
from gonerd.formats.conll.conll2003 import FORMAT
from gonerd.formats.layers import TokenPass
from gonerd.formats.members import find_members
from gonerd.gather import Annotated
from tests.formats.given import annotated_documents, losses_of, member, read_all, said
from tests.formats.real import real
from tests.formats.round_trips import (
    annotated,
    assert_comes_back,
    assert_read_or_refused,
    written_text,
)
from tests.strategies import HOSTILE_TEXTS, LABELS, flat_ranges, texts

REUTERS = """-DOCSTART- -X- -X- O

Ana NNP I-NP I-PER
Roe NNP I-NP I-PER
met VBD I-VP O
Bo NNP I-NP I-PER
. . O O

-DOCSTART- -X- -X- O

Lund NNP I-NP I-LOC
"""


def read(content: str, name: str = "letters.conll", **options: object) -> list[TokenPass]:
    """Read a file that is not ours."""
    found = read_all(FORMAT, [member(content, name)], **options)
    assert all(isinstance(one, TokenPass) for one in found)
    return found


def test_columns_of_conll_2003_are_read() -> None:
    first, second = read(REUTERS)

    assert first.tokens == ("Ana", "Roe", "met", "Bo", ".")
    assert first.gaps == (" ", " ", " ", " ", "\n")
    assert said(first) == [("Ana Roe", "PER"), ("Bo", "PER")]
    assert said(second) == [("Lund", "LOC")]
    assert [first.document_id, second.document_id] == ["letters-1", "letters-2"]
    assert first.where == "letters.conll:1"
    assert first.annotator == "letters"
    assert first.notes == (
        "columns not kept: 2, 3",
        "tags are IOB1, IOE1 or IO, which mark the same spans here",
    )
    assert first.losses == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("Ana\tB-PER\nleft\tO\n", [("Ana", "PER")], id="two columns, tab"),
        pytest.param("Ana B-PER\r\nleft O\r\n", [("Ana", "PER")], id="two columns, blank, CRLF"),
        pytest.param("Ana  B-PER \nleft   O\n", [("Ana", "PER")], id="several blanks"),
        pytest.param("New York\tB-LOC\nfell\tO\n", [("New York", "LOC")], id="blank in a token"),
        pytest.param(
            "# newdoc id = d\n# sent_id = 1\n# text = New York\nNew York\tB-LOC\n",
            [("New York", "LOC")],
            id="more comments than tokens",
        ),
        pytest.param("B-PER\tAna\nO\tleft\n", [("Ana", "PER")], id="tag first"),
        pytest.param("1\tAna\tB-PER\n2\tleft\tO\n", [("Ana", "PER")], id="index first"),
        pytest.param(
            "1\tAna\tB-PER\t-\tbo\n2\tleft\tO\t-\t-\n", [("Ana", "PER")], id="tag in the middle"
        ),
        pytest.param("Word\tTag\nAna\tB-PER\nleft\tO\n", [("Ana", "PER")], id="header row"),
        pytest.param("Word\tO\nAna\tB-PER\n", [("Ana", "PER")], id="a text that opens with Word"),
        pytest.param("#\tO\n#tag\tB-X\n#a=b\tO\n", [("#tag", "X")], id="tokens with #"),
        pytest.param("# O\n#tag B-X\n", [("#tag", "X")], id="tokens with #, blank"),
        pytest.param(
            "# sent_id = 1\n# text = Ana left\nAna NNP O B-PER\nleft VB O O\n",
            [("Ana", "PER")],
            id="comment with as many columns",
        ),
        pytest.param(
            "# id 7f\tdomain=en\nAna _ _ B-PER\nleft _ _ O\n", [("Ana", "PER")], id="MultiCoNER"
        ),
        pytest.param(
            "#\thttp://x.org [2009]\n1\tAna\tB-PER\tO\n2\tRoe\tI-PER\tB-PER\n",
            [("Ana Roe", "PER"), ("Roe", "PER")],
            id="GermEval",
        ),
        pytest.param(
            "-DOCSTART- -DOCSTART- O\nAna N B-PER\nleft V O\n", [("Ana", "PER")], id="Dutch"
        ),
        pytest.param(
            "-DOCSTART- -X- O\n\nAna\tB-PER\nleft\tO\n", [("Ana", "PER")], id="blanks in a mark"
        ),
        pytest.param(
            "# global.columns = FORM NER\nAna\tB-PER\nleft\tO\n", [("Ana", "PER")], id="named"
        ),
        pytest.param("Ana\tperson\nleft\tO\nit\tO\n", [("Ana", "person")], id="no prefixes"),
        pytest.param(
            "King\tB-PER\tO\t\nof\tI-PER\tO\t\nLund\tI-PER\tB-PER\t\n",
            [("King of Lund", "PER"), ("Lund", "PER")],
            id="levels of nested entities",
        ),
        pytest.param("\ufeffAna\tB-PER\n", [("Ana", "PER")], id="byte order mark"),
        pytest.param("Ana\tB-PER\n\t\n\nBo\tB-PER", [("Ana", "PER"), ("Bo", "PER")], id="blanks"),
    ],
)
def test_columns_are_found_out(content: str, expected: list[tuple[str, str]]) -> None:
    (one,) = read(content)

    assert said(one) == expected
    assert one.unknown == ()
    assert one.losses == ()


@pytest.mark.parametrize(
    ("layer", "expected"),
    [("3", [("Ana", "LOC")]), ("pred", [("Ana", "LOC")]), ("gold", [("Ana", "PER")])],
)
def test_a_column_can_be_named(layer: str, expected: list[tuple[str, str]]) -> None:
    content = "# global.columns = form gold pred\nAna\tB-PER\tB-LOC\nBo\tB-PER\tB-PER\n"

    assert said(read(content, layer=layer)[0])[:1] == expected


def test_several_columns_are_read_if_asked_for() -> None:
    assert said(read("Ana\tB-PER\tB-LOC\n", layer="2,3")[0]) == [("Ana", "LOC"), ("Ana", "PER")]


def test_documents_and_sentences_take_the_names_they_are_given() -> None:
    content = (
        "# newdoc id = d-1\n# sent_id = d-1.a\nAna\tB-PER\n\nleft\tO\n\n"
        "# newdoc id = d-2\nBo\tB-PER\n\n-DOCSTART- (1 EU)\n\nLund\tO\n"
    )

    assert [one.document_id for one in read(content)] == ["d-1", "d-2", "1 EU"]
    assert [one.document_id for one in read(content, sentence_documents=True)] == [
        "d-1.a",
        "d-1-2",
        "d-2-1",
        "1 EU-1",
    ]


def test_names_come_from_the_path_where_the_file_has_none() -> None:
    (one,) = read("Ana\tB-PER\n", "bo/l-17.txt", paths="{annotator}/{document}.txt")

    assert (one.document_id, one.annotator) == ("l-17", "bo")


def test_gaps_are_taken_from_the_text_of_a_sentence() -> None:
    (one,) = read("# text = I 'm in.\nI\tO\n'm\tO\nin\tO\n.\tO\n\nSo\tO\n")

    assert one.gaps == (" ", " ", "", "\n", "\n")


def test_a_comment_about_the_document_is_kept() -> None:
    (one,) = read("# newdoc id = d\n# license = cc0-1.0\n# language = sv\nAna\tB-PER\n")

    assert one.details == {"license": "cc0-1.0", "language": "sv"}


@pytest.mark.parametrize(
    ("content", "tokens", "unknown", "lost"),
    [
        pytest.param(
            "Ana B-PER\n B-PER\nleft O\n",
            ("Ana", "left"),
            (),
            [("line refused", "it has a tag and no token")],
            id="a blank for a token",
        ),
        pytest.param(
            "Ana\tB-PER\n\xa0\tO\nleft\tO\n",
            ("Ana", "left"),
            (),
            [("line refused", "it has a tag and no token")],
            id="nothing for a token",
        ),
        pytest.param(
            "1\tAna\tB-PER\n2\t\tO\n",
            ("Ana",),
            (),
            [("line refused", "it has a tag and no token")],
            id="nothing after the index",
        ),
        pytest.param(
            "Ana B-PER\nleft\nit O\n",
            ("Ana", "left", "it"),
            ((1, 2),),
            [("tag missing", "the line has a token and no tag")],
            id="no tag",
        ),
        pytest.param(
            "Ana I-PER\nleft O\nBo B-PER\nRoe I-PER\n",
            ("Ana", "left", "Bo", "Roe"),
            (),
            [("tag repaired", "it is out of place in IOB2")],
            id="a worker's illegal tag",
        ),
        pytest.param(
            "Ana B-PER\nleft PER\n",
            ("Ana", "left"),
            ((1, 2),),
            [("tag refused", "it is no tag of IOB2")],
            id="no tag of the scheme",
        ),
        pytest.param("Ana B-PER\nleft -\n", ("Ana", "left"), ((1, 2),), [], id="unread"),
    ],
)
def test_what_a_line_lacks_is_counted(
    content: str,
    tokens: tuple[str, ...],
    unknown: tuple[tuple[int, int], ...],
    lost: list[tuple[str, str]],
) -> None:
    (one,) = read(content)

    assert (one.tokens, one.unknown, losses_of(one)) == (tokens, unknown, lost)


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        pytest.param(
            "one two three\nAna\tB-PER\nleft\tO\n",
            {},
            RecordError,
            "letters.conll:1: 'one two three' has one column; expected 2, as most lines have.",
            id="too few columns",
        ),
        pytest.param(
            "Ana B-PER\nleft O\nNew York B-LOC\n",
            {},
            RecordError,
            "letters.conll:3: 'New York B-LOC' has 3 columns; expected 2, as most lines have.",
            id="too many columns",
        ),
        pytest.param(
            "Ana\nleft\n",
            {},
            RecordError,
            "letters.conll: most lines have one column, as 'Ana'; expected a token and its tag, "
            "apart by a tab or blanks.",
            id="no columns",
        ),
        pytest.param(
            "Ana\tB-PER\tB-PER\nleft\tO\tO\n",
            {},
            ConfigError,
            "letters.conll: columns 2, 3 all look like tags, and not like levels of nested "
            "entities; expected one column of tags.\nSay which to read with --layer NUMBER.",
            id="gold and prediction",
        ),
        pytest.param(
            "Ana\tB-PER\tO\nRoe\tI-PER\tB-LOC\nleft\tO\tI-LOC\nso\tB-LOC\tO\n",
            {},
            ConfigError,
            "letters.conll: columns 2, 3 all look like tags, and not like levels of nested "
            "entities; expected one column of tags.\nSay which to read with --layer NUMBER.",
            id="crossing columns",
        ),
        pytest.param(
            "Ana\tB-PER\tB-Agent\nleft\tO\tO\n",
            {},
            ConfigError,
            "letters.conll: columns 2, 3 all look like tags, and not like levels of nested "
            "entities; expected one column of tags.\nSay which to read with --layer NUMBER.",
            id="layers with labels of their own",
        ),
        pytest.param(
            "Ana\tB-PER\n",
            {"layer": "NER"},
            ConfigError,
            "letters.conll: no column 'NER'; expected a number from 1 to 2.",
            id="no such column",
        ),
        pytest.param(
            "Ana\tNNP\nleft\tVB\n",
            {},
            RecordError,
            "letters.conll: 'NNP' stands where a tag should be, and `O` is not the commonest; "
            "expected O, B-LABEL, I-LABEL and their kin.\n"
            "Give --layer where another column holds the tags, or --scheme IO where these are "
            "labels.",
            id="parts of speech",
        ),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused(
    content: str, options: dict[str, str], error: type[GonerdError], message: str
) -> None:
    with pytest.raises(error) as raised:
        read(content, **options)
    assert str(raised.value) == message


cells = st.sampled_from(
    ["Ana", "B-PER", "I-PER", "O", "-", "", "#", "# text = a", "# gonerd = {}", "-DOCSTART-", "1"]
) | st.text(max_size=3)
hostile_lines = st.lists(cells, max_size=4).flatmap(
    lambda row: st.sampled_from(["\t", " "]).map(lambda gap: gap.join(row))
)


@given(st.lists(hostile_lines, max_size=6), st.booleans())
def test_any_lines_are_read_or_refused(lines: list[str], by_sentence: bool) -> None:
    assert_read_or_refused(FORMAT, lines, sentence_documents=by_sentence)


# Writing.


def test_what_is_written_can_be_read_by_eye_and_by_others() -> None:
    item = annotated("Ana Roe left.\r\n\r\nBo too.", (0, 7, "PER"))

    text = written_text(FORMAT, item)

    assert text.split("\n")[:4] == [
        "-DOCSTART-\t-X-\t-X-\tO",
        "",
        "# doc_id = l-17",
        f"# text_sha256 = {item.document.text_sha256}",
    ]
    assert text.split("\n")[5:] == [
        "Ana\t0:3\t\\s\tB-PER",
        "Roe\t4:7\t\\s\tI-PER",
        "left\t8:12\t_\tO",
        ".\t12:13\t\\r\\n\\r\\n\tO",
        "",
        "Bo\t17:19\t\\s\tO",
        "too\t20:23\t_\tO",
        ".\t23:24\t_\tO",
        "",
        "",
    ]


@given(st.lists(annotated_documents(), max_size=3, unique_by=lambda item: item.document.id))
def test_all_comes_back_or_is_in_the_ledger(items: list[Annotated]) -> None:
    assert_comes_back(FORMAT, items)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_around_a_span(text: str) -> None:
    whole = f"{text} Ana {text}"
    start = len(text) + 1

    assert_comes_back(FORMAT, [annotated(whole, (start, start + 3, "PER"))])


def test_a_word_that_looks_like_the_mark_of_a_document_is_a_word() -> None:
    assert_comes_back(FORMAT, [annotated("See\n-DOCSTART- and -X- there", (4, 14, "X"))])


def test_hostile_names_break_no_line() -> None:
    item = annotated("Ana left.", (0, 3, "A\tB\nC"), document_id="a\n-DOCSTART-\tb", annotator="\t")

    assert_comes_back(FORMAT, [item])


def test_what_was_not_read_is_neither_tagged_nor_outside() -> None:
    item = annotated("Ana left. Bo too.", (0, 3, "PER"), coverage=[(0, 9)])

    assert_comes_back(FORMAT, [item])
    tags = [line.split("\t")[-1] for line in written_text(FORMAT, item).split("\n")[5:] if line]
    assert tags == ["B-PER", "O", "O", "-", "-", "-"]


def test_a_file_of_ours_is_read_by_sentence_as_any_other() -> None:
    text = written_text(FORMAT, annotated("Ana left. Bo too.", (0, 3, "A B")))

    first, second = read(text, sentence_documents=True)

    assert (first.tokens, said(first)) == (("Ana", "left", "."), [("Ana", "A B")])
    assert second.tokens == ("Bo", "too", ".")


@given(st.data())
def test_seqscore_reads_it_and_finds_the_same_spans(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    drawn = data.draw(texts.filter(lambda text: text.strip() and text.strip()[0] not in "#-"))
    spans = [
        (start, end, data.draw(st.sampled_from(LABELS)))
        for start, end in data.draw(flat_ranges(len(drawn), 6))
    ]
    content = FORMAT.write([annotated(drawn, *spans)]).files[""]
    path = tmp_path_factory.mktemp("seqscore") / "out.conll"
    path.write_bytes(content)

    theirs = ingest_conll_file(
        path,
        "BIO",
        "utf-8",
        LineSpec(0, -1),
        ignore_document_boundaries=False,
        allow_comment_lines=True,
    )

    (ours,) = read_all(FORMAT, [member(content)])
    assert [
        ("".join(sequence.mention_tokens(mention)), mention.type)
        for document in theirs
        for sequence in document
        for mention in sequence.mentions
    ] == [("".join((one.surface or "").split()), one.label) for one in ours.mentions]


# Real files.


@pytest.mark.parametrize(
    ("path", "documents", "tokens", "labels"),
    [
        ("ner/sec_filings/FIN5.txt", 5, 41010, {"PER": 747, "ORG": 243, "LOC": 171, "MISC": 7}),
        (
            "ner/wikigold/wikigold.conll.txt",
            145,
            39007,
            {"LOC": 1014, "PER": 934, "ORG": 898, "MISC": 712},
        ),
        (
            "ner/uner_english_ewt/en_ewt-ud-dev.iob2",
            318,
            25149,
            {"LOC": 399, "PER": 343, "ORG": 224},
        ),
        (
            "ner/wnut17/wnut17train.conll",
            1,
            62730,
            {
                "person": 660,
                "location": 548,
                "group": 264,
                "corporation": 221,
                "product": 142,
                "creative-work": 140,
            },
        ),
        ("ner/btc/btc.dev", 1, 15023, {"PER": 1194, "ORG": 380, "LOC": 156}),
        ("multi_annotator/btc_crowd/a.conll", 1, 16612, {"PER": 229, "ORG": 173, "LOC": 119}),
    ],
)
def test_real_files_hold_what_their_authors_say(
    path: str, documents: int, tokens: int, labels: dict[str, int]
) -> None:
    found = read_all(FORMAT, [member(real(path).read_bytes(), Path(path).name)])

    assert len(found) == documents
    assert sum(len(one.tokens) for one in found) == tokens
    assert Counter(each.label for one in found for each in one.mentions) == labels


def test_levels_of_nested_entities_are_read_from_real_files() -> None:
    files = sorted(real("ner/litbank/tsv").glob("*.tsv"))

    found = read_all(FORMAT, [member(file.read_bytes(), file.name) for file in files])

    assert sum(len(one.tokens) for one in found) == 161_656
    assert Counter(each.label for one in found for each in one.mentions) == {
        "PER": 7338,
        "FAC": 1662,
        "LOC": 963,
        "GPE": 705,
        "VEH": 129,
        "ORG": 111,
    }


def test_the_work_of_a_crowd_is_read_with_its_faults_counted() -> None:
    members = find_members([real("multi_annotator/conll03_mturk/task1_val.tar.gz")])

    found = read_all(FORMAT, members, paths="{annotator}/{document}.txt")

    gold = [one for one in found if one.annotator == "ground_truth"]
    assert (len(found), len(gold), len({one.annotator for one in found})) == (1183, 200, 47)
    assert sum(len(one.tokens) for one in gold) == 40_360
    assert Counter(each.label for one in gold for each in one.mentions) == {
        "LOC": 1748,
        "PER": 1536,
        "ORG": 1285,
        "MISC": 730,
    }
    assert Counter(loss.why for one in found for loss in one.losses) == {
        "it has a tag and no token": 593,
        "it is out of place in IOB2": 278,
        "it is out of place in IOB1": 17,
    }


@pytest.mark.parametrize(
    ("name", "fate"),
    [
        ("sequence_labeling_example.conll", 2),
        ("sequence_labeling_labeling.trailing.conll", 2),
        (
            "sequence_labeling_labeling.invalid.conll",
            "f.conll:1: 'SOCCERO SOCCERO SOCCERO' has one column; expected 2, as most lines have.",
        ),
    ],
)
def test_the_test_files_of_doccano_are_read_or_refused(name: str, fate: int | str) -> None:
    content = real(f"exports/doccano/upstream_fixtures/{name}").read_bytes()

    if isinstance(fate, int):
        (one,) = read_all(FORMAT, [member(content, "f.conll")])
        assert len(one.mentions) == fate
    else:
        with pytest.raises(RecordError) as error:
            read_all(FORMAT, [member(content, "f.conll")])
        assert str(error.value) == fate
