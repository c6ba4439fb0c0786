"""The command line: parse, call one function, print. Data to standard output, messages to error."""

import os
import signal
import sys
from typing import Annotated

import typer

from gonerd import __version__
from gonerd.cli import annotations, dataset, student
from gonerd.cli import review as review_
from gonerd.cli import score as score_
from gonerd.errors import GonerdError

app = typer.Typer(
    name="gonerd",
    help="Build long-document NER datasets: nothing truncated, nothing dropped in silence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    dataset.build,
    dataset.collect,
    dataset.prelabel,
    review_.review,
    annotations.reconcile,
    dataset.publish,
    annotations.import_,
    annotations.export,
    annotations.agreement,
    score_.score,
    student.convert,
    student.finetune,
    student.evaluate,
    student.bench,
    dataset.validate,
    dataset.stats,
):
    app.command(command.__name__.rstrip("_"))(command)


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
    # What a stopped pool leaves behind is freed by Python's tracker, which would say so at length.
    quiet = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [os.getenv("PYTHONWARNINGS"), quiet]))
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
