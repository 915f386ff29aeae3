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
    a,
    code,
    count,
    fulfilment_id,
    instant,
    item_id,
    line_id,
    location_id,
    parcel_id,
    units,
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
    "Track",
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

    length_mm: int = field(validator=units)
    width_mm: int = field(validator=units)
    height_mm: int = field(validator=units)


def _serials(value: tuple[str, ...]) -> tuple[str, ...]:
    if type(value) is not tuple:
        raise InvalidFulfilmentError("serials", "they must be a tuple")
    checked = tuple(checked_id(serial, "serial") for serial in value)
    if len(set(checked)) != len(checked):
        raise InvalidFulfilmentError("serials", "one of them stands there twice")
    return checked


@frozen(kw_only=True)
class ParcelItem:
    """Some units of one line in a parcel; ``slots`` are taken when it is dispatched."""

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    quantity: int = field(validator=units)
    slots: SlotSet = NO_SLOTS
    serials: tuple[str, ...] = field(default=(), converter=_serials)
    lot: str = field(default="", converter=code)
    tracked: bool = True

    def __attrs_post_init__(self) -> None:
        """Check that what is said about single units is said about all of them."""
        if self.serials and len(self.serials) != self.quantity:
            raise InvalidFulfilmentError("serials", "there must be one for each unit, or none")
        if self.slots and len(self.slots) != self.quantity:
            raise InvalidFulfilmentError("slots", "there must be one for each unit, or none")


@frozen(kw_only=True)
class Booked:
    """The carrier took the parcel: its number and label (a reference to it, not its bytes)."""

    tracking_number: str = field(converter=code)
    label: str = field(default="", validator=a(str))
    expected_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class BookingDeclined:
    """The carrier said no; ``retry_at`` is empty where asking again makes no sense."""

    reason: str = field(validator=a(str))
    retry_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class BookingUnknown:
    """No answer: it may have been booked. Asked again with the same key."""

    reason: str = field(default="", validator=a(str))


BookingAnswer = Booked | BookingDeclined | BookingUnknown
"""What a carrier answers to a booking: a closed union."""


@frozen(kw_only=True)
class Booking:
    """How far the booking of a parcel has come."""

    attempts: int = field(default=0, validator=count)
    """How often a carrier was asked since a person last said so."""
    label: str = ""
    failed: str = ""
    """Why the last attempt failed; empty when none did, or when it is booked."""
    is_in_doubt: bool = False
    """Whether it failed without an answer: the parcel may be booked."""
    retry_at: datetime | None = field(default=None, converter=instant)
    spent: int = field(default=0, validator=count)
    """How many keys are used up: of refusals, of other carriers, of what was packed before."""


NOT_BOOKED: Final = Booking()


@frozen(kw_only=True)
class Track:
    """
    All that carriers said about a parcel, as far as it can still matter (RULES F-5).

    Each field is a minimum or maximum over reports, so it does not matter in which order or how
    often they arrive. Reports of before ``not_before`` are void: a person knew better then.
    """

    moving: ParcelStatus | None = None
    """The latest status on the way, while nothing tells of its arrival."""
    moving_at: datetime | None = field(default=None, converter=instant)
    handed_over: ParcelStatus | None = None
    """Delivered or collected, whichever was first."""
    handed_over_at: datetime | None = field(default=None, converter=instant)
    returning_at: datetime | None = field(default=None, converter=instant)
    """The latest time that it was said to be on its way back."""
    returned_at: datetime | None = field(default=None, converter=instant)
    """The earliest time that it was said to be back."""
    not_before: datetime | None = field(default=None, converter=instant)

    @property
    def was_handed_over(self) -> bool:
        """Whether it reached the customer, whatever happened then."""
        if self.handed_over_at is None:
            return False
        return self.returned_at is None or self.handed_over_at < self.returned_at


NO_TRACK: Final = Track()


@frozen(kw_only=True)
class Parcel:
    """
    What leaves a location in one piece.

    ``carrier`` is empty where nobody carries it (store pick-up). ``status`` follows from ``track``
    once it is dispatched; ``raw`` is the carrier's own code of the report that came last.
    """

    id: ParcelId = field(converter=parcel_id)
    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    location: LocationId = field(converter=location_id)
    items: tuple[ParcelItem, ...]
    status: ParcelStatus = ParcelStatus.PACKED
    carrier: str = field(default="", converter=code)
    service: str = field(default="", converter=code)
    tracking_number: str | None = None
    weight_g: int = field(default=0, validator=count)
    size: ParcelSize | None = None
    booking: Booking = NOT_BOOKED
    raw: str = ""
    track: Track = NO_TRACK
    dispatched_at: datetime | None = field(default=None, converter=instant)
    expected_at: datetime | None = field(default=None, converter=instant)

    @property
    def asking(self) -> int:
        """The number of the key under which a carrier is asked now."""
        return self.booking.spent + 1

    @property
    def delivered_at(self) -> datetime | None:
        """When it reached the customer, whatever happened then."""
        return self.track.handed_over_at if self.track.was_handed_over else None

    @property
    def needs_booking(self) -> bool:
        """
        Whether a carrier must still be asked to take it.

        A parcel that left meanwhile is asked about only where a label may have been bought for it.
        """
        return (
            (self.status is ParcelStatus.PACKED or self.booking.is_in_doubt)
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
