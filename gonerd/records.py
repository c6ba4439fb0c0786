"""The nouns of the flow: a Document, and what one annotator says about it, with their JSON forms.

Offsets are Unicode code points of the immutable text, half-open. Every record that speaks about a
text carries the text's sha256, so that no reader can apply it to another text. All records are
frozen; a change makes a new one through `dataclasses.replace`.
"""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any

from gonerd.errors import RecordError, SpanError, TextMismatch, located

Range = tuple[int, int]
"""Characters [start, end) of a text."""

GOLD = "gold"
"""The annotator that annotations are reconciled into."""

MOST_SUPPORT = 2**31 - 1
"""What a column of 32 bits can hold."""


def text_sha256(text: str) -> str:
    """Hash a text as its UTF-8 bytes; a lone surrogate has none and is a RecordError."""
    return hashlib.sha256(_encoded("text", text)).hexdigest()


def _encoded(key: str, value: str) -> bytes:
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError(
            f"{key}: lone surrogate {value[error.start]!r} at character {error.start}; "
            "expected Unicode text that UTF-8 can carry."
        ) from None


def _check_strings(record: object, *keys: str) -> None:
    """Refuse a field that UTF-8 cannot carry; ASCII, the rule, is seen at once."""
    for key in keys:
        value = getattr(record, key)
        if value is not None and not value.isascii():
            _encoded(key, value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A text as it was collected, never changed after."""

    id: str
    """Unique in its dataset; decides the split, so it must never change."""
    text: str
    source: str
    """The thing it came out of (a file, a site); what shares a source stays in one split."""
    license: str
    """SPDX identifier in lower case, or `unknown`."""
    language: str
    """BCP 47 tag, such as `en`."""
    url: str | None = None
    text_sha256: str = ""
    """Of the text, in UTF-8; computed when not given, compared when given."""

    def __post_init__(self) -> None:
        if not self.id or self.id != self.id.strip():
            raise RecordError(
                f"document {self.id!r}: the id is empty or has outer blanks; "
                "expected a name that can be written in a table."
            )
        _check_strings(self, "id", "source", "license", "language", "url")
        actual = text_sha256(self.text)
        if not self.text_sha256:
            object.__setattr__(self, "text_sha256", actual)
        elif self.text_sha256 != actual:
            raise TextMismatch(_changed(self.id, self.text_sha256, actual))


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One mention."""

    start: int
    end: int
    label: str
    confidence: float | None = None
    """Between 0 and 1: a model's probability, or the share of annotators behind a gold span."""
    support: int | None = None
    """How many annotators marked exactly this."""
    fragments: tuple[Range, ...] = ()
    """The parts of a discontinuous mention, in order; empty for one piece."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise SpanError(
                f"span [{self.start}:{self.end}] {self.label!r}: "
                "expected 0 <= start < end in characters."
            )
        if not self.label:
            raise SpanError(f"span [{self.start}:{self.end}]: the label is empty; expected a name.")
        _check_strings(self, "label")
        if self.support is not None and not 0 <= self.support <= MOST_SUPPORT:
            raise SpanError(
                f"span [{self.start}:{self.end}] {self.label!r}: support {self.support!r}; "
                f"expected a number of annotators, from 0 to {MOST_SUPPORT}."
            )
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise SpanError(
                f"span [{self.start}:{self.end}] {self.label!r}: confidence {self.confidence!r}; "
                "expected a number from 0 to 1."
            )
        if self.fragments:
            flat = [offset for fragment in self.fragments for offset in fragment]
            if flat != sorted(set(flat)) or (flat[0], flat[-1]) != (self.start, self.end):
                raise SpanError(
                    f"span [{self.start}:{self.end}] {self.label!r}: fragments "
                    f"{list(self.fragments)}; expected separate ranges in order, from start to end."
                )


def reading_order(span: Span) -> tuple[int, int, str, tuple[Range, ...]]:
    """Sort spans as they are met in reading, the wider first."""
    return (span.start, -span.end, span.label, span.fragments)


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """What one annotator (person, pipeline, gold, system) says about one document."""

    document_id: str
    text_sha256: str
    annotator: str
    guide: str
    """Name and version of the guide followed, as `gonerd@1`."""
    coverage: tuple[Range, ...]
    """The ranges declared done. Outside them the annotation says nothing, not "no entity"."""
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        ends = [0]
        for start, end in self.coverage:
            if not ends[-1] <= start <= end:
                raise RecordError(
                    f"{self.document_id}: coverage {list(self.coverage)} of {self.annotator!r}; "
                    "expected ranges [start, end] in order and apart."
                )
            ends.append(end)
        _check_strings(self, "document_id", "text_sha256", "annotator", "guide")
        object.__setattr__(self, "spans", tuple(sorted(self.spans, key=reading_order)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One annotator's spans within a dispute; none means: read this and marked nothing."""

    annotator: str
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        _check_strings(self, "annotator")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute:
    """A place where annotators who read it do not say the same."""

    document_id: str
    text_sha256: str
    start: int
    end: int
    claims: tuple[Claim, ...]
    """Every annotator whose coverage holds the place, by name."""
    settled_by: str | None = None
    """A method, such as `vote`, or the person who ruled; None while it is open."""
    settlement: tuple[Span, ...] = ()
    """What holds after settling; none means: no entity here."""
    certainty: float | None = None
    """How probable the settlement is, or the share of voters behind the most common reading."""
    impact: float | None = None
    """How much settling it would change: the doubt here and wherever else the same words stand."""

    def __post_init__(self) -> None:
        _check_strings(self, "document_id", "text_sha256", "settled_by")
        if self.certainty is not None and not 0.0 <= self.certainty <= 1.0:
            raise RecordError(
                f"{self.document_id}: a dispute of certainty {self.certainty!r}; expected a number "
                "from 0 to 1."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """One line of a ledger: something refused, repaired or dropped."""

    document_id: str
    """Or the file or address that never became a document."""
    start: int | None = None
    end: int | None = None
    what: str
    """The thing and its fate, as `document refused`, `span dropped`, `span moved`."""
    why: str


def check_fit(annotation: Annotation, document: Document) -> None:
    """Refuse an annotation that does not belong to exactly this text."""
    if annotation.text_sha256 != document.text_sha256:
        raise TextMismatch(_changed(document.id, annotation.text_sha256, document.text_sha256))
    length = len(document.text)
    for span in annotation.spans:
        if span.end > length:
            raise SpanError(
                f"{document.id}[{span.start}:{span.end}]: span {span.label!r} of "
                f"{annotation.annotator!r} ends past the text; expected at most {length}."
            )
    if annotation.coverage and annotation.coverage[-1][1] > length:
        raise SpanError(
            f"{document.id}: coverage of {annotation.annotator!r} ends at "
            f"{annotation.coverage[-1][1]}, past the text; expected at most {length}."
        )


def _changed(document_id: str, recorded: str, actual: str) -> str:
    return (
        f"{document_id}: the text has changed since it was recorded "
        f"(sha256 {recorded[:8]}... recorded, {actual[:8]}... now); expected the same text.\n"
        "Restore the text, or collect and annotate it again."
    )


DOCUMENT_FIELDS = frozenset(field.name for field in fields(Document))
"""What a document is made of; a source's other fields are not carried over."""


# JSON forms: one object a line, required keys few, unknown keys refused by name.


def document_to_json(document: Document) -> dict[str, Any]:
    """Turn a document into its JSON object."""
    return {field.name: getattr(document, field.name) for field in fields(document)}


def document_from_json(row: Mapping[str, Any], where: str) -> Document:
    """Read a document from its JSON object; `where` opens every error."""
    _check_keys(row, {"id", "text"}, DOCUMENT_FIELDS, where)
    values = {"source": str(row["id"]), "license": "unknown", "language": "en", **row}
    for key, value in values.items():
        if not isinstance(value, str) and not (key == "url" and value is None):
            raise RecordError(f"{where}: {key} is {value!r}; expected a string.")
    return located(where, Document, **values)


def span_to_json(span: Span) -> dict[str, Any]:
    """Turn a span into its JSON object, without the keys that say nothing."""
    row: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
    if span.confidence is not None:
        row["confidence"] = span.confidence
    if span.support is not None:
        row["support"] = span.support
    if span.fragments:
        row["fragments"] = [list(fragment) for fragment in span.fragments]
    return row


def span_from_json(row: Any, where: str) -> Span:
    """Read a span from its JSON object; `where` opens every error."""
    if not isinstance(row, Mapping):
        raise RecordError(f"{where}: a span is {row!r}; expected an object with start, end, label.")
    _check_keys(
        row, {"start", "end", "label"}, {"confidence", "support", "fragments", *_SPAN}, where
    )
    for key in ("start", "end", "support"):
        value = row.get(key)
        if (value is not None or key in _SPAN) and type(value) is not int:
            raise RecordError(f"{where}: {key} of a span is {value!r}; expected a whole number.")
    if not isinstance(row["label"], str):
        raise RecordError(f"{where}: label of a span is {row['label']!r}; expected a string.")
    confidence = row.get("confidence")
    if confidence is not None and type(confidence) not in (int, float):
        raise RecordError(
            f"{where}: confidence of a span is {confidence!r}; expected a number from 0 to 1."
        )
    given = row.get("fragments")
    fragments = () if given is None else _ranges(given, "fragments", where)
    return located(where, Span, **{**row, "fragments": fragments})


_SPAN = ("start", "end", "label")


def annotation_to_json(annotation: Annotation) -> dict[str, Any]:
    """Turn an annotation into its JSON object."""
    return {
        "document_id": annotation.document_id,
        "text_sha256": annotation.text_sha256,
        "annotator": annotation.annotator,
        "guide": annotation.guide,
        "coverage": [list(covered) for covered in annotation.coverage],
        "spans": [span_to_json(span) for span in annotation.spans],
    }


def annotation_from_json(row: Mapping[str, Any], where: str) -> tuple[Annotation, str | None]:
    """Read an annotation, and the text if the object carries it, from its JSON object.

    `text` may stand instead of, or beside, `text_sha256`. A missing `coverage` is refused: only the
    one who made the file knows whether the whole document was read.
    """
    known = {field.name for field in fields(Annotation)}
    text = row.get("text")
    if text is not None and not isinstance(text, str):
        raise RecordError(f"{where}: text is {text!r}; expected a string.")
    required = {"document_id", "annotator", "spans"} | ({"text_sha256"} if text is None else set())
    _check_keys(row, required, known | {"text"}, where)
    if "coverage" not in row:
        raise RecordError(
            f"{where}: no coverage; expected the ranges that {row['annotator']!r} declared done.\n"
            'Add "coverage": [[0, LENGTH]] where the whole document was read, or [] where that '
            "is unknown."
        )
    for key in ("document_id", "annotator", "guide", "text_sha256"):
        if key in row and not isinstance(row[key], str):
            raise RecordError(f"{where}: {key} is {row[key]!r}; expected a string.")
    actual = None if text is None else located(where, text_sha256, text)
    recorded = row.get("text_sha256", actual)
    recorded = recorded and recorded.lower()
    if not recorded:
        raise RecordError(f"{where}: text_sha256 is empty; expected the sha256 of the text.")
    coverage = _ranges(row["coverage"], "coverage", where)
    spans = _spans(row["spans"], "spans", where)
    annotation = located(
        where,
        Annotation,
        document_id=row["document_id"],
        text_sha256=recorded,
        annotator=row["annotator"],
        guide=row.get("guide", ""),
        coverage=coverage,
        spans=spans,
    )
    if actual is not None and actual != recorded:
        raise TextMismatch(f"{where}: {_changed(annotation.document_id, recorded, actual)}")
    return annotation, text


def dispute_to_json(dispute: Dispute) -> dict[str, Any]:
    """Turn a dispute into its JSON object."""
    measures = {key: getattr(dispute, key) for key in _MEASURES}
    return {
        "document_id": dispute.document_id,
        "text_sha256": dispute.text_sha256,
        "start": dispute.start,
        "end": dispute.end,
        "claims": [
            {"annotator": claim.annotator, "spans": [span_to_json(span) for span in claim.spans]}
            for claim in dispute.claims
        ],
        "settled_by": dispute.settled_by,
        "settlement": [span_to_json(span) for span in dispute.settlement],
        **{key: value for key, value in measures.items() if value is not None},
    }


_MEASURES = ("certainty", "impact")


def dispute_from_json(row: Mapping[str, Any], where: str) -> Dispute:
    """Read a dispute from its JSON object; `where` opens every error."""
    known = {field.name for field in fields(Dispute)}
    _check_keys(row, known - {"settled_by", "settlement", *_MEASURES}, known, where)
    for key in _MEASURES:
        if type(row.get(key)) not in (int, float, NoneType):
            raise RecordError(f"{where}: {key} is {row[key]!r}; expected a number.")
    for key in ("document_id", "text_sha256", "settled_by"):
        if not isinstance(row.get(key), str) and not (key == "settled_by" and row.get(key) is None):
            raise RecordError(f"{where}: {key} is {row.get(key)!r}; expected a string.")
    start, end = row["start"], row["end"]
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise RecordError(
            f"{where}: the dispute runs from {start!r} to {end!r}; "
            "expected 0 <= start < end in characters."
        )
    if not isinstance(row["claims"], list):
        raise RecordError(f"{where}: claims is {row['claims']!r}; expected a list of claims.")
    claims = tuple(_claim_from_json(claim, where) for claim in row["claims"])
    settlement = _spans(row.get("settlement", []), "settlement", where)
    return located(where, Dispute, **{**row, "claims": claims, "settlement": settlement})


def _claim_from_json(row: Any, where: str) -> Claim:
    if not isinstance(row, Mapping):
        raise RecordError(f"{where}: a claim is {row!r}; expected annotator and spans.")
    _check_keys(row, {"annotator", "spans"}, {"annotator", "spans"}, where)
    if not isinstance(row["annotator"], str):
        raise RecordError(f"{where}: annotator is {row['annotator']!r}; expected a string.")
    spans = _spans(row["spans"], "spans", where)
    return located(where, Claim, annotator=row["annotator"], spans=spans)


def _spans(value: Any, key: str, where: str) -> tuple[Span, ...]:
    if not isinstance(value, list):
        raise RecordError(f"{where}: {key} is {value!r}; expected a list of spans.")
    return tuple(span_from_json(span, where) for span in value)


def _check_keys(row: Mapping[str, Any], required: Set[str], known: Set[str], where: str) -> None:
    if unknown := sorted(set(row) - known):
        raise RecordError(
            f"{where}: unknown key {unknown[0]!r}; known keys: {', '.join(sorted(known))}."
        )
    if missing := sorted(required - set(row)):
        raise RecordError(f"{where}: {missing[0]!r} is missing; expected it in every record.")


def _ranges(value: Any, key: str, where: str) -> tuple[Range, ...]:
    pairs: list[Any] = list(value) if isinstance(value, list | tuple) else [None]
    for pair in pairs:
        if not (isinstance(pair, list | tuple) and [type(item) for item in pair] == [int, int]):
            raise RecordError(
                f"{where}: {key} is {value!r}; expected a list of [start, end] in characters."
            )
    return tuple((pair[0], pair[1]) for pair in pairs)
