"""TOML into frozen dataclasses, strictly: an unknown key, a missing key or a wrong type is an error
that names the dotted key and what is known.

A field's type is its rule. Known are str, int, float, bool, `X | None`, Literal, tuple[X, ...],
dict[str, X], and nested dataclasses. Checks across fields stand in a dataclass's `__post_init__`
and raise ValueError; here they get their place.
"""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from gonerd.errors import ConfigError

T = TypeVar("T")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; what cannot be read is a ConfigError with its line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a file of configuration.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start} is not UTF-8; expected TOML in UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}; expected TOML.") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; expected a few levels.") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; expected a readable file.") from None


def from_table(cls: type[T], table: Mapping[str, Any], where: str, key: str = "") -> T:
    """Make a frozen dataclass from a table; `where` and the dotted key open every error."""
    place = f"{where}: {key}" if key else where
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    prefix = f"{key}." if key else ""
    for name in table:
        if name not in known:
            raise ConfigError(
                f"{where}: unknown key '{prefix}{name}'; known keys: {', '.join(known)}."
            )
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in table:
            values[name] = _value(hints[name], table[name], where, prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{where}: '{prefix}{name}' is missing; expected a value for it.")
    try:
        return cls(**values)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from None


def to_table(config: Any) -> dict[str, Any]:
    """Turn a config back into plain values, every field with its resolved value."""
    table: dict[str, Any] = dataclasses.asdict(config)
    return table


def _value(hint: Any, value: Any, where: str, key: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [argument for argument in arguments if argument is not types.NoneType]
        return _value(inner[0], value, where, key)
    if origin is typing.Literal:
        if value not in arguments:
            choices = ", ".join(repr(argument) for argument in arguments)
            raise ConfigError(f"{where}: {key} is {value!r}; expected one of {choices}.")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where}: {key} is {value!r}; expected a list.")
        return tuple(
            _value(arguments[0], item, where, f"{key}[{i}]") for i, item in enumerate(value)
        )
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: {key} is {value!r}; expected a table.")
        return {
            name: _value(arguments[1], item, where, f"{key}.{name}") for name, item in value.items()
        }
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: {key} is {value!r}; expected a table.")
        return from_table(typing.cast(type[Any], hint), value, where, key)
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{where}: {key} is {value!r}; expected {_NAMES[hint]}.")
    return value


_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
