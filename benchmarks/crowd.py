"""Real crowds and the truth about the same documents, read where they lie."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gonerd.formats.align import place_tokens
from gonerd.formats.catalogue import find_format
from gonerd.formats.layers import ReadOptions
from gonerd.formats.step import bring_in
from gonerd.gather import Gathered
from gonerd.records import Annotation, Range, Span
from gonerd.score import Score, score_spans

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
    return score_spans(
        (gold[name].spans, found[name].spans if name in found else empty) for name in names
    )


def btc_crowd(data: Path, label: str) -> tuple[list[Gathered], dict[str, Annotation]]:
    """Read the workers of one of the three tasks over 1,000 tweets, and what was adjudicated.

    Each task asked for one kind of name: who worked on it says nothing of the others.
    """
    folder = data / "multi_annotator" / "btc_crowd"
    raw = gzip.decompress((folder / "a.crowd-raw" / f"a.{label.lower()}.json.gz").read_bytes())
    truth = bring_in(
        find_format("conll"), [folder / "a.conll"], ReadOptions(sentence_documents=True)
    )
    by_text: dict[str, list[Annotation]] = {}
    for one in truth.annotations:
        by_text.setdefault(_visible(truth.documents[one.document_id].text), []).append(one)
    items: list[Gathered] = []
    gold: dict[str, Annotation] = {}
    for line in raw.splitlines():
        unit = json.loads(line)
        tokens = unit["data"]["tokens"]
        found = by_text.get(_visible("".join(tokens)))
        if not found:
            continue
        truth_here = found.pop(0)
        document = truth.documents[truth_here.document_id]
        offsets = place_tokens(tokens, document.text)
        judged = {
            str(one["worker_id"]): _clicked(one["data"], offsets, label)
            for one in unit["results"]["judgments"]
        }
        passes = tuple(
            replace(truth_here, annotator=worker, spans=tuple(spans))
            for worker, spans in sorted(judged.items())
        )
        items.append(Gathered(document_id=document.id, document=document, annotations=passes))
        gold[document.id] = replace(
            truth_here, spans=tuple(span for span in truth_here.spans if span.label == label)
        )
    return sorted(items, key=lambda item: item.document_id), gold


def _visible(text: str) -> str:
    return "".join(text.split())


def _clicked(answer: dict[str, Any], offsets: Sequence[Range | None], label: str) -> list[Span]:
    """Make spans of neighbouring words that a worker clicked."""
    clicks: list[Any] = next(
        (value for key, value in answer.items() if key.startswith("click_to")), []
    )
    words = sorted({int(word) for word in clicks if str(word).isdigit()})
    runs: list[list[int]] = []
    for word in words:
        if runs and runs[-1][-1] == word - 1:
            runs[-1].append(word)
        else:
            runs.append([word])
    spans = []
    for run in runs:
        places = [offsets[word] for word in run if word < len(offsets)]
        if places and places[0] is not None and places[-1] is not None:
            spans.append(Span(start=places[0][0], end=places[-1][1], label=label))
    return spans


def airec_inception(data: Path) -> list[Gathered]:
    """Read the documents of an INCEpTION project that several people annotated."""
    imported = bring_in(
        find_format("inception"),
        [data / "multi_annotator" / "airec_inception"],
        ReadOptions(layer="webanno.custom.TxtDate.Category"),
        complete=True,
    )
    by_document: dict[str, list[Annotation]] = {}
    for one in imported.annotations:
        by_document.setdefault(one.document_id, []).append(one)
    return [
        Gathered(document_id=name, document=imported.documents[name], annotations=tuple(passes))
        for name, passes in sorted(by_document.items())
        if len(passes) > 1
    ]
