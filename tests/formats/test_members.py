"""Tests that files, folders and archives become members, and that hostile ones harm nobody."""

import gzip
import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, GonerdError, RecordError, SourceError
from gonerd.formats import members as module
from gonerd.formats.catalogue import FORMATS
from gonerd.formats.members import (
    KINDS,
    Member,
    find_members,
    fits,
    json_lines,
    json_of,
    names_of,
    text_of,
)
from tests.formats.given import member
from tests.processes import AS_NOBODY, run_python

CONTENT = b"Ana left.\n"


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def place(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def named(*paths: Path) -> dict[str, bytes]:
    return {member.name: member.read() for member in find_members(paths)}


def refusal(path: Path) -> str:
    """Find and read everything there, and return what is said against it."""
    with pytest.raises(SourceError) as caught:
        named(path)
    return str(caught.value).removeprefix(str(path))


def test_a_file_is_one_member_named_as_it_is(tmp_path: Path) -> None:
    place(tmp_path, {"all.of.it.jsonl": CONTENT})
    (found,) = find_members([tmp_path / "all.of.it.jsonl"])
    assert (found.name, found.root, found.where) == (
        "all.of.it.jsonl",
        "all.of.it",
        str(tmp_path / "all.of.it.jsonl"),
    )
    assert (found.stem, found.suffix, found.read()) == ("all.of.it", ".jsonl", CONTENT)


def test_a_folder_is_searched_in_order_and_what_is_hidden_is_passed_over(tmp_path: Path) -> None:
    folder = place(
        tmp_path / "export",
        {
            "b/2.txt": b"2",
            "b/1.txt": b"1",
            "a.txt": b"a",
            ".DS_Store": b"",
            "b/.git/x.txt": b"",
            "__MACOSX/a.txt": b"",
            "b/annotations.ledger.jsonl": b"{}",
            "b/annotations.asides.jsonl": b"{}",
        },
    )
    (folder / "empty").mkdir()
    assert list(named(folder).items()) == [("a.txt", b"a"), ("b/1.txt", b"1"), ("b/2.txt", b"2")]
    assert {member.root for member in find_members([folder])} == {"export"}


def test_a_hidden_file_that_is_named_is_read(tmp_path: Path) -> None:
    place(tmp_path, {".hidden.jsonl": CONTENT, "x.ledger.jsonl": CONTENT})
    assert named(tmp_path / ".hidden.jsonl") == {".hidden.jsonl": CONTENT}
    assert named(tmp_path / "x.ledger.jsonl") == {"x.ledger.jsonl": CONTENT}


def test_the_folder_one_stands_in_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path / "ana", {"1.txt": CONTENT})
    monkeypatch.chdir(tmp_path / "ana")
    assert [(one.root, one.name) for one in find_members([Path(".")])] == [("ana", "1.txt")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "nowhere")
    assert named(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "suffix", "pack"),
    [
        ("export", ".zip", zipped),
        ("export", ".ZIP", zipped),
        ("export", ".tar", lambda files: tarred(files, "w")),
        ("export", ".tar.gz", tarred),
        ("export", ".tgz", tarred),
        ("export.v2", ".tar.gz", tarred),
    ],
)
def test_an_archive_is_searched(
    name: str, suffix: str, pack: Callable[[Mapping[str, bytes]], bytes], tmp_path: Path
) -> None:
    files = {
        "b/2.txt": b"2",
        "b/1.txt.gz": gzip.compress(b"1"),
        "b/3.TXT.GZ": gzip.compress(b"3"),
        ".hidden": b"",
        "__MACOSX/b/2.txt": b"",
        "a.txt": b"a",
        "x.ledger.jsonl": b"{}",
    }
    place(tmp_path, {name + suffix: pack(files)})
    assert named(tmp_path / (name + suffix)) == {
        "a.txt": b"a", "b/1.txt": b"1", "b/2.txt": b"2", "b/3.TXT": b"3"
    }  # fmt: skip
    found = find_members([tmp_path / (name + suffix)])
    assert {one.root for one in found} == {name}
    assert found[0].where == f"{tmp_path / name}{suffix}!a.txt"


def test_an_archive_in_a_folder_lies_where_it_lies(tmp_path: Path) -> None:
    place(tmp_path, {"ana/day1.zip": zipped({"1.txt": b"1"}), "top.zip": zipped({"2.txt": b"2"})})
    assert named(tmp_path) == {"ana/1.txt": b"1", "2.txt": b"2"}


@pytest.mark.parametrize("pack", [zipped, tarred], ids=["zip", "tar"])
def test_names_in_archives_are_labels_and_no_paths(
    pack: Callable[[Mapping[str, bytes]], bytes], tmp_path: Path
) -> None:
    files = {
        "./a.txt": b"a",
        "/etc/b.txt": b"b",
        "../../c.txt": b"c",
        "d/../../e.txt": b"e",
        "f//g.txt": b"g",
    }
    place(tmp_path, {"x.tgz" if pack is tarred else "x.zip": pack(files)})
    (path,) = tmp_path.iterdir()
    assert named(path) == {"a.txt": b"a", "etc/b.txt": b"b", "f/g.txt": b"g"}
    assert list(tmp_path.iterdir()) == [path]


def test_an_archive_in_an_archive_is_a_file_like_any_other(tmp_path: Path) -> None:
    inner = zipped({"1.txt": b"1"})
    place(tmp_path, {"x.zip": zipped({"inner.zip": inner, "twice.gz": gzip.compress(inner)})})
    assert named(tmp_path / "x.zip") == {"inner.zip": inner, "twice": inner}


def test_one_layer_of_gzip_is_taken_off_whatever_the_name(tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT)
    place(tmp_path, {"a.jsonl": packed, "b.jsonl.gz": packed, "c.gz": gzip.compress(packed)})
    assert named(tmp_path) == {"a.jsonl": CONTENT, "b.jsonl": CONTENT, "c": packed}


def test_links_and_devices_in_a_tar_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for kind in (
            tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
            tarfile.DIRTYPE,
        ):  # fmt: skip
            info = tarfile.TarInfo(f"kind{kind!r}.txt")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert named(tmp_path / "x.tar") == {}


def test_links_and_devices_in_a_zip_are_passed_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFREG, 0):
            info = zipfile.ZipInfo(f"kind{kind:o}.txt")
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, "/etc/passwd")
    assert list(named(tmp_path / "x.zip")) == ["kind0.txt", "kind100000.txt"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_one_name_twice_both_are_there(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("1.txt", b"first")
        archive.writestr("1.txt", b"second")
    contents = [one.read() for one in find_members([tmp_path / "x.zip"])]
    assert contents == [b"first", b"second"]


def test_a_password_is_asked_for_in_vain(tmp_path: Path) -> None:
    content = bytearray(zipped({"1.txt": b"secret"}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    place(tmp_path, {"x.zip": bytes(content)})
    assert refusal(tmp_path / "x.zip") == (
        "!1.txt: is locked with a password; expected an open archive."
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.zip", zipped({"1.txt": CONTENT})[:-9],
            ": cannot be read (File is not a zip file); expected a whole archive.",
        ),
        ("x.zip", b"", ": cannot be read (File is not a zip file); expected a whole archive."),
        (
            "x.tar", b"PK",
            ": cannot be read (file could not be opened successfully); expected a whole archive.",
        ),
        (
            "x.tgz", tarred({"1.txt": os.urandom(5_000)})[:-900],
            ": cannot be read (Compressed file ended before the end-of-stream marker was reached);"
            " expected a whole archive.",
        ),
        (
            "x.jsonl.gz", gzip.compress(CONTENT)[:-9],
            ": cannot be unpacked (Compressed file ended before the end-of-stream marker was "
            "reached); expected gzip.",
        ),
        (
            "x.txt", b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 9,
            ": cannot be unpacked (Error -3 while decompressing",
        ),
    ],
    ids=["cut zip", "empty zip", "no tar", "cut tar", "cut gzip", "broken gzip"],
)  # fmt: skip
def test_a_broken_archive_is_refused(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    place(tmp_path, {name: content})
    assert refusal(tmp_path / name).startswith(message)


@given(st.sampled_from([".zip", ".tar", ".tgz", ".gz"]), st.data())
def test_any_damage_is_refused_or_seen_through(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    files = {"a/1.txt": CONTENT * 9, "2.txt": b"2"}
    pack = {
        ".zip": lambda: zipped(files),
        ".tar": lambda: tarred(files, "w")[:2_100],
        ".tgz": lambda: tarred(files),
        ".gz": lambda: gzip.compress(CONTENT),
    }[suffix]
    content = bytearray(pack())
    places = st.integers(0, len(content) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(places)] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    path.write_bytes(content[: data.draw(places) + 1])
    try:
        named(path)
    except SourceError as error:
        assert str(error).startswith(str(path))


@pytest.mark.parametrize(
    ("name", "content", "inner"),
    [
        ("x.txt", b"x" * 1_001, ""),
        ("x.txt.gz", gzip.compress(b"x" * 1_001), ""),
        ("x.zip", zipped({"1.txt": b"x" * 1_001}), "!1.txt"),
        ("x.tgz", tarred({"1.txt": b"x" * 1_001}), "!1.txt"),
        ("x.tgz", tarred({"1.txt": b"x" * 600, "2.txt": b"x" * 600}), "!2.txt"),
        ("x.zip", zipped({"1.txt": gzip.compress(b"x" * 1_001)}), "!1.txt"),
        ("x.tar", tarred({"1.txt": b""}, "w"), ""),
    ],
    ids=["file", "gzip", "zip", "tar", "tar in sum", "gzip in zip", "archive"],
)
def test_a_bomb_is_refused_before_it_goes_off(
    name: str, content: bytes, inner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1_000)
    place(tmp_path, {name: content})
    assert refusal(tmp_path / name) == f"{inner}: over 1,000 bytes; expected less."


def test_a_zip_that_lies_about_sizes_is_not_believed(tmp_path: Path) -> None:
    content = bytearray(zipped({"1.txt": b"x" * 5_000}))
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 3)
    place(tmp_path, {"x.zip": bytes(content)})
    assert refusal(tmp_path / "x.zip").startswith("!1.txt: cannot be unpacked (Bad CRC-32")


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == (": no such file; expected a file, a folder or `-`.")


def test_a_file_that_goes_away_is_refused(tmp_path: Path) -> None:
    place(tmp_path, {"1.txt": CONTENT})
    (found,) = find_members([tmp_path / "1.txt"])
    (tmp_path / "1.txt").unlink()
    with pytest.raises(SourceError) as caught:
        found.read()
    assert str(caught.value) == (
        f"{tmp_path}/1.txt: No such file or directory; expected a file to read."
    )


def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    place(tmp_path, {"sealed/1.txt": CONTENT, "sealed.txt": CONTENT})
    tmp_path.chmod(0o755)
    (tmp_path / "sealed").chmod(0)
    (tmp_path / "sealed.txt").chmod(0)
    script = f"""
from pathlib import Path
from gonerd.errors import SourceError
from gonerd.formats.members import find_members
{AS_NOBODY}
for path in ("sealed.txt", "sealed/1.txt", "sealed"):
    try:
        print([member.read() for member in find_members([Path(path)])])
    except SourceError as error:
        print(error)
"""
    assert run_python(script, tmp_path).splitlines() == [
        "sealed.txt: Permission denied; expected a file to read.",
        "sealed/1.txt: Permission denied; expected a file, a folder or `-`.",
        "sealed: Permission denied; expected a file, a folder or `-`.",
    ]
    (tmp_path / "sealed").chmod(0o755)


@pytest.mark.parametrize("content", [CONTENT, gzip.compress(CONTENT)], ids=["plain", "gzip"])
def test_standard_input_can_be_read_by_as_many_as_ask(content: bytes) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom gonerd.formats.members import find_members\n"
        "one, = find_members([Path('-')])\n"
        "print(one.where, one.root, one.name, one.read() == one.read(), len(one.read()))"
    )
    done = subprocess.run([sys.executable, "-c", script], input=content, capture_output=True)
    assert done.stdout == b"- stdin stdin True 10\n"


@pytest.mark.parametrize(
    ("name", "paths", "expected"),
    [
        ("ana/l-17.txt", None, ("ana/l-17", "export")),
        ("l-17.tar", None, ("l-17", "export")),
        ("l-17", None, ("l-17", "export")),
        (".txt", None, (".txt", "export")),
        ("btc.train", None, ("btc.train", "export")),
        ("gold.conll.txt", None, ("gold.conll", "export")),
        ("l-17.TXT", None, ("l-17", "export")),
        ("v1.2/l-17", None, ("v1.2/l-17", "export")),
        ("ana/l-17.txt", "{annotator}/{document}.txt", ("l-17", "ana")),
        ("x/y/ana/l-17.txt", "{annotator}/{document}.txt", ("l-17", "ana")),
        ("l-17/ana.xmi", "{document}/{annotator}.xmi", ("l-17", "ana")),
        ("l-17.ana.tsv", "{document}.{annotator}.tsv", ("l-17", "ana")),
        ("day1/l-17.txt", "{document}.txt", ("l-17", "export")),
        ("ana/l-17.txt", "{annotator}/l-17.txt", ("ana/l-17", "ana")),
        ("l (17)+[a].*$^|\\.txt", "{document}.*$^|\\.txt", ("l (17)+[a]", "export")),
    ],
)
def test_names_come_from_paths(name: str, paths: str | None, expected: tuple[str, str]) -> None:
    one = member(b"", name, root="export")
    assert names_of(one, annotator=None, paths=paths) == expected
    assert names_of(one, annotator="bo", paths=paths)[0] == expected[0]
    given_name = expected[1] if paths and "{annotator}" in paths else "bo"
    assert names_of(one, annotator="bo", paths=paths)[1] == given_name


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("l-17.tsv", "{annotator}/{document}.tsv"),
        ("ana/l-17.txt", "{annotator}/{document}.tsv"),
        ("ana/l-17.tsv.bak", "{annotator}/{document}.tsv"),
        ("ana/l-17.tsv\n", "{annotator}/{document}.tsv"),
        ("a(na)/l-17.tsv", "a(.*)/{document}.tsv"),
        ("ana/l-17.tsv", "}{document}.tsv"),
        ("ana/l-17.tsv", "%s%d\\1{document}.tsv"),
    ],
)
def test_a_name_that_does_not_fit_the_pattern_is_refused(name: str, paths: str) -> None:
    one = member(b"", name)
    assert not fits(one, paths)
    with pytest.raises(ConfigError) as caught:
        names_of(one, annotator=None, paths=paths)
    example = paths.replace("{annotator}", "ana").replace("{document}", "l-17")
    assert str(caught.value) == (
        f"{name}: does not fit the pattern {paths!r}; expected names such as {example}."
    )


@pytest.mark.parametrize(
    "paths",
    ["", "x.txt", "{document}/{document}.txt", "{who}/{document}", "{document!r}", "{", "{0}",
     "{annotator}{document}{", "{document.text}.txt"],
)  # fmt: skip
def test_a_pattern_without_sense_is_refused(paths: str) -> None:
    with pytest.raises(ConfigError) as caught:
        names_of(member(b"", "l-17.txt"), annotator=None, paths=paths)
    assert str(caught.value) == (
        f"paths {paths!r}: expected `{{annotator}}` and `{{document}}`, one or both, once, as in "
        "{annotator}/{document}.txt."
    )


@given(st.text(), st.text())
def test_any_pattern_fits_or_is_refused(paths: str, name: str) -> None:
    try:
        document, annotator = names_of(member(b"", name or "x"), annotator="bo", paths=paths)
    except ConfigError:
        return
    assert document in (name or "x")
    assert annotator in ((name or "x") if "{annotator}" in paths else "bo")


def test_a_text_is_utf_8_with_its_line_ends_and_without_its_mark() -> None:
    assert text_of(member("\ufeffA\r\nB\u2028\ufeff".encode())) == "A\r\nB\u2028\ufeff"
    with pytest.raises(RecordError) as caught:
        text_of(member(b"caf\xe9", "l-17.txt"))
    assert str(caught.value) == "l-17.txt: byte 3 (0xe9) is not UTF-8; expected a text in UTF-8."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON (Expecting property name enclosed in double quotes"),
        (b"", "not JSON (Expecting value"),
        (b"[" * 100_000, "not JSON (maximum recursion depth exceeded"),
        (b'"\xff"', "byte 1 (0xff) is not UTF-8"),
    ],
    ids=["cut", "empty", "deep", "not UTF-8"],
)
def test_what_is_not_json_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(RecordError) as caught:
        json_of(member(content, "x.json"))
    assert str(caught.value).startswith(f"x.json: {message}")


def test_json_lines_come_with_where_they_stand() -> None:
    content = b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"a": "\\u2028\xe2\x80\xa8"}'
    assert list(json_lines(member(content, "x.jsonl"))) == [
        ("x.jsonl:1", {"a": 1}),
        ("x.jsonl:4", {"a": "\u2028\u2028"}),
    ]


@pytest.mark.parametrize("line", [b"[]", b"1", b"nul", b"\xff", b"[" * 100_000])
def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(GonerdError, match=r"^x\.jsonl:2: "):
        list(json_lines(member(b"{}\n" + line, "x.jsonl")))


def test_a_member_knows_its_name() -> None:
    names = [".txt", "a", "a.b.c", "d.e/F.JSONL"]
    found = [Member(where="", root="", name=name, read=bytes) for name in names]
    assert [one.stem for one in found] == [".txt", "a", "a.b.c", "F"]
    assert [one.suffix for one in found] == ["", "", ".c", ".jsonl"]


def test_files_that_differ_in_more_than_their_kind_have_names_of_their_own(tmp_path: Path) -> None:
    names = {
        "btc.train": "btc.train",
        "btc.dev": "btc.dev",
        "dr.jones.jsonl": "dr.jones",
        "dr.smith.jsonl.gz": "dr.smith",
        "x.conll.txt": "x",
        ".hidden.json": ".hidden",
    }
    for name in names:
        place(tmp_path, {name: b""})
    found = [one for name in names for one in find_members([tmp_path / name])]
    assert [one.root for one in found] == list(names.values())


def test_no_suffix_of_a_format_is_part_of_a_name() -> None:
    suffixes = {suffix for form in FORMATS.values() for suffix in form.suffixes}
    assert suffixes - {"readme.md"} <= KINDS
