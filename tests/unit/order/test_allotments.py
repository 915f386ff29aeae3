"""What one channel or one buyer may have is part of the bound that stock itself is."""

from __future__ import annotations

import pytest

from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import LineUnits, ShortPolicy
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, StreamId
from ordercore.inventory.audit import audit
from ordercore.inventory.commands import HoldStock, PolicyLine, ReleaseHold, SetStockPolicy
from ordercore.inventory.model import OutOfStockError, StockPlace, StockPolicy, WantedLine
from ordercore.order import commands as oc
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Terms
from tests.laws.order_world import SOUTH, STAFF, Shop, line

TEA = LineId("tea")
WEB = LocationId("web")
BOUND = Terms(bound_by=(WEB, LocationId("buyer-7")), release_automatically=False)
F1 = FulfilmentId("o-1-F1")


def opened(units: int = 5) -> Shop:
    """Ten units lie there, and the web may sell so many of them."""
    shop = Shop()
    shop.receive("tea", 10)
    policy = PolicyLine(item=ItemId("tea"), location=WEB, policy=StockPolicy(allotment=True))
    shop.service.stock.execute(SetStockPolicy(lines=(policy,)), by=STAFF)
    shop.receive("tea", units, WEB)
    return shop


def sold(shop: Shop) -> int:
    """How much of the allotment is taken; the ledger agrees with the counters."""
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))
    return shop.store.counters((ItemId("tea"),))[StockPlace(ItemId("tea"), WEB)].reserved


def test_a_channel_sells_no_more_than_its_allotment() -> None:
    """I-11: the sixth unit is refused in the same step that takes the goods; others are free."""
    shop = opened()
    shop.place(line("tea", 3), terms=BOUND)
    with pytest.raises(OutOfStockError) as caught:
        shop.place(line("tea", 3), terms=BOUND)
    assert [(WEB, 3, 2)] == [(at.location, at.wanted, at.supplied) for at in caught.value.lines]
    shop.place(line("tea", 2), terms=BOUND)
    shop.place(line("tea", 3))
    assert 5 == sold(shop)


def test_a_dispatch_leaves_the_allotment_and_a_cancel_gives_it_back() -> None:
    """I-11: what was sold stays sold; what was not may be sold again."""
    shop = opened()
    order = shop.place(line("tea", 5), terms=BOUND)
    shop.do(order.id, oc.CancelUnits(units=((TEA, 2),)))
    assert 3 == sold(shop)
    shop.do(order.id, fc.ReleaseFulfilment(fulfilment=F1))
    order = shop.send_all(order.id)
    assert (OrderStatus.FULFILLED, 3) == (order_status(order), sold(shop))
    assert [(WEB, 3)] == [(at.location, at.reserved) for at in order.stock.allotments]
    other = shop.place(line("tea", 2), terms=BOUND)
    shop.do(other.id, oc.Cancel())
    assert 3 == sold(shop)


@pytest.mark.parametrize("policy", ShortPolicy)
def test_a_short_pick_keeps_the_allotment_of_what_stays_open(policy: ShortPolicy) -> None:
    """F-3, I-11: units that come from elsewhere or wait are sold; closed ones are not."""
    shop = opened()
    shop.receive("tea", 5, SOUTH)
    order = shop.place(line("tea", 5), terms=BOUND)
    shop.do(order.id, fc.ReleaseFulfilment(fulfilment=F1))
    lines = (LineUnits(line=TEA, quantity=2),)
    order = shop.do(order.id, fc.RecordShortPick(fulfilment=F1, lines=lines, policy=policy)).order
    expected = 3 if policy is ShortPolicy.CLOSE else 5
    assert expected == sold(shop)
    held = sum(at.quantity for at in order.stock.allocations)
    assert expected == held == sum(at.reserved for at in order.stock.allotments)


def test_an_order_that_ends_gives_its_allotment_back() -> None:
    """I-11, O-5: nothing was sold."""
    shop = opened()
    order = shop.place(line("tea", 5), terms=BOUND)
    shop.do(order.id, oc.Cancel())
    assert (0, ()) == (sold(shop), shop.load(order.id).stock.allotments)


def test_moved_work_takes_no_allotment_twice() -> None:
    """F-2, I-11: the same units are sold once, wherever they come from."""
    shop = opened()
    shop.receive("tea", 5, SOUTH)
    order = shop.place(line("tea", 5), terms=BOUND)
    shop.do(order.id, fc.MoveFulfilment(fulfilment=F1, location=SOUTH))
    assert 5 == sold(shop)


def test_a_cart_is_bound_like_an_order() -> None:
    """I-4, I-11: a hold takes the allotment with the goods, and gives both back."""
    shop = opened()
    until = shop.clock.now.replace(hour=12)
    cart = HoldStock(
        hold=StreamId("cart-1"),
        lines=(WantedLine(line=TEA, item=ItemId("tea"), quantity=4),),
        until=until,
        bound_by=(WEB,),
    )
    shop.service.stock.execute(cart, by=STAFF)
    assert 4 == sold(shop)
    with pytest.raises(OutOfStockError):
        shop.place(line("tea", 2), terms=BOUND)
    shop.service.stock.execute(ReleaseHold(), by=STAFF, hold=StreamId("cart-1"))
    assert 0 == sold(shop)
    shop.place(line("tea", 5), terms=BOUND)
