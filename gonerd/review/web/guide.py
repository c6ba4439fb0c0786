"""A guide's Markdown into a tree of harmless elements, which the page makes one by one.

What is not in the list of elements becomes its text; links and pictures are their words. So a
guide that somebody sends can say whatever it likes, and do nothing.
"""

from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

ELEMENTS = frozenset(
    {
        *("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "strong", "em", "hr", "br"),
        *("code", "pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td"),
    }
)
Tree = list[Any]
"""An element: its name, then its children, each an element or a string."""


def guide_tree(markdown: str) -> Tree:
    """Parse Markdown; the root is a div."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return ["div", *_children(SyntaxTreeNode(parser.parse(markdown)))]


def _children(node: SyntaxTreeNode) -> Tree:
    return [one for child in node.children for one in _node(child)]


def _node(node: SyntaxTreeNode) -> Tree:
    if node.type in ("text", "html_inline", "html_block"):
        return [node.content]
    if node.type == "softbreak":
        return [" "]
    if node.type == "hardbreak":
        return [["br"]]
    if node.type == "image":
        return [node.content]
    if node.type == "code_inline":
        return [["code", node.content]]
    if node.type in ("code_block", "fence"):
        return [["pre", node.content]]
    if node.tag in ELEMENTS:
        return [[node.tag, *_children(node)]]
    return _children(node)
