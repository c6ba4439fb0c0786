"""A text and feature structures into XMI or JSON as UIMA reads them, with the types they need.

The types are those of DKPro Core that WebAnno and INCEpTION build on, so that tokens, sentences and
named entities are found where they are looked for.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

from gonerd.formats.uima.layer_choice import NAMED_ENTITY, VALUE
from gonerd.records import Range

_CORE = "de.tudarmstadt.ukp.dkpro.core.api"
METADATA = f"{_CORE}.metadata.type.DocumentMetaData"
SENTENCE = f"{_CORE}.segmentation.type.Sentence"
TOKEN = f"{_CORE}.segmentation.type.Token"
STAMP = "gonerd.Stamp"

_ANNOTATION = "uima.tcas.Annotation"
_STRING, _DOUBLE, _INTEGER = "uima.cas.String", "uima.cas.Double", "uima.cas.Integer"
_TYPES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    METADATA: ("uima.tcas.DocumentAnnotation", {"documentTitle": _STRING, "documentId": _STRING}),
    SENTENCE: (_ANNOTATION, {}),
    TOKEN: (_ANNOTATION, {}),
    NAMED_ENTITY: (
        _ANNOTATION,
        {VALUE: _STRING, "identifier": _STRING, "confidence": _DOUBLE, "support": _INTEGER},
    ),
    STAMP: ("uima.cas.TOP", {"stamp": _STRING}),
}
"""Each with the type above it and its features."""

_SOFA = 1
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """A feature structure."""

    type: str
    place: Range | None = None
    """Where an annotation stands, in UTF-16."""
    features: Mapping[str, str | float | int | None] = field(default_factory=dict)


def fits_xml(*values: str | None) -> bool:
    """Say whether XML has all characters of some strings; it lacks most control characters."""
    return not any(value and _NO_XML.search(value) for value in values)


def write_xmi(text: str, structures: Sequence[Structure]) -> bytes:
    """Write a CAS as XMI."""
    prefixes = {name: f"n{number}" for number, name in enumerate(_TYPES)}
    namespaces = "".join(
        f' xmlns:{prefix}="http:///{name.rpartition(".")[0].replace(".", "/")}.ecore"'
        for name, prefix in prefixes.items()
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore"'
        f'{namespaces} xmi:version="2.0">',
        '<cas:NULL xmi:id="0"/>',
    ]
    for number, one in enumerate(structures, start=_SOFA + 1):
        attributes: dict[str, Any] = {"xmi:id": number}
        if one.place:
            attributes |= {"sofa": _SOFA, "begin": one.place[0], "end": one.place[1]}
        attributes |= {key: value for key, value in one.features.items() if value is not None}
        lines.append(_element(f"{prefixes[one.type]}:{one.type.rpartition('.')[2]}", attributes))
    sofa = {"xmi:id": _SOFA, **_sofa(text)}
    members = " ".join(str(number) for number in _members(structures))
    lines.append(_element("cas:Sofa", sofa))
    lines.append(_element("cas:View", {"sofa": _SOFA, "members": members}))
    return "\n".join([*lines, "</xmi:XMI>", ""]).encode()


def write_json(text: str, structures: Sequence[Structure]) -> bytes:
    """Write a CAS as JSON, with its types."""
    types = {
        name: {
            "%NAME": name,
            "%SUPER_TYPE": above,
            **{key: {"%NAME": key, "%RANGE": kind} for key, kind in features.items()},
        }
        for name, (above, features) in _TYPES.items()
    }
    rows: list[dict[str, Any]] = [{"%ID": _SOFA, "%TYPE": "uima.cas.Sofa", **_sofa(text)}]
    for number, one in enumerate(structures, start=_SOFA + 1):
        row: dict[str, Any] = {"%ID": number, "%TYPE": one.type}
        if one.place:
            row |= {"@sofa": _SOFA, "begin": one.place[0], "end": one.place[1]}
        rows.append(row | {key: value for key, value in one.features.items() if value is not None})
    view = {"%SOFA": _SOFA, "%MEMBERS": list(_members(structures))}
    cas = {"%TYPES": types, "%FEATURE_STRUCTURES": rows, "%VIEWS": {"_InitialView": view}}
    return json.dumps(cas, ensure_ascii=False, indent=1).encode()


def write_typesystem() -> bytes:
    """Write the description of the types that both use."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier">',
        "<types>",
    ]
    for name, (above, features) in _TYPES.items():
        lines += [
            f"<typeDescription><name>{name}</name><supertypeName>{above}</supertypeName>",
            "<features>",
            *(
                f"<featureDescription><name>{key}</name><rangeTypeName>{kind}</rangeTypeName>"
                "</featureDescription>"
                for key, kind in features.items()
            ),
            "</features></typeDescription>",
        ]
    return "\n".join([*lines, "</types>", "</typeSystemDescription>", ""]).encode()


def _members(structures: Sequence[Structure]) -> range:
    return range(_SOFA + 1, _SOFA + 1 + len(structures))


def _sofa(text: str) -> dict[str, Any]:
    return {"sofaNum": 1, "sofaID": "_InitialView", "mimeType": "text", "sofaString": text}


def _element(name: str, attributes: Mapping[str, Any]) -> str:
    written = " ".join(f"{key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name} {written}/>"
