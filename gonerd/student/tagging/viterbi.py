"""How probable each tag of each piece is into the best legal tags, and spans with their confidence.

The tags are in the order of `bio.tag_names`: O, then B and I of each label. An I may follow only B
or I of its own label, and all else is free: no weights are learnt for it, so this stands outside of
the model (Viterbi 1967; as a plain constraint it is worth as much as a learnt CRF over an encoder).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def best_tags(scores: NDArray[np.floating]) -> Ints:
    """Choose the legal sequence of tags with the highest sum of (piece, tag) scores.

    Scores are logarithms of probabilities, or anything that may be added up. One that is no finite
    number is a ValueError.
    """
    length, num_tags = scores.shape
    num_labels = (num_tags - 1) // 2
    if num_tags != 1 + 2 * num_labels:
        raise ValueError(f"{num_tags} tags; expected O, and B and I of each label: an odd number.")
    if not np.isfinite(scores).all():
        raise ValueError("a score is no finite number; expected logarithms of probabilities.")
    came_from = np.zeros((length, num_tags), dtype=np.int64)
    best = np.full(num_tags, -np.inf)
    for index, row in enumerate(scores.astype(np.float64)):
        if not index:
            best = row.copy()
            best[2::2] = -np.inf  # nothing begins within an entity
            continue
        anything = int(best.argmax())
        came_from[index] = anything
        inside = np.where(
            best[1::2] >= best[2::2], np.arange(1, num_tags, 2), np.arange(2, num_tags, 2)
        )
        came_from[index, 2::2] = inside
        best = row + best[came_from[index]]
    tags = np.zeros(length, dtype=np.int64)
    if length:
        tags[-1] = best.argmax()
        for index in range(length - 1, 0, -1):
            tags[index - 1] = came_from[index, tags[index]]
    return tags


def spans_in(tags: Ints, probabilities: NDArray[np.floating]) -> list[tuple[int, int, int, float]]:
    """Read (first, end, label, confidence) off legal tags.

    The confidence is the probability that it begins, goes on and ends just so, pieces taken to be
    independent.
    """
    found = []
    for first in np.flatnonzero(tags % 2).tolist():
        inside = int(tags[first]) + 1
        end = first + 1
        while end < len(tags) and tags[end] == inside:
            end += 1
        sure = float(probabilities[first, inside - 1])
        sure *= float(probabilities[first + 1 : end, inside].prod())
        if end < len(tags):
            sure *= 1.0 - float(probabilities[end, inside])
        found.append((first, end, (inside - 2) // 2, min(max(sure, 0.0), 1.0)))
    return found
