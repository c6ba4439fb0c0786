"""Documents and their annotations into units of text near marks, with each annotator's BIO tag.

A unit is a word, cut wherever anybody's span begins or ends, so that tags say exactly what spans
say. Only units near a mark take part, where somebody has read them, in segments; the rest, which
everybody who read it left unmarked, is counted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonerd.reconcile.candidates import FlatPass, Layer
from gonerd.reconcile.repeats import Names
from gonerd.records import Span
from gonerd.spans import merge_ranges

CONTEXT = 2
"""Units around a mark that take part."""
SHAPES = (
    "sign", "number", "lower", "letter", "upper", "title", "first title", "mixed", "caseless"
)  # fmt: skip
"""Kinds of words, by their letters alone; `first` opens a segment or follows a full stop."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Units:
    """Units of all documents in one run, segment after segment."""

    annotators: tuple[str, ...]
    labels: tuple[str, ...]
    document: Ints
    """Of each segment, as an index."""
    bounds: Ints
    """Where each segment begins among the units, and the end of the last."""
    starts: Ints
    """First character of each unit."""
    ends: Ints
    shapes: Ints
    unit: Ints
    """Of each reading (a unit that an annotator has read); with `annotator`, `previous`, `tag`."""
    annotator: Ints
    previous: Ints
    """Label the annotator gave the unit before, from 1; 0 for none."""
    tag: Ints
    """O, then B and I of each label: 0, 1 + 2 * label, 2 + 2 * label."""
    name: Ints
    """Of each unit: the same for the same name in the same document, from 0; -1 for no name."""
    quiet: Ints
    """Of each annotator, units it has read that are near no mark."""
    quiet_shapes: Ints
    """How many units of each shape somebody has read, and are near no mark."""


def units_of(
    layer: Layer,
    texts: Sequence[str],
    annotators: Sequence[str],
    labels: Sequence[str],
    names: Sequence[Names] = (),
) -> Units:
    """Lay out one layer of every document's annotations as arrays.

    `texts`, and `names` where they are to count, are by document index.
    """
    codes = {label: number for number, label in enumerate(labels)}
    quiet = np.zeros(len(annotators), dtype=np.int64)
    quiet_shapes = np.zeros(len(SHAPES), dtype=np.int64)
    collected: dict[str, list[Ints]] = {key: [] for key in _COLUMNS}
    bounds = [0]
    num_names = 0
    for number, passes in zip(layer.documents, layer.passes, strict=True):
        starts, ends = cut(texts[number], [span for one in passes for span in one.spans])
        shapes = shapes_of(texts[number], starts, ends)
        rows = [(one.annotator, *_tags(one, starts, ends, codes)) for one in passes]
        part = _parts(passes, starts, ends)
        near = _near(np.any([tags > 0 for _, tags, _ in rows], axis=0)) if rows else starts < 0
        near &= part >= 0
        place = np.where(near, bounds[-1] + np.cumsum(near) - 1, -1)
        for who, tags, read in rows:
            quiet[who] += int((read & ~near).sum())
            chosen = np.flatnonzero(read & near)
            before = np.where(chosen > 0, tags[chosen - 1], 0)
            collected["unit"].append(place[chosen])
            collected["annotator"].append(np.full(len(chosen), who))
            collected["previous"].append((before + 1) // 2)
            collected["tag"].append(tags[chosen])
        read_by_any = np.any([read for _, _, read in rows], axis=0) if rows else starts < 0
        quiet_shapes += np.bincount(shapes[read_by_any & ~near], minlength=len(SHAPES))
        goes_on = near[1:] & near[:-1] & (part[1:] == part[:-1])
        firsts = np.flatnonzero(near & ~np.concatenate(([False], goes_on))[: len(near)])
        lasts = np.flatnonzero(near & ~np.concatenate((goes_on, [False]))[: len(near)]) + 1
        bounds += (bounds[-1] + np.cumsum(lasts - firsts)).tolist()
        collected["document"].append(np.full(len(firsts), number))
        name = _name_of(starts, ends, names[number]) if names else np.full(len(starts), -1)
        name[name >= 0] += num_names
        num_names = max(num_names, int(name.max(initial=-1)) + 1)
        for key, values in zip(_OF_UNITS, (starts, ends, shapes, name), strict=True):
            collected[key].append(values[near])
    flat = {
        key: np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
        for key, parts in collected.items()
    }
    return Units(
        annotators=tuple(annotators),
        labels=tuple(labels),
        bounds=np.array(bounds, dtype=np.int64),
        quiet=quiet,
        quiet_shapes=quiet_shapes,
        **flat,
    )


_OF_UNITS = ("starts", "ends", "shapes", "name")
_COLUMNS = ("document", *_OF_UNITS, "unit", "annotator", "previous", "tag")


def cut(text: str, spans: Sequence[Span]) -> tuple[Ints, Ints]:
    """Cut a text into words, and words at the borders of spans: the starts and ends of units.

    Blanks are in no unit, but for those at which a span begins or ends.
    """
    words = np.array([match.span() for match in re.finditer(r"\S+", text)], dtype=np.int64)
    words = words.reshape(-1, 2)
    begins = np.array([span.start for span in spans], dtype=np.int64)
    stops = np.array([span.end for span in spans], dtype=np.int64)
    points = np.unique(np.concatenate((words.ravel(), begins, stops)))
    starts, ends = points[:-1], points[1:]
    inside = np.searchsorted(words[:, 0], starts, side="right") > np.searchsorted(
        words[:, 1], starts, side="right"
    )
    kept = inside | np.isin(starts, begins) | np.isin(ends, stops)
    return starts[kept], ends[kept]


def shapes_of(text: str, starts: Ints, ends: Ints) -> Ints:
    """Say of what shape each unit is, as an index into `SHAPES`."""
    found: list[int] = []
    opens = True
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        word = text[start:end]
        found.append(SHAPES.index(_shape(word, opens)))
        opens = word[-1] in ".?!" or "\n" in text[end : end + 2]
    return np.array(found, dtype=np.int64)


def _shape(word: str, opens: bool) -> str:
    letters = [character for character in word if character.isalpha()]
    if any(character.isdigit() for character in word):
        return "number"
    if not letters:
        return "sign"
    if not any(character.isupper() or character.islower() for character in letters):
        return "caseless"
    if not any(character.isupper() for character in letters):
        return "lower"
    if not any(character.islower() for character in letters):
        return "letter" if len(letters) == 1 else "upper"
    if letters[0].isupper():
        return "first title" if opens else "title"
    return "mixed"


def _tags(
    one: FlatPass, starts: Ints, ends: Ints, codes: Mapping[str, int]
) -> tuple[Ints, NDArray[np.bool_]]:
    """Write a pass as tags, and say which units it speaks of: what it read and did not overlook.

    What is marked was read.
    """
    tags = np.zeros(len(starts), dtype=np.int64)
    for span in one.spans:
        first = int(np.searchsorted(starts, span.start, side="left"))
        last = int(np.searchsorted(ends, span.end, side="right"))
        tags[first:last] = 2 + 2 * codes[span.label]
        if first < last:
            tags[first] -= 1
    read = np.zeros(len(starts), dtype=bool)
    for start, end in one.coverage:
        first = int(np.searchsorted(starts, start, side="left"))
        read[first : int(np.searchsorted(ends, end, side="right"))] = True
    for start, end in one.overlooked:
        first = int(np.searchsorted(ends, start, side="right"))
        read[first : int(np.searchsorted(starts, end, side="left"))] = False
    return tags, read | (tags > 0)


def _parts(passes: Sequence[FlatPass], starts: Ints, ends: Ints) -> Ints:
    """Number the ranges that anybody has read, and say in which each unit lies; -1 for none."""
    read = merge_ranges(pair for one in passes for pair in one.coverage)
    opens, closes = np.array([(-1, -1), *read], dtype=np.int64).T
    part = np.searchsorted(opens, starts, side="right") - 1
    return np.where(ends <= closes[part], part, -1)


def _name_of(starts: Ints, ends: Ints, names: Names) -> Ints:
    """Say which name each unit holds, the first if there are several."""
    first = np.searchsorted(names.starts, starts, side="left")
    holds = first < np.searchsorted(names.ends, ends, side="right")
    found = np.full(len(starts), -1, dtype=np.int64)
    found[holds] = names.codes[first[holds]]
    return found


def _near(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    near = marked.copy()
    for step in range(1, CONTEXT + 1):
        near[step:] |= marked[:-step]
        near[:-step] |= marked[step:]
    return near
