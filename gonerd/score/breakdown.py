"""Documents and entities into groups: by length, source, position, and whether seen before."""

from collections.abc import Iterable, Mapping

import numpy as np

from gonerd.score.counts import Counts
from gonerd.score.entities import Entities, Ints, Labels
from gonerd.score.sides import DocumentScore, Sides

BOUNDS = (512, 1_024, 2_048, 4_096, 8_192, 16_384)
"""Tokens up to which a document, or the place of an entity, is counted with those before."""
SIZES = (*(f"to {bound:,}" for bound in BOUNDS), f"over {BOUNDS[-1]:,}")
FAMILIAR = ("unseen", "seen")


def by_length(documents: Iterable[DocumentScore]) -> dict[str, list[DocumentScore]]:
    """Group documents by their tokens; lengths that do not occur are left out."""
    found: dict[str, list[DocumentScore]] = {size: [] for size in SIZES}
    for one in documents:
        if one.num_tokens is not None:
            found[SIZES[int(np.searchsorted(BOUNDS, one.num_tokens))]].append(one)
    return {size: some for size, some in found.items() if some}


def by_source(documents: Iterable[DocumentScore]) -> dict[str, list[DocumentScore]]:
    """Group documents by their source; those without one are left out."""
    found: dict[str, list[DocumentScore]] = {}
    for one in documents:
        if one.source is not None:
            found.setdefault(one.source, []).append(one)
    return dict(sorted(found.items()))


def total(documents: Iterable[DocumentScore]) -> Counts:
    """Add up the counts of documents."""
    return sum((one.counts for one in documents), Counts())


def groups_of(
    one: Sides, labels: Labels, seen: frozenset[tuple[str, str]] | None
) -> dict[str, tuple[tuple[str, ...], Ints, Ints]]:
    """Group the entities of both sides of a document: names of groups, and of each entity which.

    By `position`, where tokens are known; by `seen`, where it is said what could be learnt.
    """
    found = {}
    places = _positions(one, one.gold), _positions(one, one.predicted)
    if places[0] is not None and places[1] is not None:
        found["position"] = (SIZES, places[0], places[1])
    if seen is not None and one.text is not None:
        of_gold, of_predicted = (
            _familiar(one.text, side, labels, seen) for side in (one.gold, one.predicted)
        )
        found["seen"] = (FAMILIAR, of_gold, of_predicted)
    return found


def _positions(one: Sides, side: Entities) -> Ints | None:
    """Say in which group of positions, counted in tokens, each entity starts."""
    if one.text is None:
        token = side.starts
    elif one.token_starts is not None:
        token = np.searchsorted(one.token_starts, side.starts, side="right") - 1
    else:
        return None
    return np.searchsorted(BOUNDS, token, side="right").astype(np.int64)


def _familiar(text: str, side: Entities, labels: Labels, seen: frozenset[tuple[str, str]]) -> Ints:
    places = zip(side.starts.tolist(), side.ends.tolist(), side.labels.tolist(), strict=True)
    flags = [(labels.names[label], text[start:end]) in seen for start, end, label in places]
    return np.array(flags, dtype=np.int64)


def named(sums: Mapping[str, tuple[tuple[str, ...], Ints]]) -> dict[str, dict[str, Counts]]:
    """Give the counts of groups by name; groups with nothing in them are left out."""
    return {
        dimension: {
            name: Counts(correct=row[0], predicted=row[1], gold=row[2])
            for name, row in zip(names, table.tolist(), strict=True)
            if any(row)
        }
        for dimension, (names, table) in sums.items()
    }
