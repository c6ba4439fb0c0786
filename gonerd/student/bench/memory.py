"""A side of a system into its peak memory above the model's, in a process of its own.

`python -m gonerd.student.bench.memory ASKED` is that process; it prints a JSON object for each
setting. What is only made once is made by a short text before, or by the same one where a side is
compiled for each length or has gradients to make room for.
"""

import contextlib
import ctypes
import gc
import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gonerd.student.bench.measure import reason
from gonerd.student.bench.setting import Setting, setting_from_json

FIRST = 512
"""Tokens of the short text."""
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peaks_of(
    system: str, side: str, settings: Sequence[Setting], threads: int
) -> list[dict[str, Any]]:
    """Start a process, and give for each setting the `peak_bytes`, or what is `missing`."""
    asked = {
        "system": system,
        "side": side,
        "settings": [one.to_json() for one in settings],
        "threads": threads,
    }
    command = [sys.executable, "-m", "gonerd.student.bench.memory", json.dumps(asked)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found: list[dict[str, Any]] = [json.loads(line) for line in ended.stdout.splitlines()]
    missing = {"missing": f"its process ended with {ended.returncode}"}
    return found + [missing] * (len(settings) - len(found))


def measure(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run a side twice in this process for each setting, and give its peaks.

    Short texts come first, so that what is measured of long ones holds even where the system does
    not let the mark be taken down.
    """
    import torch

    from gonerd.student.bench.systems import systems

    torch.set_num_threads(asked["threads"])
    side = systems()[asked["system"]].side(asked["side"])
    for setting in map(setting_from_json, asked["settings"]):
        peak = _peak_on_cuda if setting.device.startswith("cuda") else _peak_here
        try:
            step = side.make(setting)
            whole = (
                side.compiled or setting.training
            )  # gradients of weights are no part of the peak
            warm = step if whole else side.make(replace(setting, length=FIRST))
            warm()
            del warm
            yield {"peak_bytes": peak(step)}
        except Exception as error:
            yield {"missing": reason(error)}


def _peak_on_cuda(step: Any) -> int:
    import torch

    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step()
    torch.cuda.synchronize()
    return int(torch.cuda.max_memory_allocated() - before)


def _peak_here(step: Any) -> int:
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # a C library with another way of freeing
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):  # else the peak is that of the whole life of the process
        CLEAR.write_text("5")
    before = _status("VmRSS")
    step()
    return max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    """Read a figure of this process; where nothing tells, the peak of its whole life."""
    found = None
    with contextlib.suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    if found is not None:
        return int(found[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    for found in measure(json.loads(sys.argv[1])):
        print(json.dumps(found), flush=True)
