"""Tests that a card says what was measured, in tables that hold whatever stands in them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gonerd.agreement import PairAgreement
from gonerd.errors import ConfigError
from gonerd.guide import Guide, read_front_matter, shipped
from gonerd.publish.card import fill, front_matter, percent, values_for
from gonerd.publish.measure import Measured
from gonerd.score import Counts, Score
from gonerd.stats import SplitStats, Stats

GUIDE = Guide(
    name="test", version=3, labels={"PER": "People | families.", "LOC": "Places."}, text=""
)
STATS = Stats(
    name="own",
    documents=1234,
    tokens=5_000_000,
    characters=25_000_000,
    spans=70_000,
    per_label={"PER": 40_000, "LOC": 30_000},
    splits={
        "train": SplitStats(documents=1000, tokens=4_000_000, spans=60_000),
        "test": SplitStats(documents=234, tokens=1_000_000, spans=10_000),
    },
    shortest_tokens=3,
    median_tokens=3500,
    longest_tokens=123_456,
    longest_document="the longest",
    long_documents=400,
    licenses={"cc0-1.0": 1200, "mit": 34},
    languages={"en": 1234},
    sources=77,
    losses={"span moved: outer blanks taken off": 12},
)
FILES = {
    "default": {
        "train": ["data/train-00000.parquet"],
        "test": ["data/a.parquet", "data/b.parquet"],
    },
    "annotations": {"train": ["annotations/train-00000.parquet"]},
}
COUNTS = Counts(correct=3, predicted=4, gold=6)
MEASURED = Measured(
    agreements=(
        PairAgreement(
            annotators=("ana", "ben"),
            num_documents=1200,
            num_characters=1_234_567,
            score=Score(micro=COUNTS, per_label={"PER": COUNTS}),
        ),
    ),
    against_reference={
        "gold": Score(micro=COUNTS, per_label={"PER": COUNTS}),
        "ana": Score(micro=Counts(), per_label={}),
    },
)
NAMES = {"ana": "annotator-1", "ben": "annotator-2"}


def values(
    stats: Stats = STATS, measured: Measured = MEASURED, names: dict[str, str] = NAMES
) -> dict[str, str]:
    """Lay out what a template may ask for."""
    return values_for(stats=stats, measured=measured, names=names, guide=GUIDE, settled=1500)


def matter_of(stats: Stats = STATS, **changes: Any) -> dict[str, Any]:
    """Write front matter, and read it back."""
    text = front_matter(
        **{
            "title": "Own",
            "labels": list(GUIDE.labels),
            "stats": stats,
            "files": FILES,
            "annotations_creators": "found",
            **changes,
        }
    )
    assert text.startswith("---\n") and text.endswith("---\n\n")
    matter, rest = read_front_matter(text + "# Title\n", "README.md")
    assert rest == "# Title\n"
    return matter


def cells(table: str) -> list[list[str]]:
    """Split a table into the cells of its lines, without the line of dashes."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.split("\n")]
    assert set(lines[1]) == {"---"}
    return [lines[0], *lines[2:]]


def test_places_are_filled() -> None:
    template = "{{a}} and {{ b }} and {{   a }}{{b   }}, { a } and {{}} stay"
    assert fill(template, {"a": "one", "b": "two"}, "card.md") == (
        "one and two and onetwo, { a } and {{}} stay"
    )


def test_what_is_filled_in_is_not_filled_again() -> None:
    assert fill("{{ a }}", {"a": "{{ b }} \\1 \\g<0>", "b": "x"}, "card.md") == (
        "{{ b }} \\1 \\g<0>"
    )


def test_an_unknown_place_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as error:
        fill("{{ tokens }} {{ tokans }}", {"tokens": "1", "spans": "2"}, "cards/own.md")
    assert str(error.value) == ("cards/own.md: unknown place '{{ tokans }}'; known: spans, tokens.")


@pytest.mark.parametrize(
    "place", ["{{ splits-table }}", "{{ splits table }}", "{{ stats.tokens }}"]
)
def test_a_misspelt_place_is_never_published_as_it_stands(place: str) -> None:
    with pytest.raises(ConfigError):
        fill(f"It has {place}.", values(), "card.md")


@pytest.mark.parametrize("path", sorted(shipped("data_cards").glob("*.md")), ids=lambda p: p.stem)
def test_every_shipped_template_is_filled(path: Path) -> None:
    card = fill(path.read_text(encoding="utf-8"), values(), str(path))
    assert "{{" not in card and "}}" not in card
    assert "5,000,000" in card
    assert "ana" not in card.replace("annotator", "").split()


def test_every_shipped_builder_has_its_template() -> None:
    builders = {path.stem for path in shipped("builders").glob("*.toml")}
    assert builders == {path.stem for path in shipped("data_cards").glob("*.md")}


def test_numbers_are_written_for_people() -> None:
    filled = values()
    expected = {
        "name": "own",
        "documents": "1,234",
        "tokens": "5,000,000",
        "spans": "70,000",
        "sources": "77",
        "shortest": "3",
        "median": "3,500",
        "longest": "123,456",
        "longest_document": "the longest",
        "long_documents": "400",
        "long": "4,096",
        "guide": "test@3",
        "settled_disputes": "1,500",
        "load": 'from datasets import load_dataset\ndataset = load_dataset("own")',
    }
    assert {name: filled[name] for name in expected} == expected


def test_tables_hold_what_was_measured() -> None:
    filled = values()
    assert cells(filled["splits_table"]) == [
        ["split", "documents", "tokens", "spans"],
        ["train", "1,000", "4,000,000", "60,000"],
        ["test", "234", "1,000,000", "10,000"],
    ]
    assert cells(filled["labels_table"]) == [
        ["label", "spans", "meaning"],
        ["PER", "40,000", "People / families."],
        ["LOC", "30,000", "Places."],
    ]
    assert cells(filled["licenses_table"])[1:] == [["cc0-1.0", "1,200"], ["mit", "34"]]
    assert cells(filled["losses_table"])[1:] == [["span moved: outer blanks taken off", "12"]]
    assert cells(filled["agreement_table"]) == [
        ["annotators", "documents both read", "characters both read", "exact-span F1"],
        ["annotator-1 and annotator-2", "1,200", "1,234,567", "60.0"],
    ]
    assert cells(filled["reference_table"]) == [
        ["annotator", "precision", "recall", "F1", "F1 PER", "F1 LOC"],
        ["gold", "75.0", "50.0", "60.0", "60.0", "-"],
        ["annotator-1", "-", "-", "-", "-", "-"],
    ]


def test_where_there_is_nothing_to_tell_the_card_says_so() -> None:
    filled = values(
        replace(STATS, losses={}), Measured(agreements=(), against_reference={}), names={}
    )
    assert filled["agreement_table"] == "One annotator alone: agreement is undefined."
    assert filled["reference_table"] == "There is no reference to measure against."
    assert filled["losses_table"] == "Nothing was refused, repaired or dropped."


@pytest.mark.parametrize("name", ["a|b", "|", "a\\|b", "a\nb", "a\r\nb", "`a`", ""], ids=repr)
def test_a_table_keeps_its_form_whatever_a_name_holds(name: str) -> None:
    """Licences, splits' reasons and pipelines' names come from files that others wrote."""
    pair = replace(MEASURED.agreements[0], annotators=(name, "ben"))
    measured = Measured(
        agreements=(pair,), against_reference={name: MEASURED.against_reference["gold"]}
    )
    filled = values(
        replace(STATS, licenses={name: 3, "mit": 4}, losses={f"refused: {name}": 2}), measured
    )
    for table, columns, rows in [
        ("licenses_table", 2, 2),
        ("losses_table", 2, 1),
        ("agreement_table", 4, 1),
        ("reference_table", 6, 1),
    ]:
        lines = re.split(r"\r\n?|\n", filled[table])
        assert len(lines) == rows + 2, table
        assert {line.count("|") for line in lines} == {columns + 1}, table


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "-"), (0.0, "0.0"), (1.0, "100.0"), (2 / 3, "66.7"), (0.9996, "100.0")],
)
def test_shares_are_written_in_percent(value: float | None, written: str) -> None:
    assert percent(value) == written


def test_front_matter_says_what_a_reader_needs() -> None:
    matter = matter_of()
    assert matter["pretty_name"] == "Own"
    assert matter["language"] == ["en"]
    assert matter["license"] == ["cc0-1.0", "mit"]
    assert "license_name" not in matter
    assert matter["task_categories"] == ["token-classification"]
    assert matter["annotations_creators"] == ["found"]
    assert matter["size_categories"] == ["1K<n<10K"]
    assert matter["configs"] == [
        {
            "config_name": "default",
            "data_files": [
                {"split": "train", "path": "data/train-00000.parquet"},
                {"split": "test", "path": ["data/a.parquet", "data/b.parquet"]},
            ],
        },
        {
            "config_name": "annotations",
            "data_files": [{"split": "train", "path": "annotations/train-00000.parquet"}],
        },
    ]
    features = {
        info["config_name"]: {feature["name"]: feature for feature in info["features"]}
        for info in matter["dataset_info"]
    }
    tags = features["default"]["ner_tags"]["sequence"]["class_label"]["names"]
    assert tags == {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC", "4": "I-LOC"}
    assert features["default"]["spans"]["list"] == features["annotations"]["spans"]["list"]


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        (["mit"], {"license": "mit"}),
        (["cc-by-4.0", "mit"], {"license": ["cc-by-4.0", "mit"]}),
        (["us-public-domain"], {"license": "other", "license_name": "us-public-domain"}),
        (["mit", "own"], {"license": "other", "license_name": "mit, own"}),
    ],
    ids=["one", "two", "one that no hub knows", "one known, one not"],
)
def test_licences_that_a_hub_does_not_know_are_named(
    licenses: list[str], expected: dict[str, Any]
) -> None:
    matter = matter_of(replace(STATS, licenses=dict.fromkeys(licenses, 1)))
    assert {key: matter[key] for key in ("license", "license_name") if key in matter} == expected


@pytest.mark.parametrize(
    ("documents", "size"),
    [
        (1, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (99_999, "10K<n<100K"),
        (100_000, "100K<n<1M"),
        (1_000_000, "n>1M"),
    ],
)
def test_the_size_is_that_of_the_hub(documents: int, size: str) -> None:
    assert matter_of(replace(STATS, documents=documents))["size_categories"] == [size]


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)
    | st.sampled_from(["no", "1.0", "a: b", "---\n", "\n---\n", "# x", "- a", "'\""]),
    st.lists(st.sampled_from(["NO", "null", "PER", "1", "O", "\u00c5", "a b"]), unique=True),
)
def test_front_matter_gives_back_any_title_and_label(title: str, labels: Sequence[str]) -> None:
    matter = matter_of(title=title, labels=labels)
    assert matter["pretty_name"] == title
    tags = matter["dataset_info"][0]["features"][3]["sequence"]["class_label"]["names"]
    assert list(tags.values()) == ["O", *(f"{p}-{label}" for label in labels for p in "BI")]


def test_front_matter_is_plain_yaml() -> None:
    text = front_matter(
        title="Own",
        labels=["PER"],
        stats=STATS,
        files=FILES,
        annotations_creators="found",
    )
    events = list(yaml.parse(text.split("---\n")[1]))
    assert not [event for event in events if isinstance(event, yaml.AliasEvent)]
    assert not [event for event in events if getattr(event, "tag", None)]
