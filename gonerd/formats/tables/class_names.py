"""Descriptions of a dataset (schema, card, file of labels) into the names of what is numbered.

`datasets` stores a tag as a number and its name elsewhere: in the schema of an Arrow or Parquet
file, in `dataset_info.json`, or in the front matter of the card. All say it in the same words, the
features, in two spellings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from gonerd.formats.conll.tags import looks_like_tags

Names = dict[str, tuple[str, ...]]
"""Column, or column.field, and the names of 0, 1, 2..."""

_DEEPEST = 12
"""Lists and structs in each other that are followed."""
_MOST_NAMES = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CardConfig:
    """What a description says of the files that fit its patterns."""

    patterns: tuple[str, ...]
    """Of paths below the folder of the description; none where it speaks of all."""
    names: Names


def names_in_features(value: Any) -> Names:
    """Find the names in the features of a schema or of `dataset_info.json`, configurations or not.

    A column that two configurations name differently is left out.
    """
    if not isinstance(value, dict):
        return {}
    if isinstance(value.get("info"), dict):
        value = value["info"]
    infos = [value] if "features" in value else list(value.values())
    found: dict[str, set[tuple[str, ...]]] = {}
    for info in infos:
        if isinstance(info, dict) and isinstance(info.get("features"), dict):
            for column, names in _in_feature("", info["features"], 0):
                found.setdefault(column, set()).add(names)
    return {column: next(iter(names)) for column, names in found.items() if len(names) == 1}


def names_in_card(text: str) -> list[CardConfig]:
    """Find the names in a card's front matter, by configuration."""
    matter = _front_matter(text)
    infos = matter.get("dataset_info")
    patterns = _patterns(matter.get("configs"))
    found = []
    for info in infos if isinstance(infos, list) else [infos]:
        if isinstance(info, dict) and isinstance(info.get("features"), list):
            config = str(info.get("config_name", "default"))
            names = dict(_in_fields("", info["features"], 0))
            found.append(CardConfig(patterns=patterns.get(config, ()), names=names))
    return found


def names_in_labels(name: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[str, ...]:
    """Find the names in a file that holds nothing but them, as `label2id.json`; else none."""
    if not name.endswith(".json") or len(rows) != 1:
        return ()
    row = dict(rows[0][1])
    for key in ("id2label", "label2id"):
        if isinstance(row.get(key), dict):
            row = row[key]
    if row and all(type(value) is int for value in row.values()):
        row = {str(number): label for label, number in row.items()}
    names = _ordered(row)
    return names if "O" in names or looks_like_tags(names) else ()


def _in_feature(path: str, feature: Any, depth: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Walk features as `datasets` writes them in JSON."""
    if depth > _DEEPEST:
        return
    if isinstance(feature, list):
        for inner in feature[:1]:
            yield from _in_feature(path, inner, depth + 1)
    elif isinstance(feature, dict):
        if feature.get("_type") == "ClassLabel":
            if names := _ordered(feature.get("names")):
                yield path, names
        elif isinstance(feature.get("_type"), str):
            yield from _in_feature(path, feature.get("feature"), depth + 1)
        else:
            for key, inner in feature.items():
                yield from _in_feature(f"{path}.{key}" if path else str(key), inner, depth + 1)


def _in_fields(path: str, fields: Any, depth: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Walk features as a card writes them in YAML."""
    if depth > _DEEPEST:
        return
    if isinstance(fields, list):
        for field in fields:
            if isinstance(field, dict) and "name" in field:
                inner = f"{path}.{field['name']}" if path else str(field["name"])
                yield from _in_fields(inner, field, depth + 1)
    elif isinstance(fields, dict):
        label = fields.get("class_label")
        if isinstance(label, dict) and (names := _ordered(label.get("names"))):
            yield path, names
        for key in ("dtype", "sequence", "list", "struct"):
            yield from _in_fields(path, fields.get(key), depth + 1)


def _ordered(names: Any) -> tuple[str, ...]:
    """List names by number, which a card writes as keys."""
    if isinstance(names, dict):
        by_number = {str(number): name for number, name in names.items()}
        names = [by_number.get(str(number)) for number in range(len(by_number))]
    if not isinstance(names, list) or not names or len(names) > _MOST_NAMES:
        return ()
    return tuple(names) if all(isinstance(name, str) for name in names) else ()


def _patterns(configs: Any) -> dict[str, tuple[str, ...]]:
    """List which files belong to each configuration."""
    found: dict[str, tuple[str, ...]] = {}
    for config in configs if isinstance(configs, list) else []:
        if isinstance(config, dict):
            held = config.get("data_files")
            files = held if isinstance(held, list) else [held]
            paths = [file.get("path") if isinstance(file, dict) else file for file in files]
            flat = [one for path in paths for one in (path if isinstance(path, list) else [path])]
            name = str(config.get("config_name", "default"))
            found[name] = tuple(one for one in flat if isinstance(one, str))
    return found


def _front_matter(text: str) -> dict[str, Any]:
    """Read the YAML between the first two lines of dashes; one that repeats itself is not read."""
    parts = text.replace("\r\n", "\n").split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        return {}
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(parts[1])):
            return {}  # a short text that may unfold without end
        matter = yaml.safe_load(parts[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return matter if isinstance(matter, dict) else {}
