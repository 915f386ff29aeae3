"""
The three kinds of message: requests and reports come in, events stay.

- A **request** is what somebody wants; it may be refused.
- A **report** is what the outside says has happened; it is absorbed or parked, never refused.
- An **event** is what happened: past tense, never changed, the stored format.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar, cast

from attrs import evolve, field, frozen

from ordercore.ids import DocumentNumber, Series
from ordercore.moment import InvalidInstantError, utc

__all__ = ["Event", "Numbered", "Report", "Request", "timely"]

_EARLIEST: Final = datetime(1971, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)


@frozen(kw_only=True)
class Event:
    """A fact: ``at`` is when it happened (the store adds when it was recorded)."""

    at: datetime = field(converter=utc)


@frozen(kw_only=True)
class Numbered(Event):
    """A fact that takes a number of *series* when it is committed (RULES O-1, D-1)."""

    series: Series
    number: DocumentNumber | None = None


@frozen(kw_only=True)
class Request:
    """A command that may be refused."""


def _told(value: datetime) -> datetime:
    """The instant in UTC; one beyond the years 1 to 9999 is no date."""
    try:
        return utc(value)
    except InvalidInstantError:
        if not isinstance(cast("object", value), datetime):
            raise
        return datetime(1, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class Report:
    """
    A command that is never refused; ``at`` is when it happened, maybe told late.

    An instant that UTC has no year for is kept as the first of the calendar: see `timely`.
    """

    at: datetime = field(converter=_told)


_R = TypeVar("_R", bound=Report)


def timely(report: _R, now: datetime) -> _R:
    """
    The report with a date that can be one; else it happened when we heard of it.

    Before 1971, and more than a day after *now*, stand the words of other systems for "no date".
    A day is room for their clocks and time zones.

    Source:
        RULES O-2.
    """
    if _EARLIEST <= report.at <= now + _AHEAD:
        return report
    return evolve(report, at=now)
