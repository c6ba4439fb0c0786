"""The name or path of a spaCy pipeline into the pipeline, and into what tells it from any other."""

import functools
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

import spacy
import spacy.about
from spacy.language import Language

from gonerd.errors import ConfigError
from gonerd.guide import Guide
from gonerd.store import file_sha256, fingerprint_of

EMBEDDED = "embedded"
_EMBEDDED_FOLDER = Path(__file__).parent / "embedded"


@dataclass(frozen=True, kw_only=True, slots=True)
class PrelabelConfig:
    """The table [prelabel] of a builder."""

    pipeline: str = EMBEDDED
    """`embedded`, the name of an installed spaCy pipeline, or the path of one."""
    labels: dict[str, str] = field(default_factory=dict)
    """Label of the pipeline -> label of the guide, or "" to drop it; equal names need no entry."""
    window_tokens: int = 2000
    """Longest stretch the pipeline sees at once."""
    overlap_tokens: int = 100
    """Context on both sides of a window's core."""
    batch_windows: int = 8
    """Windows the pipeline takes at a time."""

    def __post_init__(self) -> None:
        if self.window_tokens < 1 or self.batch_windows < 1:
            raise ValueError(
                f"window_tokens={self.window_tokens} batch_windows={self.batch_windows}; "
                "expected at least 1 of each."
            )
        if not 0 <= 2 * self.overlap_tokens < self.window_tokens:
            raise ValueError(
                f"overlap_tokens={self.overlap_tokens} window_tokens={self.window_tokens}; "
                "expected 2 * overlap_tokens < window_tokens."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineIdentity:
    """What a pipeline is, without loading it."""

    annotator: str
    """Name and version, as its annotations carry them."""
    fingerprint: str
    """Hash of every file of it."""
    folder: Path


@functools.cache
def identify(name: str) -> PipelineIdentity:
    """Find a pipeline and hash it; one that is not there is a ConfigError."""
    folder = _find(name)
    try:
        meta = spacy.util.load_meta(folder / "meta.json")
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"prelabel.pipeline: {name!r} is no spaCy pipeline ({str(error).splitlines()[0]}); "
            "expected a folder with meta.json and config.cfg."
        ) from None
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    hashes = [[path.relative_to(folder).as_posix(), file_sha256(path)] for path in files]
    return PipelineIdentity(
        annotator=f"{meta['lang']}_{meta['name']}@{meta['version']}",
        fingerprint=fingerprint_of(hashes, spacy.about.__version__),
        folder=folder,
    )


@functools.cache
def load(name: str) -> Language:
    """Load a pipeline, once in a process."""
    try:
        return spacy.load(identify(name).folder)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise ConfigError(
            f"prelabel.pipeline: {name!r} cannot be loaded ({str(error).splitlines()[0]}); "
            f"expected a pipeline for spaCy {spacy.about.__version__}."
        ) from None


def label_map(name: str, config: PrelabelConfig, guide: Guide) -> dict[str, str]:
    """Say what each label of the pipeline becomes; one that becomes nothing known is refused."""
    mapping: dict[str, str] = {}
    for label in _labels_of(load(name)):
        target = config.labels.get(label, label)
        if target and target not in guide.labels:
            raise ConfigError(
                f"prelabel.labels: label {target!r} of pipeline {name!r} is not in "
                f"{guide.reference}; expected one of {', '.join(guide.labels)}.\n"
                f'Map it under [prelabel.labels], as {label} = "{next(iter(guide.labels))}", '
                'or to "" to drop it.'
            )
        mapping[label] = target
    return mapping


def _labels_of(nlp: Language) -> list[str]:
    makers = [
        component
        for name, component in nlp.pipeline
        if "doc.ents" in nlp.get_pipe_meta(name).assigns
        or nlp.get_pipe_meta(name).factory == "span_ruler"  # may write entities, does not say so
    ]
    return sorted({label for component in makers for label in getattr(component, "labels", ())})


def _find(name: str) -> Path:
    if name == EMBEDDED:
        return _EMBEDDED_FOLDER
    path = Path(name)
    if path.is_dir():
        return path
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None:
        installed = ", ".join(sorted(spacy.util.get_installed_models())) or "none"
        raise ConfigError(
            f"prelabel.pipeline: {name!r} is neither a folder nor an installed pipeline; "
            f"expected {EMBEDDED!r}, a path, or one of the installed ({installed})."
        )
    package = Path(spec.origin).parent
    data = [folder.parent for folder in sorted(package.glob("*/config.cfg"))]
    return data[0] if data else package
