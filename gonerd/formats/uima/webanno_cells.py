"""Rows of a WebAnno TSV file into the annotations that their cells speak of.

An annotation over several rows bears the same id in each of them. Where several are stacked in a
cell, the n-th of one column is the n-th of the next.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from gonerd.formats.uima.webanno_rows import (
    NOTHING,
    Column,
    Layer,
    Row,
    Table,
    split_id,
    split_unescaped,
    stacked,
    unescape,
)
from gonerd.records import Range

_LINK = re.compile(r"(.*)->(\d{1,9})-(\d{1,9})", re.DOTALL)


@dataclass(kw_only=True, slots=True)
class Found:
    """An annotation, growing row by row."""

    layer: Layer
    start: int
    end: int
    features: dict[str, str | None] = field(default_factory=dict)
    """None where the feature is not set."""
    links: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By slot feature: roles and what they point to, in the file's words."""
    source: str = ""
    """Of a relation: the row it comes from, with the ids of both its ends."""
    chain: tuple[int, int] | None = None
    """Of a link: the number of its chain, and its own in the chain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotations:
    """All that the cells of a file speak of."""

    found: tuple[Found, ...]
    """In the order in which they begin."""
    rows: Mapping[str, Range]
    """Offsets by the id of a row."""
    by_id: Mapping[str, Found]
    """Annotations of spans that bear an id."""

    def ends(self, relation: Found) -> tuple[Range | None, Range | None]:
        """Say where a relation comes from, and where it goes."""
        row, ids = split_id(relation.source)
        source, _, target = (ids or "0_0").partition("_")
        return self._place(row, source), self._place("", target) or (relation.start, relation.end)

    def target(self, reference: str) -> Range | None:
        """Say what a slot points to."""
        row, identifier = split_id(reference)
        return self._place(row, identifier)

    def _place(self, row: str, identifier: str | None) -> Range | None:
        found = self.by_id.get(identifier or "0")
        return (found.start, found.end) if found else self.rows.get(row)


def find_annotations(table: Table) -> Annotations:
    """Find what the cells of a file speak of."""
    known: dict[tuple[str, str], Found] = {}
    rows: dict[str, Range] = {}
    for row in (row for sentence in table.sentences for row in sentence.rows):
        rows[row.id] = (row.start, row.end)
        if all(cell == NOTHING for cell in row.cells):
            continue
        for layer in table.layers:
            cells = [row.cells[column.index] for column in layer.columns]
            if any(cell not in ("", NOTHING) for cell in cells):
                _READERS[layer.kind](layer, row, cells, known)
    return Annotations(
        found=tuple(known.values()),
        rows=rows,
        by_id={key: found for (_, key), found in known.items() if found.layer.kind == "SP"},
    )


_Known = dict[tuple[str, str], Found]


def _grow(known: _Known, layer: Layer, key: str, row: Row) -> Found:
    found = known.get((layer.name, key))
    if found is None:
        found = known[layer.name, key] = Found(layer=layer, start=row.start, end=row.end)
    else:
        found.end = max(found.end, row.end)
    return found


def _alone(row: Row, index: int) -> str:
    """Name an annotation that bears no id, and so stands in one row only."""
    return f"{row.line}/{index}"


def _read_spans(layer: Layer, row: Row, cells: Sequence[str], known: _Known) -> None:
    columns = [
        [] if column.role == "target" else stacked(cell)
        for column, cell in zip(layer.columns, cells, strict=True)
    ]
    keys = [
        next((identifier for _, identifier in stack if identifier), _alone(row, index))
        for index, stack in enumerate(zip_longest(*columns, fillvalue=(None, None)))
    ]
    for position, (column, values) in enumerate(zip(layer.columns, columns, strict=True)):
        targets = []
        if column.role == "slot" and position + 1 < len(cells):
            targets = split_unescaped(cells[position + 1], "|")
        for index, (value, identifier) in enumerate(values):
            found = _grow(known, layer, identifier or keys[index], row)
            if column.role == "slot":
                target = targets[index] if index < len(targets) else ""
                _link(found, column, value, target)
            elif column.name:
                _set(found, column.name, value)


def _link(found: Found, column: Column, roles: str | None, targets: str) -> None:
    """Read `seller;buyer` beside `2-1;2-3[4]`."""
    package, _, _ = column.name.partition(":")[2].partition(".")
    feature = package.rpartition("_")[0] or column.name
    if feature not in found.links and targets not in ("", "*", NOTHING):
        # A role that is not set is a star, which is None when it stands alone.
        names = split_unescaped(roles or "*", ";")
        places = split_unescaped(targets, ";")
        found.links[feature] = [
            ("" if name == "*" else unescape(name), place)
            for name, place in zip(names, places, strict=False)
        ]


def _read_chains(layer: Layer, row: Row, cells: Sequence[str], known: _Known) -> None:
    columns = {
        column.name: split_unescaped(cell, "|")
        for column, cell in zip(layer.columns, cells, strict=True)
        if cell not in ("", NOTHING)
    }
    for name, values in columns.items():
        for index, value in enumerate(values):
            link = next(
                (
                    match
                    for others in columns.values()
                    if index < len(others) and (match := _LINK.fullmatch(others[index]))
                ),
                None,
            )
            key = f"{link[2]}-{link[3]}" if link else _alone(row, index)
            found = _grow(known, layer, key, row)
            if link:
                found.chain = (int(link[2]), int(link[3]))
            own = _LINK.fullmatch(value)
            bare = own[1] if own else split_id(value)[0]
            _set(found, name, None if bare == "*" else bare)


def _read_relations(layer: Layer, row: Row, cells: Sequence[str], known: _Known) -> None:
    for column, cell in zip(layer.columns, cells, strict=True):
        if column.role == "base":
            for index, source in enumerate(split_unescaped(cell, "|")):
                _grow(known, layer, _alone(row, index), row).source = source
        elif column.name:
            for index, (value, _) in enumerate(stacked(cell)):
                _set(_grow(known, layer, _alone(row, index), row), column.name, value)


def _set(found: Found, feature: str, value: str | None) -> None:
    if found.features.get(feature) is None:
        found.features[feature] = None if value is None else unescape(value)


_READERS = {"SP": _read_spans, "CH": _read_chains, "RL": _read_relations}
