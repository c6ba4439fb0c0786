"""The foreign formats by the names that `--from` and `--to` take."""

from collections.abc import Mapping

from gonerd.errors import ConfigError
from gonerd.formats import docbin, dolma, jsonl
from gonerd.formats.annotation_tools import doccano, label_studio, prodigy
from gonerd.formats.brat import standoff
from gonerd.formats.conll import conll2003, conllu, hipe
from gonerd.formats.layers import Format, ReadOptions
from gonerd.formats.tables import argilla, dataset
from gonerd.formats.uima import cas, inception, webanno

FORMATS: Mapping[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        argilla,
        standoff,
        cas,
        conll2003,
        conllu,
        dataset,
        docbin,
        doccano,
        dolma,
        hipe,
        inception,
        jsonl,
        label_studio,
        prodigy,
        webanno,
    )
}


def find_format(name: str) -> Format:
    """Find a format by its name; an unknown one is a ConfigError that lists the known."""
    if name not in FORMATS:
        raise ConfigError(f"format {name!r}: expected one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def check_options(form: Format, options: ReadOptions) -> None:
    """Refuse an option that a format's reader has no use for, instead of passing over it."""
    given = {
        "layer": options.layer,
        "columns": options.columns,
        "labels": options.labels,
        "scheme": options.scheme,
        "sentence_documents": options.sentence_documents,
    }
    spelled = {"columns": "--column", "sentence_documents": "--sentence-documents"}
    for key, value in given.items():
        if value and key not in form.options:
            known = [spelled.get(one, f"--{one}") for one in sorted(form.options)]
            takes = ", ".join(["--annotator", "--paths", *known])
            raise ConfigError(
                f"{spelled.get(key, f'--{key}')}: of no use to {form.title}; it takes {takes}."
            )
