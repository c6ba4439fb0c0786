"""Models and a split of a release into predictions, a report of them, and figures by length.

All that can be refused is refused first. Predictions are written before anything is timed.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from gonerd.beside import lines_of, write_all
from gonerd.errors import ConfigError
from gonerd.gather import Annotated
from gonerd.progress import QUIET, Progress
from gonerd.records import annotation_to_json
from gonerd.student.evaluate.apart import measure_apart
from gonerd.student.evaluate.plots import figures
from gonerd.student.evaluate.quality import (
    LENGTHS,
    Predicted,
    check_labels,
    labels_of,
    predict_split,
)
from gonerd.student.evaluate.speed import Task
from gonerd.student.finetune.data import open_data, read_split

MOST = 1_000_000
"""Tokens that may be asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to evaluate, and on what."""

    models: tuple[Path, ...]
    data: Path
    split: str = "test"
    out: Path | None = None
    """Where the predictions go, as annotations."""
    json: Path | None = None
    """Where the report goes."""
    plots: Path | None = None
    """A folder for figures."""
    lengths: tuple[int, ...] = LENGTHS
    """In pieces of a model, to be timed at."""
    longest: int | None = None
    overlap: int = 64


def evaluate(request: Request, progress: Progress = QUIET) -> dict[str, Any]:
    """Predict a split with each model, time each, write down what is asked for, and report it."""
    _check_places(request)
    names = names_of(request.models)
    data = open_data(request.data)
    for path in request.models:
        check_labels(path, labels_of(path), data)
    documents = read_split(data, request.split)
    with progress.bar("predict", len(names) * len(documents)) as tick:
        predicted = [
            predict_split(
                path,
                name,
                data,
                documents,
                longest=request.longest,
                overlap=request.overlap,
                tick=tick,
            )
            for path, name in zip(request.models, names, strict=True)
        ]
    if request.out is not None:
        said = (one for model in predicted for one in model.annotations)
        write_all({request.out: lines_of(map(annotation_to_json, said))})
    with progress.bar("time", len(names) * len(request.lengths)) as tick:
        timed = [
            measure_apart(_task(request, path, one, documents), tick)
            if request.lengths
            else {"rows": []}
            for path, one in zip(request.models, predicted, strict=True)
        ]
    report = {
        "data": str(request.data),
        "split": request.split,
        "documents": len(documents),
        "words": sum(len(one.document.text.split()) for one in documents),
        "processors": len(os.sched_getaffinity(0)),
        "models": [
            {"model": name, **one.report, "speed": speed}
            for name, one, speed in zip(names, predicted, timed, strict=True)
        ],
    }
    _write(request, report)
    return report


def names_of(models: Sequence[Path]) -> list[str]:
    """Name models as their folders are, with as many folders above as tell them apart."""
    places = [path.resolve() for path in models]
    if again := [path for path, place in zip(models, places, strict=True)
                 if places.count(place) > 1]:  # fmt: skip
        raise ConfigError(f"--model {again[0]}: is given twice; expected each model once.")
    for most in count(1):
        names = ["/".join(place.parts[-most:]) for place in places]
        if len(set(names)) == len(names):
            return names
    raise AssertionError("different paths differ somewhere")


def lengths_of(said: str) -> tuple[int, ...]:
    """Read lengths with commas between them; `none` is none."""
    if said.strip() == "none":
        return ()
    parts = [one.strip() for one in said.split(",")]
    if not all(one.isascii() and one.isdecimal() and 0 < int(one) <= MOST for one in parts):
        raise ConfigError(
            f"--lengths {said}: expected numbers of tokens from 1 to {MOST:,} with commas between "
            "them, such as 512,4096; or none."
        )
    return tuple(sorted({int(one) for one in parts}))


def _check_places(request: Request) -> None:
    """Refuse a place that cannot be written, rather than after an hour."""
    places = {"--out": request.out, "--json": request.json, "--plots": request.plots}
    seen: dict[Path | str, str] = {}
    for option, place in places.items():
        if place is None:
            continue
        key = str(place) if str(place) == "-" else place.resolve()
        if key in seen:
            raise ConfigError(f"{option} {place}: is what {seen[key]} writes; expected another.")
        seen[key] = option
        if str(place) != "-" and not place.resolve().parent.is_dir():
            raise ConfigError(
                f"{option} {place}: no folder {place.parent} to write into; expected one that "
                "is there."
            )
        is_folder = option == "--plots"
        if place.exists() and place.is_dir() != is_folder:
            expected = "a folder" if is_folder else "the name of a file"
            raise ConfigError(f"{option} {place}: is in the way; expected {expected}.")


def _task(
    request: Request, path: Path, predicted: Predicted, documents: Sequence[Annotated]
) -> Task:
    return Task(
        model=str(path),
        text="\n".join(_enough(documents, 16 * max(request.lengths))),
        lengths=request.lengths,
        longest=predicted.reading.longest,
        overlap=predicted.reading.overlap,
        every_piece=predicted.reading.every_piece,
    )


def _enough(documents: Sequence[Annotated], characters: int) -> Iterator[str]:
    """Take texts until there are about so many characters."""
    for one in documents:
        if characters <= 0:
            return
        yield one.document.text[:characters]
        characters -= len(one.document.text)


def _write(request: Request, report: dict[str, Any]) -> None:
    files: dict[Path, bytes] = {}
    if request.json is not None:
        laid_out = json.dumps(report, ensure_ascii=False, indent=1)
        files[request.json] = laid_out.encode("utf-8", "backslashreplace") + b"\n"
    if request.plots is not None:
        drawn = figures(report)
        files |= {request.plots / name: drawing.encode() for name, drawing in drawn.items()}
    write_all(files)
