"""Many annotators at once on one server of `gonerd review`: how many, how fast, and nothing lost.

    python benchmarks/review_load.py [--annotators 50] [--seconds 300] [--think 1.0]
                                     [--out benchmarks/results]

A server in a process of its own, over loopback. Every annotator has a page that waits for changes,
as a browser's does, and does one thing after another (accept, reject, relabel, move a border, undo,
take a range as read), thinking in between. Halfway the server is killed (SIGKILL) and started
again; who got no answer asks once more, as the page does. At the end every act that was said to be
saved must be in the log, with the number that was said, and no other. Then the same annotators
without thinking, to see how much the server can take.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from gonerd.records import Annotation, Document, Span, annotation_to_json, document_to_json
from gonerd.review.log import EVENTS, open_log

ROOT = Path(__file__).parent.parent
LABELS = ("PER", "ORG", "LOC", "MISC")
GIVE_UP = 60.0
"""Seconds after which an annotator whom nobody answers ends."""


@dataclass(kw_only=True)
class Tally:
    """What annotators saw."""

    said: dict[str, int] = field(default_factory=dict)
    """The number of the act that was said to be saved, by origin."""
    seconds: list[float] = field(default_factory=list)
    """From asking to the answer."""
    asked_again: list[float] = field(default_factory=list)
    """The same of those that had to ask again: the server was gone, or had hung up on a pause."""
    outcomes: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    """Requests that got no answer, and were sent again."""
    changes: int = 0
    """Answers to pages that waited."""


@dataclass(kw_only=True)
class Site:
    """Where the server is, and who may come."""

    port: int = 0
    tokens: dict[str, str] = field(default_factory=dict)


class Link:
    """One connection, as a browser keeps it open; a plain client so that it costs little."""

    def __init__(self, site: Site, token: str) -> None:
        self.site, self.token = site, token
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request and read its answer; an OSError where there is none."""
        raw = b"" if body is None else json.dumps(body).encode()
        host = f"127.0.0.1:{self.site.port}"
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Origin: http://{host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(raw)}\r\n\r\n"
        )
        try:
            if self.streams is None:
                self.streams = await asyncio.open_connection("127.0.0.1", self.site.port)
            reader, writer = self.streams
            writer.write(head.encode() + raw)
            status = int((await _line(reader)).split()[1])
            length = 0
            while header := (await _line(reader)).strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            return status, json.loads(await reader.readexactly(length) or b"null")
        except (OSError, EOFError):
            self.close()
            raise OSError("no answer") from None

    def close(self) -> None:
        """Hang up."""
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def _line(reader: asyncio.StreamReader) -> bytes:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line


async def annotate(
    name: str, site: Site, documents: Mapping[str, Sequence[Span]], ends: float, think: float,
    tally: Tally, seed: int,
) -> None:  # fmt: skip
    """Act as one annotator until the time is over; what got no answer is asked again."""
    chance, link = random.Random(f"{seed} {name}"), Link(site, site.tokens[name])
    page, number = f"load{seed:04d}{name}", 0
    order = [(document, span) for document, spans in documents.items() for span in spans]
    chance.shuffle(order)
    await asyncio.sleep(chance.random() * think)
    while time.monotonic() < ends:
        document, span = order[number % len(order)]
        number += 1
        wish = {"number": number, **_wish(chance, document, span)}
        body = {"page": page, "document": document, "wishes": [wish]}
        begun, again = time.monotonic(), False
        while True:
            try:
                status, answer = await link.ask("POST", "/api/wishes", body)
            except OSError:
                status, answer = 503, None
            if status not in (429, 503):
                break
            again = True
            tally.repeated += 1
            if time.monotonic() > begun + GIVE_UP:
                raise TimeoutError(f"{name}: nobody answers")
            await asyncio.sleep(0.25)
        (tally.asked_again if again else tally.seconds).append(time.monotonic() - begun)
        (row,) = answer["answers"]
        tally.outcomes[f"{wish['verb']} {row['outcome']}"] += 1
        if row["outcome"] == "saved":
            tally.said[f"web/{page}/{number}"] = row["act"]
        elif row["outcome"] != "nothing":
            raise AssertionError(f"{name}: {row}")
        if think:
            await asyncio.sleep(
                min(chance.expovariate(1.0 / think), max(ends - time.monotonic(), 0))
            )
    link.close()


def _wish(chance: random.Random, document: str, span: Span) -> dict[str, Any]:
    row = [span.start, span.end, span.label]
    verb = chance.choices(
        ("accept", "reject", "relabel", "border", "undo", "finish"), (60, 15, 8, 7, 6, 4)
    )[0]
    wish: dict[str, Any] = {"verb": verb, "document": document}
    if verb in ("accept", "reject"):
        return {**wish, "spans": [row]}
    if verb == "relabel":
        return {**wish, "span": row, "label": chance.choice(LABELS)}
    if verb == "border":
        return {**wish, "span": row, "start": span.start, "end": span.end + 1}
    if verb == "finish":
        return {**wish, "start": max(0, span.start - 200), "end": span.end + 1, "rest": "leave"}
    return {"verb": "undo"}


async def wait_for_changes(
    name: str, site: Site, document: str, ends: float, tally: Tally
) -> None:  # fmt: skip
    """Be the page that waits for what changes elsewhere."""
    link, after = Link(site, site.tokens[name]), 0
    while time.monotonic() < ends:
        try:
            async with asyncio.timeout(max(ends - time.monotonic(), 0.01)):
                status, answer = await link.ask(
                    "GET", f"/api/changes?after={after}&document={document}"
                )
        except OSError:  # a TimeoutError too
            link.close()
            await asyncio.sleep(0.25)
            continue
        if status == 200 and isinstance(answer, dict):
            tally.changes += 1
            after = answer.get("act", after)
    link.close()


class Server:
    """`gonerd review` in a process of its own."""

    def __init__(self, work: Path, names: Sequence[str], site: Site) -> None:
        self.work, self.names, self.site = work, names, site
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> float:
        """Start it, learn links and port, and say how many seconds that took."""
        begun = time.monotonic()
        command = [
            sys.executable, "-m", "gonerd", "review", str(self.work), "--no-browser",
            "--annotators", ",".join(self.names), "--port", str(self.site.port),
        ]  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        for _ in self.names:
            line = (await self.process.stdout.readline()).decode()
            if not line:
                raise RuntimeError("the server ended before it listened")
            name, link = line.split()
            self.site.tokens[name] = link.rpartition("/")[2]
            self.site.port = int(link.split("/")[2].rpartition(":")[2])
        return time.monotonic() - begun

    async def end(self, by: signal.Signals) -> None:
        """End it, gently or not."""
        assert self.process is not None
        self.process.send_signal(by)
        await self.process.wait()

    def memory(self) -> float:
        """Give what it holds, in MiB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


async def phase(
    server: Server, documents: Mapping[str, Sequence[Span]], seconds: float, think: float,
    seed: int, *, kill: bool,
) -> tuple[Tally, dict[str, Any]]:  # fmt: skip
    """Let everybody work for some time."""
    tally, down = Tally(), 0.0
    begun = time.monotonic()
    ends, first = begun + seconds, next(iter(documents))
    tasks = [
        asyncio.create_task(one)
        for name in server.names
        for one in (
            annotate(name, server.site, documents, ends, think, tally, seed),
            wait_for_changes(name, server.site, first, ends, tally),
        )
    ]
    if kill:
        await asyncio.sleep(seconds / 2)
        since = time.monotonic()
        await server.end(signal.SIGKILL)
        await server.start()
        down = time.monotonic() - since
    await asyncio.gather(*tasks)
    took = time.monotonic() - begun
    waits = np.array(tally.seconds) * 1000
    return tally, {
        "seconds": round(took, 1),
        "requests": len(waits) + len(tally.asked_again),
        "a second": round(len(waits) / (took - down), 1),
        "saved": len(tally.said),
        "p50 ms": round(float(np.percentile(waits, 50)), 1),
        "p90 ms": round(float(np.percentile(waits, 90)), 1),
        "p99 ms": round(float(np.percentile(waits, 99)), 1),
        "worst ms": round(float(waits.max()), 1),
        "asked again": len(tally.asked_again),
        "longest wait of those, s": round(max(tally.asked_again, default=0.0), 1),
        "answers to waiting pages": tally.changes,
        "killed": int(kill),
        "seconds without a server": round(down, 1),
        "outcomes": dict(sorted(tally.outcomes.items())),
    }


def compare(work: Path, tallies: Sequence[Tally]) -> dict[str, int]:
    """Compare what was said to be saved with what is in the log."""
    log = open_log(work / "review")
    said = {origin: number for tally in tallies for origin, number in tally.said.items()}
    written = {act.origin: act.number for act in log.state.acts}
    return {
        "events acknowledged": len(said),
        "events written": len(log.state.acts),
        "acknowledged but not written": len(said.keys() - written.keys()),
        "written but not acknowledged": len(written.keys() - said.keys()),
        "acknowledged under another number": sum(
            written.get(origin, number) != number for origin, number in said.items()
        ),
        "bytes": (work / "review" / EVENTS).stat().st_size,
    }


def write_work(folder: Path) -> None:
    """Write ten documents of 200,000 characters with 1,000 suggestions each."""
    chance = random.Random(0)
    documents, suggestions = [], []
    for number in range(10):
        words = [chance.choice(("Ann", "went", "to", "Lund", "with", "Bo")) for _ in range(50_000)]
        text = " ".join(words)[:200_000].ljust(200_000, ".")
        one = Document(id=f"d{number}", text=text, source="load", license="cc0-1.0", language="en")
        documents.append(document_to_json(one))
        spans = tuple(
            Span(start=at, end=at + 4, label=chance.choice(LABELS), confidence=chance.random())
            for at in range(0, 199_000, 199)
        )
        suggestions.append(
            annotation_to_json(
                Annotation(
                    document_id=one.id, text_sha256=one.text_sha256, annotator="model@1",
                    guide="gonerd@1", coverage=((0, len(text)),), spans=spans,
                )
            )
        )  # fmt: skip
    for name, rows in (("documents", documents), ("suggestions", suggestions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


async def run(work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure: at people's pace with a kill in the middle, then as fast as it goes."""
    spans: dict[str, list[Span]] = {}
    for line in (work / "suggestions.jsonl").read_text().splitlines():
        row = json.loads(line)
        spans[row["document_id"]] = [
            Span(start=one["start"], end=one["end"], label=one["label"]) for one in row["spans"]
        ]
    names = [f"w{number:03d}" for number in range(options.annotators)]
    server = Server(work, names, Site())
    started = await server.start()
    paced, paced_row = await phase(server, spans, options.seconds, options.think, 1, kill=True)
    flat, flat_row = await phase(server, spans, options.seconds / 5, 0.0, 2, kill=False)
    memory = server.memory()
    await server.end(signal.SIGINT)
    return {
        "annotators": options.annotators,
        "think seconds": options.think,
        "at people's pace, killed halfway": paced_row,
        "without thinking": flat_row,
        "log": compare(work, [paced, flat]),
        "seconds to start": round(started, 1),
        "most memory of the server, MiB": round(memory),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load of the machine before": options.load,
        "uvicorn": version("uvicorn"),
    }


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--annotators", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--think", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    options.load = [round(one, 1) for one in os.getloadavg()]
    work = Path(tempfile.mkdtemp(prefix="review_load_"))
    try:
        write_work(work)
        result = asyncio.run(run(work, options))
    finally:
        shutil.rmtree(work)
    print(json.dumps(result, indent=2))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "review_load.json").write_text(json.dumps(result, indent=2) + "\n")
    log = result["log"]
    if log["events acknowledged"] != log["events written"] or any(
        log[key]
        for key in (
            "acknowledged but not written",
            "written but not acknowledged",
            "acknowledged under another number",
        )
    ):
        sys.exit("What was said to be saved is not what was saved.")


if __name__ == "__main__":
    main()
