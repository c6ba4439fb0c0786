"""Acts into events.jsonl, one a line, each on disk before anyone is told that it is saved.

The log is the truth: what people hold follows from it, and from nothing else. Any number of
processes may add to one log; each takes it for itself, reads what others have added, and only then
says whether an act fits. An act whose origin is there already has been saved, and is not saved
again: whoever did not hear the answer may ask once more.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from gonerd.errors import RecordError, StoreError
from gonerd.files import parse_json_line
from gonerd.review.acts import Act, act_from_json, act_to_json, changes_something
from gonerd.review.state import Conflict, State, apply, conflicts, replay

EVENTS = "events.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """An act that was not saved, because something is not what it takes it for."""

    act: Act
    conflicts: tuple[Conflict, ...]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(kw_only=True)
class Log:
    """A log, and what follows from it so far."""

    path: Path
    state: State = field(default_factory=State)
    read: int = 0
    """Bytes of the log that `state` holds."""
    clock: Callable[[], str] = _now

    def commit(self, acts: Sequence[Act]) -> list[Act | Refused]:
        """Save acts in order, each if it fits what is there, and give each as it was saved.

        All are on disk when this returns. If the disk refuses, none is saved: a StoreError. An act
        that changes nothing comes back as it is, without a number: there is nothing to undo.
        """
        with _alone(self.path) as stream:
            self._catch_up(stream)
            before, lines = len(self.state.acts), []
            found: list[Act | Refused] = []
            for act in acts:
                if act.origin and act.origin in self.state.origins:
                    found.append(self.state.acts[self.state.origins[act.origin] - 1])
                    continue
                if against := conflicts(self.state, act):
                    found.append(Refused(act=act, conflicts=tuple(against)))
                    continue
                if not changes_something(act):
                    found.append(act)
                    continue
                saved = replace(act, number=len(self.state.acts) + 1, at=self.clock())
                apply(self.state, saved)
                lines.append(to_line(saved))
                found.append(saved)
            try:
                self._write(stream, b"".join(lines))
            except BaseException:
                self.state = replay(self.state.acts[:before])
                raise
        return found

    def catch_up(self) -> State:
        """Read what other processes have added, and give what follows from all of it."""
        with _alone(self.path) as stream:
            self._catch_up(stream)
        return self.state

    def _catch_up(self, stream: IO[bytes]) -> None:
        """Read on to the end; what a power cut left of a line, and nobody was told of, goes."""
        size = stream.seek(0, os.SEEK_END)
        if size < self.read:
            raise StoreError(
                f"{self.path}: has become shorter, from {self.read:,} bytes to {size:,}; expected "
                "a log that only grows.\nStop everything that writes to it, and bring it back."
            )
        stream.seek(self.read)
        raw = stream.read()
        whole, _, torn = raw.rpartition(b"\n")
        if torn:
            stream.truncate(self.read + len(raw) - len(torn))
        for line in whole.split(b"\n") if whole else ():
            where = f"{self.path}:{len(self.state.acts) + 1}"
            act = act_from_json(parse_json_line(line, where), where)
            if act.number != len(self.state.acts) + 1:
                raise RecordError(
                    f"{where}: act number {act.number}; expected {len(self.state.acts) + 1}, as "
                    "acts are numbered in the order of the log."
                )
            apply(self.state, act)
        self.read += len(raw) - len(torn)

    def _write(self, stream: IO[bytes], raw: bytes) -> None:
        """Put lines at the end, on disk, or leave the log as it was."""
        if not raw:
            return
        try:
            rest = memoryview(raw)
            while rest:
                rest = rest[stream.write(rest) :]
            os.fsync(stream.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                stream.truncate(self.read)
            raise StoreError(
                f"{self.path}: cannot be written ({error.strerror}); expected room on the disk.\n"
                "What was saved before is safe; nothing of this was saved."
            ) from None
        self.read += len(raw)


def to_line(act: Act) -> bytes:
    """Write an act as a line of the log."""
    return json.dumps(act_to_json(act), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def open_log(folder: Path, clock: Callable[[], str] = _now) -> Log:
    """Open the log of a work folder, and read it; one that is damaged is a RecordError."""
    log = Log(path=folder / EVENTS, clock=clock)
    log.catch_up()
    return log


def replay_logs(paths: Sequence[Path]) -> State:
    """Read logs that were kept in different places, as when annotators send theirs.

    The order in which they are given changes nothing: they are taken by when they begin.
    """
    logs = []
    for path in paths:
        acts = Log(path=path).catch_up().acts
        logs.append((acts[0].at if acts else "", [to_line(one) for one in acts], acts))
    together: list[Act] = []
    for _, _, acts in sorted(logs, key=lambda one: one[:2]):
        before = len(together)
        together += [_renumbered(one, before) for one in acts]
    return replay(together)


def _renumbered(act: Act, by: int) -> Act:
    return replace(
        act,
        number=act.number + by,
        undoes=None if act.undoes is None else act.undoes + by,
        redoes=None if act.redoes is None else act.redoes + by,
    )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """Hold a log for this process alone, for as short as it takes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        stream = path.open("a+b", buffering=0)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be opened ({error.strerror}); expected a log that can be written."
        ) from None
    with stream:
        if new:
            _sync_folder(path.parent)
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


def _sync_folder(folder: Path) -> None:
    """Let the folder remember its new file through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
