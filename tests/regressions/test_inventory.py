"""Pains of other order systems that cannot be had here: stock."""

from __future__ import annotations

import tracemalloc
from itertools import permutations

import pytest
from attrs import fields

from ordercore.ids import ItemId, LineId, StreamId
from ordercore.inventory.audit import audit, rebuild
from ordercore.inventory.commands import (
    CountedLine,
    CountStock,
    HoldStock,
    PolicyLine,
    ReceivedLine,
    ReceiveStock,
    ReportHoldExpiry,
    SetStockPolicy,
)
from ordercore.inventory.decide import (
    StockBasis,
    StockCommand,
    decide_stock,
    evolve_hold,
    learn_stock,
    wake_hold,
)
from ordercore.inventory.events import UnitsReleased, UnitsReserved
from ordercore.inventory.kits import Component, Kit, explode
from ordercore.inventory.model import (
    Allocation,
    Cause,
    Counters,
    MoveKind,
    OutOfStockError,
    Reservation,
    StockMove,
    StockPlace,
    StockPolicy,
    StockState,
    WantedLine,
)
from ordercore.inventory.moves import (
    BelowZeroError,
    CauseReusedError,
    ReservationChangedError,
    net,
)
from ordercore.inventory.reserve import BackorderRule, plan_release, plan_reservation
from ordercore.inventory.sourcing import FewestParcels, InOrder, MostStock
from tests.laws.stock_world import LAWS, NOW, Moved, Row, World, held, place, wanted

HERE, THERE = place(), place("cup", "wien")


def operate(world: World, name: str, command: StockCommand) -> None:
    world.commit({StreamId(name): decide_stock(None, command, NOW)})


def receive(world: World, quantity: int, at: StockPlace = HERE, name: str = "r-1") -> None:
    line = ReceivedLine(item=at.item, location=at.location, quantity=quantity)
    operate(world, name, ReceiveStock(lines=(line,)))


def order(
    world: World,
    name: str,
    *lines: WantedLine,
    rule: BackorderRule = BackorderRule.NONE,
    plan: tuple[Allocation, ...] | None = None,
) -> tuple[Allocation, ...]:
    """Plan from what was read (or an older *plan*) and commit."""
    owner = StreamId(name)
    taken = plan or plan_reservation(lines, world.counters, rule=rule)
    world.commit({owner: (UnitsReserved(owner, taken, at=NOW),)})
    return taken


def ship(owner: str, quantity: int, at: StockPlace = HERE) -> Moved:
    move = StockMove(
        item=at.item,
        location=at.location,
        kind=MoveKind.SHIP,
        quantity=quantity,
        owner=StreamId(owner),
        line=LineId("1"),
    )
    return Moved((move,), at=NOW)


def is_sound(world: World) -> None:
    for law in LAWS:
        law(world)


def test_the_last_unit_is_not_sold_twice() -> None:
    """
    Two buyers plan with the same unit; the second commit is refused.

    vendure #3508, #1738, #3065; magento/inventory #2722, #3072; magento2 #25653, #6363, #11488,
    #12287; saleor #543, #5334.
    """
    world = World()
    receive(world, 1)
    plan = plan_reservation([wanted(1)], world.counters)
    order(world, "o-1", plan=plan)
    with pytest.raises(OutOfStockError):
        order(world, "o-2", plan=plan)
    assert (Counters(on_hand=1, reserved=1), ()) == (world.at(), world.allocations("o-2"))
    is_sound(world)


def test_checking_and_taking_are_one_step() -> None:
    """
    A plan is no promise: what was free when it was read is judged again when it is written.

    django-oscar #4524, #2102, #1811; awesto/django-shop #888; vendure #3508.
    """
    world = World()
    receive(world, 2)
    plan = plan_reservation([wanted(2)], world.counters)
    line = CountedLine(item=HERE.item, location=HERE.location, counted=1)
    operate(world, "count", CountStock(lines=(line,), reason="found less"))
    with pytest.raises(OutOfStockError):
        order(world, "o-1", plan=plan)


def test_two_placements_take_their_rows_in_one_order() -> None:
    """
    Whatever the order of the lines, places come sorted: nobody waits for the other (Oscar #4594).
    """
    places = [place(item, at) for item in ("cup", "pot") for at in ("berlin", "wien")]
    orders = {
        tuple(
            net(
                StockMove(item=at.item, location=at.location, kind=MoveKind.RECEIVE, quantity=1)
                for at in lines
            )
        )
        for lines in permutations(places)
    }
    assert {tuple(sorted(places))} == orders


def test_rows_and_counters_agree_whoever_comes_first() -> None:
    """
    Reserved counters are always the sum of the owners' rows.

    medusa #16569; odoo #62139, #61754, #82681; PrestaShop #16869; saleor #5334.
    """
    world = World()
    receive(world, 5)
    order(world, "o-1", wanted(2))
    order(world, "o-2", wanted(3))
    world.commit({StreamId("o-1"): (ship("o-1", 1),)})
    line = CountedLine(item=HERE.item, location=HERE.location, counted=2)
    operate(world, "count", CountStock(lines=(line,), reason="broken"))
    is_sound(world)
    assert 2 == world.at().reserved == sum(row.reserved for row in world.rows.values())


def test_two_locations_never_give_more_than_they_have() -> None:
    """
    The sum of the parts is what is wanted or what is there, over any locations (vendure #4030).
    """
    rows = {HERE: Counters(on_hand=2), THERE: Counters(on_hand=2)}
    for strategy in (InOrder(), MostStock(), FewestParcels()):
        plan = plan_reservation([wanted(9)], rows, strategy, BackorderRule.PARTIAL)
        assert [2, 2] == [at.reserved for at in plan]


def test_stock_in_two_places_is_enough_for_one_line() -> None:
    """
    A line is split where no single location has it; nobody falls back to the first location.

    medusa #14987, #15132.
    """
    rows = {HERE: Counters(on_hand=1), THERE: Counters(on_hand=1)}
    assert (held(1), held(1, at=THERE)) == plan_reservation([wanted(2)], rows)


def test_units_leave_from_where_they_are_reserved() -> None:
    """
    A dispatch from another location is refused and corrupts neither (medusa #16338, #16488).
    """
    world = World()
    receive(world, 1)
    receive(world, 1, THERE, "r-2")
    order(world, "o-1", wanted(1))
    before = (dict(world.counters), dict(world.rows))
    with pytest.raises((ReservationChangedError, BelowZeroError)):
        world.commit({StreamId("o-1"): (ship("o-1", 1, THERE),)})
    assert before == (world.counters, world.rows)
    world.commit({StreamId("o-1"): (ship("o-1", 1),)})
    assert (Counters(), Counters(on_hand=1)) == (world.at(), world.at(THERE))


def test_reserved_never_falls_below_zero_and_can_be_rebuilt() -> None:
    """
    More than is held cannot be given back, and lost counters come back from the ledger.

    medusa #12401.
    """
    world = World()
    receive(world, 3)
    order(world, "o-1", wanted(1))
    back = UnitsReleased(StreamId("o-1"), (held(2),), at=NOW)
    with pytest.raises((ReservationChangedError, BelowZeroError)):
        world.commit({StreamId("o-1"): (back,)})
    assert [(HERE, Counters(on_hand=3, reserved=1))] == list(rebuild(world.ledger()))


def test_shipped_units_are_not_reserved_again() -> None:
    """
    What an order has shipped is gone from what it holds; a second look finds nothing to reserve.

    medusa #16406, #11950.
    """
    world = World()
    receive(world, 3)
    order(world, "o-1", wanted(2))
    world.commit({StreamId("o-1"): (ship("o-1", 2),)})
    assert (Counters(on_hand=1), ()) == (world.at(), world.allocations("o-1"))
    assert () == plan_release([wanted(2)], world.allocations("o-1"))


def test_a_cart_does_not_hold_stock_for_ever() -> None:
    """
    Every hold has a deadline, says when to look at it, and gives everything back (vendure #3509).
    """
    world = World()
    receive(world, 1)
    cart = StreamId("cart-1")
    until = NOW.replace(hour=13)
    command = HoldStock(hold=cart, lines=(wanted(1),), until=until)
    (event,) = decide_stock(None, command, NOW, basis=StockBasis(counters=world.counters))
    world.commit({cart: (event,)})
    hold = evolve_hold(None, event)
    assert until == wake_hold(hold)
    world.commit({cart: decide_stock(hold, ReportHoldExpiry(at=until), until)})
    assert Counters(on_hand=1) == world.at()


def test_a_shipment_that_is_told_twice_moves_stock_once() -> None:
    """
    The same fact moves nothing the second time; another under its name is a conflict.

    magento/inventory #2420, #2872.
    """
    world = World()
    receive(world, 3)
    order(world, "o-1", wanted(2))
    world.commit({StreamId("o-1"): (ship("o-1", 1),)}, versions={StreamId("o-1"): 1})
    once = (dict(world.counters), dict(world.rows), list(world.moves))
    world.commit({StreamId("o-1"): (ship("o-1", 1),)}, versions={StreamId("o-1"): 1})
    assert once == (world.counters, world.rows, world.moves)
    with pytest.raises(CauseReusedError):
        world.commit({StreamId("o-1"): (ship("o-1", 2),)}, versions={StreamId("o-1"): 1})


def test_a_cancel_after_a_partial_shipment_gives_back_the_rest_only() -> None:
    """
    Release gives back what is still held, for kits too, and never compensates for all.

    magento/inventory #1881, #1849, #1698, #1888, #2859.
    """
    world = World()
    receive(world, 4)
    receive(world, 2, place("pot"), "r-2")
    kit = Kit(
        item=ItemId("set"),
        components=(
            Component(item=ItemId("cup"), quantity=2),
            Component(item=ItemId("pot")),
        ),
    )
    lines = explode([wanted(2, "set")], {kit.item: kit})
    order(world, "o-1", *lines)
    world.commit({StreamId("o-1"): (ship("o-1", 3),)})
    back = plan_release(lines, world.allocations("o-1"))
    assert (held(1), held(2, at=place("pot"))) == back
    world.commit({StreamId("o-1"): (UnitsReleased(StreamId("o-1"), back, at=NOW),)})
    assert (Counters(on_hand=1), Counters(on_hand=2)) == (world.at(), world.at(place("pot")))
    is_sound(world)


def test_a_renamed_sku_leaves_no_reservation_behind() -> None:
    """
    No word of a SKU stands in stock: the item's id is opaque (magento/inventory #2773, #26095).
    """
    kinds = (StockMove, Allocation, StockPlace, WantedLine, Reservation)
    names = {field.name for kind in kinds for field in fields(kind)}
    assert "item" in names
    assert not any("sku" in name for name in names)


def test_the_drift_checker_streams_and_sees_a_lost_row() -> None:
    """
    The audit's memory does not grow with the ledger, and one missing shipment is found.

    magento/inventory #2522 (over 20 GB), #3153.
    """
    move = StockMove(item=HERE.item, location=HERE.location, kind=MoveKind.RECEIVE, quantity=1)
    lost = 4_711

    def ledger() -> list[str]:
        rows = (
            Row(cause=Cause(StreamId("op"), number, 0), move=move)
            for number in range(1, 10_001)
            if number != lost
        )
        return [one.figure for one in audit(rows, [(HERE, Counters(on_hand=10_000))])]

    tracemalloc.start()
    try:
        assert ["on_hand"] == ledger()
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_one_place_in_two_channels_is_bound_once() -> None:
    """
    Whoever sells it, the bound is on the place: two channels share it (magento/inventory #2727).
    """
    world = World()
    receive(world, 1)
    order(world, "web-1", wanted(1))
    with pytest.raises(OutOfStockError):
        order(world, "shop-1", wanted(1))


def test_a_backorder_of_a_cancelled_order_takes_no_stock() -> None:
    """
    Who cancels leaves the queue, and what was freed goes to who waits (solidus #3719, #1712).
    """
    world = World()
    policy = StockPolicy(backorder_limit=None)
    line = PolicyLine(item=HERE.item, location=HERE.location, policy=policy)
    operate(world, "policy", SetStockPolicy(lines=(line,)))
    order(world, "o-1", wanted(2), rule=BackorderRule.ALLOW)
    order(world, "o-2", wanted(1), rule=BackorderRule.ALLOW)
    back = plan_release([wanted(2)], world.allocations("o-1"))
    world.commit({StreamId("o-1"): (UnitsReleased(StreamId("o-1"), back, at=NOW),)})
    receive(world, 2)
    assert ((), (held(1),)) == (world.allocations("o-1"), world.allocations("o-2"))
    assert {StreamId("o-2")} == world.woken
    assert 1 == world.at().available
    is_sound(world)


def test_backorders_are_filled_first_come_first_served() -> None:
    """
    A receipt goes to those who wait, in their order, and each learns what it got.

    saleor #4190; Sylius #3857: nobody has it.
    """
    world = World()
    policy = StockPolicy(backorder_limit=5)
    line = PolicyLine(item=HERE.item, location=HERE.location, policy=policy)
    operate(world, "policy", SetStockPolicy(lines=(line,)))
    first = order(world, "o-1", wanted(3), rule=BackorderRule.ALLOW)
    order(world, "o-2", wanted(2), rule=BackorderRule.ALLOW)
    with pytest.raises(OutOfStockError):
        order(world, "o-3", wanted(1), rule=BackorderRule.ALLOW)
    receive(world, 4)
    assert ((held(3),), (held(1, 1),)) == (world.allocations("o-1"), world.allocations("o-2"))
    (fact,) = learn_stock(StockState(allocations=first), world.allocations("o-1"), NOW)
    assert (held(3),) == fact.allocations
    is_sound(world)
