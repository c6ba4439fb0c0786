"""The commands that make, use and time models that read whole documents."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gonerd.cli.options import AsJson, make_progress, print_result


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
        typer.Option(
            help="Tokens that see all and are seen by all: the first ones, or new ones before them "
            "(lsg). [default: 1]"
        ),
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(help="Tokens; each sees three blocks. [default: bigbird 64, lsg 128]"),
    ] = None,
    random_blocks: Annotated[
        int | None, typer.Option(help="Blocks drawn for each block. [default: 3]")
    ] = None,
    global_blocks: Annotated[
        int | None,
        typer.Option(help="First blocks that see all and are seen, and last ones. [default: 1]"),
    ] = None,
    sparse_block_size: Annotated[
        int | None, typer.Option(help="Sparse tokens seen on either side. [default: a block]")
    ] = None,
    sparsity_factor: Annotated[
        int | None, typer.Option(help="Tokens that a sparse one stands for. [default: 2]")
    ] = None,
    selection: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="stride, block_stride, norm, pooling, bos_pooling or lsh. [default: norm]",
        ),
    ] = None,
    landmarks: Annotated[
        int | None,
        typer.Option(help="Means of segments through which a text is read. [default: 64]"),
    ] = None,
    adapt: Annotated[
        Path | None,
        typer.Option(
            help="Go on with its pretraining on these texts: a release, .jsonl, .parquet."
        ),
    ] = None,
    updates: Annotated[int, typer.Option(min=1, help="Of --adapt, 4,096 pieces each.")] = 1_000,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="Of --adapt.")] = 3e-5,
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="Of --adapt: in 16 bits.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an encoder read long documents: more positions, attention in linear time, same weights.

    What changed is printed, and written to the model's card. Longformer and BigBird checkpoints
    keep the attention that they have. With --adapt a model goes on with its pretraining (masked
    language modelling); give the same command again, and a stopped run goes on.

    Example: gonerd convert path/to/encoder --attention band --max-tokens 4096 --out encoder-4096

    Attentions: band, longformer (a band, and global tokens), bigbird (near, random and global
    blocks), lsg (near blocks, sparse tokens beyond, and global tokens), nystromformer (landmarks).
    """
    from gonerd.student.convert.adapt import Adapting, convert_and_adapt, to_text
    from gonerd.student.convert.convert import Request
    from gonerd.student.convert.convert import convert as convert_only
    from gonerd.student.convert.kinds import Asked

    request = Request(
        model=model,
        out=out,
        attention=attention,
        max_tokens=max_tokens,
        asked=Asked(
            window=window,
            global_tokens=global_tokens,
            block=block,
            random_blocks=random_blocks,
            global_blocks=global_blocks,
            sparse_block_size=sparse_block_size,
            sparsity_factor=sparsity_factor,
            selection=selection,
            landmarks=landmarks,
        ),
    )
    said = []
    if adapt is None:
        made = convert_only(request).to_json()
    else:
        adapting = Adapting(
            corpus=adapt, updates=updates, learning_rate=learning_rate, bfloat16=bfloat16
        )
        made, adapted = convert_and_adapt(request, adapting)
        made["adapted"] = asdict(adapted)
        said = [to_text(adapted).replace("\n", "\n  ")]
    lines = [f"{out}: {made['architecture']} of {made['model']}, reads {max_tokens:,} tokens"]
    lines += [f"  {one}" for one in (*made["changed"], *said)]
    print_result({"out": str(out), **made}, "\n".join(lines), as_json)


def finetune(
    model: Annotated[Path, typer.Argument(help="A folder of transformers.")],
    data: Annotated[Path, typer.Option(help="A release, or files with its columns.")],
    out: Annotated[Path, typer.Option(help="Folder of the model; a run that was stopped goes on.")],
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Times that all of it is read. [default: 5, more if it is little]"
        ),
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="Of the encoder.")] = 5e-5,
    max_tokens: Annotated[
        int | None,
        typer.Option(help="Pieces in a window. [default: all that the model reads]"),
    ] = None,
    overlap: Annotated[int, typer.Option(min=0, help="Pieces that windows share at a seam.")] = 64,
    every_piece: Annotated[
        bool, typer.Option("--every-piece", help="Tag all pieces of a word, not the first alone.")
    ] = False,
    update: Annotated[int, typer.Option(min=1, help="Pieces that are learnt from at once.")] = 4096,
    at_once: Annotated[int, typer.Option(min=1, help="Pieces in memory at once.")] = 4096,
    patience: Annotated[
        int, typer.Option(min=1, help="Epochs without a better score after which it ends.")
    ] = 2,
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="Compute in 16 bits.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    train: Annotated[str, typer.Option(help="The split to learn from.")] = "train",
    watch: Annotated[str, typer.Option(help="The split whose score says when to stop.")] = (
        "validation"
    ),
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Begin anew where a run was stopped, or has ended.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Teach an encoder the labels of a release, on whole documents.

    A document that is longer than the model reads goes through windows with context on both sides,
    and nothing of it is left out. Give the same command again, and a stopped run goes on. Several
    processes share the work: torchrun --nproc-per-node 2 -m gonerd finetune ...

    Example: gonerd finetune encoder-4096 --data build/gonerd --out tagger
    """
    from gonerd.student.finetune.release import Request
    from gonerd.student.finetune.release import finetune as teach
    from gonerd.student.finetune.telling import telling
    from gonerd.student.finetune.together import leads
    from gonerd.student.finetune.train import Training

    with telling(sys.stderr, live=sys.stderr.isatty()) as tell:
        report = teach(
            Request(
                model=model,
                data=data,
                out=out,
                longest=max_tokens,
                overlap=overlap,
                every_piece=every_piece,
                train_split=train,
                watched_split=watch,
                afresh=afresh,
                training=Training(
                    epochs=epochs,
                    learning_rate=learning_rate,
                    pieces_an_update=update,
                    pieces_at_once=at_once,
                    patience=patience,
                    bfloat16=bfloat16,
                    seed=seed,
                ),
            ),
            tell=tell,
        )
    if not leads():
        return
    scores = ", ".join(f"{100 * one:.1f}" for one in report["scores"])
    lines = [
        f"{out}: strict span F1 of {100 * report['best']:.1f} on the split {watch!r}",
        f"  {report['documents']:,} documents in {report['windows']:,} windows of up to "
        f"{report['longest']:,} pieces; {report['documents in windows']:,} did not fit into one",
        f"  {report['updates']:,} updates; after each epoch {scores}",
    ]
    if report["spans without tags"]:
        lines.append(f"  {report['spans without tags']:,} spans that no tag can say were left out")
    if report["finished before"]:
        lines.append("  this run had ended before; --afresh begins it anew")
    print_result({"out": str(out), **report}, "\n".join(lines), as_json)


def evaluate(
    model: Annotated[
        list[Path],
        typer.Option(help="A folder that `gonerd finetune` wrote; several side by side."),
    ],
    data: Annotated[Path, typer.Option(help="A release, or files with its columns.")],
    split: Annotated[str, typer.Option(help="The split to predict.")] = "test",
    out: Annotated[
        Path | None, typer.Option(help="Where the predictions go, as annotations (.jsonl).")
    ] = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Where the report goes; - is standard output.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="A folder for figures by length.")] = None,
    lengths: Annotated[
        str, typer.Option(help="Tokens to be timed at, with commas between; none is not at all.")
    ] = "512,1024,2048,4096,8192,16384",
    max_tokens: Annotated[
        int | None,
        typer.Option(help="Pieces in a window. [default: all that the model reads]"),
    ] = None,
    overlap: Annotated[int, typer.Option(min=0, help="Pieces that windows share at a seam.")] = 64,
) -> None:
    """Say how good and how fast token classifiers are on whole documents, long and short.

    Scores are strict span F1, with the interval that holds 95 of 100 resamples of the documents.
    Each model is timed in a process of its own, from text to annotation, at each length in its own
    tokens; where it reads fewer at once, in windows.

    Example: gonerd evaluate --model tagger --data build/gonerd --out predictions.jsonl
    """
    from gonerd.student.evaluate.evaluate import Request, lengths_of
    from gonerd.student.evaluate.evaluate import evaluate as measure
    from gonerd.student.evaluate.report import to_text

    report = measure(
        Request(
            models=tuple(model),
            data=data,
            split=split,
            out=out,
            json=json_out,
            plots=plots,
            lengths=lengths_of(lengths),
            longest=max_tokens,
            overlap=overlap,
        ),
        make_progress(),
    )
    to_error = "-" in (str(out), str(json_out))
    print_result(report, to_text(report), False, to_error=to_error)


def bench(
    systems: Annotated[
        str, typer.Option(help="Of those below, with commas between. [default: all]")
    ] = "",
    lengths: Annotated[
        str, typer.Option(help="Tokens of a text, with commas between.")
    ] = "512,1024,2048,4096,8192,16384",
    training: Annotated[
        bool, typer.Option("--training", help="Time a step of training, not of inference.")
    ] = False,
    layers: Annotated[int, typer.Option(min=1, help="Of every model.")] = 3,
    width: Annotated[int, typer.Option(min=64, help="Of every model; heads have 64.")] = 768,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(min=1, help="On a CPU. [default: as many as torch takes]")
    ] = None,
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="Compute in 16 bits.")] = False,
    dropout: Annotated[float, typer.Option(min=0.0, max=0.9, help="In training.")] = 0.0,
    rounds: Annotated[int, typer.Option(min=1, help="In each of which all sides have a turn.")] = 5,
    budget: Annotated[
        float, typer.Option(min=0.0, help="Seconds, after which there are no more than 3 rounds.")
    ] = 60.0,
    longest_dense: Annotated[
        int | None, typer.Option(help="Tokens that full attention reads at most. [default: all]")
    ] = None,
    memory: Annotated[
        bool, typer.Option(help="Measure peak memory too, of 4,096 tokens and more.")
    ] = True,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Where all figures go; - is standard output.")
    ] = None,
) -> None:
    """Time attention in linear time beside what transformers has, in turns, on this machine.

    Models have weights drawn at random; those that are compared have the same. At the end stands
    each goal of this project, and whether this machine reaches it.

    Example: gonerd bench --systems longformer,modernbert --lengths 4096 --json attention.json

    Systems: longformer, bigbird, nystromformer (transformers' own and ours), modernbert (sdpa,
    FlexAttention, ours), dense (full attention and a window), kinds (every attention of ours and
    the linear layers alone), share (attention and linear layers alone), mixed (texts of mixed
    lengths: padded, one by one, packed).
    """
    from gonerd.student.bench.ask import (
        FOR_MEMORY,
        Request,
        check_place,
        lengths_of,
        names_of,
        sizes_of,
        write,
    )
    from gonerd.student.bench.run import bench as measure
    from gonerd.student.bench.setting import Setting
    from gonerd.student.bench.table import to_text

    check_place(json_out)
    request = Request(
        systems=names_of(systems),
        lengths=lengths_of(lengths),
        setting=Setting(
            length=0,
            sizes=sizes_of(layers, width),
            device=device,
            dtype="bfloat16" if bfloat16 else "float32",
            training=training,
            dropout=dropout,
        ),
        threads=threads,
        rounds=rounds,
        budget=budget,
        longest_dense=longest_dense,
        memory_from=FOR_MEMORY if memory else None,
    )
    to_standard_output = str(json_out) == "-"

    def keep(report: dict[str, Any]) -> None:
        if json_out is not None and not to_standard_output:
            write(report, json_out)

    report = measure(request, lambda line: typer.echo(line, err=True), keep)
    if to_standard_output:
        write(report, Path("-"))
    print_result(report, to_text(report), False, to_error=to_standard_output)
