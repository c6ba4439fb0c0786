"""Documents of tokens into lines of text and back: what all formats of one token a line share.

Our own files hold every blank character between tokens in escapes, and an imprint in a comment, so
that reading gives the text back to the character; the imprint says whether it did.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gonerd.bio import OUTSIDE, encode
from gonerd.formats.imprint import Imprint, file_name, read_imprint, write_imprint
from gonerd.formats.layers import Aside, Mention, Pass, TokenPass, Written
from gonerd.formats.tokenized import UNKNOWN, Tokenized
from gonerd.gather import Annotated
from gonerd.records import Annotation, Document, Loss, Range, Span
from gonerd.spans import covers, flatten, merge_ranges

DETAILS = {"source", "url", "license", "language"}

_KEY = "gonerd"
_ESCAPES = {"\\": "\\\\", " ": "\\s", "\t": "\\t", "\n": "\\n", "\r": "\\r", "|": "\\p"}
_UNESCAPES = {escaped[1]: plain for plain, escaped in _ESCAPES.items()}
_TO_ESCAPE = re.compile(r"[\\|\s\x00-\x1f\x7f-\x9f]")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_COMMENT = re.compile(r"#\s*([\w.:+-]+(?: \w+)?)\s*=\s*(.*)")


@dataclass(kw_only=True, slots=True)
class Draft:
    """A document while its lines are read."""

    where: str
    document_id: str = ""
    """As the file has it."""
    imprint: Imprint | None = None
    """Where we wrote the file."""
    details: dict[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    unknown: tuple[Range, ...] | None = ()
    """None where the format has no sign for it."""
    asides: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """By kind."""
    losses: list[tuple[str, str]] = field(default_factory=list)
    """What and why."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been read of it yet."""
        return not self.tokens and not self.document_id and self.imprint is None

    def remember(self, key: str, value: str) -> bool:
        """Take a comment about the whole document, and say whether it was one."""
        if key == _KEY:
            self.imprint = read_imprint(value)
            return self.imprint is not None
        if key in DETAILS and value:
            self.details.setdefault(key, value)
        return key in DETAILS or key == "text_sha256"


def escape(text: str) -> str:
    r"""Write blanks, control characters, `\` and `|` so that they break no line and no column.

    >>> escape("\n  a|b")
    '\\n\\s\\sa\\pb'
    """
    return _TO_ESCAPE.sub(
        lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}",
        text,
    )


def unescape(text: str) -> str:
    """Undo `escape`; what is no escape stays as it is."""

    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _UNESCAPES.get(match[2], match[0])

    return _ESCAPED.sub(plain, text)


def comment_of(line: str) -> tuple[str, str] | None:
    """Read `# key = value`; None for any other line."""
    match = _COMMENT.fullmatch(line)
    return (match[1], match[2].strip()) if match else None


def about(document: Document, annotation: Annotation, before: str) -> list[str]:
    """Write what there is to say about a document as comments; `before` precedes its tokens."""
    whole = covers(merge_ranges(annotation.coverage), 0, len(document.text))
    imprint = write_imprint(document, annotation, before=before, whole=whole)
    return [f"# text_sha256 = {document.text_sha256}", f"# {_KEY} = {imprint}"]


def levels_of_tags(
    document: Document, done: Tokenized, levels: int, title: str
) -> tuple[list[list[str]], list[Loss]]:
    """Write spans as so many levels of IOB2, the longest first; those without a level are losses.

    Tokens that were not read bear `-` in the first level, where no span covers them.
    """
    rest = [Span(start=start, end=end, label=label) for (start, end, label), _ in done.spans]
    found: list[list[str]] = []
    for _ in range(levels):
        level, rest = flatten(rest)
        spans = [(span.start, span.end, span.label) for span in level]
        found.append(encode(spans, len(done.unknown)))
    for index, unread in enumerate(done.unknown):
        if unread and all(tags[index] == OUTSIDE for tags in found):
            found[0][index] = UNKNOWN
    return found, [
        Loss(
            document_id=document.id,
            start=done.tokens.starts[span.start],
            end=done.tokens.ends[span.end - 1],
            what="span left out",
            why=f"it overlaps others on tokens, and {title} has no more levels",
        )
        for span in rest
    ]


def finish(draft: Draft, document_id: str, annotator: str) -> Pass | TokenPass:
    """Make a pass of a document; the names are those to take where the file states none.

    A document of our own whose text comes back is a pass by characters, with its exact coverage.
    """
    imprint = draft.imprint
    if imprint is not None:
        document_id, annotator = imprint.document_id, imprint.annotator
    elif draft.document_id:
        document_id = draft.document_id
    ours = _own_pass(draft, imprint) if imprint is not None else None
    if imprint is not None and ours is None:
        draft.notes.append("changed since it was exported: read as anybody's file")
        if draft.unknown is None and imprint.extra.get("whole") is not True:
            draft.unknown = ((0, len(draft.tokens)),) if draft.tokens else ()
    asides = tuple(
        Aside(document_id=document_id, annotator=annotator, kind=kind, value=value)
        for kind, value in draft.asides.items()
    )
    losses = tuple(Loss(document_id=document_id, what=what, why=why) for what, why in draft.losses)
    if imprint is not None and ours is not None:
        text, mentions = ours
        return Pass(
            where=draft.where,
            document_id=document_id,
            annotator=annotator,
            text=text,
            mentions=mentions,
            coverage=imprint.coverage,
            unit="code points",
            guide=imprint.guide,
            details=imprint.details,
            asides=asides,
            losses=losses,
            notes=tuple(draft.notes),
        )
    return TokenPass(
        where=draft.where,
        document_id=document_id,
        annotator=annotator,
        tokens=tuple(draft.tokens),
        gaps=tuple(draft.gaps),
        mentions=tuple(draft.mentions),
        unknown=draft.unknown or (),
        guide=imprint.guide if imprint else "",
        details=imprint.details if imprint else draft.details,
        asides=asides,
        losses=losses,
        notes=tuple(draft.notes),
    )


def document_ids(drafts: Sequence[Draft], base: str) -> list[str]:
    """Name documents: as the file does, else by their place, `base-1`; a lone one is `base`."""
    taken = Counter(draft.document_id for draft in drafts)
    found = []
    for number, draft in enumerate(drafts, start=1):
        derived = base if len(drafts) == 1 else f"{base}-{number}"
        while not draft.document_id and taken[derived]:
            derived += "+"
        found.append(draft.document_id or derived)
    return found


def gaps_in(text: str, tokens: Sequence[str]) -> list[str] | None:
    """Find the blanks after each token in a text made of these; None where it is not."""
    gaps: list[str] = []
    end = 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            return None
        gaps.append(text[end:start])
        end = start + len(token)
    return [*gaps[1:], ""] if tokens and not text[end:].strip() else None


def files_by_annotator(
    items: Iterable[Annotated],
    suffix: str,
    header: Sequence[str],
    write: Callable[[Document, Annotation], tuple[list[str], list[Loss]]],
) -> Written:
    """Write the documents of each annotator into one file; a lone annotator's has no name."""
    lines: dict[str, list[str]] = {}
    losses: list[Loss] = []
    for item in items:
        for annotation in item.annotations:
            written, lost = write(item.document, annotation)
            lines.setdefault(annotation.annotator, list(header)).extend(written)
            losses += lost
        if not item.annotations:
            what, why = "document left out", "nobody has annotated it"
            losses.append(Loss(document_id=item.document.id, what=what, why=why))
    if len(lines) < 2:
        files = {"": next(iter(lines.values()), list(header))}
    else:
        files = {f"{file_name(name)}{suffix}": written for name, written in lines.items()}
    return Written(
        files={
            name: "".join(f"{line}\n" for line in file).encode() for name, file in files.items()
        },
        losses=tuple(losses),
    )


def _own_pass(draft: Draft, imprint: Imprint) -> tuple[str, tuple[Mention, ...]] | None:
    """Rebuild the text of our own file, with the mentions in it; None where it was changed."""
    before = imprint.extra.get("before")
    if not isinstance(before, str) or before.strip():
        return None
    places: list[Range] = []
    position = len(before)
    for token, gap in zip(draft.tokens, draft.gaps, strict=True):
        places.append((position, position + len(token)))
        position += len(token) + len(gap)
    pairs = zip(draft.tokens, draft.gaps, strict=True)
    text = before + "".join(part for pair in pairs for part in pair)
    if not imprint.fits(text) or not _fits_unknown(draft, imprint, places):
        return None
    return text, tuple(_by_characters(mention, places, text) for mention in draft.mentions)


def _fits_unknown(draft: Draft, imprint: Imprint, places: Sequence[Range]) -> bool:
    """Say whether the tokens tagged as unread are those outside the coverage, spans apart."""
    if draft.unknown is None:
        return True
    coverage = merge_ranges(imprint.coverage)
    inside = merge_ranges((mention.start, mention.end) for mention in draft.mentions)
    unread = (
        (index, index + 1)
        for index, (start, end) in enumerate(places)
        if not covers(coverage, start, end) and not covers(inside, index, index + 1)
    )
    return merge_ranges(unread) == draft.unknown


def _by_characters(mention: Mention, places: Sequence[Range], text: str) -> Mention:
    def characters(first: int, last: int) -> Range:
        return places[first][0], places[last - 1][1]

    start, end = characters(mention.start, mention.end)
    fragments = tuple(characters(*fragment) for fragment in mention.fragments)
    surface = None if fragments else text[start:end]
    return Mention(start=start, end=end, label=mention.label, surface=surface, fragments=fragments)
