"""What is asked for into figures: each system at each length, its sides in turns."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from gonerd.errors import ConfigError
from gonerd.student.bench.ask import Request, check_device
from gonerd.student.bench.goals import judge
from gonerd.student.bench.machine import describe, limits, versions, waiting
from gonerd.student.bench.measure import clock_of, compared, difference, reason, take_turns
from gonerd.student.bench.memory import peaks_of
from gonerd.student.bench.setting import Setting, Side, Step, System
from gonerd.student.bench.systems import systems


def bench(
    request: Request,
    tell: Callable[[str], None] = lambda line: None,
    keep: Callable[[dict[str, Any]], None] = lambda report: None,
) -> dict[str, Any]:
    """Measure, and judge by the goals.

    `tell` hears of what comes next; `keep` is given what there is after each system, so that a run
    that is stopped is not lost.
    """
    import torch

    chosen = _chosen(request)
    check_device(request.setting.device)
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    device = request.setting.device
    report: dict[str, Any] = {
        "machine": describe(device),
        "versions": versions(),
        "limits": limits(device),
        "clock": clock_of(device, torch.get_num_threads()),
        "settings": asdict(request),
    }
    figures: list[dict[str, Any]] = []
    for system in chosen:
        found = []
        for length in request.lengths:
            tell(f"{system.name}: {length:,} tokens")
            found.append(measure(system, replace(request.setting, length=length), request))
        _add_memory(system, found, request)
        figures += found
        report |= {"figures": figures, "goals": judge(figures, request.setting)}
        keep(report)
    return report


def measure(system: System, setting: Setting, request: Request) -> dict[str, Any]:
    """Measure the sides of a system at a length, time in turns and memory each by itself."""
    import torch

    steps, missing = _made(system, setting, request)
    wait = waiting(setting.device)
    clock = clock_of(setting.device, torch.get_num_threads())
    timed, found, failed = take_turns(steps, request.rounds, request.budget, wait)
    missing.update(failed)
    names = [one.name for one in system.sides]
    sides: dict[str, dict[str, Any]] = {
        name: timed[name].to_json(clock) if name in timed else {"missing": missing[name]}
        for name in names
    }
    ratios = []
    for ratio in system.ratios:
        if ratio.over not in timed or ratio.under not in timed:
            continue
        said: dict[str, Any] = {"over": ratio.over, "under": ratio.under}
        said |= compared(timed[ratio.over], timed[ratio.under], clock)
        if ratio.same:
            said["difference"] = difference(found[ratio.over], found[ratio.under])
        ratios.append(said)
    return {
        "system": system.name,
        "title": system.title,
        "length": setting.length,
        "sides": sides,
        "ratios": ratios,
    }


def _add_memory(system: System, figures: Sequence[dict[str, Any]], request: Request) -> None:
    """Measure the memory of what was timed of a system, one side after the other."""
    import torch

    if request.memory_from is None:
        return
    long = [one for one in figures if one["length"] >= request.memory_from]
    for side in system.sides:
        entries = [(one["length"], one["sides"][side.name]) for one in long]
        entries = [(length, entry) for length, entry in entries if "missing" not in entry]
        if not entries:
            continue
        settings = [replace(request.setting, length=length) for length, _ in entries]
        peaks = peaks_of(system.name, side.name, settings, torch.get_num_threads())
        for (_, entry), peak in zip(entries, peaks, strict=True):
            entry |= peak if "missing" not in peak else {"peak_missing": peak["missing"]}


def _chosen(request: Request) -> list[System]:
    known = systems()
    unknown = [name for name in request.systems if name not in known]
    if unknown:
        raise ConfigError(
            f"--systems: there is no system {unknown[0]!r}; expected some of {', '.join(known)}."
        )
    return [known[name] for name in request.systems or known]


def _made(
    system: System, setting: Setting, request: Request
) -> tuple[dict[str, Step], dict[str, str]]:
    """Make the steps of all sides that can be made, and say why of the others."""
    steps: dict[str, Step] = {}
    missing: dict[str, str] = {}
    for side in system.sides:
        try:
            if _too_long(side, setting, request):
                missing[side.name] = f"longer than --longest-dense {request.longest_dense}"
            else:
                steps[side.name] = side.make(setting)
        except Exception as error:  # whatever keeps a way to read from being made is its result
            missing[side.name] = reason(error)
    return steps, missing


def _too_long(side: Side, setting: Setting, request: Request) -> bool:
    longest = request.longest_dense
    return side.quadratic and longest is not None and setting.length > longest
