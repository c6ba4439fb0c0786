"""The words of the report: what each number is called and how it was worked out."""

from collections import Counter

from gonerd.agreement.gamma import MOST_ALIGNED, MOST_ANNOTATORS, MOST_SPANS, SAMPLES
from gonerd.agreement.result import Agreement, Kind

OVERALL = (
    ("exact_f1", "exact spans, F1"),
    ("overlap_f1", "overlapping spans, F1"),
    ("exact_f1_mean_of_pairs", "exact spans, mean F1 of the pairs"),
    ("overlap_f1_mean_of_pairs", "overlapping spans, mean F1 of the pairs"),
    ("label_agreement", "same label, given the same borders"),
    ("label_kappa", "Cohen's kappa of these labels"),
    ("gamma", "gamma"),
)
"""The numbers over everything, by the names of their fields."""

KINDS: dict[Kind, str] = {
    "label": "Same borders, another label",
    "borders": "Overlapping, other borders",
    "missed": "Marked by one, not by the other",
}
"""What two annotators can differ in."""

TOKEN_KAPPA = (
    "stands here at the foot because it says more about the number of unmarked tokens than about "
    "agreement on names: most tokens are O, on which everybody agrees, and how many there are to "
    "agree on is nobody's choice. Leaving out the tokens that both leave unmarked errs the other "
    "way: to agree that something is no name then counts for nothing. For spans the number of "
    "things that nobody marked is not even defined; the more there are, the nearer kappa comes to "
    "F1 (Hripcsak and Rothschild 2005; Brandsen et al. 2020, with the same annotators at 0.82, "
    "0.67 and F1 0.95)."
)
"""Follows `Token kappa` and its two values."""

FEW = 10
"""Documents; intervals from fewer are said to be too narrow."""

METHOD = (
    (
        "What is compared",
        "Every two annotators, in every document of which both have read something, and there only "
        "where both have read: a span counts if it lies whole within what each of the two has "
        "declared done. Outside of that an annotation says nothing, so it is neither right nor "
        "wrong. The order in which annotations, annotators or spans are stored plays no part.",
    ),
    (
        "Exact spans",
        "Twice the number of spans that both marked with the same borders, fragments and label, "
        "divided by the number of spans of both: F1, the same in either direction. The value over "
        "everything adds up these numbers over all pairs and documents, so that each span weighs "
        "the same; the mean of the pairs gives each pair of annotators the same weight.",
    ),
    (
        "Overlapping spans",
        "The same with spans of one label that share a character. Each span is matched with at "
        "most one of the other annotator, and as many are matched as can be, so that splitting a "
        "name in two gains nothing. Of a discontinuous mention everything from its first character "
        "to its last counts.",
    ),
    (
        "Same label, given the same borders",
        "Of the places whose borders both marked, the share to which both gave the same label; of "
        "one label, the share of its places at which the other annotator gave it too. Places at "
        "which an annotator gave several labels are left out. Here Cohen's kappa (1960) is sound, "
        "since the number of places is known; over several pairs each pair is a stratum of its own "
        "(Barlow, Lai and Azen 1991).",
    ),
    (
        "Gamma",
        "Mathet, Widloecher and Metivier (2015), by pygamma-agreement: the disorder of the best "
        "alignment of all annotators of a document, set against that of random annotations; over "
        "the characters that all of them have read, mean over documents weighted by their spans. "
        f"Worked out for documents of up to {MOST_ANNOTATORS} annotators and {MOST_SPANS:,} spans, "
        f"drawn by the seed up to about {MOST_ALIGNED:,} spans in all, against {SAMPLES[0]} to "
        f"{SAMPLES[1]} random annotations of each.",
    ),
    (
        "Intervals",
        "Percentile bootstrap over documents: as many documents as there are, drawn from them with "
        "replacement, again and again, the same draws for every number; between the ends lie 95 % "
        "of the results. Draws in which a number is undefined are left out of its interval. From "
        f"few documents, fewer than {FEW} or so, an interval comes out too narrow; their number "
        "stands beside it.",
    ),
    (
        "Lengths",
        "Of spans and documents, in characters. An overlapping pair of spans of different lengths "
        "counts half for the length of either.",
    ),
    (
        "Confused spans",
        "Each span of one annotator that another did not mark just so is counted once for that "
        "other: as the same borders under another label, else as overlapping borders, else as "
        "missed.",
    ),
)
"""How each number was worked out."""


def size(agreement: Agreement) -> list[str]:
    """Say what was compared."""
    apart = agreement.pairs_apart
    few = agreement.documents_compared < FEW
    return [
        f"{number(agreement.readings, 'reading')} of {number(agreement.documents, 'document')} "
        f"by {number(agreement.annotators, 'annotator')}, with {number(agreement.spans, 'span')}",
        f"{number(agreement.pairs_compared, 'pair')} of annotators compared, in "
        f"{number(agreement.documents_compared, 'document')}"
        + (f"; {number(apart, 'pair')} have read nothing in common" if apart else ""),
        f"intervals hold 95 % of {number(agreement.samples, 'resample')} of the documents (seed "
        f"{agreement.seed})",
        *(["from so few documents, intervals are too narrow"] if few else []),
    ]


def without_gamma(agreement: Agreement) -> list[str]:
    """Say how many documents have no gamma, and why."""
    reasons = Counter(left_out.why for left_out in agreement.gamma_left_out)
    return [
        f"{number(times, 'document')} without gamma, because {why}"
        for why, times in sorted(reasons.items())
    ]


def number(count: int, thing: str) -> str:
    """Say how many there are of something."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
