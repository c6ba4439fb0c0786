"""A card template and measured numbers into the README.md of a release, with front matter.

The prose of a template is written by hand, one file a builder in `data_cards/`; every number stands
in a place marked `{{ name }}` and is filled in here. A place that names nothing known is refused.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gonerd.bio import tag_names
from gonerd.errors import ConfigError
from gonerd.guide import Guide
from gonerd.publish.measure import Measured
from gonerd.records import GOLD
from gonerd.release import ANNOTATIONS, DEFAULT
from gonerd.score import Counts
from gonerd.stats import LONG, Stats

_PLACE = re.compile(r"\{\{ *([^{}\n]+?) *\}\}")

# Licences that a dataset hub knows by these names; anything else is `other`, with its own name.
HUB_LICENSES = frozenset(
    {
        "apache-2.0", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
        "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "mit", "odbl", "odc-by", "pddl",
        "unknown", "unlicense",
    }
)  # fmt: skip
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


PLACES = frozenset(
    {
        "agreement_table", "documents", "guide", "labels_table", "licenses_table", "load", "long",
        "long_documents", "longest", "longest_document", "losses_table", "median", "name",
        "reference_table", "settled_disputes", "shortest", "sources", "spans", "splits_table",
        "tokens",
    }
)  # fmt: skip
"""What a template may ask for."""


def check_places(template: str, where: str) -> None:
    """Refuse a template that asks for something unknown, before any work is done."""
    fill(template, dict.fromkeys(PLACES, ""), where)


def fill(template: str, values: Mapping[str, str], where: str) -> str:
    """Put values into the places of a template; a place without a value is a ConfigError."""

    def value_of(match: re.Match[str]) -> str:
        if match.group(1) not in values:
            raise ConfigError(
                f"{where}: unknown place {match.group()!r}; known: {', '.join(sorted(values))}."
            )
        return values[match.group(1)]

    return _PLACE.sub(value_of, template)


def front_matter(
    *,
    title: str,
    labels: Sequence[str],
    stats: Stats,
    files: Mapping[str, Mapping[str, Sequence[str]]],
    annotations_creators: str,
) -> str:
    """Write the YAML that tells `datasets` and a hub what the release is.

    Features are written as datasets 2.x to 5.x all read them: `sequence` for lists of plain
    values, `list` for lists of structs.
    """
    licenses = list(stats.licenses)
    known = all(license in HUB_LICENSES for license in licenses)
    matter: dict[str, Any] = {
        "pretty_name": title,
        "language": list(stats.languages),
        "license": (licenses if len(licenses) > 1 else licenses[0]) if known else "other",
    }
    if not known:
        matter["license_name"] = ", ".join(licenses)
    matter |= {
        "task_categories": ["token-classification"],
        "task_ids": ["named-entity-recognition"],
        "annotations_creators": [annotations_creators],
        "size_categories": [
            next((name for most, name in _SIZES if stats.documents < most), "n>1M")
        ],
        "tags": ["long-document", "named-entity-recognition", "gonerd"],
        "configs": [
            {
                "config_name": config,
                "data_files": [
                    {"split": split, "path": list(paths) if len(paths) > 1 else paths[0]}
                    for split, paths in splits.items()
                ],
            }
            for config, splits in files.items()
        ],
        "dataset_info": [
            {"config_name": config, "features": _features(config, labels)} for config in files
        ],
    }
    text: str = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---\n\n"


def values_for(
    *, stats: Stats, measured: Measured, names: Mapping[str, str], guide: Guide, settled: int
) -> dict[str, str]:
    """Lay out everything a template may ask for; `names` maps people to pseudonyms."""
    return {
        "name": stats.name,
        "documents": f"{stats.documents:,}",
        "tokens": f"{stats.tokens:,}",
        "spans": f"{stats.spans:,}",
        "sources": f"{stats.sources:,}",
        "shortest": f"{stats.shortest_tokens:,}",
        "median": f"{stats.median_tokens:,}",
        "longest": f"{stats.longest_tokens:,}",
        "longest_document": stats.longest_document,
        "long_documents": f"{stats.long_documents:,}",
        "long": f"{LONG:,}",
        "guide": guide.reference,
        "settled_disputes": f"{settled:,}",
        "splits_table": _table(
            ["split", "documents", "tokens", "spans"],
            [
                [split, f"{of.documents:,}", f"{of.tokens:,}", f"{of.spans:,}"]
                for split, of in stats.splits.items()
            ],
        ),
        "labels_table": _table(
            ["label", "spans", "meaning"],
            [
                [label, f"{stats.per_label[label]:,}", meaning]
                for label, meaning in guide.labels.items()
            ],
        ),
        "licenses_table": _table(
            ["licence", "documents"],
            [[license, f"{count:,}"] for license, count in stats.licenses.items()],
        ),
        "agreement_table": _agreement(measured, names),
        "reference_table": _reference(measured, guide, names),
        "losses_table": _table(
            ["what was refused, repaired or dropped", "times"],
            [[reason, f"{count:,}"] for reason, count in stats.losses.items()],
        )
        if stats.losses
        else "Nothing was refused, repaired or dropped.",
        "load": f'from datasets import load_dataset\ndataset = load_dataset("{stats.name}")',
    }


def percent(value: float | None) -> str:
    """Write a share in percent with one place; a dash where it is undefined."""
    return "-" if value is None else f"{100 * value:.1f}"


def _agreement(measured: Measured, names: Mapping[str, str]) -> str:
    if not measured.agreements:
        return "One annotator alone: agreement is undefined."
    # In the order of the pseudonyms: that of the names would give them away.
    rows = [
        [
            " and ".join(sorted(names.get(name, name) for name in pair.annotators)),
            f"{pair.num_documents:,}",
            f"{pair.num_characters:,}",
            percent(pair.f1),
        ]
        for pair in measured.agreements
    ]
    head = ["annotators", "documents both read", "characters both read", "exact-span F1"]
    return _table(head, sorted(rows))


def _reference(measured: Measured, guide: Guide, names: Mapping[str, str]) -> str:
    if not measured.against_reference:
        return "There is no reference to measure against."
    return _table(
        ["annotator", "precision", "recall", "F1", *(f"F1 {label}" for label in guide.labels)],
        [
            [
                names.get(name, name),
                percent(result.micro.precision),
                percent(result.micro.recall),
                percent(result.micro.f1),
                *(percent(result.per_label.get(label, Counts()).f1) for label in guide.labels),
            ]
            for name, result in sorted(
                measured.against_reference.items(),
                key=lambda item: (item[0] != GOLD, names.get(item[0], item[0])),
            )
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """Keep a value from breaking its table."""
    return " ".join(text.replace("|", "/").split())


def _features(config: str, labels: Sequence[str]) -> list[dict[str, Any]]:
    spans = {
        "name": "spans",
        "list": [
            {"name": "start", "dtype": "int32"},
            {"name": "end", "dtype": "int32"},
            {"name": "label", "dtype": "string"},
            {"name": "confidence", "dtype": "float32"},
            {"name": "support", "dtype": "int32"},
        ],
    }
    if config == ANNOTATIONS:
        coverage = [{"name": "start", "dtype": "int32"}, {"name": "end", "dtype": "int32"}]
        return [
            *_strings("document_id", "text_sha256", "annotator", "guide"),
            {"name": "coverage", "list": coverage},
            spans,
        ]
    assert config == DEFAULT
    tags = {str(index): tag for index, tag in enumerate(tag_names(labels))}
    return [
        *_strings("id", "text"),
        {"name": "tokens", "sequence": "string"},
        {"name": "ner_tags", "sequence": {"class_label": {"names": tags}}},
        {"name": "token_starts", "sequence": "int32"},
        {"name": "token_ends", "sequence": "int32"},
        spans,
        *_strings("source", "url", "license", "language"),
        {"name": "num_tokens", "dtype": "int32"},
    ]


def _strings(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "dtype": "string"} for name in names]
