"""O-8, R-3: several delivery groups, a line that spans two, each planned and timed by itself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from attrs import evolve

from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.fulfilment import commands as fc
from ordercore.ids import ItemId, LineId, OrderId, PartyId
from ordercore.inventory.commands import PolicyLine, SetStockPolicy
from ordercore.inventory.model import StockPolicy
from ordercore.inventory.reserve import BackorderRule
from ordercore.order import commands as oc
from ordercore.order.grouping import line_times
from ordercore.order.groups import (
    CustomsItem,
    DeliveryGroup,
    GroupFixedError,
    Incoterm,
    InvalidGroupError,
    PartialShipments,
)
from ordercore.order.model import Order
from ordercore.order.party import Destination, PartyRef
from ordercore.order.terms import Terms
from ordercore.pricing.draft import DraftLine
from ordercore.pricing.values import UnknownLineError
from ordercore.returns import commands as rc
from ordercore.returns.model import ReturnUnits
from ordercore.service.requests import booking_request
from tests.laws.order_world import BUYER, CARD, NORTH, SOUTH, Shop, basket, line

TEA, CUP = LineId("tea"), LineId("cup")
HOME = DeliveryGroup(id="home", units=((TEA, 2), (CUP, 1)))
GIFT = DeliveryGroup(
    id="gift",
    units=((TEA, 1),),
    party=PartyRef(PartyId("aunt")),
    destination=Destination(country="CH", postal_code="8001"),
    method="express",
    wanted_on=date(2026, 3, 9),
    gift_message="Many happy returns",
    incoterm=Incoterm.DDP,
    customs=(CustomsItem(line=TEA, tariff_code="0902", origin_country="IN"),),
    priority=1,
)


@pytest.fixture
def shop() -> Shop:
    """Nine of each are there."""
    opened = Shop()
    opened.receive("tea", 9)
    opened.receive("cup", 9)
    return opened


def placed(
    shop: Shop,
    *groups: DeliveryGroup,
    lines: tuple[DraftLine, ...] = (),
    terms: Terms | None = None,
) -> Order:
    """Four units of tea and one cup, in these groups."""
    return shop.service.place(
        basket(*(lines or (line("tea", 4), line("cup", 1)))),
        key="place",
        by=BUYER,
        order=OrderId("o-1"),
        terms=terms,
        tenders=(CARD,),
        groups=groups,
    ).order


def planned(order: Order) -> list[tuple[str, dict[str, int]]]:
    """For each piece of work its group and its units."""
    return [
        (work.group, {known.line: known.quantity for known in work.lines})
        for work in order.fulfilment.orders.values()
    ]


def test_work_is_planned_for_each_group(shop: Shop) -> None:
    """A line spans three groups: two that are named, and what nobody named."""
    order = placed(shop, HOME, GIFT)
    assert [
        ("gift", {TEA: 1}),
        ("home", {TEA: 2, CUP: 1}),
        ("", {TEA: 1}),
    ] == planned(order)
    assert (HOME, GIFT) == order.groups


def test_without_groups_nothing_changes(shop: Shop) -> None:
    """One piece of work for each location, in no group."""
    assert [("", {TEA: 4, CUP: 1})] == planned(placed(shop))


def test_each_group_is_planned_at_each_of_its_locations(shop: Shop) -> None:
    """Units of one group that lie in two places are two pieces of work."""
    shop.receive("lamp", 1)
    shop.receive("lamp", 2, SOUTH)
    both = DeliveryGroup(id="both", units=((LineId("lamp"), 2),))
    order = placed(shop, both, lines=(line("lamp", 3),))
    works = [(work.group, work.location) for work in order.fulfilment.orders.values()]
    assert {("both", "north"), ("both", "south"), ("", "south")} >= set(works)
    units = sum(known.quantity for work in order.fulfilment.orders.values() for known in work.lines)
    assert 3 == units


def scarce(shop: Shop) -> None:
    """Two are there, and more may be sold."""
    shop.receive("rare", 2)
    row = PolicyLine(item=ItemId("rare"), location=NORTH, policy=StockPolicy(backorder_limit=9))
    shop.service.stock.execute(SetStockPolicy(lines=(row,)), by=BUYER)


def test_the_urgent_group_gets_the_first_units(shop: Shop) -> None:
    """Where not all is there, the group with the higher priority is served first."""
    late = evolve(HOME, units=((TEA, 2),))
    soon = evolve(GIFT, units=((TEA, 2),))
    scarce(shop)
    rare = LineId("rare")
    terms = Terms(backorder=BackorderRule.ALLOW)
    groups = (evolve(late, units=((rare, 2),)), evolve(soon, units=((rare, 2),), customs=()))
    order = placed(shop, *groups, lines=(line("rare", 4),), terms=terms)
    assert [("gift", {rare: 2})] == planned(order)
    shop.receive("rare", 2)
    shop.rest(rounds=6)
    assert [("gift", {rare: 2}), ("home", {rare: 2})] == planned(shop.load(order.id))


def test_a_complete_group_waits_for_all_of_it(shop: Shop) -> None:
    """O-8: who wants one parcel gets no half; the others do not wait for it."""
    rare = LineId("rare")
    scarce(shop)
    whole = DeliveryGroup(
        id="whole", units=((rare, 3),), partial=PartialShipments.COMPLETE, priority=1
    )
    terms = Terms(backorder=BackorderRule.ALLOW)
    order = placed(shop, whole, lines=(line("rare", 4),), terms=terms)
    assert [("", {rare: 1})] == planned(order)
    assert shop.service.run_due(limit=10).failed == ()
    shop.receive("rare", 5)
    shop.rest(rounds=6)
    assert [("", {rare: 1}), ("whole", {rare: 3})] == planned(shop.load(order.id))


def test_a_parcel_is_booked_for_its_group(shop: Shop) -> None:
    """Carriers learn the group's own place, person, manner and customs data."""
    order = placed(shop, HOME, GIFT)
    for work in order.fulfilment.orders.values():
        item = fc.PackItem(line=TEA, quantity=1)
        parcel = fc.PackParcel(parcel=f"p-{work.group}", fulfilment=work.id, items=(item,))  # type: ignore[arg-type]  # the field makes an id of it
        order = shop.do(order.id, parcel).order
    calls = [booking_request(order, parcel) for parcel in order.fulfilment.parcels]
    assert [GIFT, HOME, None] == [call.group for call in calls]
    assert [("aunt", 1), None, None] == [call.party for call in calls]
    assert [GIFT.destination, None, None] == [call.destination for call in calls]


def test_the_return_window_begins_with_the_groups_last_delivery(shop: Shop) -> None:
    """R-3: the cup came with one parcel; its window does not wait for another group's tea."""
    first = DeliveryGroup(id="first", units=((CUP, 1),), priority=2)
    order = placed(shop, first)
    parcel = shop.pack(order.id)
    assert parcel is not None
    shop.do(order.id, fc.Dispatch(parcel=parcel))
    shop.deliver(order.id, parcel)
    order = shop.load(order.id)
    times = line_times(order)
    assert times[CUP].is_delivered
    assert not times[TEA].is_delivered
    shop.clock.forward(timedelta(days=31))
    wish = rc.ReturnWish(units=ReturnUnits(line=CUP, quantity=1))
    with pytest.raises(OrderCoreError, match="could come back until"):
        shop.do(order.id, rc.RequestReturn(return_id="r-1", items=(wish,)))  # type: ignore[arg-type]  # the field makes an id of it
    order = shop.send_all(order.id, deliver=True)
    tea = rc.ReturnWish(units=ReturnUnits(line=TEA, quantity=1))
    order = shop.do(order.id, rc.RequestReturn(return_id="r-2", items=(tea,))).order  # type: ignore[arg-type]  # the field makes an id of it
    assert 1 == len(order.returns.rmas)


def test_groups_can_be_changed_until_work_begins(shop: Shop) -> None:
    """A group that a location works on stays as it is, the one without a name too."""
    terms = Terms(backorder=BackorderRule.ALLOW)
    order = placed(shop, HOME, lines=(line("tea", 4), line("cup", 1)), terms=terms)
    with pytest.raises(GroupFixedError):
        shop.do(order.id, oc.ChangeGroups(groups=()))
    with pytest.raises(GroupFixedError):
        shop.do(order.id, oc.ChangeGroups(groups=(evolve(HOME, method="slow"),)))
    with pytest.raises(GroupFixedError, match="without a name"):
        shop.do(order.id, oc.ChangeGroups(groups=(HOME, GIFT)))
    assert () == shop.do(order.id, oc.ChangeGroups(groups=(HOME,))).events


@pytest.mark.parametrize(
    ("groups", "kind"),
    [
        ((HOME, HOME), InvalidGroupError),
        ((evolve(HOME, units=((TEA, 5),)),), InvalidGroupError),
        ((HOME, evolve(GIFT, units=((TEA, 3),))), InvalidGroupError),
        ((evolve(HOME, units=((LineId("none"), 1),)),), UnknownLineError),
    ],
)
def test_groups_must_fit_the_order(
    shop: Shop, groups: tuple[DeliveryGroup, ...], kind: type[OrderCoreError]
) -> None:
    """Units that are not there, or named twice, are refused, and nothing is placed."""
    with pytest.raises(kind):
        placed(shop, *groups)


@pytest.mark.parametrize("units", [(), ((TEA, 0),), ((TEA, True),), ((TEA, 1), (TEA, 1))])
def test_a_group_has_units(units: tuple[tuple[LineId, int], ...]) -> None:
    """Each line once, with a whole number above zero."""
    with pytest.raises(InvalidValueError):
        DeliveryGroup(id="x", units=units)


def test_a_gift_message_is_bounded_and_not_printed() -> None:
    """It may be long, not endless, and stands in no log."""
    assert "happy" not in repr(GIFT)
    with pytest.raises(InvalidGroupError):
        evolve(GIFT, gift_message="x" * 1001)


def waiting(order: Order) -> dict[str, int]:
    """By group, the units of tea that somebody shall still send."""
    found: dict[str, int] = {}
    for work in order.fulfilment.open_orders:
        units = sum(known.remaining for known in work.lines if known.line == TEA)
        found[work.group] = found.get(work.group, 0) + units
    return {group: units for group, units in found.items() if units}


def test_a_cancel_takes_from_the_group_that_is_served_last(shop: Shop) -> None:
    """What is left of a line goes to the groups in their order."""
    terms = Terms(backorder=BackorderRule.NONE, holds_at_placement=())
    order = placed(shop, HOME, GIFT, terms=evolve(terms, release_automatically=False))
    found = [waiting(order)]
    for _ in range(3):
        order = shop.do(order.id, oc.CancelUnits(units=((TEA, 1),))).order
        found.append(waiting(order))
    assert [
        {"gift": 1, "home": 2, "": 1},
        {"gift": 1, "home": 2},
        {"gift": 1, "home": 1},
        {"gift": 1},
    ] == found


def test_a_location_is_asked_for_units_of_the_group_that_is_served_last(shop: Shop) -> None:
    """Work that is released gives in the same order, once the location agrees."""
    order = placed(shop, HOME, GIFT)
    order = shop.do(order.id, oc.CancelUnits(units=((TEA, 2),))).order
    asked = {
        work.group: sum(u.quantity for u in work.asked) for work in order.fulfilment.open_orders
    }
    assert {"gift": 0, "home": 1, "": 1} == asked


def test_a_cancel_takes_first_what_no_location_has(shop: Shop) -> None:
    """Units that are still to come go before work that is planned, whatever group waits."""
    scarce(shop)
    rare = LineId("rare")
    late = DeliveryGroup(id="late", units=((rare, 2),))
    terms = Terms(backorder=BackorderRule.ALLOW, release_automatically=False)
    whole = DeliveryGroup(
        id="whole", units=((rare, 3),), partial=PartialShipments.COMPLETE, priority=1
    )
    order = placed(shop, whole, late, lines=(line("rare", 5),), terms=terms)
    order = shop.do(order.id, oc.CancelUnits(units=((rare, 3),))).order
    assert [("late", {rare: 2})] == planned(order)
    assert [2] == [work.remaining for work in order.fulfilment.open_orders]
