"""Tests that a release is put in place whole or not at all, and never over anything else."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gonerd.errors import ConfigError, StoreError
from gonerd.publish.assemble import assembled, check_place, write_splits
from gonerd.release import is_release
from gonerd.store import file_sha256
from tests.folders import contents

EXPECTED = "expected nothing, an empty folder, or an earlier release"
WAY_OUT = "Give another place with --out."

SCHEMA = pa.schema([("id", pa.string())])
WHOLE = {"README.md", "manifest.json", "data/train-00000.parquet"}
"""The files of the least release."""


def table(*ids: str) -> pa.Table:
    """Make rows with ids."""
    return pa.table({"id": list(ids)}, schema=SCHEMA)


def write_release(folder: Path, name: str = "own") -> Path:
    """Write the least that counts as a release."""
    data = "data/train-00000.parquet"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text(f"# {name}\n", encoding="utf-8")
    pq.write_table(table("a"), folder / data)
    manifest = {
        "name": name,
        "gonerd": "0",
        "fingerprint": "0",
        "guide": "gonerd@1",
        "labels": ["PER"],
        "group": "source",
        "configs": {"default": {"train": [data]}},
        "files": {file: file_sha256(folder / file) for file in ("README.md", data)},
        "counts": {},
        "losses": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def assemble(out: Path, name: str = "new") -> None:
    """Put a release in place."""
    with assembled(out) as folder:
        folder.rmdir()
        write_release(folder, name)


def beside(out: Path) -> set[str]:
    """List what stands beside a place."""
    return {path.name for path in out.parent.iterdir()} - {out.name}


def refusal(out: Path) -> str:
    """Return why a place is refused, and see that it was not touched."""
    before = contents(out) if out.is_dir() else out.read_bytes()
    with pytest.raises(StoreError) as error:
        check_place(out)
    with pytest.raises(StoreError) as again:
        assemble(out)
    assert str(again.value) == str(error.value)
    assert (contents(out) if out.is_dir() else out.read_bytes()) == before
    assert beside(out) == set()
    return str(error.value)


def test_a_file_is_no_place(tmp_path: Path) -> None:
    out = tmp_path / "own"
    out.write_text("mine", encoding="utf-8")
    assert refusal(out) == f"{out}: is a file; {EXPECTED}.\n{WAY_OUT}"


def test_a_python_package_is_no_place(tmp_path: Path) -> None:
    out = tmp_path / "gonerd"
    out.mkdir()
    (out / "__init__.py").write_text("", encoding="utf-8")
    assert refusal(out) == f"{out}: is a Python package; {EXPECTED}.\n{WAY_OUT}"


def test_a_python_package_with_a_release_in_it_is_no_place(tmp_path: Path) -> None:
    out = write_release(tmp_path / "gonerd")
    (out / "__init__.py").write_text("", encoding="utf-8")
    assert refusal(out) == f"{out}: is a Python package; {EXPECTED}.\n{WAY_OUT}"


@pytest.mark.parametrize(
    ("names", "held"),
    [
        (["b"], "b"),
        ([".git"], ".git"),
        (["c", "a", "b"], "a, b, c"),
        (["d", "c", "a", "b", "e"], "a, b, c and 2 more"),
    ],
    ids=["one", "hidden", "three", "more"],
)
def test_a_folder_with_something_else_is_no_place(
    tmp_path: Path, names: list[str], held: str
) -> None:
    out = tmp_path / "own"
    out.mkdir()
    for name in names:
        (out / name).write_text("mine", encoding="utf-8")
    assert refusal(out) == f"{out}: holds {held}; {EXPECTED}.\n{WAY_OUT}"


@pytest.mark.parametrize(
    "manifest",
    ["", "{}", "null", "[]", '"text"', "3", '{"labels": 3}', '{"step": "collect", "labels": []}'],
)
def test_a_folder_with_another_manifest_is_no_place(tmp_path: Path, manifest: str) -> None:
    out = tmp_path / "own"
    out.mkdir()
    (out / "manifest.json").write_text(manifest, encoding="utf-8")
    assert refusal(out) == f"{out}: holds manifest.json; {EXPECTED}.\n{WAY_OUT}"


@pytest.mark.parametrize(
    "make",
    [lambda out: None, lambda out: out.mkdir(), write_release],
    ids=["nothing", "an empty folder", "an earlier release"],
)
def test_a_free_place_takes_the_release(tmp_path: Path, make: Callable[[Path], object]) -> None:
    out = tmp_path / "own"
    make(out)
    check_place(out)
    assemble(out, "new")
    assert set(contents(out)) == WHOLE
    assert (out / "README.md").read_text(encoding="utf-8") == "# new\n"
    assert beside(out) == set()


def test_a_place_below_folders_that_are_not_there_is_made(tmp_path: Path) -> None:
    assemble(tmp_path / "a" / "b" / "own")
    assert is_release(tmp_path / "a" / "b" / "own")


def test_nothing_of_the_earlier_release_is_left(tmp_path: Path) -> None:
    out = write_release(tmp_path / "own", "old")
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    (out / "data" / "gone.parquet").write_bytes(b"old")
    manifest["files"]["data/gone.parquet"] = file_sha256(out / "data" / "gone.parquet")
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assemble(out)
    assert set(contents(out)) == WHOLE


@pytest.mark.parametrize("name", ["notes.txt", ".git/config", "data/mine.csv"])
def test_what_a_user_put_into_an_earlier_release_is_not_thrown_away(
    tmp_path: Path, name: str
) -> None:
    """A release pushed to a hub holds a .git; a folder that the manifest does not explain is no
    longer just an earlier release."""
    out = write_release(tmp_path / "own", "old")
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError):
        assemble(out)
    assert (out / name).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "failure", [ConfigError("broken"), ValueError("x"), KeyboardInterrupt()], ids=lambda e: repr(e)
)
def test_a_failure_leaves_the_old_release_and_nothing_beside_it(
    tmp_path: Path, failure: BaseException
) -> None:
    out = write_release(tmp_path / "own", "old")
    before = contents(out)
    with pytest.raises(type(failure)) as error, assembled(out) as folder:
        (folder / "data").mkdir()
        (folder / "data" / "half").write_bytes(b"half")
        raise failure
    assert error.value is failure
    assert contents(out) == before
    assert beside(out) == set()


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            errno.ENOSPC,
            "could not be written (No space left on device); expected room on the disk.\n"
            "Free some space and run the same command again; finished parts are kept.",
        ),
        (
            errno.EACCES,
            "could not be written (Permission denied); expected a folder that can be written.",
        ),
    ],
    ids=["full", "forbidden"],
)
def test_a_disk_that_refuses_leaves_the_old_release(
    tmp_path: Path, number: int, message: str
) -> None:
    out = write_release(tmp_path / "own", "old")
    before = contents(out)
    with pytest.raises(StoreError) as error, assembled(out):
        raise OSError(number, os.strerror(number))
    assert str(error.value) == f"{out}: {message}"
    assert contents(out) == before
    assert beside(out) == set()


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    out = tmp_path / "file" / "own"
    with pytest.raises(StoreError) as error:
        assemble(out)
    assert str(error.value) == (
        f"{out}: could not be written (Not a directory); expected a folder that can be written."
    )


def test_what_a_killed_run_was_writing_is_cleared(tmp_path: Path) -> None:
    out = write_release(tmp_path / "own", "old")
    write_release(tmp_path / ".own.4711.partial", "half")
    write_release(tmp_path / ".own.4712.old", "older")
    assemble(out)
    assert (out / "README.md").read_text(encoding="utf-8") == "# new\n"
    assert beside(out) == set()


def test_a_release_on_its_way_out_when_killed_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "own"
    write_release(tmp_path / ".own.4711.old", "old")
    write_release(tmp_path / ".own.4711.partial", "half")
    with pytest.raises(ConfigError), assembled(out):
        raise ConfigError("broken")
    assert (out / "README.md").read_text(encoding="utf-8") == "# old\n"
    assert beside(out) == set()


@pytest.mark.parametrize("name", ["own [2]", "own?", "own*", "[abc]"])
def test_leftovers_are_found_under_any_name(tmp_path: Path, name: str) -> None:
    write_release(tmp_path / f".{name}.4711.old", "old")
    write_release(tmp_path / f".{name}.4711.partial", "half")
    with pytest.raises(ConfigError), assembled(tmp_path / name):
        raise ConfigError("broken")
    assert (tmp_path / name / "README.md").read_text(encoding="utf-8") == "# old\n"
    assert beside(tmp_path / name) == set()


@pytest.mark.parametrize(
    ("name", "other"), [("own", "own.v2"), ("own-1", "own-1.0"), ("own*", "owner")]
)
def test_leftovers_of_another_release_are_left_alone(tmp_path: Path, name: str, other: str) -> None:
    write_release(tmp_path / f".{other}.4711.old", "other")
    write_release(tmp_path / f".{other}.4712.partial", "other")
    assemble(tmp_path / name)
    assert beside(tmp_path / name) == {f".{other}.4711.old", f".{other}.4712.partial"}


def test_a_place_that_is_a_link_stays_a_link(tmp_path: Path) -> None:
    """A user who keeps releases on a larger disk must not find them on the smaller one."""
    (tmp_path / "here").mkdir()
    there = write_release(tmp_path / "there" / "own", "old")
    out = tmp_path / "here" / "own"
    out.symlink_to(there)
    assemble(out)
    assert beside(out) == set()
    assert (out / "README.md").read_text(encoding="utf-8") == "# new\n"
    assert out.is_symlink()


def test_rows_come_in_the_order_they_were_given_in(tmp_path: Path) -> None:
    files = write_splits(
        tmp_path,
        "data",
        SCHEMA,
        ["train", "dev", "test"],
        iter(
            [
                {"test": table("a"), "train": table("b", "c")},
                {"train": table()},
                {"train": table("d"), "test": table()},
            ]
        ),
    )
    assert files == {
        "train": ["data/train-00000.parquet"],
        "test": ["data/test-00000.parquet"],
    }
    assert set(contents(tmp_path)) == {name for names in files.values() for name in names}
    read = {
        split: pq.read_table(tmp_path / names[0])["id"].to_pylist()
        for split, names in files.items()
    }
    assert read == {"train": ["b", "c", "d"], "test": ["a"]}


def test_files_stream_in_few_rows_and_hold_no_feature_types(tmp_path: Path) -> None:
    schema = SCHEMA.with_metadata({"huggingface": "{}"})
    rows = pa.table({"id": [str(number) for number in range(1000)]}, schema=schema)
    write_splits(tmp_path, "data", SCHEMA, ["train"], [{"train": rows}])
    metadata = pq.read_metadata(tmp_path / "data" / "train-00000.parquet")
    sizes = {metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)}
    assert max(sizes) <= 100
    schema = pq.read_schema(tmp_path / "data" / "train-00000.parquet")
    assert b"huggingface" not in (schema.metadata or {})


def test_no_rows_make_no_files(tmp_path: Path) -> None:
    assert write_splits(tmp_path, "data", SCHEMA, ["train"], [{"train": table()}]) == {}
    assert write_splits(tmp_path, "data", SCHEMA, ["train"], []) == {}
    assert contents(tmp_path) == {}
