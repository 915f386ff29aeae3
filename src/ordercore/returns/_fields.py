"""
Converters and validators of the fields in this room.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Final, TypeVar, cast

from attrs import Attribute, define

from ordercore.errors import InvalidValueError
from ordercore.ids import ItemId, LineId, LocationId, ReturnId, checked_id
from ordercore.moment import utc
from ordercore.money import LimitExceededError, checked_quantity

__all__ = [
    "InvalidReturnError",
    "a",
    "count",
    "fraction",
    "instant",
    "item_id",
    "line_id",
    "location_id",
    "return_id",
    "serials",
    "tuple_of",
    "units",
    "words",
]

MOST_PARTS: Final = 20_000
"""How many parts one command may have."""
LONGEST_TEXT: Final = 2_000

_T = TypeVar("_T")


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
    if type(value) is not tuple or len(value) > MOST_PARTS:
        raise InvalidReturnError("serials", "they must be a tuple of a bearable length")
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


def tuple_of(kind: type, most: int = MOST_PARTS) -> Callable[[object, Attribute[_T], _T], None]:
    """An attrs validator: a tuple of values of one kind, and not too many of them."""

    def check(_: object, attribute: Attribute[_T], value: object) -> None:
        if type(value) is not tuple:
            raise InvalidReturnError(attribute.name, "it must be a tuple")
        parts = cast("tuple[object, ...]", value)
        if len(parts) > most:
            raise LimitExceededError(attribute.name, most, len(parts))
        if not all(isinstance(part, kind) for part in parts):
            raise InvalidReturnError(attribute.name, f"each of them must be {kind.__name__}")

    return check


def a(kind: type, *, optional: bool = False) -> Callable[[object, Attribute[_T], _T], None]:
    """An attrs validator: a value of exactly this kind (or none, where that is allowed)."""

    def check(_: object, attribute: Attribute[_T], value: object) -> None:
        if type(value) is not kind and not (optional and value is None):
            raise InvalidReturnError(attribute.name, f"it must be {kind.__name__}")

    return check


def words(_: object, attribute: Attribute[str], value: object) -> None:
    """An attrs validator: text of bearable length."""
    if type(value) is not str:
        raise InvalidReturnError(attribute.name, "it must be text")
    if len(value) > LONGEST_TEXT:
        raise LimitExceededError(attribute.name, LONGEST_TEXT, len(value))
