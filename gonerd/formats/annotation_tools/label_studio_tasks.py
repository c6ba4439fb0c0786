"""Label Studio's exports and import tasks, in every shape, into tasks with what was said of each.

The shapes: JSON; JSON_MIN, one row for each annotation with the answers under the names of their
controls; the files of a cloud storage, an annotation each; import tasks with predictions; bare
data; and `completions`, as annotations were called before 2021.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gonerd.errors import RecordError
from gonerd.formats.fields import json_list, name_in, shown, whole
from gonerd.formats.layers import MARKED, WHOLE
from gonerd.formats.members import Member
from gonerd.formats.stamp import KEY

Row = Mapping[str, Any]
Reason = tuple[str, str]
"""What was lost, and why."""

_IN_MIN = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
"""What JSON_MIN puts beside the fields of a task and the names of its controls."""
_KINDS = ("annotations", "completions", "predictions", "drafts")
_CANCELLED = ("annotation refused", "it was cancelled")
_BARE = ("annotation refused", "the file holds nothing but its number")


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A labelled place, as the file has it."""

    row: Row
    control: str
    target: str
    start: Any
    end: Any
    labels: tuple[Any, ...]
    surface: str | None
    is_rendered: bool
    """Whether the offsets are of a page as it was shown, and not of the text behind it."""

    @property
    def mark(self) -> tuple[int, int, str | None] | None:
        """Where it stands and what stands there; None where that is not said in characters."""
        start, end = whole(self.start), whole(self.end)
        if start is None or end is None or not 0 <= start < end:
            return None
        return start, end, self.surface


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one annotator says of one task."""

    annotator: str
    coverage: Literal["whole", "marked"]
    stamp: Any = None
    age: tuple[str, str] = ("", "")
    """When it was changed, and made."""
    regions: tuple[Region, ...] = ()
    others: tuple[tuple[str, Row], ...] = ()
    """What is beside places: kind and row."""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """The data of a text, or where to find it, with everything said of it."""

    where: str
    id: Any
    data: Row
    answers: list[Answer] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    """Answers that were refused."""

    @property
    def regions(self) -> list[Region]:
        """The places of all answers."""
        return [region for answer in self.answers for region in answer.regions]


def read_tasks(member: Member, who: str) -> list[Task]:
    """Read a file; `who` made the annotations that name nobody."""
    return [_task(row, where, who) for where, row in json_list(member)]


def _task(row: Row, where: str, who: str) -> Task:
    """Read a task in any of its shapes."""
    if isinstance(row.get("task"), dict) and isinstance(row.get("result"), list):
        row = {**row["task"], "annotations": [row]}  # as cloud storage holds it
    elif not isinstance(row.get("data"), dict):
        row = _from_min(row)
    task = Task(where=where, id=row.get("id"), data=row["data"])
    for kind in _KINDS:
        for answer in _list(row, kind, where):
            if not isinstance(answer, dict):
                task.reasons.append(_BARE)
            elif answer.get("was_cancelled") or answer.get("skipped"):
                task.reasons.append(_CANCELLED)
            else:
                task.answers.append(_answer(answer, kind, where, who))
    return task


def _from_min(row: Row) -> Row:
    """Turn a row of JSON_MIN, or the bare data of a task, into a task."""
    controls = {key: value for key, value in row.items() if _is_control(value)}
    if not controls and "annotation_id" not in row:
        return {"id": None, "data": row}
    result = [
        {"from_name": name, "to_name": "", "type": _kind(value), "value": value}
        for name, values in controls.items()
        for value in values
    ]
    given = {key: row.get(key) for key in ("created_at", "updated_at")}
    annotation = {"completed_by": row.get("annotator"), "result": result, **given}
    is_annotated = bool(controls) or row.get("annotation_id") is not None
    return {
        "id": row.get("id"),
        "data": {key: row[key] for key in row if key not in controls and key not in _IN_MIN},
        "annotations": [annotation] if is_annotated else [],
    }


def _is_control(value: Any) -> bool:
    """Tell answers from data, which JSON_MIN puts side by side."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and _kind(item) is not None for item in value)
    )


def _kind(value: Row) -> str | None:
    kinds = [key for key in value if key.endswith("labels") or key in ("choices", "taxonomy")]
    return kinds[0] if kinds else None


def _list(row: Row, key: str, where: str) -> list[Any]:
    items = row.get(key)
    if items is None:
        return []
    if not isinstance(items, list):
        raise RecordError(f"{where}: {key} is {shown(items)}; expected a list.")
    return items


def _answer(row: Row, kind: str, where: str, who: str) -> Answer:
    regions: list[Region] = []
    others: list[tuple[str, Row]] = []
    reasons: list[Reason] = []
    result = _list(row, "result", where)
    by_id = {shown(item.get("id")): item for item in result if isinstance(item, dict)}
    for item in result:
        if not isinstance(item, dict):
            reasons.append(("span refused", "it is not an object"))
        elif item.get("type") == "relation":
            ends = {end: by_id.get(shown(item.get(f"{end}_id"))) for end in ("from", "to")}
            others.append(("relation", {**item, **{end: ends[end] for end in ends if ends[end]}}))
        elif region := _region(item):
            regions.append(region)
        else:
            others.append((name_in(item.get("type")) or "result", item))
    names = (_person(row.get("completed_by")), _person(row.get("user")))
    if kind == "predictions":
        names = (name_in(row.get("model_version")) or "prediction", None)
    return Answer(
        annotator=names[0] or names[1] or who,
        coverage=MARKED if kind == "drafts" else WHOLE,
        stamp=row.get(KEY),
        age=(shown(row.get("updated_at") or ""), shown(row.get("created_at") or "")),
        regions=tuple(regions),
        others=tuple(others),
        reasons=tuple(reasons),
    )


def _person(value: Any) -> str | None:
    if isinstance(value, dict):
        return name_in(value.get("email"), value.get("id"), value.get("username"))
    return name_in(value)


def _region(row: Row) -> Region | None:
    """Read a labelled place; None for what is none, as a choice or a box in a picture."""
    value = row.get("value")
    if not isinstance(value, dict) or "start" not in value or "end" not in value:
        return None
    kind = row.get("type") or _kind(value)
    if not isinstance(kind, str) or not kind.endswith("labels"):
        return None
    labels = value.get(kind, value.get(_kind(value) or kind))
    offsets = value.get("globalOffsets")
    place = offsets if isinstance(offsets, dict) else value
    return Region(
        row=row,
        control=name_in(row.get("from_name")) or "",
        target=name_in(row.get("to_name")) or "",
        start=place.get("start"),
        end=place.get("end"),
        labels=tuple(labels) if isinstance(labels, list) and labels else (labels or None,),
        surface=value["text"] if isinstance(value.get("text"), str) else None,
        is_rendered=isinstance(offsets, dict),
    )
