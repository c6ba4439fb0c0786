"""Tests that a release's numbers are those one counts by hand."""

import json
import shutil
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gonerd.errors import GonerdError
from gonerd.release import Release, open_release, read_rows
from gonerd.stats import SplitStats, Stats, describe
from tests.small_release import MARKED, SPLITS, Opened, build_small, text_and_spans, write_dataset


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release; read it, do not change it."""
    return build_small(write_dataset(tmp_path_factory.mktemp("built")))


@pytest.fixture
def release(built: Release, tmp_path: Path) -> Opened:
    """A copy of it, to change."""
    return Opened(folder=Path(shutil.copytree(built.folder, tmp_path / "own")))


def test_the_numbers_are_those_of_the_documents(built: Release) -> None:
    tokens = {row["id"]: len(row["tokens"]) for _, row in read_rows(built, "default")}
    spans = {name: len(text_and_spans(name)[1]) for name in MARKED}
    labels = Counter(span.label for name in MARKED for span in text_and_spans(name)[1])
    stats = describe(built)
    median = stats.median_tokens
    assert (
        statistics.median_low(tokens.values()) <= median <= statistics.median_high(tokens.values())
    )
    assert stats == Stats(
        name="own",
        documents=len(MARKED),
        tokens=sum(tokens.values()),
        characters=sum(len(text_and_spans(name)[0]) for name in MARKED),
        spans=sum(spans.values()),
        per_label={label: labels[label] for label in ("PER", "ORG", "LOC", "MISC")},
        splits={
            split: SplitStats(
                documents=len(names),
                tokens=sum(tokens[name] for name in names),
                spans=sum(spans[name] for name in names),
            )
            for split, names in SPLITS.items()
        },
        shortest_tokens=min(tokens.values()),
        median_tokens=median,
        longest_tokens=max(tokens.values()),
        longest_document=stats.longest_document,
        long_documents=0,
        licenses={"cc0-1.0": len(MARKED)},
        languages={"en": len(MARKED)},
        sources=len(MARKED),
        losses={"span widened in the tags: its border lies inside a token": 1},
    )
    assert tokens[stats.longest_document] == stats.longest_tokens
    assert list(stats.per_label) == ["PER", "ORG", "LOC", "MISC"]
    assert list(stats.splits) == ["train", "validation", "test"]


def test_the_numbers_are_plain_json(built: Release) -> None:
    described = describe(built).to_json()
    assert json.loads(json.dumps(described)) == described
    assert described["splits"]["test"] == {"documents": 1, "tokens": 14, "spans": 3}


def test_a_document_of_more_than_4096_tokens_is_long(release: Opened) -> None:
    def make_long(number: int) -> Any:
        return lambda row: row.update(num_tokens=number)

    release.change_row("data/train-00000.parquet", "harbour", make_long(4096))
    release.change_row("data/train-00000.parquet", "lighthouse", make_long(4097))
    stats = describe(release.open())
    assert (stats.long_documents, stats.longest_document) == (1, "lighthouse")


def test_licences_and_languages_are_counted_and_sources_are_counted_once(release: Opened) -> None:
    file = "data/train-00000.parquet"
    release.change_row(file, "harbour", lambda row: row.update(license="mit", language="sv"))
    release.change_row(file, "lighthouse", lambda row: row.update(source="harbour.marked"))
    stats = describe(release.open())
    assert list(stats.licenses.items()) == [("cc0-1.0", 5), ("mit", 1)]
    assert list(stats.languages.items()) == [("en", 5), ("sv", 1)]
    assert stats.sources == 5


@pytest.mark.parametrize("configs", [{}, {"default": {}}], ids=["no config", "no split"])
def test_a_release_without_rows_has_no_numbers(release: Opened, configs: dict[str, Any]) -> None:
    release.change_manifest(lambda manifest: manifest.update(configs=configs))
    with pytest.raises(GonerdError):
        describe(open_release(release.folder))


def test_a_release_with_other_columns_has_no_numbers(release: Opened) -> None:
    file = "data/test-00000.parquet"
    table = pq.read_table(release.folder / file).drop_columns(["spans"])
    release.write_table(file, table)
    with pytest.raises(GonerdError):
        describe(release.open())
