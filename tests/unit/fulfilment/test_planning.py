from __future__ import annotations

import pytest

from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment.model import (
    FulfilmentState,
    InvalidFulfilmentError,
    ShortPolicy,
    WorkStatus,
)
from ordercore.fulfilment.planning import (
    locations_to_plan,
    plan_cancel,
    plan_fulfilment,
    units_planned,
)
from ordercore.ids import FulfilmentId, ItemId
from ordercore.inventory.model import Allocation
from tests.unit.fulfilment.house import (
    CUP,
    F1,
    F2,
    NORTH,
    NOW,
    RELEASE,
    SEND,
    SOUTH,
    TEA,
    after,
    fold,
    held,
    hours,
    packed,
    planned,
    released,
    units,
)

OPEN_UNITS = {TEA: 3, CUP: 2}


def test_each_location_gets_one_order_with_sorted_lines() -> None:
    """The plan follows what is reserved where."""
    allocations = [held(CUP, 2), held(TEA, 1), held(TEA, 2, SOUTH)]
    assert (NORTH, SOUTH) == locations_to_plan(FulfilmentState(), allocations)
    event = plan_fulfilment(
        FulfilmentState(),
        allocations,
        ids=[F1, F2],
        now=NOW,
        untracked=frozenset({CUP}),
        dispatch_by=hours(8),
    )
    assert event is not None
    north, south = event.orders
    assert [(TEA, 1, True), (CUP, 2, False)] == [
        (line.line, line.quantity, line.tracked) for line in north.lines
    ]
    assert (F2, SOUTH, hours(8)) == (south.id, south.location, south.dispatch_by)


def test_what_is_planned_is_not_planned_again() -> None:
    """A second look at the same reservations finds nothing; new ones get an order of their own."""
    state = planned(held(TEA, 2))
    assert () == locations_to_plan(state, [held(TEA, 2)])
    assert plan_fulfilment(state, [held(TEA, 2)], ids=[F2], now=NOW) is None
    event = plan_fulfilment(state, [held(TEA, 3)], ids=[F2], now=NOW)
    assert event is not None
    assert [1] == [line.quantity for line in event.orders[0].lines]


def test_sent_units_make_room_for_no_new_plan() -> None:
    """A dispatch lowers the reservation and what is planned by the same."""
    state = after(packed(), SEND)
    assert () == locations_to_plan(state, [held(TEA, 1), held(CUP, 1)])


def test_short_units_are_planned_elsewhere() -> None:
    """Once another location has reserved them (RULES F-3)."""
    short = cmd.RecordShortPick(fulfilment=F1, lines=(units(TEA, 1),), policy=ShortPolicy.RESOURCE)
    state = after(released(), short)
    allocations = [held(TEA, 2), held(CUP, 2), held(TEA, 1, SOUTH)]
    assert (SOUTH,) == locations_to_plan(state, allocations)


def test_a_plan_needs_new_ids() -> None:
    """One for each location, and none that is taken."""
    allocations = [held(TEA, 1), held(TEA, 1, SOUTH)]
    with pytest.raises(InvalidFulfilmentError, match="a new one for each location"):
        plan_fulfilment(FulfilmentState(), allocations, ids=[F1], now=NOW)
    with pytest.raises(InvalidFulfilmentError, match="a new one for each location"):
        plan_fulfilment(planned(held(CUP, 1)), [held(TEA, 1)], ids=[F1], now=NOW)


def test_a_line_is_one_item() -> None:
    """Kits are exploded into lines before; two items in one line are a mistake."""
    other = Allocation(line=TEA, item=ItemId("milk"), location=NORTH, reserved=1)
    with pytest.raises(InvalidFulfilmentError, match="kits are lines of their own"):
        locations_to_plan(FulfilmentState(), [held(TEA, 1), other])


def test_a_cancel_takes_what_nobody_works_on_first() -> None:
    """Unplanned units, then planned ones; both at once (RULES O-5)."""
    state = planned(held(TEA, 2))
    plan = plan_cancel(state, {TEA: 2}, open_units=OPEN_UNITS, now=NOW)
    assert ({TEA: 2}, {}, {}) == (plan.at_once, plan.asked, plan.left)
    state = fold(state, plan.events)
    assert {TEA: 1} == units_planned(state)


def test_a_cancel_of_all_planned_work_ends_it() -> None:
    """The fulfilment order is cancelled with its last unit."""
    plan = plan_cancel(planned(), OPEN_UNITS, open_units=OPEN_UNITS, now=NOW)
    assert OPEN_UNITS == plan.at_once
    state = fold(planned(), plan.events)
    assert WorkStatus.CANCELLED is state.orders[F1].status


def test_a_released_unit_is_asked_for() -> None:
    """The location answers first; one question is open at a time."""
    plan = plan_cancel(released(), {TEA: 2}, open_units=OPEN_UNITS, now=NOW)
    assert ({}, {TEA: 2}) == (plan.at_once, plan.asked)
    assert [ev.FulfilmentCancelRequested] == [type(event) for event in plan.events]
    state = fold(released(), plan.events)
    again = plan_cancel(state, {CUP: 1}, open_units=OPEN_UNITS, now=NOW)
    assert ({}, {}, {CUP: 1}) == (again.at_once, again.asked, again.left)


def test_held_work_is_cancelled_as_far_as_it_had_come() -> None:
    """Held before release: at once. Held after it: asked for."""
    hold = cmd.HoldFulfilment(fulfilment=F1, reason="fraud")
    plan = plan_cancel(after(planned(), hold), {TEA: 1}, open_units=OPEN_UNITS, now=NOW)
    assert ({TEA: 1}, {}) == (plan.at_once, plan.asked)
    state = fold(after(planned(), hold), plan.events)
    assert WorkStatus.HELD is state.orders[F1].status
    plan = plan_cancel(after(released(), hold), {TEA: 1}, open_units=OPEN_UNITS, now=NOW)
    assert ({}, {TEA: 1}) == (plan.at_once, plan.asked)


def test_a_cancel_divides_over_locations() -> None:
    """Planned units of one location go before released ones of another."""
    state = planned(held(TEA, 2), held(TEA, 1, SOUTH))
    state = after(state, RELEASE)
    plan = plan_cancel(state, {TEA: 3}, open_units=OPEN_UNITS, now=NOW)
    assert ({TEA: 1}, {TEA: 2}) == (plan.at_once, plan.asked)
    assert {F1, F2} == {
        event.fulfilment
        for event in plan.events
        if isinstance(
            event,
            ev.FulfilmentReduced | ev.FulfilmentCancelRequested | ev.FulfilmentCancelled,
        )
    }


def test_a_plan_keeps_ids_it_does_not_need() -> None:
    """Spare ids are not an error."""
    event = plan_fulfilment(
        FulfilmentState(), [held(TEA, 1)], ids=[F1, FulfilmentId("spare")], now=NOW
    )
    assert event is not None
    assert [F1] == [order.id for order in event.orders]
