"""An INCEpTION project export, a zip or a folder, into passes and back.

It holds a file per document and user, `annotation/DOCUMENT/USER.tsv` or as XMI or JSON CAS, bare or
in a zip of its own; curated documents likewise under `curation/`; and `exportedproject.json`, which
says who has finished what. INITIAL_CAS is a document before anybody worked on it. Older versions
put a random number behind the user, whose name they filled up to three characters with `_`.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gonerd.errors import RecordError, SourceError
from gonerd.formats.imprint import file_name
from gonerd.formats.layers import MARKED, WHOLE, Carries, Format, Pass, ReadOptions, Written
from gonerd.formats.members import MOST_BYTES, Member, fits, json_of, names_of, text_of
from gonerd.formats.uima import cas, webanno
from gonerd.formats.uima.cas_views import JSON, XMI
from gonerd.gather import Annotated
from gonerd.records import Annotation, Loss
from gonerd.spans import covers, merge_ranges

INITIAL, CURATION = "INITIAL_CAS", "CURATION_USER"
_PROJECT = "exportedproject.json"
_TABLE, _ZIP, _TEXT = webanno.SUFFIX, ".zip", ".txt"
_FINISHED = frozenset({"FINISHED", "CURATION_FINISHED"})
_REFUSED = frozenset({"IGNORE", "NEW"})
"""Locked or given up, and reset: the project itself does not count on such a file."""

_FILE = re.compile(r"(?:.*/)?(annotation|curation)/([^/]+)/([^/]+)\.[^./]+", re.DOTALL)
_SOURCE = re.compile(r"(?:.*/)?source/([^/]+\.txt)", re.DOTALL)
_RANDOM = re.compile(r"(.+?)\d{12,20}", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Project:
    """What exportedproject.json says."""

    users: frozenset[str]
    states: Mapping[tuple[str, str], str]
    """By document and user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """What one user said about one document."""

    member: Member
    document: str
    user: str
    named: tuple[Member, str, str]
    """As the readers of the file's own format take it."""


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read the file of every user and document, and what was curated."""
    project = _read_project(members)
    files, beside = _find(members, project, options)
    if not files:
        raise SourceError(
            f"{members[0].root if members else 'import'}: no annotation/DOCUMENT/USER file among "
            f"{len(members)}; expected a project that INCEpTION exported with a format of its own."
        )
    users = [file for file in files if file.user != INITIAL]
    tables = [file.named for file in users if file.member.suffix == _TABLE]
    structures = [file.named for file in users if file.member.suffix != _TABLE]
    by_place = {file.member.where: file for file in users}
    notes: tuple[str, ...] = ()
    if len(users) < len(files):
        notes = ("the documents as they were before annotation (INITIAL_CAS) are passed over",)
    sources = _sources(members)
    for found in [
        *webanno.read_named(tables, options.layer, sources),
        *cas.read_named(structures, options.layer, beside),
    ]:
        file = by_place[found.where]
        state = project.states.get((file.document, file.user))
        yield replace(_as_finished(found, state), notes=(*found.notes, *notes))
        notes = ()


def write(items: Sequence[Annotated]) -> Written:
    """Write a project with a text and, for each annotator, a WebAnno TSV file per document."""
    files: dict[str, bytes] = {}
    losses: list[Loss] = []
    sources: list[dict[str, str]] = []
    states: list[dict[str, str]] = []
    for item in items:
        name = f"{file_name(item.document.id)}{_TEXT}"
        if not item.annotations:
            why = "nobody has annotated it"
            losses.append(Loss(document_id=item.document.id, what="document left out", why=why))
            continue
        state = "ANNOTATION_IN_PROGRESS"
        sentences = webanno.cut_sentences(item)
        for annotation in item.annotations:
            content, lost = webanno.write_table(item.document, annotation, sentences)
            losses += lost
            user, finished = _file_user(annotation.annotator), _is_finished(item, annotation)
            folder = "curation" if user == CURATION else "annotation"
            files[f"{folder}/{name}/{user}{_TABLE}"] = content
            if user != CURATION:
                done = "FINISHED" if finished else "IN_PROGRESS"
                states.append({"name": name, "user": user, "state": done})
            elif finished:
                state = "CURATION_FINISHED"
        files[f"source/{name}"] = item.document.text.encode()
        sources.append({"name": name, "format": "text", "state": state})
    project = {
        "name": "gonerd",
        "version": 1,
        "mode": "annotation",
        "source_documents": sources,
        "annotation_documents": states,
    }
    files[_PROJECT] = json.dumps(project, indent=1).encode()
    return Written(files=files, losses=tuple(losses))


def _read_project(members: Iterable[Member]) -> _Project:
    users: set[str] = set()
    states: dict[tuple[str, str], str] = {}
    for member in members:
        if member.name.rpartition("/")[2] != _PROJECT:
            continue
        project = json_of(member)
        for row in _rows(project, "annotation_documents", member):
            users.add(_word(row, "user"))
            states[_word(row, "name"), _word(row, "user")] = _word(row, "state")
        for row in _rows(project, "source_documents", member):
            states[_word(row, "name"), CURATION] = _word(row, "state")
        for row in _rows(project, "project_permissions", member):
            users.add(_word(row, "user"))
    return _Project(users=frozenset(users - {""}), states=states)


def _rows(project: Any, key: str, member: Member) -> list[Mapping[str, Any]]:
    rows = project.get(key) if isinstance(project, dict) else None
    if rows is None and isinstance(project, dict):
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RecordError(
            f"{member.where}: {key} is {str(rows)[:60]}; expected a list of objects, as INCEpTION "
            "writes it."
        )
    return rows


def _word(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _find(
    members: Iterable[Member], project: _Project, options: ReadOptions
) -> tuple[list[_File], list[Member]]:
    """Find the files of users, and all that lies beside them, as type systems do."""
    files: list[_File] = []
    beside: list[Member] = []
    for member in members:
        place = _FILE.fullmatch(member.name)
        if not place:
            continue
        user = CURATION if place[1] == "curation" else _user(place[3], project)
        names = (place[2], user)
        if options.paths and fits(member, options.paths):
            names = names_of(member, annotator=None, paths=options.paths)
        for inner in _unzipped(member) if member.suffix == _ZIP else [member]:
            beside.append(inner)
            if inner.suffix in (_TABLE, XMI, JSON):
                files.append(
                    _File(member=inner, document=place[2], user=user, named=(inner, *names))
                )
    return files, beside


def _user(stem: str, project: _Project) -> str:
    """Take the user out of a file's name; a random number may stand behind."""
    known = [
        user
        for user in project.users
        if stem == user or re.fullmatch(re.escape(user.ljust(3, "_")) + r"\d+", stem)
    ]
    if known:
        return max(known, key=len)
    match = _RANDOM.fullmatch(stem)
    if not match:
        return stem
    return match[1].rstrip("_") if len(match[1]) == 3 else match[1]


def _unzipped(member: Member) -> list[Member]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(member.read()))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise SourceError(
            f"{member.where}: cannot be read ({error}); expected a whole archive."
        ) from None
    return [
        Member(
            where=f"{member.where}!{info.filename}",
            root=member.root,
            name=info.filename,
            read=partial(_read_zipped, f"{member.where}!{info.filename}", archive, info),
        )
        for info in archive.infolist()
        if not info.is_dir()
    ]


def _read_zipped(where: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as stream:
            content = stream.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError) as error:
        raise SourceError(f"{where}: cannot be unpacked ({error}); expected a member.") from None
    if len(content) > MOST_BYTES:
        raise SourceError(f"{where}: over {MOST_BYTES:,} bytes; expected less.")
    return content


def _sources(members: Iterable[Member]) -> dict[str, str]:
    """Read the plain texts that were imported; what is not UTF-8 was something else."""
    texts: dict[str, str] = {}
    for member in members:
        place = _SOURCE.fullmatch(member.name)
        if not place:
            continue
        try:
            texts[place[1]] = text_of(member)
        except RecordError:
            continue
    return texts


def _as_finished(found: Pass, state: str | None) -> Pass:
    """Say of a pass what the project knows about its state."""
    if state in _REFUSED:
        loss = Loss(
            document_id=found.document_id, what="answer refused", why=f"its state is {state}"
        )
        return replace(found, mentions=(), coverage=MARKED, losses=(*found.losses, loss))
    if state in _FINISHED and found.coverage == MARKED:
        return replace(found, coverage=WHOLE)
    return found


def _file_user(annotator: str) -> str:
    """Name a file after an annotator, none of them like a document without one."""
    name = file_name(annotator)
    return f"%{ord(name[0]):02X}{name[1:]}" if name == INITIAL else name


def _is_finished(item: Annotated, annotation: Annotation) -> bool:
    return covers(merge_ranges(annotation.coverage), 0, len(item.document.text))


FORMAT = Format(
    name="inception",
    title="INCEpTION project",
    read=read,
    write=write,
    carries=Carries(coverage=True, guide=True, document_details=True),
    suffixes=(_TABLE, XMI, JSON, ".xml", _ZIP, _TEXT),
    options=frozenset({"layer"}),
)
