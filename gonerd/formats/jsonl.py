"""Annotations as our own JSON lines into passes, and back, nothing lost on either way.

A line is an annotation as `records.annotation_to_json` writes it, with the text beside it, so that
the file stands alone. A line without the text is read too; the text must then be given beside it.
"""

import json
from collections.abc import Iterator, Sequence

from gonerd.errors import RecordError
from gonerd.formats.layers import (
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    Written,
)
from gonerd.formats.members import Member, json_lines
from gonerd.gather import Annotated
from gonerd.records import Annotation, Loss, annotation_from_json, annotation_to_json


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read annotations; everything a user could tell is in the file already."""
    for member in members:
        for where, row in json_lines(member):
            annotation, text = annotation_from_json(row, where)
            if not annotation.document_id or annotation.document_id.strip() != row["document_id"]:
                raise RecordError(
                    f"{where}: document_id is {row['document_id']!r}; "
                    "expected a name without outer blanks."
                )
            yield _pass(annotation, text, where)


def write(items: Sequence[Annotated]) -> Written:
    """Write one line for each annotation, by document."""
    lines: list[str] = []
    losses: list[Loss] = []
    for item in items:
        for annotation in item.annotations:
            row = {**annotation_to_json(annotation), "text": item.document.text}
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        if not item.annotations:
            losses.append(
                Loss(
                    document_id=item.document.id,
                    what="document left out",
                    why="nobody has annotated it",
                )
            )
    return Written(files={"": "".join(lines).encode("utf-8")}, losses=tuple(losses))


def _pass(annotation: Annotation, text: str | None, where: str) -> Pass:
    return Pass(
        where=where,
        document_id=annotation.document_id,
        annotator=annotation.annotator,
        text=text,
        mentions=tuple(
            Mention(
                start=span.start,
                end=span.end,
                label=span.label,
                confidence=span.confidence,
                support=span.support,
                fragments=span.fragments,
            )
            for span in annotation.spans
        ),
        coverage=annotation.coverage,
        unit="code points",
        guide=annotation.guide,
        details={"text_sha256": annotation.text_sha256},
    )


FORMAT = Format(
    name="jsonl",
    title="our own JSON lines",
    read=read,
    write=write,
    carries=Carries(discontinuous=True, coverage=True, confidence=True, support=True, guide=True),
    suffixes=(".jsonl",),
)
