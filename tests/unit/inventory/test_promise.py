from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from attrs import evolve

from ordercore.inventory.model import Counters
from ordercore.inventory.promise import Arrival, PromisedFrom, PromiseRule, promise
from ordercore.moment import BusinessCalendar, NaiveDatetimeError
from ordercore.money import InvalidQuantityError

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
RULE = PromiseRule(
    calendar=BusinessCalendar(cut_off=time(14)),
    carrier=BusinessCalendar(),
    handling_days=1,
    transit_days=2,
)
ON_ORDER = Counters(backorder_limit=None)


def arrival(days: int, quantity: int) -> Arrival:
    return Arrival(at=MONDAY + timedelta(days=days), quantity=quantity)


def dates(
    wanted: int,
    counters: Counters,
    *coming: Arrival,
    now: datetime = MONDAY,
    rule: PromiseRule = RULE,
) -> list[tuple[int, date, date]]:
    return [
        (part.quantity, part.dispatch_on, part.deliver_on)
        for part in promise(wanted, counters, coming, now, rule=rule)
    ]


def day(number: int) -> date:
    return date(2026, 3, number)


def test_what_lies_there_goes_first() -> None:
    """Work begins today; a day of handling, two of transit."""
    assert [(2, day(3), day(5))] == dates(2, Counters(on_hand=5))


def test_after_the_cut_off_and_at_the_weekend_work_begins_later() -> None:
    """Business days of the location, and of the carrier."""
    late = MONDAY.replace(hour=14)
    assert [(1, day(4), day(6))] == dates(1, Counters(on_hand=1), now=late)
    friday = MONDAY + timedelta(days=4)
    assert [(1, day(9), day(11))] == dates(1, Counters(on_hand=1), now=friday)
    saturday_carrier = evolve(RULE, carrier=BusinessCalendar(weekend=frozenset({7})))
    thursday = MONDAY + timedelta(days=3)
    assert [(1, day(6), day(9))] == dates(
        1, Counters(on_hand=1), now=thursday, rule=saturday_carrier
    )
    holiday = BusinessCalendar(cut_off=time(14), holidays=frozenset({day(3)}))
    assert [(1, day(4), day(6))] == dates(
        1, Counters(on_hand=1), rule=evolve(RULE, calendar=holiday)
    )


def test_announced_units_follow_in_the_order_of_their_arrival() -> None:
    """In parts, each with its own date."""
    counters = evolve(ON_ORDER, on_hand=1)
    coming = (arrival(14, 5), arrival(7, 2))
    assert [
        (1, day(3), day(5)),
        (2, day(10), day(12)),
        (1, day(17), day(19)),
    ] == dates(4, counters, *coming)
    sources = [part.source for part in promise(4, counters, coming, MONDAY, rule=RULE)]
    assert [PromisedFrom.STOCK, PromisedFrom.INCOMING, PromisedFrom.INCOMING] == sources


def test_who_waits_already_is_served_first() -> None:
    """Of three announced units two are others'; so are units that only fill the safety stock."""
    counters = evolve(ON_ORDER, queued=2)
    assert [(1, day(10), day(12))] == dates(5, counters, arrival(7, 3))
    kept = evolve(ON_ORDER, on_hand=1, safety_stock=3)
    assert [(1, day(10), day(12))] == dates(5, kept, arrival(7, 3))


def test_no_more_is_promised_than_may_queue() -> None:
    """The backorder limit holds for announced units too."""
    coming = arrival(7, 9)
    assert [] == dates(5, Counters(), coming)
    assert [(2, day(10), day(12))] == dates(5, Counters(backorder_limit=2), coming)


def test_a_new_order_serves_the_rest() -> None:
    """After the lead time, and not before an earlier arrival; putting away takes its time."""
    rule = evolve(RULE, lead_time_days=3, putaway_days=1)
    assert [(4, day(9), day(11))] == dates(4, ON_ORDER, rule=rule)
    assert [(1, day(6), day(10)), (3, day(9), day(11))] == dates(
        4, ON_ORDER, arrival(2, 1), arrival(30, 50), rule=rule
    )
    assert PromisedFrom.NEW_ORDER is promise(4, ON_ORDER, (), MONDAY, rule=rule)[0].source


def test_a_late_arrival_is_due_now() -> None:
    """An announcement whose day has passed is no promise for yesterday."""
    assert [(1, day(3), day(5))] == dates(1, ON_ORDER, arrival(-20, 1))


def test_what_is_not_tracked_is_there() -> None:
    """Any number, today."""
    assert [(99, day(3), day(5))] == dates(99, Counters(tracked=False))


def test_without_a_rule_nothing_takes_time() -> None:
    """The same business day."""
    (part,) = promise(1, Counters(on_hand=1), (), MONDAY)
    assert (day(2), day(2)) == (part.dispatch_on, part.deliver_on)


def test_a_question_must_be_well_formed() -> None:
    """Whole units, and instants with a time zone."""
    naive = datetime(2026, 3, 2)  # noqa: DTZ001 - on purpose
    with pytest.raises(InvalidQuantityError):
        dates(0, ON_ORDER)
    with pytest.raises(NaiveDatetimeError):
        dates(1, ON_ORDER, now=naive)
    with pytest.raises(NaiveDatetimeError):
        Arrival(at=naive, quantity=1)
    with pytest.raises(InvalidQuantityError):
        PromiseRule(handling_days=-1)
