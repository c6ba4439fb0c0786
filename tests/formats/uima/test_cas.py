"""Tests that UIMA CAS files are read safely and whole, and that dkpro-cassis reads ours."""

import json
import re
import sys
import warnings
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import cassis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, MissingExtra, RecordError
from gonerd.formats.layers import MARKED, Annotated, Mention, Pass
from gonerd.formats.members import Member, find_members
from gonerd.formats.uima.cas import FORMAT
from gonerd.records import Span
from tests.formats.given import annotated_documents, fitted, member, members_of, read_all
from tests.formats.real import real
from tests.formats.uima.uima_given import annotated, by_annotators, check_came_back, placed
from tests.strategies import HOSTILE_TEXTS, hostile_values

NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
TEXT = "Ana \U0001f600 met\r\nBo."


def xmi(*elements: str, text: str = TEXT, extra: str = "") -> str:
    """Write a CAS; `n:` are the named entities, `c:` types made by hand."""
    escaped = text.replace("&", "&amp;").replace("\r", "&#13;").replace("\n", "&#10;")
    members = " ".join(re.findall(r'xmi:id="(\d+)"', "".join(elements)))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" '
        'xmlns:n="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore" '
        'xmlns:t="http:///uima/tcas.ecore" xmlns:c="http:///my/own.ecore" xmi:version="2.0">'
        f'<cas:NULL xmi:id="0"/>{"".join(elements)}'
        f'<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" sofaString="{escaped}"/>'
        f'<cas:View sofa="1" members="{members}"/>{extra}</xmi:XMI>'
    )


TYPES = """<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>
<typeDescription><name>{name}</name><supertypeName>uima.tcas.Annotation</supertypeName><features>
<featureDescription><name>{feature}</name><rangeTypeName>uima.cas.String</rangeTypeName>
</featureDescription></features></typeDescription>
<typeDescription><name>my.own.Person</name><supertypeName>{name}</supertypeName></typeDescription>
</types></typeSystemDescription>"""
ENTITY_TYPES = TYPES.format(name=NAMED_ENTITY, feature="value")

BO = '<n:NamedEntity xmi:id="9" sofa="1" begin="12" end="14" value="PER"/>'


def read_one(content: str, *beside: Member, name: str = "d.xmi", **options: str) -> Pass:
    """Read one file."""
    (found,) = read_all(FORMAT, [member(content, name, "ana"), *beside], **options)
    return found


@given(st.lists(annotated_documents(), min_size=1, max_size=2, unique_by=lambda i: i.document.id))
def test_everything_comes_back(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)
    written = FORMAT.write(kept)

    assert not written.losses
    check_came_back(kept, written, read_all(FORMAT, members_of(written, "one.json")))


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
@pytest.mark.parametrize("label", ["PER", "a\x00b<&\"'>\n\t"], ids=["name", "hostile"])
def test_hostile_text_comes_back_and_cassis_sees_the_same(text: str, label: str) -> None:
    whole = f"<{text}>"
    spans = (
        Span(start=0, end=len(whole), label=label, confidence=0.25, support=3),
        Span(start=len(whole) - 1, end=len(whole), label="X"),
    )
    item = annotated(whole, *spans)

    written = FORMAT.write([item])

    (found,) = read_all(FORMAT, members_of(written, "one.json"))
    check_came_back([item], written, [found])
    assert found.asides == ()
    assert found.details == {"source": "s", "url": "u", "license": "mit", "language": "en"}
    cas = load(written.files)
    assert cas.sofa_string == whole
    seen = [(one.begin, one.end, one.value) for one in cas.select(NAMED_ENTITY)]
    assert sorted(seen) == sorted((span.start, span.end, span.label) for span in spans)
    segmentation = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type"
    covered = [one.get_covered_text() for one in cas.select(f"{segmentation}.Token")]
    assert "".join(covered) == re.sub(r"\s", "", whole)
    assert cas.select(f"{segmentation}.Sentence")[0].begin == 0


def load(files: Mapping[str, bytes]) -> Any:
    """Let the library read a lone document, strictly."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if set(files) == {""}:
            return cassis.load_cas_from_json(files[""].decode())
        assert set(files) == {"d%2F1.xmi", "TypeSystem.xml"}
        types = cassis.load_typesystem(BytesIO(files["TypeSystem.xml"]))
        return cassis.load_cas_from_xmi(BytesIO(files["d%2F1.xmi"]), typesystem=types)


@pytest.mark.parametrize("text", ["", " ", "\x00"], ids=["empty", "blank", "control"])
def test_a_text_without_tokens_comes_back(text: str) -> None:
    item = annotated(text)
    written = FORMAT.write([item])
    check_came_back([item], written, read_all(FORMAT, members_of(written, "one.json")))


def test_annotators_have_folders_each_with_the_type_system() -> None:
    item = by_annotators(annotated("Ana", Span(start=0, end=3, label="PER")), "ana", "../b")

    written = FORMAT.write([item])

    assert set(written.files) == {
        "ana/d%2F1.xmi",
        "ana/TypeSystem.xml",
        "%2E.%2Fb/d%2F1.xmi",
        "%2E.%2Fb/TypeSystem.xml",
    }
    check_came_back([item], written, read_all(FORMAT, members_of(written, "")))


def test_an_edited_file_of_ours_is_no_longer_its_annotators_word() -> None:
    files = FORMAT.write([annotated("Ana", Span(start=0, end=3, label="PER"))]).files
    edited = {name: content.replace(b'"PER"', b'"ORG"') for name, content in files.items()}

    (found,) = read_all(FORMAT, [member(content, name, "bo") for name, content in edited.items()])

    assert (found.document_id, found.annotator, found.coverage) == ("d%2F1", "bo", MARKED)


@pytest.mark.parametrize("beside", [True, False], ids=["with types", "without"])
def test_offsets_stay_in_utf16_and_say_so(beside: bool) -> None:
    types = [member(ENTITY_TYPES, "TypeSystem.xml", "ana")] if beside else []

    found = read_one(xmi(BO), *types)

    assert (found.document_id, found.annotator, found.coverage) == ("d", "ana", MARKED)
    assert (found.text, found.unit) == (TEXT, "UTF-16")
    assert found.mentions == (Mention(start=12, end=14, label="PER", surface="Bo"),)
    assert placed(found).spans == (Span(start=11, end=13, label="PER"),)
    assert found.notes == (
        *(() if beside else ("there is no type system beside; types are as the file uses them",)),
        f"entities are in {NAMED_ENTITY}, their labels in value",
    )


@pytest.mark.parametrize(
    ("element", "surface"),
    [
        pytest.param(BO.replace("12", "5"), None, id="inside a character"),
        pytest.param(BO.replace("14", "99"), None, id="past the text"),
        pytest.param(BO.replace('"12"', '"-3"'), None, id="before the text"),
    ],
)
def test_a_span_that_is_not_in_the_text_has_no_surface(element: str, surface: None) -> None:
    (mention,) = read_one(xmi(element)).mentions
    assert mention.surface is surface


@pytest.mark.parametrize(
    ("element", "why"),
    [
        (BO.replace("14", "12"), "it is empty"),
        (BO.replace('begin="12"', ""), "it has no offsets"),
        (BO.replace("12", "9" * 30), "it has no offsets"),
    ],
    ids=["empty", "no begin", "huge"],
)
def test_a_span_without_length_is_refused(element: str, why: str) -> None:
    found = read_one(xmi(element), member(ENTITY_TYPES, "TypeSystem.xml", "ana"))

    assert found.mentions == ()
    assert [(loss.what, loss.why) for loss in found.losses] == [("span refused", why)]


def test_subtypes_are_entities_and_all_else_is_kept_aside() -> None:
    content = xmi(
        '<t:DocumentAnnotation xmi:id="2" sofa="1" begin="0" end="15" language="nl"/>',
        '<c:Person xmi:id="3" sofa="1" begin="0" end="3"/>',
        '<c:Token xmi:id="4" sofa="1" begin="0" end="3"/>',
        '<c:Tie xmi:id="5" sofa="1" begin="12" end="14" Governor="3" Dependent="9" kind="to"/>',
        '<c:Event xmi:id="6" sofa="1" begin="7" end="10" kind="meeting" sure="0.5"/>',
        '<c:Fact xmi:id="7" about="true"/>',
        '<n:NamedEntity xmi:id="9" sofa="1" begin="12" end="14" value="PER" identifier="Q1"/>',
    )

    found = read_one(content, member(ENTITY_TYPES, "typesystem.xml", "ana"))

    assert [(one.label, one.surface) for one in found.mentions] == [
        ("Person", "Ana"),
        ("PER", "Bo"),
    ]
    assert found.details == {"language": "nl"}
    assert [(aside.kind, dict(aside.value)) for aside in found.asides] == [
        ("feature structure", {"layer": "my.own.Fact", "features": {"about": "true"}}),
        (
            "span",
            {
                "layer": "my.own.Event",
                "features": {"kind": "meeting", "sure": "0.5"},
                "start": 7,
                "end": 10,
            },
        ),
        (
            "features",
            {
                "layer": NAMED_ENTITY,
                "features": {"identifier": "Q1"},
                "start": 12,
                "end": 14,
                "label": "PER",
            },
        ),
        (
            "relation",
            {
                "layer": "my.own.Tie",
                "features": {"Dependent": "9", "Governor": "3", "kind": "to"},
                "start": 12,
                "end": 14,
            },
        ),
    ]
    assert found.notes == (
        "types that the type system does not know are as the file uses them",
        "tokens and sentences are not kept",
        f"entities are in {NAMED_ENTITY}, their labels in value",
    )


def test_each_view_with_a_text_is_a_document() -> None:
    second = (
        '<cas:Sofa xmi:id="20" sofaNum="2" sofaID="nl" sofaString="Bo"/>'
        '<n:NamedEntity xmi:id="21" sofa="20" begin="0" end="2" value="PER"/>'
        '<cas:View sofa="20" members="21"/><cas:Sofa xmi:id="30" sofaNum="3" sofaID="none"/>'
    )

    passes = read_all(FORMAT, [member(xmi(BO, extra=second), "d.xmi", "ana")])

    assert [(one.document_id, one.text) for one in passes] == [("d", TEXT), ("d/nl", "Bo")]
    assert [len(one.mentions) for one in passes] == [1, 1]


def test_a_view_that_only_says_where_its_text_is_has_none() -> None:
    content = xmi(BO).replace("sofaString", "sofaURI")

    found = read_one(content)

    assert (found.text, len(found.mentions)) == (None, 1)


def test_the_layer_is_chosen_or_asked_for() -> None:
    events = xmi(
        '<c:Event xmi:id="6" sofa="1" begin="7" end="10" kind="meeting" note="x"/>',
        '<c:SameLink xmi:id="7" sofa="1" begin="7" end="10" referenceType="pr"/>',
    )

    assert [one.label for one in read_one(events, layer="Event.kind").mentions] == ["meeting"]
    assert [one.label for one in read_one(events, layer="SameLink").mentions] == ["pr"]
    with pytest.raises(ConfigError) as error:
        read_one(events)
    assert str(error.value) == (
        "ana: the entities may be in my.own.Event.kind, my.own.Event.note; expected one layer with "
        "one feature.\nSay which, as in --layer my.own.Event.kind."
    )


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
INJECTED = "a=None):\n  import os; os.abort()\n#"


@pytest.mark.parametrize(
    ("content", "types", "message"),
    [
        pytest.param(
            xmi(BO).replace("<xmi:XMI", f"{BOMB}<xmi:XMI"),
            None,
            "d.xmi: holds a DOCTYPE; expected XML without one.",
            id="entities",
        ),
        pytest.param(
            xmi(BO),
            f"{BOMB}{ENTITY_TYPES}",
            "TypeSystem.xml: holds a DOCTYPE; expected XML without one.",
            id="entities in types",
        ),
        pytest.param(
            xmi(BO),
            TYPES.format(name=NAMED_ENTITY, feature=INJECTED),
            "TypeSystem.xml: 'a=None):\\n  import os; os.abort()\\n#' as the name of a feature; "
            "expected letters, digits and underscores, and no word of Python's own.",
            id="code in a feature",
        ),
        pytest.param(
            xmi(BO),
            TYPES.format(name="x;y", feature="value"),
            "TypeSystem.xml: 'x;y' as the name of a type; expected letters, digits, underscores "
            "and dots.",
            id="code in a type",
        ),
        pytest.param(
            xmi(BO),
            TYPES.format(name=NAMED_ENTITY, feature="a=1<b/>value"),
            "TypeSystem.xml: an element in a name; expected text alone.",
            id="element in a name",
        ),
        pytest.param(
            xmi(BO.replace("value", "lambda")),
            None,
            "d.xmi: 'lambda' as the name of a feature; expected letters, digits and underscores, "
            "and no word of Python's own.",
            id="keyword",
        ),
        pytest.param(
            "<a>" * 100,
            None,
            "d.xmi: elements nest over 60 deep; expected less.",
            id="deep",
        ),
        pytest.param(
            "Ana",
            None,
            "d.xmi: not XML (syntax error: line 1, column 0); expected XML of UIMA.",
            id="no XML",
        ),
        pytest.param(
            "<a/>", None, "d.xmi: holds no feature structures; expected XMI of UIMA.", id="other"
        ),
        pytest.param(
            xmi(BO).replace('sofa="1"', 'sofa="7"'),
            None,
            "d.xmi: dkpro-cassis cannot read it (KeyError: 7); expected what UIMA writes.",
            id="no such view",
        ),
    ],
)
def test_hostile_xml_never_reaches_the_library(
    content: str, types: str | None, message: str
) -> None:
    beside = [] if types is None else [member(types, "TypeSystem.xml", "ana")]
    with pytest.raises(RecordError) as error:
        read_one(content, *beside)
    assert str(error.value) == message


def json_cas(**changes: Any) -> str:
    """Write a JSON CAS of one entity, with changes at its top."""
    cas = {
        "%TYPES": {
            NAMED_ENTITY: {
                "%NAME": NAMED_ENTITY,
                "%SUPER_TYPE": "uima.tcas.Annotation",
                "value": {"%NAME": "value", "%RANGE": "uima.cas.String"},
            }
        },
        "%FEATURE_STRUCTURES": [
            {
                "%ID": 1,
                "%TYPE": "uima.cas.Sofa",
                "sofaNum": 1,
                "sofaID": "_InitialView",
                "sofaString": TEXT,
            },
            {
                "%ID": 2,
                "%TYPE": NAMED_ENTITY,
                "@sofa": 1,
                "begin": 12,
                "end": 14,
                "value": "PER",
            },
        ],
        "%VIEWS": {"_InitialView": {"%SOFA": 1, "%MEMBERS": [2]}},
    }
    return json.dumps(cas | changes)


@pytest.mark.parametrize("types", [True, False], ids=["with types", "without"])
def test_a_json_cas_is_read(types: bool) -> None:
    content = json_cas() if types else json_cas(**{"%TYPES": None})

    found = read_one(content, name="d.json")

    assert (found.text, found.unit) == (TEXT, "UTF-16")
    assert found.mentions == (Mention(start=12, end=14, label="PER", surface="Bo"),)


@pytest.mark.parametrize("name", ["d.xmi", "d", "d.json"])
@pytest.mark.parametrize("opening", ["", "\ufeff", "\n "])
def test_a_file_is_what_it_holds_whatever_it_is_called(name: str, opening: str) -> None:
    for content in (json_cas(), xmi(BO).partition("\n")[2]):
        (mention,) = read_one(opening + content, name=name).mentions
        assert mention.surface == "Bo"


def test_our_json_comes_back_under_the_name_of_xmi() -> None:
    item = annotated("a\x00", Span(start=0, end=2, label="PER"))
    written = FORMAT.write([item])
    check_came_back([item], written, read_all(FORMAT, members_of(written, "x.xmi")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "{}",
            "d.json: no %FEATURE_STRUCTURES and %VIEWS; expected a JSON CAS of UIMA.",
        ),
        (
            json_cas(**{"%FEATURE_STRUCTURES": [7]}),
            "d.json: a feature structure is 7; expected an object with %TYPE.",
        ),
        (
            json_cas(**{"%TYPES": [7]}),
            "d.json: %TYPES is [7]; expected an object of types.",
        ),
        (
            json_cas(**{"%TYPES": {"x.Y": {INJECTED: {}}}}),
            "d.json: 'a=None):\\n  import os; os.abort()\\n#' as the name of a feature; expected "
            "letters, digits and underscores, and no word of Python's own.",
        ),
        (
            json_cas(**{"%TYPES": {INJECTED: {}}}),
            "d.json: 'a=None):\\n  import os; os.abort()\\n#' as the name of a type; expected "
            "letters, digits, underscores and dots.",
        ),
    ],
    ids=["other JSON", "structure", "types", "code in a feature", "code in a type"],
)
def test_broken_json_is_refused(content: str, message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_one(content, name="d.json")
    assert str(error.value) == message


@given(
    st.sampled_from(["%TYPES", "%FEATURE_STRUCTURES", "%VIEWS"]),
    st.lists(
        st.sampled_from([0, 1, NAMED_ENTITY, "value", "_InitialView", "%MEMBERS"]), max_size=2
    ),
    st.sampled_from(["begin", "end", "value", "%ID", "%TYPE", "@sofa", "sofaString", "x"]),
    hostile_values,
)
def test_any_json_cas_is_read_or_refused(part: str, path: list[Any], key: str, value: Any) -> None:
    cas = json.loads(json_cas())
    place = cas[part]
    for step in path:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            break
    if isinstance(place, dict):
        place[key] = value
    elif isinstance(place, list) and place:
        place[0] = value
    try:
        content = json.dumps(cas)
    except (ValueError, TypeError):
        return
    try:
        passes = read_all(FORMAT, [member(content, "d.json", "ana")])
    except (RecordError, ConfigError) as error:
        assert str(error).startswith(("d.json: ", "ana: "))
    else:
        assert passes


@given(
    st.lists(
        st.sampled_from(
            ["<n:NamedEntity ", 'xmi:id="', 'sofa="1" ', "begin=", '"1" ', '"x" ', "end=", "/>"]
        )
        | st.sampled_from([BO, '<c:X xmi:id="5" elements="5"/>', '<c:Y xmi:id="9"><v>a</v></c:Y>']),
        max_size=8,
    ).map("".join)
)
def test_any_xmi_is_read_or_refused(elements: str) -> None:
    try:
        found = read_one(xmi(elements))
    except (RecordError, ConfigError) as error:
        assert str(error).startswith(("d.xmi: ", "ana: "))
    else:
        assert found.text == TEXT


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cassis", None)
    with pytest.raises(MissingExtra) as error:
        read_one(xmi(BO))
    assert str(error.value) == (
        "import of UIMA CAS: dkpro-cassis is not installed; expected the extra `uima`.\n"
        "Install it: pip install 'gonerd[uima]'"
    )
    assert set(FORMAT.write([annotated("Ana")]).files) == {"d%2F1.xmi", "TypeSystem.xml"}


@pytest.mark.parametrize(
    ("name", "types", "spans"),
    [
        ("cas_has_fs_with_no_namespace", "typesystem_has_types_with_no_namespace", 1),
        ("cas_with_array_features", "typesystem_with_array_features", 0),
        ("cas_with_collections", "typesystem_with_collections", 0),
        ("cas_with_empty_array_reference", "inception_typesystem", 0),
        ("cas_with_floating_point_special_values", "typesystem_with_floating_points", 0),
        ("cas_with_inheritance", "typesystem_with_inheritance", 1),
        ("cas_with_list_features", "typesystem_with_list_features", 0),
        (
            "cas_with_multiple_references_allowed_string_array",
            "typesystem_with_multiple_references_allowed",
            0,
        ),
        ("cas_with_nonindexed_fs", "inception_typesystem", 0),
        ("cas_with_references", "important_dkpro_types", 1),
        ("cas_with_reserved_names", "typesystem_with_reserved_names", 0),
        ("cas_with_smileys", "inception_typesystem", 5),
        ("cas_with_two_sofas", "small_typesystem", 0),
        ("empty_cas", "small_typesystem", 0),
        ("lenient_cas", "small_typesystem", 1),
        ("small_cas", "small_typesystem", 0),
    ],
)
@pytest.mark.parametrize("beside", [True, False], ids=["with types", "without"])
def test_real_files_are_read_or_say_what_is_missing(
    name: str, types: str, spans: int, beside: bool
) -> None:
    members = find_members([real(f"exports/uima_xmi/xmi/{name}.xmi")])
    if beside:
        members.append(
            member(
                real(f"exports/uima_xmi/typesystems/{types}.xml").read_bytes(),
                members[0].where.replace(f"{name}.xmi", "TypeSystem.xml"),
            )
        )
    try:
        passes = read_all(FORMAT, members)
    except ConfigError as error:
        assert "expected one layer with one feature.\nSay which, as in --layer " in str(error)
    else:
        assert sum(len(one.mentions) + len(one.losses) for one in passes) >= spans
        for one in passes:
            assert one.text is None or placed(one)
