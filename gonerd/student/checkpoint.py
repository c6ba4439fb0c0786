"""A folder of transformers into a tokenizer and a model: weights in safetensors, no code with them.

Whatever is wrong with a folder is one ConfigError; nothing is fetched, and nobody is asked.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gonerd.errors import ConfigError, GonerdError, MissingExtra


def import_transformers(where: str) -> Any:
    """Import transformers, quiet; without it or torch a MissingExtra says what is to be done."""
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise MissingExtra(
            f"{where}: {error.name or error} is not installed; expected the extra `student`.\n"
            "Install it: pip install 'gonerd[student]'"
        ) from None
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return transformers


def check_folder(path: Path) -> None:
    """Refuse what cannot be the folder of an encoder."""
    if not (path / "config.json").is_file():
        raise ConfigError(f"{path}: no config.json; expected the folder of a transformers encoder.")


@contextlib.contextmanager
def loading(where: str | Path) -> Iterator[None]:
    """Turn whatever goes wrong while a folder is loaded and checked into one ConfigError."""
    try:
        yield
    except GonerdError:
        raise
    except Exception as error:  # damaged files make the libraries raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"{where}: cannot be loaded ({reason}); expected an encoder of transformers with "
            "weights in safetensors."
        ) from None


def load_tokenizer(path: Path) -> Any:
    """Load a tokenizer from a folder."""
    import transformers

    return transformers.AutoTokenizer.from_pretrained(
        path, local_files_only=True, use_fast=True, trust_remote_code=False
    )


def model_class(config: Any) -> Any:
    """Find the class of transformers that a checkpoint was saved as, so that its head stays on."""
    import transformers

    names = getattr(config, "architectures", None)
    if not names:
        return transformers.AutoModel
    found = getattr(transformers, names[0], None)
    if not isinstance(found, type) or not issubclass(found, transformers.PreTrainedModel):
        raise ValueError(f"its architecture {names[0]!r} is none of transformers")
    return found


def load_model(path: Path, kind: Any, **options: Any) -> Any:
    """Load a model of a class of transformers; one of whose weights some are missing is refused.

    A pooler that was never learnt is taken away: nothing of ours reads it.
    """
    model, found = kind.from_pretrained(
        path,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **options,
    )
    missing = sorted(found["missing_keys"])
    if without := [name for name in missing if "pooler" not in name]:
        raise ValueError(f"no weights for {without[0]}, {len(without)} such")
    if missing:
        model.base_model.pooler = None
    return model.eval()


def check_vocabulary(tokenizer: Any, model: Any) -> None:
    """Refuse a tokenizer that is not there, or not of this model."""
    if not len(tokenizer.all_special_tokens) < len(tokenizer):
        raise ValueError("its tokenizer has no vocabulary")
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        raise ValueError("its tokenizer has more pieces than its weights")
