"""Documents to write, and what must hold of every format of tokens: all comes back, or a loss."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gonerd.errors import GonerdError
from gonerd.formats.fit import fit
from gonerd.formats.layers import Format, Pass, TokenPass
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Range, Span, reading_order
from tests.formats.given import annotation_of, member, members_of, read_all

DETAILS = {"source": "s", "url": "https://x.org", "license": "cc0-1.0", "language": "sv"}
"""All that can be known of a document besides its text."""


def annotated(
    text: str,
    *spans: tuple[int, int, str] | Span,
    document_id: str = "l-17",
    annotator: str = "ana",
    coverage: Sequence[Range] | None = None,
    **details: str,
) -> Annotated:
    """Make a document with one annotation."""
    known = {"source": "letters", "license": "cc0-1.0", "language": "en", **details}
    document = Document(id=document_id, text=text, **known)
    annotation = Annotation(
        document_id=document_id,
        text_sha256=document.text_sha256,
        annotator=annotator,
        guide="letters@2",
        coverage=(((0, len(text)),) if text else ()) if coverage is None else tuple(coverage),
        spans=tuple(
            one if isinstance(one, Span) else Span(start=one[0], end=one[1], label=one[2])
            for one in spans
        ),
    )
    return Annotated(document=document, annotations=(annotation,))


def written_text(form: Format, *items: Annotated) -> str:
    """Write documents of one annotator, as the text of the file."""
    (content,) = form.write(items).files.values()
    return content.decode()


def assert_read_or_refused(form: Format, lines: Sequence[str], **options: Any) -> None:
    """Read lines that may be anything: tokens with mentions of them, or an error with its place."""
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    try:
        found: list[TokenPass] = read_all(form, [member(content)], **options)
    except GonerdError as error:
        assert str(error).startswith("file.jsonl")
        return
    for one in found:
        assert one.document_id == one.document_id.strip() != ""
        assert all(one.tokens)
        assert all(0 <= each.start < each.end <= len(one.tokens) for each in one.mentions)


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
