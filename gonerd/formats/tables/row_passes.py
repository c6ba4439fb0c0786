"""One row of a dataset, its columns known, into a pass over its text or its tokens."""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from gonerd.errors import RecordError
from gonerd.formats.conll.tags import losses_of, spans_of, unknown_of
from gonerd.formats.fields import check_text, details_in, mention_in, shown, sort_out
from gonerd.formats.layers import MARKED, WHOLE, Aside, Mention, Pass, TokenPass
from gonerd.formats.tables.cells import Row, plain_value, says_something
from gonerd.formats.tables.column_names import ASIDES, plain
from gonerd.formats.tables.counting import Counting
from gonerd.formats.tables.recognise import Parts
from gonerd.formats.tables.span_cells import Stated, spans_in
from gonerd.formats.tables.span_places import located, merged, on_characters
from gonerd.formats.tables.tag_choice import NO_TAG, tags_in, words_in
from gonerd.formats.tokenized import UNKNOWN
from gonerd.records import Loss, Range, text_sha256

_ENOUGH = 200
"""Tokens by which a text is known as theirs."""

_UNSAID = "what spans do not mark is unknown; --complete says that all of the texts was read"
_SILENT = ("id", "entityid", "index", "tokenstart", "tokenend")
"""Keys of a span that say nothing more of it."""

Coverage = Literal["whole", "marked"] | tuple[Range, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which row this is, and whose."""

    where: str
    document_id: str
    annotator: str
    notes: tuple[str, ...]
    is_finished: bool = False
    """Whether the row itself says that its annotator was done with it."""


def tags_of(row: Row, parts: Parts, where: str) -> list[list[str]]:
    """Read the tags of a row by name, sentence by sentence; `-` where there is none."""
    cell = parts.of("tags", row)
    words = _words(row, parts, where)
    sentences = [[UNKNOWN] * len(one) for one in words] if cell is None else tags_in(cell)
    if sentences is None:
        raise RecordError(
            f"{where}: tags in {parts.columns['tags']!r} are {shown(cell)}; "
            "expected a list of names or numbers."
        )
    if sum(map(len, sentences)) != sum(map(len, words)):
        raise RecordError(
            f"{where}: {sum(map(len, words))} tokens in {parts.columns['tokens']!r} and "
            f"{sum(map(len, sentences))} tags in {parts.columns['tags']!r}; expected as many."
        )
    return [[_name(tag, parts.names) for tag in sentence] for sentence in sentences]


def by_tags(row: Row, parts: Parts, place: Place, scheme: str) -> TokenPass:
    """Read a row of tokens and tags."""
    sentences = _words(row, parts, place.where)
    tokens = tuple(word for sentence in sentences for word in sentence)
    mentions: list[Mention] = []
    losses: list[Loss] = []
    unknown: list[Range] = []
    start = 0
    for tags in tags_of(row, parts, place.where):
        spans, faults = spans_of(tags, scheme)
        mentions += [
            Mention(start=start + first, end=start + last, label=label)
            for first, last, label in spans
        ]
        losses += losses_of(faults, place.document_id)
        unknown += [(start + first, start + last) for first, last in unknown_of(tags, scheme)]
        start += len(tags)
    text, notes = _text(row, parts, tokens, place.where)
    offsets = None if text is None else _offsets(row, parts, tokens, text)
    return TokenPass(
        where=place.where,
        document_id=place.document_id,
        annotator=place.annotator,
        tokens=tokens,
        gaps=_gaps(row, parts, sentences, text, offsets),
        mentions=tuple(mentions),
        unknown=tuple(unknown),
        offsets=offsets,
        text=text,
        unit=None if offsets is None else "code points",
        guide=_string(parts.of("guide", row)),
        details=details_in(row),
        asides=_asides(row, place),
        losses=tuple(losses),
        notes=(*place.notes, *notes),
    )


def by_spans(row: Row, parts: Parts, place: Place, counting: Counting, text: str | None) -> Pass:
    """Read a row of spans over a text, or over tokens that a text is put together from.

    `text` is what another table says it is, where the row has none.
    """
    said = spans_in(parts.of("spans", row), parts.shape) if parts.shape else ([], {})
    own = parts.of("text", row)
    text = own if isinstance(own, str) else text
    if isinstance(text, str):
        check_text(text, place.where)
    stated = said[0]
    if parts.names:
        stated = [replace(one, label=_label(one.label, parts.names)) for one in stated]
    if counting.is_inclusive:
        stated = [replace(one, end=one.end + 1) if type(one.end) is int else one for one in stated]
    tokens = words_of(row, parts)
    if counting.by_tokens:
        text, stated = on_characters(tokens or [], text, stated)
    elif text is None and tokens is not None:
        text, _ = on_characters(tokens, None, [])
    is_located = parts.shape is not None and not parts.shape.has_offsets
    if is_located:
        stated = located(text or "", stated)
    if parts.are_pieces:
        stated = merged(text or "", stated)
    if parts.is_arrow:
        stated = [replace(one, confidence=_shortest(one.confidence)) for one in stated]
    found = [_mention(one) for one in stated]
    mentions, losses = sort_out(place.document_id, found)
    coverage = _coverage(row, parts, place, lost=bool(losses))
    is_certain = counting.by_tokens or is_located or parts.is_release or _is_ours(row, text)
    return Pass(
        where=place.where,
        document_id=place.document_id,
        annotator=place.annotator,
        text=text,
        mentions=mentions,
        coverage=coverage,
        unit="code points" if is_certain else None,
        guide=_string(parts.of("guide", row)),
        details=details_in(row),
        asides=(*_asides(row, place, said[1]), *_extras(stated, place)),
        losses=losses,
        notes=(*place.notes, *((_UNSAID,) if coverage == MARKED else ())),
    )


def words_of(row: Row, parts: Parts) -> list[str] | None:
    """List the tokens of a row, if it has some."""
    cell = parts.of("tokens", row)
    sentences = [cell.split()] if isinstance(cell, str) else words_in(cell)
    return None if sentences is None else [word for one in sentences for word in one]


def _is_ours(row: Row, text: str | None) -> bool:
    """Say whether a row bears our hash of its text, and so our offsets."""
    said = row.get("text_sha256")
    return said is not None and (text is None or said == text_sha256(text))


def _words(row: Row, parts: Parts, where: str) -> list[list[str]]:
    cell = parts.of("tokens", row)
    sentences = [cell.split()] if isinstance(cell, str) else words_in(cell)
    if sentences is None:
        raise RecordError(
            f"{where}: tokens in {parts.columns['tokens']!r} are {shown(cell)}; "
            "expected a list of words."
        )
    return sentences


def _name(tag: Any, names: Sequence[str]) -> str:
    if tag is None or tag == NO_TAG:
        return UNKNOWN
    return names[tag] if isinstance(tag, int) else str(tag)


def _label(label: Any, names: Sequence[str]) -> Any:
    return names[label] if type(label) is int and 0 <= label < len(names) else label


def _shortest(value: Any) -> Any:
    """Write a number of 32 bits with the fewest digits that give it again."""
    if isinstance(value, float) and abs(value) <= 1:
        for digits in range(6, 10):
            short = float(f"{value:.{digits}g}")
            if struct.unpack("f", struct.pack("f", short))[0] == value:
                return short
    return value


def _mention(one: Stated) -> Mention | str:
    if one.refused:
        return one.refused
    found = mention_in(
        one.start,
        one.end,
        one.label,
        surface=one.surface,
        confidence=one.confidence,
        support=one.support,
    )
    if isinstance(found, str) or not one.fragments:
        return found
    flat = [offset for piece in one.fragments for offset in piece]
    if flat != sorted(set(flat)) or (flat[0], flat[-1]) != (found.start, found.end):
        return "its parts are not in order and apart"
    return replace(found, fragments=one.fragments)


def _text(
    row: Row, parts: Parts, tokens: Sequence[str], where: str
) -> tuple[str | None, tuple[str, ...]]:
    """Take the text that stands beside tokens, if they are its tokens."""
    text = parts.of("text", row)
    if not isinstance(text, str) or not text:
        return None, ()
    check_text(text, where)
    some = [token for token in tokens[:_ENOUGH] if token]
    if sum(token in text for token in some) < 0.7 * len(some):
        return None, (f"{parts.columns['text']!r} is not the text of the tokens",)
    return text, ()


def _offsets(row: Row, parts: Parts, tokens: Sequence[str], text: str) -> tuple[Range, ...] | None:
    """Take the places of tokens, if every one stands in its place."""
    if isinstance(parts.of("tokens", row), str):
        return tuple(match.span() for match in re.finditer(r"\S+", text))
    starts, ends = parts.of("starts", row), parts.of("ends", row)
    if not isinstance(starts, list) or not isinstance(ends, list):
        return None
    if not len(starts) == len(ends) == len(tokens):
        return None
    if not all(type(offset) is int and offset >= 0 for offset in (*starts, *ends)):
        return None
    places = tuple(zip(starts, ends, strict=True))
    fits = all(text[s:e] == token for (s, e), token in zip(places, tokens, strict=True))
    return places if fits else None


def _gaps(
    row: Row,
    parts: Parts,
    sentences: Sequence[Sequence[str]],
    text: str | None,
    offsets: Sequence[Range] | None,
) -> tuple[str, ...]:
    """Say what stands after each token, as far as the row tells."""
    if text is not None and offsets is not None:
        bounds = [*(start for start, _ in offsets[1:]), len(text)]
        return tuple(text[end:bound] for (_, end), bound in zip(offsets, bounds, strict=False))
    gaps = [" "] * sum(map(len, sentences))
    spaces = parts.of("spaces", row)
    if isinstance(spaces, list) and len(spaces) == len(gaps):
        gaps = [
            space if isinstance(space, str) and not space.strip() else " " if space is True else ""
            for space in spaces
        ]
    last = -1
    for sentence in sentences:
        last += len(sentence)
        if sentence:
            gaps[last] = "\n" if len(sentences) > 1 else gaps[last]
    if gaps:
        gaps[-1] = ""
    return tuple(gaps)


def _coverage(row: Row, parts: Parts, place: Place, *, lost: bool) -> Coverage:
    """Say what was read: what the row says; else all of it only where it is said to be done."""
    ranges = _ranges(parts.of("coverage", row))
    if ranges is not None:
        return ranges
    return WHOLE if (parts.is_release or place.is_finished) and not lost else MARKED


def _ranges(value: Any) -> tuple[Range, ...] | None:
    """Read ranges as lists of two or as objects; None where there are none."""
    if not isinstance(value, list):
        return None
    pairs = [(one.get("start"), one.get("end")) if isinstance(one, dict) else one for one in value]
    found: list[Range] = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or [type(offset) for offset in pair] != [int, int]:
            return None
        found.append((pair[0], pair[1]))
    ends = [offset for pair in found for offset in pair]
    in_order = ends == sorted(ends) and all(left[1] <= right[0] for left, right in pairwise(found))
    return tuple(found) if in_order and (not ends or ends[0] >= 0) else None


def _asides(row: Row, place: Place, rest: Mapping[str, Any] | None = None) -> tuple[Aside, ...]:
    """Keep what a row says beside its entities."""
    said = {name: value for name, value in row.items() if plain(name) in ASIDES}
    return tuple(
        Aside(
            document_id=place.document_id,
            annotator=place.annotator,
            kind=str(name),
            value={str(name): plain_value(value)},
        )
        for name, value in {**said, **(rest or {})}.items()
        if says_something(value)
    )


def _extras(stated: Sequence[Stated], place: Place) -> list[Aside]:
    """Keep what is said of a span beside its place and label, and the words of refused ones."""
    found: list[Aside] = []
    for one in stated:
        kind = "refused span" if one.refused and one.surface else "attribute"
        says_more = any(plain(name) not in _SILENT for name in one.extra)
        if not says_more and kind == "attribute":
            continue
        value = {**one.extra, "start": one.start, "end": one.end, "label": one.label}
        if kind != "attribute":
            value["text"] = one.surface
        found.append(
            Aside(
                document_id=place.document_id,
                annotator=place.annotator,
                kind=kind,
                value=plain_value(value),
            )
        )
    return found


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
