"""
Deciding about parcels; `ordercore.fulfilment.decide` is the door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve

from ordercore.facts import Event
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment._basis import (
    AlreadyThereError,
    FulfilmentBasis,
    MissingSerialsError,
    NotShippableError,
    TooManyUnitsError,
    UnknownWorkLineError,
    check_step,
    item_units,
    parcel_of,
    per_line,
    work_line,
    work_of,
)
from ordercore.fulfilment._evolve import evolve_fulfilment
from ordercore.fulfilment._fields import InvalidFulfilmentError
from ordercore.fulfilment._work_decide import with_ending
from ordercore.fulfilment.model import (
    Booked,
    BookingDeclined,
    FulfilmentOrder,
    FulfilmentState,
    Parcel,
    ParcelItem,
    ParcelStatus,
)
from ordercore.fulfilment.tracking import corrected, merged
from ordercore.ids import LineId
from ordercore.machine import NotAllowedError
from ordercore.pricing.slots import NO_SLOTS, SlotSet

__all__ = [
    "allotted",
    "correct_parcel",
    "deliver_digital",
    "dispatch",
    "pack",
    "report_booking",
    "report_tracking",
    "retry_booking",
    "unpack",
]

_Events = tuple[Event, ...]
FIRST_RETRY: Final = timedelta(minutes=5)
MOST_ATTEMPTS: Final = 8


def pack(
    state: FulfilmentState, command: cmd.PackParcel, now: datetime, basis: FulfilmentBasis
) -> _Events:
    """Units go into a new parcel; what was not picked yet is picked now."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.UnitsPicked, "PackParcel")
    if command.parcel in state.parcels:
        raise AlreadyThereError("parcel", command.parcel)
    missing: dict[LineId, int] = {}
    for line, quantity in per_line(command.items).items():
        known = work_line(work, line)
        if quantity > known.wanted - known.packed:
            raise TooManyUnitsError(line, quantity, known.wanted - known.packed, "packed")
        if quantity > known.to_pack:
            missing[line] = quantity - known.to_pack
    _check_serials(state, work, command.items, basis)
    parcel = ev.ParcelPacked(at=now, parcel=_parcel_from(work, command))
    if not missing:
        return (parcel,)
    picked = ev.UnitsPicked(
        at=now,
        owner=basis.owner,
        fulfilment=work.id,
        location=work.location,
        items=item_units(work, missing),
    )
    return picked, parcel


def _parcel_from(work: FulfilmentOrder, command: cmd.PackParcel) -> Parcel:
    items = tuple(
        ParcelItem(
            line=item.line,
            item=known.item,
            quantity=item.quantity,
            serials=item.serials,
            lot=item.lot,
            tracked=known.tracked,
        )
        for item in command.items
        for known in (work_line(work, item.line),)
    )
    return Parcel(
        id=command.parcel,
        fulfilment=work.id,
        location=work.location,
        items=items,
        carrier=command.carrier,
        service=command.service,
        weight_g=command.weight_g,
        size=command.size,
        expected_at=command.expected_at,
    )


def _check_serials(
    state: FulfilmentState,
    work: FulfilmentOrder,
    items: Iterable[cmd.PackItem],
    basis: FulfilmentBasis,
) -> None:
    """Serialised units need their own serial, and no serial leaves twice (RULES I-8)."""
    fresh: set[str] = set()
    for item in items:
        known = work_line(work, item.line)
        if known.item in basis.serialised and len(item.serials) != item.quantity:
            raise MissingSerialsError(item.line, "there must be one for each unit")
        if not fresh.isdisjoint(item.serials):
            raise MissingSerialsError(item.line, "one of them is packed twice")
        fresh.update(item.serials)
    if not fresh:
        return
    for parcel in state.parcels.values():
        for packed in parcel.items:
            if parcel.status is not ParcelStatus.RETURNED and not fresh.isdisjoint(packed.serials):
                raise MissingSerialsError(packed.line, f"one of them is in parcel {parcel.id}")


def unpack(
    state: FulfilmentState, command: cmd.UnpackParcel, now: datetime, _: FulfilmentBasis
) -> _Events:
    """A parcel that has not left is taken apart."""
    parcel = parcel_of(state, command.parcel)
    _check_packed(parcel, "UnpackParcel")
    return (ev.ParcelUnpacked(at=now, parcel=parcel.id),)


def retry_booking(
    state: FulfilmentState, command: cmd.RetryBooking, now: datetime, _: FulfilmentBasis
) -> _Events:
    """A carrier is asked again, or another one."""
    parcel = parcel_of(state, command.parcel)
    _check_packed(parcel, "RetryBooking")
    if parcel.tracking_number is not None:
        raise NotAllowedError(parcel.status, "RetryBooking", "a carrier has taken it already")
    carrier = command.carrier or parcel.carrier
    if not carrier:
        raise InvalidFulfilmentError("carrier", "name one")
    service = command.service or (parcel.service if carrier == parcel.carrier else "")
    return (ev.BookingRetried(at=now, parcel=parcel.id, carrier=carrier, service=service),)


def dispatch(
    state: FulfilmentState, command: cmd.Dispatch, now: datetime, basis: FulfilmentBasis
) -> _Events:
    """A parcel leaves (RULES F-4)."""
    parcel = parcel_of(state, command.parcel)
    _check_packed(parcel, "Dispatch")
    work = work_of(state, parcel.fulfilment)
    check_step(work, ev.ShipmentDispatched)
    if not basis.shippable:
        raise NotShippableError(f"Parcel {parcel.id}", basis.reason or "it is not covered")
    return _leaving(state, parcel, now, basis, tracking_number=command.tracking_number)


def _leaving(
    state: FulfilmentState,
    parcel: Parcel,
    now: datetime,
    basis: FulfilmentBasis,
    *,
    tracking_number: str | None = None,
) -> _Events:
    event = ev.ShipmentDispatched(
        at=now,
        owner=basis.owner,
        parcel=parcel.id,
        fulfilment=parcel.fulfilment,
        location=parcel.location,
        items=allotted(parcel, basis.open_slots),
        tracking_number=tracking_number or parcel.tracking_number,
    )
    return with_ending(state, (event,), parcel.fulfilment, now)


def allotted(parcel: Parcel, open_slots: Mapping[LineId, SlotSet]) -> tuple[ParcelItem, ...]:
    """
    The parcel's items with the slots that they would take now: the lowest free ones.

    Raises:
        TooManyUnitsError: A line has fewer open units than the parcel holds.

    Source:
        RULES M-7.
    """
    rest: dict[LineId, SlotSet] = {}
    items: list[ParcelItem] = []
    for item in parcel.items:
        free = rest.get(item.line, open_slots.get(item.line, NO_SLOTS))
        slots = free.lowest(item.quantity)
        if len(slots) < item.quantity:
            raise TooManyUnitsError(item.line, item.quantity, len(slots), "dispatched")
        rest[item.line] = free - slots
        items.append(evolve(item, slots=slots))
    return tuple(items)


def deliver_digital(
    _: FulfilmentState, command: cmd.DeliverDigital, now: datetime, basis: FulfilmentBasis
) -> _Events:
    """Units are downloaded: dispatched and delivered (RULES F-4)."""
    if not basis.shippable:
        raise NotShippableError("What is downloaded", basis.reason or "it is not covered")
    items: list[ParcelItem] = []
    for line, quantity in per_line(command.lines).items():
        item = basis.digital.get(line)
        if item is None:
            raise UnknownWorkLineError("what is delivered without a parcel", line)
        slots = basis.open_slots.get(line, NO_SLOTS).lowest(quantity)
        if len(slots) < quantity:
            raise TooManyUnitsError(line, quantity, len(slots), "delivered")
        items.append(
            ParcelItem(line=line, item=item, quantity=quantity, slots=slots, tracked=False)
        )
    return (ev.DigitalDelivered(at=now, items=tuple(items)),)


def correct_parcel(
    state: FulfilmentState, command: cmd.CorrectParcel, now: datetime, basis: FulfilmentBasis
) -> _Events:
    """A person says where a parcel really is."""
    parcel = parcel_of(state, command.parcel)
    if parcel.dispatched_at is None or command.status is ParcelStatus.PACKED:
        raise NotAllowedError(parcel.status, "CorrectParcel", "only what has left can be corrected")
    if not command.reason.strip():
        raise InvalidFulfilmentError("reason", "say why the carrier is wrong")
    if parcel.status is ParcelStatus.RETURNED:
        reason = "its units are in stock again; what comes out of it is a new parcel"
        raise NotAllowedError(parcel.status, "CorrectParcel", reason)
    after = corrected(parcel, command.status, now)
    return (
        ev.ParcelMoved(
            at=now,
            owner=basis.owner,
            parcel=parcel.id,
            location=parcel.location,
            status=command.status,
            arrived=_coming_in(parcel, after, basis),
            corrected=True,
            reason=command.reason,
        ),
    )


def report_tracking(
    state: FulfilmentState, report: cmd.ReportTracking, _: datetime, basis: FulfilmentBasis
) -> _Events:
    """What a carrier says: absorbed, or kept for a person; never refused (RULES F-5)."""
    parcel = state.parcels.get(report.parcel)
    if parcel is None:
        return _park(state, report, "there is no such parcel")
    if report.status is ParcelStatus.PACKED:
        return ()
    before: _Events = ()
    if parcel.status is ParcelStatus.PACKED:
        try:
            before = _leaving(state, parcel, report.at, basis)
        except TooManyUnitsError as error:
            return _park(state, report, str(error))
        for event in before:
            state = evolve_fulfilment(state, event)
        parcel = state.parcels[parcel.id]
    after = merged(parcel, report.status, report.raw, report.at)
    if after == parcel:
        return before
    moved = ev.ParcelMoved(
        at=report.at,
        owner=basis.owner,
        parcel=parcel.id,
        location=parcel.location,
        status=report.status,
        raw=report.raw,
        arrived=_coming_in(parcel, after, basis),
    )
    return (*before, moved)


def _park(state: FulfilmentState, report: cmd.ReportTracking, problem: str) -> _Events:
    known = (report.parcel, report.status, report.raw, report.at)
    if any(known == (kept.parcel, kept.status, kept.raw, kept.at) for kept in state.parked):
        return ()
    event = ev.TrackingParked(
        at=report.at,
        parcel=report.parcel,
        status=report.status,
        raw=report.raw,
        problem=problem,
    )
    return (event,)


def _coming_in(parcel: Parcel, after: Parcel, basis: FulfilmentBasis) -> tuple[ParcelItem, ...]:
    """The units that a return puts into stock, without those that somebody booked in before."""
    returned = ParcelStatus.RETURNED
    if after.status is not returned or parcel.status is returned:
        return ()
    items: list[ParcelItem] = []
    for item in parcel.items:
        slots = item.slots - basis.received.get(item.line, NO_SLOTS)
        if slots:
            items.append(evolve(item, slots=slots, quantity=len(slots), serials=()))
    return tuple(items)


def report_booking(
    state: FulfilmentState, report: cmd.ReportBooking, now: datetime, _: FulfilmentBasis
) -> _Events:
    """What a carrier answered: absorbed, or kept for a person; never refused."""
    parcel = state.parcels.get(report.parcel)
    if isinstance(report.answer, Booked):
        return _booked(state, parcel, report, report.answer)
    if parcel is None or _needs_no_answer(parcel, report):
        return ()
    if parcel.booking.attempts >= MOST_ATTEMPTS:
        return ()
    is_in_doubt = not isinstance(report.answer, BookingDeclined)
    if isinstance(report.answer, BookingDeclined):
        reason, retry_at = report.answer.reason, report.answer.retry_at
    else:
        reason = f"no answer {report.answer.reason}".strip()
        retry_at = now + FIRST_RETRY * 2**parcel.booking.attempts
    if parcel.booking.attempts + 1 >= MOST_ATTEMPTS:
        retry_at = None
    return (
        ev.BookingFailed(
            at=report.at,
            parcel=parcel.id,
            reason=reason,
            retry_at=retry_at,
            is_in_doubt=is_in_doubt,
        ),
    )


def _needs_no_answer(parcel: Parcel, report: cmd.ReportBooking) -> bool:
    """Whether it has a label, or another asking is under way: of another box, or carrier."""
    return parcel.tracking_number is not None or 0 < report.asked < parcel.asking


def _booked(
    state: FulfilmentState, parcel: Parcel | None, report: cmd.ReportBooking, answer: Booked
) -> _Events:
    if parcel is not None and parcel.tracking_number == answer.tracking_number:
        return ()
    if parcel is None or _needs_no_answer(parcel, report):
        problem = f"booked as {answer.tracking_number}, but it is not wanted: void that label"
        tracking = cmd.ReportTracking(
            at=report.at,
            parcel=report.parcel,
            status=ParcelStatus.UNKNOWN,
            raw=answer.tracking_number,
        )
        return _park(state, tracking, problem)
    return (
        ev.ParcelBooked(
            at=report.at,
            parcel=parcel.id,
            carrier=parcel.carrier,
            tracking_number=answer.tracking_number,
            label=answer.label,
            expected_at=answer.expected_at,
        ),
    )


def _check_packed(parcel: Parcel, wish: str) -> None:
    if parcel.status is not ParcelStatus.PACKED:
        raise NotAllowedError(parcel.status, wish, "only a packed parcel can do that")
