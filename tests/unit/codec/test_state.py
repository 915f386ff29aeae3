"""Snapshots: tagged with a shape, ignored under another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import pytest
from attrs import field, frozen, make_class

from ordercore.codec import state
from ordercore.codec.state import decode_state, encode_state, shape_of
from ordercore.ids import LineId
from ordercore.money import EUR, Money


class Colour(StrEnum):
    RED = "red"


class Colours(StrEnum):
    RED = "red"
    BLUE = "blue"


@frozen
class Inner:
    colour: Colour = Colour.RED


@frozen
class State:
    name: str
    total: Money
    inner: tuple[Inner, ...] = ()
    by_line: Mapping[LineId, int] = field(factory=dict[LineId, int])


STATE: Final = State("a", Money(1, EUR), (Inner(),), {LineId("1"): 2})


def test_a_snapshot_comes_back() -> None:
    """The state that was written, whole."""
    assert STATE == decode_state(encode_state(STATE), State)


def same(**fields: object) -> type:
    """A class that is called State too, with these fields."""
    annotated = make_class("State", {}, frozen=True, slots=True)
    made = type("State", (), {"__annotations__": fields, "__qualname__": "State"})
    assert annotated is not made
    return frozen(made)


@pytest.mark.parametrize(
    "other",
    [
        same(name=str),
        same(name=str, total=Money, more=int),
        same(total=Money, name=str),
        same(name=int, total=Money),
    ],
)
def test_another_shape_is_ignored(other: type) -> None:
    """A field more, less, elsewhere or of another type: the facts are folded anew instead."""
    base = same(name=str, total=Money)
    assert shape_of(base) == shape_of(same(name=str, total=Money))
    assert shape_of(base) != shape_of(other)
    assert None is decode_state(encode_state(base("a", Money(1, EUR))), other)


def test_what_a_field_holds_belongs_to_the_shape() -> None:
    """A member more in an enumeration, deep inside, is another shape."""
    assert shape_of(same(inner=tuple[Colour, ...])) != shape_of(same(inner=tuple[Colours, ...]))


def test_a_changed_default_is_another_shape() -> None:
    """A field that was left out would be read with the new default."""

    def with_default(default: int) -> type:
        made = type("State", (), {"__annotations__": {"units": int}, "units": default})
        return frozen(made)

    assert shape_of(with_default(0)) == shape_of(with_default(0))
    assert shape_of(with_default(0)) != shape_of(with_default(1))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"shape": null, "state": {}}', "7"])
def test_a_broken_snapshot_is_ignored(text: str) -> None:
    """A snapshot is a cache: what cannot be read does not count."""
    assert None is decode_state(text, State)


def test_a_snapshot_with_a_broken_field_is_ignored() -> None:
    """The right shape does not make wrong content right."""
    plain = json.loads(encode_state(STATE))
    plain["state"]["total"] = [True, "EUR"]
    assert None is decode_state(json.dumps(plain), State)


def test_a_mended_fold_makes_old_snapshots_worthless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was folded wrongly is not kept: the facts are folded anew (RULES O-10)."""
    text = encode_state(STATE)
    assert STATE == decode_state(text, State)
    monkeypatch.setattr(state, "FOLDS", state.FOLDS + 1)
    monkeypatch.setattr(state, "_SHAPES", {})
    assert decode_state(text, State) is None
