"""A release, or plain files with its columns, into documents with gold, by split.

Plain files are Parquet or JSON lines with `text` and `spans` (start, end, label) in each row, and
perhaps `id` or `document_id`, and `coverage`, as a gold of `gonerd reconcile` has them; other
columns are not read. A file's split is its name up to the first `-`, `.` or `_`, as in
`train-00000-of-00002.parquet`; a file that is given by itself is the split `train`, as for
`load_dataset`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gonerd.errors import ConfigError, RecordError, SourceError, StoreError, located
from gonerd.files import numbered_lines, parse_json_line
from gonerd.gather import Annotated
from gonerd.records import (
    GOLD,
    Annotation,
    Document,
    Range,
    Span,
    check_fit,
    span_from_json,
)
from gonerd.release import DEFAULT, Release, open_release, read_rows
from gonerd.spans import merge_ranges
from gonerd.store import MANIFEST

SUFFIXES = (".parquet", ".jsonl")
COLUMNS = ("id", "document_id", "text", "coverage", "spans")


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """What there is to learn from, or to be measured on."""

    path: Path
    labels: tuple[str, ...]
    """In the order of a release; of plain files those that occur, by name."""
    splits: dict[str, tuple[Path, ...]]
    """With the files of each, where they are plain."""
    release: Release | None
    """None: plain files, whose labels need not be all that there are."""


def open_data(path: Path) -> Data:
    """Open a release, or plain files; what is neither is a StoreError."""
    if (path / MANIFEST).exists():
        release = open_release(path)
        splits: dict[str, tuple[Path, ...]] = dict.fromkeys(release.configs[DEFAULT], ())
        return Data(path=path, labels=release.labels, splits=splits, release=release)
    splits = _plain_files(path)
    if not splits:
        raise StoreError(
            f"{path}: no {MANIFEST} in it, nor files by split such as train.parquet or "
            "train.jsonl; expected a release, or files with its columns text and spans."
        )
    found = {span.label for split in splits for one in _plain(splits[split], split)
             for span in one.annotations[0].spans}  # fmt: skip
    return Data(path=path, labels=tuple(sorted(found)), splits=splits, release=None)


def read_split(data: Data, split: str) -> list[Annotated]:
    """Read the documents of a split with their gold; one that is not there is a ConfigError."""
    if split not in data.splits:
        raise ConfigError(
            f"{data.path}: no split {split!r}; expected one of {', '.join(data.splits)}."
        )
    if data.release is None:
        return list(_plain(data.splits[split], split))
    columns = ("id", "text", "source", "license", "language", "spans")
    rows = (row for of, row in read_rows(data.release, DEFAULT, columns) if of == split)
    return [_annotated(row) for row in rows]


def _annotated(row: dict[str, Any]) -> Annotated:
    spans = [
        Span(start=one["start"], end=one["end"], label=one["label"]) for one in row.pop("spans")
    ]
    return _with_gold(Document(**row), spans)


def _with_gold(
    document: Document, spans: Iterable[Span], coverage: Sequence[Range] | None = None
) -> Annotated:
    """Put a document and its gold together; without a coverage all of it has been read."""
    whole = ((0, len(document.text)),) if document.text else ()
    gold = Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=GOLD,
        guide="",
        coverage=whole if coverage is None else merge_ranges(coverage),
        spans=tuple(spans),
    )
    return Annotated(document=document, annotations=(gold,))


def _plain_files(path: Path) -> dict[str, tuple[Path, ...]]:
    """List files by split: of a folder, or of `data` in it, or the one file that is given."""
    if path.is_file() and path.suffix in SUFFIXES:
        return {"train": (path,)}
    for folder in (path, path / "data"):
        files = sorted(one for one in folder.glob("*") if one.suffix in SUFFIXES and one.is_file())
        splits: dict[str, tuple[Path, ...]] = {}
        for one in files:
            split = re.split(r"[-._]", one.name)[0]
            splits[split] = (*splits.get(split, ()), one)
        if splits:
            return splits
    return {}


def _plain(files: Iterable[Path], split: str) -> Iterator[Annotated]:
    """Read rows that anybody may have written, one a document."""
    seen: set[str] = set()
    for file in files:
        rows = _of_parquet(file) if file.suffix == ".parquet" else _of_lines(file)
        for number, (where, row) in enumerate(rows):
            one = _checked(row, where, f"{file.name.split('.')[0]}-{number}")
            if one.document.id in seen:
                raise RecordError(
                    f"{where}: the document {one.document.id!r} stands here again; expected one "
                    "row a document.\nBring several people's rows together: gonerd reconcile"
                )
            seen.add(one.document.id)
            yield one


def _of_lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, raw in numbered_lines(file):
        yield where, parse_json_line(raw, where)


def _of_parquet(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file)
        wanted = [name for name in COLUMNS if name in opened.schema_arrow.names]
        number = 0
        for batch in opened.iter_batches(batch_size=64, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield f"{file}: row {number}", row
    except (OSError, pa.ArrowException) as error:
        raise SourceError(
            f"{file}: cannot be read ({str(error).splitlines()[0]}); expected a Parquet file."
        ) from None


def _checked(row: dict[str, Any], where: str, name: str) -> Annotated:
    """Check a row: what stands where `text` and `spans` should may be anything."""
    for key, kind, called in (("text", str, "a string"), ("spans", list, "a list of spans")):
        if not isinstance(row.get(key), kind):
            said = f"{key} is {str(row[key])[:40]!r}" if key in row else f"no {key}"
            raise RecordError(f"{where}: {said}; expected {called}, as in a release.")
    wanted = ("start", "end", "label")
    spans = [
        span_from_json(
            {key: span[key] for key in wanted if key in span} if isinstance(span, dict) else span,
            where,
        )
        for span in row["spans"]
    ]
    document = located(
        where,
        Document,
        id=str(row.get("id") or row.get("document_id") or name),
        text=row["text"],
        source=name,
        license="unknown",
        language="en",
    )
    found = located(where, _with_gold, document, spans, _coverage(row, where))
    located(where, check_fit, found.annotations[0], document)
    return found


def _coverage(row: dict[str, Any], where: str) -> list[Range] | None:
    """Read what has been read of a document: pairs, or what Parquet has for them."""
    given = row.get("coverage")
    if given is None:
        return None
    ranges = given if isinstance(given, list) else [None]
    pairs: list[Any] = [
        [one.get("start"), one.get("end")] if isinstance(one, dict) else one for one in ranges
    ]
    for pair in pairs:
        if (
            not isinstance(pair, list)
            or [type(item) for item in pair] != [int, int]
            or not 0 <= pair[0] <= pair[1]
        ):
            raise RecordError(
                f"{where}: coverage is {str(given)[:40]!r}; expected a list of [start, end] in "
                "characters."
            )
    return [(pair[0], pair[1]) for pair in pairs]
