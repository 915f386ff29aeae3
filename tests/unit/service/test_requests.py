"""The call of an intent has one body for ever (RULES PAY-2)."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from ordercore.fulfilment.model import Parcel, ParcelItem
from ordercore.ids import FulfilmentId, ItemId, Key, LineId, OrderId, ParcelId, TenderId
from ordercore.order.terms import Terms
from ordercore.payment.answers import Answer
from ordercore.payment.commands import RetryPayment
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.ports.gateways import PaymentCall
from ordercore.service.requests import booking_request, payment_call
from ordercore.service.sync import OrderService
from ordercore.testing.sandbox import SandboxGateway
from tests.laws.order_world import CARD, NORTH, Clock, Fate, Ids, Shop, line

OTHER = RetryPayment(tender=CARD.id, instrument="tok_other")


def test_a_question_has_the_body_of_the_call() -> None:
    """Another instrument in the time of doubt does not change what is asked about."""
    shop = Shop()
    shop.receive("tea", 1)
    shop.till.fates.append(Fate.LOST_CALL)
    order = shop.place(line("tea", 1))
    (key,) = order.payment.operations
    before = payment_call(order, key)
    shop.clock.forward(timedelta(hours=1))
    after = shop.do(order.id, OTHER).order
    assert after.payment.tenders == (evolve(CARD, instrument="tok_other"),)
    assert before == payment_call(after, key)
    assert CARD == before.tender


def test_what_follows_an_authorisation_names_its_instrument() -> None:
    """A capture and a refund go to the instrument that was authorised, whatever came since."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    shop.do(order.id, OTHER)
    shop.send_all(order.id)
    (capture,) = [call for call in shop.till.calls if call.operation is Operation.CAPTURE]
    assert (TenderId("card"), "tok_visa") == (capture.tender.id, capture.tender.instrument)


class Recorder(SandboxGateway):
    """A gateway that can extend, and keeps what it was asked."""

    def __init__(self, clock: Clock) -> None:
        able = Capabilities(incremental=True, extend=True)
        super().__init__(":memory:", clock=clock, decline=False, capabilities=able)
        self.captures: list[PaymentCall] = []

    def capture(self, call: PaymentCall) -> Answer:
        self.captures.append(call)
        return super().capture(call)


def test_what_follows_an_extension_names_it() -> None:
    """PAY-4: extended before it ends, captured after its first end, under both its names."""
    shop = Shop()
    gateway = Recorder(shop.clock)
    shop.service = OrderService(store=shop.store, payments=gateway, ids=Ids("own"))
    shop.receive("tea", 2)
    terms = Terms(payment=PaymentPolicy(renew_before=timedelta(days=2)))
    order = shop.place(line("tea", 2), terms=terms)
    for days in (6, 3):
        shop.clock.forward(timedelta(days=days))
        shop.service.run_due(limit=10)
    sent = shop.send_all(order.id)
    held, extended, taken = gateway.ledger(order.id)
    assert [Operation.AUTHORISE, Operation.EXTEND, Operation.CAPTURE] == [
        row.operation for row in (held, extended, taken)
    ]
    (call,) = gateway.captures
    assert (held.reference, extended.reference) == (call.target, call.extension)
    assert call == payment_call(sent, taken.key)
    assert () == gateway.violations()


def test_two_bookings_never_share_a_key() -> None:
    """Colons and commas in the ids of orders and parcels make no booking another one's."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    keys: set[Key] = set()
    names = ("a:b", "c"), ("a", "b:c"), ("a:b", "c:d"), ("a", "b"), ("a,b", "c"), ("a", "b,c")
    for name, parcel in names:
        packed = Parcel(
            id=ParcelId(parcel),
            fulfilment=FulfilmentId("F1"),
            location=NORTH,
            items=(ParcelItem(line=LineId("tea"), item=ItemId("tea"), quantity=1),),
        )
        goods = evolve(order.fulfilment, parcels={packed.id: packed})
        renamed = evolve(order, id=OrderId(name), fulfilment=goods)
        keys.add(booking_request(renamed, packed.id).key)
    assert len(names) == len(keys)
    assert max(map(len, keys)) <= 64
