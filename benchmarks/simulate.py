"""Annotators who err in known ways, over a gold that is known: what a method can win back.

The settings are those of a published comparison of aggregation methods: misses, borders shifted by
a word, labels swapped and names invented, each at a rate of the annotator's own.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gonerd.gather import Annotated, Gathered
from gonerd.records import Annotation, Document, Span
from gonerd.spans import flatten
from gonerd.tokens import Tokens, tokenize


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """How often an annotator errs."""

    misses: float
    shifts: float
    swaps: float
    invents: float
    """Share of the number of gold spans that it adds."""


CAREFUL = Habits(misses=0.08, shifts=0.06, swaps=0.05, invents=0.05)
FAIR = Habits(misses=0.15, shifts=0.1, swaps=0.08, invents=0.1)
HASTY = Habits(misses=0.35, shifts=0.2, swaps=0.15, invents=0.2)

SETTINGS = {
    "2 annotators": (CAREFUL, FAIR),
    "3, uneven": (CAREFUL, FAIR, HASTY),
    "3, equal": (FAIR, FAIR, FAIR),
    "5, uneven": (CAREFUL, FAIR, HASTY, HASTY, HASTY),
}


def simulate(
    gold: Sequence[Annotated], habits: Sequence[Habits], labels: Sequence[str], seed: int
) -> list[Gathered]:
    """Let annotators mark documents whose gold is known."""
    items = []
    for item in gold:
        tokens = tokenize(item.document.text, item.document.language)
        spans, _ = flatten(item.annotations[0].spans)
        passes = tuple(
            _mark(item.document, spans, tokens, one, labels, f"annotator {number}", seed)
            for number, one in enumerate(habits)
        )
        items.append(
            Gathered(document_id=item.document.id, document=item.document, annotations=passes)
        )
    return items


def _mark(
    document: Document,
    gold: Sequence[Span],
    tokens: Tokens,
    habits: Habits,
    labels: Sequence[str],
    name: str,
    seed: int,
) -> Annotation:
    chance = random.Random(f"{seed} {name} {document.id}")
    marked: list[Span] = []
    for span in gold:
        if chance.random() < habits.misses:
            continue
        if chance.random() < habits.shifts:
            span = _shifted(span, tokens, chance)
        if chance.random() < habits.swaps:
            span = replace(span, label=chance.choice([one for one in labels if one != span.label]))
        marked.append(Span(start=span.start, end=span.end, label=span.label))
    for _ in range(round(habits.invents * len(gold))):
        first = chance.randrange(len(tokens.texts))
        last = min(first + chance.choice((1, 1, 2)), len(tokens.texts)) - 1
        marked.append(
            Span(start=tokens.starts[first], end=tokens.ends[last], label=chance.choice(labels))
        )
    return Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=name,
        guide="",
        coverage=((0, len(document.text)),),
        spans=tuple(flatten(marked)[0]),
    )


def _shifted(span: Span, tokens: Tokens, chance: random.Random) -> Span:
    """Move one border of a span by one token, and keep something of it."""
    inside = [
        index
        for index, (start, end) in enumerate(zip(tokens.starts, tokens.ends, strict=True))
        if start < span.end and span.start < end
    ]
    first, last = inside[0], inside[-1]
    if chance.random() < 0.5:
        first = max(first - 1, 0) if first == last or chance.random() < 0.5 else first + 1
    else:
        widest = len(tokens.texts) - 1
        last = min(last + 1, widest) if first == last or chance.random() < 0.5 else last - 1
    return Span(start=tokens.starts[first], end=tokens.ends[last], label=span.label)
