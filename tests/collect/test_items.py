"""Tests that a source is listed whole, in order, in items and batches small enough to be read."""

from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.collect.items import (
    MOST_ITEMS,
    CollectConfig,
    Item,
    batch_items,
    list_items,
)
from gonerd.errors import SourceError
from tests.collect.sources import config, web_config, write_source

KNOWN = ".txt, .md, .html, .htm, .jsonl, .parquet, .marked"


def listed(location: Path) -> list[str]:
    """Name the items of a folder."""
    return [item.name for item in list_items(config(), location)[0]]


def error_of(location: Path, how: CollectConfig) -> str:
    """List a source that must be refused, and return why."""
    with pytest.raises(SourceError) as error:
        list_items(how, location)
    return str(error.value)


@given(
    sizes=st.lists(st.integers(0, 200) | st.integers(0, 2), max_size=600),
    part_bytes=st.sampled_from([1, 100, 10_000]),
)
def test_batches_hold_every_item_once_in_order_and_stay_small(
    sizes: list[int], part_bytes: int
) -> None:
    items = [Item(location=str(n), name=str(n), size=size) for n, size in enumerate(sizes)]
    batches = list(batch_items(items, part_bytes))
    assert list(chain.from_iterable(batches)) == items
    for batch in batches:
        assert 1 <= len(batch) <= MOST_ITEMS
        assert len(batch) == 1 or sum(item.size for item in batch) <= part_bytes


def test_every_known_kind_is_listed_and_every_other_is_named(tmp_path: Path) -> None:
    known = ["a.txt", "b.md", "c.html", "d.htm", "f.marked", "sub/deep/g.txt", "UPPER.TXT"]
    unknown = ["notes.pdf", "no suffix", "sub/data.csv", "txt"]
    write_source(tmp_path, dict.fromkeys([*known, "e.jsonl", *unknown], "x"))
    pq.write_table(pa.table({"id": ["p"]}), tmp_path / "p.parquet")
    items, left_out = list_items(config(), tmp_path)
    assert sorted(item.name for item in items) == sorted([*known, "e.jsonl", "p.parquet"])
    assert sorted(loss.document_id for loss in left_out) == sorted(unknown)
    assert {loss.why for loss in left_out} == {"not a kind of file that gonerd reads"}


def test_items_come_in_the_order_of_their_names_whatever_the_order_of_writing(
    tmp_path: Path,
) -> None:
    names = ["b.txt", "a.txt", "c/a.txt", "B.md", "a.md"]
    write_source(tmp_path / "one", dict.fromkeys(names, "x"))
    write_source(tmp_path / "two", dict.fromkeys(reversed(names), "x"))
    assert listed(tmp_path / "one") == listed(tmp_path / "two")


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    write_source(tmp_path, {"a.txt": "x", "b.txt": "y"})
    assert listed(tmp_path / "b.txt") == ["b.txt"]


def test_folder_with_the_name_of_a_file_is_looked_into(tmp_path: Path) -> None:
    write_source(tmp_path, {"folder.txt/inside.txt": "x"})
    assert listed(tmp_path) == ["folder.txt/inside.txt"]


@pytest.mark.parametrize("hidden", [".notes.txt", ".ipynb_checkpoints/a.txt", ".git/x/b.txt"])
def test_what_is_hidden_is_no_part_of_the_source(tmp_path: Path, hidden: str) -> None:
    write_source(tmp_path, {"a.txt": "x", hidden: "y"})
    items, left_out = list_items(config(), tmp_path)
    assert [item.name for item in items] == ["a.txt"]
    assert [(loss.document_id, loss.why) for loss in left_out] == [(hidden.split("/")[0], "hidden")]


def test_identity_of_an_item_is_its_content_and_not_its_place(tmp_path: Path) -> None:
    write_source(tmp_path / "here", {"a.txt": "x", "b.jsonl": "{}\n"})
    write_source(tmp_path / "there", {"a.txt": "x", "b.jsonl": "{}\n"})
    write_source(tmp_path / "other", {"a.txt": "y", "b.jsonl": "{ }\n"})
    here, there, other = (
        [item.identity for item in list_items(config(), tmp_path / place)[0]]
        for place in ("here", "there", "other")
    )
    assert here == there
    assert not [identity for identity in other if identity in here]


def test_missing_source_says_how_to_give_another(tmp_path: Path) -> None:
    assert error_of(tmp_path / "nowhere", config()) == (
        f"{tmp_path / 'nowhere'}: no such folder or file; expected documents to collect.\n"
        "Give another place with --from."
    )


@pytest.mark.parametrize("names", [[], ["a.pdf"], ["a.pdf", "b/c.docx"]])
def test_source_without_a_known_kind_says_what_is_read(tmp_path: Path, names: list[str]) -> None:
    write_source(tmp_path, dict.fromkeys(names, "x"))
    assert error_of(tmp_path, config()) == (
        f"{tmp_path}: no document in it ({len(names)} files of other kinds); "
        f"expected files that end in {KNOWN}."
    )


def test_file_of_an_unknown_kind_is_no_source(tmp_path: Path) -> None:
    write_source(tmp_path, {"a.pdf": "x"})
    assert error_of(tmp_path / "a.pdf", config()) == (
        f"{tmp_path / 'a.pdf'}: no document in it (1 files of other kinds); "
        f"expected files that end in {KNOWN}."
    )


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"{}"] * 7, id="one block"),
        pytest.param([b"x" * 99_999] * 12, id="border on a line end"),
        pytest.param([b"x" * 77_777] * 20, id="border within a line"),
        pytest.param([b"x" * 1_200_000, b"y", b"z" * 600_000, b"w"], id="lines over a block"),
        pytest.param([b"x" * 300_000, b"", b"", b"y" * 300_000, b""], id="blank lines"),
        pytest.param([b"\r", b"x" * 500_001 + b"\r", b"y\r"], id="crlf"),
    ],
)
@pytest.mark.parametrize("ending", [b"\n", b""], ids=["newline at the end", "no newline"])
def test_blocks_of_a_jsonl_are_whole_lines_and_hold_each_once(
    tmp_path: Path, lines: list[bytes], ending: bytes
) -> None:
    content = b"\n".join(lines) + ending
    (tmp_path / "a.jsonl").write_bytes(content)
    items, _ = list_items(config(), tmp_path)
    blocks = [content[item.start : item.stop] for item in items]
    assert b"".join(blocks) == content
    for item, block in zip(items, blocks, strict=True):
        assert block
        assert item.size == len(block)
        assert item.first_line == content[: item.start].count(b"\n") + 1
    assert all(block.endswith(b"\n") for block in blocks[:-1])


def test_row_groups_of_a_parquet_are_items(tmp_path: Path) -> None:
    table = pa.table({"id": [str(n) for n in range(10)], "text": ["x"] * 10})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=4)
    items, _ = list_items(config(), tmp_path)
    assert [(item.start, item.stop) for item in items] == [(0, 1), (1, 2), (2, 3)]


def addresses_in(folder: Path, content: bytes) -> list[tuple[str, str]]:
    """Read a list of addresses as (address, id)."""
    (folder / "list.txt").write_bytes(content)
    items, unknown = list_items(web_config(), folder / "list.txt")
    assert unknown == []
    return [(item.location, item.name) for item in items]


def test_addresses_come_with_their_own_ids_or_with_the_address(tmp_path: Path) -> None:
    content = (
        b"# the list\n\nhttps://a.example/x/\r\n  HTTP://b.example/y?q=1#top \n"
        b"https://c.example/z\tcase 7 \n"
    )
    assert addresses_in(tmp_path, content) == [
        ("https://a.example/x/", "a.example/x"),
        ("HTTP://b.example/y?q=1#top", "b.example/y?q=1"),
        ("https://c.example/z", "case 7"),
    ]


def test_lines_that_are_no_addresses_are_listed(tmp_path: Path) -> None:
    lines = ["https://a.example/", "www.b.example", "# fine", "ftp://c.example/\tid", "file:///d"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    assert error_of(tmp_path / "list.txt", web_config()) == (
        f"{tmp_path / 'list.txt'}: 3 lines are no addresses; expected http:// or https://.\n"
        "  line 2: 'www.b.example'\n"
        "  line 4: 'ftp://c.example/'\n"
        "  line 5: 'file:///d'"
    )


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nothing yet\n"])
def test_list_without_an_address_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    assert error_of(tmp_path / "list.txt", web_config()) == (
        f"{tmp_path / 'list.txt'}: no address in it; expected http(s) addresses, one a line."
    )


def test_list_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    assert error_of(path, web_config()) == (
        f"{path}: cannot be read ([Errno 2] No such file or directory: '{path}'); "
        "expected a file of addresses, one a line."
    )


def test_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"http://a.example/\xff")
    assert error_of(path, web_config()) == (
        f"{path}: cannot be read ('utf-8' codec can't decode byte 0xff in position 17: "
        "invalid start byte); expected a file of addresses, one a line."
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {},
            "folder=None and addresses=None; expected one of the two.",
            id="no source",
        ),
        pytest.param(
            {"folder": "a", "addresses": "b"},
            "folder='a' and addresses='b'; expected one of the two.",
            id="two sources",
        ),
        pytest.param(
            {"folder": "a", "license": ""},
            "license or language is empty; expected a value for each.",
            id="no license",
        ),
        pytest.param(
            {"folder": "a", "language": ""},
            "license or language is empty; expected a value for each.",
            id="no language",
        ),
        pytest.param(
            {"folder": "a", "part_bytes": 0},
            "part_bytes=0 max_bytes=50000000 timeout_seconds=30.0; expected numbers above 0.",
            id="no part",
        ),
        pytest.param(
            {"folder": "a", "max_bytes": 0, "timeout_seconds": -0.5},
            "part_bytes=1000000 max_bytes=0 timeout_seconds=-0.5; expected numbers above 0.",
            id="no bytes and no time",
        ),
    ],
)
def test_config_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        CollectConfig(**{"license": "mit", **changes})
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "(",
            "source_pattern='(': missing ), unterminated subpattern at position 0; expected an "
            "expression.",
        ),
        ("a", "source_pattern='a' has 0 groups; expected one."),
    ],
    ids=["no expression", "no group"],
)
def test_a_pattern_for_sources_must_be_an_expression_with_one_group(
    pattern: str, message: str
) -> None:
    with pytest.raises(ValueError) as error:
        CollectConfig(folder="documents", license="cc0-1.0", source_pattern=pattern)
    assert str(error.value) == message


def test_links_that_lead_nowhere_or_to_folders_are_named(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_source(source, {"a.txt": "x"})
    write_source(tmp_path / "other", {"b.txt": "y"})
    (source / "linked.txt").symlink_to(tmp_path / "other" / "b.txt")
    (source / "nowhere.txt").symlink_to(tmp_path / "missing.txt")
    (source / "folder").symlink_to(tmp_path / "other")
    items, left_out = list_items(config(), source)
    assert [item.name for item in items] == ["a.txt", "linked.txt"]
    assert [(loss.document_id, loss.why) for loss in left_out] == [
        ("folder", "a link to a folder, which is not followed"),
        ("nowhere.txt", "a link to nothing"),
    ]


def test_what_belongs_to_the_build_is_no_source(tmp_path: Path) -> None:
    write_source(tmp_path, {"a.txt": "x", "card.md": "y", "work/b.txt": "z"})
    items, left_out = list_items(config(), tmp_path, [tmp_path / "card.md", tmp_path / "work"])
    assert ([item.name for item in items], left_out) == (["a.txt"], [])
