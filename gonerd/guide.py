"""An annotation guide: Markdown for people, with front matter that the code reads.

The front matter names the guide, its version and its labels; `gonerd@1` in a record means version 1
of the guide `gonerd`. Guides, builders and cards are found beside the code, in the repository and
in an installed package alike.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gonerd.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Guide:
    """What annotators follow."""

    name: str
    version: int
    labels: Mapping[str, str]
    """Each label with one sentence on what it means, in the order of the tag ids."""
    text: str
    """The guide as people read it, Markdown without the front matter."""

    @property
    def reference(self) -> str:
        """Name and version, as records carry them."""
        return f"{self.name}@{self.version}"


def shipped(kind: str) -> Path:
    """Find the folder `builders`, `annotation_guides` or `data_cards` that came with the code."""
    package = Path(__file__).parent
    inside = package / kind
    return inside if inside.is_dir() else package.parent / kind


def load_guide(name: str) -> Guide:
    """Read a guide by the name of a shipped one, or by the path of a Markdown file."""
    path = Path(name) if name.endswith(".md") else shipped("annotation_guides") / f"{name}.md"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in shipped("annotation_guides").glob("*.md")))
        raise ConfigError(
            f"guide {name!r}: no such guide; expected one of {known}, or the path of a .md file."
        )
    try:
        matter, text = read_front_matter(path.read_text(encoding="utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start} is not UTF-8; expected a guide in UTF-8."
        ) from None
    labels = matter.get("labels")
    well_formed = (
        isinstance(matter.get("name"), str)
        and matter["name"]
        and type(matter.get("version")) is int
        and isinstance(labels, dict)
        and labels
        and all(isinstance(part, str) for pair in labels.items() for part in pair)
        and all(label and not re.search(r"[\s\[\]]", label) for label in labels)
    )
    if not well_formed:
        raise ConfigError(
            f"{path}: front matter {matter!r}; expected name (a string), version (a whole number) "
            "and labels (each one word, with a sentence)."
        )
    assert isinstance(labels, dict)
    return Guide(name=matter["name"], version=matter["version"], labels=labels, text=text)


def read_front_matter(markdown: str, where: str) -> tuple[dict[str, Any], str]:
    """Split Markdown into its YAML front matter and the rest."""
    opening, separator, rest = markdown.partition("---\n")
    matter, closing, text = f"{rest}\n".partition("\n---\n")
    if opening or not separator or not closing:
        raise ConfigError(f"{where}: no front matter; expected YAML between two lines of '---'.")
    try:
        values = yaml.safe_load(matter)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{where}: front matter is not YAML ({error}); expected YAML.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: front matter is {values!r}; expected keys with values.")
    return values, text.strip("\n") + "\n"
