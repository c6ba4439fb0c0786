"""Desk and state into the JSON that a page reads, in few bytes.

A span is [start, end, label], with its parts as a fourth where there are several; suggestions, of
which there are thousands, are columns instead. Offsets are code points, as everywhere.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gonerd.records import Span
from gonerd.review.acts import Act, CoverChange, MarkChange, Ruling, mark_to_json
from gonerd.review.desk import Desk, Paper
from gonerd.review.log import Refused
from gonerd.review.state import State

Row = dict[str, Any]


def documents(desk: Desk, state: State, annotator: str) -> list[Row]:
    """List documents with how far an annotator is."""
    return [document(paper, state, annotator) for paper in desk.papers.values()]


def document(paper: Paper, state: State, annotator: str) -> Row:
    """Say how far an annotator is with a document."""
    held = state.held.get((annotator, paper.document.id))
    marks = {} if held is None else held.marks
    return {
        "id": paper.document.id,
        "characters": len(paper.document.text),
        "suggestions": len(paper.suggestions),
        "decided": sum(1 for one in marks if one in paper.places),
        "added": sum(1 for mark in marks.values() if mark.status != "rejected")
        - sum(1 for one, m in marks.items() if m.status != "rejected" and one in paper.places),
        "unsure": sum(1 for mark in marks.values() if mark.unsure),
        "read": sum(end - start for start, end in (() if held is None else held.coverage)),
    }


def suggestions(paper: Paper, start: int = 0, end: int | None = None) -> Row:
    """Give suggestions that lie in a range as columns; starts as steps from one to the next."""
    whole = start <= 0 and end is None
    length = len(paper.document.text)
    spans = paper.suggestions if whole else paper.suggested(start, length if end is None else end)
    labels = sorted({one.label for one in spans})
    number = {label: at for at, label in enumerate(labels)}
    before, steps = 0, []
    for one in spans:
        steps.append(one.start - before)
        before = one.start
    return {
        "labels": labels,
        "steps": steps,
        "lengths": [one.end - one.start for one in spans],
        "label": [number[one.label] for one in spans],
        "confidence": [
            -1 if one.confidence is None else round(one.confidence * 1000) for one in spans
        ],
        "fragments": {
            str(at): [list(part) for part in one.fragments]
            for at, one in enumerate(spans)
            if one.fragments
        },
    }


def held(paper: Paper, state: State, annotator: str) -> Row:
    """Give what an annotator holds of a document."""
    mine = state.held.get((annotator, paper.document.id))
    return {
        "act": len(state.acts),
        "marks": []
        if mine is None
        else [[span_row(span), mark_to_json(mark)] for span, mark in mine.marks.items()],
        "coverage": [] if mine is None else [list(part) for part in mine.coverage],
        "undo": bool(state.done.get(annotator)),
        "redo": bool(state.undone.get(annotator)),
    }


def changes(paper: Paper | None, state: State, annotator: str, after: int) -> Row:
    """Give what an annotator has changed after some act, and what others settled meanwhile."""
    found = changes_in(state.acts[after:], paper, state, annotator)
    return {"act": len(state.acts), **found}


def changes_in(acts: Iterable[Act], paper: Paper | None, state: State, annotator: str) -> Row:
    """Give what is now held of everything that acts of an annotator changed in a document."""
    spans: dict[Span, None] = {}
    others: set[str] = set()
    covered = False
    for act in acts:
        if act.annotator != annotator:
            continue
        for mark in act.marks:
            if paper is not None and mark.document_id == paper.document.id:
                spans[mark.span] = None
            else:
                others.add(mark.document_id)
        for cover in act.covers:
            if paper is not None and cover.document_id == paper.document.id:
                covered = True
            else:
                others.add(cover.document_id)
    mine = None if paper is None else state.held.get((annotator, paper.document.id))
    row: Row = {
        "undo": bool(state.done.get(annotator)),
        "redo": bool(state.undone.get(annotator)),
    }
    if spans and mine is not None:
        row["marks"] = [[span_row(one), mark_to_json(mine.marks.get(one))] for one in spans]
    if covered and mine is not None:
        row["coverage"] = [list(part) for part in mine.coverage]
    if others:
        row["elsewhere"] = sorted(others)
    return row


def answer(
    wish: Mapping[str, Any], found: Act | Refused | None, paper: Paper | None, state: State
) -> Row:
    """Say what became of a wish."""
    row: Row = {"number": wish["number"]}
    if found is None:
        return {**row, "outcome": "nothing"}
    if isinstance(found, Refused):
        changed = {against.change.document_id for against in found.conflicts}
        return {
            **row,
            "outcome": "refused",
            "documents": sorted(changed),
            "found": [_found(one.change, one.found) for one in found.conflicts[:100]],
        }
    return {
        **row,
        "outcome": "saved",
        "act": found.number,
        "name": found.act,
        "spans": len(found.marks),
        "place": _place(found),
        **changes_in([found], paper, state, found.annotator),
    }


def span_row(span: Span) -> list[Any]:
    """Write a span in few bytes."""
    row: list[Any] = [span.start, span.end, span.label]
    if span.fragments:
        row.append([list(part) for part in span.fragments])
    return row


def others(
    state: State, annotator: str, document_id: str, start: int, end: int
) -> list[Row]:  # fmt: skip
    """List what others hold of spans in a range."""
    found = []
    for (name, held_of), theirs in sorted(state.held.items(), key=lambda item: item[0]):
        if held_of != document_id or name == annotator:
            continue
        marks = [
            [span_row(span), mark_to_json(mark)]
            for span, mark in theirs.marks.items()
            if span.start < end and span.end > start
        ]
        covered = any(first <= start and end <= last for first, last in theirs.coverage)
        found.append({"annotator": name, "read": covered, "marks": marks})
    return found


def _found(change: MarkChange | CoverChange | Ruling, found: Any) -> Row:
    if isinstance(change, MarkChange):
        return {"span": span_row(change.span), "mark": mark_to_json(found)}
    if isinstance(change, CoverChange):
        return {"range": [change.start, change.end], "coverage": [list(part) for part in found]}
    return {
        "dispute": [change.start, change.end],
        "settled": None if found is None else [span_row(one) for one in found],
    }


def _place(act: Act) -> list[Any] | None:
    """Say where an act is, for a page to go there."""
    for mark in act.marks:
        return [mark.document_id, mark.span.start, mark.span.end]
    for cover in act.covers:
        return [cover.document_id, cover.start, cover.end]
    for ruling in act.rulings:
        return [ruling.document_id, ruling.start, ruling.end]
    return None
