"""Whether a folder still holds files of an earlier export, which an import would read as well."""

import os
from collections.abc import Iterator
from pathlib import Path

from gonerd.beside import is_beside
from gonerd.errors import StoreError
from gonerd.formats.layers import Written


def check_leftovers(out: Path, written: Written) -> None:
    """Refuse a folder with files that an export will not write over, hidden ones left aside."""
    if set(written.files) == {""} or not os.path.isdir(out):
        return
    left = sorted(set(_names(out)) - set(written.files))
    if left:
        number = f"{len(left):,} files" if len(left) > 1 else "a file"
        raise StoreError(
            f"{out}: holds {number} that this export does not write, as {left[0]}; expected a "
            "folder that is empty or holds the same files.\n"
            "Take them away, or give another --out: an import of the folder would read them too."
        )


def _names(out: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and not is_beside(name):
                yield Path(folder, name).relative_to(out).as_posix()
