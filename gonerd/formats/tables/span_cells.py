"""Cells that hold spans, in any of the usual shapes, into spans with named parts.

Known are objects and lists (`{"start": 0, "end": 3, "label": "PER"}`, `[0, 3, "PER"]`), alone, in
lists, by sentence, by label, under a key such as `entities`, and as columns of equal length. What a
part is called is found out once for a whole column, from names and values.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gonerd.records import Range

Item = dict[str, Any]

_SIDES = ("", "offset", "char", "idx", "index", "pos", "position", "off", "span", "entity")
START = tuple(
    name
    for word in ("start", "begin", "beginning")
    for side in _SIDES
    for name in ((word + side, side + word) if side else (word,))
)
END = tuple(
    name
    for word in ("end", "stop", "finish")
    for side in _SIDES
    for name in ((word + side, side + word) if side else (word,))
)
_TOKEN_START = ("tokenstart", "starttoken", "tokstart", "starttok", "wordstart", "startword")
_TOKEN_END = ("tokenend", "endtoken", "tokend", "endtok", "wordend", "endword")
_PAIR = (
    "span", "spans", "offsets", "offset", "charspan", "charspans", "charoffset", "charoffsets",
    "charinterval", "position", "positions", "pos", "range", "interval", "indices", "location",
)  # fmt: skip
_TOKEN_PAIR = ("tokenspan", "tokenoffsets", "tokeninterval", "wordspan", "tokenindices")
_LABEL = (
    "label", "labels", "entitygroup", "entitylabel", "entitytype", "nerlabel", "nertag", "nertype",
    "type", "tag", "tags", "class", "classname", "entityclass", "category", "kind",
    "extractionclass", "entity",
)  # fmt: skip
_SURFACE = (
    "text", "surface", "surfaceform", "mention", "word", "words", "entitytext", "phrase", "span",
    "extractiontext", "string", "coveredtext", "value", "entity", "name", "form", "content",
)  # fmt: skip
_CONFIDENCE = ("confidence", "score", "probability", "prob", "conf")
_WRAPPERS = (
    "entities", "spans", "ents", "extractions", "annotations", "labels", "mentions", "ner",
)  # fmt: skip
_ENOUGH = 20_000
"""Spans by which the shape of a column is known."""
_POSITIONS = "01234567"
_EXACT = ("match_exact", "exact")
"""What langextract says of an extraction whose words stand in the text."""

UNALIGNED = "its words are not exactly in the text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Which part of a column's spans is what."""

    keys: Mapping[str, str]
    """Role (`start`, `end`, `pair`, `label`, `surface`, ...) and the key that plays it."""
    by_tokens: bool = False
    """Whether the keys themselves say that offsets count tokens."""

    @property
    def has_offsets(self) -> bool:
        """Whether spans say where they are, and not only what stands there."""
        return "pair" in self.keys or {"start", "end"} <= set(self.keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """One span as a cell states it, nothing checked."""

    start: Any = None
    end: Any = None
    label: Any = None
    surface: str | None = None
    confidence: Any = None
    support: Any = None
    fragments: tuple[Range, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else is said of it."""
    refused: str = ""
    """Why it is none."""


def find_shape(cells: Sequence[Any], texts: Sequence[str | None]) -> Shape | None:
    """Find out what the parts of a column's spans are called; None where it holds no spans."""
    pairs: list[tuple[Item, str | None]] = []
    for cell, text in zip(cells, texts, strict=True):
        if len(pairs) < _ENOUGH:
            pairs += [(item, text) for item in items_in(cell)[0] if item]
    if not pairs:
        return None
    held: dict[str, list[tuple[Any, str | None]]] = {}
    for item, text in pairs:
        for key, value in item.items():
            if value is not None:
                held.setdefault(key, []).append((value, text))
    listed = all(len(key) == 1 and key in _POSITIONS for key in held)
    keys, by_tokens = _listed(held) if listed else _named(held)
    if "label" not in keys or not (
        "surface" in keys or "pair" in keys or {"start", "end"} <= set(keys)
    ):
        return None
    placed = next(keys[role] for role in ("start", "pair", "surface") if role in keys)
    if 2 * len(held[placed]) < len(pairs) and "status" not in keys:
        return None
    return Shape(keys=keys, by_tokens=by_tokens)


def spans_in(cell: Any, shape: Shape) -> tuple[list[Stated], dict[str, Any]]:
    """Read the spans of one cell, and what the cell says beside them."""
    items, rest = items_in(cell)
    used = frozenset(shape.keys.values())
    return [stated for item in items for stated in _stated(item, shape, used)], rest


def items_in(cell: Any) -> tuple[list[Item], dict[str, Any]]:
    """Take a cell apart into objects, lists by position, and what stands beside them.

    What is neither comes as an empty object.
    """
    if isinstance(cell, dict):
        return _in_object(cell)
    if not isinstance(cell, list | tuple):
        return [], {}
    if cell and all(_is_sentence(inner) for inner in cell):
        return [_item(inner) for sentence in cell for inner in sentence], {}
    kinds = {type(part) for part in cell}
    if _is_listed(cell) and {int, str} <= kinds:
        return [_item(cell)], {}  # a lone span
    return [_item(inner) for inner in cell], {}


def _in_object(cell: dict[str, Any]) -> tuple[list[Item], dict[str, Any]]:
    wrapped = [key for key in _WRAPPERS if isinstance(cell.get(key), list | dict)]
    by_name = {_plain(key): key for key in cell}
    places = [by_name[name] for name in (*START, *_TOKEN_START, *_PAIR) if name in by_name]
    if wrapped and not places:
        items, rest = items_in(cell[wrapped[0]])
        return items, {**rest, **{key: cell[key] for key in cell if key != wrapped[0]}}
    lists = [value for value in cell.values() if isinstance(value, list | tuple)]
    labels = [by_name[name] for name in _LABEL if name in by_name]
    if labels and len(lists) == len(cell) and len({len(value) for value in lists}) == 1:
        rows = zip(*cell.values(), strict=True)
        return [dict(zip(cell, row, strict=True)) for row in rows], {}
    if labels and places:
        return [cell], {}
    return [item for label, held in cell.items() for item in _of_label(str(label), held)], {}


def _of_label(label: str, held: Any) -> Iterator[Item]:
    """List the spans that stand under their label: places, words, or places by words."""
    if isinstance(held, dict):
        for surface, places in held.items():
            for item in _of_label(label, places):
                yield {**item, "text": str(surface)}
    elif isinstance(held, list | tuple):
        for inner in held:
            if isinstance(inner, str):
                yield {"label": label, "text": inner}
            elif isinstance(inner, dict):
                yield {**inner, "label": label}
            elif _are_offsets(inner):
                yield {"label": label, "start": inner[0], "end": inner[1]}
            else:
                yield {}


def _is_sentence(value: Any) -> bool:
    """Say whether a list is one of lists of spans, and not itself a span."""
    return isinstance(value, list | tuple) and all(_is_listed(inner) for inner in value)


def _is_listed(value: Any) -> bool:
    """Say whether a list is a span in parts by position."""
    return (
        isinstance(value, list | tuple)
        and 2 <= len(value) <= 8
        and any(isinstance(part, str | int) for part in value)
        and all(_are_offsets(part) or not isinstance(part, list | dict) for part in value)
    )


def _item(value: Any) -> Item:
    if isinstance(value, dict):
        return {str(key): inner for key, inner in value.items()}
    if _is_listed(value):
        return {str(position): part for position, part in enumerate(value)}
    return {}


def _are_offsets(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(type(offset) is int for offset in value)
    )


Held = Mapping[str, Sequence[tuple[Any, str | None]]]
"""The values under each key, with the text they speak of."""


def _named(held: Held) -> tuple[dict[str, str], bool]:
    """Find parts by what they are called, each called so first that also looks so."""
    by_name: dict[str, str] = {}
    for key in held:
        by_name.setdefault(_plain(key), key)

    def first(names: Iterable[str], fits: Callable[[Any], bool]) -> str | None:
        for name in names:
            if name in by_name and _mostly(fits, held[by_name[name]]):
                return by_name[name]
        return None

    start, end = first(START, _is_offset), first(END, _is_offset)
    length = None if end else first(("length", "len"), _is_offset)
    if length:
        start = start or first(("offset", "position", "pos"), _is_offset)
    pair = None if start and (end or length) else first(_PAIR, _is_place)
    by_tokens = False
    if not pair and not (start and (end or length)):
        start, end = first(_TOKEN_START, _is_offset), first(_TOKEN_END, _is_offset)
        pair = first(_TOKEN_PAIR, _is_place)
        by_tokens = bool((start and end) or pair)
    keys: dict[str, str | None] = {
        "start": None if pair else start,
        "end": None if pair else end,
        "length": length,
        "pair": pair,
        "label": first(_LABEL, _is_label),
    }
    for name in _SURFACE:
        key = by_name.get(name, "")
        is_checked = "alignmentstatus" in by_name  # each span says itself whether it is in the text
        if key and key not in keys.values() and (is_checked or _share_in_text(held[key]) >= 0.5):
            keys["surface"] = key
            break
    keys["confidence"] = first(_CONFIDENCE, _is_number)
    keys["support"] = by_name.get("support")
    keys["fragments"] = by_name.get("fragments")
    keys["status"] = by_name.get("alignmentstatus")
    return {role: key for role, key in keys.items() if key is not None}, by_tokens


def _listed(held: Held) -> tuple[dict[str, str], bool]:
    """Find parts by their kinds: two whole numbers, or a pair, and one word or two."""
    order = sorted(held)
    offsets = [key for key in order if _mostly(_is_offset, held[key])]
    words = [key for key in order if _mostly(_is_words, held[key])]
    pairs = [key for key in order if _mostly(_is_place, held[key])]
    keys: dict[str, str] = {}
    if len(offsets) >= 2:
        keys |= {"start": offsets[0], "end": offsets[1]}
        offsets = offsets[2:]
    elif pairs:
        keys["pair"] = pairs[0]
    if len(words) > 1:
        kinds = {key: len({str(value) for value, _ in held[key]}) for key in words[:2]}
        shares = {key: _share_in_text(held[key]) for key in words[:2]}
        surface, label = sorted(words[:2], key=lambda key: (-shares[key], -kinds[key]))
        keys |= {"label": label, "surface": surface}
    elif words or offsets:
        keys["label"] = (words or offsets)[0]
    fractions = [key for key in order if any(type(value) is float for value, _ in held[key])]
    if fractions and "label" in keys:
        keys.setdefault("confidence", fractions[-1])
    return keys, False


def _stated(item: Item, shape: Shape, used: frozenset[str]) -> Iterator[Stated]:
    """Read one span, or one for each of its labels."""
    keys = shape.keys
    if not item:
        yield Stated(refused="it is no span")
        return
    status = item.get(keys.get("status", ""))
    label = item.get(keys["label"])
    start, end, fragments = _place(item, keys)
    surface = item.get(keys.get("surface", ""))
    if isinstance(surface, list) and all(isinstance(part, str) for part in surface):
        surface = " ".join(surface)
    extra = {
        key: value
        for key, value in item.items()
        if key not in used and value not in (None, "", [], {})
    }
    labels = label if isinstance(label, list) and label else [label]
    for one in labels:
        yield Stated(
            start=start,
            end=end,
            label=one,
            surface=surface if isinstance(surface, str) else None,
            confidence=item.get(keys.get("confidence", "")),
            support=item.get(keys.get("support", "")),
            fragments=fragments,
            extra=extra,
            refused=UNALIGNED if "status" in keys and status not in _EXACT else "",
        )


def _place(item: Item, keys: Mapping[str, str]) -> tuple[Any, Any, tuple[Range, ...]]:
    if "pair" in keys:
        pieces = _pieces(item.get(keys["pair"]))
        if not pieces:
            return None, None, ()
        return pieces[0][0], pieces[-1][1], pieces if len(pieces) > 1 else ()
    start, end = _number(item.get(keys.get("start", ""))), _number(item.get(keys.get("end", "")))
    length = _number(item.get(keys.get("length", "")))
    if "end" not in keys and type(start) is int and type(length) is int:
        end = start + length
    return start, end, _pieces(item.get(keys["fragments"])) if "fragments" in keys else ()


def _pieces(value: Any) -> tuple[Range, ...]:
    """Read one place or several: [s, e], [[s, e], ...], or an object of start and end."""
    if isinstance(value, dict):
        by_name = {_plain(key): inner for key, inner in value.items()}
        start = [by_name[name] for name in START if name in by_name]
        end = [by_name[name] for name in END if name in by_name]
        value = [*start[:1], *end[:1]]
    if _are_offsets(value):
        return ((value[0], value[1]),)
    if not isinstance(value, list | tuple):
        return ()
    pieces = [_pieces(piece) for piece in value]
    if not all(len(piece) == 1 for piece in pieces):
        return ()
    return tuple(piece[0] for piece in pieces)


def _number(value: Any) -> Any:
    """Take a number out of its digits, as some write it."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    return value


def _mostly(fits: Callable[[Any], bool], held: Sequence[tuple[Any, str | None]]) -> bool:
    """Say whether nine in ten values fit; the rest will be refused one by one."""
    return 10 * sum(fits(value) for value, _ in held) >= 9 * len(held)


def _is_offset(value: Any) -> bool:
    value = _number(value)
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def _is_place(value: Any) -> bool:
    return bool(_pieces(value))


def _is_label(value: Any) -> bool:
    labels = value if isinstance(value, list) and value else [value]
    return all(isinstance(label, str) or type(label) is int for label in labels)


def _is_words(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _share_in_text(held: Sequence[tuple[Any, str | None]]) -> float:
    """Say how many of some words stand in the text they speak of; all, where no text is known."""
    found = 0
    some = held[:500]
    for value, text in some:
        words = value if isinstance(value, list) else [value]
        if all(isinstance(word, str) for word in words):
            found += text is None or all(word.strip() in text for word in words)
    return found / max(1, len(some))


def _plain(key: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(key).lower())
