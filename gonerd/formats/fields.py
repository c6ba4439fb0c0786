"""Values out of foreign JSON records, each believed only as far as it is what it should be."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gonerd.errors import RecordError, located
from gonerd.formats.layers import Mention
from gonerd.formats.members import Member, json_lines, json_of
from gonerd.records import MOST_SUPPORT, Document, Loss, text_sha256

DETAILS = {
    "source": ("source",),
    "url": ("url",),
    "license": ("license", "licence"),
    "language": ("language", "lang"),
}
"""What is kept of a document beside its text, and the keys it stands under."""

MOST_LEVELS = 100
"""Of lists and objects in each other."""


def json_rows(member: Member) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read a member as JSON objects, one a line or all in one list, each with where it stands."""
    if member.read().lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        yield from json_list(member)
        return
    for where, row in json_lines(member):
        _check_depth(row, where)
        yield where, row


def json_list(member: Member) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read a member as one list of JSON objects, or as one object, each with where it stands."""
    content = json_of(member)
    _check_depth(content, member.where)
    for number, row in enumerate(content if isinstance(content, list) else [content], start=1):
        where = f"{member.where}[{number}]"
        if not isinstance(row, dict):
            raise RecordError(f"{where}: {shown(row)}; expected an object.")
        yield where, row


def _check_depth(value: Any, where: str) -> None:
    """Refuse what is nested so deep that it could not be written again."""
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise RecordError(
        f"{where}: nested over {MOST_LEVELS} levels deep; expected a record of an annotation tool."
    )


def name_in(*values: Any) -> str | None:
    """Take the first value that names something: a text that is not blank, or a whole number."""
    for value in values:
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return shown(value)
    return None


def id_in(*values: Any) -> str | None:
    """Take the first value that names a document, without outer blanks."""
    name = name_in(*values)
    return None if name is None else name.strip()


def check_text(text: str, where: str) -> None:
    """Refuse a text that UTF-8 cannot carry."""
    located(where, text_sha256, text)


def text_id(text: str) -> str:
    """Name a document by its text, so that all who annotated it meet in it."""
    return f"text-{text_sha256(text)[:12]}"


def whole(value: Any) -> int | None:
    """Take a whole number, also where it is written as 5.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def share(value: Any) -> float | None:
    """Take a number from 0 to 1."""
    if type(value) not in (int, float) or not 0 <= value <= 1:
        return None
    return float(value)


def count(value: Any) -> int | None:
    """Take a number of annotators."""
    return value if type(value) is int and 0 <= value <= MOST_SUPPORT else None


def mention_in(
    start: Any,
    end: Any,
    label: Any,
    *,
    surface: Any = None,
    confidence: Any = None,
    support: Any = None,
) -> Mention | str:
    """Make a mention of what a file says, or say why it is none."""
    first, last = whole(start), whole(end)
    if first is None or last is None:
        return "its offsets are not whole numbers"
    if not 0 <= first < last:
        return "its offsets are not 0 <= start < end"
    if not isinstance(label, str) or not label:
        return "it has no label"
    return Mention(
        start=first,
        end=last,
        label=label,
        surface=surface if isinstance(surface, str) else None,
        confidence=share(confidence),
        support=count(support),
    )


def sort_out(
    document_id: str, found: Iterable[Mention | str]
) -> tuple[tuple[Mention, ...], tuple[Loss, ...]]:
    """Part the mentions from what is none, which becomes losses."""
    items = list(found)
    return (
        tuple(item for item in items if isinstance(item, Mention)),
        tuple(
            Loss(document_id=document_id, what="span refused", why=item)
            for item in items
            if isinstance(item, str)
        ),
    )


def details_in(*rows: Any) -> dict[str, str]:
    """Gather what records say of a document beside its text; the first one that says it counts."""
    found: dict[str, str] = {}
    for row in rows:
        for name, keys in DETAILS.items():
            values = [row[key] for key in keys if key in row] if isinstance(row, Mapping) else []
            texts = [value for value in values if isinstance(value, str) and value]
            if texts:
                found.setdefault(name, texts[0])
    return found


def details_of(document: Document) -> dict[str, str]:
    """Write out what is known of a document beside its text."""
    details = {
        "source": "" if document.source == document.id else document.source,
        "url": document.url or "",
        "license": "" if document.license == "unknown" else document.license,
        "language": document.language,
    }
    return {name: value for name, value in details.items() if value}


def left_in(row: Mapping[str, Any], known: Iterable[str]) -> tuple[str, ...]:
    """Say, as a note, which keys of a record with anything in them are not carried over."""
    keys = sorted(shown(key) for key in set(row) - set(known) if row[key] not in (None, "", [], {}))
    return (f"not carried over: {', '.join(keys)}",) if keys else ()


def shown(value: Any) -> str:
    """Write any JSON value so that it fits into a message."""
    if type(value) is int and value and math.log10(abs(value)) > 60:
        return "a number of over 60 digits"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
