"""spaCy pipelines that find just what they are told to, saved as a user's are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from gonerd.prelabel.label import Prelabelled, prelabel_documents
from gonerd.prelabel.pipeline import PrelabelConfig
from gonerd.records import Document, Span

NAMES = {
    "Ines Adler": "PER",
    "Adler": "PER",
    "Lund": "LOC",
    "Port Ellis": "LOC",
    "Harbour Board of Lund": "ORG",
    "Zoe\u0308": "PER",
}
"""What the usual pipeline finds; the longest name is of four tokens."""

SAME = {label: label for label in ("PER", "LOC", "ORG", "MISC")}


def save_ruler(
    folder: Path, patterns: Sequence[Mapping[str, Any]], component: str = "entity_ruler"
) -> Path:
    """Save a pipeline that marks some patterns, and return its folder."""
    nlp = spacy.blank("en")
    options = {"annotate_ents": True} if component == "span_ruler" else {}
    nlp.add_pipe(component, config=options).add_patterns(list(patterns))  # type: ignore[attr-defined]
    nlp.meta["name"] = "ruler"
    nlp.meta["version"] = "1.2.3"
    nlp.to_disk(folder)
    return folder


def save_names(folder: Path) -> Path:
    """Save the usual pipeline."""
    patterns = [{"label": label, "pattern": name} for name, label in NAMES.items()]
    return save_ruler(folder, patterns)


def document(text: str, name: str = "doc") -> Document:
    """Make a document of a text."""
    return Document(id=name, text=text, source=name, license="mit", language="en")


def windows(tokens: int, overlap: int, batch: int = 8) -> PrelabelConfig:
    """Configure how a text is cut."""
    return PrelabelConfig(window_tokens=tokens, overlap_tokens=overlap, batch_windows=batch)


def label(
    nlp: Language,
    *documents: Document,
    config: PrelabelConfig | None = None,
    labels: dict[str, str] = SAME,
) -> list[Prelabelled]:
    """Label documents with a pipeline."""
    return list(
        prelabel_documents(
            nlp,
            documents,
            annotator="en_ruler@1.2.3",
            guide="gonerd@1",
            labels=labels,
            config=config or PrelabelConfig(),
        )
    )


def found(result: Prelabelled) -> list[tuple[int, int, str]]:
    """Reduce an annotation to where it found what."""
    return [triple(span) for span in result.annotation.spans]


def triple(span: Span) -> tuple[int, int, str]:
    """Reduce a span to where it is and what."""
    return span.start, span.end, span.label
