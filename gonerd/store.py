"""Parquet parts, a ledger and a manifest in the folder of a step: atomic, resumable, checkable.

A part is written beside its place and renamed into it, and carries in its own footer what it was
made from (a fingerprint), what was counted and what was lost. So a part is either whole and known,
or not there: a killed run leaves nothing to doubt. `ledger.parquet` gathers the losses of all
parts; `manifest.json` comes last, and a step is done when a manifest matches.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gonerd.arrow import losses_table
from gonerd.errors import StoreError
from gonerd.records import Loss

MANIFEST = "manifest.json"
LEDGER = "ledger.parquet"

_FOOTER_KEY = b"gonerd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Footer:
    """What a part says about itself."""

    fingerprint: str
    counts: dict[str, int] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    final: bool = True
    """False where a later look at all parts changed this one; it is made anew when in doubt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartFile:
    """A finished part as the manifest lists it."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a step was made from and what came out."""

    step: str
    gonerd: str
    """Version of the code."""
    fingerprint: str
    """Hash of the step, the code's version, the config and the inputs."""
    config: dict[str, Any]
    inputs: dict[str, str]
    """Name of each input and its hash."""
    counts: dict[str, int]
    losses: dict[str, int]
    """How often each `what: why` stands in the ledger."""
    parts: tuple[PartFile, ...]
    notes: dict[str, str] = field(default_factory=dict)
    """What was chosen, and why."""


def fingerprint_of(*values: Any) -> str:
    """Hash plain values (anything JSON can carry) in a form that does not depend on key order."""
    canonical = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def file_sha256(path: Path) -> str:
    """Hash the bytes of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file or nothing: beside its place first, on disk, then renamed into it."""
    write_files({path: content})


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write several files, all or none: each beside its place first, then renamed into it.

    A device or a pipe takes the bytes as they come: a file in its place would be the end of it.
    """
    partials: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            if is_stream(path):
                path.write_bytes(content)
                continue
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            path.parent.mkdir(parents=True, exist_ok=True)
            partials[path] = path.with_name(f".{path.name}.{os.getpid()}.partial")
            with partials[path].open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for path, partial in partials.items():
            partial.replace(path)
    except BaseException as error:  # somebody may also have stopped it
        for partial in partials.values():
            with contextlib.suppress(OSError):
                partial.unlink()
        if isinstance(error, OSError):
            raise unwritable(path, error) from error
        raise


def is_stream(path: Path) -> bool:
    """Say whether a path is a device or a pipe, as /dev/null: nothing can lie beside it."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def unwritable(path: Path, error: OSError) -> StoreError:
    """Say why a file could not be written and what to do about it."""
    message = f"{path}: could not be written ({error.strerror or error}); "
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreError(
            message + "expected room on the disk.\n"
            "Free some space and run the same command again; finished parts are kept."
        )
    return StoreError(message + "expected a folder that can be written.")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a work folder for this process alone; a folder held by another is a StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / ".lock").open("w")
    except OSError as error:
        raise unwritable(folder, error) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder}: in use by another gonerd; expected one at a time.\n"
                "Wait for it to end, or give another folder with --work."
            ) from None
        yield


def part_path(folder: Path, index: int) -> Path:
    """Name the part of an index."""
    return folder / f"part-{index:05d}.parquet"


def part_paths(folder: Path) -> list[Path]:
    """List the parts of a folder in order."""
    return sorted(folder.glob("part-*.parquet"), key=lambda path: (len(path.name), path.name))


def write_part(path: Path, table: pa.Table, footer: Footer) -> None:
    """Write a part with its footer, atomically."""
    schema = table.schema.with_metadata({_FOOTER_KEY: json.dumps(asdict(footer)).encode()})
    buffer = pa.BufferOutputStream()
    pq.write_table(table.cast(schema), buffer, compression="zstd", row_group_size=256)
    write_file(path, buffer.getvalue().to_pybytes())


def read_footer(path: Path) -> Footer | None:
    """Read what a part says about itself; None where there is no whole part of ours."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        values = json.loads(metadata[_FOOTER_KEY])
        values["losses"] = tuple(Loss(**loss) for loss in values["losses"])
        return Footer(**values)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def read_part(path: Path) -> pa.Table:
    """Read a part whole; a damaged one is a StoreError."""
    try:
        return pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"{path}: cannot be read ({str(error).splitlines()[0]}); expected a part of gonerd.\n"
            "Remove it and run the step again."
        ) from None


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a finished step; None where the step is not finished."""
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["parts"] = tuple(PartFile(**part) for part in values["parts"])
        return Manifest(**values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path}: cannot be read as a manifest ({error}); expected one written by gonerd.\n"
            "Remove it and run the step again; parts that still fit are kept."
        ) from None


def require_manifest(folder: Path, way_out: str) -> Manifest:
    """Read the manifest of a step that must be finished, or say which step to run."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise StoreError(f"{folder}: no finished step; expected {MANIFEST} in it.\n{way_out}")
    return manifest


def is_whole(folder: Path, manifest: Manifest) -> bool:
    """Say whether every file that a manifest lists is there with the rows it should have."""
    for part in manifest.parts:
        try:
            rows = pq.read_metadata(folder / part.file).num_rows
        except (OSError, pa.ArrowException):
            return False
        if rows != part.rows:
            return False
    return (folder / LEDGER).is_file()


def finish(
    folder: Path,
    *,
    step: str,
    version: str,
    fingerprint: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    notes: Mapping[str, str],
    num_parts: int,
) -> Manifest:
    """Gather the parts' losses into the ledger and write the manifest, last."""
    for stale in part_paths(folder)[num_parts:]:
        stale.unlink()
    parts: list[PartFile] = []
    counts: Counter[str] = Counter()
    losses: list[Loss] = []
    for index in range(num_parts):
        path = part_path(folder, index)
        footer = read_footer(path)
        assert footer is not None, f"{path} was just written"
        counts.update(footer.counts)
        losses.extend(footer.losses)
        rows = pq.read_metadata(path).num_rows
        parts.append(PartFile(file=path.name, rows=rows, sha256=file_sha256(path)))
    write_ledger(folder, losses)
    manifest = Manifest(
        step=step,
        gonerd=version,
        fingerprint=fingerprint,
        config=dict(config),
        inputs=dict(inputs),
        counts=dict(sorted(counts.items())),
        losses=count_losses(losses),
        parts=tuple(parts),
        notes=dict(notes),
    )
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest; from then on the step counts as done."""
    content = json.dumps(asdict(manifest), indent=1, ensure_ascii=False)
    write_file(folder / MANIFEST, content.encode("utf-8") + b"\n")


def write_ledger(folder: Path, losses: Sequence[Loss]) -> None:
    """Write what was refused, repaired or dropped, as a table."""
    buffer = pa.BufferOutputStream()
    pq.write_table(losses_table(losses), buffer, compression="zstd")
    write_file(folder / LEDGER, buffer.getvalue().to_pybytes())


def count_losses(losses: Sequence[Loss]) -> dict[str, int]:
    """Count ledger lines by `what: why`."""
    return dict(sorted(Counter(f"{loss.what}: {loss.why}" for loss in losses).items()))


def clear_partials(folder: Path) -> None:
    """Remove what a killed run left beside its place."""
    for partial in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):
            partial.unlink()
