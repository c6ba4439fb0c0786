"""The commands that make and look at a dataset: build, its steps, validate, stats."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gonerd.cli.options import (
    AsJson,
    BuilderName,
    Out,
    Refusals,
    Source,
    Strict,
    Work,
    Workers,
    make_engine,
    make_progress,
    print_result,
)

if TYPE_CHECKING:
    from gonerd.build import Plan
    from gonerd.store import Manifest


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

    plan = make_plan(builder, work, out, source, refusals)
    release = run(plan, make_engine(workers, strict))
    stats = describe(release)
    print_result(stats.to_json(), release_report(stats, plan.out), as_json)


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

    plan = make_plan(builder, work, None, source, refusals)
    print_step(run_collect(plan, make_engine(workers, strict)), plan.work / "documents", as_json)


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

    plan = make_plan(builder, work, None, None, None)
    print_step(run_prelabel(plan, make_engine(workers, strict)), plan.work / "annotations", as_json)


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

    plan = make_plan(builder, work, out, None, None)
    stats = describe(run_publish(plan, make_engine(workers, strict)))
    print_result(stats.to_json(), release_report(stats, plan.out), as_json)


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

    result = check(path, documents=documents, guide=guide, progress=make_progress())
    print_result(result.to_json(), validation_report(result, path), as_json)
    if result.breaches:
        raise typer.Exit(1)


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
    print_result(described.to_json(), release_report(described, path), as_json)


def make_plan(
    builder: str, work: Path, out: Path | None, source: Path | None, refusals: str | None
) -> "Plan":
    """Read a builder, with what the command line says instead of it."""
    from gonerd.build import load_plan

    known: dict[str | None, Literal["stop", "count"] | None] = {
        "stop": "stop", "count": "count", None: None
    }  # fmt: skip
    if refusals not in known:
        raise typer.BadParameter(f"{refusals!r} is not 'stop' or 'count'.", param_hint="--refusals")
    return load_plan(builder, work=work, out=out, source=source, refusals=known[refusals])


def print_step(manifest: "Manifest", folder: Path, as_json: bool) -> None:
    """Print what a step gave and lost."""
    from gonerd.report import step_report

    summary = {"counts": manifest.counts, "losses": manifest.losses, "folder": str(folder)}
    print_result(summary, step_report(manifest, folder), as_json)
