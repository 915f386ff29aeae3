"""Bugs at the doors of the services, each by its rule."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.ids import Actor, LineId, OrderId
from ordercore.order.commands import (
    AmendTerms,
    Cancel,
    CancelUnits,
    ConfirmAmendment,
    Place,
    ProposeAmendment,
    Refund,
    SplitOrder,
    UndoAmendment,
)
from ordercore.order.possible import allowed
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Terms
from ordercore.pricing.slots import SlotSet
from ordercore.service.intentions import ForeignCommandError
from ordercore.service.permissions import ApprovalNeededError, Grant, Permissions
from ordercore.service.sync import OrderService
from tests.laws.order_world import BUYER, CARD, Fate, Shop, basket, eur, line

WRAP = LineId("wrap")


@pytest.fixture
def shop() -> Shop:
    """A shop with tea."""
    shop = Shop()
    shop.receive("tea", 5)
    return shop


def with_wrap(shop: Shop) -> OrderId:
    """Two cups of tea, and a service that nobody sends and that was credited already."""
    wrap = evolve(line("wrap", 1, 300), tracks_stock=False, needs_fulfilment=False)
    terms = Terms(release_automatically=False)
    order = shop.place(line("tea", 2), wrap, terms=terms).id
    quote = shop.service.quote_refund(order, ((WRAP, SlotSet.of(0, 1)),))
    shop.do(order, Refund(quote=quote))
    return order


def test_a_credited_service_does_not_stop_a_cancel(shop: Shop) -> None:
    """O-5: cancel works on what remains; all of the debt is let go once."""
    order = with_wrap(shop)
    after = shop.do(order, Cancel()).order
    credited = sum(credit.amount.minor for credit in after.credits)
    assert (OrderStatus.CANCELLED, after.priced.total.minor) == (order_status(after), credited)


def test_a_credited_service_does_not_stop_an_expiry(shop: Shop) -> None:
    """O-6: the order that nobody paid ends and frees its stock."""
    shop.till.fates = deque([Fate.DECLINED])
    order = with_wrap(shop)
    shop.clock.forward(timedelta(days=8))
    assert () == shop.service.run_due(limit=5).failed
    after = shop.load(order)
    assert (OrderStatus.EXPIRED, ()) == (order_status(after), after.stock.allocations)


def test_amended_terms_keep_what_the_gateway_can_do(shop: Shop) -> None:
    """PAY-2: the core never asks for what is not declared, whatever the terms become."""
    declared = shop.till.able = evolve(shop.till.able, partial_capture=False)
    order = shop.place(line("tea", 2))
    after = shop.do(order.id, AmendTerms(terms=Terms(tolerance=1), reason="kind")).order
    assert (1, declared) == (after.terms.tolerance, after.terms.capabilities)


def test_an_order_is_placed_by_place_only(shop: Shop) -> None:
    """X-4: whoever executes a placement about an order is told what to call; nothing is kept."""
    placing = Place(order=OrderId("zz"), priced=basket(line("tea", 1)), tenders=(CARD,))
    for name in ("yy", "zz"):
        with pytest.raises(ForeignCommandError, match="place"):
            shop.service.execute(OrderId(name), placing, by=BUYER)
    assert [] == [row for row in shop.store.all_counters() if row[1].reserved]


def test_a_tolerance_is_a_gift(shop: Shop) -> None:
    """PAY-7: who may give away 5.00 does not forgive 10,000.00 beforehand by the terms."""
    rights = Permissions(grants=(Grant(role="clerk", command="*", limit=eur(500)),))
    service = OrderService(store=shop.store, payments=shop.till, permissions=rights)
    order, clerk = shop.place(line("tea", 2)), Actor("clerk:ann")
    for terms in (Terms(tolerance=10**6), Terms(ship_before_paid=True)):
        with pytest.raises(ApprovalNeededError):
            service.execute(order.id, AmendTerms(terms=terms), by=clerk)
    service.execute(order.id, AmendTerms(terms=Terms(tolerance=500)), by=clerk)


def test_the_longest_names_can_be_undone(shop: Shop) -> None:
    """O-4: what an undone removal brings back has a name, however long those before were."""
    name = "tea" + "x" * 197
    shop.receive(name, 3)
    order = shop.place(line(name, 2), terms=Terms(release_automatically=False)).id
    less = ProposeAmendment(proposal="y" * 200, removals=((LineId(name), 1),))
    shop.do(order, less)
    shop.do(order, ConfirmAmendment(proposal=less.proposal))
    after = shop.do(order, UndoAmendment(proposal=less.proposal)).order
    assert [2, 1] == [each.quantity for each in after.priced.lines]


def test_a_line_that_is_credited_hides_no_other(shop: Shop) -> None:
    """O-2: `allowed` tries every line before it says that none may be cancelled or split off."""
    after = shop.load(with_wrap(shop))
    answers = allowed(after, shop.clock())
    assert (None, None) == (answers[CancelUnits], answers[SplitOrder])
    for command in (CancelUnits(units=((LineId("tea"), 1),)), split_off("tea")):
        shop.do(after.id, command)


def split_off(name: str) -> SplitOrder:
    """One unit goes its own way."""
    return SplitOrder(order=OrderId("later"), units=((LineId(name), 1),))
