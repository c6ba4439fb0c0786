"""Tests that files of annotations become documents with everything said about each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gonerd.arrow import annotations_table, documents_table
from gonerd.errors import GonerdError, RecordError, SourceError, TextMismatch
from gonerd.gather import annotation_files, documents_by_id, gather, with_texts
from gonerd.records import Document, annotation_from_json, text_sha256
from tests.processes import AS_NOBODY, run_python
from tests.strategies import HOSTILE_TEXTS

TEXT = "Ana met Bo."


def row(document_id: str = "l-17", annotator: str = "ana", **values: Any) -> dict[str, Any]:
    found = {
        "document_id": document_id,
        "annotator": annotator,
        "coverage": [],
        "spans": [{"start": 0, "end": 3, "label": "PER"}],
        "text": TEXT,
        **values,
    }
    return {key: value for key, value in found.items() if value is not None}


def without_text(text: str = TEXT, **values: Any) -> dict[str, Any]:
    return row(text=None, text_sha256=text_sha256(text), **values)


def lines(path: Path, *rows: Mapping[str, Any]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


def refusal(kind: type[GonerdError], *paths: Path, documents: Path | None = None) -> str:
    with pytest.raises(kind) as caught:
        with_texts(gather(paths, documents))
    return str(caught.value).replace(f"{paths[0].parent}/", "")


def test_annotations_are_grouped_by_document_and_sorted(tmp_path: Path) -> None:
    first = lines(tmp_path / "ana.jsonl", row("l-2"), row("l-1"))
    second = lines(tmp_path / "bo.jsonl", row("l-2", "bo"), row("l-2", "Al"))
    found = gather([second, first])
    assert [
        (one.document_id, [annotation.annotator for annotation in one.annotations]) for one in found
    ] == [("l-1", ["ana"]), ("l-2", ["Al", "ana", "bo"])]
    assert gather([first, second]) == found


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_the_text_comes_from_any_of_the_annotations(text: str, tmp_path: Path) -> None:
    values = {"spans": [], "text": text}
    path = lines(tmp_path / "a.jsonl", without_text(text, spans=[]), row(annotator="bo", **values))
    (found,) = with_texts(gather([path]))
    assert found.document == Document(
        id="l-17", text=text, source="l-17", license="unknown", language="en"
    )
    assert len(found.annotations) == 2


def test_documents_that_are_given_go_before_texts_beside_annotations(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row(), row("l-18"))
    documents = lines(
        tmp_path / "documents.jsonl",
        {"id": "l-17", "text": TEXT, "license": "cc0-1.0"},
        {"id": "l-99", "text": "Nobody read this."},
    )
    found = with_texts(gather([path], documents))
    assert [(one.document.id, one.document.license) for one in found] == [
        ("l-17", "cc0-1.0"),
        ("l-18", "unknown"),
    ]


def test_documents_that_nobody_read_come_where_they_are_asked_for(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row())
    documents = lines(tmp_path / "documents.jsonl", {"id": "l-1", "text": "Nobody read this."})
    found = gather([path], documents, unread=True)
    assert [(one.document_id, len(one.annotations)) for one in found] == [("l-1", 0), ("l-17", 1)]


def test_parquet_is_read_as_lines_are(tmp_path: Path) -> None:
    annotation, _ = annotation_from_json(row(), "here")
    pq.write_table(annotations_table([annotation]), tmp_path / "a.parquet")
    (tmp_path / "documents").mkdir()
    document = Document(id="l-17", text=TEXT, source="l-17", license="unknown", language="en")
    pq.write_table(documents_table([document]), tmp_path / "documents" / "part-00000.parquet")
    by_parquet = gather([tmp_path / "a.parquet"], tmp_path / "documents")
    assert by_parquet == gather([lines(tmp_path / "a.jsonl", row())])


def test_a_folder_is_searched_and_what_lies_beside_is_not_annotations(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "annotations"
    ours = [lines(folder / "b.jsonl", row()), lines(folder / "a.jsonl", row("l-18"))]
    pq.write_table(annotations_table([]), folder / "c.parquet")
    for name in ("a.ledger.jsonl", "a.asides.jsonl", "notes.txt"):
        lines(folder / name, {"what": "span moved"})
    lines(folder / "deeper" / "d.jsonl", row())
    assert annotation_files([folder]) == [*sorted(ours), folder / "c.parquet"]
    assert len(gather([folder])) == 2


def test_nothing_is_found_in_nothing(tmp_path: Path) -> None:
    assert gather([]) == []
    assert gather([lines(tmp_path / "empty.jsonl")]) == []


@pytest.mark.parametrize(
    ("name", "wrong"), [("nowhere.jsonl", "no such file"), ("folder", "holds no annotations")]
)
def test_a_path_without_annotations_is_refused(name: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert refusal(SourceError, tmp_path / name) == (
        f"{name}: {wrong}; expected a .jsonl or .parquet file, or a folder of such."
    )


def test_what_may_not_be_read_is_not_said_to_be_empty_or_missing(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    lines(tmp_path / "sealed" / "a.jsonl", row())
    (tmp_path / "sealed").chmod(0)
    script = f"""
from pathlib import Path
from gonerd.errors import SourceError
from gonerd.gather import annotation_files
{AS_NOBODY}
for path in (Path("sealed"), Path("sealed/a.jsonl")):
    try:
        annotation_files([path])
    except SourceError as error:
        print(error)
"""
    why = "Permission denied; expected a .jsonl or .parquet file, or a folder of such."
    found = run_python(script, tmp_path).splitlines()
    (tmp_path / "sealed").chmod(0o755)
    assert found == [f"sealed: {why}", f"sealed/a.jsonl: {why}"]


def test_two_annotations_of_a_document_by_one_annotator_are_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row(), row("l-18"), row())
    assert refusal(RecordError, path) == (
        "a.jsonl:3: a second annotation of 'l-17' by 'ana', after a.jsonl:1; expected one, with "
        "all its coverage."
    )


def test_annotations_of_two_texts_are_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row(), without_text("Another.", annotator="bo"))
    assert refusal(TextMismatch, path) == (
        "a.jsonl:2: 'bo' annotated another text of 'l-17' (sha256) than 'ana' in a.jsonl:1; "
        "expected the same text."
    )


def test_a_text_that_was_given_and_is_not_the_one_annotated_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row())
    documents = lines(tmp_path / "documents.jsonl", {"id": "l-17", "text": "Another."})
    assert refusal(TextMismatch, path, documents=documents) == (
        "a.jsonl:1: l-17: the text has changed since it was recorded "
        f"(sha256 {text_sha256(TEXT)[:8]}... recorded, {text_sha256('Another.')[:8]}... now); "
        "expected the same text.\nRestore the text, or collect and annotate it again."
    )


def test_one_id_for_two_texts_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "d.jsonl", {"id": "l-17", "text": "A"}, {"id": "l-17", "text": "B"})
    with pytest.raises(TextMismatch) as caught:
        documents_by_id(path)
    assert str(caught.value) == (f"{path}: two texts of document 'l-17'; expected an id for each.")
    same = lines(tmp_path / "s.jsonl", {"id": "l-17", "text": "A"}, {"id": "l-17", "text": "A"})
    assert list(documents_by_id(same)) == ["l-17"]


def test_spans_past_the_text_are_refused(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 99, "label": "PER"}]
    assert refusal(RecordError, lines(tmp_path / "a.jsonl", row(spans=spans))) == (
        "a.jsonl:1: l-17[0:99]: span 'PER' of 'ana' ends past the text; expected at most 11."
    )


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    first = lines(tmp_path / "a.jsonl", row(), row(), row())
    assert refusal(RecordError, first) == (
        "annotations: 2 records are wrong; expected none.\n"
        "  a.jsonl:2: a second annotation of 'l-17' by 'ana', after a.jsonl:1; expected one, with "
        "all its coverage.\n"
        "  a.jsonl:3: a second annotation of 'l-17' by 'ana', after a.jsonl:1; expected one, with "
        "all its coverage."
    )


def test_a_missing_text_is_asked_for(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", without_text(), without_text(document_id="l-18"))
    assert refusal(RecordError, path) == (
        "l-17: no text among the annotations (2 such); expected the text of every document.\n"
        "Give the texts with --documents (.jsonl or .parquet)."
    )
