"""
Folding the facts about parcels; `ordercore.fulfilment.decide` is the door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve

from ordercore.fulfilment._lines import Change, changed, counted, pack, put, ship, unpack
from ordercore.fulfilment.events import (
    BookingFailed,
    BookingRetried,
    DigitalDelivered,
    ParcelBooked,
    ParcelMoved,
    ParcelPacked,
    ParcelUnpacked,
    ShipmentDispatched,
    TrackingParked,
)
from ordercore.fulfilment.model import (
    Booking,
    FulfilmentState,
    Parcel,
    ParcelItem,
    ParcelStatus,
    ParkedTracking,
)
from ordercore.fulfilment.tracking import corrected, merged
from ordercore.ids import FulfilmentId, LineId
from ordercore.pricing.slots import NO_SLOTS, SlotSet

__all__ = [
    "booked",
    "booking_failed",
    "booking_retried",
    "digital_delivered",
    "moved",
    "packed",
    "parked",
    "shipped",
    "unpacked",
]

_Slots = Mapping[LineId, SlotSet]


def _put_parcel(state: FulfilmentState, parcel: Parcel) -> FulfilmentState:
    return evolve(state, parcels={**state.parcels, parcel.id: parcel})


def _work_changed(
    state: FulfilmentState,
    fulfilment: FulfilmentId,
    items: Iterable[ParcelItem],
    change: Change,
) -> FulfilmentState:
    order = state.orders.get(fulfilment)
    return state if order is None else put(state, changed(order, items, change))


def packed(state: FulfilmentState, event: ParcelPacked) -> FulfilmentState:
    """A parcel was packed."""
    spent = state.unpacked.get(event.parcel.id, 0)
    parcel = evolve(event.parcel, booking=evolve(event.parcel.booking, spent=spent))
    state = _work_changed(state, parcel.fulfilment, parcel.items, pack)
    return _put_parcel(state, parcel)


def unpacked(state: FulfilmentState, event: ParcelUnpacked) -> FulfilmentState:
    """A parcel was taken apart; what a carrier was asked for it says nothing about the next."""
    parcel = state.parcels.get(event.parcel)
    if parcel is None:
        return state
    state = _work_changed(state, parcel.fulfilment, parcel.items, unpack)
    rest = {id_: other for id_, other in state.parcels.items() if id_ != event.parcel}
    spent = parcel.booking.spent + (1 if parcel.carrier else 0)
    return evolve(state, parcels=rest, unpacked={**state.unpacked, parcel.id: spent})


def booked(state: FulfilmentState, event: ParcelBooked) -> FulfilmentState:
    """A carrier took a parcel."""
    parcel = state.parcels.get(event.parcel)
    if parcel is None:
        return state
    asked = parcel.booking
    booking = Booking(attempts=asked.attempts + 1, label=event.label, spent=asked.spent)
    return _put_parcel(
        state,
        evolve(
            parcel,
            carrier=event.carrier,
            tracking_number=event.tracking_number,
            booking=booking,
            expected_at=event.expected_at or parcel.expected_at,
        ),
    )


def booking_failed(state: FulfilmentState, event: BookingFailed) -> FulfilmentState:
    """A carrier did not take a parcel."""
    parcel = state.parcels.get(event.parcel)
    if parcel is None:
        return state
    booking = Booking(
        attempts=parcel.booking.attempts + 1,
        failed=event.reason,
        is_in_doubt=event.is_in_doubt,
        retry_at=event.retry_at,
        spent=parcel.booking.spent + (0 if event.is_in_doubt else 1),
    )
    return _put_parcel(state, evolve(parcel, booking=booking))


def booking_retried(state: FulfilmentState, event: BookingRetried) -> FulfilmentState:
    """A carrier is asked anew; another one, or for another service, under another key."""
    parcel = state.parcels.get(event.parcel)
    if parcel is None:
        return state
    is_other = (event.carrier, event.service) != (parcel.carrier, parcel.service)
    booking = Booking(spent=parcel.booking.spent + (1 if is_other else 0))
    return _put_parcel(
        state, evolve(parcel, carrier=event.carrier, service=event.service, booking=booking)
    )


def shipped(state: FulfilmentState, event: ShipmentDispatched) -> FulfilmentState:
    """A parcel left: its slots are dispatched."""
    state = _work_changed(state, event.fulfilment, event.items, ship)
    parcel = state.parcels.get(event.parcel)
    if parcel is not None:
        state = _put_parcel(
            state,
            evolve(
                parcel,
                items=event.items,
                status=ParcelStatus.DISPATCHED,
                tracking_number=event.tracking_number or parcel.tracking_number,
                dispatched_at=event.at,
            ),
        )
    return _left(state, event.items, event.at)


def _left(state: FulfilmentState, items: tuple[ParcelItem, ...], at: datetime) -> FulfilmentState:
    units = sum(item.quantity for item in items)
    state = evolve(
        state,
        dispatched=_added(state.dispatched, items),
        dispatched_at=_latest(state.dispatched_at, items, at),
    )
    return counted(state, dispatched=units)


def moved(state: FulfilmentState, event: ParcelMoved) -> FulfilmentState:
    """A parcel's way went on, or came to an end."""
    parcel = state.parcels.get(event.parcel)
    if parcel is None:
        return state
    if event.corrected:
        after = corrected(parcel, event.status, event.at)
    else:
        after = merged(parcel, event.status, event.raw, event.at)
    state = _put_parcel(state, after)
    if event.arrived:
        state = evolve(state, arrived=_added(state.arrived, event.arrived))
    if (_end_of(parcel), parcel.delivered_at) == (_end_of(after), after.delivered_at):
        return state
    return _laid_into(_taken_from(state, parcel), after)


def _end_of(parcel: Parcel) -> str:
    """The set of slots that a parcel's units are in, by its name in the state."""
    if parcel.track.was_handed_over:
        return "delivered"
    if parcel.status in {ParcelStatus.LOST, ParcelStatus.DAMAGED}:
        return "lost"
    return "sent_back" if parcel.status is ParcelStatus.RETURNED else ""


def _taken_from(state: FulfilmentState, parcel: Parcel) -> FulfilmentState:
    units = -sum(item.quantity for item in parcel.items)
    match _end_of(parcel):
        case "delivered":
            state = evolve(
                state,
                delivered=_removed(state.delivered, parcel.items),
                delivered_at=_recounted(state, parcel),
            )
            return counted(state, delivered=units)
        case "lost":
            state = evolve(state, lost=_removed(state.lost, parcel.items))
            return counted(state, lost=units)
        case "sent_back":
            state = evolve(state, sent_back=_removed(state.sent_back, parcel.items))
            return counted(state, sent_back=units)
        case _:
            return state


def _laid_into(state: FulfilmentState, parcel: Parcel) -> FulfilmentState:
    units = sum(item.quantity for item in parcel.items)
    match _end_of(parcel):
        case "delivered":
            return _arrived(state, parcel.items, parcel.track.handed_over_at)
        case "lost":
            state = evolve(state, lost=_added(state.lost, parcel.items))
            return counted(state, lost=units)
        case "sent_back":
            state = evolve(state, sent_back=_added(state.sent_back, parcel.items))
            return counted(state, sent_back=units)
        case _:
            return state


def _arrived(
    state: FulfilmentState, items: tuple[ParcelItem, ...], at: datetime | None
) -> FulfilmentState:
    times = state.delivered_at if at is None else _latest(state.delivered_at, items, at)
    state = evolve(state, delivered=_added(state.delivered, items), delivered_at=times)
    return counted(state, delivered=sum(item.quantity for item in items))


def digital_delivered(state: FulfilmentState, event: DigitalDelivered) -> FulfilmentState:
    """Units left and arrived at once."""
    return _arrived(_left(state, event.items, event.at), event.items, event.at)


def parked(state: FulfilmentState, event: TrackingParked) -> FulfilmentState:
    """A report was kept for a person."""
    report = ParkedTracking(
        parcel=event.parcel,
        status=event.status,
        raw=event.raw,
        at=event.at,
        problem=event.problem,
    )
    return evolve(state, parked=(*state.parked, report))


def _added(slots: _Slots, items: Iterable[ParcelItem]) -> _Slots:
    result = dict(slots)
    for item in items:
        result[item.line] = result.get(item.line, NO_SLOTS) | item.slots
    return result


def _removed(slots: _Slots, items: Iterable[ParcelItem]) -> _Slots:
    result = dict(slots)
    for item in items:
        rest = result.get(item.line, NO_SLOTS) - item.slots
        if rest:
            result[item.line] = rest
        else:
            result.pop(item.line, None)
    return result


def _latest(
    times: Mapping[LineId, datetime], items: Iterable[ParcelItem], at: datetime
) -> Mapping[LineId, datetime]:
    result = dict(times)
    for item in items:
        result[item.line] = max(result.get(item.line, at), at)
    return result


def _recounted(state: FulfilmentState, parcel: Parcel) -> Mapping[LineId, datetime]:
    """The last deliveries without those of *parcel*: one walk over the other parcels."""
    lines = {item.line for item in parcel.items}
    times = {line: at for line, at in state.delivered_at.items() if line not in lines}
    for other in state.parcels.values():
        at = other.delivered_at
        if other.id == parcel.id or at is None:
            continue
        for item in other.items:
            if item.line in lines:
                times[item.line] = max(times.get(item.line, at), at)
    return times
