"""
Moments: aware instants in UTC, calendar periods, windows and business days.

Time comes in as an argument; nothing here asks a clock. An instant is a point on the time line and
is kept in UTC. A period such as "one month" is no fixed length: it is counted on the calendar of a
place, so whatever adds months or days takes the time zone of the shop. Three rules follow:

* months are added first and end on the last day of a shorter month (31 January + 1 month is
  28 or 29 February), then days; both keep the clock time of the place across a change to or from
  daylight saving. Hours, minutes and seconds are elapsed time.
* a clock time that a place skips is moved forward by the gap; of one that it has twice, the first
  counts.
* a window of months or days ends with the **end of its last local day**: 14 days from a delivery
  on the 1st, at whatever hour, include the whole of the 15th.

This module is the only one that uses dateutil, and only when it is asked to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Final, cast

from attrs import define, field, frozen

from ordercore._instant import (
    Instant,
    InvalidInstantError,
    NaiveDatetimeError,
    UnknownTimeZoneError,
    format_instant,
    parse_instant,
    utc,
    zone_of,
)
from ordercore.errors import InvalidValueError
from ordercore.money import checked_quantity

__all__ = [
    "BusinessCalendar",
    "Instant",
    "InvalidCalendarError",
    "InvalidInstantError",
    "NaiveDatetimeError",
    "Period",
    "UnknownTimeZoneError",
    "Window",
    "after",
    "format_instant",
    "parse_instant",
    "recurring_days",
    "utc",
]

_RULE: Final = re.compile(
    r"""FREQ=YEARLY;(?:
      BYEASTER=-?[0-9]{1,2} |
      BYMONTH=(?:(?:1[0-2]|[1-9])(?:,(?!;|$)|(?=;|$))){1,12}
      (?:;BYMONTHDAY=(?:-?(?:3[01]|[12][0-9]|[1-9])(?:,(?!;|$)|(?=;|$))){1,31})?
      (?:;BYDAY=(?:(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)(?:,(?!;|$)|(?=;|$))){1,7})?
    )""",
    re.VERBOSE,
)
"""Rules of RFC 5545 that can be answered for each year by itself."""
_DAY: Final = timedelta(days=1)
_MOST_HOLIDAYS: Final = 10_000
_MOST_YEARS: Final = 100
_MOST_BUSINESS_DAYS: Final = 3_660


@define
class InvalidCalendarError(InvalidValueError):
    """The calendar of business days cannot work."""

    sentence = "This calendar is not usable: {problem}."
    problem: str


def _amount(most: int) -> int:
    """A field of a period: a whole number from zero to *most*."""

    def convert(value: int) -> int:
        return checked_quantity(value, "length of a period", least=0, most=most)

    return field(default=0, converter=convert)


@frozen
class Period:
    """
    A length of time on the calendar: months, then days, then elapsed time.

    Raises:
        InvalidQuantityError: A part is no int, or below zero.
        LimitExceededError: A part is longer than 100 years.
    """

    months: int = _amount(1_200)
    days: int = _amount(36_600)
    hours: int = _amount(878_400)
    minutes: int = _amount(52_704_000)
    seconds: int = _amount(3_162_240_000)

    @property
    def elapsed(self) -> timedelta:
        """The part that is no calendar time."""
        return timedelta(hours=self.hours, minutes=self.minutes, seconds=self.seconds)


def after(instant: datetime, period: Period, tz: str = "UTC") -> datetime:
    """
    The instant *period* after *instant*, counted on the calendar of *tz*.

    Raises:
        NaiveDatetimeError: The instant has no time zone.
        InvalidInstantError: The result lies beyond the years 1 to 9999.
        UnknownTimeZoneError: *tz* is no IANA time zone.

    >>> start = parse_instant("2026-03-28T12:00:00+01:00")
    >>> format_instant(after(start, Period(days=1), "Europe/Vienna"))
    '2026-03-29T10:00:00Z'
    >>> format_instant(after(start, Period(hours=24), "Europe/Vienna"))
    '2026-03-29T11:00:00Z'
    """
    zone = zone_of(tz)
    start = utc(instant)
    try:
        if period.months or period.days:
            wall = start.astimezone(zone).replace(tzinfo=None, fold=0)
            start = utc(_calendar_after(wall, period).replace(tzinfo=zone))
        return start + period.elapsed
    except OverflowError:
        raise InvalidInstantError("it lies beyond the years 1 to 9999") from None


def _calendar_after(wall: datetime, period: Period) -> datetime:
    """The clock time of one place after the months and days of *period*."""
    if period.months:
        from dateutil.relativedelta import relativedelta  # noqa: PLC0415 - loaded when needed

        try:
            wall += relativedelta(months=period.months)
        except ValueError:
            raise OverflowError from None
    return wall + timedelta(days=period.days)


@frozen
class Window:
    """
    How long something stays possible after a fact, in the time zone of the shop.

    A window of months or days includes its whole last local day, and hours, minutes and seconds
    come on top of it; a window without months and days ends on the second.

    Raises:
        UnknownTimeZoneError: *tz* is no IANA time zone.

    Source:
        RULES R-3; Regulation (EEC, Euratom) 1182/71, articles 3(1) and 3(2)(b): the day of the
        event does not count and the last day ends with its last hour.

    >>> window = Window(Period(days=14), "Europe/Vienna")
    >>> format_instant(window.closes_at(parse_instant("2026-03-20T18:00:00Z")))
    '2026-04-03T22:00:00Z'
    """

    period: Period
    tz: str = "UTC"

    def __attrs_post_init__(self) -> None:
        """Check the time zone before it is needed."""
        zone_of(self.tz)

    def closes_at(self, since: datetime) -> datetime:
        """
        The first instant at which the window is over.

        Raises:
            NaiveDatetimeError: *since* has no time zone.
            InvalidInstantError: The end lies beyond the years 1 to 9999.
        """
        if not (self.period.months or self.period.days):
            return after(since, self.period)
        zone = zone_of(self.tz)
        try:
            wall = utc(since).astimezone(zone).replace(tzinfo=None, fold=0)
            midnight = datetime.combine(_calendar_after(wall, self.period) + _DAY, time())
            return utc(midnight.replace(tzinfo=zone)) + self.period.elapsed
        except OverflowError:
            raise InvalidInstantError("it lies beyond the years 1 to 9999") from None

    def contains(self, now: datetime, *, since: datetime) -> bool:
        """
        Whether *now* lies in the window that *since* has opened.

        Raises:
            NaiveDatetimeError: One of them has no time zone.
            InvalidInstantError: The end lies beyond the years 1 to 9999.
        """
        return utc(since) <= utc(now) < self.closes_at(since)


def _holidays(days: Iterable[date]) -> frozenset[date]:
    try:
        found = frozenset(days)
    except TypeError:
        raise InvalidCalendarError("holidays must be a set of dates") from None
    if len(found) > _MOST_HOLIDAYS:
        raise InvalidCalendarError(f"it has more than {_MOST_HOLIDAYS} holidays")
    if not all(type(day) is date for day in found):
        raise InvalidCalendarError("holidays must be dates")
    return found


def _weekdays(days: Iterable[int]) -> frozenset[int]:
    if not isinstance(cast("object", days), Iterable):
        raise InvalidCalendarError("a weekend must be a set of days of the week")
    found = frozenset(checked_quantity(day, "day of the week", most=7) for day in days)
    if len(found) == 7:
        raise InvalidCalendarError("a week needs a business day")
    return found


@frozen(kw_only=True)
class BusinessCalendar:
    """
    On which days a place works, and until when an order still counts for the same day.

    Args:
        weekend: Days of the week without work, 1 for Monday to 7 for Sunday.
        holidays: Days without work; see `recurring_days`.
        cut_off: The local clock time from which on work begins on the next business day;
            without one, any order counts for its own day.
        tz: The time zone of the place.

    Raises:
        InvalidCalendarError: No business day in a week, over 10,000 holidays, or no dates.
        InvalidQuantityError: A day of the week is no int from 1 to 7 (above: `LimitExceededError`).
        UnknownTimeZoneError: *tz* is no IANA time zone.

    Source:
        RULES I-9, F-6.

    >>> calendar = BusinessCalendar(cut_off=time(14), tz="Europe/Vienna")
    >>> calendar.starts_on(parse_instant("2026-07-31T12:00:00Z"))
    datetime.date(2026, 8, 3)
    """

    weekend: frozenset[int] = field(default=frozenset({6, 7}), converter=_weekdays)
    holidays: frozenset[date] = field(default=frozenset(), converter=_holidays)
    cut_off: time | None = None
    tz: str = "UTC"

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        zone_of(self.tz)
        if self.cut_off is not None and (
            type(self.cut_off) is not time or self.cut_off.tzinfo is not None
        ):
            raise InvalidCalendarError("the cut-off must be a clock time without a time zone")

    def is_business_day(self, day: date) -> bool:
        """
        Whether work is done on *day*.

        Raises:
            InvalidInstantError: *day* is no date.
        """
        _check_day(day)
        return day.isoweekday() not in self.weekend and day not in self.holidays

    def next_business_day(self, day: date) -> date:
        """
        The first business day after *day*.

        Raises:
            InvalidInstantError: *day* is no date, or the result lies beyond the year 9999.
        """
        _check_day(day)
        try:
            day += _DAY
            while not self.is_business_day(day):
                day += _DAY
        except OverflowError:
            raise InvalidInstantError("it lies beyond the year 9999") from None
        return day

    def add_business_days(self, day: date, days: int) -> date:
        """
        The business day that is *days* business days after *day*.

        Zero gives *day* itself, or the next business day if it is none.

        Raises:
            InvalidQuantityError: *days* is no int, or below zero.
            LimitExceededError: More than 3,660 days.
            InvalidInstantError: *day* is no date, or the result lies beyond the year 9999.
        """
        _check_day(day)
        count = checked_quantity(days, "business days", least=0, most=_MOST_BUSINESS_DAYS)
        if count == 0 and not self.is_business_day(day):
            count = 1
        for _ in range(count):
            day = self.next_business_day(day)
        return day

    def starts_on(self, at: datetime) -> date:
        """
        The business day on which work begins for what comes in at *at*.

        Raises:
            NaiveDatetimeError: *at* has no time zone.
            InvalidInstantError: It lies beyond the year 9999.
        """
        local = utc(at).astimezone(zone_of(self.tz))
        in_time = self.cut_off is None or local.time() < self.cut_off
        day = local.date()
        return day if in_time and self.is_business_day(day) else self.next_business_day(day)

    def ends_at(self, day: date) -> datetime:
        """
        The instant at which the local day *day* is over.

        Raises:
            InvalidInstantError: *day* is no date, or lies beyond the year 9999.
        """
        _check_day(day)
        try:
            midnight = datetime.combine(day + _DAY, time(), tzinfo=zone_of(self.tz))
        except OverflowError:
            raise InvalidInstantError("it lies beyond the year 9999") from None
        return utc(midnight)


def _check_day(day: object) -> None:
    if type(day) is not date:
        raise InvalidInstantError(f"a day must be a date, not {type(day).__name__}")


def recurring_days(rule: str, *, first: date, last: date) -> frozenset[date]:
    """
    The days from *first* to *last* on which a yearly rule falls, such as a public holiday.

    Args:
        rule: ``FREQ=YEARLY`` of RFC 5545 with ``BYMONTH`` and, if wanted, ``BYMONTHDAY`` and
            ``BYDAY``; or with ``BYEASTER``, in days after Easter Sunday.
        first: The first day that may be among them.
        last: The last day that may be among them, at most 100 years later.

    Raises:
        InvalidCalendarError: Another rule, or not ``first <= last`` within 100 years.

    >>> holidays = recurring_days("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25,26",
    ...                           first=date(2026, 1, 1), last=date(2026, 12, 31))
    >>> sorted(day.isoformat() for day in holidays)
    ['2026-12-25', '2026-12-26']
    """
    if type(rule) is not str or not _RULE.fullmatch(rule):
        raise InvalidCalendarError("a rule is FREQ=YEARLY with BYMONTH or BYEASTER")
    if type(first) is not date or type(last) is not date:
        raise InvalidCalendarError("the first and the last day must be dates")
    if not 0 <= last.year - first.year <= _MOST_YEARS or last < first:
        raise InvalidCalendarError(f"the days must be in order and within {_MOST_YEARS} years")
    found = _yearly_days(rule, range(first.year, last.year + 1))
    return frozenset(day for day in found if first <= day <= last)


def _yearly_days(rule: str, years: Iterable[int]) -> list[date]:
    """
    The days of *rule* in each of *years*.

    Each year is asked by itself, with an interval that ends the rule after it: so a rule that
    never comes true (30 February) costs one look per year, and not one per year until 9999.
    """
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - loaded when needed

    days: list[date] = []
    for year in years:
        january = datetime(year, 1, 1)  # noqa: DTZ001 - days have no time zone
        days.extend(found.date() for found in rrulestr(f"{rule};INTERVAL=9999", dtstart=january))
    return days
