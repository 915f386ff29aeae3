"""
Parcels and their bookings; `ordercore.fulfilment.model` is the door.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.fulfilment._fields import (
    InvalidFulfilmentError,
    count,
    fulfilment_id,
    instant,
    item_id,
    line_id,
    location_id,
    parcel_id,
    text,
)
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId, checked_id
from ordercore.pricing.slots import NO_SLOTS, SlotSet

__all__ = [
    "Booked",
    "Booking",
    "BookingAnswer",
    "BookingDeclined",
    "BookingUnknown",
    "Parcel",
    "ParcelItem",
    "ParcelSize",
    "ParcelStatus",
]


@unique
class ParcelStatus(StrEnum):
    """Where a parcel is, in words that every carrier's codes map to (RULES F-1, F-5)."""

    PACKED = "packed"
    DISPATCHED = "dispatched"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    FAILED_ATTEMPT = "failed_attempt"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    COLLECTED = "collected"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"
    """The carrier said something that its map does not know."""


@frozen(kw_only=True)
class ParcelSize:
    """The outside of a parcel, in millimetres."""

    length_mm: int = field(converter=count("length", 1))
    width_mm: int = field(converter=count("width", 1))
    height_mm: int = field(converter=count("height", 1))


def _serials(value: tuple[str, ...]) -> tuple[str, ...]:
    checked = tuple(checked_id(serial, "serial") for serial in value)
    if len(set(checked)) != len(checked):
        raise InvalidFulfilmentError("serials", "one of them stands there twice")
    return checked


@frozen(kw_only=True)
class ParcelItem:
    """Some units of one line in a parcel; ``slots`` are taken when it is dispatched."""

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    quantity: int = field(converter=count("quantity", 1))
    slots: SlotSet = NO_SLOTS
    serials: tuple[str, ...] = field(default=(), converter=_serials)
    lot: str = field(default="", converter=text("lot"))
    tracked: bool = True

    @serials.validator
    def _serial_each(self, _: object, serials: tuple[str, ...]) -> None:
        if serials and len(serials) != self.quantity:
            raise InvalidFulfilmentError("serials", "there must be one for each unit, or none")


@frozen(kw_only=True)
class Booked:
    """The carrier took the parcel: its number and label (a reference to it, not its bytes)."""

    tracking_number: str = field(converter=text("tracking number"))
    label: str = ""
    expected_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class BookingDeclined:
    """The carrier said no; ``retry_at`` is empty where asking again makes no sense."""

    reason: str
    retry_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class BookingUnknown:
    """No answer: it may have been booked. Asked again with the same key."""

    reason: str = ""


BookingAnswer = Booked | BookingDeclined | BookingUnknown
"""What a carrier answers to a booking: a closed union."""


@frozen(kw_only=True)
class Booking:
    """How far the booking of a parcel has come."""

    attempts: int = field(default=0, converter=count("attempts"))
    label: str = ""
    failed: str = ""
    """Why the last attempt failed; empty when none did, or when it is booked."""
    retry_at: datetime | None = field(default=None, converter=instant)


NOT_BOOKED: Final = Booking()


@frozen(kw_only=True)
class Parcel:
    """
    What leaves a location in one piece.

    ``carrier`` is empty where nobody carries it (store pick-up). ``status_at`` is when the fact
    behind ``status`` happened; ``delivered_at`` is kept for ever once the parcel was handed over.
    """

    id: ParcelId = field(converter=parcel_id)
    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    location: LocationId = field(converter=location_id)
    items: tuple[ParcelItem, ...]
    status: ParcelStatus = ParcelStatus.PACKED
    carrier: str = field(default="", converter=text("carrier"))
    service: str = field(default="", converter=text("carrier service"))
    tracking_number: str | None = None
    weight_g: int = field(default=0, converter=count("weight"))
    size: ParcelSize | None = None
    booking: Booking = NOT_BOOKED
    raw: str = ""
    """The carrier's own code behind the status."""
    status_at: datetime | None = field(default=None, converter=instant)
    dispatched_at: datetime | None = field(default=None, converter=instant)
    delivered_at: datetime | None = field(default=None, converter=instant)
    expected_at: datetime | None = field(default=None, converter=instant)

    @property
    def needs_booking(self) -> bool:
        """Whether a carrier must still be asked to take it."""
        return (
            self.status is ParcelStatus.PACKED
            and self.carrier != ""
            and self.tracking_number is None
            and (self.booking.failed == "" or self.booking.retry_at is not None)
        )

    @property
    def is_under_way(self) -> bool:
        """Whether it has left and not arrived anywhere yet."""
        return self.status not in _AT_REST


_AT_REST: Final = frozenset(
    {
        ParcelStatus.PACKED,
        ParcelStatus.DELIVERED,
        ParcelStatus.COLLECTED,
        ParcelStatus.RETURNED,
        ParcelStatus.LOST,
        ParcelStatus.DAMAGED,
    }
)
