"""
Wrong ways to fulfil, each of which a law must notice.

Every bug here is one that shops have had: the last webhook wins, a lost parcel stays lost when it
is found, a unit is sent twice, a cancelled one is sent all the same.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from attrs import evolve as changed

from ordercore.facts import Event
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment.decide import FulfilmentBasis, evolve_fulfilment
from ordercore.fulfilment.model import FulfilmentState, ParcelItem, ParcelStatus, Totals, Track
from ordercore.fulfilment.tracking import merge
from ordercore.pricing.slots import SlotSet
from tests.laws.test_fulfilment import (
    Command,
    Decide,
    Evolve,
    Merge,
    decide,
    law_of_fulfilment,
    law_of_order,
    law_of_tracking,
    stories,
    tales,
)
from tests.planted.test_money import is_caught

Events = tuple[Event, ...]


# --- carriers -----------------------------------------------------------------------------------


def last_one_wins(_: Track, status: ParcelStatus, at: datetime) -> Track:
    return merge(Track(), status, at)


def latest_one_wins(track: Track, status: ParcelStatus, at: datetime) -> Track:
    times = (track.moving_at, track.handed_over_at, track.returning_at, track.returned_at)
    known = [time for time in times if time is not None]
    return merge(Track(), status, at) if not known or at >= max(known) else track


def delivery_ends_all(track: Track, status: ParcelStatus, at: datetime) -> Track:
    return track if track.handed_over_at is not None else merge(track, status, at)


def repeats_count(track: Track, status: ParcelStatus, at: datetime) -> Track:
    """The time of a handing over is that of the report that came last."""
    if track.handed_over is status:
        return changed(track, handed_over_at=at)
    return merge(track, status, at)


@pytest.mark.parametrize(
    "wrong", [last_one_wins, latest_one_wins, delivery_ends_all, repeats_count]
)
def test_a_wrong_merge_is_caught(wrong: Merge) -> None:
    """A merge that some order of reports can fool breaks the law of tracking."""
    assert is_caught(partial(law_of_tracking, merge=wrong), tales)


def test_the_real_merge_is_not() -> None:
    """The hunt itself is fair: it lets the real merge pass."""
    assert not is_caught(law_of_tracking, tales)


# --- folding ------------------------------------------------------------------------------------


def lost_stays_lost(state: FulfilmentState, event: Event) -> FulfilmentState:
    after = evolve_fulfilment(state, event)
    if isinstance(event, ev.ParcelMoved):
        lost = {line: slots | after.lost.get(line, SlotSet()) for line, slots in state.lost.items()}
        return changed(after, lost={**after.lost, **lost})
    return after


def refused_is_delivered(state: FulfilmentState, event: Event) -> FulfilmentState:
    after = evolve_fulfilment(state, event)
    totals = changed(
        after.totals, delivered=after.totals.delivered + after.totals.sent_back, sent_back=0
    )
    return changed(after, totals=totals)


def put_back_is_forgotten(state: FulfilmentState, event: Event) -> FulfilmentState:
    after = evolve_fulfilment(state, event)
    if isinstance(event, ev.UnitsPutBack | ev.FulfilmentCancelAccepted):
        return changed(after, totals=state.totals)
    return after


def unpacked_stays_packed(state: FulfilmentState, event: Event) -> FulfilmentState:
    after = evolve_fulfilment(state, event)
    return changed(after, orders=state.orders) if isinstance(event, ev.ParcelUnpacked) else after


def split_doubles(state: FulfilmentState, event: Event) -> FulfilmentState:
    after = evolve_fulfilment(state, event)
    if isinstance(event, ev.FulfilmentSplit):
        return changed(
            after, orders={**after.orders, event.fulfilment: state.orders[event.fulfilment]}
        )
    return after


def last_report_counts_again(state: FulfilmentState, event: Event) -> FulfilmentState:
    after = evolve_fulfilment(state, event)
    if isinstance(event, ev.ParcelMoved) and event.status is ParcelStatus.DELIVERED:
        more = sum(item.quantity for item in after.parcels[event.parcel].items)
        return changed(after, totals=changed(state.totals, delivered=state.totals.delivered + more))
    return after


def nothing_is_counted(state: FulfilmentState, event: Event) -> FulfilmentState:
    return changed(evolve_fulfilment(state, event), totals=Totals())


@pytest.mark.parametrize(
    "wrong",
    [
        lost_stays_lost,
        refused_is_delivered,
        put_back_is_forgotten,
        unpacked_stays_packed,
        split_doubles,
        last_report_counts_again,
        nothing_is_counted,
    ],
)
def test_a_wrong_fold_is_caught(wrong: Evolve) -> None:
    """A fold that loses, doubles or forgets breaks the law of fulfilment."""
    assert is_caught(partial(law_of_fulfilment, evolve=wrong), stories)


@pytest.mark.parametrize("wrong", [lost_stays_lost, last_report_counts_again])
def test_a_fold_that_minds_the_order_is_caught(wrong: Evolve) -> None:
    """What is delivered must not depend on which report came first."""
    assert is_caught(partial(law_of_order, evolve=wrong), tales)


# --- deciding -----------------------------------------------------------------------------------


def highest_slots_leave(
    state: FulfilmentState, command: Command, now: datetime, basis: FulfilmentBasis
) -> Events:
    def moved_up(item: ParcelItem) -> ParcelItem:
        return changed(item, slots=basis.open_slots[item.line].highest(item.quantity))

    return tuple(
        changed(event, items=tuple(moved_up(item) for item in event.items))
        if isinstance(event, ev.ShipmentDispatched)
        else event
        for event in decide(state, command, now, basis)
    )


def sent_slots_leave_again(
    state: FulfilmentState, command: Command, now: datetime, basis: FulfilmentBasis
) -> Events:
    all_slots = {
        line: slots | state.dispatched.get(line, SlotSet())
        for line, slots in basis.open_slots.items()
    }
    return decide(state, command, now, changed(basis, open_slots=all_slots))


def a_parcel_leaves_twice(
    state: FulfilmentState, command: Command, now: datetime, basis: FulfilmentBasis
) -> Events:
    if isinstance(command, cmd.Dispatch) and command.parcel in state.parcels:
        parcel = changed(
            state.parcels[command.parcel],
            status=ParcelStatus.PACKED,
            items=tuple(
                changed(item, slots=SlotSet()) for item in state.parcels[command.parcel].items
            ),
        )
        state = changed(state, parcels={**state.parcels, command.parcel: parcel})
    return decide(state, command, now, basis)


def the_end_is_forgotten(
    state: FulfilmentState, command: Command, now: datetime, basis: FulfilmentBasis
) -> Events:
    ends = (ev.FulfilmentClosed, ev.FulfilmentCancelled)
    return tuple(one for one in decide(state, command, now, basis) if not isinstance(one, ends))


def reports_are_refused(
    state: FulfilmentState, command: Command, now: datetime, basis: FulfilmentBasis
) -> Events:
    if isinstance(command, cmd.ReportTracking) and command.parcel not in state.parcels:
        command = changed(command, at=now)
        return decide(state, cmd.Dispatch(parcel=command.parcel), now, basis)
    return decide(state, command, now, basis)


def one_more_is_picked(
    state: FulfilmentState, command: Command, now: datetime, basis: FulfilmentBasis
) -> Events:
    return tuple(
        changed(
            event,
            items=tuple(changed(item, quantity=item.quantity + 1) for item in event.items),
        )
        if isinstance(event, ev.UnitsPicked)
        else event
        for event in decide(state, command, now, basis)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        highest_slots_leave,
        sent_slots_leave_again,
        a_parcel_leaves_twice,
        the_end_is_forgotten,
        reports_are_refused,
        one_more_is_picked,
    ],
)
def test_a_wrong_decision_is_caught(wrong: Decide) -> None:
    """A decision that sends the wrong unit, or one too many, breaks the law of fulfilment."""
    assert is_caught(partial(law_of_fulfilment, decide=wrong), stories)
