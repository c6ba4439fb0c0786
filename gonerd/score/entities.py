"""Tags or spans of a document into arrays of entities, in time that grows with the length.

Tags are read by the rule of the CoNLL evaluation: an entity ends where the type changes, before a B
or S, and after an E or S. A scheme says which tags it would have written for these entities; any
other is a TagError that names them, unless they are repaired as that evaluation does, by reading
them all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gonerd.errors import ConfigError, TagError
from gonerd.records import Range, Span

Ints = NDArray[np.int64]

SCHEMES = ("IOB2", "IOB1", "IOE1", "IOE2", "BIOES", "IO")
REPAIRS = ("conlleval",)

_OUTSIDE, _INSIDE, _BEGIN, _END, _SINGLE = range(5)
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
    """A tag as 5 times the number of its label, and its prefix; O as 0."""
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
    prefix = codes % 5
    label = np.where(codes > 0, codes // 5, -1)
    before = np.concatenate(([-1], label[:-1])), np.concatenate(([_OUTSIDE], prefix[:-1]))
    border = (
        (label != before[0])
        | (before[1] == _END)
        | (before[1] == _SINGLE)
        | (prefix == _BEGIN)
        | (prefix == _SINGLE)
    )
    opens = border & (label >= 0)
    closes = np.concatenate((border[1:], [True]))[: len(label)] & (label >= 0)
    if repair is None:
        _check(tags, prefix, label, opens, closes, scheme, where)
    starts = np.flatnonzero(opens)
    return Entities(
        starts=starts,
        ends=np.flatnonzero(closes) + 1,
        labels=label[starts],
        parts=np.zeros_like(starts),
    )


def check_reading(scheme: str, repair: str | None) -> None:
    """Refuse a scheme or a repair that there is not."""
    if scheme not in SCHEMES:
        raise ConfigError(f"--scheme {scheme!r}: not known; expected one of {', '.join(SCHEMES)}.")
    if repair not in (None, *REPAIRS):
        raise ConfigError(f"--repair {repair!r}: not known; expected {', '.join(REPAIRS)}.")


def _codes(tags: Sequence[str], labels: Labels, where: str) -> Ints:
    """Number tags; what is none is a TagError."""
    known: Mapping[str, int] = labels.tags
    try:
        return np.fromiter(map(known.__getitem__, tags), dtype=np.int64, count=len(tags))
    except KeyError:
        for tag in set(tags) - set(known):
            labels.tags[tag] = _code(tag, labels, where, tags)
    return np.fromiter(map(known.__getitem__, tags), dtype=np.int64, count=len(tags))


def _code(tag: str, labels: Labels, where: str, tags: Sequence[str]) -> int:
    if tag == "O":
        return 0
    prefix, separator, name = tag.partition("-") if isinstance(tag, str) else ("", "", "")
    if prefix not in _PREFIXES or not separator or not name:
        raise TagError(
            f"{where}, token {tags.index(tag)}: {tag!r} is no tag; expected O, or B-, I-, E- or S- "
            "and a label."
        )
    return 5 * labels.number(name) + _PREFIXES[prefix]


def _check(
    tags: Sequence[str],
    prefix: Ints,
    label: Ints,
    opens: NDArray[np.bool_],
    closes: NDArray[np.bool_],
    scheme: str,
    where: str,
) -> None:
    """Refuse tags that the scheme would not have written for these entities."""
    inside = label >= 0
    after = np.concatenate((label[1:], [-1]))[: len(label)]
    before = np.concatenate(([-1], label[:-1]))[: len(label)]
    expected = np.where(inside, _INSIDE, _OUTSIDE)
    if scheme == "IOB2":
        expected[opens] = _BEGIN
    elif scheme == "IOB1":
        expected[opens & (before == label)] = _BEGIN
    elif scheme == "IOE2":
        expected[closes] = _END
    elif scheme == "IOE1":
        expected[closes & (after == label)] = _END
    elif scheme == "BIOES":
        expected[opens] = _BEGIN
        expected[closes] = _END
        expected[opens & closes] = _SINGLE
    wrong = np.flatnonzero(prefix != expected)
    if not len(wrong):
        return
    lines = [
        f"  token {at}: {tags[at]!r} after {tags[at - 1] if at else 'the beginning'!r}"
        for at in wrong[:_NAMED].tolist()
    ]
    if len(wrong) > _NAMED:
        lines.append(f"  and {len(wrong) - _NAMED:,} more")
    raise TagError(
        f"{where}: {len(wrong):,} tags that {scheme} does not allow; expected legal tags.\n"
        + "\n".join(lines)
        + "\nName the scheme with --scheme, or read them as the CoNLL evaluation does: "
        "--repair conlleval"
    )
