"""Sources to collect from, written the way a user has them, and what came of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from gonerd.arrow import documents_from, losses_from
from gonerd.collect.items import CollectConfig
from gonerd.collect.step import collect
from gonerd.engine import Engine
from gonerd.guide import Guide
from gonerd.records import Document, Loss
from gonerd.store import LEDGER, Manifest, part_paths, read_part

GUIDE = Guide(name="test", version=1, labels={"PER": "People.", "LOC": "Places."}, text="")


def config(refusals: Literal["stop", "count"] = "stop", **changes: Any) -> CollectConfig:
    """Make the config of a folder."""
    return CollectConfig(**{"license": "mit", "folder": "src", "refusals": refusals, **changes})


def web_config(refusals: Literal["stop", "count"] = "stop", **changes: Any) -> CollectConfig:
    """Make the config of a list of addresses."""
    return config(refusals, folder=None, addresses="list.txt", **changes)


def write_source(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write files (strings as UTF-8), their folders too, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def json_lines(*rows: Mapping[str, Any]) -> str:
    """Lay out objects one a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def collected(
    work: Path, location: Path, how: CollectConfig, *, workers: int = 1, strict: bool = False
) -> Manifest:
    """Collect a source."""
    engine = Engine(workers=workers, strict=strict)
    return collect(engine, work, how, location=location, guide=GUIDE)


def documents_in(work: Path) -> list[Document]:
    """Read all collected documents."""
    return [
        document
        for path in part_paths(work / "documents")
        for document in documents_from(read_part(path))
    ]


def ledger_of(work: Path) -> list[tuple[str, str, str]]:
    """Read the ledger as (what it is about, what happened, why)."""
    return [
        (loss.document_id, loss.what, loss.why)
        for loss in losses_from(pq.read_table(work / "documents" / LEDGER))
    ]


def refused(where: str, why: str) -> Loss:
    """Make the ledger line of a refused document."""
    return Loss(document_id=where, what="document refused", why=why)
