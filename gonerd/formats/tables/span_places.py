"""Spans that are words, or tokens, or tagged pieces, into spans with a place in the text."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from gonerd.formats.align import join, place_tokens
from gonerd.formats.conll.tags import spans_of
from gonerd.formats.tables.counting import words_at
from gonerd.formats.tables.span_cells import Stated
from gonerd.records import Range


def on_characters(
    tokens: Sequence[str], text: str | None, stated: Sequence[Stated]
) -> tuple[str, list[Stated]]:
    """Turn spans of tokens into spans of characters, of the text or of one put together."""
    places: Sequence[Range | None]
    if text is None:
        text, places = join(tokens, [*[" "] * (len(tokens) - 1), *[""] * bool(tokens)])
    else:
        places = place_tokens(tokens, text)
    found: list[Stated] = []
    for one in stated:
        why = ""
        start, end = one.start, one.end
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(places):
            why = "it is no range of tokens"
        elif one.surface and words_at(tokens, start, end) != "".join(one.surface.split()):
            why = "its words are not those of its tokens"
        elif places[start] is None or places[end - 1] is None:
            why = "its tokens are not in the text"
        else:
            start, end = places[start][0], places[end - 1][1]  # type: ignore[index]
        # The text may part tokens where the words of the span did not.
        surface = one.surface if why else None
        found.append(
            replace(
                one,
                start=start,
                end=end,
                surface=surface,
                fragments=(),
                refused=one.refused or why,
            )
        )
    return text, found


def located(text: str, stated: Sequence[Stated]) -> list[Stated]:
    """Find spans that are only words: these must stand once, or as often as they are listed."""
    times = Counter((one.surface, str(one.label)) for one in stated)
    found: list[Stated] = []
    seen: Counter[str] = Counter()
    for one in stated:
        surface = (one.surface or "").strip()
        places = _occurrences(text, surface)
        is_certain = len(places) in (1, times[one.surface, str(one.label)])
        if not places:
            found.append(replace(one, refused="its words are not in the text"))
        elif not is_certain:
            found.append(replace(one, refused="its words stand in several places"))
        else:
            start = places[min(seen[surface], len(places) - 1)]
            seen[surface] += 1
            found.append(replace(one, start=start, end=start + len(surface)))
    return found


def _occurrences(text: str, surface: str) -> list[int]:
    """List where words stand, as words of their own if they do so anywhere."""
    if not surface:
        return []
    whole = rf"(?<!\w){re.escape(surface)}(?!\w)"
    for pattern in (whole, re.escape(surface)):
        if found := [match.start() for match in re.finditer(pattern, text)]:
            return found
    return []


def merged(text: str, stated: list[Stated]) -> list[Stated]:
    """Join spans that are tagged tokens (`B-PER`, `I-PER`) into the entities they make."""
    kept: list[Stated] = []
    others: list[Stated] = []
    for one in stated:
        is_whole = type(one.start) is int and type(one.end) is int and isinstance(one.label, str)
        (kept if is_whole and not one.refused else others).append(one)
    kept.sort(key=lambda one: (one.start, one.end))
    tags: list[str] = []
    owners: list[int] = []
    for index, one in enumerate(kept):
        if index and text[kept[index - 1].end : one.start].strip():
            tags.append("O")  # something stands between the two
            owners.append(index)
        tags.append(one.label)
        owners.append(index)
    scheme = "BIOES" if any(tag[:1] in "ESLU" for tag in tags) else "IOB2"
    entities = [
        replace(
            kept[owners[start]],
            end=kept[owners[end - 1]].end,
            label=label,
            surface=None if end - start > 1 else kept[owners[start]].surface,
            confidence=None if end - start > 1 else kept[owners[start]].confidence,
        )
        for start, end, label in spans_of(tags, scheme)[0]
    ]
    return [*entities, *others]
