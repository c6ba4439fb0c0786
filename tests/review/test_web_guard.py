"""Tests that every route is closed to strangers, to other pages, and to those with another role."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from gonerd.errors import ConfigError, StoreError
from gonerd.review.web.access import KEPT, grant, keep_port, last_port, team
from gonerd.review.web.guard import HEADERS, Rate, Site
from tests.review.offices import Place, place, write_work


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One server for all who ask in vain."""
    with place(write_work(tmp_path_factory.mktemp("guard"))) as one:
        yield one


ROUTES = [
    ("GET", "/"),
    ("GET", "/page/main.js"),
    ("GET", "/api/desk"),
    ("GET", "/api/text?document=plain"),
    ("GET", "/api/spans?document=plain"),
    ("GET", "/api/tokens?document=plain&start=0&end=9"),
    ("GET", "/api/guide"),
    ("GET", "/api/changes?after=0&document=plain"),
    ("GET", "/api/others?document=plain&start=0&end=9"),
    ("GET", "/api/progress"),
    ("GET", "/api/search?words=Ana"),
    ("POST", "/api/preview"),
    ("POST", "/api/wishes"),
    ("POST", "/api/place"),
]
"""Every one that there is."""
every_route = pytest.mark.parametrize(("method", "path"), ROUTES)


def test_no_route_is_left_out(office: Place) -> None:
    def routes(app: object) -> list[Route]:
        while not hasattr(app, "routes"):
            app = app.app  # type: ignore[attr-defined]
        return [one for one in app.routes if isinstance(one, Route)]

    there = {
        (method, one.path)
        for one in routes(office.app)
        for method in one.methods or ()
        if method != "HEAD"
    }
    assert there == {
        (method, path.partition("?")[0].replace("main.js", "{name}")) for method, path in ROUTES
    }


def ask(office: Place, method: str, path: str, name: str | None = "ana", **headers: object) -> int:
    """Ask, and give the status alone."""
    client = office.client(name)
    body = b"{}" if method == "POST" else None
    return client.ask(method, path, body, headers).status  # type: ignore[arg-type]


@every_route
def test_nobody_comes_without_a_token(office: Place, method: str, path: str) -> None:
    assert ask(office, method, path, None) == 401
    assert ask(office, method, path, None, cookie="gonerd-8000=") == 401
    assert ask(office, method, path, None, authorization="Bearer ") == 401


@every_route
def test_with_a_token_all_are_let_in(office: Place, method: str, path: str) -> None:
    token = office.access.tokens["ana"]
    found = {
        ask(office, method, path),
        ask(office, method, path, None, authorization=f"Bearer {token}"),
        ask(office, method, path, None, authorization=f"Bearer {token}", origin=None),
    }
    assert found <= {200, 400, 403 if "others" in path else 200}


@every_route
@pytest.mark.parametrize(
    "host", ["evil.example:8000", "127.0.0.1:8001", "127.0.0.1", "", "192.168.0.7:8000", "[::1]:80"]
)
def test_a_name_bound_anew_is_refused(office: Place, method: str, path: str, host: str) -> None:
    assert ask(office, method, path, host=host, origin=f"http://{host}") == 421


@every_route
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9", "https://127.0.0.1:8000"]
)
def test_other_pages_are_refused(office: Place, method: str, path: str, origin: str) -> None:
    assert ask(office, method, path, origin=origin) == 403


@every_route
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_page_loads_is_refused(
    office: Place, method: str, path: str, site: str
) -> None:
    assert ask(office, method, path, sec_fetch_site=site) == (200 if path == "/" else 403)


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "POST"])
def test_a_form_cannot_post(office: Place, path: str) -> None:
    assert ask(office, "POST", path, origin=None) == 403
    assert ask(office, "POST", path, content_type="text/plain") == 415
    assert ask(office, "POST", path, content_type="application/x-www-form-urlencoded") == 415
    assert ask(office, "POST", path, content_length=None) == 413
    assert ask(office, "POST", path, content_length="4000001") == 413


@every_route
@pytest.mark.parametrize("method_asked", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(
    office: Place, method: str, path: str, method_asked: str
) -> None:
    assert ask(office, method_asked, path) == 405


@every_route
def test_every_answer_has_the_headers(office: Place, method: str, path: str) -> None:
    for name in ("ana", None):
        body = b"{}" if method == "POST" else None
        headers = office.client(name).ask(method, path, body, {}).headers
        for key, value in HEADERS.items():
            if key != "Cache-Control":
                assert headers[key.lower()] == value, key
        assert "server" not in headers


def test_nothing_else_is_there(office: Place) -> None:
    for path in ("/docs", "/openapi.json", "/page/../app.py", "/page/%2e%2e/app.py", "/page/x.js",
                 "/page/index.html", "/api", "/api/nothing"):  # fmt: skip
        answer = office.client("ana").get(path)
        assert answer.status == 404, path
        assert office.client(None).get(path).status == 401


def test_a_link_gives_a_cookie_that_other_pages_cannot_use(office: Place) -> None:
    token = office.access.tokens["ana"]
    answer = office.client(None).get(f"/open/{token}", sec_fetch_site="cross-site")
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"gonerd-8000={token}; HttpOnly; ")
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert b'http-equiv="refresh" content="0;url=/"' in answer.body


def test_guessing_tokens_ends(tmp_path: Path) -> None:
    with place(write_work(tmp_path)) as office:
        stranger = office.client(None)
        found = [stranger.get(f"/open/guess-{turn}").status for turn in range(30)]
        assert found == [401] * 20 + [429] * 10
        assert office.client("ana").get("/api/desk").status == 200


def test_somebody_who_asks_too_much_is_slowed_and_the_others_are_not(tmp_path: Path) -> None:
    rate = Rate(each_second=1, at_once=3, clock=lambda: 0.0)
    with place(write_work(tmp_path), rate=rate) as office:
        found = [office.client("ana").get("/api/desk") for _ in range(5)]
        assert [one.status for one in found] == [200, 200, 200, 429, 429]
        assert found[-1].headers["retry-after"] == "1"
        assert office.client("ben").get("/api/desk").status == 200


def test_a_rate_comes_back_with_time() -> None:
    now = 0.0
    rate = Rate(each_second=2, at_once=2, clock=lambda: now)
    assert [rate.takes("a") for _ in range(3)] == [True, True, False]
    now = 0.5
    assert [rate.takes("a") for _ in range(2)] == [True, False]
    now = 100.0
    assert [rate.takes("a") for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("site", "host", "known"),
    [
        (Site(scheme="https", port=443, names=frozenset({"a.example"})), "A.example", True),
        (Site(scheme="https", port=443, names=frozenset({"a.example"})), "a.example:443", True),
        (Site(scheme="https", port=443, names=frozenset({"a.example"})), "b.example", False),
        (Site(scheme="https", port=8443, names=frozenset(), any_address=True), "10.0.0.1:8443",
         True),
        (Site(scheme="https", port=8443, names=frozenset(), any_address=True), "[fe80::1]:8443",
         True),
        (Site(scheme="https", port=8443, names=frozenset(), any_address=True), "a.example:8443",
         False),
        (Site(scheme="http", port=80, names=frozenset({"[::1]"})), "[::1]", True),
    ],
)  # fmt: skip
def test_a_server_knows_its_names(site: Site, host: str, known: bool) -> None:
    assert site.knows(host) is known


def test_tokens_and_port_outlive_the_server_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first = grant(tmp_path, team(["ana", "ben"]))
    keep_port(tmp_path, 4242)
    again = grant(tmp_path, team(["ana"]))
    assert again.tokens == {"ana": first.tokens["ana"]}
    assert again.who(first.tokens["ben"]) is None
    assert grant(tmp_path, team(["ben"])).tokens["ben"] == first.tokens["ben"]
    assert last_port(tmp_path) == 4242
    assert stat.S_IMODE((tmp_path / KEPT).stat().st_mode) == 0o600
    new = grant(tmp_path, team(["ana"]), new=True)
    assert new.who(first.tokens["ana"]) is None
    assert new.tokens["ana"] != first.tokens["ana"]


def test_broken_tokens_are_refused(tmp_path: Path) -> None:
    (tmp_path / KEPT).write_text("{")
    with pytest.raises(StoreError) as error:
        grant(tmp_path, team(["ana"]))
    assert str(error.value) == (
        f"{tmp_path / KEPT}: cannot be read; expected the tokens of annotators.\n"
        "Take it away, and everybody gets a new link."
    )


def test_roles() -> None:
    people = {one.name: sorted(one.roles) for one in team(["ana", "cora"], ["cora"], ["dan"])}
    assert people == {
        "ana": ["annotator"],
        "cora": ["adjudicator", "annotator"],
        "dan": ["adjudicator", "annotator", "owner"],
    }
    with pytest.raises(ConfigError) as error:
        team(["a\nb"])
    assert str(error.value) == "name 'a\\nb': expected one that can be read."
