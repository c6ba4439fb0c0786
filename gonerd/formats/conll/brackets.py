"""Brackets that open and close entities over words, as GUM and CorefUD write them, into mentions.

`(3-person` opens, `3)` closes, `(3-person)` does both; what stands between the hyphens is declared
once in a file. The number names the thing, not the mention, so that what closes is the innermost
mention of it. `e3[1/2]` is the first part of a mention in two parts.
"""

import re
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gonerd.errors import RecordError
from gonerd.formats.layers import Mention
from gonerd.records import Range

IDENTIFIERS = ("eid", "GRP", "id")
TYPES = ("etype", "entity", "type")

_BRACKET = re.compile(r"\([^()]*\)?|[^()]+\)|[^()]+|\)")
_PART = re.compile(r"(.*)\[(\d{1,4})/(\d{1,4})\]")
_SPECIAL = re.compile(r"[-%()|=,\[\]/\s\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bracket:
    """What brackets stand at a word, or at one that the text lacks."""

    start: int
    end: int
    """Tokens [start, end); none for a word that the text lacks."""
    value: str
    """The brackets."""


@dataclass(kw_only=True, slots=True)
class Bracketed:
    """What brackets say about one document."""

    mentions: list[Mention] = field(default_factory=list)
    contents: list[tuple[int, int, str]] = field(default_factory=list)
    """Of each mention, everything that its bracket holds."""
    refused: list[str] = field(default_factory=list)
    """Why mentions were refused."""


def read_brackets(words: Iterable[Bracket], declared: str, where: str) -> Bracketed:
    """Read the mentions of a document, whose fields are `declared` as `eid-etype-head`, or ""."""
    found = Bracketed()
    events = [(word, bracket) for word in words for bracket in _BRACKET.findall(word.value)]
    contents = [bracket[1:].removesuffix(")") for _, bracket in events if bracket[0] == "("]
    identifier, kind = _fields(declared, contents, where)
    opened: dict[str, list[tuple[int, str]]] = defaultdict(list)
    parts: dict[str, list[Range]] = defaultdict(list)
    for word, bracket in events:
        inner = bracket.strip("()")
        if bracket[0] == "(":
            opened[_at(inner, identifier)].append((word.start, inner))
        if bracket[-1] == ")":
            name = _at(inner, identifier) if bracket[0] == "(" or "-" in inner else inner
            if not opened[name]:
                found.refused.append("its bracket closes and never opened")
                continue
            start, content = opened[name].pop()
            _close(found, parts, name, (start, word.end), content, kind)
        elif bracket[0] != "(":
            found.refused.append("it is no bracket")
    found.refused += ["its bracket opens and never closes"] * sum(map(len, opened.values()))
    found.refused += ["some of its parts are missing"] * sum(map(bool, parts.values()))
    found.mentions.sort(key=lambda mention: (mention.start, -mention.end, mention.label))
    return found


def write_brackets(spans: Sequence[tuple[Sequence[Range], str]]) -> dict[int, str]:
    """Write spans, each the ranges of its parts and a label, as the brackets at each token."""
    opening: dict[int, list[tuple[int, str]]] = defaultdict(list)
    single: dict[int, list[str]] = defaultdict(list)
    closing: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for number, (ranges, label) in enumerate(spans, start=1):
        for part, (start, end) in enumerate(ranges, start=1):
            name = f"e{number}[{part}/{len(ranges)}]" if len(ranges) > 1 else f"e{number}"
            if end - start == 1:
                single[start].append(f"({name}-{_escape(label)})")
            else:
                opening[start].append((start - end, f"({name}-{_escape(label)}"))
                closing[end - 1].append((-start, f"{name})"))
    written: dict[int, str] = {}
    for token in sorted({*opening, *single, *closing}):
        opens, closes = ([text for _, text in sorted(at[token])] for at in (opening, closing))
        # What closes never follows what opens: `(e2-PERe1)` would be one bracket.
        order = [*single[token], *closes, *opens] if closes else [*opens, *single[token]]
        written[token] = "".join(order)
    return written


def _fields(declared: str, contents: Sequence[str], where: str) -> tuple[int, int]:
    """Find where identifier and type stand: as declared, else by the digits of the identifiers."""
    names = declared.split("-")
    places = [
        next((names.index(name) for name in wanted if name in names), None)
        for wanted in (IDENTIFIERS, TYPES)
    ]
    if places[0] is not None and places[1] is not None:
        return places[0], places[1]
    for first, second in ((0, 1), (1, 0)):
        if not declared and all(
            re.fullmatch(r"e?\d+(\[.*\])?", _at(content, first)) and _at(content, second)
            for content in contents
        ):
            return first, second
    if not contents:
        return 0, 1
    raise RecordError(
        f"{where}: Entity={contents[0][:60]!r} under `# global.Entity = {declared}`; expected its "
        "fields declared, with eid or GRP and with etype or entity among them."
    )


def _at(content: str, place: int) -> str:
    fields = content.split("-")
    return fields[place] if place < len(fields) else ""


def _close(
    found: Bracketed,
    parts: dict[str, list[Range]],
    name: str,
    place: Range,
    content: str,
    kind: int,
) -> None:
    """Add a mention whose last bracket has closed, or the part of one."""
    fragments: tuple[Range, ...] = ()
    if part := _PART.fullmatch(name):
        number, total = int(part[2]), int(part[3])
        known = parts[f"{part[1]}/{total}"]
        if number != len(known) + 1 or place[0] < (known[-1][1] if known else 0):
            found.refused.append("its parts are not in order")
            known.clear()
            return
        known.append(place)
        if number < total:
            return
        fragments = tuple(known) if total > 1 else ()
        place = known[0][0], place[1]
        known.clear()
    label = urllib.parse.unquote(_at(content, kind))
    if not label or _at(content, kind) == "_":
        found.refused.append("it has no type")
    elif any(start >= end for start, end in (place, *fragments)):
        found.refused.append("it has no word of the text")
    else:
        found.contents.append((*place, content))
        found.mentions.append(
            Mention(start=place[0], end=place[1], label=label, fragments=fragments)
        )


def _escape(label: str) -> str:
    if label == "_":
        return "%5F"
    return _SPECIAL.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), label)
