"""Tests that a DocBin is read as spaCy means it, and that spaCy finds our spans in ours."""

import random
import tracemalloc
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.vocab import Vocab

from gonerd.errors import ConfigError, RecordError, SourceError
from gonerd.formats.docbin import FORMAT
from gonerd.formats.layers import MARKED, WHOLE, Aside, Mention
from gonerd.formats.tokenized import tokenized
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Range
from gonerd.records import Span as OurSpan
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    member,
    members_of,
    read_all,
)
from tests.strategies import HOSTILE_TEXTS, hostile_values

WORDS = ["Ana", "met", "Bo", "Roe", "."]
SPACES = [True, True, True, False, False]
TEXT = "Ana met Bo Roe."


def blank() -> Doc:
    return Doc(Vocab(), words=WORDS, spaces=SPACES)


def packed(*docs: Doc) -> bytes:
    return DocBin(store_user_data=True, docs=docs).to_bytes()


def read_docs(*docs: Doc, **options: Any) -> list[Any]:
    return read_all(FORMAT, [member(packed(*docs), "letters.spacy")], **options)


def unpacked(items: Sequence[Annotated]) -> list[Doc]:
    return list(DocBin().from_bytes(FORMAT.write(items).files[""]).get_docs(Vocab()))


def item(
    *spans: tuple[int, int, str], text: str = TEXT, coverage: tuple[Range, ...] | None = None
) -> Annotated:
    document = Document(id="l-17", text=text, source="s", license="mit", language="en")
    annotation = Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator="ana",
        guide="letters@2",
        coverage=((0, len(text)),) if coverage is None else coverage,
        spans=tuple(OurSpan(start=start, end=end, label=label) for start, end, label in spans),
    )
    return Annotated(document=document, annotations=(annotation,))


def on_tokens(document: Document, annotation: Annotation) -> Annotation:
    """Widen the spans of an annotation to whole tokens."""
    found = tokenized(document, annotation)
    spans = (
        replace(span, start=found.tokens.starts[start], end=found.tokens.ends[end - 1])
        for (start, end, _), span in found.spans
    )
    return replace(annotation, spans=tuple(spans))


@given(st.lists(annotated_documents(["ana", "bo", "gold", "ents", "ann:"]), max_size=3))
def test_what_the_format_carries_comes_back_on_whole_tokens(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)
    written = FORMAT.write(kept)

    passes = read_all(FORMAT, members_of(written, "out.spacy"))

    pairs = [(item.document, annotation) for item in kept for annotation in item.annotations]
    assert sorted(map(annotation_of, passes), key=repr) == sorted(
        (on_tokens(document, annotation) for document, annotation in pairs), key=repr
    )
    assert list(written.losses) == [
        loss for document, annotation in pairs for loss in tokenized(document, annotation).losses
    ]


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_to_the_character(text: str) -> None:
    (doc,) = unpacked([item(text=text)])
    (found,) = read_all(FORMAT, members_of(FORMAT.write([item(text=text)]), "out.spacy"))

    assert doc.text == text
    assert found.text == text


def test_spacy_finds_the_spans_of_a_lone_annotator_as_entities() -> None:
    (doc,) = unpacked([item((0, 3, "PER"), (8, 14, "PER"))])

    assert [(e.start_char, e.end_char, e.label_, e.text) for e in doc.ents] == [
        (0, 3, "PER", "Ana"),
        (8, 14, "PER", "Bo Roe"),
    ]
    assert [token.ent_iob_ for token in doc] == ["B", "O", "B", "I", "O"]
    assert doc.user_data["id"] == "l-17"


def test_what_nobody_read_is_missing_and_not_outside() -> None:
    (doc,) = unpacked([item((0, 3, "PER"), coverage=((0, 8),))])

    assert [token.ent_iob_ for token in doc] == ["B", "O", "", "", ""]


def test_spans_that_overlap_are_a_span_group() -> None:
    (doc,) = unpacked([item((0, 14, "ORG"), (8, 14, "PER"))])

    assert not doc.ents
    assert [(s.start_char, s.end_char, s.label_) for s in doc.spans["ann:ana"]] == [
        (0, 14, "ORG"),
        (8, 14, "PER"),
    ]


def test_a_span_that_ends_inside_a_token_is_widened_and_said() -> None:
    written = FORMAT.write([item((0, 2, "PER"))])
    (found,) = read_all(FORMAT, members_of(written, "out.spacy"))

    assert found.mentions == (Mention(start=0, end=3, label="PER"),)
    assert [(loss.start, loss.end, loss.what, loss.why) for loss in written.losses] == [
        (0, 2, "span widened", "its border lies inside a token")
    ]


def test_gold_is_what_spacy_trains_on_where_several_have_annotated() -> None:
    ana = item((0, 3, "PER"))
    gold = item((8, 14, "PER")).annotations[0]
    both = Annotated(
        document=ana.document,
        annotations=(
            ana.annotations[0],
            Annotation(
                document_id="l-17",
                text_sha256=gold.text_sha256,
                annotator="gold",
                guide="",
                coverage=gold.coverage,
                spans=gold.spans,
            ),
        ),
    )
    (doc,) = unpacked([both])

    assert [entity.text for entity in doc.ents] == ["Bo Roe"]
    assert {key: [s.text for s in group] for key, group in doc.spans.items()} == {
        "ann:ana": ["Ana"]
    }


def test_entities_are_read_with_what_is_missing_left_open() -> None:
    doc = blank()
    doc.set_ents([Span(doc, 0, 1, label="PER")], missing=[doc[2:4]], default="outside")
    (found,) = read_docs(doc)

    assert (found.document_id, found.annotator) == ("letters", "letters")
    assert (found.text, found.unit) == (TEXT, "code points")
    assert found.mentions == (Mention(start=0, end=3, label="PER"),)
    assert found.coverage == ((0, 8), (14, 15))


def test_groups_are_annotators_of_their_own() -> None:
    doc = blank()
    doc.ents = [Span(doc, 0, 1, label="PER")]
    spans = [Span(doc, 0, 4, label="ORG"), Span(doc, 2, 4, label="PER")]
    doc.spans["sc"] = SpanGroup(doc, name="sc", attrs={"scores": [0.25, 7]}, spans=spans)
    doc.spans["ann:bo"] = []

    ents, sc, bo = read_docs(doc, annotator="ana")

    assert [f.annotator for f in (ents, sc, bo)] == ["ana", "sc", "bo"]
    assert [f.coverage for f in (ents, sc, bo)] == [WHOLE, MARKED, MARKED]
    assert sc.mentions == (
        Mention(start=0, end=14, label="ORG", confidence=0.25),
        Mention(start=8, end=14, label="PER"),
    )
    assert sc.notes == ("span group 'sc' is an annotator, who marked no more",)
    assert [f.annotator for f in read_docs(doc, layer="sc")] == ["sc"]
    with pytest.raises(ConfigError) as error:
        read_docs(doc, layer="gold")
    assert str(error.value) == ("layer 'gold' is in no document; expected one of ann:bo, ents, sc.")


def test_what_stands_beside_the_spans_is_kept() -> None:
    doc = Doc(Vocab(), words=WORDS, spaces=SPACES, pos=["PROPN", "VERB", "PROPN", "PROPN", "PUNCT"])
    doc.ents = [Span(doc, 0, 1, label="PER", kb_id="Q1")]
    doc.cats = {"letter": 1.0}
    doc.user_data |= {
        ("._.", "doc_id", None, None): 7,
        "language": "sv",
        "shelf": {"row": (1, 2)},
    }
    (found,) = read_docs(doc)

    assert (found.document_id, found.details) == ("7", {"language": "sv"})
    assert [(aside.kind, dict(aside.value)) for aside in found.asides] == [
        ("cats", {"cats": {"letter": 1.0}}),
        ("user_data", {"user_data": {"shelf": {"row": [1, 2]}}}),
        ("link", {"start": 0, "end": 3, "label": "PER", "kb_id": "Q1", "id": ""}),
    ]
    assert all(isinstance(aside, Aside) for aside in found.asides)
    assert found.notes == ("not read: POS",)


def test_a_document_without_any_entity_layer_is_unknown_and_not_empty() -> None:
    first, second = read_docs(blank(), blank())

    assert (first.document_id, second.document_id) == ("letters:1", "letters:2")
    assert (first.coverage, first.mentions) == ((), ())
    assert first.notes == ("no token says whether it is an entity",)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no zlib", id="not packed"),
        pytest.param(zlib.compress(b"\x81"), id="not msgpack"),
        pytest.param(zlib.compress(b"\x80"), id="keys missing"),
        pytest.param(packed(blank())[:-9], id="cut"),
    ],
)
def test_what_is_no_docbin_is_refused(content: bytes) -> None:
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, [member(content, "letters.spacy")])
    assert str(error.value).startswith("letters.spacy: not a DocBin (")
    assert str(error.value).endswith("expected what `DocBin.to_disk` writes.")


def test_a_bomb_is_refused_before_it_is_in_memory() -> None:
    bomb = zlib.compress(bytes(60_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(SourceError) as error:
            read_all(FORMAT, [member(bomb, "letters.spacy")])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(error.value) == (
        "letters.spacy: unpacks to over 50,000,000 bytes; expected a DocBin, which takes about 50 "
        "times its size."
    )
    assert peak < 10_000_000


@given(st.randoms(use_true_random=False))
def test_any_bytes_are_read_or_refused(chance: random.Random) -> None:
    doc = blank()
    doc.ents = [Span(doc, 0, 1, label="PER")]
    doc.spans["sc"] = [Span(doc, 2, 4, label="PER")]
    content = bytearray(zlib.decompress(packed(doc)))
    for _ in range(3):
        content[chance.randrange(len(content))] = chance.randrange(256)
    try:
        read_all(FORMAT, [member(zlib.compress(bytes(content)), "letters.spacy")])
    except RecordError as error:
        assert str(error).startswith("letters.spacy: ")


@given(st.sampled_from(["id", "text_sha256", "annotations", "language"]), hostile_values)
def test_any_user_data_is_read_or_refused(key: str, value: Any) -> None:
    doc = blank()
    doc.user_data[key] = value
    try:
        content = packed(doc)
    except (ValueError, TypeError, OverflowError):
        return  # spaCy itself cannot write it
    try:
        read_all(FORMAT, [member(content, "letters.spacy")])
    except RecordError as error:
        assert str(error).startswith("letters.spacy: ")
