"""Tags or spans of a document into arrays of entities, in time that grows with the length.

Tags are read by the rule of the CoNLL evaluation: an entity ends where the type changes, before a B
or S, and after an E or S. A scheme says which tags it would have written for these entities; any
other is a TagError that names them, unless they are repaired as that evaluation does, by reading
them all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gonerd.errors import ConfigError, TagError
from gonerd.records import Range, Span

Ints = NDArray[np.int64]

SCHEMES = ("IOB2", "IOB1", "IOE1", "IOE2", "BIOES", "IO")
REPAIRS = ("conlleval",)

_INSIDE, _BEGIN, _END, _SINGLE = range(1, 5)
_PREFIXES = {
    "I": _INSIDE, "M": _INSIDE, "B": _BEGIN, "E": _END, "L": _END,
    "S": _SINGLE, "U": _SINGLE, "W": _SINGLE,
}  # fmt: skip
_NAMED = 10
"""Faults of a document that are named one by one."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Entities:
    """The entities of one document, in reading order, each once."""

    starts: Ints
    ends: Ints
    labels: Ints
    """As numbers of `Labels`."""
    parts: Ints
    """As numbers of `Labels`: which parts a discontinuous entity has; 0 for one piece."""

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(kw_only=True)
class Labels:
    """Labels, numbered as they are met."""

    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    """A tag as 8 times the number of its label from 1, and its prefix; O as 0."""
    parts: dict[tuple[Range, ...], int] = field(default_factory=dict)
    """The parts of discontinuous entities, numbered from 1."""

    def number(self, name: str) -> int:
        """Give the number of a label, new or not."""
        if name not in self.numbers:
            self.numbers[name] = len(self.names)
            self.names.append(name)
        return self.numbers[name]


def from_spans(spans: Iterable[Span], labels: Labels) -> Entities:
    """Make entities of spans; the same one given twice counts once."""
    keys = set()
    for one in spans:
        pieces = one.fragments if len(one.fragments) > 1 else ()
        parts = labels.parts.setdefault(pieces, len(labels.parts) + 1) if pieces else 0
        keys.add((one.start, one.end, labels.number(one.label), parts))
    table = np.array(sorted(keys), dtype=np.int64).reshape(-1, 4)
    return Entities(starts=table[:, 0], ends=table[:, 1], labels=table[:, 2], parts=table[:, 3])


def from_tags(
    tags: Sequence[str],
    labels: Labels,
    *,
    scheme: str = "IOB2",
    repair: str | None = None,
    where: str = "tags",
) -> Entities:
    """Make entities, in tokens, of the tags of one document.

    Tags that `scheme` would not have written are a TagError, unless `repair` is `conlleval`.
    """
    check_reading(scheme, repair)
    codes = _codes(tags, labels, where)
    at = np.flatnonzero(codes)  # most tokens are outside, and need no more looking at
    prefix, label = codes[at] & 7, (codes[at] >> 3) - 1
    alone = np.diff(at, prepend=-2, append=len(codes) + 1) > 1
    alone[1:-1] |= label[1:] != label[:-1]
    ending = np.concatenate(([False], (prefix == _END) | (prefix == _SINGLE)))
    opening = np.concatenate(((prefix == _BEGIN) | (prefix == _SINGLE), [False]))
    border = alone | ending | opening
    opens, closes = border[:-1], border[1:]
    if repair is None:
        wrong = at[prefix != _expected(scheme, opens, closes, alone)]
        if len(wrong):
            raise TagError(_illegal(tags, wrong.tolist(), scheme, where))
    starts = at[opens]
    return Entities(
        starts=starts,
        ends=at[closes] + 1,
        labels=label[opens],
        parts=np.zeros_like(starts),
    )


def _expected(
    scheme: str, opens: NDArray[np.bool_], closes: NDArray[np.bool_], alone: NDArray[np.bool_]
) -> Ints:
    """Say which prefixes a scheme writes; `alone` is where no entity of the same label touches."""
    expected = np.full(len(opens), _INSIDE)
    if scheme == "IOB2":
        expected[opens] = _BEGIN
    elif scheme == "IOB1":
        expected[opens & ~alone[:-1]] = _BEGIN
    elif scheme == "IOE2":
        expected[closes] = _END
    elif scheme == "IOE1":
        expected[closes & ~alone[1:]] = _END
    elif scheme == "BIOES":
        expected[opens] = _BEGIN
        expected[closes] = _END
        expected[opens & closes] = _SINGLE
    return expected


def found_in(one: Entities, other: Entities) -> NDArray[np.bool_]:
    """Say which entities of one side are on the other, with the same borders, label and parts."""
    sides = (one, other)
    sizes = [side.ends - side.starts for side in sides]
    longest, labels, parts = (
        max(int(values.max(initial=0)) for values in both) + 1
        for both in (sizes, [side.labels for side in sides], [side.parts for side in sides])
    )
    here, there = (
        ((side.starts * longest + size) * labels + side.labels) * parts + side.parts
        for side, size in zip(sides, sizes, strict=True)
    )
    return np.isin(here, there, assume_unique=True)


def only(entities: Entities, which: NDArray[np.bool_]) -> Entities:
    """Keep some of the entities."""
    return Entities(
        starts=entities.starts[which],
        ends=entities.ends[which],
        labels=entities.labels[which],
        parts=entities.parts[which],
    )


def check_reading(scheme: str, repair: str | None) -> None:
    """Refuse a scheme or a repair that there is not."""
    if scheme not in SCHEMES:
        raise ConfigError(f"--scheme {scheme!r}: not known; expected one of {', '.join(SCHEMES)}.")
    if repair not in (None, *REPAIRS):
        raise ConfigError(f"--repair {repair!r}: not known; expected {', '.join(REPAIRS)}.")


def _codes(tags: Sequence[str], labels: Labels, where: str) -> Ints:
    """Number tags; what is none is a TagError."""
    for tag in set(tags) - labels.tags.keys():
        labels.tags[tag] = _code(tag, labels, where, tags)
    return np.fromiter(map(labels.tags.__getitem__, tags), dtype=np.int64, count=len(tags))


def _code(tag: str, labels: Labels, where: str, tags: Sequence[str]) -> int:
    if tag == "O":
        return 0
    prefix, separator, name = tag.partition("-") if isinstance(tag, str) else ("", "", "")
    if prefix not in _PREFIXES or not separator or not name:
        raise TagError(
            f"{where}, token {tags.index(tag)}: {tag!r} is no tag; expected O, or B-, I-, E- or S- "
            "and a label."
        )
    return 8 * (labels.number(name) + 1) + _PREFIXES[prefix]


def _illegal(tags: Sequence[str], wrong: list[int], scheme: str, where: str) -> str:
    lines = [
        f"  token {at}: {tags[at]!r} after {tags[at - 1] if at else 'the beginning'!r}"
        for at in wrong[:_NAMED]
    ]
    if len(wrong) > _NAMED:
        lines.append(f"  and {len(wrong) - _NAMED:,} more")
    return (
        f"{where}: {len(wrong):,} tags that {scheme} does not allow; expected legal tags.\n"
        + "\n".join(lines)
        + "\nName the scheme with --scheme, or read them as the CoNLL evaluation does: "
        "--repair conlleval"
    )
