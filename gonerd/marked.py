"""Text with names marked inline, `Justice [PER Lindqvist] wrote`, into text and spans and back.

The form in which a person writes gold by hand: the text stays readable, a change to it can never
shift a span. A mark opens with `[LABEL ` for a label of the guide and closes at the next `]`; marks
do not nest. Any other bracket is text. A backslash before `[` keeps it from opening a mark.
"""

import re
from collections.abc import Iterable, Sequence

from gonerd.errors import RecordError
from gonerd.records import Span, reading_order


def read_marked(marked: str, labels: Iterable[str], where: str) -> tuple[str, list[Span]]:
    """Split marked text into (text, spans); a mark that is broken is a RecordError.

    >>> read_marked("See [LOC Lund] [1].", ["LOC"], "example")
    ('See Lund [1].', [Span(start=4, end=8, label='LOC', confidence=None, support=None, \
fragments=())])
    """
    opening = _opening(labels)
    pieces: list[str] = []
    spans: list[Span] = []
    length = position = 0
    for match in opening.finditer(marked):
        if match.start() < position:
            line = marked.count("\n", 0, match.start()) + 1
            raise RecordError(
                f"{where}:{line}: mark {match.group()!r} opens inside another mark; "
                "expected marks that do not nest."
            )
        pieces.append(marked[position : match.start()])
        length += len(pieces[-1])
        if match.group().startswith("\\"):
            pieces.append(match.group()[1:])
            length += len(pieces[-1])
            position = match.end()
            continue
        close = marked.find("]", match.end())
        if close <= match.end():
            line = marked.count("\n", 0, match.start()) + 1
            raise RecordError(
                f"{where}:{line}: mark {match.group()!r} holds no name or is never closed; "
                "expected `[LABEL name]`."
            )
        name = marked[match.end() : close]
        pieces.append(name)
        spans.append(Span(start=length, end=length + len(name), label=match.group(1)))
        length += len(name)
        position = close + 1
    pieces.append(marked[position:])
    return "".join(pieces), spans


def write_marked(text: str, spans: Sequence[Span], labels: Iterable[str]) -> str:
    """Put flat spans into a text as marks; what cannot be marked is a RecordError."""
    known = tuple(labels)
    opening = _opening(known)
    pieces: list[str] = []
    position = 0
    for span in sorted(spans, key=reading_order):
        name = text[span.start : span.end]
        if span.label not in known or span.end > len(text) or len(span.fragments) > 1:
            raise RecordError(
                f"text[{span.start}:{span.end}]: span {span.label!r} has another label than "
                f"{', '.join(known)}, leaves the text, or has several parts; "
                "expected none of these."
            )
        if span.start < position or "]" in name or opening.search(name):
            raise RecordError(
                f"text[{span.start}:{span.end}]: span {span.label!r} {name!r} overlaps another or "
                "holds a bracket; expected flat spans that can be marked inline."
            )
        pieces.append(opening.sub(_escape, text[position : span.start]))
        if pieces[-1].endswith("\\"):
            raise RecordError(
                f"text[{span.start}:{span.end}]: span {span.label!r} {name!r} follows a backslash, "
                "which would keep its mark from opening; expected another character there."
            )
        pieces.append(f"[{span.label} {name}]")
        position = span.end
    pieces.append(opening.sub(_escape, text[position:]))
    return "".join(pieces)


def _opening(labels: Iterable[str]) -> re.Pattern[str]:
    known = list(labels)
    for label in known:
        if not label or re.search(r"[\s\[\]]", label):
            raise RecordError(
                f"labels: {label!r} cannot open a mark; expected one word without brackets."
            )
    choices = "|".join(map(re.escape, known))
    return re.compile(rf"\\?\[({choices}) " if choices else r"(?!)")  # no labels, no marks


def _escape(match: re.Match[str]) -> str:
    return "\\" + match.group()
