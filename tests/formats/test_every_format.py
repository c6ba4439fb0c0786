"""Tests that must hold of every format alike: what goes out comes back, or the ledger says why."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.cli.annotations import export, import_
from gonerd.errors import ConfigError, GonerdError, Lost
from gonerd.formats.catalogue import FORMATS, check_options
from gonerd.formats.deliver import deliver_export
from gonerd.formats.layers import Format, ReadOptions, Written
from gonerd.formats.step import Imported, bring_in, send_out
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range, Span
from gonerd.spans import merge_ranges
from tests.folders import contents
from tests.formats.given import annotated_documents
from tests.formats.real import real
from tests.strategies import HOSTILE_TEXTS

TEXT = "Ana Roe met\nBo  in Lund, Sweden.\r\nThey left \U0001f600 Zoe\u0308 there. " * 2

NAMES = (
    "../../etc/x", "a/b/c.txt", "..", "-", "x\ny\tz", "# id = x", "d.jsonl", 'q"<&>\'|*[]_\\',
    "\u05d3 \U0001f600\u0308", "a" * 250, "%2e%2e/x", "CON:", "O", "null", "17", "a\u2028b", "~",
)  # fmt: skip
LABELS = (
    "B-X", "a b", "x|y", "O", "_", "*", "a\tb", "a\nb", "\U0001f600", "I-", "-", "a,b", '"', "x]",
    "[x", "a;b", "a=b", "%", "B-PER|LOC", "17", "null", "\u2028", "#",
)  # fmt: skip

numbers = count()


def said(
    document: Document,
    annotator: str,
    *spans: Span,
    coverage: tuple[Range, ...] | None = None,
    guide: str = "letters@2",
) -> Annotation:
    whole = merge_ranges([(0, len(document.text))])
    return Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=annotator,
        guide=guide,
        coverage=whole if coverage is None else coverage,
        spans=spans,
    )


def document_of(text: str = TEXT, document_id: str = "l-17", **values: str) -> Document:
    details = {"source": "letters", "license": "cc0-1.0", "language": "en"}
    return Document(id=document_id, text=text, **{**details, **values})


def span(start: int, end: int, label: str = "PER", *fragments: Range) -> Span:
    return Span(start=start, end=end, label=label, fragments=fragments)


def by_one(
    document: Document, *spans: Span, coverage: tuple[Range, ...] | None = None
) -> Annotated:
    annotation = said(document, "ana", *spans, coverage=coverage)
    return Annotated(document=document, annotations=(annotation,))


def one(*spans: Span, coverage: tuple[Range, ...] | None = None) -> Annotated:
    return by_one(document_of(), *spans, coverage=coverage)


def cases() -> dict[str, list[Annotated]]:
    """Name documents that have broken one program or another."""
    cases = {
        "span over a line end": [one(span(4, 14))],
        "span of the whole text": [one(span(0, len(TEXT)))],
        "spans with blanks at their edges": [one(span(3, 8), span(14, 17), span(11, 12))],
        "span of a part of a word": [one(span(1, 2), span(20, 24))],
        "nested": [one(span(0, 7), span(0, 3), span(4, 7, "LOC"), span(0, 7, "ORG"))],
        "the same twice": [one(span(0, 7), span(0, 7))],
        "crossing": [one(span(0, 7), span(4, 14, "LOC"))],
        "discontinuous": [one(span(0, 14, "PER", (0, 3), (12, 14)), span(4, 7))],
        "discontinuous over blanks alone": [one(span(0, 7, "PER", (0, 3), (4, 7)))],
        "adjacent": [one(span(0, 3), span(4, 7), span(8, 11))],
        "touching": [one(span(0, 2), span(2, 3), span(19, 23), span(23, 24))],
        "one annotator and nothing marked": [one()],
        "nothing read": [one(coverage=())],
        "nothing read, but something marked": [one(span(0, 3), coverage=())],
        "read in parts": [one(span(0, 3), span(20, 24, "LOC"), coverage=((0, 5), (19, 30)))],
        "parts that touch, and one of nothing": [one(coverage=((0, 5), (5, 8), (9, 9)))],
        "read to inside a word": [one(span(0, 3), coverage=((0, 5),))],
        "no text": [by_one(document_of(""))],
        "confidence and support": [
            one(
                replace(span(0, 7), confidence=0.25, support=3),
                replace(span(12, 14), confidence=1.0),
            )
        ],
        "200,000 characters": [
            by_one(
                document_of(TEXT * 1_800),
                *(span(at, at + 7) for at in range(0, 200_000, len(TEXT))),
            )
        ],
        "hostile texts": [
            by_one(
                document_of(text, f"l-{name}"),
                *(span(start, min(start + 3, len(text))) for start in range(0, len(text), 4)),
            )
            for name, text in HOSTILE_TEXTS.items()
        ],
        "labels that mean something elsewhere": [
            by_one(document_of(document_id=f"l-{number}"), span(0, 7, label))
            for number, label in enumerate(LABELS)
        ],
        "names that lead astray": [
            Annotated(document=document, annotations=(said(document, name), said(document, "bo")))
            for document, name in ((document_of(document_id=name), name) for name in NAMES)
        ],
    }
    for name in ("../../etc/x", "x\ny\tz", "..", "-"):
        document = document_of(document_id=name)
        both = (said(document, name, span(0, 3)), said(document, f"{name}x", span(0, 7)))
        cases[f"named {name!r}"] = [Annotated(document=document, annotations=both)]
        cases[f"by {name!r} alone"] = [Annotated(document=document, annotations=both[:1])]
    document = document_of()
    passes = (
        said(document, "ana", span(0, 7)),
        said(document, "bo", span(0, 3), coverage=((0, 40),)),
        said(document, "cyd"),
        said(document, "dee", span(0, 7), coverage=()),
    )
    cases["several annotators"] = [Annotated(document=document, annotations=passes)]
    other = document_of("Bo left.", "l-18", language="de", url="https://example.org/18")
    cases["several documents"] = [
        Annotated(document=document, annotations=passes[:1]),
        Annotated(document=other, annotations=(said(other, "bo", span(0, 2), guide=""),)),
        by_one(document_of("", "l-19")),
    ]
    return cases


def travel(form: Format, items: Sequence[Annotated], folder: Path) -> tuple[Written, Imported]:
    """Export documents into a folder, and import what lies there then."""
    written = send_out(form, items)
    suffix = ".json" if form.name == "cas" else form.suffixes[0]  # alone where XML cannot hold it
    out = folder / ("out" + suffix * (set(written.files) == {""}))
    deliver_export(written, out, strict=False)
    return written, bring_in(form, [out], ReadOptions())


def check_comes_back(items: Sequence[Annotated], written: Written, found: Imported) -> None:
    """Hold what came back against what went out, and each difference against the ledger."""
    losses = [*written.losses, *found.losses]
    back = {(one.document_id, one.annotator): one for one in found.annotations}
    sent = {(one.document_id, one.annotator): one for item in items for one in item.annotations}
    assert set(back) == set(sent)
    for item in items:
        document = item.document
        said_here = [loss for loss in losses if loss.document_id == document.id]
        whats = {loss.what for loss in said_here if loss.start is None}
        returned = found.documents[document.id]
        assert returned.text == document.text
        if "source, address, licence or language not carried" not in whats:
            assert returned == known(document)
        for annotation in item.annotations:
            other = back[document.id, annotation.annotator]
            assert other.guide == annotation.guide or "guide not carried" in whats
            assert merge_ranges(other.coverage) == merge_ranges(annotation.coverage) or (
                "coverage not carried" in whats
            )
            without = {
                key for key in ("confidence", "support") if f"{key} of spans not carried" in whats
            }
            check_spans(bare(annotation.spans, without), bare(other.spans, without), said_here)


def known(document: Document) -> Document:
    """Take an empty detail of a document for one that nobody knows."""
    return replace(
        document,
        source=document.source or document.id,
        license=document.license or "unknown",
        language=document.language or "en",
        url=document.url or None,
    )


def bare(spans: Sequence[Span], without: set[str]) -> Counter[Span]:
    """Count spans less what a format does not carry; one fragment is none."""
    return Counter(
        replace(
            span,
            fragments=span.fragments if len(span.fragments) > 1 else (),
            **dict.fromkeys(without),  # type: ignore[arg-type]
        )
        for span in spans
    )


def check_spans(sent: Counter[Span], back: Counter[Span], losses: Sequence[Loss]) -> None:
    """Hold each span that is gone against its own line, and each that is new against one gone."""
    named = {(loss.start, loss.end) for loss in losses}
    gone, new = sent - back, back - sent
    assert {(span.start, span.end) for span in gone} <= named
    assert new.total() <= gone.total()
    for changed in new:
        assert any(span.start <= changed.end and changed.start <= span.end for span in gone), (
            changed
        )


CASES = cases()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_goes_out_comes_back_or_the_ledger_says_why(
    name: str, case: str, tmp_path: Path
) -> None:
    written, found = travel(FORMATS[name], CASES[case], tmp_path)
    check_comes_back(CASES[case], written, found)


drawn_items = st.lists(
    annotated_documents(annotators=("ana", "bo", *NAMES)),
    min_size=1,
    max_size=2,
    unique_by=lambda item: item.document.id,
)


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=5)
@given(items=drawn_items)
def test_whatever_goes_out_comes_back_or_the_ledger_says_why(
    name: str, items: Sequence[Annotated], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"drawn{next(numbers)}"
    written, found = travel(FORMATS[name], items, folder)
    check_comes_back(items, written, found)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_document_that_nobody_annotated_goes_out_or_to_the_ledger(name: str) -> None:
    written = FORMATS[name].write([Annotated(document=document_of(), annotations=())])
    if name in {"docbin", "dolma"}:
        assert written.losses == ()
    else:
        loss = Loss(document_id="l-17", what="document left out", why="nobody has annotated it")
        assert written.losses == (loss,)
        assert not any(b"l-17" in content for content in written.files.values())


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_strict_refuses_every_loss_and_writes_nothing(name: str, tmp_path: Path) -> None:
    parts = span(0, 14, "PER", (0, 3), (12, 14))
    written = send_out(FORMATS[name], [one(replace(parts, confidence=0.25, support=3))])
    lossless = {"brat", "dataset"}
    assert (written.losses == ()) == (name in lossless)
    if name in lossless:
        deliver_export(written, tmp_path / "out", strict=True)
    else:
        with pytest.raises(
            Lost, match=r"^--strict: \d losses?; expected none\. Nothing was written"
        ):
            deliver_export(written, tmp_path / "out", strict=True)
        assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_option_that_a_format_has_no_use_for_is_refused(name: str) -> None:
    form = FORMATS[name]
    assert form.name == name
    values: dict[str, Any] = {
        "layer": "NE",
        "columns": {"tags": "ner"},
        "labels": ("O",),
        "scheme": "IOB2",
        "sentence_documents": True,
    }
    assert form.options <= set(values)
    for option, value in values.items():
        options = ReadOptions(annotator="ana", paths="{document}", **{option: value})
        if option in form.options:
            check_options(form, options)
        else:
            with pytest.raises(ConfigError, match=f"^--.*: of no use to {form.title}; it takes"):
                check_options(form, options)


def test_help_names_every_format() -> None:
    known = f"Formats: {', '.join(sorted(FORMATS))}."
    for command in (import_, export):
        assert known in " ".join(str(command.__doc__).split())


READERS: dict[str, Callable[[Any], Any]] = {
    "argilla": lambda row: row["spans.responses"][0],
    "jsonl": lambda row: row["spans"],
    "prodigy": lambda row: row["spans"],
}


@pytest.mark.parametrize("name", sorted(READERS))
def test_datasets_reads_lines_of_json_and_hands_them_on(name: str, tmp_path: Path) -> None:
    document, form = document_of(), FORMATS[name]
    marks = (span(0, 7), span(12, 14), span(TEXT.index("Zoe"), TEXT.index("Zoe") + 4, "ORG"))
    items = [by_one(document, *marks), by_one(document_of("Bo left.", "l-18"), span(0, 2))]
    written = send_out(form, items)
    (tmp_path / "out.jsonl").write_bytes(written.files[""])
    loaded = datasets.load_dataset(
        "json",
        data_files=str(tmp_path / "out.jsonl"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    for row, item in zip(loaded, items, strict=True):
        assert [(mark["start"], mark["end"], mark["label"]) for mark in READERS[name](row)] == [
            (mark.start, mark.end, mark.label) for mark in item.annotations[0].spans
        ]
    loaded.to_json(str(tmp_path / "theirs.jsonl"))
    found = bring_in(form, [tmp_path / "theirs.jsonl"], ReadOptions())
    check_comes_back(items, written, found)


REAL = {
    "exports/brat/BioNLP-ST_2011_EPI": ("brat", 20, 367),
    "exports/brat/NCBI-disease": ("brat", 20, 226),
    "exports/brat/pgxcorpus.tar.gz": ("brat", 470, 3_357),
    "exports/doccano": ("doccano", 44, 332),
    "exports/label_studio": ("label_studio", 4, 47),
    "exports/prodigy/fashion_brands_eval.jsonl.gz": ("prodigy", 500, 238),
    "exports/prodigy/rel_component_annotations.jsonl.gz": ("prodigy", 149, 466),
    "exports/uima_xmi": ("cas", 1, 5),
    "exports/webanno_tsv3_suite": ("webanno", 4, 4),
    "multi_annotator/btc_crowd/a.conll": ("conll", 1, 521),
    "ner/gum/conllu/dev": ("conllu", 12, 2_993),
    "ner/litbank/brat": ("brat", 78, 10_908),
    "ner/re3d": ("conll", 90, 2_674),
    "ner/sec_filings/FIN5.txt": ("conll", 5, 1_168),
    "ner/somesci/Pubmed_fulltext": ("brat", 44, 635),
    "ner/uner_english_ewt/en_ewt-ud-dev.iob2": ("conll", 318, 966),
    "ner/wikigold/wikigold.conll.txt": ("conll", 145, 3_558),
    "ner/wnut17": ("conll", 2, 2_811),
}
"""Places in the real data, the format they are of, and the annotations and spans they hold."""


@pytest.mark.parametrize("path", sorted(REAL))
def test_real_files_come_in_whole(path: str) -> None:
    name, num_annotations, num_spans = REAL[path]
    found = bring_in(FORMATS[name], [real(path)], ReadOptions())
    assert len(found.annotations) == num_annotations
    assert sum(len(annotation.spans) for annotation in found.annotations) == num_spans
    assert found.offsets.get("moved", 0) == found.offsets.get("refused", 0) == 0


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_real_file_of_any_kind_breaks_a_reader(name: str, data: Path) -> None:
    """One file of each folder and ending, of whatever format, is read or refused."""
    kinds = {}
    for place in ("exports", "multi_annotator", "ner"):
        for path in sorted((data / place).rglob("*")):
            if path.is_file() and path.stat().st_size < 40_000:
                kinds.setdefault((path.relative_to(data).parts[:3], path.suffix), path)
    assert len(kinds) > 60
    for path in kinds.values():
        try:
            bring_in(FORMATS[name], [path], ReadOptions())
        except GonerdError as error:
            assert str(error)
