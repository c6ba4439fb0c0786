"""Tests that a project's users, documents and states are read for what they are."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import RecordError, SourceError
from gonerd.formats.layers import MARKED, WHOLE, Annotated, Mention, ReadOptions
from gonerd.formats.members import Member, find_members
from gonerd.formats.step import bring_in
from gonerd.formats.uima.inception import FORMAT
from gonerd.records import Span
from tests.formats.given import annotated_documents, fitted, member, members_of, read_all
from tests.formats.real import real
from tests.formats.uima.uima_given import annotated, by_annotators, check_came_back
from tests.strategies import hostile_values

NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
TABLE = (
    f"#FORMAT=WebAnno TSV 3.3\n#T_SP={NAMED_ENTITY}|identifier|value\n\n\n"
    "#Text=Ana\n1-1\t0-3\tAna\t*\tPER\t\n\n#Text=Bo\n2-1\t5-7\tBo\t_\t_\t\n"
)
XMI = (
    '<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" '
    'xmlns:n="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore" xmi:version="2.0">'
    '<n:NamedEntity xmi:id="2" sofa="1" begin="0" end="3" value="PER"/>'
    '<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" sofaString="Ana"/>'
    '<cas:View sofa="1" members="2"/></xmi:XMI>'
)
TYPES = (
    '<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>'
    f"<typeDescription><name>{NAMED_ENTITY}</name>"
    "<supertypeName>uima.tcas.Annotation</supertypeName><features><featureDescription>"
    "<name>value</name><rangeTypeName>uima.cas.String</rangeTypeName>"
    "</featureDescription></features></typeDescription></types></typeSystemDescription>"
)


def project(*states: tuple[str, str, str], **more: Any) -> Member:
    """Write what a project says of document, user and state."""
    rows = [{"name": name, "user": user, "state": state} for name, user, state in states]
    return member(json.dumps({"annotation_documents": rows} | more), "exportedproject.json", "out")


def table(path: str, content: str | bytes = TABLE) -> Member:
    """Hold a file of the project."""
    return member(content, path, "out")


def packed(**files: str) -> bytes:
    """Pack files into a zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return stream.getvalue()


@given(st.lists(annotated_documents(), min_size=1, max_size=2, unique_by=lambda i: i.document.id))
def test_everything_comes_back_or_is_in_the_ledger(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)
    written = FORMAT.write(kept)

    check_came_back(kept, written, read_all(FORMAT, members_of(written, "")))


def test_a_project_is_laid_out_as_inception_does() -> None:
    item = by_annotators(
        annotated("Ana", Span(start=0, end=3, label="PER")), "bo", "CURATION_USER", "INITIAL_CAS"
    )
    (bo, curated, initial) = item.annotations
    item = replace(item, annotations=(replace(bo, coverage=((0, 1),)), curated, initial))

    written = FORMAT.write([item])

    assert set(written.files) == {
        "annotation/d%2F1.txt/bo.tsv",
        "annotation/d%2F1.txt/%49NITIAL_CAS.tsv",
        "curation/d%2F1.txt/CURATION_USER.tsv",
        "source/d%2F1.txt",
        "exportedproject.json",
    }
    assert written.files["source/d%2F1.txt"] == b"Ana"
    assert json.loads(written.files["exportedproject.json"]) == {
        "name": "gonerd",
        "version": 1,
        "mode": "annotation",
        "source_documents": [{"name": "d%2F1.txt", "format": "text", "state": "CURATION_FINISHED"}],
        "annotation_documents": [
            {"name": "d%2F1.txt", "user": "bo", "state": "IN_PROGRESS"},
            {"name": "d%2F1.txt", "user": "%49NITIAL_CAS", "state": "FINISHED"},
        ],
    }
    check_came_back([item], written, read_all(FORMAT, members_of(written, "")))


def test_a_document_that_nobody_has_annotated_is_a_loss() -> None:
    written = FORMAT.write([replace(annotated("Ana"), annotations=())])
    assert set(written.files) == {"exportedproject.json"}
    assert [(loss.what, loss.why) for loss in written.losses] == [
        ("document left out", "nobody has annotated it")
    ]


@pytest.mark.parametrize(
    ("file", "user"),
    [
        pytest.param("ana", "ana", id="bare"),
        pytest.param("ana7384282488041322216", "ana", id="number"),
        pytest.param("ana58469755917065787", "ana", id="shorter number"),
        pytest.param("bo_7384282488041322216", "bo", id="filled up"),
        pytest.param("bo_", "bo_", id="real underscore"),
        pytest.param("ana17384282488041322216", "ana1", id="user with a digit"),
        pytest.param("ana1", "ana1", id="user with a digit alone"),
        pytest.param("cy.d", "cy.d", id="dot"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_the_number_behind_a_user_is_not_the_user(file: str, user: str, known: bool) -> None:
    users = ("ana", "ana1", "bo", "cy.d", "")
    members = [table(f"annotation/d/{file}.tsv")]
    if known:
        members.append(project(*(("d", name, "FINISHED") for name in users)))
    if user == "ana1" and file != "ana1" and not known:
        user = "ana"  # nothing tells it from a longer number

    (found,) = read_all(FORMAT, members)

    assert (found.document_id, found.annotator) == ("d", user)
    assert found.coverage == (WHOLE if known and user in users else MARKED)


@pytest.mark.parametrize(
    ("state", "coverage", "mentions", "losses"),
    [
        ("FINISHED", WHOLE, 1, []),
        ("IN_PROGRESS", MARKED, 1, []),
        ("NEW", MARKED, 0, [("answer refused", "its state is NEW")]),
        ("IGNORE", MARKED, 0, [("answer refused", "its state is IGNORE")]),
        ("", MARKED, 1, []),
    ],
)
def test_the_state_says_what_was_read(
    state: str, coverage: str, mentions: int, losses: list[tuple[str, str]]
) -> None:
    members = [project(("d.txt", "ana", state)), table("annotation/d.txt/ana.tsv")]

    (found,) = read_all(FORMAT, members)

    assert (found.coverage, len(found.mentions)) == (coverage, mentions)
    assert [(loss.what, loss.why) for loss in found.losses] == losses


@pytest.mark.parametrize("state", ["CURATION_FINISHED", "CURATION_IN_PROGRESS"])
def test_curation_is_an_annotator_of_its_own(state: str) -> None:
    sources = [{"name": "d", "state": state}]
    members = [
        project(("d", "ana", "FINISHED"), source_documents=sources),
        table("annotation/d/ana.tsv"),
        table("annotation/d/INITIAL_CAS.tsv"),
        table("annotation/d/INITIAL_CAS7384282488041322216.tsv"),
        table("curation/d/CURATION_USER7384282488041322216.tsv"),
        table("annotation_ser/d/ana.ser", b"\xac\xed"),
    ]

    passes = read_all(FORMAT, members)

    assert [(one.annotator, one.coverage) for one in passes] == [
        ("ana", WHOLE),
        ("CURATION_USER", WHOLE if state == "CURATION_FINISHED" else MARKED),
    ]
    passed_over = "the documents as they were before annotation (INITIAL_CAS) are passed over"
    assert [passed_over in one.notes for one in passes] == [True, False]


def test_the_text_that_was_imported_is_taken_where_the_tokens_stand_in_it() -> None:
    members = [
        table("annotation/a.txt/ana.tsv"),
        table("annotation/b.txt/ana.tsv"),
        table("annotation/c.txt/ana.tsv"),
        table("source/a.txt", "Ana\r\nBo\r\n"),
        table("source/b.txt", "something else"),
        table("source/c.txt", b"\xff\xfe"),
    ]

    passes = read_all(FORMAT, members)

    assert [one.text for one in passes] == ["Ana\r\nBo\r\n", "Ana\n Bo", "Ana\n Bo"]


def test_files_of_both_kinds_are_read_bare_and_packed() -> None:
    members = [
        table("p/annotation/d/ana.zip", packed(ana__xmi=XMI, TypeSystem__xml=TYPES)),
        table("p/annotation/d/bo.zip", packed(bo__tsv=TABLE)),
        table("p/annotation/d/cy.xmi", XMI),
        table("p/annotation/e/di.tsv"),
    ]

    passes = read_all(FORMAT, members)

    assert [(one.where, one.document_id, one.annotator) for one in passes] == [
        ("p/annotation/d/bo.zip!bo.tsv", "d", "bo"),
        ("p/annotation/e/di.tsv", "e", "di"),
        ("p/annotation/d/ana.zip!ana.xmi", "d", "ana"),
        ("p/annotation/d/cy.xmi", "d", "cy"),
    ]
    assert {one.mentions for one in passes} == {
        (Mention(start=0, end=3, label="PER", surface="Ana"),)
    }


def test_a_pattern_says_which_names_are_meant() -> None:
    members = [table("annotation/d.tsv/ana99.tsv"), table("annotation/d.tsv/bo.xmi", XMI)]

    passes = read_all(FORMAT, members, paths="{document}.tsv/{annotator}.tsv")

    assert [(one.document_id, one.annotator) for one in passes] == [("d", "ana99"), ("d.tsv", "bo")]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_project_is_read_from_disk(zipped: bool, tmp_path: Path) -> None:
    files = dict(FORMAT.write([annotated("Ana", Span(start=0, end=3, label="PER"))]).files)
    for user in ("bo", "cy"):
        files[f"annotation/x.txt/{user}.zip"] = packed(
            **{f"{user}__xmi": XMI, "TypeSystem__xml": TYPES}
        )
    if zipped:
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    imported = bring_in(FORMAT, [tmp_path / "p.zip" if zipped else tmp_path], ReadOptions())

    assert [(one.document_id, one.annotator) for one in imported.annotations] == [
        ("d/1", "ana"),
        ("x.txt", "bo"),
        ("x.txt", "cy"),
    ]
    assert "there is no type system beside; types are as the file uses them" not in imported.notes


@pytest.mark.parametrize(
    ("members", "kind", "message"),
    [
        pytest.param(
            [project()],
            SourceError,
            "out: no annotation/DOCUMENT/USER file among 1; expected a project that INCEpTION "
            "exported with a format of its own.",
            id="no files",
        ),
        pytest.param(
            [table("annotation/d/ana.zip", b"PK")],
            SourceError,
            "annotation/d/ana.zip: cannot be read (File is not a zip file); expected a whole "
            "archive.",
            id="no zip",
        ),
        pytest.param(
            [
                member('{"annotation_documents": {"a": 1}}', "exportedproject.json", "out"),
                table("annotation/d/ana.tsv"),
            ],
            RecordError,
            "exportedproject.json: annotation_documents is {'a': 1}; expected a list of objects, "
            "as INCEpTION writes it.",
            id="states",
        ),
    ],
)
def test_what_is_no_project_is_refused(
    members: list[Member], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as error:
        read_all(FORMAT, members)
    assert str(error.value) == message


@given(
    st.dictionaries(
        st.sampled_from(["annotation_documents", "source_documents", "project_permissions"]),
        hostile_values
        | st.lists(
            st.dictionaries(st.sampled_from(["name", "user", "state", "x"]), hostile_values),
            max_size=2,
        ),
    )
)
def test_any_project_file_is_read_or_refused(content: dict[str, Any]) -> None:
    members = [
        member(json.dumps(content), "exportedproject.json", "out"),
        table("annotation/d/ana.tsv"),
    ]
    try:
        (found,) = read_all(FORMAT, members)
    except RecordError as error:
        assert str(error).startswith("exportedproject.json: ")
    else:
        assert found.document_id == "d"


def test_a_real_project_has_its_four_users() -> None:
    options = ReadOptions(layer="TxtDate.Category")

    imported = bring_in(FORMAT, [real("multi_annotator/airec_inception")], options)

    by_user: dict[str, int] = {}
    for one in imported.annotations:
        by_user[one.annotator] = by_user.get(one.annotator, 0) + 1
    assert by_user == {"ep": 1, "ik": 1, "sm": 4, "yes": 21}
    assert len(imported.documents) == 21
    assert imported.offsets == {"matched": 290, "unverified": 0, "moved": 0, "refused": 0}
    assert not imported.losses


def test_a_real_project_comes_back_from_ours() -> None:
    path = real("multi_annotator/airec_inception")
    options = ReadOptions(layer="TxtDate.Category")
    imported = bring_in(FORMAT, [path], options)
    assert len(find_members([path])) == 51
    items = [
        Annotated(
            document=document,
            annotations=tuple(one for one in imported.annotations if one.document_id == name),
        )
        for name, document in imported.documents.items()
    ]

    written = FORMAT.write(items)

    assert not written.losses
    check_came_back(items, written, read_all(FORMAT, members_of(written, "")))
