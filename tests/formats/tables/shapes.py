"""One made dataset of long documents in every shape in which such a thing is published."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

NAMES = {
    "PER": ("Ana Roe", "Bo", "Eva von Lind", "Bo Berg"),
    "LOC": ("Lund", "New York", "Ystad"),
    "ORG": ("North & Sons", "the Guild of Tailors"),
}
FILLERS = ["met", "wrote", "to", "and", "with", "again", "in", "the", "old", "year", "nobody", "."]
TAGS = ["O", *(f"{prefix}-{label}" for label in NAMES for prefix in "BI")]


def letters(seed: int, number: int) -> list[list[tuple[list[str], str | None]]]:
    """Make documents as sentences of pieces: words, and the label where they are a name."""
    chance = random.Random(seed)
    made = []
    for _ in range(number):
        pieces: list[tuple[list[str], str | None]] = []
        for _ in range(chance.randrange(20, 200)):
            label = chance.choice(list(NAMES))
            pieces.append((chance.choice(NAMES[label]).split(), label))
            pieces.append((chance.sample(FILLERS, chance.randrange(1, 6)), None))
        made.append(pieces)
    return made


class Letter:
    """One document in every form that a row may need."""

    def __init__(self, number: int, pieces: Sequence[tuple[list[str], str | None]]) -> None:
        self.id = f"{number:04}"
        self.tokens = [word for words, _ in pieces for word in words]
        self.text = " ".join(self.tokens)
        self.tags: list[str] = []
        self.by_tokens: list[tuple[int, int, str]] = []
        self.spans: list[tuple[int, int, str]] = []
        position = 0
        for words, label in pieces:
            start = len(self.tags)
            prefixes = ["B", *["I"] * (len(words) - 1)]
            self.tags += [f"{p}-{label}" if label else "O" for p in prefixes]
            length = len(" ".join(words))
            if label:
                self.by_tokens.append((start, start + len(words), label))
                self.spans.append((position, position + length, label))
            position += length + 1

    @property
    def middle(self) -> int:
        half = len(self.tags) // 2
        return next(index for index in range(half, len(self.tags)) if self.tags[index] == "O")

    @property
    def bioes(self) -> list[str]:
        tags = list(self.tags)
        for start, end, label in self.by_tokens:
            tags[end - 1] = f"{'S' if end - start == 1 else 'E'}-{label}"
        return tags

    @property
    def ids(self) -> list[int]:
        return [TAGS.index(tag) for tag in self.tags]

    def surface(self, start: int, end: int) -> str:
        return self.text[start:end]

    def halves(self, items: Sequence[Any]) -> list[list[Any]]:
        """Part tokens, or what goes with them, into two sentences between names."""
        return [list(items[: self.middle]), list(items[self.middle :])]


Row = Callable[[Letter], dict[str, Any]]

SHAPES: dict[str, Row] = {
    "tokens and tags by name": lambda d: {"id": d.id, "tokens": d.tokens, "ner_tags": d.tags},
    "words and labels": lambda d: {"words": d.tokens, "labels": d.tags},
    "sentences in lists": lambda d: {
        "tokens": d.halves(d.tokens),
        "ner_tags": d.halves(d.tags),
    },
    "BIOES": lambda d: {"tokens": d.tokens, "tags": d.bioes},
    "tags in a string": lambda d: {"text": d.text, "ner_tags": " ".join(d.tags)},
    "words and tags in strings": lambda d: {"sentence": d.text, "labels": " ".join(d.tags)},
    "tokens, tags and text": lambda d: {"text": d.text, "tokens": d.tokens, "ner_tags": d.tags},
    "numbers beside names": lambda d: {"tokens": d.tokens, "tags": d.ids, "ner": d.tags},
    "other layers beside": lambda d: {
        "tokens": d.tokens,
        "pos_tags": ["X" for _ in d.tokens],
        "chunk_tags": ["B-NP" for _ in d.tokens],
        "ner_tags": d.tags,
    },
    "tagged words": lambda d: {"data": [list(p) for p in zip(d.tokens, d.tags, strict=True)]},
    "tagged words as objects": lambda d: {
        "tokens": [{"text": w, "ner": t} for w, t in zip(d.tokens, d.tags, strict=True)]
    },
    "objects": lambda d: {
        "text": d.text,
        "entities": [{"start": s, "end": e, "label": label} for s, e, label in d.spans],
    },
    "objects with offsets": lambda d: {
        "document": d.text,
        "annotations": [
            {"start_offset": s, "end_offset": e, "type": label, "id": f"T{s}"}
            for s, e, label in d.spans
        ],
    },
    "a pipeline's objects": lambda d: {
        "text": d.text,
        "label": [
            {"entity_group": label, "word": d.surface(s, e), "start": s, "end": e, "score": 0.5}
            for s, e, label in d.spans
        ],
    },
    "a pipeline's tagged pieces": lambda d: {
        "text": d.text,
        "entities": [
            {"entity": tag, "start": s, "end": s + len(word)}
            for word, tag, s in zip(d.tokens, d.tags, starts(d.tokens), strict=True)
            if tag != "O"
        ],
    },
    "triples": lambda d: {"text": d.text, "entities": d.spans},
    "triples, label first": lambda d: {
        "text": d.text,
        "entities": [[label, s, e] for s, e, label in d.spans],
    },
    "triples with the words": lambda d: {
        "text": d.text,
        "entities": [[d.surface(s, e), s, e, label] for s, e, label in d.spans],
    },
    "a pair and a label": lambda d: {
        "text": d.text,
        "mentions": [{"span": [s, e], "label": label} for s, e, label in d.spans],
    },
    "columns of equal length": lambda d: {
        "text": d.text,
        "spans": {
            "start": [s for s, _, _ in d.spans],
            "end": [e for _, e, _ in d.spans],
            "label": [label for _, _, label in d.spans],
        },
    },
    "under a key": lambda d: {"text": d.text, "annotation": {"entities": d.spans}},
    "JSON in a string": lambda d: {
        "text": d.text,
        "labels": json.dumps([{"start": s, "end": e, "tag": label} for s, e, label in d.spans]),
    },
    "by label": lambda d: {
        "text": d.text,
        "entities": {
            label: [[s, e] for s, e, other in d.spans if other == label] for label in NAMES
        },
    },
    "by label and words, ends inclusive": lambda d: {
        "text": d.text,
        "label": {
            label: {
                surface: [
                    [s, e - 1] for s, e, o in d.spans if (o, d.surface(s, e)) == (label, surface)
                ]
                for surface in sorted({d.surface(s, e) for s, e, o in d.spans if o == label})
            }
            for label in NAMES
        },
    },
    "inclusive ends": lambda d: {
        "text": d.text,
        "spans": [
            {"start": s, "end": e - 1, "label": label, "text": d.surface(s, e)}
            for s, e, label in d.spans
        ],
    },
    "GLiNER": lambda d: {
        "tokenized_text": d.tokens,
        "ner": [[s, e - 1, label] for s, e, label in d.by_tokens],
    },
    "DyGIE": lambda d: {
        "doc_key": d.id,
        "sentences": d.halves(d.tokens),
        "ner": [
            [[s, e - 1, label] for s, e, label in d.by_tokens if (s < d.middle) == is_first]
            for is_first in (True, False)
        ],
    },
    "spans of tokens": lambda d: {
        "tokens": d.tokens,
        "entities": [
            {"start": s, "end": e, "type": label, "text": " ".join(d.tokens[s:e])}
            for s, e, label in d.by_tokens
        ],
    },
    "spans of tokens beside the text": lambda d: {
        "text": d.text,
        "tokens": d.tokens,
        "entities": [{"start": s, "end": e, "type": label} for s, e, label in d.by_tokens],
    },
    "langextract": lambda d: {
        "document_id": d.id,
        "text": d.text,
        "extractions": [
            {
                "extraction_class": label,
                "extraction_text": d.surface(s, e),
                "char_interval": {"start_pos": s, "end_pos": e},
                "alignment_status": "match_exact",
                "attributes": None,
            }
            for s, e, label in d.spans
        ],
    },
    "BigBio": lambda d: {
        "document_id": d.id,
        "passages": [{"text": [d.text], "offsets": [[0, len(d.text)]], "type": "letter"}],
        "entities": [
            {"type": label, "text": [d.surface(s, e)], "offsets": [[s, e]], "normalized": []}
            for s, e, label in d.spans
        ],
    },
}  # fmt: skip
"""Shapes in which a dataset of long documents may come, one row each."""


def starts(tokens: Sequence[str]) -> list[int]:
    positions, position = [], 0
    for token in tokens:
        positions.append(position)
        position += len(token) + 1
    return positions


SPLITS = {"train": letters(1, 6), "val": letters(2, 3), "test": letters(3, 3)}
