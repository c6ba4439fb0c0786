"""Tests that brat's files are read as brat means them, and that ours come back to the character."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.formats.brat.standoff import FORMAT
from gonerd.formats.layers import MARKED, Annotated, Mention, Pass, ReadOptions
from gonerd.formats.members import find_members
from gonerd.formats.step import bring_in
from gonerd.records import Span
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    member,
    members_of,
    read_all,
)
from tests.formats.real import real
from tests.formats.round_trips import annotated
from tests.strategies import HOSTILE_TEXTS

TEXT = "Ana Roe went to\nNew York and Lund."


def read_lines(*lines: str, text: str | bytes = TEXT) -> Pass:
    """Read one document with these lines."""
    files = [member(text, "d.txt", "out"), member("".join(f"{line}\n" for line in lines), "d.ann")]
    (found,) = read_all(FORMAT, [replace(files[0], root=""), replace(files[1], root="")])
    return found


@given(st.lists(annotated_documents(), min_size=1, max_size=2, unique_by=lambda i: i.document.id))
def test_everything_comes_back_or_is_in_the_ledger(items: list[Annotated]) -> None:
    kept, lost = fitted(items, FORMAT)
    assert not lost
    written = FORMAT.write(kept)

    found = {
        (one.document_id, one.annotator): one for one in read_all(FORMAT, members_of(written, ""))
    }

    for item in items:
        changed = {
            (loss.start, loss.end)
            for loss in written.losses
            if loss.document_id == item.document.id
        }
        for annotation in item.annotations:
            one = found.pop((item.document.id, annotation.annotator))
            assert one.text == item.document.text
            back = annotation_of(one)
            assert (back.guide, back.coverage) == (annotation.guide, annotation.coverage)
            assert one.details["license"] == item.document.license or not item.document.license
            untouched = Counter(
                replace(span, fragments=span.fragments if len(span.fragments) > 1 else ())
                for span in annotation.spans
                if (span.start, span.end) not in changed
            )
            assert untouched <= Counter(back.spans)
            if not changed:
                assert untouched == Counter(back.spans)
    assert not found


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_with_a_span_over_all_of_it(text: str) -> None:
    whole = f"<{text}>"
    span = Span(start=0, end=len(whole), label="B X%20\n\u2028", confidence=0.25, support=3)

    written = FORMAT.write([annotated(whole, span)])
    (found,) = read_all(FORMAT, members_of(written, ""))

    assert not written.losses
    assert (found.text, annotation_of(found).spans) == (whole, (span,))


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_without_spans(text: str) -> None:
    written = FORMAT.write([annotated(text, coverage=[(0, len(text))])])
    (found,) = read_all(FORMAT, members_of(written, ""))

    assert (found.text, found.document_id, found.annotator) == (text, "l-17", "ana")
    assert found.coverage == ((0, len(text)),)


def test_a_span_over_a_line_end_is_written_as_fragments() -> None:
    written = FORMAT.write([annotated(TEXT, (9, 20, "MOVE"), document_id="d/1")])

    assert set(written.files) == {"d%2F1.txt", "d%2F1.ann"}
    assert written.files["d%2F1.txt"] == TEXT.encode()
    line = written.files["d%2F1.ann"].decode().splitlines()[0]
    assert line == "T1\tMOVE 9 15;16 20\tent to New "


@pytest.mark.parametrize(
    ("span", "what", "why"),
    [
        pytest.param(
            Span(start=15, end=16, label="X"),
            "span left out",
            "it holds nothing but line ends",
            id="line end",
        ),
        pytest.param(
            Span(start=13, end=16, label="X"),
            "span narrowed",
            "it begins or ends with a line end",
            id="ends in one",
        ),
        pytest.param(
            Span(start=0, end=7, label="X", fragments=((0, 3), (4, 7))),
            "span joined",
            "only blank stands between its parts",
            id="blank between",
        ),
    ],
)
def test_what_brat_has_no_place_for_is_in_the_ledger(span: Span, what: str, why: str) -> None:
    written = FORMAT.write([annotated(TEXT, span)])

    assert [(loss.start, loss.end, loss.what, loss.why) for loss in written.losses] == [
        (span.start, span.end, what, why)
    ]


def test_annotators_have_folders_and_hostile_names_stay_inside() -> None:
    made = annotated("Ana")
    names = ["..", "a/b", "", "\n", "x" * 300]
    annotations = tuple(replace(made.annotations[0], annotator=name) for name in names)

    written = FORMAT.write([replace(made, annotations=annotations)])

    folders = {name.partition("/")[0] for name in written.files}
    assert folders == {"%2E.", "a%2Fb", "%", "%0A"} | {
        folder for folder in folders if folder.startswith("xxx")
    }
    assert all(name.count("/") == 1 and len(name) < 150 for name in written.files)
    assert {one.annotator for one in read_all(FORMAT, members_of(written, ""))} == set(names)


def test_lines_of_all_kinds_are_mentions_or_asides() -> None:
    found = read_lines(
        "T1\tPER 0 3\tAna",
        "T2\tMOVE 8 12\twent",
        "E1\tMOVE:T2 Who:T1",
        "A1\tSure T1",
        "M1\tNegated E1",
        "R1\tPart Arg1:T1 Arg2:T2\t",
        "N1\tReference T1 Wikipedia:1\tAna Roe",
        "*\tEquiv T1 T2",
        "#1\tAnnotatorNotes T1\tsee\tthere",
        "",
    )

    assert found.mentions == (
        Mention(start=0, end=3, label="PER", surface="Ana"),
        Mention(start=8, end=12, label="MOVE", surface="went"),
    )
    assert (found.coverage, found.unit, found.losses) == (MARKED, None, ())
    spans = {"T1": [0, 3, "PER"], "T2": [8, 12, "MOVE"]}
    assert [(aside.kind, dict(aside.value)) for aside in found.asides] == [
        ("event", {"id": "E1", "columns": ["MOVE:T2 Who:T1"], "spans": spans}),
        ("attribute", {"id": "A1", "columns": ["Sure T1"], "spans": {"T1": spans["T1"]}}),
        ("attribute", {"id": "M1", "columns": ["Negated E1"], "spans": {}}),
        ("relation", {"id": "R1", "columns": ["Part Arg1:T1 Arg2:T2", ""], "spans": spans}),
        (
            "normalization",
            {
                "id": "N1",
                "columns": ["Reference T1 Wikipedia:1", "Ana Roe"],
                "spans": {"T1": spans["T1"]},
            },
        ),
        ("equivalence", {"id": "*", "columns": ["Equiv T1 T2"], "spans": spans}),
        (
            "note",
            {
                "id": "#1",
                "columns": ["AnnotatorNotes T1", "see", "there"],
                "spans": {"T1": spans["T1"]},
            },
        ),
    ]


@pytest.mark.parametrize(
    ("line", "mention"),
    [
        pytest.param(
            "T1\tLOC 16 19;20 24\tNew York",
            Mention(start=16, end=24, label="LOC", surface="New York"),
            id="blank between",
        ),
        pytest.param(
            "T1\tX 13 15;16 19\tto New",
            Mention(start=13, end=19, label="X", surface="to\nNew"),
            id="line end between",
        ),
        pytest.param(
            "T1\tLOC 16 19;29 33\tNew Lund",
            Mention(
                start=16, end=33, label="LOC", surface="New Lund", fragments=((16, 19), (29, 33))
            ),
            id="words between",
        ),
        pytest.param(
            "T1\tLOC 29 33;16 19\tLund New",
            Mention(
                start=16, end=33, label="LOC", surface="New Lund", fragments=((16, 19), (29, 33))
            ),
            id="not in order",
        ),
        pytest.param(
            "T1\tX 0 3;4 7;29 33\tAna Roe Lund",
            Mention(
                start=0, end=33, label="X", surface="Ana Roe Lund", fragments=((0, 7), (29, 33))
            ),
            id="two of three",
        ),
        pytest.param(
            "T1\tX 0 3;4 7\tAnn Roe",
            Mention(start=0, end=7, label="X", surface="Ann Roe", fragments=((0, 3), (4, 7))),
            id="another text",
        ),
        pytest.param(
            "T1\tPER 0 3\tAna ",
            Mention(start=0, end=3, label="PER", surface="Ana"),
            id="a blank too many",
        ),
        pytest.param(
            "T1\tPER 0 4\tAna ",
            Mention(start=0, end=4, label="PER", surface="Ana "),
            id="a blank of its own",
        ),
        pytest.param("T1\tPER 0 3", Mention(start=0, end=3, label="PER"), id="no text"),
        pytest.param(
            "T1 \tPER 0 3\tin 12 13".replace(" \t", "\t"),
            Mention(start=0, end=3, label="PER", surface="in 12 13"),
            id="offsets in the text",
        ),
    ],
)
def test_fragments_are_read(line: str, mention: Mention) -> None:
    assert read_lines(line).mentions == (mention,)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("Ana\r\nRoe, Bo", "T1\tX 0 3;4 7\tAna Roe", id="CRLF counted as one"),
        pytest.param("\U0001f600 Ana\nRoe", "T1\tX 3 6;7 10\tAna Roe", id="UTF-16"),
        pytest.param(
            "\U0001f600\r\nAna \U0001f600\r\nRoe",
            "T1\tX 3 9;10 13\tAna \U0001f600 Roe",
            id="both",
        ),
    ],
)
def test_fragments_are_joined_in_whatever_unit_fits(text: str, line: str) -> None:
    (mention,) = read_lines(line, text=text).mentions
    assert mention.fragments == ()
    assert (mention.surface or "").split()[-1] == "Roe"


@pytest.mark.parametrize(
    ("line", "what", "why"),
    [
        ("T1\tPER 5 5\t", "span refused", "it is empty or ends before it starts"),
        ("T1\tPER 7 3\tAna", "span refused", "it is empty or ends before it starts"),
        ("T1\tPER 0 7;3 9\tAna", "span refused", "its fragments overlap"),
        (
            "T1\tPER 0\tAna",
            "span refused",
            "its line is not of the form `T1<TAB>Label 0 5<TAB>text`",
        ),
        (
            "T1\tPER -1 3\tAna",
            "span refused",
            "its line is not of the form `T1<TAB>Label 0 5<TAB>text`",
        ),
        (
            f"T1\tPER 0 {'9' * 5000}\tAna",
            "span refused",
            "its line is not of the form `T1<TAB>Label 0 5<TAB>text`",
        ),
        ("what", "line refused", "brat has no lines of this kind"),
    ],
    ids=["empty", "backwards", "overlap", "one offset", "negative", "huge", "unknown"],
)
def test_a_broken_line_is_a_loss_and_the_rest_is_read(line: str, what: str, why: str) -> None:
    found = read_lines(line, "T9\tLOC 29 33\tLund")

    assert [(loss.what, loss.why) for loss in found.losses] == [(what, why)]
    assert [mention.label for mention in found.mentions] == ["LOC"]


@given(
    st.lists(
        st.lists(
            st.sampled_from(["T1", "T", "\t", " ", "X 0 3", "0 3;4 9", ";", "#1", "*", "gonerd "])
            | st.sampled_from(["document\t{}", "labels\t{}", 'T1\t{"support": -1}', "[", "9" * 30])
            | st.text(max_size=3),
            max_size=7,
        ).map("".join),
        max_size=4,
    )
)
def test_any_lines_are_read_or_counted(lines: list[str]) -> None:
    found = read_lines(*lines)

    count = sum(bool(line.strip()) for line in "\n".join(lines).split("\n"))
    counted = len(found.mentions) + len(found.asides) + len(found.losses)
    assert counted <= count
    assert all(mention.start < mention.end for mention in found.mentions)


def test_an_edited_file_of_ours_is_no_longer_its_annotators_word() -> None:
    files = FORMAT.write([annotated(TEXT, (0, 3, "PER"))]).files
    edited = files["l-17.ann"].replace(b"PER 0 3", b"ORG 0 3")

    (found,) = read_all(FORMAT, [member(TEXT, "d.txt", "bo"), member(edited, "d.ann", "bo")])

    assert (found.document_id, found.annotator, found.coverage) == ("d", "bo", MARKED)
    assert [mention.label for mention in found.mentions] == ["ORG"]


def test_documents_are_paired_by_path() -> None:
    passes = read_all(
        FORMAT,
        [
            member("Ana", "a/1.txt", "out"),
            member("T1\tPER 0 3\tAna\n", "a/1.ann", "out"),
            member("Bo", "a/2.txt", "out"),
            member("T1\tPER 0 2\tBo\n", "b/3.ann", "out"),
            member("T1\tPER 0 2\tBo\n", "c/4.a1", "out"),
            member("T2\tPER 0 2\tBo\nE1\tX:T2\n", "c/4.a2", "out"),
            member("", "c/4.txt", "out"),
            member("labels", "a/annotation.conf", "out"),
            member("x", "a/1.ann~", "out"),
        ],
        annotator="ana",
    )

    assert [(one.document_id, one.annotator, one.text, len(one.mentions)) for one in passes] == [
        ("a/1", "ana", "Ana", 1),
        ("a/2", "ana", "Bo", 0),
        ("b/3", "ana", None, 1),
        ("c/4", "ana", "", 2),
    ]


@pytest.mark.parametrize("suffix", [".txt", ".ann"])
def test_a_pattern_may_name_either_file(suffix: str) -> None:
    members = [
        member("Ana", "texts/1.txt", "out"),
        member("T1\tPER 0 3\tAna\n", "ana/1.ann", "out"),
        member("", "bo/1.ann", "out"),
        member("Ana", "bo/1.txt", "out"),
    ]

    passes = read_all(FORMAT, members, paths=f"{{annotator}}/{{document}}{suffix}")

    assert [(one.document_id, one.annotator, one.text) for one in passes] == [
        ("1", "ana", "Ana"),
        ("1", "bo", "Ana"),
    ]


def test_a_text_outside_the_pattern_is_found_and_is_no_document_of_its_own() -> None:
    members = [
        member("T1\tPER 0 3\tAna\n", "ana/1.ann", "out"),
        member("Ana", "1.txt", "out"),
        member("see there", "README.txt", "out"),
    ]

    (found,) = read_all(FORMAT, members, paths="{annotator}/{document}.ann")

    assert (found.document_id, found.annotator, found.text) == ("1", "ana", "Ana")


def test_a_mark_of_byte_order_is_counted_where_brat_counted_it() -> None:
    marked = b"\xef\xbb\xbfAna"
    assert read_lines("T1\tPER 0 3\tAna", text=marked).text == "Ana"
    assert read_lines("T1\tPER 1 4\tAna", text=marked).text == "\ufeffAna"


@pytest.mark.parametrize(
    ("path", "documents", "spans", "parts", "asides"),
    [
        ("exports/brat/NCBI-disease", 20, 226, 0, 226),
        ("exports/brat/BioNLP-ST_2011_EPI", 20, 367, 0, 86),
        ("exports/brat/pgxcorpus.tar.gz", 470, 3357, 191, 1836),
        ("ner/litbank/brat", 78, 10908, 0, 0),
        ("ner/somesci/Pubmed_fulltext", 80, 635, 0, 316),
    ],
)
def test_real_corpora_are_read_whole_and_nothing_is_moved(
    path: str, documents: int, spans: int, parts: int, asides: int
) -> None:
    imported = bring_in(FORMAT, [real(path)], ReadOptions())

    assert len(read_all(FORMAT, find_members([real(path)]))) == documents
    found = [span for annotation in imported.annotations for span in annotation.spans]
    assert imported.offsets == {"matched": spans, "unverified": 0, "moved": 0, "refused": 0}
    assert (len(found), sum(bool(span.fragments) for span in found)) == (spans, parts)
    assert (len(imported.asides), imported.losses) == (asides, ())


def test_a_real_corpus_comes_back_from_our_own_files() -> None:
    imported = bring_in(FORMAT, [real("exports/brat/pgxcorpus.tar.gz")], ReadOptions())
    items = [
        Annotated(document=imported.documents[one.document_id], annotations=(one,))
        for one in imported.annotations
    ]

    written = FORMAT.write(items)
    passes = read_all(FORMAT, members_of(written, ""))

    assert not written.losses
    assert [annotation_of(one) for one in passes] == list(imported.annotations)
