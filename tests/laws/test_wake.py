"""
The law of waking: nobody who sleeps until `wake_at` misses anything.

An order at rest is looked at again when a fact comes or at that instant, and at no other time: an
instant that is missing there is work that nobody ever does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, product
from typing import Final

from attrs import define, evolve, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordercore.codec.state import encode_state
from ordercore.facts import Report, Request
from ordercore.fulfilment.commands import PackParcel
from ordercore.fulfilment.model import Booked, BookingAnswer, BookingDeclined, BookingUnknown
from ordercore.ids import Key, OrderId
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.answers import Answer, Succeeded
from ordercore.payment.model import Operation, Tender
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.ports.gateways import BookingRequest, CarrierGateway, PaymentCall
from ordercore.ports.unit_of_work import ChangeSet
from ordercore.pricing.model import DraftLine
from ordercore.process.due import due, wake_at
from ordercore.process.tasks import IntendPayment, Task
from ordercore.service.engine import Receipt
from ordercore.service.sync import OrderService
from ordercore.service.turn import Turn
from tests.laws.order_world import CARD, Clock, Till
from tests.laws.test_order import Step, World, stories
from tests.laws.watched import WatchedShop

TICK: Final = timedelta(microseconds=1)
EVER: Final = timedelta(days=3_000)
"""Where nothing wakes an order, it is looked at as far ahead as this."""
MOST_LOOKS: Final = 12
INSTANT: Final = re.compile(r'"(\d{4}-\d\d-\d\dT[^"]+)"')

ABLE: Final = Capabilities(
    refund_before_settlement=False,
    settlement_delay=timedelta(days=1),
    authorisation_lifetime=timedelta(days=3),
    incremental=True,
    extend=True,
)
"""A gateway of which everything has its time."""
WHOLE: Final = evolve(ABLE, partial_capture=False, extend=False)
"""One that must know how much is set aside before it captures, and makes nothing last longer."""
PATIENCE: Final = PaymentPolicy(renew_before=timedelta(days=1))
WAITS: Final = (
    ABLE.settlement_delay,
    PATIENCE.horizon,
    PATIENCE.horizon + ABLE.call_timeout,
    PATIENCE.send_window,
    PATIENCE.soft_retry_after,
    -PATIENCE.renew_before,
    *PATIENCE.schedule[:3],
    timedelta(days=14),
)


def what(task: Task) -> object:
    """A task without the times in it: an intent that is made later is the same work."""
    if isinstance(task, IntendPayment):
        intent = task.intent
        return (intent.operation, intent.tender, intent.amount, intent.target)
    return task


def owed(order: Order, now: datetime) -> set[object]:
    """What there is to be done at an instant."""
    return {what(task) for task in due(order, now)}


def looks(order: Order, now: datetime, until: datetime) -> Iterator[datetime]:
    """Instants in between: the last one, halves, and what stands in the order, a tick around."""
    yield until - TICK
    yield now + (until - now) / 2
    yield now + (until - now) / 64
    told = {datetime.fromisoformat(text) for text in INSTANT.findall(encode_state(order))}
    waits = (timedelta(0), *WAITS)
    around = (-TICK, timedelta(0), TICK)
    known = {at + wait for at, wait in product(told, waits)}
    found = sorted(at + tick for at, tick in product(known, around) if now < at + tick < until)
    yield from found[:: 1 + len(found) // MOST_LOOKS]


def law_of_waking(order: Order, now: datetime) -> None:
    """Between two looks at an order nothing new is owed."""
    wake = wake_at(order, now)
    assert wake is None or wake > now, "time goes on"
    known = owed(order, now)
    for at in looks(order, now, wake or now + EVER):
        new = owed(order, at) - known
        assert not new, f"{new} at {at}, {at - now} after it was looked at; it sleeps until {wake}"


@define
class PatientTill(Till):
    """A gateway whose authorisations end; they can be raised, and be made to last longer."""

    clock: Clock = field(factory=Clock)
    ends: dict[Key, datetime] = field(factory=dict[Key, datetime])

    def increase(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def extend(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def _succeeded(self, call: PaymentCall) -> Succeeded:
        told = super()._succeeded(call)
        if call.operation not in {Operation.AUTHORISE, Operation.EXTEND}:
            return told
        ends = self.ends.setdefault(call.key, self.clock.now + self.able.authorisation_lifetime)
        return evolve(told, expires_at=ends)


@define
class Fickle(CarrierGateway):
    """A carrier that is silent first, then full, and takes every third parcel."""

    clock: Clock
    numbers: Iterator[int] = field(factory=count)

    def book(self, request: BookingRequest) -> BookingAnswer:
        match next(self.numbers) % 3:
            case 0:
                return BookingUnknown(reason="silence")
            case 1:
                return BookingDeclined(reason="full", retry_at=self.clock.now + timedelta(hours=5))
            case _:
                return Booked(tracking_number=f"T-{request.key}"[:40])


@define
class SleepyShop(WatchedShop):
    """Everything that can have a time has one; each commit is asked when it wakes."""

    able: Capabilities = ABLE

    def another(self, prefix: str = "id") -> OrderService:
        self.till = PatientTill(able=self.able, clock=self.clock)
        self.carrier = Fickle(self.clock)
        return super().another(prefix)

    def shown(self, changes: ChangeSet, turn: Turn) -> None:
        del changes
        law_of_waking(turn.current, self.clock.now)

    def check(self) -> None:
        """Whoever sleeps now misses nothing."""
        for name in self.orders:
            law_of_waking(self.load(name), self.clock.now)

    def place(
        self,
        *lines: DraftLine,
        terms: Terms | None = None,
        tenders: tuple[Tender, ...] = (CARD,),
    ) -> Order:
        known = terms or Terms()
        payment = evolve(known.payment, renew_before=PATIENCE.renew_before)
        patient = evolve(known, payment=payment, book_carrier=True)
        return super().place(*lines, terms=patient, tenders=tenders)

    def do(self, order: OrderId, command: Request | Report) -> Receipt:
        if isinstance(command, PackParcel):
            command = evolve(command, carrier="post")
        return super().do(order, command)


def sleep_through(story: list[Step], able: Capabilities = ABLE) -> None:
    """Act a story out, and let the worker come back until little is left to do."""
    shop = SleepyShop(able=able)
    for _ in World(shop=shop).play(story):
        shop.check()
    for _ in range(6):
        shop.rest(rounds=1, step=timedelta(hours=13))
        shop.check()


@given(story=stories, able=st.sampled_from((ABLE, WHOLE)))
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_nobody_who_sleeps_misses_anything(story: list[Step], able: Capabilities) -> None:
    """O-6, PAY-2, PAY-5: whatever has a time of its own is looked at in time."""
    sleep_through(story, able)
