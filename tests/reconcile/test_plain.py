"""Tests that gathered annotations become one gold, whatever their number, and nothing is lost."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gonerd.errors import GonerdError, RecordError, TextMismatch
from gonerd.gather import Gathered
from gonerd.reconcile.plain import Reconciliation, reconcile_gathered
from gonerd.records import Annotation, Dispute, Loss, Span, dispute_to_json
from gonerd.rulings import METHODS
from tests.reconcile.crowds import (
    LABELS,
    SENTENCE,
    Mark,
    a_document,
    by_all,
    gathered,
    said_by,
)

every_method = pytest.mark.parametrize("method", METHODS)


def marks(result: Reconciliation, place: int = 0) -> list[Mark]:
    """Say what the gold of a document says."""
    return [(span.start, span.end, span.label) for span in result.gold[place].spans]


def ruled(folder: Path, *disputes: Dispute, by: str | None = "eva") -> Path:
    """Let a person settle disputes as they stand."""
    path = folder / "settled.jsonl"
    rows = [dispute_to_json(replace(one, settled_by=by)) for one in disputes]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


TIE: tuple[list[Mark], ...] = ([(0, 7, "PER")], [(0, 7, "ORG")])
DIFFER: tuple[list[Mark], ...] = tuple([*said, (12, 14, "PER")] for said in TIE)


def test_gold_comes_by_document_whatever_the_order() -> None:
    items = [by_all([(0, 7, "PER")], document_id=name) for name in ("b", "c", "a")]
    assert [one.document_id for one in reconcile_gathered(items).gold] == ["a", "b", "c"]


def test_most_frequent_label_breaks_ties_where_no_labels_are_given() -> None:
    items = [by_all(*DIFFER), by_all([(12, 14, "ORG")], document_id="e")]
    assert (0, 7, "PER") in marks(reconcile_gathered(items))
    more = by_all([(12, 14, "ORG"), (0, 7, "ORG")], document_id="f")
    assert (0, 7, "ORG") in marks(reconcile_gathered([*items, more]))


def test_labels_break_ties_in_the_order_given() -> None:
    items = [by_all(*DIFFER)]
    assert (0, 7, "ORG") in marks(reconcile_gathered(items, labels=("ORG", "PER")))
    assert (0, 7, "PER") in marks(reconcile_gathered(items, labels=("PER", "ORG")))


@every_method
def test_label_that_is_not_expected_is_refused(method: Any) -> None:
    with pytest.raises(RecordError) as error:
        reconcile_gathered([by_all(*DIFFER)], method=method, labels=("PER", "LOC"))
    assert str(error.value) == "d[0:7]: label 'ORG' of 'bo'; expected one of PER, LOC."


@pytest.mark.parametrize(
    ("guides", "given", "expected"),
    [
        (("a@1", "a@1"), "", "a@1"),
        (("a@1", ""), "", "a@1"),
        (("a@1", "a@2"), "", ""),
        (("a@1", "a@2"), "b@1", "b@1"),
    ],
)
def test_gold_has_the_guide_that_all_followed(
    guides: Sequence[str], given: str, expected: str
) -> None:
    item = by_all(*DIFFER)
    passes = [
        replace(one, guide=guide) for one, guide in zip(item.annotations, guides, strict=True)
    ]
    result = reconcile_gathered([replace(item, annotations=tuple(passes))], guide=given)
    assert result.gold[0].guide == expected


@every_method
def test_ruling_holds_and_is_not_asked_again(tmp_path: Path, method: Any) -> None:
    items = [by_all(*TIE)]
    asked = reconcile_gathered(items, method=method).disputes
    assert [(one.start, one.settled_by) for one in asked] == [(0, method)]
    mended = replace(asked[0], settlement=(Span(start=0, end=3, label="LOC"),))
    result = reconcile_gathered(items, method=method, settled=ruled(tmp_path, mended))
    assert (marks(result), result.disputes) == ([(0, 3, "LOC")], ())
    assert [(one.start, one.settled_by) for one in result.places] == [(0, "eva")]


@pytest.mark.parametrize("by", [None, "vote"])
def test_what_no_person_settled_is_asked_again(tmp_path: Path, by: str | None) -> None:
    items = [by_all(*DIFFER)]
    asked = reconcile_gathered(items)
    assert reconcile_gathered(items, settled=ruled(tmp_path, *asked.disputes, by=by)) == asked


def test_ruling_on_a_document_that_is_not_there_is_a_loss(tmp_path: Path) -> None:
    other = reconcile_gathered([by_all(*DIFFER, document_id="e")]).disputes
    result = reconcile_gathered([by_all(*DIFFER)], settled=ruled(tmp_path, *other))
    assert result.losses == (
        Loss(
            document_id="e",
            start=0,
            end=7,
            what="ruling left aside",
            why="its document is not among the annotations",
        ),
    )
    assert len(result.disputes) == 1


@every_method
def test_ruling_on_another_text_is_refused(tmp_path: Path, method: Any) -> None:
    (dispute,) = reconcile_gathered([by_all(*DIFFER, text=f"{SENTENCE}!")]).disputes
    item = by_all(*DIFFER)
    assert item.document is not None
    with pytest.raises(TextMismatch) as error:
        reconcile_gathered([item], method=method, settled=ruled(tmp_path, dispute))
    assert str(error.value) == (
        f"d[0:7]: settled by 'eva' on another text (sha256 {dispute.text_sha256[:8]}..., now "
        f"{item.document.text_sha256[:8]}...); expected the same text."
    )


def test_ruling_by_a_label_that_is_not_expected_is_refused_only_where_labels_are(
    tmp_path: Path,
) -> None:
    items = [by_all(*DIFFER)]
    (dispute,) = reconcile_gathered(items).disputes
    new = replace(dispute, settlement=(Span(start=0, end=7, label="SHIP"),))
    path = ruled(tmp_path, new)
    assert marks(reconcile_gathered(items, settled=path))[0] == (0, 7, "SHIP")
    with pytest.raises(GonerdError) as error:
        reconcile_gathered(items, settled=path, labels=LABELS)
    assert str(error.value) == "d[0:7]: settled by 'eva' as 'SHIP'; expected one of PER, ORG, LOC."


@pytest.mark.parametrize("method", ["vote", "weighted", "auto"])
def test_texts_are_not_needed(method: Any) -> None:
    items = [replace(by_all(*DIFFER), document=None)]
    result = reconcile_gathered(items, method=method)
    assert marks(result)[1] == (12, 14, "PER")
    assert result.disputes[0].impact == pytest.approx(1 - (result.disputes[0].certainty or 0))


@every_method
def test_disputes_over_the_same_words_come_first(method: Any) -> None:
    text = "Ana met Bo and Cy. bo went home."
    said: tuple[list[Mark], ...] = (
        [(0, 3, "PER"), (8, 10, "PER"), (19, 21, "PER")],
        [(0, 3, "LOC"), (8, 10, "LOC"), (19, 21, "LOC")],
    )
    result = reconcile_gathered([by_all(*said, text=text)], method=method, agreement=0.99)
    assert {one.start for one in result.disputes[:2]} == {8, 19}
    assert [one.start for one in result.disputes[2:]] == [0]


@pytest.mark.parametrize("method", ["weighted", "sequence"])
def test_all_that_was_weighed_is_handed_over(method: Any) -> None:
    result = reconcile_gathered([by_all(*TIE)], method=method)
    weighed = result.candidates["d"]
    chosen = {(one.start, one.end, one.label) for one in weighed if one.chosen}
    assert chosen == set(marks(result))
    assert {(0, 7, "PER"), (0, 7, "ORG")} <= {(one.start, one.end, one.label) for one in weighed}


def test_vote_weighs_nothing() -> None:
    assert reconcile_gathered([by_all(*DIFFER)], method="vote").candidates == {}


def test_no_documents_are_no_gold() -> None:
    result = reconcile_gathered([])
    assert (result.method, result.gold, result.places, result.losses) == ("vote", (), (), ())


def crowd_of_twenty(num_documents: int) -> list[Gathered]:
    """Let twenty people mark five names in each document, each with slips of its own."""
    chance = np.random.default_rng(0)
    shape = (num_documents, 20, 5)
    true = np.arange(5) * 400 + chance.integers(50, 300, (num_documents, 1, 5))
    starts = np.broadcast_to(true, shape) - (chance.random(shape) < 0.1)
    ends = np.broadcast_to(true, shape) + 12 + 4 * (chance.random(shape) < 0.1)
    labels = np.broadcast_to(chance.integers(0, 3, (num_documents, 1, 5)), shape)
    labels = np.where(chance.random(shape) < 0.1, chance.integers(0, 3, shape), labels)
    names = [f"a{number:02d}" for number in range(20)]
    items = []
    for number in range(num_documents):
        document_id = f"d{number:05d}"
        rows = np.stack((starts[number], ends[number], labels[number]), axis=-1).tolist()
        passes = [
            Annotation(
                document_id=document_id,
                text_sha256="0",
                annotator=name,
                guide="",
                coverage=((0, 2_500),),
                spans=tuple(
                    Span(start=start, end=end, label=LABELS[label]) for start, end, label in said
                ),
            )
            for name, said in zip(names, rows, strict=True)
        ]
        items.append(Gathered(document_id=document_id, document=None, annotations=tuple(passes)))
    return items


def test_hundred_thousand_spans_are_nothing_special() -> None:
    """A million take seconds; this is to see that the work grows no faster than they do."""
    result = reconcile_gathered(crowd_of_twenty(1_000), method="weighted")
    assert sum(len(one.spans) for one in result.gold) == 5_000
    assert {len(one.spans) for one in result.gold} == {5}
    assert {span.end - span.start for one in result.gold for span in one.spans} == {12}


@every_method
def test_document_of_many_names_is_nothing_special(method: Any) -> None:
    document = a_document("Ana went on " * 5_000)
    said: list[Mark] = [(start, start + 3, "PER") for start in range(0, 60_000, 12)]
    passes = [said_by(name, document, *said) for name in ("ana", "bo", "cy")]
    result = reconcile_gathered([gathered(document, passes)], method=method)
    assert marks(result) == said
