"""Every request let in or refused, before any route sees it, and headers on every answer.

Documents are hostile, and so may be other pages in the same browser: a name that is bound anew to
this address, a form that posts here, a frame around the page.
"""

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gonerd.review.web.access import Access, Person

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""On every answer, those that refuse as well."""
MOST_BYTES = 4_000_000
"""Of a request."""
WRONG_TOKENS = 20
"""A minute, of one address."""


@dataclass(kw_only=True)
class Rate:
    """So many a second, and some at once, of each who asks; None: any number."""

    each_second: float
    at_once: float
    clock: Callable[[], float] = time.monotonic
    left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def takes(self, name: str) -> bool:
        """Count one, and say whether it is within the rate."""
        now = self.clock()
        left, then = self.left.get(name, (self.at_once, now))
        left = min(self.at_once, left + (now - then) * self.each_second)
        if len(self.left) > 10_000:
            self.left.clear()  # addresses without number must not fill the memory
        self.left[name] = (left - 1 if left >= 1 else left, now)
        return left >= 1


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the server is called from outside."""

    scheme: str
    port: int
    names: frozenset[str]
    """In lower case."""
    any_address: bool = False
    """Take an IP address for a name as well: nobody can bind one anew."""

    @property
    def cookie(self) -> str:
        """Name the cookie: ports of one host share theirs."""
        prefix = "__Host-" if self.scheme == "https" else ""
        return f"{prefix}gonerd-{self.port}"

    def knows(self, host: str) -> bool:
        """Say whether a Host header means this server."""
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not name:
            name, port = host, ""
        usual = {"http": "80", "https": "443"}[self.scheme]
        if (port or usual) != str(self.port):
            return False
        name = name.lower()
        return name in self.names or (self.any_address and _is_address(name.strip("[]")))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@dataclass(kw_only=True)
class Guard:
    """Stands before the routes."""

    app: ASGIApp
    access: Access
    site: Site
    rate: Rate | None = None
    """Of each person."""
    wrong: Rate = field(default_factory=lambda: Rate(each_second=1 / 3, at_once=WRONG_TOKENS))
    """Wrong tokens, by address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        answer = self._refusal(scope) or self.app
        await answer(scope, receive, self._with_headers(send))

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.site.scheme == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        return sending

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self.site.knows(headers.get("host", "")):
            return refused(421, "host", f"{headers.get('host', '')!r}", "the address of the link")
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return refused(405, "method", scope["method"], "GET or POST")
        opening = scope["path"] == "/" or scope["path"].startswith("/open/")
        comes_from = headers.get("sec-fetch-site", "none")
        if comes_from not in ("same-origin", "none") and not opening:
            return refused(403, "Sec-Fetch-Site", comes_from, "a request of the page itself")
        if (wrong := self._foreign(scope, headers)) is not None:
            return wrong
        if scope["path"].startswith("/open/") and scope["method"] == "GET":
            return self._open(scope)
        token, person = self._who(headers)
        if person is None:
            return self._stranger(scope, token)
        if self.rate is not None and not self.rate.takes(person.name):
            return _slower("requests", "fewer of them in a second")
        scope.setdefault("state", {})["person"] = person
        return None

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """Refuse what another page might send."""
        origin = headers.get("origin")
        mine = f"{self.site.scheme}://{headers.get('host', '')}"
        by_header = "authorization" in headers
        if origin is not None and origin != mine:
            return refused(403, "origin", repr(origin), mine)
        if scope["method"] != "POST":
            return None
        if origin is None and not by_header:
            return refused(403, "origin", "left out", mine)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return refused(415, "content-type", repr(kind), "application/json")
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return refused(413, "content-length", repr(length), f"at most {MOST_BYTES:,} bytes")
        return None

    def _who(self, headers: Headers) -> tuple[str, Person | None]:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            try:
                morsel = SimpleCookie(headers.get("cookie", "")).get(self.site.cookie)
            except CookieError:
                morsel = None
            token = "" if morsel is None else morsel.value
        return token, self.access.who(token) if token else None

    def _stranger(self, scope: Scope, token: str) -> Response:
        """Answer somebody without a token, or with a wrong one."""
        address = (scope.get("client") or ("",))[0]
        if token and not self.wrong.takes(address):
            return _slower("wrong tokens", "the link that was given to you")
        return refused(
            401, "token", "wrong" if token else "left out",
            "the link that `gonerd review` printed, opened once in this browser",
        )  # fmt: skip

    def _open(self, scope: Scope) -> Response:
        """Take the token of a link into a cookie, and go on to the page.

        A page goes on, not a redirect: a strict cookie is not sent on after a link from elsewhere.
        """
        token = scope["path"].removeprefix("/open/")
        if self.access.who(token) is None:
            return self._stranger(scope, token or "none")
        answer = Response(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>gonerd</title>'
            '<link rel="icon" href="/page/icon.svg">'
            '<meta http-equiv="refresh" content="0;url=/"><p><a href="/">Go on</a></p></html>',
            media_type="text/html",
        )
        answer.set_cookie(
            self.site.cookie, token, max_age=90 * 24 * 3600, path="/", httponly=True,
            samesite="strict", secure=self.site.scheme == "https",
        )  # fmt: skip
        return answer


def refused(status: int, what: str, value: str, expected: str) -> Response:
    """Say that a request is refused, and why, as errors are said everywhere."""
    message = f"{what}: {value} is refused; expected {expected}."
    return JSONResponse({"wrong": message}, status_code=status)


def _slower(what: str, expected: str) -> Response:
    answer = refused(429, what, "too many", expected)
    answer.headers["Retry-After"] = "1"
    return answer


def person_of(state: Mapping[str, Any]) -> Person:
    """Give the person whom the guard let in."""
    person = state["person"]
    assert isinstance(person, Person)
    return person
