"""The command with which people review: a page in the browser."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

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
    serve(desk, log, options, ready=ready, named_team=bool(group))


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
