"""What commands share: their options, and how they print."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gonerd.engine import Engine
    from gonerd.progress import Progress

BuilderName = Annotated[
    str, typer.Argument(metavar="BUILDER", help="A shipped builder's name, or the path of a .toml.")
]
Work = Annotated[Path, typer.Option(help="Folder for work that can be resumed.")]
Out = Annotated[
    Path | None, typer.Option(help="Place of the release. [default: ./NAME-OF-THE-RELEASE]")
]
Source = Annotated[
    Path | None, typer.Option("--from", help="Collect from here, not from where the builder says.")
]
Refusals = Annotated[
    str | None, typer.Option(help="What refused documents do: stop the build, or count.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes to share the work; 0 is one a core.")]
Strict = Annotated[bool, typer.Option("--strict", help="Make any loss an error.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Documents = Annotated[
    Path | None,
    typer.Option(help="The texts, where the annotations do not hold them.", readable=False),
]
Annotations = Annotated[
    list[Path],
    typer.Argument(help=".jsonl, .parquet, or a folder of such; - is stdin.", readable=False),
]


def make_engine(workers: int, strict: bool) -> "Engine":
    """Make what runs the steps; no workers means one for each core."""
    from gonerd.engine import Engine

    return Engine(
        workers=workers or len(os.sched_getaffinity(0)),
        strict=strict,
        progress=make_progress(),
    )


def make_progress() -> "Progress":
    """Make a bar, shown where somebody looks."""
    from gonerd.progress import Progress

    return Progress(shown=sys.stderr.isatty())


def print_result(
    values: dict[str, Any], text: str, as_json: bool, *, to_error: bool = False
) -> None:
    """Print a result for people or for machines; beside data on standard output, to error."""
    shown = json.dumps(values, ensure_ascii=False, indent=1) if as_json else text
    typer.echo(shown, err=to_error)
