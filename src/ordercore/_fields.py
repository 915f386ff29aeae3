"""
Converters and validators of attrs fields that several rooms share.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeVar, cast

from attrs import Attribute, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import ItemId, LineId, LocationId, checked_id
from ordercore.moment import Period, utc
from ordercore.money import LimitExceededError, checked_quantity

__all__ = [
    "LONGEST_TEXT",
    "MOST_PARTS",
    "Checks",
    "count",
    "instant",
    "item_id",
    "line_id",
    "location_id",
    "such_as",
    "units",
]

MOST_PARTS: Final = 20_000
"""How many parts one command may have."""
LONGEST_TEXT: Final = 2_000

_T = TypeVar("_T")


def count(_: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: a whole number of zero or more."""
    checked_quantity(value, attribute.name, least=0)


def units(_: object, attribute: Attribute[int], value: int) -> None:
    """An attrs validator: at least one unit."""
    checked_quantity(value, attribute.name)


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


def such_as(kind: type, value: object) -> str:
    """The name of a kind, and how to write the value as one where that is plain."""
    if issubclass(kind, Enum) and isinstance(value, str):
        word = value[:50].lower()
        for known in kind:
            if word in (known.name.lower(), str(known.value).lower()):
                return f"{kind.__name__}: write {kind.__name__}.{known.name}"
    if kind is Period and isinstance(value, timedelta):
        return "Period: write Period(days=2), not a timedelta"
    return kind.__name__


@frozen
class Checks:
    """Attrs validators that refuse with a room's own error: the field's name, and the problem."""

    error: Callable[[str, str], InvalidValueError]

    def tuple_of(
        self, kind: type, most: int = MOST_PARTS
    ) -> Callable[[object, Attribute[_T], _T], None]:
        """A tuple of values of one kind, and not too many of them."""

        def check(_: object, attribute: Attribute[_T], value: object) -> None:
            if type(value) is not tuple:
                raise self.error(attribute.name, "it must be a tuple")
            parts = cast("tuple[object, ...]", value)
            if len(parts) > most:
                raise LimitExceededError(attribute.name, most, len(parts))
            if not all(isinstance(part, kind) for part in parts):
                raise self.error(attribute.name, f"each of them must be {kind.__name__}")

        return check

    def a(
        self, kind: type, *, optional: bool = False
    ) -> Callable[[object, Attribute[_T], _T], None]:
        """A value of exactly this kind (or none, where that is allowed)."""

        def check(_: object, attribute: Attribute[_T], value: object) -> None:
            if type(value) is not kind and not (optional and value is None):
                raise self.error(attribute.name, f"it must be {such_as(kind, value)}")

        return check

    def any(self, kind: type) -> Callable[[object, Attribute[_T], _T], None]:
        """A value of this kind or of a kind of it, such as a host's own policy."""

        def check(_: object, attribute: Attribute[_T], value: object) -> None:
            if not isinstance(value, kind):
                raise self.error(attribute.name, f"it must be {kind.__name__}")

        return check

    def words(self, _: object, attribute: Attribute[str], value: object) -> None:
        """Text of bearable length."""
        if type(value) is not str:
            raise self.error(attribute.name, "it must be text")
        if len(value) > LONGEST_TEXT:
            raise LimitExceededError(attribute.name, LONGEST_TEXT, len(value))
