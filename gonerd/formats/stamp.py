"""Whether a record that our writers made is still as they made it.

Tools keep the keys of a record that they do not know, and hand them on with the work of others in
it. So the imprint of an annotation is sealed together with the spans it was written beside, and is
believed only while text and spans are what they were.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from gonerd.errors import RecordError
from gonerd.formats.imprint import Imprint, read_imprint, write_imprint
from gonerd.formats.layers import Mention, Unit
from gonerd.records import Annotation, Document, Range, Span, text_sha256

KEY = "gonerd"
"""Where it stands in a record."""

Mark = tuple[int, int, str]
"""Start, end and label, in the unit of the file."""


def marks_of(spans: Iterable[Span | Mention]) -> list[Mark]:
    """List where spans stand and what they are called."""
    return [(span.start, span.end, span.label) for span in spans]


def write_stamp(
    document: Document,
    annotation: Annotation,
    marks: Iterable[Mark],
    coverage: Iterable[Range],
    unit: Unit,
) -> str:
    """Write the imprint of an annotation whose spans and coverage stand in the file's unit."""
    unsealed = read_imprint(write_imprint(document, annotation, list(coverage), unit=unit))
    assert unsealed is not None
    return write_imprint(
        document, annotation, unsealed.coverage, unit=unit, seal=_seal(unsealed, marks)
    )


def read_stamp(found: Any, text: str | None, marks: Iterable[Mark]) -> Imprint | None:
    """Read an imprint if there is one and its seal holds; else None."""
    imprint = read_imprint(found) if isinstance(found, str) else None
    if imprint is None or text is None or unit_of(imprint) is None:
        return None
    if imprint.extra.get("seal") != _seal(imprint, marks):
        return None
    return imprint if imprint.text_sha256 == text_sha256(text) else None


def is_imprinted(found: Any, text: str) -> bool:
    """Say whether an imprint is of just this text, whatever has become of the spans."""
    imprint = read_imprint(found) if isinstance(found, str) else None
    try:
        return imprint is not None and imprint.text_sha256 == text_sha256(text)
    except RecordError:
        return False


def unit_of(imprint: Imprint) -> Unit | None:
    """Say what the offsets beside an imprint count."""
    unit = imprint.extra.get("unit")
    return unit if unit in ("code points", "UTF-16") else None


def _seal(imprint: Imprint, marks: Iterable[Mark]) -> str:
    sealed = [
        imprint.document_id,
        imprint.annotator,
        imprint.guide,
        imprint.text_sha256,
        imprint.coverage,
        imprint.extra["unit"],
        sorted(marks),
    ]
    return hashlib.sha256(json.dumps(sealed).encode("ascii")).hexdigest()[:16]
