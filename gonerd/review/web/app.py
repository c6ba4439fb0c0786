"""The routes: what a page asks for, and what it wants done.

The guard has let every request in before; here stands what somebody may ask for.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware

from gonerd.errors import GonerdError, RecordError, StoreError
from gonerd.review import keys, verbs
from gonerd.review.acts import Act
from gonerd.review.desk import Desk, Paper
from gonerd.review.hiding import shown_to
from gonerd.review.log import Refused
from gonerd.review.queues import Queue
from gonerd.review.web import places, views, wishes
from gonerd.review.web.access import Access, Person
from gonerd.review.web.guard import person_of, refused
from gonerd.review.web.guide import Tree, guide_tree
from gonerd.review.web.saving import Keeper

PAGE = Path(__file__).parent / "page"
WAIT = 25.0
"""Seconds that a page waits for changes before it asks again."""
MOST_FOUND = 10_000
"""Places that a search gives."""


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


def make_app(office: Office) -> FastAPI:
    """Make the routes; the guard stands before them, not in them."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        office.keeper.start()
        yield
        await run_in_threadpool(office.keeper.stop)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=1)
    app.add_exception_handler(GonerdError, _wrong)
    app.add_exception_handler(404, _nothing_there)
    _add_page(app)
    _add_reading(app, office)
    _add_searching(app, office)
    _add_acting(app, office)
    return app


def _wrong(request: Request, error: Exception) -> Response:
    return JSONResponse({"wrong": str(error)}, status_code=_status(error))


def _nothing_there(request: Request, error: Exception) -> Response:
    return refused(404, "address", repr(request.url.path), "one that the page knows")


def _status(error: Exception) -> int:
    return 503 if isinstance(error, StoreError) else 400


def _add_page(app: FastAPI) -> None:
    files = {one.name: one for one in PAGE.iterdir() if one.suffix in (".js", ".css", ".svg")}

    @app.get("/")
    def index() -> Response:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/page/{name}")
    def file(name: str) -> Response:
        if name not in files:
            return refused(404, "file", repr(name), "one of the page")
        return FileResponse(files[name], headers={"Cache-Control": "no-cache"})


def _me(request: Request) -> Person:
    return person_of(request.scope["state"])


def _add_reading(app: FastAPI, office: Office) -> None:
    @app.get("/api/desk")
    def desk(request: Request) -> Any:
        person = _me(request)
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
            "sees_others": office.access.sees_others(person),
            "documents": documents,
            "last": None if last is None else [last.document_id, last.at],
            "act": act,
            "keys": keys.wishes("read"),
            "card": keys.card("read"),
        }

    @app.get("/api/text")
    def text(request: Request, document: str) -> Response:
        paper = office.paper(document, _me(request).name)
        tag = f'"{paper.document.text_sha256}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(status_code=304, headers=headers)
        return PlainTextResponse(paper.document.text, headers=headers)

    @app.get("/api/spans")
    def spans(request: Request, document: str, start: int = 0, end: int | None = None) -> Any:
        paper = office.paper(document, _me(request).name)
        with office.keeper.reading() as state:
            held = views.held(paper, state, _me(request).name)
        return {"suggestions": views.suggestions(paper, start, end), **held}

    @app.get("/api/tokens")
    def tokens(request: Request, document: str, start: int, end: int) -> Any:
        paper = office.paper(document, _me(request).name)
        return tokens_in(paper, start, min(end, start + 50_000))

    @app.get("/api/guide")
    def guide() -> Any:
        return {"guide": office.desk.guide.reference, "tree": office.guide}

    @app.get("/api/changes")
    async def changes(request: Request, after: int, document: str | None = None) -> Any:
        name = _me(request).name
        paper = None if document is None else office.paper(document, name)
        return await _changes(office, name, paper, after)

    @app.get("/api/others")
    def others(request: Request, document: str, start: int, end: int) -> Any:
        person = _me(request)
        if not office.access.sees_others(person):
            return refused(403, "others", "what they hold", "--show-others, or to be the owner")
        office.paper(document, person.name)
        with office.keeper.reading() as state:
            return {"others": views.others(state, person.name, document, start, end)}

    @app.get("/api/progress")
    def progress(request: Request) -> Any:
        person = _me(request)
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
            if news or left <= 0 or office.keeper.ended:
                return found
            try:
                await asyncio.wait_for(bell.wait(), min(left, 1.0))
            except TimeoutError:
                if loop.time() < ends and not office.keeper.ended:
                    continue


def _add_searching(app: FastAPI, office: Office) -> None:
    @app.get("/api/search")
    def search(
        request: Request, words: str, document: str | None = None, whole: bool = False
    ) -> Any:
        """Find words as they are written or in other case: places in a document, or counts."""
        pattern, name = _pattern(words, whole), _me(request).name
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
        person, wish = _me(request), await request.json()
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


def tokens_in(paper: Paper, start: int, end: int) -> Any:
    """Give the tokens of a range, widened to where lines or words begin and end."""
    text = paper.document.text
    start, end = max(0, min(start, len(text))), max(0, min(end, len(text)))
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    tokens = verbs.tokenize(text[start:end], paper.document.language)
    flat: list[int] = []
    before = 0
    for first, last in zip(tokens.starts, tokens.ends, strict=True):
        flat += (first - before, last - first)
        before = first
    return {"start": start, "end": end, "tokens": flat}


def _add_acting(app: FastAPI, office: Office) -> None:
    @app.post("/api/wishes")
    async def wish(request: Request) -> Response:
        person = _me(request)
        page, shown, asked = wishes.page_of(await _json(request))
        paper = None if shown is None else office.paper(shown, person.name)
        waiting: list[Future[Act | Refused | None]] = []
        for one in asked:
            origin = f"web/{page}/{one['number']}"
            try:
                made = wishes.make(office.seen_by(person.name), person, origin, one)
            except RecordError as error:
                failed: Future[Act | Refused | None] = Future()
                failed.set_exception(error)
                waiting.append(failed)
                continue
            waiting.append(office.keeper.ask(person.name, origin, made))
        rows: list[views.Row] = []
        worst = 200
        for one, future in zip(asked, waiting, strict=True):
            try:
                found = await asyncio.wrap_future(future)
            except GonerdError as error:
                worst = max(worst, _status(error))
                outcome = "later" if isinstance(error, StoreError) else "wrong"
                rows.append({"number": one["number"], "outcome": outcome, "wrong": str(error)})
                continue
            with office.keeper.reading() as state:
                rows.append(views.answer(one, found, paper, state))
            if isinstance(found, Refused):
                worst = max(worst, 409)
        with office.keeper.reading() as state:
            undo, redo = state.done.get(person.name), state.undone.get(person.name)
        body = {"answers": rows, "undo": bool(undo), "redo": bool(redo)}
        return JSONResponse(body, status_code=worst)

    @app.post("/api/place")
    async def place(request: Request) -> Any:
        body = await _json(request)
        at = body.get("at") if isinstance(body, dict) else None
        if type(at) is not int or at < 0 or not isinstance(body.get("document"), str):
            raise RecordError("place: expected a document and a character of it.")
        name = _me(request).name
        office.paper(body["document"], name)
        kept = places.Place(document_id=body["document"], at=at)
        await run_in_threadpool(places.keep_place, office.folder, name, kept)
        return {}


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        raise RecordError("body: is not JSON; expected an object.") from None
