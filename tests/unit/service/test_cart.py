"""A cart's hold becomes an order's without a gap (RULES I-4)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from ordercore.adapters.sqlite import SqliteStore
from ordercore.errors import OrderCoreError
from ordercore.ids import ItemId, Key, LineId, LocationId, OrderId, StreamId
from ordercore.inventory.audit import audit
from ordercore.inventory.commands import (
    HoldStock,
    PolicyLine,
    ReleaseHold,
    SetStockPolicy,
    TransferHold,
)
from ordercore.inventory.decide import HoldClosedError, UnknownHoldError
from ordercore.inventory.model import OutOfStockError, StockPlace, StockPolicy, WantedLine
from ordercore.inventory.reserve import BackorderRule
from ordercore.order.commands import Place
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.service.engine import Receipt
from ordercore.service.intentions import ForeignCommandError
from tests.laws.order_world import ACCOUNT, BUYER, NORTH, SOUTH, STAFF, Shop, basket, line

CART = StreamId("cart")
TEA = ItemId("tea")
WEB = LocationId("web")
HOUR = timedelta(hours=1)


@pytest.fixture
def shop() -> Shop:
    """A shop with three cups of tea."""
    shop = Shop()
    shop.receive("tea", 3)
    return shop


def hold(
    shop: Shop, units: int, *, cart: StreamId = CART, bound_by: tuple[LocationId, ...] = ()
) -> None:
    """Put units into a cart."""
    wanted = (WantedLine(line=LineId("row-7"), item=TEA, quantity=units),)
    command = HoldStock(hold=cart, lines=wanted, until=shop.clock.now + HOUR, bound_by=bound_by)
    shop.service.stock.execute(command, by=BUYER)


def place(
    shop: Shop, units: int, *, key: str = "k", cart: StreamId = CART, terms: Terms | None = None
) -> Receipt:
    """Order from the cart."""
    return shop.service.place(
        basket(line("tea", units)),
        key=key,
        by=BUYER,
        order=OrderId(f"order-{key}"),
        tenders=(ACCOUNT,),
        terms=terms,
        hold=cart,
    )


def at(shop: Shop, location: LocationId = NORTH) -> tuple[int, int, int]:
    """On hand, reserved and queued at a place; the ledger says the same."""
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))
    row = shop.store.counters((TEA,))[StockPlace(TEA, location)]
    return row.on_hand, row.reserved, row.queued


def units(order: Order) -> list[tuple[str, int, int]]:
    """What an order holds and waits for, by place."""
    return [(row.location, row.reserved, row.queued) for row in order.stock.allocations]


def test_the_last_units_of_a_cart_become_an_order(shop: Shop) -> None:
    """Nobody else can have them before, then, or after; the same key answers the same."""
    hold(shop, 3)
    with pytest.raises(OutOfStockError):
        shop.place(line("tea", 1))
    first = place(shop, 3)
    assert [(NORTH, 3, 0)] == units(first.order)
    assert ((3, 3, 0), ()) == (at(shop), shop.store.allocations(CART))
    again = place(shop, 3)
    assert (True, first.events) == (again.replayed, again.events)
    with pytest.raises(OutOfStockError):
        shop.place(line("tea", 1))


def test_who_waits_does_not_stand_before_what_a_cart_holds(shop: Shop) -> None:
    """Others queue for the item: the units in the cart were promised before."""
    policy = PolicyLine(item=TEA, location=NORTH, policy=StockPolicy(backorder_limit=None))
    shop.service.stock.execute(SetStockPolicy(lines=(policy,)), by=STAFF)
    hold(shop, 3)
    waiting = Terms(backorder=BackorderRule.ALLOW)
    other = shop.place(line("tea", 2), terms=waiting)
    assert [(NORTH, 0, 2)] == units(other)
    assert [(NORTH, 2, 0)] == units(place(shop, 2).order)
    assert [(NORTH, 1, 1)] == units(shop.service.advance(other.id))
    assert (3, 3, 1) == at(shop)


def test_an_order_finds_the_rest_where_it_can(shop: Shop) -> None:
    """The cart has two of three, one place has none left: the third comes from another."""
    hold(shop, 3)
    shop.receive("tea", 5, SOUTH)
    assert [(NORTH, 3, 0), (SOUTH, 1, 0)] == units(place(shop, 4).order)


def test_what_an_order_does_not_want_is_free_again(shop: Shop) -> None:
    """The hold is over, whatever of it the order took."""
    hold(shop, 3)
    place(shop, 1)
    assert ((3, 1, 0), ()) == (at(shop), shop.store.allocations(CART))


def test_too_little_refuses_the_order_and_leaves_the_cart(shop: Shop) -> None:
    """All or nothing: the hold is as it was."""
    hold(shop, 2)
    with pytest.raises(OutOfStockError):
        place(shop, 4)
    assert ((3, 2, 0), 2) == (at(shop), shop.store.allocations(CART)[0].reserved)


def test_an_order_that_is_content_with_a_part_takes_what_the_cart_has(shop: Shop) -> None:
    """Under the partial rule nothing more is refused."""
    hold(shop, 3)
    found = place(shop, 4, terms=Terms(backorder=BackorderRule.PARTIAL)).order
    assert [(NORTH, 3, 0)] == units(found)


def test_an_expired_cart_is_taken_anew_or_refused(shop: Shop) -> None:
    """Where nobody came between, the order gets its units; else it is out of stock."""
    hold(shop, 3)
    shop.clock.forward(2 * HOUR)
    shop.service.run_due(limit=10)
    assert [(NORTH, 2, 0)] == units(place(shop, 2).order)
    hold(shop, 1, cart=StreamId("late"))
    shop.service.stock.execute(ReleaseHold(), by=BUYER, hold=StreamId("late"))
    shop.place(line("tea", 1))
    with pytest.raises(OutOfStockError):
        place(shop, 1, key="late", cart=StreamId("late"))


def test_a_cart_becomes_one_order_only(shop: Shop) -> None:
    """A second order of the same cart is refused, and nothing of it is written."""
    hold(shop, 2)
    place(shop, 2)
    with pytest.raises(HoldClosedError):
        place(shop, 1, key="twice")
    assert ((3, 2, 0), None) == (at(shop), shop.store.find_key(Key("twice")))


@pytest.mark.parametrize("cart", ["nowhere", "order-k", "order-other"])
def test_what_is_no_cart_is_no_hold(shop: Shop, cart: str) -> None:
    """Neither an unknown id nor another order's stock is handed over."""
    hold(shop, 1)
    place(shop, 1)
    with pytest.raises(UnknownHoldError):
        place(shop, 1, key="other", cart=StreamId(cart))
    assert (3, 1, 0) == at(shop)


def test_a_buyer_who_may_have_no_more_may_order_what_the_cart_has(shop: Shop) -> None:
    """The allotment that the hold took becomes the order's (RULES I-11)."""
    policy = PolicyLine(item=TEA, location=WEB, policy=StockPolicy(allotment=True))
    shop.service.stock.execute(SetStockPolicy(lines=(policy,)), by=STAFF)
    shop.receive("tea", 2, WEB)
    hold(shop, 2, bound_by=(WEB,))
    order = place(shop, 2, terms=Terms(bound_by=(WEB,))).order
    assert [(WEB, 2)] == [(row.location, row.reserved) for row in order.stock.allotments]
    assert ((3, 2, 0), (2, 2, 0)) == (at(shop), at(shop, WEB))


def test_a_hold_is_given_to_nobody(shop: Shop) -> None:
    """Handing over without an order would free the units: only a placement does it."""
    hold(shop, 1)
    with pytest.raises(ForeignCommandError):
        shop.service.stock.execute(TransferHold(to=StreamId("order-k")), by=BUYER, hold=CART)
    assert (3, 1, 0) == at(shop)


def test_a_placement_names_its_hold_by_a_plain_id() -> None:
    """The id of a hold is an id like any other."""
    with pytest.raises(OrderCoreError):
        Place(order=OrderId("o"), priced=basket(line("tea", 1)), hold=StreamId("\0"))


def test_two_orders_race_for_one_cart(tmp_path: Path) -> None:
    """On a real store one of them gets the hold, and the other is told."""
    shop = Shop()
    shop.store = SqliteStore(tmp_path / "store.db", clock=shop.clock)
    shop.service = shop.another()
    shop.receive("tea", 3)
    hold(shop, 3)
    start, told = Barrier(4), list[str]()

    def order(number: int) -> None:
        start.wait()
        try:
            place(shop, 3, key=f"k{number}")
            told.append("placed")
        except HoldClosedError as error:
            told.append(error.code)

    threads = [Thread(target=order, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["hold-closed"] * 3 + ["placed"] == sorted(told)
    assert (3, 3, 0) == at(shop)
