from __future__ import annotations

import subprocess
import sys
import time as clock
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.moment import (
    BusinessCalendar,
    Instant,
    InvalidCalendarError,
    InvalidInstantError,
    NaiveDatetimeError,
    Period,
    UnknownTimeZoneError,
    Window,
    after,
    format_instant,
    parse_instant,
    recurring_days,
    utc,
)
from ordercore.money import InvalidQuantityError, LimitExceededError

Anything = Any  # what hosts may hand over by mistake, past every type checker

MOST_SECONDS = 0.05

instants = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - Hypothesis adds the time zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
places = st.sampled_from(
    [
        *("UTC", "Europe/Vienna", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata"),
        *("Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"),
    ]
)
periods = st.builds(
    Period,
    months=st.integers(0, 40),
    days=st.integers(0, 60),
    hours=st.integers(0, 100),
    seconds=st.integers(0, 10**5),
)


def refusal(call: Callable[[], object], kind: type[OrderCoreError]) -> OrderCoreError:
    """The refusal of a call, which must be quick in the best of three attempts."""
    seconds: list[float] = []
    errors: list[OrderCoreError] = []
    for _ in range(3):
        began = clock.perf_counter()
        with pytest.raises(kind) as caught:
            call()
        seconds.append(clock.perf_counter() - began)
        errors.append(caught.value)
    assert min(seconds) < MOST_SECONDS
    assert type(errors[0]) is kind
    return errors[0]


def at(text: str) -> Instant:
    """An instant, short to write."""
    return parse_instant(text)


# --- instants ------------------------------------------------------------------------------------


def test_any_time_zone_becomes_utc() -> None:
    """The same point in time, written in UTC; what is in UTC already stays the same object."""
    vienna = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Vienna"))
    fixed = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert datetime(2026, 7, 1, 10, tzinfo=UTC) == utc(vienna) == utc(fixed)
    assert utc(vienna).tzinfo is utc(fixed).tzinfo is UTC
    assert utc(utc(vienna)) is not None
    already = utc(vienna)
    assert utc(already) is already


def test_naive_datetimes_are_refused() -> None:
    """Abuse 27: a datetime without a time zone says nothing."""
    naive = datetime(2026, 7, 1, 12)  # noqa: DTZ001 - the abuse itself
    refusal(lambda: utc(naive), NaiveDatetimeError)
    refusal(lambda: format_instant(naive), NaiveDatetimeError)
    refusal(lambda: after(naive, Period(days=1)), NaiveDatetimeError)
    refusal(lambda: Window(Period(days=1)).closes_at(naive), NaiveDatetimeError)
    refusal(lambda: BusinessCalendar().starts_on(naive), NaiveDatetimeError)


@pytest.mark.parametrize(
    "value", [None, 0, 1.5, True, "2026-07-01", date(2026, 7, 1), time(12)], ids=repr
)
def test_only_datetimes_are_instants(value: Anything) -> None:
    """A date, a number and a text are no instant."""
    refusal(lambda: utc(value), InvalidInstantError)


def test_instants_beyond_the_calendar_are_refused() -> None:
    """What would lie before year 1 or after 9999 in UTC has no instant."""
    east, west = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))
    refusal(lambda: utc(datetime.min.replace(tzinfo=east)), InvalidInstantError)
    refusal(lambda: utc(datetime.max.replace(tzinfo=west)), InvalidInstantError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00.000001Z", datetime(2026, 3, 1, 9, 30, 0, 1, tzinfo=UTC)),
        ("2026-03-01T09:30:00+01:00", datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00-0530", datetime(2026, 3, 1, 15, 0, tzinfo=UTC)),
        ("2026-03-01 09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("20260301T093000Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00.123456789Z", datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T24:00:00Z", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_iso_8601_is_read(text: str, expected: datetime) -> None:
    """The forms in which platforms write instants, in UTC."""
    assert expected == parse_instant(text)
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "yesterday", "2026", "2026-03", "2026-03-01", "2026-02-30T00:00:00Z"),
        *("2026-13-01T00:00:00Z", "2026-03-01T25:00:00Z", "2026-03-01T09:30:60Z", "1767225600"),
        *("2026-03-01T09:30:00+25:00", " 2026-03-01T09:30:00Z", "2026-03-01T09:30:00Z\n"),
        *("2026-03-01x09:30:00Z", "\u0662026-03-01T09:30:00Z", "0000-01-01T00:00:00Z"),
        *("9" * 60 + "T", "2" * 10**6, "T" * 10**6, "\x00", "2026-03-01T09:30:00\udc00"),
        "9999-12-31T24:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
    ids=lambda text: ascii(text)[:24],
)
def test_other_text_is_no_instant(text: str) -> None:
    """Words, numbers, impossible days, other letters and megabytes are refused at once."""
    refusal(lambda: parse_instant(text), InvalidInstantError)


@pytest.mark.parametrize("value", [None, 5, b"2026-03-01T09:30:00Z", ["2026"]], ids=repr)
def test_only_text_is_read(value: Anything) -> None:
    """Bytes and streams are not read as text."""
    refusal(lambda: parse_instant(value), InvalidInstantError)


def test_local_text_needs_a_place() -> None:
    """A platform that writes local time must be said where it stands."""
    assert at("2026-07-01T10:00:00Z") == parse_instant("2026-07-01 12:00:00", tz="Europe/Vienna")
    assert at("2026-07-01T12:00:00Z") == parse_instant("2026-07-01T12:00:00Z", tz="Europe/Vienna")
    refusal(lambda: parse_instant("2026-07-01 12:00:00"), NaiveDatetimeError)
    refusal(lambda: parse_instant("2026-07-01 12:00:00", tz="Nowhere"), UnknownTimeZoneError)


@given(instants)
def test_text_of_an_instant_reads_back(instant: datetime) -> None:
    """Writing and reading give the same microsecond, and Z at the end."""
    text = format_instant(instant)
    assert instant == parse_instant(text)
    assert text.endswith("Z")


def test_microseconds_are_written_only_if_there_are_any() -> None:
    """Whole seconds are short."""
    assert "2026-03-01T09:30:00Z" == format_instant(at("2026-03-01T10:30:00+01:00"))
    assert "2026-03-01T09:30:00.000050Z" == format_instant(at("2026-03-01T09:30:00.00005Z"))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "Nowhere",
            "../../etc/passwd",
            "/etc/localtime",
            "Europe",
            "Europe/",
            "europe vienna",
        ),
        *("Europe/Vienna\x00", "UTC\n", "E" * 10**6, "Europe/W\u00fcen", None, 1, UTC, ["UTC"]),
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_unknown_time_zones_are_refused(name: Anything) -> None:
    """Only IANA names: no paths, folders, objects or megabytes."""
    refusal(lambda: after(at("2026-01-01T00:00:00Z"), Period(days=1), name), UnknownTimeZoneError)
    refusal(lambda: Window(Period(days=1), name), UnknownTimeZoneError)
    refusal(lambda: BusinessCalendar(tz=name), UnknownTimeZoneError)


# --- periods -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["months", "days", "hours", "minutes", "seconds"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "1", None, Fraction(1, 2), 10**12], ids=repr)
def test_periods_are_whole_and_bounded(part: str, value: Anything) -> None:
    """Abuse 27: nothing negative, no halves, and nothing beyond 100 years."""
    kind = LimitExceededError if value == 10**12 else InvalidQuantityError
    refusal(lambda: Period(**{part: value}), kind)
    assert Period() == Period(**{part: 0})


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2026-01-31T12:00:00Z", Period(months=1), "2026-02-28T12:00:00Z"),
        ("2024-01-31T12:00:00Z", Period(months=1), "2024-02-29T12:00:00Z"),
        ("2024-02-29T12:00:00Z", Period(months=12), "2025-02-28T12:00:00Z"),
        ("2024-02-29T12:00:00Z", Period(months=48), "2028-02-29T12:00:00Z"),
        ("2026-01-31T12:00:00Z", Period(months=1, days=1), "2026-03-01T12:00:00Z"),
        ("2026-12-15T12:00:00Z", Period(months=1), "2027-01-15T12:00:00Z"),
        ("2026-01-01T00:00:00Z", Period(hours=1, minutes=2, seconds=3), "2026-01-01T01:02:03Z"),
        ("2026-01-01T00:00:00.5Z", Period(), "2026-01-01T00:00:00.5Z"),
    ],
)
def test_months_and_days_are_counted_on_the_calendar(start: str, period: Period, end: str) -> None:
    """Short months end on their last day; leap years have one more."""
    assert at(end) == after(at(start), period)


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2026-03-28T12:00:00+01:00", Period(days=1), "2026-03-29T12:00:00+02:00"),
        ("2026-03-28T12:00:00+01:00", Period(hours=24), "2026-03-29T13:00:00+02:00"),
        ("2026-10-24T12:00:00+02:00", Period(days=1), "2026-10-25T12:00:00+01:00"),
        ("2026-10-24T12:00:00+02:00", Period(hours=24), "2026-10-25T11:00:00+01:00"),
        ("2026-03-28T02:30:00+01:00", Period(days=1), "2026-03-29T03:30:00+02:00"),
        ("2026-10-24T02:30:00+02:00", Period(days=1), "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:30:00+01:00", Period(days=1), "2026-10-26T02:30:00+01:00"),
        ("2026-10-25T02:30:00+01:00", Period(minutes=1), "2026-10-25T02:31:00+01:00"),
        ("2026-01-31T23:30:00+01:00", Period(months=1), "2026-02-28T23:30:00+01:00"),
        ("2026-02-28T02:30:00+01:00", Period(months=1, days=1), "2026-03-29T03:30:00+02:00"),
    ],
)
def test_daylight_saving_keeps_the_clock_time(start: str, period: Period, end: str) -> None:
    """Abuse 50: days keep the clock; hours elapse; a skipped time moves on, of two the first."""
    assert at(end) == after(at(start), period, "Europe/Vienna")


def test_a_day_that_a_place_skipped_is_passed_over() -> None:
    """Samoa had no 30 December 2011: a day after the 29th is the 31st."""
    start = parse_instant("2011-12-29T12:00:00", tz="Pacific/Apia")
    assert parse_instant("2011-12-31T12:00:00", tz="Pacific/Apia") == after(
        start, Period(days=1), "Pacific/Apia"
    )


@given(instants, periods, places)
def test_a_period_never_leads_back(instant: datetime, period: Period, place: str) -> None:
    """What comes after comes after, within a day of what the parts add up to."""
    end = after(instant, period, place)
    assert instant <= end
    least = timedelta(days=28 * period.months + period.days) + period.elapsed
    most = timedelta(days=31 * period.months + period.days) + period.elapsed
    assert least - timedelta(days=2) <= end - instant <= most + timedelta(days=2)


@pytest.mark.parametrize(
    "period", [Period(months=1), Period(days=2), Period(hours=48), Period(months=1200)], ids=str
)
def test_instants_beyond_9999_are_refused(period: Period) -> None:
    """The calendar ends; a period that would go on is refused."""
    late = datetime(9999, 12, 30, tzinfo=UTC)
    refusal(lambda: after(late, period), InvalidInstantError)
    refusal(lambda: Window(period).closes_at(late), InvalidInstantError)


# --- windows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "since", "closes"),
    [
        (Period(days=14), "2026-04-01T09:00:00+02:00", "2026-04-16T00:00:00+02:00"),
        (Period(days=14), "2026-04-01T00:00:00+02:00", "2026-04-16T00:00:00+02:00"),
        (Period(days=14), "2026-04-01T23:59:59+02:00", "2026-04-16T00:00:00+02:00"),
        (Period(days=14), "2026-03-20T18:00:00+01:00", "2026-04-04T00:00:00+02:00"),
        (Period(days=14), "2026-10-15T18:00:00+02:00", "2026-10-30T00:00:00+01:00"),
        (Period(months=1), "2026-01-31T18:00:00+01:00", "2026-03-01T00:00:00+01:00"),
        (Period(months=12), "2024-02-29T18:00:00+01:00", "2025-03-01T00:00:00+01:00"),
        (Period(days=1, hours=2), "2026-04-01T09:00:00+02:00", "2026-04-03T02:00:00+02:00"),
        (Period(hours=48), "2026-04-01T09:00:00+02:00", "2026-04-03T09:00:00+02:00"),
        (Period(), "2026-04-01T09:00:00+02:00", "2026-04-01T09:00:00+02:00"),
    ],
)
def test_a_window_includes_its_whole_last_day(period: Period, since: str, closes: str) -> None:
    """Abuse 50: the end of the last local day, across daylight saving and leap days."""
    window = Window(period, "Europe/Vienna")
    assert at(closes) == window.closes_at(at(since))


def test_midnight_that_does_not_exist_ends_the_day_all_the_same() -> None:
    """São Paulo jumped from midnight to one on 4 November 2018: the day before ended then."""
    window = Window(Period(days=1), "America/Sao_Paulo")
    assert at("2018-11-04T03:00:00Z") == window.closes_at(at("2018-11-02T12:00:00Z"))


def test_a_window_opens_with_the_fact_and_closes_with_the_day() -> None:
    """From the instant to the last microsecond of the last day; a clock set back is outside."""
    window = Window(Period(days=14), "Europe/Vienna")
    since = at("2026-04-01T09:00:00+02:00")
    tick = timedelta(microseconds=1)
    closes = window.closes_at(since)
    assert [False, True, True, False] == [
        window.contains(now, since=since) for now in (since - tick, since, closes - tick, closes)
    ]


@given(instants, periods, places)
def test_a_window_of_days_ends_at_a_local_midnight(
    since: datetime, period: Period, place: str
) -> None:
    """Never before the period is over, and by less than two days later."""
    end = after(since, period, place)
    closes = Window(period, place).closes_at(since)
    assert end <= closes < end + timedelta(days=2)
    if period.months or period.days:
        local = (closes - period.elapsed).astimezone(ZoneInfo(place))
        assert local.date() > (local - timedelta.resolution).date() or local.time() != time()


# --- business days -------------------------------------------------------------------------------

CHRISTMAS = frozenset({date(2026, 12, 25), date(2026, 12, 26)})


def test_weekends_and_holidays_are_no_business_days() -> None:
    """Saturday, Sunday, Christmas and Boxing Day; other weekends may be set."""
    calendar = BusinessCalendar(holidays=CHRISTMAS)
    week = [date(2026, 12, 21) + timedelta(days=n) for n in range(7)]
    assert [True] * 4 + [False] * 3 == [calendar.is_business_day(day) for day in week]
    cairo: Anything = BusinessCalendar(weekend=frozenset({5, 6}))
    assert [True] * 4 + [False] * 2 + [True] == [cairo.is_business_day(day) for day in week]


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (date(2026, 12, 23), 0, date(2026, 12, 23)),
        (date(2026, 12, 25), 0, date(2026, 12, 28)),
        (date(2026, 12, 23), 1, date(2026, 12, 24)),
        (date(2026, 12, 24), 1, date(2026, 12, 28)),
        (date(2026, 12, 25), 1, date(2026, 12, 28)),
        (date(2026, 12, 23), 6, date(2027, 1, 4)),
    ],
)
def test_business_days_are_added(day: date, days: int, expected: date) -> None:
    """Weekends and holidays do not count; zero days moves a day off to the next working day."""
    holidays = CHRISTMAS | {date(2027, 1, 1)}
    assert expected == BusinessCalendar(holidays=holidays).add_business_days(day, days)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-12-23T13:59:59.999999+01:00", date(2026, 12, 23)),
        ("2026-12-23T14:00:00+01:00", date(2026, 12, 24)),
        ("2026-12-24T14:00:00+01:00", date(2026, 12, 28)),
        ("2026-12-25T09:00:00+01:00", date(2026, 12, 28)),
        ("2026-12-27T23:30:00Z", date(2026, 12, 28)),
    ],
)
def test_the_cut_off_decides_on_which_day_work_begins(now: str, expected: date) -> None:
    """Before the local cut-off the same business day counts, from then on the next one."""
    calendar = BusinessCalendar(holidays=CHRISTMAS, cut_off=time(14), tz="Europe/Vienna")
    assert expected == calendar.starts_on(at(now))


def test_without_a_cut_off_the_whole_day_counts() -> None:
    """An order a second before midnight counts for its own day."""
    calendar = BusinessCalendar(tz="Europe/Vienna")
    assert date(2026, 12, 23) == calendar.starts_on(at("2026-12-23T23:59:59+01:00"))


def test_a_day_ends_at_local_midnight() -> None:
    """The instant by which something must have happened on a day."""
    calendar = BusinessCalendar(tz="Europe/Vienna")
    assert at("2026-03-29T22:00:00Z") == calendar.ends_at(date(2026, 3, 29))
    assert at("2026-03-28T23:00:00Z") == calendar.ends_at(date(2026, 3, 28))
    refusal(lambda: calendar.ends_at(date.max), InvalidInstantError)


def test_wrong_calendars_are_refused() -> None:
    """A week without work, days that are none, and clock times with a time zone."""
    wrong: Anything = BusinessCalendar
    refusal(lambda: wrong(weekend=range(1, 8)), InvalidCalendarError)
    refusal(lambda: wrong(weekend={0}), InvalidQuantityError)
    refusal(lambda: wrong(weekend={8}), LimitExceededError)
    refusal(lambda: wrong(weekend={"sun"}), InvalidQuantityError)
    refusal(lambda: wrong(holidays=["2026-12-25"]), InvalidCalendarError)
    refusal(lambda: wrong(holidays=[datetime(2026, 12, 25, tzinfo=UTC)]), InvalidCalendarError)
    many = [date(2026, 1, 1) + timedelta(days=n) for n in range(10_001)]
    refusal(lambda: wrong(holidays=many), InvalidCalendarError)
    refusal(lambda: wrong(cut_off=time(14, tzinfo=UTC)), InvalidCalendarError)
    refusal(lambda: wrong(cut_off="14:00"), InvalidCalendarError)
    refusal(lambda: wrong(weekend=5), InvalidCalendarError)
    refusal(lambda: wrong(holidays=5), InvalidCalendarError)
    refusal(lambda: wrong(holidays=[[]]), InvalidCalendarError)


def test_business_days_are_bounded() -> None:
    """Ten years of business days at most, none negative, and the calendar ends in 9999."""
    calendar = BusinessCalendar(holidays=CHRISTMAS)
    refusal(lambda: calendar.add_business_days(date(2026, 1, 1), 3_661), LimitExceededError)
    refusal(lambda: calendar.add_business_days(date(2026, 1, 1), -1), InvalidQuantityError)
    refusal(lambda: calendar.next_business_day(date.max), InvalidInstantError)
    refusal(lambda: calendar.add_business_days(date.max, 5), InvalidInstantError)
    wrong: Anything = datetime(2026, 1, 1, tzinfo=UTC)
    refusal(lambda: calendar.is_business_day(wrong), InvalidInstantError)
    refusal(lambda: calendar.next_business_day(wrong), InvalidInstantError)
    refusal(lambda: calendar.add_business_days(wrong, 1), InvalidInstantError)
    refusal(lambda: calendar.ends_at(wrong), InvalidInstantError)


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25,26", ["2026-12-25", "2026-12-26"]),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2026-11-26"]),
        ("FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", ["2026-05-25"]),
        ("FREQ=YEARLY;BYEASTER=1", ["2026-04-06"]),
        ("FREQ=YEARLY;BYEASTER=-2", ["2026-04-03"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", []),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", []),
    ],
)
def test_holidays_recur_by_rule(rule: str, expected: list[str]) -> None:
    """Fixed days, the nth weekday of a month, days around Easter, and days that never come."""
    days = recurring_days(rule, first=date(2026, 1, 1), last=date(2026, 12, 31))
    assert expected == sorted(day.isoformat() for day in days)


def test_rules_hold_for_many_years_within_their_bounds() -> None:
    """Both ends count, and leap days come when they come."""
    leap = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"
    days = recurring_days(leap, first=date(2024, 2, 29), last=date(2032, 2, 29))
    assert {date(2024, 2, 29), date(2028, 2, 29), date(2032, 2, 29)} == days
    assert set() == recurring_days(leap, first=date(2024, 3, 1), last=date(2028, 2, 28))


@pytest.mark.parametrize(
    "rule",
    [
        *("", "FREQ=SECONDLY", "FREQ=DAILY;BYMONTH=1", "FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=2"),
        *("FREQ=YEARLY;BYMONTH=13", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=0;COUNT=5", "X" * 10**6),
        *("FREQ=YEARLY;BYMONTH=1;BYDAY=XX", "FREQ=YEARLY;BYMONTH=,", "FREQ=YEARLY;BYEASTER=x"),
        *("FREQ=YEARLY;BYMONTH=1;BYDAY=", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=A", None, 5, b"FREQ"),
        "DTSTART:20260101\nFREQ=YEARLY;BYMONTH=1",
        "FREQ=YEARLY;BYMONTH=1;BYDAY=99MO",
        "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=32",
    ],
    ids=lambda rule: ascii(rule)[:40],
)
def test_other_rules_are_refused(rule: Anything) -> None:
    """Only yearly rules, with values that a year has."""
    call: Anything = recurring_days
    refusal(
        lambda: call(rule, first=date(2026, 1, 1), last=date(2026, 12, 31)), InvalidCalendarError
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 1, 2), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2127, 1, 1)),
        ("2026-01-01", date(2026, 1, 2)),
        (datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 2)),
    ],
)
def test_rules_are_asked_for_a_century_at_most(first: Anything, last: date) -> None:
    """Days in the wrong order, too far apart, or no days."""
    rule = "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1"
    refusal(lambda: recurring_days(rule, first=first, last=last), InvalidCalendarError)


# --- the module ----------------------------------------------------------------------------------


def test_the_import_loads_no_dateutil() -> None:
    """Whoever only needs instants in the stored form pays for no calendar library."""
    code = (
        "import sys; from ordercore import moment as m;"
        "m.after(m.parse_instant('2026-01-01T00:00:00Z'), m.Period(days=3));"
        "print([name for name in sys.modules if name.startswith('dateutil')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "[]" == done.stdout.strip()


def test_every_error_of_moments_is_a_wrong_value() -> None:
    """Whoever catches ValueError catches them all."""
    kinds = (InvalidCalendarError, InvalidInstantError, NaiveDatetimeError, UnknownTimeZoneError)
    assert all(issubclass(kind, InvalidValueError) for kind in kinds)
