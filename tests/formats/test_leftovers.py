"""Tests that an export into a folder leaves nothing in it that is not of it."""

from pathlib import Path

import pytest

from gonerd.errors import StoreError
from gonerd.formats.layers import Written
from gonerd.formats.leftovers import check_leftovers
from tests.conftest import run_gonerd
from tests.formats.test_commands import ROW, refusal, succeed, write

WRITTEN = Written(files={"ana/1.ann": b"", "ana/1.txt": b""})


def place(folder: Path, *names: str) -> Path:
    """Make files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("ben/1.ann", "ana/1.ann"), "a file that this export does not write, as ben/1.ann"),
        (
            ("ana/2.ann", "README", "ana/1.txt"),
            "2 files that this export does not write, as README",
        ),
    ],
)
def test_files_that_would_stay_are_refused(
    names: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(StoreError) as error:
        check_leftovers(place(tmp_path / "out", *names), WRITTEN)
    assert str(error.value) == (
        f"{tmp_path / 'out'}: holds {problem}; expected a folder that is empty or holds the same "
        "files.\nTake them away, or give another --out: an import of the folder would read them "
        "too."
    )


@pytest.mark.parametrize(
    "names",
    [(), ("ana/1.ann",), (".git/config", ".DS_Store"), ("x.ledger.jsonl",)],
    ids=["empty", "the same", "hidden", "ledger"],
)
def test_what_is_written_over_or_never_read_may_stay(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    folder = place(tmp_path / "out", *names)
    check_leftovers(folder, WRITTEN)
    check_leftovers(tmp_path / "new", WRITTEN)
    check_leftovers(place(folder, "other"), Written(files={"": b""}))


def test_a_second_export_with_fewer_annotators_is_refused(tmp_path: Path) -> None:
    rows = [{**ROW, "annotator": name, "spans": []} for name in ("ana", "ben", "cy")]
    write(tmp_path / "three.jsonl", *rows)
    write(tmp_path / "two.jsonl", *rows[:2])
    arguments = ["--to", "brat", "--out", "out"]

    succeed(tmp_path, "export", "three.jsonl", *arguments)
    succeed(tmp_path, "export", "three.jsonl", *arguments)

    assert "as cy/" in refusal(tmp_path, "export", "two.jsonl", *arguments)
    told = run_gonerd("export", "--help", cwd=tmp_path).stdout
    assert "one with other files in it is refused" in " ".join(told.split())
