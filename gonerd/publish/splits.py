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
            if name == "all" or not re.fullmatch(r"\w+(\.\w+)*", name):
                raise ValueError(
                    f"shares names {name!r}; expected a split of letters, digits and '_', "
                    "other than 'all', as datasets takes it."
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

    `near_duplicates` are groups of indices of candidates. Of companions that were published in
    several splits, those that were not published yet are left out, since they alone may tie the
    others together; where there are none of these, the fewer are left out. So a caller who asks
    again about what is left comes to an end with nothing that leaks. Contradictions between the
    config and what was published are a ConfigError.
    """
    fixed = {name: split for split, names in config.fixed_splits.items() for name in names}
    _check_published(candidates, fixed, config, published)
    assigned: dict[str, str | None] = {}
    for members in _components(candidates, near_duplicates, config):
        names = [candidates[index].id for index in members]
        known = {name: fixed.get(name) or published.get(name) for name in names}
        splits = Counter(split for split in known.values() if split is not None)
        if len(splits) > 1 and any(name in fixed for name in names):
            held = ", ".join(f"{name!r} ({split})" for name, split in known.items() if split)
            raise ConfigError(
                f"publish.fixed_splits: {held} share a source or nearly all their text; "
                "expected them in one split."
            )
        if len(splits) == 1:
            assigned.update(dict.fromkeys(names, next(iter(splits))))
        elif splits and None in known.values():
            assigned.update(known)
        elif splits:
            order = list(config.shares)
            most = min(splits, key=lambda split: (-splits[split], order.index(split)))
            assigned.update(
                {name: split if split == most else None for name, split in known.items()}
            )
        else:
            keys = (_key(candidates[index], config) for index in members)
            assigned.update(dict.fromkeys(names, _by_hash(min(keys), config.shares)))
    return assigned


def _check_published(
    candidates: Sequence[Candidate],
    fixed: Mapping[str, str],
    config: PublishConfig,
    published: Mapping[str, str],
) -> None:
    """Refuse a config that contradicts what was published, or names documents there are not."""
    ids = {candidate.id for candidate in candidates}
    if gone := sorted({published[name] for name in ids & set(published)} - set(config.shares)):
        raise ConfigError(
            f"publish.shares: no share for {gone[0]!r}, in which documents were published before; "
            f"expected one for each of {', '.join(sorted(set(published.values())))}.\n{_ANEW}"
        )
    for name, split in fixed.items():
        if published.get(name, split) != split:
            raise ConfigError(
                f"publish.fixed_splits: {name!r} is to be in {split!r} and was published in "
                f"{published[name]!r}; expected a document to stay in its split.\n{_ANEW}"
            )


_ANEW = (
    "To assign every document anew, remove splits.parquet from the work folder, and the earlier "
    "release."
)


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
