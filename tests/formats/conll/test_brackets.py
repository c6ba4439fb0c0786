"""Tests that mentions come back from brackets, nested, crossing and in parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import RecordError
from gonerd.formats.conll.brackets import Bracket, read_brackets, write_brackets
from gonerd.formats.layers import Mention
from gonerd.records import Range
from tests.strategies import flat_ranges

GUM = "GRP-etype-infstat"
labels = st.sampled_from(["PER", "_", "a-b", "1", "e1"]) | st.text(min_size=1, max_size=4)


def at(**values: str) -> list[Bracket]:
    """Put brackets at tokens, `t3` at the fourth."""
    return [
        Bracket(start=int(name[1:]), end=int(name[1:]) + 1, value=value)
        for name, value in values.items()
    ]


@st.composite
def parted_spans(draw: st.DrawFn, num_tokens: int = 9) -> tuple[list[Range], str]:
    """Draw the parts of a span over tokens, and its label."""
    return draw(flat_ranges(num_tokens, 4).filter(bool)), draw(labels)


@given(st.lists(parted_spans(), max_size=6))
def test_any_spans_come_back(spans: list[tuple[list[Range], str]]) -> None:
    written = write_brackets(spans)

    found = read_brackets(
        [Bracket(start=token, end=token + 1, value=value) for token, value in written.items()],
        "eid-etype",
        "f",
    )

    assert found.refused == []
    key = repr
    assert sorted(found.mentions, key=key) == sorted(
        (
            Mention(
                start=parts[0][0],
                end=parts[-1][1],
                label=label,
                fragments=tuple(parts) if len(parts) > 1 else (),
            )
            for parts, label in spans
        ),
        key=key,
    )
    assert not any(set(value) & set("\t\n |=") for value in written.values())


@pytest.mark.parametrize(
    ("declared", "brackets", "mentions"),
    [
        pytest.param(
            GUM,
            at(t0="(7-abstract-new(3-place-giv:act)", t1="(8-time-new", t2="8)7)"),
            [(0, 3, "abstract"), (0, 1, "place"), (1, 3, "time")],
            id="GUM",
        ),
        pytest.param(
            GUM,
            at(t0="(7-person-new", t1="(7-person-giv", t2="7)", t3="7)"),
            [(0, 4, "person"), (1, 3, "person")],
            id="a thing inside itself",
        ),
        pytest.param(
            GUM,
            at(t0="(1-person-new", t1="(2-place-new", t2="1)", t3="2)(3-time-new)"),
            [(0, 3, "person"), (1, 4, "place"), (3, 4, "time")],
            id="crossing",
        ),
        pytest.param(
            "entity-GRP-infstat",
            at(t0="(person-1-new", t1="person-1)"),
            [(0, 2, "person")],
            id="type first",
        ),
        pytest.param("", at(t0="(person-1", t1="person-1)"), [(0, 2, "person")], id="undeclared"),
        pytest.param("", at(t0="(1-person", t1="1)"), [(0, 2, "person")], id="digits first"),
        pytest.param(
            "eid-etype-head",
            at(t0="(e1[1/2]-person-1)", t1="(e2-place-1)", t2="(e1[2/2]-person-1", t3="e1[2/2])"),
            [(0, 4, "person"), (1, 2, "place")],
            id="parts",
        ),
        pytest.param(GUM, at(t0="(1-a%2Db-new)"), [(0, 1, "a-b")], id="escaped"),
    ],
)
def test_brackets_are_read(
    declared: str, brackets: list[Bracket], mentions: list[tuple[int, int, str]]
) -> None:
    found = read_brackets(brackets, declared, "f")

    assert [(one.start, one.end, one.label) for one in found.mentions] == mentions
    assert found.refused == []


def test_a_mention_in_parts_keeps_them() -> None:
    (mention,) = read_brackets(
        at(t0="(e1[1/2]-person)", t2="(e1[2/2]-person)"), "eid-etype", "f"
    ).mentions

    assert mention.fragments == ((0, 1), (2, 3))


@pytest.mark.parametrize(
    ("brackets", "why"),
    [
        (at(t0="(1-person-new"), "its bracket opens and never closes"),
        (at(t0="1)"), "its bracket closes and never opened"),
        (at(t0=")"), "its bracket closes and never opened"),
        (at(t0="person"), "it is no bracket"),
        (at(t0="(1--new)"), "it has no type"),
        (at(t0="(1-_-new)"), "it has no type"),
        (at(t0="(1[2/2]-person-new)"), "its parts are not in order"),
        (at(t0="(1[1/2]-person-new)"), "some of its parts are missing"),
        ([Bracket(start=1, end=1, value="(1-person-new)")], "it has no word of the text"),
    ],
)
def test_what_is_no_mention_is_refused(brackets: list[Bracket], why: str) -> None:
    found = read_brackets(brackets, GUM, "f")

    assert (found.mentions, found.refused) == ([], [why])


def test_fields_that_nobody_declared_and_that_do_not_show_are_refused() -> None:
    with pytest.raises(RecordError) as error:
        read_brackets(at(t0="(person-new)"), "head-link", "f.conllu")
    assert str(error.value) == (
        "f.conllu: Entity='person-new' under `# global.Entity = head-link`; expected its fields "
        "declared, with eid or GRP and with etype or entity among them."
    )
