"""What annotators hold into annotations and rulings, as every other step takes them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gonerd.errors import ConfigError
from gonerd.guide import load_guide
from gonerd.records import Annotation, Dispute, Span, annotation_to_json, dispute_to_json
from gonerd.review.desk import guide_of
from gonerd.review.log import EVENTS, open_log
from gonerd.review.state import State
from gonerd.rulings import reaches_into, ruled_range
from gonerd.spans import merge_ranges
from gonerd.store import write_files

ANNOTATIONS = "annotations.jsonl"
SETTLED = "settled.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewed:
    """Files that say what people have decided; None where they have decided nothing of the kind."""

    annotations: Path | None = None
    settled: Path | None = None


def annotations(state: State, guide: str) -> Iterator[Annotation]:
    """Give what each annotator says of each document: by annotator, then by document.

    Rejected suggestions are no spans; what is outside of the coverage says nothing. A document of
    which an annotator has taken back everything is left out.
    """
    for (annotator, document_id), held in sorted(state.held.items()):
        spans = [span for span in held.order if held.marks[span].status != "rejected"]
        if not spans and not held.coverage:
            continue
        yield Annotation(
            document_id=document_id,
            text_sha256=held.text_sha256,
            annotator=annotator,
            guide=guide,
            coverage=held.coverage,
            spans=tuple(spans),
        )


def settled(state: State, disputes: Iterable[Dispute]) -> Iterator[Dispute]:
    """Give disputes with the rulings of people on them; the others as they are."""
    for dispute in disputes:
        place = (dispute.document_id, dispute.start, dispute.end)
        if place in state.rulings:
            annotator, spans = state.rulings[place]
            yield replace(dispute, settled_by=annotator, settlement=_in_order(spans))
        else:
            yield dispute


def rulings(state: State) -> list[Dispute]:
    """List what people have ruled, in order of the places, whatever disputes there are by now.

    Where two rulings reach into one another, the later one holds alone.
    """
    latest: dict[tuple[str, int, int], tuple[int, str]] = {}
    for act in state.acts:
        for one in act.rulings:
            place = (one.document_id, one.start, one.end)
            latest[place] = (act.number, act.texts[one.document_id])
    found: dict[str, list[Dispute]] = {}
    for place in sorted(state.rulings, key=lambda one: latest[one][0], reverse=True):
        annotator, spans = state.rulings[place]
        document_id, start, end = place
        ruling = Dispute(
            document_id=document_id,
            text_sha256=latest[place][1],
            start=start,
            end=end,
            claims=(),
            settled_by=annotator,
            settlement=_in_order(spans),
        )
        later = found.setdefault(document_id, [])
        if not reaches_into(*ruled_range(ruling), merge_ranges(map(ruled_range, later))):
            later.append(ruling)
    return [one for name in sorted(found) for one in sorted(found[name], key=ruled_range)]


def write_reviewed(work: Path, guide: str) -> Reviewed:
    """Write what follows from the log of a work folder beside it, for the steps after review.

    `guide` is the name and version that annotators followed. The same log makes the same bytes.
    """
    folder = work / "review"
    if not (folder / EVENTS).is_file():
        return Reviewed()
    state = open_log(folder).state
    said = _lines(annotation_to_json(one) for one in annotations(state, guide))
    ruled = _lines(dispute_to_json(one) for one in rulings(state))
    write_files({folder / ANNOTATIONS: said, folder / SETTLED: ruled})
    return Reviewed(
        annotations=folder / ANNOTATIONS if said else None,
        settled=folder / SETTLED if ruled else None,
    )


def write_annotations(work: Path, out: Path, *, guide: str | None = None) -> int:
    """Write what annotators say as JSON lines, that every other command takes; give how many.

    `guide` is by default that of the builder. A folder that nobody has reviewed is a ConfigError.
    """
    if not (work / "review" / EVENTS).is_file():
        raise ConfigError(
            f"{work}: nobody has reviewed anything; expected {work / 'review' / EVENTS}.\n"
            f"Review: gonerd review {work} --annotator NAME"
        )
    reference = load_guide(guide or guide_of(work)).reference
    found = list(annotations(open_log(work / "review").state, reference))
    write_files({out: _lines(map(annotation_to_json, found))})
    return len(found)


def _lines(rows: Iterable[object]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(sorted(spans, key=lambda one: (one.start, one.end, one.label)))
