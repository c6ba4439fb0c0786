"""The step `publish`: documents, gold and annotations of a work folder into a release.

First every document becomes a row, part by part, wherever the engine runs them. Then splits are
decided by a look at all rows' ids, sources and signatures, and the release is written in one pass.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from gonerd import __version__
from gonerd.arrow import annotations_from, documents_from, losses_from
from gonerd.config import to_table
from gonerd.engine import Batch, Engine, Outcome, run_step, tick
from gonerd.errors import ConfigError, Lost, StoreError, listing
from gonerd.near_duplicates import signature
from gonerd.publish.assemble import assembled, check_place, write_splits
from gonerd.publish.decide import decide_splits, published_splits, remember_splits
from gonerd.publish.layers import layer_row, pseudonyms
from gonerd.publish.rows import make_row
from gonerd.publish.seal import Publication, seal
from gonerd.publish.splits import PublishConfig
from gonerd.records import GOLD, Loss, check_fit
from gonerd.release import (
    ANNOTATIONS,
    DEFAULT,
    LAYER_ROWS,
    ROWS,
    Release,
    is_release,
    open_release,
)
from gonerd.store import (
    LEDGER,
    Manifest,
    count_losses,
    file_sha256,
    fingerprint_of,
    part_paths,
    read_part,
    require_manifest,
    write_ledger,
)

_SIGNED_ROWS = ROWS.append(pa.field("signature", pa.binary()))
_PSEUDONYMS = "pseudonyms.json"


def publish(
    engine: Engine, work: Path, out: Path, config: PublishConfig, publication: Publication
) -> Release:
    """Publish the documents and gold of a work folder as a release in `out`.

    A place that holds anything but an earlier release is a StoreError. Without change since the
    release was made, nothing is done.
    """
    check_place(out)
    rows = _make_rows(engine, work, config, publication)
    fingerprint = _fingerprint(config, publication, rows)
    published = published_splits(work, out)
    if is_release(out):
        release = open_release(out)
        if release.fingerprint == fingerprint and _is_whole(release):
            _check_losses(engine, release.losses, out)
            remember_splits(work, published)
            return release
    splits, leaks = decide_splits(work / "rows", rows, config, published)
    names = pseudonyms(work / _PSEUDONYMS, publication.people)
    losses = [*_ledgers(work, publication), *_layer_losses(publication), *leaks]
    _check_losses(engine, count_losses(losses), out)
    with assembled(out) as folder, engine.progress.bar("publish", len(rows.parts)) as advance:
        release = Release(
            folder=folder,
            name=publication.name,
            gonerd=__version__,
            fingerprint=fingerprint,
            guide=publication.guide.reference,
            labels=tuple(publication.guide.labels),
            group=config.group,
            configs={
                DEFAULT: write_splits(
                    folder,
                    "data",
                    ROWS,
                    list(config.shares),
                    _by_split(work / "rows", rows, splits, advance),
                ),
                ANNOTATIONS: write_splits(
                    folder,
                    ANNOTATIONS,
                    LAYER_ROWS,
                    list(config.shares),
                    _layers_by_split(publication.layers, splits, names),
                ),
            },
            files={},
            counts={},
            losses=count_losses(losses),
        )
        write_ledger(folder, losses)
        seal(work, release, publication, names)
    remember_splits(work, {**published, **splits})
    return open_release(out)


def _make_rows(
    engine: Engine, work: Path, config: PublishConfig, publication: Publication
) -> Manifest:
    guide = publication.guide
    documents = require_manifest(work / "documents", "Run the step `collect` first.")
    gold = require_manifest(work / GOLD, "Run the step `reconcile` first.")
    _check_fixed(config, work, documents)
    made = {work / GOLD: gold}
    for name, folder in publication.layers.items():
        step = "reconcile" if name in publication.people else "prelabel"
        made[folder] = require_manifest(folder, f"Run the step `{step}` first.")
    for folder, manifest in made.items():
        if manifest.inputs.get("documents") != documents.fingerprint:
            raise StoreError(
                f"{folder}: made from other documents than those in {work / 'documents'}; "
                "expected the same.\nRun the steps `prelabel` and `reconcile` again."
            )
    if gold.config.get("labels") != list(guide.labels) or gold.config["guide"] != guide.reference:
        raise StoreError(
            f"{work / GOLD}: made by {gold.config['guide']} with other labels or another version; "
            f"expected {guide.reference} with {', '.join(guide.labels)}.\n"
            "Run the step `reconcile` again."
        )
    batches = [
        Batch(
            payload=(work / "documents" / part.file, work / GOLD / gold_part.file),
            fingerprint=fingerprint_of(part.sha256, gold_part.sha256),
            size=part.rows,
        )
        for part, gold_part in zip(documents.parts, gold.parts, strict=True)
    ]
    return run_step(
        replace(engine, strict=False),  # judged once, over all ledgers
        work / "rows",
        step="rows",
        work=partial(_row_batch, tuple(guide.labels)),
        batches=batches,
        config={"labels": list(guide.labels)},
        inputs={"documents": documents.fingerprint, "gold": gold.fingerprint},
    )


def _check_fixed(config: PublishConfig, work: Path, documents: Manifest) -> None:
    """Refuse a fixed split for a document that was never collected: a slip costs a test set."""
    fixed = {name for names in config.fixed_splits.values() for name in names}
    for part in documents.parts if fixed else ():
        fixed -= set(read_part(work / "documents" / part.file)["id"].to_pylist())
    if fixed:
        raise ConfigError(
            f"publish.fixed_splits: {min(fixed)!r} was not collected; expected ids of documents."
        )


def _row_batch(labels: tuple[str, ...], payload: tuple[Path, Path]) -> Outcome:
    documents_part, gold_part = payload
    gold = {one.document_id: one for one in annotations_from(read_part(gold_part))}
    rows = []
    losses: list[Loss] = []
    for document in documents_from(read_part(documents_part)):
        check_fit(gold[document.id], document)
        row, lost = make_row(document, gold[document.id], labels)
        losses += lost
        if row is not None:
            rows.append({**row, "signature": signature(document.text).tobytes()})
        tick(1)
    return Outcome(
        table=pa.Table.from_pylist(rows, schema=_SIGNED_ROWS),
        counts={"documents": len(rows), "tokens": sum(row["num_tokens"] for row in rows)},
        losses=losses,
    )


def _by_split(
    folder: Path, rows: Manifest, splits: Mapping[str, str], advance: Callable[[int], None]
) -> Iterator[dict[str, pa.Table]]:
    for part in rows.parts:
        table = read_part(folder / part.file).drop_columns(["signature"])
        table = table.replace_schema_metadata(None)
        yield _share_out(table, "id", splits)
        advance(1)


def _layer_losses(publication: Publication) -> list[Loss]:
    """Name the spans of layers whose parts the published columns cannot hold."""
    return [
        Loss(
            document_id=annotation.document_id,
            start=span.start,
            end=span.end,
            what="span joined in a layer",
            why="it has several parts",
        )
        for folder in publication.layers.values()
        for part in part_paths(folder)
        for annotation in annotations_from(read_part(part))
        for span in annotation.spans
        if len(span.fragments) > 1
    ]


def _layers_by_split(
    layers: Mapping[str, Path], splits: Mapping[str, str], names: Mapping[str, str]
) -> Iterator[dict[str, pa.Table]]:
    published = sorted(layers, key=lambda annotator: names.get(annotator, annotator))
    for annotator in published:
        for part in require_manifest(layers[annotator], "Run `reconcile` first.").parts:
            rows = [
                layer_row(annotation, names)
                for annotation in annotations_from(read_part(layers[annotator] / part.file))
            ]
            table = pa.Table.from_pylist(rows, schema=LAYER_ROWS)
            yield _share_out(table, "document_id", splits)


def _share_out(table: pa.Table, key: str, splits: Mapping[str, str]) -> dict[str, pa.Table]:
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(table[key].to_pylist()):
        if name in splits:
            rows.setdefault(splits[name], []).append(row)
    return {split: table.take(indices) for split, indices in rows.items()}


def _ledgers(work: Path, publication: Publication) -> list[Loss]:
    """Gather what every step before has lost."""
    folders = [work / "documents", *publication.layers.values(), work / GOLD, work / "rows"]
    return [loss for folder in folders for loss in losses_from(read_part(folder / LEDGER))]


def _fingerprint(config: PublishConfig, publication: Publication, rows: Manifest) -> str:
    layers = {
        name: require_manifest(folder, "Run the step `reconcile` first.").fingerprint
        for name, folder in publication.layers.items()
    }
    reference = []
    if publication.reference is not None:
        files = sorted(publication.reference.glob("*")) or [publication.reference]
        reference = [file_sha256(path) for path in files if path.is_file()]
    return fingerprint_of(
        __version__,
        publication.name,
        publication.title,
        publication.annotations_creators,
        publication.card,
        publication.guide.reference,
        dict(publication.guide.labels),
        to_table(config),
        rows.fingerprint,
        layers,
        publication.people,
        publication.voters,
        reference,
    )


def _is_whole(release: Release) -> bool:
    try:
        return all(
            file_sha256(release.folder / name) == sha256 for name, sha256 in release.files.items()
        )
    except OSError:
        return False


def _check_losses(engine: Engine, losses: Mapping[str, int], out: Path) -> None:
    if engine.strict and losses:
        counted = [f"{count} x {reason}" for reason, count in losses.items()]
        raise Lost(
            f"{out}: the release would lack something and --strict forbids it; expected no losses."
            f"\n{listing(counted)}"
        )
