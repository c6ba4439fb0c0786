"""All that the routes work with, and what they share."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi import Request

from gonerd.errors import RecordError
from gonerd.review.desk import Desk, Paper
from gonerd.review.hiding import shown_to
from gonerd.review.queues import Queue
from gonerd.review.web.access import Access, Person
from gonerd.review.web.guard import person_of
from gonerd.review.web.guide import Tree, guide_tree
from gonerd.review.web.saving import Keeper

WAIT = 25.0
"""Seconds that a page waits for changes before it asks again."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """All that the routes work with."""

    desk: Desk
    keeper: Keeper
    access: Access
    folder: Path
    """Of the log."""
    wait: float = WAIT
    queue: Queue | None = None
    """Who reads what, where work was handed out."""
    _seen: dict[str, Desk] = field(default_factory=dict, repr=False)

    def seen_by(self, annotator: str) -> Desk:
        """Give the desk as an annotator is to see it."""
        if annotator not in self._seen:
            self._seen[annotator] = shown_to(self.desk, self.queue, annotator)
        return self._seen[annotator]

    @cached_property
    def labels(self) -> list[str]:
        """Labels of the guide, then others that are suggested."""
        suggested = {
            one.label for paper in self.desk.papers.values() for one in paper.suggestions
        }  # fmt: skip
        return [*self.desk.guide.labels, *sorted(suggested - set(self.desk.guide.labels))]

    @cached_property
    def guide(self) -> Tree:
        """Give the guide as a tree."""
        return guide_tree(self.desk.guide.text)

    @cached_property
    def work(self) -> str:
        """Name the work for what a browser keeps: pages of other folders leave it alone."""
        return hashlib.sha256(str(self.desk.folder.resolve()).encode()).hexdigest()[:16]

    def paper(self, document_id: str, annotator: str) -> Paper:
        """Give a document as an annotator is to see it; one that is not there is a RecordError."""
        papers = self.seen_by(annotator).papers
        if document_id not in papers:
            raise RecordError(
                f"{document_id!r}: no such document; expected one of {self.desk.folder}."
            )
        return papers[document_id]


def me(request: Request) -> Person:
    """Give the person who asks."""
    return person_of(request.scope["state"])


async def json_of(request: Request) -> Any:
    """Read the body of a request."""
    try:
        return await request.json()
    except ValueError:
        raise RecordError("body: is not JSON; expected an object.") from None
