"""Tests that the field in which spans were marked is told by its words, or not at all."""

import pytest

from gonerd.errors import ConfigError
from gonerd.formats.annotation_tools.text_field import (
    Evidence,
    find_text_field,
    is_address,
    name_in_address,
)

Mark = tuple[int, int, str | None]


def record(*marks: Mark, **fields: str) -> Evidence:
    """Hold fields and spans."""
    return Evidence(fields=fields, marks=marks)


@pytest.mark.parametrize(
    ("records", "field"),
    [
        pytest.param([record()], None, id="nothing"),
        pytest.param([record(body="Ana")], "body", id="one field and no spans"),
        pytest.param([record(body="Ana", text="Bo")], "text", id="no spans and a plain name"),
        pytest.param([record(body="Ana", head="Bo")], None, id="no spans and no plain name"),
        pytest.param([record(body="Ana", url="Bo")], "body", id="an unlikely field"),
        pytest.param([record((0, 3, "Ana"), url="Ana")], "url", id="nothing but an unlikely field"),
        pytest.param([record((0, 3, "Ana"), a="Ana.", b="x Ana")], "a", id="words in place"),
        pytest.param(
            [record((0, 2, "An"), url="Ana.", body="Ana!")], "body", id="an unlikely field as well"
        ),
        pytest.param([record((0, 2, "en"), lang="en", url="x")], "lang", id="only there"),
        pytest.param(
            [record((0, 1, "A"), a="A b", b="A c"), record((2, 3, "c"), a="A b", b="A c")],
            "b",
            id="the one with more",
        ),
        pytest.param(
            [record((3, 6, "Ana"), a="\U0001f600 Ana", b="Ana")], "a", id="words in UTF-16"
        ),
        pytest.param([record((9, 12, "Ana"), a="x Ana", b="x")], "a", id="words elsewhere"),
        pytest.param([record((9, 12, None), a="x" * 12, b="x")], "a", id="long enough"),
        pytest.param(
            [record((9, 12, "Ana"), a="s3://a/b.txt", b="x y")], "a", id="an address"
        ),
        pytest.param([record((9, 12, "Ana"), a="x")], "a", id="nowhere, in one field"),
    ],
)  # fmt: skip
def test_a_field_is_told_by_its_words(records: list[Evidence], field: str | None) -> None:
    assert find_text_field(records, "f", unlikely=("url", "lang")) == field


@pytest.mark.parametrize(
    ("records", "listed"),
    [
        pytest.param([record((0, 1, "A"), a="A", b="A")], "'a', 'b'", id="both in place"),
        pytest.param([record((5, 6, "A"), a="A", b="xA", c="c")], "'a', 'b'", id="both elsewhere"),
        pytest.param([record((5, 6, "A"), a="x", b="y")], "'a', 'b'", id="nowhere"),
    ],
)
def test_fields_that_fit_alike_are_refused(records: list[Evidence], listed: str) -> None:
    with pytest.raises(ConfigError) as error:
        find_text_field(records, "f")
    assert str(error.value) == (
        f"f: the spans could be of any of the fields {listed}; expected to know which.\n"
        "Name it: --column text=a"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://x.org/a.txt", True),
        (" /data/upload/1/a.txt\n", True),
        ("s3://letters/a", True),
        ("see https://x.org", False),
        ("Ana", False),
        ("/", False),
        ("", False),
    ],
)
def test_an_address_is_told_from_a_text(value: str, expected: bool) -> None:
    assert is_address(value) == expected


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("s3://letters/1791/l-17.txt?versionId=3", "l-17"),
        ("/tasks/3/resolve/?fileuri=%C3%A4", "\u00e4"),
        ("http://[x", "http://[x"),
        ("s3://letters/", "s3://letters/"),
    ],
)
def test_a_document_is_called_after_the_file_at_its_address(address: str, name: str) -> None:
    assert name_in_address(address) == name
