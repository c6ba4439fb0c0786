"""Files in memory, documents with annotations drawn at random, and passes as records again."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from gonerd.formats.fit import fit
from gonerd.formats.layers import MARKED, WHOLE, Format, Pass, ReadOptions, TokenPass, Written
from gonerd.formats.members import Member
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Span
from tests import strategies


def member(content: bytes | str, name: str = "file.jsonl", root: str = "") -> Member:
    """Hold a file in memory."""
    held = content.encode() if isinstance(content, str) else content
    return Member(
        where=name, root=root or name.rpartition("/")[2].partition(".")[0], name=name,
        read=lambda: held,
    )  # fmt: skip


def lines(*rows: Any, name: str = "file.jsonl") -> Member:
    """Hold a file of JSON lines in memory."""
    return member("".join(json.dumps(row) + "\n" for row in rows), name)


def members_of(written: Written, name: str) -> list[Member]:
    """Hold what a writer made; the lone file gets a name."""
    return [
        member(content, inner or name, root="out")
        for inner, content in sorted(written.files.items())
    ]


@st.composite
def annotated_documents(
    draw: st.DrawFn,
    annotators: Sequence[str] = ("ana", "bo"),
    texts: st.SearchStrategy[str] = strategies.texts,
) -> Annotated:
    """Draw a document and what each of some annotators says about it."""
    document = draw(strategies.documents().filter(lambda document: document.text))
    length = len(document.text)
    return Annotated(
        document=document,
        annotations=tuple(
            Annotation(
                document_id=document.id,
                text_sha256=document.text_sha256,
                annotator=annotator,
                guide=draw(st.sampled_from(["", "letters@2"]) | st.text(max_size=4)),
                coverage=draw(st.just(((0, length),)) | strategies.ranges(length)),
                spans=tuple(draw(st.lists(strategies.spans(length), max_size=4))),
            )
            for annotator in draw(st.lists(st.sampled_from(annotators), min_size=1, unique=True))
        ),
    )


def fitted(items: Iterable[Annotated], format: Format) -> tuple[list[Annotated], list[Loss]]:
    """Reduce documents to what a format can carry."""
    pairs = [fit(item, format.carries, format.title) for item in items]
    return [item for item, _ in pairs], [loss for _, losses in pairs for loss in losses]


def read_all(format: Format, members: Sequence[Member], **options: Any) -> list[Any]:
    """Read members to the end."""
    return list(format.read(members, ReadOptions(**options)))


def said(one: TokenPass) -> list[tuple[str, str]]:
    """List the mentions of a pass, as their tokens and their label."""
    return [
        (" ".join(one.tokens[mention.start : mention.end]), mention.label)
        for mention in one.mentions
    ]


def losses_of(*passes: Pass | TokenPass) -> list[tuple[str, str]]:
    """List what was lost and why."""
    return [(loss.what, loss.why) for one in passes for loss in one.losses]


def annotation_of(found: Pass, text: str | None = None) -> Annotation:
    """Make the annotation that a pass in code points stands for."""
    text = found.text if text is None else text
    assert text is not None
    coverage = found.coverage
    if coverage == WHOLE:
        coverage = ((0, len(text)),) if text else ()
    elif coverage == MARKED:
        coverage = ()
    assert not isinstance(coverage, str)
    document = Document(
        id=found.document_id, text=text, source="", license="unknown", language="en"
    )
    return Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=found.annotator,
        guide=found.guide,
        coverage=coverage,
        spans=tuple(
            Span(
                start=mention.start,
                end=mention.end,
                label=mention.label,
                confidence=mention.confidence,
                support=mention.support,
                fragments=mention.fragments,
            )
            for mention in found.mentions
        ),
    )
