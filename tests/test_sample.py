"""The embedded sample is what it says: long, whole, varied, and its passes fit its texts."""

from collections import Counter, defaultdict
from functools import cache

import pytest

from gonerd.agreement import agreement
from gonerd.files import load_annotations, load_marked
from gonerd.guide import load_guide, shipped
from gonerd.marked import read_marked, write_marked
from gonerd.records import Annotation, Document, Span, check_fit
from gonerd.tokens import tokenize

FOLDER = shipped("builders") / "sample"
GUIDE = load_guide("gonerd")
SOURCES = sorted((FOLDER / "documents").glob("*.marked"))
ANNOTATORS = ("ana", "ben", "chi")


@cache
def texts() -> dict[str, str]:
    """Read the plain text of every document."""
    return {
        path.stem: read_marked(path.read_bytes().decode("utf-8"), GUIDE.labels, path.name)[0]
        for path in SOURCES
    }


@cache
def gold() -> dict[str, Annotation]:
    """Read the gold of every document."""
    return {
        path.stem: load_marked(path, annotator="gold", guide=GUIDE.reference, labels=GUIDE.labels)
        for path in SOURCES
    }


@cache
def passes() -> dict[str, dict[str, Annotation]]:
    """Read the three annotators' passes, by annotator and document."""
    found: dict[str, dict[str, Annotation]] = defaultdict(dict)
    for path in sorted((FOLDER / "annotations").glob("*.jsonl")):
        for _, annotation, _ in load_annotations(path):
            found[annotation.annotator][annotation.document_id] = annotation
    return found


def test_eight_documents_each_long_and_one_very_long() -> None:
    lengths = {name: len(tokenize(text, "en").texts) for name, text in texts().items()}
    assert len(lengths) >= 8
    assert min(lengths.values()) >= 4096
    assert max(lengths.values()) >= 12_000


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_marks_write_back_to_the_same_source(path: object) -> None:
    source = path.read_bytes().decode("utf-8")  # type: ignore[attr-defined]
    text, spans = read_marked(source, GUIDE.labels, "source")
    assert write_marked(text, spans, GUIDE.labels) == source


@pytest.mark.parametrize("name", sorted(path.stem for path in SOURCES))
def test_gold_names_begin_and_end_in_visible_characters(name: str) -> None:
    text = texts()[name]
    for span in gold()[name].spans:
        mention = text[span.start : span.end]
        assert mention == mention.strip()


def test_every_label_occurs_in_every_document() -> None:
    for annotation in gold().values():
        counts = Counter(span.label for span in annotation.spans)
        assert all(counts[label] >= 10 for label in GUIDE.labels)


def test_the_difficulties_of_the_trade_are_there() -> None:
    across_lines = capitals = 0
    surfaces: dict[str, set[str]] = defaultdict(set)
    for name, annotation in gold().items():
        for span in annotation.spans:
            mention = texts()[name][span.start : span.end]
            across_lines += "\n" in mention
            capitals += mention.isupper() and len(mention) > 5
            surfaces[" ".join(mention.split())].add(span.label)
    assert across_lines >= 50
    assert capitals >= 50
    assert sum(1 for labels in surfaces.values() if len(labels) > 1) >= 50


def test_every_pass_fits_its_text_and_the_guide() -> None:
    assert sorted(passes()) == list(ANNOTATORS)
    for by_document in passes().values():
        for name, annotation in by_document.items():
            document = Document(
                id=name, text=texts()[name], source=name, license="cc0-1.0", language="en"
            )
            check_fit(annotation, document)
            assert annotation.guide == GUIDE.reference
            assert {span.label for span in annotation.spans} <= set(GUIDE.labels)


def test_two_annotators_read_everything_and_one_a_part() -> None:
    for annotator in ("ana", "ben"):
        assert sorted(passes()[annotator]) == sorted(texts())
        for name, annotation in passes()[annotator].items():
            assert annotation.coverage == ((0, len(texts()[name])),)
    partly = passes()["chi"]
    assert 3 <= len(partly) < len(texts())
    assert any(
        annotation.coverage != ((0, len(texts()[name])),) for name, annotation in partly.items()
    )


def test_annotators_disagree_as_people_do() -> None:
    pairs = agreement(
        annotation for by_name in passes().values() for annotation in by_name.values()
    )
    for pair in pairs:
        assert pair.f1 is not None
        assert 0.85 < pair.f1 < 0.99
    kinds: Counter[str] = Counter()
    for name, left in passes()["ana"].items():
        kinds += disagreements(left, passes()["ben"][name])
    assert min(kinds["border"], kinds["label"], kinds["missed"]) >= 10


def disagreements(left: Annotation, right: Annotation) -> Counter[str]:
    """Count how one annotation differs from another: in border, in label, or by a missed name."""
    kinds: Counter[str] = Counter()
    theirs = set(right.spans)
    for span in set(left.spans) - theirs:
        near = [other for other in theirs if touches(span, other)]
        if not near:
            kinds["missed"] += 1
        elif any((span.start, span.end) == (other.start, other.end) for other in near):
            kinds["label"] += 1
        else:
            kinds["border"] += 1
    return kinds


def touches(span: Span, other: Span) -> bool:
    """Say whether two spans share a character."""
    return span.start < other.end and other.start < span.end
