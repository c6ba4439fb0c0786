"""The command line: parse, call one function, print. Data to standard output, messages to error."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gonerd import __version__
from gonerd.errors import GonerdError

if TYPE_CHECKING:
    from gonerd.build import Plan
    from gonerd.engine import Engine
    from gonerd.progress import Progress
    from gonerd.store import Manifest

app = typer.Typer(
    name="gonerd",
    help="Build long-document NER datasets: nothing truncated, nothing dropped in silence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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


@app.command()
def build(
    builder: BuilderName = "sample",
    work: Work = Path("work"),
    out: Out = None,
    source: Source = None,
    refusals: Refusals = None,
    workers: Workers = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Collect, pre-label, reconcile and publish; what is done already is not done again.

    Example: gonerd build
    """
    from gonerd.build import build as run
    from gonerd.report import release_report
    from gonerd.stats import describe

    plan = _plan(builder, work, out, source, refusals)
    release = run(plan, _engine(workers, strict))
    stats = describe(release)
    _print(stats.to_json(), release_report(stats, plan.out), as_json)


@app.command()
def collect(
    builder: BuilderName,
    work: Work = Path("work"),
    source: Source = None,
    refusals: Refusals = None,
    workers: Workers = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Read a builder's sources into documents.

    Example: gonerd collect court_opinions --from opinions/
    """
    from gonerd.build import run_collect

    plan = _plan(builder, work, None, source, refusals)
    _print_step(run_collect(plan, _engine(workers, strict)), plan.work / "documents", as_json)


@app.command()
def prelabel(
    builder: BuilderName,
    work: Work = Path("work"),
    workers: Workers = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Label the collected documents with the builder's spaCy pipeline.

    Example: gonerd prelabel sample
    """
    from gonerd.build import run_prelabel

    plan = _plan(builder, work, None, None, None)
    _print_step(run_prelabel(plan, _engine(workers, strict)), plan.work / "annotations", as_json)


@app.command()
def reconcile(
    builder: BuilderName,
    work: Work = Path("work"),
    workers: Workers = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Make one gold of all annotations, and disputes of what they do not agree on.

    Example: gonerd reconcile sample
    """
    from gonerd.build import run_reconcile

    plan = _plan(builder, work, None, None, None)
    _print_step(run_reconcile(plan, _engine(workers, strict)), plan.work / "gold", as_json)


@app.command()
def publish(
    builder: BuilderName,
    work: Work = Path("work"),
    out: Out = None,
    workers: Workers = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Write documents and gold as a release that `load_dataset` reads.

    Example: gonerd publish sample --out releases/gonerd
    """
    from gonerd.build import run_publish
    from gonerd.report import release_report
    from gonerd.stats import describe

    plan = _plan(builder, work, out, None, None)
    stats = describe(run_publish(plan, _engine(workers, strict)))
    _print(stats.to_json(), release_report(stats, plan.out), as_json)


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(help="A release, or a file or folder of annotations.")],
    documents: Annotated[
        Path | None, typer.Option(help="The texts (.jsonl, .parquet) that annotations speak of.")
    ] = None,
    guide: Annotated[str, typer.Option(help="The guide whose labels annotations use.")] = "gonerd",
    as_json: AsJson = False,
) -> None:
    """Check everything a release or a file of annotations promises; exit with 1 at any breach.

    Example: gonerd validate gonerd/
    """
    from gonerd.report import validation_report
    from gonerd.validate import validate as check

    result = check(path, documents=documents, guide=guide, progress=_progress())
    _print(result.to_json(), validation_report(result, path), as_json)
    if result.breaches:
        raise typer.Exit(1)


@app.command()
def stats(
    path: Annotated[Path, typer.Argument(help="The folder of a release.")],
    as_json: AsJson = False,
) -> None:
    """Print the numbers that describe a release.

    Example: gonerd stats gonerd/ --json
    """
    from gonerd.release import open_release
    from gonerd.report import release_report
    from gonerd.stats import describe

    described = describe(open_release(path))
    _print(described.to_json(), release_report(described, path), as_json)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Build long-document NER datasets: nothing truncated, nothing dropped in silence."""
    if version:
        typer.echo(f"gonerd {__version__}")
        raise typer.Exit


class Stopped(BaseException):
    """Somebody pressed Ctrl-C. (A KeyboardInterrupt would be swallowed by the parser's own way.)"""


def _stop(number: int, frame: object) -> None:
    raise Stopped


def main() -> None:
    """Run the command line; a GonerdError is one message and exit code 1."""
    signal.signal(signal.SIGINT, _stop)
    try:
        app()
    except GonerdError as error:
        sys.stdout.flush()
        print(f"gonerd: {error}", file=sys.stderr)
        sys.exit(1)
    except Stopped:
        print("gonerd: stopped; run the same command again to go on.", file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)  # worker processes end with this one; waiting for them would not be stopping
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _plan(
    builder: str, work: Path, out: Path | None, source: Path | None, refusals: str | None
) -> "Plan":
    from gonerd.build import load_plan

    known: dict[str | None, Literal["stop", "count"] | None] = {
        "stop": "stop", "count": "count", None: None
    }  # fmt: skip
    if refusals not in known:
        raise typer.BadParameter(f"{refusals!r} is not 'stop' or 'count'.", param_hint="--refusals")
    return load_plan(builder, work=work, out=out, source=source, refusals=known[refusals])


def _engine(workers: int, strict: bool) -> "Engine":
    from gonerd.engine import Engine

    return Engine(
        workers=workers or len(os.sched_getaffinity(0)),
        strict=strict,
        progress=_progress(),
    )


def _progress() -> "Progress":
    from gonerd.progress import Progress

    return Progress(shown=sys.stderr.isatty())


def _print_step(manifest: "Manifest", folder: Path, as_json: bool) -> None:
    from gonerd.report import step_report

    summary = {"counts": manifest.counts, "losses": manifest.losses, "folder": str(folder)}
    _print(summary, step_report(manifest, folder), as_json)


def _print(values: dict[str, Any], text: str, as_json: bool) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, indent=1) if as_json else text)
