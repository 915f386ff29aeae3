"""Pains that orders have had, here or elsewhere, and that must not come back."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

import pytest
from attrs import evolve as changed

from ordercore.errors import InvalidValueError
from ordercore.ids import CreditId, HoldKind
from ordercore.inventory.model import OutOfStockError
from ordercore.inventory.reserve import BackorderRule
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.quote import refund_basis
from ordercore.order.refusals import StillOpenError
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Blocks, Terms
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.ports.unit_of_work import KeyReusedError
from ordercore.pricing.slots import SlotSet
from ordercore.process.due import wake_at
from ordercore.refund.calculate import calculate
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest
from tests.laws.order_world import CARD, STAFF, Fate, Shop, Till, eur, line

AT_ONCE = Terms(payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT), release_automatically=False)
"""Money is taken at once, and nobody works on the order yet."""


def claim(name: str) -> RefundRequest:
    """A claim for the first unit of the tea."""
    item = RefundItem(line=line("tea", 1).id, slots=SlotSet.of(0, 1))
    return RefundRequest(id=CreditId(name), cause=CreditCause.CLAIM, items=(item,))


def test_units_still_to_be_sent_are_not_credited_as_if_they_had_come_back() -> None:
    """A unit credited in full while it is open could be sent for nothing, or never expire (O-6)."""
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 2))
    with pytest.raises(StillOpenError):
        shop.service.quote_refund(order.id, claim("c1"))
    made_up = calculate(refund_basis(order), claim("c1"), order.terms.refund)
    with pytest.raises(StillOpenError):
        shop.do(order.id, oc.Refund(quote=made_up))
    assert shop.load(order.id) == order


def test_a_refund_that_waits_for_the_settlement_wakes_by_itself() -> None:
    """A gateway that refunds only after settlement is asked then, not never (PAY-2)."""
    slow = Capabilities(refund_before_settlement=False, settlement_delay=timedelta(days=2))
    shop = Shop(till=Till(able=slow))
    shop.receive("tea", 5)
    order = shop.place(line("tea", 2), terms=AT_ONCE)
    order = shop.do(order.id, oc.Cancel()).order
    assert 0 == shop.till.moved(Operation.REFUND, order.id)
    wake = wake_at(order, shop.clock.now)
    assert wake is not None
    assert wake <= shop.clock.now + timedelta(days=2)
    shop.rest(rounds=8, step=timedelta(hours=12))
    assert 0 == shop.till.held(order.id)
    assert 0 == balance(shop.load(order.id)).held.minor


def test_a_key_of_another_order_is_no_answer() -> None:
    """The same words under the same key about another order are another command (PEERS 9)."""
    shop = Shop()
    shop.receive("tea", 5)
    first, second = shop.place(line("tea", 1)), shop.place(line("tea", 1))
    shop.service.execute(first.id, oc.Cancel(), key="k", by=STAFF)
    with pytest.raises(KeyReusedError):
        shop.service.execute(second.id, oc.Cancel(), key="k", by=STAFF)
    assert OrderStatus.CONFIRMED is order_status(shop.load(second.id))


def test_a_note_is_not_refused_because_stock_is_missing() -> None:
    """An order that waits for stock still takes every other request (O-2)."""
    shop = Shop()
    shop.receive("tea", 2)
    order = shop.place(line("tea", 3), terms=Terms(backorder=BackorderRule.PARTIAL))
    shop.clock.forward(timedelta(hours=2))
    shop.do(order.id, oc.AddNote(text="the customer called"))
    assert ("the customer called",) == shop.load(order.id).notes


def test_partial_by_policy_takes_what_is_there_and_waits_for_the_rest() -> None:
    """Terms that take what is there do not refuse the order for what is not (I-3)."""
    shop = Shop()
    shop.receive("tea", 2)
    terms = Terms(backorder=BackorderRule.PARTIAL)
    order = shop.place(line("tea", 3), terms=terms)
    assert 2 == order.stock.reserved(line("tea", 1).id)
    assert OrderStatus.PLACED is order_status(order)
    shop.receive("tea", 5)
    shop.rest(rounds=6)
    order = shop.load(order.id)
    assert 3 == order.stock.reserved(line("tea", 1).id)
    assert OrderStatus.CONFIRMED is order_status(order)
    with pytest.raises(OutOfStockError):
        shop.place(line("cup", 1), terms=terms)


def test_money_that_lands_after_the_cancel_goes_back() -> None:
    """A cancel that meets a capture in flight ends with the money back (medusa #12674, O-5)."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.till.fates = deque([Fate.FINE, Fate.LOST_ANSWER])
    order = shop.place(line("tea", 1), terms=AT_ONCE)
    assert 1000 == shop.till.held(order.id)
    shop.do(order.id, oc.Cancel())
    shop.rest(rounds=12)
    assert eur(0) == balance(shop.load(order.id)).held
    assert 0 == shop.till.held(order.id)
    assert (CARD,) == order.payment.tenders


def test_a_hold_can_be_given_another_end() -> None:
    """A hold of the same kind and with the same blocks but another end was ignored (O-3)."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    hold = oc.PlaceHold(kind=HoldKind("review"), blocks=(Blocks.SHIP,))
    shop.do(order.id, hold)
    until = shop.clock.now + timedelta(hours=1)
    after = shop.do(order.id, changed(hold, release_at=until)).order
    assert [until] == [known.release_at for known in after.holds]


def test_a_served_order_is_forgiven_its_failures() -> None:
    """Failures are counted in a row: the next one begins the back-off anew (how it works)."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    shop.store.failed(order.stream, error="boom", back_off=(timedelta(seconds=1),))
    shop.clock.forward(timedelta(seconds=2))
    shop.service.run_due(limit=5)
    assert 0 == shop.store.load(order.stream).attempts


def test_a_naive_end_of_a_hold_is_refused_at_once() -> None:
    """A time without a zone cannot even be said (ABUSE 27)."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - it is bad on purpose
    with pytest.raises(InvalidValueError):
        oc.PlaceHold(kind=HoldKind("x"), blocks=(Blocks.SHIP,), release_at=naive)
