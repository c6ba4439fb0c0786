"""Passes of several people over texts, in few words, for tests of methods of reconciliation."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from gonerd.gather import Gathered
from gonerd.reconcile.decide import within_coverage
from gonerd.records import Annotation, Document, Range, Span
from gonerd.spans import flatten

LABELS = ("PER", "ORG", "LOC")
NAMES = ("ana", "bo", "cy", "di", "eva")
SENTENCE = "Ana Roe met Bo of Lund Steel in the old town of Ystad, said Di."
SENTENCES = st.just(SENTENCE)

Mark = tuple[int, int, str]
Spoil = Callable[[random.Random, Mark], Mark | None]


def a_document(text: str, document_id: str = "d") -> Document:
    """Make a document."""
    return Document(id=document_id, text=text, source="s", license="mit", language="en")


def said_by(
    name: str, document: Document, *spans: Span | Mark, coverage: Sequence[Range] | None = None
) -> Annotation:
    """Make what somebody says, who has read the whole unless `coverage` says otherwise."""
    whole = ((0, len(document.text)),) if document.text else ()
    return Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=name,
        guide="test@1",
        coverage=whole if coverage is None else tuple(coverage),
        spans=tuple(
            one if isinstance(one, Span) else Span(start=one[0], end=one[1], label=one[2])
            for one in spans
        ),
    )


def gathered(document: Document, annotations: Sequence[Annotation]) -> Gathered:
    """Put everything said about a document together."""
    return Gathered(document_id=document.id, document=document, annotations=tuple(annotations))


def only_read(item: Gathered) -> Gathered:
    """Keep what lies in what its annotator has read."""
    kept = [within_coverage(one)[0] for one in item.annotations]
    return replace(item, annotations=tuple(kept))


def by_all(
    *passes: Sequence[Span | Mark], text: str = SENTENCE, document_id: str = "d"
) -> Gathered:
    """Let as many people as there are passes say these about a text that all have read."""
    document = a_document(text, document_id)
    return gathered(
        document,
        [said_by(name, document, *spans) for name, spans in zip(NAMES, passes, strict=False)],
    )


@st.composite
def spans_in(draw: st.DrawFn, length: int, labels: Sequence[str] = LABELS) -> Span:
    """Draw a span of a text of some length, at least one."""
    start = draw(st.integers(0, length - 1))
    end = draw(st.integers(start + 1, min(length, start + 12)))
    return Span(start=start, end=end, label=draw(st.sampled_from(labels)))


@st.composite
def crowds(
    draw: st.DrawFn,
    *,
    texts: st.SearchStrategy[str] = SENTENCES,
    flat: bool = False,
    labels: Sequence[str] = LABELS,
    at_most: int = 4,
    document_id: str = "d",
) -> Gathered:
    """Draw a text that up to four people have marked, who often say the same."""
    document = a_document(draw(texts), document_id)
    length = len(document.text)
    pool = draw(st.lists(spans_in(length, labels), max_size=6)) if length else []
    annotations = []
    for name in NAMES[: draw(st.integers(1, at_most))]:
        spans = draw(st.lists(st.sampled_from(pool), max_size=5, unique=True)) if pool else []
        edge = draw(st.integers(0, length))
        coverage = draw(st.sampled_from([None, None, None, ((0, edge),), ((edge, length),), ()]))
        kept = flatten(spans)[0] if flat else spans
        annotations.append(said_by(name, document, *kept, coverage=coverage))
    return gathered(document, annotations)


def crowd_with(spoil: Spoil, invents: int = 0) -> list[Gathered]:
    """Let four careful people and a fifth, whose marks are spoilt, mark three hundred names."""
    chance = random.Random(7)
    items = []
    for number in range(30):
        document = a_document("word " * 400, f"d{number:02d}")
        truth: list[Mark] = [
            (start, start + 14, chance.choice(LABELS)) for start in range(50, 1550, 150)
        ]
        passes = []
        for name in NAMES:
            marks = [mark for mark in truth if chance.random() < 0.9]
            if name == NAMES[-1]:
                marks = [other for mark in marks if (other := spoil(chance, mark)) is not None]
                marks += [
                    (start, start + 4, "PER") for start in range(125, 125 + 150 * invents, 150)
                ]
            passes.append(said_by(name, document, *marks))
        items.append(gathered(document, passes))
    return items


def swapped(chance: random.Random, mark: Mark) -> Mark:
    """Often call an ORG a PER."""
    return (mark[0], mark[1], "PER") if mark[2] == "ORG" and chance.random() < 0.8 else mark


def begun_late(chance: random.Random, mark: Mark) -> Mark:
    """Often leave the first word out."""
    return (mark[0] + 5, mark[1], mark[2]) if chance.random() < 0.6 else mark


def ended_late(chance: random.Random, mark: Mark) -> Mark:
    """Often take in the next word."""
    return (mark[0], mark[1] + 5, mark[2]) if chance.random() < 0.6 else mark


def missed(chance: random.Random, mark: Mark) -> Mark | None:
    """Mark only every other name."""
    return None if chance.random() < 0.5 else mark


def left_alone(chance: random.Random, mark: Mark) -> Mark:
    """Be as careful as the others."""
    return mark
