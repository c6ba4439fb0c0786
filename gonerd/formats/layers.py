"""What a foreign file says before it is ours, and what is ours on its way to a foreign file.

A reader turns files into passes: what one annotator says about one document, in the file's own
unit, untouched. Working out the unit, repairing and refusing is done once for all formats, in
`offsets.py` and `align.py`; a reader never does it. A writer gets annotations that were already
reduced to what its format can carry (`fit.py`), and returns bytes; where they go is not its affair.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gonerd.formats.members import Member
from gonerd.gather import Annotated
from gonerd.records import Loss, Range

Unit = Literal["code points", "UTF-16", "bytes", "graphemes"]
"""What an offset counts."""

WHOLE: Literal["whole"] = "whole"
"""The annotator has read all of the text: what is not marked is no entity."""
MARKED: Literal["marked"] = "marked"
"""Only what is marked is known; the rest may not have been read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """A span as a file states it; of characters in the file's unit, or of tokens."""

    start: int
    end: int
    """Half-open, also where the file's own is not."""
    label: str
    surface: str | None = None
    """What the file says stands there."""
    confidence: float | None = None
    support: int | None = None
    fragments: tuple[Range, ...] = ()
    """The parts of a discontinuous mention, in order; empty for one piece."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """Something a file says beside spans, kept as the file has it."""

    document_id: str
    annotator: str
    kind: str
    """What it is in the format's own word: `relation`, `attribute`, `choice`."""
    value: Mapping[str, Any]
    """Anything JSON can carry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What one annotator says about one document, by characters."""

    where: str
    """File and line, or place in it; opens every message."""
    document_id: str
    annotator: str
    text: str | None
    """None where the file does not hold it, and it must be given beside."""
    mentions: tuple[Mention, ...]
    coverage: Literal["whole", "marked"] | tuple[Range, ...]
    """Ranges in the file's unit, or what the format says of all passes."""
    unit: Unit | None = None
    """What the format's own rules say the offsets count, where its files keep to them."""
    guide: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    """Of the document, where known: source, url, license, language."""
    asides: tuple[Aside, ...] = ()
    losses: tuple[Loss, ...] = ()
    """What the reader itself had to refuse, as an answer that was cancelled."""
    notes: tuple[str, ...] = ()
    """What the reader found out and the user should know, as `tags are IOB1`; the same words for
    the same finding, so that they can be counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenPass:
    """What one annotator says about one document, by tokens."""

    where: str
    document_id: str
    annotator: str
    tokens: tuple[str, ...]
    gaps: tuple[str, ...]
    """The blank after each token, as far as the file tells: "", " ", or a line's end."""
    mentions: tuple[Mention, ...]
    """Of tokens [start, end)."""
    unknown: tuple[Range, ...] = ()
    """Tokens [start, end) of which the file says that nothing is known, in order."""
    offsets: tuple[Range, ...] | None = None
    """Characters of each token in `text`, in `unit`, where the file tells."""
    text: str | None = None
    """The document's text, where the file holds it beside the tokens."""
    unit: Unit | None = None
    guide: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    asides: tuple[Aside, ...] = ()
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """What a user can tell a reader that the files do not."""

    annotator: str | None = None
    """Who made it, where a file does not say; by default what the given path is called."""
    paths: str | None = None
    """Where names stand in a path, as `{annotator}/{document}.txt`."""
    layer: str | None = None
    """Which of several layers, types, columns or controls holds the entities."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Role (`id`, `text`, `tokens`, `tags`, `spans`, ...) and the column that plays it."""
    labels: tuple[str, ...] = ()
    """Names of tags stored as numbers, in the order of the numbers."""
    scheme: str | None = None
    """Of tags: `IOB1`, `IOB2`, `IOE1`, `IOE2`, `BIOES`, `IO`."""
    sentence_documents: bool = False
    """Each block between empty lines is a document of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a writer made."""

    files: Mapping[str, bytes]
    """By name below the place the user gave; the one name "" is that place itself, one file."""
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Carries:
    """What a format has a place for; the rest goes to the ledger before the writer sees it."""

    overlapping: bool = True
    discontinuous: bool = False
    coverage: bool = False
    """Which ranges were read, when it is not the whole text."""
    confidence: bool = False
    support: bool = False
    guide: bool = False
    annotators: bool = True
    """Several annotators of one document, by name, in files of the user's choice or in one."""
    document_details: bool = False
    """Source, address, licence and language of a document."""


Reader = Callable[[Sequence[Member], ReadOptions], Iterable[Pass | TokenPass]]
Writer = Callable[[Sequence[Annotated]], Written]


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One foreign format: its name on the command line, its reader and its writer."""

    name: str
    title: str
    read: Reader
    write: Writer
    carries: Carries
    suffixes: tuple[str, ...]
    """Of the files that a folder is searched for, without `.gz`, as (".jsonl",)."""
    options: frozenset[str] = frozenset()
    """The fields of ReadOptions it takes beside `annotator` and `paths`."""
