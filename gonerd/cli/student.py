"""The commands that make and use models that read whole documents: convert."""

from pathlib import Path
from typing import Annotated

import typer

from gonerd.cli.options import AsJson, print_result


def convert(
    model: Annotated[
        str, typer.Argument(help="A folder of transformers, or OWNER/NAME on the hub.")
    ],
    attention: Annotated[str, typer.Option(metavar="KIND", help="One of those below.")],
    max_tokens: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many it shall read at once.")
    ],
    out: Annotated[Path, typer.Option(help="A folder that is empty, or not there yet.")],
    window: Annotated[
        int | None,
        typer.Option(help="Tokens seen around each, half of them on either side. [default: 512]"),
    ] = None,
    global_tokens: Annotated[
        int | None,
        typer.Option(help="First tokens that see all and are seen by all. [default: 1]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an encoder read long documents: more positions, attention in linear time, same weights.

    What changed is printed, and written to the model's card.

    Example: gonerd convert path/to/encoder --attention band --max-tokens 4096 --out encoder-4096

    Attentions: band, longformer (a band, and global tokens).
    """
    from gonerd.student.convert.convert import Request, convert

    made = convert(
        Request(
            model=model,
            out=out,
            attention=attention,
            max_tokens=max_tokens,
            window=window,
            global_tokens=global_tokens,
        )
    )
    lines = [f"{out}: {made.architecture} of {made.name}, reads {made.max_tokens:,} tokens"]
    lines += [f"  {one}" for one in made.changed]
    print_result({"out": str(out), **made.to_json()}, "\n".join(lines), as_json)
