"""Tests that models are measured on whole documents, by length, as what they say deserves."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForTokenClassification, AutoTokenizer

from gonerd.errors import ConfigError, GonerdError, StoreError
from gonerd.files import load_annotations
from gonerd.gather import gather
from gonerd.records import Span
from gonerd.score import score_spans
from gonerd.student.evaluate import quality
from gonerd.student.evaluate.evaluate import Request, evaluate, lengths_of, names_of
from gonerd.student.evaluate.report import to_text
from gonerd.student.finetune.data import open_data, read_split
from gonerd.student.finetune.release import Request as Teaching
from gonerd.student.finetune.release import finetune
from gonerd.student.finetune.train import Training
from tests.conftest import run_gonerd
from tests.student.releases import a_release
from tests.student.tiny import tiny_encoder


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A model that has learnt a little, and the release it learnt from; nothing is timed."""
    folder = tmp_path_factory.mktemp("taught")
    data = a_release(folder / "release", {"train": [4, 12], "validation": [4], "test": [3, 9, 200]})
    rates: Any = {"learning_rate": 3e-3, "head_learning_rate": 3e-3}
    finetune(
        Teaching(
            model=tiny_encoder(folder / "encoder", positions=64),
            data=data,
            out=folder / "tagger",
            overlap=8,
            training=Training(epochs=12, patience=12, pieces_an_update=64, **rates),
        )
    )
    return Request(models=(folder / "tagger",), data=data, overlap=8, lengths=())


def test_what_is_said_is_what_was_predicted(taught: Request, tmp_path: Path) -> None:
    out = tmp_path / "predictions.jsonl"

    whole = evaluate(replace(taught, out=out))

    (report,) = whole["models"]
    predicted = [one for _, one, _ in load_annotations(out)]
    documents = read_split(open_data(taught.data), "test")
    assert [one.document_id for one in predicted] == [one.document.id for one in documents]
    for said, one in zip(predicted, documents, strict=True):
        assert said.coverage == ((0, len(one.document.text)),)
        assert said.text_sha256 == one.document.text_sha256
        assert said.annotator == "tagger"
    counts = score_spans(
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
    assert whole["words"] == sum(len(one.document.text.split()) for one in documents)
    assert set(report["per_label"]) == {"LOC", "PER"}
    assert report["speed"] == {"rows": []}


def test_what_nobody_has_read_is_not_judged_and_labels_may_be_missing(
    taught: Request, tmp_path: Path
) -> None:
    text = "Ana saw Lund.\nBo saw Ystad.\n"
    row = {"text": text, "spans": [{"start": 0, "end": 3, "label": "PER"}], "coverage": [[0, 7]]}
    file = tmp_path / "test.jsonl"
    file.write_text(json.dumps(row))
    out = tmp_path / "predictions.jsonl"
    (report,) = evaluate(replace(taught, data=tmp_path, out=out))["models"]
    ((_, said, _),) = load_annotations(out)
    judged = [one for one in said.spans if one.end <= 7]
    assert len(said.spans) > len(judged)
    right = [one for one in judged if (one.start, one.end, one.label) == (0, 3, "PER")]
    assert report["precision"] == (len(right) / len(judged) if judged else None)


def test_a_model_whose_weights_are_no_numbers_is_refused(taught: Request, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    model = AutoModelForTokenClassification.from_pretrained(taught.models[0])
    model.classifier.bias.data.fill_(float("nan"))
    model.save_pretrained(broken)
    AutoTokenizer.from_pretrained(taught.models[0]).save_pretrained(broken)
    with pytest.raises(GonerdError) as error:
        evaluate(replace(taught, models=(broken,)))
    assert str(error.value) == (
        "test0: a score that the model gives is no number; expected weights that are numbers, and "
        "not too large.\nTeach it anew: gonerd finetune"
    )


def test_models_side_by_side_are_told_apart(taught: Request, tmp_path: Path) -> None:
    other = tmp_path / "later" / "tagger"
    shutil.copytree(taught.models[0], other)
    names = [f"{taught.models[0].parent.name}/tagger", "later/tagger"]
    out = tmp_path / "predictions.jsonl"

    report = evaluate(replace(taught, models=(*taught.models, other), out=out, split="validation"))

    assert [one["model"] for one in report["models"]] == names
    ((both,),) = [[one.annotations for one in gather([out])]]
    assert [one.annotator for one in both] == sorted(names)
    assert both[0].spans == both[1].spans
    agreed = run_gonerd("agreement", out, cwd=tmp_path)
    assert (agreed.returncode, agreed.stderr) == (0, "")
    gold = run_gonerd("reconcile", out, "--out", tmp_path / "gold.jsonl", cwd=tmp_path)
    assert gold.returncode == 0, gold.stderr


def test_scores_are_what_they_are_and_undefined_where_they_are_not() -> None:
    one = Span(start=0, end=3, label="PER")
    other = Span(start=4, end=6, label="PER")
    assert quality.scores([([one, other], [one]), ([], [])]) == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": 2 / 3,
        "interval": [0.0, pytest.approx(2 / 3)],
    }
    nothing = {"precision": None, "recall": None, "f1": None, "interval": None}
    assert quality.scores([([], [])]) == nothing
    assert quality.scores([]) == nothing


def test_command_says_it_to_people_and_machines(taught: Request, tmp_path: Path) -> None:
    done = run_gonerd(
        "evaluate", "--model", taught.models[0], "--data", taught.data, "--overlap", 8,
        "--lengths", "300,64", "--json", "report.json", "--plots", "figures", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    whole = json.loads((tmp_path / "report.json").read_text())
    assert done.stdout == to_text(whole) + "\n"
    text = done.stdout.splitlines()
    assert text[0] == (
        f"3 documents of 'test', {whole['words']:,} words; strict span F1, with the interval of "
        "95 in 100 resamples of the documents"
    )
    (report,) = whole["models"]
    low, high = (100 * one for one in report["interval"])
    assert text[2].startswith(
        f"tagger: F1 {100 * report['f1']:.1f} ({low:.1f} to {high:.1f}); 0.0 million parameters, "
        "reads 64 tokens at once, "
    )
    assert text[5].startswith("  to 512 words           2 documents  F1 ")
    assert text[-1].endswith(f"  in {report['speed']['rows'][1]['windows']} windows")
    assert [one["length"] for one in report["speed"]["rows"]] == [64, 300]
    assert sorted(one.name for one in (tmp_path / "figures").iterdir()) == [
        "f1_by_length.svg", "latency_by_length.svg", "memory_by_length.svg"
    ]  # fmt: skip


def test_data_on_standard_output_is_alone_there(taught: Request, tmp_path: Path) -> None:
    done = run_gonerd(
        "evaluate", "--model", taught.models[0], "--data", taught.data, "--split", "validation",
        "--lengths", "none", "--json", "-", cwd=tmp_path,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["split"] == "validation"
    assert done.stderr == to_text(said) + "\n"


# What is refused


def test_a_model_of_other_labels_is_refused_before_anything_is_predicted(
    taught: Request, tmp_path: Path
) -> None:
    data = a_release(tmp_path / "other", {"test": [1]}, ("LOC", "ORG"))
    with pytest.raises(ConfigError) as error:
        evaluate(replace(taught, data=data))
    assert str(error.value) == (
        f"{taught.models[0]}: its labels are LOC, PER; expected those of the data, LOC, ORG.\n"
        "Teach it these: gonerd finetune"
    )


def test_a_model_without_tags_is_refused(taught: Request, tmp_path: Path) -> None:
    encoder = tiny_encoder(tmp_path)
    with pytest.raises(ConfigError) as error:
        evaluate(replace(taught, models=(encoder,)))
    assert str(error.value) == (
        f"{encoder}: its tags are LABEL_0, LABEL_1; expected O, and B- and I- of each label.\n"
        "Teach it the labels of the data: gonerd finetune"
    )


def test_a_model_that_is_not_there_or_there_twice_is_refused(taught: Request) -> None:
    missing = taught.data / "none"
    with pytest.raises(ConfigError) as error:
        evaluate(replace(taught, models=(missing,)))
    assert str(error.value) == (
        f"{missing}: no config.json; expected the folder of a transformers encoder."
    )
    again = taught.models[0] / ".." / taught.models[0].name
    with pytest.raises(ConfigError) as error:
        names_of([*taught.models, again])
    assert str(error.value) == (
        f"--model {taught.models[0]}: is given twice; expected each model once."
    )


def test_data_and_splits_that_are_not_there_are_refused(taught: Request, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        evaluate(replace(taught, split="tset"))
    assert str(error.value) == (
        f"{taught.data}: no split 'tset'; expected one of train, validation, test."
    )
    with pytest.raises(StoreError) as missing:
        evaluate(replace(taught, data=tmp_path))
    assert str(missing.value) == (
        f"{tmp_path}: no manifest.json in it, nor files by split such as train.parquet or "
        "train.jsonl; expected a release, or files with its columns text and spans."
    )


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (
            {"json": Path("none/report.json")},
            "--json none/report.json: no folder none to write into; expected one that is there.",
        ),
        ({"out": Path(".")}, "--out .: is in the way; expected the name of a file."),
        ({"plots": Path("file")}, "--plots file: is in the way; expected a folder."),
        (
            {"out": Path("one"), "json": Path("./one")},
            "--json one: is what --out writes; expected another.",
        ),
        (
            {"out": Path("-"), "json": Path("-")},
            "--json -: is what --out writes; expected another.",
        ),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_first(
    taught: Request,
    places: dict[str, Path],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(ConfigError) as error:
        evaluate(replace(taught, models=(Path("none"),), **places))  # type: ignore[arg-type]
    assert str(error.value) == message


def test_lengths_are_numbers_with_commas() -> None:
    assert lengths_of(" 1024,512, 512") == (512, 1024)
    assert lengths_of("none") == ()
    for wrong in ("512;1024", "0", "-1", "", "9999999"):
        with pytest.raises(ConfigError) as error:
            lengths_of(wrong)
        assert str(error.value) == (
            f"--lengths {wrong}: expected numbers of tokens from 1 to 1,000,000 with commas "
            "between them, such as 512,4096; or none."
        )
