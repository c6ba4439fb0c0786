"""Tests that what is left out of a CAS, so that it is read sooner, is not missed."""

import json
from dataclasses import asdict
from typing import Any

import cassis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, RecordError
from gonerd.formats.members import Member
from gonerd.formats.uima.cas import FORMAT
from gonerd.formats.uima.cas_views import View, load, typesystems
from tests.formats.given import member, read_all
from tests.formats.uima.test_cas import BO, NAMED_ENTITY, TYPES, xmi

CORE = "de.tudarmstadt.ukp.dkpro.core.api"
SEGMENTS = f"{CORE}.segmentation.type"
DEPENDENCY = f"{CORE}.syntax.type.dependency.Dependency"


@st.composite
def made_by_cassis(draw: st.DrawFn) -> list[Member]:
    """Let the library write words, sentences, entities and relations between words, in views."""
    types = cassis.TypeSystem()
    for name in (f"{SEGMENTS}.Token", f"{SEGMENTS}.Sentence", NAMED_ENTITY, DEPENDENCY):
        types.create_type(name, "uima.tcas.Annotation")
    types.create_feature(NAMED_ENTITY, "value", "uima.cas.String")
    types.create_feature(DEPENDENCY, "Governor", f"{SEGMENTS}.Token")
    types.create_feature(DEPENDENCY, "Dependent", f"{SEGMENTS}.Token")
    types.create_feature(NAMED_ENTITY, "words", "uima.cas.FSArray", elementType=f"{SEGMENTS}.Token")
    cas = cassis.Cas(types)
    for number in range(draw(st.integers(min_value=1, max_value=2))):
        view = cas.create_view("other") if number else cas
        view.sofa_string = draw(
            st.sampled_from(["Ana met Bo.", "\U0001f600 Ana <&\"' Bo", "x" * 9])
        )
        places = st.tuples(st.integers(0, 4), st.integers(5, 9))
        words = [
            types.get_type(f"{SEGMENTS}.{draw(st.sampled_from(['Token', 'Sentence']))}")(
                begin=start, end=end
            )
            for start, end in draw(st.lists(places, max_size=5))
        ]
        tokens = [word for word in words if word.type.name.endswith("Token")]
        made = list(words)
        for start, end in draw(st.lists(places, max_size=3)):
            one = types.get_type(NAMED_ENTITY)(begin=start, end=end, value=draw(st.text("<1 ")))
            if tokens and draw(st.booleans()):
                held = draw(st.lists(st.sampled_from(tokens), min_size=1, max_size=2))
                one.words = types.get_type("uima.cas.FSArray")(elements=held)
            made.append(one)
        if tokens and draw(st.booleans()):
            one = types.get_type(DEPENDENCY)(begin=0, end=2, Governor=tokens[0])
            one.Dependent = draw(st.sampled_from(tokens))
            made.append(one)
        view.add_all(made)
    if not number and draw(st.booleans()):  # it does not read JSON of two views that it wrote
        return [member(cas.to_json(), "d.json", "ana")]
    types_file = member(types.to_xml(), "TypeSystem.xml", "ana")
    return [member(cas.to_xmi(), "d.xmi", "ana"), types_file]


@given(made_by_cassis())
def test_all_else_is_read_as_where_nothing_is_left_out(members: list[Member]) -> None:
    whole = loaded([renamed(one) for one in members])
    for less, more in zip(loaded(members), whole, strict=True):
        assert (less.name, less.text, less.is_cut) == (more.name, more.text, is_cut(less, more))
        assert others(less) == others(more)


def loaded(members: list[Member]) -> tuple[View, ...]:
    """Load a file with the type system beside it."""
    file, *beside = members
    return load(file, typesystems(beside), {}).views


def renamed(one: Member) -> Member:
    """Call tokens and sentences what nobody knows."""
    content = one.read().replace(b"Token", b"Tokem").replace(b"Sentence", b"Sentenze")
    return member(content, one.name, one.root)


def others(view: View) -> list[Any]:
    """List what is neither a token nor a sentence."""
    content = json.dumps([asdict(found) for found in view.found])
    found = json.loads(content.replace("Tokem", "Token").replace("Sentenze", "Sentence"))
    return [one for one in found if not one["lineage"][0].endswith(("Token", "Sentence"))]


def is_cut(less: View, more: View) -> bool:
    """Say whether there is less in a view."""
    return len(less.found) < len(more.found)


def test_only_what_something_refers_to_is_left() -> None:
    content = xmi(
        '<c:Token xmi:id="2" sofa="1" begin="0" end="3"/>',
        '<c:Token xmi:id="3" sofa="1" begin="7" end="10"/>',
        '<c:Sentence xmi:id="4" sofa="1" begin="0" end="15"/>',
        '<c:Fact xmi:id="5" about="7 3"/>',
    )

    (view,) = loaded([member(content, "d.xmi", "ana")])

    assert [(found.lineage[0], found.place) for found in view.found if found.place] == [
        ("my.own.Token", (7, 10))
    ]
    assert view.is_cut


@pytest.mark.parametrize("layer", ["Token", "my.own.Token", "Token.kind", "own.Token.kind"])
def test_a_layer_that_is_asked_for_is_not_left_out(layer: str) -> None:
    content = xmi('<c:Token xmi:id="2" sofa="1" begin="12" end="14" kind="PER"/>')
    (found,) = read_all(FORMAT, [member(content, "d.xmi", "ana")], layer=layer)
    assert [(one.start, one.label) for one in found.mentions] == [(12, "PER")]


def test_a_layer_that_was_left_out_can_still_be_named_as_the_way_out() -> None:
    content = xmi(
        '<c:Token xmi:id="2" sofa="1" begin="12" end="14" kind="PER"/>',
        '<c:Event xmi:id="3" sofa="1" begin="12" end="14"/>',
    )
    with pytest.raises(ConfigError) as error:
        read_all(FORMAT, [member(content, "d.xmi", "ana")], layer="Entity")
    assert str(error.value) == (
        "ana: --layer Entity is no layer of spans here; expected one of my.own.Event, "
        "my.own.Token.kind."
    )


def test_tokens_that_are_a_kind_of_entity_are_read() -> None:
    types = TYPES.format(name=NAMED_ENTITY, feature="value").replace("own.Person", "own.Token")
    content = xmi('<c:Token xmi:id="2" sofa="1" begin="12" end="14" value="PER"/>')

    (found,) = read_all(
        FORMAT, [member(content, "d.xmi", "ana"), member(types, "TypeSystem.xml", "ana")]
    )

    assert [(one.start, one.label) for one in found.mentions] == [(12, "PER")]


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ('<c:Token xmi:id="9" sofa="1" begin="0" end="3"/>', None),
        ('<c:Token sofa="1" begin="0" end="3"/>', "KeyError: '{http://www.omg.org/XMI}id'"),
        ("<c:Token xmi:id='3'><a><b/></a></c:Token>", "RuntimeError: Invalid state transition"),
    ],
    ids=["an id twice", "no id", "deep"],
)
def test_broken_tokens_are_left_to_the_library(token: str, message: str | None) -> None:
    members = [member(xmi(token, BO), "d.xmi", "ana")]
    if message is None:
        assert len(read_all(FORMAT, members)[0].mentions) == 2
        return
    with pytest.raises(RecordError) as error:
        read_all(FORMAT, members)
    assert str(error.value).startswith(f"d.xmi: dkpro-cassis cannot read it ({message}")
