"""Every wrong input gets one message that says where, what value, what was expected, the way out;
exit code 1; nothing half-written stays, and what was good is kept."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gonerd.guide import shipped
from gonerd.records import text_sha256
from tests.conftest import run_gonerd

TEXT = "Margaret Ellison went to Lund with Ines Alvarado.\n"
BUILDER = """
name = "own"
release = "own"
title = "Own"
guide = "gonerd"
card = "court_opinions"
annotations_creators = "expert-generated"

[collect]
folder = "documents"
license = "cc0-1.0"

[reconcile]
annotations = ["ana.jsonl"]

[publish]
shares = { train = 1.0 }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a builder, one document and one annotation, all good."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "good.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "own.toml").write_text(BUILDER, encoding="utf-8")
    annotate(tmp_path, [{"start": 0, "end": 16, "label": "PER"}])
    return tmp_path


def annotate(project: Path, spans: list[dict[str, object]], text: str = TEXT) -> None:
    """Write ana's annotation of the good document."""
    annotation = {
        "document_id": "good",
        "text_sha256": text_sha256(text),
        "annotator": "ana",
        "guide": "gonerd@1",
        "coverage": [[0, len(text)]],
        "spans": spans,
    }
    (project / "ana.jsonl").write_text(json.dumps(annotation) + "\n", encoding="utf-8")


def refusal(project: Path, *arguments: object, **options: object) -> str:
    """Build, expect exit code 1 and nothing half-written, and return the message."""
    done = run_gonerd("build", "own.toml", *arguments, cwd=project, **options)
    assert done.returncode == 1, done.stdout
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not (project / "own").exists()
    assert list(project.rglob("*.partial")) == []
    return done.stderr


def test_the_good_project_builds(project: Path) -> None:
    done = run_gonerd("build", "own.toml", cwd=project)
    assert done.returncode == 0, done.stderr


def test_a_missing_folder(project: Path) -> None:
    shutil.rmtree(project / "documents")
    assert refusal(project) == (
        "gonerd: documents: no such folder or file; expected documents to collect.\n"
        "Give another place with --from.\n"
    )


def test_an_empty_folder(project: Path) -> None:
    (project / "documents" / "good.txt").unlink()
    assert refusal(project) == (
        "gonerd: documents: no document in it (0 files of other kinds); expected files that end in "
        ".txt, .md, .html, .htm, .jsonl, .parquet, .marked.\n"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            b"\x7fELF\x02\x01\x00\x00",
            "byte 7 is NUL, so the file is binary; expected text in UTF-8",
        ),
        (b"caf\xe9 in Lund", "byte 3 (0xe9) is not UTF-8; expected text in UTF-8"),
        (b"", "no text in it"),
        (b" \r\n\xe2\x80\x8b\t", "no text in it"),
    ],
    ids=["binary", "not UTF-8", "empty", "blanks and zero-width alone"],
)
def test_a_file_that_holds_no_text_stops_the_build_and_the_good_are_kept(
    project: Path, content: bytes, why: str
) -> None:
    content = content.replace(b"\x02\x01\x00", b"\x02\x01a\x00") if b"ELF" in content else content
    (project / "documents" / "bad.txt").write_bytes(content)
    assert refusal(project) == (
        "gonerd: documents: 1 of 2 documents were refused; expected none.\n"
        f"  bad.txt: {why}\n"
        'The other 1 are kept. Mend or remove these, or set collect.refusals = "count" '
        "(--refusals count) to go on without them.\n"
    )
    assert (project / "work" / "own" / "documents" / "part-00000.parquet").exists()
    done = run_gonerd("build", "own.toml", "--refusals", "count", cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"1 x document refused: {why}" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[collect]",
            "[collect]\nfoldr = 1",
            "own.toml: unknown key 'collect.foldr'; known keys: license, language, folder, "
            "addresses, source_pattern, refusals, timeout_seconds, max_bytes, part_bytes.",
        ),
        ('title = "Own"\n', "", "own.toml: 'title' is missing; expected a value for it."),
        ('"cc0-1.0"', "7", "own.toml: collect.license is 7; expected a string."),
        (
            '"expert-generated"',
            '"experts"',
            "own.toml: annotations_creators is 'experts'; expected one of 'crowdsourced', "
            "'expert-generated', 'found', 'machine-generated'.",
        ),
        (
            "train = 1.0",
            "train = 0.9",
            "own.toml: publish: shares={'train': 0.9}; expected shares that add up to 1.",
        ),
        (
            'name = "own"',
            'name = "../own"',
            "own.toml: name='../own'; expected letters, digits, '_' and '-' alone, since it names "
            "a folder.",
        ),
        (
            'guide = "gonerd"',
            'guide = "other"',
            "guide 'other': no such guide; expected one of gonerd, or the path of a .md file.",
        ),
    ],
    ids=["unknown key", "missing", "wrong type", "wrong choice", "shares", "path as name", "guide"],
)
def test_a_wrong_builder(project: Path, old: str, new: str, message: str) -> None:
    assert old in BUILDER
    (project / "own.toml").write_text(BUILDER.replace(old, new, 1), encoding="utf-8")
    assert refusal(project) == f"gonerd: {message}\n"


def test_a_builder_that_is_no_toml(project: Path) -> None:
    (project / "own.toml").write_text("name = = 1", encoding="utf-8")
    assert refusal(project) == (
        "gonerd: own.toml: Invalid value (at line 1, column 8); expected TOML.\n"
    )


def test_a_label_outside_the_guide(project: Path) -> None:
    annotate(project, [{"start": 0, "end": 16, "label": "PERSON"}])
    assert refusal(project) == (
        "gonerd: ana.jsonl:1: good[0:16] has label 'PERSON'; expected a label of gonerd@1 "
        "(PER, ORG, LOC, MISC).\n"
    )
    assert (project / "work" / "own" / "documents" / "manifest.json").exists()


def test_a_span_past_the_end(project: Path) -> None:
    annotate(project, [{"start": 40, "end": 400, "label": "PER"}])
    assert refusal(project) == (
        "gonerd: ana.jsonl:1: good[40:400]: span 'PER' of 'ana' ends past the text; "
        f"expected at most {len(TEXT)}.\n"
    )


def test_a_text_that_changed_after_it_was_annotated(project: Path) -> None:
    changed = "Dr. " + TEXT
    (project / "documents" / "good.txt").write_text(changed, encoding="utf-8")
    assert refusal(project) == (
        "gonerd: ana.jsonl:1: good: the text has changed since it was recorded "
        f"(sha256 {text_sha256(TEXT)[:8]}... recorded, {text_sha256(changed)[:8]}... now); "
        "expected the same text.\nRestore the text, or collect and annotate it again.\n"
    )


def test_an_open_dispute_stops_the_build_where_the_builder_says_so(project: Path) -> None:
    annotation = json.loads((project / "ana.jsonl").read_text(encoding="utf-8"))
    other = {**annotation, "annotator": "ben", "spans": [{"start": 0, "end": 8, "label": "PER"}]}
    lines = "".join(json.dumps(line) + "\n" for line in (annotation, other))
    (project / "ana.jsonl").write_text(lines, encoding="utf-8")
    assert refusal(project) == (
        "gonerd: work/own/disputes: 1 disputes are open; expected none.\n"
        "  good[0:16] ana: PER [0:16]; ben: PER [0:8]\n"
        "Mend the annotations, give people's rulings as reconcile.settled, or set "
        'reconcile.open_disputes = "settle" to go by the method.\n'
    )


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ("__init__.py", "is a Python package"),
        ("notes.txt", "holds notes.txt"),
    ],
)
def test_a_place_for_the_release_that_is_taken(project: Path, held: str, message: str) -> None:
    (project / "own").mkdir()
    (project / "own" / held).write_text("mine", encoding="utf-8")
    done = run_gonerd("build", "own.toml", cwd=project)
    assert done.returncode == 1
    assert done.stderr == (
        f"gonerd: own: {message}; expected nothing, an empty folder, or an earlier release.\n"
        "Give another place with --out.\n"
    )
    assert [path.name for path in (project / "own").iterdir()] == [held]
    assert not (project / "work").exists()


def test_a_place_for_the_release_that_is_a_file(project: Path) -> None:
    (project / "own").write_text("mine", encoding="utf-8")
    done = run_gonerd("build", "own.toml", cwd=project)
    assert done.returncode == 1
    assert done.stderr == (
        "gonerd: own: is a file; expected nothing, an empty folder, or an earlier release.\n"
        "Give another place with --out.\n"
    )


@pytest.mark.parametrize("blocks", [0, 4, 60], ids=["no byte", "4 KiB", "60 KiB"])
def test_a_full_disk(tmp_path: Path, blocks: int) -> None:
    command = f"ulimit -f {blocks}; exec {sys.executable} -m gonerd build"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith("gonerd: ")
    assert first.endswith("could not be written (File too large); expected room on the disk.")
    assert second == "Free some space and run the same command again; finished parts are kept."
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".partial")] == []
    assert not (tmp_path / "gonerd").exists()
    done = run_gonerd("build", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        done = run_gonerd("build", cwd=disk)
        assert done.returncode == 1
        first = done.stderr.splitlines()[0]
        assert first.endswith(
            "could not be written (No space left on device); expected room on the disk."
        )
        assert not (disk / "gonerd").exists()
        assert list(disk.rglob("*.partial")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_shipped_builders_are_not_read_as_paths(project: Path) -> None:
    assert (shipped("builders") / "sample.toml").is_file()
    done = run_gonerd("build", "no/such.toml", cwd=project)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "gonerd: builder 'no/such.toml': no such builder; expected one of"
    )
