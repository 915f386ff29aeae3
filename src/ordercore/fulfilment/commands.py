"""
What may be asked of fulfilment, and what the outside reports about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from attrs import Attribute, field, frozen

from ordercore.facts import Report, Request
from ordercore.fulfilment._fields import (
    InvalidFulfilmentError,
    a,
    code,
    code_or_none,
    count,
    fulfilment_id,
    instant,
    line_id,
    location_id,
    parcel_id,
    tuple_of,
    units,
    words,
)
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
    reason: str = field(validator=words)


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
    lines: tuple[LineUnits, ...] = field(validator=tuple_of(LineUnits))


@frozen(kw_only=True)
class MergeFulfilments(Request):
    """Add the untouched units of *merged* to *fulfilment*, at the same location."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    merged: FulfilmentId = field(converter=fulfilment_id)


@frozen(kw_only=True)
class PickUnits(Request):
    """Record units as taken from the shelf."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...] = field(validator=tuple_of(LineUnits))


@frozen(kw_only=True)
class PutBackUnits(Request):
    """Record picked units as back on the shelf."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...] = field(validator=tuple_of(LineUnits))


@frozen(kw_only=True)
class RecordShortPick(Request):
    """Record units that the shelf did not have; *policy* says what becomes of them."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...] = field(validator=tuple_of(LineUnits))
    policy: ShortPolicy = field(default=ShortPolicy.RESOURCE, validator=a(ShortPolicy))


@frozen(kw_only=True)
class PackItem:
    """Units that go into a parcel; *serials* one for each unit, where the item has them."""

    line: LineId = field(converter=line_id)
    quantity: int = field(validator=units)
    serials: tuple[str, ...] = field(default=(), validator=tuple_of(str))
    lot: str = field(default="", converter=code)


@frozen(kw_only=True)
class PackParcel(Request):
    """Put units into a new parcel; what was not picked yet is picked with it."""

    parcel: ParcelId = field(converter=parcel_id)
    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    items: tuple[PackItem, ...] = field(validator=tuple_of(PackItem))
    weight_g: int = field(default=0, validator=count)
    size: ParcelSize | None = field(default=None, validator=a(ParcelSize, optional=True))
    carrier: str = field(default="", converter=code)
    service: str = field(default="", converter=code)
    expected_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class UnpackParcel(Request):
    """Take a parcel that has not left apart again; its units stay picked."""

    parcel: ParcelId = field(converter=parcel_id)


@frozen(kw_only=True)
class RetryBooking(Request):
    """Ask a carrier again, or another one, after a booking failed."""

    parcel: ParcelId = field(converter=parcel_id)
    carrier: str = field(default="", converter=code)
    service: str = field(default="", converter=code)


@frozen(kw_only=True)
class Dispatch(Request):
    """Let a parcel go: its units take the lowest free slots of their lines."""

    parcel: ParcelId = field(converter=parcel_id)
    tracking_number: str | None = field(default=None, converter=code_or_none)


@frozen(kw_only=True)
class DeliverDigital(Request):
    """Record units without a parcel as downloaded: dispatched and delivered at once."""

    lines: tuple[LineUnits, ...] = field(validator=tuple_of(LineUnits))


@frozen(kw_only=True)
class CorrectParcel(Request):
    """Set right by hand what a carrier said wrongly, such as a delivery that never was."""

    parcel: ParcelId = field(converter=parcel_id)
    status: ParcelStatus = field(validator=a(ParcelStatus))
    reason: str = field(validator=words)


@frozen(kw_only=True)
class AcceptCancel(Request):
    """The location agrees to cancel; *lines* empty: all that was asked."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    lines: tuple[LineUnits, ...] = field(default=(), validator=tuple_of(LineUnits))


@frozen(kw_only=True)
class RefuseCancel(Request):
    """The location cannot stop any more."""

    fulfilment: FulfilmentId = field(converter=fulfilment_id)
    reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class ReportTracking(Report):
    """What a carrier says about a parcel; *raw* is its own code (RULES F-5)."""

    parcel: ParcelId = field(converter=parcel_id)
    status: ParcelStatus = field(validator=a(ParcelStatus))
    raw: str = field(default="", validator=words)


def _answer(_: object, attribute: Attribute[BookingAnswer], value: object) -> None:
    if type(value) not in get_args(BookingAnswer):
        raise InvalidFulfilmentError(attribute.name, "it must be one of the answers of a carrier")


@frozen(kw_only=True)
class ReportBooking(Report):
    """
    What a carrier answered to the booking of a parcel.

    ``asked`` is the number of its key (`Parcel.asking` when it was asked); 0: that of now.
    """

    parcel: ParcelId = field(converter=parcel_id)
    answer: BookingAnswer = field(validator=_answer)
    asked: int = field(default=0, validator=count)


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
