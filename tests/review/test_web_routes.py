"""Tests of what a page gets and what becomes of its wishes, and that nobody sees another's work."""

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gonerd.records import Span
from gonerd.review.acts import Act, Mark, MarkChange
from gonerd.review.log import EVENTS, open_log
from tests.review.offices import ASTRAL, PLAIN, SUGGESTED, Client, Place, at, place, write_work

MARSH, ELLIS, MARSH_AGAIN, ELLIS_AGAIN = SUGGESTED["plain"][1]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Place]:
    """A server with nothing done yet."""
    with place(write_work(tmp_path / "work")) as one:
        yield one


@pytest.fixture
def ana(office: Place) -> Client:
    """Somebody at work."""
    return office.client("ana")


def row(span: Span) -> list[Any]:
    """Write a span as pages do."""
    return [span.start, span.end, span.label]


def accept(*spans: Span, seen: list[Any] | None = None) -> dict[str, Any]:
    """Wish that spans hold."""
    wish = {"verb": "accept", "document": "plain", "spans": [row(one) for one in spans]}
    return wish if seen is None else {**wish, "seen": seen}


def held(client: Client, document: str = "plain") -> Any:
    """Give what somebody holds."""
    return client.get(f"/api/spans?document={document}").json


def test_the_desk_says_what_there_is(ana: Client) -> None:
    desk = ana.get("/api/desk").json
    assert desk["annotator"] == "ana"
    assert desk["labels"][0][0] == "PER"
    assert desk["suggester"] == "model@1"
    assert desk["keys"]["a"] == "accept"
    assert [(one["id"], one["characters"], one["suggestions"]) for one in desk["documents"]] == [
        ("plain", len(PLAIN), 4),
        ("astral", len(ASTRAL), 2),
    ]
    assert desk["last"] is None


@pytest.mark.parametrize("name", ["plain", "astral"])
def test_a_text_comes_as_it_is(ana: Client, name: str) -> None:
    answer = ana.get(f"/api/text?document={name}")
    assert answer.body == SUGGESTED[name][0].encode()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    again = ana.get(f"/api/text?document={name}", if_none_match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_long_text_comes_packed(tmp_path: Path) -> None:
    text = "\ufeff Ana \U0001f600 e\u0301\r\n" * 1000
    with place(write_work(tmp_path, {"long": (text, ())})) as office:
        answer = office.client("ana").get("/api/text?document=long", accept_encoding="gzip")
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(answer.body).decode() == text


def test_suggestions_are_columns_and_marks_are_rows(ana: Client) -> None:
    ana.wish(accept(MARSH), {"verb": "note", "document": "plain", "span": row(ELLIS), "text": "?"})
    assert held(ana) == {
        "suggestions": {
            "labels": ["LOC", "ORG", "PER"],
            "steps": [0, 18, 12, 19],
            "lengths": [9, 10, 9, 10],
            "label": [2, 0, 2, 1],
            "confidence": [930, 800, 500, -1],
            "fragments": {},
        },
        "act": 2,
        "marks": [
            [row(MARSH), {"status": "accepted"}],
            [row(ELLIS), {"status": "accepted", "note": "?"}],
        ],
        "coverage": [],
        "undo": True,
        "redo": False,
    }


def test_spans_of_a_range_alone(ana: Client) -> None:
    found = ana.get("/api/spans?document=plain&start=20&end=31").json["suggestions"]
    assert (found["steps"], found["lengths"]) == ([18, 12], [10, 9])


def test_parts_of_a_span_come_along(tmp_path: Path) -> None:
    parts = Span(start=0, end=9, label="PER", fragments=((0, 3), (4, 9)))
    with place(write_work(tmp_path, {"plain": (PLAIN, (parts,))})) as office:
        ana = office.client("ana")
        assert held(ana)["suggestions"]["fragments"] == {"0": [[0, 3], [4, 9]]}
        wish = {"verb": "accept", "document": "plain", "spans": [[0, 9, "PER", [[0, 3], [4, 9]]]]}
        (answer,) = ana.wish(wish).json["answers"]
        assert answer["marks"] == [[[0, 9, "PER", [[0, 3], [4, 9]]], {"status": "accepted"}]]


def test_a_wish_is_on_disk_before_it_is_answered(office: Place, ana: Client) -> None:
    answer = ana.wish(accept(MARSH), accept(ELLIS))
    assert answer.status == 200
    assert [one["outcome"] for one in answer.json["answers"]] == ["saved", "saved"]
    assert [one["act"] for one in answer.json["answers"]] == [1, 2]
    acts = open_log(office.office.folder).state.acts
    assert [(one.act, one.annotator, one.origin) for one in acts] == [
        ("accept", "ana", f"web/{'a' * 24}/1"),
        ("accept", "ana", f"web/{'a' * 24}/2"),
    ]


def test_a_wish_that_is_sent_again_is_not_saved_again(office: Place, ana: Client) -> None:
    first = ana.wish(accept(MARSH), {"verb": "undo"}).json["answers"]
    again = ana.wish(accept(MARSH), {"verb": "undo"}).json["answers"]
    assert [one["act"] for one in again] == [one["act"] for one in first] == [1, 2]
    assert len(open_log(office.office.folder).state.acts) == 2


def test_what_another_window_changed_is_said_and_not_put_over(office: Place, ana: Client) -> None:
    ana.wish({"verb": "reject", "document": "plain", "spans": [row(MARSH)]})
    answer = ana.wish(accept(MARSH, seen=[[row(MARSH), None]]), accept(ELLIS), page="b" * 24)
    assert answer.status == 409
    refused, saved = answer.json["answers"]
    assert refused == {
        "number": 1,
        "outcome": "refused",
        "documents": ["plain"],
        "found": [{"span": row(MARSH), "mark": {"status": "rejected"}}],
    }
    assert saved["outcome"] == "saved"
    marks = {tuple(span): mark["status"] for span, mark in held(ana)["marks"]}
    assert marks == {tuple(row(MARSH)): "rejected", tuple(row(ELLIS)): "accepted"}


def test_a_wish_that_changes_nothing_is_no_act(office: Place, ana: Client) -> None:
    ana.wish(accept(MARSH))
    answers = ana.wish(accept(MARSH), {"verb": "redo"}, start=5).json["answers"]
    assert [one["outcome"] for one in answers] == ["nothing", "nothing"]
    assert len(open_log(office.office.folder).state.acts) == 1


def test_every_verb_does_what_it_says(ana: Client) -> None:
    town = at(PLAIN, "town", "LOC")
    answers = ana.wish(
        accept(MARSH),
        {"verb": "border", "document": "plain", "span": row(MARSH), "start": 4, "end": 9,
         "seen": [[row(MARSH), {"status": "accepted"}], [[4, 9, "PER"], None]]},
        {"verb": "relabel", "document": "plain", "span": row(ELLIS_AGAIN), "label": "LOC"},
        {"verb": "reject", "document": "plain", "spans": [row(MARSH_AGAIN)]},
        {"verb": "add", "document": "plain", "span": row(town)},
        {"verb": "unsure", "document": "plain", "span": row(town), "is_so": True},
        {"verb": "note", "document": "plain", "span": row(town), "text": "really?"},
        {"verb": "finish", "document": "plain", "start": 0, "end": 40, "rest": "accept"},
        {"verb": "reopen", "document": "plain", "start": 30, "end": 40},
        {"verb": "reset", "document": "plain", "spans": [row(MARSH_AGAIN)]},
        {"verb": "label_all", "documents": None, "words": "Ana", "label": "PER"},
        {"verb": "undo"},
    ).json["answers"]  # fmt: skip
    assert {one["outcome"] for one in answers} == {"saved"}, answers
    now = held(ana)
    assert now["coverage"] == [[0, 30]]
    assert {(tuple(span), mark["status"]) for span, mark in now["marks"]} == {
        (tuple(row(MARSH)), "rejected"),
        ((4, 9, "PER"), "accepted"),
        (tuple(row(ELLIS)), "accepted"),
        (tuple(row(ELLIS_AGAIN)), "rejected"),
        ((49, 59, "LOC"), "accepted"),
        (tuple(row(town)), "added"),
    }
    assert answers[-2]["elsewhere"] == ["astral"]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"verb": "fly"}, "verb: is 'fly'; expected one of accept, reject, reset, add, relabel, "
         "border, note, unsure, finish, reopen, label_all, settle, undo, redo."),
        ({"verb": "accept", "document": "plain"}, "accept: spans is missing; expected it."),
        ({"verb": "accept", "document": "plain", "spans": 3}, "spans: is 3; expected a list."),
        ({"verb": "add", "document": "plain", "span": [0, 999, "PER"]},
         "plain[0:999]: ends past the text; expected at most 80."),
        ({"verb": "add", "document": "plain", "span": [0, 3, "DOG"]},
         "plain[0:3]: label 'DOG'; expected one of PER, ORG, LOC, MISC."),
        ({"verb": "add", "document": "plain", "span": [0, "3", "PER"]},
         "span: end of a span is '3'; expected a whole number."),
        ({"verb": "finish", "document": "plain", "start": 0, "end": 5, "rest": "burn"},
         "rest is 'burn'; expected accept, reject or leave."),
        ({"verb": "note", "document": "plain", "span": [0, 9, "PER"], "text": "x" * 10_001},
         "text: expected a string of at most 10,000 characters."),
        ({"verb": "note", "document": "plain", "span": [0, 9, "PER"], "text": "\ud800"},
         "text: has a lone surrogate; expected Unicode text."),
        ({"verb": "unsure", "document": "plain", "span": [0, 9, "PER"], "is_so": 1},
         "is_so: is 1; expected true or false."),
        ({"verb": "accept", "document": "plain", "spans": [], "seen": [1]},
         "seen: is [1]; expected a list of spans with what is held of each."),
        ({"verb": "label_all", "documents": 3, "words": "Ana", "label": None},
         "documents: is 3; expected a list of ids, or null for all."),
        ({"verb": "settle", "document": "plain", "start": 0, "end": 9, "spans": []},
         "verb: ana may not settle; expected an adjudicator."),
    ],
)  # fmt: skip
def test_a_wrong_wish_is_refused_in_words(
    ana: Client, office: Place, wish: dict[str, Any], message: str
) -> None:
    answer = ana.wish(wish, accept(MARSH))
    assert answer.status == 400
    wrong, saved = answer.json["answers"]
    assert wrong == {"number": 1, "outcome": "wrong", "wrong": message}
    assert saved["outcome"] == "saved"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "body: is list; expected an object."),
        ({"page": "x"}, "page: is 'x'; expected a name of 8 to 64 letters and digits."),
        ({"page": "a" * 24, "wishes": 3}, "wishes: expected a list of at most 1,000."),
        ({"page": "a" * 24, "wishes": [{}]},
         "wishes: one is {}; expected objects with number and verb."),
        ({"page": "a" * 24, "wishes": [], "document": "no"}, "'no': no such document; expected "),
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused_in_words(ana: Client, body: object, message: str) -> None:
    answer = ana.post("/api/wishes", body)
    assert answer.status == 400
    assert answer.json["wrong"].startswith(message)
    broken = ana.ask("POST", "/api/wishes", b"{", {})
    assert broken.json == {"wrong": "body: is not JSON; expected an object."}


def test_the_origin_of_another_gives_nothing_away(office: Place, ana: Client) -> None:
    ana.wish(accept(MARSH))
    (answer,) = office.client("ben").wish(accept(ELLIS)).json["answers"]
    assert answer == {
        "number": 1,
        "outcome": "wrong",
        "wrong": f"origin 'web/{'a' * 24}/1': is another's; expected one's own.",
    }


def test_nobody_sees_anothers_work(office: Place, ana: Client) -> None:
    ana.wish(accept(MARSH), {"verb": "finish", "document": "plain", "start": 0, "end": 9,
                             "rest": "leave"})  # fmt: skip
    for name in ("ben", "cora"):
        other = office.client(name)
        seen = [
            other.get(path)
            for path in (
                "/api/desk",
                "/api/spans?document=plain",
                "/api/changes?after=0&document=plain",
                "/api/progress",
                "/api/others?document=plain&start=0&end=80",
            )
        ]
        assert all(b"ana" not in one.body and b"accepted" not in one.body for one in seen)
        assert held(other)["marks"] == []
        assert seen[1].json["coverage"] == []
        assert seen[-1].status == 403
        assert list(seen[3].json["people"]) == [name]
    owner = office.client("dan")
    assert list(owner.get("/api/progress").json["people"]) == ["ana", "dan"]
    others = owner.get("/api/others?document=plain&start=0&end=9").json["others"]
    assert others == [
        {"annotator": "ana", "read": True, "marks": [[row(MARSH), {"status": "accepted"}]]}
    ]


def test_where_it_is_allowed_everybody_sees_what_others_hold(tmp_path: Path) -> None:
    with place(write_work(tmp_path), show_others=True) as office:
        office.client("ana").wish(accept(MARSH))
        others = office.client("ben").get("/api/others?document=plain&start=0&end=9").json
        assert [one["annotator"] for one in others["others"]] == ["ana"]


def test_undo_takes_back_ones_own_alone(office: Place, ana: Client) -> None:
    ana.wish(accept(MARSH))
    office.client("ben").wish(accept(ELLIS), page="b" * 24)
    (answer,) = ana.wish({"verb": "undo"}, start=2).json["answers"]
    assert answer["marks"] == [[row(MARSH), None]]
    assert answer["place"] == ["plain", 0, 9]
    assert len(held(office.client("ben"))["marks"]) == 1
    (nothing,) = ana.wish({"verb": "undo"}, start=3).json["answers"]
    assert nothing["outcome"] == "nothing"


def test_another_window_hears_of_it(tmp_path: Path) -> None:
    with place(write_work(tmp_path), wait=30) as office:
        ana = office.client("ana")
        found: list[Any] = []
        waiting = threading.Thread(
            target=lambda: found.append(ana.get("/api/changes?after=0&document=plain").json)
        )
        waiting.start()
        office.client("ben").wish(accept(ELLIS), page="b" * 24)
        ana.wish(accept(MARSH))
        waiting.join(10)
        assert found == [
            {"act": 2, "undo": True, "redo": False, "marks": [[row(MARSH), {"status": "accepted"}]]}
        ]


def test_another_process_is_heard_of(tmp_path: Path) -> None:
    with place(write_work(tmp_path), wait=30) as office:
        change = MarkChange(
            document_id="plain", span=Span(start=0, end=3, label="PER"), was=None,
            now=Mark(status="added"),
        )  # fmt: skip
        texts = {"plain": office.office.desk.papers["plain"].document.text_sha256}
        act = Act(annotator="ana", act="add", texts=texts, marks=(change,), origin="terminal/1")
        open_log(office.office.folder).commit([act])
        news = office.client("ana").get("/api/changes?after=0&document=plain").json
        assert news["marks"] == [[[0, 3, "PER"], {"status": "added"}]]


def test_changes_of_a_log_that_is_another_are_refused(ana: Client) -> None:
    answer = ana.get("/api/changes?after=7&document=plain")
    assert (answer.status, answer.json) == (
        400, {"wrong": "after: is 7; expected at most 0, the last act."},
    )  # fmt: skip


def test_one_comes_back_to_where_one_was(ana: Client, office: Place) -> None:
    ana.wish({"verb": "finish", "document": "plain", "start": 0, "end": 9, "rest": "leave"})
    assert ana.get("/api/desk").json["last"] == ["plain", 9]
    assert ana.post("/api/place", {"document": "astral", "at": 4}).status == 200
    assert ana.get("/api/desk").json["last"] == ["astral", 4]
    assert office.client("ben").get("/api/desk").json["last"] is None
    answer = ana.post("/api/place", {"document": "astral", "at": -1})
    assert answer.json == {"wrong": "place: expected a document and a character of it."}


def test_search_is_deaf_to_case_and_counts_code_points(ana: Client) -> None:
    assert ana.get("/api/search?words=oslo&document=astral").json == {
        "count": 1,
        "places": [[ASTRAL.index("Oslo"), ASTRAL.index("Oslo") + 4]],
    }
    assert ana.get("/api/search?words=ana").json == {
        "count": 5,
        "documents": [["plain", 3], ["astral", 2]],
    }
    assert ana.get("/api/search?words=An&whole=true").json["count"] == 0
    assert ana.get("/api/search?words=(").json["count"] == 0
    assert ana.get("/api/search?words=%20").json == {
        "wrong": "words: ' '; expected some, at most 1,000 characters."
    }


def test_a_preview_counts_and_changes_nothing(office: Place, ana: Client) -> None:
    wish = {"words": "Ana Marsh", "label": "ORG", "documents": None}
    assert ana.post("/api/preview", wish).json == {"occurrences": 2, "spans": 2, "documents": 1}
    assert ana.post("/api/preview", {**wish, "label": None}).json["spans"] == 2
    assert ana.post("/api/preview", {"words": "Ana"}).json == {
        "wrong": "preview: documents is missing; expected it."
    }
    assert (office.office.folder / EVENTS).read_bytes() == b""


def test_tokens_are_those_of_the_whole_text(ana: Client) -> None:
    def tokens(start: int, end: int) -> list[str]:
        answer = ana.get(f"/api/tokens?document=plain&start={start}&end={end}").json
        found, place = [], answer["start"]
        flat = answer["tokens"]
        for step, length in zip(flat[::2], flat[1::2], strict=True):
            place += step
            found.append(PLAIN[place : place + length])
        return found

    assert tokens(0, 29) == ["Ana", "Marsh", "went", "to", "Port", "Ellis", "."]
    assert tokens(6, 7) == ["Marsh"]
    assert tokens(-5, 10_000)[-3:] == ["Ana", "left", "."]


def test_a_word_without_end_is_cut(tmp_path: Path) -> None:
    text = "Ana " + "\U0001f600" * 5000 + " left"
    with place(write_work(tmp_path, {"long": (text, ())})) as office:
        answer = office.client("ana").get("/api/tokens?document=long&start=0&end=9999").json
    assert answer["tokens"] == [0, 3, 4, 1, *[1, 1] * 4999, 2, 4]


def test_the_guide_comes_as_a_tree(ana: Client) -> None:
    answer = ana.get("/api/guide").json
    assert answer["guide"] == "gonerd@1"
    assert json.dumps(answer["tree"]).count('["h2"') > 3
