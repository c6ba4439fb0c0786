"""Tests that rulings are read from a file and checked, and that open disputes come by weight."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.errors import GonerdError, RecordError, SpanError, TextMismatch
from gonerd.reconcile.settled import check_rulings, settled_by_people
from gonerd.records import Dispute, Document, Span, dispute_to_json
from gonerd.rulings import METHODS, ranked
from tests.reconcile.crowds import LABELS, SENTENCE, Mark, a_document
from tests.strategies import disputes as any_disputes

DOCUMENT = a_document(SENTENCE)


def dispute(
    start: int = 0,
    end: int = 7,
    *marks: Mark,
    by: str | None = "eva",
    document: Document = DOCUMENT,
    certainty: float | None = None,
) -> Dispute:
    """Make a dispute, settled or open."""
    return Dispute(
        document_id=document.id,
        text_sha256=document.text_sha256,
        start=start,
        end=end,
        claims=(),
        settled_by=by,
        settlement=tuple(Span(start=low, end=high, label=label) for low, high, label in marks),
        certainty=certainty,
    )


def written(folder: Path, *rows: Dispute | Mapping[str, Any] | str) -> Path:
    """Write disputes, and lines as they are, into a file."""
    path = folder / "settled.jsonl"
    lines = [
        json.dumps(dispute_to_json(one) if isinstance(one, Dispute) else one)
        if not isinstance(one, str)
        else one
        for one in rows
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def why_not(folder: Path, *rows: Dispute | Mapping[str, Any] | str) -> str:
    """Read a file that must be refused, and say why without the folder."""
    with pytest.raises(GonerdError) as error:
        settled_by_people(written(folder, *rows))
    return str(error.value).replace(f"{folder}/", "")


def test_rulings_of_people_are_read_by_document_in_order(tmp_path: Path) -> None:
    other = replace(dispute(0, 3), document_id="e")
    path = written(tmp_path, dispute(12, 14, (12, 14, "PER")), other, dispute(0, 7))
    assert settled_by_people(path) == {
        "d": [dispute(0, 7), dispute(12, 14, (12, 14, "PER"))],
        "e": [other],
    }


@pytest.mark.parametrize("by", [None, *METHODS])
def test_what_no_person_has_settled_is_no_ruling(tmp_path: Path, by: str | None) -> None:
    assert settled_by_people(written(tmp_path, dispute(by=by))) == {}


def test_empty_file_holds_no_rulings(tmp_path: Path) -> None:
    assert settled_by_people(written(tmp_path)) == {}


@settings(max_examples=20)
@given(drawn=any_disputes())
def test_ruling_comes_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, drawn: Dispute
) -> None:
    ruling = replace(drawn, settled_by="eva")
    path = written(tmp_path_factory.mktemp("rulings"), ruling)
    assert settled_by_people(path) == {ruling.document_id: [ruling]}


def test_rulings_that_touch_are_two(tmp_path: Path) -> None:
    found = settled_by_people(written(tmp_path, dispute(0, 4), dispute(4, 8)))
    assert len(found["d"]) == 2


@pytest.mark.parametrize(
    ("rulings", "message"),
    [
        pytest.param(
            [dispute(0, 7), dispute(4, 9, by="guy")],
            "settled.jsonl: d[4:9], settled by 'guy', overlaps [0:7], settled by 'eva'; expected "
            "one ruling on a place.",
            id="overlapping",
        ),
        pytest.param(
            [dispute(0, 7), dispute(0, 7)],
            "settled.jsonl: d[0:7], settled by 'eva', overlaps [0:7], settled by 'eva'; expected "
            "one ruling on a place.",
            id="twice",
        ),
        pytest.param(
            [dispute(0, 20), dispute(4, 5, by="guy"), dispute(12, 14)],
            "settled.jsonl: d[4:5], settled by 'guy', overlaps [0:20], settled by 'eva'; expected "
            "one ruling on a place.",
            id="inside",
        ),
        pytest.param(
            [dispute(0, 3, (0, 7, "PER")), dispute(4, 7, by="guy")],
            "settled.jsonl: d[4:7], settled by 'guy', overlaps [0:3], settled by 'eva'; expected "
            "one ruling on a place.",
            id="a settlement that reaches over",
        ),
    ],
)
def test_two_rulings_on_a_place_are_refused(
    tmp_path: Path, rulings: list[Dispute], message: str
) -> None:
    assert why_not(tmp_path, *rulings) == message
    assert why_not(tmp_path, *rulings[::-1]) == message or rulings == rulings[::-1]


KEYS = "certainty, claims, document_id, end, impact, settled_by, settlement, start, text_sha256"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("{", "settled.jsonl:1: not JSON (", id="not JSON"),
        pytest.param(
            {**dispute_to_json(dispute()), "ruled_by": "eva"},
            f"settled.jsonl:1: unknown key 'ruled_by'; known keys: {KEYS}.",
            id="unknown key",
        ),
        pytest.param(
            {key: value for key, value in dispute_to_json(dispute()).items() if key != "end"},
            "settled.jsonl:1: 'end' is missing; expected it in every record.",
            id="missing key",
        ),
        pytest.param(
            {**dispute_to_json(dispute()), "settled_by": 3},
            "settled.jsonl:1: settled_by is 3; expected a string.",
            id="no name",
        ),
        pytest.param(
            {**dispute_to_json(dispute()), "start": 7},
            "settled.jsonl:1: the dispute runs from 7 to 7; expected 0 <= start < end in "
            "characters.",
            id="nowhere",
        ),
        pytest.param(
            {**dispute_to_json(dispute()), "settlement": [{"start": 0, "end": 3}]},
            "settled.jsonl:1: 'label' is missing; expected it in every record.",
            id="no label",
        ),
    ],
)
def test_line_that_is_no_dispute_is_refused(
    tmp_path: Path, row: Mapping[str, Any] | str, message: str
) -> None:
    assert why_not(tmp_path, row).startswith(message)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GonerdError) as error:
        settled_by_people(tmp_path / "none.jsonl")
    assert str(error.value) == (
        f"{tmp_path / 'none.jsonl'}: No such file or directory; expected a file of JSON lines."
    )


def check(ruling: Dispute, *, labels: tuple[str, ...] | None = LABELS, known: bool = True) -> None:
    """Check a ruling against DOCUMENT."""
    check_rulings(
        [ruling],
        "d",
        DOCUMENT.text_sha256,
        document=DOCUMENT if known else None,
        labels=labels,
    )


OTHER = a_document(SENTENCE + "!")


@pytest.mark.parametrize(
    ("ruling", "kind", "message"),
    [
        pytest.param(
            dispute(0, 7, (0, 7, "PER"), document=OTHER),
            TextMismatch,
            f"d[0:7]: settled by 'eva' on another text (sha256 {OTHER.text_sha256[:8]}..., now "
            f"{DOCUMENT.text_sha256[:8]}...); expected the same text.",
            id="another text",
        ),
        pytest.param(
            dispute(0, 7, (0, 700, "PER")),
            SpanError,
            f"d[0:7]: settled by 'eva' up to 700, past the text; expected at most {len(SENTENCE)}.",
            id="past the text",
        ),
        pytest.param(
            dispute(0, 7, (0, 7, "FOOD")),
            RecordError,
            "d[0:7]: settled by 'eva' as 'FOOD'; expected one of PER, ORG, LOC.",
            id="another label",
        ),
    ],
)
def test_ruling_that_does_not_fit_is_refused(
    ruling: Dispute, kind: type[GonerdError], message: str
) -> None:
    with pytest.raises(kind) as error:
        check(ruling)
    assert (type(error.value), str(error.value)) == (kind, message)


def test_what_is_not_known_is_not_checked() -> None:
    check(dispute(0, 7, (0, 700, "FOOD")), labels=None, known=False)
    check(dispute(0, len(SENTENCE), (0, len(SENTENCE), "PER")))


# What to settle first.


def weighed(*disputes: Dispute, documents: bool = True) -> list[tuple[int, int, float | None]]:
    """Rank open disputes of DOCUMENT."""
    known = {"d": DOCUMENT} if documents else {}
    return [(one.start, one.end, one.impact) for one in ranked(disputes, known)]


def test_most_doubt_comes_first() -> None:
    given_ = [dispute(0, 7, certainty=0.7), dispute(12, 14, certainty=0.5)]
    assert weighed(*given_) == [(12, 14, 0.5), (0, 7, 0.3)]


def test_disputes_over_the_same_words_weigh_together() -> None:
    document = a_document("Bo met  bo of Lund. Ana met BO.")
    disputes = [
        dispute(20, 23, certainty=0.2, document=document),
        dispute(0, 2, certainty=0.6, document=document),
        dispute(8, 10, certainty=0.7, document=document),
        dispute(28, 30, certainty=0.8, document=document),
    ]
    found = [(one.start, one.impact) for one in ranked(disputes, {"d": document})]
    assert found == [(0, 0.9), (8, 0.9), (28, 0.9), (20, 0.8)]


def test_without_the_text_each_stands_for_itself() -> None:
    given_ = [dispute(0, 7, certainty=0.5), dispute(12, 14, certainty=0.25)]
    assert weighed(*given_, documents=False) == [(12, 14, 0.75), (0, 7, 0.5)]


def test_dispute_without_certainty_is_all_doubt() -> None:
    assert weighed(dispute(0, 7)) == [(0, 7, 1.0)]


@given(
    drawn=st.lists(
        st.tuples(st.sampled_from("de"), st.integers(0, 40), st.none() | st.floats(0, 1)),
        max_size=6,
        unique_by=lambda one: one[:2],
    ),
    data=st.data(),
)
def test_rank_does_not_depend_on_the_order(
    drawn: list[tuple[str, int, float | None]], data: st.DataObject
) -> None:
    disputes = [
        replace(dispute(start, start + 3, certainty=certainty), document_id=name)
        for name, start, certainty in drawn
    ]
    found = ranked(disputes, {"d": DOCUMENT})
    assert ranked(data.draw(st.permutations(disputes)), {"d": DOCUMENT}) == found
    impacts = [one.impact or 0.0 for one in found]
    assert impacts == sorted(impacts, reverse=True)
    assert {replace(one, impact=None) for one in found} == set(disputes)
