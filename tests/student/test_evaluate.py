"""Tests that a model is measured on whole documents, by length, as what it says deserves."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gonerd.errors import ConfigError
from gonerd.records import Span, annotation_from_json
from gonerd.score import score
from gonerd.student import evaluate as module
from gonerd.student.evaluate import Request, evaluate
from gonerd.student.finetune.release import Request as Teaching
from gonerd.student.finetune.release import finetune, read_split
from gonerd.student.finetune.train import Training
from tests.conftest import run_gonerd
from tests.student.releases import a_release
from tests.student.tiny import tiny_encoder


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A model that has learnt a little, and the release it learnt from."""
    folder = tmp_path_factory.mktemp("taught")
    data = a_release(folder / "release", {"train": [4, 12], "validation": [4], "test": [3, 9, 200]})
    rates = {"learning_rate": 3e-3, "head_learning_rate": 3e-3}
    finetune(
        Teaching(
            model=tiny_encoder(folder / "encoder", positions=64),
            data=data,
            out=folder / "tagger",
            overlap=8,
            training=Training(epochs=12, patience=12, pieces_an_update=64, **rates),
        )
    )
    return Request(model=folder / "tagger", data=data, overlap=8)


def test_what_is_said_is_what_was_predicted(taught: Request, tmp_path: Path) -> None:
    out = tmp_path / "predictions.jsonl"

    report = evaluate(replace(taught, out=out))

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    predicted = [annotation_from_json(row, "")[0] for row in rows]
    documents = read_split(module.open_release(taught.data), "test")
    assert [one.document_id for one in predicted] == [one.document.id for one in documents]
    for said, one in zip(predicted, documents, strict=True):
        assert said.coverage == ((0, len(one.document.text)),)
        assert said.text_sha256 == one.document.text_sha256
        assert said.annotator == "tagger"
    counts = score(
        (one.annotations[0].spans, said.spans)
        for one, said in zip(documents, predicted, strict=True)
    ).micro
    assert (report["f1"], report["precision"]) == (counts.f1, counts.precision)
    assert report["f1"] > 0.4
    low, high = report["interval"]
    assert low <= report["f1"] <= high
    assert [(one["up_to"], one["documents"]) for one in report["by_length"]] == [
        (512, 2), (1024, 1)
    ]  # fmt: skip
    assert report["words"] == sum(len(one.document.text.split()) for one in documents)
    assert 0 < report["seconds"]["p50"] <= report["seconds"]["p95"] <= report["seconds"]["total"]
    assert set(report["per_label"]) == {"LOC", "PER"}


def test_scores_are_what_they_are_and_undefined_where_they_are_not() -> None:
    one = Span(start=0, end=3, label="PER")
    other = Span(start=4, end=6, label="PER")
    assert module._scores([([one, other], [one]), ([], [])]) == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": 2 / 3,
        "interval": [0.0, pytest.approx(2 / 3)],
    }
    nothing = {"precision": None, "recall": None, "f1": None, "interval": None}
    assert module._scores([([], [])]) == nothing
    assert module._scores([]) == nothing


def test_command_says_it_to_people_and_machines(taught: Request, tmp_path: Path) -> None:
    done = run_gonerd(
        "evaluate", taught.model, "--data", taught.data, "--overlap", 8, "--json", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    expected = evaluate(taught)
    assert {**report, "seconds": 0, "words_per_second": 0, "peak_mib": 0} == {
        **expected, "seconds": 0, "words_per_second": 0, "peak_mib": 0
    }  # fmt: skip
    text = module.to_text(report).splitlines()
    low, high = (100 * one for one in report["interval"])
    assert text[0] == (
        f"tagger on 3 documents of 'test', {report['words']:,} words: strict span F1 "
        f"{100 * report['f1']:.1f} ({low:.1f} to {high:.1f})"
    )
    assert text[3].startswith("  to 512 words           2 documents  F1 ")


def test_predictions_on_standard_output_are_alone_there(taught: Request, tmp_path: Path) -> None:
    done = run_gonerd(
        "evaluate", taught.model, "--data", taught.data, "--split", "validation", "--out", "-",
        cwd=tmp_path,
    )  # fmt: skip
    (row,) = done.stdout.splitlines()
    assert annotation_from_json(json.loads(row), "")[0].document_id == "validation0"
    assert done.stderr.startswith("tagger on 1 documents of 'validation', ")


def test_a_model_of_other_labels_is_refused(taught: Request, tmp_path: Path) -> None:
    data = a_release(tmp_path / "other", {"test": [1]}, ("LOC", "ORG"))
    with pytest.raises(ConfigError) as error:
        evaluate(replace(taught, data=data))
    assert str(error.value) == (
        f"{taught.model}: its labels are O, B-LOC, I-LOC, B-PER, I-PER; expected those of the "
        "data, O, B-LOC, I-LOC, B-ORG, I-ORG.\nTeach it these: gonerd finetune"
    )
