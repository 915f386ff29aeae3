"""
Values without parts, and how each is written: exact types only, nothing is coerced.

A bool is no int, a float is nothing at all, an instant is aware. Every reader takes JSON and every
writer gives JSON; both refuse with `Unfit`, which knows no value, so that nothing leaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Final, TypeAlias, TypeVar, cast

from attrs import frozen

from ordercore.money import Currency, Money
from ordercore.pricing.slots import SlotSet

__all__ = ["LEAVES", "Json", "LeafRules", "Unfit", "as_list", "as_object", "json_kind"]

_Parsed = TypeVar("_Parsed")

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

_MICROSECOND: Final = timedelta(microseconds=1)
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}")
_RATIO: Final = re.compile(r"-?[0-9]{1,200}(/[0-9]{1,200})?")
_JSON_KINDS: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "a whole number",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    type(None): "null",
}


class Unfit(Exception):
    """Why one value does not fit, without the value: on its way to a `DecodeError`."""


def json_kind(value: object) -> str:
    """What sort of JSON value this is, in words."""
    return _JSON_KINDS.get(type(value), type(value).__name__)


@frozen
class LeafRules:
    """How one type is written and read; ``json`` is the JSON type it becomes."""

    write: Callable[[object], Json]
    read: Callable[[object], object]
    json: type
    schema: Mapping[str, Json]


def _expected(wanted: str, value: object) -> Unfit:
    return Unfit(f"must be {wanted}, not {json_kind(value)}")


def as_object(value: object) -> dict[str, object]:
    """The value, which must be an object."""
    if type(value) is not dict:
        raise _expected("an object", value)
    return cast("dict[str, object]", value)


def as_list(value: object, length: int | None = None) -> list[object]:
    """The value, which must be a list (of this length)."""
    if type(value) is not list:
        raise _expected("a list", value)
    items = cast("list[object]", value)
    if length is not None and len(items) != length:
        raise Unfit(f"must be a list of {length}")
    return items


def _write_text(value: object) -> str:
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    raise _expected("text", value)


def _read_text(value: object) -> str:
    if type(value) is not str:
        raise _expected("text", value)
    return value


def _int(value: object) -> int:
    if type(value) is not int:
        raise _expected("a whole number", value)
    return value


def _bool(value: object) -> bool:
    if type(value) is not bool:
        raise _expected("a boolean", value)
    return value


def _write_money(value: object) -> Json:
    if type(value) is not Money:
        raise _expected("an amount", value)
    return [value.minor, value.currency.code]


def _read_money(value: object) -> Money:
    if isinstance(value, dict):
        named = as_object(cast("object", value)).copy()
        minor, code = named.pop("minor", None), named.pop("currency", None)
        if named:
            raise Unfit("must have nothing but minor and currency")
    else:
        minor, code = as_list(value, 2)
    return Money(_int(minor), Currency.of(_read_text(code)))


def _write_currency(value: object) -> str:
    if type(value) is not Currency:
        raise _expected("a currency", value)
    return value.code


def _read_currency(value: object) -> Currency:
    return Currency.of(_read_text(value))


def _write_fraction(value: object) -> str:
    if type(value) is Fraction or type(value) is int:
        return str(value)
    raise _expected("a fraction", value)


def _read_fraction(value: object) -> Fraction:
    text = _read_text(value)
    if not _RATIO.fullmatch(text):
        raise Unfit("must be a fraction such as 19/100")
    numerator, _, denominator = text.partition("/")
    if int(denominator or 1) == 0:
        raise Unfit("must not be divided by zero")
    return Fraction(int(numerator), int(denominator or 1))


def _write_instant(value: object) -> str:
    if type(value) is not datetime or value.tzinfo is None:
        raise _expected("an aware instant", value)
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")[:-6] + "Z"


def _read_instant(value: object) -> datetime:
    text = _read_text(value)
    if not _INSTANT.fullmatch(text):
        raise Unfit("must be an instant such as 2026-01-31T12:00:00.000000Z")
    return _parsed(datetime.fromisoformat, text)


def _write_date(value: object) -> str:
    if type(value) is not date:
        raise _expected("a date", value)
    return value.isoformat()


def _read_date(value: object) -> date:
    text = _read_text(value)
    if not _DATE.fullmatch(text):
        raise Unfit("must be a date such as 2026-01-31")
    return _parsed(date.fromisoformat, text)


def _write_time(value: object) -> str:
    if type(value) is not time or value.tzinfo is not None:
        raise _expected("a time of day without a zone", value)
    return value.isoformat(timespec="microseconds")


def _read_time(value: object) -> time:
    text = _read_text(value)
    if not _TIME.fullmatch(text):
        raise Unfit("must be a time of day such as 15:30:00.000000")
    return _parsed(time.fromisoformat, text)


def _parsed(parse: Callable[[str], _Parsed], text: str) -> _Parsed:
    try:
        return parse(text)
    except ValueError:
        raise Unfit("does not exist in the calendar or on the clock") from None


def _write_duration(value: object) -> int:
    if type(value) is not timedelta:
        raise _expected("a duration", value)
    return value // _MICROSECOND


def _read_duration(value: object) -> timedelta:
    try:
        return timedelta(microseconds=_int(value))
    except OverflowError:
        raise Unfit("is too long a duration") from None


def _write_slots(value: object) -> Json:
    if type(value) is not SlotSet:
        raise _expected("a set of slots", value)
    return [[start, stop] for start, stop in value.spans]


def _read_slots(value: object) -> SlotSet:
    spans: list[tuple[int, int]] = []
    for span in as_list(value):
        start, stop = as_list(span, 2)
        spans.append((_int(start), _int(stop)))
    return SlotSet(tuple(spans))


_SPAN: Final[Json] = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}

LEAVES: Final[Mapping[type, LeafRules]] = {
    str: LeafRules(_write_text, _read_text, str, {"type": "string"}),
    int: LeafRules(_int, _int, int, {"type": "integer"}),
    bool: LeafRules(_bool, _bool, bool, {"type": "boolean"}),
    Money: LeafRules(
        _write_money,
        _read_money,
        list,
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string", "pattern": "^[A-Z]{3}$"}],
            "description": "minor units and currency code",
        },
    ),
    Currency: LeafRules(
        _write_currency, _read_currency, str, {"type": "string", "pattern": "^[A-Z]{3}$"}
    ),
    Fraction: LeafRules(
        _write_fraction, _read_fraction, str, {"type": "string", "pattern": "^-?[0-9]+(/[0-9]+)?$"}
    ),
    datetime: LeafRules(
        _write_instant, _read_instant, str, {"type": "string", "format": "date-time"}
    ),
    date: LeafRules(_write_date, _read_date, str, {"type": "string", "format": "date"}),
    time: LeafRules(_write_time, _read_time, str, {"type": "string", "format": "time"}),
    timedelta: LeafRules(
        _write_duration,
        _read_duration,
        int,
        {"type": "integer", "description": "microseconds"},
    ),
    SlotSet: LeafRules(
        _write_slots,
        _read_slots,
        list,
        {"type": "array", "items": _SPAN, "description": "half-open spans of slots"},
    ),
}
"""The rules by exact type; a type that is not here is no leaf."""
