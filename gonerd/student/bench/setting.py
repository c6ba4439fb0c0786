"""How large the models are and what is measured of them, and what a side of a comparison is."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Step = Callable[[], "torch.Tensor"]
"""Reads a text once, or learns from it; gives logits, or the loss."""

HEAD = 64
"""Numbers for each head, where a width is given and not how many heads."""


class NotHere(Exception):
    """A way to read that this machine or version does not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Depth and width of every model."""

    layers: int = 3
    width: int = 768
    heads: int = 12
    ffn: int = 3072


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What is measured of a model."""

    length: int
    """Tokens of the text."""
    sizes: Sizes = field(default_factory=Sizes)
    device: str = "cpu"
    dtype: str = "float32"
    training: bool = False
    """Forward and backward; otherwise forward alone."""
    dropout: float = 0.0
    """Of hidden states and of weights of attention, in training."""

    def to_json(self) -> dict[str, Any]:
        """Turn into what `setting_from_json` takes."""
        return asdict(self)


def setting_from_json(values: dict[str, Any]) -> Setting:
    """Read back what `to_json` gave."""
    return Setting(**{**values, "sizes": Sizes(**values["sizes"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the things that take turns."""

    name: str
    make: Callable[[Setting], Step]
    quadratic: bool = False
    """Time or memory grows with the square of the length, so that long texts may be left out."""
    compiled: bool = False
    """It is compiled for each length, at the first call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """Two sides that are compared: the time of one over that of the other."""

    over: str
    under: str
    same: bool = False
    """They have the same weights and should give the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """Sides that take turns."""

    name: str
    title: str
    sides: tuple[Side, ...]
    ratios: tuple[Ratio, ...]

    def side(self, name: str) -> Side:
        """Find a side by its name."""
        return next(one for one in self.sides if one.name == name)
