"""What was converted, and how, into the model's card: README.md with front matter.

The card says what a user of the model has to know: where the weights come from and under which
licence, what changed, and that transformers needs `import gonerd.student` to read as it says.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gonerd import __version__
from gonerd.errors import ConfigError
from gonerd.guide import read_front_matter
from gonerd.store import write_file

CARD = "README.md"
HANDED_ON = ("license", "license_name", "license_link", "language")
"""Keys of the base's card that hold for what is made from it."""

UNTRAINED = """Nothing was trained on the way. Before it reads long documents well it wants to be
fine-tuned on such, or to go on with its pretraining (`gonerd convert --adapt`)."""

WITHOUT_US: Mapping[str, str] = {
    "nystromformer": "its own attention: of unpadded texts of `segment_means_seq_len` tokens or, "
    "where that is\nthe number of landmarks, of all, in quadratic time",
}
"""By attention, how transformers reads a model of its own, where it is not much the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A conversion that was done."""

    name: str
    """Of the model it was made from: on the hub, or of its folder."""
    on_hub: bool
    folder: Path
    architecture: str
    """Class of transformers."""
    attention: str
    settings: Mapping[str, Any]
    of_transformers: bool = False
    """Whether transformers has this attention for it too."""
    tokens_before: int
    max_tokens: int
    changed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {
            "model": self.name,
            "architecture": self.architecture,
            "gonerd_attention": dict(self.settings),
            "tokens_before": self.tokens_before,
            "max_tokens": self.max_tokens,
            "changed": list(self.changed),
        }


def make_card(made: Made) -> str:
    """Write a model's card."""
    stated = read_card(made.folder)
    matter: dict[str, Any] = {name: stated[name] for name in HANDED_ON if name in stated}
    matter["library_name"] = "transformers"
    if made.architecture.endswith("ForTokenClassification"):
        matter["pipeline_tag"] = "token-classification"
    if made.on_hub:
        matter["base_model"] = made.name
    matter["tags"] = ["gonerd", "long-documents"]
    front = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True)
    name = made.name.replace("`", "'")
    weights = "\n".join(f"* `{file}`, sha256 `{digest}`" for file, digest in _weights(made.folder))
    changed = "\n".join(f"* {one}" for one in made.changed)
    otherwise = "full attention: slowly, and with other results"
    if made.of_transformers:
        same = "its own attention: slower, and with much the same results"
        otherwise = WITHOUT_US.get(made.attention, same)
    return f"""---
{front}---

# {name}, for {made.max_tokens:,} tokens

Made by gonerd {__version__} (`gonerd convert`) from `{name}`, a `{made.architecture}` that reads
{made.tokens_before:,} tokens at once:

{weights}

{UNTRAINED}

## What changed

{changed}

## Use

```python
import gonerd.student  # brings the attention; without it transformers would read with its own
from transformers import AutoTokenizer, {made.architecture}

tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = {made.architecture}.from_pretrained(FOLDER)
```

The architecture is that of `{name}`, and no code comes with the model: its `config.json` has a
table `gonerd_attention`. Without `import gonerd.student` that table says nothing to transformers,
and the model loads and runs with {otherwise}.

## Licence

{_licence(stated, name)}
"""


def say_adapted(folder: Path, adapted: str) -> None:
    """Say in the card of a converted model what it was taught since."""
    path = folder / CARD
    text = path.read_text(encoding="utf-8")
    write_file(path, text.replace(UNTRAINED, adapted).encode())


def read_card(folder: Path) -> dict[str, Any]:
    """Read the front matter of a model's card; one that is damaged states nothing."""
    try:
        matter, _ = read_front_matter((folder / CARD).read_text(encoding="utf-8-sig"), CARD)
    except (OSError, UnicodeDecodeError, ConfigError, RecursionError):
        return {}
    return matter


def _licence(stated: Mapping[str, Any], name: str) -> str:
    licence = stated.get("license_name") or stated.get("license")
    if not licence:
        return f"The card of `{name}` states none. That of its weights holds for these."
    return f"`{licence}`, as the card of `{name}` says; it holds for these weights too."


def _weights(folder: Path) -> list[tuple[str, str]]:
    """List the files of weights with what is in them, as a digest."""
    found = []
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as stream:
            found.append((path.name, hashlib.file_digest(stream, "sha256").hexdigest()))
    return found
