"""Routes that look for words: where they stand, and what deciding on all of them would do."""

import re
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from gonerd.errors import RecordError
from gonerd.review import verbs
from gonerd.review.web import wishes
from gonerd.review.web.access import Person
from gonerd.review.web.office import Office, json_of, me

MOST_FOUND = 10_000
"""Places that a search gives."""


def add_searching(app: FastAPI, office: Office) -> None:
    """Add the routes."""

    @app.get("/api/search")
    def search(
        request: Request, words: str, document: str | None = None, whole: bool = False
    ) -> Any:
        """Find words as they are written or in other case: places in a document, or counts."""
        pattern, name = _pattern(words, whole), me(request).name
        if document is not None:
            text = office.paper(document, name).document.text
            places = [match.span() for match in pattern.finditer(text)]
            return {"count": len(places), "places": places[:MOST_FOUND]}
        found = []
        for paper in office.seen_by(name).papers.values():
            if count := sum(1 for _ in pattern.finditer(paper.document.text)):
                found.append([paper.document.id, count])
        return {"count": sum(count for _, count in found), "documents": found}

    @app.post("/api/preview")
    async def preview(request: Request) -> Any:
        """Say what labelling or rejecting all occurrences would do, without doing it."""
        person, wish = me(request), await json_of(request)
        if not isinstance(wish, dict):
            raise RecordError("body: expected an object.")
        return await run_in_threadpool(_preview, office, person, wish)


def _preview(office: Office, person: Person, wish: dict[str, Any]) -> Any:
    desk = office.seen_by(person.name)
    with office.keeper.reading() as state:
        hand = verbs.Hand(desk=desk, state=state, annotator=person.name)
        try:
            act = wishes.label_all_of(hand, wish)
        except KeyError as error:
            raise RecordError(f"preview: {error.args[0]} is missing; expected it.") from None
    changed: dict[str, int] = {}
    spans = 0
    for mark in act.marks:
        if mark.was != mark.now:
            changed[mark.document_id] = changed.get(mark.document_id, 0) + 1
            spans += (mark.now is not None and mark.now.status != "rejected") or not wish["label"]
    asked = wish["documents"]
    names = list(desk.papers) if asked is None else asked
    among = [office.paper(one, person.name) for one in names]
    whole = bool(wish.get("whole", True))
    met = sum(
        len(verbs.occurrences(one.document.text, wish["words"], whole=whole)) for one in among
    )
    return {"occurrences": met, "spans": spans, "documents": len(changed)}


def _pattern(words: str, whole: bool) -> "re.Pattern[str]":
    if not words.strip() or len(words) > 1_000:
        raise RecordError(f"words: {words[:50]!r}; expected some, at most 1,000 characters.")
    escaped = re.escape(words)
    return re.compile(rf"(?<!\w){escaped}(?!\w)" if whole else escaped, re.IGNORECASE)
