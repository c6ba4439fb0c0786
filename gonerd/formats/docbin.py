"""spaCy's DocBin (`.spacy`) into passes, and annotations into a DocBin that spaCy trains on.

`doc.ents` is one annotator, every group of `doc.spans` another. A token whose ENT_IOB is 0 is
missing: nobody says whether it is an entity. What spaCy has no place for (ids, guides, who read
what) lies in `doc.user_data`, which DocBin keeps.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from gonerd.errors import ConfigError, RecordError, SourceError
from gonerd.formats.layers import (
    MARKED,
    WHOLE,
    Aside,
    Carries,
    Format,
    Mention,
    Pass,
    ReadOptions,
    Written,
)
from gonerd.formats.members import MOST_BYTES, Member, names_of
from gonerd.formats.tables.cells import plain_value
from gonerd.formats.tokenized import Tokenized, tokenized
from gonerd.gather import Annotated
from gonerd.records import GOLD, Annotation, Document, Loss, Range, text_sha256
from gonerd.spans import covers, merge_ranges

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span, SpanGroup
    from spacy.vocab import Vocab

ENTS = "ents"
"""What `doc.ents` is called among the layers of a document."""
_PREFIX = "ann:"
"""Before an annotator's name, as the name of a span group."""
_MOST_RATIO = 400
"""Real text unpacks to 50 times its size, one word said over and over to 300, nothing to 1,000."""
_SMALL = 50_000_000
"""Bytes that may be unpacked whatever the ratio."""
_PIECE = 1_000_000
_IDS = ("id", "doc_id", "document_id", "_id")
_DETAILS = ("source", "url", "license", "language")
_OTHER_LAYERS = ("TAG", "POS", "MORPH", "LEMMA", "DEP")


def read(members: Sequence[Member], options: ReadOptions) -> Iterator[Pass]:
    """Read the entities and the span groups of every document, or just the asked layer."""
    seen: set[str] = set()
    asked = False
    for member in members:
        for layer, found in _all_layers(member, options):
            seen.add(layer)
            if options.layer in (None, layer):
                asked = True
                yield found
    if options.layer is not None and not asked:
        raise ConfigError(
            f"layer {options.layer!r} is in no document; "
            f"expected one of {', '.join(sorted(seen)) or 'none, since there are no documents'}."
        )


def write(items: Sequence[Annotated]) -> Written:
    """Write one DocBin; a lone annotator, or gold, goes to `doc.ents` where its spans are flat."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    annotators = {annotation.annotator for item in items for annotation in item.annotations}
    first = next(iter(annotators)) if len(annotators) == 1 else GOLD
    vocab = Vocab()
    docs = DocBin(store_user_data=True)
    losses: list[Loss] = []
    for item in items:
        doc, lost = _doc(item, vocab, first)
        docs.add(doc)
        losses += lost
    return Written(files={"": docs.to_bytes()}, losses=tuple(losses))


def _all_layers(member: Member, options: ReadOptions) -> Iterator[tuple[str, Pass]]:
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    document, who = names_of(member, annotator=options.annotator, paths=options.paths)
    content = member.read()
    try:
        _check_size(content, member.where)
        docs = DocBin().from_bytes(content)
        for number, doc in enumerate(docs.get_docs(Vocab()), start=1):
            name = _document_id(doc) or (document if len(docs) == 1 else f"{document}:{number}")
            yield from list(_layers(doc, f"{member.where}:{number}", name, who))
    except SourceError:
        raise
    except Exception as error:  # whatever lies in the bytes, spaCy meets it unprepared
        reason = (str(error).splitlines() or [""])[0]
        raise RecordError(
            f"{member.where}: not a DocBin ({type(error).__name__}: {reason}); "
            "expected what `DocBin.to_disk` writes."
        ) from None


def _check_size(content: bytes, where: str) -> None:
    """Unpack a DocBin piece by piece, keeping none, and refuse what grows as no text does."""
    most = min(MOST_BYTES, max(_SMALL, _MOST_RATIO * len(content)))
    unpacking, size = zlib.decompressobj(), 0
    while content and size <= most:
        size += len(unpacking.decompress(content, _PIECE))
        content = unpacking.unconsumed_tail
    if size > most:
        raise SourceError(
            f"{where}: unpacks to over {most:,} bytes; expected a DocBin, which takes about 50 "
            "times its size."
        )


def _layers(doc: "Doc", where: str, name: str, who: str) -> Iterator[tuple[str, Pass]]:
    """Read the entities, where the document says anything of them, and then the groups."""
    ours = _ours(doc)
    layers = ours or {}
    asides = _asides_of_all(doc, name, who)
    known = [token.ent_iob != 0 for token in doc]
    if ENTS in layers or any(known) or (ours is None and not doc.spans):
        layer = layers.get(ENTS, {})
        coverage = _ranges(layer.get("coverage"))
        if coverage is None or known != _known(doc, coverage, doc.ents):
            coverage = _coverage(doc, known)
        notes = [] if not doc or any(known) or layer else ["no token says whether it is an entity"]
        if others := [other for other in _OTHER_LAYERS if doc and doc.has_annotation(other)]:
            notes.append(f"not read: {', '.join(others)}")
        mentions, links = _mentions(doc, doc.ents, layer.get("scores"), name, who)
        yield ENTS, _pass(doc, where, name, who, layer, mentions, coverage, asides + links, notes)
        asides = []
    for key, group in doc.spans.items():
        layer = layers.get(key, {})
        annotator = key.removeprefix(_PREFIX) or who
        coverage = _ranges(layer.get("coverage"))
        notes = [] if layer else [f"span group {key!r} is an annotator, who marked no more"]
        scores = layer.get("scores", group.attrs.get("scores"))
        mentions, links = _mentions(doc, group, scores, name, annotator)
        done = MARKED if coverage is None else coverage
        yield (
            key,
            _pass(doc, where, name, annotator, layer, mentions, done, asides + links, notes),
        )
        asides = []


def _asides_of_all(doc: "Doc", name: str, who: str) -> list[Aside]:
    """Keep what a document says of itself as a whole."""
    known = {*_IDS, *_DETAILS, "text_sha256", "annotations"}
    held = {
        "cats": dict(doc.cats),
        "user_data": {key: value for key, value in _user_data(doc).items() if key not in known},
    }
    return [
        Aside(document_id=name, annotator=who, kind=kind, value={kind: plain_value(value)})
        for kind, value in held.items()
        if value
    ]


def _pass(
    doc: "Doc",
    where: str,
    name: str,
    annotator: str,
    layer: Mapping[str, Any],
    mentions: Sequence[Mention],
    coverage: Any,
    asides: Sequence[Aside],
    notes: Sequence[str],
) -> Pass:
    guide = layer.get("guide")
    said = layer.get("annotator")
    return Pass(
        where=where,
        document_id=name,
        annotator=said if isinstance(said, str) and said else annotator,
        text=doc.text,
        mentions=tuple(mentions),
        coverage=coverage,
        unit="code points",
        guide=guide if isinstance(guide, str) else "",
        details={
            key: value
            for key, value in _user_data(doc).items()
            if key in _DETAILS and isinstance(value, str)
        },
        asides=tuple(asides),
        notes=tuple(notes),
    )


def _mentions(
    doc: "Doc", spans: "Sequence[Span] | SpanGroup", scores: Any, name: str, annotator: str
) -> tuple[list[Mention], list[Aside]]:
    found: list[Mention] = []
    asides: list[Aside] = []
    if not isinstance(scores, list | tuple) or len(scores) != len(spans):
        scores = [None] * len(spans)
    for span, score in zip(spans, scores, strict=True):
        if not 0 <= span.start < span.end <= len(doc):  # before spaCy looks there itself
            raise RecordError(
                f"{name}: a span of tokens {span.start} to {span.end}; "
                f"expected one inside the {len(doc)} tokens of the document."
            )
        if type(score) not in (int, float) or not 0 <= score <= 1:
            score = None
        last = doc[span.end - 1]
        start, end = doc[span.start].idx, last.idx + len(last)
        found.append(Mention(start=start, end=end, label=span.label_, confidence=score))
        links = {"kb_id": span.kb_id_, "id": span.id_}
        if any(links.values()):
            value = {"start": start, "end": end, "label": span.label_, **links}
            asides.append(Aside(document_id=name, annotator=annotator, kind="link", value=value))
    return found, asides


def _known(doc: "Doc", coverage: Sequence[Range], entities: "Sequence[Span]") -> list[bool]:
    """Say of each token whether it is known, having been read or marked."""
    merged = merge_ranges(coverage)
    known = [covers(merged, token.idx, token.idx + len(token)) for token in doc]
    for entity in entities:
        known[entity.start : entity.end] = [True] * (entity.end - entity.start)
    return known


def _coverage(doc: "Doc", known: Sequence[bool]) -> Any:
    """Read off the tokens what was read: from each run of known ones to the next token."""
    if all(known):
        return WHOLE
    starts = [0, *(token.idx for token in doc[1:]), len(doc.text)]
    return merge_ranges(
        place for place, is_known in zip(pairwise(starts), known, strict=True) if is_known
    )


def _user_data(doc: "Doc") -> dict[str, Any]:
    """List what stands in the user data by plain names, extension attributes among it."""
    return {
        key[1] if isinstance(key, tuple) and len(key) == 4 and key[0] == "._." else key: value
        for key, value in doc.user_data.items()
        if isinstance(key, str | tuple)
    }


def _document_id(doc: "Doc") -> str:
    held = _user_data(doc)
    for key in _IDS:
        value = str(held[key]).strip() if type(held.get(key)) in (int, str) else ""
        if value:
            return value
    return ""


def _ours(doc: "Doc") -> dict[str, Mapping[str, Any]] | None:
    """Find what our writer has said of each layer, if this is still the text it wrote."""
    held = doc.user_data.get("annotations")
    if not isinstance(held, dict) or doc.user_data.get("text_sha256") != text_sha256(doc.text):
        return None
    return {str(key): layer for key, layer in held.items() if isinstance(layer, dict)}


def _ranges(value: Any) -> tuple[Range, ...] | None:
    if not isinstance(value, list | tuple):
        return None
    for pair in value:
        if not isinstance(pair, list | tuple) or [type(offset) for offset in pair] != [int, int]:
            return None
    return tuple((start, end) for start, end in value)


def _doc(item: Annotated, vocab: "Vocab", first: str) -> "tuple[Doc, list[Loss]]":
    from spacy.tokens import SpanGroup

    document = item.document
    found = [tokenized(document, annotation) for annotation in item.annotations]
    nobody = Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator="",
        guide="",
        coverage=(),
        spans=(),
    )
    doc, places = _blank(document.text, found[0] if found else tokenized(document, nobody), vocab)
    layers: dict[str, Any] = {}
    for annotation, tokens in zip(item.annotations, found, strict=True):
        spans = [_span(doc, places, *place) for place, _ in tokens.spans]
        scores = [span.confidence for _, span in tokens.spans]
        is_flat = all(left.end <= right.start for left, right in pairwise(spans))
        if annotation.annotator == first and is_flat:
            layer = ENTS
            _set_ents(doc, spans, annotation.coverage)
        else:
            layer = GOLD if annotation.annotator == GOLD else _PREFIX + annotation.annotator
            is_scored = bool(scores) and None not in scores
            attrs = {"scores": scores} if is_scored else {}
            doc.spans[layer] = SpanGroup(doc, name=layer, attrs=attrs, spans=spans)
        layers[layer] = {
            "annotator": annotation.annotator,
            "guide": annotation.guide,
            "coverage": [list(covered) for covered in annotation.coverage],
            "scores": scores,
        }
    doc.user_data.update(_said(document, layers))
    return doc, [loss for tokens in found for loss in tokens.losses]


def _said(document: Document, layers: Mapping[str, Any]) -> dict[str, Any]:
    details = {key: getattr(document, key) for key in _DETAILS}
    return {
        "id": document.id,
        **{key: value for key, value in details.items() if value is not None},
        "text_sha256": document.text_sha256,
        "annotations": dict(layers),
    }


def _blank(text: str, tokens: Tokenized, vocab: "Vocab") -> "tuple[Doc, list[int]]":
    """Make a doc of exactly this text, and say which of its tokens each visible token is."""
    from spacy.tokens import Doc

    first = tokens.tokens.starts[0] if tokens.tokens.starts else len(text)
    words, spaces = ([text[:first]], [False]) if first else ([], [])
    places = []
    for word, gap in zip(tokens.tokens.texts, tokens.gaps, strict=True):
        places.append(len(words))
        words.append(word)
        spaces.append(gap.startswith(" "))
        if rest := gap.removeprefix(" "):
            words.append(rest)
            spaces.append(False)
    return Doc(vocab, words=words, spaces=spaces), places


def _span(doc: "Doc", places: Sequence[int], start: int, end: int, label: str) -> "Span":
    from spacy.tokens import Span

    return Span(doc, places[start], places[end - 1] + 1, label=label)


def _set_ents(doc: "Doc", spans: "Sequence[Span]", coverage: Sequence[Range]) -> None:
    known = _known(doc, coverage, spans)
    missing = [doc[index : index + 1] for index, is_known in enumerate(known) if not is_known]
    if len(doc):
        doc.set_ents(list(spans), missing=missing, default="outside")


FORMAT = Format(
    name="docbin",
    title="spaCy's DocBin",
    read=read,
    write=write,
    carries=Carries(coverage=True, confidence=True, guide=True, document_details=True),
    suffixes=(".spacy",),
    options=frozenset({"layer"}),
)
