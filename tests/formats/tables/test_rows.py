"""Tests that rows come out of every kind of file, with the names of what is numbered in them."""

import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import GonerdError, RecordError
from gonerd.formats.members import Member, find_members
from gonerd.formats.tables.cells import says_something
from gonerd.formats.tables.dataset import FORMAT
from gonerd.formats.tables.rows import Table, tables_of
from tests.formats.given import lines, member, read_all
from tests.strategies import hostile_values

TAGS = ["O", "B-PER", "I-PER"]
ROWS = [
    {"id": "1", "tokens": ["Ana", "Roe", "left"], "ner_tags": [1, 2, 0]},
    {"id": "2", "tokens": ["Nobody"], "ner_tags": [0]},
]
FEATURES = datasets.Features(
    {
        "id": datasets.Value("string"),
        "tokens": datasets.Sequence(datasets.Value("string")),
        "ner_tags": datasets.Sequence(datasets.ClassLabel(names=TAGS)),
    }
)
CARD = """---
license: mit
dataset_info:
  features:
  - name: id
    dtype: string
  - name: ner_tags
    sequence:
      class_label:
        names:
          '0': O
          '1': B-PER
          '2': I-PER
---

# Letters
"""


def rows_of(*members: Member) -> list[dict[str, Any]]:
    return [row for table in tables_of(members) for _, row in table.rows]


def table_of(*members: Member) -> Table:
    (table,) = tables_of(members)
    return table


def labels_in(passes: list[Any]) -> list[list[tuple[int, int, str]]]:
    return [[(m.start, m.end, m.label) for m in found.mentions] for found in passes]


NAMED = [[(0, 2, "PER")], []]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("\n".join(map(json.dumps, ROWS)), "a.jsonl"),
        ("\n\n".join(map(json.dumps, ROWS)), "a.json"),
        ("\ufeff" + json.dumps(ROWS), "a.json"),
        (json.dumps(ROWS, indent=2), "a.json"),
        (json.dumps({"data": ROWS}), "a.json"),
        (json.dumps({"version": "1.0", "data": ROWS}, indent=2), "a.json"),
        (json.dumps({"rows": [{"row_idx": 0, "row": row} for row in ROWS]}), "a.json"),
        (json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}), "a.json"),
        (
            json.dumps({key: {str(i): row[key] for i, row in enumerate(ROWS)} for key in ROWS[0]}),
            "a.json",
        ),
    ],
)
def test_rows_are_found_in_json_however_it_is_laid_out(content: str, name: str) -> None:
    assert rows_of(member(content, name)) == ROWS


def test_splits_in_one_file_are_tables_of_their_own() -> None:
    content = json.dumps({"train": ROWS[:1], "test": ROWS[1:]})

    tables = tables_of([member(content, "a.json")])

    assert [(table.split, len(table.rows)) for table in tables] == [("train", 1), ("test", 1)]
    assert tables[1].rows[0][0] == "a.json:test[1]"


def test_one_document_a_file_is_one_row() -> None:
    content = json.dumps({"tokens": [["Ana", "Roe"], ["left"]], "ner_tags": [[1, 2], [0]]})
    assert rows_of(member(content, "a.json")) == [json.loads(content)]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('text,spans\nAna left,"[{""start"": 0, ""end"": 3}]"\nBo,\n', "a.csv"),
        ("text;spans\nAna left;\"[{'start': 0, 'end': 3}]\"\nBo;[]\n", "a.csv"),
        ("text\tspans\nAna left\t[{'start': 0, 'end': 3}]\nBo\t\n", "a.tsv"),
    ],
)
def test_cells_of_csv_are_read_as_what_they_say(content: str, name: str) -> None:
    first, second = rows_of(member(content, name))
    assert first == {"text": "Ana left", "spans": [{"start": 0, "end": 3}]}
    assert not says_something(second["spans"])


def test_a_cell_of_csv_may_be_a_long_document() -> None:
    text = "Ana left. " * 50_000
    assert rows_of(member(f"text,n\n{text},1\n", "a.csv")) == [{"text": text, "n": "1"}]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        pytest.param(
            "text,tags\nAna,O,O\n",
            "a.csv",
            "a.csv:2: more cells than columns; expected 2 to a row.",
            id="too many cells",
        ),
        pytest.param(
            "tokens\n\"['Ana' 'Roe']\"\n",
            "a.csv",
            "a.csv:2: column 'tokens' holds lists as NumPy prints them, without commas or cut; "
            "expected JSON.",
            id="lists of NumPy",
        ),
        pytest.param(
            "no parquet", "a.parquet", "a.parquet: not a parquet file; expected a whole one.",
            id="no Parquet",
        ),
        pytest.param("[1]", "a.json", "a.json[1]: 1; expected an object.", id="no object"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named(content: str, name: str, message: str) -> None:
    with pytest.raises(RecordError) as error:
        tables_of([member(content, name)])
    assert str(error.value) == message


@pytest.mark.parametrize("magic", [b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"])
def test_broken_arrow_and_parquet_are_named(magic: bytes) -> None:
    with pytest.raises(RecordError) as error:
        tables_of([member(magic + b"abc", "a.parquet")])
    assert str(error.value).startswith("a.parquet: cannot be read (")


def test_tags_are_named_by_the_schema_of_a_saved_dataset(tmp_path: Path) -> None:
    made = datasets.Dataset.from_list(ROWS, features=FEATURES)
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(str(tmp_path / "disk"))
    made.to_parquet(str(tmp_path / "a.parquet"))

    for path in (tmp_path / "disk" / "train", tmp_path / "a.parquet"):
        assert labels_in(read_all(FORMAT, find_members([path]))) == NAMED
    assert labels_in(read_all(FORMAT, find_members([tmp_path / "disk"]))) == NAMED * 2


def test_tags_are_named_by_the_card_beside_the_file() -> None:
    passes = read_all(FORMAT, [lines(*ROWS, name="data/a.jsonl"), member(CARD, "README.md")])
    assert labels_in(passes) == NAMED


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"O": 0, "B-PER": 1, "I-PER": 2}, "label.json"),
        ({"0": "O", "1": "B-PER", "2": "I-PER"}, "id2label.json"),
        ({"model_type": "bert", "id2label": {"0": "O", "1": "B-PER", "2": "I-PER"}}, "config.json"),
        ({"features": FEATURES.to_dict()}, "dataset_info.json"),
        ({"default": {"features": FEATURES.to_dict()}}, "dataset_infos.json"),
    ],
)
def test_tags_are_named_by_a_file_of_labels(content: Any, name: str) -> None:
    passes = read_all(FORMAT, [lines(*ROWS, name="a.jsonl"), member(json.dumps(content), name)])
    assert labels_in(passes) == NAMED


def test_labels_of_spans_are_named_by_the_schema(tmp_path: Path) -> None:
    label = datasets.ClassLabel(names=["LOC", "PER"])
    span = {"start": datasets.Value("int32"), "end": datasets.Value("int32"), "label": label}
    made = datasets.Dataset.from_list(
        [{"text": "Ana left", "spans": [{"start": 0, "end": 3, "label": 1}]}],
        features=datasets.Features({"text": datasets.Value("string"), "spans": [span]}),
    )
    made.to_parquet(str(tmp_path / "a.parquet"))

    passes = read_all(FORMAT, find_members([tmp_path]))

    assert labels_in(passes) == [[(0, 3, "PER")]]


def test_a_card_speaks_of_the_files_of_its_configurations() -> None:
    info = "- config_name: {0}\n  features:\n  - name: t\n    sequence:\n      class_label:\n" + (
        "        names:\n          '0': {0}\n"
    )
    configs = "- config_name: {0}\n  data_files:\n  - split: train\n    path: {0}/*.jsonl\n"
    card = (
        "---\ndataset_info:\n" + info.format("a") + info.format("b")
        + "configs:\n" + configs.format("a") + configs.format("b") + "---\n"
    )  # fmt: skip
    row = {"t": [0]}

    tables = tables_of(
        [
            lines(row, name="a/x.jsonl"),
            lines(row, name="b/x.jsonl"),
            lines(row, name="c/x.jsonl"),
            member(card, "README.md"),
        ]
    )

    assert [table.names for table in tables] == [{"t": ("a",)}, {"t": ("b",)}, {}]


@pytest.mark.parametrize(
    "card",
    [
        "",
        "# Letters\n",
        "---\n[\n---\n",
        "---\na: &a [*a]\n---\n",
        "---\ndataset_info: 3\nconfigs: [3, {data_files: {a: b}}]\n---\n",
        "---\ndataset_info:\n  features: [3, {name: 3, dtype: {class_label: {names: 3}}}]\n---\n",
    ],
)
def test_a_card_that_says_nothing_does_no_harm(card: str) -> None:
    assert table_of(lines(*ROWS, name="a.jsonl"), member(card, "README.md")).names == {}


def test_files_without_entities_are_passed_over_and_named() -> None:
    other = lines({"what": "span left out", "why": "it overlaps"}, name="ledger.jsonl")
    rows = [{"tokens": ["Ana", "left"], "ner_tags": ["B-PER", "O"]}]

    first, second = read_all(FORMAT, [other, lines(*rows, *rows, name="letters.jsonl")])

    assert first.notes[-1] == "no entities recognised in ledger.jsonl"
    assert first.notes[:-1] == second.notes


@given(hostile_values)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for content in (value, [value], {"data": value}, {"a": value, "b": value}):
        try:
            tables_of([member(json.dumps(content), "a.json")])
        except RecordError as error:
            assert str(error).startswith("a.json")


@given(st.text(alphabet="ab,;\"'[]{}\n\r\t\x00\u2028", max_size=40))
def test_any_csv_is_read_or_refused(content: str) -> None:
    try:
        read_all(FORMAT, [member(content, "a.csv")])
    except GonerdError as error:
        assert str(error).startswith("a.csv")


@given(st.binary(max_size=80), st.sampled_from([b"", b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"]))
def test_any_bytes_are_read_or_refused(content: bytes, magic: bytes) -> None:
    try:
        tables_of([member(magic + content, "a.parquet")])
    except RecordError as error:
        assert str(error).startswith("a.parquet")


def test_damaged_parquet_is_read_or_refused() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    whole = sink.getvalue().to_pybytes()
    for index in range(0, len(whole), 7):
        broken = bytearray(whole)
        broken[index] ^= 0x55
        try:
            tables_of([member(bytes(broken), "a.parquet")])
        except RecordError as error:
            assert str(error).startswith("a.parquet")
