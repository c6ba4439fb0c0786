"""The machine into what it is, and the two limits that nothing on it can pass."""

import os
import platform
import re
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("gonerd", "torch", "transformers", "numpy", "flash-attn")
MATRIX = {"cpu": 2_048, "cuda": 8_192}
"""Rows and columns of the matrices that are multiplied."""
COPIED = {"cpu": 2**28, "cuda": 2**30}
"""Bytes that are copied: more than any cache holds."""
TIMES = 10


def describe(device: str) -> dict[str, Any]:
    """Say what machine this is, and which versions run on it."""
    import torch

    found = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }
    if device.startswith("cuda"):
        found["accelerator"] = torch.cuda.get_device_name(device)
    return found


def versions() -> dict[str, str]:
    """List the versions of what is measured, without what is not installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def limits(device: str) -> dict[str, float]:
    """Measure how fast matrices are multiplied, by number of bits, and how fast bytes are moved."""
    import torch

    kind = device.split(":")[0]
    wait = waiting(device)
    found = {}
    for dtype in ("float32", "bfloat16"):
        size = MATRIX[kind]
        one = torch.randn(size, size, device=device).to(getattr(torch, dtype))
        seconds = _fastest(lambda one=one: one @ one, wait)  # type: ignore[misc]
        found[f"{dtype}_gigaflops"] = round(2 * size**3 / seconds / 1e9, 1)
    source = torch.zeros(COPIED[kind], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = _fastest(lambda: target.copy_(source), wait)
    found["gigabytes_a_second"] = round(2 * COPIED[kind] / seconds / 1e9, 1)
    return found


def waiting(device: str) -> Callable[[], None]:
    """Give what waits until a device has done all that it was told."""
    import torch

    def wait() -> None:
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)

    return wait


def _fastest(work: Callable[[], Any], wait: Callable[[], None]) -> float:
    work()
    seconds = []
    for _ in range(TIMES):
        wait()
        began = time.perf_counter()
        work()
        wait()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _processor() -> str:
    try:
        named = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        named = None
    return named[1] if named else platform.processor() or platform.machine()
