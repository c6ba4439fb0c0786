"""A folder or a list of addresses into the items to read, shared out to batches.

An item is a file, a block of a large file, or an address: small enough to be read at once. Items
come in the order of their names, so that the same source always gives the same batches.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.errors import SourceError, listing
from gonerd.records import Loss
from gonerd.store import file_sha256

SUFFIXES = (".txt", ".md", ".html", ".htm", ".jsonl", ".parquet", ".marked")
"""The kinds of file that can be read."""
MOST_ITEMS = 256
"""In a batch, however small they are."""
_BLOCK_BYTES = 500_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectConfig:
    """The table [collect] of a builder."""

    license: str
    """SPDX identifier, in lower case, of documents that do not bring their own; or `unknown`."""
    language: str = "en"
    """BCP 47 tag of documents that do not bring their own."""
    folder: str | None = None
    """A folder (or one file) to read, relative to the builder."""
    addresses: str | None = None
    """A file of http(s) addresses, one a line, with an id after a tab where one is wanted."""
    source_pattern: str | None = None
    """Regular expression whose first group, found in a file's name, is the document's source: what
    shares it stays in one split. Without one, every file is a source of its own."""
    refusals: Literal["stop", "count"] = "stop"
    """Whether refused documents stop the build, after all others were collected, or count."""
    timeout_seconds: float = 30.0
    """Longest silence of a server."""
    max_bytes: int = 50_000_000
    """Largest answer of a server; a larger one is refused, never cut."""
    part_bytes: int = 1_000_000
    """Size at which a part is full; the smaller, the less a killed run has to do again."""

    def __post_init__(self) -> None:
        if (self.folder is None) == (self.addresses is None):
            raise ValueError(
                f"folder={self.folder!r} and addresses={self.addresses!r}; expected one of the two."
            )
        if self.part_bytes < 1 or self.max_bytes < 1 or self.timeout_seconds <= 0:
            raise ValueError(
                f"part_bytes={self.part_bytes} max_bytes={self.max_bytes} "
                f"timeout_seconds={self.timeout_seconds}; expected numbers above 0."
            )
        if self.source_pattern is not None:
            try:
                num_groups = re.compile(self.source_pattern).groups
            except re.error as error:
                raise ValueError(
                    f"source_pattern={self.source_pattern!r}: {error}; expected an expression."
                ) from None
            if num_groups != 1:
                raise ValueError(
                    f"source_pattern={self.source_pattern!r} has {num_groups} groups; expected one."
                )
        if not self.license or not self.language:
            raise ValueError("license or language is empty; expected a value for each.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """Something to read at once."""

    location: str
    """Path or address."""
    name: str
    """Path below the source's folder, or the id that an address was given."""
    start: int = 0
    """First byte (.jsonl) or row group (.parquet) of a block."""
    stop: int | None = None
    """End of the block; None for the whole."""
    size: int = 1
    """Bytes, about."""
    first_line: int = 1
    """Line number at which a block of a .jsonl begins."""
    sha256: str = ""
    """Of the whole file; empty for an address."""

    @property
    def identity(self) -> list[object]:
        """What decides the outcome of reading it; the place of a file does not."""
        return [self.sha256 or self.location, self.name, self.start, self.stop]


def list_items(
    config: CollectConfig, location: Path, own: Sequence[Path] = ()
) -> tuple[list[Item], list[Loss]]:
    """List what to read in order, and what is left out and why.

    `own` are files and folders of the build itself, which are not a source even if they lie in one.
    """
    if config.addresses is not None:
        return _addresses(location), []
    files, left_out = _files(location, {path.resolve() for path in own})
    return [item for path in files for item in _blocks(path, _top(location))], left_out


def batch_items(items: Sequence[Item], part_bytes: int) -> Iterator[tuple[Item, ...]]:
    """Share items out, in order, to batches of about `part_bytes`."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (size + item.size > part_bytes or len(batch) >= MOST_ITEMS):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield tuple(batch)


def _top(location: Path) -> Path:
    return location if location.is_dir() else location.parent


def _files(location: Path, own: Set[Path]) -> tuple[list[Path], list[Loss]]:
    if not location.exists():
        raise SourceError(
            f"{location}: no such folder or file; expected documents to collect.\n"
            "Give another place with --from."
        )
    files: list[Path] = []
    left_out: list[Loss] = []
    for path, why in [(location, "")] if location.is_file() else _walk(location, own):
        if not why and path.suffix.lower() in SUFFIXES:
            files.append(path)
        else:
            name = path.relative_to(_top(location)).as_posix()
            why = why or "not a kind of file that gonerd reads"
            left_out.append(Loss(document_id=name, what="file left out", why=why))
    if not files:
        raise SourceError(
            f"{location}: no document in it ({len(left_out)} files of other kinds); expected files "
            f"that end in {', '.join(SUFFIXES)}."
        )
    return sorted(files), left_out


def _walk(folder: Path, own: Set[Path]) -> Iterator[tuple[Path, str]]:
    """Walk what a folder holds, in order, with why an entry is left out, or nothing."""
    for path in sorted(folder.iterdir()):
        if path.resolve() in own:
            continue
        if path.name.startswith("."):
            yield path, "hidden"
        elif path.is_symlink() and not path.exists():
            yield path, "a link to nothing"
        elif path.is_symlink() and path.is_dir():
            yield path, "a link to a folder, which is not followed"
        elif path.is_dir():
            yield from _walk(path, own)
        else:
            yield path, ""


def _blocks(path: Path, top: Path) -> Iterator[Item]:
    whole = Item(
        location=str(path),
        name=path.relative_to(top).as_posix(),
        size=path.stat().st_size,
        sha256=file_sha256(path),
    )
    kind = path.suffix.lower()
    if kind == ".jsonl":
        yield from _line_blocks(path, whole)
    elif kind == ".parquet":
        try:
            metadata = pq.read_metadata(path)
        except (OSError, pa.ArrowException):
            yield whole  # refused when it is read
            return
        for group in range(metadata.num_row_groups):
            size = metadata.row_group(group).total_byte_size
            yield replace(whole, start=group, stop=group + 1, size=size)
    else:
        yield whole


def _line_blocks(path: Path, whole: Item) -> Iterator[Item]:
    start = position = 0
    first_line = 1
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            position += len(line)
            if position - start >= _BLOCK_BYTES or position == whole.size:
                yield replace(
                    whole, start=start, stop=position, size=position - start, first_line=first_line
                )
                start, first_line = position, number + 1


def _addresses(path: Path) -> list[Item]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path}: cannot be read ({error}); expected a file of addresses, one a line."
        ) from None
    items: list[Item] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        address, _, name = line.strip().partition("\t")
        if not address or address.startswith("#"):
            continue
        if not address.lower().startswith(("http://", "https://")):
            problems.append(f"line {number}: {address!r}")
            continue
        items.append(Item(location=address, name=name.strip() or _id_of(address), size=20_000))
    if problems:
        raise SourceError(
            f"{path}: {len(problems)} lines are no addresses; expected http:// or https://.\n"
            f"{listing(problems)}"
        )
    if not items:
        raise SourceError(f"{path}: no address in it; expected http(s) addresses, one a line.")
    return items


def _id_of(address: str) -> str:
    return address.split("://", 1)[1].split("#", 1)[0].rstrip("/")
