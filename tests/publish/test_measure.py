"""Tests that the card's numbers are those one counts by hand, over what was read and no more."""

import json
from pathlib import Path

import pytest

from gonerd.build import load_plan, run_collect, run_prelabel, run_reconcile
from gonerd.engine import Engine
from gonerd.errors import ConfigError, GonerdError, RecordError
from gonerd.guide import load_guide
from gonerd.publish.measure import Measured, load_reference, measure
from gonerd.reconcile.passes import annotator_folder
from gonerd.records import Annotation, annotation_to_json
from gonerd.score import Counts
from tests.small_release import (
    MARKED,
    documents,
    people,
    said_by,
    text_and_spans,
    write_annotations,
    write_dataset,
)

GUIDE = load_guide("gonerd")


@pytest.fixture(scope="module", params=[300, 1_000_000], ids=["many parts", "one part"])
def work(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with gold: ben misses Olga Roe in `quarry`, and did not read `mill`."""
    folder = tmp_path_factory.mktemp("work")
    builder = write_dataset(
        folder, changes={"[prelabel]": f"part_bytes = {request.param}\n\n[prelabel]"}
    )
    plan = load_plan(str(builder), work=folder / "work")
    for run in (run_collect, run_prelabel, run_reconcile):
        run(plan, Engine())
    return plan.work


def measured(work: Path, reference: dict[str, Annotation]) -> Measured:
    """Measure gold, the people and the pipeline."""
    names = ["ana", "ben", "en_ruler@1.2.3"]
    folders = {"gold": work / "gold", **{name: annotator_folder(work, name) for name in names}}
    return measure(work, folders, ("ana", "ben"), reference)


def reference_of(tmp_path: Path, *names: str) -> dict[str, Annotation]:
    """Read the marked documents as a reference."""
    folder = tmp_path / "reference"
    folder.mkdir()
    for name in names:
        (folder / f"{name}.marked").write_bytes(MARKED[name].encode("utf-8"))
    return load_reference(folder, GUIDE)


def test_agreement_is_counted_where_both_have_read(work: Path) -> None:
    (pair,) = measured(work, {}).agreements
    read_by_both = [name for name in MARKED if name != "mill"]
    num_spans = sum(len(text_and_spans(name)[1]) for name in read_by_both)
    assert pair.annotators == ("ana", "ben")
    assert pair.num_documents == len(read_by_both)
    assert pair.num_characters == sum(len(text_and_spans(name)[0]) for name in read_by_both)
    counts = pair.score.micro
    assert counts.correct == num_spans - 1
    assert {counts.gold, counts.predicted} == {num_spans - 1, num_spans}


def test_each_is_scored_against_the_reference_over_what_it_covers(
    work: Path, tmp_path: Path
) -> None:
    scores = measured(work, reference_of(tmp_path, *MARKED)).against_reference
    total = sum(len(text_and_spans(name)[1]) for name in MARKED)
    unread = len(text_and_spans("mill")[1])
    assert list(scores) == ["gold", "ana", "ben", "en_ruler@1.2.3"]
    assert scores["ana"].micro == Counts(correct=total, predicted=total, gold=total)
    assert scores["gold"].micro == Counts(correct=total, predicted=total, gold=total)
    missed = total - unread - 1
    assert scores["ben"].micro == Counts(correct=missed, predicted=missed, gold=total - unread)
    pipeline = scores["en_ruler@1.2.3"].micro
    assert pipeline.gold == total
    assert 0 < pipeline.correct < pipeline.gold


def test_a_reference_of_some_documents_measures_just_these(work: Path, tmp_path: Path) -> None:
    scores = measured(work, reference_of(tmp_path, "mill")).against_reference
    assert scores["ana"].micro == Counts(correct=3, predicted=3, gold=3)
    assert scores["en_ruler@1.2.3"].micro == Counts(correct=0, predicted=0, gold=3)


def test_without_a_reference_nothing_is_scored(work: Path) -> None:
    assert measured(work, {}).against_reference == {}


def test_a_reference_of_another_text_is_refused(work: Path, tmp_path: Path) -> None:
    """Its offsets mean other characters; left aside in silence, the card would just say less."""
    reference = reference_of(tmp_path, *MARKED)
    changed = said_by("reference", "mill")
    object.__setattr__(changed, "text_sha256", "0" * 64)
    with pytest.raises(GonerdError):
        measured(work, {**reference, "mill": changed})


def test_marked_files_with_a_byte_order_mark_are_the_collected_text(
    work: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "mill.marked").write_bytes(b"\xef\xbb\xbf" + MARKED["mill"].encode("utf-8"))
    reference = load_reference(folder, GUIDE)
    assert reference["mill"].text_sha256 == documents()["mill"].text_sha256


def test_a_reference_is_read_from_marked_files_and_from_records_alike(tmp_path: Path) -> None:
    marked = reference_of(tmp_path, *MARKED)
    lines = [said_by("reference", name) for name in sorted(MARKED)]
    records = load_reference(write_annotations(tmp_path / "reference.jsonl", lines), GUIDE)
    assert marked == records


def test_a_reference_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_reference(tmp_path / "none", GUIDE)
    assert str(error.value) == (
        f"reconcile.reference: {tmp_path / 'none'} does not exist; expected a folder of .marked "
        "files or a file of annotations."
    )


def test_a_reference_that_says_two_things_of_one_document_is_refused(tmp_path: Path) -> None:
    """Read in silence, the last would win."""
    both = [one for one in people() if one.document_id == "quarry"]
    with pytest.raises(GonerdError):
        load_reference(write_annotations(tmp_path / "reference.jsonl", both), GUIDE)


def test_a_broken_reference_names_its_place(tmp_path: Path) -> None:
    path = tmp_path / "reference.jsonl"
    row = annotation_to_json(said_by("reference", "mill"))
    del row["coverage"]
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(RecordError) as error:
        load_reference(path, GUIDE)
    assert str(error.value).startswith(f"{path}:1: no coverage; ")
