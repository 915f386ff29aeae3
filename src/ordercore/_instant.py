"""
Instants: aware, in UTC, read from and written as ISO 8601 text; and the time zones they come from.

Import from `ordercore.moment`, which is the door.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias, cast
from zoneinfo import ZoneInfo

from attrs import define

from ordercore.errors import InvalidValueError

__all__ = [
    "Instant",
    "InvalidInstantError",
    "NaiveDatetimeError",
    "UnknownTimeZoneError",
    "format_instant",
    "parse_instant",
    "utc",
    "zone_of",
]

Instant: TypeAlias = datetime
"""An aware `datetime.datetime` in UTC."""

_LONGEST_TEXT: Final = 64
_OWN_FORMAT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z"
)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")


@define
class NaiveDatetimeError(InvalidValueError):
    """The datetime does not say in which time zone it is."""

    sentence = "An instant needs a time zone; give an aware datetime, such as one in UTC."


@define
class InvalidInstantError(InvalidValueError):
    """The value is no point in time that the calendar has."""

    sentence = "This is no usable instant: {problem}."
    problem: str


@define
class UnknownTimeZoneError(InvalidValueError):
    """The text is no IANA time zone."""

    sentence = "This is no known time zone; write an IANA name, such as Europe/Vienna."


def utc(value: datetime) -> datetime:
    """
    The same instant in UTC.

    Raises:
        NaiveDatetimeError: The value has no time zone.
        InvalidInstantError: No datetime, or in UTC beyond the years 1 to 9999.
    """
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    if not isinstance(cast("object", value), datetime):
        raise InvalidInstantError(f"it must be a datetime, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise NaiveDatetimeError
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidInstantError("it lies beyond the years 1 to 9999") from None


def parse_instant(text: str, *, tz: str | None = None) -> datetime:
    """
    The instant that an ISO 8601 text states, in UTC.

    Args:
        text: A date and a time with ``T`` or a blank between them, and an offset or ``Z``.
            Digits finer than microseconds are dropped.
        tz: The time zone of a text without offset, for platforms that write local time.

    Raises:
        InvalidInstantError: Not written so, or beyond the years 1 to 9999.
        NaiveDatetimeError: Neither the text nor *tz* says the time zone.
        UnknownTimeZoneError: *tz* is no IANA time zone.

    >>> parse_instant("2026-03-01T09:30:00+01:00")
    datetime.datetime(2026, 3, 1, 8, 30, tzinfo=datetime.timezone.utc)
    """
    if type(text) is not str:
        raise InvalidInstantError(f"it must be text, not {type(text).__name__}")
    if len(text) > _LONGEST_TEXT:
        raise InvalidInstantError(f"it is longer than {_LONGEST_TEXT} characters")
    try:
        value = _own_format(text) or _iso_8601(text)
    except (ValueError, OverflowError):
        raise InvalidInstantError("write it as in 2026-03-01T09:30:00Z") from None
    if value.tzinfo is None and tz is not None:
        value = value.replace(tzinfo=zone_of(tz))
    return utc(value)


def _own_format(text: str) -> datetime | None:
    """What `format_instant` wrote, read fast; None for anything else."""
    if not _OWN_FORMAT.fullmatch(text) or text[11:13] == "24":
        return None
    return datetime.fromisoformat(text)


def _iso_8601(text: str) -> datetime:
    from dateutil.parser import isoparser  # noqa: PLC0415 - loaded when foreign text comes

    if text[10:11] == " ":
        text = f"{text[:10]}T{text[11:]}"
    if "T" not in text:
        raise ValueError
    return isoparser(sep="T").isoparse(text)


def format_instant(value: datetime) -> str:
    """
    The instant as ISO 8601 text in UTC, as `parse_instant` reads it.

    Raises:
        NaiveDatetimeError: The value has no time zone.
        InvalidInstantError: No datetime, or in UTC beyond the years 1 to 9999.

    >>> format_instant(parse_instant("2026-03-01T09:30:00.5+01:00"))
    '2026-03-01T08:30:00.500000Z'
    """
    return utc(value).replace(tzinfo=None).isoformat() + "Z"


@lru_cache(maxsize=64)
def _known_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this IANA name."""
    usable = type(name) is str and len(name) <= _LONGEST_TEXT and _ZONE.fullmatch(name)
    zone = _known_zone(name) if usable else None
    if zone is None:
        raise UnknownTimeZoneError
    return zone
