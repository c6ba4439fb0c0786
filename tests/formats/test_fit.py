"""Tests that an annotation is cut to what a format can carry, and that the rest is named."""

from dataclasses import replace

import pytest
from hypothesis import given

from gonerd.formats.fit import fit
from gonerd.formats.layers import Carries
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range, Span, reading_order
from tests.formats.given import annotated_documents

EVERYTHING = Carries(
    discontinuous=True, coverage=True, confidence=True, support=True, guide=True,
    document_details=True,
)  # fmt: skip
NOTHING = Carries(overlapping=False)
TEXT = "Ana Roe met Bo."


def item(
    *spans: Span,
    guide: str = "",
    coverage: tuple[Range, ...] = ((0, len(TEXT)),),
    text: str = TEXT,
    **details: str,
) -> Annotated:
    values = {"source": "l-17", "license": "unknown", "language": "en"}
    document = Document(id="l-17", text=text, **{**values, **details})
    annotation = Annotation(
        document_id="l-17",
        text_sha256=document.text_sha256,
        annotator="ana",
        guide=guide,
        coverage=coverage,
        spans=spans,
    )
    return Annotated(document=document, annotations=(annotation,))


def lost(given: Annotated, carries: Carries = NOTHING) -> list[str]:
    return [f"{loss.what}: {loss.why}" for loss in fit(given, carries, "X")[1]]


def span(start: int, end: int, label: str = "PER") -> Span:
    return Span(start=start, end=end, label=label)


@given(annotated_documents())
def test_a_format_that_carries_everything_gets_everything(drawn: Annotated) -> None:
    assert fit(drawn, EVERYTHING, "X") == (drawn, [])


@given(annotated_documents())
def test_what_is_left_is_flat_and_of_one_piece_and_every_span_is_accounted_for(
    drawn: Annotated,
) -> None:
    fitted, losses = fit(drawn, NOTHING, "X")
    assert fitted.document == drawn.document
    left_out = [loss for loss in losses if loss.what == "span left out"]
    kept = [one for annotation in fitted.annotations for one in annotation.spans]
    assert len(kept) + len(left_out) == sum(len(one.spans) for one in drawn.annotations)
    for annotation in fitted.annotations:
        ends = [0]
        for one in annotation.spans:
            assert one.fragments == () and one.start >= ends[-1]
            assert (one.confidence, one.support) == (None, None)
            ends.append(one.end)


@pytest.mark.parametrize(
    ("given_item", "losses"),
    [
        pytest.param(item(), [], id="nothing to lose"),
        pytest.param(item(coverage=((0, 4), (4, 15))), [], id="read whole in two goes"),
        pytest.param(item(text="", coverage=()), [], id="an empty text is read"),
        pytest.param(
            item(coverage=((0, 4),)),
            ["coverage not carried: X has no place for it"],
            id="read in part",
        ),
        pytest.param(
            item(coverage=()), ["coverage not carried: X has no place for it"], id="not read"
        ),
        pytest.param(
            item(guide="letters@2"), ["guide not carried: X has no place for it"], id="guide"
        ),
        *(
            pytest.param(
                item(**details),
                ["source, address, licence or language not carried: X has no place for it"],
                id=f"{next(iter(details))} of the document",
            )
            for details in (
                {"source": "letters"},
                {"license": "cc0-1.0"},
                {"url": "https://example.org/17"},
                {"language": "de"},
            )
        ),
        pytest.param(
            item(replace(span(0, 3), confidence=0.5), replace(span(4, 7), support=2), span(8, 9)),
            [
                "confidence of spans not carried: X has no place for it",
                "support of spans not carried: X has no place for it",
            ],
            id="confidence and support",
        ),
        pytest.param(
            item(replace(span(0, 7), fragments=((0, 3), (4, 7)))),
            ["span joined: X has no spans in parts"],
            id="parts",
        ),
        pytest.param(item(replace(span(0, 7), fragments=((0, 7),))), [], id="one part"),
        pytest.param(
            item(span(0, 3), span(0, 7), span(4, 7, "LOC")),
            ["span left out: it overlaps another, and X has no such spans"] * 2,
            id="nested",
        ),
        pytest.param(item(span(0, 3), span(3, 7)), [], id="touching"),
    ],
)
def test_every_loss_is_named(given_item: Annotated, losses: list[str]) -> None:
    assert lost(given_item) == losses
    assert lost(given_item, EVERYTHING) == []


def test_the_longest_stays_and_the_ledger_says_where_the_others_were() -> None:
    fitted, losses = fit(item(span(0, 3), span(2, 9), span(8, 11)), NOTHING, "X")
    assert [(one.start, one.end) for one in fitted.annotations[0].spans] == [(2, 9)]
    why = "it overlaps another, and X has no such spans"
    assert losses == [
        Loss(document_id="l-17", start=0, end=3, what="span left out", why=why),
        Loss(document_id="l-17", start=8, end=11, what="span left out", why=why),
    ]


def test_parts_are_joined_before_overlaps_are_sought() -> None:
    parts = replace(span(0, 14), fragments=((0, 3), (12, 14)))
    fitted, losses = fit(item(parts, span(4, 7)), NOTHING, "X")
    assert fitted.annotations[0].spans == (span(0, 14),)
    assert [loss.what for loss in losses] == ["span joined", "span left out"]


@given(annotated_documents())
def test_a_format_of_overlapping_spans_keeps_them_all(drawn: Annotated) -> None:
    fitted, _ = fit(drawn, Carries(), "X")
    for before, after in zip(drawn.annotations, fitted.annotations, strict=True):
        assert sorted((one.start, one.end, one.label) for one in before.spans) == sorted(
            (one.start, one.end, one.label) for one in after.spans
        )
        assert list(after.spans) == sorted(after.spans, key=reading_order)
