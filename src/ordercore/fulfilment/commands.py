"""
What may be asked of fulfilment, and what the outside reports about it.
"""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from ordercore.facts import Report, Request
from ordercore.fulfilment._fields import fulfilment_id, line_id, location_id, parcel_id, units
from ordercore.fulfilment.model import (
    BookingAnswer,
    LineUnits,
    ParcelSize,
    ParcelStatus,
    ShortPolicy,
)
from ordercore.ids import FulfilmentId, LineId, LocationId, ParcelId

__all__ = [
    "AcceptCancel",
    "CorrectParcel",
    "DeliverDigital",
    "Dispatch",
    "FulfilmentReport",
    "FulfilmentRequest",
    "HoldFulfilment",
    "MergeFulfilments",
    "MoveFulfilment",
    "PackItem",
    "PackParcel",
    "PickUnits",
    "PutBackUnits",
    "RecordShortPick",
    "RefuseCancel",
    "ReleaseFulfilment",
    "ReportBooking",
    "ReportTracking",
    "ResumeFulfilment",
    "RetryBooking",
    "SplitFulfilment",
    "UnpackParcel",
]


@frozen(kw_only=True)
class ReleaseFulfilment(Request):
    """Hand planned work to its location: from now on a cancel is a question."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)


@frozen(kw_only=True)
class HoldFulfilment(Request):
    """Stop the work for now."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    reason: str


@frozen(kw_only=True)
class ResumeFulfilment(Request):
    """Go on with held work where it stopped."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)


@frozen(kw_only=True)
class MoveFulfilment(Request):
    """Give untouched work to another location; its stock must be reserved there."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    location: LocationId = field(converter=location_id)


@frozen(kw_only=True)
class SplitFulfilment(Request):
    """Move some untouched units into a new fulfilment order at the same location."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    into: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class MergeFulfilments(Request):
    """Add the untouched units of *merged* to *fulfilment*, at the same location."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    merged: FulfilmentId = field(converter=fulfilment_id)


@frozen(kw_only=True)
class PickUnits(Request):
    """Record units as taken from the shelf."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class PutBackUnits(Request):
    """Record picked units as back on the shelf."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class RecordShortPick(Request):
    """Record units that the shelf did not have; *policy* says what becomes of them."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...]
    policy: ShortPolicy = ShortPolicy.RESOURCE


@frozen(kw_only=True)
class PackItem:
    """Units that go into a parcel; *serials* one for each unit, where the item has them."""

    line: LineId = field(converter=line_id)
    quantity: int = field(validator=units)
    serials: tuple[str, ...] = ()
    lot: str = ""


@frozen(kw_only=True)
class PackParcel(Request):
    """Put units into a new parcel; what was not picked yet is picked with it."""

    parcel: ParcelId = field(converter=parcel_id)
    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    items: tuple[PackItem, ...]
    weight_g: int = 0
    size: ParcelSize | None = None
    carrier: str = ""
    service: str = ""
    expected_at: datetime | None = None


@frozen(kw_only=True)
class UnpackParcel(Request):
    """Take a parcel that has not left apart again; its units stay picked."""

    parcel: ParcelId = field(converter=parcel_id)


@frozen(kw_only=True)
class RetryBooking(Request):
    """Ask a carrier again, or another one, after a booking failed."""

    parcel: ParcelId = field(converter=parcel_id)
    carrier: str = ""
    service: str = ""


@frozen(kw_only=True)
class Dispatch(Request):
    """Let a parcel go: its units take the lowest free slots of their lines."""

    parcel: ParcelId = field(converter=parcel_id)
    tracking_number: str | None = None


@frozen(kw_only=True)
class DeliverDigital(Request):
    """Record units without a parcel as downloaded: dispatched and delivered at once."""

    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class CorrectParcel(Request):
    """Set right by hand what a carrier said wrongly, such as a delivery that never was."""

    parcel: ParcelId = field(converter=parcel_id)
    status: ParcelStatus
    reason: str


@frozen(kw_only=True)
class AcceptCancel(Request):
    """The location agrees to cancel; *lines* empty: all that was asked."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...] = ()


@frozen(kw_only=True)
class RefuseCancel(Request):
    """The location cannot stop any more."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    reason: str = ""


@frozen(kw_only=True)
class ReportTracking(Report):
    """What a carrier says about a parcel; *raw* is its own code (RULES F-5)."""

    parcel: ParcelId = field(converter=parcel_id)
    status: ParcelStatus
    raw: str = ""


@frozen(kw_only=True)
class ReportBooking(Report):
    """What a carrier answered to the booking of a parcel."""

    parcel: ParcelId = field(converter=parcel_id)
    answer: BookingAnswer


FulfilmentRequest = (
    ReleaseFulfilment
    | HoldFulfilment
    | ResumeFulfilment
    | MoveFulfilment
    | SplitFulfilment
    | MergeFulfilments
    | PickUnits
    | PutBackUnits
    | RecordShortPick
    | PackParcel
    | UnpackParcel
    | RetryBooking
    | Dispatch
    | DeliverDigital
    | CorrectParcel
    | AcceptCancel
    | RefuseCancel
)
"""Every request that this room decides about."""
FulfilmentReport = ReportTracking | ReportBooking
"""Every report that this room absorbs."""
