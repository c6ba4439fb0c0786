"""Tests of the step: every collected document is labelled once, beside its part, and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gonerd.arrow import annotations_from, losses_from
from gonerd.build import Plan, load_plan, run_collect, run_prelabel
from gonerd.engine import Engine
from gonerd.errors import ConfigError, Lost, StoreError
from gonerd.prelabel.pipeline import identify, load
from gonerd.store import Manifest, part_paths, read_part
from tests.folders import age, made_again, parts, stamps
from tests.prelabel.rulers import found, label, save_ruler
from tests.small_release import MARKED, documents, write_dataset

SMALL_PARTS = {"[prelabel]": "part_bytes = 400\n\n[prelabel]"}


def plan_of(builder: Path) -> Plan:
    """Read a builder; its work is beside it."""
    return load_plan(str(builder), work=builder.parent / "work")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan whose documents are collected, in several parts."""
    plan = plan_of(write_dataset(tmp_path, changes=SMALL_PARTS))
    run_collect(plan, Engine())
    return plan


def labelled(plan: Plan, engine: Engine | None = None) -> tuple[Path, Manifest]:
    """Run the step and return its folder and manifest."""
    manifest = run_prelabel(plan, engine or Engine())
    annotator = identify(plan.builder.prelabel.pipeline).annotator
    return plan.work / "annotations" / annotator, manifest


def change_builder(plan: Plan, old: str, new: str) -> Plan:
    """Change a stretch of the builder."""
    text = plan.path.read_text(encoding="utf-8")
    assert old in text
    plan.path.write_text(text.replace(old, new), encoding="utf-8")
    return plan_of(plan.path)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_part_of_documents_gets_its_part_of_annotations(plan: Plan, workers: int) -> None:
    folder, manifest = labelled(plan, Engine(workers=workers))
    annotations = [annotations_from(read_part(path)) for path in part_paths(folder)]
    collected = [read_part(path)["id"].to_pylist() for path in part_paths(plan.work / "documents")]
    assert len(collected) > 1
    assert [[one.document_id for one in part] for part in annotations] == collected
    nlp = load(plan.builder.prelabel.pipeline)
    alone = {name: label(nlp, document)[0] for name, document in documents().items()}
    for one in (one for part in annotations for one in part):
        assert one == alone[one.document_id].annotation
    num_spans = sum(len(found(result)) for result in alone.values())
    assert manifest.counts == {"documents": len(MARKED), "spans": num_spans}
    assert manifest.losses == {}
    assert manifest.step == "prelabel"


def test_a_second_run_does_nothing(plan: Plan) -> None:
    folder, first = labelled(plan)
    age(folder)
    before = stamps(folder)
    _, second = labelled(plan)
    assert second == first
    assert stamps(folder) == before


def test_a_changed_document_is_labelled_again_and_no_other(plan: Plan) -> None:
    folder, _ = labelled(plan)
    (plan.path.parent / "documents" / "mill.marked").write_text("In [LOC Lund]", encoding="utf-8")
    run_collect(plan, Engine())
    age(folder)
    before = stamps(folder)
    labelled(plan)
    (made,) = [
        index
        for index, path in enumerate(part_paths(plan.work / "documents"))
        if "mill" in read_part(path)["id"].to_pylist()
    ]
    again, _ = made_again(before, stamps(folder))
    assert again == {*parts([made]), "manifest.json", "ledger.parquet"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[prelabel]", "[prelabel]\nwindow_tokens = 300\noverlap_tokens = 10"),
        ("[reconcile]", 'labels = { PER = "MISC" }\n\n[reconcile]'),
    ],
    ids=["other windows", "other labels"],
)
def test_another_config_labels_everything_again(plan: Plan, old: str, new: str) -> None:
    folder, _ = labelled(plan)
    age(folder)
    before = stamps(folder)
    labelled(change_builder(plan, old, new))
    again, left_alone = made_again(before, stamps(folder))
    assert {path.name for path in part_paths(folder)} <= again
    assert left_alone == set()


def test_labels_are_mapped_and_dropped_as_the_builder_says(plan: Plan) -> None:
    changed = change_builder(
        plan, "[reconcile]", 'labels = { PER = "MISC", LOC = "" }\n\n[reconcile]'
    )
    folder, manifest = labelled(changed)
    spans = [
        span
        for path in part_paths(folder)
        for one in annotations_from(read_part(path))
        for span in one.spans
    ]
    assert {span.label for span in spans} == {"MISC"}
    assert manifest.counts["spans"] == len(spans) > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_label_the_guide_does_not_know_stops_the_step(plan: Plan, workers: int) -> None:
    folder = save_ruler(plan.path.parent / "other", [{"label": "CITY", "pattern": "Lund"}])
    name = plan.builder.prelabel.pipeline
    changed = change_builder(plan, f'pipeline = "{name}"', f'pipeline = "{folder}"')
    with pytest.raises(ConfigError) as error:
        labelled(changed, Engine(workers=workers))
    assert str(error.value) == (
        f"prelabel.labels: label 'CITY' of pipeline {str(folder)!r} is not in gonerd@1; "
        "expected one of PER, ORG, LOC, MISC.\n"
        'Map it under [prelabel.labels], as CITY = "PER", or to "" to drop it.'
    )


def test_losses_go_to_the_ledger_and_strict_refuses_them(plan: Plan) -> None:
    patterns = [{"label": "LOC", "pattern": [{"TEXT": "."}, {"IS_SPACE": True}]}]
    folder = save_ruler(plan.path.parent / "blanks", patterns)
    name = plan.builder.prelabel.pipeline
    changed = change_builder(plan, f'pipeline = "{name}"', f'pipeline = "{folder}"')
    out, manifest = labelled(changed)
    assert manifest.losses == {"span moved: outer blanks taken off": 2}
    lines = losses_from(read_part(out / "ledger.parquet"))
    text = documents()["harbour"].text
    assert [(line.document_id, text[line.start : line.end]) for line in lines] == [
        ("harbour", ".\r\n\r\n"),
        ("harbour", ".\n"),
    ]
    with pytest.raises(Lost) as error:
        labelled(changed, Engine(strict=True))
    assert str(error.value) == (
        f"{out}: prelabel lost something and --strict forbids it; expected no losses.\n"
        "  2 x span moved: outer blanks taken off\n"
        "The ledger.parquet in that folder names each."
    )


def test_without_documents_it_says_which_step_to_run(tmp_path: Path) -> None:
    plan = plan_of(write_dataset(tmp_path))
    with pytest.raises(StoreError) as error:
        labelled(plan)
    assert str(error.value) == (
        f"{plan.work / 'documents'}: no finished step; expected manifest.json in it.\n"
        "Run the step `collect` first."
    )


@pytest.mark.parametrize(
    "place", [lambda folder: "ruler", lambda folder: "./ruler", str], ids=["name", "dot", "whole"]
)
def test_the_path_of_a_pipeline_is_meant_from_the_builder(
    tmp_path: Path, place: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    ruler = tmp_path / "ruler"
    value = place(ruler)
    plan = plan_of(write_dataset(tmp_path, changes={f'"{ruler}"': f'"{value}"'}))
    run_collect(plan, Engine())
    manifest = run_prelabel(plan, Engine())
    assert manifest.counts["documents"] == len(MARKED)
