"""A release, or a file of annotations, into a list of the promises it breaks.

Every promise is checked on every row, and each breach is named with its document and range. The
checks read only what was published, never how it was made.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.arrow import losses_from
from gonerd.bio import decode, faults, tag_names
from gonerd.errors import GonerdError
from gonerd.files import load_annotations, load_documents
from gonerd.guide import load_guide, read_front_matter
from gonerd.near_duplicates import Signature, groups, signature
from gonerd.records import Annotation, Document, check_fit, text_sha256
from gonerd.release import ANNOTATIONS, DEFAULT, Release, open_release, read_rows
from gonerd.spans import covers, merge_ranges
from gonerd.store import LEDGER, MANIFEST, count_losses, file_sha256, read_part

COLUMNS = {
    DEFAULT: (
        "id", "text", "tokens", "ner_tags", "token_starts", "token_ends", "spans", "source", "url",
        "license", "language", "num_tokens",
    ),
    ANNOTATIONS: ("document_id", "text_sha256", "annotator", "guide", "coverage", "spans"),
}  # fmt: skip
"""The columns that a release promises, by config."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """One promise broken in one place."""

    where: str
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What was checked, and what was found."""

    checked: dict[str, int]
    breaches: tuple[Breach, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Turn the result into a JSON object."""
        return {
            "checked": self.checked,
            "breaches": [asdict(breach) for breach in self.breaches],
        }


def validate(path: Path, *, documents: Path | None = None, guide: str = "gonerd") -> Validation:
    """Check a release (a folder with its manifest), or a file or folder of annotations."""
    if path.is_dir() and (path / MANIFEST).is_file() and (path / "README.md").is_file():
        return validate_release(open_release(path))
    texts = {document.id: document for document in load_documents(documents)} if documents else None
    return validate_annotations(path, texts, guide)


def validate_annotations(
    path: Path, documents: Mapping[str, Document] | None, guide: str
) -> Validation:
    """Check a file of annotations; against their texts where these are given or in the file."""
    labels = load_guide(guide).labels
    breaches: list[Breach] = []
    try:
        loaded = load_annotations(path)
    except GonerdError as error:
        return Validation(
            checked={"annotations": 0}, breaches=(Breach(where=str(path), what=str(error)),)
        )
    seen: Counter[tuple[str, str]] = Counter()
    for where, annotation, text in loaded:
        seen[annotation.annotator, annotation.document_id] += 1
        if seen[annotation.annotator, annotation.document_id] == 2:
            what = f"{annotation.annotator!r} annotates {annotation.document_id!r} more than once"
            breaches.append(Breach(where=where, what=what))
        breaches += _annotation_breaches(where, annotation, text, documents, labels)
    return Validation(
        checked={
            "annotations": len(loaded),
            "spans": sum(len(annotation.spans) for _, annotation, _ in loaded),
        },
        breaches=tuple(breaches),
    )


def validate_release(release: Release) -> Validation:
    """Check every promise of a release."""
    breaches = [*_file_breaches(release), *_card_breaches(release)]
    explained: dict[str, list[tuple[int | None, int | None]]] = {}
    try:
        losses = losses_from(read_part(release.folder / LEDGER))
        for loss in losses:
            explained.setdefault(loss.document_id, []).append((loss.start, loss.end))
        if count_losses(losses) != release.losses:
            what = "its counts are not those of the manifest"
            breaches.append(Breach(where=LEDGER, what=what))
    except GonerdError as error:
        breaches.append(Breach(where=LEDGER, what=str(error)))
    tags = tag_names(release.labels)
    split_of: dict[str, str] = {}
    sha_of: dict[str, str] = {}
    length_of: dict[str, int] = {}
    by_source: dict[str, dict[str, str]] = {}
    signatures: list[Signature] = []
    num_tokens = num_spans = num_layers = 0
    try:
        for split, row in read_rows(release, DEFAULT, COLUMNS[DEFAULT]):
            name = row["id"]
            if name in split_of:
                breaches.append(Breach(where=name, what="its id stands twice in the release"))
            split_of[name] = split
            sha_of[name] = text_sha256(row["text"])
            length_of[name] = len(row["text"])
            by_source.setdefault(row["source"], {}).setdefault(split, name)
            signatures.append(signature(row["text"]))
            num_tokens += len(row["tokens"])
            num_spans += len(row["spans"])
            breaches += _row_breaches(row, tags, release.labels, explained.get(name, ()))
        for split, row in read_rows(release, ANNOTATIONS, COLUMNS[ANNOTATIONS]):
            num_layers += 1
            breaches += _layer_breaches(row, split, split_of, sha_of, length_of, release.labels)
    except GonerdError as error:
        breaches.append(Breach(where=release.name, what=str(error)))
    breaches += _leaks(release, list(split_of.items()), by_source, signatures)
    return Validation(
        checked={
            "documents": len(split_of),
            "tokens": num_tokens,
            "spans": num_spans,
            "layers": num_layers,
        },
        breaches=tuple(breaches),
    )


def _annotation_breaches(
    where: str,
    annotation: Annotation,
    text: str | None,
    documents: Mapping[str, Document] | None,
    labels: Mapping[str, str],
) -> Iterator[Breach]:
    name = annotation.document_id
    if text is not None:
        document = Document(id=name, text=text, source=name, license="unknown", language="en")
    elif documents is not None and name in documents:
        document = documents[name]
    else:
        document = None
        if documents is not None:
            yield Breach(where=where, what=f"its document {name!r} is not among the texts")
    if document is not None:
        try:
            check_fit(annotation, document)
        except GonerdError as error:
            yield Breach(where=where, what=str(error))
    coverage = merge_ranges(annotation.coverage)
    for span in annotation.spans:
        place = f"{name}[{span.start}:{span.end}]"
        if span.label not in labels:
            known = ", ".join(labels)
            what = f"{place}: label {span.label!r} is not in the guide ({known})"
            yield Breach(where=where, what=what)
        if not covers(coverage, span.start, span.end):
            what = f"{place}: lies outside what {annotation.annotator!r} declared done"
            yield Breach(where=where, what=what)


def _file_breaches(release: Release) -> Iterator[Breach]:
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
    for name in {release.name, release.folder.name}:
        if (release.folder / f"{name}.py").exists():
            what = (
                "a script under the release's own name keeps datasets 4 and later from loading it"
            )
            yield Breach(where=f"{name}.py", what=what)
    for config, splits in release.configs.items():
        for name in (name for names in splits.values() for name in names):
            try:
                schema = pq.read_schema(release.folder / name)
            except (OSError, pa.ArrowException):
                yield Breach(where=name, what="cannot be read as Parquet")
                continue
            if tuple(schema.names) != COLUMNS.get(config):
                yield Breach(where=name, what=f"has columns {', '.join(schema.names)}")
            if b"huggingface" in (schema.metadata or {}):
                what = "holds feature types that older versions of datasets cannot read"
                yield Breach(where=name, what=what)


def _card_breaches(release: Release) -> Iterator[Breach]:
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
        classes = {feature["name"]: feature for feature in features[DEFAULT]}["ner_tags"]
        names = list(classes["sequence"]["class_label"]["names"].values())
    except (OSError, UnicodeDecodeError, GonerdError, KeyError, TypeError, AttributeError) as error:
        yield Breach(where=card, what=f"its front matter cannot be read ({error})")
        return
    if files != release.configs:
        yield Breach(where=card, what="its front matter names other files than the manifest")
    if names != tag_names(release.labels):
        yield Breach(where=card, what="its front matter names other tags than the labels give")
    for key in ("license", "language", "task_categories", "pretty_name"):
        if not matter.get(key):
            yield Breach(where=card, what=f"its front matter has no {key}")


def _row_breaches(
    row: Mapping[str, Any],
    tags: Sequence[str],
    labels: Sequence[str],
    explained: Sequence[tuple[int | None, int | None]],
) -> Iterator[Breach]:
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
        if start < reach or text[start:end] != token:
            what = f"token {index} is {token!r}, the text there {text[start:end]!r}"
            yield Breach(where=f"{name}[{start}:{end}]", what=what)
        if missed := text[reach:start].strip():
            what = f"{missed[:40]!r} belongs to no token"
            yield Breach(where=f"{name}[{reach}:{start}]", what=what)
        reach = max(reach, end)
    if text[reach:].strip():
        what = f"the text goes on after the last token with {text[reach:].strip()[:40]!r}"
        yield Breach(where=f"{name}[{reach}:{len(text)}]", what=what)
    yield from _tag_breaches(row, tags, explained)
    yield from _span_breaches(name, row["spans"], len(text), labels)


def _tag_breaches(
    row: Mapping[str, Any],
    tags: Sequence[str],
    explained: Sequence[tuple[int | None, int | None]],
) -> Iterator[Breach]:
    """Compare what the tags say with what the spans say; the ledger may explain a difference."""
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
    known = set(explained)
    for start, end, label in sorted(spans - tagged):
        if (start, end) not in known:
            what = f"{label} is in the spans, not in the tags, and the ledger does not say why"
            yield Breach(where=f"{name}[{start}:{end}]", what=what)
    for start, end, label in sorted(tagged - spans):
        inside = [place for place in known if place[0] is not None and place[1] is not None]
        if not any(start <= first and last <= end for first, last in inside):
            what = f"{label} is in the tags, not in the spans, and the ledger does not say why"
            yield Breach(where=f"{name}[{start}:{end}]", what=what)


def _span_breaches(
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


def _layer_breaches(
    row: Mapping[str, Any],
    split: str,
    split_of: Mapping[str, str],
    sha_of: Mapping[str, str],
    length_of: Mapping[str, int],
    labels: Sequence[str],
) -> Iterator[Breach]:
    name = row["document_id"]
    where = f"{name} by {row['annotator']}"
    if split_of.get(name) != split:
        what = f"stands in {split}, its document in {split_of.get(name, 'no split')}"
        yield Breach(where=where, what=what)
        return
    if row["text_sha256"] != sha_of[name]:
        yield Breach(where=where, what="was made on another text (sha256)")
    for covered in row["coverage"]:
        if not 0 <= covered["start"] <= covered["end"] <= length_of[name]:
            yield Breach(where=where, what=f"its coverage leaves the text of {length_of[name]}")
    yield from _span_breaches(where, row["spans"], length_of[name], labels)


def _leaks(
    release: Release,
    documents: Sequence[tuple[str, str]],
    by_source: Mapping[str, Mapping[str, str]],
    signatures: Sequence[Signature],
) -> Iterator[Breach]:
    for source, splits in sorted(by_source.items()):
        if release.group == "source" and len(splits) > 1:
            held = ", ".join(f"{name} in {split}" for split, name in splits.items())
            yield Breach(where=source, what=f"one source stands in several splits ({held})")
    if len(signatures) != len(documents):
        return  # an id stands twice, which is named already
    for members in groups([np.asarray(one) for one in signatures]):
        splits_met = {documents[index][1] for index in members}
        if len(splits_met) > 1:
            held = ", ".join(f"{documents[i][0]} in {documents[i][1]}" for i in members[:4])
            yield Breach(
                where=documents[members[0]][0], what=f"near-duplicates cross splits ({held})"
            )
