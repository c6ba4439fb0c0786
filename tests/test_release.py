"""Tests that a release is opened by its manifest, read as it stands, and refused when broken."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gonerd.errors import StoreError
from gonerd.release import Release, is_release, open_release, read_rows
from tests.small_release import SPLITS, Opened, build_small, write_dataset


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release; read it, do not change it."""
    return build_small(write_dataset(tmp_path_factory.mktemp("built")))


@pytest.fixture
def release(built: Release, tmp_path: Path) -> Opened:
    """A copy of it, to break."""
    return Opened(folder=Path(shutil.copytree(built.folder, tmp_path / "own")))


def test_the_manifest_says_what_is_in_the_folder(built: Release) -> None:
    assert (built.name, built.guide, built.group) == ("own", "gonerd@1", "source")
    assert built.labels == ("PER", "ORG", "LOC", "MISC")
    present = {
        path.relative_to(built.folder).as_posix()
        for path in built.folder.rglob("*")
        if path.is_file()
    }
    assert present == {*built.files, "manifest.json"}
    listed = {
        name for splits in built.configs.values() for names in splits.values() for name in names
    }
    assert listed == {name for name in present if name.startswith(("data/", "annotations/"))}


def test_a_release_is_read_in_the_order_of_its_splits(built: Release) -> None:
    rows = list(read_rows(built, "default", ("id",)))
    assert [(split, row["id"]) for split, row in rows] == [
        (split, name) for split, names in SPLITS.items() for name in sorted(names)
    ]


def test_only_the_columns_asked_for_are_read(built: Release) -> None:
    rows = read_rows(built, "default", ("num_tokens", "id"))
    assert all(set(row) == {"id", "num_tokens"} for _, row in rows)


def test_a_config_that_is_not_there_has_no_rows(built: Release) -> None:
    assert list(read_rows(built, "other")) == []


def test_many_files_of_a_split_are_read_in_order(release: Opened) -> None:
    for index in range(3):
        file = f"data/more-{index:05d}.parquet"
        pq.write_table(
            pa.table({"id": [f"{index}.{row}" for row in range(100)]}), release.folder / file
        )
    files = [f"data/more-{index:05d}.parquet" for index in range(3)]
    release.change_manifest(lambda manifest: manifest["configs"].update(more={"train": files}))
    rows = [row["id"] for _, row in read_rows(release.open(), "more")]
    assert rows == [f"{index}.{row}" for index in range(3) for row in range(100)]


@pytest.mark.parametrize("content", [None, b"", b"PAR1PAR1"], ids=["gone", "empty", "broken"])
def test_a_file_that_cannot_be_read_is_named(release: Opened, content: bytes | None) -> None:
    path = release.folder / "data" / "test-00000.parquet"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    rows = read_rows(release.open(), "default")
    with pytest.raises(StoreError) as error:
        list(rows)
    message = str(error.value)
    assert message.startswith(f"{path}: cannot be read (")
    assert message.endswith("); expected a Parquet file of the release.")
    assert "\n" not in message


def test_a_file_cut_short_is_named(release: Opened) -> None:
    path = release.folder / "data" / "train-00000.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError):
        list(read_rows(release.open(), "default"))


def test_a_folder_without_a_manifest_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        open_release(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: no manifest.json in it; expected the folder of a release."
    )
    assert not is_release(tmp_path)
    assert not is_release(tmp_path / "none")


def test_a_file_is_no_release(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert not is_release(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"{}", "'labels'"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
    ids=["half", "no labels", "no UTF-8"],
)
def test_a_broken_manifest_is_refused(release: Opened, content: bytes, problem: str) -> None:
    path = release.folder / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(StoreError) as error:
        release.open()
    assert str(error.value) == (
        f"{path}: not the manifest of a release ({problem}); expected one written by "
        "`gonerd publish`."
    )
    assert not is_release(release.folder)


@pytest.mark.parametrize(
    "content",
    ["null", "3", "true", '"text"', "[]", "[1]", pytest.param("[" * 100_000, id="deep")],
)
def test_a_manifest_that_is_no_object_is_refused(release: Opened, content: str) -> None:
    (release.folder / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError):
        release.open()
    assert not is_release(release.folder)


@pytest.mark.parametrize("key", ["labels", "configs", "files", "losses"])
@pytest.mark.parametrize("value", [None, 3, [3]], ids=["null", "number", "list"])
def test_a_manifest_with_a_value_of_another_kind_is_refused(
    release: Opened, key: str, value: object
) -> None:
    release.change_manifest(lambda manifest: manifest.update({key: value}))
    with pytest.raises(StoreError):
        release.open()


@pytest.mark.parametrize("more", [True, False], ids=["a key more", "a key less"])
def test_a_manifest_with_other_keys_is_refused(release: Opened, more: bool) -> None:
    release.change_manifest(
        lambda manifest: manifest.update(x=1) if more else manifest.pop("group")
    )
    with pytest.raises(StoreError):
        release.open()


def test_the_manifest_of_a_step_is_no_release(built: Release) -> None:
    work = built.folder.parent / "work" / "own" / "gold"
    assert json.loads((work / "manifest.json").read_text(encoding="utf-8"))["step"] == "reconcile"
    assert not is_release(work)
