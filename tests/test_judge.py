"""Tests that files of any kind are scored against each other, and that nothing is guessed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonerd.bio import tag_names
from gonerd.errors import ConfigError, GonerdError, RecordError, SourceError, TagError, TextMismatch
from gonerd.judge import Asked, judge
from gonerd.records import text_sha256
from gonerd.release import read_rows
from gonerd.score.counts import Counts
from tests.conftest import run_gonerd
from tests.small_release import build_small, write_dataset

TEXT = "Ana went to Lund"
GOLD = "Ana B-PER\nwent O\nto O\nLund B-LOC\n\nBo B-PER\nslept O\n"


def write(path: Path, content: str) -> Path:
    """Write a file."""
    path.write_text(content)
    return path


def annotated(path: Path, *spans: tuple[int, int, str], **changes: Any) -> Path:
    """Write an annotation of `TEXT`."""
    row = {
        "document_id": "a",
        "text": TEXT,
        "annotator": path.stem,
        "guide": "",
        "coverage": [],
        "spans": [{"start": start, "end": end, "label": label} for start, end, label in spans],
    }
    return write(path, json.dumps(row | changes) + "\n")


def test_columns_are_scored_token_by_token(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.conll", GOLD)
    said = write(tmp_path / "said.conll", GOLD.replace("Lund B-LOC", "Lund O"))
    (found,) = judge(gold, [said], Asked())
    assert found.result.micro == Counts(correct=2, predicted=2, gold=3)
    assert found.result.documents[0].num_tokens == 6


def test_an_entity_does_not_go_on_into_the_next_sentence(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.conll", "Ana B-PER\n\nBo B-PER\n")
    said = write(tmp_path / "said.conll", "Ana B-PER\n\nBo I-PER\n")
    with pytest.raises(TagError):
        judge(gold, [said], Asked())
    (found,) = judge(gold, [said], Asked(repair="conlleval"))
    assert found.result.micro == Counts(correct=2, predicted=2, gold=2)


def test_annotations_are_scored_by_characters_with_positions(tmp_path: Path) -> None:
    gold = annotated(tmp_path / "gold.jsonl", (0, 3, "PER"), (12, 16, "LOC"))
    said = annotated(tmp_path / "said.jsonl", (0, 3, "PER"), (12, 15, "LOC"))
    (found,) = judge(gold, [said], Asked())
    assert found.result.micro == Counts(correct=1, predicted=2, gold=2)
    assert found.result.documents[0].num_tokens == 4
    assert list(found.result.groups["position"]) == ["to 512"]
    assert found.mistakes.kinds["border"] == 1


def test_a_release_is_scored_against_itself_and_against_columns(tmp_path: Path) -> None:
    opened = build_small(write_dataset(tmp_path))
    release = opened.folder
    (found,) = judge(release, [release], Asked())
    assert found.result.micro.f1 == 1.0
    assert found.against_first is None
    names = tag_names(opened.labels)
    lines = []
    for _, row in read_rows(opened, "default"):
        tags = [names[code] for code in row["ner_tags"]]
        lines += [f"# doc_id = {row['id']}", *map("\t".join, zip(row["tokens"], tags, strict=True))]
    said = write(tmp_path / "said.conll", "\n".join(lines) + "\n")
    (from_tags,) = judge(release, [said], Asked())
    whole = found.result.micro  # one name ends inside of a token, and its tag says more
    assert from_tags.result.micro == replace(whole, correct=whole.gold - 1)


def test_entities_that_were_never_seen_are_told_apart(tmp_path: Path) -> None:
    gold = annotated(tmp_path / "gold.jsonl", (0, 3, "PER"), (12, 16, "LOC"))
    learnt = annotated(tmp_path / "learnt.jsonl", (0, 3, "PER"))
    (found,) = judge(gold, [gold], Asked(learnt=learnt))
    assert {name: one.gold for name, one in found.result.groups["seen"].items()} == {
        "unseen": 1,
        "seen": 1,
    }


def test_systems_are_compared_to_the_first(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.conll", "".join(f"# doc_id = {n}\n{GOLD}" for n in range(9)))
    worse = write(tmp_path / "worse.conll", gold.read_text().replace("Bo B-PER", "Bo O"))
    first, second = judge(gold, [gold, worse], Asked())
    assert first.against_first is None
    assert second.against_first is not None
    assert second.against_first.f1 == pytest.approx(1 - 0.8)
    assert second.against_first.p < 0.001


CUT = GOLD.replace("slept O\n", "")


@pytest.mark.parametrize(
    ("gold", "said", "kind", "message"),
    [
        (
            GOLD, CUT, TextMismatch,
            "{said}: 0: 6 tokens; expected 7, as gold has: the prediction is cut off.",
        ),
        (
            GOLD, GOLD.replace("Bo", "Cy"), TextMismatch,
            "{said}: 0, token 5: 'Cy'; expected 'Bo', as gold has.",
        ),
        (
            f"-DOCSTART- O\n\n{GOLD}-DOCSTART- O\n\n{GOLD}", GOLD, RecordError,
            "{said}: predicted: nothing for document '1' (1 such); expected one prediction for "
            "each document of gold, if only an empty one.",
        ),
        (
            GOLD, "Ana\n", RecordError,
            "{said}:1: 'Ana' has one column; expected a token first and its tag last.",
        ),
        (
            GOLD, f"# doc_id = a\n{GOLD}# doc_id = a\n", RecordError,
            "{said}:9: document 'a' again; expected each once.",
        ),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit_are_refused(
    tmp_path: Path, gold: str, said: str, kind: type[GonerdError], message: str
) -> None:
    one, other = write(tmp_path / "gold.conll", gold), write(tmp_path / "said.conll", said)
    with pytest.raises(kind) as error:
        judge(one, [other], Asked())
    assert str(error.value) == message.format(said=other)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    gold = annotated(tmp_path / "gold.jsonl", (0, 3, "PER"))
    other = annotated(tmp_path / "other.jsonl", text=TEXT + "!")
    with pytest.raises(TextMismatch) as error:
        judge(gold, [other], Asked())
    digests = text_sha256(TEXT + "!")[:12], text_sha256(TEXT)[:12]
    assert str(error.value) == (
        f"{other}: a: predicted on another text (sha256 {digests[0]}...) than gold "
        f"({digests[1]}...); expected the same text."
    )
    columns = write(tmp_path / "said.conll", f"# doc_id = a\n{GOLD}")
    with pytest.raises(ConfigError) as wrong:
        judge(gold, [columns], Asked())
    assert str(wrong.value) == (
        f"{columns}: a: tags on one side and spans without tokens on the other; expected tags on "
        "both, or a release, whose tokens have places."
    )
    with pytest.raises(SourceError) as lacking:
        judge(tmp_path / "none.conll", [gold], Asked())
    assert str(lacking.value) == (
        f"{tmp_path / 'none.conll'}: No such file or directory; expected lines of tokens and tags."
    )
    two = write(tmp_path / "two.jsonl", gold.read_text() + other.read_text().replace("!", ""))
    with pytest.raises(RecordError) as several:
        judge(gold, [two], Asked())
    assert str(several.value) == (
        f"{two}: 'a' is annotated by 'gold', 'other'; expected one annotator.\n"
        "Reconcile them, or keep one."
    )


def test_the_command_says_it_to_people_and_to_machines(tmp_path: Path) -> None:
    annotated(tmp_path / "gold.jsonl", (0, 3, "PER"), (12, 16, "LOC"))
    annotated(tmp_path / "said.jsonl", (0, 3, "PER"), (12, 16, "PER"))
    done = run_gonerd("score", "gold.jsonl", "said.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "said.jsonl: exact-span F1 50.0, P 50.0, R 50.0; 1 documents, their mean 50.0; labels' "
        "mean 33.3\n"
        "  label             P      R     F1     gold\n"
        "  LOC               -    0.0    0.0        1\n"
        "  PER            50.0  100.0   66.7        1\n"
        "  tokens            P      R     F1     gold\n"
        "  to 512         50.0   50.0   50.0        2\n"
        "  position          P      R     F1     gold\n"
        "  to 512         50.0   50.0   50.0        2\n"
        "  F1 of SemEval'13: strict 50.0, exact 100.0, partial 100.0, type 50.0\n"
        "  mistakes: 1 type, 0 border, 0 both, 0 missed, 0 spurious\n"
        "    type     a: Ana went to [{Lund]LOC}PER\n"
    )
    done = run_gonerd("score", "gold.jsonl", "said.jsonl", "--json", cwd=tmp_path)
    (system,) = json.loads(done.stdout)["systems"]
    assert system["micro"]["f1"] == 0.5
    assert system["mistakes"]["confusions"] == [{"gold": "LOC", "predicted": "PER", "times": 1}]
    done = run_gonerd("score", "gold.jsonl", "nothing.jsonl", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
