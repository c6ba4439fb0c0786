"""Tests that offsets in any unit come back as code points, exactly, or are refused by name."""

from collections.abc import Sequence
from itertools import product

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from gonerd.formats.layers import Mention, Unit
from gonerd.formats.offsets import Calibrated, calibrate
from gonerd.records import Loss, Range

UNITS: tuple[Unit, ...] = ("code points", "UTF-16", "bytes", "graphemes")
CHANGES = ("", "LF", "stripped", "LF stripped", "browser")

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
NAMES = ("Ana", "Zoe\u0308", "\u05d3\u05d5\u05d3", "\u6771\u4eac", FAMILY, "\U0001f1eb\U0001f1ee")
BETWEEN = (
    " ",
    "  ",
    "\r\n",
    "\n\t",
    " \u00a0 ",
    " \U0001f600 ",
    " u\u0308\u0323. ",
    " \u202a-\u202c ",
)
LETTER = (
    "  \r\n\U0001f600 Ana met \U0001f469\u200d\U0001f467 Zoe\u0308,\r\n"
    "\u05d3\u05d5\u05d3  in \u6771\u4eac.\r\n"
)

NOT_FOUND = "its string does not stand where the file says, nor near by"
NO_PLACE = "it is empty, outside the text, cuts a character, or its parts are not apart"
UNTOLD = "its unit cannot be told, since several fit; --unit says which"
NEAR_BY = "its string stands elsewhere near by"


def size(text: str, unit: Unit) -> int:
    """Count a text the slow, plain way."""
    if unit == "UTF-16":
        return len(text.encode("utf-16-le")) // 2
    if unit == "bytes":
        return len(text.encode("utf-8"))
    return len(regex.findall(r"\X", text)) if unit == "graphemes" else len(text)


def changed(text: str, change: str) -> str:
    """Do to the beginning of a text what a tool does to all of it."""
    if "LF" in change:
        text = text.replace("\r\n", "\n")
    if change == "browser":
        text = regex.sub(r"\s+", " ", text)
    return text.lstrip() if change in ("stripped", "LF stripped", "browser") else text


def counted(text: str, start: int, end: int, unit: Unit, change: str) -> Range:
    """Say where a file of that unit puts [start, end), which must not cut what counts as one."""
    before = size(changed(text[:start] + "|", change), unit) - 1
    return before, before + size(changed("|" + text[start:end], change), unit) - 1


def mentions(
    text: str, places: Sequence[Range], unit: Unit, change: str = "", *, stated: bool = True
) -> list[Mention]:
    return [
        Mention(
            start=found[0],
            end=found[1],
            label="X",
            surface=changed("|" + text[start:end], change)[1:] if stated else None,
        )
        for start, end in places
        for found in [counted(text, start, end, unit, change)]
    ]


def places_of(found: Calibrated) -> list[Range]:
    return [(span.start, span.end) for span in found.spans]


def whys(found: Calibrated) -> list[tuple[str, str]]:
    return [(loss.what, loss.why) for loss in found.losses]


def words(text: str, *names: str) -> list[Range]:
    """Find the first occurrence of each name after the one before."""
    places: list[Range] = []
    for name in names:
        start = text.index(name, places[-1][1] if places else 0)
        places.append((start, start + len(name)))
    return places


@st.composite
def letters(draw: st.DrawFn, *, repeated: bool) -> tuple[str, list[Range]]:
    """Draw a hostile text of names, each with where it stands."""
    names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=not repeated)
    text = draw(st.sampled_from(["", " ", "\r\n ", "\U0001f600 "]))
    places: list[Range] = []
    for name in draw(names):
        places.append((len(text), len(text) + len(name)))
        text += name + draw(st.sampled_from(BETWEEN))
    return text, places


@pytest.mark.parametrize(("unit", "change"), list(product(UNITS, CHANGES)))
def test_the_same_mentions_in_every_unit_are_the_same_spans(unit: Unit, change: str) -> None:
    places = words(LETTER, "Ana", "Zoe\u0308", "\u05d3\u05d5\u05d3", "\u6771\u4eac")
    found = calibrate("l-17", LETTER, mentions(LETTER, places, unit, change))
    assert places_of(found) == places
    assert found.counts == {"matched": 4, "unverified": 0, "moved": 0, "refused": 0}
    assert found.losses == ()


@pytest.mark.parametrize(
    ("unit", "change", "name"),
    [
        ("code points", "", "code points"),
        ("UTF-16", "LF", "UTF-16, CRLF counted as one"),
        ("bytes", "stripped", "bytes, outer blanks not counted"),
        ("UTF-16", "LF stripped", "UTF-16, CRLF counted as one, outer blanks not counted"),
        ("graphemes", "browser", "graphemes, blanks as a browser shows them"),
    ],
)
def test_the_unit_is_named(unit: Unit, change: str, name: str) -> None:
    found = calibrate(
        "l-17", LETTER, mentions(LETTER, words(LETTER, "Ana", "\u6771"), unit, change)
    )
    assert found.unit == name


@given(letters(repeated=False), st.sampled_from(UNITS), st.sampled_from(CHANGES))
def test_names_that_stand_once_are_found_in_every_unit(
    letter: tuple[str, list[Range]], unit: Unit, change: str
) -> None:
    text, places = letter
    found = calibrate("l-17", text, mentions(text, places, unit, change))
    assert places_of(found) == places
    assert found.counts["matched"] == len(places)


@given(letters(repeated=True), st.sampled_from(UNITS), st.sampled_from(CHANGES), st.booleans())
def test_a_name_is_never_put_where_another_stands(
    letter: tuple[str, list[Range]], unit: Unit, change: str, stated: bool
) -> None:
    text, places = letter
    if not stated:  # borders of words tell nothing of what only strings can tell
        change = "" if change == "browser" else change
    found = calibrate("l-17", text, mentions(text, places, unit, change, stated=stated))
    assert set(places_of(found)) <= set(places)
    assert {why for _, why in whys(found)} <= {UNTOLD}
    assert len(found.spans) + found.counts["refused"] == len(places)
    assert not any(
        low < end and start < high for low, high in found.unknown for start, end in places_of(found)
    )


@given(letters(repeated=True), st.sampled_from(UNITS), st.sampled_from(CHANGES))
def test_a_unit_that_is_told_is_the_unit(
    letter: tuple[str, list[Range]], unit: Unit, change: str
) -> None:
    text, places = letter
    found = calibrate("l-17", text, mentions(text, places, unit), unit=unit, exact=True)
    assert (places_of(found), found.unit) == (places, unit)
    found = calibrate("l-17", text, mentions(text, places, unit, stated=False), unit=unit)
    assert found.counts["refused"] == 0


@given(letters(repeated=True), st.sampled_from(UNITS), st.sampled_from(CHANGES), st.data())
def test_coverage_counts_as_the_mentions_do(
    letter: tuple[str, list[Range]], unit: Unit, change: str, data: st.DataObject
) -> None:
    text, places = letter
    first = data.draw(st.integers(0, len(places) - 1))
    last = data.draw(st.integers(first, len(places) - 1))
    read = [(places[first][0], places[last][1])]
    covered = [counted(text, *place, unit, change) for place in read]
    found = calibrate("l-17", text, mentions(text, places, unit, change), coverage=covered)
    if found.losses == ():
        (start, end) = found.coverage[0]
        assert text[start:end].strip() == text[slice(*read[0])]
        assert start + len(text[start:end]) - len(text[start:end].lstrip()) == read[0][0]


def test_coverage_of_all_that_was_counted_is_all_of_the_text() -> None:
    end = size(changed(LETTER, "LF stripped").rstrip(), "UTF-16")
    found = calibrate(
        "l-17",
        LETTER,
        mentions(LETTER, words(LETTER, "Ana", "\u6771\u4eac"), "UTF-16", "LF stripped"),
        coverage=[(0, 5), (5, end)],
    )
    assert found.coverage == ((0, len(LETTER)),)


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [
        ([(0, 4)], ((0, 2),)),
        ([(1, 2)], ()),
        ([(2, 10**400)], ((1, 6),)),
        ([(-7, 3)], ((0, 2),)),
        ([(99, 100)], ()),
    ],
    ids=["ends in a character", "inside one", "huge", "negative", "outside"],
)
def test_coverage_is_kept_to_whole_characters_of_the_text(
    coverage: list[Range], expected: tuple[Range, ...]
) -> None:
    text = "\U0001f600 \U0001f600 Bo"
    found = calibrate("l-17", text, [], coverage=coverage, unit="UTF-16", exact=True)
    assert found.coverage == expected


def test_a_span_in_another_unit_than_the_rest_is_moved_and_counted() -> None:
    places = words(LETTER, "Ana", "Zoe\u0308", "\u05d3\u05d5\u05d3", "\u6771\u4eac")
    given_ = mentions(LETTER, places[:3], "code points") + mentions(LETTER, places[3:], "UTF-16")
    found = calibrate("l-17", LETTER, given_)
    assert places_of(found) == places
    assert found.counts == {"matched": 3, "unverified": 0, "moved": 1, "refused": 0}
    (start, end) = places[3]
    assert found.losses == (
        Loss(
            document_id="l-17",
            start=start,
            end=end,
            what="span moved",
            why="counted in UTF-16, unlike the rest",
        ),
    )


def test_what_a_tool_had_taken_out_of_the_text_is_made_up_for() -> None:
    text = "<p>Bo met <b>Ana</b> and Bo.</p>\n<p>Then\u200b Bo left <i>Ana  Roe</i>; Bo stayed.</p>"
    shown = regex.sub(r"<[^>]*>|\u200b", "", text).replace("  ", " ")
    names = ("Bo", "Ana", "Bo", "Bo", "Ana Roe", "Bo")
    given_ = [
        Mention(start=start, end=end, label="X", surface=shown[start:end])
        for start, end in words(shown, *names)
    ]
    found = calibrate("l-17", text, given_)
    assert places_of(found) == words(text, "Bo", "Ana", "Bo", "Bo", "Ana  Roe", "Bo")
    assert found.counts["moved"] == 6
    assert set(whys(found)) == {("span moved", NEAR_BY)}


@pytest.mark.parametrize(
    ("text", "start", "surface", "expected"),
    [
        pytest.param("Bo. Bo. xx Bo.", 9, "Bo", (11, 13), id="the nearer after"),
        pytest.param("Bo. Bo. xxxx Bo.", 6, "Bo", (4, 6), id="the nearer before"),
        pytest.param("Bo xx Bo", 3, "Bo", None, id="as near before as after"),
        pytest.param("Bologna, and Bo", 1, "Bo", (13, 15), id="not a part of a word"),
        pytest.param(
            "\u6771\u4eac\u90fd\u306b\u4f4f\u3080", 1, "\u6771\u4eac", (0, 2), id="no words"
        ),
        pytest.param("Ana\u00a0\n Roe", 1, "Ana Roe", (0, 9), id="other blanks inside"),
        pytest.param("a (b) c", 0, "(b)", (2, 5), id="signs of patterns"),
        pytest.param("x" * 2_010 + " Bo", 0, "Bo", None, id="too far ahead"),
        pytest.param("x" * 1_990 + " Bo", 0, "Bo", (1_991, 1_993), id="just not too far"),
        pytest.param("Bo " + "x" * 2_010, 2_012, "Bo", None, id="too far back"),
        pytest.param("x" * 200 + " Bo Bo", 0, "Bo", None, id="several, and all far"),
        pytest.param("x" * 90 + " Bo " + "x" * 9 + " Bo", 0, "Bo", (91, 93), id="one is near"),
        pytest.param("Ana", 0, "Bo", None, id="nowhere"),
        pytest.param("Ana", 0, "", None, id="an empty string"),
        pytest.param("Ana   Bo", 3, "  ", None, id="blank"),
    ],
)
def test_a_search_takes_the_nearest_or_none(
    text: str, start: int, surface: str, expected: Range | None
) -> None:
    mention = Mention(start=start, end=start + 1, label="X", surface=surface)
    found = calibrate("l-17", text, [mention], unit="code points", exact=True)
    assert places_of(found) == ([] if expected is None else [expected])
    assert whys(found) == [
        ("span refused", NOT_FOUND) if expected is None else ("span moved", NEAR_BY)
    ]


def test_what_follows_is_off_by_as_much_as_what_went_before() -> None:
    text = "#####Ana saw Bo and Bo and Bo and Bo."
    places = words(text, "Ana", "Bo", "Bo", "Bo", "Bo")
    given_ = [
        Mention(start=start - 5, end=end - 5, label="X", surface=text[start:end])
        for start, end in places
    ]
    assert places_of(calibrate("l-17", text, given_)) == places


def test_several_places_with_equal_right_are_refused() -> None:
    text = "\U0001f600\U0001f600\U0001f600Bo Bo"
    found = calibrate("l-17", text, [Mention(start=6, end=8, label="X", surface="Bo")])
    assert found.spans == ()
    assert found.losses == (
        Loss(document_id="l-17", start=6, end=8, what="span refused", why=UNTOLD),
    )
    assert found.unknown == ((3, 5), (6, 8))


def test_a_corrupted_file_is_refused_one_by_one() -> None:
    names = ("Cyd", "Dee", "Eve")
    given_ = [
        Mention(start=number, end=number + 3, label="X", surface=name)
        for number, name in enumerate(names)
    ]
    coverage = [(0, len(LETTER))]
    found = calibrate("l-17", LETTER, given_, coverage=coverage, unit="code points", exact=True)
    assert found.spans == ()
    assert found.counts == {"matched": 0, "unverified": 0, "moved": 0, "refused": 3}
    assert found.losses == tuple(
        Loss(
            document_id="l-17",
            start=number,
            end=number + 3,
            what="span refused",
            why=NOT_FOUND,
        )
        for number in range(3)
    )
    assert found.coverage == ((5, len(LETTER)),)


@pytest.mark.parametrize(
    ("start", "end", "fragments"),
    [
        (3, 3, ()),
        (5, 3, ()),
        (-3, 2, ()),
        (1, 99, ()),
        (10**400, 10**400 + 1, ()),
        (0, 1, ()),
        (1, 3, ()),
        (0, 5, ((3, 5), (0, 2))),
        (0, 5, ((0, 2), (2, 5))),
        (0, 5, ((0, 3), (2, 5))),
        (0, 5, ((0, 2), (3, 3))),
    ],
    ids=[
        "zero length", "ends before it begins", "negative", "past the text", "huge",
        "ends in a surrogate pair", "begins in one", "parts out of order", "parts that touch",
        "parts that overlap", "an empty part",
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(start: int, end: int, fragments: tuple[Range, ...]) -> None:
    mention = Mention(start=start, end=end, label="X", fragments=fragments)
    found = calibrate("l-17", "\U0001f600 Bo left", [mention], unit="UTF-16", exact=True)
    assert found.spans == ()
    assert whys(found) == [("span refused", NO_PLACE)]
    assert found.counts["refused"] == 1


@pytest.mark.parametrize("unit", UNITS)
def test_parts_come_back_in_every_unit(unit: Unit) -> None:
    text = "\U0001f600 Zoe\u0308 and Ana Roe"
    parts = words(text, "Zoe\u0308", "Roe")
    ((first, _), (_, last)) = counted_parts = [counted(text, *part, unit, "") for part in parts]
    mention = Mention(
        start=first,
        end=last,
        label="X",
        surface="Zoe\u0308 Roe",
        fragments=tuple(counted_parts),
    )
    (span,) = calibrate("l-17", text, [mention]).spans
    assert (span.start, span.end, span.fragments) == (2, len(text), tuple(parts))


def test_parts_that_are_not_where_the_file_says_are_refused_and_not_searched() -> None:
    mention = Mention(start=1, end=8, label="X", surface="Ana Roe", fragments=((1, 4), (6, 8)))
    found = calibrate("l-17", "Ana A. Roe", [mention])
    assert whys(found) == [("span refused", NOT_FOUND)]


def test_without_strings_words_judge() -> None:
    text = "\U0001f600 Ana met Bo"
    places = words(text, "Ana", "Bo")
    found = calibrate("l-17", text, mentions(text, places, "UTF-16", stated=False))
    assert places_of(found) == places
    assert found.counts == {"matched": 0, "unverified": 2, "moved": 0, "refused": 0}
    assert (found.unit, found.losses) == ("UTF-16", ())


@pytest.mark.parametrize("unit", [None, "UTF-16"])
def test_without_strings_what_fits_several_units_is_refused_unless_one_is_told(
    unit: Unit | None,
) -> None:
    text = "\U0001f600\U0001f600\U0001f600\U0001f600 Ana Bob Cyd"
    mention = Mention(start=13, end=16, label="X")
    found = calibrate("l-17", text, [mention], unit=unit)
    if unit:
        assert places_of(found) == words(text, "Bob")
    else:
        assert whys(found) == [("span refused", UNTOLD)]
        assert found.unknown == ((9, 12), (13, 16))


def test_one_string_settles_the_unit_for_those_without() -> None:
    text = "\U0001f600\U0001f600\U0001f600\U0001f600 Ana Bob Cyd"
    stated, *others = mentions(text, words(text, "Ana", "Bob", "Cyd"), "UTF-16")
    silent = [Mention(start=one.start, end=one.end, label="X") for one in others]
    found = calibrate("l-17", text, [stated, *silent])
    assert places_of(found) == words(text, "Ana", "Bob", "Cyd")
    assert found.counts == {"matched": 1, "unverified": 2, "moved": 0, "refused": 0}


def test_plain_text_has_one_way_of_counting() -> None:
    found = calibrate("l-17", "Ana left", [Mention(start=1, end=6, label="X")])
    assert places_of(found) == [(1, 6)]
    assert (found.unit, found.losses) == ("code points", ())


def test_exact_counts_on_just_this_text() -> None:
    text = " \r\nAna\r\n"
    mention = Mention(start=0, end=3, label="X")
    found = calibrate("l-17", text, [mention], unit="code points", exact=True)
    assert places_of(found) == [(0, 3)]
    assert places_of(calibrate("l-17", text, [mention])) == [(3, 6)]


def test_confidence_support_and_label_come_along_when_a_span_is_moved() -> None:
    mention = Mention(start=0, end=3, label="PER", surface="Bo", confidence=0.5, support=2)
    (span,) = calibrate("l-17", "to Bo", [mention]).spans
    assert (span.label, span.confidence, span.support) == ("PER", 0.5, 2)


@pytest.mark.parametrize("text", ["", " \r\n ", "\ud800 Bo"], ids=["empty", "blank", "surrogate"])
def test_a_text_with_nothing_in_it_or_nothing_good_is_no_crash(text: str) -> None:
    given_ = [Mention(start=0, end=2, label="X", surface="Cyd"), Mention(start=7, end=9, label="X")]
    found = calibrate("l-17", text, given_, coverage=[(0, 9)])
    assert found.spans == ()
    assert found.counts["refused"] == 2
