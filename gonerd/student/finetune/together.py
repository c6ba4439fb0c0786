"""Processes into one run: the examples of an update shared out, gradients added up.

`torchrun --nproc-per-node 2 -m gonerd finetune ...` starts the same command several times and tells
each which it is. All have the same weights and go the same way: every process learns from its share
of an update, the sum of gradients is that of one process, and so is the step. Only the first
writes, and speaks.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from gonerd.errors import GonerdError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Which process of how many this is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, items: Sequence[T], sizes: Sequence[int]) -> list[T]:
        """Give this process its items, in order: each to whoever has least, the largest first."""
        if self.size == 1:
            return list(items)
        loads = [0] * self.size
        owner: dict[int, int] = {}
        for index in np.argsort(-np.array(sizes, dtype=np.int64), kind="stable").tolist():
            owner[index] = loads.index(min(loads))
            loads[owner[index]] += sizes[index]
        return [item for index, item in enumerate(items) if owner[index] == self.rank]

    def sum(self, *values: float) -> list[float]:
        """Add numbers up over all processes."""
        if self.size == 1:
            return list(values)
        import torch

        total = torch.tensor(values, dtype=torch.float64)
        with _others():
            torch.distributed.all_reduce(total)
        return [float(one) for one in total]

    def add_gradients(self, model: Any) -> None:
        """Add gradients up over all processes; where none has one, there is none."""
        if self.size == 1:
            return
        import torch

        learning = [one for one in model.parameters() if one.requires_grad]
        there = torch.tensor([float(one.grad is not None) for one in learning])
        with _others():
            torch.distributed.all_reduce(there)
        some = [one for one, number in zip(learning, there.tolist(), strict=True) if number]
        each = [torch.zeros_like(one) if one.grad is None else one.grad for one in some]
        whole = torch.cat([one.flatten() for one in each])
        with _others():
            torch.distributed.all_reduce(whole)
        parts = whole.split([one.numel() for one in some])
        for one, part in zip(some, parts, strict=True):
            one.grad = part.view_as(one).to(one.dtype)

    def wait(self) -> None:
        """Go on when all have come here."""
        self.sum(0.0)


ALONE = World()


def leads() -> bool:
    """Say whether this process is the one that speaks."""
    return int(os.environ.get("RANK", "0")) == 0 or _num_processes() == 1


@contextlib.contextmanager
def together() -> Iterator[World]:
    """Join the other processes of this run, if there are any, until the block ends.

    What is wrong with data or configuration is wrong for all, and raised in the first alone.
    """
    if _num_processes() == 1:
        yield ALONE
        return
    from gonerd.student.checkpoint import import_transformers

    import_transformers("finetune")
    import torch

    torch.distributed.init_process_group("gloo")
    world = World(rank=torch.distributed.get_rank(), size=torch.distributed.get_world_size())
    try:
        yield world
        world.wait()
    except GonerdError:
        if world.leads:
            raise
        raise SystemExit(1) from None
    finally:
        torch.distributed.destroy_process_group()


def _num_processes() -> int:
    """Read what torchrun says."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "MASTER_ADDR" in os.environ else 1


@contextlib.contextmanager
def _others() -> Iterator[None]:
    """Say it plainly where another process is no longer there."""
    try:
        yield
    except RuntimeError as error:
        raise GonerdError(
            "training: another process of this run has ended; expected all to go on.\n"
            "See what it said, and give the same command again: what was saved is resumed."
        ) from error
