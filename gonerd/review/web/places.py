"""Where each annotator stopped, into a file beside the log, and back.

It is a convenience and no decision: where there is none, the last act says where somebody was.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gonerd.review.state import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A character of a document."""

    document_id: str
    at: int


def keep_place(folder: Path, annotator: str, place: Place) -> None:
    """Remember where somebody is."""
    path = _file(folder, annotator)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_text(json.dumps({"document_id": place.document_id, "at": place.at}))
    new.replace(path)


def last_place(folder: Path, annotator: str, state: State) -> Place | None:
    """Say where somebody stopped; None for somebody new."""
    try:
        row = json.loads(_file(folder, annotator).read_text())
        return Place(document_id=str(row["document_id"]), at=int(row["at"]))
    except (OSError, ValueError, TypeError, KeyError):
        return _of_acts(state, annotator)


def _of_acts(state: State, annotator: str) -> Place | None:
    for act in reversed(state.acts):
        if act.annotator != annotator:
            continue
        for mark in act.marks:
            return Place(document_id=mark.document_id, at=mark.span.start)
        for cover in act.covers:
            return Place(document_id=cover.document_id, at=cover.end)
    return None


def _file(folder: Path, annotator: str) -> Path:
    return folder / "places" / f"{quote(annotator, safe='')}.json"
