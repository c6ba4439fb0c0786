"""The step `reconcile`: the annotations of each part into gold/part-* and disputes/part-*.

Disputes lie beside the gold of their documents, in the same order of parts, so that a person who
settles them never needs more than one part.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from gonerd.arrow import (
    annotations_from,
    annotations_table,
    disputes_from,
    disputes_table,
    documents_from,
)
from gonerd.config import to_table
from gonerd.engine import Batch, Engine, Outcome, run_step, tick
from gonerd.errors import ConfigError, OpenDispute, StoreError, listing
from gonerd.guide import Guide
from gonerd.reconcile.passes import annotator_folder, bring_passes
from gonerd.reconcile.vote import ReconcileConfig, Reconciled, reconcile_document
from gonerd.records import GOLD, Annotation, check_fit
from gonerd.store import (
    Manifest,
    fingerprint_of,
    part_path,
    read_part,
    require_manifest,
)


def reconcile(
    engine: Engine,
    work: Path,
    config: ReconcileConfig,
    *,
    files: list[Path],
    pipeline: str | None,
    guide: Guide,
) -> Manifest:
    """Reconcile every document's annotations into work/gold and work/disputes.

    `files` are the people's annotations, `pipeline` the annotator name of the pre-labels. An open
    dispute is an OpenDispute when the config says "stop".
    """
    documents = require_manifest(work / "documents", "Run the step `collect` first.")
    people = _people(engine, work, files, guide, pipeline) if files else []
    voters = [*people, *([pipeline] if pipeline and config.prelabels != "aside" else [])]
    if not voters:
        raise ConfigError(
            "reconcile.prelabels: nobody has a vote; expected at least one annotator."
        )
    manifests = {
        voter: require_manifest(annotator_folder(work, voter), "Run the step `prelabel` first.")
        for voter in voters
    }
    for voter, manifest in manifests.items():
        if manifest.inputs.get("documents") != documents.fingerprint:
            raise StoreError(
                f"{annotator_folder(work, voter)}: made from other documents; expected those in "
                f"{work / 'documents'}.\nRun the step `prelabel` again."
            )
    batches = [
        Batch(
            payload=(
                work / "documents" / part.file,
                [part_path(annotator_folder(work, voter), index) for voter in voters],
            ),
            fingerprint=fingerprint_of(
                part.sha256, [manifests[voter].parts[index].sha256 for voter in voters]
            ),
            size=part.rows,
        )
        for index, part in enumerate(documents.parts)
    ]
    rules = {**rules_of(config, guide), "voters": voters}
    inputs = {
        "documents": documents.fingerprint,
        **{voter: manifests[voter].fingerprint for voter in voters},
    }
    disputes = run_step(
        engine,
        work / "disputes",
        step="disputes",
        work=partial(_dispute_batch, config, guide),
        batches=batches,
        config=rules,
        inputs=inputs,
    )
    if disputes.counts.get("open"):
        _stop_at_open(work, disputes)
    return run_step(
        engine,
        work / "gold",
        step="reconcile",
        work=partial(_gold_batch, config, guide),
        batches=batches,
        config=rules,
        inputs=inputs,
    )


def rules_of(config: ReconcileConfig, guide: Guide) -> dict[str, Any]:
    """Say what decides gold besides the annotations themselves."""
    table = to_table(config)
    del table["reference"]
    return {
        **table,
        "annotations": list(config.annotations),
        "guide": guide.reference,
        "labels": list(guide.labels),
    }


def _people(
    engine: Engine, work: Path, files: list[Path], guide: Guide, pipeline: str | None
) -> list[str]:
    reserved = [GOLD, *([pipeline] if pipeline else [])]
    return bring_passes(engine, work, files, guide=guide, reserved=reserved)


Payload = tuple[Path, list[Path]]
"""The documents of a part, and the part of every voter beside it."""


def reconcile_part(config: ReconcileConfig, guide: Guide, payload: Payload) -> Iterator[Reconciled]:
    """Reconcile the documents of a part, in order; one that nobody annotated has nothing said."""
    documents_part, voters_parts = payload
    passes: dict[str, list[Annotation]] = defaultdict(list)
    for part in voters_parts:
        for annotation in annotations_from(read_part(part)):
            passes[annotation.document_id].append(annotation)
    for document in documents_from(read_part(documents_part)):
        for annotation in passes[document.id]:
            check_fit(annotation, document)
        yield reconcile_document(
            document,
            passes[document.id],
            labels=list(guide.labels),
            guide=guide.reference,
            config=config,
        )
        tick(1)


def _dispute_batch(config: ReconcileConfig, guide: Guide, payload: Payload) -> Outcome:
    found = [
        dispute
        for reconciled in reconcile_part(config, guide, payload)
        for dispute in reconciled.disputes
    ]
    num_open = sum(1 for dispute in found if dispute.settled_by is None)
    return Outcome(table=disputes_table(found), counts={"disputes": len(found), "open": num_open})


def _gold_batch(config: ReconcileConfig, guide: Guide, payload: Payload) -> Outcome:
    reconciled = list(reconcile_part(config, guide, payload))
    return Outcome(
        table=annotations_table(result.gold for result in reconciled),
        counts={
            "documents": len(reconciled),
            "spans": sum(len(result.gold.spans) for result in reconciled),
        },
        losses=[loss for result in reconciled for loss in result.losses],
    )


def _stop_at_open(work: Path, manifest: Manifest) -> None:
    places: list[str] = []
    for part in manifest.parts:
        for dispute in disputes_from(read_part(work / "disputes" / part.file)):
            said = "; ".join(
                f"{claim.annotator}: "
                + (", ".join(f"{s.label} [{s.start}:{s.end}]" for s in claim.spans) or "nothing")
                for claim in dispute.claims
            )
            places.append(f"{dispute.document_id}[{dispute.start}:{dispute.end}] {said}")
        if len(places) > 10:
            break
    count = manifest.counts["open"]
    shown = listing([*places[:10], *[""] * (count - len(places[:10]))])
    raise OpenDispute(
        f"{work / 'disputes'}: {count} disputes are open; expected none.\n{shown}\n"
        'Mend the annotations, or set reconcile.open_disputes = "settle" to go by the vote.'
    )
