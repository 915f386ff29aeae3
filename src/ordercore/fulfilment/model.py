"""
What a warehouse works on, and what is under way: fulfilment orders, parcels, and their slots.

A `FulfilmentOrder` asks one location for some units; a `Parcel` is what leaves it. When a parcel is
dispatched its units take the lowest free slots of their lines (RULES M-7), and from then on every
fact about the parcel is a fact about those slots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    units,
)
from ordercore.fulfilment._parcel import (
    Booked,
    Booking,
    BookingAnswer,
    BookingDeclined,
    BookingUnknown,
    Parcel,
    ParcelItem,
    ParcelSize,
    ParcelStatus,
    Track,
)
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId
from ordercore.moment import utc
from ordercore.pricing.slots import SlotSet

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
    "ShortShelf",
    "Totals",
    "Track",
    "WorkLine",
    "WorkStatus",
]


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
class ShortPolicy(StrEnum):
    """What becomes of units that the shelf did not have (RULES F-3)."""

    RESOURCE = "resource"
    """Take them from another place; the short one is not asked again for a while."""
    BACKORDER = "backorder"
    """Wait for them at this place."""
    CLOSE = "close"
    """Cancel them: never charged, or given back."""


@frozen(kw_only=True)
class LineUnits:
    """So many units of one line: what requests speak of."""

    line: LineId = field(converter=line_id)
    quantity: int = field(validator=units)


@frozen(kw_only=True)
class ItemUnits:
    """So many units of one line's stock item: what events speak of."""

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    quantity: int = field(validator=units)
    tracked: bool = True
    """Whether stock is kept of it; if not, nothing moves in the stock ledger."""


@frozen(kw_only=True)
class WorkLine:
    """
    One line of a fulfilment order, as counts of units.

    dispatched ≤ packed ≤ picked, and picked + short + cancelled ≤ quantity.
    """

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    quantity: int = field(validator=count)
    picked: int = field(default=0, validator=count)
    packed: int = field(default=0, validator=count)
    dispatched: int = field(default=0, validator=count)
    short: int = field(default=0, validator=count)
    cancelled: int = field(default=0, validator=count)
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

    id: FulfilmentId = field(converter=fulfilment_id)
    location: LocationId = field(converter=location_id)
    lines: tuple[WorkLine, ...]
    status: WorkStatus = WorkStatus.PLANNED
    resumes: WorkStatus = WorkStatus.PLANNED
    asked: tuple[LineUnits, ...] = ()
    hold_reason: str = ""
    group: str = ""
    """The delivery group that its units belong to; empty for none of its own."""
    dispatch_by: datetime | None = field(default=None, converter=instant)

    @property
    def is_open(self) -> bool:
        """Whether the location may still have to do something."""
        return self.status not in _ENDED

    @property
    def remaining(self) -> int:
        """Units of all lines that have not left yet and still shall."""
        return sum(line.remaining for line in self.lines)

    @property
    def is_short(self) -> bool:
        """Whether the shelf did not have all of it."""
        return any(line.short for line in self.lines)

    @property
    def has_dispatched(self) -> bool:
        """Whether any unit of it has left."""
        return any(line.dispatched for line in self.lines)


_ENDED: Final = frozenset({WorkStatus.CLOSED, WorkStatus.CANCELLED, WorkStatus.SHORT})


@frozen(kw_only=True)
class ParkedTracking:
    """A report about a parcel that could not be matched: kept for a person."""

    parcel: str
    status: ParcelStatus
    raw: str
    at: datetime = field(converter=utc)
    problem: str


@frozen(kw_only=True)
class ShortShelf:
    """A place that did not have units which are to come from another one, and when."""

    item: ItemId
    location: LocationId
    at: datetime = field(converter=utc)


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

    The sets of slots per line are kept, not derived; ``delivered``, ``lost`` and ``sent_back``
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
    short_closed: Mapping[LineId, int] = field(factory=dict[LineId, int])
    """Units that were missing and shall be cancelled for it, of all times."""
    cancel_accepted: Mapping[LineId, int] = field(factory=dict[LineId, int])
    """Units whose cancel a location has accepted, of all times."""
    arrived: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    """Slots that a carrier's report has booked back into stock."""
    unpacked: Mapping[ParcelId, int] = field(factory=dict[ParcelId, int])
    """How many of a carrier's keys are used up by the id of a parcel that was taken apart."""
    totals: Totals = NOTHING_YET
    parked: tuple[ParkedTracking, ...] = ()
    short_shelves: tuple[ShortShelf, ...] = ()
    """Each place once, with the last time."""

    @property
    def open_orders(self) -> Iterator[FulfilmentOrder]:
        """The fulfilment orders that have not ended."""
        return (work for work in self.orders.values() if work.is_open)


EMPTY: Final = FulfilmentState()
"""Nothing planned, nothing packed."""
