"""The attentions that can be asked for into the settings that a converted configuration carries.

A window is counted as papers do: all tokens around a query, half of them on either side.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gonerd.errors import ConfigError

WINDOW = 512
"""Tokens, where none are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a user asked for."""

    max_tokens: int
    window: int
    global_tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """An attention that models can be converted to."""

    settings: Callable[[Asked], dict[str, Any]]
    """What its reader in `attention.interface.READERS` is given, without its name."""
    says: Callable[[Mapping[str, Any]], str]
    """What a token sees by these settings."""


def find_kind(name: str) -> Kind:
    """Find an attention by name."""
    if name not in KINDS:
        raise ConfigError(
            f"--attention {name!r}: no such attention; expected one of {', '.join(KINDS)}."
        )
    return KINDS[name]


def check_window(window: int) -> None:
    """Refuse a window that has no two halves."""
    if window < 2 or window % 2:
        raise ConfigError(
            f"--window {window}: has no two halves; expected an even number, 2 or more: the tokens "
            "seen around each, half of them on either side."
        )


def _band_settings(asked: Asked) -> dict[str, Any]:
    if asked.global_tokens is not None:
        raise ConfigError(
            f"--global-tokens {asked.global_tokens}: a band has none; expected --attention "
            "longformer with it."
        )
    return {"half_window": asked.window // 2}


def _longformer_settings(asked: Asked) -> dict[str, Any]:
    count = 1 if asked.global_tokens is None else asked.global_tokens
    if not 1 <= count <= asked.max_tokens:
        raise ConfigError(
            f"--global-tokens {count}: expected 1 to {asked.max_tokens}, the tokens read at once."
        )
    return {"half_window": asked.window // 2, "global_tokens": count}


def _says_band(settings: Mapping[str, Any]) -> str:
    half = settings["half_window"]
    return f"a window of {2 * half:,} tokens, {half:,} on either side"


def _says_longformer(settings: Mapping[str, Any]) -> str:
    count = settings["global_tokens"]
    which = (
        "token, which sees all others and is"
        if count == 1
        else (f"{count:,}, which see all others and are")
    )
    return (
        f"{_says_band(settings)}, and the first {which} seen by all; global tokens share the "
        "projections of the rest"
    )


KINDS: Mapping[str, Kind] = {
    "band": Kind(settings=_band_settings, says=_says_band),
    "longformer": Kind(settings=_longformer_settings, says=_says_longformer),
}
