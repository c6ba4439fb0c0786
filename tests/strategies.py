"""Records drawn at random, and texts that break programs which count bytes or clean up."""

import math
from typing import Any

from hypothesis import strategies as st

from gonerd.records import Annotation, Claim, Dispute, Document, Loss, Range, Span, text_sha256

HOSTILE_TEXTS = {
    "empty": "",
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467 met \U0001f1eb\U0001f1ee Bo \U0001f600",
    "crlf": "One\r\nTwo\rThree\n\r\nFour\r\n",
    "nbsp": "10\u00a0km to\u202fLund\u2007",
    "combining": "Zoe\u0308 and Zo\u00eb, u\u0308\u0323 and \u1ee5\u0308",
    "right-to-left": "\u05d3\u05d5\u05d3 said \u202babc\u202c \u0645\u0631\u062d\u0628\u0627",
    "zero-width": "\ufeffLu\u200bnd\u2060\u00ad \u200d\u200c",
    "controls": "\x00a\x01\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029z",
    "outer blanks": " \t\n Lund \n\n\t ",
    "astral": "\U0010ffff\U00010000\ufffe\uffff",
}
"""Texts that must come back to the character, by what makes them hard."""

LABELS = ("PER", "ORG", "LOC", "MISC")

texts = st.text(max_size=60) | st.sampled_from(list(HOSTILE_TEXTS.values()))
names = st.text(min_size=1, max_size=12).filter(lambda name: name == name.strip())
labels = st.sampled_from(LABELS) | st.text(min_size=1, max_size=6)
confidences = st.none() | st.integers(0, 10**6).map(lambda millionths: millionths / 10**6)
"""Numbers of up to six digits, which a float32 holds."""

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["\ud800", "a\udfff"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
"""Anything that `json.loads` can return."""

hostile_values = json_values | st.sampled_from(
    [-1, 2**31, 2**63, 10**400, True, math.nan, math.inf, "", "\x00", "\ud800", "a\udfff", [], {}]
)
"""The same, with more of what breaks programs."""


@st.composite
def spans(draw: st.DrawFn, longest: int = 1000) -> Span:
    """Draw a span that ends by `longest`, of one piece or several."""
    offsets = st.integers(0, longest)
    count = draw(st.sampled_from([2, 2, 2, 4, 6])) if longest >= 6 else 2
    flat = sorted(draw(st.lists(offsets, min_size=count, max_size=count, unique=True)))
    pieces = tuple(zip(flat[::2], flat[1::2], strict=True))
    return Span(
        start=flat[0],
        end=flat[-1],
        label=draw(labels),
        confidence=draw(confidences),
        support=draw(st.none() | st.integers(0, 50)),
        fragments=pieces if len(pieces) > 1 or draw(st.booleans()) else (),
    )


@st.composite
def ranges(draw: st.DrawFn, longest: int = 1000) -> tuple[Range, ...]:
    """Draw ranges in order, some of them empty, some touching."""
    flat = sorted(draw(st.lists(st.integers(0, longest), max_size=8)))
    return tuple(zip(flat[::2], flat[1::2], strict=False))


@st.composite
def flat_ranges(draw: st.DrawFn, length: int, longest: int, gap: int | None = None) -> list[Range]:
    """Draw ranges that do not overlap, in order, each of 1 to `longest` units."""
    found: list[Range] = []
    position = 0
    while position < length and len(found) < 30:
        start = position + draw(st.integers(0, 2 * longest if gap is None else gap))
        end = start + draw(st.integers(1, longest))
        if end > length:
            break
        found.append((start, end))
        position = end
    return found


@st.composite
def token_spans(draw: st.DrawFn, num_tokens: int) -> list[tuple[int, int, str]]:
    """Draw flat token spans with labels, in order."""
    return [
        (start, end, draw(st.sampled_from(["PER", "LOC", "B-X"])))
        for start, end in draw(flat_ranges(num_tokens, 4))
    ]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a document."""
    return Document(
        id=draw(names),
        text=draw(texts),
        source=draw(st.text(max_size=8)),
        license=draw(st.text(max_size=8)),
        language=draw(st.text(max_size=8)),
        url=draw(st.none() | st.text(max_size=8)),
    )


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    """Draw an annotation of a text that nobody has."""
    return Annotation(
        document_id=draw(names),
        text_sha256=text_sha256(draw(texts)),
        annotator=draw(names),
        guide=draw(st.text(max_size=8)),
        coverage=draw(ranges()),
        spans=tuple(draw(st.lists(spans(), max_size=5))),
    )


@st.composite
def disputes(draw: st.DrawFn) -> Dispute:
    """Draw a dispute, open or settled."""
    start, end = sorted(draw(st.lists(st.integers(0, 999), min_size=2, max_size=2, unique=True)))
    some_spans = st.lists(spans(), max_size=3).map(tuple)
    claims = st.builds(Claim, annotator=names, spans=some_spans)
    return Dispute(
        document_id=draw(names),
        text_sha256=text_sha256(draw(texts)),
        start=start,
        end=end,
        claims=tuple(draw(st.lists(claims, max_size=3))),
        settled_by=draw(st.none() | names),
        settlement=draw(some_spans),
        certainty=draw(st.none() | st.floats(0, 1)),
        impact=draw(st.none() | st.floats(0, 100)),
    )


losses = st.builds(
    Loss,
    document_id=st.text(max_size=8),
    start=st.none() | st.integers(0, 2**31 - 1),
    end=st.none() | st.integers(0, 2**31 - 1),
    what=st.text(max_size=8),
    why=texts,
)
