"""The law of reports: the outside is never told no, whatever state an order has reached (O-2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Final

from hypothesis import HealthCheck, given, settings

from ordercore.facts import Report
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import (
    Booked,
    BookingAnswer,
    BookingDeclined,
    BookingUnknown,
    ParcelStatus,
)
from ordercore.order.decide import decide, replay
from ordercore.order.model import Order
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


@given(story=stories)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_every_report_is_absorbed_or_parked_in_every_reachable_state(story: list[Step]) -> None:
    """O-2: whatever was asked of an order before, a report is never refused."""
    world = World()
    for _ in world.play(story):
        for name in world.shop.orders:
            law_of_reports(world.shop.load(name), world.shop.clock.now)
