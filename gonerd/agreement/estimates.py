"""Counts into estimates: numbers with intervals, or the reason why there is none."""

from dataclasses import dataclass

import numpy as np

from gonerd.agreement.columns import Floats, Ints
from gonerd.agreement.resample import Group, Resamples, interval, ratio
from gonerd.agreement.result import Estimate
from gonerd.agreement.tables import Table, excess
from gonerd.agreement.tally import AGREEING, EQUAL, MATCHED, PLACES, SPANS

NEITHER_MARKED = "undefined because neither marked anything in what both have read"
NOBODY_MARKED = "undefined because nobody marked anything in what two have read"
NOTHING_SHARED = "undefined because no two annotators have read the same characters"
NO_SUCH_SPAN = "undefined because no such span lies in what two have read"
NO_PLACES = "undefined because no two marked the same borders"
ONE_LABEL = "undefined because all used one label alone, so that chance leaves no room"
NO_TEXTS = "undefined because the texts were not given"
NO_TOKENS = "undefined because no token lies in what two have read"
NOT_ASKED = "undefined because it was not asked for; --gamma works it out"
NO_GAMMA = "undefined because no document could be aligned"
ONE_DOCUMENT = "no interval because it rests on one document alone"
NO_RESAMPLES = "no interval because no resamples were asked for"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """A number over all documents, and then in each resample; nan where it is undefined."""

    values: Floats
    documents: int
    """On how many it rests."""

    def estimate(self, why: str) -> Estimate:
        """Say the number and its interval; `why` is said where there is no number."""
        value = float(self.values[0])
        if np.isnan(value):
            return Estimate(value=None, why=why)
        if self.documents < 2:
            return Estimate(value=value, why=ONE_DOCUMENT)
        found = interval(self.values[1:])
        if found is None:
            return Estimate(value=value, why=NO_RESAMPLES)
        return Estimate(value=value, low=found[0], high=found[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """The three shares that every row of the report has."""

    documents: int
    spans: int
    exact_f1: Sampled
    overlap_f1: Sampled
    label_agreement: Sampled

    @staticmethod
    def of(group: Group, sums: Floats) -> "Shares":
        """Work them out from a group whose first columns are the five, and its sums."""
        _, counts = group

        def share(above: int, below: int) -> Sampled:
            documents = int((counts[:, below] > 0).sum())
            return Sampled(values=ratio(sums[above], sums[below]), documents=documents)

        return Shares(
            documents=int((counts[:, SPANS] > 0).sum()),
            spans=int(sums[SPANS, 0]),
            exact_f1=share(EQUAL, SPANS),
            overlap_f1=share(MATCHED, SPANS),
            label_agreement=share(AGREEING, PLACES),
        )

    def estimates(self, why: str) -> dict[str, Estimate]:
        """Name the estimates as a row of the report does."""
        return {
            "exact_f1": self.exact_f1.estimate(why),
            "overlap_f1": self.overlap_f1.estimate(why),
            "label_agreement": self.label_agreement.estimate(NO_PLACES if self.spans else why),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Kappa:
    """Agreement beyond chance and the room for it, over all documents and in each resample."""

    gained: Floats
    room: Floats
    things: float
    """Labelled by both, over all documents."""
    documents: int

    @staticmethod
    def of(sums: Floats, table: Table) -> "Kappa":
        """Work it out from the sums of a table's columns."""
        gained, room = excess(sums)
        return Kappa(
            gained=gained,
            room=room,
            things=float(sums[: len(sums) // 2, 0].sum()),
            documents=len(np.unique(table.document)),
        )

    @staticmethod
    def none(resamples: Resamples, documents: int) -> "Kappa":
        """Begin a sum over pairs that rests on some documents."""
        nothing = np.zeros(resamples.times.shape[1] + 1)
        return Kappa(gained=nothing, room=nothing, things=0.0, documents=documents)

    def plus(self, other: "Kappa") -> "Kappa":
        """Add that of another pair, each pair a stratum of its own."""
        return Kappa(
            gained=self.gained + other.gained,
            room=self.room + other.room,
            things=self.things + other.things,
            documents=self.documents,
        )

    def estimate(self, nothing: str) -> Estimate:
        """Divide; `nothing` is said where there was nothing to label."""
        sampled = Sampled(values=ratio(self.gained, self.room), documents=self.documents)
        return sampled.estimate(ONE_LABEL if self.things else nothing)


@dataclass(frozen=True, kw_only=True, slots=True)
class PairCounts:
    """All that is summed for one pair: the five columns, then those of its two tables."""

    group: Group
    places: Table
    tokens: Table
    none: int
    """The label of a token that has none."""

    @staticmethod
    def gather(group: Group, places: Table, tokens: Table, none: int) -> "PairCounts":
        """Put the columns beside one another."""
        documents, five = group
        outside = np.zeros((len(documents), 1), dtype=np.int64)
        neither = tokens.label == none
        outside[np.searchsorted(documents, tokens.document[neither]), 0] = tokens.both[neither]
        tables = [table.columns(documents) for table in (places, tokens)]
        counts = np.concatenate([five, *tables, outside], axis=1)
        return PairCounts(group=(documents, counts), places=places, tokens=tokens, none=none)

    def kappas(self, sums: Floats) -> tuple[Kappa, Kappa, Kappa]:
        """Split the sums into the kappa of places, of tokens, and of tokens that one marked."""
        num_places, num_tokens = (table.num_labels() for table in (self.places, self.tokens))
        after_places = 6 + 2 * num_places
        of_places = sums[5:after_places]
        of_tokens, outside = sums[after_places:-1], sums[-1]
        marked = of_tokens.copy()
        if num_tokens and self.none in self.tokens.label:  # the last label of either side
            for row in (num_tokens - 1, 2 * num_tokens - 1, 2 * num_tokens):
                marked[row] -= outside
        return (
            Kappa.of(of_places, self.places),
            Kappa.of(of_tokens, self.tokens),
            Kappa.of(marked, self.tokens),
        )


@dataclass(kw_only=True, slots=True)
class Mean:
    """The mean of numbers, in each resample over those that are defined there."""

    total: Floats
    number: Floats
    documents: int

    @staticmethod
    def begin(resamples: Resamples, documents: int) -> "Mean":
        """Begin with no number, of those that rest on some documents."""
        size = resamples.times.shape[1] + 1
        return Mean(total=np.zeros(size), number=np.zeros(size), documents=documents)

    def add(self, sampled: Sampled) -> None:
        """Take one more into the mean."""
        defined = ~np.isnan(sampled.values)
        self.total += np.where(defined, sampled.values, 0)
        self.number += defined

    def sampled(self) -> Sampled:
        """Divide by how many there were."""
        return Sampled(values=ratio(self.total, self.number), documents=self.documents)


def weighted_mean(
    resamples: Resamples, documents: Ints, values: Floats, weights: Floats
) -> Sampled:
    """Work out the mean of a number that documents have."""
    times = np.concatenate([np.ones((len(documents), 1)), resamples.of(documents)], axis=1)
    above = ((values * weights)[:, None] * times).sum(axis=0)
    below = (weights[:, None] * times).sum(axis=0)
    return Sampled(values=ratio(above, below), documents=len(documents))
