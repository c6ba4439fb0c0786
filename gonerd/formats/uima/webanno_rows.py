"""WebAnno TSV 3.0 to 3.3 into declared layers and rows, without a look at what they mean.

A header declares the layers, and with them the columns. Then come sentences apart by empty lines:
their text in `#Text=` lines, and a row for each token and, as `1-3.2`, for each part of a token
that bears an annotation of its own. Other lines that open with `#` are remarks.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gonerd.errors import RecordError

STAMP, BEFORE = "#gonerd=", "#gonerd.before="
"""What opens the remarks of our own writer: its stamp, and the text before the first token."""
NOTHING = "_"
NULL = "*"

_FORMAT = re.compile(r"#FORMAT=WebAnno TSV 3\.([0-3])")
_LAYER = re.compile(r"#T_(SP|CH|RL)=([^|]+)(?:\|(.*))?")
_ROW = re.compile(
    r"(\d{1,9}-\d{1,9}(?:\.\d{1,9})?)\t(\d{1,10})-(\d{1,10})\t([^\t]*)(?:\t(.*))?", re.S
)
_ID = re.compile(r"(.*)\[([\d_]{1,30})\]", re.DOTALL)

_VALUE_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_JAVA_ESCAPE = re.compile(r"\\(?:u+([0-9a-fA-F]{4})|([0-3]?[0-7]{1,2})|(.))", re.DOTALL)
_SPECIAL = re.compile(r"[\\\[\]|_;*\t\n\r]|->")
_CONTROL = re.compile(r"[\\\x00-\x09\x0c-\x1f]")
_ESCAPED = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f", "\b": "\\b"}
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "b": "\b"}

Kind = Literal["SP", "CH", "RL"]
"""A layer of spans, chains or relations."""
Role = Literal["value", "slot", "target", "base"]
"""A feature; the roles of links; what they point to; where a relation comes from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of a layer; the name is empty where the layer has no features."""

    index: int
    name: str
    role: Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """What one line of the header declares."""

    kind: Kind
    name: str
    columns: tuple[Column, ...]

    @property
    def features(self) -> list[str]:
        """The names of what can be a label."""
        return [column.name for column in self.columns if column.role == "value" and column.name]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A token, or a part of one."""

    line: int
    id: str
    start: int
    end: int
    surface: str
    cells: tuple[str, ...]

    @property
    def is_token(self) -> bool:
        """Whether it is no part of a token."""
        return "." not in self.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """The lines up to an empty one."""

    text: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A whole file."""

    layers: tuple[Layer, ...]
    sentences: tuple[Sentence, ...]
    remarks: Mapping[str, str]
    """Those of our own writer, by what opens them."""


def read_layers(content: str, where: str) -> tuple[Layer, ...]:
    """Read the header alone."""
    layers: list[Layer] = []
    index = 0
    for line in _lines(content, where):
        if _ROW.fullmatch(line) or line.startswith("#Text="):
            break
        if match := _LAYER.fullmatch(line):
            layer = _layer(match, index)
            index += len(layer.columns)
            layers.append(layer)
    return tuple(layers)


def read_table(content: str, where: str) -> Table:
    """Read a whole file; `where` opens every error."""
    layers = read_layers(content, where)
    width = sum(len(layer.columns) for layer in layers)
    old = content[len("#FORMAT=WebAnno TSV 3.")] in "01"
    sentences: list[Sentence] = []
    texts: list[str] = []
    rows: list[Row] = []
    remarks: dict[str, str] = {}
    for number, line in enumerate(_lines(content, where), start=1):
        if match := _ROW.fullmatch(line):
            rows.append(_row(match, number, width, where))
            continue
        if rows:
            sentences.append(Sentence(text="\n".join(texts), rows=tuple(rows)))
            texts, rows = [], []
        if not line.strip():
            texts = []
        elif line.startswith("#Text="):
            texts.append(_unescape_text(line.removeprefix("#Text="), old))
        elif line.startswith((STAMP, BEFORE)):
            key = line[: line.index("=") + 1]
            remarks[key] = line.removeprefix(key)
        elif not line.startswith("#"):
            raise RecordError(
                f"{where}:{number}: {line[:60]!r}; expected a row as `1-1<TAB>0-5<TAB>Token`, an "
                "empty line or a remark."
            )
    if rows:
        sentences.append(Sentence(text="\n".join(texts), rows=tuple(rows)))
    return Table(layers=layers, sentences=tuple(sentences), remarks=remarks)


def stacked(cell: str) -> list[tuple[str | None, str | None]]:
    """Split a cell into the annotations stacked in it: value, still escaped, and id in brackets.

    The value is None where the feature is not set.
    """
    if cell in ("", NOTHING):
        return []
    return [_value_and_id(part) for part in split_unescaped(cell, "|")]


def split_unescaped(value: str, separator: str) -> list[str]:
    """Split at a character, but not where a backslash stands before it."""
    if "\\" not in value:
        return value.split(separator)
    parts = [""]
    for piece in re.findall(r"\\.|.", value, re.DOTALL):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def unescape(value: str) -> str:
    """Read a value as it was before it was escaped."""
    if "\\" not in value:
        return value
    return _VALUE_ESCAPE.sub(lambda match: _LETTERS.get(match[1], match[1]), value)


def escape(value: str) -> str:
    """Write a value so that nothing in it is taken for a mark of the format."""
    return _SPECIAL.sub(lambda match: _ESCAPED.get(match[0], f"\\{match[0]}"), value)


def escape_text(text: str) -> str:
    """Write a line of a sentence."""
    return _CONTROL.sub(lambda match: _ESCAPED.get(match[0], f"\\{match[0]}"), text)


def split_id(value: str) -> tuple[str, str | None]:
    """Part a value from the id in brackets behind it."""
    match = _ID.fullmatch(value)
    if not match or (len(match[1]) - len(match[1].rstrip("\\"))) % 2:
        return value, None
    return match[1], match[2]


def _value_and_id(part: str) -> tuple[str | None, str | None]:
    value, identifier = split_id(part)
    return (None if value in (NULL, NOTHING, "") else value), identifier


def _lines(content: str, where: str) -> Iterator[str]:
    if not _FORMAT.match(content):
        first = content.partition("\n")[0][:60]
        raise RecordError(
            f"{where}:1: {first!r}; expected `#FORMAT=WebAnno TSV 3.3`, or 3.0 to 3.2."
        )
    lines = content.split("\n")
    if lines[0].endswith("\r"):
        return (line.removesuffix("\r") for line in lines)
    return iter(lines)


def _layer(match: re.Match[str], index: int) -> Layer:
    kind: Kind = match[1]  # type: ignore[assignment]
    columns: list[Column] = []
    for name in (match[3] or "").split("|"):
        role: Role = "value"
        if kind == "RL" and name.startswith("BT_"):
            role = "base"
        elif kind == "SP" and name.startswith("ROLE_"):
            role = "slot"
        elif kind == "SP" and columns and columns[-1].role == "slot":
            role = "target"
        columns.append(Column(index=index + len(columns), name=name, role=role))
    return Layer(kind=kind, name=match[2], columns=tuple(columns))


def _row(match: re.Match[str], number: int, width: int, where: str) -> Row:
    cells = [] if match[5] is None else match[5].split("\t")
    if len(cells) < width:
        raise RecordError(
            f"{where}:{number}: {len(cells) + 3} columns; expected {width + 3}, as the header "
            "declares."
        )
    start, end = int(match[2]), int(match[3])
    if start > end:
        raise RecordError(
            f"{where}:{number}: offsets {start}-{end}; expected the start before the end."
        )
    return Row(
        line=number,
        id=match[1],
        start=start,
        end=end,
        surface=match[4],
        cells=tuple(cells[:width]),
    )


def _unescape_text(text: str, old: bool) -> str:
    """Read a sentence; up to version 3.1 it was escaped as a string of Java."""
    if "\\" not in text:
        return text
    if not old:
        return unescape(text)
    found = _JAVA_ESCAPE.sub(_java_character, text)
    # Beyond the first 65,536 characters, Java escapes the two halves of one apart.
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _java_character(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[2]:
        return chr(int(match[2], 8))
    return _LETTERS.get(match[3], match[3])
