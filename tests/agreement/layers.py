"""Annotations by several people, drawn at random or made by hand."""

from collections.abc import Sequence

from hypothesis import strategies as st

from gonerd.records import Annotation, Range, Span, text_sha256
from tests.strategies import flat_ranges, ranges

LENGTH = 100
"""Characters of the documents that are drawn."""

Place = tuple[int, int] | tuple[int, int, str]


def an_annotation(
    annotator: str,
    places: Sequence[Place | Span],
    *,
    coverage: tuple[Range, ...] = ((0, LENGTH),),
    document_id: str = "a",
    text: str | None = None,
) -> Annotation:
    """Make an annotation with spans given as (start, end) of a PER, or (start, end, label)."""
    return Annotation(
        document_id=document_id,
        text_sha256=text_sha256(document_id if text is None else text),
        annotator=annotator,
        guide="gonerd@1",
        coverage=coverage,
        spans=tuple(place if isinstance(place, Span) else a_span(*place) for place in places),
    )


def a_span(start: int, end: int, label: str = "PER", fragments: tuple[Range, ...] = ()) -> Span:
    """Make a span."""
    return Span(start=start, end=end, label=label, fragments=fragments)


@st.composite
def any_spans(draw: st.DrawFn) -> list[Span]:
    """Draw spans that nest, overlap, come in pieces, and share borders under several labels."""
    offsets = st.integers(0, 24)
    found = []
    for _ in range(draw(st.integers(0, 8))):
        count = draw(st.sampled_from([2, 2, 2, 2, 4]))
        flat = sorted(draw(st.lists(offsets, min_size=count, max_size=count, unique=True)))
        pieces = tuple(zip(flat[::2], flat[1::2], strict=True))
        label = draw(st.sampled_from(["LOC", "PER"]))
        found.append(a_span(flat[0], flat[-1], label, pieces if len(pieces) > 1 else ()))
    return found


@st.composite
def flat_spans(draw: st.DrawFn) -> list[Span]:
    """Draw spans that do not overlap."""
    return [
        a_span(start, end, draw(st.sampled_from(["LOC", "PER"])))
        for start, end in draw(flat_ranges(24, 4, gap=3))
    ]


@st.composite
def layers(draw: st.DrawFn, most: int = 4) -> list[Annotation]:
    """Draw the annotations of some people over up to three documents, whole or in part."""
    return [
        an_annotation(
            annotator,
            draw(any_spans() | flat_spans()),
            coverage=draw(st.just(((0, LENGTH),)) | ranges(longest=30)),
            document_id=document_id,
        )
        for annotator in ["ana", "bo", "cy", "di"][: draw(st.integers(0, most))]
        for document_id in draw(st.sets(st.sampled_from("abc")).map(sorted))
    ]
