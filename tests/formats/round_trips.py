"""What must hold of every format of tokens that we write and read: all comes back, or a loss."""

from collections.abc import Sequence
from dataclasses import replace

from gonerd.formats.fit import fit
from gonerd.formats.layers import Format, Pass
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Range, Span, reading_order
from tests.formats.given import annotation_of, members_of, read_all


def annotated(
    text: str,
    *spans: tuple[int, int, str],
    document_id: str = "l-17",
    annotator: str = "ana",
    coverage: Sequence[Range] | None = None,
) -> Annotated:
    """Make a document with one annotation."""
    document = Document(
        id=document_id, text=text, source="letters", license="cc0-1.0", language="en"
    )
    annotation = Annotation(
        document_id=document_id,
        text_sha256=document.text_sha256,
        annotator=annotator,
        guide="letters@2",
        coverage=(((0, len(text)),) if text else ()) if coverage is None else tuple(coverage),
        spans=tuple(Span(start=start, end=end, label=label) for start, end, label in spans),
    )
    return Annotated(document=document, annotations=(annotation,))


def written_text(form: Format, *items: Annotated) -> str:
    """Write documents of one annotator, as the text of the file."""
    (content,) = form.write(items).files.values()
    return content.decode()


def assert_comes_back(form: Format, items: Sequence[Annotated]) -> None:
    """Write documents and read them again: the same, except for what the ledger names."""
    carried = [fit(item, form.carries, form.title)[0] for item in items]
    written = form.write(carried)
    members = members_of(written, f"out{form.suffixes[0]}")
    found = {(one.document_id, one.annotator): one for one in read_all(form, members)}
    lost = {(loss.document_id, loss.start, loss.end) for loss in written.losses}
    expected = {
        (item.document.id, annotation.annotator): (item.document, annotation)
        for item in carried
        for annotation in item.annotations
    }
    assert set(found) == set(expected)
    for key, (document, annotation) in expected.items():
        one = found[key]
        assert isinstance(one, Pass), one.notes
        assert one.text == document.text
        details = {name: getattr(document, name) for name in ("source", "license", "language")}
        assert one.details == details | ({} if document.url is None else {"url": document.url})
        back = annotation_of(one)
        assert replace(back, spans=()) == replace(annotation, spans=())
        kept = [
            _plain(span)
            for span in annotation.spans
            if (document.id, span.start, span.end) not in lost
        ]
        if any(loss.document_id == document.id for loss in written.losses):
            assert set(kept) <= set(back.spans)
        else:
            assert list(back.spans) == sorted(kept, key=reading_order)


def _plain(span: Span) -> Span:
    return replace(span, fragments=span.fragments if len(span.fragments) > 1 else ())
