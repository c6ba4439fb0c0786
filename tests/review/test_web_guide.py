"""Tests that a guide becomes elements that can do no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.guide import load_guide
from gonerd.review.web.guide import ELEMENTS, Tree, guide_tree


@pytest.mark.parametrize(
    ("markdown", "tree"),
    [
        ("# A\n\nb *c* **d** `e`", ["div", ["h1", "A"], ["p", "b ", ["em", "c"], " ",
                                                          ["strong", "d"], " ", ["code", "e"]]]),
        ("* a\n* b", ["div", ["ul", ["li", ["p", "a"]], ["li", ["p", "b"]]]]),
        ("a\nb  \nc", ["div", ["p", "a", " ", "b", ["br"], "c"]]),
        ("```\n<b>\n```", ["div", ["pre", "<b>\n"]]),
        ("<script>alert(1)</script>", ["div", ["p", "<script>alert(1)</script>"]]),
        ("a <img src=x onerror=alert(1)>", ["div", ["p", "a <img src=x onerror=alert(1)>"]]),
        ("[a](javascript:alert(1))", ["div", ["p", "[a](javascript:alert(1))"]]),
        ("[a](http://b.example)", ["div", ["p", "a"]]),
        ("![a](http://b.example/c.png)", ["div", ["p", "a"]]),
    ],
)  # fmt: skip
def test_markdown_becomes_elements(markdown: str, tree: Tree) -> None:
    assert guide_tree(markdown) == tree


def test_tables_are_tables() -> None:
    assert guide_tree("| a |\n|---|\n| b |")[1][0] == "table"


def names(tree: Tree) -> set[str]:
    """List the elements of a tree."""
    return {tree[0]} | {name for one in tree[1:] if isinstance(one, list) for name in names(one)}


@given(st.text(alphabet="ab#*_`[]()<>!|-\n \\&;:\"'=", max_size=80))
def test_nothing_but_the_elements_of_the_list(markdown: str) -> None:
    assert names(guide_tree(markdown)) <= ELEMENTS | {"div"}


def test_the_shipped_guide_is_whole() -> None:
    assert {"h1", "h2", "p", "ul", "strong"} <= names(guide_tree(load_guide("gonerd").text))
