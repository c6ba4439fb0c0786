"""Which field of its records the spans of a file were marked in.

A tool that shows one of many fields does not always export which. The field is told by what it
holds: the words that the file says stand under its spans. Where two fields hold them alike, nothing
is guessed.
"""

import re
from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from gonerd.errors import ConfigError

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|/)[^\s]+", re.IGNORECASE)
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of an uploaded file."""
_ENOUGH = 50
"""Spans of a record to search for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A record's fields, and spans that were marked in one of them."""

    fields: Mapping[str, str]
    marks: Sequence[tuple[int, int, str | None]]
    """Start and end in an unknown unit, and what stands there if the file says it."""


def find_text_field(
    records: Sequence[Evidence], where: str, *, unlikely: Collection[str] = ()
) -> str | None:
    """Choose the field that the spans fit best; None where there are no spans to tell by.

    A field with an unlikely name counts only where words stand in it just as the file says, and in
    no other. Fields that fit alike are a ConfigError that names the option.
    """
    every = sorted({name for record in records for name in record.fields})
    names = [name for name in every if name not in unlikely] or every
    if not any(record.marks for record in records):
        return names[0] if len(names) == 1 else "text" if "text" in names else None
    in_place = _best(every, {name: _in_place(records, name) for name in every})
    winners = (
        [name for name in in_place if name not in unlikely]
        or in_place
        or _best(names, {name: _possible(records, name) for name in names})
        or [name for name in names if _holds_addresses(records, name)]
        or names[: len(names) == 1]
    )
    if not every:
        return None
    if len(winners) == 1:
        return winners[0]
    listed = ", ".join(repr(name) for name in winners or names)
    raise ConfigError(
        f"{where}: the spans could be of any of the fields {listed}; expected to know which.\n"
        f"Name it: --column text={(winners or names)[0]}"
    )


def is_address(value: str) -> bool:
    """Say whether a value is where a text can be found, and not the text itself."""
    return _ADDRESS.fullmatch(value.strip()) is not None


def name_in_address(address: str) -> str:
    """Name a document after the file that an address leads to.

    >>> name_in_address("s3://letters/1791/l-17.txt?versionId=3")
    'l-17'
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return address.strip()
    path = parts.path
    query = parse_qs(parts.query)
    if "d" in query:
        path = query["d"][0]
    elif "fileuri" in query:
        path = _decoded(query["fileuri"][0])
    name = PurePosixPath(unquote(path)).name
    if "/data/upload/" in parts.path:
        name = _UPLOADED.sub("", name)
    return (PurePosixPath(name).stem or name or address).strip()


def _best(names: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    most = max(counts.values(), default=0)
    return [name for name in names if counts[name] == most] if most else []


def _in_place(records: Sequence[Evidence], name: str) -> int:
    """Count the spans whose words stand where they should, in code points or in UTF-16."""
    found = 0
    for record in records:
        text = record.fields.get(name, "")
        utf16 = b"" if text.isascii() else text.encode("utf-16-le", "surrogatepass")
        for start, end, surface in record.marks:
            if surface is not None:
                found += surface in (
                    text[start:end],
                    utf16[2 * start : 2 * end].decode("utf-16-le", "replace") or None,
                )
    return found


def _possible(records: Sequence[Evidence], name: str) -> int:
    """Count the spans whose words stand anywhere, or which end in time if their words are unknown.

    A search is slow, and a few dozen tell.
    """
    return sum(
        end <= len(text) if surface is None else surface in text
        for record in records
        for text in [record.fields.get(name, "")]
        for _, end, surface in record.marks[:_ENOUGH]
    )


def _holds_addresses(records: Sequence[Evidence], name: str) -> bool:
    values = [record.fields[name] for record in records if name in record.fields]
    return bool(values) and all(is_address(value) for value in values)


def _decoded(value: str) -> str:
    try:
        return b64decode(value + "=" * (-len(value) % 4), altchars=b"-_").decode("utf-8")
    except ValueError:
        return value
