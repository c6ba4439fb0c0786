"""A log into how far the work is: for each annotator and the whole, with pace and time left.

Time is that between an annotator's acts; a longer pause is no work. What an act is about is what
the time before it was spent on. Of documents in a queue only the tasks count, of others all.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from gonerd.records import Range
from gonerd.review.acts import Act
from gonerd.review.bias import Bias, bias_lines, bias_of
from gonerd.review.desk import Desk
from gonerd.review.queues import Queue, is_done, tasks_of
from gonerd.review.state import Held, State
from gonerd.spans import covers, intersect_ranges, merge_ranges

PAUSE = 300.0
"""Seconds without an act after which nobody is taken to be at work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How far one annotator is."""

    annotator: str
    accepted: int
    rejected: int
    added: int
    changed: int
    """Of the accepted: with another label or other borders."""
    unsure: int
    ruled: int
    """Disputes settled."""
    read: int
    """Characters declared read."""
    to_read: int
    """Characters in all."""
    tasks_done: int
    tasks: int
    """Documents, or pieces of them."""
    seconds: float
    """At work."""
    seconds_by_document: Mapping[str, float]
    decisions_an_hour: float | None
    characters_an_hour: float | None
    seconds_left: float | None
    """By the pace so far; None before there is one."""
    bias: Bias | None
    """Where a share of suggestions is hidden."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far all are."""

    annotators: tuple[Standing, ...]
    documents: int
    documents_done: int
    """Read whole, by as many as are to read them."""
    characters: int
    read: int
    """Characters that anybody has read."""
    acts: int
    open_disputes: int
    seconds_left: float | None
    """Until the last annotator is done, where all have a pace."""
    notes: tuple[str, ...] = field(default_factory=tuple)


def progress(desk: Desk, state: State, queue: Queue | None = None) -> Progress:
    """Work out how far everybody is; `desk` is the whole one, with all suggestions."""
    names = {name for name, _ in state.held} | {one.annotator for one in state.acts}
    names |= set(queue.config.annotators) if queue else set()
    times = _times(state)
    standings = tuple(_standing(desk, state, queue, one, times[one]) for one in sorted(names))
    overlap = queue.config.overlap if queue else 1
    read = done = 0
    by_document: dict[str, list[Held]] = defaultdict(list)
    for (_, document_id), held in state.held.items():
        by_document[document_id].append(held)
    for document_id, paper in desk.papers.items():
        length, readers = len(paper.document.text), by_document[document_id]
        read += _size(merge_ranges(pair for one in readers for pair in one.coverage))
        done += _read_by_all(length, readers, overlap)
    left = [one.seconds_left for one in standings if one.read < one.to_read]
    places = desk.disputed - set(state.rulings)
    return Progress(
        annotators=standings,
        documents=len(desk.papers),
        documents_done=done,
        characters=sum(len(one.document.text) for one in desk.papers.values()),
        read=read,
        acts=len(state.acts),
        open_disputes=len(places),
        seconds_left=max((one for one in left if one is not None), default=0.0)
        if None not in left
        else None,
    )


def progress_to_json(found: Progress) -> dict[str, Any]:
    """Turn progress into a JSON object."""
    return asdict(found)


def progress_report(found: Progress) -> str:
    """Tell people how far the work is."""
    lines = [
        f"{found.documents_done:,} of {found.documents:,} documents done; "
        f"{_percent(found.read, found.characters)} read; {found.acts:,} acts; "
        f"{found.open_disputes:,} disputes open; left: {_duration(found.seconds_left)}"
    ]
    for one in found.annotators:
        lines += [
            "",
            f"{one.annotator}: {one.tasks_done:,} of {one.tasks:,} tasks, "
            f"{_percent(one.read, one.to_read)} read",
            f"  accepted {one.accepted:,} (changed {one.changed:,}), rejected {one.rejected:,}, "
            f"added {one.added:,}, unsure {one.unsure:,}, ruled {one.ruled:,}",
            f"  at work {_duration(one.seconds)}, left {_duration(one.seconds_left)}; "
            f"{_pace(one.decisions_an_hour)} decisions and {_pace(one.characters_an_hour)} "
            "characters an hour",
        ]
        if one.bias is not None:
            lines += bias_lines(one.bias)
    return "\n".join(lines)


def _standing(
    desk: Desk, state: State, queue: Queue | None, name: str, times: Mapping[str, float]
) -> Standing:
    mine = {
        document_id: held
        for (annotator, document_id), held in state.held.items()
        if annotator == name and document_id in desk.papers
    }
    marks = [mark for held in mine.values() for mark in held.marks.values()]
    statuses = Counter(mark.status for mark in marks)
    ranges = _to_read(desk, queue, name)
    read = sum(
        _size(intersect_ranges(held.coverage, ranges.get(document_id, ())))
        for document_id, held in mine.items()
    )
    to_read = sum(map(_size, ranges.values()))
    if queue is None:
        tasks = len(desk.papers)
        done = sum(1 for one, pairs in ranges.items() if one in mine and _is_read(mine[one], pairs))
    else:
        own = tasks_of(queue, name)
        tasks, done = len(own), sum(is_done(one, state, name) for one in own)
    seconds = sum(times.values())
    pace = read / seconds * 3600 if read and seconds else None
    return Standing(
        annotator=name,
        accepted=statuses["accepted"],
        rejected=statuses["rejected"],
        added=statuses["added"],
        changed=sum(mark.suggested is not None for mark in marks),
        unsure=sum(mark.unsure for mark in marks),
        ruled=sum(who == name for who, _ in state.rulings.values()),
        read=read,
        to_read=to_read,
        tasks_done=done,
        tasks=tasks,
        seconds=round(seconds, 3),
        seconds_by_document={one: round(times[one], 3) for one in sorted(times)},
        decisions_an_hour=len(marks) / seconds * 3600 if seconds else None,
        characters_an_hour=pace,
        seconds_left=0.0 if read >= to_read else (to_read - read) / pace * 3600 if pace else None,
        bias=bias_of(desk, queue, name, mine),
    )


def _to_read(desk: Desk, queue: Queue | None, name: str) -> dict[str, tuple[Range, ...]]:
    """Say what an annotator is to read of each document."""
    if queue is None:
        return {one: ((0, len(paper.document.text)),) for one, paper in desk.papers.items()}
    pairs: dict[str, list[Range]] = defaultdict(list)
    for task in tasks_of(queue, name):
        pairs[task.document_id].append((task.start, task.end))
    return {one: merge_ranges(found) for one, found in pairs.items()}


def _times(state: State) -> dict[str, dict[str, float]]:
    """Share the time between each annotator's acts out to documents."""
    times: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    last: dict[str, datetime] = {}
    for act in state.acts:
        at = _moment(act)
        if at is None:
            continue
        before, last[act.annotator] = last.get(act.annotator), at
        gap = 0.0 if before is None else (at - before).total_seconds()
        if 0.0 < gap <= PAUSE and act.texts:
            for document_id in act.texts:
                times[act.annotator][document_id] += gap / len(act.texts)
    return times


def _moment(act: Act) -> datetime | None:
    try:
        return datetime.fromisoformat(act.at)
    except ValueError:
        return None


def _is_read(held: Held, ranges: tuple[Range, ...]) -> bool:
    return all(covers(held.coverage, start, end) for start, end in ranges if start < end)


def _read_by_all(length: int, readers: list[Held], overlap: int) -> bool:
    """Say whether every character has been read by so many."""
    edges: Counter[int] = Counter()
    for held in readers:
        for start, end in held.coverage:
            edges[start] += 1
            edges[end] -= 1
    depth = reached = 0
    for at in sorted(edges):
        if at > reached and depth < overlap:
            return False
        depth, reached = depth + edges[at], at
    return reached >= length


def _size(ranges: tuple[Range, ...]) -> int:
    return sum(end - start for start, end in ranges)


def _percent(count: int, of: int) -> str:
    return f"{count / of:.1%}" if of else "nothing to be"


def _pace(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
