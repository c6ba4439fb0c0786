"""The step `reconcile`: the annotations of each part into gold/part-* and disputes/part-*.

Disputes lie beside the gold of their documents, in the same order of parts, so that a person who
settles them never needs more than one part.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

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
from gonerd.gather import Gathered
from gonerd.guide import Guide
from gonerd.reconcile.decide import (
    AGREEMENT,
    ReconcileConfig,
    Reconciled,
    left_open,
    reconcile_document,
)
from gonerd.reconcile.methods import FEW, Readings, choose, read_corpus
from gonerd.reconcile.passes import annotator_folder, bring_passes
from gonerd.reconcile.settled import check_rulings, settled_by_people
from gonerd.records import GOLD, Annotation, Dispute, Document, check_fit, dispute_to_json
from gonerd.spans import merge_ranges
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
    settled: Sequence[Path] = (),
) -> Manifest:
    """Reconcile every document's annotations into work/gold and work/disputes.

    `files` are the people's annotations, `pipeline` the annotator name of the pre-labels, `settled`
    files of disputes that people have ruled on. Where pre-labels are "only" what there is, and
    people have read a place nevertheless, it is theirs. An open dispute is an OpenDispute when the
    config says "stop".
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
    parts = [
        (
            work / "documents" / part.file,
            [part_path(annotator_folder(work, voter), index) for voter in voters],
        )
        for index, part in enumerate(documents.parts)
    ]
    rulings = settled_by_people(*settled)
    yields = pipeline if people and config.prelabels == "only" else None
    readings = _readings(config, guide, parts, rulings, yields)
    batches = []
    for index, ((part, voters_parts), listed) in enumerate(
        zip(parts, documents.parts, strict=True)
    ):
        ids = pq.read_table(part, columns=["id"])["id"].to_pylist()
        own = _Part(
            documents=part,
            voters=tuple(voters_parts),
            yields=yields,
            readings=replace(
                readings, candidates={name: readings.candidates.get(name, ()) for name in ids}
            ),
            settled={name: tuple(rulings[name]) for name in ids if name in rulings},
        )
        fingerprint = fingerprint_of(
            listed.sha256,
            [manifests[voter].parts[index].sha256 for voter in voters],
            [[asdict(one) for one in own.readings.candidates[name]] for name in ids],
            [dispute_to_json(one) for rules in own.settled.values() for one in rules],
        )
        batches.append(Batch(payload=own, fingerprint=fingerprint, size=listed.rows))
    rules = {
        **rules_of(config, guide),
        "voters": voters,
        "method_taken": readings.method,
    }
    inputs = {
        "documents": documents.fingerprint,
        **{f"annotations of {voter}": manifests[voter].fingerprint for voter in voters},
    }
    notes: dict[str, str] = {readings.method: readings.why}
    disputes = run_step(
        engine,
        work / "disputes",
        step="disputes",
        work=partial(_dispute_batch, config, guide),
        batches=batches,
        config=rules,
        inputs=inputs,
        notes=notes,
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
        notes=notes,
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What it takes to reconcile the documents of a part."""

    documents: Path
    voters: tuple[Path, ...]
    """The part of every voter beside it."""
    yields: str | None
    """Who says nothing about what another voter has read."""
    readings: Readings
    settled: Mapping[str, Sequence[Dispute]]
    """What people have ruled, by document."""


def _readings(
    config: ReconcileConfig,
    guide: Guide,
    parts: Sequence[tuple[Path, Sequence[Path]]],
    rulings: Mapping[str, Sequence[Dispute]],
    yields: str | None,
) -> Readings:
    """Fit the method to all documents; a vote needs to see none of them."""
    num_voters = max((len(voters) for _, voters in parts), default=0)
    if config.method == "vote" or (config.method == "auto" and num_voters < FEW):
        why = "it was asked for" if config.method == "vote" else f"fewer than {FEW} annotators"
        return Readings(method="vote", why=why)
    items = [
        Gathered(document_id=document.id, document=document, annotations=tuple(passes))
        for part, voters in parts
        for document, passes in _passes(part, voters, yields)
    ]
    taken, why = choose(config.method, items)
    return read_corpus(taken, why, items, list(guide.labels), rulings)


def _passes(
    part: Path, voters: Sequence[Path], yields: str | None
) -> Iterator[tuple[Document, list[Annotation]]]:
    """Read the documents of a part, in order, with what the voters say about each."""
    passes: dict[str, list[Annotation]] = defaultdict(list)
    for voter in voters:
        for annotation in annotations_from(read_part(voter)):
            passes[annotation.document_id].append(annotation)
    for document in documents_from(read_part(part)):
        for annotation in passes[document.id]:
            check_fit(annotation, document)
        read = merge_ranges(
            pair
            for annotation in passes[document.id]
            for pair in annotation.coverage
            if annotation.annotator != yields
        )
        yield (
            document,
            [
                left_open(one, read) if one.annotator == yields else one
                for one in passes[document.id]
            ],
        )


def reconcile_part(config: ReconcileConfig, guide: Guide, part: _Part) -> Iterator[Reconciled]:
    """Reconcile the documents of a part, in order; one that nobody annotated has nothing said."""
    method = part.readings.method
    agreement = AGREEMENT[method] if config.agreement is None else config.agreement
    for document, passes in _passes(part.documents, part.voters, part.yields):
        settled = part.settled.get(document.id, ())
        check_rulings(
            settled, document.id, document.text_sha256, document=document, labels=guide.labels
        )
        yield reconcile_document(
            document.id,
            document.text_sha256,
            passes,
            guide=guide.reference,
            method=method,
            settle=part.readings.of(document.id, list(guide.labels), agreement),
            agreement=agreement,
            open_disputes=config.open_disputes,
            settled=settled,
        )
        tick(1)


def _dispute_batch(config: ReconcileConfig, guide: Guide, payload: _Part) -> Outcome:
    found = [
        dispute
        for reconciled in reconcile_part(config, guide, payload)
        for dispute in reconciled.disputes
    ]
    num_open = sum(1 for dispute in found if dispute.settled_by is None)
    return Outcome(table=disputes_table(found), counts={"disputes": len(found), "open": num_open})


def _gold_batch(config: ReconcileConfig, guide: Guide, payload: _Part) -> Outcome:
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
        "Mend the annotations, give people's rulings as reconcile.settled, or set "
        'reconcile.open_disputes = "settle" to go by the method.'
    )
