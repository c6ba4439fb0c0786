"""A model and its tokenizer into the same for long texts: positions, attention, global tokens.

Weights stay what they are. Layers that have a window of their own in a model whose layers differ
(ModernBERT) keep it, so that the attention that is asked for is that of the others; asked for a
band and no window, these stay as they are too, and the model is the one it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gonerd.errors import ConfigError
from gonerd.student.attention.interface import KEY
from gonerd.student.convert.kinds import KINDS, settle
from gonerd.student.convert.own import OWN, own_settings, say_own
from gonerd.student.convert.positions import FAMILIES, extend_positions, readable_tokens
from gonerd.student.convert.prepended import count_prepended, prepend, strided

if TYPE_CHECKING:
    from gonerd.student.convert.convert import Request


def change(model: Any, tokenizer: Any, request: "Request") -> tuple[Any, tuple[str, ...]]:
    """Change positions, attention and tokenizer; give the tokenizer, and say what changed."""
    config, before = model.config, readable_tokens(model)
    if request.max_tokens < before:
        raise ConfigError(
            f"--max-tokens {request.max_tokens}: {request.model} reads {before} already; expected "
            "that or more."
        )
    ahead = count_prepended(tokenizer)
    settings = _settings(config, request, ahead)
    was = getattr(config, KEY, None)
    setattr(config, KEY, {"attention": request.attention, **settings})
    _free(tokenizer, request.max_tokens)
    said: tuple[str, ...] = ()
    new: list[int] = []
    if request.attention == "lsg" and settings["global_tokens"] > ahead:
        new = _places(model, settings["global_tokens"], request)
        tokenizer = prepend(model, tokenizer, len(new), request.model)
        said = (_say_new(new, FAMILIES[config.model_type].table),)
    positions = extend_positions(model, request.max_tokens, ahead=ahead, new=new)
    first = config.model_type if config.model_type in OWN else "full"
    return tokenizer, (
        positions,
        f"attention: {was['attention'] if was else first} -> {request.attention}, "
        f"{_say_attention(config, request.attention, settings)}",
        *said,
        f"tokenizer: model_max_length {request.max_tokens:,}, and no truncation unless asked for",
    )


def _settings(config: Any, request: "Request", ahead: int) -> dict[str, Any]:
    """Choose the settings of an attention for a model with so many global tokens of its own."""
    asked = request.asked
    if config.model_type in OWN:
        return own_settings(config, asked)
    if ahead and request.attention != "lsg":
        raise ConfigError(
            f"--attention {request.attention}: {request.model} has global tokens before its texts; "
            "expected --attention lsg, or the model that it was made from."
        )
    if ahead and asked.global_tokens not in (None, ahead):
        raise ConfigError(
            f"--global-tokens {asked.global_tokens}: {request.model} has {ahead} already; expected "
            "that, or the model that it was made from."
        )
    if ahead:
        asked = replace(asked, global_tokens=ahead)
    own_windows = getattr(config, "layer_types", None) is not None
    return settle(request.attention, asked, request.max_tokens, own_windows=own_windows)


def _places(model: Any, count: int, request: "Request") -> list[int]:
    """Choose the places that global tokens begin with, if there is room before the text."""
    before = readable_tokens(model)
    if FAMILIES[model.config.model_type].table and request.max_tokens < before + count:
        raise ConfigError(
            f"--max-tokens {request.max_tokens}: {request.model} reads {before} already, behind "
            f"global tokens; expected {before + count} or more, or --global-tokens 0."
        )
    return strided(count, before)


def _say_attention(config: Any, attention: str, settings: Mapping[str, Any]) -> str:
    """Say what a token sees, in which layers."""
    if config.model_type in OWN:
        return say_own(config, settings)
    said = KINDS[attention].says(settings) if settings else "everything, as before"
    layers = getattr(config, "layer_types", None)
    if layers is None:
        return said
    own = sum(one != "full_attention" for one in layers)
    return (
        f"in {own} of {len(layers)} layers the window of their own, "
        f"{2 * int(config.sliding_window):,} tokens, as before; in the rest {said}"
    )


def _say_new(places: Sequence[int], table: bool) -> str:
    """Say how global tokens begin."""
    count = len(places)
    said = (
        "a new piece of the vocabulary, which the tokenizer puts before every text; it begins"
        if count == 1
        else f"{count:,} new pieces of the vocabulary, which the tokenizer puts before every text; "
        "the first begins"
    )
    said = f"global tokens: {said} as the piece that opens a text"
    if count > 1:
        said += ", the others as the mask"
    if not table:
        return said
    if count == 1:
        return f"{said}, at its first place"
    return (
        f"{said}, at the places {', '.join(map(str, places[:4]))}{', ...' * (count > 4)} of a text"
    )


def _free(tokenizer: Any, max_tokens: int) -> None:
    """Let a tokenizer cut at the new length, and only when asked: some come with habits."""
    tokenizer.model_max_length = max_tokens
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    for name in ("max_length", "truncation_strategy", "stride", "is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(name, None)
