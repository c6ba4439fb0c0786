"""A small release of made sentences, for tests of what learns from one."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.release import ROWS

LABELS = ("LOC", "PER")
PEOPLE = ("Ana", "Bo", "Cy Roe")
TOWNS = ("Lund", "Ystad")


def a_text(draw: random.Random, num_sentences: int) -> tuple[str, list[dict[str, Any]]]:
    """Tell who went where, and say where that stands."""
    text = ""
    spans = []
    for _ in range(num_sentences):
        for part, label in (
            (draw.choice(PEOPLE), "PER"), (" saw ", ""), (draw.choice(TOWNS), "LOC"), (".\n", "")
        ):  # fmt: skip
            if label:
                end = len(text) + len(part)
                spans.append({"start": len(text), "end": end, "label": label})
            text += part
    return text, spans


def a_release(
    folder: Path, splits: Mapping[str, Sequence[int]], labels: Sequence[str] = LABELS
) -> Path:
    """Write a release whose documents, by split, have so many sentences."""
    draw = random.Random(0)
    for split, sizes in splits.items():
        rows = []
        for number, size in enumerate(sizes):
            text, spans = a_text(draw, size)
            row = dict.fromkeys(ROWS.names)
            rows.append(
                row | {
                    "id": f"{split}{number}", "text": text, "spans": spans, "source": "made",
                    "license": "cc0-1.0", "language": "en",
                }
            )  # fmt: skip
        (folder / "data").mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), folder / f"data/{split}.parquet")
    manifest = {
        "name": "made",
        "gonerd": "0",
        "fingerprint": "",
        "guide": "made@1",
        "labels": list(labels),
        "group": "document",
        "configs": {"default": {split: [f"data/{split}.parquet"] for split in splits}},
        "files": {},
        "counts": {},
        "losses": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
