"""Bugs at the doors of the services, each by its rule."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.ids import LineId, OrderId
from ordercore.order.commands import AmendTerms, Cancel, Place, Refund
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Terms
from ordercore.pricing.slots import SlotSet
from ordercore.service.intentions import ForeignCommandError
from tests.laws.order_world import BUYER, CARD, Fate, Shop, basket, line

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
