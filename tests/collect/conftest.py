"""What the tests of collecting share: a web server of their own, and no way round it."""

from collections.abc import Iterator

import pytest

from tests.collect.server import Site, serve


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go straight to loopback, whatever the machine is set up for."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve a site that is still empty."""
    with serve() as served:
        yield served


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    """Serve one site to all the examples of a property."""
    with serve() as served:
        yield served
