"""
Folding the facts of fulfilment; `ordercore.fulfilment.decide` is the door.

Each event touches the lines that it names and no others. Nothing here refuses: a fact about
something unknown changes nothing, a count never falls below zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeVar, assert_never, cast

from attrs import evolve

from ordercore.facts import Event
from ordercore.fulfilment import _parcels_evolve as parcels
from ordercore.fulfilment import events as ev
from ordercore.fulfilment._lines import (
    by_line,
    cancel,
    changed,
    counted,
    find_line,
    pick,
    put,
    put_back,
    short,
    summed,
    take_out,
)
from ordercore.fulfilment.model import (
    FulfilmentOrder,
    FulfilmentState,
    ShortPolicy,
    ShortShelf,
    WorkLine,
)
from ordercore.fulfilment.status import MERGED_AWAY, WORK
from ordercore.ids import FulfilmentId
from ordercore.machine import NotAllowedError, Trigger

__all__ = ["evolve_fulfilment"]


class _AboutWork(Protocol):
    @property
    def fulfilment(self) -> FulfilmentId: ...


_E = TypeVar("_E", bound=Event)
_W = TypeVar("_W", bound=_AboutWork)
_Fold = Callable[[FulfilmentState, Event], FulfilmentState]


def evolve_fulfilment(state: FulfilmentState, event: Event) -> FulfilmentState:
    """The state after one more fact; facts of other rooms change nothing."""
    fold = _FOLDS.get(type(event))
    return state if fold is None else fold(state, event)


def _on_order(
    change: Callable[[FulfilmentOrder, _W], FulfilmentOrder],
) -> Callable[[FulfilmentState, _W], FulfilmentState]:
    """The fold of a fact about one fulfilment order that changes nothing else."""

    def fold(state: FulfilmentState, event: _W) -> FulfilmentState:
        order = state.orders.get(event.fulfilment)
        return state if order is None else put(state, change(order, event))

    return fold


def _planned(state: FulfilmentState, event: ev.FulfilmentPlanned) -> FulfilmentState:
    return put(state, *event.orders)


def _stepped(order: FulfilmentOrder, kind: Trigger) -> FulfilmentOrder:
    """The order with the status that the table gives; the same status where it has none."""
    try:
        return evolve(order, status=WORK.next(order.status, kind, order))
    except NotAllowedError:
        return order


def _released(order: FulfilmentOrder, event: ev.FulfilmentReleased) -> FulfilmentOrder:
    return _stepped(order, type(event))


def _held(order: FulfilmentOrder, event: ev.FulfilmentHeld) -> FulfilmentOrder:
    held = _stepped(order, type(event))
    return evolve(held, resumes=order.status, hold_reason=event.reason or "held")


def _resumed(order: FulfilmentOrder, event: ev.FulfilmentResumed) -> FulfilmentOrder:
    return evolve(_stepped(order, type(event)), hold_reason="")


def _relocated(order: FulfilmentOrder, event: ev.FulfilmentMoved) -> FulfilmentOrder:
    return evolve(_stepped(order, type(event)), location=event.location)


def _reduced(order: FulfilmentOrder, event: ev.FulfilmentReduced) -> FulfilmentOrder:
    return changed(order, event.lines, cancel)


def _cancel_asked(order: FulfilmentOrder, event: ev.FulfilmentCancelRequested) -> FulfilmentOrder:
    resumes = order.resumes if order.hold_reason else order.status
    return evolve(_stepped(order, type(event)), resumes=resumes, asked=event.lines)


def _answered(order: FulfilmentOrder, kind: Trigger) -> FulfilmentOrder:
    return evolve(_stepped(order, kind), asked=())


def _refused(order: FulfilmentOrder, event: ev.FulfilmentCancelRefused) -> FulfilmentOrder:
    return _answered(order, type(event))


def _cancelled(order: FulfilmentOrder, event: ev.FulfilmentCancelled) -> FulfilmentOrder:
    return _stepped(order, type(event))


def _closed(order: FulfilmentOrder, event: ev.FulfilmentClosed) -> FulfilmentOrder:
    return _answered(order, type(event))


def _short_picked(state: FulfilmentState, event: ev.PickShort) -> FulfilmentState:
    order = state.orders.get(event.fulfilment)
    if order is None:
        return state
    state = put(state, changed(order, event.items, short))
    match event.policy:
        case ShortPolicy.CLOSE:
            return evolve(state, short_closed=summed(state.short_closed, event.items))
        case ShortPolicy.RESOURCE:
            return evolve(state, short_shelves=_empty_shelves(state, event))
        case ShortPolicy.BACKORDER:
            return state
        case _ as never:
            assert_never(never)


def _empty_shelves(state: FulfilmentState, event: ev.PickShort) -> tuple[ShortShelf, ...]:
    found = {(shelf.item, shelf.location): shelf for shelf in state.short_shelves}
    for item in event.items:
        shelf = ShortShelf(item=item.item, location=event.location, at=event.at)
        found[shelf.item, shelf.location] = shelf
    return tuple(found[key] for key in sorted(found))


def _accepted(state: FulfilmentState, event: ev.FulfilmentCancelAccepted) -> FulfilmentState:
    order = state.orders.get(event.fulfilment)
    if order is None:
        return state
    less = _answered(changed(order, event.lines, cancel), type(event))
    back = sum(
        before.picked - after.picked
        for unit in event.lines
        if (before := find_line(order, unit.line)) and (after := find_line(less, unit.line))
    )
    state = evolve(state, cancel_accepted=summed(state.cancel_accepted, event.lines))
    return counted(put(state, less), picked=-back)


def _split(state: FulfilmentState, event: ev.FulfilmentSplit) -> FulfilmentState:
    order = state.orders.get(event.fulfilment)
    if order is None:
        return state
    moved = tuple(
        WorkLine(line=line.line, item=line.item, quantity=unit.quantity, tracked=line.tracked)
        for unit in sorted(event.lines, key=by_line)
        if (line := find_line(order, unit.line)) is not None
    )
    new = evolve(order, id=event.into, lines=moved)
    return put(state, changed(order, event.lines, take_out), new)


def _merged(state: FulfilmentState, event: ev.FulfilmentsMerged) -> FulfilmentState:
    order, gone = state.orders.get(event.fulfilment), state.orders.get(event.merged)
    if order is None or gone is None:
        return state
    lines = {line.line: line for line in order.lines}
    for line in gone.lines:
        known = lines.get(line.line, evolve(line, quantity=0, short=0, cancelled=0))
        lines[line.line] = evolve(known, quantity=known.quantity + max(line.wanted, 0))
    ended = tuple(evolve(line, quantity=line.short + line.cancelled) for line in gone.lines)
    return put(
        state,
        evolve(order, lines=tuple(lines[line] for line in sorted(lines))),
        _stepped(evolve(gone, lines=ended), MERGED_AWAY),
    )


def _picked(state: FulfilmentState, event: ev.UnitsPicked) -> FulfilmentState:
    order = state.orders.get(event.fulfilment)
    if order is None:
        return state
    after = _stepped(changed(order, event.items, pick), type(event))
    return counted(put(state, after), picked=sum(item.quantity for item in event.items))


def _back_on_shelf(state: FulfilmentState, event: ev.UnitsPutBack) -> FulfilmentState:
    order = state.orders.get(event.fulfilment)
    if order is None:
        return state
    after = _stepped(changed(order, event.lines, put_back), type(event))
    return counted(put(state, after), picked=-sum(unit.quantity for unit in event.lines))


def _on(
    kind: type[_E], fold: Callable[[FulfilmentState, _E], FulfilmentState]
) -> tuple[type[Event], _Fold]:
    """One row of the table; the kind of event and its fold belong together."""
    return kind, cast("_Fold", fold)


_FOLDS: Final[Mapping[type[Event], _Fold]] = dict(
    (
        _on(ev.FulfilmentPlanned, _planned),
        _on(ev.FulfilmentReleased, _on_order(_released)),
        _on(ev.FulfilmentHeld, _on_order(_held)),
        _on(ev.FulfilmentResumed, _on_order(_resumed)),
        _on(ev.FulfilmentMoved, _on_order(_relocated)),
        _on(ev.FulfilmentSplit, _split),
        _on(ev.FulfilmentsMerged, _merged),
        _on(ev.FulfilmentReduced, _on_order(_reduced)),
        _on(ev.FulfilmentCancelRequested, _on_order(_cancel_asked)),
        _on(ev.FulfilmentCancelAccepted, _accepted),
        _on(ev.FulfilmentCancelRefused, _on_order(_refused)),
        _on(ev.FulfilmentCancelled, _on_order(_cancelled)),
        _on(ev.FulfilmentClosed, _on_order(_closed)),
        _on(ev.UnitsPicked, _picked),
        _on(ev.UnitsPutBack, _back_on_shelf),
        _on(ev.PickShort, _short_picked),
        _on(ev.ParcelPacked, parcels.packed),
        _on(ev.ParcelUnpacked, parcels.unpacked),
        _on(ev.ParcelBooked, parcels.booked),
        _on(ev.BookingFailed, parcels.booking_failed),
        _on(ev.BookingRetried, parcels.booking_retried),
        _on(ev.ShipmentDispatched, parcels.shipped),
        _on(ev.ParcelMoved, parcels.moved),
        _on(ev.TrackingParked, parcels.parked),
        _on(ev.DigitalDelivered, parcels.digital_delivered),
    )
)
