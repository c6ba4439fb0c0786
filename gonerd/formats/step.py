"""Foreign files into annotations, and annotations into foreign files: the two commands' work.

A reader gives passes in the file's own terms. Here each document gets one text, each pass is put on
it (`placing.py`), and everything moved, refused or kept aside is counted. Nothing is written here:
the result says what there is, and the command decides with --strict whether it stays.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from gonerd.beside import check_apart
from gonerd.errors import GonerdError, RecordError, SourceError, TextMismatch, located, raise_all
from gonerd.formats.align import common_text
from gonerd.formats.fit import fit
from gonerd.formats.layers import Aside, Format, Pass, ReadOptions, TokenPass, Unit, Written
from gonerd.formats.members import Member, find_members, fits
from gonerd.formats.offsets import REFUSED
from gonerd.formats.placing import Placed, place
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range
from gonerd.spans import merge_ranges

_NOTHING = "nothing is marked, and nothing says that the document was read"

_DETAILS = ("source", "url", "license", "language")


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What came out of foreign files."""

    annotations: tuple[Annotation, ...]
    """By document, then annotator."""
    documents: Mapping[str, Document]
    asides: tuple[Aside, ...]
    losses: tuple[Loss, ...]
    notes: Mapping[str, int]
    """What the reader found out, and in how many passes."""
    units: Mapping[str, int]
    """How offsets were counted, and in how many passes."""
    offsets: Mapping[str, int]
    """Mentions `matched`, `unverified`, `moved` and `refused`; those of tokens are `aligned`."""


def bring_in(
    form: Format,
    paths: Sequence[Path],
    options: ReadOptions,
    *,
    texts: Mapping[str, Document] | None = None,
    complete: bool = False,
    unit: Unit | None = None,
    places: Iterable[tuple[str, Path | None]] = (),
) -> Imported:
    """Read foreign files as annotations.

    `texts` are those that the files do not hold, by document id; `complete` says that whoever made
    them read every document whole; `unit` what offsets count, where it must not be worked out;
    `places` where things will be written, with their options, which must not be what is read.
    """
    texts = texts or {}
    by_document: dict[str, list[Pass | TokenPass]] = defaultdict(list)
    members, num_passed_over = _members(form, paths, options.paths)
    check_apart([*paths, *(Path(member.where) for member in members)], places)
    for one in form.read(members, options):
        by_document[one.document_id].append(one)
    if not by_document:
        raise SourceError(
            f"{', '.join(map(str, paths))}: no document of {form.title} in what was read; "
            "expected at least one.\nIf it is of another format, name that with --from."
        )
    annotations: list[Annotation] = []
    documents: dict[str, Document] = {}
    asides: list[Aside] = []
    losses: list[Loss] = []
    notes: Counter[str] = Counter()
    if num_passed_over:
        notes[f"files that do not fit {options.paths} passed over"] = num_passed_over
    units: Counter[str] = Counter()
    offsets: Counter[str] = Counter()
    problems: list[GonerdError] = []
    for document_id, passes in sorted(by_document.items()):
        for one in passes:
            asides += one.asides
            losses += one.losses
            notes.update(one.notes)
        try:
            document, words = _document(document_id, passes, texts.get(document_id))
            if document is None:
                why = "its text is not in the files, and was not given"
                losses += [Loss(document_id=document_id, what="annotation refused", why=why)] * len(
                    passes
                )
                continue
            placed = [place(one, document, words, complete=complete, unit=unit) for one in passes]
            placed = _unite(placed, passes)
        except GonerdError as error:
            problems.append(error)
            continue
        documents[document_id] = document
        for result in placed:
            losses += result.losses
            offsets.update(result.counts)
            if result.annotation.spans or not (result.marked or result.counts.get("refused")):
                annotations.append(result.annotation)
                units[result.unit] += 1
            elif result.counts.get("refused"):
                why = "none of its spans could be placed"
                losses.append(Loss(document_id=document_id, what="annotation refused", why=why))
            else:
                notes[_NOTHING] += 1
    if not annotations and offsets["refused"]:
        problems += [_misplaced(loss) for loss in losses if loss.what == REFUSED]
    raise_all("import", problems, what="things")
    return Imported(
        annotations=tuple(annotations),
        documents=documents,
        asides=tuple(asides),
        losses=tuple(losses),
        notes=dict(sorted(notes.items())),
        units=dict(sorted(units.items())),
        offsets=dict(offsets),
    )


def send_out(form: Format, items: Iterable[Annotated]) -> Written:
    """Write annotations in a foreign format; what it cannot carry is among the losses."""
    fitted: list[Annotated] = []
    losses: list[Loss] = []
    for item in items:
        carried, lost = fit(item, form.carries, form.title)
        fitted.append(carried)
        losses += lost
    written = form.write(fitted)
    return replace(written, losses=(*losses, *written.losses))


def _members(form: Format, paths: Sequence[Path], pattern: str | None) -> tuple[list[Member], int]:
    """Find the files of a format, and say how many a pattern passes over.

    A file that was named itself counts whatever it is called. The pattern speaks of files that end
    as it does; what lies beside them, as the texts of brat, comes along.
    """
    found = find_members(paths)
    named = {str(path) for path in paths}
    members = [
        member
        for member in found
        if member.where in named or member.name.lower().endswith(form.suffixes)
    ]
    if not members:
        raise SourceError(
            f"{', '.join(map(str, paths))}: no file of {form.title} among {len(found)}; expected "
            f"names that end in {', '.join(form.suffixes)}."
        )
    if pattern is None:
        return members, 0
    meant = [
        member
        for member in members
        if not member.name.endswith(PurePosixPath(pattern).suffix) or fits(member, pattern)
    ]
    if not meant:  # the reader says so, if it looks at names at all
        return members, 0
    return meant, len(members) - len(meant)


def _document(
    document_id: str, passes: Sequence[Pass | TokenPass], given: Document | None
) -> tuple[Document | None, list[Range]]:
    """Find the text of a document, None where nobody has it, and its words if tokens made it."""
    if given is not None:
        return given, []
    details: dict[str, str] = {}
    for one in sorted(passes, key=lambda one: one.annotator):
        details = {**one.details, **details}
    by_tokens = [one for one in passes if isinstance(one, TokenPass)]
    held = {one.text: one for one in passes if isinstance(one, Pass) and one.text is not None}
    if len(held) > 1:
        first, second = list(held.values())[:2]
        raise TextMismatch(
            f"{second.where}: another text of {document_id!r} than {first.where}; expected the "
            "same text.\nWhere these are different documents, tell them apart with --paths or "
            "--column id=COLUMN."
        )
    words: list[Range] = []
    if held:
        text = next(iter(held))
    elif by_tokens:
        text, words = common_text(by_tokens)
    else:
        return None, []
    assert text is not None
    values: dict[str, Any] = {"source": document_id, "license": "unknown", "language": "en"}
    values |= {key: details[key] for key in _DETAILS if details.get(key)}
    return located(passes[0].where, Document, id=document_id, text=text, **values), words


def _unite(placed: Sequence[Placed], passes: Sequence[Pass | TokenPass]) -> list[Placed]:
    """Make one annotation of each annotator: passes that say nothing but their marks add up."""
    by_annotator: dict[str, Placed] = {}
    first: dict[str, str] = {}
    for result, one in zip(placed, passes, strict=True):
        name = one.annotator
        other = by_annotator.get(name)
        if other is None:
            by_annotator[name], first[name] = result, one.where
            continue
        same = other.annotation == result.annotation
        if not same and not (other.marked and result.marked):
            raise RecordError(
                f"{one.where}: a second annotation of {one.document_id!r} by {name!r}, after "
                f"{first[name]}; expected one.\nTell annotators apart with --annotator or --paths."
            )
        if not same:
            result = _added(other, result)
        by_annotator[name] = result
    return [by_annotator[name] for name in sorted(by_annotator)]


def _added(left: Placed, right: Placed) -> Placed:
    spans = tuple(dict.fromkeys((*left.annotation.spans, *right.annotation.spans)))
    coverage = merge_ranges((*left.annotation.coverage, *right.annotation.coverage))
    return Placed(
        annotation=replace(left.annotation, spans=spans, coverage=coverage),
        marked=True,
        unit=left.unit,
        counts=Counter(left.counts) + Counter(right.counts),
        losses=(*left.losses, *right.losses),
    )


def _misplaced(loss: Loss) -> RecordError:
    place = "" if loss.start is None else f"[{loss.start}:{loss.end}]"
    return RecordError(f"{loss.document_id}{place}: {loss.what}, {loss.why}; expected its place.")
