"""Gold and predictions as Python has them into a result: sequences of tags, or annotations."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gonerd.errors import RecordError, TagError, TextMismatch
from gonerd.records import Annotation
from gonerd.score.compare import Result, compare
from gonerd.score.entities import Labels, check_reading, from_spans, from_tags
from gonerd.score.sides import Sides

Documents = Sequence[Sequence[str]] | Sequence[Annotation]


def score(
    gold: Documents, predicted: Documents, *, scheme: str = "IOB2", repair: str | None = None
) -> Result:
    """Score predictions: tags of the same documents in the same order, or annotations of them.

    Of tags, illegal ones are a TagError unless `repair` is `conlleval`. Another number of documents
    or of tokens, a document that lacks, or another text is an error that names it.

    >>> score([["B-PER", "I-PER", "O"]], [["B-PER", "O", "O"]]).micro.f1
    0.0
    """
    check_reading(scheme, repair)
    gold, predicted = list(gold), list(predicted)  # type: ignore[assignment]
    labels = Labels()
    if any(isinstance(one, Annotation) for one in (*gold, *predicted)):
        return compare(_annotated(gold, predicted, labels), labels)
    return compare(_tagged(gold, predicted, labels, scheme, repair), labels)


def tag_metrics(names: Sequence[str], *, unread: int = -100) -> Any:
    """Make what transformers' Trainer takes as `compute_metrics`, of the names of tags by number.

    Tokens whose label is `unread` are left out; what a model predicts is read as the CoNLL
    evaluation does, as a model without constrained decoding gives illegal tags.
    """

    def compute_metrics(prediction: Any) -> dict[str, float]:
        scores, codes = prediction.predictions, prediction.label_ids
        best = scores.argmax(-1)
        pairs = [(row[row != unread], said[row != unread]) for row, said in zip(codes, best)]  # noqa: B905
        result = score(
            [[names[code] for code in row] for row, _ in pairs],
            [[names[code] for code in said] for _, said in pairs],
            repair="conlleval",
        )
        micro = result.micro
        return {
            "precision": micro.precision or 0.0,
            "recall": micro.recall or 0.0,
            "f1": micro.f1 or 0.0,
        }

    return compute_metrics


def _tagged(
    gold: Sequence[Any], predicted: Sequence[Any], labels: Labels, scheme: str, repair: str | None
) -> Iterator[Sides]:
    if len(gold) != len(predicted):
        raise RecordError(
            f"predicted: {len(predicted):,} documents; expected {len(gold):,}, as gold has."
        )
    for number, (tags, said) in enumerate(zip(gold, predicted, strict=True)):
        if len(tags) != len(said):
            raise TagError(
                f"document {number}: {len(said):,} predicted tags; expected {len(tags):,}, one for "
                "each token of gold."
            )
        yield Sides(
            document_id=str(number),
            gold=from_tags(
                tags, labels, scheme=scheme, repair=repair, where=f"gold, document {number}"
            ),
            predicted=from_tags(
                said, labels, scheme=scheme, repair=repair, where=f"predicted, document {number}"
            ),
            num_tokens=len(tags),
        )


def _annotated(gold: Sequence[Any], predicted: Sequence[Any], labels: Labels) -> Iterator[Sides]:
    golds, said = _by_document(gold, "gold"), _by_document(predicted, "predicted")
    check_documents(golds, said)
    for document_id, one in golds.items():
        other = said[document_id]
        if one.text_sha256 != other.text_sha256:
            raise TextMismatch(
                f"{document_id}: predicted on another text (sha256 {other.text_sha256[:12]}...) "
                f"than gold ({one.text_sha256[:12]}...); expected the same text."
            )
        yield Sides(
            document_id=document_id,
            gold=from_spans(one.spans, labels),
            predicted=from_spans(other.spans, labels),
        )


def check_documents(gold: Iterable[str], predicted: Iterable[str]) -> None:
    """Refuse predictions that are not for just the documents of gold."""
    golds, said = set(gold), set(predicted)
    if missing := sorted(golds - said):
        raise RecordError(
            f"predicted: nothing for document {missing[0]!r} ({len(missing):,} such); expected one "
            "prediction for each document of gold, if only an empty one."
        )
    if unknown := sorted(said - golds):
        raise RecordError(
            f"predicted: document {unknown[0]!r} is not in gold ({len(unknown):,} such); expected "
            "the documents of gold alone."
        )


def _by_document(annotations: Iterable[Any], side: str) -> dict[str, Annotation]:
    found: dict[str, Annotation] = {}
    for one in annotations:
        if not isinstance(one, Annotation):
            raise RecordError(f"{side}: {type(one).__name__} among annotations; expected one kind.")
        if one.document_id in found:
            raise RecordError(
                f"{side}: a second annotation of {one.document_id!r}, by {one.annotator!r} after "
                f"{found[one.document_id].annotator!r}; expected one for each document."
            )
        found[one.document_id] = one
    return found
