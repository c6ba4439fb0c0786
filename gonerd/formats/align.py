"""Passes over differently tokenised copies of a document into passes over one text.

The text is the one given, else the one the files hold, else the one that most passes share. Each
pass's tokens are then found in it: first by equal words, and between those by equal characters, so
that a split token, a missing line or a tag glued to a word costs only itself. What was found is
covered; what was not found is unknown, never "no entity".
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from gonerd.formats.layers import Mention, Pass, TokenPass
from gonerd.formats.matching import match
from gonerd.records import Loss, Range
from gonerd.spans import merge_ranges, subtract_ranges

_TREEBANK = {
    "``": '"', "''": '"', "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{",
    "-RCB-": "}", "\\/": "/", "\\*": "*",
}  # fmt: skip
"""How the Penn Treebank writes what a text writes otherwise."""

_WORD = re.compile(
    "|".join(map(re.escape, _TREEBANK)) + r"|[^\W_\u0e00-\u0eff\u1000-\u109f\u2e80-\U0010ffff]+|\S"
)
"""What is compared whole: a word, or a sign; each character of scripts that part no words."""


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
    placed = _in_order(tokens, text)
    if placed is not None:
        return list(placed)
    stands = _characters(tokens, text)
    visible = list(accumulate((not character.isspace() for character in text), initial=0))
    found: list[Range | None] = []
    position = 0
    for token in tokens:
        hits = [place for place in stands[position : position + len(token)] if place is not None]
        size = len("".join(token.split()))
        position += len(token)
        place = (hits[0][0], hits[-1][1]) if hits and 2 * len(hits) >= size else None
        if place is not None:
            between = visible[place[1]] - visible[place[0]]
            between -= sum(end - start for start, end in set(hits))
            place = place if between <= 1 else None
        found.append(place)
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
    losses += [
        Loss(document_id=one.document_id, what="token not aligned", why="it is not in the text")
        for token, place in zip(one.tokens, offsets, strict=True)
        if place is None and token.strip()
    ]
    placed: list[Mention] = []
    for mention in one.mentions:
        place, why = _hull(one, offsets, mention.start, mention.end, text)
        pieces = [_hull(one, offsets, start, end, text)[0] for start, end in mention.fragments]
        if place is None or None in pieces:
            why = why or "a part of it is not in the text"
            losses.append(Loss(document_id=one.document_id, what="span refused", why=why))
            continue
        fragments = tuple(piece for piece in pieces if piece is not None)
        placed.append(replace(mention, start=place[0], end=place[1], fragments=fragments))
    mentions, doubtful, changed = _on_words(one.document_id, placed, words)
    losses += changed
    known = subtract_ranges(_known(one, offsets, text), doubtful)
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
        pieces = last.end == mention.start and last.label == mention.label and inside(last.end)
        if pieces and not last.fragments and not mention.fragments:
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


def _offsets(one: TokenPass, text: str) -> Sequence[Range | None]:
    if one.offsets is not None and one.text == text and one.unit == "code points":
        return one.offsets
    own, offsets = join(one.tokens, one.gaps)
    return offsets if own == text else place_tokens(one.tokens, text)


def _hull(
    one: TokenPass, offsets: Sequence[Range | None], first: int, last: int, text: str
) -> tuple[Range | None, str]:
    """Unite the places of a mention's tokens, or say why they make no mention."""
    places = [
        place
        for token, place in zip(one.tokens[first:last], offsets[first:last], strict=True)
        if token.strip() or place is not None
    ]
    if not places or places[0] is None or places[-1] is None:
        return None, "a token at its border is not in the text"
    start, end = places[0][0], places[-1][1]
    found = sum(place[1] - place[0] for place in places if place is not None)
    if sum(not character.isspace() for character in text[start:end]) > 2 * found:
        return None, "its tokens do not stand together in the text"
    return (start, end), ""


def _known(one: TokenPass, offsets: Sequence[Range | None], text: str) -> tuple[Range, ...]:
    """Unite the places of known tokens, across a gap where both its neighbours are known."""
    unread = {index for start, end in one.unknown for index in range(start, end)}
    ranges: list[Range] = []
    before = 0
    for index, (token, place) in enumerate(zip(one.tokens, offsets, strict=True)):
        if index in unread or (place is None and token.strip()):
            before = -1
        elif place is not None:
            joined = before >= 0 and not text[before : place[0]].strip()
            ranges.append((before if joined else place[0], place[1]))
            before = place[1]
    if ranges and before >= 0 and not text[before:].strip():
        ranges.append((before, len(text)))
    return merge_ranges(ranges) if text.strip() else ((0, len(text)),)


def _in_order(tokens: Sequence[str], text: str) -> list[Range | None] | None:
    """Place tokens one after the other with nothing but blanks between; None where that fails."""
    placed: list[Range | None] = []
    position = 0
    for token in tokens:
        start = text.find(token, position) if token else position
        if start < 0 or text[position:start].strip():
            return None
        placed.append((start, start + len(token)) if token else None)
        position = start + len(token)
    return placed


def _characters(tokens: Sequence[str], text: str) -> list[Range | None]:
    """Find each character of tokens in a text: with its whole word there, or else by itself."""
    glued = "".join(tokens)
    starts = accumulate(map(len, tokens), initial=0)
    ours = [
        (start + low, start + high)
        for token, start in zip(tokens, starts, strict=False)
        for low, high in _words(token)
    ]
    theirs = list(_words(text))
    pairs = match(_spelled(glued, ours), _spelled(text, theirs))
    stands: list[Range | None] = [None] * len(glued)
    for left, right in pairs:
        start, end = ours[left]
        stands[start:end] = [theirs[right]] * (end - start)
    for before, after in pairwise([(-1, -1), *pairs, (len(ours), len(theirs))]):
        left_out = [index for word in ours[before[0] + 1 : after[0]] for index in range(*word)]
        free = theirs[before[1] + 1 : after[1]]
        for index, place in _by_characters(glued, left_out, text, free):
            stands[index] = (place, place + 1)
    return stands


def _by_characters(
    glued: str, left_out: Sequence[int], text: str, words: Sequence[Range]
) -> list[Range]:
    """Pair characters of tokens with those of words, as far as they are most of a word."""
    free = [index for word in words for index in range(*word)]
    pairs = match([glued[index] for index in left_out], [text[index] for index in free])
    places = {free[right]: left_out[left] for left, right in pairs}
    return [
        (places[index], index)
        for start, end in words
        if 2 * sum(index in places for index in range(start, end)) > end - start
        for index in range(start, end)
        if index in places
    ]


def _words(text: str) -> Iterator[Range]:
    return (match.span() for match in _WORD.finditer(text))


def _spelled(text: str, words: Iterable[Range]) -> list[str]:
    """Spell words as a text would."""
    spelled = (text[start:end] for start, end in words)
    return [_TREEBANK.get(word, word) for word in spelled]
