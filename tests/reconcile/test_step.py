"""Tests that reconciling gives gold and disputes beside the documents, or says who disagrees."""

from pathlib import Path
from typing import Any, Literal

import pytest

from gonerd.engine import Engine
from gonerd.errors import ConfigError, GonerdError, Lost, OpenDispute, StoreError
from gonerd.reconcile.decide import ReconcileConfig
from gonerd.reconcile.step import reconcile
from gonerd.records import Claim, Dispute, Span, text_sha256
from gonerd.store import LEDGER, MANIFEST, Manifest
from tests.folders import age, contents, made_again, parts, stamps
from tests.reconcile.corpus import (
    GUIDE,
    PEOPLE,
    TEXTS,
    annotations_in,
    collected,
    disputes_in,
    ledger_in,
    prelabelled,
    row,
    write_rows,
)

PIPELINE = "en_test@1.0"


def reconciled(
    work: Path,
    *files: Path,
    open_disputes: Literal["stop", "settle"] = "stop",
    prelabels: Literal["vote", "aside", "only"] = "aside",
    workers: int = 1,
    strict: bool = False,
    **changes: Any,
) -> Manifest:
    """Reconcile a work folder."""
    config = ReconcileConfig(
        annotations=() if prelabels == "only" else ("people.jsonl",),
        open_disputes=open_disputes,
        prelabels=prelabels,
        **changes,
    )
    return reconcile(
        Engine(workers=workers, strict=strict),
        work,
        config,
        files=list(files),
        pipeline=PIPELINE,
        guide=GUIDE,
    )


def gold_marks(work: Path) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """Read the gold spans of every document, in order."""
    return [
        (one.document_id, [(span.start, span.end, span.label) for span in one.spans])
        for part in annotations_in(work / "gold")
        for one in part
    ]


def two_who_agree(work: Path) -> Path:
    """Have two people say the same about `a`, and one about `b`; nobody reads `c`."""
    collected(work)
    return write_rows(
        work / PEOPLE,
        row("a", "bo", (0, 7, "PER"), (12, 14, "PER")),
        row("a", "ana", (0, 7, "PER"), (12, 14, "PER")),
        row("b", "ana", (7, 10, "PER"), coverage=[[0, 12]]),
    )


def two_who_differ(work: Path) -> Path:
    """Have two people differ on a border and on a name, in documents of different parts."""
    collected(work)
    return write_rows(
        work / PEOPLE,
        row("a", "ana", (0, 3, "PER"), (12, 14, "PER")),
        row("a", "bo", (0, 7, "PER"), (12, 14, "PER")),
        row("c", "ana", (0, 2, "PER"), (11, 16, "LOC")),
        row("c", "bo", (0, 2, "PER")),
    )


def test_agreed_spans_are_gold_for_every_document_in_order(tmp_path: Path) -> None:
    manifest = reconciled(tmp_path, two_who_agree(tmp_path))
    assert gold_marks(tmp_path) == [
        ("a", [(0, 7, "PER"), (12, 14, "PER")]),
        ("b", [(7, 10, "PER")]),
        ("c", []),
    ]
    (a, b), (c,) = annotations_in(tmp_path / "gold")
    assert (a.annotator, a.guide, a.text_sha256) == ("gold", "test@1", text_sha256(TEXTS["a"]))
    assert a.spans[0] == Span(start=0, end=7, label="PER", confidence=1.0, support=2)
    assert (b.coverage, c.coverage) == (((0, 12),), ())
    assert manifest.counts == {"documents": 3, "spans": 3}
    assert disputes_in(tmp_path) == []


def test_open_disputes_stop_the_step_and_are_listed_with_who_says_what(tmp_path: Path) -> None:
    with pytest.raises(OpenDispute) as error:
        reconciled(tmp_path, two_who_differ(tmp_path))
    assert str(error.value) == (
        f"{tmp_path / 'disputes'}: 2 disputes are open; expected none.\n"
        "  a[0:7] ana: PER [0:3]; bo: PER [0:7]\n"
        "  c[11:16] ana: LOC [11:16]; bo: nothing\n"
        "Mend the annotations, give people's rulings as reconcile.settled, or set "
        'reconcile.open_disputes = "settle" to go by the method.'
    )
    assert not (tmp_path / "gold").exists()
    assert disputes_in(tmp_path) == [
        Dispute(
            document_id="a",
            text_sha256=text_sha256(TEXTS["a"]),
            start=0,
            end=7,
            claims=(
                Claim(annotator="ana", spans=(Span(start=0, end=3, label="PER"),)),
                Claim(annotator="bo", spans=(Span(start=0, end=7, label="PER"),)),
            ),
            certainty=0.5,
        ),
        Dispute(
            document_id="c",
            text_sha256=text_sha256(TEXTS["c"]),
            start=11,
            end=16,
            claims=(
                Claim(annotator="ana", spans=(Span(start=11, end=16, label="LOC"),)),
                Claim(annotator="bo", spans=()),
            ),
            certainty=0.5,
        ),
    ]


def test_step_stops_again_on_a_rerun(tmp_path: Path) -> None:
    path = two_who_differ(tmp_path)
    for _ in range(2):
        with pytest.raises(OpenDispute, match="2 disputes are open"):
            reconciled(tmp_path, path)


def test_disputes_are_settled_by_the_vote_where_the_config_says_so(tmp_path: Path) -> None:
    path = two_who_differ(tmp_path)
    reconciled(tmp_path, path, open_disputes="settle")
    assert gold_marks(tmp_path) == [
        ("a", [(0, 7, "PER"), (12, 14, "PER")]),
        ("b", []),
        ("c", [(0, 2, "PER"), (11, 16, "LOC")]),
    ]
    assert [(one.document_id, one.settled_by) for one in disputes_in(tmp_path)] == [
        ("a", "vote"),
        ("c", "vote"),
    ]
    (settled,) = disputes_in(tmp_path)[1].settlement
    assert settled == Span(start=11, end=16, label="LOC", confidence=0.5, support=1)


def test_settling_after_a_stop_equals_settling_at_once(tmp_path: Path) -> None:
    path = two_who_differ(tmp_path / "rerun")
    with pytest.raises(OpenDispute):
        reconciled(tmp_path / "rerun", path)
    reconciled(tmp_path / "rerun", path, open_disputes="settle")
    reconciled(tmp_path / "fresh", two_who_differ(tmp_path / "fresh"), open_disputes="settle")
    for folder in ("gold", "disputes"):
        rerun, fresh = (contents(tmp_path / name / folder) for name in ("rerun", "fresh"))
        assert rerun == fresh


def test_person_who_mends_the_pass_ends_the_dispute(tmp_path: Path) -> None:
    path = two_who_differ(tmp_path)
    with pytest.raises(OpenDispute):
        reconciled(tmp_path, path)
    same = [(0, 7, "PER"), (12, 14, "PER")]
    write_rows(path, row("a", "ana", *same), row("a", "bo", *same), row("c", "ana"))
    reconciled(tmp_path, path)
    assert gold_marks(tmp_path) == [("a", same), ("b", []), ("c", [])]


def test_long_list_of_disputes_is_cut_with_a_number(tmp_path: Path) -> None:
    texts = {f"d{number:02d}": "Ana met Bo." for number in range(24)}
    names = list(texts)
    collected(tmp_path, texts, [names[:7], names[7:20], names[20:]])
    sha256 = text_sha256("Ana met Bo.")
    rows = [
        row(name, who, (0, end, "PER"), text_sha256=sha256, coverage=[[0, 11]])
        for name in texts
        for who, end in (("ana", 3), ("bo", 7))
    ]
    with pytest.raises(OpenDispute) as error:
        reconciled(tmp_path, write_rows(tmp_path / PEOPLE, *rows))
    lines = str(error.value).splitlines()
    assert lines[0] == f"{tmp_path / 'disputes'}: 24 disputes are open; expected none."
    assert [line[:6] for line in lines[1:11]] == [f"  d{number:02d}[" for number in range(10)]
    assert lines[11] == "  and 14 more"


def test_output_is_the_same_to_the_byte_with_one_process_and_two(tmp_path: Path) -> None:
    for workers in (1, 2):
        work = tmp_path / str(workers)
        path = two_who_differ(work)
        with pytest.raises(OpenDispute):
            reconciled(work, path)
        reconciled(work, path, open_disputes="settle", workers=workers)
    for folder in ("gold", "disputes"):
        assert contents(tmp_path / "1" / folder) == contents(tmp_path / "2" / folder)


def test_rerun_makes_nothing(tmp_path: Path) -> None:
    path = two_who_differ(tmp_path)
    first = reconciled(tmp_path, path, open_disputes="settle")
    age(tmp_path)
    before = stamps(tmp_path)
    assert reconciled(tmp_path, path, open_disputes="settle") == first
    assert stamps(tmp_path) == before


def test_changed_pass_makes_only_the_parts_of_its_documents_again(tmp_path: Path) -> None:
    path = two_who_agree(tmp_path)
    reconciled(tmp_path, path)
    age(tmp_path)
    before = {folder: stamps(tmp_path / folder) for folder in ("gold", "disputes")}
    lines = path.read_text().splitlines()
    write_rows(path, *lines, row("c", "ana", (0, 2, "PER"), (11, 16, "LOC")))
    reconciled(tmp_path, path)
    for folder, stamped in before.items():
        made, left_alone = made_again(stamped, stamps(tmp_path / folder))
        assert (made, left_alone) == (parts([1]) | {LEDGER, MANIFEST}, parts([0]))


def test_span_outside_what_its_annotator_read_is_in_the_ledger(tmp_path: Path) -> None:
    collected(tmp_path)
    outside = row("a", "ana", (0, 7, "PER"), (12, 14, "PER"), coverage=[[0, 10]])
    path = write_rows(tmp_path / PEOPLE, outside)
    reconciled(tmp_path, path)
    expected = ("a", 12, 14, "span dropped", "outside what its annotator declared done")
    layer = tmp_path / "annotations" / "ana"
    assert ledger_in(layer) == [expected]
    assert gold_marks(tmp_path)[0] == ("a", [(0, 7, "PER")])
    with pytest.raises(Lost) as error:
        reconciled(tmp_path, path, strict=True)
    assert str(error.value) == (
        f"{layer}: annotations lost something and --strict forbids it; expected no losses.\n"
        "  1 x span dropped: outside what its annotator declared done\n"
        "The ledger.parquet in that folder names each."
    )


@pytest.mark.parametrize(("prelabels", "support"), [("aside", 1), ("vote", 2)])
def test_pipeline_votes_only_where_the_config_says_so(
    tmp_path: Path, prelabels: Literal["vote", "aside"], support: int
) -> None:
    collected(tmp_path)
    prelabelled(tmp_path, PIPELINE, {"a": [(0, 3, "PER")]})
    path = write_rows(tmp_path / PEOPLE, row("a", "ana", (0, 3, "PER")))
    reconciled(tmp_path, path, prelabels=prelabels)
    (gold, _) = annotations_in(tmp_path / "gold")[0]
    assert gold.spans == (Span(start=0, end=3, label="PER", confidence=1.0, support=support),)


def test_pipeline_alone_is_gold_where_the_config_says_so(tmp_path: Path) -> None:
    collected(tmp_path)
    prelabelled(tmp_path, PIPELINE, {"a": [(0, 3, "PER")], "c": [(11, 16, "LOC")]})
    reconciled(tmp_path, prelabels="only")
    assert gold_marks(tmp_path) == [("a", [(0, 3, "PER")]), ("b", []), ("c", [(11, 16, "LOC")])]


def test_pipeline_that_has_not_run_is_named(tmp_path: Path) -> None:
    collected(tmp_path)
    with pytest.raises(StoreError) as error:
        reconciled(tmp_path, prelabels="only")
    assert str(error.value) == (
        f"{tmp_path / 'annotations' / PIPELINE}: no finished step; expected manifest.json in it.\n"
        "Run the step `prelabel` first."
    )


@pytest.mark.parametrize(
    "now",
    [
        pytest.param((("a",), ("b",), ("c",)), id="more parts"),
        pytest.param((("a",), ("b", "c")), id="as many parts, a document in another"),
    ],
)
def test_pipeline_that_ran_over_other_documents_must_run_again(
    tmp_path: Path, now: tuple[tuple[str, ...], ...]
) -> None:
    collected(tmp_path)
    prelabelled(tmp_path, PIPELINE, {"a": [(0, 3, "PER")], "b": [(7, 10, "PER")]})
    collected(tmp_path, parts=now)
    with pytest.raises(StoreError, match="prelabel"):
        reconciled(tmp_path, prelabels="only")


def test_nobody_to_vote_is_an_error(tmp_path: Path) -> None:
    collected(tmp_path)
    (tmp_path / PEOPLE).write_text("\n")
    with pytest.raises(ConfigError) as error:
        reconciled(tmp_path, tmp_path / PEOPLE)
    assert str(error.value) == (
        "reconcile.prelabels: nobody has a vote; expected at least one annotator."
    )


def test_documents_must_have_been_collected(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        reconciled(tmp_path, prelabels="only")
    assert str(error.value) == (
        f"{tmp_path / 'documents'}: no finished step; expected manifest.json in it.\n"
        "Run the step `collect` first."
    )


def test_person_with_the_name_of_the_pipeline_does_not_take_its_place(tmp_path: Path) -> None:
    collected(tmp_path)
    prelabelled(tmp_path, PIPELINE, {"a": [(0, 7, "PER")]})
    path = write_rows(tmp_path / PEOPLE, row("a", PIPELINE, (0, 3, "PER")))
    before = contents(tmp_path / "annotations" / PIPELINE)
    with pytest.raises(GonerdError):
        reconciled(tmp_path, path, prelabels="vote")
    assert contents(tmp_path / "annotations" / PIPELINE) == before
