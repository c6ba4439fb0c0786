"""The folder of a transformers encoder into the folder of one that reads more, in less time.

Weights stay what they are, with a head if there is one; only the position table grows. Nothing is
trained here. The configuration says which attention it is, and importing `gonerd.student` is all
that transformers needs to use it.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gonerd.errors import ConfigError, StoreError
from gonerd.student.attention.interface import KEY, register
from gonerd.student.checkpoint import (
    check_folder,
    check_vocabulary,
    import_transformers,
    load_model,
    load_tokenizer,
    loading,
    model_class,
)
from gonerd.student.convert.card import CARD, Made, make_card
from gonerd.student.convert.change import change
from gonerd.student.convert.kinds import Asked, settle
from gonerd.student.convert.own import OWN, check_own
from gonerd.student.convert.positions import check_family, readable_tokens

HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
FETCHED = ["*.json", "*.txt", "*.model", "*.safetensors", CARD]
"""Of a model on the hub: no code, and no pickled weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is to be made of which model."""

    model: str
    """A folder, or `owner/name` on the hub where there is no such folder."""
    out: Path
    attention: str
    max_tokens: int
    asked: Asked = field(default_factory=Asked)


def convert(request: Request) -> Made:
    """Convert a model, write it with tokenizer and card, and say what changed."""
    settle(request.attention, request.asked, request.max_tokens)
    check_out(request.out, request.model)
    transformers = import_transformers(f"convert {request.model}")
    register()
    folder = find_model(request.model)
    with loading(request.model):
        config = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        check_family(config, request.model)
        if config.model_type in OWN:
            check_own(config, request.attention, request.asked, request.max_tokens, request.model)
        model = load_model(folder, model_class(config))
        tokenizer = load_tokenizer(folder)
        _check(model, tokenizer)
        before = readable_tokens(model)
        tokenizer, changed = change(model, tokenizer, request)
    made = Made(
        name=request.model if folder != Path(request.model) else folder.resolve().name,
        on_hub=folder != Path(request.model),
        folder=folder,
        architecture=type(model).__name__,
        attention=request.attention,
        settings=dict(getattr(model.config, KEY)),
        of_transformers=config.model_type in OWN or len(getattr(model.config, KEY)) == 1,
        tokens_before=before,
        max_tokens=request.max_tokens,
        changed=changed,
    )
    with _in_place(request.out) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / CARD).write_text(make_card(made), encoding="utf-8")
        for path in partial.iterdir():  # weights come readable for their owner alone
            path.chmod((partial / CARD).stat().st_mode)
    return made


def check_out(out: Path, model: str) -> None:
    """Refuse a place that is taken; an empty folder is none."""
    expected = "expected a folder that is empty, or not there yet"
    if out.exists() and out.resolve() == Path(model).resolve():
        raise ConfigError(f"--out {out}: is the model itself; {expected}.")
    if out.exists() and not out.is_dir():
        raise StoreError(f"--out {out}: is a file; {expected}.")
    if out.exists() and any(out.iterdir()):
        raise StoreError(f"--out {out}: is not empty; {expected}.")


def find_model(model: str) -> Path:
    """Give the folder of a model, fetched if it is a name on the hub and no folder here."""
    folder = Path(model)
    if folder.exists() or not HUB_NAME.fullmatch(model):
        check_folder(folder)
        return folder
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, allow_patterns=FETCHED, ignore_patterns=["*/*"]))
    except Exception as error:  # of its own, of its parts, of the network
        raise ConfigError(
            f"{model}: no such folder, and not to be had from the hub ({type(error).__name__}); "
            "expected the folder of a transformers encoder, or the name of one on the hub."
        ) from None


def _check(model: Any, tokenizer: Any) -> None:
    """Refuse what loads but cannot label texts."""
    if not tokenizer.is_fast:
        raise ValueError("its tokenizer gives no offsets")
    check_vocabulary(tokenizer, model)
    if not all(bool(one.isfinite().all()) for one in model.parameters()):
        raise ValueError("its weights hold what is no number")


@contextlib.contextmanager
def _in_place(out: Path) -> Iterator[Path]:
    """Yield a folder to write into; move it to its place when the block ends well."""
    place = out.resolve()
    partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.rename(place)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if not isinstance(error, Exception):
            raise
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise StoreError(
            f"--out {out}: could not be written ({reason}); expected a folder that can be "
            "written, and room on its disk."
        ) from error
