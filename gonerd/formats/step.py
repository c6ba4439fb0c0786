"""Foreign files into annotations, and annotations into foreign files: the two commands' work.

A reader gives passes in the file's own terms. Here each document gets one text, each pass is put on
it (`align.py`, `offsets.py`), and everything moved, refused or kept aside is counted. Nothing is
written here: the result says what there is, and the command decides with --strict whether it stays.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from gonerd.errors import GonerdError, RecordError, SourceError, TextMismatch, listing
from gonerd.formats.align import align, common_text
from gonerd.formats.fit import fit
from gonerd.formats.layers import (
    MARKED,
    WHOLE,
    Aside,
    Format,
    Mention,
    Pass,
    ReadOptions,
    TokenPass,
    Unit,
    Written,
)
from gonerd.formats.members import Member, find_members, fits
from gonerd.formats.offsets import REFUSED, calibrate
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range
from gonerd.spans import merge_ranges, subtract_ranges

R = TypeVar("R")

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    """One pass on its document's text."""

    annotation: Annotation
    marked: bool
    """Whether it says nothing but its marks."""
    unit: str
    counts: Mapping[str, int]
    losses: tuple[Loss, ...]


def bring_in(
    form: Format,
    paths: Sequence[Path],
    options: ReadOptions,
    *,
    texts: Mapping[str, Document] | None = None,
    complete: bool = False,
    unit: Unit | None = None,
) -> Imported:
    """Read foreign files as annotations.

    `texts` are those that the files do not hold, by document id; `complete` says that whoever made
    them read every document whole; `unit` what offsets count, where it must not be worked out.
    """
    texts = texts or {}
    by_document: dict[str, list[Pass | TokenPass]] = defaultdict(list)
    members, num_passed_over = _members(form, paths, options.paths)
    for one in form.read(members, options):
        by_document[one.document_id].append(one)
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
            placed = [_place(one, document, words, complete, unit) for one in passes]
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
    _report(problems)
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
    for one in passes:
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
    return _at(passes[0].where, Document, id=document_id, text=text, **values), words


def _place(
    one: Pass | TokenPass,
    document: Document,
    words: Sequence[Range],
    complete: bool,
    unit: Unit | None,
) -> _Placed:
    if isinstance(one, TokenPass):
        aligned = align(one, document.text, words)
        extra = aligned.losses[len(one.losses) :]
        placed = _calibrated(aligned, document, unit=None, complete=False, losses=extra)
        return replace(placed, unit="tokens", counts={"aligned": len(aligned.mentions)})
    if one.text is None and one.details.get("text_sha256", document.text_sha256) != (
        document.text_sha256
    ):
        raise TextMismatch(
            f"{one.where}: {one.annotator!r} annotated another text of {document.id!r} (sha256) "
            "than the one that was given; expected the same text."
        )
    if one.text is None or one.text == document.text:
        return _calibrated(one, document, unit=unit, complete=complete)
    moved, losses = _on_given(one, one.text, document, unit)
    return _calibrated(moved, document, unit=None, complete=complete, losses=losses)


def _on_given(
    one: Pass, text: str, document: Document, unit: Unit | None
) -> tuple[Pass, tuple[Loss, ...]]:
    """Restate a pass over another text than the one that was given.

    What its offsets hold in its own text are the strings to look for in the text that was given. If
    more than blanks is different, nobody knows what was read there.
    """
    ranges = one.coverage if isinstance(one.coverage, tuple) else ()
    own = calibrate(
        document.id,
        text,
        one.mentions,
        coverage=ranges,
        unit=one.unit or unit,
        exact=one.unit is not None,
    )
    stated = tuple(
        Mention(
            start=span.start,
            end=span.end,
            label=span.label,
            surface=" ".join(
                text[start:end] for start, end in span.fragments or ((span.start, span.end),)
            ),
            confidence=span.confidence,
            support=span.support,
            fragments=span.fragments,
        )
        for span in own.spans
    )
    losses = tuple(loss for loss in own.losses if loss.what == REFUSED)
    coverage = own.coverage if isinstance(one.coverage, tuple) else one.coverage
    if text.split() != document.text.split() and coverage != MARKED:
        why = "the text in the file is not the one that was given"
        losses += (Loss(document_id=document.id, what="coverage refused", why=why),)
        coverage = MARKED
    moved = replace(one, mentions=stated, text=document.text, unit=None, coverage=coverage)
    return moved, losses


def _calibrated(
    one: Pass,
    document: Document,
    *,
    unit: Unit | None,
    complete: bool,
    losses: tuple[Loss, ...] = (),
) -> _Placed:
    ranges = one.coverage if isinstance(one.coverage, tuple) else ()
    found = _at(
        one.where,
        calibrate,
        document.id,
        document.text,
        one.mentions,
        coverage=ranges,
        unit=one.unit or unit,
        exact=one.unit is not None,
    )
    marked = one.coverage == MARKED and not complete
    coverage: tuple[Range, ...] = found.coverage
    if marked:
        coverage = merge_ranges((span.start, span.end) for span in found.spans)
    elif one.coverage == WHOLE or complete:
        coverage = subtract_ranges([(0, len(document.text))], found.unknown)
    annotation = _at(
        one.where,
        Annotation,
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=one.annotator,
        guide=one.guide,
        coverage=coverage,
        spans=found.spans,
    )
    return _Placed(
        annotation=annotation,
        marked=marked,
        unit=found.unit,
        counts=found.counts,
        losses=(*losses, *found.losses),
    )


def _unite(placed: Sequence[_Placed], passes: Sequence[Pass | TokenPass]) -> list[_Placed]:
    """Make one annotation of each annotator: passes that say nothing but their marks add up."""
    by_annotator: dict[str, _Placed] = {}
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


def _added(left: _Placed, right: _Placed) -> _Placed:
    spans = tuple(dict.fromkeys((*left.annotation.spans, *right.annotation.spans)))
    coverage = merge_ranges((*left.annotation.coverage, *right.annotation.coverage))
    return _Placed(
        annotation=replace(left.annotation, spans=spans, coverage=coverage),
        marked=True,
        unit=left.unit,
        counts=Counter(left.counts) + Counter(right.counts),
        losses=(*left.losses, *right.losses),
    )


def _at(where: str, make: Callable[..., R], *arguments: Any, **values: Any) -> R:
    """Make a record; if it is refused, say where the file says so."""
    try:
        return make(*arguments, **values)
    except RecordError as error:
        raise type(error)(f"{where}: {error}") from None


def _misplaced(loss: Loss) -> RecordError:
    place = "" if loss.start is None else f"[{loss.start}:{loss.end}]"
    return RecordError(f"{loss.document_id}{place}: {loss.what}, {loss.why}; expected its place.")


def _report(problems: Sequence[GonerdError]) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        messages = [str(problem).splitlines()[0] for problem in problems]
        raise RecordError(
            f"import: {len(problems)} things are wrong; expected none.\n{listing(messages)}"
        )
