"""Texts into signatures, and signatures into groups of texts that are nearly the same.

MinHash (Broder 1997) over shingles of five words, lower-cased, without punctuation; candidates
come from locality-sensitive bands and are kept when the signatures agree in enough places. The
hashes are fixed, so the same texts always give the same groups.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gonerd.disjoint_sets import DisjointSets

SHINGLE_WORDS = 5
NUM_HASHES = 64
"""In 16 bands of 4: a pair of Jaccard similarity 0.8 shares a band all but once in 5,000 times."""
_BAND = 4
SIMILARITY = 0.7
"""Share of equal places in two signatures from which two texts count as near-duplicates."""

Signature = npt.NDArray[np.uint32]

_WORD = re.compile(r"\w+")
# Multiply-shift hashing (Dietzfelbinger et al. 1997): odd factors, the top 32 bits are the hash.
_RANDOM = np.random.default_rng(20_260_101)
_FACTORS = _RANDOM.integers(0, 1 << 64, size=NUM_HASHES, dtype=np.uint64) | np.uint64(1)
_SHIFTS = _RANDOM.integers(0, 1 << 64, size=NUM_HASHES, dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 4096


def signature(text: str) -> Signature:
    """Compute the signature of a text, shape (64,); a text without words counts as one word."""
    known: dict[str, int] = {}
    words = [
        known.get(word) or known.setdefault(word, zlib.crc32(word.encode("utf-8")))
        for word in _WORD.findall(text.lower())
    ] or [zlib.crc32(text.encode("utf-8"))]
    hashes = np.array(words, dtype=np.uint64)
    width = min(SHINGLE_WORDS, len(hashes))
    shingles = np.zeros(len(hashes) - width + 1, dtype=np.uint64)
    for offset in range(width):
        shingles = shingles * _MIX + hashes[offset : offset + len(shingles)]
    shingles = np.unique((shingles * _MIX) >> np.uint64(32))
    lowest = np.full(NUM_HASHES, np.iinfo(np.uint64).max, dtype=np.uint64)
    for first in range(0, len(shingles), _BLOCK):  # blocks that stay in the processor's cache
        block = shingles[first : first + _BLOCK, None]
        lowest = np.minimum(lowest, (block * _FACTORS + _SHIFTS).min(axis=0))
    return (lowest >> np.uint64(32)).astype(np.uint32)


def groups(signatures: Sequence[Signature]) -> list[list[int]]:
    """Find the groups of two or more near-duplicates, as sorted indices, in order."""
    if not signatures:
        return []
    table = np.stack(signatures)
    sets = DisjointSets(len(table))
    for band in range(0, NUM_HASHES, _BAND):
        buckets: dict[bytes, list[int]] = {}
        for index, row in enumerate(table[:, band : band + _BAND]):
            buckets.setdefault(row.tobytes(), []).append(index)
        for bucket in buckets.values():
            for place, index in enumerate(bucket[1:], start=1):
                apart = [other for other in bucket[:place] if sets.find(other) != sets.find(index)]
                sets.join([index, *_near(table, index, apart)])
    return [members for members in sets.groups() if len(members) > 1]


def _near(table: npt.NDArray[np.uint32], index: int, others: list[int]) -> list[int]:
    """List those of some texts whose signatures agree with one in enough places."""
    if not others:
        return []
    shares = (table[others] == table[index]).mean(axis=1)
    return [others[place] for place in np.flatnonzero(shares >= SIMILARITY)]
