"""Documents into a pipeline's annotations, each read whole through windows cut at sentence ends.

spaCy's tokenizer runs once over the whole text, so a window is a slice of the same tokens and its
length limit is never met. Windows of several documents share a batch; a document's annotation
leaves as soon as its last window is done.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from spacy.language import Language
from spacy.tokens import Doc

from gonerd.prelabel.pipeline import PrelabelConfig
from gonerd.records import Annotation, Document, Loss, Span
from gonerd.windows import Window, cut, join, sentence_ends, to_units


@dataclass(frozen=True, kw_only=True, slots=True)
class Prelabelled:
    """One document's annotation, and what was repaired or dropped on the way."""

    annotation: Annotation
    losses: tuple[Loss, ...]


Piece = tuple[int, Document, Window]
"""Number of the document, the document, and a window of it in characters."""


def prelabel_documents(
    nlp: Language,
    documents: Iterable[Document],
    *,
    annotator: str,
    guide: str,
    labels: dict[str, str],
    config: PrelabelConfig,
) -> Iterator[Prelabelled]:
    """Label documents with a pipeline, in order; `labels` maps its labels to the guide's."""
    pieces = _pieces(nlp, documents, config)
    labelled = nlp.pipe(pieces, as_tuples=True, batch_size=config.batch_windows)
    for _, group in groupby(labelled, key=lambda pair: pair[1][0]):
        found = [(piece, _spans_of(doc, labels)) for doc, piece in group]
        document = found[0][0][1]
        kept, dropped = join((window, spans) for (_, _, window), spans in found)
        spans, losses = _trim(document, kept)
        losses += [
            _loss(document, span, "span dropped", "at the seam of windows") for span in dropped
        ]
        annotation = Annotation(
            document_id=document.id,
            text_sha256=document.text_sha256,
            annotator=annotator,
            guide=guide,
            coverage=((0, len(document.text)),) if document.text else (),
            spans=tuple(spans),
        )
        yield Prelabelled(annotation=annotation, losses=tuple(losses))


def _pieces(
    nlp: Language, documents: Iterable[Document], config: PrelabelConfig
) -> Iterator[tuple[Doc, Piece]]:
    for number, document in enumerate(documents):
        doc = nlp.tokenizer(document.text)
        length = len(document.text)
        if len(doc) <= config.window_tokens:
            yield (
                doc,
                (number, document, Window(start=0, end=length, core_start=0, core_end=length)),
            )
            continue
        starts = [token.idx for token in doc] + [length]
        windows = cut(
            len(doc),
            size=config.window_tokens,
            overlap=config.overlap_tokens,
            ends=to_units(sentence_ends(document.text), starts),
        )
        for window in windows:
            in_characters = Window(
                start=starts[window.start],
                end=starts[window.end],
                core_start=starts[window.core_start],
                core_end=starts[window.core_end],
            )
            yield doc[window.start : window.end].as_doc(), (number, document, in_characters)


def _spans_of(doc: Doc, labels: dict[str, str]) -> list[Span]:
    return [
        Span(start=entity.start_char, end=entity.end_char, label=label)
        for entity in doc.ents
        if (label := labels.get(entity.label_, ""))
    ]


def _trim(document: Document, spans: Sequence[Span]) -> tuple[list[Span], list[Loss]]:
    """Take outer blanks off spans, which some pipelines leave; drop a span of blanks alone."""
    trimmed: list[Span] = []
    losses: list[Loss] = []
    for span in spans:
        name = document.text[span.start : span.end]
        start = span.start + len(name) - len(name.lstrip())
        end = span.end - len(name) + len(name.rstrip())
        if start >= end:
            losses.append(_loss(document, span, "span dropped", "nothing but blanks"))
            continue
        if (start, end) != (span.start, span.end):
            losses.append(_loss(document, span, "span moved", "outer blanks taken off"))
            span = Span(start=start, end=end, label=span.label)
        trimmed.append(span)
    return trimmed, losses


def _loss(document: Document, span: Span, what: str, why: str) -> Loss:
    return Loss(document_id=document.id, start=span.start, end=span.end, what=what, why=why)
