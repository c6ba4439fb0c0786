"""Tests of the step: what was read whole is published, once, and the rest is named."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gonerd.arrow import losses_from
from gonerd.build import Plan, load_plan, run_collect, run_publish
from gonerd.engine import Engine
from gonerd.errors import ConfigError, GonerdError, Lost, StoreError
from gonerd.records import Annotation, Loss, Span
from gonerd.release import Release, open_release, read_rows
from gonerd.store import read_part
from gonerd.validate import validate
from tests.folders import age, contents, stamps
from tests.small_release import (
    MARKED,
    SPLITS,
    add_documents,
    build_small,
    documents,
    people,
    said_by,
    text_and_spans,
    write_dataset,
)

WIDENED = Loss(
    document_id="lighthouse",
    start=10,
    end=14,
    what="span widened in the tags",
    why="its border lies inside a token",
)
UNREAD = "nobody has read all of it, and unread is not the same as no entity"


def change_builder(builder: Path, old: str, new: str) -> None:
    """Change a stretch of a builder."""
    text = builder.read_text(encoding="utf-8")
    assert old in text
    builder.write_text(text.replace(old, new), encoding="utf-8")


def rows_of(release: Release, config: str = "default") -> list[tuple[str, dict[str, Any]]]:
    """Read all rows of a config with their split."""
    return list(read_rows(release, config))


def splits_of(release: Release) -> dict[str, str]:
    """Read the split of every document."""
    return {row["id"]: split for split, row in rows_of(release)}


def ledger_of(release: Release) -> list[Loss]:
    """Read the ledger."""
    return losses_from(read_part(release.folder / "ledger.parquet"))


def plan_of(builder: Path) -> Plan:
    """Make the plan that `build_small` follows."""
    return load_plan(str(builder), work=builder.parent / "work", out=builder.parent / "own")


def only_ana(*names: str) -> list[Annotation]:
    """Make what ana says of some documents."""
    return [said_by("ana", name) for name in names]


def test_every_document_comes_out_as_it_went_in_and_in_its_split(tmp_path: Path) -> None:
    release = build_small(write_dataset(tmp_path))
    assert {row["id"]: row["text"] for _, row in rows_of(release)} == {
        name: document.text for name, document in documents().items()
    }
    assert splits_of(release) == {name: split for split, names in SPLITS.items() for name in names}
    for _, row in rows_of(release):
        _, spans = text_and_spans(row["id"])
        assert [(span["start"], span["end"], span["label"]) for span in row["spans"]] == [
            (span.start, span.end, span.label) for span in spans
        ]
    assert ledger_of(release) == [WIDENED]
    assert release.losses == {"span widened in the tags: its border lies inside a token": 1}
    assert release.counts == {
        "documents": 6,
        "tokens": sum(row["num_tokens"] for _, row in rows_of(release)),
        "spans": sum(len(text_and_spans(name)[1]) for name in MARKED),
    }
    assert validate(release.folder).breaches == ()


def test_every_layer_stands_beside_its_document_and_people_have_no_names(tmp_path: Path) -> None:
    release = build_small(write_dataset(tmp_path))
    layers = [
        (split, row["document_id"], row["annotator"])
        for split, row in rows_of(release, "annotations")
    ]
    names = json.loads((tmp_path / "work" / "own" / "pseudonyms.json").read_text(encoding="utf-8"))
    assert set(names) == {"ana", "ben"}
    splits = splits_of(release)
    said = [(one.document_id, names[one.annotator]) for one in people()]
    said += [(name, "en_ruler@1.2.3") for name in MARKED]
    assert sorted(layers) == sorted((splits[name], name, annotator) for name, annotator in said)
    for name, content in contents(release.folder).items():
        assert b"ana" not in content.replace(b"annotat", b"").split(), name
    for file in release.folder.rglob("*.parquet"):
        for row in pq.read_table(file).to_pylist():
            assert "ana" not in row.values() and "ben" not in row.values()


def test_support_and_confidence_say_how_many_stand_behind_a_span(tmp_path: Path) -> None:
    release = build_small(write_dataset(tmp_path))
    (quarry,) = [row for _, row in rows_of(release) if row["id"] == "quarry"]
    assert [(span["support"], span["confidence"]) for span in quarry["spans"]] == [
        (2, 1.0),
        (1, 0.5),
        (2, 1.0),
    ]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    builder = write_dataset(tmp_path)
    first = build_small(builder)
    age(first.folder)
    before = stamps(first.folder)
    assert build_small(builder) == first
    assert stamps(first.folder) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "Own documents"', 'title = "Other documents"'),
        ('annotations_creators = "expert-generated"', 'annotations_creators = "crowdsourced"'),
        ('reference = "documents"\n', ""),
        ('license = "cc0-1.0"', 'license = "mit"'),
        ("[publish]", '[publish]\ngroup = "document"'),
    ],
    ids=["title", "creators", "reference", "licence", "group"],
)
def test_a_changed_builder_makes_the_release_anew(tmp_path: Path, old: str, new: str) -> None:
    builder = write_dataset(tmp_path)
    first = build_small(builder)
    change_builder(builder, old, new)
    second = build_small(builder)
    assert second.fingerprint != first.fingerprint
    assert splits_of(second) == splits_of(first)
    assert validate(second.folder).breaches == ()


def test_a_document_stays_where_it_was_published_when_its_split_is_no_longer_fixed(
    tmp_path: Path,
) -> None:
    builder = write_dataset(tmp_path)
    first = splits_of(build_small(builder))
    text = builder.read_text(encoding="utf-8")
    builder.write_text(text[: text.index("[publish]")], encoding="utf-8")
    assert splits_of(build_small(builder)) == first


def test_a_changed_card_makes_the_release_anew(tmp_path: Path) -> None:
    builder = write_dataset(tmp_path)
    build_small(builder)
    (tmp_path / "card.md").write_text("# {{ name }}, changed\n", encoding="utf-8")
    release = build_small(builder)
    assert (release.folder / "README.md").read_text(encoding="utf-8").endswith("# own, changed\n")


@pytest.mark.parametrize("file", ["README.md", "data/test-00000.parquet", "legacy/own.py"])
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "changed"])
def test_a_damaged_release_is_made_again(tmp_path: Path, file: str, lost: bool) -> None:
    builder = write_dataset(tmp_path)
    release = build_small(builder)
    whole = contents(release.folder)
    if lost:
        (release.folder / file).unlink()
    else:
        (release.folder / file).write_bytes(b"x")
    build_small(builder)
    assert contents(release.folder) == whole


def test_a_document_nobody_read_whole_is_left_out_and_named(tmp_path: Path) -> None:
    text, _ = text_and_spans("mill")
    half = said_by("ana", "mill", coverage=((0, 13),), leave_out=["Olga Roe", "Bergen"])
    annotations = [*only_ana("harbour", "quarry"), half]
    release = build_small(write_dataset(tmp_path, annotations=annotations))
    assert splits_of(release) == {"harbour": "train", "quarry": "test"}
    assert set(release.configs["default"]) == {"train", "test"}
    assert {row["document_id"] for _, row in rows_of(release, "annotations")} == {
        "harbour",
        "quarry",
    }
    unread = {loss.document_id: (loss.start, loss.end) for loss in ledger_of(release)}
    assert unread == {
        "mill": (13, len(text)),
        **{name: (0, len(documents()[name].text)) for name in MARKED if name[0] in "fl"},
    }
    assert release.losses == {f"document left out: {UNREAD}": 4}
    assert validate(release.folder).breaches == ()


def test_where_nothing_was_read_whole_there_is_no_release(tmp_path: Path) -> None:
    annotations = [said_by("ana", "mill", coverage=((0, 13),), leave_out=["Olga Roe", "Bergen"])]
    with pytest.raises(StoreError) as error:
        build_small(write_dataset(tmp_path, annotations=annotations))
    assert str(error.value) == (
        f"{tmp_path / 'work' / 'own' / 'rows'}: no document is left to publish; expected one that "
        "was read whole.\nThe ledger.parquet in that folder names each and why."
    )
    assert not (tmp_path / "own").exists()


def test_strict_refuses_losses_before_and_after_the_release_is_made(tmp_path: Path) -> None:
    builder = write_dataset(tmp_path)
    message = (
        f"{tmp_path / 'own'}: the release would lack something and --strict forbids it; expected "
        "no losses.\n  1 x span widened in the tags: its border lies inside a token"
    )
    with pytest.raises(Lost) as error:
        build_small(builder, Engine(strict=True))
    assert str(error.value) == message
    assert not (tmp_path / "own").exists()
    build_small(builder)
    with pytest.raises(Lost) as error:
        build_small(builder, Engine(strict=True))
    assert str(error.value) == message


def test_an_added_document_moves_no_other(tmp_path: Path) -> None:
    builder = write_dataset(tmp_path)
    text = builder.read_text(encoding="utf-8")
    builder.write_text(text[: text.index("[publish]")], encoding="utf-8")
    first = splits_of(build_small(builder))
    more = {
        f"more {number}": f"Text {number} of many: [PER Olga Roe] goes to place {number * 7}."
        for number in range(8)
    }
    add_documents(builder, more)
    second = splits_of(build_small(builder))
    assert set(second) == {*MARKED, *more}
    assert {name: second[name] for name in first} == first


def test_near_duplicates_stay_in_one_split_whatever_the_hash(tmp_path: Path) -> None:
    for number in range(3):
        builder = write_dataset(
            tmp_path / str(number),
            changes={
                'train = ["harbour", "lighthouse", "ferry_first", "ferry_second"], ': "",
                "fixed_splits": f"shares = {{ train = 0.{number + 1}, validation = 0.4, "
                f"test = 0.{5 - number} }}\nfixed_splits",
            },
        )
        splits = splits_of(build_small(builder))
        assert splits["ferry_first"] == splits["ferry_second"]


def test_fixed_splits_that_part_near_duplicates_are_refused(tmp_path: Path) -> None:
    old, new = '"ferry_second"], validation = [', '], validation = ["ferry_second", '
    builder = write_dataset(tmp_path, changes={old: new})
    with pytest.raises(ConfigError) as error:
        build_small(builder)
    assert str(error.value) == (
        "publish.fixed_splits: 'ferry_first' (train), 'ferry_second' (validation) share a source "
        "or nearly all their text; expected them in one split."
    )
    assert not (tmp_path / "own").exists()


def test_a_bridge_between_two_splits_is_left_out_and_named(tmp_path: Path) -> None:
    common = " ".join(f"word{number}" for number in range(200))
    ends = {name: " ".join(f"{name}{number}" for number in range(60)) for name in ("red", "blue")}
    piers = {name: f"{common} {end}" for name, end in ends.items()}
    builder = write_dataset(
        tmp_path, changes={"train = [": 'train = ["red", ', "test = [": 'test = ["blue", '}
    )
    add_documents(builder, piers)
    build_small(builder)
    for name in piers:
        change_builder(builder, f'"{name}", ', "")
    add_documents(builder, {**piers, "bridge": common})
    release = build_small(builder)
    splits = splits_of(release)
    assert (splits["red"], splits["blue"]) == ("train", "test")
    assert "bridge" not in splits
    assert "bridge" not in {row["document_id"] for _, row in rows_of(release, "annotations")}
    assert [loss for loss in ledger_of(release) if loss.document_id == "bridge"] == [
        Loss(
            document_id="bridge",
            what="document left out",
            why="it shares its source or text with documents of another split",
        )
    ]
    assert validate(release.folder).breaches == ()


def test_shares_with_new_names_do_not_break_the_next_release(tmp_path: Path) -> None:
    """What was published in `validation` has no place any more: kept, or refused with a reason."""
    builder = write_dataset(tmp_path)
    build_small(builder)
    text = builder.read_text(encoding="utf-8")
    shares = "[publish]\nshares = { train = 0.8, dev = 0.1, test = 0.1 }\n"
    builder.write_text(text[: text.index("[publish]")] + shares, encoding="utf-8")
    try:
        release = build_small(builder)
    except GonerdError:
        return
    assert validate(release.folder).breaches == ()


@pytest.mark.parametrize("change", ["text", "more", "fewer"])
def test_gold_of_other_documents_is_not_published(tmp_path: Path, change: str) -> None:
    """`collect` ran again, `reconcile` did not: it is refused, or what comes out is right."""
    builder = write_dataset(tmp_path, changes={"[prelabel]": "part_bytes = 200\n\n[prelabel]"})
    build_small(builder)
    folder = tmp_path / "documents"
    if change == "text":
        (folder / "mill.marked").write_text("Now [PER Bo] is first.", encoding="utf-8")
    elif change == "more":
        (folder / "new.marked").write_text("[PER Bo] is new. " * 30, encoding="utf-8")
    else:
        (folder / "mill.marked").unlink()
    plan = plan_of(builder)
    run_collect(plan, Engine())
    try:
        release = run_publish(plan, Engine())
    except GonerdError:
        return
    assert validate(release.folder).breaches == ()


@pytest.mark.parametrize(
    ("runs", "missing", "way_out"),
    [
        ((), "gold", "Run the step `reconcile` first."),
        ((run_collect,), "gold", "Run the step `reconcile` first."),
    ],
    ids=["nothing", "collect"],
)
def test_a_missing_step_is_named(
    tmp_path: Path, runs: Sequence[Any], missing: str, way_out: str
) -> None:
    plan = plan_of(write_dataset(tmp_path))
    for run in runs:
        run(plan, Engine())
    with pytest.raises(StoreError) as error:
        run_publish(plan, Engine())
    assert str(error.value) == (
        f"{plan.work / missing}: no finished step; expected manifest.json in it.\n{way_out}"
    )


def test_a_place_that_is_taken_is_refused_before_any_work(tmp_path: Path) -> None:
    builder = write_dataset(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError) as error:
        build_small(builder)
    assert str(error.value) == (
        f"{tmp_path / 'own'}: holds thesis.txt; expected nothing, an empty folder, or an earlier "
        "release.\nGive another place with --out."
    )
    assert not (tmp_path / "work").exists()


def test_an_unknown_place_in_the_card_leaves_the_old_release(tmp_path: Path) -> None:
    builder = write_dataset(tmp_path)
    release = build_small(builder)
    before = contents(release.folder)
    (tmp_path / "card.md").write_text("{{ tokans }}", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        build_small(builder)
    assert str(error.value).startswith(
        f"{tmp_path / 'card.md'}: unknown place '{{{{ tokans }}}}'; "
    )
    assert contents(release.folder) == before
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_a_name_with_a_blank_at_its_edge_makes_a_valid_release(tmp_path: Path) -> None:
    """People drag a mark over the blank after a name every day."""
    said = people()
    (mine,) = [one for one in said if (one.annotator, one.document_id) == ("ana", "mill")]
    wider = tuple(
        Span(start=span.start - 1, end=span.end + 1, label=span.label) for span in mine.spans
    )
    object.__setattr__(mine, "spans", wider)
    release = build_small(write_dataset(tmp_path, annotations=said))
    assert validate(release.folder).breaches == ()


def test_the_parts_of_a_mention_are_in_the_layer_or_in_the_ledger(tmp_path: Path) -> None:
    said = only_ana(*MARKED)
    (mine,) = [one for one in said if one.document_id == "mill"]
    (mill_act, *others) = mine.spans
    apart = Span(start=4, end=12, label="MISC", fragments=((4, 6), (9, 12)))
    assert (mill_act.start, mill_act.end) == (4, 12)
    object.__setattr__(mine, "spans", (apart, *others))
    release = build_small(write_dataset(tmp_path, annotations=said))
    assert (4, 12) in {
        (loss.start, loss.end) for loss in ledger_of(release) if loss.document_id == "mill"
    }
    assert validate(release.folder).breaches == ()


def test_a_release_moved_elsewhere_is_the_same_release(tmp_path: Path) -> None:
    release = build_small(write_dataset(tmp_path))
    moved = Path(shutil.move(release.folder, tmp_path / "elsewhere"))
    assert validate(moved).breaches == ()
    assert open_release(moved).files == release.files
