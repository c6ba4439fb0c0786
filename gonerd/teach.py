"""Reconciliation and a tagger that teach each other: a model as one more annotator.

The annotators' consensus teaches a tagger, the tagger marks every document by what it learnt from
the others (`student/tagger.py`), and joins as an annotator whose worth is estimated like anybody's.
That gives another consensus; it is repeated until hardly a span of gold changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonerd.errors import ConfigError
from gonerd.gather import Annotated, Gathered, with_texts
from gonerd.reconcile.methods import choose
from gonerd.reconcile.plain import Reconciliation, reconcile_gathered
from gonerd.reconcile.units import SHAPES, shapes_of
from gonerd.records import Annotation, Range, Span
from gonerd.spans import covers, snap
from gonerd.student.encoder import load_encoder, read_words
from gonerd.student.tagger import Sentence, TaggerSettings, tag_by_folds
from gonerd.tokens import Tokens, split_at_blanks, tokenize
from gonerd.windows import sentence_ends

MODEL = "model"
"""The annotator's name that the tagger goes by."""
MOST_ROUNDS = 5
STABLE = 0.01
"""Share of gold spans that may still change when a round is the last."""
LONGEST_SENTENCE = 128
"""Words."""
SPLITS = 0.01
"""Share of marks that may split what stands between blanks where that is a word."""
SETTINGS = TaggerSettings()


def reconcile_with_model(
    items: Sequence[Gathered], model: Path, *, tagger: TaggerSettings = SETTINGS, **options: Any
) -> tuple[Reconciliation, list[dict[str, Any]]]:
    """Reconcile with a tagger on top of an encoder; `options` as of `reconcile_gathered`.

    Also documents that nobody has read are tagged, and then have gold; but only what people have
    read teaches. An annotator called `model`, or a single document, is a ConfigError.
    """
    items = sorted(items, key=lambda one: one.document_id)
    annotated = with_texts(items)
    if any(one.annotator == MODEL for item in annotated for one in item.annotations):
        raise ConfigError(f"annotator {MODEL!r}: the name of the model itself; expected another.")
    if len(items) < 2:
        raise ConfigError(
            f"--model {model}: {len(items)} document; expected 2 or more, as the model marks each "
            "by what it learnt from the others."
        )
    encoder = load_encoder(model)
    tokens = _words(annotated)
    features = [read_words(encoder, one.texts) for one in tokens]
    result = reconcile_gathered(items, **options)
    read = {one.document_id: one.coverage for one in result.gold}
    rounds: list[dict[str, Any]] = []
    while len(rounds) < MOST_ROUNDS:
        labels = _labels(result)
        sentences, places = _sentences(annotated, tokens, features, result, labels, read)
        answers = tag_by_folds(sentences, tagger, lambda _: None)
        marked = _annotations(annotated, tokens, places, answers, labels)
        joined = [
            replace(item, annotations=(*item.annotations, said))
            for item, said in zip(items, marked, strict=True)
        ]
        before, result = result, _reconcile_joined(items, joined, options)
        changed = len(_keys(before) ^ _keys(result))
        rounds.append({"marked": sum(len(one.spans) for one in marked), "changed": changed})
        if changed <= STABLE * max(len(_keys(result)), 1):
            break
    return result, rounds


def _words(items: Sequence[Annotated]) -> list[Tokens]:
    """Cut texts into words: what stands between blanks if people marked just that, else tokens.

    What came from a file of tokens has a blank after each. spaCy would split some further, and the
    model would mark pieces that nobody else could.
    """
    words = [split_at_blanks(item.document.text) for item in items]
    places = [
        snap(span, own.starts, own.ends)
        for item, own in zip(items, words, strict=True)
        for annotation in item.annotations
        for span in annotation.spans
    ]
    exact = sum(place is not None and place[2] for place in places)
    if exact >= (1.0 - SPLITS) * len(places):
        return words
    return [tokenize(item.document.text, item.document.language) for item in items]


def _reconcile_joined(
    items: Sequence[Gathered], joined: Sequence[Gathered], options: Mapping[str, Any]
) -> Reconciliation:
    """Reconcile with what the model says; what it alone has read has no say in the method."""
    read = [one for item, one in zip(items, joined, strict=True) if item.annotations]
    method, why = choose(options.get("method", "auto"), read)
    return replace(reconcile_gathered(joined, **{**options, "method": method}), why=why)


def _labels(result: Reconciliation) -> list[str]:
    return sorted({span.label for one in result.gold for span in one.spans})


def _keys(result: Reconciliation) -> set[tuple[str, int, int, str]]:
    return {
        (one.document_id, span.start, span.end, span.label)
        for one in result.gold
        for span in one.spans
    }


def _sentences(
    items: Sequence[Annotated],
    tokens: Sequence[Tokens],
    features: Sequence[NDArray[np.float16]],
    result: Reconciliation,
    labels: Sequence[str],
    read: Mapping[str, Sequence[Range]],
) -> tuple[list[Sentence], list[tuple[int, int]]]:
    """Cut documents into sentences with what the consensus says; and (document, first word).

    `read` is what people have read of each document.
    """
    codes = {label: code for code, label in enumerate(labels)}
    gold = {one.document_id: one for one in result.gold}
    sentences: list[Sentence] = []
    places: list[tuple[int, int]] = []
    for number, (item, own, seen) in enumerate(zip(items, tokens, features, strict=True)):
        starts, ends = np.array(own.starts, dtype=np.int64), np.array(own.ends, dtype=np.int64)
        targets = _targets(_probable(result, gold[item.document.id]), own, codes)
        opens_line = np.array(
            [item.document.text[max(0, end - 3) : end].count("\n") > 0 for end in own.starts]
        )
        shapes = shapes_of(item.document.text, starts, ends) + len(SHAPES) * opens_line
        known = np.array(
            [
                covers(read[item.document.id], *span)
                for span in zip(own.starts, own.ends, strict=True)
            ]
        )
        ends_of_sentences = np.searchsorted(starts, sentence_ends(item.document.text))
        cuts = {*np.flatnonzero(opens_line).tolist(), *ends_of_sentences.tolist()}
        for low, high in pairwise(sorted({0, len(starts), *cuts})):
            for first in range(low, high, LONGEST_SENTENCE):
                part = slice(first, min(first + LONGEST_SENTENCE, high))
                places.append((number, first))
                sentences.append(
                    Sentence(
                        document=number,
                        features=seen[part],
                        shapes=shapes[part],
                        targets=targets[part],
                        known=known[part],
                    )
                )
    return sentences, places


def _probable(result: Reconciliation, gold: Annotation) -> list[tuple[Span, float]]:
    """List spans with how probable they are: all that a method weighed, and the rest of gold.

    The rest is what people have settled, which no method weighs, or the gold of a vote.
    """
    weighed = [
        (Span(start=one.start, end=one.end, label=one.label), one.probability)
        for one in result.candidates.get(gold.document_id, ())
    ]
    seen = {(span.start, span.end, span.label) for span, _ in weighed}
    return weighed + [
        (span, 1.0 if span.confidence is None or weighed else span.confidence)
        for span in gold.spans
        if (span.start, span.end, span.label) not in seen
    ]


def _targets(
    probable: Sequence[tuple[Span, float]], tokens: Tokens, codes: dict[str, int]
) -> NDArray[np.float32]:
    """Write how probable each tag of each word is."""
    targets = np.zeros((len(tokens.texts), 1 + 2 * len(codes)), dtype=np.float32)
    for span, probability in probable:
        place = snap(span, tokens.starts, tokens.ends)
        if place is not None and span.label in codes:
            first, last, _ = place
            targets[first, 1 + 2 * codes[span.label]] += probability
            targets[first + 1 : last, 2 + 2 * codes[span.label]] += probability
    total = targets.sum(axis=1, keepdims=True)
    targets /= np.maximum(total, 1.0)
    targets[:, 0] = np.maximum(1.0 - targets.sum(axis=1), 0.0)
    return targets


def _annotations(
    items: Sequence[Annotated],
    tokens: Sequence[Tokens],
    places: Sequence[tuple[int, int]],
    answers: Sequence[NDArray[np.float32] | None],
    labels: Sequence[str],
) -> list[Annotation]:
    """Make an annotation of each document; one that could not be tagged has not been read."""
    told: list[list[NDArray[np.float32]]] = [[] for _ in items]
    for (number, _), answer in zip(places, answers, strict=True):
        if answer is not None:
            told[number].append(answer)
    spans = [
        [
            Span(
                start=own.starts[start],
                end=own.ends[end - 1],
                label=labels[label],
                confidence=confidence,
            )
            for start, end, label, confidence in _decode(np.concatenate(parts))
        ]
        if parts
        else []
        for own, parts in zip(tokens, told, strict=True)
    ]
    return [
        Annotation(
            document_id=item.document.id,
            text_sha256=item.document.text_sha256,
            annotator=MODEL,
            guide="",
            coverage=((0, len(item.document.text)),) if parts else (),
            spans=tuple(marked),
        )
        for item, parts, marked in zip(items, told, spans, strict=True)
    ]


def _decode(answer: NDArray[np.float32]) -> list[tuple[int, int, int, float]]:
    """Read spans of a document from the best tag of each word; an I that opens begins a span."""
    found: list[tuple[int, int, int, float]] = []
    start, label = -1, -1
    tags = [*answer.argmax(axis=1).tolist(), 0]
    for index, tag in enumerate(tags):
        goes_on = start >= 0 and tag and tag % 2 == 0 and (tag - 1) // 2 == label
        if start >= 0 and not goes_on:
            confidence = float(answer[start:index, 1 + 2 * label : 3 + 2 * label].sum(1).min())
            found.append((start, index, label, min(confidence, 1.0)))
            start = -1
        if tag and not goes_on:
            start, label = index, (tag - 1) // 2
    return found
