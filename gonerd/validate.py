"""A release, or a file of annotations, into a list of the promises it breaks.

Every promise is checked on every row, a few rows at a time; what must be seen together (ids,
sources, near-duplicates, layers and their documents) is kept small.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gonerd.arrow import LOSSES, losses_from
from gonerd.checks import (
    Breach,
    Place,
    check_card,
    check_files,
    check_layer,
    check_row,
    check_schema,
    check_table,
)
from gonerd.errors import GonerdError, SourceError, StoreError
from gonerd.files import load_annotations, load_documents
from gonerd.guide import load_guide
from gonerd.near_duplicates import Signature, groups, signature
from gonerd.progress import QUIET, Progress
from gonerd.records import Annotation, Document, check_fit, text_sha256
from gonerd.release import ANNOTATIONS, DEFAULT, SCHEMAS, Release, open_release, read_rows
from gonerd.spans import covers, merge_ranges
from gonerd.store import LEDGER, MANIFEST, count_losses, part_paths, read_part


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What was checked, and what was found."""

    checked: dict[str, int]
    breaches: tuple[Breach, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Turn the result into a JSON object."""
        return {
            "checked": self.checked,
            "breaches": [asdict(breach) for breach in self.breaches],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What is remembered of a document after its row has passed."""

    split: str
    source: str
    length: int
    sha256: str
    signature: Signature


@dataclass(kw_only=True, slots=True)
class _Tally:
    """What has been met so far on the way through a release."""

    breaches: list[Breach] = field(default_factory=list)
    documents: dict[str, _Seen] = field(default_factory=dict)
    layers: set[tuple[str, str]] = field(default_factory=set)
    rows: int = 0
    tokens: int = 0
    spans: int = 0

    def add(self, where: str, what: str) -> None:
        """Note a breach."""
        self.breaches.append(Breach(where=where, what=what))


def validate(
    path: Path,
    *,
    documents: Path | None = None,
    guide: str = "gonerd",
    progress: Progress = QUIET,
) -> Validation:
    """Check a release (a folder with its manifest), or a file or folder of annotations."""
    if str(path) != "-" and not path.exists():
        raise SourceError(
            f"{path}: no such file or folder; expected a release, or a file or folder of "
            "annotations."
        )
    if (path / MANIFEST).is_file() and not part_paths(path):
        return validate_release(open_release(path), progress)
    texts = {document.id: document for document in load_documents(documents)} if documents else None
    return validate_annotations(path, texts, guide)


def validate_annotations(
    path: Path, documents: Mapping[str, Document] | None, guide: str
) -> Validation:
    """Check annotations; against `documents` where given, else against texts they carry."""
    labels = load_guide(guide).labels
    tally = _Tally()
    try:
        loaded = load_annotations(path)
    except GonerdError as error:
        tally.add(str(path), str(error))
        loaded = []
    seen: Counter[tuple[str, str]] = Counter()
    for where, annotation, text in loaded:
        seen[annotation.annotator, annotation.document_id] += 1
        if seen[annotation.annotator, annotation.document_id] == 2:
            what = f"{annotation.annotator!r} annotates {annotation.document_id!r} more than once"
            tally.add(where, what)
        try:
            if document := _text_of(annotation, text, documents):
                check_fit(annotation, document)
        except GonerdError as error:
            tally.add(where, str(error))
        tally.breaches += _span_breaches(where, annotation, labels)
    return Validation(
        checked={
            "annotations": len(loaded),
            "spans": sum(len(annotation.spans) for _, annotation, _ in loaded),
        },
        breaches=tuple(tally.breaches),
    )


def validate_release(release: Release, progress: Progress = QUIET) -> Validation:
    """Check every promise of a release."""
    tally = _Tally()
    tally.breaches += [*check_files(release), *check_card(release)]
    readable = _check_tables(release, tally)
    explained = _read_ledger(release, tally)
    with progress.bar("validate", release.counts.get("documents", 0)) as advance:
        for split, row in read_rows(readable, DEFAULT, SCHEMAS[DEFAULT].names):
            _check_document(release, split, row, explained, tally)
            advance(1)
    counts = {"documents": tally.rows, "tokens": tally.tokens, "spans": tally.spans}
    if readable.configs.get(DEFAULT) == release.configs[DEFAULT]:  # else it is named already
        if counts != release.counts:
            tally.add(MANIFEST, f"counts {release.counts}, the rows hold {counts}")
        for split, row in read_rows(readable, ANNOTATIONS, SCHEMAS[ANNOTATIONS].names):
            _check_layer(release, split, row, tally)
    tally.breaches += _leaks(release, tally.documents)
    return Validation(
        checked={**counts, "layers": len(tally.layers)}, breaches=tuple(tally.breaches)
    )


def _check_tables(release: Release, tally: _Tally) -> Release:
    """Check each Parquet file; return the release with those alone whose rows can be read."""
    configs: dict[str, dict[str, list[str]]] = {}
    for config, splits in release.configs.items():
        for split, names in splits.items():
            for name in names:
                path = release.folder / name
                tally.breaches += check_schema(path, name, config)
                unreadable = list(check_table(path, name, config))
                tally.breaches += unreadable
                if not unreadable:
                    configs.setdefault(config, {}).setdefault(split, []).append(name)
    return replace(release, configs=configs)


def _read_ledger(release: Release, tally: _Tally) -> dict[str, list[Place]]:
    """Read what the ledger explains, by document."""
    explained: dict[str, list[Place]] = {}
    try:
        table = read_part(release.folder / LEDGER)
        if table.column_names != LOSSES.names:
            raise StoreError(f"has columns {', '.join(table.column_names)}")
        losses = losses_from(table)
        for loss in losses:
            explained.setdefault(loss.document_id, []).append((loss.start, loss.end))
        if count_losses(losses) != release.losses:
            tally.add(LEDGER, "its counts are not those of the manifest")
    except GonerdError as error:
        tally.add(LEDGER, str(error))
    return explained


def _check_document(
    release: Release,
    split: str,
    row: Mapping[str, Any],
    explained: Mapping[str, Sequence[Place]],
    tally: _Tally,
) -> None:
    name = row["id"]
    if name in tally.documents:
        tally.add(name, "its id stands twice in the release")
    tally.documents[name] = _Seen(
        split=split,
        source=row["source"],
        length=len(row["text"]),
        sha256=text_sha256(row["text"]),
        signature=signature(row["text"]),
    )
    tally.rows += 1
    tally.tokens += len(row["tokens"])
    tally.spans += len(row["spans"])
    tally.breaches += check_row(row, release.labels, explained.get(name, ()))


def _check_layer(release: Release, split: str, row: Mapping[str, Any], tally: _Tally) -> None:
    name, annotator = row["document_id"], row["annotator"]
    where = f"{name} by {annotator}"
    if (name, annotator) in tally.layers:
        tally.add(where, "stands twice in the release")
    tally.layers.add((name, annotator))
    document = tally.documents.get(name)
    if document is None or document.split != split:
        in_split = "no split" if document is None else document.split
        tally.add(where, f"stands in {split}, its document in {in_split}")
        return
    tally.breaches += check_layer(
        row, length=document.length, sha256=document.sha256, labels=release.labels
    )


def _text_of(
    annotation: Annotation, text: str | None, documents: Mapping[str, Document] | None
) -> Document | None:
    """Find the text an annotation must fit, if any is known."""
    name = annotation.document_id
    if documents is not None:
        if name not in documents:
            raise StoreError(f"its document {name!r} is not among the texts")
        return documents[name]
    if text is None:
        return None
    return Document(id=name, text=text, source=name, license="unknown", language="en")


def _span_breaches(
    where: str, annotation: Annotation, labels: Mapping[str, str]
) -> Iterator[Breach]:
    coverage = merge_ranges(annotation.coverage)
    for span in annotation.spans:
        place = f"{annotation.document_id}[{span.start}:{span.end}]"
        if span.label not in labels:
            known = ", ".join(labels)
            what = f"{place}: label {span.label!r} is not in the guide ({known})"
            yield Breach(where=where, what=what)
        if not covers(coverage, span.start, span.end):
            what = f"{place}: lies outside what {annotation.annotator!r} declared done"
            yield Breach(where=where, what=what)


def _leaks(release: Release, documents: Mapping[str, _Seen]) -> Iterator[Breach]:
    """Find sources and near-duplicates that stand in more than one split."""
    by_source: dict[str, dict[str, str]] = {}
    for name, document in documents.items():
        by_source.setdefault(document.source, {}).setdefault(document.split, name)
    for source, splits in sorted(by_source.items()):
        if release.group == "source" and len(splits) > 1:
            held = ", ".join(f"{name} in {split}" for split, name in splits.items())
            yield Breach(where=source, what=f"one source stands in several splits ({held})")
    listed = list(documents.items())
    for members in groups([document.signature for _, document in listed]):
        if len({listed[index][1].split for index in members}) > 1:
            held = ", ".join(f"{listed[i][0]} in {listed[i][1].split}" for i in members[:4])
            yield Breach(where=listed[members[0]][0], what=f"near-duplicates cross splits ({held})")
