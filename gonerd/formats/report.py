"""What an import or export did into the text and the numbers that a command prints."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gonerd.formats.layers import Format, Written
from gonerd.formats.step import Imported
from gonerd.gather import Annotated
from gonerd.records import Annotation, Loss
from gonerd.store import count_losses

_MOST = 20


def import_report(
    imported: Imported, form: Format, files: Sequence[Path]
) -> tuple[dict[str, Any], str]:
    """Describe an import: numbers for machines, and lines for people."""
    people = Counter(one.annotator for one in imported.annotations)
    labels = _labels(imported.annotations)
    asides = Counter(aside.kind for aside in imported.asides)
    whole = sum(
        one.coverage == ((0, len(imported.documents[one.document_id].text)),)
        for one in imported.annotations
    )
    values = {
        "format": form.name,
        "documents": len(imported.documents),
        "annotations": len(imported.annotations),
        "annotators": dict(sorted(people.items())),
        "spans": sum(labels.values()),
        "labels": labels,
        "read_whole": whole,
        "units": imported.units,
        "offsets": imported.offsets,
        "notes": imported.notes,
        "asides": dict(sorted(asides.items())),
        "losses": count_losses(list(imported.losses)),
        "files": [str(file) for file in files],
    }
    lines = [
        f"{form.title}: {len(imported.documents):,} documents, {len(imported.annotations):,} "
        f"annotations by {len(people):,} annotators, {sum(labels.values()):,} spans",
        "  annotators: " + _counted(people),
        "  spans: " + _counted(labels),
        f"  read whole: {whole:,} of {len(imported.annotations):,} annotations; elsewhere what is "
        "not marked is unknown" + ("" if whole else ", unless you say --complete"),
    ]
    lines += _counting("offsets in", imported.units, imported.offsets)
    lines += [f"  {note} ({count:,})" for note, count in imported.notes.items()]
    if asides:
        lines.append(f"  kept aside: {_counted(asides)}")
    return values, "\n".join([*lines, *_losses(imported.losses), *_files(files)])


def export_report(
    written: Written, items: Sequence[Annotated], files: Sequence[Path]
) -> tuple[dict[str, Any], str]:
    """Describe an export: numbers for machines, and lines for people."""
    annotations = [one for item in items for one in item.annotations]
    labels = _labels(annotations)
    values = {
        "documents": len(items),
        "annotations": len(annotations),
        "spans": sum(labels.values()),
        "losses": count_losses(list(written.losses)),
        "files": [str(file) for file in files],
    }
    first = (
        f"{len(items):,} documents, {len(annotations):,} annotations, {sum(labels.values()):,} "
        "spans"
    )
    return values, "\n".join([first, *_losses(written.losses), *_files(files)])


def _labels(annotations: Iterable[Annotation]) -> dict[str, int]:
    counted = Counter(span.label for one in annotations for span in one.spans)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _counted(values: "Counter[str] | dict[str, int]") -> str:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} {count:,}" for name, count in ordered[:_MOST]]
    if len(ordered) > _MOST:
        shown.append(f"and {len(ordered) - _MOST} more")
    return ", ".join(shown) or "none"


def _counting(what: str, units: Any, offsets: Any) -> list[str]:
    if not units:
        return []
    counts = ", ".join(f"{count:,} {fate}" for fate, count in offsets.items() if count)
    return [f"  {what} {_counted(dict(units))}" + (f"; spans {counts}" if counts else "")]


def _losses(losses: Iterable[Loss]) -> list[str]:
    counted = sorted(count_losses(list(losses)).items(), key=lambda item: -item[1])
    if not counted:
        return ["  nothing moved, refused or dropped"]
    lines = [f"  {count:>6,} x {reason}" for reason, count in counted[:_MOST]]
    if len(counted) > _MOST:
        lines.append(f"  and {len(counted) - _MOST} other reasons")
    return ["  moved, refused or dropped, each named in the ledger:", *lines]


def _files(files: Sequence[Path]) -> list[str]:
    shown = [str(file) for file in files[:4]]
    if len(files) > 4:
        shown.append(f"and {len(files) - 4:,} more")
    return [f"  written: {', '.join(shown)}"] if shown else []
