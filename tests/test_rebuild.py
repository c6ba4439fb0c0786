"""What people change between two runs, and what must not change with it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gonerd.build import build, load_plan, run_collect, run_publish, run_reconcile
from gonerd.engine import Engine
from gonerd.errors import ConfigError, GonerdError, StoreError
from gonerd.records import text_sha256
from gonerd.release import ANNOTATIONS, DEFAULT, open_release, read_rows
from gonerd.validate import validate
from tests.conftest import run_gonerd

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

[prelabel]

[reconcile]
annotations = ["ana.jsonl"]
open_disputes = "settle"

[publish]
shares = { train = 0.5, test = 0.5 }
"""
GUIDE = """---
name: own
version: 1
labels:
  PER: "People."
  ORG: "Bodies."
  LOC: "Places."
  MISC: "Other names."
---
# Guide
"""


def text_of(name: str) -> str:
    """Write a text of a few hundred words that is like no other."""
    words = " ".join(f"{name}{number}" for number in range(300))
    return f"Ines Alvarado of {name} went to Lund. {words}\n"


def annotate(project: Path, **more: object) -> None:
    """Have ana mark Ines in every text."""
    lines = []
    for path in sorted((project / "texts").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        annotation = {
            "document_id": path.stem,
            "text_sha256": text_sha256(text),
            "annotator": "ana",
            "guide": "own@1",
            "coverage": [[0, len(text)]],
            "spans": [{"start": 0, "end": 13, "label": "PER"}],
            **more,
        }
        lines.append(json.dumps(annotation) + "\n")
    (project / "ana.jsonl").write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A builder with its guide, card, eight texts and one annotator."""
    (tmp_path / "texts").mkdir()
    for name in "abcdefgh":
        (tmp_path / "texts" / f"{name}.txt").write_text(text_of(name), encoding="utf-8")
    (tmp_path / "own.toml").write_text(BUILDER, encoding="utf-8")
    (tmp_path / "guide.md").write_text(GUIDE, encoding="utf-8")
    (tmp_path / "card.md").write_text("# Own\n\n{{ agreement_table }}\n", encoding="utf-8")
    annotate(tmp_path)
    return tmp_path


def run(
    project: Path, step: Callable[..., object] = build, *, work: str = "work", strict: bool = False
) -> None:
    """Run a step, or all, of the project's builder."""
    plan = load_plan(str(project / "own.toml"), work=project / work, out=project / "own")
    step(plan, Engine(strict=strict))


def replace_in(path: Path, old: str, new: str) -> None:
    """Change a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def splits(project: Path) -> dict[str, str]:
    """Read in which split each document of the release stands."""
    rows = read_rows(open_release(project / "own"), DEFAULT, ["id"])
    return {row["id"]: split for split, row in rows}


def message(project: Path, step: Callable[..., object] = build) -> str:
    """Run a step that must be refused, and return why."""
    with pytest.raises(GonerdError) as error:
        run(project, step)
    return str(error.value)


def test_published_documents_that_come_to_share_their_text_do_not_leak(project: Path) -> None:
    run(project)
    before = splits(project)
    train = next(name for name, split in before.items() if split == "train")
    test = next(name for name, split in before.items() if split == "test")
    copied = text_of(train) + "P.S. All is well.\n"
    (project / "texts" / f"{test}.txt").write_text(copied, encoding="utf-8")
    annotate(project)
    run(project)
    after = splits(project)
    assert validate(project / "own").breaches == ()
    assert all(after[name] == before[name] for name in after)
    assert len({train, test} & set(after)) == 1


def test_a_document_keeps_its_split_whatever_work_folder_made_the_release(project: Path) -> None:
    run(project)
    before = splits(project)
    replace_in(project / "own.toml", "train = 0.5, test = 0.5", "train = 0.9, test = 0.1")
    replace_in(project / "own.toml", 'title = "Own"', 'title = "Our own"')
    run(project, work="elsewhere")
    assert splits(project) == before


def test_a_release_that_failed_was_never_published(project: Path) -> None:
    run(project, run_collect)
    (project / "own").write_text("in the way", encoding="utf-8")
    assert "is a file" in message(project)
    (project / "own").unlink()
    replace_in(project / "own.toml", "train = 0.5, test = 0.5", "learn = 0.5, dev = 0.5")
    run(project)
    assert set(splits(project).values()) == {"learn", "dev"}


def test_renamed_splits_are_refused_with_the_way_out(project: Path) -> None:
    run(project)
    replace_in(project / "own.toml", "train = 0.5, test = 0.5", "train = 0.5, dev = 0.5")
    assert message(project) == (
        "publish.shares: no share for 'test', in which documents were published before; expected "
        "one for each of test, train.\nTo assign every document anew, remove splits.parquet from "
        "the work folder, and the earlier release."
    )


def test_prelabels_of_an_older_collection_are_not_published(project: Path) -> None:
    run(project)
    replace_in(project / "texts" / "a.txt", "Lund", "Oslo")
    annotate(project)
    run(project, run_collect)
    run(project, run_reconcile)
    pipeline = project / "work" / "own" / "annotations" / "en_gonerd@0.1.0"
    assert message(project, run_publish) == (
        f"{pipeline}: made from other documents than those in "
        f"{project / 'work' / 'own' / 'documents'}; expected the same.\n"
        "Run the steps `prelabel` and `reconcile` again."
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("guide.md", '  MISC: "Other names."\n', "", "guide"),
        ("guide.md", "version: 1", "version: 2", "guide"),
        ("own.toml", '"settle"', '"stop"', "open_disputes"),
        ("own.toml", '["ana.jsonl"]', '["ana.jsonl", "ben.jsonl"]', "annotations"),
    ],
    ids=["labels", "version", "disputes", "annotators"],
)
def test_gold_made_by_other_rules_is_not_published(
    project: Path, file: str, old: str, new: str, why: str
) -> None:
    run(project)
    replace_in(project / file, old, new)
    refused = message(project, run_publish)
    assert refused.startswith(f"{project / 'work' / 'own' / 'gold'}: made ")
    assert refused.endswith("\nRun the step `reconcile` again.")
    assert f"made with {why} = " in refused or why == "guide"


def test_an_unknown_place_in_a_card_is_found_before_any_work(project: Path) -> None:
    replace_in(project / "card.md", "agreement_table", "agrement_table")
    assert message(project).startswith(
        f"{project / 'card.md'}: unknown place '{{{{ agrement_table }}}}'; known: agreement_table, "
    )
    assert not (project / "work").exists()


def test_a_card_that_is_not_utf8_is_refused(project: Path) -> None:
    (project / "card.md").write_bytes(b"# M\xfcller\n")
    assert message(project) == (
        f"{project / 'card.md'}: byte 3 is not UTF-8; expected a card in UTF-8."
    )


def test_without_a_table_prelabel_nothing_is_prelabelled(project: Path) -> None:
    replace_in(project / "own.toml", "[prelabel]\n", "")
    replace_in(project / "guide.md", "  ORG:", "  SHIP:")
    run(project)
    layers = [row for _, row in read_rows(open_release(project / "own"), ANNOTATIONS)]
    assert {row["annotator"] for row in layers} == {"annotator-1"}
    assert validate(project / "own").breaches == ()


def test_a_vote_of_prelabels_that_there_are_none_of_is_refused(project: Path) -> None:
    replace_in(project / "own.toml", "[prelabel]\n", "")
    replace_in(project / "own.toml", "open_disputes", 'prelabels = "vote"\nopen_disputes')
    with pytest.raises(ConfigError) as error:
        run(project)
    assert str(error.value) == (
        f"{project / 'own.toml'}: reconcile.prelabels='vote' without a table [prelabel]; "
        "expected the table, which may be empty."
    )


def test_what_the_build_brings_along_is_no_source(project: Path) -> None:
    replace_in(project / "own.toml", 'folder = "texts"', 'folder = "."')
    for path in (project / "texts").glob("*.txt"):
        path.rename(project / path.name)
    (project / "texts").rmdir()
    for _ in range(2):
        run(project)
        assert sorted(splits(project)) == list("abcdefgh")


def test_a_release_in_the_place_of_its_source_is_refused(project: Path) -> None:
    plan = load_plan(str(project / "own.toml"), work=project / "work", out=project / "texts")
    with pytest.raises(StoreError) as error:
        build(plan, Engine())
    assert str(error.value) == (
        f"{project / 'texts'}: holds the documents to collect, {project / 'texts'}; expected a "
        "place of its own.\nGive another place with --out, or another name for the release."
    )


def test_a_slip_in_fixed_splits_is_refused(project: Path) -> None:
    replace_in(project / "own.toml", "[publish]\n", '[publish]\nfixed_splits = { test = ["aa"] }\n')
    assert message(project) == (
        "publish.fixed_splits: 'aa' was not collected; expected ids of documents."
    )


def test_the_parts_of_a_mention_that_a_column_cannot_hold_are_named(project: Path) -> None:
    parts = {"start": 0, "end": 13, "label": "PER", "fragments": [[0, 4], [5, 13]]}
    annotate(project, spans=[parts, parts])
    run(project)
    losses = open_release(project / "own").losses
    assert losses["span joined in a layer: it has several parts"] == 8
    assert losses["span joined: it has several parts"] == 8
    assert losses["span dropped: said twice by its annotator"] == 8
    assert validate(project / "own").breaches == ()


def test_a_language_without_rules_is_named(project: Path) -> None:
    replace_in(project / "own.toml", 'license = "cc0-1.0"', 'license = "cc0-1.0"\nlanguage = "tlh"')
    run(project)
    why = "tokens made by general rules: spaCy has no rules for 'tlh' here"
    assert open_release(project / "own").losses[why] == 8


def test_the_card_does_not_give_the_order_of_names_away(project: Path) -> None:
    lines = (project / "ana.jsonl").read_text(encoding="utf-8")
    more = "".join(lines.replace('"ana"', f'"{name}"') for name in ("ben", "chi", "dan"))
    (project / "ana.jsonl").write_text(lines + more, encoding="utf-8")
    run(project)
    card = (project / "own" / "README.md").read_text(encoding="utf-8")
    rows = [line for line in card.splitlines() if line.startswith("| annotator-")]
    assert len(rows) == 6
    assert rows == sorted(rows)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_stops_with_one_line_and_the_next_run_goes_on(project: Path, workers: int) -> None:
    replace_in(
        project / "own.toml", 'license = "cc0-1.0"', 'license = "cc0-1.0"\npart_bytes = 3000'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "gonerd", "build", "own.toml", "--workers", str(workers)],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lock = project / "work" / "own" / ".lock"
    until = time.monotonic() + 60
    while not lock.exists() and process.poll() is None and time.monotonic() < until:
        pass  # the moment it has begun to work
    os.killpg(process.pid, signal.SIGINT)  # at once: a program to do it would come too late
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert printed == ""
    assert said == "gonerd: stopped; run the same command again to go on.\n"
    done = run_gonerd("build", "own.toml", cwd=project)
    assert done.returncode == 0, done.stderr
