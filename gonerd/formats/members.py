"""Paths, folders and archives into named members whose bytes are read when they are needed.

Archives are hostile input: nothing is ever unpacked to disk, names are labels and never paths,
links and devices are passed over, and what is over the limit is refused before it is in memory.
"""

import codecs
import gzip
import io
import json
import lzma
import os
import re
import stat
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from gonerd.beside import is_beside
from gonerd.errors import ConfigError, RecordError, SourceError
from gonerd.files import parse_json_line

MOST_BYTES = 2_000_000_000
"""Of one member, unpacked; and of all members of a tar, which has no way to read one alone."""

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")

KINDS = frozenset({
    ".a1", ".a2", ".ann", ".arrow", ".bilou", ".bio", ".bioes", ".conll", ".conll03", ".conll2003",
    ".conllu", ".conllup", ".conllx", ".csv", ".gz", ".iob", ".iob1", ".iob2", ".json", ".jsonl",
    ".md", ".ndjson", ".parquet", ".spacy", ".tar", ".text", ".tgz", ".tsv", ".txt", ".xmi", ".xml",
    ".zip",
})  # fmt: skip
"""Suffixes that say what kind of file it is; others, as in `x.train`, tell files apart."""

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    NotImplementedError,  # a way of packing that is not known
    ValueError,
    struct.error,
)
"""What the standard library raises where an archive is damaged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A file, or a file in an archive."""

    where: str
    """For messages."""
    root: str
    """What the path is called that the user gave, without the suffixes that say its kind."""
    name: str
    """Path below what the user gave, with `/`, without `.gz`; of a lone file its name."""
    read: Callable[[], bytes]

    @property
    def stem(self) -> str:
        """The name without folder and the suffixes that say its kind."""
        return _without_kinds(PurePosixPath(self.name).name)

    @property
    def suffix(self) -> str:
        """The last suffix in lower case, as `.jsonl`."""
        return PurePosixPath(self.name).suffix.lower()


def find_members(paths: Sequence[Path]) -> list[Member]:
    """List the files that paths stand for, folders and archives searched, in order of name.

    `-` is standard input. A path that is not there, or not for us, is a SourceError.
    """
    found: list[Member] = []
    for path in paths:
        try:
            found += _members(path)
        except OSError as error:
            raise SourceError(
                f"{path}: {error.strerror}; expected a file, a folder or `-`."
            ) from None
    return found


def names_of(member: Member, *, annotator: str | None, paths: str | None) -> tuple[str, str]:
    """Say which document and which annotator a member's path stands for, as (document, annotator).

    Without a pattern the document is the name without the suffix that says its kind, and the
    annotator the one given, else what the path is called that the user gave. A name that a pattern
    does not fit is a ConfigError.
    """
    document = _without_kind(member.name)
    who = annotator or member.root
    if paths is None:
        return document, who
    match = _pattern(paths).search(member.name)
    if not match:
        example = paths.replace("{annotator}", "ana").replace("{document}", "l-17")
        raise ConfigError(
            f"{member.where}: does not fit the pattern {paths!r}; expected names such as {example}."
        )
    found = match.groupdict()
    return found.get("document", document), found.get("annotator", who)


def fits(member: Member, paths: str) -> bool:
    """Say whether a pattern fits a member's name."""
    return _pattern(paths).search(member.name) is not None


def text_of(member: Member) -> str:
    """Read a member as UTF-8, a byte order mark taken off, line ends as they are."""
    try:
        return member.read().removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(
            f"{member.where}: byte {error.start} (0x{error.object[error.start]:02x}) is not UTF-8; "
            "expected a text in UTF-8."
        ) from None


def json_of(member: Member) -> Any:
    """Read a member as one JSON value."""
    try:
        return json.loads(text_of(member))
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{member.where}: not JSON ({error}); expected one JSON value.") from None


def json_lines(member: Member) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read a member as JSON objects, one a line, each with where it stands."""
    for number, line in enumerate(member.read().splitlines(), start=1):
        if line.strip():
            where = f"{member.where}:{number}"
            yield where, parse_json_line(line.removeprefix(codecs.BOM_UTF8), where)


def _members(path: Path) -> list[Member]:
    if str(path) == "-":
        return [Member(where="-", root="stdin", name="stdin", read=_read_stdin)]
    if path.is_file():
        return _open(path, root=_without_kinds(_bare(path.name)), below=path.parent)
    if not path.is_dir():
        raise SourceError(f"{path}: no such file; expected a file, a folder or `-`.")
    return [
        member
        for file in sorted(_files(path))
        for member in _open(file, root=path.resolve().name, below=path)
    ]


def _files(folder: Path) -> Iterator[Path]:
    """Walk a folder; a folder in it that may not be read is an OSError, and not empty."""

    def stop(error: OSError) -> None:
        raise error

    for here, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not _passed_over(name)]
        files = (Path(here, name) for name in names if not _passed_over(name))
        yield from (file for file in files if file.is_file())


def _pattern(paths: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{\w+\})", paths)
    names = [piece[1:-1] for piece in pieces if piece.startswith("{")]
    if not names or len(set(names)) < len(names) or set(names) - {"annotator", "document"}:
        raise ConfigError(
            f"paths {paths!r}: expected `{{annotator}}` and `{{document}}`, one or both, once, as "
            "in {annotator}/{document}.txt."
        )
    return re.compile(
        r"(?:^|/)"
        + "".join(
            f"(?P<{piece[1:-1]}>[^/]+?)" if piece.startswith("{") else re.escape(piece)
            for piece in pieces
        )
        + r"\Z"
    )


def _passed_over(name: str) -> bool:
    """Say whether a name is hidden, or of a file that a command of ours left beside."""
    return name.startswith(".") or name == "__MACOSX" or is_beside(name)


def _bare(name: str) -> str:
    is_packed = name.lower().endswith(".gz") and not name.lower().endswith(".tar.gz")
    return name[: -len(".gz")] if is_packed else name


def _without_kind(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    return name[: -len(suffix)] if suffix.lower() in KINDS else name


def _without_kinds(name: str) -> str:
    while (shorter := _without_kind(name)) != name:
        name = shorter
    return name


def _open(path: Path, *, root: str, below: Path) -> list[Member]:
    name = path.relative_to(below).as_posix()
    if not name.lower().endswith(_ARCHIVES):
        read = partial(_read_file, path)
        return [Member(where=str(path), root=root, name=_bare(name), read=read)]
    content = _read_bytes(path)
    inside = _in_zip if name.lower().endswith(".zip") else _in_tar
    prefix = "" if path.parent == below else f"{PurePosixPath(name).parent}/"
    try:
        found = sorted(inside(str(path), content), key=lambda found: found[0])
    except _BROKEN as error:
        why = str(error).partition("\n")[0].rstrip(":")
        raise SourceError(f"{path}: cannot be read ({why}); expected a whole archive.") from None
    return [
        Member(where=f"{path}!{inner}", root=root, name=prefix + _bare(label), read=read)
        for inner, read in found
        if (label := PurePosixPath(inner).as_posix().lstrip("/"))
        and not any(map(_passed_over, PurePosixPath(label).parts))
    ]


def _in_zip(where: str, content: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if not info.is_dir() and kind in (0, stat.S_IFREG):
            yield info.filename, partial(_read_zipped, f"{where}!{info.filename}", archive, info)


def _in_tar(where: str, content: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    size = 0
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for info in archive:
            if info.isfile():
                inner = f"{where}!{info.name}"
                size += info.size
                _check_size(inner, size)
                stream = archive.extractfile(info)
                assert stream is not None
                yield info.name, partial(_unpacked, inner, stream.read())


def _read_zipped(where: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.flag_bits & 1:
        raise SourceError(f"{where}: is locked with a password; expected an open archive.")
    try:
        with archive.open(info) as stream:
            content = stream.read(MOST_BYTES + 1)
    except _BROKEN as error:
        raise SourceError(f"{where}: cannot be unpacked ({error}); expected a member.") from None
    return _unpacked(where, content)


def _read_file(path: Path) -> bytes:
    return _unpacked(str(path), _read_bytes(path))


@cache
def _read_stdin() -> bytes:
    """Read standard input, which can be read once, for as many as ask."""
    return _unpacked("-", sys.stdin.buffer.read(MOST_BYTES + 1))


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; expected a file to read.") from None
    _check_size(str(path), len(content))
    return content


def _unpacked(where: str, content: bytes) -> bytes:
    """Take off one layer of gzip, if there is one."""
    _check_size(where, len(content))
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{where}: cannot be unpacked ({error}); expected gzip.") from None
    _check_size(where, len(content))
    return content


def _check_size(where: str, size: int) -> None:
    if size > MOST_BYTES:
        raise SourceError(f"{where}: over {MOST_BYTES:,} bytes; expected less.")
