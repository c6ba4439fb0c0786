"""Tests that what was lost lies beside what was written, and says so in its name."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from gonerd.beside import asides_path, is_beside, lines_of, losses_path, write_with_beside
from gonerd.errors import StoreError
from gonerd.records import Loss
from tests.folders import contents

LOSS = Loss(document_id="l-17", start=0, end=3, what="span moved", why="it stood elsewhere")


@pytest.mark.parametrize(
    ("out", "name"),
    [("gold.jsonl", "gold"), ("gold.conll", "gold.conll"), ("a/b/", "b"), ("-.jsonl", "-")],
)
def test_ledger_and_asides_are_named_after_what_they_lie_beside(out: str, name: str) -> None:
    found = [losses_path(Path(out)), asides_path(Path(out))]
    assert [path.name for path in found] == [f"{name}.ledger.jsonl", f"{name}.asides.jsonl"]
    assert {path.parent for path in found} == {Path(out).parent}
    assert all(is_beside(path.name) for path in found)
    assert not is_beside(Path(out).name)


def test_a_ledger_without_a_name_before_it_is_a_file_as_any_other() -> None:
    assert not is_beside("ledger.jsonl")


def test_older_ones_go_when_there_is_nothing_to_say(tmp_path: Path) -> None:
    out = tmp_path / "gold.jsonl"
    files = write_with_beside({out: b"x"}, out, [LOSS], [{"kind": "note"}])
    assert files == [out, losses_path(out), asides_path(out)]
    assert json.loads(losses_path(out).read_text(encoding="utf-8")) == asdict(LOSS)
    assert write_with_beside({out: b"y"}, out, []) == [out]
    assert contents(tmp_path) == {"gold.jsonl": b"y"}


def test_half_a_character_is_written_as_json_has_it() -> None:
    rows = [{"note": "\ud83d"}, {"note": "\u00e9\n"}]
    content = lines_of(iter(rows))
    assert content == b'{"note": "\\ud83d"}\n{"note": "\xc3\xa9\\n"}\n'
    assert [json.loads(line) for line in content.splitlines()] == rows


def test_nothing_lies_beside_a_device() -> None:
    out = Path("/dev/null")
    assert write_with_beside({out: b"x"}, out, [LOSS], [{"kind": "note"}]) == [out]
    assert not losses_path(out).exists()


def test_all_is_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    out = tmp_path / "gold.jsonl"
    with pytest.raises(StoreError) as caught:
        write_with_beside({out: b"x", tmp_path / "taken" / "open.jsonl": b"y"}, out, [LOSS])
    assert str(caught.value) == (
        f"{tmp_path / 'taken' / 'open.jsonl'}: could not be written (File exists); expected a "
        "folder that can be written."
    )
    assert contents(tmp_path) == {"taken": b""}
