"""UIMA CAS files into texts and what is said about them, through dkpro-cassis."""

import math
import re
import warnings
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import Any, TypeVar

from gonerd.errors import GonerdError, MissingExtra, RecordError
from gonerd.formats.members import Member, text_of
from gonerd.formats.uima.cas_cut import Cut
from gonerd.formats.uima.cas_scan import Scan, check_typesystem, scan_json, scan_xmi
from gonerd.formats.uima.layer_choice import may_mean, short_name
from gonerd.records import Range

XMI, JSON = ".xmi", ".json"
INITIAL_VIEW = "_InitialView"

_TOP, _ANNOTATION_BASE, _STRING = "uima.cas.TOP", "uima.cas.AnnotationBase", "uima.cas.String"
_ANNOTATION = "uima.tcas.Annotation"
_GUESSED = "made of what a file uses"
_POSITION = frozenset({"sofa", "begin", "end"})
_LEFT_OUT = frozenset({"Sentence", "Token"})
_RESERVED = frozenset({"self_", "type_"})
"""Features that the library has given another name."""
_DEEPEST = 3
"""References are followed so far, and arrays unfolded at the first level only: arrays of arrays in
a small file could fill any memory."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A feature structure of a view."""

    lineage: tuple[str, ...]
    """Its type and those above it, without UIMA's own unless it is one."""
    place: Range | None
    """Where it stands, in UTF-16."""
    is_annotation: bool
    features: Mapping[str, Any]
    """Those that are set, as JSON can carry them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A text and what is said about it."""

    name: str
    text: str | None
    """None where the CAS only says where it is."""
    found: tuple[Found, ...]
    is_cut: bool
    """Whether tokens or sentences have been left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A whole file."""

    views: tuple[View, ...]
    """Those with a text, the initial one first; where none has, that one alone."""
    strings: Mapping[str, Sequence[str]]
    """By type of annotation, the features that hold a string."""
    left_out: frozenset[str]
    """Types of which not all are among what was found."""
    notes: tuple[str, ...]


def typesystems(members: Iterable[Member]) -> dict[str, list[Member]]:
    """Group what may be a type system by folder."""
    found: dict[str, list[Member]] = {}
    for member in members:
        if member.suffix == ".xml":
            found.setdefault(_folder(member.where), []).append(member)
    return found


def load(
    member: Member,
    systems: Mapping[str, Sequence[Member]],
    kept: dict[str, Any],
    layer: str | None = None,
) -> Loaded:
    """Load a file, without tokens and sentences unless they are the layer that is asked for.

    `kept` holds type systems for the next one.
    """
    cassis = _cassis()
    is_json = _is_json(member)
    scan = scan_json(member) if is_json else scan_xmi(member)
    system, notes = _typesystem(_beside(member, systems), scan, kept)
    left_out = frozenset(name for name in scan.types if _is_left_out(name, layer, system, scan))
    cut = scan.cut(left_out) if left_out else None

    def parse() -> Any:
        if is_json:
            return cassis.load_cas_from_json(
                BytesIO(cut.content) if cut else text_of(member),
                typesystem=system,
                lenient=True,
                merge_typesystem=bool(scan.declared),
            )
        # The library's own guard stops at texts of ten million bytes; the scan was ours.
        content = BytesIO(cut.content if cut else member.read())
        return cassis.load_cas_from_xmi(content, typesystem=system, lenient=True, trusted=True)

    cas = _guarded(member, parse)
    made: dict[str, _Kind] = {}
    views = _guarded(
        member, lambda: [_view(view, cas.typesystem, scan, made, cut) for view in cas.views]
    )
    views.sort(key=lambda view: view.name != INITIAL_VIEW)
    kinds = {type_name for type_name in scan.types if cas.typesystem.contains_type(type_name, True)}
    return Loaded(
        views=tuple(view for view in views if view.text is not None) or tuple(views[:1]),
        strings={
            name: _strings(cas.typesystem, name, scan)
            for name in sorted(kinds)
            if cas.typesystem.is_instance_of(name, _ANNOTATION)
        },
        left_out=left_out if cut else frozenset(),
        notes=notes,
    )


def _is_json(member: Member) -> bool:
    """Go by what a file opens with: whoever wrote it may have named it before it was known."""
    opening = member.read().removeprefix(BOM_UTF8).lstrip()[:1]
    return opening == b"{" if opening in (b"{", b"<") else member.suffix == JSON


def _is_left_out(name: str, layer: str | None, system: Any, scan: Scan) -> bool:
    """Say whether nothing of a type is kept: a kind of token, not asked for, nobody's subtype."""
    if short_name(name) not in _LEFT_OUT or (layer is not None and may_mean(layer, name)):
        return False
    if name in scan.declared:
        return scan.declared[name].get("%SUPER_TYPE") == _ANNOTATION
    above = system.get_type(name, True).supertype if system.contains_type(name, True) else None
    return above is None or above.name == _ANNOTATION


def _cassis() -> Any:
    try:
        import cassis
    except ImportError:
        raise MissingExtra(
            "import of UIMA CAS: dkpro-cassis is not installed; expected the extra `uima`.\n"
            "Install it: pip install 'gonerd[uima]'"
        ) from None
    return cassis


def _guarded(member: Member, work: Callable[[], T]) -> T:
    """Let the library work; whatever it stumbles over is in the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return work()
    except GonerdError:
        raise
    except Exception as error:  # of any kind, since it checks little itself
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise RecordError(
            f"{member.where}: dkpro-cassis cannot read it ({reason}); expected what UIMA writes."
        ) from None


def _folder(where: str) -> str:
    return re.sub(r"[^/!]*$", "", where)


def _beside(member: Member, systems: Mapping[str, Sequence[Member]]) -> Member | None:
    """Find the type system in a file's folder, or in one above it."""
    folder = _folder(member.where)
    while True:
        files = systems.get(folder, ())
        named = [file for file in files if "typesystem" in file.name.lower()]
        if len(named or files) == 1:
            return (named or files)[0]
        if not folder:
            return None
        folder = _folder(folder[:-1])


def _typesystem(
    member: Member | None, scan: Scan, kept: dict[str, Any]
) -> tuple[Any, tuple[str, ...]]:
    """Load a type system, and add what the file uses and it does not know."""
    key = member.where if member else ""
    if key not in kept:
        kept[key] = _read_typesystem(member)
    if not _missing(kept[key], scan):
        return kept[key], ()
    # A type that has been used does not learn of new features.
    system = _read_typesystem(member)
    for name, features in _missing(system, scan).items():
        if not system.contains_type(name, True):
            system.create_type(name, _above(scan.types[name]), _GUESSED)
        for feature in features:
            kind = _TOP if feature.startswith("@") else _STRING
            _quietly(system.create_feature, name, feature.lstrip("@"), kind)
    if member is None:
        return system, ("there is no type system beside; types are as the file uses them",)
    return system, ("types that the type system does not know are as the file uses them",)


def _above(features: set[str]) -> str:
    if {"begin", "end"} <= features:
        return _ANNOTATION
    return _ANNOTATION_BASE if features & {"sofa", "@sofa"} else _TOP


def _quietly(work: Callable[..., Any], *arguments: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work(*arguments)


def _read_typesystem(member: Member | None) -> Any:
    cassis = _cassis()
    if member is None:
        return cassis.TypeSystem()
    check_typesystem(member)
    return _guarded(member, lambda: cassis.load_typesystem(BytesIO(member.read())))


def _missing(system: Any, scan: Scan) -> dict[str, list[str]]:
    """List types that a type system lacks, or that lack features."""
    missing: dict[str, list[str]] = {}
    for name, features in scan.types.items():
        if name.startswith("uima.cas.") or name.endswith("[]") or name in scan.declared:
            continue
        known = system.get_type(name, True) if system.contains_type(name, True) else None
        lacking = sorted(
            feature
            for feature in features - _POSITION - {"@sofa"}
            if known is None or not _has(known, feature.lstrip("@"))
        )
        if known is None or lacking:
            missing[name] = lacking
    return missing


def _has(kind: Any, feature: str) -> bool:
    return bool(kind.get_feature(feature) or kind.get_feature(f"{feature}_"))


def _strings(system: Any, name: str, scan: Scan) -> list[str]:
    """List what can be a label: a string, and where that is only a guess, not a number."""
    kind = system.get_type(name, True)
    names = [
        _plain_name(feature.name)
        for feature in kind.all_features
        if feature.name not in _POSITION and system.is_instance_of(feature.rangeType, _STRING)
    ]
    if kind.description == _GUESSED:
        return [feature for feature in names if (name, feature) in scan.texts]
    return names


def _plain_name(feature: str) -> str:
    return feature.removesuffix("_") if feature in _RESERVED else feature


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    """What is the same for all feature structures of a type."""

    lineage: tuple[str, ...]
    is_annotation: bool
    features: tuple[tuple[str, str], ...]
    """The library's name of each, and its own."""


def _kind(kind: Any, system: Any) -> _Kind:
    lineage = [kind.name]
    above = kind.supertype
    while above is not None and not above.name.startswith("uima."):
        lineage.append(above.name)
        above = above.supertype
    return _Kind(
        lineage=tuple(lineage),
        is_annotation=system.is_instance_of(kind, _ANNOTATION),
        features=tuple(
            (feature.name, _plain_name(feature.name))
            for feature in kind.all_features
            if feature.name not in _POSITION
        ),
    )


def _view(view: Any, system: Any, scan: Scan, kinds: dict[str, _Kind], cut: Cut | None) -> View:
    found: list[Found] = []
    for fs in chain.from_iterable(view.type_index.values()):
        kind = kinds.get(fs.type.name)
        if kind is None:
            kind = kinds[fs.type.name] = _kind(fs.type, system)
        found.append(
            Found(
                lineage=kind.lineage,
                place=scan.offsets.get(fs.xmiID),
                is_annotation=kind.is_annotation,
                features=_features(fs, kind.features, scan, 1),
            )
        )
    return View(
        name=view.sofa.sofaID,
        text=view.sofa.sofaString,
        found=tuple(sorted(found, key=_order)),
        is_cut=cut is not None and view.sofa.sofaID in cut.views,
    )


def _order(found: Found) -> tuple[int, int, str]:
    start, end = found.place or (-1, -1)
    return start, -end, found.lineage[0]


def _features(fs: Any, names: Iterable[tuple[str, str]], scan: Scan, depth: int) -> dict[str, Any]:
    values = ((own, getattr(fs, name)) for name, own in names)
    return {own: _plain(value, scan, depth) for own, value in values if value is not None}


def _plain(value: Any, scan: Scan, depth: int) -> Any:
    """Turn a feature's value into what JSON can carry."""
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple | bytes):
        return [_plain(item, scan, depth + 1) for item in value]
    if hasattr(value, "elements") and depth == 1:
        return _plain(value.elements or [], scan, depth)
    if not hasattr(value, "xmiID"):
        return None if value is None else str(value)
    row: dict[str, Any] = {"type": value.type.name}
    if value.xmiID in scan.offsets:
        row["start"], row["end"] = scan.offsets[value.xmiID]
    elif depth < _DEEPEST:
        names = ((feature.name, _plain_name(feature.name)) for feature in value.type.all_features)
        row |= _features(value, names, scan, depth + 1)
    return row
