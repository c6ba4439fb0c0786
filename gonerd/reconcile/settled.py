"""A file of disputes that people have settled into rulings, checked against the texts."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

from gonerd.errors import RecordError, SpanError, TextMismatch
from gonerd.files import load_disputes
from gonerd.records import Dispute, Document
from gonerd.rulings import is_ruling, ruled_range


def settled_by_people(*paths: Path) -> dict[str, list[Dispute]]:
    """Read the disputes of files that people have settled, by document.

    Open ones, and those settled by a method, are left where they are: they are asked again. Two
    rulings on places that overlap are a RecordError.
    """
    by_document: dict[str, list[Dispute]] = defaultdict(list)
    for path in paths:
        for dispute in load_disputes(path):
            if is_ruling(dispute):
                by_document[dispute.document_id].append(dispute)
    for document_id, disputes in by_document.items():
        disputes.sort(key=ruled_range)
        for left, right in pairwise(disputes):
            if ruled_range(right)[0] < ruled_range(left)[1]:
                where = ", ".join(map(str, paths))
                raise RecordError(
                    f"{where}: {document_id}[{right.start}:{right.end}], settled by "
                    f"{right.settled_by!r}, overlaps [{left.start}:{left.end}], settled by "
                    f"{left.settled_by!r}; expected one ruling on a place."
                )
    return dict(by_document)


def check_rulings(
    settled: Sequence[Dispute],
    document_id: str,
    text_sha256: str,
    *,
    document: Document | None,
    labels: Collection[str] | None,
) -> None:
    """Refuse rulings on another text, beyond the text, or with other labels, where known."""
    for dispute in settled:
        ruling = f"{document_id}[{dispute.start}:{dispute.end}]: settled by {dispute.settled_by!r}"
        if dispute.text_sha256 != text_sha256:
            raise TextMismatch(
                f"{ruling} on another text (sha256 {dispute.text_sha256[:8]}..., "
                f"now {text_sha256[:8]}...); expected the same text."
            )
        if document is not None and ruled_range(dispute)[1] > len(document.text):
            raise SpanError(
                f"{ruling} up to {ruled_range(dispute)[1]}, past the text; expected at most "
                f"{len(document.text)}."
            )
        for span in dispute.settlement:
            if labels is not None and span.label not in labels:
                raise RecordError(
                    f"{ruling} as {span.label!r}; expected one of {', '.join(labels)}."
                )
