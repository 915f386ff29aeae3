"""
Converters and validators of the fields in this room.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, TypeVar

from attrs import Attribute, define

from ordercore._fields import (
    MOST_PARTS,
    Checks,
    count,
    instant,
    item_id,
    line_id,
    location_id,
    units,
)
from ordercore.errors import InvalidValueError
from ordercore.ids import ReturnId, checked_id
from ordercore.moment import Period

__all__ = [
    "InvalidReturnError",
    "a",
    "count",
    "fraction",
    "instant",
    "item_id",
    "line_id",
    "location_id",
    "period",
    "period_or_none",
    "return_id",
    "serials",
    "tuple_of",
    "units",
    "words",
]

_T = TypeVar("_T")


@define
class InvalidReturnError(InvalidValueError):
    """A value that returns cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def fraction(value: Fraction) -> Fraction:
    """A part of a whole: an exact fraction from 0 to 1."""
    if type(value) is not Fraction or not 0 <= value <= 1:
        raise InvalidReturnError("deduction", "it must be a fraction between 0 and 1")
    return value


def serials(value: tuple[str, ...]) -> tuple[str, ...]:
    """Serial numbers in their normal form, each of them once."""
    if type(value) is not tuple or len(value) > MOST_PARTS:
        raise InvalidReturnError("serials", "they must be a tuple of a bearable length")
    checked = tuple(checked_id(serial, "serial") for serial in value)
    if len(set(checked)) != len(checked):
        raise InvalidReturnError("serials", "one of them stands there twice")
    return checked


def period(_: object, attribute: Attribute[_T], value: _T) -> None:
    """An attrs validator: a length of time in calendar units, never a bare number."""
    if type(value) is not Period:
        problem = f"it must be a Period such as Period(days=30), not {type(value).__name__}"
        raise InvalidReturnError(attribute.name, problem)


def period_or_none(_: object, attribute: Attribute[_T], value: _T) -> None:
    """An attrs validator: a length of time in calendar units, where there is one."""
    if value is not None:
        period(_, attribute, value)


def return_id(value: ReturnId) -> ReturnId:
    """A return id in its normal form."""
    return ReturnId(checked_id(value, "return id"))


_CHECKS: Final = Checks(InvalidReturnError)
a, tuple_of, words = _CHECKS.a, _CHECKS.tuple_of, _CHECKS.words
