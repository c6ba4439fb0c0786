"""People with a token each, kept beside the log, into who a request comes from.

Tokens and the port outlive the server, so that links and open pages work again after a restart.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gonerd.errors import ConfigError, StoreError

Role = Literal["annotator", "adjudicator", "owner"]
EVERY_ROLE: frozenset[Role] = frozenset({"annotator", "adjudicator", "owner"})
KEPT = "access.json"
"""Readable by its owner alone: who reads a token can act as that person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who may use the page."""

    name: str
    roles: frozenset[Role]

    def may(self, role: Role) -> bool:
        """Say whether the person has a role."""
        return role in self.roles


@dataclass(frozen=True, kw_only=True)
class Access:
    """Everybody who may use the page, and their tokens."""

    people: Mapping[str, Person]
    """By the hash of the token: comparing hashes tells a guesser nothing by its time."""
    tokens: Mapping[str, str]
    """By name."""
    show_others: bool = False

    def who(self, token: str) -> Person | None:
        """Find the person of a token."""
        return self.people.get(_hashed(token))

    def sees_others(self, person: Person) -> bool:
        """Say whether a person may see what others hold."""
        return self.show_others or person.may("owner")


def team(
    annotators: Iterable[str], adjudicators: Iterable[str] = (), owners: Iterable[str] = ()
) -> list[Person]:
    """Give everybody their roles; who is named twice has the higher."""
    roles: dict[str, frozenset[Role]] = {}
    for names, theirs in (
        (annotators, frozenset[Role]({"annotator"})),
        (adjudicators, frozenset[Role]({"annotator", "adjudicator"})),
        (owners, EVERY_ROLE),
    ):
        for name in names:
            if not name.strip() or not name.isprintable():
                raise ConfigError(f"name {name!r}: expected one that can be read.")
            roles[name.strip()] = roles.get(name.strip(), frozenset()) | theirs
    return [Person(name=name, roles=theirs) for name, theirs in sorted(roles.items())]


def grant(
    folder: Path, people: Iterable[Person], *, show_others: bool = False, new: bool = False
) -> Access:
    """Give each person the token kept for them, or a new one; with `new`, all get new ones."""
    kept = _read(folder)
    old = {} if new else kept.get("tokens", {})
    known = {one.name: one for one in people}
    tokens = {name: old.get(name) or secrets.token_urlsafe(24) for name in known}
    _write(folder, {**kept, "tokens": {**old, **tokens}})
    return Access(
        people={_hashed(tokens[name]): one for name, one in known.items()},
        tokens=tokens,
        show_others=show_others,
    )


def last_port(folder: Path) -> int:
    """Give the port that was used last; 0 where there is none."""
    port = _read(folder).get("port", 0)
    return port if type(port) is int and 0 < port < 65536 else 0


def keep_port(folder: Path, port: int) -> None:
    """Remember a port."""
    _write(folder, {**_read(folder), "port": port})


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(folder: Path) -> dict[str, Any]:
    path = folder / KEPT
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise StoreError(
            f"{path}: cannot be read; expected the tokens of annotators.\n"
            "Take it away, and everybody gets a new link."
        ) from None
    if not isinstance(row, dict) or not isinstance(row.get("tokens", {}), dict):
        raise StoreError(
            f"{path}: is {row!r}; expected the tokens of annotators.\n"
            "Take it away, and everybody gets a new link."
        )
    return row


def _write(folder: Path, row: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path, new = folder / KEPT, folder / f".{KEPT}.{os.getpid()}"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(row, stream, ensure_ascii=False, indent=1)
        stream.write("\n")
    new.replace(path)
