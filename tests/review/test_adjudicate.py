"""Tests that disputes are asked in order and once, without names, and that rulings reach gold."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import RecordError, TextMismatch
from gonerd.files import load_annotations, load_disputes
from gonerd.reconcile.decide import reconcile_document
from gonerd.reconcile.reading import by_vote
from gonerd.records import Annotation, Claim, Dispute, Span, annotation_to_json, document_to_json
from gonerd.review.acts import Act
from gonerd.review.adjudicate import Docket, alike, case, rule, write_rulings
from gonerd.review.alike import Words, moved
from gonerd.review.derive import rulings
from gonerd.review.desk import Desk, open_desk
from gonerd.review.log import open_log
from gonerd.review.snippets import snippet
from gonerd.review.state import Place, State, apply, conflicts, undo
from gonerd.review.verbs import Hand
from gonerd.rulings import ruled_range
from gonerd.spans import merge_ranges, overlap
from tests.conftest import run_gonerd
from tests.processes import run_python
from tests.review.small_desk import desk as small_desk
from tests.review.small_desk import document
from tests.strategies import HOSTILE_TEXTS

LABELS = ("PER", "ORG", "LOC", "MISC")
TEXTS = {"a": "Lund met Bo  Ek. Lund left.", "b": "Then Bo Ek saw Lund and lund. Bo\nEk slept."}


def dispute(
    name: str, start: int, end: int, *readings: Sequence[Span], certainty: float = 0.5,
    texts: dict[str, str] = TEXTS,
) -> Dispute:  # fmt: skip
    """Make a dispute; the annotators are w0, w1, and so on."""
    return Dispute(
        document_id=name,
        text_sha256=document(name, texts[name]).text_sha256,
        start=start,
        end=end,
        claims=tuple(
            Claim(annotator=f"w{number}", spans=tuple(spans))
            for number, spans in enumerate(readings)
        ),
        certainty=certainty,
    )


def span(start: int, end: int, label: str = "PER") -> Span:
    """Make a span."""
    return Span(start=start, end=end, label=label)


def docket(*disputes: Dispute, texts: dict[str, str] = TEXTS, seed: int = 0) -> Docket:
    """Lay disputes on a desk."""
    return Docket(desk=replace(small_desk(texts, {}), disputes=disputes), seed=seed)


def hand(of: Docket, state: State, who: str = "eva") -> Hand:
    """Let somebody act."""
    return Hand(desk=of.desk, state=state, annotator=who)


def save(state: State, act: Act) -> Act:
    """Save an act that fits."""
    assert not conflicts(state, act)
    saved = replace(act, number=len(state.acts) + 1, at="2026-01-01T00:00:00.000+00:00")
    apply(state, saved)
    return saved


def places(disputes: Sequence[Dispute]) -> list[Place]:
    """List where disputes are."""
    return [(one.document_id, one.start, one.end) for one in disputes]


LUNDS = (
    dispute("a", 0, 4, [span(0, 4, "LOC")], [span(0, 4)], [span(0, 4)], certainty=0.7),
    dispute("b", 15, 19, [span(15, 19, "LOC")], [], certainty=0.6),
    dispute("a", 17, 21, [span(17, 21, "LOC")], [span(17, 21, "ORG")], certainty=0.9),
)
EKS = (
    dispute("a", 9, 15, [span(9, 15)], [span(9, 11)], certainty=0.7),
    dispute("b", 5, 10, [span(5, 10)], [], certainty=0.8),
    dispute("b", 30, 35, [span(30, 35)], [span(33, 35)], certainty=0.9),
)


def test_whose_settling_would_change_most_comes_first() -> None:
    found = docket(*EKS, *LUNDS).open(State())
    assert places(found) == [
        ("b", 15, 19), ("a", 0, 4), ("a", 17, 21), ("a", 9, 15), ("b", 5, 10), ("b", 30, 35),
    ]  # fmt: skip
    assert [one.impact for one in found] == [0.8, 0.8, 0.8, 0.6, 0.6, 0.6]


def test_choices_are_readings_with_how_many_hold_each_and_no_entity_is_always_one() -> None:
    asked = case(docket(*LUNDS), State(), LUNDS[0])
    assert [(one.spans, len(one.voters), one.names) for one in asked.choices] == [
        ((span(0, 4),), 2, ()), ((span(0, 4, "LOC"),), 1, ()), ((), 0, ()),
    ]  # fmt: skip
    assert sorted(number for one in asked.choices for number in one.voters) == [1, 2, 3]
    assert asked.alike == 2


def test_voters_have_names_only_when_asked_and_then_the_right_ones() -> None:
    asked = case(docket(*LUNDS), State(), LUNDS[0], names=True)
    names = {one.spans: set(one.names) for one in asked.choices}
    assert names == {(span(0, 4),): {"w1", "w2"}, (span(0, 4, "LOC"),): {"w0"}, (): set()}


def test_a_voters_number_says_nothing_about_the_next_dispute() -> None:
    text = "Lund. " * 60
    disputes = [
        dispute("a", at, at + 4, [span(at, at + 4)], [], texts={"a": text})
        for at in range(0, len(text), 6)
    ]
    one, other = (docket(*disputes, texts={"a": text}, seed=seed) for seed in (0, 1))

    def numbers(of: Docket) -> list[int]:
        return [case(of, State(), each).choices[0].voters[0] for each in disputes]

    assert 15 < numbers(one).count(1) < 45
    assert numbers(one) == numbers(one) != numbers(other)


def test_what_a_method_settled_for_now_is_asked_and_is_a_choice() -> None:
    for_now = replace(LUNDS[1], settled_by="sequence", settlement=(span(15, 19, "ORG"),))
    here = docket(for_now)
    assert places(here.open(State())) == [("b", 15, 19)]
    spans = [one.spans for one in case(here, State(), for_now).choices]
    assert set(spans) == {(span(15, 19, "LOC"),), (), (span(15, 19, "ORG"),)}


def test_what_a_person_settled_before_is_not_asked() -> None:
    ruled = replace(LUNDS[1], settled_by="eva", settlement=())
    assert places(docket(ruled, LUNDS[0]).open(State())) == [("a", 0, 4)]


def test_a_ruling_is_not_asked_again_and_is_asked_when_taken_back() -> None:
    here, state = docket(*LUNDS), State()
    save(state, rule(here, hand(here, state), ("b", 15, 19), []))
    assert places(here.open(state)) == [("a", 0, 4), ("a", 17, 21)]
    back = undo(state, "eva")
    assert back is not None
    save(state, back)
    assert len(here.open(state)) == 3
    save(state, rule(here, hand(here, state), ("b", 15, 19), [span(15, 19)]))
    opened = rule(here, hand(here, state), ("b", 15, 19), None, was=[span(15, 19)])
    save(state, opened)
    assert len(here.open(state)) == 3


@pytest.mark.parametrize(
    ("start", "end"), [(9, 15), (9, 11), (13, 15), (10, 14)], ids=lambda value: str(value)
)
def test_a_ruling_holds_for_disputes_within_it(start: int, end: int) -> None:
    state, before = State(), docket(EKS[0])
    save(state, rule(before, hand(before, state), ("a", 9, 15), [span(9, 15)]))
    again = dispute("a", start, end, [span(start, end)], [])
    assert docket(again).open(state) == []


def test_what_is_disputed_beyond_a_ruling_is_still_asked_among_those_with_a_say() -> None:
    state, before = State(), docket(LUNDS[0])
    save(state, rule(before, hand(before, state), ("a", 0, 4), [span(0, 4)]))
    wide = dispute("a", 0, 15, [span(0, 15)], [span(9, 15)], [span(9, 15, "ORG")], [span(0, 4)])
    (left,) = docket(wide).open(state)
    assert (left.start, left.end) == (9, 15)
    assert left.claims == (
        Claim(annotator="w1", spans=(span(9, 15),)),
        Claim(annotator="w2", spans=(span(9, 15, "ORG"),)),
        Claim(annotator="w3", spans=()),
    )
    agreed = dispute("a", 0, 15, [span(0, 15)], [span(9, 15)], [span(0, 9), span(9, 15)])
    assert docket(agreed).open(state) == []


def test_a_ruling_on_another_text_is_none_on_this() -> None:
    state, before = State(), docket(LUNDS[0])
    save(state, rule(before, hand(before, state), ("a", 0, 4), []))
    changed = {**TEXTS, "a": TEXTS["a"] + " Bo."}
    now = dispute("a", 0, 4, [span(0, 4)], [], texts=changed)
    assert places(docket(now, texts=changed).open(state)) == [("a", 0, 4)]


def test_all_alike_are_ruled_in_one_act_and_taken_back_in_one() -> None:
    here, state = docket(*EKS, *LUNDS), State()
    act = rule(here, hand(here, state), ("a", 9, 15), [span(9, 15, "ORG")], all_alike=True)
    assert act.act == "settle all"
    assert {(one.document_id, one.start, one.end, one.now) for one in act.rulings} == {
        ("a", 9, 15, (span(9, 15, "ORG"),)),
        ("b", 5, 10, (span(5, 10, "ORG"),)),
        ("b", 30, 35, (span(30, 35, "ORG"),)),
    }
    save(state, act)
    assert len(here.open(state)) == 3
    back = undo(state, "eva")
    assert back is not None
    save(state, back)
    assert len(here.open(state)) == 6


def test_spans_go_with_the_words_not_with_the_characters() -> None:
    here, state = docket(*EKS), State()
    act = rule(here, hand(here, state), ("b", 30, 35), [span(33, 35, "PER")], all_alike=True)
    now = {one.document_id + str(one.start): one.now for one in act.rulings}
    assert now == {"b30": (span(33, 35),), "a9": (span(13, 15),), "b5": (span(8, 10),)}


def test_a_span_that_reaches_beyond_goes_only_where_the_same_stands_there() -> None:
    here, state = docket(*EKS), State()
    act = rule(here, hand(here, state), ("b", 30, 35), [span(30, 41)], all_alike=True)
    assert [(one.document_id, one.start) for one in act.rulings] == [("b", 30)]


def test_words_in_other_letters_are_not_alike() -> None:
    lower = dispute("b", 24, 28, [span(24, 28)], [])
    assert alike(docket(*LUNDS, lower), State(), lower) == []


def test_how_the_same_words_were_ruled_is_shown_as_a_choice() -> None:
    here, state = docket(*LUNDS), State()
    save(state, rule(here, hand(here, state), ("a", 0, 4), [span(0, 4, "MISC")]))
    choices = case(here, state, LUNDS[1]).choices
    assert {one.spans: one.ruled for one in choices} == {
        (span(15, 19, "LOC"),): 0, (): 0, (span(15, 19, "MISC"),): 1,
    }  # fmt: skip


def test_two_who_rule_at_once_do_not_overwrite_each_other() -> None:
    here, state = docket(*LUNDS), State()
    acts = [
        rule(here, hand(here, state, who), ("a", 0, 4), spans)
        for who, spans in (("eva", [span(0, 4)]), ("guy", []))
    ]
    save(state, acts[0])
    (against,) = conflicts(state, acts[1])
    assert against.found == (span(0, 4),)


@pytest.mark.parametrize(
    ("place", "spans", "message"),
    [
        (("a", 1, 4), [], "a[1:4]: no such dispute; expected an open one."),
        (
            ("a", 17, 21), [span(17, 99)],
            "a[17:99]: ends past the text; expected at most 27.",
        ),
        (
            ("a", 17, 21), [span(9, 15)],
            "a[9:15]: lies outside of the dispute [17:21]; expected a span that shares a "
            "character with it.",
        ),
        (
            ("a", 17, 21), [span(17, 21, "FOOD")],
            "a[17:21]: label 'FOOD'; expected one of PER, ORG, LOC, MISC.",
        ),
        (
            ("a", 17, 21), [span(2, 21)],
            "a[17:21]: a ruling that reaches into another; expected one that ends before it.",
        ),
    ],
)  # fmt: skip
def test_a_ruling_that_cannot_be_is_refused(place: Place, spans: list[Span], message: str) -> None:
    here, state = docket(*LUNDS), State()
    save(state, rule(here, hand(here, state), ("a", 0, 4), []))
    with pytest.raises(RecordError) as error:
        rule(here, hand(here, state), place, spans)
    assert str(error.value) == message


def test_disputes_over_another_text_are_refused() -> None:
    with pytest.raises(TextMismatch) as error:
        docket(replace(LUNDS[0], text_sha256="1" * 64))
    now = document("a", TEXTS["a"]).text_sha256[:8]
    assert str(error.value) == (
        f"a[0:4]: a dispute over another text (sha256 11111111..., now {now}...); expected the "
        "same text.\nRun the step `reconcile` again."
    )


def test_disputes_past_the_text_are_refused() -> None:
    with pytest.raises(RecordError) as error:
        docket(dispute("a", 20, 40, [], [span(20, 40)]))
    assert str(error.value) == (
        "a[20:40]: a dispute that reaches to 40, past the text; expected at most 27."
    )


# Snippets.


def test_a_snippet_is_cut_between_sentences_or_else_between_words() -> None:
    text = "One two. Three four? Five six seven eight nine. Ten."
    assert snippet(text, 26, 29, 12).text == "Five six seven eight"
    assert snippet(text, 26, 29, 20).text == "Three four? Five six seven eight nine."
    assert snippet(text, 26, 29, 500).text == text
    assert snippet("a" * 50, 20, 22, 5).text == "a" * 12


@given(st.sampled_from(list(HOSTILE_TEXTS.values())) | st.text(), st.data())
def test_a_snippet_holds_its_place_and_keeps_offsets(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    around = data.draw(st.integers(0, 20))
    found = snippet(text, start, end, around)
    assert found.text == text[found.start : found.end]
    assert start - around <= found.start <= start <= end <= found.end <= end + around


# Properties.

word = st.sampled_from(["Bo", "Ek", "Lund", "lund", "Bo"])
blank = st.sampled_from([" ", "  ", "\n"])


@st.composite
def drawn_texts(draw: st.DrawFn) -> str:
    """Draw a text of few words."""
    return "".join(draw(st.lists(st.builds(str.__add__, word, blank), min_size=3, max_size=12)))


@st.composite
def corpora(draw: st.DrawFn) -> tuple[dict[str, str], list[Annotation]]:
    """Draw texts, and what three annotators say of them."""
    texts = {name: draw(drawn_texts()) for name in "ab"}
    said = []
    for name, text in texts.items():
        for who in ("w0", "w1", "w2"):
            spans: list[Span] = []
            for _ in range(draw(st.integers(0, 4))):
                start = draw(st.integers(0, len(text) - 2))
                end = draw(st.integers(start + 1, min(len(text), start + 8)))
                one = span(start, end, draw(st.sampled_from(LABELS)))
                if not any(overlap(one, other) for other in spans):
                    spans.append(one)
            said.append(
                Annotation(
                    document_id=name,
                    text_sha256=document(name, text).text_sha256,
                    annotator=who,
                    guide="gonerd@1",
                    coverage=((0, len(text)),),
                    spans=tuple(spans),
                )
            )
    return texts, said


def reconciled(
    said: Sequence[Annotation], name: str, settled: Sequence[Dispute] = ()
) -> tuple[list[Dispute], tuple[Span, ...]]:
    """Reconcile a document by vote: what is not agreed by all is a dispute; and gold."""
    here = [one for one in said if one.document_id == name]
    found = reconcile_document(
        name, here[0].text_sha256, here, guide="gonerd@1", method="vote",
        settle=by_vote(LABELS, 0.99), agreement=0.99, open_disputes="settle", settled=settled,
    )  # fmt: skip
    return list(found.disputes), found.gold.spans


def settled_of(state: State, name: str) -> list[Dispute]:
    """List the rulings on a document."""
    return [one for one in rulings(state) if one.document_id == name]


@given(corpora(), st.data())
def test_whoever_settles_all_that_is_asked_leaves_nothing_open_and_is_followed(
    corpus: tuple[dict[str, str], list[Annotation]], data: st.DataObject
) -> None:
    texts, said = corpus
    disputes = [one for name in texts for one in reconciled(said, name)[0]]
    here, state, asked = docket(*disputes, texts=texts), State(), 0
    while here.open(state):
        first = here.open(state)[0]
        choice = data.draw(st.sampled_from(case(here, state, first).choices))
        act = rule(
            here, hand(here, state), (first.document_id, first.start, first.end), choice.spans,
            all_alike=data.draw(st.booleans()),
        )  # fmt: skip
        save(state, act)
        asked += 1
    assert asked <= len(disputes)
    for name in texts:
        ruled = settled_of(state, name)
        assert len(merge_ranges(map(ruled_range, ruled))) <= len(ruled)
        still, gold = reconciled(said, name, ruled)
        assert still == []
        for one in ruled:
            assert set(one.settlement) <= set(gold)
            for each in gold:
                inside = each.start < ruled_range(one)[1] and ruled_range(one)[0] < each.end
                assert not inside or each in one.settlement


@given(corpora(), st.data())
def test_what_reconciling_with_rulings_still_disputes_is_what_is_asked(
    corpus: tuple[dict[str, str], list[Annotation]], data: st.DataObject
) -> None:
    texts, said = corpus
    disputes = [one for name in texts for one in reconciled(said, name)[0]]
    here, state = docket(*disputes, texts=texts), State()
    if not disputes:
        return
    first = data.draw(st.sampled_from(here.open(state)))
    save(
        state,
        rule(here, hand(here, state), (first.document_id, first.start, first.end), []),
    )
    # Others have said more in the meantime: disputes have other bounds by now.
    more = data.draw(corpora())[1]
    later = [
        replace(one, annotator=f"x{number}", spans=tuple(
            each for each in other.spans if each.end <= len(texts[one.document_id])
        ))
        for number, (one, other) in enumerate(zip(said, more, strict=True))
    ]  # fmt: skip
    everything = [*said, *later]
    anew = [one for name in texts for one in reconciled(everything, name)[0]]
    asked = docket(*anew, texts=texts).open(state)
    expected = [
        one for name in texts for one in reconciled(everything, name, settled_of(state, name))[0]
    ]
    assert sorted(places(asked)) == sorted(places(expected))
    key = {(one.document_id, one.start): one for one in asked}
    for one in expected:
        claims = key[one.document_id, one.start].claims
        assert {(each.annotator, each.spans) for each in claims} == {
            (each.annotator, each.spans) for each in one.claims
        }


@given(drawn_texts(), drawn_texts(), st.data())
def test_spans_moved_there_and_back_are_the_same(
    text: str, other: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["Bo Ek", "Lund  Bo\nEk", "Ek"]))
    again = "  ".join(name.split())
    first = Words(text=f"{text}{name} end", start=len(text), end=len(text + name))
    second = Words(text=f"{other}{again} end", start=len(other), end=len(other + again))
    start = data.draw(st.integers(first.start, first.end - 1))
    one = span(start, data.draw(st.integers(start + 1, first.end)))
    there = moved([one], first, second)
    if there is None:
        assert first.text[one.start].isspace() or first.text[one.end - 1].isspace()
        return
    assert moved(there, second, first) == (one,)
    (found,) = there
    assert second.text[found.start : found.end].split() == first.text[one.start : one.end].split()


# With real processes.

JUDGE = """
import sys
from pathlib import Path
from gonerd.review.adjudicate import Docket, case, rule
from gonerd.review.desk import open_desk
from gonerd.review.log import open_log
from gonerd.review.verbs import Hand
work = Path(sys.argv[1])
docket, log = Docket(desk=open_desk(work)), open_log(work / "review")
for _ in range(int(sys.argv[2])):
    first = docket.open(log.state)[0]
    hand = Hand(desk=docket.desk, state=log.state, annotator="eva")
    place = (first.document_id, first.start, first.end)
    chosen = case(docket, log.state, first).choices[-1].spans
    (saved,) = log.commit([rule(docket, hand, place, chosen, all_alike=True)])
    for one in saved.rulings:
        print(one.document_id, one.start, one.end, len(one.now))
print(len(docket.open(log.state)))
"""


def ask(work: Path, count: int) -> list[list[str]]:
    """Let somebody settle disputes in a process of its own; what they ruled, and what is left."""
    return [line.split() for line in run_python(JUDGE, work, count).splitlines()]


def write_folder(folder: Path) -> list[str]:
    """Write documents and what two annotators say of them."""
    texts = {"a": "Ann met Lee. Ann left Lund.", "b": "Lund has a Lee. Ann saw Lund."}
    said = {
        "ana": {"a": [(0, 3), (8, 11), (13, 16), (22, 26)], "b": [(0, 4), (16, 19), (24, 28)]},
        "ben": {"a": [(0, 3), (13, 16), (13, 26)], "b": [(11, 14), (24, 28)]},
    }
    folder.mkdir()
    documents = [document(name, text) for name, text in texts.items()]
    lines = "".join(json.dumps(document_to_json(one)) + "\n" for one in documents)
    (folder / "documents.jsonl").write_text(lines)
    for who, marked in said.items():
        rows = [
            annotation_to_json(
                Annotation(
                    document_id=one.id,
                    text_sha256=one.text_sha256,
                    annotator=who,
                    guide="gonerd@1",
                    coverage=((0, len(one.text)),),
                    spans=tuple(span(*place) for place in marked[one.id]),
                )
            )
            for one in documents
        ]
        (folder / f"{who}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [f"{who}.jsonl" for who in said]


def test_what_is_ruled_on_files_is_gold_and_not_asked_again(tmp_path: Path) -> None:
    work = tmp_path / "w"
    command = [
        "reconcile", *write_folder(work), "--documents", "documents.jsonl", "--out", "gold.jsonl",
        "--disputes", "disputes.jsonl",
    ]  # fmt: skip
    first = run_gonerd(*command, cwd=work)
    assert first.returncode == 0, first.stderr
    disputes = load_disputes(work / "disputes.jsonl")
    assert len(disputes) == 5
    *ruled, left = ask(work, 2)
    count, losses = write_rulings(work, work / "settled.jsonl")
    assert (count, losses) == (len(ruled), [])
    again = run_gonerd(*command, "--settled", "settled.jsonl", cwd=work)
    assert again.returncode == 0, again.stderr
    assert len(load_disputes(work / "disputes.jsonl")) == int(left[0]) == 5 - len(ruled)
    gold = {one.document_id: one for _, one, _ in load_annotations(work / "gold.jsonl")}
    for name, start, end, spans in ruled:
        here = [one for one in gold[name].spans if one.start < int(end) and one.end > int(start)]
        assert len(here) == int(spans)
    # The folder has other disputes now; what was ruled on the old ones still holds.
    before = (work / "settled.jsonl").read_bytes()
    assert ask(work, 0) == [left]
    write_rulings(work, work / "settled.jsonl")
    assert (work / "settled.jsonl").read_bytes() == before
    everything = ask(work, int(left[0]))
    assert everything[-1] == ["0"]


def test_what_is_ruled_on_a_builders_disputes_is_gold_and_not_asked_again(
    built_copy: Path,
) -> None:
    work = built_copy / "work" / "sample"
    num_open = int(ask(work, 0)[0][0])
    *ruled, left = ask(work, 3)
    assert 3 <= len(ruled) == num_open - int(left[0])
    done = run_gonerd("reconcile", "sample", cwd=built_copy)
    assert done.returncode == 0, done.stderr
    asked = Docket(desk=open_desk(work)).open(open_log(work / "review").state)
    assert asked  # people's rulings teach the method, which may doubt other places now
    for name, start, end, _ in ruled:
        assert not any(
            one.document_id == name and one.start < int(end) and one.end > int(start)
            for one in asked
        )
    gold = {one.document_id: one for _, one, _ in load_annotations(work / "gold")}
    for name, start, end, spans in ruled:
        here = [one for one in gold[name].spans if one.start < int(end) and one.end > int(start)]
        assert len(here) == int(spans)


def test_rulings_of_no_use_are_named_beside_what_is_written(tmp_path: Path) -> None:
    work = tmp_path / "w"
    write_folder(work)
    here = docket(*LUNDS, dispute("a", 9, 15, [span(9, 15)], []))
    log = open_log(work / "review")
    for place in (("a", 0, 4), ("b", 15, 19)):
        log.commit([rule(here, hand(here, log.state), place, [])])
    lines = (work / "documents.jsonl").read_text().splitlines()
    (work / "documents.jsonl").write_text(lines[0] + "\n")
    count, losses = write_rulings(work, tmp_path / "settled.jsonl")
    assert count == 0
    assert [(one.document_id, one.start, one.why) for one in losses] == [
        ("a", 0, "its text has changed"), ("b", 15, "its document is gone"),
    ]  # fmt: skip
    assert len((tmp_path / "settled.ledger.jsonl").read_text().splitlines()) == 2


def test_a_desk_without_disputes_has_nothing_to_settle() -> None:
    nothing: Desk = replace(small_desk(), disputes=())
    assert Docket(desk=nothing).open(State()) == []
