"""What an annotator does at once, as a record, into a line of JSON and back.

An act says of everything it changes what it was and what it is now. So it can be undone, what two
people change at once is seen, and a log of acts needs nothing beside it to be replayed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gonerd.errors import RecordError
from gonerd.records import Range, Span, span_from_json, span_to_json

Status = Literal["accepted", "rejected", "added"]
"""Of a span: a suggestion that holds, one that does not, and a span of the annotator's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What an annotator holds of a span; where there is none, nothing has been decided."""

    status: Status
    unsure: bool = False
    note: str = ""
    suggested: Span | None = None
    """The suggestion it stands for, where its border or label was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkChange:
    """A span that is decided, changed or taken back."""

    document_id: str
    span: Span
    """Without confidence and support: a place, its parts and a label."""
    was: Mark | None
    now: Mark | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverChange:
    """A range of which is said how much has been read."""

    document_id: str
    start: int
    end: int
    was: tuple[Range, ...]
    """Within the range."""
    now: tuple[Range, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """A dispute that is settled, settled otherwise, or opened again."""

    document_id: str
    start: int
    end: int
    was: tuple[Span, ...] | None
    """None: open. No span: no entity here."""
    now: tuple[Span, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """One thing an annotator does, in one document or many: all of it holds, or nothing."""

    annotator: str
    act: str
    """What people call it, such as `accept`."""
    texts: Mapping[str, str]
    """The sha256 of the text of each document it is about."""
    marks: tuple[MarkChange, ...] = ()
    covers: tuple[CoverChange, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    undoes: int | None = None
    """The number of the act that this one takes back."""
    redoes: int | None = None
    """The number of the act that was taken back and now holds again."""
    origin: str = ""
    """Which page or terminal it comes from, and its number there: the same act has the same one."""
    number: int = 0
    """In the log, from 1; 0 before it is there."""
    at: str = ""
    """When the log got it, as ISO 8601 in UTC."""


def changes_something(act: Act) -> bool:
    """Say whether anything is other after an act than before."""
    changes: tuple[MarkChange | CoverChange | Ruling, ...]
    changes = (*act.marks, *act.covers, *act.rulings)
    return any(one.was != one.now for one in changes)


def act_to_json(act: Act) -> dict[str, Any]:
    """Turn an act into its JSON object, without the keys that say nothing."""
    row: dict[str, Any] = {
        "number": act.number, "at": act.at, "origin": act.origin,
        "annotator": act.annotator, "act": act.act, "texts": dict(sorted(act.texts.items())),
    }  # fmt: skip
    if act.marks:
        row["marks"] = [
            {
                "document_id": one.document_id,
                "span": span_to_json(one.span),
                "was": mark_to_json(one.was),
                "now": mark_to_json(one.now),
            }
            for one in act.marks
        ]
    if act.covers:
        row["covers"] = [
            {
                "document_id": one.document_id,
                "range": [one.start, one.end],
                "was": [list(part) for part in one.was],
                "now": [list(part) for part in one.now],
            }
            for one in act.covers
        ]
    if act.rulings:
        row["rulings"] = [
            {
                "document_id": one.document_id,
                "range": [one.start, one.end],
                "was": _spans_to_json(one.was),
                "now": _spans_to_json(one.now),
            }
            for one in act.rulings
        ]
    for key in ("undoes", "redoes"):
        if (value := getattr(act, key)) is not None:
            row[key] = value
    return row


def mark_to_json(mark: Mark | None) -> dict[str, Any] | None:
    """Turn a mark into its JSON object, without the keys that say nothing."""
    if mark is None:
        return None
    row: dict[str, Any] = {"status": mark.status}
    if mark.unsure:
        row["unsure"] = True
    if mark.note:
        row["note"] = mark.note
    if mark.suggested is not None:
        row["suggested"] = span_to_json(mark.suggested)
    return row


def _spans_to_json(spans: Sequence[Span] | None) -> list[dict[str, Any]] | None:
    return None if spans is None else [span_to_json(one) for one in spans]


_STATUSES = get_args(Status)
_ACT = {"annotator", "act", "texts"}
_ACT_MORE = {"number", "at", "origin", "marks", "covers", "rulings", "undoes", "redoes"}


def act_from_json(row: Any, where: str) -> Act:
    """Read an act; anything that is none is a RecordError that says where."""
    _check(row, _ACT, _ACT_MORE, where, "an act")
    for key in ("annotator", "act", "at", "origin"):
        _expect(row.get(key, ""), str, where, key, "a string")
    for key in ("number", "undoes", "redoes"):
        if row.get(key) is not None:
            _expect(row[key], int, where, key, "a whole number")
    _expect(row["texts"], dict, where, "texts", "an object of sha256 by document")
    for value in row["texts"].values():
        _expect(value, str, where, "texts", "an object of sha256 by document")
    if not row["annotator"].strip():
        raise RecordError(f"{where}: annotator is empty; expected a name.")
    act = Act(
        annotator=row["annotator"],
        act=row["act"],
        texts=row["texts"],
        marks=tuple(_mark_change(one, where) for one in _list(row, "marks", where)),
        covers=tuple(_cover_change(one, where) for one in _list(row, "covers", where)),
        rulings=tuple(_ruling(one, where) for one in _list(row, "rulings", where)),
        undoes=row.get("undoes"),
        redoes=row.get("redoes"),
        origin=row.get("origin", ""),
        number=row.get("number", 0),
        at=row.get("at", ""),
    )
    changes: tuple[MarkChange | CoverChange | Ruling, ...]
    changes = (*act.marks, *act.covers, *act.rulings)
    if unknown := {one.document_id for one in changes} - act.texts.keys():
        raise RecordError(
            f"{where}: texts lack {min(unknown)!r}; expected the sha256 of every text it is about."
        )
    return act


def mark_from_json(row: Any, where: str) -> Mark | None:
    """Read a mark, or None for none."""
    if row is None:
        return None
    _check(row, {"status"}, {"unsure", "note", "suggested"}, where, "a mark")
    if row["status"] not in _STATUSES:
        raise RecordError(
            f"{where}: status is {row['status']!r}; expected one of {', '.join(_STATUSES)}."
        )
    _expect(row.get("unsure", False), bool, where, "unsure", "true or false")
    _expect(row.get("note", ""), str, where, "note", "a string")
    suggested = row.get("suggested")
    return Mark(
        status=row["status"],
        unsure=row.get("unsure", False),
        note=row.get("note", ""),
        suggested=None if suggested is None else _span(suggested, where),
    )


def _mark_change(row: Any, where: str) -> MarkChange:
    _check(row, {"document_id", "span", "was", "now"}, set(), where, "a change of a mark")
    return MarkChange(
        document_id=_document_id(row, where),
        span=_span(row["span"], where),
        was=mark_from_json(row["was"], where),
        now=mark_from_json(row["now"], where),
    )


def _cover_change(row: Any, where: str) -> CoverChange:
    _check(row, {"document_id", "range", "was", "now"}, set(), where, "a change of coverage")
    start, end = _range(row["range"], f"{where}: range")
    parts = {
        key: tuple(_range(one, f"{where}: {key}") for one in _list(row, key, where))
        for key in ("was", "now")
    }
    for key, ranges in parts.items():
        flat = [start, *(offset for part in ranges for offset in part), end]
        if flat != sorted(flat):
            raise RecordError(
                f"{where}: {key} is {row[key]!r}; expected ranges in order within {[start, end]}."
            )
    return CoverChange(document_id=_document_id(row, where), start=start, end=end, **parts)


def _ruling(row: Any, where: str) -> Ruling:
    _check(row, {"document_id", "range", "was", "now"}, set(), where, "a ruling")
    start, end = _range(row["range"], f"{where}: range")
    was, now = (
        None if row[key] is None else tuple(_span(one, where) for one in _list(row, key, where))
        for key in ("was", "now")
    )
    return Ruling(document_id=_document_id(row, where), start=start, end=end, was=was, now=now)


def _span(row: Any, where: str) -> Span:
    span = span_from_json(row, where)
    if span.confidence is not None or span.support is not None:
        raise RecordError(
            f"{where}: a span has confidence or support; expected a place and a label alone."
        )
    return span


def _document_id(row: Mapping[str, Any], where: str) -> str:
    _expect(row["document_id"], str, where, "document_id", "a string")
    return str(row["document_id"])


def _range(value: Any, where: str) -> Range:
    whole = isinstance(value, list) and [type(one) for one in value] == [int, int]
    if not whole or not 0 <= value[0] <= value[1]:
        raise RecordError(f"{where} is {value!r}; expected [start, end] in characters.")
    return value[0], value[1]


def _list(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key, [])
    _expect(value, list, where, key, "a list")
    return list(value)


def _check(row: Any, required: set[str], more: set[str], where: str, what: str) -> None:
    if type(row) is not dict:
        raise RecordError(f"{where}: {what} is {row!r}; expected an object.")
    if missing := required - row.keys():
        raise RecordError(f"{where}: {what} without {min(missing)}; expected it.")
    if unknown := sorted(map(str, row.keys() - required - more)):
        known = ", ".join(sorted(required | more))
        raise RecordError(f"{where}: {what} with unknown key {unknown[0]!r}; expected {known}.")


def _expect(value: Any, kind: type, where: str, key: str, expected: str) -> None:
    if type(value) is not kind:
        raise RecordError(f"{where}: {key} is {value!r}; expected {expected}.")
