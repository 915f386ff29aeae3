"""
When goods can be with the customer: available-to-promise dates (RULES I-9).

What lies there goes first, then what is announced, in the order of its arrival, less what others
wait for already; the rest, where the backorder limit allows, after the lead time of a new order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.inventory._checks import MOST, a, count, limit, units
from ordercore.inventory.model import Counters
from ordercore.moment import BusinessCalendar, utc
from ordercore.money import checked_quantity

__all__ = ["Arrival", "Promise", "PromiseRule", "PromisedFrom", "promise"]

EVERY_DAY: Final = BusinessCalendar(weekend=frozenset())


@unique
class PromisedFrom(StrEnum):
    """Where promised units come from."""

    STOCK = "stock"
    INCOMING = "incoming"
    NEW_ORDER = "new_order"


@frozen(kw_only=True)
class Arrival:
    """Announced units and when they should come; one that is late counts as due now."""

    at: datetime = field(converter=utc)
    quantity: int = field(validator=units)


@frozen(kw_only=True)
class PromiseRule:
    """
    How long things take, in business days.

    Args:
        calendar: The location's days, holidays and cut-off time.
        carrier: The carrier's days.
        handling_days: From the start of work to the hand-over.
        transit_days: From the hand-over to the customer.
        putaway_days: From an arrival to the start of work.
        lead_time_days: Until a new order arrives; None: nothing is ordered for a customer.
    """

    calendar: BusinessCalendar = field(factory=BusinessCalendar, validator=a(BusinessCalendar))
    carrier: BusinessCalendar = field(default=EVERY_DAY, validator=a(BusinessCalendar))
    handling_days: int = field(default=0, validator=count)
    transit_days: int = field(default=0, validator=count)
    putaway_days: int = field(default=0, validator=count)
    lead_time_days: int | None = field(default=None, validator=limit)


@frozen(kw_only=True)
class Promise:
    """Some of the wanted units, and on which local day they leave and arrive."""

    quantity: int
    dispatch_on: date
    deliver_on: date
    source: PromisedFrom


def promise(
    wanted: int,
    counters: Counters,
    arrivals: Iterable[Arrival],
    now: datetime,
    *,
    rule: PromiseRule | None = None,
) -> tuple[Promise, ...]:
    """
    When *wanted* units can be there, in parts, the earliest first.

    The parts come to less than *wanted* when no more can be promised. Units that are not in stock
    would queue, so no more of them are promised than the backorder limit allows; who waits
    already is served first.

    Args:
        wanted: Units, at least 1.
        counters: Of the place that would send them.
        arrivals: Announced units; any order.
        now: When it is asked.
        rule: How long things take; by default nothing takes any time.

    Raises:
        InvalidQuantityError, NaiveDatetimeError: The question is not well formed.

    Source:
        RULES I-9.
    """
    rule = rule or PromiseRule()
    missing = checked_quantity(wanted, "wanted")
    there = counters.available if counters.tracked else missing
    limit = counters.can_queue
    most = min(missing, there) + (missing if limit is None else limit)
    missing = min(missing, most)
    today = rule.calendar.starts_on(utc(now))
    supplies = [(today, there, PromisedFrom.STOCK)]
    supplies += sorted(_later(counters, arrivals, utc(now), rule), key=lambda one: one[0])
    parts: list[Promise] = []
    for start, quantity, source in supplies:
        taken = min(missing, quantity)
        if taken:
            parts.append(_part(taken, start, source, rule))
            missing -= taken
    return tuple(parts)


def _later(
    counters: Counters, arrivals: Iterable[Arrival], now: datetime, rule: PromiseRule
) -> Iterator[tuple[date, int, PromisedFrom]]:
    """Day on which work begins, units and source of what is not there yet."""
    owed = max(0, counters.queued - counters.free)
    for arrival in sorted(arrivals, key=lambda one: one.at):
        theirs = min(owed, arrival.quantity)
        owed -= theirs
        day = rule.calendar.starts_on(max(now, arrival.at))
        ready = rule.calendar.add_business_days(day, rule.putaway_days)
        yield ready, arrival.quantity - theirs, PromisedFrom.INCOMING
    if rule.lead_time_days is not None:
        day = rule.calendar.add_business_days(rule.calendar.starts_on(now), rule.lead_time_days)
        ready = rule.calendar.add_business_days(day, rule.putaway_days)
        yield ready, MOST, PromisedFrom.NEW_ORDER


def _part(quantity: int, start: date, source: PromisedFrom, rule: PromiseRule) -> Promise:
    dispatch_on = rule.calendar.add_business_days(start, rule.handling_days)
    return Promise(
        quantity=quantity,
        dispatch_on=dispatch_on,
        deliver_on=rule.carrier.add_business_days(dispatch_on, rule.transit_days),
        source=source,
    )
