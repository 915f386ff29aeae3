"""
What a warehouse works on, and what is under way: fulfilment orders, parcels, and their slots.

A `FulfilmentOrder` asks one location for some units; a `Parcel` is what leaves it. When a parcel is
dispatched its units take the lowest free slots of their lines (RULES M-7), and from then on every
fact about the parcel is a fact about those slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import (
    FulfilmentId,
    ItemId,
    LineId,
    LocationId,
    ParcelId,
    checked_id,
    id_of,
)
from ordercore.money import checked_quantity
from ordercore.moment import utc
from ordercore.pricing.slots import NO_SLOTS, SlotSet

__all__ = [
    "Booked",
    "Booking",
    "BookingAnswer",
    "BookingDeclined",
    "BookingUnknown",
    "FulfilmentOrder",
    "FulfilmentState",
    "InvalidFulfilmentError",
    "ItemUnits",
    "LineUnits",
    "Parcel",
    "ParcelItem",
    "ParcelSize",
    "ParcelStatus",
    "ParkedTracking",
    "ShortPolicy",
    "Totals",
    "WorkLine",
    "WorkStatus",
]

MAX_SERIALS: Final = 20_000


@define
class InvalidFulfilmentError(InvalidValueError):
    """A value that fulfilment cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


@unique
class WorkStatus(StrEnum):
    """Where the work on a fulfilment order stands (RULES F-1)."""

    PLANNED = "planned"
    RELEASED = "released"
    IN_WORK = "in_work"
    HELD = "held"
    CANCEL_REQUESTED = "cancel_requested"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    SHORT = "short"
    """Ended with units missing."""


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


@unique
class ShortPolicy(StrEnum):
    """What becomes of units that the shelf did not have (RULES F-3)."""

    RESOURCE = "resource"
    """Take them from another place."""
    BACKORDER = "backorder"
    """Wait until there are some."""
    CLOSE = "close"
    """Cancel them: never charged, or given back."""


def _count(name: str, least: int = 0) -> Callable[[int], int]:
    def convert(value: int) -> int:
        return checked_quantity(value, name, least=least)

    return convert


def _text(name: str) -> Callable[[str], str]:
    def convert(value: str) -> str:
        return value if value == "" else checked_id(value, name)

    return convert


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


_line: Final = id_of(LineId, "line id")
_item: Final = id_of(ItemId, "item id")
_location: Final = id_of(LocationId, "location id")
_fulfilment: Final = id_of(FulfilmentId, "fulfilment id")
_parcel: Final = id_of(ParcelId, "parcel id")


@frozen(kw_only=True)
class LineUnits:
    """So many units of one line: what requests speak of."""

    line: LineId = field(converter=_line)
    quantity: int = field(converter=_count("quantity", 1))


@frozen(kw_only=True)
class ItemUnits:
    """So many units of one line's stock item: what events speak of."""

    line: LineId = field(converter=_line)
    item: ItemId = field(converter=_item)
    quantity: int = field(converter=_count("quantity", 1))
    tracked: bool = True
    """Whether stock is kept of it; if not, nothing moves in the stock ledger."""


@frozen(kw_only=True)
class WorkLine:
    """
    One line of a fulfilment order, as counts of units.

    dispatched ≤ packed ≤ picked, and picked + short + cancelled ≤ quantity.
    """

    line: LineId = field(converter=_line)
    item: ItemId = field(converter=_item)
    quantity: int = field(converter=_count("quantity", 0))
    picked: int = field(default=0, converter=_count("picked"))
    packed: int = field(default=0, converter=_count("packed"))
    dispatched: int = field(default=0, converter=_count("dispatched"))
    short: int = field(default=0, converter=_count("short"))
    cancelled: int = field(default=0, converter=_count("cancelled"))
    tracked: bool = True

    @property
    def wanted(self) -> int:
        """Units that are neither short nor cancelled."""
        return self.quantity - self.short - self.cancelled

    @property
    def to_pick(self) -> int:
        """Units that still lie on the shelf."""
        return self.wanted - self.picked

    @property
    def to_pack(self) -> int:
        """Units that are picked and in no parcel."""
        return self.picked - self.packed

    @property
    def remaining(self) -> int:
        """Units that have not left yet and still shall."""
        return self.wanted - self.dispatched


@frozen(kw_only=True)
class FulfilmentOrder:
    """
    Work for one location.

    ``lines`` stand in the order of their line ids, each line once (`FulfilmentPlanned` checks it).
    ``resumes`` is where a held or cancel-requested order goes back to; ``asked`` are the units
    that a pending cancel asks for.
    """

    id: FulfilmentId = field(converter=_fulfilment)
    location: LocationId = field(converter=_location)
    lines: tuple[WorkLine, ...]
    status: WorkStatus = WorkStatus.PLANNED
    resumes: WorkStatus = WorkStatus.PLANNED
    asked: tuple[LineUnits, ...] = ()
    hold_reason: str = ""
    dispatch_by: datetime | None = field(default=None, converter=_instant)

    @property
    def is_open(self) -> bool:
        """Whether the location may still have to do something."""
        return self.status not in _ENDED

    @property
    def remaining(self) -> int:
        """Units of all lines that have not left yet and still shall."""
        return sum(line.remaining for line in self.lines)


_ENDED: Final = frozenset({WorkStatus.CLOSED, WorkStatus.CANCELLED, WorkStatus.SHORT})


@frozen(kw_only=True)
class ParcelSize:
    """The outside of a parcel, in millimetres."""

    length_mm: int = field(converter=_count("length", 1))
    width_mm: int = field(converter=_count("width", 1))
    height_mm: int = field(converter=_count("height", 1))


def _serials(value: tuple[str, ...]) -> tuple[str, ...]:
    checked = tuple(checked_id(serial, "serial") for serial in value)
    if len(set(checked)) != len(checked):
        raise InvalidFulfilmentError("serials", "one of them stands there twice")
    return checked


@frozen(kw_only=True)
class ParcelItem:
    """Some units of one line in a parcel; ``slots`` are taken when it is dispatched."""

    line: LineId = field(converter=_line)
    item: ItemId = field(converter=_item)
    quantity: int = field(converter=_count("quantity", 1))
    slots: SlotSet = NO_SLOTS
    serials: tuple[str, ...] = field(default=(), converter=_serials)
    lot: str = field(default="", converter=_text("lot"))
    tracked: bool = True

    @serials.validator
    def _serial_each(self, _: object, serials: tuple[str, ...]) -> None:
        if serials and len(serials) != self.quantity:
            raise InvalidFulfilmentError("serials", "there must be one for each unit, or none")


@frozen(kw_only=True)
class Booked:
    """The carrier took the parcel: its number and label (a reference to it, not its bytes)."""

    tracking_number: str = field(converter=_text("tracking number"))
    label: str = ""
    expected_at: datetime | None = field(default=None, converter=_instant)


@frozen(kw_only=True)
class BookingDeclined:
    """The carrier said no; ``retry_at`` is empty where asking again makes no sense."""

    reason: str
    retry_at: datetime | None = field(default=None, converter=_instant)


@frozen(kw_only=True)
class BookingUnknown:
    """No answer: it may have been booked. Asked again with the same key."""

    reason: str = ""


BookingAnswer = Booked | BookingDeclined | BookingUnknown
"""What a carrier answers to a booking: a closed union."""


@frozen(kw_only=True)
class Booking:
    """How far the booking of a parcel has come."""

    attempts: int = field(default=0, converter=_count("attempts"))
    label: str = ""
    failed: str = ""
    """Why the last attempt failed; empty when none did, or when it is booked."""
    retry_at: datetime | None = field(default=None, converter=_instant)


NOT_BOOKED: Final = Booking()


@frozen(kw_only=True)
class Parcel:
    """
    What leaves a location in one piece.

    ``carrier`` is empty where nobody carries it (store pick-up). ``status_at`` is when the fact
    behind ``status`` happened; ``delivered_at`` is kept for ever once the parcel was handed over.
    """

    id: ParcelId = field(converter=_parcel)
    fulfilment: FulfilmentId = field(converter=_fulfilment)
    location: LocationId = field(converter=_location)
    items: tuple[ParcelItem, ...]
    status: ParcelStatus = ParcelStatus.PACKED
    carrier: str = field(default="", converter=_text("carrier"))
    service: str = field(default="", converter=_text("carrier service"))
    tracking_number: str | None = None
    weight_g: int = field(default=0, converter=_count("weight"))
    size: ParcelSize | None = None
    booking: Booking = NOT_BOOKED
    raw: str = ""
    """The carrier's own code behind the status."""
    status_at: datetime | None = field(default=None, converter=_instant)
    dispatched_at: datetime | None = field(default=None, converter=_instant)
    delivered_at: datetime | None = field(default=None, converter=_instant)
    expected_at: datetime | None = field(default=None, converter=_instant)

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


@frozen(kw_only=True)
class ParkedTracking:
    """A report about a parcel that could not be matched: kept for a person."""

    parcel: str
    status: ParcelStatus
    raw: str
    at: datetime = field(converter=utc)
    problem: str


@frozen(kw_only=True)
class Totals:
    """
    Units of all lines, kept while facts come in, so that a status costs no walk over the lines.

    The letters are those of RULES S: D dispatched, V delivered, L lost or destroyed, and what was
    sent back without delivery. ``picked`` counts units taken from the shelf, dispatched ones too.
    """

    picked: int = 0
    dispatched: int = 0
    delivered: int = 0
    lost: int = 0
    sent_back: int = 0

    @property
    def undelivered(self) -> int:
        """U: lost, destroyed, or sent back without delivery."""
        return self.lost + self.sent_back

    @property
    def ended(self) -> int:
        """E: units whose way has come to an end."""
        return self.delivered + self.undelivered


NOTHING_YET: Final = Totals()


@frozen(kw_only=True)
class FulfilmentState:
    """
    All that is known about the fulfilment of one order.

    The four sets of slots per line are kept, not derived; ``delivered``, ``lost`` and ``sent_back``
    are disjoint parts of ``dispatched``. The mappings are never changed in place.
    """

    orders: Mapping[FulfilmentId, FulfilmentOrder] = field(
        factory=dict[FulfilmentId, FulfilmentOrder]
    )
    parcels: Mapping[ParcelId, Parcel] = field(factory=dict[ParcelId, Parcel])
    dispatched: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    delivered: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    lost: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    sent_back: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    dispatched_at: Mapping[LineId, datetime] = field(factory=dict[LineId, datetime])
    """The last dispatch of each line."""
    delivered_at: Mapping[LineId, datetime] = field(factory=dict[LineId, datetime])
    """The last delivery of each line."""
    totals: Totals = NOTHING_YET
    parked: tuple[ParkedTracking, ...] = ()

    @property
    def open_orders(self) -> Iterator[FulfilmentOrder]:
        """The fulfilment orders that have not ended."""
        return (work for work in self.orders.values() if work.is_open)


EMPTY: Final = FulfilmentState()
"""Nothing planned, nothing packed."""
