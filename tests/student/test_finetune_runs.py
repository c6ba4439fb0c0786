"""Tests that no state of a run is lost, and none is left over: stops, full disks, no numbers."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gonerd.errors import ConfigError, GonerdError, StoreError
from gonerd.student.finetune import release, train
from gonerd.student.finetune.data import open_data, read_split
from gonerd.student.finetune.examples import Example, Reading
from gonerd.student.finetune.folder import held
from gonerd.student.finetune.release import Request, finetune
from gonerd.student.finetune.telling import Stage, telling, to_line
from gonerd.student.finetune.train import Training
from tests.processes import run_python
from tests.student.releases import a_release
from tests.student.tiny import tiny_encoder

QUICK = Training(
    epochs=2,
    learning_rate=3e-3,
    head_learning_rate=3e-3,
    pieces_an_update=128,
    pieces_at_once=128,
    updates_between_saves=1,
)
MODEL = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A tiny encoder, and documents to teach it on."""
    folder = tmp_path_factory.mktemp("made")
    return Request(
        model=tiny_encoder(folder / "encoder", positions=64),
        data=a_release(folder / "data", {"train": [1, 2, 6, 12], "validation": [3, 8]}),
        out=folder / "out",
        training=QUICK,
        overlap=8,
    )


@pytest.fixture(scope="module")
def whole(made: Request) -> Request:
    """A run that nobody stopped."""
    finetune(made)
    return made


@pytest.fixture
def request_of(made: Request, tmp_path: Path) -> Request:
    """A run in a folder of its own."""
    return replace(made, out=tmp_path / "out")


class Stopped(Exception):
    """Somebody stopped it."""


def stop_at(update: int) -> Callable[[int], None]:
    """Stop a run after some updates, before the last of them is kept."""
    done = 0

    def tick(pieces: int) -> None:
        nonlocal done
        done += 1
        if done == update:
            raise Stopped

    return tick


def stopped(request_of: Request, update: int = 3) -> Path:
    """Stop a run, and give its state."""
    with pytest.raises(Stopped):
        finetune(request_of, stop_at(update))
    return request_of.out / "state.pt"


def error_of(request_of: Request, kind: type[GonerdError] = ConfigError) -> str:
    """Run what must be refused."""
    with pytest.raises(kind) as error:
        finetune(request_of)
    assert type(error.value) is kind
    return str(error.value)


def names(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return sorted(one.name for one in folder.iterdir())


def assert_same_model(one: Path, other: Path) -> None:
    """Insist on the same bits."""
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


def test_nothing_but_the_model_and_its_course_is_left(whole: Request) -> None:
    assert names(whole.out) == sorted([*MODEL, "training.json"])
    report = json.loads((whole.out / "training.json").read_text())
    assert len(report["losses"]) == report["updates"] > len(report["scores"]) == 2


def test_a_finished_run_asked_again_says_so_and_is_left_as_it_is(whole: Request) -> None:
    before = {one.name: one.stat().st_mtime_ns for one in whole.out.iterdir()}
    report = finetune(whole)
    assert report["finished before"]
    assert {one.name: one.stat().st_mtime_ns for one in whole.out.iterdir()} == before


def test_a_finished_run_begins_anew_only_where_told(
    whole: Request, request_of: Request, tmp_path: Path
) -> None:
    shutil.copytree(whole.out, request_of.out)
    other = replace(request_of, training=replace(QUICK, seed=1))
    refused = (
        f"--out {other.out}: holds what a run with other settings or examples has made; expected "
        "a folder of its own.\nGive another, or --afresh to begin anew in its place."
    )
    assert error_of(other) == refused
    assert_same_model(whole.out, other.out)

    report = finetune(replace(other, afresh=True))

    assert not report["finished before"]
    assert finetune(other)["finished before"]
    assert error_of(request_of) == refused
    finetune(replace(other, out=tmp_path / "other"))
    assert_same_model(other.out, tmp_path / "other")


def test_a_stopped_run_begins_anew_where_told(whole: Request, request_of: Request) -> None:
    stopped(replace(request_of, training=replace(QUICK, seed=1)))
    finetune(replace(request_of, afresh=True))
    assert_same_model(whole.out, request_of.out)


def test_other_weights_of_the_same_form_are_another_run(
    whole: Request, request_of: Request, tmp_path: Path
) -> None:
    other = tiny_encoder(tmp_path / "encoder", positions=64, seed=1)
    shutil.copytree(whole.out, request_of.out)
    assert error_of(replace(request_of, model=other)).startswith(f"--out {request_of.out}: holds ")
    state = stopped(replace(request_of, afresh=True))
    assert error_of(replace(request_of, model=other)) == (
        f"{state}: of a run with other settings or examples; expected this one's.\n"
        "Remove it, and the run begins anew."
    )


def test_a_state_without_the_fingerprint_of_all_is_resumed(
    whole: Request, request_of: Request
) -> None:
    state = stopped(request_of)
    saved = torch.load(state, weights_only=True)
    del saved["made_of"]
    torch.save(saved, state)
    finetune(request_of)
    assert_same_model(whole.out, request_of.out)


def test_a_model_is_never_taught_in_its_own_place_nor_over_another(request_of: Request) -> None:
    model = request_of.model
    assert error_of(replace(request_of, out=model / ".")) == (
        f"--out {model}: is the model that is taught; expected a folder of its own."
    )
    shutil.copytree(model, request_of.out)
    assert error_of(request_of) == (
        f"--out {request_of.out}: holds a model that no run has left there; expected a folder of "
        "its own.\nGive another, or --afresh to begin anew in its place."
    )
    file = request_of.out / "config.json"
    assert error_of(replace(request_of, out=file)) == f"--out {file}: is a file; expected a folder."


def test_two_runs_at_once_in_one_folder_are_refused(request_of: Request) -> None:
    state = stopped(request_of)
    before = state.read_bytes()
    with held(request_of.out):
        assert error_of(replace(request_of, afresh=True), StoreError) == (
            f"--out {request_of.out}: another run is at work in it; expected one at a time.\n"
            "Wait for it to end, or give another folder."
        )
    assert state.read_bytes() == before
    finetune(request_of)


def test_a_state_of_another_run_or_none_is_refused(request_of: Request) -> None:
    state = stopped(request_of)
    other = replace(request_of, training=replace(QUICK, learning_rate=1e-4))
    assert error_of(other) == (
        f"{state}: of a run with other settings or examples; expected this one's.\n"
        "Remove it, and the run begins anew."
    )
    torch.save([], state)
    assert error_of(request_of) == (
        f"{state}: cannot be read (it holds something else); expected the state of a run.\n"
        "Remove it, and the run begins anew."
    )
    state.write_bytes(b"no state")
    assert error_of(request_of).startswith(f"{state}: cannot be read (")


def test_a_state_whose_best_weights_are_gone_is_refused(request_of: Request) -> None:
    state = stopped(request_of, 6)
    best = state.with_name("state.best")
    best.unlink()
    assert error_of(request_of) == (
        f"{best}: cannot be read (it is not there); expected the state of a run.\n"
        "Remove state.pt, and the run begins anew."
    )


# Disks that are full

WITH_LIMIT = """
import resource, sys
from pathlib import Path, PosixPath
from gonerd.errors import StoreError
from gonerd.student.finetune.release import Request, finetune
from gonerd.student.finetune.train import Training
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
try:
    finetune(eval(sys.argv[2]))
except StoreError as error:
    print(error)
"""


def test_no_room_keeps_the_last_state_and_the_same_command_goes_on(
    request_of: Request, whole: Request
) -> None:
    state = stopped(request_of)
    before = state.read_bytes()
    first, second = run_python(WITH_LIMIT, len(before) // 2, repr(request_of)).splitlines()
    assert first.startswith(f"{state}: cannot be written (")
    assert first.endswith("); expected room for the state of the training.")
    assert second == (
        "Free some and give the same command again: what was saved before is kept, and resumed."
    )
    assert state.read_bytes() == before
    assert not any(name.endswith(".partial") for name in names(request_of.out))
    finetune(request_of)
    assert_same_model(whole.out, request_of.out)


def test_no_room_for_the_model_keeps_the_state_and_the_same_command_goes_on(
    request_of: Request, whole: Request
) -> None:
    in_the_way = request_of.out / "tokenizer.json"
    in_the_way.mkdir(parents=True)
    assert error_of(request_of, StoreError) == (
        f"--out {request_of.out}: could not be written (Is a directory); expected a folder that "
        "can be written, and room on its disk.\n"
        "The state of the training is kept: the same command goes on from it."
    )
    assert {"state.pt", "state.best"} <= set(names(request_of.out))
    assert not {"training.json", ".saving"} & set(names(request_of.out))
    in_the_way.rmdir()
    finetune(request_of, stop_at(1))
    assert names(request_of.out) == names(whole.out)
    assert_same_model(whole.out, request_of.out)


def test_no_room_at_the_very_beginning_is_one_message(request_of: Request) -> None:
    (request_of.out / "state.pt.partial").mkdir(parents=True)
    message = error_of(request_of, StoreError)
    assert message == (
        f"{request_of.out / 'state.pt'}: cannot be written (Is a directory); expected room for the "
        "state of the training.\nFree some and give the same command again: what was saved before "
        "is kept, and resumed."
    )


# What is no number


def test_a_loss_that_is_no_number_stops_and_keeps_what_was_saved(request_of: Request) -> None:
    wild = replace(QUICK, learning_rate=1e30, head_learning_rate=1e30, largest_gradient=1e30)
    message = error_of(replace(request_of, training=wild), GonerdError)
    assert message.splitlines() == [
        "training: the loss is nan, its gradient nan after 1 updates; expected numbers.",
        "Begin anew with a smaller --learning-rate; what was saved before is left as it is.",
    ]
    saved = torch.load(request_of.out / "state.pt", weights_only=True)
    assert len(saved["course"]["losses"]) == 1
    assert all(one.isfinite().all() for one in saved["model"].values())


def test_a_gradient_that_is_no_number_never_reaches_the_weights(request_of: Request) -> None:
    state = stopped(request_of)
    saved = torch.load(state, weights_only=True)
    before = state.read_bytes()
    model = finetune_model(request_of)
    model.load_state_dict(saved["model"])
    for one in model.parameters():
        one.register_hook(lambda slope: slope * float("inf"))
        break
    with pytest.raises(train._NoNumber):
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        train._update(model, optimizer, examples_for(request_of), QUICK)
    assert all(bool(one.isfinite().all()) for one in model.parameters())
    assert state.read_bytes() == before


def finetune_model(request_of: Request) -> torch.nn.Module:
    """Load what a run teaches."""
    _, model = release._load(request_of.model, ("LOC", "PER"), 0)
    assert isinstance(model, torch.nn.Module)
    return model


def examples_for(request_of: Request) -> list[Example]:
    """Cut what a run teaches with."""
    data = open_data(request_of.data)
    tokenizer, _ = release._load(request_of.model, data.labels, 0)
    documents = read_split(data, "train")
    return release._examples(documents, data.labels, tokenizer, Reading(longest=64, overlap=8))[0]


# What is told


def a_stage(**changes: object) -> Stage:
    """Be somewhere in a run."""
    values = {
        "epoch": 2, "epochs": 5, "update": 37, "updates": 1200, "loss": 0.12345, "pieces": 4000,
        "pieces_left": 400_000,
    }  # fmt: skip
    return Stage(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (
            a_stage(),
            "epoch 2 of 5, update 37 of 1,200: loss 0.1235, 1,000 tokens/s, 7 min left at most",
        ),
        (
            a_stage(score=0.4567, pieces_left=9_000_000),
            "epoch 2 of 5: loss 0.1235, F1 45.7, 1,000 tokens/s, 2 h 30 min left at most",
        ),
        (
            a_stage(score=0.0, pieces_left=0),
            "epoch 2 of 5: loss 0.1235, F1 0.0, 1,000 tokens/s",
        ),
    ],
)
def test_a_stage_is_one_line(stage: Stage, said: str) -> None:
    assert to_line(stage, 1000.0) == said


def told(live: bool, *stages: tuple[float, Stage]) -> str:
    """Tell stages, each at a second."""
    now = [0.0]
    stream = io.StringIO()
    with telling(stream, live=live, clock=lambda: now[0]) as tell:
        for second, stage in stages:
            now[0] = second
            tell(stage)
    return stream.getvalue()


def test_plain_lines_come_once_a_minute_and_after_each_epoch() -> None:
    stages = [(second, a_stage()) for second in (4.0, 61.0, 64.0, 70.0)]
    said = told(False, *stages, (70.0, a_stage(score=0.5, pieces=0)))
    assert [one.split(":")[0] for one in said.splitlines()] == [
        "epoch 2 of 5, update 37 of 1,200",
        "epoch 2 of 5",
    ]


def test_a_terminal_has_one_line_until_an_epoch_ends_or_the_run_does() -> None:
    stages = [(second, a_stage()) for second in (1.0, 1.1, 2.0)]
    said = told(True, *stages, (2.0, a_stage(score=0.5)))
    assert (said.count("\r"), said.count("\n"), said[-1]) == (3, 1, "\n")
    said = told(True, *stages)
    assert (said.count("\r"), said.count("\n"), said[-1]) == (2, 1, "\n")
