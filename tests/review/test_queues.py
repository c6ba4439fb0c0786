"""Tests that work is handed out evenly, once, and the same again, and that what is hidden is."""

import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.config import from_table
from gonerd.errors import ConfigError
from gonerd.records import Span
from gonerd.review import verbs
from gonerd.review.desk import Desk
from gonerd.review.hiding import shown_to
from gonerd.review.queues import (
    QUEUE,
    QueueConfig,
    chance,
    draw,
    is_done,
    load_queue_config,
    next_task,
    open_queue,
    pieces_of,
    tasks_of,
)
from gonerd.review.state import State
from gonerd.review.verbs import Hand
from tests.conftest import ROOT
from tests.review.small_desk import desk, paper, save

PEOPLE = ("ana", "ben", "cy")
TEXT = "\n".join(f"Line {number} of a letter by Ann Lee of Lund." for number in range(40))


def many(count: int = 12) -> Desk:
    """Make a desk of documents of different lengths, with suggestions in each."""
    texts = {f"d{number}": TEXT[: 60 + 50 * number] for number in range(count)}
    suggested = {
        name: tuple(
            Span(start=at, end=at + 7, label="PER", confidence=(index % 10) / 10)
            for index, at in enumerate(range(0, len(text) - 10, 20))
        )
        for name, text in texts.items()
    }
    return desk(texts, suggested)


@given(
    st.integers(1, 3),
    st.sampled_from([0, 5, 12, 30]),
    st.sampled_from(["folder", "length", "uncertainty", "disagreement", "random"]),
    st.integers(0, 3),
)
def test_everything_is_handed_out_evenly_and_the_same_again(
    overlap: int, piece: int, order: Any, seed: int
) -> None:
    config = QueueConfig(annotators=PEOPLE, overlap=overlap, piece=piece, order=order, seed=seed)
    queue = draw(many(), config)
    assert queue == draw(many(), config)
    read: Counter[tuple[str, int]] = Counter()
    load: Counter[str] = Counter()
    for task in queue.tasks:
        assert len(set(task.annotators)) == len(task.annotators) == overlap
        assert task.context[0] <= task.start < task.end <= task.context[1]
        read.update((task.document_id, at) for at in range(task.start, task.end))
        load.update(dict.fromkeys(task.annotators, task.end - task.start))
    texts = {name: one.document.text for name, one in many().papers.items()}
    assert read == {(name, at): 1 for name, text in texts.items() for at in range(len(text))}
    assert max(load.values()) - min(load.values()) <= max(map(len, texts.values()))


@given(st.sampled_from([3, 8, 20]), st.text(alphabet="ab \n", max_size=300), st.data())
def test_pieces_make_up_the_text_and_cut_no_suggestion(
    words: int, text: str, data: st.DataObject
) -> None:
    places = st.tuples(st.integers(0, max(0, len(text) - 1)), st.integers(1, 15))
    spans = [
        Span(start=start, end=min(len(text), start + size), label="PER")
        for start, size in data.draw(st.lists(places, max_size=6))
        if text
    ]
    at_hand = paper("x", text, tuple(spans))
    pieces = list(pieces_of(at_hand, words))
    assert "".join(text[start:end] for start, end in pieces) == text
    for start, _ in pieces[1:]:
        assert not any(one.start < start < one.end for one in spans)


def test_pieces_end_with_lines_where_they_can() -> None:
    pieces = list(pieces_of(paper("x", TEXT, ()), 25))
    assert len(pieces) > 8
    assert all(TEXT[end - 1] == "\n" for _, end in pieces[:-1])
    assert all(15 <= len(TEXT[start:end].split()) <= 38 for start, end in pieces)


def test_what_was_handed_out_stays_when_more_comes() -> None:
    config = QueueConfig(annotators=PEOPLE[:2], overlap=1, order="random")
    before = draw(many(6), config)
    after = draw(many(12), replace(config, annotators=PEOPLE, overlap=2), before.tasks)
    mine = {(one.document_id, one.start): one.annotators for one in after.tasks}
    for one in before.tasks:
        assert mine[one.document_id, one.start][:1] == one.annotators
    assert all(len(one) == 2 for one in mine.values())


@pytest.mark.parametrize("order", ["length", "uncertainty", "disagreement"])
def test_what_matters_most_comes_first(order: Any) -> None:
    config = QueueConfig(annotators=("ana",), order=order)
    at_hand = many(4)
    if order == "disagreement":
        disputes = [replace(one, impact=float(at)) for at, one in enumerate(at_hand.disputes)]
        at_hand = replace(at_hand, disputes=tuple(disputes))
    if order == "uncertainty":
        papers = {
            name: paper(name, one.document.text, tuple(
                replace(span, confidence=at / 10) for span in one.suggestions
            ))
            for at, (name, one) in enumerate(at_hand.papers.items())
        }  # fmt: skip
        at_hand = replace(at_hand, papers=papers)
    names = [one.document_id for one in draw(at_hand, config).tasks]
    assert names == (["d3", "d2", "d1", "d0"] if order == "disagreement" else
                     ["d0", "d1", "d2", "d3"])  # fmt: skip


def test_an_annotator_goes_on_where_they_stopped() -> None:
    at_hand, state = many(3), State()
    queue = draw(at_hand, QueueConfig(annotators=("ana",), piece=20))
    first, second, *_ = tasks_of(queue, "ana")
    assert next_task(queue, state, "ana") == first
    hand = Hand(desk=at_hand, state=state, annotator="ana")
    save(state, verbs.finish(hand, first.document_id, first.start, first.end))
    assert is_done(first, state, "ana")
    assert next_task(queue, state, "ana") == second
    for one in queue.tasks:
        save(state, verbs.finish(hand, one.document_id, one.start, one.end))
    assert next_task(queue, state, "ana") is None


def test_a_queue_is_kept_beside_the_log(tmp_path: Path) -> None:
    at_hand = replace(many(), folder=tmp_path)
    assert open_queue(at_hand, None) is None
    queue = open_queue(at_hand, QueueConfig(annotators=PEOPLE, overlap=2, piece=10, seed=3))
    assert queue is not None
    raw = (tmp_path / "review" / QUEUE).read_bytes()
    assert open_queue(at_hand, None) == queue
    assert open_queue(at_hand, queue.config) == queue
    assert (tmp_path / "review" / QUEUE).read_bytes() == raw


def test_a_damaged_queue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / QUEUE).write_text('{"tasks": [{}]}')
    with pytest.raises(ConfigError) as error:
        open_queue(replace(many(), folder=tmp_path), None)
    assert str(error.value) == (
        f"{tmp_path / 'review' / QUEUE}: cannot be read (KeyError('document_id')); expected a "
        "queue as it was drawn.\nDelete it, and tasks are drawn anew from the table."
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("annotators = []", "annotators=[]; expected names, each once."),
        ('annotators = ["ana", "ana"]', "annotators=['ana', 'ana']; expected names, each once."),
        ('annotators = ["ana"]\noverlap = 2', "overlap=2; expected from 1 to 1 annotators."),
        ('annotators = ["ana"]\npiece = -1', "piece=-1; expected a number of words."),
        (
            'annotators = ["ana"]\nhidden_spans = 1.0',
            "hidden_spans=1.0; expected from 0 to below 1.",
        ),
        (
            'annotators = ["ana"]\norder = "size"',
            "order is 'size'; expected one of 'folder', 'length', 'uncertainty', 'disagreement', "
            "'random'.",
        ),
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "q.toml").write_text(line)
    with pytest.raises(ConfigError) as error:
        load_queue_config(tmp_path / "q.toml")
    assert str(error.value).removeprefix(f"{tmp_path / 'q.toml'}: ") == message


def test_a_share_of_suggestions_is_hidden_from_each_annotator() -> None:
    config = QueueConfig(
        annotators=PEOPLE, overlap=3, hidden_spans=0.3, hidden_documents=0.2, seed=5
    )
    at_hand = many(40)
    queue = draw(at_hand, config)
    seen = {name: shown_to(at_hand, queue, name) for name in PEOPLE}
    for name, mine in seen.items():
        assert list(mine.papers) == list(at_hand.papers)
        blank = [one for one in mine.papers.values() if not one.suggestions]
        assert 2 <= len(blank) <= 16
        left = sum(len(one.suggestions) for one in mine.papers.values())
        everything = sum(len(one.suggestions) for one in at_hand.papers.values())
        assert 0.35 < left / everything < 0.75
        assert shown_to(at_hand, queue, name).papers["d5"] == mine.papers["d5"]
    assert seen["ana"].papers["d20"] != seen["ben"].papers["d20"]
    assert shown_to(at_hand, queue, "zoe") is at_hand
    assert shown_to(at_hand, None, "ana") is at_hand


def test_an_annotator_sees_their_own_documents_in_order() -> None:
    at_hand = many(9)
    queue = draw(at_hand, QueueConfig(annotators=PEOPLE, order="random", piece=15))
    mine = shown_to(at_hand, queue, "ben")
    assert list(mine.papers) == list(
        dict.fromkeys(one.document_id for one in tasks_of(queue, "ben"))
    )
    assert all(mine.papers[name] is at_hand.papers[name] for name in mine.papers)
    assert {one.document_id for one in mine.disputes} <= set(mine.papers)


def test_finishing_does_not_accept_what_is_hidden() -> None:
    config = QueueConfig(annotators=("ana",), hidden_spans=0.5)
    at_hand, state = many(3), State()
    mine = shown_to(at_hand, draw(at_hand, config), "ana")
    hand = Hand(desk=mine, state=state, annotator="ana")
    length = len(mine.papers["d2"].document.text)
    save(state, verbs.finish(hand, "d2", 0, length, "accept"))
    assert len(state.held["ana", "d2"].marks) == len(mine.papers["d2"].suggestions)
    assert 0 < len(mine.papers["d2"].suggestions) < len(at_hand.papers["d2"].suggestions)


def test_chances_are_even() -> None:
    drawn = [chance(7, "x", number) for number in range(2000)]
    assert 0.47 < sum(drawn) / len(drawn) < 0.53
    assert all(0.0 <= one < 1.0 for one in drawn)


def test_the_table_in_the_readme_is_a_whole_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("## Review\n")[1].split("```toml\n")[1].split("```")[0]
    config = from_table(QueueConfig, tomllib.loads(table), "README.md")
    assert (config.overlap, config.order) == (2, "uncertainty")
