"""Tests that imports and exports land on disk with their ledger beside them, or not at all."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from gonerd.beside import asides_path, losses_path
from gonerd.errors import ConfigError, Lost, RecordError, StoreError, TextMismatch
from gonerd.formats.catalogue import FORMATS
from gonerd.formats.deliver import deliver_export, deliver_import, load_texts
from gonerd.formats.layers import Aside, Written
from gonerd.formats.report import export_report, import_report
from gonerd.formats.step import Imported
from gonerd.gather import gather
from gonerd.records import Annotation, Document, Loss, annotation_to_json
from tests.folders import contents
from tests.formats.round_trips import annotated
from tests.strategies import HOSTILE_TEXTS

LOSS = Loss(document_id="l-17", start=0, end=3, what="span moved", why="it stood elsewhere")
ASIDE = Aside(document_id="l-17", annotator="ana", kind="note", value={"text": "\ud800 \U0001f600"})
DOCUMENT = Document(id="l-17", text="Ana met Bo.", source="l-17", license="cc0-1.0", language="en")


def imported(
    *annotations: Annotation,
    documents: Sequence[Document] = (DOCUMENT,),
    losses: Sequence[Loss] = (),
    asides: Sequence[Aside] = (),
    **values: Any,
) -> Imported:
    return Imported(
        annotations=annotations,
        documents={document.id: document for document in documents},
        asides=tuple(asides),
        losses=tuple(losses),
        **{"notes": {}, "units": {}, "offsets": {}, **values},
    )


def by(annotator: str, document: Document = DOCUMENT) -> Annotation:
    return Annotation(
        document_id=document.id,
        text_sha256=document.text_sha256,
        annotator=annotator,
        guide="",
        coverage=((0, len(document.text)),) if document.text else (),
        spans=(),
    )


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_annotations_lie_in_one_file_with_their_texts(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "annotations.jsonl"
    files = deliver_import(imported(by("ana"), by("bo")), out, documents_out=None, strict=False)
    assert files == [out]
    assert rows(out) == [
        {**annotation_to_json(by(name)), "text": DOCUMENT.text} for name in ("ana", "bo")
    ]


def test_texts_may_lie_in_a_file_of_their_own(tmp_path: Path) -> None:
    out, texts = tmp_path / "annotations.jsonl", tmp_path / "documents.jsonl"
    files = deliver_import(imported(by("ana")), out, documents_out=texts, strict=False)
    assert files == [out, texts]
    assert rows(out) == [annotation_to_json(by("ana"))]
    assert rows(texts) == [asdict(DOCUMENT)]


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
@pytest.mark.parametrize("apart", [False, True], ids=["inside", "apart"])
def test_what_was_imported_is_what_is_read(text: str, apart: bool, tmp_path: Path) -> None:
    document = Document(id="l-17", text=text, source="l-17", license="unknown", language="en")
    out, texts = tmp_path / "annotations.jsonl", tmp_path / "documents.jsonl"
    found = imported(by("ana", document), documents=[document])
    deliver_import(found, out, documents_out=texts if apart else None, strict=False)
    (one,) = gather([out], texts if apart else None)
    assert (one.document, one.annotations) == (document, (by("ana", document),))


def test_what_was_lost_or_kept_aside_lies_beside(tmp_path: Path) -> None:
    out = tmp_path / "annotations.jsonl"
    found = imported(by("ana"), losses=[LOSS], asides=[ASIDE])
    files = deliver_import(found, out, documents_out=None, strict=False)
    assert [path.name for path in files] == [
        "annotations.jsonl", "annotations.ledger.jsonl", "annotations.asides.jsonl"
    ]  # fmt: skip
    assert rows(losses_path(out)) == [asdict(LOSS)]
    assert rows(asides_path(out)) == [asdict(ASIDE)]
    assert len(gather([tmp_path])) == 1


def test_strict_takes_no_loss_and_writes_nothing(tmp_path: Path) -> None:
    other = Loss(document_id="l-18", what="span refused", why="it is empty")
    with pytest.raises(Lost) as caught:
        deliver_import(
            imported(by("ana"), losses=[LOSS, other, LOSS]),
            tmp_path / "annotations.jsonl",
            documents_out=tmp_path / "documents.jsonl",
            strict=True,
        )
    message = (
        "--strict: 3 losses; expected none. Nothing was written.\n"
        "  2 x span moved: it stood elsewhere\n"
        "  1 x span refused: it is empty"
    )
    assert str(caught.value) == message
    with pytest.raises(Lost) as caught:
        written = Written(files={"": b"x"}, losses=(LOSS, other, LOSS))
        deliver_export(written, tmp_path / "x.conll", strict=True)
    assert str(caught.value) == message
    assert contents(tmp_path) == {}


def test_strict_has_nothing_against_what_is_whole(tmp_path: Path) -> None:
    deliver_import(imported(asides=[ASIDE]), tmp_path / "a.jsonl", documents_out=None, strict=True)
    deliver_export(Written(files={"": b"x"}), tmp_path / "a.conll", strict=True)
    assert list(contents(tmp_path)) == ["a.asides.jsonl", "a.conll", "a.jsonl"]


def test_annotations_and_texts_cannot_share_a_place(tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    for place, texts in ((out, out), (Path("-"), Path("-")), (out, losses_path(out))):
        with pytest.raises(ConfigError) as caught:
            deliver_import(imported(), place, documents_out=texts, strict=False)
        assert str(caught.value) == (
            f"--documents-out {texts}: the place of --out, or of what lies beside it; expected "
            "another."
        )
    assert contents(tmp_path) == {}


def test_standard_output_takes_no_files_beside_it(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = imported(by("ana"), losses=[LOSS], asides=[ASIDE])
    assert deliver_import(found, Path("-"), documents_out=None, strict=False) == []
    written = Written(files={"": b"\xff\r\n"}, losses=(LOSS,))
    assert deliver_export(written, Path("-"), strict=False) == []
    line, rest = capfdbinary.readouterr().out.split(b"\n", 1)
    assert json.loads(line)["annotator"] == "ana"
    assert rest == b"\xff\r\n"
    assert contents(tmp_path) == {}


def test_one_file_lies_where_the_user_said_and_several_below(tmp_path: Path) -> None:
    one = Written(files={"": b"1"}, losses=(LOSS,))
    assert deliver_export(one, tmp_path / "gold.conll", strict=False) == [
        tmp_path / "gold.conll",
        tmp_path / "gold.conll.ledger.jsonl",
    ]
    several = Written(files={"b/1.ann": b"b1", "a.ann": b"a"})
    assert deliver_export(several, tmp_path / "brat", strict=False) == [
        tmp_path / "brat" / "a.ann",
        tmp_path / "brat" / "b" / "1.ann",
    ]
    (tmp_path / "gold.conll.ledger.jsonl").unlink()
    assert contents(tmp_path) == {"gold.conll": b"1", "brat/a.ann": b"a", "brat/b/1.ann": b"b1"}


def test_the_folder_one_stands_in_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brat").mkdir()
    monkeypatch.chdir(tmp_path / "brat")
    written = Written(files={"a.ann": b"a", "b.ann": b"b"}, losses=(LOSS,))
    deliver_export(written, Path("."), strict=False)
    assert set(contents(tmp_path)) == {"brat.ledger.jsonl", "brat/a.ann", "brat/b.ann"}


def test_several_files_need_a_folder(tmp_path: Path) -> None:
    written = Written(files={"a.ann": b"a", "b.ann": b"b"})
    with pytest.raises(ConfigError) as refused:
        deliver_export(written, Path("-"), strict=False)
    assert str(refused.value) == "--out -: the format writes 2 files here; expected a folder."
    (tmp_path / "x").write_bytes(b"mine")
    with pytest.raises(StoreError) as caught:
        deliver_export(written, tmp_path / "x", strict=False)
    assert str(caught.value) == (
        f"{tmp_path}/x: is a file, and 2 files are to be written; expected a folder."
    )
    assert contents(tmp_path) == {"x": b"mine"}


def test_one_file_cannot_take_the_place_of_a_folder(tmp_path: Path) -> None:
    message = f"{tmp_path}: is a folder, and one file is to be written; expected its name."
    with pytest.raises(StoreError) as caught:
        deliver_export(Written(files={"": b"x"}), tmp_path, strict=False)
    assert str(caught.value) == message
    with pytest.raises(StoreError) as caught:
        deliver_import(imported(by("ana")), tmp_path, documents_out=None, strict=False)
    assert str(caught.value) == message
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_name_leads_a_file_out_of_its_folder(name: str, tmp_path: Path) -> None:
    hostile = ["../../x", "/etc/x", "..", ".", "a/../../b", "-", "\x00\n", "~", "CON", "\\..\\x"]
    items = [
        annotated("Ana met Bo.", (0, 3, "PER"), document_id=f"{who}{number}", annotator=who)
        for number, who in enumerate(hostile)
    ]
    written = FORMATS[name].write(items)
    out = tmp_path / "in" / "out"
    files = deliver_export(written, out, strict=False)
    assert files
    assert all(path.resolve().is_relative_to(tmp_path / "in") for path in files)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_texts_are_read_from_a_folder_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "l-17.v2.txt").write_bytes("\ufeffA\r\nB\n".encode())
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / ".hidden.txt").write_bytes(b"")
    (tmp_path / "notes.md").write_bytes(b"")
    found = load_texts(tmp_path)
    assert {name: document.text for name, document in found.items()} == {
        "a": "packed", "b/l-17.v2": "A\r\nB\n"
    }  # fmt: skip
    assert found["a"] == Document(
        id="a", text="packed", source="a", license="unknown", language="en"
    )


def test_texts_are_read_from_documents(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text('{"id": "l-17", "text": "A"}\n', encoding="utf-8")
    assert [document.text for document in load_texts(path).values()] == ["A"]
    path.write_text('{"id": "l-17", "text": "A"}\n{"id": "l-17", "text": "B"}\n', encoding="utf-8")
    with pytest.raises(TextMismatch) as caught:
        load_texts(path)
    assert str(caught.value) == f"{path}: two texts of document 'l-17'; expected an id for each."


def test_a_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l-17.txt").write_bytes(b"caf\xe9")
    with pytest.raises(RecordError) as caught:
        load_texts(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/l-17.txt: byte 3 (0xe9) is not UTF-8; expected a text in UTF-8."
    )


def test_a_report_says_what_came_in(tmp_path: Path) -> None:
    one = annotated("Ana met Bo.", (0, 3, "PER"), (8, 10, "PER"), (4, 7, "MISC"))
    found = imported(
        *one.annotations,
        by("bo", one.document),
        Annotation(**{**_fields(by("cyd", one.document)), "coverage": ((0, 3),)}),
        documents=[one.document],
        losses=[LOSS],
        asides=[ASIDE],
        notes={"tags are IOB2": 1_200},
        units={"UTF-16": 2, "bytes": 1},
        offsets={"matched": 3, "unverified": 0, "moved": 1, "refused": 0},
    )
    values, text = import_report(found, FORMATS["brat"], [Path(f"{name}.x") for name in "abcdef"])
    assert text == (
        "brat standoff: 1 documents, 3 annotations by 3 annotators, 3 spans\n"
        "  annotators: ana 1, bo 1, cyd 1\n"
        "  spans: PER 2, MISC 1\n"
        "  read whole: 2 of 3 annotations; elsewhere what is not marked is unknown\n"
        "  offsets in UTF-16 2, bytes 1; spans 3 matched, 1 moved\n"
        "  tags are IOB2 (1,200)\n"
        "  kept aside: note 1\n"
        "  moved, refused or dropped, each named in the ledger:\n"
        "       1 x span moved: it stood elsewhere\n"
        "  written: a.x, b.x, c.x, d.x, and 2 more"
    )
    assert json.loads(json.dumps(values)) == {
        "format": "brat",
        "documents": 1,
        "annotations": 3,
        "annotators": {"ana": 1, "bo": 1, "cyd": 1},
        "spans": 3,
        "labels": {"PER": 2, "MISC": 1},
        "read_whole": 2,
        "units": {"UTF-16": 2, "bytes": 1},
        "offsets": {"matched": 3, "unverified": 0, "moved": 1, "refused": 0},
        "notes": {"tags are IOB2": 1_200},
        "asides": {"note": 1},
        "losses": {"span moved: it stood elsewhere": 1},
        "files": [f"{name}.x" for name in "abcdef"],
    }


def test_a_report_of_nothing(tmp_path: Path) -> None:
    _, text = import_report(imported(documents=[]), FORMATS["brat"], [])
    assert text == (
        "brat standoff: 0 documents, 0 annotations by 0 annotators, 0 spans\n"
        "  annotators: none\n"
        "  spans: none\n"
        "  read whole: 0 of 0 annotations; elsewhere what is not marked is unknown, unless you say "
        "--complete\n"
        "  nothing moved, refused or dropped"
    )


def test_a_report_says_what_went_out() -> None:
    one = annotated("Ana met Bo.", (0, 3, "PER"))
    losses = tuple(
        Loss(document_id="l-17", what="span widened", why=f"reason {number}")
        for number in range(22)
    )
    values, text = export_report(Written(files={}, losses=losses), [one], [Path("x")])
    lines = text.splitlines()
    assert lines[:2] == [
        "1 documents, 1 annotations, 1 spans",
        "  moved, refused or dropped, each named in the ledger:",
    ]
    assert lines[-2:] == ["  and 2 other reasons", "  written: x"]
    assert (values["spans"], len(values["losses"]), values["files"]) == (1, 22, ["x"])


def _fields(annotation: Annotation) -> dict[str, Any]:
    return {name: getattr(annotation, name) for name in Annotation.__slots__}
