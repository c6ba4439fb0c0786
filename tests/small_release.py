"""A small dataset as a user has it (a builder, documents, two annotators), and its release."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.build import build, load_plan
from gonerd.engine import Engine
from gonerd.marked import read_marked
from gonerd.records import Annotation, Document, Span, annotation_to_json, text_sha256
from gonerd.release import Release, open_release
from gonerd.store import file_sha256
from tests.prelabel.rulers import save_names

LABELS = ("PER", "ORG", "LOC", "MISC")

_FERRY = (
    "The [MISC Aurora] of the [ORG Ferry Company] sailed from [LOC Port Ellis] at nine with "
    "forty passengers, six horses and the mail of three days on board, in a light wind from the "
    "south that turned before noon; by two the glass had fallen, the master, [PER Karl Bo], "
    "had the boats swung out, and nobody on the quay at [LOC Lund] expected to see her again "
    "that day, though she came in at last under tow, late, wet and without her funnel, to {}."
)

MARKED = {
    "harbour": (
        "[PER Ines Adler] left [LOC Lund] for [LOC Oslo] in May.\r\n\r\n"
        "The [ORG Harbour Board] of [LOC Oslo] met her \u2014 twice.\n"
    ),
    "lighthouse": "Nobody in [LOC Lund]ska huset knew [PER Zoe\u0308 Bo] \U0001f600 in that year.",
    "ferry_first": _FERRY.format("cheers"),
    "ferry_second": _FERRY.format("silence"),
    "mill": "The [MISC Mill Act] named [PER Olga Roe] of [LOC Bergen] and nobody else at all.",
    "quarry": "At the quarry [PER Ines Adler] met [PER Olga Roe], who came from [LOC Turku].",
}
"""Documents by id, with what both annotators mark."""

SPLITS = {
    "train": ("harbour", "lighthouse", "ferry_first", "ferry_second"),
    "validation": ("mill",),
    "test": ("quarry",),
}

BUILDER = """\
name = "own"
release = "own"
title = "Own documents"
guide = "gonerd"
card = "card.md"
annotations_creators = "expert-generated"

[collect]
folder = "documents"
license = "cc0-1.0"

[prelabel]
pipeline = "{pipeline}"

[reconcile]
annotations = ["people.jsonl"]
reference = "documents"
open_disputes = "settle"

[publish]
fixed_splits = {fixed}
"""

CARD = "# Own\n\n{{ documents }} documents, {{ tokens }} tokens\n\n{{ losses_table }}\n"


def text_and_spans(name: str) -> tuple[str, list[Span]]:
    """Read one of the documents."""
    return read_marked(MARKED[name], LABELS, name)


def said_by(
    annotator: str,
    name: str,
    *,
    marked: str | None = None,
    leave_out: Sequence[str] = (),
    coverage: tuple[tuple[int, int], ...] | None = None,
) -> Annotation:
    """Make what an annotator says of a document (another text, if given), some names left out."""
    text, spans = read_marked(MARKED[name] if marked is None else marked, LABELS, name)
    return Annotation(
        document_id=name,
        text_sha256=text_sha256(text),
        annotator=annotator,
        guide="gonerd@1",
        coverage=((0, len(text)),) if coverage is None else coverage,
        spans=tuple(span for span in spans if text[span.start : span.end] not in leave_out),
    )


def people() -> list[Annotation]:
    """Make what ana and ben say; ben misses one name in `quarry` and does not read `mill`."""
    said = [said_by("ana", name) for name in MARKED]
    said += [
        said_by("ben", name, leave_out=["Olga Roe"] if name == "quarry" else ())
        for name in MARKED
        if name != "mill"
    ]
    return said


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write JSON objects one a line."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_annotations(path: Path, annotations: Iterable[Annotation]) -> Path:
    """Write annotations one a line."""
    return write_lines(path, (annotation_to_json(one) for one in annotations))


def write_dataset(
    folder: Path,
    *,
    annotations: Sequence[Annotation] | None = None,
    changes: Mapping[str, str] | None = None,
) -> Path:
    """Write the builder and what it points to; `changes` replaces stretches of the builder."""
    (folder / "documents").mkdir(parents=True)
    for name, marked in MARKED.items():
        (folder / "documents" / f"{name}.marked").write_bytes(marked.encode("utf-8"))
    write_annotations(folder / "people.jsonl", people() if annotations is None else annotations)
    (folder / "card.md").write_text(CARD, encoding="utf-8")
    fixed = ", ".join(f"{split} = {json.dumps(names)}" for split, names in SPLITS.items())
    text = BUILDER.format(pipeline=save_names(folder / "ruler"), fixed=f"{{ {fixed} }}")
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def add_documents(builder: Path, more: Mapping[str, str]) -> None:
    """Add marked documents to a dataset, or change them, and what ana says of them."""
    folder = builder.parent
    said = [one for one in people() if one.document_id not in more]
    for name, marked in more.items():
        (folder / "documents" / f"{name}.marked").write_bytes(marked.encode("utf-8"))
        said.append(said_by("ana", name, marked=marked))
    write_annotations(folder / "people.jsonl", said)


def build_small(builder: Path, engine: Engine | None = None) -> Release:
    """Build a dataset beside its builder: the work in work/own, the release in own."""
    plan = load_plan(str(builder), work=builder.parent / "work", out=builder.parent / "own")
    return build(plan, engine or Engine())


def documents() -> dict[str, Document]:
    """Make the documents as collected."""
    return {
        name: Document(
            id=name,
            text=text_and_spans(name)[0],
            source=f"{name}.marked",
            license="cc0-1.0",
            language="en",
        )
        for name in MARKED
    }


# A release, taken apart and put together again with one thing changed.


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The folder of a release that is to be broken."""

    folder: Path

    def rows(self, file: str) -> list[dict[str, Any]]:
        """Read the rows of one of its files."""
        rows: list[dict[str, Any]] = pq.read_table(self.folder / file).to_pylist()
        return rows

    def write_rows(self, file: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace the rows of one of its files, and seal it."""
        schema = pq.read_schema(self.folder / file)
        self.write_table(file, pa.Table.from_pylist(list(rows), schema=schema))

    def write_table(self, file: str, table: pa.Table) -> None:
        """Replace one of its files, and seal it."""
        pq.write_table(table, self.folder / file)
        self.seal(file)

    def change_row(self, file: str, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the row of a document in place, and seal the file."""
        rows = self.rows(file)
        (row,) = [row for row in rows if name in (row.get("id"), row.get("document_id"))][:1]
        change(row)
        self.write_rows(file, rows)

    def move_rows(self, name: str, source: str, target: str) -> None:
        """Move the rows of a document from one file to another, and seal both."""
        rows = self.rows(source)
        moved = [row for row in rows if name in (row.get("id"), row.get("document_id"))]
        assert moved
        self.write_rows(source, [row for row in rows if row not in moved])
        self.write_rows(target, [*self.rows(target), *moved])

    def write_bytes(self, file: str, content: bytes) -> None:
        """Replace or add one of its files, and seal it."""
        (self.folder / file).write_bytes(content)
        self.seal(file)

    def seal(self, file: str) -> None:
        """Put a file's sha256 into the manifest."""
        self.change_manifest(
            lambda manifest: (
                manifest["files"].update({file: file_sha256(self.folder / file)}),
                manifest["counts"].update(self.counts(manifest)),
            )
        )

    def counts(self, manifest: Mapping[str, Any]) -> dict[str, int]:
        """Count what the rows hold now, so that only the promise in question breaks."""
        try:
            tables = [
                pq.read_table(self.folder / name)
                for names in manifest["configs"]["default"].values()
                for name in names
            ]
        except (OSError, pa.ArrowException):
            return {}
        if any({"tokens", "spans"} - set(table.column_names) for table in tables):
            return {}
        rows = [row for table in tables for row in table.select(["tokens", "spans"]).to_pylist()]
        return {
            "documents": len(rows),
            "tokens": sum(len(row["tokens"] or ()) for row in rows),
            "spans": sum(len(row["spans"] or ()) for row in rows),
        }

    def change_manifest(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest in place."""
        path = self.folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        change(manifest)
        path.write_text(json.dumps(manifest), encoding="utf-8")

    def open(self) -> Release:
        """Open the release again."""
        return open_release(self.folder)
