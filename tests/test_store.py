"""Tests that a work folder holds whole files or none, knows what it was made from, and says so."""

import json
import os
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.arrow import losses_from
from gonerd.errors import StoreError
from gonerd.records import Loss
from gonerd.store import (
    LEDGER,
    MANIFEST,
    Footer,
    Manifest,
    PartFile,
    count_losses,
    file_sha256,
    fingerprint_of,
    finish,
    is_stream,
    is_whole,
    locked,
    part_path,
    part_paths,
    read_footer,
    read_manifest,
    read_part,
    require_manifest,
    write_file,
    write_files,
    write_ledger,
    write_manifest,
    write_part,
)
from tests.folders import contents, stamps
from tests.processes import AS_NOBODY, run_python, start_python
from tests.strategies import losses

plain_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)

TABLE = pa.table({"id": ["a", "b", "c"], "text": ["one", "two", "three"]})
FOOTER = Footer(fingerprint="f1", counts={"documents": 3})


def a_manifest(**changes: Any) -> Manifest:
    """Make a manifest."""
    values: dict[str, Any] = {
        "step": "words",
        "gonerd": "1.2.3",
        "fingerprint": "f0",
        "config": {"language": "en", "labels": ["PER"]},
        "inputs": {"source": "s0"},
        "counts": {"documents": 3},
        "losses": {"word dropped: \u00e9": 2},
        "parts": (PartFile(file="part-00000.parquet", rows=3, sha256="ab"),),
        "notes": {"vote": "fewer than three annotators"},
    }
    return Manifest(**{**values, **changes})


def reversed_keys(value: Any) -> Any:
    """Build the same plain value with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(plain_values)
def test_fingerprint_does_not_depend_on_key_order(value: Any) -> None:
    assert fingerprint_of(reversed_keys(value)) == fingerprint_of(value)


@given(plain_values, plain_values)
def test_fingerprints_of_different_values_differ(left: Any, right: Any) -> None:
    assert (fingerprint_of(left) == fingerprint_of(right)) == (left == right)


def test_fingerprint_takes_a_lone_surrogate() -> None:
    assert fingerprint_of("\ud800") != fingerprint_of("\udfff")


def test_fingerprint_tells_one_value_of_two_from_two_values() -> None:
    assert fingerprint_of(["a", "b"]) != fingerprint_of("a", "b")


def test_written_file_holds_its_content_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "file.bin"
    write_file(target, b"first")
    write_file(target, b"second")
    assert contents(tmp_path) == {"new/deep/file.bin": b"second"}


def test_of_several_files_all_are_written_or_none_and_old_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError):
        write_files({tmp_path / "a": b"new", tmp_path / "b": b"new", tmp_path / "folder": b"new"})
    assert contents(tmp_path) == {"a": b"old"}
    write_files({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


def test_pipe_takes_the_content_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(pipe, b"content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert is_stream(pipe)
    assert os.listdir(tmp_path) == ["pipe"]


def test_device_is_no_place_for_files() -> None:
    assert is_stream(Path("/dev/null"))
    assert not is_stream(Path("/dev"))
    assert not is_stream(Path(__file__))
    assert not is_stream(Path("nowhere"))


def test_file_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    target = tmp_path / "taken" / "sub" / "file"
    with pytest.raises(StoreError) as error:
        write_file(target, b"content")
    assert str(error.value) == (
        f"{target}: could not be written (Not a directory); expected a folder that can be written."
    )


def test_file_that_cannot_take_its_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(StoreError) as error:
        write_file(tmp_path / "file", b"content")
    assert str(error.value) == (
        f"{tmp_path / 'file'}: could not be written (Is a directory); "
        "expected a folder that can be written."
    )
    assert os.listdir(tmp_path) == ["file"]


def test_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = tmp_path / "sealed"
    folder.mkdir()
    folder.chmod(0o555)
    script = f"""
from pathlib import Path
from gonerd.errors import StoreError
from gonerd.store import locked, write_file
{AS_NOBODY}
try:
    write_file(Path("sealed/file"), b"content")
except StoreError as error:
    print(error)
try:
    with locked(Path("sealed")):
        print("got it")
except StoreError as error:
    print(error)
"""
    assert run_python(script, tmp_path).splitlines() == [
        "sealed/file: could not be written (Permission denied); "
        "expected a folder that can be written.",
        "sealed: could not be written (Permission denied); expected a folder that can be written.",
    ]
    assert os.listdir(folder) == []


def test_full_disk_keeps_the_old_file_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    script = """
import resource, sys
from pathlib import Path
from gonerd.errors import StoreError
from gonerd.store import write_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_file(Path(sys.argv[1]), b"x" * 5000)
except StoreError as error:
    print(error)
"""
    assert run_python(script, tmp_path / "file") == (
        f"{tmp_path / 'file'}: could not be written (File too large); expected room on the disk.\n"
        "Free some space and run the same command again; finished parts are kept.\n"
    )
    assert contents(tmp_path) == {"file": b"old"}


HOLD = """
import sys
from pathlib import Path
from gonerd.store import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_folder_held_by_another_process_is_refused_until_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with start_python(HOLD, folder) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError) as error, locked(folder):
            pass
        holder.communicate("")
    assert str(error.value) == (
        f"{folder}: in use by another gonerd; expected one at a time.\n"
        "Wait for it to end, or give another folder with --work."
    )
    with locked(folder):
        pass


def test_folder_is_free_when_its_holder_was_killed(tmp_path: Path) -> None:
    with start_python(HOLD, tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with locked(tmp_path):
        pass


def test_folder_is_free_after_an_error_inside(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with locked(tmp_path):
        pass


def test_part_names_sort_by_their_number(tmp_path: Path) -> None:
    paths = [part_path(tmp_path, index) for index in (0, 7, 10, 99_999, 100_000, 123_456)]
    for path in reversed(paths):
        path.touch()
    (tmp_path / LEDGER).touch()
    (tmp_path / ".part-00003.parquet.1.partial").touch()
    assert part_paths(tmp_path) == paths


@settings(max_examples=30)
@given(
    footer=st.builds(
        Footer,
        fingerprint=st.text(max_size=8),
        counts=st.dictionaries(st.text(max_size=6), st.integers(0, 2**40), max_size=3),
        losses=st.lists(losses, max_size=4).map(tuple),
        final=st.booleans(),
    )
)
def test_footer_comes_back_as_it_was_written(
    footer: Footer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = part_path(tmp_path_factory.getbasetemp() / "footers", 0)
    write_part(path, TABLE, footer)
    assert read_footer(path) == footer
    assert read_part(path).to_pylist() == TABLE.to_pylist()


def test_part_has_the_same_bytes_whenever_and_wherever_it_is_written(tmp_path: Path) -> None:
    write_part(part_path(tmp_path / "a", 0), TABLE, FOOTER)
    write_part(part_path(tmp_path / "b", 7), TABLE, FOOTER)
    written = (part_path(tmp_path / "a", 0), part_path(tmp_path / "b", 7))
    assert written[0].read_bytes() == written[1].read_bytes()
    assert file_sha256(written[0]) == file_sha256(written[1])


def test_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    path = part_path(tmp_path / "year=2020", 0)
    write_part(path, TABLE, FOOTER)
    assert read_part(path).column_names == ["id", "text"]


def foreign_parquet(path: Path) -> None:
    """Write a Parquet file that gonerd did not make."""
    pq.write_table(TABLE, path)


def cut_short(path: Path) -> None:
    """Write a part and lose its end."""
    write_part(path, TABLE, FOOTER)
    path.write_bytes(path.read_bytes()[:-10])


def with_metadata(value: bytes) -> Any:
    """Make a function that writes a Parquet file with this where a footer should be."""

    def write(path: Path) -> None:
        pq.write_table(TABLE.replace_schema_metadata({b"gonerd": value}), path)

    return write


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: None, id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"PAR1 not really PAR1"), id="garbage"),
        pytest.param(cut_short, id="cut short"),
        pytest.param(foreign_parquet, id="not of gonerd"),
        pytest.param(with_metadata(b"{"), id="no JSON"),
        pytest.param(with_metadata(b"\xff"), id="no text"),
        pytest.param(with_metadata(b"[]"), id="no object"),
        pytest.param(with_metadata(b"{}"), id="nothing in it"),
        pytest.param(
            with_metadata(b'{"fingerprint": "f1", "losses": [], "era": 2}'), id="of another version"
        ),
        pytest.param(
            with_metadata(b'{"fingerprint": "f1", "losses": [{"why": "?"}]}'), id="half a loss"
        ),
    ],
)
def test_file_that_is_no_whole_part_has_no_footer(tmp_path: Path, damage: Any) -> None:
    path = part_path(tmp_path, 0)
    damage(path)
    assert read_footer(path) is None


def test_damaged_part_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = part_path(tmp_path, 0)
    cut_short(path)
    with pytest.raises(pa.ArrowInvalid) as why:
        pq.read_table(path)
    with pytest.raises(StoreError) as error:
        read_part(path)
    assert str(error.value) == (
        f"{path}: cannot be read ({str(why.value).splitlines()[0]}); expected a part of gonerd.\n"
        "Remove it and run the step again."
    )


def test_part_with_damage_inside_is_not_read_as_if_it_were_fine(tmp_path: Path) -> None:
    path = part_path(tmp_path, 0)
    long_texts = pa.table({"text": [f"{number} " * 500 for number in range(50)]})
    write_part(path, long_texts, FOOTER)
    damaged = bytearray(path.read_bytes())
    damaged[40:140] = bytes(100)
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match=r"cannot be read .*; expected a part of gonerd"):
        read_part(path)


def test_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_manifest(tmp_path, a_manifest())
    assert read_manifest(tmp_path) == a_manifest()
    assert os.listdir(tmp_path) == [MANIFEST]


def test_unfinished_step_has_no_manifest(tmp_path: Path) -> None:
    assert read_manifest(tmp_path / "never") is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("nonsense", "Expecting value: line 1 column 1 (char 0)", id="no JSON"),
        pytest.param("", "Expecting value: line 1 column 1 (char 0)", id="empty"),
        pytest.param("{}", "'parts'", id="nothing in it"),
    ],
)
def test_damaged_manifest_is_named_with_the_way_out(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(StoreError) as error:
        read_manifest(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / MANIFEST}: cannot be read as a manifest ({why}); "
        "expected one written by gonerd.\n"
        "Remove it and run the step again; parts that still fit are kept."
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[]", id="no object"),
        pytest.param('{"parts": 3}', id="parts no list"),
        pytest.param('{"parts": ["part-00000.parquet"]}', id="parts of strings"),
        pytest.param('{"parts": [{"file": "x"}]}', id="half a part"),
        pytest.param(json.dumps({**asdict(a_manifest()), "era": 2}), id="a key of another version"),
    ],
)
def test_manifest_of_another_form_is_an_error_and_no_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(StoreError, match=r"cannot be read as a manifest .* written by gonerd\."):
        read_manifest(tmp_path)


def test_manifest_of_before_there_were_notes_has_none(tmp_path: Path) -> None:
    values = asdict(a_manifest())
    del values["notes"]
    (tmp_path / MANIFEST).write_text(json.dumps(values))
    assert read_manifest(tmp_path) == a_manifest(notes={})


def test_step_that_must_be_finished_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        require_manifest(tmp_path, "Run the step `collect` first.")
    assert str(error.value) == (
        f"{tmp_path}: no finished step; expected manifest.json in it.\n"
        "Run the step `collect` first."
    )
    write_manifest(tmp_path, a_manifest())
    assert require_manifest(tmp_path, "") == a_manifest()


def finished(folder: Path, num_parts: int = 2) -> Manifest:
    """Finish a step of a few parts, each with one loss."""
    for index in range(num_parts):
        loss = Loss(document_id=f"d{index}", start=index, end=9, what="word dropped", why="a dash")
        footer = Footer(fingerprint="f", counts={"words": index + 1}, losses=(loss,))
        write_part(part_path(folder, index), TABLE, footer)
    return finish(
        folder,
        step="words",
        version="1",
        fingerprint="whole",
        config={"a": 1},
        inputs={"b": "2"},
        notes={"c": "why"},
        num_parts=num_parts,
    )


def test_finished_step_adds_up_its_parts(tmp_path: Path) -> None:
    manifest = finished(tmp_path)
    assert manifest == Manifest(
        step="words",
        gonerd="1",
        fingerprint="whole",
        config={"a": 1},
        inputs={"b": "2"},
        counts={"words": 3},
        losses={"word dropped: a dash": 2},
        parts=tuple(
            PartFile(file=path.name, rows=3, sha256=file_sha256(path))
            for path in (part_path(tmp_path, 0), part_path(tmp_path, 1))
        ),
        notes={"c": "why"},
    )
    assert read_manifest(tmp_path) == manifest
    assert losses_from(pq.read_table(tmp_path / LEDGER)) == [
        Loss(document_id="d0", start=0, end=9, what="word dropped", why="a dash"),
        Loss(document_id="d1", start=1, end=9, what="word dropped", why="a dash"),
    ]


def test_finished_step_removes_parts_that_are_no_longer_of_it(tmp_path: Path) -> None:
    finished(tmp_path, num_parts=4)
    finished(tmp_path, num_parts=2)
    assert part_paths(tmp_path) == [part_path(tmp_path, 0), part_path(tmp_path, 1)]


def test_step_without_parts_is_finished_too(tmp_path: Path) -> None:
    manifest = finished(tmp_path, num_parts=0)
    assert (manifest.parts, manifest.counts, manifest.losses) == ((), {}, {})
    assert is_whole(tmp_path, manifest)


@pytest.mark.parametrize(
    ("damage", "whole"),
    [
        pytest.param(lambda folder: None, True, id="untouched"),
        pytest.param(lambda folder: part_path(folder, 1).unlink(), False, id="part missing"),
        pytest.param(lambda folder: cut_short(part_path(folder, 0)), False, id="part cut short"),
        pytest.param(
            lambda folder: write_part(part_path(folder, 0), TABLE.slice(1), FOOTER),
            False,
            id="part with fewer rows",
        ),
        pytest.param(lambda folder: (folder / LEDGER).unlink(), False, id="ledger missing"),
    ],
)
def test_folder_is_whole_when_all_that_the_manifest_lists_is_there(
    tmp_path: Path, damage: Any, whole: bool
) -> None:
    manifest = finished(tmp_path)
    before = stamps(tmp_path)
    damage(tmp_path)
    assert is_whole(tmp_path, manifest) is whole
    assert (stamps(tmp_path) == before) is whole


@settings(max_examples=30)
@given(lost=st.lists(losses, max_size=6))
def test_ledger_holds_every_loss_and_its_counts_add_up(
    lost: list[Loss], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "ledger"
    write_ledger(folder, lost)
    assert losses_from(pq.read_table(folder / LEDGER)) == lost
    assert sum(count_losses(lost).values()) == len(lost)
    assert count_losses(lost[::-1]) == count_losses(lost)
