"""The command as a person meets it: every kind of input, the page, JSON, and errors."""

import json
from pathlib import Path

import pytest

from gonerd.agreement.lines import lines
from gonerd.agreement.measure import measure
from gonerd.agreement.page import page
from gonerd.agreement.read import read
from gonerd.arrow import annotations_table, documents_table
from gonerd.records import Annotation, Document, annotation_to_json, text_sha256
from tests.agreement.test_lines import TEXT, example
from tests.conftest import run_gonerd

NAMES = ("letter", "report")


def write_lines(path: Path, annotations: list[Annotation], *, text: bool = True) -> None:
    """Write annotations as JSON lines, with the text or without."""
    rows = [annotation_to_json(one) | ({"text": TEXT} if text else {}) for one in annotations]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def documents() -> list[Document]:
    """Make the documents of the example."""
    return [
        Document(id=name, text=TEXT, source=name, license="unknown", language="en")
        for name in NAMES
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example in every form that the command takes."""
    import pyarrow.parquet as pq

    write_lines(tmp_path / "all.jsonl", example())
    write_lines(tmp_path / "bare.jsonl", example(), text=False)
    (tmp_path / "people").mkdir()
    for name in ("ana", "bo", "cy"):
        own = [one for one in example() if one.annotator == name]
        write_lines(tmp_path / "people" / f"{name}.jsonl", own)
        part = tmp_path / "work" / "annotations" / name / "part-00000.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(annotations_table(own), part)
    pq.write_table(annotations_table(example()), tmp_path / "all.parquet")
    (tmp_path / "work" / "documents").mkdir()
    pq.write_table(documents_table(documents()), tmp_path / "work/documents/part-00000.parquet")
    pq.write_table(documents_table(documents()), tmp_path / "texts.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "given"),
    [
        (["all.jsonl"], None),
        (["people"], None),
        (["people/cy.jsonl", "people/ana.jsonl", "people/bo.jsonl"], None),
        (["bare.jsonl"], "texts.parquet"),
        (["all.parquet"], "texts.parquet"),
        (["all.parquet"], "work/documents"),
        (["work"], None),
        (["work/annotations/ana", "work/annotations/bo", "people/cy.jsonl"], "texts.parquet"),
    ],
)
def test_every_form_of_the_same_annotations_gives_the_same(
    folder: Path, paths: list[str], given: str | None
) -> None:
    texts = dict.fromkeys(NAMES, TEXT)

    annotations, found = read(
        [folder / path for path in paths], None if given is None else folder / given
    )
    assert measure(annotations, texts=found, samples=9) == measure(
        example(), texts=texts, samples=9
    )
    assert found == texts


def test_a_release_and_its_work_folder_hold_the_same_people(built: Path) -> None:
    release, work = (
        measure(annotations, texts=texts, samples=0)
        for annotations, texts in (read([built / "gonerd"]), read([built / "work" / "sample"]))
    )

    assert release.overall == work.overall
    assert release.annotators == work.annotators == 4


def test_the_command_prints_the_report_and_writes_the_page(folder: Path) -> None:
    done = run_gonerd("agreement", "all.jsonl", "--html", "page.html", cwd=folder)

    result = measure(example(), texts=dict.fromkeys(NAMES, TEXT))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == lines(result) + "\n"
    assert (folder / "page.html").read_text(encoding="utf-8") == page(result)


def test_the_command_prints_one_json_object_with_everything(folder: Path) -> None:
    with (folder / "all.jsonl").open("rb") as stream:
        done = run_gonerd(
            "agreement", "-", "--json", "--gamma", "--samples", 20, "--seed", 3, cwd=folder,
            stdin=stream,
        )  # fmt: skip

    result = measure(
        example(), texts=dict.fromkeys(NAMES, TEXT), samples=20, seed=3, with_gamma=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found == json.loads(json.dumps(result.to_json()))
    assert list(found) == [
        "documents",
        "documents_compared",
        "annotators",
        "pairs_compared",
        "pairs_apart",
        "readings",
        "spans",
        "samples",
        "seed",
        "overall",
        "by_label",
        "by_span_length",
        "by_document_length",
        "by_annotator",
        "by_pair",
        "by_document",
        "label_pairs",
        "differences",
        "confused",
        "gamma_left_out",
        "notes",
    ]
    assert list(found["overall"]["gamma"]) == ["value", "low", "high", "why"]
    assert found["overall"]["gamma"]["why"] is None
    assert found["by_pair"][0]["annotators"] == ["ana", "bo"]
    assert found["by_document"][0]["gamma"]["why"] == (
        "no interval because it rests on one document alone"
    )


def test_help_has_an_example(tmp_path: Path) -> None:
    done = run_gonerd("agreement", "--help", cwd=tmp_path)
    assert "Example: gonerd agreement ana.jsonl ben.jsonl" in " ".join(done.stdout.split())


def test_some_annotators_alone(folder: Path) -> None:
    done = run_gonerd("agreement", "people", "--annotator", "ana", "--annotator", "cy", cwd=folder)

    assert done.stdout.startswith("Agreement: 4 readings of 2 documents by 2 annotators, ")


def test_page_on_standard_output_leaves_the_report_to_the_other(folder: Path) -> None:
    done = run_gonerd("agreement", "people", "--html", "-", cwd=folder)

    assert done.stdout.startswith("<!DOCTYPE html>\n")
    assert done.stderr.startswith("Agreement: ")
    assert not (folder / "-").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["people", "--annotator", "anna"],
            1,
            "gonerd: --annotator 'anna': no such annotator; expected one of 'ana', 'bo', 'cy'.\n",
        ),
        (
            ["people", "all.jsonl"],
            1,
            "gonerd: letter: two annotations by 'ana'; expected one, with all its coverage.\n",
        ),
        (
            ["nowhere"],
            1,
            "gonerd: nowhere: no such file; expected a .jsonl or .parquet file, or a folder of "
            "such.\n",
        ),
        (
            ["empty.jsonl"],
            1,
            "gonerd: annotations: none in all files; expected at least one record.\n",
        ),
        (
            ["all.jsonl", "--documents", "other.jsonl"],
            1,
            "gonerd: all.jsonl:1: letter: the text has changed since it was recorded (sha256 "
            f"{text_sha256(TEXT)[:8]}... recorded, {text_sha256('z')[:8]}... now); expected the "
            "same text.\nRestore the text, or collect and annotate it again.\n",
        ),
        (
            ["all.jsonl", "--documents", "twice.jsonl"],
            1,
            "gonerd: twice.jsonl: two texts of document 'letter'; expected an id for each.\n",
        ),
        (
            ["all.jsonl", "--html", "people"],
            1,
            "gonerd: people: is a folder, and one file is to be written; expected its name.\n",
        ),
        (
            ["all.jsonl", "--html", "all.jsonl"],
            1,
            "gonerd: --html all.jsonl: is read by the same command; expected a place of its own.\n",
        ),
        (["all.jsonl", "--samples", "-1"], 2, None),
        (["all.jsonl", "--seed", "-1"], 2, None),
        ([], 2, None),
    ],
)
def test_what_cannot_be_is_answered_with_what_can(
    folder: Path, arguments: list[str], code: int, message: str | None
) -> None:
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "other.jsonl").write_text('{"id": "letter", "text": "z"}\n', encoding="utf-8")
    (folder / "twice.jsonl").write_text(
        '{"id": "letter", "text": "a"}\n{"id": "letter", "text": "b"}\n', encoding="utf-8"
    )

    done = run_gonerd("agreement", *arguments, cwd=folder)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if message is not None:
        assert (done.stdout, done.stderr) == ("", message)
