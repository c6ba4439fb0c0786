"""The lines of a brat file into what each of them says."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gonerd.formats.layers import Mention
from gonerd.formats.members import Member, text_of
from gonerd.records import MOST_SUPPORT, Range

_SPAN_LINE = re.compile(
    r"(T\S*)\t([^\t]*?\S)[ \t](\d{1,15} \d{1,15}(?:;\d{1,15} \d{1,15})*) ?(?:\t(.*))?", re.DOTALL
)
_OTHER_LINE = re.compile(r"([REAMN#*]\S*)\t(.*)")
_OURS = re.compile(r"gonerd (\S+)\t(\{.*\})")
"""A note of ours: about the document, its labels, or one span."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What the lines of one document say."""

    mentions: Mapping[str, Mention]
    """By id."""
    others: tuple[tuple[str, str], ...]
    """Id and the rest of the line."""
    losses: tuple[tuple[str, str], ...]
    """What and why."""
    stamp: str | None
    """Our note about the document."""
    labels: Mapping[str, str]
    """The labels that brat could not take, by what stands for them."""
    remarks: Mapping[str, Mapping[str, Any]]
    """What a note of ours says about a span, by its id."""


def lines_of(member: Member) -> list[str]:
    """Read the lines of a file; of all that may end one elsewhere, only a line feed does."""
    return [line.removesuffix("\r") for line in text_of(member).split("\n")]


def parse_lines(lines: Iterable[str]) -> Content:
    """Read the lines of one document; a broken one is a loss."""
    mentions: dict[str, Mention] = {}
    others: list[tuple[str, str]] = []
    losses: list[tuple[str, str]] = []
    remarks: dict[str, Mapping[str, Any]] = {}
    labels: dict[str, str] = {}
    stamp: str | None = None
    for line in lines:
        if not line.strip():
            continue
        if line.startswith("T"):
            mention = _mention(line)
            if isinstance(mention, str):
                losses.append(("span refused", mention))
            else:
                identifier = line.partition("\t")[0]
                # Both spans stay where an id was given twice.
                unique = f"{identifier}'{len(mentions)}" if identifier in mentions else identifier
                mentions[unique] = mention
        elif match := _OTHER_LINE.fullmatch(line):
            ours = _OURS.fullmatch(match[2])
            if not ours:
                others.append((match[1], match[2]))
            elif ours[1] == "document":
                stamp = ours[2]
            elif ours[1] == "labels":
                labels = _labels(ours[2])
            else:
                remarks[ours[1]] = _remark(ours[2])
        else:
            losses.append(("line refused", "brat has no lines of this kind"))
    return Content(
        mentions=mentions,
        others=tuple(others),
        losses=tuple(losses),
        stamp=stamp,
        labels=labels,
        remarks=remarks,
    )


def _mention(line: str) -> Mention | str:
    """Read a `T` line, or say why not."""
    match = _SPAN_LINE.fullmatch(line)
    if not match:
        return "its line is not of the form `T1<TAB>Label 0 5<TAB>text`"
    parts = [_range(part) for part in match[3].split(";")]
    if any(start >= end for start, end in parts):
        return "it is empty or ends before it starts"
    surface = match[4]
    cut = None if surface is None else _cut(surface, parts)
    if cut is not None:
        surface = " ".join(piece for _, piece in sorted(zip(parts, cut, strict=True)))
    parts.sort()
    if any(right[0] < left[1] for left, right in pairwise(parts)):
        return "its fragments overlap"
    return Mention(
        start=parts[0][0],
        end=parts[-1][1],
        label=match[2],
        surface=surface,
        fragments=tuple(parts) if len(parts) > 1 else (),
    )


def _range(part: str) -> Range:
    start, end = part.split(" ")
    return int(start), int(end)


def _cut(surface: str, parts: Sequence[Range]) -> list[str] | None:
    """Cut the text column into the fragments it is joined of.

    They stand in the order of the offsets, which need not be that of the text. What stands after
    them is left off where it is blank: some write one blank too many. None where the lengths do not
    agree.
    """
    pieces = []
    position = 0
    for start, end in parts:
        if position and surface[position - 1 : position] != " ":
            return None
        pieces.append(surface[position : position + end - start])
        position += end - start + 1
    return pieces if position - 1 <= len(surface) and not surface[position - 1 :].strip() else None


def _labels(content: str) -> dict[str, str]:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return {key: label for key, label in row.items() if isinstance(label, str) and label}


def _remark(content: str) -> dict[str, Any]:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    confidence, support = row.get("confidence"), row.get("support")
    is_share = type(confidence) in (int, float) and 0 <= confidence <= 1
    is_count = type(support) is int and 0 <= support <= MOST_SUPPORT
    return {
        "confidence": confidence if is_share else None,
        "support": support if is_count else None,
    }
