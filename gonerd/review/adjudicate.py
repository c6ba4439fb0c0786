"""Disputes and what has been ruled into the next ones to ask, and a ruling into an act.

What is ruled is not asked again: not at the same place, and not where a new reconciliation gives
the dispute other bounds. A ruling holds wherever it reaches, as `gonerd reconcile` takes it: what
annotators marked there no longer counts, and only what they dispute beyond it is still open.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gonerd.beside import lines_of, write_with_beside
from gonerd.errors import RecordError, TextMismatch
from gonerd.records import (
    Claim,
    Dispute,
    Document,
    Loss,
    Range,
    Span,
    dispute_to_json,
    reading_order,
)
from gonerd.review import derive
from gonerd.review.acts import Act, Ruling
from gonerd.review.alike import Reading, Words, moved, reading_of
from gonerd.review.desk import Desk, bare, open_desk
from gonerd.review.log import open_log
from gonerd.review.snippets import AROUND, Snippet, snippet
from gonerd.review.state import Place, State
from gonerd.review.verbs import Hand
from gonerd.rulings import is_ruling, ranked, reach, reaches_into, ruled_range
from gonerd.spans import clusters, merge_ranges


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One way to read a place, and who reads it so."""

    spans: Reading
    voters: tuple[int, ...] = ()
    """Numbers that mean nothing beyond this dispute."""
    names: tuple[str, ...] = ()
    """Of the voters, in the same order; none unless asked for."""
    ruled: int = 0
    """How often people have ruled so on the same words elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A dispute as it is put to whoever settles it."""

    document_id: str
    start: int
    end: int
    snippet: Snippet
    choices: tuple[Choice, ...]
    """The reading of most voters first; "no entity" is always among them."""
    impact: float
    certainty: float | None
    alike: int
    """How many other open disputes there are over the same words."""


@dataclass(kw_only=True)
class Docket:
    """The disputes of a desk, and what has been ruled on its texts."""

    desk: Desk
    seed: int = 0
    """Of the voters' numbers."""
    documents: Mapping[str, Document] = field(init=False, repr=False)
    _state: State | None = field(default=None, init=False, repr=False)
    _read: int = field(default=0, init=False, repr=False)
    _ruled: list[Dispute] = field(default_factory=list, init=False, repr=False)
    _open: tuple[list[Dispute], list[Dispute]] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.documents = {name: self.desk.papers[name].document for name in self.desk.papers}
        for one in self.desk.disputes:
            _check_fit(one, self.documents[one.document_id])

    def ruled(self, state: State) -> list[Dispute]:
        """List what people have ruled on these texts, here and before."""
        new = state is not self._state or len(state.acts) < self._read
        if new or any(act.rulings for act in state.acts[self._read :]):
            self._ruled = self._rulings(state)
        self._state, self._read = state, len(state.acts)
        return self._ruled

    def open(self, state: State) -> list[Dispute]:
        """List what is still to be settled, those first whose settling would change most.

        Where a ruling reaches into a dispute, what is left of it is one of its own, if anything is.
        """
        found = self.ruled(state)
        if self._open is None or self._open[0] is not found:
            ruled = _ranges(found)
            left = [
                part
                for dispute in self.desk.disputes
                if not is_ruling(dispute)
                for part in _left_of(dispute, ruled.get(dispute.document_id, ()))
            ]
            self._open = found, ranked(left, self.documents)
        return self._open[1]

    def _rulings(self, state: State) -> list[Dispute]:
        found = [
            one
            for one in derive.rulings(state)
            if one.document_id in self.documents
            and one.text_sha256 == self.documents[one.document_id].text_sha256
        ]
        here = _ranges(found)
        before = [one for one in self.desk.disputes if is_ruling(one)]
        return found + [
            one
            for one in before
            if not reaches_into(*ruled_range(one), here.get(one.document_id, ()))
        ]


def case(
    docket: Docket, state: State, dispute: Dispute, *, names: bool = False, around: int = AROUND
) -> Case:
    """Put a dispute to whoever settles it; voters have numbers, and `names` only if asked."""
    place = (dispute.document_id, dispute.start, dispute.end)
    voters = sorted(claim.annotator for claim in dispute.claims)
    random.Random(f"{docket.seed}:{place}").shuffle(voters)
    readers: dict[Reading, list[int]] = defaultdict(list)
    for claim in dispute.claims:
        readers[reading_of(claim.spans)].append(voters.index(claim.annotator) + 1)
    if dispute.settled_by is not None:
        readers[reading_of(dispute.settlement)] += ()
    readers[()] += ()
    ruled = _ruled_alike(docket, state, dispute)
    for spans in ruled:
        readers[spans] += ()
    choices = [
        Choice(
            spans=spans,
            voters=tuple(sorted(numbers)),
            names=tuple(voters[one - 1] for one in sorted(numbers)) if names else (),
            ruled=ruled[spans],
        )
        for spans, numbers in readers.items()
    ]
    choices.sort(key=lambda one: (-len(one.voters), -one.ruled, [*map(reading_order, one.spans)]))
    return Case(
        document_id=dispute.document_id,
        start=dispute.start,
        end=dispute.end,
        snippet=snippet(
            docket.documents[dispute.document_id].text, dispute.start, dispute.end, around
        ),
        choices=tuple(choices),
        impact=dispute.impact or 0.0,
        certainty=dispute.certainty,
        alike=len(alike(docket, state, dispute)),
    )


def alike(docket: Docket, state: State, dispute: Dispute) -> list[Dispute]:
    """List the other open disputes over the same words, written alike but for blanks."""
    key = _words(docket, dispute).key
    return [
        one
        for one in docket.open(state)
        if _place(one) != _place(dispute) and _words(docket, one).key == key
    ]


def rule(
    docket: Docket,
    hand: Hand,
    place: Place,
    spans: Sequence[Span] | None,
    *,
    was: Sequence[Span] | None = None,
    all_alike: bool = False,
) -> Act:
    """Rule what holds in a dispute; no spans: no entity; None: open again.

    `was` is what the page showed as its ruling (None: open): if it has been ruled since, the log
    refuses the act. With `all_alike` every other open dispute over the same words is ruled so too,
    in the same act, wherever the spans fit; `len(act.rulings)` says how many that makes. A ruling
    that reaches into a place that is ruled already is a RecordError.
    """
    still_open = {_place(one): one for one in docket.open(hand.state)}
    if place not in still_open and place not in hand.state.rulings:
        raise RecordError(f"{_where(place)}: no such dispute; expected an open one.")
    now = None if spans is None else reading_of(spans)
    taken = _ranges(one for one in docket.ruled(hand.state) if _place(one) != place)
    for one in now or ():
        _check_span(docket, place, one)
    if now is not None and reaches_into(*reach(*place[1:], now), taken.get(place[0], ())):
        raise RecordError(
            f"{_where(place)}: a ruling that reaches into another; expected one that ends before "
            "it."
        )
    before = None if was is None else reading_of(was)
    held = hand.state.rulings.get(place)
    if held is not None and reading_of(held[1]) == before:
        before = held[1]  # the same, in whatever order it was given
    ruled = [Ruling(document_id=place[0], start=place[1], end=place[2], was=before, now=now)]
    if all_alike and now is not None and place in still_open:
        ruled += _rule_alike(docket, hand.state, still_open[place], now)
    return Act(
        annotator=hand.annotator,
        act="settle all" if len(ruled) > 1 else "settle",
        texts={one.document_id: docket.documents[one.document_id].text_sha256 for one in ruled},
        rulings=tuple(ruled),
        origin=hand.origin,
    )


def write_rulings(folder: Path, out: Path) -> tuple[int, list[Loss]]:
    """Write what was ruled on a work folder's texts as JSON lines for `gonerd reconcile --settled`.

    Gives how many rulings these are, and those left aside, which a ledger beside `out` names: their
    document is gone or has another text. Rulings that the folder's disputes came with are included.
    """
    docket = Docket(desk=open_desk(folder, suggestions=""))
    state = open_log(folder / "review").state
    found = sorted(docket.ruled(state), key=lambda one: (one.document_id, *ruled_range(one)))
    kept = {_place(one) for one in found}
    losses = [
        Loss(
            document_id=one.document_id,
            start=one.start,
            end=one.end,
            what="ruling left aside",
            why="its document is gone"
            if one.document_id not in docket.documents
            else "its text has changed",
        )
        for one in derive.rulings(state)
        if _place(one) not in kept
    ]
    write_with_beside({out: lines_of(map(dispute_to_json, found))}, out, losses)
    return len(found), losses


def _rule_alike(docket: Docket, state: State, dispute: Dispute, now: Reading) -> Iterator[Ruling]:
    """Rule the other disputes over the same words, where nothing else is ruled."""
    mine = replace(dispute, settlement=now)
    taken = _ranges([*docket.ruled(state), mine])
    ends: dict[str, int] = {}
    for one in sorted(alike(docket, state, dispute), key=_place):
        spans = moved(now, _words(docket, dispute), _words(docket, one))
        if spans is None:
            continue
        start, end = reach(one.start, one.end, spans)
        if start < ends.get(one.document_id, 0):
            continue
        if reaches_into(start, end, taken.get(one.document_id, ())):
            continue
        ends[one.document_id] = end
        yield Ruling(document_id=one.document_id, start=one.start, end=one.end, was=None, now=spans)


def _ruled_alike(docket: Docket, state: State, dispute: Dispute) -> Counter[Reading]:
    """Count how people have ruled on the same words elsewhere."""
    here, found = _words(docket, dispute), Counter[Reading]()
    for one in docket.ruled(state):
        if _place(one) != _place(dispute):
            spans = moved(one.settlement, _words(docket, one), here)
            if spans is not None:
                found[spans] += 1
    return found


def _left_of(dispute: Dispute, ruled: Sequence[Range]) -> Iterator[Dispute]:
    """Give what rulings leave of a dispute, as reconciling would find it.

    Spans that reach into a ruled range no longer count, and whoever marked one has no say about
    the rest of it either. Where those who are left agree, nothing is open.
    """
    if not reaches_into(dispute.start, dispute.end, ruled):
        yield dispute
        return
    kept, gone = {}, {}
    for claim in dispute.claims:
        sides: tuple[list[Span], list[Span]] = ([], [])
        for span in claim.spans:
            sides[reaches_into(span.start, span.end, ruled)].append(span)
        kept[claim.annotator], gone[claim.annotator] = sides
    for group in clusters({bare(one) for spans in kept.values() for one in spans}):
        start, end = group[0].start, max(one.end for one in group)
        claims = []
        for name, spans in kept.items():
            here = tuple(one for one in spans if start <= one.start and one.end <= end)
            lost = merge_ranges((one.start, one.end) for one in gone[name])
            if here or not reaches_into(start, end, lost):
                claims.append(Claim(annotator=name, spans=here))
        if len({reading_of(claim.spans) for claim in claims}) > 1:
            yield replace(
                dispute, start=start, end=end, claims=tuple(claims), settled_by=None, settlement=()
            )


def _words(docket: Docket, dispute: Dispute) -> Words:
    text = docket.documents[dispute.document_id].text
    return Words(text=text, start=dispute.start, end=dispute.end)


def _place(dispute: Dispute) -> Place:
    return dispute.document_id, dispute.start, dispute.end


def _where(place: Place) -> str:
    return f"{place[0]}[{place[1]}:{place[2]}]"


def _ranges(ruled: Iterable[Dispute]) -> dict[str, tuple[Range, ...]]:
    """Give where people have ruled, by document."""
    found: dict[str, list[Range]] = defaultdict(list)
    for one in ruled:
        found[one.document_id].append(ruled_range(one))
    return {name: merge_ranges(ranges) for name, ranges in found.items()}


def _check_fit(dispute: Dispute, document: Document) -> None:
    where = _where(_place(dispute))
    if dispute.text_sha256 != document.text_sha256:
        raise TextMismatch(
            f"{where}: a dispute over another text (sha256 {dispute.text_sha256[:8]}..., now "
            f"{document.text_sha256[:8]}...); expected the same text.\n"
            "Run the step `reconcile` again."
        )
    last = max([dispute.end, *(one.end for claim in dispute.claims for one in claim.spans)])
    if last > len(document.text):
        raise RecordError(
            f"{where}: a dispute that reaches to {last}, past the text; expected at most "
            f"{len(document.text)}."
        )


def _check_span(docket: Docket, place: Place, span: Span) -> None:
    """Refuse a span past the text, or with a label that neither guide nor annotators know."""
    length = len(docket.documents[place[0]].text)
    if span.end > length:
        raise RecordError(
            f"{place[0]}[{span.start}:{span.end}]: ends past the text; expected at most {length}."
        )
    if not span.start < place[2] or not span.end > place[1]:
        raise RecordError(
            f"{place[0]}[{span.start}:{span.end}]: lies outside of the dispute "
            f"[{place[1]}:{place[2]}]; expected a span that shares a character with it."
        )
    labels = docket.desk.guide.labels
    if span.label not in labels:
        raise RecordError(
            f"{place[0]}[{span.start}:{span.end}]: label {span.label!r}; expected one of "
            f"{', '.join(labels)}."
        )
