"""One item into documents, or a ledger line that says why not.

The text of a .txt, .md, .jsonl or .parquet is taken as it is, to the last carriage return; only a
byte order mark is taken off, and that is recorded. HTML goes through trafilatura with recall
favoured: on a long page, a paragraph too many is a smaller harm than one too few.
"""

import codecs
import functools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from gonerd.collect.items import CollectConfig, Item
from gonerd.collect.web import Answer, Refused, fetch, open_session
from gonerd.errors import RecordError
from gonerd.files import parse_json_line
from gonerd.marked import read_marked
from gonerd.records import DOCUMENT_FIELDS, Document, Loss, document_from_json

_HTML_KINDS = ("text/html", "application/xhtml+xml", "")
_TEXT_KINDS = ("text/plain", "text/markdown")
_MARK_BYTES = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: None, codecs.BOM_UTF16_BE: None}


def read_item(
    item: Item, config: CollectConfig, labels: tuple[str, ...]
) -> Iterator[Document | Loss]:
    """Read the documents of an item; what is refused or repaired comes as ledger lines between."""
    if config.addresses is not None:
        yield from _read_address(item, config)
        return
    kind = Path(item.location).suffix.lower()
    if kind == ".jsonl":
        yield from _read_lines(item, config)
    elif kind == ".parquet":
        yield from _read_rows(item, config)
    else:
        yield from _read_file(item, kind, config, labels)


def _read_file(
    item: Item, kind: str, config: CollectConfig, labels: tuple[str, ...]
) -> Iterator[Document | Loss]:
    content = Path(item.location).read_bytes()
    url = None
    try:
        if kind in (".html", ".htm"):
            text, url = extract(content)
        else:
            text, had_mark = _decode(content)
            if had_mark:
                yield _repaired_mark(item.name)
            if kind == ".marked":
                text, _ = read_marked(text, labels, item.name)
    except (Refused, RecordError) as refusal:
        yield _refusal(item.name, str(refusal))
        return
    name = PurePosixPath(item.name).with_suffix("").as_posix()
    yield _document(
        item.name, name, text, {"source": _source_of(item.name, config), "url": url}, config
    )


def _source_of(name: str, config: CollectConfig) -> str:
    found = re.search(config.source_pattern, name) if config.source_pattern else None
    return (found.group(1) or name) if found else name


def _read_address(item: Item, config: CollectConfig) -> Iterator[Document | Loss]:
    try:
        answer = fetch(
            _session(),
            item.location,
            timeout_seconds=config.timeout_seconds,
            max_bytes=config.max_bytes,
        )
        text = _text_of(answer)
    except Refused as refusal:
        yield _refusal(item.location, str(refusal))
        return
    if answer.kind in _TEXT_KINDS and text.startswith("\ufeff"):
        text = text.removeprefix("\ufeff")
        yield _repaired_mark(item.location)
    host = urlsplit(item.location).hostname or item.location
    yield _document(item.location, item.name, text, {"source": host, "url": item.location}, config)


@functools.cache
def _session() -> requests.Session:
    return open_session()


def _text_of(answer: Answer) -> str:
    if answer.kind in _HTML_KINDS:
        return extract(_page(answer))[0]
    if answer.kind in _TEXT_KINDS:
        try:
            text = answer.content.decode(answer.charset or "utf-8")
        except (UnicodeError, LookupError):
            raise Refused(f"the text is not {answer.charset or 'utf-8'}") from None
        if (at := text.find("\0")) >= 0:
            raise Refused(f"character {at} is NUL, so the answer is binary; expected text")
        return text
    raise Refused(f"the answer is {answer.kind}, not a page or a plain text")


def _page(answer: Answer) -> bytes | str:
    """Decode a page as its server says; where that does not work, let the page speak for itself."""
    try:
        return answer.content.decode(answer.charset or "")
    except (UnicodeError, LookupError):
        return answer.content


def extract(html: bytes | str) -> tuple[str, str | None]:
    """Extract (main text, the page's own address) from HTML; Refused where there is no text."""
    import trafilatura  # takes half a second, and most sources hold no HTML
    import trafilatura.settings

    page = trafilatura.bare_extraction(
        html, favor_recall=True, include_comments=False, include_tables=True, with_metadata=True
    )
    if not isinstance(page, trafilatura.settings.Document) or not page.text:
        raise Refused("no main text was found in the page")
    return page.text, page.url


def _read_lines(item: Item, config: CollectConfig) -> Iterator[Document | Loss]:
    with Path(item.location).open("rb") as stream:
        stream.seek(item.start)
        block = stream.read((item.stop or 0) - item.start)
    for number, line in enumerate(block.split(b"\n"), start=item.first_line):
        if line.strip():
            where = f"{item.name}:{number}"
            try:
                row = parse_json_line(line, where)
            except RecordError as error:
                yield _refusal(where, str(error).removeprefix(f"{where}: "))
                continue
            yield from _from_row(row, where, item.name, config)


def _read_rows(item: Item, config: CollectConfig) -> Iterator[Document | Loss]:
    try:
        file = pq.ParquetFile(item.location)
        groups = range(item.start, item.stop or file.num_row_groups)
        rows = [row for group in groups for row in file.read_row_group(group).to_pylist()]
    except (OSError, UnicodeDecodeError, pa.ArrowException):
        yield _refusal(item.name, "the file cannot be read as Parquet")
        return
    for number, row in enumerate(rows):
        yield from _from_row(row, f"{item.name}:{item.start}.{number}", item.name, config)


def _from_row(
    row: dict[str, Any], where: str, name: str, config: CollectConfig
) -> Iterator[Document | Loss]:
    for key in sorted(set(row) - DOCUMENT_FIELDS):
        yield Loss(
            document_id=where, what="field dropped", why=f"{key!r} is no field of a document"
        )
    fields = {key: row[key] for key in DOCUMENT_FIELDS & set(row) if row[key] is not None}
    fields.setdefault("source", f"{name}#{row.get('id')}")
    if not isinstance(fields.get("id"), str) or not isinstance(fields.get("text"), str):
        yield _refusal(where, "id or text is missing or no string")
        return
    extra = {key: value for key, value in fields.items() if key not in ("id", "text")}
    yield _document(where, fields["id"], fields["text"], extra, config)


def _document(
    where: str, name: str, text: str, extra: dict[str, Any], config: CollectConfig
) -> Document | Loss:
    if not any(_is_visible(character) for character in text):
        return _refusal(where, "no text in it")
    defaults = {"license": config.license, "language": config.language}
    try:
        return document_from_json({**defaults, **extra, "id": name, "text": text}, where)
    except RecordError as error:
        return _refusal(where, str(error).removeprefix(f"{where}: ").splitlines()[0])


def _is_visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc")


def _decode(content: bytes) -> tuple[str, bool]:
    """Decode a text file: (text, whether a byte order mark was taken off)."""
    for mark, encoding in _MARK_BYTES.items():
        if content.startswith(mark) and encoding is None:
            raise Refused("the file is UTF-16; expected UTF-8")
    if (at := content.find(b"\0")) >= 0:
        raise Refused(f"byte {at} is NUL, so the file is binary; expected text in UTF-8")
    had_mark = content.startswith(codecs.BOM_UTF8)
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode("utf-8"), had_mark
    except UnicodeDecodeError as error:
        raise Refused(
            f"byte {len(content) - len(body) + error.start} (0x{body[error.start]:02x}) is not "
            "UTF-8; expected text in UTF-8"
        ) from None


def _repaired_mark(name: str) -> Loss:
    return Loss(document_id=name, what="text repaired", why="a byte order mark was taken off")


def _refusal(where: str, why: str) -> Loss:
    return Loss(document_id=where, what="document refused", why=why.rstrip("."))
