"""The folder of a release into its parts: manifest, files of each split, rows.

A release is a folder with `manifest.json`, `README.md`, Parquet files by config and split, and
`ledger.parquet`. This module reads; `gonerd.publish` writes.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.errors import StoreError
from gonerd.store import MANIFEST

DEFAULT = "default"
ANNOTATIONS = "annotations"


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What the manifest of a release says."""

    folder: Path
    name: str
    gonerd: str
    """Version of the code that published it."""
    fingerprint: str
    guide: str
    """Name and version of the guide."""
    labels: tuple[str, ...]
    """In the order of the tag ids."""
    group: str
    """`source` where documents of one source stay in one split, else `document`."""
    configs: dict[str, dict[str, list[str]]]
    """Config -> split -> files, relative to the folder."""
    files: dict[str, str]
    """Every file but the manifest, with its sha256."""
    counts: dict[str, int]
    losses: dict[str, int]


def open_release(folder: Path) -> Release:
    """Read the manifest of a release; a folder that is none is a StoreError."""
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        labels = tuple(values.pop("labels"))
        return Release(folder=folder, labels=labels, **values)
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: no {MANIFEST} in it; expected the folder of a release."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{folder / MANIFEST}: not the manifest of a release ({error}); "
            "expected one written by `gonerd publish`."
        ) from None


def is_release(folder: Path) -> bool:
    """Say whether a folder holds a release."""
    try:
        open_release(folder)
    except StoreError:
        return False
    return True


def read_rows(
    release: Release, config: str, columns: Sequence[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the rows of a config with their split, a few at a time."""
    for split, files in release.configs.get(config, {}).items():
        for name in files:
            path = release.folder / name
            try:
                file = pq.ParquetFile(path)
                for batch in file.iter_batches(batch_size=64, columns=columns):
                    yield from ((split, row) for row in batch.to_pylist())
            except (OSError, pa.ArrowException) as error:
                raise StoreError(
                    f"{path}: cannot be read ({str(error).splitlines()[0]}); "
                    "expected a Parquet file of the release."
                ) from None
