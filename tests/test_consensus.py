"""The command `reconcile` on files, as a person meets it who has annotations and nothing else."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gonerd.consensus import Request, reconcile_files
from gonerd.errors import ConfigError, Lost
from gonerd.records import text_sha256
from tests.conftest import run_gonerd

TEXTS = {"a": "Ana Roe met Bo in Lund.", "b": "Caf\u00e9 \U0001f600 Zo\u00eb in Malm\u00f6."}
SHA256 = {name: text_sha256(text) for name, text in TEXTS.items()}
GUIDE = """---
name: small
version: 2
labels:
  LOC: "Places."
  PER: "People."
---
# Small
"""

Mark = tuple[int, int, str]
SAID: dict[str, dict[str, list[Mark]]] = {
    "ana": {"a": [(0, 7, "PER"), (18, 22, "LOC")], "b": [(7, 10, "PER"), (14, 19, "LOC")]},
    "ben": {"a": [(0, 3, "PER"), (18, 22, "LOC")], "b": [(7, 10, "PER")]},
}


def row(name: str, annotator: str, *marks: Mark, **changes: Any) -> dict[str, Any]:
    """Lay out an annotation with its text; a change to None takes a key away."""
    values = {
        "document_id": name,
        "text": TEXTS[name],
        "annotator": annotator,
        "guide": "small@2",
        "coverage": [[0, len(TEXTS[name])]],
        "spans": [{"start": start, "end": end, "label": label} for start, end, label in marks],
        **changes,
    }
    return {key: value for key, value in values.items() if value is not None}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    """Write objects one a line."""
    lines = [json.dumps(one, ensure_ascii=False) for one in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """Read objects one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def spans(annotation: dict[str, Any]) -> list[Mark]:
    """Say what an annotation says."""
    return [(span["start"], span["end"], span["label"]) for span in annotation["spans"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder but for the files of two people."""
    for annotator, said in SAID.items():
        rows = [row(name, annotator, *marks) for name, marks in said.items()]
        write(tmp_path / f"{annotator}.jsonl", *rows)
    return tmp_path


def run(folder: Path, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder."""
    return run_gonerd("reconcile", *arguments, cwd=folder, **options)


def refused(folder: Path, *arguments: object) -> str:
    """Run the command, which must fail and write nothing, and return what it says."""
    before = sorted(folder.iterdir())
    done = run(folder, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert sorted(folder.iterdir()) == before
    return done.stderr.removeprefix("gonerd: ").removesuffix("\n")


BOTH = ("ana.jsonl", "ben.jsonl")


def test_two_files_become_gold_disputes_and_places(folder: Path) -> None:
    done = run(
        folder, *BOTH, "--out", "gold.jsonl", "--disputes", "open.jsonl", "--places", "all.jsonl"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "vote: 7 marks in all; too few to learn anybody's habits from\n"
        "  gold: 2 documents, 4 spans (PER 2, LOC 2)\n"
        "  4 places that somebody marked; 2 are disputes, for now settled by method\n"
        "  written: gold.jsonl, open.jsonl, all.jsonl\n"
    )
    a, b = read(folder / "gold.jsonl")
    assert a == {
        "document_id": "a",
        "text_sha256": SHA256["a"],
        "annotator": "gold",
        "guide": "small@2",
        "coverage": [[0, 23]],
        "spans": [
            {"start": 0, "end": 7, "label": "PER", "confidence": 0.5, "support": 1},
            {"start": 18, "end": 22, "label": "LOC", "confidence": 1.0, "support": 2},
        ],
        "text": TEXTS["a"],
    }
    assert spans(b) == [(7, 10, "PER"), (14, 19, "LOC")]
    assert read(folder / "open.jsonl")[0] == {
        "document_id": "a",
        "text_sha256": SHA256["a"],
        "start": 0,
        "end": 7,
        "claims": [
            {"annotator": "ana", "spans": [{"start": 0, "end": 7, "label": "PER"}]},
            {"annotator": "ben", "spans": [{"start": 0, "end": 3, "label": "PER"}]},
        ],
        "settled_by": "vote",
        "settlement": [{"start": 0, "end": 7, "label": "PER", "confidence": 0.5, "support": 1}],
        "certainty": 0.5,
        "impact": 0.5,
    }
    assert [(one["document_id"], one["start"]) for one in read(folder / "all.jsonl")] == [
        ("a", 0),
        ("a", 18),
        ("b", 7),
        ("b", 14),
    ]


def test_gold_holds_the_texts_that_the_annotations_hold_so_that_it_can_be_exported(
    folder: Path,
) -> None:
    assert run(folder, *BOTH, "--out", "gold.jsonl").returncode == 0
    done = run_gonerd("export", "gold.jsonl", "--to", "brat", "--out", "gold", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "gold" / "b.txt").read_text(encoding="utf-8") == TEXTS["b"]


def test_gold_leaves_out_the_texts_that_stand_in_a_file_of_their_own(folder: Path) -> None:
    texts = [
        {"id": name, "text": text, "source": name, "license": "cc0-1.0", "language": "en"}
        for name, text in TEXTS.items()
    ]
    write(folder / "texts.jsonl", *texts)
    done = run(folder, *BOTH, "--out", "gold.jsonl", "--documents", "texts.jsonl")
    assert done.returncode == 0, done.stderr
    assert all("text" not in one for one in read(folder / "gold.jsonl"))


def test_same_command_over_the_folder_again_gives_the_same(folder: Path) -> None:
    arguments = (".", "--out", "gold.jsonl", "--disputes", "open.jsonl", "--places", "all.jsonl")
    first = run(folder, *arguments)
    assert first.returncode == 0, first.stderr
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = run(folder, *arguments)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == written


def test_settled_disputes_hold_in_the_next_run(folder: Path) -> None:
    arguments = (*BOTH, "--out", "gold.jsonl", "--disputes", "open.jsonl")
    assert run(folder, *arguments).returncode == 0
    first, second = read(folder / "open.jsonl")
    write(
        folder / "settled.jsonl",
        {**first, "settled_by": "eva", "settlement": [{"start": 0, "end": 3, "label": "PER"}]},
        {**second, "settled_by": "eva", "settlement": []},
    )
    done = run(folder, *arguments, "--settled", "settled.jsonl")
    assert done.stdout.splitlines()[2] == ("  4 places that somebody marked; none is a dispute")
    assert read(folder / "open.jsonl") == []
    assert [spans(one) for one in read(folder / "gold.jsonl")] == [
        [(0, 3, "PER"), (18, 22, "LOC")],
        [(7, 10, "PER")],
    ]


def test_disputes_that_no_person_has_settled_are_said_to_be_of_no_use(folder: Path) -> None:
    arguments = (*BOTH, "--out", "gold.jsonl", "--disputes", "open.jsonl")
    assert run(folder, *arguments).returncode == 0
    (folder / "open.jsonl").rename(folder / "looked_at.jsonl")
    done = run(folder, *arguments, "--settled", "looked_at.jsonl")
    assert done.stdout.splitlines()[2:4] == [
        "  4 places that somebody marked; 2 are disputes, for now settled by method",
        "  settled in looked_at.jsonl: 0; expected a person's name in `settled_by` of those that a "
        "person has settled",
    ]


def test_silence_that_is_no_vote_is_counted(folder: Path) -> None:
    text = "then Bo Roe met his aunt and Roe went home; Roe was tired of it all by then"
    marks: list[Mark] = [(5, 11, "PER"), (29, 32, "PER"), (44, 47, "PER")]
    for name, count in (("ana", 3), ("ben", 1), ("cy", 2)):
        said = row("a", name, *marks[:count], text=text, coverage=[[0, len(text)]])
        write(folder / f"{name}.jsonl", said)
    done = run(folder, *BOTH, "cy.jsonl", "--out", "gold.jsonl", "--method", "weighted")
    assert done.stdout == (
        "weighted: it was asked for\n"
        "  gold: 1 documents, 3 spans (PER 3)\n"
        "  3 places that somebody marked; none is a dispute\n"
        "  3 times somebody left a name unmarked that the same person marked elsewhere in the "
        "document: no vote\n"
        "  written: gold.jsonl\n"
    )


def test_json_is_one_object(folder: Path) -> None:
    done = run(folder, *BOTH, "--out", "gold.jsonl", "--method", "sequence", "--json")
    values = json.loads(done.stdout)
    assert list(values) == [
        "method",
        "why",
        "documents",
        "spans",
        "labels",
        "places",
        "disputes",
        "passed_over",
        "rulings",
        "rounds",
        "losses",
    ]
    assert (values["method"], values["why"]) == ("sequence", "it was asked for")
    assert (values["documents"], values["places"], values["rounds"]) == (2, 4, [])
    assert values["spans"] == sum(values["labels"].values())


def test_gold_on_standard_output_leaves_the_report_to_the_other(folder: Path) -> None:
    done = run(folder, *BOTH, "--out", "-", "--method", "weighted")
    assert done.returncode == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["annotator"] for one in rows] == ["gold", "gold"]
    assert done.stderr.startswith("weighted: it was asked for\n")
    assert sorted(path.name for path in folder.iterdir()) == ["ana.jsonl", "ben.jsonl"]


def test_annotations_come_from_standard_input(folder: Path) -> None:
    piped = "".join((folder / name).read_text(encoding="utf-8") for name in BOTH)
    done = run(folder, "-", "--out", "gold.jsonl", input=piped, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert len(read(folder / "gold.jsonl")) == 2


def test_disputes_alone_may_go_to_standard_output(folder: Path) -> None:
    done = run(folder, *BOTH, "--out", "gold.jsonl", "--disputes", "-")
    assert [json.loads(line)["start"] for line in done.stdout.splitlines()] == [0, 14]


def test_guide_orders_its_labels_and_names_the_gold(folder: Path) -> None:
    (folder / "guide.md").write_text(GUIDE, encoding="utf-8")
    write(folder / "ana.jsonl", row("a", "ana", (0, 7, "PER"), guide=None))
    write(folder / "ben.jsonl", row("a", "ben", (0, 7, "LOC"), guide=None))
    done = run(folder, *BOTH, "--out", "gold.jsonl", "--guide", "guide.md")
    assert done.returncode == 0, done.stderr
    (gold,) = read(folder / "gold.jsonl")
    assert (gold["guide"], spans(gold)) == ("small@2", [(0, 7, "LOC")])


def test_texts_may_lie_in_a_file_of_their_own(folder: Path) -> None:
    for annotator, said in SAID.items():
        rows = [
            row(name, annotator, *marks, text=None, text_sha256=SHA256[name])
            for name, marks in said.items()
        ]
        write(folder / f"{annotator}.jsonl", *rows)
    arguments = (*BOTH, "--out", "gold.jsonl", "--method", "sequence")
    assert refused(folder, *arguments) == (
        "method 'sequence': the text of a is not given (2 such); expected the text of every "
        "document.\nGive them with --documents, or take --method weighted."
    )
    texts = write(folder / "texts.jsonl", *({"id": key, "text": TEXTS[key]} for key in TEXTS))
    done = run(folder, *arguments, "--documents", texts.name)
    assert done.returncode == 0, done.stderr


def test_span_outside_what_was_read_is_counted_and_named(folder: Path) -> None:
    write(folder / "ben.jsonl", row("a", "ben", (0, 3, "PER"), (18, 22, "LOC"), coverage=[[0, 9]]))
    done = run(folder, *BOTH, "--out", "gold.jsonl")
    reason = "span dropped: outside what its annotator declared done"
    assert f"       1 x {reason}\n" in done.stdout
    assert done.stdout.endswith("  written: gold.jsonl, gold.ledger.jsonl\n")
    assert read(folder / "gold.ledger.jsonl") == [
        {
            "document_id": "a",
            "start": 18,
            "end": 22,
            "what": "span dropped",
            "why": "outside what its annotator declared done",
        }
    ]
    (folder / "gold.jsonl").unlink()
    (folder / "gold.ledger.jsonl").unlink()
    assert refused(folder, *BOTH, "--out", "gold.jsonl", "--strict") == (
        "--strict: 1 losses; expected none. Nothing was written.\n"
        "  1 x span dropped: outside what its annotator declared done"
    )


def test_ledger_of_an_earlier_run_goes_when_nothing_is_lost(folder: Path) -> None:
    (folder / "gold.ledger.jsonl").write_text("{}\n")
    assert run(folder, *BOTH, "--out", "gold.jsonl").returncode == 0
    assert not (folder / "gold.ledger.jsonl").exists()


WRONG: dict[str, tuple[Sequence[object], str]] = {
    "method": (
        (*BOTH, "--out", "gold.jsonl", "--method", "majority"),
        "--method 'majority': expected one of auto, vote, weighted, sequence.",
    ),
    "agreement below a half": (
        (*BOTH, "--out", "gold.jsonl", "--agreement", "0.3"),
        "--agreement 0.3: expected from 0.5 to below 1.",
    ),
    "no such file": (
        ("ana.jsonl", "bne.jsonl", "--out", "gold.jsonl"),
        "bne.jsonl: no such file; expected a .jsonl or .parquet file, or a folder of such.",
    ),
    "no such settled file": (
        (*BOTH, "--out", "gold.jsonl", "--settled", "none.jsonl"),
        "none.jsonl: No such file or directory; expected a file of JSON lines.",
    ),
    "annotations as the settled file": (
        ("ana.jsonl", "--out", "gold.jsonl", "--settled", "ben.jsonl"),
        "ben.jsonl: 2 records are wrong; expected none.\n"
        "  ben.jsonl:1: unknown key 'annotator'; known keys: certainty, claims, document_id, end, "
        "impact, settled_by, settlement, start, text_sha256.\n"
        "  ben.jsonl:2: unknown key 'annotator'; known keys: certainty, claims, document_id, end, "
        "impact, settled_by, settlement, start, text_sha256.",
    ),
    "gold over an annotator's file": (
        (*BOTH, "--out", "ben.jsonl"),
        "--out ben.jsonl: holds annotations to reconcile; expected a place of its own.",
    ),
    "gold over an annotator's file in a folder that is read": (
        (".", "--out", "ben.jsonl"),
        "--out ben.jsonl: holds annotations to reconcile; expected a place of its own.",
    ),
    "disputes over an annotator's file in a folder that is read": (
        (".", "--out", "gold.jsonl", "--disputes", "ana.jsonl"),
        "--disputes ana.jsonl: holds annotations to reconcile; expected a place of its own.",
    ),
    "disputes over what people have settled": (
        ("ana.jsonl", "--out", "gold.jsonl", "--disputes", "ben.jsonl", "--settled", "ben.jsonl"),
        "--disputes ben.jsonl: is read by the same command; expected a place of its own.",
    ),
    "disputes over the gold": (
        (*BOTH, "--out", "gold.jsonl", "--disputes", "gold.jsonl"),
        "--disputes gold.jsonl: the place of --out too; expected one for each.",
    ),
    "disputes over the ledger": (
        (*BOTH, "--out", "gold.jsonl", "--disputes", "gold.ledger.jsonl"),
        "--disputes gold.ledger.jsonl: the place of what lies beside --out too; expected one for "
        "each.",
    ),
    "all on standard output": (
        (*BOTH, "--out", "-", "--places", "-"),
        "--places -: the place of --out too; expected one for each.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_word_is_answered_with_what_was_expected(folder: Path, case: str) -> None:
    arguments, message = WRONG[case]
    assert refused(folder, *arguments) == message


def test_label_outside_the_guide_is_named(folder: Path) -> None:
    (folder / "guide.md").write_text(GUIDE, encoding="utf-8")
    write(folder / "ben.jsonl", row("a", "ben", (0, 3, "SHIP")))
    assert refused(folder, *BOTH, "--out", "gold.jsonl", "--guide", "guide.md") == (
        "a[0:3]: label 'SHIP' of 'ben'; expected one of LOC, PER."
    )


def test_gold_is_nobody_to_reconcile(folder: Path) -> None:
    write(folder / "old.jsonl", row("b", "gold", (7, 10, "PER")))
    assert refused(folder, *BOTH, "old.jsonl", "--out", "gold.jsonl") == (
        "b: annotated by 'gold', which annotations are reconciled into; expected annotators of "
        "other names.\nLeave the file of gold out."
    )


def test_files_without_a_record_are_nothing_to_reconcile(folder: Path) -> None:
    (folder / "ana.jsonl").write_text("\n")
    assert refused(folder, "ana.jsonl", "--out", "gold.jsonl") == (
        "annotations: none in all files; expected at least one record."
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (BOTH, "expected where the gold of the files goes."),
        (("sample", "--method", "vote"), "is for files; a builder says it in its table"),
        (("sample", "--settled", "settled.jsonl"), "is for files; a builder says it in its table"),
    ],
    ids=["no place for the gold", "method of a builder", "rulings of a builder"],
)
def test_usage_is_explained(folder: Path, arguments: Sequence[str], said: str) -> None:
    done = run(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("\u2502", " ").split())


def test_what_cannot_be_written_is_said(folder: Path) -> None:
    done = run(folder, *BOTH, "--out", "ana.jsonl/gold.jsonl")
    assert done.returncode == 1
    assert done.stderr.startswith("gonerd: ana.jsonl/gold.jsonl: could not be written (")


# The same from Python, without a process for each.


def test_values_and_text_are_handed_over(folder: Path) -> None:
    request = Request(files=[folder / name for name in BOTH], out=folder / "gold.jsonl")
    values, text = reconcile_files(request)
    assert values["labels"] == {"LOC": 2, "PER": 2}
    assert text.startswith("vote: ")


def test_order_of_files_changes_nothing(folder: Path) -> None:
    written = []
    for names in (BOTH, BOTH[::-1]):
        for method in ("vote", "weighted", "sequence"):
            out = folder / "gold" / f"{method}.jsonl"
            files = [folder / name for name in names]
            reconcile_files(Request(files=files, out=out, method=method))
        written.append({path.name: path.read_bytes() for path in (folder / "gold").iterdir()})
    assert written[0] == written[1]


def test_strict_leaves_what_was_written_before(folder: Path) -> None:
    out = folder / "gold.jsonl"
    files = [folder / name for name in BOTH]
    reconcile_files(Request(files=files, out=out))
    before = out.read_bytes()
    write(files[1], row("a", "ben", (18, 22, "LOC"), coverage=[[0, 9]]))
    with pytest.raises(Lost):
        reconcile_files(Request(files=files, out=out, strict=True))
    assert out.read_bytes() == before


def test_name_of_a_method_is_checked_before_files_are_read(folder: Path) -> None:
    with pytest.raises(ConfigError):
        reconcile_files(Request(files=[folder / "none"], out=folder / "gold", method="best"))
