"""A real Chromium and a real server, for tests and measurements of the page.

Chromium is that of the machine, or where GONERD_CHROMIUM says. Where there is none, tests are
skipped and say how to get one; with CI or GONERD_BROWSER=required in the environment they fail.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)  # fmt: skip
ADVICE = (
    "no Chromium or Chrome is here, so the page was NOT tested; get one (Debian: apt-get install "
    "chromium; macOS: brew install --cask chromium), or name it in GONERD_CHROMIUM"
)


def chromium() -> str:
    """Find a browser, or skip, or fail where it is required."""
    asked = os.environ.get("GONERD_CHROMIUM")
    for name in (asked,) if asked else NAMES:
        if found := shutil.which(name):
            return found
    if os.environ.get("CI") or os.environ.get("GONERD_BROWSER") == "required":
        pytest.fail(ADVICE)
    pytest.skip(ADVICE)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser."""
    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path,
            # A container may have little shared memory, and no sandbox within its own.
            args=["--no-sandbox", "--headless=new", "--disable-dev-shm-usage"],
        )
        yield started
        started.close()


@dataclass(kw_only=True)
class Server:
    """A server in a process of its own."""

    folder: Path
    options: tuple[str, ...] = ("--annotator", "ana")
    links: list[str] = field(default_factory=list)
    process: "subprocess.Popen[str] | None" = None

    def start(self) -> "Server":
        """Start it, and wait for its links."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gonerd", "review", self.folder, "--no-browser", *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        said = self.process.stderr.readline()  # comes after the links
        if not said.startswith("Ctrl-C"):
            raise AssertionError(said + self.process.stderr.read())
        names = 1 if "--annotator" in self.options else _people(self.options)
        self.links = [self.process.stdout.readline().split()[-1] for _ in range(names)]
        return self

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it, and give its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.communicate(timeout=30)
        return self.process.returncode

    @property
    def link(self) -> str:
        """Give the first link."""
        return self.links[0]

    @property
    def root(self) -> str:
        """Give the address without the token."""
        return self.link.split("/open/")[0]


def _people(options: tuple[str, ...]) -> int:
    named = ("--annotators", "--adjudicators", "--owner")
    return sum(len(value.split(",")) for name, value in pairwise(options) if name in named)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Server]:
    """Serve a work folder."""
    server = Server(folder=folder, options=options or ("--annotator", "ana")).start()
    try:
        yield server
    finally:
        server.end(signal.SIGKILL)


def ready(page: Page) -> Page:
    """Wait until a page can be worked on."""
    page.wait_for_selector("html[data-ready]", timeout=30_000)
    return page


def saved(page: Page) -> None:
    """Wait until the page says that all is saved."""
    page.wait_for_selector('#saved[data-state="saved"]', timeout=30_000)


def until(page: Page, condition: str) -> None:
    """Wait until something holds; the policy of the page forbids to ask so in the page itself."""
    for _ in range(500):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never: {condition}")
