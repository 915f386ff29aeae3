"""
Converters of the fields in this room.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar, cast

from attrs import Attribute, define

from ordercore.errors import InvalidValueError
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId, checked_id
from ordercore.moment import utc
from ordercore.money import LimitExceededError, checked_quantity

__all__ = [
    "InvalidFulfilmentError",
    "a",
    "code",
    "code_or_none",
    "count",
    "fulfilment_id",
    "instant",
    "item_id",
    "line_id",
    "location_id",
    "parcel_id",
    "tuple_of",
    "units",
    "words",
]

MOST_PARTS: Final = 20_000
"""How many parts one command may have."""
LONGEST_TEXT: Final = 2_000

_T = TypeVar("_T")


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


def code_or_none(value: str | None) -> str | None:
    """Text in the normal form of an id, where there is any."""
    return None if value is None else checked_id(value, "code")


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


def tuple_of(kind: type, most: int = MOST_PARTS) -> Callable[[object, Attribute[_T], _T], None]:
    """An attrs validator: a tuple of values of one kind, and not too many of them."""

    def check(_: object, attribute: Attribute[_T], value: object) -> None:
        if type(value) is not tuple:
            raise InvalidFulfilmentError(attribute.name, "it must be a tuple")
        parts = cast("tuple[object, ...]", value)
        if len(parts) > most:
            raise LimitExceededError(attribute.name, most, len(parts))
        if not all(isinstance(part, kind) for part in parts):
            raise InvalidFulfilmentError(attribute.name, f"each of them must be {kind.__name__}")

    return check


def a(kind: type, *, optional: bool = False) -> Callable[[object, Attribute[_T], _T], None]:
    """An attrs validator: a value of exactly this kind (or none, where that is allowed)."""

    def check(_: object, attribute: Attribute[_T], value: object) -> None:
        if type(value) is not kind and not (optional and value is None):
            raise InvalidFulfilmentError(attribute.name, f"it must be {kind.__name__}")

    return check


def words(_: object, attribute: Attribute[str], value: object) -> None:
    """An attrs validator: text of bearable length."""
    if type(value) is not str:
        raise InvalidFulfilmentError(attribute.name, "it must be text")
    if len(value) > LONGEST_TEXT:
        raise LimitExceededError(attribute.name, LONGEST_TEXT, len(value))
