"""
Checks of the fields in this room: ids in their one form, counts that are whole and bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast

from attrs import Attribute, define

from ordercore.errors import InvalidValueError
from ordercore.ids import ItemId, LineId, LocationId, StreamId, checked_id
from ordercore.money import InvalidQuantityError, LimitExceededError, checked_quantity

__all__ = [
    "MOST",
    "InvalidStockError",
    "a",
    "checked_point",
    "count",
    "flag",
    "item_id",
    "limit",
    "line_id",
    "line_or_none",
    "location_id",
    "mapping_of",
    "owner_or_none",
    "place_or_none",
    "set_of",
    "signed",
    "stream_id",
    "tuple_of",
    "units",
    "words",
]

MOST: Final = 10**12
"""The most units that anything here counts."""
MOST_PARTS: Final = 20_000
LONGEST_TEXT: Final = 2_000

_Check = Callable[[object, "Attribute[Any]", Any], None]


@define
class InvalidStockError(InvalidValueError):
    """A value that nothing can be planned with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


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


def words(_instance: object, attribute: Attribute[str], value: str) -> None:
    """An attrs validator: text of bearable length."""
    if type(cast("object", value)) is not str:
        raise InvalidStockError(attribute.name, "it must be text")
    if len(value) > LONGEST_TEXT:
        raise LimitExceededError(attribute.name, LONGEST_TEXT, len(value))
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidStockError(attribute.name, "it has a NUL or half a character")


def a(kind: type) -> _Check:
    """An attrs validator: a value of this kind."""

    def check(_instance: object, attribute: Attribute[Any], value: object) -> None:
        if not isinstance(value, kind):
            raise InvalidStockError(attribute.name, f"it must be {kind.__name__}")

    return check


def _parts(whole: type, kind: type) -> _Check:
    def check(_instance: object, attribute: Attribute[Any], value: object) -> None:
        if type(value) is not whole:
            raise InvalidStockError(attribute.name, f"it must be a {whole.__name__}")
        parts = cast("Collection[object]", value)
        if len(parts) > MOST_PARTS:
            raise LimitExceededError(attribute.name, MOST_PARTS, len(parts))
        if not all(isinstance(part, kind) for part in parts):
            raise InvalidStockError(attribute.name, f"each of them must be {kind.__name__}")

    return check


def tuple_of(kind: type) -> _Check:
    """An attrs validator: a tuple of values of one kind, and not too many of them."""
    return _parts(tuple, kind)


def set_of(kind: type) -> _Check:
    """An attrs validator: a frozen set of values of one kind, and not too many of them."""
    return _parts(frozenset, kind)


def mapping_of(kind: type) -> _Check:
    """An attrs validator: a mapping from text to values of one kind; counts are zero or more."""

    def check(_instance: object, attribute: Attribute[Any], value: object) -> None:
        if not isinstance(value, Mapping):
            raise InvalidStockError(attribute.name, "it must be a mapping")
        rows = cast("Mapping[object, object]", value)
        if not all(isinstance(key, str) and type(row) is kind for key, row in rows.items()):
            raise InvalidStockError(attribute.name, f"it must map ids to {kind.__name__}")
        if kind is int:
            for row in rows.values():
                checked_quantity(row, attribute.name, least=0, most=MOST)

    return check


def checked_point(value: object) -> tuple[int, int]:
    """
    Latitude and longitude in thousandths of a degree.

    Raises:
        InvalidStockError: No two ints, or no place on earth.
    """
    pair = cast("tuple[object, ...]", value) if type(value) is tuple else ()
    if len(pair) != 2 or any(type(part) is not int for part in pair):
        raise InvalidStockError("point", "it must be two ints, in thousandths of a degree")
    north, east = cast("tuple[int, int]", pair)
    if abs(north) > 90_000 or abs(east) > 180_000:
        raise InvalidStockError("point", "it must lie on earth: up to 90 and 180 degrees")
    return north, east


def place_or_none(value: tuple[int, int] | None) -> tuple[int, int] | None:
    """A converter: a place on earth, or none."""
    return None if value is None else checked_point(value)
