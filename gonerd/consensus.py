"""Annotation files into gold, disputes and places on disk, a model having a say if there is one.

This module stands above the steps: it knows that reconciliation and a tagger can learn from each
other, and they know nothing of one another.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gonerd.beside import (
    asides_path,
    check_apart,
    check_strict,
    lines_of,
    losses_path,
    write_with_beside,
)
from gonerd.errors import ConfigError, RecordError
from gonerd.files import load_annotations
from gonerd.gather import Gathered, annotation_files, gather, none_at_all
from gonerd.guide import load_guide
from gonerd.reconcile.plain import Reconciliation, reconcile_gathered
from gonerd.records import GOLD, annotation_to_json, dispute_to_json
from gonerd.rulings import METHODS
from gonerd.store import count_losses


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to reconcile, how, and where to."""

    files: Sequence[Path]
    out: Path
    disputes: Path | None = None
    places: Path | None = None
    documents: Path | None = None
    method: str = "auto"
    agreement: float | None = None
    settled: Path | None = None
    guide: str | None = None
    model: Path | None = None
    strict: bool = False


def reconcile_files(request: Request) -> tuple[dict[str, Any], str]:
    """Reconcile files, write what came of it, and describe it for machines and for people."""
    method = _method(request.method)
    if request.agreement is not None and not 0.5 <= request.agreement < 1:
        raise ConfigError(f"--agreement {request.agreement}: expected from 0.5 to below 1.")
    guide = None if request.guide is None else load_guide(request.guide)
    items = gather(_inputs(request), request.documents, unread=request.model is not None)
    _check_annotators(items)
    options: dict[str, Any] = {
        "method": method,
        "agreement": request.agreement,
        "labels": None if guide is None else list(guide.labels),
        "guide": "" if guide is None else guide.reference,
        "settled": request.settled,
    }
    rounds: list[dict[str, Any]] = []
    if request.model is None:
        result = reconcile_gathered(items, **options)
    else:
        from gonerd.teach import reconcile_with_model

        result, rounds = reconcile_with_model(items, request.model, **options)
    check_strict(result.losses, request.strict)
    losses = count_losses(result.losses)
    texts = {}
    if request.documents is None:  # the annotations hold them, and so does what is made of them
        texts = {item.document_id: item.document.text for item in items if item.document}
    written = _deliver(request, result, texts)
    return _values(result, losses, rounds), _report(request, result, losses, rounds, written)


def _inputs(request: Request) -> list[Path]:
    """List the files to read; what is written into a folder that is read is not read with it."""
    outputs: dict[Path, str] = {
        path.resolve(): "what lies beside --out"
        for path in (losses_path(request.out), asides_path(request.out))
    }
    places = (
        ("--out", request.out),
        ("--disputes", request.disputes),
        ("--places", request.places),
    )
    for option, path in places:
        if path is None:
            continue
        if path.resolve() in outputs:
            raise ConfigError(
                f"{option} {path}: the place of {outputs[path.resolve()]} too; expected one for "
                "each."
            )
        if str(path) != "-" and path.resolve() in {one.resolve() for one in request.files}:
            raise ConfigError(
                f"{option} {path}: holds annotations to reconcile; expected a place of its own."
            )
        outputs[path.resolve()] = option
    check_apart([request.documents, request.settled], places)
    inputs = []
    for file in annotation_files(request.files):
        option = "" if str(file) == "-" else outputs.get(file.resolve(), "")
        if not option:
            inputs.append(file)
        elif _is_somebodys(file):
            raise ConfigError(
                f"{option} {file}: holds annotations to reconcile; expected a place of its own."
            )
    return inputs


def _is_somebodys(file: Path) -> bool:
    """Say whether a file holds annotations that no earlier run has left there."""
    try:
        return any(one.annotator != GOLD for _, one, _ in load_annotations(file))
    except RecordError:  # disputes or places
        return False


def _check_annotators(items: Sequence[Gathered]) -> None:
    if not items:
        raise none_at_all()
    for item in items:
        if any(one.annotator == GOLD for one in item.annotations):
            raise ConfigError(
                f"{item.document_id}: annotated by {GOLD!r}, which annotations are reconciled "
                "into; expected annotators of other names.\nLeave the file of gold out."
            )


def _method(given: str) -> Literal["auto", "vote", "weighted", "sequence"]:
    known: dict[str, Literal["auto", "vote", "weighted", "sequence"]] = {
        "auto": "auto", **{method: method for method in METHODS}
    }  # fmt: skip
    if given not in known:
        raise ConfigError(f"--method {given!r}: expected one of {', '.join(known)}.")
    return known[given]


def _deliver(request: Request, result: Reconciliation, texts: Mapping[str, str]) -> list[Path]:
    rows = []
    for gold in result.gold:
        row = annotation_to_json(gold)
        if gold.document_id in texts:
            row["text"] = texts[gold.document_id]
        rows.append(row)
    contents = {request.out: lines_of(rows)}
    for path, found in ((request.disputes, result.disputes), (request.places, result.places)):
        if path is not None:
            contents[path] = lines_of(map(dispute_to_json, found))
    return write_with_beside(contents, request.out, result.losses)


def _values(
    result: Reconciliation, losses: dict[str, int], rounds: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "method": result.method,
        "why": result.why,
        "documents": len(result.gold),
        "spans": sum(len(one.spans) for one in result.gold),
        "labels": dict(sorted(Counter(s.label for one in result.gold for s in one.spans).items())),
        "places": len(result.places),
        "disputes": len(result.disputes),
        "passed_over": result.passed_over,
        "rulings": result.rulings,
        "rounds": rounds,
        "losses": losses,
    }


def _report(
    request: Request,
    result: Reconciliation,
    losses: dict[str, int],
    rounds: list[dict[str, Any]],
    written: Sequence[Path],
) -> str:
    spans = Counter(span.label for one in result.gold for span in one.spans)
    labels = ", ".join(f"{label} {count:,}" for label, count in spans.most_common(20))
    lines = [
        f"{result.method}: {result.why}",
        f"  gold: {len(result.gold):,} documents, {sum(spans.values()):,} spans"
        + (f" ({labels})" if labels else ""),
        f"  {len(result.places):,} places that somebody marked; {_open(len(result.disputes))}",
    ]
    if request.settled is not None:
        none = "0; expected a person's name in `settled_by` of those that a person has settled"
        lines.append(f"  settled in {request.settled}: {result.rulings or none}")
    if result.passed_over:
        lines.append(
            f"  {result.passed_over:,} times somebody left a name unmarked that the same person "
            "marked elsewhere in the document: no vote"
        )
    lines += [
        f"  round {number}: the model marks {one['marked']:,} spans; {one['changed']:,} gold spans "
        "changed"
        for number, one in enumerate(rounds, start=1)
    ]
    lines += [f"  {count:>6,} x {reason}" for reason, count in losses.items()]
    if written:
        lines.append(f"  written: {', '.join(map(str, written))}")
    return "\n".join(lines)


def _open(count: int) -> str:
    if not count:
        return "none is a dispute"
    return (
        f"{count:,} {'is a dispute' if count == 1 else 'are disputes'}, for now settled by method"
    )
