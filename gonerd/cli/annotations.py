"""The commands that take files of annotations: import, export, agreement, reconcile."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gonerd.cli.options import (
    Annotations,
    AsJson,
    Documents,
    Strict,
    Work,
    Workers,
    make_engine,
    make_progress,
    print_result,
)


def import_(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, folders or archives; - is stdin.", readable=False)
    ],
    form: Annotated[str, typer.Option("--from", metavar="FORMAT", help="One of those below.")],
    out: Annotated[Path, typer.Option(help="A .jsonl file; - is stdout.")],
    documents: Annotated[
        Path | None,
        typer.Option(
            help="Texts the files do not hold: .jsonl, or a folder of .txt.", readable=False
        ),
    ] = None,
    documents_out: Annotated[
        Path | None, typer.Option(help="Write the texts here, not into the annotations.")
    ] = None,
    annotator: Annotated[
        str | None, typer.Option(help="Who made it, where no file says. [default: PATH's name]")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--paths", help="As {annotator}/{document}.txt.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Which layer, column or control.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="ROLE=COLUMN, as tags=ner_tags; once for each.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Names of tags that are numbers: O,B-PER,I-PER.")
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="Of tags: IOB1, IOB2, IOE1, IOE2, BIOES, IO.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Of offsets: code points, UTF-16, bytes, graphemes.")
    ] = None,
    sentence_documents: Annotated[
        bool, typer.Option("--sentence-documents", help="Each sentence is a document.")
    ] = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="Every document was read whole: unmarked is none.")
    ] = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Read another tool's annotations; what is moved, refused or kept aside is counted.

    Example: gonerd import --from label_studio export.json --out annotations.jsonl

    Formats: argilla, brat, cas, conll, conllu, dataset, docbin, doccano, dolma, hipe, inception,
    jsonl, label_studio, prodigy, webanno.
    """
    from gonerd.formats.catalogue import check_options, find_format
    from gonerd.formats.deliver import deliver_import, load_texts
    from gonerd.formats.layers import ReadOptions
    from gonerd.formats.report import import_report
    from gonerd.formats.step import bring_in

    chosen = find_format(form)
    options = ReadOptions(
        annotator=annotator,
        paths=pattern,
        layer=layer,
        columns=_columns(column or []),
        labels=tuple(name.strip() for name in labels.split(",")) if labels else (),
        scheme=scheme,
        sentence_documents=sentence_documents,
    )
    check_options(chosen, options)
    imported = bring_in(
        chosen,
        paths,
        options,
        texts=None if documents is None else load_texts(documents),
        complete=complete,
        unit=_unit(unit),
        places=(("--out", out), ("--documents-out", documents_out)),
    )
    files = deliver_import(imported, out, documents_out=documents_out, strict=strict)
    to_error = "-" in map(str, (out, documents_out))
    print_result(*import_report(imported, chosen, files), as_json, to_error=to_error)


def export(
    paths: Annotations,
    form: Annotated[str, typer.Option("--to", metavar="FORMAT", help="One of those below.")],
    out: Annotated[Path, typer.Option(help="A file or a folder, as the format needs.")],
    documents: Documents = None,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Write annotations for another tool; what it has no place for is counted.

    Files in a folder are written over; one with other files in it is refused.

    Example: gonerd export gold.jsonl --to conll --out gold.conll

    Formats: argilla, brat, cas, conll, conllu, dataset, docbin, doccano, dolma, hipe, inception,
    jsonl, label_studio, prodigy, webanno.
    """
    from gonerd.beside import check_apart
    from gonerd.formats.catalogue import find_format
    from gonerd.formats.deliver import deliver_export
    from gonerd.formats.leftovers import check_leftovers
    from gonerd.formats.report import export_report
    from gonerd.formats.step import send_out
    from gonerd.gather import annotation_files, gather, with_texts

    chosen = find_format(form)
    items = with_texts(gather(paths, documents))
    written = send_out(chosen, items)
    places = [("--out", out / name) for name in written.files]
    check_apart([*annotation_files(paths), documents], places)
    check_leftovers(out, written)
    files = deliver_export(written, out, strict=strict)
    print_result(*export_report(written, items, files), as_json, to_error=str(out) == "-")


def agreement(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Annotations, a work folder or a release; - is stdin.", readable=False),
    ],
    documents: Documents = None,
    annotator: Annotated[
        list[str] | None, typer.Option(help="Compare these alone; once for each.")
    ] = None,
    gamma: Annotated[
        bool, typer.Option("--gamma", help="Work out gamma too, in minutes; needs that extra.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write it as a page, too; - is stdout.")] = None,
    samples: Annotated[
        int, typer.Option(min=0, max=100_000, help="Resamples of the documents, for intervals.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples, and of gamma's.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Say how far annotators agree where two have read the same, and what they confuse most.

    Example: gonerd agreement ana.jsonl ben.jsonl --html agreement.html
    """
    from gonerd.agreement.lines import lines
    from gonerd.agreement.measure import measure
    from gonerd.agreement.page import page
    from gonerd.agreement.read import read
    from gonerd.beside import check_apart, write_all

    check_apart([*paths, documents], [("--html", html)])
    found, texts = read(paths, documents, only=annotator or ())
    result = measure(
        found,
        texts=texts,
        with_gamma=gamma,
        samples=samples,
        seed=seed,
        progress=make_progress(),
    )
    if html is not None:
        write_all({html: page(result).encode("utf-8")})
    print_result(result.to_json(), lines(result), as_json, to_error=str(html) == "-")


def reconcile(
    inputs: Annotated[
        list[str], typer.Argument(metavar="BUILDER | FILES", help="A builder, or annotations.")
    ],
    out: Annotated[Path | None, typer.Option(help="Gold of the files; - is stdout.")] = None,
    disputes: Annotated[
        Path | None, typer.Option(help="Places not agreed, first those that matter most.")
    ] = None,
    places: Annotated[
        Path | None, typer.Option(help="Every place, agreed or not, with who said what.")
    ] = None,
    documents: Documents = None,
    method: Annotated[str, typer.Option(help="auto, vote, weighted or sequence.")] = "auto",
    model: Annotated[
        Path | None, typer.Option(help="An encoder that learns from the rest and has a say too.")
    ] = None,
    agreement: Annotated[
        float | None, typer.Option(help="A reading less certain is a dispute. [0.5; 0.8]")
    ] = None,
    settled: Annotated[
        Path | None,
        typer.Option(help="Disputes that people have settled; they hold.", readable=False),
    ] = None,
    guide: Annotated[
        str | None, typer.Option(help="Whose labels are expected, in its order.")
    ] = None,
    work: Work = Path("work"),
    workers: Workers = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Make one gold of all annotations, and disputes of what they do not agree on.

    Example: gonerd reconcile ana.jsonl ben.jsonl --out gold.jsonl --disputes disputes.jsonl
    """
    if out is None and len(inputs) == 1 and (inputs[0].endswith(".toml") or "." not in inputs[0]):
        from gonerd.build import load_plan, run_reconcile
        from gonerd.cli.dataset import print_step

        given = {
            "--method": None if method == "auto" else method,
            "--disputes": disputes,
            "--places": places,
            "--documents": documents,
            "--model": model,
            "--agreement": agreement,
            "--settled": settled,
            "--guide": guide,
        }
        for option, value in given.items():
            if value is not None:
                raise typer.BadParameter(
                    "is for files; a builder says it in its table [reconcile].", param_hint=option
                )
        plan = load_plan(inputs[0], work=work)
        print_step(run_reconcile(plan, make_engine(workers, strict)), plan.work / "gold", as_json)
        return
    if out is None:
        raise typer.BadParameter("expected where the gold of the files goes.", param_hint="--out")
    from gonerd.consensus import Request, reconcile_files

    values, text = reconcile_files(
        Request(
            files=[Path(name) for name in inputs],
            out=out,
            disputes=disputes,
            places=places,
            documents=documents,
            method=method,
            agreement=agreement,
            settled=settled,
            guide=guide,
            model=model,
            strict=strict,
        )
    )
    print_result(values, text, as_json, to_error="-" in map(str, (out, disputes, places)))


def _columns(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    for role, equals, column in pairs:
        if not (role and equals and column):
            raise typer.BadParameter(
                f"{role}{equals}{column!s} is not ROLE=COLUMN.", param_hint="--column"
            )
    return {role: column for role, _, column in pairs}


def _unit(given: str | None) -> Any:
    known = {"code points", "UTF-16", "bytes", "graphemes"}
    if given is not None and given not in known:
        raise typer.BadParameter(
            f"{given!r} is not one of {', '.join(sorted(known))}.", param_hint="--unit"
        )
    return given
