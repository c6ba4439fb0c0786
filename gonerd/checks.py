"""One row, layer, file or card of a release into the promises it breaks.

Each check looks at one thing, knows nothing of how it was made, and names the document and range of
what it finds. `validate.py` walks a release through them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gonerd.bio import decode, faults, tag_names
from gonerd.errors import GonerdError
from gonerd.guide import read_front_matter
from gonerd.release import DEFAULT, SCHEMAS, Release
from gonerd.spans import covers, merge_ranges
from gonerd.store import MANIFEST, file_sha256

Place = tuple[int | None, int | None]
"""Characters [start, end) of a ledger line, or None where it speaks of the whole document."""

_MAY_BE_EMPTY = frozenset({"url", "confidence", "support"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """One promise broken in one place."""

    where: str
    what: str


def check_files(release: Release) -> Iterator[Breach]:
    """Compare the folder with the manifest, file by file and byte by byte."""
    present = {
        path.relative_to(release.folder).as_posix()
        for path in release.folder.rglob("*")
        if path.is_file()
    } - {MANIFEST}
    for name in sorted(set(release.files) - present):
        yield Breach(where=name, what="is in the manifest and not in the folder")
    for name in sorted(present - set(release.files)):
        yield Breach(where=name, what="is in the folder and not in the manifest")
    for name in sorted(present & set(release.files)):
        if file_sha256(release.folder / name) != release.files[name]:
            yield Breach(where=name, what="its bytes are not those of the manifest (sha256)")
    for name in sorted({release.name, release.folder.resolve().name}):
        if (release.folder / f"{name}.py").exists():
            what = (
                "a script under the release's own name keeps datasets 4 and later from loading it"
            )
            yield Breach(where=f"{name}.py", what=what)


def check_schema(path: Path, name: str, config: str) -> Iterator[Breach]:
    """Check that a Parquet file holds no more than was promised, in that order."""
    try:
        found = pq.read_schema(path)
        promised = SCHEMAS[config].names
    except (OSError, pa.ArrowException, KeyError):
        return  # which check_table says
    if found.names != promised and set(promised) <= set(found.names):
        yield Breach(where=name, what=f"has columns {', '.join(found.names)}")
    if b"huggingface" in (found.metadata or {}):
        what = "holds feature types that older versions of datasets cannot read"
        yield Breach(where=name, what=what)


def check_table(path: Path, name: str, config: str) -> Iterator[Breach]:
    """Check that a Parquet file has the promised columns, their types, and a value in each cell.

    Of a file with a breach here the rows cannot be checked.
    """
    schema = SCHEMAS.get(config)
    if schema is None:
        yield Breach(where=name, what=f"belongs to a config {config!r} that is not promised")
        return
    try:
        file = pq.ParquetFile(path)
        found = file.schema_arrow
    except (OSError, pa.ArrowException):
        yield Breach(where=name, what="cannot be read as Parquet")
        return
    if set(schema.names) - set(found.names):
        yield Breach(where=name, what=f"has columns {', '.join(found.names)}")
        return
    for field in schema:
        if found.field(field.name).type != field.type:
            kind = found.field(field.name).type
            yield Breach(where=name, what=f"column {field.name} is {kind}, not {field.type}")
            return
    first_row = 0
    for batch in file.iter_batches(batch_size=64):
        for column in schema.names:
            if (row := _first_empty(batch[column], column)) is not None:
                yield Breach(where=name, what=f"row {first_row + row}: no {column}")
        first_row += batch.num_rows


def check_card(release: Release) -> Iterator[Breach]:
    """Compare the card's front matter with the manifest."""
    card = "README.md"
    try:
        text = (release.folder / card).read_text(encoding="utf-8")
        matter, _ = read_front_matter(text, card)
        files = {
            config["config_name"]: {
                files["split"]: [files["path"]] if isinstance(files["path"], str) else files["path"]
                for files in config["data_files"]
            }
            for config in matter["configs"]
        }
        features = {info["config_name"]: info["features"] for info in matter["dataset_info"]}
        columns = {
            config: [feature["name"] for feature in listed] for config, listed in features.items()
        }
        classes = {feature["name"]: feature for feature in features[DEFAULT]}["ner_tags"]
        names = list(classes["sequence"]["class_label"]["names"].values())
    except (OSError, UnicodeDecodeError, GonerdError, KeyError, TypeError, AttributeError) as error:
        yield Breach(where=card, what=f"its front matter cannot be read ({error})")
        return
    if files != release.configs:
        yield Breach(where=card, what="its front matter names other files than the manifest")
    if columns != {config: SCHEMAS[config].names for config in release.configs}:
        yield Breach(where=card, what="its front matter names other columns than are promised")
    if names != tag_names(release.labels):
        yield Breach(where=card, what="its front matter names other tags than the labels give")
    for key in ("license", "language", "task_categories", "pretty_name"):
        if not matter.get(key):
            yield Breach(where=card, what=f"its front matter has no {key}")


def check_row(
    row: Mapping[str, Any], labels: Sequence[str], explained: Sequence[Place]
) -> Iterator[Breach]:
    """Check one document: tokens against text, tags against spans; the ledger may explain."""
    name, text = row["id"], row["text"]
    tokens, starts, ends = row["tokens"], row["token_starts"], row["token_ends"]
    lengths = {len(tokens), len(starts), len(ends), len(row["ner_tags"]), row["num_tokens"]}
    if len(lengths) > 1:
        yield Breach(
            where=name, what=f"tokens, tags and offsets differ in number {sorted(lengths)}"
        )
        return
    reach = 0
    for index, (token, start, end) in enumerate(zip(tokens, starts, ends, strict=True)):
        if start < reach or end > len(text) or text[start:end] != token:
            what = f"token {index} is {token!r}, the text there {text[start:end]!r}"
            yield Breach(where=f"{name}[{start}:{end}]", what=what)
        if missed := text[reach:start].strip():
            what = f"{missed[:40]!r} belongs to no token"
            yield Breach(where=f"{name}[{reach}:{start}]", what=what)
        reach = max(reach, end)
    if text[reach:].strip():
        what = f"the text goes on after the last token with {text[reach:].strip()[:40]!r}"
        yield Breach(where=f"{name}[{reach}:{len(text)}]", what=what)
    yield from _check_tags(row, tag_names(labels), explained)
    yield from _check_spans(name, row["spans"], len(text), labels)


def check_layer(
    row: Mapping[str, Any], *, length: int, sha256: str, labels: Sequence[str]
) -> Iterator[Breach]:
    """Check one annotator's layer against its document's length and hash."""
    where = f"{row['document_id']} by {row['annotator']}"
    if row["text_sha256"] != sha256:
        yield Breach(where=where, what="was made on another text (sha256)")
    coverage = [(covered["start"], covered["end"]) for covered in row["coverage"]]
    for start, end in coverage:
        if not 0 <= start <= end <= length:
            yield Breach(where=where, what=f"its coverage leaves the text of {length}")
    for span in row["spans"]:
        inside = span["end"] <= length  # what is not is named below
        if inside and not covers(merge_ranges(coverage), span["start"], span["end"]):
            place = f"{where}[{span['start']}:{span['end']}]"
            yield Breach(where=place, what=f"{span['label']} lies outside its coverage")
    yield from _check_spans(where, row["spans"], length, labels)


def _check_tags(
    row: Mapping[str, Any], tags: Sequence[str], explained: Sequence[Place]
) -> Iterator[Breach]:
    """Compare what the tags say with what the spans say."""
    name, starts, ends = row["id"], row["token_starts"], row["token_ends"]
    unknown = [tag for tag in row["ner_tags"] if not 0 <= tag < len(tags)]
    if unknown:
        what = f"tag id {unknown[0]} is not one of the {len(tags)} of the labels"
        yield Breach(where=name, what=what)
        return
    named = [tags[tag] for tag in row["ner_tags"]]
    if wrong := faults(named):
        for fault in wrong:
            place = f"{name}[{starts[fault.index]}:{ends[fault.index]}]"
            yield Breach(where=place, what=f"tag {fault.tag} {fault.why}")
        return
    tagged = {(starts[first], ends[last - 1], label) for first, last, label in decode(named)}
    spans = {(span["start"], span["end"], span["label"]) for span in row["spans"]}
    known = {(start, end) for start, end in explained if start is not None and end is not None}
    for start, end, label in sorted(spans - tagged):
        if (start, end) not in known:
            what = f"{label} is in the spans, not in the tags, and the ledger does not say why"
            yield Breach(where=f"{name}[{start}:{end}]", what=what)
    for start, end, label in sorted(tagged - spans):
        if not any(start < last and first < end for first, last in known):
            what = f"{label} is in the tags, not in the spans, and the ledger does not say why"
            yield Breach(where=f"{name}[{start}:{end}]", what=what)


def _check_spans(
    name: str, spans: Sequence[Mapping[str, Any]], length: int, labels: Sequence[str]
) -> Iterator[Breach]:
    for span in spans:
        place = f"{name}[{span['start']}:{span['end']}]"
        if not 0 <= span["start"] < span["end"] <= length:
            yield Breach(where=place, what=f"span {span['label']} leaves the text of {length}")
        if span["label"] not in labels:
            what = f"label {span['label']!r} is not one of {', '.join(labels)}"
            yield Breach(where=place, what=what)
        if span["confidence"] is not None and not 0 <= span["confidence"] <= 1:
            yield Breach(where=place, what=f"confidence {span['confidence']} is not from 0 to 1")


def _first_empty(column: pa.Array, name: str) -> int | None:
    """Find the first row of a column that lacks a value it must have, at any depth."""
    if name in _MAY_BE_EMPTY:
        return None
    if column.null_count:
        return int(pc.index(column.is_null(), True).as_py())
    if not pa.types.is_list(column.type):
        return None
    items = column.flatten()
    fields = items.type if pa.types.is_struct(items.type) else ()
    inner = [(items.field(field.name), field.name) for field in fields]
    for values, inner_name in [(items, name), *inner]:
        if values.null_count and inner_name not in _MAY_BE_EMPTY:
            position = pc.index(values.is_null(), True).as_py()
            return int(column.value_parent_indices()[position].as_py())
    return None
