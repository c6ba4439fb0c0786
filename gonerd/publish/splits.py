"""Ids, sources and near-duplicates into splits that leak nothing and never move.

What belongs together (one source, near-duplicates) goes to one split, chosen by a hash, so that it
does not depend on what else there is. A document keeps the split it was once published in; one that
would tie two splits together is left out, and named.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gonerd.disjoint_sets import DisjointSets
from gonerd.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishConfig:
    """The table [publish] of a builder."""

    shares: dict[str, float] = field(
        default_factory=lambda: {"train": 0.8, "validation": 0.1, "test": 0.1}
    )
    """Split -> the share of documents (not of tokens) that it should come to."""
    fixed_splits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Split -> ids of documents that belong there whatever the hash says."""
    group: Literal["source", "document"] = "source"
    """Whether all documents of one source stay together, or each stands for itself."""

    def __post_init__(self) -> None:
        if (
            not self.shares
            or min(self.shares.values()) < 0
            or not abs(sum(self.shares.values()) - 1) <= 1e-9  # not a number fails as well
        ):
            raise ValueError(f"shares={self.shares}; expected shares that add up to 1.")
        for name in self.shares:
            if not re.fullmatch(r"\w+(\.\w+)*", name):
                raise ValueError(
                    f"shares names {name!r}; expected a split of letters, digits and '_', "
                    "as datasets takes it."
                )
        fixed = Counter(name for names in self.fixed_splits.values() for name in names)
        if twice := [name for name, count in fixed.items() if count > 1]:
            raise ValueError(f"fixed_splits names {twice[0]!r} twice; expected one split for each.")
        if unknown := sorted(set(self.fixed_splits) - set(self.shares)):
            raise ValueError(
                f"fixed_splits names {unknown[0]!r}; expected one of {', '.join(self.shares)}."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A document that wants a split."""

    id: str
    source: str


def assign_splits(
    candidates: Sequence[Candidate],
    near_duplicates: Sequence[Sequence[int]],
    *,
    config: PublishConfig,
    published: Mapping[str, str],
) -> dict[str, str | None]:
    """Give each document its split, or None where any would leak; `published` holds earlier ones.

    `near_duplicates` are groups of indices of candidates. A fixed split that
    companions of the document contradict is a ConfigError; so is an earlier split without a share.
    """
    if gone := sorted(set(published.values()) - set(config.shares)):
        raise ConfigError(
            f"publish.shares: no share for {gone[0]!r}, in which documents were published before; "
            f"expected one for each of {', '.join(sorted(set(published.values())))}.\n"
            "Give it a share, or remove splits.parquet from the work folder to assign all anew."
        )
    fixed = {name: split for split, names in config.fixed_splits.items() for name in names}
    assigned: dict[str, str | None] = {}
    for members in _components(candidates, near_duplicates, config):
        names = [candidates[index].id for index in members]
        known = {name: _known_split(name, fixed, published) for name in names}
        splits = {split for split in known.values() if split is not None}
        if len(splits) > 1 and any(name in fixed for name in names):
            held = ", ".join(f"{name!r} ({split})" for name, split in known.items() if split)
            raise ConfigError(
                f"publish.fixed_splits: {held} share a source or nearly all their text; "
                "expected them in one split."
            )
        if len(splits) == 1:
            assigned.update(dict.fromkeys(names, splits.pop()))
        elif splits:
            assigned.update(known)
        else:
            keys = (_key(candidates[index], config) for index in members)
            assigned.update(dict.fromkeys(names, _by_hash(min(keys), config.shares)))
    return assigned


def _known_split(name: str, fixed: Mapping[str, str], published: Mapping[str, str]) -> str | None:
    return fixed.get(name) or published.get(name)


def _components(
    candidates: Sequence[Candidate],
    near_duplicates: Sequence[Sequence[int]],
    config: PublishConfig,
) -> list[list[int]]:
    """Join documents that share a source, or are near-duplicates, directly or through others."""
    sets = DisjointSets(len(candidates))
    for group in near_duplicates:
        sets.join(group)
    if config.group == "source":
        by_source: dict[str, list[int]] = {}
        for index, candidate in enumerate(candidates):
            by_source.setdefault(candidate.source, []).append(index)
        for group in by_source.values():
            sets.join(group)
    return sets.groups()


def _key(candidate: Candidate, config: PublishConfig) -> str:
    name = candidate.source if config.group == "source" else candidate.id
    return hashlib.sha256(name.encode("utf-8")).hexdigest()


def _by_hash(key: str, shares: Mapping[str, float]) -> str:
    point = int(key[:13], 16) / 16**13
    reach = 0.0
    for split, share in shares.items():
        reach += share
        if point < reach:
            return split
    return next(reversed(list(shares)))
