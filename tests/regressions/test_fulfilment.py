"""Pains of other order systems that cannot be had here: fulfilment."""

from __future__ import annotations

import pytest
from attrs import evolve as changed

from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment.decide import TooManyUnitsError
from ordercore.fulfilment.model import ParcelStatus, ShortPolicy, WorkStatus
from ordercore.fulfilment.planning import locations_to_plan, plan_cancel
from ordercore.fulfilment.status import FULFILMENT, FulfilmentStatus, fulfilment_facts
from ordercore.machine import NotAllowedError
from tests.unit.fulfilment.house import (
    BASIS,
    CUP,
    F1,
    NORTH,
    NOW,
    P1,
    PACK,
    RELEASE,
    SEND,
    SOUTH,
    TEA,
    after,
    decided,
    fold,
    held,
    packed,
    planned,
    released,
    report,
    sent,
    units,
)


def test_a_parcel_ships_from_where_its_stock_is_reserved() -> None:
    """
    A move to another location must not take the stock of the first (medusa #16338, #16488).

    A parcel's ship moves name the location of its work, untouched work alone can move, and the
    order's reservation decides where units are planned.
    """
    moved = cmd.MoveFulfilment(fulfilment=F1, location=SOUTH)
    with pytest.raises(NotAllowedError):
        decided(packed(), moved)
    state = after(released(), moved, RELEASE, PACK)
    (event,) = decided(state, SEND)
    assert isinstance(event, ev.ShipmentDispatched)
    assert {SOUTH} == {move.location for move in event.moves}
    assert (NORTH,) == locations_to_plan(state, [held(TEA, 3), held(CUP, 2)])


def test_a_partial_shipment_and_a_cancel_of_the_rest_is_done() -> None:
    """
    Partial fulfilment and cancel end in the right status (vendure #1250, #1558, #2191, #565).

    Counts on separate axes: 3 units sent, 2 cancelled, nothing is waited for.
    """
    state = sent()
    rest = {TEA: 1, CUP: 1}
    plan = plan_cancel(state, rest, open_units=rest, now=NOW)
    assert rest == plan.asked
    state = after(fold(state, plan.events), cmd.AcceptCancel(fulfilment=F1))
    assert WorkStatus.CLOSED is state.orders[F1].status
    state = after(state, report(ParcelStatus.DELIVERED, 5))
    facts = fulfilment_facts(state, ordered=5, cancelled=2)
    assert FulfilmentStatus.DELIVERED is FULFILMENT.of(facts)


def test_a_second_shipment_call_compensates_nothing_twice() -> None:
    """A duplicate shipment call must not move stock twice (magento/inventory #2420, #2872)."""
    state = packed()
    first = decided(state, SEND)
    assert 1 == len(first)
    with pytest.raises(NotAllowedError):
        decided(fold(state, first), SEND)


def test_a_late_webhook_does_not_rewind() -> None:
    """A late report must not turn delivered into in transit (mollie/magento2 #107)."""
    state = after(sent(), report(ParcelStatus.DELIVERED, 5))
    for late in (ParcelStatus.IN_TRANSIT, ParcelStatus.OUT_FOR_DELIVERY, ParcelStatus.LOST):
        for hour in (1, 9):
            after_it = after(state, report(late, hour))
            assert ParcelStatus.DELIVERED is after_it.parcels[P1].status
            assert state.delivered == after_it.delivered


def test_a_double_webhook_is_one_fact() -> None:
    """The same report twice adds nothing (medusa #13301, Sylius #15172)."""
    said = report(ParcelStatus.DELIVERED, 5)
    assert () == decided(after(sent(), said), said)


def test_units_are_not_picked_and_shipped_twice() -> None:
    """A unit that has left is never packed again, whatever else happened (magento2 #12386)."""
    with pytest.raises(TooManyUnitsError):
        decided(sent(), changed(PACK, parcel=type(P1)("p-3")))


def test_a_short_pick_cancels_only_the_missing_unit() -> None:
    """
    One command moves unit facts, stock entry and debt together (solidus #1712, #3068, #2947).

    The short unit is given up, its stock taken off the books, and the others go on.
    """
    short = cmd.RecordShortPick(fulfilment=F1, lines=(units(TEA, 1),), policy=ShortPolicy.CLOSE)
    (event,) = decided(released(), short, changed(BASIS, held={TEA: 3}))
    assert isinstance(event, ev.PickShort)
    assert [(TEA, -1), (TEA, 1)] == [(move.line, move.quantity) for move in event.moves]
    state = after(released(), short)
    assert ({TEA: 1}, 4) == (state.short_closed, state.orders[F1].remaining)


def test_nothing_is_refused_because_the_order_is_in_a_strange_state() -> None:
    """A custom state or a hold never loses a carrier's fact (vendure #1310, #1865)."""
    state = after(packed(), cmd.HoldFulfilment(fulfilment=F1, reason="modifying"))
    blocked = changed(BASIS, shippable=False)
    state = after(state, report(ParcelStatus.DELIVERED, 5), basis=blocked)
    assert 3 == state.totals.delivered


def test_an_undefined_quantity_is_not_zero() -> None:
    """Quantities are typed and at least one (medusa #16406, #11950)."""
    with pytest.raises(ValueError, match="quantity"):
        units(TEA, 0)


def test_planned_units_are_the_reserved_ones() -> None:
    """A plan never sends from a place that holds nothing for the order (medusa #14987, #15132)."""
    assert (SOUTH,) == locations_to_plan(planned(held(TEA, 1)), [held(TEA, 1), held(CUP, 1, SOUTH)])
