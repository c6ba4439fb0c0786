"""A desk of a few short texts in memory, and wishes drawn at random upon it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gonerd.guide import load_guide
from gonerd.records import Claim, Dispute, Document, Span, reading_order
from gonerd.review import verbs
from gonerd.review.acts import Act
from gonerd.review.desk import Desk, Paper
from gonerd.review.state import State, apply, conflicts, redo, undo
from gonerd.review.verbs import Hand

ANN = "Ann Lee met Lee of Lee & Co in Lund. \U0001f469\u200d\U0001f680 Ann left Lund for Lundby."
BO = "Lund calls Bo\u0308. Lund waits."

TEXTS = {"a": ANN, "b": BO}
SUGGESTED = {
    "a": (
        Span(start=0, end=7, label="PER", confidence=0.9),
        Span(start=4, end=7, label="LOC", confidence=0.2),
        Span(start=12, end=15, label="PER", confidence=0.5),
        Span(start=12, end=27, label="ORG", confidence=0.6, fragments=((12, 15), (19, 27))),
        Span(start=31, end=35, label="LOC"),
        Span(start=41, end=44, label="PER"),
    ),
    "b": (Span(start=0, end=4, label="ORG"), Span(start=11, end=14, label="PER")),
}


def document(name: str, text: str) -> Document:
    """Make a document out of a text."""
    return Document(id=name, text=text, source="letters", license="cc0-1.0", language="en")


def paper(name: str, text: str, suggestions: tuple[Span, ...]) -> Paper:
    """Make a document with suggestions, in reading order."""
    ordered = tuple(sorted(suggestions, key=reading_order))
    return Paper(document=document(name, text), suggestions=ordered)


def desk(texts: Mapping[str, str] = TEXTS, suggested: Mapping[str, Any] = SUGGESTED) -> Desk:
    """Make a desk; two annotators do not agree on the first word of each text."""
    papers = {name: paper(name, text, suggested.get(name, ())) for name, text in texts.items()}
    return Desk(
        folder=Path("desk"),
        guide=load_guide("gonerd"),
        suggester="model@1",
        papers=papers,
        disputes=tuple(
            Dispute(
                document_id=name,
                text_sha256=one.document.text_sha256,
                start=0,
                end=3,
                claims=(
                    Claim(annotator="ana", spans=(Span(start=0, end=3, label="PER"),)),
                    Claim(annotator="ben", spans=()),
                ),
            )
            for name, one in papers.items()
        ),
    )


def hand(state: State | None = None, annotator: str = "ana", of: Desk | None = None) -> Hand:
    """Let an annotator act on a desk."""
    return Hand(desk=of or desk(), state=state or State(), annotator=annotator)


def save(state: State, act: Act) -> Act:
    """Let an act hold that fits what is there."""
    assert not conflicts(state, act)
    saved = replace(act, number=len(state.acts) + 1)
    apply(state, saved)
    return saved


def marks(state: State, document_id: str = "a", annotator: str = "ana") -> dict[Span, str]:
    """Give the status of everything that an annotator holds of a document."""
    held = state.held.get((annotator, document_id))
    return {} if held is None else {span: mark.status for span, mark in held.marks.items()}


names = st.sampled_from(sorted(TEXTS))
places = st.tuples(st.integers(0, 60), st.integers(1, 9))
labels = st.sampled_from(["PER", "LOC", "ORG"])
wishes = st.one_of(
    st.tuples(st.sampled_from(["accept", "reject", "reset"]), names,
              st.lists(st.integers(0, 40), min_size=1, max_size=3)),
    st.tuples(st.just("add"), names, places, labels),
    st.tuples(st.just("relabel"), names, st.integers(0, 40), labels),
    st.tuples(st.just("border"), names, st.integers(0, 40), st.sampled_from(["start", "end"]),
              st.sampled_from([-1, 1]), st.sampled_from(["token", "character"])),
    st.tuples(st.just("note"), names, st.integers(0, 40), st.sampled_from(["", "why?", "hm"])),
    st.tuples(st.just("unsure"), names, st.integers(0, 40), st.booleans()),
    st.tuples(st.just("finish"), names, places, st.sampled_from(["accept", "reject", "leave"])),
    st.tuples(st.just("reopen"), names, places),
    st.tuples(st.just("label_all"), st.sampled_from(["Lund", "Lee", "Ann", "e"]),
              st.none() | labels, st.booleans()),
    st.tuples(st.just("settle"), names, st.none() | labels | st.just("")),
    st.tuples(st.sampled_from(["undo", "redo"])),
)  # fmt: skip
"""What an annotator wants; spans are the n-th of those there, round and round."""


def act_of(hand: Hand, wish: tuple[Any, ...]) -> Act | None:
    """Make the act of a wish; None where there is nothing to do it to."""
    match wish:
        case ("accept" | "reject" | "reset" as name, document_id, numbers):
            chosen = [span_at(hand, document_id, number) for number in numbers]
            return getattr(verbs, name)(hand, document_id, [one for one in chosen if one])  # type: ignore[no-any-return]
        case ("add", document_id, place, label):
            start, end = clipped(hand, document_id, place)
            return verbs.add(hand, document_id, Span(start=start, end=end, label=label))
        case ("finish", document_id, place, rest):
            return verbs.finish(hand, document_id, *clipped(hand, document_id, place), rest)
        case ("reopen", document_id, place):
            return verbs.reopen(hand, document_id, *clipped(hand, document_id, place))
        case ("label_all", words, label, whole):
            return verbs.label_all(hand, list(TEXTS), words, label, whole=whole)
        case ("settle", document_id, label):
            spans = [Span(start=0, end=3, label=label)] if label else []
            return verbs.settle(hand, document_id, 0, 3, None if label is None else spans)
        case ("undo",):
            return undo(hand.state, hand.annotator)
        case ("redo",):
            return redo(hand.state, hand.annotator)
    name, document_id, number, *more = wish
    span = span_at(hand, document_id, number)
    if span is None:
        return None
    if name == "border":
        text = hand.paper(document_id).document.text
        return verbs.set_border(
            hand, document_id, span, *verbs.borders(text, "en", span, *more)
        )  # fmt: skip
    return getattr(verbs, name)(hand, document_id, span, *more)  # type: ignore[no-any-return]


def span_at(hand: Hand, document_id: str, number: int) -> Span | None:
    """Give the n-th span that is suggested or held, from the first again after the last."""
    held = hand.held(document_id)
    there = {*hand.paper(document_id).places, *(held.marks if held else ())}
    ordered = sorted(there, key=reading_order)
    return ordered[number % len(ordered)] if ordered else None


def clipped(hand: Hand, document_id: str, place: tuple[int, int]) -> tuple[int, int]:
    """Fit a place into a text."""
    length = len(hand.paper(document_id).document.text)
    start = min(place[0], length - 1)
    return start, min(start + place[1], length)
