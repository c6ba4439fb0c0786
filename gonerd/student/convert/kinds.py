"""The attentions that can be asked for into the settings that a converted configuration carries.

Options are called what the papers call them. A window is counted as papers do: all tokens around a
query, half of them on either side. Blocks come with the one on either side, so that a window of
BigBird or LSG is three of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from gonerd.errors import ConfigError
from gonerd.student.attention.block_sparse import BlockPattern
from gonerd.student.attention.lsg import SparsePattern
from gonerd.student.attention.nystrom import LandmarkPattern

WINDOW = 512
"""Tokens, where none are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a user asked for; None where nothing was."""

    window: int | None = None
    global_tokens: int | None = None
    block: int | None = None
    random_blocks: int | None = None
    global_blocks: int | None = None
    """At the beginning of a text, and as many at its end."""
    sparse_block_size: int | None = None
    sparsity_factor: int | None = None
    selection: str | None = None
    landmarks: int | None = None

    def stated(self) -> dict[str, Any]:
        """List what was asked for."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """An attention that models can be converted to."""

    options: tuple[str, ...]
    """What of `Asked` it has."""
    settings: Callable[[Asked, int], dict[str, Any]]
    """What its reader in `attention.interface.READERS` is given, without its name."""
    says: Callable[[Mapping[str, Any]], str]
    """What a token sees by these settings."""


def settle(
    attention: str, asked: Asked, max_tokens: int, *, own_windows: bool = False
) -> dict[str, Any]:
    """Choose the settings of an attention for texts of so many tokens.

    Where layers have windows of their own, a band is one for the others, if it is asked for.
    """
    kind = find_kind(attention)
    for option, value in asked.stated().items():
        if option not in kind.options:
            having = [name for name, one in KINDS.items() if option in one.options]
            raise ConfigError(
                f"{flag(option)} {value}: attention {attention!r} has no such setting; expected "
                f"--attention {' or '.join(having)} with it."
            )
    if own_windows and attention == "band" and asked.window is None:
        return {}
    return kind.settings(asked, max_tokens)


def find_kind(name: str) -> Kind:
    """Find an attention by name."""
    if name not in KINDS:
        raise ConfigError(
            f"--attention {name!r}: no such attention; expected one of {', '.join(KINDS)}."
        )
    return KINDS[name]


def flag(option: str) -> str:
    """Name an option as the command line does."""
    return f"--{option.replace('_', '-')}"


def _half_window(asked: Asked) -> int:
    window = WINDOW if asked.window is None else asked.window
    if window < 2 or window % 2:
        raise ConfigError(
            f"--window {window}: has no two halves; expected an even number, 2 or more: the tokens "
            "seen around each, half of them on either side."
        )
    return window // 2


def _global_tokens(asked: Asked, least: int, max_tokens: int) -> int:
    count = 1 if asked.global_tokens is None else asked.global_tokens
    if not least <= count <= max_tokens:
        raise ConfigError(
            f"--global-tokens {count}: expected {least} to {max_tokens}, the tokens read at once."
        )
    return count


def _band_settings(asked: Asked, max_tokens: int) -> dict[str, Any]:
    return {"half_window": _half_window(asked)}


def _longformer_settings(asked: Asked, max_tokens: int) -> dict[str, Any]:
    return {
        "half_window": _half_window(asked),
        "global_tokens": _global_tokens(asked, 1, max_tokens),
    }


def _bigbird_settings(asked: Asked, max_tokens: int) -> dict[str, Any]:
    stated = asked.stated()
    if "global_blocks" in stated:
        stated["global_blocks_at_end"] = stated["global_blocks"]
    return _checked("bigbird", BlockPattern, stated)


def _lsg_settings(asked: Asked, max_tokens: int) -> dict[str, Any]:
    stated = {**asked.stated(), "global_tokens": _global_tokens(asked, 0, max_tokens)}
    if "block" in stated:
        stated.setdefault("sparse_block_size", stated["block"])
    return _checked("lsg", SparsePattern, stated)


def _checked(
    attention: str, pattern: Callable[..., Any], stated: Mapping[str, Any]
) -> dict[str, Any]:
    """Write out all settings of a pattern, so that a configuration says all of what is read."""
    try:
        found = pattern(**stated)
    except ValueError as error:
        raise ConfigError(f"--attention {attention}: {error}") from None
    return {one.name: getattr(found, one.name) for one in fields(found)}


def _says_band(settings: Mapping[str, Any]) -> str:
    half = settings["half_window"]
    return f"a window of {2 * half:,} tokens, {half:,} on either side"


def _says_longformer(settings: Mapping[str, Any]) -> str:
    count = settings["global_tokens"]
    which = "token" if count == 1 else f"{count:,}"
    return (
        f"{_says_band(settings)}, and the first {which}, {say_globals(count)}; global tokens "
        "share the projections of the rest, of which the paper begins with copies"
    )


def say_globals(count: int) -> str:
    """Say what so many global tokens see."""
    if count == 1:
        return "which sees all others and is seen by all"
    return "which see all others and are seen by all"


def _says_bigbird(settings: Mapping[str, Any]) -> str:
    return (
        f"blocks of {settings['block']:,} tokens: each sees itself, the one on either side, and "
        f"{settings['random_blocks']:,} drawn at random for each layer and head, the same in "
        f"training and use{_says_ends(settings['global_blocks'])}"
    )


def _says_ends(count: int) -> str:
    if count == 0:
        return ""
    which = (
        "the first block and the last" if count == 1 else f"the first {count:,} and last {count:,}"
    )
    return f"; {which} of a text see all and are seen by all"


def _says_lsg(settings: Mapping[str, Any]) -> str:
    size, factor = settings["sparse_block_size"], settings["sparsity_factor"]
    said = (
        f"blocks of {settings['block']:,} tokens: each sees itself and the one on either side, "
        f"and beyond these {size:,} sparse tokens on either side, one for each {factor:,} "
        f"({settings['selection']})"
    )
    count = settings["global_tokens"]
    if count == 0:
        return said
    whose = "a global token" if count == 1 else f"{count:,} global tokens"
    return f"{said}, and {whose} before the text, {say_globals(count)}"


def _nystromformer_settings(asked: Asked, max_tokens: int) -> dict[str, Any]:
    return _checked("nystromformer", LandmarkPattern, asked.stated())


def _says_nystromformer(settings: Mapping[str, Any]) -> str:
    count = settings["landmarks"]
    return (
        f"{count:,} landmarks, the means of as many segments of a text, through which each token "
        f"sees all others: of texts of more than {count:,} tokens no more than an approximation, "
        "and a coarse one before it is trained"
    )


KINDS: Mapping[str, Kind] = {
    "band": Kind(options=("window",), settings=_band_settings, says=_says_band),
    "longformer": Kind(
        options=("window", "global_tokens"), settings=_longformer_settings, says=_says_longformer
    ),
    "bigbird": Kind(
        options=("block", "random_blocks", "global_blocks"),
        settings=_bigbird_settings,
        says=_says_bigbird,
    ),
    "lsg": Kind(
        options=("block", "sparse_block_size", "sparsity_factor", "selection", "global_tokens"),
        settings=_lsg_settings,
        says=_says_lsg,
    ),
    "nystromformer": Kind(
        options=("landmarks",), settings=_nystromformer_settings, says=_says_nystromformer
    ),
}
