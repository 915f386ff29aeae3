"""
Checks of the fields in this room: ids in their one form, counts that are whole and bounded.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import Attribute

from ordercore.ids import ItemId, LineId, LocationId, StreamId, checked_id
from ordercore.money import InvalidQuantityError, checked_quantity

__all__ = [
    "MOST",
    "count",
    "flag",
    "item_id",
    "limit",
    "line_id",
    "line_or_none",
    "location_id",
    "owner_or_none",
    "signed",
    "stream_id",
    "units",
]

MOST: Final = 10**12
"""The most units that anything here counts."""


def item_id(value: ItemId) -> ItemId:
    """A converter: the one form of an item id."""
    return ItemId(checked_id(value, "item id"))


def location_id(value: LocationId) -> LocationId:
    """A converter: the one form of a location id."""
    return LocationId(checked_id(value, "location id"))


def line_id(value: LineId) -> LineId:
    """A converter: the one form of a line id."""
    return LineId(checked_id(value, "line id"))


def line_or_none(value: LineId | None) -> LineId | None:
    """A converter: a line id, or none."""
    return None if value is None else line_id(value)


def stream_id(value: StreamId) -> StreamId:
    """A converter: the one form of an owner's id."""
    return StreamId(checked_id(value, "owner id"))


def owner_or_none(value: StreamId | None) -> StreamId | None:
    """A converter: an owner's id, or none."""
    return None if value is None else stream_id(value)


def count(_instance: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: a count of zero or more."""
    checked_quantity(value, attribute.name, least=0, most=MOST)


def units(_instance: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: at least one unit."""
    checked_quantity(value, attribute.name, least=1, most=MOST)


def signed(_instance: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: a whole number of units, there or missing."""
    checked_quantity(value, attribute.name, least=-MOST, most=MOST)


def limit(_instance: object, attribute: Attribute[Any], value: int | None) -> None:
    """An attrs validator: a count of zero or more, or None for no limit."""
    if value is not None:
        checked_quantity(value, attribute.name, least=0, most=MOST)


def flag(_instance: object, attribute: Attribute[bool], value: bool) -> None:
    """An attrs validator: true or false, and nothing that merely looks like it."""
    if type(value) is not bool:
        raise InvalidQuantityError(attribute.name, "it must be True or False")
