"""
Converters and checks of the fields in this room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar, cast

from attrs import define

from ordercore.errors import InvalidValueError
from ordercore.ids import Actor, ItemId, LineId, Sku, checked_id
from ordercore.moment import utc
from ordercore.money import (
    MAX_MINOR,
    Currency,
    CurrencyMismatchError,
    LimitExceededError,
    Money,
)

__all__ = [
    "InvalidDraftError",
    "actor",
    "actor_or_none",
    "charge_id",
    "checked_currency",
    "checked_flag",
    "checked_text",
    "code",
    "instance_of",
    "instant",
    "item_id",
    "line_id",
    "line_id_or_none",
    "sku",
    "tuple_of",
    "within_limits",
]

LONGEST_TEXT: Final = 2_000

_T = TypeVar("_T")


@define
class InvalidDraftError(InvalidValueError):
    """A part of a draft is not what it must be."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def line_id(value: LineId) -> LineId:
    """A usable id of a line."""
    return LineId(checked_id(value, "line id"))


def line_id_or_none(value: LineId | None) -> LineId | None:
    """A usable id of a line, where there is one."""
    return None if value is None else line_id(value)


def item_id(value: ItemId) -> ItemId:
    """A usable id of a stock item."""
    return ItemId(checked_id(value, "item id"))


def sku(value: Sku) -> Sku:
    """A usable SKU."""
    return Sku(checked_id(value, "sku"))


def charge_id(value: str) -> str:
    """A usable id of a charge."""
    return checked_id(value, "charge id")


def code(value: str) -> str:
    """A usable code of a discount or tax."""
    return checked_id(value, "code")


def actor(value: Actor) -> Actor:
    """A usable name of who did it."""
    return Actor(checked_id(value, "actor"))


def actor_or_none(value: Actor | None) -> Actor | None:
    """A usable name of who did it, where there is one."""
    return None if value is None else actor(value)


def instant(value: datetime | None) -> datetime | None:
    """An aware instant in UTC, where there is one."""
    return None if value is None else utc(value)


def instance_of(value: object, kind: Callable[..., _T], name: str, *, hint: str = "") -> _T:
    """
    *value*, when it is one of the class *kind*, abstract or not (a bool is no int).

    Who gets it wrong reads *hint* in the place of the name of the class.
    """
    wanted = cast("type[_T]", kind)
    if not isinstance(value, wanted) or (type(value) is bool and wanted is not bool):
        problem = f"it must be {hint or wanted.__name__}, not {type(value).__name__}"
        raise InvalidDraftError(name, problem)
    return value


def tuple_of(values: object, kind: Callable[..., _T], name: str) -> tuple[_T, ...]:
    """A tuple of *kind*, from a list or tuple."""
    if not isinstance(values, (list, tuple)):
        raise InvalidDraftError(name, f"it must be a tuple, not {type(values).__name__}")
    found = cast("Sequence[object]", values)
    for value in found:
        instance_of(value, kind, name)
    return tuple(cast("Sequence[_T]", found))


def checked_flag(value: object, name: str) -> None:
    """Refuse what is neither true nor false."""
    if type(value) is not bool:
        raise InvalidDraftError(name, "it must be true or false")


def checked_text(value: object, name: str) -> str:
    """Text of bounded length, without NUL or half characters; it may be empty."""
    if type(value) is not str:
        raise InvalidDraftError(name, f"it must be text, not {type(value).__name__}")
    if len(value) > LONGEST_TEXT:
        raise LimitExceededError(f"characters of {name}", LONGEST_TEXT, len(value))
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidDraftError(name, "it has half a character")
    if "\x00" in value:
        raise InvalidDraftError(name, "it has a NUL")
    return value


def within_limits(minor: int, currency: Currency) -> Money:
    """The amount, if it is one that can be handled."""
    if abs(minor) > MAX_MINOR:
        raise LimitExceededError("minor units of an amount", MAX_MINOR, MAX_MINOR)
    return Money(minor, currency)


def checked_currency(amount: Money, like: Money) -> Money:
    """*amount*, when it is in the currency of *like*."""
    if amount.currency is not like.currency:
        raise CurrencyMismatchError(like.currency.code, amount.currency.code)
    return amount
