"""Goods that nobody bought here come in through the stock."""

from __future__ import annotations

import pytest

from ordercore.ids import ItemId
from ordercore.inventory.audit import audit
from ordercore.inventory.commands import RepairStock, StockLine
from ordercore.inventory.model import StockPlace
from ordercore.returns.commands import ReceiveUnmatchedReturn
from ordercore.returns.events import UnmatchedReturnReceived
from ordercore.returns.model import InvalidReturnError, UnmatchedItem
from tests.laws.order_world import NORTH, STAFF, Shop, line

LAMP = ItemId("lamp")


def test_a_return_that_matches_no_purchase_is_recorded_as_such() -> None:
    """R-6: it is stock without an owner, unavailable until somebody has looked, on no order."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    box = ReceiveUnmatchedReturn(
        items=(UnmatchedItem(item=LAMP, quantity=2),), location=NORTH, note="no slip inside"
    )
    receipt = shop.service.stock.execute(box, by=STAFF, key="box-1")
    (event,) = receipt.events
    assert isinstance(event, UnmatchedReturnReceived)
    row = shop.store.counters((LAMP,))[StockPlace(LAMP, NORTH)]
    assert (2, 2, 0) == (row.on_hand, row.unavailable, row.available)
    assert order == shop.load(order.id)
    assert shop.service.stock.execute(box, by=STAFF, key="box-1").replayed
    look = RepairStock(lines=(StockLine(item=LAMP, location=NORTH, quantity=1),), reason="sound")
    shop.service.stock.execute(look, by=STAFF)
    assert 1 == shop.store.counters((LAMP,))[StockPlace(LAMP, NORTH)].available
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))
    told = shop.store.history(receipt.stream)
    assert [event] == [fact for commit in told for fact in commit.events[receipt.stream]]


def test_an_empty_box_is_no_return() -> None:
    """R-6: at least one unit must have come."""
    shop = Shop()
    with pytest.raises(InvalidReturnError):
        shop.service.stock.execute(ReceiveUnmatchedReturn(items=(), location=NORTH), by=STAFF)
