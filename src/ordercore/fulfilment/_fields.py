"""
Converters of the fields in this room.
"""

from __future__ import annotations

from typing import Final

from attrs import define

from ordercore._fields import Checks, count, instant, item_id, line_id, location_id, units
from ordercore.errors import InvalidValueError
from ordercore.ids import FulfilmentId, ParcelId, checked_id

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


@define
class InvalidFulfilmentError(InvalidValueError):
    """A value that fulfilment cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def code(value: str) -> str:
    """Nothing, or text in the normal form of an id."""
    return value if value == "" else checked_id(value, "code")


def code_or_none(value: str | None) -> str | None:
    """Text in the normal form of an id, where there is any."""
    return None if value is None else checked_id(value, "code")


def fulfilment_id(value: FulfilmentId) -> FulfilmentId:
    """The id of a fulfilment order in its normal form."""
    return FulfilmentId(checked_id(value, "fulfilment id"))


def parcel_id(value: ParcelId) -> ParcelId:
    """A parcel id in its normal form."""
    return ParcelId(checked_id(value, "parcel id"))


_CHECKS: Final = Checks(InvalidFulfilmentError)
a, tuple_of, words = _CHECKS.a, _CHECKS.tuple_of, _CHECKS.words
