"""UIMA CAS, as XMI with its type system or as JSON, into passes and back.

A CAS is what one annotator says about one document. Its views are different texts, as a page and
its translation: each that has a text is a document of its own, and all but the first have the
view's name behind the id. Types of annotations are layers, of which one holds the entities, with
its subtypes; other annotations are asides, except tokens and sentences. What the type system does
not know is taken as the file uses it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gonerd.formats.imprint import places
from gonerd.formats.layers import (
    MARKED,
    Aside,
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    Written,
)
from gonerd.formats.members import Member, names_of
from gonerd.formats.stamp import marks_of, read_stamp, write_stamp
from gonerd.formats.tokenized import tokenized
from gonerd.formats.uima.cas_views import JSON, XMI, Found, Loaded, View, load, typesystems
from gonerd.formats.uima.cas_write import (
    METADATA,
    SENTENCE,
    STAMP,
    TOKEN,
    Structure,
    fits_xml,
    write_json,
    write_typesystem,
    write_xmi,
)
from gonerd.formats.uima.layer_choice import (
    NAMED_ENTITY,
    VALUE,
    Chosen,
    choose_layer,
    describe,
    short_name,
)
from gonerd.formats.uima.utf16 import utf16_offsets, utf16_slicer
from gonerd.gather import Annotated
from gonerd.records import MOST_SUPPORT, Annotation, Document, Loss, Range

NamedMember = tuple[Member, str, str]
"""A member with the document and the annotator it stands for."""

_TYPE_SYSTEM = "TypeSystem.xml"
_UNSPECIFIED = "x-unspecified"
"""UIMA's word for a language that nobody has told."""
_PASSED_OVER = frozenset({"DocumentAnnotation", "Sentence", "Token"})
_RELATION = ("Governor", "Dependent")
_LINK = "Link"
"""Ends the name of a layer of chains."""


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read every CAS, with the type system beside it; the layer is the same for all of them."""
    files = [member for member in members if member.suffix in (XMI, JSON)] or members
    named = [
        (member, *names_of(member, annotator=options.annotator, paths=options.paths))
        for member in files
    ]
    yield from read_named(named, options.layer, members)


def read_named(
    named: Sequence[NamedMember], layer: str | None, members: Sequence[Member]
) -> Iterator[Pass]:
    """Read files whose names are known; their type systems are among `members`."""
    systems = typesystems(members)
    kept: dict[str, Any] = {}
    layers: dict[str, list[str]] = {}
    loaded: list[Loaded] = []
    for member, _, _ in named:
        cas = load(member, systems, kept, layer)
        _add_layers(layers, cas, ancestors=layer is not None)
        loaded.append(cas)
    chosen = choose_layer(layers, layer, named[0][0].root) if named else None
    for (member, document_id, annotator), cas in zip(named, loaded, strict=True):
        for number, view in enumerate(cas.views):
            name = f"{document_id}/{view.name}" if number else document_id
            yield _pass(member, name, annotator, view, cas.notes, chosen)


def _add_layers(layers: dict[str, list[str]], cas: Loaded, *, ancestors: bool) -> None:
    """Note which types of annotations there are, with the features that may be a label."""
    for found in (found for view in cas.views for found in view.found):
        own = found.lineage[0]
        is_span = found.is_annotation and not found.features.keys() >= set(_RELATION)
        if not is_span or (own.endswith(_LINK) and not ancestors):
            continue
        is_entity = NAMED_ENTITY in found.lineage
        names = found.lineage if ancestors else [NAMED_ENTITY if is_entity else own]
        for name in names:
            known = layers.setdefault(name, [])
            known += [string for string in cas.strings.get(own, ()) if string not in known]
    for name in sorted(cas.left_out if ancestors else ()):
        layers.setdefault(name, list(cas.strings.get(name, ())))


def _pass(
    member: Member,
    document_id: str,
    annotator: str,
    view: View,
    notes: tuple[str, ...],
    chosen: Chosen | None,
) -> Pass:
    entities = [found for found in view.found if chosen and chosen[0] in found.lineage]
    cut = utf16_slicer(view.text or "")
    mentions: list[tuple[Mention, Found]] = []
    refused: list[str] = []
    for found in entities:
        if found.place is None or found.place[0] == found.place[1]:
            refused.append("it is empty" if found.place else "it has no offsets")
            continue
        label = found.features.get(chosen[1]) if chosen and chosen[1] else None
        mention = Mention(
            start=found.place[0],
            end=found.place[1],
            label=label if isinstance(label, str) and label else short_name(found.lineage[0]),
            surface=cut(*found.place),
        )
        mentions.append((mention, found))
    stamps = [found.features.get("stamp") for found in view.found if found.lineage[0] == STAMP]
    imprint = read_stamp(
        stamps[0] if stamps else None, view.text, marks_of(mention for mention, _ in mentions)
    )
    if imprint is not None:
        document_id, annotator = imprint.document_id, imprint.annotator
        mentions = [(_with_support(mention, found), found) for mention, found in mentions]
    if view.is_cut or any(_is_passed_over(found, chosen) for found in view.found):
        notes = (*notes, "tokens and sentences are not kept")
    return Pass(
        where=member.where,
        document_id=document_id,
        annotator=annotator,
        text=view.text,
        mentions=tuple(mention for mention, _ in mentions),
        coverage=imprint.coverage if imprint else MARKED,
        unit="UTF-16",
        guide=imprint.guide if imprint else "",
        details=imprint.details if imprint else _language(view),
        asides=tuple(
            Aside(document_id=document_id, annotator=annotator, kind=kind, value=value)
            for found in view.found
            for kind, value in _asides(found, chosen, ours=imprint is not None)
        ),
        losses=tuple(
            Loss(document_id=document_id, what="span refused", why=why) for why in refused
        ),
        notes=(*notes, describe(chosen)),
    )


def _is_passed_over(found: Found, chosen: Chosen | None) -> bool:
    is_entity = chosen is not None and chosen[0] in found.lineage
    return short_name(found.lineage[0]) in _PASSED_OVER and not is_entity


def _with_support(mention: Mention, found: Found) -> Mention:
    """Read what only our own files hold."""
    confidence, support = found.features.get("confidence"), found.features.get("support")
    is_share = isinstance(confidence, float) and 0 <= confidence <= 1
    is_count = isinstance(support, int) and 0 <= support <= MOST_SUPPORT
    return replace(
        mention,
        confidence=confidence if is_share else None,
        support=support if is_count else None,
    )


def _asides(found: Found, chosen: Chosen | None, *, ours: bool) -> Iterator[tuple[str, Any]]:
    """Say what is kept of a feature structure beside an entity's label, as kind and value."""
    name = found.lineage[0]
    if name == STAMP or (ours and name == METADATA) or _is_passed_over(found, chosen):
        return
    value: dict[str, Any] = {"layer": name, "features": dict(found.features)}
    if found.place:
        value["start"], value["end"] = found.place
    if chosen and chosen[0] in found.lineage:
        value["label"] = value["features"].pop(chosen[1], None) or short_name(name)
        if ours:
            value["features"] = {}
        if value["features"]:
            yield "features", value
    elif found.features.keys() >= set(_RELATION):
        yield "relation", value
    elif name == METADATA:
        yield "metadata", value
    elif found.is_annotation:
        yield "chain link" if name.endswith(_LINK) else "span", value
    else:
        yield "feature structure", value


def _language(view: View) -> dict[str, str]:
    for found in view.found:
        language = found.features.get("language")
        if isinstance(language, str) and short_name(found.lineage[0]).startswith("Document"):
            return {} if language == _UNSPECIFIED else {"language": language}
    return {}


def write(items: Sequence[Annotated]) -> Written:
    """Write an XMI file per annotation, and a type system; several annotators have folders.

    A text with characters that XML does not have becomes a JSON CAS.
    """
    annotations, losses = places(items)
    files: dict[str, bytes] = {}
    for path, document, annotation in annotations:
        structures = _structures(document, annotation)
        labels = [span.label for span in annotation.spans]
        if fits_xml(document.text, document.id, document.language, *labels):
            files[f"{path}{XMI}"] = write_xmi(document.text, structures)
            folder = path.rpartition("/")[0]
            files[f"{folder}/{_TYPE_SYSTEM}".lstrip("/")] = write_typesystem()
        else:
            files[f"{path}{JSON}"] = write_json(document.text, structures)
    if len(files) == 1:
        files = {"": files.popitem()[1]}
    return Written(files=files, losses=tuple(losses))


def _structures(document: Document, annotation: Annotation) -> list[Structure]:
    offsets = utf16_offsets(document.text)

    def place(start: int, end: int) -> Range:
        return offsets[start], offsets[end]

    cut = tokenized(document, annotation)
    starts, ends = cut.tokens.starts, cut.tokens.ends
    whole = place(0, len(document.text))
    stamp = write_stamp(
        document,
        annotation,
        [(*place(span.start, span.end), span.label) for span in annotation.spans],
        [place(start, end) for start, end in annotation.coverage],
        "UTF-16",
    )
    about = {
        "language": document.language or _UNSPECIFIED,
        "documentTitle": document.id,
        "documentId": document.id,
    }
    return [
        Structure(type=METADATA, place=whole, features=about),
        *(
            Structure(type=SENTENCE, place=place(starts[first], ends[last - 1]))
            for first, last in cut.sentences
        ),
        *(
            Structure(type=TOKEN, place=place(start, end))
            for start, end in zip(starts, ends, strict=True)
        ),
        *(
            Structure(
                type=NAMED_ENTITY,
                place=place(span.start, span.end),
                features={
                    VALUE: span.label,
                    "confidence": span.confidence,
                    "support": span.support,
                },
            )
            for span in annotation.spans
        ),
        Structure(type=STAMP, features={"stamp": stamp}),
    ]


FORMAT = Format(
    name="cas",
    title="UIMA CAS",
    read=read,
    write=write,
    carries=Carries(
        coverage=True, confidence=True, support=True, guide=True, document_details=True
    ),
    suffixes=(XMI, JSON, ".xml"),
    options=frozenset({"layer"}),
)
