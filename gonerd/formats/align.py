"""Passes over differently tokenised copies of a document into passes over one text.

The text is the one given, else the one the files hold, else the one that most passes share. Each
pass's tokens are then found in it: first by equal tokens, and between those by equal characters, so
that a split token, a missing line or a tag glued to a word costs only itself. What was found is
covered; what was not found is unknown, never "no entity".
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from gonerd.formats.layers import Mention, Pass, TokenPass
from gonerd.records import Loss, Range
from gonerd.spans import merge_ranges

_LONGEST = 2_000
"""Characters of a stretch that is compared character by character."""

_TREEBANK = {
    "``": '"', "''": '"', "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{",
    "-RCB-": "}", "\\/": "/", "\\*": "*",
}  # fmt: skip
"""How the Penn Treebank writes what a text writes otherwise."""


def join(tokens: Sequence[str], gaps: Sequence[str]) -> tuple[str, list[Range]]:
    """Write tokens and the gaps after them as a text, and say where each stands.

    >>> join(["Ana", "left", "."], [" ", "", ""])
    ('Ana left.', [(0, 3), (4, 8), (8, 9)])
    """
    pieces: list[str] = []
    offsets: list[Range] = []
    position = 0
    for token, gap in zip(tokens, gaps, strict=True):
        offsets.append((position, position + len(token)))
        pieces += (token, gap)
        position += len(token) + len(gap)
    return "".join(pieces), offsets


def common_text(passes: Sequence[TokenPass]) -> tuple[str, list[Range]]:
    """Find the text of a document in several passes over it, and its words, where tokens made it.

    A text that a file holds counts before one put together from tokens. Of those, the characters
    that most passes share win, blanks aside, then the longest; and of the copies with these the one
    with the fewest tokens, for annotators split words and never join them. What it still splits and
    another pass does not is joined.
    """
    held = Counter(one.text for one in passes if one.text is not None)
    if held:
        return min(held, key=lambda text: (-held[text], -len(text), text)), []
    visible = ["".join("".join(one.tokens).split()) for one in passes]
    shared = Counter(visible)
    best = min(shared, key=lambda characters: (-shared[characters], -len(characters), characters))
    copies = [one for one, characters in zip(passes, visible, strict=True) if characters == best]
    copy = min(copies, key=lambda one: (len(one.tokens), one.tokens, one.gaps))
    return join(*_joined(copy, passes))


def _joined(copy: TokenPass, passes: Sequence[TokenPass]) -> tuple[list[str], list[str]]:
    """Join neighbours that another pass has as one token, and never as two."""
    whole: set[str] = set()
    for one in passes:
        pairs = set(pairwise(one.tokens))
        whole |= {
            left + right for left, right in pairwise(copy.tokens) if (left, right) not in pairs
        } & set(one.tokens)
    tokens: list[str] = []
    gaps: list[str] = []
    for token, gap in zip(copy.tokens, copy.gaps, strict=True):
        if tokens and gaps[-1] == " " and tokens[-1] + token in whole:
            tokens[-1] += token
            gaps[-1] = gap
        else:
            tokens.append(token)
            gaps.append(gap)
    return tokens, gaps


def place_tokens(tokens: Sequence[str], text: str) -> list[Range | None]:
    """Find each token in a text, in order; None for one that is not there.

    A token that holds more than the text (`York/LOC`) is placed on the part that is there, if that
    is at least half of it.
    """
    wanted = [_TREEBANK.get(token, token) for token in tokens]
    placed = _in_order(wanted, text)
    if placed is not None:
        return list(placed)
    words, starts = _words(text)
    found: list[Range | None] = [None] * len(tokens)
    matcher = SequenceMatcher(None, wanted, words, autojunk=len(words) > 20_000)
    for kind, left, right, low, high in matcher.get_opcodes():
        if kind == "equal":
            for index in range(right - left):
                start = starts[low + index]
                found[left + index] = (start, start + len(words[low + index]))
        elif left < right and low < high:
            end = starts[high - 1] + len(words[high - 1])
            found[left:right] = _by_characters(wanted[left:right], text, starts[low], end)
    return found


def align(one: TokenPass, text: str, words: Sequence[Range] = ()) -> Pass:
    """Turn a pass over tokens into one over the characters of a text, which must be given.

    A mention with a border token that is not in the text is refused. So is one of a piece of one of
    the document's own `words`, which this pass splits: it is not about the word, and the word is
    unknown. Coverage is what was found, with the blanks between neighbours, less what the file says
    is unknown.
    """
    offsets = _offsets(one, text)
    losses = list(one.losses)
    lost = [index for index, place in enumerate(offsets) if place is None and one.tokens[index]]
    losses += [
        Loss(document_id=one.document_id, what="token not aligned", why="it is not in the text")
        for _ in lost
    ]
    placed: list[Mention] = []
    for mention in one.mentions:
        place, why = _hull(offsets[mention.start : mention.end], text)
        pieces = [_hull(offsets[start:end], text)[0] for start, end in mention.fragments]
        if place is None or None in pieces:
            why = why or "a part of it is not in the text"
            losses.append(Loss(document_id=one.document_id, what="span refused", why=why))
            continue
        fragments = tuple(piece for piece in pieces if piece is not None)
        placed.append(replace(mention, start=place[0], end=place[1], fragments=fragments))
    mentions, doubtful, changed = _on_words(one.document_id, placed, words)
    losses += changed
    known = _without(_known(offsets, one.unknown, text), doubtful)
    said = [(mention.start, mention.end) for mention in mentions]
    return Pass(
        where=one.where,
        document_id=one.document_id,
        annotator=one.annotator,
        text=text,
        mentions=tuple(mentions),
        coverage=merge_ranges([*known, *said]),
        unit="code points",
        guide=one.guide,
        details=one.details,
        asides=one.asides,
        losses=tuple(losses),
        notes=one.notes,
    )


def _on_words(
    document_id: str, mentions: Sequence[Mention], words: Sequence[Range]
) -> tuple[list[Mention], list[Range], list[Loss]]:
    """Refuse mentions of pieces of words: the mentions kept, ranges in doubt, and what changed."""
    starts = [start for start, _ in words]

    def inside(place: int) -> bool:
        index = bisect_left(starts, place) - 1
        return index >= 0 and place < words[index][1]

    whole: list[Mention] = []
    losses: list[Loss] = []
    for mention in sorted(mentions, key=lambda one: (one.start, -one.end)):
        last = whole[-1] if whole else mention
        if last.end == mention.start and last.label == mention.label and inside(last.end):
            whole[-1] = replace(last, end=mention.end)
            losses.append(_loss(document_id, whole[-1], "spans united", "pieces of one word"))
        else:
            whole.append(mention)
    kept: list[Mention] = []
    doubtful: list[Range] = []
    for mention in whole:
        if inside(mention.start) or inside(mention.end):
            why = "its tokens split a word of the document"
            losses.append(_loss(document_id, mention, "span refused", why))
            doubtful.append((mention.start, mention.end))
        else:
            kept.append(mention)
    return kept, doubtful, losses


def _loss(document_id: str, mention: Mention, what: str, why: str) -> Loss:
    return Loss(document_id=document_id, start=mention.start, end=mention.end, what=what, why=why)


def _without(ranges: Sequence[Range], holes: Sequence[Range]) -> list[Range]:
    """Cut holes, in order, out of ranges."""
    left: list[Range] = []
    for start, end in ranges:
        for low, high in holes:
            if low < end and start < high:
                left.append((start, max(low, start)))
                start = min(high, end)
        left.append((start, end))
    return left


def _offsets(one: TokenPass, text: str) -> Sequence[Range | None]:
    if one.offsets is not None and one.text == text and one.unit == "code points":
        return one.offsets
    own, offsets = join(one.tokens, one.gaps)
    return offsets if own == text else place_tokens(one.tokens, text)


def _hull(places: Sequence[Range | None], text: str) -> tuple[Range | None, str]:
    """Unite the places of a mention's tokens, or say why they make no mention."""
    if not places or places[0] is None or places[-1] is None:
        return None, "a token at its border is not in the text"
    start, end = places[0][0], places[-1][1]
    found = sum(place[1] - place[0] for place in places if place is not None)
    if sum(not character.isspace() for character in text[start:end]) > 2 * found:
        return None, "its tokens do not stand together in the text"
    return (start, end), ""


def _known(
    offsets: Sequence[Range | None], unknown: Sequence[Range], text: str
) -> tuple[Range, ...]:
    """Unite the places of known tokens, across a gap where both its neighbours are known."""
    blank = {index for start, end in unknown for index in range(start, end)}
    ranges: list[Range] = []
    before = 0
    for index, place in enumerate(offsets):
        if place is None or index in blank:
            before = -1
            continue
        between = text[before : place[0]] if before >= 0 else "?"
        ranges.append((before if not between.strip() and before >= 0 else place[0], place[1]))
        before = place[1]
    if ranges and before >= 0 and not text[before:].strip():
        ranges.append((before, len(text)))
    if not text.strip():
        return ((0, len(text)),)
    return merge_ranges(ranges)


def _words(text: str) -> tuple[list[str], list[int]]:
    words: list[str] = []
    starts: list[int] = []
    position = 0
    for word in text.split():
        position = text.index(word, position)
        words.append(word)
        starts.append(position)
        position += len(word)
    return words, starts


def _in_order(tokens: Sequence[str], text: str) -> list[Range] | None:
    """Place tokens one after the other with nothing but blanks between; None where that fails."""
    placed: list[Range] = []
    position = 0
    for token in tokens:
        start = text.find(token, position)
        if start < 0 or not token or text[position:start].strip():
            return None
        placed.append((start, start + len(token)))
        position = start + len(token)
    return placed


def _by_characters(tokens: Sequence[str], text: str, start: int, end: int) -> list[Range | None]:
    """Place tokens in a stretch of text by their characters, blanks aside."""
    glued = "".join(tokens)
    if len(glued) > _LONGEST or end - start > _LONGEST:
        return [None] * len(tokens)
    visible = [index for index in range(start, end) if not text[index].isspace()]
    matcher = SequenceMatcher(None, glued, [text[index] for index in visible], autojunk=False)
    stands: dict[int, int] = {}
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            stands[block.a + offset] = visible[block.b + offset]
    found: list[Range | None] = []
    position = 0
    for token in tokens:
        hits = [
            stands[index] for index in range(position, position + len(token)) if index in stands
        ]
        position += len(token)
        near = bool(hits) and hits[-1] - hits[0] < len(hits) + 1
        enough = near and 2 * len(hits) >= len(token)
        found.append((hits[0], hits[-1] + 1) if enough else None)
    return found
