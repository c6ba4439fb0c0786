"""Openly licensed corpora with long documents into releases to learn from and be measured on.

Nothing is republished: the releases lie in a working folder, and a document is whole. Names are
those of the readers in `prelabeller.corpora`; SoMeSci's mentions of software are its own, and so
are its splits. Elsewhere a document's split follows from a hash of its id, save SEC filings, of
which there are five.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.formats.catalogue import find_format
from gonerd.formats.layers import ReadOptions
from gonerd.formats.step import bring_in
from gonerd.records import Span
from gonerd.release import ROWS
from gonerd.spans import flatten
from prelabeller import corpora

NAMES = ("LOC", "MISC", "ORG", "PER")
SOFTWARE = {
    "Application_Usage": "Software", "Application_Mention": "Software",
    "PlugIn_Usage": "Software", "ProgrammingEnvironment_Usage": "Software",
    "ProgrammingEnvironment_Mention": "Software", "OperatingSystem_Usage": "Software",
    "OperatingSystem_Mention": "Software", "Version": "Version", "Developer": "Developer",
    "Citation": "Citation", "URL": "URL",
}  # fmt: skip
"""SoMeSci's kinds of mention; the kinds of software are too rare in whole articles to tell apart.

Abbreviation, Extension, Release, AlternativeName and coreference, 15 spans in all, are left out.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A document with the spans that were published for it."""

    id: str
    split: str
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LongCorpus:
    """Where a corpus comes from, and how it is read."""

    title: str
    license: str
    labels: tuple[str, ...]
    read: Callable[[Path], Iterator[Text]]


def write_release(name: str, data: Path, folder: Path) -> Path:
    """Write a corpus below `data` as a release, unless it is there."""
    if (folder / "manifest.json").exists():
        return folder
    corpus = LONG_CORPORA[name]
    texts = sorted(corpus.read(data / "ner"), key=lambda one: one.id)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    splits = ("train", "validation", "test")
    for split in splits:
        rows = [_row(one, name, corpus) for one in texts if one.split == split]
        table = pa.Table.from_pylist(rows, schema=ROWS)
        pq.write_table(table, folder / "data" / f"{split}.parquet")
    manifest = {
        "name": name, "gonerd": "0", "fingerprint": "", "guide": f"{name}@1",
        "labels": sorted(corpus.labels), "group": "document",
        "configs": {"default": {split: [f"data/{split}.parquet"] for split in splits}},
        "files": {}, "counts": {}, "losses": {},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _row(one: Text, name: str, corpus: LongCorpus) -> dict[str, Any]:
    spans = [
        {"start": span.start, "end": span.end, "label": span.label}
        for span in one.spans
        if span.label in corpus.labels
    ]
    row: dict[str, Any] = dict.fromkeys(ROWS.names)
    return row | {
        "id": one.id, "text": one.text, "spans": spans, "source": name,
        "license": corpus.license, "language": "en",
    }  # fmt: skip


def _by_hash(document_id: str) -> str:
    """Share documents out: 15 in 100 to measure on, 10 to watch, the rest to learn from."""
    place = zlib.crc32(document_id.encode()) / 2**32
    return "test" if place < 0.15 else "validation" if place < 0.25 else "train"


def _whole(
    examples: Iterator[corpora.Example], split_of: Callable[[str], str] = _by_hash
) -> Iterator[Text]:
    """Join the pieces of each document again, a line for each."""
    pieces: dict[str, list[corpora.Example]] = {}
    for one in examples:
        pieces.setdefault(one.document_id, []).append(one)
    for document_id, parts in pieces.items():
        text, spans = "", []
        for part in parts:
            spans += [_moved(span, len(text)) for span in part.spans]
            text += part.text + "\n"
        yield Text(id=document_id, split=split_of(document_id), text=text, spans=tuple(spans))


def _moved(span: Span, by: int) -> Span:
    return Span(start=span.start + by, end=span.end + by, label=span.label)


def _gum(folder: Path) -> Iterator[Text]:
    """Read GUM; its own dev documents are measured on, and a tenth of train is watched."""
    train = [one.document_id for one in corpora.gum(folder, "train")]
    watched = {one for one in train if _by_hash(one) == "validation"}
    yield from _whole(
        corpora.gum(folder, "train"), lambda one: "validation" if one in watched else "train"
    )
    yield from _whole(corpora.gum(folder, "dev"), lambda one: "test")


FILINGS: Mapping[str, str] = {"sec-0": "test", "sec-1": "validation", "sec-4": "test"}
"""Two of 7,000 and 4,000 words to measure on, the shortest to watch, the rest to learn from."""


def _somesci(folder: Path) -> Iterator[Text]:
    """Read the whole articles of SoMeSci, also those without software; its devel is measured on."""
    for part in ("train", "devel"):
        articles = folder / "somesci" / "Pubmed_fulltext" / part
        imported = bring_in(find_format("brat"), [articles], ReadOptions(), complete=True)
        for one in imported.annotations:
            text = imported.documents[one.document_id].text
            if not text:  # three articles are empty files
                continue
            spans = [
                Span(start=span.start, end=span.end, label=SOFTWARE[span.label])
                for span in one.spans
                if span.label in SOFTWARE
            ]
            kept: Sequence[Span] = flatten(spans)[0]
            held = part == "train" and _by_hash(one.document_id) == "validation"
            split = "test" if part == "devel" else "validation" if held else "train"
            yield Text(id=one.document_id, split=split, text=text, spans=tuple(kept))


LONG_CORPORA = {
    "litbank": LongCorpus(
        title="LitBank, names in English fiction",
        license="CC BY 4.0",
        labels=("LOC", "PER"),
        read=lambda folder: _whole(corpora.litbank(folder)),
    ),
    "somesci": LongCorpus(
        title="SoMeSci, software in whole articles",
        license="CC BY 4.0",
        labels=tuple(sorted(set(SOFTWARE.values()))),
        read=_somesci,
    ),
    "sec": LongCorpus(
        title="SEC filings, parties of loan agreements",
        license="CC BY 3.0",
        labels=("LOC", "ORG", "PER"),
        read=lambda folder: _whole(
            corpora.sec_filings(folder), lambda one: FILINGS.get(one, "train")
        ),
    ),
    "gum": LongCorpus(
        title="GUM, names in academic, court, interview and news texts",
        license="annotations CC BY 4.0; texts CC BY 4.0 and CC BY 2.5",
        labels=NAMES,
        read=_gum,
    ),
    "wikigold": LongCorpus(
        title="Wikigold, Wikipedia articles",
        license="CC BY 4.0",
        labels=NAMES,
        read=lambda folder: _whole(corpora.wikigold(folder)),
    ),
}
