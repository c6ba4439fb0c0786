"""Tests that people's files reach the documents they speak of, or are refused by file and line."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gonerd.arrow import annotations_table
from gonerd.engine import Engine
from gonerd.errors import (
    ConfigError,
    GonerdError,
    RecordError,
    SourceError,
    SpanError,
    StoreError,
    TextMismatch,
)
from gonerd.reconcile.passes import annotator_folder, bring_passes
from gonerd.records import annotation_from_json, text_sha256
from gonerd.store import LEDGER, MANIFEST, part_paths, read_manifest, write_file
from tests.folders import age, contents, made_again, parts, stamps
from tests.reconcile.corpus import (
    GUIDE,
    PEOPLE,
    TEXTS,
    annotations_in,
    collected,
    ledger_in,
    row,
    write_rows,
)

RESERVED = ("gold", "en_test@1.0")


def brought(work: Path, *files: Path, workers: int = 1) -> list[str]:
    """Bring files into a work folder."""
    return bring_passes(Engine(workers=workers), work, files, guide=GUIDE, reserved=RESERVED)


def error_of(work: Path, *rows: Any, kind: type[GonerdError] = RecordError) -> str:
    """Bring a file that must be refused, and return why, with FILE for its path."""
    collected(work)
    path = write_rows(work / PEOPLE, *rows)
    with pytest.raises(kind) as error:
        brought(work, path)
    assert type(error.value) is kind
    return str(error.value).replace(str(path), "FILE")


GOOD = row("a", "ana", (0, 7, "PER"), (18, 22, "LOC"))


def test_each_annotator_gets_parts_beside_those_of_the_documents(tmp_path: Path) -> None:
    collected(tmp_path)
    path = write_rows(
        tmp_path / PEOPLE,
        row("c", "bo", (0, 2, "PER")),
        row("b", "ana", (7, 10, "PER"), coverage=[[0, 12]]),
        "",
        row("c", "ana"),
        GOOD,
    )
    assert brought(tmp_path, path) == ["ana", "bo"]
    ana = annotations_in(tmp_path / "annotations" / "ana")
    assert [[one.document_id for one in part] for part in ana] == [["a", "b"], ["c"]]
    assert ana[0][0] == annotation_from_json(GOOD, "")[0]
    assert ana[0][1].coverage == ((0, 12),)
    bo = annotations_in(tmp_path / "annotations" / "bo")
    assert [[one.document_id for one in part] for part in bo] == [[], ["c"]]
    manifest = read_manifest(tmp_path / "annotations" / "ana")
    assert manifest is not None
    assert (manifest.counts, manifest.losses) == ({"documents": 3, "spans": 3}, {})
    assert manifest.config["annotator"] == "ana"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({"text": TEXTS["a"], "text_sha256": None}, None, id="text, no sha256"),
        pytest.param({"text": TEXTS["a"]}, None, id="text beside sha256"),
        pytest.param({"guide": None}, None, id="no guide"),
        pytest.param({}, "\ufeff{}", id="byte order mark"),
        pytest.param({}, "{}\r", id="crlf"),
        pytest.param({}, "  {}  ", id="blanks around"),
    ],
)
def test_record_may_be_written_in_more_than_one_way(
    tmp_path: Path, changes: dict[str, Any], line: str | None
) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, row("a", "ana", (0, 7, "PER"), **changes))
    if line:
        path.write_text(line.replace("{}", path.read_text().strip()), newline="")
    brought(tmp_path, path)
    ((one,), _) = annotations_in(tmp_path / "annotations" / "ana")
    assert [(span.start, span.end) for span in one.spans] == [(0, 7)]
    assert one.text_sha256 == text_sha256(TEXTS["a"])


def test_order_of_files_and_lines_changes_nothing(tmp_path: Path) -> None:
    rows = [row(name, who, (0, 2, "PER")) for name in "abc" for who in ("ana", "bo")]
    for place, order in {"one": rows, "two": rows[::-1]}.items():
        work = tmp_path / place
        collected(work)
        paths = [write_rows(work / f"{half}.jsonl", *order[half::2]) for half in (0, 1)]
        brought(work, *(paths if place == "one" else paths[::-1]))
    one, two = (
        annotations_in(tmp_path / place / "annotations" / "ana") for place in ("one", "two")
    )
    assert one == two


def test_parquet_and_json_lines_give_the_same(tmp_path: Path) -> None:
    rows = [row("c", "ana", (0, 2, "PER")), GOOD]
    table = annotations_table(annotation_from_json(one, "")[0] for one in rows)
    for place in ("lines", "parquet"):
        collected(tmp_path / place)
    brought(tmp_path / "lines", write_rows(tmp_path / PEOPLE, *rows))
    pq.write_table(table, tmp_path / "people.parquet")
    brought(tmp_path / "parquet", tmp_path / "people.parquet")
    assert annotations_in(tmp_path / "lines" / "annotations" / "ana") == annotations_in(
        tmp_path / "parquet" / "annotations" / "ana"
    )


def test_folder_stands_for_the_files_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    collected(tmp_path)
    write_rows(folder / "1.jsonl", GOOD)
    table = annotations_table([annotation_from_json(row("c", "bo"), "")[0]])
    pq.write_table(table, folder / "2.parquet")
    for name in ("notes.txt", "1.ledger.jsonl", "1.asides.jsonl"):
        (folder / name).write_text("not read")
    assert brought(tmp_path, folder) == ["ana", "bo"]


def test_annotations_of_a_work_folder_can_be_brought_into_another(tmp_path: Path) -> None:
    collected(tmp_path / "one")
    collected(tmp_path / "two")
    brought(tmp_path / "one", write_rows(tmp_path / PEOPLE, GOOD, row("c", "ana")))
    brought(tmp_path / "two", tmp_path / "one" / "annotations" / "ana")
    assert annotations_in(tmp_path / "two" / "annotations" / "ana") == annotations_in(
        tmp_path / "one" / "annotations" / "ana"
    )


def test_output_is_the_same_to_the_byte_with_one_process_and_two(tmp_path: Path) -> None:
    path = write_rows(tmp_path / PEOPLE, GOOD, row("c", "ana", (0, 2, "PER")), row("zz", "ana"))
    for workers in (1, 2):
        collected(tmp_path / str(workers))
        brought(tmp_path / str(workers), path, workers=workers)
    assert contents(tmp_path / "1" / "annotations") == contents(tmp_path / "2" / "annotations")


def test_rerun_makes_nothing_and_a_changed_record_only_its_part(tmp_path: Path) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, GOOD, row("c", "ana"))
    folder = tmp_path / "annotations" / "ana"
    brought(tmp_path, path)
    age(folder)
    before = stamps(folder)
    brought(tmp_path, path)
    assert stamps(folder) == before
    write_rows(path, GOOD, row("c", "ana", (0, 2, "PER")))
    brought(tmp_path, path)
    made, left_alone = made_again(before, stamps(folder))
    assert (made, left_alone) == (parts([1]) | {LEDGER, MANIFEST}, parts([0]))


def test_record_that_moved_in_its_file_is_still_read_from_where_it_lies(tmp_path: Path) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, GOOD, row("c", "ana"))
    brought(tmp_path, path)
    write_rows(path, "", row("c", "ana", (0, 2, "PER")), GOOD, row("b", "ana"))
    brought(tmp_path, path)
    first, second = annotations_in(tmp_path / "annotations" / "ana")
    assert [one.document_id for one in first] == ["a", "b"]
    assert [len(one.spans) for one in (*first, *second)] == [2, 0, 1]


def test_document_that_was_not_collected_goes_to_the_ledger(tmp_path: Path) -> None:
    collected(tmp_path)
    brought(tmp_path, write_rows(tmp_path / PEOPLE, GOOD, row("zz", "ana"), row("yy", "ana")))
    assert ledger_in(tmp_path / "annotations" / "ana") == [
        ("zz", None, None, "annotation refused", "its document was not collected"),
        ("yy", None, None, "annotation refused", "its document was not collected"),
    ]
    assert [len(part) for part in annotations_in(tmp_path / "annotations" / "ana")] == [1, 0]


WRONG: dict[str, tuple[type[GonerdError], Any, str]] = {
    "label outside the guide": (
        RecordError,
        row("a", "ana", (0, 7, "ORG")),
        "FILE:2: a[0:7] has label 'ORG'; expected a label of test@1 (PER, LOC).",
    ),
    "span past the end": (
        SpanError,
        row("a", "ana", (18, 24, "LOC")),
        "FILE:2: a[18:24]: span 'LOC' of 'ana' ends past the text; expected at most 23.",
    ),
    "span counted in bytes": (
        SpanError,
        row("b", "ana", (18, 24, "LOC")),
        "FILE:2: b[18:24]: span 'LOC' of 'ana' ends past the text; expected at most 20.",
    ),
    "coverage past the end": (
        SpanError,
        row("a", "ana", coverage=[[0, 99]]),
        "FILE:2: a: coverage of 'ana' ends at 99, past the text; expected at most 23.",
    ),
    "text changed": (
        TextMismatch,
        row("a", "ana", text_sha256="0123456789abcdef"),
        "FILE:2: a: the text has changed since it was recorded "
        f"(sha256 01234567... recorded, {text_sha256(TEXTS['a'])[:8]}... now); "
        "expected the same text.\n"
        "Restore the text, or collect and annotate it again.",
    ),
    "another guide": (
        RecordError,
        row("a", "ana", guide="test@2"),
        "FILE:2: a was annotated by 'test@2'; expected the builder's guide 'test@1'.",
    ),
    "no coverage": (
        RecordError,
        row("a", "ana", coverage=None),
        "FILE:2: no coverage; expected the ranges that 'ana' declared done.\n"
        'Add "coverage": [[0, LENGTH]] where the whole document was read, or [] where that '
        "is unknown.",
    ),
    "coverage out of order": (
        RecordError,
        row("a", "ana", coverage=[[5, 9], [0, 4]]),
        "FILE:2: a: coverage [(5, 9), (0, 4)] of 'ana'; "
        "expected ranges [start, end] in order and apart.",
    ),
    "empty span": (
        SpanError,
        row("a", "ana", (4, 4, "PER")),
        "FILE:2: span [4:4] 'PER': expected 0 <= start < end in characters.",
    ),
    "unknown key": (
        RecordError,
        row("a", "ana", spam=1),
        "FILE:2: unknown key 'spam'; known keys: annotator, coverage, document_id, guide, spans, "
        "text, text_sha256.",
    ),
    "no spans": (
        RecordError,
        row("a", "ana", spans=None),
        "FILE:2: 'spans' is missing; expected it in every record.",
    ),
    "no JSON": (
        RecordError,
        "nonsense",
        "FILE:2: not JSON (Expecting value: line 1 column 1 (char 0)); expected one object a line.",
    ),
    "no object": (RecordError, "[1]", "FILE:2: '[1]'; expected an object."),
    "name of the gold": (
        RecordError,
        row("a", "gold"),
        "FILE:2: annotator 'gold'; expected a person's name of up to 200 letters, "
        "and none of 'gold', 'en_test@1.0'.",
    ),
    "name of the pipeline": (
        RecordError,
        row("a", "en_test@1.0"),
        "FILE:2: annotator 'en_test@1.0'; expected a person's name of up to 200 letters, "
        "and none of 'gold', 'en_test@1.0'.",
    ),
    "no name": (
        RecordError,
        row("a", ""),
        "FILE:2: annotator ''; expected a person's name of up to 200 letters, "
        "and none of 'gold', 'en_test@1.0'.",
    ),
    "name too long for a folder": (
        RecordError,
        row("a", "\u4e2d" * 201),
        f"FILE:2: annotator '{chr(0x4E2D) * 40}'; expected a person's name of up to 200 letters, "
        "and none of 'gold', 'en_test@1.0'.",
    ),
    "second annotation": (
        RecordError,
        row("c", "ana", (0, 2, "PER")),
        "FILE:2: a second annotation of 'c' by 'ana', after FILE:1; "
        "expected one, with all its coverage.",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_record_is_refused_by_file_and_line(tmp_path: Path, wrong: str) -> None:
    kind, record, message = WRONG[wrong]
    assert error_of(tmp_path, row("c", "ana"), record, kind=kind) == message


def test_wrong_lines_are_listed_together(tmp_path: Path) -> None:
    assert error_of(tmp_path, "{", GOOD, "nonsense", row("a", "bo", coverage=None)) == (
        "annotations: 3 records are wrong; expected none.\n"
        "  FILE:1: not JSON (Expecting property name enclosed in double quotes: line 2 column 1 "
        "(char 2)); expected one object a line.\n"
        "  FILE:3: not JSON (Expecting value: line 1 column 1 (char 0)); "
        "expected one object a line.\n"
        "  FILE:4: no coverage; expected the ranges that 'bo' declared done."
    )


def test_records_that_do_not_fit_are_listed_together(tmp_path: Path) -> None:
    wrong = [row("a", "ana", (0, 7, "ORG")), row("b", "ana", text_sha256="0" * 64)]
    assert error_of(tmp_path, *wrong) == (
        "annotations: 2 records are wrong; expected none.\n"
        "  FILE:1: a[0:7] has label 'ORG'; expected a label of test@1 (PER, LOC).\n"
        "  FILE:2: b: the text has changed since it was recorded "
        f"(sha256 00000000... recorded, {text_sha256(TEXTS['b'])[:8]}... now); "
        "expected the same text."
    )


def test_long_list_of_wrong_lines_is_cut_with_a_number(tmp_path: Path) -> None:
    lines = error_of(tmp_path, *["nonsense"] * 25).splitlines()
    assert lines[0] == "annotations: 25 records are wrong; expected none."
    assert [line.split(": ")[0] for line in lines[1:11]] == [f"  FILE:{n}" for n in range(1, 11)]
    assert lines[11:] == ["  and 15 more"]


def test_same_file_given_twice_is_refused(tmp_path: Path) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, GOOD)
    with pytest.raises(RecordError) as error:
        brought(tmp_path, path, path)
    assert str(error.value) == (
        f"{path}:1: a second annotation of 'a' by 'ana', after {path}:1; "
        "expected one, with all its coverage."
    )


def test_wrong_record_stops_before_the_step_is_done_and_mending_it_is_enough(
    tmp_path: Path,
) -> None:
    error_of(tmp_path, GOOD, row("c", "ana", (0, 2, "ORG")))
    folder = tmp_path / "annotations" / "ana"
    assert not (folder / MANIFEST).exists()
    brought(tmp_path, write_rows(tmp_path / PEOPLE, GOOD, row("c", "ana", (0, 2, "PER"))))
    assert [len(part) for part in annotations_in(folder)] == [1, 1]


def test_label_that_left_the_guide_is_refused_on_a_rerun_too(tmp_path: Path) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, GOOD)
    brought(tmp_path, path)
    smaller = replace(GUIDE, labels={"PER": "People."})
    with pytest.raises(RecordError) as error:
        bring_passes(Engine(), tmp_path, [path], guide=smaller, reserved=RESERVED)
    assert str(error.value) == (
        f"{path}:1: a[18:22] has label 'LOC'; expected a label of test@1 (PER)."
    )


@pytest.mark.parametrize("content", ["", "\n \n"], ids=["empty", "blank lines"])
def test_file_without_a_record_brings_nobody(tmp_path: Path, content: str) -> None:
    collected(tmp_path)
    (tmp_path / PEOPLE).write_text(content)
    assert brought(tmp_path, tmp_path / PEOPLE) == []


@pytest.mark.parametrize(
    ("make", "wrong"), [(False, "no such file"), (True, "holds no annotations")]
)
def test_path_without_annotations_is_named(tmp_path: Path, make: bool, wrong: str) -> None:
    collected(tmp_path)
    path = tmp_path / "people"
    if make:
        path.mkdir()
    with pytest.raises(ConfigError) as error:
        brought(tmp_path, path)
    assert str(error.value) == (
        f"reconcile.annotations: {path}: {wrong}; "
        "expected a .jsonl or .parquet file, or a folder of such."
    )


def test_annotations_are_read_from_files_and_not_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as error:
        brought(tmp_path, Path("-"))
    assert str(error.value) == "-: No such file or directory; expected a file of annotations."


def test_documents_must_have_been_collected(tmp_path: Path) -> None:
    path = write_rows(tmp_path / PEOPLE, GOOD)
    with pytest.raises(StoreError) as error:
        brought(tmp_path, path)
    assert str(error.value) == (
        f"{tmp_path / 'documents'}: no finished step; expected manifest.json in it.\n"
        "Run the step `collect` first."
    )


def test_damaged_parquet_is_named(tmp_path: Path) -> None:
    collected(tmp_path)
    write_file(tmp_path / "people.parquet", b"PAR1")
    with pytest.raises(StoreError, match=r"people\.parquet: cannot be read"):
        brought(tmp_path, tmp_path / "people.parquet")


def test_parquet_of_something_else_is_refused(tmp_path: Path) -> None:
    collected(tmp_path)
    pq.write_table(pa.table({"id": ["a"], "text": ["b"]}), tmp_path / "people.parquet")
    with pytest.raises(GonerdError, match=r"people\.parquet"):
        brought(tmp_path, tmp_path / "people.parquet")


@pytest.mark.parametrize("name", ["ana/bo", "../../bo", "a b", "\u00e9\u4e2d", "a\n", "~", "%2E"])
def test_name_of_an_annotator_is_the_name_of_one_folder(tmp_path: Path, name: str) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, row("a", name), row("c", "ana"))
    assert brought(tmp_path, path) == sorted([name, "ana"])
    folder = annotator_folder(tmp_path, name)
    assert folder.resolve().parent == (tmp_path / "annotations").resolve()
    ((one,), _) = annotations_in(folder)
    assert one.annotator == name
    assert len(os.listdir(tmp_path / "annotations")) == 2


@pytest.mark.parametrize("name", [".", "..", "...", "./..", ".hidden"])
def test_name_that_cannot_name_a_folder_does_no_harm(tmp_path: Path, name: str) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, row("a", name))
    with contextlib.suppress(GonerdError):
        brought(tmp_path, path)
    assert set(os.listdir(tmp_path)) <= {"documents", "annotations", PEOPLE}
    assert part_paths(tmp_path / "annotations") == []


@pytest.mark.parametrize("key", ["annotator", "document_id", "guide"])
def test_half_a_character_in_a_name_is_refused(tmp_path: Path, key: str) -> None:
    collected(tmp_path)
    path = write_rows(tmp_path / PEOPLE, {**GOOD, key: "HALF"})
    path.write_text(path.read_text().replace("HALF", "x\\ud800"))
    with pytest.raises(RecordError):
        brought(tmp_path, path)
