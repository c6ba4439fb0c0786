"""What our own writers leave in a foreign file, so that reading it gives the same records back.

A foreign format has no place for our document id, for the guide, or for how much was read. Where it
has a place for a remark that other programs pass over, one line of JSON goes there.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range, text_sha256

_LONGEST_NAME = 120
"""Of a file, without its suffix; file systems stop at 255 bytes."""

_DETAILS = ("source", "url", "license", "language")


@dataclass(frozen=True, kw_only=True, slots=True)
class Imprint:
    """Who said what about which text, beside the spans."""

    document_id: str
    annotator: str
    guide: str
    text_sha256: str
    coverage: tuple[Range, ...]
    """In the unit of the file it stands in."""
    details: Mapping[str, str]
    """Source, url, license and language of the document."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What one format keeps beside the rest."""

    def fits(self, text: str | None) -> bool:
        """Say whether the text beside it is still the one that was written."""
        return text is not None and self.text_sha256 == text_sha256(text)


def write_imprint(
    document: Document,
    annotation: Annotation,
    coverage: Sequence[Range] | None = None,
    **extra: Any,
) -> str:
    """Write the imprint of an annotation as one line of ASCII.

    `coverage` is given where the file counts other units than code points.
    """
    details = {key: getattr(document, key) for key in _DETAILS}
    return json.dumps(
        {
            "document_id": document.id,
            "annotator": annotation.annotator,
            "guide": annotation.guide,
            "text_sha256": document.text_sha256,
            "coverage": list(annotation.coverage if coverage is None else coverage),
            "details": {key: value for key, value in details.items() if value is not None},
            **extra,
        }
    )


def read_imprint(content: str) -> Imprint | None:
    """Read an imprint; what does not have its form is somebody else's remark, None."""
    try:
        row = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    names = {key: row.pop(key, None) for key in ("document_id", "annotator", "guide")}
    sha256, coverage = row.pop("text_sha256", None), _ranges(row.pop("coverage", None))
    details = row.pop("details", None)
    strings = [*names.values(), sha256]
    if not all(map(_is_string, strings)) or coverage is None or not isinstance(details, dict):
        return None
    if not names["document_id"] or names["document_id"] != names["document_id"].strip():
        return None
    return Imprint(
        **names,
        text_sha256=sha256,
        coverage=coverage,
        details={key: details[key] for key in _DETAILS if _is_string(details.get(key))},
        extra=row,
    )


def places(
    items: Sequence[Annotated],
) -> tuple[list[tuple[str, Document, Annotation]], list[Loss]]:
    """Give each annotation a path without suffix: its document, in a folder per annotator.

    Where there is one annotator in all, there are no folders. A document that nobody has annotated
    has no place.
    """
    annotators = {annotation.annotator for item in items for annotation in item.annotations}
    found: dict[str, tuple[str, Document, Annotation]] = {}
    for item in items:
        for annotation in item.annotations:
            path = file_name(item.document.id)
            if len(annotators) > 1:
                path = f"{file_name(annotation.annotator)}/{path}"
            free = next(name for name in _variants(path) if name not in found)
            found[free] = (free, item.document, annotation)
    return list(found.values()), [
        Loss(document_id=item.document.id, what="document left out", why="nobody has annotated it")
        for item in items
        if not item.annotations
    ]


def file_name(name: str) -> str:
    """Turn any name into one that every file system takes, a different one for each."""
    safe = quote(name, safe="@ +")
    if safe.startswith("."):  # a folder of its own, or hidden
        safe = f"%2E{safe[1:]}"
    if len(safe) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        safe = f"{safe[: _LONGEST_NAME - 13]}-{digest}"
    return safe or "%"


def _variants(path: str) -> Iterator[str]:
    yield path
    number = 2
    while True:
        yield f"{path}~{number}"
        number += 1


def _is_string(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _ranges(value: Any) -> tuple[Range, ...] | None:
    if not isinstance(value, list):
        return None
    ranges: list[Range] = []
    reach = 0
    for pair in value:
        if not isinstance(pair, list) or [type(offset) for offset in pair] != [int, int]:
            return None
        if not reach <= pair[0] <= pair[1]:
            return None
        reach = pair[1]
        ranges.append((pair[0], pair[1]))
    return tuple(ranges)
