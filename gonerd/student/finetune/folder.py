"""What a run has made into its folder, and what lies in a folder into whether a run may go there.

A folder with `state.pt` holds a run on its way, one with `training.json` a finished one. The model
is written aside and moved into its place file by file, `training.json` last, and only then does the
state go: whatever stops this, the same command goes on.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gonerd.errors import ConfigError, StoreError
from gonerd.store import write_file
from gonerd.student.finetune.state import remove, sync_folder

STATE = "state.pt"
COURSE = "training.json"
MADE_OF = "made of"
"""In `training.json`: the fingerprint of settings, weights and examples."""
_ASIDE = ".saving"


def check_out(out: Path, model: Path) -> None:
    """Refuse a place in which a model would be lost, before anything is loaded."""
    if out.resolve() == model.resolve():
        raise ConfigError(
            f"--out {out}: is the model that is taught; expected a folder of its own."
        )
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: is a file; expected a folder.")


def finished(out: Path, made_of: str, *, afresh: bool = False) -> dict[str, Any] | None:
    """Read what a finished run said of itself; None where none is. Another's is a ConfigError.

    With `afresh` whatever model lies there may be replaced.
    """
    if afresh or (out / STATE).exists():
        return None
    if not (out / COURSE).exists():
        if (out / "config.json").exists():
            raise _of_another(out, "holds a model that no run has left there")
        return None
    try:
        report = json.loads((out / COURSE).read_text(encoding="utf-8"))
        same = report.get(MADE_OF) == made_of
    except (OSError, ValueError, AttributeError):
        same = False
    if not same:
        raise _of_another(out, "holds what a run with other settings or examples has made")
    remove(out / STATE)
    assert isinstance(report, dict)
    return report


def clear(out: Path) -> None:
    """Forget the run of a folder; its model stays until another is in its place."""
    remove(out / STATE)
    (out / COURSE).unlink(missing_ok=True)


def make_folder(out: Path) -> None:
    """Make a folder for a run, and see that it can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(out / _ASIDE, ignore_errors=True)
        (out / _ASIDE).mkdir()
        (out / _ASIDE).rmdir()
    except OSError as error:
        raise _unwritable(out, error) from None


@contextlib.contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold a folder for this run alone; one that another is at work in is a StoreError."""
    handle = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StoreError(
            f"--out {out}: another run is at work in it; expected one at a time.\n"
            "Wait for it to end, or give another folder."
        ) from None
    finally:
        os.close(handle)


def put(model: Any, tokenizer: Any, report: dict[str, Any], out: Path) -> None:
    """Write a finished run, and remove its state."""
    aside = out / _ASIDE
    try:
        model.save_pretrained(aside)
        tokenizer.save_pretrained(aside)
        for path in sorted(aside.iterdir()):
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        for path in sorted(aside.iterdir()):
            os.replace(path, out / path.name)
        aside.rmdir()
        sync_folder(out)
    except Exception as error:  # safetensors has errors of its own
        shutil.rmtree(aside, ignore_errors=True)
        raise _unwritable(out, error) from None
    write_file(out / COURSE, (json.dumps(report, indent=1) + "\n").encode())
    remove(out / STATE)


def _of_another(out: Path, what: str) -> ConfigError:
    return ConfigError(
        f"--out {out}: {what}; expected a folder of its own.\n"
        "Give another, or --afresh to begin anew in its place."
    )


def _unwritable(out: Path, error: Exception) -> StoreError:
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
    return StoreError(
        f"--out {out}: could not be written ({reason}); expected a folder that can be written, and "
        "room on its disk.\nThe state of the training is kept: the same command goes on from it."
    )
