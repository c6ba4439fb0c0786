"""A work folder, or plain files, into what lies on an annotator's desk: texts and suggestions.

A folder is that of a builder (documents/, annotations/<annotator>/, disputes/), or one with
documents.jsonl, and perhaps suggestions.jsonl and disputes.jsonl, that somebody put together.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from gonerd.arrow import disputes_from
from gonerd.config import read_toml
from gonerd.errors import ConfigError, StoreError
from gonerd.files import load_annotations, load_disputes, load_documents, parquet_files
from gonerd.guide import Guide, load_guide
from gonerd.records import GOLD, Dispute, Document, Span, check_fit, reading_order
from gonerd.rulings import METHODS
from gonerd.store import read_manifest, read_part

GUIDE = "gonerd"
"""The one that is followed where a folder names none."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A document with what is suggested for it."""

    document: Document
    suggestions: tuple[Span, ...]
    """In reading order, with confidence where there is one."""

    @cached_property
    def places(self) -> dict[Span, Span]:
        """Each suggestion by its place and label alone."""
        return {bare(one): one for one in self.suggestions}

    @cached_property
    def starts(self) -> list[int]:
        """Where suggestions start."""
        return [one.start for one in self.suggestions]

    @cached_property
    def longest(self) -> int:
        """Characters of the longest suggestion."""
        return max((one.end - one.start for one in self.suggestions), default=0)

    def suggested(self, start: int, end: int) -> list[Span]:
        """List suggestions that lie in [start, end) with any character."""
        first = bisect_left(self.starts, start - self.longest)
        last = bisect_left(self.starts, end)
        return [one for one in self.suggestions[first:last] if one.end > start]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """All there is to review."""

    folder: Path
    guide: Guide
    suggester: str | None
    """The annotator whose annotations are the suggestions."""
    papers: Mapping[str, Paper]
    """By document, in the order of the folder."""
    disputes: Sequence[Dispute] = field(default_factory=tuple)

    @cached_property
    def disputed(self) -> frozenset[tuple[str, int, int]]:
        """Documents and ranges that are in dispute."""
        return frozenset((one.document_id, one.start, one.end) for one in self.disputes)


def bare(span: Span) -> Span:
    """Take confidence and support off a span."""
    return Span(start=span.start, end=span.end, label=span.label, fragments=span.fragments)


def check_annotator(name: str, desk: Desk) -> str:
    """Refuse the name of a step, a method or the suggester: their work could not be told apart."""
    taken = [GOLD, *METHODS, *([desk.suggester] if desk.suggester else [])]
    if not name or name != name.strip() or len(name) > 200 or name in taken:
        raise ConfigError(
            f"--annotator {name[:40]!r}: is no name for a person; expected up to 200 letters, "
            f"without outer blanks, and none of {', '.join(map(repr, taken))}."
        )
    return name


def open_desk(folder: Path, *, guide: str | None = None, suggestions: str | None = None) -> Desk:
    """Read a folder; what is suggested are the annotations of `suggestions`, or of its only model.

    A folder without documents is a StoreError, a suggester that is not there a ConfigError.
    """
    documents = load_documents(_documents(folder))
    if twice := [one for one, count in Counter(one.id for one in documents).items() if count > 1]:
        raise StoreError(
            f"{_documents(folder)}: {twice[0]!r} stands twice; expected each document once."
        )
    chosen, spans = _suggestions(folder, suggestions, {one.id: one for one in documents})
    papers = {
        one.id: Paper(
            document=one, suggestions=tuple(sorted(spans.get(one.id, ()), key=reading_order))
        )
        for one in documents
    }
    return Desk(
        folder=folder,
        guide=load_guide(guide or guide_of(folder)),
        suggester=chosen,
        papers=papers,
        disputes=tuple(one for one in _disputes(folder) if one.document_id in papers),
    )


def _documents(folder: Path) -> Path:
    for place in (folder / "documents", folder / "documents.jsonl"):
        if place.is_file() or parquet_files(place):
            return place
    raise StoreError(
        f"{folder}: no documents; expected the work folder of a builder, or documents.jsonl in "
        "it.\nMake one: gonerd build, or gonerd collect BUILDER"
    )


def guide_of(folder: Path) -> str:
    """Name the guide of the builder whose work folder it is; `gonerd` where it is nobody's."""
    builder = folder / "builder.toml"
    if not builder.is_file():
        return GUIDE
    named = read_toml(builder).get("guide", GUIDE)
    return str(named)


def _suggestions(
    folder: Path, asked: str | None, documents: Mapping[str, Document]
) -> tuple[str | None, dict[str, Iterable[Span]]]:
    """Choose an annotator, and give its spans by document."""
    loose = folder / "suggestions.jsonl"
    by_name: dict[str, list[Path]] = {
        unquote(place.name): parquet_files(place)
        for place in sorted((folder / "annotations").glob("*"))
        if parquet_files(place)
    }
    if loose.is_file():
        for _, annotation, _ in load_annotations(loose):
            by_name.setdefault(annotation.annotator, []).append(loose)
    people = {name for name, files in by_name.items() if _of_people(files[0].parent)}
    models = [
        name for name in by_name if name not in people and ("@" in name or loose in by_name[name])
    ]
    chosen = asked if asked is not None else models[0] if len(models) == 1 else None
    if asked == "":
        return None, {}
    if chosen is None and not models:
        return None, {}
    if chosen is None or chosen not in by_name:
        raise ConfigError(
            f"--suggestions {asked or 'left out'}: {folder} has annotations of "
            f"{', '.join(by_name) or 'nobody'}; expected one of them, or '' for none."
        )
    found: dict[str, Iterable[Span]] = {}
    for path in dict.fromkeys(by_name[chosen]):
        for _, annotation, _ in load_annotations(path):
            document = documents.get(annotation.document_id)
            if document is not None and annotation.annotator == chosen:
                check_fit(annotation, document)
                found[document.id] = annotation.spans
    return chosen, found


def _of_people(folder: Path) -> bool:
    """Say whether annotations are known to be people's: the steps say by whom theirs are."""
    manifest = read_manifest(folder)
    return manifest is not None and manifest.step != "prelabel"


def _disputes(folder: Path) -> list[Dispute]:
    loose = folder / "disputes.jsonl"
    if loose.is_file():
        return load_disputes(loose)
    return [
        dispute
        for part in parquet_files(folder / "disputes")
        for dispute in disputes_from(read_part(part))
    ]
