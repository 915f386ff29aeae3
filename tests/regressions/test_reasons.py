"""Why somebody did it: the same check at every door, and the second person beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import pytest

from ordercore.adapters.aio import ThreadedStore
from ordercore.errors import OrderCoreError
from ordercore.ids import Actor, ItemId, Key, StreamId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import LimitExceededError
from ordercore.order.commands import AddNote
from ordercore.order.refusals import InvalidTextError
from ordercore.payment.model import account_stream
from ordercore.payment.store_value import IssueValue
from ordercore.service.aio import AsyncOrderService
from tests.contracts.life import AsyncTill
from tests.laws.order_world import NORTH, STAFF, Ids, Shop, eur, line

Door = Callable[[Shop, str, Actor | None], StreamId]
NO_TEXT: Final = cast("str", 5)
BOSS: Final = Actor("boss:eve")
RECEIVE: Final = ReceiveStock(lines=(ReceivedLine(item=ItemId("tea"), location=NORTH, quantity=1),))
LOT: Final = IssueValue(key=Key("lot"), amount=eur(100))


def _order(shop: Shop, reason: str, second: Actor | None = None) -> StreamId:
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    shop.service.execute(order.id, AddNote(text="x"), by=STAFF, reason=reason, approved_by=second)
    return order.stream


def _credit(shop: Shop, reason: str, second: Actor | None = None) -> StreamId:
    shop.service.credit.execute("GC-7", LOT, by=STAFF, reason=reason, approved_by=second)
    return account_stream("GC-7")


def _stock(shop: Shop, reason: str, _: Actor | None = None) -> StreamId:
    return shop.service.stock.execute(RECEIVE, by=STAFF, reason=reason).stream


def _async(shop: Shop) -> AsyncOrderService:
    return AsyncOrderService(
        store=ThreadedStore(shop.store), payments=AsyncTill(shop.till), ids=Ids("async")
    )


def _async_credit(shop: Shop, reason: str, second: Actor | None = None) -> StreamId:
    asyncio.run(
        _async(shop).credit.execute("GC-7", LOT, by=STAFF, reason=reason, approved_by=second)
    )
    return account_stream("GC-7")


def _async_stock(shop: Shop, reason: str, _: Actor | None = None) -> StreamId:
    return asyncio.run(_async(shop).stock.execute(RECEIVE, by=STAFF, reason=reason)).stream


DOORS: Final[tuple[Door, ...]] = (_order, _credit, _stock, _async_credit, _async_stock)


def _reason(shop: Shop, stream: StreamId) -> str:
    return list(shop.store.history(stream))[-1].reason


@pytest.mark.parametrize("door", DOORS)
def test_a_reason_has_the_same_check_at_every_door(door: Door) -> None:
    """PAY-8, X-4: no text and endless text are refused, card numbers are masked."""
    with pytest.raises(InvalidTextError):
        door(Shop(), NO_TEXT, None)
    with pytest.raises(LimitExceededError):
        door(Shop(), "x" * 1_000_000, None)
    shop = Shop()
    kept = _reason(shop, door(shop, "paid with 4111 1111 1111 1111", None))
    assert "4111 1111" not in kept
    assert "paid with" in kept


@pytest.mark.parametrize("door", [_order, _credit, _async_credit])
def test_who_approved_is_kept(door: Door) -> None:
    """The second person stands in the history of an account as in that of an order."""
    shop = Shop()
    kept = _reason(shop, door(shop, "sorry", BOSS))
    assert "sorry (approved by boss:eve)" == kept
    with pytest.raises(OrderCoreError):
        door(Shop(), NO_TEXT, BOSS)
