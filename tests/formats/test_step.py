"""Tests that passes in a file's own terms become annotations, and annotations foreign files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonerd.errors import ConfigError, GonerdError, RecordError, SourceError, TextMismatch
from gonerd.formats.layers import (
    MARKED,
    WHOLE,
    Aside,
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    TokenPass,
    Written,
)
from gonerd.formats.members import names_of
from gonerd.formats.step import Imported, bring_in, send_out
from gonerd.gather import Annotated
from gonerd.records import Document, Loss, Range, text_sha256
from tests.formats.round_trips import annotated

TEXT = "Ana met Bo."


def pass_of(*mentions: Mention, **values: Any) -> Pass:
    return Pass(
        **{
            "where": "ana.json:1",
            "document_id": "l-17",
            "annotator": "ana",
            "text": TEXT,
            "mentions": mentions,
            "coverage": WHOLE,
            **values,
        }
    )


def tokens_of(*tokens: str, mentions: tuple[Mention, ...] = (), **values: Any) -> TokenPass:
    return TokenPass(
        **{
            "where": "ana.conll:1",
            "document_id": "l-17",
            "annotator": "ana",
            "tokens": tokens,
            "gaps": (*[" "] * (len(tokens) - 1), *[""] * bool(tokens)),
            "mentions": mentions,
            **values,
        }
    )


def mention(start: int, end: int, surface: str | None = None) -> Mention:
    return Mention(start=start, end=end, label="PER", surface=surface)


def document(text: str, document_id: str = "l-17") -> Document:
    return Document(id=document_id, text=text, source="letters", license="cc0-1.0", language="de")


def form_of(passes: Sequence[Pass | TokenPass] = ()) -> Format:
    """Make a format whose files say what they are asked to say."""
    return Format(
        name="own",
        title="Own lines",
        read=lambda members, options: iter(passes),
        write=lambda items: Written(files={"": b""}),
        carries=Carries(),
        suffixes=(".own",),
    )


def imported(tmp_path: Path, *passes: Pass | TokenPass, **options: Any) -> Imported:
    (tmp_path / "x.own").write_bytes(b"")
    return bring_in(form_of(passes), [tmp_path / "x.own"], ReadOptions(), **options)


def refusal(
    kind: type[GonerdError], tmp_path: Path, *passes: Pass | TokenPass, **options: Any
) -> str:
    with pytest.raises(kind) as caught:
        imported(tmp_path, *passes, **options)
    return str(caught.value)


def spans(found: Imported) -> list[tuple[str, str]]:
    """List who marked which words."""
    return [
        (one.annotator, found.documents[one.document_id].text[span.start : span.end])
        for one in found.annotations
        for span in one.spans
    ]


def coverages(found: Imported) -> list[tuple[Range, ...]]:
    return [one.coverage for one in found.annotations]


def losses(found: Imported) -> list[tuple[str, str]]:
    return [(loss.what, loss.why) for loss in found.losses]


def test_an_annotation_is_what_a_pass_says(tmp_path: Path) -> None:
    aside = Aside(document_id="l-17", annotator="ana", kind="relation", value={"type": "met"})
    loss = Loss(document_id="l-17", what="answer refused", why="it was cancelled")
    found = imported(
        tmp_path,
        pass_of(
            mention(8, 10, "Bo"),
            guide="letters@2",
            asides=(aside,),
            losses=(loss,),
            notes=("a note",),
            details={"license": "cc0-1.0", "language": "de", "url": "https://example.org/17"},
        ),
    )
    (one,) = found.annotations
    assert (one.document_id, one.annotator, one.guide) == ("l-17", "ana", "letters@2")
    assert (one.text_sha256, one.coverage) == (text_sha256(TEXT), ((0, 11),))
    assert spans(found) == [("ana", "Bo")]
    assert found.documents == {
        "l-17": Document(
            id="l-17",
            text=TEXT,
            source="l-17",
            license="cc0-1.0",
            language="de",
            url="https://example.org/17",
        )
    }
    assert (found.asides, found.losses, found.notes) == ((aside,), (loss,), {"a note": 1})
    assert found.units == {"code points": 1}
    assert found.offsets == {"matched": 1, "unverified": 0, "moved": 0, "refused": 0}


@pytest.mark.parametrize(
    ("coverage", "complete", "expected"),
    [
        (WHOLE, False, ((0, 11),)),
        (MARKED, False, ((0, 3), (8, 10))),
        (MARKED, True, ((0, 11),)),
        (((0, 4), (4, 6)), False, ((0, 6),)),
        (((0, 4),), True, ((0, 11),)),
        ((), False, ()),
    ],
    ids=["whole", "marked", "marked, but complete", "ranges", "ranges, but complete", "nothing"],
)
def test_what_was_read_is_what_the_format_or_the_user_says(
    coverage: Any, complete: bool, expected: tuple[Range, ...], tmp_path: Path
) -> None:
    one = pass_of(mention(0, 3), mention(8, 10), coverage=coverage)
    assert coverages(imported(tmp_path, one, complete=complete)) == [expected]


def test_a_pass_that_marks_nothing_and_need_not_have_read_anything_says_nothing(
    tmp_path: Path,
) -> None:
    found = imported(tmp_path, pass_of(coverage=MARKED), pass_of(annotator="bo"))
    assert [one.annotator for one in found.annotations] == ["bo"]
    assert found.notes == {"nothing is marked, and nothing says that the document was read": 1}
    assert found.losses == ()


def test_where_a_span_was_refused_nothing_is_known(tmp_path: Path) -> None:
    found = imported(tmp_path, pass_of(mention(0, 3, "Ana"), mention(4, 7, "saw")))
    assert coverages(found) == [((0, 4), (7, 11))]
    assert found.offsets == {"matched": 1, "unverified": 0, "moved": 0, "refused": 1}


def test_an_annotation_of_which_nothing_could_be_placed_does_not_say_there_is_nothing(
    tmp_path: Path,
) -> None:
    found = imported(tmp_path, pass_of(mention(4, 7, "saw")), pass_of(annotator="bo"))
    assert [one.annotator for one in found.annotations] == ["bo"]
    assert losses(found) == [
        ("span refused", "its string does not stand where the file says, nor near by"),
        ("annotation refused", "none of its spans could be placed"),
    ]


def test_a_file_of_which_nothing_could_be_placed_is_refused_with_a_list(tmp_path: Path) -> None:
    passes = [
        pass_of(mention(number, number + 3, "Cyd"), document_id=f"l-{number}")
        for number in range(9)
    ]
    why = "span refused, its string does not stand where the file says, nor near by"
    assert refusal(RecordError, tmp_path, *passes) == (
        "import: 9 things are wrong; expected none.\n"
        + "\n".join(
            f"  l-{number}[{number}:{min(number + 3, 11)}]: {why}; expected its place."
            for number in range(9)
        )
    )
    assert refusal(RecordError, tmp_path, pass_of(mention(99, 100))) == (
        "l-17: span refused, it is empty, outside the text, cuts a character, or its parts are not "
        "apart; expected its place."
    )


def test_the_unit_may_be_told(tmp_path: Path) -> None:
    text = "\U0001f600\U0001f600\U0001f600\U0001f600 Ana Bob Cyd"
    one = pass_of(mention(13, 16), text=text)
    assert spans(imported(tmp_path, one, unit="UTF-16")) == [("ana", "Bob")]
    assert spans(imported(tmp_path, one, unit="code points")) == [("ana", "Cyd")]
    assert spans(imported(tmp_path, replace(one, unit="UTF-16"), unit="bytes")) == [("ana", "Bob")]


def test_a_text_that_is_not_in_the_files_must_be_given(tmp_path: Path) -> None:
    one = pass_of(mention(0, 3), text=None)
    found = imported(tmp_path, one, pass_of(document_id="l-18"), texts={"l-17": document(TEXT)})
    assert spans(found) == [("ana", "Ana")]
    assert found.documents["l-17"] == document(TEXT)
    found = imported(tmp_path, one, pass_of(document_id="l-18"))
    assert [one.document_id for one in found.annotations] == ["l-18"]
    assert losses(found) == [
        ("annotation refused", "its text is not in the files, and was not given")
    ]


def test_a_text_that_is_given_goes_before_that_of_the_file(tmp_path: Path) -> None:
    original = " Ana  met\r\nBo."
    found = imported(
        tmp_path,
        pass_of(mention(0, 3), mention(8, 10)),
        tokens_of("Ana", "met", "Bo", ".", mentions=(mention(2, 3),), annotator="bo"),
        texts={"l-17": document(original)},
    )
    assert spans(found) == [("ana", "Ana"), ("ana", "Bo"), ("bo", "Bo")]
    assert coverages(found) == [((0, 14),), ((0, 14),)]
    assert found.documents == {"l-17": document(original)}
    assert found.losses == ()


def test_ranges_that_were_read_move_with_the_text_that_is_given(tmp_path: Path) -> None:
    text = "\U0001f600 Ana\nmet\nBo."
    one = pass_of(
        mention(3, 6, "Ana"), mention(11, 13, "Bo"), text=text, coverage=((0, 6), (11, 14))
    )
    found = imported(tmp_path, one, texts={"l-17": document(text.replace("\n", "\r\n"))})
    assert coverages(found) == [((0, 5), (12, 15))]


def test_of_a_text_that_is_more_than_the_files_only_the_marks_are_known(tmp_path: Path) -> None:
    one = pass_of(mention(0, 3), mention(8, 10))
    given_text = document(f"Dear Cyd, {TEXT} Yours, Dee")
    found = imported(tmp_path, one, texts={"l-17": given_text})
    assert spans(found) == [("ana", "Ana"), ("ana", "Bo")]
    assert coverages(found) == [((10, 13), (18, 20))]
    assert losses(found) == [
        ("coverage refused", "the text in the file is not the one that was given"),
        ("span moved", "its string stands elsewhere near by"),
        ("span moved", "its string stands elsewhere near by"),
    ]
    assert coverages(imported(tmp_path, one, texts={"l-17": given_text}, complete=True)) == [
        ((0, 32),)
    ]


def test_spans_refused_in_the_text_of_the_file_are_not_read_as_nothing(tmp_path: Path) -> None:
    one = pass_of(mention(0, 3, "Ana"), mention(4, 7, "saw"), mention(8, 10, "Bo"))
    found = imported(tmp_path, one, texts={"l-17": document("Ana met\r\nBo.")})
    assert coverages(found) == [((0, 4), (7, 12))]
    assert found.offsets == {"matched": 2, "unverified": 0, "moved": 0, "refused": 1}


def test_a_text_that_the_file_knows_by_its_hash_must_be_that_text(tmp_path: Path) -> None:
    one = pass_of(mention(0, 3), text=None, details={"text_sha256": text_sha256(TEXT)})
    assert spans(imported(tmp_path, one, texts={"l-17": document(TEXT)})) == [("ana", "Ana")]
    assert refusal(TextMismatch, tmp_path, one, texts={"l-17": document("Ana left.")}) == (
        "ana.json:1: 'ana' annotated another text of 'l-17' (sha256) than the one that was given; "
        "expected the same text."
    )


def test_two_texts_of_one_document_are_refused(tmp_path: Path) -> None:
    other = pass_of(text="Another.", where="bo.json:1", annotator="bo")
    assert refusal(TextMismatch, tmp_path, pass_of(), other) == (
        "bo.json:1: another text of 'l-17' than ana.json:1; expected the same text.\n"
        "Where these are different documents, tell them apart with --paths or --column id=COLUMN."
    )


def test_a_text_in_a_file_goes_before_one_made_of_tokens(tmp_path: Path) -> None:
    tokens = tokens_of("Ana", "met", "Bo", ".", mentions=(mention(0, 1),), annotator="bo")
    found = imported(tmp_path, tokens, pass_of(mention(8, 10)))
    assert found.documents["l-17"].text == TEXT
    assert spans(found) == [("ana", "Bo"), ("bo", "Ana")]
    assert found.units == {"code points": 1, "tokens": 1}
    assert found.offsets["aligned"] == 1


def test_tokens_alone_make_the_text(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        tokens_of("Ana", "can", "not", "go", mentions=(mention(1, 2),)),
        tokens_of("Ana", "cannot", "go", mentions=(mention(0, 1),), annotator="bo"),
        tokens_of("Ana", "cannot", "go", annotator="cyd"),
    )
    assert found.documents["l-17"].text == "Ana cannot go"
    assert spans(found) == [("bo", "Ana")]
    assert losses(found) == [("span refused", "its tokens split a word of the document")]


def test_passes_of_one_annotator_that_only_mark_add_up(tmp_path: Path) -> None:
    passes = [
        pass_of(mention(start, end), coverage=MARKED, where=f"ana.json:{number}")
        for number, (start, end) in enumerate([(8, 10), (0, 3), (8, 10)])
    ]
    found = imported(tmp_path, *passes)
    assert spans(found) == [("ana", "Ana"), ("ana", "Bo")]
    assert coverages(found) == [((0, 3), (8, 10))]


def test_the_same_pass_twice_is_one(tmp_path: Path) -> None:
    found = imported(tmp_path, pass_of(mention(0, 3)), pass_of(mention(0, 3)))
    assert spans(found) == [("ana", "Ana")]


@pytest.mark.parametrize(
    "other",
    [pass_of(mention(8, 10)), pass_of(mention(8, 10), coverage=MARKED), pass_of()],
    ids=["whole", "marked", "empty"],
)
def test_two_passes_of_one_annotator_that_differ_are_refused(other: Pass, tmp_path: Path) -> None:
    second = replace(other, where="ana.json:2")
    assert refusal(RecordError, tmp_path, pass_of(mention(0, 3)), second) == (
        "ana.json:2: a second annotation of 'l-17' by 'ana', after ana.json:1; expected one.\n"
        "Tell annotators apart with --annotator or --paths."
    )


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (pass_of(mention(0, 3), annotator="\ud800"), "annotator: lone surrogate '\\ud800' at "),
        (pass_of(text="\ud800"), "text: lone surrogate '\\ud800' at character 0; "),
        (pass_of(document_id=" l-17"), "document ' l-17': the id is empty or has outer blanks; "),
        (
            pass_of(Mention(start=0, end=3, label="")),
            "span [0:3]: the label is empty; expected a name.",
        ),
        (
            pass_of(Mention(start=0, end=3, label="PER", confidence=2.0)),
            "span [0:3] 'PER': confidence 2.0; expected a number from 0 to 1.",
        ),
    ],
    ids=["annotator", "text", "document id", "label", "confidence"],
)
def test_what_is_no_record_is_refused_with_where_it_stands(
    bad: Pass, message: str, tmp_path: Path
) -> None:
    assert refusal(RecordError, tmp_path, bad).startswith(f"ana.json:1: {message}")


def test_all_documents_that_are_wrong_are_said_at_once(tmp_path: Path) -> None:
    passes = [
        pass_of(Mention(start=0, end=3, label=""), document_id=f"l-{number}", where=f"x:{number}")
        for number in range(2)
    ]
    assert refusal(RecordError, tmp_path, *passes) == (
        "import: 2 things are wrong; expected none.\n"
        "  x:0: span [0:3]: the label is empty; expected a name.\n"
        "  x:1: span [0:3]: the label is empty; expected a name."
    )


def test_the_order_of_passes_changes_nothing(tmp_path: Path) -> None:
    passes = [
        pass_of(mention(0, 3), document_id=f"l-{number}", annotator=name, details={"source": name})
        for number in (2, 1)
        for name in ("cyd", "ana")
    ]
    found = imported(tmp_path, *passes)
    assert found == imported(tmp_path, *reversed(passes))
    assert [(one.document_id, one.annotator) for one in found.annotations] == [
        ("l-1", "ana"), ("l-1", "cyd"), ("l-2", "ana"), ("l-2", "cyd")
    ]  # fmt: skip


def by_name(tmp_path: Path, pattern: str | None, *names: str) -> Imported:
    """Import files of which each is a document that Ana is marked in, named by its path."""

    def read(members: Any, options: ReadOptions) -> Any:
        for member in members:
            name, annotator = names_of(member, annotator=None, paths=options.paths)
            yield pass_of(mention(0, 3), document_id=name, annotator=annotator)

    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return bring_in(replace(form_of(), read=read), [tmp_path], ReadOptions(paths=pattern))


def test_files_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    found = by_name(tmp_path, None, "a.own", "b.OWN", "notes.md", "c.own.gz")
    assert list(found.documents) == ["a.own", "b.OWN", "c.own"]
    assert found.notes == {}


def test_files_that_do_not_fit_a_pattern_are_counted(tmp_path: Path) -> None:
    found = by_name(tmp_path, "{annotator}/{document}.own", "ana/l-17.own", "top.own", "x.md")
    assert [(one.document_id, one.annotator) for one in found.annotations] == [("l-17", "ana")]
    assert found.notes == {"files that do not fit {annotator}/{document}.own passed over": 1}


def test_a_pattern_that_no_file_fits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not fit the pattern '\{annotator\}/x\.own'"):
        by_name(tmp_path, "{annotator}/x.own", "ana/l-17.own")


def test_a_place_without_a_file_of_the_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        by_name(tmp_path, None, "a.txt", "b.md")
    assert str(caught.value) == (
        f"{tmp_path}: no file of Own lines among 2; expected names that end in .own."
    )


def test_a_file_that_is_named_counts_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "export.dat").write_bytes(b"")
    found = bring_in(form_of([pass_of()]), [tmp_path / "export.dat"], ReadOptions())
    assert len(found.annotations) == 1


def test_what_a_format_does_not_carry_is_lost_before_it_is_written() -> None:
    written: list[Annotated] = []
    own_loss = Loss(document_id="l-17", what="label changed", why="it has a blank")

    def write(items: Sequence[Annotated]) -> Written:
        written.extend(items)
        return Written(files={"": b"x"}, losses=(own_loss,))

    form = replace(form_of(), write=write, carries=Carries(overlapping=False, guide=True))
    one = annotated(TEXT, (0, 3, "PER"), (0, 10, "PER"))
    found = send_out(form, [one])
    assert found.files == {"": b"x"}
    assert [span.end for span in written[0].annotations[0].spans] == [10]
    assert [(loss.what, loss.why) for loss in found.losses] == [
        (
            "source, address, licence or language not carried",
            "Own lines has no place for it",
        ),
        ("span left out", "it overlaps another, and Own lines has no such spans"),
        ("label changed", "it has a blank"),
    ]
