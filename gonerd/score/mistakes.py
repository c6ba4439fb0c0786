"""Gold and predicted entities into mistakes of a kind each, with examples in their context.

What is not exactly right is: a wrong `type` (same borders), a wrong `border` (same type, borders
that overlap), `both`, `missed` (nothing overlaps) or `spurious`. Each entity is in one mistake at
most; one that overlaps several goes with the one that shares most characters or tokens.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gonerd.score.entities import Entities, Labels, found_in, only
from gonerd.score.sides import Sides

KINDS = ("type", "border", "both", "missed", "spurious")
CONTEXT = 60
"""Characters on either side of an example."""

Place = tuple[int, int, str]
"""Start, end and label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """One thing that is not right."""

    kind: str
    document_id: str
    gold: Place | None
    predicted: Place | None
    context: str | None
    """The text around, with the entities of both sides in it; None where there is no text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistakes:
    """All that is not right."""

    kinds: dict[str, int]
    """How many of each of `KINDS`."""
    confusions: dict[tuple[str, str], int]
    """Gold and predicted labels that were taken for each other, the most frequent first."""
    examples: tuple[Mistake, ...]
    """The first so many of each kind."""


def find_mistakes(documents: Iterable[Sides], labels: Labels, *, examples: int = 5) -> Mistakes:
    """List what is not right, with so many examples of each kind."""
    kinds = dict.fromkeys(KINDS, 0)
    confusions: Counter[tuple[str, str]] = Counter()
    shown: list[Mistake] = []
    for one in documents:
        for kind, gold, predicted in _of_document(one, labels):
            kinds[kind] += 1
            if gold is not None and predicted is not None and gold[2] != predicted[2]:
                confusions[gold[2], predicted[2]] += 1
            if kinds[kind] <= examples:
                context = None if one.text is None else _context(one.text, gold, predicted)
                shown.append(
                    Mistake(
                        kind=kind,
                        document_id=one.document_id,
                        gold=gold,
                        predicted=predicted,
                        context=context,
                    )
                )
    shown.sort(key=lambda mistake: KINDS.index(mistake.kind))
    return Mistakes(kinds=kinds, confusions=dict(confusions.most_common()), examples=tuple(shown))


def _of_document(one: Sides, labels: Labels) -> Iterable[tuple[str, Place | None, Place | None]]:
    """Pair what is not right on one side with what it overlaps most on the other."""
    golds = _places(only(one.gold, ~found_in(one.gold, one.predicted)), labels)
    rest = _places(only(one.predicted, ~found_in(one.predicted, one.gold)), labels)
    free = dict.fromkeys(golds)
    first = 0
    for start, end, label in rest:
        while first < len(golds) and golds[first][1] <= start:
            first += 1
        near, at = [], first
        while at < len(golds) and golds[at][0] < end:
            if golds[at][1] > start and golds[at] in free:
                near.append(golds[at])
            at += 1
        if not near:
            yield "spurious", None, (start, end, label)
            continue
        best = max(near, key=lambda gold: min(gold[1], end) - max(gold[0], start))
        del free[best]
        same = best[:2] == (start, end)
        kind = "type" if same else "border" if best[2] == label else "both"
        yield kind, best, (start, end, label)
    for place in free:
        yield "missed", place, None


def _places(side: Entities, labels: Labels) -> list[Place]:
    table = zip(side.starts.tolist(), side.ends.tolist(), side.labels.tolist(), strict=True)
    return [(start, end, labels.names[label]) for start, end, label in table]


def _context(text: str, gold: Place | None, predicted: Place | None) -> str:
    """Show the text around: gold in square brackets, what was predicted in braces."""
    marks: list[tuple[int, int, str]] = []
    for place, opening, closing in ((gold, "[", "]"), (predicted, "{", "}")):
        if place is not None:
            marks += [(place[0], 1, opening), (place[1], 0, f"{closing}{place[2]}")]
    begin = max(0, min(at for at, _, _ in marks) - CONTEXT)
    end = min(len(text), max(at for at, _, _ in marks) + CONTEXT)
    parts, position = [], begin
    for at, _, sign in sorted(marks):
        parts += [text[position:at], sign]
        position = at
    shown = "".join([*parts, text[position:end]])
    return " ".join(shown.split())
