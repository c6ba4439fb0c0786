"""Real crowds and the truth about the same documents, read where they lie."""

from dataclasses import replace
from pathlib import Path

from gonerd.formats.catalogue import find_format
from gonerd.formats.layers import ReadOptions
from gonerd.formats.step import bring_in
from gonerd.gather import Gathered
from gonerd.records import Annotation, Span
from gonerd.score import Score, score

TRUTH = "ground_truth"


def conll03_mturk(data: Path) -> tuple[list[Gathered], dict[str, Annotation]]:
    """Read the crowd's passes over 200 news texts, and their gold (research use only)."""
    imported = bring_in(
        find_format("conll"),
        [data / "multi_annotator" / "conll03_mturk" / "task1_val.tar.gz"],
        ReadOptions(paths="{annotator}/{document}.txt"),
    )
    gold = {one.document_id: one for one in imported.annotations if one.annotator == TRUTH}
    crowd: dict[str, list[Annotation]] = {name: [] for name in imported.documents}
    for one in imported.annotations:
        if one.annotator != TRUTH:
            crowd[one.document_id].append(one)
    items = [
        Gathered(
            document_id=name,
            document=imported.documents[name],
            annotations=tuple(sorted(passes, key=lambda one: one.annotator)),
        )
        for name, passes in sorted(crowd.items())
    ]
    return items, gold


def scored(gold: dict[str, Annotation], found: dict[str, Annotation], names: list[str]) -> Score:
    """Score what was found in some documents."""
    empty: tuple[Span, ...] = ()
    return score(
        (gold[name].spans, found[name].spans if name in found else empty) for name in names
    )


def without(items: list[Gathered], annotators: set[str]) -> list[Gathered]:
    """Leave some annotators out."""
    return [
        replace(
            item,
            annotations=tuple(one for one in item.annotations if one.annotator not in annotators),
        )
        for item in items
    ]
