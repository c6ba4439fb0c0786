"""Tests that figures show what was measured, and only that, whatever models are called."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.student.evaluate.chart import Chart, Point, Series, draw
from gonerd.student.evaluate.plots import figures
from gonerd.student.evaluate.report import to_text

SVG = "{http://www.w3.org/2000/svg}"


def a_model(name: str = "tagger") -> dict[str, Any]:
    """Measure a model, in words."""
    return {
        "model": name,
        "f1": 0.5,
        "interval": None,
        "per_label": {},
        "by_length": [
            {"up_to": 512, "documents": 2, "f1": 0.75, "interval": [0.5, 0.8]},
            {"up_to": 1024, "documents": 1, "f1": None, "interval": None},
            {"up_to": None, "documents": 1, "f1": 0.25, "interval": None},
        ],
        "longest": 512,
        "parameters": 22_000_000,
        "words_per_second": 1234.5,
        "speed": {
            "loaded_mib": 200.0, "threads": 2, "numbers": "float32",
            "rows": [
                {
                    "length": 512, "pieces": 511, "windows": 1, "runs": 3, "p50": 0.1, "p95": 0.2,
                    "tokens_per_second": 5110.0, "peak_mib": 300.0, "flops": 22_000_000_000,
                },
                {
                    "length": 4096, "pieces": 4096, "windows": 11, "runs": 3, "p50": 1.0,
                    "p95": 1.5, "tokens_per_second": 4096.0, "peak_mib": 400.0, "flops": 10**11,
                },
                {"length": 8192, "error": "no room"},
            ],
        },
    }  # fmt: skip


def a_report(*models: dict[str, Any]) -> dict[str, Any]:
    """Report some models."""
    return {"split": "test", "documents": 4, "words": 9_000, "models": list(models)}


def said_in(drawing: str) -> list[str]:
    """List what stands in a drawing and what its points say."""
    return ["".join(one.itertext()) for one in ElementTree.fromstring(drawing).iter() if one.text]


def test_every_value_is_a_point_that_says_it() -> None:
    drawn = figures(a_report(a_model(), a_model("other")))
    assert set(drawn) == {"f1_by_length.svg", "latency_by_length.svg", "memory_by_length.svg"}
    f1 = said_in(drawn["f1_by_length.svg"])
    assert "tagger, to 512: 75 (50 to 80)" in f1
    assert "other, over 16,384: 25" in f1
    assert not any("to 1,024:" in one for one in f1)
    latency = said_in(drawn["latency_by_length.svg"])
    assert "tagger, 4,096: 1" in latency
    assert "tagger, in windows of 512, not measured at 8,192" not in f1
    assert "tagger" in f1
    assert any(
        one.startswith("tagger, in windows of 512, not measured at 8,192") for one in latency
    )


def test_what_was_not_timed_has_no_figure() -> None:
    model = {**a_model(), "speed": {"rows": []}}
    assert set(figures(a_report(model))) == {"f1_by_length.svg"}


@given(st.lists(st.text(max_size=120), min_size=1, max_size=9))
def test_any_name_gives_a_drawing_that_can_be_read(names: list[str]) -> None:
    for drawing in figures(a_report(*map(a_model, names))).values():
        assert drawing.encode("utf-8")
        ElementTree.fromstring(drawing)


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=5),
    st.booleans(),
)
def test_points_stand_within_the_axes_and_higher_is_more(
    values: list[float], logarithmic: bool
) -> None:
    chart = Chart(
        title="t", places=("a", "b", "c", "d", "e"), below="b", beside="v", logarithmic=logarithmic
    )
    points = tuple(Point(place=place, value=value) for place, value in enumerate(values))
    drawing = draw(chart, [Series(name="n", points=points)])
    (line,) = re.findall(r'<polyline points="([^"]*)"', drawing)
    heights = [float(one.split(",")[1]) for one in line.split()]
    assert all(64 <= one <= 364 for one in heights)
    for value, height in zip(values, heights, strict=True):
        for other, above in zip(values, heights, strict=True):
            assert value <= other or height <= above


@pytest.mark.parametrize("values", [[], [0.0]])
def test_nothing_to_show_is_still_a_drawing(values: list[float]) -> None:
    points = tuple(Point(place=0, value=value) for value in values)
    for logarithmic in (False, True):
        chart = Chart(title="t", places=("a",), below="b", beside="v", logarithmic=logarithmic)
        ElementTree.fromstring(draw(chart, [Series(name="n", points=points)]))


def test_the_table_says_windows_and_what_could_not_be_measured() -> None:
    assert to_text(a_report(a_model())).splitlines() == [
        "4 documents of 'test', 9,000 words; strict span F1, with the interval of 95 in 100 "
        "resamples of the documents",
        "",
        "tagger: F1 50.0; 22.0 million parameters, reads 512 tokens at once, 1,234 words a second",
        "  to 512 words           2 documents  F1 75.0 (50.0 to 80.0)",
        "  to 1,024 words         1 documents  F1    -",
        "  over 16,384 words      1 documents  F1 25.0",
        "  tokens       p50 s    p95 s  tokens/s       MiB     GFLOP  (2 threads, float32)",
        "     512      0.100    0.200     5,110       300      22.0",
        "   4,096      1.000    1.500     4,096       400     100.0  in 11 windows",
        "   8,192  not measured: no room",
    ]
