"""A web server on loopback that answers, byte for byte, what a test tells it to."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a server serves and what it was asked for."""

    address: str
    """Without a slash at its end."""
    pages: dict[str, bytes] = field(default_factory=dict)
    """Path -> whole answer, status line and headers included; see `page`."""
    silent: set[str] = field(default_factory=set)
    """Paths after whose answer the connection stays open and nothing comes."""
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for, in order."""
    agents: list[str] = field(default_factory=list)
    """Who asked, as the client says."""


def page(
    body: bytes = b"",
    *,
    status: int = 200,
    kind: str | None = "text/html",
    length: str | None = None,
    **headers: str,
) -> bytes:
    """Lay out an answer; `length` is the declared one where that should not be the true one."""
    lines = [f"HTTP/1.0 {status} Because", f"Content-Length: {length or len(body)}"]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@contextlib.contextmanager
def serve() -> Iterator[Site]:
    """Serve a site at a free port of loopback while the block runs."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        """One request; http.server leaves no other way than a class."""

        def do_GET(self) -> None:
            """Answer as the site says."""
            site.asked.append(self.path)
            site.agents.append(self.headers["User-Agent"])
            with contextlib.suppress(OSError):  # the client may have had enough
                self.wfile.write(site.pages[self.path])
                self.wfile.flush()
            if self.path in site.silent:
                over.wait()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(address=f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            over.set()
            server.shutdown()
            thread.join()
