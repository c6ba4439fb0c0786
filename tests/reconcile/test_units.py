"""Tests that units and tags say exactly what spans say, and that what is left out is counted."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.gather import Gathered
from gonerd.reconcile.candidates import layers_of
from gonerd.reconcile.repeats import names_in, with_overlooked
from gonerd.reconcile.units import CONTEXT, SHAPES, Units, cut, shapes_of, units_of
from gonerd.records import Span
from tests.reconcile.crowds import (
    LABELS,
    NAMES,
    SENTENCE,
    Mark,
    a_document,
    by_all,
    crowds,
    gathered,
    only_read,
    said_by,
    spans_in,
)
from tests.strategies import HOSTILE_TEXTS

SCRIPTS = {
    "Chinese": "\u738b\u5c0f\u660e\u5728\u5317\u4eac\u5927\u5b66\u5de5\u4f5c\u3002",
    "Arabic": "\u0632\u0627\u0631 \u0639\u0644\u064a \u062d\u0644\u0628.",
    "faces": "\U0001f469\u200d\U0001f467 met \U0001f600\U0001f600 in Lund",
    "no letters": "12 -- 7 ... (3)",
    "blanks": " \t\n  ",
    **HOSTILE_TEXTS,
}
any_text = st.sampled_from([SENTENCE, *SCRIPTS.values()]) | st.text(max_size=40)


def laid_out(items: Sequence[Gathered], labels: Sequence[str] = LABELS) -> Units:
    """Lay out the first layer of everybody's spans that count."""
    layer = layers_of([only_read(item) for item in items], NAMES)[0]
    texts = [item.document.text for item in items if item.document is not None]
    return units_of(layer, texts, NAMES, labels)


def laid_out_with_names(items: Sequence[Gathered]) -> Units:
    """Lay out the first layer with the names of the texts, and without what was overlooked."""
    documents = [item.document for item in items if item.document is not None]
    names = names_in(documents)
    layer = with_overlooked(layers_of([only_read(item) for item in items], NAMES)[0], names)
    return units_of(layer, [one.text for one in documents], NAMES, LABELS, names)


def read_back(units: Units, annotator: int) -> list[tuple[int, Mark]]:
    """Read an annotator's tags back as (document, span)."""
    found: list[tuple[int, Mark]] = []
    document = np.repeat(units.document, np.diff(units.bounds))
    chosen = np.flatnonzero(units.annotator == annotator)
    previous = None
    for reading in chosen.tolist():
        unit, tag = int(units.unit[reading]), int(units.tag[reading])
        label = (tag - 1) // 2
        if tag % 2:
            span = (int(units.starts[unit]), int(units.ends[unit]), units.labels[label])
            found.append((int(document[unit]), span))
        elif tag:
            assert previous == unit - 1
            place, (start, _, name) = found[-1]
            assert (place, name) == (document[unit], units.labels[label])
            found[-1] = (place, (start, int(units.ends[unit]), name))
        previous = unit
    return found


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """Draw a text of any script and spans of it, which may overlap and hold blanks alone."""
    text = draw(any_text)
    return text, draw(st.lists(spans_in(len(text)), max_size=5)) if text else []


@given(drawn=texts_with_spans())
def test_borders_of_every_span_are_borders_of_units(drawn: tuple[str, list[Span]]) -> None:
    text, spans = drawn
    starts, ends = (found.tolist() for found in cut(text, spans))
    for span in spans:
        assert span.start in starts
        assert span.end in ends
        for start, end in zip(starts, ends, strict=True):
            assert end <= span.start or start >= span.end or span.start <= start < end <= span.end


@given(drawn=texts_with_spans())
def test_units_hold_every_letter_once_and_few_blanks(drawn: tuple[str, list[Span]]) -> None:
    text, spans = drawn
    starts, ends = (found.tolist() for found in cut(text, spans))
    assert all(start < end for start, end in zip(starts, ends, strict=True))
    assert all(left <= right for left, right in zip(ends, starts[1:], strict=False))
    held = [place for pair in zip(starts, ends, strict=True) for place in range(*pair)]
    assert {place for place, letter in enumerate(text) if not letter.isspace()} <= set(held)
    borders = {border for span in spans for border in (span.start, span.end)}
    for start, end in zip(starts, ends, strict=True):
        blank = [letter.isspace() for letter in text[start:end]]
        assert not any(blank) or (all(blank) and {start, end} & borders)


def test_without_spans_units_are_words() -> None:
    starts, ends = cut(SENTENCE, [])
    assert [SENTENCE[a:b] for a, b in zip(starts, ends, strict=True)] == SENTENCE.split()


def test_word_is_cut_at_everybodys_borders() -> None:
    text = "Zo\u00eb's half-Swedish"
    spans = [Span(start=0, end=3, label="PER"), Span(start=11, end=18, label="LOC")]
    starts, ends = cut(text, spans)
    assert [text[a:b] for a, b in zip(starts, ends, strict=True)] == [
        "Zo\u00eb",
        "'s",
        "half-",
        "Swedish",
    ]


@given(item=crowds(texts=any_text, flat=True))
def test_tags_say_exactly_what_spans_say(item: Gathered) -> None:
    units = laid_out([item])
    for one in only_read(item).annotations:
        expected = [(0, (span.start, span.end, span.label)) for span in one.spans]
        assert read_back(units, NAMES.index(one.annotator)) == expected


@given(item=crowds(texts=any_text, flat=True))
def test_previous_is_what_the_same_annotator_wrote_just_before(item: Gathered) -> None:
    assert item.document is not None
    item = only_read(item)
    units = laid_out([item])
    starts, _ = cut(item.document.text, [span for one in item.annotations for span in one.spans])
    for reading, unit in enumerate(units.unit.tolist()):
        (place,) = np.flatnonzero(starts == units.starts[unit])
        before = starts[place - 1] if place else -1
        annotation = next(
            one for one in item.annotations if one.annotator == NAMES[units.annotator[reading]]
        )
        label = [span.label for span in annotation.spans if span.start <= before < span.end]
        expected = 1 + LABELS.index(label[0]) if label else 0
        assert units.previous[reading] == expected


@given(item=crowds(texts=any_text, flat=True))
def test_what_takes_no_part_is_counted(item: Gathered) -> None:
    assert item.document is not None
    item = only_read(item)
    text = item.document.text
    units = laid_out([item])
    spans = [span for one in item.annotations for span in one.spans]
    starts, ends = (found.tolist() for found in cut(text, spans))
    shapes = shapes_of(text, np.array(starts, dtype=int), np.array(ends, dtype=int))
    marked = [
        number
        for number, start in enumerate(starts)
        if any(span.start <= start < span.end for span in spans)
    ]
    quiet = dict.fromkeys(NAMES, 0)
    quiet_shapes = [0] * len(SHAPES)
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if any(abs(number - other) <= CONTEXT for other in marked):
            continue
        readers = [
            one.annotator
            for one in item.annotations
            if any(first <= start and end <= last for first, last in one.coverage)
        ]
        for name in readers:
            quiet[name] += 1
        quiet_shapes[shapes[number]] += bool(readers)
    assert units.quiet.tolist() == list(quiet.values())
    assert units.quiet_shapes.tolist() == quiet_shapes


@given(items=st.lists(crowds(texts=any_text, flat=True), max_size=4))
def test_segments_are_whole_and_in_order(items: list[Gathered]) -> None:
    units = laid_out(items)
    lengths = np.diff(units.bounds)
    assert len(units.document) == len(lengths)
    assert units.bounds[0] == 0
    assert units.bounds[-1] == len(units.starts) == len(units.ends) == len(units.shapes)
    assert (lengths > 0).all()
    assert units.document.tolist() == sorted(units.document.tolist())
    for low, high in pairwise(units.bounds.tolist()):
        assert (units.starts[low + 1 : high] >= units.ends[low : high - 1]).all()


@pytest.mark.parametrize(("gap", "segments"), [(2 * CONTEXT, 1), (2 * CONTEXT + 1, 2)])
def test_marks_far_apart_are_in_segments_of_their_own(gap: int, segments: int) -> None:
    text = " ".join(["Ana", *["went"] * gap, "Bo", "on", "and", "on"])
    last = text.index("Bo")
    units = laid_out([by_all([(0, 3, "PER"), (last, last + 2, "PER")], text=text)])
    assert len(units.document) == segments
    assert units.quiet[0] == len(text.split()) - len(units.starts)


def test_who_has_not_read_a_place_says_nothing_about_it() -> None:
    document = a_document(SENTENCE)
    passes = [
        said_by("ana", document, (0, 7, "PER")),
        said_by("bo", document, coverage=((0, 5),)),
        said_by("cy", document, coverage=()),
    ]
    units = laid_out([gathered(document, passes)])
    words = [SENTENCE[a:b] for a, b in zip(units.starts, units.ends, strict=True)]
    assert words == ["Ana", "Roe", "met", "Bo"]
    assert [words[unit] for unit in units.unit[units.annotator == 1]] == ["Ana"]
    assert not (units.annotator == 2).any()


def test_no_segment_runs_across_what_nobody_read() -> None:
    document = a_document("Ana Roe met Bo of Lund")
    passes = [
        said_by("ana", document, (0, 3, "PER"), (12, 14, "PER"), coverage=((0, 3), (8, 14))),
        said_by("bo", document, (0, 3, "PER"), coverage=((0, 3),)),
    ]
    units = laid_out([gathered(document, passes)])
    words = [document.text[a:b] for a, b in zip(units.starts, units.ends, strict=True)]
    assert (words, units.bounds.tolist()) == (["Ana", "met", "Bo"], [0, 1, 3])


def test_blank_that_nobody_read_parts_a_segment() -> None:
    document = a_document("Ana Roe met Bo")
    coverage = ((0, 7), (8, 14))
    passes = [said_by("ana", document, (4, 7, "PER"), (8, 11, "LOC"), coverage=coverage)]
    assert laid_out([gathered(document, passes)]).bounds.tolist() == [0, 2, 4]


def test_text_that_nobody_read_is_no_evidence() -> None:
    document = a_document(SENTENCE)
    read = gathered(document, [said_by("ana", document, coverage=((0, 18),))])
    unread = gathered(document, [])
    units = laid_out([read, unread])
    assert len(units.starts) == 0
    assert units.quiet_shapes.sum() == units.quiet[0] == len(SENTENCE[:18].split())


@given(items=st.lists(crowds(texts=any_text, flat=True), max_size=3))
def test_a_unit_has_the_first_name_in_it(items: list[Gathered]) -> None:
    documents = [item.document for item in items if item.document is not None]
    units = laid_out_with_names(items)
    document = np.repeat(units.document, np.diff(units.bounds))
    held: dict[int, tuple[int, str]] = {}
    for number, names in enumerate(names_in(documents)):
        words = list(zip(names.starts.tolist(), names.ends.tolist(), strict=True))
        for unit in np.flatnonzero(document == number).tolist():
            low, high = units.starts[unit], units.ends[unit]
            inside = [documents[number].text[a:b] for a, b in words if low <= a and b <= high]
            if not inside:
                assert units.name[unit] == -1
                continue
            same = held.setdefault(int(units.name[unit]), (number, inside[0]))
            assert same == (number, inside[0])
    assert len(set(held.values())) == len(held)
    assert (laid_out(items).name == -1).all()


def test_who_overlooked_a_name_says_nothing_there_and_all_it_said_elsewhere() -> None:
    text = "Bo met her and Bo left in the end"
    item = by_all([(0, 2, "PER")], [(0, 2, "PER"), (15, 17, "PER")], [], text=text)
    silent, everything = laid_out_with_names([item]), laid_out([item])

    assert silent.starts.tolist() == everything.starts.tolist()
    assert silent.quiet.tolist() == everything.quiet.tolist()
    (second,) = np.flatnonzero(silent.starts == 15)
    assert silent.annotator[silent.unit == second].tolist() == [1, 2]
    for name in range(3):
        assert read_back(silent, name) == read_back(everything, name)
    assert len(everything.unit) - len(silent.unit) == 1


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_any_script_has_shapes(text: str) -> None:
    starts, ends = cut(text, [])
    shapes = shapes_of(text, starts, ends)
    assert len(shapes) == len(re.findall(r"\S+", text))


SHAPED = {
    "sign": ["--", "\U0001f600", "..."],
    "number": ["1848", "3rd", "B-52"],
    "lower": ["lund", "\u00e9t\u00e9", "half-timbered"],
    "letter": ["A", "J."],
    "upper": ["NATO", "U.S."],
    "title": ["Lund", "McAdam", "\u00c5rhus"],
    "mixed": ["iPhone", "d'Arc"],
    "caseless": ["\u5317\u4eac", "\u062d\u0644\u0628"],
}


@pytest.mark.parametrize(
    ("word", "shape"), [(word, shape) for shape, words in SHAPED.items() for word in words]
)
def test_shape_of_a_word(word: str, shape: str) -> None:
    text = f"in {word} it"
    starts, ends = cut(text, [])
    assert SHAPES[shapes_of(text, starts, ends)[1]] == shape


@pytest.mark.parametrize("before", ["", "so. ", "why? ", "so\n", "so \n"])
def test_title_that_opens_a_sentence_is_another_shape(before: str) -> None:
    text = f"{before}Lund it"
    starts, ends = cut(text, [])
    assert SHAPES[shapes_of(text, starts, ends)[-2]] == "first title"


def test_shapes_are_all_there_are() -> None:
    assert {*SHAPED, "first title"} == set(SHAPES)
