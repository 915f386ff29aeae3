"""
Converters and validators of the fields in this room.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from attrs import Attribute, define

from ordercore.errors import InvalidValueError
from ordercore.ids import ItemId, LineId, LocationId, ReturnId, checked_id
from ordercore.moment import utc
from ordercore.money import checked_quantity

__all__ = [
    "InvalidReturnError",
    "count",
    "fraction",
    "instant",
    "item_id",
    "line_id",
    "location_id",
    "return_id",
    "serials",
    "units",
]


@define
class InvalidReturnError(InvalidValueError):
    """A value that returns cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def count(_: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: a whole number of zero or more."""
    checked_quantity(value, attribute.name, least=0)


def units(_: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: at least one unit."""
    checked_quantity(value, attribute.name)


def fraction(value: Fraction) -> Fraction:
    """A part of a whole: an exact fraction from 0 to 1."""
    if type(value) is not Fraction or not 0 <= value <= 1:
        raise InvalidReturnError("deduction", "it must be a fraction between 0 and 1")
    return value


def instant(value: datetime | None) -> datetime | None:
    """An aware instant in UTC, where there is one."""
    return None if value is None else utc(value)


def serials(value: tuple[str, ...]) -> tuple[str, ...]:
    """Serial numbers in their normal form, each of them once."""
    checked = tuple(checked_id(serial, "serial") for serial in value)
    if len(set(checked)) != len(checked):
        raise InvalidReturnError("serials", "one of them stands there twice")
    return checked


def line_id(value: LineId) -> LineId:
    """A line id in its normal form."""
    return LineId(checked_id(value, "line id"))


def item_id(value: ItemId) -> ItemId:
    """An item id in its normal form."""
    return ItemId(checked_id(value, "item id"))


def location_id(value: LocationId) -> LocationId:
    """A location id in its normal form."""
    return LocationId(checked_id(value, "location id"))


def return_id(value: ReturnId) -> ReturnId:
    """A return id in its normal form."""
    return ReturnId(checked_id(value, "return id"))
