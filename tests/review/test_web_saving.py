"""Tests that wishes of many are saved together, none is lost, and a full disk is said."""

import os
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from gonerd.errors import RecordError, StoreError
from gonerd.review import log as log_module
from gonerd.review import verbs
from gonerd.review.acts import Act
from gonerd.review.desk import Desk, open_desk
from gonerd.review.log import Refused, open_log
from gonerd.review.state import State, undo
from gonerd.review.web.saving import Keeper, Make
from tests.review.offices import SUGGESTED, place, write_work

SPANS = SUGGESTED["plain"][1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Something to review."""
    return open_desk(write_work(tmp_path / "work"))


def accepting(desk: Desk, name: str, nth: int, origin: str = "") -> Make:
    """Make what accepts the nth suggestion."""

    def made(state: State) -> Act:
        hand = verbs.Hand(desk=desk, state=state, annotator=name, origin=origin)
        return verbs.accept(hand, "plain", [SPANS[nth]])

    return made


def test_what_waits_is_saved_with_one_sync(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper(log=open_log(tmp_path / "review"))
    synced: list[int] = []
    monkeypatch.setattr(log_module.os, "fsync", lambda descriptor: synced.append(descriptor))
    answers = [
        keeper.ask(f"p{number}", f"o/{number}", accepting(desk, f"p{number}", 0))
        for number in range(50)
    ]
    keeper.start()
    numbers = sorted(one.result(10).number for one in answers)  # type: ignore[union-attr]
    keeper.stop()
    assert numbers == list(range(1, 51))
    assert len(synced) == 1


def test_wishes_of_one_annotator_are_met_in_their_order(desk: Desk, tmp_path: Path) -> None:
    keeper = Keeper(log=open_log(tmp_path / "review"))
    asked: list[Future[Act | Refused | None]] = []
    for turn in range(4):
        asked.append(keeper.ask("ana", f"o/{turn}", accepting(desk, "ana", turn)))
        asked.append(keeper.ask("ana", f"u/{turn}", lambda state: undo(state, "ana")))
    keeper.start()
    found = [one.result(10) for one in asked]
    keeper.stop()
    assert [one.act for one in found if isinstance(one, Act)] == ["accept", "undo"] * 4
    assert not keeper.log.state.held[("ana", "plain")].marks


def test_many_threads_lose_nothing(desk: Desk, tmp_path: Path) -> None:
    keeper = Keeper(log=open_log(tmp_path / "review"))
    keeper.start()
    saved: list[int] = []

    def work(name: str) -> None:
        for turn in range(4):
            answer = keeper.ask(name, f"{name}/{turn}", accepting(desk, name, turn)).result(20)
            assert isinstance(answer, Act)
            saved.append(answer.number)

    threads = [threading.Thread(target=work, args=(f"p{number}",)) for number in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    keeper.stop()
    assert sorted(saved) == list(range(1, 49))
    assert len(open_log(tmp_path / "review").state.acts) == 48


def test_a_disk_that_refuses_is_said_and_the_next_wish_is_saved(tmp_path: Path) -> None:
    with place(write_work(tmp_path)) as office:
        ana = office.client("ana")
        wish = {"verb": "accept", "document": "plain",
                "spans": [[SPANS[0].start, SPANS[0].end, "PER"]]}  # fmt: skip
        real = os.fsync

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        log_module.os.fsync = full
        try:
            answer = ana.wish(wish)
        finally:
            log_module.os.fsync = real
        assert answer.status == 503
        (later,) = answer.json["answers"]
        path = office.office.keeper.log.path
        assert later == {
            "number": 1,
            "outcome": "later",
            "wrong": f"{path}: cannot be written (No space left on device); expected room on the "
            "disk.\nWhat was saved before is safe; nothing of this was saved.",
        }
        (saved,) = ana.wish(wish).json["answers"]
        assert (saved["outcome"], saved["act"]) == ("saved", 1)


def test_a_log_that_was_taken_away_is_said(desk: Desk, tmp_path: Path) -> None:
    keeper = Keeper(log=open_log(tmp_path / "review"))
    keeper.start()
    keeper.ask("ana", "o/1", accepting(desk, "ana", 0)).result(10)
    keeper.log.path.write_bytes(b"")
    with pytest.raises(StoreError):
        keeper.ask("ana", "o/2", accepting(desk, "ana", 1)).result(10)
    keeper.stop()


def test_who_asks_when_it_has_ended_hears_so(desk: Desk, tmp_path: Path) -> None:
    keeper = Keeper(log=open_log(tmp_path / "review"))
    keeper.start()
    keeper.stop()
    with pytest.raises(RecordError) as error:
        keeper.ask("ana", "o/1", accepting(desk, "ana", 0)).result(1)
    assert str(error.value) == "server: ends; nothing was saved."
