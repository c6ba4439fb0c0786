"""Tests that what a command prints says everything in few lines."""

from dataclasses import replace
from pathlib import Path

import pytest

from gonerd.report import release_report, step_report, validation_report
from gonerd.stats import SplitStats, Stats
from gonerd.store import Manifest
from gonerd.validate import Breach, Validation

STATS = Stats(
    name="own",
    documents=1234,
    tokens=5_000_000,
    characters=25_000_000,
    spans=70_000,
    per_label={"PER": 40_000, "LOC": 30_000, "MISC": 0},
    splits={
        "train": SplitStats(documents=1000, tokens=4_000_000, spans=60_000),
        "test": SplitStats(documents=234, tokens=1_000_000, spans=10_000),
    },
    shortest_tokens=3,
    median_tokens=3500,
    longest_tokens=123_456,
    longest_document="the longest",
    long_documents=400,
    licenses={"mit": 1234},
    languages={"en": 1234},
    sources=77,
    losses={},
)
MANIFEST = Manifest(
    step="prelabel",
    gonerd="0",
    fingerprint="0",
    config={},
    inputs={},
    counts={"documents": 1234, "spans": 5},
    losses={},
    parts=(),
)


def test_a_release_is_described_and_how_to_load_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert release_report(STATS, Path("own")) == (
        "own: 1,234 documents, 5,000,000 tokens, 70,000 spans\n"
        "  longest 123,456 tokens (the longest), median 3,500, shortest 3; 400 over 4,096\n"
        "  spans: PER 40,000, LOC 30,000, MISC 0\n"
        "  train         1,000 documents    4,000,000 tokens    60,000 spans\n"
        "  test            234 documents    1,000,000 tokens    10,000 spans\n"
        "  nothing refused, repaired or dropped\n"
        "\n"
        f"Load it, in {tmp_path}:\n"
        "  from datasets import load_dataset\n"
        '  dataset = load_dataset("own")'
    )


@pytest.mark.parametrize("place", [".", "sub/.."])
def test_a_release_in_this_folder_is_loaded_by_the_name_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "own" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "own")
    lines = release_report(STATS, Path(place)).splitlines()
    assert lines[-3] == f"Load it, in {tmp_path}:"
    assert lines[-1] == '  dataset = load_dataset("own")'


def test_losses_are_listed_the_most_frequent_first() -> None:
    report = release_report(replace(STATS, losses={"a: x": 1, "b: y": 3000}), Path("own"))
    assert "  ledger.parquet names each of these:\n   3,000 x b: y\n       1 x a: x\n" in report


def test_a_step_says_what_it_gave_and_lost() -> None:
    assert step_report(MANIFEST, Path("work/own/documents")) == (
        "work/own/documents: 1,234 documents, 5 spans\n  nothing refused, repaired or dropped"
    )
    losing = replace(MANIFEST, losses={"a: x": 1}, notes={"vote": "it was asked for"})
    assert step_report(losing, Path("out")) == (
        "out: 1,234 documents, 5 spans\n"
        "  vote: it was asked for\n"
        "  ledger.parquet names each of these:\n       1 x a: x"
    )


@pytest.mark.parametrize(("reasons", "listed"), [(20, 20), (21, 20), (200, 20)])
def test_of_many_reasons_twenty_are_listed_and_the_rest_counted(reasons: int, listed: int) -> None:
    losses = {f"reason {number}": number + 1 for number in range(reasons)}
    lines = step_report(replace(MANIFEST, losses=losses), Path("out")).splitlines()[2:]
    assert len([line for line in lines if " x reason " in line]) == listed
    assert lines[0].endswith(f"{reasons} x reason {reasons - 1}")
    if reasons > listed:
        assert lines[-1] == f"  and {reasons - listed} other reasons"


def test_a_validation_without_breaches_says_what_was_checked() -> None:
    validation = Validation(checked={"documents": 1234, "spans": 5})
    assert validation_report(validation, Path("own")) == (
        "own: all promises kept (1,234 documents, 5 spans)"
    )


@pytest.mark.parametrize("number", [1, 20, 21, 3000])
def test_breaches_are_listed_and_beyond_twenty_counted(number: int) -> None:
    breaches = tuple(Breach(where=f"doc-{n}", what="is broken") for n in range(number))
    lines = validation_report(Validation(checked={"rows": 7}, breaches=breaches), Path("own"))
    head, *rest = lines.splitlines()
    counted = "1 breach" if number == 1 else f"{number:,} breaches"
    assert head == f"own: {counted} (7 rows)"
    assert rest[0] == "  doc-0: is broken"
    if number <= 20:
        assert len(rest) == number
    else:
        assert rest[20:] == [f"  and {number - 20:,} more; --json lists them all"]
