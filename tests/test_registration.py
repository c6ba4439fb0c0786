"""Tests that a folder which cannot be registered is refused with the way out."""

import sys
from pathlib import Path

import pytest

import gonerd
from gonerd.errors import MissingExtra, StoreError
from tests.publish.test_assemble import write_release

WAY_OUT = 'Run `gonerd build`, or give its place: gonerd.register("path/to/gonerd").'


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "path"])
@pytest.mark.parametrize("kind", ["nothing", "an empty folder", "a file", "a broken manifest"])
def test_a_place_without_a_release_is_refused(tmp_path: Path, kind: str, as_text: bool) -> None:
    place = tmp_path / "own"
    if kind == "a file":
        place.write_text("x", encoding="utf-8")
    elif kind != "nothing":
        place.mkdir()
    if kind == "a broken manifest":
        (place / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError) as error:
        gonerd.register(str(place) if as_text else place)
    assert str(error.value) == (
        f"{place}: holds no release; expected a folder that `gonerd build` made.\n{WAY_OUT}"
    )


def test_without_a_place_it_looks_for_gonerd_in_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as error:
        gonerd.register()
    assert str(error.value) == (
        f"{tmp_path / 'gonerd'}: holds no release; expected a folder that `gonerd build` made.\n"
        f"{WAY_OUT}"
    )


def test_without_datasets_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setitem(sys.modules, "datasets.load", None)
    with pytest.raises(MissingExtra) as error:
        gonerd.register(write_release(tmp_path / "own"))
    assert str(error.value) == (
        "register: the package datasets is not installed; expected datasets 2.19 or later.\n"
        "Install it: pip install 'gonerd[datasets]'"
    )
