"""The rows of a work folder into the split of each, kept from release to release."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.errors import StoreError
from gonerd.near_duplicates import groups
from gonerd.publish.rows import LEFT_OUT
from gonerd.publish.splits import Candidate, PublishConfig, assign_splits
from gonerd.records import Loss
from gonerd.release import DEFAULT, is_release, open_release, read_rows
from gonerd.store import Manifest, read_part, write_file

SPLITS = "splits.parquet"
"""In the work folder: every id that was published, and its split."""


def decide_splits(
    folder: Path, rows: Manifest, config: PublishConfig, published: Mapping[str, str]
) -> tuple[dict[str, str], list[Loss]]:
    """Give every row its split, and name what was left out."""
    index = pa.concat_tables(
        pq.read_table(folder / part.file, columns=["id", "source", "signature"])
        for part in rows.parts
    ).to_pylist()
    splits: dict[str, str] = {}
    leaks: list[Loss] = []
    why = "it shares its source or text with documents of another split"
    while index:
        candidates = [Candidate(id=row["id"], source=row["source"]) for row in index]
        signatures = [np.frombuffer(row["signature"], dtype=np.uint32) for row in index]
        assigned = assign_splits(candidates, groups(signatures), config=config, published=published)
        splits = {name: split for name, split in assigned.items() if split is not None}
        if len(splits) == len(index):
            break
        leaks += [
            Loss(document_id=row["id"], what=LEFT_OUT, why=why)
            for row in index
            if row["id"] not in splits
        ]
        index = [row for row in index if row["id"] in splits]
    if not splits:
        raise StoreError(
            f"{folder}: no document is left to publish; expected one that was read whole.\n"
            "The ledger.parquet in that folder names each and why."
        )
    return splits, leaks


def published_splits(work: Path, out: Path) -> dict[str, str]:
    """Read in which split each document was published, from this work folder or in this place."""
    known: dict[str, str] = {}
    if (work / SPLITS).exists():
        table = read_part(work / SPLITS)
        known = dict(zip(table["id"].to_pylist(), table["split"].to_pylist(), strict=True))
    if is_release(out):
        rows = read_rows(open_release(out), DEFAULT, ["id"])
        with contextlib.suppress(StoreError):  # a damaged release is made anew from what is known
            known |= {row["id"]: split for split, row in rows}
    return known


def remember_splits(work: Path, splits: Mapping[str, str]) -> None:
    """Keep the splits for the next release; a file that says so already is left alone."""
    table = pa.table({"id": sorted(splits), "split": [splits[name] for name in sorted(splits)]})
    path = work / SPLITS
    if not path.exists() or not read_part(path).equals(table):
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer)
        write_file(path, buffer.getvalue().to_pybytes())
