"""Routes that say what there is: documents, their texts and tokens, what is held of them."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from gonerd.errors import RecordError
from gonerd.review import keys, verbs
from gonerd.review.desk import Paper
from gonerd.review.queues import tasks_of
from gonerd.review.web import places, views
from gonerd.review.web.guard import refused
from gonerd.review.web.office import Office, me

LONG = 200
"""Characters of a word that is too long to be one."""


def add_reading(app: FastAPI, office: Office) -> None:
    """Add the routes."""

    @app.get("/api/desk")
    def desk(request: Request) -> Any:
        person = me(request)
        with office.keeper.reading() as state:
            documents = views.documents(office.seen_by(person.name), state, person.name)
            last = places.last_place(office.folder, person.name, state)
            act = len(state.acts)
        return {
            "annotator": person.name,
            "roles": sorted(person.roles),
            "work": office.work,
            "name": office.desk.folder.name,
            "guide": office.desk.guide.reference,
            "labels": [[one, office.desk.guide.labels.get(one, "")] for one in office.labels],
            "suggester": office.desk.suggester,
            "tasks": []
            if office.queue is None
            else [
                [one.document_id, one.start, one.end] for one in tasks_of(office.queue, person.name)
            ],
            "sees_others": office.access.sees_others(person),
            "documents": documents,
            "last": None if last is None else [last.document_id, last.at],
            "act": act,
            "keys": keys.wishes("read"),
            "card": keys.card("read"),
        }

    @app.get("/api/text")
    def text(request: Request, document: str) -> Response:
        paper = office.paper(document, me(request).name)
        tag = f'"{paper.document.text_sha256}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(status_code=304, headers=headers)
        return PlainTextResponse(paper.document.text, headers=headers)

    @app.get("/api/spans")
    def spans(request: Request, document: str, start: int = 0, end: int | None = None) -> Any:
        paper = office.paper(document, me(request).name)
        with office.keeper.reading() as state:
            held = views.held(paper, state, me(request).name)
        return {"suggestions": views.suggestions(paper, start, end), **held}

    @app.get("/api/tokens")
    def tokens(request: Request, document: str, start: int, end: int) -> Any:
        paper = office.paper(document, me(request).name)
        return tokens_in(paper, start, min(end, start + 50_000))

    @app.get("/api/guide")
    def guide() -> Any:
        return {"guide": office.desk.guide.reference, "tree": office.guide}

    @app.get("/api/changes")
    async def changes(request: Request, after: int, document: str | None = None) -> Any:
        name = me(request).name
        paper = None if document is None else office.paper(document, name)
        return await _changes(office, name, paper, after)

    @app.get("/api/others")
    def others(request: Request, document: str, start: int, end: int) -> Any:
        person = me(request)
        if not office.access.sees_others(person):
            return refused(403, "others", "what they hold", "--show-others, or to be the owner")
        office.paper(document, person.name)
        with office.keeper.reading() as state:
            return {"others": views.others(state, person.name, document, start, end)}

    @app.get("/api/progress")
    def progress(request: Request) -> Any:
        person = me(request)
        with office.keeper.reading() as state:
            names = {person.name}
            if office.access.sees_others(person):
                names |= {name for name, _ in state.held}
            return {
                "people": {
                    name: views.documents(office.seen_by(name), state, name)
                    for name in sorted(names)
                }
            }


async def _changes(office: Office, annotator: str, paper: Paper | None, after: int) -> Any:
    """Wait until an annotator's work has changed, here or in another window or terminal."""
    loop, bell = asyncio.get_running_loop(), asyncio.Event()
    ends = loop.time() + office.wait

    def now() -> tuple[bool, Any]:
        with office.keeper.reading() as state:
            if after > len(state.acts):
                raise RecordError(
                    f"after: is {after}; expected at most {len(state.acts)}, the last act."
                )
            news = any(act.annotator == annotator for act in state.acts[after:])
            return news, views.changes(paper, state, annotator, after)

    def ring() -> None:
        loop.call_soon_threadsafe(bell.set)

    with office.keeper.listening(annotator, ring):
        while True:
            bell.clear()
            news, found = await run_in_threadpool(now)
            left = ends - loop.time()
            if news or left <= 0 or office.keeper.ending():
                return found
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(bell.wait(), min(left, 0.5))


def tokens_in(paper: Paper, start: int, end: int) -> Any:
    """Give the tokens of a range, widened to where words begin and end."""
    text = paper.document.text
    start, end = max(0, min(start, len(text))), max(0, min(end, len(text)))
    first, last = max(0, start - LONG), min(len(text), end + LONG)
    while start > first and not text[start - 1].isspace():
        start -= 1
    while end < last and not text[end].isspace():
        end += 1
    flat: list[int] = []
    before = start
    for at, piece in _pieces(text[start:end]):
        tokens = verbs.tokenize(piece, paper.document.language)
        for one, other in zip(tokens.starts, tokens.ends, strict=True):
            flat += (start + at + one - before, other - one)
            before = start + at + one
    return {"start": start, "end": end, "tokens": flat}


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Cut what has no blank for long: the time for a word grows with the square of its length."""
    at = 0
    for run in re.finditer(rf"\S{{{LONG},}}", text):
        yield at, text[at : run.start()]
        for cut in range(run.start(), run.end(), LONG):
            yield cut, text[cut : min(cut + LONG, run.end())]
        at = run.end()
    yield at, text[at:]
