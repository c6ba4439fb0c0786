"""Tests that windows share a text out whole, and that spans come back from them unchanged."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gonerd.errors import ConfigError
from gonerd.records import Span
from gonerd.spans import overlap
from gonerd.windows import Window, cut, join, sentence_ends, to_units
from tests.strategies import HOSTILE_TEXTS, flat_ranges, spans


@st.composite
def windowings(draw: st.DrawFn) -> tuple[int, int, int, list[int]]:
    """Draw (length, size, overlap, ends) that may be cut."""
    overlap_units = draw(st.integers(0, 8))
    size = 2 * overlap_units + draw(st.integers(1, 20))
    length = draw(st.integers(0, 120))
    ends = sorted(draw(st.sets(st.integers(0, length + 5), max_size=20)))
    return length, size, overlap_units, ends


def seen_in(window: Window, some: list[Span]) -> list[Span]:
    """List the spans that lie in a window whole, in its coordinates."""
    return [
        moved(span, -window.start)
        for span in some
        if window.start <= span.start and span.end <= window.end
    ]


def moved(span: Span, by: int) -> Span:
    """Shift a span."""
    pieces = tuple((start + by, end + by) for start, end in span.fragments)
    return replace(span, start=span.start + by, end=span.end + by, fragments=pieces)


@given(windowings())
def test_cores_share_the_text_out_without_gap_or_overlap(
    windowing: tuple[int, int, int, list[int]],
) -> None:
    length, size, overlap_units, ends = windowing
    windows = cut(length, size=size, overlap=overlap_units, ends=ends)

    judged = [unit for window in windows for unit in range(window.core_start, window.core_end)]
    assert judged == list(range(length))
    assert all(window.core_start < window.core_end for window in windows)


@given(windowings())
def test_every_window_fits_its_size_and_has_context_on_both_sides(
    windowing: tuple[int, int, int, list[int]],
) -> None:
    length, size, overlap_units, ends = windowing
    for window in cut(length, size=size, overlap=overlap_units, ends=ends):
        assert window.end - window.start <= size
        assert window.start == max(0, window.core_start - overlap_units)
        assert window.end == min(length, window.core_end + overlap_units)


@given(windowings())
def test_a_core_ends_at_the_last_sentence_end_of_its_second_half(
    windowing: tuple[int, int, int, list[int]],
) -> None:
    length, size, overlap_units, ends = windowing
    room = size - 2 * overlap_units
    for window in cut(length, size=size, overlap=overlap_units, ends=ends)[:-1]:
        full, half = window.core_start + room, window.core_start + room // 2
        candidates = [end for end in ends if half < end <= full]
        assert window.core_end == (max(candidates) if candidates else full)


@pytest.mark.parametrize(
    ("size", "overlap_units"), [(0, 0), (-5, 0), (10, 5), (10, 6), (10, -1)], ids=str
)
def test_windows_without_room_for_a_core_are_refused(size: int, overlap_units: int) -> None:
    with pytest.raises(ConfigError) as error:
        cut(100, size=size, overlap=overlap_units)
    assert str(error.value) == (
        f"windows: overlap {overlap_units} on both sides leaves no core in size {size}; "
        "expected 2 * overlap < size."
    )


def test_no_units_give_no_windows() -> None:
    assert cut(0, size=10, overlap=2) == []
    assert join([]) == ([], [])


def test_a_text_that_fits_is_one_window() -> None:
    assert cut(6, size=10, overlap=2) == [Window(start=0, end=6, core_start=0, core_end=6)]


@given(st.data(), windowings())
def test_spans_come_back_from_windows_unchanged(
    data: st.DataObject, windowing: tuple[int, int, int, list[int]]
) -> None:
    length, size, overlap_units, ends = windowing
    found = [
        Span(start=start, end=end, label="PER", confidence=0.5)
        for start, end in data.draw(flat_ranges(length, max(1, overlap_units)))
    ]
    windows = cut(length, size=size, overlap=overlap_units, ends=ends)

    assert join((window, seen_in(window, found)) for window in windows) == (found, [])


def test_a_mention_in_pieces_comes_back_from_a_window_with_its_pieces() -> None:
    span = Span(start=12, end=19, label="PER", support=2, fragments=((12, 14), (17, 19)))
    windows = cut(40, size=20, overlap=8)

    assert join((window, seen_in(window, [span])) for window in windows) == ([span], [])


@given(st.data(), windowings())
def test_what_a_window_finds_in_its_context_is_left_to_its_neighbour(
    data: st.DataObject, windowing: tuple[int, int, int, list[int]]
) -> None:
    length, size, overlap_units, ends = windowing
    found = []
    for window in cut(length, size=size, overlap=overlap_units, ends=ends):
        invented = data.draw(st.lists(spans(longest=20), max_size=4))
        outside = [
            span
            for span in invented
            if not window.core_start <= window.start + span.start < window.core_end
        ]
        found.append((window, outside))

    assert join(found) == ([], [])


@st.composite
def window_findings(draw: st.DrawFn) -> list[tuple[Window, list[Span]]]:
    """Draw windows, each with flat spans of any length it may have found."""
    overlap_units = draw(st.integers(1, 6))
    size = 2 * overlap_units + draw(st.integers(1, 6))
    return [
        (
            window,
            [
                Span(start=start, end=end, label="PER")
                for start, end in draw(flat_ranges(window.end - window.start, size, gap=5))
            ],
        )
        for window in cut(draw(st.integers(0, 40)), size=size, overlap=overlap_units)
    ]


@given(window_findings())
def test_every_span_that_starts_in_a_core_is_kept_or_returned_as_dropped(
    found: list[tuple[Window, list[Span]]],
) -> None:
    kept, dropped = join(found)

    mine = [
        moved(span, window.start)
        for window, some in found
        for span in some
        if window.core_start <= window.start + span.start < window.core_end
    ]
    assert sorted(kept + dropped, key=repr) == sorted(mine, key=repr)


@given(window_findings())
def test_what_is_kept_of_flat_findings_is_flat(found: list[tuple[Window, list[Span]]]) -> None:
    kept, _ = join(found)

    assert all(left.end <= right.start for left, right in pairwise(kept))


@given(window_findings())
def test_a_span_is_dropped_only_for_one_that_is_kept(
    found: list[tuple[Window, list[Span]]],
) -> None:
    kept, dropped = join(found)

    for span in dropped:
        assert any(overlap(span, other) and other.start < span.start for other in kept)


def test_a_span_that_runs_into_the_next_core_wins_there() -> None:
    first, second = cut(20, size=14, overlap=2)
    assert (first.core_end, second.start) == (10, 8)
    long = Span(start=8, end=12, label="ORG")
    inner = Span(start=10, end=12, label="PER")

    kept, dropped = join([(first, [long]), (second, [moved(inner, -8)])])
    assert (kept, dropped) == ([long], [inner])


def test_a_dropped_span_drops_no_other() -> None:
    windows = cut(30, size=14, overlap=2)
    assert [window.core_start for window in windows] == [0, 10, 20]
    first, second, third = (
        Span(start=8, end=12, label="ORG"),
        Span(start=11, end=22, label="ORG"),
        Span(start=21, end=23, label="PER"),
    )

    kept, dropped = join(
        (window, [moved(span, -window.start)])
        for window, span in zip(windows, (first, second, third), strict=True)
    )
    assert (kept, dropped) == ([first, third], [second])


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        pytest.param("It rained. She left.", ["She left."], id="full stop"),
        pytest.param("Really?! Yes.", ["Yes."], id="question"),
        pytest.param("He said \u201cGo.\u201d She went.", ["She went."], id="closing quote"),
        pytest.param('It (all of it.) "Was".', ['"Was".'], id="opening quote after"),
        pytest.param("Sold in 1912. 40 were left.", ["40 were left."], id="digit after"),
        pytest.param("Wait\u2026 Now.", ["Now."], id="ellipsis"),
        pytest.param("See p. 3 and e.g. the rest", ["3 and e.g. the rest"], id="lower case after"),
        pytest.param("3.14 and a.b", [], id="no blank after"),
        pytest.param("Title\n\nbody", ["body"], id="empty line"),
        pytest.param("Title\r\n \t\r\nbody", ["body"], id="blank line with line ends of Windows"),
        pytest.param("one\ntwo", [], id="line end alone"),
        pytest.param("\u5b83\u3002\u4ed6", ["\u4ed6"], id="no blanks between sentences"),
        pytest.param("No end", [], id="none"),
        pytest.param("", [], id="empty"),
    ],
)
def test_a_sentence_begins_after_the_end_of_another(text: str, begins: list[str]) -> None:
    assert [text[end:] for end in sentence_ends(text)] == begins


@given(st.text(alphabet="aB1.?!\u2026\u3002\u201d\")' \n\r\t\u00a0", max_size=40))
def test_sentence_ends_are_sorted_places_that_windows_can_use(text: str) -> None:
    ends = sentence_ends(text)

    assert ends == sorted(set(ends))
    assert all(0 < end <= len(text) for end in ends)
    windows = cut(len(text), size=9, overlap=2, ends=ends)
    assert "".join(text[window.core_start : window.core_end] for window in windows) == text


@pytest.mark.parametrize(
    "text",
    [
        "." * 200_000,
        "." + " " * 200_000 + "a",
        ("\n" + " " * 300) * 1_000 + "a",
        ("\n" + " " * 300 + "a") * 1_000,
        ".\"'" * 70_000,
        *HOSTILE_TEXTS.values(),
    ],
    ids=["stops", "blanks", "blank lines", "indents", "quotes", *HOSTILE_TEXTS],
)
def test_sentence_ends_of_hostile_text_leave_it_whole(text: str) -> None:
    windows = cut(len(text), size=1_000, overlap=100, ends=sentence_ends(text))

    assert sum(window.core_end - window.core_start for window in windows) == len(text)


@given(
    st.lists(st.integers(0, 60), max_size=12),
    st.sets(st.integers(0, 50), max_size=20).map(sorted),
)
def test_an_offset_becomes_the_first_unit_at_or_after_it(
    offsets: list[int], starts: list[int]
) -> None:
    expected = {
        next((unit for unit, start in enumerate(starts) if start >= offset), len(starts))
        for offset in offsets
    }

    assert to_units(offsets, starts) == sorted(expected)


@given(windowings())
def test_sentence_ends_in_other_units_still_share_out_the_text(
    windowing: tuple[int, int, int, list[int]],
) -> None:
    length, size, overlap_units, ends = windowing
    assume(length)
    starts = list(range(0, 3 * length, 3))

    windows = cut(length, size=size, overlap=overlap_units, ends=to_units(ends, starts))
    assert [window.core_start for window in windows[1:]] == [w.core_end for w in windows[:-1]]
    assert windows[-1].core_end == length
