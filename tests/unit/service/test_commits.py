"""What becomes of a commit that says nothing, or is too late, whichever engine writes it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import pytest

from ordercore.adapters.aio import ThreadedStore
from ordercore.adapters.memory import MemoryStore
from ordercore.errors import ConflictError, UnavailableError
from ordercore.ids import ItemId, Key, LineId, LocationId, OrderId, StreamId
from ordercore.inventory.commands import HoldStock, ReceivedLine, ReceiveStock
from ordercore.inventory.model import OutOfStockError, StockPlace, WantedLine
from ordercore.order.commands import AddNote
from ordercore.payment.store_value import IssueValue
from ordercore.ports.unit_of_work import ChangeSet, Committed, StoreBusyError
from ordercore.service.aio import AsyncOrderService
from ordercore.service.engine import Settings
from ordercore.service.stock import StockReceipt
from ordercore.service.sync import OrderService
from tests.contracts.life import AsyncTill
from tests.laws.order_world import NORTH, SOUTH, STAFF, Ids, Shop, eur, line

TEA = ItemId("tea")
ORDER = OrderId("o-1")
HOUR = timedelta(hours=1)
Write: TypeAlias = Callable[[OrderService, str], object]


class Meddled(MemoryStore):
    """A memory store in which somebody else may be first, and that may not say what it did."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(clock=shop.clock)
        self.before: deque[Callable[[], object]] = deque()
        self.silent = 0

    def commit(self, changes: ChangeSet) -> Committed:
        if self.before:
            self.before.popleft()()
        committed = super().commit(changes)
        if self.silent:
            self.silent -= 1
            raise StoreBusyError
        return committed


def meddled(conflicts: int = 5) -> tuple[Shop, Meddled]:
    """A shop with an order and one unit of tea on each of two shelves."""
    shop = Shop()
    store = Meddled(shop)
    shop.store = store
    settings = Settings(conflicts=conflicts)
    shop.service = OrderService(store=store, payments=shop.till, ids=Ids("a"), settings=settings)
    shop.receive("cup", 1)
    shop.place(line("cup", 1))
    for shelf in (NORTH, SOUTH):
        shop.receive("tea", 1, shelf)
    return shop, store


def note(service: OrderService, name: str) -> object:
    """Somebody writes a note to the order."""
    return service.execute(ORDER, AddNote(text=name), by=STAFF)


def lot(service: OrderService, name: str) -> object:
    """A gift card gets 20.00."""
    return service.credit.execute("GC-7", IssueValue(key=Key(name), amount=eur(2000)), by=STAFF)


def arrival(
    service: OrderService, key: str | None = None, shelf: LocationId = NORTH
) -> StockReceipt:
    """Four units of tea arrive."""
    row = ReceivedLine(item=TEA, location=shelf, quantity=4)
    return service.stock.execute(ReceiveStock(lines=(row,)), by=STAFF, key=key)


def cart(service: OrderService, name: str) -> object:
    """A cart takes one unit of tea, from the first shelf that has one."""
    return service.stock.execute(hold_of(name), by=STAFF)


def hold_of(name: str) -> HoldStock:
    """The hold of a cart for one unit of tea."""
    wanted = WantedLine(line=LineId("1"), item=TEA, quantity=1)
    return HoldStock(hold=StreamId(name), lines=(wanted,), until=Shop().clock.now + HOUR)


def on_shelf(store: Meddled) -> int:
    """How many units of tea are on the northern shelf."""
    return store.counters((TEA,))[StockPlace(TEA, NORTH)].on_hand


def test_units_that_arrived_are_received_once_without_a_key() -> None:
    """The store lost its voice after writing: the commit is found again by its id."""
    shop, store = meddled()
    store.silent = 1
    receipt = arrival(shop.service)
    assert 1 == len(receipt.events)
    assert not receipt.replayed
    assert 5 == on_shelf(store)


def test_value_that_was_issued_is_issued_once() -> None:
    """The same for an account of store value: the caller hears of its lot."""
    shop, store = meddled()
    store.silent = 1
    lot(shop.service, "lot")
    assert eur(2000) == shop.service.credit.account("GC-7").available(shop.clock.now)


def test_two_silences_in_a_row_reach_the_caller() -> None:
    """Then the same key finds what was done, for units as for value."""
    shop, store = meddled()
    store.silent = 2
    with pytest.raises(UnavailableError):
        arrival(shop.service, key="box-1")
    assert arrival(shop.service, key="box-1").replayed
    assert 5 == on_shelf(store)
    store.silent = 2
    with pytest.raises(UnavailableError):
        lot(shop.service, "lot")
    lot(shop.service, "lot")
    assert eur(2000) == shop.service.credit.account("GC-7").available(shop.clock.now)


@pytest.mark.parametrize("write", [note, lot, cart])
def test_each_engine_runs_a_lost_race_as_often_as_the_settings_say(write: Write) -> None:
    """Once where that is allowed; else whoever was late is told, and nothing of it is kept."""
    shop, store = meddled(conflicts=1)
    other = shop.another("b")
    store.before.append(lambda: write(other, "first"))
    write(shop.service, "second")
    shop, store = meddled(conflicts=0)
    other = shop.another("b")
    store.before.append(lambda: write(other, "first"))
    with pytest.raises((ConflictError, OutOfStockError)):
        write(shop.service, "second")


def test_the_asynchronous_service_obeys_the_same_settings() -> None:
    """Its own engines for stock and value give up where the settings say so."""
    for first, second in ((lot, _lot_later), (cart, _cart_later)):
        for conflicts in (0, 1):
            shop, store = meddled()
            other = shop.another("b")
            store.before.append(partial(first, other, "first"))
            settings = Settings(conflicts=conflicts)
            service = AsyncOrderService(
                store=ThreadedStore(store), payments=AsyncTill(shop.till), settings=settings
            )
            with nullcontext() if conflicts else pytest.raises((ConflictError, OutOfStockError)):
                asyncio.run(second(service))


async def _lot_later(service: AsyncOrderService) -> None:
    await service.credit.execute("GC-7", IssueValue(key=Key("second"), amount=eur(2000)), by=STAFF)


async def _cart_later(service: AsyncOrderService) -> None:
    await service.stock.execute(hold_of("second"), by=STAFF)
