"""Where a step runs: one function over batches, here or in a pool of processes, a part for each.

A step is a pure function from a batch to a table. The batches are fixed before the work begins, and
each makes its own part, so the output is the same to the byte however many processes share the
work, and a part whose fingerprint fits is never made twice.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from gonerd import __version__
from gonerd.errors import Lost, listing
from gonerd.progress import Progress
from gonerd.records import Loss
from gonerd.store import (
    Footer,
    Manifest,
    clear_partials,
    fingerprint_of,
    finish,
    is_whole,
    part_path,
    read_footer,
    read_manifest,
    unwritable,
    write_part,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """The work for one part."""

    payload: Any
    """What the step's function gets; must be picklable."""
    fingerprint: str
    """Hash of everything in the payload that decides the outcome."""
    size: int = 1
    """Amount of work, in the unit of the step's progress bar."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a step's function makes of a batch."""

    table: pa.Table
    counts: Mapping[str, int] = field(default_factory=dict)
    losses: Sequence[Loss] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """How to run steps; nothing here changes what they give."""

    workers: int = 1
    strict: bool = False
    """Turn any loss into an error."""
    progress: Progress = field(default_factory=Progress)


def run_step(
    engine: Engine,
    folder: Path,
    *,
    step: str,
    work: Callable[[Any], Outcome],
    batches: Sequence[Batch],
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
    mend: Callable[[Path, int], None] | None = None,
) -> Manifest:
    """Make every part of a step that is not there yet, then its ledger and manifest.

    `mend` looks at all parts once they are made, and may rewrite some (footer `final=False`).
    `notes` go into the manifest and decide nothing.
    """
    recipe = fingerprint_of(__version__, step, config)
    wanted = [fingerprint_of(recipe, batch.fingerprint) for batch in batches]
    whole = fingerprint_of(recipe, wanted, dict(inputs))
    manifest = read_manifest(folder)
    if manifest is None or manifest.fingerprint != whole or not is_whole(folder, manifest):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error
        clear_partials(folder)
        _make_parts(engine, folder, step, work, batches, wanted)
        if mend is not None:
            mend(folder, len(batches))
        manifest = finish(
            folder,
            step=step,
            version=__version__,
            fingerprint=whole,
            config=config,
            inputs=inputs,
            notes=notes or {},
            num_parts=len(batches),
        )
    if engine.strict and manifest.losses:
        counted = [f"{count} x {reason}" for reason, count in manifest.losses.items()]
        raise Lost(
            f"{folder}: {step} lost something and --strict forbids it; expected no losses.\n"
            f"{listing(counted)}\nThe ledger.parquet in that folder names each."
        )
    return manifest


def _make_parts(
    engine: Engine,
    folder: Path,
    step: str,
    work: Callable[[Any], Outcome],
    batches: Sequence[Batch],
    wanted: Sequence[str],
) -> None:
    missing = [index for index in range(len(batches)) if not _is_made(folder, index, wanted[index])]
    total = sum(batch.size for batch in batches)
    with engine.progress.bar(step, total) as advance:
        advance(total - sum(batches[index].size for index in missing))
        jobs = [
            partial(
                _make_part, work, batches[index].payload, part_path(folder, index), wanted[index]
            )
            for index in missing
        ]
        run_jobs(jobs, workers=engine.workers, advance=advance)


def _is_made(folder: Path, index: int, fingerprint: str) -> bool:
    footer = read_footer(part_path(folder, index))
    return footer is not None and footer.fingerprint == fingerprint and footer.final


def _make_part(work: Callable[[Any], Outcome], payload: Any, path: Path, fingerprint: str) -> None:
    outcome = work(payload)
    footer = Footer(
        fingerprint=fingerprint, counts=dict(outcome.counts), losses=tuple(outcome.losses)
    )
    write_part(path, outcome.table, footer)


def tick(amount: int) -> None:
    """Tell the progress bar, from inside a step's function, that `amount` of the work is done."""
    _advance(amount)


def run_jobs(
    jobs: Sequence[Callable[[], None]], *, workers: int, advance: Callable[[int], None]
) -> None:
    """Run jobs here, or in a pool when that helps; raise the error of the first that failed."""
    global _advance
    if workers <= 1 or len(jobs) <= 1:
        _advance = advance
        try:
            for job in jobs:
                job()
        finally:
            _advance = _nowhere
        return
    # spawn: a forked child would inherit locks of Arrow's threads.
    context = multiprocessing.get_context("spawn")
    ticks = context.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(ticks, advance), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=context, initializer=_begin_worker, initargs=(ticks,)
    )
    try:
        with _deaf_to_interrupts():  # the parent alone answers Ctrl-C; workers end with it
            futures: list[Future[None]] = [pool.submit(job) for job in jobs]
        for future in futures:
            future.result()
    except Exception:
        pool.shutdown(wait=True, cancel_futures=True)  # what others have begun is kept
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    ticks.put(None)
    listener.join()


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start child processes that never hear Ctrl-C; here it waits until the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _nowhere(amount: int) -> None:
    """Take a tick where no bar is shown."""


_advance: Callable[[int], None] = _nowhere


def _begin_worker(ticks: "multiprocessing.SimpleQueue[int | None]") -> None:
    global _advance
    _advance = ticks.put
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)  # the parent was killed: nobody waits for this work any more

    threading.Thread(target=end_with_parent, daemon=True).start()


def _listen(
    ticks: "multiprocessing.SimpleQueue[int | None]", advance: Callable[[int], None]
) -> None:
    while (amount := ticks.get()) is not None:
        advance(amount)
