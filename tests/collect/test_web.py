"""Tests that an address gives its bytes whole or a reason why not, whatever the server does."""

import gc
import gzip
import socket

import pytest

from gonerd import __version__
from gonerd.collect.web import Answer, Refused, fetch, open_session
from tests.collect.server import Site, page

TEXT = "text/plain"
PACKED = gzip.compress(b"Ana went to Lund. " * 500)


def get(address: str, *, timeout_seconds: float = 5.0, max_bytes: int = 100_000) -> Answer:
    """Fetch an address with a session of its own."""
    with open_session() as session:
        return fetch(session, address, timeout_seconds=timeout_seconds, max_bytes=max_bytes)


def reason(address: str, *, timeout_seconds: float = 5.0, max_bytes: int = 100_000) -> str:
    """Fetch an address that must be refused, and return why."""
    with pytest.raises(Refused) as error:
        get(address, timeout_seconds=timeout_seconds, max_bytes=max_bytes)
    return str(error.value)


@pytest.mark.parametrize(
    ("headers", "kind", "charset"),
    [
        pytest.param({"kind": "text/html"}, "text/html", None, id="kind alone"),
        pytest.param(
            {"kind": "Text/HTML; Charset=ISO-8859-2"}, "text/html", "ISO-8859-2", id="upper case"
        ),
        pytest.param({"kind": 'text/plain; charset="utf-8"'}, TEXT, "utf-8", id="quoted"),
        pytest.param({"kind": "text/plain; format=flowed"}, TEXT, None, id="other parameter"),
        pytest.param({"kind": None}, "", None, id="no kind"),
    ],
)
def test_answer_carries_bytes_kind_and_charset_as_the_server_gives_them(
    site: Site, headers: dict[str, str | None], kind: str, charset: str | None
) -> None:
    body = bytes(range(256)) * 1000
    site.pages["/"] = page(body, **headers)  # type: ignore[arg-type]
    answer = get(site.address + "/", max_bytes=len(body))
    assert answer == Answer(content=body, kind=kind, charset=charset)


def test_server_is_told_who_asks(site: Site) -> None:
    site.pages["/"] = page(b"content")
    get(site.address + "/")
    assert site.agents == [f"gonerd/{__version__}"]


def test_redirect_is_followed(site: Site) -> None:
    site.pages["/old"] = page(status=301, Location="/new")
    site.pages["/new"] = page(b"moved here", kind=TEXT)
    assert get(site.address + "/old").content == b"moved here"


def test_packed_answer_is_unpacked(site: Site) -> None:
    site.pages["/"] = page(PACKED, kind=TEXT, Content_Encoding="gzip")
    assert get(site.address + "/").content == gzip.decompress(PACKED)


@pytest.mark.parametrize("status", [204, 206, 304, 403, 404, 410, 429, 500, 503])
def test_status_other_than_200_is_refused(site: Site, status: int) -> None:
    site.pages["/"] = page(b"" if status in (204, 304) else b"some words", status=status)
    assert reason(site.address + "/") == f"the server answered {status}"


def test_redirect_without_end_is_refused(site: Site) -> None:
    site.pages["/loop"] = page(status=302, Location="/loop")
    assert reason(site.address + "/loop") == "more than 10 redirects"
    assert site.asked == ["/loop"] * 11


def test_answer_of_exactly_the_limit_is_taken_and_one_byte_more_is_refused(site: Site) -> None:
    site.pages["/"] = page(b"x" * 70_000)
    assert len(get(site.address + "/", max_bytes=70_000).content) == 70_000
    assert reason(site.address + "/", max_bytes=69_999) == "the answer is over 69999 bytes"


def test_packed_answer_that_swells_over_the_limit_is_refused(site: Site) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    site.pages["/"] = page(bomb, Content_Encoding="gzip")
    assert len(bomb) < 100_000
    assert reason(site.address + "/") == "the answer is over 100000 bytes"


ENDS_EARLY = {
    "shorter than declared": page(b"half a te", length="18"),
    "in the middle of a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf\r\n9\r\na te"
    ),
    "after a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhalf\r\n",
}


@pytest.mark.parametrize("answer", ENDS_EARLY.values(), ids=ENDS_EARLY.keys())
def test_answer_that_ends_early_is_refused(site: Site, answer: bytes) -> None:
    site.pages["/"] = answer
    assert reason(site.address + "/") == "the answer broke off"


def test_packed_answer_that_ends_early_is_refused(site: Site) -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n\r\n"
    site.pages["/"] = head + PACKED[:-20]
    assert reason(site.address + "/")


def test_packed_answer_that_is_damaged_is_refused(site: Site) -> None:
    site.pages["/"] = page(b"no gzip at all", Content_Encoding="gzip")
    assert reason(site.address + "/")


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="before the status line"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Le", id="within the headers"),
        pytest.param(page(b"half a te", length="18"), id="within the text"),
    ],
)
def test_silent_server_is_not_waited_for(site: Site, begun: bytes) -> None:
    site.pages["/"] = begun
    site.silent.add("/")
    assert reason(site.address + "/", timeout_seconds=0.3) == "no answer within 0.3 seconds"


def test_closed_port_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert reason(f"http://127.0.0.1:{port}/") == "no connection to the server"


@pytest.mark.parametrize("answer", [b"", b"\x00\x01 nothing like HTTP\r\n\r\n"])
def test_server_that_does_not_speak_http_is_refused(site: Site, answer: bytes) -> None:
    site.pages["/"] = answer
    assert reason(site.address + "/") == "no connection to the server"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("file:///etc/hostname", id="to a file"),
        pytest.param("gopher://127.0.0.1/", id="to another protocol"),
        pytest.param("http://[::1", id="to half an address"),
        pytest.param("http://127.0.0.1:99999/", id="to no port"),
        pytest.param(f"http://{'a' * 64}.example/", id="to an impossible host"),
        pytest.param("http://\u00e9\xff/", id="to bytes that are no text"),
        pytest.param("http:///", id="to no host"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_redirect_to_what_is_no_web_address_is_refused(site: Site, target: str) -> None:
    site.pages["/"] = page(status=302, Location=target)
    assert reason(site.address + "/")
    gc.collect()  # requests forgets to close the answer whose redirect it cannot read


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("http://", id="no host"),
        pytest.param("http://[::1/", id="half an address"),
        pytest.param("http://127.0.0.1:port/", id="no number for a port"),
        pytest.param("http://.example/", id="empty label"),
        pytest.param(f"http://{'a' * 64}.example/", id="label too long"),
        pytest.param("http://a b.example/", id="blank in the host"),
        pytest.param("http://\ud800.example/", id="lone surrogate"),
    ],
)
def test_address_that_cannot_be_one_is_refused(address: str) -> None:
    assert reason(address)


@pytest.mark.parametrize("length", ["many", "-5", "\xb2", "7 7"])
def test_length_that_is_no_number_does_no_harm(site: Site, length: str) -> None:
    site.pages["/"] = page(b"content", kind=TEXT, length=length)
    try:
        assert get(site.address + "/").content == b"content"
    except Refused as refusal:
        assert str(refusal)
