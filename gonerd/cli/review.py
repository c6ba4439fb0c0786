"""The command with which people review: a page in the browser, or a terminal."""

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gonerd.review.desk import Desk
    from gonerd.review.queues import Queue

Names = Annotated[str, typer.Option(metavar="NAMES", help="Names, with commas between.")]


def review(
    work: Annotated[
        Path,
        typer.Argument(metavar="WORK", help="The work folder of a builder, or one with documents."),
    ],
    annotator: Annotated[
        str | None, typer.Option(help="Who reviews, alone on this machine.")
    ] = None,
    guide: Annotated[
        str | None, typer.Option(help="The guide to follow. [default: the builder's]")
    ] = None,
    suggestions: Annotated[
        str | None,
        typer.Option(help="Whose annotations are suggested; '' for none. [default: the model's]"),
    ] = None,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="Review in this terminal, not on a page.")
    ] = False,
    queue: Annotated[
        Path | None, typer.Option(help="Who reads what, in what order: a TOML file.")
    ] = None,
    show_progress: Annotated[
        bool, typer.Option("--progress", help="Say how far everybody is, and end.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write what was decided as annotations, and end.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print progress as JSON.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the link alone.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes last time's, or a free one.")
    ] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    names: Annotated[
        str, typer.Option("--name", metavar="NAMES", help="What the machine is called in links.")
    ] = "",
    annotators: Annotated[
        str, typer.Option(metavar="NAMES", help="Who may review; each gets a link.")
    ] = "",
    adjudicators: Annotated[
        str, typer.Option(metavar="NAMES", help="Who may settle disputes as well.")
    ] = "",
    owner: Annotated[
        str, typer.Option(metavar="NAMES", help="Who may see everybody's work as well.")
    ] = "",
    certificate: Annotated[
        Path | None, typer.Option(help="Certificate for TLS, a PEM file.", readable=False)
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Its private key, a PEM file.", readable=False)
    ] = None,
    show_others: Annotated[
        bool, typer.Option("--show-others", help="Let everybody see what others hold.")
    ] = False,
    new_links: Annotated[
        bool, typer.Option("--new-links", help="Let no link from before work any more.")
    ] = False,
) -> None:
    """Let people correct what a model suggests, on a page in the browser; every step is saved.

    Example: gonerd review work/sample --annotator ana
    """
    from gonerd.errors import ConfigError
    from gonerd.review.desk import open_desk
    from gonerd.review.log import open_log
    from gonerd.review.queues import load_queue_config, open_queue

    if out is not None:
        from gonerd.review.derive import write_annotations

        count = write_annotations(work, out, guide=guide)
        typer.echo(f"{out}: {count:,} annotation{'' if count == 1 else 's'}", err=True)
        return
    if terminal or show_progress:
        desk = open_desk(work, guide=guide, suggestions=suggestions)
        drawn = open_queue(desk, None if queue is None else load_queue_config(queue))
        if show_progress:
            _tell_progress(work, desk, drawn, as_json)
        else:
            _in_terminal(work, desk, drawn, annotator)
        return
    from gonerd.review.web.access import EVERY_ROLE, Person, team
    from gonerd.review.web.serve import Options, serve

    group = team(_names(annotators), _names(adjudicators), _names(owner))
    if annotator is None and not group:
        raise ConfigError(
            "--annotator: left out; expected the name under which you review, or --annotators "
            "for several."
        )
    if annotator is not None and group:
        raise ConfigError(
            "--annotator, --annotators: both; expected one name for yourself alone, or several."
        )
    people = [Person(name=annotator.strip(), roles=EVERY_ROLE)] if annotator else group
    if not people[0].name:
        raise ConfigError("--annotator: is empty; expected a name.")
    desk = open_desk(work, guide=guide, suggestions=suggestions)
    log = open_log(work / "review")

    def ready(links: list[tuple[str, str]]) -> None:
        for name, link in links:
            typer.echo(link if annotator else f"{name}  {link}")
        typer.echo("Ctrl-C ends it; all is saved.", err=True)
        if annotator and not no_browser:
            webbrowser.open(links[0][1])

    options = Options(
        people=tuple(people),
        host=host,
        port=port,
        names=tuple(_names(names)),
        certificate=certificate,
        key=key,
        show_others=show_others,
        new_links=new_links,
    )
    drawn = open_queue(desk, None if queue is None else load_queue_config(queue))
    serve(desk, log, options, ready=ready, named_team=bool(group), queue=drawn)


def _in_terminal(work: Path, desk: "Desk", drawn: "Queue | None", annotator: str | None) -> None:
    from gonerd.errors import ConfigError, MissingExtra
    from gonerd.review.log import open_log

    if annotator is None:
        raise ConfigError("--annotator: left out; expected the name under which you review.")
    try:
        from gonerd.review.terminal.app import run_terminal
    except ImportError:
        raise MissingExtra(
            "--terminal: textual is not installed; expected the extra.\n"
            "Install it: pip install 'gonerd[review]'"
        ) from None
    run_terminal(desk, open_log(work / "review"), annotator.strip(), drawn)


def _tell_progress(work: Path, desk: "Desk", drawn: "Queue | None", as_json: bool) -> None:
    import json

    from gonerd.review.log import EVENTS, open_log
    from gonerd.review.progress import progress, progress_report, progress_to_json
    from gonerd.review.state import State

    there = (work / "review" / EVENTS).is_file()
    found = progress(desk, open_log(work / "review").state if there else State(), drawn)
    typer.echo(json.dumps(progress_to_json(found)) if as_json else progress_report(found))


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
