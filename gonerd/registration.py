"""A release's folder into a name that `datasets.load_dataset` knows, from any working folder."""

import functools
from pathlib import Path
from typing import Any

from gonerd.errors import MissingExtra, StoreError
from gonerd.release import is_release


def register(folder: str | Path = "gonerd", *, name: str = "gonerd") -> None:
    """Make `load_dataset(name)` load the release in `folder`, in this process.

    A folder that holds no release is a StoreError. Registering a name again replaces its folder.
    """
    place = Path(folder).absolute()
    if not is_release(place):
        raise StoreError(
            f"{place}: holds no release; expected a folder that `gonerd build` made.\n"
            'Run `gonerd build`, or give its place: gonerd.register("path/to/gonerd").'
        )
    try:
        import datasets.load
    except ImportError:
        raise MissingExtra(
            "register: the package datasets is not installed; expected datasets 2.19 or later.\n"
            "Install it: pip install 'gonerd[datasets]'"
        ) from None
    if not _folders:
        find = datasets.load.dataset_module_factory
        # load_dataset and load_dataset_builder both look a name up through this function.
        datasets.load.dataset_module_factory = _resolving(find)
    _folders[name] = str(place)


_folders: dict[str, str] = {}


def _resolving(find: Any) -> Any:
    @functools.wraps(find)
    def find_registered(path: str, *arguments: Any, **options: Any) -> Any:
        return find(_folders.get(path, path), *arguments, **options)

    return find_registered
