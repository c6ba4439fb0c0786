"""A file's columns into what they hold: the tokens, and the tags of entities or levels of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gonerd.errors import ConfigError
from gonerd.formats.conll.tags import labels_in, looks_like_tags, spans_of

_CHUNKS = frozenset(
    ("ADJP", "ADVP", "CONJP", "INTJ", "LST", "NP", "PP", "PRT", "SBAR", "UCP", "VP", "NC", "PC")
)
"""Phrases, which stand in a column of their own, tagged like entities."""

_SAYS_NOTHING = frozenset({"", "-", "_", "-X-", "O"})

Row = list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What a file's columns hold, counted from 0."""

    token: int
    tags: tuple[int, ...]
    gap: int | None = None
    notes: tuple[str, ...] = ()


def find_columns(
    sentences: Sequence[Sequence[Row]],
    width: int,
    names: tuple[str, ...],
    layer: str | None,
    where: str,
) -> Columns:
    """Find the columns of a file by their values, or those of entities by what the user names.

    Columns of tags that look neither like one layer nor like levels of it are a ConfigError.
    """
    rows = [row for sentence in sentences for row in sentence]
    if not rows:
        return Columns(token=0, tags=())
    values = [{row[column] for row in rows} for column in range(width)]
    like_tags = [column for column in range(width) if looks_like_tags(values[column])]
    token = 0
    if _is_index(sentences, width) or (width == 2 and like_tags == [0]):
        token = 1
    like_tags = [column for column in like_tags if column > token] or like_tags
    if layer:
        tags = _chosen(layer, names, width, where)
    else:
        tags = _tag_columns(like_tags, values, sentences, where) or (width - 1,)
    levels = "".join(f", {column + 1}" for column in tags)[2:]
    rest = [
        str(column + 1)
        for column in range(width)
        if column not in (token, *tags) and column >= token and not values[column] <= _SAYS_NOTHING
    ]
    return Columns(
        token=token,
        tags=tags,
        notes=(
            *((f"columns {levels} are levels of nested entities",) if len(tags) > 1 else ()),
            *((f"columns not kept: {', '.join(rest)}",) if rest else ()),
        ),
    )


def _is_index(sentences: Sequence[Sequence[Row]], width: int) -> bool:
    """Say whether the first column counts the tokens of each sentence."""
    return width > 2 and all(
        (not rows or rows[0][0] in ("0", "1")) and all(row[0].isdecimal() for row in rows)
        for rows in sentences
    )


def _chosen(layer: str, names: tuple[str, ...], width: int, where: str) -> tuple[int, ...]:
    """Find the columns that the user names, by name or by number from 1."""
    found = []
    for name in layer.split(","):
        if name in names[:width]:
            found.append(names.index(name))
        elif re.fullmatch("[0-9]{1,4}", name) and 1 <= int(name) <= width:
            found.append(int(name) - 1)
        else:
            known = f" or one of {', '.join(names)}" if names else ""
            raise ConfigError(
                f"{where}: no column {name!r}; expected a number from 1 to {width}{known}."
            )
    return tuple(found)


def _tag_columns(
    like_tags: Sequence[int],
    values: Sequence[set[str]],
    sentences: Sequence[Sequence[Row]],
    where: str,
) -> tuple[int, ...]:
    """Choose the columns of entities among those that look like tags."""
    chunks = [column for column in like_tags if set() < labels_in(values[column]) <= _CHUNKS]
    found = [column for column in like_tags if column not in chunks] or list(like_tags)
    if len(found) > 1 and not _are_levels(found, values, sentences):
        numbers = ", ".join(str(column + 1) for column in found)
        raise ConfigError(
            f"{where}: columns {numbers} all look like tags, and not like levels of nested "
            "entities; expected one column of tags.\nSay which to read with --layer NUMBER."
        )
    return tuple(found)


def _are_levels(
    columns: Sequence[int], values: Sequence[set[str]], sentences: Sequence[Sequence[Row]]
) -> bool:
    """Say whether columns add to each other: common labels, no span twice, none across another."""
    for column in columns:
        labels = labels_in(values[column])
        others = [labels_in(values[other]) for other in columns if other != column]
        if labels and any(others) and not labels & set().union(*others):
            return False
    for rows in sentences:
        spans = [
            span
            for column in columns
            for span in spans_of([row[column] for row in rows], "IOB2")[0]
        ]
        if len(set(spans)) < len(spans):
            return False
        around: list[int] = []
        for start, end, _ in sorted(spans, key=lambda span: (span[0], -span[1])):
            while around and around[-1] <= start:
                around.pop()
            if around and around[-1] < end:
                return False
            around.append(end)
    return True
