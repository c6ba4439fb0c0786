"""What is measured side by side: each system as its users run it, and ours."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from gonerd.student.attention.adapters.hook import ADAPTED
from gonerd.student.attention.executors import executor
from gonerd.student.attention.interface import READERS
from gonerd.student.bench.mixed import packed, padded, singly
from gonerd.student.bench.models import MODERNBERT_WINDOW, side
from gonerd.student.bench.parts import attention_alone, flex_side, linear_layers
from gonerd.student.bench.setting import NotHere, Ratio, Setting, Side, Step, System

if TYPE_CHECKING:
    import torch

THEIRS, OURS = "transformers", "gonerd"
VARLEN, FLEXIBLE = "gonerd, varlen", "gonerd, flex"
DENSE, DENSE_PADDED = "sdpa", "sdpa, padding"
WINDOW, WINDOW_PADDED = "gonerd, window 128", "gonerd, window 128, padding"
FLEX = "flex_attention"
FLEX_WINDOW, WIDE_WINDOW = "flex, window 512", "band, window 512"
LINEAR = "linear layers alone"
FLASH, COMPILED = "flash_attention_2", "sdpa, compiled"
PADDED, SINGLY = "sdpa, padded", "sdpa, one by one"
NARROW, WIDE = 384, 768
"""Widths at which attention is compared with the linear layers."""
LSG = {"attention": "lsg", "block": 128, "selection": "norm", "sparsity_factor": 2}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "band, window 128": {"attention": "band", "half_window": 64},
    WIDE_WINDOW: {"attention": "band", "half_window": 256},
    "longformer, window 512": {"attention": "longformer", "half_window": 256, "global_tokens": 1},
    "bigbird": {"attention": "bigbird"},
    "lsg": LSG,
    "nystromformer": {"attention": "nystromformer"},
}
"""Our attentions, each in a BERT."""


def systems() -> dict[str, System]:
    """List what there is to measure, by name."""
    return {one.name: one for one in (*_pairs(), *_others())}


def _others() -> tuple[System, ...]:
    return _modernbert(), _dense(), _kinds(), _share(), _mixed()


def by_executor(name: str, executor_name: str, made: Side) -> Side:
    """Describe a side that reads by another executor of ours, on CUDA."""

    def make(setting: Setting) -> Step:
        step = made.make(setting)

        def run() -> "torch.Tensor":
            with executor(executor_name):
                return step()

        return run

    return only_on_cuda(name, replace(made, make=make))


def only_on_cuda(name: str, made: Side) -> Side:
    """Describe a side that is a choice on CUDA alone."""

    def make(setting: Setting) -> Step:
        if not setting.device.startswith("cuda"):
            raise NotHere("measured on CUDA alone")
        return made.make(setting)

    return replace(made, name=name, make=make)


def _pairs() -> list[System]:
    """Models that transformers gives an attention of their own; the same weights, read by ours."""
    landmarks = {"attention": "nystromformer"}
    adapted = "nystromformer" in ADAPTED
    tables: list[tuple[str, str, str, dict[str, Any], bool]] = [
        ("longformer", "longformer", "Longformer, window 512", {"attention": "longformer"}, True),
        (
            "bigbird",
            "big_bird",
            "BigBird, blocks of 64, three of them random",
            {"attention": "bigbird", "random": "own"},
            True,
        ),
        ("nystromformer", "nystromformer", "Nystromformer, 64 landmarks", landmarks, adapted),
    ]
    return [
        System(
            name=name,
            title=title,
            sides=(
                side(THEIRS, family, attention=None),
                side(OURS, family, table, attention=None)
                if same
                else _missing_or(name, side(OURS, "bert", table)),
            ),
            ratios=(Ratio(over=THEIRS, under=OURS, same=same),),
        )
        for name, family, title, table, same in tables
    ]


def _missing_or(kind: str, made: Side) -> Side:
    """Describe a side that there is once ours reads by that kind."""

    def make(setting: Setting) -> Step:
        if kind not in READERS:
            raise NotHere(f"ours has no attention {kind!r}")
        return made.make(setting)

    return replace(made, make=make)


def _modernbert() -> System:
    family = "modernbert"
    ours = side(OURS, family, MODERNBERT_WINDOW)
    flash = side(FLASH, family, attention=FLASH, quadratic=True)
    compiled = side(COMPILED, family, compiling=True, quadratic=True)
    return System(
        name="modernbert",
        title="ModernBERT, every third layer without a window",
        sides=(
            side(DENSE, family, quadratic=True),
            side(FLEX, family, attention="flex_attention", compiled=True),
            only_on_cuda(FLASH, flash),
            only_on_cuda(COMPILED, compiled),
            ours,
            by_executor(VARLEN, "varlen", ours),
            by_executor(FLEXIBLE, "flex", ours),
        ),
        ratios=tuple(
            Ratio(over=one, under=other, same=True)
            for other in (OURS, VARLEN, FLEXIBLE)
            for one in (DENSE, FLEX, FLASH, COMPILED)
        ),
    )


def _dense() -> System:
    window = KINDS["band, window 128"]
    return System(
        name="dense",
        title="BERT: full attention, and a window of 128",
        sides=(
            side(DENSE, "bert", quadratic=True),
            side(DENSE_PADDED, "bert", quadratic=True, padding=True),
            side(WINDOW, "bert", window),
            side(WINDOW_PADDED, "bert", window, padding=True),
        ),
        ratios=(
            Ratio(over=DENSE, under=WINDOW),
            Ratio(over=DENSE_PADDED, under=WINDOW_PADDED),
        ),
    )


def _kinds() -> System:
    """List every attention of ours, the same window by FlexAttention, and the floor."""
    names = list(KINDS)
    return System(
        name="kinds",
        title="BERT with every attention of ours, beside its linear layers alone",
        sides=(
            Side(name=LINEAR, make=linear_layers),
            *(
                _missing_or(str(KINDS[name]["attention"]), side(name, "bert", KINDS[name]))
                for name in names
            ),
            flex_side(FLEX_WINDOW, 256),
        ),
        ratios=(
            *(Ratio(over=name, under=LINEAR) for name in names),
            Ratio(over=FLEX_WINDOW, under=WIDE_WINDOW, same=True),
        ),
    )


def attention_name(width: int) -> str:
    """Name the side of attention alone at a width."""
    return f"attention, window 512, width {width}"


def linear_name(width: int) -> str:
    """Name the side of the linear layers alone at a width."""
    return f"linear layers, width {width}"


def _share() -> System:
    """Set attention alone beside the linear layers alone, as wide as base and small models."""
    sides: list[Side] = []
    ratios: list[Ratio] = []
    for width in (WIDE, NARROW):
        reading = partial(attention_alone, half_window=256, width=width)
        sides += [
            Side(name=linear_name(width), make=partial(linear_layers, width=width)),
            Side(name=attention_name(width), make=reading),
        ]
        ratios.append(Ratio(over=attention_name(width), under=linear_name(width)))
    return System(
        name="share",
        title="Attention of a window of 512 beside the linear layers, without the rest of a model",
        sides=tuple(sides),
        ratios=tuple(ratios),
    )


def _mixed() -> System:
    ours = Side(name=OURS, make=packed)
    return System(
        name="mixed",
        title="ModernBERT on five texts of mixed lengths, the longest of this length",
        sides=(
            Side(name=PADDED, make=padded, quadratic=True),
            Side(name=SINGLY, make=singly, quadratic=True),
            ours,
            by_executor(VARLEN, "varlen", ours),
        ),
        ratios=tuple(
            Ratio(over=one, under=other, same=True)
            for other in (OURS, VARLEN)
            for one in (PADDED, SINGLY)
        ),
    )
