"""One row of Prodigy into answers: what each annotator said about its text, and what that is worth.

An accepted manual answer is of the whole text. A binary answer is of the spans it shows and of
nothing else: an accepted one says that they are right, a rejected one only that they are wrong,
which is not "no entity here". Rows that nobody answered, and those of the relations view, where
spans may have been there before, say nothing of what is not marked.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gonerd.errors import RecordError
from gonerd.formats.fields import check_text, mention_in, name_in, shown, whole
from gonerd.formats.imprint import Imprint
from gonerd.formats.layers import Mention, Unit
from gonerd.formats.stamp import KEY, marks_of, read_stamp

_BINARY_VIEWS = ("ner", "spans", "dep", "pos")
_VIEWS_OF_TEXTS = ("classification", "choice", "text", "html")
"""Where the answer is about the text, whatever spans are shown in it."""
_UNNAMED = re.compile(r"^(.*?)-?\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}$", re.DOTALL)
"""A session that nobody gave a name: the dataset and the time it began."""
_REJECTED = ("rejected answer set aside", "a rejected span is wrong, but nothing else is said")
_REJECTED_TEXT = ("rejected answer set aside", "the annotator rejected the text as it was marked")
_IGNORED = ("answer refused", "the annotator ignored it")
_NO_ANSWER = "rows nobody has answered are read as marks"
_RELATIONS = "answers of the relations view are read as marks"
_UNNAMED_SESSIONS = "sessions without a name are read as one annotator"
_OFF_TOKENS = "tokens do not stand where they say"

Row = Mapping[str, Any]
Tokens = list[tuple[int, int, str]]
"""Start, end and text of each."""
Kind = Literal["manual", "marks", "reject", "ignore"]
"""Of an answer: a whole text, single spans, or nothing that counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer of one annotator about one text."""

    where: str
    row: Row
    text: str
    annotator: str
    kind: Kind
    reason: tuple[str, str] | None
    """Why it is no annotation."""
    age: float
    found: tuple[Mention | str, ...]
    unit: Unit | None
    imprint: Imprint | None
    notes: tuple[str, ...]

    @property
    def mentions(self) -> list[Mention]:
        """Its spans that are some."""
        return [span for span in self.found if isinstance(span, Mention)]


def read_answers(row: Row, where: str, who: str) -> Iterator[Answer]:
    """Read a row, and in one of `review` also what each session had said."""
    versions = row.get("versions")
    for number, version in enumerate(versions if isinstance(versions, list) else [], start=1):
        if isinstance(version, dict):
            sessions = version.get("sessions")
            names = [name_in(name) for name in sessions] if isinstance(sessions, list) else []
            whole_row = {"text": row["text"], "tokens": row.get("tokens"), **version}
            for session in [{"_annotator_id": name} for name in names if name] or [{}]:
                yield _answer({**whole_row, **session}, f"{where} version {number}", who)
    yield _answer(row, where, who)


def _answer(row: Row, where: str, who: str) -> Answer:
    text = row["text"]
    if not isinstance(text, str):
        raise RecordError(f"{where}: text is {shown(text)}; expected a string.")
    check_text(text, where)
    spans = row.get("spans")
    if spans is not None and not isinstance(spans, list):
        raise RecordError(f"{where}: spans is {shown(spans)}; expected a list of spans.")
    tokens = _tokens(row)
    in_place = tokens is not None and all(
        word and text[start:end] == word for start, end, word in tokens
    )
    found = [_mention(span, text if in_place else None, tokens) for span in spans or []]
    kind, reason, notes = _kind(row)
    if tokens is not None and not in_place:
        notes.append(_OFF_TOKENS)
    session = name_in(row.get("_annotator_id"), row.get("_session_id"))
    imprint = read_stamp(row.get(KEY), text, marks_of(m for m in found if isinstance(m, Mention)))
    if imprint is not None and imprint.annotator != session:
        imprint = None
    unnamed = _UNNAMED.match(session) if session and imprint is None else None
    if unnamed:
        session = unnamed.group(1)
        notes.append(_UNNAMED_SESSIONS)
    return Answer(
        where=where,
        row=row,
        text=text,
        annotator=session or who,
        kind=kind,
        reason=reason,
        age=_age(row.get("_timestamp")),
        found=() if row.get("_view_id") in _VIEWS_OF_TEXTS else tuple(found),
        unit="code points" if in_place or imprint else None,
        imprint=imprint,
        notes=tuple(notes),
    )


def _age(value: Any) -> float:
    return float(value) if type(value) in (int, float) and abs(value) < 2**53 else 0.0


def _kind(row: Row) -> tuple[Kind, tuple[str, str] | None, list[str]]:
    """Say what an answer is worth, why it is refused if it is, and what the user should know."""
    view, answer = row.get("_view_id"), row.get("answer")
    if view == "review":
        view = row.get("view_id")
    is_binary = row.get("_is_binary")
    if not isinstance(is_binary, bool):
        is_binary = view in _BINARY_VIEWS if isinstance(view, str) else "tokens" not in row
    if answer == "ignore":
        return "ignore", _IGNORED, []
    if answer == "reject":
        return "reject", _REJECTED if is_binary else _REJECTED_TEXT, []
    if answer != "accept":
        return "marks", None, [_NO_ANSWER]
    if view == "relations":
        return "marks", None, [_RELATIONS]
    return "marks" if is_binary or view in _VIEWS_OF_TEXTS else "manual", None, []


def _tokens(row: Row) -> Tokens | None:
    """Read the tokens of a row; None where there are none, or not all have a place and a text."""
    tokens = row.get("tokens")
    if not isinstance(tokens, list) or not tokens:
        return None
    read_tokens = []
    for token in tokens:
        start, end, text = (
            (token.get(key) for key in ("start", "end", "text"))
            if isinstance(token, dict)
            else (None, None, None)
        )
        if type(start) is not int or type(end) is not int or not isinstance(text, str):
            return None
        read_tokens.append((start, end, text))
    return read_tokens


def _mention(span: Any, text: str | None, tokens: Tokens | None) -> Mention | str:
    """Read a span; `text` is given where the tokens have shown that it is counted in characters."""
    if not isinstance(span, dict):
        return "it is not an object"
    surface = span.get("text")
    mention = mention_in(
        span.get("start"),
        span.get("end"),
        span.get("label"),
        surface=surface if isinstance(surface, str) or text else _surface(span, tokens),
        confidence=span.get("score"),
        support=span.get("support"),
    )
    if isinstance(mention, Mention) and mention.surface is None and text is not None:
        return replace(mention, surface=text[mention.start : mention.end] or None)
    return mention


def _surface(span: Row, tokens: Tokens | None) -> str | None:
    """Put together what stands under a span from its tokens; `token_end` is the last of them."""
    first, last = whole(span.get("token_start")), whole(span.get("token_end"))
    if tokens is None or first is None or last is None or not 0 <= first <= last < len(tokens):
        return None
    inside = tokens[first : last + 1]
    if (inside[0][0], inside[-1][1]) != (span.get("start"), span.get("end")):
        return None
    surface, reach = "", inside[0][0]
    for start, end, text in inside:
        surface += (" " if start > reach else "") + text
        reach = end
    return surface


def others_of(answer: Answer) -> Iterator[tuple[str, Row]]:
    """List what an answer says beside the spans that count."""
    row = answer.row
    for key, kind in (("relations", "relation"), ("arcs", "arc")):
        items = row.get(key)
        for item in items if isinstance(items, list) else []:
            yield kind, item if isinstance(item, dict) else {"value": item}
    chosen = {key: row[key] for key in ("label", "accept", "options") if row.get(key)}
    if row.get("_view_id") in _VIEWS_OF_TEXTS or "accept" in chosen:
        yield "choice", {**chosen, "answer": row.get("answer")}
    if answer.kind == "reject":
        yield "rejected", {"spans": row.get("spans") or [], "label": row.get("label")}
