"""Tests that tags of every scheme are read as the spans they were written for, faults named."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqscore.encoding import get_encoding
from seqscore.validation import validate_labels

from gonerd.bio import TokenSpan
from gonerd.errors import ConfigError, GonerdError, TagError
from gonerd.formats.conll.tags import (
    SCHEMES,
    Fault,
    find_scheme,
    labels_in,
    looks_like_tags,
    losses_of,
    spans_of,
    unknown_of,
)
from gonerd.records import Loss
from tests.strategies import token_spans

WHERE = "train.conll"

any_tags = st.lists(
    st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-PER", "S-PER", "I-ORG-SUB"])
    | st.sampled_from(["-", "_", "?", "", "o", "b-PER", "B_LOC", "B-", "-PER", "B", "I", "PER"])
    | st.text(max_size=3),
    max_size=10,
)


def tags_in(scheme: str, spans: Sequence[TokenSpan], num_tokens: int) -> list[str]:
    """Write spans as tags, scheme by scheme, without the rule that reads them."""
    tags = ["O"] * num_tokens
    for number, (start, end, label) in enumerate(spans):
        follows = number > 0 and spans[number - 1][1:] == (start, label)
        precedes = number + 1 < len(spans) and spans[number + 1][::2] == (end, label)
        prefixes = ["I"] * (end - start)
        if scheme == "IOB2" or (scheme == "IOB1" and follows):
            prefixes[0] = "B"
        if scheme == "IOE2" or (scheme == "IOE1" and precedes):
            prefixes[-1] = "E"
        if scheme == "BIOES":
            prefixes = ["B", *prefixes[1:-1], "E"] if end - start > 1 else ["S"]
        tags[start:end] = [f"{prefix}-{label}" for prefix in prefixes]
    return tags


def touching_apart(spans: Sequence[TokenSpan]) -> list[TokenSpan]:
    """Leave out what touches the span before it with the same label, which IO cannot show."""
    kept: list[TokenSpan] = []
    for span in spans:
        if not kept or kept[-1][1:] != (span[0], span[2]):
            kept.append(span)
    return kept


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.data(), st.integers(1, 12))
def test_spans_come_back_from_tags_of_every_scheme(
    scheme: str, data: st.DataObject, num_tokens: int
) -> None:
    spans = data.draw(token_spans(num_tokens))
    if scheme == "IO":
        spans = touching_apart(spans)
    tags = tags_in(scheme, spans, num_tokens)

    found, notes = find_scheme([tags], WHERE)

    assert spans_of(tags, found) == (spans, [])
    assert spans_of(tags, scheme) == (spans, [])
    if tags_in(scheme, spans, num_tokens) != tags_in("IO", spans, num_tokens):
        assert (found, notes) == (scheme, (f"tags are {scheme}",))


@given(st.data(), st.integers(1, 12))
def test_which_schemes_are_legal_never_changes_the_spans(
    data: st.DataObject, num_tokens: int
) -> None:
    tags = data.draw(any_tags)

    read = {tuple(spans_of(tags, scheme)[0]) for scheme in SCHEMES if scheme != "IO"}

    assert len(read) == 1


@pytest.mark.parametrize(
    ("scheme", "encoding"),
    [("IOB1", "IOB"), ("IOB2", "BIO"), ("BIOES", "BIOES"), ("BIOES", "BILOU"), ("BIOES", "BMES")],
)
@given(st.data(), st.integers(1, 12))
def test_the_spans_are_those_of_seqscore(
    scheme: str, encoding: str, data: st.DataObject, num_tokens: int
) -> None:
    prefixes = {"BILOU": {"E": "L", "S": "U"}, "BMES": {"I": "M"}}.get(encoding, {})
    tags = [
        tag if tag == "O" else prefixes.get(tag[0], tag[0]) + tag[1:]
        for tag in tags_in(scheme, data.draw(token_spans(num_tokens)), num_tokens)
    ]

    theirs = get_encoding(encoding).decode_labels(tags)

    ours, faults = spans_of(tags, find_scheme([tags], WHERE)[0])
    assert ours == [(one.span.start, one.span.end, one.type) for one in theirs]
    assert faults == []


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=1))
def test_illegal_tags_are_repaired_as_seqscore_repairs_them(tags: list[str]) -> None:
    encoding = get_encoding("BIO")
    validation = validate_labels(tags, encoding, repair="conlleval", tokens=tags)
    repaired = tags if validation.is_valid() else list(validation.repaired_labels)

    spans, faults = spans_of(tags, "IOB2")

    theirs = encoding.decode_labels(repaired)
    assert spans == [(one.span.start, one.span.end, one.type) for one in theirs]
    assert [fault.index for fault in faults] == [
        index for index, tag in enumerate(tags) if tag != repaired[index]
    ]


@given(any_tags, st.sampled_from([None, *SCHEMES]))
def test_any_tags_are_read_or_refused(tags: list[str], scheme: str | None) -> None:
    try:
        found, _ = find_scheme([tags], WHERE, given=scheme)
    except GonerdError as error:
        assert str(error).startswith(f"{WHERE}: ")
        return
    spans, faults = spans_of(tags, found)

    reach = 0
    for start, end, label in spans:
        assert reach <= start < end <= len(tags)
        assert label.strip()
        reach = end
    unknown = {index for start, end in unknown_of(tags, found) for index in range(start, end)}
    assert unknown.isdisjoint(index for start, end, _ in spans for index in range(start, end))
    assert unknown >= {fault.index for fault in faults if fault.refused}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("blank", ["", " ", "\r", "\t", " - "])
def test_a_blank_tag_is_unread_in_every_scheme(scheme: str, blank: str) -> None:
    tags = ["O", "I-PER", blank, "O"]

    spans, faults = spans_of(tags, scheme)

    assert spans == [(1, 2, "PER")]
    assert [fault for fault in faults if fault.index == 2] == []
    assert unknown_of(tags, scheme) == ((2, 3),)


@pytest.mark.parametrize(
    ("tags", "scheme", "notes", "spans"),
    [
        pytest.param("O O", "IOB2", (), [], id="no entities"),
        pytest.param("", "IOB2", (), [], id="no tokens"),
        pytest.param(
            "I-PER I-PER O I-PER",
            "IOB1",
            ("tags are IOB1, IOE1 or IO, which mark the same spans here",),
            [(0, 2, "PER"), (3, 4, "PER")],
            id="only I",
        ),
        pytest.param(
            "I-PER B-PER I-LOC",
            "IOB1",
            ("tags are IOB1",),
            [(0, 1, "PER"), (1, 2, "PER"), (2, 3, "LOC")],
            id="IOB1",
        ),
        pytest.param(
            "U-PER O B-LOC I-LOC L-LOC",
            "BIOES",
            ("tags are BIOES",),
            [(0, 1, "PER"), (2, 5, "LOC")],
            id="BILOU",
        ),
        pytest.param(
            "W-PER B-LOC M-LOC E-LOC O",
            "BIOES",
            ("tags are BIOES",),
            [(0, 1, "PER"), (1, 4, "LOC")],
            id="BMEWO",
        ),
        pytest.param(
            "b-PER i-PER o B_LOC",
            "IOB2",
            ("tags are IOB2",),
            [(0, 2, "PER"), (3, 4, "LOC")],
            id="small letters and low lines",
        ),
        pytest.param(
            "B-creative-work I-creative-work O B-ORG-SUB",
            "IOB2",
            ("tags are IOB2",),
            [(0, 2, "creative-work"), (3, 4, "ORG-SUB")],
            id="labels with hyphens",
        ),
        pytest.param(
            "O person-actor person-actor O place",
            "IO",
            ("tags have no prefix: a run of one label is one entity",),
            [(1, 3, "person-actor"), (4, 5, "place")],
            id="labels without prefix",
        ),
        pytest.param(
            "B I O B",
            "IOB2",
            ("tags are IOB2", "tags without a label are labelled ENTITY"),
            [(0, 2, "ENTITY"), (3, 4, "ENTITY")],
            id="prefixes without label",
        ),
        pytest.param(
            "- B-PER - _",
            "IOB2",
            ("tags are IOB2", "no tag is O: tokens tagged `-`, `_` or `?` were read as unread"),
            [(1, 2, "PER")],
            id="nothing is outside",
        ),
        pytest.param(
            "B-PER I-PER I-LOC O B-PER O I-PER",
            "IOB2",
            ("tags fit no scheme; read as IOB2, which the fewest break",),
            [(0, 2, "PER"), (2, 3, "LOC"), (4, 5, "PER"), (6, 7, "PER")],
            id="no scheme",
        ),
    ],
)
def test_the_scheme_is_found_out_and_said(
    tags: str, scheme: str, notes: tuple[str, ...], spans: list[TokenSpan]
) -> None:
    found, said = find_scheme([tags.split()], WHERE)

    assert (found, set(said)) == (scheme, set(notes))
    assert spans_of(tags.split(), found)[0] == spans


def test_all_sequences_of_a_file_decide_together() -> None:
    sequences = [["I-PER"], [], ["B-PER", "O"], ["I-LOC", "B-LOC"], ["I-PER", "O"]]

    assert find_scheme(sequences, WHERE)[0] == "IOB1"


def test_an_entity_never_goes_on_into_the_next_sequence() -> None:
    assert find_scheme([["B-PER"], ["B-PER"]], WHERE) == ("IOB2", ("tags are IOB2",))


@pytest.mark.parametrize(
    ("tags", "scheme", "faults", "unknown"),
    [
        pytest.param(
            "O I-PER I-PER", "IOB2", [(1, "it is out of place in IOB2", False)], (), id="opens"
        ),
        pytest.param(
            "B-PER O", "BIOES", [(0, "it is out of place in BIOES", False)], (), id="never ends"
        ),
        pytest.param(
            "O B-PER", "IOB1", [(1, "it is out of place in IOB1", False)], (), id="parts nothing"
        ),
        pytest.param(
            "B- PER O",
            "IOB2",
            [(0, "it is no tag of IOB2", True), (1, "it is no tag of IOB2", True)],
            ((0, 2),),
            id="no tags",
        ),
        pytest.param("- O ? _", "IOB2", [], ((0, 1), (2, 4)), id="unread"),
    ],
)
def test_faults_are_repaired_or_refused(
    tags: str,
    scheme: str,
    faults: list[tuple[int, str, bool]],
    unknown: tuple[tuple[int, int], ...],
) -> None:
    named = spans_of(tags.split(), scheme)[1]

    assert named == [
        Fault(index=index, tag=tags.split()[index], why=why, refused=refused)
        for index, why, refused in faults
    ]
    assert unknown_of(tags.split(), scheme) == unknown
    assert losses_of(named, "d") == tuple(
        Loss(document_id="d", what="tag refused" if refused else "tag repaired", why=why)
        for _, why, refused in faults
    )


@pytest.mark.parametrize(
    ("tags", "scheme", "error", "message"),
    [
        pytest.param(
            "O B-PER",
            "BIO",
            ConfigError,
            "train.conll: scheme 'BIO' is not known; expected one of IOB1, IOB2, IOE1, IOE2, "
            "BIOES, IO.",
            id="no such scheme",
        ),
        pytest.param(
            "NN VB NN O",
            None,
            TagError,
            "train.conll: 'NN' stands where a tag should be, and `O` is not the commonest; "
            "expected O, B-LABEL, I-LABEL and their kin.\n"
            "Give --layer where another column holds the tags, or --scheme IO where these are "
            "labels.",
            id="parts of speech",
        ),
        pytest.param(
            "O O person person E-mail",
            None,
            ConfigError,
            "train.conll: tags such as 'person' have no prefix and others such as 'E-mail' have; "
            "expected all or none.\n"
            "Give --scheme IO where the whole tag is the label, or another scheme to refuse those "
            "without a prefix.",
            id="some with a prefix",
        ),
        pytest.param(
            "O person",
            "IOB2",
            TagError,
            "train.conll: 'person' is not a tag of IOB2; expected O and the tags of IOB2.\n"
            "Give --scheme IO where these are labels.",
            id="labels under IOB2",
        ),
        pytest.param(
            "O B-PER I-PER",
            "IO",
            TagError,
            "train.conll: 'B-PER' is not a tag of IO; expected O and the tags of IO.\n"
            "Leave --scheme out, and it is found out.",
            id="IOB2 under IO",
        ),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused(
    tags: str, scheme: str | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        find_scheme([tags.split()], WHERE, given=scheme)
    assert str(raised.value) == message


def test_a_given_scheme_is_kept_to() -> None:
    tags = ["O", "person", "person", "E-mail"]

    assert find_scheme([tags], WHERE, given="IO") == ("IO", ("tags were read as IO, as asked",))
    assert spans_of(tags, "IO")[0] == [(1, 3, "person"), (3, 4, "E-mail")]


@pytest.mark.parametrize(
    ("values", "like_tags", "labels"),
    [
        (["O", "B-PER", "-"], True, {"PER"}),
        (["O"], True, set()),
        (["-", "_"], False, set()),
        ([], False, set()),
        (["NN", "O"], False, set()),
        (["O", "B-NP", "I-VP"], True, {"NP", "VP"}),
    ],
)
def test_a_column_looks_like_tags_if_all_of_it_does(
    values: list[str], like_tags: bool, labels: set[str]
) -> None:
    assert looks_like_tags(values) is like_tags
    assert labels_in(values) == labels
