"""Spans over tokens to BIO tags (IOB2) and back, with the legal transitions as data.

The scheme: `B-X` opens an entity of type X, `I-X` continues it, `O` is outside. `I-X` may follow
only `B-X` or `I-X` (Tjong Kim Sang and Veenstra 1999 call this IOB2). Nothing is repaired here: an
illegal sequence is named, every fault of it, and the caller decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gonerd.errors import SpanError, TagError

OUTSIDE = "O"

LEGAL_WITHIN_TYPE = frozenset({("B", "B"), ("B", "I"), ("I", "B"), ("I", "I")})
"""What may follow what when both tags carry the same type."""
LEGAL_ACROSS_TYPES = frozenset(
    {("O", "O"), ("O", "B"), ("B", "O"), ("I", "O"), ("B", "B"), ("I", "B")}
)
"""What may follow what when the type changes; the start of a text counts as `O`."""

TokenSpan = tuple[int, int, str]
"""Tokens [start, end) and the label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TagFault:
    """One place where a sequence of tags breaks the scheme."""

    index: int
    tag: str
    previous: str
    """The tag before it; `O` before the first."""
    why: str


def tag_names(labels: Iterable[str]) -> list[str]:
    """List the tags of some labels in the order of their ids: O, then B and I of each.

    >>> tag_names(["PER", "LOC"])
    ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC']
    """
    return [OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


def encode(spans: Iterable[TokenSpan], num_tokens: int) -> list[str]:
    """Write flat token spans as tags; spans that overlap or leave the text are a SpanError."""
    tags = [OUTSIDE] * num_tokens
    reach = 0
    for start, end, label in sorted(spans):
        if not reach <= start < end <= num_tokens:
            raise SpanError(
                f"tokens [{start}:{end}] {label!r}: overlaps the span before it or leaves the "
                f"text of {num_tokens} tokens; expected flat spans inside the text."
            )
        tags[start] = f"B-{label}"
        tags[start + 1 : end] = [f"I-{label}"] * (end - start - 1)
        reach = end
    return tags


def faults(tags: Sequence[str]) -> list[TagFault]:
    """Name every tag that is malformed or may not follow the one before it."""
    found = []
    previous, previous_prefix, previous_label = OUTSIDE, OUTSIDE, ""
    for index, tag in enumerate(tags):
        prefix, _, label = tag.partition("-")
        why = ""
        if tag != OUTSIDE and (prefix not in ("B", "I") or not label):
            why = "not a BIO tag; expected O, B-LABEL or I-LABEL"
            prefix, label = OUTSIDE, ""
        else:
            same_type = prefix != OUTSIDE and label == previous_label
            legal = LEGAL_WITHIN_TYPE if same_type else LEGAL_ACROSS_TYPES
            if (previous_prefix, prefix) not in legal:
                why = f"may not follow {previous}; expected B-{label} or I-{label} before it"
        if why:
            found.append(TagFault(index=index, tag=tag, previous=previous, why=why))
        previous, previous_prefix, previous_label = tag, prefix, label
    return found


def decode(tags: Sequence[str]) -> list[TokenSpan]:
    """Read flat token spans from legal tags; an illegal tag is a TagError that names the first."""
    if wrong := faults(tags):
        first = wrong[0]
        raise TagError(
            f"token {first.index}: tag {first.tag!r} {first.why}. {len(wrong)} illegal in all."
        )
    spans = []
    start = 0
    for index, tag in enumerate(tags):
        if tag[0] == "B":
            start = index
        ends_here = index + 1 == len(tags) or tags[index + 1][0] != "I"
        if tag != OUTSIDE and ends_here:
            spans.append((start, index + 1, tag[2:]))
    return spans
