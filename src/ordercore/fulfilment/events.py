"""
What happened in fulfilment. An event that changes stock says so itself in ``moves``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from attrs import evolve, field, frozen

from ordercore.facts import Event
from ordercore.fulfilment.model import (
    FulfilmentOrder,
    InvalidFulfilmentError,
    ItemUnits,
    LineUnits,
    Parcel,
    ParcelItem,
    ParcelStatus,
    ShortPolicy,
)
from ordercore.ids import FulfilmentId, LocationId, ParcelId, StreamId
from ordercore.inventory.model import MoveKind, MovesStock, StockMove

__all__ = [
    "BookingFailed",
    "BookingRetried",
    "DigitalDelivered",
    "FulfilmentCancelAccepted",
    "FulfilmentCancelRefused",
    "FulfilmentCancelRequested",
    "FulfilmentCancelled",
    "FulfilmentClosed",
    "FulfilmentHeld",
    "FulfilmentMoved",
    "FulfilmentPlanned",
    "FulfilmentReduced",
    "FulfilmentReleased",
    "FulfilmentResumed",
    "FulfilmentSplit",
    "FulfilmentsMerged",
    "ParcelBooked",
    "ParcelMoved",
    "ParcelPacked",
    "ParcelUnpacked",
    "PickShort",
    "ShipmentDispatched",
    "TrackingParked",
    "UnitsPicked",
    "UnitsPutBack",
]


def _planned(orders: Iterable[FulfilmentOrder]) -> tuple[FulfilmentOrder, ...]:
    result = tuple(orders)
    for order in result:
        ids = [line.line for line in order.lines]
        if any(first >= second for first, second in pairwise(ids)):
            raise InvalidFulfilmentError(
                "fulfilment order", "its lines must be sorted by line id, each of them once"
            )
    return result


def _stock_moves(
    kind: MoveKind,
    items: Iterable[ItemUnits | ParcelItem],
    location: LocationId,
    *,
    owner: StreamId,
    reason: str = "",
) -> tuple[StockMove, ...]:
    return tuple(
        StockMove(
            item=item.item,
            location=location,
            kind=kind,
            quantity=item.quantity,
            owner=owner,
            line=item.line,
            reason=reason,
        )
        for item in items
        if item.tracked
    )


@frozen(kw_only=True)
class FulfilmentPlanned(Event):
    """Units got a location each."""

    orders: tuple[FulfilmentOrder, ...] = field(converter=_planned)


@frozen(kw_only=True)
class FulfilmentReleased(Event):
    """The work was handed to its location."""

    fulfilment: FulfilmentId


@frozen(kw_only=True)
class FulfilmentHeld(Event):
    """The work was stopped for now."""

    fulfilment: FulfilmentId
    reason: str


@frozen(kw_only=True)
class FulfilmentResumed(Event):
    """The held work goes on."""

    fulfilment: FulfilmentId


@frozen(kw_only=True)
class FulfilmentMoved(Event):
    """The untouched work was given to another location."""

    fulfilment: FulfilmentId
    location: LocationId


@frozen(kw_only=True)
class FulfilmentSplit(Event):
    """Some untouched units went into a new fulfilment order *into*."""

    fulfilment: FulfilmentId
    into: FulfilmentId
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class FulfilmentsMerged(Event):
    """The units of *merged* were added to *fulfilment*; *merged* is cancelled."""

    fulfilment: FulfilmentId
    merged: FulfilmentId


@frozen(kw_only=True)
class FulfilmentReduced(Event):
    """Units that nobody works on yet were cancelled."""

    fulfilment: FulfilmentId
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class FulfilmentCancelRequested(Event):
    """The location was asked to cancel units that it may be working on."""

    fulfilment: FulfilmentId
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class FulfilmentCancelAccepted(Event):
    """The location agreed: these units are cancelled, picked ones are put back."""

    fulfilment: FulfilmentId
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class FulfilmentCancelRefused(Event):
    """The location could not stop any more: the work goes on."""

    fulfilment: FulfilmentId
    reason: str = ""


@frozen(kw_only=True)
class FulfilmentCancelled(Event):
    """Nothing remains to be done, and nothing of it has left."""

    fulfilment: FulfilmentId


@frozen(kw_only=True)
class FulfilmentClosed(Event):
    """Nothing remains to be done; *short*: units were missing."""

    fulfilment: FulfilmentId
    short: bool = False


@frozen(kw_only=True)
class UnitsPicked(MovesStock, Event):
    """Units were taken from the shelf: a fact in the stock ledger that moves no counter."""

    owner: StreamId
    fulfilment: FulfilmentId
    location: LocationId
    items: tuple[ItemUnits, ...]

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One pick for each item."""
        return _stock_moves(MoveKind.PICK, self.items, self.location, owner=self.owner)


@frozen(kw_only=True)
class UnitsPutBack(Event):
    """Picked units are on the shelf again."""

    fulfilment: FulfilmentId
    lines: tuple[LineUnits, ...]


@frozen(kw_only=True)
class PickShort(MovesStock, Event):
    """
    The shelf did not have these units (RULES F-3).

    ``missing`` are those of them that the books still show and the order holds: they are taken off
    the books. The order waits for them there under `ShortPolicy.BACKORDER`, else gives them back.
    """

    owner: StreamId
    fulfilment: FulfilmentId
    location: LocationId
    items: tuple[ItemUnits, ...]
    missing: tuple[ItemUnits, ...] = ()
    policy: ShortPolicy

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """For each missing item a correction of what is on hand, and what becomes of its hold."""
        waits = self.policy is ShortPolicy.BACKORDER
        then = MoveKind.REQUEUE if waits else MoveKind.RELEASE
        gone = _stock_moves(
            MoveKind.ADJUST, self.missing, self.location, owner=self.owner, reason="short pick"
        )
        return (
            *(evolve(move, quantity=-move.quantity) for move in gone),
            *_stock_moves(then, self.missing, self.location, owner=self.owner, reason="short pick"),
        )


@frozen(kw_only=True)
class ParcelPacked(Event):
    """Picked units went into a new parcel."""

    parcel: Parcel


@frozen(kw_only=True)
class ParcelUnpacked(Event):
    """A parcel that had not left was taken apart; its units are picked, in no parcel."""

    parcel: ParcelId


@frozen(kw_only=True)
class ParcelBooked(Event):
    """A carrier took the parcel."""

    parcel: ParcelId
    carrier: str
    tracking_number: str
    label: str = ""
    expected_at: datetime | None = None


@frozen(kw_only=True)
class BookingFailed(Event):
    """A carrier did not take the parcel; ``retry_at`` is empty where a person must decide."""

    parcel: ParcelId
    reason: str
    retry_at: datetime | None = None
    is_in_doubt: bool = False
    """Whether no answer came, so that it may be booked: it is asked again with the same key."""


@frozen(kw_only=True)
class BookingRetried(Event):
    """A carrier is to be asked again, maybe another one."""

    parcel: ParcelId
    carrier: str
    service: str = ""


@frozen(kw_only=True)
class ShipmentDispatched(MovesStock, Event):
    """A parcel left; each item names the slots that it took."""

    owner: StreamId
    parcel: ParcelId
    fulfilment: FulfilmentId
    location: LocationId
    items: tuple[ParcelItem, ...]
    tracking_number: str | None = None

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One ship for each item."""
        return _stock_moves(MoveKind.SHIP, self.items, self.location, owner=self.owner)


@frozen(kw_only=True)
class ParcelMoved(MovesStock, Event):
    """
    A parcel's status changed, such as to delivered, lost or returned.

    ``arrived`` are the units that came back into the location's stock with it, still unavailable:
    those of a returned parcel that nobody has booked in before. ``corrected``: set by a person.
    """

    owner: StreamId
    parcel: ParcelId
    location: LocationId
    status: ParcelStatus
    raw: str = ""
    arrived: tuple[ParcelItem, ...] = ()
    corrected: bool = False
    reason: str = ""

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One return_in for each item that came back."""
        return _stock_moves(MoveKind.RETURN_IN, self.arrived, self.location, owner=self.owner)


@frozen(kw_only=True)
class TrackingParked(Event):
    """A report that matches nothing was kept for a person."""

    parcel: ParcelId
    status: ParcelStatus
    raw: str = ""
    problem: str


@frozen(kw_only=True)
class DigitalDelivered(Event):
    """Units without a parcel were downloaded: dispatched and delivered."""

    items: tuple[ParcelItem, ...]
