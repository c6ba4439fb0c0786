"""Tests that every key means one thing, and that the card tells all of them."""

import pytest

from gonerd.review.keys import KEYS, Mode, card, wishes

MODES: tuple[Mode, ...] = ("read", "settle")


@pytest.mark.parametrize("mode", MODES)
def test_no_key_means_two_things_at_once(mode: Mode) -> None:
    keys = [key for one in KEYS if mode in one.modes for key in one.keys]
    assert len(keys) == len(set(keys)) == len(wishes(mode))


def test_no_wish_stands_twice() -> None:
    assert len({one.wish for one in KEYS}) == len(KEYS)


@pytest.mark.parametrize("mode", MODES)
def test_the_card_has_a_line_for_every_key(mode: Mode) -> None:
    said = {key for lines in card(mode).values() for keys, _ in lines for key in keys.split(" ")}
    assert said >= {key for key in wishes(mode) if not key.isdigit() or key == "0"}
    assert "1-9" in said


def test_keys_are_written_in_one_way() -> None:
    for key in wishes("read") | wishes("settle"):
        *held, name = [key] if len(key) == 1 else key.split("+")
        assert set(held) <= {"ctrl", "shift"}
        assert len(name) == 1 or (name.islower() and name.isalpha())
