"""Tests that each broken promise is named with its place, alone, and that kept ones are not."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonerd.arrow import annotations_table, losses_from, losses_table
from gonerd.checks import Breach
from gonerd.errors import ConfigError, GonerdError, SourceError
from gonerd.publish.rows import make_row
from gonerd.records import (
    Annotation,
    Document,
    Loss,
    Span,
    annotation_to_json,
    document_to_json,
)
from gonerd.release import SCHEMAS
from gonerd.store import count_losses, read_part
from gonerd.validate import Validation, validate
from tests.publish.test_rows import texts_with_spans
from tests.small_release import (
    LABELS,
    MARKED,
    Opened,
    build_small,
    documents,
    people,
    said_by,
    write_annotations,
    write_dataset,
    write_lines,
)

COLUMNS = {config: tuple(schema.names) for config, schema in SCHEMAS.items()}

TRAIN, VALIDATION, TEST = (
    f"data/{split}-00000.parquet" for split in ("train", "validation", "test")
)
TRAIN_LAYERS, VALIDATION_LAYERS, TEST_LAYERS = (
    f"annotations/{split}-00000.parquet" for split in ("train", "validation", "test")
)
QUARRY = documents()["quarry"].text
"""At the quarry Ines Adler met Olga Roe, who came from Turku."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that keeps every promise; read it, do not change it."""
    return build_small(write_dataset(tmp_path_factory.mktemp("built"))).folder


@pytest.fixture
def release(built: Path, tmp_path: Path) -> Opened:
    """A copy of it, to break."""
    return Opened(folder=Path(shutil.copytree(built, tmp_path / "own")))


def breaches(release: Opened) -> list[tuple[str, str]]:
    """Validate, and reduce the breaches to where and what."""
    return [(breach.where, breach.what) for breach in validate(release.folder).breaches]


def test_a_release_as_built_keeps_every_promise(built: Path) -> None:
    num_tokens = sum(
        len(row["tokens"])
        for file in sorted((built / "data").iterdir())
        for row in pq.read_table(file).to_pylist()
    )
    assert validate(built) == Validation(
        checked={
            "documents": len(MARKED),
            "tokens": num_tokens,
            "spans": sum(len(said_by("ana", name).spans) for name in MARKED),
            "layers": len(people()) + len(MARKED),
        }
    )


def test_the_result_is_plain_json(release: Opened) -> None:
    (release.folder / "more").write_text("x", encoding="utf-8")
    result = validate(release.folder).to_json()
    assert json.loads(json.dumps(result)) == result
    assert result["breaches"] == [
        {"where": "more", "what": "is in the folder and not in the manifest"}
    ]


def set_in(key: str, index: int, value: Any) -> Callable[[dict[str, Any]], None]:
    """Make a change of one value of a list in a row."""

    def change(row: dict[str, Any]) -> None:
        row[key][index] = value

    return change


def set_span(index: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    """Make a change of one span of a row."""
    return lambda row: row["spans"][index].update(values)


def drop_last_tokens(number: int) -> Callable[[dict[str, Any]], None]:
    """Make a change that cuts a row's tokens short."""

    def change(row: dict[str, Any]) -> None:
        for key in ("tokens", "ner_tags", "token_starts", "token_ends"):
            row[key] = row[key][:-number]
        row["num_tokens"] -= number

    return change


def repeat_first_token(row: dict[str, Any]) -> None:
    """Let a row say its first token twice."""
    for key in ("tokens", "ner_tags", "token_starts", "token_ends"):
        row[key].insert(1, row[key][0])
    row["num_tokens"] += 1


UNEXPLAINED = "and the ledger does not say why"

ROW_BREACHES: dict[str, tuple[Callable[[dict[str, Any]], object], list[tuple[str, str]]]] = {
    "token text": (
        set_in("tokens", 2, "quarr"),
        [("quarry[7:13]", "token 2 is 'quarr', the text there 'quarry'")],
    ),
    "token start": (
        set_in("token_starts", 2, 8),
        [
            ("quarry[8:13]", "token 2 is 'quarry', the text there 'uarry'"),
            ("quarry[6:8]", "'q' belongs to no token"),
        ],
    ),
    "token end": (
        set_in("token_ends", 2, 12),
        [
            ("quarry[7:12]", "token 2 is 'quarry', the text there 'quarr'"),
            ("quarry[12:14]", "'y' belongs to no token"),
        ],
    ),
    "token past the end": (
        set_in("token_ends", 13, 60),
        [("quarry[58:60]", "token 13 is '.', the text there '.'")],
    ),
    "token before the start": (
        set_in("token_starts", 0, -59),
        [("quarry[-59:2]", "token 0 is 'At', the text there 'At'")],
    ),
    "a token twice": (
        repeat_first_token,
        [("quarry[0:2]", "token 1 is 'At', the text there 'At'")],
    ),
    "fewer tags": (
        lambda row: row["ner_tags"].pop(),
        [("quarry", "tokens, tags and offsets differ in number [13, 14]")],
    ),
    "num_tokens": (
        lambda row: row.update(num_tokens=13),
        [("quarry", "tokens, tags and offsets differ in number [13, 14]")],
    ),
    "tokens cut short": (
        drop_last_tokens(1),
        [("quarry[58:59]", "the text goes on after the last token with '.'")],
    ),
    "tag id": (
        set_in("ner_tags", 0, 9),
        [("quarry", "tag id 9 is not one of the 9 of the labels")],
    ),
    "negative tag id": (
        set_in("ner_tags", 0, -1),
        [("quarry", "tag id -1 is not one of the 9 of the labels")],
    ),
    "illegal transition": (
        set_in("ner_tags", 3, 0),
        [("quarry[19:24]", "tag I-PER may not follow O; expected B-PER or I-PER before it")],
    ),
    "illegal start": (
        set_in("ner_tags", 0, 2),
        [("quarry[0:2]", "tag I-PER may not follow O; expected B-PER or I-PER before it")],
    ),
    "illegal change of type": (
        set_in("ner_tags", 4, 6),
        [("quarry[19:24]", "tag I-LOC may not follow B-PER; expected B-LOC or I-LOC before it")],
    ),
    "tag too many": (
        set_in("ner_tags", 0, 7),
        [("quarry[0:2]", f"MISC is in the tags, not in the spans, {UNEXPLAINED}")],
    ),
    "tag too few": (
        set_in("ner_tags", 12, 0),
        [("quarry[53:58]", f"LOC is in the spans, not in the tags, {UNEXPLAINED}")],
    ),
    "span too few": (
        lambda row: row["spans"].pop(),
        [("quarry[53:58]", f"LOC is in the tags, not in the spans, {UNEXPLAINED}")],
    ),
    "span past the end": (
        set_span(2, end=60),
        [
            ("quarry[53:60]", f"LOC is in the spans, not in the tags, {UNEXPLAINED}"),
            ("quarry[53:58]", f"LOC is in the tags, not in the spans, {UNEXPLAINED}"),
            ("quarry[53:60]", "span LOC leaves the text of 59"),
        ],
    ),
    "empty span": (
        lambda row: row["spans"].append({**row["spans"][0], "end": 14}),
        [
            ("quarry[14:14]", f"PER is in the spans, not in the tags, {UNEXPLAINED}"),
            ("quarry[14:14]", "span PER leaves the text of 59"),
        ],
    ),
    "unknown label": (
        set_span(2, label="CITY"),
        [
            ("quarry[53:58]", f"CITY is in the spans, not in the tags, {UNEXPLAINED}"),
            ("quarry[53:58]", f"LOC is in the tags, not in the spans, {UNEXPLAINED}"),
            ("quarry[53:58]", "label 'CITY' is not one of PER, ORG, LOC, MISC"),
        ],
    ),
    "confidence above 1": (
        set_span(0, confidence=1.5),
        [("quarry[14:24]", "confidence 1.5 is not from 0 to 1")],
    ),
    "confidence below 0": (
        set_span(0, confidence=-0.5),
        [("quarry[14:24]", "confidence -0.5 is not from 0 to 1")],
    ),
    "confidence of no number": (
        set_span(0, confidence=float("nan")),
        [("quarry[14:24]", "confidence nan is not from 0 to 1")],
    ),
    "another source": (
        lambda row: row.update(source="harbour.marked"),
        [
            (
                "harbour.marked",
                "one source stands in several splits (harbour in train, quarry in test)",
            )
        ],
    ),
}


@pytest.mark.parametrize(("change", "expected"), ROW_BREACHES.values(), ids=ROW_BREACHES)
def test_a_broken_row_is_named(
    release: Opened,
    change: Callable[[dict[str, Any]], object],
    expected: list[tuple[str, str]],
) -> None:
    release.change_row(TEST, "quarry", change)
    assert breaches(release) == expected


def test_a_text_cut_short_is_named(release: Opened) -> None:
    release.change_row(TEST, "quarry", lambda row: row.update(text=QUARRY[:55]))
    found = breaches(release)
    assert ("quarry[53:58]", "token 12 is 'Turku', the text there 'Tu'") in found
    assert ("quarry[53:58]", "span LOC leaves the text of 55") in found


def test_a_text_cut_short_with_its_tokens_is_caught_by_the_layers(release: Opened) -> None:
    def change(row: dict[str, Any]) -> None:
        drop_last_tokens(1)(row)
        row["text"] = QUARRY[:58]

    release.change_row(TEST, "quarry", change)
    assert breaches(release) == [
        (f"quarry by {name}", what)
        for name in ("annotator-1", "annotator-2", "en_ruler@1.2.3")
        for what in (
            "was made on another text (sha256)",
            "its coverage leaves the text of 58",
        )
    ]


def test_a_difference_that_the_ledger_explains_is_no_breach(release: Opened) -> None:
    loss = Loss(document_id="quarry", start=53, end=58, what="span left out of the tags", why="x")
    losses = [*losses_from(read_part(release.folder / "ledger.parquet")), loss]
    release.write_table("ledger.parquet", losses_table(losses))
    release.change_manifest(lambda manifest: manifest.update(losses=count_losses(losses)))
    release.change_row(TEST, "quarry", set_in("ner_tags", 12, 0))
    assert breaches(release) == []


def test_a_ledger_line_of_another_document_explains_nothing(release: Opened) -> None:
    loss = Loss(document_id="mill", start=53, end=58, what="span left out of the tags", why="x")
    losses = [*losses_from(read_part(release.folder / "ledger.parquet")), loss]
    release.write_table("ledger.parquet", losses_table(losses))
    release.change_manifest(lambda manifest: manifest.update(losses=count_losses(losses)))
    release.change_row(TEST, "quarry", set_in("ner_tags", 12, 0))
    assert [where for where, _ in breaches(release)] == ["quarry[53:58]"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts_with_spans(), max_size=3))
def test_whatever_the_gold_the_rows_that_are_made_of_it_keep_their_promises(
    built: Path, tmp_path: Path, drawn: list[tuple[str, list[Span]]]
) -> None:
    shutil.rmtree(tmp_path / "own", ignore_errors=True)
    release = Opened(folder=Path(shutil.copytree(built, tmp_path / "own")))
    losses = losses_from(read_part(release.folder / "ledger.parquet"))
    rows = release.rows(TRAIN)
    for number, (text, spans) in enumerate(drawn):
        document = Document(
            id=f"drawn {number}", text=text, source=f"{number}", license="mit", language="en"
        )
        gold = Annotation(
            document_id=document.id,
            text_sha256=document.text_sha256,
            annotator="gold",
            guide="gonerd@1",
            coverage=((0, len(text)),),
            spans=tuple(spans),
        )
        row, lost = make_row(document, gold, LABELS)
        assert row is not None
        rows.append(row)
        losses += lost
    release.write_rows(TRAIN, rows)
    release.write_table("ledger.parquet", losses_table(losses))
    release.change_manifest(lambda manifest: manifest.update(losses=count_losses(losses)))
    assert breaches(release) == []


def test_an_id_that_stands_twice_is_named(release: Opened) -> None:
    rows = release.rows(TEST)
    release.write_rows(TEST, [*rows, *rows])
    assert breaches(release) == [("quarry", "its id stands twice in the release")]


def test_near_duplicates_across_splits_are_named(release: Opened) -> None:
    release.move_rows("ferry_second", TRAIN, TEST)
    release.move_rows("ferry_second", TRAIN_LAYERS, TEST_LAYERS)
    assert breaches(release) == [
        (
            "ferry_first",
            "near-duplicates cross splits (ferry_first in train, ferry_second in test)",
        )
    ]


def test_documents_of_one_source_may_part_where_the_release_says_so(release: Opened) -> None:
    release.change_row(TEST, "quarry", lambda row: row.update(source="harbour.marked"))
    release.change_manifest(lambda manifest: manifest.update(group="document"))
    assert breaches(release) == []


LAYER_BREACHES: dict[str, tuple[Callable[[dict[str, Any]], object], list[tuple[str, str]]]] = {
    "another text": (
        lambda row: row.update(text_sha256="0" * 64),
        [("quarry by annotator-1", "was made on another text (sha256)")],
    ),
    "span past the end": (
        set_span(2, end=60),
        [("quarry by annotator-1[53:60]", "span LOC leaves the text of 59")],
    ),
    "unknown label": (
        set_span(2, label="CITY"),
        [("quarry by annotator-1[53:58]", "label 'CITY' is not one of PER, ORG, LOC, MISC")],
    ),
    "confidence": (
        set_span(0, confidence=2.0),
        [("quarry by annotator-1[14:24]", "confidence 2.0 is not from 0 to 1")],
    ),
    "coverage": (
        lambda row: row.update(coverage=[{"start": 0, "end": 60}]),
        [("quarry by annotator-1", "its coverage leaves the text of 59")],
    ),
    "no document": (
        lambda row: row.update(document_id="gone"),
        [("gone by annotator-1", "stands in test, its document in no split")],
    ),
}


@pytest.mark.parametrize(("change", "expected"), LAYER_BREACHES.values(), ids=LAYER_BREACHES)
def test_a_broken_layer_is_named(
    release: Opened,
    change: Callable[[dict[str, Any]], object],
    expected: list[tuple[str, str]],
) -> None:
    release.change_row(TEST_LAYERS, "quarry", change)
    assert breaches(release) == expected


def test_a_layer_that_stands_twice_is_named(release: Opened) -> None:
    rows = release.rows(TEST_LAYERS)
    release.write_rows(TEST_LAYERS, [*rows, rows[0]])
    (breach,) = breaches(release)
    assert breach[0] == "quarry by annotator-1"


def test_a_layer_in_another_split_than_its_document_is_named(release: Opened) -> None:
    release.move_rows("quarry", TEST_LAYERS, VALIDATION_LAYERS)
    assert breaches(release) == [
        (f"quarry by {name}", "stands in validation, its document in test")
        for name in ("annotator-1", "annotator-2", "en_ruler@1.2.3")
    ]


@pytest.mark.parametrize("file", ["README.md", "legacy/own.py"])
def test_a_file_whose_bytes_have_changed_is_named(release: Opened, file: str) -> None:
    with (release.folder / file).open("ab") as stream:
        stream.write(b"\n")
    assert breaches(release) == [(file, "its bytes are not those of the manifest (sha256)")]


def test_a_row_that_has_changed_behind_the_manifest_is_named(release: Opened) -> None:
    rows = release.rows(TEST)
    rows[0]["url"] = "http://elsewhere/"
    schema = pq.read_schema(release.folder / TEST)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), release.folder / TEST)
    assert breaches(release) == [(TEST, "its bytes are not those of the manifest (sha256)")]


@pytest.mark.parametrize("file", ["more.txt", ".hidden", "data/train-00001.parquet", "a/b/c"])
def test_a_file_too_many_is_named(release: Opened, file: str) -> None:
    (release.folder / file).parent.mkdir(parents=True, exist_ok=True)
    (release.folder / file).write_bytes(b"x")
    assert breaches(release) == [(file, "is in the folder and not in the manifest")]


def test_a_file_too_few_is_named(release: Opened) -> None:
    (release.folder / "legacy" / "own.py").unlink()
    assert breaches(release) == [("legacy/own.py", "is in the manifest and not in the folder")]


@pytest.mark.parametrize("file", ["README.md", "ledger.parquet", TEST, TEST_LAYERS])
def test_a_missing_part_of_the_release_is_named_first(release: Opened, file: str) -> None:
    (release.folder / file).unlink()
    found = breaches(release)
    assert found[0] == (file, "is in the manifest and not in the folder")


@pytest.mark.parametrize("content", [b"", b"text", b"PAR1PAR1"], ids=["empty", "text", "ends"])
@pytest.mark.parametrize("file", [TEST, TEST_LAYERS])
def test_a_file_that_is_no_parquet_is_named(release: Opened, file: str, content: bytes) -> None:
    release.write_bytes(file, content)
    assert breaches(release)[0] == (file, "cannot be read as Parquet")


@pytest.mark.parametrize("content", [b"", b"text", b"PAR1PAR1"], ids=["empty", "text", "ends"])
def test_a_ledger_that_is_no_parquet_is_named(release: Opened, content: bytes) -> None:
    release.write_bytes("ledger.parquet", content)
    where, what = breaches(release)[0]
    assert where == "ledger.parquet"
    assert what.startswith(f"{release.folder / 'ledger.parquet'}: cannot be read (")


@pytest.mark.parametrize(
    ("folder", "script"), [("own", "own.py"), ("renamed", "own.py"), ("renamed", "renamed.py")]
)
def test_a_script_that_keeps_datasets_from_loading_is_named(
    release: Opened, folder: str, script: str
) -> None:
    moved = Opened(folder=release.folder.rename(release.folder.with_name(folder)))
    moved.write_bytes(script, b"import datasets\n")
    assert breaches(moved) == [
        (
            script,
            "a script under the release's own name keeps datasets 4 and later from loading it",
        )
    ]


@pytest.mark.parametrize("name", [*COLUMNS["default"]])
def test_a_missing_column_is_named(release: Opened, name: str) -> None:
    release.write_table(TEST, pq.read_table(release.folder / TEST).drop_columns([name]))
    left = ", ".join(column for column in COLUMNS["default"] if column != name)
    assert (TEST, f"has columns {left}") in breaches(release)


@pytest.mark.parametrize("name", [*COLUMNS["annotations"]])
def test_a_missing_column_of_the_layers_is_named(release: Opened, name: str) -> None:
    table = pq.read_table(release.folder / TEST_LAYERS).drop_columns([name])
    release.write_table(TEST_LAYERS, table)
    left = ", ".join(column for column in COLUMNS["annotations"] if column != name)
    assert (TEST_LAYERS, f"has columns {left}") in breaches(release)


def test_other_columns_are_named(release: Opened) -> None:
    table = pq.read_table(release.folder / TEST)
    release.write_table(TEST, table.append_column("more", pa.array([1])))
    release.write_table(
        TRAIN, pq.read_table(release.folder / TRAIN).select(table.column_names[::-1])
    )
    assert breaches(release) == [
        (TRAIN, f"has columns {', '.join(COLUMNS['default'][::-1])}"),
        (TEST, f"has columns {', '.join(COLUMNS['default'])}, more"),
    ]


@pytest.mark.parametrize("name", ["id", "text", "tokens", "ner_tags", "spans", "num_tokens"])
def test_a_column_of_another_type_is_named(release: Opened, name: str) -> None:
    table = pq.read_table(release.folder / TEST)
    index = table.column_names.index(name)
    other = pa.array([1.5]) if name in ("id", "text") else pa.array(["x"])
    release.write_table(TEST, table.set_column(index, name, other))
    assert breaches(release) != []


@pytest.mark.parametrize("name", [name for name in COLUMNS["default"] if name != "url"])
def test_a_row_without_a_value_is_named(release: Opened, name: str) -> None:
    release.change_row(TEST, "quarry", lambda row: row.update({name: None}))
    assert breaches(release) != []


@pytest.mark.parametrize("name", COLUMNS["annotations"])
def test_a_layer_without_a_value_is_named(release: Opened, name: str) -> None:
    release.change_row(TEST_LAYERS, "quarry", lambda row: row.update({name: None}))
    assert breaches(release) != []


@pytest.mark.parametrize("name", ["start", "end", "label"])
def test_a_span_without_a_value_is_named(release: Opened, name: str) -> None:
    release.change_row(TEST, "quarry", set_span(0, **{name: None}))
    assert breaches(release) != []


def test_feature_types_in_a_file_are_named(release: Opened) -> None:
    table = pq.read_table(release.folder / TEST)
    release.write_table(TEST, table.replace_schema_metadata({"huggingface": "{}"}))
    assert breaches(release) == [
        (TEST, "holds feature types that older versions of datasets cannot read")
    ]


def card_of(release: Opened) -> str:
    """Read the card."""
    return (release.folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda card: "",
        lambda card: card.replace("---\n", "", 1),
        lambda card: card.replace("pretty_name: ", "pretty_name: [", 1),
        lambda card: "---\n[]\n---\n",
        lambda card: "---\nlicense: mit\n---\n",
        lambda card: card.replace("configs:", "other:", 1),
        lambda card: card.replace("default\n  features", "other\n  features"),
        lambda card: card.replace("  - name: ner_tags", "  - name: tags", 1),
        lambda card: card.replace("      class_label:", "      class:", 1),
    ],
    ids=[
        "empty", "not opened", "no YAML", "a list", "no configs", "other configs",
        "no features", "no tags", "no class",
    ],
)  # fmt: skip
def test_broken_front_matter_is_named(release: Opened, change: Callable[[str], str]) -> None:
    release.write_bytes("README.md", change(card_of(release)).encode("utf-8"))
    ((where, what),) = breaches(release)
    assert where == "README.md"
    assert re.fullmatch(r"its front matter cannot be read \(.+\)", what, re.DOTALL)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (TEST, "data/other.parquet", "its front matter names other files than the manifest"),
        ("split: test", "split: dev", "its front matter names other files than the manifest"),
        ("B-PER", "B-PERSON", "its front matter names other tags than the labels give"),
        ("license: cc0-1.0\n", "", "its front matter has no license"),
        ("license: cc0-1.0", "license: ''", "its front matter has no license"),
        ("language:\n- en\n", "", "its front matter has no language"),
        ("pretty_name: Own documents\n", "", "its front matter has no pretty_name"),
        ("- token-classification\n", "", "its front matter has no task_categories"),
    ],
    ids=["file", "split", "tag", "no license", "empty license", "language", "title", "task"],
)
def test_front_matter_that_says_something_else_is_named(
    release: Opened, old: str, new: str, what: str
) -> None:
    card = card_of(release)
    assert old in card
    release.write_bytes("README.md", card.replace(old, new, 1).encode("utf-8"))
    assert breaches(release) == [("README.md", what)]


def test_a_card_that_is_no_text_is_named(release: Opened) -> None:
    release.write_bytes("README.md", b"\xff\xfe")
    ((where, what),) = breaches(release)
    assert where == "README.md"
    assert what.startswith("its front matter cannot be read (")


@pytest.mark.parametrize(
    "losses", [{}, {"x: y": 1}, {"span widened in the tags: its border lies inside a token": 2}]
)
def test_ledger_counts_that_are_not_those_of_the_manifest_are_named(
    release: Opened, losses: dict[str, int]
) -> None:
    release.change_manifest(lambda manifest: manifest.update(losses=losses))
    assert breaches(release) == [("ledger.parquet", "its counts are not those of the manifest")]


def test_a_ledger_line_too_few_is_named_and_what_it_explained(release: Opened) -> None:
    release.write_table("ledger.parquet", losses_table([]))
    assert breaches(release) == [
        ("ledger.parquet", "its counts are not those of the manifest"),
        ("lighthouse[10:14]", f"LOC is in the spans, not in the tags, {UNEXPLAINED}"),
        ("lighthouse[10:17]", f"LOC is in the tags, not in the spans, {UNEXPLAINED}"),
    ]


def test_a_ledger_with_other_columns_is_named(release: Opened) -> None:
    release.write_table("ledger.parquet", pa.table({"document_id": ["a"], "x": ["y"]}))
    assert "ledger.parquet" in {where for where, _ in breaches(release)}


def test_all_breaches_are_named_at_once(release: Opened) -> None:
    release.change_row(TEST, "quarry", set_span(0, confidence=2.0))
    release.change_row(VALIDATION, "mill", set_in("ner_tags", 0, 2))
    (release.folder / "more").write_bytes(b"")
    assert {where for where, _ in breaches(release)} == {"quarry[14:24]", "mill[0:3]", "more"}


@pytest.mark.parametrize("content", [b"{", b"null"], ids=["half", "null"])
def test_a_broken_manifest_is_refused_with_its_place(release: Opened, content: bytes) -> None:
    path = release.folder / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(GonerdError) as error:
        validate(release.folder)
    assert str(error.value).startswith(f"{path}: not the manifest of a release (")
    assert str(error.value).endswith("); expected one written by `gonerd publish`.")


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": 3},
        {"labels": None},
        {"labels": [1, 2]},
        {"configs": None},
        {"configs": []},
        {"configs": {"default": ["a"]}},
        {"configs": {"default": {"train": [3]}}},
        {"configs": {}},
        {"files": None},
        {"files": []},
        {"losses": None},
        {"group": None},
        {"more": 1},
    ],
    ids=lambda changes: json.dumps(changes),
)
def test_a_manifest_with_other_values_is_refused_or_its_breaches_named(
    release: Opened, changes: dict[str, Any]
) -> None:
    release.change_manifest(lambda manifest: manifest.update(changes))
    try:
        found = breaches(release)
    except GonerdError:
        return
    assert found != []


# Files of annotations.


def annotation_breaches(
    path: Path, documents: Path | None = None, guide: str = "gonerd"
) -> list[tuple[str, str]]:
    """Validate annotations, and reduce the breaches to where and what."""
    result = validate(path, documents=documents, guide=guide)
    return [(breach.where, breach.what) for breach in result.breaches]


def rows_with_text(*annotations: Annotation) -> list[dict[str, Any]]:
    """Make the JSON of annotations with their texts."""
    texts = documents()
    return [{**annotation_to_json(one), "text": texts[one.document_id].text} for one in annotations]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A file of the documents."""
    path = tmp_path / "documents.jsonl"
    write_lines(path, [document_to_json(one) for one in documents().values()])
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test puts its annotations."""
    return tmp_path / "annotations.jsonl"


def changed(annotation: Annotation, *spans: Span, **values: Any) -> Annotation:
    """Change an annotation, its last spans above all."""
    kept = annotation.spans[: len(annotation.spans) - len(spans)]
    return replace(annotation, spans=(*kept, *spans), **values)


def test_annotations_as_people_make_them_are_in_order(path: Path, texts: Path) -> None:
    write_annotations(path, people())
    num_spans = sum(len(one.spans) for one in people())
    expected = Validation(checked={"annotations": len(people()), "spans": num_spans})
    assert validate(path) == expected
    assert validate(path, documents=texts) == expected


def test_a_folder_of_parquet_is_read_as_annotations(tmp_path: Path, texts: Path) -> None:
    wrong = changed(said_by("ana", "quarry"), Span(start=53, end=58, label="CITY"))
    (tmp_path / "ana").mkdir()
    pq.write_table(annotations_table([wrong]), tmp_path / "ana" / "part-00000.parquet")
    assert annotation_breaches(tmp_path / "ana", texts) == [
        (
            str(tmp_path / "ana" / "part-00000.parquet"),
            "quarry[53:58]: label 'CITY' is not in the guide (PER, ORG, LOC, MISC)",
        )
    ]


def test_a_parquet_of_something_else_is_named(tmp_path: Path) -> None:
    file = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), file)
    ((where, what),) = annotation_breaches(file)
    assert where == str(file)
    assert str(file) in what


def test_the_annotations_of_a_work_folder_are_validated(built: Path) -> None:
    folder = built.parent / "work" / "own" / "annotations" / "en_ruler@1.2.3"
    result = validate(folder, documents=built.parent / "work" / "own" / "documents")
    assert result.breaches == ()
    assert result.checked["annotations"] == len(MARKED)


@pytest.mark.parametrize("how", ["alone", "with documents", "with text"])
@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        (
            changed(said_by("ana", "quarry"), Span(start=53, end=58, label="CITY")),
            "quarry[53:58]: label 'CITY' is not in the guide (PER, ORG, LOC, MISC)",
        ),
        (
            changed(said_by("ana", "quarry"), coverage=((0, 52),)),
            "quarry[53:58]: lies outside what 'ana' declared done",
        ),
        (
            changed(said_by("ana", "quarry"), coverage=((0, 30), (31, 59))),
            "quarry[29:37]: lies outside what 'ana' declared done",
        ),
    ],
    ids=["wrong label", "outside coverage", "across a gap of coverage"],
)
def test_a_broken_annotation_is_named(
    path: Path, texts: Path, annotation: Annotation, what: str, how: str
) -> None:
    fine = annotation_to_json(said_by("ana", "mill"))
    broken = annotation_to_json(annotation) if how != "with text" else rows_with_text(annotation)[0]
    write_lines(path, [fine, broken])
    found = annotation_breaches(path, texts if how == "with documents" else None)
    assert found == [(f"{path}:2", what)]


@pytest.mark.parametrize("with_text", [True, False], ids=["with text", "with documents"])
@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        (
            changed(
                said_by("ana", "quarry"), Span(start=53, end=60, label="LOC"), coverage=((0, 59),)
            ),
            [
                "quarry[53:60]: span 'LOC' of 'ana' ends past the text; expected at most 59.",
                "quarry[53:60]: lies outside what 'ana' declared done",
            ],
        ),
        (
            changed(said_by("ana", "quarry"), coverage=((0, 60),)),
            ["quarry: coverage of 'ana' ends at 60, past the text; expected at most 59."],
        ),
    ],
    ids=["span", "coverage"],
)
def test_what_ends_past_the_text_is_named(
    path: Path, texts: Path, annotation: Annotation, what: list[str], with_text: bool
) -> None:
    rows = rows_with_text(annotation) if with_text else [annotation_to_json(annotation)]
    write_lines(path, rows)
    found = annotation_breaches(path, None if with_text else texts)
    assert found == [(f"{path}:1", one) for one in what]


def test_an_annotation_of_another_text_is_named(path: Path, texts: Path) -> None:
    other = replace(said_by("ana", "quarry"), text_sha256="ab" * 32)
    write_annotations(path, [other])
    sha256 = documents()["quarry"].text_sha256[:8]
    mismatch = (
        f"quarry: the text has changed since it was recorded (sha256 abababab... recorded, "
        f"{sha256}... now); expected the same text.\n"
        "Restore the text, or collect and annotate it again."
    )
    assert annotation_breaches(path, texts) == [(f"{path}:1", mismatch)]
    write_lines(path, rows_with_text(other))
    assert annotation_breaches(path) == [(str(path), f"{path}:1: {mismatch}")]


def test_a_file_whose_own_text_is_not_that_of_the_documents_is_named(
    path: Path, texts: Path
) -> None:
    text = "Another text, of the same name."
    row = {"document_id": "quarry", "text": text, "annotator": "ana", "coverage": [], "spans": []}
    write_lines(path, [row])
    ((where, what),) = annotation_breaches(path, texts)
    assert where == f"{path}:1"
    assert what.startswith("quarry: the text has changed since it was recorded (sha256 ")


@pytest.mark.parametrize("with_text", [True, False], ids=["with text", "without"])
def test_an_annotation_of_no_document_is_named(path: Path, texts: Path, with_text: bool) -> None:
    one = replace(said_by("ana", "quarry"), document_id="gone")
    row = {**annotation_to_json(one), **({"text": QUARRY} if with_text else {})}
    write_lines(path, [row])
    assert annotation_breaches(path, texts) == [
        (f"{path}:1", "its document 'gone' is not among the texts")
    ]


@pytest.mark.parametrize("name", ["", " quarry", "quarry\n"])
def test_an_annotation_of_a_document_that_cannot_be_is_named(path: Path, name: str) -> None:
    row = {**rows_with_text(said_by("ana", "quarry"))[0], "document_id": name}
    write_lines(path, [row])
    ((where, _),) = annotation_breaches(path)
    assert where.startswith(str(path))


def test_a_second_annotation_of_a_document_is_named_once(path: Path) -> None:
    one = said_by("ana", "quarry")
    write_annotations(path, [one, said_by("ben", "quarry"), one, said_by("ana", "mill"), one])
    assert annotation_breaches(path) == [(f"{path}:3", "'ana' annotates 'quarry' more than once")]


def test_all_breaches_of_a_file_are_named(path: Path) -> None:
    wrong = [
        changed(said_by("ana", name), Span(start=0, end=2, label="CITY"), coverage=())
        for name in ("quarry", "mill")
    ]
    write_annotations(path, wrong)
    found = annotation_breaches(path)
    assert {where for where, _ in found} == {f"{path}:1", f"{path}:2"}
    assert len(found) == sum(len(one.spans) for one in wrong) + 2


def test_a_line_that_is_no_json_is_named(path: Path) -> None:
    path.write_text('{"document_id": "quarry"\n', encoding="utf-8")
    assert validate(path) == Validation(
        checked={"annotations": 0, "spans": 0},
        breaches=(
            Breach(
                where=str(path),
                what=f"{path}:1: not JSON (Expecting ',' delimiter: line 2 column 1 (char 25)); "
                "expected one object a line.",
            ),
        ),
    )


def test_every_line_that_is_wrong_is_named(path: Path) -> None:
    lines = ["{", json.dumps({"document_id": "a"}), "[]", '{"x": 1}']
    path.write_text("\n".join(lines), encoding="utf-8")
    ((where, what),) = annotation_breaches(path)
    assert where == str(path)
    for number in range(1, 5):
        assert f"{path}:{number}: " in what


@pytest.mark.parametrize(
    "content",
    [b"\xff\n", b"[" * 100_000, b"null\n", b'"x"\n', b'{"document_id": 3}\n', b"1" * 5000],
    ids=["no UTF-8", "deep", "null", "string", "a wrong key", "a long number"],
)
def test_hostile_lines_are_breaches(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    ((where, what),) = annotation_breaches(path)
    assert where == str(path)
    assert f"{path}:1: " in what


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    with pytest.raises(SourceError) as error:
        validate(path)
    assert str(error.value) == (
        f"{path}: no such file or folder; expected a release, or a file or folder of annotations."
    )


def test_labels_are_those_of_the_guide_that_is_given(path: Path, tmp_path: Path) -> None:
    guide = tmp_path / "own.md"
    guide.write_text("---\nname: own\nversion: 1\nlabels:\n  CITY: Cities.\n---\n", "utf-8")
    one = said_by("ana", "quarry", leave_out=["Ines Adler", "Olga Roe"])
    write_annotations(path, [changed(one, Span(start=53, end=58, label="CITY"))])
    assert annotation_breaches(path, guide=str(guide)) == []
    write_annotations(path, [one])
    assert annotation_breaches(path, guide=str(guide)) == [
        (f"{path}:1", "quarry[53:58]: label 'LOC' is not in the guide (CITY)")
    ]


def test_an_unknown_guide_is_refused(path: Path) -> None:
    write_annotations(path, [])
    with pytest.raises(ConfigError) as error:
        validate(path, guide="nosuch")
    assert str(error.value) == (
        "guide 'nosuch': no such guide; expected one of gonerd, or the path of a .md file."
    )
