"""Tests that tags are read as peers read them: seqeval by scheme, and the CoNLL evaluation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, IOE2, Entities

from gonerd.errors import ConfigError, TagError
from gonerd.formats.conll.tags import spans_of
from gonerd.records import Span
from gonerd.score.entities import SCHEMES, Labels, from_spans, from_tags

TYPES = ("PER", "LOC", "a-b")
tags = st.lists(
    st.just("O") | st.builds("{}-{}".format, st.sampled_from("BIES"), st.sampled_from(TYPES)),
    max_size=30,
)
PEERS = {"IOB1": IOB1, "IOB2": IOB2, "IOE2": IOE2, "BIOES": IOBES}
"""Not IOE1, where seqeval passes over an entity of one token that touches another of its type."""


def read(sequence: list[str], **options: str) -> list[tuple[int, int, str]]:
    """Give the entities of tags as (start, end, label)."""
    labels = Labels()
    found = from_tags(sequence, labels, **options)
    places = zip(found.starts.tolist(), found.ends.tolist(), found.labels.tolist(), strict=True)
    return [(start, end, labels.names[label]) for start, end, label in places]


@given(tags)
def test_repaired_tags_are_read_as_the_conll_evaluation_reads_them(sequence: list[str]) -> None:
    expected = [(start, end + 1, label) for label, start, end in get_entities(sequence)]
    assert read(sequence, repair="conlleval") == expected


@given(tags, st.sampled_from(SCHEMES))
def test_tags_are_refused_where_the_reader_of_files_names_a_fault(
    sequence: list[str], scheme: str
) -> None:
    spans, faults = spans_of(sequence, scheme)
    if scheme == "IO" and any(tag[0] not in "IO" for tag in sequence):
        return  # there the whole of such a tag is a label
    if faults:
        with pytest.raises(TagError):
            read(sequence, scheme=scheme)
    else:
        assert read(sequence, scheme=scheme) == spans


@given(tags, st.sampled_from(sorted(PEERS)))
def test_legal_tags_are_read_as_seqeval_does(sequence: list[str], scheme: str) -> None:
    try:
        ours = read(sequence, scheme=scheme)
    except TagError:
        return
    theirs = Entities([sequence], scheme=PEERS[scheme]).entities[0]
    assert ours == [(one.start, one.end, one.tag) for one in theirs]


def test_other_names_of_prefixes_are_read() -> None:
    sequence = ["B-X", "L-X", "U-X", "O", "B-Y", "I-Y", "L-Y"]
    theirs = Entities([sequence], scheme=BILOU).entities[0]
    assert read(sequence, scheme="BIOES") == [(one.start, one.end, one.tag) for one in theirs]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from(TYPES))))
def test_spans_are_each_once_and_in_reading_order(places: list[tuple[int, int, str]]) -> None:
    labels = Labels()
    spans = [Span(start=start, end=start + size, label=label) for start, size, label in places]
    found = from_spans([*spans, *spans], labels)
    keys = [
        (start, end, labels.names[label])
        for start, end, label in zip(
            found.starts.tolist(), found.ends.tolist(), found.labels.tolist(), strict=True
        )
    ]
    assert sorted(keys) == sorted({(one.start, one.end, one.label) for one in spans})
    assert found.starts.tolist() == sorted(found.starts.tolist())


def test_illegal_tags_are_named() -> None:
    with pytest.raises(TagError) as error:
        read(["I-PER", "O", "B-LOC", "I-PER"], where="document 'a'")
    assert str(error.value) == (
        "document 'a': 2 tags that IOB2 does not allow; expected legal tags.\n"
        "  token 0: 'I-PER' after 'the beginning'\n"
        "  token 3: 'I-PER' after 'B-LOC'\n"
        "Name the scheme with --scheme, or read them as the CoNLL evaluation does: "
        "--repair conlleval"
    )


def test_no_more_than_ten_faults_are_named() -> None:
    with pytest.raises(TagError) as error:
        read(["I-X", "O"] * 12)
    assert str(error.value).count("\n  token ") == 10
    assert "\n  and 2 more\n" in str(error.value)


@pytest.mark.parametrize("tag", ["PER", "B-", "X-PER", "", "o", "B_PER"])
def test_what_is_no_tag_is_named(tag: str) -> None:
    with pytest.raises(TagError) as error:
        read(["O", tag])
    assert str(error.value) == (
        f"tags, token 1: {tag!r} is no tag; expected O, or B-, I-, E- or S- and a label."
    )


def test_schemes_and_repairs_that_are_not_known_are_refused() -> None:
    with pytest.raises(ConfigError) as error:
        read(["O"], scheme="iob")
    assert str(error.value) == (
        "--scheme 'iob': not known; expected one of IOB2, IOB1, IOE1, IOE2, BIOES, IO."
    )
    with pytest.raises(ConfigError) as error:
        read(["O"], repair="guess")
    assert str(error.value) == "--repair 'guess': not known; expected conlleval."
