"""Tags of any scheme into spans over tokens, with the scheme found out and every fault named.

The schemes differ in which tokens of an entity are marked: its first (IOB2), its last (IOE2), both
(BIOES, also called BILOU and BMEWO), or only those that touch another entity of the same type
(IOB1, IOE1; Ramshaw and Marcus 1995, Tjong Kim Sang and Veenstra 1999). All are read by one rule,
that of the CoNLL evaluation: an entity ends where the type changes, before a B or S, and after an
E or S. So the scheme never decides which spans there are, only which tags were out of place: those
that differ from what the scheme itself would write for these spans.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from gonerd.bio import OUTSIDE, TokenSpan
from gonerd.errors import ConfigError, TagError
from gonerd.records import Loss, Range
from gonerd.spans import merge_ranges

SCHEMES = ("IOB1", "IOB2", "IOE1", "IOE2", "BIOES", "IO")
"""IO: every token of an entity bears the same tag, `I-PER` or just `PER`."""

UNTYPED = "ENTITY"
"""The label of tags that are nothing but a prefix."""

UNREAD = frozenset({"", "-", "_", "?"})
"""Tags that say nothing is known about the token, blanks around them or not."""

_PREFERRED = ("IOB2", "IOB1", "BIOES", "IOE2", "IOE1")
"""The commonest first; IO marks nothing that IOB1 does not."""
_PREFIXES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
_UNREAD = "-"
_MALFORMED = "?"

_Place = tuple[str, str, str]
"""A tag between its neighbours."""
_Parsed = tuple[str, str]
"""Prefix (B, I, E, S; "" outside, `-` unread, `?` malformed) and label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One tag that its scheme would not have written there."""

    index: int
    tag: str
    why: str
    refused: bool
    """Whether nothing could be made of it; otherwise it was read as if its prefix were right."""


def find_scheme(
    sequences: Iterable[Sequence[str]], where: str, *, given: str | None = None
) -> tuple[str, tuple[str, ...]]:
    """Find out which scheme the tags of a file follow, as (scheme, what the user should know).

    It is the given one, else one under which every tag is legal, else the one with the fewest
    faults, which is then said. Tags that follow none are a TagError, and where some have a prefix
    and more have not, a ConfigError asks for `--scheme`.
    """
    if given is not None and given not in SCHEMES:
        raise ConfigError(
            f"{where}: scheme {given!r} is not known; expected one of {', '.join(SCHEMES)}."
        )
    places: Counter[_Place] = Counter()
    for tags in sequences:
        if tags:
            places.update(zip((OUTSIDE, *tags[:-1]), tags, (*tags[1:], OUTSIDE), strict=True))
    counts: Counter[str] = Counter()
    for (_, tag, _), number in places.items():
        counts[tag] += number
    prefixed = sum(counts[tag] for tag in counts if _is_prefixed(tag))
    bare = {tag: number for tag, number in counts.items() if _is_bare(tag)}
    if given is None and sum(bare.values()) > prefixed:
        _check_bare(bare, prefixed, counts, where)
        return "IO", ("tags have no prefix: a run of one label is one entity",)
    return _fewest_faults(places, prefixed, bare, where, given)


def spans_of(tags: Sequence[str], scheme: str) -> tuple[list[TokenSpan], list[Fault]]:
    """Read the spans of one sequence, and name the tags that were repaired or refused."""
    outside: _Parsed = ("", "")
    padded = [outside, *(_parse(tag, scheme) for tag in tags), outside]
    spans: list[TokenSpan] = []
    faults: list[Fault] = []
    start = 0
    for index, here in enumerate(padded[1:-1]):
        before, after = padded[index], padded[index + 2]
        prefix, label = here
        if why := _fault(before, here, after, scheme):
            refused = prefix == _MALFORMED
            faults.append(Fault(index=index, tag=tags[index], why=why, refused=refused))
        if not label:
            continue
        if _border(before, here):
            start = index
        if _border(here, after):
            spans.append((start, index + 1, label))
    return spans, faults


def unknown_of(tags: Sequence[str], scheme: str) -> tuple[Range, ...]:
    """List the ranges of tokens of which nothing is known: unread, or with a refused tag."""
    unknown = (_UNREAD, _MALFORMED)
    return merge_ranges(
        (index, index + 1)
        for index, tag in enumerate(tags)
        if tag != OUTSIDE and _parse(tag, scheme)[0] in unknown
    )


def losses_of(faults: Iterable[Fault], document_id: str) -> tuple[Loss, ...]:
    """Write faults as lines of the ledger."""
    return tuple(
        Loss(
            document_id=document_id,
            what="tag refused" if fault.refused else "tag repaired",
            why=fault.why,
        )
        for fault in faults
    )


def labels_in(tags: Iterable[str]) -> set[str]:
    """List the labels of tags that have a prefix."""
    return {_split(tag)[1] for tag in tags} - {""}


def looks_like_tags(tags: Iterable[str]) -> bool:
    """Say whether every one of these is `O`, unread, or a prefix with a label, and not all unread.

    A column of labels without prefix does not look like tags; only its reader may know.
    """
    seen = {tag for tag in tags if not _is_unread(tag)}
    return bool(seen) and all(_is_prefixed(tag) or _is_outside(tag) for tag in seen)


def _check_bare(
    bare: Mapping[str, int], prefixed: int, counts: Mapping[str, int], where: str
) -> None:
    """Refuse to take a column for labels that may as well be something else."""
    example = min(bare)
    if prefixed:
        other = min(tag for tag in counts if _is_prefixed(tag))
        raise ConfigError(
            f"{where}: tags such as {example!r} have no prefix and others such as {other!r} have; "
            "expected all or none.\n"
            "Give --scheme IO where the whole tag is the label, or another scheme to refuse those "
            "without a prefix."
        )
    outside = sum(number for tag, number in counts.items() if _is_outside(tag))
    if outside < max(bare.values()):
        raise TagError(
            f"{where}: {example!r} stands where a tag should be, and `O` is not the commonest; "
            "expected O, B-LABEL, I-LABEL and their kin.\n"
            "Give --layer where another column holds the tags, or --scheme IO where these are "
            "labels."
        )


def _fewest_faults(
    places: Mapping[_Place, int],
    prefixed: int,
    bare: Mapping[str, int],
    where: str,
    given: str | None,
) -> tuple[str, tuple[str, ...]]:
    tags = {tag for _, tag, _ in places}
    _check_given(given, tags, prefixed, bare, where)
    if not prefixed and not bare:
        return given or "IOB2", ()
    notes: list[str] = []
    if not any(_is_outside(tag) for tag in tags) and any(map(_is_unread, tags)):
        notes.append("no tag is O: tokens tagged `-`, `_` or `?` were read as unread")
    if given != "IO" and tags & set(_PREFIXES):
        notes.append(f"tags without a label are labelled {UNTYPED}")
    if given is not None:
        return given, (f"tags were read as {given}, as asked", *notes)
    numbers = {scheme: _count_faults(places, scheme) for scheme in _PREFERRED}
    best = min(_PREFERRED, key=lambda scheme: numbers[scheme])
    found = f"tags are {best}"
    if numbers[best]:
        found = f"tags fit no scheme; read as {best}, which the fewest break"
    elif not numbers["IOE1"] and best == "IOB1":
        found = "tags are IOB1, IOE1 or IO, which mark the same spans here"
    return best, (found, *notes)


def _check_given(
    given: str | None, tags: Set[str], prefixed: int, bare: Mapping[str, int], where: str
) -> None:
    """Refuse a scheme that none of the tags can be of."""
    wrong = bare
    advice = "Give --scheme IO where these are labels."
    if given == "IO":
        wrong = {} if bare else {tag: 1 for tag in tags if _split(tag)[0] not in ("", "I")}
        advice = "Leave --scheme out, and it is found out."
    if given and wrong and (given == "IO" or not prefixed):
        raise TagError(
            f"{where}: {min(wrong)!r} is not a tag of {given}; expected O and the tags of "
            f"{given}.\n{advice}"
        )


def _count_faults(places: Mapping[_Place, int], scheme: str) -> int:
    total = 0
    for (before, here, after), number in places.items():
        parsed = _parse(before, scheme), _parse(here, scheme), _parse(after, scheme)
        if _fault(*parsed, scheme):
            total += number
    return total


@functools.lru_cache(maxsize=1 << 16)
def _parse(tag: str, scheme: str) -> _Parsed:
    if _is_outside(tag):
        return "", ""
    if _is_unread(tag):
        return _UNREAD, ""
    prefix, label = _split(tag)
    if scheme == "IO":
        return ("I", label) if prefix == "I" and tag != "I" else ("I", tag)
    return (prefix, label) if label else (_MALFORMED, "")


def _split(tag: str) -> _Parsed:
    """Take a tag apart; the label is empty where there is no prefix, or nothing behind it."""
    if tag in _PREFIXES:
        return _PREFIXES[tag], UNTYPED
    prefix = _PREFIXES.get(tag[:1].upper(), "")
    if prefix and tag[1:2] in ("-", "_") and tag[2:].strip():
        return prefix, tag[2:]
    return "", ""


def _is_outside(tag: str) -> bool:
    return tag in (OUTSIDE, "o")


def _is_unread(tag: str) -> bool:
    return tag.strip() in UNREAD


def _is_prefixed(tag: str) -> bool:
    return bool(_split(tag)[1])


def _is_bare(tag: str) -> bool:
    return not (_is_outside(tag) or _is_unread(tag) or _is_prefixed(tag))


def _border(left: _Parsed, right: _Parsed) -> bool:
    """Say whether an entity that holds one of two neighbours never holds the other."""
    return left[1] != right[1] or left[0] in ("E", "S") or right[0] in ("B", "S")


def _fault(before: _Parsed, here: _Parsed, after: _Parsed, scheme: str) -> str:
    """Say what is wrong with a tag in its place; "" where it is what the scheme would write."""
    prefix, label = here
    if prefix == _MALFORMED:
        return f"it is no tag of {scheme}"
    if not label:
        return ""
    opens, closes = _border(before, here), _border(here, after)
    marked = {
        "IOB1": (opens and before[1] == label, False),
        "IOB2": (opens, False),
        "IOE1": (False, closes and after[1] == label),
        "IOE2": (False, closes),
        "BIOES": (opens, closes),
        "IO": (False, False),
    }[scheme]
    expected = {(True, True): "S", (True, False): "B", (False, True): "E", (False, False): "I"}
    return "" if prefix == expected[marked] else f"it is out of place in {scheme}"
