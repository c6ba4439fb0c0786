"""Tests that HIPE's columns are read by the rules of HIPE, and written for its scorer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, GonerdError, RecordError
from gonerd.formats.align import join
from gonerd.formats.conll.hipe import COLUMNS, FORMAT
from gonerd.formats.layers import TokenPass
from gonerd.gather import Annotated
from tests.formats.given import annotated_documents, losses_of, member, read_all, said
from tests.formats.round_trips import (
    annotated,
    assert_comes_back,
    assert_read_or_refused,
    written_text,
)
from tests.strategies import HOSTILE_TEXTS

HEADER = "\t".join(COLUMNS)


def row(token: str, coarse: str = "O", misc: str = "_", **others: str) -> str:
    """Write a row; other columns by name, `_` for the hyphen in it."""
    values = dict.fromkeys(COLUMNS, "_") | {"TOKEN": token, "NE-COARSE-LIT": coarse, "MISC": misc}
    values |= {name.replace("_", "-"): value for name, value in others.items()}
    return "\t".join(values.values())


def read(*lines: str, **options: Any) -> list[TokenPass]:
    """Read a file that is not ours."""
    found = read_all(FORMAT, [member("\n".join(lines), "h.tsv")], **options)
    assert all(isinstance(one, TokenPass) for one in found)
    return found


NEWSPAPER = [
    HEADER,
    "# hipe2022:original_source = corpus/1881.xmi",
    "# hipe2022:language = de",
    "# hipe2022:document_id = NZZ-1881",
    "# nzz:original_license = CC-BY-NC 4.0",
    row("Universit\u00e4t", "B-org", NE_NESTED="O", NE_FINE_LIT="B-org.adm", NEL_LIT="Q1"),
    row("Z\u00fc", "I-org", "NoSpaceAfter", NE_NESTED="B-loc", NE_FINE_LIT="I-org.adm"),
    row("-", "I-org", "NoSpaceAfter|EndOfLine", NE_NESTED="I-loc", NE_FINE_LIT="I-org.adm"),
    row("rich", "I-org", "NoSpaceAfter", NE_NESTED="I-loc", NE_FINE_LIT="I-org.adm"),
    row(".", "O", "EndOfSentence|LED0.10"),
    "# segment_iiif_link = http://x.org/1",
    row("#", "O", ""),
    "",
    "# hipe2022:document_id = NZZ-1882",
    row("Bern", "B-loc"),
]


def test_documents_are_read_with_both_levels_and_the_rest_aside() -> None:
    first, second = read(*NEWSPAPER)

    assert (first.document_id, second.document_id) == ("NZZ-1881", "NZZ-1882")
    assert first.details == {
        "language": "de",
        "license": "cc-by-nc-4.0",
        "source": "corpus/1881.xmi",
    }
    assert join(first.tokens, first.gaps)[0] == "Universit\u00e4t Z\u00fc-\nrich. #"
    assert said(first) == [("Universit\u00e4t Z\u00fc - rich", "org"), ("Z\u00fc - rich", "loc")]
    assert first.unknown == ()
    assert {aside.kind: aside.value for aside in first.asides} == {
        "NE-FINE-LIT": {"mentions": [[0, 4, "org.adm"]]},
        "NEL-LIT": {"mentions": [[0, 4, "Q1"]]},
        "MISC": {"flags": [[4, "LED0.10"]]},
    }
    assert (said(second), second.details) == ([("Bern", "loc")], {})
    assert first.notes == ("tags are IOB2",)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("NE-FINE-LIT", [("Universit\u00e4t Z\u00fc - rich", "org.adm")]),
        ("NE-NESTED", [("Z\u00fc - rich", "loc")]),
        ("NE-COARSE-LIT", [("Universit\u00e4t Z\u00fc - rich", "org")]),
    ],
)
def test_a_layer_can_be_named(layer: str, expected: list[tuple[str, str]]) -> None:
    assert said(read(*NEWSPAPER, layer=layer)[0]) == expected


def test_a_mention_goes_on_over_the_end_of_a_sentence() -> None:
    (one,) = read(HEADER, row("United", "B-loc"), row("?", "I-loc", "EndOfSentence"),
                  row("States", "I-loc"))  # fmt: skip

    assert said(one) == [("United ? States", "loc")]


def test_masked_documents_are_not_without_entities() -> None:
    (one,) = read(HEADER, row("Wien", "_", "NoSpaceAfter"), row(",", "_"))

    assert (one.mentions, one.unknown) == ((), ((0, 2),))


def test_a_mention_of_a_part_of_a_token_is_widened() -> None:
    (one,) = read(HEADER, row("Rheinufer", "B-loc", "Partial-0:5"))

    assert said(one) == [("Rheinufer", "loc")]
    assert losses_of(one) == [("span widened", "its border lies inside a token (Partial)")]


def test_without_ids_empty_lines_part_documents() -> None:
    found = read(HEADER, row("Wien"), "", row("Bern"), "", "")

    assert [(one.document_id, one.tokens) for one in found] == [
        ("h-1", ("Wien",)),
        ("h-2", ("Bern",)),
    ]


def test_columns_may_be_named_in_a_comment() -> None:
    (one,) = read("# global.columns = TOKEN NE-COARSE-LIT MISC", "Wien\tB-loc\t_")

    assert said(one) == [("Wien", "loc")]


@pytest.mark.parametrize(
    ("lines", "options", "error", "message"),
    [
        pytest.param(
            ["Wien\tB-loc"],
            {},
            RecordError,
            "h.tsv: no header row; expected TOKEN, NE-COARSE-LIT, NE-COARSE-METO and so on before "
            "the first token, apart by tabs.",
            id="no header",
        ),
        pytest.param(
            [HEADER, "Wien\tB-loc"],
            {},
            RecordError,
            "h.tsv:2: 'Wien\\tB-loc'; expected a token and 9 more columns, apart by tabs.",
            id="columns missing",
        ),
        pytest.param(
            [HEADER, row("Wien")],
            {"layer": "NER"},
            ConfigError,
            "h.tsv: no column 'NER'; expected one of NE-COARSE-LIT, NE-COARSE-METO, NE-FINE-LIT, "
            "NE-FINE-METO, NE-FINE-COMP, NE-NESTED, NEL-LIT, NEL-METO.\n"
            "Say which holds the entities, as in --layer NE-COARSE-LIT.",
            id="no such column",
        ),
        pytest.param(
            ["TOKEN\tNER", "Wien\tB-loc"],
            {},
            ConfigError,
            "h.tsv: no column 'NE-COARSE-LIT'; expected one of NER.\n"
            "Say which holds the entities, as in --layer NER.",
            id="no coarse column",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(
    lines: list[str], options: dict[str, str], error: type[GonerdError], message: str
) -> None:
    with pytest.raises(error) as raised:
        read(*lines, **options)
    assert str(raised.value) == message


tags = st.sampled_from(["O", "_", "B-loc", "I-loc", "I-", "loc", "-"]) | st.text(max_size=2)
lines = st.builds(
    row,
    st.sampled_from(["Wien", "#", "TOKEN", ""]) | st.text(max_size=2),
    tags,
    st.sampled_from(["", "_", "EndOfLine", "SpacesAfter=x", "Partial-1", "|="]),
    NE_NESTED=tags,
    NEL_LIT=tags,
) | st.sampled_from(["", "# document_id = d", "# hipe2022:document_id =", "# gonerd = {}", HEADER])


@given(st.lists(lines, max_size=6))
def test_any_lines_are_read_or_refused(drawn: list[str]) -> None:
    assert_read_or_refused(FORMAT, [HEADER, *drawn])


# Writing.


def test_what_is_written_has_the_columns_and_flags_of_hipe() -> None:
    item = annotated(
        "King of Lund,\nleft.  So", (0, 12, "pers"), (8, 12, "loc"), (5, 7, "x"), coverage=[(0, 20)]
    )

    written = written_text(FORMAT, item).split("\n")

    assert written[:4] == [
        HEADER,
        "# hipe2022:document_id = l-17",
        "# hipe2022:language = en",
        "# hipe2022:applicable_columns = TOKEN NE-COARSE-LIT NE-NESTED MISC",
    ]
    assert written[6:] == [
        row("King", "B-pers", NE_NESTED="O"),
        row("of", "I-pers", NE_NESTED="B-x"),
        row("Lund", "I-pers", "NoSpaceAfter", NE_NESTED="B-loc"),
        row(",", "O", "EndOfLine", NE_NESTED="O"),
        row("left", "O", "NoSpaceAfter", NE_NESTED="O"),
        row(".", "O", "SpacesAfter=\\s\\s|EndOfSentence", NE_NESTED="O"),
        row("So", "_", "NoSpaceAfter|EndOfSentence"),
        "",
        "",
    ]
    assert_comes_back(FORMAT, [item])


def test_a_third_level_is_left_out_and_named() -> None:
    item = annotated("a b c", (0, 5, "X"), (0, 3, "Y"), (0, 1, "Z"))

    (loss,) = FORMAT.write([item]).losses

    assert (loss.start, loss.end, loss.what) == (0, 1, "span left out")
    assert loss.why == "it overlaps others on tokens, and HIPE TSV has no more levels"
    assert_comes_back(FORMAT, [item])


@given(st.lists(annotated_documents(), max_size=3, unique_by=lambda item: item.document.id))
def test_all_comes_back_or_is_in_the_ledger(items: list[Annotated]) -> None:
    assert_comes_back(FORMAT, items)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_around_spans_that_nest(text: str) -> None:
    whole = f"{text} Ana Roe {text}"
    start = len(text) + 1

    spans = [(start, start + 7, "PER"), (start + 4, start + 7, "LOC")]
    assert_comes_back(FORMAT, [annotated(whole, *spans)])
