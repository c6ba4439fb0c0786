"""What stands in a folder, for tests that compare two of them or ask what was made again."""

import os
from collections.abc import Iterable
from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder, hidden ones too, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Read what changes whenever a file is written again, even with the same bytes."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def made_again(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> tuple[set[str], set[str]]:
    """Split the files of `after` into (written since, left alone)."""
    left_alone = {name for name, stamp in after.items() if before.get(name) == stamp}
    return set(after) - left_alone, left_alone


def age(folder: Path) -> None:
    """Set every file back in time, so that one written again in the same instant is seen."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, ns=(10**18, 10**18))


def parts(numbers: Iterable[int]) -> set[str]:
    """Name the parts of some numbers."""
    return {f"part-{number:05d}.parquet" for number in numbers}
