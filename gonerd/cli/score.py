"""The command that scores systems against gold."""

from pathlib import Path
from typing import Annotated

import typer

from gonerd.cli.options import AsJson, print_result


def score(
    gold: Annotated[
        Path, typer.Argument(help="A release, annotations, or CoNLL columns.", show_default=False)
    ],
    predicted: Annotated[
        list[Path], typer.Argument(help="The same of systems; the first is compared to the others.")
    ],
    split: Annotated[str | None, typer.Option(help="Of releases. [default: all of them]")] = None,
    scheme: Annotated[
        str, typer.Option(help="Of tags: IOB2, IOB1, IOE1, IOE2, BIOES, IO.")
    ] = "IOB2",
    repair: Annotated[
        str | None,
        typer.Option(help="conlleval: read illegal tags as the CoNLL evaluation does."),
    ] = None,
    learnt: Annotated[
        Path | None,
        typer.Option(help="What systems learnt from (a release's train): score the unseen apart."),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Of each kind of mistake.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Score systems: exact spans, by label, length and position, with intervals and mistakes.

    Nothing is guessed: illegal tags, a prediction that is cut off, a document that lacks, another
    text are errors that name it.

    Example: gonerd score build/gonerd predictions.jsonl --split test
    """
    from gonerd.judge import Asked, judge
    from gonerd.score.report import difference_to_json, mistakes_to_json, result_to_json, to_text

    asked = Asked(split=split, scheme=scheme, repair=repair, learnt=learnt, examples=examples)
    judged = judge(gold, predicted, asked)
    print_result(
        {
            "gold": str(gold),
            "systems": [
                {
                    "predicted": one.name,
                    **result_to_json(one.result),
                    "mistakes": mistakes_to_json(one.mistakes),
                    "first_minus_this": difference_to_json(one.against_first),
                }
                for one in judged
            ],
        },
        "\n\n".join(
            to_text(one.name, one.result, one.mistakes, one.against_first) for one in judged
        ),
        as_json,
    )
