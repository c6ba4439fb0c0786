"""Longformer, BigBird and Nystromformer checkpoints into settings by which they read with ours.

They have had such attention since their pretraining, Longformer with weights of its own for global
tokens and Nystromformer with a convolution. So what they read stays what it was, unless it is asked
for what they leave open.
"""

from collections.abc import Mapping
from typing import Any

from gonerd.errors import ConfigError
from gonerd.student.convert.kinds import Asked, flag, say_globals, settle

OWN: Mapping[str, str] = {
    "longformer": "longformer",
    "big_bird": "bigbird",
    "nystromformer": "nystromformer",
}
"""By `model_type`, the attention that a model has already."""
OPEN: Mapping[str, str] = {
    "longformer": "global_tokens",
    "bigbird": "random_blocks",
    "nystromformer": "landmarks",
}
"""What can be asked for all the same."""


def check_own(config: Any, attention: str, asked: Asked, max_tokens: int, where: str) -> None:
    """Refuse another attention than a model's own, and settings that it has already.

    transformers fills texts of a BigBird up to whole blocks, for which there must be places.
    """
    own = OWN[config.model_type]
    if attention != own:
        raise ConfigError(
            f"--attention {attention}: {where} has attention of its own, for which its weights "
            f"are; expected --attention {own}."
        )
    for option, value in asked.stated().items():
        if option != OPEN[own]:
            raise ConfigError(
                f"{flag(option)} {value}: {where} is a {own} already, and stays as it is; expected "
                f"no {flag(option)}."
            )
    if config.model_type == "big_bird" and max_tokens % config.block_size:
        whole = max_tokens + -max_tokens % config.block_size
        raise ConfigError(
            f"--max-tokens {max_tokens}: {where} reads whole blocks of {config.block_size}; "
            f"expected as many tokens as these have, such as {whole}."
        )


def own_settings(config: Any, asked: Asked) -> dict[str, Any]:
    """Choose the settings by which a model reads as it always did."""
    if config.model_type == "longformer":
        return {} if asked.global_tokens is None else {"global_tokens": asked.global_tokens}
    if config.model_type == "nystromformer":
        settled = settle("nystromformer", asked, config.max_position_embeddings)
        return {} if asked.landmarks is None else {"landmarks": settled["landmarks"]}
    if asked.random_blocks is not None:
        return {"random_blocks": asked.random_blocks}
    return {} if config.attention_type == "original_full" else {"random": "own"}


def say_own(config: Any, settings: Mapping[str, Any]) -> str:
    """Say what a token sees by these settings."""
    if config.model_type == "longformer":
        count = settings.get("global_tokens", 0)
        first = "token" if count == 1 else f"{count:,}"
        which = (
            f"the first {first}, {say_globals(count)}"
            if count
            else "no token is global but those that a caller names"
        )
        return (
            f"a window of {_windows(config)} tokens; {which}, by projections for them that are the "
            "model's own"
        )
    if config.model_type == "nystromformer":
        return _say_landmarks(config, settings)
    count = settings.get("random_blocks", config.num_random_blocks)
    drawn = (
        f"random ones as transformers draws them, {count:,} in training and none outside of it, "
        "where the first is read once more for each"
        if settings.get("random") == "own"
        else f"{count:,} drawn at random for each layer and head, the same in training and use"
    )
    return (
        f"blocks of {config.block_size:,} tokens: each sees itself, the one on either side, and "
        f"{drawn}; the first block and the last of a text see all and are seen by all"
    )


def _say_landmarks(config: Any, settings: Mapping[str, Any]) -> str:
    """Say how many there are, and where transformers takes other ones."""
    count = settings.get("landmarks", config.num_landmarks)
    said = f"{count:,} landmarks, the means of as many segments of a text of any length"
    if config.conv_kernel_size is not None:
        said += ", and the model's own convolution"
    if config.num_landmarks == config.segment_means_seq_len:
        said += "; as it is configured, transformers has all see all, in time that is quadratic"
    return said


def _windows(config: Any) -> str:
    own = config.attention_window
    each = sorted({own} if isinstance(own, int) else set(own))
    return f"{each[0]:,}" if len(each) == 1 else f"{each[0]:,} to {each[-1]:,}"
