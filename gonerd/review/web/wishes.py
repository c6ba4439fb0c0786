"""A wish as JSON, as a page sends it, into the act that does it."""

from collections.abc import Callable, Mapping
from typing import Any

from gonerd.errors import RecordError
from gonerd.records import Span, span_from_json
from gonerd.review import verbs
from gonerd.review.acts import Act, Mark, mark_from_json
from gonerd.review.desk import Desk, bare
from gonerd.review.state import State, redo, undo
from gonerd.review.web.access import Person
from gonerd.review.web.saving import Make

MOST_WISHES = 1_000
"""In one request."""
MOST_NOTE = 10_000
"""Characters."""


def page_of(body: Any) -> tuple[str, str | None, list[Mapping[str, Any]]]:
    """Read what a page sends: its name, the document it shows, and its wishes in order."""
    if not isinstance(body, Mapping):
        raise RecordError(f"body: is {type(body).__name__}; expected an object.")
    page, shown, wishes = body.get("page"), body.get("document"), body.get("wishes")
    if not isinstance(page, str) or not 8 <= len(page) <= 64 or not page.isalnum():
        raise RecordError(f"page: is {page!r}; expected a name of 8 to 64 letters and digits.")
    if shown is not None and not isinstance(shown, str):
        raise RecordError(f"document: is {shown!r}; expected a string.")
    if not isinstance(wishes, list) or len(wishes) > MOST_WISHES:
        raise RecordError(f"wishes: expected a list of at most {MOST_WISHES:,}.")
    for one in wishes:
        if not isinstance(one, Mapping) or type(one.get("number")) is not int:
            raise RecordError(f"wishes: one is {one!r}; expected objects with number and verb.")
    return page, shown, wishes


def make(desk: Desk, person: Person, origin: str, wish: Mapping[str, Any]) -> Make:
    """Give what makes the act of a wish when its turn comes."""
    verb = wish.get("verb")
    if not isinstance(verb, str) or verb not in _VERBS:
        raise RecordError(f"verb: is {verb!r}; expected one of {', '.join(_VERBS)}.")
    if verb == "settle" and not person.may("adjudicator"):
        raise RecordError(f"verb: {person.name} may not settle; expected an adjudicator.")

    def made(state: State) -> Act | None:
        hand = verbs.Hand(desk=desk, state=state, annotator=person.name, origin=origin)
        try:
            return _VERBS[verb](hand, wish)
        except KeyError as error:
            raise RecordError(f"{verb}: {error.args[0]} is missing; expected it.") from None

    return made


def span_of(row: Any) -> Span:
    """Read a span as pages send it: start, end, label, and its parts where there are several."""
    if isinstance(row, list) and len(row) in (3, 4):
        row = dict(zip(("start", "end", "label", "fragments"), row, strict=False))
        if not row.get("fragments"):
            row.pop("fragments", None)
    return bare(span_from_json(row, "span"))


def _spans(wish: Mapping[str, Any]) -> list[Span]:
    if not isinstance(wish["spans"], list):
        raise RecordError(f"spans: is {wish['spans']!r}; expected a list.")
    return [span_of(one) for one in wish["spans"]]


def _seen(wish: Mapping[str, Any]) -> dict[Span, Mark | None]:
    rows = wish.get("seen", [])
    pairs = isinstance(rows, list) and all(isinstance(one, list) and len(one) == 2 for one in rows)
    if not pairs:
        raise RecordError(f"seen: is {rows!r}; expected a list of spans with what is held of each.")
    return {span_of(span): mark_from_json(mark, "seen") for span, mark in rows}


def _text(wish: Mapping[str, Any], key: str, most: int = 1_000) -> str:
    value = wish[key]
    if not isinstance(value, str) or len(value) > most:
        raise RecordError(f"{key}: expected a string of at most {most:,} characters.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RecordError(f"{key}: has a lone surrogate; expected Unicode text.") from None
    return value


def _number(wish: Mapping[str, Any], key: str) -> int:
    if type(wish[key]) is not int:
        raise RecordError(f"{key}: is {wish[key]!r}; expected a whole number.")
    return int(wish[key])


def _flag(wish: Mapping[str, Any], key: str) -> bool:
    if type(wish[key]) is not bool:
        raise RecordError(f"{key}: is {wish[key]!r}; expected true or false.")
    return bool(wish[key])


def _document(wish: Mapping[str, Any]) -> str:
    return _text(wish, "document")


def label_all_of(hand: verbs.Hand, wish: Mapping[str, Any]) -> Act:
    """Make the act that labels, or rejects, all occurrences; `documents` null is all of them."""
    documents = wish["documents"]
    if documents is None:
        documents = list(hand.desk.papers)
    if not isinstance(documents, list) or not all(isinstance(one, str) for one in documents):
        raise RecordError(f"documents: is {documents!r}; expected a list of ids, or null for all.")
    label = None if wish["label"] is None else _text(wish, "label")
    whole = _flag({"whole": True, **wish}, "whole")
    return verbs.label_all(hand, documents, _text(wish, "words"), label, whole=whole)


def _settle(hand: verbs.Hand, wish: Mapping[str, Any]) -> Act:
    spans = None if wish["spans"] is None else _spans(wish)
    return verbs.settle(
        hand, _document(wish), _number(wish, "start"), _number(wish, "end"), spans
    )  # fmt: skip


_VERBS: dict[str, Callable[[verbs.Hand, Mapping[str, Any]], Act | None]] = {
    "accept": lambda hand, wish: verbs.accept(hand, _document(wish), _spans(wish), _seen(wish)),
    "reject": lambda hand, wish: verbs.reject(hand, _document(wish), _spans(wish), _seen(wish)),
    "reset": lambda hand, wish: verbs.reset(hand, _document(wish), _spans(wish), _seen(wish)),
    "add": lambda hand, wish: verbs.add(hand, _document(wish), span_of(wish["span"])),
    "relabel": lambda hand, wish: verbs.relabel(
        hand, _document(wish), span_of(wish["span"]), _text(wish, "label"), _seen(wish)
    ),
    "border": lambda hand, wish: verbs.set_border(
        hand, _document(wish), span_of(wish["span"]), _number(wish, "start"),
        _number(wish, "end"), _seen(wish),
    ),
    "note": lambda hand, wish: verbs.note(
        hand, _document(wish), span_of(wish["span"]), _text(wish, "text", MOST_NOTE), _seen(wish)
    ),
    "unsure": lambda hand, wish: verbs.unsure(
        hand, _document(wish), span_of(wish["span"]), _flag(wish, "is_so"), _seen(wish)
    ),
    "finish": lambda hand, wish: verbs.finish(
        hand, _document(wish), _number(wish, "start"), _number(wish, "end"), _text(wish, "rest")
    ),
    "reopen": lambda hand, wish: verbs.reopen(
        hand, _document(wish), _number(wish, "start"), _number(wish, "end")
    ),
    "label_all": label_all_of,
    "settle": _settle,
    "undo": lambda hand, wish: undo(hand.state, hand.annotator, hand.origin),
    "redo": lambda hand, wish: redo(hand.state, hand.annotator, hand.origin),
}  # fmt: skip
