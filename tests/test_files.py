"""Tests that plain files become records, line by line, and that every bad line is reported."""

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.arrow import annotations_table, documents_table, losses_table
from gonerd.errors import GonerdError, RecordError, SourceError, StoreError, TextMismatch
from gonerd.files import (
    load_annotations,
    load_documents,
    load_marked,
    numbered_lines,
    parquet_files,
    parse_json_line,
)
from gonerd.records import (
    Annotation,
    Document,
    Span,
    annotation_to_json,
    document_to_json,
    text_sha256,
)
from gonerd.store import Footer, write_part
from tests.strategies import annotations, documents

TEXT = "Ana Roe met Bo."
ANNOTATION = Annotation(
    document_id="op-17",
    text_sha256=text_sha256(TEXT),
    annotator="ana",
    guide="gonerd@1",
    coverage=((0, 15),),
    spans=(Span(start=0, end=7, label="PER", confidence=0.93),),
)
DOCUMENT = Document(id="op-17", text=TEXT, source="op-17", license="unknown", language="en")


def read_json_lines(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read every object of a file with where it stands."""
    return [(where, parse_json_line(raw, where)) for where, raw in numbered_lines(path)]


def write_json_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write objects one a line, as any tool would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(lines.encode("utf-8"))


def lines_of(*rows: Any) -> bytes:
    """Write values as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


# JSON lines.


def test_json_lines_come_with_their_place_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n\n  \t\r\n{"a": 2}\r\n{"a": 3}')

    assert list(read_json_lines(path)) == [
        (f"{path}:1", {"a": 1}),
        (f"{path}:4", {"a": 2}),
        (f"{path}:5", {"a": 3}),
    ]


def test_an_empty_file_holds_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"")

    assert list(read_json_lines(path)) == []
    assert load_documents(path) == []
    assert load_annotations(path) == []


def test_a_byte_order_mark_before_the_first_row_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n')

    assert list(read_json_lines(path)) == [(f"{path}:1", {"a": 1})]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"a": "b\u2028c\u2029d\x85e"}
    write_json_lines(path, [row, row])

    assert [found for _, found in read_json_lines(path)] == [row, row]


@given(st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=8)), max_size=4))
def test_json_lines_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_json_lines(path, rows)

    assert [row for _, row in read_json_lines(path)] == rows


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    content = lines_of(document_to_json(DOCUMENT))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    assert load_documents(Path("-")) == [DOCUMENT]


def test_a_bad_line_of_standard_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'\n{"id": "a"}\n')))

    with pytest.raises(RecordError) as error:
        load_documents(Path("-"))
    assert str(error.value) == "-:2: 'text' is missing; expected it in every record."


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            b"{'a': 1}",
            "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 "
            "(char 1)); expected one object a line.",
            id="not JSON",
        ),
        pytest.param(
            b'{"a": 1} {"a": 2}',
            "not JSON (Extra data: line 1 column 10 (char 9)); expected one object a line.",
            id="two objects",
        ),
        pytest.param(b"[1, 2]", "'[1, 2]'; expected an object.", id="list"),
        pytest.param(b"null", "'None'; expected an object.", id="null"),
        pytest.param(b'"abc"', "'abc'; expected an object.", id="string"),
        pytest.param(
            b"[" + b"7, " * 99 + b"7]", f"'[{'7, ' * 19}7,'; expected an object.", id="long"
        ),
        pytest.param(
            b'{"a": "Zo\xeb"}',
            "byte 9 of the line is not UTF-8; expected JSON in UTF-8.",
            id="Latin-1",
        ),
    ],
)
def test_a_line_that_is_no_object_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(RecordError) as error:
        parse_json_line(raw, "file:3")
    assert str(error.value) == f"file:3: {message}"


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"\x00",
        b"\xff\xfe{\x00}\x00",
        b"{",
        b'{"a": "\\ud8"}',
    ],
    ids=["deep list", "deep object", "huge number", "zero byte", "UTF-16", "cut off", "bad escape"],
)
def test_a_hostile_line_is_refused_or_read_but_never_a_crash(raw: bytes) -> None:
    try:
        parse_json_line(raw, "file:3")
    except RecordError as error:
        assert str(error).startswith("file:3: ")


def test_junk_nested_to_the_limit_of_the_parser_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = json.dumps({**annotation_to_json(ANNOTATION), "spans": "JUNK"})
    for depth in range(600, 1_000):
        path.write_text(row.replace('"JUNK"', "[" * depth + "]" * depth), encoding="utf-8")
        with pytest.raises(RecordError) as error:
            load_annotations(path)
        assert str(error.value).startswith(f"{path}:1: ")


# Documents and annotations.


@given(st.lists(documents(), max_size=3))
def test_documents_are_loaded_from_json_lines(
    tmp_path_factory: pytest.TempPathFactory, some: list[Document]
) -> None:
    path = tmp_path_factory.mktemp("documents") / "documents.jsonl"
    write_json_lines(path, [document_to_json(document) for document in some])

    assert load_documents(path) == some


@given(st.lists(annotations(), max_size=3))
def test_annotations_are_loaded_from_json_lines(
    tmp_path_factory: pytest.TempPathFactory, some: list[Annotation]
) -> None:
    path = tmp_path_factory.mktemp("annotations") / "annotations.jsonl"
    write_json_lines(path, [annotation_to_json(annotation) for annotation in some])

    assert load_annotations(path) == [
        (f"{path}:{number}", annotation, None) for number, annotation in enumerate(some, start=1)
    ]


def test_an_annotation_may_bring_its_text(tmp_path: Path) -> None:
    path = tmp_path / "annotations.jsonl"
    write_json_lines(path, [{**annotation_to_json(ANNOTATION), "text": TEXT}])

    assert load_annotations(path) == [(f"{path}:1", ANNOTATION, TEXT)]


def test_records_are_loaded_from_one_parquet_file(tmp_path: Path) -> None:
    documents_path, annotations_path = tmp_path / "d.parquet", tmp_path / "a.parquet"
    write_part(documents_path, documents_table([DOCUMENT]), Footer(fingerprint="f"))
    write_part(annotations_path, annotations_table([ANNOTATION]), Footer(fingerprint="f"))

    assert load_documents(documents_path) == [DOCUMENT]
    assert load_annotations(annotations_path) == [(str(annotations_path), ANNOTATION, None)]


def test_records_are_loaded_from_the_parts_of_a_folder_in_order_without_its_ledger(
    tmp_path: Path,
) -> None:
    others = [
        Document(id=f"op-{n}", text=TEXT, source="a", license="unknown", language="en")
        for n in range(3)
    ]
    for index in (2, 0, 1):
        path = tmp_path / f"part-{index:05d}.parquet"
        write_part(path, documents_table([others[index]]), Footer(fingerprint="f"))
    pq.write_table(losses_table([]), tmp_path / "ledger.parquet")
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")

    assert load_documents(tmp_path) == others
    assert [file.name for file in parquet_files(tmp_path)] == [
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
    ]


@pytest.mark.parametrize("load", [load_documents, load_annotations])
def test_a_missing_file_is_named(tmp_path: Path, load: Any) -> None:
    path = tmp_path / "none.jsonl"

    with pytest.raises(SourceError) as error:
        load(path)
    assert str(error.value) == (
        f"{path}: No such file or directory; expected a file of JSON lines."
    )


@pytest.mark.parametrize("load", [load_documents, load_annotations])
def test_a_folder_without_parquet_is_refused(tmp_path: Path, load: Any) -> None:
    with pytest.raises(SourceError) as error:
        load(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: a folder without .parquet files; expected a .jsonl file."
    )


@pytest.mark.parametrize("load", [load_documents, load_annotations])
def test_a_file_that_only_claims_to_be_parquet_is_refused(tmp_path: Path, load: Any) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 but not really")

    with pytest.raises(StoreError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: cannot be read (")


@pytest.mark.parametrize("load", [load_documents, load_annotations])
def test_parquet_of_another_kind_is_refused_with_its_name(tmp_path: Path, load: Any) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"sentence": ["Ana Roe"], "label": [1]}), path)

    with pytest.raises(GonerdError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")


def test_parquet_with_a_missing_text_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = documents_table([DOCUMENT])
    pq.write_table(table.set_column(1, "text", pa.array([None], pa.string())), path)

    with pytest.raises(GonerdError) as error:
        load_documents(path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_text_that_was_altered_in_parquet_is_refused_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = documents_table([DOCUMENT])
    pq.write_table(table.set_column(1, "text", pa.array(["Ana  Roe"])), path)

    with pytest.raises(TextMismatch) as error:
        load_documents(path)
    assert str(error.value).startswith(f"{path}: op-17: the text has changed")


# Many bad lines, one error.


def test_one_bad_line_is_one_error_with_its_whole_message(tmp_path: Path) -> None:
    path = tmp_path / "annotations.jsonl"
    row = annotation_to_json(ANNOTATION)
    path.write_bytes(lines_of(row, {key: row[key] for key in row if key != "coverage"}))

    with pytest.raises(RecordError) as error:
        load_annotations(path)
    assert str(error.value) == (
        f"{path}:2: no coverage; expected the ranges that 'ana' declared done.\n"
        'Add "coverage": [[0, LENGTH]] where the whole document was read, or [] where that '
        "is unknown."
    )


def test_forty_bad_documents_are_one_error_with_the_first_ten(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_bytes(lines_of(*({"id": f"op-{n}"} for n in range(40))))

    with pytest.raises(RecordError) as error:
        load_documents(path)
    assert str(error.value) == "\n".join(
        [
            f"{path}: 40 records are wrong; expected none.",
            *(
                f"  {path}:{n}: 'text' is missing; expected it in every record."
                for n in range(1, 11)
            ),
            "  and 30 more",
        ]
    )


def test_forty_bad_annotations_are_one_error_with_the_first_ten(tmp_path: Path) -> None:
    path = tmp_path / "annotations.jsonl"
    bad = {**annotation_to_json(ANNOTATION), "guide": 1}
    path.write_bytes(lines_of(*([bad] * 40)))

    with pytest.raises(RecordError) as error:
        load_annotations(path)
    assert str(error.value) == "\n".join(
        [
            f"{path}: 40 records are wrong; expected none.",
            *(f"  {path}:{n}: guide is 1; expected a string." for n in range(1, 11)),
            "  and 30 more",
        ]
    )


def test_ten_bad_lines_are_all_shown_each_as_one_line(tmp_path: Path) -> None:
    path = tmp_path / "annotations.jsonl"
    row = annotation_to_json(ANNOTATION)
    del row["coverage"]
    path.write_bytes(lines_of(*([row] * 10)))

    with pytest.raises(RecordError) as error:
        load_annotations(path)
    assert str(error.value) == "\n".join(
        [
            f"{path}: 10 records are wrong; expected none.",
            *(
                f"  {path}:{n}: no coverage; expected the ranges that 'ana' declared done."
                for n in range(1, 11)
            ),
        ]
    )


def test_forty_lines_that_are_no_json_are_one_error_with_the_first_ten(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_bytes(b"nonsense\n" * 40)

    with pytest.raises(RecordError) as error:
        load_documents(path)
    assert str(error.value) == "\n".join(
        [
            f"{path}: 40 records are wrong; expected none.",
            *(
                f"  {path}:{n}: not JSON (Expecting value: line 1 column 1 (char 0)); "
                "expected one object a line."
                for n in range(1, 11)
            ),
            "  and 30 more",
        ]
    )


@pytest.mark.parametrize("load", [load_documents, load_annotations])
def test_bad_records_before_and_after_a_line_that_is_no_json_are_all_reported(
    tmp_path: Path, load: Any
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines_of({"odd": 1}, [], {"odd": 2}))

    with pytest.raises(RecordError) as error:
        load(path)
    lines = str(error.value).splitlines()
    assert lines[0] == f"{path}: 3 records are wrong; expected none."
    assert lines[1].startswith(f"  {path}:1: unknown key 'odd'; ")
    assert lines[2] == f"  {path}:2: '[]'; expected an object."
    assert lines[3].startswith(f"  {path}:3: unknown key 'odd'; ")


# Marked text and plain text.


def test_a_marked_file_is_an_annotation_of_the_whole_text(tmp_path: Path) -> None:
    path = tmp_path / "op-17.marked"
    path.write_bytes(b"[PER Ana Roe] met Bo.")

    assert load_marked(path, annotator="ana", guide="gonerd@1", labels=["PER"]) == Annotation(
        document_id="op-17",
        text_sha256=text_sha256(TEXT),
        annotator="ana",
        guide="gonerd@1",
        coverage=((0, 15),),
        spans=(Span(start=0, end=7, label="PER"),),
    )


def test_an_empty_marked_file_covers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "op-17.marked"
    path.write_bytes(b"")

    annotation = load_marked(path, annotator="ana", guide="", labels=["PER"])
    assert (annotation.text_sha256, annotation.coverage) == (text_sha256(""), ())


def test_a_broken_mark_is_refused_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "op-17.marked"
    path.write_bytes(b"One.\r\n[PER Ana")

    with pytest.raises(RecordError) as error:
        load_marked(path, annotator="ana", guide="", labels=["PER"])
    assert str(error.value) == (
        f"{path}:2: mark '[PER ' holds no name or is never closed; expected `[LABEL name]`."
    )


def test_a_missing_marked_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "op-17.marked"

    with pytest.raises(GonerdError) as error:
        load_marked(path, annotator="ana", guide="", labels=["PER"])
    assert str(error.value).startswith(f"{path}: ")


def test_a_byte_order_mark_is_no_part_of_a_marked_text(tmp_path: Path) -> None:
    path = tmp_path / "op-17.marked"
    path.write_bytes(b"\xef\xbb\xbf[PER Ana Roe] met Bo.")

    annotation = load_marked(path, annotator="ana", guide="gonerd@1", labels=["PER"])
    assert annotation.text_sha256 == text_sha256(TEXT)
