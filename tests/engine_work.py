"""Work functions for tests of the engine, in a module that a spawned process can import."""

import os
import random
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from gonerd.arrow import documents_table
from gonerd.engine import Batch, Engine, Outcome, run_step, tick
from gonerd.errors import RecordError
from gonerd.records import Document, Loss
from gonerd.store import Manifest, fingerprint_of

Words = tuple[str, ...]


def spell(words: Words) -> Outcome:
    """Make a document of each word; one that begins with a dash is lost."""
    kept = [word for word in words if not word.startswith("-")]
    lost = [word for word in words if word.startswith("-")]
    tick(len(words))
    return Outcome(
        table=documents_table(
            Document(id=word, text=word, source="words", license="unknown", language="en")
            for word in kept
        ),
        counts={"words": len(kept), "letters": sum(map(len, kept))},
        losses=[Loss(document_id=word, what="word dropped", why="a dash") for word in lost],
    )


def spell_or_refuse(words: Words) -> Outcome:
    """Spell, but refuse a batch with the word `bad`."""
    if "bad" in words:
        raise RecordError("batch: the word 'bad'; expected good words.")
    return spell(words)


def spell_or_exit(words: Words) -> Outcome:
    """Spell, but end the whole process at the word `exit`, as one killed for its memory ends."""
    if "exit" in words and os.environ.get("GONERD_TEST_EXIT"):
        os.kill(os.getpid(), signal.SIGKILL)
    return spell(words)


def spell_for_ever(words: Words) -> Outcome:
    """Say that it begins, and never end."""
    print("begun", flush=True)
    threading.Event().wait()
    return spell(words)


def fill(num_bytes: int) -> Outcome:
    """Make a table that cannot be packed smaller than so many bytes."""
    return Outcome(table=pa.table({"noise": [random.Random(num_bytes).randbytes(num_bytes)]}))


def batches_of(payloads: Sequence[object]) -> list[Batch]:
    """Make a batch of each payload."""
    return [Batch(payload=payload, fingerprint=fingerprint_of(payload)) for payload in payloads]


def run_words(
    folder: Path,
    payloads: Sequence[object],
    *,
    work: object = spell,
    workers: int = 1,
    strict: bool = False,
    config: dict[str, object] | None = None,
    notes: dict[str, str] | None = None,
) -> Manifest:
    """Run the step `words` over some payloads."""
    return run_step(
        Engine(workers=workers, strict=strict),
        folder,
        step="words",
        work=work,  # type: ignore[arg-type]
        batches=batches_of(payloads),
        config=config or {},
        inputs={"words": fingerprint_of(payloads)},
        notes=notes,
    )
