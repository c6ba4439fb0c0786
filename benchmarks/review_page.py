"""How soon the page of `gonerd review` shows a document and answers a key, beside naive pages.

For documents of 5,000 to 2,000,000 characters with 40 spans in 1,000 words, in turns, in the same
Chromium: the page; a page that has everything in it and changes one element at a key; and one that
draws everything anew at a key, as pages that know no better do.
"""

import argparse
import hashlib
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

SIZES = (5_000, 50_000, 200_000, 1_000_000, 2_000_000)
DENSE = (200_000, 0.17)
"""Characters, and spans a word: 5,000 in the document that the page is made for."""
KEYS = "jajx"
WORDS = re.findall(
    r"\w+",
    "the of a river court judge and in on that was held by with for from house letter evening "
    "company before after paper which office answered nothing until somebody came",
)
NAMES = re.findall(
    r"\w+", "Angela Marsh Lindner Ohlsen Port Ellis Harrow Court Livonia Sons Tolland House"
)
LABELS = ("PER", "ORG", "LOC", "MISC")

WATCH = """
  window.shownAt = null;
  window.pressed = [];
  const afterPaint = (call) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = call;
    channel.port2.postMessage(0);
  });
  const look = () => {
    if (document.querySelector(".piece")) afterPaint(() => { window.shownAt = performance.now(); });
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  addEventListener("keydown", (event) => {
    afterPaint(() => window.pressed.push(performance.now() - event.timeStamp));
  }, true);
"""
"""Put into every page: when the first span is painted, and how long after each key a frame is."""

SCROLL = """async (pane) => {
  const found = [];
  let before = performance.now();
  for (let turn = 0; turn < 150; turn++) {
    (pane === "page" ? document.scrollingElement : document.querySelector(pane)).scrollTop += 120;
    await new Promise(requestAnimationFrame);
    found.push(performance.now() - before);
    before = performance.now();
  }
  return found;
}"""

NAIVE = """<!doctype html><meta charset="utf-8"><title>naive</title>
<style>
#text { width: 46em; margin: auto; font: 18px/2.15 serif; white-space: pre-wrap; }
.piece { border-bottom: 2px dashed; } .accepted { border-bottom-style: solid; background: #cde; }
.rejected { text-decoration: line-through; } .chosen { outline: 2px solid; }
.piece::after { content: attr(data-tag); font-size: 0.6em; }
</style><div id="text"></div><script src="naive.js"></script>
"""

NAIVE_SCRIPT = """
const anew = location.search === "?anew";
let text, spans, chosen = -1;
const place = document.getElementById("text");
function draw() {
  const parts = [];
  let at = 0;
  for (const span of spans) {
    parts.push(text.slice(at, span.start));
    const piece = document.createElement("span");
    piece.textContent = text.slice(span.start, span.end);
    piece.dataset.tag = span.label;
    span.piece = piece;
    dress(span);
    parts.push(piece);
    at = span.end;
  }
  parts.push(text.slice(at));
  place.replaceChildren(...parts);
}
function dress(span) {
  span.piece.className = `piece ${span.status ?? ""} ${span === spans[chosen] ? "chosen" : ""}`;
}
addEventListener("keydown", ({ key }) => {
  const before = spans[chosen];
  if (key === "j") chosen += 1;
  if (key === "a") spans[chosen].status = "accepted";
  if (key === "x") spans[chosen].status = "rejected";
  if (anew) draw();
  else for (const span of [before, spans[chosen]]) if (span) dress(span);
  spans[chosen]?.piece.scrollIntoView({ block: "nearest" });
});
window.choose = (at) => { chosen = at; draw(); spans[at].piece.scrollIntoView(); };
fetch("document.json").then((answer) => answer.json()).then((found) => {
  ({ text, spans } = found);
  draw();
});
"""


def make_document(size: int, share: float) -> tuple[str, list[dict[str, Any]]]:
    """Make a text of paragraphs, of whose words a share are spans."""
    draw = random.Random(size)
    parts: list[str] = []
    spans: list[dict[str, Any]] = []
    at = 0
    while at < size:
        for _ in range(draw.randint(40, 160)):
            word = draw.choice(WORDS)
            if draw.random() < share:
                word = " ".join(draw.choices(NAMES, k=draw.randint(1, 3)))
                label, confidence = draw.choice(LABELS), round(draw.uniform(0.3, 1), 3)
                place = {"start": at, "end": at + len(word), "label": label}
                spans.append({**place, "confidence": confidence})
            parts.append(word + " ")
            at += len(word) + 1
        parts.append("\n\n")
        at += 2
    return "".join(parts), spans


def write_work(folder: Path, text: str, spans: list[dict[str, Any]]) -> None:
    """Write a work folder with one document."""
    folder.mkdir()
    annotation = {
        "document_id": "long", "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "annotator": "model@1", "coverage": [[0, len(text)]], "spans": spans,
    }  # fmt: skip
    (folder / "documents.jsonl").write_text(json.dumps({"id": "long", "text": text}) + "\n")
    (folder / "suggestions.jsonl").write_text(json.dumps(annotation) + "\n")


@contextmanager
def reviewed(folder: Path) -> Iterator[str]:
    """Run `gonerd review`, and give its link."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gonerd", "review", folder, "--annotator", "ana", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, text: str, spans: list[dict[str, Any]]) -> Iterator[str]:
    """Serve the naive pages, and give their address."""
    folder.mkdir()
    (folder / "index.html").write_text(NAIVE)
    (folder / "naive.js").write_text(NAIVE_SCRIPT)
    (folder / "document.json").write_text(json.dumps({"text": text, "spans": spans}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def measure(page: Page, address: str, middle: str, pane: str, keys: int) -> dict[str, list[float]]:
    """Open a page, go to the middle of its document, press keys, scroll."""
    page.goto("about:blank")
    page.goto(address, wait_until="commit")
    shown = wait_for(page, "window.shownAt")
    page.wait_for_timeout(500)
    page.evaluate(middle)
    page.wait_for_timeout(500)
    for key in KEYS:
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    page.evaluate("window.pressed = []")
    for turn in range(keys):
        page.keyboard.press(KEYS[turn % len(KEYS)])
        page.wait_for_timeout(15)
    wait_for(page, f"window.pressed.length >= {keys}")
    return {
        "first_paint": [shown],
        "key": page.evaluate("window.pressed"),
        "frame": page.evaluate(SCROLL, pane),
    }


def wait_for(page: Page, what: str) -> Any:
    """Wait until something in the page is so; its policy forbids to wait within it."""
    for _ in range(6_000):
        if found := page.evaluate(what):
            return found
        page.wait_for_timeout(20)
    raise TimeoutError(what)


def measure_size(
    browser: Browser, size: int, share: float, rounds: int, keys: int
) -> dict[str, Any]:
    """Measure all pages with one document, in turns."""
    text, spans = make_document(size, share)
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        write_work(Path(place) / "work", text, spans)
        with (
            reviewed(Path(place) / "work") as link,
            served(Path(place) / "naive", text, spans) as naive,
        ):
            page = browser.new_context(viewport={"width": 1200, "height": 800}).new_page()
            page.add_init_script(WATCH)
            page.set_default_timeout(300_000)
            page.goto(link)
            page.wait_for_selector("html[data-ready]")
            half = spans[len(spans) // 2]["start"]
            sides = {
                "gonerd": (link.split("/open/")[0] + "/#long@0",
                           f"() => room.open('long', {half})", "#scroller", keys),
                "naive": (naive, f"() => choose({len(spans) // 2})", "page", keys),
                "naive_anew": (f"{naive}?anew", f"() => choose({len(spans) // 2})", "page",
                               keys if size <= 200_000 else keys // 10),
            }  # fmt: skip
            for _ in range(rounds):
                for name, (address, middle, pane, count) in sides.items():
                    one = measure(page, address, middle, pane, count)
                    for key, values in one.items():
                        found.setdefault(name, {}).setdefault(key, []).extend(values)
            page.context.close()
    row: dict[str, Any] = {"characters": len(text), "spans": len(spans)}
    return row | {name: summary(values) for name, values in found.items()}


def summary(values: dict[str, list[float]]) -> dict[str, Any]:
    """Give milliseconds: the median first paint, keys at the 50th and 99th percentile, frames."""
    return {
        "first_paint_ms": round(at(values["first_paint"], 50)),
        "key_to_paint_ms": {f"p{one}": round(at(values["key"], one), 1) for one in (50, 99)},
        "keys": len(values["key"]),
        "scroll_frame_ms": {f"p{one}": round(at(values["frame"], one), 1) for one in (50, 99)},
    }


def at(values: list[float], percent: int) -> float:
    """Give a percentile: the least value that so many do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def main() -> None:
    """Measure, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/review_page.json"))
    given = parser.parse_args()
    names = [os.environ.get("GONERD_CHROMIUM", ""), "chromium", "google-chrome"]
    path = next(found for name in names if name and (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--headless=new", "--disable-dev-shm-usage"]
        )
        rows = []
        for size, share in [*((size, 0.04) for size in given.sizes), DENSE]:
            rows.append(measure_size(browser, size, share, given.rounds, given.keys))
            print(json.dumps(rows[-1]), flush=True)
        result = {
            "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
            "versions": {"chromium": browser.version, "python": platform.python_version(),
                         "gonerd": version("gonerd")},
            "window": "1200 x 800",
            "rounds": given.rounds,
            "load_average": [round(one, 1) for one in os.getloadavg()],
            "documents": rows,
        }  # fmt: skip
        browser.close()
    given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
