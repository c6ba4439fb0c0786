"""Tests of `gonerd import` and `gonerd export` as people run them, each in a process of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gonerd.formats.catalogue import FORMATS
from tests.conftest import run_gonerd
from tests.folders import contents
from tests.processes import AS_NOBODY, run_python

TEXT = "\U0001f600 Ana met Bo in Lund.\n"
DOCCANO = {"id": 17, "text": TEXT, "label": [[3, 6, "PER"], [11, 13, "PER"]]}
ROW = {
    "document_id": "l-17",
    "annotator": "ana",
    "coverage": [[0, len(TEXT)]],
    "spans": [
        {"start": 2, "end": 5, "label": "PER"},
        {"start": 2, "end": 12, "label": "PER", "fragments": [[2, 5], [10, 12]]},
    ],
    "text": TEXT,
}
KNOWN = ", ".join(FORMATS)


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def succeed(folder: Path, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    done = run_gonerd(*arguments, cwd=folder, **options)
    assert done.returncode == 0, done.stderr
    return done


def refusal(folder: Path, *arguments: object, **options: Any) -> str:
    """Run, expect exit code 1 and nothing written, and return the message."""
    before = contents(folder)
    done = run_gonerd(*arguments, cwd=folder, **options)
    assert (done.returncode, done.stdout) == (1, "")
    assert contents(folder) == before
    return done.stderr


def rows(content: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_in_and_out_again_with_all_that_was_lost(tmp_path: Path) -> None:
    write(tmp_path / "ana.jsonl", DOCCANO)
    done = succeed(tmp_path, "import", "ana.jsonl", "--from", "doccano", "--out", "in.jsonl")
    assert done.stdout == (
        "doccano JSON lines: 1 documents, 1 annotations by 1 annotators, 2 spans\n"
        "  annotators: ana 1\n"
        "  spans: PER 2\n"
        "  read whole: 0 of 1 annotations; elsewhere what is not marked is unknown, unless you say "
        "--complete\n"
        "  offsets in UTF-16 1; spans 2 unverified\n"
        "  nothing moved, refused or dropped\n"
        "  written: in.jsonl\n"
    )
    (row,) = rows((tmp_path / "in.jsonl").read_text(encoding="utf-8"))
    assert [(span["start"], span["end"]) for span in row["spans"]] == [(2, 5), (10, 12)]
    assert (row["text"], row["coverage"]) == (TEXT, [[2, 5], [10, 12]])

    done = succeed(tmp_path, "export", "in.jsonl", "--to", "conll", "--out", "out.conll")
    assert done.stdout == (
        "1 documents, 1 annotations, 2 spans\n"
        "  nothing moved, refused or dropped\n"
        "  written: out.conll\n"
    )
    succeed(tmp_path, "import", "out.conll", "--from", "conll", "--out", "again.jsonl")
    (again,) = rows((tmp_path / "again.jsonl").read_text(encoding="utf-8"))
    assert {key: again[key] for key in ("text", "spans", "coverage", "annotator")} == {
        key: row[key] for key in ("text", "spans", "coverage", "annotator")
    }


def test_through_pipes(tmp_path: Path) -> None:
    line = json.dumps(DOCCANO)
    came = succeed(
        tmp_path, "import", "-", "--from", "doccano", "--out", "-", "--annotator", "bo", input=line
    )
    (row,) = rows(came.stdout)
    assert (row["annotator"], row["document_id"], len(row["spans"])) == ("bo", "17", 2)
    assert came.stderr.startswith("doccano JSON lines: 1 documents")
    went = succeed(tmp_path, "export", "-", "--to", "prodigy", "--out", "-", input=came.stdout)
    (row,) = rows(went.stdout)
    assert [span["text"] for span in row["spans"]] == ["Ana", "Bo"]
    assert went.stderr.startswith("1 documents, 1 annotations, 2 spans\n")
    assert contents(tmp_path) == {}


def test_numbers_for_machines(tmp_path: Path) -> None:
    write(tmp_path / "ana.jsonl", DOCCANO)
    arguments = ["ana.jsonl", "--from", "doccano", "--out", "in.jsonl", "--json", "--complete"]
    values = json.loads(succeed(tmp_path, "import", *arguments).stdout)
    assert values == {
        "format": "doccano",
        "documents": 1,
        "annotations": 1,
        "annotators": {"ana": 1},
        "spans": 2,
        "labels": {"PER": 2},
        "read_whole": 1,
        "units": {"UTF-16": 1},
        "offsets": {"matched": 0, "unverified": 2, "moved": 0, "refused": 0},
        "notes": {},
        "asides": {},
        "losses": {},
        "files": ["in.jsonl"],
    }
    arguments = ["in.jsonl", "--to", "brat", "--out", "brat", "--json"]
    assert json.loads(succeed(tmp_path, "export", *arguments).stdout) == {
        "documents": 1,
        "annotations": 1,
        "spans": 2,
        "losses": {},
        "files": ["brat/17.ann", "brat/17.txt"],
    }


def test_texts_beside_the_annotations_on_the_way_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "brat").mkdir()
    (tmp_path / "brat" / "l-17.ann").write_text("T1\tPER 2 5\tAna\n", encoding="utf-8")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "l-17.txt").write_text(TEXT, encoding="utf-8")
    succeed(
        tmp_path, "import", "brat", "--from", "brat", "--documents", "texts", "--out", "in.jsonl",
        "--documents-out", "documents.jsonl", "--complete", "--paths", "{document}.ann",
        "--annotator", "cyd",
    )  # fmt: skip
    (row,) = rows((tmp_path / "in.jsonl").read_text(encoding="utf-8"))
    assert "text" not in row
    assert (row["annotator"], row["coverage"]) == ("cyd", [[0, len(TEXT)]])
    (document,) = rows((tmp_path / "documents.jsonl").read_text(encoding="utf-8"))
    assert (document["id"], document["text"]) == ("l-17", TEXT)
    assert refusal(tmp_path, "export", "in.jsonl", "--to", "conll", "--out", "x.conll") == (
        "gonerd: l-17: no text among the annotations (1 such); expected the text of every "
        "document.\nGive the texts with --documents (.jsonl or .parquet).\n"
    )
    arguments = ["--documents", "documents.jsonl", "--to", "conll", "--out", "x.conll"]
    succeed(tmp_path, "export", "in.jsonl", *arguments)


def test_a_loss_is_named_and_strict_refuses_it(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROW)
    arguments = ["export", "in.jsonl", "--to", "conll", "--out", "x.conll"]
    assert refusal(tmp_path, *arguments, "--strict") == (
        "gonerd: --strict: 2 losses; expected none. Nothing was written.\n"
        "  1 x span joined: CoNLL columns has no spans in parts\n"
        "  1 x span left out: it overlaps another, and CoNLL columns has no such spans\n"
    )
    assert succeed(tmp_path, *arguments).stdout == (
        "1 documents, 1 annotations, 2 spans\n"
        "  moved, refused or dropped, each named in the ledger:\n"
        "       1 x span joined: CoNLL columns has no spans in parts\n"
        "       1 x span left out: it overlaps another, and CoNLL columns has no such spans\n"
        "  written: x.conll, x.conll.ledger.jsonl\n"
    )
    assert [row["what"] for row in rows((tmp_path / "x.conll.ledger.jsonl").read_text())] == [
        "span joined", "span left out"
    ]  # fmt: skip


def test_a_corrupted_file_is_refused_with_a_list(tmp_path: Path) -> None:
    spans = [{"start": at, "end": at + 3, "label": "PER", "text": "Dee"} for at in range(12)]
    write(tmp_path / "p.jsonl", {"text": TEXT, "spans": spans, "answer": "accept"})
    message = refusal(tmp_path, "import", "p.jsonl", "--from", "prodigy", "--out", "in.jsonl")
    first, *listed = message.splitlines()
    assert first == "gonerd: import: 12 things are wrong; expected none."
    assert len(listed) == 11
    assert listed[0].endswith(
        "[0:3]: span refused, its string does not stand where the file says, nor near by; expected "
        "its place."
    )
    assert listed[-1] == "  and 2 more"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["import", "ours.jsonl", "--from", "lable_studio", "--out", "x.jsonl"],
            f"format 'lable_studio': expected one of {KNOWN}.",
        ),
        (
            ["export", "ours.jsonl", "--to", "CoNLL", "--out", "x.conll"],
            f"format 'CoNLL': expected one of {KNOWN}.",
        ),
        (
            ["import", "ours.jsonl", "--from", "jsonl", "--out", "x.jsonl", "--layer", "NE"],
            "--layer: of no use to our own JSON lines; it takes --annotator, --paths.",
        ),
        (
            ["import", "ours.jsonl", "--from", "conll", "--out", "x.jsonl", "--column", "tags=ner"],
            "--column: of no use to CoNLL columns; it takes --annotator, --paths, --layer, "
            "--scheme, --sentence-documents.",
        ),
        (
            ["import", "nowhere.jsonl", "--from", "jsonl", "--out", "x.jsonl"],
            "nowhere.jsonl: no such file; expected a file, a folder or `-`.",
        ),
        (
            ["import", "texts/l-17.txt", "--from", "label_studio", "--out", "x.jsonl"],
            "texts/l-17.txt: not JSON (Expecting value: line 1 column 1 (char 0)); expected one "
            "JSON value.",
        ),
        (
            ["import", "broken.zip", "--from", "brat", "--out", "x.jsonl"],
            "broken.zip: cannot be read (File is not a zip file); expected a whole archive.",
        ),
        (
            ["import", "latin.ann", "--from", "brat", "--out", "x.jsonl"],
            "latin.ann: byte 3 (0xe9) is not UTF-8; expected a text in UTF-8.",
        ),
        (
            ["import", "ours.jsonl", "--from", "jsonl", "--out", "x.jsonl", "--documents", "none"],
            "none: No such file or directory; expected a file of JSON lines.",
        ),
        (
            ["import", "ours.jsonl", "--from", "jsonl", "--out", "texts"],
            "texts: is a folder, and one file is to be written; expected its name.",
        ),
        (
            ["import", "texts", "--from", "brat", "--out", "x.jsonl", "--paths", "{who}/x.ann"],
            "paths '{who}/x.ann': expected `{annotator}` and `{document}`, one or both, once, as "
            "in {annotator}/{document}.txt.",
        ),
        (
            ["import", "ours.jsonl", "--from", "jsonl", "--out", "./ours.jsonl"],
            "--out ours.jsonl: is read by the same command; expected a place of its own.",
        ),
        (
            ["import", "rows", "--from", "jsonl", "--out", "rows/a.jsonl"],
            "--out rows/a.jsonl: is read by the same command; expected a place of its own.",
        ),
        (
            ["import", "ours.jsonl", "--from", "brat", "--out", "x.jsonl"],
            "ours.jsonl: no document of brat standoff in what was read; expected at least one.\n"
            "If it is of another format, name that with --from.",
        ),
        (
            ["import", "empty.jsonl", "--from", "doccano", "--out", "x.jsonl"],
            "empty.jsonl: no document of doccano JSON lines in what was read; expected at least "
            "one.\nIf it is of another format, name that with --from.",
        ),
        (
            ["export", "empty.jsonl", "--to", "conll", "--out", "x"],
            "annotations: none in all files; expected at least one record.",
        ),
        (
            ["export", "ours.jsonl", "--to", "jsonl", "--out", "ours.jsonl"],
            "--out ours.jsonl: is read by the same command; expected a place of its own.",
        ),
        (
            ["export", "texts", "--to", "brat", "--out", "x"],
            "texts: holds no annotations; expected a .jsonl or .parquet file, or a folder of such.",
        ),
        (
            ["export", "latin.ann", "--to", "brat", "--out", "x"],
            "latin.ann:1: byte 3 of the line is not UTF-8; expected JSON in UTF-8.",
        ),
        (
            ["export", "ours.jsonl", "--to", "brat", "--out", "-"],
            "--out -: the format writes 2 files here; expected a folder.",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)
def test_wrong_input_gets_one_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    write(tmp_path / "ours.jsonl", ROW)
    write(tmp_path / "rows" / "a.jsonl", ROW)
    write(tmp_path / "empty.jsonl")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "l-17.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "latin.ann").write_bytes(b"caf\xe9")
    assert refusal(tmp_path, *arguments) == f"gonerd: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "x", "--from", "brat"], "Missing option '--out'"),
        (["import", "--from", "brat", "--out", "x"], "Missing argument 'paths'"),
        (["export", "x", "--out", "y"], "Missing option '--to'"),
        (
            ["import", "x", "--from", "dataset", "--out", "y", "--column", "tags"],
            "Invalid value for --column: tags is not ROLE=COLUMN.",
        ),
        (
            ["import", "x", "--from", "brat", "--out", "y", "--unit", "words"],
            "Invalid value for --unit: 'words' is not one of UTF-16, bytes, code points, "
            "graphemes.",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)
def test_wrong_usage_exits_with_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = run_gonerd(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    boxed = done.stderr.translate(dict.fromkeys(map(ord, "\u2500\u2502\u256d\u256e\u2570\u256f")))
    assert message in " ".join(boxed.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "sealed.jsonl", "--from", "jsonl", "--out", "x.jsonl"],
        ["export", "sealed.jsonl", "--to", "brat", "--out", "x"],
        ["agreement", "sealed.jsonl"],
        ["reconcile", "open.jsonl", "--out", "x.jsonl", "--settled", "sealed.jsonl"],
        ["export", "open.jsonl", "--to", "brat", "--out", "x", "--documents", "sealed.jsonl"],
    ],
    ids=" ".join,
)
def test_a_file_that_may_not_be_read_is_wrong_input_and_no_wrong_usage(
    arguments: list[str], tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    write(tmp_path / "open.jsonl", ROW)
    write(tmp_path / "sealed.jsonl", ROW).chmod(0)
    script = f"""
from gonerd.cli import main
import sys
sys.stderr = sys.stdout

def run(*arguments):
    folder, sys.argv[1:] = sys.argv[1:], arguments
    try:
        main()
    except SystemExit as error:
        print(error.code)
    sys.argv[1:] = folder

arguments = {arguments!r}
run(*("nowhere.jsonl" if one == "sealed.jsonl" else one for one in arguments))  # imports all
{AS_NOBODY}
run(*arguments)
"""
    expected = "a file to read" if arguments[0] == "import" else "a file of JSON lines"
    assert run_python(script, tmp_path).splitlines()[-2:] == [
        f"gonerd: sealed.jsonl: Permission denied; expected {expected}.",
        "1",
    ]
