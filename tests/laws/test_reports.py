"""The law of reports: the outside is never told no, whatever state an order has reached (O-2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Final

from hypothesis import HealthCheck, given, settings

from ordercore.facts import Report, timely
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import (
    Booked,
    BookingAnswer,
    BookingDeclined,
    BookingUnknown,
    ParcelStatus,
)
from ordercore.ids import ReturnId
from ordercore.order.decide import decide, replay
from ordercore.order.model import Order
from ordercore.process.due import due, wake_at
from ordercore.returns import commands as rc
from tests.laws.test_order import Step, World, stories
from tests.unit.order.lives import reports

ANSWERS: Final[tuple[BookingAnswer, ...]] = (
    Booked(tracking_number="T-9", label="label"),
    BookingDeclined(reason="too heavy"),
    BookingUnknown(reason="silence"),
)


def told_about(order: Order, at: datetime) -> Iterator[Report]:
    """Every kind of report, about all that the order has and about things that it has not."""
    yield from reports(order, at)
    for parcel, status in product(order.fulfilment.parcels, ParcelStatus):
        yield fc.ReportTracking(parcel=parcel, status=status, raw="raw", at=at)
    for parcel, answer in product(order.fulfilment.parcels, ANSWERS):
        yield fc.ReportBooking(parcel=parcel, answer=answer, at=at)
    for return_id in order.returns.rmas:
        yield rc.ReportReturnMoved(return_id=return_id, at=at)


def law_of_reports(order: Order, at: datetime) -> None:
    """A report is absorbed or parked: it is never refused, and its facts fit the order."""
    for report in told_about(order, at):
        facts = decide(order, report, at)
        if facts:
            after = replay(facts, order)
            assert order.version + len(facts) == after.version


NO_DATES: Final = tuple(datetime(year, 1, 1, tzinfo=UTC) for year in (1, 1900, 1970, 2999, 9999))


def law_of_dates(order: Order, now: datetime) -> None:
    """A date that cannot be one is when we heard of it, and the order can be worked on after it."""
    for at in NO_DATES:
        for report in told_about(order, at):
            facts = decide(order, report, now)
            assert {now} >= {fact.at for fact in facts}
            after = replay(facts, order) if facts else order
            assert len(list(due(after, now + timedelta(days=40)))) < 1_000
            wakes = wake_at(after, now)
            assert wakes is None or now < wakes


@given(story=stories)
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
def test_a_report_may_bring_any_date(story: list[Step]) -> None:
    """O-2: the year 1 and the year 9999 are other systems' words for no date."""
    world = World()
    for _ in world.play(story):
        pass
    for name in world.shop.orders:
        law_of_dates(world.shop.load(name), world.shop.clock.now)


def test_no_year_is_beyond_a_report() -> None:
    """O-2: local midnight at the end of the calendar may have no year in UTC."""
    west = timezone(timedelta(hours=-5))
    told = rc.ReportReturnMoved(
        return_id=ReturnId("r"), at=datetime(9999, 12, 31, 23, 59, tzinfo=west)
    )
    assert datetime(2026, 1, 1, tzinfo=UTC) == timely(told, datetime(2026, 1, 1, tzinfo=UTC)).at


@given(story=stories)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_every_report_is_absorbed_or_parked_in_every_reachable_state(story: list[Step]) -> None:
    """O-2: whatever was asked of an order before, a report is never refused."""
    world = World()
    for _ in world.play(story):
        for name in world.shop.orders:
            law_of_reports(world.shop.load(name), world.shop.clock.now)
