"""A desk, a log and the routes behind their guard, asked without a network."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from gonerd.records import Annotation, Document, Span, annotation_to_json, document_to_json
from gonerd.review.desk import open_desk
from gonerd.review.log import open_log
from gonerd.review.web.access import Access, grant, team
from gonerd.review.web.app import make_app
from gonerd.review.web.guard import Guard, Rate, Site
from gonerd.review.web.office import Office
from gonerd.review.web.saving import Keeper

ASTRAL = (
    "\U0001f600 Ana met Bo\u0308b.\r\n"
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 Ana saw \U00020000 Li in Oslo."
)
PLAIN = "Ana Marsh went to Port Ellis. Ana Marsh stayed.\n\nPort Ellis is a town. Ana left."
HOST = "127.0.0.1:8000"


def at(text: str, words: str, label: str, nth: int = 0, confidence: float | None = None) -> Span:
    """Give the span of the nth occurrence of some words."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(words, start + 1)
    return Span(start=start, end=start + len(words), label=label, confidence=confidence)


SUGGESTED = {
    "plain": (
        PLAIN,
        (
            at(PLAIN, "Ana Marsh", "PER", 0, 0.93),
            at(PLAIN, "Port Ellis", "LOC", 0, 0.8),
            at(PLAIN, "Ana Marsh", "PER", 1, 0.5),
            at(PLAIN, "Port Ellis", "ORG", 1),
        ),
    ),
    "astral": (ASTRAL, (at(ASTRAL, "Li", "PER", 0, 0.7), at(ASTRAL, "Oslo", "LOC", 0, 0.9))),
}


def write_work(folder: Path, texts: dict[str, tuple[str, tuple[Span, ...]]] | None = None) -> Path:
    """Write a work folder of plain files."""
    given = SUGGESTED if texts is None else texts
    folder.mkdir(parents=True, exist_ok=True)
    documents = [
        Document(id=name, text=text, source=name, license="unknown", language="en")
        for name, (text, _) in given.items()
    ]
    annotations = [
        Annotation(
            document_id=one.id, text_sha256=one.text_sha256, annotator="model@1", guide="gonerd@1",
            coverage=((0, len(one.text)),), spans=given[one.id][1],
        )
        for one in documents
    ]  # fmt: skip
    for name, rows in (
        ("documents", [document_to_json(one) for one in documents]),
        ("suggestions", [annotation_to_json(one) for one in annotations]),
    ):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8", newline="\n")
    return folder


@dataclass(kw_only=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """Give the body as JSON."""
        return json.loads(self.body)


@dataclass(kw_only=True)
class Client:
    """Somebody who asks."""

    app: ASGIApp
    token: str | None
    host: str = HOST
    scheme: str = "http"
    cookie: str = "gonerd-8000"
    more: dict[str, str | None] = field(default_factory=dict)

    def get(self, path: str, **headers: str | None) -> Answer:
        """Get something."""
        return self.ask("GET", path, None, headers)

    def post(self, path: str, body: object, **headers: str | None) -> Answer:
        """Send something as JSON."""
        return self.ask("POST", path, json.dumps(body).encode(), headers)

    def wish(self, *wishes: dict[str, Any], page: str = "a" * 24, start: int = 1) -> Answer:
        """Send wishes, numbered from one on."""
        rows = [{"number": start + at, **one} for at, one in enumerate(wishes)]
        return self.post("/api/wishes", {"page": page, "document": "plain", "wishes": rows})

    def ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str | None]
    ) -> Answer:
        """Ask anything; a header that is None is left out."""
        given: dict[str, str | None] = {"host": self.host, "sec-fetch-site": "same-origin"}
        if self.token is not None:
            given["cookie"] = f"{self.cookie}={self.token}"
        if body is not None:
            given |= {
                "origin": f"{self.scheme}://{self.host}",
                "content-type": "application/json",
                "content-length": str(len(body)),
            }
        given |= self.more | {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(
            ask(self.app, method, path, {k: v for k, v in given.items() if v is not None}, body)
        )


async def ask(
    app: ASGIApp, method: str, path: str, headers: dict[str, str], body: bytes | None
) -> Answer:
    """Put one request to an application."""
    route, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": route, "raw_path": route.encode(),
        "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
    }  # fmt: skip
    answer, sent = Answer(), False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": body or b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer


@dataclass(kw_only=True)
class Place:
    """A server without a network, and its people."""

    app: Guard
    access: Access
    office: Office

    def client(self, name: str | None, **more: Any) -> Client:
        """Give somebody with their token, or with none."""
        token = None if name is None else self.access.tokens[name]
        return Client(app=self.app, token=token, **more)


@contextmanager
def place(
    folder: Path, *, show_others: bool = False, rate: Rate | None = None, wait: float = 0.0
) -> Iterator[Place]:
    """Open a work folder for ana and ben, who review, cora, who settles, and dan, who owns it."""
    desk = open_desk(folder)
    people = team(["ana", "ben"], ["cora"], ["dan"])
    access = grant(folder / "review", people, show_others=show_others)
    office = Office(
        desk=desk, keeper=Keeper(log=open_log(folder / "review")), access=access,
        folder=folder / "review", wait=wait,
    )  # fmt: skip
    site = Site(scheme="http", port=8000, names=frozenset({"127.0.0.1", "localhost"}))
    office.keeper.start()
    try:
        guard = Guard(app=make_app(office), access=access, site=site, rate=rate)
        yield Place(app=guard, access=access, office=office)
    finally:
        office.keeper.stop()
