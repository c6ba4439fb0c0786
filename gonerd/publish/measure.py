"""The annotations in a work folder into the numbers of the card: agreement, and scores.

Part by part, so that memory does not grow with the number of documents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gonerd.agreement import PairAgreement, add_agreements, agreement
from gonerd.arrow import annotations_from
from gonerd.errors import ConfigError, RecordError, TextMismatch
from gonerd.files import load_annotations, load_marked
from gonerd.guide import Guide
from gonerd.records import Annotation, Span
from gonerd.score import Score, add_scores, score_spans
from gonerd.spans import merge_ranges, within
from gonerd.store import part_paths, read_part


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What the card says about the annotations."""

    agreements: tuple[PairAgreement, ...]
    """Between every two voters."""
    against_reference: dict[str, Score]
    """Of gold, the voters and the pipeline, where there is a reference; in that order."""


def measure(
    work: Path,
    folders: Mapping[str, Path],
    voters: Sequence[str],
    reference: Mapping[str, Annotation],
) -> Measured:
    """Measure the annotators in `folders` (gold among them), part by part."""
    agreements: list[PairAgreement] = []
    scores: dict[str, Score] = {}
    for index in range(len(part_paths(work / "gold"))):
        passes = {
            name: annotations_from(read_part(part_paths(folder)[index]))
            for name, folder in folders.items()
        }
        agreements = add_agreements(
            agreements, agreement(one for name in voters for one in passes[name])
        )
        for name, annotations in passes.items():
            pairs = list(_pairs(annotations, reference))
            if pairs:
                scores[name] = add_scores(scores.get(name), score_spans(pairs))
    return Measured(agreements=tuple(agreements), against_reference=scores)


def load_reference(path: Path, guide: Guide) -> dict[str, Annotation]:
    """Read what gold is measured against, by document."""
    if path.is_dir() and list(path.glob("*.marked")):
        loaded = [
            load_marked(file, annotator="reference", guide=guide.reference, labels=guide.labels)
            for file in sorted(path.glob("*.marked"))
        ]
    elif path.exists():
        loaded = [annotation for _, annotation, _ in load_annotations(path)]
    else:
        raise ConfigError(
            f"reconcile.reference: {path} does not exist; expected a folder of .marked files or a "
            "file of annotations."
        )
    by_document: dict[str, Annotation] = {}
    for annotation in loaded:
        if by_document.setdefault(annotation.document_id, annotation) is not annotation:
            raise RecordError(
                f"{path}: two annotations of {annotation.document_id!r}; expected one reference."
            )
    return by_document


def _pairs(
    annotations: Sequence[Annotation], reference: Mapping[str, Annotation]
) -> Iterator[tuple[list[Span], list[Span]]]:
    """Pair the reference with an annotation, over what the annotation covers."""
    for annotation in annotations:
        gold = reference.get(annotation.document_id)
        if gold is not None and gold.text_sha256 != annotation.text_sha256:
            raise TextMismatch(
                f"{annotation.document_id}: the reference was made on another text (sha256); "
                "expected the text that was collected."
            )
        if gold is not None:
            coverage = merge_ranges(annotation.coverage)
            yield within(gold.spans, coverage), within(annotation.spans, coverage)
