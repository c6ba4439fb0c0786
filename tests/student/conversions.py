"""Conversions of tiny models, and what is read of texts before and after, for tests of them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from gonerd.errors import GonerdError
from gonerd.student.convert.convert import Request, convert
from gonerd.student.convert.kinds import Asked
from tests.student.families import WORDS

LONG = 100
"""Tokens that converted models read: no multiple of what they read before."""


def request(**asked: Any) -> Request:
    """Ask for a band for `LONG` tokens where nothing else is asked for."""
    options = {one.name for one in fields(Asked)} & asked.keys()
    of_attention = Asked(**{name: asked.pop(name) for name in options})
    asked = {"attention": "band", "max_tokens": LONG, "asked": of_attention, **asked}
    return Request(**{**asked, "model": str(asked["model"])})


def converted(model: Path, out: Path, **asked: Any) -> Path:
    """Convert a model."""
    convert(request(model=model, out=out, **asked))
    return out


def refusal(**asked: Any) -> str:
    """Ask for what is refused, and give the message; nothing is written."""
    out = asked["out"]
    before = sorted(out.parent.rglob("*"))
    with pytest.raises(GonerdError) as error:
        convert(request(**asked))
    assert sorted(out.parent.rglob("*")) == before
    return f"{type(error.value).__name__}: {error.value}"


def tagger(folder: Path) -> Any:
    """Load a model with its head."""
    return transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()


def batch(length: int) -> dict[str, torch.Tensor]:
    """Make two texts, the second shorter and padded."""
    chance = torch.Generator().manual_seed(length)
    ids = torch.randint(5, 5 + len(WORDS), (2, length), generator=chance)
    mask = (torch.arange(length)[None] < torch.tensor([[length], [length * 2 // 3]])).long()
    return {"input_ids": torch.where(mask.bool(), ids, 1), "attention_mask": mask}


def logits(model: Any, length: int) -> torch.Tensor:
    """Read what a model says of the tokens of `batch` that are no padding."""
    texts = batch(length)
    with torch.no_grad():
        found: torch.Tensor = model(**texts).logits[texts["attention_mask"].bool()]
    return found


def table(folder: Path) -> torch.Tensor:
    """Read the position table out of a folder."""
    weights = load_file(folder / "model.safetensors")
    found: torch.Tensor = next(one for name, one in weights.items() if "position_embed" in name)
    return found


def files_of(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
