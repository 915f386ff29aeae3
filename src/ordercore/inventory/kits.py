"""
Kits: sold as one, stocked as several; exploded once, when they are reserved (RULES I-6).

After that nobody speaks of the kit any more: allocations, dispatches and returns name the
components, so that a changed recipe never touches an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import ItemId
from ordercore.inventory._checks import item_id, tuple_of, units
from ordercore.inventory.model import WantedLine

__all__ = ["Component", "InvalidKitError", "Kit", "explode", "kit_available"]

DEEPEST: Final = 16
"""How many kits may be inside each other."""


@define
class InvalidKitError(InvalidValueError):
    """The recipe of a kit cannot be carried out."""

    sentence = "The kit {item} cannot be exploded: {problem}."
    item: str
    problem: str


@frozen(kw_only=True)
class Component:
    """How many units of an item one kit needs."""

    item: ItemId = field(converter=item_id)
    quantity: int = field(default=1, validator=units)


@frozen(kw_only=True)
class Kit:
    """An item that is made of others; its components may be kits themselves."""

    item: ItemId = field(converter=item_id)
    components: tuple[Component, ...] = field(validator=tuple_of(Component))

    def __attrs_post_init__(self) -> None:
        if not self.components:
            raise InvalidKitError(self.item, "it has no components")


def _recipe(
    item: ItemId, kits: Mapping[ItemId, Kit], known: dict[ItemId, dict[ItemId, int]], depth: int
) -> dict[ItemId, int]:
    """What one unit of *item* is in the end; an item that is no kit is itself."""
    if item in known:
        return known[item]
    kit = kits.get(item)
    if kit is None:
        return {item: 1}
    if depth == 0:
        raise InvalidKitError(item, f"kits contain each other, or more than {DEEPEST} deep")
    found: dict[ItemId, int] = {}
    for component in kit.components:
        for part, count in _recipe(component.item, kits, known, depth - 1).items():
            found[part] = found.get(part, 0) + count * component.quantity
    known[item] = found
    return found


def explode(wanted: Iterable[WantedLine], kits: Mapping[ItemId, Kit]) -> tuple[WantedLine, ...]:
    """
    The same wishes in components; what is no kit stays as it is.

    A component that a kit needs twice, by itself or inside another kit, is wanted once with the
    sum.

    Args:
        wanted: Units by line and item.
        kits: The recipes, by the item of the kit.

    Raises:
        InvalidKitError: Kits that contain each other, or are nested more than 16 deep.
        LimitExceededError: More units of a component than are counted here.

    Source:
        RULES I-6.

    >>> kit = Kit(item="set", components=(Component(item="cup", quantity=2), Component(item="pot")))
    >>> lines = explode([WantedLine(line="1", item="set", quantity=3)], {"set": kit})
    >>> [(line.item, line.quantity) for line in lines]
    [('cup', 6), ('pot', 3)]
    """
    known: dict[ItemId, dict[ItemId, int]] = {}
    return tuple(
        WantedLine(line=line.line, item=part, quantity=line.quantity * count)
        for line in wanted
        for part, count in _recipe(line.item, kits, known, DEEPEST).items()
    )


def kit_available(item: ItemId, available: Mapping[ItemId, int], kits: Mapping[ItemId, Kit]) -> int:
    """
    How many kits can be made: as many as of the scarcest component.

    Args:
        item: The kit; of an item that is none, its own units.
        available: Units by item, single sales already taken off; below zero counts as none.
        kits: The recipes, by the item of the kit.

    Raises:
        InvalidKitError: Kits that contain each other, or are nested more than 16 deep.

    Source:
        RULES I-6.

    >>> kit = Kit(item="set", components=(Component(item="cup", quantity=2), Component(item="pot")))
    >>> kit_available("set", {"cup": 9, "pot": 5}, {"set": kit})
    4
    """
    recipe = _recipe(item, kits, {}, DEEPEST)
    return min(max(0, available.get(part, 0)) // count for part, count in recipe.items())
