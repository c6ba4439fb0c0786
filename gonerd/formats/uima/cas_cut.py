"""A CAS file without its tokens and sentences, so that a library has less to read.

They are nearly all of a long file, a library takes its time for each, and nothing of them is kept.
Those that something else refers to stay, as the two ends of a relation do.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

XMI_ID = "http://www.omg.org/XMI id"
_CAS = "http:///uima/cas.ecore"
_SOFA, _VIEW = f"{_CAS} Sofa", f"{_CAS} View"
_XML = "http://www.w3.org/XML/1998/namespace"
POSITION = frozenset({XMI_ID, "sofa", "begin", "end"})
"""Attributes of every annotation."""

Element = tuple[str, Mapping[str, str], Sequence[tuple[str, str]]]
"""Name and attributes, as `namespace local`, and what is in it: names and texts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """What is left of a file."""

    content: bytes
    views: frozenset[str]
    """The names of the views that something was cut out of."""


def cut_xmi(root: Element, elements: Sequence[Element], names: Collection[str]) -> Cut | None:
    """Leave out elements of some names; None where there are none to leave out."""
    out = {attributes.get(XMI_ID, "") for name, attributes, _ in elements if name in names}
    for name, attributes, children in elements:
        if name == _VIEW:
            continue
        if name not in names:
            out.discard(attributes.get(XMI_ID, ""))
        values = [attributes[key] for key in attributes.keys() - POSITION]
        for value in (*values, *(text for _, text in children)):
            if value.lstrip()[:1].isdecimal():  # it may refer to others
                out.difference_update(value.split())
    out.discard("")
    if not out:
        return None
    sofas: dict[str | None, str] = {}
    views: set[str] = set()
    kept: list[Element] = []
    for name, attributes, children in elements:
        if name == _SOFA:
            sofas[attributes.get(XMI_ID)] = attributes.get("sofaID", "")
        if name == _VIEW:
            members = attributes.get("members", "").split()
            left = [member for member in members if member not in out]
            if len(left) < len(members):
                views.add(attributes.get("sofa", ""))
                attributes = {**attributes, "members": " ".join(left)}
        elif name in names and attributes.get(XMI_ID) in out:
            continue
        kept.append((name, attributes, children))
    content = "".join(_xml(root, kept)).encode()
    return Cut(content=content, views=frozenset(sofas.get(view, "") for view in views))


def cut_json(cas: Mapping[str, Any], types: Collection[str]) -> Cut | None:
    """Leave out feature structures of some types; None where there are none to leave out."""
    rows = cas["%FEATURE_STRUCTURES"]
    if not isinstance(rows, list) or not all(map(_has_members, cas["%VIEWS"].values())):
        return None
    out = {row["%ID"] for row in rows if row["%TYPE"] in types and type(row.get("%ID")) is int}
    for row in rows:
        if row["%TYPE"] not in types and type(row.get("%ID")) is int:
            out.discard(row["%ID"])
        for key, value in row.items():
            if (key[:1] == "@" and key != "@sofa") or key == "%ELEMENTS":
                found = value if isinstance(value, list) else [value]
                out.difference_update(one for one in found if type(one) is int)
    if not out:
        return None
    views = {
        name: {**view, "%MEMBERS": [one for one in view["%MEMBERS"] if one not in out]}
        for name, view in cas["%VIEWS"].items()
    }
    left = [
        row
        for row in rows
        if row["%TYPE"] not in types or type(row.get("%ID")) is not int or row["%ID"] not in out
    ]
    content = json.dumps({**cas, "%FEATURE_STRUCTURES": left, "%VIEWS": views})
    return Cut(
        content=content.encode(),
        views=frozenset(
            name
            for name, view in views.items()
            if len(view["%MEMBERS"]) < len(cas["%VIEWS"][name]["%MEMBERS"])
        ),
    )


def _has_members(view: Any) -> bool:
    members = view.get("%MEMBERS") if isinstance(view, dict) else None
    return isinstance(members, list) and all(type(one) is int for one in members)


def _xml(root: Element, elements: Iterable[Element]) -> Iterator[str]:
    prefixes: dict[str, str] = {_XML: "xml"}
    written = [*_element(root, prefixes, is_open=True)]
    for element in elements:
        written += _element(element, prefixes)
    yield written[0]
    del prefixes[_XML]
    for namespace, prefix in prefixes.items():
        yield f" xmlns:{prefix}={quoteattr(namespace)}"
    yield from written[1:]
    yield f"</{_name(root[0], prefixes)}>"


def _element(element: Element, prefixes: dict[str, str], *, is_open: bool = False) -> Iterator[str]:
    name, attributes, children = element
    written = _name(name, prefixes)
    yield f"<{written}"
    for key, value in attributes.items():
        yield f" {_name(key, prefixes)}={quoteattr(value)}"
    yield ">"
    for inner, text in children:
        inner = _name(inner, prefixes)
        yield f"<{inner}>{escape(text, {chr(13): '&#13;'})}</{inner}>"
    if not is_open:
        yield f"</{written}>"


def _name(name: str, prefixes: dict[str, str]) -> str:
    namespace, _, local = name.rpartition(" ")
    if not namespace:
        return local
    return f"{prefixes.setdefault(namespace, f'n{len(prefixes)}')}:{local}"
