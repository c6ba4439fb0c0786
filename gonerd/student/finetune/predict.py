"""A model and documents into annotations: windows joined where surest, tags always legal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gonerd.errors import GonerdError
from gonerd.records import Annotation, Document, Span
from gonerd.student.finetune.examples import Example, Reading, examples_of
from gonerd.student.finetune.rows import batches, packs, to_rows
from gonerd.student.tagging.pieces import Pieces, tagged, take_apart
from gonerd.student.tagging.viterbi import best_tags, spans_in

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def predict(
    model: Any,
    tokenizer: "PreTrainedTokenizerBase",
    documents: Sequence[Document],
    labels: Sequence[str],
    reading: Reading,
    *,
    annotator: str,
    at_once: int = 8_192,
) -> Iterator[Annotation]:
    """Annotate documents one by one, each read whole; `at_once` is in pieces.

    Every document is covered from end to end, whatever its length.
    """
    for document in documents:
        pieces = take_apart(document.text, tokenizer)
        unknown = np.zeros(len(pieces.ids), dtype=np.int64)
        examples = list(examples_of(0, pieces, unknown, tokenizer, reading))
        scores = _scores(model, examples, len(pieces.ids), 1 + 2 * len(labels), at_once)
        if not np.isfinite(scores).all():
            raise GonerdError(
                f"{document.id}: a score that the model gives is no number; expected weights that "
                "are numbers, and not too large.\nTeach it anew: gonerd finetune"
            )
        yield Annotation(
            document_id=document.id,
            text_sha256=document.text_sha256,
            annotator=annotator,
            guide="",
            coverage=((0, len(document.text)),) if document.text else (),
            spans=tuple(_spans(pieces, scores, labels, reading)),
        )


def _scores(
    model: Any, examples: Sequence[Example], length: int, num_tags: int, at_once: int
) -> Any:
    """Give the logarithms of how probable each tag of each piece is, from its own window."""
    import torch

    found = np.zeros((length, num_tags))
    sizes = [len(one.ids) for one in examples]
    for batch in batches(sizes, at_once, range(len(examples))):
        some = [examples[index] for index in batch]
        inputs, _ = to_rows(some, model)
        inputs = {name: one.to(model.device) for name, one in inputs.items()}
        with torch.inference_mode():
            scores = model(**inputs).logits.float().log_softmax(-1).cpu().numpy()
        offset = 0
        for row, one in enumerate(some):
            window = one.window
            first = one.lead + window.core_start - window.start
            core = slice(first, first + window.core_end - window.core_start)
            place = scores[0, offset:] if packs(model) else scores[row]
            found[window.core_start : window.core_end] = place[core]
            offset += len(one.ids)
    return found


def _spans(pieces: Pieces, scores: Any, labels: Sequence[str], reading: Reading) -> Iterator[Span]:
    places, starts, ends = tagged(pieces, every_piece=reading.every_piece)
    tags = best_tags(scores[places])
    for first, end, label, confidence in spans_in(tags, np.exp(scores[places])):
        yield Span(
            start=starts[first], end=ends[end - 1], label=labels[label], confidence=confidence
        )
