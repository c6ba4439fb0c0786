"""Tests that splits leak nothing, never move, and come to their shares."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError
from gonerd.publish.splits import Candidate, PublishConfig, assign_splits

ids = st.text("abcdefgh", min_size=1, max_size=4)
sources = st.sampled_from("KLMNOPQ")


def config(**values: Any) -> PublishConfig:
    """Make a config with equal shares, under which a hash moves most."""
    return PublishConfig(**{"shares": {"train": 0.34, "validation": 0.33, "test": 0.33}, **values})


def assign(
    candidates: Sequence[Candidate],
    near: Sequence[Sequence[int]] = (),
    published: Mapping[str, str] | None = None,
    **values: Any,
) -> dict[str, str | None]:
    """Assign splits."""
    return assign_splits(candidates, near, config=config(**values), published=published or {})


def own_sources(*names: str) -> list[Candidate]:
    """Make candidates each of a source of its own."""
    return [Candidate(id=name, source=f"of {name}") for name in names]


@st.composite
def collections(draw: st.DrawFn) -> tuple[list[Candidate], list[list[int]]]:
    """Draw documents with their sources, and groups of near-duplicates."""
    names = draw(st.lists(ids, min_size=1, max_size=20, unique=True))
    candidates = [Candidate(id=name, source=draw(sources)) for name in names]
    return candidates, draw(near_duplicates(len(names)))


@st.composite
def near_duplicates(draw: st.DrawFn, number: int) -> list[list[int]]:
    """Draw groups that have no member in common."""
    order = draw(st.permutations(range(number)))
    groups, at = [], 0
    for size in draw(st.lists(st.integers(2, 4), max_size=3)):
        if at + size <= number:
            groups.append(sorted(order[at : at + size]))
        at += size
    return sorted(groups)


def only(splits: Mapping[str, str | None]) -> dict[str, str]:
    """Leave out what has no split."""
    return {name: split for name, split in splits.items() if split is not None}


@given(collections(), st.sampled_from(["source", "document"]))
def test_what_belongs_together_stays_together(
    drawn: tuple[list[Candidate], list[list[int]]], group: str
) -> None:
    candidates, near = drawn
    splits = assign(candidates, near, group=group)
    assert list(Counter(splits.values())) and set(splits) == {one.id for one in candidates}
    for members in near:
        assert len({splits[candidates[index].id] for index in members}) == 1
    if group == "source":
        for source in {one.source for one in candidates}:
            assert len({splits[one.id] for one in candidates if one.source == source}) == 1


@given(collections(), st.data())
def test_a_published_document_never_moves_whatever_is_added(
    drawn: tuple[list[Candidate], list[list[int]]], data: st.DataObject
) -> None:
    candidates, near = drawn
    first = only(assign(candidates[: len(candidates) // 2]))
    order = data.draw(st.permutations(candidates))
    later_near = data.draw(near_duplicates(len(order)))
    second = assign(order, later_near, published=first)
    assert all(second[name] in (split, None) for name, split in first.items())
    third = assign(candidates, near, published={**first, **only(second)})
    assert all(third[name] in (split, None) for name, split in only(second).items())


def test_of_published_companions_in_two_splits_the_fewer_are_left_out() -> None:
    published = {"a": "train", "b": "test", "c": "train"}
    splits = assign(own_sources("a", "b", "c"), [[0, 1, 2]], published=published)
    assert splits == {"a": "train", "b": None, "c": "train"}


@given(collections(), st.data(), st.sampled_from(["source", "document"]))
def test_without_memory_a_document_stays_as_long_as_nothing_new_belongs_to_it(
    drawn: tuple[list[Candidate], list[list[int]]], data: st.DataObject, group: str
) -> None:
    candidates, _ = drawn
    some = data.draw(st.lists(st.sampled_from(candidates), unique=True))
    alone = assign(some, group=group)
    among_others = assign(data.draw(st.permutations(candidates)), group=group)
    assert {name: among_others[name] for name in alone} == alone


@given(collections(), st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_matter(
    drawn: tuple[list[Candidate], list[list[int]]], random: Any
) -> None:
    candidates, near = drawn
    order = list(range(len(candidates)))
    random.shuffle(order)
    moved = {old: new for new, old in enumerate(order)}
    shuffled_near = [[moved[index] for index in members] for members in near]
    assert assign([candidates[index] for index in order], shuffled_near) == assign(candidates, near)


@given(collections(), st.data())
def test_new_documents_go_with_the_published_ones_of_their_source_or_nowhere(
    drawn: tuple[list[Candidate], list[list[int]]], data: st.DataObject
) -> None:
    candidates, near = drawn
    splits = st.sampled_from(["train", "validation", "test"])
    published = data.draw(st.dictionaries(st.sampled_from([one.id for one in candidates]), splits))
    assigned = assign(candidates, near, published=published)
    for source in {one.source for one in candidates}:
        names = [one.id for one in candidates if one.source == source]
        old = {published[name] for name in names if name in published}
        new = {assigned[name] for name in names if name not in published} - {None}
        assert len(new) <= 1
        assert not (new and old) or new == old


@given(collections(), st.data())
def test_fixed_splits_hold_or_are_refused_but_never_leak(
    drawn: tuple[list[Candidate], list[list[int]]], data: st.DataObject
) -> None:
    candidates, near = drawn
    first = only(assign(candidates, near))
    some = data.draw(st.lists(st.sampled_from(candidates), unique=True, max_size=4))
    split_of = {one.id: data.draw(st.sampled_from(["train", "test"])) for one in some}
    fixed = {
        split: tuple(name for name, its in split_of.items() if its == split)
        for split in ("train", "test")
    }
    published = data.draw(st.sampled_from([{}, first]))
    try:
        assigned = assign(candidates, near, fixed_splits=fixed, published=published)
    except ConfigError:
        return
    assert {name: assigned[name] for name in split_of} == split_of
    for source in {one.source for one in candidates}:
        met = {assigned[one.id] for one in candidates if one.source == source} - {None}
        assert len(met) <= 1, f"source {source} stands in {sorted(map(str, met))}"


def test_a_source_takes_its_new_documents_to_the_split_of_the_old() -> None:
    for split in ("train", "validation", "test"):
        candidates = [Candidate(id=f"{number}", source="K") for number in range(5)]
        splits = assign(candidates, published={"3": split})
        assert splits == dict.fromkeys("01234", split)


def test_a_bridge_between_two_splits_is_left_out() -> None:
    candidates = own_sources("a", "b", "bridge", "other")
    splits = assign(candidates, [[0, 1, 2]], published={"a": "train", "b": "test"})
    assert (splits["a"], splits["b"], splits["bridge"]) == ("train", "test", None)
    assert splits["other"] is not None


def test_a_bridge_of_a_text_and_a_source_is_left_out() -> None:
    candidates = [
        Candidate(id="a", source="K"),
        Candidate(id="b", source="L"),
        Candidate(id="bridge", source="K"),
        Candidate(id="pier", source="L"),
    ]
    splits = assign(candidates, [[2, 3]], published={"a": "train", "b": "test"})
    assert splits == {"a": "train", "b": "test", "bridge": None, "pier": None}


def test_a_document_left_out_comes_back_when_the_bridge_is_gone() -> None:
    candidates = own_sources("a", "b", "bridge")
    published = {"a": "train", "b": "test"}
    assert assign(candidates, [[0, 1, 2]], published=published)["bridge"] is None
    assert assign(candidates, [[1, 2]], published=published)["bridge"] == "test"


def test_documents_of_one_source_may_part_where_each_stands_for_itself() -> None:
    candidates = [Candidate(id=f"{number}", source="K") for number in range(50)]
    assert set(assign(candidates, group="document").values()) == {"train", "validation", "test"}
    assert len(set(assign(candidates, group="source").values())) == 1


@pytest.mark.parametrize("group", ["source", "document"])
def test_shares_are_roughly_met(group: str) -> None:
    shares = {"train": 0.7, "validation": 0.1, "test": 0.2}
    splits = assign(
        own_sources(*(f"document {number}" for number in range(2000))), shares=shares, group=group
    )
    counted = Counter(splits.values())
    for split, share in shares.items():
        assert counted[split] / 2000 == pytest.approx(share, abs=0.04)


def test_a_split_with_no_share_gets_only_what_is_fixed_there() -> None:
    candidates = own_sources(*(f"document {number}" for number in range(500)))
    splits = assign(
        candidates, shares={"train": 1.0, "test": 0.0}, fixed_splits={"test": ("document 7",)}
    )
    assert [name for name, split in splits.items() if split != "train"] == ["document 7"]


def test_a_fixed_split_takes_its_near_duplicates_along() -> None:
    for split in ("train", "validation", "test"):
        splits = assign(own_sources("a", "b", "c"), [[0, 2]], fixed_splits={split: ("c",)})
        assert (splits["a"], splits["c"]) == (split, split)


def test_a_fixed_split_against_the_published_one_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        assign(own_sources("a"), published={"a": "train"}, fixed_splits={"test": ("a",)})
    assert str(error.value) == (
        "publish.fixed_splits: 'a' is to be in 'test' and was published in 'train'; expected a "
        "document to stay in its split.\n"
        "To assign every document anew, remove splits.parquet from the work folder, and the "
        "earlier release."
    )


@pytest.mark.parametrize(
    ("candidates", "near"),
    [
        (own_sources("a", "b", "c"), [[0, 1]]),
        ([Candidate(id=name, source="K") for name in "ab"], []),
        (
            [
                Candidate(id="a", source="K"),
                Candidate(id="b", source="L"),
                Candidate(id="k", source="K"),
                Candidate(id="l", source="L"),
            ],
            [[2, 3]],
        ),
    ],
    ids=["text", "source", "through others"],
)
def test_fixed_splits_that_would_leak_are_refused(
    candidates: list[Candidate], near: list[list[int]]
) -> None:
    with pytest.raises(ConfigError) as error:
        assign(candidates, near, fixed_splits={"train": ("a",), "test": ("b",)})
    assert str(error.value) == (
        "publish.fixed_splits: 'a' (train), 'b' (test) share a source or nearly all their text; "
        "expected them in one split."
    )


def test_a_published_and_a_fixed_split_that_would_leak_are_not_both_kept() -> None:
    """Both share a source; whether it is refused or one is left out, no source may be in both."""
    candidates = [Candidate(id="old", source="K"), Candidate(id="new", source="K")]
    try:
        splits = assign(candidates, published={"old": "train"}, fixed_splits={"test": ("new",)})
    except ConfigError:
        return
    assert len(only(splits)) <= 1 or len(set(only(splits).values())) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shares": {}}, "shares={}; expected shares that add up to 1."),
        (
            {"shares": {"train": 0.5, "test": 0.4}},
            "shares={'train': 0.5, 'test': 0.4}; expected shares that add up to 1.",
        ),
        (
            {"shares": {"train": 1.5, "test": -0.5}},
            "shares={'train': 1.5, 'test': -0.5}; expected shares that add up to 1.",
        ),
        (
            {"shares": {"train": float("nan")}},
            "shares={'train': nan}; expected shares that add up to 1.",
        ),
        (
            {"fixed_splits": {"dev": ("a",)}},
            "fixed_splits names 'dev'; expected one of train, validation, test.",
        ),
    ],
    ids=["no split", "too little", "negative", "not a number", "unknown split"],
)
def test_shares_that_cannot_be_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        PublishConfig(**values)
    assert str(error.value) == message


@pytest.mark.parametrize("name", ["", "my-train", "a b", "a/b", "../train", "train."])
def test_a_split_that_datasets_cannot_load_is_refused(name: str) -> None:
    """It takes letters, digits and '_', in parts with '.' between, and a split names files."""
    with pytest.raises(ValueError):
        PublishConfig(shares={name: 1.0})


def test_an_id_fixed_in_two_splits_is_refused() -> None:
    with pytest.raises(ValueError):
        PublishConfig(fixed_splits={"train": ("a",), "test": ("a",)})


def test_shares_that_add_up_but_for_rounding_are_taken() -> None:
    shares = {f"part_{number}": 0.1 for number in range(10)}
    assert PublishConfig(shares=shares).shares == shares
