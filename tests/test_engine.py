"""Tests that a step gives the same bytes however it runs, makes nothing twice, fails cleanly."""

import os
import signal
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonerd.arrow import documents_from, losses_from
from gonerd.engine import run_jobs, tick
from gonerd.errors import GonerdError, Lost, RecordError, StoreError
from gonerd.store import LEDGER, MANIFEST, file_sha256, is_whole, part_path, read_part
from tests.engine_work import (
    Words,
    fill,
    run_words,
    spell_or_exit,
    spell_or_refuse,
)
from tests.folders import age, contents, made_again, parts, stamps
from tests.processes import AS_NOBODY, run_python, start_python

PAYLOADS: list[Words] = [("one", "two"), ("-three",), (), ("four", "-five", "six")]

some_payloads = st.lists(
    st.lists(st.text(alphabet="ab-", min_size=1, max_size=3), max_size=3, unique=True).map(tuple),
    max_size=4,
)


def test_parts_ledger_and_manifest_hold_what_the_batches_give(tmp_path: Path) -> None:
    manifest = run_words(tmp_path, PAYLOADS, config={"language": "en"})
    words = [
        [document.id for document in documents_from(read_part(tmp_path / part.file))]
        for part in manifest.parts
    ]
    assert words == [["one", "two"], [], [], ["four", "six"]]
    ledger = losses_from(pq.read_table(tmp_path / LEDGER))
    assert [loss.document_id for loss in ledger] == ["-three", "-five"]
    assert manifest.counts == {"letters": 13, "words": 4}
    assert manifest.losses == {"word dropped: a dash": 2}
    assert manifest.config == {"language": "en"}
    assert [part.rows for part in manifest.parts] == [2, 0, 0, 2]
    assert [part.sha256 for part in manifest.parts] == [
        file_sha256(part_path(tmp_path, index)) for index in range(4)
    ]
    assert set(os.listdir(tmp_path)) == parts(range(4)) | {LEDGER, MANIFEST}


def test_output_is_the_same_to_the_byte_with_one_process_and_two(tmp_path: Path) -> None:
    one = run_words(tmp_path / "one", PAYLOADS, workers=1)
    two = run_words(tmp_path / "two", PAYLOADS, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert one == two


def test_rerun_makes_nothing(tmp_path: Path) -> None:
    first = run_words(tmp_path, PAYLOADS)
    age(tmp_path)
    before = stamps(tmp_path)
    assert run_words(tmp_path, PAYLOADS) == first
    assert stamps(tmp_path) == before


def test_key_order_of_a_config_makes_nothing_stale(tmp_path: Path) -> None:
    run_words(tmp_path, PAYLOADS, config={"a": 1, "b": 2})
    before = stamps(tmp_path)
    run_words(tmp_path, PAYLOADS, config={"b": 2, "a": 1})
    assert stamps(tmp_path) == before


def test_notes_stand_in_the_manifest_and_change_nothing_that_is_made(tmp_path: Path) -> None:
    manifest = run_words(tmp_path, PAYLOADS, notes={"aloud": "they are short"})
    assert manifest.notes == {"aloud": "they are short"}
    before = stamps(tmp_path)
    assert run_words(tmp_path, PAYLOADS) == manifest
    assert stamps(tmp_path) == before


def test_changed_config_makes_every_part_again(tmp_path: Path) -> None:
    run_words(tmp_path, PAYLOADS, config={"a": 1})
    age(tmp_path)
    before = stamps(tmp_path)
    manifest = run_words(tmp_path, PAYLOADS, config={"a": 2})
    assert made_again(before, stamps(tmp_path)) == (set(before), set())
    assert manifest.config == {"a": 2}


def test_changed_batch_makes_only_its_part_again(tmp_path: Path) -> None:
    run_words(tmp_path, PAYLOADS)
    age(tmp_path)
    before = stamps(tmp_path)
    run_words(tmp_path, [*PAYLOADS[:2], ("new",), *PAYLOADS[3:]])
    made, left_alone = made_again(before, stamps(tmp_path))
    assert (made, left_alone) == (parts([2]) | {LEDGER, MANIFEST}, parts([0, 1, 3]))


def test_added_batch_leaves_the_other_parts_alone(tmp_path: Path) -> None:
    run_words(tmp_path, PAYLOADS)
    age(tmp_path)
    before = stamps(tmp_path)
    run_words(tmp_path, [*PAYLOADS, ("new",)])
    made, left_alone = made_again(before, stamps(tmp_path))
    assert (made, left_alone) == (parts([4]) | {LEDGER, MANIFEST}, parts(range(4)))


@settings(max_examples=25)
@given(before=some_payloads, after=some_payloads)
def test_rerun_after_any_change_equals_a_fresh_run(
    before: list[Words], after: list[Words], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    run_words(folder / "rerun", before)
    changed = run_words(folder / "rerun", after)
    fresh = run_words(folder / "fresh", after)
    assert changed == fresh
    assert contents(folder / "rerun") == contents(folder / "fresh")


@pytest.mark.parametrize(
    ("damage", "remade"),
    [
        pytest.param(lambda folder: part_path(folder, 3).unlink(), parts([3]), id="missing"),
        pytest.param(
            lambda folder: part_path(folder, 0).write_bytes(b"PAR1"), parts([0]), id="garbage"
        ),
        pytest.param(
            lambda folder: os.truncate(part_path(folder, 3), 500), parts([3]), id="cut short"
        ),
        pytest.param(
            lambda folder: pq.write_table(pa.table({"x": [1]}), part_path(folder, 0)),
            parts([0]),
            id="foreign",
        ),
        pytest.param(lambda folder: (folder / LEDGER).unlink(), set(), id="ledger missing"),
        pytest.param(lambda folder: (folder / MANIFEST).unlink(), set(), id="manifest missing"),
    ],
)
def test_damaged_file_is_made_again_and_the_others_are_not(
    tmp_path: Path, damage: Callable[[Path], object], remade: set[str]
) -> None:
    run_words(tmp_path, PAYLOADS)
    whole = contents(tmp_path)
    age(tmp_path)
    before = stamps(tmp_path)
    damage(tmp_path)
    run_words(tmp_path, PAYLOADS)
    assert contents(tmp_path) == whole
    made, _ = made_again(before, stamps(tmp_path))
    assert made == remade | {LEDGER, MANIFEST}


def test_damaged_manifest_stops_the_step_and_its_way_out_works(tmp_path: Path) -> None:
    run_words(tmp_path, PAYLOADS)
    whole = contents(tmp_path)
    age(tmp_path)
    before = stamps(tmp_path)
    (tmp_path / MANIFEST).write_text("half a manif")
    with pytest.raises(StoreError) as error:
        run_words(tmp_path, PAYLOADS)
    assert str(error.value) == (
        f"{tmp_path / MANIFEST}: cannot be read as a manifest "
        "(Expecting value: line 1 column 1 (char 0)); expected one written by gonerd.\n"
        "Remove it and run the step again; parts that still fit are kept."
    )
    (tmp_path / MANIFEST).unlink()
    run_words(tmp_path, PAYLOADS)
    assert contents(tmp_path) == whole
    assert made_again(before, stamps(tmp_path))[1] == parts(range(4))


def test_folder_of_another_version_is_made_again(tmp_path: Path) -> None:
    run_words(tmp_path, PAYLOADS)
    whole = contents(tmp_path)
    footer = b'{"fingerprint": "f", "counts": {}, "losses": [], "final": true, "era": 2}'
    table = pa.table({"x": [1]}).replace_schema_metadata({b"gonerd": footer})
    pq.write_table(table, part_path(tmp_path, 1))
    run_words(tmp_path, PAYLOADS)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("workers", [1, 2])
def test_error_in_the_work_reaches_the_caller_and_finished_parts_are_kept(
    tmp_path: Path, workers: int
) -> None:
    wrong: list[Words] = [("one",), ("bad",), ("two",)]
    with pytest.raises(RecordError) as error:
        run_words(tmp_path, wrong, work=spell_or_refuse, workers=workers)
    assert str(error.value) == "batch: the word 'bad'; expected good words."
    assert not (tmp_path / MANIFEST).exists()
    age(tmp_path)
    before = stamps(tmp_path)
    assert parts([0]) <= set(before) <= parts([0, 2])
    run_words(tmp_path, [("one",), ("good",), ("two",)], work=spell_or_refuse)
    assert made_again(before, stamps(tmp_path))[1] == set(before)


def test_worker_that_was_killed_does_not_hang_the_step_and_finished_parts_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads: list[Words] = [("one",), ("exit",), ("two",)]
    monkeypatch.setenv("GONERD_TEST_EXIT", "1")
    with pytest.raises((GonerdError, BrokenProcessPool)):
        run_words(tmp_path / "rerun", payloads, work=spell_or_exit, workers=2)
    monkeypatch.delenv("GONERD_TEST_EXIT")
    assert not (tmp_path / "rerun" / MANIFEST).exists()
    before = stamps(tmp_path / "rerun")
    run_words(tmp_path / "rerun", payloads, work=spell_or_exit)
    assert {name for name in before if name.startswith("part-")} <= made_again(
        before, stamps(tmp_path / "rerun")
    )[1]
    run_words(tmp_path / "fresh", payloads, work=spell_or_exit)
    assert contents(tmp_path / "rerun") == contents(tmp_path / "fresh")


def test_killed_run_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    payloads: list[Words] = [("one",), ("two",), ("exit",), ("three",)]
    script = """
import sys
from pathlib import Path
from tests.engine_work import run_words, spell_or_exit
run_words(Path(sys.argv[1]), [("one",), ("two",), ("exit",), ("three",)], work=spell_or_exit)
"""
    monkeypatch.setenv("GONERD_TEST_EXIT", "1")
    run_python(script, tmp_path / "rerun", check=False)
    monkeypatch.delenv("GONERD_TEST_EXIT")
    assert set(os.listdir(tmp_path / "rerun")) == parts([0, 1])
    age(tmp_path / "rerun")
    before = stamps(tmp_path / "rerun")
    run_words(tmp_path / "rerun", payloads, work=spell_or_exit)
    made, left_alone = made_again(before, stamps(tmp_path / "rerun"))
    assert (made, left_alone) == (parts([2, 3]) | {LEDGER, MANIFEST}, parts([0, 1]))
    run_words(tmp_path / "fresh", payloads, work=spell_or_exit)
    assert contents(tmp_path / "rerun") == contents(tmp_path / "fresh")


def test_workers_end_when_the_run_is_killed(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from tests.engine_work import run_words, spell_for_ever
run_words(Path(sys.argv[1]), [("a",), ("b",)], work=spell_for_ever, workers=2)
"""
    with start_python(script, tmp_path) as run:
        assert run.stdout is not None
        assert [run.stdout.readline(), run.stdout.readline()] == ["begun\n", "begun\n"]
        run.send_signal(signal.SIGKILL)
        # The pipe ends when its last holder does: a worker left behind would hang the test.
        assert run.stdout.read() == ""


def test_half_written_file_of_a_killed_run_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".part-00000.parquet.4711.partial").write_bytes(b"half")
    run_words(tmp_path, PAYLOADS)
    assert set(os.listdir(tmp_path)) == parts(range(4)) | {LEDGER, MANIFEST}


@pytest.mark.parametrize("workers", [1, 2])
def test_full_disk_leaves_nothing_half_written_and_the_run_can_go_on(
    tmp_path: Path, workers: int
) -> None:
    script = """
import resource, sys
from pathlib import Path
from gonerd.errors import StoreError
from tests.engine_work import fill, run_words
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    run_words(Path(sys.argv[1]), [1_000, 200_000], work=fill, workers=int(sys.argv[2]))
except StoreError as error:
    print(error)
"""
    full = tmp_path / "full"
    assert run_python(script, full, workers) == (
        f"{full / 'part-00001.parquet'}: could not be written (File too large); "
        "expected room on the disk.\n"
        "Free some space and run the same command again; finished parts are kept.\n"
    )
    assert set(os.listdir(full)) == parts([0])
    before = stamps(full)
    run_words(full, [1_000, 200_000], work=fill)
    assert made_again(before, stamps(full))[1] == parts([0])
    run_words(tmp_path / "fresh", [1_000, 200_000], work=fill)
    assert contents(full) == contents(tmp_path / "fresh")


def test_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "sealed").mkdir()
    (tmp_path / "sealed").chmod(0o555)
    script = f"""
import sys
from pathlib import Path
from gonerd.errors import StoreError
from tests.engine_work import run_words
run_words(Path(sys.argv[1]) / "open", [("one",)])  # what is imported late is imported now
{AS_NOBODY}
for folder in ("sealed", "sealed/new"):
    try:
        run_words(Path(folder), [("one",)])
    except StoreError as error:
        print(error)
"""
    assert run_python(script, tmp_path).splitlines() == [
        "sealed/part-00000.parquet: could not be written (Permission denied); "
        "expected a folder that can be written.",
        "sealed/new: could not be written (Permission denied); "
        "expected a folder that can be written.",
    ]


def test_strict_turns_any_loss_into_an_error_now_and_on_every_rerun(tmp_path: Path) -> None:
    expected = (
        f"{tmp_path}: words lost something and --strict forbids it; expected no losses.\n"
        "  2 x word dropped: a dash\n"
        "The ledger.parquet in that folder names each."
    )
    for _ in range(2):
        with pytest.raises(Lost) as error:
            run_words(tmp_path, PAYLOADS, strict=True)
        assert str(error.value) == expected
    before = stamps(tmp_path)
    manifest = run_words(tmp_path, PAYLOADS)
    assert is_whole(tmp_path, manifest)
    assert stamps(tmp_path) == before


def test_strict_says_nothing_where_nothing_was_lost(tmp_path: Path) -> None:
    assert run_words(tmp_path, [("one",)], strict=True).losses == {}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_tick_reaches_the_caller_before_the_jobs_are_over(workers: int) -> None:
    heard: list[int] = []
    run_jobs([partial(tick, amount) for amount in (1, 2, 4)], workers=workers, advance=heard.append)
    assert sorted(heard) == [1, 2, 4]


def test_tick_outside_a_step_does_nothing() -> None:
    tick(3)


def test_no_work_is_done_at_once(tmp_path: Path) -> None:
    manifest = run_words(tmp_path, [], workers=2)
    assert manifest.parts == ()
    assert set(os.listdir(tmp_path)) == {LEDGER, MANIFEST}


def test_one_large_batch_is_one_part(tmp_path: Path) -> None:
    manifest = run_words(tmp_path, [3_000_000], work=fill)
    assert [part.rows for part in manifest.parts] == [1]
