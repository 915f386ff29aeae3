"""
Converters of the fields in this room.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from attrs import define

from ordercore.errors import InvalidValueError
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId, checked_id, id_of
from ordercore.moment import utc
from ordercore.money import checked_quantity

__all__ = [
    "InvalidFulfilmentError",
    "count",
    "fulfilment_id",
    "instant",
    "item_id",
    "line_id",
    "location_id",
    "parcel_id",
    "text",
]


@define
class InvalidFulfilmentError(InvalidValueError):
    """A value that fulfilment cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def count(name: str, least: int = 0) -> Callable[[int], int]:
    """A whole number of at least *least*."""

    def convert(value: int) -> int:
        return checked_quantity(value, name, least=least)

    return convert


def text(name: str) -> Callable[[str], str]:
    """Nothing, or text in the normal form of an id."""

    def convert(value: str) -> str:
        return value if value == "" else checked_id(value, name)

    return convert


def instant(value: datetime | None) -> datetime | None:
    """An aware instant in UTC, where there is one."""
    return None if value is None else utc(value)


line_id: Final = id_of(LineId, "line id")
item_id: Final = id_of(ItemId, "item id")
location_id: Final = id_of(LocationId, "location id")
fulfilment_id: Final = id_of(FulfilmentId, "fulfilment id")
parcel_id: Final = id_of(ParcelId, "parcel id")
