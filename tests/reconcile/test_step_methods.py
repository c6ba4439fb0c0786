"""Tests that a builder may say how annotators are reconciled and who has settled what."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonerd.build import build, load_plan, run_publish
from gonerd.engine import Engine
from gonerd.errors import GonerdError, OpenDispute
from gonerd.files import load_annotations
from gonerd.gather import Gathered
from gonerd.reconcile.decide import ReconcileConfig
from gonerd.reconcile.plain import reconcile_gathered
from gonerd.reconcile.step import reconcile
from gonerd.records import Dispute, Document, Span, dispute_to_json, text_sha256
from gonerd.release import DEFAULT, open_release, read_rows
from gonerd.rulings import METHODS
from gonerd.store import LEDGER, MANIFEST, Manifest, read_manifest
from gonerd.validate import validate
from tests.conftest import run_gonerd
from tests.folders import age, contents, made_again, parts, stamps
from tests.reconcile.corpus import (
    GUIDE,
    PEOPLE,
    TEXTS,
    annotations_in,
    collected,
    disputes_in,
    ledger_in,
    row,
    write_rows,
)
from tests.test_rebuild import GUIDE as BUILDERS_GUIDE
from tests.test_rebuild import text_of

every_method = pytest.mark.parametrize("method", METHODS)


def people(work: Path) -> Path:
    """Have three people say something about three documents, not always the same."""
    collected(work)
    return write_rows(
        work / PEOPLE,
        row("a", "ana", (0, 7, "PER"), (12, 14, "PER"), (18, 22, "LOC")),
        row("a", "bo", (0, 7, "PER"), (18, 22, "LOC")),
        row("a", "cy", (0, 3, "PER"), (12, 14, "PER"), (18, 22, "PER")),
        row("b", "ana", (7, 10, "PER"), (14, 19, "LOC")),
        row("b", "bo", (7, 10, "PER"), (14, 19, "LOC")),
        row("c", "ana", (0, 2, "PER"), (11, 16, "LOC")),
        row("c", "bo", (0, 2, "PER")),
        row("c", "cy", (0, 2, "PER"), (11, 16, "LOC")),
    )


def reconciled(
    work: Path, *files: Path, settled: Path | None = None, workers: int = 1, **changes: Any
) -> Manifest:
    """Reconcile a work folder; disputes are settled by the method unless a change says not."""
    values = {"open_disputes": "settle", **changes}
    config = ReconcileConfig(
        annotations=("people.jsonl",), settled=settled and settled.name, **values
    )
    return reconcile(
        Engine(workers=workers),
        work,
        config,
        files=list(files),
        pipeline=None,
        guide=GUIDE,
        settled=[settled] if settled else [],
    )


def ruling(document_id: str, start: int, end: int, *spans: Span, **changes: Any) -> dict[str, Any]:
    """Let eva settle a place."""
    dispute = Dispute(
        document_id=document_id,
        text_sha256=text_sha256(TEXTS[document_id]),
        start=start,
        end=end,
        claims=(),
        settled_by="eva",
        settlement=spans,
    )
    return {**dispute_to_json(dispute), **changes}


def gold(work: Path) -> dict[str, list[Span]]:
    """Read the gold spans of every document."""
    return {
        one.document_id: list(one.spans) for part in annotations_in(work / "gold") for one in part
    }


@every_method
def test_step_gives_what_plain_files_give(tmp_path: Path, method: Any) -> None:
    path = people(tmp_path)
    reconciled(tmp_path, path, method=method)
    said = [annotation for _, annotation, _ in load_annotations(path)]
    items = [
        Gathered(
            document_id=name,
            document=Document(id=name, text=text, source=name, license="mit", language="en"),
            annotations=tuple(one for one in said if one.document_id == name),
        )
        for name, text in TEXTS.items()
    ]
    plain = reconcile_gathered(items, method=method, labels=list(GUIDE.labels))
    found = gold(tmp_path)
    assert sum(len(spans) for spans in found.values()) >= 6
    for one in plain.gold:
        expected = [
            (span.start, span.end, span.label, span.support, pytest.approx(span.confidence))
            for span in one.spans
        ]
        assert [
            (span.start, span.end, span.label, span.support, span.confidence)
            for span in found[one.document_id]
        ] == expected
    disputes = {(one.document_id, one.start) for one in disputes_in(tmp_path)}
    assert disputes == {(one.document_id, one.start) for one in plain.disputes}


@pytest.mark.parametrize("method", ["weighted", "sequence"])
def test_output_is_the_same_to_the_byte_with_one_process_and_two(
    tmp_path: Path, method: Any
) -> None:
    for workers in (1, 2):
        work = tmp_path / str(workers)
        path = people(work)
        reconciled(work, path, method="vote")
        reconciled(work, path, method=method, workers=workers)
    for folder in ("gold", "disputes"):
        assert contents(tmp_path / "1" / folder) == contents(tmp_path / "2" / folder)


@every_method
def test_rerun_makes_nothing(tmp_path: Path, method: Any) -> None:
    path = people(tmp_path)
    settled = write_rows(tmp_path / "settled.jsonl", ruling("a", 12, 14))
    first = reconciled(tmp_path, path, method=method, settled=settled)
    age(tmp_path)
    before = stamps(tmp_path)
    assert reconciled(tmp_path, path, method=method, settled=settled) == first
    assert stamps(tmp_path) == before


@pytest.mark.parametrize(
    "change",
    [{"method": "weighted"}, {"method": "sequence"}, {"agreement": 0.9}],
    ids=lambda change: next(iter(change.values())),
)
def test_other_rules_make_gold_again(tmp_path: Path, change: dict[str, Any]) -> None:
    path = people(tmp_path)
    first = reconciled(tmp_path, path, method="vote")
    again = reconciled(tmp_path, path, **{"method": "vote", **change})
    assert again.fingerprint != first.fingerprint
    assert reconciled(tmp_path, path, method="vote") == first


def test_more_agreement_is_more_disputes(tmp_path: Path) -> None:
    path = people(tmp_path)
    reconciled(tmp_path, path, method="vote")
    few = len(disputes_in(tmp_path))
    reconciled(tmp_path, path, method="vote", agreement=0.7)
    assert len(disputes_in(tmp_path)) > few


@pytest.mark.parametrize(
    ("method", "taken", "why"),
    [
        ("vote", "vote", "it was asked for"),
        ("weighted", "weighted", "it was asked for"),
        ("sequence", "sequence", "it was asked for"),
        ("auto", "vote", "17 marks in all; too few to learn anybody's habits from"),
    ],
)
def test_manifest_says_which_method_was_taken_and_why(
    tmp_path: Path, method: Any, taken: str, why: str
) -> None:
    manifest = reconciled(tmp_path, people(tmp_path), method=method)
    assert manifest.config["method"] == method
    assert manifest.config["method_taken"] == taken
    assert manifest.notes == {taken: why}
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in manifest.inputs.values())


def test_person_may_be_called_documents(tmp_path: Path) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, row("a", "documents", (0, 7, "PER")))
    manifest = reconciled(tmp_path, path)
    documents = read_manifest(tmp_path / "documents")
    assert documents is not None
    assert manifest.inputs["documents"] == documents.fingerprint


# Rulings.


@every_method
def test_ruling_holds_whatever_the_method(tmp_path: Path, method: Any) -> None:
    path = people(tmp_path)
    held = Span(start=0, end=7, label="LOC")
    settled = write_rows(tmp_path / "settled.jsonl", ruling("a", 0, 7, held), ruling("c", 11, 16))
    reconciled(tmp_path, path, method=method, settled=settled)
    found = gold(tmp_path)
    assert held in found["a"]
    assert [(span.start, span.end) for span in found["c"]] == [(0, 2)]
    assert not {("a", 0), ("c", 11)} & {
        (one.document_id, one.start) for one in disputes_in(tmp_path)
    }


def test_rulings_on_all_disputes_let_the_step_go_on(tmp_path: Path) -> None:
    path = people(tmp_path)
    options = {"method": "vote", "agreement": 0.7, "open_disputes": "stop"}
    with pytest.raises(OpenDispute):
        reconciled(tmp_path, path, **options)
    rows = [
        {**dispute_to_json(one), "settled_by": "eva", "settlement": []}
        for one in disputes_in(tmp_path)
    ]
    settled = write_rows(tmp_path / "settled.jsonl", *rows)
    reconciled(tmp_path, path, settled=settled, **options)
    assert disputes_in(tmp_path) == []


def test_changed_ruling_makes_only_the_part_of_its_document_again(tmp_path: Path) -> None:
    path = people(tmp_path)
    settled = write_rows(tmp_path / "settled.jsonl", ruling("c", 11, 16))
    reconciled(tmp_path, path, settled=settled)
    age(tmp_path)
    before = stamps(tmp_path / "gold")
    held = Span(start=11, end=16, label="PER")
    write_rows(settled, ruling("c", 11, 16, held))
    reconciled(tmp_path, path, settled=settled)
    made, left_alone = made_again(before, stamps(tmp_path / "gold"))
    assert (made, left_alone) == (parts([1]) | {LEDGER, MANIFEST}, parts([0]))
    assert held in gold(tmp_path)["c"]


@pytest.mark.parametrize(
    ("row_", "message"),
    [
        pytest.param(
            ruling("c", 11, 16, text_sha256="0" * 64),
            f"c[11:16]: settled by 'eva' on another text (sha256 00000000..., now "
            f"{text_sha256(TEXTS['c'])[:8]}...); expected the same text.",
            id="another text",
        ),
        pytest.param(
            ruling("c", 11, 16, Span(start=11, end=99, label="LOC")),
            f"c[11:16]: settled by 'eva' up to 99, past the text; expected at most "
            f"{len(TEXTS['c'])}.",
            id="past the text",
        ),
        pytest.param(
            ruling("c", 11, 16, Span(start=11, end=16, label="ORG")),
            "c[11:16]: settled by 'eva' as 'ORG'; expected one of PER, LOC.",
            id="not a label of the guide",
        ),
    ],
)
def test_ruling_that_does_not_fit_stops_the_step(
    tmp_path: Path, row_: dict[str, Any], message: str
) -> None:
    settled = write_rows(tmp_path / "settled.jsonl", row_)
    with pytest.raises(GonerdError) as error:
        reconciled(tmp_path, people(tmp_path), settled=settled)
    assert str(error.value) == message
    assert not (tmp_path / "gold" / MANIFEST).exists()


# A whole build.

BUILDER = """
name = "own"
release = "own"
title = "Own"
guide = "guide.md"
card = "card.md"
annotations_creators = "expert-generated"

[collect]
folder = "texts"
license = "cc0-1.0"

[reconcile]
annotations = ["people"]
method = "sequence"
agreement = 0.75
settled = "settled.jsonl"
open_disputes = "settle"

[publish]
shares = { train = 0.5, test = 0.5 }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A builder with its guide, card, eight texts, three annotators and a ruling."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "people").mkdir()
    said = {"ana": [(0, 13), (24, 28)], "bo": [(0, 13)], "cy": [(5, 13), (24, 28)]}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in said}
    for name in "abcdefgh":
        text = text_of(name)
        (tmp_path / "texts" / f"{name}.txt").write_text(text, encoding="utf-8")
        for annotator, marks in said.items():
            rows[annotator].append(
                {
                    "document_id": name,
                    "text_sha256": text_sha256(text),
                    "annotator": annotator,
                    "guide": "own@1",
                    "coverage": [[0, len(text)]],
                    "spans": [
                        {"start": start, "end": end, "label": "PER" if start < 20 else "LOC"}
                        for start, end in marks
                    ],
                }
            )
    for annotator, own in rows.items():
        write_rows(tmp_path / "people" / f"{annotator}.jsonl", *own)
    (tmp_path / "own.toml").write_text(BUILDER, encoding="utf-8")
    (tmp_path / "guide.md").write_text(BUILDERS_GUIDE, encoding="utf-8")
    (tmp_path / "card.md").write_text("# Own\n", encoding="utf-8")
    rule(tmp_path, "ORG")
    return tmp_path


def rule(project: Path, label: str) -> None:
    """Let eva rule that the first name of text a is of some label."""
    dispute = Dispute(
        document_id="a",
        text_sha256=text_sha256(text_of("a")),
        start=0,
        end=13,
        claims=(),
        settled_by="eva",
        settlement=(Span(start=0, end=13, label=label),),
    )
    write_rows(project / "settled.jsonl", dispute_to_json(dispute))


def labels_of(project: Path, document_id: str) -> list[str]:
    """Read the labels of a published document, in order."""
    for _, found in read_rows(open_release(project / "own"), DEFAULT, ["id", "spans"]):
        if found["id"] == document_id:
            return [span["label"] for span in found["spans"]]
    raise AssertionError(document_id)


def test_build_goes_by_the_method_and_the_rulings_of_its_builder(project: Path) -> None:
    for expected in ("ORG", "MISC"):
        rule(project, expected)
        done = run_gonerd("build", "own.toml", "--workers", 2, cwd=project)
        assert done.returncode == 0, done.stderr
        assert labels_of(project, "a")[0] == expected
        assert labels_of(project, "b")[0] == "PER"
        assert validate(project / "own").breaches == ()
    manifest = json.loads((project / "work" / "own" / "gold" / MANIFEST).read_text())
    assert (manifest["config"]["method_taken"], manifest["config"]["agreement"]) == (
        "sequence",
        0.75,
    )
    assert ledger_in(project / "work" / "own" / "gold") == []


@pytest.mark.parametrize(
    ("old", "new", "key", "was", "now"),
    [
        ('method = "sequence"', 'method = "weighted"', "method", "'sequence'", "'weighted'"),
        ("agreement = 0.75", "agreement = 0.85", "agreement", "0.75", "0.85"),
        ("agreement = 0.75\n", "", "agreement", "0.75", "None"),
        (
            'settled = "settled.jsonl"\n',
            "",
            "settled",
            "'settled.jsonl'",
            "None",
        ),
    ],
)
def test_gold_of_other_rules_is_not_published(
    project: Path, old: str, new: str, key: str, was: str, now: str
) -> None:
    def run(step: Callable[..., object]) -> None:
        plan = load_plan(str(project / "own.toml"), work=project / "work", out=project / "own")
        step(plan, Engine())

    run(build)
    builder = project / "own.toml"
    assert old in builder.read_text()
    builder.write_text(builder.read_text().replace(old, new))
    with pytest.raises(GonerdError) as error:
        run(run_publish)
    assert str(error.value) == (
        f"{project / 'work' / 'own' / 'gold'}: made with {key} = {was}; the builder says {now}.\n"
        "Run the step `reconcile` again."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'method = "sequence"',
            'method = "majority"',
            "own.toml: reconcile.method is 'majority'; expected one of 'auto', 'vote', "
            "'weighted', 'sequence'.",
        ),
        (
            "agreement = 0.75",
            "agreement = 0.3",
            "own.toml: reconcile: agreement=0.3; expected from 0.5 to below 1.",
        ),
        (
            'settled = "settled.jsonl"',
            'settled = "none.jsonl"',
            "none.jsonl: No such file or directory; expected a file of JSON lines.",
        ),
    ],
    ids=["method", "agreement", "settled"],
)
def test_builder_that_asks_for_what_there_is_not_is_refused(
    project: Path, old: str, new: str, message: str
) -> None:
    builder = project / "own.toml"
    builder.write_text(builder.read_text().replace(old, new))
    done = run_gonerd("build", "own.toml", cwd=project)
    assert (done.returncode, done.stderr) == (1, f"gonerd: {message}\n")
