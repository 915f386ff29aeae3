"""
Converters of the fields in this room.
"""

from __future__ import annotations

from datetime import datetime

from attrs import Attribute, define

from ordercore.errors import InvalidValueError
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId, checked_id
from ordercore.moment import utc
from ordercore.money import checked_quantity

__all__ = [
    "InvalidFulfilmentError",
    "code",
    "count",
    "fulfilment_id",
    "instant",
    "item_id",
    "line_id",
    "location_id",
    "parcel_id",
    "units",
]


@define
class InvalidFulfilmentError(InvalidValueError):
    """A value that fulfilment cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def count(_: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: a whole number of zero or more."""
    checked_quantity(value, attribute.name, least=0)


def units(_: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: at least one unit."""
    checked_quantity(value, attribute.name)


def code(value: str) -> str:
    """Nothing, or text in the normal form of an id."""
    return value if value == "" else checked_id(value, "code")


def instant(value: datetime | None) -> datetime | None:
    """An aware instant in UTC, where there is one."""
    return None if value is None else utc(value)


def line_id(value: LineId) -> LineId:
    """A line id in its normal form."""
    return LineId(checked_id(value, "line id"))


def item_id(value: ItemId) -> ItemId:
    """An item id in its normal form."""
    return ItemId(checked_id(value, "item id"))


def location_id(value: LocationId) -> LocationId:
    """A location id in its normal form."""
    return LocationId(checked_id(value, "location id"))


def fulfilment_id(value: FulfilmentId) -> FulfilmentId:
    """The id of a fulfilment order in its normal form."""
    return FulfilmentId(checked_id(value, "fulfilment id"))


def parcel_id(value: ParcelId) -> ParcelId:
    """A parcel id in its normal form."""
    return ParcelId(checked_id(value, "parcel id"))
