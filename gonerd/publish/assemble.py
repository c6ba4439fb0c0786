"""The rows and layers of a work folder into the folder of a release, put in place in one move.

Everything is written beside the release's place and moved there when it is whole. What stood there
before must be an earlier release; anything else is refused before any work is done.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.errors import StoreError
from gonerd.release import is_release, open_release
from gonerd.store import MANIFEST, unwritable

ROW_GROUP = 64
"""Rows a reader must take at once: few, so that streaming begins at once."""
_FILE_BYTES = 400_000_000
"""Plain size at which a new file begins."""


def check_place(out: Path) -> None:
    """Refuse a place for a release that is taken by anything but an earlier release."""
    if not out.exists():
        return
    way_out = "Give another place with --out."
    expected = "expected nothing, an empty folder, or an earlier release"
    if not out.is_dir():
        raise StoreError(f"{out}: is a file; {expected}.\n{way_out}")
    if (out / "__init__.py").exists():
        raise StoreError(f"{out}: is a Python package; {expected}.\n{way_out}")
    held = sorted(path.name for path in out.iterdir())
    if held and is_release(out):
        held = _foreign(out)  # nobody's own file goes when a release makes way for the next
    if held:
        more = f" and {len(held) - 3} more" if len(held) > 3 else ""
        raise StoreError(f"{out}: holds {', '.join(held[:3])}{more}; {expected}.\n{way_out}")


@contextlib.contextmanager
def assembled(out: Path) -> Iterator[Path]:
    """Yield a folder to write a release into; move it to its place when the block ends well."""
    check_place(out)
    out = out.resolve()  # a link stays a link, to the new release
    _clear_leftovers(out)
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    try:
        partial.mkdir(parents=True)
        yield partial
        if out.exists():
            out.rename(old)
        partial.rename(out)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if old.exists() and not out.exists():
            old.rename(out)
        raise unwritable(out, error) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_splits(
    folder: Path,
    config: str,
    schema: pa.Schema,
    splits: Sequence[str],
    tables: Iterable[Mapping[str, pa.Table]],
) -> dict[str, list[str]]:
    """Write rows by split as they come; return the files of each split that has any.

    No `huggingface` key goes into the schema: datasets 4 would write feature types there that
    older versions cannot read, and the card says it all.
    """
    writers: dict[str, pq.ParquetWriter] = {}
    files: dict[str, list[str]] = {split: [] for split in splits}
    sizes: dict[str, int] = {}
    try:
        for by_split in tables:
            for split, table in by_split.items():
                if not table.num_rows:
                    continue
                if split not in writers or sizes[split] > _FILE_BYTES:
                    if split in writers:
                        writers.pop(split).close()
                    name = f"{config}/{split}-{len(files[split]):05d}.parquet"
                    path = folder / name
                    path.parent.mkdir(exist_ok=True)
                    writers[split] = pq.ParquetWriter(
                        path, schema, compression="zstd", write_page_index=True
                    )
                    files[split].append(name)
                    sizes[split] = 0
                writers[split].write_table(table, row_group_size=ROW_GROUP)
                sizes[split] += table.nbytes
    finally:
        for writer in writers.values():
            writer.close()
    return {split: names for split, names in files.items() if names}


def _clear_leftovers(out: Path) -> None:
    """Remove what a killed run left; bring an earlier release back if it was on its way out."""
    for old in _leftovers(out, "old"):
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(out)
    for partial in _leftovers(out, "partial"):
        shutil.rmtree(partial, ignore_errors=True)


def _leftovers(out: Path, kind: str) -> list[Path]:
    """List the folders of this release, and of no other, that a killed run left."""
    name = re.compile(rf"\.{re.escape(out.name)}\.\d+\.{kind}")
    beside = out.parent.iterdir() if out.parent.is_dir() else ()
    return [path for path in beside if name.fullmatch(path.name)]


def _foreign(out: Path) -> list[str]:
    """List the files in a release's folder that are not of the release."""
    own = {MANIFEST, *open_release(out).files}
    held = (path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return sorted(set(held) - own)
