"""Tests that must hold of every format alike: what goes out comes back, or the ledger says why."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.errors import Lost
from gonerd.formats.catalogue import FORMATS
from gonerd.formats.deliver import deliver_export
from gonerd.formats.layers import Format, ReadOptions, Written
from gonerd.formats.step import Imported, bring_in, send_out
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range, Span
from gonerd.spans import merge_ranges
from tests.folders import contents
from tests.formats.given import annotated_documents
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


def one(*spans: Span, text: str = TEXT, coverage: tuple[Range, ...] | None = None) -> Annotated:
    document = document_of(text)
    annotation = said(document, "ana", *spans, coverage=coverage)
    return Annotated(document=document, annotations=(annotation,))


def cases() -> Iterator[tuple[str, Sequence[Annotated]]]:
    """Name documents that have broken one program or another."""
    for name, text in HOSTILE_TEXTS.items():
        marks = [span(start, min(start + 3, len(text))) for start in range(0, len(text), 4)]
        yield f"text with {name}", [one(*marks, text=text)]
    yield "span over a line end", [one(span(4, 14))]
    yield "span of the whole text", [one(span(0, len(TEXT)))]
    yield "spans with blanks at their edges", [one(span(3, 8), span(14, 17), span(11, 12))]
    yield "span of a part of a word", [one(span(1, 2), span(20, 24))]
    yield "nested", [one(span(0, 7), span(0, 3), span(4, 7, "LOC"), span(0, 7, "ORG"))]
    yield "the same twice", [one(span(0, 7), span(0, 7))]
    yield "crossing", [one(span(0, 7), span(4, 14, "LOC"))]
    yield "discontinuous", [one(span(0, 14, "PER", (0, 3), (12, 14)), span(4, 7))]
    yield "discontinuous over blanks alone", [one(span(0, 7, "PER", (0, 3), (4, 7)))]
    yield "adjacent", [one(span(0, 3), span(4, 7), span(8, 11))]
    yield "touching", [one(span(0, 2), span(2, 3), span(19, 23), span(23, 24))]
    yield "one annotator and nothing marked", [one()]
    yield "nothing read", [one(coverage=())]
    yield "nothing read, but something marked", [one(span(0, 3), coverage=())]
    yield "read in parts", [one(span(0, 3), span(20, 24, "LOC"), coverage=((0, 5), (19, 30)))]
    yield "parts that touch, and one of nothing", [one(coverage=((0, 5), (5, 8), (9, 9)))]
    yield "read to inside a word", [one(span(0, 3), coverage=((0, 5),))]
    document = document_of()
    passes = (
        said(document, "ana", span(0, 7)),
        said(document, "bo", span(0, 3), coverage=((0, 40),)),
        said(document, "cyd"),
        said(document, "dee", span(0, 7), coverage=()),
    )
    yield "several annotators", [Annotated(document=document, annotations=passes)]
    other = document_of("Bo left.", "l-18", language="de", url="https://example.org/18")
    yield (
        "several documents",
        [
            Annotated(document=document, annotations=passes[:1]),
            Annotated(document=other, annotations=(said(other, "bo", span(0, 2), guide=""),)),
            Annotated(
                document=document_of("", "l-19"),
                annotations=(said(document_of("", "l-19"), "ana"),),
            ),
        ],
    )
    yield (
        "confidence and support",
        [
            one(
                replace(span(0, 7), confidence=0.25, support=3),
                replace(span(12, 14), confidence=1.0),
            )
        ],
    )
    yield (
        "200,000 characters",
        [one(*(span(at, at + 7) for at in range(0, 200_000, len(TEXT))), text=TEXT * 1_800)],
    )
    marked = [
        span(20 * number % 60, 20 * number % 60 + 7, one) for number, one in enumerate(LABELS)
    ]
    yield (
        "labels that mean something elsewhere",
        [
            Annotated(
                document=document_of(document_id=f"l-{number}"),
                annotations=(said(document_of(document_id=f"l-{number}"), "ana", mark),),
            )
            for number, mark in enumerate(marked)
        ],
    )
    for name in NAMES:
        document = document_of(document_id=name)
        both = (said(document, name, span(0, 3)), said(document, f"{name}x", span(0, 7)))
        yield f"named {name[:12]!r}", [Annotated(document=document, annotations=both)]
        yield f"by {name[:12]!r} alone", [Annotated(document=document, annotations=both[:1])]


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


@pytest.mark.parametrize(("case", "items"), [pytest.param(*case, id=case[0]) for case in cases()])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_goes_out_comes_back_or_the_ledger_says_why(
    name: str, case: str, items: Sequence[Annotated], tmp_path: Path
) -> None:
    written, found = travel(FORMATS[name], items, tmp_path)
    check_comes_back(items, written, found)


drawn_items = st.lists(
    annotated_documents(annotators=("ana", "bo", *NAMES)),
    min_size=1,
    max_size=2,
    unique_by=lambda item: item.document.id,
)


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=300)
@given(items=drawn_items)
def test_whatever_goes_out_comes_back_or_the_ledger_says_why(
    name: str, items: Sequence[Annotated], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"drawn{next(numbers)}"
    written, found = travel(FORMATS[name], items, folder)
    check_comes_back(items, written, found)
