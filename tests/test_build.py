"""The main job as a whole: a valid release, whatever happens on the way, the same to the byte."""

import contextlib
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.serve_pages import serve
from gonerd.guide import shipped
from gonerd.release import open_release, read_rows
from gonerd.validate import validate
from tests.conftest import ROOT, run_gonerd

SAMPLE = shipped("builders") / "sample.toml"


def contents(folder: Path) -> dict[str, str]:
    """Hash every file of a folder, hidden ones of a running process aside."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def write_builder(folder: Path, **replacements: str) -> Path:
    """Write the sample's builder with other values, pointing at the sample's files."""
    text = SAMPLE.read_text(encoding="utf-8")
    for name in ("sample/documents", "sample/annotations"):
        text = text.replace(f'"{name}"', f'"{shipped("builders") / name}"')
    for old, new in replacements.values():  # type: ignore[misc]
        assert old in text
        text = text.replace(old, new)
    path = folder / "builder.toml"
    path.write_text(text, encoding="utf-8")
    return path


def small_parts(folder: Path) -> Path:
    """Write the sample's builder so that it makes a part of every document or two."""
    return write_builder(folder, parts=("[collect]", "[collect]\npart_bytes = 50000"))  # type: ignore[arg-type]


def test_the_sample_ends_in_a_valid_release(built: Path) -> None:
    result = validate(built / "gonerd")
    assert result.breaches == ()
    assert result.checked["documents"] == 8


def test_a_second_run_changes_nothing(built_copy: Path) -> None:
    before = contents(built_copy)
    times = {path: path.stat().st_mtime_ns for path in built_copy.rglob("*.parquet")}
    done = run_gonerd("build", cwd=built_copy)
    assert done.returncode == 0, done.stderr
    assert contents(built_copy) == before
    assert {path: path.stat().st_mtime_ns for path in built_copy.rglob("*.parquet")} == times


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build in small parts that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    done = run_gonerd("build", small_parts(folder), "--workers", 1, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_two_builds_are_equal_to_the_byte_whatever_the_workers(whole: Path, tmp_path: Path) -> None:
    done = run_gonerd("build", small_parts(tmp_path), "--workers", 2, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list((whole / "work" / "sample" / "documents").glob("part-*"))) >= 4
    assert contents(tmp_path) == contents(whole)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_and_run_again_it_gives_the_same_bytes(
    whole: Path, tmp_path: Path, seed: int
) -> None:
    builder = small_parts(tmp_path)
    moments = random.Random(seed)
    killed = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-m", "gonerd", "build", str(builder), "--workers", "2"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=moments.uniform(0.3, 5.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
    assert killed
    done = run_gonerd("build", builder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path) == contents(whole)


def test_a_changed_document_remakes_only_what_depends_on_it(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for index in range(6):
        text = f"Document {index}. Margaret Ellison went to Lund. " + "word " * 4000
        (documents / f"{index}.txt").write_text(text, encoding="utf-8")
    builder = tmp_path / "own.toml"
    builder.write_text(
        'name = "own"\nrelease = "own"\ntitle = "Own"\nguide = "gonerd"\ncard = "court_opinions"\n'
        'annotations_creators = "machine-generated"\n[collect]\nfolder = "documents"\n'
        'license = "cc0-1.0"\npart_bytes = 21000\n[prelabel]\n[reconcile]\nprelabels = "only"\n'
        "[publish]\nshares = { train = 1.0 }\n",
        encoding="utf-8",
    )
    assert run_gonerd("build", builder, cwd=tmp_path).returncode == 0
    parts = sorted((tmp_path / "work" / "own").rglob("part-*.parquet"))
    before = {path: path.stat().st_mtime_ns for path in parts}
    (documents / "3.txt").write_text("Changed. Ana Adler stayed. " + "word " * 4000)
    assert run_gonerd("build", builder, cwd=tmp_path).returncode == 0
    changed = {path.name for path in parts if path.stat().st_mtime_ns != before[path]}
    assert changed == {"part-00003.parquet"}


def test_every_text_comes_out_as_it_went_in(built: Path) -> None:
    from gonerd.marked import read_marked

    release = open_release(built / "gonerd")
    texts = {row["id"]: row["text"] for _, row in read_rows(release, "default", ("id", "text"))}
    sources = sorted((shipped("builders") / "sample" / "documents").glob("*.marked"))
    assert len(texts) == len(sources)
    for path in sources:
        text, _ = read_marked(path.read_bytes().decode("utf-8"), release.labels, path.name)
        assert texts[path.stem] == text


def test_strict_refuses_a_release_that_lost_something(tmp_path: Path) -> None:
    done = run_gonerd("build", "--strict", cwd=tmp_path)
    assert done.returncode == 1
    first = done.stderr.splitlines()[0]
    assert first.endswith("lost something and --strict forbids it; expected no losses.") or (
        first == "gonerd: gonerd: the release would lack something and --strict forbids it; "
        "expected no losses."
    )
    assert not (tmp_path / "gonerd").exists()


def test_json_output_is_one_object(built_copy: Path) -> None:
    done = run_gonerd("build", "--json", cwd=built_copy)
    described = json.loads(done.stdout)
    assert described["documents"] == 8
    assert done.stderr == ""


def test_the_card_says_what_was_measured(built: Path) -> None:
    card = (built / "gonerd" / "README.md").read_text(encoding="utf-8")
    assert "{{" not in card.split("---\n", 2)[2]
    assert "261" in card or "disputes were settled by the vote" in card
    for people in ("ana", "ben", "chi"):
        assert f" {people} " not in card


def test_court_opinions_build_and_validate(tmp_path: Path, data: Path) -> None:
    done = run_gonerd(
        "build",
        ROOT / "builders" / "court_opinions.toml",
        "--from",
        data / "long_text" / "scotus_opinions",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    result = validate(tmp_path / "court_opinions")
    assert result.breaches == ()
    assert result.checked["documents"] == 24
    rows = read_rows(open_release(tmp_path / "court_opinions"), "default", ("id", "text", "source"))
    for _, row in rows:
        assert row["id"].startswith(row["source"] + "_")
        source = data / "long_text" / "scotus_opinions" / f"{row['id']}.txt"
        assert row["text"] == source.read_bytes().decode("utf-8")


def test_web_pages_build_and_validate(tmp_path: Path, data: Path) -> None:
    server = serve(data / "web" / "article_extraction_benchmark" / "html", 0)
    try:
        listed = (ROOT / "builders" / "web_pages" / "addresses.txt").read_text(encoding="utf-8")
        port = server.server_address[1]
        addresses = tmp_path / "addresses.txt"
        addresses.write_text(
            listed.replace(":8765/", f":{port}/")
            + f"http://127.0.0.1:{port}/missing.html\tmissing\n",
            encoding="utf-8",
        )
        done = run_gonerd(
            "build",
            ROOT / "builders" / "web_pages.toml",
            "--from",
            addresses,
            cwd=tmp_path,
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    result = validate(tmp_path / "web_pages")
    assert result.breaches == ()
    assert result.checked["documents"] == 97
    ledger = pq.read_table(tmp_path / "web_pages" / "ledger.parquet").to_pylist()
    refused = [line for line in ledger if line["what"] == "document refused"]
    assert [(line["document_id"], line["why"]) for line in refused] == [
        (f"http://127.0.0.1:{port}/missing.html", "the server answered 404")
    ]


def test_the_work_folder_can_be_moved(built_copy: Path) -> None:
    elsewhere = built_copy.parent / "elsewhere"
    shutil.move(built_copy / "work", elsewhere)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*.parquet")}
    done = run_gonerd("build", "--work", elsewhere, cwd=built_copy)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*.parquet")} == before


def test_no_worker_outlives_a_killed_build(tmp_path: Path) -> None:
    builder = small_parts(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "gonerd", "build", str(builder), "--workers", "2"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=3.0)
    process.kill()
    process.communicate(timeout=60)  # ends when the last process that holds its output has ended
