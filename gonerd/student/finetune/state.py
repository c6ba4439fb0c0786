"""A run on its way into a file, all or nothing, and back; beside it the best weights so far."""

import contextlib
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gonerd.errors import ConfigError, StoreError


@dataclass(kw_only=True)
class Course:
    """How far a run has come."""

    epoch: int = 0
    update: int = 0
    """Updates of this epoch that are done."""
    losses: list[float] = field(default_factory=list)
    """Mean over the tags of each update so far."""
    scores: list[float] = field(default_factory=list)
    """After each epoch so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Where a run is kept, and which it is."""

    path: Path
    run: str
    """Fingerprint of settings, sizes and configuration."""
    made_of: str = ""
    """Of weights and examples too, where somebody has taken it; compared if both have it."""

    @property
    def best(self) -> Path:
        """Where the best weights so far are."""
        return self.path.with_suffix(".best")

    def save(self, model: Any, optimizer: Any, schedule: Any, course: Course) -> None:
        """Keep a run; one that cannot be written is a StoreError, and leaves the last one."""
        values = {
            "run": self.run,
            "made_of": self.made_of,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "course": asdict(course),
        }
        _write(self.path, values)

    def save_best(self, model: Any) -> None:
        """Keep the weights of the best epoch."""
        _write(self.best, model.state_dict())

    def load_best(self, model: Any) -> None:
        """Go back to the weights of the best epoch."""
        model.load_state_dict(_read(self.best))

    def resume(self, model: Any, optimizer: Any, schedule: Any) -> Course:
        """Take up a run where it was left; begin where there is none."""
        if not self.path.exists():
            return Course()
        saved = _read(self.path)
        try:
            made_of = saved.get("made_of", "")
            same = saved["run"] == self.run
            course = Course(**saved["course"])
        except (KeyError, TypeError, AttributeError):
            raise _unreadable(self.path, "it holds something else") from None
        if not same or (made_of and self.made_of and made_of != self.made_of):
            raise ConfigError(
                f"{self.path}: of a run with other settings or examples; expected this one's.\n"
                "Remove it, and the run begins anew."
            )
        if course.scores and not self.best.exists():
            raise _unreadable(self.best, "it is not there")
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        return course


def remove(path: Path) -> None:
    """Remove what is kept of a run, the state first: without it nothing else is looked at."""
    for one in (path, path.with_suffix(".best"), *_partials(path)):
        one.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Let what was renamed within a folder outlast a loss of power."""
    with contextlib.suppress(OSError):  # some file systems have no such thing
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _partials(path: Path) -> list[Path]:
    return [one.with_name(f"{one.name}.partial") for one in (path, path.with_suffix(".best"))]


def _write(path: Path, values: Any) -> None:
    """Write all or nothing: beside its place, onto the disk, then into its place."""
    import torch

    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as stream:
            torch.save(values, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
        sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise StoreError(
            f"{path}: cannot be written ({_reason(error)}); expected room for the state of the "
            "training.\nFree some and give the same command again: what was saved before is kept, "
            "and resumed."
        ) from None


def _read(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, weights_only=True)
    except Exception as error:  # a damaged file makes torch raise anything
        raise _unreadable(path, (str(error).splitlines() or [""])[0]) from None


def _unreadable(path: Path, reason: str) -> ConfigError:
    state = path.with_suffix(".pt") if path.suffix == ".best" else path
    return ConfigError(
        f"{path}: cannot be read ({reason}); expected the state of a run.\n"
        f"Remove {'it' if state == path else state.name}, and the run begins anew."
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
