"""A model that reads so many tokens at once into one with places for more.

Learned rows of a position table are repeated, from the first to the last and again: a copy of what
was learnt beats random rows by far (Beltagy et al. 2020, "Longformer"; Condevaux and Harispe 2022,
"LSG"). RoBERTa and its kin begin to count behind the row of their padding token; the rows up to it
stay what and where they are. Rotary positions (ModernBERT) have no table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonerd.errors import ConfigError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class Positions:
    """How the models of a type know where a token stands."""

    table: bool = True
    """Whether a row is learnt for each place."""
    behind_padding: bool = False
    """Whether places are counted from behind the row of the padding token."""
    uncounted: int = 0
    """Rows before that of the first token which `max_position_embeddings` does not count."""


FAMILIES: Mapping[str, Positions] = {
    "bert": Positions(),
    "big_bird": Positions(),
    "distilbert": Positions(),
    "electra": Positions(),
    "longformer": Positions(behind_padding=True),
    "modernbert": Positions(table=False),
    "nystromformer": Positions(uncounted=2),
    "roberta": Positions(behind_padding=True),
    "xlm-roberta": Positions(behind_padding=True),
}
"""By `model_type`, what can be converted."""


def check_family(config: Any, where: str) -> None:
    """Refuse models whose positions or attention are of another kind."""
    if config.model_type not in FAMILIES:
        raise ConfigError(
            f"{where}: model type {config.model_type!r} cannot be converted; expected one of "
            f"{', '.join(sorted(FAMILIES))}."
        )
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        raise ConfigError(
            f"{where}: is a decoder, whose tokens see only those before; expected an encoder."
        )
    kind = getattr(config, "position_embedding_type", None)
    if kind not in (None, "absolute"):
        raise ConfigError(
            f"{where}: position_embedding_type {kind!r} cannot be converted; expected 'absolute'."
        )


def kept_rows(model: Any) -> int:
    """Count the rows of the position table that stand before that of the first token."""
    family = FAMILIES[model.config.model_type]
    if not family.behind_padding:
        return family.uncounted
    return int(model.base_model.embeddings.padding_idx) + 1


def readable_tokens(model: Any) -> int:
    """Count the tokens that a model can read at once."""
    rows = int(model.config.max_position_embeddings) + FAMILIES[model.config.model_type].uncounted
    return rows - kept_rows(model)


def extend_positions(
    model: Any, max_tokens: int, *, ahead: int = 0, new: Sequence[int] = ()
) -> str:
    """Make a model read up to `max_tokens` at once, and say how.

    `ahead` tokens of its own before every text have rows already; those that it is to be given get
    the rows of the `new` places of a text.
    """
    before = readable_tokens(model)
    if max_tokens == before:
        return f"positions: {before:,} as before"
    family, kept = FAMILIES[model.config.model_type], kept_rows(model)
    model.config.max_position_embeddings = kept + max_tokens - family.uncounted
    if not family.table:
        return f"positions: {before:,} -> {max_tokens:,}, rotary, so there are no weights for them"
    embeddings = model.base_model.embeddings
    rows = embeddings.position_embeddings.weight
    length = max_tokens - ahead - len(new)
    _replace_table(embeddings, tiled(rows, kept + ahead, length, new), family.uncounted)
    said = (
        f"positions: {before:,} -> {max_tokens:,}, the {before - ahead:,} rows of the table "
        "repeated"
    )
    if kept:
        said += f", behind {kept} that belong to no token"
    if ahead or new:
        said += f", behind {ahead + len(new):,} of global tokens"
    return said


def tiled(rows: "torch.Tensor", kept: int, length: int, new: Sequence[int] = ()) -> "torch.Tensor":
    """Repeat the rows behind the first `kept` until they are `length`, behind copies of the new."""
    import torch

    of_token = torch.arange(length, device=rows.device) % (len(rows) - kept)
    first, texts = rows.detach()[:kept], rows.detach()[kept:]
    return torch.cat((first, texts[list(new)], texts[of_token]))


def _replace_table(embeddings: Any, rows: "torch.Tensor", first: int) -> None:
    """Put a table in the place of another, and make the numbers of places from `first` anew."""
    import torch

    embeddings.position_embeddings = torch.nn.Embedding.from_pretrained(
        rows, freeze=False, padding_idx=embeddings.position_embeddings.padding_idx
    )
    numbers = torch.arange(first, len(rows), device=rows.device)[None]
    if hasattr(embeddings, "position_ids"):
        embeddings.position_ids = numbers
    if hasattr(embeddings, "token_type_ids"):
        embeddings.token_type_ids = torch.zeros_like(numbers)
