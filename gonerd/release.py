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

from gonerd.arrow import RANGE
from gonerd.errors import StoreError
from gonerd.store import MANIFEST

DEFAULT = "default"
ANNOTATIONS = "annotations"

SPAN_COLUMN = pa.list_(
    pa.struct(
        [
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("label", pa.string()),
            ("confidence", pa.float32()),
            ("support", pa.int32()),
        ]
    )
)
ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("tokens", pa.list_(pa.string())),
        ("ner_tags", pa.list_(pa.int64())),
        ("token_starts", pa.list_(pa.int32())),
        ("token_ends", pa.list_(pa.int32())),
        ("spans", SPAN_COLUMN),
        ("source", pa.string()),
        ("url", pa.string()),
        ("license", pa.string()),
        ("language", pa.string()),
        ("num_tokens", pa.int32()),
    ]
)
"""The columns of a release, in order. Tag ids are those of `bio.tag_names`."""

LAYER_ROWS = pa.schema(
    [
        ("document_id", pa.string()),
        ("text_sha256", pa.string()),
        ("annotator", pa.string()),
        ("guide", pa.string()),
        ("coverage", pa.list_(RANGE)),
        ("spans", SPAN_COLUMN),
    ]
)
"""One row for each document and annotator."""

SCHEMAS = {DEFAULT: ROWS, ANNOTATIONS: LAYER_ROWS}
"""The columns that a release promises, by config."""


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
        if not isinstance(values, dict):
            raise ValueError(f"it holds {str(values)[:40]!r}")
        labels = tuple(values.pop("labels"))
        release = Release(folder=folder, labels=labels, **values)
        if not _is_well_formed(release):
            raise ValueError("a value is of another kind")
        return release
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: no {MANIFEST} in it; expected the folder of a release."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
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
                lacking = sorted(set(columns or ()) - set(file.schema_arrow.names))
                if lacking:
                    raise StoreError(
                        f"{path}: no column {lacking[0]!r}; expected the columns of a release."
                    )
                for batch in file.iter_batches(batch_size=64, columns=columns):
                    yield from ((split, row) for row in batch.to_pylist())
            except (OSError, pa.ArrowException) as error:
                raise StoreError(
                    f"{path}: cannot be read ({str(error).splitlines()[0]}); "
                    "expected a Parquet file of the release."
                ) from None


def _is_well_formed(release: Release) -> bool:
    """Say whether the values of a manifest are of their kinds."""
    tables = (release.configs, release.files, release.counts, release.losses)
    return (
        all(isinstance(table, dict) for table in tables)
        and all(isinstance(label, str) for label in release.labels)
        and release.group in ("source", "document")
        and bool(release.configs.get(DEFAULT))
        and all(isinstance(splits, dict) for splits in release.configs.values())
        and all(
            isinstance(names, list) and all(isinstance(name, str) for name in names)
            for splits in release.configs.values()
            for names in splits.values()
        )
    )
