"""What tests of the UIMA formats share: passes as records, and what a round trip must keep."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gonerd.formats.layers import Annotated, Pass, Written
from gonerd.formats.offsets import calibrate
from gonerd.records import Annotation, Document, Loss, Span
from gonerd.spans import merge_ranges


def placed(found: Pass) -> Annotation:
    """Put a pass on its text as the import does, and expect every mention to stand there."""
    assert found.text is not None
    document = Document(
        id=found.document_id, text=found.text, source="", license="unknown", language="en"
    )
    coverage = () if isinstance(found.coverage, str) else found.coverage
    done = calibrate(
        document.id,
        found.text,
        found.mentions,
        coverage=coverage,
        unit=found.unit,
        exact=found.unit is not None,
    )
    assert not done.losses
    return Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=found.annotator,
        guide=found.guide,
        coverage=done.coverage,
        spans=done.spans,
    )


def check_came_back(items: Sequence[Annotated], written: Written, passes: Iterable[Pass]) -> None:
    """Expect every annotation again, but for the spans that are in the ledger."""
    found = {(one.document_id, one.annotator): one for one in passes}
    for item in items:
        changed = _changed(item.document, written.losses)
        for annotation in item.annotations:
            one = found.pop((item.document.id, annotation.annotator))
            assert one.text == item.document.text
            back = placed(one)
            assert back.guide == annotation.guide
            assert back.coverage == merge_ranges(annotation.coverage)
            untouched = Counter(
                span for span in annotation.spans if (span.start, span.end) not in changed
            )
            assert untouched <= Counter(back.spans)
            assert changed or untouched == Counter(back.spans)
    assert not found


def annotated(text: str, *spans: Span, annotator: str = "ana", name: str = "d/1") -> Annotated:
    """Make a document that somebody has read."""
    made = Document(id=name, text=text, source="s", license="mit", language="en", url="u")
    return Annotated(
        document=made,
        annotations=(
            Annotation(
                document_id=made.id,
                text_sha256=made.text_sha256,
                annotator=annotator,
                guide="letters@2",
                coverage=((0, len(text)),) if text else (),
                spans=spans,
            ),
        ),
    )


def by_annotators(item: Annotated, *names: str) -> Annotated:
    """Let several say the same."""
    (one,) = item.annotations
    return replace(item, annotations=tuple(replace(one, annotator=name) for name in names))


def _changed(document: Document, losses: Iterable[Loss]) -> set[tuple[int | None, int | None]]:
    return {(loss.start, loss.end) for loss in losses if loss.document_id == document.id}
