"""A desk into tasks: who reads which document, or which piece of it, and in what order.

Tasks are written to queue.json beside the log as they are drawn. Drawn again, they stay: only what
came new is handed out, so that nobody gets the same twice, whatever others have done since. What
is drawn follows from the desk, the table and its seed alone.
"""

import hashlib
import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from gonerd.config import from_table, read_toml
from gonerd.errors import ConfigError, StoreError
from gonerd.records import Range
from gonerd.review.desk import Desk, Paper, check_annotator
from gonerd.review.state import State
from gonerd.spans import covers
from gonerd.store import write_file

QUEUE = "queue.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueConfig:
    """The table of a queue."""

    annotators: tuple[str, ...]
    """Who reads."""
    overlap: int = 1
    """How many of them read the same."""
    piece: int = 0
    """Words in a piece of a document; 0: documents are read whole."""
    context: int = 200
    """Words to either side of a piece that are shown with it."""
    order: Literal["folder", "length", "uncertainty", "disagreement", "random"] = "folder"
    """What comes first: the shortest, what the model is least sure of, what is disputed most."""
    seed: int = 0
    hidden_spans: float = 0.0
    """The share of suggestions that an annotator is not shown."""
    hidden_documents: float = 0.0
    """The share of documents in which an annotator is shown none."""

    def __post_init__(self) -> None:
        if not self.annotators or len(set(self.annotators)) != len(self.annotators):
            raise ValueError(f"annotators={list(self.annotators)}; expected names, each once.")
        if not 1 <= self.overlap <= len(self.annotators):
            raise ValueError(
                f"overlap={self.overlap}; expected from 1 to {len(self.annotators)} annotators."
            )
        for key in ("piece", "context"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key}={getattr(self, key)}; expected a number of words.")
        for key in ("hidden_spans", "hidden_documents"):
            if not 0.0 <= getattr(self, key) < 1.0:
                raise ValueError(f"{key}={getattr(self, key)}; expected from 0 to below 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A range that is read as a whole."""

    document_id: str
    start: int
    end: int
    context: Range
    """What is shown with it, itself included."""
    annotators: tuple[str, ...]
    """Who reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """All tasks, in the order in which they are read."""

    config: QueueConfig
    tasks: tuple[Task, ...]


def load_queue_config(path: Path) -> QueueConfig:
    """Read the table of a queue from a TOML file."""
    return from_table(QueueConfig, read_toml(path), str(path))


def open_queue(desk: Desk, config: QueueConfig | None) -> Queue | None:
    """Give the queue of a desk: drawn by a table, or as it was drawn before; None for none."""
    path = desk.folder / "review" / QUEUE
    before = _read(path)
    if config is None:
        return before and replace(
            before, tasks=tuple(one for one in before.tasks if one.document_id in desk.papers)
        )
    for name in config.annotators:
        check_annotator(name, desk)
    queue = draw(desk, config, () if before is None else before.tasks)
    if queue != before:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}; expected a folder to write to.") from None
        write_file(path, _to_json(queue))
    return queue


def draw(desk: Desk, config: QueueConfig, before: Sequence[Task] = ()) -> Queue:
    """Cut documents, hand the pieces out evenly, and put them in order.

    What was handed out before stays with whoever has it.
    """
    had: dict[tuple[str, int, int], tuple[str, ...]] = {
        (one.document_id, one.start, one.end): one.annotators for one in before
    }
    load: dict[str, int] = defaultdict(int)
    for one in before:
        for name in one.annotators:
            load[name] += one.end - one.start
    pieces = [
        (paper, start, end)
        for paper in desk.papers.values()
        for start, end in pieces_of(paper, config.piece)
    ]
    tasks = []
    for paper, start, end in _ordered(desk, config, pieces):
        name = paper.document.id
        mine = list(had.get((name, start, end), ()))
        others = [one for one in config.annotators if one not in mine]
        others.sort(key=lambda one: (load[one], chance(config.seed, name, start, one)))
        for other in others[: max(0, config.overlap - len(mine))]:
            mine.append(other)
            load[other] += end - start
        context = _context(paper.document.text, start, end, config.context if config.piece else 0)
        tasks.append(
            Task(document_id=name, start=start, end=end, context=context, annotators=tuple(mine))
        )
    return Queue(config=config, tasks=tuple(tasks))


def tasks_of(queue: Queue, annotator: str) -> list[Task]:
    """List the tasks of an annotator, in order."""
    return [one for one in queue.tasks if annotator in one.annotators]


def is_done(task: Task, state: State, annotator: str) -> bool:
    """Say whether an annotator has declared all of a task read."""
    held = state.held.get((annotator, task.document_id))
    return held is not None and covers(held.coverage, task.start, task.end)


def next_task(queue: Queue, state: State, annotator: str) -> Task | None:
    """Give the first task of an annotator that is not done; None where all are."""
    return next((one for one in tasks_of(queue, annotator) if not is_done(one, state, annotator)),
                None)  # fmt: skip


def pieces_of(paper: Paper, words: int) -> Iterator[Range]:
    """Cut a document into even pieces of about so many words, at ends of lines where it can be.

    No piece ends within a suggestion. An empty document has no piece.
    """
    text = paper.document.text
    ends = [match.end() for match in re.finditer(r"\S+", text)] if words else []
    start, first = 0, 0
    left = (len(ends) + words // 2) // words if words else 1
    while left > 1 and len(ends) - first > 1:
        size = max(1, (len(ends) - first) // left)
        near = [ends[min(first + size * fifths // 5, len(ends) - 1)] for fifths in (4, 6)]
        cut = _cut(paper, ends[first + size - 1], (near[0], near[1]))
        if cut >= len(text):
            break
        yield start, cut
        start, first, left = cut, bisect_left(ends, cut + 1), left - 1
    if start < len(text):
        yield start, len(text)


def chance(seed: int, *what: object) -> float:
    """Draw a number from 0 to 1 for something, always the same."""
    digest = hashlib.sha256(json.dumps([seed, *what]).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _ordered(
    desk: Desk, config: QueueConfig, pieces: Sequence[tuple[Paper, int, int]]
) -> list[tuple[Paper, int, int]]:
    """Put pieces in the order of the table; those alike stay as they are in the folder."""
    if config.order == "folder":
        return list(pieces)
    impacts: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for one in desk.disputes:
        impact = 1.0 - (one.certainty or 0.0) if one.impact is None else one.impact
        impacts[one.document_id].append((one.start, impact))

    def rank(piece: tuple[Paper, int, int]) -> float:
        paper, start, end = piece
        name = paper.document.id
        if config.order == "length":
            return end - start
        if config.order == "random":
            return chance(config.seed, "order", name, start)
        if config.order == "disagreement":
            return -sum(impact for at, impact in impacts[name] if start <= at < end)
        doubts = [1.0 - (one.confidence or 0.0) for one in paper.suggested(start, end)]
        return -sum(doubts) / len(doubts) if doubts else 0.0

    return sorted(pieces, key=rank)


def _cut(paper: Paper, at: int, near: Range) -> int:
    """Find where a piece may end: at the end of a line nearby, or else of a word."""
    text = paper.document.text
    lines = [match.end() for match in re.finditer(r"\n+", text[near[0] : near[1]])]
    places = sorted((near[0] + one for one in lines), key=lambda one: abs(one - at))
    for place in places:
        if _is_free(paper, place):
            return place
    while not _is_free(paper, at):
        at = max(one.end for one in paper.suggested(at - 1, at + 1) if one.start < at < one.end)
    return at


def _is_free(paper: Paper, at: int) -> bool:
    return not any(one.start < at < one.end for one in paper.suggested(at - 1, at + 1))


def _context(text: str, start: int, end: int, words: int) -> Range:
    """Widen a range by words to either side."""
    if not words:
        return start, end
    reach = words * 20
    before = [match.start() for match in re.finditer(r"\S+", text[max(0, start - reach) : start])]
    after = [match.end() for match in re.finditer(r"\S+", text[end : end + reach])]
    first = max(0, start - reach) + before[-words] if len(before) >= words else None
    last = end + after[words - 1] if len(after) >= words else None
    return (
        max(0, start - reach) if first is None else first,
        min(len(text), end + reach) if last is None else last,
    )


def _to_json(queue: Queue) -> bytes:
    config = {
        name: list(value) if isinstance(value, tuple) else value
        for name in QueueConfig.__slots__
        for value in [getattr(queue.config, name)]
    }
    rows: Iterable[str] = (
        json.dumps(
            {
                "document_id": one.document_id,
                "range": [one.start, one.end],
                "context": list(one.context),
                "annotators": list(one.annotators),
            },
            ensure_ascii=False,
        )
        for one in queue.tasks
    )
    tasks = ",\n".join(rows)
    written = json.dumps(config, ensure_ascii=False)
    return f'{{"config": {written},\n"tasks": [\n{tasks}\n]}}\n'.encode()


def _read(path: Path) -> Queue | None:
    """Read a queue that was drawn; None where none was."""
    if not path.is_file():
        return None
    try:
        row: dict[str, Any] = json.loads(path.read_bytes())
        tasks = [
            Task(
                document_id=str(one["document_id"]),
                start=int(one["range"][0]),
                end=int(one["range"][1]),
                context=(int(one["context"][0]), int(one["context"][1])),
                annotators=tuple(map(str, one["annotators"])),
            )
            for one in row["tasks"]
        ]
        return Queue(config=from_table(QueueConfig, row["config"], str(path)), tasks=tuple(tasks))
    except (ValueError, KeyError, TypeError, IndexError, OSError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error!r}); expected a queue as it was drawn.\n"
            "Delete it, and tasks are drawn anew from the table."
        ) from None
