"""Tests that an item gives its text as it is, to the last character, or the reason why not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.collect.items import CollectConfig, Item, list_items
from gonerd.collect.read import read_item
from gonerd.records import Document, Loss
from tests.collect.server import Site, page
from tests.collect.sources import GUIDE, config, json_lines, refused, web_config
from tests.strategies import HOSTILE_TEXTS

PLAIN = "text/plain; charset=utf-8"
PROSE = "Ana Roe walked from Lund to the sea, and nobody in the town asked her why she had gone. "
BODY = f"<article><p>{PROSE}</p><p>{PROSE[::-1]}</p></article>"
BOM = b"\xef\xbb\xbf"

visible_texts = st.builds(
    "{}a{}".format,
    st.text(max_size=30).filter(lambda text: not text.startswith("\ufeff")),
    st.text(max_size=30),
)
"""Texts with at least one letter in them."""


def read(path: Path, content: bytes | str, how: CollectConfig | None = None) -> list[Any]:
    """Write a file and read all its items."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_items(list_items(how or config(), path)[0], how or config())


def read_items(items: list[Item], how: CollectConfig) -> list[Any]:
    """Read items in order."""
    return [result for item in items for result in read_item(item, how, tuple(GUIDE.labels))]


def read_address(site: Site, answer: bytes, how: CollectConfig | None = None) -> list[Any]:
    """Serve an answer and read the address it stands at."""
    site.pages["/page"] = answer
    item = Item(location=f"{site.address}/page", name="the page")
    return read_items([item], how or web_config(timeout_seconds=5.0))


def text_of(results: list[Any]) -> str:
    """Take the text of the one document that was read."""
    (document,) = results
    assert isinstance(document, Document)
    return document.text


def why_not(results: list[Any]) -> str:
    """Take the reason of the one refusal that was read."""
    (loss,) = results
    assert isinstance(loss, Loss)
    assert loss.what == "document refused"
    return loss.why


# Plain text.


@pytest.mark.parametrize("suffix", [".txt", ".md", ".TXT"])
def test_file_becomes_a_document_named_after_it(tmp_path: Path, suffix: str) -> None:
    how = config(license="cc0-1.0", language="sv")
    assert read(tmp_path / f"case 7.v2{suffix}", PROSE, how) == [
        Document(
            id="case 7.v2",
            text=PROSE,
            source=f"case 7.v2{suffix}",
            license="cc0-1.0",
            language="sv",
        )
    ]


def test_file_in_a_folder_is_named_with_it(tmp_path: Path) -> None:
    (tmp_path / "court").mkdir()
    (tmp_path / "court" / "a.txt").write_text("one")
    (document,) = read_items(list_items(config(), tmp_path)[0], config())
    assert (document.id, document.source) == ("court/a", "court/a.txt")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("One\r\nTwo\rThree\n\r\nFour", id="line ends"),
        pytest.param("\n\n  Lund \t\n", id="outer blanks"),
        pytest.param("\U0001f469\u200d\U0001f467 met \U0001f1eb\U0001f1ee Bo", id="emoji"),
        pytest.param("10\u00a0km to\u202fLund", id="hard blanks"),
        pytest.param("Zoe\u0308 and Zo\u00eb", id="combining"),
        pytest.param("\u05d3\u05d5\u05d3 said \u202babc\u202c \u0645\u0631\u062d", id="rtl"),
        pytest.param("Lu\u200bnd\u2060 and \ufeffMalm\u00f6", id="zero-width"),
        pytest.param("a\x01\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029z", id="odd line ends"),
        pytest.param("\U0010ffff\ufffe\ufffd\ud7ff", id="edges of Unicode"),
        pytest.param('one <b>bold</b> &amp; [PER Ana] {"id": 1}', id="looks like another kind"),
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_text_is_kept_to_the_last_character(tmp_path: Path, suffix: str, text: str) -> None:
    assert text_of(read(tmp_path / f"a{suffix}", text)) == text


@given(text=visible_texts.filter(lambda text: "\0" not in text))
def test_any_text_of_a_file_is_kept(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert text_of(read(tmp_path_factory.getbasetemp() / "any.txt", text)) == text


def test_text_of_a_million_characters_is_whole(tmp_path: Path) -> None:
    text = "".join(f"{number} \u00e9\r\n" for number in range(120_000))[:1_000_000]
    assert len(text) == 1_000_000
    assert text_of(read(tmp_path / "long.txt", text)) == text


def test_byte_order_mark_is_taken_off_and_recorded(tmp_path: Path) -> None:
    loss, document = read(tmp_path / "a.txt", BOM + BOM + b"Lund")
    assert loss == Loss(
        document_id="a.txt", what="text repaired", why="a byte order mark was taken off"
    )
    assert document.text == "\ufeffLund"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "no text in it", id="empty"),
        pytest.param(b" \r\n\t\x0b\x0c", "no text in it", id="blanks"),
        pytest.param(
            "\u200b\ufeff\u2060\u00a0\u2028\u00ad\u3000\u200e\x01".encode(),
            "no text in it",
            id="nothing visible",
        ),
        pytest.param(
            b"caf\xe9", "byte 3 (0xe9) is not UTF-8; expected text in UTF-8", id="latin-1"
        ),
        pytest.param(
            BOM + b"caf\xe9",
            "byte 6 (0xe9) is not UTF-8; expected text in UTF-8",
            id="latin-1 after a byte order mark",
        ),
        pytest.param(
            b"cut \xf0\x9f\x98",
            "byte 4 (0xf0) is not UTF-8; expected text in UTF-8",
            id="cut within a character",
        ),
        pytest.param(
            b"\xed\xa0\x80", "byte 0 (0xed) is not UTF-8; expected text in UTF-8", id="surrogate"
        ),
        pytest.param(
            b"\x7fELF\x02\x01\x00\x00",
            "byte 6 is NUL, so the file is binary; expected text in UTF-8",
            id="binary",
        ),
        pytest.param(
            BOM + b"ab\0", "byte 5 is NUL, so the file is binary; expected text in UTF-8", id="NUL"
        ),
        pytest.param(
            "Lund".encode("utf-16"), "the file is UTF-16; expected UTF-8", id="UTF-16 little"
        ),
        pytest.param(
            b"\xfe\xff" + "Lund".encode("utf-16-be"),
            "the file is UTF-16; expected UTF-8",
            id="UTF-16 big",
        ),
        pytest.param(
            "Lund".encode("utf-16-le"),
            "byte 1 is NUL, so the file is binary; expected text in UTF-8",
            id="UTF-16 without a mark",
        ),
    ],
)
def test_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    assert read(tmp_path / "a.txt", content) == [refused("a.txt", why)]


@pytest.mark.parametrize("name", [" a", "a "])
def test_file_whose_name_is_no_id_is_refused(tmp_path: Path, name: str) -> None:
    assert read(tmp_path / f"{name}.txt", PROSE) == [
        refused(
            f"{name}.txt",
            f"document {name!r}: the id is empty or has outer blanks; "
            "expected a name that can be written in a table",
        )
    ]


# Marked text.


def test_marks_are_taken_off_a_marked_file(tmp_path: Path) -> None:
    marked = "[PER Ana] met\r\n[LOC Lund] [1] and \\[PER nobody]."
    (document,) = read(tmp_path / "a.marked", marked)
    assert document.text == "Ana met\r\nLund [1] and [PER nobody]."
    assert document.id == "a"


def test_marked_file_with_a_broken_mark_is_refused_with_its_line(tmp_path: Path) -> None:
    why = why_not(read(tmp_path / "a.marked", "fine\n[PER Ana"))
    assert why == (
        "a.marked:2: mark '[PER ' holds no name or is never closed; expected `[LABEL name]`"
    )


# HTML.


def test_page_gives_its_main_text_and_its_own_address(tmp_path: Path) -> None:
    html = (
        '<html><head><title>T</title><link rel="canonical" href="https://a.example/x"></head>'
        f"<body><nav><a href='/'>Home</a></nav>{BODY}</body></html>"
    )
    (document,) = read(tmp_path / "a.html", html)
    assert document.text == f"{PROSE.strip()}\n{PROSE[::-1].strip()}"
    assert document.url == "https://a.example/x"
    assert (document.id, document.source) == ("a", "a.html")


@pytest.mark.parametrize("suffix", [".html", ".htm", ".HTML"])
@pytest.mark.parametrize(
    "html",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n", id="blank"),
        pytest.param(
            "<html><head><title>Only a title</title></head><body></body></html>", id="title"
        ),
        pytest.param("<html><body><script>var a = 'no text';</script></body></html>", id="script"),
        pytest.param(bytes(range(256)) * 4, id="binary"),
    ],
)
def test_page_without_text_is_refused(tmp_path: Path, suffix: str, html: bytes | str) -> None:
    why = why_not(read(tmp_path / f"a{suffix}", html))
    assert why == "no main text was found in the page"


def test_page_says_itself_in_which_encoding_it_is(tmp_path: Path) -> None:
    polish = "Stanis\u0142aw G\u0105sior mieszka\u0142 w mie\u015bcie \u0141\u00f3d\u017a. "
    html = f'<html><head><meta charset="iso-8859-2"></head><body><p>{polish * 3}</p></body></html>'
    assert polish.strip() in text_of(read(tmp_path / "a.html", html.encode("iso-8859-2")))


def test_page_of_many_paragraphs_is_whole(tmp_path: Path) -> None:
    paragraphs = [f"Paragraph {number}: {PROSE}".strip() for number in range(2000)]
    html = "<html><body><article>" + "".join(f"<p>{p}</p>" for p in paragraphs)
    lines = text_of(read(tmp_path / "a.html", html)).splitlines()
    assert lines == paragraphs


# JSON lines.


def test_line_gives_every_field_of_a_document(tmp_path: Path) -> None:
    full = Document(
        id="op-17",
        text=PROSE,
        source="the court",
        license="cc-by-4.0",
        language="de",
        url="https://a.example/",
    )
    row = {
        "id": full.id,
        "text": full.text,
        "source": full.source,
        "license": full.license,
        "language": full.language,
        "url": full.url,
        "text_sha256": full.text_sha256,
    }
    bare = {"id": "op-18", "text": "Bo", "url": None, "license": None, "text_sha256": None}
    assert read(tmp_path / "a.jsonl", json_lines(row, bare)) == [
        full,
        Document(id="op-18", text="Bo", source="a.jsonl#op-18", license="mit", language="en"),
    ]


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
def test_text_of_a_line_is_kept_to_the_last_character(tmp_path: Path, text: str) -> None:
    rows = [{"id": "a", "text": f"x{text}"}, {"id": "b", "text": f"{text}x"}]
    results = read(tmp_path / "a.jsonl", json_lines(*rows))
    assert [result.text for result in results] == [f"x{text}", f"{text}x"]


@given(some_texts=st.lists(visible_texts, max_size=4))
def test_any_texts_of_lines_are_kept(
    some_texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [{"id": str(number), "text": text} for number, text in enumerate(some_texts)]
    results = read(tmp_path_factory.getbasetemp() / "any.jsonl", json_lines(*rows))
    assert [result.text for result in results] == some_texts


def test_no_sign_within_a_string_ends_a_line(tmp_path: Path) -> None:
    odd = "\u2028\u2029\u0085\x7f\ufeff"  # ends of a line to some readers; raw in the file
    rows = [{"id": str(number), "text": f"{odd}a{odd}\x0b\x1c\r\n"} for number in range(3)]
    content = json_lines(*rows)
    assert content.count(odd) == 6
    results = read(tmp_path / "a.jsonl", content)
    assert [result.text for result in results] == [row["text"] for row in rows]


def test_carriage_return_between_keys_ends_no_line(tmp_path: Path) -> None:
    content = b'{"id": "a",\r "text": "one"}\r\n{"id": "b", "text": "two"}\n'
    results = read(tmp_path / "a.jsonl", content)
    assert [result.text for result in results] == ["one", "two"]


WRONG_LINES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{'id': 1}", "not JSON (Expecting property name enclosed in double quotes: "),
    "cut": (b'{"id": "a", "text": "b"', "not JSON (Expecting ',' delimiter: "),
    "two objects": (b'{"id": "a", "text": "b"} {}', "not JSON (Extra data: "),
    "raw control": (b'{"id": "a", "text": "\x1c"}', "not JSON (Invalid control character at: "),
    "huge number": (b'{"id": ' + b"9" * 5000 + b"}", "not JSON (Exceeds the limit "),
    "deep": (b"[" * 100_000, "not JSON ("),
    "latin-1": (b'{"id": "a", "text": "\xe9"}', "byte 21 of the line is not UTF-8"),
    "list": (b"[1]", "'[1]'; expected an object"),
    "number": (b"NaN", "'nan'; expected an object"),
    "no id": (b'{"text": "b"}', "id or text is missing or no string"),
    "no text": (b'{"id": "a"}', "id or text is missing or no string"),
    "id a number": (b'{"id": 7, "text": "b"}', "id or text is missing or no string"),
    "text null": (b'{"id": "a", "text": null}', "id or text is missing or no string"),
    "text empty": (b'{"id": "a", "text": ""}', "no text in it"),
    "text invisible": (b'{"id": "a", "text": "\\u200b\\n"}', "no text in it"),
    "text half a character": (
        b'{"id": "a", "text": "ab\\ud800"}',
        "text: lone surrogate '\\ud800' at character 2; expected Unicode text that UTF-8 can carry",
    ),
    "id blank": (
        b'{"id": " ", "text": "b"}',
        "document ' ': the id is empty or has outer blanks; "
        "expected a name that can be written in a table",
    ),
    "source a number": (
        b'{"id": "a", "text": "b", "source": 7}',
        "source is 7; expected a string",
    ),
    "another text": (
        b'{"id": "a", "text": "b", "text_sha256": "0123456789"}',
        "a: the text has changed since it was recorded "
        "(sha256 01234567... recorded, 3e23e816... now); expected the same text",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_LINES)
def test_wrong_line_is_refused_with_its_number_and_the_others_are_kept(
    tmp_path: Path, wrong: str
) -> None:
    line, why = WRONG_LINES[wrong]
    good = b'{"id": "good", "text": "fine"}'
    first, second, refusal, last = read(
        tmp_path / "a.jsonl", b"\n".join([good, b"", b"  \r", good, line, good, b""])
    )
    assert [result.text for result in (first, second, last)] == ["fine"] * 3
    assert (refusal.document_id, refusal.what) == ("a.jsonl:5", "document refused")
    if why.startswith("not JSON"):  # what follows is the words of Python
        assert refusal.why.startswith(why)
        assert refusal.why.endswith("); expected one object a line")
    else:
        assert refusal.why.partition("; expected JSON")[0] == why


@pytest.mark.parametrize("field", ["id", "source", "license", "language", "url"])
def test_half_a_character_in_any_field_is_refused(tmp_path: Path, field: str) -> None:
    row = {"id": "a", "text": "b", field: "x\ud800"}
    content = "".join(["{", ", ".join(f'"{k}": "{v}"' for k, v in row.items()), "}\n"])
    why_not(read(tmp_path / "a.jsonl", content.encode("ascii", "backslashreplace")))


def test_unknown_field_is_named(tmp_path: Path) -> None:
    content = json_lines({"id": "a", "text": "b", "title": "T", "meta": {"x": 1}})
    meta, title, document = read(tmp_path / "a.jsonl", content)
    assert [(loss.document_id, loss.what, loss.why) for loss in (meta, title)] == [
        ("a.jsonl:1", "field dropped", "'meta' is no field of a document"),
        ("a.jsonl:1", "field dropped", "'title' is no field of a document"),
    ]
    assert document.text == "b"


def number_of(result: Document | Loss) -> int:
    """Tell which line a result came from, the first being 0."""
    if isinstance(result, Document):
        return int(result.id)
    return int(result.document_id.removeprefix("a.jsonl:")) - 1


def test_records_of_many_blocks_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    lines: list[bytes] = []
    for number in range(3000):
        if number % 500 == 499:
            lines.append(f"wrong {number}".encode())
        else:
            text = f"{number} " + "\u00e9\u2028" * (number % 257)
            lines.append(json_lines({"id": str(number), "text": text}).rstrip("\n").encode())
    path = tmp_path / "a.jsonl"
    results = read(path, b"\n".join(lines))
    assert path.stat().st_size > 3 * 500_000
    assert len(list_items(config(), path)[0]) > 3
    assert [number_of(result) for result in results] == list(range(3000))
    assert sum(isinstance(result, Loss) for result in results) == 6


# Parquet.


def read_parquet(path: Path, table: pa.Table, **options: Any) -> list[Any]:
    """Write a table and read all its items."""
    pq.write_table(table, path, **options)
    return read_items(list_items(config(), path)[0], config())


def test_rows_of_several_row_groups_come_once_and_in_order(tmp_path: Path) -> None:
    table = pa.table(
        {"id": [str(n) for n in range(25)], "text": [f"text {n}\r\n\u2028" for n in range(25)]}
    )
    results = read_parquet(tmp_path / "a.parquet", table, row_group_size=4)
    assert [(result.id, result.text) for result in results] == [
        (str(n), f"text {n}\r\n\u2028") for n in range(25)
    ]
    assert results[7].source == "a.parquet#7"


def test_unknown_columns_and_wrong_rows_are_named_with_their_place(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["a", None, "c"],
            "text": ["one", "two", " "],
            "tokens": [["one"], ["two"], []],
            "license": ["cc0-1.0", None, None],
        }
    )
    results = read_parquet(tmp_path / "a.parquet", table, row_group_size=2)
    dropped = "'tokens' is no field of a document"
    assert results == [
        Loss(document_id="a.parquet:0.0", what="field dropped", why=dropped),
        Document(
            id="a", text="one", source="a.parquet#a", license="cc0-1.0", language="en", url=None
        ),
        Loss(document_id="a.parquet:0.1", what="field dropped", why=dropped),
        refused("a.parquet:0.1", "id or text is missing or no string"),
        Loss(document_id="a.parquet:1.0", what="field dropped", why=dropped),
        refused("a.parquet:1.0", "no text in it"),
    ]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"name": ["a"], "body": ["b"]}, id="other names"),
        pytest.param({"id": [7], "text": ["b"]}, id="id a number"),
        pytest.param({"id": ["a"], "text": [b"b"]}, id="text as bytes"),
    ],
)
def test_row_without_a_text_and_an_id_is_refused(
    tmp_path: Path, columns: dict[str, list[Any]]
) -> None:
    results = read_parquet(tmp_path / "a.parquet", pa.table(columns))
    assert results[-1] == refused("a.parquet:0.0", "id or text is missing or no string")


def damaged_within(path: Path) -> None:
    """Write a Parquet file whose end is right and whose data is not."""
    texts = [f"{number} {PROSE}" for number in range(100)]
    pq.write_table(pa.table({"id": texts, "text": texts}), path)
    content = bytearray(path.read_bytes())
    content[10:400] = bytes(390)
    path.write_bytes(content)


def text_in_latin_1(path: Path) -> None:
    """Write a Parquet file whose string is not UTF-8, as careless writers do."""
    offsets = b"\x00\x00\x00\x00\x04\x00\x00\x00"
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"caf\xe9")]
    latin_1 = pa.Array.from_buffers(pa.string(), 1, buffers)
    pq.write_table(pa.table({"id": ["a"], "text": latin_1}), path)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"PAR1 not really PAR1"), id="garbage"),
        pytest.param(damaged_within, id="damaged within"),
    ],
)
def test_damaged_parquet_is_refused(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    damage(tmp_path / "a.parquet")
    results = read_items(list_items(config(), tmp_path)[0], config())
    assert results == [refused("a.parquet", "the file cannot be read as Parquet")]


def test_parquet_with_a_string_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    text_in_latin_1(tmp_path / "a.parquet")
    why_not(read_items(list_items(config(), tmp_path)[0], config()))


# Addresses.


def test_address_gives_a_document_with_its_host_as_source(site: Site) -> None:
    assert read_address(site, page(PROSE.encode(), kind=PLAIN)) == [
        Document(
            id="the page",
            text=PROSE,
            source="127.0.0.1",
            license="mit",
            language="en",
            url=f"{site.address}/page",
        )
    ]


@pytest.mark.parametrize("kind", ["text/html", "TEXT/HTML; charset=utf-8", None])
def test_page_of_an_address_gives_its_main_text(site: Site, kind: str | None) -> None:
    html = f"<html><body><nav>Home</nav>{BODY}</body></html>".encode()
    text = text_of(read_address(site, page(html, kind=kind)))
    assert text == f"{PROSE.strip()}\n{PROSE[::-1].strip()}"


@settings(max_examples=50)
@given(text=visible_texts.filter(lambda text: "\0" not in text))
def test_any_plain_text_of_an_address_is_kept(text: str, shared_site: Site) -> None:
    assert text_of(read_address(shared_site, page(text.encode(), kind=PLAIN))) == text


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        pytest.param("text/plain; charset=iso-8859-1", "latin-1", id="latin-1"),
        pytest.param("text/plain; charset=windows-1252", "cp1252", id="windows-1252"),
        pytest.param('text/plain; format=flowed; charset="UTF-8"', "utf-8", id="utf-8"),
        pytest.param("text/plain; charset=utf-16-le", "utf-16-le", id="utf-16"),
        pytest.param("text/plain", "utf-8", id="none named"),
        pytest.param("text/markdown", "utf-8", id="markdown"),
    ],
)
def test_plain_text_is_read_in_the_charset_that_the_server_names(
    site: Site, kind: str, encoding: str
) -> None:
    text = "Zo\u00eb in Malm\u00f6\r\n\xa0caf\u00e9"
    assert text_of(read_address(site, page(text.encode(encoding), kind=kind))) == text


def test_page_is_read_in_the_charset_that_the_server_names(site: Site) -> None:
    polish = (
        "\u0141\u00f3d\u017a is where Stanis\u0142aw G\u0105sior was born, and \u0106wik\u0142a."
    )
    html = f"<html><body><article><p>{polish}</p></article></body></html>"
    answer = page(html.encode("iso-8859-2"), kind="text/html; charset=iso-8859-2")
    assert text_of(read_address(site, answer)) == polish


def test_byte_order_mark_of_an_address_is_taken_off_and_recorded(site: Site) -> None:
    loss, document = read_address(site, page(BOM + b"Lund", kind=PLAIN))
    assert (loss.what, loss.why) == ("text repaired", "a byte order mark was taken off")
    assert document.text == "Lund"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(page(b"%PDF", kind="application/pdf"), "application/pdf", id="pdf"),
        pytest.param(page(b"{}", kind="Application/JSON; x=y"), "application/json", id="json"),
        pytest.param(page(b"a,b", kind="text/csv"), "text/csv", id="csv"),
    ],
)
def test_answer_of_another_kind_is_refused(site: Site, answer: bytes, why: str) -> None:
    assert why_not(read_address(site, answer)) == (
        f"the answer is {why}, not a page or a plain text"
    )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(page(b"", kind=PLAIN), "no text in it", id="empty text"),
        pytest.param(page(b" \n\xc2\xa0", kind=PLAIN), "no text in it", id="blank text"),
        pytest.param(page(b""), "no main text was found in the page", id="empty page"),
        pytest.param(
            page(b"<html><body></body></html>"),
            "no main text was found in the page",
            id="page without text",
        ),
        pytest.param(page(b"caf\xe9", kind="text/plain"), "the text is not utf-8", id="no UTF-8"),
        pytest.param(
            page(b"caf\xe9", kind="text/plain; charset=ascii"), "the text is not ascii", id="ascii"
        ),
        pytest.param(
            page(b"word", kind="text/plain; charset=klingon"),
            "the text is not klingon",
            id="charset nobody knows",
        ),
        pytest.param(
            page(b"word", kind="text/plain; charset=undefined"),
            "the text is not undefined",
            id="charset of a broken script",
        ),
        pytest.param(
            page(b"776f7264", kind="text/plain; charset=hex"), "the text is not hex", id="no text"
        ),
        pytest.param(page(b"gone", status=404), "the server answered 404", id="gone"),
        pytest.param(page(b"half", length="9", kind=PLAIN), "the answer broke off", id="cut"),
    ],
)
def test_answer_without_a_text_is_refused_by_its_address(
    site: Site, answer: bytes, why: str
) -> None:
    assert read_address(site, answer) == [refused(f"{site.address}/page", why)]


def test_binary_that_is_served_as_text_is_refused(site: Site) -> None:
    why_not(read_address(site, page(b"\x7fELF\x02\x01\x00\x00", kind=PLAIN)))


def test_limits_of_the_config_hold_for_an_address(site: Site) -> None:
    how = web_config(max_bytes=100, timeout_seconds=0.3)
    too_long = page(b"x" * 101, kind=PLAIN)
    assert why_not(read_address(site, too_long, how)) == "the answer is over 100 bytes"
    site.silent.add("/page")
    assert why_not(read_address(site, b"", how)) == "no answer within 0.3 seconds"
