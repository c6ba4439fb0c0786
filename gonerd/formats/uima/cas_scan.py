"""UIMA CAS files looked over before a library reads them: what is in them, and whether it is safe.

The library makes classes out of the types and features that a file names, by running code with
these names in it. So nothing goes to it that holds another name than one of letters, digits and
underscores, nor any XML with a DOCTYPE, whose entities could grow without bound.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from keyword import iskeyword
from typing import Any
from xml.parsers import expat

from gonerd.errors import RecordError
from gonerd.formats.members import Member, json_of
from gonerd.formats.uima.cas_cut import POSITION, XMI_ID, Cut, Element, cut_json, cut_xmi
from gonerd.records import Range

_TYPE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\[\])?", re.ASCII)
_FEATURE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NO_NAMESPACE = "uima.noNamespace."
_DEEPEST = 60
_REFERENCE = "@"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What a file holds."""

    types: Mapping[str, set[str]]
    """Types of its feature structures, each with the features that are set; `@` before those that
    are known to refer to others."""
    offsets: Mapping[int, Range]
    """Begin and end of each annotation in the file's own unit, UTF-16, by id."""
    texts: frozenset[tuple[str, str]]
    """Types with those of their features that somewhere hold more than digits and blanks."""
    cut: Callable[[Collection[str]], Cut | None]
    """Leaves some types out of the file, as far as nothing else refers to them."""
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Types that the file itself describes."""


def scan_xmi(member: Member) -> Scan:
    """Look over an XMI file."""
    elements: list[Element] = []
    children: list[tuple[str, str]] = []
    pieces: list[str] = []
    depth = deepest = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(depth, deepest)
        pieces.clear()
        if depth < 3:
            elements.append((name, attributes, ()))

    def end(name: str) -> None:
        nonlocal depth
        if depth == 3:
            children.append((name, "".join(pieces)))
        elif children:
            elements[-1] = (*elements[-1][:2], tuple(children))
            children.clear()
        depth -= 1

    parse_xml(member, start, end, pieces.append)
    root, *elements = elements
    if not elements:
        raise RecordError(f"{member.where}: holds no feature structures; expected XMI of UIMA.")
    types: dict[str, set[str]] = {}
    offsets: dict[int, Range] = {}
    texts: set[tuple[str, str]] = set()
    for name, attributes, inner in elements:
        features = types.setdefault(name, set())
        features.update(attributes)
        features.update(key.rpartition(" ")[2] for key, _ in inner)
        for key in attributes.keys() - POSITION:
            if not _is_number(attributes[key]):
                texts.add((name, key))
        place = _number(attributes.get("begin")), _number(attributes.get("end"))
        if place[0] is not None and place[1] is not None:
            offsets[_number(attributes.get(XMI_ID)) or 0] = (place[0], place[1])
    named: dict[str, set[str]] = {}
    for name, features in types.items():
        found = named.setdefault(_type_of(name), set())
        found.update(feature for feature in features if " " not in feature)

    def cut(kinds: Collection[str]) -> Cut | None:
        return cut_xmi(root, elements, {name for name in types if _type_of(name) in kinds})

    return Scan(
        types=_checked(named, member.where),
        offsets=offsets,
        texts=frozenset((_type_of(name), feature) for name, feature in texts),
        cut=cut if deepest <= 3 else lambda _: None,  # deeper ones are for the library to refuse
    )


def scan_json(member: Member) -> Scan:
    """Look over a JSON CAS file."""
    data = json_of(member)
    found = data.get("%FEATURE_STRUCTURES") if isinstance(data, dict) else None
    rows: Any = found
    if isinstance(found, dict):  # as before version 0.4
        rows = [{"%ID": _number(key), **row} for key, row in found.items() if isinstance(row, dict)]
    if not isinstance(rows, list) or not isinstance(data.get("%VIEWS"), dict):
        raise RecordError(
            f"{member.where}: no %FEATURE_STRUCTURES and %VIEWS; expected a JSON CAS of UIMA."
        )
    types: dict[str, set[str]] = {}
    offsets: dict[int, Range] = {}
    texts: set[tuple[str, str]] = set()
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("%TYPE"), str):
            raise RecordError(
                f"{member.where}: a feature structure is {str(row)[:60]}; expected an object with "
                "%TYPE."
            )
        features = types.setdefault(row["%TYPE"], set())
        features.update(key.lstrip("#^") for key in row if not key.startswith("%"))
        texts.update((row["%TYPE"], key) for key, value in row.items() if isinstance(value, str))
        begin, end, identifier = row.get("begin"), row.get("end"), row.get("%ID")
        if type(begin) is int and type(end) is int and type(identifier) is int:
            offsets[identifier] = (begin, end)
    declared = data.get("%TYPES")
    _check_json_types(declared, member.where)
    return Scan(
        types=_checked(types, member.where),
        offsets=offsets,
        texts=frozenset(texts),
        cut=partial(cut_json, data),
        declared=declared or {},
    )


def check_typesystem(member: Member) -> None:
    """Refuse a description of a type system that holds other names than identifiers."""
    path: list[str] = []
    text: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        if path[-1:] == ["name"]:
            raise RecordError(f"{member.where}: an element in a name; expected text alone.")
        path.append(name.rpartition(" ")[2])
        text.clear()

    def end(_: str) -> None:
        if path.pop() == "name" and "typeDescription" in path:
            check = _check_feature if "featureDescription" in path else _check_type
            check("".join(text).strip(), member.where)
        text.clear()

    parse_xml(member, start, end, text.append)


def parse_xml(member: Member, start: Any, end: Any, text: Any = None) -> None:
    """Run handlers over a member; a DOCTYPE and what is no XML is refused."""
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def open_element(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise RecordError(f"{member.where}: elements nest over {_DEEPEST} deep; expected less.")
        start(name, attributes)

    def close_element(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name)

    def refuse(*_: Any) -> None:
        raise RecordError(f"{member.where}: holds a DOCTYPE; expected XML without one.")

    parser.StartElementHandler = open_element
    parser.EndElementHandler = close_element
    parser.StartDoctypeDeclHandler = refuse
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        parser.Parse(member.read(), True)
    except expat.ExpatError as error:
        raise RecordError(f"{member.where}: not XML ({error}); expected XML of UIMA.") from None


def _type_of(name: str) -> str:
    """Turn `http:///a/b.ecore C` into `a.b.C`."""
    namespace, _, local = name.rpartition(" ")
    package = namespace.removeprefix("http:///").removesuffix(".ecore").replace("/", ".")
    return (f"{package}.{local}" if package else local).removeprefix(_NO_NAMESPACE)


def _is_number(value: str) -> bool:
    return not value.strip("0123456789 ")


def _number(value: str | None) -> int | None:
    if value is None or len(value) > 15 or not value.removeprefix("-").isdecimal():
        return None
    return int(value)


def _checked(types: dict[str, set[str]], where: str) -> dict[str, set[str]]:
    for name, features in types.items():
        _check_type(name, where)
        for feature in features:
            _check_feature(feature.lstrip(_REFERENCE), where)
    return types


def _check_json_types(types: Any, where: str) -> None:
    """Refuse names in the types that a JSON CAS brings along."""
    if types is None:
        return
    if not isinstance(types, dict) or not all(isinstance(kind, dict) for kind in types.values()):
        raise RecordError(f"{where}: %TYPES is {str(types)[:60]}; expected an object of types.")
    for name, kind in types.items():
        _check_type(name, where)
        for key in kind:
            if not key.startswith("%"):
                _check_feature(key, where)


def _check_type(name: str, where: str) -> None:
    if not _TYPE.fullmatch(name):
        raise RecordError(
            f"{where}: {name[:60]!r} as the name of a type; expected letters, digits, underscores "
            "and dots."
        )


def _check_feature(name: str, where: str) -> None:
    if not _FEATURE.fullmatch(name) or iskeyword(name):
        raise RecordError(
            f"{where}: {name[:60]!r} as the name of a feature; expected letters, digits and "
            "underscores, and no word of Python's own."
        )
