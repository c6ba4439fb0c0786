"""Gold and predicted entities into the counts of SemEval'13 task 9: four ways to be nearly right.

Segura-Bedmar et al. 2013. `strict` wants border and type, `exact` the border, `partial` gives half
for a border that overlaps, `type` wants the type where anything overlaps. Predictions are taken in
reading order; each may use up one gold entity, the first that fits best by its scheme. Entities of
one side must not overlap, as the schemes say nothing about such.
"""

from dataclasses import dataclass

from gonerd.errors import SpanError
from gonerd.score.entities import Entities, found_in, only

NAMES = ("strict", "exact", "partial", "type")


@dataclass(frozen=True, kw_only=True, slots=True)
class Matches:
    """What became of the entities of both sides, by one scheme."""

    correct: int = 0
    incorrect: int = 0
    partial: int = 0
    missed: int = 0
    spurious: int = 0

    def __add__(self, other: "Matches") -> "Matches":
        return Matches(
            correct=self.correct + other.correct,
            incorrect=self.incorrect + other.incorrect,
            partial=self.partial + other.partial,
            missed=self.missed + other.missed,
            spurious=self.spurious + other.spurious,
        )

    @property
    def precision(self) -> float | None:
        """Credit for what was predicted; None where nothing was."""
        predicted = self.correct + self.incorrect + self.partial + self.spurious
        return (self.correct + 0.5 * self.partial) / predicted if predicted else None

    @property
    def recall(self) -> float | None:
        """Credit for what there is; None where there is nothing."""
        gold = self.correct + self.incorrect + self.partial + self.missed
        return (self.correct + 0.5 * self.partial) / gold if gold else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two; None where there is nothing on either side."""
        predicted = self.correct + self.incorrect + self.partial + self.spurious
        gold = self.correct + self.incorrect + self.partial + self.missed
        total = predicted + gold
        return (2 * self.correct + self.partial) / total if total else None


def matches(gold: Entities, predicted: Entities, where: str = "entities") -> dict[str, Matches]:
    """Count by every scheme, in time that grows with the number of entities."""
    check_flat(gold, f"{where}, gold")
    check_flat(predicted, f"{where}, predicted")
    right = found_in(gold, predicted)  # flat as they are, these overlap nothing else
    num_right = int(right.sum())
    gold, predicted = only(gold, ~right), only(predicted, ~found_in(predicted, gold))
    golds = list(zip(gold.starts.tolist(), gold.ends.tolist(), gold.labels.tolist(), strict=True))
    found = {name: [0, 0, 0, 0] for name in NAMES}  # correct, incorrect, partial, spurious
    used: dict[str, set[int]] = {name: set() for name in NAMES}
    first = 0
    for start, end, label in zip(
        predicted.starts.tolist(), predicted.ends.tolist(), predicted.labels.tolist(), strict=True
    ):
        while first < len(golds) and golds[first][1] <= start:
            first += 1
        near = first
        overlapping = []
        while near < len(golds) and golds[near][0] < end:
            overlapping.append(near)
            near += 1
        for name in NAMES:
            free = [one for one in overlapping if one not in used[name]]
            kind, chosen = _fate(name, (start, end, label), free, golds)
            found[name][kind] += 1
            if chosen is not None:
                used[name].add(chosen)
    return {
        name: Matches(
            correct=num_right + counts[0],
            incorrect=counts[1],
            partial=counts[2],
            spurious=counts[3],
            missed=len(golds) - len(used[name]),
        )
        for name, counts in found.items()
    }


def check_flat(entities: Entities, where: str) -> None:
    """Refuse entities of which one overlaps the next."""
    overlaps = entities.starts[1:] < entities.ends[:-1]
    if overlaps.any():
        at = int(overlaps.argmax())
        raise SpanError(
            f"{where}: [{entities.starts[at]}:{entities.ends[at]}] and "
            f"[{entities.starts[at + 1]}:{entities.ends[at + 1]}] overlap; expected flat entities, "
            "as the schemes of SemEval'13 know no others."
        )


_Entity = tuple[int, int, int]


def _fate(
    name: str, predicted: _Entity, free: list[int], golds: list[_Entity]
) -> tuple[int, int | None]:
    """Say what a prediction is (correct, incorrect, partial, spurious), and what gold it uses."""
    start, end, label = predicted
    if not free:
        return 3, None
    if name == "type":
        same = [one for one in free if golds[one][2] == label]
        if same:
            return 0, min(
                same, key=lambda one: abs(golds[one][0] - start) + abs(golds[one][1] - end)
            )
        return 1, free[0]
    for one in free:
        if golds[one][:2] == (start, end) and (name != "strict" or golds[one][2] == label):
            return 0, one
    return (2, free[0]) if name == "partial" else (1, free[0])
