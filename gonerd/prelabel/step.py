"""The step `prelabel`: documents/part-*.parquet into annotations/<pipeline>/part-*.parquet."""

from functools import partial
from pathlib import Path

from gonerd.arrow import annotations_table, documents_from
from gonerd.config import to_table
from gonerd.engine import Batch, Engine, Outcome, run_step, tick
from gonerd.guide import Guide
from gonerd.prelabel.label import prelabel_documents
from gonerd.prelabel.pipeline import PrelabelConfig, identify, label_map, load
from gonerd.records import Annotation, Loss
from gonerd.store import Manifest, fingerprint_of, read_part, require_manifest


def prelabel(engine: Engine, work: Path, config: PrelabelConfig, *, guide: Guide) -> Manifest:
    """Label every collected document into work/annotations/<pipeline>."""
    documents = require_manifest(work / "documents", "Run the step `collect` first.")
    identity = identify(config.pipeline)
    resolved = {**to_table(config), "pipeline": identity.annotator, "guide": guide.reference}
    batches = [
        Batch(
            payload=work / "documents" / part.file,
            fingerprint=fingerprint_of(part.sha256, identity.fingerprint),
            size=part.rows,
        )
        for part in documents.parts
    ]
    return run_step(
        engine,
        work / "annotations" / identity.annotator,
        step="prelabel",
        work=partial(_prelabel_batch, config, guide),
        batches=batches,
        config=resolved,
        inputs={"documents": documents.fingerprint, "pipeline": identity.fingerprint},
    )


def _prelabel_batch(config: PrelabelConfig, guide: Guide, part: Path) -> Outcome:
    documents = documents_from(read_part(part))
    annotations: list[Annotation] = []
    losses: list[Loss] = []
    for result in prelabel_documents(
        load(config.pipeline),
        documents,
        annotator=identify(config.pipeline).annotator,
        guide=guide.reference,
        labels=label_map(config.pipeline, config, guide),
        config=config,
    ):
        annotations.append(result.annotation)
        losses.extend(result.losses)
        tick(1)
    num_spans = sum(len(annotation.spans) for annotation in annotations)
    return Outcome(
        table=annotations_table(annotations),
        counts={"documents": len(annotations), "spans": num_spans},
        losses=losses,
    )
