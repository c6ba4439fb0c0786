"""Tests that what people decide in review reaches gold, and is written as all other annotations."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError
from gonerd.files import load_annotations, load_disputes
from gonerd.records import Annotation, Dispute, Span
from gonerd.review import verbs
from gonerd.review.derive import annotations, rulings, settled, write_annotations, write_reviewed
from gonerd.review.desk import check_annotator, open_desk
from gonerd.review.log import open_log
from gonerd.review.state import State
from gonerd.review.verbs import Hand
from gonerd.rulings import ruled_range
from gonerd.spans import subtract_ranges
from gonerd.store import read_manifest
from tests.conftest import run_gonerd
from tests.processes import run_python
from tests.review.small_desk import act_of, desk, hand, marks, save, wishes

DESK = desk()


@given(st.lists(wishes, max_size=15))
def test_annotations_are_what_holds_where_it_was_read(course: list[Any]) -> None:
    state = State()
    for wish in course:
        if (act := act_of(hand(state, of=DESK), wish)) is not None:
            save(state, act)
    said = {one.document_id: one for one in annotations(state, "gonerd@1")}
    for name in DESK.papers:
        holding = {span for span, status in marks(state, name).items() if status != "rejected"}
        held = state.held.get(("ana", name))
        one = said.get(name)
        assert set(one.spans if one else ()) == holding
        assert (one.coverage if one else ()) == (held.coverage if held else ())


def rule(state: State, start: int, end: int, *spans: Span, who: str = "ana") -> None:
    """Rule on a place, be it in dispute or not."""
    act = verbs.settle(hand(state, who, DESK), "a", 0, 3, [])
    (ruling,) = act.rulings
    was = state.rulings.get(("a", start, end), (None, None))[1]
    one = type(ruling)(document_id="a", start=start, end=end, was=was, now=spans)
    save(state, type(act)(annotator=who, act="settle", texts=act.texts, rulings=(one,)))


def test_of_rulings_that_reach_into_one_another_the_later_one_holds() -> None:
    state, wide = State(), Span(start=0, end=7, label="PER")
    rule(state, 4, 7)
    rule(state, 12, 15, who="ben")
    rule(state, 0, 3, wide)
    found = rulings(state)
    assert [(one.start, one.end, one.settled_by, one.settlement) for one in found] == [
        (0, 3, "ana", (wide,)),
        (12, 15, "ben", ()),
    ]
    assert {one.text_sha256 for one in found} == {DESK.papers["a"].document.text_sha256}
    rule(state, 4, 7)
    assert [ruled_range(one) for one in rulings(state)] == [(4, 7), (12, 15)]


def test_disputes_carry_their_rulings() -> None:
    state = State()
    save(state, verbs.settle(hand(state, of=DESK), "b", 0, 3, []))
    found = list(settled(state, DESK.disputes))
    assert [(one.document_id, one.settled_by) for one in found] == [("a", None), ("b", "ana")]


def test_reviewed_work_is_written_for_every_other_command(built_copy: Path, tmp_path: Path) -> None:
    work, out = built_copy / "work" / "sample", tmp_path / "reviewed.jsonl"
    with pytest.raises(ConfigError) as error:
        write_annotations(work, out)
    assert str(error.value) == (
        f"{work}: nobody has reviewed anything; expected {work / 'review' / 'events.jsonl'}.\n"
        f"Review: gonerd review {work} --annotator NAME"
    )
    opened, log = open_desk(work), open_log(work / "review")
    for name, paper in opened.papers.items():
        for who in ("dora", "emil"):
            at_work = Hand(desk=opened, state=log.state, annotator=who)
            length = len(paper.document.text)
            log.commit([verbs.finish(at_work, name, 0, length, "accept")])
    assert write_annotations(work, out) == 2 * len(opened.papers)
    found = [one for _, one, _ in load_annotations(out)]
    assert {(one.annotator, one.guide) for one in found} == {
        ("dora", opened.guide.reference), ("emil", opened.guide.reference),
    }  # fmt: skip
    documents = work / "documents"
    for command in (
        ["agreement", out, "--documents", documents, "--json"],
        ["export", out, "--to", "conll", "--out", tmp_path / "c.conll", "--documents", documents],
        ["export", out, "--to", "brat", "--out", tmp_path / "brat", "--documents", documents],
        ["reconcile", out, "--out", tmp_path / "gold.jsonl", "--documents", documents],
    ):
        done = run_gonerd(*command, cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)


def gold_of(work: Path) -> dict[str, Annotation]:
    """Read the gold of a work folder."""
    return {one.document_id: one for _, one, _ in load_annotations(work / "gold")}


def disputes_of(work: Path) -> set[tuple[str, int, int]]:
    """Read where annotators are not agreed."""
    return set(open_desk(work).disputed)


DECIDE = """
import sys
from pathlib import Path
from gonerd.records import Span
from gonerd.review import verbs
from gonerd.review.desk import open_desk
from gonerd.review.log import open_log
from gonerd.review.verbs import Hand
work = Path(sys.argv[1])
desk, log = open_desk(work), open_log(work / "review")
dispute = desk.disputes[0]
ruled = [Span(start=dispute.start, end=dispute.end, label="MISC")]
hand = Hand(desk=desk, state=log.state, annotator="zoe")
log.commit([verbs.settle(hand, dispute.document_id, dispute.start, dispute.end, ruled)])
name, paper = next(pair for pair in desk.papers.items() if pair[0] != dispute.document_id)
log.commit([verbs.finish(hand, name, 0, len(paper.document.text), "accept")])
print(dispute.document_id, dispute.start, dispute.end)
"""


def test_a_ruling_settles_a_dispute_for_good(built_copy: Path) -> None:
    work = built_copy / "work" / "sample"
    before = disputes_of(work)
    name, start, end = run_python(DECIDE, work).split()
    place = (name, int(start), int(end))
    assert place in before
    done = run_gonerd("build", cwd=built_copy)
    assert done.returncode == 0, done.stderr
    ruled = Span(start=place[1], end=place[2], label="MISC")
    assert ruled in {
        Span(start=one.start, end=one.end, label=one.label) for one in gold_of(work)[name].spans
    }
    assert place not in disputes_of(work)
    manifest = read_manifest(work / "gold")
    assert manifest is not None
    assert "zoe" in manifest.config["voters"]
    assert open_desk(work).suggester is not None  # zoe's pass is no model's

    stamps = {path: path.stat().st_mtime_ns for path in (work / "gold").iterdir()}
    assert run_gonerd("build", cwd=built_copy).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (work / "gold").iterdir()} == stamps

    log = open_log(work / "review")
    opened = open_desk(work)
    zoe = Hand(desk=opened, state=log.state, annotator="zoe")
    log.commit([verbs.settle(zoe, name, *place[1:], None)])
    done = run_gonerd("reconcile", "sample", cwd=built_copy)
    assert done.returncode == 0, done.stderr
    assert place in disputes_of(work)


BUILDER = """
name = "letters"
release = "letters"
title = "Letters"
guide = "gonerd"
card = "sample"
annotations_creators = "machine-generated"
[collect]
folder = "texts"
license = "cc0-1.0"
language = "en"
[prelabel]
pipeline = "embedded"
[reconcile]
prelabels = "only"
"""


def test_what_people_have_read_is_theirs_where_there_is_but_a_model(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    text = "Anna Berg met John Smith in London on Monday.\n\n" * 4
    (tmp_path / "texts" / "one.txt").write_text(text)
    (tmp_path / "texts" / "two.txt").write_text("Mary Jones lives in Paris.\n")
    (tmp_path / "letters.toml").write_text(BUILDER)
    for step in ("collect", "prelabel", "reconcile"):
        done = run_gonerd(step, "letters.toml", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    work = tmp_path / "work" / "letters"
    before = gold_of(work)
    opened, log = open_desk(work), open_log(work / "review")
    name = next(one for one, paper in opened.papers.items() if len(paper.document.text) > 60)
    own = Span(start=37, end=44, label="MISC")
    wish = Hand(desk=opened, state=log.state, annotator="ana")
    log.commit([verbs.add(wish, name, own)])
    log.commit([verbs.finish(wish, name, 0, 48, "reject")])
    done = run_gonerd("reconcile", "letters.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = gold_of(work)

    def places(gold: Annotation, start: int) -> list[tuple[int, int, str]]:
        return [(one.start, one.end, one.label) for one in gold.spans if one.start >= start]

    assert places(after[name], 0) == [(37, 44, "MISC"), *places(before[name], 48)]
    assert len(places(before[name], 0)) > len(places(before[name], 48)) > 0
    other = next(one for one in after if one != name)
    assert places(after[other], 0) == places(before[other], 0)
    lost = [(48, one.end) for one in before[name].spans if one.start < 48 < one.end]
    assert after[name].coverage == subtract_ranges(before[name].coverage, lost)


def test_nothing_is_written_beside_a_work_folder_that_nobody_reviewed(built: Path) -> None:
    reviewed = write_reviewed(built / "work" / "sample", "gonerd@1")
    assert (reviewed.annotations, reviewed.settled) == (None, None)
    assert not (built / "work" / "sample" / "review").exists()


def test_the_same_log_makes_the_same_files(built_copy: Path) -> None:
    work = built_copy / "work" / "sample"
    run_python(DECIDE, work)
    reviewed = write_reviewed(work, "gonerd@1")
    assert reviewed.annotations is not None
    assert reviewed.settled is not None
    first = [one.read_bytes() for one in (reviewed.annotations, reviewed.settled)]
    write_reviewed(work, "gonerd@1")
    assert [one.read_bytes() for one in (reviewed.annotations, reviewed.settled)] == first
    (ruling,) = load_disputes(reviewed.settled)
    assert isinstance(ruling, Dispute)
    assert json.loads(first[1])["settled_by"] == "zoe"


@pytest.mark.parametrize("name", ["", " ana", "gold", "vote", "model@1", "x" * 201])
def test_names_that_mean_something_else_are_nobodys(name: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_annotator(name, DESK)
    assert str(error.value) == (
        f"--annotator {name[:40]!r}: is no name for a person; expected up to 200 letters, without "
        "outer blanks, and none of 'gold', 'vote', 'weighted', 'sequence', 'model@1'."
    )
    assert check_annotator("ana", DESK) == "ana"
