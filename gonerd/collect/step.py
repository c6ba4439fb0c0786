"""The step `collect`: items in batches into documents/part-*.parquet, each id and text once.

Batches are read one by one, wherever the engine runs them. What needs a look at all of them (an id
or a text that was there before) is decided after, by the order of the batches alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from gonerd.arrow import documents_from, documents_table
from gonerd.collect.items import CollectConfig, Item, batch_items, list_items
from gonerd.collect.read import read_item
from gonerd.config import to_table
from gonerd.engine import Batch, Engine, Outcome, run_step, tick
from gonerd.errors import SourceError, listing
from gonerd.guide import Guide
from gonerd.records import Document, Loss
from gonerd.store import (
    Footer,
    Manifest,
    fingerprint_of,
    part_path,
    read_footer,
    read_part,
    write_part,
)

REFUSED = "document refused"


def collect(
    engine: Engine,
    work: Path,
    config: CollectConfig,
    *,
    location: Path,
    guide: Guide,
    own: Sequence[Path] = (),
) -> Manifest:
    """Collect every document of a source into work/documents; `own` lists what is no source.

    A source that is missing, empty, or gives no document at all is a SourceError; so is any refused
    document when `refusals` is "stop", after all the others were collected.
    """
    items, left_out = list_items(config, location, own)
    labels = tuple(guide.labels)
    rules = {**to_table(config), "folder": "", "addresses": "", "labels": list(labels)}
    del rules["refusals"]
    batches = [
        Batch(
            payload=batch,
            fingerprint=fingerprint_of(rules, [item.identity for item in batch]),
            size=sum(item.size for item in batch),
        )
        for batch in batch_items(items, config.part_bytes)
    ]
    return run_step(
        engine,
        work / "documents",
        step="collect",
        work=partial(_collect_batch, config, labels),
        batches=batches,
        config=rules,
        inputs={
            "source": fingerprint_of(
                [item.identity for item in items], [asdict(loss) for loss in left_out]
            ),
            "refusals": config.refusals,
        },
        mend=partial(_finish_collection, location, config, left_out),
    )


def _collect_batch(
    config: CollectConfig, labels: tuple[str, ...], batch: tuple[Item, ...]
) -> Outcome:
    documents: list[Document] = []
    losses: list[Loss] = []
    for item in batch:
        for result in read_item(item, config, labels):
            if isinstance(result, Document):
                documents.append(result)
            else:
                losses.append(result)
        tick(item.size)
    return Outcome(table=documents_table(documents), counts=_counts(documents), losses=losses)


def _finish_collection(
    location: Path, config: CollectConfig, left_out: list[Loss], folder: Path, num_parts: int
) -> None:
    """Drop repeated ids and texts, note what was left out, and stop where the config says so."""
    firsts: dict[str, str] = {}
    num_documents = 0
    refused: list[Loss] = []
    for index in range(num_parts):
        path = part_path(folder, index)
        footer = read_footer(path)
        assert footer is not None, f"{path} was just written"
        repeated = _repeated(path, firsts)
        losses = list(repeated.values())
        if index == 0:
            losses += left_out
        if losses:
            footer = _without(path, footer, repeated, losses)
        num_documents += footer.counts["documents"]
        refused += [loss for loss in footer.losses if loss.what == REFUSED]
    problems = [f"{loss.document_id}: {loss.why}" for loss in refused]
    stops = bool(refused) and (not num_documents or config.refusals == "stop")
    if stops and config.addresses is not None:
        _forget_refused(folder, num_parts)
    if not num_documents:
        raise SourceError(
            f"{location}: no document could be collected; expected at least one.\n"
            f"{listing(problems)}".rstrip()
        )
    if refused and config.refusals == "stop":
        raise SourceError(
            f"{location}: {len(refused)} of {num_documents + len(refused)} documents were refused; "
            f"expected none.\n{listing(problems)}\n"
            f"The other {num_documents} are kept. Mend or remove these, or set collect.refusals = "
            '"count" (--refusals count) to go on without them.'
        )


def _forget_refused(folder: Path, num_parts: int) -> None:
    """Have the parts with a refused address made again: the server may answer next time."""
    for index in range(num_parts):
        path = part_path(folder, index)
        footer = read_footer(path)
        if footer is not None and any(loss.what == REFUSED for loss in footer.losses):
            write_part(path, read_part(path), replace(footer, final=False))


def _repeated(path: Path, firsts: dict[str, str]) -> dict[int, Loss]:
    """Find the rows whose id or text stood before; `firsts` holds what has been met so far."""
    losses: dict[int, Loss] = {}
    table = pq.read_table(path, columns=["id", "text_sha256", "source"])
    for index, row in enumerate(table.to_pylist()):
        if (first := firsts.get(f"id {row['id']}")) is not None:
            why = f"its id is taken by the document from {first}"
            losses[index] = Loss(document_id=row["id"], what=REFUSED, why=why)
        elif f"text {row['text_sha256']}" in firsts:
            why = "the same text as another document"
            losses[index] = Loss(document_id=row["id"], what="document dropped", why=why)
        else:
            firsts[f"id {row['id']}"] = row["source"]
            firsts[f"text {row['text_sha256']}"] = row["id"]
    return losses


def _without(path: Path, footer: Footer, rows: Collection[int], losses: list[Loss]) -> Footer:
    """Rewrite a part without some rows, and with why."""
    documents = documents_from(read_part(path))
    kept = [document for index, document in enumerate(documents) if index not in rows]
    changed = replace(footer, counts=_counts(kept), losses=(*footer.losses, *losses), final=False)
    write_part(path, documents_table(kept), changed)
    return changed


def _counts(documents: list[Document]) -> dict[str, int]:
    return {
        "documents": len(documents),
        "characters": sum(len(document.text) for document in documents),
    }
