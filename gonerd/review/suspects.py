"""A gold and a model's annotations into the places where the gold is most likely wrong.

Confident learning (Northcutt et al. 2021), over spans. What speaks for another reading is the model
and how the same words are read elsewhere; both are weighed by how often they were right about the
rest of the gold.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gonerd.records import GOLD, Annotation, Claim, Dispute, Document, Span, check_fit
from gonerd.review.confident import Believed, believe
from gonerd.review.desk import Desk
from gonerd.review.witnesses import Spot, spots

TINY = 1e-9
NEARLY = 0.9
"""Of what is usual: where all are sure, a few must not be taken for unsure."""

Kind = Literal["extra", "missing", "label", "border"]
"""Gold has a span that should not be, or none where one should be, or other label or borders."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A place where the gold may be wrong."""

    document_id: str
    start: int
    end: int
    kinds: tuple[Kind, ...]
    gold: tuple[Span, ...]
    """What the gold says of the place."""
    other: tuple[Span, ...]
    """What else is most probable, each with how probable."""
    score: float
    """From 0 to 1; above 0.5 the other reading is likelier than the gold's, each weighed against
    how probable its label is on average where the gold has it."""
    confident: bool
    """Whether the other reading is nearly as probable as its label is where the gold has it."""
    reason: str
    """For people, in a line."""


def find_suspects(
    documents: Iterable[Document],
    gold: Mapping[str, Annotation],
    model: Mapping[str, Annotation],
    *,
    seed: int = 0,
) -> list[Suspect]:
    """Rank every place by how likely the gold is wrong there, the worst first.

    `gold` and `model` are by document; only what both have read is judged. A model's confidence is
    used where it gives one. A model without spans leaves the words alone to speak.
    """
    listed = sorted(documents, key=lambda one: one.id)
    for one in listed:
        for said in (gold, model):
            if one.id in said:
                check_fit(said[one.id], one)
    found = spots(listed, gold, model)
    believed = believe(found, seed=seed)
    witness = _Witness(found)
    suspects = [
        _suspect(listed, believed, witness, group, at)
        for group in _rivals(found)
        for at in _asked(found, believed, group)
    ]
    return sorted(suspects, key=lambda one: (-one.score, one.document_id, one.start, one.end))


def as_disputes(
    suspects: Iterable[Suspect], documents: Mapping[str, Document], model: str
) -> list[Dispute]:
    """Turn suspects into disputes between the gold and a model, to be settled like any other.

    Put on a desk (`replace(desk, disputes=...)`), they make a docket with snippets and choices, and
    what is ruled flows into `gonerd reconcile`.
    """
    return [
        Dispute(
            document_id=one.document_id,
            text_sha256=documents[one.document_id].text_sha256,
            start=one.start,
            end=one.end,
            claims=(
                Claim(annotator=GOLD, spans=one.gold),
                Claim(annotator=model, spans=one.other),
            ),
            certainty=round(1.0 - one.score, 6),
        )
        for one in suspects
    ]


def with_suspects(desk: Desk, gold: Mapping[str, Annotation], *, most: int = 500) -> Desk:
    """Put on a desk, for disputes, the places where a gold may be wrong, by the suggestions there.

    Those where another reading is likelier than the gold's, `most` at most.
    """
    documents = {name: desk.papers[name].document for name in desk.papers}
    name = desk.suggester or "model"
    model = {
        key: Annotation(
            document_id=key,
            text_sha256=document.text_sha256,
            annotator=name,
            guide=desk.guide.reference,
            coverage=((0, len(document.text)),) if document.text else (),
            spans=desk.papers[key].suggestions,
        )
        for key, document in documents.items()
    }
    found = find_suspects(documents.values(), gold, model)[:most]
    likely = [one for one in found if one.score > 0.5]
    return replace(desk, disputes=tuple(as_disputes(likely, documents, name)))


class _Witness:
    """How the same words are read elsewhere."""

    def __init__(self, found: Sequence[Spot]) -> None:
        self.spots = found
        self.labels: dict[str, Counter[str]] = {}
        for one in found:
            self.labels.setdefault(one.words, Counter())[one.gold] += 1

    def elsewhere(self, at: int) -> Counter[str]:
        """Count the labels of the same words, this place left out."""
        one = self.spots[at]
        return self.labels[one.words] - Counter([one.gold])


def _rivals(found: Sequence[Spot]) -> Iterator[list[int]]:
    """Group places that share characters, directly or through others."""
    group: list[int] = []
    reach = 0
    for index, one in enumerate(found):
        if group and (one.document != found[group[-1]].document or one.start >= reach):
            yield group
            group, reach = [], 0
        group.append(index)
        reach = max(reach, one.end)
    if group:
        yield group


def _asked(found: Sequence[Spot], believed: Believed, group: Sequence[int]) -> list[int]:
    """Choose what to ask about in a group: each gold span, and the likeliest of the rest."""
    asked = [at for at in group if found[at].gold]
    taken = [(found[at].start, found[at].end) for at in asked]
    doubts = believed.probable[:, 1:].sum(axis=1)
    for at in sorted(group, key=lambda one: (-doubts[one], one)):
        start, end = found[at].start, found[at].end
        if not any(start < high and low < end for low, high in taken):
            taken.append((start, end))
            asked.append(at)
    return sorted(asked)


def _suspect(
    documents: Sequence[Document],
    believed: Believed,
    witness: _Witness,
    group: Sequence[int],
    at: int,
) -> Suspect:
    """Say what may hold at a place instead of what the gold says."""
    found, mine = witness.spots, witness.spots[at]
    options = [(float(believed.empty[at]), at, 0)] if mine.gold else []
    for one in group:
        spot = found[one]
        if one != at and (not mine.gold or spot.gold):
            continue
        if spot.start >= mine.end or spot.end <= mine.start:
            continue
        options += [
            (float(believed.probable[one, label]), one, label)
            for label in range(1, len(believed.labels))
            if label != believed.given[one]
        ]
    chance, where, label = max(options, key=lambda one: (one[0], -one[1], -one[2]))
    given = float(believed.probable[at, believed.given[at]])
    usual, usual_given = believed.thresholds[label], believed.thresholds[believed.given[at]]
    against, for_it = chance / max(usual, TINY), given / max(usual_given, TINY)
    spot, name = found[where], believed.labels[label]
    other = (
        (Span(start=spot.start, end=spot.end, label=name, confidence=round(chance, 6)),)
        if name
        else ()
    )
    gold = (Span(start=mine.start, end=mine.end, label=mine.gold),) if mine.gold else ()
    return Suspect(
        document_id=documents[mine.document].id,
        start=min(mine.start, spot.start),
        end=max(mine.end, spot.end),
        kinds=_kinds(gold, other),
        gold=gold,
        other=other,
        score=round(float(against / max(against + for_it, TINY)), 6),
        confident=bool(chance >= NEARLY * usual and against > for_it),
        reason=_reason(mine, spot, name, witness.elsewhere(where)),
    )


def _kinds(gold: Sequence[Span], other: Sequence[Span]) -> tuple[Kind, ...]:
    if not gold:
        return ("missing",)
    if not other:
        return ("extra",)
    kinds: list[Kind] = []
    if gold[0].label != other[0].label:
        kinds.append("label")
    if (gold[0].start, gold[0].end) != (other[0].start, other[0].end):
        kinds.append("border")
    return tuple(kinds)


def _reason(mine: Spot, spot: Spot, name: str, elsewhere: Counter[str]) -> str:
    """Say what speaks for the other reading."""
    said = f"the model says {spot.model or 'nothing'}"
    if spot.model and spot.confidence < 1.0:
        said += f" ({spot.confidence:.2f})"
    if spot.across and not spot.model:
        said = f"the model says {spot.across} with other borders"
    count = sum(elsewhere.values())
    if not count:
        return f"{said}; the same words stand nowhere else"
    as_name = f"{elsewhere[name]:,} of {count:,} times {name or 'no name'}"
    return f"{said}; the same words are elsewhere {as_name}"
