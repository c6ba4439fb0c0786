"""Tests that TOML becomes a config only where every key and value is as it should be."""

import json
import tomllib
from dataclasses import FrozenInstanceError, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gonerd.config import from_table, read_toml, to_table
from gonerd.errors import ConfigError
from tests.strategies import hostile_values

WHERE = "builder.toml"


@dataclass(frozen=True, kw_only=True)
class Split:
    """A nested table."""

    share: float
    seed: int = 7

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share={self.share}; expected from 0 to 1.")


@dataclass(frozen=True, kw_only=True)
class Builder:
    """Every kind of field that a config may have."""

    name: str
    size: int = 512
    rate: float = 0.5
    strict: bool = False
    note: str | None = None
    mode: Literal["stop", "count"] = "stop"
    labels: tuple[str, ...] = ("PER",)
    shares: dict[str, float] = field(default_factory=dict)
    split: Split = field(default_factory=lambda: Split(share=0.1))
    folds: tuple[Split, ...] = ()


FULL = """
name = "sample"
size = 4096
rate = 1
strict = true
note = "long"
mode = "count"
labels = ["PER", "LOC"]
shares = {train = 0.8, test = 1}

[split]
share = 0.25

[[folds]]
share = 0.5
seed = 1

[[folds]]
share = 0
"""


def test_a_table_becomes_a_config_with_every_kind_of_field() -> None:
    assert from_table(Builder, tomllib.loads(FULL), WHERE) == Builder(
        name="sample",
        size=4096,
        rate=1.0,
        strict=True,
        note="long",
        mode="count",
        labels=("PER", "LOC"),
        shares={"train": 0.8, "test": 1.0},
        split=Split(share=0.25),
        folds=(Split(share=0.5, seed=1), Split(share=0.0)),
    )


def test_a_whole_number_becomes_a_float_where_one_is_expected() -> None:
    config = from_table(Builder, tomllib.loads(FULL), WHERE)

    assert type(config.rate) is float
    assert type(config.shares["test"]) is float
    assert type(config.folds[1].share) is float


def test_what_is_not_said_has_its_default() -> None:
    assert from_table(Builder, {"name": "sample"}, WHERE) == Builder(name="sample")


def test_a_config_cannot_be_changed_in_place() -> None:
    config = from_table(Builder, {"name": "sample"}, WHERE)

    with pytest.raises(FrozenInstanceError):
        config.size = 5  # type: ignore[misc]


KNOWN = "name, size, rate, strict, note, mode, labels, shares, split, folds"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param({}, "'name' is missing; expected a value for it.", id="missing"),
        pytest.param(
            {"name": "a", "siez": 5}, f"unknown key 'siez'; known keys: {KNOWN}.", id="unknown"
        ),
        pytest.param(
            {"siez": 5}, f"unknown key 'siez'; known keys: {KNOWN}.", id="unknown before missing"
        ),
        pytest.param({"name": 5}, "name is 5; expected a string.", id="string a number"),
        pytest.param({"name": True}, "name is True; expected a string.", id="string a boolean"),
        pytest.param(
            {"name": "a", "size": True},
            "size is True; expected a whole number.",
            id="int a boolean",
        ),
        pytest.param(
            {"name": "a", "size": 5.0}, "size is 5.0; expected a whole number.", id="int a float"
        ),
        pytest.param(
            {"name": "a", "size": "5"}, "size is '5'; expected a whole number.", id="int a string"
        ),
        pytest.param(
            {"name": "a", "rate": True}, "rate is True; expected a number.", id="float a boolean"
        ),
        pytest.param(
            {"name": "a", "rate": "0.5"}, "rate is '0.5'; expected a number.", id="float a string"
        ),
        pytest.param(
            {"name": "a", "strict": 1},
            "strict is 1; expected true or false.",
            id="boolean a number",
        ),
        pytest.param(
            {"name": "a", "strict": "yes"},
            "strict is 'yes'; expected true or false.",
            id="boolean a string",
        ),
        pytest.param(
            {"name": "a", "note": 5}, "note is 5; expected a string.", id="optional a number"
        ),
        pytest.param(
            {"name": "a", "mode": "halt"},
            "mode is 'halt'; expected one of 'stop', 'count'.",
            id="not a choice",
        ),
        pytest.param(
            {"name": "a", "mode": ["stop"]},
            "mode is ['stop']; expected one of 'stop', 'count'.",
            id="choice a list",
        ),
        pytest.param(
            {"name": "a", "labels": "PER"}, "labels is 'PER'; expected a list.", id="list a string"
        ),
        pytest.param(
            {"name": "a", "labels": ["PER", 5]},
            "labels[1] is 5; expected a string.",
            id="list with a number",
        ),
        pytest.param(
            {"name": "a", "shares": [1]}, "shares is [1]; expected a table.", id="table a list"
        ),
        pytest.param(
            {"name": "a", "shares": {"train": "most"}},
            "shares.train is 'most'; expected a number.",
            id="table with a string",
        ),
        pytest.param(
            {"name": "a", "split": 0.5}, "split is 0.5; expected a table.", id="nested a number"
        ),
        pytest.param(
            {"name": "a", "split": {}},
            "'split.share' is missing; expected a value for it.",
            id="nested missing",
        ),
        pytest.param(
            {"name": "a", "split": {"share": 0.5, "sede": 1}},
            "unknown key 'split.sede'; known keys: share, seed.",
            id="nested unknown",
        ),
        pytest.param(
            {"name": "a", "split": {"share": False}},
            "split.share is False; expected a number.",
            id="nested a boolean",
        ),
        pytest.param(
            {"name": "a", "split": {"share": 1.5}},
            "split: share=1.5; expected from 0 to 1.",
            id="nested out of bounds",
        ),
        pytest.param(
            {"name": "a", "folds": [{"share": 0.5}, {"share": 2}]},
            "folds[1]: share=2.0; expected from 0 to 1.",
            id="list of tables out of bounds",
        ),
        pytest.param(
            {"name": "a", "folds": [{"share": 0.5}, {"part": 2}]},
            "unknown key 'folds[1].part'; known keys: share, seed.",
            id="list of tables unknown",
        ),
    ],
)
def test_a_table_of_wrong_form_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        from_table(Builder, table, WHERE)
    assert str(error.value) == f"{WHERE}: {message}"


def test_a_rule_across_fields_gets_the_place_of_the_file() -> None:
    with pytest.raises(ConfigError) as error:
        from_table(Split, {"share": -1}, WHERE)
    assert str(error.value) == f"{WHERE}: share=-1.0; expected from 0 to 1."


@given(st.sampled_from(KNOWN.split(", ")), hostile_values)
@example("rate", 10**400)
@example("shares", {"train": -(10**400)})
def test_a_hostile_value_is_taken_or_refused_with_its_place(key: str, value: Any) -> None:
    try:
        from_table(Builder, {"name": "a", key: value}, WHERE)
    except ConfigError as error:
        assert str(error).startswith(f"{WHERE}: ")


def test_a_config_gives_back_every_resolved_value() -> None:
    assert json.loads(json.dumps(to_table(Builder(name="sample", folds=(Split(share=1),))))) == {
        "name": "sample",
        "size": 512,
        "rate": 0.5,
        "strict": False,
        "note": None,
        "mode": "stop",
        "labels": ["PER"],
        "shares": {},
        "split": {"share": 0.1, "seed": 7},
        "folds": [{"share": 1, "seed": 7}],
    }


# Reading files.


def test_toml_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "builder.toml"
    path.write_text('name = "Zo\u00eb \U0001f600"\r\nsize = 5\r\n', encoding="utf-8", newline="")

    assert read_toml(path) == {"name": "Zo\u00eb \U0001f600", "size": 5}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "builder.toml"

    with pytest.raises(ConfigError) as error:
        read_toml(path)
    assert str(error.value) == f"{path}: no such file; expected a file of configuration."


def test_a_folder_is_no_file_of_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read_toml(tmp_path)
    assert str(error.value) == f"{tmp_path}: Is a directory; expected a readable file."


def test_a_file_that_is_not_utf8_is_refused_with_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "builder.toml"
    path.write_bytes(b'name = "Zo\xeb"\n')

    with pytest.raises(ConfigError) as error:
        read_toml(path)
    assert str(error.value) == f"{path}: byte 10 is not UTF-8; expected TOML in UTF-8."


@pytest.mark.parametrize("content", ["name = ", "name = 1\nname = 2", "[a", "a.b = 1\na = 2"])
def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "builder.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(tomllib.TOMLDecodeError) as reason:
        tomllib.loads(content)

    with pytest.raises(ConfigError) as error:
        read_toml(path)
    assert str(error.value) == f"{path}: {reason.value}; expected TOML."


def test_toml_nested_too_deep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "builder.toml"
    path.write_text("a = " + "[" * 100_000, encoding="utf-8")

    with pytest.raises(ConfigError) as error:
        read_toml(path)
    assert str(error.value).startswith(f"{path}: ")
