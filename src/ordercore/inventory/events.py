"""
What happened to stock. Every event knows its own moves; the store applies them with it.

The first group stands on an order's stream, the second on the stream of an inventory operation.
Event names and fields are a storage format: never renamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import field, frozen

from ordercore.facts import Event
from ordercore.ids import LineId, LocationId, StreamId
from ordercore.inventory.commands import (
    AdjustedLine,
    CountedLine,
    PolicyLine,
    ReceivedLine,
    StockLine,
    TransferLine,
)
from ordercore.inventory.model import (
    Allocation,
    MoveKind,
    MovesStock,
    Shortage,
    StockMove,
    WantedLine,
)
from ordercore.moment import utc

__all__ = [
    "HoldExpired",
    "HoldReleased",
    "HoldRenewed",
    "HoldTransferred",
    "ReservationRefused",
    "StockAdjusted",
    "StockCounted",
    "StockDamaged",
    "StockExpected",
    "StockHeld",
    "StockPolicySet",
    "StockReceived",
    "StockRepaired",
    "StockTransferred",
    "StockWrittenOff",
    "UnitsFilled",
    "UnitsFound",
    "UnitsReleased",
    "UnitsRequeued",
    "UnitsReserved",
]


def _claims(
    owner: StreamId, allocations: Iterable[Allocation], *, held: MoveKind, waiting: MoveKind
) -> Iterator[StockMove]:
    """One move for each part of an allocation that is not zero."""
    for at in allocations:
        for kind, quantity in ((held, at.reserved), (waiting, at.queued)):
            if quantity:
                yield StockMove(
                    item=at.item,
                    location=at.location,
                    kind=kind,
                    quantity=quantity,
                    owner=owner,
                    line=at.line,
                    partial=at.partial,
                )


def _taken(owner: StreamId, *parts: tuple[Allocation, ...]) -> tuple[StockMove, ...]:
    every = (at for part in parts for at in part)
    return tuple(_claims(owner, every, held=MoveKind.RESERVE, waiting=MoveKind.QUEUE))


def _given_back(owner: StreamId, *parts: tuple[Allocation, ...]) -> tuple[StockMove, ...]:
    every = (at for part in parts for at in part)
    return tuple(_claims(owner, every, held=MoveKind.RELEASE, waiting=MoveKind.UNQUEUE))


def _simple(
    kind: MoveKind, lines: Iterable[StockLine | AdjustedLine], reason: str
) -> Iterator[StockMove]:
    for line in lines:
        yield StockMove(
            item=line.item,
            location=line.location,
            kind=kind,
            quantity=line.quantity,
            reason=reason,
        )


# --- on an order's stream -----------------------------------------------------------------------


@frozen
class UnitsReserved(Event, MovesStock):
    """The order holds units and waits for units, at these places and in these allotments."""

    owner: StreamId
    allocations: tuple[Allocation, ...]
    allotments: tuple[Allocation, ...] = ()

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """A reserve for what is held, a queue for what is awaited."""
        return _taken(self.owner, self.allocations, self.allotments)


@frozen
class UnitsReleased(Event, MovesStock):
    """The order gave these units and places in the queue back."""

    owner: StreamId
    allocations: tuple[Allocation, ...]
    allotments: tuple[Allocation, ...] = ()

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """A release for what was held, an unqueue for what was awaited."""
        return _given_back(self.owner, self.allocations, self.allotments)


@frozen
class UnitsFilled(Event):
    """
    Waiting units have come: ``allocations`` is now the whole truth about the lines named.

    The counters were moved by the commit that freed the stock, so nothing moves here.
    """

    allocations: tuple[Allocation, ...]


@frozen
class UnitsFound(Event, MovesStock):
    """
    Awaited units were there after all: they have left with a parcel, and the books were wrong.

    ``allocations`` names them as awaited; they are held from here on, and shipped by the next fact.
    """

    owner: StreamId
    allocations: tuple[Allocation, ...]

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """A fill for what was awaited; it is a truth, so no bound keeps it back."""
        return tuple(
            _claims(self.owner, self.allocations, held=MoveKind.RESERVE, waiting=MoveKind.FILL)
        )


@frozen
class UnitsRequeued(Event):
    """
    Held units were lost to a truth (a count, damage) and are awaited again.

    ``allocations`` is now the whole truth about the lines named; nothing moves here.
    """

    allocations: tuple[Allocation, ...]


@frozen
class ReservationRefused(Event):
    """Nothing could be had for these lines now; a worker asks again at ``retry_at``."""

    lines: tuple[LineId, ...]
    retry_at: datetime = field(converter=utc)
    short: tuple[Shortage, ...] = ()


# --- on the stream of an operation --------------------------------------------------------------


@frozen
class StockPolicySet(Event):
    """How places may be promised from now on; the store writes it into their counters."""

    lines: tuple[PolicyLine, ...]


@frozen
class StockExpected(Event, MovesStock):
    """Units were announced, or an announcement was taken back."""

    lines: tuple[AdjustedLine, ...]
    reason: str = ""

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One expect per line, signed."""
        return tuple(_simple(MoveKind.EXPECT, self.lines, self.reason))


@frozen
class StockReceived(Event, MovesStock):
    """Units arrived; of each line ``expected`` units are no longer announced."""

    lines: tuple[ReceivedLine, ...]
    reason: str = ""

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One receive per line; then one expect below zero for each settled announcement."""
        settled = (
            AdjustedLine(item=line.item, location=line.location, quantity=-line.expected)
            for line in self.lines
            if line.expected
        )
        return (
            *_simple(MoveKind.RECEIVE, self.lines, self.reason),
            *_simple(MoveKind.EXPECT, settled, self.reason),
        )


@frozen
class StockCounted(Event, MovesStock):
    """A stock-take: this is what lies there; the ledger tells the difference."""

    lines: tuple[CountedLine, ...]
    reason: str

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One count per line."""
        return tuple(
            StockMove(
                item=line.item,
                location=line.location,
                kind=MoveKind.COUNT,
                quantity=line.counted,
                reason=self.reason,
            )
            for line in self.lines
        )


@frozen
class StockAdjusted(Event, MovesStock):
    """What is on hand was corrected by differences."""

    lines: tuple[AdjustedLine, ...]
    reason: str

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One adjust per line, signed."""
        return tuple(_simple(MoveKind.ADJUST, self.lines, self.reason))


@frozen
class StockDamaged(Event, MovesStock):
    """Units were set aside and cannot be sold."""

    lines: tuple[StockLine, ...]
    reason: str = ""

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One damage per line."""
        return tuple(_simple(MoveKind.DAMAGE, self.lines, self.reason))


@frozen
class StockRepaired(Event, MovesStock):
    """Units that were set aside can be sold again."""

    lines: tuple[StockLine, ...]
    reason: str = ""

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One repair per line."""
        return tuple(_simple(MoveKind.REPAIR, self.lines, self.reason))


@frozen
class StockWrittenOff(Event, MovesStock):
    """Units were given up; ``sound`` ones had not been set aside before."""

    lines: tuple[StockLine, ...]
    reason: str
    sound: bool = False

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """Sound units are set aside first (damage); then one write-off per line."""
        aside = self.lines if self.sound else ()
        return (
            *_simple(MoveKind.DAMAGE, aside, self.reason),
            *_simple(MoveKind.WRITE_OFF, self.lines, self.reason),
        )


@frozen
class StockTransferred(Event, MovesStock):
    """Free units were carried to another location."""

    lines: tuple[TransferLine, ...]
    reason: str = ""

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """Per line, a transfer out of the origin and one into the target."""
        return tuple(
            StockMove(
                item=line.item,
                location=location,
                kind=kind,
                quantity=line.quantity,
                reason=self.reason,
            )
            for line in self.lines
            for kind, location in (
                (MoveKind.TRANSFER_OUT, line.origin),
                (MoveKind.TRANSFER_IN, line.target),
            )
        )


@frozen
class StockHeld(Event, MovesStock):
    """A cart holds units until a deadline; ``wanted`` is what it asked for."""

    owner: StreamId
    allocations: tuple[Allocation, ...]
    until: datetime = field(converter=utc)
    wanted: tuple[WantedLine, ...] = ()
    allotments: tuple[Allocation, ...] = ()
    bound_by: tuple[LocationId, ...] = ()

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """A reserve for everything held."""
        return _taken(self.owner, self.allocations, self.allotments)


@frozen
class HoldRenewed(Event):
    """The deadline of a hold was moved."""

    until: datetime = field(converter=utc)


@frozen
class HoldReleased(Event, MovesStock):
    """A hold was given back, or (not ``ended``) only the lines named."""

    owner: StreamId
    allocations: tuple[Allocation, ...]
    allotments: tuple[Allocation, ...] = ()
    ended: bool = True

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """A release for what was held."""
        return _given_back(self.owner, self.allocations, self.allotments)


@frozen
class HoldExpired(Event, MovesStock):
    """The deadline of a hold passed; everything it held was given back."""

    owner: StreamId
    allocations: tuple[Allocation, ...]
    allotments: tuple[Allocation, ...] = ()

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """A release for what was held."""
        return _given_back(self.owner, self.allocations, self.allotments)


@frozen
class HoldTransferred(Event, MovesStock):
    """The hold became an order's: netted with the order's reserve in the same commit."""

    owner: StreamId
    to: StreamId
    allocations: tuple[Allocation, ...]
    allotments: tuple[Allocation, ...] = ()

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """A release for what was held."""
        return _given_back(self.owner, self.allocations, self.allotments)
