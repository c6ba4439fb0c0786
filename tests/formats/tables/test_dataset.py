"""Tests that a dataset is recognised whatever its columns are called, or refused."""

import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.bio import faults
from gonerd.errors import ConfigError, GonerdError, RecordError
from gonerd.formats.align import align, join
from gonerd.formats.layers import MARKED, WHOLE, Aside, Mention, Pass, TokenPass
from gonerd.formats.members import find_members
from gonerd.formats.tables.dataset import FORMAT
from gonerd.gather import Annotated
from gonerd.publish.layers import layer_row
from gonerd.publish.rows import make_row
from gonerd.records import Annotation, Document
from gonerd.records import Span as OurSpan
from gonerd.release import LAYER_ROWS, ROWS
from tests.formats.given import (
    annotated_documents,
    annotation_of,
    fitted,
    lines,
    members_of,
    read_all,
)
from tests.formats.tables.shapes import NAMES, SHAPES, SPLITS, Letter, Row, letters
from tests.strategies import HOSTILE_TEXTS, hostile_values

Found = tuple[str, list[tuple[int, int, str]]]
"""A text and the characters of its entities."""


def found_in(one: Pass | TokenPass) -> Found:
    """Put a pass on its text."""
    if isinstance(one, TokenPass):
        one = align(one, one.text or join(one.tokens, one.gaps)[0])
    assert one.text is not None
    spans = sorted((mention.start, mention.end, mention.label) for mention in one.mentions)
    return " ".join(one.text.split()), spans


def read_rows(*rows: dict[str, Any], name: str = "letters.jsonl", **options: Any) -> list[Any]:
    return read_all(FORMAT, [lines(*rows, name=name)], **options)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_the_same_dataset_gives_the_same_entities(
    shape: Row, tmp_path: Path
) -> None:
    made = {
        split: [Letter(number, pieces) for number, pieces in enumerate(documents)]
        for split, documents in SPLITS.items()
    }
    for split, documents in made.items():
        rows = "".join(json.dumps(shape(document)) + "\n" for document in documents)
        (tmp_path / f"{split}.jsonl").write_text(rows, encoding="utf-8")

    passes = read_all(FORMAT, find_members([tmp_path]))

    assert [found_in(one) for one in passes] == [
        (document.text, document.spans) for split in sorted(made) for document in made[split]
    ]
    assert len({one.document_id for one in passes}) == len(passes) == 12
    assert {one.annotator for one in passes} == {tmp_path.name}
    assert all(not one.losses for one in passes)


MIXED = {name for name in SHAPES if "triples" in name or name in ("GLiNER", "DyGIE", "under a key")}
"""Shapes with lists of different kinds, for which Arrow has no type."""


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - MIXED))
def test_every_shape_survives_parquet(shape: str, tmp_path: Path) -> None:
    documents = [Letter(number, pieces) for number, pieces in enumerate(SPLITS["val"])]
    table = pa.Table.from_pylist([SHAPES[shape](document) for document in documents])
    pq.write_table(table, tmp_path / "letters.parquet")

    passes = read_all(FORMAT, find_members([tmp_path / "letters.parquet"]))

    assert [found_in(one) for one in passes] == [(d.text, d.spans) for d in documents]


TOKENS = ["Ana", "Roe", "met", "Bo", "."]
TEXT = "Ana Roe met Bo ."
IOB2 = ["B-PER", "I-PER", "O", "B-PER", "O"]
IDS = [1, 2, 0, 1, 0]
SPANS = [{"start": 0, "end": 7, "label": "PER"}, {"start": 12, "end": 14, "label": "PER"}]
MENTIONS = (Mention(start=0, end=7, label="PER"), Mention(start=12, end=14, label="PER"))
TOKEN_MENTIONS = (Mention(start=0, end=2, label="PER"), Mention(start=3, end=4, label="PER"))
UNSAID = "what spans do not mark is unknown; --complete says that all of the texts was read"


def test_tags_say_something_of_every_token_and_what_was_recognised_is_said() -> None:
    (found,) = read_rows({"words": TOKENS, "ner": IOB2, "topic": "work"})

    assert isinstance(found, TokenPass)
    assert found.tokens == tuple(TOKENS)
    assert found.gaps == (" ", " ", " ", " ", "")
    assert found.mentions == TOKEN_MENTIONS
    assert found.unknown == ()
    assert found.notes == (
        "tokens in 'words', tags in 'ner'",
        "not carried over: topic",
        "tags are IOB2",
    )


def test_spans_say_nothing_of_what_they_do_not_mark_unless_the_row_is_finished() -> None:
    row = {"text": TEXT, "spans": SPANS}

    (marked,) = read_rows(row)
    (finished,) = read_rows(row | {"status": "submitted"})
    (ranges,) = read_rows(row | {"coverage": [[0, 7]]})

    assert (marked.mentions, marked.coverage) == (MENTIONS, MARKED)
    assert marked.notes == ("text in 'text', spans in 'spans'", UNSAID)
    assert (finished.coverage, ranges.coverage) == (WHOLE, ((0, 7),))
    assert finished.notes == ("text in 'text', spans in 'spans'",)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        pytest.param(
            [{"tokens": TOKENS, "ner_tags": IDS}],
            {},
            "letters.jsonl: column 'ner_tags' holds numbers from 0 to 2, whose names are in no "
            "file; expected their names.\nGive them in order, as in --labels O,B-PER,I-PER.",
            id="numbers without names",
        ),
        pytest.param(
            [{"tokens": TOKENS, "ner_tags": IDS}],
            {"labels": ("O", "B-PER")},
            "letters.jsonl: column 'ner_tags' holds the number 2, and there are 2 names; expected "
            "a name for every number, from 0.\nGive them in order, as in --labels O,B-PER,I-PER.",
            id="too few names",
        ),
        pytest.param(
            [{"tokens": TOKENS, "ner_tags": IOB2, "fine_ner_tags": ["O", *IOB2[1:]]}],
            {},
            "letters.jsonl: the tags may be in any of the columns 'ner_tags', 'fine_ner_tags'; "
            "expected to know which.\nName it: --column tags=ner_tags",
            id="two columns of tags",
        ),
        pytest.param(
            [{"text": TEXT, "spans": SPANS, "entities": SPANS[:1]}],
            {},
            "letters.jsonl: the spans may be in any of the columns 'spans', 'entities'; expected "
            "to know which.\nName it: --column spans=spans",
            id="two columns of spans",
        ),
        pytest.param(
            [{"ner_tags": IOB2, "left": TOKENS, "right": TOKENS[::-1]}],
            {},
            "letters.jsonl: the tokens may be in any of the columns 'left', 'right'; expected to "
            "know which.\nName it: --column tokens=left",
            id="two columns of tokens",
        ),
        pytest.param(
            [{"ner_tags": IOB2, "topic": "work"}],
            {},
            "letters.jsonl: tags in 'ner_tags', and no column with as many words; expected the "
            "tokens.\nName them: --column tokens=COLUMN",
            id="no tokens",
        ),
        pytest.param(
            [{"spans": SPANS, "number": 3}],
            {},
            "letters.jsonl: spans in 'spans', and no column for their text; expected a column of "
            "strings.\nName it: --column text=COLUMN",
            id="no text",
        ),
        pytest.param(
            [{"text": TEXT, "tokens": TOKENS, "spans": [{"start": 0, "end": 3, "label": "PER"}]}],
            {},
            "letters.jsonl: spans in 'spans' may count characters of 'text' or tokens of "
            "'tokens'; expected to know which.\nGive --column text=text or --column "
            "tokens=tokens.",
            id="characters or tokens",
        ),
        pytest.param(
            [{"name": "Ana", "age": 3}],
            {},
            "letters.jsonl: no entities recognised in the columns name, age; expected tokens with "
            "tags, or a text with spans.\nName them: --column tokens=COLUMN --column tags=COLUMN, "
            "or --column text=COLUMN --column spans=COLUMN.",
            id="no entities",
        ),
        pytest.param(
            [{"tokens": TOKENS, "ner_tags": IOB2}],
            {"columns": {"tags": "tag"}},
            "--column tags=tag: no such column; expected one of ner_tags, tokens.",
            id="a column that is nowhere",
        ),
        pytest.param(
            [{"tokens": TOKENS, "ner_tags": IOB2}],
            {"columns": {"tag": "ner_tags"}},
            "--column tag=ner_tags: 'tag' is no part that a column plays; expected one of id, "
            "text, tokens, tags, spans, annotator, guide, coverage, status.",
            id="a part that is none",
        ),
        pytest.param(
            [{"text": TEXT, "spans": SPANS, "title": "Letter"}],
            {"columns": {"spans": "title"}},
            "letters.jsonl: column 'title' holds no spans that could be read; expected places, or "
            "words, with their labels.",
            id="no spans there",
        ),
    ],
)
def test_what_is_ambiguous_or_unknown_is_refused_with_the_option_that_settles_it(
    rows: list[dict[str, Any]], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_rows(*rows, **options)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"tokens": TOKENS, "ner_tags": IDS}, {"labels": ("O", "B-PER", "I-PER")}),
        ({"ner_tags": IOB2, "fine": ["O"] * 5, "left": TOKENS}, {"columns": {"tags": "ner_tags"}}),
        ({"a": TOKENS, "b": IOB2}, {"columns": {"tokens": "a", "tags": "b"}}),
        ({"a": TOKENS, "b": IOB2, "ner": ["O"] * 5}, {"layer": "b"}),
        ({"a": TOKENS, "b": IDS}, {"layer": "b", "labels": ("O", "B-PER", "I-PER")}),
        ({"a": TOKENS, "b": IOB2}, {"scheme": "IOB2"}),
    ],
    ids=str,
)
def test_the_option_settles_it_by_tokens(row: dict[str, Any], options: dict[str, Any]) -> None:
    (found,) = read_rows(row, **options)
    assert found.mentions == TOKEN_MENTIONS


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"text": TEXT, "spans": [], "entities": SPANS}, {"layer": "entities"}),
        ({"text": TEXT, "spans": SPANS, "gold": SPANS[:1]}, {"columns": {"spans": "spans"}}),
        ({"a": TEXT, "b": TEXT[::-1], "spans": SPANS}, {"columns": {"text": "a"}}),
        ({"text": TEXT, "tokens": TOKENS, "ents": SPANS}, {"columns": {"text": "text"}}),
        ({"text": TEXT, "words": TOKENS, "tags": ["O"] * 5, "ents": SPANS}, {}),
    ],
    ids=str,
)
def test_the_option_settles_it_by_characters(row: dict[str, Any], options: dict[str, Any]) -> None:
    (found,) = read_rows(row, **options)
    assert (found.text, found.mentions) == (TEXT, MENTIONS)


def test_numbers_are_named_by_the_option_for_labels_of_spans_too() -> None:
    spans = [{"start": 0, "end": 7, "label": 1}, {"start": 12, "end": 14, "label": 1}]

    (found,) = read_rows({"text": TEXT, "spans": spans}, labels=("LOC", "PER"))

    assert found.mentions == MENTIONS


def test_the_text_that_holds_the_words_of_the_spans_is_taken() -> None:
    spans = [{"start": 0, "end": 3, "label": "PER", "text": "Ana"}]

    (found,) = read_rows({"summary": "Bo met Eva", "letter": TEXT, "spans": spans})

    assert found.text == TEXT
    assert found.notes[:2] == ("text in 'letter', spans in 'spans'", "not carried over: summary")


def test_words_without_a_place_are_found_where_they_stand_once() -> None:
    names = [
        {"text": "Ana", "label": "PER"},
        {"text": "Bo", "label": "PER"},
        {"text": "Lund", "label": "LOC"},
        {"text": "Eva", "label": "PER"},
        {"text": "Eva", "label": "PER"},
    ]
    text = "Ana met Bo and Bo met Eva , not Eva of Anatolia"

    (found,) = read_rows({"text": text, "entities": names})

    assert [(m.start, m.end) for m in found.mentions] == [(0, 3), (22, 25), (32, 35)]
    assert found.unit == "code points"
    assert [(loss.what, loss.why) for loss in found.losses] == [
        ("span refused", "its words stand in several places"),
        ("span refused", "its words are not in the text"),
    ]


def test_spans_that_are_none_are_losses_and_the_text_is_then_not_known_to_be_read() -> None:
    spans = [*SPANS, {"start": 9, "end": 2, "label": "PER"}, {"start": 0, "end": 3}, 3]

    (found,) = read_rows({"text": TEXT, "spans": spans, "status": "done"})

    assert found.mentions == MENTIONS
    assert found.coverage == MARKED
    assert [loss.why for loss in found.losses] == [
        "its offsets are not 0 <= start < end",
        "it has no label",
        "it is no span",
    ]


def test_what_langextract_could_not_align_is_refused() -> None:
    aligned = {"start_pos": 0, "end_pos": 7}
    spans = [
        {"extraction_class": "PER", "extraction_text": "Ana Roe", "char_interval": aligned}
        | {"alignment_status": "match_exact", "attributes": {"role": "host"}},
        {"extraction_class": "PER", "extraction_text": "Bob", "char_interval": aligned}
        | {"alignment_status": "match_fuzzy"},
        {"extraction_class": "PER", "extraction_text": "Eva", "char_interval": None}
        | {"alignment_status": None},
    ]

    (found,) = read_rows({"document_id": "l-17", "text": TEXT, "extractions": spans})

    assert [(m.start, m.end, m.label) for m in found.mentions] == [(0, 7, "PER")]
    assert {loss.why for loss in found.losses} == {"its words are not exactly in the text"}
    assert [(aside.kind, dict(aside.value)) for aside in found.asides] == [
        ("attribute", {"attributes": {"role": "host"}, "start": 0, "end": 7, "label": "PER"}),
        ("refused span", {"start": 0, "end": 7, "label": "PER", "text": "Bob"}),
        ("refused span", {"start": None, "end": None, "label": "PER", "text": "Eva"}),
    ]


def test_discontinuous_spans_keep_their_parts() -> None:
    spans = [{"offsets": [[0, 3], [12, 14]], "type": "PER", "text": ["Ana", "Bo"]}]

    (found,) = read_rows({"text": TEXT, "entities": spans})

    assert found.mentions == (
        Mention(start=0, end=14, label="PER", surface="Ana Bo", fragments=((0, 3), (12, 14))),
    )


def test_tokens_without_a_tag_are_unknown() -> None:
    row = {"tokens": TOKENS, "ner_tags": [1, 2, -100, 1, -100]}

    (found,) = read_rows(row, labels=("O", "B-PER", "I-PER"))
    (none,) = read_rows(row | {"ner_tags": None}, {**row, "ner_tags": [0] * 5}, labels=("O",))[:1]

    assert (found.mentions, found.unknown) == (TOKEN_MENTIONS, ((2, 3), (4, 5)))
    assert none.unknown == ((0, 5),)


def test_places_of_tokens_and_blanks_after_them_are_used() -> None:
    row = {"tokens": ["Ana", "Roe", "."], "ner_tags": ["B-PER", "I-PER", "O"]}

    (spaced,) = read_rows(row | {"whitespace": [True, False, False]})
    (placed,) = read_rows(
        row | {"text": "Ana  Roe.", "token_starts": [0, 5, 8], "token_ends": [3, 8, 9]}
    )
    (other,) = read_rows(row | {"text": "A letter about the weather"})

    assert spaced.gaps == (" ", "", "")
    assert (placed.offsets, placed.unit) == (((0, 3), (5, 8), (8, 9)), "code points")
    assert placed.gaps == ("  ", "", "")
    assert other.text is None
    assert other.notes[-1] == "'text' is not the text of the tokens"


def test_rows_tell_their_annotator_guide_and_document() -> None:
    row = {
        "doc_id": 17,
        "tokens": TOKENS,
        "ner_tags": IOB2,
        "worker_id": "w-3",
        "guide": "letters@2",
        "lang": "sv",
        "url": "http://a.b/17",
    }
    (found,) = read_rows(row)

    assert (found.document_id, found.annotator, found.guide) == ("17", "w-3", "letters@2")
    assert found.details == {"language": "sv", "url": "http://a.b/17"}


@pytest.mark.parametrize("name", ["train.jsonl", "validation-00000-of-00002.jsonl", "TEST.jsonl"])
def test_a_split_is_nobodys_name(name: str) -> None:
    (found,) = read_rows({"tokens": TOKENS, "ner_tags": IOB2}, name=name)
    assert found.annotator == "dataset"


def test_ids_that_start_anew_in_every_file_are_told_apart_by_file() -> None:
    row = {"id": "0", "tokens": TOKENS, "ner_tags": IOB2}
    other = row | {"tokens": [*TOKENS[:3], "Eva", "."]}

    clashing = read_all(FORMAT, [lines(row, name="train.jsonl"), lines(other, name="test.jsonl")])
    same = read_all(FORMAT, [lines(row, name="ana.jsonl"), lines(row, name="bo.jsonl")])
    repeated = read_rows(row, other)

    assert [found.document_id for found in clashing] == ["train:0", "test:0"]
    assert [(found.document_id, found.annotator) for found in same] == [("0", "ana"), ("0", "bo")]
    assert [found.document_id for found in repeated] == ["0:1", "0:2"]


def test_refused_rows_are_counted_and_not_read_as_empty() -> None:
    row = {"text": TEXT, "spans": SPANS, "answer": "accept"}

    (found,) = read_rows(row, row | {"answer": "reject"}, row | {"answer": "ignore"})
    with pytest.raises(RecordError) as error:
        read_rows(row | {"answer": "reject"})

    assert found.coverage == WHOLE
    assert [(loss.what, loss.why) for loss in found.losses] == [
        ("answer refused", "it is reject"),
        ("answer refused", "it is ignore"),
    ]
    assert str(error.value) == (
        "letters.jsonl: every row is reject; expected one that was not refused."
    )


def test_a_state_nobody_knows_is_said() -> None:
    (found,) = read_rows({"text": TEXT, "spans": SPANS, "state": "amber"})
    assert "what 'state' says of a row was not understood" in found.notes


def test_relations_are_kept_aside() -> None:
    relations = [{"head": 0, "tail": 1, "type": "met"}]
    (found,) = read_rows({"id": "1", "text": TEXT, "spans": SPANS, "relations": relations})

    assert found.asides == (
        Aside(
            document_id="1", annotator="letters", kind="relations", value={"relations": relations}
        ),
    )


def test_what_one_file_does_not_tell_another_of_the_same_columns_does() -> None:
    def row(*spans: tuple[int, int, str]) -> dict[str, Any]:
        return {"text": TEXT, "tokens": TOKENS, "spans": [list(span) for span in spans]}

    passes = read_all(
        FORMAT,
        [
            lines(row((0, 2, "PER"), (3, 4, "PER")), row((1, 4, "PER")), name="train.jsonl"),
            lines(row((0, 3, "PER")), name="val.jsonl"),
            lines(row(), name="test.jsonl"),
        ],
    )

    assert [[(m.start, m.end) for m in found.mentions] for found in passes] == [
        [(0, 7), (12, 14)],
        [(4, 14)],
        [(0, 11)],
        [],
    ]


def test_words_that_are_not_those_of_the_tokens_are_refused() -> None:
    def span(start: int, end: int, text: str) -> dict[str, Any]:
        return {"start": start, "end": end, "label": "PER", "text": text}

    spans = [span(0, 2, "Ana Roe"), span(3, 4, "Bo"), span(3, 5, "Bo met")]
    (found,) = read_rows({"tokens": TOKENS, "entities": spans})

    assert (found.text, found.mentions) == (TEXT, MENTIONS)
    assert [loss.why for loss in found.losses] == ["its words are not those of its tokens"]


def test_labels_that_look_like_tags_of_tokens_are_kept_where_not_all_do() -> None:
    def row(*labels: str) -> dict[str, Any]:
        places = zip([(0, 3), (4, 7), (12, 14)], labels, strict=True)
        return {"text": TEXT, "spans": [[s, e, label] for (s, e), label in places]}

    joined, again = read_rows(row("B-PER", "I-PER", "B-PER"), row("B-PER", "B-PER", "I-LOC"))
    kept, *_ = read_rows(row("B-PER", "I-PER", "S"))

    assert joined.mentions == MENTIONS
    assert [(m.start, m.end, m.label) for m in again.mentions] == [
        (0, 3, "PER"),
        (4, 7, "PER"),
        (12, 14, "LOC"),
    ]
    assert "spans are tagged tokens, and were joined" in joined.notes
    assert [mention.label for mention in kept.mentions] == ["B-PER", "I-PER", "S"]


def test_a_list_of_sentences_is_no_list_of_tokens() -> None:
    (found,) = read_rows({"text": TEXT, "sentences": [TEXT], "spans": SPANS})
    assert found.notes[0] == "text in 'text', spans in 'spans'"


def test_documents_without_entities_are_documents() -> None:
    (tagged,) = read_rows({"tokens": TOKENS, "ner_tags": ["O"] * 5})
    (spanned,) = read_rows({"text": TEXT, "entities": []})
    (of_tokens,) = read_rows({"tokens": TOKENS, "spans": []})

    assert (tagged.mentions, tagged.unknown) == ((), ())
    assert (of_tokens.text, of_tokens.mentions) == (TEXT, ())
    assert (spanned.mentions, spanned.coverage) == ((), MARKED)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(
            {"tokens": TOKENS, "ner_tags": IOB2[1:]},
            "5 tokens in 'tokens' and 4 tags in 'ner_tags'; expected as many.",
            id="lengths",
        ),
        pytest.param(
            {"tokens": None, "ner_tags": IOB2},
            "tokens in 'tokens' are None; expected a list of words.",
            id="no tokens",
        ),
    ],
)
def test_a_broken_row_is_named(row: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_rows({"tokens": TOKENS, "ner_tags": IOB2}, row)
    assert str(error.value) == f"letters.jsonl:2: {message}"


@given(st.lists(annotated_documents(), max_size=3))
def test_everything_comes_back_as_it_was(items: list[Annotated]) -> None:
    items = list({item.document.id: item for item in items}.values())
    kept, _ = fitted(items, FORMAT)
    assert [item.annotations for item in kept] == [item.annotations for item in items]

    passes = read_all(FORMAT, members_of(FORMAT.write(kept), "out.jsonl"))

    assert [annotation_of(found) for found in passes] == [
        annotation for item in items for annotation in item.annotations
    ]
    assert [found.text for found in passes] == [
        item.document.text for item in items for _ in item.annotations
    ]


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_with_a_span_over_all_of_it(text: str) -> None:
    document = Document(id="d", text=text, source="d", license="unknown", language="en")
    annotation = Annotation(
        document_id="d",
        text_sha256=document.text_sha256,
        annotator="ana",
        guide="",
        coverage=(),
        spans=(OurSpan(start=0, end=len(text), label="PER"),) if text else (),
    )
    items = [Annotated(document=document, annotations=(annotation,))]

    (found,) = read_all(FORMAT, members_of(FORMAT.write(items), "out.jsonl"))

    assert (found.text, annotation_of(found)) == (text, annotation)


@given(st.lists(annotated_documents(["ana"]), min_size=1, max_size=2))
def test_tags_of_ours_are_legal_and_its_tokens_stand_where_it_says(items: list[Annotated]) -> None:
    for row in map(json.loads, FORMAT.write(items).files[""].splitlines()):
        assert len(row["tokens"]) == len(row["ner_tags"]) == len(row["token_starts"])
        places = zip(row["token_starts"], row["token_ends"], strict=True)
        assert [row["text"][start:end] for start, end in places] == row["tokens"]
        assert faults(["O" if tag == "-" else tag for tag in row["ner_tags"]]) == []


def test_datasets_reads_ours_and_finds_the_same_spans(tmp_path: Path) -> None:
    items = [letter_with_two_annotators(number) for number in range(5)]
    path = tmp_path / "ours.jsonl"
    path.write_bytes(FORMAT.write(items).files[""])

    loaded = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    loaded.to_parquet(str(tmp_path / "theirs.parquet"))
    passes = read_all(FORMAT, find_members([tmp_path / "theirs.parquet"]))

    annotations = [annotation for item in items for annotation in item.annotations]
    assert [annotation_of(found) for found in passes] == annotations
    for row, annotation in zip(loaded, annotations, strict=True):
        assert [(span["start"], span["end"], span["label"]) for span in row["spans"]] == [
            (span.start, span.end, span.label) for span in annotation.spans
        ]
        assert len(row["tokens"]) == len(row["ner_tags"])


def letter_with_two_annotators(number: int) -> Annotated:
    letter = Letter(number, letters(number, 1)[0])
    document = Document(
        id=letter.id, text=letter.text, source="s", license="mit", language="en", url="http://a.b"
    )
    spans = tuple(
        OurSpan(start=start, end=end, label=label, confidence=0.9 if number else None)
        for start, end, label in letter.spans
    )
    return Annotated(
        document=document,
        annotations=tuple(
            Annotation(
                document_id=document.id,
                text_sha256=document.text_sha256,
                annotator=annotator,
                guide="letters@2",
                coverage=coverage,
                spans=chosen,
            )
            for annotator, chosen, coverage in (
                ("ana", spans, ((0, len(letter.text)),)),
                ("bo", spans[:3], ((0, 40), (50, 60))),
            )
        ),
    )


def test_a_release_of_ours_is_read_as_gold_with_the_annotations_behind_it(tmp_path: Path) -> None:
    items = [letter_with_two_annotators(number) for number in range(1, 4)]
    (tmp_path / "data").mkdir()
    (tmp_path / "annotations").mkdir()
    rows = [make_row(item.document, item.annotations[0], list(NAMES))[0] for item in items]
    layers = [
        layer_row(annotation, {"bo": "annotator-1"})
        for item in items
        for annotation in item.annotations
    ]
    pq.write_table(pa.Table.from_pylist(rows, ROWS), tmp_path / "data/train-00000.parquet")
    pq.write_table(
        pa.Table.from_pylist(layers, LAYER_ROWS), tmp_path / "annotations/train-00000.parquet"
    )

    passes = read_all(FORMAT, find_members([tmp_path]))

    by_annotator = {
        name: [one for one in passes if one.annotator == name]
        for name in ("gold", "ana", "annotator-1")
    }
    assert sum(map(len, by_annotator.values())) == len(passes) == 9
    for name, number in (("gold", 0), ("ana", 0), ("annotator-1", 1)):
        for found, item in zip(by_annotator[name], items, strict=True):
            expected = item.annotations[number]
            assert found.text == item.document.text
            assert found.unit == "code points"
            again = annotation_of(found)
            assert (again.document_id, again.coverage) == (item.document.id, expected.coverage)
            assert again.spans == expected.spans


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@settings(max_examples=40)
@given(data=st.data())
def test_any_value_in_any_shape_is_read_or_refused(shape: Row, data: st.DataObject) -> None:
    row = json.loads(json.dumps(shape(Letter(1, SPLITS["test"][0][:6]))))
    place: Any = row
    key: Any = data.draw(st.sampled_from(sorted(row)))
    while isinstance(place[key], list | dict) and place[key] and data.draw(st.booleans()):
        place = place[key]
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
    place[key] = data.draw(hostile_values)
    try:
        read_rows(row, row)
    except GonerdError as error:
        assert str(error)
