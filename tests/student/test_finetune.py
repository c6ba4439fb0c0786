"""Tests that a model learns from a release, whole documents in windows, and resumes to the bit."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification, AutoTokenizer

from gonerd.errors import ConfigError, GonerdError
from gonerd.records import Span
from gonerd.student.attention.interface import KEY
from gonerd.student.finetune import release, train
from gonerd.student.finetune.data import open_data, read_split
from gonerd.student.finetune.examples import Reading, examples_of, taught
from gonerd.student.finetune.predict import predict
from gonerd.student.finetune.release import Request, finetune
from gonerd.student.finetune.rows import batches, to_rows
from gonerd.student.finetune.state import Course
from gonerd.student.finetune.train import Training
from gonerd.student.tagging.pieces import UNTAUGHT, take_apart
from tests.conftest import run_gonerd
from tests.reconcile.crowds import a_document
from tests.student.releases import LABELS, a_release
from tests.student.tiny import tiny_encoder, write_json

QUICK = Training(
    epochs=2,
    learning_rate=3e-3,
    head_learning_rate=3e-3,
    pieces_an_update=128,
    pieces_at_once=128,
    updates_between_saves=2,
)
LONGEST = 64
AS_NEW = {"finished before": False}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder."""
    return tiny_encoder(tmp_path_factory.mktemp("encoder"), positions=LONGEST)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with documents shorter and longer than the encoder reads."""
    folder = tmp_path_factory.mktemp("release")
    return a_release(folder, {"train": [1, 2, 6, 12], "validation": [3, 8]})


@pytest.fixture
def request_of(encoder: Path, data: Path, tmp_path: Path) -> Request:
    """A run in a folder of its own."""
    return Request(model=encoder, data=data, out=tmp_path / "out", training=QUICK, overlap=8)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a model."""
    return dict(AutoModelForTokenClassification.from_pretrained(folder).state_dict())


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Insist on the same bits."""
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_model_learns_and_is_saved_with_its_labels(request_of: Request) -> None:
    training = replace(QUICK, epochs=25, patience=25, pieces_an_update=64)

    report = finetune(replace(request_of, training=training))

    assert report["best"] > 0.7
    assert report["documents"] == 4
    assert report["windows"] > 4
    assert report["spans without tags"] == 0
    again = AutoModelForTokenClassification.from_pretrained(request_of.out)
    names = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert [again.config.id2label[code] for code in range(5)] == names
    tokenizer = AutoTokenizer.from_pretrained(request_of.out)
    watched = read_split(open_data(request_of.data), "validation")
    reading = Reading(longest=LONGEST, overlap=8)
    assert release._f1(again.eval(), tokenizer, watched, LABELS, reading) == report["best"]
    assert {**json.loads((request_of.out / "training.json").read_text()), **AS_NEW} == report


@pytest.mark.parametrize(
    ("stop_at", "bfloat16"), [(1, False), (2, False), (4, False), (6, False), (3, True)]
)
def test_a_run_that_was_stopped_ends_in_the_same_bits(
    request_of: Request, tmp_path: Path, stop_at: int, bfloat16: bool
) -> None:
    request_of = replace(request_of, training=replace(QUICK, bfloat16=bfloat16))
    whole = finetune(replace(request_of, out=tmp_path / "whole"))

    class Stopped(Exception):
        pass

    done = 0

    def stop(pieces: int) -> None:
        nonlocal done
        done += 1
        if done == stop_at:
            raise Stopped

    with pytest.raises(Stopped):
        finetune(request_of, stop)
    resumed = finetune(request_of)

    assert resumed == whole
    assert_same(weights(request_of.out), weights(tmp_path / "whole"))


@pytest.mark.parametrize("kind", [None, "band", "longformer"])
def test_16_bits_learn_too(encoder: Path, data: Path, tmp_path: Path, kind: str | None) -> None:
    model = Path(shutil.copytree(encoder, tmp_path / "encoder"))
    if kind:
        settings = {"attention": kind, "half_window": 8}
        extra = {"global_tokens": 1} if kind == "longformer" else {}
        write_json(model / "config.json", **{KEY: settings | extra})
    training = replace(QUICK, epochs=10, patience=10, pieces_an_update=64, bfloat16=True)

    report = finetune(
        Request(model=model, data=data, out=tmp_path / "out", training=training, overlap=8)
    )

    losses = report["losses"]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])
    assert report["best"] > 0.5
    kept = AutoModelForTokenClassification.from_pretrained(tmp_path / "out")
    assert {one.dtype for one in kept.parameters()} == {torch.float32}


@pytest.mark.parametrize("packed", [False, True])
def test_parts_of_an_update_change_nothing(encoder: Path, data: Path, packed: bool) -> None:
    tokenizer, model = release._load(encoder, LABELS, 0)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    if packed:
        setattr(model.config, KEY, {"attention": "band", "half_window": 4})
    model.double()
    documents = read_split(open_data(data), "train")
    reading = Reading(longest=LONGEST, overlap=8)
    examples, _ = release._examples(documents, LABELS, tokenizer, reading)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    found = []
    for at_once in (10**6, 100, 1):
        model.load_state_dict(before)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        training = replace(QUICK, pieces_at_once=at_once, largest_gradient=1e9)
        loss = train._update(model, optimizer, examples, training)
        found.append((loss, torch.cat([one.flatten() for one in model.parameters()])))
    for loss, after in found[1:]:
        assert loss == pytest.approx(found[0][0])
        torch.testing.assert_close(after, found[0][1])


def test_a_packed_row_reads_as_windows_apart(encoder: Path, data: Path) -> None:
    tokenizer, model = release._load(encoder, LABELS, 0)
    setattr(model.config, KEY, {"attention": "longformer", "half_window": 9, "global_tokens": 1})
    documents = [one.document for one in read_split(open_data(data), "train")]
    reading = Reading(longest=LONGEST, overlap=8)

    together, apart = (
        list(predict(model, tokenizer, documents, LABELS, reading, annotator="m", at_once=at_once))
        for at_once in (10_000, 1)
    )

    for one, other in zip(together, apart, strict=True):
        assert [(s.start, s.end, s.label) for s in one.spans] == [
            (s.start, s.end, s.label) for s in other.spans
        ]
        assert one.coverage == other.coverage == ((0, one.coverage[-1][1]),)


def test_command_teaches_and_says_how_well(request_of: Request) -> None:
    arguments = ["--data", request_of.data, "--out", request_of.out, "--epochs", 1, "--overlap", 8]
    done = run_gonerd("finetune", request_of.model, *arguments, cwd=request_of.data)

    assert done.returncode == 0, done.stderr
    (told,) = done.stderr.splitlines()
    first, second, third = done.stdout.splitlines()
    report = json.loads((request_of.out / "training.json").read_text())
    best = f"{100 * report['best']:.1f}"
    assert first == f"{request_of.out}: strict span F1 of {best} on the split 'validation'"
    assert second == (
        f"  4 documents in {report['windows']} windows of up to 64 pieces; 2 did not fit into one"
    )
    assert third == f"  {report['updates']} updates; after each epoch {best}"

    loss = sum(report["losses"]) / report["updates"]
    assert told.startswith(f"epoch 1 of 1: loss {loss:.4f}, F1 {best}, ")

    again = run_gonerd("finetune", request_of.model, *arguments, "--json", cwd=request_of.data)
    said = {"out": str(request_of.out), **report, "finished before": True}
    assert (json.loads(again.stdout), again.stderr) == (said, "")


def test_command_refuses_in_one_message(request_of: Request, tmp_path: Path) -> None:
    done = run_gonerd(
        "finetune", request_of.model, "--data", tmp_path, "--out", request_of.out, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"gonerd: {tmp_path}: no manifest.json in it, nor files by split such as train.parquet or "
        "train.jsonl; expected a release, or files with its columns text and spans.\n"
    )


# Windows


@settings(max_examples=50)
@given(
    length=st.integers(0, 300),
    longest=st.integers(16, 80),
    overlap=st.integers(0, 40),
    every_piece=st.booleans(),
)
def test_every_tag_is_taught_in_just_one_window(
    length: int, longest: int, overlap: int, every_piece: bool
) -> None:
    text = ("Ana saw Lund. " * 30)[:length]
    document = a_document(text)
    spans = [Span(start=at, end=at + 3, label="PER") for at in range(0, length - 2, 14)]
    reading = Reading(longest=longest, overlap=overlap, every_piece=every_piece)
    pieces, tags, left = taught(document, spans, ((0, length),), LABELS, TOKENIZER, reading)

    examples = list(examples_of(0, pieces, tags, TOKENIZER, reading))

    assert left == []
    seen = np.full(len(pieces.ids), -1)
    for one in examples:
        assert len(one.ids) == len(one.tags) <= longest
        inside = one.ids[one.lead : one.lead + one.window.end - one.window.start]
        assert inside.tolist() == pieces.ids[one.window.start : one.window.end].tolist()
        for place in np.flatnonzero(one.tags != UNTAUGHT).tolist():
            piece = one.window.start + place - one.lead
            assert seen[piece] == -1
            seen[piece] = one.tags[place]
    assert seen.tolist() == np.where(tags == UNTAUGHT, -1, tags).tolist()


def test_what_nobody_read_teaches_nothing() -> None:
    document = a_document("Ana saw Lund. Bo")
    reading = Reading(longest=64, every_piece=True)
    pieces, tags, _ = taught(
        document, [Span(start=0, end=3, label="PER")], ((0, 7),), LABELS, TOKENIZER, reading
    )
    known = {document.text[pieces.starts[at]] for at in np.flatnonzero(tags != UNTAUGHT)}
    assert known == set("Anasaw")


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(1, 60))
def test_batches_hold_all_once_and_no_more_than_they_may(sizes: list[int], most: int) -> None:
    order = list(range(len(sizes)))[::-1]
    found = batches(sizes, most, order)
    assert [index for batch in found for index in batch] == order
    assert all(len(batch) == 1 or sum(sizes[i] for i in batch) <= most for batch in found)


# What is refused


def error_of(request_of: Request, kind: type[GonerdError] = ConfigError) -> str:
    """Run what must be refused."""
    with pytest.raises(kind) as error:
        finetune(request_of)
    assert type(error.value) is kind
    return str(error.value)


def test_a_head_for_other_labels_is_refused(request_of: Request, tmp_path: Path) -> None:
    finetune(request_of)
    data = a_release(tmp_path / "other", {"train": [1], "validation": [1]}, ("LOC", "ORG", "PER"))
    again = Request(model=request_of.out, data=data, out=tmp_path / "again", training=QUICK)
    assert error_of(again) == (
        f"{request_of.out}: its labels are O, B-LOC, I-LOC, B-PER, I-PER; expected those of the "
        "data, O, B-LOC, I-LOC, B-ORG, I-ORG, B-PER, I-PER.\n"
        "Give a checkpoint without a head for them."
    )


def test_a_split_that_is_not_there_is_refused(request_of: Request) -> None:
    assert error_of(replace(request_of, watched_split="dev")) == (
        f"{request_of.data}: no split 'dev'; expected one of train, validation."
    )


@pytest.mark.parametrize("longest", [8, LONGEST + 1])
def test_more_than_the_model_reads_is_refused(request_of: Request, longest: int) -> None:
    assert error_of(replace(request_of, longest=longest)) == (
        f"--max-tokens {longest}: {request_of.model} reads from 16 to {LONGEST} at once; expected "
        "no more.\nMake it longer: gonerd convert"
    )


def test_no_tags_at_all_are_refused(encoder: Path) -> None:
    _, model = release._load(encoder, LABELS, 0)
    with pytest.raises(ConfigError) as error:
        train.train(model, [], QUICK, measure=lambda: 0.0, state=encoder / "state.pt")
    assert str(error.value) == (
        "training: no tag among all examples; expected documents with gold."
    )


def test_it_ends_when_the_score_rises_no_more() -> None:
    training = Training(patience=2)
    assert not train._has_ended(Course(), training)
    assert not train._has_ended(Course(scores=[0.0, 0.0, 0.0, 0.0]), training)
    assert not train._has_ended(Course(scores=[0.1, 0.5, 0.4]), training)
    assert train._has_ended(Course(scores=[0.1, 0.5, 0.4, 0.5]), training)


def a_tokenizer() -> Any:
    """Load the tokenizer of a tiny encoder."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return AutoTokenizer.from_pretrained(tiny_encoder(Path(folder)))


TOKENIZER = a_tokenizer()


@pytest.mark.parametrize(("num_documents", "epochs"), [(1, 300), (20, 15), (200, 5)])
def test_little_is_read_more_often(num_documents: int, epochs: int) -> None:
    assert train._enough([4_096] * num_documents, Training()) == epochs


def test_rows_are_padded_where_windows_would_see_each_other(encoder: Path) -> None:
    tokenizer, model = release._load(encoder, LABELS, 0)
    reading = Reading(longest=LONGEST)
    pieces = [take_apart(text, tokenizer) for text in ("Ana", "Bo saw")]
    some = [
        example
        for number, one in enumerate(pieces)
        for example in examples_of(number, one, np.zeros(len(one.ids), int), tokenizer, reading)
    ]
    inputs, tags = to_rows(some, model)
    assert inputs["attention_mask"].sum(1).tolist() == [len(one.ids) for one in some]
    assert inputs["input_ids"].shape == tags.shape
    setattr(model.config, KEY, {"attention": "band", "half_window": 4})
    inputs, tags = to_rows(some, model)
    assert inputs["seq_idx"][0].tolist() == [0] * len(some[0].ids) + [1] * len(some[1].ids)
    assert (inputs["input_ids"].shape, set(inputs)) == (
        tags.shape,
        {"input_ids", "position_ids", "seq_idx"},
    )
