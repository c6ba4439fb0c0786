"""Wishes of everybody into acts, those that wait together committed with one fsync.

One thread alone writes. It takes at most one wish of each annotator at a time: what people wish
of their own work never meets another's, so none is made from a state that has changed by then.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from gonerd.errors import GonerdError, RecordError
from gonerd.review.acts import Act, changes_something
from gonerd.review.log import Log, Refused
from gonerd.review.state import State

Make = Callable[[State], Act | None]
LOOK_EVERY = 0.5
"""Seconds after which acts of other processes are looked for."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """A wish that waits."""

    annotator: str
    origin: str
    make: Make
    answer: "Future[Act | Refused | None]"


@dataclass(kw_only=True)
class Keeper:
    """A log for many threads: reading under its lock, writing by its own thread."""

    log: Log
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held by whoever reads the state, and while it changes."""
    waiting: list[Asked] = field(default_factory=list)
    listeners: dict[int, tuple[str | None, Callable[[], None]]] = field(default_factory=dict)
    ended: bool = False
    ending: Callable[[], bool] = lambda: False
    """Whether the server is about to end, and nobody should wait for news."""
    _bell: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _next: int = 0

    def start(self) -> None:
        """Begin to save what is asked for."""
        self._thread = threading.Thread(target=self._run, name="saving", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Save what waits, and end."""
        with self._bell:
            self.ended = True
            self._bell.notify()
        if self._thread is not None:
            self._thread.join()

    def ask(self, annotator: str, origin: str, make: Make) -> "Future[Act | Refused | None]":
        """Ask for an act; its answer comes when it is on disk, None where nothing is to be done."""
        asked = Asked(annotator=annotator, origin=origin, make=make, answer=Future())
        with self._bell:
            if self.ended:
                asked.answer.set_exception(RecordError("server: ends; nothing was saved."))
            else:
                self.waiting.append(asked)
                self._bell.notify()
        return asked.answer

    @contextmanager
    def reading(self) -> Iterator[State]:
        """Give the state, which does not change meanwhile."""
        with self.lock:
            yield self.log.state

    @contextmanager
    def listening(self, annotator: str | None, call: Callable[[], None]) -> Iterator[None]:
        """Call whenever somebody has acted, or this annotator; from the thread that writes."""
        with self.lock:
            self._next += 1
            mine = self._next
            self.listeners[mine] = (annotator, call)
        try:
            yield
        finally:
            with self.lock:
                del self.listeners[mine]

    def _run(self) -> None:
        while True:
            with self._bell:
                if not self.waiting and not self.ended:
                    self._bell.wait(LOOK_EVERY)
                if self.ended and not self.waiting:
                    return
                turn = self._turn()
            with self.lock:
                before = len(self.log.state.acts)
                try:
                    self._commit(turn)
                except Exception as error:  # whoever waits hears of it; the next may fare better
                    for asked in turn:
                        if not asked.answer.done():
                            asked.answer.set_exception(error)
                acted = {act.annotator for act in self.log.state.acts[before:]}
                calls = [
                    call
                    for annotator, call in self.listeners.values()
                    if acted and (annotator is None or annotator in acted)
                ]
            for call in calls:
                with suppress(RuntimeError):  # its loop has ended
                    call()

    def _turn(self) -> list[Asked]:
        """Take the first wish of each annotator."""
        turn: dict[str, Asked] = {}
        for asked in self.waiting:
            turn.setdefault(asked.annotator, asked)
        self.waiting = [one for one in self.waiting if turn[one.annotator] is not one]
        return list(turn.values())

    def _commit(self, turn: list[Asked]) -> None:
        if not turn and not self._has_grown():
            return
        state = self.log.catch_up()
        made: list[tuple[Asked, Act]] = []
        for asked in turn:
            if asked.origin in state.origins:
                saved = state.acts[state.origins[asked.origin] - 1]
                if saved.annotator == asked.annotator:
                    asked.answer.set_result(saved)
                else:
                    asked.answer.set_exception(
                        RecordError(f"origin {asked.origin!r}: is another's; expected one's own.")
                    )
                continue
            try:
                act = asked.make(state)
            except GonerdError as error:
                asked.answer.set_exception(error)
                continue
            if act is None or not changes_something(act):
                asked.answer.set_result(None)
            else:
                made.append((asked, act))
        answers = self.log.commit([act for _, act in made]) if made else []
        for (asked, _), answer in zip(made, answers, strict=True):
            asked.answer.set_result(answer)

    def _has_grown(self) -> bool:
        try:
            return self.log.path.stat().st_size != self.log.read
        except OSError:
            return True
