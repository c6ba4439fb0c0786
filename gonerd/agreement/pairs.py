"""Annotations of the same documents into how far their annotators agree.

The measure is the F1 of one annotator's exact spans against another's, over the characters both
have declared done. It is symmetric, and unlike kappa it needs no count of the things that nobody
marked (Hripcsak and Rothschild 2005).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from gonerd.errors import RecordError, TextMismatch
from gonerd.records import Annotation, Range, Span
from gonerd.score import Score, add_scores, score_spans
from gonerd.spans import intersect_ranges, merge_ranges, within


@dataclass(frozen=True, kw_only=True, slots=True)
class PairAgreement:
    """How far two annotators agree where both have read."""

    annotators: tuple[str, str]
    num_documents: int
    """In which both have read something."""
    num_characters: int
    """That both have read."""
    score: Score

    @property
    def f1(self) -> float | None:
        """Exact-span F1; None where neither marked anything, or nothing was read by both."""
        return self.score.micro.f1


def agreement(annotations: Iterable[Annotation]) -> list[PairAgreement]:
    """Compare every two annotators over all documents, pairs in alphabetical order.

    Two annotations of a document by one annotator are a RecordError, of two texts a TextMismatch.
    """
    by_document: dict[str, dict[str, Annotation]] = defaultdict(dict)
    for annotation in annotations:
        passes = by_document[annotation.document_id]
        if annotation.annotator in passes:
            raise RecordError(
                f"{annotation.document_id}: two annotations by {annotation.annotator!r}; "
                "expected one, with all its coverage."
            )
        for other in passes.values():
            if other.text_sha256 != annotation.text_sha256:
                raise TextMismatch(
                    f"{annotation.document_id}: {annotation.annotator!r} and {other.annotator!r} "
                    "annotated different texts (sha256); expected the same text."
                )
        passes[annotation.annotator] = annotation
    annotators = sorted({name for passes in by_document.values() for name in passes})
    return [
        _compare(
            left,
            right,
            [
                (passes[left], passes[right])
                for _, passes in sorted(by_document.items())
                if left in passes and right in passes
            ],
        )
        for left, right in combinations(annotators, 2)
    ]


def add_agreements(
    left: Iterable[PairAgreement], right: Iterable[PairAgreement]
) -> list[PairAgreement]:
    """Unite the agreements over two sets of documents, pair by pair."""
    united: dict[tuple[str, str], PairAgreement] = {pair.annotators: pair for pair in left}
    for pair in right:
        other = united.get(pair.annotators)
        if other is not None:
            pair = PairAgreement(
                annotators=pair.annotators,
                num_documents=other.num_documents + pair.num_documents,
                num_characters=other.num_characters + pair.num_characters,
                score=add_scores(other.score, pair.score),
            )
        united[pair.annotators] = pair
    return [united[annotators] for annotators in sorted(united)]


def _compare(left: str, right: str, passes: list[tuple[Annotation, Annotation]]) -> PairAgreement:
    shared: list[tuple[Range, ...]] = [
        intersect_ranges(merge_ranges(one.coverage), merge_ranges(other.coverage))
        for one, other in passes
    ]
    spans: list[tuple[list[Span], list[Span]]] = [
        (within(one.spans, both), within(other.spans, both))
        for (one, other), both in zip(passes, shared, strict=True)
    ]
    return PairAgreement(
        annotators=(left, right),
        num_documents=sum(1 for both in shared if both),
        num_characters=sum(end - start for both in shared for start, end in both),
        score=score_spans(spans),
    )
