from __future__ import annotations

import pytest

from ordercore.ids import ItemId
from ordercore.inventory.kits import Component, InvalidKitError, Kit, explode, kit_available
from ordercore.inventory.model import Counters
from ordercore.inventory.reserve import plan_reservation
from ordercore.money import InvalidQuantityError, LimitExceededError
from tests.laws.stock_world import held, place, wanted


def kit(name: str, **parts: int) -> Kit:
    components = tuple(
        Component(item=ItemId(part), quantity=count) for part, count in parts.items()
    )
    return Kit(item=ItemId(name), components=components)


def book(*kits: Kit) -> dict[ItemId, Kit]:
    return {one.item: one for one in kits}


TEA = book(kit("set", cup=2, pot=1), kit("box", set=2, cup=1))


def test_a_kit_is_exploded_into_its_components() -> None:
    """What is no kit stays; kits in kits are exploded too, equal parts are summed (RULES I-6)."""
    lines = explode([wanted(3, "set"), wanted(1, "cup", "2"), wanted(2, "box", "3")], TEA)
    assert (
        wanted(6, "cup"),
        wanted(3, "pot"),
        wanted(1, "cup", "2"),
        wanted(10, "cup", "3"),
        wanted(4, "pot", "3"),
    ) == lines


def test_components_are_shared_with_single_sales() -> None:
    """One plan over kits and single units never takes a unit twice."""
    counters = {place(): Counters(on_hand=5), place("pot"): Counters(on_hand=9)}
    plan = plan_reservation(explode([wanted(2, "set"), wanted(1, "cup", "2")], TEA), counters)
    assert (held(4), held(2, at=place("pot")), held(1, line="2")) == plan


@pytest.mark.parametrize(
    ("item", "cups", "pots", "kits"),
    [("set", 5, 9, 2), ("set", 9, 1, 1), ("set", 1, 9, 0), ("box", 14, 4, 2), ("cup", 5, 0, 5)],
)
def test_a_kit_is_as_available_as_its_scarcest_component(
    item: str, cups: int, pots: int, kits: int
) -> None:
    """Whichever component runs out first."""
    there = {ItemId("cup"): cups, ItemId("pot"): pots}
    assert kits == kit_available(ItemId(item), there, TEA)


def test_an_oversold_component_makes_no_kit() -> None:
    """Units below zero are none, not a negative number of kits."""
    assert 0 == kit_available(ItemId("set"), {ItemId("cup"): -3, ItemId("pot"): 2}, TEA)
    assert 0 == kit_available(ItemId("set"), {}, TEA)


def test_kits_do_not_contain_each_other() -> None:
    """A recipe that never ends is refused, and so is one that is nested without measure."""
    for endless in (book(kit("a", a=1)), book(kit("a", b=1), kit("b", a=1))):
        with pytest.raises(InvalidKitError):
            explode([wanted(1, "a")], endless)
        with pytest.raises(InvalidKitError):
            kit_available(ItemId("a"), {}, endless)
    deep = book(*(kit(f"k{n}", **{f"k{n + 1}": 1}) for n in range(17)))
    with pytest.raises(InvalidKitError):
        explode([wanted(1, "k0")], deep)


def test_a_small_recipe_book_cannot_blow_up() -> None:
    """Doubling sixteen times over is quick, and units without measure are refused."""
    doubling = book(*(kit(f"k{n}", **{f"k{n + 1}": 1_000, "cup": 1}) for n in range(16)))
    with pytest.raises(LimitExceededError):
        explode([wanted(1, "k0")], doubling)


def test_a_kit_has_components_in_whole_units() -> None:
    """None at all, or none of one, is no recipe."""
    with pytest.raises(InvalidKitError):
        kit("empty")
    with pytest.raises(InvalidQuantityError):
        kit("set", cup=0)
