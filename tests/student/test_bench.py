"""Tests that what is timed side by side is the same, and goals judged by what was timed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import gonerd.student
from gonerd.errors import ConfigError
from gonerd.student.bench.ask import (
    Request,
    check_device,
    check_place,
    lengths_of,
    names_of,
    sizes_of,
    write,
)
from gonerd.student.bench.goals import judge
from gonerd.student.bench.machine import describe
from gonerd.student.bench.measure import (
    PROCESSOR,
    WALL,
    Timed,
    clock_of,
    compared,
    reason,
    take_turns,
)
from gonerd.student.bench.memory import measure as measure_memory
from gonerd.student.bench.memory import peaks_of
from gonerd.student.bench.mixed import lengths_of as lengths_of_texts
from gonerd.student.bench.models import MODERNBERT_WINDOW, make_model, token_ids, untouched
from gonerd.student.bench.run import bench
from gonerd.student.bench.setting import NotHere, Setting, Sizes, setting_from_json
from gonerd.student.bench.systems import KINDS, OURS, THEIRS, systems
from gonerd.student.bench.table import to_text
from tests.conftest import run_gonerd

TINY = Setting(length=832, sizes=Sizes(layers=2, width=64, heads=2, ffn=96))
LEARNING = Setting(length=832, sizes=TINY.sizes, training=True)
LIMITS = {"float32_gigaflops": 1.0, "bfloat16_gigaflops": 1.0, "gigabytes_a_second": 1.0}
COMPILED = {"flex_attention", "flex, window 512"}
"""They take long to compile, wherever they run."""


def same_sides() -> Iterator[Any]:
    for system in systems().values():
        for ratio in system.ratios:
            if ratio.same and not COMPILED & {ratio.over, ratio.under}:
                yield pytest.param(system, ratio, id=f"{system.name}: {ratio.over}, {ratio.under}")


@pytest.mark.parametrize("setting", [TINY, LEARNING], ids=["inference", "training"])
@pytest.mark.parametrize(("system", "ratio"), list(same_sides()))
def test_sides_said_to_be_the_same_give_the_same(system: Any, ratio: Any, setting: Setting) -> None:
    if system.name == "mixed" and setting.training:
        pytest.skip("their losses are means over other texts")
    try:
        over, under = (system.side(name).make(setting)() for name in (ratio.over, ratio.under))
    except NotHere as error:
        pytest.skip(str(error))
    torch.testing.assert_close(over, under, rtol=0, atol=1e-5)


@pytest.mark.parametrize("setting", [TINY, LEARNING], ids=["inference", "training"])
@pytest.mark.parametrize("name", ["dense", "kinds", "share", "mixed"])
def test_every_other_side_runs(name: str, setting: Setting) -> None:
    for side in systems()[name].sides:
        if side.name in COMPILED:
            continue
        try:
            found = side.make(setting)()
        except NotHere as error:
            assert str(error) == "measured on CUDA alone"
            continue
        assert found.isfinite().all(), side.name


def test_weights_look_at_some_tokens_more_than_at_others() -> None:
    setting = Setting(length=100, sizes=Sizes(layers=1))
    model = make_model("bert", None, setting, attention="eager").eval()
    model.config.output_attentions = True

    weights = model(token_ids(setting, 100)).attentions[0]

    assert weights.amax(dim=-1).mean() > 10 / 100


def test_nothing_of_ours_is_there_for_what_transformers_runs_by_itself() -> None:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    assert gonerd.student
    ours = ALL_ATTENTION_FUNCTIONS["sdpa"], ALL_MASK_ATTENTION_FUNCTIONS["sdpa"]
    with untouched():
        assert ALL_ATTENTION_FUNCTIONS["sdpa"] is sdpa_attention_forward
        assert ALL_MASK_ATTENTION_FUNCTIONS["sdpa"] is sdpa_mask
    assert (ALL_ATTENTION_FUNCTIONS["sdpa"], ALL_MASK_ATTENTION_FUNCTIONS["sdpa"]) == ours
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is not sdpa_attention_forward


def test_layers_of_modernbert_keep_their_windows() -> None:
    setting = Setting(length=300, sizes=Sizes(layers=3, width=64, heads=2, ffn=96))
    theirs = make_model("modernbert", None, setting)
    ours = make_model("modernbert", MODERNBERT_WINDOW, setting)
    ids = token_ids(setting, 300)

    far = ids.clone()
    far[0, 299] = 4
    for model in (theirs, ours):
        assert len(set(model.config.layer_types)) == 2
        changed = (model(ids).logits - model(far).logits).abs().amax(dim=(0, 2)) > 0
        assert changed.all()  # by the layer without a window


def test_each_round_begins_with_another_step() -> None:
    called: list[str] = []

    def step(name: str) -> torch.Tensor:
        called.append(name)
        return torch.tensor(len(called))

    steps = {name: lambda name=name: step(name) for name in "abc"}
    timed, found, missing = take_turns(steps, rounds=4)

    assert "".join(called) == "abc" + "abc" + "bca" + "cab" + "abc"
    assert [len(one.wall) for one in timed.values()] == [4, 4, 4]
    assert {name: int(one) for name, one in found.items()} == {"a": 1, "b": 2, "c": 3}
    assert missing == {}


def test_what_does_not_run_is_named_with_the_reason() -> None:
    def broken() -> torch.Tensor:
        raise NotImplementedError("no gradients here.\nMore about that.")

    timed, _, missing = take_turns({"broken": broken, "whole": lambda: torch.ones(1)}, rounds=1)

    assert list(timed) == ["whole"]
    assert missing == {"broken": "NotImplementedError: no gradients here."}
    assert reason(ValueError()) == "ValueError"


def test_after_the_budget_there_are_no_more_than_three_rounds() -> None:
    timed, _, _ = take_turns({"a": lambda: torch.ones(1)}, rounds=50, budget=0)

    assert len(timed["a"].wall) == 3


def test_a_ratio_is_that_of_the_medians_with_the_spread_of_single_rounds() -> None:
    over = Timed(wall=[2.0, 3.0, 9.0], cpu=[1.0, 1.0, 1.0])
    under = Timed(wall=[1.0, 1.0, 2.0], cpu=[1.0, 2.0, 4.0])

    assert compared(over, under, WALL) == {"ratio": 3.0, "least": 2.0, "most": 4.5}
    assert compared(over, under, PROCESSOR) == {"ratio": 0.5, "least": 0.25, "most": 1.0}


def test_other_processes_do_not_count_where_one_thread_runs_on_a_processor() -> None:
    assert clock_of("cpu", 1) == PROCESSOR
    assert clock_of("cpu", 2) == clock_of("cuda", 1) == WALL


def figure(system: str, length: int, **sides: float) -> dict[str, Any]:
    """Make up what was measured."""
    names = {"ours": OURS, "theirs": THEIRS}
    known = {
        names.get(name, name): {"median": one, "peak_bytes": one} for name, one in sides.items()
    }
    return {"system": system, "title": system, "length": length, "sides": known, "ratios": []}


def test_a_goal_is_reached_missed_or_not_measured() -> None:
    figures = [
        figure("longformer", 4096, ours=1.0, theirs=1.8),
        figure("longformer", 8192, ours=1.0, theirs=1.79),
    ]

    judged = {one["goal"]: one for one in judge(figures, TINY)}

    assert judged["Longformer / ours, 4,096 tokens"]["reached"] is True
    assert judged["Longformer / ours, 8,192 tokens"] == {
        "goal": "Longformer / ours, 8,192 tokens",
        "bound": 1.8,
        "at_least": True,
        "measured": 1.79,
        "reached": False,
    }
    assert judged["Longformer / ours, 16,384 tokens"]["reached"] is None


def test_goals_of_training_are_of_time_and_memory() -> None:
    judged = judge([figure("longformer", 4096, ours=2.0, theirs=4.0)], LEARNING)

    assert [one["reached"] for one in judged] == [True, None, None, True, None, None]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_goal_is_of_sides_that_there_are(device: str, dtype: str, training: bool) -> None:
    figures = []
    for system in systems().values():
        for length in (4096, 8192, 16384):
            made = figure(system.name, length, **{side.name: 1.0 for side in system.sides})
            ratios = [
                {"over": one.over, "under": one.under, "difference": 0.0} for one in system.ratios
            ]
            figures.append({**made, "ratios": ratios})
    setting = Setting(length=0, device=device, dtype=dtype, training=training)

    assert all(one["measured"] is not None for one in judge(figures, setting))


def test_growth_is_judged_for_every_kind() -> None:
    kinds = dict.fromkeys(KINDS, 1.0)
    figures = [figure("kinds", 4096, **kinds), figure("kinds", 16384, **(kinds | {"lsg": 5.0}))]

    judged = [one for one in judge(figures, TINY) if one["goal"].startswith("time of")]

    assert [one["reached"] for one in judged] == [name != "lsg" for name in KINDS]


def test_memory_is_that_of_reading_and_not_of_the_model() -> None:
    asked = {
        "system": "dense",
        "side": "gonerd, window 128",
        "settings": [
            Setting(length=length, sizes=TINY.sizes).to_json() for length in (1_000, 20_000)
        ],
        "threads": 1,
    }
    small, large = (one["peak_bytes"] for one in measure_memory(asked))

    state = 20_000 * TINY.sizes.width * 4
    assert small < large
    assert 3 * state < large < 30 * state


def test_a_process_that_ends_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    found = peaks_of("no such", "side", [TINY, TINY], 1)

    assert found == [{"missing": "its process ended with 1"}] * 2
    assert "KeyError: 'no such'" in capfd.readouterr().err


def test_a_setting_goes_to_another_process_and_stays_the_same() -> None:
    assert setting_from_json(json.loads(json.dumps(LEARNING.to_json()))) == LEARNING


def test_texts_of_mixed_lengths_are_each_half_of_the_next() -> None:
    assert lengths_of_texts(Setting(length=1_600)) == [100, 200, 400, 800, 1_600]


def test_a_report_says_what_was_measured_and_what_was_not(tmp_path: Path) -> None:
    request = Request(
        systems=["dense"], lengths=[64, 128], setting=TINY, rounds=2, longest_dense=100
    )
    heard: list[str] = []

    report = bench(request, heard.append)

    assert heard == ["dense: 64 tokens", "dense: 128 tokens"]
    write(report, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(report))
    short, long = report["figures"]
    assert len(short["sides"]["sdpa"]["wall_seconds"]) == 2
    assert long["sides"]["sdpa"] == {"missing": "longer than --longest-dense 100"}
    assert long["ratios"] == []
    text = to_text(report)
    assert "  sdpa: longer than --longest-dense 100" in text
    assert "not measured" in text
    assert describe("cpu")["threads"] == report["machine"]["threads"]


@pytest.mark.parametrize(
    ("check", "said", "message"),
    [
        (
            lengths_of,
            "512,none",
            "--lengths 512,none: expected numbers of tokens from 16 to 1,000,000 with commas "
            "between them, such as 512,4096.",
        ),
        (
            lambda said: sizes_of(3, int(said)),
            "100",
            "--width 100: expected a multiple of 64, the width of a head.",
        ),
        (check_device, "tpu", "--device tpu: expected cpu or cuda."),
        (
            check_device,
            "cpu:3",
            "--device cpu:3: torch finds 1 of kind cpu; expected one of those.",
        ),
        (
            lambda said: check_place(Path(said)),
            "no/such/place.json",
            "--json no/such/place.json: no folder no/such to write into; expected one that is "
            "there.",
        ),
        (
            lambda said: bench(Request(systems=names_of(said))),
            "dense, flash",
            "--systems: there is no system 'flash'; expected some of longformer, bigbird, "
            "nystromformer, modernbert, dense, kinds, share, mixed.",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(check: Any, said: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(said)
    assert str(raised.value) == message


def test_the_command_prints_a_table_and_writes_figures(tmp_path: Path) -> None:
    place = tmp_path / "figures.json"
    sizes = ["--layers", "1", "--width", "64", "--lengths", "64,600", "--threads", "1"]

    options = ["--systems", "longformer", "--rounds", "1", "--json", place]
    ended = run_gonerd("bench", *options, *sizes, cwd=tmp_path)

    assert ended.stderr == "longformer: 64 tokens\nlongformer: 600 tokens\n"
    assert "transformers / gonerd" in ended.stdout
    report = json.loads(place.read_text())
    assert [one["length"] for one in report["figures"]] == [64, 600]
    assert report["settings"]["setting"]["sizes"] == {
        "layers": 1,
        "width": 64,
        "heads": 1,
        "ffn": 256,
    }
