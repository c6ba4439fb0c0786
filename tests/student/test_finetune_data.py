"""Tests that releases and plain files are read alike, and anything wrong is said with its place."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gonerd.errors import ConfigError, GonerdError, RecordError, SourceError, StoreError
from gonerd.student.finetune.data import open_data, read_split
from tests.student.releases import a_release

ROW = {"id": "a", "text": "Ana saw Lund.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}


def lines(path: Path, *rows: Any) -> Path:
    """Write rows a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_plain_files_say_what_the_release_of_the_same_rows_says(tmp_path: Path) -> None:
    release = a_release(tmp_path / "release", {"train": [2, 3], "test": [1]})
    plain = tmp_path / "plain"
    for split in ("train", "test"):
        table = pq.read_table(release / f"data/{split}.parquet")
        (plain / "data").mkdir(parents=True, exist_ok=True)
        pq.write_table(table.slice(0, 1), plain / f"data/{split}-00000-of-00002.parquet")
        rows = [
            {**row, "spans": [{**span, "more": 1} for span in row["spans"]]}
            for row in table.slice(1).to_pylist()
        ]
        lines(plain / f"data/{split}-00001-of-00002.jsonl", *rows)

    one, other = open_data(release), open_data(plain)

    assert one.labels == other.labels == ("LOC", "PER")
    assert set(one.splits) == set(other.splits)
    for split in one.splits:
        pairs = zip(read_split(one, split), read_split(other, split), strict=True)
        for theirs, ours in pairs:
            assert (theirs.document.id, theirs.document.text) == (
                ours.document.id,
                ours.document.text,
            )
            assert theirs.annotations == ours.annotations


def test_a_file_by_itself_is_to_learn_from(tmp_path: Path) -> None:
    file = lines(tmp_path / "gold.jsonl", ROW, {"text": "Bo", "spans": []})
    data = open_data(file)
    assert (data.labels, data.splits) == (("PER",), {"train": (file,)})
    assert [one.document.id for one in read_split(data, "train")] == ["a", "gold-1"]
    with pytest.raises(ConfigError) as error:
        read_split(data, "validation")
    assert str(error.value) == f"{file}: no split 'validation'; expected one of train."


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"spans": []}, "no text; expected a string, as in a release."),
        ({"text": 3, "spans": []}, "text is '3'; expected a string, as in a release."),
        ({"text": "a"}, "no spans; expected a list of spans, as in a release."),
        ({"text": "a", "spans": None}, "spans is 'None'; expected a list of spans, as in a "
         "release."),
        ({"text": "a", "spans": ["PER"]}, "a span is 'PER'; expected an object with start, end, "
         "label."),
        ({"text": "a", "spans": [{"start": 0, "end": 1}]}, "'label' is missing; expected it in "
         "every record."),
        ({"text": "a", "spans": [{"start": 0, "end": 9, "label": "X"}]}, "gold-0[0:9]: span 'X' "
         "of 'gold' ends past the text; expected at most 1."),
        ({"text": "a", "spans": [], "coverage": [[0, 2]]}, "gold-0: coverage of 'gold' ends at 2, "
         "past the text; expected at most 1."),
        ({"text": "a", "spans": [], "coverage": [[1, 0]]}, "coverage is '[[1, 0]]'; expected a "
         "list of [start, end] in characters."),
        ({"text": "\ud800", "spans": []}, "text: lone surrogate '\\ud800' at character 0; "
         "expected Unicode text that UTF-8 can carry."),
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_refused(tmp_path: Path, row: Any, message: str) -> None:
    file = lines(tmp_path / "gold.jsonl", row)
    with pytest.raises(RecordError) as error:
        open_data(file)
    assert str(error.value) == f"{file}:1: {message}"


def test_what_nobody_has_read_is_known_from_a_gold(tmp_path: Path) -> None:
    gold = {"document_id": "b", "text": "Ana saw Bo.", "spans": ROW["spans"], "annotator": "gold"}
    file = lines(tmp_path / "gold.jsonl", {**gold, "coverage": [[0, 3], [3, 7]]})
    table = pa.table(
        {"document_id": ["b"], "text": ["Ana saw Bo."], "spans": [ROW["spans"]],
         "coverage": [[{"start": 0, "end": 7}]]}
    )  # fmt: skip
    pq.write_table(table, tmp_path / "gold.parquet")
    for path in (file, tmp_path / "gold.parquet"):
        (one,) = read_split(open_data(path), "train")
        assert one.document.id == "b"
        assert one.annotations[0].coverage == ((0, 7),)


def test_a_document_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = lines(tmp_path / "gold.jsonl", ROW, ROW)
    with pytest.raises(RecordError) as error:
        open_data(file)
    assert str(error.value) == (
        f"{file}:2: the document 'a' stands here again; expected one row a document.\n"
        "Bring several people's rows together: gonerd reconcile"
    )


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    def error_of(path: Path) -> GonerdError:
        with pytest.raises(GonerdError) as error:
            open_data(path)
        return error.value

    broken = tmp_path / "train.parquet"
    broken.write_bytes(b"none")
    assert isinstance(error_of(broken), SourceError)
    assert str(error_of(broken)).startswith(f"{broken}: cannot be read (")
    pq.write_table(pa.table({"tokens": [["a"]]}), broken)
    assert str(error_of(tmp_path)) == (
        f"{broken}: row 1: no text; expected a string, as in a release."
    )
    nothing = tmp_path / "nothing"
    assert isinstance(error_of(nothing), StoreError)
