"""The routes: what a page asks for, and what it wants done.

The guard has let every request in before; here stands what somebody may ask for.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware

from gonerd.errors import GonerdError, RecordError, StoreError
from gonerd.review.acts import Act
from gonerd.review.log import Refused
from gonerd.review.web import places, views, wishes
from gonerd.review.web.guard import refused
from gonerd.review.web.office import Office, json_of, me
from gonerd.review.web.reading import add_reading
from gonerd.review.web.searching import add_searching

PAGE = Path(__file__).parent / "page"


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
    add_reading(app, office)
    add_searching(app, office)
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


def _add_acting(app: FastAPI, office: Office) -> None:
    @app.post("/api/wishes")
    async def wish(request: Request) -> Response:
        person = me(request)
        page, shown, asked = wishes.page_of(await json_of(request))
        paper = None if shown is None else office.paper(shown, person.name)
        waiting: list[Future[Act | Refused | None]] = []
        for one in asked:
            origin = f"web/{page}/{one['number']}"
            try:
                # Who settles disputes settles them in all documents, whoever reads those.
                settles = one.get("verb") == "settle"
                desk = office.desk if settles else office.seen_by(person.name)
                made = wishes.make(desk, person, origin, one)
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
        body = await json_of(request)
        at = body.get("at") if isinstance(body, dict) else None
        if type(at) is not int or at < 0 or not isinstance(body.get("document"), str):
            raise RecordError("place: expected a document and a character of it.")
        name = me(request).name
        office.paper(body["document"], name)
        kept = places.Place(document_id=body["document"], at=at)
        await run_in_threadpool(places.keep_place, office.folder, name, kept)
        return {}
