"""Work and stock that came apart: moved work, stages without stock, shelves found short."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve as changed

from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import LineUnits, ParcelStatus, ShortPolicy, WorkStatus
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId
from ordercore.inventory.audit import audit
from ordercore.inventory.commands import CountedLine, CountStock, PolicyLine, SetStockPolicy
from ordercore.inventory.model import Counters, OutOfStockError, StockPlace, StockPolicy
from ordercore.inventory.reserve import BackorderRule
from ordercore.order import commands as oc
from ordercore.order.model import Order
from ordercore.order.refusals import UnknownStageError
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Stage, StageRule, Terms
from tests.laws.order_world import NORTH, SOUTH, STAFF, Shop, line

TEA = LineId("tea")
F1 = FulfilmentId("o-1-F1")
SLOWLY = Terms(release_automatically=False)


def counters(shop: Shop, place: LocationId) -> Counters:
    """The row of the tea at a place."""
    return shop.store.counters((ItemId("tea"),))[StockPlace(ItemId("tea"), place)]


def works(order: Order) -> list[tuple[str, str, int]]:
    """Each fulfilment order that has not ended, its location and what remains of it."""
    return [(work.id, work.location, work.remaining) for work in order.fulfilment.open_orders]


def held(order: Order) -> dict[str, tuple[int, int]]:
    """By location, the units held and awaited."""
    return {at.location: (at.reserved, at.queued) for at in order.stock.allocations}


def lacking(units: int, policy: ShortPolicy) -> fc.RecordShortPick:
    """The shelf did not have so many units."""
    return fc.RecordShortPick(
        fulfilment=F1, lines=(LineUnits(line=TEA, quantity=units),), policy=policy
    )


# --- moving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("terms", [Terms(), SLOWLY])
def test_moved_work_takes_its_reservation_along(terms: Terms) -> None:
    """F-2: released here, reserved there, planned once; then all of it can leave."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.receive("tea", 5, SOUTH)
    order = shop.place(line("tea", 5), terms=terms)
    order = shop.do(order.id, fc.MoveFulfilment(fulfilment=F1, location=SOUTH)).order
    assert {"south": (5, 0)} == held(order)
    assert [(F1, "south", 5)] == works(order)
    assert (0, 5) == (counters(shop, NORTH).reserved, counters(shop, SOUTH).reserved)
    if terms is SLOWLY:
        shop.do(order.id, fc.ReleaseFulfilment(fulfilment=F1))
    assert OrderStatus.FULFILLED is order_status(shop.send_all(order.id))
    assert (5, 0) == (counters(shop, NORTH).on_hand, counters(shop, SOUTH).on_hand)


def test_work_does_not_move_to_where_there_is_no_stock() -> None:
    """F-2: the move is refused as a whole, and nothing has changed."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.receive("tea", 4, SOUTH)
    order = shop.place(line("tea", 5))
    before = shop.load(order.id)
    with pytest.raises(OutOfStockError):
        shop.do(order.id, fc.MoveFulfilment(fulfilment=F1, location=SOUTH))
    assert before == shop.load(order.id)
    assert 5 == counters(shop, NORTH).reserved


def test_moved_work_without_stock_is_planned_once() -> None:
    """F-2: units that keep no stock go with their work too."""
    shop = Shop()
    order = shop.place(changed(line("tea", 2), tracks_stock=False))
    order = shop.do(order.id, fc.MoveFulfilment(fulfilment=F1, location=SOUTH)).order
    assert [(F1, "south", 2)] == works(order)


def test_moved_backorders_leave_their_queue() -> None:
    """F-2: units that were lost at the old place are reserved at the new one."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.receive("tea", 5, SOUTH)
    order = shop.place(line("tea", 5))
    row = CountedLine(item=ItemId("tea"), location=NORTH, counted=3)
    shop.service.stock.execute(CountStock(lines=(row,), reason="stock-take"), by=STAFF)
    order = shop.service.advance(order.id)
    assert {"north": (3, 2)} == held(order)
    order = shop.do(order.id, fc.MoveFulfilment(fulfilment=F1, location=SOUTH)).order
    assert {"south": (5, 0)} == held(order)
    assert (0, 0) == (counters(shop, NORTH).reserved, counters(shop, NORTH).queued)


# --- stages -------------------------------------------------------------------------------------

PARKED = Stage(name="parked", inside="confirmed", holds_stock=False)
STAGED = Terms(stages=StageRule(stages=(PARKED, Stage(name="busy", inside="confirmed"))))


def test_stock_is_not_given_back_under_work() -> None:
    """F-1: a stage without stock is not entered while a location works with the stock."""
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 2), terms=STAGED)
    with pytest.raises(UnknownStageError, match="o-1-F1 is with its location"):
        shop.do(order.id, oc.MoveToStage(stage="parked"))
    assert OrderStatus.FULFILLED is order_status(shop.send_all(order.id))


def test_terms_do_not_give_stock_back_under_work() -> None:
    """F-1: nor does a stage that is given another meaning."""
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 2), terms=STAGED)
    order = shop.do(order.id, oc.MoveToStage(stage="busy")).order
    busy = StageRule(stages=(changed(PARKED, name="busy"),))
    with pytest.raises(UnknownStageError):
        shop.do(order.id, oc.AmendTerms(terms=changed(order.terms, stages=busy)))


def test_planned_work_ends_where_its_stock_is_given_back() -> None:
    """F-1: work that no location knows of is withdrawn, and planned anew with new stock."""
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 2), terms=changed(STAGED, release_automatically=False))
    order = shop.do(order.id, oc.MoveToStage(stage="parked")).order
    assert (WorkStatus.CANCELLED, []) == (order.fulfilment.orders[F1].status, works(order))
    assert 0 == counters(shop, NORTH).reserved
    order = shop.do(order.id, oc.MoveToStage(stage="busy")).order
    assert [("o-1-F2", "north", 2)] == works(order)
    assert {"north": (2, 0)} == held(order)


# --- short picks --------------------------------------------------------------------------------


def test_a_short_shelf_is_not_asked_again_at_once() -> None:
    """F-3 re-source: the units come from another place, though the books show more at this one."""
    shop = Shop()
    shop.receive("tea", 9)
    shop.receive("tea", 5, SOUTH)
    order = shop.place(line("tea", 5))
    order = shop.do(order.id, lacking(2, ShortPolicy.RESOURCE)).order
    assert {"north": (3, 0), "south": (2, 0)} == held(order)
    assert [(F1, "north", 3), ("o-1-F2", "south", 2)] == works(order)
    assert (7, 0) == (counters(shop, NORTH).on_hand, counters(shop, NORTH).unavailable)
    assert OrderStatus.FULFILLED is order_status(shop.send_all(order.id))


def test_a_short_shelf_is_asked_again_after_a_while() -> None:
    """F-3 re-source: where no other place has any, the books are believed after the retry time."""
    shop = Shop()
    shop.receive("tea", 9)
    order = shop.place(line("tea", 5))
    order = shop.do(order.id, lacking(2, ShortPolicy.RESOURCE)).order
    assert {"north": (3, 0)} == held(order)
    assert order.stock.retry_at is not None
    shop.clock.forward(timedelta(hours=1, minutes=1))
    shop.service.run_due(limit=5)
    assert {"north": (5, 0)} == held(shop.load(order.id))


def test_units_are_taken_elsewhere_or_queue_elsewhere_by_the_terms() -> None:
    """F-3 re-source: with backorders allowed the rest queues at the other place."""
    shop = Shop()
    shop.receive("tea", 5)
    policy = PolicyLine(
        item=ItemId("tea"), location=SOUTH, policy=StockPolicy(backorder_limit=None)
    )
    shop.service.stock.execute(SetStockPolicy(lines=(policy,)), by=STAFF)
    order = shop.place(line("tea", 5), terms=Terms(backorder=BackorderRule.ALLOW))
    order = shop.do(order.id, lacking(2, ShortPolicy.RESOURCE)).order
    assert {"north": (3, 0), "south": (0, 2)} == held(order)


def test_a_backorder_waits_at_the_short_place() -> None:
    """F-3 backorder: it queues there, whatever the limit is and though another place has some."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.receive("tea", 5, SOUTH)
    order = shop.place(line("tea", 5))
    order = shop.do(order.id, lacking(2, ShortPolicy.BACKORDER)).order
    assert {"north": (3, 2)} == held(order)
    assert [(F1, "north", 3)] == works(order)
    row = counters(shop, NORTH)
    assert (3, 3, 2) == (row.on_hand, row.reserved, row.queued)
    shop.receive("tea", 4)
    order = shop.service.advance(order.id)
    assert [(F1, "north", 3), ("o-1-F2", "north", 2)] == works(order)
    assert OrderStatus.FULFILLED is order_status(shop.send_all(order.id))


def test_a_short_close_ends_the_units() -> None:
    """F-3 short-close: cancelled, never charged, off the books, and nothing is held for them."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.receive("tea", 5, SOUTH)
    order = shop.place(line("tea", 5))
    order = shop.do(order.id, lacking(2, ShortPolicy.CLOSE)).order
    assert {"north": (3, 0)} == held(order)
    assert 3 == counters(shop, NORTH).on_hand
    order = shop.send_all(order.id, deliver=True)
    assert 3000 == shop.till.held(order.id)


@pytest.mark.parametrize("policy", ShortPolicy)
def test_books_that_knew_of_the_loss_lose_nothing_more(policy: ShortPolicy) -> None:
    """F-3: a count has taken the units off already; picked ones are not among the missing."""
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 5))
    picked = (LineUnits(line=TEA, quantity=3),)
    shop.do(order.id, fc.PickUnits(fulfilment=F1, lines=picked))
    row = CountedLine(item=ItemId("tea"), location=NORTH, counted=3)
    shop.service.stock.execute(CountStock(lines=(row,), reason="stock-take"), by=STAFF)
    order = shop.do(order.id, lacking(2, policy)).order
    assert 3 == counters(shop, NORTH).on_hand
    waits = 2 if policy is ShortPolicy.BACKORDER else 0
    assert {"north": (3, waits)} == held(order)
    shop.send_all(order.id)
    assert (0, 0) == (counters(shop, NORTH).on_hand, counters(shop, NORTH).reserved)


def test_a_count_after_a_short_pick_is_the_truth() -> None:
    """I-12, F-3: what was found missing is not taken off a second time by the count."""
    shop = Shop()
    shop.receive("tea", 9)
    order = shop.place(line("tea", 5))
    shop.do(order.id, lacking(2, ShortPolicy.CLOSE))
    row = CountedLine(item=ItemId("tea"), location=NORTH, counted=7)
    shop.service.stock.execute(CountStock(lines=(row,), reason="stock-take"), by=STAFF)
    assert 4 == counters(shop, NORTH).available


# --- more left than was counted -----------------------------------------------------------------


@pytest.mark.parametrize("told", ["dispatch", "tracking"])
def test_what_left_has_left_whatever_was_counted(told: str) -> None:
    """I-2, F-5: four were packed though a count knew of two; no report of them is refused."""
    shop = Shop()
    shop.receive("tea", 4)
    order = shop.place(line("tea", 4)).id
    count = CountedLine(item=ItemId("tea"), location=NORTH, counted=2)
    shop.service.stock.execute(CountStock(lines=(count,), reason="count"), by=STAFF)
    assert {NORTH: (2, 2)} == held(shop.service.advance(order))
    parcel = shop.pack(order)
    assert parcel is not None
    if told == "dispatch":
        shop.do(order, fc.Dispatch(parcel=parcel))
    for status in (ParcelStatus.IN_TRANSIT, ParcelStatus.DELIVERED):
        shop.do(order, fc.ReportTracking(parcel=parcel, status=status, at=shop.clock()))
    after = shop.load(order)
    assert (OrderStatus.DELIVERED, {}) == (order_status(after), held(after))
    assert (-2, 0, 0) == (
        counters(shop, NORTH).on_hand,
        counters(shop, NORTH).reserved,
        counters(shop, NORTH).queued,
    )
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))
