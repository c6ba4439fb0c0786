"""Tests that collecting gives every document once, names the rest, and can be run again."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.errors import Lost, SourceError
from gonerd.store import LEDGER, MANIFEST
from tests.collect.server import Site, page
from tests.collect.sources import (
    collected,
    config,
    documents_in,
    json_lines,
    ledger_of,
    web_config,
    write_source,
)
from tests.folders import age, contents, made_again, parts, stamps

MIXED: dict[str, bytes | str] = {
    "a.txt": "Ana went to Lund.\r\n",
    "b.md": "# Bo\n\nBo stayed.",
    "c.html": "<html><body><article><p>"
    + "Cy read the paper. " * 9
    + "</p></article></body></html>",
    "d.jsonl": json_lines({"id": "d1", "text": "Di \u2028 sang."}, {"id": "d2", "text": "Ed."}),
    "f.marked": "[PER Fay] left.",
}
ALL_IDS = ["a", "b", "c", "d1", "d2", "f"]
SMALL_PARTS = 100
LARGE = {f"large-{number}.txt": f"{number} and on. " * 20 for number in range(3)}
"""Files that fill a part each, where parts are small."""


def ids_in(work: Path) -> list[str]:
    """Name the collected documents, in order."""
    return [document.id for document in documents_in(work)]


def test_every_kind_of_file_is_collected(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", MIXED)
    pq.write_table(pa.table({"id": ["g1", "g2"], "text": ["Gus.", "Hal."]}), source / "g.parquet")
    manifest = collected(tmp_path / "work", source, config())
    documents = documents_in(tmp_path / "work")
    assert [document.id for document in documents] == [*ALL_IDS, "g1", "g2"]
    assert manifest.counts == {
        "documents": 8,
        "characters": sum(len(document.text) for document in documents),
    }
    assert manifest.losses == {}
    assert documents[0].text == "Ana went to Lund.\r\n"
    assert documents[3].text == "Di \u2028 sang."
    assert {document.license for document in documents} == {"mit"}


def test_output_is_the_same_to_the_byte_with_one_process_and_two(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {**MIXED, **LARGE, "again.txt": MIXED["a.txt"]})
    one = collected(tmp_path / "one", source, config(part_bytes=SMALL_PARTS))
    two = collected(tmp_path / "two", source, config(part_bytes=SMALL_PARTS), workers=2)
    assert len(one.parts) > 2
    assert one == two
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_output_does_not_depend_on_the_place_of_the_source(tmp_path: Path) -> None:
    here = write_source(tmp_path / "here", MIXED)
    there = write_source(tmp_path / "there", MIXED)
    collected(tmp_path / "work", here, config(folder="here"))
    before = stamps(tmp_path / "work")
    collected(tmp_path / "work", there, config(folder="there"))
    assert stamps(tmp_path / "work") == before


def test_rerun_makes_nothing(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {**MIXED, "again.txt": "Ed.", "left.pdf": "x"})
    first = collected(tmp_path / "work", source, config())
    age(tmp_path / "work")
    before = stamps(tmp_path / "work")
    assert collected(tmp_path / "work", source, config()) == first
    assert stamps(tmp_path / "work") == before


def test_changed_file_makes_only_its_part_again(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", LARGE)
    collected(tmp_path / "work", source, config(part_bytes=SMALL_PARTS))
    folder = tmp_path / "work" / "documents"
    age(folder)
    before = stamps(folder)
    write_source(source, {"large-1.txt": "mended " * 50})
    collected(tmp_path / "work", source, config(part_bytes=SMALL_PARTS))
    made, left_alone = made_again(before, stamps(folder))
    assert (made, left_alone) == (parts([1]) | {LEDGER, MANIFEST}, parts([0, 2]))


names = st.sampled_from(["a.txt", "a.md", "b.txt", "c.txt", "d.pdf", "e", "f.jsonl"])
some_content = st.sampled_from(
    ["one", "two", "", '{"id": "a", "text": "two"}', "\ufeffone", b"caf\xe9"]
)


@settings(max_examples=40)
@given(
    before=st.dictionaries(names, some_content, max_size=6),
    changes=st.dictionaries(names, st.none() | some_content, max_size=2),
    part_bytes=st.sampled_from([1, 1_000_000]),
)
def test_rerun_after_any_change_of_the_source_equals_a_fresh_build(
    before: dict[str, bytes | str],
    changes: dict[str, bytes | str | None],
    part_bytes: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    changed = {**before, **changes}
    after = {name: content for name, content in changed.items() if content is not None}
    how = config("count", part_bytes=part_bytes)
    folder = tmp_path_factory.mktemp("changed")
    outcomes: list[str | None] = []
    for name, sources in {"rerun": [before, after], "fresh": [after]}.items():
        for number, files in enumerate(sources):
            source = write_source(folder / f"{name}-{number}" / "src", files)
            try:
                collected(folder / name, source, how)
                outcome = None
            except SourceError as error:
                outcome = str(error).replace(str(source), "src")
        outcomes.append(outcome)
    assert outcomes[0] == outcomes[1]
    if outcomes[0] is None:
        assert contents(folder / "rerun") == contents(folder / "fresh")


def test_files_of_unknown_kinds_are_left_out_and_named(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {"a.txt": "Ana.", "b.pdf": "x", "sub/c.docx": "y"})
    manifest = collected(tmp_path / "work", source, config())
    assert ids_in(tmp_path / "work") == ["a"]
    assert manifest.losses == {"file left out: not a kind of file that gonerd reads": 2}
    assert ledger_of(tmp_path / "work") == [
        ("b.pdf", "file left out", "not a kind of file that gonerd reads"),
        ("sub/c.docx", "file left out", "not a kind of file that gonerd reads"),
    ]


def test_file_of_an_unknown_kind_that_came_later_is_named_too(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {"a.txt": "Ana."})
    collected(tmp_path / "work", source, config())
    write_source(source, {"b.pdf": "x"})
    collected(tmp_path / "work", source, config())
    assert ledger_of(tmp_path / "work") == [
        ("b.pdf", "file left out", "not a kind of file that gonerd reads"),
    ]
    (source / "b.pdf").unlink()
    collected(tmp_path / "work", source, config())
    assert ledger_of(tmp_path / "work") == []


def test_unknown_columns_are_named_in_the_ledger(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {})
    table = pa.table({"id": ["a", "b"], "text": ["Ana.", "Bo."], "tokens": [["Ana"], []]})
    pq.write_table(table, source / "x.parquet")
    manifest = collected(tmp_path / "work", source, config())
    assert manifest.losses == {"field dropped: 'tokens' is no field of a document": 2}
    assert [where for where, _, _ in ledger_of(tmp_path / "work")] == [
        "x.parquet:0.0",
        "x.parquet:0.1",
    ]


def test_second_document_of_an_id_is_refused(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {"a.md": "first", "a.txt": "second", "b.txt": "third"})
    manifest = collected(tmp_path / "work", source, config("count"))
    assert [(document.id, document.text) for document in documents_in(tmp_path / "work")] == [
        ("a", "first"),
        ("b", "third"),
    ]
    assert manifest.counts == {"documents": 2, "characters": 10}
    assert ledger_of(tmp_path / "work") == [
        ("a", "document refused", "its id is taken by the document from a.md")
    ]


@pytest.mark.parametrize("source_of_first", ["", " ", "the court"])
def test_second_document_of_an_id_is_refused_whatever_the_source_of_the_first(
    tmp_path: Path, source_of_first: str
) -> None:
    rows = [{"id": "a", "text": "first", "source": source_of_first}, {"id": "a", "text": "second"}]
    source = write_source(tmp_path / "src", {"x.jsonl": json_lines(*rows)})
    collected(tmp_path / "work", source, config("count"))
    assert [document.text for document in documents_in(tmp_path / "work")] == ["first"]


def test_same_text_is_kept_once_and_stops_nothing(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"a.txt": "same", "b.txt": "same", "c.md": "same", "d.md": "o"}
    source = write_source(tmp_path / "src", files)
    manifest = collected(tmp_path / "work", source, config("stop"))
    assert ids_in(tmp_path / "work") == ["a", "d"]
    assert manifest.losses == {"document dropped: the same text as another document": 2}
    assert [where for where, _, _ in ledger_of(tmp_path / "work")] == ["b", "c"]


def test_repeats_are_found_across_parts(tmp_path: Path) -> None:
    last = {"z1.txt": LARGE["large-0.txt"], "z2.jsonl": json_lines({"id": "large-1", "text": "x"})}
    source = write_source(tmp_path / "src", {**LARGE, **last})
    manifest = collected(
        tmp_path / "work", source, config("count", part_bytes=SMALL_PARTS), workers=2
    )
    assert ids_in(tmp_path / "work") == ["large-0", "large-1", "large-2"]
    assert len(manifest.parts) > 3
    assert [(where, what) for where, what, _ in ledger_of(tmp_path / "work")] == [
        ("z1", "document dropped"),
        ("large-1", "document refused"),
    ]


def test_repeat_whose_first_is_gone_comes_back(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {**LARGE, "z.txt": LARGE["large-0.txt"]})
    collected(tmp_path / "rerun", source, config(part_bytes=SMALL_PARTS))
    assert "z" not in ids_in(tmp_path / "rerun")
    (source / "large-0.txt").unlink()
    collected(tmp_path / "rerun", source, config(part_bytes=SMALL_PARTS))
    assert ids_in(tmp_path / "rerun") == ["large-1", "large-2", "z"]
    collected(tmp_path / "fresh", source, config(part_bytes=SMALL_PARTS))
    assert contents(tmp_path / "rerun") == contents(tmp_path / "fresh")


WRONG: dict[str, bytes | str] = {
    "a.txt": "fine",
    "b.txt": b"caf\xe9",
    "c.txt": "",
    "d.jsonl": '{"id": "d", "text": "fine too"}\nno JSON at all\n',
    "e.parquet": b"PAR1",
}


def wrong_listing(source: Path) -> str:
    """Say what collecting WRONG says."""
    return (
        f"{source}: 4 of 6 documents were refused; expected none.\n"
        "  b.txt: byte 3 (0xe9) is not UTF-8; expected text in UTF-8\n"
        "  c.txt: no text in it\n"
        "  d.jsonl:2: not JSON (Expecting value: line 1 column 1 (char 0)); "
        "expected one object a line\n"
        "  e.parquet: the file cannot be read as Parquet\n"
        "The other 2 are kept. Mend or remove these, or set collect.refusals = "
        '"count" (--refusals count) to go on without them.'
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_refused_documents_stop_the_step_with_a_list_and_the_others_are_kept(
    tmp_path: Path, workers: int
) -> None:
    source = write_source(tmp_path / "src", {**WRONG, **LARGE})
    with pytest.raises(SourceError) as error:
        collected(tmp_path / "work", source, config(part_bytes=SMALL_PARTS), workers=workers)
    assert str(error.value) == wrong_listing(source).replace("4 of 6", "4 of 9").replace(
        "other 2", "other 5"
    )
    assert ids_in(tmp_path / "work") == ["a", "d", "large-0", "large-1", "large-2"]
    assert not (tmp_path / "work" / "documents" / MANIFEST).exists()


def test_step_stops_again_until_the_source_is_mended_and_then_equals_a_fresh_build(
    tmp_path: Path,
) -> None:
    source = write_source(tmp_path / "src", WRONG)
    for _ in range(2):
        with pytest.raises(SourceError) as error:
            collected(tmp_path / "rerun", source, config())
        assert str(error.value) == wrong_listing(source)
    (source / "e.parquet").unlink()
    write_source(source, {"b.txt": "caf\u00e9", "c.txt": "text", "d.jsonl": ""})
    collected(tmp_path / "rerun", source, config())
    assert ids_in(tmp_path / "rerun") == ["a", "b", "c"]
    collected(tmp_path / "fresh", source, config())
    assert contents(tmp_path / "rerun") == contents(tmp_path / "fresh")


def test_refused_documents_are_counted_where_the_config_says_so(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", WRONG)
    manifest = collected(tmp_path / "work", source, config("count"))
    assert ids_in(tmp_path / "work") == ["a", "d"]
    assert sum(manifest.losses.values()) == 4
    assert [(where, what) for where, what, _ in ledger_of(tmp_path / "work")] == [
        ("b.txt", "document refused"),
        ("c.txt", "document refused"),
        ("d.jsonl:2", "document refused"),
        ("e.parquet", "document refused"),
    ]


def test_long_list_of_refusals_is_cut_with_a_number(tmp_path: Path) -> None:
    files = {f"{number:02d}.txt": "" for number in range(25)}
    source = write_source(tmp_path / "src", {**files, "fine.txt": "fine"})
    with pytest.raises(SourceError) as error:
        collected(tmp_path / "work", source, config())
    lines = str(error.value).splitlines()
    assert lines[0] == f"{source}: 25 of 26 documents were refused; expected none."
    assert lines[1:11] == [f"  {number:02d}.txt: no text in it" for number in range(10)]
    assert lines[11] == "  and 15 more"


@pytest.mark.parametrize("refusals", ["stop", "count"])
def test_source_without_a_single_document_is_an_error(tmp_path: Path, refusals: str) -> None:
    source = write_source(tmp_path / "src", {"a.txt": "", "b.md": "\u200b"})
    with pytest.raises(SourceError) as error:
        collected(tmp_path / "work", source, config(refusals))  # type: ignore[arg-type]
    assert str(error.value) == (
        f"{source}: no document could be collected; expected at least one.\n"
        "  a.txt: no text in it\n"
        "  b.md: no text in it"
    )


@pytest.mark.parametrize("content", ["", "\n \n"], ids=["empty", "blank lines"])
def test_source_without_a_single_record_is_an_error(tmp_path: Path, content: str) -> None:
    source = write_source(tmp_path / "src", {"a.jsonl": content})
    with pytest.raises(SourceError) as error:
        collected(tmp_path / "work", source, config())
    assert str(error.value) == f"{source}: no document could be collected; expected at least one."


def test_strict_names_what_was_left_out(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"a.txt": "same", "b.txt": "same", "c.pdf": "x", "d.txt": ""}
    source = write_source(tmp_path / "src", files)
    with pytest.raises(Lost) as error:
        collected(tmp_path / "work", source, config("count"), strict=True)
    assert str(error.value) == (
        f"{tmp_path / 'work' / 'documents'}: collect lost something and --strict forbids it; "
        "expected no losses.\n"
        "  1 x document dropped: the same text as another document\n"
        "  1 x document refused: no text in it\n"
        "  1 x file left out: not a kind of file that gonerd reads\n"
        "The ledger.parquet in that folder names each."
    )


def test_file_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    source = write_source(tmp_path / "src", {"a.txt": "fine"})
    with open(os.path.join(os.fsencode(source), b"caf\xe9.txt"), "wb") as stream:
        stream.write(b"a text")
    manifest = collected(tmp_path / "work", source, config("count"))
    assert ids_in(tmp_path / "work") == ["a"]
    assert sum(manifest.losses.values()) == 1


def test_half_a_character_in_an_id_refuses_its_record_alone(tmp_path: Path) -> None:
    content = '{"id": "a", "text": "fine"}\n{"id": "b\\ud800", "text": "fine too"}\n'
    source = write_source(tmp_path / "src", {"x.jsonl": content})
    collected(tmp_path / "work", source, config("count"))
    assert ids_in(tmp_path / "work") == ["a"]
    assert [(where, what) for where, what, _ in ledger_of(tmp_path / "work")] == [
        ("x.jsonl:2", "document refused")
    ]


# Addresses.


def list_of(folder: Path, site: Site, paths: list[str]) -> Path:
    """Write the list of addresses of a site."""
    path = folder / "list.txt"
    path.write_text("".join(f"{site.address}{path}\tp{path[1:]}\n" for path in paths))
    return path


def test_addresses_are_collected_in_their_order(tmp_path: Path, site: Site) -> None:
    for number in (3, 1, 2):
        site.pages[f"/{number}"] = page(f"Text {number}.".encode(), kind="text/plain")
    addresses = list_of(tmp_path, site, ["/3", "/1", "/2"])
    manifest = collected(tmp_path / "work", addresses, web_config())
    assert ids_in(tmp_path / "work") == ["p3", "p1", "p2"]
    assert manifest.losses == {}
    collected(tmp_path / "work", addresses, web_config())
    assert site.asked == ["/3", "/1", "/2"]


def test_every_answer_without_a_document_is_listed_with_its_address(
    tmp_path: Path, site: Site
) -> None:
    plain = "text/plain"
    site.pages.update(
        {
            "/good": page(b"Ana went to Lund.", kind=plain),
            "/latin": page("Malm\u00f6".encode("latin-1"), kind="text/plain; charset=latin-1"),
            "/404": page(b"gone", status=404),
            "/500": page(b"broken", status=500),
            "/loop": page(status=302, Location="/loop"),
            "/short": page(b"half", length="1000"),
            "/long": page(b"x" * 5001, kind=plain),
            "/silent": b"",
            "/pdf": page(b"%PDF", kind="application/pdf"),
            "/empty": page(b""),
        }
    )
    site.silent.add("/silent")
    addresses = list_of(tmp_path, site, list(site.pages))
    how = web_config(max_bytes=5000, timeout_seconds=0.3)
    with pytest.raises(SourceError) as error:
        collected(tmp_path / "work", addresses, how)
    assert str(error.value) == (
        f"{addresses}: 8 of 10 documents were refused; expected none.\n"
        f"  {site.address}/404: the server answered 404\n"
        f"  {site.address}/500: the server answered 500\n"
        f"  {site.address}/loop: more than 10 redirects\n"
        f"  {site.address}/short: the answer broke off\n"
        f"  {site.address}/long: the answer is over 5000 bytes\n"
        f"  {site.address}/silent: no answer within 0.3 seconds\n"
        f"  {site.address}/pdf: the answer is application/pdf, not a page or a plain text\n"
        f"  {site.address}/empty: no main text was found in the page\n"
        "The other 2 are kept. Mend or remove these, or set collect.refusals = "
        '"count" (--refusals count) to go on without them.'
    )
    documents = documents_in(tmp_path / "work")
    assert [document.text for document in documents] == ["Ana went to Lund.", "Malm\u00f6"]


def a_site_with_one_gap(folder: Path, site: Site) -> Path:
    """Serve a part full of good pages and, in the next part, one that is not there yet."""
    for number in range(50):
        site.pages[f"/{number}"] = page(f"Text {number}.".encode(), kind="text/plain")
    site.pages["/late"] = page(b"not yet", status=503)
    return list_of(folder, site, list(site.pages))


def test_address_that_failed_is_asked_again_on_a_rerun(tmp_path: Path, site: Site) -> None:
    addresses = a_site_with_one_gap(tmp_path, site)
    with pytest.raises(SourceError, match="1 of 51 documents were refused"):
        collected(tmp_path / "rerun", addresses, web_config())
    site.pages["/late"] = page(b"Here at last.", kind="text/plain")
    site.asked.clear()
    collected(tmp_path / "rerun", addresses, web_config())
    assert len(documents_in(tmp_path / "rerun")) == 51
    assert site.asked == ["/late"]
    collected(tmp_path / "fresh", addresses, web_config())
    assert contents(tmp_path / "rerun") == contents(tmp_path / "fresh")


def test_pages_that_were_fetched_are_kept_when_refusals_become_counted(
    tmp_path: Path, site: Site
) -> None:
    addresses = a_site_with_one_gap(tmp_path, site)
    with pytest.raises(SourceError, match="The other 50 are kept"):
        collected(tmp_path / "work", addresses, web_config("stop"))
    site.asked.clear()
    collected(tmp_path / "work", addresses, web_config("count"))
    assert len(documents_in(tmp_path / "work")) == 50
    assert set(site.asked) <= {"/late"}
